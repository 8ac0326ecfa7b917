"""Property: an answer is the same in whatever pieces it comes, and whichever transport reads it."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wayhook as wh
from wayhook.testing.fault_server import FaultServer, Visit

tokens = st.text("ABCxyz019-_.!~", min_size=1, max_size=12).map(lambda name: f"X{name}")
values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=30)
fields = st.lists(st.tuples(tokens, values), max_size=6)
statuses = st.sampled_from([200, 201, 202, 204, 299, 301, 304, 400, 404, 408, 421, 429, 500, 503, 599, 999])
bodies = st.binary(max_size=300) | st.integers(0, 5_000).map(lambda size: b"x" * size)
CODINGS = {"": lambda body: body, "gzip": gzip.compress, "deflate": zlib.compress}


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """An answer in one of the framings, perhaps behind interim ones, perhaps coded, cut or with more behind it."""
    coding = draw(st.sampled_from(list(CODINGS)))
    body = CODINGS[coding](draw(bodies))
    lines = [f"{name}:{' ' * draw(st.integers(0, 2))}{value}" for name, value in draw(fields)]
    lines += [f"Content-Encoding: {coding}"] if coding else []
    framing = draw(st.sampled_from(["length", "chunks", "close"]))
    if framing == "length":
        lines.append(f"Content-Length: {len(body)}")
    if framing == "chunks":
        lines.append("Transfer-Encoding: chunked")
        body = _in_chunks(body, draw(st.lists(st.integers(1, 400), max_size=4)))
    lines = draw(st.permutations(lines))
    version = draw(st.sampled_from(["1.1", "1.1", "1.0"]))
    head = "\r\n".join([f"HTTP/{version} {draw(statuses)} Answer", *lines, "", ""]).encode("latin-1")
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * draw(st.integers(0, 2))
    whole = interim + head + body
    return draw(st.sampled_from([whole, whole, whole[: draw(st.integers(0, len(whole)))], whole + b"\r\nmore"]))


def _in_chunks(body: bytes, sizes: list[int]) -> bytes:
    cuts = sorted({0, *(size % (len(body) + 1) for size in sizes), len(body)})
    chunks = [body[start:end] for start, end in pairwise(cuts)]
    return b"".join(b"%x;a=b\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\nX-Trailer: 1\r\n\r\n"


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """One event loop for all examples."""
    with asyncio.Runner() as opened:
        yield opened


async def _seen(transport: wh.Transport, pieces: list[bytes], method: str) -> object:
    """What comes of an answer in pieces."""

    async def says(visit: Visit) -> None:
        await visit.request()
        for piece in pieces:
            await visit.say(piece)
            await asyncio.sleep(0)

    async with FaultServer(says) as server:
        try:
            request = wh.Request(method, server.url, (), b"{}")
            response = await transport.send(request, asyncio.get_running_loop().time() + 5)
        except wh.TransportError as error:
            return error.evidence, error.delivery
        finally:
            await transport.aclose()
            await server.nothing_open()
    return response


@given(data=st.data(), answer=answers(), method=st.sampled_from(["POST", "GET", "HEAD"]))
def test_pieces_and_transports_make_no_difference(
    runner: asyncio.Runner, data: st.DataObject, answer: bytes, method: str
) -> None:
    """In one piece or in many, over wire or over httpx: the same status, headers, body and fault, or evidence."""
    places = sorted(data.draw(st.sets(st.integers(0, len(answer)), max_size=6)))
    pieces = [answer[start:end] for start, end in pairwise([0, *places, len(answer)])]

    whole = runner.run(_seen(wh.WireTransport(), [answer], method))
    in_pieces = runner.run(_seen(wh.WireTransport(), pieces, method))
    by_httpx = runner.run(_seen(wh.HttpxTransport(), pieces, method))

    assert in_pieces == whole
    assert by_httpx == whole
