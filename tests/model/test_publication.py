"""What stands against the publication of a journey: types of expressions (R160, R192)."""

from __future__ import annotations

from typing import Any

import pytest

import wayhook as wh

WEATHER = wh.Action(
    name="Weather",
    url_configuration=wh.UrlConfiguration("https://h.example", method="GET"),
    response=wh.payload({"temp": 1.5, "days": [{"high": 1}], "place": "x"}),
)
TELL = wh.Action(
    name="Tell",
    url_configuration=wh.UrlConfiguration(
        "https://h.example", headers={"X-Place": wh.variable("Place", optional=True)}
    ),
    message_parameters=wh.message_parameters(
        {"text": "x", "count": 1, "ratio": 1.5, "list": [1]},
        variables={name: wh.variable(optional=True) for name in ("text", "count", "ratio", "list")},
    ),
)


def told(types: dict[str, str] | None = None, **parts: Any) -> list[tuple[str, str]]:
    """Paths and rules of what stands against a journey whose second activity has these parts."""
    fed = {
        place: {name: wh.expression(text) for name, text in values.items()} if isinstance(values, dict) else values
        for place, values in parts.items()
    }
    journey = wh.Journey(
        "Trip", [wh.ActionActivity("Weather", label="ask"), wh.ActionActivity("Tell", label="tell", **fed)]
    )
    found = wh.publication_violations(journey, [WEATHER, TELL], types=types)
    return [(violation.path.removeprefix("$.activities[1]"), violation.rule) for violation in found]


@pytest.mark.rule("R160", "R192")
@pytest.mark.parametrize(
    "parameters",
    [
        {"text": "@action{Weather.place}", "count": "@action{Weather.days.at(0).high}"},
        {"ratio": "@action{Weather.days.at(0).high}"},
        {"list": "@action{Weather.days.high}"},
        {"text": "@action{Weather.place, defaultValue: 'here'}", "count": "count(@action{Weather.days})"},
        {"count": "@event{Order.count}", "text": "@event{Order.note}"},
    ],
    ids=str,
)
def test_an_expression_that_fits_is_published(parameters: dict[str, str]) -> None:
    """A declared type that fits, an integer for a decimal, and what only the data tells, stand in no way."""
    assert told(parameters=parameters) == []


@pytest.mark.rule("R160", "R192")
@pytest.mark.parametrize(
    ("parts", "path"),
    [
        ({"parameters": {"count": "@action{Weather.place}"}}, ".parameters.count"),
        ({"parameters": {"count": "@action{Weather.temp}"}}, ".parameters.count"),
        ({"parameters": {"text": "@action{Weather.days}"}}, ".parameters.text"),
        ({"parameters": {"list": "@action{Weather.days.at(0).high}"}}, ".parameters.list"),
        ({"parameters": {"text": "@action{Weather.temp, defaultValue: 'none'}"}}, ".parameters.text"),
        ({"headers": {"X-Place": "@action{Weather.place} > 1"}}, ".headers.X-Place"),
        ({"path": wh.expression("upper(@action{Weather.temp})")}, ".path"),
    ],
    ids=str,
)
def test_an_expression_of_another_type_is_told(parts: dict[str, Any], path: str) -> None:
    """What no data could make right is told before anybody enters the journey."""
    assert told(**parts) == [(path, "R160")]


@pytest.mark.rule("R160")
def test_the_types_of_events_are_checked_where_they_are_given() -> None:
    """Declared fields of events and data sources are checked as those of answers are."""
    types = {"event.Order.count": "integer", "event.Order.note": "string"}

    assert told(types, parameters={"count": "@event{Order.count}"}) == []
    assert told(types, parameters={"count": "@event{Order.note}"}) == [(".parameters.count", "R160")]
    assert told(types, parameters={"count": "@event{Order.cuont}"}) == [(".parameters.count", "R160")]
    with pytest.raises(wh.DefinitionError):
        told({"Order": "integer"}, parameters={"count": "@event{Order.count}"})
