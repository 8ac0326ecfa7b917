"""One line for each outcome, through the standard logging, without a secret, a path, a query or a body."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from wayhook.execution.ports import AttemptEnded, BreakerChanged, Event, ExecutionEnded, TokenAttemptEnded
from wayhook.wire import NOT_MADE, Outcome

__all__ = ["LogSink"]

Told = TypeVar("Told")


class LogSink:
    """Logs each outcome in one line, at INFO, or at WARNING where it failed; to `wayhook` unless given a logger.

    Attempts are lines at DEBUG, changes of a breaker at WARNING; the rest is not logged. A line is made of
    `name=value`; texts are quoted, and no line break is in them. Its record has the same values in `record.wayhook`, a
    dict of plain values, for a formatter that writes JSON.
    """

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self._logger = logger or logging.getLogger("wayhook")

    def emit(self, event: Event) -> None:
        """Log the event, where its level is wanted."""
        match event:
            case ExecutionEnded():
                self._log(_level(event.outcome), _OUTCOME, _of_outcome, event.outcome)
            case AttemptEnded():
                self._log(logging.DEBUG, _ATTEMPT, _of_attempt, event)
            case TokenAttemptEnded():
                self._log(logging.DEBUG, _TOKEN_ATTEMPT, _of_attempt, event)
            case BreakerChanged():
                self._log(logging.WARNING, _BREAKER, _of_breaker, event)

    def _log(self, level: int, line: str, fields_of: Callable[[Told], dict[str, Any]], told: Told) -> None:
        if self._logger.isEnabledFor(level):
            fields = fields_of(told)
            self._logger.log(level, line, fields, extra={"wayhook": fields})


_OUTCOME = (
    "action=%(action)r journey=%(journey)r label=%(label)r id=%(id)r status=%(status)s delivery=%(delivery)s "
    "attempts=%(attempts)d elapsed=%(elapsed).3f"
)
_ATTEMPT = (
    "action=%(action)r method=%(method)s destination=%(destination)r id=%(id)r attempt=%(attempt)d "
    "evidence=%(evidence)r status=%(status)s elapsed=%(elapsed).3f"
)

_TOKEN_ATTEMPT = _ATTEMPT.replace("action=", "token_of=", 1)
_BREAKER = "destination=%(destination)r breaker=%(breaker)r"


def _level(outcome: Outcome) -> int:
    return logging.INFO if outcome.succeeded or outcome.status in NOT_MADE else logging.WARNING


def _of_outcome(outcome: Outcome) -> dict[str, Any]:
    """What is told of an outcome; `error`: the kind of its cause, whose words may repeat values."""
    return {
        "event": "outcome",
        "action": outcome.action,
        "journey": outcome.journey,
        "label": outcome.label,
        "index": outcome.index,
        "id": outcome.delivery_id,
        "status": outcome.status,
        "delivery": str(outcome.delivery),
        "attempts": len(outcome.attempts),
        "elapsed": outcome.elapsed,
        "queued": outcome.queued,
        "error": None if outcome.cause is None else type(outcome.cause).__name__,
    }


def _of_attempt(event: AttemptEnded | TokenAttemptEnded) -> dict[str, Any]:
    call, attempt = event.call, event.attempt
    return {
        "event": "attempt" if isinstance(event, AttemptEnded) else "token attempt",
        "action": call.action,
        "journey": event.journey,
        "label": event.label,
        "index": event.index,
        "id": event.delivery_id,
        "method": call.method,
        "destination": call.destination,
        "attempt": attempt.number,
        "evidence": str(attempt.evidence),
        "status": attempt.status,
        "elapsed": attempt.elapsed,
    }


def _of_breaker(event: BreakerChanged) -> dict[str, Any]:
    return {"event": "breaker", "destination": event.destination, "breaker": event.state}
