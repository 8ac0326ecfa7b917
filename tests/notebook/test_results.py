"""Results: views, calling again, frames, records, figures, pickles and the card."""

from __future__ import annotations

import pickle
import sys
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any

import attrs
import numpy as np
import pandas as pd
import polars as pl
import pytest

import wayhook as wh
from wayhook.testing import Answer, FakeSecrets, FakeTransport, LoopbackService, Received

NAMES = ["a", "bad1", "b", "bad2", "c"]
ROWS = [{"to": name, "text": "Hi"} for name in NAMES]


def reply(request: wh.Request) -> wh.Response:
    """Take a message, but for those to `bad…`."""
    if b'"to":"bad' in (request.body or b""):
        return wh.Response(422, body=b'{"error":"unknown"}')
    return wh.Response(202, body=b'{"id":"m-1","cost":{"amount":0.5,"units":2}}')


@pytest.fixture
def results(action: wh.Action) -> wh.Results:
    """Of five rows, two of which failed."""
    return wh.map(action, ROWS, transport=FakeTransport(reply), progress=False)


def test_results_are_a_sequence_of_outcomes(results: wh.Results) -> None:
    """Length, places from both ends, slices, iteration, membership."""
    assert len(results) == 5
    assert isinstance(results[3], wh.Outcome)
    assert [outcome.index for outcome in results] == [0, 1, 2, 3, 4]
    assert (results[-1].index, results[1:4:2][1].index) == (4, 3)
    assert isinstance(results[1:3], wh.Results)
    assert results[2] in results
    assert [outcome.index for outcome in reversed(results)] == [4, 3, 2, 1, 0]
    with pytest.raises(IndexError):
        results[5]


def test_views_keep_the_order_and_the_places(results: wh.Results) -> None:
    """Those that succeeded and those that failed; a view of a view, too."""
    assert [outcome.index for outcome in results.succeeded] == [0, 2, 4]
    assert [outcome.index for outcome in results.failed] == [1, 3]
    assert list(results.failed.labels) == [1, 3]
    assert [outcome.index for outcome in results[2:].failed] == [3]
    assert len(results.succeeded.failed) == 0


def test_a_repr_says_how_it_went(results: wh.Results) -> None:
    """In one line."""
    assert repr(results) == "<Results of SendSms: 5 rows, 3 succeeded, 2 failed (http_422 2)>"
    assert repr(results[:1]) == "<Results of SendSms: 1 row, 1 succeeded, 0 failed>"


def test_a_summary_has_the_figures(results: wh.Results) -> None:
    """Numbers that a reader or a test can take."""
    summary = results.summary()
    seconds = summary.pop("seconds")

    assert summary == {
        "action": "SendSms", "rows": 5, "succeeded": 3, "failed": 2, "left_out": 0, "attempts": 5,
        "statuses": {"http_202": 3, "http_422": 2}, "deliveries": {"delivered": 3, "rejected": 2},
    }  # fmt: skip
    assert list(seconds) == ["median", "p95", "longest"]
    assert seconds["median"] == sorted(results.latencies)[2]
    assert seconds["p95"] == seconds["longest"] == max(results.latencies)
    assert results.tally == Counter(http_202=3, http_422=2)


def test_records_are_without_repeats(results: wh.Results) -> None:
    """One for each row, all with the same names."""
    records = results.to_records()

    assert [record["row"] for record in records] == [0, 1, 2, 3, 4]
    assert {tuple(record) for record in records} == {
        (
            "row", "status", "delivery", "delivery_id", "attempts", "elapsed", "response.id", "response.cost.amount",
            "response.cost.units", "failure.error", "cause",
        )
    }  # fmt: skip
    assert records[0]["response.cost.amount"] == 0.5
    assert (records[1]["status"], records[1]["delivery"], records[1]["failure.error"]) == (
        "http_422", "rejected", "unknown",
    )  # fmt: skip
    assert (records[1]["response.id"], records[0]["failure.error"], records[0]["cause"]) == (None, None, None)


