"""Errand: what is called for each row, and how; kept by results, to call again."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import wait
from contextlib import contextmanager
from typing import Any

import attrs

from wayhook.errors import DefinitionError, Delivery, ExecutionError, Violation
from wayhook.execution.batch import Batch
from wayhook.execution.blocking import LoopBeside
from wayhook.execution.execution import new_delivery_id
from wayhook.execution.executor import Executor
from wayhook.execution.retry import IDEMPOTENT
from wayhook.model.action import Action
from wayhook.model.journey import Journey
from wayhook.notebook.cluster import Cluster, Parted
from wayhook.notebook.interrupt import Brake, Interrupted
from wayhook.notebook.partition import Assignment, Noted, begun
from wayhook.notebook.progress import Progress, Tell, Telling, telling
from wayhook.notebook.results import Results, has_failed
from wayhook.notebook.row import Rows
from wayhook.rendering.plan import Plan
from wayhook.wire import Outcome

__all__ = ["Errand", "Round"]

_LOOK = 0.1
"""Seconds between two looks at the progress, and at Ctrl-C."""


@attrs.frozen(repr=False)
class Errand:
    """What is called for each row: an action, or the activity `label` of a journey.

    `settings`: of the executor. `engine`: a client of the cluster whose workers call; None to call here.
    """

    definition: Action | Journey | str
    label: str | None
    timeout: float | None
    concurrency: int
    processes: int
    progress: Telling
    settings: Mapping[str, Any]
    engine: object = None

    @contextmanager
    def begun(self) -> Iterator[Round]:
        """Open an executor on a loop of its own; raises what is wrong with the definition, or with the engine."""
        noted = (
            None if self.engine is None or self.settings["repository"] is None else Noted(self.settings["repository"])
        )
        with Brake() as brake, LoopBeside() as loop:
            cluster = None if self.engine is None else self._cluster(noted)
            settings = self.settings if cluster is None else {**self.settings, "repository": noted, "limiter": None}
            executor = loop.enter_async(Executor(**settings))
            plan = loop.run(executor.plan, self.definition, self.label)
            if cluster is not None:
                loop.run(self._require_calls, executor)
            yield Round(self, brake, loop, executor, plan, cluster)

    def _cluster(self, noted: Noted | None) -> Cluster:
        """The workers of the engine; `noted`: what they need of the repository, when a plan is made."""
        given = self.settings
        assignment = Assignment(
            self.definition,
            self.label,
            self.timeout,
            self.concurrency,
            given["guardrails"],
            given["transport"],
            given["limiter"],
            None if noted is None else noted.shelf,
        )
        return Cluster.of(self.engine, assignment, given, processes=self.processes)

    async def _require_calls(self, executor: Executor) -> None:
        """Raise what a worker would: a timeout or a concurrency that is none, and limits that hold in one process."""
        how: Any = {"concurrency": self.concurrency}
        async with begun(executor, self.definition, self.label, (), self.timeout, **how):
            pass
        if await executor.is_limited():
            message = (
                "the edition or the repository limits calls, which holds in one process; give a function that makes a "
                "limiter which all share, and guardrails and a repository without limits"
            )
            raise DefinitionError([Violation("$.engine", message)])

    def again(self, results: Results, *, unknown: bool) -> Results:
        """Call for the rows that failed, and keep the outcomes of the others."""
        with self.begun() as now:
            repeated = now.repeated(results, unknown=unknown)
        return now.unless_stopped(repeated)


@attrs.frozen(repr=False)
class Round:
    """One time of calling for rows, with what it needs open."""

    errand: Errand
    brake: Brake
    loop: LoopBeside
    executor: Executor
    plan: Plan
    cluster: Cluster | None = None

    def results(self, rows: Rows) -> Results:
        """Call for each row; raises `Interrupted`."""
        action = self.plan.action
        answers = action.response, action.failure_response
        return self.unless_stopped(Results(self._called(rows), rows, action.name, answers, self.errand.again))

    def repeated(self, results: Results, *, unknown: bool) -> Results:
        """Call for the rows that failed; raises `Interrupted`."""
        places = [place for place, outcome in enumerate(results) if has_failed(outcome)]
        if self.plan.action.idempotency_header is None and self.plan.method not in IDEMPOTENT:
            places = _without_doubtful(results, places, unknown=unknown)
        if not places:
            return results
        fresh = self._called(results.rows.at(places), [results[place] for place in places])
        outcomes = list(results)
        for place, outcome in zip(places, fresh, strict=True):
            outcomes[place] = outcome
        return self.unless_stopped(attrs.evolve(results, items=tuple(outcomes)))

    def _called(self, rows: Rows, last: Sequence[Outcome] = ()) -> tuple[Outcome, ...]:
        """The outcome of each row. `last`: what each came to the last time; that stays where it is not called now."""
        ids = [given or new_delivery_id() for given in rows.delivery_ids]
        for place, outcome in enumerate(last):
            if outcome.delivery is Delivery.UNKNOWN:
                ids[place] = outcome.delivery_id
        taking = self._taking(rows, ids)
        self.brake.is_gentle = True
        with telling(self.errand.progress, self.plan.action.name, len(ids)) as tell:
            try:
                self._take(taking, tell)
            except KeyboardInterrupt:
                self.brake.is_pulled = True  # for a second time: what is under way ends with its loop
        before: Sequence[Outcome | None] = last or [None] * len(ids)
        return tuple([self._settled(taking, *each) for each in zip(range(len(ids)), ids, before, strict=True)])

    def _taking(self, rows: Rows, ids: Sequence[str]) -> _Taking | Parted:
        if self.cluster is not None:
            return self.cluster.parted(rows, ids)
        errand = self.errand
        how: Any = {"concurrency": errand.concurrency, "processes": errand.processes, "delivery_ids": ids}
        batch = begun(self.executor, errand.definition, errand.label, rows.subjects, errand.timeout, **how)
        return _Taking(batch, [None] * len(ids))

    def _take(self, taking: _Taking | Parted, tell: Tell) -> None:
        """Take everything, and tell the progress. The first Ctrl-C stops the batch, the second is raised."""
        taken, is_stopped = None, False
        while taken is None or not taken.done():
            try:
                taken = taken or self.loop.begin(taking.take)
                wait([taken], timeout=_LOOK)
                tell(taking.progress)
            except KeyboardInterrupt:  # from a handler that the brake has left in its place
                if self.brake.is_pulled:
                    raise
                self.brake.is_pulled = True
            if self.brake.is_pulled and not is_stopped:
                is_stopped = True
                self.loop.begin(taking.stop)
        tell(taking.progress)
        taken.result()

    def _settled(self, taking: _Taking | Parted, place: int, delivery_id: str, last: Outcome | None) -> Outcome:
        """What a row came to. What may have been done the last time is not taken back by a failure now."""
        outcome = taking.outcomes[place]
        if outcome is None:
            is_begun, why = taking.left(place)
            if last is not None and not is_begun:
                return last
            outcome = self._left(place, delivery_id, why, is_begun=is_begun)
        if last is None:
            return outcome
        is_done = outcome.delivery in (Delivery.DELIVERED, Delivery.DELIVERED_UNREAD)
        word = Delivery.UNKNOWN if last.delivery is Delivery.UNKNOWN and not is_done else outcome.delivery
        return attrs.evolve(outcome, index=last.index, delivery=word)

    def _left(self, place: int, delivery_id: str, why: str, *, is_begun: bool) -> Outcome:
        """The outcome of a row that has none, because everything was stopped, or its worker was lost."""
        label, definition = self.errand.label, self.errand.definition
        journey = definition.name if isinstance(definition, Journey) else definition
        return Outcome(
            self.plan.action.name,
            "internalError",
            cause=ExecutionError(why),
            journey=None if label is None else str(journey),
            label=label,
            index=place,
            delivery=Delivery.UNKNOWN if is_begun else Delivery.UNAVAILABLE,
            delivery_id=delivery_id,
        )

    def unless_stopped(self, results: Results) -> Results:
        """Return the results; raise `Interrupted` with them where Ctrl-C was heard, be it at the very end."""
        if self.brake.is_pulled:
            raise Interrupted(results)
        return results


@attrs.define
class _Taking:
    """What has come of a batch so far: an outcome for each row that has ended. The loop writes, the caller reads."""

    batch: Batch
    outcomes: list[Outcome | None]
    succeeded: int = 0
    _task: asyncio.Task[None] | None = None

    async def take(self) -> None:
        """Take all outcomes; who asks a second time waits for the first."""
        self._task = self._task or asyncio.create_task(self._take())
        await self._task

    async def _take(self) -> None:
        async with self.batch:
            async for outcome in self.batch:
                self.outcomes[outcome.index] = outcome  # type: ignore[index]  # a batch numbers its outcomes
                self.succeeded += outcome.succeeded

    async def stop(self) -> None:
        """Let the batch end."""
        self.batch.stop()

    def left(self, place: int) -> tuple[bool, str]:
        """Return whether the call of a row without an outcome may have been made, and why it has none."""
        is_begun = place < self.batch.pulled
        return is_begun, f"stopped before this call {'had ended' if is_begun else 'was made'}"

    @property
    def progress(self) -> Progress:
        """How far it is."""
        succeeded, batch = self.succeeded, self.batch
        return Progress(batch.taken, len(self.outcomes), succeeded, dict(batch.tally), batch.latencies)


def _without_doubtful(results: Results, places: list[int], *, unknown: bool) -> list[int]:
    """The places of failed rows, of which some may have been done, with nothing that would tell the receiver.

    They are left out, or else the caller hears of them.
    """
    safe = [place for place in places if results[place].delivery is not Delivery.UNKNOWN]
    doubtful = len(places) - len(safe)
    if doubtful and unknown:
        message = (
            f"{doubtful:,} of these rows may have been done already, and may be done twice, since the action has no "
            "idempotency_header; retry(unknown=False) leaves them alone"
        )
        warnings.warn(message, stacklevel=5)
    return places if unknown else safe
