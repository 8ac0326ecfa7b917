"""Executors that share standings behave as one executor would, whatever happens in whatever order."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

import wayhook as wh
from wayhook.testing import FakeClock, FakeTransport, RecordingSink

ACTION = wh.Action(name="Ping", url_configuration=wh.UrlConfiguration("https://api.example.com/", method="PUT"))
PROCESSES = 3
ANSWERS = st.lists(
    st.sampled_from(
        [
            *map(wh.Response, (200, 200, 404, 408, 429, 500, 503)),
            wh.Response(503, (("retry-after", "2"),)),
            wh.Response(429, (("retry-after", "90"),)),
            wh.TransportError("x", wh.Evidence.NEVER_SENT),
            wh.TransportError("x", wh.Evidence.AMBIGUOUS),
        ]
    ),
    min_size=4,
    max_size=4,
)
RAILS = attrs.evolve(
    wh.Guardrails.standard(),
    retry_budget=wh.RetryBudget(
        share=0, at_first=9, at_most=9
    ),  # what calls earn is told with a repeat, so not at once
    breaker=wh.BreakerRule(calls=5, window=8, open_for=3, longest=10, spread=0.5),
)


class Side:
    """Some executors, on a clock and with an other side of their own."""

    def __init__(self, count: int, *, standings: bool, rails: wh.Guardrails = RAILS) -> None:
        self.clock, self.sink = FakeClock(), RecordingSink()
        self.transport = FakeTransport(lambda _: next(self.answers))
        self.answers: Any = iter(())
        shared = wh.MemoryStandings(clock=self.clock, random=lambda: 0.5) if standings else None
        self.executors = [
            wh.Executor(
                transport=self.transport,
                clock=self.clock,
                guardrails=rails,
                random=lambda: 0.5,
                standings=shared,
                events=[self.sink] if not place else [],
            )
            for place in range(count)
        ]

    async def begin(self) -> None:
        """Let each hear of the others."""
        for executor in self.executors:
            executor._means.destinations.of("https://api.example.com")
        await asyncio.sleep(0)

    async def call(self, place: int, answers: list[Any]) -> tuple[Any, ...]:
        """What came of a call that is answered so."""
        self.answers = iter(answers)
        outcome = await self.executors[place].call(ACTION)
        for _ in range(2):
            for executor in self.executors:
                if executor._sharing is not None:
                    executor._sharing._look()  # as it does every second while attempts fail
            for _ in range(30):
                await asyncio.sleep(0)
        attempts = [attempt.status for attempt in outcome.attempts]
        return outcome.status, outcome.delivery, attempts, type(outcome.cause), outcome.not_before is None


class Processes(RuleBasedStateMachine):
    """Three executors that share, beside one that makes all of their calls."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.alone, self.together = Side(1, standings=False), Side(PROCESSES, standings=True)
        self.loop.run_until_complete(self.together.begin())

    @rule(place=st.integers(0, PROCESSES - 1), answers=ANSWERS)
    def call(self, place: int, answers: list[Any]) -> None:
        """A call of any of them ends as it would in one process."""
        alone = self.loop.run_until_complete(self.alone.call(0, answers))
        together = self.loop.run_until_complete(self.together.call(place, answers))

        assert together == alone

    @rule(seconds=st.floats(0, 20))
    def wait(self, seconds: float) -> None:
        """Time passes for both."""
        for side in (self.alone, self.together):
            side.clock.pass_time(seconds)

    @invariant()
    def every_change_was_told(self) -> None:
        """A sink of one process hears of each change of the breaker, whoever made it."""
        told = [
            [event.state for event in side.sink.events if isinstance(event, wh.BreakerChanged)]
            for side in (self.alone, self.together)
        ]
        assert told[0] == told[1]

    def teardown(self) -> None:
        for executor in (*self.alone.executors, *self.together.executors):
            self.loop.run_until_complete(executor.__aexit__())
        self.loop.close()


TestProcesses = Processes.TestCase
TestProcesses.settings = settings(max_examples=settings().max_examples, stateful_step_count=20)


@given(
    budget=st.builds(wh.RetryBudget, st.sampled_from([0.0, 0.25, 1.0]), st.integers(0, 6), st.integers(0, 8)),
    calls=st.lists(st.tuples(st.integers(0, PROCESSES - 1), st.integers(1, 6)), max_size=12),
    status=st.sampled_from([408, 429, 500]),
)
async def test_a_storm_over_processes_is_bounded(
    budget: wh.RetryBudget, calls: list[tuple[int, int]], status: int
) -> None:
    """Whoever calls, and however many at once: repeats are a share of all calls, and what there was at first (P14)."""
    rails = attrs.evolve(RAILS, breaker=None, destination_pauses=False, retry_budget=budget)
    together = Side(PROCESSES, standings=True, rails=rails)
    together.transport._replies = [lambda _: wh.Response(status)]

    for place, times in calls:
        await asyncio.gather(*(together.executors[place].call(ACTION) for _ in range(times)))
    for executor in together.executors:
        await executor.__aexit__()

    cost, made = (2 if status == 429 else 1), sum(times for _, times in calls)
    assert (len(together.transport.requests) - made) * cost <= made * budget.share + budget.at_first
