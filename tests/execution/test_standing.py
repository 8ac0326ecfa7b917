"""Standings in memory keep the contract, and executors that share standings go by them (P14 to P17)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any, Literal

import attrs
import pytest

import wayhook as wh
from wayhook.testing import FakeClock, FakeTransport, RecordingSink, StandingContract

Make = Callable[..., wh.Action]
ONCE = attrs.evolve(
    wh.Guardrails.standard(), retry_budget=wh.RetryBudget(share=0, at_first=0), destination_pauses=False
)
BUSY = wh.Response(503, (("retry-after", "60"),))


class TestMemoryStandings(StandingContract):
    """Every promise, in memory."""

    @pytest.fixture
    def standings(self, clock: FakeClock) -> wh.MemoryStandings:
        """Standings without a destination."""
        return wh.MemoryStandings(clock=clock)

    @pytest.fixture
    def later(self, clock: FakeClock) -> Callable[[float], Awaitable[None]]:
        """Let time pass."""
        return clock.sleep


class Store:
    """Standings in memory that count what they are asked for, and can be away, or hang."""

    def __init__(
        self, clock: FakeClock, when_away: Literal["share", "refuse"] = "share", processes: int | None = None
    ) -> None:
        self.kept = wh.MemoryStandings(clock=clock, random=lambda: 0.5)
        self.when_away, self.processes = when_away, processes
        self.asked: list[str] = []
        self.heard = 0
        self.is_heard, self.was_asked = asyncio.Event(), asyncio.Event()
        self.failure: Exception | None = None
        self.hangs = False
        self.lost: list[asyncio.Future[None]] = []
        self.hears: list[Callable[[str, wh.Standing], None]] = []

    def leave(self, failure: Exception | None = None) -> None:
        """Be away from now on."""
        self.failure = failure or wh.StoreUnavailable("gone")
        for lost in self.lost:
            lost.set_result(None)
        self.lost.clear()
        self.is_heard.clear()
        self.was_asked.clear()

    async def _asked(self, what: str, work: Coroutine[Any, Any, Any]) -> Any:
        self.asked.append(what)
        self.was_asked.set()
        if self.hangs:
            work.close()
            await asyncio.Event().wait()
        if self.failure is not None:
            work.close()
            raise self.failure
        return await work

    async def tell(self, destination: str, report: wh.StandingReport, rule: wh.BreakerRule | None) -> wh.Standing:
        return await self._asked("tell", self.kept.tell(destination, report, rule))

    async def probe(self, destination: str, lease: str, seconds: float, rule: wh.BreakerRule) -> wh.Standing:
        return await self._asked("probe", self.kept.probe(destination, lease, seconds, rule))

    async def spend(
        self, destination: str, earned: int, costs: tuple[int, ...], rule: wh.RetryBudget
    ) -> tuple[bool, ...]:
        return await self._asked("spend", self.kept.spend(destination, earned, costs, rule))

    def news(self, hear: Callable[[str, wh.Standing], None]) -> AbstractAsyncContextManager[Awaitable[None]]:
        return self._news(hear)

    @asynccontextmanager
    async def _news(self, hear: Callable[[str, wh.Standing], None]) -> AsyncIterator[Awaitable[None]]:
        if self.failure is not None:
            raise self.failure
        self.heard += 1
        self.hears.append(hear)
        async with self.kept.news(hear):
            self.is_heard.set()
            self.lost.append(asyncio.get_running_loop().create_future())
            yield self.lost[-1]


@pytest.fixture
def store(clock: FakeClock) -> Store:
    """What two executors share."""
    return Store(clock)


def _executor(transport: FakeTransport, clock: FakeClock, store: Any, **settings: Any) -> wh.Executor:
    return wh.Executor(transport=transport, clock=clock, standings=store, **{"random": lambda: 0.5, **settings})


async def _settled() -> None:
    """Let be told what is to be told."""
    for _ in range(30):
        await asyncio.sleep(0)


async def _calls(executor: wh.Executor, action: wh.Action, times: int) -> list[wh.Outcome]:
    outcomes = []
    for _ in range(times):
        outcomes.append(await executor.call(action))
        await _settled()
    return outcomes


def _breakers(sink: RecordingSink) -> list[str]:
    return [event.state for event in sink.events if isinstance(event, wh.BreakerChanged)]


async def test_what_one_is_asked_for_all_keep(ping: Make, clock: FakeClock, store: Store) -> None:
    """A Retry-After to one executor holds the other back, and one that comes later from its first call on (P15)."""
    busy, free = FakeTransport(BUSY), FakeTransport()

    async with _executor(busy, clock, store) as first, _executor(free, clock, store) as second:
        before = await second.call(ping())
        await first.call(ping())
        await _settled()
        clock.pass_time(10)
        after = await second.call(ping())
        async with _executor(free, clock, store) as third:
            late = await third.call(ping())
        clock.pass_time(51)
        again = await second.call(ping())

    assert [outcome.succeeded for outcome in (before, after, late, again)] == [True, False, False, True]
    assert after.not_before == late.not_before == clock.now() - timedelta(seconds=61 - 60)
    assert len(free.requests) == 2


async def test_a_breaker_counts_the_failures_of_all(ping: Make, clock: FakeClock, store: Store) -> None:
    """Ten failures of each of two open it for both; one probe closes it for both, and both have told of it (P16)."""
    transport, sinks = FakeTransport(wh.Response(500)), [RecordingSink(), RecordingSink()]

    async with (
        _executor(transport, clock, store, guardrails=ONCE, events=sinks[:1]) as first,
        _executor(transport, clock, store, guardrails=ONCE, events=sinks[1:]) as second,
    ):
        for executor in (first, second) * 10:
            await _calls(executor, ping(), 1)
        refused = [(await _calls(executor, ping(), 1))[0] for executor in (first, second)]
        failed = len(transport.requests)
        clock.pass_time(31)
        transport._replies = [lambda _: wh.Response(200)]
        probe = await _calls(second, ping(), 1)
        after = await _calls(first, ping(), 1)

    assert failed == 20
    assert all(isinstance(outcome.cause, wh.DestinationUnavailable) for outcome in refused)
    assert all(outcome.succeeded for outcome in (*probe, *after))
    assert [_breakers(sink) for sink in sinks] == [["open", "half open", "closed"]] * 2


async def test_news_that_come_late_turn_nothing_back(ping: Make, clock: FakeClock, store: Store) -> None:
    """An answer of the store may overtake older news, which are not gone by then."""
    transport = FakeTransport(wh.Response(500))

    async with _executor(transport, clock, store, guardrails=ONCE) as executor:
        await _calls(executor, ping(), 20)
        store.hears[0]("https://api.example.com", wh.Standing("closed", version=1))
        refused = await executor.call(ping())

    assert isinstance(refused.cause, wh.DestinationUnavailable)


async def _opened(store: Store, clock: FakeClock, action: wh.Action) -> None:
    """Let the breaker be open, and the time come for a probe."""
    rule = ONCE.breaker
    assert rule is not None
    await store.kept.tell("https://api.example.com", wh.StandingReport(ends=((0, 20, 20),)), rule)
    clock.pass_time(37)


class Held(FakeTransport):
    """Answers when it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    async def send(self, request: wh.Request, deadline: float) -> wh.Response:
        self.requests.append(request)
        await self.gate.wait()
        return wh.Response(200)


