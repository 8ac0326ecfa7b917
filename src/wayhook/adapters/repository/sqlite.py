"""A repository in one SQLite file, through the standard library.

The version is compared, the record written and its history continued in one immediate transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import unquote

from wayhook.adapters.repository.shelving import ShelfRepository, StoreShelf
from wayhook.adapters.repository.sqlite_file import SqliteFile, transaction
from wayhook.errors import DefinitionError, Violation
from wayhook.execution.clock import in_utc
from wayhook.formats.document import dumps, loads
from wayhook.model.guardrail import Guardrails
from wayhook.model.record import (
    KINDS,
    Change,
    Edit,
    Stored,
    is_name,
    kind_of,
    uses,
)

__all__ = ["SqliteRepository"]

_Result = TypeVar("_Result")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KNOWN = 256


class SqliteRepository(ShelfRepository):
    """Keeps definitions in a file; see `Repository`, `History` and `Namespaced` for what is promised.

    An async context manager. `path`: of the file, made when it is not there. `guardrails`: the edition that a
    value must keep to be saved; `standard` unless given. `now`: gives the date and time of changes, with an offset.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        guardrails: Guardrails | None = None,
        now: Callable[[], datetime] = in_utc,
    ) -> None:
        if not isinstance(path, str | Path) or not str(path) or "\0" in str(path):
            raise DefinitionError([Violation("$.path", "give the path of a file")])
        self.path = Path(path)
        super().__init__(guardrails, now)
        self._file = SqliteFile(self.path)

    @classmethod
    def from_url(cls, url: str, guardrails: Guardrails | None) -> Self:
        """Open `sqlite:///relative.db` or `sqlite:////absolute.db`."""
        path = unquote(url.removeprefix("sqlite:///"))
        if not url.startswith("sqlite:///") or not path:
            raise DefinitionError([Violation("$", "write sqlite:///file.db, or sqlite:////folder/file.db")])
        return cls(path, guardrails=guardrails)

    async def __aenter__(self) -> Self:
        await self._file.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._file.close()

    async def _read(self, work: Callable[[StoreShelf], _Result]) -> _Result:
        return await self._file.run(lambda: work(_SqliteShelf(self._file.database, self.namespace)))

    async def _change(self, judge: Callable[[StoreShelf], Change]) -> Change:
        def changed() -> Change:
            with transaction(self._file.database):
                shelf = _SqliteShelf(self._file.database, self.namespace)
                change = judge(shelf)
                shelf.apply(change)
            return change

        return await self._file.run(changed)


