"""The finished URL: rebuilt from checked parts, every value encoded in its own place. No I/O.

Rules R49 to R58, R85, R86; section 10 of `reference/reliability.md`.
"""

from __future__ import annotations

import re
from string import ascii_letters, digits
from urllib.parse import unquote

from wayhook.rendering.slot import Unsafe

__all__ = ["encode_field", "encode_query", "join_path"]

MAX_PATH = 4096
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\\]")
_DECODINGS = 4


class _Encoding(dict[int, str]):
    """What each sign becomes, for `str.translate`: itself where it is `safe`, else its UTF-8 percent-encoded."""

    def __init__(self, safe: str) -> None:
        kept = frozenset(ascii_letters + digits + "-._~" + safe)
        super().__init__({ord(sign): sign if sign in kept else _percent(sign) for sign in map(chr, range(128))})

    def __missing__(self, code: int) -> str:
        return _percent(chr(code))


def _percent(sign: str) -> str:
    return "%" + sign.encode().hex("%").upper()


_PATH, _QUERY, _FIELD = _Encoding("/!$&'()*+,;=:@"), _Encoding(""), _Encoding("* ")


def join_path(static: str, value: str) -> str:
    """Return the path `static` (encoded already) with `value` below it, one slash between (R49).

    Every segment of `value` is percent-encoded once; `/` separates segments. Raises `Unsafe` for what would
    leave the static part or could be read in two ways (R58).
    """
    if not value:
        return static
    if len(value) > MAX_PATH:
        raise Unsafe(f"a path has at most {MAX_PATH} characters", "R58")
    if _CONTROL.search(value):
        raise Unsafe("a path holds no control character and no backslash", "R58")
    below = value.removeprefix("/")
    if below.startswith("/") or "//" in below:
        raise Unsafe("a path holds no empty segment ('//')", "R58")
    if ("." in below or "%" in below) and any(map(_is_dots, below.split("/"))):
        raise Unsafe("a path does not climb with '.' or '..' segments, however they are encoded", "R58")
    try:
        encoded = below.translate(_PATH)
    except UnicodeEncodeError:
        raise Unsafe("a path is text of Unicode characters; this one holds a lone surrogate", "R58") from None
    return f"{static.removesuffix('/')}/{encoded}"


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


def encode_query(text: str) -> str:
    """Return a name or a value of a query, percent-encoded as UTF-8 (R86)."""
    return text.translate(_QUERY)


def encode_field(text: str) -> str:
    """Return a name or a value of a form, encoded as UTF-8 with `+` for a space."""
    return text.translate(_FIELD).replace(" ", "+")
