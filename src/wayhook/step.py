"""The step event of an action call: what the product reports of it, by the product's own names. No I/O.

Section 6.7 of the rules (R232 to R236).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from wayhook.errors import Evidence

if TYPE_CHECKING:
    from wayhook.wire import Attempt, Outcome

__all__ = ["step_event"]

_STEP_STATUS = {"timedout": "timedout", "capped": "capped"}


def step_event(outcome: Outcome) -> dict[str, Any]:
    """Return the documented fields of an action call; those that do not apply are left out.

    Times are whole milliseconds, moments ISO 8601 in UTC. Outcomes are spelled as the optimizer's samples and queries
    have them: `http`, `timedout`, `capped`; its field page lists `timeout` and `capping`. What was never answered, or
    never sent for another reason, is `error`.
    """
    fields: dict[str, Any] = {
        "actionID": outcome.uid or outcome.action,
        "actionName": outcome.action or outcome.label,
        "actionType": "customHttpAction",
        "actionBusinessType": "customer",
        "actionParameterized": outcome.parameterized,
        "actionExecutionTime": _milliseconds(outcome.elapsed),
        **_error(outcome),
        **_origin(outcome),
        **_last_attempt(outcome),
        "actionIsThrottled": outcome.queued > 0,
        "actionWaitTime": _milliseconds(outcome.queued) if outcome.queued > 0 else None,
        "stepType": "Action",
        "stepStatus": "ended" if _went_on(outcome) else _STEP_STATUS.get(outcome.status, "error"),
        "stepName": outcome.label,
        "journeyVersionName": outcome.journey,
        "inDryRun": True if outcome.status == "dryRun" else None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _went_on(outcome: Outcome) -> bool:
    """Whether nothing failed: the call succeeded, in a journey or without one, or was left out on purpose."""
    return outcome.succeeded or outcome.path == "main"


def _error(outcome: Outcome) -> dict[str, Any]:
    """How the call failed, with a code where there is one (R233)."""
    if _went_on(outcome):
        return {}
    status = outcome.received.status if outcome.received is not None else None
    if status is not None and outcome.status.startswith("http_"):
        return {"actionExecutionError": "http", "actionExecutionErrorCode": str(status)}
    return {"actionExecutionError": _STEP_STATUS.get(outcome.status, "error")}


def _origin(outcome: Outcome) -> dict[str, Any]:
    """How the attempt before the last one failed (R207); nothing where the last was the first (R206)."""
    if len(outcome.attempts) < 2:  # noqa: PLR2004 - one before the last
        return {}
    before: Attempt = outcome.attempts[-2]
    if before.status is not None:
        return {"actionExecutionOriginError": "http", "actionExecutionOriginCode": str(before.status)}
    return {"actionExecutionOriginError": "timedout" if before.evidence is Evidence.EXPIRED else "error"}


def _last_attempt(outcome: Outcome) -> dict[str, Any]:
    """Where the last attempt went, when it began and how long it took, without any queue (R235)."""
    if outcome.call is None or not outcome.attempts:
        return {}
    last: Attempt = outcome.attempts[-1]
    began = outcome.finished and outcome.finished - timedelta(seconds=outcome.elapsed - last.started)
    return {
        "actionOriginEndpoint": outcome.call.url.partition("?")[0],
        "actionOriginMethod": outcome.call.method,
        "actionOriginIsMTLS": outcome.call.identity is not None,
        "actionExecutionOriginStartTime": began and _moment(began),
        "actionExecutionOriginTime": _milliseconds(last.elapsed),
    }


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
