"""A batch of an action without a journey: values for each call, its path and its name."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from operator import itemgetter
from typing import Any

import pytest

import wayhook as wh
from wayhook.testing import Answer, FakeTransport, LoopbackService, Received

ROWS = [{"text": f"n{number}"} for number in range(20)]


async def _outcomes(batch: wh.Batch) -> list[wh.Outcome]:
    async with batch:
        return sorted([outcome async for outcome in batch], key=lambda outcome: outcome.index or 0)


async def _arriving() -> AsyncIterator[dict[str, str]]:
    for row in ROWS:
        yield row


@pytest.mark.parametrize("source", [lambda: ROWS, lambda: iter(ROWS), _arriving], ids=["list", "iterator", "async"])
async def test_each_row_is_called_with_its_values(greet: wh.Action, source: Any) -> None:
    """Each row has one outcome, with its place and the request of its values."""
    async with wh.Executor(transport=FakeTransport()) as executor:
        outcomes = await _outcomes(executor.call_each(greet, source(), concurrency=3))

    bodies = [outcome.call.body for outcome in outcomes if outcome.call]
    assert bodies == [f'{{"text":"n{number}"}}'.encode() for number in range(20)]
    assert [outcome.index for outcome in outcomes] == list(range(20))
    assert {(outcome.status, outcome.journey, outcome.label) for outcome in outcomes} == {("http_200", None, None)}


async def test_an_action_is_found_by_its_name(repository: wh.MemoryRepository) -> None:
    """The repository has it, or says that it has none."""
    async with wh.Executor(repository, transport=FakeTransport()) as executor:
        outcomes = await _outcomes(executor.call_each("Greet", ROWS[:2]))
        with pytest.raises(wh.NotFound):
            await _outcomes(executor.call_each("Nobody", ROWS))

    assert [outcome.action for outcome in outcomes] == ["Greet", "Greet"]


@pytest.mark.parametrize(
    "path", [itemgetter("text"), [f"n{number}" for number in range(20)]], ids=["a function", "a list"]
)
async def test_each_row_has_its_path(greet: wh.Action, path: Any) -> None:
    """By a function of the row, or by its place."""
    async with wh.Executor(transport=FakeTransport()) as executor:
        outcomes = await _outcomes(executor.call_each(greet, ROWS, path=path))
        same = await _outcomes(executor.call_each(greet, ROWS[:2], path="all"))

    urls = [outcome.call.url.rpartition("/")[2] for outcome in [*outcomes, *same] if outcome.call]
    assert urls == [*(f"n{number}" for number in range(20)), "all", "all"]


@pytest.mark.parametrize(
    ("rows", "path", "cause"),
    [
        ([7], "", "a row is a mapping by the names of variables, not int"),
        ([{"text": 7}], "", "takes a string, not int"),
        ([{"text": "a", "txt": "b"}], "", "no such variable"),
        ([{"text": "a"}], itemgetter("path"), "unexpected KeyError"),
        ([{"text": "a"}], ["../.."], "path"),
    ],
    ids=["no mapping", "a number", "an unknown name", "a function that fails", "a path that leaves"],
)
async def test_a_row_that_does_not_fit_is_not_called(greet: wh.Action, rows: list[Any], path: Any, cause: str) -> None:
    """Its outcome says why, and the next row is called."""
    transport = FakeTransport()

    async with wh.Executor(transport=transport) as executor:
        outcomes = await _outcomes(executor.call_each(greet, [*rows, {"text": "b", "path": ""}], path=path or ""))

    assert (outcomes[0].status, outcomes[0].delivery) == ("internalError", "refused")
    assert cause in str(outcomes[0].cause)
    assert len(transport.requests) == sum(outcome.succeeded for outcome in outcomes)


async def test_a_row_may_have_a_delivery_id(ping: Any) -> None:
    """By a function of the row, as it was given."""
    rows = [{"order": "a"}, {"order": "b"}]
    action = ping(
        idempotency_header="Key", message_parameters=wh.message_parameters({"order": ""}, variables={"order": ""})
    )

    async with wh.Executor(transport=FakeTransport()) as executor:
        outcomes = await _outcomes(executor.call_each(action, rows, delivery_ids=itemgetter("order")))

    assert [outcome.delivery_id for outcome in outcomes] == ["a", "b"]


@pytest.mark.parametrize("path", [7, None, {"a"}])
async def test_what_is_no_path_is_refused(greet: wh.Action, path: Any) -> None:
    """At once, before anything is called."""
    async with wh.Executor(transport=FakeTransport()) as executor:
        with pytest.raises(wh.DefinitionError, match=r"\$\.path: give a text, a function of a row, or a text for each"):
            executor.call_each(greet, ROWS, path=path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a crew needs sockets that a process can inherit")
async def test_processes_share_the_rows(greet: wh.Action, loopback: wh.Guardrails) -> None:
    """Two processes make the same calls as one, with paths and names; values that do not fit are told alike."""

    def respond(received: Received) -> Answer:
        return Answer(200, {"text": received.json()["text"]})

    rows: list[Any] = [*ROWS, {"text": 7}, "no row"]
    with LoopbackService(respond) as service:
        action = wh.Action(
            name="Greet",
            url_configuration=wh.UrlConfiguration(service.url),
            message_parameters=greet.message_parameters,
            response=wh.payload({"text": ""}),
        )
        names = [f"id-{number}" for number in range(22)]
        async with wh.Executor(guardrails=loopback) as executor:
            batch = executor.call_each(
                action, rows, path=[f"p{number}" for number in range(22)], processes=2, delivery_ids=names
            )
            outcomes = await _outcomes(batch)

    assert [outcome.response for outcome in outcomes[:20]] == ROWS
    assert sorted(received.path for received in service.received) == sorted(f"/p{number}" for number in range(20))
    assert [outcome.delivery_id for outcome in outcomes[:21]] == names[:21]
    assert [outcome.delivery for outcome in outcomes[20:]] == ["refused", "refused"]
