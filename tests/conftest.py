"""What every test shares: no network beyond loopback, the sample of the house, hypothesis profiles."""

from __future__ import annotations

import os
import socket

import pytest
from hypothesis import HealthCheck, settings

import wayhook as wh

settings.register_profile("quick", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

LOOPBACK = ("127.", "::1", "localhost")


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Close sockets to everything but this machine: a test never reaches the network by accident."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if self.family != socket.AF_UNIX and not str(address[0]).startswith(LOOPBACK):  # type: ignore[index]
            raise AssertionError(f"a test tried to reach {address}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture
def loopback() -> wh.Guardrails:
    """The standard edition, with this machine allowed."""
    return wh.Guardrails.standard(network=wh.NetworkPolicy(loopback=True))


@pytest.fixture
def send_sms() -> wh.Action:
    """The action of the README."""
    return wh.Action(
        name="SendSms",
        url_configuration=wh.UrlConfiguration(
            "https://sms.example.com/v1/",
            headers={"X-Campaign": wh.variable("Campaign id")},
            query_parameters={"tenant": "acme"},
        ),
        authentication=wh.ApiKeyAuthentication("X-Api-Key", wh.secret("env:SMS_KEY")),
        message_parameters=wh.message_parameters(
            {"to": "+33600000000", "text": "Hello", "priority": 1}, variables={"to": "Recipient", "text": "Message"}
        ),
        response=wh.payload({"id": "abc", "queued": True}),
    )
