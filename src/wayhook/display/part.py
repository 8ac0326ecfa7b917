"""What a card is made of, for whichever hand draws it: a notebook's or a terminal's. No drawing, no I/O.

Every text is shown with `shown`: what would hide or reorder what stands around it is spelled out, and what is long ends
with a note of how much is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any, Literal

import attrs

from wayhook.jsonvalue import Json

__all__ = [
    "Bar",
    "Card",
    "Cell",
    "Chip",
    "Code",
    "Facts",
    "Fold",
    "Histogram",
    "Node",
    "Note",
    "Part",
    "Section",
    "Share",
    "Shares",
    "Table",
    "Timeline",
    "Tone",
    "Tree",
    "Value",
    "bounded",
    "counted",
    "duration",
    "json_text",
    "laid_out",
    "moment",
    "shown",
]

MAX_CELL, MAX_CODE = 300, 4000
"""Characters."""
MAX_ROWS = 100

Tone = Literal["good", "bad", "doubt", "calm", "variable", "expression", "constant", "default", "secret"]
"""What a colour says; it never says so alone."""


@attrs.frozen
class Value:
    """A text that is somebody's data or code: shown in fixed width."""

    text: str


@attrs.frozen
class Chip:
    """A word with a tone, and perhaps a sign before it."""

    text: str
    tone: Tone = "calm"
    sign: str = ""


Piece = str | Value | Chip
Cell = Piece | tuple[Piece, ...]


@attrs.frozen
class Note:
    """A sentence."""

    text: str
    tone: Tone = "calm"
    sign: str = ""


@attrs.frozen
class Facts:
    """Names and what belongs to them."""

    rows: tuple[tuple[str, Cell], ...]


@attrs.frozen
class Table:
    """Rows below heads; `more`: how many rows are left out."""

    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    more: int = 0


@attrs.frozen
class Code:
    """A text of several lines, in fixed width; `more`: how many characters are left out."""

    text: str
    more: int = 0


@attrs.frozen
class Node:
    """A place of a tree. `name`, then `cells`; `below`: what it holds; `open`: whether that is shown at once."""

    name: str
    cells: tuple[Piece, ...] = ()
    below: tuple[Node, ...] = ()
    open: bool = True


@attrs.frozen
class Tree:
    """Nodes; `more`: how many are left out."""

    nodes: tuple[Node, ...]
    more: int = 0


@attrs.frozen
class Bar:
    """A span of time: from `start`, for `length` seconds. `pieces` say what it was, and `tone` how it ended."""

    start: float
    length: float
    pieces: tuple[Piece, ...]
    tone: Tone


@attrs.frozen
class Timeline:
    """Bars one below the other, from 0 to `end` seconds; `deadline`: in seconds, None where there was none."""

    bars: tuple[Bar, ...]
    end: float
    deadline: float | None


@attrs.frozen
class Histogram:
    """How often something took from `low` to `high` seconds, and in words what stands out."""

    bins: tuple[tuple[float, float, int], ...]
    words: tuple[tuple[str, str], ...]


@attrs.frozen
class Share:
    """One part of a whole, by its `count`."""

    chip: Chip
    count: int


@attrs.frozen
class Shares:
    """The parts of a whole. `of`: how many the whole has, where that is more than the parts together."""

    shares: tuple[Share, ...]
    of: int = 0


@attrs.frozen
class Section:
    """Parts below a heading."""

    title: str
    parts: tuple[Part, ...]


@attrs.frozen
class Fold:
    """Parts that are shown when somebody asks for them."""

    title: str
    parts: tuple[Part, ...]
    open: bool = False


@attrs.frozen
class Card:
    """What a value shows of itself.

    `kind`: what it is, in a word. `chips`: before the title. `about`: a sentence below it.
    """

    kind: str
    title: Cell
    parts: tuple[Part, ...] = ()
    chips: tuple[Chip, ...] = ()
    about: str = ""


Part = Note | Facts | Table | Code | Tree | Timeline | Histogram | Shares | Section | Fold | Card

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
"""What has no form of its own, and may hide or reorder what stands beside it; joiners of letters and emoji stay."""


