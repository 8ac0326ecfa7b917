"""Worker: carries out jobs, so that each is executed at least once and its outcome is written down once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime

import attrs

from wayhook.errors import (
    DefinitionError,
    Delivery,
    ExecutionError,
    MissingExtra,
    SecretMissing,
    StoreUnavailable,
    Violation,
    WayhookError,
)
from wayhook.execution.clock import in_utc
from wayhook.execution.executor import Executor
from wayhook.execution.job import Buried, End, Ended, JobRecord, Postponed, after
from wayhook.execution.means import unexpected
from wayhook.execution.ports import JobQueue, Randomness, system_random
from wayhook.execution.retry import IDEMPOTENT
from wayhook.formats.outcome import dumps_outcome
from wayhook.model.job import Job
from wayhook.secret import DeliveryId
from wayhook.wire import Outcome

__all__ = ["Redelivery", "Worker"]

_LOG = logging.getLogger("wayhook")
MAX_CONCURRENCY = 10_000
_LONGEST_PAUSE = 86_400
_HELD = 60.0
"""Seconds before a paused journey is looked at again."""
_WRITES = 6
"""How often an outcome is tried to be written down where the store is away, each time after twice as long a wait."""


def _positive(_: object, field: attrs.Attribute[float], value: object) -> None:
    if type(value) not in (int, float) or not 0 < value <= 10_000_000:  # type: ignore[operator]  # noqa: PLR2004 - 115 days
        raise DefinitionError([Violation(f"$.{field.name}", "give a number above 0 and up to 10,000,000")])


def _count(_: object, field: attrs.Attribute[int], value: object) -> None:
    if type(value) is not int or not 1 <= value <= 1_000:  # noqa: PLR2004 - more is a mistake
        raise DefinitionError([Violation(f"$.{field.name}", "give a whole number from 1 to 1,000")])


@attrs.frozen(kw_only=True)
class Redelivery:
    """When a job is delivered again, and for how long.

    `lease`: seconds after which a job is delivered again whose worker has died; a worker that lives renews it three
    times meanwhile. `deliveries`: how many workers may take a job and not bring it to an end before it is a dead
    letter, 1 to 1,000. `tries`: executions of a call that may be made again, the first included; then its outcome
    counts. `backoff`: seconds before the second try, twice as many before each that follows, and `longest` at most;
    half of them are left to chance. `give_up`: seconds after a job was due first in which it is tried again.
    """

    lease: float = attrs.field(default=30.0, validator=_positive)
    deliveries: int = attrs.field(default=5, validator=_count)
    tries: int = attrs.field(default=10, validator=_count)
    backoff: float = attrs.field(default=5.0, validator=_positive)
    longest: float = attrs.field(default=3_600.0, validator=_positive)
    give_up: float = attrs.field(default=86_400.0, validator=_positive)

    def wait(self, tries: int, random: Randomness) -> float:
        """Return the seconds before another try, after so many that counted."""
        most = min(self.longest, self.backoff * 2.0 ** min(tries, 30))
        return most * (1 + random()) / 2


class Worker:
    """Takes jobs that are due, makes their calls with `executor`, and writes down what became of them.

    `jobs`: where they are, such as `SqlJobs`. `executor`: looks up journeys and actions by name in its repository.
    `redelivery`: when a job is delivered again. `now`: gives the date and time, with an offset. `random`: for tests.

    A call that was not made and may work later is made again, not before the time that its outcome names; so is one
    that may have been made, where doing it twice is as good as once: by its method, or by the key that its action
    sends. One that a paused journey holds waits until the journey goes on. Every other outcome is written down. A job
    ends as a dead letter where its definition is gone or broken, where the worker lacks a secret or an extra for it,
    and where too many workers took it and ended before it did.
    """

    def __init__(
        self,
        jobs: JobQueue,
        executor: Executor,
        *,
        redelivery: Redelivery | None = None,
        now: Callable[[], datetime] = in_utc,
        random: Randomness = system_random,
    ) -> None:
        if faults := list(_misfits(jobs, executor, redelivery)):
            raise DefinitionError(faults)
        self.redelivery = redelivery or Redelivery()
        self._jobs, self._executor, self._now, self._random = jobs, executor, now, random
        self._stopping = asyncio.Event()

    async def work(self, delivery_id: str) -> bool:
        """Carry one job out, if it is due; return whether it was. For who hears of jobs from a broker.

        Raises `StoreUnavailable`; the job is delivered again then.
        """
        taken = await self._jobs.take(1, self.redelivery.lease, delivery_id=delivery_id)
        for record in taken:
            await self._carry_out(record)
        return bool(taken)

    async def drain(self, *, concurrency: int = 50) -> int:
        """Carry out what is due until nothing is, and return how many jobs that were.

        Raises `StoreUnavailable` where none can be taken.
        """
        _require_concurrency(concurrency)
        count = 0
        while taken := await self._jobs.take(concurrency, self.redelivery.lease):
            async with _tasks() as group:
                for record in taken:
                    group.create_task(self._carried_out(record))
            count += len(taken)
        return count

    async def run(self, *, concurrency: int = 50, pause: float = 1.0) -> None:
        """Carry out what is due, until `stop`; what is under way then is finished.

        `concurrency`: calls at once, 1 to 10,000. `pause`: seconds before another look when nothing was due, or the
        store is away, a day at most. Cancelling it leaves the jobs under way to the next worker, when their leases have
        run out.
        """
        _require_concurrency(concurrency)
        if type(pause) not in (int, float) or not 0 < pause <= _LONGEST_PAUSE:
            raise DefinitionError([Violation("$.pause", f"give a number above 0 and up to {_LONGEST_PAUSE:,}")])
        under_way: set[asyncio.Task[None]] = set()
        async with _tasks() as group:
            while not self._stopping.is_set():
                taken = await self._due(concurrency - len(under_way))
                for record in taken:
                    task = group.create_task(self._carried_out(record))
                    under_way.add(task)
                    task.add_done_callback(under_way.discard)
                if len(under_way) >= concurrency:
                    await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                elif not taken:
                    await self._rest(pause)

    def stop(self) -> None:
        """Let `run` take no more jobs, and return when those under way have ended."""
        self._stopping.set()

    async def _rest(self, pause: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), pause)

    async def _due(self, limit: int) -> tuple[JobRecord, ...]:
        """What is due; nothing while the store is away."""
        try:
            return await self._jobs.take(limit, self.redelivery.lease)
        except StoreUnavailable as error:
            _LOG.warning("no job can be taken: %s", error)
            return ()

    async def _carried_out(self, record: JobRecord) -> None:
        """Carry a job out; where its end cannot be written down, it is delivered again."""
        try:
            await self._carry_out(record)
        except StoreUnavailable as error:
            _LOG.warning("the end of job %s is not written down: %s", record.delivery_id, error)
        except ExecutionError:
            raise
        except Exception as failure:  # noqa: BLE001 - the batch boundary: it is delivered again, until it is given up
            unexpected(failure, f"job {record.delivery_id}")

    async def _carry_out(self, record: JobRecord) -> None:
        async with self._kept(record):
            await self._written(record, await self._end(record))

    @asynccontextmanager
    async def _kept(self, record: JobRecord) -> AsyncIterator[None]:
        """Renew the lease meanwhile."""
        renewing = asyncio.create_task(self._renewed(record))
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.wait([renewing])

    async def _renewed(self, record: JobRecord) -> None:
        while True:
            await asyncio.sleep(self.redelivery.lease / 3)
            try:
                await self._jobs.renew(record, self.redelivery.lease)
            except StoreUnavailable as error:
                _LOG.warning("the lease of job %s is not renewed: %s", record.delivery_id, error)

    async def _written(self, record: JobRecord, end: End) -> None:
        """Write the end down; for as long as a lease is worth it, where the store is away."""
        for left in reversed(range(_WRITES)):
            try:
                if not await self._jobs.settle(record, end):
                    _LOG.info("job %s was settled by another worker", record.delivery_id)
            except StoreUnavailable:
                if not left:
                    raise
                await asyncio.sleep(self.redelivery.lease / 2**left / 4)
            else:
                return

    async def _end(self, record: JobRecord) -> End:
        """Carry out a job and return what becomes of it."""
        most = self.redelivery.deliveries
        if record.deliveries > most:
            return Buried(f"{most} workers took it, and none brought it to an end")
        try:
            outcome = await self._executed(record.job)
        except StoreUnavailable as error:
            later = after(self._now(), self.redelivery.wait(0, self._random))
            return Postponed(later, str(error), counts=False)
        except ExecutionError:
            raise  # the executor is closed, or belongs to another loop: the host's mistake
        except WayhookError as error:
            return Buried(str(error))
        return self._end_of(record, outcome)

    async def _executed(self, job: Job) -> Outcome:
        if job.action is not None:
            given = {"path": job.path, "timeout": job.timeout, "delivery_id": job.delivery_id}
            return await self._executor.call(job.action, job.values, **given)  # type: ignore[arg-type]  # by their names
        assert job.journey is not None  # noqa: S101 - a job has one of the two
        assert job.label is not None  # noqa: S101
        assert job.context is not None  # noqa: S101
        return await self._executor.execute(job.journey, job.label, job.context, delivery_id=job.delivery_id)

    def _end_of(self, record: JobRecord, outcome: Outcome) -> End:
        redelivery, now = self.redelivery, self._now()
        if isinstance(outcome.cause, SecretMissing | MissingExtra) and not outcome.attempts:
            return Buried(str(outcome.cause))
        if outcome.status == "held":
            return Postponed(after(now, _HELD), "the journey is paused", counts=False)
        if _may_be_made_again(outcome):
            until = after(now, redelivery.wait(record.tries, self._random))
            until = max(until, outcome.not_before or until)
            if record.tries + 1 < redelivery.tries and until <= after(record.since, redelivery.give_up):
                return Postponed(until, str(outcome), counts=True)
        return Ended(dumps_outcome(outcome))


def _may_be_made_again(outcome: Outcome) -> bool:
    """Whether another execution may deliver, and can do no harm: by the rules of an execution's own repeats.

    Told by the call that was made: its definition may be away by now, or be another one.
    """
    call = outcome.call
    if outcome.delivery is Delivery.UNKNOWN and call is not None:
        return call.method in IDEMPOTENT or DeliveryId() in call.secrets
    return outcome.delivery is Delivery.UNAVAILABLE


@asynccontextmanager
async def _tasks() -> AsyncIterator[asyncio.TaskGroup]:
    """A group of tasks whose first error comes out by itself, as that of a single one would."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None


def _misfits(jobs: object, executor: object, redelivery: object) -> Iterator[Violation]:
    if not callable(getattr(jobs, "take", None)):
        yield Violation("$.jobs", f"a JobQueue belongs here, such as SqlJobs(url), not {type(jobs).__name__}")
    if not isinstance(executor, Executor):
        yield Violation("$.executor", f"an Executor belongs here, not {type(executor).__name__}")
    if redelivery is not None and not isinstance(redelivery, Redelivery):
        yield Violation("$.redelivery", f"a Redelivery belongs here, not {type(redelivery).__name__}")


def _require_concurrency(given: object) -> None:
    if type(given) is not int or not 1 <= given <= MAX_CONCURRENCY:
        message = f"give a whole number from 1 to {MAX_CONCURRENCY:,}"
        raise DefinitionError([Violation("$.concurrency", message)])
