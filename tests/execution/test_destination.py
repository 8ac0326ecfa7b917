"""Manners towards one destination: budget, pause and breaker, shared by all calls of an executor (P14 to P17)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from time import perf_counter
from typing import Any

import attrs
import pytest

import wayhook as wh
from wayhook.execution.clock import SystemClock
from wayhook.testing import FakeClock, FakeTransport, RecordingSink

Make = Callable[..., wh.Action]

NEVER = wh.TransportError("the host cannot be connected to", wh.Evidence.NEVER_SENT)
AMBIGUOUS = wh.TransportError("the connection broke", wh.Evidence.AMBIGUOUS)
EXPIRED = wh.TransportError("the time was used up", wh.Evidence.EXPIRED)
CERTIFICATE = wh.TransportError("the certificate is not trusted", wh.Evidence.PERMANENT)
REFUSED = wh.TransportError("the address is not public", wh.Evidence.REFUSED)
SHORT = wh.TransportError("no file descriptor is free", wh.Evidence.NEVER_SENT, local=True)
WAITED = wh.TransportError("no connection was free in time", wh.Evidence.EXPIRED, wh.Delivery.UNAVAILABLE, local=True)
FAILING = [NEVER, AMBIGUOUS, EXPIRED, wh.Response(500), wh.Response(503), wh.Response(501), wh.Response(999)]
HARMLESS = [wh.Response(404), wh.Response(401), wh.Response(429), wh.Response(408), CERTIFICATE, REFUSED]
HARMLESS += [SHORT, WAITED]
TOKEN = wh.CustomAuthorization("https://auth.example.com/token", body_type="form")
ISSUED = wh.Response(200, body=b'{"access_token": "t"}')


class Other(FakeTransport):
    """A destination whose answer can be set, and that takes the time of the fake clock."""

    def __init__(self, answer: Any, clock: FakeClock | None = None) -> None:
        super().__init__(lambda request: self.issued if "auth." in request.url else self.answer)
        self.answer, self.issued, self.clock = answer, ISSUED, clock
        self.times: list[float] = []

    async def send(self, request: wh.Request, deadline: float) -> wh.Response:
        self.times.append(self.clock.monotonic() if self.clock else 0.0)
        await asyncio.sleep(0)
        return await super().send(request, deadline)

    @property
    def calls(self) -> int:
        return len([request for request in self.requests if "auth." not in request.url])


def _executor(transport: FakeTransport, clock: FakeClock, **settings: Any) -> wh.Executor:
    return wh.Executor(transport=transport, clock=clock, **{"random": lambda: 0.5, **settings})


def _without_breaker() -> wh.Guardrails:
    return attrs.evolve(wh.Guardrails.standard(), breaker=None)


def _throttled(seconds: float) -> wh.Response:
    return wh.Response(429, (("retry-after", str(seconds)),))


@pytest.mark.parametrize("answer", [NEVER, AMBIGUOUS, wh.Response(500), wh.Response(503), wh.Response(408)], ids=str)
async def test_an_outage_brings_a_bounded_share_of_repeats(ping: Make, answer: Any, clock: FakeClock) -> None:
    """A thousand calls into a total outage send at most 1.10 times as many requests, and 50 more (P14)."""
    transport = Other(answer)
    rails = attrs.evolve(_without_breaker(), destination_pauses=False)

    async with _executor(transport, clock, guardrails=rails) as executor:
        for _ in range(1000):
            await executor.call(ping("PUT"))

    assert 1000 < transport.calls <= 1100 + 50


async def test_a_throttle_costs_twice(ping: Make, clock: FakeClock) -> None:
    """Repeats after a throttle use the budget up twice as fast (F52)."""
    requests = []
    for status in (408, 429):
        transport = Other(wh.Response(status))
        rails = attrs.evolve(_without_breaker(), retry_budget=wh.RetryBudget(share=0, at_first=10))
        async with _executor(transport, clock, guardrails=rails) as executor:
            for _ in range(10):
                await executor.call(ping())
        requests.append(transport.calls)

    assert requests == [10 + 10, 10 + 5]


async def test_the_budget_is_of_one_destination(ping: Make, clock: FakeClock) -> None:
    """What one destination uses up is not taken from another, of the same host on another scheme neither."""
    transport = Other(NEVER)
    rails = attrs.evolve(_without_breaker(), retry_budget=wh.RetryBudget(share=0, at_first=3, at_most=3))
    urls = ["https://a.example.com/", "http://a.example.com/", "https://b.example.com/x", "https://a.example.com:443/"]
    seen = []

    async with _executor(transport, clock, guardrails=rails) as executor:
        for url in urls:
            before = transport.calls
            await executor.call(ping(url_configuration=wh.UrlConfiguration(url, method="PUT")))
            seen.append(transport.calls - before)

    assert seen == [4, 4, 4, 1]


async def test_a_replay_with_a_new_token_costs_no_repeat(ping: Make, clock: FakeClock) -> None:
    """A 401 is answered with a new token whatever the budget (P31)."""
    transport = Other(wh.Response(401))
    rails = attrs.evolve(wh.Guardrails.standard(), retry_budget=wh.RetryBudget(share=0, at_first=0))

    async with _executor(transport, clock, guardrails=rails) as executor:
        await executor.call(ping(authentication=TOKEN))

    assert transport.calls == 2


async def test_a_401_after_a_failure_is_replayed_too(ping: Make, clock: FakeClock) -> None:
    """The replay is one per execution, whenever the token is refused (F66)."""
    answers = iter([wh.Response(503), wh.Response(401), wh.Response(503), wh.Response(401)])
    transport = Other(None)
    transport._replies = [lambda request: ISSUED if "auth." in request.url else next(answers)]

    async with _executor(transport, clock) as executor:
        outcome = await executor.call(ping(authentication=TOKEN))

    assert [attempt.status for attempt in outcome.attempts] == [503, 401, 503, 401]
    assert [attempt.number for attempt in outcome.attempts] == [1, 2, 3, 4]
    assert len(transport.requests) - transport.calls == 2


async def test_a_call_is_replayed_once(ping: Make, clock: FakeClock) -> None:
    """A second 401 of one execution is its outcome, also when something else came between (P32)."""
    answers = iter([wh.Response(401), wh.Response(503), wh.Response(401), wh.Response(200)])
    transport = Other(None)
    transport._replies = [lambda request: ISSUED if "auth." in request.url else next(answers)]

    async with _executor(transport, clock) as executor:
        outcome = await executor.call(ping(authentication=TOKEN))

    assert [attempt.status for attempt in outcome.attempts] == [401, 503, 401]
    assert outcome.delivery is wh.Delivery.REJECTED


async def test_a_wait_that_was_asked_for_leaves_time_for_the_attempt(ping: Make, clock: FakeClock) -> None:
    """The jitter after a Retry-After is at most half of what is left of the deadline then (P11)."""
    transport = FakeTransport([_throttled(1), wh.Response(200)])

    async with _executor(transport, clock, random=lambda: 1.0) as executor:
        outcome = await executor.call(ping(), timeout=1.2)

    assert outcome.succeeded
    assert clock.waits == [pytest.approx(1.1)]


class Together(FakeClock):
    """A clock on which many wait at once; `run` moves it while a task is under way."""

    async def sleep(self, seconds: float) -> None:
        until = self.monotonic() + seconds
        while self.monotonic() < until:  # noqa: ASYNC110 - the clock says no event
            await asyncio.sleep(0)

    async def run(self, task: asyncio.Future[Any]) -> None:
        while not task.done():
            self.pass_time(1 / 64)
            for _ in range(5):
                await asyncio.sleep(0)


async def test_a_pause_holds_everybody_back(ping: Make) -> None:
    """After a Retry-After nobody calls before the time, also with another action; afterwards they come apart (P15)."""
    clock, shares = Together(), iter([0.5, 0.25, 0.75, 1.0])
    transport = Other(_throttled(2), clock)
    rails = attrs.evolve(wh.Guardrails.standard(), retry_budget=wh.RetryBudget(share=0, at_first=0))

    async with _executor(transport, clock, guardrails=rails, random=lambda: next(shares)) as executor:
        await executor.call(ping())
        transport.answer = wh.Response(200)
        clock.pass_time(0.5)
        calls = asyncio.gather(*(executor.call(ping(name=name)) for name in "ABC"))
        await clock.run(calls)

    assert all(outcome.succeeded for outcome in await calls)
    assert transport.times[1:] == [2.125, 2.375, 2.5]


async def test_who_cannot_wait_ends_at_once(ping: Make, clock: FakeClock) -> None:
    """A call whose deadline comes before the end of the pause ends with `not_before`, and sends nothing (P15)."""
    transport = Other(_throttled(60), clock)

    async with _executor(transport, clock) as executor:
        await executor.call(ping())
        clock.pass_time(10)
        outcome = await executor.call(ping())

    assert (transport.calls, clock.waits, outcome.attempts) == (1, [], ())
    assert (outcome.status, outcome.delivery) == ("internalError", wh.Delivery.UNAVAILABLE)
    assert outcome.not_before == clock.now() + timedelta(seconds=50)
    with pytest.raises(wh.DestinationUnavailable) as caught:
        outcome.raise_for_error()
    assert caught.value.not_before == outcome.not_before


async def test_who_can_just_wait_does(ping: Make, clock: FakeClock) -> None:
    """The spread after a pause leaves half of what is left of the deadline, so that it ends no call."""
    transport = Other(_throttled(4.8), clock)
    transport.answer = _throttled(4)

    async with _executor(transport, clock, random=lambda: 1.0) as executor:
        await executor.call(ping(), timeout=1)
        transport.answer = wh.Response(200)
        outcome = await executor.call(ping(), timeout=4.2)

    assert outcome.succeeded
    assert 4 <= transport.times[-1] <= 4.1


@pytest.mark.parametrize("status", [429, 503, 529])
async def test_a_throttle_without_a_time_pauses_as_long_as_its_wait(ping: Make, clock: FakeClock, status: int) -> None:
    """The pause is the backoff of that attempt: the call itself waits for it once, and not for longer (P12)."""
    shares = iter([0.9, 0.1, 0.4, 0.3, 0.2, 0.6, 0.8])
    transport = Other(wh.Response(status), clock)

    async with _executor(transport, clock, random=lambda: next(shares)) as executor:
        await executor.call(ping())

    assert clock.waits == pytest.approx([0.9 * 0.3, 0.1 * 0.6, 0.4 * 1.0])


async def test_an_edition_without_pauses_has_none(ping: Make, clock: FakeClock) -> None:
    """The product's editions repeat by their own rule, and hold nobody else back."""
    transport = Other(_throttled(60), clock)

    async with _executor(transport, clock, guardrails=wh.Guardrails.journey_orchestration()) as executor:
        await executor.call(ping())
        outcome = await executor.call(ping())

    assert len(outcome.attempts) == 1


