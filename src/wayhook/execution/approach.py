"""How one call comes to its destination: after a pause, by leave of the breaker, with repeats out of the budget.

Sections 4 and 6 of `reference/reliability.md` (P11, P14 to P17). The same for an action's call and for a token's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs

from wayhook.errors import DestinationUnavailable
from wayhook.execution.destination import NEVER, THROTTLED, Destination, is_failure
from wayhook.execution.ports import Paused, Tell, Waited
from wayhook.execution.retry import JITTER, RetryPolicy, Tried, later

__all__ = ["Approach"]

_AGAIN = 1.0
"""Seconds after which a call is worth another try that was refused since nobody knew how its destination stands."""
_EARLY = 0.001
"""A wait may end that much too soon, by the clock's own rounding (P11 allows 20 ms)."""


@attrs.define(repr=False)
class Approach:
    """One call on its way to `destination`.

    `deadline`: asked each time, since a queue moves it (R224). `tell`: hears of waits, repeats and pauses.
    """

    destination: Destination
    policy: RetryPolicy
    deadline: Callable[[], float]
    tell: Tell
    _lease: str = ""

    async def ready(self) -> None:
        """Wait for the end of a pause; raises `DestinationUnavailable` where it ends too late, or the breaker is open.

        Those who wait do not come back at the same instant (P15).
        """
        destination, clock = self.destination, self.policy.clock
        while True:
            if destination.is_unknown and (why := await destination.known(self.deadline() - clock.monotonic())):
                raise self._unavailable(why, _AGAIN)
            now = clock.monotonic()
            if (until := destination.refused_until(now)) is not None:
                raise self._unavailable("the destination failed too often of late, and is given time", until - now)
            pause = destination.paused_until - now
            if pause <= _EARLY:
                destination.paused_until = NEVER
                return
            if (rest := self.deadline() - destination.paused_until) <= 0:
                raise self._unavailable("the destination asked for more time than this call has", pause)
            try:
                await clock.sleep(pause + self.policy.random() * min(JITTER, pause, rest / 2))
            finally:
                self.tell(Waited, "pause", clock.monotonic() - now, destination.name)

    async def entered(self, latest: float) -> None:
        """Be ready, and where the breaker wants a probe, be it: at once before an attempt that ends by `latest`."""
        destination, clock = self.destination, self.policy.clock
        while True:
            await self.ready()
            if destination.breaker is None or destination.breaker.until is None:
                return
            if lease := await destination.claim(clock.monotonic(), latest):
                self._lease = lease
                return

    def end(self, tried: Tried | None) -> None:
        """Let the destination learn from an attempt that ended, or was cut off (None).

        The attempt began while the destination was free, or at once after `entered`.
        """
        now = self.policy.clock.monotonic()
        lease, self._lease = self._lease, ""
        # one that was cut off tells against its destination where the time was up
        failed = is_failure(tried.attempt) if tried is not None else now >= self.deadline() or None
        self.destination.ended(lease, failed, now)
        if tried is not None and (tried.floor is not None or tried.attempt.status in THROTTLED):
            self._pause(tried, now)

    async def tried(self, attempt: Awaitable[Tried]) -> Tried:
        """Make one attempt, and `end` it."""
        tried = None
        try:
            tried = await attempt
        finally:
            self.end(tried)
        return tried

    def _pause(self, tried: Tried, now: float) -> None:
        """Hold everybody back, where the edition does that."""
        destination, floor, seconds = self.destination, tried.floor, self._floor(tried)
        if destination.pauses:
            destination.pause(now + seconds)
            self.tell(Paused, destination.name, seconds, tried.attempt.status, floor is not None)

    def _floor(self, tried: Tried) -> float:
        """The seconds for which nobody is to come: what was asked for, or the backoff of a throttled attempt."""
        return tried.backoff if tried.floor is None else tried.floor

    async def repeated(
        self, first: Tried, attempt: Callable[[], Awaitable[Tried]], repeats: Callable[[Tried], bool]
    ) -> Tried:
        """Return the last of the attempts that follow the failed `first`."""
        return await self.policy.after(
            first,
            attempt,
            repeats=repeats,
            deadline=self.deadline,
            may_repeat=self.destination.may_repeat,
            tell=self.tell,
            destination=self.destination.name,
        )

    def _unavailable(self, message: str, seconds: float) -> DestinationUnavailable:
        return DestinationUnavailable(message, not_before=later(self.policy.clock, seconds))
