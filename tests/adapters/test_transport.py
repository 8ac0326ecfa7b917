"""Our transports against real sockets that misbehave, and httpx against respx (reliability, sections 5 and 8)."""

from __future__ import annotations

import asyncio
import gzip
import logging
import socket
import ssl
import struct
import subprocess
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import attrs
import httpx
import pytest
import respx
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived

import wayhook as wh
from wayhook.testing import Answer, LoopbackService
from wayhook.testing.fault_server import FaultServer, Visit

URL = "https://api.example.com/v1?a=%2F"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def _soon(seconds: float = 5.0) -> float:
    return asyncio.get_running_loop().time() + seconds


Kind = type[wh.HttpxTransport] | type[wh.WireTransport]


@pytest.fixture(params=[wh.HttpxTransport, wh.WireTransport], ids=["httpx", "wire"])
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each of our transports."""
    return request.param


@pytest.fixture
async def transport(kind: Kind) -> AsyncIterator[wh.Transport]:
    """A transport, closed in the end."""
    opened = kind()
    yield opened
    await opened.aclose()


# What is sent, and what httpx's errors mean: with respx, which is used here only.


@pytest.mark.parametrize("own_client", [False, True])
@pytest.mark.parametrize(
    "url", [URL, "https://api.example.com", "https://api.example.com?q=1", "http://api.example.com/a%2Fb/%25/;x?y=%20+"]
)
async def test_a_request_goes_out_as_it_is(url: str, *, own_client: bool) -> None:
    """Method, target, headers and body are sent as given; nothing is encoded twice or normalised away."""
    request = wh.Request("PATCH", url, (("X-One", "1"), ("X-Two", "a b")), b'{"a":1}')

    with respx.mock() as mocked:
        route = mocked.route().respond(201, headers=[("X-Id", "7"), ("X-Id", "8")], content=b"made")
        client = httpx.AsyncClient() if own_client else None
        transport = wh.HttpxTransport(client)
        response = await transport.send(request, _soon())
        await transport.aclose()
        if client:
            await client.aclose()

    sent = route.calls.last.request
    assert (sent.method, sent.content) == ("PATCH", b'{"a":1}')
    assert {"x-one": "1", "x-two": "a b", "content-length": "7", "accept-encoding": "identity"}.items() <= {
        name: sent.headers[name] for name in ("x-one", "x-two", "content-length", "accept-encoding")
    }.items()
    assert (response.status, response.body, response.fault) == (201, b"made", "")
    assert [value for name, value in response.headers if name == "x-id"] == ["7", "8"]


class Failing(httpx.AsyncBaseTransport):
    """Raises an error, from a cause."""

    def __init__(self, error: httpx.HTTPError, cause: BaseException | None) -> None:
        self.error, self.cause = error, cause

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise self.error from self.cause


MEANINGS = [
    (httpx.ConnectError("refused"), None, wh.Evidence.NEVER_SENT, "cannot be connected to"),
    (httpx.ConnectTimeout(""), None, wh.Evidence.NEVER_SENT, "in time"),
    (httpx.ConnectTimeout(""), ssl.SSLWantReadError(2, "want"), wh.Evidence.NEVER_SENT, "in time"),
    (httpx.PoolTimeout(""), None, wh.Evidence.NEVER_SENT, "connect"),
    (httpx.ProxyError(""), None, wh.Evidence.NEVER_SENT, "proxy"),
    (httpx.ReadError(""), None, wh.Evidence.AMBIGUOUS, "broke"),
    (httpx.WriteError(""), None, wh.Evidence.AMBIGUOUS, "broke"),
    (httpx.ReadTimeout(""), None, wh.Evidence.AMBIGUOUS, "broke"),
    (
        httpx.RemoteProtocolError("Server disconnected without sending a response."),
        None,
        wh.Evidence.AMBIGUOUS,
        "broke",
    ),
    (httpx.RemoteProtocolError("illegal status line"), None, wh.Evidence.PERMANENT, "no HTTP"),
    (httpx.LocalProtocolError("Illegal header value"), None, wh.Evidence.REFUSED, "cannot send"),
    (httpx.UnsupportedProtocol("x"), None, wh.Evidence.REFUSED, "cannot send"),
    (httpx.ConnectError("x"), socket.gaierror(socket.EAI_NONAME, "no"), wh.Evidence.PERMANENT, "does not exist"),
    (
        httpx.ConnectError("x"),
        socket.gaierror(socket.EAI_AGAIN, "again"),
        wh.Evidence.NEVER_SENT,
        "cannot be connected",
    ),
    (httpx.ConnectError("x"), ssl.SSLCertVerificationError(1, "self"), wh.Evidence.PERMANENT, "not trusted"),
    (httpx.ConnectError("x"), ssl.SSLError(1, "WRONG_VERSION"), wh.Evidence.PERMANENT, "TLS"),
    (httpx.ConnectError("x"), ssl.SSLEOFError(8, "EOF occurred"), wh.Evidence.NEVER_SENT, "cannot be connected"),
]


@pytest.mark.parametrize(("error", "cause", "evidence", "words"), MEANINGS, ids=lambda value: type(value).__name__)
async def test_an_error_is_told_by_what_it_proves(
    error: httpx.HTTPError, cause: BaseException | None, evidence: wh.Evidence, words: str
) -> None:
    """Each error of httpx becomes evidence and a sentence without URL, and httpx's own error stays inside."""
    async with httpx.AsyncClient(transport=Failing(error, cause)) as client:
        with pytest.raises(wh.TransportError, match=words) as raised:
            await wh.HttpxTransport(client).send(wh.Request("POST", URL + "&key=canary", (), b""), _soon())

    assert raised.value.evidence is evidence
    assert "canary" not in str(raised.value)
    assert "example.com" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


CIRCLE = """
import asyncio, httpx, respx
import wayhook as wh

def refused(request):
    raise httpx.ConnectError("refused", request=request)

async def main():
    deadline = asyncio.get_running_loop().time() + 5
    with respx.mock() as mocked:
        mocked.route().mock(side_effect=refused)
        try:
            await wh.HttpxTransport().send(wh.Request("POST", "https://api.example.com/", (), b""), deadline)
        except wh.TransportError as error:
            print(error.evidence)

asyncio.run(main())
"""


def test_an_error_that_is_its_own_cause_is_told() -> None:
    """The errors that respx raises for a function are chained in a circle; that does not block the loop for ever."""
    done = subprocess.run([sys.executable, "-c", CIRCLE], capture_output=True, text=True, check=False, timeout=15)

    assert (done.stdout, done.stderr) == ("never sent\n", "")