def test_a_frame_of_pandas_is_typed(results: wh.Results) -> None:
    """Text, whole numbers and decimals have their types, also where cells are empty."""
    frame = results.to_frame()

    assert isinstance(frame, pd.DataFrame)
    assert {name: str(kind) for name, kind in frame.dtypes.items() if not isinstance(kind, pd.StringDtype)} == {
        "attempts": "Int64", "elapsed": "Float64", "response.cost.amount": "Float64", "response.cost.units": "Int64",
    }  # fmt: skip
    assert frame["response.cost.units"].tolist() == [2, pd.NA, 2, pd.NA, 2]
    assert (frame.index.name, frame.index.tolist()) == ("row", [0, 1, 2, 3, 4])


INDEXES = [
    pd.Index(["x", "y", "z", "u", "v"], name="key"),
    pd.Index([10, 20, 30, 40, 50]),
    pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1), ("b", 2), ("c", 1)], names=["shop", "n"]),
    pd.date_range("2030-01-01", periods=5, tz="UTC"),
    pd.Index(["x", "x", "y", "y", "y"]),
]


@pytest.mark.parametrize("index", INDEXES, ids=["texts", "numbers", "levels", "times", "doubles"])
def test_the_index_of_a_frame_is_kept(action: wh.Action, index: pd.Index) -> None:
    """With its names and levels, also by a view, so that it can be joined."""
    frame = pd.DataFrame(ROWS, index=index)

    results = wh.map(action, frame, transport=FakeTransport(reply), progress=False)

    assert [record["row"] for record in results.to_records()] == index.tolist()
    assert all(type(record["row"]) is not np.int64 for record in results.to_records())
    assert results.to_frame().index.equals(index)
    assert results.to_frame().index.names == index.names
    assert list(map(str, results.to_frame("polars")["row"].to_list())) == list(map(str, index.tolist()))
    assert results.failed.to_frame().index.equals(index.take([1, 3]))
    assert results[1:3].retry().to_frame().index.equals(index[1:3])


def test_a_frame_of_polars_comes_of_one(action: wh.Action) -> None:
    """Typed, with the places of the rows as a column."""
    results = wh.map(action, pl.DataFrame(ROWS), transport=FakeTransport(reply), progress=False)
    frame = results.failed.to_frame()

    assert isinstance(frame, pl.DataFrame)
    assert frame["row"].to_list() == [1, 3]
    assert frame.schema["response.cost.units"] == pl.Int64
    assert frame.schema["response.cost.amount"] == pl.Float64
    assert frame["failure.error"].to_list() == ["unknown", "unknown"]
    assert isinstance(results.to_frame("pandas"), pd.DataFrame)


