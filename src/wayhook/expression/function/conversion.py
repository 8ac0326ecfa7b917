"""Conversion functions (section 2.4). Text that is no date, time or number gives null; no duration is an error."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any

from wayhook.expression.function.function import function
from wayhook.expression.moment import (
    midnight,
    milliseconds,
    of_milliseconds,
    placed,
    read_date,
    read_date_time,
    read_date_time_only,
    read_duration,
    zone,
)
from wayhook.expression.operator import as_text, as_text_in_orchestration
from wayhook.expression.type import bounded
from wayhook.values import Misfit

_INTEGER = re.compile(r"[+-]?[0-9]{1,400}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?", re.ASCII)


@function(
    "toBool",
    "decimal -> boolean",
    "boolean -> boolean",
    "string -> boolean",
    "integer -> boolean",
    example='toBool("true")',
)
def to_bool(value: Any) -> bool:
    """True for the text true and for numbers other than 0; false for any other text and for 0."""
    return value == "true" if isinstance(value, str) else bool(value)


@function(
    "toDateOnly",
    "string -> dateOnly",
    "dateTime -> dateOnly",
    "dateTimeOnly -> dateOnly",
    "dateOnly -> dateOnly",
    "journey_optimizer: integer, integer, integer -> dateOnly",
    example='toDateOnly("2023-08-18T00:00:00.000Z")',
)
def to_date_only(value: Any, month: int = 0, day: int = 0) -> date | None:
    """Gives the date: of a text, of a date-time in its own offset (A-31), or of year, month and day."""
    match value:
        case str():
            return read_date(value)
        case datetime():
            return value.date()
        case date():
            return value
    try:
        return date(value, month, day)
    except (ValueError, OverflowError):
        raise Misfit("takes the year, month and day of a date that exists") from None


@function(
    "toDateTime",
    "string -> dateTime",
    "integer -> dateTime",
    "zone, dateTimeOnly -> dateTime",
    "journey_optimizer: zone, dateOnly -> dateTime",
    example='toDateTime("Europe/Paris", toDateOnly("2023-08-18"))',
)
def to_date_time(value: Any, local: Any = None) -> datetime | None:
    """Gives the date-time of a text with an offset, of milliseconds since 1970, or of a wall-clock time in a zone.

    Null for a text that is none, or has no offset. A date is taken at midnight. A time that the zone skips is
    moved on by the length of the gap; of a time that comes twice, the first is taken.
    """
    if local is not None:
        return placed(local if isinstance(local, datetime) else midnight(local), zone(value))
    return read_date_time(value) if isinstance(value, str) else of_milliseconds(value)


@function(
    "toDateTimeOnly",
    "string -> dateTimeOnly",
    "dateTime -> dateTimeOnly",
    "dateOnly -> dateTimeOnly",
    example='toDateTimeOnly("2016-08-18")',
)
def to_date_time_only(value: Any) -> datetime | None:
    """Gives the wall-clock time: of a text, or of a date-time in its own offset (A-31); of a date, midnight."""
    match value:
        case str():
            return read_date_time_only(value)
        case datetime():
            return value.replace(tzinfo=None, fold=0)
    return midnight(value)


@function(
    "toDecimal",
    "integer -> decimal",
    "decimal -> decimal",
    "string -> decimal",
    "boolean -> decimal",
    "dateTime -> decimal",
    example='toDecimal("4.0")',
)
def to_decimal(value: Any) -> float | None:
    """Gives the number of a text (null if it is none), 1.0 or 0.0 of a boolean, milliseconds since 1970 (A-27)."""
    match value:
        case str():
            return float(value) if _DECIMAL.fullmatch(value) else None
        case datetime():
            return float(milliseconds(value))
    return float(value)


@function("toDuration", "string -> duration", "integer -> duration", example='toDuration("P2DT3H4M")')
def to_duration(value: Any) -> timedelta:
    """Gives the duration of an ISO text, or of milliseconds. A day has 24 hours; a malformed text is an error."""
    if isinstance(value, str):
        return read_duration(value)
    try:
        return timedelta(milliseconds=value)
    except OverflowError:
        raise Misfit("takes less than a billion days in milliseconds") from None


@function(
    "toInteger",
    "dateTime -> integer",
    "decimal -> integer",
    "integer -> integer",
    "string -> integer",
    "boolean -> integer",
    example='toInteger("4")',
)
def to_integer(value: Any) -> int | None:
    """Gives the number of a text (null if it is none), a decimal without its fraction, milliseconds since 1970."""
    match value:
        case str():
            return int(value) if _INTEGER.fullmatch(value) else None
        case datetime():
            return milliseconds(value)
    return int(bounded(value))


@function(
    "toString",
    "dateTimeOnly -> string",
    "dateTime -> string",
    "duration -> string",
    "boolean -> string",
    "integer -> string",
    "decimal -> string",
    "journey_optimizer: dateOnly -> string",
    elsewhere={"journey_orchestration": as_text_in_orchestration},
    example="toString(toDuration(1520))",
)
def to_string(value: Any) -> str:
    """Gives the text: a date-time in UTC, without seconds where there are none; a duration in ISO form (A-12)."""
    return as_text(value)
