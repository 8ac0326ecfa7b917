"""Faults of rows: found one after another, raised all at once; one that many rows have is told once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from wayhook.errors import RenderError, Violation
from wayhook.notebook.cell import plain_label
from wayhook.notebook.match import Layout

__all__ = ["RowFaults", "shown"]

MAX_FAULTS = 100
_NAMED = 3
_SHOWN = 40


@attrs.define
class _Fault:
    """What some rows have in common. `places`: the first of them."""

    violation: Violation
    note: str
    times: int = 0
    places: list[int] = attrs.Factory(list)


@attrs.define
class RowFaults:
    """`labels`: by what the rows are known to the caller."""

    labels: Sequence[Any]
    _found: dict[tuple[Violation, Layout | None], _Fault] = attrs.Factory(dict)
    _kinds: set[type[RenderError]] = attrs.Factory(set)
    _more: int = 0

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, place: int, error: RenderError, layout: Layout | None = None) -> None:
        """Keep what is wrong with the row at `place`, which was read by `layout`."""
        self._kinds.add(type(error))
        for violation in error.violations:
            fault = self._found.get((violation, layout))
            if fault is None and len(self._found) < MAX_FAULTS:
                note = "" if layout is None else layout.note(violation)
                fault = self._found[violation, layout] = _Fault(violation, note)
            if fault is None:
                self._more += 1
                continue
            fault.times += 1
            if len(fault.places) < _NAMED:
                fault.places.append(place)

    def error(self) -> RenderError:
        """Return all that was found, as the narrowest error that it shares."""
        kind = next(iter(self._kinds)) if len(self._kinds) == 1 else RenderError
        told = [self._told(fault) for fault in self._found.values()]
        if self._more:
            told.append(Violation("$.rows", f"… and {self._more:,} more faults; mend these first"))
        return kind(told)

    def _told(self, fault: _Fault) -> Violation:
        first, *others = (shown(self.labels[place]) for place in fault.places)
        rest = fault.times - len(fault.places)
        named = ", ".join(others) + (f" and {rest:,} more" if rest else "")
        also = f" (the same in {'rows' if fault.times > 2 else 'row'} {named})" if named else ""  # noqa: PLR2004 - with the first
        violation = fault.violation
        path = f"$.rows[{first}]{violation.path.removeprefix('$')}"
        return attrs.evolve(violation, path=path, message=violation.message + fault.note + also)


def shown(label: object) -> str:
    """Return how a message names a row."""
    label = plain_label(label)
    return (repr(label) if isinstance(label, str) else str(label))[:_SHOWN]
