"""Date functions (section 2.5). The current time is that of the context, one for the whole evaluation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from wayhook.expression.function.function import Function, function, part
from wayhook.expression.moment import fixed, later, milliseconds, placed, shown_in, zone
from wayhook.values import Misfit

_CLOCK_PARTS = ("hours", "minutes", "seconds")
_SAME_KIND = "dateOnly, dateOnly -> integer", "dateTimeOnly, dateTimeOnly -> integer", "dateTime, dateTime -> integer"


def _now(context: Any) -> datetime:
    """The time of the context, in UTC."""
    if context.now is None:
        raise Misfit("needs the current time; evaluate with Context(now=…)")
    return context.now if context.now.tzinfo is UTC else shown_in(context.now, UTC)


@function("currentTimeInMillis", "-> integer", reads_context=True, example="currentTimeInMillis()")
def current_time_in_millis(context: Any) -> int:
    """Gives the milliseconds since 1970-01-01T00:00Z."""
    return milliseconds(_now(context))


@function(
    "dateDiff",
    *_SAME_KIND,
    dialect="journey_optimizer",
    example="dateDiff(toDateOnly('2023-12-15'), toDateOnly('2023-12-12'))",
)
def date_diff(first: Any, second: Any) -> int:
    """Gives the first less the second (A-14): days between dates, milliseconds between times."""
    length = first - second
    if not isinstance(first, datetime):
        return length.days  # type: ignore[no-any-return]
    millis = abs(length) // timedelta(milliseconds=1)
    return -millis if first < second else millis  # type: ignore[no-any-return]


def _nearby(name: str, unit: str, sign: int) -> Function:
    def is_near(context: Any, value: datetime, count: int) -> bool:
        now = _now(context)
        edge = later(now, sign * count, unit)
        return now <= value <= edge if sign > 0 else edge <= value <= now

    side = "now" if sign > 0 else f"so many {unit} ago"
    until = f"so many {unit} from now" if sign > 0 else "now"
    is_near.__doc__ = f"True when the date-time lies between {side} and {until}, both included."
    example = f"{name}(nowWithDelta({sign * 3}, 'hours'), 4)"
    return function(name, "dateTime, integer -> boolean", null=False, reads_context=True, example=example)(is_near)


in_last_hours = _nearby("inLastHours", "hours", -1)
in_last_days = _nearby("inLastDays", "days", -1)
in_last_months = _nearby("inLastMonths", "months", -1)
in_last_years = _nearby("inLastYears", "years", -1)
in_next_hours = _nearby("inNextHours", "hours", 1)
in_next_days = _nearby("inNextDays", "days", 1)
in_next_months = _nearby("inNextMonths", "months", 1)
in_next_years = _nearby("inNextYears", "years", 1)


@function("now", "-> dateTime", "zone -> dateTime", reads_context=True, example='now("Europe/Paris")')
def now(context: Any, where: str = "UTC") -> datetime:
    """Gives the current time, in UTC or shown in a zone."""
    current = _now(context)
    return current if where == "UTC" else shown_in(current, zone(where))


@function(
    "nowWithDelta",
    "integer, part -> dateTime",
    "integer, part, zone -> dateTime",
    reads_context=True,
    example='nowWithDelta(-2, "hours")',
)
def now_with_delta(context: Any, count: int, unit: str, where: str = "UTC") -> datetime:
    """Gives the current time moved by so many years, months, days, hours, minutes or seconds; in UTC or in a zone.

    Years to days move the wall clock of the zone, hours to seconds the instant. Of a month that is too short, the
    last day is taken.
    """
    zone_, current = zone(where), _now(context)
    if part(unit) in _CLOCK_PARTS:
        return shown_in(later(current, count, unit), zone_)
    local = shown_in(current, zone_).replace(tzinfo=None)
    return placed(later(local, count, unit), zone_)


def _set(name: str, field: str, low: int, high: int) -> Callable[[datetime, int], datetime]:
    def replaced(value: datetime, number: int) -> datetime:
        try:
            return fixed(value).replace(**{field: number})  # type: ignore[arg-type]  # the name of a field
        except (ValueError, OverflowError):
            raise Misfit(f"takes {name} from {low} to {high} that exists; there is none such") from None

    return replaced


_with_hour = _set("an hour", "hour", 0, 23)
_with_day = _set("a day of the month", "day", 1, 31)


@function(
    "setHours",
    "dateTime, integer -> dateTime",
    "dateTimeOnly, integer -> dateTimeOnly",
    example="setHours(toDateTime('2010-12-12T01:11:00Z'), 4)",
)
def set_hours(value: datetime, hour: int) -> datetime:
    """Gives the time with another hour, 0 to 23; the rest and the offset stay."""
    return _with_hour(value, hour)


@function(
    "setDays",
    "dateTime, integer -> dateTime",
    "dateTimeOnly, integer -> dateTimeOnly",
    example="setDays(toDateTime('2010-12-12T01:11:00Z'), 25)",
)
def set_days(value: datetime, day: int) -> datetime:
    """Gives the time with another day of the month; a day that the month does not have is an error."""
    return _with_day(value, day)


@function(
    "updateTimeZone",
    "dateTime, zone -> dateTime",
    example='updateTimeZone(toDateTime("2019-08-28T08:15:30.123-07:00"), "Europe/Paris")',
)
def update_time_zone(value: datetime, where: str) -> datetime:
    """Gives the same instant, shown in the zone (A-20)."""
    return shown_in(value, zone(where))
