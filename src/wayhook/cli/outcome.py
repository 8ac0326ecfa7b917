"""Calls and outcomes as JSON values, their secrets masked; the shapes stand in `shape.py`."""

from __future__ import annotations

from typing import Any

import attrs

from wayhook.cli.answer import ExitCode
from wayhook.cli.console import dumped
from wayhook.errors import MissingExtra, SecretMissing
from wayhook.formats.outcome import short_document
from wayhook.wire import NOT_MADE, Call, Outcome

__all__ = ["call_document", "code_of_outcome", "is_settled", "outcome_document", "outcome_text", "preview_document"]


def call_document(call: Call) -> dict[str, Any]:
    """Return a call as JSON: `headers` as pairs in their order, the body as text."""
    return {
        "action": call.action,
        "method": call.method,
        "url": call.masked_url,
        "headers": [list(header) for header in call.masked_headers],
        "body": None if call.body is None else call.body.decode(),
        "client_certificate": call.identity is not None,
    }


def preview_document(call: Call) -> dict[str, Any]:
    """Return a previewed call as JSON, with where each of its values came from, and how it would be repeated."""
    explanation = call.explanation
    assert explanation is not None  # noqa: S101 - it is a preview
    return {
        **call_document(call),
        "origins": [{**attrs.asdict(origin), "defaults": list(origin.defaults)} for origin in explanation.origins],
        "more_origins": explanation.more,
        "repetition": explanation.repetition,
        "timeout": explanation.timeout,
    }


def outcome_document(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome with its call, its attempts and what was received."""
    received = outcome.received
    return {
        **short_document(outcome),
        "call": outcome.call and call_document(outcome.call),
        "attempts": [
            {
                "number": attempt.number,
                "evidence": attempt.evidence,
                "delivery": attempt.delivery,
                "status": attempt.status,
                "failure": attempt.failure,
                "started": round(attempt.started, 6),
                "elapsed": round(attempt.elapsed, 6),
            }
            for attempt in outcome.attempts
        ],
        "received": received
        and {
            "status": received.status,
            "headers": [list(header) for header in received.headers],
            "body": received.text,
            "fault": received.fault,
        },
    }


def outcome_text(outcome: Outcome) -> str:
    """Return how a call ended, try by try, and what its answer says."""
    lines = [str(outcome), f"delivery {outcome.delivery}, delivery id {outcome.delivery_id}"]
    lines += [f"not before {outcome.not_before.isoformat(timespec='seconds')}"] if outcome.not_before else []
    lines += [
        f"  {attempt.number}. at {attempt.started:.3f} s, took {attempt.elapsed:.3f} s: "
        f"{attempt.status or attempt.failure} ({attempt.evidence})"
        for attempt in outcome.attempts
    ]
    lines += outcome.response_faults
    if outcome.response is not None:
        lines.append(dumped(outcome.response, indent=2))
    return "\n".join(lines)


def is_settled(outcome: Outcome) -> bool:
    """Whether a call needs no other try: it was delivered, or left out on purpose."""
    return outcome.succeeded or outcome.status in NOT_MADE


def code_of_outcome(outcome: Outcome) -> ExitCode:
    """Return the exit code of one call: without its secret or an extra it cannot be carried out."""
    if isinstance(outcome.cause, SecretMissing | MissingExtra):
        return ExitCode.REFUSED
    return ExitCode.FINE if is_settled(outcome) else ExitCode.FAILED
