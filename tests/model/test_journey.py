"""Journeys and activities: their shape, what they use, and a rename that follows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import attrs
import pytest

import wayhook as wh


def test_a_journey_uses_each_action_once() -> None:
    """The actions of a journey are named in order, each once."""
    journey = wh.Journey(
        "Welcome", [wh.ActionActivity(action, label=f"{i}") for i, action in enumerate(["B", "A", "B", "C"])]
    )

    assert journey.actions == ("B", "A", "C")
    assert wh.Journey("Empty").actions == ()


def test_an_activity_is_found_by_its_label() -> None:
    """A label names one activity; another label is not found."""
    day1, day2 = wh.ActionActivity("A", label="day1"), wh.ActionActivity("A", label="day2")
    journey = wh.Journey("Welcome", [day1, day2])

    assert journey.activity("day2") is day2
    with pytest.raises(wh.NotFound, match="'day3'"):
        journey.activity("day3")


def test_values_are_given_as_a_mapping_or_as_pairs() -> None:
    """An activity is the same, whichever way its values are given."""
    mapped = wh.ActionActivity(
        "A", label="x", headers={"X-A": "1"}, query_parameters={"q": "2"}, parameters={"a.b": 3}, fields={"p.id": "i"}
    )
    paired = wh.ActionActivity(
        "A",
        label="x",
        headers=[("X-A", "1")],
        query_parameters=[["q", "2"]],
        parameters=(("a.b", 3),),
        fields=[("p.id", "i")],
    )

    assert mapped == paired


def test_the_expressions_of_an_activity_are_found_in_every_place() -> None:
    """Path, headers, query parameters and parameters may hold expressions; literals are none."""
    activity = wh.ActionActivity(
        "A",
        label="x",
        path=wh.expression("@event{E.a}"),
        headers={"X-A": wh.expression("@event{E.b}"), "X-B": "@event{E.no}"},
        query_parameters={"q": wh.expression("@event{E.c}")},
        parameters={"p": wh.expression("@event{E.d}"), "n": 7},
    )

    assert [str(expression) for expression in activity.expressions] == [
        "@event{E.a}",
        "@event{E.b}",
        "@event{E.c}",
        "@event{E.d}",
    ]


@pytest.mark.rule("R16")
def test_a_rename_changes_activities_and_expressions() -> None:
    """Every reference to the old name reads the new one; other actions, other sources and texts stay."""
    activities = [
        wh.ActionActivity(
            "Old",
            label="Old",
            path=wh.expression("@action{Old.id} + '/Old'"),
            headers={"Old": wh.expression("@action{Old.a, defaultValue: @action{Old.b}}")},
            query_parameters={"q": wh.expression("@event{Old.c}")},
            parameters={"p": wh.expression("@action{Older.d}"), "text": "Old"},
        ),
        wh.ActionActivity("Older", label="other"),
    ]

    renamed = wh.Journey("Old", activities).renaming_action("Old", "New")

    first, second = renamed.activities
    assert (renamed.name, first.action, first.label, second.action) == ("Old", "New", "Old", "Older")
    assert str(first.path) == "@action{New.id} + '/Old'"
    assert [(name, str(value)) for name, value in first.headers] == [
        ("Old", "@action{New.a, defaultValue: @action{New.b}}")
    ]
    assert str(dict(first.query_parameters)["q"]) == "@event{Old.c}"
    assert {name: str(value) for name, value in first.parameters} == {"p": "@action{Older.d}", "text": "Old"}


@pytest.mark.parametrize(
    ("parts", "place"),
    [
        ({"action": ""}, "$.action"),
        ({"action": None}, "$.action"),
        ({"label": ""}, "$.label"),
        ({"label": 7}, "$.label"),
        ({"path": b"x"}, "$.path"),
        ({"headers": {7: "x"}}, "$.headers"),
        ({"headers": [("X-A",)]}, "$.headers"),
        ({"headers": ["ab"]}, "$.headers"),
        ({"headers": "X-A"}, "$.headers"),
        ({"query_parameters": None}, "$.query_parameters"),
        ({"parameters": 7}, "$.parameters"),
        ({"fields": {"products.id": 7}}, "$.fields"),
        ({"alternative_path": "no"}, "$.alternative_path"),
        ({"on_error": "x"}, "$.on_error"),
        ({"alternative_path": True, "on_error": 7}, "$.on_error"),
        ({"next": "x"}, "$.next"),
        ({"next": [7]}, "$.next"),
        ({"description": 7}, "$.description"),
        ({"additional_marketing_action": 7}, "$.additional_marketing_action"),
    ],
)
def test_a_part_of_an_activity_of_a_wrong_type_is_refused(parts, place) -> None:
    """A part that is not what belongs there is refused on construction, with its place."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.ActionActivity(**{"action": "A", "label": "x", **parts})

    assert [violation.path.startswith(place) for violation in caught.value.violations] == [True]


