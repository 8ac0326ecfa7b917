"""The types of the expression language: names, what a value's type is, and which types go together. No I/O.

Sections 1.5 and 1.6 of `reference/expression-language.md`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from types import NoneType
from typing import Any

from wayhook.expression.effort import PER_GLANCE, comparing, spend
from wayhook.values import INTEGER_MAX, INTEGER_MIN, MAX_BITS, Misfit

__all__ = [
    "LISTS",
    "NUMBERS",
    "SCALARS",
    "TELLING",
    "ExpressionType",
    "bounded",
    "common",
    "fits",
    "identity",
    "item_of",
    "kind_of",
    "list_of",
    "ranged",
    "typed",
    "widened",
]

MAX_ITEMS = 100_000
MAX_TEXT = 1_000_000
MAX_NESTING = 64
_WIDE = 1_000
"""Bytes of memory of a `Decimal` that has more digits than any double."""


class ExpressionType(StrEnum):
    """What an expression can give: the types of payloads, durations, and `list`, a list without any item."""

    STRING = "string"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE_TIME = "dateTime"
    DATE_TIME_ONLY = "dateTimeOnly"
    DATE_ONLY = "dateOnly"
    DURATION = "duration"
    OBJECT = "object"
    LIST_STRING = "listString"
    LIST_INTEGER = "listInteger"
    LIST_DECIMAL = "listDecimal"
    LIST_BOOLEAN = "listBoolean"
    LIST_DATE_TIME = "listDateTime"
    LIST_DATE_TIME_ONLY = "listDateTimeOnly"
    LIST_DATE_ONLY = "listDateOnly"
    LIST_DURATION = "listDuration"
    LIST_OBJECT = "listObject"
    LIST_ANY = "listAny"
    LIST = "list"

    __hash__ = str.__hash__  # equal to its word, and found where its word is

    @property
    def is_list(self) -> bool:
        """Whether values of this type are arrays."""
        return self in LISTS

    @property
    def is_single(self) -> bool:
        """Whether values of this type are neither lists nor objects."""
        return self in _LIST_OF and self is not ExpressionType.OBJECT


Kind = ExpressionType
NUMBERS = frozenset({Kind.INTEGER, Kind.DECIMAL})
_LIST_OF = {
    Kind.STRING: Kind.LIST_STRING,
    Kind.INTEGER: Kind.LIST_INTEGER,
    Kind.DECIMAL: Kind.LIST_DECIMAL,
    Kind.BOOLEAN: Kind.LIST_BOOLEAN,
    Kind.DATE_TIME: Kind.LIST_DATE_TIME,
    Kind.DATE_TIME_ONLY: Kind.LIST_DATE_TIME_ONLY,
    Kind.DATE_ONLY: Kind.LIST_DATE_ONLY,
    Kind.DURATION: Kind.LIST_DURATION,
}
SCALARS = tuple(_LIST_OF)
_LIST_OF[Kind.OBJECT] = Kind.LIST_OBJECT
_ITEM_OF = {listed: item for item, listed in _LIST_OF.items()}
LISTS = frozenset({*_ITEM_OF, Kind.LIST_ANY, Kind.LIST})
_WIDER = {Kind.INTEGER: Kind.DECIMAL, Kind.LIST_INTEGER: Kind.LIST_DECIMAL}


def list_of(kind: ExpressionType | None) -> ExpressionType | None:
    """Return the type of a list of such items; of lists, the list that they are flattened to; None if unknown."""
    return kind if kind is None or kind.is_list else _LIST_OF[kind]


def item_of(kind: ExpressionType | None) -> ExpressionType | None:
    """Return the type of the items of a list; None where it is not known."""
    return None if kind is None else _ITEM_OF.get(kind)


def fits(kind: ExpressionType | None, wanted: ExpressionType, *, widening: bool = False) -> bool:
    """Whether a value may be used where `wanted` is: its own type, an empty list as any; perhaps integers as decimals.

    What is not known may fit.
    """
    if kind is None or kind is wanted or (kind is Kind.LIST and wanted.is_list):
        return True
    return widening and _WIDER.get(kind) is wanted


def common(kinds: Iterable[ExpressionType | None]) -> ExpressionType | None:
    """Return the one type that values of all `kinds` have: decimal for numbers of both types (A-06).

    None where one of them is not known. Raises `Misfit` where there is no such type.
    """
    found = set(kinds)
    known = {kind for kind in found if kind is not None}
    if len(known) > 1 and all(kind.is_list for kind in known):
        known.discard(Kind.LIST)
    wide = {_WIDER.get(kind, kind) for kind in known} if len(known) > 1 else known
    if len(wide) > 1:
        raise Misfit(f"needs values of one type, not {' and '.join(sorted(known))}")
    return None if None in found or not wide else wide.pop()


_KINDS: dict[type, ExpressionType] = {
    str: Kind.STRING,
    int: Kind.INTEGER,
    float: Kind.DECIMAL,
    bool: Kind.BOOLEAN,
    date: Kind.DATE_ONLY,
    timedelta: Kind.DURATION,
    dict: Kind.OBJECT,
}

_LISTS_OF: dict[Any, ExpressionType] = {each: _LIST_OF[kind] for each, kind in _KINDS.items()}
TELLING = frozenset(_KINDS)
"""The Python types that say by themselves which type of the language their values have."""


def kind_of(value: Any, frame: Any = None) -> ExpressionType | None:
    """Return the type of a value, None for null. Raises `Misfit` for what is no value of the language."""
    kind = _KINDS.get(type(value))
    return kind if kind is not None else typed(value, frame)[0]


def typed(value: Any, frame: Any = None) -> tuple[ExpressionType | None, Any]:  # noqa: PLR0911 - one line for each kind
    """Return the type of a value, and the value as the language computes with it.

    Exact decimals become doubles, and numbers of other libraries ours; of a list with integers and decimals, all
    become decimals. `frame`: of the evaluation that pays for looking through a list, None where the evaluation ends
    with it. Raises `Misfit` for what is no value of the language.
    """
    kind = _KINDS.get(type(value))
    if kind is not None or value is None:
        return kind, value
    match value:
        case list() | tuple():
            return _typed_list(value, frame)
        case datetime():
            return Kind.DATE_TIME_ONLY if value.utcoffset() is None else Kind.DATE_TIME, value
        case Mapping():
            return Kind.OBJECT, value
        case str():
            return Kind.STRING, value
        case float() | Decimal():
            return Kind.DECIMAL, _double(value)
        case date():
            return Kind.DATE_ONLY, value
        case timedelta():
            return Kind.DURATION, value
    return Kind.INTEGER, _index(value)


def _double(value: float | Decimal) -> float:
    if isinstance(value, Decimal) and value.__sizeof__() > _WIDE:
        raise Misfit("takes numbers of fewer digits; this one has more than a thousand")
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise Misfit("takes finite numbers") from None


def _index(value: Any) -> int:
    """The integer that a number of another library stands for (numpy, say)."""
    try:
        return operator.index(value)
    except TypeError:
        name = "a class" if isinstance(value, type) else type(value).__name__
        raise Misfit(f"takes values of the language, not {name}") from None


def _typed_list(items: list[Any] | tuple[Any, ...], frame: Any) -> tuple[ExpressionType, Any]:
    if len(items) > MAX_ITEMS:
        raise Misfit(f"takes lists of at most {MAX_ITEMS:,} items; read less")
    spend(frame, _PER_LIST + PER_GLANCE * len(items))
    types = set(map(type, items))
    types.discard(NoneType)
    if len(types) == 1 and (listed := _LISTS_OF.get(next(iter(types)))) is not None:
        if listed is Kind.LIST_INTEGER:
            _ranged_all(items)
        return listed, items
    if not types:
        return Kind.LIST, items
    if types & {list, tuple}:
        return Kind.LIST_ANY, items
    spend(frame, _PER_STRANGER * len(items))
    if types <= _DOUBLES:
        return Kind.LIST_DECIMAL, [item if item is None else _as_double(item) for item in items]
    return _judged(items)


_PER_LIST, _PER_STRANGER = 150, 30
_DOUBLES = frozenset({int, float, Decimal})


def _judged(items: list[Any] | tuple[Any, ...]) -> tuple[ExpressionType, Any]:
    """The type of a list whose items have to be looked at one by one, and the items."""
    found = [typed(item) for item in items]
    try:
        kind = common({each for each, item in found if item is not None})
    except Misfit:
        kind = Kind.LIST_ANY
    if kind is None or kind.is_list:
        return Kind.LIST_ANY, items
    values = [item for _, item in found]
    return _LIST_OF[kind], widened(values) if kind is Kind.DECIMAL else values


def widened(value: Any) -> Any:
    """Return an integer, or the integers of a list, as decimals; anything else as it is."""
    if type(value) is int:
        return _as_double(value)
    if isinstance(value, list):
        return [_as_double(item) if type(item) is int else item for item in value]
    return value


def _as_double(value: float | Decimal) -> float:
    if isinstance(value, Decimal):
        return _double(value)
    try:
        return float(value)
    except OverflowError:
        raise Misfit("takes numbers within the range of a double") from None


def ranged(integer: int) -> int:
    """Return an integer within the range of a double; raises `Misfit` for one that is slow to compute with."""
    if integer.bit_length() > MAX_BITS:
        raise Misfit("takes numbers within the range of a double")
    return integer


def _ranged_all(integers: Iterable[int | None]) -> None:
    if max(map(int.bit_length, filter(None, integers)), default=0) > MAX_BITS:
        raise Misfit("takes numbers within the range of a double")


def bounded(value: Any) -> Any:
    """Return a result that is within the limits of its type; raises `Misfit` for one that is not."""
    kind = type(value)
    if kind is int:
        if not INTEGER_MIN <= value <= INTEGER_MAX:
            raise Misfit("gives an integer from -2^63 to 2^63-1; this one is out of range")
    elif kind is float:
        if not math.isfinite(value):
            raise Misfit("gives a finite number; this one is out of the range of a double")
    elif kind is str and len(value) > MAX_TEXT:
        raise Misfit(f"gives a text of at most {MAX_TEXT:,} characters; this one is longer")
    elif kind is list and len(value) > MAX_ITEMS:
        raise Misfit(f"gives a list of at most {MAX_ITEMS:,} items; this one is longer")
    return value


def identity(value: Any, frame: Any = None) -> Any:
    """Return what is equal for equal values of the language, and can be looked up: numbers by value, all else by type.

    Objects and lists are compared by what they hold, at most 64 levels. `frame`: of the evaluation that pays for it,
    None where it is paid for.
    """
    kind = type(value)
    if kind is str or kind is float or value is None:
        return value
    if frame is not None:
        spend(frame, comparing(value))
    return _identity(value, 0)


def _identity(value: Any, depth: int) -> Any:
    if depth > MAX_NESTING:
        raise Misfit(f"compares values of at most {MAX_NESTING} levels")
    kind = type(value)
    if kind is str or kind is float:
        return value
    if kind is int:
        return ranged(value)
    if kind is bool:
        return bool, value
    if isinstance(value, Mapping):
        return frozenset([(name, _identity(below, depth + 1)) for name, below in value.items()])
    if isinstance(value, list | tuple):
        if len(value) > MAX_ITEMS:
            raise Misfit(f"compares lists of at most {MAX_ITEMS:,} items")
        types = set(map(type, value))
        if types <= _INTEGERS:
            _ranged_all(value)
        plain = types <= _TEXTS or types <= _INTEGERS
        return list, tuple(value if plain else [_identity(item, depth + 1) for item in value])
    return typed(value)[1]


_TEXTS, _INTEGERS = frozenset({str, NoneType}), frozenset({int, NoneType})
