"""Declared types of fields: read from `event.Order.total: decimal`, looked up by path, applied to JSON data. No I/O.

A key names a field by the part of the context (`event`, `datasource`, `action`, `datasetLookup`, `journey`) and the
names on the way to it; indexes of lists are left out, and the type of a field below a list is that of one element. A
name with a dot or a quote in it stands in quotes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import attrs

from wayhook.errors import DefinitionError, Violation
from wayhook.expression.moment import moment, of_milliseconds, read_duration
from wayhook.expression.syntax import Source
from wayhook.expression.type import ExpressionType, item_of
from wayhook.values import Misfit

__all__ = ["MAX_FAULTS", "NOTHING_DECLARED", "ROOTS", "Declarations", "Reading", "declarations", "key_of"]

MAX_TYPES, MAX_KEY = 10_000, 1_000
"""Declared types at most, and characters of the path of one."""
MAX_READ, MAX_FAULTS = 100_000, 1_000
"""Values of one document that are looked at for their declared types, and faults of it that are named."""

ROOTS = {
    "event": Source.EVENT,
    "datasource": Source.DATA_SOURCE,
    "action": Source.ACTION,
    "datasetLookup": Source.DATASET_LOOKUP,
    "journey": Source.JOURNEY,
}
_WORDS = {source: word for word, source in ROOTS.items()}
_SEGMENT = re.compile(r"""(?:([^."']+)|"([^"]*)"|'([^']*)')(\.|$)""")
Kind = ExpressionType


@attrs.define
class _Field:
    kind: ExpressionType | None = None
    below: dict[str, _Field] = attrs.Factory(dict)


@attrs.define
class Reading:
    """One reading of a document: what does not have its type, and how many values are still looked at."""

    faults: list[Violation] = attrs.Factory(list)
    left: int = MAX_READ

    def look(self, values: int) -> None:
        """Pay for looking at so many values; raises `DefinitionError` with the faults so far when they are too many."""
        self.left -= values
        if self.left < 0:
            message = f"at most {MAX_READ:,} values are read by their declared types; declare or give less"
            raise DefinitionError([*self.faults, Violation("$", message)])

    def fault(self, path: str, kind: ExpressionType | None) -> None:
        """Add a value that does not have its declared type; raises `DefinitionError` when there are many of them."""
        self.faults.append(Violation(path, f"the field is declared as {kind}, and this is none"))
        if len(self.faults) >= MAX_FAULTS:
            message = f"the first {MAX_FAULTS:,} faults are named; there may be more"
            raise DefinitionError([*self.faults, Violation("$", message)])


@attrs.frozen
class Declarations:
    """A tree of declared fields. What nothing is declared of is not known, and may be anything."""

    _root: _Field

    def field(self, source: Source, names: tuple[str, ...]) -> _Field | None:
        """Return what is declared at and below a path; None where nothing is."""
        found: _Field | None = self._root.below.get(_WORDS[source])
        for name in names:
            found = None if found is None else found.below.get(name)
        return found

    def kind(self, source: Source, names: tuple[str, ...]) -> ExpressionType | None:
        """Return the declared type of a field; of one that has fields declared below it, an object unless declared."""
        found = self.field(source, names)
        if found is None:
            return None
        return found.kind or (Kind.OBJECT if found.below else None)

    def names(self, source: Source, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names declared right below a path."""
        found = self.field(source, names)
        return () if found is None else tuple(found.below)

    def words(self) -> dict[str, str]:
        """Return the declared types by their keys, each name as it is written without need of quotes."""
        found: dict[str, str] = {}
        waiting = [(self._root, "")]
        while waiting:
            field, above = waiting.pop()
            if field.kind is not None:
                found[above] = str(field.kind)
            waiting += [(below, _below(above, name)) for name, below in field.below.items()]
        return found

    def applied(self, source: Source, names: tuple[str, ...], data: Any, path: str, reading: Reading) -> Any:
        """Return the data with texts as the dates and times, and numbers as the decimals, that they are declared to be.

        `data`: what stands at the path `names`; it is not changed. `reading`: it is told what does not have its type.
        Raises `DefinitionError` when too much is looked at.
        """
        field = self.field(source, names)
        return data if field is None else _applied(field, data, path, reading)


def key_of(source: Source, names: tuple[str, ...]) -> str:
    """Return the key that names a field."""
    key = _WORDS[source]
    for name in names:
        key = _below(key, name)
    return key


def _below(above: str, name: str) -> str:
    segment = json.dumps(name, ensure_ascii=False) if set(name) & set(".\"'") else name
    return f"{above}.{segment}" if above else segment


def declarations(types: Mapping[str, str]) -> Declarations:
    """Return the tree of `types`; raises `DefinitionError` with every key that names no field, and unknown types."""
    if not isinstance(types, Mapping):
        raise DefinitionError([Violation("$.types", f"a mapping of paths to types, not {type(types).__name__}")])
    if len(types) > MAX_TYPES:
        raise DefinitionError([Violation("$.types", f"at most {MAX_TYPES:,} types are declared, not {len(types):,}")])
    root, faults = _Field(), []
    for key, word in types.items():
        if isinstance(key, str) and len(key) > MAX_KEY:
            faults.append(Violation(f"$.types.{key[:40]}…", f"a path has at most {MAX_KEY:,} characters"))
            continue
        names = _names(str(key))
        if len(names) < 2 or names[0] not in ROOTS:  # noqa: PLR2004 - a part of the context and a name
            faults.append(Violation(f"$.types.{key}", f"a field is named {', '.join(ROOTS)}, a dot and its path"))
        elif word not in list(Kind):
            faults.append(Violation(f"$.types.{key}", f"{str(word)[:40]!r} is no type; there are {', '.join(Kind)}"))
        else:
            field = root
            for name in names:
                field = field.below.setdefault(name, _Field())
            field.kind = Kind(word)
    if faults:
        raise DefinitionError(faults)
    return Declarations(root)


def _names(key: str) -> tuple[str, ...]:
    """The names of a path; nothing where it cannot be read."""
    names, at = [], 0
    while at < len(key):
        found = _SEGMENT.match(key, at)
        if found is None:
            return ()
        names.append(next(part for part in found.groups()[:3] if part is not None))
        at = found.end()
    return () if key.endswith(".") else tuple(names)


def _applied(field: _Field, data: Any, path: str, reading: Reading) -> Any:
    if data is None:
        return None
    if isinstance(data, list | tuple):
        reading.look(len(data))
        item = attrs.evolve(field, kind=item_of(field.kind) if field.kind and field.kind.is_list else field.kind)
        return [
            part if isinstance(part, list | tuple) else _applied(item, part, f"{path}[{i}]", reading)
            for i, part in enumerate(data)
        ]
    if isinstance(data, Mapping):
        reading.look(len(data))
        below = field.below
        return {
            name: _applied(below[name], part, f"{path}.{name}", reading) if name in below else part
            for name, part in data.items()
        }
    read = _READ.get(field.kind) if field.kind is not None else None
    if read is None:
        return data
    value = read(data)
    if value is None:
        reading.fault(path, field.kind)
    return value


def _moment_reader(*shapes: Callable[[Any], bool]) -> Callable[[Any], Any]:
    def read(data: Any) -> Any:
        value = moment(data) if isinstance(data, str) else data
        return value if any(shape(value) for shape in shapes) else None

    return read


def _is_date_time(value: Any) -> bool:
    return isinstance(value, datetime) and value.utcoffset() is not None


def _is_date_time_only(value: Any) -> bool:
    return isinstance(value, datetime) and value.utcoffset() is None


def _is_date_only(value: Any) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _date_time(data: Any) -> Any:
    """A date-time of ISO text or of milliseconds since 1970."""
    try:
        return of_milliseconds(data) if type(data) is int else _moment_reader(_is_date_time)(data)
    except Misfit:
        return None


def _duration(data: Any) -> Any:
    try:
        if isinstance(data, str):
            return read_duration(data)
        return timedelta(milliseconds=data) if type(data) is int else data
    except (Misfit, OverflowError):
        return None


def _integer(data: Any) -> Any:
    if type(data) is float:
        return int(data) if data.is_integer() else None
    return None if type(data) in (str, bool) else data


def _decimal(data: Any) -> Any:
    try:
        return None if type(data) in (str, bool) else float(data) if type(data) is int else data
    except OverflowError:
        return None


_READ: dict[ExpressionType, Callable[[Any], Any]] = {
    Kind.STRING: lambda data: data if isinstance(data, str) else None,
    Kind.BOOLEAN: lambda data: data if type(data) is bool else None,
    Kind.INTEGER: _integer,
    Kind.DECIMAL: _decimal,
    Kind.DATE_TIME: _date_time,
    Kind.DATE_TIME_ONLY: _moment_reader(_is_date_time_only),
    Kind.DATE_ONLY: _moment_reader(_is_date_only),
    Kind.DURATION: _duration,
}

NOTHING_DECLARED = declarations({})