@pytest.mark.parametrize(
    ("parts", "place"),
    [
        ({"name": ""}, "$.name"),
        ({"name": None}, "$.name"),
        ({"timeout": "10"}, "$.timeout"),
        ({"status": "Gone"}, "$.status"),
        ({"description": 7}, "$.description"),
        ({"pause_mode": "wait"}, "$.pause_mode"),
        ({"reentrance": 1}, "$.reentrance"),
        ({"time_zone": None}, "$.time_zone"),
        ({"namespace": 7}, "$.namespace"),
        ({"published": "2030-01-01"}, "$.published"),
        ({"tested": 7}, "$.tested"),
        ({"activities": ["A"]}, "$.activities[0]"),
        ({"activities": None}, "$.activities"),
        ({"activities": wh.ActionActivity("A", label="x")}, "$.activities"),
        (
            {"activities": [wh.ActionActivity("A", label="x"), wh.ActionActivity("B", label="x")]},
            "$.activities[1].label",
        ),
    ],
)
def test_a_part_of_a_journey_of_a_wrong_type_is_refused(parts, place) -> None:
    """A part that is not what belongs there is refused on construction, with its place."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.Journey(**{"name": "Welcome", **parts})

    assert [violation.path for violation in caught.value.violations] == [place]


@pytest.mark.parametrize(
    ("parts", "place"),
    [
        ({"kind": "action"}, "$.kind"),
        ({"kind": None}, "$.kind"),
        ({"label": ""}, "$.label"),
        ({"next": "x"}, "$.next"),
        ({"description": 7}, "$.description"),
        ({"conditions": {"x": wh.expression("1")}}, "$.conditions"),
        ({"kind": "condition", "conditions": {"x": "1"}}, "$.conditions.x"),
        ({"kind": "condition", "conditions": 7}, "$.conditions"),
    ],
)
def test_a_part_of_a_place_of_the_canvas_of_a_wrong_type_is_refused(parts, place) -> None:
    """An event, wait, condition or end is checked as an activity is; only a condition has conditions."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.Activity(**{"kind": "event", "label": "x", **parts})

    assert [violation.path for violation in caught.value.violations] == [place]


@pytest.mark.rule("R16")
def test_a_rename_reaches_conditions_and_earlier_versions() -> None:
    """An action is renamed in the conditions of the canvas, and in every version that is kept."""
    condition = wh.Activity("condition", label="c", conditions={"a": wh.expression("@action{Old.id}")})
    live = wh.Journey("J", [wh.ActionActivity("Old", label="a"), condition]).publish(datetime(2030, 1, 1, tzinfo=UTC))

    renamed = live.new_version().renaming_action("Old", "New")

    assert [version.actions for version in renamed.versions] == [("New",), ("New",)]
    assert {str(next(version.activities[1].expressions)) for version in renamed.versions} == {"@action{New.id}"}


def test_an_action_of_an_earlier_version_is_used() -> None:
    """Every version counts; the latest one's actions come first (R14, R15)."""
    live = wh.Journey("J", [wh.ActionActivity("B", label="b"), wh.ActionActivity("A", label="a")])
    live = live.publish(datetime(2030, 1, 1, tzinfo=UTC))

    changed = attrs.evolve(live.new_version(), activities=[wh.ActionActivity("A", label="a")])

    assert changed.actions == ("A", "B")


