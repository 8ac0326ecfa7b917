"""Workers that need no broker: processes that look for jobs in a real database, whichever are killed or told to end."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

import wayhook as wh
from wayhook.testing import Answer, LoopbackService, Received

PROGRAM = Path(__file__).parent / "programs" / "plain_worker.py"

pytestmark = pytest.mark.services


class Workers:
    """Worker processes for a queue of their own in a database."""

    def __init__(self, database: str, service: LoopbackService) -> None:
        self.database, self.service, self.queue = database, service, uuid4().hex
        self.processes: list[asyncio.subprocess.Process] = []

    async def start(self, deliveries: int = 20) -> asyncio.subprocess.Process:
        """A new process, which looks for jobs."""
        arguments = (self.database, self.queue, self.service.url, str(deliveries))
        process = await asyncio.create_subprocess_exec(
            sys.executable, PROGRAM, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        self.processes.append(process)
        assert process.stdout is not None
        assert process.stderr is not None
        if await process.stdout.readline() != b"ready\n":
            raise AssertionError((await process.stderr.read()).decode())
        return process

    async def kill(self) -> None:
        """Kill each that lives."""
        for process in self.processes:
            if process.returncode is None:
                process.kill()
            await process.communicate()


class Watched:
    """A service that answers after a moment. `until(count)`: returns when it was called that often."""

    def __init__(self, delay: float) -> None:
        self.delay, self.called, self.loop = delay, asyncio.Event(), asyncio.get_running_loop()
        self.service = LoopbackService(self._respond)

    def _respond(self, _: Received) -> Answer:
        self.loop.call_soon_threadsafe(self.called.set)
        return Answer(202, delay=self.delay)

    async def until(self, count: int) -> None:
        while len(self.service.received) < count:
            self.called.clear()
            await self.called.wait()

    @property
    def calls(self) -> Counter[tuple[str, int]]:
        """How often it was called, by delivery id and number."""
        received = self.service.received
        return Counter((request.headers["idempotency-key"], json.loads(request.body)["n"]) for request in received)


@asynccontextmanager
async def working(database: str, watched: Watched) -> AsyncIterator[tuple[wh.SqlJobs, Workers]]:
    """The queue, and its workers, which are gone at last."""
    with watched.service as service:
        workers = Workers(database, service)
        try:
            async with wh.SqlJobs(database, queue=workers.queue) as jobs:
                yield jobs, workers
        finally:
            await workers.kill()


async def settled(jobs: wh.SqlJobs, names: tuple[str, ...]) -> list[wh.JobRecord]:
    """The records of these jobs, when all have ended or are dead letters."""
    records = []
    for name in names:
        while (record := await jobs.find(name)).settled is None:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.05)  # the database tells nobody
        records.append(record)
    return records


@pytest.mark.kill
async def test_no_job_is_lost_when_workers_are_killed(database: str) -> None:
    """300 calls while workers are killed with -9 again and again: each is made, and repeated with its own id only."""
    watched, most, kills = Watched(0.02), 300, 0

    async with working(database, watched) as (jobs, workers), asyncio.timeout(120):
        living = [await workers.start() for _ in range(2)]
        numbers = {f"job-{number:03}": number for number in range(most)}
        handed = await jobs.dispatch(*(wh.Job.call("Send", {"n": n}, delivery_id=name) for name, n in numbers.items()))
        for count in range(50, most, 50):
            await watched.until(count)
            living[kills % 2].kill()
            assert await living[kills % 2].wait() == -9
            living[kills % 2] = await workers.start()
            kills += 1
        records = await settled(jobs, handed)

    assert kills == 5
    assert set(watched.calls) == set(numbers.items())
    assert [record.state for record in records] == [wh.JobState.ENDED] * most
    assert [record.outcome["delivery_id"] for record in records if record.outcome] == list(handed)


@pytest.mark.kill
async def test_a_job_that_kills_its_workers_is_given_up(database: str) -> None:
    """Two die of it; the third one gives it up, and carries out what was handed over later."""
    async with working(database, Watched(0.02)) as (jobs, workers), asyncio.timeout(60):
        names = await jobs.dispatch(wh.Job.call("Deadly", {"n": 0}))
        for _ in range(2):
            assert await (await workers.start(deliveries=2)).wait() == -9
        names += await jobs.dispatch(*(wh.Job.call("Send", {"n": n}) for n in range(5)))
        await workers.start(deliveries=2)
        records = await settled(jobs, names)

    assert records[0].reason == "2 workers took it, and none brought it to an end"
    assert [record.state for record in records] == ["dead"] + ["ended"] * 5


async def test_a_worker_that_is_told_to_end_finishes_what_it_took(database: str) -> None:
    """At SIGTERM it takes no more; the calls under way are written down, and none of them is made twice."""
    watched = Watched(0.5)

    async with working(database, watched) as (jobs, workers), asyncio.timeout(60):
        names = await jobs.dispatch(*(wh.Job.call("Send", {"n": n}) for n in range(50)))
        process = await workers.start()
        await watched.until(20)
        process.send_signal(signal.SIGTERM)
        code = await process.wait()
        states = Counter([(await jobs.find(name)).state for name in names])

    assert code == 0
    assert states == {wh.JobState.ENDED: len(watched.calls), wh.JobState.WAITING: 50 - len(watched.calls)}
    assert set(watched.calls.values()) == {1}
    assert 20 <= len(watched.calls) < 50
