"""Dates, times, durations and zones: ISO 8601 text to values, and calendar arithmetic. No clock, no I/O but zone data.

Sections 1.2, 1.5, 2.4 and 2.5 of `reference/expression-language.md`. A date and time with an offset is a `datetime`
whose `tzinfo` is a fixed offset, so that adding to it adds to the instant.
"""

from __future__ import annotations

import calendar
import functools
import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

from wayhook.values import Misfit

__all__ = [
    "PARTS",
    "added",
    "date_constant",
    "fixed",
    "later",
    "milliseconds",
    "moment",
    "of_milliseconds",
    "placed",
    "read_date",
    "read_date_time",
    "read_date_time_only",
    "read_duration",
    "zone",
]

PARTS = ("years", "months", "days", "hours", "minutes", "seconds")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)

_DATE = r"(\d{4})-(\d\d)-(\d\d)"
_TIME = r"(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{0,9}))?)?"
_OFFSET = r"(z|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)"
_ISO_DATE = re.compile(_DATE, re.ASCII)
_ISO = re.compile(f"{_DATE}t{_TIME}{_OFFSET}?", re.ASCII | re.IGNORECASE)
_DOTTED = re.compile(r"(\d\d)\.(\d\d)(?:\.(\d{3}))?", re.ASCII)
_SECTION = r"(?:([+-]?\d{1,18})%s)?"
_DURATION = re.compile(
    f"([+-]?)P{_SECTION % 'D'}(T?){_SECTION % 'H'}{_SECTION % 'M'}(?:([+-]?)(\\d{{1,18}})(?:[.,](\\d{{0,9}}))?S)?",
    re.ASCII | re.IGNORECASE,
)
_FIXED_ZONE = re.compile(r"(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d\d)(?::?(\d\d))?)?", re.ASCII)
_REGION = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*", re.ASCII)


def moment(text: str) -> date | datetime | None:
    """Return what an ISO text says: a date, a local date-time, or a date-time with an offset; None if malformed."""
    try:
        if found := _ISO_DATE.fullmatch(text):
            return date(*map(int, found.groups()))
        if found := _ISO.fullmatch(text):
            *fields, fraction, offset = found.groups()
            numbers = [int(field or 0) for field in fields]
            local = datetime(*numbers, _micros(fraction))  # type: ignore[arg-type, call-arg]  # noqa: DTZ001 - may be local
            return local.replace(tzinfo=_offset(offset)) if offset else local
    except (ValueError, OverflowError):
        return None
    return None


def _micros(fraction: str | None) -> int:
    """Microseconds; more digits than six are cut."""
    return int(((fraction or "") + "000000")[:6])


def _offset(text: str) -> timezone:
    if text in "zZ":
        return UTC
    hours, minutes, seconds = (int(text[1:].replace(":", "")[i : i + 2] or 0) for i in (0, 2, 4))
    return _timezone(text[0], hours, minutes, seconds)


def _timezone(sign: str, hours: int, minutes: int, seconds: int) -> timezone:
    if hours > 18 or minutes > 59 or seconds > 59:  # noqa: PLR2004 - the widest offset of ISO zones
        raise ValueError
    length = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return timezone(-length if sign == "-" else length)


def read_date(text: str) -> date | None:
    """Return the date of an ISO text, with or without a time; None if malformed."""
    found = moment(text)
    return found.date() if isinstance(found, datetime) else found


def read_date_time_only(text: str) -> datetime | None:
    """Return the wall-clock time of an ISO text, midnight of a date; an offset is dropped (section 2.4)."""
    found = moment(text)
    if isinstance(found, datetime):
        return found.replace(tzinfo=None)
    return None if found is None else midnight(found)


def midnight(day: date) -> datetime:
    """Return the beginning of the day, without a zone."""
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a dateTimeOnly


def read_date_time(text: str) -> datetime | None:
    """Return the date-time of an ISO text with an offset; None for any other text."""
    found = moment(text)
    return found if isinstance(found, datetime) and found.tzinfo is not None else None


def date_constant(text: str) -> date | datetime | None:
    """Return the value of `date("…")`, dots in the time read as colons (A-02); None if malformed."""
    found = moment(text)
    if found is None:
        day, _, time = text.partition("T")
        found = moment(f"{day}T{_DOTTED.sub(_undotted, time, count=1)}")
    return found


