"""An SQL database behind SQLAlchemy's async engine: worked on in transactions, and brought up to date by Alembic."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from wayhook.adapters.repository.sql_tables import METADATA
from wayhook.errors import DefinitionError, StoreUnavailable, Violation

__all__ = ["SqlDatabase", "migration_script"]

DRIVERS = {"postgresql": "asyncpg", "mysql": "aiomysql", "mariadb": "aiomysql", "sqlite": "aiosqlite"}
"""The driver of each database, where the URL names none."""

_MAX_PORT = 65_535
_MIGRATING = 0x57415948
_TRIES = 5
_LOST_TO_ANOTHER = ("40001", "40P01", 1213, 1205)
"""What PostgreSQL and MySQL say of a transaction that another one kept from ending; it left nothing behind."""

_Result = TypeVar("_Result")


def _url(url: str) -> URL:
    try:
        made = make_url(url)
    except (ArgumentError, ValueError):  # the second for a port that is no number
        raise DefinitionError(
            [Violation("$", "write postgresql://user@host/database, or another URL of SQL")]
        ) from None
    if not 0 < (made.port or 1) <= _MAX_PORT:
        raise DefinitionError([Violation("$", f"a port is a number from 1 to {_MAX_PORT:,}")])
    name, _, driver = made.drivername.partition("+")
    if name not in DRIVERS:
        raise DefinitionError([Violation("$", f"an SQL repository speaks {', '.join(DRIVERS)}, not {name[:40]!r}")])
    if name in ("mysql", "mariadb"):
        made = made.update_query_dict({"charset": "utf8mb4"})
    return made if driver else made.set(drivername=f"{name}+{DRIVERS[name]}")


class SqlDatabase:
    """A database, by its URL or through an engine that the host has already; such an engine stays the host's.

    Everything that goes wrong with it is `StoreUnavailable`, in a sentence without the URL's password.
    """

    def __init__(self, where: str | AsyncEngine) -> None:
        self._is_ours = isinstance(where, str)
        self.engine = where if isinstance(where, AsyncEngine) else _engine(_url(where))
        self.shown = self.engine.url.render_as_string(hide_password=True)

    async def check(self) -> None:
        """Raise `StoreUnavailable` where the database is away, or its tables are not there."""
        await self.run(_look)

    async def close(self) -> None:
        """Close the connections, if they are ours."""
        if self._is_ours:
            await self.engine.dispose()

    async def migrate(self) -> None:
        """Bring the tables up to date; one who does so at a time."""
        await self.run(_upgrade, writing=True)

    async def run(self, work: Callable[[Connection], _Result], *, writing: bool = False) -> _Result:
        """Return what `work` gives inside of a transaction; it is begun anew where another one was in its way."""
        engine = self.engine.execution_options(wayhook_writing=writing)
        for left in reversed(range(_TRIES)):
            try:
                async with engine.begin() as connection:
                    return await connection.run_sync(work)
            except DBAPIError as error:
                if left and _is_lost(error):
                    continue
                raise self._unavailable(error) from None
            except (SQLAlchemyError, OSError) as error:
                raise self._unavailable(error) from None
        raise AssertionError("unreachable")

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        cause = error.orig if isinstance(error, DBAPIError) else error
        said = str(cause).strip().partition("\n")[0] or type(cause).__name__
        password = self.engine.url.password
        if password:
            said = said.replace(password, "***")
        return StoreUnavailable(f"{self.shown} cannot be used now: {said[:300]}.")


def _engine(url: URL) -> AsyncEngine:
    try:
        if url.get_backend_name() == "sqlite":
            engine = create_async_engine(url, connect_args={"timeout": 10})
            event.listen(engine.sync_engine, "connect", _as_we_begin)
            event.listen(engine.sync_engine, "begin", _begin)
            return engine
        level = "READ COMMITTED"  # each statement sees what was committed before it: the one who holds sees the last
        return create_async_engine(url, pool_pre_ping=True, isolation_level=level)
    except ImportError as error:
        from wayhook.errors import MissingExtra

        extra = {"postgresql": "postgres", "sqlite": "sql"}.get(url.get_backend_name(), "mysql")
        raise MissingExtra(f"this database needs {error.name}: pip install 'wayhook[{extra}]'") from None
    except SQLAlchemyError as error:
        raise DefinitionError([Violation("$", f"this URL opens no database: {str(error)[:200]}")]) from None


def _as_we_begin(connection: Any, _: object) -> None:
    """Let the driver of SQLite begin no transaction by itself."""
    connection.isolation_level = None


def _begin(connection: Connection) -> None:
    writing = connection.get_execution_options().get("wayhook_writing")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _is_lost(error: DBAPIError) -> bool:
    code = getattr(error.orig, "sqlstate", None) or (getattr(error.orig, "args", None) or (None,))[0]
    return code in _LOST_TO_ANOTHER


def _look(connection: Connection) -> None:
    """Ask for every column."""
    for table in METADATA.sorted_tables:
        try:
            connection.execute(select(table).limit(0))
        except DBAPIError as error:
            if error.connection_invalidated:
                raise
            raise StoreUnavailable(
                f"{table.name} is not there, or older than this wayhook: run 'wayhook migrate', or await"
                " wayhook.SqlRepository(url).migrate(), or add the tables to the migrations of your own."
            ) from None


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "wayhook.adapters.repository:migration")
    return config


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(select(text(f"pg_advisory_xact_lock({_MIGRATING})")))
    elif connection.dialect.name in ("mysql", "mariadb"):
        connection.execute(select(text("get_lock('wayhook_migration', 60)")))
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    if connection.dialect.name in ("mysql", "mariadb"):
        connection.execute(select(text("release_lock('wayhook_migration')")))


def migration_script(dialect: str) -> str:
    """Return what `migrate` does as a script of SQL, for who changes databases by hand.

    `dialect`: `postgresql`, `mysql` or `sqlite`. Raises `DefinitionError` for another.
    """
    if dialect not in DRIVERS:
        raise DefinitionError([Violation("$.dialect", f"a script is written for {', '.join(DRIVERS)}")])
    config = _config()
    config.attributes["dialect"] = dialect
    config.output_buffer = io.StringIO()
    command.upgrade(config, "head", sql=True)
    return config.output_buffer.getvalue()
