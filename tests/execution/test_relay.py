"""A sink that fails or is slow never harms a call: it is called in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from queue import Queue

import pytest

import wayhook as wh
from wayhook.execution import relay
from wayhook.testing import FakeTransport, RecordingSink

Make = Callable[..., wh.Action]
TEXT = wh.message_parameters({"text": "x"}, variables={"text": "Text"})
PATIENCE = 10.0
"""Seconds after which a test gives up; nothing waits that long where all is well."""


class Slow:
    """A sink that waits to be released. `busy`: whether it was called; `heard`: what it has done with."""

    def __init__(self) -> None:
        self.busy, self.released = threading.Event(), threading.Event()
        self.heard: list[wh.Event] = []
        self.threads: set[threading.Thread] = set()

    def emit(self, event: wh.Event) -> None:
        self.threads.add(threading.current_thread())
        self.busy.set()
        assert self.released.wait(PATIENCE)
        self.heard.append(event)


@contextmanager
def logged() -> Iterator[Queue[str]]:
    """What is logged from now on, by whichever thread."""
    lines: Queue[str] = Queue()

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.put(record.getMessage())

    logger, handler = logging.getLogger("wayhook"), Handler()
    logger.addHandler(handler)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)


async def next_line(lines: Queue[str]) -> str:
    """The next line, when it is there."""
    return await asyncio.to_thread(lines.get, timeout=PATIENCE)


async def test_a_sink_that_is_stuck_keeps_no_call(ping: Make) -> None:
    """Calls end while a sink sits on the first event; released, it hears of all of them in order."""
    slow, quick = Slow(), RecordingSink()

    async with wh.Executor(transport=FakeTransport(), events=[slow, quick]) as executor:
        outcomes = [await executor.call(ping()) for _ in range(100)]
        assert await asyncio.to_thread(slow.busy.wait, PATIENCE)
        heard_meanwhile = list(slow.heard)
        slow.released.set()

    assert all(outcome.succeeded for outcome in outcomes)
    assert heard_meanwhile == []
    assert slow.heard == quick.events
    assert len(quick.events) == 200


async def test_a_handler_of_the_log_that_is_stuck_keeps_no_call(ping: Make) -> None:
    """Logging is a sink like any other: what blocks in it, blocks with the lock of the handler, and nobody else."""

    class Handler(logging.Handler):
        busy, released = threading.Event(), threading.Event()

        def emit(self, record: logging.LogRecord) -> None:
            self.busy.set()
            assert self.released.wait(PATIENCE)

    logger, handler = logging.getLogger("tests.stuck"), Handler()
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)

    async with wh.Executor(transport=FakeTransport(), events=[wh.LogSink(logger)]) as executor:
        first = await executor.call(ping())
        assert await asyncio.to_thread(handler.busy.wait, PATIENCE)
        second = await executor.call(ping())
        handler.released.set()

    logger.removeHandler(handler)
    assert first.succeeded
    assert second.succeeded


async def test_what_finds_no_room_is_dropped_and_counted(ping: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two events wait beside the one that is being heard; what comes then is dropped, and the log tells twice."""
    monkeypatch.setattr(relay, "CAPACITY", 2)
    slow = Slow()

    with logged() as lines:
        async with wh.Executor(transport=FakeTransport(), events=[slow]) as executor:
            await executor.call(ping())
            assert await asyncio.to_thread(slow.busy.wait, PATIENCE)
            outcomes = [await executor.call(ping()) for _ in range(3)]
            told_at_once = await next_line(lines)
            slow.released.set()
        told_at_the_end = await next_line(lines)

    assert all(outcome.succeeded for outcome in outcomes)
    assert len(slow.heard) + 5 == 8
    assert told_at_once == "the event sink Slow is slow: 2 events wait, and what comes now is dropped"
    assert told_at_the_end == "the event sink Slow was slow: 5 events were dropped"
    assert lines.empty()


