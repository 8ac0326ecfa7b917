"""The definitions that the tests of this room execute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import wayhook as wh
from wayhook.testing import FakeClock

Make = Callable[..., wh.Action]


@pytest.fixture
def clock() -> FakeClock:
    """A clock that moves only when somebody waits."""
    return FakeClock()


@pytest.fixture
def ping() -> Make:
    """Make an action without variables: `ping(method, **fields)`."""

    def make(method: str = "POST", **fields: Any) -> wh.Action:
        configuration = wh.UrlConfiguration("https://api.example.com/v1", method=method)
        return wh.Action(**{"name": "Ping", "url_configuration": configuration, **fields})

    return make


@pytest.fixture
def greet() -> wh.Action:
    """An action with one variable, `text`."""
    return wh.Action(
        name="Greet",
        url_configuration=wh.UrlConfiguration("https://api.example.com/greet"),
        message_parameters=wh.message_parameters({"text": "Hello"}, variables={"text": "Text"}),
    )


@pytest.fixture
def welcome() -> wh.Journey:
    """A journey that greets by the name in the event."""
    parameters = {"text": wh.expression("'Hello ' + @event{Signup.name}")}
    return wh.Journey("Welcome", [wh.ActionActivity("Greet", label="hello", parameters=parameters)], timeout=5)


@pytest.fixture
async def repository(greet: wh.Action, welcome: wh.Journey) -> wh.MemoryRepository:
    """A repository that keeps `greet` and `welcome`."""
    kept = wh.MemoryRepository()
    await kept.save(greet)
    await kept.save(welcome)
    return kept
