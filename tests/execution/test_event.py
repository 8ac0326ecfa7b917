"""What event sinks hear, and that they harm nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wayhook as wh
from wayhook.testing import FakeClock, FakeSecrets, FakeTransport, RecordingSink

Make = Callable[..., wh.Action]


async def test_every_attempt_and_end_is_heard(ping: Make, clock: FakeClock) -> None:
    """A sink hears each attempt as it ends, with the call, and then the outcome that the caller gets."""
    sink, transport = RecordingSink(), FakeTransport([wh.Response(500), wh.Response(201)])

    async with wh.Executor(transport=transport, clock=clock, events=[sink]) as executor:
        outcome = await executor.call(ping("PUT"))

    attempts = [event for event in sink.events if isinstance(event, wh.AttemptEnded)]
    assert tuple(event.attempt for event in attempts) == outcome.attempts
    assert [(event.call, event.action, event.delivery_id) for event in attempts] == [
        (outcome.call, "Ping", outcome.delivery_id)
    ] * 2
    assert sink.outcomes == [outcome]
    assert sink.events[-1] == wh.ExecutionEnded(outcome)


async def test_a_repeat_and_its_wait_are_heard(ping: Make, clock: FakeClock) -> None:
    """Between two attempts a sink hears that one will follow, when and after which failure, and how long that took."""
    sink, transport = RecordingSink(), FakeTransport([wh.Response(500), wh.Response(201)])

    async with wh.Executor(transport=transport, clock=clock, random=lambda: 0.5, events=[sink]) as executor:
        outcome = await executor.call(ping("PUT"))

    [retrying, waited] = sink.events[1:3]
    which = {"action": "Ping", "delivery_id": outcome.delivery_id}
    assert retrying == wh.Retrying(outcome.attempts[0], 0.05, **which)
    assert waited == wh.Waited("backoff", 0.05, "https://api.example.com", **which)


async def test_a_pause_is_heard_of_who_makes_it_and_who_keeps_it(ping: Make, clock: FakeClock) -> None:
    """A destination that asks for time is one event, and each wait for its end is one of the call that waits."""
    asks = wh.Response(429, (("retry-after", "2"),))
    sink, transport = RecordingSink(), FakeTransport([asks, wh.Response(500)])

    async with wh.Executor(transport=transport, clock=clock, random=lambda: 0.0, events=[sink]) as executor:
        asked = await executor.call(ping(), timeout=1.5)
        waits = await executor.call(ping())

    assert (asked.status, len(asked.attempts)) == ("http_429", 1)
    [paused] = [event for event in sink.events if isinstance(event, wh.Paused)]
    first = {"action": "Ping", "delivery_id": asked.delivery_id}
    assert paused == wh.Paused("https://api.example.com", 2.0, 429, asked=True, **first)
    waited = next(event for event in sink.events if isinstance(event, wh.Waited))
    assert (waited.reason, waited.seconds, waited.delivery_id) == ("pause", 2.0, waits.delivery_id)


async def test_a_pause_that_nobody_asked_for_is_heard_as_such(ping: Make, clock: FakeClock) -> None:
    """A 503 without a time holds everybody back as long as its own repeat."""
    sink, transport = RecordingSink(), FakeTransport([wh.Response(503), wh.Response(200)])

    async with wh.Executor(transport=transport, clock=clock, random=lambda: 0.5, events=[sink]) as executor:
        await executor.call(ping())

    [paused] = [event for event in sink.events if isinstance(event, wh.Paused)]
    assert (paused.seconds, paused.status, paused.asked) == (0.15, 503, False)


async def test_an_edition_without_pauses_tells_of_none(ping: Make, clock: FakeClock) -> None:
    """What holds nobody back is no pause."""
    sink, transport = RecordingSink(), FakeTransport([wh.Response(503), wh.Response(200)])
    rails = attrs.evolve(wh.Guardrails.standard(), destination_pauses=False)

    async with wh.Executor(transport=transport, clock=clock, events=[sink], guardrails=rails) as executor:
        await executor.call(ping())

    assert not [event for event in sink.events if isinstance(event, wh.Paused)]


async def test_a_queue_is_heard(ping: Make, clock: FakeClock) -> None:
    """A call that waited for a place below a limit says so; one that did not, does not."""
    limiter = wh.WindowLimiter([wh.ThrottlingRule("https://api.example.com/*", ["POST"], 1)], clock=clock)
    sink = RecordingSink()

    async with wh.Executor(transport=FakeTransport(), clock=clock, limiter=limiter, events=[sink]) as executor:
        await executor.call(ping())
        second = await executor.call(ping())

    [waited] = [event for event in sink.events if isinstance(event, wh.Waited)]
    assert (waited.reason, waited.seconds, waited.delivery_id) == ("queue", second.queued, second.delivery_id)
    assert second.queued == 1.0


async def test_a_call_above_a_cap_is_heard(ping: Make, clock: FakeClock) -> None:
    """A refused call is heard before its outcome."""
    limiter = wh.WindowLimiter([wh.CappingRule("https://api.example.com/*", wh.Rating(1, 1000))], clock=clock)
    sink = RecordingSink()

    async with wh.Executor(transport=FakeTransport(), clock=clock, limiter=limiter, events=[sink]) as executor:
        await executor.call(ping())
        outcome = await executor.call(ping())

    assert sink.events[-2:] == [
        wh.Capped(str(outcome.cause), "https://api.example.com", action="Ping", delivery_id=outcome.delivery_id),
        wh.ExecutionEnded(outcome),
    ]


AUTHORIZATION = wh.CustomAuthorization(
    "https://auth.example.com/token",
    body_type="form",
    body_params={"client_secret": wh.secret("env:SHOP")},
    token_in_response="response",
)


async def test_the_attempts_of_a_token_call_are_heard(ping: Make, clock: FakeClock) -> None:
    """Each is an event of the execution that asked, with the call masked; its repeats and waits are heard as well."""
    sink, secrets = RecordingSink(), FakeSecrets({"env:SHOP": "canary"})
    transport = FakeTransport([wh.Response(500), wh.Response(200, body=b"a-token"), wh.Response(200)])

    async with wh.Executor(
        transport=transport, secrets=secrets, clock=clock, random=lambda: 0.5, events=[sink]
    ) as executor:
        outcome = await executor.call(ping(authentication=AUTHORIZATION))

    first, retrying, waited, second, attempt, _ = sink.events
    assert isinstance(first, wh.TokenAttemptEnded)
    assert isinstance(second, wh.TokenAttemptEnded)
    assert [first.attempt.status, second.attempt.status] == [500, 200]
    assert {first.delivery_id, second.delivery_id, attempt.delivery_id} == {outcome.delivery_id}
    assert (first.call.url, first.call.body, first.action) == (AUTHORIZATION.endpoint, b"client_secret=***", "Ping")
    assert second.finished == clock.now()
    assert (retrying.attempt, retrying.seconds, waited.reason) == (first.attempt, 0.05, "backoff")
    assert waited.destination == "https://auth.example.com"
    assert "canary" not in repr(sink.events)


async def test_a_check_of_an_authentication_is_heard(ping: Make, clock: FakeClock) -> None:
    """A token call that belongs to no execution is heard in the name of the action."""
    sink, secrets = RecordingSink(), FakeSecrets({"env:SHOP": "canary"})
    transport = FakeTransport(wh.Response(200, body=b"a-token"))

    async with wh.Executor(transport=transport, secrets=secrets, clock=clock, events=[sink]) as executor:
        await executor.check_authentication(ping(authentication=AUTHORIZATION))

    [event] = sink.events
    assert isinstance(event, wh.TokenAttemptEnded)
    assert (event.action, event.delivery_id, event.attempt.status) == ("Ping", "", 200)


async def test_a_repeat_with_a_new_token_is_heard(ping: Make, clock: FakeClock) -> None:
    """After a 401 the call is repeated at once."""
    sink, secrets = RecordingSink(), FakeSecrets({"env:SHOP": "canary"})
    token = wh.Response(200, body=b"a-token")
    transport = FakeTransport([token, wh.Response(401), token, wh.Response(200)])

    async with wh.Executor(transport=transport, secrets=secrets, clock=clock, events=[sink]) as executor:
        outcome = await executor.call(ping(authentication=AUTHORIZATION))

    [retrying] = [event for event in sink.events if isinstance(event, wh.Retrying)]
    assert (retrying.attempt, retrying.seconds) == (outcome.attempts[0], 0.0)


class Holding:
    """A transport that does not answer before it is cut off. `begun`: whether it was asked."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()

    async def send(self, request: wh.Request, deadline: float) -> wh.Response:
        self.begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def aclose(self) -> None:
        """Nothing is open."""


