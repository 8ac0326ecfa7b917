"""Limits: calls above a cap are refused, calls above a throttling rule wait, each attempt counting (R214 to R225)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import attrs
import pytest

import wayhook as wh
from wayhook.testing import FakeClock, FakeTransport, RecordingSink

Make = Callable[..., wh.Action]
URL = "https://api.example.com/v1"
POST = ("POST", URL)
HOURS = 3600


async def admitted_by(limiter: wh.Limiter, method: str, url: str) -> bool:
    """Whether the limiter has a place now."""
    try:
        async with limiter.place(method, url):
            return True
    except wh.Discarded:
        return False


def _limiter(clock: FakeClock, count: int, period_in_ms: int = 1000, **fields: object) -> wh.WindowLimiter:
    return wh.WindowLimiter([wh.CappingRule(URL + "*", wh.Rating(count, period_in_ms), **fields)], clock=clock)


def throttling(throughput: int, url: str = URL + "*") -> wh.ThrottlingRule:
    """A throttling rule for calls by POST."""
    return wh.ThrottlingRule(url, ["POST"], throughput)


def connections(limit: int, count: int = 1000, url: str = URL + "*", **fields: object) -> wh.CappingRule:
    """A capping rule with a limit of connections."""
    return wh.CappingRule(url, wh.Rating(count, 1000, limit), **fields)


class Caller:
    """One call: `entered` tells when it has a place, which it keeps until `end`."""

    def __init__(self, limiter: wh.Limiter, method: str = "POST", url: str = URL) -> None:
        self.entered, self._ended = False, asyncio.Event()
        self.waited: float | None = None
        self.task = asyncio.create_task(self._call(limiter, method, url))

    async def _call(self, limiter: wh.Limiter, method: str, url: str) -> None:
        async with limiter.place(method, url) as self.waited:
            self.entered = True
            await self._ended.wait()

    async def end(self) -> None:
        """Let the attempt end."""
        self._ended.set()
        await self.task


async def settle() -> None:
    """Let every task run as far as it comes."""
    for _ in range(20):
        await asyncio.sleep(0)


async def callers(limiter: wh.Limiter, count: int, *call: str) -> list[Caller]:
    """So many callers, each of them as far as it comes."""
    started = [Caller(limiter, *call) for _ in range(count)]
    await settle()
    return started


@pytest.mark.rule("R187", "R215", "R225")
async def test_a_call_above_the_rate_is_not_sent(ping: Make, clock: FakeClock) -> None:
    """The second call of a second is capped: no request, no attempt, no repeat."""
    transport, sink = FakeTransport(), RecordingSink()
    parts = {"transport": transport, "clock": clock, "limiter": _limiter(clock, 1), "events": [sink]}

    async with wh.Executor(**parts) as executor:
        first = await executor.call(ping())
        second = await executor.call(ping())

    assert (first.status, second.status) == ("http_200", "capped")
    assert (len(transport.requests), second.attempts, clock.waits) == (1, (), [])
    assert second.call is not None
    assert [outcome.status for outcome in sink.outcomes] == ["http_200", "capped"]
    with pytest.raises(wh.Discarded):
        second.raise_for_error()


@pytest.mark.rule("R214")
async def test_each_attempt_takes_a_place(ping: Make, clock: FakeClock) -> None:
    """Of a call that always fails the third repeat finds no place under a cap of three."""
    transport = FakeTransport(wh.Response(500))
    limiter = _limiter(clock, 3, 60_000)

    async with wh.Executor(transport=transport, clock=clock, limiter=limiter) as executor:
        outcome = await executor.call(ping("PUT"))

    assert (outcome.status, len(transport.requests)) == ("capped", 3)
    assert [attempt.status for attempt in outcome.attempts] == [500, 500, 500]


@pytest.mark.rule("R216")
async def test_journeys_share_a_cap(ping: Make, clock: FakeClock) -> None:
    """What one journey used is not there for another."""
    repository, transport = wh.MemoryRepository(), FakeTransport()
    await repository.save(ping())
    for name in ("A", "B"):
        await repository.save(wh.Journey(name, [wh.ActionActivity("Ping", label="p")]))
    limiter = _limiter(clock, 1)

    async with wh.Executor(repository, transport=transport, clock=clock, limiter=limiter) as executor:
        statuses = [(await executor.execute(name, "p", wh.Context())).status for name in ("A", "B")]

    assert statuses == ["http_200", "capped"]


TOKEN = wh.CustomAuthorization("https://api.example.com/v1/token", body_type="form", token_in_response="response")
WITH_TOKEN = wh.Action(name="Ping", url_configuration=wh.UrlConfiguration(URL), authentication=TOKEN)


@pytest.mark.rule("R214")
@pytest.mark.parametrize(
    ("rules", "statuses"),
    [
        ([wh.CappingRule(URL, wh.Rating(1))], ["http_200", "capped"]),
        ([wh.CappingRule(URL + "*", wh.Rating(3))], ["http_200", "http_200", "capped"]),
        ([wh.CappingRule(URL + "*", wh.Rating(1))], ["capped"]),
        ([wh.CappingRule(URL + "*", wh.Rating(100, 1000, 1))], ["http_200", "http_200"]),
        ([wh.ThrottlingRule(URL + "*", ["POST"], 1)], ["http_200", "http_200"]),
    ],
    ids=["another address", "its own address", "no place for both", "one connection", "throttled"],
)
async def test_a_token_call_takes_a_place_where_a_cap_covers_its_own_address(
    rules: list, statuses: list[str], clock: FakeClock
) -> None:
    """A token call counts below a cap of its own URL; it waits for nothing, least of all for its own action."""
    limiter = wh.WindowLimiter(rules, clock=clock)
    transport = FakeTransport(wh.Response(200, body=b"t"))

    async with wh.Executor(transport=transport, clock=clock, limiter=limiter) as executor:
        found = [(await executor.call(WITH_TOKEN)).status for _ in statuses]

    assert found == statuses
    assert clock.monotonic() < 2


async def test_a_limiter_sees_no_secret(ping: Make) -> None:
    """What decides about a rate gets method and URL, without the secret in it."""
    seen: list[tuple[str, str]] = []

    class Watching:
        @asynccontextmanager
        async def place(self, method: str, url: str) -> AsyncIterator[float]:
            seen.append((method, url))
            yield 0.0

    key = wh.ApiKeyAuthentication("key", wh.literal_secret("canary-1"), location="query")

    async with wh.Executor(transport=FakeTransport(), limiter=Watching()) as executor:
        await executor.call(ping(authentication=key))

    assert [(method, urlsplit(url).path) for method, url in seen] == [("POST", "/v1")]
    assert "canary-1" not in repr(seen)


@pytest.mark.rule("R219", both=True)
async def test_a_window_slides(clock: FakeClock) -> None:
    """A burst across the border of two minutes is refused as one within a minute is."""
    limiter = _limiter(clock, 2, 60_000)
    admitted = []

    for moment in (59, 0.5, 0.5, 58.5, 0.5, 0.5):
        clock.pass_time(moment)
        admitted.append(await admitted_by(limiter, "POST", URL))

    assert admitted == [True, True, False, False, True, True]


@pytest.mark.rule("R217")
@pytest.mark.parametrize(
    ("rule", "covered", "free"),
    [
        (wh.CappingRule(URL, wh.Rating(1), methods={"POST"}), ("POST", URL), ("PUT", URL)),
        (wh.CappingRule(URL, wh.Rating(1)), ("DELETE", URL), ("DELETE", URL + "/x")),
        (wh.CappingRule(URL + "/*", wh.Rating(1)), ("GET", URL + "/a/b"), ("GET", URL)),
        (wh.CappingRule(URL + "/*/send", wh.Rating(1)), ("GET", URL + "/a/send"), ("GET", URL + "/a/sent")),
        (
            wh.CappingRule("https://api.example.com/a.b", wh.Rating(1)),
            ("GET", "https://api.example.com/a.b"),
            ("GET", URL + "axb"),
        ),
    ],
    ids=["method", "exact", "wildcard", "wildcard inside", "a dot is a dot"],
)
async def test_a_rule_counts_what_it_covers(
    rule: wh.CappingRule, covered: tuple[str, str], free: tuple[str, str], clock: FakeClock
) -> None:
    """A rule is bound to its method and endpoint; other calls neither count nor are refused."""
    limiter = wh.WindowLimiter([rule], clock=clock)

    admitted = [await admitted_by(limiter, *call) for call in (free, covered, covered, free)]

    assert admitted == [True, True, False, True]


async def test_a_refused_call_takes_no_place_anywhere(clock: FakeClock) -> None:
    """A call that one of two rules refuses takes no place of the other."""
    wide = wh.CappingRule("https://api.example.com/*", wh.Rating(2))
    narrow = wh.CappingRule("https://api.example.com/slow", wh.Rating(1))
    limiter = wh.WindowLimiter([wide, narrow], clock=clock)
    slow, fast = "https://api.example.com/slow", "https://api.example.com/fast"

    admitted = [await admitted_by(limiter, "GET", url) for url in (slow, slow, slow, fast, fast)]

    assert admitted == [True, False, False, True, False]


@pytest.mark.rule("R222", both=True)
@pytest.mark.rule("R268")
async def test_calls_above_a_throttling_rule_wait_in_order(clock: FakeClock) -> None:
    """Of 250 calls at 200 a second, 200 go at once and the others a second later, in order."""
    limiter, went = wh.WindowLimiter([throttling(200)], clock=clock), []

    async def call(number: int) -> None:
        async with limiter.place(*POST) as waited:
            went.append((number, waited))

    await asyncio.gather(*map(call, range(250)))

    assert [number for number, _ in went] == list(range(250))
    assert [waited for _, waited in went[:200]] == [0.0] * 200
    assert (went[200][1], clock.waits) == (1.0, [1.0])


@pytest.mark.rule("R224", "R235", "R236")
async def test_the_time_in_the_queue_is_not_part_of_the_budget(ping: Make, clock: FakeClock) -> None:
    """A call that waited longer than its timeout is made, and its outcome tells how long it waited."""
    limiter = wh.WindowLimiter([throttling(1)], clock=clock)
    transport = FakeTransport(clock=clock, seconds=0.2)

    async with wh.Executor(transport=transport, clock=clock, limiter=limiter) as executor:
        outcomes = await asyncio.gather(*(executor.call(ping(), timeout=1) for _ in range(4)))

    assert [outcome.status for outcome in outcomes] == ["http_200"] * 4
    assert max(outcome.queued for outcome in outcomes) > 0.7
    assert all(outcome.attempts[0].elapsed == pytest.approx(0.2) for outcome in outcomes)


@pytest.mark.rule("R224")
async def test_a_repetition_that_waited_may_be_repeated(ping: Make, clock: FakeClock) -> None:
    """The wait of a second attempt takes nothing from the time for a third."""
    replies = [wh.Response(503), wh.Response(503), wh.Response(200)]
    limiter = wh.WindowLimiter([throttling(1)], clock=clock)
    parts = {"transport": FakeTransport(replies), "clock": clock, "limiter": limiter, "random": lambda: 0.0}

    async with wh.Executor(**parts) as executor:
        outcome = await executor.call(ping(), timeout=1)

    assert (outcome.status, outcome.queued, clock.monotonic()) == ("http_200", 2.0, 2.0)


@pytest.mark.rule("R223")
@pytest.mark.parametrize(("hours", "went"), [(5.99, True), (6.01, False)])
async def test_a_call_waits_for_six_hours_at_most(hours: float, went: bool, clock: FakeClock) -> None:  # noqa: FBT001
    """A place that comes after 5 h 59 is taken, one after more than 6 hours is not, and the error says why."""
    limiter = wh.WindowLimiter([connections(1)], clock=clock)
    first, second = await callers(limiter, 2)

    clock.pass_time(hours * HOURS)
    await first.end()
    await settle()

    assert second.entered is went
    if went:
        assert second.waited == pytest.approx(hours * HOURS)
        await second.end()
    else:
        with pytest.raises(wh.Discarded, match=r"6 hours .* \(R223\)"):
            await second.task
        assert await admitted_by(limiter, *POST)


async def test_a_queue_expires_from_its_head(clock: FakeClock) -> None:
    """Of a throttled queue that stood still, those who came too long ago are refused, and who came later goes."""
    limiter = wh.WindowLimiter([throttling(1), connections(1)], clock=clock)
    holder, *old = await callers(limiter, 3)
    clock.pass_time(5 * HOURS)
    [young] = await callers(limiter, 1)

    clock.pass_time(2 * HOURS)
    await holder.end()
    await settle()

    assert [caller.task.done() for caller in old] == [True, True]
    assert [isinstance(caller.task.exception(), wh.Discarded) for caller in old] == [True, True]
    assert young.entered
    await young.end()


async def test_a_cancelled_caller_passes_its_place_on(clock: FakeClock) -> None:
    """Callers that give up, at the head of the queue and inside of it, leave the order of the others as it was."""
    limiter = wh.WindowLimiter([connections(1)], clock=clock)
    holder, head, middle, last = await callers(limiter, 4)

    for caller in (middle, head):
        caller.task.cancel()
    await settle()
    assert not last.entered
    await holder.end()
    await settle()

    assert last.entered
    await last.end()
    assert limiter._lanes == {}


async def test_a_sleeper_that_is_cancelled_lets_the_next_sleep() -> None:
    """Whoever waits for the time to pass can be cancelled, and the next in the queue goes when it has passed."""
    times = [0.0]
    tick = asyncio.Event()

    class Slow(FakeClock):
        def monotonic(self) -> float:
            return times[0]

        async def sleep(self, seconds: float) -> None:
            await tick.wait()

    limiter = wh.WindowLimiter([throttling(1)], clock=Slow())
    first, second, third = await callers(limiter, 3)
    second.task.cancel()
    await settle()

    times[0] = 1.0
    tick.set()
    await settle()

    assert (first.entered, second.entered, third.entered, third.waited) == (True, False, True, 1.0)
    for caller in (first, third):
        await caller.end()


@pytest.mark.rule("R246")
async def test_no_more_attempts_are_under_way_than_connections(clock: FakeClock) -> None:
    """A call beyond the limit of connections waits until one ends, also by an error or a cancellation."""
    limiter = wh.WindowLimiter([connections(2)], clock=clock)
    first, second, third, fourth = await callers(limiter, 4)
    assert [caller.entered for caller in (first, second, third, fourth)] == [True, True, False, False]

    first.task.cancel()
    await settle()
    assert [third.entered, fourth.entered] == [True, False]
    with pytest.raises(RuntimeError):
        await asyncio.gather(_failing(limiter), second.end(), third.end(), fourth.end())

    assert await admitted_by(limiter, *POST)


async def _failing(limiter: wh.Limiter) -> None:
    async with limiter.place(*POST):
        raise RuntimeError


@pytest.mark.rule("R215", "R246")
async def test_a_call_that_waits_for_a_connection_holds_its_place_in_the_cap(clock: FakeClock) -> None:
    """Calls above the cap are refused at once; those below it are sent, however long they wait for a connection."""
    limiter = wh.WindowLimiter([connections(1, count=3)], clock=clock)
    holder, *waiting = await callers(limiter, 3)

    refused = [await admitted_by(limiter, *POST) for _ in range(2)]
    clock.pass_time(1)
    late = await callers(limiter, 1)
    for caller in (holder, *waiting, *late):
        await settle()
        await caller.end()

    assert refused == [False, False]
    assert all(caller.entered for caller in (*waiting, *late))


async def test_a_caller_that_gives_up_gives_its_place_in_the_cap_back(clock: FakeClock) -> None:
    """What waited for a connection and was cancelled counts nowhere."""
    limiter = wh.WindowLimiter([connections(1, count=2)], clock=clock)
    holder, waiting = await callers(limiter, 2)

    waiting.task.cancel()
    await settle()
    [again] = await callers(limiter, 1)
    await holder.end()
    await settle()

    assert again.entered
    await again.end()


async def test_nobody_waits_for_a_connection_of_another_endpoint(clock: FakeClock) -> None:
    """Below one throttling rule, calls to an endpoint whose connections are taken let the others pass."""
    slow = URL + "/slow"
    limiter = wh.WindowLimiter([throttling(5), connections(1, url=slow)], clock=clock)
    holder, waiting = await callers(limiter, 2, "POST", slow)

    [fast] = await callers(limiter, 1, "POST", URL + "/fast")

    assert (holder.entered, waiting.entered, fast.entered) == (True, False, True)
    for caller in (holder, waiting, fast):
        await settle()
        await caller.end()


async def test_who_came_first_is_not_overtaken_for_long(clock: FakeClock) -> None:
    """A call that needs two places gets both before a later one takes either."""
    slow = URL + "/slow"
    limiter = wh.WindowLimiter([throttling(1), connections(1, url=slow)], clock=clock)
    holder, both = await callers(limiter, 2, "POST", slow)
    [rate_only] = await callers(limiter, 1, "POST", URL + "/fast")
    assert rate_only.entered

    await holder.end()
    [later] = await callers(limiter, 1, "POST", URL + "/fast")

    assert both.waited is not None
    assert later.waited is not None
    for caller in (both, rate_only, later):
        await caller.end()


@pytest.mark.rule("R278")
@pytest.mark.parametrize(("cap", "sent", "seconds"), [(5, 9, 4), (1, 1, 0)], ids=["throttling governs", "cap governs"])
async def test_capping_and_throttling_coexist(cap: int, sent: int, seconds: float, clock: FakeClock) -> None:
    """A cap above the rate of a throttling rule refuses nothing; below it, it refuses at once."""
    rules = [throttling(2), wh.CappingRule(URL, wh.Rating(cap))]
    limiter = wh.WindowLimiter(rules, clock=clock)

    admitted = await asyncio.gather(*(admitted_by(limiter, *POST) for _ in range(9)))

    assert (sum(admitted), clock.monotonic()) == (sent, pytest.approx(seconds))


async def test_a_refused_call_takes_no_place_in_the_queue(clock: FakeClock) -> None:
    """A call that its cap refuses leaves its place below the throttling rule to the next."""
    narrow = URL + "/narrow"
    rules = [throttling(2), wh.CappingRule(narrow, wh.Rating(1, 60_000))]
    limiter = wh.WindowLimiter(rules, clock=clock)

    admitted = [await admitted_by(limiter, "POST", url) for url in (narrow, narrow, narrow, URL + "/wide")]

    assert (admitted, clock.waits) == ([True, False, False, True], [])


@pytest.mark.rule("R218", "R221")
@pytest.mark.parametrize(
    ("guardrails", "statuses"),
    [
        (wh.Guardrails.journey_optimizer(), ["http_200", "http_200", "capped"]),
        (wh.Guardrails.journey_orchestration(), ["http_200"] * 3),
    ],
    ids=lambda value: getattr(value, "edition", ""),
)
async def test_a_host_is_capped_by_default(
    guardrails: wh.Guardrails, statuses: list[str], ping: Make, clock: FakeClock
) -> None:
    """In the optimizer's edition a host has a cap of its own, in each executor; in the other it has none."""
    if guardrails.default_cap is not None:
        guardrails = attrs.evolve(guardrails, default_cap=wh.Rating(2, 60_000))
    other = ping(url_configuration=wh.UrlConfiguration("https://other.example/"))
    parts = {"guardrails": guardrails, "clock": clock}

    async with wh.Executor(transport=FakeTransport(), **parts) as executor:
        found = [(await executor.call(ping())).status for _ in statuses]
        elsewhere = (await executor.call(other)).status
    async with wh.Executor(transport=FakeTransport(), **parts) as executor:
        sandbox = (await executor.call(ping())).status

    assert (found, elsewhere, sandbox) == (statuses, "http_200", "http_200")