class Slow:
    """A limiter that lets a call wait while something happens."""

    def __init__(self, meanwhile: Callable[[], Any]) -> None:
        self.meanwhile = meanwhile

    @asynccontextmanager
    async def place(self, method: str, url: str) -> AsyncIterator[float]:
        await self.meanwhile()
        yield 0.0


async def test_a_pause_that_began_in_the_queue_is_kept(ping: Make, clock: FakeClock) -> None:
    """A call that waited for a place asks its destination again before it goes (P15)."""
    transport = Other(_throttled(2), clock)
    rails = attrs.evolve(wh.Guardrails.standard(), retry_budget=wh.RetryBudget(share=0, at_first=0))
    limiter = Slow(lambda: asyncio.sleep(0))

    async with _executor(transport, clock, guardrails=rails, limiter=limiter) as executor:

        async def throttle() -> None:
            limiter.meanwhile = lambda: asyncio.sleep(0)
            await executor.call(ping())
            transport.answer = wh.Response(200)

        limiter.meanwhile = throttle
        outcome = await executor.call(ping())

    assert outcome.succeeded
    assert transport.times[0] == 0
    assert transport.times[1] >= 2


async def test_a_pause_that_began_while_the_token_came_is_kept(ping: Make, clock: FakeClock) -> None:
    """A call that waited for its token asks its destination again before it goes (P15)."""
    transport = Other(wh.Response(200), clock)
    rails = attrs.evolve(wh.Guardrails.standard(), retry_budget=wh.RetryBudget(share=0, at_first=0))

    async with _executor(transport, clock, guardrails=rails) as executor:
        real = transport.send

        async def send(request: wh.Request, deadline: float) -> wh.Response:
            if "auth." in request.url:
                transport.answer = _throttled(2)
                await executor.call(ping())
                transport.answer = wh.Response(200)
            return await real(request, deadline)

        transport.send = send  # type: ignore[method-assign]
        outcome = await executor.call(ping(authentication=TOKEN))

    assert outcome.succeeded
    assert transport.times[-1] >= 2


