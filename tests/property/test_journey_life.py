"""The life of journeys as a state machine: whatever is commanded, only the documented steps happen."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

import wayhook as wh

STANDARD = wh.Guardrails.standard()
ACTION = wh.Action(name="A", url_configuration=wh.UrlConfiguration("https://h.example"))
RUNNING = {"Live", "Paused"}
LAWFUL = {
    "publish": {"Draft": "Live", "Draft (Test)": "Live"},
    "test": {"Draft": "Draft (Test)", "Draft (Test)": "Draft (Test)"},
    "end_test": {"Draft (Test)": "Draft"},
    "dry_run": {"Draft": "Dry run"},
    "end_dry_run": {"Dry run": "Draft"},
    "pause": {"Live": "Paused"},
    "resume": {"Paused": "Live"},
    "close": {"Live": "Closed"},
    "stop": {"Live": "Stopped", "Closed": "Stopped"},
    "finish": {"Closed": "Finished", "Stopped": "Finished"},
}
ON_THE_WAY = {
    "Publishing": {"Draft", "Draft (Test)"},
    "Activating test mode": {"Draft", "Draft (Test)"},
    "Deactivating test mode": {"Draft (Test)"},
    "Activating dry run": {"Draft"},
    "Pausing": {"Live"},
    "Resuming": {"Paused"},
    "Stopping": {"Live", "Closed"},
}
BY_TIME = {"Closed": "Finished", "Paused": "Live", "Draft (Test)": "Draft"}


class JourneyLife(RuleBasedStateMachine):
    """Compares a journey in a repository with the statuses and activities that it must have, by version."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.repository = wh.MemoryRepository()
        self.now = datetime(2030, 1, 1, tzinfo=UTC)
        self.journey = wh.Journey("J", [wh.ActionActivity("A", label="a")])
        self.runner.run(self.repository.save(ACTION, self.journey))
        self.statuses = ["Draft"]
        self.published: dict[int, tuple[wh.ActionActivity, ...]] = {}

    def teardown(self) -> None:
        """Close the loop."""
        self.runner.close()

    def keep(self, journey: wh.Journey) -> None:
        """Save what a lawful command gave; it must be kept."""
        self.runner.run(self.repository.save(journey))
        self.journey = journey

    @rule(command=st.sampled_from(sorted(LAWFUL)))
    def command(self, command: str) -> None:
        """A command leads along its row of the table, or is refused and changes nothing."""
        after = LAWFUL[command].get(self.statuses[-1])
        blocked = command == "publish" and any(status == "Paused" for status in self.statuses[:-1])
        if after is None or blocked:
            with pytest.raises(wh.DefinitionError):
                getattr(self.journey, command)(self.now)
            return
        self.keep(getattr(self.journey, command)(self.now))
        if command == "publish":
            self.statuses[:-1] = ["Closed" if status == "Live" else status for status in self.statuses[:-1]]
            self.published[len(self.statuses)] = self.journey.action_activities
        self.statuses[-1] = after

    @rule()
    def new_version(self) -> None:
        """A draft of the next version stands above one that was published and is not paused."""
        if self.statuses[-1] not in ("Live", "Closed", "Stopped", "Finished"):
            with pytest.raises(wh.DefinitionError):
                self.journey.new_version()
            return
        self.keep(self.journey.new_version())
        self.statuses.append("Draft")

    @rule(days=st.integers(1, 40))
    def wait(self, days: int) -> None:
        """Time does what it does, to each version by itself."""
        self.now += timedelta(days=days)
        aged = self.journey.as_of(self.now, STANDARD)
        for i, version in enumerate(aged.versions):
            assert version.status in (self.statuses[i], BY_TIME.get(self.statuses[i]))
        self.statuses = [str(version.status) for version in aged.versions]
        self.keep(aged)

    @rule(status=st.sampled_from(wh.JourneyStatus))
    def set_by_hand(self, status: wh.JourneyStatus) -> None:
        """A status that no step leads to is not kept, whoever writes it."""
        before = {self.statuses[-1], BY_TIME.get(self.statuses[-1], "")}
        lawful = before | {steps.get(status) for steps in LAWFUL.values() for status in before}
        if status in lawful or before & ON_THE_WAY.get(status, set()):
            return
        with pytest.raises(wh.DefinitionError):
            self.runner.run(self.repository.save(attrs.evolve(self.journey, status=status)))

    @rule(timeout=st.integers(1, 30))
    def edit(self, timeout: int) -> None:
        """A draft and a paused version are edited; anything else stays as it is."""
        edited = attrs.evolve(self.journey, timeout=timeout)
        if self.statuses[-1] in ("Draft", "Paused") or edited == self.journey:
            self.keep(edited)
            return
        with pytest.raises(wh.DefinitionError):
            self.runner.run(self.repository.save(edited))

    @invariant()
    def agrees(self) -> None:
        """The statuses are those expected, one version runs at most, and published activities are what they were."""
        kept = self.runner.run(self.repository.get(wh.Journey, "J")).value
        assert kept == self.journey
        assert [version.status for version in kept.versions] == self.statuses
        assert sum(version.status in RUNNING for version in kept.versions) <= 1
        for number, activities in self.published.items():
            assert kept.at(number).action_activities == activities


TestJourneyLife = JourneyLife.TestCase


LABELS = st.sampled_from(["a", "b", "c", "d", "e"])


@given(st.lists(st.tuples(LABELS, st.lists(LABELS, max_size=3)), max_size=5, unique_by=lambda row: row[0]))
def test_a_drawing_without_an_error_ends(rows) -> None:
    """Whatever is linked to whatever, every walk through a drawing that has no R282 comes to an end, and one with it
    may go in circles."""  # noqa: D205, D209 - one sentence
    journey = wh.Journey("J", [wh.Activity("wait", label=label, next=following) for label, following in rows])
    links = {label: [each for each in following if each in dict(rows)] for label, following in rows}

    rules = {violation.rule for violation in wh.publication_violations(journey, [])}

    left = set(links)
    while ends := {label for label in left if not left.intersection(links[label])}:
        left -= ends
    assert ("R282" in rules) is bool(left)
