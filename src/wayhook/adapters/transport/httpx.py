"""HTTP/1.1 through httpx and its engine, httpcore. The one module that imports them; their types stay here."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import ssl
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing
from contextvars import ContextVar
from functools import lru_cache
from ipaddress import ip_address
from os import PathLike
from pathlib import Path
from socket import EAI_AGAIN, gaierror
from tempfile import TemporaryDirectory
from typing import Any, Protocol, cast

import attrs
import httpcore
import httpx

from wayhook.adapters.transport.body import BODY_LIMIT, announced_length, decoded, too_large
from wayhook.adapters.transport.dial import CONNECT_SECONDS, Destination, Resolver, alert, is_shortage, not_tls, short
from wayhook.adapters.transport.stream import FIELD_LIMIT, HEAD_LIMIT, Stream
from wayhook.errors import DefinitionError, Delivery, Evidence, TransportError, Violation
from wayhook.model.address import Address
from wayhook.model.url import StaticUrl, UrlFault, parse_url
from wayhook.wire import Headers, Request, Response

__all__ = ["HttpxTransport"]

_IDLE_SECONDS = 5.0
_ALIVE_SECONDS = 1.0
_SWEEP_SECONDS = 1.0
_CONTEXTS_KEPT = 64
_CHUNKS_A_TURN = 256
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout)
_ENDED = ("Server disconnected", "peer closed connection")
_WITHOUT_BODY = frozenset({204, 304})
_WITH_LENGTH = frozenset({"POST", "PUT", "PATCH"})
_BROKEN = (
    httpx.HTTPError,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    ssl.SSLError,  # after the handshake httpcore does not translate it
    ConnectionError,
)
_URL = re.compile(r"([A-Za-z]+://[^/?#]*)(/[^?#]*)?(\?[^#]*)?")

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
        self._trust = _authorities(trust, client) if trust else ""
        self._idle: dict[_Origin, deque[_Connection]] = defaultdict(deque)
        self._contexts: dict[tuple[str, str] | None, ssl.SSLContext] = {}
        self._resolver = Resolver()
        self._home: tuple[int, asyncio.AbstractEventLoop] | None = None
        self._closed = False
        self._sweep: asyncio.TimerHandle | None = None
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(_is_not_ours)
        for name in _CODECS if client is not None else ():
            logging.getLogger(name).addFilter(_never)

    async def send(self, request: Request, deadline: float) -> Response:
        """Send the request once; see `Transport.send`."""
        self._settle()
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
                head = _bounded(await way.head())
                wire = await self._body(head, request.method)
            complete = True
            body, fault = (wire, "") if head.is_decoded else decoded(wire, head.headers, self.body_limit)
        except TimeoutError:
            if head is None:
                raise (_waited() if way.waits else _expired(sent=way.sent)) from None
            fault = "the body did not arrive in time"
        except TransportError as error:
            if head is None:
                raise
            fault = error.message
        except _BROKEN as error:
            if head is None:
                raise way.failure(error) from None
            fault = "the body is cut or malformed"
        finally:
            await way.end(complete=complete)
        return Response(head.status, head.headers, body, fault)

    async def _body(self, head: _Head, method: str) -> bytes:
        """The body as it is on the wire; raises `TransportError` for one above the limit."""
        has_body = method != "HEAD" and head.status not in _WITHOUT_BODY
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
        url = _URL.fullmatch(request.url)
        try:
            if url is None:
                raise UrlFault(("no URL", ""))
            origin, target = _origin(url[1]), f"{url[2] or '/'}{url[3] or ''}".encode("ascii")
            if self._client is not None:
                return _ByClient(self._client, self._resolver, origin, target, request)
            return self._by_connection(origin, target, request)
        except (UrlFault, UnicodeEncodeError, httpx.InvalidURL):
            raise TransportError("the client cannot send this request", Evidence.REFUSED) from None

    def _by_connection(self, origin: StaticUrl, target: bytes, request: Request) -> _Way:
        message = _message(origin, target, request)
        key = (origin, request.identity)
        connection = self._alive(key, request)
        if connection is None:
            tls = None if origin.scheme == "http" else self._context(request.identity)
            destination = Destination(origin.host, origin.port, tls, request.network)
            connection = _Connection(key, destination, self._resolver)
        return _ByConnection(connection, message, self)

    def _context(self, identity: tuple[str, str] | None) -> ssl.SSLContext:
        """What a new connection trusts and shows; made once for each client certificate."""
        if not (self._trust or identity):
            return _public_tls()
        if identity not in self._contexts:
            if len(self._contexts) >= _CONTEXTS_KEPT:
                del self._contexts[next(iter(self._contexts))]
            self._contexts[identity] = _tls(self._trust, identity)
        return self._contexts[identity]

    def _alive(self, key: _Origin, request: Request) -> _Connection | None:
        """The connection that was used last, if it can be used again for `request`; those that cannot at all close."""
        idle, now = self._idle[key], asyncio.get_running_loop().time()
        while idle:
            connection = idle[-1]
            if request.fresh and connection.idle_since < now - _ALIVE_SECONDS:
                break
            idle.pop()
            if connection.idle_since >= now - _IDLE_SECONDS and connection.serves(request):
                return connection
            connection.abort()
        return None

    def keep(self, connection: _Connection) -> None:
        """Keep a connection for the next request, or close it when the transport is closed or serves another loop."""
        loop = asyncio.get_running_loop()
        if self._closed or self._home is None or self._home[1] is not loop:
            connection.abort()
            return
        connection.idle_since = loop.time()
        self._idle[connection.key].append(connection)
        if self._sweep is None:
            self._sweep = loop.call_later(_SWEEP_SECONDS, self._close_stale, loop)

    def _close_stale(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close what has been idle for long, of every host, once a second as long as there is any.

        Otherwise the first in would stay for ever, and everything when nobody calls any more.
        """
        if self._home is None or self._home[1] is not loop:  # others are at home now
            return
        now = loop.time()
        for key, idle in list(self._idle.items()):
            while idle and (idle[0].idle_since < now - _IDLE_SECONDS or not idle[0].is_clean):
                idle.popleft().abort()
            if not idle:
                self._idle.pop(key, None)
        self._sweep = loop.call_later(_SWEEP_SECONDS, self._close_stale, loop) if self._idle else None

    def _settle(self) -> None:
        """Give up, in another loop or a forked process, what belongs to the first (P25)."""
        home = (os.getpid(), asyncio.get_running_loop())
        if home == self._home:
            return
        if self._home is not None:
            process, loop = self._home
            alive = process == home[0] and not loop.is_closed()
            for connection in [connection for idle in self._idle.values() for connection in idle]:
                if alive:
                    loop.call_soon_threadsafe(connection.abort)
                else:
                    connection.disown()
            self._idle.clear()
            self._sweep, self._resolver = None, Resolver()
        self._home = home

    async def aclose(self) -> None:
        """Close every idle connection; one that is in use closes when its call ends."""
        self._settle()
        self._closed = True
        for idle in self._idle.values():
            while idle:
                idle.pop().abort()
        if self._sweep is not None:
            self._sweep.cancel()
        await asyncio.sleep(0)  # for the sockets to close


