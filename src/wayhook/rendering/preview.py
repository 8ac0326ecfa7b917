"""Preview: the exact request that would be sent, and nothing is sent. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, overload

from wayhook.errors import DefinitionError, Violation
from wayhook.expression.context import Context
from wayhook.model.action import Action
from wayhook.model.journey import Journey
from wayhook.model.shape import as_tuple
from wayhook.rendering.plan import Given, plan_activity, plan_values
from wayhook.wire import Call

__all__ = ["preview"]


@overload
def preview(definition: Action, values: Mapping[str, Any] | None = None, /, *, path: str = "") -> Call: ...
@overload
def preview(definition: Journey, label: str, context: Context, /, *, actions: Action | Iterable[Action]) -> Call: ...
def preview(
    definition: Action | Journey,
    values: Mapping[str, Any] | str | None = None,
    context: Context | None = None,
    /,
    *,
    path: str = "",
    actions: Action | Iterable[Action] = (),
) -> Call:
    """Return the call that an execution would make: method, URL, headers and body, with secrets masked.

    `preview(action, values, path="")`: `values` by the names of the action's variables.
    `preview(journey, label, context, actions=…)`: an activity; `actions` holds the action that it names, since a
    journey keeps names only. `executor.preview` looks it up in the repository instead.

    The call prints as text, shows a card in a notebook, and `wayhook.to_curl(call)` makes a command of it. Raises
    `DefinitionError` for what cannot be rendered at all, `RenderError` for values that do not fit. Guardrails that
    only say what may be saved or sent (hosts, methods, names) do not stand in the way of a look.
    """
    if isinstance(definition, Action):
        return plan_values(definition).render(Given({} if values is None else values, path))  # type: ignore[arg-type]
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
    return plan_activity(named[activity.action], activity).render(context)
