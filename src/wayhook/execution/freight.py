"""What travels between the processes of a crew: plain values, which are pickled in a third of the time of ours."""

from __future__ import annotations

from typing import Any

import attrs

from wayhook.errors import Delivery, Evidence
from wayhook.execution.execution import Use
from wayhook.expression.context import Context
from wayhook.wire import Attempt, Outcome, Response

__all__ = ["context_of", "outcome_of", "packed_context", "packed_outcome"]

_FIELDS = tuple(field.name for field in attrs.fields(Context) if field.init)
_DEFAULT_RANDOM = attrs.fields(Context).random_uuid.default

Freight = tuple[Any, ...]


def packed_context(context: Context) -> dict[str, Any]:
    """Return what a context was made of; its source of random numbers stays, unless it is one of the user's."""
    fields = {name: getattr(context, name) for name in _FIELDS}
    return {name: value for name, value in fields.items() if value and value is not _DEFAULT_RANDOM}


def context_of(freight: dict[str, Any]) -> Context:
    """Return the context."""
    return Context(**freight)


def packed_outcome(outcome: Outcome) -> Freight:
    """Return what of an outcome its use does not tell."""
    call, answer = outcome.call, outcome.received
    return (
        outcome.index,
        outcome.status,
        None if call is None else (call.url, call.headers, call.body),
        tuple([_packed_attempt(attempt) for attempt in outcome.attempts]),
        outcome.elapsed,
        None if answer is None else (answer.status, answer.headers, answer.body, answer.fault),
        outcome.response,
        outcome.response_faults,
        outcome.cause,
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


def outcome_of(use: Use, freight: Freight) -> Outcome:
    """Return the outcome of one call of `use`."""
    index, status, call, attempts, elapsed, answer, response, faults, cause, queued, finished, word, later, name = (
        freight
    )
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
    )


def _attempt_of(number: int, evidence: str, *rest: Any) -> Attempt:
    status, failure, started, elapsed, word, local = rest
    return Attempt(number, Evidence(evidence), status, failure, started, elapsed, Delivery(word), local)