def test_only_an_activity_with_an_action_is_executed() -> None:
    """An event is no activity to look up for a call."""
    journey = wh.Journey("J", [wh.Activity("event", label="e"), wh.ActionActivity("A", label="a")])

    assert [activity.label for activity in journey.action_activities] == ["a"]
    with pytest.raises(wh.NotFound, match="'e'"):
        journey.activity("e")


def test_an_instant_is_kept_in_utc() -> None:
    """Whatever the zone it was given in, it is the same instant."""
    given = datetime(2030, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))

    journey = wh.Journey("J", published=given)

    assert journey.published == given
    assert journey.published.tzinfo is UTC


def test_all_wrong_parts_of_a_journey_are_named_at_once() -> None:
    """Construction collects the faults of every part."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.Journey(
            "", [7, wh.ActionActivity("A", label="x"), wh.ActionActivity("A", label="x")], timeout="x", status="?"
        )

    assert [violation.path for violation in caught.value.violations] == [
        "$.name",
        "$.timeout",
        "$.status",
        "$.activities[0]",
        "$.activities[2].label",
    ]


def test_every_broken_rule_of_a_journey_is_found_at_once() -> None:
    """One look finds the timeout, the number of activities and each bad literal."""
    activities = [wh.ActionActivity("A", label=f"{i}") for i in range(51)]
    activities[7] = attrs.evolve(activities[7], headers={"X-A": "ok", "X-B": "a\nb", "X-C": "a\x00"})

    found = wh.violations(wh.Journey("W", activities, timeout=31))

    assert [(violation.path, violation.rule) for violation in found] == [
        ("$.timeout", "R203"),
        ("$.activities", "R283"),
        ("$.activities[7].headers.X-B", "R74"),
        ("$.activities[7].headers.X-C", "R74"),
    ]


@pytest.mark.rule("R279")
@pytest.mark.parametrize("status", list(wh.JourneyStatus))
def test_a_journey_is_a_draft_unless_told_otherwise(status) -> None:
    """A status is given by member or by its documented name."""
    assert wh.Journey("W").status is wh.JourneyStatus.DRAFT
    assert wh.Journey("W", status=status.value).status is status


def test_journeys_and_activities_are_values() -> None:
    """Equal parts make equal journeys; none can be changed in place."""
    journey = wh.Journey("W", [wh.ActionActivity("A", label="x", path=wh.expression("'a'"))])

    assert journey == wh.Journey("W", [wh.ActionActivity("A", label="x", path=wh.expression("'a'"))])
    with pytest.raises(AttributeError):
        journey.timeout = 5
    with pytest.raises(AttributeError):
        journey.activities[0].path = "b"


def test_the_repr_is_short_and_honest() -> None:
    """A look at a journey shows name, status and size; one at an activity shows label and action."""
    activity = wh.ActionActivity("A", label="x", parameters={"password": "canary"})

    assert repr(activity) == "<ActionActivity x: A>"
    assert repr(wh.Journey("W", [activity])) == "<Journey W: Draft, 1 activity>"
    assert repr(wh.Journey("W", status="Live")) == "<Journey W: Live, 0 activities>"


def test_a_literal_is_taken_in_json_form() -> None:
    """Sequences become lists, as a store would bring them back."""
    activity = wh.ActionActivity("A", label="a", parameters={"t": ("a", {"b": (1,)})})

    assert dict(activity.parameters)["t"] == ["a", {"b": [1]}]


def test_a_literal_has_bounds() -> None:
    """What contains itself, is shared too often or is too deep is refused on construction, in no time."""
    cyclic: list[object] = []
    cyclic.append(cyclic)
    shared: object = ["x"]
    deep: object = "x"
    for _ in range(60):
        shared = (shared, shared)
    for _ in range(100):
        deep = [deep]

    with pytest.raises(wh.DefinitionError) as caught:
        wh.ActionActivity("A", label="a", parameters={"cyclic": cyclic, "shared": shared, "deep": deep})

    places = [violation.path for violation in caught.value.violations]
    assert places == ["$.parameters.cyclic", "$.parameters.shared", "$.parameters.deep"]
