"""What limits, an access token and event sinks cost a call: processor time with a transport that only counts.

Each contender executes the same activity for the same contexts; they differ in what is attached. The time of the
threads in which sinks are called counts as well: each round ends when they have heard everything.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from time import process_time

import attrs
from measure import Report, turns
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from order import ANSWER, action, contexts, journey
from prometheus_client import CollectorRegistry

import wayhook as wh

URL = "https://orders.example.com"
ENDPOINT = "https://auth.example.com/token"
BARE = "nothing attached"
CAPPING = wh.CappingConfiguration("orders", wh.CappingRule(f"{URL}/v1/*", wh.Rating(1_000_000, 1000))).deployed()
TOKEN = wh.CustomAuthorization(
    ENDPOINT,
    body_type="form",
    body_params={"client_id": "shop", "client_secret": wh.secret("env:SHOP")},
    authorization_type="bearer",
)
ATTACHED = {
    BARE: frozenset(),
    "a deployed limit": frozenset({"limit"}),
    "a token": frozenset({"token"}),
    "an event sink": frozenset({"plain"}),
    "a direct sink": frozenset({"direct"}),
    "log lines": frozenset({"log"}),
    "Prometheus": frozenset({"prometheus"}),
    "OpenTelemetry": frozenset({"opentelemetry"}),
    "limit, token and events": frozenset({"limit", "token", "direct"}),
}


class Transport:
    """Answers at once, a token request with a token."""

    def __init__(self) -> None:
        self.calls, self.tokens = 0, 0
        self._answer = wh.Response(200, (("content-type", "application/json"),), json.dumps(ANSWER).encode())
        self._token = wh.Response(
            200, (), b'{"access_token":"ya29-8ZrLkQ0v3nq1H_5wC2bT7xYpE4mJ6aRsD9fGuN","expires_in":3600}'
        )

    async def send(self, request: wh.Request, deadline: float) -> wh.Response:  # noqa: ARG002 - the shape of the port
        """Count the request."""
        if request.url == ENDPOINT:
            self.tokens += 1
            return self._token
        self.calls += 1
        return self._answer

    async def aclose(self) -> None:
        """Nothing is open."""


class Sink:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.count = 0

    def emit(self, _: wh.Event) -> None:
        """Count."""
        self.count += 1


class Direct(Sink):
    """Is told in the middle of the call."""

    direct = True


def log_sink() -> wh.LogSink:
    """Lines at INFO that nobody reads."""
    logger = logging.getLogger("bench.attached")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(logging.FileHandler(os.devnull))
    return wh.LogSink(logger)


def opentelemetry_sink() -> wh.OpenTelemetrySink:
    """Spans and metrics that nobody exports."""
    return wh.OpenTelemetrySink(
        tracer_provider=TracerProvider(), meter_provider=MeterProvider([InMemoryMetricReader()])
    )


SINKS: dict[str, Callable[[], wh.EventSink]] = {
    "plain": Sink,
    "direct": Direct,
    "log": log_sink,
    "prometheus": lambda: wh.PrometheusSink(CollectorRegistry()),
    "opentelemetry": opentelemetry_sink,
}


class Heard:
    """A sink that passes on what it hears, and knows how much that was."""

    def __init__(self, sink: wh.EventSink) -> None:
        self._sink, self.direct, self.count = sink, getattr(sink, "direct", False), 0

    def emit(self, event: wh.Event) -> None:
        """Pass it on."""
        self._sink.emit(event)
        self.count += 1

    async def all_of(self, count: int) -> None:
        """Wait until it has heard so much."""
        while self.count < count:  # noqa: ASYNC110 - a thread counts
            await asyncio.sleep(0.001)


class Secrets:
    """Knows the one secret."""

    async def reveal(self, _: wh.SecretReference) -> str:
        """Return it."""
        return "s3cret"


async def opened(stack: AsyncExitStack, attached: frozenset[str]) -> tuple[wh.Executor, Transport, list[Heard]]:
    repository, transport = wh.MemoryRepository(), Transport()
    sinks = [Heard(SINKS[name]()) for name in attached & SINKS.keys()]
    order = action(URL)
    await repository.save(attrs.evolve(order, authentication=TOKEN) if "token" in attached else order)
    if "limit" in attached:
        await repository.save(CAPPING)
    executor = wh.Executor(repository, transport=transport, secrets=Secrets(), events=sinks)
    return await stack.enter_async_context(executor), transport, sinks


async def main() -> None:
    report = Report("What is attached to a call", "opentelemetry-sdk", "prometheus-client")
    calls, rounds = (500, 5) if report.quick else (2_000, 25)
    orders, subjects = journey(), list(contexts(calls))
    seconds = {name: [] for name in ATTACHED}
    async with AsyncExitStack() as stack:
        executors = {name: await opened(stack, attached) for name, attached in ATTACHED.items()}
        told = {}
        for name, (executor, transport, sinks) in executors.items():
            outcome = await executor.execute(orders, "confirm", subjects[0])
            assert outcome.response == ANSWER
            assert bool(transport.tokens) == ("token" in ATTACHED[name])
            told[name] = 2 + transport.tokens  # an attempt, an end, and an attempt to get a token
            for sink in sinks:
                await sink.all_of(told[name])
        for name in turns(executors, rounds):
            executor, _, sinks = executors[name]
            execute = executor.execute
            start = process_time()
            for context in subjects:
                await execute(orders, "confirm", context)
            told[name] += 2 * calls
            for sink in sinks:
                await sink.all_of(told[name])
            seconds[name].append((process_time() - start) / calls)
        assert all(transport.tokens <= 1 for _, transport, _ in executors.values())
    report.table(f"one after another, {calls:,} calls a round", seconds, baseline=BARE)
    more = {
        name: [own - bare for own, bare in zip(taken, seconds[BARE], strict=True)] for name, taken in seconds.items()
    }
    del more[BARE]
    report.table("beyond nothing attached", more, baseline="limit, token and events")
    report.write()


if __name__ == "__main__":
    asyncio.run(main())
