"""Earlier answers are data of later activities: `@action{Name.field}` (R182 to R198)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

import wayhook as wh
from wayhook.testing import FakeClock, FakeTransport

FORECAST = {"temp": 31.5, "rain": {"3h": 0.2}, "days": [{"day": "Mon"}, {"day": "Tue"}], "more": "not declared"}


def action(name: str, **parts: Any) -> wh.Action:
    """An action with one variable, a response and a failure response."""
    defaults = {
        "response": wh.payload({"temp": 1.5, "rain": {"3h": 0.1}, "days": [{"day": "x"}]}),
        "failure_response": wh.payload({"reason": "x"}),
    }
    return wh.Action(
        name=name,
        url_configuration=wh.UrlConfiguration("https://api.example.com/v1"),
        message_parameters=wh.message_parameters({"v": "x"}, variables={"v": wh.variable("V", optional=True)}),
        **{**defaults, **parts},
    )


async def played(reply: Any, *expressions: str, first: wh.Action | None = None) -> tuple[Any, ...]:
    """What the second activity sends for each expression, after the first was answered so; and the first outcome."""
    answers = [reply, wh.Response(200)]
    transport = FakeTransport(lambda _: answers[min(len(transport.requests), 2) - 1])
    journey = wh.Journey(
        "Trip",
        [
            wh.ActionActivity("Weather", label="weather"),
            *(wh.ActionActivity("Send", label=text, parameters={"v": wh.expression(text)}) for text in expressions),
        ],
    )
    repository = wh.MemoryRepository()
    await repository.save(first or action("Weather"), action("Send"))
    context = wh.Context({"E": {"a": 1}})
    async with wh.Executor(repository, transport=transport) as executor:
        outcome = await executor.execute(journey, "weather", context)
        for text in expressions:
            await executor.execute(journey, text, context)
    return outcome, [json.loads(request.body or b"null").get("v") for request in transport.requests[1:]]


@pytest.mark.rule("R180", "R184", "R185", "R190", "R193", "R196")
async def test_a_later_activity_reads_the_answer() -> None:
    """Declared fields and the status are there; a missing field is null; what was not declared cannot be read."""
    reply = wh.Response(200, body=json.dumps(FORECAST).encode())

    outcome, sent = await played(
        reply,
        "'' + @action{Weather.temp}",
        "'' + @action{Weather.rain.'3h'}",
        "@action{Weather.jo_status_code}",
        "@action{Weather.more, defaultValue: 'none'}",
        "@action{Weather.errorResponse.reason, defaultValue: 'none'}",
    )

    assert outcome.succeeded
    assert sent == ["31.5", "0.2", "http_200", "none", "none"]


@pytest.mark.rule("R182", "R183", "R185", "R191")
async def test_a_later_activity_reads_why_a_call_failed() -> None:
    """The failure payload stands below `errorResponse`; the fields of a success are null then."""
    _, sent = await played(
        wh.Response(400, body=b'{"reason":"no such city"}'),
        "@action{Weather.errorResponse.reason}",
        "@action{Weather.jo_status_code}",
        "@action{Weather.temp, defaultValue: 'unknown'}",
    )

    assert sent == ["no such city", "http_400", "unknown"]


@pytest.mark.rule("R181")
async def test_without_a_failure_payload_there_is_no_node() -> None:
    """The body of a failed call is not readable unless it was declared."""
    _, sent = await played(
        wh.Response(400, body=b'{"reason":"canary"}'),
        "@action{Weather.errorResponse.reason, defaultValue: 'none'}",
        first=action("Weather", failure_response=()),
    )

    assert sent == ["none"]


@pytest.mark.rule("R184", "R186", "R188")
@pytest.mark.parametrize(
    ("reply", "word"),
    [
        (wh.TransportError("late", wh.Evidence.EXPIRED), "timedout"),
        (wh.TransportError("gone", wh.Evidence.PERMANENT), "internalError"),
        (wh.Response(204), "http_204"),
    ],
)
async def test_the_status_is_always_readable(reply: Any, word: str) -> None:
    """Without an answer, or a payload, there is still the status."""
    _, sent = await played(reply, "@action{Weather.jo_status_code}", first=action("Weather", response=()))

    assert sent == [word]


async def test_each_individual_has_their_own_answers() -> None:
    """Contexts do not share what was recorded, and a mapping that was given stays as it is."""
    given = {"Weather": {"temp": 1}}
    contexts = [wh.Context(actions=given), wh.Context(actions=given)]
    repository = wh.MemoryRepository()
    await repository.save(action("Weather"))
    journey = wh.Journey("Trip", [wh.ActionActivity("Weather", label="weather")])
    transport = FakeTransport(wh.Response(200, body=b'{"temp":7}'))

    async with wh.Executor(repository, transport=transport, clock=FakeClock()) as executor:
        await executor.execute(journey, "weather", contexts[0])

    assert contexts[0].actions["Weather"]["temp"] == 7
    assert contexts[1].actions["Weather"] == {"temp": 1}
    assert given == {"Weather": {"temp": 1}}


@pytest.mark.rule("R197")
async def test_an_answer_is_not_a_cache() -> None:
    """A second execution calls again, and its answer takes the place of the first."""
    numbers = iter(range(10))
    transport = FakeTransport(lambda _: wh.Response(200, body=b'{"temp":%d}' % next(numbers)))
    repository = wh.MemoryRepository()
    await repository.save(action("Weather"))
    journey, context = wh.Journey("Trip", [wh.ActionActivity("Weather", label="weather")]), wh.Context()

    async with wh.Executor(repository, transport=transport, clock=FakeClock()) as executor:
        for _ in range(2):
            await executor.execute(journey, "weather", context)

    assert (len(transport.requests), context.actions["Weather"]["temp"]) == (2, 1)


@pytest.mark.rule("R198")
@pytest.mark.parametrize(("size", "kept"), [(400_000, True), (600_000, False)])
async def test_the_data_of_an_individual_are_bounded(size: int, kept: bool) -> None:  # noqa: FBT001
    """An answer that would take all data above 1 MB is not kept, and the outcome says so; the delivery stands."""
    context = wh.Context({"E": {"text": "x" * 450_000}})
    body = json.dumps({"text": "x" * size}).encode()
    repository = wh.MemoryRepository()
    await repository.save(action("Weather", response=wh.payload({"text": "x"})))
    journey = wh.Journey("Trip", [wh.ActionActivity("Weather", label="weather")])

    async with wh.Executor(repository, transport=FakeTransport(wh.Response(200, body=body))) as executor:
        outcome = await executor.execute(journey, "weather", context)

    assert outcome.status == "http_200"
    assert ("text" in context.actions["Weather"]) == kept
    assert context.actions["Weather"]["jo_status_code"] == "http_200"
    assert [("R198" in fault) for fault in outcome.response_faults] == ([] if kept else [True])
    assert (outcome.response is not None) == kept


@pytest.mark.rule("R198")
@pytest.mark.parametrize("answer", [{"text": "😀" * 100, "n": 1}, {"list": [None, True, -1.5e300] * 30, "n": 2**60}])
def test_small_answers_add_up(answer: dict[str, Any]) -> None:
    """Small answers are not measured to the byte one by one, and the bound holds to the byte all the same."""
    context = wh.Context({"E": {"text": "x" * 900_000}})

    for number in range(1_000):
        data = [context.events, {}, context.actions, {f"A{number}": answer}]
        size = len(json.dumps(data))
        if not context.record(f"A{number}", answer):
            assert size > 1_000_000 - 100
            break
        assert size <= 1_000_000 + 100
    else:
        pytest.fail("nothing was refused")


async def test_an_expression_has_the_current_time() -> None:
    """Where the context brings no time, the clock of the executor gives it: in a preview and in a call alike."""
    clock, transport = FakeClock(), FakeTransport()
    action = wh.Action(
        name="Tell",
        url_configuration=wh.UrlConfiguration("https://h.example/v1"),
        message_parameters=wh.message_parameters({"at": "x"}, variables={"at": "At"}),
    )
    journey = wh.Journey("J", [wh.ActionActivity("Tell", label="a", parameters={"at": wh.expression("'' + now()")})])
    repository = wh.MemoryRepository()
    await repository.save(action)

    async with wh.Executor(repository, transport=transport, clock=clock) as executor:
        shown = await executor.preview(journey, "a", wh.Context())
        context = wh.Context()
        await executor.execute(journey, "a", context)
        await executor.execute(journey, "a", wh.Context(now=datetime(2031, 5, 6, tzinfo=UTC)))

    bodies = [shown.body, *(request.body for request in transport.requests)]
    assert [body[:16] for body in bodies] == [b'{"at":"2030-01-0'] * 2 + [b'{"at":"2031-05-0']
    assert "Tell" in context.actions
    assert context.now is None


def _holding_itself() -> dict[str, Any]:
    data: dict[str, Any] = {}
    data["self"] = data
    return data


def _deep() -> dict[str, Any]:
    data: dict[str, Any] = {}
    for _ in range(5000):
        data = {"below": data}
    return data


@pytest.mark.rule("R198")
@pytest.mark.parametrize("data", [_holding_itself(), _deep(), {"n": 10**5000}], ids=["itself", "deep", "digits"])
async def test_data_without_a_size_take_no_answer_and_end_no_batch(data: Any) -> None:
    """Data that JSON cannot hold are above any limit: the delivery stands, and the others of the batch go on."""
    repository = wh.MemoryRepository()
    await repository.save(action("Weather"))
    journey = wh.Journey("Trip", [wh.ActionActivity("Weather", label="weather")])
    contexts = [wh.Context({"E": data}), wh.Context({"E": {("a", "b"): 1}}), wh.Context()]

    transport = FakeTransport(wh.Response(200, body=b'{"temp":7}'))
    async with (
        wh.Executor(repository, transport=transport) as executor,
        executor.batch(journey, "weather", contexts, concurrency=1) as batch,
    ):
        outcomes = [outcome async for outcome in batch]

    assert [outcome.status for outcome in outcomes] == ["http_200"] * 3
    assert [context.actions["Weather"].get("temp") for context in contexts] == [None, 7, 7]
