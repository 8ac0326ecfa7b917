"""Cells of tables become the JSON that an action's types say, exactly: what pandas, polars and numpy make of values."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wayhook as wh

SAMPLES: dict[str, Any] = {"listInteger": [1], "listDecimal": [1.5], "listString": ["a"], "listObject": [{"n": 1}]}
SAMPLES |= {"listDateOnly": ["2030-01-01"], "integer": 1, "decimal": 1.5, "boolean": True}


def action(data_type: str, **fields: Any) -> wh.Action:
    """An action with one optional variable of this type."""
    sample = SAMPLES.get(data_type, "2030-01-01")
    types = {} if data_type == "listObject" else {"v": data_type}
    return wh.Action(
        name="A",
        url_configuration=wh.UrlConfiguration("https://h.example"),
        message_parameters=wh.message_parameters(
            {"v": sample}, variables={"v": wh.variable("V", optional=True)}, types=types
        ),
        **fields,
    )


def sent(data_type: str, rows: Any, **fields: Any) -> list[str]:
    """What stands for the variable in the JSON of each row; "" where it is left out."""
    calls = wh.map(action(data_type, **fields), rows, dry_run=True)
    return [(call.body or b"").decode()[len('{"v":') : -1] for call in calls]


def framed(column: Any) -> Any:
    """A DataFrame of the column's library."""
    return (pd.DataFrame if isinstance(column, pd.Series) else pl.DataFrame)({"v": column})


def refused(data_type: str, rows: Any) -> str:
    """Why no row is sent."""
    with pytest.raises(wh.RenderError) as caught:
        wh.map(action(data_type), rows, dry_run=True)
    return str(caught.value)


BIG = 2**53 + 1
PARIS = ZoneInfo("Europe/Paris")
NS = "2030-01-02T03:04:05.123456789"

PANDAS = {
    "int64": ("integer", pd.Series([1, BIG, -(2**63)]), ["1", str(BIG), str(-(2**63))]),
    "uint64": ("integer", pd.Series([2**63 - 1], dtype="uint64"), [str(2**63 - 1)]),
    "int8": ("integer", pd.Series([5], dtype="int8"), ["5"]),
    "Int64": ("integer", pd.Series([BIG, None], dtype="Int64"), [str(BIG), ""]),
    "integers with an empty cell": ("integer", pd.Series([1, None, -3]), ["1", "", "-3"]),
    "float64": ("decimal", pd.Series([0.1, float("nan"), 1e300, 2.0]), ["0.1", "", "1e+300", "2.0"]),
    "float32": ("decimal", pd.Series([0.5], dtype="float32"), ["0.5"]),
    "Float64": ("decimal", pd.Series([0.1, None], dtype="Float64"), ["0.1", ""]),
    "integers as decimals": ("decimal", pd.Series([BIG]), [str(BIG)]),
    "Decimals": ("decimal", pd.Series([Decimal("1.10"), Decimal(f"{BIG}.1")]), ["1.10", f"{BIG}.1"]),
    "bool": ("boolean", pd.Series([True, False]), ["true", "false"]),
    "boolean": ("boolean", pd.Series([True, None], dtype="boolean"), ["true", ""]),
    "numpy's in an object": ("boolean", pd.Series([np.True_, None], dtype=object), ["true", ""]),
    "str": ("string", pd.Series(["a", None, "é"]), ['"a"', "", '"é"']),
    "string": ("string", pd.Series(["a", None], dtype="string"), ['"a"', ""]),
    "objects": ("string", pd.Series(["a", None, np.nan, pd.NA, np.str_("b")], dtype=object), ['"a"', *[""] * 3, '"b"']),
    "category": ("string", pd.Series(pd.Categorical(["a", None])), ['"a"', ""]),
    "times": ("dateTimeOnly", pd.Series(pd.to_datetime(["2030-01-02T03:04:05", None])), ['"2030-01-02T03:04:05"', ""]),
    "nanoseconds": ("dateTimeOnly", pd.Series(pd.to_datetime([NS])), [f'"{NS}"']),
    "UTC": ("dateTime", pd.Series(pd.to_datetime(["2030-01-02T03:04:05Z"])), ['"2030-01-02T03:04:05Z"']),
    "a zone": (
        "dateTime", pd.Series(pd.to_datetime(["2030-07-02T03:04:05"])).dt.tz_localize("Europe/Paris"),
        ['"2030-07-02T03:04:05+02:00"'],
    ),
    "nanoseconds of a zone": ("dateTime", pd.Series(pd.to_datetime([f"{NS}+01:00"])), [f'"{NS}+01:00"']),
    "days": ("dateOnly", pd.Series(pd.to_datetime(["2030-01-02", None])), ['"2030-01-02"', ""]),
    "dates": ("dateOnly", pd.Series([date(2030, 1, 2), None]), ['"2030-01-02"', ""]),
    "arrays": ("listInteger", pd.Series([np.array([1, BIG]), [np.int64(3), None], None]), [f"[1,{BIG}]", "[3]", ""]),
    "arrays of floats": ("listDecimal", pd.Series([np.array([0.5, np.nan])]), ["[0.5]"]),
    "whole floats in a list": ("listInteger", pd.Series([[1.0, np.nan, 2.0]]), ["[1,2]"]),
    "days in a list": ("listDateOnly", pd.Series([[pd.Timestamp("2030-01-02"), pd.NaT]]), ['["2030-01-02"]']),
    "objects in a list": (
        "listObject", pd.Series([[{"n": np.int64(BIG)}, {"n": 2.0}, {"n": np.nan}]]),
        [f'[{{"n":{BIG}}},{{"n":2}},{{}}]'],
    ),
    "sparse": ("decimal", pd.Series(pd.arrays.SparseArray([0.5, np.nan])), ["0.5", ""]),
}  # fmt: skip


