"""String functions (section 2.8). Positions count code points from 0; letter case is that of no country."""

from __future__ import annotations

from typing import Any

from wayhook.expression.effort import LONG, looking, nothing, recasing, searching, writing
from wayhook.expression.function.function import function
from wayhook.expression.pattern import pattern
from wayhook.expression.pattern import replaced as replaced_in
from wayhook.expression.pattern import split as split_at
from wayhook.expression.type import MAX_TEXT
from wayhook.values import Misfit

_TEST = "string, string -> boolean"


def _joining(first: Any, second: str = "") -> int:
    """The work of joining texts; raises `Misfit` where the text would be too long."""
    texts = (first, second) if isinstance(first, str) else filter(None, first)
    size = sum(map(len, texts))
    if size > MAX_TEXT:
        raise Misfit(f"gives a text of at most {MAX_TEXT:,} characters; this one is longer")
    return looking(first) + writing(size)


def _finding_recased(text: str, part: str) -> int:
    return recasing(text, part) + searching(text, part)


@function(
    "concat", "string, string -> string", "listString -> string", work=_joining, example='concat("Hello", "World")'
)
def concat(first: Any, second: str = "") -> str:
    """Joins two texts, or the texts of a list; nulls in a list are left out."""
    return first + second if isinstance(first, str) else "".join(filter(None, first))


@function("contain", _TEST, null=False, work=searching, example='contain("rowing is great", "great")')
def contain(text: str, part: str) -> bool:
    """True when the second text is part of the first."""
    return part in text


@function(
    "containIgnoreCase",
    _TEST,
    null=False,
    work=_finding_recased,
    example='containIgnoreCase("rowing is great", "GREAT")',
)
def contain_ignore_case(text: str, part: str) -> bool:
    """As contain, without regard to case."""
    return part.lower() in text.lower()


@function("startWith", _TEST, null=False, example='startWith("Hello World", "World")')
def start_with(text: str, part: str) -> bool:
    """True when the first text begins with the second."""
    return text.startswith(part)


@function(
    "startWithIgnoreCase",
    _TEST,
    null=False,
    work=recasing,
    example='startWithIgnoreCase("rowing is great", "RO")',
)
def start_with_ignore_case(text: str, part: str) -> bool:
    """As startWith, without regard to case."""
    return text.lower().startswith(part.lower())


@function("endWith", _TEST, null=False, example='endWith("Hello World", "World")')
def end_with(text: str, part: str) -> bool:
    """True when the first text ends with the second."""
    return text.endswith(part)


@function("endWithIgnoreCase", _TEST, null=False, work=recasing, example='endWithIgnoreCase("rowing is great", "AT")')
def end_with_ignore_case(text: str, part: str) -> bool:
    """As endWith, without regard to case."""
    return text.lower().endswith(part.lower())


@function("equalIgnoreCase", _TEST, null=False, work=recasing, example='equalIgnoreCase("rowing", "ROWING")')
def equal_ignore_case(text: str, other: str) -> bool:
    """True when the texts are equal without regard to case."""
    return text.lower() == other.lower()


@function("notEqualIgnoreCase", _TEST, null=False, work=recasing, example='notEqualIgnoreCase("rowing", "ROWING")')
def not_equal_ignore_case(text: str, other: str) -> bool:
    """True when the texts differ not only in case."""
    return text.lower() != other.lower()


@function("indexOf", "string, string -> integer", work=searching, example='indexOf("Hello", "l")')
def index_of(text: str, part: str) -> int:
    """Gives where the second text first begins in the first (A-22); -1 if nowhere."""
    return text.find(part)


@function("lastIndexOf", "string, string -> integer", work=searching, example='lastIndexOf("Hello", "l")')
def last_index_of(text: str, part: str) -> int:
    """Gives where the second text last begins in the first; -1 if nowhere."""
    if len(text) <= LONG:
        return text.rfind(part)
    at = text[::-1].find(part[::-1])  # Python looks from the end at every place for the whole part
    return at if at < 0 else len(text) - len(part) - at


@function("isEmpty", "string -> boolean", null=False, work=nothing, example='isEmpty("")')
def is_empty(text: str) -> bool:
    """True for a text without characters; false for null (A-16)."""
    return not text


@function("isNotEmpty", "string -> boolean", null=False, work=nothing, example='isNotEmpty("")')
def is_not_empty(text: str) -> bool:
    """True for a text with at least one character, be it a blank."""
    return bool(text)


@function("length", "string -> integer", work=nothing, example='length("Hello World")')
def length(text: str) -> int:
    """Counts the characters."""
    return len(text)


@function("lower", "string -> string", work=recasing, example='lower("Hello")')
def lower(text: str) -> str:
    """Gives the text in lower case."""
    return text.lower()


@function("upper", "string -> string", work=recasing, example='upper("Hello")')
def upper(text: str) -> str:
    """Gives the text in upper case."""
    return text.upper()


@function(
    "matchRegExp",
    "string, pattern -> boolean",
    null=False,
    counts=True,
    example='matchRegExp("12345", "\\\\d+")',
)
def match_reg_exp(frame: Any, text: str, wanted: str) -> bool:
    """True when the regular expression matches the whole text (A-17)."""
    return pattern(wanted, frame).matches(text, frame)


@function("replace", "string, pattern, string -> string", counts=True, example='replace("Hello World", "l", "x")')
def replace(frame: Any, text: str, wanted: str, replacement: str) -> str:
    """Replaces the first match of the regular expression; `$1` stands for its first group."""
    return replaced_in(text, pattern(wanted, frame), replacement, frame, every=False)


@function("replaceAll", "string, pattern, string -> string", counts=True, example='replaceAll("Hello World", "l", "x")')
def replace_all(frame: Any, text: str, wanted: str, replacement: str) -> str:
    """Replaces every match of the regular expression."""
    return replaced_in(text, pattern(wanted, frame), replacement, frame, every=True)


@function("split", "string, pattern -> listString", counts=True, example='split("A_B_C", "_")')
def split(frame: Any, text: str, wanted: str) -> list[str]:
    """Gives the texts between the matches of the regular expression, without empty ones at the end."""
    return split_at(text, pattern(wanted, frame), frame)


@function(
    "substr",
    "string, integer -> string",
    "string, integer, integer -> string",
    example='substr("Hello World", 0, 5)',
)
def substr(text: str, begin: int, end: int | None = None) -> str:
    """Gives the text from one position to before another, or to the end; positions outside are moved inside."""
    return text[max(0, begin) : len(text) if end is None else max(0, end)]


@function("trim", "string -> string", example='trim(" Hello ")')
def trim(text: str) -> str:
    """Gives the text without blanks at both ends."""
    return text.strip("".join(map(chr, range(33))))


@function("uuid", "-> string", reads_context=True, example="length(uuid())")
def uuid(context: Any) -> str:
    """Gives a random UUID of 36 characters."""
    return str(context.random_uuid())