async def test_an_attempt_that_the_deadline_cuts_off_is_heard(ping: Make) -> None:
    """What has no end of its own has one all the same."""
    sink = RecordingSink()

    async with wh.Executor(transport=Holding(), events=[sink], guardrails=short()) as executor:
        outcome = await executor.call(ping())

    assert outcome.status == "timedout"
    assert [type(event) for event in sink.events] == [wh.AttemptEnded, wh.ExecutionEnded]
    assert sink.events[0].attempt == outcome.attempts[0]


def short() -> wh.Guardrails:
    """An edition whose calls have a twentieth of a second."""
    return attrs.evolve(wh.Guardrails.standard(), timeout_range=(0.05, 30), default_timeout=0.05)


async def test_an_attempt_to_get_a_token_that_is_cut_off_is_heard(ping: Make) -> None:
    """When the last who waits for it is gone, the request ends, and it may have been answered."""
    sink, secrets = RecordingSink(), FakeSecrets({"env:SHOP": "canary"})

    async with wh.Executor(transport=Holding(), secrets=secrets, events=[sink], guardrails=short()) as executor:
        outcome = await executor.call(ping(authentication=AUTHORIZATION))

    assert (outcome.status, outcome.attempts) == ("timedout", ())
    [told, ended] = sink.events
    assert isinstance(told, wh.TokenAttemptEnded)
    assert (told.attempt.number, told.attempt.evidence, told.attempt.status) == (1, wh.Evidence.AMBIGUOUS, None)
    assert ended == wh.ExecutionEnded(outcome)