def _breakers(sink: RecordingSink) -> list[tuple[str, str]]:
    return [(event.destination, event.state) for event in sink.events if isinstance(event, wh.BreakerChanged)]


async def _fail(executor: wh.Executor, action: wh.Action, transport: Other, answer: Any, times: int = 20) -> None:
    """Let the destination fail so often, one attempt a call."""
    transport.answer = answer
    for _ in range(times):
        await executor.call(action)


ONCE = attrs.evolve(
    wh.Guardrails.standard(), retry_budget=wh.RetryBudget(share=0, at_first=0), destination_pauses=False
)


@pytest.mark.parametrize("answer", FAILING, ids=str)
async def test_a_destination_that_fails_is_given_time(ping: Make, clock: FakeClock, answer: Any) -> None:
    """After twenty failures nothing is sent for half a minute, and the answer is there at once, with its time (P16)."""
    transport, sink = Other(answer), RecordingSink()

    async with _executor(transport, clock, guardrails=ONCE, events=[sink]) as executor:
        await _fail(executor, ping("PUT"), transport, answer)
        clock.pass_time(29)
        started = perf_counter()
        outcome = await executor.call(ping("PUT"))
        took = perf_counter() - started

    assert transport.calls == 20
    assert (outcome.delivery, outcome.attempts) == (wh.Delivery.UNAVAILABLE, ())
    assert outcome.not_before == clock.now() + timedelta(seconds=1)
    assert isinstance(outcome.cause, wh.DestinationUnavailable)
    assert took < 0.25
    assert _breakers(sink) == [("https://api.example.com", "open")]


