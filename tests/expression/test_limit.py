"""Limits: hostile texts and data end in an error of our own, soon."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

import wayhook as wh

DEEP: dict[str, Any] = {"x": 1}
for _ in range(500):
    DEEP = {"x": DEEP, "l": [DEEP]}
CYCLE: dict[str, Any] = {}
CYCLE["self"] = CYCLE
ROUND: list[Any] = []
ROUND.append(ROUND)


@pytest.mark.parametrize(
    "text",
    [
        "not " * 2_400 + "true",
        "-" * 9_000 + "1",
        "[" * 4_000 + "1" + "]" * 4_000,
        "upper(" * 1_400 + "'a'" + ")" * 1_400,
        "if (true) then (" * 300 + "1" + ") else (2)" * 300,
        "@event{E.l.all(" * 500 + "true" + ")}" * 500,
        "@event{E.l.at(" * 500 + "0" + ")}" * 500,
        "#{S.g.f,params:{a:" * 400 + "1" + "}}" * 400,
        "(1 + " * 1_600 + "1" + ")" * 1_600,
    ],
    ids=["not", "minus", "lists", "calls", "conditionals", "filters", "indexes", "params", "sums"],
)
def test_a_deep_text_is_refused(text) -> None:
    """More than 64 levels are refused with a place, whatever they are made of."""
    with pytest.raises(wh.ExpressionError, match="nested more than 64 levels deep") as caught:
        wh.expression(text)

    assert caught.value.line == 1
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" or ".join(["false"] * 1_000), False),
        (" and ".join(["true"] * 1_100), True),
        ("+".join(["1"] * 5_000), 5_000),
        ("+".join(["'a'"] * 2_500), "a" * 2_500),
        ("(" * 4_000 + "1" + ")" * 4_000, 1),
        ("1" + " " * 9_000, 1),
        ("length('" + "a" * 9_000 + "')", 9_000),
        ("count([" + ",".join(["1"] * 4_000) + "])", 4_000),
    ],
    ids=["or", "and", "sum", "text", "parentheses", "blanks", "characters", "items"],
)
def test_a_long_text_that_is_not_deep_is_evaluated(text, expected) -> None:
    """Length is no depth."""
    assert wh.expression(text).evaluate(wh.Context()) == expected


@pytest.mark.parametrize(
    "text",
    [
        "@event{E.big} == @event{E.big}",
        "distinctCount(@event{E.deeps})",
        "@event{E.deep} == @event{E.deep}",
        "@event{E.cycle} == @event{E.cycle}",
        "@event{E.round} == @event{E.round}",
        "count(@event{E.round})",
        "in(1, @event{E.round})",
        "distinct(@event{E.cycles})",
        "[@event{E.round}]",
        "count(@event{E.big})",
        "@event{E.big.all(true)}",
        "@event{E.wide.l.x}",
        "concat(@event{E.long}, @event{E.long})",
        "@event{E.long} + @event{E.long}",
        "@event{E.long} + 'a' + @event{E.long} + @event{E.long}",
        "replaceAll(@event{E.some}, 'a', @event{E.some})",
        "serializeList(@event{E.longs}, ',', true)",
        "concat(@event{E.longs})",
        "split(@event{E.long}, '')",
        "@event{E.huge} + 1",
        "toString(@event{E.huge})",
        "avg(@event{E.huges})",
        "@event{E.huge} / 2.5",
        "toDateTime(@event{E.huge})",
        "toDuration(@event{E.huge})",
        "nowWithDelta(@event{E.huge}, 'days')",
        "@event{E.nan} + 1",
        "round(@event{E.nan})",
        "toInteger(@event{E.nan})",
        "@event{E.nan} + ''",
        "sum(@event{E.nans})",
    ],
)
def test_hostile_data_is_refused(text) -> None:
    """Lists and texts without measure, values that hold themselves, numbers out of range: each is a wrong type."""
    context = wh.Context(
        {
            "E": {
                "big": [1] * 100_001,
                "wide": [{"l": [{"x": 1}] * 60_000}] * 2,
                "deep": DEEP,
                "deeps": [DEEP, DEEP],
                "cycle": CYCLE,
                "cycles": [CYCLE],
                "round": ROUND,
                "long": "a" * 600_000,
                "longs": ["a" * 600_000] * 2,
                "some": "a" * 2_000,
                "huge": 10**400,
                "huges": [10**400, 1],
                "nan": float("nan"),
                "nans": [float("inf"), 1.0],
            }
        },
        now=datetime(2030, 1, 2, tzinfo=UTC),
    )

    with pytest.raises(wh.WrongType):
        wh.expression(text).evaluate(context)


@pytest.mark.parametrize(
    "condition",
    [
        "count(@event{E.l.all(count(@event{E.l.all(currentEventField.x > 0)}) > 0)}) > 0",
        "in(currentEventField.x, @event{E.l.x})",
        "in(currentEventField.x, @event{E.n})",
        "contain(@event{E.text}, 'b')",
        "matchRegExp(@event{E.words}, '(a+)+b')",
        "@event{E.text} + currentEventField.x == ''",
        "sum(@event{E.n}) > 0",
    ],
)
def test_loops_inside_of_loops_have_a_limit(condition) -> None:
    """However the work is nested, there is an end to it, and the error says so."""
    event = {"l": [{"x": 1}] * 5_000, "n": list(range(5_000)), "text": "a" * 900_000, "words": "a" * 3_000}

    with pytest.raises(wh.WrongType, match="too much work"):
        wh.expression(f"@event{{E.l.all({condition})}}").evaluate(wh.Context({"E": event}))


def test_a_plain_loop_over_a_long_list_is_no_work_to_speak_of() -> None:
    """The longest list may be filtered several times."""
    event = {"l": [{"x": n} for n in range(100_000)]}
    made = wh.expression(
        "count(@event{E.l.all(currentEventField.x > 1)}) + count(@event{E.l.all(currentEventField.x < 1)})"
    )

    assert made.evaluate(wh.Context({"E": event})) == 99_999


def test_each_evaluation_has_its_own_limit() -> None:
    """What one evaluation used is not missing in the next one."""
    event = {"l": [{"x": n} for n in range(50_000)]}
    made = wh.expression("count(@event{E.l.all(currentEventField.x >= 0)})")

    assert {made.evaluate(wh.Context({"E": event})) for _ in range(30)} == {50_000}


def test_no_error_shows_data() -> None:
    """Messages name types and places, never values."""
    event = {"x": "canary", "l": ["canary"], "o": {"canary": 1}}
    context = wh.Context({"E": event}, now=datetime(2030, 1, 2, tzinfo=UTC))

    for text in (
        "@event{E.x} - 1", "upper(@event{E.l})", "@event{E.o} + 1", "toDuration(@event{E.x})", "[@event{E.l}]",
        "@event{E.x, defaultValue: 1}", "if (true) then (@event{E.x}) else (1)", "@event{E.l.at(@event{E.x})}",
        "@event{E.x.all()}", "nowWithDelta(1, @event{E.x})",
    ):  # fmt: skip
        with pytest.raises(wh.WrongType) as caught:
            wh.expression(text).evaluate(
                wh.Context(context.events, now=wh.Context.from_document({"now": "2030-01-02T00:00:00Z"}).now)
            )
        assert "canary" not in str(caught.value)
