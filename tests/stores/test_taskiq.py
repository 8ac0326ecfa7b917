"""Jobs through brokers on this machine: carried out by processes of their own, whichever are killed meanwhile."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import aio_pika
import nats
import nats.errors
import pytest
import redis.asyncio as redis
from job_worker import dispatcher_of

import wayhook as wh
from wayhook.testing import Answer, LoopbackService, Received

from .conftest import NATS, RABBITMQ, REDIS, absent

PROGRAM = Path(__file__).parent / "programs" / "job_worker.py"


async def _no_rabbitmq(queue: str) -> None:
    async with await aio_pika.connect(RABBITMQ, timeout=5) as connection:
        channel = await connection.channel()
        for name in (queue, f"{queue}.dead"):
            await channel.queue_delete(name)
        await channel.exchange_delete(queue)


async def _no_redis(queue: str) -> None:
    async with redis.Redis.from_url(REDIS, socket_connect_timeout=5) as client:
        await client.delete(queue, f"autoclaim:{queue}:{queue}")


async def _no_nats(queue: str) -> None:
    client = await nats.connect(NATS, connect_timeout=5, allow_reconnect=False)
    try:
        await client.jetstream().delete_stream(queue)
    except nats.js.errors.NotFoundError:
        pass
    finally:
        await client.close()


BROKERS: dict[str, tuple[str, Callable[[str], Awaitable[None]]]] = {
    "rabbitmq": (RABBITMQ, _no_rabbitmq),
    "redis": (REDIS, _no_redis),
    "nats": (NATS, _no_nats),
}


class Place:
    """A queue in a broker and a database, a service that counts what it is called with, and worker processes."""

    def __init__(self, broker: str, database: str, service: LoopbackService) -> None:
        self.broker, self.database, self.service = broker, database, service
        self.queue = f"wayhook-test-{uuid4().hex}"
        self.workers: list[asyncio.subprocess.Process] = []

    def dispatcher(self, **more: Any) -> wh.TaskiqDispatcher:
        """A dispatcher for the test itself."""
        return dispatcher_of(self.broker, self.database, self.queue, self.service.url, **more)

    async def worker(self, deliveries: int = 20) -> asyncio.subprocess.Process:
        """A new worker process, which takes messages."""
        arguments = (self.broker, self.database, self.queue, self.service.url, str(deliveries))
        process = await asyncio.create_subprocess_exec(
            sys.executable, PROGRAM, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        self.workers.append(process)
        assert process.stdout is not None
        assert process.stderr is not None
        if await process.stdout.readline() != b"ready\n":
            raise AssertionError((await process.stderr.read()).decode())
        return process

    async def kill(self) -> None:
        """Kill every worker process that lives."""
        for process in self.workers:
            if process.returncode is None:
                process.kill()
            await process.communicate()

    @property
    def keys(self) -> Counter[str]:
        """How often the service was called with each delivery id."""
        return Counter(request.headers["idempotency-key"] for request in self.service.received)


@pytest.fixture
def service() -> Iterator[LoopbackService]:
    """A service that takes a moment."""
    with LoopbackService(lambda _: Answer(202, delay=0.02)) as service:
        yield service


@asynccontextmanager
async def opened(name: str, database: str, service: LoopbackService) -> AsyncIterator[Place]:
    """A place in the broker of that name; what is made there goes at last, and the worker processes first."""
    url, forget = BROKERS[name]
    place = Place(url, database, service)
    try:
        await forget(place.queue)
    except (TimeoutError, OSError, redis.RedisError, nats.errors.Error) as error:
        absent(name, error)
    try:
        yield place
    finally:
        await place.kill()
        await forget(place.queue)


@pytest.fixture(params=BROKERS)
async def place(request: pytest.FixtureRequest, postgres: str, service: LoopbackService) -> AsyncIterator[Place]:
    """A place in each of the brokers."""
    async with opened(request.param, postgres, service) as place:
        yield place


@pytest.fixture
async def rabbitmq(postgres: str, service: LoopbackService) -> AsyncIterator[Place]:
    """A place in RabbitMQ."""
    async with opened("rabbitmq", postgres, service) as place:
        yield place


async def settled(dispatcher: Any, *names: str, seconds: float = 60) -> list[wh.JobRecord]:
    """The records of these jobs, when all have ended or are dead letters."""
    records = []
    async with asyncio.timeout(seconds):
        for name in names:
            while (record := await dispatcher.find(name)).settled is None:  # noqa: ASYNC110 - of another process
                await asyncio.sleep(0.05)  # the database tells nobody
            records.append(record)
    return records


@pytest.mark.services
async def test_jobs_are_carried_out_by_another_process(place: Place) -> None:
    """Each once, with its own delivery id, those handed over before the worker came as well; one id is one job."""
    async with place.dispatcher() as dispatcher:
        before = await dispatcher.dispatch(*(wh.Job.call("Send", {"n": number}) for number in range(50)))
        await place.worker()
        after = await dispatcher.dispatch(*(wh.Job.call("Send", {"n": number}) for number in range(50)))
        await dispatcher.dispatch(wh.Job.call("Send", {"n": 7}, delivery_id=before[7]))
        records = await settled(dispatcher, *before, *after)

    assert place.keys == Counter([*before, *after])
    assert {record.outcome["status"] for record in records if record.outcome} == {"http_202"}
    assert all(record.outcome for record in records)


@pytest.mark.services
async def test_a_delay_waits_in_the_store(place: Place) -> None:
    """A worker announces it itself when it is due, and not before."""
    async with place.dispatcher() as dispatcher:
        due = datetime.now(UTC) + timedelta(seconds=2)
        [name] = await dispatcher.dispatch(wh.Job.call("Send", {"n": 1}, not_before=due))
        await place.worker()
        [record] = await settled(dispatcher, name)

    assert record.outcome is not None
    assert record.outcome["finished"] >= due
    assert place.keys == Counter([name])


@pytest.mark.services
@pytest.mark.parametrize("where", ["guest:canary-4@127.0.0.1/", "guest:guest@127.0.0.1/no-such-host"])
async def test_a_broker_that_refuses_is_told(rabbitmq: Place, where: str) -> None:
    """A wrong password or a host that is not there, in a sentence without the password."""
    rabbitmq.broker = f"amqp://{where}"

    with pytest.raises(wh.StoreUnavailable, match="the broker cannot be reached now") as caught:
        async with rabbitmq.dispatcher():
            pass

    assert "canary-4" not in str(caught.value)


@pytest.mark.services
async def test_a_queue_of_somebody_else_leaves_nothing_open(rabbitmq: Place) -> None:
    """One of that name that is not durable is refused; no connection is looked after from then on."""
    async with await aio_pika.connect(RABBITMQ, timeout=5) as connection:
        await (await connection.channel()).declare_queue(rabbitmq.queue, exclusive=True)

        with pytest.raises(wh.StoreUnavailable, match="cannot be reached now"):
            async with rabbitmq.dispatcher() as dispatcher:
                raise AssertionError(dispatcher)
        left = [repr(task) for task in asyncio.all_tasks()]

    assert not [task for task in left if "RobustConnection" in task]


@pytest.mark.services
async def test_what_the_broker_was_never_told_is_carried_out(place: Place) -> None:
    """A job that is only in the store is found there: who handed it over died before its message was sent."""
    async with wh.SqlJobs(place.database, queue=place.queue) as jobs:
        [record] = await jobs.add([wh.Job.call("Send", {"n": 1})], announced_for=1)
        await place.worker()
        await settled(jobs, record.delivery_id)

    assert place.keys == Counter([record.delivery_id])


@pytest.mark.services
@pytest.mark.kill
async def test_a_poison_job_ends_as_a_dead_letter(rabbitmq: Place) -> None:
    """It kills each worker that takes it, three in all, and hurts no other job; a fourth worker gives it up."""
    async with rabbitmq.dispatcher() as dispatcher, wh.SqlJobs(rabbitmq.database, queue=rabbitmq.queue) as jobs:
        await dispatcher.dispatch(wh.Job.call("Deadly", {"n": 0}, delivery_id="deadly"))
        for _ in range(3):
            process = await rabbitmq.worker(deliveries=3)
            async with asyncio.timeout(60):
                assert await process.wait() == -9
        names = await dispatcher.dispatch(*(wh.Job.call("Send", {"n": number}) for number in range(10)))
        await rabbitmq.worker(deliveries=3)
        await settled(dispatcher, *names, "deadly")
        [letter] = await jobs.dead_letters()

    assert (letter.delivery_id, letter.deliveries) == ("deadly", 4)
    assert letter.reason == "3 workers took it, and none brought it to an end"
    assert rabbitmq.keys == Counter(names)


@pytest.mark.services
@pytest.mark.kill
async def test_no_job_is_lost_when_workers_are_killed(rabbitmq: Place) -> None:
    """1,000 calls while workers are killed with -9 again and again: each is made, and repeated with its own id only."""
    called, kills, most = asyncio.Event(), 0, 1_000
    loop = asyncio.get_running_loop()

    def respond(_: Received) -> Answer:
        loop.call_soon_threadsafe(called.set)
        return Answer(202, delay=0.02)

    with LoopbackService(respond) as service:
        rabbitmq.service = service
        async with rabbitmq.dispatcher() as dispatcher:
            workers = await asyncio.gather(*(rabbitmq.worker() for _ in range(3)))
            numbers = {f"job-{number:04}": number for number in range(most)}
            handed = await dispatcher.dispatch(
                *(wh.Job.call("Send", {"n": number}, delivery_id=name) for name, number in numbers.items())
            )
            async with asyncio.timeout(200):
                for count in range(75, most, 75):
                    while len(service.received) < count:
                        called.clear()
                        await called.wait()
                    workers[kills % 3].kill()
                    assert await workers[kills % 3].wait() == -9
                    workers[kills % 3] = await rabbitmq.worker()
                    kills += 1
            records = await settled(dispatcher, *handed, seconds=100)
        effects = rabbitmq.keys
        pairs = {(request.headers["idempotency-key"], json.loads(request.body)["n"]) for request in service.received}

    assert kills >= 10
    assert set(effects) == set(handed)
    assert pairs == set(numbers.items())
    assert [record.state for record in records] == [wh.JobState.ENDED] * most
    assert [record.outcome["delivery_id"] for record in records if record.outcome] == list(handed)
    print(f"{kills} kills, {effects.total() - most} repeats, {max(effects.values())} at most of one job")  # noqa: T201