@pytest.mark.parametrize("answer", HARMLESS, ids=str)
async def test_what_is_no_failure_of_the_destination_opens_nothing(ping: Make, clock: FakeClock, answer: Any) -> None:
    """A 4xx, a 429, a bad certificate, our own refusals and shortages tell nothing against a destination (P17)."""
    transport = Other(answer)

    async with _executor(transport, clock, guardrails=ONCE) as executor:
        await _fail(executor, ping("PUT"), transport, answer, 100)

    assert transport.calls == 100


async def test_time_that_was_used_up_before_opens_nothing(ping: Make, clock: FakeClock) -> None:
    """Calls that come out of a queue or from a slow secret too late have not reached their destination (P17)."""
    transport = Other(wh.Response(200), clock)
    limiter = Slow(lambda: asyncio.sleep(0, clock.pass_time(6)))
    rails = attrs.evolve(ONCE, breaker=wh.BreakerRule(calls=2))

    async with _executor(transport, clock, guardrails=rails, limiter=limiter) as executor:
        late = [await executor.call(ping(), timeout=5) for _ in range(5)]
        limiter.meanwhile = lambda: asyncio.sleep(0)
        outcome = await executor.call(ping(), timeout=5)

    assert {(outcome.status, outcome.delivery) for outcome in late} == {("timedout", wh.Delivery.UNAVAILABLE)}
    assert outcome.succeeded
    assert transport.calls == 1


async def test_half_of_the_calls_must_fail(ping: Make, clock: FakeClock) -> None:
    """Fewer than half of the attempts open nothing, and what is older than half a minute does not count."""
    transport = Other(None)

    async with _executor(transport, clock, guardrails=ONCE) as executor:
        for _ in range(50):
            await _fail(executor, ping(), transport, wh.Response(200), 2)
            await _fail(executor, ping(), transport, wh.Response(500), 1)
        clock.pass_time(31)
        await _fail(executor, ping(), transport, wh.Response(500), 19)
        assert transport.calls == 169
        await _fail(executor, ping(), transport, wh.Response(500), 2)

    assert transport.calls == 170


async def _opened(executor: wh.Executor, action: wh.Action, transport: Other, clock: FakeClock) -> None:
    await _fail(executor, action, transport, wh.Response(500))
    clock.pass_time(30)


class Gate(Other):
    """A destination that answers when it is told."""

    def __init__(self) -> None:
        super().__init__(None)
        self.open = asyncio.Event()
        self.open.set()

    async def send(self, request: wh.Request, deadline: float) -> wh.Response:
        self.requests.append(request)
        await self.open.wait()
        if isinstance(self.answer, wh.TransportError):
            raise self.answer
        return self.answer


