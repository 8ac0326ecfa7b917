"""Values that JSON has no form for, written so that they are read again as they were.

JSON values stand as they are. The others are an object with one name that begins with `$`: `{"$decimal": "0.10"}`,
`{"$datetime": "2030-01-02T03:04:05+00:00"}`, `{"$date": "2030-01-02"}`, `{"$duration": [days, seconds, microseconds]}`,
and `{"$object": {…}}` for an object that has such a name itself. Tuples become lists.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs

from wayhook.errors import DefinitionError, Violation
from wayhook.formats.document import MAX_DIGITS, NUMBER
from wayhook.jsonvalue import MAX_DEPTH, MAX_NODES, json_fault, parse_json

__all__ = ["dumps_exact", "loads_exact", "read_exact", "written_exact"]

_READ_DEPTH = 2 * MAX_DEPTH + 8
"""An object with a name that begins with `$` takes two levels."""


def written_exact(path: str, value: Any, faults: list[Violation]) -> Any:
    """Return `value` as JSON; what cannot be written is null, and a fault with its path below `path`.

    At most 64 levels and 100,000 parts: a value that contains itself has more.
    """
    return _Writing(faults).written(path, value)


def dumps_exact(written: Any) -> str:
    """Return the text of what was written, on one line."""
    return json.dumps(written, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def loads_exact(text: str) -> Any:
    """Return what was written, as JSON; raises `DefinitionError` for what is none."""
    return parse_json(text, depth=_READ_DEPTH)


def read_exact(path: str, found: Any) -> Any:
    """Return the value that was written; raises `DefinitionError` for what nobody wrote."""
    if isinstance(found, list):
        return [read_exact(f"{path}[{i}]", below) for i, below in enumerate(found)]
    if not isinstance(found, dict):
        return found
    mark = next((name for name in found if name.startswith("$")), None)
    if mark is None:
        return {name: read_exact(f"{path}.{name}", below) for name, below in found.items()}
    try:
        [below] = found.values()
        if mark == "$object" and isinstance(below, dict):
            return {name: read_exact(f"{path}.{name}", item) for name, item in below.items()}
        return _READERS[mark](below)
    except (KeyError, ValueError, TypeError, OverflowError):
        message = f"this is no {mark[:40]!r} that this wayhook can read; a newer one may have written it"
        raise DefinitionError([Violation(path, message)]) from None


@attrs.define
class _Writing:
    """A value on its way to JSON. `faults`: what cannot be written, each with its path."""

    faults: list[Violation]
    _left: int = MAX_NODES

    def written(self, path: str, value: Any, level: int = 0) -> Any:
        """The value as JSON; None for what has no form there, which is a fault."""
        self._left -= 1
        if self._left < 0 or level > MAX_DEPTH:
            many = f"this has more than {MAX_NODES:,} parts, or more than {MAX_DEPTH} levels; hand over less"
            is_first, self._left = self._left >= -1, -2
            return self._fault(path, many) if is_first else None
        if isinstance(value, Mapping):
            return self._object(path, value, level)
        if isinstance(value, list | tuple):
            return [self.written(f"{path}[{i}]", below, level + 1) for i, below in enumerate(value) if self._left >= 0]
        write = _WRITERS.get(type(value))
        if write is not None and (type(value) is not Decimal or _is_number(value)):
            return write(value)
        fault = json_fault(value)
        if fault is None:
            return value
        known = "a JSON value, a finite Decimal, datetime, date or timedelta"
        is_json = type(value) in (str, int, float)
        return self._fault(path, fault[1] if is_json else f"give {known}, not {type(value).__name__}")

    def _object(self, path: str, value: Mapping[Any, Any], level: int) -> Any:
        wrong = [fault for fault in (json_fault({name: None}) for name in value) if fault is not None]
        if wrong:
            return self._fault(path, wrong[0][1])
        found = {
            name: self.written(f"{path}.{name[:80]}", below, level + 1)
            for name, below in value.items()
            if self._left >= 0
        }
        return {"$object": found} if any(name.startswith("$") for name in found) else found

    def _fault(self, path: str, message: str) -> Any:
        self.faults.append(Violation(path, message))


def _is_number(value: Decimal) -> bool:
    """Whether a decimal is one that is read again: finite, and of a length that is no burden."""
    return value.is_finite() and len(text := str(value)) <= MAX_DIGITS and NUMBER.fullmatch(text) is not None


_WRITERS: dict[type, Callable[[Any], dict[str, Any]]] = {
    Decimal: lambda value: {"$decimal": str(value)},
    datetime: lambda value: {"$datetime": value.isoformat()},
    date: lambda value: {"$date": value.isoformat()},
    timedelta: lambda value: {"$duration": [value.days, value.seconds, value.microseconds]},
}


def _decimal(text: str) -> Decimal:
    if not NUMBER.fullmatch(text):
        raise ValueError(text)
    return Decimal(text)


def _duration(parts: Any) -> timedelta:
    days, seconds, microseconds = parts
    return timedelta(days, seconds, microseconds)


_READERS: dict[str, Callable[[Any], Any]] = {
    "$decimal": _decimal,
    "$datetime": datetime.fromisoformat,
    "$date": date.fromisoformat,
    "$duration": _duration,
}
