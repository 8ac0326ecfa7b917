"""HTTP/1.1 through httpx and its engine, httpcore. The one module that imports them; their types stay here."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing
from contextvars import ContextVar
from functools import lru_cache
from ipaddress import ip_address
from os import PathLike
from socket import EAI_AGAIN, gaierror
from typing import Any, Protocol, cast

import attrs
import httpcore
import httpx

from wayhook.adapters.transport.body import BODY_LIMIT, CUT, LATE, announced_length, decoded, too_large
from wayhook.adapters.transport.dial import CONNECT_SECONDS, Destination, Resolver, alert, not_tls
from wayhook.adapters.transport.failure import broken, crowded, expired, is_shortage, malformed, short, unsendable
from wayhook.adapters.transport.head import WITHOUT_BODY, ends_connection, require_bounded
from wayhook.adapters.transport.origin import Origin, content_length, destined
from wayhook.adapters.transport.pool import Key, Pool, at_home
from wayhook.adapters.transport.stream import Stream
from wayhook.adapters.transport.tls import Trust
from wayhook.errors import DefinitionError, Delivery, Evidence, TransportError, Violation
from wayhook.model.address import Address
from wayhook.wire import Headers, Request, Response

__all__ = ["HttpxTransport"]

_CHUNKS_A_TURN = 256
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout)
_ENDED = ("Server disconnected", "peer closed connection")
_BROKEN = (
    httpx.HTTPError,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    ssl.SSLError,  # after the handshake httpcore does not translate it
    ConnectionError,
)

_OURS: ContextVar[bool] = ContextVar("ours", default=False)
_LOGGERS = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.socks")
_CODECS = ("hpack.hpack", "hpack.table")


def _is_not_ours(_: logging.LogRecord) -> bool:
    """Drop what the client would log about our requests (P50); what others do with it is logged as they like."""
    return not _OURS.get()


def _never(_: logging.LogRecord) -> bool:
    """Drop what the codec of HTTP/2 logs: the table of a connection is everybody's, and names our fields to others."""
    return False