@pytest.mark.parametrize("name", PANDAS)
def test_cells_of_pandas(name: str) -> None:
    """Each type of column gives the JSON that is wanted, and an empty cell leaves the variable out."""
    data_type, column, wanted = PANDAS[name]

    assert sent(data_type, pd.DataFrame({"v": column})) == wanted
    assert sent(data_type, [{"v": cell} for cell in column]) == wanted


POLARS = {
    "Int64": ("integer", pl.Series([1, BIG, None]), ["1", str(BIG), ""]),
    "UInt64": ("integer", pl.Series([2**63 - 1], dtype=pl.UInt64), [str(2**63 - 1)]),
    "Float64": ("decimal", pl.Series([0.1, None, float("nan")]), ["0.1", "", ""]),
    "whole floats": ("integer", pl.Series([1.0, None]), ["1", ""]),
    "Decimal": ("decimal", pl.Series([Decimal("1.10")]), ["1.10"]),
    "Boolean": ("boolean", pl.Series([True, None]), ["true", ""]),
    "String": ("string", pl.Series(["a", None]), ['"a"', ""]),
    "Categorical": ("string", pl.Series(["a", None], dtype=pl.Categorical), ['"a"', ""]),
    "Date": ("dateOnly", pl.Series([date(2030, 1, 2), None]), ['"2030-01-02"', ""]),
    "a day as a time": ("dateOnly", pl.Series([datetime(2030, 1, 2)]), ['"2030-01-02"']),  # noqa: DTZ001 - it has no zone
    "Datetime": ("dateTimeOnly", pl.Series(["2030-01-02T03:04:05"]).str.to_datetime(), ['"2030-01-02T03:04:05"']),
    "nanoseconds": ("dateTimeOnly", pl.Series([NS, None]).str.to_datetime(time_unit="ns"), [f'"{NS}"', ""]),
    "nanoseconds that are none": (
        "dateTimeOnly", pl.Series(["2030-01-02T03:04:05"]).str.to_datetime(time_unit="ns"), ['"2030-01-02T03:04:05"'],
    ),
    "a zone": ("dateTime", pl.Series([datetime(2030, 7, 2, 3, tzinfo=PARIS)]), ['"2030-07-02T03:00:00+02:00"']),
    "nanoseconds of a zone": (
        "dateTime",
        pl.Series([NS]).str.to_datetime(time_unit="ns", time_zone="UTC").dt.convert_time_zone("Europe/Paris"),
        [f'"{NS.replace("T03", "T04")}+01:00"'],
    ),
    "List": ("listInteger", pl.Series([[1, BIG, None], None]), [f"[1,{BIG}]", ""]),
    "List of Struct": ("listObject", pl.Series([[{"n": 1}, {"n": None}]]), ['[{"n":1},{}]']),
    "Array": ("listInteger", pl.Series([[1, 2]], dtype=pl.Array(pl.Int64, 2)), ["[1,2]"]),
    "Null": ("integer", pl.Series([None]), [""]),
}  # fmt: skip


