"""The cards of the gallery: real values, made without a network, and the cards that they show.

`exhibit` puts them into pages; tests measure them in a browser.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import wayhook as wh
from wayhook.testing import FakeClock, FakeSecrets

SECRETS = FakeSecrets({"env:SMS_KEY": "key-of-the-gallery", "env:CRM_CLIENT": "client-of-the-gallery"})
NOON = datetime(2030, 1, 2, 12, tzinfo=UTC)

SEND_SMS = wh.Action(
    name="SendSms",
    description="One text message to one person",
    url_configuration=wh.UrlConfiguration(
        "https://sms.example.com/v1/",
        headers={"X-Campaign": wh.variable("Campaign id")},
        query_parameters={"tenant": "acme", "trace": wh.variable("Trace id", optional=True)},
    ),
    authentication=wh.ApiKeyAuthentication("X-Api-Key", wh.secret("env:SMS_KEY")),
    message_parameters=wh.message_parameters(
        {
            "to": "+33600000000",
            "text": "Hello",
            "priority": 1,
            "sender": {"name": "Shop", "reply": {"allowed": True, "until": "2030-01-01"}},
            "tags": ["welcome", "summer"],
        },
        variables={"to": "Recipient", "text": "Message", "sender.name": wh.variable("Sender", optional=True)},
    ),
    response=wh.payload({"id": "m-1", "queued": True, "cost": {"amount": 0.07, "currency": "EUR"}}),
    failure_response=wh.payload({"error": "no such number"}),
    channel=wh.Channel.SMS,
)
ADD_POINTS = wh.Action(
    name="AddPoints",
    url_configuration=wh.UrlConfiguration("https://crm.example.com/points/", method="PUT"),
    authentication=wh.CustomAuthorization(
        "https://login.example.com/token",
        body_type="form",
        body_params={"grant_type": "client_credentials", "client_secret": wh.secret("env:CRM_CLIENT")},
        cache_duration=wh.CacheDuration(30, wh.TimeUnit.MINUTES),
    ),
    message_parameters=wh.message_parameters({"points": 10}, variables={"points": "Points"}),
)
WELCOME = wh.Journey(
    "Welcome",
    [
        wh.Activity("event", label="Signup"),
        wh.ActionActivity(
            "SendSms",
            label="day1",
            path=wh.expression("'customers/' + @event{Signup.id}"),
            headers={"X-Campaign": "welcome"},
            parameters={
                "to": wh.expression("@event{Signup.phone}"),
                "text": wh.expression("'Welcome, ' + @event{Signup.name, defaultValue: 'friend'} + '!'"),
            },
            alternative_path=True,
        ),
        wh.Activity("wait", label="A week"),
        wh.ActionActivity("AddPoints", label="bonus", parameters={"points": 50}),
        wh.Activity("end", label="Done"),
    ],
    timeout=5,
    description="Greets everybody who signs up",
)
PERSON = wh.Context({"Signup": {"id": "c-17", "phone": "+33611111111"}})
VALUES = {"to": "+33611111111", "text": "Hi", "X-Campaign": "c1"}
PEOPLE = [VALUES, {**VALUES, "to": "+33622222222", "text": "Hi again"}, {**VALUES, "to": "+33633333333"}]
ACCEPTED = wh.Response(
    202,
    (("content-type", "application/json"), ("x-request-id", "4f1c")),
    b'{"id":"m-7","queued":true,"cost":{"amount":0.07,"currency":"EUR"}}',
)
_REPLIES: dict[str, list[tuple[float, wh.Response | wh.TransportError]]] = {
    "outcome": [
        (0.21, wh.Response(503)),
        (0.34, wh.TransportError("the connection was refused", wh.Evidence.NEVER_SENT)),
        (0.12, ACCEPTED),
    ],
    "outcome-rejected": [
        (0.08, wh.Response(400, (("content-type", "application/json"),), b'{"error":"no such number"}'))
    ],
    "outcome-unknown": [
        (0.9, wh.TransportError("the connection was lost before an answer came", wh.Evidence.AMBIGUOUS))
    ],
}


class Scripted:
    """A transport that answers from a script, each answer after its seconds."""

    def __init__(self, replies: Callable[[int], tuple[float, Any]], clock: FakeClock) -> None:
        self._replies, self._clock, self._count = replies, clock, 0

    async def send(self, request: wh.Request, deadline: float) -> wh.Response:  # noqa: ARG002 - none is so late
        """Answer."""
        seconds, reply = self._replies(self._count)
        self._count += 1
        self._clock.pass_time(seconds)
        if isinstance(reply, wh.TransportError):
            raise reply
        return reply

    async def aclose(self) -> None:
        """Nothing is open."""


def executor(replies: Callable[[int], tuple[float, Any]], repository: wh.MemoryRepository | None = None) -> wh.Executor:
    """An executor whose time is told by its transport."""
    clock = FakeClock(NOON)
    return wh.Executor(repository, transport=Scripted(replies, clock), secrets=SECRETS, clock=clock, random=lambda: 0.9)


async def outcome(name: str) -> wh.Outcome:
    """An outcome of the script of that name."""
    script = _REPLIES[name]
    async with executor(lambda count: script[min(count, len(script) - 1)]) as running:
        return await running.call(SEND_SMS, VALUES, path="messages", delivery_id="0123456789abcdef")


def _reply(count: int) -> tuple[float, wh.Response]:
    """What a busy service says: mostly yes, at times no, sometimes late."""
    spread = (count * 7919 % 1000) / 1000
    seconds = 0.012 * 1.9 ** (4 * spread**2) + (0.35 if count % 97 == 0 else 0.0)
    status = 400 if count % 41 == 0 else 404 if count % 83 == 0 else 202
    return seconds, ACCEPTED if status == ACCEPTED.status else wh.Response(status)


async def batch() -> wh.Batch:
    """A batch that is through."""
    repository = wh.MemoryRepository()
    await repository.save(SEND_SMS, ADD_POINTS, WELCOME)
    people = (wh.Context({"Signup": {"id": f"c-{n}", "phone": "+33611111111"}}) for n in range(1200))
    async with executor(_reply, repository) as running, running.batch("Welcome", "day1", people, concurrency=1) as made:
        async for _ in made:
            pass
    return made


async def page() -> wh.Page[wh.Action]:
    """What a repository lists."""
    repository = wh.MemoryRepository()
    await repository.save(SEND_SMS, ADD_POINTS)
    return await repository.list(wh.Action)


def refused() -> wh.DefinitionError:
    """Everything that is wrong with an action, at once."""
    try:
        wh.Action(name=7, body_format="xml", message_parameters=["to"])  # type: ignore[arg-type]  # wrong on purpose
    except wh.DefinitionError as error:
        return error
    raise AssertionError


def _throttling() -> wh.ThrottlingConfiguration:
    rule = wh.ThrottlingRule("https://sms.example.com/v1/*", ["POST"], 500, name="SMS")
    return wh.ThrottlingConfiguration("sms", rule).deployed(wh.Stamp("Ann", at=NOON))


def _capping() -> wh.CappingConfiguration:
    rule = wh.CappingRule("https://crm.example.com/points/*", wh.Rating(1000, 60_000))
    wider = wh.CappingRule("https://crm.example.com/*", wh.Rating(2000, 60_000, 100))
    return wh.CappingConfiguration("crm", rule).deployed().updated(wider, wh.Stamp("Ben", at=NOON + timedelta(days=1)))


@cache
def examples() -> dict[str, Any]:
    """The values of the gallery by name."""
    live = WELCOME.publish(NOON).new_version().publish(NOON + timedelta(days=30))
    return {
        "action": SEND_SMS,
        "message-parameters": SEND_SMS.message_parameters,
        "authentication": ADD_POINTS.authentication,
        "connection": wh.Connection("crm", ADD_POINTS.authentication, hosts={"crm.example.com"}),
        "url-configuration": SEND_SMS.url_configuration,
        "journey": live,
        "activity": WELCOME.activity("day1"),
        "preview": wh.preview(WELCOME, "day1", PERSON, actions=SEND_SMS),
        "dry-run": wh.map(SEND_SMS, PEOPLE, path="messages", dry_run=True, progress=False),
        "outcome": asyncio.run(outcome("outcome")),
        "outcome-rejected": asyncio.run(outcome("outcome-rejected")),
        "outcome-unknown": asyncio.run(outcome("outcome-unknown")),
        "attempt": asyncio.run(outcome("outcome")).attempts[1],
        "batch": asyncio.run(batch()),
        "violations": refused(),
        "check": wh.violations(wh.Action(name="Send SMS!", url_configuration=wh.UrlConfiguration("ftp://10.0.0.1"))),
        "throttling": _throttling(),
        "capping": _capping(),
        "page": asyncio.run(page()),
        "variable": wh.variable("Recipient"),
        "response": ACCEPTED,
        "expression": wh.expression(
            "if (@event{Order.total} > 100 and @event{Order.express} or @event{Order.gift}) "
            "then ('Dear ' + @event{Order.name, defaultValue: 'friend'}) else ('')"
        ),
        "import": wh.from_curl(
            "curl -k 'https://sms.example.com/v1/messages' -H 'X-Api-Key: of-the-gallery' --json '{\"to\": \"+33\"}'",
            name="SendSms",
            secrets={"X-Api-Key": "env:SMS_KEY"},
        ),
        "form": wh.form(SEND_SMS),
    }
