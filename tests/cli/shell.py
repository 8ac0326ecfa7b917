"""Commands in this process and in one of their own, and what they call in the tests."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import attrs
import jsonschema
import pytest

import wayhook as wh
from wayhook.cli.command import main
from wayhook.cli.shape import SHAPES
from wayhook.testing import Answer, Received

SECRET = "canary-key-7"
VALUES = ("--values", "to=+33611111111", "--values", "text=Hi", "--values", "X-Campaign=c1")
COMMAND = [sys.executable, "-m", "wayhook"]


@attrs.frozen
class Done:
    """How a command ended: its exit code, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document that was printed."""
        return json.loads(self.out)


@attrs.frozen
class Shell:
    """Runs commands in this process."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: object, stdin: str | bytes = "") -> Done:
        """Run a command; `stdin`: what it can read."""
        content = stdin.encode() if isinstance(stdin, str) else stdin
        self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        self.capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        found = Done(code, *self.capsys.readouterr())
        assert SECRET not in found.out + found.err
        return found

    def json(self, *arguments: object, shape: str = "", stdin: str | bytes = "") -> Any:
        """Run a command with `--json`, and return its document, which has the documented shape of the command."""
        done = self(*arguments, "--json", stdin=stdin)
        document = done.json
        name = "an error" if set(document) == {"error"} else shape or str(arguments[0])
        jsonschema.validate(document, SHAPES[name])
        return document


def run(*arguments: object, env: Mapping[str, str], **more: Any) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=env, **more)


def respond(request: Received) -> Answer:
    """A messaging service: knows the key, refuses one recipient, fails for another, and gives tokens."""
    if request.path == "/token":
        known = b"client_secret=" + SECRET.encode() in request.body
        return Answer(200, {"access_token": "canary-token-8", "expires_in": 60}) if known else Answer(401)
    if request.headers.get("x-api-key") != SECRET:
        return Answer(401)
    to = request.json().get("to")
    if to == "nobody":
        return Answer(422, {"reason": "unknown"})
    return Answer(500) if to == "broken" else Answer(202, {"id": f"m-{to}", "queued": True})


def send_sms(url: str) -> wh.Action:
    """The action of these tests."""
    return wh.Action(
        name="SendSms",
        description="Sends a text.",
        url_configuration=wh.UrlConfiguration(f"{url}/v1", headers={"X-Campaign": wh.variable("Campaign id")}),
        authentication=wh.ApiKeyAuthentication("X-Api-Key", wh.secret("env:SMS_KEY")),
        message_parameters=wh.message_parameters(
            {"to": "+33600000000", "text": "Hello", "points": 1, "tags": ["a"]},
            variables={"to": "Recipient", "text": "Message", "points": wh.variable("Points", optional=True)},
        ),
        idempotency_header="Idempotency-Key",
        response=wh.payload({"id": "m-1", "queued": True}),
    )


def welcome() -> wh.Journey:
    """The journey of these tests."""
    activity = wh.ActionActivity(
        "SendSms",
        label="day1",
        headers={"X-Campaign": "welcome"},
        parameters={
            "to": wh.expression("@event{Signup.phone}"),
            "text": wh.expression("'Welcome, ' + @event{Signup.name, defaultValue: 'friend'}"),
            "points": wh.expression("@event{Signup.points}"),
        },
    )
    return wh.Journey("Welcome", [activity], timeout=10)


def connection(url: str) -> wh.Connection:
    """An authentication that asks for a token."""
    authorization = wh.CustomAuthorization(
        f"{url}/token",
        body_type="form",
        body_params={"client_secret": wh.secret("env:SMS_KEY")},
        cache_duration=wh.CacheDuration(1, wh.TimeUnit.HOURS),
    )
    return wh.Connection("crm", authorization)
