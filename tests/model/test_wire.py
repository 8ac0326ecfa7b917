"""What goes over the wire and what comes of it: calls, answers, outcomes."""

from __future__ import annotations

import pickle

import attrs
import pytest

import wayhook as wh
from wayhook.secret import AccessToken, Credential, SecretText

CANARY = "canary-7f3a"
KEY = wh.secret("env:KEY")


def answered(status: int, **parts) -> wh.Outcome:
    """The outcome of an answer."""
    return wh.Outcome("A", f"http_{status}", received=wh.Response(status), **parts)


def test_a_request_differs_from_its_call_in_the_secrets_only() -> None:
    """The secrets go behind the headers and the query; everything else is the call's, byte for byte."""
    call = wh.Call(
        "A",
        "POST",
        "https://h.example/v1?a=b",
        (("X-A", "1"),),
        b"{}",
        (
            Credential("query", "k&y", SecretText(KEY)),
            Credential("header", "Authorization", SecretText("Bearer ", AccessToken())),
            Credential("query", "last", SecretText(KEY)),
        ),
    )

    request = call.request({KEY: "s 3&c", AccessToken(): "t"})

    assert request == wh.Request(
        "POST",
        "https://h.example/v1?a=b&k%26y=s%203%26c&last=s%203%26c",
        (("X-A", "1"), ("Authorization", "Bearer t")),
        b"{}",
    )


def test_a_call_without_secrets_is_its_request() -> None:
    """Nothing is added where nothing is secret."""
    call = wh.Call("A", "GET", "https://h.example/", (("X-A", "1"),))

    assert call.request({}) == wh.Request("GET", "https://h.example/", (("X-A", "1"),), None)
    assert (call.masked_url, call.masked_headers) == (call.url, call.headers)


def test_a_call_prints_as_text() -> None:
    """Method, URL, headers and body are printed with labels in place of secrets."""
    credentials = (
        Credential("query", "key", SecretText(KEY)),
        Credential("header", "X-Key", SecretText(wh.literal_secret(CANARY))),
    )
    call = wh.Call("A", "POST", "https://h.example/", (("X-A", "1"),), '{"a":"é"}'.encode(), credentials)

    assert str(call) == 'POST https://h.example/?key=‹env:KEY›\nX-A: 1\nX-Key: ‹***›\n\n{"a":"é"}'
    assert repr(call) == "<Call A: POST https://h.example/?key=‹env:KEY›, 10 bytes>"
    assert str(attrs.evolve(call, body=None)).endswith("X-Key: ‹***›")
    assert repr(attrs.evolve(call, body=None)).endswith("no body>")


def test_a_request_shows_nothing_that_may_be_secret() -> None:
    """The repr of a request leaves out its query, its headers and its body."""
    request = wh.Request("GET", f"https://h.example/v1?key={CANARY}", (("X-Key", CANARY),), CANARY.encode())

    assert repr(request) == str(request) == "<Request GET https://h.example>"


@pytest.mark.rule("R189")
@pytest.mark.parametrize(
    ("status", "succeeded"),
    [(200, True), (201, True), (204, True), (299, True), (199, False), (300, False), (304, False), (400, False)],
)
def test_2xx_is_success(status, succeeded) -> None:
    """A status from 200 to 299 is success, of the answer and of the outcome."""
    assert wh.Response(status).succeeded is succeeded
    assert answered(status).succeeded is succeeded


def test_a_header_is_found_in_any_letter_case() -> None:
    """The first value of a header is returned, or None."""
    response = wh.Response(200, (("retry-after", "3"), ("set-cookie", "a"), ("set-cookie", "b")))

    assert response.header("Retry-After") == "3"
    assert response.header("Set-Cookie") == "a"
    assert response.header("X-None") is None


def test_a_body_is_read_as_text_whatever_it_is() -> None:
    """Bytes that are no UTF-8 are marked; a look shows the size and the fault, not the body."""
    response = wh.Response(200, (), b"\xc3\xa9\xff", "the body was cut")

    assert response.text == "é\ufffd"
    assert repr(response) == "<Response 200, 3 bytes, the body was cut>"
    assert repr(wh.Response(204)) == "<Response 204, 0 bytes>"