class HttpxTransport:
    """Sends requests with httpx, over connections that are kept alive and used last in, first out.

    `client`: a client of your own, with its proxies, certificates, hooks and limits; it stays open when this
    transport closes, and a call with a client certificate of its own is refused. Without one, each connection is
    dialled here: the addresses are judged, the name is resolved once, limits are kept as the bytes come, and a request
    that must not be sent twice finds a connection that is alive.
    `body_limit`: bytes of an answer's body that are read at most, on the wire and inflated.
    `trust`: certificates of authorities of your own in PEM form, as text or the path of a file, trusted beside the
    public ones; a client of your own brings its own. Raises `DefinitionError` when they cannot be read.
    No redirect is followed; without a client of your own no cookie is kept and no variable of the environment
    is read.
    """

    def __init__(
        self,
        client: httpx.AsyncClient | None = None,
        *,
        trust: str | PathLike[str] = "",
        body_limit: int = BODY_LIMIT,
    ) -> None:
        self._client, self.body_limit = client, body_limit
        if trust and client is not None:
            raise DefinitionError([Violation("$.trust", "a client of your own brings what it trusts; leave this out")])
        self._trust = Trust(trust)
        self._pool: Pool[_Connection] | None = None
        self._closed = False
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(_is_not_ours)
        for name in _CODECS if client is not None else ():
            logging.getLogger(name).addFilter(_never)

    async def send(self, request: Request, deadline: float) -> Response:
        """Send the request once; see `Transport.send`."""
        way = self._way(request)
        ours = _OURS.set(True)
        try:
            return await self._exchanged(way, request, deadline)
        except asyncio.CancelledError as stopped:
            # The frames of the client hold headers and bytes; who looks at a traceback does not see them (P49).
            stopped.__context__ = None
            raise stopped.with_traceback(None) from None
        finally:
            _OURS.reset(ours)

    async def _exchanged(self, way: _Way, request: Request, deadline: float) -> Response:
        """The answer by the deadline: its head, and of its body what can be used."""
        head, complete = None, False
        body, fault = b"", ""
        try:
            async with asyncio.timeout_at(deadline):
                arrived = await way.head()
                require_bounded(arrived.status, arrived.headers)
                head = arrived
                wire = await self._body(head, request.method)
            complete = True
            body, fault = (wire, "") if head.is_decoded else decoded(wire, head.headers, self.body_limit)
        except TimeoutError:
            if head is None:
                raise (crowded("a connection of the client") if way.waits else expired(sent=way.sent)) from None
            fault = LATE
        except TransportError as error:
            if head is None:
                raise
            fault = error.message
        except _BROKEN as error:
            if head is None:
                raise way.failure(error) from None
            fault = CUT
        finally:
            await way.end(complete=complete)
        return Response(head.status, head.headers, body, fault)

    async def _body(self, head: _Head, method: str) -> bytes:
        """The body as it is on the wire; raises `TransportError` for one above the limit."""
        has_body = method != "HEAD" and head.status not in WITHOUT_BODY
        if has_body and announced_length(head.headers) > self.body_limit:
            raise TransportError(too_large(self.body_limit), Evidence.PERMANENT)
        chunks, size = [], 0
        async with aclosing(head.body) as body:
            async for chunk in body:
                size += len(chunk)
                if size > self.body_limit:
                    raise TransportError(too_large(self.body_limit), Evidence.PERMANENT)
                chunks.append(chunk)
                if not len(chunks) % _CHUNKS_A_TURN:
                    await asyncio.sleep(0)  # one read may hold thousands of them
        return b"".join(chunks)

    def _way(self, request: Request) -> _Way:
        """How the request travels; raises `TransportError` for one that cannot."""
        pool = self._pool = self._settled()
        origin, target = destined(request.url)
        try:
            if self._client is not None:
                return _ByClient(self._client, pool.resolver, origin, target, request)
            return self._by_connection(pool, origin, target, request)
        except (UnicodeEncodeError, httpx.InvalidURL):
            raise unsendable() from None

    def _by_connection(self, pool: Pool[_Connection], origin: Origin, target: str, request: Request) -> _Way:
        message = _message(origin, target, request)
        key = (origin.name, request.identity)
        connection = pool.take(key, request)
        if connection is None:
            tls = None if origin.scheme == "http" else self._trust.context(request.identity)
            connection = _Connection(key, Destination(origin.host, origin.port, tls, request.network), pool)
        return _ByConnection(connection, message, self.body_limit)

    def _settled(self) -> Pool[_Connection]:
        return at_home(self._pool, lambda: Pool(keeps=not self._closed))

    async def aclose(self) -> None:
        """Close every idle connection; one that is in use closes when its call ends."""
        self._closed = True
        self._pool = self._settled()
        self._pool.close()
        await asyncio.sleep(0)  # for the sockets to close


@attrs.frozen
class _Head:
    """A final head, and the body to come. `is_decoded`: whether somebody took the content coding off already."""

    status: int
    headers: Headers
    body: AsyncGenerator[bytes, None]
    is_decoded: bool = False


class _Way(Protocol):
    """One exchange. `sent`: whether a byte of the request may have left. `waits`: whether it has no connection yet, and
    began none, since all that it may have are in use."""  # noqa: D205, D209 - one list

    @property
    def sent(self) -> bool: ...
    @property
    def waits(self) -> bool: ...
    async def head(self) -> _Head: ...
    def failure(self, error: Exception) -> TransportError: ...
    async def end(self, *, complete: bool) -> None: ...


def _fields(raw: Iterable[tuple[bytes, bytes]]) -> Headers:
    return tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in raw)


# Over a connection of our own.


