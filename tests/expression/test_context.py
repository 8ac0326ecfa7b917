"""The context: the data that expressions read."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wayhook as wh


def test_a_document_names_the_parts_as_the_language_does() -> None:
    """`event`, `datasource`, `action`, `journey` and `now` become the fields of a context."""
    context = wh.Context.from_document(
        {
            "event": {"Order": {"id": 1}},
            "datasource": {"Shop": {"g": {"f": 2}}},
            "action": {"Loyalty": {"points": 3}},
            "journey": {"externalKey": "k"},
            "now": "2030-01-02T03:04:05Z",
        }
    )

    assert context == wh.Context(
        {"Order": {"id": 1}},
        data_sources={"Shop": {"g": {"f": 2}}},
        actions={"Loyalty": {"points": 3}},
        journey={"externalKey": "k"},
        now=datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC),
    )
    assert wh.Context.from_document({}) == wh.Context()


def test_a_document_may_hold_the_time_itself() -> None:
    """A date and time, as YAML and other readers give one, is taken as it is; null is no time."""
    now = datetime(2030, 1, 2, tzinfo=UTC)

    assert wh.Context.from_document({"now": now}).now == now
    assert wh.Context.from_document({"now": None}).now is None


def test_every_part_of_a_document_has_its_place() -> None:
    """Look-ups, audiences and answers of data sources that were asked with parameters are read too."""
    context = wh.Context.from_document(
        {
            "datasetLookup": {"L": {"entity": {"tier": "gold"}}},
            "audience": {"vip": "realized"},
            "datasource_params": [{"source": "Weather.main", "params": {"city": "Oslo"}, "data": {"temp": 3}}],
        }
    )

    assert wh.expression("@datasetLookup{L.entity.tier}").evaluate(context) == "gold"
    assert wh.expression("inAudience('vip')").evaluate(context) is True
    assert wh.expression("#{Weather.main.temp, params: {city: 'Oslo'}}").evaluate(context) == 3
    assert repr(context) == "<Context: dataset_lookups L; audiences vip>"


TYPED = {
    "event.E.created": "dateTime",
    "event.E.epoch": "dateTime",
    "event.E.local": "dateTimeOnly",
    "event.E.day": "dateOnly",
    "event.E.length": "duration",
    "event.E.price": "decimal",
    "event.E.count": "integer",
    "event.E.days": "listDateOnly",
    "event.E.also": "dateOnly",
    "event.E.rows.at": "dateTime",
    "event.E.map.Email.seen": "dateOnly",
    'event.E."a.b"': "dateOnly",
    "datasource.Weather.main.at": "dateTime",
    "action.A.at": "dateOnly",
    "journey.started": "dateTime",
}


def test_declared_types_make_dates_of_texts() -> None:
    """In every part, below lists and maps; nulls stay, and what is not declared stays as it is."""
    context = wh.Context.from_document(
        {
            "event": {
                "E": {
                    "created": "2030-01-02T03:04:05+01:00", "epoch": 0, "local": "2030-01-02T03:04",
                    "day": "2030-01-02", "length": "PT1H", "price": 3, "count": 3.0, "days": ["2030-01-02", None],
                    "also": ["2030-01-02"],
                    "rows": [{"at": "2030-01-02T00:00:00Z"}, {"at": None}, {}], "other": "2030-01-02",
                    "map": {"Email": [{"seen": "2030-01-02"}]}, "a.b": "2030-01-02",
                }
            },
            "datasource_params": [
                {"source": "Weather.main", "params": {}, "data": {"at": "2030-01-02T00:00:00Z"}},
                {"source": "Weather", "params": {}, "data": {"main": {"at": "2030-01-02T00:00:00Z"}}},
            ],
            "action": {"A": {"at": "2030-01-02"}},
            "journey": {"started": "2030-01-02T00:00:00Z"},
            "types": TYPED,
        }
    )  # fmt: skip

    event, day, midnight = context.events["E"], date(2030, 1, 2), datetime(2030, 1, 2, tzinfo=UTC)
    assert event["created"].isoformat() == "2030-01-02T03:04:05+01:00"
    assert event["epoch"] == datetime(1970, 1, 1, tzinfo=UTC)
    assert event["local"].isoformat() == "2030-01-02T03:04:00"
    assert event["day"] == event["a.b"] == day
    assert event["length"] == timedelta(hours=1)
    assert (type(event["price"]), type(event["count"])) == (float, int)
    assert event["days"] == [day, None]
    assert event["also"] == [day]
    assert event["rows"] == [{"at": midnight}, {"at": None}, {}]
    assert event["other"] == "2030-01-02"
    assert event["map"] == {"Email": [{"seen": day}]}
    assert [answer.data for answer in context.answers] == [{"at": midnight}, {"main": {"at": midnight}}]
    assert context.actions == {"A": {"at": day}}
    assert context.journey == {"started": midnight}


@pytest.mark.rule("R192")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@event{E.price, defaultValue: 1}", 1.0),
        ("@event{E.count, defaultValue: 1}", 1),
        ("@event{E.'a.b', defaultValue: date('2030-01-02')}", date(2030, 1, 2)),
        ("@event{E.days, defaultValue: [date('2030-01-02')]}", [date(2030, 1, 2)]),
        ("@event{E.rows.at, defaultValue: [date('2030-01-02T00:00:00Z')]}", [datetime(2030, 1, 2, tzinfo=UTC)]),
        ("@event{E.rows.first().at, defaultValue: date('2030-01-02T00:00:00Z')}", datetime(2030, 1, 2, tzinfo=UTC)),
        ("@event{E.undeclared, defaultValue: 1}", 1),
        ("@event{E.price, defaultValue: @event{E.none}}", None),
        ("@event{E.price, defaultValue: 'x'}", "(R192)"),
        ("@event{E.count, defaultValue: 1.5}", "(R192)"),
        ("@event{E.created, defaultValue: date('2030-01-02')}", "(R192)"),
        ("@event{E.rows.first().at, defaultValue: 'x'}", "(R192)"),
    ],
)
def test_a_default_has_the_type_that_its_field_is_declared_with(text: str, expected: Any) -> None:
    """Also where the field is absent; an integer becomes a decimal for a decimal field."""
    context = wh.Context.from_document({"event": {"E": {}}, "types": TYPED})

    if expected == "(R192)":
        with pytest.raises(wh.WrongType, match=r"\(R192\)"):
            wh.expression(text).evaluate(context)
    else:
        found = wh.expression(text).evaluate(context)
        assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("created", "2030-01-02T03:04:05"),
        ("created", "tomorrow"),
        ("created", True),
        ("local", "2030-01-02T03:04:05Z"),
        ("day", "2030-01-02T00:00:00Z"),
        ("day", 7),
        ("length", "1 hour"),
        ("price", "3"),
        ("price", 10**400),
        ("count", 3.5),
        ("count", True),
        ("days", ["no"]),
        ("rows", [{"at": "canary"}]),
    ],
)
def test_data_without_its_declared_type_is_refused_by_its_path(field: str, value: Any) -> None:
    """The path and the type are told, the value is not."""
    with pytest.raises(wh.DefinitionError, match=rf"\$\.event\.E\.{field}\S*: the field is declared as") as caught:
        wh.Context.from_document({"event": {"E": {field: value}}, "types": TYPED})

    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("document", "paths"),
    [
        ({"events": {}, "event": {}, "extra": 1}, ["$.events", "$.extra"]),
        ({"now": "tomorrow"}, ["$.now"]),
        ({"event": None}, ["$.event"]),
        ({"datasource": []}, ["$.datasource"]),
        ({"action": "text"}, ["$.action"]),
        ({"now": 7}, ["$.now"]),
        ({"now": "2030-01-02T03:04:05"}, ["$.now"]),
        ({"types": []}, ["$.types"]),
        ({"types": {"event.E.x": "no", "E.x": "string"}}, ["$.types.event.E.x", "$.types.E.x"]),
        ({"datasource_params": {}}, ["$.datasource_params"]),
        ({"datasource_params": [{"source": "S", "params": {}}]}, ["$.datasource_params[0]"]),
        ({"datasource_params": [{"source": 1, "params": {}, "data": {}}]}, ["$.datasource_params[0]"]),
        ({"audience": []}, ["$.audience"]),
    ],
)
def test_a_document_that_does_not_fit_is_refused_by_the_keys_it_has(document: dict[str, Any], paths: list[str]) -> None:
    """Every unknown key and every value of a wrong type is named by the document's own key."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.Context.from_document(document)

    assert [violation.path for violation in caught.value.violations] == paths


