"""The contract of limiters that are told their rules: what each must do, as a class of tests to inherit.

Needs pytest and pytest-asyncio. Time is the wall clock's, since a store has its own; nothing depends on how fast the
machine is.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Hashable
from time import monotonic

import attrs
import pytest

from wayhook.errors import DefinitionError, Discarded
from wayhook.execution.coverage import LimitRule
from wayhook.execution.ports import RuleLimiter
from wayhook.model.capping import CappingRule
from wayhook.model.limit import Rating
from wayhook.model.throttling import ThrottlingRule

__all__ = ["LimiterContract", "certain_excess"]

URL = "https://api.example.com/v1"
_LONG = 3_600_000
_PATIENCE = 60


def _capping(count: int, period: int = _LONG, connections: int | None = None, url: str = URL + "*") -> CappingRule:
    return CappingRule(url, Rating(count, period, connections))


def _throttling(throughput: int, url: str = URL + "*") -> ThrottlingRule:
    return ThrottlingRule(url, ["POST"], throughput)


def certain_excess(went: list[tuple[float, float]], count: int, seconds: float) -> int:
    """Return by how many calls some window of so many `seconds` certainly held more than `count`; 0 when none did.

    `went`: when each call asked and when it had its place. It went in between: a window is broken for certain where
    it holds all of that of more calls than it may.
    """
    most = 0
    for start, _ in went:
        most = max(most, sum(start <= asked and placed < start + seconds for asked, placed in went))
    return max(0, most - count)


@attrs.define(eq=False)
class _Caller:
    """A call that keeps its place until `end`. `span`: when it asked, and when it had its place."""

    limiter: RuleLimiter
    method: str = "POST"
    url: str = URL
    span: tuple[float, float] | None = None
    waited: float = 0.0
    has_entered: asyncio.Event = attrs.Factory(asyncio.Event)
    may_end: asyncio.Event = attrs.Factory(asyncio.Event)
    task: asyncio.Task[None] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.task = asyncio.create_task(self._call())

    async def _call(self) -> None:
        asked = monotonic()
        async with self.limiter.place(self.method, self.url) as self.waited:
            self.span = (asked, monotonic())
            self.has_entered.set()
            await self.may_end.wait()

    @property
    def went_at_once(self) -> bool:
        """Whether it waited for no turn below a throttling rule, which is to come within most of a second."""
        return self.waited < 0.8

    async def entered(self) -> None:
        """Wait until the call has its place, or fails to get one."""
        entering = asyncio.create_task(self.has_entered.wait())
        await asyncio.wait([entering, self.task], return_when=asyncio.FIRST_COMPLETED, timeout=_PATIENCE)
        entering.cancel()
        if self.task.done():
            await self.task
        assert self.has_entered.is_set(), "a call whose turn has come did not go"

    async def end(self) -> None:
        """End the attempt."""
        self.may_end.set()
        await self.task

    async def give_up(self) -> None:
        """Cancel the call, wherever it is."""
        self.task.cancel()
        await asyncio.wait([self.task])


async def _admits(limiter: RuleLimiter, method: str = "POST", url: str = URL) -> bool:
    try:
        async with limiter.place(method, url):
            return True
    except Discarded:
        return False


async def _in_turn(limiters: list[RuleLimiter], method: str = "POST", url: str = URL) -> list[_Caller]:
    """Callers that come one after another, as far as a store can tell."""
    callers = []
    for limiter in limiters:
        callers.append(_Caller(limiter, method, url))
        await asyncio.sleep(0.03)
    return callers


class LimiterContract:
    """What a `RuleLimiter` must do: windows, queues, connections, one step over several rules, change of rules.

    Inherit, and override the fixture `limiter` with one that is told no rules yet; and `another`, where two share their
    limits, with a second one of the same limits.
    """

    @pytest.fixture
    async def limiter(self) -> RuleLimiter:
        """A limiter without rules."""
        raise NotImplementedError("override the fixture `limiter`")

    @pytest.fixture
    async def another(self, limiter: RuleLimiter) -> RuleLimiter:
        """A limiter that shares the limits of `limiter`."""
        return limiter

    @pytest.fixture
    def both(self, limiter: RuleLimiter, another: RuleLimiter) -> Callable[[LimitRule], list[RuleLimiter]]:
        """Both limiters, when they are told the same rules."""

        def told(*rules: LimitRule) -> list[RuleLimiter]:
            for one in (limiter, another):
                one.hold({f"rule {i}": rule for i, rule in enumerate(rules)})
            return [limiter, another]

        return told

    async def test_it_is_told_rules(self, limiter: RuleLimiter) -> None:
        """It is a `RuleLimiter`, and without rules nothing is limited."""
        assert isinstance(limiter, RuleLimiter)
        assert [await _admits(limiter) for _ in range(3)] == [True] * 3

    async def test_a_cap_refuses_what_is_above(self, both: Callable[..., list[RuleLimiter]]) -> None:
        """Of calls at the same moment just as many go as the cap has places (R215)."""
        one, other = both(_capping(5))

        admitted = await asyncio.gather(*(_admits(limiter) for limiter in [one, other] * 6))

        assert sum(admitted) == 5

    async def test_a_rule_counts_what_it_covers(self, both: Callable[..., list[RuleLimiter]]) -> None:
        """Calls by other methods and to other addresses are not counted (R217)."""
        one, other = both(CappingRule(URL + "/*", Rating(1, _LONG), methods={"POST"}))

        found = [
            await _admits(one, "POST", URL + "/a"),
            await _admits(other, "POST", URL + "/b"),
            await _admits(one, "PUT", URL + "/a"),
            await _admits(other, "POST", URL),
        ]

        assert found == [True, False, True, True]

    async def test_a_window_begins_at_any_moment(self, both: Callable[..., list[RuleLimiter]]) -> None:
        """No window of any beginning holds more calls than the cap, and a place is free again a period later (R219)."""
        count, seconds = 3, 0.1
        limiters = both(_capping(count, int(seconds * 1000)))
        went: list[tuple[float, float]] = []
        refused = 0

        async def call(limiter: RuleLimiter, gap: random.Random) -> None:
            nonlocal refused
            while len(went) < 5 * count:
                asked = monotonic()
                if await _admits(limiter):
                    went.append((asked, monotonic()))
                else:
                    refused += 1
                await asyncio.sleep(gap.uniform(0, 0.02))

        async with asyncio.timeout(_PATIENCE):
            await asyncio.gather(*(call(limiter, random.Random(n)) for n, limiter in enumerate(limiters * 2)))  # noqa: S311 - gaps

        assert certain_excess(went, count, seconds) == 0
        assert refused > 0

    async def test_a_refused_call_takes_no_place_anywhere(self, both: Callable[..., list[RuleLimiter]]) -> None:
        """A call that one of two rules refuses takes no place of the other."""
        one, other = both(_capping(2), _capping(1, url=URL + "/slow"))

        found = [
            await _admits(limiter, "POST", URL + path)
            for limiter, path in zip([one, other] * 3, ["/slow", "/slow", "/slow", "/fast", "/fast"], strict=False)
        ]

        assert found == [True, False, False, True, False]

    async def test_what_is_above_a_throttling_rule_waits_in_order(self, both: Callable[..., list[RuleLimiter]]) -> None:
        """All calls go, never above the rate, and none before another that came a whole window earlier (R222)."""
        rate = 4
        limiters = both(_throttling(rate))

        callers = await _in_turn(limiters * 5)
        for caller in callers:
            await caller.entered()
            await caller.end()

        went = [caller.span for caller in callers if caller.span is not None]
        assert [caller.went_at_once for caller in callers[: 2 * rate]] == [True] * rate + [False] * rate
        assert certain_excess(went, rate, 1.0) == 0
        assert all(went[i][1] <= went[i + rate][1] for i in range(len(went) - rate))

    async def test_who_gives_up_leaves_the_turn_to_others(self, both: Callable[..., list[RuleLimiter]]) -> None:
        """Of many that wait all but the last give up: it goes long before the turn that it had."""
        one, other = both(_throttling(1))

        first, *between, last = await _in_turn([one, other] * 4)
        for caller in between:
            await caller.give_up()
        await last.entered()

        assert first.span is not None
        assert last.span is not None
        assert 1.0 <= last.span[1] - first.span[0] < 6.5
        for caller in (first, last):
            await caller.end()

    async def test_no_more_attempts_are_under_way_than_connections(
        self, both: Callable[..., list[RuleLimiter]]
    ) -> None:
        """Calls beyond the connections wait until an attempt ends, be it by an error or a cancellation (R246)."""
        under_way = most = 0
        one, other = both(_capping(1000, connections=2))

        async def call(number: int, limiter: RuleLimiter) -> None:
            nonlocal under_way, most
            async with limiter.place("POST", URL):
                under_way += 1
                most = max(most, under_way)
                try:
                    await asyncio.sleep(0.01)
                    if number % 3 == 0:
                        raise RuntimeError
                finally:
                    under_way -= 1

        calls = [asyncio.create_task(call(*numbered)) for numbered in enumerate([one, other] * 6)]
        await asyncio.sleep(0)
        calls[1].cancel()
        ended = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), _PATIENCE)
        together = [_Caller(limiter) for limiter in (one, other)]
        for caller in together:
            await caller.entered()
        for caller in together:
            await caller.end()

        assert most <= 2
        assert [number for number, end in enumerate(ended) if isinstance(end, RuntimeError)] == [0, 3, 6, 9]

    async def test_a_call_that_waits_for_a_connection_holds_its_place(
        self, both: Callable[..., list[RuleLimiter]]
    ) -> None:
        """Calls above the cap, of tokens too, are refused meanwhile; one that gives up gives its place back."""
        one, other = both(_capping(3, connections=1))
        [holder] = await _in_turn([one])
        await holder.entered()
        second, third = await _in_turn([other, one])
        await asyncio.sleep(0.2)

        refused = [await _admits(limiter) for limiter in (one, other)]
        with pytest.raises(Discarded):
            await other.spend("POST", URL)
        await third.give_up()
        again = await self._until_it_waits(other)
        for caller in (holder, second, again):
            await caller.entered()
            await caller.end()

        assert refused == [False, False]
        assert not await _admits(one)

    @staticmethod
    async def _until_it_waits(limiter: RuleLimiter) -> _Caller:
        """A caller that is not refused: what was given back a moment ago may not be there yet."""
        async with asyncio.timeout(_PATIENCE):
            while True:
                caller = _Caller(limiter)
                done, _ = await asyncio.wait([caller.task], timeout=0.2)
                if not done:
                    return caller
                assert isinstance(caller.task.exception(), Discarded)

    async def test_nobody_waits_for_a_connection_of_another_endpoint(
        self, both: Callable[..., list[RuleLimiter]]
    ) -> None:
        """Below one throttling rule, those who wait for a connection let the others pass."""
        one, other = both(_throttling(5), _capping(1000, connections=1, url=URL + "/slow"))
        [holder] = await _in_turn([one], "POST", URL + "/slow")
        await holder.entered()
        waiting = await _in_turn([other, one, other, one, other, one], "POST", URL + "/slow")

        [fast] = await _in_turn([other], "POST", URL + "/fast")
        await fast.entered()

        assert not any(caller.has_entered.is_set() for caller in waiting)
        for caller in (fast, holder, *waiting):
            caller.may_end.set()
        await asyncio.wait_for(asyncio.gather(*(caller.task for caller in (fast, holder, *waiting))), _PATIENCE)

    async def test_a_cap_is_asked_when_the_turn_has_come(self, both: Callable[..., list[RuleLimiter]]) -> None:
        """Below a throttling rule a cap refuses at the turn; what it refuses takes no turn from others (R278)."""
        one, other = both(_throttling(2), _capping(1, url=URL + "/narrow"))

        found = [
            await _admits(limiter, "POST", URL + path)
            for limiter, path in ((one, "/narrow"), (other, "/narrow"), (one, "/narrow"))
        ]
        wide = _Caller(other, "POST", URL + "/wide")
        await wide.entered()

        assert found == [True, False, False]
        assert wide.went_at_once
        await wide.end()

    async def test_a_token_call_takes_a_place_of_every_cap(self, both: Callable[..., list[RuleLimiter]]) -> None:
        """It waits for no turn and no connection, and where one cap refuses it takes none of the other (R214)."""
        narrow = URL + "/token"
        one, other = both(_throttling(1), _capping(3, connections=1), _capping(1, url=narrow))
        [holder] = await _in_turn([one])
        await holder.entered()

        await other.spend("POST", narrow)
        with pytest.raises(Discarded):
            await one.spend("POST", narrow)
        await one.spend("POST", URL)
        with pytest.raises(Discarded):
            await other.spend("POST", URL)
        await holder.end()

    async def test_a_rule_takes_over_the_window_of_its_key(self, limiter: RuleLimiter, another: RuleLimiter) -> None:
        """A rate that is changed counts what went before; another key begins anew, and none holds nothing (R274)."""
        found = []
        told: list[dict[Hashable, LimitRule]] = [{"a": _capping(1)}, {"a": _capping(2)}, {("b", 1): _capping(1)}, {}]
        for rules in told:
            for one in (limiter, another):
                one.hold(rules)
            found += [await _admits(one) for one in (limiter, another, limiter)]

        assert found == [True, False, False, True, False, False, True, False, False, True, True, True]

    async def test_a_rule_of_another_kind_begins_anew(self, limiter: RuleLimiter) -> None:
        """What was a cap and is a throttling rule under the same key has a window of its own."""
        limiter.hold({"a": _capping(1)})
        found = [await _admits(limiter), await _admits(limiter)]
        limiter.hold({"a": _throttling(1)})
        [caller] = await _in_turn([limiter])
        await caller.entered()

        assert found == [True, False]
        assert caller.went_at_once
        await caller.end()

    async def test_each_has_rules_of_its_own(self, limiter: RuleLimiter) -> None:
        """What one holds is not in the place of what another does; a key that both hold is one rule."""
        limiter.hold({"a": _capping(1, url=URL + "/a")})
        limiter.hold({"a": _capping(1, url=URL + "/a"), "b": _capping(1, url=URL + "/b")}, by="somebody")
        found = [await _admits(limiter, "POST", URL + path) for path in ("/a", "/a", "/b", "/b")]
        limiter.hold({}, by="somebody")
        found += [await _admits(limiter, "POST", URL + path) for path in ("/a", "/b")]

        assert found == [True, False, True, False, False, True]

    async def test_who_waits_below_a_rule_that_is_gone_is_sent(self, limiter: RuleLimiter) -> None:
        """A call in the queue of a rule that is held no more goes at its rate, and a new one waits no more (R276)."""
        limiter.hold({"a": _throttling(1)})
        first, waiting = await _in_turn([limiter] * 2)
        limiter.hold({})
        [new] = await _in_turn([limiter])
        for caller in (new, first, waiting):
            await caller.entered()

        assert [caller.went_at_once for caller in (new, waiting)] == [True, False]
        for caller in (first, waiting, new):
            await caller.end()

    async def test_what_nothing_can_be_held_by_is_refused(self, limiter: RuleLimiter) -> None:
        """Every fault is told, and the rules before stay."""
        limiter.hold({"a": _capping(1)})

        with pytest.raises(DefinitionError, match=r"\[0\](.|\n)*\[1\]"):
            limiter.hold({"a": 7, "b": _capping(0)})  # type: ignore[dict-item]
        with pytest.raises(DefinitionError, match="mapping"):
            limiter.hold([_capping(2)])  # type: ignore[arg-type]

        assert [await _admits(limiter), await _admits(limiter)] == [True, False]