class _Wire(httpcore.AsyncNetworkStream):
    """Our stream, as httpcore's engine uses one. `chunk`: tells how many bytes of a chunk its parser still awaits."""

    def __init__(self, stream: Stream, chunk: Callable[[], int]) -> None:
        self._stream, self._chunk = stream, chunk

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002, ASYNC109 - theirs
        return await self._stream.read(self._chunk())

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109
        self._stream.write(buffer)

    async def aclose(self) -> None:
        self._stream.abort()

    async def start_tls(self, *_: Any, **__: Any) -> _Wire:
        return self  # it speaks TLS already


class _Connection(httpcore.AsyncNetworkBackend):
    """A connection of httpcore over a stream that is dialled here, when it is first used.

    `stream`: None until then. `idle_since`: on the loop's clock.
    """

    def __init__(self, key: Key, destination: Destination, pool: Pool[_Connection]) -> None:
        self.key, self.pool, self._destination = key, pool, destination
        self.stream: Stream | None = None
        self.idle_since = 0.0
        scheme = b"http" if destination.tls is None else b"https"
        origin = httpcore.Origin(scheme, destination.host.encode(), destination.port)
        # A context is given for plain http as well: without one httpcore would load every certificate there is.
        self.engine = httpcore.AsyncHTTPConnection(origin, destination.tls or _no_tls(), network_backend=self)

    async def connect_tcp(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        """Dial: httpcore says where to, and we know."""
        pool = self.pool
        self.stream = await self._destination.dial(pool.resolver, lambda opened: Stream(opened, pool.buffer))
        return _Wire(self.stream, lambda: _awaited(getattr(self.engine, "_connection", None)))

    def serves(self, request: Request) -> bool:
        """Whether it is alive, and leads where the policy of `request` allows."""
        stream = self.stream
        return stream is not None and stream.is_alive and self._destination.is_open_to(request.network, stream)

    @property
    def is_clean(self) -> bool:
        """Whether it may serve again: nothing was left over, neither on the wire nor in the parser (P19)."""
        if self.stream is None or not self.stream.is_quiet or not self.engine.is_idle():
            return False
        return not _leftover(getattr(self.engine, "_connection", None))

    def abort(self) -> None:
        """Close the socket now."""
        if self.stream is not None:
            self.stream.abort()

    def disown(self) -> None:
        """Close our copy of the socket, and touch neither its loop nor the other process that has one."""
        if self.stream is not None:
            self.stream.disown()


class _ByConnection:
    """One exchange over a connection of ours."""

    waits = False

    def __init__(self, connection: _Connection, message: httpcore.Request, body_limit: int) -> None:
        self._connection, self._message, self._body_limit = connection, message, body_limit
        self._reused = connection.stream is not None
        self._answer: httpcore.Response | None = None
        self._is_last = False

    @property
    def sent(self) -> bool:
        stream = self._connection.stream
        return stream is not None and stream.sent

    async def head(self) -> _Head:
        if (known := self._connection.stream) is not None:
            known.begin()
        self._answer = answer = await self._connection.engine.handle_async_request(self._message)
        if (stream := self._connection.stream) is not None:
            stream.begin_body(self._body_limit)
        headers = _fields(answer.headers)
        named = dict(headers)
        # Where a HEAD has no length, some servers send the last chunk of no body, a moment later.
        doubtful = self._message.method == b"HEAD" and "content-length" not in named
        self._is_last = doubtful or ends_connection(answer.status, named)
        body = cast("AsyncGenerator[bytes, None]", aiter(answer.stream))  # type: ignore[arg-type]
        return _Head(answer.status, headers, body)

    def failure(self, error: Exception) -> TransportError:
        """By what happened to the bytes, not by the name of the error (F61, F62)."""
        stream = self._connection.stream
        if stream is None:  # nobody dialled: the engine is mocked
            return _translated(error)
        if isinstance(error, httpcore.LocalProtocolError):
            return unsendable()
        if (said := alert(stream.failure or error)) is not None:
            return said
        if not stream.at_end:
            return malformed()
        if self._reused and not stream.sent:
            return TransportError("the connection was closed before the request left", Evidence.NEVER_SENT)
        return broken()

    async def end(self, *, complete: bool) -> None:
        clean = False
        try:
            if complete and self._answer is not None:
                await self._answer.aclose()
                clean = self._connection.is_clean and not self._is_last
        finally:
            if clean:
                self._connection.pool.keep(self._connection)
            else:
                self._connection.abort()


def _message(origin: Origin, target: str, request: Request) -> httpcore.Request:
    """The request with the exact target, so that nothing is encoded a second time or normalised away."""
    url = httpcore.URL(
        scheme=origin.scheme.encode(),
        host=origin.host.encode("ascii"),
        port=origin.port,
        target=target.encode("ascii"),
    )
    headers = [(b"Host", origin.authority.encode("ascii"))]
    if (length := content_length(request)) is not None:
        headers.append((b"Content-Length", b"%d" % length))
    headers += [(name.encode("ascii"), value.encode("ascii")) for name, value in request.headers]
    headers.append((b"Accept-Encoding", b"identity"))
    return httpcore.Request(request.method, url, headers=headers, content=request.body or b"")


def _leftover(http: Any) -> bool:
    """Whether bytes came behind the answer: httpcore 1 would hand them to the next call as its answer (P19)."""
    state = getattr(http, "_h11_state", None)
    return state is not None and bool(state.trailing_data[0])


def _awaited(http: Any) -> int:
    """How many bytes of a chunk are still to come; h11 itself would wait for 2**80 of them."""
    reader = getattr(getattr(http, "_h11_state", None), "_reader", None)
    return getattr(reader, "_bytes_in_chunk", 0)


# Over a client of the user's own.


class _ByClient:
    """One exchange through a client that was given: it dials, we look on.

    Its engine tells when it dials: then the addresses are judged, and once more the one that it reached, before a
    byte is sent. A client that dials nothing (a mock, an application in the same process) is not asked, and a proxy
    of its own is trusted.
    """

    def __init__(
        self, client: httpx.AsyncClient, resolver: Resolver, origin: Origin, target: str, request: Request
    ) -> None:
        if request.identity is not None:
            raise TransportError("a client of your own brings its own client certificate", Evidence.REFUSED)
        self._client, self._resolver = client, resolver
        self._destination = Destination(origin.host, origin.port, network=request.network)
        self._allowed: tuple[Address, ...] = ()
        self._dialled: httpcore.AsyncNetworkStream | None = None
        self._answer: httpx.Response | None = None
        self._is_last = False
        self._told = self.waits = isinstance(_transport_of(client, origin.name), httpx.AsyncHTTPTransport)
        self.sent = not self._told
        self._message = httpx.Request(
            request.method,
            _their_url(origin.name),
            headers=[*request.headers, ("Accept-Encoding", "identity")],
            content=request.body,
            extensions={
                "target": target.encode("ascii"),
                "timeout": {"connect": CONNECT_SECONDS, "read": None, "write": None, "pool": None},
                "trace": self._trace,
            },
        )

    async def _trace(self, event: str, about: Mapping[str, Any]) -> None:
        if not self._told:
            self._told, self.sent = True, False
        self.waits = False
        if event == "connection.connect_tcp.started" and about["host"] == self._destination.host.strip("[]"):
            self._allowed = await self._judged()
        elif event == "connection.connect_tcp.complete":
            self._dialled = about["return_value"]
            await self._compare(self._dialled)
        elif event.endswith(".send_request_headers.started"):
            self.sent = True

    async def _judged(self) -> tuple[Address, ...]:
        if self._destination.network is None:
            return ()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await self._destination.addresses(self._resolver)
        except TimeoutError:
            raise TransportError("the host name was not resolved in time", Evidence.NEVER_SENT) from None

    async def _compare(self, stream: httpcore.AsyncNetworkStream) -> None:
        if not self._allowed:
            return
        peer = stream.get_extra_info("server_addr")
        if not peer:
            raise TransportError("the connection broke before anything was sent", Evidence.NEVER_SENT)
        if ip_address(peer[0]) in self._allowed:
            return
        raise TransportError("another address answered than the ones that were judged", Evidence.REFUSED)

    async def head(self) -> _Head:
        try:
            self._answer = answer = await self._client.send(self._message, stream=True, follow_redirects=False)
        except RuntimeError:
            raise TransportError("the client is closed, or belongs to another event loop", Evidence.REFUSED) from None
        headers = _fields(answer.headers.raw)
        self._is_last = ends_connection(answer.status_code, dict(headers))
        if answer.is_stream_consumed:  # by a hook, or by a mock that never had a stream
            return _Head(answer.status_code, headers, _whole(answer.content), is_decoded=True)
        return _Head(answer.status_code, headers, cast("AsyncGenerator[bytes, None]", answer.aiter_raw()))

    def failure(self, error: Exception) -> TransportError:
        return _translated(error)

    async def end(self, *, complete: bool) -> None:
        if self._answer is None:
            if self._dialled is not None and not self.sent:  # httpcore forgets it, cancelled in a handshake for one
                await self._dialled.aclose()
            return
        http = _their_connection(self._answer.stream) if complete else None
        is_last = self._is_last or _leftover(http)
        await self._answer.aclose()
        if is_last and http is not None:
            await http.aclose()


async def _whole(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body


@lru_cache(maxsize=1024)
def _their_url(origin: str) -> httpx.URL:
    return httpx.URL(origin + "/")


def _transport_of(client: httpx.AsyncClient, origin: str) -> object:
    """What the client sends with: only httpx's own tells what it does, and of others it may have been sent (P1)."""
    return client._transport_for_url(_their_url(origin))  # noqa: SLF001 - it shows its transports nowhere else


def _their_connection(stream: object) -> Any:
    """What reads the answer below all the wrappers of httpx and httpcore, if it is theirs."""
    for name in ("_stream", "_httpcore_stream", "_stream", "_connection"):
        stream = getattr(stream, name, None)
    return stream


@lru_cache(maxsize=1)
def _no_tls() -> ssl.SSLContext:
    """For plain http: a context that trusts nobody, and costs no loading of certificates."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


# What the errors of a client mean that dials for itself.


def _translated(error: Exception) -> TransportError:
    """By evidence, not by the name of the class alone."""
    if isinstance(error, _NEVER_SENT):
        return _connect_failure(error)
    if isinstance(error, httpx.PoolTimeout):
        return TransportError("no connection of the client was free in time", Evidence.NEVER_SENT, local=True)
    if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return unsendable()
    if isinstance(error, httpx.ProxyError):
        return TransportError("the proxy refused the call", Evidence.NEVER_SENT)
    if isinstance(error, httpx.RemoteProtocolError) and not str(error).startswith(_ENDED):
        return malformed()
    return broken()


def _connect_failure(error: BaseException) -> TransportError:
    if isinstance(error, httpx.ConnectTimeout):
        return TransportError("the host did not accept the connection in time", Evidence.NEVER_SENT)
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            message = "the certificate of the host is not trusted"
            return TransportError(message, Evidence.PERMANENT, delivery=Delivery.REJECTED)
        if isinstance(cause, ssl.SSLError) and "EOF" not in str(cause):
            return alert(cause) or not_tls()
        if isinstance(cause, gaierror) and cause.errno != EAI_AGAIN:
            return TransportError("the host name does not exist", Evidence.PERMANENT, delivery=Delivery.UNAVAILABLE)
        if is_shortage(cause):
            return short()
    return TransportError("the host cannot be connected to", Evidence.NEVER_SENT)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what caused it, each once: a chain may lead back to its start."""
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        seen.append(cause)
        yield cause
        cause = cause.__cause__ or cause.__context__