@pytest.mark.parametrize("given", [None, 5, [], "text"], ids=lambda given: type(given).__name__)
def test_a_part_of_a_context_is_a_mapping(given: object) -> None:
    """Anything else is refused with its type."""
    with pytest.raises(wh.DefinitionError, match=rf"\$\.actions: .* not {type(given).__name__}"):
        wh.Context(actions=given)  # type: ignore[arg-type]


def test_a_context_shows_names_and_no_data() -> None:
    """`repr` tells what is there, never what it holds: contexts are personal data."""
    context = wh.Context({"Order": {"phone": "+33600000000"}}, actions={"Loyalty": {"points": 3}})

    assert repr(context) == "<Context: events Order; actions Loyalty>"
    assert repr(wh.Context()) == "<Context: empty>"


class Counted(dict[str, Any]):
    """An object that knows how often it was written as JSON."""

    written = 0

    def items(self) -> Any:
        """What JSON is written from."""
        self.written += 1
        return super().items()


@pytest.mark.rule("R198")
def test_answer_after_answer_does_not_measure_everything_again() -> None:
    """What was measured for the first answer is not written for the next ones, far below the limit."""
    event = Counted(x="y")
    context = wh.Context({"E": event})

    assert all(context.record(f"A{i}", {"n": i, "jo_status_code": "http_200"}) for i in range(50))
    assert event.written == 1


