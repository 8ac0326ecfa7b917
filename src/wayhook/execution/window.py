"""Limits in one process: windows that begin at any moment, queues in order of arrival, attempts under way.

Rules R214 to R225. Theory of operation. A rule that is enforced is a *bound*. It has a place for a call when fewer
than its count went in the period before now (R219), so a call that goes leaves its time behind. The calls that the
same bounds cover share a *lane*, a queue. Only the head of a lane goes, and only when nobody who came earlier, in
any lane, could use what it takes; so calls go in order of arrival, but none waits for a connection that it does not
need. Whoever goes takes a place in every bound at once, with no await between the look and the taking.

Nobody serves the queues: each caller looks for itself, again after each change. So a cancelled caller takes only
itself away, and no task is left behind.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Coroutine, Hashable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import attrs

from wayhook.execution.clock import SystemClock
from wayhook.execution.coverage import (
    LONGEST_WAIT,
    Coverage,
    LimitRule,
    above_the_rate,
    enforced,
    numbered,
    waited_too_long,
)
from wayhook.execution.ports import Clock
from wayhook.model.limit import Rating
from wayhook.model.throttling import ThrottlingRule

__all__ = ["SLOW", "WindowLimiter"]

SLOW = 0.75


class WindowLimiter:
    """Enforces capping and throttling rules exactly, within one process.

    A call above a cap is `Discarded` at once (R215). A call above a throttling rule waits in order of arrival (R222),
    and a call above a limit of connections until an attempt ends; either for at most 6 hours (R223). A call that
    several rules cover takes a place in each of them, or in none; a call that waits for a connection holds its place
    in the caps meanwhile. Below a throttling rule the caps are asked when the call's turn comes (R278).

    `rules`: ratings for data sources are left alone. `default_cap`: for each host, where no rule covers a call;
    `slow_cap`: in its place, when the host's last answer took more than 0.75 seconds (R218, R220). `clock`: for tests.
    Memory: one number for each call of a window. Raises `DefinitionError` for a rule that nothing can be held by.
    """

    def __init__(
        self,
        rules: Iterable[LimitRule] = (),
        *,
        default_cap: Rating | None = None,
        slow_cap: Rating | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._held: dict[Hashable, dict[Hashable, tuple[LimitRule, Rating]]] = {}
        self._bounds: dict[Hashable, tuple[LimitRule, _Bound]] = {}
        self._coverage: Coverage[_Bound] = Coverage(())
        self._lanes: dict[tuple[_Bound, ...], _Lane] = {}
        self._hosts = _Hosts(default_cap, slow_cap)
        self._arrivals = count()
        self.hold(numbered(rules))

    def hold(self, rules: Mapping[Hashable, LimitRule], *, by: Hashable = None) -> None:
        """Enforce `rules` from now on, in the place of those that `by` gave before; see `RuleLimiter.hold`.

        `by`: None for those that the limiter was made with. Calls that wait below a rule which is gone are still sent
        at its rate.
        """
        self._held[by] = enforced(rules)
        found = {key: rule for held in self._held.values() for key, rule in held.items()}
        if not rules:
            del self._held[by]
        self._bounds = {key: (rule, self._following(key, rule, rating)) for key, (rule, rating) in found.items()}
        self._coverage = Coverage(self._bounds.values())
        self._wake()

    def _following(self, key: Hashable, rule: LimitRule, rating: Rating) -> _Bound:
        before, bound = self._bounds.get(key, (None, None))
        if bound is None or type(before) is not type(rule):
            return _Bound(rating, queues=isinstance(rule, ThrottlingRule))
        bound.follow(rating)
        return bound

    @property
    def limits_anything(self) -> bool:
        """Whether there is a rule, or a cap for hosts."""
        return bool(self._bounds) or self._hosts.are_capped

    def place(self, method: str, url: str) -> AbstractAsyncContextManager[float]:
        """Return a context manager that holds a place for one attempt; see `Limiter.place`."""
        bounds = self._coverage.of(method, url)
        if bounds:
            return self._place(bounds)
        return self._host_place(url) if self._hosts.are_capped else nullcontext(0.0)

    def _place(self, bounds: tuple[_Bound, ...]) -> _Place:
        return _Place(bounds, self._enter, self._leave)

    def _leave(self, bounds: tuple[_Bound, ...]) -> None:
        for bound in bounds:
            bound.under_way -= 1
        if self._lanes:
            self._wake()

    @asynccontextmanager
    async def _host_place(self, url: str) -> AsyncIterator[float]:
        """A place below the cap of a host, which is timed; an attempt that fails in itself tells nothing of it."""
        host = self._hosts.get(url, self._clock.monotonic())
        async with self._place(host.bounds) as waited:
            started = self._clock.monotonic()
            yield waited
            host.seconds = self._clock.monotonic() - started

    async def spend(self, method: str, url: str) -> None:
        """Take a place of every cap that covers a call, as a token call does; see `RuleLimiter.spend`."""
        bounds = tuple(bound for bound in self._coverage.of(method, url) if not bound.queues)
        now = self._clock.monotonic()
        _require_places(bounds, now)
        for bound in bounds:
            bound.take(now)

    async def _enter(self, bounds: tuple[_Bound, ...]) -> float:
        """Take a place of each of `bounds`, now or when the turn comes; return the seconds waited."""
        arrived = now = self._clock.monotonic()
        for bound in bounds:
            if bound.makes_wait:
                now = await self._turn(bounds, arrived)
                break
        _require_places(bounds, now)
        for bound in bounds:
            bound.take(now)
            bound.under_way += 1
        return now - arrived

    async def _turn(self, bounds: tuple[_Bound, ...], arrived: float) -> float:
        """Wait for the turn of a call and return its moment, which is to be used before anything else happens."""
        held = () if any(bound.queues for bound in bounds) else bounds
        _require_places(held, arrived)
        lane = self._lanes.setdefault(bounds, _Lane(bounds))
        waiter = lane.enter(_Waiter(next(self._arrivals), held))
        try:
            while True:
                now = self._clock.monotonic()
                if now - arrived > LONGEST_WAIT:
                    raise waited_too_long()
                delay = self._delay(lane, waiter, now)
                if delay == 0:
                    return now
                await (waiter.change() if delay is None else self._clock.sleep(delay))
        finally:
            lane.leave(waiter)
            if not lane.waiters:
                del self._lanes[bounds]
            self._wake()

    def _delay(self, lane: _Lane, waiter: _Waiter, now: float) -> float | None:
        """Return the seconds until a call can go, 0 for now; None when something else must happen first.

        Who came earlier is the head of a lane, of one's own too, or behind it.
        """
        if lane.is_busy:
            return None
        older = (other for other in self._lanes.values() if other.head.arrival < waiter.arrival)
        if any(other.shares(lane) and not other.is_busy for other in older):
            return None
        return lane.delay(now)

    def _wake(self) -> None:
        """Let the first of each lane look again."""
        for lane in self._lanes.values():
            lane.head.wake()


class _Place:
    """A place for one attempt; a context manager by hand, since one made of a generator costs twice as much."""

    __slots__ = ("_bounds", "_enter", "_leave")

    def __init__(
        self,
        bounds: tuple[_Bound, ...],
        enter: Callable[[tuple[_Bound, ...]], Coroutine[Any, Any, float]],
        leave: Callable[[tuple[_Bound, ...]], None],
    ) -> None:
        self._bounds, self._enter, self._leave = bounds, enter, leave

    def __aenter__(self) -> Coroutine[Any, Any, float]:
        return self._enter(self._bounds)

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        self._leave(self._bounds)


class _Bound:
    """A rule while it is enforced.

    `queues`: whether calls above its rate wait, instead of being refused. `times`: when the last calls went.
    `held`: places of calls that wait for a connection. `under_way`: attempts. `makes_wait`: whether a call may have to.
    """

    __slots__ = ("connections", "count", "held", "makes_wait", "period", "queues", "times", "under_way")

    def __init__(self, rating: Rating, *, queues: bool = False) -> None:
        self.times: deque[float] = deque()
        self.held = self.under_way = 0
        self.queues = queues
        self.follow(rating)

    def follow(self, rating: Rating) -> None:
        """Enforce another rating, by the same times."""
        self.count, self.period = rating.max_calls_count, rating.period_in_ms / 1000
        self.connections = rating.connections
        self.makes_wait = self.queues or self.connections is not None

    @property
    def is_busy(self) -> bool:
        """Whether as many attempts are under way as may be."""
        return self.connections is not None and self.under_way >= self.connections

    def has_place(self, now: float) -> bool:
        """Whether one more call may go."""
        times = self.times
        while (is_full := len(times) + self.held >= self.count) and times and times[0] + self.period <= now:
            times.popleft()
        return not is_full

    def delay(self, now: float) -> float:
        """Return the seconds until `has_place`."""
        return 0.0 if self.has_place(now) else self.times[len(self.times) - self.count] + self.period - now

    def take(self, now: float) -> None:
        """Count a call that goes now, and forget one or two of old, so that the window empties as it is used."""
        times = self.times
        for _ in range(2):
            if times and times[0] + self.period <= now:
                times.popleft()
        times.append(now)

    def is_idle(self, now: float) -> bool:
        """Whether nothing that happened here matters any more."""
        return not self.under_way and (not self.times or self.times[-1] + self.period <= now)


class _Waiter:
    """A call that waits. `arrival`: its number among all. `held`: where it holds a place until its turn."""

    __slots__ = ("_changed", "arrival", "held")

    def __init__(self, arrival: int, held: tuple[_Bound, ...]) -> None:
        self.arrival, self.held = arrival, held
        self._changed: asyncio.Future[None] | None = None

    async def change(self) -> None:
        """Wait until somebody says that something changed."""
        self._changed = asyncio.get_running_loop().create_future()
        await self._changed

    def wake(self) -> None:
        """Say so."""
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)


class _Lane:
    """The calls that wait for the same bounds, in order of arrival."""

    __slots__ = ("bounds", "waiters")

    def __init__(self, bounds: tuple[_Bound, ...]) -> None:
        self.bounds = bounds
        self.waiters: OrderedDict[_Waiter, None] = OrderedDict()  # a queue that can also be left from its middle

    @property
    def head(self) -> _Waiter:
        """Who came first."""
        return next(iter(self.waiters))

    @property
    def is_busy(self) -> bool:
        """Whether its calls wait for an attempt to end."""
        return any(bound.is_busy for bound in self.bounds)

    def enter(self, waiter: _Waiter) -> _Waiter:
        """Queue a call, with the places that it holds."""
        for bound in waiter.held:
            bound.held += 1
        self.waiters[waiter] = None
        return waiter

    def leave(self, waiter: _Waiter) -> None:
        """Take a call out of the queue, with what it holds."""
        for bound in waiter.held:
            bound.held -= 1
        del self.waiters[waiter]

    def delay(self, now: float) -> float:
        """Return the seconds until every throttling rule has a place."""
        return max((bound.delay(now) for bound in self.bounds if bound.queues), default=0.0)

    def shares(self, other: _Lane) -> bool:
        """Whether a bound covers the calls of both."""
        return not set(self.bounds).isdisjoint(other.bounds)


@attrs.define(eq=False)
class _Host:
    """What is counted of a host without a rule of its own. `seconds`: how long its last answer took."""

    usual: tuple[_Bound, ...]
    slow: tuple[_Bound, ...]
    seconds: float = 0.0

    @property
    def bounds(self) -> tuple[_Bound, ...]:
        """Where the next call counts."""
        return self.slow if self.slow and self.seconds > SLOW else self.usual

    def is_idle(self, now: float) -> bool:
        """Whether it can be forgotten."""
        return all(bound.is_idle(now) for bound in (*self.usual, *self.slow))


class _Hosts:
    """The hosts that were called of late, the one called last at the end."""

    def __init__(self, default_cap: Rating | None, slow_cap: Rating | None) -> None:
        self._caps = default_cap, slow_cap
        self._known: OrderedDict[str, _Host] = OrderedDict()

    @property
    def are_capped(self) -> bool:
        """Whether there is a cap for hosts at all."""
        return self._caps != (None, None)

    def get(self, url: str, now: float) -> _Host:
        """Return the host of a URL; idle ones that were not called for long are forgotten."""
        name = urlsplit(url).netloc.lower()
        host = self._known.get(name)
        if host is None:
            self._forget(now)
            usual, slow = (() if cap is None else (_Bound(cap),) for cap in self._caps)
            host = self._known[name] = _Host(usual, slow)
        self._known.move_to_end(name)
        return host

    def _forget(self, now: float) -> None:
        while self._known and next(iter(self._known.values())).is_idle(now):
            self._known.popitem(last=False)


def _require_places(bounds: tuple[_Bound, ...], now: float) -> None:
    for bound in bounds:
        if not bound.has_place(now):
            raise above_the_rate()
