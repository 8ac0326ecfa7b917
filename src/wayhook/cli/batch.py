"""The command `batch`: one call for each row; what came of it is kept, so that it can be stopped and goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import attrs

from wayhook.cli.answer import Answer, CannotRun, ExitCode, Table
from wayhook.cli.column import Layout
from wayhook.cli.definition import definitions
from wayhook.cli.feed import Feed
from wayhook.cli.file import is_there
from wayhook.cli.interrupt import at_once, in_two_steps
from wayhook.cli.ledger import Ledger, State, new_batch, state_of
from wayhook.cli.row import Row, Rows, digest, format_of
from wayhook.cli.settings import Settings
from wayhook.cli.target import Target, executing, found_target
from wayhook.cli.value import kinds_of, values_in
from wayhook.errors import DocumentError, Violation, WrongType
from wayhook.execution.batch import Batch, Run
from wayhook.execution.executor import Executor
from wayhook.values import datetime_text
from wayhook.wire import Outcome

__all__ = ["Order", "batch"]

MAX_FAULTS = 100
"""Faults of rows that are told; of more only their number is."""


@attrs.frozen(kw_only=True)
class Order:
    """What a batch does, as it was typed.

    `named`, `label`: an action, or an activity of a journey. `rows`, `out`: files. `values`, `path`: of all rows of an
    action that say nothing else. `beside`: files and folders with what is used. The rest as the options say.
    """

    named: str
    label: str | None
    rows: str
    out: Path | None
    values: Sequence[str]
    path: str
    beside: Sequence[str]
    rows_format: str | None
    out_format: str | None
    delimiter: str
    path_from: str | None
    delivery_id_from: str | None
    ignoring: bool
    concurrency: int
    timeout: float | None
    transport: str
    retry_failed: bool
    leave_unknown: bool
    keep_going: bool
    dry_run: bool

    @property
    def repeats(self) -> frozenset[State]:
        """The states of rows that are called."""
        if not self.retry_failed:
            return frozenset({State.OPEN})
        again = {State.OPEN, State.LEFT_OUT, State.FAILED, State.UNKNOWN}
        return frozenset(again - {State.UNKNOWN} if self.leave_unknown else again)

    def of_rows(self, target: Target) -> Rows:
        """Return the rows; raises `CannotRun` for what does not go together."""
        is_csv = format_of(self.rows, self.rows_format, "--rows-format") == "csv"
        if target.journey is not None and (self.values or self.path or self.path_from):
            raise CannotRun(
                "an activity says where values and path come from; leave --values, --path and --path-from out"
            )
        shared = {} if target.journey is not None else values_in(self.values, kinds_of(target.action))
        layout = Layout(target, self.path_from, self.delivery_id_from, self.ignoring, frozenset(shared))
        return Rows(self.rows, is_csv, target, layout, shared, self.path, self.delimiter)

    def work(self, rows: Rows) -> dict[str, Any]:
        """Return what makes two batches different, as JSON: what is called, and what all rows share."""
        journey = rows.target.journey
        return {
            "action": rows.target.action.name,
            "journey": None if journey is None else journey.name,
            "label": self.label,
            "shared": f"{digest([rows.shared, rows.path]):016x}",
            "rows_format": "csv" if rows.is_csv else "jsonl",
            "delimiter": self.delimiter,
            "path_from": self.path_from,
            "delivery_id_from": self.delivery_id_from,
        }


async def batch(settings: Settings, order: Order) -> Answer:
    """Make the calls, or with `dry_run` say whether all rows fit."""
    async with definitions(settings, [order.named], order.beside) as found:
        target = await found_target(found, order.named, order.label)
        rows = order.of_rows(target)
        if order.dry_run:
            count = _looked_at(rows, None, order)
            return Answer({"fitting": count}, (f"{count:,} rows fit; nothing was sent",))
        async with AsyncExitStack() as stack:
            ledger, count = await _begun(stack, rows, order)
            executor, secrets = await stack.enter_async_context(
                executing(settings, found, target.secrets, order.transport)
            )
            for reference in target.secrets:  # rather than to find it missing for each row
                await secrets.reveal(reference)
            return await _Sending(settings, order, target, rows, ledger, executor).answer(count)


async def _begun(stack: AsyncExitStack, rows: Rows, order: Order) -> tuple[Ledger | None, int | None]:
    """The file of outcomes, and how many rows are to be called, None where nobody knows; all that stands against it.

    A file that is not there is made only when the rows fit.
    """
    goes_on = order.out is not None and is_there(order.out)
    count = None if goes_on else _looked_at(rows, None, order)
    if order.out is None:
        return None, count
    is_csv = format_of(str(order.out), order.out_format, "--out-format") == "csv"
    ledger = await stack.enter_async_context(Ledger.opened(order.out, order.work(rows), is_csv=is_csv))
    return ledger, _looked_at(rows, ledger, order) if goes_on else count


def _looked_at(rows: Rows, ledger: Ledger | None, order: Order) -> int | None:
    """Read all rows before the first one is called, and return how many are to be; raises all that is wrong with them.

    Rows that can be read only once are not looked at before they are sent.
    """
    if not rows.are_finite and not order.dry_run:
        return None
    faults, more, count = list[Violation](), 0, 0
    ids: dict[str, int] = {}
    with at_once():
        for row in _open_rows(rows, ledger, order):
            count += 1
            found = rows.checked(row).faults
            if row.delivery_id and (twin := ids.setdefault(row.delivery_id, row.number)) != row.number:
                message = f"its delivery id is that of row {twin}; the receiver would take both for one"
                found = (*found, Violation(f"row {row.number}", message))
            room = MAX_FAULTS - len(faults)
            faults += found[:room]
            more += len(found[room:])
    if faults and not order.keep_going:
        raise DocumentError([*faults, *([Violation("rows", f"there are {more:,} more faults")] if more else [])])
    return count


def _open_rows(rows: Rows, ledger: Ledger | None, order: Order) -> Iterator[Row]:
    """The rows that are to be called; raises `CannotRun` where one that has an outcome is not what it was."""
    last = 0
    for row in rows:
        last = row.number
        if ledger is not None and ledger.is_changed(row.number, row.digest):
            raise _changed(order, f"row {row.number} was another one")
        if ledger is None or ledger.state(row.number) in order.repeats:
            yield row
    if ledger is not None and ledger.last > last:
        raise _changed(order, f"there were {ledger.last:,} rows or more, and now there are {last:,}")


def _changed(order: Order, how: str) -> CannotRun:
    return CannotRun(
        f"{order.rows} has changed: {how} when {order.out} was written; give the same rows, or another file with --out"
    )


@attrs.define
class _Sending:
    """A batch under way. `statuses`, `states`: how the calls of this run ended."""

    settings: Settings
    order: Order
    target: Target
    rows: Rows
    ledger: Ledger | None
    executor: Executor
    batch_id: str = attrs.field(init=False)
    statuses: Counter[str] = attrs.Factory(Counter)
    states: Counter[State] = attrs.Factory(Counter)
    _under_way: dict[int, Row] = attrs.Factory(dict)

    @batch_id.default
    def _id(self) -> str:
        return new_batch() if self.ledger is None else self.ledger.batch

    async def answer(self, count: int | None) -> Answer:
        """Make the calls, and return what came of them."""
        console = self.settings.console
        feed = Feed(_open_rows(self.rows, self.ledger, self.order))
        batch = Batch(self._prepared, feed, self.order.concurrency)

        def stop() -> None:
            console.note(f"finishing {len(self._under_way)} calls under way; Control-C again leaves them")
            feed.stop()

        with in_two_steps(stop), console.progress(count, "calls") as moved:
            async with batch:
                async for outcome in batch:
                    self._take(self._under_way.pop(cast("int", outcome.index)), outcome)
                    moved(1)
        return self._told(is_stopped=feed.is_stopped)

    async def _prepared(self, _: AsyncExitStack) -> Run:
        return Run(self._made, _left_alone)

    async def _made(self, row: Row, index: int) -> Outcome:
        """Make the call of a row; one that cannot be read is an outcome, too."""
        self._under_way[index] = row
        delivery_id = row.delivery_id or f"{self.batch_id}-{row.number}"
        if row.subject is None:
            target, now = self.target, datetime.now(UTC)
            outcome = Outcome(target.action.name, "internalError", cause=WrongType(row.faults), finished=now)
            return attrs.evolve(outcome, index=index, delivery_id=delivery_id)
        made = self.target.outcome(self.executor, row.subject, timeout=self.order.timeout, delivery_id=delivery_id)
        return attrs.evolve(await made, index=index)

    def _take(self, row: Row, outcome: Outcome) -> None:
        """Count an outcome, and write it down or print it."""
        line = _line(row, outcome)
        self.statuses[outcome.status] += 1
        self.states[state_of(line)] += 1
        if self.ledger is None:
            self.settings.console.line(line)
        else:
            self.ledger.record(line)

    def _told(self, *, is_stopped: bool) -> Answer:
        states = self.states if self.ledger is None else self.ledger.tally
        failed = states[State.FAILED] + states[State.UNKNOWN]
        code = ExitCode.INTERRUPTED if is_stopped else ExitCode.FAILED if failed else ExitCode.FINE
        delivered = states[State.DELIVERED]
        calls = f"{self.statuses.total():,} calls; of the rows {delivered:,} are delivered, {failed:,} are not"
        if self.ledger is None:
            self.settings.console.note(calls)
            return Answer(None, (), code)
        document = {
            "out": str(self.order.out),
            "calls": self.statuses.total(),
            "statuses": dict(self.statuses),
            "rows": {state.name.lower(): states[state] for state in State if state is not State.OPEN},
            "interrupted": is_stopped,
        }
        statuses = Table(("status", "calls"), tuple((s, f"{n:,}") for s, n in self.statuses.most_common()))
        return Answer(document, (calls, statuses), code)


def _left_alone() -> None:
    """Nobody stops this batch from within: it finishes what is under way, or is cancelled as a whole."""


def _line(row: Row, outcome: Outcome) -> dict[str, Any]:
    """What is kept of an outcome, by the names of `COLUMNS`."""
    return {
        "row": row.number,
        "digest": f"{row.digest:016x}",
        "delivery_id": outcome.delivery_id,
        "status": outcome.status,
        "delivery": str(outcome.delivery),
        "succeeded": outcome.succeeded,
        "tries": len(outcome.attempts),
        "elapsed": round(outcome.elapsed, 6),
        "finished": outcome.finished and datetime_text(outcome.finished),
        "error": outcome.cause and "; ".join(str(outcome.cause).splitlines()),
        "response": outcome.response,
    }
