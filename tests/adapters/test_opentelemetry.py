"""Spans by the conventions for HTTP clients, with true times and links, and metrics; no secret in any attribute."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

import wayhook as wh
from wayhook.testing import FakeClock, FakeSecrets, FakeTransport

START = int(datetime(2030, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000_000


class Telemetry:
    """A sink with an SDK that keeps what it is told."""

    def __init__(self, **settings: Any) -> None:
        self._exporter, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        meters = MeterProvider([self._reader], shutdown_on_exit=False)
        self.sink = wh.OpenTelemetrySink(tracer_provider=self.tracers, meter_provider=meters, **settings)

    @property
    def spans(self) -> list[ReadableSpan]:
        """The finished spans, by their start; of those that start together the parent first."""
        kinds = (SpanKind.INTERNAL, SpanKind.CLIENT)
        return sorted(self._exporter.get_finished_spans(), key=lambda span: (span.start_time, kinds.index(span.kind)))

    def points(self, name: str) -> list[tuple[dict[str, Any], Any]]:
        """The points of a metric: attributes and value, or count and sum."""
        data = self._reader.get_metrics_data()
        scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics] if data else []
        metrics = [metric for scope in scopes for metric in scope.metrics if metric.name == name]
        return [
            (dict(point.attributes or {}), point.value if hasattr(point, "value") else (point.count, point.sum))
            for metric in metrics
            for point in metric.data.data_points
        ]


@pytest.fixture
def telemetry() -> Telemetry:
    """A sink, and what it told."""
    return Telemetry()


@pytest.fixture
def clock() -> FakeClock:
    """A clock that moves only when somebody waits."""
    return FakeClock()


def action(url: str = "https://api.example.com/v1/a", method: str = "PUT", **fields: Any) -> wh.Action:
    """An action without variables."""
    return wh.Action(name="Ping", url_configuration=wh.UrlConfiguration(url, method=method), **fields)


def answers(clock: FakeClock, *statuses: int, seconds: float = 0.25) -> FakeTransport:
    """Answers, each of which takes a quarter of a second."""
    return FakeTransport([wh.Response(status) for status in statuses], clock=clock, seconds=seconds)


async def called(telemetry: Telemetry, transport: FakeTransport, clock: FakeClock, **fields: Any) -> wh.Outcome:
    """How a call of an action with these fields ended, when all is told."""
    rails = wh.Guardrails.standard(network=wh.NetworkPolicy(ports=[8443]))
    parts = {"clock": clock, "random": lambda: 0.625, "events": [telemetry.sink], "guardrails": rails}
    async with wh.Executor(transport=transport, secrets=FakeSecrets({"env:K": "canary"}), **parts) as executor:
        return await executor.call(fields.pop("action", None) or action(**fields))


async def test_an_execution_is_a_span_with_its_attempts(telemetry: Telemetry, clock: FakeClock) -> None:
    """One span of the execution, and below it a client span for each attempt, at the times of the executor's clock."""
    outcome = await called(telemetry, answers(clock, 500, 201), clock)

    execution, first, second = telemetry.spans
    assert (execution.name, execution.kind, execution.parent) == ("execute Ping", SpanKind.INTERNAL, None)
    assert dict(execution.attributes or {}) == {
        "wayhook.action": "Ping",
        "wayhook.delivery_id": outcome.delivery_id,
        "wayhook.status": "http_201",
        "wayhook.delivery": "delivered",
        "wayhook.attempts": 2,
        "wayhook.queued": 0.0,
    }
    assert execution.status.status_code is StatusCode.UNSET
    for span in (first, second):
        assert (span.name, span.kind) == ("PUT", SpanKind.CLIENT)
        assert span.parent is not None
        assert span.parent.span_id == execution.context.span_id
    times = [(span.start_time, span.end_time) for span in (execution, first, second)]
    assert [(start - START, end - START) for start, end in times] == [
        (0, 562_500_000), (0, 250_000_000), (312_500_000, 562_500_000),
    ]  # fmt: skip


