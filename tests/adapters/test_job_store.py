"""Stores of jobs that need no server: the contract, in memory and in a file of SQLite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import wayhook as wh
from wayhook.testing import DispatcherContract, FakeClock


class TestMemoryJobs(DispatcherContract):
    """Every promise of a store of jobs, but that it outlives its process."""

    @pytest.fixture
    def jobs(self, clock: FakeClock) -> wh.MemoryJobs:
        """A store without a job."""
        return wh.MemoryJobs(now=clock.now)


class TestSqliteJobs(DispatcherContract):
    """Every promise of a store of jobs."""

    @pytest.fixture
    async def jobs(self, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Any]:
        """A store without a job."""
        jobs = wh.SqlJobs(f"sqlite+aiosqlite:///{tmp_path / 'jobs.db'}", now=clock.now)
        await jobs.migrate()
        async with jobs:
            yield jobs

    @pytest.fixture
    async def another(self, tmp_path: Path, jobs: Any, clock: FakeClock) -> AsyncIterator[Any]:
        """Another connection to the same file."""
        async with wh.SqlJobs(f"sqlite+aiosqlite:///{tmp_path / 'jobs.db'}", now=clock.now) as another:
            yield another


async def test_queues_know_nothing_of_each_other(tmp_path: Path) -> None:
    """The same delivery id in two queues of one database is two jobs."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'jobs.db'}"
    await wh.SqlJobs(url).migrate()

    async with wh.SqlJobs(url, queue="a") as first, wh.SqlJobs(url, queue="b") as second:
        await first.dispatch(wh.Job.call("Ping", delivery_id="x"))
        before = await second.take(1, 30)
        await second.dispatch(wh.Job.call("Pong", delivery_id="x"))
        [mine], [theirs] = await first.take(9, 30), await second.take(9, 30)

    assert before == ()
    assert (mine.job.action, theirs.job.action) == ("Ping", "Pong")


@pytest.mark.parametrize("queue", ["", "a b", "x" * 65, None, "-a"])
def test_a_queue_has_a_name(queue: Any) -> None:
    """Anything else is refused, by its own word."""
    with pytest.raises(wh.DefinitionError, match=r"\$\.queue"):
        wh.SqlJobs("sqlite+aiosqlite:///jobs.db", queue=queue)


async def test_a_database_without_tables_is_told(tmp_path: Path) -> None:
    """Opening it says how they are made."""
    with pytest.raises(wh.StoreUnavailable, match="wayhook migrate"):
        async with wh.SqlJobs(f"sqlite+aiosqlite:///{tmp_path / 'jobs.db'}"):
            pass


def test_no_password_is_shown() -> None:
    """The text of a store may be logged."""
    pytest.importorskip("asyncpg")

    assert "canary-5" not in repr(wh.SqlJobs("postgresql://me:canary-5@127.0.0.1/test"))
