"""The wire transport: what is its own beside what every transport keeps (`tests/faults`, `test_transport.py`)."""

from __future__ import annotations

import asyncio
import importlib
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any

import attrs
import pytest

import wayhook as wh
from wayhook.testing.fault_server import FaultServer, Visit, authority, certified

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HEAD = b"HTTP/1.1 200 OK\r\n"


def _soon(seconds: float = 5.0) -> float:
    return asyncio.get_running_loop().time() + seconds


def _request(server: FaultServer, method: str = "POST", **parts: Any) -> wh.Request:
    return wh.Request(method, f"{server.url}/v1?a=%20", (("X-Test", "1"),), b"{}", **parts)


@pytest.fixture
async def transport() -> AsyncIterator[wh.WireTransport]:
    """A transport, closed in the end."""
    opened = wh.WireTransport()
    yield opened
    await opened.aclose()


@attrs.define
class Gate:
    """A service that answers when it is told to. `waiting`: how many requests wait for that."""

    opened: asyncio.Event = attrs.Factory(asyncio.Event)
    waiting: int = 0
    order: list[bytes] = attrs.Factory(list)

    async def __call__(self, visit: Visit) -> None:
        while True:
            request = await visit.request()
            self.order.append(request.partition(b"\r\n")[0].split(b" ")[1])
            self.waiting += 1
            await self.opened.wait()
            await visit.say(OK)

    async def reached(self, calls: int) -> None:
        """Wait until so many requests have come."""
        async with asyncio.timeout(5):
            while self.waiting < calls:  # noqa: ASYNC110 - a counter has no event
                await asyncio.sleep(0.005)


# How many at once.


async def test_no_more_connections_than_allowed_are_opened() -> None:
    """Calls beyond the number wait for a connection, are served in order, and all are answered."""
    gate, transport = Gate(), wh.WireTransport(connections=3)
    async with FaultServer(gate) as server:
        paths = [f"/{number}" for number in range(12)]
        requests = [attrs.evolve(_request(server), url=server.url + path) for path in paths]
        calls = [asyncio.create_task(transport.send(request, _soon())) for request in requests]
        await gate.reached(3)
        connections = server.connections
        gate.opened.set()
        responses = await asyncio.gather(*calls)
        await transport.aclose()
        await server.nothing_open()

    assert connections == server.connections == 3
    assert {response.status for response in responses} == {200}
    assert gate.order[3:] == [path.encode() for path in paths[3:]]


async def test_a_call_that_finds_no_connection_in_time_was_never_sent() -> None:
    """At its deadline a call leaves the line: nothing was sent, and those behind it are not disturbed (F12)."""
    gate, transport = Gate(), wh.WireTransport(connections=1)
    async with FaultServer(gate) as server:
        first = asyncio.create_task(transport.send(_request(server), _soon()))
        await gate.reached(1)
        started = _soon(0)
        with pytest.raises(wh.TransportError) as late:
            await transport.send(_request(server), _soon(0.2))
        took = _soon(0) - started
        behind = asyncio.create_task(transport.send(_request(server), _soon()))
        await asyncio.sleep(0)
        gate.opened.set()
        answered = [(await call).status for call in (first, behind)]
        await transport.aclose()

    assert (late.value.evidence, late.value.delivery, late.value.local) == (wh.Evidence.EXPIRED, "unavailable", True)
    assert "one of the connections to the host" in str(late.value)
    assert 0.2 <= took < 0.45
    assert (answered, len(server.requests)) == ([200, 200], 2)


@pytest.mark.parametrize("steps", range(6))
async def test_a_call_that_is_cancelled_in_the_line_takes_no_place_along(steps: int) -> None:
    """Wherever waiting calls are cancelled, also as their turn comes, the places stay as many as they were."""
    gate, transport = Gate(), wh.WireTransport(connections=2)
    async with FaultServer(gate) as server:
        calls = [asyncio.create_task(transport.send(_request(server), _soon())) for _ in range(8)]
        await gate.reached(2)
        gate.opened.set()
        for _ in range(steps):
            await asyncio.sleep(0)
        for call in calls[2::2]:
            call.cancel()
        ended = await asyncio.gather(*calls, return_exceptions=True)
        gate.opened.clear()
        before = gate.waiting
        again = [asyncio.create_task(transport.send(_request(server), _soon())) for _ in range(4)]
        await gate.reached(before + 2)
        at_once = gate.waiting - before
        gate.opened.set()
        after = await asyncio.gather(*again)
        await transport.aclose()
        await server.nothing_open()

    kept = [answer for answer in ended if isinstance(answer, wh.Response)]
    assert len(kept) >= 5
    assert at_once == 2
    assert {response.status for response in after} == {200}