async def test_a_client_of_ones_own_stays_open() -> None:
    """A client that was given is used, with its hooks, follows no redirect, and is not closed."""
    seen: list[str] = []

    async def hook(request: httpx.Request) -> None:
        seen.append(request.method)

    with respx.mock() as mocked:
        mocked.route().respond(302, headers={"Location": "https://evil.example.com/"})
        async with httpx.AsyncClient(event_hooks={"request": [hook]}, follow_redirects=True) as client:
            transport = wh.HttpxTransport(client)
            response = await transport.send(wh.Request("GET", URL, (), None), _soon())
            await transport.aclose()
            closed = client.is_closed

    assert (response.status, seen, closed) == (302, ["GET"], False)
    assert response.header("Location") == "https://evil.example.com/"


async def test_a_client_of_ones_own_obeys_the_deadline() -> None:
    """A service that hangs ends a call through a client that was given, and the client goes on working."""
    async with _served(_hangs(), _answers(OK)) as server, httpx.AsyncClient(trust_env=False) as client:
        transport = wh.HttpxTransport(client)
        with pytest.raises(wh.TransportError) as late:
            await transport.send(server.request(), _soon(0.1))
        response = await transport.send(server.request(), _soon())

    assert late.value.evidence is wh.Evidence.EXPIRED
    assert response.body == b"ok"


async def test_waiting_for_a_connection_of_ones_own_client_blames_nobody() -> None:
    """Calls that find its pool in use until their time is up were not sent, for a shortage of this side (F12)."""
    async with (
        FaultServer(Visit.hang) as server,
        httpx.AsyncClient(limits=httpx.Limits(max_connections=1), trust_env=False) as client,
    ):
        transport = wh.HttpxTransport(client)
        request = wh.Request("POST", server.url, (), b"{}")
        first = asyncio.create_task(transport.send(request, _soon(0.3)))
        await asyncio.sleep(0.05)  # for it to take the connection
        with pytest.raises(wh.TransportError) as waited:
            await transport.send(request, _soon(0.1))
        with pytest.raises(wh.TransportError) as sent:
            await first

    assert (waited.value.evidence, waited.value.delivery, waited.value.local) == ("expired", "unavailable", True)
    assert (sent.value.evidence, sent.value.delivery, sent.value.local) == ("expired", "unknown", False)


class Hanging(httpx.AsyncBaseTransport):
    """Another client below httpx, which tells nothing of what it does; or one of httpx behind it."""

    def __init__(self, inner: httpx.AsyncBaseTransport | None) -> None:
        self.inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.inner is not None:
            return await self.inner.handle_async_request(request)
        return await asyncio.get_running_loop().create_future()


@pytest.mark.parametrize(
    ("inner", "scheme", "word"),
    [
        (None, "http", "unknown"),
        (httpx.AsyncHTTPTransport(), "http", "unknown"),
        (httpx.AsyncHTTPTransport(), "https", "unavailable"),
    ],
    ids=["it tells nothing", "it tells that it sent", "it tells that it did not"],
)
async def test_a_transport_that_tells_nothing_may_have_sent(
    inner: httpx.AsyncBaseTransport | None, scheme: str, word: str
) -> None:
    """At the deadline the call may have been done, unless what happened was told (P1)."""
    async with (
        FaultServer(Visit.hang, scheme=scheme) as server,
        httpx.AsyncClient(transport=Hanging(inner)) as client,
    ):
        with pytest.raises(wh.TransportError) as late:
            await wh.HttpxTransport(client).send(wh.Request("POST", server.url, (), b"{}"), _soon(0.2))

    assert (late.value.evidence, late.value.delivery, late.value.local) == (wh.Evidence.EXPIRED, word, False)


async def test_a_pool_that_gives_up_first_blames_nobody() -> None:
    """A client whose pool has a time limit of its own says it by its error."""
    async with httpx.AsyncClient(transport=Failing(httpx.PoolTimeout(""), None)) as client:
        with pytest.raises(wh.TransportError, match="no connection of the client") as raised:
            await wh.HttpxTransport(client).send(wh.Request("POST", URL, (), b""), _soon())

    assert (raised.value.evidence, raised.value.local) == (wh.Evidence.NEVER_SENT, True)


@pytest.mark.parametrize("own_client", [False, True])
async def test_the_client_logs_nothing_of_ours(caplog: pytest.LogCaptureFixture, *, own_client: bool) -> None:
    """What a service reflects in its head is not logged either, and what others do with the client still is."""
    for logger in ("", "httpx", "httpcore"):
        caplog.set_level(logging.DEBUG, logger)
    reflected = Answer(201, headers={"X-Reflected": "canary-3", "Location": "/?canary-4"})

    async with httpx.AsyncClient(trust_env=False) as client:
        with LoopbackService(lambda _: reflected) as service:
            transport = wh.HttpxTransport(client if own_client else None)
            await transport.send(wh.Request("GET", service.url, (), None), _soon())
            ours = [record.name for record in caplog.records if record.name.startswith("http")]
            await transport.aclose()
            await client.get(service.url)

    assert (ours, "canary-4" in caplog.text) == ([], True)


@pytest.mark.parametrize("own_client", [False, True])
async def test_no_log_line_of_the_client_holds_a_secret(caplog: pytest.LogCaptureFixture, *, own_client: bool) -> None:
    """The loggers of httpx and httpcore show no URL and no header of ours, whatever their level (P50)."""
    for logger in ("", "httpx", "httpcore"):
        caplog.set_level(logging.DEBUG, logger)

    async with httpx.AsyncClient(trust_env=False) as client:
        with LoopbackService() as service:
            request = wh.Request("GET", f"{service.url}/?key=canary-1", (("X-Key", "canary-2"),), None)
            transport = wh.HttpxTransport(client if own_client else None)
            await transport.send(request, _soon())
            await transport.aclose()

    assert service.received
    assert "canary" not in caplog.text


async def _speaks_http2(visit: Visit) -> None:
    """Answer every request of a connection, without a body; to the first one, repeat a secret in the head."""
    connection = H2Connection(H2Configuration(client_side=False))
    connection.initiate_connection()
    while data := await visit.read():
        for event in connection.receive_data(data):
            if isinstance(event, RequestReceived):
                reflected = [("x-reflected", "canary-3")] if event.stream_id == 1 else []
                connection.send_headers(event.stream_id, [(":status", "200"), *reflected], end_stream=True)
        await visit.say(connection.data_to_send())


async def test_no_log_line_of_http2_holds_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    """With HTTP/2 the codec of headers logs nothing either, not even when a later request of somebody else pushes ours
    out of the table that the connection shares (P50)."""  # noqa: D205, D209 - one sentence
    caplog.set_level(logging.DEBUG)

    async with (
        FaultServer(_speaks_http2) as server,
        httpx.AsyncClient(http1=False, http2=True, trust_env=False) as client,
    ):
        request = wh.Request("GET", f"{server.url}/?key=canary-1", (("X-Key", "canary-2"),), None)
        answered = await wh.HttpxTransport(client).send(request, _soon())
        await client.get(server.url, headers={f"X-{number}": "x" * 1_000 for number in range(5)})

    assert answered.header("x-reflected") == "canary-3"
    assert server.connections == 1
    assert "canary" not in caplog.text
    assert "HTTP Request: GET" in caplog.text