def _undotted(found: re.Match[str]) -> str:
    hours, minutes, millis = found.groups()
    return f"{hours}:{minutes}" + (f":00.{millis}" if millis else "")


def read_duration(text: str) -> timedelta:
    """Return the duration of an ISO text `PnDTnHnMn.nS` (section 2.4, A-13); raises `Misfit` if malformed."""
    found = _DURATION.fullmatch(text)
    sections = found.group(2, 4, 5, 7) if found else ()
    if found is None or not any(sections) or (found[3] and not any(sections[1:])):
        raise Misfit("takes a duration such as PT1H30M or P2DT3H4M5.5S")
    days, hours, minutes, seconds = (int(section or 0) for section in sections)
    micros = _micros(found[8])
    if found[6] == "-":
        seconds, micros = -seconds, -micros
    try:
        length = timedelta(days, seconds, micros, minutes=minutes, hours=hours)
        return -length if found[1] == "-" else length
    except OverflowError:
        raise Misfit("takes a duration of less than a billion days") from None


@functools.lru_cache(maxsize=256)
def zone(text: str) -> tzinfo:
    """Return the zone of an offset (`+05:30`), of `Z`, or of a region (`Europe/Paris`); raises `Misfit`."""
    if text in ("Z", "UTC", "GMT", "UT"):
        return UTC
    try:
        if found := _FIXED_ZONE.fullmatch(text):
            sign, *numbers = found.groups()
            return _timezone(sign, *(int(number or 0) for number in numbers))
        if _REGION.fullmatch(text):
            from zoneinfo import ZoneInfo

            return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        pass
    raise Misfit(f"takes a zone such as Europe/Paris, +05:30 or Z; {text[:40]!r} is none")


def fixed(value: datetime) -> datetime:
    """Return the date-time with its offset fixed; one without a zone as it is."""
    offset = value.utcoffset()
    if offset is None or type(value.tzinfo) is timezone:
        return value
    return value.replace(tzinfo=timezone(offset), fold=0)


def shown_in(value: datetime, where: tzinfo) -> datetime:
    """Return the same instant in the zone, with its offset fixed."""
    if value.tzinfo is where is UTC:
        return value
    try:
        return fixed(value.astimezone(where))
    except OverflowError:
        raise _out_of_range() from None


def placed(local: datetime, where: tzinfo) -> datetime:
    """Return a wall-clock time in the zone.

    A time that a gap skips is moved on by the length of the gap; of a time that comes twice the first is taken.
    """
    try:
        return fixed(local.replace(tzinfo=where, fold=0).astimezone(UTC).astimezone(where))
    except OverflowError:
        raise _out_of_range() from None


def added(value: datetime | timedelta, length: timedelta) -> datetime | timedelta:
    """Return a date-time or a duration and a duration; the offset is kept, a day has 24 hours."""
    try:
        return (fixed(value) if isinstance(value, datetime) else value) + length
    except OverflowError:
        raise _out_of_range() from None


def later(value: datetime, count: int, part: str) -> datetime:
    """Return the wall-clock time `count` parts later; of a month that is too short, the last day."""
    try:
        if part not in ("years", "months"):
            return value + timedelta(**{part: count})
        month = value.year * 12 + value.month - 1 + count * (12 if part == "years" else 1)
        year, month = divmod(month, 12)
        last = calendar.monthrange(year, month + 1)[1] if 1 <= year <= 9999 else 0  # noqa: PLR2004 - the years there are
        return value.replace(year=year, month=month + 1, day=min(value.day, last))
    except (OverflowError, ValueError):
        raise _out_of_range() from None


def milliseconds(value: datetime) -> int:
    """Return the milliseconds since 1970-01-01T00:00Z."""
    return (value - EPOCH) // MILLISECOND


def of_milliseconds(count: int) -> datetime:
    """Return the date-time in UTC that is so many milliseconds after 1970-01-01T00:00Z."""
    try:
        return EPOCH + count * MILLISECOND
    except OverflowError:
        raise _out_of_range() from None


def _out_of_range() -> Misfit:
    return Misfit("gives a date of the years 1 to 9999; this one is out of range")