@pytest.mark.rule("R197", "R198")
def test_an_answer_in_the_place_of_another_is_counted_once() -> None:
    """The same action may answer for ever; what all data are together decides, not what they ever were."""
    context, answer = wh.Context(), {"text": "x" * 400_000, "jo_status_code": "http_200"}

    assert all(context.record("A", dict(answer)) for _ in range(10))
    assert context.record("B", answer)
    assert not context.record("C", answer)
    assert not context.record("C", answer)
    assert list(context.actions) == ["A", "B"]
    assert context.record("C", {"text": "short", "jo_status_code": "http_200"})


class Iterated(list[Any]):
    """A list that counts what is taken out of it."""

    seen = 0

    def __iter__(self) -> Iterator[Any]:
        for item in super().__iter__():
            self.seen += 1
            yield item


def _shared() -> tuple[Iterated, Any]:
    """Three hundred to the third values, in three lists; the innermost one."""
    inner = Iterated([1] * 300)
    value: Any = inner
    for _ in range(2):
        value = [value] * 300
    return inner, value


def test_a_size_beyond_the_limit_is_found_before_all_is_written() -> None:
    """Data that is large, shared or holds itself is measured as far as the limit goes, in little memory (P47, R198)."""
    inner, shared = _shared()
    wide, cyclic = [1] * 3_000_000, dict[str, Any]()
    cyclic["self"] = [cyclic] * 100
    hostile = [shared, wide, cyclic, ["a" * 900_000] * 1_000, {"k" * 20_000_000: 1}, b"a" * 20_000_000]

    tracemalloc.start()
    recorded = [wh.Context({"E": {"v": value}}).record("A", {"a": 1, "b": 2}) for value in hostile]
    recorded += [wh.Context().record("A", {"a": value, "b": 2}) for value in hostile]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert recorded == [False] * len(hostile) * 2
    assert peak < 32 * 1_048_576
    assert inner.seen <= 2 * 1_000_000


def test_a_size_within_the_limit_is_that_of_the_json() -> None:
    """What is measured first refuses nothing that is small enough as JSON."""
    for value in ([1] * 333_000, [""] * 249_000, ["a" * 98] * 9_700, {str(i): i % 10 for i in range(80_000)}):
        size = len(json.dumps(({"E": {"v": value}}, {}, {}, {"a": 1, "b": 2})))

        assert wh.Context({"E": {"v": value}}).record("A", {"a": 1, "b": 2}) is (size <= 1_000_000)
        assert size > 900_000


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=8), below, max_size=4),
    max_leaves=12,
)


@pytest.mark.rule("R198")
@settings(max_examples=25)
@given(VALUES)
def test_the_limit_is_kept_to_the_byte(value: Any) -> None:
    """Whatever the data hold, the last byte of 1 MB as JSON is allowed and the next one is not."""
    answer = {"a": 1, "b": 2}
    room = 1_000_000 - len(json.dumps(({"E": {"v": value, "pad": ""}}, {}, {}, answer)))

    assert wh.Context({"E": {"v": value, "pad": "x" * room}}).record("A", dict(answer))
    assert not wh.Context({"E": {"v": value, "pad": "x" * (room + 1)}}).record("A", dict(answer))
