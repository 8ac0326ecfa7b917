"""Effort: one evaluation does at most so much work, and pays before it does it. Counted in units, not by a clock."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wayhook as wh
from wayhook.expression.effort import FREE, MAX_WORK, Frame, Uncounted, spend
from wayhook.expression.fault import Fault
from wayhook.values import Misfit

MIB = 1_048_576


def shared() -> Any:
    """Thirty times thirty, six times: few objects that count as many."""
    value: dict[str, Any] = {"x": 1}
    for _ in range(6):
        value = {"x": 1, "l": [value] * 30}
    return value


EVENT = {
    "long": "a" * 2_000_000,
    "some": "a" * 300_000,
    "shared": shared(),
    "other": shared(),
    "many": [shared()] * 1_000,
    "l": [{"id": i, "x": "abc"} for i in range(100_000)],
    "huge": 10**100_000,
}


def used(text: str, **event: Any) -> int:
    """The units that an evaluation takes."""
    frame = Frame(wh.Context({"E": event}))
    wh.expression(text).closure(frame)
    return MAX_WORK - frame.left


def peak(run: Callable[[], object]) -> float:
    """The most MiB that are taken at one moment."""
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1] / MIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "text",
    [
        "@event{E.long} + @event{E.long}",
        "concat(@event{E.long}, @event{E.long})",
        "replaceAll(@event{E.long}, '[a-z]', '<$0>')",
        "matchRegExp(@event{E.some}, '(a+)+b')",
        "matchRegExp(@event{E.some}, '.*a.*b.*c.*d')",
        "@event{E.shared} == @event{E.other}",
        "distinct(@event{E.many})",
        "count(@event{E.l.all(count(@event{E.l.all(currentEventField.id > 5)}) > 5)})",
        "count(@event{E.l.all(upper(@event{E.some}) == '')})",
        "count(@event{E.l.all(@event{E.some} + currentEventField.id != '')})",
        "@event{E.huge} * @event{E.huge}",
        "split(@event{E.long}, '')",
    ],
)
def test_hostile_work_is_refused_without_memory(text, refused) -> None:
    """Whatever is large is refused before it is made; what the value itself takes is not counted."""
    wh.expression(text)

    assert peak(lambda: refused(text, **EVENT)) < 16


def test_small_work_is_not_counted() -> None:
    """An expression over small values needs no frame, and a large one asks for it."""
    expression = wh.expression("upper(@event{E.v})")

    assert expression.closure(wh.Context({"E": {"v": "a"}})) == "A"
    with pytest.raises(Uncounted):
        expression.closure(wh.Context({"E": {"v": "a" * 100_000}}))


def test_the_last_unit_may_be_spent_and_no_more() -> None:
    """Both sides of the maximum, and of what is free where nothing is counted."""
    frame = Frame(wh.Context())
    spend(frame, MAX_WORK)
    with pytest.raises(Misfit, match="too much work"):
        spend(frame, 1)

    spend(wh.Context(), FREE)
    with pytest.raises(Uncounted):
        spend(wh.Context(), FREE + 1)


@pytest.mark.parametrize(
    ("text", "make"),
    [
        ("upper(@event{E.v})", lambda size: "a" * size),
        ("sum(@event{E.v})", lambda size: [1] * size),
        ("count(@event{E.v.all(currentEventField.id > 5)})", lambda size: [{"id": 1}] * size),
    ],
    ids=["text", "list", "loop"],
)
def test_work_grows_with_sizes(text, make) -> None:
    """Twice as large is about twice the work."""
    once, twice = used(text, v=make(10_000)), used(text, v=make(20_000))

    assert once > 0
    assert 1.8 < twice / once < 2.2


def test_a_loop_is_paid_for_before_its_first_round(value, refused) -> None:
    """A list that the maximum is enough for is looped over, and a slightly longer one is refused."""
    text = "count(@event{E.v.all(currentEventField.id + 1 > 5 and currentEventField.id + 2 > 5)})"
    each = (used(text, v=[{"id": 1}] * 20_000) - used(text, v=[{"id": 1}] * 10_000)) / 10_000
    fits = int(MAX_WORK / each)

    assert value(text, v=[{"id": 1}] * (fits - 100)) == 0
    assert "needs too much work" in refused(text, v=[{"id": 1}] * (fits + 100))


def test_a_long_row_that_varies_is_evaluated(value) -> None:
    """However many operators stand in a row, they do not nest."""
    assert value("@event{E.v}" + "-1" * 3_000, v=3_000) == 0


@given(st.integers(0, 300_000), st.integers(1, 12))
def test_no_evaluation_does_more_than_it_may(size: int, times: int) -> None:
    """The count never passes the maximum by more than the step that is refused, which is not done."""
    event = {"v": "a" * size, "l": [1] * (size // 3)}
    frame = Frame(wh.Context({"E": event}))
    text = " + ".join(["length(upper(@event{E.v})) + sum(@event{E.l})"] * times)
    step = max(used("length(upper(@event{E.v}))", **event), used("sum(@event{E.l})", **event))

    try:
        wh.expression(text).closure(frame)
    except Fault as fault:
        assert "needs too much work" in fault.message  # noqa: PT017 - one of two right answers
        assert -step <= frame.left < 0
    else:
        assert frame.left >= 0


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"event": {"E": shared()}, "types": {"event.E.l.l.l.l.l.l.x": "decimal"}}, "values are read"),
        ({"event": {"E": {"x": ["a"] * 90_000}}, "types": {"event.E.x": "listInteger"}}, "the first 1,000 faults"),
        ({"event": {"E": {"x": [1] * 100_001}}, "types": {"event.E.x": "listDecimal"}}, "values are read"),
        ({"types": {f"event.E.x{i}": "decimal" for i in range(10_001)}}, "10,000 types"),
        ({"types": {"event." + "a." * 10_000_000 + "x": "decimal"}}, "1,000 characters"),
        ({"datasource_params": [{"source": "S", "params": {}, "data": 1}] * 10_001}, "10,000 answers"),
        ({f"k{i}": 1 for i in range(100_000)}, "take this out"),
    ],
    ids=["shared", "wrong", "long", "types", "path", "answers", "keys"],
)
def test_a_document_without_measure_is_refused(document, message) -> None:
    """Faults are named up to a number, and nothing is read to its end."""

    def read() -> None:
        with pytest.raises(wh.DefinitionError, match=message) as caught:
            wh.Context.from_document(document)
        assert len(caught.value.violations) <= 1_001

    assert peak(read) < 16


def test_a_document_up_to_its_limits_is_read() -> None:
    """The accepting side of each limit."""
    document = {
        "event": {"E": {"x": [1] * 99_990}},
        "types": {"event.E.x": "listDecimal", **{f"event.E.y{i}": "decimal" for i in range(9_999)}},
        "datasource_params": [{"source": "S", "params": {}, "data": 1}] * 10_000,
    }

    context = wh.Context.from_document(document)

    assert type(context.events["E"]["x"][-1]) is float
    assert len(context.answers) == 10_000


@pytest.mark.parametrize(
    "sample",
    [shared(), {"l": [1] * 10_000}, {f"f{i}": 1 for i in range(10_001)}, '{"a": "' + "a" * 1_000_000 + '"}'],
    ids=["shared", "items", "fields", "text"],
)
def test_a_sample_without_measure_is_refused(sample) -> None:
    """More than 10,000 fields and items, or 1,000,000 characters, are no sample."""

    def infer() -> None:
        with pytest.raises(wh.DefinitionError, match="a sample has at most"):
            wh.message_parameters(sample)

    assert peak(infer) < 16


def test_a_sample_up_to_its_limit_is_inferred() -> None:
    """The list and its items are 10,000 parts."""
    (parameter,) = wh.message_parameters({"l": [1] * 9_999})

    assert len(parameter.parameters) == 9_999
