"""The data types of the domain, and what a Python value must be to have one of them.

Types and their JSON forms follow section 4.3 of the rules (R143, R154 to R161). This module does no I/O.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any

from wayhook.jsonvalue import is_unicode

__all__ = ["MAX_PAYLOAD", "NUMBER_TYPES", "DataType", "Misfit", "conform", "datetime_text", "duration_text", "text_of"]

INTEGER_MIN, INTEGER_MAX = -(2**63), 2**63 - 1
MAX_EXPONENT, MAX_BITS = 400, 1024
MAX_PAYLOAD = 1_048_576
_WIDE = 65_536
"""Bytes of memory of a `Decimal` that has more digits than are worth counting."""


class DataType(StrEnum):
    """The closed set of data types (R143); `duration` belongs to expressions only."""

    STRING = "string"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE_TIME = "dateTime"
    DATE_TIME_ONLY = "dateTimeOnly"
    DATE_ONLY = "dateOnly"
    OBJECT = "object"
    LIST_STRING = "listString"
    LIST_INTEGER = "listInteger"
    LIST_DECIMAL = "listDecimal"
    LIST_BOOLEAN = "listBoolean"
    LIST_DATE_TIME = "listDateTime"
    LIST_DATE_TIME_ONLY = "listDateTimeOnly"
    LIST_DATE_ONLY = "listDateOnly"
    LIST_OBJECT = "listObject"
    LIST_ANY = "listAny"

    __hash__ = str.__hash__  # an enumeration's own is written in Python, and types are looked up everywhere

    @cached_property
    def is_list(self) -> bool:
        """Whether values of this type are arrays."""
        return self in _ITEM_TYPES

    @cached_property
    def is_container(self) -> bool:
        """Whether a parameter of this type has parameters below it."""
        return self is DataType.OBJECT or self.is_list

    @cached_property
    def item(self) -> DataType | None:
        """The type of the items of a list; None for `listAny` and for what is no list."""
        return _ITEM_TYPES.get(self)

    @classmethod
    def list_of(cls, item: DataType) -> DataType:
        """Return the list type whose items have the type `item`, a scalar or `object`."""
        return next(kind for kind, of in _ITEM_TYPES.items() if of is item)


_ITEM_TYPES: dict[DataType, DataType | None] = {
    DataType.LIST_STRING: DataType.STRING,
    DataType.LIST_INTEGER: DataType.INTEGER,
    DataType.LIST_DECIMAL: DataType.DECIMAL,
    DataType.LIST_BOOLEAN: DataType.BOOLEAN,
    DataType.LIST_DATE_TIME: DataType.DATE_TIME,
    DataType.LIST_DATE_TIME_ONLY: DataType.DATE_TIME_ONLY,
    DataType.LIST_DATE_ONLY: DataType.DATE_ONLY,
    DataType.LIST_OBJECT: DataType.OBJECT,
    DataType.LIST_ANY: None,
}
NUMBER_TYPES = frozenset({DataType.INTEGER, DataType.DECIMAL})


class Misfit(Exception):  # noqa: N818 - never leaves the library: it becomes a violation with a path
    """A value is not of the wanted type; the text says what was wanted and what came, not the value."""


def _name(value: object) -> str:
    return "null" if value is None else type(value).__name__


def _misfit(wanted: str, value: object) -> Misfit:
    return Misfit(f"takes {wanted}, not {_name(value)}")


def _string(value: Any) -> str:
    if type(value) is not str:
        raise _misfit("a string", value)
    if len(value) > MAX_PAYLOAD:
        raise Misfit(f"takes a string of at most {MAX_PAYLOAD:,} characters; send less")
    if not value.isascii() and not is_unicode(value):
        raise Misfit("takes a string of Unicode characters; this one holds a lone surrogate")
    return value


def _integer(value: Any) -> int:
    if type(value) is not int:
        value = _index(value, "an integer")
    if not INTEGER_MIN <= value <= INTEGER_MAX:
        raise Misfit("takes an integer from -2^63 to 2^63-1 (R154)")
    return value  # type: ignore[no-any-return]  # an int by now


def _index(value: Any, wanted: str) -> int:
    """The int that a number of another library (numpy, say) stands for; a truth value is none."""
    if isinstance(value, bool):
        raise _misfit(wanted, value)
    try:
        return operator.index(value)
    except TypeError:
        raise _misfit(wanted, value) from None


def _decimal(value: Any) -> int | float | Decimal:
    if type(value) is float and math.isfinite(value):
        return value
    if isinstance(value, Decimal):
        is_far = not value.is_finite() or abs(value.adjusted()) > MAX_EXPONENT or value.__sizeof__() > _WIDE
        if is_far or len(value.as_tuple().digits) > MAX_EXPONENT:
            raise Misfit(f"takes a finite number of at most {MAX_EXPONENT} digits (R155)")
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Misfit("takes a finite number (R155)")
        return float(value)
    number = value if type(value) is int else _index(value, "a decimal number")
    if number.bit_length() > MAX_BITS:
        raise Misfit(f"takes a finite number of at most {MAX_EXPONENT} digits (R155)")
    return number


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise _misfit("true or false", value)
    return value


_DATE = r"\d{4}-\d{2}-\d{2}"
_HOUR, _SIXTY = r"([01]\d|2[0-3])", r"[0-5]\d"
_LOCAL = rf"{_DATE}T{_HOUR}:{_SIXTY}(:{_SIXTY}([.,]\d{{1,9}})?)?"
_OFFSET_SHAPE = re.compile(rf"{_LOCAL}(Z|[+-]{_HOUR}:?{_SIXTY})", re.ASCII)
_LOCAL_SHAPE = re.compile(_LOCAL, re.ASCII)
_DATE_SHAPE = re.compile(_DATE, re.ASCII)


def _iso(value: str, shape: re.Pattern[str], wanted: str) -> str:
    if type(value) is str and shape.fullmatch(value):
        try:
            datetime.fromisoformat(value)
        except ValueError:
            raise Misfit(f"takes {wanted}; this text has the shape but is no such day or time") from None
        return value
    raise _misfit(wanted, value) if not isinstance(value, str) else Misfit(f"takes {wanted}")


def datetime_text(value: date) -> str:
    """Return ISO 8601 text of a date or a time; the offset is kept, `Z` for zero; nothing for a local time."""
    text = value.isoformat()
    return text[:-6] + "Z" if text.endswith("+00:00") else text


def _date_time(value: Any) -> str:
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise Misfit("takes a date and time with an offset; this one has none (R157)")
        return datetime_text(value)
    return _iso(value, _OFFSET_SHAPE, "a date and time with an offset, such as 2030-01-02T03:04:05Z (R157)")


def _date_time_only(value: Any) -> str:
    if isinstance(value, datetime):
        if value.utcoffset() is not None:
            raise Misfit("takes a local date and time; this one has an offset (R158)")
        return datetime_text(value)
    return _iso(value, _LOCAL_SHAPE, "a local date and time, such as 2030-01-02T03:04:05 (R158)")


def _date_only(value: Any) -> str:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return _iso(value, _DATE_SHAPE, "a date, such as 2030-01-02 (R159)")


def _object(value: Any) -> Mapping[str, Any]:
    if type(value) is dict or isinstance(value, Mapping):
        return value
    raise _misfit("an object", value)


def _list(value: Any) -> Sequence[Any]:
    if type(value) is list or (isinstance(value, Sequence) and not isinstance(value, _NO_LISTS)):
        return value
    raise _misfit("a list", value)


_NO_LISTS = (str, bytes, bytearray, memoryview, Mapping)


_CONFORM: dict[DataType, Callable[[Any], Any]] = {
    DataType.STRING: _string,
    DataType.INTEGER: _integer,
    DataType.DECIMAL: _decimal,
    DataType.BOOLEAN: _boolean,
    DataType.DATE_TIME: _date_time,
    DataType.DATE_TIME_ONLY: _date_time_only,
    DataType.DATE_ONLY: _date_only,
    DataType.OBJECT: _object,
} | dict.fromkeys(_ITEM_TYPES, _list)


def conform(data_type: DataType) -> Callable[[Any], Any]:
    """Return the function that takes a value (never None) and gives its JSON form, or raises `Misfit`.

    Dates and times become ISO text. Lists and objects are checked to be such; their items are the caller's.
    """
    return _CONFORM[data_type]


def text_of(value: Any) -> str:  # noqa: PLR0911 - one line for each kind
    """Return the text form of a scalar, as in a header, a query, a path or after `+` (expression language 1.9).

    Raises `Misfit` for lists, objects and what is no value of the domain.
    """
    kind = type(value)
    if kind is str:
        return value  # type: ignore[no-any-return]
    if kind is bool:
        return "true" if value else "false"
    if isinstance(value, datetime):
        return _moment_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, float | Decimal):
        return decimal_text(_decimal(value))
    return str(_decimal(_index(value, "a single value that has a text form")))


def decimal_text(value: float | Decimal) -> str:
    """Return the shortest exact text with a decimal point and no exponent."""
    text = format(value, "f") if isinstance(value, Decimal) else repr(value)
    if "e" in text:
        text = format(Decimal(text), "f")
    return text if "." in text else text + ".0"


def duration_text(value: timedelta) -> str:
    """Return ISO 8601 text such as `PT1.52S`, days folded into hours; a negative one has a sign in every section."""
    micros, sign = abs(value) // timedelta.resolution, "-" if value < timedelta(0) else ""
    minutes, micros = divmod(micros, 60_000_000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{micros // 1_000_000}.{micros % 1_000_000:06}".rstrip("0").rstrip(".")
    sections = [f"{sign}{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M")) if number]
    return "PT" + "".join([*sections, f"{sign}{seconds}S"] if micros or not sections else sections)


def _moment_text(value: datetime) -> str:
    """In UTC with `Z` when there is an offset; seconds only where they are not zero."""
    zone = ""
    if value.utcoffset() is not None:
        try:
            value, zone = value.astimezone(UTC).replace(tzinfo=None), "Z"
        except OverflowError:
            raise Misfit("takes a date and time of the years 1 to 9999 in UTC") from None
    if value.microsecond:
        return value.isoformat(timespec="microseconds" if value.microsecond % 1000 else "milliseconds") + zone
    return value.isoformat(timespec="seconds" if value.second else "minutes") + zone
