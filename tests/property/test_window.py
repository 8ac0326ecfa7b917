"""Property: a window never lets more through than its rule says, and a queue loses nobody."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

import wayhook as wh
from wayhook.testing import FakeClock

URL = "https://api.example.com/v1"
TICK = 1024  # so that moments are exact


class StandingClock(FakeClock):
    """A clock on which those who sleep stay asleep until time has passed, as on a real one."""

    def __init__(self) -> None:
        super().__init__()
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    async def sleep(self, seconds: float) -> None:
        """Sleep until time is let pass."""
        self.waits.append(seconds)
        sleeper = (self.monotonic() + seconds, asyncio.get_running_loop().create_future())
        self._sleepers.append(sleeper)
        try:
            await sleeper[1]
        finally:
            self._sleepers.remove(sleeper)

    async def pass_on(self, seconds: float) -> None:
        """Let time pass, and wake each sleeper at its moment."""
        end = self.monotonic() + seconds
        await settle()
        while (first := min(self._sleepers, default=None, key=lambda sleeper: sleeper[0])) and first[0] <= end:
            self.pass_time(max(0.0, first[0] - self.monotonic()))
            first[1].set_result(None)
            await settle()
        self.pass_time(end - self.monotonic())


async def settle() -> None:
    """Let every task run as far as it comes."""
    for _ in range(12):
        await asyncio.sleep(0)


gaps = st.lists(st.integers(0, 400), max_size=60)
counts = st.integers(1, 4)
periods = st.integers(1, 1000)


def capping(count: int, period: int = 1000, connections: int | None = None, url: str = URL) -> wh.CappingRule:
    """A cap for the one address."""
    return wh.CappingRule(url, wh.Rating(count, period, connections))


def throttling(throughput: int) -> wh.ThrottlingRule:
    """A throttling rule for the one address."""
    return wh.ThrottlingRule(URL, ["POST"], throughput)


def most_in(moments: list[float], seconds: float) -> int:
    """The most calls in any interval of so many seconds, the end left out."""
    return max((sum(start <= moment < start + seconds for moment in moments) for start in moments), default=0)


async def is_admitted(limiter: wh.Limiter) -> bool:
    """Whether there is a place now."""
    with suppress(wh.Discarded):
        async with limiter.place("POST", URL):
            return True
    return False


@given(gaps, counts, periods)
async def test_a_cap_admits_exactly_what_fits(gaps: list[int], count: int, period: int) -> None:
    """At any moment a call is admitted just when fewer than the cap were admitted in the window before it."""
    clock = FakeClock()
    limiter = wh.WindowLimiter([capping(count, period)], clock=clock)
    admitted: list[float] = []

    for gap in gaps:
        clock.pass_time(gap / TICK)
        now = clock.monotonic()
        fits = sum(moment + period / 1000 > now for moment in admitted) < count
        assert await is_admitted(limiter) == fits
        admitted += [now] if fits else []

    assert most_in(admitted, period / 1000) <= count


@given(gaps, counts, periods, counts, periods)
async def test_each_of_several_caps_is_kept(gaps, count, period, other_count, other_period) -> None:
    """A call is admitted just when both of two rules have a place, and a refused one takes none of either."""
    clock = FakeClock()
    limits = [(count, period / 1000), (other_count, other_period / 1000)]
    limiter = wh.WindowLimiter([capping(count, period), capping(other_count, other_period)], clock=clock)
    admitted: list[float] = []

    for gap in gaps:
        clock.pass_time(gap / TICK)
        now = clock.monotonic()
        fits = all(sum(moment + seconds > now for moment in admitted) < most for most, seconds in limits)
        assert await is_admitted(limiter) == fits
        admitted += [now] if fits else []


@given(st.lists(st.tuples(st.integers(0, 400), st.booleans()), max_size=40), counts)
async def test_a_throttling_sends_all_in_order_and_never_above_the_rate(arrivals, throughput) -> None:
    """Every call that is not given up goes, in order of arrival, never above the rate, and as soon as it may."""
    clock = StandingClock()
    limiter = wh.WindowLimiter([throttling(throughput)], clock=clock)
    went: list[tuple[int, float]] = []

    async def call(number: int) -> None:
        async with limiter.place("POST", URL):
            went.append((number, clock.monotonic()))

    tasks, came = [], []
    for number, (gap, gives_up) in enumerate(arrivals):
        await clock.pass_on(gap / TICK)
        came.append(clock.monotonic())
        tasks.append(asyncio.create_task(call(number)))
        await settle()
        if gives_up and number:
            tasks[number // 2].cancel()
            await settle()
    await clock.pass_on(60)

    given_up = {number for number, task in enumerate(tasks) if task.cancelled()}
    assert [number for number, _ in went] == [number for number in range(len(tasks)) if number not in given_up]
    moments = [moment for _, moment in went]
    assert most_in(moments, 1.0) <= throughput
    for i, (number, moment) in enumerate(went):
        free = moments[i - throughput] + 1.0 if i >= throughput else 0.0
        assert moment == max(came[number], free) or given_up


steps = st.lists(
    st.tuples(st.sampled_from(["start", "start", "end", "cancel", "fail", "wait"]), st.integers(0, 30)), max_size=60
)


class Calls:
    """Calls that end when they are told, and what was seen of them."""

    def __init__(self, limiter: wh.WindowLimiter, clock: FakeClock) -> None:
        self.limiter, self.clock = limiter, clock
        self.moments: list[float] = []
        self.under_way = self.most = 0
        self.tasks: list[asyncio.Task[None]] = []
        self.ends: list[asyncio.Event] = []
        self.failing: set[int] = set()

    def start(self, _: int) -> None:
        """One call more."""
        self.ends.append(asyncio.Event())
        self.tasks.append(asyncio.create_task(self._call(len(self.tasks))))

    async def _call(self, number: int) -> None:
        with suppress(RuntimeError):
            async with self.limiter.place("POST", URL):
                self.moments.append(self.clock.monotonic())
                self.under_way += 1
                self.most = max(self.most, self.under_way)
                try:
                    await self.ends[number].wait()
                finally:
                    self.under_way -= 1
                if number in self.failing:
                    raise RuntimeError

    def end(self, which: int) -> None:
        """Let a call end."""
        if self.ends:
            self.ends[which % len(self.ends)].set()

    def fail(self, which: int) -> None:
        """Let a call end by an error."""
        if self.ends:
            self.failing.add(which % len(self.ends))
            self.end(which)

    def cancel(self, which: int) -> None:
        """Cancel a call, wherever it is."""
        if self.tasks:
            self.tasks[which % len(self.tasks)].cancel()

    def wait(self, which: int) -> None:
        """Let time pass."""
        self.clock.pass_time(which / 8)

    async def finish(self) -> list[object]:
        """End what is left; how each call ended."""
        for end in self.ends:
            end.set()
        return await asyncio.gather(*self.tasks, return_exceptions=True)


@given(steps, st.integers(1, 3), st.integers(1, 8), st.booleans())
async def test_connections_are_kept_and_given_back(steps, connections, count, throttled) -> None:
    """Through any history, no more are under way than may be, the cap holds, and at the end nothing is left behind."""
    clock = FakeClock()
    rules = [capping(count, 1000, connections), *([throttling(5)] if throttled else [])]
    limiter = wh.WindowLimiter(rules, clock=clock)
    calls = Calls(limiter, clock)

    for step, which in steps:
        getattr(calls, step)(which)
        for _ in range(which % 3 * 5):
            await asyncio.sleep(0)
    ended = await calls.finish()

    assert all(end is None or isinstance(end, wh.Discarded | asyncio.CancelledError) for end in ended)
    assert calls.most <= connections
    assert most_in(calls.moments, 1.0) <= count
    assert (calls.under_way, limiter._lanes) == (0, {})
    assert all((bound.under_way, bound.held) == (0, 0) for _, bound in limiter._bounds.values())
    clock.pass_time(10)
    assert await is_admitted(limiter)


calls_to = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 600), st.integers(0, 2000)), max_size=30)


@given(calls_to, counts, st.integers(1, 2))
async def test_below_rules_that_overlap_nobody_is_overtaken_by_the_like(calls, throughput, connections) -> None:
    """The calls to each endpoint go in order, all are sent, every rule is kept, and none waits for no reason."""
    clock = StandingClock()
    rules = [
        wh.ThrottlingRule(URL + "/*", ["POST"], throughput),
        capping(1000, 1000, connections, URL + "/a"),
    ]
    limiter = wh.WindowLimiter(rules, clock=clock)
    went: list[tuple[str, int, float]] = []
    under_way = most = 0

    async def call(endpoint: str, number: int, length: int) -> None:
        nonlocal under_way, most
        async with limiter.place("POST", f"{URL}/{endpoint}"):
            went.append((endpoint, number, clock.monotonic()))
            under_way += endpoint == "a"
            most = max(most, under_way)
            await clock.sleep(length / TICK)
            under_way -= endpoint == "a"

    tasks = []
    for number, (endpoint, gap, length) in enumerate(calls):
        await clock.pass_on(gap / TICK)
        tasks.append(asyncio.create_task(call(endpoint, number, length)))
        await settle()
    await clock.pass_on(100)

    assert len(went) == len(calls)
    assert all(task.done() for task in tasks)
    for endpoint in "ab":
        numbers = [number for name, number, _ in went if name == endpoint]
        assert numbers == sorted(numbers)
    assert most_in([moment for _, _, moment in went], 1.0) <= throughput
    assert most <= connections


async def test_who_came_first_is_not_overtaken() -> None:
    """A call that waits for its time only keeps what it needs from all who come later, in other queues too."""
    clock = StandingClock()
    rules = [wh.ThrottlingRule(URL + "/*", ["POST"], 1), capping(1000, 1000, 1, "https://api.example.com/*/a")]
    limiter = wh.WindowLimiter(rules, clock=clock)
    went: list[str] = []

    async def call(name: str, method: str, url: str) -> None:
        async with limiter.place(method, url):
            went.append(name)

    first = asyncio.create_task(call("rate", "POST", URL + "/b"))
    await settle()
    both = asyncio.create_task(call("both", "POST", URL + "/a"))
    await settle()
    connection = asyncio.create_task(call("connection only", "PUT", URL + "/a"))
    await settle()
    early = list(went)
    await clock.pass_on(1)
    await asyncio.gather(first, both, connection)

    assert (early, went) == (["rate"], ["rate", "both", "connection only"])
