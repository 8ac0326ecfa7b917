"""Firebase Cloud Messaging, called through the action of the example."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode

import jwt
import pytest
from firebase_messaging import send_push
from stand_in.firebase import ACCOUNT, AUDIENCE, DEVICE, GONE, GRANT, PROJECT, SCOPE, Firebase, pem, private_key
from stand_in.service import FORM, JSON, ask

import wayhook as wh

PATH = f"{PROJECT}/messages:send"
PUSH = {"message.token": DEVICE, "message.notification.title": "Hi", "message.notification.body": "Ünï 🎁"}


@pytest.fixture
def firebase(monkeypatch: pytest.MonkeyPatch) -> Iterator[Firebase]:
    """The stand-in, and the key of its account."""
    with Firebase() as service:
        monkeypatch.setenv("FIREBASE_PRIVATE_KEY", pem(service.key))
        yield service


def push(service: Firebase, account: str = ACCOUNT) -> wh.Action:
    """The action, at the stand-in."""
    return send_push(account, messaging=service.url, login=service.url)


def paths(service: Firebase) -> list[str]:
    """The last step of each path that was called, in order."""
    return [request.path.rpartition("/")[2] for request in service.received]


def test_the_standard_edition_takes_it() -> None:
    """The action keeps the guardrails; the optimizer's own know no such grant."""
    editions = (wh.Guardrails.standard(), wh.Guardrails.journey_optimizer())

    found = [[violation.rule for violation in wh.violations(send_push(ACCOUNT), guardrails=e)] for e in editions]

    assert found == [[], ["R90"]]


async def test_a_message_is_sent(firebase: Firebase, executor: wh.Executor) -> None:
    """The signed assertion brings a token, and the nested message arrives with it."""
    outcome = await executor.call(push(firebase), PUSH | {"message.data.orderId": "7"}, path=PATH)

    assert outcome.raise_for_error().response == {"name": f"projects/{PROJECT}/messages/0:2"}
    asked, sent = firebase.received
    assert parse_qs(asked.body.decode())["grant_type"] == [GRANT]
    assert (sent.path, sent.headers["authorization"]) == (f"/v1/projects/{PATH}", "Bearer token-1")
    assert sent.json() == {
        "message": {
            "token": DEVICE,
            "notification": {"title": "Hi", "body": "Ünï 🎁"},
            "data": {"orderId": "7"},
            "android": {"priority": "high"},
        }
    }


async def test_a_token_serves_many_messages(firebase: Firebase, executor: wh.Executor) -> None:
    """The token is kept for the time that its answer tells, and every assertion has an id of its own."""
    for _ in range(3):
        await executor.call(push(firebase), PUSH, path=PATH)
    await executor.check_authentication(push(firebase))

    assert paths(firebase) == ["token", "messages:send", "messages:send", "messages:send", "token"]
    assertions = [parse_qs(firebase.received[i].body.decode())["assertion"][0] for i in (0, -1)]
    claims = [jwt.decode(each, options={"verify_signature": False}) for each in assertions]
    assert claims[0]["jti"] != claims[1]["jti"]


async def test_a_token_that_has_expired_is_renewed(firebase: Firebase, executor: wh.Executor) -> None:
    """After a 401 one message is sent once more, with a new token."""
    await executor.call(push(firebase), PUSH, path=PATH)
    firebase.tokens.expire()

    outcome = await executor.call(push(firebase), PUSH, path=PATH)

    assert [attempt.status for attempt in outcome.attempts] == [401, 200]
    assert paths(firebase)[2:] == ["messages:send", "token", "messages:send"]


