"""HTTP/1.1 through httpx. The one module that imports httpx; its types and errors stay here."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import cache, lru_cache
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from wayhook.errors import DefinitionError, Evidence, TransportError, Violation
from wayhook.wire import Request, Response

__all__ = ["HttpxTransport"]

BODY_LIMIT = 1_048_576
FIELD_LIMIT = 1_000
_CONNECT_SECONDS = 1.0
_IDLE_SECONDS = 5.0
_SWEEP_SECONDS = 1.0
_LENGTH_DIGITS = 18
_CONTEXTS_KEPT = 64
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_ENDED = ("Server disconnected", "peer closed connection")
_WITHOUT_BODY = frozenset({204, 304})


_Identity = tuple[str, str]
"""A client certificate with its chain, and its private key, in PEM form."""

_Origin = tuple[str, _Identity | None]
"""Scheme, host and port, and the client certificate: what a connection is for."""


class HttpxTransport:
    """Sends requests with httpx, over connections that are kept alive and used last in, first out.

    `client`: a client of your own, with its proxies, certificates, hooks and limits; it stays open when this
    transport closes, and a call with a client certificate of its own is refused. Without one, each connection is a
    pool of one: httpx's shared pool costs more with every connection in it, and can lose places when calls are
    cancelled.
    `trust`: certificates of authorities of your own in PEM form, as text or the path of a file, trusted beside the
    public ones; a client of your own brings its own.
    `body_limit`: bytes of an answer's body that are read at most.
    Raises `DefinitionError` when `trust` cannot be read or stands beside a client.
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
        self._client, self._body_limit = client, body_limit
        self._trust = _authorities(trust, client) if trust else ""
        self._contexts: dict[_Identity | None, ssl.SSLContext] = {}
        self._idle: dict[_Origin, deque[tuple[httpx.AsyncHTTPTransport, float]]] = defaultdict(deque)
        self._closed = False
        self._swept = 0.0

    async def send(self, request: Request, deadline: float) -> Response:
        """Send the request once; see `Transport.send`."""
        try:
            async with self._answer(request, deadline) as answer:
                headers = tuple((k.decode("latin-1").lower(), v.decode("latin-1")) for k, v in answer.headers.raw)
                if len(headers) > FIELD_LIMIT:
                    raise TransportError(f"the answer has more than {FIELD_LIMIT:,} header fields", Evidence.PERMANENT)
                body, fault = await self._body(answer, deadline)
                return Response(answer.status_code, headers, body, fault)
        except TimeoutError:
            raise TransportError("the time was used up before an answer came", Evidence.EXPIRED) from None
        except httpx.HTTPError as error:
            raise _translated(error) from None
        except ssl.SSLError as error:  # after the handshake httpcore does not translate it
            raise (_alert(error) or _broken()) from None
        except httpx.InvalidURL:
            raise TransportError("the client cannot use this URL", Evidence.REFUSED) from None
        except RuntimeError:
            raise TransportError("the client is closed, or belongs to another event loop", Evidence.REFUSED) from None

    @asynccontextmanager
    async def _answer(self, request: Request, deadline: float) -> AsyncIterator[httpx.Response]:
        """The answer, from its head to its end; a connection in doubt is closed, not kept."""
        message = _message(request)
        if self._client is not None:
            if request.identity is not None:
                raise TransportError("a client of your own brings its own client certificate", Evidence.REFUSED)
            async with asyncio.timeout_at(deadline):
                answer = await self._client.send(message, stream=True, follow_redirects=False)
            try:
                yield answer
            finally:
                await answer.aclose()
            return
        origin = (f"{message.url.scheme}://{message.url.netloc.decode('ascii')}", request.identity)
        idle = self._idle[origin]
        connection = idle.pop()[0] if idle else _connection(self._context(message.url.scheme, request.identity))
        clean = False
        try:
            async with asyncio.timeout_at(deadline):
                answer = await connection.handle_async_request(message)
            yield answer
            await answer.aclose()
            clean = not (self._closed or _has_leftover(connection))
        finally:
            if clean:
                self._idle[origin].append((connection, asyncio.get_running_loop().time()))
                await self._close_stale()
            else:
                await connection.aclose()

    def _context(self, scheme: str, identity: _Identity | None) -> ssl.SSLContext:
        """What a new connection trusts and shows; made once for each client certificate."""
        if scheme == "http":
            return _no_tls()
        if not (self._trust or identity):
            return _tls()
        if identity not in self._contexts:
            if len(self._contexts) >= _CONTEXTS_KEPT:
                del self._contexts[next(iter(self._contexts))]
            self._contexts[identity] = _tls_with(self._trust, identity)
        return self._contexts[identity]

    async def _close_stale(self) -> None:
        """Close what has been idle for long, of every host, about once a second: the first in would stay for ever."""
        now = asyncio.get_running_loop().time()
        if now - self._swept < _SWEEP_SECONDS:
            return
        self._swept = now
        for origin, idle in list(self._idle.items()):
            while idle and idle[0][1] < now - _IDLE_SECONDS:
                await idle.popleft()[0].aclose()
            if not idle:
                self._idle.pop(origin, None)

    async def _body(self, answer: httpx.Response, deadline: float) -> tuple[bytes, str]:
        """The body as far as it can be used, and why not all of it can."""
        too_large = f"the body is larger than {self._body_limit:,} bytes"
        if answer.status_code not in _WITHOUT_BODY and self._announces_too_much(answer):
            return b"", too_large
        chunks, size = [], 0
        try:
            async with asyncio.timeout_at(deadline):
                async for chunk in answer.aiter_raw():
                    size += len(chunk)
                    if size > self._body_limit:
                        return b"", too_large
                    chunks.append(chunk)
        except TimeoutError:
            return b"", "the body did not arrive in time"
        except (httpx.HTTPError, ssl.SSLError):
            return b"", "the body is cut or malformed"
        is_plain = answer.headers.get("content-encoding", "identity").strip().lower() in ("identity", "")
        return b"".join(chunks), "" if is_plain else "the body is compressed, which was not asked for"

    def _announces_too_much(self, answer: httpx.Response) -> bool:
        length = answer.headers.get("content-length", "")
        return length.isascii() and length.isdigit() and int(length[:_LENGTH_DIGITS]) > self._body_limit

    async def aclose(self) -> None:
        """Close every idle connection; one that is in use closes when its call ends."""
        self._closed = True
        for idle in self._idle.values():
            while idle:
                await idle.pop()[0].aclose()