async def test_an_attempt_has_the_attributes_of_the_conventions(telemetry: Telemetry, clock: FakeClock) -> None:
    """Method, server, URL, status, and what kind of error; a resend says the how-manieth it is."""
    await called(telemetry, answers(clock, 500, 201), clock, url="https://api.example.com:8443/v1/a")

    _, first, second = telemetry.spans
    common = {
        "http.request.method": "PUT",
        "server.address": "api.example.com",
        "server.port": 8443,
        "url.full": "https://api.example.com:8443/v1/a",
    }
    assert dict(first.attributes or {}) == {
        **common, "http.response.status_code": 500, "error.type": "500", "wayhook.delivery": "unknown",
    }  # fmt: skip
    assert dict(second.attributes or {}) == {
        **common, "http.response.status_code": 201, "http.request.resend_count": 1, "wayhook.delivery": "delivered",
    }  # fmt: skip
    assert (first.status.status_code, second.status.status_code) == (StatusCode.ERROR, StatusCode.UNSET)


async def test_a_retry_has_a_link_to_the_attempt_before_it(telemetry: Telemetry, clock: FakeClock) -> None:
    """Each leads back to the one that failed."""
    await called(telemetry, answers(clock, 500, 503, 200), clock)

    _, *attempts = telemetry.spans
    links = [[link.context.span_id for link in span.links] for span in attempts]
    assert links == [[], [attempts[0].context.span_id], [attempts[1].context.span_id]]


@pytest.mark.parametrize(
    ("evidence", "word"), [("NEVER_SENT", "never_sent"), ("AMBIGUOUS", "ambiguous"), ("REFUSED", "refused")]
)
async def test_an_attempt_without_an_answer_says_what_it_proves(
    evidence: str, word: str, telemetry: Telemetry, clock: FakeClock
) -> None:
    """There is no status then, and the type of the error is the word of the evidence."""
    failure = wh.TransportError("canary", wh.Evidence[evidence])

    await called(telemetry, FakeTransport(failure, clock=clock), clock, method="POST")

    execution, attempt, *_ = telemetry.spans
    assert attempt.attributes is not None
    assert attempt.attributes["error.type"] == word
    assert "http.response.status_code" not in attempt.attributes
    assert execution.attributes is not None
    assert (execution.attributes["error.type"], execution.status.status_code) == ("internalError", StatusCode.ERROR)


async def test_the_parent_is_the_span_in_which_the_call_was_made(telemetry: Telemetry, clock: FakeClock) -> None:
    """Each of several callers has its own, although a thread makes the spans."""
    tracer = telemetry.tracers.get_tracer("host")

    async def request(number: int) -> None:
        with tracer.start_as_current_span(f"request {number}"):
            await executor.call(action(), delivery_id=f"id-{number}")

    async with wh.Executor(transport=FakeTransport(), clock=clock, events=[telemetry.sink]) as executor:
        await asyncio.gather(*(request(number) for number in range(5)))

    requests = {s.context.span_id: s.name for s in telemetry.spans if s.name.startswith("request")}
    executions = [span for span in telemetry.spans if span.name == "execute Ping"]
    told = [(s.attributes["wayhook.delivery_id"], requests[s.parent.span_id]) for s in executions]  # type: ignore[index, union-attr]
    assert sorted(told) == [(f"id-{number}", f"request {number}") for number in range(5)]


