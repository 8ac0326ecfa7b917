"""Adobe's collection of events, called through the action of the example."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import attrs
import pytest
from adobe_io import log_event
from stand_in.adobe import CLIENT_ID, CLIENT_SECRET, INLET, ORGANISATION, Adobe
from stand_in.service import FORM, JSON, ask

import wayhook as wh

ORDER = {
    "body.xdmEntity._id": "order-7",
    "body.xdmEntity.timestamp": datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC),
    "body.xdmEntity.personID": "lea@example.com",
}
GRANT = f"grant_type=client_credentials&client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}&scope=openid%2CAdobeID"
EVENT = {
    "header": {"imsOrgId": ORGANISATION, "schemaRef": {"id": "s"}},
    "body": {"xdmEntity": {"_id": "1", "timestamp": "2030-01-02T03:04:05Z"}},
}
KEYS = {"x-api-key": CLIENT_ID, "x-gw-ims-org-id": ORGANISATION}


@pytest.fixture
def adobe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Adobe]:
    """The stand-in, and the secret that it knows."""
    monkeypatch.setenv("ADOBE_CLIENT_SECRET", CLIENT_SECRET)
    with Adobe() as service:
        yield service


def log(service: Adobe, client_id: str = CLIENT_ID, organisation: str = ORGANISATION) -> wh.Action:
    """The action, at the stand-in."""
    return log_event(client_id, organisation, collection=service.url, login=service.url)


def paths(service: Adobe) -> list[str]:
    """The first step of each path that was called, in order."""
    return [request.path.split("/")[1] for request in service.received]


@pytest.mark.rule("R44", "R46")
def test_hosts_of_adobe_io_need_a_policy() -> None:
    """Collection and login are no hosts with `.adobe.`; those of Adobe.io are, and a policy allows one by name."""
    collected = log_event(CLIENT_ID, ORGANISATION)
    behind_io = log_event(CLIENT_ID, ORGANISATION, collection="https://platform.adobe.io")
    policy = wh.NetworkPolicy(hosts={"platform.adobe.io"})

    found = [wh.violations(collected), wh.violations(behind_io)]
    allowed = wh.violations(behind_io, guardrails=wh.Guardrails.standard(network=policy))

    assert [[violation.rule for violation in violations] for violations in (*found, allowed)] == [[], ["R44"], []]


async def test_an_event_is_taken(adobe: Adobe, executor: wh.Executor) -> None:
    """The token is asked for in a form without a header, and the event carries token, key and organisation."""
    outcome = await executor.call(log(adobe), ORDER, path=INLET)

    assert outcome.raise_for_error().response == {
        "xactionId": "1584479347507:2153:2",
        "syncValidation": {"status": "pass"},
    }
    asked, taken = adobe.received
    assert "authorization" not in asked.headers
    assert parse_qs(asked.body.decode()) == {
        "grant_type": ["client_credentials"],
        "scope": ["openid,AdobeID,read_organizations"],
        "client_id": [CLIENT_ID],
        "client_secret": [CLIENT_SECRET],
    }
    assert taken.target == f"/collection/{INLET}?syncValidation=true"
    assert {name: taken.headers[name] for name in ("authorization", *KEYS)} == KEYS | {
        "authorization": "Bearer token-1"
    }
    assert taken.json()["body"]["xdmEntity"] == {
        "_id": "order-7",
        "timestamp": "2030-01-02T03:04:05Z",
        "personID": "lea@example.com",
        "eventType": "commerce.purchases",
    }


async def test_a_token_serves_for_the_time_that_its_answer_tells(adobe: Adobe, executor: wh.Executor) -> None:
    """A second event takes the kept token; the check tells a day less a second."""
    for _ in range(2):
        await executor.call(log(adobe), ORDER, path=INLET)

    checked = await executor.check_authentication(log(adobe))

    assert paths(adobe) == ["ims", "collection", "collection", "ims"]
    assert checked.response == {"token": "***", "lifetime": 86_399.0}


async def test_a_token_that_has_expired_is_renewed(adobe: Adobe, executor: wh.Executor) -> None:
    """After a 401 one event is sent once more, with a new token."""
    await executor.call(log(adobe), ORDER, path=INLET)
    adobe.tokens.expire()

    outcome = await executor.call(log(adobe), ORDER, path=INLET)

    assert [attempt.status for attempt in outcome.attempts] == [401, 200]
    assert paths(adobe)[2:] == ["collection", "ims", "collection"]


async def test_a_wrong_secret_sends_nothing(
    adobe: Adobe, executor: wh.Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a token no event is sent; the outcome says why, without the secret."""
    monkeypatch.setenv("ADOBE_CLIENT_SECRET", "wrong-one")

    outcome = await executor.call(log(adobe), ORDER, path=INLET)

    assert (outcome.status, type(outcome.cause)) == ("internalError", wh.AuthenticationFailed)
    assert paths(adobe) == ["ims"]
    assert "wrong-one" not in repr(outcome) + str(outcome.call) + outcome._repr_html_()


