"""Jobs through Taskiq, without a server: what a broker may do with its messages, and what becomes of the jobs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest
from taskiq import BrokerMessage, InMemoryBroker

import wayhook as wh
from wayhook.execution.job import End
from wayhook.testing import FakeClock, FakeTransport

SEND = wh.Action(
    name="Send",
    url_configuration=wh.UrlConfiguration("https://api.example.com/"),
    idempotency_header="Idempotency-Key",
)


class Unreliable(InMemoryBroker):
    """Does with a message what `treat` says, which gives how often it is delivered; None refuses it."""

    def __init__(self, treat: Callable[[], int | None]) -> None:
        super().__init__(await_inplace=True)
        self.is_worker_process = True
        self._treat = treat

    async def kick(self, message: BrokerMessage) -> None:
        """Deliver it, so often."""
        times = self._treat()
        if times is None:
            raise ConnectionError("the broker is away")
        for _ in range(times):
            await super().kick(message)


@attrs.define
class Place:
    """A dispatcher with its worker in this process, and what it sent."""

    dispatcher: wh.TaskiqDispatcher
    transport: FakeTransport

    @property
    def keys(self) -> list[str]:
        """The delivery ids of the calls."""
        return [dict(request.headers)["Idempotency-Key"] for request in self.transport.requests]


@asynccontextmanager
async def place(
    clock: FakeClock, treat: Callable[[], int | None] = lambda: 1, jobs: Any = None, **more: Any
) -> AsyncIterator[Place]:
    """A dispatcher over a broker that treats messages so."""
    transport = FakeTransport(wh.Response(202))

    @asynccontextmanager
    async def executor() -> AsyncIterator[wh.Executor]:
        repository = wh.MemoryRepository()
        await repository.save(SEND)
        async with wh.Executor(repository, transport=transport) as executor:
            yield executor

    jobs = jobs or wh.MemoryJobs(now=clock.now)
    more = {"sweep": 3600, **more}
    async with wh.TaskiqDispatcher(jobs, executor, broker=Unreliable(treat), **more) as dispatcher:
        yield Place(dispatcher, transport)
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.fixture
def clock() -> FakeClock:
    """A clock that moves only when it is told."""
    return FakeClock()


async def test_what_is_handed_over_is_carried_out(clock: FakeClock) -> None:
    """A message for each job that is due; its outcome is written down."""
    async with place(clock) as here:
        names = await here.dispatcher.dispatch(wh.Job.call("Send"), wh.Job.call("Send", delivery_id="o-1"))
        records = [await here.dispatcher.find(name) for name in names]

    assert names[1] == "o-1"
    assert here.keys == list(names)
    assert [record.state for record in records] == [wh.JobState.ENDED] * 2


async def test_a_message_that_comes_twice_is_one_call(clock: FakeClock) -> None:
    """The second finds that the job has ended."""
    async with place(clock, lambda: 3) as here:
        await here.dispatcher.dispatch(wh.Job.call("Send", delivery_id="o-1"))

    assert here.keys == ["o-1"]


async def test_a_message_that_is_lost_is_sent_again(clock: FakeClock) -> None:
    """After a while somebody announces what nobody took."""
    lost = iter([0])
    async with place(clock, lambda: next(lost, 1), announced_for=60) as here:
        await here.dispatcher.dispatch(wh.Job.call("Send", delivery_id="o-1"))
        clock.pass_time(59)
        early = await here.dispatcher.announce()
        clock.pass_time(1)
        announced = await here.dispatcher.announce()

    assert (early, announced) == (0, 1)
    assert here.keys == ["o-1"]


async def test_a_broker_that_is_away_refuses_no_job(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    """A job is handed over when the store has it; the broker is told later."""
    away = iter([None, None])
    async with place(clock, lambda: next(away, 1), announced_for=60) as here:
        assert await here.dispatcher.dispatch(wh.Job.call("Send", delivery_id="o-1")) == ("o-1",)
        clock.pass_time(60)
        await here.dispatcher.announce()
        clock.pass_time(120)
        await here.dispatcher.announce()

    assert here.keys == ["o-1"]
    assert "the broker takes no messages now (ConnectionError)" in caplog.text


async def test_a_broker_that_does_not_answer_keeps_nobody(
    clock: FakeClock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who hands over waits a moment for it, and not until it is back: the job is in the store."""
    monkeypatch.setattr("wayhook.adapters.queue.taskiq._PATIENCE", 0.01)

    class Silent(Unreliable):
        async def kick(self, message: BrokerMessage) -> None:
            await asyncio.Event().wait()

    dispatcher = wh.TaskiqDispatcher(
        wh.MemoryJobs(now=clock.now), wh.Executor, broker=Silent(lambda: 1), sweep=3600, announced_for=60
    )
    async with asyncio.timeout(30), dispatcher:
        [name] = await dispatcher.dispatch(wh.Job.call("Send"))
        clock.pass_time(60)
        assert await dispatcher.announce() == 1
        record = await dispatcher.find(name)

    assert record.state is wh.JobState.WAITING
    assert caplog.text.count("the broker takes no messages now (TimeoutError)") == 2


