"""How an execution ends: status words, errors, typed answers, and what can be kept of them."""

from __future__ import annotations

import pickle
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

import wayhook as wh
from wayhook.testing import FakeClock, FakeSecrets, FakeTransport

Make = Callable[..., wh.Action]
NO_TOKEN = wh.CustomAuthorization("https://auth.example.com/", body_type="form", token_in_response="response")
BASIC = wh.BasicAuthentication("joe", wh.secret("env:PASSWORD"))


class Full:
    """A limiter without places."""

    @asynccontextmanager
    async def place(self, method: str, url: str) -> AsyncIterator[float]:
        raise wh.Discarded("full")
        yield 0.0


async def _outcome(action: wh.Action, reply: object, **settings: object) -> wh.Outcome:
    async with wh.Executor(transport=FakeTransport(reply), clock=FakeClock(), **settings) as executor:
        return await executor.call(action)


ENDS = [
    ({}, wh.Response(404), {}, "http_404", wh.Rejected),
    ({}, wh.Response(302), {}, "http_302", wh.Rejected),
    ({}, wh.Response(999), {}, "http_999", wh.Rejected),
    ({}, wh.TransportError("late", wh.Evidence.EXPIRED), {}, "timedout", wh.TimedOut),
    ({}, wh.Response(200), {"limiter": Full()}, "capped", wh.Discarded),
    ({}, wh.TransportError("gone", wh.Evidence.PERMANENT), {}, "internalError", wh.ConnectionFailed),
    ({}, wh.TransportError("gone", wh.Evidence.NEVER_SENT), {}, "internalError", wh.ConnectionFailed),
    ({"authentication": NO_TOKEN}, wh.Response(400), {}, "internalError", wh.AuthenticationFailed),
    ({"authentication": BASIC}, wh.Response(200), {"secrets": FakeSecrets({})}, "internalError", wh.SecretMissing),
]


@pytest.mark.rule("R184", "R185", "R186", "R187", "R188", "R189")
@pytest.mark.parametrize(("fields", "reply", "settings", "status", "error"), ENDS, ids=lambda value: str(value)[:40])
async def test_a_failure_has_a_word_and_an_error(
    ping: Make, fields: dict[str, object], reply: object, settings: dict[str, object], *, status: str, error: type
) -> None:
    """Each end has its status word, and `raise_for_error` raises the narrowest error, with the outcome in it."""
    outcome = await _outcome(ping(**fields), reply, **settings)

    assert (outcome.status, outcome.succeeded) == (status, False)
    with pytest.raises(error) as raised:
        outcome.raise_for_error()
    assert type(raised.value) is error
    assert raised.value.outcome == outcome
    assert isinstance(raised.value, wh.ExecutionError)


@pytest.mark.rule("R185", "R189")
@pytest.mark.parametrize("status", [200, 201, 204, 299])
async def test_a_success_raises_nothing(ping: Make, status: int) -> None:
    """Every 2xx is a success, and `raise_for_error` gives the outcome back."""
    outcome = await _outcome(ping(), wh.Response(status))

    assert outcome.raise_for_error() is outcome
    assert (outcome.status, outcome.succeeded) == (f"http_{status}", True)


async def test_errors_say_who_should_listen(ping: Make) -> None:
    """Errors are also the built-in errors that fit, and a rejection has its status."""
    late = await _outcome(ping(), wh.TransportError("late", wh.Evidence.EXPIRED))
    rejected = await _outcome(ping(), wh.Response(422))

    with pytest.raises(TimeoutError):
        late.raise_for_error()
    with pytest.raises(wh.Rejected) as raised:
        rejected.raise_for_error()
    assert raised.value.status == 422


@pytest.mark.parametrize(("fields", "reply", "settings", "status", "error"), ENDS, ids=lambda value: str(value)[:40])
async def test_outcomes_and_their_errors_pickle(
    ping: Make, fields: dict[str, object], reply: object, settings: dict[str, object], *, status: str, error: type
) -> None:
    """An outcome and the error of it cross a process border and say the same there."""
    outcome = await _outcome(ping(**fields), reply, **settings)
    with pytest.raises(error) as raised:
        outcome.raise_for_error()

    again = pickle.loads(pickle.dumps(outcome))
    error_again = pickle.loads(pickle.dumps(raised.value))

    assert (str(again), again.attempts, again.call, again.status) == (
        str(outcome), outcome.attempts, outcome.call, status,
    )  # fmt: skip
    assert (type(error_again), str(error_again)) == (error, str(raised.value))
    assert str(error_again.outcome) == str(outcome)


async def test_an_outcome_of_a_journey_pickles(repository: wh.MemoryRepository) -> None:
    """A successful outcome comes back equal."""
    async with wh.Executor(repository, transport=FakeTransport(wh.Response(200, body=b"x"))) as executor:
        outcome = await executor.execute("Welcome", "hello", wh.Context({"Signup": {"name": "Ann"}}))

    assert pickle.loads(pickle.dumps(outcome)) == outcome


async def test_an_outcome_reads_as_a_line(ping: Make) -> None:
    """The text of an outcome says what, how it ended, after how many attempts and why."""
    replies = [wh.Response(503), wh.TransportError("the answer is no HTTP", wh.Evidence.PERMANENT)]

    outcome = await _outcome(ping(), replies, random=lambda: 0.5)

    assert str(outcome) == "Ping internalError after 2 attempts in 0.150 s: the answer is no HTTP"
    assert repr(outcome) == f"<Outcome {outcome}>"


