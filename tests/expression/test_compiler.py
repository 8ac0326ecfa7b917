"""The compiler: values, nulls, types and text forms."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

import wayhook as wh
from wayhook import ExpressionType

PARIS = timezone(timedelta(hours=2))


def value(text: str, **event: Any) -> Any:
    """What an expression gives for the fields of the event `E`."""
    return wh.expression(text).evaluate(wh.Context({"E": event}))


@pytest.mark.rule("R52")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"a" + "b" + "c" + 1234', "abc1234"),
        ("'a' + 1.5", "a1.5"),
        ("'a' + true + false", "atruefalse"),
        ("1 + 2 + 'a'", "3a"),
        ("'a' + 1 + 2", "a12"),
        ("'a' + (1 + 2)", "a3"),
        ("1 + 2", 3),
        ("1 + 2.0", 3.0),
        ("-1 + -2", -3),
        ("1 + 2 + 3.5", 6.5),
        ("null + 'a'", None),
        ("null + null", None),
    ],
)
def test_plus_joins_texts_and_adds_numbers_from_the_left(text: str, expected: object) -> None:
    """Text with anything is text, two numbers are a sum, a null makes all of it null."""
    found = value(text)

    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (4, "4!"),
        (1.5, "1.5!"),
        (2.0, "2.0!"),
        (1e21, "1000000000000000000000.0!"),
        (1e-7, "0.0000001!"),
        (Decimal("2.50"), "2.5!"),
        (Decimal(7), "7.0!"),
        (True, "true!"),
        (date(2023, 8, 18), "2023-08-18!"),
        (datetime(2019, 6, 3, 8, 30, tzinfo=PARIS), "2019-06-03T06:30Z!"),
        (datetime(2019, 9, 23, 9, 30, 6, 693_000, tzinfo=UTC), "2019-09-23T09:30:06.693Z!"),
        (datetime(2019, 9, 23, 9, 30, 6, 693_001, tzinfo=UTC), "2019-09-23T09:30:06.693001Z!"),
        (datetime(2019, 9, 23, 9, 30, 6), "2019-09-23T09:30:06!"),  # noqa: DTZ001 - a local time
        (datetime(2019, 9, 23, 9, 30), "2019-09-23T09:30!"),  # noqa: DTZ001 - a local time
        ("", "!"),
        (None, None),
    ],
)
def test_beside_a_text_every_single_value_has_a_text_form(left: object, expected: str | None) -> None:
    """Numbers without exponent, truth values in lower case, date-times in UTC with no more than they need."""
    assert value("@event{E.x} + '!'", x=left) == expected


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (True, 1),
        ([1], [2]),
        ({"a": 1}, 1),
        ("a", [1]),
        ({"a": 1}, "a"),
        (datetime(2030, 1, 1, tzinfo=UTC), 1),
        ("a", float("nan")),
        ("a", object()),
    ],
    ids=lambda x: type(x).__name__,
)
def test_plus_refuses_what_it_cannot_join_or_add(x: object, y: object) -> None:
    """Data that does not fit is a wrong type, named by its type and never by its value."""
    with pytest.raises(wh.WrongType, match=r"'\+'") as caught:
        value("@event{E.x} + @event{E.y}", x=x, y=y)

    assert [violation.path for violation in caught.value.violations] == ["$"]


@pytest.mark.parametrize(
    ("text", "x"),
    [
        ("'a' + @event{E.x}", 10**5000),
        ("1.5 + @event{E.x}", 10**400),
        ("'a' + @event{E.x}", Decimal("sNaN")),
        ("1.5 + @event{E.x}", Decimal("sNaN")),
        ("'a' + @event{E.x}", datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))),
        ("'a' + @event{E.x}", int),
    ],
    ids=["5001 digits", "beyond a float", "signalling text", "signalling sum", "before year 1", "a class"],
)
def test_extreme_data_is_a_wrong_type_too(text: str, x: object) -> None:
    """What has no text form, or no sum, in our reach is refused as data, never as an error of Python's own."""
    with pytest.raises(wh.WrongType):
        value(text, x=x)


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (1, Decimal("0.25"), 1.25),
        (0.5, Decimal("0.25"), 0.75),
        (Decimal("0.5"), Decimal("0.25"), 0.75),
    ],
)
def test_an_exact_decimal_is_computed_as_a_double(x: object, y: object, expected: object) -> None:
    """The decimals of the language are doubles (section 1.5); a reference by itself leaves a `Decimal` as it is."""
    found = value("@event{E.x} + @event{E.y}", x=x, y=y)

    assert (type(found), found) == (type(expected), expected)
    assert value("@event{E.y}", y=y) is y


@pytest.mark.rule("R193")
@pytest.mark.parametrize(
    "context",
    [
        {},
        {"E": None},
        {"E": {}},
        {"E": {"a": None}},
        {"E": {"a": {}}},
        {"E": {"a": {"b": None}}},
        {"E": {"a": "text"}},
        {"E": 7},
    ],
)
def test_what_is_not_there_is_null(context: dict[str, Any]) -> None:
    """An absent field, a null, an absent parent and a parent that is no object give null, not an error."""
    assert wh.expression("@event{E.a.b}").evaluate(wh.Context(context)) is None