def test_a_success_raises_nothing() -> None:
    """`raise_for_error` gives a good outcome back."""
    outcome = answered(202)

    assert outcome.raise_for_error() is outcome


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        (answered(404), wh.Rejected),
        (answered(304), wh.Rejected),
        (wh.Outcome("A", "timedout"), wh.TimedOut),
        (wh.Outcome("A", "timedout", cause=wh.TimedOut("late")), wh.TimedOut),
        (wh.Outcome("A", "capped", cause=wh.Discarded("over")), wh.Discarded),
        (wh.Outcome("A", "internalError"), wh.ConnectionFailed),
        (wh.Outcome("A", "internalError", cause=wh.ConnectionFailed("reset")), wh.ConnectionFailed),
        (wh.Outcome("A", "internalError", cause=wh.AuthenticationFailed("401")), wh.AuthenticationFailed),
        (wh.Outcome("A", "internalError", cause=wh.SecretMissing("gone")), wh.SecretMissing),
    ],
)
def test_a_failure_raises_the_narrowest_error(outcome, error) -> None:
    """Each end has its error, which holds the outcome."""
    with pytest.raises(wh.ExecutionError) as caught:
        outcome.raise_for_error()

    assert type(caught.value) is error
    assert caught.value.outcome is outcome
    assert str(outcome.cause or "") in str(caught.value)


@pytest.mark.parametrize("error", [wh.MissingValue, wh.WrongType, wh.UnsafeCall, wh.DefinitionError])
def test_what_could_not_be_rendered_raises_its_own_error(error) -> None:
    """The error that kept a call from being made comes as it was."""
    cause = error([wh.Violation("$.path", "no")])

    with pytest.raises(error) as caught:
        wh.Outcome("A", "internalError", cause=cause).raise_for_error()

    assert caught.value is cause


@pytest.mark.parametrize(
    ("count", "retries", "words"), [(0, 0, "0 attempts"), (1, 0, "1 attempt"), (4, 3, "4 attempts")]
)
def test_an_outcome_counts_its_attempts(count, retries, words) -> None:
    """Retries are the attempts after the first; the sentence of an outcome counts the attempts."""
    attempts = tuple(wh.Attempt(i + 1, wh.Evidence.PERMANENT, 500, "", 0, 0.1) for i in range(count))
    outcome = answered(500, attempts=attempts, elapsed=1.23456)

    assert outcome.retries == retries
    assert str(outcome) == f"A http_500 after {words} in 1.235 s"
    assert repr(outcome) == f"<Outcome {outcome}>"


def test_an_outcome_says_why() -> None:
    """The cause is part of the sentence."""
    assert str(wh.Outcome("A", "capped", cause=wh.Discarded("over the rate"))) == (
        "A capped after 0 attempts in 0.000 s: over the rate"
    )


def test_an_outcome_shows_no_secret() -> None:
    """Sentence, repr and card of an outcome mask what the call carries."""
    action = wh.Action(
        name="A",
        url_configuration=wh.UrlConfiguration("https://h.example"),
        authentication=wh.ApiKeyAuthentication("key", wh.literal_secret(CANARY), location="query"),
    )
    outcome = answered(500, call=wh.preview(action))

    assert CANARY not in f"{outcome} {outcome!r} {outcome._repr_html_()} {outcome.call} {outcome.call!r}"


def test_an_outcome_travels_between_processes() -> None:
    """An outcome and all its parts come back equal from a pickle."""
    call = wh.Call(
        "A", "POST", "https://h.example/", (("X-A", "1"),), b"{}", (Credential("header", "K", SecretText(KEY)),)
    )
    outcome = answered(
        200,
        call=call,
        attempts=(wh.Attempt(1, wh.Evidence.DELIVERED, 200, "", 0.0, 0.1),),
        response={"id": "abc"},
        index=7,
    )

    assert pickle.loads(pickle.dumps(outcome)) == outcome
