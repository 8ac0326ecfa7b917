"""A call that is handed over, to be made by somebody else, later, and at least once. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Self

import attrs

from wayhook.errors import DefinitionError, Violation
from wayhook.expression.context import Context
from wayhook.wire import delivery_id_fault

__all__ = ["Job"]


@attrs.frozen(repr=False, kw_only=True)
class Job:
    """One call to hand over: an activity of a journey with its context, or an action with its values.

    Definitions are named, and looked up by whoever makes the call; so are secrets, and a job holds none.
    `journey`, `label`, `context`: as `Executor.execute` takes them. `action`, `values`, `path`, `timeout` (seconds): as
    `Executor.call` takes them. `delivery_id`: of the execution, 1 to 255 visible ASCII characters; "" is a new one when
    the job is handed over. `not_before`: a date and time with an offset before which the call is not made.
    Make one with `Job.execute` or `Job.call`. Raises `DefinitionError` with everything that is no part of a job.

    >>> Job.call("SendSms", {"to": "+33600000000"}, delivery_id="order-7")
    <Job SendSms, delivery id order-7>
    """

    journey: str | None = None
    label: str | None = None
    context: Context | None = None
    action: str | None = None
    values: Mapping[str, Any] | None = None
    path: str = ""
    timeout: float | None = None
    delivery_id: str = ""
    not_before: datetime | None = None

    def __attrs_post_init__(self) -> None:
        if faults := list(self._faults()):
            raise DefinitionError(faults)

    @classmethod
    def execute(
        cls,
        journey: str,
        label: str,
        context: Context,
        *,
        delivery_id: str = "",
        not_before: datetime | None = None,
    ) -> Self:
        """Return a job for an activity of a journey, both by their names."""
        return cls(journey=journey, label=label, context=context, delivery_id=delivery_id, not_before=not_before)

    @classmethod
    def call(
        cls,
        action: str,
        values: Mapping[str, Any] | None = None,
        *,
        path: str = "",
        timeout: float | None = None,
        delivery_id: str = "",
        not_before: datetime | None = None,
    ) -> Self:
        """Return a job for an action, by its name."""
        given = {} if values is None else values
        return cls(
            action=action, values=given, path=path, timeout=timeout, delivery_id=delivery_id, not_before=not_before
        )

    def __repr__(self) -> str:
        use = self.action if self.journey is None else f"{self.journey} {self.label}"
        named = f", delivery id {self.delivery_id}" if self.delivery_id else ""
        later = f", not before {self.not_before.isoformat()}" if self.not_before else ""
        return f"<Job {str(use)[:80]}{named}{later}>"

    def _faults(self) -> Iterator[Violation]:
        if self.journey is None:
            yield from self._faults_of_a_call()
        else:
            yield from self._faults_of_an_activity()
        if self.delivery_id != "" and (fault := delivery_id_fault(self.delivery_id)):
            yield Violation("$.delivery_id", fault)
        when = self.not_before
        if when is not None and (not isinstance(when, datetime) or when.utcoffset() is None):
            yield Violation("$.not_before", "give a date and time with an offset, such as one in UTC")

    def _faults_of_a_call(self) -> Iterator[Violation]:
        if not isinstance(self.action, str) or not self.action:
            yield Violation("$.action", "a job names an action, or a journey and the label of an activity")
        if not isinstance(self.values, Mapping):
            yield Violation("$.values", "give a mapping by the names of variables")
        if not isinstance(self.path, str):
            yield Violation("$.path", "give a text to append to the URL of the action")
        if self.timeout is not None and type(self.timeout) not in (int, float):
            yield Violation("$.timeout", "give a number of seconds")
        if (self.label, self.context) != (None, None):
            yield Violation("$.journey", "a label and a context belong to a journey; name it, or leave them out")

    def _faults_of_an_activity(self) -> Iterator[Violation]:
        if not isinstance(self.journey, str) or not self.journey:
            yield Violation("$.journey", "give the name of a journey")
        if not isinstance(self.label, str) or not self.label:
            yield Violation("$.label", "give the label of an activity of the journey")
        if not isinstance(self.context, Context):
            yield Violation("$.context", "give the Context that the activity reads")
        if (self.action, self.values, self.path, self.timeout) != (None, None, "", None):
            yield Violation("$.action", "an activity has its action, values and path in its journey; leave them out")
