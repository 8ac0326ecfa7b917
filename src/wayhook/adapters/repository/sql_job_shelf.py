"""The jobs of one queue in an SQL database, on one connection inside of a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
from sqlalchemy import Connection, Row, Select, bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql

from wayhook.adapters.repository.sql_tables import JOB
from wayhook.execution.job import JobRecord, JobState

__all__ = ["SqlJobShelf"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIELDS = tuple(field.name for field in attrs.fields(JobRecord))
_MOMENTS = ("due", "announced", "since", "settled")
_ASKED = tuple(JOB.c[name] for name in _FIELDS)
_TOGETHER = 200
"""Rows of one statement: each has a dozen values, of which some databases take 32,000."""
_LARGE = 2_000_000
"""Characters of the documents in one statement that has several: MariaDB takes 16 MB, and a character has up to 4."""

_CHANGED = tuple(name for name in _FIELDS if name not in ("delivery_id", "document"))
_CHANGE = (
    update(JOB)
    .where(JOB.c.queue == bindparam("_queue"), JOB.c.delivery_id == bindparam("_delivery_id"))
    .values({name: bindparam(name) for name in _CHANGED})
)


class SqlJobShelf:
    """What is kept in a queue, and the way to change it. What is found for a change stays as it is until it is made."""

    def __init__(self, connection: Connection, queue: str) -> None:
        self._connection, self._queue = connection, queue

    def add(self, records: Iterable[JobRecord]) -> None:
        """Keep records whose delivery ids are not there; the others change nothing."""
        rows = [{"queue": self._queue, **_row(record, _FIELDS)} for record in records]
        for together in _statements(rows):
            self._connection.execute(_unless_there(self._connection.dialect.name, together))

    def named(self, delivery_ids: Iterable[str]) -> dict[str, JobRecord]:
        """Return the records with these delivery ids."""
        asked = list(delivery_ids)
        found: dict[str, JobRecord] = {}
        for first in range(0, len(asked), _TOGETHER):
            rows = self._connection.execute(self._mine().where(JOB.c.delivery_id.in_(asked[first : first + _TOGETHER])))
            found |= {record.delivery_id: record for record in map(_record, rows)}
        return found

    def held(self, delivery_id: str) -> JobRecord | None:
        """Return a record to change."""
        row = self._connection.execute(self._mine().where(JOB.c.delivery_id == delivery_id).with_for_update()).first()
        return None if row is None else _record(row)

    def due(self, now: datetime, limit: int) -> list[JobRecord]:
        """Return records to change that are due, those that wait longest first; what others change is left out."""
        return self._next(self._mine().where(JOB.c.due <= _microseconds(now)).order_by(JOB.c.due), limit)

    def unannounced(self, now: datetime, limit: int) -> list[JobRecord]:
        """Return records to change that are due to be announced; what others change is left out."""
        return self._next(self._mine().where(JOB.c.announced <= _microseconds(now)).order_by(JOB.c.announced), limit)

    def dead(self, after: str, limit: int) -> list[JobRecord]:
        """Return dead letters with delivery ids after that one, in their order."""
        asked = self._mine().where(JOB.c.state == JobState.DEAD.value, JOB.c.delivery_id > after)
        return [_record(row) for row in self._connection.execute(asked.order_by(JOB.c.delivery_id).limit(limit))]

    def change(self, records: Iterable[JobRecord]) -> None:
        """Write records that were found for it, with what has become of them."""
        rows = [
            {"_queue": self._queue, "_delivery_id": record.delivery_id, **_row(record, _CHANGED)} for record in records
        ]
        if rows:
            self._connection.execute(_CHANGE, rows)

    def forget(self, before: datetime) -> int:
        """Forget the records that ended before that time, and return how many."""
        ended = (JOB.c.state == JobState.ENDED.value, JOB.c.settled < _microseconds(before))
        return self._connection.execute(delete(JOB).where(JOB.c.queue == self._queue, *ended)).rowcount

    def _mine(self) -> Select[Any]:
        return select(*_ASKED).where(JOB.c.queue == self._queue)

    def _next(self, asked: Select[Any], limit: int) -> list[JobRecord]:
        rows = self._connection.execute(asked.limit(limit).with_for_update(skip_locked=True))
        return [_record(row) for row in rows]


def _statements(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The rows that one statement takes, in their order: not too many, and not too large."""
    together: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        more = len(row["document"])
        if together and (len(together) == _TOGETHER or size + more > _LARGE):
            yield together
            together, size = [], 0
        together.append(row)
        size += more
    if together:
        yield together


def _unless_there(dialect: str, rows: list[dict[str, Any]]) -> Any:
    """The rows are added, but for those that are there already."""
    if dialect == "postgresql":
        return postgresql.insert(JOB).values(rows).on_conflict_do_nothing()
    return insert(JOB).values(rows).prefix_with("OR IGNORE" if dialect == "sqlite" else "IGNORE")


def _row(record: JobRecord, names: Iterable[str]) -> dict[str, Any]:
    return {name: _column(getattr(record, name)) for name in names}


def _column(value: Any) -> Any:
    match value:
        case datetime():
            return _microseconds(value)
        case JobState():
            return value.value
        case _:
            return value


def _record(row: Row[Any]) -> JobRecord:
    found = dict(zip(_FIELDS, row, strict=True))
    moments = {name: None if found[name] is None else _EPOCH + timedelta(microseconds=found[name]) for name in _MOMENTS}
    return JobRecord(**{**found, **moments, "state": JobState(found["state"])})


def _microseconds(when: datetime) -> int:
    return (when - _EPOCH) // timedelta(microseconds=1)
