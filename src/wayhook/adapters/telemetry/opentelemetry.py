"""Spans and metrics through the API of OpenTelemetry, without a secret; needs the extra `opentelemetry`.

By the stable conventions for HTTP clients. Only the API is used: what is exported, and where to, the host decides.
Spans are made when an execution has ended, with the times at which things happened, as children of the span that was
current when it was asked for. So nothing is kept in between, and nothing is left over of a call that is cancelled.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from wayhook.errors import DefinitionError, MissingExtra, Violation
from wayhook.execution.ports import (
    AttemptEnded,
    BreakerChanged,
    Capped,
    Event,
    ExecutionEnded,
    Paused,
    Retrying,
    TokenAttemptEnded,
    Waited,
)
from wayhook.wire import NOT_MADE, Attempt, Call, Outcome

__all__ = ["OpenTelemetrySink"]

_SCHEMA = "https://opentelemetry.io/schemas/1.23.1"
_REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""The bounds that the conventions advise for the duration of requests."""
_FAILED = range(400, 1000)
_NANOSECONDS = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_REDACTED = "REDACTED"
_PORTS = {"http": 80, "https": 443}


class OpenTelemetrySink:
    """A span for each execution and each attempt, and metrics of them.

    `tracer_provider`, `meter_provider`: of OpenTelemetry; the global ones unless given. `paths`: whether `url.full`
    holds the path of a call, where a dynamic path may hold personal data. Values in the query never stand there, and
    secrets are replaced by their labels. Raises `MissingExtra` without the library, and
    `DefinitionError` for what is no provider.
    """

    def __init__(self, *, tracer_provider: Any = None, meter_provider: Any = None, paths: bool = True) -> None:
        try:
            from opentelemetry import metrics, trace
        except ImportError:
            raise MissingExtra(
                "spans and metrics need the API of OpenTelemetry: pip install 'wayhook[opentelemetry]'"
            ) from None
        given = (("tracer_provider", tracer_provider, "get_tracer"), ("meter_provider", meter_provider, "get_meter"))
        if faults := list(_faults(*given, paths=paths)):
            raise DefinitionError(faults)
        self._paths = paths
        self._tracer = trace.get_tracer("wayhook", tracer_provider=tracer_provider, schema_url=_SCHEMA)
        self._span_kind, self._link = trace.SpanKind, trace.Link
        self._failed, self._within = trace.Status(trace.StatusCode.ERROR), trace.set_span_in_context
        meter = metrics.get_meter("wayhook", meter_provider=meter_provider, schema_url=_SCHEMA)
        self._requests = meter.create_histogram(
            "http.client.request.duration",
            unit="s",
            description="Duration of HTTP client requests.",
            explicit_bucket_boundaries_advisory=_REQUEST_SECONDS,
        )
        self._executions = meter.create_histogram(
            "wayhook.execution.duration",
            unit="s",
            description="Duration of executions, with their waits and retries.",
            explicit_bucket_boundaries_advisory=_REQUEST_SECONDS,
        )
        self._waits = meter.create_histogram(
            "wayhook.wait.duration",
            unit="s",
            description="Duration of waits before an attempt.",
            explicit_bucket_boundaries_advisory=_REQUEST_SECONDS,
        )
        self._retries = meter.create_counter("wayhook.retries", unit="{retry}", description="Attempts to be repeated.")
        self._capped = meter.create_counter("wayhook.capped", unit="{call}", description="Calls above a limit.")
        self._pauses = meter.create_counter("wayhook.pauses", unit="{pause}", description="Pauses of destinations.")
        self._breakers = meter.create_counter("wayhook.breaker.changes", unit="{change}", description="Of breakers.")

    def emit(self, event: Event) -> None:
        """Record the event."""
        match event:
            case AttemptEnded():
                self._measure(event.call, event.attempt)
            case TokenAttemptEnded():
                self._measure(event.call, event.attempt)
                attempt = event.attempt
                began = _nanoseconds(event.finished) - _in_nanoseconds(attempt.started + attempt.elapsed)
                self._attempt_span(event.call, attempt, began)
            case ExecutionEnded():
                self._ended(event.outcome)
            case Waited():
                self._waits.record(event.seconds, {"wayhook.wait.reason": event.reason, **_server(event.destination)})
            case Retrying():
                failed = {"wayhook.action": event.action, "error.type": _error_type(event.attempt)}
                self._retries.add(1, failed)
            case Capped():
                self._capped.add(1, {"wayhook.action": event.action})
            case Paused():
                self._pauses.add(1, _server(event.destination))
            case BreakerChanged():
                self._breakers.add(1, {"wayhook.breaker.state": event.state, **_server(event.destination)})

    def _measure(self, call: Call, attempt: Attempt) -> None:
        told = {"http.request.method": call.method, **_server(call.destination), **_result(attempt)}
        self._requests.record(attempt.elapsed, told)

    def _ended(self, outcome: Outcome) -> None:
        told = {"wayhook.action": outcome.action, "wayhook.status": outcome.status}
        self._executions.record(outcome.elapsed, told)
        if outcome.finished is not None:
            end = _nanoseconds(outcome.finished)
            self._spans(outcome, end - _in_nanoseconds(outcome.elapsed), end)

    def _spans(self, outcome: Outcome, start: int, end: int) -> None:
        """The span of an execution, with one for each of its attempts."""
        span = self._tracer.start_span(
            f"execute {outcome.action}",
            kind=self._span_kind.INTERNAL,
            attributes=_of_outcome(outcome),
            start_time=start,
        )
        if outcome.call is not None:
            before, within = None, self._within(span)
            for attempt in outcome.attempts:
                before = self._attempt_span(outcome.call, attempt, start, before, within)
        if not outcome.succeeded and outcome.status not in NOT_MADE:
            span.set_attribute("error.type", outcome.status)
            span.set_status(self._failed)
        span.end(end)

    def _attempt_span(self, call: Call, attempt: Attempt, start: int, before: Any = None, within: Any = None) -> Any:
        """The span of one attempt, with a link to the one `before` it. `start`: of what it is an attempt of."""
        began = start + _in_nanoseconds(attempt.started)
        told = {
            "http.request.method": call.method,
            **_server(call.destination),
            "url.full": _shown_url(call) if self._paths else call.destination,
            **_result(attempt),
            "wayhook.delivery": str(attempt.delivery),
        }
        if attempt.number > 1:
            told["http.request.resend_count"] = attempt.number - 1
        span = self._tracer.start_span(
            call.method,
            context=within,
            kind=self._span_kind.CLIENT,
            attributes=told,
            links=() if before is None else (self._link(before.get_span_context()),),
            start_time=began,
        )
        if "error.type" in told:
            span.set_status(self._failed)
        span.end(began + _in_nanoseconds(attempt.elapsed))
        return span


