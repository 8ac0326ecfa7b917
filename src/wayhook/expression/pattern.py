"""Regular expressions in Java's spelling: read here, matched without catastrophic backtracking. No I/O.

`Pattern.java` is what section 2.8 of `reference/expression-language.md` calls RegExp. A pattern becomes a tree, and the
tree becomes two things: a program for our own `machine`, whose work grows with the length of the text, and, where
it is simple, a pattern of Python's `re`, which is quick on short texts. `re` is asked only where the tree
shows that it cannot take long.
"""

from __future__ import annotations

import functools
import re
import string
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import attrs

from wayhook.expression.effort import left, searching, spend, writing
from wayhook.expression.machine import MAX_CODE, Machine, Program
from wayhook.expression.type import MAX_ITEMS, MAX_TEXT
from wayhook.values import Misfit

__all__ = ["Pattern", "pattern", "replaced", "split"]

MAX_PATTERN = 1_000
MAX_GROUPS = 100
MAX_DEPTH = 30
MAX_REPEAT = 1_000
QUICK_WORK = 1_000_000
MAX_QUICK = 2_000
"""Characters of a pattern of `re`, which keeps the last ones by itself."""
MAX_PATTERNS, MAX_KEPT = 1_000, 20 * MAX_CODE
"""Compiled patterns that are kept for the next time, and instructions of all of them."""
PER_CHARACTER, PER_INSTRUCTION = 400, 50
"""The work of reading a pattern, and of compiling it."""
PER_MATCH, PER_PIECE, PER_TOKEN = 100, 40, 50
"""The work of finding a match, of keeping a piece of a text, of reading a character of a replacement."""

Test = Callable[[str], bool]


@attrs.frozen
class Letter:
    """One character out of a set.

    `python`: the set as `re` writes it, None where it cannot. `weight`: how many steps a test takes. `sign`: the one
    character that is in the set, or "".
    """

    test: Test
    python: str | None = None
    weight: int = attrs.field(default=1, kw_only=True)
    sign: str = attrs.field(default="", kw_only=True)


@attrs.frozen
class Row:
    """Parts one after the other."""

    parts: tuple[Any, ...]


@attrs.frozen
class Either:
    """One of the parts, the first that leads to a match."""

    parts: tuple[Any, ...]


@attrs.frozen
class Repeat:
    """`part`, `low` to `high` times (None: without end). `mode`: greedy "" or lazy "?".

    `is_empty`: whether the part may match nothing; the repetition ends there then.
    """

    part: Any
    low: int
    high: int | None
    mode: str
    is_empty: bool


@attrs.frozen
class Group:
    """A capturing group."""

    number: int
    part: Any


@attrs.frozen
class Place:
    """A place between characters. `test`: takes the text and the position."""

    test: Callable[[str, int], bool]
    python: str


@attrs.frozen
class Look:
    """A look ahead, or behind over at most `width` characters."""

    part: Any
    width: int | None
    wanted: bool


@attrs.frozen
class Atomic:
    """A part that is matched in one way only."""

    part: Any


@attrs.frozen
class Back:
    """The text of a group again."""

    number: int
    fold: bool


@attrs.frozen(eq=False)
class Pattern:
    """A compiled pattern.

    `names`: the numbers of the named groups. `is_empty`: whether it may match nothing. `literal`: the one text that it
    matches, or "". `size`: how many instructions it has.
    """

    groups: int
    names: tuple[tuple[str, int], ...]
    is_empty: bool
    literal: str
    _program: Program
    _quick: re.Pattern[str] | None
    _matching: _Ways
    _searching: _Ways

    @property
    def size(self) -> int:
        """How many instructions it has."""
        return self._program.size

    def matches(self, text: str, frame: Any) -> bool:
        """Whether the whole text matches (A-17)."""
        quick = self._quick
        if quick is not None and len(text) <= self._matching.longest:
            spend(frame, self._matching.work(len(text)))
            return quick.fullmatch(text) is not None
        return Machine(self._program, text, frame).at(0, whole=True) is not None

    def found(self, text: str, frame: Any) -> Iterator[tuple[int | None, ...]]:
        """Yield every match from left to right: start and end of the match, then of each group (None: not in it)."""
        quick = self.quick_for(text, frame)
        if quick is None:
            yield from Machine(self._program, text, frame).every()
            return
        at = 0
        while at <= len(text) and (match := quick.search(text, at)) is not None:
            spend(frame, PER_MATCH * (2 + self.groups))
            spans = (match.span(number) for number in range(self.groups + 1))
            yield tuple(place if place >= 0 else None for span in spans for place in span)
            at = match.end() + (match.end() == match.start())

    def quick_for(self, text: str, frame: Any) -> re.Pattern[str] | None:
        """Return the pattern of `re` to search the text with, if there is one that cannot take long, and pay for it."""
        if self._quick is None or len(text) > self._searching.longest:
            return None
        spend(frame, self._searching.work(len(text)))
        return self._quick