async def test_large_answers_do_not_fill_the_memory(ping: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits is bounded in bytes as well; an answer that is larger than all of the room is heard alone."""
    monkeypatch.setattr(relay, "ROOM", 1000)
    slow, large = Slow(), wh.Response(200, body=b"x" * 1500)

    with logged() as lines:
        async with wh.Executor(transport=FakeTransport(large), events=[slow]) as executor:
            outcomes = [await executor.call(ping())]
            assert await asyncio.to_thread(slow.busy.wait, PATIENCE)
            outcomes += [await executor.call(ping()) for _ in range(2)]
            told = await next_line(lines)
            slow.released.set()

    assert told == "the event sink Slow is slow: 2 events wait, and what comes now is dropped"
    assert [event.outcome for event in slow.heard if isinstance(event, wh.ExecutionEnded)] == outcomes[:1]
    assert len(slow.heard) == 4


async def test_large_bodies_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes of a body count with each attempt, which keeps them alive even where the outcome is dropped."""
    monkeypatch.setattr(relay, "ROOM", 1000)
    slow, big = (
        Slow(),
        wh.Action(
            name="Big", url_configuration=wh.UrlConfiguration("https://api.example.com/"), message_parameters=TEXT
        ),
    )

    async with wh.Executor(transport=FakeTransport(), events=[slow]) as executor:
        await executor.call(big, {"text": "x"})
        assert await asyncio.to_thread(slow.busy.wait, PATIENCE)
        for _ in range(10):
            await executor.call(big, {"text": "x" * 300})
        slow.released.set()

    kept = [event.call.body for event in slow.heard if isinstance(event, wh.AttemptEnded)]
    assert 2 <= len(kept) <= 4
    assert len(slow.heard) <= 5


async def test_a_handler_of_the_log_that_fails_ends_nothing(ping: Make) -> None:
    """The failure of a sink cannot even be logged: it hears of what comes next all the same."""
    heard = Queue[wh.Event]()

    class Failing:
        def emit(self, event: wh.Event) -> None:
            heard.put(event)
            raise RuntimeError("the sink is broken")

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise RuntimeError("the log is broken")

    logger, handler = logging.getLogger("wayhook"), Handler()
    logger.addHandler(handler)
    try:
        async with wh.Executor(transport=FakeTransport(), events=[Failing()]) as executor:
            for _ in range(3):
                await executor.call(ping())
    finally:
        logger.removeHandler(handler)

    assert heard.qsize() == 6


async def test_nothing_is_dropped_while_a_sink_keeps_up(ping: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a large answer was heard, there is room for the next one."""
    monkeypatch.setattr(relay, "ROOM", 1000)
    monkeypatch.setattr(relay, "CAPACITY", 2)
    heard: Queue[wh.Event] = Queue()

    class Quick:
        def emit(self, event: wh.Event) -> None:
            heard.put(event)

    large = wh.Response(200, body=b"x" * 1500)
    async with wh.Executor(transport=FakeTransport(large), events=[Quick()]) as executor:
        for _ in range(3):
            outcome = await executor.call(ping())
            last = [await asyncio.to_thread(heard.get, timeout=PATIENCE) for _ in range(2)][-1]
            assert last == wh.ExecutionEnded(outcome)


async def test_a_sink_that_does_not_end_is_left_behind(ping: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing waits for a while; the log says how many events were lost. The thread keeps no process alive."""
    monkeypatch.setattr(relay, "CLOSING", 0.01)
    stuck, quick = Slow(), RecordingSink()

    with logged() as lines:
        async with wh.Executor(transport=FakeTransport(), events=[stuck, quick]) as executor:
            await executor.call(ping())
            assert await asyncio.to_thread(stuck.busy.wait, PATIENCE)
        told = await next_line(lines)
    [thread] = stuck.threads
    is_left, is_daemon = thread.is_alive(), thread.daemon
    stuck.released.set()
    await asyncio.to_thread(thread.join, PATIENCE)

    assert told == "the event sink Slow did not end: 2 events were dropped"
    assert (is_left, is_daemon, thread.is_alive()) == (True, True, False)
    assert len(quick.events) == 2


@pytest.mark.parametrize("error", [ZeroDivisionError, asyncio.CancelledError, SystemExit])
async def test_whatever_a_sink_raises_is_logged(error: type[BaseException], ping: Make) -> None:
    """Neither an error nor what would end a task or a process comes out of the thread; the next event is heard."""

    class Broken:
        def emit(self, event: wh.Event) -> None:
            raise error

    with logged() as lines:
        async with wh.Executor(transport=FakeTransport(), events=[Broken()]) as executor:
            outcome = await executor.call(ping())

    assert outcome.succeeded
    assert [lines.get_nowait() for _ in range(lines.qsize())] == ["the event sink Broken failed"] * 2


async def test_a_sink_has_one_thread_for_as_long_as_the_executor_is_open(ping: Make) -> None:
    """It begins with the first event and ends when the executor is closed; one that hears nothing has none."""
    sinks = Slow(), Slow()
    for sink in sinks:
        sink.released.set()

    async with wh.Executor(transport=FakeTransport(), events=sinks) as executor:
        at_first = [thread for thread in threading.enumerate() if thread.name == "wayhook Slow"]
        for _ in range(3):
            await executor.call(ping())
    async with wh.Executor(transport=FakeTransport(), events=[idle := Slow()]):
        pass

    assert at_first == []
    assert [len(sink.threads) for sink in sinks] == [1, 1]
    threads = sinks[0].threads | sinks[1].threads
    assert len(threads) == 2
    assert not any(thread.is_alive() for thread in threads)
    assert not idle.threads


async def test_a_direct_sink_hears_before_the_call_goes_on(ping: Make) -> None:
    """A class that says so is called on the event loop, in the middle of the call."""

    class Direct(Slow):
        direct = True

    direct = Direct()
    direct.released.set()

    async with wh.Executor(transport=FakeTransport(), events=[direct]) as executor:
        await executor.call(ping())
        heard = len(direct.heard)

    assert heard == 2
    assert direct.threads == {threading.current_thread()}


REQUEST: ContextVar[str] = ContextVar("REQUEST")


async def test_a_sink_finds_the_context_of_who_caused_the_event(ping: Make) -> None:
    """Context variables, such as the current span or the number of a request, are those of each caller."""

    class Numbered:
        def __init__(self) -> None:
            self.heard: list[tuple[str, str]] = []

        def emit(self, event: wh.Event) -> None:
            if isinstance(event, wh.ExecutionEnded):
                self.heard.append((event.outcome.delivery_id, REQUEST.get()))

    sink = Numbered()

    async def request(number: str) -> None:
        REQUEST.set(number)
        await executor.call(ping(), delivery_id=f"id-{number}")

    async with wh.Executor(transport=FakeTransport(), events=[sink]) as executor:
        await asyncio.gather(*(request(str(number)) for number in range(5)))

    assert sorted(sink.heard) == [(f"id-{number}", str(number)) for number in range(5)]
