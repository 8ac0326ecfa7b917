"""Dates and times: constants, zones, calendar arithmetic, gaps and overlaps of the clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

import wayhook as wh


def at(now: str, text: str, **event: object) -> object:
    """What an expression gives at a time."""
    return wh.expression(text).evaluate(wh.Context({"E": event}, now=datetime.fromisoformat(now)))


def shown(value: object) -> str:
    """A date or time as ISO text."""
    assert isinstance(value, date)
    return value.isoformat()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-02-19", "2021-02-19"),
        ("2021-02-19T00:00", "2021-02-19T00:00:00"),
        ("2021-02-19T01:02:03", "2021-02-19T01:02:03"),
        ("2021-02-19T01:02:03.5", "2021-02-19T01:02:03.500000"),
        ("2021-02-19T01:02:03,123456789", "2021-02-19T01:02:03.123456"),
        ("2021-02-19T01:02:03Z", "2021-02-19T01:02:03+00:00"),
        ("2021-02-19T01:02:03+05:30", "2021-02-19T01:02:03+05:30"),
        ("2021-02-19T01:02:03-0530", "2021-02-19T01:02:03-05:30"),
        ("2021-02-19T01:02:03+05", "2021-02-19T01:02:03+05:00"),
        ("2021-02-19T00.00", "2021-02-19T00:00:00"),
        ("2021-02-19T01.02.003", "2021-02-19T01:02:00.003000"),
        ("2021-02-19T00.00.000Z", "2021-02-19T00:00:00+00:00"),
        ("2021-02-19T01.02+01:00", "2021-02-19T01:02:00+01:00"),
    ],
)
def test_a_date_constant_has_the_type_of_its_shape(value, text, expected) -> None:
    """A date, a local time or a time with an offset; dots are read as colons (A-02)."""
    assert shown(value(f"date('{text}')")) == expected


@pytest.mark.parametrize(
    "text",
    [
        "date('')",
        "date('2021-2-19')",
        "date('2021-02-30')",
        "date('2021-02-19T25:00:00')",
        "date('2021-02-19 00:00:00')",
        "date('2021-02-19T00:00:00+99:00')",
        "date('19.02.2021')",
        "date(2021)",
        "date()",
        "date('2021-02-19', 'UTC')",
        "date('2021' + '-02-19')",
        "date(@event{E.x})",
    ],
)
def test_another_date_is_refused(refused, text) -> None:
    """A malformed text, and anything but a constant text, is an error of the text."""
    assert "date takes" in refused(text, x="2021-02-19")


@pytest.mark.parametrize(
    ("now", "text", "expected"),
    [
        ("2026-01-31T03:00:00Z", "nowWithDelta(1, 'months', 'Asia/Tokyo')", "2026-02-28T12:00:00+09:00"),
        ("2026-05-31T03:00:00Z", "nowWithDelta(1, 'months', 'Asia/Tokyo')", "2026-06-30T12:00:00+09:00"),
        ("2024-02-29T00:00:00Z", "nowWithDelta(1, 'years')", "2025-02-28T00:00:00+00:00"),
        ("2024-02-29T00:00:00Z", "nowWithDelta(4, 'years')", "2028-02-29T00:00:00+00:00"),
        ("2024-03-31T00:00:00Z", "nowWithDelta(-1, 'months')", "2024-02-29T00:00:00+00:00"),
        ("2024-01-15T00:00:00Z", "nowWithDelta(-13, 'months')", "2022-12-15T00:00:00+00:00"),
        ("2024-01-15T00:00:00Z", "nowWithDelta(14, 'months')", "2025-03-15T00:00:00+00:00"),
        ("2024-02-28T00:00:00Z", "nowWithDelta(2, 'days')", "2024-03-01T00:00:00+00:00"),
        ("2024-02-28T00:00:00Z", "nowWithDelta(-25, 'hours')", "2024-02-26T23:00:00+00:00"),
        ("2024-02-28T00:00:00Z", "nowWithDelta(90, 'minutes')", "2024-02-28T01:30:00+00:00"),
        ("2024-02-28T00:00:00Z", "nowWithDelta(-1, 'seconds')", "2024-02-27T23:59:59+00:00"),
        # the clocks of Paris go forward on 2024-03-31 at 02:00 and back on 2024-10-27 at 03:00
        ("2024-03-30T11:00:00Z", "nowWithDelta(1, 'days', 'Europe/Paris')", "2024-03-31T12:00:00+02:00"),
        ("2024-03-30T11:00:00Z", "nowWithDelta(24, 'hours', 'Europe/Paris')", "2024-03-31T13:00:00+02:00"),
        ("2024-03-30T01:30:00Z", "nowWithDelta(1, 'days', 'Europe/Paris')", "2024-03-31T03:30:00+02:00"),
        ("2024-10-26T00:30:00Z", "nowWithDelta(1, 'days', 'Europe/Paris')", "2024-10-27T02:30:00+02:00"),
        ("2024-10-27T00:30:00Z", "nowWithDelta(1, 'hours', 'Europe/Paris')", "2024-10-27T02:30:00+01:00"),
        ("2024-02-28T00:00:00Z", "nowWithDelta(1, 'days', '-05:00')", "2024-02-28T19:00:00-05:00"),
        ("2024-02-28T00:00:00Z", "now('Europe/Paris')", "2024-02-28T01:00:00+01:00"),
        ("2024-02-28T00:00:00Z", "now('UTC')", "2024-02-28T00:00:00+00:00"),
        ("2024-02-28T00:00:00Z", "now('UTC+2')", "2024-02-28T02:00:00+02:00"),
        ("2024-02-28T02:00:00+02:00", "now()", "2024-02-28T00:00:00+00:00"),
        (
            "2024-02-28T00:00:00Z",
            "toDateTime('Europe/Paris', date('2024-03-31T02:30:00'))",
            "2024-03-31T03:30:00+02:00",
        ),
        (
            "2024-02-28T00:00:00Z",
            "toDateTime('Europe/Paris', date('2024-10-27T02:30:00'))",
            "2024-10-27T02:30:00+02:00",
        ),
        ("2024-02-28T00:00:00Z", "toDateTime('Europe/Paris', date('2023-08-18'))", "2023-08-18T00:00:00+02:00"),
        ("2024-02-28T00:00:00Z", "toDateTime('America/Sao_Paulo', date('2018-11-04'))", "2018-11-04T01:00:00-02:00"),
    ],
)
def test_time_moves_as_the_calendar_says(now, text, expected) -> None:
    """Years to days move the wall clock, hours to seconds the instant; gaps are jumped, overlaps come first."""
    assert shown(at(now, text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("setHours(date('2010-12-12T01:11:05.5Z'), 4)", "2010-12-12T04:11:05.500000+00:00"),
        ("setHours(date('2010-12-12T01:11:00+02:00'), 23)", "2010-12-12T23:11:00+02:00"),
        ("setHours(date('2010-12-12T01:11:00'), 0)", "2010-12-12T00:11:00"),
        ("setDays(date('2010-12-12T01:11:00Z'), 25)", "2010-12-25T01:11:00+00:00"),
        ("setDays(date('2024-02-01T01:11:00'), 29)", "2024-02-29T01:11:00"),
        ("updateTimeZone(date('2019-08-28T08:15:30.123-07:00'), 'Europe/Paris')", "2019-08-28T17:15:30.123000+02:00"),
        ("updateTimeZone(date('2019-08-28T08:15:30Z'), '+05:30')", "2019-08-28T13:45:30+05:30"),
    ],
)
def test_a_part_of_a_time_is_replaced(value, text, expected) -> None:
    """The rest stays, and so does the offset, or the instant."""
    assert shown(value(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "setHours(now(), 24)",
        "setHours(now(), -1)",
        "setHours(now(), 9223372036854775807)",
        "setDays(date('2023-02-01T00:00:00'), 29)",
        "setDays(now(), 0)",
        "setDays(now(), 32)",
        "setHours(date('2030-01-02'), 1)",
        "setHours(now(), 1.0)",
        "nowWithDelta(1, 'weeks')",
        "nowWithDelta(1, 'Days')",
        "nowWithDelta(1, @event{E.x})",
        "nowWithDelta(1.5, 'days')",
        "nowWithDelta(1, 'days', @event{E.zone})",
        "nowWithDelta(1, 'days', 'Europe/Atlantis')",
        "now('')",
        "now('europe')",
        "now('../etc/passwd')",
        "now('/etc/passwd')",
        "now(@event{E.zone})",
        "updateTimeZone(now(), @event{E.zone})",
        "updateTimeZone(now(), concat('UT', 'C'))",
        "updateTimeZone(date('2030-01-02T00:00:00'), 'UTC')",
        "dateDiff(date('2030-01-02'), now())",
        "dateDiff(date('2030-01-02T00:00:00'), now())",
        "dateDiff('2030-01-02', '2030-01-03')",
        "inLastDays(date('2030-01-02'), 1)",
        "inLastDays(date('2030-01-02T00:00:00'), 1)",
        "inLastDays(now(), 1.5)",
        "inNextHours(now(), '1')",
    ],
)
def test_what_cannot_be_set_or_compared_is_refused(refused, text) -> None:
    """Hours, days, parts and zones that do not exist, zones that are no constants (A-29), other types."""
    assert "takes" in refused(text, x="weeks", zone="UTC")


@pytest.mark.parametrize(
    "text",
    [
        "nowWithDelta(99999, 'years')",
        "nowWithDelta(-9223372036854775807, 'months')",
        "nowWithDelta(9223372036854775807, 'seconds')",
        "nowWithDelta(9223372036854775807, 'days')",
        "inLastYears(now(), 9999)",
        "inNextYears(now(), 9999)",
        "toDateTime(9223372036854775807)",
        "toDateTime(-9223372036854775808)",
        "now() + toDuration('P999999999D')",
        "date('9999-12-31T23:59:59') + toDuration('PT1S')",
        "toDuration('P999999999D') + toDuration('P999999999D')",
        "updateTimeZone(date('9999-12-31T23:59:59Z'), '+05:00')",
        "toDateTime('+05:00', date('0001-01-01T00:00:00'))",
        "toString(date('0001-01-01T00:00:00+05:00'))",
        "date('0001-01-01T00:00:00+05:00') + ''",
    ],
)
def test_a_date_out_of_the_calendar_is_refused(refused, text) -> None:
    """The years 1 to 9999 are all there is; what leads out of them is an error of ours."""
    assert "9999" in (message := refused(text)) or "billion days" in message or "out of range" in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dateDiff(date('2023-12-15'), date('2023-12-12'))", 3),
        ("dateDiff(date('2023-12-12'), date('2023-12-15'))", -3),
        ("dateDiff(date('2023-12-15T00:00:00'), date('2023-12-12T00:00:00'))", 259_200_000),
        ("dateDiff(date('2023-12-15T01:00:00+01:00'), date('2023-12-15T00:00:00Z'))", 0),
        ("dateDiff(date('2023-12-15T00:00:00Z'), date('2023-12-15T00:00:00.0015Z'))", -1),
    ],
)
def test_a_difference_has_a_sign(value, text, expected) -> None:
    """It is the first less the second (A-14): whole days, or whole milliseconds."""
    assert value(text) == expected


@pytest.mark.parametrize("unit", ["Hours", "Days", "Months", "Years"])
@pytest.mark.parametrize(
    ("offset", "count", "last", "following"),
    [
        (timedelta(0), 0, True, True),
        (timedelta(0), 4, True, True),
        (timedelta(minutes=-1), 4, True, False),
        (timedelta(minutes=1), 4, False, True),
        (timedelta(days=-20_000), 4, False, False),
        (timedelta(days=20_000), 4, False, False),
        (timedelta(minutes=-1), -4, False, False),
        (timedelta(minutes=1), -4, False, False),
    ],
)
def test_windows_around_now(unit, offset, count, last, following) -> None:
    """A window includes its ends; one of a negative length includes nothing."""
    now = datetime(2024, 2, 29, 12, tzinfo=UTC)
    context = wh.Context({"E": {"x": now + offset}}, now=now)

    assert wh.expression(f"inLast{unit}(@event{{E.x}}, {count})").evaluate(context) is last
    assert wh.expression(f"inNext{unit}(@event{{E.x}}, {count})").evaluate(context) is following


@pytest.mark.parametrize(
    ("text", "moment", "expected"),
    [
        ("inLastMonths", "2024-02-29T12:00:00Z", True),
        ("inLastMonths", "2024-02-29T11:59:59Z", False),
        ("inLastYears", "2023-03-31T12:00:00Z", True),
        ("inLastDays", "2024-03-30T12:00:00Z", True),
        ("inLastDays", "2024-03-30T11:59:59Z", False),
        ("inLastHours", "2024-03-31T11:00:00Z", True),
        ("inLastHours", "2024-03-31T10:59:59Z", False),
    ],
)
def test_months_and_years_are_those_of_the_calendar(text, moment, expected) -> None:
    """A month back from the last day of a longer month is the last day of the shorter one."""
    assert at("2024-03-31T12:00:00Z", f"{text}(date('{moment}'), 1)") is expected


def test_a_context_has_a_time_with_an_offset() -> None:
    """A time without one could be any instant, and is refused."""
    with pytest.raises(wh.DefinitionError, match=r"\$\.now"):
        wh.Context(now=datetime(2030, 1, 2))  # noqa: DTZ001 - what is refused


def test_the_time_is_that_of_the_context_in_any_zone() -> None:
    """`now()` is in UTC, whatever the offset of the time that is given."""
    context = wh.Context(now=datetime(2030, 1, 2, 5, tzinfo=timezone(timedelta(hours=5))))

    assert shown(wh.expression("now()").evaluate(context)) == "2030-01-02T00:00:00+00:00"
    assert wh.expression("currentTimeInMillis()").evaluate(context) == 1_893_542_400_000