async def test_an_open_breaker_answers_at_once(ping: Make, clock: FakeClock) -> None:
    """A call to it waits for nothing at all: it ends without a step of the loop, and no request is made (P16)."""
    transport = Other(wh.Response(500))

    async with _executor(transport, clock) as executor:
        for _ in range(20):
            await executor.call(ping())
        before, waited = transport.calls, len(clock.waits)
        with pytest.raises(StopIteration) as ended:
            executor.call(ping()).send(None)
        outcome = ended.value.value

    assert (outcome.delivery, outcome.attempts) == (wh.Delivery.UNAVAILABLE, ())
    assert outcome.not_before is not None
    assert (transport.calls, len(clock.waits)) == (before, waited)


async def test_exactly_one_call_is_the_probe(ping: Make, clock: FakeClock) -> None:
    """Of a hundred calls after the time one goes through; the others behave as when open, and then all go (P16)."""
    gate, sink = Gate(), RecordingSink()

    async with _executor(gate, clock, guardrails=ONCE, events=[sink]) as executor:
        await _opened(executor, ping(), gate, clock)
        gate.answer = wh.Response(200)
        gate.open.clear()
        calls = [asyncio.create_task(executor.call(ping())) for _ in range(100)]
        for _ in range(10):
            await asyncio.sleep(0)
        probes = gate.calls - 20
        gate.open.set()
        outcomes = await asyncio.gather(*calls)
        await _fail(executor, ping(), gate, wh.Response(200), 5)

    assert probes == 1
    assert [outcome.succeeded for outcome in outcomes].count(True) == 1
    assert gate.calls == 20 + 1 + 5
    assert [state for _, state in _breakers(sink)] == ["open", "half open", "closed"]


async def test_a_probe_that_fails_opens_for_longer(ping: Make, clock: FakeClock) -> None:
    """The time doubles with each probe that fails, up to five minutes, and begins anew after a success (P16)."""
    transport, waits = Other(wh.Response(500)), []

    async with _executor(transport, clock, guardrails=ONCE) as executor:
        await _opened(executor, ping(), transport, clock)
        for _ in range(6):
            await executor.call(ping())
            outcome = await executor.call(ping())
            assert outcome.not_before is not None
            waits.append((outcome.not_before - clock.now()).total_seconds())
            clock.pass_time(waits[-1])
        await _fail(executor, ping(), transport, wh.Response(200), 1)
        before = transport.calls
        await _fail(executor, ping(), transport, wh.Response(500), 20)

    assert waits == [60, 120, 240, 300, 300, 300]
    assert transport.calls == before + 20


@pytest.mark.parametrize("share", [0.0, 1.0])
async def test_the_time_is_spread(ping: Make, clock: FakeClock, share: float) -> None:
    """Half a minute, give or take a fifth, so that many processes do not come back together."""
    transport = Other(wh.Response(500))

    async with _executor(transport, clock, guardrails=ONCE, random=lambda: share) as executor:
        await _fail(executor, ping(), transport, wh.Response(500))
        outcome = await executor.call(ping())

    assert outcome.not_before == clock.now() + timedelta(seconds=24 if share == 0 else 36)


async def _cancelled(executor: wh.Executor, action: wh.Action) -> None:
    call = asyncio.create_task(executor.call(action))
    for _ in range(10):
        await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_a_cancelled_probe_gives_its_place_back(ping: Make, clock: FakeClock) -> None:
    """Nothing was learnt: the next call is the probe (P16)."""
    gate = Gate()

    async with _executor(gate, clock, guardrails=ONCE) as executor:
        await _opened(executor, ping(), gate, clock)
        gate.open.clear()
        await _cancelled(executor, ping())
        gate.open.set()
        gate.answer = wh.Response(200)
        outcome = await executor.call(ping())

    assert outcome.succeeded


class Shifted(SystemClock):
    """The clock of the machine, set on."""

    shift = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.shift


