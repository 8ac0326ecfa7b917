"""Standings kept as one small text for each destination, which is exchanged for another in one step.

The rules are those of `wayhook.execution.standing`, whatever keeps the texts. Where somebody came between, the text is
not the one that was read, and the change is made anew. Times are seconds on the clock of the store.
"""

from __future__ import annotations

import asyncio
import json
import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import attrs

from wayhook.adapters.limiter.absence import WhenAway, require_absence
from wayhook.errors import StoreUnavailable
from wayhook.execution.destination import NEVER, Breaker, Budget, Destination
from wayhook.execution.ports import BreakerState, Randomness, Standing, StandingReport
from wayhook.execution.standing import probed, reported, signature, spent, standing_of
from wayhook.model.guardrail import BreakerRule, RetryBudget

__all__ = ["LedgerStandings", "Swap"]

KEPT = 3600.0
"""Seconds after which a destination is forgotten that nothing was told of, and that is neither paused nor open."""
_STATES: dict[str, BreakerState] = {"closed": "closed", "open": "open", "half open": "half open"}
_LOG = logging.getLogger("wayhook")
_TRIES, _LONGEST_WAIT = 200, 0.02


class Swap(NamedTuple):
    """What came of an exchange: whether it was made; else the text that is there, and the time of the store."""

    is_made: bool
    text: str | None = None
    now: float = 0.0


class LedgerStandings(ABC):
    """A `Standings` over a place of texts; `when_away`, `processes` as that says."""

    def __init__(self, when_away: WhenAway, processes: int | None, random: Randomness) -> None:
        require_absence(when_away, processes)
        self.when_away: WhenAway = when_away
        self.processes = processes
        self._random = random

    async def tell(self, destination: str, report: StandingReport, rule: BreakerRule | None) -> Standing:
        """Take note of what was learnt; see `Standings`."""

        def told(record: Destination, now: float) -> bool:
            reported(record, report, rule, now)
            return False

        _, standing = await self._changed(destination, told, rule)
        return standing

    async def probe(self, destination: str, lease: str, seconds: float, rule: BreakerRule) -> Standing:
        """Give the place of the probe; see `Standings`."""
        is_probe, standing = await self._changed(
            destination, lambda record, now: probed(record, lease, seconds, rule, now), rule
        )
        return attrs.evolve(standing, is_probe=is_probe)

    async def spend(self, destination: str, earned: int, costs: tuple[int, ...], rule: RetryBudget) -> tuple[bool, ...]:
        """Take repeats out of the budget; see `Standings`."""
        paid: tuple[bool, ...]
        paid, _ = await self._changed(destination, lambda record, _: spent(record, earned, costs, rule), None)
        return paid

    async def _changed(
        self, name: str, change: Callable[[Destination, float], Any], rule: BreakerRule | None
    ) -> tuple[Any, Standing]:
        """Change the record of a destination, anew as often as somebody comes between."""
        text, now = await self._read(name)
        for number in range(_TRIES):
            record, version = self._record(name, text, rule)
            before = signature(record, now)
            answer = change(record, now)
            if _text(record, version) == text:
                return answer, standing_of(record, now, version=version)
            version = max(version + 1, int(now * 1e6))
            standing = standing_of(record, now, version=version)
            news = standing if signature(record, now) != before else None
            swap = await self._swap(name, text, _text(record, version), _lifetime(record, now), news)
            if swap.is_made:
                return answer, standing
            text, now = swap.text, swap.now
            await asyncio.sleep(self._random() * min(_LONGEST_WAIT, 0.001 * 2**number))
        raise StoreUnavailable(f"{self.place}: others came between {_TRIES} times. Try again.")

    def _record(self, name: str, text: str | None, rule: BreakerRule | None) -> tuple[Destination, int]:
        """The record that a text holds, and its version; a new one where there is none, or one that nobody can read."""
        try:
            return self._opened_record(name, {} if text is None else json.loads(text), rule)
        except (ValueError, TypeError, AttributeError, LookupError):
            _LOG.warning("%s: what was kept of %s cannot be read, and is begun anew", self.place, name)
            return self._opened_record(name, {}, rule)

    def _opened_record(self, name: str, found: dict[str, Any], rule: BreakerRule | None) -> tuple[Destination, int]:
        ends = deque([[int(second), int(calls), int(failures)] for second, calls, failures in found.get("ends", ())])
        until, left = found.get("until"), found.get("left")
        breaker = Breaker(
            rule or BreakerRule(),
            self._random,
            _unheard,
            ends,
            sum(end[1] for end in ends),
            sum(end[2] for end in ends),
            None if until is None else float(until),
            str(found.get("lease", "")),
            float(found.get("leased_until", NEVER)),
            int(found.get("openings", 0)),
            _STATES[found.get("state", "closed")],
        )
        budget = None if left is None else Budget(RetryBudget(), left + 0)
        record = Destination(name, budget, breaker, paused_until=float(found.get("paused_until", NEVER)))
        return record, int(found.get("version", 0))

    def _heard(self, name: str, text: str, now: float) -> tuple[str, Standing]:
        """What a text says to who comes to hear the news."""
        record, version = self._record(name, text, None)
        return name, standing_of(record, now, version=version)

    def _pass_on(self, text: str, hear: Callable[[str, Standing], None]) -> None:
        """Let somebody hear the news that a text is; one that nobody can read is no news."""
        try:
            name, *fields = json.loads(text)
            standing = Standing(*fields)
        except (ValueError, TypeError):
            _LOG.warning("%s: news came that cannot be read", self.place)
            return
        hear(name, standing)

    @property
    @abstractmethod
    def place(self) -> str:
        """Where it is, without a password."""

    @abstractmethod
    async def _read(self, name: str) -> tuple[str | None, float]:
        """Return the text of a destination, None where there is none, and the time."""

    @abstractmethod
    async def _swap(self, name: str, old: str | None, new: str, lifetime: float, news: Standing | None) -> Swap:
        """Exchange the text for another, to be kept so many seconds, and tell the news, if it still is `old`."""


def packed_news(name: str, standing: Standing) -> str:
    """Return news as a text."""
    return json.dumps([name, *attrs.astuple(standing)])


def _text(record: Destination, version: int) -> str:
    breaker, budget = record.breaker, record.budget
    assert breaker is not None  # noqa: S101 - every record has one
    fields = {
        "version": version,
        "paused_until": record.paused_until,
        "left": None if budget is None else budget.left,
        "ends": list(breaker.ends),
        "until": breaker.until,
        "lease": breaker.lease,
        "leased_until": breaker.leased_until,
        "openings": breaker.openings,
        "state": breaker.state,
    }
    return json.dumps({name: value for name, value in fields.items() if value not in (None, NEVER, "", [])})


def _lifetime(record: Destination, now: float) -> float:
    breaker = record.breaker
    assert breaker is not None  # noqa: S101 - every record has one
    return KEPT + max(0.0, record.paused_until - now, (breaker.until or now) - now)


def _unheard(_: object) -> None:
    """A record has no sinks: each process tells its own what it hears."""
