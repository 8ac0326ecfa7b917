"""Results: what a map came to, in the order of its rows; and calls: what a dry run would send."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, Self, TypeVar, overload

import attrs

from wayhook.errors import DefinitionError, Violation
from wayhook.model.parameter import MessageParameter
from wayhook.notebook.cell import plain_label
from wayhook.notebook.frame import Column, Library, to_frame
from wayhook.notebook.row import Rows
from wayhook.presentation import Presentable
from wayhook.values import DataType
from wayhook.wire import NOT_MADE, Call, Outcome

__all__ = ["Calls", "Results", "has_failed"]

Item = TypeVar("Item")


@attrs.frozen(slots=False, eq=False, repr=False)
class Table(Sequence[Item], Presentable):
    """What became of rows: one item for each, in their order. A slice is such a table, too. `rows`: what was called."""

    _items: Sequence[Item]
    rows: Rows

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    @overload
    def __getitem__(self, place: int) -> Item: ...
    @overload
    def __getitem__(self, place: slice) -> Self: ...
    def __getitem__(self, place: int | slice) -> Item | Self:
        return self._at(range(len(self))[place]) if isinstance(place, slice) else self._items[place]

    @property
    def labels(self) -> Sequence[Any]:
        """What the rows are named by: their places, from 0, or the index of the DataFrame that they came as."""
        return self.rows.labels

    def to_records(self) -> list[dict[str, Any]]:
        """Return a dictionary for each row, with its label as `row`, and what `to_frame` has as columns."""
        columns = [Column("row", None, [plain_label(label) for label in self.labels]), *self._columns()]
        names = [column.name for column in columns]
        cells = zip(*(column.values for column in columns), strict=True)
        return [dict(zip(names, row, strict=True)) for row in cells]

    def to_frame(self, library: Library | None = None) -> Any:
        """Return a DataFrame, of polars where the rows came as one or where it is the `library`, else of pandas.

        The one of pandas has the index of the rows' DataFrame, or their places; the one of polars has these as its
        first column, `row`. Raises `MissingExtra` where the library is not installed.
        """
        if library not in (None, "pandas", "polars"):
            raise DefinitionError([Violation("$.library", "choose 'pandas' or 'polars'")])
        return to_frame(library or self.rows.library or "pandas", self._columns(), self.labels)

    def _at(self, places: Sequence[int]) -> Self:
        return attrs.evolve(self, items=tuple([self._items[place] for place in places]), rows=self.rows.at(places))

    @abstractmethod
    def _columns(self) -> list[Column]:
        """What the frame has as columns."""


@attrs.frozen(slots=False, eq=False, repr=False)
class Calls(Table[Call]):
    """What `wayhook.map(…, dry_run=True)` would send, in the order of the rows; secrets are masked.

    The columns of its frame: `method`, `url`, `body`.
    """

    def _columns(self) -> list[Column]:
        bodies = [None if call.body is None else call.body.decode() for call in self]
        return [
            Column("method", DataType.STRING, [call.method for call in self]),
            Column("url", DataType.STRING, [call.masked_url for call in self]),
            Column("body", DataType.STRING, bodies),
        ]

    def __repr__(self) -> str:
        return f"<{len(self):,} Calls{f' of {self[0].action}' if self else ''}, not sent>"


class Again(Protocol):
    """Calls the failed rows of results again; `unknown`: also those that may have been done."""

    def __call__(self, results: Results, *, unknown: bool) -> Results:
        """Return the results with these rows replaced."""
        ...


@attrs.frozen(slots=False, eq=False, repr=False)
class Results(Table[Outcome]):
    """What `wayhook.map` came to: an outcome for each row, in the order of the rows.

    The columns of its frame: `status`, `delivery`, `delivery_id`, `attempts` (how many), `elapsed` (seconds); the
    declared fields of the answer by their dotted names, `response.id`, and of a failure, `failure.error`; and `cause`.
    Times in an answer are times of the frame, in UTC where they have an offset, as long as microseconds hold them.

    Results can be pickled; they hold no secret, and after that no way to call again.
    """

    _action: str
    _answers: tuple[tuple[MessageParameter, ...], tuple[MessageParameter, ...]]
    _again: Again | None = None

    @property
    def succeeded(self) -> Results:
        """The rows whose call succeeded (R189)."""
        return self._where(lambda outcome: outcome.succeeded)

    @property
    def failed(self) -> Results:
        """The rows whose call did not succeed, but for those that were left out on purpose: by consent, say."""
        return self._where(has_failed)

    @property
    def tally(self) -> Counter[str]:
        """How many rows have each status."""
        return Counter(outcome.status for outcome in self)

    @property
    def latencies(self) -> tuple[float, ...]:
        """The seconds that each row took for which an attempt was made."""
        return tuple(outcome.elapsed for outcome in self if outcome.attempts)

    def retry(self, *, unknown: bool = True) -> Results:
        """Call the failed rows again, as the first time, and return results in which these are replaced.

        A row that may have been done (`unknown`) keeps its delivery id, so that an action with an `idempotency_header`
        is not done twice; it stays `unknown` unless it is delivered now. Where there is no such header, and the method
        is POST or PATCH, it may be done twice, and a warning says how many; `unknown=False` leaves such rows as they
        are. Other rows get new delivery ids, unless `map` was given them. Raises as `wayhook.map` does.
        """
        if self._again is None:
            message = "results that were pickled have no way to call; call wayhook.map for the rows that failed"
            raise DefinitionError([Violation("$", message)])
        return self._again(self, unknown=unknown)

    def summary(self) -> dict[str, Any]:
        """Return figures: how many rows succeeded, failed, were left out; statuses, deliveries, attempts, seconds."""
        seconds = sorted(self.latencies)
        return {
            "action": self._action,
            "rows": len(self),
            "succeeded": sum(outcome.succeeded for outcome in self),
            "failed": sum(map(has_failed, self)),
            "left_out": sum(outcome.status in NOT_MADE for outcome in self),
            "statuses": dict(self.tally.most_common()),
            "deliveries": dict(Counter(str(outcome.delivery) for outcome in self).most_common()),
            "attempts": sum(len(outcome.attempts) for outcome in self),
            "seconds": {name: _quantile(seconds, part) for name, part in _QUANTILES.items()} if seconds else {},
        }

    def _where(self, condition: Callable[[Outcome], bool]) -> Results:
        return self._at([place for place, outcome in enumerate(self) if condition(outcome)])

    def _columns(self) -> list[Column]:
        return [
            Column("status", DataType.STRING, [outcome.status for outcome in self]),
            Column("delivery", DataType.STRING, [str(outcome.delivery) for outcome in self]),
            Column("delivery_id", DataType.STRING, [outcome.delivery_id for outcome in self]),
            Column("attempts", DataType.INTEGER, [len(outcome.attempts) for outcome in self]),
            Column("elapsed", DataType.DECIMAL, [outcome.elapsed for outcome in self]),
            *self._answered("response", self._answers[0], succeeded=True),
            *self._answered("failure", self._answers[1], succeeded=False),
            Column("cause", DataType.STRING, [None if o.cause is None else str(o.cause) for o in self]),
        ]

    def _answered(self, name: str, fields: tuple[MessageParameter, ...], *, succeeded: bool) -> Iterator[Column]:
        """The declared fields of the answers to calls that succeeded, or to those that did not."""
        answers = [o.response if o.received is not None and o.received.succeeded is succeeded else None for o in self]
        for steps, data_type in _leaves(fields):
            yield Column(".".join((name, *steps)), data_type, [_below(answer, steps) for answer in answers])

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_again": None}

    def __repr__(self) -> str:
        failed = self.failed
        reasons = ", ".join(f"{status} {count:,}" for status, count in failed.tally.most_common(5))
        rows = "1 row" if len(self) == 1 else f"{len(self):,} rows"
        told = f"{rows}, {sum(o.succeeded for o in self):,} succeeded, {len(failed):,} failed"
        return f"<Results of {self._action}: {told}{f' ({reasons})' if reasons else ''}>"


_QUANTILES = {"median": 0.5, "p95": 0.95, "longest": 1.0}


def _quantile(ordered: Sequence[float], part: float) -> float:
    """The least of the values that so large a part of them does not exceed."""
    return ordered[max(0, -int(-len(ordered) * part // 1) - 1)]


def has_failed(outcome: Outcome) -> bool:
    """Whether a call did not succeed, and was not left out on purpose."""
    return not outcome.succeeded and outcome.status not in NOT_MADE


def _leaves(
    fields: Sequence[MessageParameter], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], DataType]]:
    """The names that lead to each declared field that is no object, and its type."""
    for field in fields:
        steps = (*above, field.name)
        if field.data_type is DataType.OBJECT:
            yield from _leaves(field.parameters, steps)
        else:
            yield steps, field.data_type


def _below(answer: Any, steps: tuple[str, ...]) -> Any:
    for step in steps:
        if answer is None:
            return None
        answer = answer[step]
    return answer
