"""What is called: an action with values, or an activity of a journey with a context."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import attrs

from wayhook.adapters.secret.cache import CachedSecrets
from wayhook.cli.answer import CannotRun
from wayhook.cli.definition import Definitions
from wayhook.cli.secret import asked, references
from wayhook.cli.settings import Settings
from wayhook.cli.value import context_in, kinds_of, values_in
from wayhook.errors import DefinitionError
from wayhook.execution.executor import Executor
from wayhook.execution.plugin import plugin
from wayhook.execution.ports import Repository, SecretSource
from wayhook.expression.context import Context
from wayhook.model.action import Action
from wayhook.model.guardrail import Guardrails
from wayhook.model.journey import Journey
from wayhook.rendering.plan import Given, Plan, plan_activity, plan_values
from wayhook.rendering.preview import preview
from wayhook.secret import SecretReference
from wayhook.wire import Call, Outcome

__all__ = ["Subject", "Target", "executing", "found_target"]

Subject = Given | Context
"""What a call is rendered from: given values, or a context."""


@attrs.frozen
class Target:
    """An action, or the activity `label` of `journey`. `plan`: of the action with its authentication, for a look."""

    action: Action
    plan: Plan
    journey: Journey | None = None
    label: str = ""

    @property
    def secrets(self) -> tuple[SecretReference, ...]:
        """What a call looks up."""
        return references(self.plan.action)

    def subject(self, values: Sequence[str] = (), path: str = "", context: str | None = None) -> Subject:
        """Return what was typed as what this is rendered from; raises `CannotRun` for what does not go with it."""
        if self.journey is None:
            if context is not None:
                message = "a context goes with a journey and a label; give the values of an action with --values"
                raise CannotRun(message)
            return Given(values_in(values, kinds_of(self.action)), path)
        if values or path:
            message = "an activity says where its values come from; give --context instead of --values and --path"
            raise CannotRun(message)
        if context is None:
            raise CannotRun("an activity reads a context; give a file with one: --context FILE")
        return context_in(context)

    def call(self, subject: Subject) -> Call:
        """Return the request that would be sent; raises `RenderError` for what does not fit."""
        return self.plan.render(self._timed(subject))

    def preview(self, subject: Subject, guardrails: Guardrails) -> Call:
        """Return the same with its explanation: where each value comes from, and what would be repeated."""
        timed, action = self._timed(subject), self.plan.action
        if isinstance(timed, Given):
            return preview(action, timed.values, path=timed.path, guardrails=guardrails)
        assert self.journey is not None  # noqa: S101 - it alone has contexts
        return preview(self.journey, self.label, timed, actions=action, guardrails=guardrails)

    def _timed(self, subject: Subject) -> Subject:
        """The context with the current time, where it is read and none was given."""
        if self.plan.reads_time and isinstance(subject, Context) and subject.now is None:
            return attrs.evolve(subject, now=datetime.now(UTC))
        return subject

    async def outcome(
        self,
        executor: Executor,
        subject: Subject,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - the budget of the execution
        delivery_id: str | None = None,
    ) -> Outcome:
        """Make the call and return how it ended; `timeout`: in seconds, that of the journey or edition unless given."""
        if isinstance(subject, Given):
            values, path = subject.values, subject.path
            return await executor.call(self.action, values, path=path, timeout=timeout, delivery_id=delivery_id)
        assert self.journey is not None  # noqa: S101 - it alone has contexts
        journey = self.journey if timeout is None else attrs.evolve(self.journey, timeout=timeout)
        return await executor.execute(journey, self.label, subject, delivery_id=delivery_id)


async def found_target(found: Definitions, named: str, label: str | None) -> Target:
    """Return the action `named`, or with a label the activity of the journey; raises what is wrong with it."""
    if label is None:
        action = await found.action(named)
        return Target(action, plan_values(await found.connected(action)))
    journey = await found.journey(named)
    activity = journey.activity(label)
    action = (await found.get(Action, activity.action)).value
    return Target(action, plan_activity(await found.connected(action), activity), journey, label)


@asynccontextmanager
async def executing(
    settings: Settings, repository: Repository, secrets: Sequence[SecretReference], transport: str
) -> AsyncIterator[tuple[Executor, SecretSource]]:
    """Give an executor, and where its secrets come from: remembered for a while, and typed before they are needed."""
    try:
        plugin("transports", transport)
    except DefinitionError as error:
        raise CannotRun(f"--transport: {error.violations[0].message}") from None
    source = CachedSecrets(asked(secrets))
    async with Executor(repository, guardrails=settings.guardrails, secrets=source, transport=transport) as executor:
        yield executor, source
