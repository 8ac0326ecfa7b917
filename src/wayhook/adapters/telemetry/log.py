"""One line for each outcome, through the standard logging, without a secret, a path, a query or a body."""

from __future__ import annotations

import logging

from wayhook.execution.ports import AttemptEnded, BreakerChanged, Event

__all__ = ["LogSink"]


class LogSink:
    """Logs outcomes at INFO (failed ones at WARNING) and attempts at DEBUG; `wayhook` unless given a logger."""

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self._logger = logger or logging.getLogger("wayhook")

    def emit(self, event: Event) -> None:
        """Log the event."""
        if isinstance(event, AttemptEnded):
            attempt = event.attempt
            self._logger.debug(
                "action=%r method=%s destination=%r id=%r attempt=%d evidence=%r status=%s elapsed=%.3f",
                event.call.action, event.call.method, event.call.destination, event.delivery_id,
                attempt.number, str(attempt.evidence), attempt.status, attempt.elapsed,
            )  # fmt: skip
            return
        if isinstance(event, BreakerChanged):
            self._logger.warning("destination=%r breaker=%r", event.destination, event.state)
            return
        outcome = event.outcome
        self._logger.log(
            logging.INFO if outcome.succeeded else logging.WARNING,
            "action=%r journey=%r label=%r id=%r status=%s delivery=%s attempts=%d elapsed=%.3f",
            outcome.action, outcome.journey, outcome.label, outcome.delivery_id, outcome.status, outcome.delivery,
            len(outcome.attempts), outcome.elapsed,
        )  # fmt: skip
