"""The loopback service: real sockets, everything remembered, nothing left."""

from __future__ import annotations

import asyncio
import socket
import threading

import httpx
import pytest

from wayhook.testing import Answer, LoopbackService, Received


def _exchange(service: LoopbackService, sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", service.port), timeout=5) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def test_a_request_is_remembered_as_it_came() -> None:
    """Method, target, headers in their own case and order, and the body's bytes."""
    with LoopbackService() as service:
        answer = _exchange(
            service, b"PUT /a%2Fb?q=%20 HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-a:  2 \r\nContent-Length: 3\r\n\r\n[1]"
        )

    (request,) = service.received
    assert (request.method, request.target, request.path) == ("PUT", "/a%2Fb?q=%20", "/a%2Fb")
    assert request.raw_headers == (("Host", "h"), ("X-A", "1"), ("x-a", "2"), ("Content-Length", "3"))
    assert (request.headers["x-a"], request.body, request.json()) == ("2", b"[1]", [1])
    assert answer == b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(), b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        (
            Answer(429, {"a": [1, None]}, {"Retry-After": "1"}),
            b'HTTP/1.1 429 Too Many Requests\r\nContent-Length: 16\r\nRetry-After: 1\r\n\r\n{"a": [1, null]}',
        ),
        (Answer(299, b"\x00\xff"), b"HTTP/1.1 299 Other\r\nContent-Length: 2\r\n\r\n\x00\xff"),
    ],
)
def test_an_answer_is_written_as_given(answer: Answer, expected: bytes) -> None:
    """Status, headers and body are those of the answer; JSON values become JSON."""
    with LoopbackService(lambda _: answer) as service:
        written = _exchange(service, b"GET / HTTP/1.1\r\n\r\n")

    assert written == expected


def test_a_connection_serves_many_requests() -> None:
    """Requests on one connection are answered in order, and the connection is counted once."""
    with LoopbackService(lambda request: Answer(200, request.path.encode())) as service:
        written = _exchange(service, b"GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n")

    assert (service.connections, [request.path for request in service.received]) == (1, ["/1", "/2"])
    assert written.index(b"/1") < written.index(b"/2")


def test_a_delay_comes_before_the_head() -> None:
    """A delayed answer keeps nobody else waiting."""
    delays = {"/slow": 0.2, "/fast": 0.0}

    async def ask(client: httpx.AsyncClient, path: str) -> str:
        await client.get(path)
        return path

    async def both(url: str) -> list[str]:
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
            return [await done for done in asyncio.as_completed([ask(client, "/slow"), ask(client, "/fast")])]

    with LoopbackService(lambda request: Answer(delay=delays[request.path])) as service:
        order = asyncio.run(both(service.url))

    assert order == ["/fast", "/slow"]


@pytest.mark.parametrize("has_arrived", [True, False], ids=["under way", "just arriving"])
def test_nothing_is_left(*, has_arrived: bool) -> None:
    """After leaving, the thread has ended and the port refuses; a connection that hung, or just came, was closed."""
    threads, arrived = set(threading.enumerate()), threading.Event()

    def respond(_: Received) -> Answer:
        arrived.set()
        return Answer(delay=60)

    with LoopbackService(respond) as service:
        hanging = socket.create_connection(("127.0.0.1", service.port), timeout=2)
        hanging.sendall(b"GET / HTTP/1.1\r\n\r\n")
        if has_arrived:
            arrived.wait(5)
    with hanging:
        try:
            rest = hanging.recv(10)
        except ConnectionResetError:
            rest = b""

    assert rest == b""
    assert set(threading.enumerate()) <= threads
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", service.port), timeout=5)


def test_each_service_has_a_port_of_its_own() -> None:
    """Two services side by side do not meet."""
    with LoopbackService() as one, LoopbackService() as two:
        _exchange(two, b"GET / HTTP/1.1\r\n\r\n")

    assert one.port != two.port
    assert (len(one.received), len(two.received)) == (0, 1)


def test_a_respond_that_fails_is_a_broken_answer_to_the_client() -> None:
    """A function that raises closes its connection and leaves the service working."""

    def respond(request: Received) -> Answer:
        if request.path == "/bad":
            raise ZeroDivisionError
        return Answer(204)

    with LoopbackService(respond) as service:
        broken = _exchange(service, b"GET /bad HTTP/1.1\r\n\r\n")
        works = _exchange(service, b"GET / HTTP/1.1\r\n\r\n")

    assert broken == b"" or broken.startswith(b"HTTP/1.1 500")
    assert works.startswith(b"HTTP/1.1 204 No Content")