def _locals(error: BaseException | None) -> Iterator[str]:
    """What the frames behind an error, and behind what led to it, hold: all but the test's own."""
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename != __file__:
                yield from (f"{frame.f_code.co_qualname}: {name}={value!r}" for name, value in frame.f_locals.items())
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("client", ["none", "wire", "http/1.1", "http/2"])
async def test_no_secret_is_behind_a_cancellation(client: str) -> None:
    """Wherever a call is cancelled, the frames that its error remembers hold neither URL nor headers (P49, F76)."""
    script = _speaks_http2 if client == "http/2" else Visit.serve
    found: list[str] = []
    cancelled = 0

    async with FaultServer(script) as server, httpx.AsyncClient(http1=client != "http/2", http2=True) as given:
        own = given if client.startswith("http/") else None
        transport = wh.WireTransport() if client == "wire" else wh.HttpxTransport(own)
        request = wh.Request("PUT", f"{server.url}/?key=canary-1", (("X-Key", "canary-2"),), b"canary-3")
        for steps in range(60):
            call = asyncio.create_task(transport.send(request, _soon()))
            for _ in range(steps):
                await asyncio.sleep(0)
            call.cancel()
            try:
                await call
            except asyncio.CancelledError as error:
                cancelled += 1
                found += [text for text in _locals(error) if "canary" in text]
            except wh.TransportError:
                pass  # the calls before it took the connection along
        await transport.aclose()

    assert cancelled > 8
    assert found == []


async def test_no_earlier_error_is_behind_a_cancellation() -> None:
    """Nor is what went wrong in the client before: a first address that did not answer, say."""

    class Recovering(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            try:
                raise OSError(f"no way to {request.url}")
            except OSError:
                return await asyncio.get_running_loop().create_future()

    async with httpx.AsyncClient(transport=Recovering()) as client:
        call = asyncio.create_task(wh.HttpxTransport(client).send(wh.Request("GET", URL, (), None), _soon()))
        for _ in range(5):
            await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError) as stopped:
            await call

    assert (stopped.value.__cause__, stopped.value.__context__) == (None, None)


# Real sockets.

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@attrs.define
class Server:
    """A raw server. `requests`: heads and bodies as they came; `open`: connections open now."""

    port: int = 0
    connections: int = 0
    open: int = 0
    requests: list[bytes] = attrs.Factory(list)

    def request(self, method: str = "POST", path: str = "/", body: bytes | None = b"{}") -> wh.Request:
        return wh.Request(method, f"http://127.0.0.1:{self.port}{path}", (("X-Test", "1"),), body)

    async def nothing_open(self) -> None:
        async with asyncio.timeout(2):
            while self.open:  # noqa: ASYNC110 - a counter has no event
                await asyncio.sleep(0.005)


@asynccontextmanager
async def _served(*scripts: Script) -> AsyncIterator[Server]:
    """A server whose n-th connection follows the n-th script, the last one all that come after."""
    server, tasks = Server(), set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        script = scripts[min(server.connections, len(scripts) - 1)]
        server.connections += 1
        server.open += 1
        try:
            await script(_Recording(reader, server), writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            server.open -= 1
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@attrs.define
class _Recording:
    """Reads whole requests and remembers them."""

    reader: asyncio.StreamReader
    server: Server

    async def request(self) -> bytes:
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        request = head + await self.reader.readexactly(length)
        self.server.requests.append(request)
        return request

    async def end(self) -> None:
        while await self.reader.read(65_536):
            pass


def _answers(*pieces: bytes, then: str = "close", pause: float = 0.0) -> Script:
    """Read a request, send the pieces, then `close`, `reset` or `hang` until the other side leaves."""

    async def script(reader: _Recording, writer: asyncio.StreamWriter) -> None:
        await reader.request()
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            if pause:
                await asyncio.sleep(pause)
        if then == "reset":
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        if then == "hang":
            await reader.end()

    return script


def _hangs() -> Script:
    return _answers(then="hang")


def _endless(piece: bytes, first: bytes = b"", pause: float = 0.0) -> Script:
    async def script(reader: _Recording, writer: asyncio.StreamWriter) -> None:
        await reader.request()
        writer.write(first)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)

    return script


