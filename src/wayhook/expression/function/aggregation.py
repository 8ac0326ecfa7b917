"""Aggregation functions (section 2.3): one value out of many. Nulls are ignored; a list that is null is empty."""

from __future__ import annotations

from typing import Any

from wayhook.expression.effort import ordering
from wayhook.expression.function.function import PASSED, function
from wayhook.expression.function.list import field_of, telling_apart
from wayhook.expression.type import identity

_PAIRS = (
    "decimal, decimal -> decimal",
    "integer, integer -> integer",
    "duration, duration -> duration",
    "dateTime, dateTime -> dateTime",
    "dateTimeOnly, dateTimeOnly -> dateTimeOnly",
)
_ORDERED = (
    "listDuration -> duration",
    "listInteger -> integer",
    "listDecimal -> decimal",
    "listDateTimeOnly -> dateTimeOnly",
    "listDateTime -> dateTime",
    "listDateOnly -> dateOnly",
    *_PAIRS,
)


def _there(values: tuple[Any, ...]) -> list[Any]:
    """What is not null of a list, or of two values."""
    found = values if len(values) > 1 else values[0] or ()
    return [value for value in found if value is not None]


def _comparing(*values: Any) -> int:
    """The work of looking at what is there, in order."""
    return 0 if len(values) > 1 else ordering(values[0] or ())


@function(
    "avg",
    "listInteger -> decimal",
    "listDecimal -> decimal",
    "decimal, decimal -> decimal",
    "decimal, integer -> decimal",
    "integer, decimal -> decimal",
    "integer, integer -> decimal",
    null=PASSED,
    work=_comparing,
    example="avg([10, 3, 8])",
)
def avg(*values: Any) -> float | None:
    """Gives the mean; null when there is no number."""
    found = _there(values)
    return sum(found) / len(found) if found else None


@function(
    "count",
    "listT -> integer",
    "journey_optimizer: listObject -> integer",
    null=PASSED,
    example="count([10, 2, 10, null])",
)
def count(items: list[Any] | None) -> int:
    """Counts the items that are not null; of objects, all of them."""
    return len([item for item in items or () if item is not None])


@function("countOnlyNull", "listT -> integer", null=PASSED, example="countOnlyNull([10, 2, 10, null])")
def count_only_null(items: list[Any] | None) -> int:
    """Counts the items that are null."""
    return len(items or ()) - len(_there((items,)))


@function("countWithNull", "listT -> integer", null=PASSED, example="countWithNull([10, 2, 10, null])")
def count_with_null(items: list[Any] | None) -> int:
    """Counts all items, null or not."""
    return len(items or ())


@function(
    "distinctCount",
    "listT -> integer",
    "journey_optimizer: listObject -> integer",
    "journey_optimizer: listObject, string -> integer",
    null=PASSED,
    work=telling_apart,
    example="distinctCount([10, 2, 10, null])",
)
def distinct_count(items: list[Any] | None, key: str | None = None) -> int:
    """Counts different items that are not null; with a key, objects with different values of that field."""
    found = _there((items,))
    return len({identity(field_of(item, key)) for item in found})


@function(
    "distinctCountWithNull",
    "listT -> integer",
    null=PASSED,
    work=telling_apart,
    example="distinctCountWithNull([10, 2, 10, null])",
)
def distinct_count_with_null(items: list[Any] | None) -> int:
    """Counts different items, null as one of them."""
    return len({identity(item) for item in items or ()})


@function("max", *_ORDERED, null=PASSED, work=_comparing, example="max([10, null, 8])")
def max_(*values: Any) -> Any:
    """Gives the greatest value, the latest date; null when there is none."""
    return max(_there(values), default=None)


@function("min", *_ORDERED, null=PASSED, work=_comparing, example="min([10, null, 8])")
def min_(*values: Any) -> Any:
    """Gives the least value, the earliest date; null when there is none."""
    return min(_there(values), default=None)


@function(
    "sum",
    "listInteger -> integer",
    "listDecimal -> decimal",
    "integer, integer -> integer",
    "decimal, decimal -> decimal",
    null=PASSED,
    work=_comparing,
    example="sum([10, 3, 8])",
)
def sum_(*values: Any) -> Any:
    """Gives the sum; 0 when there is no number."""
    return sum(_there(values))
