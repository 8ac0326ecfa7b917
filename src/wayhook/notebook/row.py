"""Rows: a table read to its end, and judged before anything is sent.

A row is judged by rendering it, which is what its call is made from. All faults are told at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import attrs

from wayhook.errors import DefinitionError, RenderError, UnsafeCall, Violation, WrongType
from wayhook.expression.context import Context
from wayhook.notebook.cell import plain
from wayhook.notebook.fault import RowFaults, shown
from wayhook.notebook.frame import Frame, Library, frame_of, taken
from wayhook.notebook.match import Layout, Matching
from wayhook.rendering.plan import Given, Plan
from wayhook.rendering.slot import ABSENT
from wayhook.wire import Call, delivery_id_fault

__all__ = ["Each", "Rows", "read_contexts", "read_rows"]

MAX_ROWS = 1_000_000
"""All rows and their outcomes are in memory; what is endless has more."""

Each = Callable[[Any], Any] | Iterable[Any]
"""A function of a row, or one for each row in order: a column, a list. As a path, a text is the same for all."""


@attrs.frozen(repr=False)
class Rows:
    """What is called for.

    `subjects`: values with their path, or contexts. `labels`: by what the rows are known to the caller.
    `delivery_ids`: those that the caller has given; None is a new one. `library`: of the DataFrame that they came as.
    """

    subjects: Sequence[Any]
    labels: Sequence[Any]
    delivery_ids: Sequence[str | None]
    library: Library | None = None

    def at(self, places: Sequence[int]) -> Rows:
        """Return the rows at these places."""
        ids = [self.delivery_ids[place] for place in places]
        return Rows([self.subjects[place] for place in places], taken(self.labels, places), ids, self.library)


def read_rows(
    plan: Plan,
    given: Any,
    matching: Matching,
    *,
    path: Each,
    delivery_ids: Each | None = None,
    calls: list[Call] | None = None,
) -> Rows:
    """Return the rows of a DataFrame, or of an iterable of mappings; what they are rendered to is added to `calls`.

    Raises `RenderError` with what is wrong with any of them, and what the source or a function of the caller's raises.
    """
    frame, paths = frame_of(given), _Column(path, "path")
    judge = _Judge(plan, frame, delivery_ids, calls)
    if frame is None:
        of_all, source = None, _iterated(given, "mappings of columns to values, or a DataFrame")
    else:
        of_all = matching.layout(frame.names)
        source = frame.rows(_needed(frame, of_all, whole=paths.is_function or callable(delivery_ids)))
    for row in _bounded(source):
        if isinstance(row, Mapping):
            layout = of_all or matching.layout(tuple(row))
            subject = Given(matching.values(layout, row, is_frame=frame is not None), paths.of(judge.count, row))
            judge.take(row, subject, subject, layout)
        else:
            judge.refuse(f"a row is a mapping of columns to values, not {type(row).__name__}")
    paths.require(judge.count)
    return judge.rows()


def read_contexts(
    plan: Plan,
    given: Any,
    *,
    now: datetime,
    delivery_ids: Each | None = None,
    calls: list[Call] | None = None,
) -> Rows:
    """Return the contexts of an iterable, as `read_rows` does; those without a time are rendered as of `now`."""
    judge = _Judge(plan, None, delivery_ids, calls)
    for context in _bounded(_iterated(given, "contexts, which a journey reads")):
        if isinstance(context, Context):
            is_timed = context.now is not None or not plan.reads_time
            judge.take(context, context, context if is_timed else attrs.evolve(context, now=now))
        else:
            kind = type(context).__name__
            judge.refuse(f"a Context belongs here, such as Context({{'Signup': {{…}}}}), not {kind}")
    return judge.rows()


def _iterated(given: Any, wanted: str) -> Iterable[Any]:
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        one = "; for a single call there is wayhook.call" if isinstance(given, Mapping) else ""
        raise DefinitionError([Violation("$.rows", f"give an iterable of {wanted}, not {type(given).__name__}{one}")])
    return given


def _bounded(source: Iterable[Any]) -> Iterator[Any]:
    rows = iter(source)
    yield from islice(rows, MAX_ROWS)
    if next(rows, ABSENT) is not ABSENT:
        message = f"there are more than {MAX_ROWS:,} rows; Executor.call_each and Executor.batch take endless ones"
        raise DefinitionError([Violation("$.rows", message)])


def _needed(frame: Frame, layout: Layout, *, whole: bool) -> list[int]:
    """The places of the columns of a frame that are read."""
    filling = {name for name, _, _ in layout.cells}
    return [place for place, name in enumerate(frame.names) if whole or name in filling]


class _Column:
    """What `wayhook.map` is given for all rows, or for each: a text, a function of a row, or a column."""

    def __init__(self, given: Each, name: str) -> None:
        self._name, self._given = name, given
        self.is_function = callable(given)
        self._column: list[Any] | None = None
        if isinstance(given, str) or self.is_function:
            return
        if not isinstance(given, Iterable) or isinstance(given, bytes | Mapping):
            message = f"give a text, a function of a row, or one for each row, not {type(given).__name__}"
            raise DefinitionError([Violation(f"$.{name}", message)])
        self._column = list(islice(given, MAX_ROWS + 1))

    def of(self, place: int, row: Any) -> Any:
        """What a row has; `ABSENT` for an empty cell."""
        if self._column is not None:
            return plain(self._column[place]) if place < len(self._column) else ABSENT
        return self._given(row) if callable(self._given) else self._given

    def require(self, rows: int) -> None:
        """Raise where a column is not as long as there are rows."""
        if self._column is not None and len(self._column) != rows:
            message = f"this has {len(self._column):,} entries, and there are {rows:,} rows; give one for each"
            raise DefinitionError([Violation(f"$.{self._name}", message)])


class _Judge:
    """Takes rows one after another, and says at the end what is wrong with them. `count`: how many it has taken."""

    def __init__(self, plan: Plan, frame: Frame | None, delivery_ids: Each | None, calls: list[Call] | None) -> None:
        if isinstance(delivery_ids, str):
            message = "one for all rows would make them one call; give a function of a row, or one for each row"
            raise DefinitionError([Violation("$.delivery_ids", message)])
        self._plan, self._frame, self._calls = plan, frame, calls
        self._labels: Sequence[Any] = range(MAX_ROWS) if frame is None else frame.labels
        self._ids = None if delivery_ids is None else _Column(delivery_ids, "delivery_ids")
        self._places: dict[str, int] = {}
        self._subjects: list[Any] = []
        self._delivery_ids: list[str | None] = []
        self._faults = RowFaults(self._labels)
        self.count = 0

    def refuse(self, message: str) -> None:
        """Note a row that is none."""
        self._faults.add(self.count, WrongType([Violation("$", message)]))
        self.count += 1

    def take(self, row: Any, subject: Any, rendered: Any, layout: Layout | None = None) -> None:
        """Note a row as it came, what is called for, and what that is rendered from; `layout`: how it was read."""
        if layout is not None and layout.faults:
            self._faults.add(self.count, UnsafeCall(layout.faults), layout)
        self._subjects.append(subject)
        self._delivery_ids.append(None if self._ids is None else self._id(self._ids, row))
        try:
            call = self._plan.render(rendered)
        except RenderError as error:
            self._faults.add(self.count, error, layout)
        else:
            if self._calls is not None:
                self._calls.append(call)
        self.count += 1

    def _id(self, ids: _Column, row: Any) -> str | None:
        """The delivery id of a row, if it has one; no two rows share it."""
        given, place = ids.of(self.count, row), self.count
        if given is ABSENT or (given is None and not ids.is_function):
            return None
        fault = delivery_id_fault(given)
        if not fault and (first := self._places.setdefault(given, place)) != place:
            fault = f"this is that of row {shown(self._labels[first])}, too; each call has its own"
        if fault:
            self._faults.add(place, WrongType([Violation("$.delivery_id", fault)]))
        return None if fault else given

    def rows(self) -> Rows:
        """Return what was taken; raises what is wrong with it."""
        if self._ids is not None:
            self._ids.require(self.count)
        if self._faults:
            raise self._faults.error()
        library = None if self._frame is None else self._frame.library
        return Rows(self._subjects, self._labels[: self.count], self._delivery_ids, library)