async def test_random_cancellation_in_a_crowd_leaves_every_place(transport: wh.WireTransport) -> None:
    """Hundreds of calls for two connections, cancelled at any moment: the transport goes on working (P23)."""
    crowded = wh.WireTransport(connections=2)
    before = asyncio.all_tasks()
    async with FaultServer(Visit.serve) as server:
        await server.heal()
        for steps in range(60):
            calls = [asyncio.create_task(crowded.send(_request(server), _soon())) for _ in range(8)]
            for _ in range(steps):
                await asyncio.sleep(0)
            for call in calls[steps % 3 :: 2]:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
        found = await asyncio.gather(*(crowded.send(_request(server), _soon()) for _ in range(8)))
        open_at_most = server.open
        await crowded.aclose()
        await server.nothing_open()
        await asyncio.sleep(0.01)  # for the server's tasks to end
        left = asyncio.all_tasks() - before

    assert {response.status for response in found} == {200}
    assert open_at_most <= 2
    assert left == set()


async def test_old_idle_connections_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a fresh request cannot use is closed before there are too many connections."""
    gate, transport = Gate(), wh.WireTransport(connections=2)
    gate.opened.set()
    async with FaultServer(gate) as server:
        await asyncio.gather(*(transport.send(_request(server), _soon()) for _ in range(2)))
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "time", lambda time=loop.time: time() + 2)
        await asyncio.gather(*(transport.send(_request(server, fresh=True), _soon()) for _ in range(2)))
        await asyncio.sleep(0.02)  # for the ends of the others to arrive
        still_open = server.open
        await transport.aclose()

    assert (server.connections, still_open) == (4, 2)


# What it is asked for.


@pytest.mark.parametrize(
    ("asked", "path", "words"),
    [
        ({"proxy": "http://127.0.0.1:3128"}, "$.proxy", "HttpxTransport(httpx.AsyncClient("),
        ({"http2": True}, "$.http2", "HttpxTransport(httpx.AsyncClient("),
        ({"connections": 0}, "$.connections", "from 1"),
        ({"connections": True}, "$.connections", "from 1"),
        ({"connections": "10"}, "$.connections", "from 1"),
        ({"trust": "no/such/file.pem"}, "$.trust", "PEM"),
    ],
)
def test_what_it_cannot_do_is_said(asked: dict[str, Any], path: str, words: str) -> None:
    """A proxy and HTTP/2 are refused with the name of the transport that has them; so is a number that is none."""
    with pytest.raises(wh.DefinitionError) as refused:
        wh.WireTransport(**asked)

    (violation,) = refused.value.violations
    assert violation.path == path
    assert words in violation.message


WITHOUT = """
import sys
sys.modules["httptools"] = None
import wayhook as wh
try:
    wh.WireTransport()
except wh.MissingExtra as error:
    print(error)
try:
    wh.Executor(transport="wire")
except wh.MissingExtra as error:
    print(isinstance(error, ImportError))
