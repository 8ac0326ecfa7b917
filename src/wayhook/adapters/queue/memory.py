"""Jobs in memory: the reference for every other store of them, and the one for tests and notebooks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Self

from wayhook.errors import NotFound
from wayhook.execution.clock import in_utc
from wayhook.execution.job import End, JobRecord, JobState, new_holder, new_records
from wayhook.model.job import Job
from wayhook.model.record import page_bounds, require_instant

__all__ = ["MemoryJobs"]


class MemoryJobs:
    """Keeps jobs as long as it lives, which is not durable; see `Dispatcher`, `JobQueue` and `DeadLetters`.

    An async context manager, as every store of jobs is. `now`: gives the date and time, with an offset.
    """

    def __init__(self, *, now: Callable[[], datetime] = in_utc) -> None:
        self._now = now
        self._records: dict[str, JobRecord] = {}

    def __repr__(self) -> str:
        return f"<MemoryJobs, {len(self._records)} jobs>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Keep everything: who opens it again finds it."""

    async def dispatch(self, *jobs: Job) -> tuple[str, ...]:
        """Hand jobs over; see `Dispatcher.dispatch`."""
        return tuple(record.delivery_id for record in await self.add(jobs))

    async def find(self, delivery_id: str) -> JobRecord:
        """Return what is known of a job; see `Dispatcher.find`."""
        if not isinstance(delivery_id, str) or delivery_id not in self._records:
            raise NotFound("job", delivery_id)
        return self._records[delivery_id]

    async def add(self, jobs: Iterable[Job], *, announced_for: float = 0.0) -> tuple[JobRecord, ...]:
        """Keep jobs; see `JobQueue.add`."""
        records = new_records(jobs, self._now(), announced_for)
        return tuple(self._records.setdefault(record.delivery_id, record) for record in records)

    async def take(self, limit: int, lease: float, *, delivery_id: str | None = None) -> tuple[JobRecord, ...]:
        """Take jobs that are due; see `JobQueue.take`."""
        now = self._now()
        due = [record for record in self._records.values() if record.is_due(now)]
        if delivery_id is not None:
            due = [record for record in due if record.delivery_id == delivery_id]
        longest = sorted(due, key=lambda record: record.due or now)[:limit]
        return tuple(self._put(record.taken(now, lease, new_holder())) for record in longest)

    async def renew(self, record: JobRecord, lease: float) -> None:
        """Keep a job for longer; see `JobQueue.renew`."""
        found = self._records.get(record.delivery_id)
        if found is not None and found.is_held_by(record):
            self._put(found.renewed(self._now(), lease))

    async def settle(self, record: JobRecord, end: End) -> bool:
        """Write down what became of a job; see `JobQueue.settle`."""
        found = self._records.get(record.delivery_id)
        after = None if found is None else end.applied(found, record, self._now())
        if after is not None:
            self._put(after)
        return after is not None

    async def announce(self, limit: int, announced_for: float) -> tuple[str, ...]:
        """Return what is due and was told nobody; see `JobQueue.announce`."""
        now = self._now()
        found = [record for record in self._records.values() if record.is_unannounced(now)][:limit]
        return tuple(self._put(record.told(now, announced_for)).delivery_id for record in found)

    async def dead_letters(self, *, cursor: str | None = None, limit: int = 100) -> tuple[JobRecord, ...]:
        """Return dead letters; see `DeadLetters.dead_letters`."""
        after, limit = page_bounds(cursor, limit)
        dead = [record for record in self._records.values() if record.state is JobState.DEAD]
        return tuple(sorted((r for r in dead if r.delivery_id > after), key=lambda record: record.delivery_id)[:limit])

    async def replay(self, delivery_id: str) -> JobRecord:
        """Let a dead letter be delivered again; see `DeadLetters.replay`."""
        found = self._records.get(delivery_id) if isinstance(delivery_id, str) else None
        if found is None or found.state is not JobState.DEAD:
            raise NotFound("dead letter", delivery_id)
        return self._put(found.replayed(self._now()))

    async def forget(self, before: datetime) -> int:
        """Forget what ended before that time; see `DeadLetters.forget`."""
        when = require_instant(before)
        over = [name for name, record in self._records.items() if _is_over(record, when)]
        for name in over:
            del self._records[name]
        return len(over)

    def _put(self, record: JobRecord) -> JobRecord:
        self._records[record.delivery_id] = record
        return record


def _is_over(record: JobRecord, before: datetime) -> bool:
    return record.state is JobState.ENDED and record.settled is not None and record.settled < before