async def test_another_key_sends_nothing(
    firebase: Firebase, executor: wh.Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An assertion that is signed with another key brings no token, and no message is sent."""
    other = pem(private_key("somebody else"))
    monkeypatch.setenv("FIREBASE_PRIVATE_KEY", other)

    outcome = await executor.call(push(firebase), PUSH, path=PATH)

    assert (outcome.status, type(outcome.cause)) == ("internalError", wh.AuthenticationFailed)
    assert paths(firebase) == ["token"]
    assert other.splitlines()[1] not in repr(outcome) + str(outcome.call) + outcome._repr_html_()


async def test_a_key_that_is_none_is_told(
    firebase: Firebase, executor: wh.Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is no key in PEM form is told without the text, and nobody is called."""
    monkeypatch.setenv("FIREBASE_PRIVATE_KEY", "the-text-of-no-key")

    outcome = await executor.call(push(firebase), PUSH, path=PATH)

    assert str(outcome.cause) == "the private key is no RSA key in PEM form without a passphrase; store it again"
    assert firebase.received == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"message.token": GONE}, ("http_404", "NOT_FOUND", "UNREGISTERED")),
        ({"message.token": "nonsense"}, ("http_400", "INVALID_ARGUMENT", "INVALID_ARGUMENT")),
        ({"message.token": ""}, ("http_400", "INVALID_ARGUMENT", "INVALID_ARGUMENT")),
    ],
)
async def test_a_bad_device_is_told(
    firebase: Firebase, executor: wh.Executor, values: dict[str, str], expected: tuple[str, str, str]
) -> None:
    """What is wrong with a message comes as the declared failure, the code of FCM among its details."""
    outcome = await executor.call(push(firebase), PUSH | values, path=PATH)

    error = outcome.response["error"]
    assert (outcome.status, error["status"], error["details"][0]["errorCode"]) == expected
    assert outcome.response_faults == ()


async def test_another_project_is_refused(firebase: Firebase, executor: wh.Executor) -> None:
    """The account may send for its own project only."""
    outcome = await executor.call(push(firebase), PUSH, path="shop-2/messages:send")

    assert (outcome.status, outcome.response["error"]["status"]) == ("http_403", "PERMISSION_DENIED")


async def test_a_message_above_the_quota_waits(firebase: Firebase, executor: wh.Executor, clock: Any) -> None:
    """A short Retry-After is obeyed."""
    firebase.too_fast, firebase.retry_after = 1, 2

    outcome = await executor.call(push(firebase), PUSH, path=PATH, timeout=10)

    assert (outcome.status, outcome.retries, clock.waits) == ("http_200", 1, [2.0])


async def test_a_wait_beyond_the_timeout_is_not_begun(firebase: Firebase, executor: wh.Executor, clock: Any) -> None:
    """Firebase asks for a minute unless it says otherwise: longer than a call may take, so the engine hears of it."""
    firebase.too_fast = 1

    outcome = await executor.call(push(firebase), PUSH, path=PATH, timeout=30)

    assert (outcome.status, outcome.retries, clock.waits) == ("http_429", 0, [])
    assert outcome.received.header("retry-after") == "60"  # type: ignore[union-attr]
    assert outcome.response["error"]["details"] == [{"errorCode": "QUOTA_EXCEEDED"}]


async def test_the_project_may_come_from_the_event(firebase: Firebase, loopback: wh.Guardrails) -> None:
    """A journey gives the path by an expression, and later activities read the name of the message."""
    repository = wh.MemoryRepository(guardrails=loopback)
    await repository.save(push(firebase))
    values = {
        "message.token": wh.expression("@event{Order.device}"),
        "message.notification.title": wh.expression("'Order ' + @event{Order.id}"),
        "message.notification.body": "On its way",
    }
    path = wh.expression("@event{Order.project} + '/messages:send'")
    activity = wh.ActionActivity("FirebasePush", label="push", path=path, parameters=values)
    context = wh.Context({"Order": {"device": DEVICE, "id": 7, "project": PROJECT}})

    async with wh.Executor(repository, guardrails=loopback) as executor:
        await executor.execute(wh.Journey("Shipping", [activity]), "push", context)

    assert firebase.received[-1].json()["message"]["notification"]["title"] == "Order 7"
    assert wh.expression("@action{FirebasePush.name}").evaluate(context) == f"projects/{PROJECT}/messages/0:2"


