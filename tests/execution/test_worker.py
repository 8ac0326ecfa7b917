"""Workers: what becomes of a job, by what becomes of its call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import attrs
import pytest

import wayhook as wh
from wayhook.execution.job import End, Ended
from wayhook.testing import FakeClock, FakeSecrets, FakeTransport, RecordingSink
from wayhook.wire import Request

POST = wh.Action(
    name="Send",
    url_configuration=wh.UrlConfiguration("https://api.example.com/"),
    message_parameters=wh.message_parameters({"to": "x"}, variables={"to": "To"}),
)
KEYED = attrs.evolve(POST, name="Keyed", idempotency_header="Idempotency-Key")
SECRET = attrs.evolve(POST, name="Secret", authentication=wh.BearerAuthentication(wh.secret("env:KEY")))
JOURNEY = wh.Journey("Welcome", [wh.ActionActivity("Keyed", label="day1", parameters={"to": "me"})])

BUSY = wh.Response(503, (("retry-after", "600"),))
BROKEN = wh.Response(500)
CUT = wh.TransportError("the connection was cut", wh.Evidence.AMBIGUOUS)
AWAY = wh.TransportError("no connection", wh.Evidence.NEVER_SENT)


@pytest.fixture
def clock() -> FakeClock:
    """A clock that moves only when it is told."""
    return FakeClock()


@pytest.fixture
def jobs(clock: FakeClock) -> wh.MemoryJobs:
    """A store without a job."""
    return wh.MemoryJobs(now=clock.now)


@asynccontextmanager
async def worker(
    jobs: Any, clock: FakeClock, transport: Any, *, saved: Any = (POST, KEYED, SECRET, JOURNEY), **more: Any
) -> AsyncIterator[wh.Worker]:
    """A worker whose repository keeps these definitions."""
    repository = wh.MemoryRepository(now=clock.now)
    if saved:
        await repository.save(*saved)
    secrets = FakeSecrets({})
    async with wh.Executor(
        repository, transport=transport, secrets=secrets, clock=clock, random=lambda: 0.0
    ) as executor:
        yield wh.Worker(jobs, executor, now=clock.now, random=lambda: 0.0, **more)


def keys(transport: FakeTransport) -> set[str]:
    """The delivery ids that were sent."""
    return {dict(request.headers)["Idempotency-Key"] for request in transport.requests}


async def test_an_activity_is_executed_and_its_outcome_kept(jobs: wh.MemoryJobs, clock: FakeClock) -> None:
    """The context travels, the delivery id is sent, and the outcome says how it ended."""
    transport = FakeTransport(wh.Response(202))
    await jobs.dispatch(wh.Job.execute("Welcome", "day1", wh.Context(), delivery_id="o-1"))

    async with worker(jobs, clock, transport) as one:
        assert await one.work("o-1") is True
        assert await one.work("o-1") is False
    record = await jobs.find("o-1")

    assert keys(transport) == {"o-1"}
    assert record.state is wh.JobState.ENDED
    assert record.outcome is not None
    assert (record.outcome["journey"], record.outcome["label"]) == ("Welcome", "day1")
    assert (record.outcome["status"], record.outcome["finished"]) == ("http_202", clock.now())


@pytest.mark.parametrize(("answer", "word"), [(wh.Response(422), "rejected"), (CUT, "unknown"), (BROKEN, "unknown")])
async def test_what_may_do_harm_twice_is_an_outcome(
    jobs: wh.MemoryJobs, clock: FakeClock, answer: Any, word: str
) -> None:
    """A call that was refused, and a POST without a key that may have been done, are executed once (P4)."""
    transport = FakeTransport(answer)
    await jobs.dispatch(wh.Job.call("Send", {"to": "x"}, delivery_id="o-1"))

    async with worker(jobs, clock, transport) as one:
        await one.drain()
        clock.pass_time(86_400)
        await one.drain()
    record = await jobs.find("o-1")

    assert record.state is wh.JobState.ENDED
    assert record.outcome is not None
    assert record.outcome["delivery"] == word
    assert len(transport.requests) == 1


async def test_a_call_comes_again_not_before_its_time(jobs: wh.MemoryJobs, clock: FakeClock) -> None:
    """What the other side asked for is waited for in the store; the key stays the same (P6, P11)."""
    transport = FakeTransport([BUSY, wh.Response(200)])
    await jobs.dispatch(wh.Job.call("Keyed", {"to": "x"}, delivery_id="o-1"))

    async with worker(jobs, clock, transport) as one:
        await one.drain()
        waiting = await jobs.find("o-1")
        clock.pass_time(599)
        early = await one.drain()
        clock.pass_time(2)
        assert await one.drain() == 1
    record = await jobs.find("o-1")

    assert early == 0
    assert waiting.due == waiting.since + timedelta(seconds=600)
    assert (waiting.state, waiting.tries) == (wh.JobState.WAITING, 1)
    assert "http_503" in waiting.reason
    assert record.outcome is not None
    assert record.outcome["succeeded"] is True
    assert keys(transport) == {"o-1"}


@pytest.mark.parametrize(
    ("action", "answer", "word"),
    [("Send", AWAY, "unavailable"), ("Keyed", CUT, "unknown"), ("Keyed", AWAY, "unavailable")],
)
async def test_tries_are_counted(jobs: wh.MemoryJobs, clock: FakeClock, action: str, answer: Any, word: str) -> None:
    """A call that may be made again is, with longer waits between; after the last try its outcome counts."""
    sink = RecordingSink()
    repository = wh.MemoryRepository()
    await repository.save(POST, KEYED)
    redelivery = wh.Redelivery(tries=4, backoff=100)
    waits = []
    await jobs.dispatch(wh.Job.call(action, {"to": "x"}, delivery_id="o-1"))

    async with wh.Executor(
        repository, transport=FakeTransport(answer), clock=clock, random=lambda: 0.0, events=[sink]
    ) as executor:
        one = wh.Worker(jobs, executor, redelivery=redelivery, now=clock.now, random=lambda: 0.0)
        while await one.drain():
            record = await jobs.find("o-1")
            waits.append(None if record.due is None else round((record.due - clock.now()).total_seconds()))
            clock.pass_time(3_600)

    assert waits == [50, 100, 200, None]
    assert [outcome.delivery_id for outcome in sink.outcomes] == ["o-1"] * 4
    assert record.state is wh.JobState.ENDED
    assert record.outcome is not None
    assert record.outcome["delivery"] == word


async def test_a_call_is_not_tried_for_ever(jobs: wh.MemoryJobs, clock: FakeClock) -> None:
    """Where the other side asks for more time than a job has, its outcome counts at once."""
    await jobs.dispatch(wh.Job.call("Keyed", {"to": "x"}, delivery_id="o-1"))

    async with worker(jobs, clock, FakeTransport(BUSY), redelivery=wh.Redelivery(give_up=500)) as one:
        await one.drain()
    record = await jobs.find("o-1")

    assert record.outcome is not None
    assert record.outcome["not_before"] == record.since + timedelta(seconds=600)


async def test_a_delay_does_not_count_as_time_that_was_tried(jobs: wh.MemoryJobs, clock: FakeClock) -> None:
    """Who hands over for next week has all tries then."""
    later = clock.now() + timedelta(days=7)
    await jobs.dispatch(wh.Job.call("Keyed", {"to": "x"}, delivery_id="o-1", not_before=later))
    clock.pass_time(7 * 86_400)

    async with worker(jobs, clock, FakeTransport(BUSY)) as one:
        await one.drain()

    assert (await jobs.find("o-1")).state is wh.JobState.WAITING


@pytest.mark.parametrize(
    ("job", "saved", "reason"),
    [
        (wh.Job.call("Send", {"to": "x"}, delivery_id="o-1"), (), "There is no action named 'Send'"),
        (wh.Job.execute("Welcome", "day1", wh.Context(), delivery_id="o-1"), (), "There is no journey named 'Welcome'"),
        (wh.Job.execute("Welcome", "day2", wh.Context(), delivery_id="o-1"), (KEYED, JOURNEY), "day2"),
        (wh.Job.call("Send", {"to": "x"}, timeout=99, delivery_id="o-1"), (POST,), "a timeout is 1 to 30 seconds"),
        (wh.Job.call("Secret", {"to": "x"}, delivery_id="o-1"), (SECRET,), "env:KEY"),
    ],
)
async def test_what_cannot_be_executed_is_a_dead_letter(
    jobs: wh.MemoryJobs, clock: FakeClock, job: wh.Job, saved: Any, reason: str
) -> None:
    """Its definition is gone or does not fit, or its secret is not here: it waits for somebody to look at it."""
    transport = FakeTransport()
    await jobs.dispatch(job)

    async with worker(jobs, clock, transport, saved=saved) as one:
        await one.drain()
    [letter] = await jobs.dead_letters()

    assert reason in letter.reason
    assert letter.outcome is None
    assert transport.requests == []


async def test_a_document_that_cannot_be_read_is_a_dead_letter(jobs: wh.MemoryJobs, clock: FakeClock) -> None:
    """What a newer wayhook wrote hurts no other job."""
    await jobs.dispatch(wh.Job.call("Send", {"to": "x"}, delivery_id="bad"), wh.Job.call("Send", {"to": "y"}))
    jobs._records["bad"] = attrs.evolve(jobs._records["bad"], document='{"wayhook": 2}')

    async with worker(jobs, clock, FakeTransport()) as one:
        assert await one.drain() == 2
    [letter] = await jobs.dead_letters()

    assert "format version" in letter.reason


async def test_values_that_do_not_fit_are_an_outcome(jobs: wh.MemoryJobs, clock: FakeClock) -> None:
    """As for an execution: another delivery would say the same."""
    await jobs.dispatch(wh.Job.call("Send", {}, delivery_id="o-1"))

    async with worker(jobs, clock, FakeTransport()) as one:
        await one.drain()
    record = await jobs.find("o-1")

    assert record.outcome is not None
    assert (record.outcome["status"], record.outcome["error"]["kind"]) == ("internalError", "MissingValue")


async def test_a_paused_journey_keeps_its_jobs_waiting(jobs: wh.MemoryJobs, clock: FakeClock) -> None:
    """A job is held as long as its journey is, whatever tries it has, and executed when that goes on."""
    transport, repository = FakeTransport(), wh.MemoryRepository(now=clock.now)
    live = JOURNEY.publish(clock.now())
    paused = live.pause(clock.now(), mode=wh.PauseMode.HOLD)
    await repository.save(KEYED, JOURNEY)
    await repository.save(live)
    await repository.save(paused)
    await jobs.dispatch(wh.Job.execute("Welcome", "day1", wh.Context(), delivery_id="o-1"))

    async with wh.Executor(repository, transport=transport, clock=clock) as executor:
        one = wh.Worker(jobs, executor, redelivery=wh.Redelivery(tries=1), now=clock.now)
        for _ in range(3):
            assert await one.drain() == 1
            clock.pass_time(61)
        held = await jobs.find("o-1")
        await repository.save(paused.resume(clock.now()))
        assert await one.drain() == 1

    assert (held.state, held.reason, held.tries) == (wh.JobState.WAITING, "the journey is paused", 0)
    assert len(transport.requests) == 1


async def test_a_job_that_no_worker_survives_is_a_dead_letter(jobs: wh.MemoryJobs, clock: FakeClock) -> None:
    """Who takes it and dies leaves it to the next one, so many times; then somebody must look at it."""
    redelivery = wh.Redelivery(deliveries=3)
    await jobs.dispatch(wh.Job.call("Send", {"to": "x"}, delivery_id="poison"))
    for _ in range(3):
        assert len(await jobs.take(1, redelivery.lease)) == 1
        clock.pass_time(redelivery.lease)

    transport = FakeTransport()
    async with worker(jobs, clock, transport, redelivery=redelivery) as one:
        await one.drain()
        [letter] = await jobs.dead_letters()
        sent = len(transport.requests)
        await jobs.replay("poison")
        await one.drain()

    assert letter.reason == "3 workers took it, and none brought it to an end"
    assert sent == 0
    assert (await jobs.find("poison")).state is wh.JobState.ENDED


class Waiting:
    """A transport whose answer comes when it is told; `asked`: set when a request has come."""

    def __init__(self) -> None:
        self.asked, self.answer = asyncio.Event(), asyncio.Event()
        self.requests: list[Request] = []

    async def send(self, request: Request, deadline: float) -> wh.Response:
        """Wait."""
        self.requests.append(request)
        self.asked.set()
        await self.answer.wait()
        return wh.Response(200)

    async def aclose(self) -> None:
        """Nothing is open."""


async def test_a_lease_is_renewed_while_a_call_takes_long(jobs: wh.MemoryJobs, clock: FakeClock) -> None:
    """Nobody else gets a job whose worker lives, even where the store was away for one renewal."""
    renewed, failing = asyncio.Event(), iter([True])

    class Watched(wh.MemoryJobs):
        async def renew(self, record: wh.JobRecord, lease: float) -> None:
            if next(failing, False):
                raise wh.StoreUnavailable("the database is away")
            await super().renew(record, lease)
            renewed.set()

    watched, transport = Watched(now=clock.now), Waiting()
    await watched.dispatch(wh.Job.call("Send", {"to": "x"}, delivery_id="o-1"))
    async with worker(watched, clock, transport, redelivery=wh.Redelivery(lease=0.1)) as one:
        working = asyncio.create_task(one.work("o-1"))
        await transport.asked.wait()
        renewed.clear()
        clock.pass_time(0.09)
        await asyncio.wait_for(renewed.wait(), 10)
        clock.pass_time(0.09)
        others = await watched.take(1, 30)
        transport.answer.set()
        await working

    assert others == ()
    assert (await watched.find("o-1")).state is wh.JobState.ENDED


async def test_an_outcome_that_comes_second_is_let_go(jobs: wh.MemoryJobs, clock: FakeClock) -> None:
    """Another worker took the job when this one was slow, and was first: its outcome stays."""
    transport = Waiting()
    await jobs.dispatch(wh.Job.call("Send", {"to": "x"}, delivery_id="o-1"))

    async with worker(jobs, clock, transport) as one:
        working = asyncio.create_task(one.work("o-1"))
        await transport.asked.wait()
        clock.pass_time(31)
        [other] = await jobs.take(1, 30)
        await jobs.settle(other, Ended('{"status":"http_201"}'))
        transport.answer.set()
        assert await working is True

    assert (await jobs.find("o-1")).outcome == {"status": "http_201"}


async def test_a_worker_that_is_stopped_finishes_what_it_took(jobs: wh.MemoryJobs, clock: FakeClock) -> None:
    """It takes no more, and returns when the calls under way have ended."""
    transport = Waiting()
    await jobs.dispatch(*(wh.Job.call("Send", {"to": "x"}, delivery_id=name) for name in ("a", "b")))

    async with worker(jobs, clock, transport) as one:
        running = asyncio.create_task(one.run(concurrency=1))
        await transport.asked.wait()
        one.stop()
        transport.answer.set()
        await asyncio.wait_for(running, 10)

    assert sorted([(await jobs.find(name)).state for name in ("a", "b")]) == ["ended", "waiting"]
    assert len(transport.requests) == 1


async def test_a_worker_that_is_cancelled_leaves_its_jobs_to_others(jobs: wh.MemoryJobs, clock: FakeClock) -> None:
    """Nothing is written down; the job is due when its lease has run out. No task stays behind (P23)."""
    transport = Waiting()
    await jobs.dispatch(wh.Job.call("Send", {"to": "x"}, delivery_id="a"))

    async with worker(jobs, clock, transport) as one:
        running = asyncio.create_task(one.run())
        await transport.asked.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    left = await jobs.take(1, 30)
    clock.pass_time(31)

    assert left == ()
    assert len(await jobs.take(1, 30)) == 1
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_worker_waits_for_jobs(jobs: wh.MemoryJobs, clock: FakeClock) -> None:
    """It looks again and again, and through times in which the store is away."""
    looked = asyncio.Queue[int]()

    class Late(wh.MemoryJobs):
        looks = 0

        async def take(self, limit: int, lease: float, *, delivery_id: str | None = None) -> tuple[wh.JobRecord, ...]:
            self.looks += 1
            looked.put_nowait(self.looks)
            if self.looks == 2:
                raise wh.StoreUnavailable("the database is away")
            return await super().take(limit, lease, delivery_id=delivery_id)

    late, transport = Late(now=clock.now), Waiting()
    transport.answer.set()
    async with worker(late, clock, transport) as one:
        running = asyncio.create_task(one.run(pause=0.01))
        while await looked.get() < 3:
            pass
        await late.dispatch(wh.Job.call("Send", {"to": "x"}, delivery_id="a"))
        await transport.asked.wait()
        one.stop()
        await running

    assert (await late.find("a")).state is wh.JobState.ENDED


@pytest.mark.parametrize("method", ["work", "drain", "run"])
async def test_a_closed_executor_is_the_hosts_mistake(jobs: wh.MemoryJobs, clock: FakeClock, method: str) -> None:
    """It is raised as it is, and the job stays."""
    await jobs.dispatch(wh.Job.call("Send", {"to": "x"}, delivery_id="a"))
    async with worker(jobs, clock, FakeTransport()) as one:
        pass

    with pytest.raises(wh.ExecutionError, match="closed"):
        await getattr(one, method)(*["a"] * (method == "work"))

    assert (await jobs.find("a")).state is wh.JobState.RUNNING


@pytest.mark.parametrize("failures", [1, 100])
async def test_a_store_that_is_away_for_a_moment_costs_no_outcome(
    clock: FakeClock, failures: int, caplog: pytest.LogCaptureFixture
) -> None:
    """It is tried again for a while; what cannot be written down is delivered again, which is told."""

    class Away(wh.MemoryJobs):
        left = failures

        async def settle(self, record: wh.JobRecord, end: End) -> bool:
            self.left -= 1
            if self.left >= 0:
                raise wh.StoreUnavailable("the database is away")
            return await super().settle(record, end)

    away, transport = Away(now=clock.now), Waiting()
    transport.answer.set()
    await away.dispatch(wh.Job.call("Send", {"to": "x"}, delivery_id="a"))

    async with worker(away, clock, transport, redelivery=wh.Redelivery(lease=0.1)) as one:
        if failures == 1:
            assert await one.work("a") is True
        else:
            with pytest.raises(wh.StoreUnavailable):
                await one.work("a")

    assert (await away.find("a")).state is (wh.JobState.ENDED if failures == 1 else wh.JobState.RUNNING)


async def test_definitions_that_are_away_for_a_moment_bury_nothing(jobs: wh.MemoryJobs, clock: FakeClock) -> None:
    """A repository that cannot be used now is no reason to give a job up, nor a try."""

    class Away(wh.MemoryRepository):
        async def get(self, kind: Any, name: str) -> Any:
            raise wh.StoreUnavailable("the repository is away")

    await jobs.dispatch(wh.Job.call("Send", {"to": "x"}, delivery_id="a"))
    async with wh.Executor(Away(), transport=FakeTransport(), clock=clock) as executor:
        await wh.Worker(jobs, executor, now=clock.now).drain()
    record = await jobs.find("a")

    assert (record.state, record.tries, record.reason) == (wh.JobState.WAITING, 0, "the repository is away")


class Lost(wh.MemoryRepository):
    """A repository that is as it was until `error` is set."""

    error: Exception | None = None

    async def get(self, kind: Any, name: str) -> Any:
        if self.error is not None:
            raise self.error
        return await super().get(kind, name)


class Losing(FakeTransport):
    """A transport whose answers come when the repository has been lost."""

    def __init__(self, answer: Any, repository: Lost, error: Exception) -> None:
        super().__init__(answer)
        self.repository, self.error = repository, error

    async def send(self, request: Request, deadline: float) -> wh.Response:
        self.repository.error = self.error
        return await super().send(request, deadline)


@pytest.mark.parametrize("error", [wh.StoreUnavailable("the repository is away"), wh.NotFound("action", "Send")])
@pytest.mark.parametrize(("action", "state"), [("Send", "ended"), ("Keyed", "waiting")])
async def test_definitions_that_are_lost_during_a_call_change_nothing(
    jobs: wh.MemoryJobs, clock: FakeClock, error: Exception, action: str, state: str
) -> None:
    """What may have been done, and has no key, is written down and never sent again, whatever becomes of it (P4)."""
    repository = Lost(now=clock.now)
    await repository.save(POST, KEYED)
    await jobs.dispatch(wh.Job.call(action, {"to": "x"}, delivery_id="a"))

    async with wh.Executor(
        repository, transport=Losing(CUT, repository, error), clock=clock, random=lambda: 0.0
    ) as executor:
        await wh.Worker(jobs, executor, now=clock.now, random=lambda: 0.0).drain()
    record = await jobs.find("a")

    assert (record.state, record.tries) == (state, int(state == "waiting"))
    assert (record.outcome is None) is (state == "waiting")


async def test_no_secret_is_kept(clock: FakeClock) -> None:
    """What the other side repeats of a secret is masked in the outcome, and the job never had it (P49)."""
    jobs, repository = wh.MemoryJobs(now=clock.now), wh.MemoryRepository()
    await repository.save(attrs.evolve(SECRET, response=wh.payload({"echo": "x"})))
    await jobs.dispatch(wh.Job.call("Secret", {"to": "x"}, delivery_id="a"))
    transport = FakeTransport(wh.Response(200, body=b'{"echo": "canary-token-71 is what you sent"}'))

    async with wh.Executor(
        repository, transport=transport, secrets=FakeSecrets({"env:KEY": "canary-token-71"}), clock=clock
    ) as executor:
        await wh.Worker(jobs, executor, now=clock.now).drain()
    record = await jobs.find("a")

    assert record.outcome is not None
    assert "is what you sent" in record.outcome["response"]["echo"]
    assert "canary-token-71" not in f"{record!r}{attrs.asdict(record)}"


@pytest.mark.parametrize("field", ["lease", "deliveries", "tries", "backoff", "longest", "give_up"])
@pytest.mark.parametrize("value", [0, -1, "1", None, float("nan"), 10**9])
def test_a_redelivery_has_bounds(field: str, value: Any) -> None:
    """A number that cannot be meant is refused by its name."""
    with pytest.raises(wh.DefinitionError, match=rf"\$\.{field}"):
        wh.Redelivery(**{field: value})


@pytest.mark.parametrize("concurrency", [0, 10_001, "5", 1.0])
async def test_concurrency_has_bounds(jobs: wh.MemoryJobs, clock: FakeClock, concurrency: Any) -> None:
    """Refused before anything is taken."""
    async with worker(jobs, clock, FakeTransport()) as one:
        with pytest.raises(wh.DefinitionError, match=r"\$\.concurrency"):
            await one.run(concurrency=concurrency)
        with pytest.raises(wh.DefinitionError, match=r"\$\.concurrency"):
            await one.drain(concurrency=concurrency)


@pytest.mark.parametrize("pause", [0, -1, None, "1", float("nan"), 86_401])
async def test_a_pause_has_bounds(jobs: wh.MemoryJobs, clock: FakeClock, pause: Any) -> None:
    """One that never ends would keep a worker from every job, and one of no length the store from everybody else."""
    async with worker(jobs, clock, FakeTransport()) as one:
        with pytest.raises(wh.DefinitionError, match=r"\$\.pause"):
            await one.run(pause=pause)


@pytest.mark.parametrize("method", ["drain", "run"])
async def test_a_job_that_breaks_the_host_ends_no_other(
    jobs: wh.MemoryJobs, clock: FakeClock, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What nobody foresaw is logged without its words; the job comes again, and is given up when it never works."""
    broken = asyncio.Event()

    class Broken(wh.MemoryRepository):
        async def get(self, kind: Any, name: str) -> Any:
            if name == "Keyed":
                broken.set()
                raise OSError("canary-8 of the host's own code")
            return await super().get(kind, name)

    repository, transport = Broken(now=clock.now), Waiting()
    await repository.save(POST)
    await jobs.dispatch(wh.Job.call("Send", {"to": "x"}, delivery_id="good"))
    await jobs.dispatch(wh.Job.call("Keyed", {"to": "x"}, delivery_id="bad"))

    async with wh.Executor(repository, transport=transport, clock=clock) as executor:
        one = wh.Worker(jobs, executor, redelivery=wh.Redelivery(deliveries=1), now=clock.now)
        working = asyncio.create_task(getattr(one, method)())
        await transport.asked.wait()
        await asyncio.wait_for(broken.wait(), 10)
        transport.answer.set()
        one.stop()
        await asyncio.wait_for(working, 10)
        clock.pass_time(31)
        await one.drain()

    assert (await jobs.find("good")).state is wh.JobState.ENDED
    assert [letter.delivery_id for letter in await jobs.dead_letters()] == ["bad"]
    assert len(transport.requests) == 1
    assert "OSError" in caplog.text
    assert "canary-8" not in caplog.text
