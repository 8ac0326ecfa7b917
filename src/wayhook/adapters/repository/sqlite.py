"""A repository in one SQLite file, through the standard library.

One connection on one thread of its own; WAL, every acknowledged write on disk, the version compared and the
record written in one immediate transaction. The file is checked before anything is read or written: one that is
newer, of another application or corrupt is refused and left as it was.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import quote, unquote
from uuid import uuid4

from wayhook.errors import DefinitionError, NotFound, StoreUnavailable, Violation
from wayhook.execution.ports import Page
from wayhook.formats.document import dumps, loads
from wayhook.model.action import Action
from wayhook.model.guardrail import Guardrails, edition_of
from wayhook.model.storage import (
    KINDS,
    Definition,
    Kept,
    Stored,
    admit,
    admit_deletion,
    is_name,
    kind_of,
    page_bounds,
    uses,
)

__all__ = ["SqliteRepository"]

APPLICATION_ID = 0x57415948  # "WAYH"
_BUSY_SECONDS = 10.0
_HEADER = 100
_KNOWN = 256
_MAGIC = b"SQLite format 3\x00"

_MIGRATIONS = (
    """
    CREATE TABLE record (
        kind TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, document TEXT NOT NULL,
        PRIMARY KEY (kind, name)
    ) WITHOUT ROWID;
    CREATE TABLE usage (
        action TEXT NOT NULL, journey TEXT NOT NULL, PRIMARY KEY (action, journey)
    ) WITHOUT ROWID;
    CREATE INDEX usage_by_journey ON usage (journey);
    """,
    """
    ALTER TABLE record ADD COLUMN uid TEXT NOT NULL DEFAULT '';
    UPDATE record SET uid = lower(hex(randomblob(16)));
    CREATE TABLE use (
        kind TEXT NOT NULL, name TEXT NOT NULL, user_kind TEXT NOT NULL, user_name TEXT NOT NULL,
        PRIMARY KEY (kind, name, user_kind, user_name)
    ) WITHOUT ROWID;
    CREATE INDEX use_by_user ON use (user_kind, user_name);
    INSERT INTO use SELECT 'action', action, 'journey', journey FROM usage;
    DROP TABLE usage;
    """,
)
SCHEMA_VERSION = len(_MIGRATIONS)

_Result = TypeVar("_Result")


class SqliteRepository:
    """Keeps definitions in a file; see `Repository` for what each method promises.

    An async context manager. `path`: of the file, made when it is not there. `guardrails`: the edition that a
    value must keep to be saved; `standard` unless given.
    """

    def __init__(self, path: str | Path, *, guardrails: Guardrails | None = None) -> None:
        if not isinstance(path, str | Path) or not str(path) or "\0" in str(path):
            raise DefinitionError([Violation("$.path", "give the path of a file")])
        self.path = Path(path)
        self.guardrails = edition_of(guardrails)
        self._thread: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None
        self._process = 0

    @classmethod
    def from_url(cls, url: str, guardrails: Guardrails | None) -> Self:
        """Open `sqlite:///relative.db` or `sqlite:////absolute.db`."""
        path = unquote(url.removeprefix("sqlite:///"))
        if not url.startswith("sqlite:///") or not path:
            raise DefinitionError([Violation("$", "write sqlite:///file.db, or sqlite:////folder/file.db")])
        return cls(path, guardrails=guardrails)

    async def __aenter__(self) -> Self:
        if self._thread is not None:
            raise StoreUnavailable("The repository is open already. Open another one for another task.")
        self._process = os.getpid()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="wayhook-sqlite")
        try:
            await self._on_thread(self._open)
        except BaseException:
            self._give_up()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        closed = self._give_up()
        if closed is not None:
            await asyncio.wrap_future(closed)

    def _give_up(self) -> Future[None] | None:
        """Close behind what is under way; the thread ends then, whether or not anybody waits."""
        thread, self._thread = self._thread, None
        if thread is None or os.getpid() != self._process:
            return None
        closed = thread.submit(self._close)
        thread.shutdown(wait=False)
        return closed

    async def save(
        self, *values: Definition, expected_version: int | None = None, renamed_from: str | None = None
    ) -> int:
        """Keep the values; see `Repository.save`."""
        return await self._on_thread(lambda: self._save(values, expected_version, renamed_from))

    async def get(self, kind: type[Kept], name: str) -> Stored[Kept]:
        """Return the value; see `Repository.get`."""
        kind_of(kind)
        stored = await self._on_thread(lambda: self._shelf.find(kind, name))
        if stored is None:
            raise NotFound(kind_of(kind), name)
        return stored

    async def delete(
        self, kind: type[Definition], name: str, *, expected_version: int | None = None, force: bool = False
    ) -> None:
        """Forget the value; see `Repository.delete`."""
        await self._on_thread(lambda: self._delete(kind, name, expected_version, force=force))

    async def list(self, kind: type[Kept], *, cursor: str | None = None, limit: int = 100) -> Page[Kept]:
        """Return a page; see `Repository.list`."""
        after, limit = page_bounds(cursor, limit)
        return await self._on_thread(lambda: self._page(kind, after, limit))

    async def journeys_using(self, action: str) -> tuple[str, ...]:
        """Return the names; see `Repository.journeys_using`."""
        return await self._on_thread(lambda: self._journeys_using(action))

    async def _on_thread(self, work: Callable[[], _Result]) -> _Result:
        if self._thread is None:
            raise StoreUnavailable("The repository is not open. Use it inside of 'async with'.")
        if os.getpid() != self._process:
            raise StoreUnavailable("The repository was opened before this process was forked. Open it again here.")
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: self._translated(work))

    def _translated(self, work: Callable[[], _Result]) -> _Result:
        try:
            return work()
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(f"{self.path.name} cannot be used now: {error}.") from None
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{self.path.name} is damaged or no database of wayhook: {error}.") from None
        except OSError as error:
            raise StoreUnavailable(f"{self.path.name} cannot be opened: {error.strerror}.") from None

    def _open(self) -> None:
        if self.path.exists() and self.path.stat().st_size > 0:
            self._check_untouched()
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=_BUSY_SECONDS)
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _check_untouched(self) -> None:
        """Refuse a file that is not ours to write, by a look that changes nothing."""
        path = self.path.resolve()
        with path.open("rb") as file:
            header = file.read(_HEADER)
        if len(header) < _HEADER or not header.startswith(_MAGIC):
            raise StoreUnavailable(f"{path.name} is no SQLite database. Choose another file.")
        # A file that nobody is writing is read as it is, so that not even a lock file appears beside it.
        busy = any(path.with_name(path.name + suffix).exists() for suffix in ("-wal", "-journal"))
        uri = f"file:{quote(str(path))}?mode=ro{'' if busy else '&immutable=1'}"
        with closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS)) as reader:
            self._check_schema(reader)
            problem = reader.execute("PRAGMA quick_check(1)").fetchone()[0]
        if problem != "ok":
            raise StoreUnavailable(f"{path.name} is damaged: {problem}. Restore it from a backup.")

    def _check_schema(self, connection: sqlite3.Connection) -> int:
        """Return the schema version, 0 for an empty database; refuse what is foreign or newer."""
        found: int = connection.execute("PRAGMA user_version").fetchone()[0]
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if application != APPLICATION_ID and (application or found or tables):
            raise StoreUnavailable(f"{self.path.name} is no database of wayhook. Choose another file.")
        if found > SCHEMA_VERSION:
            raise StoreUnavailable(
                f"{self.path.name} has schema version {found}; this wayhook knows {SCHEMA_VERSION}. Update wayhook."
            )
        return found

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Bring the schema up to date, then turn to WAL: the header of the file tells whose it is from the start."""
        connection.execute("PRAGMA synchronous = FULL")
        with _transaction(connection):
            version = self._check_schema(connection)
            for migration in _MIGRATIONS[version:]:
                for statement in filter(str.strip, migration.split(";")):
                    connection.execute(statement)
            if version < SCHEMA_VERSION:
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("PRAGMA journal_mode = WAL")

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def _database(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreUnavailable("The repository was closed while this was waiting. Open it again.")
        return self._connection

    @property
    def _shelf(self) -> _SqliteShelf:
        return _SqliteShelf(self._database)

    def _save(self, values: tuple[Definition, ...], expected_version: int | None, renamed_from: str | None) -> int:
        with _transaction(self._database):
            change = admit(
                self._shelf,
                values,
                expected_version=expected_version,
                renamed_from=renamed_from,
                guardrails=self.guardrails,
                new_uid=lambda: uuid4().hex,
            )
            for kind, name in change.removed:
                self._shelf.remove(kind, name)
            for stored in change.written:
                self._shelf.write(stored)
        return change.written[0].version

    def _delete(self, kind: type[Definition], name: str, expected_version: int | None, *, force: bool) -> None:
        kind_of(kind)
        with _transaction(self._database):
            admit_deletion(self._shelf, kind, name, expected_version=expected_version, force=force)
            self._shelf.remove(kind, name)

    def _page(self, kind: type[Kept], after: str, limit: int) -> Page[Kept]:
        items = self._shelf.page(kind, after, limit + 1)
        return Page(tuple(items[:limit]), items[limit - 1].value.name if len(items) > limit else None)

    def _journeys_using(self, action: str) -> tuple[str, ...]:
        return tuple(name for kind, name in self._shelf.user_names(Action, action) if kind == "journey")


class _SqliteShelf:
    """The records of an open database, inside of a transaction."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def find(self, kind: type[Any], name: str) -> Stored[Any] | None:
        if not is_name(name):
            return None
        row = self._database.execute(
            "SELECT document, version, uid FROM record WHERE kind = ? AND name = ?", (kind_of(kind), name)
        ).fetchone()
        return _known(row) if row else None

    def users(self, kind: type[Any], name: str) -> Iterable[Stored[Any]]:
        found = (self.find(KINDS[user_kind], user) for user_kind, user in self.user_names(kind, name))
        return tuple(stored for stored in found if stored is not None)

    def user_names(self, kind: type[Any], name: str) -> list[tuple[str, str]]:
        if not is_name(name):
            return []
        return self._database.execute(
            "SELECT user_kind, user_name FROM use WHERE kind = ? AND name = ? ORDER BY user_kind, user_name",
            (kind_of(kind), name),
        ).fetchall()

    def every(self, kind: type[Any]) -> Iterable[Stored[Any]]:
        rows = self._database.execute("SELECT document, version, uid FROM record WHERE kind = ?", (kind_of(kind),))
        return (_stored(row) for row in rows)

    def page(self, kind: type[Any], after: str, limit: int) -> list[Stored[Any]]:
        rows = self._database.execute(
            "SELECT document, version, uid FROM record WHERE kind = ? AND name > ? ORDER BY name LIMIT ?",
            (kind_of(kind), after, limit),
        )
        return [_stored(row) for row in rows]

    def write(self, stored: Stored[Any]) -> None:
        kind, name = kind_of(stored.value), stored.value.name
        self._database.execute(
            "INSERT INTO record (kind, name, version, document, uid) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (kind, name) DO UPDATE SET version = excluded.version, document = excluded.document,"
            " uid = excluded.uid",
            (kind, name, stored.version, dumps(stored.value), stored.uid),
        )
        self._database.execute("DELETE FROM use WHERE user_kind = ? AND user_name = ?", (kind, name))
        self._database.executemany(
            "INSERT INTO use (kind, name, user_kind, user_name) VALUES (?, ?, ?, ?)",
            [(kind_of(used), used_name, kind, name) for used, used_name in uses(stored.value)],
        )

    def remove(self, kind: type[Any], name: str) -> None:
        self._database.execute("DELETE FROM record WHERE kind = ? AND name = ?", (kind_of(kind), name))
        self._database.execute("DELETE FROM use WHERE user_kind = ? AND user_name = ?", (kind_of(kind), name))


def _stored(row: tuple[str, int, str]) -> Stored[Any]:
    document, version, uid = row
    return Stored(loads(document), version, uid)


_known = lru_cache(maxsize=_KNOWN)(_stored)
"""The same for rows that were read of late: what is executed is looked up each time, and mostly unchanged."""


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
