"""The fakes behave as their docstrings say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import wayhook as wh
from wayhook.testing import FakeClock, FakeSecrets, FakeTransport, RecordingSink

REQUEST = wh.Request("POST", "https://api.example.com/", (), b"{}")


async def test_a_clock_moves_only_when_somebody_waits() -> None:
    """Both times move together, by waits and by time that passes; waits are remembered."""
    clock = FakeClock(datetime(2030, 1, 1, tzinfo=UTC))

    await clock.sleep(1.5)
    clock.pass_time(2)

    assert (clock.monotonic(), clock.waits) == (3.5, [1.5])
    assert clock.now() == datetime(2030, 1, 1, tzinfo=UTC) + timedelta(seconds=3.5)


async def test_a_transport_answers_from_its_script() -> None:
    """Replies come in order, the last one for ever; errors are raised; functions see the request."""
    error = wh.TransportError("broken", wh.Evidence.AMBIGUOUS)
    transport = FakeTransport([wh.Response(500), error, lambda request: wh.Response(201, body=request.body or b"")])

    first = await transport.send(REQUEST, 1)
    with pytest.raises(wh.TransportError) as raised:
        await transport.send(REQUEST, 1)
    rest = [await transport.send(REQUEST, 1) for _ in range(2)]

    assert (first.status, raised.value) == (500, error)
    assert [(response.status, response.body) for response in rest] == [(201, b"{}")] * 2
    assert transport.requests == [REQUEST] * 4


@pytest.mark.parametrize("reply", [wh.Response(204), lambda _: wh.Response(204)])
async def test_a_transport_takes_one_reply(reply: object) -> None:
    """A reply by itself answers everything."""
    transport = FakeTransport(reply)

    assert [(await transport.send(REQUEST, 1)).status for _ in range(2)] == [204, 204]


async def test_a_function_may_give_an_error() -> None:
    """What a function of the request returns is raised when it is an error."""
    transport = FakeTransport(lambda _: wh.TransportError("gone", wh.Evidence.NEVER_SENT))

    with pytest.raises(wh.TransportError, match="gone"):
        await transport.send(REQUEST, 1)


async def test_a_slow_transport_takes_its_time() -> None:
    """An answer takes its seconds on the clock; one that would come after the deadline expires at the deadline."""
    clock = FakeClock()
    transport = FakeTransport(clock=clock, seconds=2)

    in_time = await transport.send(REQUEST, 3)
    with pytest.raises(wh.TransportError) as late:
        await transport.send(REQUEST, 3)

    assert (in_time.status, late.value.evidence) == (200, wh.Evidence.EXPIRED)
    assert clock.monotonic() == 3


async def test_secrets_are_remembered() -> None:
    """What was asked for is kept in order; a missing secret is `SecretMissing` with its reference."""
    secrets = FakeSecrets({"env:A": "a"})

    text = await secrets.reveal(wh.secret("env:A"))
    with pytest.raises(wh.SecretMissing, match="env:B"):
        await secrets.reveal(wh.secret("env:B"))

    assert (text, secrets.asked) == ("a", ["env:A", "env:B"])
    assert isinstance(secrets, wh.SecretSource)


def test_a_sink_keeps_events() -> None:
    """Events stay in order; `outcomes` are those of the executions that ended."""
    sink = RecordingSink()
    call = wh.Call("Ping", "POST", "https://api.example.com/", ())
    attempt = wh.AttemptEnded(call, wh.Attempt(1, wh.Evidence.DELIVERED, 200, "", 0.0, 0.1))
    ended = wh.ExecutionEnded(wh.Outcome("Ping", "http_200", call))

    sink.emit(attempt)
    sink.emit(ended)

    assert sink.events == [attempt, ended]
    assert sink.outcomes == [ended.outcome]


def test_an_unknown_name_is_an_attribute_error() -> None:
    """The package has what it lists, and says so for what it has not."""
    from wayhook import testing

    assert all(getattr(testing, name) for name in testing.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = testing.Nothing