async def test_an_attempt_whose_caller_leaves_is_heard(ping: Make) -> None:
    """A cancelled call has no outcome; its attempt may have been done, and that is heard."""
    sink, transport = RecordingSink(), Holding()

    async with wh.Executor(transport=transport, events=[sink]) as executor:
        call = asyncio.create_task(executor.call(ping()))
        await transport.begun.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    [event] = sink.events
    assert isinstance(event, wh.AttemptEnded)
    assert (event.attempt.evidence, event.attempt.delivery) == (wh.Evidence.AMBIGUOUS, wh.Delivery.UNKNOWN)


async def test_an_attempt_that_a_transport_breaks_is_heard_with_its_call(ping: Make) -> None:
    """An error that no transport should raise ends the attempt, and the outcome shows what was sent."""

    class Broken(Holding):
        async def send(self, request: wh.Request, deadline: float) -> wh.Response:
            raise ZeroDivisionError

    sink = RecordingSink()

    async with wh.Executor(transport=Broken(), events=[sink]) as executor:
        outcome = await executor.call(ping())

    assert outcome.status == "internalError"
    assert outcome.call is not None
    assert sink.events == [
        wh.AttemptEnded(outcome.call, outcome.attempts[0], outcome.delivery_id),
        wh.ExecutionEnded(outcome),
    ]


async def test_every_event_of_a_batch_says_where_it_belongs(repository: wh.MemoryRepository, clock: FakeClock) -> None:
    """Attempts, repeats and waits have the activity and the place in the batch of their outcome."""
    sink = RecordingSink()
    replies = [wh.Response(429), wh.Response(200), wh.Response(429), wh.Response(200)]
    contexts = [wh.Context({"Signup": {"name": "Ann"}}) for _ in range(2)]

    async with (
        wh.Executor(repository, transport=FakeTransport(replies), clock=clock, events=[sink]) as executor,
        executor.batch("Welcome", "hello", contexts, concurrency=1) as batch,
    ):
        outcomes = [outcome async for outcome in batch]

    told = [event for event in sink.events if not isinstance(event, wh.ExecutionEnded)]
    assert {type(event) for event in told} >= {wh.AttemptEnded, wh.Retrying, wh.Waited, wh.Paused}
    assert {(e.action, e.journey, e.label, e.index, e.delivery_id) for e in told} == {
        ("Greet", "Welcome", "hello", outcome.index, outcome.delivery_id) for outcome in outcomes
    }