async def test_a_batch_is_told_with_journey_label_and_index(telemetry: Telemetry, clock: FakeClock) -> None:
    """The span says which activity it was, and for which context."""
    repository = wh.MemoryRepository()
    await repository.save(action(), wh.Journey("Welcome", [wh.ActionActivity("Ping", label="p")]))
    contexts = [wh.Context() for _ in range(2)]

    async with (
        wh.Executor(repository, transport=FakeTransport(), clock=clock, events=[telemetry.sink]) as executor,
        executor.batch("Welcome", "p", contexts) as batch,
    ):
        _ = [outcome async for outcome in batch]

    told = [span.attributes for span in telemetry.spans if span.name == "execute Ping"]
    assert {(a["wayhook.journey"], a["wayhook.label"], a["wayhook.index"]) for a in told if a} == {
        ("Welcome", "p", 0), ("Welcome", "p", 1),
    }  # fmt: skip


async def test_what_is_left_out_on_purpose_is_no_error(telemetry: Telemetry, clock: FakeClock) -> None:
    """A dry run has a span without attempts, and no status of an error."""
    repository = wh.MemoryRepository()
    journey = wh.Journey("Welcome", [wh.ActionActivity("Ping", label="p")])
    await repository.save(action(), attrs.evolve(journey, status=wh.JourneyStatus.DRY_RUN))

    async with wh.Executor(repository, transport=FakeTransport(), clock=clock, events=[telemetry.sink]) as executor:
        await executor.execute("Welcome", "p", wh.Context())

    [span] = telemetry.spans
    assert span.attributes is not None
    assert (span.attributes["wayhook.status"], span.status.status_code) == ("dryRun", StatusCode.UNSET)


SECRETIVE = {
    "path": (wh.ApiKeyAuthentication("hook", wh.secret("env:K"), location="path"), "/v1/a/‹env:K›?q=REDACTED"),
    "query": (wh.ApiKeyAuthentication("key", wh.secret("env:K"), location="query"), "/v1/a?q=REDACTED&key=REDACTED"),
    "header": (wh.BearerAuthentication(wh.secret("env:K")), "/v1/a?q=REDACTED"),
}


@pytest.mark.parametrize("where", SECRETIVE)
async def test_the_url_shows_no_secret_and_no_value_of_the_query(
    where: str, telemetry: Telemetry, clock: FakeClock
) -> None:
    """A secret is shown by its label, what stands in the query is not shown."""
    authentication, shown = SECRETIVE[where]
    url = wh.UrlConfiguration("https://api.example.com/v1/a", query_parameters={"q": "a person"})
    sent = answers(clock, 200)

    await called(
        telemetry, sent, clock, action=wh.Action(name="Ping", url_configuration=url, authentication=authentication)
    )

    assert "canary" in f"{sent.requests[0].url} {sent.requests[0].headers}"
    [_, attempt] = telemetry.spans
    assert attempt.attributes is not None
    assert attempt.attributes["url.full"] == f"https://api.example.com{shown}"
    everything = "".join(span.to_json() for span in telemetry.spans)
    assert "canary" not in everything
    assert "a person" not in everything


async def test_paths_are_left_out_where_that_is_wanted(clock: FakeClock) -> None:
    """A dynamic path may hold what is nobody's business."""
    telemetry = Telemetry(paths=False)

    await called(telemetry, answers(clock, 200), clock)

    [_, attempt] = telemetry.spans
    assert attempt.attributes is not None
    assert attempt.attributes["url.full"] == "https://api.example.com"


TOKEN = wh.CustomAuthorization(
    "https://auth.example.com/token?tenant=acme",
    body_type="form",
    body_params={"client_secret": wh.secret("env:K")},
    token_in_response="response",
)


