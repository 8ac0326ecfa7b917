"""Step events: what the product reports of an action call, by its own names (R204 to R209, R232 to R236)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import wayhook as wh
from wayhook.testing import FakeClock, FakeTransport

EXPIRED = wh.TransportError("late", wh.Evidence.EXPIRED)
RESET = wh.TransportError("gone", wh.Evidence.NEVER_SENT)


class Queue:
    """A limiter that lets every call wait for some seconds."""

    def __init__(self, clock: FakeClock, seconds: float) -> None:
        self.clock, self.seconds = clock, seconds

    @asynccontextmanager
    async def place(self, method: str, url: str) -> AsyncIterator[float]:
        """Wait, on the clock."""
        self.clock.pass_time(self.seconds)
        yield self.seconds


class Full:
    """A limiter without places."""

    @asynccontextmanager
    async def place(self, method: str, url: str) -> AsyncIterator[float]:
        """Refuse."""
        raise wh.Discarded("full")
        yield 0.0


async def event(*replies: Any, seconds: float = 0.0, limiter: Any = None, **parts: Any) -> dict[str, Any]:
    """The step event of one execution."""
    clock = FakeClock()
    settings = {"transport": FakeTransport(replies, clock=clock, seconds=seconds), "clock": clock}
    url = wh.UrlConfiguration("https://api.example.com/v1", method="PUT", query_parameters={"q": wh.variable("Q")})
    action = wh.Action(name="Ping", url_configuration=url)
    journey = wh.Journey(
        "Welcome", [wh.ActionActivity("Ping", label="first", query_parameters={"q": "canary"}, **parts)]
    )
    repository = wh.MemoryRepository()
    await repository.save(action, journey)
    if limiter is Queue:
        limiter = Queue(clock, 10)
    async with wh.Executor(repository, limiter=limiter, random=lambda: 0.5, **settings) as executor:
        outcome = await executor.execute("Welcome", "first", wh.Context())
    found = outcome.step_event()
    assert found["actionID"] == (await repository.get(wh.Action, "Ping")).uid
    return found


@pytest.mark.rule("R232", "R233", "R236")
async def test_a_delivered_call_has_the_documented_fields() -> None:
    """Names, times in milliseconds and the moment are there; errors, codes and a wait time are not."""
    found = await event(wh.Response(200), seconds=0.25)

    del found["actionID"]
    assert found == {
        "actionName": "Ping",
        "actionType": "customHttpAction",
        "actionBusinessType": "customer",
        "actionParameterized": True,
        "actionExecutionTime": 250,
        "actionOriginEndpoint": "https://api.example.com/v1",
        "actionOriginMethod": "PUT",
        "actionOriginIsMTLS": False,
        "actionExecutionOriginStartTime": "2030-01-01T00:00:00.000Z",
        "actionExecutionOriginTime": 250,
        "actionIsThrottled": False,
        "stepType": "Action",
        "stepStatus": "ended",
        "stepName": "first",
        "journeyVersionName": "Welcome",
    }


ERRORS = [
    "actionExecutionError",
    "actionExecutionErrorCode",
    "actionExecutionOriginError",
    "actionExecutionOriginCode",
    "stepStatus",
]


@pytest.mark.rule("R206", "R207", "R208", "R209", "R233")
@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        ([wh.Response(404)], ["http", "404", None, None, "error"]),
        ([wh.Response(500)], ["http", "500", "http", "500", "error"]),
        ([wh.Response(500), wh.Response(200)], [None, None, "http", "500", "ended"]),
        ([EXPIRED], ["timedout", None, None, None, "timedout"]),
        ([wh.Response(500), EXPIRED], ["timedout", None, "http", "500", "timedout"]),
        ([RESET, EXPIRED], ["timedout", None, "error", None, "timedout"]),
        ([wh.TransportError("gone", wh.Evidence.PERMANENT)], ["error", None, None, None, "error"]),
    ],
    ids=["404", "always 500", "retried", "timeout", "timeout in a retry", "timeout after a reset", "no answer"],
)
async def test_errors_are_spelled_as_in_the_products_queries(replies: list[Any], expected: list[str | None]) -> None:
    """The last error and the one before it are told, with a code only where there is one."""
    found = await event(*replies)

    assert [found.get(name) for name in ERRORS] == expected


@pytest.mark.rule("R215", "R233")
async def test_a_capped_call_has_no_attempt() -> None:
    """What was not sent has an error and no origin."""
    found = await event(wh.Response(200), limiter=Full())

    assert [found.get(name) for name in ERRORS] == ["capped", None, None, None, "capped"]
    assert "actionExecutionOriginTime" not in found


@pytest.mark.rule("R224", "R235", "R236")
async def test_the_time_in_a_queue_is_told_apart() -> None:
    """Ten seconds in the queue and 0.2 on the wire: the total has both, the origin time the last attempt only."""
    found = await event(wh.Response(200), seconds=0.2, limiter=Queue)

    times = [found[n] for n in ("actionExecutionTime", "actionExecutionOriginTime", "actionWaitTime")]
    assert times == [10_200, 200, 10_000]
    assert found["actionIsThrottled"] is True
    assert found["actionExecutionOriginStartTime"] == "2030-01-01T00:00:10.000Z"


@pytest.mark.rule("R232", "R134")
async def test_a_step_event_holds_no_data() -> None:
    """Values of the individual and secrets are not in it."""
    assert "canary" not in repr(await event(wh.Response(200)))


@pytest.mark.rule("R234")
def test_an_outcome_without_a_record_is_named() -> None:
    """Without an identifier the name stands for it, and without a name that of the step."""
    named, unnamed = wh.Outcome("Ping", "timedout"), wh.Outcome("", "timedout", label="first")

    assert [named.step_event()[name] for name in ("actionID", "actionName")] == ["Ping", "Ping"]
    assert unnamed.step_event()["actionName"] == "first"


@pytest.mark.parametrize(("status", "error"), [(200, None), (204, None), (404, "http")])
async def test_a_call_outside_of_a_journey_is_reported_too(status: int, error: str | None) -> None:
    """A success is no error there either."""
    action = wh.Action(name="Ping", url_configuration=wh.UrlConfiguration("https://h.example/"))

    async with wh.Executor(transport=FakeTransport(wh.Response(status))) as executor:
        event = (await executor.call(action)).step_event()

    assert event.get("actionExecutionError") == error
    assert event["stepStatus"] == ("error" if error else "ended")
