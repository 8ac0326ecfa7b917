"""One deadline over everything, kept by one timer (P8, P23)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import wayhook as wh
from wayhook.execution.clock import SystemClock
from wayhook.testing import FakeTransport
from wayhook.wire import Request, Response

ACTION = wh.Action(name="Ping", url_configuration=wh.UrlConfiguration("https://api.example.com/"))


class CountingLoop(asyncio.SelectorEventLoop):
    """Counts the timers that are made."""

    timers = 0

    def call_at(self, when: float, callback: Callable[..., Any], *args: Any, context: Any = None) -> Any:
        """Count it."""
        self.timers += 1
        return super().call_at(when, callback, *args, context=context)


class HeldLoop(asyncio.SelectorEventLoop):
    """A loop that somebody held for `held` seconds, as its clock says afterwards."""

    held = 0.0

    def time(self) -> float:
        """Return the time, later by what it was held."""
        return super().time() + self.held


class LoopClock(SystemClock):
    """The clock of the running loop."""

    def monotonic(self) -> float:
        """Return the time of the loop."""
        return asyncio.get_running_loop().time()


class Unread(FakeTransport):
    """Gets a head with 2xx, and keeps the deadline while the body does not come."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    async def send(self, request: Request, deadline: float) -> Response:
        """Wait for the body until the deadline, and take a few turns of the loop to close."""
        self.asked.set()
        try:
            async with asyncio.timeout_at(deadline):
                await asyncio.get_running_loop().create_future()
        except TimeoutError:
            for _ in range(10):
                await asyncio.sleep(0)
        return Response(202, fault="the body did not arrive in time")


class Deaf(FakeTransport):
    """Never answers, and knows no deadline. `asked`: set when a request came."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    async def send(self, request: Request, deadline: float) -> Response:
        """Wait for ever."""
        self.requests.append(request)
        self.asked.set()
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]


def test_a_thousand_executions_share_one_timer() -> None:
    """What a deadline costs does not grow with the calls under way."""

    class Busy(FakeTransport):
        async def send(self, request: Request, deadline: float) -> Response:
            await asyncio.sleep(0)
            return await super().send(request, deadline)

    async def calls() -> int:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, CountingLoop)
        async with wh.Executor(transport=Busy()) as executor:
            outcomes = await asyncio.gather(*(executor.call(ACTION) for _ in range(1000)))
        assert all(outcome.succeeded for outcome in outcomes)
        return loop.timers

    with asyncio.Runner(loop_factory=CountingLoop) as runner:
        assert runner.run(calls()) < 50


async def test_a_transport_that_knows_no_deadline_is_ended_all_the_same() -> None:
    """The call was on its way: whether it was done is unknown."""
    async with wh.Executor(transport=Deaf()) as executor:
        outcome = await executor.call(ACTION, timeout=1)

    assert (outcome.status, outcome.delivery) == ("timedout", wh.Delivery.UNKNOWN)
    assert outcome.elapsed >= 1


@pytest.mark.parametrize("seconds", [0.0, 0.92, 1.0, 1.3, 60.0])
def test_a_loop_that_is_held_over_the_deadline_loses_no_answer(seconds: float) -> None:
    """The deadlines of transport and execution pass in one turn of the loop: the transport says what it knows (P2)."""

    async def call() -> wh.Outcome:
        loop, transport = asyncio.get_running_loop(), Unread()
        assert isinstance(loop, HeldLoop)
        async with wh.Executor(transport=transport, clock=LoopClock()) as executor:
            calling = asyncio.create_task(executor.call(ACTION, timeout=1))
            await transport.asked.wait()
            loop.held = seconds
            return await calling

    with asyncio.Runner(loop_factory=HeldLoop) as runner:
        outcome = runner.run(call())

    assert (outcome.status, outcome.delivery) == ("http_202", wh.Delivery.DELIVERED_UNREAD)


async def test_every_one_of_many_late_executions_ends() -> None:
    """They begin at different times, and no one is forgotten."""
    transport = Deaf()
    async with wh.Executor(transport=transport) as executor, asyncio.TaskGroup() as group:
        tasks = []
        for _ in range(20):
            tasks.append(group.create_task(executor.call(ACTION, timeout=1)))
            await asyncio.sleep(0)

    assert {task.result().status for task in tasks} == {"timedout"}
    assert len(transport.requests) == 20


async def test_cancellation_by_others_is_no_deadline() -> None:
    """It goes through as it came."""
    transport = Deaf()
    async with wh.Executor(transport=transport) as executor:
        task = asyncio.create_task(executor.call(ACTION))
        await transport.asked.wait()
        task.cancel("enough")
        with pytest.raises(asyncio.CancelledError, match="enough"):
            await task


async def test_a_timeout_around_an_execution_is_its_own() -> None:
    """A deadline of the caller ends the call, and the executor serves the next."""
    async with wh.Executor(transport=Deaf()) as executor:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await executor.call(ACTION)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
