"""What is done to the standing of a destination that several processes share: the same steps wherever it is kept.

The rules are those of `Breaker` and `Budget`; here is what a report, a probe or a repeat does to them. `now` is on the
clock of who keeps it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, Literal

import attrs

from wayhook.execution.clock import SystemClock
from wayhook.execution.destination import NEVER, Breaker, Budget, Destination
from wayhook.execution.ports import Clock, Randomness, Standing, StandingReport, system_random
from wayhook.model.guardrail import BreakerRule, RetryBudget

__all__ = ["LiveStandings", "MemoryStandings", "probed", "reported", "signature", "spent", "standing_of"]

Hear = Callable[[str, Standing], None]
_FORGOTTEN_FROM = 4096


def reported(record: Destination, report: StandingReport, rule: BreakerRule | None, now: float) -> None:
    """Take note of what a process learnt; see `Standings.tell`."""
    if report.paused > 0:
        record.hold_back(now + report.paused)
    breaker = record.breaker
    if breaker is None or rule is None:
        return
    breaker.rule = rule
    if report.lease:
        breaker.settle(report.lease, report.failed, now)
    if breaker.until is None and report.ends:
        for ago, calls, failures in report.ends:
            if ago < rule.window:
                breaker.count(int(now) - ago, calls, failures)
        breaker.judge(now)


def probed(record: Destination, lease: str, seconds: float, rule: BreakerRule, now: float) -> bool:
    """Give the place of the probe to `lease` if it is to be had; see `Standings.probe`."""
    breaker = record.breaker
    if breaker is None:
        return False
    breaker.rule = rule
    return breaker.claim(now, lease, now + seconds)


def spent(record: Destination, earned: int, costs: tuple[int, ...], rule: RetryBudget) -> tuple[bool, ...]:
    """Earn for calls and take each of `costs` that there is; see `Standings.spend`."""
    if record.budget is None:
        record.budget = Budget(rule)
    budget = record.budget
    budget.rule = rule
    budget.earn(earned)
    return tuple([budget.spend(cost) for cost in costs])


def is_failing(breaker: Breaker | None, now: float) -> bool:
    """Whether an attempt failed within the window."""
    return breaker is not None and any(end[2] and end[0] > int(now) - breaker.rule.window for end in breaker.ends)


def signature(record: Destination, now: float) -> tuple[Any, ...]:
    """Return what others want to hear of when it changes."""
    breaker = record.breaker
    return record.paused_until, *(
        () if breaker is None else (breaker.state, breaker.until, breaker.lease, is_failing(breaker, now))
    )


def standing_of(record: Destination, now: float, *, version: int = 0, is_probe: bool = False) -> Standing:
    """Return how a destination stands, in seconds from now."""
    breaker, paused = record.breaker, max(0.0, record.paused_until - now)
    if breaker is None:
        return Standing(paused=paused, version=version)
    open_for = 0.0 if breaker.until is None else max(0.0, breaker.until - now)
    probing = max(0.0, breaker.leased_until - now)
    return Standing(breaker.state, open_for, probing, paused, is_failing(breaker, now), version, is_probe)


class LiveStandings:
    """Destinations of this process, as a `Standings` for others. `of`: gives one by its name."""

    when_away: Literal["share", "refuse"] = "share"
    processes: int | None = None

    def __init__(self, of: Callable[[str], Destination], clock: Clock) -> None:
        self._of, self._clock = of, clock
        self._versions = count(1)

    async def tell(self, destination: str, report: StandingReport, rule: BreakerRule | None) -> Standing:
        """Take note of what was learnt; see `Standings`."""

        def told(record: Destination, now: float) -> bool:
            reported(record, report, rule, now)
            return False

        return self._changed(destination, told)

    async def probe(self, destination: str, lease: str, seconds: float, rule: BreakerRule) -> Standing:
        """Give the place of the probe; see `Standings`."""
        return self._changed(destination, lambda record, now: probed(record, lease, seconds, rule, now))

    async def spend(self, destination: str, earned: int, costs: tuple[int, ...], rule: RetryBudget) -> tuple[bool, ...]:
        """Take repeats out of the budget; see `Standings`."""
        return spent(self._of(destination), earned, costs, rule)

    def published(self, record: Destination, standing: Standing) -> None:
        """Tell those who hear of changes."""

    def _changed(self, name: str, change: Callable[[Destination, float], bool]) -> Standing:
        record, now = self._of(name), self._clock.monotonic()
        before = signature(record, now)
        is_probe = change(record, now)
        standing = standing_of(record, now, version=next(self._versions))
        if signature(record, now) != before:
            self.published(record, standing)
        return attrs.evolve(standing, is_probe=is_probe)


class MemoryStandings(LiveStandings):
    """Shares pauses, breakers and the budget of repeats between executors of one process; see `Standings`.

    `clock`, `random`: for tests. What 4,096 other destinations came after is forgotten.
    """

    def __init__(self, *, clock: Clock | None = None, random: Randomness = system_random) -> None:
        super().__init__(self._record, clock or SystemClock())
        self._random = random
        self._records: dict[str, Destination] = {}
        self._listeners: list[Hear] = []

    def _record(self, name: str) -> Destination:
        record = self._records.pop(name, None) or Destination(
            name, breaker=Breaker(BreakerRule(), self._random, _unheard)
        )
        self._records[name] = record
        if len(self._records) > _FORGOTTEN_FROM:
            del self._records[next(iter(self._records))]
        return record

    def published(self, record: Destination, standing: Standing) -> None:
        """Tell those who hear of changes."""
        for hear in tuple(self._listeners):
            hear(record.name, standing)

    @asynccontextmanager
    async def news(self, hear: Hear) -> AsyncIterator[Awaitable[None]]:
        """Hear of each change; see `Standings`."""
        now = self._clock.monotonic()
        for record in self._records.values():
            if signature(record, now) != _QUIET:
                hear(record.name, standing_of(record, now, version=next(self._versions)))
        self._listeners.append(hear)
        try:
            yield asyncio.get_running_loop().create_future()
        finally:
            self._listeners.remove(hear)


_QUIET = (NEVER, "closed", None, "", False)
"""The signature of a destination of which there is nothing to hear."""


def _unheard(_: object) -> None:
    """A record has no sinks: each process tells its own what it hears."""