def assertion(key: Any, **claims: Any) -> str:
    """A form with an assertion that is good but for what is given: seconds from now; None leaves a claim out."""
    given = {"iss": ACCOUNT, "aud": AUDIENCE, "scope": SCOPE, "iat": 0, "exp": 600} | claims
    now = int(time.time())
    times = {name: now + given[name] for name in ("iat", "exp") if given[name] is not None}
    signed = jwt.encode({name: value for name, value in given.items() if value is not None} | times, key, "RS256")
    return urlencode({"grant_type": GRANT, "assertion": signed})


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({}, (200, None)),
        ({"aud": "https://fcm.googleapis.com/"}, (400, "invalid_grant")),
        ({"exp": -100}, (400, "invalid_grant")),
        ({"exp": 7200}, (400, "invalid_grant")),
        ({"iat": 1000, "exp": 1600}, (400, "invalid_grant")),
        ({"iat": None}, (400, "invalid_grant")),
        ({"iss": "other@shop-1.iam.gserviceaccount.com"}, (400, "invalid_grant")),
        ({"scope": "https://www.googleapis.com/auth/drive"}, (400, "invalid_scope")),
    ],
)
def test_the_assertion_is_verified(
    firebase: Firebase, claims: dict[str, Any], expected: tuple[int, str | None]
) -> None:
    """Audience, lifetime, issuer and scope of the assertion count."""
    answer = ask(f"{firebase.url}/token", "POST", FORM, assertion(firebase.key, **claims))

    assert (answer.status_code, answer.json().get("error")) == expected


def test_the_signature_is_verified(firebase: Firebase) -> None:
    """The key of somebody else signs nothing."""
    answer = ask(f"{firebase.url}/token", "POST", FORM, assertion(private_key("somebody else")))

    assert (answer.status_code, answer.json()["error_description"]) == (400, "Invalid JWT Signature.")


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (("GET", FORM, ""), (405, "invalid_request")),
        (("POST", JSON, "{}"), (400, "unsupported_grant_type")),
        (("POST", FORM, "grant_type=password"), (400, "unsupported_grant_type")),
        (("POST", FORM, urlencode({"grant_type": GRANT})), (400, "invalid_request")),
        (("POST", FORM, urlencode({"grant_type": GRANT, "assertion": "a.b.c"})), (400, "invalid_grant")),
    ],
)
def test_the_login_takes_its_grant_only(
    firebase: Firebase, sent: tuple[str, dict[str, str], str], expected: tuple[int, str]
) -> None:
    """A grant has its method, its format, its type and an assertion."""
    answer = ask(f"{firebase.url}/token", *sent)

    assert (answer.status_code, answer.json()["error"]) == expected


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (("POST", JSON, {"message": {"token": DEVICE}}), (200, None)),
        (("PUT", JSON, {"message": {"token": DEVICE}}), (404, "NOT_FOUND")),
        (("POST", FORM, {"message": {"token": DEVICE}}), (400, "INVALID_ARGUMENT")),
        (("POST", JSON, {"token": DEVICE}), (400, "INVALID_ARGUMENT")),
        (("POST", JSON, {"message": {"tokn": DEVICE}}), (400, "INVALID_ARGUMENT")),
        (("POST", JSON, {"message": {"token": DEVICE, "data": {"n": 7}}}), (400, "INVALID_ARGUMENT")),
    ],
)
def test_the_stand_in_takes_messages_only(
    firebase: Firebase, sent: tuple[str, dict[str, str], dict[str, Any]], expected: tuple[int, str | None]
) -> None:
    """A message has its method, its format, known fields, and texts as data."""
    method, headers, message = sent
    token = {"Authorization": f"Bearer {firebase.tokens.issue()}"}

    answer = ask(f"{firebase.url}/v1/projects/{PATH}", method, headers | token, json.dumps(message))

    assert (answer.status_code, answer.json().get("error", {}).get("status")) == expected


def test_a_message_needs_a_token(firebase: Firebase) -> None:
    """Without a token nothing is sent."""
    answer = ask(f"{firebase.url}/v1/projects/{PATH}", "POST", JSON, json.dumps({"message": {"token": DEVICE}}))

    assert (answer.status_code, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")
