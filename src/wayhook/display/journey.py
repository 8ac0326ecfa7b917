"""The cards of journeys and their activities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from wayhook.display.definition import facts
from wayhook.display.part import (
    Card,
    Cell,
    Chip,
    Node,
    Part,
    Piece,
    Section,
    Table,
    Tone,
    Tree,
    Value,
    bounded,
    counted,
    duration,
    json_text,
    moment,
)
from wayhook.expression.expression import Expression
from wayhook.model.journey import ActionActivity, Activity, AnyActivity, Journey, PauseMode
from wayhook.model.lifecycle import JourneyStatus

__all__ = ["activity_card", "journey_card"]

MAX_ACTIVITIES = 100
_OPEN = 16
"""Values up to which all are shown at once."""
_TONES: dict[JourneyStatus, Tone] = {
    JourneyStatus.LIVE: "good",
    JourneyStatus.PAUSED: "doubt",
    JourneyStatus.STOPPED: "bad",
}


def journey_card(journey: Journey) -> Card:
    """Return the card of a journey: its versions, and its activities in order."""
    parts: list[Part] = [*_journey_facts(journey)]
    if len(journey.versions) > 1 or journey.published is not None:
        rows, more = bounded(map(_version, reversed(journey.versions)))
        parts.append(Section("Versions", (Table(("version", "status", "published", "closed"), rows, more),)))
    if journey.activities:
        activities, more = bounded(journey.activities, MAX_ACTIVITIES)
        is_short = sum(len(list(_values(each))) for each in journey.action_activities) <= _OPEN
        nodes = tuple(_node(activity, is_open=is_short) for activity in activities)
        parts.append(Section(f"{counted(len(journey.activities), 'activity', 'activities')}", (Tree(nodes, more),)))
    chips = (_status(journey), *((Chip(f"version {journey.version}"),) if journey.version > 1 else ()))
    return Card("journey", journey.name, tuple(parts), chips, journey.description)


def _status(journey: Journey) -> Chip:
    return Chip(str(journey.status), _TONES.get(journey.status, "calm"))


def _journey_facts(journey: Journey) -> Iterable[Part]:
    again = f"yes, after {duration(journey.reentrance_wait)}" if journey.reentrance else "no"
    discards = "discards at actions while it is paused" if journey.pause_mode is PauseMode.DISCARD else None
    return facts(
        ("timeout", None if journey.timeout is None else duration(journey.timeout)),
        ("enters again", again),
        ("pause", discards),
        ("namespace", journey.namespace),
        ("time zone", journey.time_zone),
    )


def _version(version: Journey) -> tuple[Cell, ...]:
    dates = ("" if date is None else moment(date) for date in (version.published, version.closed))
    return str(version.version), _status(version), *dates


def _node(activity: AnyActivity, *, is_open: bool) -> Node:
    if isinstance(activity, Activity):
        conditions = tuple(
            Node(label, (Chip("expression", "expression"), Value(condition.text)))
            for label, condition in activity.conditions
        )
        return Node(activity.label, (Chip(str(activity.kind)), *_following(activity)), conditions, is_open)
    given = tuple(Node(name, (place, *_given(value))) for place, name, value in _values(activity))
    cells = (Chip("action"), Value(activity.action), *_alternative(activity), *_following(activity))
    return Node(activity.label, cells, given, is_open)


def _following(activity: AnyActivity) -> tuple[Piece, ...]:
    return (f"then {', '.join(activity.next)}",) if activity.next else ()


def _alternative(activity: ActionActivity) -> tuple[Piece, ...]:
    if not activity.alternative_path:
        return ()
    after = f", to {activity.on_error}" if activity.on_error else ""
    return (Chip(f"alternative path{after}"),)


def _values(activity: ActionActivity) -> Iterator[tuple[str, str, Any]]:
    """What an activity gives: the place, the name and the value."""
    if activity.path:
        yield "path", "", activity.path
    for place, pairs in (
        ("header", activity.headers),
        ("query", activity.query_parameters),
        ("payload", activity.parameters),
    ):
        yield from ((place, name, value) for name, value in pairs)


def _given(value: Any) -> tuple[Piece, ...]:
    """A literal, or the text of an expression."""
    if isinstance(value, Expression):
        return Chip("expression", "expression"), Value(value.text)
    return Chip("literal", "constant"), Value(json_text(value).text)


def activity_card(activity: AnyActivity) -> Card:
    """Return the card of an activity, by itself."""
    if isinstance(activity, Activity):
        rows, more = bounded((label, Value(condition.text)) for label, condition in activity.conditions)
        table = (Table(("goes on with", "where"), rows, more),) if rows else ()
        parts = (*facts(("then", ", ".join(activity.next))), *table)
        return Card("activity", activity.label, parts, (Chip(str(activity.kind)),), activity.description)
    parts = (
        *facts(
            ("action", Value(activity.action)),
            ("alternative path", activity.alternative_path and (activity.on_error or "yes")),
            ("then", ", ".join(activity.next)),
            ("marketing action", activity.additional_marketing_action and Value(activity.additional_marketing_action)),
        ),
        *_gives(activity),
    )
    return Card("activity", activity.title, parts, (Chip("action"),), activity.description)


def _gives(activity: ActionActivity) -> Iterator[Part]:
    values = (
        ((place, Value(name)) if name else place, *_given(value)[::-1]) for place, name, value in _values(activity)
    )
    rows, more = bounded(values)
    if rows:
        yield Section("What it gives", (Table(("where", "value", "from"), rows, more),))
    if activity.fields:
        rows, more = bounded((Value(field), Value(source)) for field, source in activity.fields)
        yield Section("Where the objects of a list keep a field", (Table(("field", "kept as"), rows, more),))
