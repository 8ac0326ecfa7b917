"""Limits in a store that processes share: what is the same in every store.

Rules R214 to R225. Theory of operation. A rule that is enforced is a *bound*. The store keeps of each when the last
calls went, who waits, and which attempts are under way. A call *asks*: in one step of the store it gets a place in all
of its bounds, or in none. Who has to wait gets a *ticket*, with the moment it came by the clock of the store, and is
told when to ask again.

Nobody serves the queue, and nobody waits for another process to wake up: a call goes when there are more places than
tickets that came before it. Those who came first thus find theirs, whichever process asks first. The ticket of who
does not come back in time is thrown away, so a process that was killed keeps nobody for long. The same goes for its
connections: an attempt under way has a *lease*, which its process renews.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from enum import Enum
from itertools import count
from typing import Any, Protocol, Self, TypeVar

import attrs

from wayhook.adapters.limiter.absence import WhenAway, require_absence
from wayhook.adapters.limiter.home import Home
from wayhook.errors import LimitsUnavailable, StoreUnavailable
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
from wayhook.execution.ports import Clock, Standings
from wayhook.execution.window import WindowLimiter
from wayhook.model.limit import Rating
from wayhook.model.throttling import ThrottlingRule

__all__ = ["GRACE", "LEASE", "Answer", "Bound", "Ledger", "SharedLimiter", "Verdict"]

LEASE = 10.0
"""Seconds after which the connections of a process that was killed are free again."""
GRACE = 3.0
"""Seconds after which a ticket is thrown away whose call did not come back when it should have."""
_RENEWED_EVERY = LEASE / 4
_PATIENCE, _TO_OPEN = 1.0, 10.0
"""Seconds that a call waits for the store, which is no part of its timeout (R225), and who opens it."""
_AGAIN = 1.0
"""Seconds after which a store that was away is tried again, by one call."""
_AT_ONCE = 8
_MOST_CALLS = 2**31
_MOST_MICROSECONDS = 10 * 365 * 86_400 * 10**6

_LOG = logging.getLogger("wayhook")
_Result = TypeVar("_Result")
_Rules = dict[Hashable, tuple[LimitRule, Rating]]


class Verdict(Enum):
    """What becomes of a call that asked."""

    REFUSED = -1
    WAITS = 0
    GOES = 1


@attrs.frozen
class Answer:
    """What a store says. `arrival`: microseconds on its clock when the call came. `seconds`: until it asks again."""

    verdict: Verdict
    arrival: int = 0
    seconds: float = 0.0


@attrs.frozen(eq=False)
class Bound:
    """A rule while it is enforced: at most `count` calls in any `period`, in microseconds.

    `name`: the same in every process. `connections`: attempts under way at most, 0 for any number. `queues`: whether
    calls above the rate wait, instead of being refused.
    """

    name: str
    count: int
    period: int
    connections: int
    queues: bool


class Ledger(Protocol):
    """A store. Everything that goes wrong in it is `StoreUnavailable`, in a sentence without a secret."""

    async def open(self) -> None:
        """See that the store can be used, and make in it what it needs."""
        ...

    async def close(self) -> None:
        """Close the connections to it."""
        ...

    async def ask(self, bounds: tuple[Bound, ...], ticket: str, arrival: int) -> Answer:
        """Take a place in each of `bounds`, or none and a ticket, in one step. `arrival`: 0 when asked first."""
        ...

    async def spend(self, bounds: tuple[Bound, ...]) -> bool:
        """Take a place in each of `bounds`, or none, without a ticket and a connection; whether it was taken."""
        ...

    async def forget(self, bounds: tuple[Bound, ...], ticket: str) -> None:
        """Take a ticket and its leases away, if they are there."""
        ...

    async def renew(self, leases: list[tuple[str, str]]) -> None:
        """Let leases, by the name of their bound and their ticket, last for `LEASE` seconds from now."""
        ...


@attrs.define(eq=False)
class _Waiting:
    """A call that waits in this process."""

    arrival: int
    names: frozenset[str]
    changed: asyncio.Event = attrs.Factory(asyncio.Event)


class SharedLimiter:
    """Enforces rules in a store; see `RuleLimiter` for what is promised. Stores are `RedisLimiter`, `PostgresLimiter`.

    It belongs to the process and the event loop that it is first used on. `standings`: what an executor shares pauses,
    breakers and the budget of repeats through; None where it is left out.
    """

    standings: Standings | None = None

    def __init__(
        self,
        ledger: Ledger,
        rules: Iterable[LimitRule],
        *,
        when_away: WhenAway,
        processes: int | None,
        clock: Clock | None,
    ) -> None:
        require_absence(when_away, processes)
        self._ledger, self._clock, self._home = ledger, clock or SystemClock(), Home("limits")
        self._held: dict[Hashable, _Rules] = {}
        self._coverage: Coverage[Bound] = Coverage(())
        self._shares = _Shares(processes, self._clock) if when_away == "share" and processes else None
        self._turns, self._arrivals, self._renewal = asyncio.Semaphore(_AT_ONCE), asyncio.Lock(), asyncio.Lock()
        self._tickets, self._process = count(), secrets.token_hex(8)
        self._waiting: dict[str, _Waiting] = {}
        self._leases: dict[str, tuple[Bound, ...]] = {}
        self._renewing: asyncio.Task[None] | None = None
        self._leaving: set[asyncio.Future[Any]] = set()
        self._away: str | None = None
        self._try_again = 0.0
        self._hold(_given(rules), None)

    async def __aenter__(self) -> Self:
        self._home.require()
        self._try_again = 0.0  # who enters again has it tried at once
        try:
            await self._told(self._ledger.open, _TO_OPEN)
        except StoreUnavailable:
            if self._shares is None:
                await self._ledger.close()
                raise
        except BaseException:
            await self._ledger.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._home.is_gone:
            return
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.wait([self._renewing])
        if self._leaving:
            await asyncio.wait(self._leaving, timeout=2 * _PATIENCE)
        await self._ledger.close()

    def hold(self, rules: Mapping[Hashable, LimitRule], *, by: Hashable = None) -> None:
        """Enforce `rules` from now on, in the place of those that `by` gave before; see `RuleLimiter.hold`.

        `by`: None for those that the limiter was made with. Windows are kept in the store by the keys of their rules,
        whose `repr` is to be the same in every process.
        """
        self._hold(enforced(rules), by)

    def _hold(self, rules: _Rules, by: Hashable) -> None:
        self._held[by] = rules
        every = {key: rule for held in self._held.values() for key, rule in held.items()}
        if not rules:
            del self._held[by]
        self._coverage = Coverage((rule, _bound(key, rule, rating)) for key, (rule, rating) in every.items())
        if self._shares is not None:
            self._shares.hold(every)

    def place(self, method: str, url: str) -> AbstractAsyncContextManager[float]:
        """Return a context manager that holds a place for one attempt; see `Limiter.place`."""
        bounds = self._coverage.of(method, url)
        return self._place(bounds, method, url) if bounds else nullcontext(0.0)

    async def spend(self, method: str, url: str) -> None:
        """Take a place of every cap that covers a call, as a token call does; see `RuleLimiter.spend`."""
        caps = tuple(bound for bound in self._coverage.of(method, url) if not bound.queues)
        if not caps:
            return
        self._home.require()
        try:
            is_taken = await self._told(lambda: self._ledger.spend(caps))
        except StoreUnavailable as error:
            await self._shared(method, url, error).spend(method, url)
            return
        if not is_taken:
            raise above_the_rate()

    @asynccontextmanager
    async def _place(self, bounds: tuple[Bound, ...], method: str, url: str) -> AsyncIterator[float]:
        self._home.require()
        ticket = f"{self._process}-{next(self._tickets)}"
        shared: WindowLimiter | None = None
        try:
            waited = await self._turn(bounds, ticket)
        except StoreUnavailable as error:
            shared = self._shared(method, url, error)
        if shared is not None:
            async with shared.place(method, url) as waited:
                yield waited
            return
        try:
            yield waited
        finally:
            if self._leases.pop(ticket, None) is not None:
                self._leave(bounds, ticket)

    def _shared(self, method: str, url: str, error: StoreUnavailable) -> WindowLimiter:
        """Where calls have a place while the store is away."""
        shares = self._shares
        if shares is None:
            raise LimitsUnavailable(f"the store of the limits is away, and the call was not sent: {error}") from None
        if shares.uncovered.of(method, url):
            message = "the store of the limits is away, and the rate is too low to be shared; the call was not sent"
            raise LimitsUnavailable(message) from None
        return shares.limiter

    async def _turn(self, bounds: tuple[Bound, ...], ticket: str) -> float:
        """Ask until the call goes; return the seconds that it waited."""
        arrived, waited, answer = self._clock.monotonic(), 0.0, Answer(Verdict.WAITS)
        asking: asyncio.Future[Answer] | None = None
        try:
            while waited <= LONGEST_WAIT:
                asking = asyncio.ensure_future(self._asked(bounds, ticket, answer.arrival))
                answer = await asyncio.shield(asking)
                if answer.verdict is Verdict.GOES:
                    self._lease(bounds, ticket)
                    return waited
                if answer.verdict is Verdict.REFUSED:
                    raise above_the_rate()
                await self._change(bounds, ticket, answer)
                waited = self._clock.monotonic() - arrived
            raise waited_too_long()
        finally:
            if answer.verdict is Verdict.WAITS:
                self._leave(bounds, ticket, asking)

    async def _asked(self, bounds: tuple[Bound, ...], ticket: str, arrival: int) -> Answer:
        """Ask; those who may have to wait come to the store in the order in which they came here."""
        may_wait = any(bound.queues or bound.connections for bound in bounds)
        async with self._arrivals if arrival == 0 and may_wait else nullcontext():
            return await self._told(lambda: self._ledger.ask(bounds, ticket, arrival))

    async def _change(self, bounds: tuple[Bound, ...], ticket: str, answer: Answer) -> None:
        """Wait as long as the store says, or until a connection is given back in this process."""
        names = frozenset(bound.name for bound in bounds if bound.connections)
        waiting = self._waiting[ticket] = _Waiting(answer.arrival, names)
        try:
            async with asyncio.timeout(answer.seconds) as limit:
                await waiting.changed.wait()
        except TimeoutError:
            if not limit.expired():
                raise
        finally:
            del self._waiting[ticket]

    def _lease(self, bounds: tuple[Bound, ...], ticket: str) -> None:
        """Keep the connections of an attempt as long as it is under way."""
        connections = tuple(bound for bound in bounds if bound.connections)
        if not connections:
            return
        self._leases[ticket] = connections
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew())

    async def _renew(self) -> None:
        """Renew every lease, as long as there is one; while the store is away they end."""
        while self._leases:
            await asyncio.sleep(_RENEWED_EVERY)
            async with self._renewal:
                await self._perhaps(self._renewed)

    async def _renewed(self) -> None:
        await self._ledger.renew([(bound.name, ticket) for ticket, bounds in self._leases.items() for bound in bounds])

    def _leave(self, bounds: tuple[Bound, ...], ticket: str, asking: asyncio.Future[Answer] | None = None) -> None:
        """Give back what a call has in the store. Nobody waits for it; where it fails, the store forgets by itself."""
        leaving = asyncio.create_task(self._left(bounds, ticket, asking))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    async def _left(self, bounds: tuple[Bound, ...], ticket: str, asking: asyncio.Future[Answer] | None) -> None:
        async with self._renewal:
            pass  # one under way would bring back what is given back meanwhile
        if asking is not None:
            await asyncio.wait([asking])  # of who was cancelled while it asked: the answer may be a place
            if not asking.cancelled():
                asking.exception()
        await self._perhaps(lambda: self._ledger.forget(bounds, ticket))
        free = {bound.name for bound in bounds if bound.connections}
        near = [waiting for waiting in self._waiting.values() if not free.isdisjoint(waiting.names)]
        if near:
            min(near, key=lambda waiting: waiting.arrival).changed.set()

    async def _perhaps(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do what ends by itself in time, if the store is there."""
        try:
            await self._told(work)
        except StoreUnavailable:
            return  # told in the log when the store went away

    async def _told(self, work: Callable[[], Awaitable[_Result]], seconds: float = _PATIENCE) -> _Result:
        """Return what the store gives; raise `StoreUnavailable` at once while it is known to be away."""
        async with self._turns:
            if self._away is not None and self._clock.monotonic() < self._try_again:
                raise StoreUnavailable(self._away)
            self._try_again = self._clock.monotonic() + _AGAIN  # while one call tries, no other does
            working = asyncio.ensure_future(work())
            try:
                await asyncio.wait([working], timeout=seconds)
            finally:
                if is_late := not working.done():
                    self._abandon(working)
            if is_late:
                raise self._gone(f"{self._ledger!r} did not answer within {seconds:g} s.")
            try:
                result = working.result()
            except StoreUnavailable as error:
                raise self._gone(str(error)) from None
            self._is_back()
            return result

    def _abandon(self, working: asyncio.Future[Any]) -> None:
        """Let something that nobody waits for end by itself: a driver may take its time to be cancelled."""
        working.cancel()
        self._leaving.add(working)
        working.add_done_callback(self._ended)

    def _ended(self, leaving: asyncio.Future[Any]) -> None:
        self._leaving.discard(leaving)
        if not leaving.cancelled():
            leaving.exception()  # nobody else looks at it

    def _gone(self, reason: str) -> StoreUnavailable:
        """Return what is raised; the log is told once."""
        if self._away is None:
            what = "calls are refused" if self._shares is None else f"each process keeps 1/{self._shares.processes}"
            _LOG.warning("the store of the limits is away, and %s: %s", what, reason)
        self._away = reason
        self._try_again = self._clock.monotonic() + _AGAIN
        return StoreUnavailable(reason)

    def _is_back(self) -> None:
        if self._away is not None:
            _LOG.warning("the store of the limits is back, and limits are shared again")
        self._away = None


