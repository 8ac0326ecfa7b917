"""The editions as data: every switch has a reason, is changed by itself, and changes what it says and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import attrs
import pytest

import wayhook as wh
from wayhook.model.edition import REASONS
from wayhook.testing import FakeClock, FakeTransport

STANDARD = wh.Guardrails.standard()
ORCHESTRATION = wh.Guardrails.journey_orchestration()
OPTIMIZER = wh.Guardrails.journey_optimizer()
SWITCHES = [field.name for field in attrs.fields(wh.Guardrails) if field.name != "edition"]
NO_SWITCHES = {"network", "data_policies"}

NOW = datetime(2030, 1, 1, tzinfo=UTC)
EVENT, END = wh.Activity("event", label="in"), wh.Activity("end", label="out")
SECRET = wh.secret("env:X")
LOST = wh.TransportError("the time was used up", wh.Evidence.EXPIRED)
LATER = wh.Response(429, (("retry-after", "60"),))


def action(**parts: Any) -> wh.Action:
    """An action that keeps every rule of every edition."""
    places = ("method", "headers", "query_parameters", "url")
    url = {"url": "https://h.example/v1", **{name: parts.pop(name) for name in places if name in parts}}
    return wh.Action(**{"name": "A", "url_configuration": wh.UrlConfiguration(**url), **parts})


def breaks(value: Any, rule: str) -> Any:
    """A probe: whether an edition refuses a value with a rule."""

    async def probe(rails: wh.Guardrails) -> bool:
        return rule in {violation.rule for violation in wh.violations(value, guardrails=rails)}

    return probe


def blocks(journey: wh.Journey, rule: str) -> Any:
    """A probe: whether an edition refuses the publication of a journey with a rule."""

    async def probe(rails: wh.Guardrails) -> bool:
        found = wh.publication_violations(
            journey, [action(required_marketing_action="email", **VARYING)], guardrails=rails
        )
        return rule in {violation.rule for violation in found}

    return probe


VARYING = {"headers": {"X-A": wh.variable("A", optional=True)}}
READING = wh.ActionActivity("A", label="a", headers={"X-A": wh.expression("@event{Signup.phone}")})
TO_WAIT = wh.Journey(
    "J",
    [
        wh.Activity("event", label="in", next=["a"]),
        wh.ActionActivity("A", label="a", next=["out"], alternative_path=True, on_error="w"),
        wh.Activity("wait", label="w", next=["out"]),
        END,
    ],
)
CUSTOM = {"endpoint": "https://id.example/t", "body_type": "json"}
TOLD = wh.CacheDuration(expiry_in_response="json://e", time_unit="minutes")


async def repeats(rails: wh.Guardrails) -> int:
    """A probe: how often a call is made that is answered with 404."""
    return len((await called(rails, wh.Response(404)))[0].requests)


async def follows(rails: wh.Guardrails) -> int:
    """A probe: how many addresses are called where each answer leads on to the next."""
    transport, _ = await called(rails, lambda request: wh.Response(302, (("location", request.url + "x"),)))
    return len({request.url for request in transport.requests})


async def waits(rails: wh.Guardrails) -> float:
    """A probe: after how many seconds a call ends that nobody answers."""
    return (await called(rails, wh.Response(200), seconds=1e6))[1].monotonic()


async def asks(rails: wh.Guardrails, reply: Any, *, calls: int = 1, method: str = "POST") -> int:
    """A probe: how many requests a destination gets of so many calls, one after the other, that it does not serve."""
    transport, _ = await called(rails, reply, seconds=0.6, calls=calls, method=method)
    return len(transport.requests)


async def called(
    rails: wh.Guardrails, reply: Any, *, seconds: float = 0.0, calls: int = 1, method: str = "POST"
) -> tuple[FakeTransport, FakeClock]:
    """The transport and the clock after so many calls."""
    clock = FakeClock()
    transport = FakeTransport(reply, clock=clock, seconds=seconds)
    async with wh.Executor(transport=transport, guardrails=rails, clock=clock, random=float) as executor:
        for _ in range(calls):
            await executor.call(action(method=method))
    return transport, clock


async def capped(rails: wh.Guardrails, *, seconds: float) -> int:
    """A probe: how many of three calls, one after the other, are above the cap of a host that answers so fast."""
    clock = FakeClock()
    transport = FakeTransport(wh.Response(200), clock=clock, seconds=seconds)
    async with wh.Executor(transport=transport, guardrails=rails, clock=clock) as executor:
        return [(await executor.call(action())).status for _ in range(3)].count("capped")


async def connections(rails: wh.Guardrails) -> int | None:
    """A probe: the limit of connections that a capping without one is deployed with."""
    capping = wh.CappingConfiguration("c", wh.CappingRule("https://h.example/*", wh.Rating(9)))
    deployed = capping.deployed(guardrails=rails).deployed_rule
    return deployed.action.max_http_connections


async def finishes(rails: wh.Guardrails) -> bool:
    """A probe: whether a journey that was closed 60 days ago is finished."""
    closed = wh.Journey("J").publish(NOW).close(NOW)
    return closed.as_of(NOW + timedelta(days=60), rails).status is wh.JourneyStatus.FINISHED


async def second_is_live(rails: wh.Guardrails) -> bool:
    """A probe: whether a second journey may be live."""
    return await all_saved(rails, *(wh.Journey(name).publish(NOW) for name in ("J", "K")))


async def closed_is_live(rails: wh.Guardrails) -> bool:
    """A probe: whether a journey that is closed keeps the place of the only one that may be live."""
    first = wh.Journey("J").publish(NOW)
    return not await all_saved(
        attrs.evolve(rails, live_journeys=1), first, first.close(NOW), wh.Journey("K").publish(NOW)
    )


async def all_saved(rails: wh.Guardrails, *journeys: wh.Journey) -> bool:
    """Whether all journeys are saved, one after the other; the limit of live ones alone may keep one from it."""
    calm = attrs.evolve(rails, canvas=False, journey_size=None)
    repository = wh.MemoryRepository(guardrails=calm)
    for journey in journeys:
        try:
            await repository.save(journey)
        except wh.DefinitionError as error:
            return any(violation.rule != "R299" for violation in error.violations)
    return True


FIXED = wh.message_parameters({"l": [{"m": [{"x": 1}]}]}, variables={"l": "L"})
PROBES: dict[str, tuple[Any, Any, Any, Any]] = {
    "methods": ({"POST", "GET"}, breaks(action(method="PATCH"), "R62"), False, True),
    "query_parameters": (False, breaks(action(query_parameters={"a": "1"}), "R82"), False, True),
    "responses": (False, breaks(action(response=wh.payload({"a": 1})), "R175"), False, True),
    "optional_variables": (False, breaks(action(**VARYING), "R148"), False, True),
    "content_type_editable": (
        False, breaks(action(headers={"Content-Type": "application/vnd.api+json"}), "R76"), False, True,
    ),
    "authentications": (
        {"none", "custom"}, breaks(action(authentication=wh.BasicAuthentication("u", SECRET)), "R90"), False, True,
    ),
    "body_formats": ({"json"}, breaks(action(body_format="form"), "R135"), False, True),
    "nested_lists": (wh.NestedLists.CONSTANT, breaks(action(message_parameters=FIXED), "R169"), False, True),
    "expiry_in_response": (
        False,
        breaks(action(authentication=wh.CustomAuthorization(**CUSTOM, cache_duration=TOLD)), "R120"),
        False,
        True,
    ),
    "nested_body_params": (
        False,
        breaks(action(authentication=wh.CustomAuthorization(**CUSTOM, body_params={"a": {"b": 1}})), "R125"),
        False,
        True,
    ),
    "name_length": (5, breaks(action(name="abcdef"), "R2"), False, True),
    "timeout_range": ((1, 60), breaks(wh.Journey("J", timeout=45), "R203"), True, False),
    "default_timeout": (9, waits, 5, 9),
    "repetition": (wh.Repetition.ANY, repeats, 1, 4),
    "retry_budget": (
        wh.RetryBudget(share=0, at_first=0, at_most=0),
        partial(asks, reply=wh.Response(503), method="GET"),
        4,
        1,
    ),
    "breaker": (wh.BreakerRule(calls=5), partial(asks, reply=LOST, calls=6), 6, 5),
    "destination_pauses": (False, partial(asks, reply=LATER, calls=2), 1, 2),
    "redirects": (2, follows, 1, 3),
    "network": (wh.NetworkPolicy(loopback=True), breaks(action(url="http://localhost:80/"), "R48"), True, False),
    "default_cap": (wh.Rating(1, 500), partial(capped, seconds=0.0), 0, 2),
    "slow_cap": (wh.Rating(1, 60_000), partial(capped, seconds=0.8), 0, 1),
    "default_connections": (7, connections, -1, 7),
    "canvas": (True, blocks(wh.Journey("J", [wh.ActionActivity("A", label="a")]), "R280"), False, True),
    "pauses": (False, breaks(wh.Journey("J", status="Paused"), "R231"), False, True),
    "dry_runs": (False, breaks(wh.Journey("J", status="Dry run"), "R230"), False, True),
    "select_package": (True, blocks(TO_WAIT, "R308"), False, True),
    "finished_after_days": (30, finishes, False, True),
    "live_journeys": (1, second_is_live, True, False),
    "live_statuses": ({wh.JourneyStatus.LIVE, wh.JourneyStatus.CLOSED}, closed_is_live, False, True),
    "journey_size": (50, blocks(wh.Journey("J", [EVENT, READING, END]), "R307"), False, True),
    "data_policies": (
        [wh.DataPolicy("email", ["@event{Signup.phone}"])],
        blocks(wh.Journey("J", [EVENT, READING, END]), "R306"),
        False,
        True,
    ),
}  # fmt: skip
"""Switch to another value than the standard one, what shows it, and what that gives before and after the change."""


def test_every_switch_has_a_probe_and_a_reason() -> None:
    """None is left out, and none is there that the editions do not have."""
    assert sorted(PROBES) == sorted(SWITCHES)
    assert sorted(REASONS) == sorted({*SWITCHES} - NO_SWITCHES)
    assert all(reason.endswith(".") for reason in REASONS.values())


@pytest.mark.parametrize("edition", [STANDARD, ORCHESTRATION, OPTIMIZER], ids=lambda rails: rails.edition)
@pytest.mark.parametrize("switch", PROBES)
def test_a_switch_is_a_value_by_itself(edition: wh.Guardrails, switch: str) -> None:
    """In every edition one switch is changed, the others stay, and changing it back gives the edition again."""
    value = getattr(attrs.evolve(STANDARD, **{switch: PROBES[switch][0]}), switch)

    changed = attrs.evolve(edition, **{switch: value})

    assert getattr(changed, switch) == value
    assert {name for name in SWITCHES if getattr(changed, name) != getattr(edition, name)} <= {switch}
    assert attrs.evolve(changed, **{switch: getattr(edition, switch)}) == edition


@pytest.mark.parametrize("switch", PROBES)
async def test_a_switch_changes_what_it_says_and_nothing_else(switch: str) -> None:
    """Its own probe gives another result, and that of every other switch the same as before."""
    changed = attrs.evolve(STANDARD, **{switch: PROBES[switch][0]})

    before = {name: await probe(STANDARD) for name, (_, probe, _, _) in PROBES.items()}
    after = {name: await probe(changed) for name, (_, probe, _, _) in PROBES.items()}

    assert (before[switch], after[switch]) == PROBES[switch][2:]
    assert {name for name in PROBES if after[name] != before[name]} == {switch}


def test_an_edition_is_named() -> None:
    """The name is told in refusals, and changes nothing else."""
    own = attrs.evolve(ORCHESTRATION, edition="ours")
    parameters = wh.UrlConfiguration("https://h.example", query_parameters={"a": "1"})

    [violation] = wh.violations(parameters, guardrails=own)

    assert "the edition ours has no query parameters" in violation.message
    assert attrs.evolve(own, edition="journey_orchestration") == ORCHESTRATION
