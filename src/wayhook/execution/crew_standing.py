"""How destinations stand for the hands of a crew: as for the process that they work for, and those it shares with."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import attrs

from wayhook.execution.destination import Destination, Destinations
from wayhook.execution.ports import Clock, Standing, StandingReport, Standings
from wayhook.execution.sharing import Away, Sharing
from wayhook.execution.standing import LiveStandings, standing_of
from wayhook.model.guardrail import BreakerRule, RetryBudget

__all__ = ["CrewStandings"]

_Answer = TypeVar("_Answer")


class CrewStandings(LiveStandings):
    """The destinations of an executor, for its crew. `spread`: tells all hands how one stands; see `Standings`.

    Where the executor shares them, the store is asked. While that is away, its own view is what the hands go by, and
    they repeat nothing. What is told carries no version: a pipe keeps the order.
    """

    def __init__(self, destinations: Destinations, clock: Clock, spread: Callable[[str, Standing], None]) -> None:
        super().__init__(destinations.of, clock)
        self._destinations, self._spread = destinations, spread
        self._sharing = destinations.sharing if isinstance(destinations.sharing, Sharing) else None

    def open(self) -> None:
        """Tell the hands of all destinations that are not free, and from now on of every change."""
        self._destinations.listeners.append(self._changed_here)
        for destination in self._destinations:
            if not destination.is_free:
                self._changed_here(destination)

    def close(self) -> None:
        """Tell nobody any more."""
        if self._changed_here in self._destinations.listeners:
            self._destinations.listeners.remove(self._changed_here)

    async def tell(self, destination: str, report: StandingReport, rule: BreakerRule | None) -> Standing:
        """Take note of what a hand learnt."""
        standing = await self._shared(destination, lambda port: port.tell(destination, report, rule))
        return standing or attrs.evolve(await super().tell(destination, report, rule), version=0)

    async def probe(self, destination: str, lease: str, seconds: float, rule: BreakerRule) -> Standing:
        """Give the place of the probe to a hand."""
        standing = await self._shared(destination, lambda port: port.probe(destination, lease, seconds, rule))
        return standing or attrs.evolve(await super().probe(destination, lease, seconds, rule), version=0)

    async def spend(self, destination: str, earned: int, costs: tuple[int, ...], rule: RetryBudget) -> tuple[bool, ...]:
        """Take repeats out of the budget."""
        if self._sharing is None:
            return await super().spend(destination, earned, costs, rule)
        paid = await self._asked(lambda port: port.spend(destination, earned, costs, rule))
        return (False,) * len(costs) if paid is None else paid

    def published(self, record: Destination, standing: Standing) -> None:
        """Tell the hands."""
        self._spread(record.name, attrs.evolve(standing, version=0))

    def _changed_here(self, destination: Destination) -> None:
        standing = standing_of(destination, self._clock.monotonic())
        account = destination.account
        if account is not None and account.is_failing:
            standing = attrs.evolve(standing, is_failing=True)
        self._spread(destination.name, standing)

    async def _shared(
        self, name: str, question: Callable[[Standings], Coroutine[Any, Any, Standing]]
    ) -> Standing | None:
        """The answer of the store, by which this process goes as well; None where there is none."""
        account, standing = self._of(name).account, await self._asked(question)
        if standing is None or account is None:
            return None
        account.see(standing)
        return attrs.evolve(standing, version=0)

    async def _asked(self, question: Callable[[Standings], Coroutine[Any, Any, _Answer]]) -> _Answer | None:
        if self._sharing is None:
            return None
        try:
            return await self._sharing.ask(question(self._sharing.port))
        except Away:
            return None