class _SqliteShelf:
    """The records of one namespace of an open database, inside of a transaction."""

    def __init__(self, database: sqlite3.Connection, namespace: str) -> None:
        self._database, self._namespace = database, namespace

    def _rows(self, query: str, *values: object) -> sqlite3.Cursor:
        """The rows of a query whose first value is the namespace."""
        return self._database.execute(query, (self._namespace, *values))

    def find(self, kind: type[Any], name: str) -> Stored[Any] | None:
        if not is_name(name):
            return None
        row = self._rows(
            "SELECT document, version, uid, saved, author FROM record WHERE namespace = ? AND kind = ? AND name = ?",
            kind_of(kind),
            name,
        ).fetchone()
        return _known(row) if row else None

    def users(self, kind: type[Any], name: str) -> Iterable[Stored[Any]]:
        found = (self.find(KINDS[user_kind], user) for user_kind, user in self.user_names(kind, name))
        return tuple(stored for stored in found if stored is not None)

    def user_names(self, kind: type[Any], name: str) -> list[tuple[str, str]]:
        if not is_name(name):
            return []
        return self._rows(
            "SELECT user_kind, user_name FROM use WHERE namespace = ? AND kind = ? AND name = ?"
            " ORDER BY user_kind, user_name",
            kind_of(kind),
            name,
        ).fetchall()

    def every(self, kind: type[Any]) -> Iterable[Stored[Any]]:
        rows = self._rows(
            "SELECT document, version, uid, saved, author FROM record WHERE namespace = ? AND kind = ?", kind_of(kind)
        )
        return (_stored(row) for row in rows)

    def page(self, kind: type[Any], after: str, limit: int) -> list[Stored[Any]]:
        rows = self._rows(
            "SELECT document, version, uid, saved, author FROM record"
            " WHERE namespace = ? AND kind = ? AND name > ? ORDER BY name LIMIT ?",
            kind_of(kind),
            after,
            limit,
        )
        return [_stored(row) for row in rows]

    def edits(self, kind: type[Any], name: str, limit: int) -> tuple[Edit[Any], ...]:
        """The last steps of the records that ever had the name, the newest first."""
        if not is_name(name):
            return ()
        rows = self._rows(
            "SELECT what, document, version, uid, saved, author FROM edit WHERE number IN"
            " (SELECT number FROM edit WHERE uid IN"
            " (SELECT uid FROM edit WHERE namespace = ? AND kind = ? AND name = ?) ORDER BY number DESC LIMIT ?)"
            " ORDER BY number DESC",
            kind_of(kind),
            name,
            limit,
        )
        return tuple(Edit(what, _stored(row)) for what, *row in rows)

    def last_edits(self, kind: type[Any], name: str, when: datetime) -> tuple[Edit[Any], ...]:
        """The last step up to `when` of each record that ever had the name."""
        if not is_name(name):
            return ()
        rows = self._rows(
            "SELECT what, document, version, uid, saved, author FROM edit WHERE number IN"
            " (SELECT max(number) FROM edit WHERE uid IN"
            " (SELECT uid FROM edit WHERE namespace = ? AND kind = ? AND name = ?) AND saved <= ? GROUP BY uid)",
            kind_of(kind),
            name,
            _microseconds(when),
        )
        return tuple(Edit(what, _stored(row)) for what, *row in rows)

    def apply(self, change: Change) -> None:
        """Carry `change` out."""
        for kind, name in change.removed:
            word = kind_of(kind)
            self._rows("DELETE FROM record WHERE namespace = ? AND kind = ? AND name = ?", word, name)
            self._rows("DELETE FROM use WHERE namespace = ? AND user_kind = ? AND user_name = ?", word, name)
        for stored in change.written:
            self._write(stored)
        for edit in change.edits:
            self._rows(
                "INSERT INTO edit (namespace, kind, name, what, document, version, uid, saved, author)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                kind_of(edit.stored.value),
                edit.stored.value.name,
                edit.what,
                *_row(edit.stored),
            )

    def _write(self, stored: Stored[Any]) -> None:
        kind, name = kind_of(stored.value), stored.value.name
        self._rows(
            "INSERT INTO record (namespace, kind, name, document, version, uid, saved, author)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (namespace, kind, name) DO UPDATE SET version = excluded.version,"
            " document = excluded.document, uid = excluded.uid, saved = excluded.saved, author = excluded.author",
            kind,
            name,
            *_row(stored),
        )
        self._rows("DELETE FROM use WHERE namespace = ? AND user_kind = ? AND user_name = ?", kind, name)
        for used, used_name in uses(stored.value):
            self._rows(
                "INSERT INTO use (namespace, kind, name, user_kind, user_name) VALUES (?, ?, ?, ?, ?)",
                kind_of(used),
                used_name,
                kind,
                name,
            )


def _row(stored: Stored[Any]) -> tuple[object, ...]:
    """The columns of a record, its instant as microseconds since 1970 in UTC."""
    saved = None if stored.saved is None else _microseconds(stored.saved)
    return dumps(stored.value), stored.version, stored.uid, saved, stored.by


def _stored(row: Iterable[Any]) -> Stored[Any]:
    document, version, uid, saved, author = row
    when = None if saved is None else _EPOCH + timedelta(microseconds=saved)
    return Stored(loads(document), version, uid, when, author)


_known = lru_cache(maxsize=_KNOWN)(_stored)
"""The same for rows that were read of late: what is executed is looked up each time, and mostly unchanged."""


def _microseconds(when: datetime) -> int:
    return (when - _EPOCH) // timedelta(microseconds=1)
