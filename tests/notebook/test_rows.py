"""Rows are judged before anything is sent: all faults at once, by row, parameter and path, bounded."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from operator import itemgetter
from typing import Any

import pandas as pd
import polars as pl
import pytest

import wayhook as wh
from wayhook.testing import FakeTransport

CANARY = "canary-7"


def refused(action: wh.Action, rows: Any, **settings: Any) -> wh.RenderError:
    """What is wrong with the rows; nothing was sent."""
    transport = FakeTransport()
    with pytest.raises(wh.RenderError) as caught:
        wh.map(action, rows, transport=transport, progress=False, **settings)
    assert transport.requests == []
    return caught.value


def told(error: wh.RenderError) -> list[str]:
    """Its lines."""
    return [str(violation) for violation in error.violations]


def test_all_faults_are_told_at_once(action: wh.Action) -> None:
    """With the row, the parameter, the wanted type, and the rule; good rows are not called either."""
    rows = [
        {"to": "a", "text": "b"},
        {"to": 7, "text": "b", "priority": "high"},
        {"to": "a", "text": "b", "priority": 1.5},
    ]

    error = refused(action, rows)

    assert type(error) is wh.WrongType
    assert told(error) == [
        "$.rows[1].parameters.to: it takes a string, not int (R160)",
        "$.rows[1].parameters.priority: it takes an integer, not str (R160)",
        "$.rows[2].parameters.priority: it takes an integer, not float (R160)",
    ]


def test_the_path_leads_into_a_value() -> None:
    """To the field of the object of the list that does not fit."""
    action = wh.Action(
        name="A",
        url_configuration=wh.UrlConfiguration("https://h.example"),
        message_parameters=wh.message_parameters({"lines": [{"sku": "a", "count": 1}]}, variables={"lines": "Lines"}),
    )

    error = refused(action, [{"Lines": [{"sku": "a", "count": 1}, {"sku": 2, "count": "b"}]}])

    assert told(error) == [
        "$.rows[0].parameters.lines[1].sku: it takes a string, not int; its column is 'Lines' (R160)",
        "$.rows[0].parameters.lines[1].count: it takes an integer, not str; its column is 'Lines' (R160)",
    ]


@pytest.mark.parametrize(
    ("count", "suffix"),
    [
        (1, ""),
        (2, " (the same in row 1)"),
        (3, " (the same in rows 1, 2)"),
        (1000, " (the same in rows 1, 2 and 997 more)"),
    ],
)
def test_a_fault_of_many_rows_is_told_once(action: wh.Action, count: int, suffix: str) -> None:
    """With the first rows that have it, and how many there are."""
    error = refused(action, [{"to": 7, "text": "a"}] * count)

    assert told(error) == [f"$.rows[0].parameters.to: it takes a string, not int{suffix} (R160)"]


def test_the_list_of_faults_is_bounded(action: wh.Action) -> None:
    """A hundred of different kinds are told, and the number of the others."""
    rows = [{"to": "a", "text": "b", f"odd{number}": 1} for number in range(150)]

    error = refused(action, rows, strict=True)

    assert len(error.violations) == 101
    assert told(error)[-1] == "$.rows: … and 50 more faults; mend these first"


def test_kinds_of_faults_have_the_error_that_they_share(action: wh.Action) -> None:
    """A value that is missing, one of another type and one that is unsafe are RenderErrors together."""
    missing = refused(action, [{"to": "a"}])
    unsafe = refused(action, [{"to": "a", "text": "b", "X-Campaign": "a\nb"}])
    both = refused(action, [{"to": "a"}, {"to": 1, "text": ""}])

    assert [type(error) for error in (missing, unsafe, both)] == [wh.MissingValue, wh.UnsafeCall, wh.RenderError]


@pytest.mark.parametrize(
    ("names", "note"),
    [
        (["to", "txt"], "no column is named 'text' or 'Message'; did you mean 'txt'?"),
        (["to", "message"], "no column is named 'text' or 'Message'; did you mean 'message'?"),
        (["to"], "no column is named 'text' or 'Message'"),
    ],
)
@pytest.mark.parametrize("kind", [list, pd.DataFrame, pl.DataFrame])
def test_a_missing_column_has_its_closest_name(action: wh.Action, names: list[str], note: str, kind: Any) -> None:
    """The names of the variable are told, and what may have been meant."""
    error = refused(action, kind([dict.fromkeys(names, "a")]))

    assert told(error) == [f"$.rows[0].parameters.text: this variable is required; give it a value; {note} (R147)"]


@pytest.mark.parametrize("kind", [list, pd.DataFrame, pl.DataFrame])
def test_strict_refuses_columns_that_fill_nothing(action: wh.Action, kind: Any) -> None:
    """Once, with the closest name; without it they are ignored."""
    rows = kind([{"to": "a", "text": "b", "Prioritty": 3}] * 2)

    error = refused(action, rows, strict=True)

    message = (
        "$.rows[0].Prioritty: the action has no such variable; did you mean 'Priority'? (the same in row 1) (R144)"
    )
    assert told(error) == [message]


def test_strict_takes_the_column_of_the_path(action: wh.Action) -> None:
    """It fills no variable, and is there for a purpose."""
    frame = pd.DataFrame([{"to": "a", "text": "b", "below": "c", "key": "k"}])

    results = wh.map(
        action, frame, path=frame["below"], delivery_ids=frame["key"], strict=True,
        transport=FakeTransport(), progress=False,
    )  # fmt: skip

    assert results[0].succeeded


@pytest.mark.parametrize(
    ("row", "settings", "message"),
    [
        ({"to": "a", "Recipient": "b", "text": ""}, {}, "this fills the variable 'to', and so does 'to'; keep one"),
        ({"to": "a", "text": ""}, {"values": {"Message": "b"}}, "this fills the variable 'text', and so does 'values'"),
    ],
)
def test_a_variable_is_filled_once(action: wh.Action, row: Any, settings: Any, message: str) -> None:
    """By its name or its label, by the row or for all rows."""
    error = refused(action, [row], **settings)

    assert message in str(error)


def test_two_columns_of_one_name_are_one_too_many(action: wh.Action) -> None:
    """A DataFrame may have such; of a column that fills nothing it does not matter."""
    frame = pd.DataFrame([["a", "b", "c"]], columns=["to", "text", "to"])

    assert "this fills the variable 'to', and so does 'to'" in str(refused(action, frame))


def test_a_label_of_several_variables_says_nothing() -> None:
    """A column with it is refused, with the names that tell them apart."""
    action = wh.Action(
        name="A",
        url_configuration=wh.UrlConfiguration("https://h.example"),
        message_parameters=wh.message_parameters({"a": "", "b": ""}, variables={"a": "Text", "b": "Text"}),
    )

    error = refused(action, [{"Text": "x"}])

    assert "$.rows[0].Text: several variables have this label; name the column as one of them: a, b" in str(error)


def test_a_constant_that_fills_nothing_is_refused(action: wh.Action) -> None:
    """Before a row is read, with the closest name."""
    rows = iter([{"to": "a"}])

    with pytest.raises(wh.DefinitionError, match=r"\$\.values\.txt: the action has no such .* did you mean 'text'"):
        wh.map(action, rows, values={"txt": "b"}, transport=FakeTransport())

    assert len(list(rows)) == 1


def test_a_constant_of_another_type_is_told_as_such(action: wh.Action) -> None:
    """It is every row's fault."""
    error = refused(action, [{"to": "a"}] * 3, values={"text": 7})

    assert told(error) == [
        "$.rows[0].parameters.text: it takes a string, not int; it stands in `values` (the same in rows 1, 2) (R160)"
    ]