def test_the_library_may_be_named(results: wh.Results) -> None:
    """And is one of two."""
    assert isinstance(results.to_frame(library="polars"), pl.DataFrame)
    with pytest.raises(wh.DefinitionError, match=r"\$\.library: choose 'pandas' or 'polars'"):
        results.to_frame("dask")  # type: ignore[arg-type]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_library_that_is_not_there_is_named(
    results: wh.Results, library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the command that installs it."""
    monkeypatch.setitem(sys.modules, library, None)

    with pytest.raises(wh.MissingExtra, match=rf"pip install 'wayhook\[{library}\]'"):
        results.to_frame(library)


ANSWER: dict[str, Any] = {
    "text": "a", "number": 1.5, "whole": 7, "yes": True, "at": "2030-01-02T03:04:05Z", "local": "2030-01-02T03:04:05",
    "day": "2030-01-02", "parts": [0.5], "tags": ["a"], "counts": [1], "lines": [{"sku": "a"}],
    "below": {"deep": {"er": "x"}},
}  # fmt: skip
TYPES = {"at": "dateTime", "local": "dateTimeOnly", "day": "dateOnly"}


def answered(answers: list[bytes]) -> wh.Results:
    """Results of calls that were answered so, one after another."""
    action = wh.Action(
        name="A", url_configuration=wh.UrlConfiguration("https://h.example"), response=wh.payload(ANSWER, types=TYPES)
    )
    replies = [wh.Response(200, body=answer) for answer in answers]
    return wh.map(action, [{}] * len(answers), transport=FakeTransport(replies), concurrency=1, progress=False)


FULL = (
    b'{"text":"a","number":1.5,"whole":9007199254740993,"yes":true,"at":"2030-01-02T03:04:05.5+02:00","local":'
    b'"2030-01-02T03:04:05","day":"2030-01-02","tags":["a",null],"counts":[1],"lines":[{"sku":"b"}],"below":{"deep":'
    b'{"er":"y"}}}'
)


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("other", [b"{}", b"", b'{"below":null}'])
def test_the_fields_of_answers_are_columns(library: Any, other: bytes) -> None:
    """By their dotted names, with their types, empty where an answer does not have them."""
    frame = answered([FULL, other]).to_frame(library)
    cells = {name.removeprefix("response."): frame[name].to_list()[0] for name in frame.columns}

    assert cells["whole"] == 2**53 + 1
    assert cells["at"] == datetime(2030, 1, 2, 1, 4, 5, 500_000, tzinfo=UTC)
    assert cells["local"] == datetime(2030, 1, 2, 3, 4, 5)  # noqa: DTZ001 - it has no zone
    assert cells["day"] in (date(2030, 1, 2), datetime(2030, 1, 2))  # noqa: DTZ001 - pandas has times alone
    assert (list(cells["tags"]), list(cells["counts"])) == (["a", None], [1])
    assert list(cells["lines"]) == [{"sku": "b"}]
    assert (cells["below.deep.er"], cells["yes"], cells["number"]) == ("y", True, 1.5)
    assert (
        frame["response.whole"].isna().to_list()
        if library == "pandas"
        else frame["response.whole"].is_null().to_list() == [False, True]
    )


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("number", b"9007199254740993.1", Decimal("9007199254740993.1")),
        ("number", b"9007199254740993", 2**53 + 1),
        ("parts", b"[1,0.5,9007199254740993.1]", [1, 0.5, Decimal("9007199254740993.1")]),
        ("at", b'"2030-01-02T03:04:05.123456789Z"', "2030-01-02T03:04:05.123456789Z"),
        ("at", b'"0001-01-01T00:00:00+02:00"', "0001-01-01T00:00:00+02:00"),
    ],
)
def test_what_a_type_does_not_hold_stays_as_it_is(library: Any, field: str, text: bytes, value: Any) -> None:
    """A number beyond doubles, a time beyond microseconds or the calendar."""
    frame = answered([b'{"%s":%s}' % (field.encode(), text), b"{}"]).to_frame(library)

    assert frame[f"response.{field}"].to_list()[0] == value


def test_retrying_calls_the_failed_rows_alone(action: wh.Action) -> None:
    """The others stay as they are; length, order and places are those of the rows."""
    later = wh.Response(202, body=b'{"id":"later"}')
    transport = FakeTransport(reply)
    results = wh.map(action, ROWS, transport=transport, concurrency=1, progress=False)
    transport.requests.clear()
    transport._replies = [later]

    again = results.retry()

    assert [request.body for request in transport.requests] == [
        b'{"to":"bad1","text":"Hi"}', b'{"to":"bad2","text":"Hi"}',
    ]  # fmt: skip
    assert [outcome.index for outcome in again] == [0, 1, 2, 3, 4]
    assert [outcome.response["id"] for outcome in again] == ["m-1", "later", "m-1", "later", "m-1"]
    assert [again[place] is results[place] for place in range(5)] == [True, False, True, False, True]
    assert len(results.failed) == 2
    assert len(again.retry().failed) == 0


def failing_first(effects: Counter[str], *, key: bool) -> Any:
    """Does each call once for its key, if it has one, and fails to say so the first time."""
    met: Counter[str] = Counter()
    done: set[str] = set()

    def respond(request: Received) -> Answer:
        to, name = request.json()["to"], request.headers.get("idempotency-key")
        met[to] += 1
        if not key or name not in done:
            effects[to] += 1
            done.add(str(name))
        return Answer(500 if met[to] == 1 else 202, {"id": to})

    return respond


def keyed(url: str, key: str | None, method: str = "POST") -> wh.Action:
    """An action with one parameter, and perhaps a key."""
    return wh.Action(
        name="Pay",
        url_configuration=wh.UrlConfiguration(url, method=method),
        message_parameters=wh.message_parameters({"to": ""}, variables={"to": ""}),
        idempotency_header=key,
        response=wh.payload({"id": ""}),
    )


def _without_repeats(loopback: wh.Guardrails) -> wh.Guardrails:
    """An edition that repeats nothing by itself: its budget is empty."""
    return attrs.evolve(loopback, retry_budget=wh.RetryBudget(0, 0, 0))


def test_what_may_have_been_done_is_repeated_with_its_key(loopback: wh.Guardrails) -> None:
    """So that the receiver does it once: the delivery ids of such rows stay."""
    effects: Counter[str] = Counter()
    with LoopbackService(failing_first(effects, key=True)) as service:
        action = keyed(service.url, "Idempotency-Key")
        results = wh.map(
            action, [{"to": f"n{n}"} for n in range(5)], guardrails=_without_repeats(loopback), progress=False
        )
        again = results.retry()
        keys = Counter(received.headers["idempotency-key"] for received in service.received)

    assert [outcome.delivery for outcome in results] == ["unknown"] * 5
    assert [outcome.delivery for outcome in again] == ["delivered"] * 5
    assert [outcome.delivery_id for outcome in again] == [outcome.delivery_id for outcome in results]
    assert (len(keys), effects) == (5, Counter({f"n{n}": 1 for n in range(5)}))


def test_what_may_have_been_done_without_a_key_is_told(loopback: wh.Guardrails) -> None:
    """It is called again with a warning that names the danger, or left alone."""
    effects: Counter[str] = Counter()
    with LoopbackService(failing_first(effects, key=False)) as service:
        action = keyed(service.url, None)
        results = wh.map(action, [{"to": "a"}, {"to": "b"}], guardrails=loopback, progress=False)
        left = results.retry(unknown=False)
        before = len(service.received)
        with pytest.warns(
            UserWarning, match=r"^2 of these rows may have been done already, and may be done tw"
        ) as caught:
            again = results.retry()

    assert (before, list(left) == list(results)) == (2, True)
    assert [outcome.delivery for outcome in again] == ["delivered"] * 2
    assert [warning.filename for warning in caught] == [__file__]


def test_a_method_that_may_be_repeated_needs_no_warning(loopback: wh.Guardrails) -> None:
    """A PUT done twice is as good as once."""
    with LoopbackService(lambda _: Answer(500)) as service:
        results = wh.map(keyed(service.url, None, "PUT"), [{"to": "a"}], guardrails=loopback, progress=False)

        assert results.retry(unknown=False)[0].delivery == "unknown"


def test_what_may_have_been_done_is_not_taken_back(loopback: wh.Guardrails) -> None:
    """A rejection now says nothing of the time before."""
    answers = iter([Answer(500), Answer(422)])
    with LoopbackService(lambda _: next(answers)) as service:
        results = wh.map(
            keyed(service.url, "Key"), [{"to": "a"}], guardrails=_without_repeats(loopback), progress=False
        )
        again = results.retry()

    assert [(r[0].status, r[0].delivery) for r in (results, again)] == [
        ("http_500", "unknown"),
        ("http_422", "unknown"),
    ]
    assert again[0].delivery_id == results[0].delivery_id


def test_delivery_ids_of_other_rows_are_new_unless_they_are_given(action: wh.Action) -> None:
    """What was rejected is another execution, but for callers who name their effects."""
    rows = [{"to": "bad", "text": "Hi"}]
    new = wh.map(action, rows, transport=FakeTransport(reply), progress=False)
    given = wh.map(action, rows, transport=FakeTransport(reply), progress=False, delivery_ids=["k"])

    assert new.retry()[0].delivery_id != new[0].delivery_id
    assert given.retry()[0].delivery_id == given[0].delivery_id == "k"


def test_retrying_when_nothing_failed_calls_nobody(results: wh.Results) -> None:
    """And gives the same results."""
    succeeded = results.succeeded

    assert succeeded.retry() is succeeded


def test_a_journey_is_retried_with_its_contexts(action: wh.Action) -> None:
    """The same context twice has two outcomes and two ids."""
    import asyncio

    repository, numbers = wh.MemoryRepository(), count()
    context = wh.Context({"Signup": {"name": "Ann"}})
    transport = FakeTransport(lambda _: wh.Response(422 if next(numbers) < 3 else 202, body=b'{"id":"m"}'))
    greet = wh.ActionActivity("SendSms", label="a", parameters={"to": wh.expression("@event{Signup.name}"), "text": ""})
    asyncio.run(repository.save(action, wh.Journey("J", [greet])))

    results = wh.map("J", [context] * 3, label="a", repository=repository, transport=transport, progress=False)
    again = results.retry()

    assert (results.tally, again.tally) == ({"http_422": 3}, {"http_202": 3})
    assert len({outcome.delivery_id for outcome in [*results, *again]}) == 6
    assert [(outcome.index, outcome.label) for outcome in again] == [(0, "a"), (1, "a"), (2, "a")]


@pytest.mark.parametrize("transport", ["httpx", "wire", wh.HttpxTransport()], ids=["httpx", "wire", "an own one"])
def test_retrying_opens_connections_of_its_own(live: wh.Action, loopback: wh.Guardrails, transport: Any) -> None:
    """Those of the first time are closed by then, whichever transport it was."""
    results = wh.map(live, ROWS, guardrails=loopback, transport=transport, progress=False)

    assert results.retry().retry().tally == {"http_202": 3, "http_422": 2}


def test_results_are_pickled_without_secrets() -> None:
    """With all that they say, and no way to call."""
    action = wh.Action(
        name="A",
        url_configuration=wh.UrlConfiguration("https://h.example"),
        authentication=wh.ApiKeyAuthentication("X-Key", wh.secret("env:K")),
        response=wh.payload({"id": "x"}),
    )
    frame = pd.DataFrame(index=["x", "y"])
    transport = FakeTransport(lambda request: wh.Response(200, body=dict(request.headers)["X-Key"].encode()))
    results = wh.map(action, frame, secrets=FakeSecrets({"env:K": "canary-7"}), transport=transport, progress=False)

    pickled = pickle.dumps(results)
    again = pickle.loads(pickled)

    assert b"canary" not in pickled
    assert (list(again), again.summary(), repr(again)) == (list(results), results.summary(), repr(results))
    assert again.to_frame().equals(results.to_frame())
    assert again[1:].labels.tolist() == ["y"]
    with pytest.raises(wh.DefinitionError, match="have no way to call"):
        again.retry()


def test_a_pickled_view_has_its_own_rows_alone(results: wh.Results) -> None:
    """Not all of the table that it is a view of."""
    assert b'"to":"a"' in pickle.dumps(results)
    assert b'"to":"a"' not in pickle.dumps(results.failed)


def test_a_card_is_a_picture_of_the_outcomes(results: wh.Results) -> None:
    """Their statuses and latencies, in place of a list of outcomes."""
    html = results._repr_html_()

    assert "SendSms, 5 rows" in html
    assert "3 succeeded" in html
    assert "2 failed" in html
    assert "http_422" in html
    assert "may have been done" not in html
    assert "5 calls" in wh.map(results_action(), ROWS, dry_run=True)._repr_html_()


def test_a_card_tells_what_may_have_been_done(action: wh.Action) -> None:
    """Somebody should look at the other side."""
    broken = wh.map(action, ROWS[:2], transport=FakeTransport(wh.Response(500)), progress=False)

    assert "SendSms, 2 rows; 2 may have been done" in broken._repr_html_()


def results_action() -> wh.Action:
    """An action of the same name."""
    from_sample = wh.message_parameters({"to": "", "text": ""}, variables={"to": "", "text": ""})
    return wh.Action(
        name="SendSms", url_configuration=wh.UrlConfiguration("https://h.example"), message_parameters=from_sample
    )
