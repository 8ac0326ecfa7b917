"""One individual on the way through a journey: its activities in their order, each answer read by those behind it."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import attrs

from wayhook.cli.answer import Answer, ExitCode, Table
from wayhook.cli.definition import Definitions, definitions
from wayhook.cli.outcome import code_of_outcome, outcome_document
from wayhook.cli.secret import references
from wayhook.cli.settings import Settings
from wayhook.cli.target import executing
from wayhook.cli.value import context_in
from wayhook.errors import WrongType
from wayhook.execution.executor import Executor
from wayhook.expression.context import Context
from wayhook.formats.outcome import error_document
from wayhook.model.action import Action
from wayhook.model.canvas import Canvas
from wayhook.model.journey import ActionActivity, Activity, ActivityKind, AnyActivity, Journey
from wayhook.wire import Outcome

__all__ = ["Step", "run"]


@attrs.frozen
class Step:
    """What happened at one activity. `following`: the labels of those that come next; `fault`: why none does."""

    activity: AnyActivity
    following: tuple[str, ...] = ()
    outcome: Outcome | None = None
    fault: WrongType | None = None

    @property
    def kind(self) -> str:
        """What the activity is."""
        return "action" if isinstance(self.activity, ActionActivity) else str(self.activity.kind)

    @property
    def result(self) -> str:
        """How it ended, in a few words."""
        if self.fault is not None:
            return str(self.fault)
        return "passed" if self.outcome is None else f"{self.outcome.status} ({self.outcome.delivery})"

    @property
    def way(self) -> str:
        """Where the individual goes from here."""
        if self.outcome is not None and self.outcome.path is None:
            return "stays here"
        path = f"{self.outcome.path} path: " if self.outcome is not None and self.following else ""
        return path + (", ".join(self.following) or "the end")

    @property
    def code(self) -> ExitCode:
        """What it means for the whole."""
        if self.fault is not None:
            return ExitCode.FAILED
        return ExitCode.FINE if self.outcome is None else code_of_outcome(self.outcome)

    def document(self) -> dict[str, Any]:
        """Return the step as JSON."""
        return {
            "label": self.activity.label,
            "kind": self.kind,
            "following": list(self.following),
            "outcome": self.outcome and outcome_document(self.outcome),
            "error": self.fault and error_document(self.fault),
        }


async def run(settings: Settings, named: str, context: str, beside: Sequence[str], *, transport: str) -> Answer:
    """Take the individual of a context through a journey, and tell what happened at each activity."""
    individual = context_in(context)
    async with definitions(settings, [named], beside) as found:
        journey = await found.journey(named)
        secrets = [reference for action in await _actions(found, journey) for reference in references(action)]
        async with executing(settings, found, secrets, transport) as (executor, _):
            steps = [step async for step in _walked(executor, journey, individual)]
    code = max((step.code for step in steps), default=ExitCode.FINE)
    rows = tuple((step.activity.label, step.kind, step.result, step.way) for step in steps)
    document = {"journey": journey.name, "version": journey.version, "steps": [step.document() for step in steps]}
    return Answer(document, (Table(("activity", "kind", "result", "goes on"), rows),), code)


async def _actions(found: Definitions, journey: Journey) -> list[Action]:
    names = dict.fromkeys(activity.action for activity in journey.action_activities)
    return [await found.connected((await found.get(Action, name)).value) for name in names]


async def _walked(executor: Executor, journey: Journey, individual: Context) -> AsyncIterator[Step]:
    """The steps, no activity twice: a way that leads back ends where it does."""
    canvas = Canvas.of(journey)
    waiting, seen = deque([] if canvas.entry is None else [canvas.entry]), set()
    while waiting:
        label = waiting.popleft()
        if label in seen:
            continue
        seen.add(label)
        step = await _taken(executor, journey, canvas, canvas.activities[label], individual)
        yield step
        waiting.extend(step.following)


async def _taken(
    executor: Executor, journey: Journey, canvas: Canvas, activity: AnyActivity, individual: Context
) -> Step:
    following = canvas.main[activity.label]
    if isinstance(activity, Activity):
        return _passed(activity, following, individual)
    outcome = await executor.execute(journey, activity.label, individual)
    match outcome.path:
        case "main":
            return Step(activity, following, outcome)
        case "alternative":
            is_drawn = activity.on_error in canvas.activities
            return Step(activity, (activity.on_error,) if is_drawn else following, outcome)
        case _:
            return Step(activity, (), outcome)


def _passed(activity: Activity, following: tuple[str, ...], individual: Context) -> Step:
    """An event and a wait let pass at once; a condition chooses."""
    if activity.kind is ActivityKind.END:
        return Step(activity)
    now = attrs.evolve(individual, now=individual.now or datetime.now(UTC))
    try:
        chosen = next((label for label, condition in activity.conditions if condition.evaluate(now) is True), None)
    except WrongType as fault:
        return Step(activity, fault=fault)
    return Step(activity, following if chosen is None else (chosen,))
