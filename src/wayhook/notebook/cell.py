"""Cells: what a table holds, as the plain values that an action takes. Nothing is rounded, and no library is loaded.

Tables mark an empty cell by NaN, NaT or NA, wrap values in classes of their own, and keep the whole numbers of a column
with an empty cell as floats. What is no such thing stays as it is, for the rendering to judge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from wayhook.jsonvalue import MAX_NODES
from wayhook.model.parameter import MessageParameter
from wayhook.rendering.slot import ABSENT
from wayhook.values import DataType

__all__ = ["EXACT", "Cell", "cell", "plain", "plain_label"]

Cell = Callable[[Any], Any]
"""Gives the plain value of a cell; `ABSENT` for an empty one."""

EXACT = 2**53
"""Up to here every whole number is a double of its own."""
_PLAIN = frozenset({str, int, bool, type(None), datetime, date, Decimal, list, dict})


def plain(value: Any) -> Any:
    """Return the plain value of a cell, `ABSENT` for NaN, NaT and NA; a list stays as it is."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is float:
        return value if value == value else ABSENT  # noqa: PLR0124 - NaN alone is not itself
    match kind.__module__.partition(".")[0]:
        case "numpy":
            return _of_numpy(value)
        case "pandas":
            return _of_pandas(value)
    return value


def plain_label(label: Any) -> Any:
    """Return the plain label of a row: a value, or a tuple of these; None for one that is empty."""
    return tuple([_item(part, plain) for part in label]) if isinstance(label, tuple) else _item(label, plain)


def _of_numpy(value: Any) -> Any:
    match type(value).__name__:
        case "ndarray":
            return value.tolist() if value.size <= MAX_NODES else value
        case "datetime64" | "timedelta64":
            found = value.item()  # a bare number where it is finer than Python's
            return ABSENT if found is None else found if isinstance(found, date | timedelta) else str(value)
    found = value.item()
    return value if type(found) is type(value) else plain(found)


def _of_pandas(value: Any) -> Any:
    match type(value).__name__:
        case "NAType" | "NaTType":
            return ABSENT
        case "Timestamp":
            is_datetime = not value.nanosecond and value.year <= date.max.year
            return value.to_pydatetime() if is_datetime else value.isoformat()
        case "Timedelta":
            return value.isoformat() if value.nanoseconds else value.to_pytimedelta()
    return value


def cell(parameter: MessageParameter | None) -> Cell:
    """Return what gives a parameter's value; without one, that of a header or a query parameter."""
    return plain if parameter is None else _of(parameter.data_type, parameter.parameters)


def _of(data_type: DataType, fields: Sequence[MessageParameter]) -> Cell:
    if data_type is DataType.INTEGER:
        return lambda value: value if type(value) is int else _whole(plain(value))
    if data_type is DataType.DATE_ONLY:
        return lambda value: _day(plain(value))
    if data_type is DataType.OBJECT:
        cells = {field.name: cell(field) for field in fields}
        return lambda value: _object(value, cells)
    if not data_type.is_list:
        return plain
    item = plain if data_type.item is None else _of(data_type.item, fields)
    return lambda value: _list(plain(value), item)


def _whole(value: Any) -> Any:
    """A whole number that a column with empty cells has made a float."""
    is_whole = type(value) is float and value.is_integer() and abs(value) <= EXACT
    return int(value) if is_whole else value


def _day(value: Any) -> Any:
    """A day that a column of times has made its midnight."""
    is_day = isinstance(value, datetime) and value.tzinfo is None and value.time() == time.min
    return value.date() if is_day else value


def _object(value: Any, cells: Mapping[str, Cell]) -> Any:
    if not isinstance(value, Mapping) or len(value) > MAX_NODES:
        return value
    return {name: _item(below, cells.get(name, plain)) for name, below in value.items()}


def _list(value: Any, item: Cell) -> Any:
    if not isinstance(value, list | tuple) or len(value) > MAX_NODES:
        return value
    return [_item(each, item) for each in value]


def _item(value: Any, of: Cell) -> Any:
    """A part of a cell; an empty one is null."""
    found = of(value)
    return None if found is ABSENT else found
