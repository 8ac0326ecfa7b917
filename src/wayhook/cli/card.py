"""How a terminal shows a value: the one place that says so."""

from __future__ import annotations

import json

from wayhook.presentation import Presentable
from wayhook.wire import Outcome

__all__ = ["card"]


def card(value: Presentable) -> str:
    """Return the text of a value that has a card."""
    return _outcome(value) if isinstance(value, Outcome) else str(value)


def _outcome(outcome: Outcome) -> str:
    """How a call ended, try by try, and what its answer says."""
    lines = [str(outcome), f"delivery {outcome.delivery}, delivery id {outcome.delivery_id}"]
    lines += [f"not before {outcome.not_before.isoformat(timespec='seconds')}"] if outcome.not_before else []
    lines += [
        f"  {attempt.number}. at {attempt.started:.3f} s, took {attempt.elapsed:.3f} s: "
        f"{attempt.status or attempt.failure} ({attempt.evidence})"
        for attempt in outcome.attempts
    ]
    lines += outcome.response_faults
    if outcome.response is not None:
        lines.append(json.dumps(outcome.response, indent=2, ensure_ascii=False, default=str))
    return "\n".join(lines)