async def test_exactly_one_call_of_all_is_the_probe(ping: Make, clock: FakeClock, store: Store) -> None:
    """Of ninety calls of three executors one goes through; the others end at once (P16)."""
    held = Held()
    await _opened(store, clock, ping())

    executors = [_executor(held, clock, store, guardrails=ONCE) for _ in range(3)]
    calls = [asyncio.create_task(executor.call(ping())) for executor in executors for _ in range(30)]
    await _settled()
    await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    await _settled()
    probes, waiting = len(held.requests), [call for call in calls if not call.done()]
    held.gate.set()
    outcomes = await asyncio.gather(*calls)
    await _settled()
    after = [await executor.call(ping()) for executor in executors]
    for executor in executors:
        await executor.__aexit__()

    assert (probes, len(waiting)) == (1, 1)
    assert [outcome.succeeded for outcome in outcomes].count(True) == 1
    assert all(outcome.succeeded for outcome in after)


async def test_a_cancelled_probe_leaves_its_place_to_another_process(
    ping: Make, clock: FakeClock, store: Store
) -> None:
    """Nothing was learnt: the next call, of another executor, is the probe (P16)."""
    held, free = Held(), FakeTransport()
    await _opened(store, clock, ping())

    async with (
        _executor(held, clock, store, guardrails=ONCE) as first,
        _executor(free, clock, store, guardrails=ONCE) as second,
    ):
        probe = asyncio.create_task(first.call(ping()))
        await _settled()
        meanwhile = await second.call(ping())
        probe.cancel()
        await asyncio.wait([probe])
        await _settled()
        after = await second.call(ping())

    assert (len(held.requests), meanwhile.succeeded, after.succeeded) == (1, False, True)