@given(
    statuses=st.lists(st.sampled_from([200, 404, 429, 500, 503]), min_size=1, max_size=5),
    asked=st.sampled_from(["", "0", "1", "20"]),
    draw=st.floats(0, 1),
)
async def test_the_waits_that_are_heard_are_all_there_are(statuses: list[int], asked: str, draw: float) -> None:
    """Where nothing else takes time, an execution takes as long as its waits; each repeat was announced."""
    clock, sink, heads = FakeClock(), RecordingSink(), (("retry-after", asked),) if asked else ()
    action = wh.Action(name="P", url_configuration=wh.UrlConfiguration("https://h.example/", method="PUT"))
    transport = FakeTransport([wh.Response(status, heads) for status in statuses])

    async with wh.Executor(transport=transport, clock=clock, random=lambda: draw, events=[sink]) as executor:
        outcome = await executor.call(action)

    heard = {kind: [event for event in sink.events if type(event) is kind] for kind in (wh.AttemptEnded, wh.Retrying)}
    waits = [event.seconds for event in sink.events if isinstance(event, wh.Waited)]
    assert sum(waits) == pytest.approx(outcome.elapsed)
    assert tuple(event.attempt for event in heard[wh.AttemptEnded]) == outcome.attempts
    assert outcome.retries <= len(heard[wh.Retrying]) <= outcome.retries + 1


async def test_a_batch_is_heard(repository: wh.MemoryRepository) -> None:
    """Each outcome of a batch is heard once, with its index."""
    sink = RecordingSink()
    contexts = [wh.Context({"Signup": {"name": "Ann"}}) for _ in range(5)]

    async with (
        wh.Executor(repository, transport=FakeTransport(), events=[sink]) as executor,
        executor.batch("Welcome", "hello", contexts, concurrency=2) as batch,
    ):
        outcomes = [outcome async for outcome in batch]

    assert sorted(outcome.index for outcome in sink.outcomes) == [0, 1, 2, 3, 4]
    assert sorted(map(str, sink.outcomes)) == sorted(map(str, outcomes))


async def test_an_end_without_an_attempt_is_heard(greet: wh.Action) -> None:
    """A call that could not be rendered ends with one event."""
    sink = RecordingSink()

    async with wh.Executor(transport=FakeTransport(), events=[sink]) as executor:
        outcome = await executor.call(greet, {})

    assert sink.events == [wh.ExecutionEnded(outcome)]


async def test_a_sink_that_raises_harms_nothing(ping: Make, caplog: pytest.LogCaptureFixture) -> None:
    """A failing sink is logged by the name of its class; the call and the other sinks go on."""

    class Broken:
        def emit(self, event: wh.AttemptEnded | wh.ExecutionEnded) -> None:
            raise ZeroDivisionError

    sink = RecordingSink()

    with caplog.at_level(logging.ERROR, "wayhook"):
        async with wh.Executor(transport=FakeTransport(), events=[Broken(), sink]) as executor:
            outcome = await executor.call(ping())

    assert outcome.succeeded
    assert len(sink.events) == 2
    assert [record.getMessage() for record in caplog.records] == ["the event sink Broken failed"] * 2


async def test_a_sink_does_not_swallow_a_cancellation(ping: Make) -> None:
    """What cancels the caller from inside of a sink comes out, where the sink is called in the middle of the call."""

    class Cancelling:
        direct = True

        def emit(self, event: wh.AttemptEnded | wh.ExecutionEnded) -> None:
            raise asyncio.CancelledError

    async with wh.Executor(transport=FakeTransport(), events=[Cancelling()]) as executor:
        with pytest.raises(asyncio.CancelledError):
            await executor.call(ping())


async def test_where_nobody_listens_nothing_is_made(
    ping: Make, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a sink no event is made, of a token, a repeat, a wait or an end."""

    def made(*_: object, **__: object) -> None:
        raise AssertionError

    for name in ("AttemptEnded", "ExecutionEnded", "Retrying", "Waited", "Paused", "TokenAttemptEnded"):
        for module in ("execution", "authorization", "approach", "retry"):
            monkeypatch.setattr(f"wayhook.execution.{module}.{name}", made, raising=False)
    statuses, secrets = [429, 200, 429, 200], FakeSecrets({"env:SHOP": "canary"})
    transport = FakeTransport([wh.Response(status, body=b"a-token") for status in statuses])

    async with wh.Executor(transport=transport, secrets=secrets, clock=clock) as executor:
        outcome = await executor.call(ping(authentication=AUTHORIZATION))

    assert (outcome.status, outcome.retries) == ("http_200", 1)


def test_what_is_no_sink_is_refused() -> None:
    """Each is named by its place."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.Executor(events=[RecordingSink(), 7, "x"], limiter=object())

    assert [str(fault) for fault in caught.value.violations] == [
        "$.limiter: a Limiter belongs here, not object",
        "$.events[1]: an EventSink belongs here, not int",
        "$.events[2]: an EventSink belongs here, not str",
    ]