async def test_the_gateway_tells_its_code(adobe: Adobe, executor: wh.Executor) -> None:
    """Another organisation is refused before the service sees the event, in the gateway's form."""
    outcome = await executor.call(log(adobe, organisation="OTHER@AdobeOrg"), ORDER, path=INLET)

    assert (outcome.status, outcome.response["error_code"], outcome.response["title"]) == ("http_403", "403025", None)


async def test_a_bad_event_is_told(adobe: Adobe, executor: wh.Executor) -> None:
    """What is wrong with an event comes in the service's form."""
    outcome = await executor.call(log(adobe), ORDER | {"body.xdmEntity._id": ""}, path=INLET)

    assert (outcome.status, outcome.response["title"]) == ("http_400", "Invalid XDM Message Format")
    assert "validation of its schema" in outcome.response["report"]["message"]


async def test_an_event_above_the_rate_waits(adobe: Adobe, executor: wh.Executor, clock: Any) -> None:
    """After a 429 the event waits as long as Retry-After asks for, and is taken."""
    adobe.too_fast = 1

    outcome = await executor.call(log(adobe), ORDER, path=INLET, timeout=10)

    assert (outcome.status, outcome.retries, clock.waits) == ("http_200", 1, [2.0])


async def test_two_actions_share_a_connection(adobe: Adobe, loopback: wh.Guardrails) -> None:
    """The login kept as a connection is bound to its host, and the action names it."""
    action = log(adobe)
    repository = wh.MemoryRepository(guardrails=loopback)
    await repository.save(wh.Connection("Adobe", action.authentication, hosts={"127.0.0.1"}))
    await repository.save(attrs.evolve(action, authentication=wh.connection("Adobe")))

    async with wh.Executor(repository, guardrails=loopback) as executor:
        outcome = await executor.call("AdobeEvent", ORDER, path=INLET)

    assert outcome.succeeded


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (("POST", FORM, GRANT), (200, None)),
        (("GET", FORM, GRANT), (405, "invalid_request")),
        (("POST", JSON, GRANT), (400, "unsupported_grant_type")),
        (("POST", FORM, GRANT.replace("client_credentials", "password")), (400, "unsupported_grant_type")),
        (("POST", FORM, GRANT.replace(CLIENT_ID, "other")), (400, "invalid_client")),
        (("POST", FORM, GRANT.replace(CLIENT_SECRET, "other")), (400, "invalid_client")),
        (("POST", FORM, GRANT.replace("AdobeID", "everything")), (400, "invalid_scope")),
    ],
)
def test_the_login_takes_its_grant_only(
    adobe: Adobe, sent: tuple[str, dict[str, str], str], expected: tuple[int, str | None]
) -> None:
    """The client credentials are taken in a form, and each fault has its error word."""
    answer = ask(f"{adobe.url}/ims/token/v3", *sent)

    assert (answer.status_code, answer.json().get("error")) == expected


@pytest.mark.parametrize(
    ("left_out", "changed", "expected"),
    [
        ((), {}, (200, None)),
        (("Authorization",), {}, (401, "401010")),
        ((), {"Authorization": "Bearer other"}, (401, "401013")),
        (("x-api-key",), {}, (403, "403000")),
        ((), {"x-api-key": "other"}, (403, "403003")),
        (("x-gw-ims-org-id",), {}, (403, "403025")),
    ],
)
def test_the_gateway_asks_for_token_key_and_organisation(
    adobe: Adobe, left_out: tuple[str, ...], changed: dict[str, str], expected: tuple[int, str | None]
) -> None:
    """Each of the three headers is asked for."""
    headers = JSON | KEYS | {"Authorization": f"Bearer {adobe.tokens.issue()}"} | changed
    sent = {name: text for name, text in headers.items() if name not in left_out}

    answer = ask(f"{adobe.url}/collection/{INLET}", "POST", sent, json.dumps(EVENT))

    assert (answer.status_code, answer.json().get("error_code")) == expected


@pytest.mark.parametrize(
    ("inlet", "sent", "status"),
    [
        ("other", ("POST", JSON, json.dumps(EVENT)), 404),
        (INLET, ("PUT", JSON, json.dumps(EVENT)), 405),
        (INLET, ("POST", {"Content-Type": "text/plain"}, json.dumps(EVENT)), 400),
        (INLET, ("POST", JSON, "{"), 400),
        (INLET, ("POST", JSON, json.dumps({**EVENT, "header": {}})), 400),
        (INLET, ("POST", JSON, json.dumps({**EVENT, "body": {}})), 400),
    ],
)
def test_the_collection_takes_events_only(
    adobe: Adobe, inlet: str, sent: tuple[str, dict[str, str], str], status: int
) -> None:
    """An event has its inlet, its method, its format and its schema."""
    method, headers, content = sent
    token = {"Authorization": f"Bearer {adobe.tokens.issue()}"}

    answer = ask(f"{adobe.url}/collection/{inlet}", method, headers | KEYS | token, content)

    assert (answer.status_code, answer.json()["status"]) == (status, status)
