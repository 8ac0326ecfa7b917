"""How we behave towards one destination (scheme, host and port), whichever execution calls it.

A retry budget keeps repeats a bounded share of the calls (P14). A pause holds everybody back when the other side asked
for time (P15). A breaker stops calls to a destination that fails, and lets one probe through at a time (P16, P17).
Section 6 of `reference/reliability.md`. State is bounded: what was not used for long is forgotten.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from functools import partial

import attrs

from wayhook.errors import Evidence
from wayhook.execution.ports import BreakerChanged, BreakerState, Randomness
from wayhook.model.guardrail import BreakerRule, Guardrails, RetryBudget
from wayhook.wire import Attempt

__all__ = ["NEVER", "THROTTLED", "Destination", "Destinations", "is_failure"]

KEPT = 4096
_FAILURES = frozenset({Evidence.NEVER_SENT, Evidence.AMBIGUOUS, Evidence.EXPIRED})
_SERVER_ERRORS = range(500, 1000)
NEVER = float("-inf")
THROTTLED = frozenset({429, 503, 529})


def _unheard(_: str, __: float) -> None:
    """Nobody hears of pauses, unless several processes share a destination."""


@attrs.define
class Breaker:
    """Opens when too many attempts fail, and closes when a probe succeeds.

    `ends`: second, number of attempts that ended in it, and how many of them failed; `calls`, `failures`: their sums.
    `until`: when it was opened, the time of the next probe; None while it is closed. `probing`: whether a probe is
    under way. `openings`: in a row. `state`: as it was told with `tell`.
    """

    rule: BreakerRule
    random: Randomness
    tell: Callable[[BreakerState], None]
    ends: deque[list[int]] = attrs.Factory(deque)
    calls: int = 0
    failures: int = 0
    until: float | None = None
    probing: bool = False
    openings: int = 0
    state: BreakerState = "closed"

    def refused_until(self, now: float) -> float | None:
        """Return when an attempt that would begin now may come again; None when it may begin."""
        if self.until is None or (now >= self.until and not self.probing):
            return None
        return max(now, self.until)

    def enter(self) -> bool:
        """Return whether an attempt that begins now, and is not refused, is the probe."""
        if self.until is None:
            return False
        self.probing = True
        self._become("half open")
        return True

    def leave(self, *, is_probe: bool, failed: bool | None, now: float) -> None:
        """Take note of how an attempt ended (None: nothing was learnt)."""
        if is_probe:
            self.probing = False
            if failed is not None:
                self._open(now) if failed else self._close()
        elif failed is not None and self.until is None:
            second = int(now)
            last = self.ends[-1] if self.ends and self.ends[-1][0] == second else self._turn(second)
            last[1] += 1
            self.calls += 1
            if failed:
                last[2] += 1
                self.failures += 1
            if self.calls >= self.rule.calls and self.failures >= self.calls * self.rule.share:
                self._open(now)

    def _turn(self, second: int) -> list[int]:
        """Begin another second, and forget those that have left the window."""
        while self.ends and self.ends[0][0] <= second - self.rule.window:
            _, calls, failures = self.ends.popleft()
            self.calls, self.failures = self.calls - calls, self.failures - failures
        self.ends.append([second, 0, 0])
        return self.ends[-1]

    def _open(self, now: float) -> None:
        """Open for the rule's time, longer with each probe that failed, spread so that not all come back at once."""
        seconds = min(self.rule.open_for * 2**self.openings, self.rule.longest)
        self.openings = min(self.openings + 1, 16)
        self.until = now + seconds * (1 - self.rule.spread + 2 * self.rule.spread * self.random())
        self.ends.clear()
        self.calls = self.failures = 0
        self._become("open")

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

    def earn(self) -> None:
        """A call began."""
        self.left = min(self.left + self.rule.share, self.rule.at_most)

    def spend(self, cost: int) -> bool:
        """Take a repeat out of the budget, if there is one."""
        if self.left < cost:
            return False
        self.left -= cost
        return True


@attrs.define
class Destination:
    """One destination: its budget, its pause, its breaker; None for those that the edition does not have."""

    name: str
    budget: Budget | None = None
    breaker: Breaker | None = None
    pauses: bool = True
    told_pause: Callable[[str, float], None] = _unheard
    paused_until: float = NEVER

    @property
    def is_free(self) -> bool:
        """Whether there is neither a pause nor an open breaker."""
        return self.paused_until == NEVER and (self.breaker is None or self.breaker.until is None)

    def begin(self) -> None:
        """A call begins; its first attempt is free."""
        if self.budget is not None:
            self.budget.earn()

    def may_repeat(self, status: int | None) -> bool:
        """Take a repeat out of the budget; one after a throttle costs two."""
        return self.budget is None or self.budget.spend(2 if status in THROTTLED else 1)

    def pause(self, until: float) -> None:
        """Hold everybody back until then, and tell of it."""
        if self.pauses:
            self.hold_back(until)
            self.told_pause(self.name, until)

    def hold_back(self, until: float) -> None:
        """Hold everybody back until then."""
        self.paused_until = max(self.paused_until, until)

    def refused_until(self, now: float) -> float | None:
        """Return when the breaker lets somebody through again; None when it does now."""
        return None if self.breaker is None else self.breaker.refused_until(now)


def is_failure(attempt: Attempt) -> bool | None:
    """Whether an attempt tells against its destination (P17); None for our own refusals and shortages, which tell
    nothing."""  # noqa: D205, D209 - one sentence
    if attempt.local or attempt.evidence is Evidence.REFUSED:
        return None
    return attempt.evidence in _FAILURES or attempt.status in _SERVER_ERRORS


class Destinations:
    """The destinations that an executor called, those used last kept. `told_pause`: hears which pause, until when."""

    def __init__(
        self,
        guardrails: Guardrails,
        random: Randomness,
        emit: Callable[[BreakerChanged], None],
        told_pause: Callable[[str, float], None] = _unheard,
    ) -> None:
        self._guardrails, self._random, self._emit, self._told_pause = guardrails, random, emit, told_pause
        self._kept: OrderedDict[str, Destination] = OrderedDict()

    def of(self, name: str) -> Destination:
        """Return the destination of that name: scheme, host in lower case, and the port where it is no default."""
        destination = self._kept.get(name)
        if destination is None:
            rails, tell = self._guardrails, partial(self._tell, name)
            destination = self._kept[name] = Destination(
                name,
                None if rails.retry_budget is None else Budget(rails.retry_budget),
                None if rails.breaker is None else Breaker(rails.breaker, self._random, tell),
                rails.destination_pauses,
                self._told_pause,
            )
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(name)
        return destination

    def _tell(self, name: str, state: BreakerState) -> None:
        self._emit(BreakerChanged(name, state))
