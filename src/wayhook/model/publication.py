"""What stands against test and publication of a journey: all of it at once, errors and warnings. No I/O.

Sections 7.4 to 7.6 of the rules (R68, R147, R190, R280 to R285, R306 to R308). Errors block both, warnings neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from wayhook.errors import ExpressionError, Violation, Violations
from wayhook.expression.expression import Expression, FieldReference
from wayhook.expression.syntax import Source
from wayhook.expression.type import ExpressionType
from wayhook.model.action import Action
from wayhook.model.activity import activity_violations, marketing_actions
from wayhook.model.answer import answer_types
from wayhook.model.canvas import Canvas
from wayhook.model.guardrail import Guardrails
from wayhook.model.journey import ActionActivity, ActivityKind, AnyActivity, Journey
from wayhook.model.parameter import MessageParameter, walk
from wayhook.model.rule import MAX_ACTIVITIES, violations
from wayhook.model.shape import as_tuple
from wayhook.model.size import size_violations
from wayhook.values import DataType

__all__ = ["publication_violations"]

_MOST_DRAWN = 4 * MAX_ACTIVITIES
"""Beyond these a drawing is not looked at: its number is told, and no hostile one costs more than that."""


def publication_violations(
    journey: Journey,
    actions: Action | Iterable[Action],
    *,
    guardrails: Guardrails | None = None,
    types: Mapping[str, str] | None = None,
) -> tuple[Violation, ...]:
    """Return all that stands against test and publication of `journey`, and warnings, which do not (R284, R285).

    `actions`: those that it may use; an activity of another one is an error. What concerns the whole journey comes
    first, then its activities in order. `guardrails`: the `standard` edition unless given. `types`: those of fields of
    events and data sources, such as `{"event.Order.total": "decimal"}`; with them, and with the responses of the
    actions, each expression is checked for a type that what it feeds cannot take.
    """
    rails = Guardrails.standard() if guardrails is None else guardrails
    found = violations(journey, guardrails=rails)
    if not isinstance(journey, Journey) or not isinstance(rails, Guardrails):
        return found
    given = (actions,) if isinstance(actions, Action) else as_tuple(actions)
    if not isinstance(given, tuple) or not all(isinstance(action, Action) for action in given):
        return Violations([*found, Violation("$.actions", "give the actions that the journey may use")])
    declared = {**({} if types is None else types), **answer_types(given)}
    publication = _Publication(journey, {action.name: action for action in given}, rails, Canvas.of(journey), declared)
    return Violations([*found, *publication.of_journey(), *publication.of_activities()])


@attrs.frozen
class _Publication:
    journey: Journey
    actions: dict[str, Action]
    rails: Guardrails
    canvas: Canvas
    types: Mapping[str, str]

    def of_journey(self) -> Iterator[Violation]:
        yield from (found for found in size_violations(self.journey, self.rails) if found.warning)
        if self.rails.canvas and not self.journey.activities:
            yield Violation("$.activities", "a journey begins with an event; add one", "R280")
        if self.journey.earlier and Canvas.of(self.journey.earlier[-1]).is_unitary and not self.canvas.is_unitary:
            yield Violation("$.activities", "the version before begins with an event; begin with one too", "R280")

    def of_activities(self) -> Iterator[Violation]:
        drawn: dict[str, list[Violation]] = {}
        for label, violation in self.of_drawing():
            drawn.setdefault(label, []).append(violation)
        for i, activity in enumerate(self.journey.activities):
            path = f"$.activities[{i}]"
            yield from (attrs.evolve(fault, path=path + fault.path) for fault in drawn.get(activity.label, ()))
            if isinstance(activity, ActionActivity):
                yield from self.of_use(activity, path)
            elif activity.kind is ActivityKind.CONDITION and not activity.conditions:
                message = "a condition has an expression for each way but one; give conditions"
                yield Violation(f"{path}.conditions", message, "R284", "ERR_JOURNEYVERSION_200")
            faults = list(self.of_references(activity, path))
            yield from faults or self.of_types(activity, path)

    def of_types(self, activity: AnyActivity, path: str) -> Iterator[Violation]:
        """Expressions that no data could make right, or whose type is not that of what they feed (R160, R192)."""
        for place, expression, kind in _fed(activity, self.actions):
            try:
                expression.check(self.types, expected=kind)
            except ExpressionError as error:
                yield from (Violation(path + place, f"it cannot be right: {p.message}", "R160") for p in error.problems)

    def of_drawing(self) -> Iterator[tuple[str, Violation]]:
        """What is wrong with links: the label of the activity, and the violation with a path below it."""
        canvas = self.canvas
        for label, activity in canvas.activities.items():
            for missing in (each for each in activity.links if each not in canvas.activities):
                yield label, Violation("", f"no activity is labelled {missing!r}; link to one that is there", "R284")
            if canvas.is_end(label) and activity.next:
                yield label, Violation(".next", "an end leads nowhere; take this out", "R284")
        if len(canvas.activities) > _MOST_DRAWN or not (canvas.is_drawn or self.rails.canvas):
            return
        if canvas.entry is not None and isinstance(canvas.activities[canvas.entry], ActionActivity):
            yield canvas.entry, Violation("", "a journey does not begin with an action; put an event first", "R280")
        for label, actions in canvas.parallel:
            message = f"the actions {', '.join(actions)} follow at once; put one after the other"
            yield label, Violation(".next", message, "R281")
        for label, back in canvas.loops:
            yield label, Violation("", f"the link to {back!r} leads back; a journey has no loops", "R282")
        for label in canvas.disconnected:
            message = "nothing leads to this activity; connect it or take it out"
            yield label, Violation("", message, "R285", warning=True)

    def of_use(self, activity: ActionActivity, path: str) -> Iterator[Violation]:
        action = self.actions.get(activity.action)
        if action is None:
            message = f"there is no action {activity.action!r}; save it first, or choose another"
            yield Violation(f"{path}.action", message, "R284")
            return
        faults = violations(action, guardrails=self.rails)
        if faults:
            rules = ", ".join(sorted({fault.rule for fault in faults if fault.rule}))
            message = f"the action {action.name} breaks {rules or 'rules'} of the edition; mend it first"
            yield Violation(f"{path}.action", message, "R284")
        for fault in activity_violations(action, activity):
            code = "ERR_JOURNEYVERSION_601" if fault.rule in ("R68", "R147") else ""
            yield attrs.evolve(fault, path=path + fault.path.removeprefix("$"), code=code)
        yield from self.of_policies(action, activity, path)
        if self.rails.select_package and self.canvas.is_unitary and not self.errs_to_end(activity):
            message = "the alternative path leads straight to an end; link on_error to one"
            yield Violation(f"{path}.on_error", message, "R308", "ERR_PKG_SELECT_2")

    def errs_to_end(self, activity: ActionActivity) -> bool:
        return not activity.on_error or self.canvas.is_end(activity.on_error)

    def of_policies(self, action: Action, activity: ActionActivity, path: str) -> Iterator[Violation]:
        """What the data policies of the marketing actions keep out of this use (R306)."""
        for name in marketing_actions(action, activity):
            restricted = [
                reference
                for policy in self.rails.data_policies
                if policy.marketing_action == name
                for expression in policy.restricted
                for reference in expression.references
            ]
            for reference in _references(activity):
                if any(_covers(above, reference) for above in restricted):
                    message = f"{_shown(reference)} may not be used for {name}; take it out"
                    yield Violation(path, message, "R306")

    def of_references(self, activity: AnyActivity, path: str) -> Iterator[Violation]:
        """References to answers that no action before has, or that have no such field (R190)."""
        read = [reference for reference in _references(activity) if reference.source is Source.ACTION]
        if not read or len(self.journey.activities) > _MOST_DRAWN:
            return
        before = (self.canvas.activities[label] for label in self.canvas.before(activity.label))
        used = {each.action for each in before if isinstance(each, ActionActivity)}
        for reference in read:
            name, *fields = reference.path
            action = self.actions.get(name)
            if name not in used:
                yield Violation(path, f"{_shown(reference)} reads an action that is not used before it", "R190")
            elif action is not None and not _answers(action, fields):
                message = f"{_shown(reference)} reads a field that the response of {name} does not declare"
                yield Violation(path, message, "R190")


def _fed(
    activity: AnyActivity, actions: Mapping[str, Action]
) -> Iterator[tuple[str, Expression, ExpressionType | None]]:
    """Each expression with its place, and the type of what it feeds where that has one."""
    if not isinstance(activity, ActionActivity):
        for label, condition in activity.conditions:
            yield f".conditions.{label}", condition, ExpressionType.BOOLEAN
        return
    action = actions.get(activity.action)
    kinds = {name: parameter.data_type for name, parameter in walk(action.message_parameters if action else ())}
    values: list[tuple[str, Any, DataType | None]] = [(".path", activity.path, None)]
    values += [(f".parameters.{name}", value, kinds.get(name)) for name, value in activity.parameters]
    for place in ("headers", "query_parameters"):
        values += [(f".{place}.{name}", value, None) for name, value in getattr(activity, place)]
    for where, value, kind in values:
        if isinstance(value, Expression):
            yield where, value, None if kind is None else ExpressionType(kind)


def _references(activity: AnyActivity) -> tuple[FieldReference, ...]:
    return tuple(dict.fromkeys(ref for expression in activity.expressions for ref in expression.references))


def _shown(reference: FieldReference) -> str:
    return f"the {reference.source} field {'.'.join(reference.path)}"


def _covers(above: FieldReference, below: FieldReference) -> bool:
    return above.source is below.source and below.path[: len(above.path)] == above.path


def _answers(action: Action, fields: list[str]) -> bool:
    """Whether an answer of `action` has the field (R180, R182, R184)."""
    match fields:
        case [] | ["jo_status_code"]:
            return True
        case ["errorResponse", *below] if action.failure_response:
            return _declares(action.failure_response, below)
        case _:
            return _declares(action.response, fields)


def _declares(parameters: tuple[MessageParameter, ...], fields: list[str]) -> bool:
    """Whether there is such a field; items of a list are looked through, whichever of them has it."""
    if not fields:
        return True
    found = [parameter for parameter in parameters if parameter.name == fields[0]]
    below = [each for parameter in found for each in _fields(parameter)]
    return bool(found) and _declares(tuple(below), fields[1:])


def _fields(parameter: MessageParameter) -> tuple[MessageParameter, ...]:
    if parameter.data_type is DataType.LIST_OBJECT:
        return tuple(field for item in parameter.parameters for field in (item, *item.parameters))
    return parameter.parameters
