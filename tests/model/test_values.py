"""Data types: what a Python value must be to have one, and the text it has."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

import wayhook as wh
from wayhook.values import DataType, Misfit, conform, datetime_text, text_of

CET = timezone(timedelta(hours=1))


class Index:
    """An integer of another library."""

    def __index__(self) -> int:
        return 7


class Real(float):
    """A float of another library."""


@pytest.mark.rule("R154", "R155", "R156", "R157", "R158", "R159")
@pytest.mark.parametrize(
    ("data_type", "value", "form"),
    [
        ("string", "é😀", "é😀"),
        ("string", "", ""),
        ("integer", 0, 0),
        ("integer", Index(), 7),
        ("decimal", Index(), 7),
        ("decimal", Real(2.5), 2.5),
        ("decimal", Decimal("1E+3"), Decimal("1E+3")),
        ("decimal", 2**70, 2**70),
        ("boolean", False, False),
        ("dateTime", datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC), "2030-01-02T03:04:05Z"),
        ("dateTime", datetime(2030, 1, 2, 3, 4, 5, 6000, tzinfo=CET), "2030-01-02T03:04:05.006000+01:00"),
        ("dateTime", "2030-01-02T03:04Z", "2030-01-02T03:04Z"),
        ("dateTimeOnly", datetime(2030, 1, 2, 3, 4, 5), "2030-01-02T03:04:05"),  # noqa: DTZ001
        ("dateOnly", date(2030, 1, 2), "2030-01-02"),
        ("object", MappingProxyType({"a": 1}), {"a": 1}),
        ("listInteger", (1, 2), (1, 2)),
        ("listAny", [], []),
    ],
)
def test_a_value_of_the_type_conforms(data_type, value, form) -> None:
    """A value that has the type is given in its JSON form, dates and times as ISO text."""
    assert conform(DataType(data_type))(value) == form


@pytest.mark.rule("R154", "R155", "R156", "R157", "R158", "R159")
@pytest.mark.parametrize(
    ("data_type", "value", "says"),
    [
        ("string", b"canary", "takes a string, not bytes"),
        ("string", "canary\ud800", "lone surrogate"),
        ("integer", "canary", "takes an integer, not str"),
        ("integer", True, "takes an integer, not bool"),
        ("integer", None, "takes an integer, not null"),
        ("integer", 2**63, "R154"),
        ("decimal", float("inf"), "R155"),
        ("decimal", Real("nan"), "R155"),
        ("decimal", Decimal("sNaN"), "R155"),
        ("decimal", 1j, "takes a decimal number, not complex"),
        ("boolean", 0, "takes true or false, not int"),
        ("dateTime", datetime(2030, 1, 2), "R157"),  # noqa: DTZ001
        ("dateTime", date(2030, 1, 2), "not date"),
        ("dateTime", "canary", "R157"),
        ("dateTime", "2030-02-30T00:00:00Z", "no such day"),
        ("dateTime", "2030-01-02T24:00:00Z", "R157"),
        ("dateTime", "2030-01-02T03:04:05+01:60", "R157"),
        ("dateTimeOnly", datetime(2030, 1, 2, tzinfo=UTC), "R158"),
        ("dateOnly", datetime(2030, 1, 2), "not datetime"),  # noqa: DTZ001
        ("dateOnly", "2030-01-02\n", "R159"),
        ("object", [("a", 1)], "takes an object, not list"),
        ("listAny", "canary", "takes a list, not str"),
        ("listAny", {"canary": 1}, "takes a list, not dict"),
        ("listAny", {1, 2}, "takes a list, not set"),
        ("listObject", iter([]), "takes a list, not list_iterator"),
    ],
)
def test_a_value_of_another_type_is_named_and_not_repeated(data_type, value, says) -> None:
    """The sentence says what was wanted and the type of what came."""
    with pytest.raises(Misfit) as caught:
        conform(DataType(data_type))(value)

    assert says in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is", "as it is"),
        ("", ""),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (-(2**63), "-9223372036854775808"),
        (Index(), "7"),
        (20.0, "20.0"),
        (0.1, "0.1"),
        (1e22, "10000000000000000000000.0"),
        (1e-7, "0.0000001"),
        (Decimal("1E+3"), "1000.0"),
        (Decimal("0.10"), "0.10"),
        (date(2030, 1, 2), "2030-01-02"),
        (datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC), "2030-01-02T03:04:05Z"),
        (datetime(2030, 1, 2, 3, 4, tzinfo=CET), "2030-01-02T02:04Z"),
        (datetime(2030, 1, 2, 3, 4, 0, 5000, tzinfo=UTC), "2030-01-02T03:04:00.005Z"),
        (datetime(2030, 1, 2, 3, 4, 5, 6, tzinfo=UTC), "2030-01-02T03:04:05.000006Z"),
        (datetime(2030, 1, 2, 3, 4), "2030-01-02T03:04"),  # noqa: DTZ001
    ],
)
def test_a_scalar_has_a_text(value, text) -> None:
    """Numbers have a point and no exponent, moments with an offset are told in UTC."""
    assert text_of(value) == text


@pytest.mark.parametrize("value", [None, [], {}, ["canary"], {"a": "canary"}, b"canary", float("nan"), object()])
def test_what_is_no_single_value_has_no_text(value) -> None:
    """Lists, objects, nulls, bytes and what is not finite have no text; the sentence does not repeat them."""
    with pytest.raises(Misfit) as caught:
        text_of(value)

    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC), "2030-01-02T03:04:05Z"),
        (datetime(2030, 1, 2, 3, 4, 5, tzinfo=CET), "2030-01-02T03:04:05+01:00"),
        (datetime(2030, 1, 2, 3, 4, 5), "2030-01-02T03:04:05"),  # noqa: DTZ001
    ],
)
def test_a_payload_keeps_the_offset(moment, text) -> None:
    """In a payload a moment keeps the offset it came with, `Z` for zero."""
    assert datetime_text(moment) == text


@pytest.mark.rule("R143")
def test_lists_know_their_items() -> None:
    """Each list type has an item type, but for the mixed one; nothing else has items."""
    for data_type in DataType:
        assert data_type.is_list == data_type.value.startswith("list")
        assert data_type.is_container == (data_type.is_list or data_type is DataType.OBJECT)
        if data_type.item is not None:
            assert DataType.list_of(data_type.item) is data_type
    assert [data_type for data_type in DataType if data_type.is_list and data_type.item is None] == [
        wh.DataType.LIST_ANY
    ]


class Counted(list[Any]):
    """A list that counts what is taken out of it."""

    seen = 0

    def __iter__(self) -> Iterator[Any]:
        for item in super().__iter__():
            self.seen += 1
            yield item


@pytest.mark.parametrize("nested", [False, True])
def test_a_literal_that_is_too_wide_is_refused_by_its_length(*, nested: bool) -> None:
    """What has too many parts is not spread out to see it (P47)."""
    wide = Counted([1] * 100_001)

    with pytest.raises(wh.DefinitionError, match="too large"):
        wh.ActionActivity("A", label="a", parameters={"p": [wide] if nested else wide})

    assert wide.seen == 0


def test_a_decimal_of_very_many_digits_is_refused_uncounted() -> None:
    """Its digits are not listed one by one."""
    number = Decimal("0." + "1" * 1_000_000)
    tracemalloc.start()
    with pytest.raises(Misfit, match="at most 400 digits"):
        conform(DataType.DECIMAL)(number)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 100_000


def test_a_text_that_is_longer_than_any_payload_is_none() -> None:
    """The longest one has as many characters as a payload has bytes."""
    check = conform(DataType.STRING)

    assert check("a" * 1_048_576)
    with pytest.raises(Misfit, match="at most 1,048,576 characters"):
        check("a" * 1_048_577)