_kept: dict[str, Pattern] = {}


def pattern(text: str, frame: Any = None) -> Pattern:
    """Return the compiled pattern; raises `Misfit` that says what is wrong where.

    `frame`: of the evaluation that pays, unless the pattern is one of those that are kept.
    """
    found = _kept.get(text)
    if found is None:
        found = _compiled(text, frame)
        if len(_kept) >= MAX_PATTERNS or found.size + sum(kept.size for kept in list(_kept.values())) > MAX_KEPT:
            _kept.clear()
        _kept[text] = found
    return found


def _compiled(text: str, frame: Any) -> Pattern:
    if len(text) > MAX_PATTERN:
        raise Misfit(f"takes a regular expression of at most {MAX_PATTERN:,} characters")
    spend(frame, PER_CHARACTER * len(text))
    reader = _Reader(text)
    tree = reader.whole()
    program = Program(tree, reader.groups)
    spend(frame, PER_INSTRUCTION * program.size)
    quick = _python(tree)
    if quick is not None and len(quick) > MAX_QUICK:
        quick = None
    return Pattern(
        reader.groups,
        tuple(reader.names.items()),
        _is_empty(tree),
        _literal(tree),
        program,
        re.compile(quick, re.ASCII) if quick is not None else None,
        _Ways(*_work(tree), program.size),
        _Ways(*_search_work(tree), program.size, starts=1),
    )


@attrs.frozen
class _Ways:
    """How much `re` may have to try on a text: a power of its length, times a factor and the size of the pattern."""

    degree: int
    factor: int
    size: int
    starts: int = 0
    longest: int = attrs.field(init=False)
    """How long a text may be for `re` to be asked; -1 if not at all."""

    @longest.default
    def _longest(self) -> int:
        most = QUICK_WORK / (max(self.factor, 1) * self.size)
        if self.degree + self.starts == 0:
            return MAX_TEXT if most >= 1 else -1
        return int(most ** (1 / (self.degree + self.starts))) - 1

    def work(self, length: int) -> int:
        """The work that is paid for a text of this length."""
        ways: int = (length + 1) ** (self.degree + self.starts)
        return 2 * length + (self.factor * self.size * ways >> 4)


def replaced(text: str, wanted: Pattern, replacement: str, frame: Any, *, every: bool) -> str:
    """Return the text with the first match, or every one, replaced; `$1` and `${name}` stand for groups, as in Java."""
    template = _template_of(replacement, wanted, frame)
    if wanted.literal and isinstance(template, str):
        return _exchanged(text, wanted.literal, template, frame, every=every)
    quick = None if wanted.is_empty else wanted.quick_for(text, frame)
    if quick is None:
        return _pieced(text, wanted, template, frame, every=every)
    return _substituted(text, quick, template, frame, every=every)


def _exchanged(text: str, part: str, instead: str, frame: Any, *, every: bool) -> str:
    """Replace a text that stands for itself."""
    spend(frame, searching(text, part))
    count = text.count(part) if every else int(part in text)
    _fill(len(text) + count * (len(instead) - len(part)), frame)
    return text.replace(part, instead, count)


