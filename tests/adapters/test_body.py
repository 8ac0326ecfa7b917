"""Content codings: taken off within the limit, or a fault; never a silently shorter body (P26, P27)."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayhook.adapters.transport.body import announced_length, decoded

LIMIT = 1_048_576


def _raw(text: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflater.compress(text) + deflater.flush()


CODED = {"gzip": gzip.compress, "x-gzip": gzip.compress, "GZIP": gzip.compress, "deflate": zlib.compress}


def _headers(*codings: str) -> tuple[tuple[str, str], ...]:
    return tuple(("content-encoding", coding) for coding in codings)


@pytest.mark.parametrize("coding", CODED)
@given(text=st.binary(max_size=2_000))
def test_one_coding_is_taken_off(coding: str, text: bytes) -> None:
    """What was compressed once comes out as it was."""
    assert decoded(CODED[coding](text), _headers(coding), LIMIT) == (text, "")


@given(text=st.binary(max_size=2_000))
def test_deflate_without_its_wrapper_is_read(text: bytes) -> None:
    """Many services send bare deflate under that name."""
    assert decoded(_raw(text), _headers("deflate"), LIMIT) == (text, "")


@pytest.mark.parametrize("codings", [(), ("identity",), ("",), ("identity, identity",)])
def test_a_plain_body_is_left_as_it_is(codings: tuple[str, ...]) -> None:
    """Without a coding there is nothing to take off."""
    assert decoded(b"\x1f\x8bplain", _headers(*codings), LIMIT) == (b"\x1f\x8bplain", "")


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@given(data=st.data())
def test_a_cut_or_longer_body_is_a_fault(coding: str, data: st.DataObject) -> None:
    """Whatever is missing at the end, or follows it, the body is not used (F35b)."""
    whole = CODED[coding](data.draw(st.binary(min_size=1, max_size=200)))
    cut = data.draw(st.integers(1, len(whole) - 1))
    more = data.draw(st.binary(min_size=1, max_size=20))

    for changed in (whole[:cut], whole + more):
        body, fault = decoded(changed, _headers(coding), LIMIT)
        assert (body, fault) == (b"", "the body is cut or corrupt in its compression")


@given(data=st.data())
def test_a_corrupt_body_is_never_a_shorter_one(data: st.DataObject) -> None:
    """With any byte changed behind the head of gzip, a body comes out whole or not at all (F35)."""
    text = data.draw(st.binary(min_size=1, max_size=200))
    whole = bytearray(gzip.compress(text))
    place = data.draw(st.integers(10, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))

    body, fault = decoded(bytes(whole), _headers("gzip"), LIMIT)

    assert (body == text and not fault) or (body == b"" and fault)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_bomb_costs_no_memory(coding: str) -> None:
    """What inflates beyond the limit is given up there (F34)."""
    bomb = CODED[coding](bytes(64 * LIMIT))
    fits = CODED[coding](bytes(LIMIT))

    tracemalloc.start()
    body, fault = decoded(bomb, _headers(coding), LIMIT)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (body, fault) == (b"", "the body is larger than 1,048,576 bytes")
    assert peak < 4 * LIMIT
    assert decoded(fits, _headers(coding), LIMIT) == (bytes(LIMIT), "")


@pytest.mark.parametrize(
    ("codings", "fault"),
    [
        (("gzip, gzip",), "more than once"),
        (("gzip", "deflate"), "more than once"),
        (("gzip, " * 200 + "br",), "more than once"),
        (("br",), "not asked for"),
        (("gzip;q=1",), "not asked for"),
    ],
)
def test_other_codings_are_a_fault(codings: tuple[str, ...], fault: str) -> None:
    """Two codings, or one that we do not know, leave the body unread (F34b, F34c, F35c)."""
    body, found = decoded(gzip.compress(b"x"), _headers(*codings), LIMIT)

    assert body == b""
    assert fault in found


@pytest.mark.parametrize(("value", "length"), [("7", 7), (" 7 ", 7), ("9" * 30, 10**18 - 1), ("x", 0), ("-1", 0)])
def test_a_length_is_read_as_far_as_it_goes(value: str, length: int) -> None:
    """An absurd length is a large one, and what is none announces nothing."""
    assert announced_length((("content-length", value),)) == length
    assert announced_length(()) == 0
