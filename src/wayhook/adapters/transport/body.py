"""The body of an answer within its limits, its content coding taken off. Pure."""

from __future__ import annotations

import zlib

from wayhook.wire import Headers

__all__ = ["BODY_LIMIT", "CUT", "FLOOD", "FRAMING_LIMIT", "LATE", "announced_length", "decoded", "too_large"]

BODY_LIMIT = 1_048_576
FRAMING_LIMIT = 65_536
"""How many bytes of chunk sizes, extensions and trailers may come around a body."""
CUT = "the body is cut or malformed"
FLOOD = "the body is larger on the wire than its limit"
LATE = "the body did not arrive in time"
_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS
_CODINGS = {"gzip": (_GZIP,), "x-gzip": (_GZIP,), "deflate": (_ZLIB, _RAW)}
_DIGITS = 18


def too_large(limit: int) -> str:
    """Return what is said of a body above `limit` bytes."""
    return f"the body is larger than {limit:,} bytes"


def announced_length(headers: Headers) -> int:
    """Return the length that the head announces, 0 where it announces none."""
    length = next((value.strip() for name, value in headers if name == "content-length"), "")
    return int(length[:_DIGITS]) if length.isascii() and length.isdigit() else 0


def decoded(body: bytes, headers: Headers, limit: int) -> tuple[bytes, str]:
    """Return `body` without its content coding, and why it cannot be used, or `""`.

    One coding at most, gzip or deflate, is taken off, up to `limit` bytes and never more at once; what is cut, corrupt
    or followed by other bytes is a fault, and so is every other coding (P26, P27).
    """
    names = (name.strip().lower() for key, value in headers if key == "content-encoding" for name in value.split(","))
    codings = [name for name in names if name not in ("", "identity")]
    if not codings or not body:
        return body, ""
    if len(codings) > 1:
        return b"", "the body is compressed more than once"
    if codings[0] not in _CODINGS:
        return b"", "the body is compressed in a way that was not asked for"
    for window in _CODINGS[codings[0]]:
        try:
            return _inflated(body, window, limit)
        except zlib.error:
            continue
    return b"", "the body is cut or corrupt in its compression"


def _inflated(body: bytes, window: int, limit: int) -> tuple[bytes, str]:
    inflater = zlib.decompressobj(window)
    text = inflater.decompress(body, limit + 1)
    if len(text) > limit:
        return b"", too_large(limit)
    if not inflater.eof or inflater.unused_data:
        return b"", "the body is cut or corrupt in its compression"
    return text, ""