async def test_a_call_that_is_cancelled_while_it_asks_to_be_the_probe(
    ping: Make, clock: FakeClock, store: Store
) -> None:
    """The place that it is given meanwhile is given back."""
    await _opened(store, clock, ping())
    gate, kept = asyncio.Event(), store.kept.probe

    async def slow(*about: Any) -> wh.Standing:
        await gate.wait()
        return await kept(*about)

    store.kept.probe = slow  # type: ignore[method-assign]
    async with _executor(FakeTransport(), clock, store, guardrails=ONCE) as executor:
        asking = asyncio.create_task(executor.call(ping()))
        await _settled()
        asking.cancel()
        await asyncio.wait([asking])
        gate.set()
        await _settled()
        after = await executor.call(ping())

    assert store.asked.count("probe") == 2
    assert after.succeeded


async def test_an_executor_that_is_closed_leaves_nothing_behind(ping: Make, clock: FakeClock, store: Store) -> None:
    """What hangs ends with it, also the question of a call that is no more; what can be told is told before."""
    before = asyncio.all_tasks()
    async with _executor(FakeTransport(BUSY), clock, store):
        pass
    async with _executor(FakeTransport(BUSY), clock, store) as executor:
        await executor.call(ping())
    told = await store.kept.tell("https://api.example.com", wh.StandingReport(), None)
    clock.pass_time(61)
    await _opened(store, clock, ping())
    async with _executor(FakeTransport(), clock, store, guardrails=ONCE) as executor:
        asking = asyncio.create_task(executor.call(ping()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        store.hangs = True
        await _settled()
        asking.cancel()
        await asyncio.wait([asking])

    await _settled()
    assert told.paused == 60
    assert store.asked[-1] == "probe"
    assert asyncio.all_tasks() == before


async def test_repeats_come_out_of_one_budget(ping: Make, clock: FakeClock, store: Store) -> None:
    """Three executors repeat no more together than one may, and a throttle costs twice (P14, F52)."""
    requests = []
    for status in (408, 429):
        shared, transport = Store(clock), FakeTransport(wh.Response(status))
        rails = attrs.evolve(ONCE, breaker=None, retry_budget=wh.RetryBudget(share=0, at_first=11))
        executors = [_executor(transport, clock, shared, guardrails=rails) for _ in range(3)]
        for executor in executors:
            await asyncio.gather(*(executor.call(ping()) for _ in range(10)))
        for executor in executors:
            await executor.__aexit__()
        requests.append(len(transport.requests))

    assert requests == [30 + 11, 30 + 5]


async def test_calls_of_all_earn_for_the_budget(ping: Make, clock: FakeClock, store: Store) -> None:
    """What ten good calls of one process earned is told with its next repeat, and may be spent by another (P14)."""
    answers = [*[wh.Response(200)] * 10, wh.Response(408)]
    rails = attrs.evolve(ONCE, breaker=None, retry_budget=wh.RetryBudget(share=0.5, at_first=0, at_most=100))
    one, other = FakeTransport(answers), FakeTransport(wh.Response(408))

    async with (
        _executor(one, clock, store, guardrails=rails) as first,
        _executor(other, clock, store, guardrails=rails) as second,
    ):
        await _calls(first, ping(), 11)
        await _calls(second, ping(), 1)

    assert (len(one.requests), len(other.requests)) == (10 + 4, 1 + 3)
    assert await store.kept.spend("https://api.example.com", 0, (1,), rails.retry_budget or wh.RetryBudget()) == (
        False,
    )


async def test_a_good_call_asks_nobody(ping: Make, clock: FakeClock, store: Store) -> None:
    """A thousand calls that go well ask the store for nothing; it is listened to, once."""
    async with _executor(FakeTransport(), clock, store) as executor:
        for _ in range(1000):
            await executor.call(ping())
        await _settled()

    assert (store.asked, store.heard) == ([], 1)


async def test_what_goes_well_elsewhere_is_counted_when_something_fails(
    ping: Make, clock: FakeClock, store: Store
) -> None:
    """Twenty failures of one open nothing, where another has just made thirty calls that went well (P16)."""
    transport = FakeTransport(wh.Response(500))

    async with (
        _executor(FakeTransport(), clock, store, guardrails=ONCE) as well,
        _executor(transport, clock, store, guardrails=ONCE) as failing,
    ):
        await _calls(well, ping(), 30)
        asked = list(store.asked)
        await _calls(failing, ping(), 25)
        going_on = len(transport.requests)
        await _calls(failing, ping(), 10)

    assert asked == []
    assert going_on == 25
    assert len(transport.requests) == 30


def _said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message.partition(",")[0].partition(":")[0] for record in caplog.records]


async def test_a_store_that_is_away_is_told_once_and_gone_without(
    ping: Make, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Each process goes by its own pauses and breaker, with its share of the budget; both changes are logged once."""
    store, transport = Store(clock, processes=4), FakeTransport(wh.Response(408))
    rails = attrs.evolve(wh.Guardrails.standard(), breaker=None, retry_budget=wh.RetryBudget(0, 11, 11))
    store.failure = wh.StoreUnavailable("the disk is full")

    with caplog.at_level(logging.WARNING, "wayhook"):
        async with _executor(transport, clock, store, guardrails=rails) as executor:
            await _calls(executor, ping(), 10)

    assert len(transport.requests) == 10 + 11 // 4
    assert _said(caplog) == ["the store of standings cannot be used"]
    assert "the disk is full" in caplog.text


async def test_nothing_is_repeated_where_nobody_knows_how_many_share(ping: Make, clock: FakeClock) -> None:
    """Without `processes` a share of the budget is nothing, so that the whole is kept."""
    store, transport = Store(clock), FakeTransport(wh.Response(408))
    store.failure = wh.StoreUnavailable("gone")

    async with _executor(transport, clock, store) as executor:
        await _calls(executor, ping(), 3)

    assert len(transport.requests) == 3


async def test_without_the_store_a_breaker_is_ones_own(ping: Make, clock: FakeClock, store: Store) -> None:
    """Failures that are counted here open it, and a probe of this process closes it."""
    transport = FakeTransport([*[wh.Response(500)] * 20, wh.Response(200)])
    store.failure = wh.StoreUnavailable("gone")

    async with _executor(transport, clock, store, guardrails=ONCE) as executor:
        await _calls(executor, ping(), 20)
        refused = await executor.call(ping())
        clock.pass_time(37)
        probe = await _calls(executor, ping(), 2)

    assert isinstance(refused.cause, wh.DestinationUnavailable)
    assert [outcome.succeeded for outcome in probe] == [True, True]
    assert len(transport.requests) == 22


@pytest.mark.parametrize("began_well", [True, False])
async def test_where_nobody_may_go_without_the_store_nobody_is_called(
    ping: Make, clock: FakeClock, caplog: pytest.LogCaptureFixture, *, began_well: bool
) -> None:
    """With `refuse` each call ends at once, `unavailable` with a time, and nothing is sent until the store is back."""
    store, transport = Store(clock, "refuse"), FakeTransport()

    with caplog.at_level(logging.WARNING, "wayhook"):
        async with _executor(transport, clock, store) as executor:
            if began_well:
                await _calls(executor, ping(), 1)
            before = len(transport.requests)
            store.leave()
            await _settled()
            refused = await _calls(executor, ping(), 3)
            sent = len(transport.requests) - before
            store.failure = None
            async with asyncio.timeout(10):
                await store.is_heard.wait()
            await _settled()
            after = await executor.call(ping())

    assert after.succeeded
    assert sent == 0
    assert {outcome.delivery for outcome in refused} == {wh.Delivery.UNAVAILABLE}
    assert refused[0].not_before == clock.now() + timedelta(seconds=1)
    assert "cannot be known" in str(refused[0].cause)
    assert _said(caplog) == ["the store of standings cannot be used", "the store of standings can be used again"]
    assert "nobody is called" in caplog.text


async def test_a_pause_of_the_time_without_the_store_is_told_when_it_is_back(
    ping: Make, clock: FakeClock, store: Store
) -> None:
    """Nothing is lost: those who share learn of it then (P15)."""
    async with _executor(FakeTransport([wh.Response(200), BUSY]), clock, store) as executor:
        await _calls(executor, ping(), 1)
        store.leave()
        await _settled()
        await _calls(executor, ping(), 1)
        without = await store.kept.tell("https://api.example.com", wh.StandingReport(), None)
        store.was_asked.clear()
        store.failure = None
        async with asyncio.timeout(10):
            await store.was_asked.wait()
        await _settled()

    standing = await store.kept.tell("https://api.example.com", wh.StandingReport(), None)
    assert (without.paused, standing.paused) == (0, 60)


async def test_a_store_that_hangs_keeps_no_good_call(ping: Make, clock: FakeClock, store: Store) -> None:
    """While what failed is being told to nobody who listens, calls that go well go on."""
    transport = FakeTransport([wh.Response(500), wh.Response(200)])

    async with _executor(transport, clock, store, guardrails=ONCE) as executor:
        await executor.call(ping("PUT"))
        store.hangs = True
        outcome = await executor.call(ping("PUT"))

    assert outcome.succeeded


async def test_a_store_that_hangs_ends_no_call_late(ping: Make, loopback: wh.Guardrails) -> None:
    """A repeat that is not paid for within the deadline is not made; the outcome is what the last attempt proved."""
    store, transport = Store(FakeClock()), FakeTransport(wh.Response(500))
    store.hangs = True
    rails = attrs.evolve(loopback, timeout_range=(0.1, 30), breaker=None)

    async with wh.Executor(transport=transport, standings=store, guardrails=rails, random=lambda: 0.1) as executor:
        outcome = await executor.call(ping("PUT"), timeout=0.3)

    assert (outcome.status, len(outcome.attempts)) == ("http_500", 1)


async def test_a_store_that_fails_in_a_way_of_its_own_harms_no_call(
    ping: Make, clock: FakeClock, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """An error that is none of ours is a store that is away, and its message is not told."""
    transport = FakeTransport([*[wh.Response(200)], *[wh.Response(500)] * 3, wh.Response(200)])

    async with _executor(transport, clock, store, guardrails=ONCE) as executor:
        await _calls(executor, ping(), 1)
        store.failure = ZeroDivisionError("canary-7")
        outcomes = await _calls(executor, ping(), 4)

    assert [outcome.status for outcome in outcomes] == ["http_500"] * 3 + ["http_200"]
    assert "ZeroDivisionError" in caplog.text
    assert "canary-7" not in caplog.text


async def test_a_limiter_brings_standings_along(ping: Make, clock: FakeClock, store: Store) -> None:
    """One object may share everything."""

    class Shared(wh.WindowLimiter):
        standings = store

    limiter = Shared(clock=clock)
    async with wh.Executor(transport=FakeTransport(BUSY), clock=clock, limiter=limiter) as executor:
        await _calls(executor, ping(), 1)

    assert store.asked == ["tell"]


def test_what_shares_nothing_is_refused() -> None:
    """It is said what belongs there."""
    with pytest.raises(wh.DefinitionError, match=r"\$\.standings: a Standings belongs here, not object"):
        wh.Executor(standings=object())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"url": "http://x"}, r"\$: "),
        ({"url": "scheme://me:ca/ry@127.0.0.1/x"}, "%2F"),
        ({"when_away": "wait"}, r"\$\.when_away"),
        ({"when_away": "share"}, r"\$\.processes"),
        ({"when_away": "share", "processes": 0}, r"\$\.processes"),
        ({"when_away": "share", "processes": 10_001}, r"\$\.processes"),
        ({"when_away": "share", "processes": True}, r"\$\.processes"),
        ({"processes": 4}, r"\$\.processes"),
        ({"namespace": "x'; DROP TABLE y"}, r"\$\.namespace"),
    ],
)
@pytest.mark.parametrize(
    ("kind", "url"), [(wh.RedisStandings, "redis://127.0.0.1"), (wh.PostgresStandings, "postgresql://127.0.0.1/x")]
)
def test_bad_settings_are_refused(kind: Any, url: str, wrong: dict[str, Any], where: str) -> None:
    """By name, and before anything is opened."""
    with pytest.raises(wh.DefinitionError, match=where):
        kind(
            wrong.get("url", url).replace("scheme", url.partition(":")[0]),
            **{name: value for name, value in wrong.items() if name != "url"},
        )


def test_a_bad_prefix_is_refused() -> None:
    """It has no braces: they would tell a cluster where the keys are."""
    with pytest.raises(wh.DefinitionError, match=r"\$\.prefix"):
        wh.RedisStandings("redis://127.0.0.1", prefix="a{b}")


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        (wh.RedisStandings, "redis://me:canary-7@127.0.0.1"),
        (wh.PostgresStandings, "postgresql://me:canary-7@127.0.0.1/x"),
    ],
)
def test_no_text_form_shows_a_password(kind: Any, url: str) -> None:
    """Standings may be printed and logged."""
    assert "canary-7" not in repr(kind(url))
    assert "127.0.0.1" in repr(kind(url))


@pytest.mark.parametrize(
    ("module", "kind", "url", "extra"),
    [
        ("redis_connection", wh.RedisStandings, "redis://127.0.0.1", "wayhook[redis]"),
        ("postgres_connection", wh.PostgresStandings, "postgresql://127.0.0.1/x", "wayhook[postgres]"),
    ],
)
def test_a_missing_library_is_told(
    monkeypatch: pytest.MonkeyPatch, module: str, kind: Any, url: str, extra: str
) -> None:
    """With the command that installs it."""
    monkeypatch.setattr(f"wayhook.adapters.limiter.{module}.find_spec", lambda _: None)

    with pytest.raises(wh.MissingExtra) as caught:
        kind(url)
    assert extra in str(caught.value)
