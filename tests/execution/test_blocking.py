"""Calls without await: in a script, and inside of a running event loop."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

import wayhook as wh
from wayhook.testing import Answer, FakeSecrets, FakeTransport, LoopbackService

Make = Callable[..., wh.Action]


def _echo(request: object) -> Answer:
    return Answer(201, request.json())


def test_a_script_calls(greet: wh.Action) -> None:
    """A call outside of any loop returns its outcome."""
    transport = FakeTransport(wh.Response(202))

    outcome = wh.call(greet, {"text": "Hi"}, path="a", transport=transport)

    assert outcome.status == "http_202"
    assert [request.url for request in transport.requests] == ["https://api.example.com/greet/a"]
    assert transport.closed


async def test_a_notebook_calls(greet: wh.Action) -> None:
    """A call inside of a running loop returns its outcome too, and leaves the loop alone."""
    before = asyncio.all_tasks()

    outcome = wh.call(greet, {"text": "Hi"}, transport=FakeTransport())

    assert outcome.status == "http_200"
    assert asyncio.all_tasks() == before


def test_it_takes_what_an_executor_takes(loopback: wh.Guardrails) -> None:
    """Guardrails and secrets are the executor's; the call goes over a real socket and leaves no thread."""
    threads = set(threading.enumerate())

    with LoopbackService(_echo) as service:
        action = wh.Action(
            name="Echo",
            url_configuration=wh.UrlConfiguration(service.url),
            authentication=wh.ApiKeyAuthentication("X-Key", wh.secret("env:K")),
            message_parameters=wh.message_parameters({"text": "x"}, variables={"text": "Text"}),
            response=wh.payload({"text": "x"}),
        )
        outcome = wh.call(action, {"text": "é"}, guardrails=loopback, secrets=FakeSecrets({"env:K": "k-1"}))

    assert (outcome.status, outcome.response) == ("http_201", {"text": "é"})
    assert service.received[0].headers["x-key"] == "k-1"
    assert set(threading.enumerate()) <= threads


def test_names_are_looked_up(repository: wh.MemoryRepository) -> None:
    """With a repository an action may be called by its name."""
    outcome = wh.call("Greet", {"text": "Hi"}, repository=repository, transport=FakeTransport())

    assert outcome.action == "Greet"


@pytest.mark.rule("R203")
def test_it_raises_as_an_executor_does(greet: wh.Action) -> None:
    """What is wrong with the definition is raised, not wrapped."""
    with pytest.raises(wh.DefinitionError, match="R203"):
        wh.call(greet, {"text": "Hi"}, timeout=31, transport=FakeTransport())
    with pytest.raises(wh.DefinitionError, match="R3"):
        wh.call(wh.Action(name="a b", url_configuration=greet.url_configuration), transport=FakeTransport())


def test_a_timeout_is_the_budget(ping: Make, loopback: wh.Guardrails) -> None:
    """A service that does not answer ends the call after the seconds given."""
    with LoopbackService(lambda _: Answer(delay=30)) as service:
        action = ping(url_configuration=wh.UrlConfiguration(service.url))
        outcome = wh.call(action, timeout=1, guardrails=loopback)

    assert outcome.status == "timedout"
    assert 1 <= outcome.elapsed < 1.25


def test_a_program_of_four_lines_runs() -> None:
    """A script that calls and prints ends by itself, without a word on the error stream."""
    program = """
import wayhook as wh
from wayhook.testing import LoopbackService
with LoopbackService() as service:
    rails = wh.Guardrails.standard(network=wh.NetworkPolicy(loopback=True))
    action = wh.Action(name="Ping", url_configuration=wh.UrlConfiguration(service.url, method="GET"))
    print(wh.call(action, guardrails=rails).status)
"""

    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "http_200\n", "")