def _substituted(text: str, quick: re.Pattern[str], template: Template, frame: Any, *, every: bool) -> str:
    """Replace the matches that `re` finds, as many as there is work left for."""
    fill: str | Callable[[re.Match[str]], str]
    if isinstance(template, str):
        each, most = PER_MATCH, MAX_TEXT // max(len(template), 1)
        fill = (lambda _: template) if "\\" in template else template
    else:
        each, most, fill = PER_MATCH + PER_PIECE * len(template), MAX_TEXT, _Filling(template)
    found, count = quick.subn(fill, text, min(most, left(frame) // each) + 1 if every else 1)
    spend(frame, each * count)
    _fill(len(found), frame)
    return found


class _Filling:
    """What stands in the place of a match, until all of it together is too long."""

    def __init__(self, template: tuple[str | int, ...]) -> None:
        self.template, self.size = template, 0

    def __call__(self, found: re.Match[str]) -> str:
        filled = _filled(self.template, found.group)
        self.size += len(filled)
        _check_size(self.size)
        return filled


def _pieced(text: str, wanted: Pattern, template: Template, frame: Any, *, every: bool) -> str:
    """Replace the matches that our own machine finds, or those of nothing."""
    pieces, end, size = list[str](), 0, 0
    for match in wanted.found(text, frame):
        start, stop = int(match[0] or 0), int(match[1] or 0)
        if isinstance(template, str):
            filled = template
        else:
            spend(frame, PER_PIECE * len(template))
            filled = _filled(template, lambda number, match=match: _group(text, match, number))  # type: ignore[misc]
        size += start - end + len(filled)
        _check_size(size)
        pieces += (text[end:start], filled)
        end = stop
        if not every:
            break
    _fill(size + len(text) - end, frame)
    return "".join(pieces) + text[end:]


def _check_size(characters: int) -> None:
    if characters > MAX_TEXT:
        raise Misfit(f"gives a text of at most {MAX_TEXT:,} characters; this one is longer")


def _fill(characters: int, frame: Any) -> None:
    """Pay for a text of so many characters."""
    _check_size(characters)
    spend(frame, writing(characters))


Template = str | tuple[str | int, ...]
"""What stands in the place of a match: a text, or texts and the numbers of groups."""


def _template_of(replacement: str, wanted: Pattern, frame: Any) -> Template:
    if "$" not in replacement and "\\" not in replacement:
        return replacement
    if len(replacement) <= MAX_PATTERN:
        return _template(replacement, wanted.groups, wanted.names)
    spend(frame, PER_TOKEN * len(replacement))
    return _template.__wrapped__(replacement, wanted.groups, wanted.names)


def _filled(template: tuple[str | int, ...], group: Callable[[int], str | None]) -> str:
    return "".join([part if isinstance(part, str) else group(part) or "" for part in template])


def _group(text: str, match: tuple[int | None, ...], number: int) -> str:
    start, stop = match[2 * number : 2 * number + 2]
    return "" if start is None else text[start:stop]


_REFERENCE = re.compile(
    r"\\(.)|\$(?:\{([A-Za-z][A-Za-z0-9]*)\}|([0-9])([0-9]*))|([\\$])|([^\\$]+)", re.DOTALL | re.ASCII
)


@functools.lru_cache(maxsize=256)
def _template(replacement: str, groups: int, names: tuple[tuple[str, int], ...]) -> Template:
    parts: list[str | int] = []
    for found in _REFERENCE.finditer(replacement):
        escaped, name, digit, digits, stray, plain = found.groups()
        if stray:
            raise Misfit(f"takes a replacement in which '{stray}' is written '\\{stray}'")
        if name is not None or digit is not None:
            number = dict(names).get(name, -1) if name is not None else int(digit)
            parts += filter(lambda part: part != "", _group_reference(number, name, digits or "", groups))
        else:
            parts.append(escaped or plain)
    return tuple(parts) if any(isinstance(part, int) for part in parts) else "".join(map(str, parts))


def _group_reference(number: int, name: str | None, rest: str, groups: int) -> list[str | int]:
    """The group that is meant: of digits as many as still name a group, as Java reads them."""
    while name is None and rest and number * 10 + int(rest[0]) <= groups:
        number, rest = number * 10 + int(rest[0]), rest[1:]
    if not 0 <= number <= groups:
        raise Misfit(f"takes a replacement whose groups are in the pattern; there is no group {name or number}")
    return [number, rest]


def split(text: str, wanted: Pattern, frame: Any) -> list[str]:
    """Return what stands between the matches, without empty texts at the end, as `String.split` of Java."""
    pieces = _parted(text, wanted.literal, frame) if wanted.literal else _cut(text, wanted, frame)
    while pieces and not pieces[-1]:
        pieces.pop()
    return pieces if pieces or text else [text]


def _parted(text: str, part: str, frame: Any) -> list[str]:
    """Cut a text at another one that stands for itself."""
    spend(frame, searching(text, part))
    spend(frame, PER_PIECE * _countable(text.count(part)))
    return text.split(part)


def _cut(text: str, wanted: Pattern, frame: Any) -> list[str]:
    pieces, end = list[str](), 0
    for match in wanted.found(text, frame):
        start, stop = int(match[0] or 0), int(match[1] or 0)
        if stop == 0:
            continue  # no empty text before a match of nothing at the beginning
        pieces.append(text[end:start])
        _countable(len(pieces))
        end = stop
    return [*pieces, text[end:]]


def _countable(pieces: int) -> int:
    if pieces >= MAX_ITEMS:
        raise Misfit(f"gives a list of at most {MAX_ITEMS:,} items; this one is longer")
    return pieces


def _python(tree: Any) -> str | None:  # noqa: PLR0911 - one line for each kind
    """The tree as a pattern of `re`, None where it has a part that `re` spells otherwise or may take long over."""
    match tree:
        case Letter():
            return tree.python
        case Place():
            return tree.python
        case Row():
            return _joined("", tree.parts)
        case Either():
            inner = _joined("|", tree.parts)
            return None if inner is None else f"(?:{inner})"
        case Group():
            inner = _python(tree.part)
            return None if inner is None else f"({inner})"
        case Repeat(part, low, high, mode) if _work(part) == (0, 1):
            inner = _python(part)
            return None if inner is None else f"(?:{inner}){{{low},{'' if high is None else high}}}{mode}"
    return None


def _literal(tree: Any) -> str:
    """The one text that the tree matches; "" where there are several, or none."""
    parts = tree.parts if isinstance(tree, Row) else ()
    texts = [part.sign if isinstance(part, Letter) else _literal(part) for part in parts]
    return "".join(texts) if all(texts) else ""


def _joined(sign: str, parts: tuple[Any, ...]) -> str | None:
    texts = [_python(part) for part in parts]
    return None if None in texts else sign.join(text for text in texts if text is not None)


def _search_work(tree: Any) -> tuple[int, int]:
    """As `_work`, where nothing comes after the tree: a repetition at its end is done as soon as it is long enough."""
    match tree:
        case Row((*before, last)):
            degree, factor = _work(Row(tuple(before)))
            own, times = _search_work(last)
            return degree + own, factor * times
        case Either():
            works = [_search_work(part) for part in tree.parts]
            return max(degree for degree, _ in works), sum(factor for _, factor in works)
        case Group():
            return _search_work(tree.part)
        case Repeat(part, low, None):
            degree, factor = _work(part)
            return degree, factor * (low + 1)
    return _work(tree)


def _work(tree: Any) -> tuple[int, int]:
    """In how many ways `tree` may match at one place, at most: a power of the length of the text, times a factor."""
    match tree:
        case Row():
            works = [_work(part) for part in tree.parts]
            factor = 1
            for _, each in works:
                factor *= each
            return sum(degree for degree, _ in works), factor
        case Either():
            works = [_work(part) for part in tree.parts]
            return max(degree for degree, _ in works), sum(factor for _, factor in works)
        case Group() | Atomic() | Look():
            return _work(tree.part)
        case Repeat(part, low, high):
            degree, factor = _work(part)
            if high is None:
                return degree + 1, factor
            return degree, factor * (high - low + 1)
    return 0, 1


_LINE_ENDS = "\n\r\x85\u2028\u2029"
_DIGIT, _WORD, _SPACE = "0-9", "A-Za-z0-9_", r" \t\n\x0b\f\r"
_HORIZONTAL, _VERTICAL = r" \t\xa0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000", r"\n\x0b\f\r\x85\u2028\u2029"
_CLASSES = {"d": _DIGIT, "w": _WORD, "s": _SPACE, "h": _HORIZONTAL, "v": _VERTICAL}
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "a": "\a", "e": "\x1b"}
_POSIX = {
    "Lower": "a-z", "Upper": "A-Z", "ASCII": r"\x00-\x7f", "Alpha": "A-Za-z", "Digit": "0-9", "Alnum": "A-Za-z0-9",
    "Punct": re.escape(string.punctuation), "Graph": r"\x21-\x7e", "Print": r"\x20-\x7e", "Blank": r" \t",
    "Cntrl": r"\x00-\x1f\x7f", "XDigit": "0-9A-Fa-f", "Space": _SPACE,
}  # fmt: skip
_UNICODE: dict[str, Test] = {
    "Alphabetic": str.isalpha, "Letter": str.isalpha, "Digit": str.isdecimal, "Lowercase": str.islower,
    "Uppercase": str.isupper, "White_Space": str.isspace, "WhiteSpace": str.isspace, "Alnum": str.isalnum,
    "Punctuation": lambda sign: unicodedata.category(sign).startswith("P"),
}  # fmt: skip
_CATEGORIES = frozenset(
    f"{major}{minor}"
    for major, minors in {
        "L": "ultmo",
        "M": "nce",
        "N": "dlo",
        "Z": "slp",
        "C": "cfosn",
        "P": "dsecoif",
        "S": "mcko",
    }.items()
    for minor in ("", *minors)
)


def _among(python: str) -> Letter:
    """The characters of a class of `re`, given without its brackets."""
    return _class(f"[{python}]")


@functools.lru_cache(maxsize=512)
def _class(python: str) -> Letter:
    found = re.compile(python, re.ASCII).match
    return Letter(lambda sign: found(sign) is not None, python)


def _other_than(letter: Letter) -> Letter:
    if letter.python is not None and letter.python.startswith("[") and not letter.python.startswith("[^"):
        return _class(f"[^{letter.python[1:]}")
    return Letter(lambda sign: not letter.test(sign), weight=letter.weight)


def _any_of(letters: list[Letter]) -> Letter:
    if all(letter.python is not None and _is_plain(letter.python) for letter in letters):
        return _among("".join((letter.python or "")[1:-1] for letter in letters))
    weight = 1 + sum(letter.weight for letter in letters)
    return Letter(lambda sign: any(letter.test(sign) for letter in letters), weight=weight)


def _is_plain(python: str) -> bool:
    return python.startswith("[") and not python.startswith("[^")


def _exactly(sign: str, *, fold: bool = False) -> Letter:
    if fold and sign.isascii() and sign.isalpha():
        return _among(sign.lower() + sign.upper())
    return attrs.evolve(_among(_spelled(sign)), sign=sign)


def _spelled(sign: str) -> str:
    return f"\\U{ord(sign):08x}"


def _folded(letter: Letter) -> Letter:
    """The set without regard to case, of ASCII letters only, as Java does by itself."""
    weight = 2 * letter.weight
    return Letter(lambda sign: letter.test(sign) or (sign.isascii() and letter.test(sign.swapcase())), weight=weight)


def _is_word(text: str, at: int) -> bool:
    return 0 <= at < len(text) and (text[at] == "_" or (text[at].isascii() and text[at].isalnum()))


def _at_boundary(text: str, at: int) -> bool:
    return _is_word(text, at - 1) != _is_word(text, at)


def _at_last_line_end(text: str, at: int) -> bool:
    """At the end, or before the line end that ends the text."""
    rest = text[at : at + 3]
    return rest in ("", "\r\n") or (rest in _LINE_ENDS and not (rest == "\n" and text[at - 1 : at] == "\r"))


def _at_line_start(text: str, at: int) -> bool:
    if at == 0:
        return True
    before = text[at - 1]
    return at < len(text) and before in _LINE_ENDS and not (before == "\r" and text[at] == "\n")


def _at_line_end(text: str, at: int) -> bool:
    if at == len(text):
        return True
    return text[at] in _LINE_ENDS and not (text[at] == "\n" and text[at - 1 : at] == "\r")


_START = Place(lambda _, at: at == 0, r"\A")
_END = Place(lambda text, at: at == len(text), r"\Z")
_LAST_LINE_END = Place(_at_last_line_end, r"(?=(?:\r\n|(?<!\r)\n|[\r\x85\u2028\u2029])?\Z)")
_LINE_START = Place(_at_line_start, r"(?:\A|(?<=[\n\x85\u2028\u2029])(?!\Z)|(?<=\r)(?!\n|\Z))")
_LINE_END = Place(_at_line_end, r"(?=\Z|[\r\x85\u2028\u2029]|(?<!\r)\n)")
_BOUNDARY = Place(_at_boundary, r"\b")
_NO_BOUNDARY = Place(lambda text, at: not _at_boundary(text, at), r"(?!\b)")
_PLACES = {
    "b": _BOUNDARY, "B": _NO_BOUNDARY, "A": _START, "z": _END, "Z": _LAST_LINE_END,
}  # fmt: skip
_NEW_LINE = Atomic(Either((Row((_exactly("\r"), _exactly("\n"))), _among(_VERTICAL))))
_REPETITION = re.compile(r"\{([0-9]{1,6})(?:(,)([0-9]{1,6})?)?\}", re.ASCII)
_GROUP_NAME = re.compile(r"([A-Za-z][A-Za-z0-9]*)>", re.ASCII)
_FLAGS = re.compile(r"([imsxud]*)(?:-([imsxud]+))?([:)])")
_LOOKS = {"?=": (False, True), "?!": (False, False), "?<=": (True, True), "?<!": (True, False)}


class _Reader:
    """Reads one pattern, from left to right."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth = text, 0, 0
        self.groups = 0
        self.names: dict[str, int] = {}
        self.flags: frozenset[str] = frozenset()

    def whole(self) -> Any:
        tree = self.either()
        if self.at < len(self.text):
            raise self.wrong("a ')' that nobody opened")
        return tree

    def wrong(self, what: str) -> Misfit:
        return Misfit(f"takes a regular expression; at character {self.at + 1} of this one there is {what}")

    def taken(self, sign: str) -> bool:
        """Whether `sign` comes next; it is read then."""
        if self.text.startswith(sign, self.at):
            self.at += len(sign)
            return True
        return False

    def next(self) -> str:
        if self.at >= len(self.text):
            raise self.wrong("an end too early")
        self.at += 1
        return self.text[self.at - 1]

    def either(self) -> Any:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.wrong(f"a group deeper than {MAX_DEPTH} levels")
        flags, parts = self.flags, [self.row()]
        while self.taken("|"):
            parts.append(self.row())
        self.flags = flags
        self.depth -= 1
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def row(self) -> Row:
        parts: list[Any] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            part = self.part()
            if part is not None:
                parts.append(self.repeated(part))
        return Row(tuple(parts))

    def repeated(self, part: Any) -> Any:
        self.skip_comments()
        sign = self.text[self.at : self.at + 1]
        if sign not in ("*", "+", "?", "{") or not sign:
            return part
        low, high = self.repetition(sign)
        mode = self.next() if self.text[self.at : self.at + 1] in ("?", "+") else ""
        if self.text[self.at : self.at + 1] in ("*", "+", "?", "{") and self.at < len(self.text):
            raise self.wrong(f"a {self.text[self.at]!r} that repeats a repetition")
        repeat = Repeat(part, low, high, "" if mode == "+" else mode, _is_empty(part))
        return Atomic(repeat) if mode == "+" else repeat

    def repetition(self, sign: str) -> tuple[int, int | None]:
        if sign != "{":
            self.at += 1
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
        found = _REPETITION.match(self.text, self.at)
        if found is None:
            raise self.wrong("a '{' without a number of repetitions; write '\\{'")
        low = int(found[1])
        high = low if found[2] is None else None if found[3] is None else int(found[3])
        if max(low, high or 0) > MAX_REPEAT or (high is not None and high < low):
            raise self.wrong(f"a number of repetitions that is not 0 to {MAX_REPEAT:,}, the lower one first")
        self.at = found.end()
        return low, high

    def skip_comments(self) -> None:
        while "x" in self.flags and self.at < len(self.text):
            if self.text[self.at] in " \t\n\x0b\f\r":
                self.at += 1
            elif self.text[self.at] == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end + 1
            else:
                return

    def part(self) -> Any:  # noqa: PLR0911 - one line for each kind
        self.skip_comments()
        if self.at >= len(self.text) or self.text[self.at] in "|)":
            return None
        sign = self.next()
        match sign:
            case "(":
                return self.group()
            case "[":
                return self.class_()
            case "\\":
                return self.escape()
            case ".":
                return self.dot()
            case "^":
                return _LINE_START if "m" in self.flags else _START
            case "$":
                return _LINE_END if "m" in self.flags else _LAST_LINE_END
            case "*" | "+" | "?" | "{":
                self.at -= 1
                raise self.wrong(f"a {sign!r} with nothing before it to repeat")
        return _exactly(sign, fold="i" in self.flags)

    def dot(self) -> Letter:
        if "s" in self.flags:
            return _among(r"\s\S")
        return _class(r"[^\n]") if "d" in self.flags else _class(r"[^\n\r\x85\u2028\u2029]")

    def group(self) -> Any:
        if not self.text.startswith("?", self.at):
            self.groups += 1
            return self.numbered(self.groups)
        for sign, (behind, wanted) in _LOOKS.items():
            if self.taken(sign):
                return self.look(behind=behind, wanted=wanted)
        if self.taken("?:"):
            return self.closed()
        if self.taken("?>"):
            return Atomic(self.closed())
        if self.taken("?<"):
            return self.named()
        self.at += 1
        return self.flagged()

    def numbered(self, number: int) -> Group:
        if number > MAX_GROUPS:
            raise self.wrong(f"more than {MAX_GROUPS} groups")
        return Group(number, self.closed())

    def named(self) -> Group:
        found = _GROUP_NAME.match(self.text, self.at)
        if found is None or found[1] in self.names:
            raise self.wrong("a group whose name is none, or taken already")
        self.at = found.end()
        self.groups += 1
        self.names[found[1]] = self.groups
        return self.numbered(self.groups)

    def closed(self) -> Any:
        tree = self.either()
        if not self.taken(")"):
            raise self.wrong("the end of a group missing")
        return tree

    def look(self, *, behind: bool, wanted: bool) -> Look:
        part = self.closed()
        width = _width(part) if behind else None
        if behind and width is None:
            raise self.wrong("a look behind without an obvious longest length")
        return Look(part, width, wanted)

    def flagged(self) -> Any:
        found = _FLAGS.match(self.text, self.at)
        if found is None:
            raise self.wrong("a kind of group that does not exist")
        self.at = found.end()
        before = self.flags
        self.flags = (self.flags | set(found[1])) - set(found[2] or "")
        if found[3] == ")":
            return None
        tree = self.closed()
        self.flags = before
        return tree

    def escape(self) -> Any:
        sign = self.next()
        if sign in _PLACES:
            return _PLACES[sign]
        if sign == "R":
            return _NEW_LINE
        if sign == "Q":
            return self.quoted()
        if sign == "k" and self.taken("<"):
            return self.named_back()
        if sign in "123456789":
            return self.back(int(sign))
        return self.letter_escape(sign)

    def quoted(self) -> Any:
        end = self.text.find("\\E", self.at)
        stop = len(self.text) if end < 0 else end
        letters = [_exactly(sign, fold="i" in self.flags) for sign in self.text[self.at : stop]]
        self.at = min(stop + 2, len(self.text))
        if not letters:
            return None
        return letters[0] if len(letters) == 1 else self.unrolled(letters)

    def unrolled(self, letters: list[Letter]) -> Row:
        """Quoted text in which a repetition repeats the last character only."""
        return Row((*letters[:-1], self.repeated(letters[-1])))

    def named_back(self) -> Back:
        found = _GROUP_NAME.match(self.text, self.at)
        if found is None or found[1] not in self.names:
            raise self.wrong("the name of a group that does not exist")
        self.at = found.end()
        return Back(self.names[found[1]], "i" in self.flags)

    def back(self, number: int) -> Back:
        while self.at < len(self.text) and self.text[self.at] in string.digits:
            longer = number * 10 + int(self.text[self.at])
            if longer > self.groups:
                break
            number, self.at = longer, self.at + 1
        if number > self.groups:
            raise self.wrong(f"a reference to a group {number} that does not exist")
        return Back(number, "i" in self.flags)

    def letter_escape(self, sign: str) -> Letter:
        """An escape that stands for a character or for a set of them, in a class too."""
        if sign.lower() in _CLASSES:
            letter = _among(_CLASSES[sign.lower()])
            return letter if sign.islower() else _other_than(letter)
        if sign in "pP":
            letter = self.property()
            return letter if sign == "p" else _other_than(letter)
        return _exactly(self.character(sign), fold="i" in self.flags)

    def character(self, sign: str) -> str:
        """The one character that an escape stands for."""
        if sign in _CONTROLS:
            return _CONTROLS[sign]
        if sign == "x":
            return self.hexadecimal(r"\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2})", 16)
        if sign == "u":
            return self.hexadecimal(r"([0-9A-Fa-f]{4})", 16)
        if sign == "0":
            return self.hexadecimal(r"([0-3]?[0-7]{1,2})", 8)
        if sign == "c":
            return chr(ord(self.next()) ^ 64)
        if sign.isascii() and sign.isalnum():
            self.at -= 1
            raise self.wrong(f"'\\{sign}', which is no escape")
        return sign

    def hexadecimal(self, shape: str, base: int) -> str:
        found = re.compile(shape).match(self.text, self.at)
        code = int(next(filter(None, found.groups())), base) if found else 0x110000
        if found is None or code >= 0x110000:  # noqa: PLR2004 - the end of Unicode
            raise self.wrong("the code of a character that does not exist")
        self.at = found.end()
        return chr(code)

    def property(self) -> Letter:
        found = re.compile(r"\{(?:\w+=)?(\w+)\}|([A-Z])").match(self.text, self.at)
        if found is None:
            raise self.wrong("a property without a name")
        name = found[1] or found[2]
        letter = _property(name)
        if letter is None:
            raise self.wrong(f"a property {name!r} that is not known")
        self.at = found.end()
        return letter

    def class_(self) -> Letter:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.wrong(f"a class deeper than {MAX_DEPTH} levels")
        negated, letter = self.taken("^"), self.members(first=True)
        while self.taken("&&"):
            letter = _both(letter, self.members(first=False))
        if not self.taken("]"):
            raise self.wrong("the end of a class missing")
        self.depth -= 1
        if "i" in self.flags:
            letter = _folded(letter)
        return _other_than(letter) if negated else letter

    def members(self, *, first: bool) -> Letter:
        letters: list[Letter] = []
        while self.at < len(self.text) and not self.text.startswith("&&", self.at):
            if self.text[self.at] == "]" and not (first and not letters):
                break
            letters.append(self.member())
        return _any_of(letters) if letters else Letter(lambda _: not first)

    def member(self) -> Letter:
        sign = self.next()
        if sign == "[":
            return self.class_()
        if sign == "\\":
            sign = self.next()
            if sign.lower() in _CLASSES or sign in "pP":
                return self.letter_escape(sign)
            sign = self.character(sign)
        if self.text.startswith("-", self.at) and self.text[self.at + 1 : self.at + 2] not in ("]", "[", ""):
            return self.range(sign)
        return _exactly(sign)

    def range(self, low: str) -> Letter:
        self.at += 1
        high = self.next()
        if high == "\\":
            high = self.character(self.next())
        if high < low:
            raise self.wrong(f"a range from {low!r} down to {high!r}")
        return _among(f"{_spelled(low)}-{_spelled(high)}")


def _both(left: Letter, right: Letter) -> Letter:
    return Letter(lambda sign: left.test(sign) and right.test(sign), weight=left.weight + right.weight)


def _property(name: str) -> Letter | None:
    if name in _POSIX:
        return _among(_POSIX[name])
    plain = name.removeprefix("Is")
    if plain in _UNICODE:
        return Letter(_UNICODE[plain])
    if name.startswith("java"):
        kind = {"LowerCase": str.islower, "UpperCase": str.isupper, "Whitespace": str.isspace}.get(name[4:])
        return Letter(kind) if kind else None
    if plain in _CATEGORIES:
        return Letter(lambda sign: unicodedata.category(sign).startswith(plain), weight=2)
    if plain.upper() in ("LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "THAI", "HIRAGANA", "KATAKANA", "HANGUL"):
        return Letter(lambda sign: unicodedata.name(sign, "").split(" ")[0] == plain.upper(), weight=4)
    return None


def _width(tree: Any) -> int | None:  # noqa: PLR0911 - one line for each kind
    """The most characters that `tree` can match; None where there is no end."""
    match tree:
        case Letter():
            return 1
        case Row() | Either():
            widths = [_width(part) for part in tree.parts]
            known = [width for width in widths if width is not None]
            if len(known) < len(widths):
                return None
            return sum(known) if isinstance(tree, Row) else max(known)
        case Group() | Atomic():
            return _width(tree.part)
        case Repeat(part, _, high):
            width = _width(part)
            return None if width is None or high is None else width * high
        case Back():
            return None
    return 0


def _is_empty(tree: Any) -> bool:
    """Whether `tree` may match without any character."""
    match tree:
        case Letter():
            return False
        case Row():
            return all(map(_is_empty, tree.parts))
        case Either():
            return any(map(_is_empty, tree.parts))
        case Group() | Atomic():
            return _is_empty(tree.part)
        case Repeat(_, low):
            return low == 0 or tree.is_empty
    return True