_Origin = tuple[StaticUrl, tuple[str, str] | None]
"""Scheme, host and port, and the client certificate: what a connection is for."""


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


def _bounded(head: _Head) -> _Head:
    if head.status < 200:  # noqa: PLR2004
        raise _malformed("the host switched to a protocol that nobody asked for")
    if len(head.headers) > FIELD_LIMIT:
        raise _malformed(f"the answer has more than {FIELD_LIMIT:,} header fields")
    if sum(len(name) + len(value) + 4 for name, value in head.headers) > HEAD_LIMIT:
        raise _malformed(f"the head of the answer is larger than {HEAD_LIMIT:,} bytes")
    return head


def _malformed(message: str) -> TransportError:
    """What is wrong with an answer that would be wrong again; the call may have been done all the same."""
    return TransportError(message, Evidence.PERMANENT, delivery=Delivery.UNKNOWN)


def _fields(raw: Iterable[tuple[bytes, bytes]]) -> Headers:
    return tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in raw)


def _is_doubtful(status: int, headers: Headers) -> bool:
    """Whether the answer is framed in two ways at once (RFC 9112 6.3), or announces a body where none is read (P19)."""
    framing = {name: value.strip() for name, value in headers if name in ("transfer-encoding", "content-length")}
    if status in _WITHOUT_BODY:  # a 304 may name the length of what is not sent, but not everybody leaves it unsent
        return framing not in ({}, {"content-length": "0"})
    return len(framing) > 1