@pytest.mark.rule("R220")
@pytest.mark.parametrize(("seconds", "sent"), [(0.7, 5), (0.8, 3)])
async def test_a_slow_host_has_another_cap(seconds: float, sent: int, ping: Make, clock: FakeClock) -> None:
    """After an answer of more than 0.75 seconds the calls to a host count in the cap of slow ones."""
    guardrails = attrs.evolve(
        wh.Guardrails.journey_optimizer(), default_cap=wh.Rating(5, 60_000), slow_cap=wh.Rating(2, 30_000)
    )
    transport = FakeTransport(clock=clock, seconds=seconds)

    async with wh.Executor(transport=transport, guardrails=guardrails, clock=clock) as executor:
        found = [(await executor.call(ping())).status for _ in range(6)]

    assert found.count("http_200") == sent


async def test_a_rule_takes_the_place_of_the_default_cap(clock: FakeClock) -> None:
    """Calls that a rule covers do not count in the cap of their host; spending for a token does not either."""
    rules = [wh.CappingRule(URL, wh.Rating(3, 60_000))]
    limiter = wh.WindowLimiter(rules, default_cap=wh.Rating(1, 60_000), clock=clock)

    await limiter.spend("POST", URL + "/token")
    admitted = [await admitted_by(limiter, "POST", url) for url in (URL, URL, URL, URL, URL + "/x", URL + "/x")]

    assert admitted == [True, True, True, False, True, False]


