"""An Epsilon-style message service, called through the action of the example."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from epsilon_message import send_message
from stand_in.epsilon import CLIENT, ENVIRONMENT, Epsilon
from stand_in.service import FORM, JSON, ask

import wayhook as wh

LEA = {"to": "lea@example.com", "vars.firstName": "Lea"}
BASIC = {"Authorization": "Basic " + base64.b64encode(":".join(CLIENT).encode()).decode()}
GRANT = "grant_type=password&scope=cn+mail&username=robot&password=password-56"


@pytest.fixture
def epsilon(monkeypatch: pytest.MonkeyPatch) -> Iterator[Epsilon]:
    """The stand-in, and the credentials that it knows."""
    for name, text in ENVIRONMENT.items():
        monkeypatch.setenv(name, text)
    with Epsilon() as service:
        yield service


def paths(service: Epsilon) -> list[str]:
    """The last step of each path that was called, in order."""
    return [request.path.rpartition("/")[2] for request in service.received]


@pytest.mark.parametrize("edition", ["standard", "journey_optimizer"])
def test_both_editions_with_responses_take_it(edition: str) -> None:
    """The action keeps the guardrails at the service's own address."""
    found = wh.violations(send_message(), guardrails=getattr(wh.Guardrails, edition)())

    assert list(found) == []


async def test_a_message_is_queued(epsilon: Epsilon, executor: wh.Executor) -> None:
    """A token is asked for once, by a form with a Basic client, and serves both messages."""
    outcomes = [await executor.call(send_message(epsilon.url), LEA) for _ in range(2)]

    assert [outcome.response for outcome in outcomes] == [
        {"id": "m-2", "status": "queued"},
        {"id": "m-3", "status": "queued"},
    ]
    assert paths(epsilon) == ["access_token", "messages", "messages"]
    assert epsilon.received[0].headers["content-type"] == "application/x-www-form-urlencoded; charset=UTF-8"
    assert epsilon.received[1].json() == {
        "template": "welcome-01",
        "to": "lea@example.com",
        "vars": {"firstName": "Lea"},
    }


async def test_a_token_that_has_expired_is_renewed(epsilon: Epsilon, executor: wh.Executor) -> None:
    """After a 401 one message is sent once more, with a new token."""
    await executor.call(send_message(epsilon.url), LEA)
    epsilon.tokens.expire()

    outcome = await executor.call(send_message(epsilon.url), LEA)

    assert outcome.succeeded
    assert [attempt.status for attempt in outcome.attempts] == [401, 202]
    assert paths(epsilon)[2:] == ["messages", "access_token", "messages"]


@pytest.mark.parametrize(
    ("name", "status"), [("EPSILON_CLIENT_SECRET", 401), ("EPSILON_PASSWORD", 400), ("EPSILON_USER", 400)]
)
async def test_a_wrong_credential_sends_nothing(
    epsilon: Epsilon, executor: wh.Executor, monkeypatch: pytest.MonkeyPatch, name: str, status: int
) -> None:
    """Without a token the message is not sent; the outcome says why, without any secret."""
    monkeypatch.setenv(name, "wrong-one")

    outcome = await executor.call(send_message(epsilon.url), LEA)

    assert (outcome.status, type(outcome.cause)) == ("internalError", wh.AuthenticationFailed)
    assert f"answered with {status}" in str(outcome.cause)
    assert paths(epsilon) == ["access_token"]
    assert "wrong-one" not in repr(outcome) + str(outcome.call) + outcome._repr_html_()


async def test_the_check_shows_what_came_back(epsilon: Epsilon, executor: wh.Executor) -> None:
    """The token call alone can be tried: lifetime and shape of the answer show, the token does not."""
    checked = await executor.check_authentication(send_message(epsilon.url))

    assert (checked.status, checked.response) == ("http_200", {"token": "***", "lifetime": 300.0})
    assert paths(epsilon) == ["access_token"]


@pytest.mark.parametrize(("to", "code"), [("nobody", "INVALID_RECIPIENT"), ("", "INVALID_RECIPIENT")])
async def test_a_bad_recipient_is_told(epsilon: Epsilon, executor: wh.Executor, to: str, code: str) -> None:
    """What is wrong with a message comes as the declared failure, and is not sent again."""
    outcome = await executor.call(send_message(epsilon.url), LEA | {"to": to})

    assert (outcome.status, outcome.response["error"]["code"], outcome.retries) == ("http_422", code, 0)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (("POST", FORM | BASIC, GRANT), (200, None)),
        (("GET", FORM | BASIC, GRANT), (405, "invalid_request")),
        (("POST", FORM, GRANT), (401, "invalid_client")),
        (("POST", JSON | BASIC, GRANT), (400, "invalid_request")),
        (
            ("POST", FORM | BASIC, GRANT.replace("grant_type=password", "grant_type=implicit")),
            (400, "unsupported_grant_type"),
        ),
        (("POST", FORM | BASIC, GRANT.replace("mail", "everything")), (400, "invalid_scope")),
        (("POST", FORM | BASIC, GRANT.replace("-56", "")), (400, "invalid_grant")),
    ],
)
def test_the_token_endpoint_keeps_its_rfc(
    epsilon: Epsilon, sent: tuple[str, dict[str, str], str], expected: tuple[int, str | None]
) -> None:
    """The password grant of RFC 6749 is taken, and each fault has the error word of section 5.2."""
    answer = ask(f"{epsilon.url}/Epsilon/oauth2/access_token", *sent)

    assert (answer.status_code, answer.json().get("error")) == expected


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (("POST", JSON, '{"template":"welcome-01","to":"a@b.c"}'), (202, None)),
        (("PUT", JSON, '{"template":"welcome-01","to":"a@b.c"}'), (405, "METHOD_NOT_ALLOWED")),
        (("POST", FORM, "template=welcome-01"), (415, "UNSUPPORTED_MEDIA_TYPE")),
        (("POST", JSON, '{"template":'), (400, "MALFORMED")),
        (("POST", JSON, '{"to":"a@b.c"}'), (422, "UNKNOWN_TEMPLATE")),
    ],
)
def test_the_stand_in_takes_messages_only(
    epsilon: Epsilon, sent: tuple[str, dict[str, str], str], expected: tuple[int, str | None]
) -> None:
    """A message has its method, its format, a template and a recipient."""
    method, headers, content = sent
    token = {"Authorization": f"Bearer {epsilon.tokens.issue()}"}

    answer = ask(f"{epsilon.url}/v4/messages", method, headers | token, content)

    assert (answer.status_code, answer.json().get("error", {}).get("code")) == expected