def _faults(*given: tuple[str, Any, str], paths: object) -> Iterator[Violation]:
    for name, provider, method in given:
        if provider is not None and not callable(getattr(provider, method, None)):
            message = f"a provider of OpenTelemetry, or None, belongs here, not {type(provider).__name__}"
            yield Violation(f"$.{name}", message)
    if not isinstance(paths, bool):
        yield Violation("$.paths", f"True or False belongs here, not {type(paths).__name__}")


def _nanoseconds(when: datetime) -> int:
    """Since 1970, to the microsecond; a float would not be that exact."""
    return (when - _EPOCH) // timedelta(microseconds=1) * 1000


def _in_nanoseconds(seconds: float) -> int:
    return round(seconds * _NANOSECONDS)


@lru_cache(maxsize=1024)
def _server(destination: str) -> dict[str, Any]:
    """The attributes of a destination; the dict is shared and stays as it is."""
    parts = urlsplit(destination)
    return {"server.address": parts.hostname or "", "server.port": parts.port or _PORTS.get(parts.scheme, 0)}


def _result(attempt: Attempt) -> dict[str, Any]:
    told: dict[str, Any] = {} if attempt.status is None else {"http.response.status_code": attempt.status}
    if attempt.status is None or attempt.status in _FAILED:
        told["error.type"] = _error_type(attempt)
    return told


def _error_type(attempt: Attempt) -> str:
    """A status as text, or the word of the evidence: `never_sent`, `ambiguous`, `expired`."""
    return str(attempt.evidence).replace(" ", "_") if attempt.status is None else str(attempt.status)


def _shown_url(call: Call) -> str:
    """The URL with a label for each secret, and without what stands in its query but names."""
    address, sign, query = call.masked_url.partition("?")
    pairs = [pair.partition("=") for pair in query.split("&")] if sign else []
    return address + sign + "&".join(f"{name}={_REDACTED}" if equals else _REDACTED for name, equals, _ in pairs)


def _of_outcome(outcome: Outcome) -> dict[str, Any]:
    told = {
        "wayhook.action": outcome.action,
        "wayhook.journey": outcome.journey,
        "wayhook.label": outcome.label,
        "wayhook.index": outcome.index,
        "wayhook.delivery_id": outcome.delivery_id,
        "wayhook.status": outcome.status,
        "wayhook.delivery": str(outcome.delivery),
        "wayhook.attempts": len(outcome.attempts),
        "wayhook.queued": outcome.queued,
    }
    return {name: value for name, value in told.items() if value is not None}