"""


def test_a_missing_extra_is_said_when_one_is_made() -> None:
    """Without the parser there is one sentence with the command to type, and the module can still be imported."""
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False, timeout=15)

    assert (done.stdout, done.stderr) == ("the wire transport needs httptools: pip install 'wayhook[fast]'\nTrue\n", "")


async def test_it_is_found_by_its_name(loopback: wh.Guardrails) -> None:
    """`Executor(transport="wire")` makes one."""
    async with FaultServer(Visit.serve) as server:
        action = wh.Action(name="Ping", url_configuration=wh.UrlConfiguration(server.url))
        async with wh.Executor(guardrails=loopback, transport="wire") as executor:
            outcome = await executor.call(action)
        await server.nothing_open()

    assert outcome.status == "http_200"


# What is sent.

REQUESTS = {
    "a POST": ("POST", "/v1/messages", (("Content-Type", "application/json"), ("X-A", "a b\tc")), b'{"a":1}'),
    "a POST without a body": ("POST", "/", (), None),
    "an empty body": ("PATCH", "/", (), b""),
    "a GET": ("GET", "/a%2Fb/..%2F;x?q=%20&r=a+b", (("X-A", "1"), ("x-a", "2"), ("X-Empty", "")), None),
    "a GET with a body": ("GET", "/", (), b"text"),
    "a query without a path": ("DELETE", "?q=/1", (), None),
    "nothing but an origin": ("HEAD", "", (), None),
    "a large body": ("PUT", "/", (), b"x" * 1_000_000),
}


@pytest.mark.parametrize(("method", "target", "headers", "body"), REQUESTS.values(), ids=REQUESTS)
async def test_the_bytes_are_those_of_httpx(
    transport: wh.WireTransport, method: str, target: str, headers: Any, body: bytes | None
) -> None:
    """Both transports send the same request to the last byte."""
    arrived: list[bytes] = []

    async def keeps(visit: Visit) -> None:
        arrived.append(await visit.request())
        await visit.say(b"HTTP/1.1 204 No Content\r\n\r\n")

    httpx = wh.HttpxTransport()
    async with FaultServer(keeps) as server:
        request = wh.Request(method, server.url + target, headers, body)
        for sending in (httpx, transport):
            await sending.send(request, _soon())
    await httpx.aclose()

    assert arrived[0] == arrived[1]


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": (("X-A", "b\r\nX-B: c"),)},
        {"headers": (("X-A", "b\nX-B: c"),)},
        {"headers": (("X-A\r\nX-B", "c"),)},
        {"headers": (("X-A", "b\0"),)},
        {"headers": (("", "b"),)},
        {"headers": (("X:A", "b"),)},
        {"method": "GET / HTTP/1.1\r\nX-A:"},
        {"method": "GE T"},
        {"url": "http://127.0.0.1:9/a b"},
        {"url": "http://127.0.0.1:9/a\r\nX-A: b"},
        {"url": "http://127.0.0.1:9/a#b"},
        {"url": "http://127.0.0.1:9?a#b"},
    ],
    ids=str,
)
async def test_no_request_becomes_two(transport: wh.WireTransport, changes: dict[str, Any]) -> None:
    """A line break, or anything else that would say more than it should, is refused and opens no connection."""
    async with FaultServer(Visit.serve) as server:
        changes = {
            name: value.replace(":9", f":{server.port}") if name == "url" else value for name, value in changes.items()
        }
        with pytest.raises(wh.TransportError) as refused:
            await transport.send(attrs.evolve(_request(server), **changes), _soon())

    assert refused.value.evidence is wh.Evidence.REFUSED
    assert server.connections == 0


# What is read.

AS_HTTPX = {
    "a folded line": HEAD + b"X-A: b\r\n  c\r\nContent-Length: 2\r\n\r\nok",
    "a length said twice": HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
    "a length in a list": HEAD + b"Content-Length: 2, 2\r\n\r\nok",
    "a length of many zeros": HEAD + b"Content-Length: 0000000002\r\n\r\nok",
    "chunks and a length": HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "chunks with trailers": HEAD + b"Transfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: a\r\n\r\n",
    "an offer of another protocol": HEAD + b"Upgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nok",
    "such an offer and chunks": HEAD
    + b"Upgrade: h2,h2c\r\nConnection: Upgrade\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "chunks of HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "Latin-1": HEAD + b"X-A: \xe9\xff\r\nContent-Length: 2\r\n\r\nok",
    "spaces around values": HEAD + b"X-A: \t b \t\r\nX-B:c\r\nX-C:\r\nContent-Length:2\r\n\r\nok",
    "no phrase": b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",
    "a phrase of any bytes": b"HTTP/1.1 200 \xe9 \t!\r\nContent-Length: 2\r\n\r\nok",
}


@pytest.mark.parametrize("answer", AS_HTTPX.values(), ids=AS_HTTPX)
async def test_an_odd_answer_is_read_as_by_httpx(transport: wh.WireTransport, answer: bytes) -> None:
    """What HTTP allows and servers say is read the same way, whatever the parser thinks of it."""

    async def says(visit: Visit) -> None:
        await visit.request()
        await visit.say(answer)

    httpx = wh.HttpxTransport()
    async with FaultServer(says) as server:
        by_httpx, by_wire = [await sending.send(_request(server), _soon()) for sending in (httpx, transport)]
    await httpx.aclose()

    assert (by_wire.body, by_wire.fault) == (b"ok", "")
    assert (by_wire.status, by_wire.body, by_wire.fault) == (by_httpx.status, by_httpx.body, by_httpx.fault)
    assert _fields(by_wire) == _fields(by_httpx)


def _fields(response: wh.Response) -> list[tuple[str, str]]:
    """The header fields but those of the framing, which httpx writes anew."""
    return [field for field in response.headers if field[0] not in ("content-length", "transfer-encoding")]


NO_HTTP = {
    "line feeds alone": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "a line feed alone": HEAD + b"X-A: b\nContent-Length: 2\r\n\r\nok",
    "a carriage return alone": HEAD + b"X-A: b\rX-B: c\r\n\r\n",
    "NUL in the phrase": b"HTTP/1.1 200 O\0K\r\n\r\n",
    "a control character": HEAD + b"X-A: \x01\r\n\r\n",
    "a space before the colon": HEAD + b"Content-Length : 2\r\n\r\nok",
    "a fold behind the status line": HEAD + b" X-A: b\r\n\r\n",
    "an empty name": HEAD + b": b\r\n\r\n",
    "an empty line first": b"\r\n" + OK,
    "HTTP/2.0": b"HTTP/2.0 200 OK\r\n\r\n",
    "HTTP/0.9": b"HTTP/0.9 200 OK\r\n\r\n",
    "lower case": b"http/1.1 200 OK\r\n\r\n",
    "status 099": b"HTTP/1.1 099 No\r\n\r\n",
    "status 2000": b"HTTP/1.1 2000 OK\r\n\r\n",
    "two spaces": b"HTTP/1.1  200 OK\r\n\r\n",
    "a signed length": HEAD + b"Content-Length: +2\r\n\r\nok",
    "a length of words": HEAD + b"Content-Length: 2 2\r\n\r\nok",
    "an empty length": HEAD + b"Content-Length:\r\n\r\nok",
    "lengths that differ": HEAD + b"Content-Length: 2\r\nX-A: b\r\ncontent-length: 3\r\n\r\nok!",
    "lengths that differ in a list": HEAD + b"Content-Length: 2, 3\r\n\r\nok!",
    "lengths that differ, and chunks": HEAD
    + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "a coding before chunks": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a coding behind chunks": HEAD + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "a coding alone": HEAD + b"Transfer-Encoding: identity\r\n\r\nok",
    "chunks twice": HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a coding that looks like chunks": HEAD + b"Transfer-Encoding: xchunked\r\n\r\nok",
    "an unasked 101": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
}


@pytest.mark.parametrize("answer", NO_HTTP.values(), ids=NO_HTTP)
async def test_what_is_no_http_is_not_guessed_at(transport: wh.WireTransport, answer: bytes) -> None:
    """A head that others may read in another way ends its connection, at once and for good."""

    async def says(visit: Visit) -> None:
        await visit.request()
        await visit.say(answer)
        await visit.hang()

    async with FaultServer(says) as server:
        with pytest.raises(wh.TransportError) as broken:
            await transport.send(_request(server), _soon())
        await server.nothing_open()

    assert (broken.value.evidence, broken.value.delivery) == (wh.Evidence.PERMANENT, "unknown")


CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BAD_CHUNKS = {
    "a line feed alone": b"2\nok\r\n0\r\n\r\n",
    "a sign": b"+2\r\nok\r\n0\r\n\r\n",
    "a base": b"0x2\r\nok\r\n0\r\n\r\n",
    "a space": b"2 \r\nok\r\n0\r\n\r\n",
    "no size": b"\r\nok\r\n0\r\n\r\n",
    "more than its size": b"2\r\nok!\r\n0\r\n\r\n",
    "no end": b"2\r\nok0\r\n\r\n",
    "a trailer that is none": b"2\r\nok\r\n0\r\nX A\r\n\r\n",
    "a carriage return in an extension": b"2;a\rb\r\nok\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("chunks", BAD_CHUNKS.values(), ids=BAD_CHUNKS)
async def test_chunks_that_are_none_leave_the_status(transport: wh.WireTransport, chunks: bytes) -> None:
    """The head counts, the body does not, and the connection ends."""

    async def says(visit: Visit) -> None:
        await visit.request()
        await visit.say(CHUNKED + chunks)
        await visit.hang()

    async with FaultServer(says) as server:
        response = await transport.send(_request(server), _soon())
        await server.nothing_open()

    assert (response.status, response.body, response.fault) == (200, b"", "the body is cut or malformed")


@pytest.mark.parametrize("surplus", [b"\r\n", b"\n", b"0", OK, b"garbage"], ids=repr)
@pytest.mark.parametrize(
    "answer",
    [OK, CHUNKED + b"2\r\nok\r\n0\r\n\r\n", b"HTTP/1.1 204 No Content\r\n\r\n"],
    ids=["length", "chunks", "204"],
)
async def test_one_byte_too_many_ends_the_connection(
    transport: wh.WireTransport, answer: bytes, surplus: bytes
) -> None:
    """Behind whatever framing, and be it an empty line: the answer counts, its connection does not serve again."""

    async def says(visit: Visit) -> None:
        await visit.request()
        await visit.say(answer + surplus)
        await visit.serve()

    async with FaultServer(says) as server:
        responses = [await transport.send(_request(server, "PUT"), _soon()) for _ in range(2)]

    assert {(response.body, response.fault) for response in responses} <= {(b"ok", ""), (b"", "")}
    assert server.connections == 2


@pytest.mark.parametrize("method", ["HEAD", "GET"])
async def test_an_answer_to_head_has_no_body(transport: wh.WireTransport, method: str) -> None:
    """Its length is that of a body which does not come, and the connection serves again."""

    async def serves(visit: Visit) -> None:
        while True:
            head = await visit.head()
            await visit.say(HEAD + b"Content-Length: 2\r\n\r\n" + (b"" if head.startswith(b"HEAD") else b"ok"))

    async with FaultServer(serves) as server:
        request = wh.Request(method, server.url, (), None)
        responses = [await transport.send(request, _soon(1)) for _ in range(3)]

    assert [response.body for response in responses] == [b"" if method == "HEAD" else b"ok"] * 3
    assert server.connections == 1


@pytest.mark.parametrize(
    "says", [b"Connection: close", b"Connection: Keep-Alive, Close", b"Connection: x\r\nConnection: close"]
)
async def test_a_close_is_heard(transport: wh.WireTransport, says: bytes) -> None:
    """Who announces to close is not asked again over that connection."""

    async def serves(visit: Visit) -> None:
        while True:
            await visit.request()
            await visit.say(HEAD + says + b"\r\nContent-Length: 2\r\n\r\nok")

    async with FaultServer(serves) as server:
        for _ in range(2):
            await transport.send(_request(server, "PUT"), _soon())

    assert server.connections == 2


ENDS = {
    "a length": [HEAD + b"Content-Length: 2\r\n\r\nok"],
    "chunks": [CHUNKED + b"2\r\nok\r\n0\r\n\r\n"],
    "the end": [HEAD + b"\r\nok"],
    "surplus behind a length": [OK, OK],
    "surplus behind chunks": [CHUNKED + b"2\r\nok\r\n0\r\n\r\n", OK],
}


@pytest.mark.parametrize("loop_factory", ["asyncio", "uvloop"])
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("pieces", ENDS.values(), ids=ENDS)
def test_an_answer_and_the_end_may_come_at_once(scheme: str, pieces: list[bytes], loop_factory: str) -> None:
    """A whole answer is whole, although more came, and the connection ended, before the call could go on."""
    pytest.importorskip(loop_factory)
    received, gone = threading.Event(), threading.Event()

    def serve(listener: socket.socket) -> None:
        opened, _ = listener.accept()
        if scheme == "https":
            opened = certified("good").wrap_socket(opened, server_side=True)
        opened.recv(65_536)
        received.set()
        for piece in pieces:
            opened.sendall(piece)
        if scheme == "https":
            with suppress(OSError):
                opened.settimeout(0)
                opened.unwrap()
        opened.close()
        gone.set()

    async def call(port: int) -> wh.Response:
        transport = wh.WireTransport(trust=authority().cert_pem.bytes().decode())
        request = wh.Request("POST", f"{scheme}://127.0.0.1:{port}/", (), b"{}")
        calling = asyncio.create_task(transport.send(request, _soon()))
        while not received.is_set():  # noqa: ASYNC110 - an event of another thread
            await asyncio.sleep(0.001)
        gone.wait(5)  # the loop stands still meanwhile
        found = await calling
        await transport.aclose()
        return found

    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = threading.Thread(target=serve, args=(listener,))
        serving.start()
        with asyncio.Runner(loop_factory=importlib.import_module(loop_factory).new_event_loop) as runner:
            found = runner.run(call(listener.getsockname()[1]))
        serving.join()

    assert (found.status, found.body, found.fault) == (200, b"ok", "")


async def test_what_is_late_already_is_not_sent(transport: wh.WireTransport) -> None:
    """A deadline that has passed opens no connection, and uses none."""
    async with FaultServer(Visit.serve) as server:
        await server.heal()
        await transport.send(_request(server), _soon())
        with pytest.raises(wh.TransportError) as late:
            await transport.send(_request(server), _soon(-1))

    assert (late.value.evidence, late.value.delivery) == (wh.Evidence.EXPIRED, "unavailable")
    assert len(server.requests) == 1


async def test_the_deadline_is_never_early_and_a_tick_late_at_most(transport: wh.WireTransport) -> None:
    """Calls with deadlines of their own end each at its own."""

    async def ended(seconds: float) -> float:
        deadline = _soon(seconds)
        with pytest.raises(wh.TransportError) as late:
            await transport.send(_request(server), deadline)
        assert late.value.evidence is wh.Evidence.EXPIRED
        return _soon(0) - deadline

    async def hangs(visit: Visit) -> None:
        await visit.hang()

    async with FaultServer(hangs) as server:
        late = await asyncio.gather(*(ended(0.1 + number / 100) for number in range(20)))
        await server.nothing_open()

    assert min(late) >= 0
    assert max(late) < 0.25


async def test_a_call_costs_no_task_and_no_timer_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand calls make no task, and share one timer, which is set again and again."""
    transport, loop, timers = wh.WireTransport(connections=20), asyncio.get_running_loop(), []
    call_later = loop.call_later

    async def fifty() -> None:
        for _ in range(50):
            await transport.send(_request(server), _soon(60))

    async with FaultServer(Visit.serve) as server:
        await server.heal()
        await asyncio.gather(*(transport.send(_request(server), _soon()) for _ in range(20)))
        calls = [asyncio.create_task(fifty()) for _ in range(20)]
        monkeypatch.setattr(loop, "call_later", lambda *given: timers.append(given) or call_later(*given))
        monkeypatch.setattr(loop, "create_task", None)
        await asyncio.wait(calls)
        monkeypatch.undo()
        await transport.aclose()

    assert len(server.requests) == 1_020
    assert len(timers) < 500


