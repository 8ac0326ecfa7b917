"""Operators: precedence, types, nulls, ranges."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

NAIVE = datetime(2011, 12, 3, 15, 15, 30)  # noqa: DTZ001 - a dateTimeOnly


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4 + 2 * 10", 24),
        ("(4 + 2) * 10", 60),
        ("20 - 5 - 3", 12),
        ("100 / 10 / 5", 2),
        ("7 % 4 * 2", 6),
        ("2 * 7 % 4", 2),
        ("-2 * 3", -6),
        ("2 - -3", 5),
        ("- - 3", 3),
        ("-(2 + 3)", -5),
        ("1 + 2 == 3", True),
        ("1 < 2 == true", True),
        ("not 3.15 < 1", True),
        ("not true == false", True),
        ("not not true", True),
        ("not (true and false)", True),
        ("not true and false", False),
        ("false and true or true", True),
        ("true or true and false", True),
        ("(true or true) and false", False),
        ("1 + @event{E.none} is null", True),
        ("1 is not null == true", True),
        ("(1 is null) == false", True),
        ("not 1 is null", True),
        ("1 is integer and 1.0 is decimal and not 'a' is numeric", True),
    ],
)
def test_operators_bind_as_documented(value, text, expected) -> None:
    """Tight to loose: sign, times, plus, comparisons and tests, not, and, or; all group from the left."""
    found = value(text)

    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize("text", ["1 + not true", "1 == not true", "- not true", "2 * not false"])
def test_not_stands_before_a_condition_only(refused, text) -> None:
    """Beside a tighter operator, `not` needs parentheses, and the error says so."""
    assert "'not'" in refused(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2.5", 3.5),
        ("3 - 0.5", 2.5),
        ("7 / 2", 3),
        ("-7 / 2", -3),
        ("7 / -2", -3),
        ("7.0 / 2", 3.5),
        ("7 / 2.0", 3.5),
        ("4 / 0", 0),
        ("4.0 / 0", 0.0),
        ("4 / 0.0", 0.0),
        ("7 % 3", 1),
        ("-7 % 3", -1),
        ("7 % -3", 1),
        ("-7 % -3", -1),
        ("7.5 % 2", 1.5),
        ("-7.5 % 2", -1.5),
        ("7 % 0", 0),
        ("7.0 % 0", 0.0),
        ("3 * 4", 12),
        ("3.0 * 4.0", 12.0),
        ("-9223372036854775808 % -1", 0),
    ],
)
def test_arithmetic(value, text, expected) -> None:
    """Integers and decimals mix but in `*`; integers divide without fraction (A-10); by 0 the result is 0."""
    found = value(text)

    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize(
    "text",
    [
        "3 * 4.0",
        "3.0 * 4",
        "'a' * 2",
        "'a' - 'b'",
        "true + 1",
        "true + true",
        "1 - true",
        "now() - now()",
        "now() - toDuration('PT1H')",
        "toDuration('PT1H') - toDuration('PT1H')",
        "toDuration('PT1H') * 2",
        "date('2030-01-02') + toDuration('PT1H')",
        "toDuration('PT1H') + now()",
        "now() + now()",
        "now() + 1",
        "[1] + [2]",
        "'a' + [1]",
        "[1] + 'a'",
        "'a' % 2",
        "-'a'",
        "-true",
        "-now()",
        "- toDuration('PT1H')",
    ],
)
def test_arithmetic_refuses_other_types(refused, text) -> None:
    """Dates and durations are not subtracted or multiplied, lists not added, integers not multiplied with decimals."""
    assert "takes" in (message := refused(text)) or "joins" in message


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("@event{E.x} * @event{E.y}", {"x": 2, "y": 1.5}),
        ("@event{E.x} - 1", {"x": "a"}),
        ("@event{E.x} / 2", {"x": True}),
        ("@event{E.x} > 1", {"x": "a"}),
        ("@event{E.x} > @event{E.y}", {"x": "a", "y": "b"}),
        ("@event{E.x} and true", {"x": 1}),
        ("not @event{E.x}", {"x": "true"}),
        ("-@event{E.x}", {"x": [1]}),
        ("@event{E.x} has null", {"x": "a"}),
        ("if (@event{E.x}) then (1) else (2)", {"x": 1}),
    ],
)
def test_data_of_a_wrong_type_is_refused_with_its_place(refused, text, fields) -> None:
    """What only the data shows is refused too, and the place in the text is told."""
    assert "of the expression)" in refused(text, **fields)


@pytest.mark.parametrize("sign", ["+", "-", "*", "/", "%"])
def test_a_null_makes_arithmetic_null(value, sign) -> None:
    """An operand without a value leaves the result without one."""
    assert value(f"1 {sign} @event{{E.none}}") is None
    assert value(f"@event{{E.none}} {sign} 1") is None
    assert value(f"'a' + (@event{{E.none}} {sign} 1)") is None
    assert value("-@event{E.none}") is None


@pytest.mark.parametrize(
    "text",
    [
        "9223372036854775807 + 1",
        "-9223372036854775808 - 1",
        "9223372036854775807 * 2",
        "-9223372036854775808 / -1",
        "-(-9223372036854775808)",
        "sum([9223372036854775807, 1])",
        "sum(9223372036854775807, 1)",
        "toInteger(99999999999999999999.0)",
        "toInteger('9223372036854775808')",
        "round(99999999999999999999.0)",
        f"1{'0' * 300}.0 * 1{'0' * 300}.0",
        f"sum([1{'0' * 308}.0, 1{'0' * 308}.0])",
        "toDecimal('1e999')",
    ],
)
def test_a_number_out_of_its_range_is_refused(refused, text) -> None:
    """Integers have 64 bits, decimals are finite doubles."""
    assert "range" in refused(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("date('2030-01-02T03:04:05Z') + toDuration('PT1H')", datetime(2030, 1, 2, 4, 4, 5, tzinfo=UTC)),
        ("date('2030-01-02T03:04:05') + toDuration('P1D')", datetime(2030, 1, 3, 3, 4, 5)),  # noqa: DTZ001
        ("toDuration('PT1H') + toDuration('PT-2H')", timedelta(hours=-1)),
        ("date('2030-01-02') + ' is a day'", "2030-01-02 is a day"),
        ("toDuration(1520) + '!'", "PT1.52S!"),
        ("'in ' + toDuration('P2D')", "in PT48H"),
        ("date('2030-01-02T03:04:05+02:00') + '!'", "2030-01-02T01:04:05Z!"),
        ("date('2030-01-02T03:04:05') + '!'", "2030-01-02T03:04:05!"),
        ("now() + toDuration('PT1H') + ' later'", "2024-02-29T13:30:15Z later"),
        ("1 + 2 + 'a'", "3a"),
        ("'a' + 1 + 2", "a12"),
        ("'a' + 1.0", "a1.0"),
        ("'a' + true", "atrue"),
        ("true + 'a'", "truea"),
        ("'a' + ('b' + 1) + 'c'", "ab1c"),
    ],
)
def test_plus_chooses_by_its_operands(value, text, expected) -> None:
    """A duration moves a time or a duration, a text makes a text, two numbers make a sum (in this order)."""
    assert value(text) == expected


def test_the_offset_stays_and_a_day_has_24_hours(value) -> None:
    """Adding a day over a change of the clocks moves the instant by 24 hours and keeps the offset."""
    found = value("now('Europe/Paris') + toDuration('P60D')")

    assert found == datetime(2024, 4, 29, 12, 30, 15, tzinfo=UTC)
    assert found.utcoffset() == timedelta(hours=1)


def test_a_zone_of_the_data_is_taken_as_its_offset(value) -> None:
    """A Python time in a region behaves as one with the offset that it has."""
    from zoneinfo import ZoneInfo

    before = datetime(2024, 3, 30, 12, tzinfo=ZoneInfo("Europe/Paris"))

    found = value("@event{E.x} + toDuration('P1D')", x=before)

    assert found.isoformat() == "2024-03-31T12:00:00+01:00"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3.14 == 42", False),
        ("3 == 3.0", True),
        ("3 != 3.0", False),
        ("'a' == 'a'", True),
        ("'a' == 'A'", False),
        ("1 == '1'", False),
        ("1 != '1'", True),
        ("true == 1", False),
        ("1.0 == true", False),
        ("date('2030-01-02') == date('2030-01-02')", True),
        ("date('2030-01-02') == date('2030-01-02T00:00:00')", False),
        ("date('2030-01-02T01:00:00+01:00') == date('2030-01-02T00:00:00Z')", True),
        ("date('2030-01-02T00:00:00') == date('2030-01-02T00:00:00Z')", False),
        ("toDuration('P1D') == toDuration('PT24H')", True),
        ("[1, 2] == [1, 2]", True),
        ("[1, 2] == [1.0, 2.0]", True),
        ("[1, 2] == [2, 1]", False),
        ("[true] == [1]", False),
        ("['a'] != ['b']", True),
        ("@event{E.none} == @event{E.gone}", True),
        ("@event{E.none} != @event{E.gone}", False),
        ("@event{E.none} == 1", False),
        ("@event{E.none} != 1", True),
        ("@event{E.a} == @event{E.b}", True),
        ("@event{E.a} == @event{E.c}", False),
    ],
)
def test_equality(value, text, expected) -> None:
    """Numbers are compared by value, times as instants, and values of different types are unequal (A-08)."""
    assert value(text, a={"x": [1, {"y": 2}]}, b={"x": [1.0, {"y": 2}]}, c={"x": [True, {"y": 2}]}) is expected


@pytest.mark.parametrize("text", ["@event{E.x} == null", "null == 1", "1 != null", "1 == 1 == null", "(null) == 1"])
def test_null_is_not_compared(refused, text) -> None:
    """`is null` tests for null; the error says so."""
    assert "is null" in refused(text) or "is not null" in refused(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3.14 > 42", False),
        ("42 >= 42.0", True),
        ("2 < 2.5", True),
        ("3 <= 3", True),
        ("date('2011-12-03T15:15:30Z') > date('1977-04-22T06:00:00Z')", True),
        ("date('2030-01-02T01:00:00+01:00') >= date('2030-01-02T00:00:00Z')", True),
        ("date('2030-01-02T01:00:00') < date('2030-01-02T01:00:01')", True),
        ("date('2030-01-02') < date('2030-01-03')", True),
        ("@event{E.none} > 1", False),
        ("@event{E.none} <= 1", False),
        ("1 < @event{E.none}", False),
        ("@event{E.none} >= @event{E.none}", False),
    ],
)
def test_order(value, text, expected) -> None:
    """Numbers, times and dates are ordered; null is neither more nor less."""
    assert value(text) is expected


@pytest.mark.parametrize(
    "text",
    [
        "'a' < 'b'",
        "true < false",
        "toDuration('PT1H') <= toDuration('PT2H')",
        "now() > date('2030-01-02T01:00:00')",
        "now() > date('2030-01-02')",
        "now() > 1",
        "1 > '0'",
        "[1] > [0]",
    ],
)
def test_what_has_no_order_is_refused(refused, text) -> None:
    """Texts, booleans, durations, lists and mixed types have none."""
    assert "compares" in refused(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@event{E.none} and true", False),
        ("@event{E.none} or true", True),
        ("@event{E.none} or false", False),
        ("not @event{E.none}", True),
        ("if (@event{E.none}) then (1) else (2)", 2),
        ("false and @event{E.text}", False),
        ("true or @event{E.text}", True),
        ("true and @event{E.yes} and true", True),
    ],
)
def test_null_counts_as_false(value, text, expected) -> None:
    """In conditions null is false; what decides nothing is not looked at."""
    assert value(text, text="x", yes=True) == expected


@pytest.mark.parametrize("text", ["1 and true", "true or 'a'", "not 1", "not 'a'", "true and now()", "[true] or true"])
def test_conditions_are_boolean(refused, text) -> None:
    """Other types are refused, wherever they stand."""
    assert "takes true or false" in refused(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@event{E.none} is null", True),
        ("@event{E.none} is not null", False),
        ("'' is null", False),
        ("[] is null", False),
        ("@event{E.items.all(currentEventField.a > 5)} is null", False),
        ("['a', null] has null", True),
        ("['a', ''] has null", False),
        ("[] has null", False),
        ("[null] has null", True),
        ("@event{E.none} has null", False),
        ("@event{E.items.b} has null", True),
        ("1 is numeric", True),
        ("1.5 is numeric", True),
        ("'1' is numeric", False),
        ("@event{E.none} is numeric", False),
        ("1 is integer", True),
        ("1.0 is integer", False),
        ("1.0 is decimal", True),
        ("1 is decimal", False),
        ("now() is integer", False),
        ("[1] is integer", False),
    ],
)
def test_tests_of_values(value, text, expected) -> None:
    """Null is the absence of a value; a number is told by its type."""
    assert value(text, items=[{"a": 1, "b": 2}, {"a": 2}]) is expected


@pytest.mark.parametrize("text", ["'' has null", "1 has null", "@event{E.x.first()} has null", "now() has null"])
def test_only_a_list_has_null(refused, text) -> None:
    """`has null` looks into a list (A-28)."""
    assert "list" in refused(text, x=["a"])


def test_comparisons_read_python_values(value) -> None:
    """Dates and times of Python are those of the language, whatever their zone."""
    moment = datetime(2024, 2, 29, 14, 30, 15, tzinfo=timezone(timedelta(hours=2)))

    assert value("@event{E.x} == now()", x=moment) is True
    assert value("@event{E.x} < date('2024-03-01')", x=date(2024, 2, 29)) is True
    assert value("@event{E.x} == date('2011-12-03T15:15:30')", x=NAIVE) is True
