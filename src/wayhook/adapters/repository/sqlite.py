"""A repository in one SQLite file, through the standard library.

The version is compared, the record written and its history continued in one immediate transaction.
"""

from __future__ import annotations

import copy
import sqlite3
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote
from uuid import uuid4

from wayhook.adapters.repository.sqlite_file import SqliteFile, transaction
from wayhook.errors import DefinitionError, NotFound, Violation
from wayhook.execution.ports import Page
from wayhook.formats.document import dumps, loads
from wayhook.model.action import Action
from wayhook.model.guardrail import Guardrails, edition_of
from wayhook.model.record import (
    KINDS,
    Change,
    Definition,
    Edit,
    Kept,
    Stored,
    edit_at,
    is_name,
    kind_of,
    page_bounds,
    require_instant,
    require_namespace,
    uses,
)
from wayhook.model.storage import admit, admit_deletion

__all__ = ["SqliteRepository"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KNOWN = 256


class SqliteRepository:
    """Keeps definitions in a file; see `Repository`, `History` and `Namespaced` for what is promised.

    An async context manager. `path`: of the file, made when it is not there. `guardrails`: the edition that a
    value must keep to be saved; `standard` unless given. `now`: gives the date and time of changes, with an offset.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        guardrails: Guardrails | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if not isinstance(path, str | Path) or not str(path) or "\0" in str(path):
            raise DefinitionError([Violation("$.path", "give the path of a file")])
        self.path = Path(path)
        self.guardrails = edition_of(guardrails)
        self.namespace = "default"
        self._now = now
        self._file = SqliteFile(self.path)

    @classmethod
    def from_url(cls, url: str, guardrails: Guardrails | None) -> Self:
        """Open `sqlite:///relative.db` or `sqlite:////absolute.db`."""
        path = unquote(url.removeprefix("sqlite:///"))
        if not url.startswith("sqlite:///") or not path:
            raise DefinitionError([Violation("$", "write sqlite:///file.db, or sqlite:////folder/file.db")])
        return cls(path, guardrails=guardrails)

    def within(self, namespace: str) -> Self:
        """Return the repository of another namespace; see `Namespaced.within`."""
        other = copy.copy(self)
        other.namespace = require_namespace(namespace)
        return other

    async def __aenter__(self) -> Self:
        await self._file.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._file.close()

    async def save(
        self,
        *values: Definition,
        expected_version: int | None = None,
        renamed_from: str | None = None,
        by: str = "",
    ) -> int:
        """Keep the values; see `Repository.save`."""
        return await self._file.run(lambda: self._save(values, expected_version, renamed_from, by))

    async def get(self, kind: type[Kept], name: str) -> Stored[Kept]:
        """Return the value; see `Repository.get`."""
        kind_of(kind)
        return _found(kind, name, await self._file.run(lambda: self._shelf.find(kind, name)))

    async def delete(
        self,
        kind: type[Definition],
        name: str,
        *,
        expected_version: int | None = None,
        force: bool = False,
        by: str = "",
    ) -> None:
        """Forget the value; see `Repository.delete`."""
        kind_of(kind)
        await self._file.run(lambda: self._delete(kind, name, expected_version, by, force=force))

    async def list(self, kind: type[Kept], *, cursor: str | None = None, limit: int = 100) -> Page[Kept]:
        """Return a page; see `Repository.list`."""
        after, limit = page_bounds(cursor, limit)
        items = await self._file.run(lambda: self._shelf.page(kind, after, limit + 1))
        return Page(tuple(items[:limit]), items[limit - 1].value.name if len(items) > limit else None)

    async def journeys_using(self, action: str) -> tuple[str, ...]:
        """Return the names; see `Repository.journeys_using`."""
        users = await self._file.run(lambda: self._shelf.user_names(Action, action))
        return tuple(name for kind, name in users if kind == "journey")

    async def history(self, kind: type[Kept], name: str, *, limit: int = 100) -> tuple[Edit[Kept], ...]:
        """Return what was done; see `History.history`."""
        kind_of(kind)
        _, limit = page_bounds(None, limit)
        return await self._file.run(lambda: self._shelf.edits(kind, name, limit))

    async def as_of(self, kind: type[Kept], name: str, when: datetime) -> Stored[Kept]:
        """Return the record of then; see `History.as_of`."""
        kind_of(kind)
        moment = _microseconds(require_instant(when))
        edits = await self._file.run(lambda: self._shelf.last_edits(kind, name, moment))
        return _found(kind, name, edit_at(edits, name, when))

    @property
    def _shelf(self) -> _SqliteShelf:
        return _SqliteShelf(self._file.database, self.namespace)

    def _save(
        self, values: tuple[Definition, ...], expected_version: int | None, renamed_from: str | None, by: str
    ) -> int:
        with transaction(self._file.database):
            change = admit(
                self._shelf,
                values,
                expected_version=expected_version,
                renamed_from=renamed_from,
                guardrails=self.guardrails,
                new_uid=lambda: uuid4().hex,
                by=by,
                now=self._now(),
            )
            self._shelf.apply(change)
        return change.written[0].version

    def _delete(self, kind: type[Definition], name: str, expected_version: int | None, by: str, *, force: bool) -> None:
        with transaction(self._file.database):
            deletion = admit_deletion(
                self._shelf, kind, name, expected_version=expected_version, force=force, by=by, now=self._now()
            )
            self._shelf.apply(deletion)


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

    def last_edits(self, kind: type[Any], name: str, moment: int) -> tuple[Edit[Any], ...]:
        """The last step up to `moment` of each record that ever had the name."""
        if not is_name(name):
            return ()
        rows = self._rows(
            "SELECT what, document, version, uid, saved, author FROM edit WHERE number IN"
            " (SELECT max(number) FROM edit WHERE uid IN"
            " (SELECT uid FROM edit WHERE namespace = ? AND kind = ? AND name = ?) AND saved <= ? GROUP BY uid)",
            kind_of(kind),
            name,
            moment,
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


def _found(kind: type[Kept], name: str, stored: Stored[Kept] | None) -> Stored[Kept]:
    if stored is None:
        raise NotFound(kind_of(kind), name)
    return stored


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
