"""How an activity fills the variables of its action. No I/O.

Asked when a use is compiled and when a journey is published, so that both refuse the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from wayhook.errors import Violation, closest
from wayhook.model.action import Action
from wayhook.model.journey import ActionActivity
from wayhook.model.parameter import MessageParameter, Variable, walk
from wayhook.values import DataType

__all__ = ["activity_violations", "marketing_actions", "unknown_variable"]


def activity_violations(action: Action, activity: ActionActivity) -> Iterator[Violation]:
    """Yield where `activity` does not fit `action`: unknown variables, constants filled in (R65, R83, R144),
    required variables without a value (R68, R147), unknown fields of lists (R166)."""  # noqa: D205, D209 - one list
    configuration = action.url_configuration
    headers = {header.name: header.value for header in configuration.headers} if configuration else {}
    query = {parameter.name: parameter.value for parameter in configuration.query_parameters} if configuration else {}
    tree = list(walk(action.message_parameters))
    parameters = {path: p.variable for path, p in tree if p.variable or not p.data_type.is_container}
    yield from _place_faults("headers", headers, dict(activity.headers), "R65", "R68")
    yield from _place_faults("query_parameters", query, dict(activity.query_parameters), "R83", "R68")
    yield from _place_faults("parameters", parameters, dict(activity.parameters), "R144", "R147")
    known = {path for path, _ in _item_fields(action.message_parameters)}
    for name, _ in activity.fields:
        if name not in known:
            yield Violation(f"$.fields.{name}", unknown_variable(name, known), "R166")


def marketing_actions(action: Action, activity: ActionActivity) -> tuple[str, ...]:
    """Return what the use is for: the marketing action of the action, and the activity's additional one (R32)."""
    names = (action.required_marketing_action, activity.additional_marketing_action)
    return tuple(dict.fromkeys(name for name in names if name))


def _place_faults(
    place: str, declared: Mapping[str, Any], given: Mapping[str, Any], constant: str, required: str
) -> Iterator[Violation]:
    variables = {name for name, value in declared.items() if isinstance(value, Variable)}
    for name in given:
        if name in declared and name not in variables:
            yield Violation(f"$.{place}.{name}", "this is a constant of the action; leave it out here", constant)
        elif name not in declared:
            yield Violation(f"$.{place}.{name}", unknown_variable(name, variables), constant)
    for name in declared:
        if name in variables and name not in given and not declared[name].optional:
            yield Violation(f"$.{place}.{name}", "this variable is required; give it a value", required)


def unknown_variable(name: str, known: Iterable[str]) -> str:
    """Say that an action has no variable `name`, and which of those it has may be meant."""
    names = sorted(known)
    close = closest(name, names)
    hint = f"did you mean {close!r}?" if close else f"there are {', '.join(names[:8])}" if names else "there is none"
    return f"the action has no such variable; {hint}"


def _item_fields(parameters: Iterable[MessageParameter]) -> Iterator[tuple[str, MessageParameter]]:
    """The fields of the objects of variable lists, by dotted path."""
    for path, parameter in walk(parameters):
        if parameter.variable is not None and parameter.data_type is DataType.LIST_OBJECT:
            yield from walk(parameter.parameters, path, below_lists=True)