@pytest.mark.parametrize("name", POLARS)
def test_cells_of_polars(name: str) -> None:
    """Each type of column gives the JSON that is wanted, and a null leaves the variable out."""
    data_type, column, wanted = POLARS[name]

    assert sent(data_type, pl.DataFrame({"v": column})) == wanted


NUMPY = {
    "int64": ("integer", np.int64(BIG), str(BIG)),
    "float64": ("decimal", np.float64(0.1), "0.1"),
    "bool": ("boolean", np.True_, "true"),
    "str": ("string", np.str_("a"), '"a"'),
    "a day": ("dateOnly", np.datetime64("2030-01-02"), '"2030-01-02"'),
    "microseconds": ("dateTimeOnly", np.datetime64("2030-01-02T03:04:05.123456"), '"2030-01-02T03:04:05.123456"'),
    "nanoseconds": ("dateTimeOnly", np.datetime64(NS), f'"{NS}"'),
    "no time": ("dateTimeOnly", np.datetime64("NaT"), ""),
    "no number": ("decimal", np.float32("nan"), ""),
}


@pytest.mark.parametrize("name", NUMPY)
def test_values_of_numpy(name: str) -> None:
    """A row by hand may hold them as well."""
    data_type, value, wanted = NUMPY[name]

    assert sent(data_type, [{"v": value}]) == [wanted]


def test_a_row_by_hand_is_as_in_a_call() -> None:
    """Python's own values go the same way as in `wayhook.call`: None is null, and times have their types."""
    assert sent("integer", [{"v": None}, {"v": BIG}, {}], allow_null_values=True) == ["null", str(BIG), "null"]
    assert sent("dateTime", [{"v": datetime(2030, 1, 2, tzinfo=timezone(timedelta(hours=1)))}]) == [
        '"2030-01-02T00:00:00+01:00"'
    ]


@pytest.mark.parametrize("empty", [float("nan"), None, pd.NA, pd.NaT], ids=["NaN", "None", "NA", "NaT"])
@pytest.mark.parametrize("nulls", [True, False])
def test_an_empty_cell_of_an_optional_variable(empty: Any, *, nulls: bool) -> None:
    """It is null where the action sends nulls, else left out (R149, R150)."""
    frame = pd.DataFrame({"v": pd.Series([empty], dtype=object)})

    assert sent("integer", frame, allow_null_values=nulls) == ["null" if nulls else ""]


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"v": [1.0, float("nan")]}),
        pd.DataFrame({"v": pd.array([1, None])}),
        pl.DataFrame({"v": [1, None]}),
    ],
    ids=["NaN", "NA", "a null"],
)
def test_an_empty_cell_of_a_required_variable_is_missing(frame: Any) -> None:
    """It is not sent as null: the row is told instead."""
    required = wh.Action(
        name="A",
        url_configuration=wh.UrlConfiguration("https://h.example"),
        message_parameters=wh.message_parameters({"v": 1}, variables={"v": ""}),
    )

    with pytest.raises(wh.MissingValue, match=r"^\$\.rows\[1\]\.parameters\.v: this variable is required"):
        wh.map(required, frame, dry_run=True)


