"""Journey and ActionActivity: where actions are used. No I/O.

Section 7 of the rules (R279 to R308); `timeout` after R203 and R204.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any

import attrs

from wayhook.errors import NotFound, Violation
from wayhook.expression.expression import Expression
from wayhook.jsonvalue import is_bounded
from wayhook.model.parameter import Variable
from wayhook.model.shape import Shaped, as_pairs, as_tuple, pair_faults, type_fault
from wayhook.presentation import Presentable
from wayhook.secret import LiteralSecret, SecretReference, SecretText

__all__ = ["ActionActivity", "Journey", "JourneyStatus"]


class JourneyStatus(StrEnum):
    """The states of a journey (section 7.2)."""

    DRAFT = "Draft"
    DRAFT_TEST = "Draft (Test)"
    LIVE = "Live"
    CLOSED = "Closed"
    STOPPED = "Stopped"
    FINISHED = "Finished"
    PAUSED = "Paused"
    DRY_RUN = "Dry run"


@attrs.frozen(repr=False)
class ActionActivity(Shaped, Presentable):
    """One use of an action in a journey.

    `action`: the action's name. `label`: names the activity within its journey. `path`: appended to the static
    URL; empty calls the static URL itself (R50). `headers`, `query_parameters`, `parameters`: values for the
    action's variables, by header name, parameter name and dotted path. Each value is a literal, or an
    `Expression` made by `wayhook.expression(text)`; text is never code.
    `fields`: for a variable `listObject`, where its objects keep a field: `products.id` to `productId`, or to a
    sub-path such as `details.color`; the same name unless given (R165, R166).
    `alternative_path`: whether the journey goes on along a second path after an error or timeout.
    `additional_marketing_action`: beside the action's own, which cannot be changed here (R32).

    Literals are compared by their text form, since `1`, `1.0` and `True` are equal in Python and not in JSON.
    """

    action: str
    label: str = attrs.field(kw_only=True)
    path: str | Expression = attrs.field(default="", kw_only=True)
    headers: tuple[tuple[str, Any], ...] = attrs.field(default=(), converter=as_pairs, kw_only=True, eq=repr)
    query_parameters: tuple[tuple[str, Any], ...] = attrs.field(default=(), converter=as_pairs, kw_only=True, eq=repr)
    parameters: tuple[tuple[str, Any], ...] = attrs.field(default=(), converter=as_pairs, kw_only=True, eq=repr)
    fields: tuple[tuple[str, str], ...] = attrs.field(default=(), converter=as_pairs, kw_only=True)
    alternative_path: bool = attrs.field(default=False, kw_only=True)
    description: str = attrs.field(default="", kw_only=True)
    additional_marketing_action: str | None = attrs.field(default=None, kw_only=True)

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type or does not fit together."""
        for name in ("action", "label"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value:
                yield Violation(f"$.{name}", f"the {name} of an activity is a name")
        if not isinstance(self.path, str | Expression):
            yield Violation("$.path", f"a path is text or an expression, not {type(self.path).__name__}", "R51")
        for name in ("headers", "query_parameters", "parameters", "fields"):
            faults = list(pair_faults(getattr(self, name), f"$.{name}"))
            yield from faults or self._value_faults(name)
        for name, kind, wanted in (
            ("alternative_path", bool, "True or False"),
            ("description", str, "text"),
            ("additional_marketing_action", (str, type(None)), "text"),
        ):
            yield from type_fault(getattr(self, name), kind, f"$.{name}", wanted)

    def _value_faults(self, name: str) -> Iterator[Violation]:
        for key, value in getattr(self, name):
            if name == "fields":
                yield from type_fault(value, str, f"$.fields.{key}", "the name of a field", "R166")
            elif isinstance(value, Variable | SecretReference | LiteralSecret | SecretText):
                message = "a literal or an expression belongs here; variables and secrets belong to the action"
                yield Violation(f"$.{name}.{key}", message)
            elif not is_bounded(value):
                yield Violation(f"$.{name}.{key}", "this is too deep or too large, or contains itself; make it smaller")

    @property
    def expressions(self) -> Iterator[Expression]:
        """The expressions of this activity."""
        values = (
            self.path,
            *(v for part in (self.headers, self.query_parameters, self.parameters) for _, v in part),
        )
        return (value for value in values if isinstance(value, Expression))

    def __repr__(self) -> str:
        return f"<ActionActivity {self.label}: {self.action}>"


def _activities(given: Iterable[ActionActivity]) -> tuple[ActionActivity, ...]:
    return as_tuple(given)


@attrs.frozen(repr=False)
class Journey(Shaped, Presentable):
    """What uses actions.

    `name`: unique among journeys. `timeout`: seconds for an external call and its retries together, 1 to 30
    (R203); None takes the edition's default (R204). `activities`: labels are unique.
    """

    name: str
    activities: tuple[ActionActivity, ...] = attrs.field(default=(), converter=_activities)
    timeout: float | None = attrs.field(default=None, kw_only=True)
    description: str = attrs.field(default="", kw_only=True)
    status: JourneyStatus = attrs.field(default=JourneyStatus.DRAFT, kw_only=True)

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type or does not fit together."""
        if not isinstance(self.name, str) or not self.name:
            yield Violation("$.name", "a journey has a name")
        if self.timeout is not None and (isinstance(self.timeout, bool) or not isinstance(self.timeout, int | float)):
            yield Violation("$.timeout", f"a timeout is a number of seconds, not {type(self.timeout).__name__}", "R203")
        try:
            object.__setattr__(self, "status", JourneyStatus(self.status))
        except ValueError:
            yield Violation("$.status", f"a status is one of {', '.join(JourneyStatus)}")
        yield from type_fault(self.description, str, "$.description", "text")
        yield from type_fault(self.activities, tuple, "$.activities", "a sequence of ActionActivity")
        labels: set[str] = set()
        for i, activity in enumerate(self.activities if isinstance(self.activities, tuple) else ()):
            if not isinstance(activity, ActionActivity):
                yield Violation(f"$.activities[{i}]", f"an ActionActivity belongs here, not {type(activity).__name__}")
            elif activity.label in labels:
                yield Violation(
                    f"$.activities[{i}].label", f"two activities are labelled {activity.label!r}; rename one"
                )
            else:
                labels.add(activity.label)

    @property
    def actions(self) -> tuple[str, ...]:
        """The names of the actions used, each once, in order (R15)."""
        return tuple(dict.fromkeys(activity.action for activity in self.activities))

    def activity(self, label: str) -> ActionActivity:
        """Return the activity labelled `label`; raises `NotFound`."""
        for activity in self.activities:
            if activity.label == label:
                return activity
        raise NotFound(f"activity of {self.name}", label)

    def renaming_action(self, old: str, new: str) -> Journey:
        """Return the journey with the action `old` called `new`, in activities and in expressions (R16)."""
        return attrs.evolve(self, activities=(_renamed(activity, old, new) for activity in self.activities))

    def __repr__(self) -> str:
        count = len(self.activities)
        return f"<Journey {self.name}: {self.status}, {count} activit{'y' if count == 1 else 'ies'}>"


def _renamed(activity: ActionActivity, old: str, new: str) -> ActionActivity:
    def renamed(value: Any) -> Any:
        return value.renaming_action(old, new) if isinstance(value, Expression) else value

    return attrs.evolve(
        activity,
        action=new if activity.action == old else activity.action,
        path=renamed(activity.path),
        headers=((key, renamed(value)) for key, value in activity.headers),
        query_parameters=((key, renamed(value)) for key, value in activity.query_parameters),
        parameters=((key, renamed(value)) for key, value in activity.parameters),
    )