def _keeps_alive(*answers: bytes) -> Script:
    """Answer request after request on one connection, then close it."""

    async def script(reader: _Recording, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await reader.request()
            writer.write(answer)
            await writer.drain()

    return script


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def _head_of(size: int) -> bytes:
    """A head whose fields are `size` bytes, and its body."""
    length = b"Content-Length: 2\r\n"
    return HEAD + length + b"X: " + b"a" * (size - len(length) - 5) + b"\r\n\r\nok"


NO_ANSWER = {
    "F15 reset": (_answers(then="reset"), wh.Evidence.AMBIGUOUS),
    "F15b closed": (_answers(), wh.Evidence.AMBIGUOUS),
    "F20 closed in the status line": (_answers(b"HTTP/1.1 20"), wh.Evidence.AMBIGUOUS),
    "F20b reset in the status line": (_answers(b"HTTP/1.1 20", then="reset"), wh.Evidence.AMBIGUOUS),
    "F21 closed in the headers": (_answers(HEAD + b"X-A: 1\r\nX-B"), wh.Evidence.AMBIGUOUS),
    "F22 a header of 2 MB": (_answers(HEAD + b"X: " + b"a" * 2_000_000 + b"\r\n\r\n"), wh.Evidence.PERMANENT),
    "F22b 20,000 headers": (_answers(HEAD + b"X-Some: a\r\n" * 20_000 + b"\r\n"), wh.Evidence.PERMANENT),
    "F23 no HTTP": (_answers(b"\x16\x03\x01 220 mail.example.com ESMTP\r\n\r\n"), wh.Evidence.PERMANENT),
    "F23b a malformed status line": (_answers(b"HTTP/1.1 abc OK\r\n\r\n"), wh.Evidence.PERMANENT),
    "F23d a body without a head": (_answers(b'{"ok":true}'), wh.Evidence.AMBIGUOUS),
    "F24 a malformed header": (_answers(HEAD + b"no colon\r\n\r\n"), wh.Evidence.PERMANENT),
    "F24b NUL in a header": (_answers(HEAD + b"X: a\0b\r\n\r\n"), wh.Evidence.PERMANENT),
    "F25 two lengths": (
        _answers(HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!"), wh.Evidence.PERMANENT,
    ),
    "F26d another protocol": (
        _answers(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", then="hang"), wh.Evidence.PERMANENT,
    ),
    "one field too many": (_answers(HEAD + b"X: a\r\n" * 1_001 + b"\r\n"), wh.Evidence.PERMANENT),
    "one byte too many": (_answers(_head_of(65_537)), wh.Evidence.PERMANENT),
    "interim answers without end": (
        _answers((b"HTTP/1.1 103 E\r\nLink: " + b"x" * 1_000 + b"\r\n\r\n") * 1_100, then="hang"),
        wh.Evidence.PERMANENT,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("script", "evidence"), NO_ANSWER.values(), ids=NO_ANSWER)
async def test_a_broken_answer_is_told_by_what_it_proves(
    transport: wh.Transport, script: Script, evidence: wh.Evidence
) -> None:
    """Without a final head there is evidence, one request on the wire, no open connection, and a clean next call."""
    async with _served(script, _answers(OK)) as server:
        with pytest.raises(wh.TransportError) as raised:
            await transport.send(server.request(), _soon(60))  # to skip a megabyte of heads takes seconds
        await server.nothing_open()
        sent = len(server.requests)
        after = await transport.send(server.request(), _soon())

    assert raised.value.evidence is evidence
    assert (sent, after.body) == (1, b"ok")


ANSWERS = {
    "F23c status 999": (_answers(b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n"), 999, b""),
    "F26 interim answers": (_answers(b"HTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 E\r\nLink: x\r\n\r\n" + OK), 200, b"ok"),
    "F27 HTTP/1.0 without a length": (_answers(b"HTTP/1.0 200 OK\r\n\r\nuntil the end"), 200, b"until the end"),
    "F25b framed twice": (
        _answers(HEAD + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"), 200, b"ok",
    ),
    "F26b 5,000 interim answers": (_answers(b"HTTP/1.1 103 E\r\nLink: </x>; rel=y\r\n\r\n" * 5_000 + OK), 200, b"ok"),
    "as many fields as allowed": (
        _answers(HEAD + b"X: a\r\n" * 999 + b"Content-Length: 2\r\n\r\nok"), 200, b"ok",
    ),
    "a head of the limit": (_answers(_head_of(65_536)), 200, b"ok"),
    "a body in chunks of the limit": (
        _answers(CHUNKED + (b"400\r\n" + b"x" * 1_024 + b"\r\n") * 1_024 + b"0\r\n\r\n"), 200, b"x" * 1_048_576,
    ),
    "compressed": (_answers(HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b'{"a":1}')), 200, b'{"a":1}'),
    "a body in chunks": (_answers(CHUNKED + b"2\r\nok\r\n1;x=y\r\n!\r\n0\r\n\r\n"), 200, b"ok!"),
    "F37 204 with a body": (_answers(b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nbody"), 204, b""),
    "F41 304": (_answers(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"), 304, b""),
    "no reason phrase": (_answers(b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"), 200, b""),
    "declared and of the limit": (
        _answers(HEAD + b"Content-Length: 1048576\r\n\r\n" + b"x" * 1_048_576), 200, b"x" * 1_048_576,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("script", "status", "body"), ANSWERS.values(), ids=ANSWERS)
async def test_an_answer_is_read(transport: wh.Transport, script: Script, status: int, body: bytes) -> None:
    """What HTTP allows is read, and nothing is found wrong with it."""
    async with _served(script) as server:
        response = await transport.send(server.request(), _soon())

    assert (response.status, response.body, response.fault) == (status, body, "")


MALFORMED, LARGE, LATE = "the body is cut or malformed", "the body is larger than 1,048,576 bytes", "in time"
UNUSABLE = {
    "F28 cut": (_answers(HEAD + b"Content-Length: 10\r\n\r\nhalf"), MALFORMED),
    "F28b reset": (_answers(HEAD + b"Content-Length: 10\r\n\r\nhalf", then="reset", pause=0.02), MALFORMED),
    "F28c chunks without an end": (_answers(CHUNKED + b"4\r\nhalf\r\n"), MALFORMED),
    "F28d malformed chunks": (_answers(CHUNKED + b"zz\r\nhalf\r\n"), MALFORMED),
    "F30 endless": (_endless(b"x" * 65_536, HEAD + b"\r\n"), LARGE),
    "F32 a huge declared length": (_answers(HEAD + b"Content-Length: 1000000000000000\r\n\r\nx", then="hang"), LARGE),
    "F32 an absurd declared length": (
        _answers(HEAD + b"Content-Length: " + b"9" * 20 + b"\r\n\r\nx", then="hang"), LARGE,
    ),
    "F33 one byte above the limit": (_answers(HEAD + b"\r\n" + b"x" * 1_048_577), LARGE),
    "F33 chunks above the limit": (
        _answers(CHUNKED, *[b"10000\r\n" + b"x" * 65_536 + b"\r\n"] * 17, then="hang"), LARGE,
    ),
    "F32b a chunk of 2**68 bytes": (_answers(CHUNKED + b"F" * 17 + b"\r\nx", then="hang"), LARGE),
    "F32b a chunk of 2**80 bytes, and none of them": (_answers(CHUNKED + b"F" * 20 + b"\r\n", then="hang"), LARGE),
    "F32b a chunk above the limit": (_answers(CHUNKED + b"100002\r\nx", then="hang"), LARGE),
    "F32b its size in two pieces": (
        _answers(CHUNKED + b"2\r\n{}\r\n1000", b"02;x=1\r\nx", then="hang", pause=0.02), LARGE,
    ),
    "F35 corrupt": (_answers(HEAD + b"Content-Encoding: gzip\r\n\r\n" + b"\x1f\x8bgarbage"), "compression"),
    "F36 chunk extensions": (
        _answers(CHUNKED, *[b"1;" + b"x" * 16_000 + b"\r\na\r\n"] * 200, then="hang"), "larger on the wire",
    ),
    "F34c many codings": (_answers(HEAD + b"Content-Encoding: " + b"gzip, " * 200 + b"br\r\n\r\nx"), "compressed"),
}  # fmt: skip


@pytest.mark.parametrize(("script", "fault"), UNUSABLE.values(), ids=UNUSABLE)
async def test_an_unusable_body_leaves_the_status(transport: wh.Transport, script: Script, fault: str) -> None:
    """The head counts, the fault is told; the connection is closed at once and the next call is clean."""
    async with _served(script, _answers(OK)) as server:
        response = await transport.send(server.request(), _soon())
        await server.nothing_open()
        after = await transport.send(server.request(), _soon())

    assert response.status == 200
    assert fault in response.fault
    assert (after.body, len(server.requests)) == (b"ok", 2)


LONG_LINES = [b"1;a=" + b"x" * 30 + b"ffffff;" + b"b" * 55 + b"\r\n", b"1;a=" + b"f" * 300 + b"\r\n"]


@pytest.mark.parametrize("line", LONG_LINES)
@pytest.mark.parametrize("place", [1, 2, 3, 10, 70])
async def test_nothing_but_a_size_is_taken_for_one(transport: wh.Transport, line: bytes, place: int) -> None:
    """What looks like a large size in an extension, in a chunk or in a trailer is none, wherever a read ends."""
    pieces = [
        CHUNKED + b"9\r\n\nffffff\r\n\r\n" + line[:place], line[place:] + b"\n", b"\r\n0\r\nX: 1\r\nX: fffffff\r\n\r\n",
    ]  # fmt: skip
    async with _served(_answers(*pieces, then="hang", pause=0.02)) as server:
        response = await transport.send(server.request(), _soon())

    assert (response.body, response.fault) == (b"\nffffff\r\n\n", "")


async def test_a_body_of_small_chunks_leaves_turns_to_others() -> None:
    """However many chunks are there at once, other tasks go on meanwhile, and so does the deadline."""
    turns, at = 0, []

    class Chunks(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            for _ in range(10_000):
                at.append(turns)
                yield b"x"

    class Many(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, stream=Chunks())

    async with httpx.AsyncClient(transport=Many()) as client:
        call = asyncio.create_task(wh.HttpxTransport(client).send(wh.Request("GET", URL, (), None), _soon()))
        while not call.done():
            turns += 1
            await asyncio.sleep(0)

    assert call.result().body == b"x" * 10_000
    assert at[-1] - at[0] > 20


async def test_a_smaller_limit_is_kept(kind: Kind) -> None:
    """`body_limit` bounds what is read of a body."""
    transport = kind(body_limit=3)

    async with _served(_answers(HEAD + b"Content-Length: 3\r\n\r\nabc"), _answers(HEAD + b"\r\nabcd")) as server:
        fits = await transport.send(server.request(), _soon())
        exceeds = await transport.send(server.request(), _soon())
    await transport.aclose()

    assert (fits.body, fits.fault) == (b"abc", "")
    assert (exceeds.body, exceeds.fault) == (b"", "the body is larger than 3 bytes")


NO_HEAD_IN_TIME = {
    "F18 never": _hangs(),
    "F19 a byte at a time": _endless(b"x", HEAD + b"X-Slow: ", pause=0.02),
    "F26c interim answers for ever": _endless(b"HTTP/1.1 102 Processing\r\n\r\n", pause=0.01),
}


@pytest.mark.parametrize("script", NO_HEAD_IN_TIME.values(), ids=NO_HEAD_IN_TIME)
async def test_a_head_that_does_not_come_ends_at_the_deadline(transport: wh.Transport, script: Script) -> None:
    """The deadline ends what no pause between bytes would, and closes the connection."""
    async with _served(script, _answers(OK)) as server:
        started = _soon(0)
        with pytest.raises(wh.TransportError) as late:
            await transport.send(server.request(), _soon(0.2))
        took = _soon(0) - started
        await server.nothing_open()
        after = await transport.send(server.request(), _soon())

    assert late.value.evidence is wh.Evidence.EXPIRED
    assert 0.2 <= took < 0.45
    assert after.body == b"ok"


@pytest.mark.parametrize(
    "script",
    [
        _endless(b"x", HEAD + b"Content-Length: 5000\r\n\r\n", pause=0.02),
        _answers(HEAD + b"Content-Length: 10\r\n\r\nhalf", then="hang"),
        _endless(b"1\r\nx\r\n", CHUNKED, pause=0.02),
    ],
    ids=["F31 dribbles", "F31b stops half way", "dribbles in chunks"],
)
async def test_a_body_that_does_not_come_leaves_the_status(transport: wh.Transport, script: Script) -> None:
    """At the deadline the head that arrived is the answer, with the fault."""
    async with _served(script) as server:
        started = _soon(0)
        response = await transport.send(server.request(), _soon(0.2))
        took = _soon(0) - started
        await server.nothing_open()

    assert (response.status, response.body) == (200, b"")
    assert "in time" in response.fault
    assert 0.2 <= took < 0.45


async def test_a_refused_connection_was_never_used(transport: wh.Transport) -> None:
    """Nobody listens: nothing was sent (F01)."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    with pytest.raises(wh.TransportError) as refused:
        await transport.send(wh.Request("POST", f"http://127.0.0.1:{port}/", (), b""), _soon())

    assert refused.value.evidence is wh.Evidence.NEVER_SENT


async def _speaks_plain(reader: _Recording, writer: asyncio.StreamWriter) -> None:
    await reader.reader.read(100)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()
    await reader.end()


async def _speaks_first(reader: _Recording, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example.com ESMTP\r\n")
    await writer.drain()
    await reader.end()


async def _closes(reader: _Recording, writer: asyncio.StreamWriter) -> None:
    await reader.reader.read(100)


async def _says_nothing(reader: _Recording, writer: asyncio.StreamWriter) -> None:
    await reader.end()


@pytest.mark.parametrize(
    ("script", "evidence"),
    [
        (_speaks_plain, wh.Evidence.PERMANENT),
        (_speaks_first, wh.Evidence.PERMANENT),
        (_closes, wh.Evidence.NEVER_SENT),
        (_says_nothing, wh.Evidence.NEVER_SENT),
    ],
    ids=["F09 no TLS", "F09 speaks first", "F08 closed during the handshake", "F10 the handshake hangs"],
)
async def test_a_failed_handshake_has_sent_nothing(
    transport: wh.Transport, script: Script, evidence: wh.Evidence
) -> None:
    """Without TLS no byte of the request leaves; a handshake has a second."""
    async with _served(script) as server:
        started = _soon(0)
        with pytest.raises(wh.TransportError) as failed:
            await transport.send(wh.Request("POST", f"https://127.0.0.1:{server.port}/", (), b""), _soon(3))
        took = _soon(0) - started
        await server.nothing_open()

    assert failed.value.evidence is evidence
    assert took < 1.25


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(transport: wh.Transport, status: int) -> None:
    """A redirect is an answer; the place that it names gets no request."""
    with LoopbackService() as other:
        answer = Answer(status, headers={"Location": other.url})
        with LoopbackService(lambda _: answer) as service:
            response = await transport.send(wh.Request("POST", service.url, (), b"{}"), _soon())

    assert (response.status, response.header("location")) == (status, other.url)
    assert (len(service.received), other.received) == (1, [])


async def test_no_cookie_is_kept(transport: wh.Transport) -> None:
    """A cookie that was set is not sent along with the next request."""
    with LoopbackService(lambda _: Answer(headers={"Set-Cookie": "session=1; Path=/"})) as service:
        for _ in range(2):
            await transport.send(wh.Request("GET", service.url, (), None), _soon())

    assert [request.headers.get("cookie") for request in service.received] == [None, None]


async def test_a_connection_is_used_again(transport: wh.Transport) -> None:
    """Calls one after the other share a connection; calls at once have one each."""
    with LoopbackService(lambda _: Answer(delay=0.05)) as service:
        request = wh.Request("POST", service.url, (), b"{}")
        for _ in range(3):
            await transport.send(request, _soon())
        one_by_one = service.connections
        await asyncio.gather(*(transport.send(request, _soon()) for _ in range(4)))
        at_once = service.connections
        await asyncio.gather(*(transport.send(request, _soon()) for _ in range(4)))
        again = service.connections

    assert (one_by_one, at_once, again) == (1, 4, 4)


async def test_a_connection_is_used_again_after_a_rejection(transport: wh.Transport) -> None:
    """An error status with a whole body leaves the connection good."""
    with LoopbackService(lambda _: Answer(503, {"error": "busy"})) as service:
        for _ in range(3):
            await transport.send(wh.Request("POST", service.url, (), b"{}"), _soon())

    assert service.connections == 1


async def test_origins_do_not_share_connections(transport: wh.Transport) -> None:
    """An idle connection serves its own host and port only."""
    with LoopbackService() as one, LoopbackService() as two:
        for service in (one, two, one, two):
            await transport.send(wh.Request("GET", service.url, (), None), _soon())

    assert (one.connections, two.connections) == (1, 1)
    assert (len(one.received), len(two.received)) == (2, 2)


async def test_an_idle_connection_that_was_closed_is_not_used(transport: wh.Transport) -> None:
    """After the other side closed an idle connection the next call opens its own (F61)."""
    async with _served(_keeps_alive(OK), _answers(OK)) as server:
        first = await transport.send(server.request(), _soon())
        await server.nothing_open()
        await asyncio.sleep(0.02)  # for the end of the connection to arrive
        second = await transport.send(server.request(), _soon())

    assert (first.body, second.body, server.connections) == (b"ok", b"ok", 2)


async def test_a_connection_lost_as_it_is_used_again_is_ambiguous(transport: wh.Transport) -> None:
    """A reused connection that breaks under a request has perhaps served it; it is not sent again (F62)."""
    async with _served(_keeps_alive(OK, b""), _answers(OK)) as server:
        await transport.send(server.request(), _soon())
        with pytest.raises(wh.TransportError) as lost:
            await transport.send(server.request(), _soon())

    assert lost.value.evidence is wh.Evidence.AMBIGUOUS
    assert len(server.requests) == 2


EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
LEFT_OVER = {
    "F37b more than the length": [OK + b"and more"],
    "F37c a second answer": [OK + EVIL],
    "F37c a second answer, later": [OK, EVIL],
    "F37 a body behind 204": [b"HTTP/1.1 204 No Content\r\n\r\n" + EVIL],
    "F63 an unasked 408": [OK, b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 4\r\n\r\nevil"],
}


@pytest.mark.parametrize("pieces", LEFT_OVER.values(), ids=LEFT_OVER)
async def test_bytes_left_over_are_nobodys_answer(transport: wh.Transport, pieces: list[bytes]) -> None:
    """A connection on which more came than was asked for is closed; the next call gets its own answer (P19)."""
    own = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nown"

    async with _served(_answers(*pieces, then="hang", pause=0.02), _answers(own)) as server:
        first = await transport.send(server.request(), _soon())
        await asyncio.sleep(0.06)  # for the rest to arrive
        second = await transport.send(server.request(), _soon(1))

    assert first.status in (200, 204)
    assert second.body == b"own"


@pytest.mark.parametrize("pieces", LEFT_OVER.values(), ids=LEFT_OVER)
async def test_bytes_left_over_in_a_client_of_ones_own_are_nobodys_answer(pieces: list[bytes]) -> None:
    """A client that was given would hand them to its next caller; its connection is closed first."""
    own = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nown"

    async with (
        _served(_answers(*pieces, then="hang", pause=0.02), _answers(own)) as server,
        httpx.AsyncClient(trust_env=False) as client,
    ):
        transport = wh.HttpxTransport(client)
        await transport.send(server.request(), _soon())
        await asyncio.sleep(0.06)  # for the rest to arrive
        second = await transport.send(server.request(), _soon(1))

    assert second.body == b"own"


@pytest.mark.parametrize("own_client", [False, True])
async def test_an_answer_framed_twice_ends_its_connection(*, own_client: bool) -> None:
    """A length beside chunks is doubtful: the answer counts, and the connection does not serve again (F25b)."""
    twice = HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"

    async with _served(_keeps_alive(twice, OK)) as server, httpx.AsyncClient(trust_env=False) as client:
        transport = wh.HttpxTransport(client if own_client else None)
        responses = [await transport.send(server.request(), _soon()) for _ in range(2)]
        await transport.aclose()

    assert [response.body for response in responses] == [b"ok", b"ok"]
    assert server.connections == 2


async def test_an_early_answer_is_read_while_the_request_is_under_way(transport: wh.Transport) -> None:
    """A service that refuses a large body unread is heard, and its connection is not used again (F16)."""

    async def refuses(reader: _Recording, writer: asyncio.StreamWriter) -> None:
        await reader.reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(5)

    async with _served(refuses, _answers(OK)) as server:
        response = await transport.send(server.request(body=b"x" * 20_000_000), _soon(2))
        after = await transport.send(server.request(), _soon())

    assert (response.status, after.body, server.connections) == (413, b"ok", 2)


async def test_an_answer_before_the_request_has_left_ends_its_connection(transport: wh.Transport) -> None:
    """A head that comes while the body is under way leaves doubt, even when everything arrives in the end."""

    async def hurries(reader: _Recording, writer: asyncio.StreamWriter) -> None:
        await reader.reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD + b"Content-Length: 2\r\n\r\n")
        await reader.reader.readexactly(20_000_000)
        writer.write(b"ok")
        await writer.drain()
        await reader.end()

    async with _served(hurries, _answers(OK)) as server:
        early = await transport.send(server.request(body=b"x" * 20_000_000), _soon())
        after = await transport.send(server.request(), _soon(1))

    assert (early.body, after.body, server.connections) == (b"ok", b"ok", 2)


@pytest.mark.parametrize("more", [b"", b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 4\r\n\r\nevil"])
async def test_the_socket_is_looked_at_before_it_is_used(transport: wh.Transport, more: bytes) -> None:
    """The end of an idle connection, or bytes on it, count as soon as they are there, before the loop has seen them."""
    done = threading.Event()

    def serve(listener: socket.socket) -> None:
        first, _ = listener.accept()
        first.recv(65_536)
        first.sendall(OK)
        asked.wait()
        if more:
            first.sendall(more)
        else:
            first.close()
        done.set()
        second, _ = listener.accept()
        second.recv(65_536)
        second.sendall(OK)
        second.close()
        first.close()

    asked = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = threading.Thread(target=serve, args=(listener,))
        serving.start()
        request = wh.Request("POST", f"http://127.0.0.1:{listener.getsockname()[1]}/", (), b"{}", fresh=True)
        await transport.send(request, _soon())
        asked.set()
        done.wait()  # the loop stands still meanwhile
        second = await transport.send(request, _soon())
        serving.join()

    assert second.body == b"ok"


async def test_a_fresh_request_takes_a_connection_that_is_alive(
    transport: wh.Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What must not be sent twice takes a connection that answered within a second, or a new one (P20)."""
    with LoopbackService() as service:
        request = wh.Request("POST", service.url, (), b"{}", fresh=True)
        await transport.send(request, _soon())
        await transport.send(request, _soon())
        alive = service.connections
        loop = asyncio.get_running_loop()
        now = loop.time()
        monkeypatch.setattr(loop, "time", lambda: now + 2)
        await transport.send(request, _soon())
        fresh = service.connections
        await transport.send(attrs.evolve(request, fresh=False), _soon())

    assert (alive, fresh, service.connections) == (1, 2, 2)


async def test_a_fresh_request_never_travels_on_an_old_connection(
    transport: wh.Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that the other side drops when it is used again is not met by what needs a fresh one (F62)."""
    async with _served(_keeps_alive(OK, b""), _answers(OK)) as server:
        await transport.send(server.request(), _soon())
        loop = asyncio.get_running_loop()
        now = loop.time()
        monkeypatch.setattr(loop, "time", lambda: now + 2)
        response = await transport.send(attrs.evolve(server.request(), fresh=True), _soon())

    assert response.body == b"ok"
    assert len(server.requests) == 2


async def test_time_that_is_used_up_before_the_first_byte_is_told_apart(transport: wh.Transport) -> None:
    """At the deadline the transport says whether the request may have arrived."""
    async with _served(_says_nothing) as server:
        with pytest.raises(wh.TransportError) as unsent:
            await transport.send(wh.Request("POST", f"https://127.0.0.1:{server.port}/", (), b""), _soon(0.2))
    async with _served(_hangs()) as server:
        with pytest.raises(wh.TransportError) as sent:
            await transport.send(server.request(), _soon(0.2))

    assert [unsent.value.evidence, sent.value.evidence] == [wh.Evidence.EXPIRED] * 2
    assert [unsent.value.delivery, sent.value.delivery] == ["unavailable", "unknown"]


@pytest.mark.parametrize(
    "request_",
    [
        wh.Request("GET", "http://api.example.com/é", (), None),
        wh.Request("GET", "http://api.example.com/", (("X-A", "é"),), None),
        wh.Request("GET", "http://api.example.com/", (("X A", "b"),), None),
        wh.Request("GET", "ftp://api.example.com/", (), None),
        wh.Request("GET", "http:///", (), None),
        wh.Request("GET", "no URL", (), None),
        wh.Request("GET", "http://user@api.example.com/", (), None),
    ],
    ids=lambda request: request.url,
)
async def test_what_cannot_be_sent_is_refused(
    transport: wh.Transport, request_: wh.Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that is none is refused before a byte leaves, with an error of ours."""
    async with _served(_hangs()) as server:
        address = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: address)
        connect = socket.socket.connect
        monkeypatch.setattr(socket.socket, "connect", lambda self, _: connect(self, ("127.0.0.1", server.port)))
        with pytest.raises(wh.TransportError) as refused:
            await transport.send(request_, _soon())

    assert refused.value.evidence is wh.Evidence.REFUSED
    assert server.requests == []


FORKED = """
import asyncio, os, sys
import wayhook as wh

transport = getattr(wh, sys.argv[2])()
request = wh.Request("POST", sys.argv[1], (), b"{}")

async def call():
    return (await transport.send(request, asyncio.get_running_loop().time() + 5)).status

loop = asyncio.new_event_loop()
print(loop.run_until_complete(call()), flush=True)
child = os.fork()
if not child:
    print(asyncio.new_event_loop().run_until_complete(call()), flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(loop.run_until_complete(call()), flush=True)
loop.run_until_complete(transport.aclose())
loop.close()
"""


def test_a_forked_child_gets_connections_of_its_own(kind: Kind) -> None:
    """The child opens its own connection, and the parent goes on with the one it had (P25)."""
    with LoopbackService() as service:
        command = [sys.executable, "-W", "error", "-c", FORKED, service.url, kind.__name__]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=15)

    assert (done.stdout, done.stderr) == ("200\n200\n200\n", "")
    assert (service.connections, len(service.received)) == (2, 3)


@pytest.mark.parametrize("last", ["call", "close"])
def test_another_loop_gets_connections_of_its_own(kind: Kind, last: str) -> None:
    """A transport that goes over to another loop takes nothing along; the first loop closes what it still holds."""
    transport, first = kind(), asyncio.new_event_loop()

    async def call() -> int:
        return (await transport.send(wh.Request("POST", service.url, (), b"{}"), _soon())).status

    async def calls_and_closes() -> None:
        if last == "call":
            await call()
        await transport.aclose()

    with LoopbackService() as service:
        first.run_until_complete(call())
        asyncio.run(calls_and_closes())
        first.run_until_complete(asyncio.sleep(0.01))
        first.close()

    assert service.connections == (2 if last == "call" else 1)


def test_two_loops_at_once_do_not_disturb_each_other(kind: Kind) -> None:
    """A transport that two threads use, each with its loop, answers both."""
    transport = kind()

    async def calls() -> set[int]:
        request = wh.Request("POST", service.url, (), b"{}")
        statuses = {(await transport.send(request, _soon())).status for _ in range(50)}
        await transport.aclose()
        await asyncio.sleep(0.05)  # for what the other thread gave back to close
        return statuses

    with LoopbackService() as service, ThreadPoolExecutor(2) as threads:
        found = list(threads.map(lambda _: asyncio.run(calls()), range(2)))

    assert found == [{200}, {200}]


async def test_a_cancelled_call_leaves_nothing(transport: wh.Transport) -> None:
    """A call cancelled while it waits, for the head or for the body, closes its connection; the next one works."""
    before = asyncio.all_tasks()

    async with _served(
        _hangs(), _answers(HEAD + b"Content-Length: 9\r\n\r\nhalf", then="hang"), _answers(OK)
    ) as server:
        for calls in (1, 2):
            call = asyncio.create_task(transport.send(server.request(), _soon()))
            while len(server.requests) < calls:  # noqa: ASYNC110 - the server counts
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.02)  # for the half of the body to arrive
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await server.nothing_open()
        after = await transport.send(server.request(), _soon())

    assert after.body == b"ok"
    assert asyncio.all_tasks() == before


async def test_calls_cancelled_at_any_moment_leave_nothing(transport: wh.Transport) -> None:
    """Whenever calls are cancelled, none stays open and the transport goes on working."""
    with LoopbackService(lambda _: Answer(200, b"x" * 10_000)) as service:
        request = wh.Request("POST", service.url, (), b"{}")
        for steps in range(40):
            calls = [asyncio.create_task(transport.send(request, _soon())) for _ in range(3)]
            for _ in range(steps):
                await asyncio.sleep(0)
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
        responses = await asyncio.gather(*(transport.send(request, _soon()) for _ in range(5)))

    assert {response.status for response in responses} == {200}


async def test_closing_closes_idle_connections(kind: Kind) -> None:
    """After `aclose` nothing is open, and a transport that is used again works."""
    transport = kind()

    async with _served(_keeps_alive(OK, OK), _keeps_alive(OK, OK)) as server:
        await transport.send(server.request(), _soon())
        open_before = server.open
        await transport.aclose()
        await server.nothing_open()
        again = await transport.send(server.request(), _soon())
        await transport.aclose()

    assert (open_before, again.body) == (1, b"ok")


async def test_the_environment_is_not_asked(transport: wh.Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables for proxies and certificates have no effect (F80)."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    monkeypatch.setenv("NETRC", "/nowhere")

    with LoopbackService() as service:
        response = await transport.send(wh.Request("GET", service.url, (), None), _soon())

    assert response.status == 200
    assert "authorization" not in service.received[0].headers


async def test_what_is_received_is_what_was_sent(transport: wh.Transport) -> None:
    """On a real socket: the exact target and headers, a length with a body, and no length or body without one."""
    with LoopbackService() as service:
        target = "/a%2Fb/..%2F/%C3%A9;x?q=%20&r=a+b"
        await transport.send(wh.Request("PUT", service.url + target, (("X-A", "1"),), "é".encode()), _soon())
        await transport.send(wh.Request("GET", service.url, (), None), _soon())

    put, get = service.received
    assert (put.method, put.target, put.body) == ("PUT", target, "é".encode())
    assert put.headers["host"] == service.url.removeprefix("http://")
    assert (put.headers["content-length"], put.headers["x-a"]) == ("2", "1")
    assert (get.method, get.target, get.body) == ("GET", "/", b"")
    assert {"content-length", "transfer-encoding", "user-agent", "cookie"}.isdisjoint(get.headers)


@pytest.mark.rule("R205")
async def test_an_execution_ends_at_its_deadline(transport: wh.Transport, loopback: wh.Guardrails) -> None:
    """Through the executor too: a service that never answers ends the call after a second, as `timedout`."""
    async with _served(_hangs()) as server:
        action = wh.Action(name="Ping", url_configuration=wh.UrlConfiguration(f"http://127.0.0.1:{server.port}/"))
        async with wh.Executor(guardrails=loopback, transport=transport) as executor:
            outcome = await executor.call(action, timeout=1)
        await server.nothing_open()

    assert (outcome.status, len(server.requests)) == ("timedout", 1)
    assert [attempt.evidence for attempt in outcome.attempts] == [wh.Evidence.EXPIRED]
    assert 1 <= outcome.elapsed < 1.25


async def test_a_service_that_recovers_is_delivered_to(transport: wh.Transport, loopback: wh.Guardrails) -> None:
    """Through the executor: what broke twice and then works is delivered, and the service counted the attempts."""
    async with _served(_answers(), _answers(b"HTTP/1.1 503 Busy\r\n\r\n"), _answers(OK)) as server:
        url = wh.UrlConfiguration(f"http://127.0.0.1:{server.port}/", method="PUT")
        async with wh.Executor(guardrails=loopback, transport=transport, random=lambda: 0.0) as executor:
            outcome = await executor.call(wh.Action(name="Ping", url_configuration=url))

    assert (outcome.status, len(server.requests)) == ("http_200", 3)
    assert [attempt.status for attempt in outcome.attempts] == [None, 503, 200]


@pytest.mark.parametrize("status", [200, 202, 204, 304, 404])
async def test_a_connection_serves_again_whatever_the_status(transport: wh.Transport, status: int) -> None:
    """Also after an answer that has no body."""
    with LoopbackService(lambda _: Answer(status)) as service:
        for _ in range(4):
            await transport.send(wh.Request("POST", service.url, (), b"{}"), _soon())

    assert service.connections == 1


async def test_what_was_idle_for_long_is_closed(transport: wh.Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections that a burst left behind close after five seconds and not before, though nobody calls any more."""
    loop = asyncio.get_running_loop()
    time = loop.time

    async with FaultServer(Visit.serve) as server:
        request = wh.Request("POST", server.url, (), b"{}")
        await asyncio.gather(*(transport.send(request, _soon()) for _ in range(10)))
        after_burst = server.open
        monkeypatch.setattr(loop, "time", lambda: time() + 3)
        for _ in range(20):
            await asyncio.sleep(0)
        after_three_seconds = server.open
        monkeypatch.setattr(loop, "time", lambda: time() + 7)
        await server.nothing_open()

    assert (after_burst, after_three_seconds) == (10, 10)


async def test_a_closed_transport_leaves_no_timer(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    """What closes idle connections, once a second, ends with the transport."""
    loop, timers = asyncio.get_running_loop(), []
    later = loop.call_later

    def noted(seconds: float, *args: Any, **more: Any) -> asyncio.TimerHandle:
        timers.append((seconds, later(seconds, *args, **more)))
        return timers[-1][1]

    monkeypatch.setattr(loop, "call_later", noted)
    transport = kind()
    async with FaultServer(Visit.serve) as server:
        await transport.send(wh.Request("POST", server.url, (), b"{}"), _soon())
        pending = [not timer.cancelled() for seconds, timer in timers if seconds == 1]
        await transport.aclose()
        left = [timer for seconds, timer in timers if seconds == 1 and not timer.cancelled()]

    assert (pending, left) == ([True], [])


async def test_a_broken_record_of_tls_is_a_broken_connection() -> None:
    """An error of TLS after the handshake is evidence like any other break, not an error of ssl."""

    class Broken(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            raise ssl.SSLError(1, "WRONG_VERSION_NUMBER")

    async with httpx.AsyncClient(transport=Broken()) as client:
        with pytest.raises(wh.TransportError) as raised:
            await wh.HttpxTransport(client).send(wh.Request("POST", "https://h.example/", (), b"{}"), _soon())

    assert raised.value.evidence is wh.Evidence.AMBIGUOUS
