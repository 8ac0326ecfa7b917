"""List functions (section 2.6). Lists keep their order; an item is found by its value."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from wayhook.expression.function.function import PASSED, function
from wayhook.expression.operator import as_text, as_text_in_orchestration
from wayhook.expression.type import MAX_TEXT, common, identity, kind_of
from wayhook.values import Misfit

_OF_OBJECTS = "listObject -> listObject", "listObject, string -> listObject"


def _once(items: list[Any], key: str | None) -> list[Any]:
    """The first of all items that are equal, or whose field `key` is."""
    found: dict[Any, Any] = {}
    for item in items:
        found.setdefault(identity(item if key is None or item is None else item.get(key)), item)
    return list(found.values())


@function("distinct", "listT -> listT", *_OF_OBJECTS, example="distinct([10, 2, 10, null])")
def distinct(items: list[Any], key: str | None = None) -> list[Any]:
    """Gives the items once each, without nulls; with a key, one object for each value of that field, the first."""
    return _once([item for item in items if item is not None], key)


@function(
    "distinctWithNull",
    "listT -> listT",
    *(f"journey_orchestration: {signature}" for signature in _OF_OBJECTS),
    example="distinctWithNull([10, 2, 10, null])",
)
def distinct_with_null(items: list[Any], key: str | None = None) -> list[Any]:
    """Gives the items once each, one null among them if there was any."""
    return _once(items, key)


@function(
    "filter",
    "listObject, string, listT -> listObject",
    example='filter(@event{Order.products}, "id", ["p2", "p3"])',
)
def filter_(items: list[Any], key: str, values: list[Any]) -> list[Any]:
    """Gives the objects whose field has one of the values."""
    wanted = {identity(value) for value in values if value is not None}
    return [item for item in items if item is not None and identity(item.get(key)) in wanted]


@function("getListItem", "listT, integer -> T", example="getListItem([10, 2, 3], 1)")
def get_list_item(items: list[Any], index: int) -> Any:
    """Gives the item at an index from 0; null where there is none."""
    return items[index] if 0 <= index < len(items) else None


@function("in", "T, listT -> boolean", null=False, example="in(4, [4, 5, 3, 4])")
def in_(value: Any, items: list[Any]) -> bool:
    """True when the list holds the value; value and items are of one type."""
    return value in items


@function("intersect", "listT, listT -> listT", null=PASSED, example='intersect(["sports", "news"], ["news"])')
def intersect(left: list[Any] | None, right: list[Any] | None) -> list[Any]:
    """Gives what both lists hold (A-15), once each, in the order of the first; of a list that is null, nothing."""
    there = set(right or ())
    return [item for item in dict.fromkeys(left or ()) if item in there and item is not None]


@function(
    "limit",
    "listT, integer -> listT",
    "listT, integer, boolean -> listT",
    "listObject, integer -> listObject",
    "listObject, integer, boolean -> listObject",
    example='limit(["A", "B", "C", "D", "E"], 3, false)',
)
def limit(items: list[Any], count: int, first: bool = True) -> list[Any]:  # noqa: FBT001, FBT002 - as in the language
    """Gives the first items, so many; with false, the last ones. Fewer where there are fewer."""
    count = max(0, min(count, len(items)))
    return items[:count] if first else items[len(items) - count :]


@function(
    "listSize",
    "listT -> integer",
    "journey_optimizer: listObject -> integer",
    null=PASSED,
    example="listSize([10, 2, 3])",
)
def list_size(items: list[Any] | None) -> int:
    """Counts the items, nulls included."""
    return len(items or ())


def _serialize(items: list[Any], separator: str, quoted: bool, as_text: Callable[[Any], str]) -> str:  # noqa: FBT001
    texts = [as_text(item) for item in items if item is not None]
    if sum(map(len, texts)) + len(texts) * (len(separator) + 2) > MAX_TEXT:
        raise Misfit(f"gives a text of at most {MAX_TEXT:,} characters; this one is longer")
    return separator.join(f'"{text}"' if quoted else text for text in texts)


@function(
    "serializeList",
    "listT, string, boolean -> string",
    elsewhere={"journey_orchestration": functools.partial(_serialize, as_text=as_text_in_orchestration)},
    example='serializeList(["Hello", "World"], ",", true)',
)
def serialize_list(items: list[Any], separator: str, quoted: bool) -> str:  # noqa: FBT001 - as in the language
    """Gives the items as text, joined by the separator; with true, each in double quotes. Nulls are left out."""
    return _serialize(items, separator, quoted, as_text)


@function(
    "sort",
    "listT, boolean -> listT",
    "listObject, string, boolean -> listObject",
    example="sort([1, 3, 2], false)",
)
def sort(items: list[Any], *order: Any) -> list[Any]:
    """Gives the items in order, rising with true, falling with false; objects by a field. Nulls come last."""
    rising, keys = order[-1], items
    if len(order) > 1:
        keys = [None if item is None else item.get(order[0]) for item in items]
        kind = common({kind_of(key) for key in keys if key is not None})
        if kind is not None and (kind.is_list or kind == "object"):
            raise Misfit(f"orders single values, not a {kind}")
    pairs = [(key, item) for key, item in zip(keys, items, strict=True) if key is not None]
    nulls = [item for key, item in zip(keys, items, strict=True) if key is None]
    return [item for _, item in sorted(pairs, key=lambda pair: pair[0], reverse=not rising)] + nulls
