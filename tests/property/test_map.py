"""A map pairs rows with outcomes: whatever the rows, the concurrency and the failures, each outcome is its row's."""

from __future__ import annotations

import asyncio
from typing import Any

import pandas as pd
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

import wayhook as wh
from wayhook.testing import FakeTransport

ACTION = wh.Action(
    name="A",
    url_configuration=wh.UrlConfiguration("https://h.example/", method="PUT"),
    message_parameters=wh.message_parameters({"n": 1}, variables={"n": "Number"}),
    response=wh.payload({"n": 1}),
    failure_response=wh.payload({"n": 1}),
)
FATES = st.sampled_from([200, 202, 404, 422, 500, "broken", "odd"])


class Fickle(FakeTransport):
    """Answers each number with its fate, after as many turns of the loop as its `turns` say."""

    def __init__(self, fates: list[Any], turns: list[int]) -> None:
        super().__init__()
        self.fates, self.turns = fates, turns

    async def send(self, request: wh.Request, deadline: float) -> wh.Response:
        await super().send(request, deadline)
        number = int((request.body or b"")[5:-1])
        for _ in range(self.turns[number]):
            await asyncio.sleep(0)
        match self.fates[number]:
            case "broken":
                raise wh.TransportError("it broke", wh.Evidence.PERMANENT)
            case "odd":
                raise ZeroDivisionError
            case status:
                return wh.Response(status, body=b'{"n":%d}' % number)


def _numbers(results: wh.Results) -> list[int | None]:
    """Which rows' values were sent; the place where an outcome has no call, since something odd happened."""
    bodies = [outcome.index if outcome.call is None else (outcome.call.body or b"")[5:-1] for outcome in results]
    return [None if body is None else int(body) for body in bodies]


@st.composite
def _tables(draw: st.DrawFn) -> tuple[list[Any], list[int], Any]:
    fates = draw(st.lists(FATES, max_size=30))
    turns = draw(st.lists(st.integers(0, 5), min_size=len(fates), max_size=len(fates)))
    kind = draw(st.sampled_from([list, iter, pd.DataFrame, pl.DataFrame]))
    rows = [{"Number": number} for number in range(len(fates))]
    return fates, turns, kind(rows) if rows or kind is not pl.DataFrame else pl.DataFrame({"Number": []})


RAILS = wh.Guardrails.standard()


@given(_tables(), st.integers(1, 40))
def test_each_outcome_belongs_to_its_row(table: tuple[list[Any], list[int], Any], concurrency: int) -> None:
    """In order, with its own values, answer and fate; views, slices and a retry keep the pairs."""
    fates, turns, rows = table
    transport = Fickle(fates, turns)

    results = wh.map(ACTION, rows, transport=transport, concurrency=concurrency, guardrails=RAILS, progress=False)

    numbers = list(range(len(fates)))
    assert [outcome.index for outcome in results] == numbers == _numbers(results)
    for number, (fate, outcome) in enumerate(zip(fates, results, strict=True)):
        assert outcome.status == (f"http_{fate}" if isinstance(fate, int) else "internalError")
        assert outcome.response == ({"n": number} if isinstance(fate, int) else None)
    good = [number for number in numbers if fates[number] in (200, 202)]
    assert _numbers(results.succeeded) == good
    assert _numbers(results.failed) == [number for number in numbers if number not in good]
    assert _numbers(results[1::2]) == numbers[1::2]

    fates[:] = [200] * len(fates)
    sent = len(transport.requests)
    again = results.retry()
    assert [outcome.index for outcome in again] == numbers == _numbers(again)
    assert [number for number in numbers if again[number] is results[number]] == good
    assert len(transport.requests) == sent + len(fates) - len(good)
    assert len(again.failed) == 0