class _Shares:
    """What each of so many processes may do by itself. `uncovered`: rules that are too low for a share."""

    def __init__(self, processes: int, clock: Clock) -> None:
        self.processes = processes
        self.limiter = WindowLimiter(clock=clock)
        self.uncovered: Coverage[LimitRule] = Coverage(())

    def hold(self, rules: _Rules) -> None:
        """Deal the rules out."""
        dealt = {key: self._share(rule, rating) for key, (rule, rating) in rules.items()}
        self.limiter.hold({key: share for key, share in dealt.items() if share is not None})
        self.uncovered = Coverage((rule, rule) for key, (rule, _) in rules.items() if dealt[key] is None)

    def _share(self, rule: LimitRule, rating: Rating) -> LimitRule | None:
        calls = rating.max_calls_count // self.processes
        connections = rating.connections and rating.connections // self.processes
        if calls == 0 or connections == 0:
            return None
        if isinstance(rule, ThrottlingRule):
            return attrs.evolve(rule, max_throughput=calls)
        return attrs.evolve(rule, action=Rating(calls, rating.period_in_ms, connections))


def _given(rules: Iterable[LimitRule]) -> _Rules:
    """The rules by what they say, so that each process has the same keys in whatever order it gives them."""
    seen: Counter[Hashable] = Counter()
    found: _Rules = {}
    for rule, rating in enforced(numbered(rules)).values():
        pattern = rule.url_pattern if isinstance(rule, ThrottlingRule) else rule.url
        key = (pattern, *sorted(rule.methods), rating.period_in_ms)
        found[key, seen[key]] = rule, rating
        seen[key] += 1
    return found


def _bound(key: Hashable, rule: LimitRule, rating: Rating) -> Bound:
    name = hashlib.sha256(f"{type(rule).__name__} {key!r}".encode()).hexdigest()[:32]
    return Bound(
        name,
        min(rating.max_calls_count, _MOST_CALLS),
        min(rating.period_in_ms * 1000, _MOST_MICROSECONDS),
        rating.connections or 0,
        isinstance(rule, ThrottlingRule),
    )
