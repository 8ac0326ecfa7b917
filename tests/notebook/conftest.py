"""The action that the tests of this room call for rows, and a service that answers it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

import wayhook as wh
from wayhook.testing import Answer, LoopbackService, Received


def sms(url: str, **fields: object) -> wh.Action:
    """An action with a header and two parameters to fill in, one of them optional."""
    return wh.Action(
        name="SendSms",
        url_configuration=wh.UrlConfiguration(
            url, headers={"X-Campaign": wh.variable("Campaign", optional=True)}, query_parameters={"tenant": "acme"}
        ),
        message_parameters=wh.message_parameters(
            {"to": "+336", "text": "Hello", "priority": 1},
            variables={
                "to": "Recipient",
                "text": "Message",
                "priority": wh.variable("Priority", optional=True),
            },
        ),
        response=wh.payload({"id": "abc", "cost": {"amount": 1.5, "units": 1}}),
        failure_response=wh.payload({"error": "no"}),
        **fields,  # type: ignore[arg-type]  # of an action
    )


@pytest.fixture
def action() -> wh.Action:
    """The action, for a transport that sends nothing."""
    return sms("https://sms.example.com/v1/")


def respond(request: Received) -> Answer:
    """Take a message, but for those to `bad…`."""
    to = request.json()["to"]
    if to.startswith("bad"):
        return Answer(422, {"error": f"unknown {to}"})
    return Answer(202, {"id": f"m-{to}", "cost": {"amount": 0.5, "units": 2}})


@pytest.fixture
def service() -> Iterator[LoopbackService]:
    """A service of messages on this machine."""
    with LoopbackService(respond) as service:
        yield service


@pytest.fixture
def live(service: LoopbackService) -> wh.Action:
    """The action, of the service."""
    return sms(service.url)


@pytest.fixture
def _leaves_no_thread() -> Iterator[None]:
    """What a test starts has ended when it ends."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(5)  # one that has waited for a process of ours may have its last step before it
    assert set(threading.enumerate()) <= before
