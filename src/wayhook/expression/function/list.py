"""List functions (section 2.6). Lists keep their order; an item is found by its value."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from wayhook.expression.effort import MAX_WORK, comparing, ordering, writing
from wayhook.expression.function.function import PASSED, function
from wayhook.expression.operator import as_text, as_text_in_orchestration
from wayhook.expression.type import MAX_TEXT, identity, kind_of, typed
from wayhook.values import Misfit

_OF_OBJECTS = "listObject -> listObject", "listObject, string -> listObject"
_PER_KEPT = 32
"""The work of keeping an item to find it again."""


def field_of(item: Any, key: str | None) -> Any:
    """Return the field of an object; without a key, or of null, the item itself."""
    return item if key is None or item is None else item.get(key)


def telling_apart(items: list[Any] | None, key: str | None = None) -> int:
    """Return the work of telling items apart, or their fields."""
    fields = items if key is None or items is None else [field_of(item, key) for item in items]
    return comparing(fields) + _PER_KEPT * len(items or ())


def _once(items: list[Any], key: str | None) -> list[Any]:
    """The first of all items that are equal, or whose field `key` is."""
    found: dict[Any, Any] = {}
    for item in items:
        found.setdefault(identity(field_of(item, key)), item)
    return list(found.values())


@function("distinct", "listT -> listT", *_OF_OBJECTS, work=telling_apart, example="distinct([10, 2, 10, null])")
def distinct(items: list[Any], key: str | None = None) -> list[Any]:
    """Gives the items once each, without nulls; with a key, one object for each value of that field, the first."""
    return _once([item for item in items if item is not None], key)


@function(
    "distinctWithNull",
    "listT -> listT",
    *(f"journey_orchestration: {signature}" for signature in _OF_OBJECTS),
    work=telling_apart,
    example="distinctWithNull([10, 2, 10, null])",
)
def distinct_with_null(items: list[Any], key: str | None = None) -> list[Any]:
    """Gives the items once each, one null among them if there was any."""
    return _once(items, key)


@function(
    "filter",
    "listObject, string, listT -> listObject",
    work=lambda items, key, values: telling_apart(items, key) + telling_apart(values),
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


@function(
    "in", "T, listT -> boolean", null=False, work=lambda _, items: comparing(items), example="in(4, [4, 5, 3, 4])"
)
def in_(value: Any, items: list[Any]) -> bool:
    """True when the list holds the value; value and items are of one type."""
    return value in items


@function(
    "intersect",
    "listT, listT -> listT",
    null=PASSED,
    work=lambda left, right: telling_apart(left) + telling_apart(right),
    example='intersect(["sports", "news"], ["news"])',
)
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


def _serializing(items: list[Any], separator: str, _: object) -> int:
    kind = kind_of(items)
    texts = [len(item) for item in items if isinstance(item, str)] if kind == "listString" else []
    each = _PER_KEPT if kind == "listString" else _PER_NUMBER if kind in ("listInteger", "listDecimal") else _PER_MOMENT
    work = each * len(items)
    return work if work > MAX_WORK else work + writing(min(MAX_TEXT, sum(texts) + len(items) * len(separator)))


_PER_NUMBER, _PER_MOMENT = 80, 320
"""The work of making a text of a number, of a date or a time."""


def _serialize(items: list[Any], separator: str, quoted: bool, as_text: Callable[[Any], str]) -> str:  # noqa: FBT001
    texts = [as_text(item) for item in items if item is not None]
    if sum(map(len, texts)) + len(texts) * (len(separator) + 2) > MAX_TEXT:
        raise Misfit(f"gives a text of at most {MAX_TEXT:,} characters; this one is longer")
    return separator.join(f'"{text}"' if quoted else text for text in texts)


@function(
    "serializeList",
    "listT, string, boolean -> string",
    elsewhere={"journey_orchestration": functools.partial(_serialize, as_text=as_text_in_orchestration)},
    work=_serializing,
    example='serializeList(["Hello", "World"], ",", true)',
)
def serialize_list(items: list[Any], separator: str, quoted: bool) -> str:  # noqa: FBT001 - as in the language
    """Gives the items as text, joined by the separator; with true, each in double quotes. Nulls are left out."""
    return _serialize(items, separator, quoted, as_text)


def _sorting(items: list[Any], *order: Any) -> int:
    return ordering(_keys(items, order), 1 + len(items).bit_length() // 8)


@function(
    "sort",
    "listT, boolean -> listT",
    "listObject, string, boolean -> listObject",
    work=_sorting,
    example="sort([1, 3, 2], false)",
)
def sort(items: list[Any], *order: Any) -> list[Any]:
    """Gives the items in order, rising with true, falling with false; objects by a field. Nulls come last."""
    keys = _keys(items, order)
    there = [i for i, key in enumerate(keys) if key is not None]
    there.sort(key=keys.__getitem__, reverse=not order[-1])
    return [items[i] for i in there] + [item for item, key in zip(items, keys, strict=True) if key is None]


def _keys(items: list[Any], order: tuple[Any, ...]) -> Any:
    """By what the items are ordered: themselves, or a field of each."""
    if len(order) == 1:
        return items
    kind, keys = typed([field_of(item, order[0]) for item in items])
    if kind in ("listAny", "listObject"):
        raise Misfit("orders objects by a field of one single type")
    return keys
