"""The finished URL: rebuilt from checked parts, every value encoded in its own place. No I/O.

Rules R49 to R58, R85, R86; section 10 of `reference/reliability.md`.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

__all__ = ["PathFault", "encode_query", "join_path"]

MAX_PATH = 4096
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\\]")
_DECODINGS = 4


class PathFault(Exception):  # noqa: N818 - never leaves the room: it becomes an UnsafeCall with a path
    """The value cannot be a path; the text says why and what to do."""


def join_path(static: str, value: str) -> str:
    """Return the path `static` (encoded already) with `value` below it, one slash between (R49).

    Every segment of `value` is percent-encoded once; `/` separates segments. Raises `PathFault` for what would
    leave the static part or could be read in two ways (R58).
    """
    if not value:
        return static
    if len(value) > MAX_PATH:
        raise PathFault(f"a path has at most {MAX_PATH} characters")
    if _CONTROL.search(value):
        raise PathFault("a path holds no control character and no backslash")
    below = value.removeprefix("/")
    if below.startswith("/") or "//" in below:
        raise PathFault("a path holds no empty segment ('//')")
    if any(_is_dots(segment) for segment in below.split("/") if "." in segment or "%" in segment):
        raise PathFault("a path does not climb with '.' or '..' segments, however they are encoded")
    try:
        encoded = quote(below, safe="/-._~!$&'()*+,;=:@")
    except UnicodeEncodeError:
        raise PathFault("a path is text of Unicode characters; this one holds a lone surrogate") from None
    return static.removesuffix("/") + "/" + encoded


def _is_dots(segment: str) -> bool:
    """Whether a segment is, or decodes to, a dot segment or one that separates segments by itself."""
    for _ in range(_DECODINGS):
        if segment.partition(";")[0] in (".", ".."):
            return True
        decoded = unquote(segment)
        if decoded == segment:
            return False
        if any(step.partition(";")[0] in (".", "..") for step in re.split(r"[/\\]", decoded)):
            return True
        segment = decoded
    return True


def encode_query(name: str, value: str) -> str:
    """Return `name=value`, each side percent-encoded as UTF-8 (R86)."""
    return f"{quote(name, safe='')}={quote(value, safe='')}"
