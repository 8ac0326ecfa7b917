"""How we behave towards one destination (scheme, host and port), whichever execution calls it.

A retry budget keeps repeats a bounded share of the calls (P14). A pause holds everybody back when the other side asked
for time (P15). A breaker stops calls to a destination that fails, and lets one probe through at a time (P16, P17).
Section 6 of `reference/reliability.md`. State is bounded: what was not used for long is forgotten.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from functools import partial
from math import inf
from typing import Protocol

import attrs

from wayhook.errors import Evidence
from wayhook.execution.ports import BreakerChanged, BreakerState, Randomness, Standing
from wayhook.model.guardrail import BreakerRule, Guardrails, RetryBudget
from wayhook.wire import Attempt

__all__ = [
    "HERE",
    "NEVER",
    "THROTTLED",
    "Account",
    "Breaker",
    "Budget",
    "Destination",
    "Destinations",
    "is_failure",
]

KEPT = 4096
_FAILURES = frozenset({Evidence.NEVER_SENT, Evidence.AMBIGUOUS, Evidence.EXPIRED})
_SERVER_ERRORS = range(500, 1000)
NEVER = -inf
THROTTLED = frozenset({429, 503, 529})


HERE = "here"
"""The lease of a probe that only this process knows of."""


def _unheard(_: Destination) -> None:
    """Nobody hears of changes, unless a crew works for this process."""


@attrs.define
class Breaker:
    """Opens when too many attempts fail, and closes when a probe succeeds.

    `ends`: second, number of attempts that ended in it, and how many of them failed; `calls`, `failures`: their sums.
    `until`: when it was opened, the time of the next probe; None while it is closed. `lease`: who is the probe, until
    `leased_until` at the latest. `openings`: in a row. `state`: as it was told with `tell`.
    """

    rule: BreakerRule
    random: Randomness
    tell: Callable[[BreakerState], None]
    ends: deque[list[int]] = attrs.Factory(deque)
    calls: int = 0
    failures: int = 0
    until: float | None = None
    lease: str = ""
    leased_until: float = NEVER
    openings: int = 0
    state: BreakerState = "closed"

    def refused_until(self, now: float) -> float | None:
        """Return when an attempt that would begin now may come again; None when it may begin."""
        if self.until is None or (now >= self.until and now >= self.leased_until):
            return None
        return max(now, self.until)

    def claim(self, now: float, lease: str = HERE, until: float = inf) -> bool:
        """Take the place of the probe, until then at the latest, if it is to be had."""
        if self.until is None or self.refused_until(now) is not None:
            return False
        self.lease, self.leased_until = lease, until
        self._become("half open")
        return True

    def settle(self, lease: str, failed: bool | None, now: float) -> None:  # noqa: FBT001 - as `is_failure` says
        """Take note of how the probe ended (None: nothing was learnt); one whose place was taken changes nothing."""
        if lease != self.lease:
            return
        self.lease, self.leased_until = "", NEVER
        if failed is not None:
            self.open(now) if failed else self._close()

    def leave(self, failed: bool | None, now: float) -> None:  # noqa: FBT001 - as `is_failure` says
        """Take note of how an attempt ended that was no probe."""
        if failed is not None and self.until is None:
            self.count(int(now), 1, int(failed))
            self.judge(now)

    def count(self, second: int, calls: int, failures: int) -> None:
        """Count attempts that ended in that second; what is told late goes with the nearest later second."""
        ends = self.ends
        if not ends or ends[-1][0] < second:
            end = self._turn(second)
        elif ends[-1][0] == second:
            end = ends[-1]
        else:
            end = next(end for end in ends if end[0] >= second)
        end[1] += calls
        end[2] += failures
        self.calls += calls
        self.failures += failures

    def judge(self, now: float) -> None:
        """Open if too many failed."""
        if self.calls >= self.rule.calls and self.failures >= self.calls * self.rule.share:
            self.open(now)

    def _turn(self, second: int) -> list[int]:
        """Begin another second, and forget those that have left the window."""
        while self.ends and self.ends[0][0] <= second - self.rule.window:
            _, calls, failures = self.ends.popleft()[:3]
            self.calls, self.failures = self.calls - calls, self.failures - failures
        self.ends.append([second, 0, 0])
        return self.ends[-1]

    def open(self, now: float) -> None:
        """Open for the rule's time, longer with each probe that failed, spread so that not all come back at once."""
        seconds = min(self.rule.open_for * 2**self.openings, self.rule.longest)
        self.openings = min(self.openings + 1, 16)
        self.until = now + seconds * (1 - self.rule.spread + 2 * self.rule.spread * self.random())
        self._forget()
        self._become("open")

    def _forget(self) -> None:
        self.ends.clear()
        self.calls = self.failures = 0

    def _close(self) -> None:
        self.until, self.openings = None, 0
        self._become("closed")

    def _become(self, state: BreakerState) -> None:
        if self.state != state:
            self.state = state
            self.tell(state)


@attrs.define
class Budget:
    """How many repeats are left."""

    rule: RetryBudget
    left: float = attrs.field(default=attrs.Factory(lambda self: float(self.rule.at_first), takes_self=True))

    def earn(self, calls: int = 1) -> None:
        """So many calls began."""
        self.left = min(self.left + self.rule.share * calls, self.rule.at_most)

    def spend(self, cost: int) -> bool:
        """Take a repeat out of the budget, if there is one."""
        if self.left < cost:
            return False
        self.left -= cost
        return True