def _spelled(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - the basic plane


def shown(text: str, most: int = MAX_CELL, *, more: int = 0) -> str:
    """Return a text as it may be drawn: at most about `most` characters, nothing in it that cannot be seen.

    `more`: how many characters were left out before. A short text stays in one line.
    """
    more += max(0, len(text) - most)
    seen = _HIDDEN.sub(_spelled, text[:most])
    if most <= MAX_CELL:
        seen = seen.replace("\n", "\\n").replace("\t", "\\t")
    return f"{seen}… {more:,} characters more" if more else seen


def bounded(rows: Iterable[Any], most: int = MAX_ROWS) -> tuple[tuple[Any, ...], int]:
    """Return the first rows, and how many more there are."""
    remaining = iter(rows)
    first = tuple(islice(remaining, most))
    return first, sum(1 for _ in remaining)


def counted(number: int, word: str, words: str = "") -> str:
    """Return a number and its word: `1 attempt`, `2 attempts`."""
    return f"{number:,} {word if number == 1 else words or word + 's'}"


def duration(seconds: float) -> str:
    """Return seconds for people: `85 µs`, `12 ms`, `1.25 s`, `2 min 5 s`, `1 h 30 min`."""
    if not 0 < seconds < _EVER:
        if seconds == 0:
            return "0 s"
        # A whole number may have more digits than Python writes.
        return f"{seconds} s" if isinstance(seconds, float) or abs(seconds) < _EVER else "beyond every life"
    if seconds < 60:  # noqa: PLR2004
        value, unit = next((seconds * by, unit) for by, unit, low in _UNITS if seconds >= low)
        return f"{value:.3g} {unit}"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    first, second = ((hours, "h"), (minutes, "min")) if hours else ((minutes, "min"), (rest, "s"))
    return f"{first[0]:,} {first[1]}" + (f" {second[0]} {second[1]}" if second[0] else "")


_EVER = 1e15
_UNITS = ((1, "s", 0.9995), (1e3, "ms", 0.9995e-3), (1e6, "µs", 0.0))


def moment(when: datetime) -> str:
    """Return a date and time to the second, with its offset."""
    return when.isoformat(sep=" ", timespec="seconds").replace("+00:00", " UTC")


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[{}\[\],:]|[^\s"{}\[\],:]+|\s+')
_DEEPEST = 40


def laid_out(text: str) -> Code:
    """Return JSON with a line for each field and item, its texts and numbers as they are; any other text unchanged."""
    if not _is_json(text):
        return Code(text)
    pieces, length, left = list[str](), 0, 0
    for piece, end in _lines(_TOKEN.finditer(text)):
        pieces.append(piece)
        length += len(piece)
        if length > MAX_CODE:
            left = len(text) - end
            break
    return Code("".join(pieces), left)


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text, parse_int=str, parse_float=str), dict | list)
    except (ValueError, RecursionError):
        return False


def _lines(matches: Iterator[re.Match[str]]) -> Iterator[tuple[str, int]]:
    """Tokens with the white space of a layout around them, and where each ends; what is empty stays in one line."""
    depth, opened = 0, False
    for match in matches:
        sign, end = match[0], match.end()
        if sign.isspace():
            continue
        if sign in "}]":
            depth -= 1
            before = "" if opened else _line(depth)
        else:
            before = _line(depth) if opened else ""
        opened = sign in "{["
        depth += opened
        yield before + sign + {",": _line(depth), ":": " "}.get(sign, ""), end


def _line(depth: int) -> str:
    return "\n" + "  " * min(depth, _DEEPEST)


def json_text(value: Any) -> Code:
    """Return a value as JSON, laid out for reading; of what JSON does not have its text, or the name of its type.

    It ends where it is too long or too deep to be shown, and so with what contains itself.
    """
    pieces, length = list[str](), 0
    for piece in _pieces(value, 0):
        pieces.append(piece)
        length += len(piece)
        if length > MAX_CODE:
            pieces.append("…")
            break
    return Code("".join(pieces))


def _pieces(value: Any, depth: int) -> Iterator[str]:
    match value:
        case None | bool() | int() | float() | str():
            yield _scalar(value)
        case Decimal() | date():  # a datetime is a date
            yield str(value)
        case Mapping() | list() | tuple() if depth >= _DEEPEST:
            yield "…"
        case Mapping() if value:
            named = ((f"{_scalar(str(name))}: ", below) for name, below in value.items())
            yield from _joined("{", named, "}", depth)
        case list() | tuple() if value:
            yield from _joined("[", (("", below) for below in value), "]", depth)
        case Mapping():
            yield "{}"
        case list() | tuple():
            yield "[]"
        case _:
            yield type(value).__name__


def _joined(opening: str, members: Iterable[tuple[str, Any]], closing: str, depth: int) -> Iterator[str]:
    separator = opening
    for name, below in members:
        yield f"{separator}{_line(depth + 1)}{name}"
        yield from _pieces(below, depth + 1)
        separator = ","
    yield _line(depth) + closing


def _scalar(value: Json) -> str:
    if isinstance(value, str):
        return json.dumps(value[: MAX_CODE + 1], ensure_ascii=False)
    try:
        return json.dumps(value)
    except ValueError:
        return "a number of very many digits"