@pytest.mark.rule("R191")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@event{E.gone, defaultValue: -1}", -1),
        ("@event{E.none, defaultValue : 'x' + 1}", "x1"),
        ("@event{E.name, defaultValue: 'other'}", "Ann"),
        ("@event{E.empty, defaultValue: 'other'}", ""),
        ("@event{E.zero, defaultValue: 5}", 0),
        ("@event{E.no, defaultValue: true}", False),
        ("@event{E.gone, defaultValue: @event{E.name}}", "Ann"),
        ("@event{E.gone, defaultValue: @event{E.none, defaultValue: #{S.g.f, defaultValue: 1.5}}}", 1.5),
        ("@event{E.gone, defaultValue: @event{E.none}}", None),
        ("@event{E.gone, defaultValue: null}", None),
        ("@event{E.gone, defaultValue: (1 + 2)}", 3),
        ("@action{A.points, defaultValue: 0}", 0),
        ("${externalKey, defaultValue: 'k'}", "k"),
        ("'Hi ' + @event{E.gone, defaultValue: 'you'} + '!'", "Hi you!"),
    ],
)
def test_a_default_stands_in_for_what_is_absent_or_null(text: str, expected: object) -> None:
    """The default is used for nothing but an absent field or a null, and may be any expression."""
    assert value(text, none=None, name="Ann", empty="", zero=0, no=False) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@event{E.items.id}", [1, 2, None]),
        ("@event{E.items.tags.name}", ["a", "b", None]),
        ("@event{E.items}", [{"id": 1, "tags": [{"name": "a"}, {"name": "b"}]}, {"id": 2, "tags": []}, {}]),
        ("@event{E.numbers.id}", [None, None]),
        ("@event{E.nothing.id}", []),
        ("@event{E.pair.id}", [3, 4]),
    ],
)
def test_a_field_of_a_list_is_the_list_of_that_field(text: str, expected: object) -> None:
    """A path goes on through every element, a list below a list is flattened; no field gives null."""
    items = [{"id": 1, "tags": [{"name": "a"}, {"name": "b"}]}, {"id": 2, "tags": []}, {}]

    assert value(text, items=items, numbers=[1, 2], nothing=[], pair=({"id": 3}, {"id": 4})) == expected


def test_a_flattened_list_has_a_limit() -> None:
    """Lists below lists do not grow without end: more than 100,000 items are a fault of the data."""
    with pytest.raises(wh.WrongType, match="100,000"):
        value("@event{E.x.y}", x=[{"y": [0] * 60_000}] * 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'a'", ExpressionType.STRING),
        ("1", ExpressionType.INTEGER),
        ("1.0", ExpressionType.DECIMAL),
        ("true", ExpressionType.BOOLEAN),
        ("null", None),
        ("@event{E.x}", None),
        ("@event{E.x, defaultValue: 1}", None),
        ("1 + 2", ExpressionType.INTEGER),
        ("1 + 2.0", ExpressionType.DECIMAL),
        ("1 + @event{E.x}", None),
        ("1 + @event{E.x} + 'a'", ExpressionType.STRING),
        ("'a' + true", ExpressionType.STRING),
    ],
)
def test_the_static_type_is_what_no_data_can_change(text: str, expected: ExpressionType | None) -> None:
    """Literals and `+` tell their type before any data is there; a reference alone does not."""
    assert wh.expression(text).type is expected


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("true + false", 6),
        ("true + 1 + 'a'", 6),
        ("1 + 2 + false", 7),
        ("@event{E.x, defaultValue: true + 1}", 32),
        ("(1 + (false + 2.0))", 13),
    ],
)
def test_what_no_data_can_make_right_is_refused_at_once(text: str, column: int) -> None:
    """A `+` between constants that do not fit is an error of the text, at the place of the sign."""
    with pytest.raises(wh.ExpressionError, match=r"cannot take") as caught:
        wh.expression(text)

    assert (caught.value.line, caught.value.column) == (1, column)


@pytest.mark.parametrize(
    ("text", "column"), [("9223372036854775807 + 1", 21), ("-9223372036854775808 + -1 + @event{E.x}", 22)]
)
def test_a_sum_of_constants_that_is_out_of_range_is_refused_at_once(text: str, column: int) -> None:
    """What is wrong whatever the data is an error of the text, not of a later evaluation."""
    with pytest.raises(wh.ExpressionError) as caught:
        wh.expression(text)

    assert (caught.value.line, caught.value.column) == (1, column)


def test_a_sum_of_data_that_is_out_of_range_is_a_wrong_type() -> None:
    """An integer has 64 bits, also where it is a sum."""
    with pytest.raises(wh.WrongType, match="range"):
        value("@event{E.x} + 1", x=2**63 - 1)


def test_evaluation_does_not_change_the_context() -> None:
    """The same expression and the same data give the same value again."""
    event = {"items": [{"id": 1}, {"id": 2}]}
    compiled, context = wh.expression("@event{E.items.id}"), wh.Context({"E": event})

    compiled.evaluate(context).clear()

    assert compiled.evaluate(context) == [1, 2]
    assert event == {"items": [{"id": 1}, {"id": 2}]}
