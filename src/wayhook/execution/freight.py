"""What travels between the processes of a crew: plain values, which are pickled in a third of the time of ours."""

from __future__ import annotations

from typing import Any

import attrs

from wayhook.errors import (
    AuthenticationFailed,
    Delivery,
    DestinationUnavailable,
    Evidence,
    ExecutionError,
    RenderError,
    WayhookError,
)
from wayhook.execution.execution import Use
from wayhook.expression.context import Context
from wayhook.rendering.plan import Given
from wayhook.wire import Attempt, Outcome, Response

__all__ = ["ours", "outcome_of", "packed", "packed_outcome", "unpacked"]

_FIELDS = tuple(field.name for field in attrs.fields(Context) if field.init and field.name != "random_uuid")
_DEFAULT_RANDOM = attrs.fields(Context).random_uuid.default

Freight = tuple[Any, ...]


def packed(subject: Any) -> dict[str, Any] | Freight | None:
    """Return what a context or values were made of.

    None for anything else, and for a context with a source of random numbers of its own, which is for one.
    """
    if isinstance(subject, Given):
        return subject.values, subject.path
    if not isinstance(subject, Context) or subject.random_uuid is not _DEFAULT_RANDOM:
        return None
    fields = {name: getattr(subject, name) for name in _FIELDS}
    return {name: value for name, value in fields.items() if value}


def unpacked(freight: dict[str, Any] | Freight) -> Context | Given:
    """Return the context, or the values."""
    return Context(**freight) if isinstance(freight, dict) else Given(*freight)


def ours(error: WayhookError) -> WayhookError:
    """Return the error as every process knows it: of a kind that is not ours, the nearest that is."""
    kind = next(kind for kind in type(error).__mro__ if kind.__module__ == WayhookError.__module__)
    match error:
        case AuthenticationFailed():
            return AuthenticationFailed(str(error), None, error.delivery, error.not_before)
        case DestinationUnavailable():
            return DestinationUnavailable(str(error), None, error.not_before)
        case RenderError():
            return kind(error.violations)  # type: ignore[no-any-return]  # of this tree, from RenderError down
        case _ if issubclass(kind, ExecutionError):
            return kind(str(error))
    return error


def packed_outcome(outcome: Outcome) -> Freight:
    """Return what of an outcome its use and its number do not tell."""
    call, answer = outcome.call, outcome.received
    return (
        outcome.status,
        None if call is None else (call.url, call.headers, call.body),
        tuple([_packed_attempt(attempt) for attempt in outcome.attempts]),
        outcome.elapsed,
        None if answer is None else (answer.status, answer.headers, answer.body, answer.fault),
        outcome.response,
        outcome.response_faults,
        None if outcome.cause is None else ours(outcome.cause),
        outcome.queued,
        outcome.finished,
        outcome.delivery.value,
        outcome.not_before,
        outcome.delivery_id,
    )


def _packed_attempt(attempt: Attempt) -> Freight:
    return (
        attempt.number,
        attempt.evidence.value,
        attempt.status,
        attempt.failure,
        attempt.started,
        attempt.elapsed,
        attempt.delivery.value,
        attempt.local,
    )


def outcome_of(use: Use, index: int, freight: Freight) -> Outcome:
    """Return the outcome of one call of `use`."""
    status, call, attempts, elapsed, answer, response, faults, cause, queued, finished, word, later, name = freight
    plan = use.plan
    return Outcome(
        plan.action.name,
        status,
        None if call is None else plan.call(*call),
        tuple([_attempt_of(*attempt) for attempt in attempts]),
        elapsed,
        None if answer is None else Response(*answer),
        response,
        faults,
        cause,
        use.journey,
        use.label,
        index,
        queued,
        use.uid,
        plan.parameterized,
        finished,
        use.alternative_path,
        Delivery(word),
        later,
        name,
        use.timeout,
    )


def _attempt_of(number: int, evidence: str, *rest: Any) -> Attempt:
    status, failure, started, elapsed, word, local = rest
    return Attempt(number, Evidence(evidence), status, failure, started, elapsed, Delivery(word), local)
