"""What event sinks hear, and that they harm nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest

import wayhook as wh
from wayhook.testing import FakeClock, FakeTransport, RecordingSink

Make = Callable[..., wh.Action]


async def test_every_attempt_and_end_is_heard(ping: Make, clock: FakeClock) -> None:
    """A sink hears each attempt as it ends, with the call, and then the outcome that the caller gets."""
    sink, transport = RecordingSink(), FakeTransport([wh.Response(503), wh.Response(201)])

    async with wh.Executor(transport=transport, clock=clock, events=[sink]) as executor:
        outcome = await executor.call(ping())

    assert [type(event) for event in sink.events] == [wh.AttemptEnded, wh.AttemptEnded, wh.ExecutionEnded]
    assert tuple(event.attempt for event in sink.events[:2]) == outcome.attempts
    assert {event.call for event in sink.events[:2]} == {outcome.call}
    assert sink.outcomes == [outcome]


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
    """What cancels the caller from inside of a sink comes out."""

    class Cancelling:
        def emit(self, event: wh.AttemptEnded | wh.ExecutionEnded) -> None:
            raise asyncio.CancelledError

    async with wh.Executor(transport=FakeTransport(), events=[Cancelling()]) as executor:
        with pytest.raises(asyncio.CancelledError):
            await executor.call(ping())
