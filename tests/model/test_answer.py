"""The types of answers, for checking expressions."""

from __future__ import annotations

import pytest

import wayhook as wh

WEATHER = wh.Action(
    name="Weather",
    response=wh.payload({"temp": 21.5, "wind": {"speed": 3}, "days": [{"day": "Mon", "rain": True}], "codes": ["a"]}),
    failure_response=wh.payload({"reason": "no"}),
)


@pytest.mark.rule("R175", "R182", "R190")
def test_declared_fields_have_their_types() -> None:
    """Nested fields, the fields of one element of a list, those of a failure, and the status code."""
    assert wh.answer_types(WEATHER) == {
        "action.Weather.jo_status_code": "string",
        "action.Weather.temp": "decimal",
        "action.Weather.wind": "object",
        "action.Weather.wind.speed": "integer",
        "action.Weather.days": "listObject",
        "action.Weather.days.day": "string",
        "action.Weather.days.rain": "boolean",
        "action.Weather.codes": "listString",
        "action.Weather.errorResponse.reason": "string",
    }


@pytest.mark.rule("R190")
@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("@action{Weather.temp}", True),
        ("@action{Weather.days.all(currentActionField.rain).day}", True),
        ("@action{Weather.jo_status_code} == 'http_200'", True),
        ("@action{Weather.errorResponse.reason}", True),
        ("@action{Weather.tmp}", False),
        ("@action{Weather.days.all(currentActionField.snow)}", False),
        ("@action{Weather.wind.speed.x}", False),
        ("@action{Bare.anything}", False),
        ("@action{Bare.jo_status_code}", True),
    ],
)
def test_an_expression_is_checked_against_answers(text, right) -> None:
    """A field that no answer declares cannot be read."""
    types = wh.answer_types([WEATHER, wh.Action(name="Bare")])

    if right:
        wh.expression(text).check(types)
    else:
        with pytest.raises(wh.ExpressionError, match="field"):
            wh.expression(text).check(types)


def test_names_that_need_quotes_have_them() -> None:
    """Quotes keep such a name one name; dots are not in names of fields."""
    odd = wh.Action(name="Odd", response=wh.payload({"it's": 1}))

    types = wh.answer_types(odd)

    assert types['action.Odd."it\'s"'] == "integer"
    assert wh.expression('@action{Odd."it\'s"}').check(types) == "integer"
