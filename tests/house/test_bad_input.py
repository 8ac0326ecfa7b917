"""The front door and bad input: whatever is given to a public name, only errors of our own come out, and soon."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest

import wayhook as wh
from wayhook.testing import FakeTransport

CANARY = "canary-7"


def _nested(levels: int) -> tuple[dict[str, Any], list[Any]]:
    objects: dict[str, Any] = {}
    arrays: list[Any] = []
    for _ in range(levels):
        objects, arrays = {"a": objects}, [arrays]
    return objects, arrays


def _holding_itself() -> dict[str, Any]:
    data: dict[str, Any] = {}
    data["a"] = data
    return data


HOSTILE = [
    None, True, -1, 2**63, 10**5000, 1.5, float("nan"), Decimal("NaN"), Decimal("1E+999999"), "", "x", "\ud800",
    "a" * 100_000, b"\xff", [], {}, [None], {"a": None}, {1: 2}, {"\ud800": "\ud800"}, ["a"], set(), object(), int, len,
    datetime(2030, 1, 1, tzinfo=UTC), 3 + 4j, *_nested(3000), _holding_itself(), wh.variable("v"),
    wh.literal_secret(CANARY), wh.secret("env:A"), wh.expression("1"), wh.Guardrails.standard(),
    wh.Journey("J"), wh.Context(),
]  # fmt: skip

MADE = {
    "Attempt", "AttemptEnded", "Batch", "BreakerChanged", "Call", "Calls", "CanDeploy", "Capped", "DataSourceAnswer",
    "Edit", "Exchange", "ExecutionEnded", "Explanation", "ExpressionProblem", "Form", "FormField", "FormWidget",
    "FoundSecret", "Header", "Imported", "Interrupted", "JobRecord", "LeftOut", "Origin", "Outcome", "Page", "Paused",
    "Progress", "QueryParameter", "Request", "Response", "Results", "Retrying", "Standing", "StandingReport",
    "Stored", "TokenAttemptEnded", "Violation", "Waited",
}  # fmt: skip
"""Values that the library makes, and parts that are checked by the value that holds them."""


def _is_checked(name: str) -> bool:
    value = getattr(wh, name)
    if not callable(value) or name in MADE:
        return False
    is_class = inspect.isclass(value)
    if is_class and (issubclass(value, Exception | Enum) or getattr(value, "_is_protocol", False)):
        return False
    return not inspect.iscoroutinefunction(value) and name not in ("call", "HttpxTransport", "AwsSecrets")


NAMES = [name for name in wh.__all__ if _is_checked(name)]


def _calls(function: Callable[..., Any]) -> Iterator[dict[str, Any]]:
    """Arguments with one hostile value in each place in turn, beside a text and beside another of its kind."""
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = [p for p in inspect.signature(function).parameters.values() if p.kind not in kinds]
    required = [p.name for p in parameters if p.default is p.empty]
    for parameter in parameters:
        for value in HOSTILE:
            yield {**dict.fromkeys(required, "x"), parameter.name: value}
            yield {**dict.fromkeys(required, value), parameter.name: value}


def _called(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Call with arguments by name; those that have a place only get it."""
    places = [p for p in inspect.signature(function).parameters.values() if p.kind is p.POSITIONAL_ONLY]
    by_place = [arguments.get(p.name, p.default) for p in places]
    return function(*by_place, **{name: arguments[name] for name in arguments.keys() - {p.name for p in places}})


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_takes_what_fits_or_refuses_as_ours(name: str) -> None:
    """Numbers, nothing, deep, endless and foreign values are refused with a sentence, without the secret, in time."""
    function = getattr(wh, name)

    for arguments in _calls(function):
        began = time.perf_counter()
        try:
            shown = repr(_called(function, arguments))
        except wh.WayhookError as error:
            shown = str(error)
            assert shown
        assert CANARY not in shown
        assert time.perf_counter() - began < 5


NOW = datetime(2030, 1, 1, tzinfo=UTC)
ACTION, JOURNEY = wh.Action(name="A"), wh.Journey("J", [wh.ActionActivity("A", label="a")])
CAPPING = wh.CappingConfiguration("c", wh.CappingRule("https://h.example/*", wh.Rating(5)))


METHODS: dict[str, Callable[[Any], Any]] = {
    "duplicate": ACTION.duplicate,
    "duplicate a journey": JOURNEY.duplicate,
    "as_of": lambda bad: JOURNEY.as_of(NOW, bad),
    "activity": JOURNEY.activity,
    "deployed": lambda bad: CAPPING.deployed(guardrails=bad),
    "repository": lambda bad: wh.MemoryRepository(guardrails=bad),
    "evaluate": wh.expression("1").evaluate,
    "hold": wh.WindowLimiter().hold,
}


@pytest.mark.parametrize("bad", [7, "a name", b"x", "a" * 100_000], ids=["number", "name", "bytes", "long"])
@pytest.mark.parametrize("name", METHODS)
def test_a_method_refuses_as_ours(name: str, bad: Any) -> None:
    """A text is no collection of names, and nothing but an edition is one; what is long is not shown whole."""
    with pytest.raises(wh.WayhookError) as caught:
        METHODS[name](bad)

    assert 0 < len(str(caught.value)) < 300


def test_a_name_that_is_none_breaks_no_message() -> None:
    """What stands in the place of a name is told by its type."""
    with pytest.raises(wh.NotFound) as caught:
        JOURNEY.activity(_nested(3000)[0])  # type: ignore[arg-type]  # as it may come from a document

    assert str(caught.value).startswith("There is no activity of J named dict.")


@pytest.mark.parametrize("version", [-1, "1", 1.0, True])
async def test_an_expected_version_is_a_number(version: Any) -> None:
    """What is no version is a mistake of the caller, not a conflict with somebody else."""
    repository = wh.MemoryRepository()
    await repository.save(JOURNEY)

    with pytest.raises(wh.DefinitionError, match=r"\$\.expected_version"):
        await repository.save(JOURNEY, expected_version=version)
    with pytest.raises(wh.DefinitionError, match=r"\$\.expected_version"):
        await repository.delete(wh.Journey, "J", expected_version=version)


@pytest.mark.parametrize("secrets", [7, "env:S", ["env:S"]])
async def test_the_secrets_of_a_test_request_are_a_mapping(secrets: Any) -> None:
    """Anything else is refused before anything is sent."""
    transport = FakeTransport()
    action = wh.Action(name="A", url_configuration=wh.UrlConfiguration("https://h.example/", method="GET"))

    async with wh.Executor(transport=transport) as executor:
        with pytest.raises(wh.DefinitionError, match=r"\$\.secrets: .*R202"):
            await executor.send_test_request(action, secrets=secrets)

    assert transport.requests == []
