"""Secrets reach the wire and nothing else: P49 and P50 of the delivery promises."""

from __future__ import annotations

import asyncio
import logging
import pickle
import traceback
from base64 import b64encode
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

import wayhook as wh
from wayhook.testing import FakeClock, FakeSecrets, FakeTransport, RecordingSink

Make = Callable[..., wh.Action]

CANARY = "canary+7f3a/secret="
FORMS = {
    CANARY,
    quote(CANARY),
    quote(CANARY, safe=""),
    quote_plus(CANARY),
    b64encode(f"joe:{CANARY}".encode()).decode(),
}
REFERENCE = wh.secret("env:KEY")
ENDPOINT = "https://auth.example.com/token"


def _custom(**fields: object) -> wh.CustomAuthorization:
    return wh.CustomAuthorization(ENDPOINT, **{"body_type": "form", "token_in_response": "response", **fields})


KINDS = {
    "basic": wh.BasicAuthentication("joe", REFERENCE),
    "basic, literal": wh.BasicAuthentication("joe", wh.literal_secret(CANARY)),
    "key in a header": wh.ApiKeyAuthentication("X-Key", REFERENCE),
    "key in the query": wh.ApiKeyAuthentication("key", REFERENCE, location="query"),
    "key in the path": wh.ApiKeyAuthentication("webhook", REFERENCE, location="path"),
    "bearer": wh.BearerAuthentication(REFERENCE),
    "key, literal": wh.ApiKeyAuthentication("key", wh.literal_secret(CANARY), location="query"),
    "token": _custom(),
    "token in the query": _custom(authorization_type="queryParam", token_target="tok"),
    "client secret in the body": wh.OAuthClientCredentials(
        ENDPOINT, "joe", wh.literal_secret(CANARY), client_authentication="body"
    ),
    "client secret in a header": wh.OAuthClientCredentials(ENDPOINT, "joe", REFERENCE),
    "certificate": wh.MutualTlsAuthentication(REFERENCE, REFERENCE, authentication=wh.BearerAuthentication(REFERENCE)),
    "client secret": _custom(body_params={"client_secret": REFERENCE}, headers={"X-Client": REFERENCE}),
}
FAULTS = {
    "success": wh.Response(200),
    "rejection": wh.Response(403),
    "repeats": wh.Response(503),
    "broken": wh.TransportError("the connection broke", wh.Evidence.AMBIGUOUS),
    "late": wh.TransportError("the time was used up", wh.Evidence.EXPIRED),
}


def _pickled(value: object) -> str:
    """The pickle of a value as text; nothing where a literal secret in it refuses."""
    try:
        return pickle.dumps(value).decode("latin-1")
    except TypeError as refused:
        return str(refused)


def _texts_of(outcome: wh.Outcome) -> list[str]:
    """Every text form that an outcome has."""
    texts = [str(outcome), repr(outcome), outcome._repr_html_(), repr(outcome.attempts), _pickled(outcome)]
    for value in (outcome.call, outcome.cause, outcome.received):
        texts += [str(value), repr(value)]
    if outcome.call is not None:
        texts += [outcome.call._repr_html_(), wh.to_curl(outcome.call)]
    try:
        outcome.raise_for_error()
    except wh.WayhookError as error:
        chain = traceback.TracebackException.from_exception(error, capture_locals=True)
        texts += [repr(error), str(error), "".join(chain.format()), _pickled(error)]
    return texts


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_no_text_shows_a_secret(
    ping: Make, kind: str, fault: str, caplog: pytest.LogCaptureFixture, clock: FakeClock
) -> None:
    """However a call ends, its secret went over the wire and stands in no text, log, event, exception or pickle."""

    def reply(request: wh.Request) -> wh.Response | wh.TransportError:
        return wh.Response(200, body=CANARY.encode()) if request.url == ENDPOINT else FAULTS[fault]

    transport, sink = FakeTransport(reply), RecordingSink()
    secrets = FakeSecrets({"env:KEY": CANARY})
    parts = {"transport": transport, "secrets": secrets, "clock": clock, "events": [sink, wh.LogSink()]}

    with caplog.at_level(logging.DEBUG):
        async with wh.Executor(**parts) as executor:
            outcome = await executor.call(ping("PUT", authentication=KINDS[kind]))

    sent = "".join(request.url + str(request.headers) + str(request.body) for request in transport.requests)
    assert any(form in sent for form in FORMS)
    texts = [*_texts_of(outcome), caplog.text, repr(sink.events), str(sink.events), repr(transport.requests)]
    assert not [form for form in FORMS for text in texts if form in text]


async def test_no_text_shows_a_secret_under_way(ping: Make) -> None:
    """An executor and its calls under way have no text form with a token in it."""
    reached, waiting = asyncio.Event(), asyncio.Event()

    class Gate(FakeTransport):
        async def send(self, request: wh.Request, deadline: float) -> wh.Response:
            if request.url == ENDPOINT:
                return wh.Response(200, body=CANARY.encode())
            reached.set()
            await waiting.wait()
            return wh.Response(200)

    async with wh.Executor(transport=Gate()) as executor:
        call = asyncio.create_task(executor.call(ping(authentication=_custom())))
        await reached.wait()
        texts = [repr(executor), repr(executor._means), repr(executor._means.tokens), repr(call)]
        texts += [repr(frame.f_locals.get("self")) for frame in call.get_stack()]
        waiting.set()
        await call

    assert CANARY not in "".join(texts)


