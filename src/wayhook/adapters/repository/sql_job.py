"""Jobs in an SQL database of one's own, through SQLAlchemy; needs the extra `sql`, `postgres` or `mysql`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Self, TypeVar

from wayhook.adapters.repository.sql import require_sqlalchemy
from wayhook.errors import DefinitionError, NotFound, Violation
from wayhook.execution.clock import in_utc
from wayhook.execution.job import End, JobRecord, JobState, new_holder, new_records, require_queue
from wayhook.model.job import Job
from wayhook.model.record import page_bounds, require_instant
from wayhook.wire import delivery_id_fault

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from wayhook.adapters.repository.sql_job_shelf import SqlJobShelf

__all__ = ["SqlJobs"]

_Result = TypeVar("_Result")


class SqlJobs:
    """Keeps jobs in PostgreSQL, MySQL, MariaDB or SQLite; see `Dispatcher`, `JobQueue` and `DeadLetters`.

    An async context manager. `where`: a URL such as `postgresql://user:password@host/database`, or an `AsyncEngine` of
    SQLAlchemy that the host has already; it may be the database of a repository. `migrate` makes the tables, those of
    the repository and this one, as `wayhook migrate` does. `queue`: jobs of different queues know nothing of each
    other: 1 to 64 letters, digits, `_`, `-` and `.`. `now`: gives the date and time, with an offset; the clocks of all
    who use one queue agree within a second or two.

    Any number of processes may use the same queue; a job is taken by one of them. Raises `MissingExtra` without the
    libraries, and `StoreUnavailable` for a database that is away or has no tables yet.
    """

    def __init__(
        self, where: str | AsyncEngine, *, queue: str = "default", now: Callable[[], datetime] = in_utc
    ) -> None:
        require_sqlalchemy()
        from sqlalchemy.ext.asyncio import AsyncEngine

        from wayhook.adapters.repository.sql_database import SqlDatabase

        if not isinstance(where, str | AsyncEngine):
            raise DefinitionError([Violation("$.where", "give a URL or an AsyncEngine of SQLAlchemy")])
        self.queue = require_queue(queue)
        self._now = now
        self._database = SqlDatabase(where)

    def __repr__(self) -> str:
        return f"<SqlJobs {self._database.shown}, queue {self.queue}>"

    async def migrate(self) -> None:
        """Make the tables, or bring them up to date; see `SqlRepository.migrate`."""
        try:
            await self._database.migrate()
        finally:
            await self._database.close()

    async def __aenter__(self) -> Self:
        try:
            await self._database.check()
        except BaseException:
            await self._database.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._database.close()

    async def dispatch(self, *jobs: Job) -> tuple[str, ...]:
        """Hand jobs over; see `Dispatcher.dispatch`."""
        return tuple(record.delivery_id for record in await self.add(jobs))

    async def find(self, delivery_id: str) -> JobRecord:
        """Return what is known of a job; see `Dispatcher.find`."""
        if delivery_id_fault(delivery_id):
            raise NotFound("job", delivery_id)
        found = await self._done(lambda shelf: shelf.named([delivery_id]))
        if delivery_id not in found:
            raise NotFound("job", delivery_id)
        return found[delivery_id]

    async def add(self, jobs: Iterable[Job], *, announced_for: float = 0.0) -> tuple[JobRecord, ...]:
        """Keep jobs; see `JobQueue.add`."""
        now = self._now()
        records = new_records(jobs, now, announced_for)

        def added(shelf: SqlJobShelf) -> dict[str, JobRecord]:
            shelf.add(records)
            return shelf.named(record.delivery_id for record in records)

        kept = await self._done(added, writing=True)
        return tuple(kept[record.delivery_id] for record in records)

    async def take(self, limit: int, lease: float, *, delivery_id: str | None = None) -> tuple[JobRecord, ...]:
        """Take jobs that are due; see `JobQueue.take`."""
        now = self._now()

        def taken(shelf: SqlJobShelf) -> tuple[JobRecord, ...]:
            if delivery_id is None:
                found = shelf.due(now, limit)
            else:
                named = shelf.held(delivery_id)
                found = [named] if named is not None and named.is_due(now) else []
            records = tuple(record.taken(now, lease, new_holder()) for record in found)
            shelf.change(records)
            return records

        return await self._done(taken, writing=True)

    async def renew(self, record: JobRecord, lease: float) -> None:
        """Keep a job for longer; see `JobQueue.renew`."""
        now = self._now()

        def renewed(shelf: SqlJobShelf) -> None:
            found = shelf.held(record.delivery_id)
            if found is not None and found.is_held_by(record):
                shelf.change([found.renewed(now, lease)])

        await self._done(renewed, writing=True)

    async def settle(self, record: JobRecord, end: End) -> bool:
        """Write down what became of a job; see `JobQueue.settle`."""
        now = self._now()

        def settled(shelf: SqlJobShelf) -> bool:
            found = shelf.held(record.delivery_id)
            after = None if found is None else end.applied(found, record, now)
            shelf.change([] if after is None else [after])
            return after is not None

        return await self._done(settled, writing=True)

    async def announce(self, limit: int, announced_for: float) -> tuple[str, ...]:
        """Return what is due and was told nobody; see `JobQueue.announce`."""
        now = self._now()

        def announced(shelf: SqlJobShelf) -> tuple[str, ...]:
            records = [record.told(now, announced_for) for record in shelf.unannounced(now, limit)]
            shelf.change(records)
            return tuple(record.delivery_id for record in records)

        return await self._done(announced, writing=True)

    async def dead_letters(self, *, cursor: str | None = None, limit: int = 100) -> tuple[JobRecord, ...]:
        """Return dead letters; see `DeadLetters.dead_letters`."""
        after, limit = page_bounds(cursor, limit)
        return tuple(await self._done(lambda shelf: shelf.dead(after, limit)))

    async def replay(self, delivery_id: str) -> JobRecord:
        """Let a dead letter be delivered again; see `DeadLetters.replay`."""
        now = self._now()

        def replayed(shelf: SqlJobShelf) -> JobRecord | None:
            found = None if delivery_id_fault(delivery_id) else shelf.held(delivery_id)
            if found is None or found.state is not JobState.DEAD:
                return None
            again = found.replayed(now)
            shelf.change([again])
            return again

        record = await self._done(replayed, writing=True)
        if record is None:
            raise NotFound("dead letter", delivery_id)
        return record

    async def forget(self, before: datetime) -> int:
        """Forget what ended before that time; see `DeadLetters.forget`."""
        when = require_instant(before)
        return await self._done(lambda shelf: shelf.forget(when), writing=True)

    async def _done(self, work: Callable[[SqlJobShelf], _Result], *, writing: bool = False) -> _Result:
        from wayhook.adapters.repository.sql_job_shelf import SqlJobShelf

        return await self._database.run(lambda connection: work(SqlJobShelf(connection, self.queue)), writing=writing)
