"""One call: shown before it is made, made, or only its authentication."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import attrs

from wayhook.cli.answer import Answer, Carded
from wayhook.cli.definition import definitions
from wayhook.cli.outcome import code_of_outcome, outcome_document, outcome_text, preview_document
from wayhook.cli.secret import token_references
from wayhook.cli.settings import Settings
from wayhook.cli.target import executing, found_target
from wayhook.model.action import Action
from wayhook.model.connection import Connection
from wayhook.wire import Outcome

__all__ = ["Typed", "call", "check_authentication", "preview"]


@attrs.frozen
class Typed:
    """What is called, as it was typed: an action with `values` and `path`, or an activity with a `context`.

    `beside`: files and folders with what these use.
    """

    named: str
    label: str | None = None
    values: Sequence[str] = ()
    path: str = ""
    context: str | None = None
    beside: Sequence[str] = ()


async def preview(settings: Settings, typed: Typed) -> Answer:
    """Show the request that would be sent; nothing is sent."""
    async with definitions(settings, [typed.named], typed.beside) as found:
        target = await found_target(found, typed.named, typed.label)
    shown = target.preview(target.subject(typed.values, typed.path, typed.context), settings.guardrails)
    return Answer(preview_document(shown), (Carded(shown, (str(shown),)),))


async def call(
    settings: Settings,
    typed: Typed,
    *,
    transport: str,
    timeout: float | None,  # noqa: ASYNC109 - the budget of the execution
    delivery_id: str | None,
) -> Answer:
    """Make the call, and show how it ended."""
    async with definitions(settings, [typed.named], typed.beside) as found:
        target = await found_target(found, typed.named, typed.label)
        subject = target.subject(typed.values, typed.path, typed.context)
        target.call(subject)  # what does not fit is told before anybody is asked for a secret
        async with executing(settings, found, target.secrets, transport) as (executor, _):
            outcome = await target.outcome(executor, subject, timeout=timeout, delivery_id=delivery_id)
    return Answer(outcome_document(outcome), (_shown(outcome),), code_of_outcome(outcome))


def _shown(outcome: Outcome) -> Carded:
    return Carded(outcome, (outcome_text(outcome),))


async def check_authentication(settings: Settings, named: str, beside: Sequence[str], *, transport: str) -> Answer:
    """Ask for a token, and say whether one came and how long it is good."""
    async with definitions(settings, [named], beside) as found:
        value = (await found.any(named, [Action, Connection])).value
        held = (await found.connected(value)).authentication if isinstance(value, Action) else value.authentication
        async with executing(settings, found, token_references(held), transport) as (executor, _):
            outcome = await executor.check_authentication(value)
    lifetime = outcome.response["lifetime"] if outcome.succeeded else None
    expires = outcome.finished + timedelta(seconds=lifetime) if outcome.finished and lifetime else None
    document = {**outcome_document(outcome), "lifetime": lifetime, "expires": expires}
    if not outcome.succeeded:
        return Answer(document, (_shown(outcome),), code_of_outcome(outcome))
    good = f"good for {lifetime:,.0f} seconds, until {expires:%Y-%m-%d %H:%M:%S %Z}" if expires else "good for one call"
    return Answer(document, (f"{outcome.action}: a token came, {good}",))