@pytest.mark.parametrize(
    ("data_type", "value"),
    [
        ("integer", 1.5),
        ("integer", float(2**60)),
        ("integer", float("inf")),
        ("integer", np.uint64(2**63)),
        ("integer", pd.Timedelta(1)),
        ("integer", np.timedelta64(1, "ns")),
        ("decimal", float("inf")),
        ("decimal", np.longdouble("0.1")),
        ("boolean", 1),
        ("boolean", 1.0),
        ("string", 1),
        ("string", pd.Timestamp("2030-01-02")),
        ("dateTime", pd.Timestamp("2030-01-02")),
        ("dateTimeOnly", pd.Timestamp("2030-01-02", tz="UTC")),
        ("dateTimeOnly", pd.Timestamp(np.datetime64("12000-01-01", "s"))),
        ("dateOnly", pd.Timestamp("2030-01-02T00:00:01")),
        ("dateOnly", pd.Timestamp("2030-01-02", tz="UTC")),
        ("dateOnly", time(1)),
        ("listInteger", [1, "2"]),
        ("listInteger", np.array([0.5])),
        ("listObject", [{"n": "1"}]),
    ],
    ids=str,
)
def test_what_is_not_exactly_of_the_type_is_refused(data_type: str, value: Any) -> None:
    """Nothing is rounded, cut, or taken for something else."""
    assert "$.rows[0].parameters.v" in refused(data_type, pd.DataFrame({"v": pd.Series([value], dtype=object)}))


def test_times_that_polars_would_cut_are_refused() -> None:
    """Those in a list come as Python's, which have no nanoseconds."""
    column = pl.Series([[datetime(2030, 1, 2)]], dtype=pl.List(pl.Datetime("ns")))  # noqa: DTZ001 - it has no zone

    with pytest.raises(wh.DefinitionError, match=r"\$\.rows\.v: its lists hold times in nanoseconds"):
        wh.map(action("listString"), framed(column), dry_run=True)


def test_headers_and_paths_take_cells_too() -> None:
    """With the text that they have in a call."""
    action = wh.Action(
        name="A",
        url_configuration=wh.UrlConfiguration(
            "https://h.example", method="GET", headers={"n": wh.variable()}, query_parameters={"t": wh.variable()}
        ),
    )
    frame = pd.DataFrame({"n": [BIG], "t": pd.to_datetime(["2030-01-02T03:04:05Z"]), "id": [7]})

    (call,) = wh.map(action, frame, path=frame["id"], dry_run=True)

    assert (dict(call.headers)["n"], call.url) == (str(BIG), "https://h.example/7?t=2030-01-02T03%3A04%3A05Z")


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.none()))
def test_whole_numbers_arrive_as_they_are(numbers: list[int | None]) -> None:
    """Whatever they are, and whichever library holds them."""
    wanted = ["" if number is None else str(number) for number in numbers]

    assert sent("integer", pd.DataFrame({"v": pd.array(numbers, dtype="Int64")})) == wanted
    assert sent("integer", pl.DataFrame({"v": pl.Series(numbers, dtype=pl.Int64)})) == wanted


@given(st.lists(st.floats(allow_infinity=False)))
def test_numbers_arrive_as_they_are(numbers: list[float]) -> None:
    """The double that is sent is the double of the column; NaN is left out."""
    wanted = [None if number != number else number for number in numbers]  # noqa: PLR0124 - NaN

    for frame in (
        pd.DataFrame({"v": np.array(numbers, dtype=float)}),
        pl.DataFrame({"v": pl.Series(numbers, dtype=pl.Float64)}),
    ):
        assert [float(text) if text else None for text in sent("decimal", frame)] == wanted


@given(st.lists(st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1))))  # noqa: DTZ001 - what a column has
def test_times_arrive_as_they_are(times: list[datetime]) -> None:
    """To the microsecond, with and without a zone."""
    naive = [f'"{each.isoformat()}"' for each in times]
    column = pd.Series(times, dtype="datetime64[us]")

    for each in (column, pl.Series(times, dtype=pl.Datetime)):
        assert sent("dateTimeOnly", framed(each)) == naive
    aware = pl.Series([each.replace(tzinfo=UTC) for each in times], dtype=pl.Datetime("us", "UTC"))
    for each in (column.dt.tz_localize("UTC"), aware):
        assert sent("dateTime", framed(each)) == [f'{text[:-1]}Z"' for text in naive]