@pytest.mark.parametrize("row", [7, None, "text", ("to", "a"), ["a"], pd.Series({"to": "a"})], ids=str)
def test_a_row_is_a_mapping(action: wh.Action, row: Any) -> None:
    """Anything else is told by its place, beside what is wrong with the others."""
    error = refused(action, [{"to": "a", "text": "b"}, row, {"to": 7, "text": "b"}])

    kind = type(row).__name__
    assert told(error) == [
        f"$.rows[1]: a row is a mapping of columns to values, not {kind}",
        "$.rows[2].parameters.to: it takes a string, not int (R160)",
    ]


@pytest.mark.parametrize("rows", [7, None, "text", b"bytes", {"to": "a"}, pl.LazyFrame({"to": ["a"]})], ids=str)
def test_what_is_no_table_is_refused(action: wh.Action, rows: Any) -> None:
    """One mapping is a call; a lazy frame has no rows yet."""
    with pytest.raises(wh.DefinitionError, match=r"\$\.rows: ") as caught:
        wh.map(action, rows, transport=FakeTransport())

    assert ("wayhook.call" in str(caught.value)) == isinstance(rows, dict)
    assert ("collect" in str(caught.value)) == isinstance(rows, pl.LazyFrame)


@pytest.mark.parametrize(
    ("index", "second", "third"),
    [
        (["x", "y", "z"], "'y'", "'z'"),
        ([10, 20, 30], "20", "30"),
        (pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)]), "('a', 2)", "('b', 1)"),
        (pd.date_range("2030-01-01", periods=3), "2030-01-02 00:00:00", "2030-01-03 00:00:00"),
    ],
)
def test_rows_are_named_by_the_index_of_their_frame(action: wh.Action, index: Any, second: str, third: str) -> None:
    """By what the caller finds them."""
    frame = pd.DataFrame({"to": ["a", 7, 8], "text": "b"}, index=index)

    assert told(refused(action, frame)) == [
        f"$.rows[{second}].parameters.to: it takes a string, not int (the same in row {third}) (R160)"
    ]


