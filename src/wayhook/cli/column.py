"""Columns of comma-separated values: what each cell fills, told by the first row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any

import attrs

from wayhook.cli.target import Target
from wayhook.cli.value import cell, kinds_of
from wayhook.errors import DocumentError, Violation, closest
from wayhook.jsonvalue import SHOWN, is_unicode
from wayhook.rendering.plan import variables_by_name
from wayhook.values import DataType

__all__ = ["Column", "Layout", "Use"]

_ROOTS = ("event", "datasource", "action", "datasetLookup", "journey", "audience")
_NOW = "now"
_TIMES = (DataType.DATE_TIME, DataType.DATE_TIME_ONLY, DataType.DATE_ONLY)


class Use(Enum):
    """What a column is for."""

    VALUE = "value"
    PATH = "path"
    DELIVERY_ID = "delivery id"
    NOTHING = "nothing"


@attrs.frozen
class Column:
    """One column. `steps`: where its cells stand in the value of a row. `kind`: the type that they have there."""

    name: str
    use: Use
    steps: tuple[str, ...] = ()
    kind: DataType | None = None

    def put(self, value: dict[str, Any], text: str) -> None:
        """Put a cell in its place; raises `Misfit`."""
        for step in self.steps[:-1]:
            value = value.setdefault(step, {})
        value[self.steps[-1]] = cell(text, self.kind)


@attrs.frozen
class Layout:
    """How columns are understood.

    For an action a column is named as a variable; for an activity as a field of the context, such as
    `event.Signup.phone`, with a type where it is no text: `event.Signup.points:integer`. `path_from`,
    `delivery_id_from`: columns for these. `ignoring`: whether others are read over. `shared`: names without a column.
    """

    target: Target
    path_from: str | None = None
    delivery_id_from: str | None = None
    ignoring: bool = False
    shared: frozenset[str] = frozenset()

    def columns(self, place: str, head: Sequence[str]) -> tuple[Column, ...]:
        """Return the columns that the first row names; raises `DocumentError` with everything that is wrong with it."""
        read = self._of_context if self.target.journey is not None else self._of_action
        faults: list[Violation] = []
        columns = []
        for i, name in enumerate(head):
            column = _reserved(self, name) or read(name)
            if column is None and self.ignoring:
                column = Column(name, Use.NOTHING)
            fault = _name_fault(name, head[:i]) or ("" if column else self._unknown(name, head))
            if fault:
                faults.append(Violation(f"{place}: column {i + 1}", fault))
            elif column is not None:
                columns.append(column)
        faults += (Violation(place, fault) for fault in (*self._missing(head), *_conflicts(columns)))
        if faults:
            raise DocumentError(faults)
        return tuple(columns)

    def types(self, columns: Sequence[Column]) -> Mapping[str, str]:
        """Return the types of a context that its JSON cannot show: those of dates and times."""
        return {".".join(c.steps): str(c.kind) for c in columns if c.kind in _TIMES}

    def _of_action(self, name: str) -> Column | None:
        kinds = kinds_of(self.target.action)
        return Column(name, Use.VALUE, (name,), kinds[name]) if name in kinds else None

    def _of_context(self, name: str) -> Column | None:
        path, colon, word = name.partition(":")
        steps = tuple(path.split("."))
        known = steps == (_NOW,) or (steps[0] in _ROOTS and len(steps) > 1 and all(steps))
        if not known or (colon and word not in list(DataType)):
            return None
        return Column(name, Use.VALUE, steps, DataType(word) if colon else None)

    def _unknown(self, name: str, head: Sequence[str]) -> str:
        """What is said of a column that nothing is known of."""
        if self.target.journey is not None:
            return (
                f"{name[:SHOWN]!r} is no field of a context; write event.Signup.phone, or event.Signup.points:integer"
            )
        if len(head) == 1 and any(sign in name for sign in ";\t|"):
            return "there is one column only; is the delimiter another one? Give it with --delimiter"
        close = closest(name, kinds_of(self.target.action))
        hint = f"did you mean {close!r}?" if close else "leave it out, or read over it with --ignore-unknown"
        return f"the action has no variable {name[:SHOWN]!r}; {hint}"

    def _missing(self, head: Sequence[str]) -> Iterator[str]:
        """What is said of columns that have to be there."""
        for option, name in (("--path-from", self.path_from), ("--delivery-id-from", self.delivery_id_from)):
            if name is not None and name not in head:
                yield f"there is no column {name[:SHOWN]!r}, which {option} names"
        if self.target.journey is None:
            for name, blank in variables_by_name(self.target.action).items():
                if not blank.variable.optional and name not in head and name not in self.shared:
                    yield f"there is no column {name!r}, which the action requires; add it, or give --values {name}=…"


def _reserved(layout: Layout, name: str) -> Column | None:
    if name == layout.path_from:
        return Column(name, Use.PATH)
    return Column(name, Use.DELIVERY_ID) if name == layout.delivery_id_from else None


def _name_fault(name: str, before: Sequence[str]) -> str:
    if not name:
        return "the first row names the columns; this one has no name"
    if not is_unicode(name):
        return "its name is not UTF-8 text"
    return f"two columns are named {name[:SHOWN]!r}; rename one" if name in before else ""


def _conflicts(columns: Sequence[Column]) -> Iterator[str]:
    """Say which columns cannot both be filled: one lies below another, or is the same with another type."""
    places = {column.steps: column.name for column in columns if column.use is Use.VALUE}
    for column in columns:
        if column.steps and places[column.steps] != column.name:
            yield f"the columns {column.name!r} and {places[column.steps]!r} fill the same field; leave one out"
        for end in range(1, len(column.steps)):
            if column.steps[:end] in places:
                yield f"the column {column.name!r} lies below {places[column.steps[:end]]!r}; leave one out"
