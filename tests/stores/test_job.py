"""Jobs in real databases: the contract, and many processes' worth of workers at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

import wayhook as wh
from wayhook.testing import DispatcherContract, FakeClock

pytestmark = pytest.mark.services


@pytest.fixture
def queue() -> str:
    """A queue that nobody else uses."""
    return uuid4().hex


class TestSqlJobs(DispatcherContract):
    """Every promise of a store of jobs."""

    @pytest.fixture
    async def jobs(self, database: str, queue: str, clock: FakeClock) -> AsyncIterator[Any]:
        """A store without a job."""
        async with wh.SqlJobs(database, queue=queue, now=clock.now) as jobs:
            yield jobs

    @pytest.fixture
    async def another(self, database: str, queue: str, clock: FakeClock) -> AsyncIterator[Any]:
        """Another connection to the same queue."""
        async with wh.SqlJobs(database, queue=queue, now=clock.now) as another:
            yield another


async def test_thousands_are_handed_over_in_one(database: str, queue: str) -> None:
    """All of them or none, however many statements that takes; each is taken once by any number of workers."""
    async with wh.SqlJobs(database, queue=queue) as jobs:
        names = await jobs.dispatch(*(wh.Job.call("Ping", {"n": number}) for number in range(1_001)))

        async def emptied() -> list[str]:
            found: list[str] = []
            while taken := await jobs.take(50, 30):
                found += [record.delivery_id for record in taken]
            return found

        taken = await asyncio.gather(*(emptied() for _ in range(4)))

    assert Counter(name for each in taken for name in each) == Counter(names)


async def test_large_jobs_are_handed_over_in_one(database: str, queue: str) -> None:
    """However large they are together, each may be as large as a job can be."""
    async with wh.SqlJobs(database, queue=queue) as jobs:
        names = await jobs.dispatch(*(wh.Job.call("Ping", {"text": "é" * 900_000, "n": n}) for n in range(12)))

        assert [(await jobs.find(name)).job.values for name in names[::11]] == [
            {"text": "é" * 900_000, "n": n} for n in (0, 11)
        ]


async def test_a_database_that_is_away_is_told() -> None:
    """Handing over says so; nothing is taken for kept."""
    async with asyncio.timeout(60):
        with pytest.raises(wh.StoreUnavailable, match=r"127\.0\.0\.1:9/test cannot be used now"):
            await wh.SqlJobs("postgresql://me:canary-5@127.0.0.1:9/test").dispatch(wh.Job.call("Ping"))