async def test_a_missing_secret_is_an_outcome(ping: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is not set ends the call before it is sent, and is named."""
    monkeypatch.delenv("WAYHOOK_TEST_KEY", raising=False)
    transport = FakeTransport()
    action = ping(authentication=wh.ApiKeyAuthentication("X-Key", wh.secret("env:WAYHOOK_TEST_KEY")))

    async with wh.Executor(transport=transport) as executor:
        outcome = await executor.call(action)

    assert (outcome.status, outcome.attempts, transport.requests) == ("internalError", (), [])
    assert isinstance(outcome.cause, wh.SecretMissing)
    with pytest.raises(LookupError, match="set the environment variable WAYHOOK_TEST_KEY"):
        outcome.raise_for_error()


@pytest.mark.parametrize("text", ["", b"bytes", None, "\ud800"], ids=repr)
async def test_a_source_that_gives_no_text_is_an_outcome(ping: Make, text: object) -> None:
    """A source of somebody else's that gives nothing usable is told by the reference, and nothing is sent."""
    transport = FakeTransport()
    action = ping(authentication=wh.ApiKeyAuthentication("X-Key", REFERENCE))

    async with wh.Executor(transport=transport, secrets=FakeSecrets({"env:KEY": text})) as executor:  # type: ignore[dict-item]
        outcome = await executor.call(action)

    assert (type(outcome.cause), transport.requests) == (wh.SecretMissing, [])
    assert "env:KEY" in str(outcome.cause)


async def test_the_environment_is_read_at_each_call(ping: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed variable counts from the next call on; an empty one is none."""
    transport, statuses = FakeTransport(), []
    action = ping(authentication=wh.ApiKeyAuthentication("X-Key", wh.secret("env:WAYHOOK_TEST_KEY")))

    async with wh.Executor(transport=transport) as executor:
        for text in ("one", "two", ""):
            monkeypatch.setenv("WAYHOOK_TEST_KEY", text)
            statuses.append((await executor.call(action)).status)

    assert [dict(request.headers)["X-Key"] for request in transport.requests] == ["one", "two"]
    assert statuses == ["http_200", "http_200", "internalError"]


async def test_an_unknown_scheme_is_an_outcome_or_an_error_of_the_definition(ping: Make) -> None:
    """A reference that no installed source serves raises the names there are, and nothing is sent."""
    transport = FakeTransport()
    action = ping(authentication=wh.ApiKeyAuthentication("X-Key", wh.secret("nowhere:KEY")))

    async with wh.Executor(transport=transport) as executor:
        with pytest.raises(wh.WayhookError, match=r"no 'nowhere' among the secrets.*env"):
            (await executor.call(action)).raise_for_error()

    assert transport.requests == []


@pytest.mark.rule("R72", "R74")
@pytest.mark.parametrize("text", ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\0b", "é", "日本", "a\x7f"])
@pytest.mark.parametrize(
    "authentication",
    [wh.ApiKeyAuthentication("X-Key", REFERENCE), _custom(headers={"X-Key": REFERENCE})],
    ids=["of the call", "of the token call"],
)
async def test_a_secret_that_fits_no_header_reaches_no_wire(
    ping: Make, text: str, authentication: wh.Authentication
) -> None:
    """A secret with a line break or other signs that no header holds is refused, without its text."""
    transport, secrets = FakeTransport(), FakeSecrets({"env:KEY": "canary-9" + text})

    async with wh.Executor(transport=transport, secrets=secrets) as executor:
        outcome = await executor.call(ping(authentication=authentication))

    assert (outcome.status, transport.requests) == ("internalError", [])
    assert "X-Key" in str(outcome.cause)
    assert "canary-9" not in "".join(_texts_of(outcome))


async def test_a_secret_with_a_line_break_is_data_where_it_is_encoded(ping: Make) -> None:
    """In the query and in Base64 any secret is carried exactly."""
    secrets, transport = FakeSecrets({"env:KEY": "a\r\nb&é"}), FakeTransport()

    async with wh.Executor(transport=transport, secrets=secrets) as executor:
        await executor.call(ping(authentication=wh.ApiKeyAuthentication("k", REFERENCE, location="query")))
        await executor.call(ping(authentication=wh.BasicAuthentication("joe", REFERENCE)))

    in_query, in_header = transport.requests
    assert in_query.url == "https://api.example.com/v1?k=a%0D%0Ab%26%C3%A9"
    assert dict(in_header.headers)["Authorization"] == "Basic " + b64encode("joe:a\r\nb&é".encode()).decode()


async def test_an_error_of_a_transport_shows_no_secret(ping: Make) -> None:
    """The error of a transport is told in its own words; what it was raised from is not chained to the outcome."""

    def reply(request: wh.Request) -> wh.Response:
        try:
            raise ValueError(request.url)
        except ValueError as error:
            raise wh.TransportError("the answer is no HTTP", wh.Evidence.PERMANENT) from error

    action = ping(authentication=wh.ApiKeyAuthentication("k", wh.literal_secret(CANARY), location="query"))

    async with wh.Executor(transport=FakeTransport(reply)) as executor:
        outcome = await executor.call(action)

    assert not [form for form in FORMS for text in _texts_of(outcome) if form in text]