async def test_a_delay_is_not_sent_before_its_time(clock: FakeClock) -> None:
    """It waits in the store, and is announced when it is due."""
    sent: list[datetime] = []

    def treat() -> int:
        sent.append(clock.now())
        return 1

    async with place(clock, treat) as here:
        later = clock.now() + timedelta(hours=1)
        await here.dispatcher.dispatch(wh.Job.call("Send", delivery_id="o-1", not_before=later))
        await here.dispatcher.announce()
        clock.pass_time(3600)
        await here.dispatcher.announce()

    assert sent == [later]
    assert here.keys == ["o-1"]


@pytest.mark.parametrize("error", [wh.StoreUnavailable("the database is away"), ValueError("nobody foresaw this")])
async def test_a_worker_sweeps(clock: FakeClock, error: Exception) -> None:
    """Nobody need announce by hand: a worker process does it again and again, even after a store was away."""
    settled, failing = asyncio.Event(), iter([True])

    class Watched(wh.MemoryJobs):
        async def announce(self, limit: int, announced_for: float) -> tuple[str, ...]:
            if next(failing, False):
                raise error
            return await super().announce(limit, announced_for)

        async def settle(self, record: wh.JobRecord, end: End) -> bool:
            settled.set()
            return await super().settle(record, end)

    jobs = Watched(now=clock.now)
    await jobs.dispatch(wh.Job.call("Send", delivery_id="o-1"))
    async with place(clock, jobs=jobs, sweep=0.01) as here:
        await asyncio.wait_for(settled.wait(), 10)

    assert here.keys == ["o-1"]


async def test_a_store_that_is_away_keeps_a_worker_working(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    """The message is done with; the job is announced again."""
    failing = iter([True])

    class Away(wh.MemoryJobs):
        async def take(self, limit: int, lease: float, *, delivery_id: str | None = None) -> tuple[wh.JobRecord, ...]:
            if next(failing, False):
                raise wh.StoreUnavailable("the database is away")
            return await super().take(limit, lease, delivery_id=delivery_id)

    async with place(clock, jobs=Away(now=clock.now)) as here:
        await here.dispatcher.dispatch(wh.Job.call("Send", delivery_id="o-1"))
        clock.pass_time(60)
        await here.dispatcher.announce()

    assert here.keys == ["o-1"]
    assert "job o-1 is sent again later" in caplog.text


async def test_a_rabbitmq_that_is_away_is_told(clock: FakeClock) -> None:
    """Opening says so, without the password, and leaves nothing open."""
    broker = "amqp://me:canary-3@127.0.0.1:9/"
    dispatcher = wh.TaskiqDispatcher(wh.MemoryJobs(now=clock.now), wh.Executor, broker=broker)

    with pytest.raises(wh.StoreUnavailable) as caught:
        async with dispatcher:
            pass

    assert "canary-3" not in f"{caught.value} {dispatcher!r}"


@pytest.mark.parametrize("missing", ["taskiq", "taskiq_aio_pika"])
def test_without_the_extra_it_says_what_to_install(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence that names it."""
    monkeypatch.setitem(sys.modules, missing, None)

    with pytest.raises(wh.MissingExtra, match=rf"needs {missing}: pip install 'wayhook\[taskiq\]'"):
        wh.TaskiqDispatcher(wh.MemoryJobs(), wh.Executor, broker="amqp://127.0.0.1/")


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"jobs": 7}, "$.jobs"),
        ({"executor": 7}, "$.executor"),
        ({"broker": "redis://127.0.0.1"}, "$.broker"),
        ({"broker": 7}, "$.broker"),
        ({"queue": "a b"}, "$.queue"),
        ({"prefetch": 1.5}, "$.prefetch"),
        ({"sweep": 0}, "$.sweep"),
        ({"announced_for": "1"}, "$.announced_for"),
        ({"redelivery": 5}, "$.redelivery"),
    ],
)
def test_what_does_not_fit_is_refused(given: dict[str, Any], path: str) -> None:
    """By its name, before anything is opened."""
    whole: dict[str, Any] = {"jobs": wh.MemoryJobs(), "executor": wh.Executor, "broker": "amqp://127.0.0.1/"}

    with pytest.raises(wh.DefinitionError) as caught:
        wh.TaskiqDispatcher(**{**whole, **given})

    assert [violation.path for violation in caught.value.violations] == [path]