class Account(Protocol):
    """What a destination has where its standing is shared with other processes. `version`: of what is known of it."""

    version: int

    async def known(self, within: float) -> str:
        """Wait so many seconds until the standing is known; return why no call is made, or an empty text."""
        ...

    def paused(self, until: float) -> None:
        """Tell the others of a pause."""
        ...

    async def claim(self, until: float) -> str:
        """Return the lease of the probe; empty where another has it, or none is wanted any more."""
        ...

    def settle(self, lease: str, failed: bool | None, now: float) -> None:  # noqa: FBT001 - as `is_failure` says
        """Tell the others how the probe ended."""
        ...

    async def spend(self, cost: int, within: float) -> bool:
        """Take a repeat out of the budget of all, within so many seconds."""
        ...

    def see(self, standing: Standing) -> None:
        """Go by what is known elsewhere."""
        ...

    @property
    def is_failing(self) -> bool:
        """Whether attempts fail somewhere."""
        ...


@attrs.define(eq=False)
class Destination:
    """One destination: its budget, its pause, its breaker; None for those that the edition does not have.

    `account`: where it is shared with other processes. `is_unknown`: while how it stands with them is not known.
    `tell`: hears of each change of pause and breaker.
    """

    name: str
    budget: Budget | None = None
    breaker: Breaker | None = None
    pauses: bool = True
    tell: Callable[[Destination], None] = _unheard
    paused_until: float = NEVER
    account: Account | None = None
    is_unknown: bool = False

    @property
    def is_free(self) -> bool:
        """Whether there is neither a pause nor an open breaker, as far as all processes know that share it."""
        return (
            self.paused_until == NEVER and (self.breaker is None or self.breaker.until is None) and not self.is_unknown
        )

    def begin(self) -> None:
        """A call begins; its first attempt is free."""
        if self.budget is not None:
            self.budget.earn()

    async def known(self, within: float) -> str:
        """Wait so many seconds until it is known how it stands; return why no call is made, or an empty text."""
        return "" if self.account is None else await self.account.known(within)

    async def may_repeat(self, status: int | None, within: float) -> bool:
        """Take a repeat out of the budget, within so many seconds; one after a throttle costs two."""
        if self.budget is None:
            return True
        cost = 2 if status in THROTTLED else 1
        return self.budget.spend(cost) if self.account is None else await self.account.spend(cost, within)

    def pause(self, until: float) -> None:
        """Hold everybody back until then, and tell of it."""
        if self.pauses:
            self.hold_back(until)
            if self.account is not None:
                self.account.paused(until)

    def hold_back(self, until: float) -> None:
        """Hold everybody of this process back until then."""
        self.paused_until = max(self.paused_until, until)
        self.tell(self)

    def refused_until(self, now: float) -> float | None:
        """Return when the breaker lets somebody through again; None when it does now."""
        return None if self.breaker is None else self.breaker.refused_until(now)

    async def claim(self, now: float, until: float) -> str:
        """Take the place of the probe and return its lease; empty where there is none to be had, or none is needed."""
        if self.account is not None:
            return await self.account.claim(until)
        return HERE if self.breaker is not None and self.breaker.claim(now) else ""

    def ended(self, lease: str, failed: bool | None, now: float) -> None:  # noqa: FBT001 - as `is_failure` says
        """Learn from an attempt (None: nothing is learnt); `lease`: of the probe that it was, if any."""
        if self.breaker is None:
            return
        if not lease:
            self.breaker.leave(failed, now)
        elif self.account is None:
            self.breaker.settle(lease, failed, now)
        else:
            self.account.settle(lease, failed, now)


def is_failure(attempt: Attempt) -> bool | None:
    """Whether an attempt tells against its destination (P17); None for our own refusals and shortages, which tell
    nothing."""  # noqa: D205, D209 - one sentence
    if attempt.local or attempt.evidence is Evidence.REFUSED:
        return None
    return attempt.evidence in _FAILURES or attempt.status in _SERVER_ERRORS


class Joins(Protocol):
    """What shares destinations with other processes; see `Sharing`."""

    def join(self, destination: Destination, all_of_them: Destinations) -> None:
        """Share this destination from now on."""
        ...

    @property
    def refuses(self) -> bool:
        """Whether nobody is called now."""
        ...


class Destinations:
    """The destinations that an executor called, those used last kept.

    `sharing`: with other processes, where they are. `listeners`: hear of each change of a pause or a breaker.
    """

    def __init__(
        self,
        guardrails: Guardrails,
        random: Randomness,
        emit: Callable[[BreakerChanged], None],
        sharing: Joins | None = None,
    ) -> None:
        self._guardrails, self._random, self._emit, self.sharing = guardrails, random, emit, sharing
        self._kept: OrderedDict[str, Destination] = OrderedDict()
        self.listeners: list[Callable[[Destination], None]] = []

    def __iter__(self) -> Iterator[Destination]:
        return iter(tuple(self._kept.values()))

    @property
    def refuses(self) -> bool:
        """Whether nobody is called, since how destinations stand with other processes cannot be known."""
        return self.sharing is not None and self.sharing.refuses

    def of(self, name: str) -> Destination:
        """Return the destination of that name: scheme, host in lower case, and the port where it is no default."""
        destination = self._kept.get(name)
        if destination is None:
            rails = self._guardrails
            destination = self._kept[name] = Destination(
                name,
                None if rails.retry_budget is None else Budget(rails.retry_budget),
                None if rails.breaker is None else Breaker(rails.breaker, self._random, partial(self._tell, name)),
                rails.destination_pauses,
                self._told,
            )
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            if self.sharing is not None:
                self.sharing.join(destination, self)
        else:
            self._kept.move_to_end(name)
        return destination

    def _tell(self, name: str, state: BreakerState) -> None:
        self._emit(BreakerChanged(name, state))
        if name in self._kept:
            self._told(self._kept[name])

    def _told(self, destination: Destination) -> None:
        for listener in self.listeners:
            listener(destination)
