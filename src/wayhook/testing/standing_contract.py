"""The contract of what shares pauses, breakers and the budget of repeats, as tests. Subclass it; every test must pass.

    class TestMine(StandingContract):
        @pytest.fixture
        def standings(self):
            return MyStandings(...)

        @pytest.fixture
        def another(self):
            return MyStandings(...)  # as another process opens it

Needs pytest and pytest-asyncio (or another plug-in that runs async tests).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest

from wayhook.execution.ports import Standing, StandingReport, Standings
from wayhook.model.guardrail import BreakerRule, RetryBudget

__all__ = ["StandingContract"]

_OPEN = 0.3
_RULE = BreakerRule(share=0.5, calls=4, window=30, open_for=_OPEN, longest=60, spread=0)
_FAILED = StandingReport(ends=((0, 4, 4),))
_PATIENCE = 5.0


class _Ear:
    """Hears the news. `heard`: of each destination, in their order."""

    def __init__(self) -> None:
        self.heard: dict[str, list[Standing]] = {}
        self._changed = asyncio.Event()

    def hear(self, destination: str, standing: Standing) -> None:
        self.heard.setdefault(destination, []).append(standing)
        self._changed.set()

    async def until(self, destination: str, is_it: Callable[[Standing], bool]) -> Standing:
        """Wait for news of that kind."""
        async with asyncio.timeout(_PATIENCE):
            while not (found := [each for each in self.heard.get(destination, ()) if is_it(each)]):
                self._changed.clear()
                await self._changed.wait()
        return found[0]


class StandingContract:
    """What every `Standings` keeps, whatever it keeps them in; see `wayhook.Standings`."""

    @pytest.fixture
    def standings(self) -> Standings:
        """Return one that knows of nothing; override it."""
        raise NotImplementedError("override the fixture 'standings'")

    @pytest.fixture
    def another(self, standings: Standings) -> Standings:
        """Return what another process would open. Override it where there is one."""
        return standings

    @pytest.fixture
    def later(self) -> Callable[[float], Awaitable[None]]:
        """Return what lets so many seconds pass on the clock of the store."""
        return asyncio.sleep

    @pytest.fixture
    def place(self) -> str:
        """Return a destination that no other test has."""
        return f"https://{uuid4().hex}.example.com"

    async def test_a_pause_is_heard_of(self, standings: Standings, another: Standings, place: str) -> None:
        """Who listens hears of it at once, and who comes later before anything else; a shorter one changes nothing."""
        ear, late = _Ear(), _Ear()

        async with another.news(ear.hear):
            await standings.tell(place, StandingReport(paused=60), None)
            heard = await ear.until(place, lambda each: each.paused > 0)
            shorter = await another.tell(place, StandingReport(paused=1), None)
            async with another.news(late.hear):
                known = late.heard[place][-1]

        assert all(55 < each.paused <= 60 for each in (heard, shorter, known))

    async def test_destinations_are_apart(self, standings: Standings, place: str) -> None:
        """What is told of one says nothing of another, however alike their names are."""
        await standings.tell(place, StandingReport(paused=60), _RULE)
        await standings.tell(place, _FAILED, _RULE)
        rule = RetryBudget(share=0, at_first=3, at_most=3)
        await standings.spend(place, 0, (1, 1, 1), rule)

        other = await standings.tell(f"{place}:8443", StandingReport(), _RULE)

        assert (other.state, other.paused, other.is_failing) == ("closed", 0, False)
        assert await standings.spend(f"{place}:8443", 0, (2, 1), rule) == (True, True)

    async def test_failures_of_all_are_summed(self, standings: Standings, another: Standings, place: str) -> None:
        """The breaker opens when enough attempts of all failed, and all hear of it (P16)."""
        ear = _Ear()

        async with another.news(ear.hear):
            first = await standings.tell(place, StandingReport(ends=((1, 1, 0), (0, 1, 1))), _RULE)
            await ear.until(place, lambda each: each.is_failing)
            second = await another.tell(place, StandingReport(ends=((0, 1, 0),)), _RULE)
            third = await standings.tell(place, StandingReport(ends=((0, 1, 1),)), _RULE)
            heard = await ear.until(place, lambda each: each.state == "open")

        assert [(each.state, each.is_failing) for each in (first, second)] == [("closed", True)] * 2
        assert third.state == "open"
        assert 0 < heard.open_for <= _OPEN

    async def test_what_went_well_counts_as_well(self, standings: Standings, another: Standings, place: str) -> None:
        """A share of failures that is too small opens nothing, and what is older than the window counts no more."""
        await another.tell(place, StandingReport(ends=((0, 6, 0),)), _RULE)
        await standings.tell(place, StandingReport(ends=((40, 9, 9), (0, 5, 5))), _RULE)

        standing = await standings.tell(place, StandingReport(), _RULE)

        assert (standing.state, standing.is_failing) == ("closed", True)

    async def test_exactly_one_is_the_probe(
        self,
        standings: Standings,
        another: Standings,
        later: Callable[[float], Awaitable[None]],
        place: str,
    ) -> None:
        """Nobody before the time, then one of all who ask at once; its success closes the breaker for all (P16)."""
        ear = _Ear()
        await standings.tell(place, _FAILED, _RULE)
        early = await standings.probe(place, "early", 60, _RULE)
        await later(_OPEN)

        async with another.news(ear.hear):
            asked = await asyncio.gather(
                *(
                    each.probe(place, f"{name}-{number}", 60, _RULE)
                    for number in range(10)
                    for name, each in (("a", standings), ("b", another))
                )
            )
            leases = [f"{name}-{number}" for number in range(10) for name in "ab"]
            [lease] = [lease for lease, each in zip(leases, asked, strict=True) if each.is_probe]
            ignored = await standings.tell(place, StandingReport(lease="stranger", failed=False), _RULE)
            closed = await standings.tell(place, StandingReport(lease=lease, failed=False), _RULE)
            await ear.until(place, lambda each: each.state == "closed")

        assert (early.is_probe, early.state) == (False, "open")
        assert all(0 < each.probing <= 60 for each in asked)
        assert (ignored.state, closed.state) == ("half open", "closed")

    async def test_a_probe_that_fails_opens_for_longer(
        self, standings: Standings, later: Callable[[float], Awaitable[None]], place: str
    ) -> None:
        """The time doubles, whoever was the probe."""
        await standings.tell(place, _FAILED, _RULE)
        await later(_OPEN)
        await standings.probe(place, "a", 60, _RULE)

        standing = await standings.tell(place, StandingReport(lease="a", failed=True), _RULE)

        assert standing.state == "open"
        assert _OPEN < standing.open_for <= 2 * _OPEN

    async def test_a_place_that_is_given_back_is_free(
        self, standings: Standings, another: Standings, later: Callable[[float], Awaitable[None]], place: str
    ) -> None:
        """A probe that learnt nothing leaves its place to the next at once; one that never ends, after its seconds."""
        await standings.tell(place, _FAILED, _RULE)
        await later(_OPEN)
        await standings.probe(place, "a", 60, _RULE)
        await standings.tell(place, StandingReport(lease="a"), _RULE)

        killed = await standings.probe(place, "b", 0.2, _RULE)
        meanwhile = await another.probe(place, "c", 60, _RULE)
        await later(0.25)
        after = await another.probe(place, "d", 60, _RULE)
        too_late = await standings.tell(place, StandingReport(lease="b", failed=False), _RULE)

        assert [each.is_probe for each in (killed, meanwhile, after)] == [True, False, True]
        assert too_late.state == "half open"

    async def test_the_budget_is_of_all(self, standings: Standings, another: Standings, place: str) -> None:
        """However many ask at once, they get no more together than there was and was earned (P14)."""
        rule = RetryBudget(share=0.25, at_first=10, at_most=12)

        first = await asyncio.gather(*(each.spend(place, 0, (1, 1, 1), rule) for each in (standings, another) * 5))
        second = await asyncio.gather(*(each.spend(place, 4, (1,), rule) for each in (standings, another) * 5))
        third = await standings.spend(place, 1000, (2, 9, 2, 1), rule)

        assert [sum(map(sum, answers)) for answers in (first, second)] == [10, 10]
        assert third == (True, True, False, True)

    async def test_versions_grow(self, standings: Standings, another: Standings, place: str) -> None:
        """What is newer can be told, whoever changed it."""
        told = [await each.tell(place, _FAILED, _RULE) for each in (standings, another, standings)]
        told += [await another.tell(place, StandingReport(paused=1), _RULE)]

        versions = [each.version for each in told]
        assert versions == sorted(versions)
        assert versions[-1] > versions[0] > 0
