"""Preview: the exact request that would be sent, and nothing is sent. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, overload

from wayhook.errors import DefinitionError, Violation
from wayhook.expression.context import Context
from wayhook.model.action import Action
from wayhook.model.guardrail import Guardrails, edition_of
from wayhook.model.journey import Journey
from wayhook.model.shape import as_tuple
from wayhook.rendering.origin import explained
from wayhook.rendering.plan import Given, plan_activity, plan_values
from wayhook.wire import Call

__all__ = ["preview"]


@overload
def preview(
    definition: Action,
    values: Mapping[str, Any] | None = None,
    /,
    *,
    path: str = "",
    guardrails: Guardrails | None = None,
) -> Call: ...
@overload
def preview(
    definition: Journey,
    label: str,
    context: Context,
    /,
    *,
    actions: Action | Iterable[Action],
    guardrails: Guardrails | None = None,
) -> Call: ...
def preview(
    definition: Action | Journey,
    values: Mapping[str, Any] | str | None = None,
    context: Context | None = None,
    /,
    *,
    path: str = "",
    actions: Action | Iterable[Action] = (),
    guardrails: Guardrails | None = None,
) -> Call:
    """Return the call that an execution would make: method, URL, headers and body, with secrets masked.

    `preview(action, values, path="")`: `values` by the names of the action's variables.
    `preview(journey, label, context, actions=…)`: an activity; `actions` holds the action that it names, since a
    journey keeps names only. `executor.preview` looks it up in the repository instead.

    The call prints as text, shows a card in a notebook, and `wayhook.to_curl(call)` makes a command of it. Its
    `explanation` says where each value came from, and how it would be repeated under `guardrails` (`standard` unless
    given). Raises
    `DefinitionError` for what cannot be rendered at all, `RenderError` for values that do not fit. Guardrails that
    only say what may be saved or sent (hosts, methods, names) do not stand in the way of a look.
    """
    rails = edition_of(guardrails)
    if isinstance(definition, Action):
        subject = Given({} if values is None else values, path)  # type: ignore[arg-type]
        call = plan_values(definition).render(subject)
        return explained(call, definition, None, subject, guardrails=rails, timeout=rails.default_timeout)
    if not isinstance(definition, Journey):
        found = type(definition).__name__
        raise DefinitionError([Violation("$", f"an Action or a Journey is previewed, not {found}")])
    if not isinstance(values, str) or not isinstance(context, Context):
        raise DefinitionError([Violation("$", "a journey is previewed with a label and a context")])
    activity = definition.activity(values)
    given = (actions,) if isinstance(actions, Action) else as_tuple(actions)
    if not isinstance(given, tuple) or not all(isinstance(action, Action) for action in given):
        raise DefinitionError([Violation("$.actions", "give the actions that the activity may name")])
    named = {action.name: action for action in given}
    if activity.action not in named:
        message = f"the activity uses the action {activity.action!r}; give it: preview(…, actions=[…])"
        raise DefinitionError([Violation("$.action", message)])
    action = named[activity.action]
    timeout = rails.default_timeout if definition.timeout is None else definition.timeout
    call = plan_activity(action, activity).render(context)
    return explained(call, action, activity, context, guardrails=rails, timeout=timeout)