async def test_an_outcome_knows_when_it_ended(ping: Make) -> None:
    """`finished` is the date and time of the end, by the executor's clock."""
    outcome = await _outcome(ping(), wh.Response(200))

    assert outcome.finished == datetime(2030, 1, 1, tzinfo=UTC)


DECLARED = {
    "id": "abc", "points": 5, "ok": True, "rate": 1.5, "address": {"city": "Paris"}, "tags": ["a"],
    "items": [{"sku": "x", "n": 1}],
}  # fmt: skip


@pytest.mark.rule("R180")
async def test_exactly_the_declared_fields_are_read(ping: Make) -> None:
    """Declared fields come typed, missing ones null, others not at all, at every depth."""
    body = (
        '{"id":"é","points":9007199254740993,"rate":2,"more":1,"address":{"city":"Rome","zip":"x"},'
        '"tags":["b",null],"items":[{"sku":"y","z":0},{}]}'
    ).encode()

    outcome = await _outcome(ping(response=wh.payload(DECLARED)), wh.Response(200, body=body))

    assert outcome.response == {
        "id": "é", "points": 9007199254740993, "ok": None, "rate": 2, "address": {"city": "Rome"},
        "tags": ["b", None], "items": [{"sku": "y", "n": None}, {"sku": None, "n": None}],
    }  # fmt: skip
    assert outcome.response_faults == ()


@pytest.mark.rule("R181", "R182", "R183")
@pytest.mark.parametrize(
    ("status", "body", "response"),
    [
        (200, b'{"id":"1","code":"E1"}', {"id": "1"}),
        (400, b'{"id":"1","code":"E1"}', {"code": "E1"}),
        (302, b'{"code":"moved"}', {"code": "moved"}),
    ],
)
async def test_failure_fields_are_those_of_a_failure(
    ping: Make, status: int, body: bytes, response: dict[str, str]
) -> None:
    """The failure payload is read from a failed call, the response from a successful one."""
    action = ping(response=wh.payload({"id": "x"}), failure_response=wh.payload({"code": "x"}))

    outcome = await _outcome(action, wh.Response(status, body=body))

    assert outcome.response == response


@pytest.mark.rule("R181")
@pytest.mark.parametrize("status", [200, 500])
async def test_nothing_declared_is_nothing_read(ping: Make, status: int) -> None:
    """Without a declaration the answer is there as it came, and no field of it."""
    outcome = await _outcome(ping(), wh.Response(status, body=b"{not json"))

    assert (outcome.response, outcome.response_faults) == (None, ())
    assert outcome.received.text == "{not json"


UNREADABLE = [
    (b"", None, "$"),
    (b"<html>", None, "$"),
    (b"[1]", None, "$"),
    (b'"text"', None, "$"),
    (b'{"id":5}', {"id": None, "points": None}, "$.id"),
    (b'{"points":"5"}', {"id": None, "points": None}, "$.points"),
    (b'{"points":1.5,"id":"a"}', {"id": "a", "points": None}, "$.points"),
    (b'{"points":9223372036854775808}', {"id": None, "points": None}, "$.points"),
    (b'{"points":NaN}', None, "$"),
    (b'{"id":"a","id":"b"}', None, "$"),
    (b'{"id":"\xff"}', None, "$"),
    (b'{"a":' * 100_000, None, "$"),
    (b'{"points":' + b"9" * 10_000 + b"}", None, "$"),
]


@pytest.mark.rule("R180", "R189")
@pytest.mark.parametrize(("body", "response", "path"), UNREADABLE, ids=lambda value: str(value)[:30])
async def test_an_unreadable_answer_is_no_failure(
    ping: Make, body: bytes, response: dict[str, object] | None, path: str
) -> None:
    """A 2xx whose body does not fit stays a success; the fault is told with its path."""
    outcome = await _outcome(ping(response=wh.payload({"id": "x", "points": 1})), wh.Response(200, body=body))

    assert outcome.succeeded
    assert outcome.response == response
    assert outcome.response_faults
    assert all(fault.startswith(path) for fault in outcome.response_faults)


async def test_a_body_that_did_not_come_is_told(ping: Make) -> None:
    """A cut body of a 2xx is a success whose fields are not there, with the reason."""
    reply = wh.Response(200, body=b'{"id":"a"}', fault="the body is cut or malformed")

    outcome = await _outcome(ping(response=wh.payload({"id": "x"})), reply)

    assert (outcome.status, outcome.response) == ("http_200", None)
    assert outcome.response_faults == ("$: the body is cut or malformed",)


async def test_an_outcome_knows_how_long_it_had(ping: Make) -> None:
    """The timeout of the edition, of the journey, or the one that was given: what a deadline is counted from."""
    repository = wh.MemoryRepository()
    action = ping()
    await repository.save(action, wh.Journey("J", [wh.ActionActivity(action.name, label="a")], timeout=7))

    async with wh.Executor(repository, transport=FakeTransport(), clock=FakeClock()) as executor:
        outcomes = [
            await executor.call(action),
            await executor.call(action, timeout=2.5),
            await executor.execute("J", "a", wh.Context()),
        ]

    assert [outcome.timeout for outcome in outcomes] == [5, 2.5, 7]