def _message(request: Request) -> httpx.Request:
    """The request with the exact target, so that nothing is encoded a second time."""
    target = "/" + request.url.split("/", 3)[3] if request.url.count("/") > 2 else "/"  # noqa: PLR2004 - scheme://
    host = request.url.split("/", 3)[2]
    if "?" in host:
        host, _, query = host.partition("?")
        target = f"/?{query}"
    return httpx.Request(
        request.method,
        _origin(f"{request.url.split(':', 1)[0]}://{host}/"),
        headers=[*request.headers, ("Accept-Encoding", "identity")],
        content=request.body,
        extensions={
            "target": target.encode("ascii"),
            "timeout": {"connect": _CONNECT_SECONDS, "read": None, "write": None, "pool": None},
        },
    )


@lru_cache(maxsize=1024)
def _origin(url: str) -> httpx.URL:
    return httpx.URL(url)


def _connection(context: ssl.SSLContext) -> httpx.AsyncHTTPTransport:
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_IDLE_SECONDS)
    return httpx.AsyncHTTPTransport(verify=context, limits=limits, trust_env=False)


def _has_leftover(connection: httpx.AsyncHTTPTransport) -> bool:
    """Whether bytes came after the answer: httpcore 1 would hand them to the next call as its answer (P19)."""
    inner = (getattr(outer, "_connection", None) for outer in connection._pool.connections)  # noqa: SLF001
    states = (getattr(http, "_h11_state", None) for http in inner)
    return any(state is not None and state.trailing_data[0] for state in states)


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


