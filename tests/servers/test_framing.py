"""Conformance: real servers, in every framing that they can be made to speak, over each of our transports."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from menu import SERVERS, Server

import wayhook as wh

CASES = [(name, path) for name, server in SERVERS.items() for path in sorted(server.says)]
KEEPING = [name for name, server in SERVERS.items() if server.keeps]


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Start a server when it is first asked for; all of them end with the module."""
    running: dict[str, tuple[Any, str]] = {}

    def url(name: str) -> str:
        server: Server = SERVERS[name]
        if server.missing:
            pytest.skip(server.missing)
        if name not in running:
            opened = server.running(tmp_path_factory.mktemp("server"))
            running[name] = opened, opened.__enter__()
        return running[name][1]

    yield url
    for opened, _ in running.values():
        opened.__exit__(None, None, None)


@pytest.fixture(params=[wh.HttpxTransport, wh.WireTransport], ids=["httpx", "wire"])
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[wh.Transport]:
    """Each of our transports, closed in the end."""
    opened = request.param()
    yield opened
    await opened.aclose()


async def _sent(transport: wh.Transport, url: str, method: str = "GET", body: bytes | None = None) -> wh.Response:
    request = wh.Request(method, url, (("X-Test", "1"),), body, fresh=method == "POST")
    return await transport.send(request, asyncio.get_running_loop().time() + 10)


def _framing(response: wh.Response) -> str:
    names = {name for name, _ in response.headers}
    return "chunked" if "transfer-encoding" in names else "length" if "content-length" in names else "close"


@pytest.mark.parametrize(("name", "path"), CASES)
async def test_a_framing_is_read(urls: Any, transport: wh.Transport, name: str, path: str) -> None:
    """Status and body are what the server said, again and again over what stays open."""
    for _ in range(3):
        response = await _sent(transport, f"{urls(name)}/{path}")

        if path in ("204", "304"):
            assert (response.status, response.body, response.fault) == (int(path), b"", "")
        elif path == "big":
            assert (response.status, response.body, response.fault) == (200, b"x" * 1_000_000, "")
        elif path == "huge":
            assert (response.status, response.body) == (200, b"")
            assert "larger than 1,048,576 bytes" in response.fault
        else:
            assert (response.status, response.fault) == (200, "")
            assert json.loads(response.body)["framing"] == path
            assert _framing(response) == ("length" if path in ("gzip", "early") else path)


@pytest.mark.parametrize(
    ("name", "path"), [(name, path) for name, path in CASES if path in ("length", "chunked", "gzip")]
)
async def test_head_brings_no_body(urls: Any, transport: wh.Transport, name: str, path: str) -> None:
    """An answer to HEAD has the head of another, and what follows is read right."""
    for method in ("HEAD", "GET", "HEAD"):
        response = await _sent(transport, f"{urls(name)}/{path}", method)

        assert (response.status, response.fault, bool(response.body)) == (200, "", method == "GET")


@pytest.mark.parametrize("name", KEEPING)
@pytest.mark.parametrize("path", ["length", "chunked"])
async def test_a_connection_serves_again(urls: Any, transport: wh.Transport, name: str, path: str) -> None:
    """Calls one after the other come from one port, as the server sees it, also behind answers without a body."""
    url = urls(name)

    ports = set()
    for _ in range(3):
        ports.add(json.loads((await _sent(transport, f"{url}/{path}")).body)["port"])
        await _sent(transport, f"{url}/204")
        await _sent(transport, f"{url}/304")

    assert len(ports) == 1


@pytest.mark.parametrize("name", [name for name in SERVERS if name != "nginx"])
@pytest.mark.parametrize("size", [0, 1, 70_000, 1_000_000])
async def test_a_body_arrives(urls: Any, transport: wh.Transport, name: str, size: int) -> None:
    """Bodies of any size arrive whole."""
    response = await _sent(transport, f"{urls(name)}/length", "POST", b"x" * size)

    assert json.loads(response.body)["received"] == size


async def test_a_body_that_is_refused_unread_is_answered(urls: Any, transport: wh.Transport) -> None:
    """Nginx says 413 while the body is still under way; the next call is answered all the same."""
    refused = await _sent(transport, f"{urls('nginx')}/big", "POST", b"x" * 1_000_000)
    after = await _sent(transport, f"{urls('nginx')}/length")

    assert (refused.status, after.status) == (413, 200)


@pytest.mark.parametrize("name", SERVERS)
async def test_many_calls_at_once_are_answered(urls: Any, transport: wh.Transport, name: str) -> None:
    """Two hundred calls in all framings, forty at a time: each has the answer that it asked for."""
    url, paths = urls(name), sorted(SERVERS[name].says & {"length", "chunked", "close", "gzip"})
    places = asyncio.Semaphore(40)

    async def call(path: str) -> tuple[str, str]:
        async with places:
            return path, json.loads((await _sent(transport, f"{url}/{path}")).body)["framing"]

    found = await asyncio.gather(*(call(paths[number % len(paths)]) for number in range(200)))

    assert all(asked == answered for asked, answered in found)