# Between the call and its bytes.


@attrs.frozen
class Peer:
    """The other side of one transport, which does nothing by itself."""

    transport: wh.WireTransport
    listener: socket.socket

    def sends(self) -> asyncio.Task[wh.Response]:
        """Begin a call; it takes its first step in the next turn of the loop."""
        url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        return asyncio.create_task(self.transport.send(wh.Request("POST", url, (), b"{}"), _soon()))

    async def answers(self, call: asyncio.Task[wh.Response]) -> tuple[socket.socket, wh.Response]:
        """Take a new connection and answer the call that comes over it."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(5):
            opened, _ = await loop.sock_accept(self.listener)
            assert (await loop.sock_recv(opened, 65_536)).endswith(b"{}")
            await loop.sock_sendall(opened, OK)
            return opened, await call


@pytest.fixture
def peer(transport: wh.WireTransport) -> Iterator[Peer]:
    """One that listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield Peer(transport, listener)


@pytest.mark.parametrize("early", [True, False], ids=["before the call's step", "after it"])
@pytest.mark.parametrize(
    "ends",
    [lambda end: end.shutdown(socket.SHUT_WR), lambda end: end.send(OK), socket.socket.close],
    ids=["it ends", "it speaks unasked", "it is gone"],
)
async def test_a_connection_that_ends_before_the_bytes_leave_is_not_written_to(
    peer: Peer,
    ends: Callable[[socket.socket], object],
    early: bool,  # noqa: FBT001
) -> None:
    """Bytes leave at the end of a turn; what became of an idle connection until then counts, and another is taken."""
    idle, _ = await peer.answers(peer.sends())

    if early:
        ends(idle)  # the loop sees it in the turn of the call's first step
    second = peer.sends()
    if not early:
        asyncio.get_running_loop().call_soon(ends, idle)  # after that step, before the bytes leave
    fresh, response = await peer.answers(second)

    assert (response.status, response.body) == (200, b"ok")
    if idle.fileno() >= 0:
        with suppress(ConnectionResetError):
            assert await asyncio.get_running_loop().sock_recv(idle, 65_536) == b""
    idle.close()
    fresh.close()


async def test_a_call_that_is_cancelled_before_its_bytes_leave_sends_none(peer: Peer) -> None:
    """What waits for the end of the turn is taken back."""
    idle, _ = await peer.answers(peer.sends())

    second = peer.sends()
    asyncio.get_running_loop().call_soon(second.cancel)
    with pytest.raises(asyncio.CancelledError):
        await second

    assert await asyncio.get_running_loop().sock_recv(idle, 65_536) == b""
    idle.close()