@cache
def _tls() -> ssl.SSLContext:
    return _tls_with("", None)


def _tls_with(trust: str, identity: _Identity | None) -> ssl.SSLContext:
    """A context that trusts the public authorities and those of `trust`, and may show a client certificate."""
    context = httpx.create_ssl_context(verify=True, trust_env=False)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if trust:
        context.load_verify_locations(cadata=trust)
    if identity is not None:
        _show(context, identity)
    return context


def _show(context: ssl.SSLContext, identity: _Identity) -> None:
    """Load a client certificate. The library takes it from files only: readable by us alone, gone at once."""
    try:
        with TemporaryDirectory() as folder:
            certificate, key = Path(folder) / "certificate.pem", Path(folder) / "key.pem"
            for path, text in zip((certificate, key), identity, strict=True):
                path.touch(mode=0o600)
                path.write_text(text, encoding="ascii", errors="replace")
            context.load_cert_chain(certificate, key, password=lambda: "")
    except (ssl.SSLError, OSError):
        message = "the client certificate or its key is not in PEM form, or they do not belong together"
        raise TransportError(message, Evidence.REFUSED) from None


@cache
def _no_tls() -> ssl.SSLContext:
    """For plain http: a context that trusts nobody, and costs no loading of certificates."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _translated(error: httpx.HTTPError) -> TransportError:
    """By evidence, not by the name of the class alone."""
    if isinstance(error, _NEVER_SENT):
        return _connect_failure(error)
    if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return TransportError("the client cannot send this request", Evidence.REFUSED)
    if isinstance(error, httpx.ProxyError):
        return TransportError("the proxy refused the call", Evidence.NEVER_SENT)
    if isinstance(error, httpx.RemoteProtocolError) and not str(error).startswith(_ENDED):
        return TransportError("the answer is no HTTP", Evidence.PERMANENT)
    return _broken()


def _broken() -> TransportError:
    return TransportError("the connection broke before an answer came", Evidence.AMBIGUOUS)


_ALERTS = (
    (
        ("ALERT_CERTIFICATE_REQUIRED",),
        "the host asks for a client certificate; give the action a MutualTlsAuthentication",
    ),
    (
        ("_CERTIFICATE]", "ALERT_CERTIFICATE_", "ALERT_UNKNOWN_CA", "ALERT_ACCESS_DENIED"),
        "the host does not accept the client certificate",
    ),
    (
        ("ALERT_HANDSHAKE_FAILURE",),
        "the host ended the TLS handshake: it asks for a client certificate, or speaks TLS of another kind",
    ),
)


def _alert(error: ssl.SSLError) -> TransportError | None:
    """What the host said in the handshake, which it may still do when our side has ended: it has read nothing yet."""
    for words, message in _ALERTS:
        if any(word in str(error) for word in words):
            return TransportError(message, Evidence.PERMANENT)
    return None


def _connect_failure(error: BaseException) -> TransportError:
    if isinstance(error, httpx.ConnectTimeout):
        return TransportError("the host did not accept the connection in time", Evidence.NEVER_SENT)
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return TransportError("the certificate of the host is not trusted", Evidence.PERMANENT)
        if isinstance(cause, ssl.SSLError) and "EOF" not in str(cause):
            return _alert(cause) or TransportError("the host does not speak TLS 1.2 or newer", Evidence.PERMANENT)
        if isinstance(cause, socket.gaierror) and cause.errno != socket.EAI_AGAIN:
            return TransportError("the host name does not exist", Evidence.PERMANENT)
    return TransportError("the host cannot be connected to", Evidence.NEVER_SENT)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what caused it, each once: a chain may lead back to its start."""
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        seen.append(cause)
        yield cause
        cause = cause.__cause__ or cause.__context__