async def test_a_probe_that_hangs_is_a_failure(ping: Make) -> None:
    """A probe that a deaf transport keeps beyond its deadline is cut off, and the breaker opens again (P16)."""
    gate, clock = Gate(), Shifted()
    rails = attrs.evolve(ONCE, timeout_range=(0.05, 1), default_timeout=0.05)

    async with wh.Executor(transport=gate, guardrails=rails, clock=clock) as executor:
        await _fail(executor, ping(), gate, wh.Response(500))
        clock.shift = 40
        gate.open.clear()
        hung = await executor.call(ping())
        refused = await executor.call(ping())

    assert (hung.status, hung.delivery) == ("timedout", wh.Delivery.UNKNOWN)
    assert isinstance(refused.cause, wh.DestinationUnavailable)


async def test_a_probe_without_a_token_gives_its_place_back(ping: Make, clock: FakeClock) -> None:
    """A call that got no token never was the probe."""
    transport = Other(None)

    async with _executor(transport, clock, guardrails=ONCE) as executor:
        await _opened(executor, ping(), transport, clock)
        transport.issued = wh.Response(400)
        failed = await executor.call(ping(authentication=TOKEN))
        transport.answer = wh.Response(200)
        outcome = await executor.call(ping())

    assert isinstance(failed.cause, wh.AuthenticationFailed)
    assert outcome.succeeded


async def test_an_open_breaker_answers_before_a_queue(ping: Make, clock: FakeClock) -> None:
    """A call to a destination that is given time waits for no place (P16)."""
    transport, asked = Other(None), []
    limiter = Slow(lambda: asyncio.sleep(0, asked.append(1)))

    async with _executor(transport, clock, guardrails=ONCE, limiter=limiter) as executor:
        await _fail(executor, ping(), transport, wh.Response(500))
        await executor.call(ping())

    assert (transport.calls, len(asked)) == (20, 20)


async def test_a_repeat_stops_where_the_breaker_opens(ping: Make, clock: FakeClock) -> None:
    """The call whose failure opens the breaker ends with its own answer, and the time of the destination."""
    transport = Other(wh.Response(500))
    rails = attrs.evolve(wh.Guardrails.standard(), breaker=wh.BreakerRule(calls=2, spread=0))

    async with _executor(transport, clock, guardrails=rails) as executor:
        outcome = await executor.call(ping("PUT"))

    assert (outcome.status, len(outcome.attempts), outcome.delivery) == ("http_500", 2, wh.Delivery.UNKNOWN)
    assert outcome.not_before is not None


async def test_a_token_endpoint_is_a_destination_too(ping: Make, clock: FakeClock) -> None:
    """What a token endpoint asks for is kept by all who need a token of it, and said at once (P11, P15)."""
    transport = Other(wh.Response(200))
    transport.issued = _throttled(60)

    async with _executor(transport, clock) as executor:
        first = await executor.call(ping(authentication=TOKEN))
        again = await executor.call(ping(authentication=TOKEN))
        clock.pass_time(61)
        transport.issued = ISSUED
        later = await executor.call(ping(authentication=TOKEN))

    assert [outcome.delivery for outcome in (first, again)] == [wh.Delivery.UNAVAILABLE] * 2
    assert first.not_before == again.not_before is not None
    assert clock.waits == []
    assert later.succeeded
    assert len(transport.requests) == 1 + 1 + 1


async def test_many_destinations_are_forgotten_not_collected(clock: FakeClock) -> None:
    """What is known of destinations is bounded: those not used for long are forgotten."""
    transport = Other(wh.Response(200))

    async with _executor(transport, clock) as executor:
        destinations = executor._means.destinations
        for number in range(5000):
            destinations.of(f"https://h{number}.example.com")

    assert len(destinations._kept) == 4096
    assert "https://h4999.example.com" in destinations._kept
    assert "https://h0.example.com" not in destinations._kept


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (wh.BreakerRule, {"share": 0}),
        (wh.BreakerRule, {"calls": 0}),
        (wh.BreakerRule, {"window": 1.5}),
        (wh.BreakerRule, {"open_for": float("nan")}),
        (wh.BreakerRule, {"spread": 2}),
        (wh.RetryBudget, {"share": -0.1}),
        (wh.RetryBudget, {"at_first": True}),
        (wh.RetryBudget, {"at_most": -1}),
    ],
)
def test_rules_have_ranges(make: Callable[..., Any], wrong: dict[str, Any]) -> None:
    """A rule out of its range is refused by name."""
    [name] = wrong

    with pytest.raises(wh.DefinitionError, match=rf"\$\.{name}: "):
        make(**wrong)
