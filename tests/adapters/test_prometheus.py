"""Metrics for Prometheus: what is counted, and that the number of series is bounded."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from prometheus_client import CollectorRegistry, generate_latest

import wayhook as wh
from wayhook.adapters.telemetry import prometheus
from wayhook.testing import FakeClock, FakeSecrets, FakeTransport

HOST = "https://api.example.com"


@pytest.fixture
def clock() -> FakeClock:
    """A clock that moves only when somebody waits."""
    return FakeClock()


@pytest.fixture
def registry() -> CollectorRegistry:
    """A registry of this test alone."""
    return CollectorRegistry()


def action(name: str = "Ping", method: str = "PUT", **fields: Any) -> wh.Action:
    """An action without variables."""
    return wh.Action(name=name, url_configuration=wh.UrlConfiguration(f"{HOST}/v1", method=method), **fields)


def answers(clock: FakeClock, *statuses: int) -> FakeTransport:
    """Answers, each of which takes a quarter of a second."""
    return FakeTransport([wh.Response(status) for status in statuses], clock=clock, seconds=0.25)


async def test_attempts_and_executions_are_measured(registry: CollectorRegistry, clock: FakeClock) -> None:
    """By action, destination, method, and the class of the status."""
    parts = {"clock": clock, "random": lambda: 0.625, "events": [wh.PrometheusSink(registry)]}
    async with wh.Executor(transport=answers(clock, 500, 201), **parts) as executor:
        await executor.call(action())

    value = registry.get_sample_value
    attempt = {"destination": HOST, "method": "PUT"}
    assert value("wayhook_attempt_seconds_count", {**attempt, "result": "5xx"}) == 1
    assert value("wayhook_attempt_seconds_sum", {**attempt, "result": "2xx"}) == 0.25
    assert value("wayhook_executions_total", {"action": "Ping", "status": "http_2xx"}) == 1
    assert value("wayhook_execution_seconds_sum", {"action": "Ping"}) == 0.5625
    assert value("wayhook_retries_total", {"action": "Ping", "result": "5xx"}) == 1
    assert value("wayhook_wait_seconds_sum", {"destination": HOST, "reason": "backoff"}) == 0.0625


@pytest.mark.parametrize(
    ("reply", "result", "status"),
    [
        (wh.Response(404), "4xx", "http_4xx"),
        (wh.Response(999), "other", "http_other"),
        (wh.TransportError("x", wh.Evidence.REFUSED), "refused", "internalError"),
        (wh.TransportError("x", wh.Evidence.EXPIRED), "expired", "timedout"),
    ],
)
async def test_each_end_has_its_word(
    reply: Any, result: str, status: str, registry: CollectorRegistry, clock: FakeClock
) -> None:
    """Statuses by their class, the rest by the words that it has anyhow."""
    async with wh.Executor(
        transport=FakeTransport(reply), clock=clock, events=[wh.PrometheusSink(registry)]
    ) as executor:
        await executor.call(action(method="POST"))

    value = registry.get_sample_value
    assert value("wayhook_executions_total", {"action": "Ping", "status": status}) == 1
    assert value("wayhook_attempt_seconds_count", {"destination": HOST, "method": "POST", "result": result}) == 1


async def test_caps_pauses_and_breakers_are_counted(registry: CollectorRegistry, clock: FakeClock) -> None:
    """What keeps calls from being sent; one sink serves several executors."""
    sink = wh.PrometheusSink(registry)
    limiter = wh.WindowLimiter([wh.CappingRule(f"{HOST}/*", wh.Rating(1, 10_000))], clock=clock)
    rails = attrs.evolve(wh.Guardrails.standard(), breaker=wh.BreakerRule(calls=1, share=0.5))
    asks = wh.Response(503, (("retry-after", "5"),))

    async with wh.Executor(
        transport=FakeTransport(asks), clock=clock, limiter=limiter, guardrails=rails, events=[sink]
    ) as executor:
        await executor.call(action(method="POST"), timeout=1)
    async with wh.Executor(transport=FakeTransport(), clock=clock, limiter=limiter, events=[sink]) as executor:
        assert (await executor.call(action())).status == "capped"

    value = registry.get_sample_value
    assert value("wayhook_pauses_total", {"destination": HOST, "asked": "yes"}) == 1
    assert value("wayhook_breaker_changes_total", {"destination": HOST, "state": "open"}) == 1
    assert value("wayhook_capped_total", {"action": "Ping"}) == 1


async def test_attempts_to_get_a_token_are_measured(registry: CollectorRegistry, clock: FakeClock) -> None:
    """By their own destination, and not among the attempts of the action."""
    token = wh.CustomAuthorization(
        "https://auth.example.com/t",
        body_type="form",
        body_params={"client_secret": wh.secret("env:K")},
        token_in_response="response",
    )
    transport = FakeTransport([wh.Response(200, body=b"canary-token"), wh.Response(200)])
    parts = {"secrets": FakeSecrets({"env:K": "canary"}), "clock": clock, "events": [wh.PrometheusSink(registry)]}

    async with wh.Executor(transport=transport, **parts) as executor:
        await executor.call(action(authentication=token))

    labels = {"destination": "https://auth.example.com", "result": "2xx"}
    assert registry.get_sample_value("wayhook_token_attempt_seconds_count", labels) == 1
    shown = generate_latest(registry).decode()
    assert shown.count("wayhook_attempt_seconds_count{") == 1
    assert "canary" not in shown


async def test_the_number_of_series_is_bounded(
    registry: CollectorRegistry, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the first actions each has its own series, those that come later share one."""
    monkeypatch.setattr(prometheus, "MOST", 2)

    async with wh.Executor(transport=FakeTransport(), clock=clock, events=[wh.PrometheusSink(registry)]) as executor:
        for name in ("A", "B", "C", "D", "A"):
            await executor.call(action(name))

    counted = {
        sample.labels["action"]: sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == "wayhook_executions_total"
    }
    assert counted == {"A": 2, "B": 1, "(other)": 2}


def test_a_registry_that_has_the_metrics_is_refused(registry: CollectorRegistry) -> None:
    """Two sinks on one registry would count everything twice; the sentence says what to do."""
    wh.PrometheusSink(registry)

    with pytest.raises(wh.DefinitionError, match=r"^\$\.registry: this registry has metrics of Wayhook already; give"):
        wh.PrometheusSink(registry)


def test_what_is_no_registry_is_refused() -> None:
    """As everywhere, by our own error."""
    make: Callable[..., object] = wh.PrometheusSink

    with pytest.raises(wh.DefinitionError, match=r"^\$\.registry: a CollectorRegistry, or None, .+, not int$"):
        make(7)


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence says what to install."""
    monkeypatch.setitem(sys.modules, "prometheus_client", None)

    with pytest.raises(wh.MissingExtra, match=r"^metrics for .+: pip install 'wayhook\[prometheus\]'$"):
        wh.PrometheusSink()
