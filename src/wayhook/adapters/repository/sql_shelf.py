"""The records of one namespace in an SQL database, on one connection inside of a transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Insert, Select, Table, delete, func, insert, select
from sqlalchemy.dialects import postgresql

from wayhook.adapters.repository.sql_tables import EDIT, NAME_BYTES, NAMESPACE, RECORD, USE
from wayhook.errors import DefinitionError, Violation
from wayhook.formats.document import dumps, loads
from wayhook.model.record import KINDS, Change, Edit, Stored, is_name, kind_of, uses

__all__ = ["SqlShelf"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KNOWN = 256


class SqlShelf:
    """What is kept in a namespace, as a `Shelf`, and the way to change it."""

    def __init__(self, connection: Connection, namespace: str) -> None:
        self._connection, self._namespace = connection, namespace

    def hold(self) -> None:
        """Be the only one who writes in this namespace, until the transaction ends."""
        mine = select(NAMESPACE).where(NAMESPACE.c.namespace == self._namespace).with_for_update()
        if self._connection.execute(mine).first() is None:
            self._connection.execute(_unless_there(self._connection.dialect.name, self._namespace))
            self._connection.execute(mine).one()

    def find(self, kind: type[Any], name: str) -> Stored[Any] | None:
        """Return the record of that kind and name, or None."""
        if not _is_kept(name):
            return None
        row = self._connection.execute(self._records(kind).where(RECORD.c.name == name)).first()
        return _known(tuple(row)) if row else None

    def users(self, kind: type[Any], name: str) -> Iterable[Stored[Any]]:
        """Return the records whose values use that one, by kind and name."""
        found = (self.find(KINDS[user_kind], user) for user_kind, user in self.user_names(kind, name))
        return tuple(stored for stored in found if stored is not None)

    def user_names(self, kind: type[Any], name: str) -> list[tuple[str, str]]:
        """Return kind and name of each record that uses that one."""
        if not _is_kept(name):
            return []
        asked = select(USE.c.user_kind, USE.c.user_name).where(
            USE.c.namespace == self._namespace, USE.c.kind == kind_of(kind), USE.c.name == name
        )
        rows = self._connection.execute(asked.order_by(USE.c.user_kind, USE.c.user_name))
        return [(user_kind, user_name) for user_kind, user_name in rows]

    def every(self, kind: type[Any]) -> Iterable[Stored[Any]]:
        """Return all records of a kind."""
        return tuple(_stored(row) for row in self._connection.execute(self._records(kind)))

    def page(self, kind: type[Any], after: str, limit: int) -> list[Stored[Any]]:
        """Return at most `limit` records with names after that one, by name."""
        asked = self._records(kind).where(RECORD.c.name > after).order_by(RECORD.c.name).limit(limit)
        return [_stored(row) for row in self._connection.execute(asked)]

    def edits(self, kind: type[Any], name: str, limit: int) -> tuple[Edit[Any], ...]:
        """The last steps of the records that ever had the name, the newest first."""
        if not _is_kept(name):
            return ()
        asked = select(EDIT.c.what, *_columns(EDIT)).where(EDIT.c.uid.in_(self._uids(kind, name)))
        rows = self._connection.execute(asked.order_by(EDIT.c.number.desc()).limit(limit))
        return tuple(Edit(what, _stored(row)) for what, *row in rows)

    def last_edits(self, kind: type[Any], name: str, when: datetime) -> tuple[Edit[Any], ...]:
        """Return the last step up to `when` of each record that ever had the name."""
        if not _is_kept(name):
            return ()
        last = (
            select(func.max(EDIT.c.number))
            .where(EDIT.c.uid.in_(self._uids(kind, name)), EDIT.c.saved <= _microseconds(when))
            .group_by(EDIT.c.uid)
        )
        rows = self._connection.execute(select(EDIT.c.what, *_columns(EDIT)).where(EDIT.c.number.in_(last)))
        return tuple(Edit(what, _stored(row)) for what, *row in rows)

    def apply(self, change: Change) -> None:
        """Carry `change` out; raises `DefinitionError` for names that the tables do not take."""
        _require_names(change)
        for kind, name in change.removed:
            self._forget(kind_of(kind), name)
        for stored in change.written:
            word, name = kind_of(stored.value), stored.value.name
            self._forget(word, name)
            self._insert(RECORD, word, name, **_row(stored))
            for used, used_name in uses(stored.value):
                self._insert(USE, kind_of(used), used_name, user_kind=word, user_name=name)
        for edit in change.edits:
            value = edit.stored.value
            self._insert(EDIT, kind_of(value), value.name, what=edit.what, **_row(edit.stored))

    def _records(self, kind: type[Any]) -> Select[Any]:
        return select(*_columns(RECORD)).where(RECORD.c.namespace == self._namespace, RECORD.c.kind == kind_of(kind))

    def _uids(self, kind: type[Any], name: str) -> Select[Any]:
        """The records that ever had the name."""
        named = (
            select(EDIT.c.uid)
            .where(EDIT.c.namespace == self._namespace, EDIT.c.kind == kind_of(kind), EDIT.c.name == name)
            .distinct()
        )
        return select(named.subquery().c.uid)  # a table of its own: MySQL sorts and limits around it then

    def _insert(self, table: Table, kind: str, name: str, **values: object) -> None:
        self._connection.execute(insert(table).values(namespace=self._namespace, kind=kind, name=name, **values))

    def _forget(self, kind: str, name: str) -> None:
        """Take a record away, and what it uses."""
        mine = (RECORD.c.namespace == self._namespace, RECORD.c.kind == kind, RECORD.c.name == name)
        self._connection.execute(delete(RECORD).where(*mine))
        users = (USE.c.namespace == self._namespace, USE.c.user_kind == kind, USE.c.user_name == name)
        self._connection.execute(delete(USE).where(*users))


def _unless_there(dialect: str, namespace: str) -> Insert:
    """The row of a namespace is added, unless another one adds it at this moment."""
    if dialect == "postgresql":
        return postgresql.insert(NAMESPACE).values(namespace=namespace).on_conflict_do_nothing()
    return insert(NAMESPACE).values(namespace=namespace).prefix_with("OR IGNORE" if dialect == "sqlite" else "IGNORE")


def _is_kept(name: object) -> bool:
    """Whether a record can have this name here."""
    return is_name(name) and not _name_fault(str(name))


def _name_fault(name: str) -> str:
    if "\0" in name:
        return "a database takes no name with a NUL in it; leave it out"
    return f"a name has at most {NAME_BYTES:,} bytes of UTF-8 here" if len(name.encode()) > NAME_BYTES else ""


def _require_names(change: Change) -> None:
    """Raise `DefinitionError` for every name that the tables do not take."""
    faults = []
    for stored in change.written:
        names = [("$.name", stored.value.name), *(("$", name) for _, name in uses(stored.value))]
        faults += [Violation(path, fault) for path, name in names if (fault := _name_fault(name))]
    if faults:
        raise DefinitionError(faults)


def _columns(table: Table) -> tuple[Any, ...]:
    return table.c.document, table.c.version, table.c.uid, table.c.saved, table.c.author


def _row(stored: Stored[Any]) -> dict[str, object]:
    """The columns of a record, its instant as microseconds since 1970 in UTC."""
    assert stored.saved is not None  # noqa: S101 - admit was given the time
    return {
        "document": dumps(stored.value),
        "version": stored.version,
        "uid": stored.uid,
        "saved": _microseconds(stored.saved),
        "author": stored.by,
    }


def _stored(row: Iterable[Any]) -> Stored[Any]:
    document, version, uid, saved, author = row
    return Stored(loads(document), version, uid, _EPOCH + timedelta(microseconds=saved), author)


_known = lru_cache(maxsize=_KNOWN)(_stored)
"""The same for rows that were read of late: what is executed is looked up each time, and mostly unchanged."""


def _microseconds(when: datetime) -> int:
    return (when - _EPOCH) // timedelta(microseconds=1)
