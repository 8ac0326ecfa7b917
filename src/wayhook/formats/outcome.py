"""How an outcome ended as a JSON value: for programs that read commands, and for what keeps the outcomes of jobs.

What is written is what `Outcome` shows: secrets are masked in it, or not there at all.
"""

from __future__ import annotations

from typing import Any

import attrs

from wayhook.errors import DefinitionError, ExpressionError, RenderError, Violation, WayhookError
from wayhook.formats.exact_value import dumps_exact, written_exact
from wayhook.wire import Outcome

__all__ = ["dumps_outcome", "error_document", "short_document", "violation_document"]


def short_document(outcome: Outcome) -> dict[str, Any]:
    """Return how an outcome ended, without its call and what was received; dates and times as they are."""
    return {
        "action": outcome.action,
        "journey": outcome.journey,
        "label": outcome.label,
        "path": outcome.path,
        "status": outcome.status,
        "succeeded": outcome.succeeded,
        "delivery": outcome.delivery.value,
        "delivery_id": outcome.delivery_id,
        "tries": len(outcome.attempts),
        "elapsed": round(outcome.elapsed, 6),
        "queued": round(outcome.queued, 6),
        "finished": outcome.finished,
        "not_before": outcome.not_before,
        "response": outcome.response,
        "response_faults": list(outcome.response_faults),
        "error": outcome.cause and error_document(outcome.cause),
    }


def dumps_outcome(outcome: Outcome) -> str:
    """Return how an outcome ended as JSON text, which `loads_exact` reads as it was; what no JSON can hold is null."""
    return dumps_exact(written_exact("$", short_document(outcome), []))


def error_document(error: WayhookError) -> dict[str, Any]:
    """Return an error as JSON: its kind, its message, and every violation or problem with its place."""
    found: dict[str, Any] = {"kind": type(error).__name__, "message": str(error)}
    if isinstance(error, ExpressionError):
        found["problems"] = [
            {"line": p.line, "column": p.column, "message": p.message, "expected": list(p.expected)}
            for p in error.problems
        ]
    elif isinstance(error, DefinitionError | RenderError):
        found["violations"] = [violation_document(violation) for violation in error.violations]
    return found


def violation_document(violation: Violation) -> dict[str, Any]:
    """Return a violation as JSON."""
    return attrs.asdict(violation)
