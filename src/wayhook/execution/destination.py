"""How we behave towards one destination (scheme, host and port), whichever execution calls it.

A retry budget keeps repeats a bounded share of the calls (P14). A pause holds everybody back when the other side asked
for time (P15). A breaker stops calls to a destination that fails, and lets one probe through at a time (P16, P17).
Section 6 of `reference/reliability.md`. State is bounded: what was not used for long is forgotten.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from urllib.parse import urlsplit

import attrs

from wayhook.errors import Evidence
from wayhook.execution.ports import BreakerChanged, BreakerState, Randomness
from wayhook.model.guardrail import BreakerRule, Guardrails, RetryBudget
from wayhook.wire import Attempt

__all__ = ["Closed", "Destination", "Destinations"]

_KEPT = 4096
_FAILURES = frozenset({Evidence.NEVER_SENT, Evidence.AMBIGUOUS, Evidence.EXPIRED})
_SERVER_ERRORS = range(500, 1000)


class Closed(Exception):  # noqa: N818 - never leaves the room: it becomes a DestinationUnavailable
    """The destination takes no call now. `until`: when it will, on the monotonic clock."""

    def __init__(self, reason: str, until: float) -> None:
        self.reason, self.until = reason, until
        super().__init__(reason)


@attrs.define
class Breaker:
    """Opens when too many attempts fail, and closes when a probe succeeds.

    `ends`: second, number of attempts that ended in it, and how many of them failed. `until`: when it was opened, the
    time of the next probe; None while it is closed. `probing`: whether a probe is under way.
    """

    rule: BreakerRule
    random: Randomness
    ends: deque[tuple[int, int, int]] = attrs.Factory(deque)
    until: float | None = None
    probing: bool = False
    openings: int = 0

    def enter(self, now: float) -> bool:
        """Return whether an attempt that begins now is the probe; raises `Closed`."""
        if self.until is None:
            return False
        if now < self.until or self.probing:
            raise Closed("the destination failed too often of late, and is given time", max(now, self.until))
        self.probing = True
        return True

    def leave(self, *, is_probe: bool, failed: bool | None, now: float) -> BreakerState | None:
        """Take note of how an attempt ended (None: nothing was learnt), and return the new state if it changed."""
        if is_probe:
            self.probing = False
            return None if failed is None else self._open(now) if failed else self._close()
        if failed is None or self.until is not None:
            return None
        self._count(int(now), failed=failed)
        calls, failures = sum(end[1] for end in self.ends), sum(end[2] for end in self.ends)
        is_too_much = calls >= self.rule.calls and failures >= calls * self.rule.share
        return self._open(now) if is_too_much else None

    def _count(self, second: int, *, failed: bool) -> None:
        while self.ends and self.ends[0][0] <= second - self.rule.window:
            self.ends.popleft()
        if not self.ends or self.ends[-1][0] != second:
            self.ends.append((second, 0, 0))
        _, calls, failures = self.ends[-1]
        self.ends[-1] = (second, calls + 1, failures + failed)

    def _open(self, now: float) -> BreakerState:
        """Open for the rule's time, longer with each probe that failed, spread so that not all come back at once."""
        seconds = min(self.rule.open_for * 2**self.openings, self.rule.longest)
        self.openings = min(self.openings + 1, 16)
        self.until = now + seconds * (1 - self.rule.spread + 2 * self.rule.spread * self.random())
        self.ends.clear()
        return "open"

    def _close(self) -> BreakerState:
        self.until, self.openings = None, 0
        return "closed"


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
    random: Randomness
    emit: Callable[[BreakerChanged], None]
    budget: Budget | None = None
    breaker: Breaker | None = None
    pauses: bool = True
    paused_until: float = float("-inf")

    def begin(self) -> None:
        """A call begins; its first attempt is free."""
        if self.budget is not None:
            self.budget.earn()

    def may_repeat(self, status: int | None) -> bool:
        """Take a repeat out of the budget; one after a throttle costs two."""
        throttled = status in (429, 503, 529)
        return self.budget is None or self.budget.spend(2 if throttled else 1)

    def wait(self, now: float, spread: float) -> float:
        """Return the seconds until a pause is over, with up to `spread` more, so that not all come at once."""
        if now >= self.paused_until:
            return 0.0
        return self.paused_until - now + self.random() * spread

    def pause(self, until: float) -> None:
        """Hold everybody back until then."""
        if self.pauses:
            self.paused_until = max(self.paused_until, until)

    def enter(self, now: float) -> bool:
        """Return whether an attempt that begins now is the breaker's probe; raises `Closed`."""
        if self.breaker is None:
            return False
        is_probe = self.breaker.enter(now)
        if is_probe:
            self.emit(BreakerChanged(self.name, "half open"))
        return is_probe

    def leave(self, attempt: Attempt | None, *, is_probe: bool, now: float) -> None:
        """Take note of how an attempt ended; None when it was given up and nothing was learnt."""
        if self.breaker is None:
            return
        changed = self.breaker.leave(is_probe=is_probe, failed=_failed(attempt), now=now)
        if changed is not None:
            self.emit(BreakerChanged(self.name, changed))


def _failed(attempt: Attempt | None) -> bool | None:
    """Whether an attempt tells against its destination (P17): our own refusals tell nothing."""
    if attempt is None or attempt.evidence is Evidence.REFUSED:
        return None
    return attempt.evidence in _FAILURES or attempt.status in _SERVER_ERRORS


class Destinations:
    """The destinations that an executor called, those used last kept."""

    def __init__(self, guardrails: Guardrails, random: Randomness, emit: Callable[[BreakerChanged], None]) -> None:
        self._guardrails, self._random, self._emit = guardrails, random, emit
        self._kept: OrderedDict[str, Destination] = OrderedDict()

    def of(self, url: str) -> Destination:
        """Return the destination of a URL."""
        parts = urlsplit(url)
        name = f"{parts.scheme}://{parts.netloc}"
        destination = self._kept.get(name)
        if destination is None:
            rails = self._guardrails
            destination = self._kept[name] = Destination(
                name,
                self._random,
                self._emit,
                None if rails.retry_budget is None else Budget(rails.retry_budget),
                None if rails.breaker is None else Breaker(rails.breaker, self._random),
                rails.destination_pauses,
            )
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(name)
        return destination
