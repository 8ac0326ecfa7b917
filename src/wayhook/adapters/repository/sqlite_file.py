"""The SQLite file of a repository: opened, checked, brought up to date, and worked on by one thread of its own.

WAL, every acknowledged write on disk. The file is checked before anything is read or written: one that is newer, of
another application or corrupt is refused and left as it was.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from wayhook.errors import StoreUnavailable

__all__ = ["SqliteFile", "transaction"]

APPLICATION_ID = 0x57415948  # "WAYH"
_BUSY_SECONDS = 10.0
_HEADER = 100
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
    """
    CREATE TABLE known (
        namespace TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL,
        document TEXT NOT NULL, uid TEXT NOT NULL, saved INTEGER, author TEXT NOT NULL,
        PRIMARY KEY (namespace, kind, name)
    ) WITHOUT ROWID;
    INSERT INTO known SELECT 'default', kind, name, version, document, uid, NULL, '' FROM record;
    DROP TABLE record;
    ALTER TABLE known RENAME TO record;
    CREATE TABLE used (
        namespace TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, user_kind TEXT NOT NULL,
        user_name TEXT NOT NULL, PRIMARY KEY (namespace, kind, name, user_kind, user_name)
    ) WITHOUT ROWID;
    INSERT INTO used SELECT 'default', kind, name, user_kind, user_name FROM use;
    DROP TABLE use;
    ALTER TABLE used RENAME TO use;
    CREATE INDEX use_by_user ON use (namespace, user_kind, user_name);
    CREATE TABLE edit (
        number INTEGER PRIMARY KEY, namespace TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, uid TEXT NOT NULL,
        what TEXT NOT NULL, version INTEGER NOT NULL, document TEXT NOT NULL, saved INTEGER NOT NULL,
        author TEXT NOT NULL
    );
    CREATE INDEX edit_by_name ON edit (namespace, kind, name, uid);
    CREATE INDEX edit_by_uid ON edit (uid, number);
    """,
)
SCHEMA_VERSION = len(_MIGRATIONS)

_Result = TypeVar("_Result")


class SqliteFile:
    """A file that is open between `open` and `close`, for whoever shares it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._thread: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None
        self._process = 0

    async def open(self) -> None:
        """Open it; raises `StoreUnavailable` for a file that is not ours to write, which is left as it was."""
        if self._thread is not None:
            raise StoreUnavailable("The repository is open already. Open another one for another task.")
        self._process = os.getpid()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="wayhook-sqlite")
        try:
            await self.run(self._open)
        except BaseException:
            self._give_up()
            raise

    async def close(self) -> None:
        """Close it, behind what is under way."""
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

    async def run(self, work: Callable[[], _Result]) -> _Result:
        """Return what `work` gives on the thread of the file; what goes wrong with the file is `StoreUnavailable`."""
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
        with transaction(connection):
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
    def database(self) -> sqlite3.Connection:
        """The connection, for work on the thread."""
        if self._connection is None:
            raise StoreUnavailable("The repository was closed while this was waiting. Open it again.")
        return self._connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, and nobody else writes meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