async def test_a_token_call_has_spans_of_its_own(telemetry: Telemetry, clock: FakeClock) -> None:
    """Its attempts are client spans beside the execution, since the token serves others as well."""
    replies = [wh.Response(500), wh.Response(200, body=b"canary-token"), wh.Response(200)]
    transport = FakeTransport(replies, clock=clock, seconds=0.25)

    await called(telemetry, transport, clock, authentication=TOKEN)

    execution, first, second, attempt = telemetry.spans
    assert [span.name for span in (first, second, attempt)] == ["POST", "POST", "PUT"]
    assert attempt.parent is not None
    assert (first.parent, second.parent, attempt.parent.span_id) == (None, None, execution.context.span_id)
    assert first.attributes is not None
    assert first.attributes["url.full"] == "https://auth.example.com/token?tenant=REDACTED"
    times = [(span.start_time, span.end_time) for span in (execution, first, second, attempt)]
    assert [(start - START, end - START) for start, end in times] == [
        (0, 812_500_000), (0, 250_000_000), (312_500_000, 562_500_000), (562_500_000, 812_500_000),
    ]  # fmt: skip
    assert "canary" not in "".join(span.to_json() for span in telemetry.spans)


SERVER = {"server.address": "api.example.com", "server.port": 443}


async def test_requests_and_executions_are_measured(telemetry: Telemetry, clock: FakeClock) -> None:
    """The histogram of the conventions, one of executions, of waits, and a counter of retries."""
    await called(telemetry, answers(clock, 500, 201), clock)

    request = {"http.request.method": "PUT", **SERVER}
    assert telemetry.points("http.client.request.duration") == [
        ({**request, "http.response.status_code": 500, "error.type": "500"}, (1, 0.25)),
        ({**request, "http.response.status_code": 201}, (1, 0.25)),
    ]
    executions = [({"wayhook.action": "Ping", "wayhook.status": "http_201"}, (1, 0.5625))]
    assert telemetry.points("wayhook.execution.duration") == executions
    waits = [({"wayhook.wait.reason": "backoff", **SERVER}, (1, 0.0625))]
    assert telemetry.points("wayhook.wait.duration") == waits
    assert telemetry.points("wayhook.retries") == [({"wayhook.action": "Ping", "error.type": "500"}, 1)]


async def test_caps_pauses_and_breakers_are_counted(telemetry: Telemetry, clock: FakeClock) -> None:
    """What keeps calls from being sent."""
    limiter = wh.WindowLimiter([wh.CappingRule("https://api.example.com/*", wh.Rating(1, 10_000))], clock=clock)
    breaker = wh.BreakerRule(calls=1, share=0.5)
    rails = attrs.evolve(wh.Guardrails.standard(), breaker=breaker)

    async with wh.Executor(
        transport=answers(clock, 503), clock=clock, limiter=limiter, guardrails=rails, events=[telemetry.sink]
    ) as executor:
        await executor.call(action(method="POST"), timeout=1)
    async with wh.Executor(
        transport=answers(clock, 200), clock=clock, limiter=limiter, events=[telemetry.sink]
    ) as executor:
        assert (await executor.call(action())).status == "capped"

    assert telemetry.points("wayhook.pauses") == [(SERVER, 1)]
    assert telemetry.points("wayhook.breaker.changes") == [({"wayhook.breaker.state": "open", **SERVER}, 1)]
    assert telemetry.points("wayhook.capped") == [({"wayhook.action": "Ping"}, 1)]


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence says what to install."""
    monkeypatch.setitem(sys.modules, "opentelemetry", None)

    with pytest.raises(wh.MissingExtra, match=r"^spans and .+: pip install 'wayhook\[opentelemetry\]'$"):
        wh.OpenTelemetrySink()


def test_what_is_no_provider_is_refused() -> None:
    """All faults at once, each with its place."""
    make: Callable[..., object] = wh.OpenTelemetrySink

    with pytest.raises(wh.DefinitionError) as caught:
        make(tracer_provider=7, meter_provider="x", paths="no")

    assert [fault.path for fault in caught.value.violations] == ["$.tracer_provider", "$.meter_provider", "$.paths"]


async def test_without_an_sdk_nothing_happens(clock: FakeClock) -> None:
    """The API alone is enough, and does nothing; the call is as it was."""
    async with wh.Executor(transport=FakeTransport(), clock=clock, events=[wh.OpenTelemetrySink()]) as executor:
        outcome = await executor.call(action())

    assert outcome.succeeded