async def test_hosts_are_forgotten(clock: FakeClock) -> None:
    """What is remembered of hosts is bounded by those that were called within their window."""
    limiter = wh.WindowLimiter(default_cap=wh.Rating(1, 1000), clock=clock)

    for i in range(100):
        assert await admitted_by(limiter, "GET", f"https://h{i}.example/")
        clock.pass_time(0.1)

    assert len(limiter._hosts._known) <= 11


async def test_a_window_forgets(clock: FakeClock) -> None:
    """A window holds no more times than its count, and empties as it is used."""
    limiter = _limiter(clock, 50)
    for _ in range(60):
        await admitted_by(limiter, *POST)
    [(_, bound)] = limiter._bounds.values()
    most = len(bound.times)

    clock.pass_time(2)
    for _ in range(45):
        await admitted_by(limiter, *POST)
        clock.pass_time(0.5)

    assert most == 50
    assert len(bound.times) < 10


@pytest.mark.rule("R274")
async def test_rules_can_be_changed(clock: FakeClock) -> None:
    """A rule under the same key goes on with the calls that went before; one that is gone holds nothing any more."""
    limiter = wh.WindowLimiter(clock=clock)
    limiter.hold({"a": wh.CappingRule(URL, wh.Rating(1, 60_000))})
    found = [await admitted_by(limiter, *POST) for _ in range(2)]

    limiter.hold({"a": wh.CappingRule(URL, wh.Rating(2, 60_000))})
    found += [await admitted_by(limiter, *POST) for _ in range(2)]
    limiter.hold({"a": wh.ThrottlingRule(URL, ["POST"], 1)})
    found += [await admitted_by(limiter, *POST)]
    limiter.hold({})
    found += [await admitted_by(limiter, *POST) for _ in range(3)]

    assert found == [True, False, True, False, True, True, True, True]


