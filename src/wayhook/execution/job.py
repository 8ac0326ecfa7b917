"""What is known of a job that was handed over, and every step that it can take. No I/O: stores keep what comes of it.

A job waits until it is due, is taken by a worker for the time of a lease, and ends with an outcome or as a dead letter.
A lease that runs out makes it due again. `due` is always the moment from which a worker may take it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any

import attrs

from wayhook.errors import DefinitionError, Violation
from wayhook.execution.execution import new_delivery_id
from wayhook.formats.exact_value import loads_exact, read_exact
from wayhook.formats.job import dumps_job, loads_job
from wayhook.model.job import Job
from wayhook.model.record import require_namespace

__all__ = [
    "Buried",
    "End",
    "Ended",
    "JobRecord",
    "JobState",
    "Postponed",
    "after",
    "new_holder",
    "new_records",
    "require_queue",
]

_LONGEST_SILENCE = 600.0
"""Seconds after which a job that nobody takes is announced again, at the latest."""
_MAX_DOUBLINGS = 20
_LONGEST_REASON = 4_000
"""Characters of a reason: a sentence, or a few dozen."""


class JobState(StrEnum):
    """What becomes of a job: it waits, is being carried out, has ended with an outcome, or is a dead letter."""

    WAITING = "waiting"
    RUNNING = "running"
    ENDED = "ended"
    DEAD = "dead"


def after(now: datetime, seconds: float) -> datetime:
    """Return the date and time so many seconds later, as far as the calendar goes."""
    try:
        return now + timedelta(seconds=seconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


@attrs.frozen(repr=False, slots=False, kw_only=True)
class JobRecord:
    """A job that was handed over.

    `due`: from when a worker may take it: its time while it waits, the end of the lease while it runs, None at the end.
    `deliveries`: how often workers took it since it last waited. `tries`: how many executions ended so that the call
    may be made again. `reason`: why it is a dead letter, or why the last try ended, as a sentence.
    `since`: when it was due first; `settled`: when it ended. `holder`: who took it last; `document`, `ending`,
    `announced`, `announcements`: as stores keep them.
    """

    delivery_id: str
    document: str
    state: JobState = JobState.WAITING
    due: datetime | None
    announced: datetime | None
    announcements: int = 0
    since: datetime
    deliveries: int = 0
    tries: int = 0
    holder: str = ""
    reason: str = ""
    ending: str | None = None
    settled: datetime | None = None

    @cached_property
    def job(self) -> Job:
        """What was handed over; raises `DocumentError` where a newer wayhook wrote it, or somebody else."""
        return attrs.evolve(loads_job(self.document), delivery_id=self.delivery_id)

    @cached_property
    def outcome(self) -> Mapping[str, Any] | None:
        """How the execution ended, with the names of `wayhook call --json`; None before it has, or where it never did.

        `status`, `succeeded`, `delivery`, `response`, `error` and `finished` are those of the `Outcome`; `tries` counts
        the attempts of its execution, and `error` is an object with `kind` and `message`.
        """
        return None if self.ending is None else read_exact("$", loads_exact(self.ending))

    def __repr__(self) -> str:
        reason = f": {self.reason}" if self.reason else ""
        return f"<JobRecord {self.delivery_id} {self.state}{reason}>"

    def is_due(self, now: datetime) -> bool:
        """Whether a worker may take it."""
        return self.due is not None and self.due <= now

    def is_unannounced(self, now: datetime) -> bool:
        """Whether it is due, and nobody was told, or nobody came."""
        return self.announced is not None and self.announced <= now

    def taken(self, now: datetime, lease: float, holder: str) -> JobRecord:
        """Return it as a worker has it."""
        until = after(now, lease)
        return attrs.evolve(
            self,
            state=JobState.RUNNING,
            due=until,
            announced=until,
            announcements=0,
            deliveries=self.deliveries + 1,
            holder=holder,
        )

    def renewed(self, now: datetime, lease: float) -> JobRecord:
        """Return it as it is kept for longer."""
        until = after(now, lease)
        return attrs.evolve(self, due=until, announced=until)

    def told(self, now: datetime, announced_for: float) -> JobRecord:
        """Return it announced: for longer each time, so that a long queue is not filled with announcements."""
        silence = min(announced_for * 2.0 ** min(self.announcements, _MAX_DOUBLINGS), _LONGEST_SILENCE)
        return attrs.evolve(self, announced=after(now, silence), announcements=self.announcements + 1)

    def replayed(self, now: datetime) -> JobRecord:
        """Return a dead letter as it is delivered again: as if it was handed over now."""
        return attrs.evolve(_waiting(self, now, ""), since=now, deliveries=0, tries=0)

    def is_held_by(self, record: JobRecord) -> bool:
        """Whether who took it as `record` still has it."""
        return self.state is JobState.RUNNING and self.holder == record.holder


def _waiting(record: JobRecord, until: datetime, reason: str) -> JobRecord:
    return attrs.evolve(
        record, state=JobState.WAITING, due=until, announced=until, announcements=0, reason=reason, settled=None
    )


def _settled(record: JobRecord, state: JobState, now: datetime, **more: Any) -> JobRecord:
    return attrs.evolve(record, state=state, due=None, announced=None, settled=now, **more)


def new_holder() -> str:
    """Return a name that no other taking of a job has."""
    return os.urandom(16).hex()


def new_records(jobs: Iterable[Job], now: datetime, announced_for: float) -> list[JobRecord]:
    """Return a record for each job, announced already for so many seconds after it is due.

    Raises `DefinitionError` with everything that cannot be kept as it is, of all jobs.
    """
    given = list(jobs)
    records, faults = [], []
    for i, job in enumerate(given):
        try:
            records.append(_new_record(job, now, announced_for))
        except DefinitionError as error:
            place = f"$[{i}]" if len(given) > 1 else "$"
            faults += [attrs.evolve(each, path=place + each.path.removeprefix("$")) for each in error.violations]
    if faults:
        raise DefinitionError(faults)
    return records


def _new_record(job: Job, now: datetime, announced_for: float) -> JobRecord:
    if not isinstance(job, Job):
        message = f"a Job is handed over, such as wayhook.Job.call('SendSms', {{…}}), not {type(job).__name__}"
        raise DefinitionError([Violation("$", message)])
    due = now if job.not_before is None else max(now, job.not_before)
    is_announced = announced_for > 0 and due == now
    return JobRecord(
        delivery_id=job.delivery_id or new_delivery_id(),
        document=dumps_job(job),
        due=due,
        announced=after(due, announced_for) if is_announced else due,
        announcements=1 if is_announced else 0,
        since=due,
    )


def require_queue(queue: object) -> str:
    """Return the name of a queue; raises `DefinitionError` for what is none."""
    try:
        return require_namespace(queue)
    except DefinitionError:
        message = "a queue has 1 to 64 letters, digits, '_', '-' and '.', and begins with a letter or digit"
        raise DefinitionError([Violation("$.queue", message)]) from None


@attrs.frozen
class Ended:
    """The execution ended. `document`: its outcome, as text."""

    document: str

    def applied(self, found: JobRecord, taken: JobRecord, now: datetime) -> JobRecord | None:  # noqa: ARG002 - as others
        """Return the record with the outcome; None where it has one.

        Who lost the job meanwhile has an outcome too, and what was carried out is no dead letter.
        """
        if found.state is JobState.ENDED:
            return None
        return _settled(found, JobState.ENDED, now, ending=self.document, reason="")


def _sentence(reason: str) -> str:
    """The reason as every store can keep it: it may repeat what somebody wrote into a document."""
    shown = reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]}…"
    return shown.encode(errors="backslashreplace").decode().replace("\0", "\\x00")


@attrs.frozen
class Postponed:
    """The call is to be made again. `until`: not before that. `counts`: whether an execution was tried."""

    until: datetime
    reason: str = attrs.field(converter=_sentence)
    counts: bool

    def applied(self, found: JobRecord, taken: JobRecord, now: datetime) -> JobRecord | None:  # noqa: ARG002 - as others
        """Return the record, waiting; None for who has the job no more."""
        if not found.is_held_by(taken):
            return None
        tries = found.tries + 1 if self.counts else found.tries
        return attrs.evolve(_waiting(found, self.until, self.reason), deliveries=0, tries=tries)


@attrs.frozen
class Buried:
    """The call can never be made, or nobody survives it. `reason`: a sentence that says why."""

    reason: str = attrs.field(converter=_sentence)

    def applied(self, found: JobRecord, taken: JobRecord, now: datetime) -> JobRecord | None:
        """Return the record as a dead letter; None for who has the job no more."""
        return _settled(found, JobState.DEAD, now, reason=self.reason) if found.is_held_by(taken) else None


End = Ended | Postponed | Buried
