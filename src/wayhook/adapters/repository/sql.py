"""A repository in an SQL database of one's own, through SQLAlchemy; needs the extra `sql`, `postgres` or `mysql`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Self, TypeVar

from wayhook.adapters.repository.shelving import ShelfRepository, StoreShelf
from wayhook.errors import DefinitionError, MissingExtra, Violation
from wayhook.execution.clock import in_utc
from wayhook.model.guardrail import Guardrails
from wayhook.model.record import Change

if TYPE_CHECKING:
    from sqlalchemy import Connection, MetaData
    from sqlalchemy.ext.asyncio import AsyncEngine


__all__ = ["SqlRepository", "require_sqlalchemy"]

_Result = TypeVar("_Result")


class SqlRepository(ShelfRepository):
    """Keeps definitions in PostgreSQL, MySQL, MariaDB or SQLite; see `Repository`, `History` and `Namespaced`.

    An async context manager. `where`: a URL such as `postgresql://user:password@host/database`, or an `AsyncEngine` of
    SQLAlchemy that the host has already. Opening it makes no tables: `migrate` does, or a script, or the migrations of
    the host (`metadata`). `guardrails`: the edition that a value must keep to be saved; `standard` unless given. `now`:
    gives the date and time of changes, with an offset. Names have at most 1,000 bytes of UTF-8.

    Any number of processes may use the same database. Who writes in a namespace holds it for that moment, so that a
    version is compared and a record written in one step. Raises `MissingExtra` without the libraries.
    """

    def __init__(
        self,
        where: str | AsyncEngine,
        *,
        guardrails: Guardrails | None = None,
        now: Callable[[], datetime] = in_utc,
    ) -> None:
        require_sqlalchemy()
        from sqlalchemy.ext.asyncio import AsyncEngine

        from wayhook.adapters.repository.sql_database import SqlDatabase

        if not isinstance(where, str | AsyncEngine):
            raise DefinitionError([Violation("$.where", "give a URL or an AsyncEngine of SQLAlchemy")])
        super().__init__(guardrails, now)
        self._database = SqlDatabase(where)

    @classmethod
    def from_url(cls, url: str, guardrails: Guardrails | None) -> Self:
        """Open a URL of a database."""
        return cls(url, guardrails=guardrails)

    @staticmethod
    def metadata() -> MetaData:
        """Return the tables, for the migrations of the host: `target_metadata = [Base.metadata, …]` of its Alembic."""
        require_sqlalchemy()
        from wayhook.adapters.repository.sql_tables import METADATA

        return METADATA

    @staticmethod
    def script(dialect: str) -> str:
        """Return what `migrate` does as a script of SQL, for `postgresql`, `mysql`, `mariadb` or `sqlite`."""
        require_sqlalchemy()
        from wayhook.adapters.repository.sql_database import migration_script

        return migration_script(dialect)

    def __repr__(self) -> str:
        return f"<SqlRepository {self._database.shown}, namespace {self.namespace}>"

    async def migrate(self) -> None:
        """Make the tables, or bring them up to date; once for a database, before it is opened.

        Its own table `wayhook_migration` remembers how far it came. Several may try at once.
        """
        try:
            await self._database.migrate()
        finally:
            await self._database.close()

    async def __aenter__(self) -> Self:
        try:
            await self._database.check()
        except BaseException:
            await self._database.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._database.close()

    async def _read(self, work: Callable[[StoreShelf], _Result]) -> _Result:
        from wayhook.adapters.repository.sql_shelf import SqlShelf

        return await self._database.run(lambda connection: work(SqlShelf(connection, self.namespace)))

    async def _change(self, judge: Callable[[StoreShelf], Change]) -> Change:
        from wayhook.adapters.repository.sql_shelf import SqlShelf

        def changed(connection: Connection) -> Change:
            shelf = SqlShelf(connection, self.namespace)
            shelf.hold()
            change = judge(shelf)
            shelf.apply(change)
            return change

        return await self._database.run(changed, writing=True)


def require_sqlalchemy() -> None:
    """Raise `MissingExtra` where the libraries are not installed."""
    for module in ("sqlalchemy", "greenlet", "alembic"):
        if find_spec(module) is None:
            extras = "'wayhook[sql]', 'wayhook[postgres]' or 'wayhook[mysql]'"
            raise MissingExtra(f"an SQL repository needs {module}: pip install {extras}")