@pytest.mark.rule("R276")
async def test_who_waits_below_a_rule_that_is_gone_is_still_sent(clock: FakeClock) -> None:
    """Calls that wait when their rule ends go on at its rate, and newer ones wait no more."""
    limiter = wh.WindowLimiter(clock=clock)
    limiter.hold({"t": throttling(1), "c": connections(1)})
    holder, waiting = await callers(limiter, 2)

    limiter.hold({})
    [newer] = await callers(limiter, 1)

    assert (waiting.entered, newer.entered) == (False, True)
    await holder.end()
    await settle()
    assert waiting.entered
    assert waiting.waited == pytest.approx(1)
    for caller in (waiting, newer):
        await caller.end()


async def test_a_higher_limit_lets_the_waiting_go(clock: FakeClock) -> None:
    """A change of the rules is seen by those who wait."""
    limiter = wh.WindowLimiter(clock=clock)
    limiter.hold({"c": connections(1)})
    holder, waiting = await callers(limiter, 2)

    limiter.hold({"c": connections(2)})
    await settle()

    assert waiting.entered
    for caller in (holder, waiting):
        await caller.end()


@pytest.mark.rule("R268")
async def test_the_rating_of_data_sources_counts_no_action(clock: FakeClock) -> None:
    """A rule for data sources alone leaves the calls of actions alone."""
    limiter = wh.WindowLimiter([wh.CappingRule(URL, data_source=wh.Rating(1))], clock=clock)

    assert [await admitted_by(limiter, *POST) for _ in range(3)] == [True] * 3


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        (wh.CappingRule("nonsense", wh.Rating(1)), "$[0].url"),
        (wh.CappingRule(URL, wh.Rating(0)), "$[0].action.max_calls_count"),
        (wh.CappingRule(URL, wh.Rating(1, 1000, 0)), "$[0].action.max_http_connections"),
        (wh.CappingRule(URL, wh.Rating(1), methods=[]), "$[0].methods"),
        (wh.CappingRule(URL), "$[0]"),
        (wh.ThrottlingRule("https://*.example/", ["POST"], 200), "$[0].url_pattern"),
        (wh.ThrottlingRule(URL, ["POST"], 0), "$[0].max_throughput"),
        ("https://h.example", "$[0]"),
    ],
)
def test_a_rule_that_holds_nothing_is_refused(rule: object, path: str) -> None:
    """A limiter refuses what it cannot enforce; the ranges of the product are not its own."""
    with pytest.raises(wh.DefinitionError) as refused:
        wh.WindowLimiter([rule])  # type: ignore[list-item]

    assert [fault.path for fault in refused.value.violations] == [path]
    wh.WindowLimiter([wh.CappingRule(URL, wh.Rating(1, 1, 500), methods=["HEAD"]), throttling(7)])


async def test_a_limiter_of_the_user_works_beside_the_rest(ping: Make, clock: FakeClock) -> None:
    """An executor with a limiter and with a default cap keeps both, and gives back the places of both."""
    seen: list[str] = []

    class Watching:
        @asynccontextmanager
        async def place(self, method: str, url: str) -> AsyncIterator[float]:
            seen.append("entered")
            yield 0.25
            seen.append("left")

    guardrails = attrs.evolve(wh.Guardrails.standard(), default_cap=wh.Rating(1))
    parts = {"transport": FakeTransport(), "clock": clock, "limiter": Watching(), "guardrails": guardrails}

    async with wh.Executor(**parts) as executor:
        first, second = [await executor.call(ping()) for _ in range(2)]

    assert (first.status, first.queued, second.status) == ("http_200", 0.25, "capped")
    assert seen == ["entered", "left", "entered"]