def _expired(*, sent: bool) -> TransportError:
    message = "the time was used up before an answer came" if sent else "the time was used up before anything was sent"
    return TransportError(message, Evidence.EXPIRED, delivery=Delivery.UNKNOWN if sent else Delivery.UNAVAILABLE)


def _waited() -> TransportError:
    message = "the time was used up before a connection of the client was free"
    return TransportError(message, Evidence.EXPIRED, delivery=Delivery.UNAVAILABLE, local=True)


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

    def __init__(self, key: _Origin, destination: Destination, resolver: Resolver) -> None:
        self.key, self._destination, self._resolver = key, destination, resolver
        self.stream: Stream | None = None
        self.idle_since = 0.0
        origin = httpcore.Origin(key[0].scheme.encode(), destination.host.encode(), destination.port)
        # A context is given for plain http as well: without one httpcore would load every certificate there is.
        self.engine = httpcore.AsyncHTTPConnection(origin, destination.tls or _no_tls(), network_backend=self)

    async def connect_tcp(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        """Dial: httpcore says where to, and we know."""
        self.stream = await self._destination.dial(self._resolver)
        return _Wire(self.stream, lambda: _awaited(getattr(self.engine, "_connection", None)))

    def serves(self, request: Request) -> bool:
        """Whether it is alive, and leads where the policy of `request` allows."""
        if self.stream is None or not self.stream.is_alive:
            return False
        known = self._destination
        if request.network is None or request.network is known.network:
            return True
        address = ip_address(self.stream.socket.getpeername()[0])
        return not request.network.address_refusal(known.host, known.port, address)

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
            self.stream.socket.close()


class _ByConnection:
    """One exchange over a connection of ours."""

    waits = False

    def __init__(self, connection: _Connection, message: httpcore.Request, owner: HttpxTransport) -> None:
        self._connection, self._message, self._owner = connection, message, owner
        self._reused = connection.stream is not None
        self._answer: httpcore.Response | None = None
        self._doubtful = False

    @property
    def sent(self) -> bool:
        stream = self._connection.stream
        return stream is not None and stream.sent

    async def head(self) -> _Head:
        if (known := self._connection.stream) is not None:
            known.begin()
        self._answer = answer = await self._connection.engine.handle_async_request(self._message)
        if (stream := self._connection.stream) is not None:
            stream.begin_body(self._owner.body_limit)
        headers = _fields(answer.headers)
        self._doubtful = _is_doubtful(answer.status, headers)
        body = cast("AsyncGenerator[bytes, None]", aiter(answer.stream))  # type: ignore[arg-type]
        return _Head(answer.status, headers, body)

    def failure(self, error: Exception) -> TransportError:
        """By what happened to the bytes, not by the name of the error (F61, F62)."""
        stream = self._connection.stream
        if stream is None:  # nobody dialled: the engine is mocked
            return _translated(error)
        if isinstance(error, httpcore.LocalProtocolError):
            return TransportError("the client cannot send this request", Evidence.REFUSED)
        if (said := alert(stream.failure or error)) is not None:
            return said
        if not stream.ended:
            return _malformed("the answer is no HTTP")
        if self._reused and not stream.sent:
            return TransportError("the connection was closed before the request left", Evidence.NEVER_SENT)
        return TransportError("the connection broke before an answer came", Evidence.AMBIGUOUS)

    async def end(self, *, complete: bool) -> None:
        clean = False
        try:
            if complete and self._answer is not None:
                await self._answer.aclose()
                clean = self._connection.is_clean and not self._doubtful
        finally:
            if clean:
                self._owner.keep(self._connection)
            else:
                self._connection.abort()


def _message(origin: StaticUrl, target: bytes, request: Request) -> httpcore.Request:
    """The request with the exact target, so that nothing is encoded a second time or normalised away."""
    host = origin.origin.partition("://")[2]
    headers = [(b"Host", host.encode("ascii"))]
    if request.body is not None or request.method in _WITH_LENGTH:
        headers.append((b"Content-Length", b"%d" % len(request.body or b"")))
    headers += [(name.encode("ascii"), value.encode("ascii")) for name, value in request.headers]
    headers.append((b"Accept-Encoding", b"identity"))
    url = httpcore.URL(scheme=origin.scheme.encode(), host=origin.host.encode("ascii"), port=origin.port, target=target)
    return httpcore.Request(request.method, url, headers=headers, content=request.body or b"")


@lru_cache(maxsize=1024)
def _origin(text: str) -> StaticUrl:
    return parse_url(text + "/")


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
        self, client: httpx.AsyncClient, resolver: Resolver, origin: StaticUrl, target: bytes, request: Request
    ) -> None:
        if request.identity is not None:
            raise TransportError("a client of your own brings its own client certificate", Evidence.REFUSED)
        self._client, self._resolver = client, resolver
        self._destination = Destination(origin.host, origin.port, network=request.network)
        self._allowed: tuple[Address, ...] = ()
        self._dialled: httpcore.AsyncNetworkStream | None = None
        self._answer: httpx.Response | None = None
        self._doubtful = False
        self._told = self.waits = isinstance(_transport_of(client, origin.origin), httpx.AsyncHTTPTransport)
        self.sent = not self._told
        self._message = httpx.Request(
            request.method,
            _their_url(origin.origin),
            headers=[*request.headers, ("Accept-Encoding", "identity")],
            content=request.body,
            extensions={
                "target": target,
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
        self._doubtful = _is_doubtful(answer.status_code, headers)
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
        doubtful = self._doubtful or _leftover(http)
        await self._answer.aclose()
        if doubtful and http is not None:
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


# TLS, always verified, 1.2 or newer (P42).


def _authorities(trust: str | PathLike[str], client: httpx.AsyncClient | None) -> str:
    """The certificates to trust, in PEM form, once they have been read and tried."""
    if client is not None:
        raise DefinitionError([Violation("$.trust", "a client of your own brings what it trusts; leave this out")])
    try:
        is_text = isinstance(trust, str) and "-----BEGIN" in trust
        text = str(trust) if is_text else Path(trust).read_text(encoding="ascii")
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (OSError, ValueError, TypeError):
        message = "give certificates in PEM form, as text or the path of a file that holds them"
        raise DefinitionError([Violation("$.trust", message)]) from None
    return text


@lru_cache(maxsize=1)
def _public_tls() -> ssl.SSLContext:
    return _tls("", None)


def _tls(trust: str, identity: tuple[str, str] | None) -> ssl.SSLContext:
    """A context that trusts the public authorities and those of `trust`, and may show a client certificate."""
    context = httpx.create_ssl_context(verify=True, trust_env=False)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if trust:
        context.load_verify_locations(cadata=trust)
    if identity is not None:
        _load(context, identity)
    return context


def _load(context: ssl.SSLContext, identity: tuple[str, str]) -> None:
    """The library reads a certificate from a file only, which is gone at once."""
    with TemporaryDirectory() as folder:
        certificate, key = Path(folder) / "certificate.pem", Path(folder) / "key.pem"
        for path, text in zip((certificate, key), identity, strict=True):
            path.touch(mode=0o600)
            path.write_text(text, encoding="ascii", errors="replace")
        try:
            context.load_cert_chain(certificate, key, password=lambda: "")
        except (ssl.SSLError, OSError):
            message = "the client certificate or its key is not in PEM form, or they do not belong together"
            raise TransportError(message, Evidence.REFUSED) from None


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
        return TransportError("the client cannot send this request", Evidence.REFUSED)
    if isinstance(error, httpx.ProxyError):
        return TransportError("the proxy refused the call", Evidence.NEVER_SENT)
    if isinstance(error, httpx.RemoteProtocolError) and not str(error).startswith(_ENDED):
        return _malformed("the answer is no HTTP")
    return _broken()


def _broken() -> TransportError:
    return TransportError("the connection broke before an answer came", Evidence.AMBIGUOUS)


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