def test_a_source_that_raises_comes_out_as_it_is(action: wh.Action) -> None:
    """Nothing was sent by then."""
    transport = FakeTransport()

    def breaking() -> Iterator[dict[str, str]]:
        yield {"to": "a", "text": "b"}
        raise LookupError("the database went away")

    with pytest.raises(LookupError, match="the database went away"):
        wh.map(action, breaking(), transport=transport)
    with pytest.raises(KeyError):
        wh.map(action, [{"to": "a", "text": "b"}], path=itemgetter("below"), transport=transport)

    assert transport.requests == []


def test_a_source_is_read_in_the_thread_of_the_caller(action: wh.Action) -> None:
    """As a cursor of a database asks for."""
    import threading

    threads = []

    def rows() -> Iterator[dict[str, str]]:
        threads.append(threading.current_thread())
        yield {"to": "a", "text": "b"}

    wh.map(action, rows(), transport=FakeTransport(), progress=False)

    assert threads == [threading.current_thread()]


def test_an_endless_source_is_refused(action: wh.Action, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read no further than a table may be long, and nothing is sent."""
    monkeypatch.setattr("wayhook.notebook.row.MAX_ROWS", 1000)
    transport, numbers = FakeTransport(), itertools.count()

    with pytest.raises(wh.DefinitionError, match=r"\$\.rows: there are more than 1,000 rows; Executor.call_each"):
        wh.map(action, ({"to": f"n{number}", "text": ""} for number in numbers), transport=transport)

    assert next(numbers) == 1001
    assert transport.requests == []
    with pytest.raises(wh.DefinitionError, match=r"\$\.path: this has 1,001 entries"):
        wh.map(action, [{"to": "a", "text": "b"}], path=map(str, itertools.count()), transport=transport)


def test_delivery_ids_are_judged_too(action: wh.Action) -> None:
    """One that is none, and one that two rows share, which would make them one call."""
    rows = [{"to": "a", "text": "b", "key": key} for key in ("k-1", "a b", "k-1", None)]

    error = refused(action, rows, delivery_ids=itemgetter("key"))

    first, second = told(error)
    assert first.startswith("$.rows[1].delivery_id: a delivery id is 1 to 255 visible ASCII characters")
    assert first.endswith("(the same in row 3)")
    assert second == "$.rows[2].delivery_id: this is that of row 0, too; each call has its own"


@pytest.mark.parametrize("path", ["../other", "a/../..", "https://evil.example"])
def test_a_path_that_leaves_is_refused(action: wh.Action, path: str) -> None:
    """It is judged as the path of any call."""
    error = refused(action, [{"to": "a", "text": "b"}] * 2, path=["ok", path])

    assert {violation.path for violation in error.violations} == {"$.rows[1].path"}


@pytest.mark.parametrize("cell", [float("nan"), None])
def test_an_empty_path_is_missing(action: wh.Action, cell: Any) -> None:
    """It is not taken for the static URL alone."""
    error = refused(action, [{"to": "a", "text": "b"}], path=pd.Series([cell], dtype=object))

    assert told(error) == ["$.rows[0].path: this variable is required; give it a value (R147)"]


def _holding_itself() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


@pytest.mark.parametrize(
    "value",
    [
        10**5000, "\ud800", "a" * 3_000_000, b"x", object(), _holding_itself(), [[]] * 200_000, {"a": {}}, 3 + 4j,
        wh.literal_secret(CANARY), lambda: None, pd.Period("2030-01"), [CANARY] * 10, [float("nan")],
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
@pytest.mark.parametrize("place", ["to", "priority", "X-Campaign"])
def test_a_hostile_value_is_refused_soon(action: wh.Action, place: str, value: Any) -> None:
    """By an error of ours that does not hold the value."""
    began = time.perf_counter()

    error = refused(action, [{"to": "a", "text": "b", place: value}])

    assert CANARY not in str(error)
    assert len(str(error)) < 2000
    assert time.perf_counter() - began < 2
