"""A repository in an SQL database of one's own, through SQLAlchemy; needs the extra `sql`, `postgres` or `mysql`."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Self, TypeVar
from uuid import uuid4

from wayhook.errors import DefinitionError, MissingExtra, NotFound, Violation
from wayhook.execution.ports import Page
from wayhook.model.action import Action
from wayhook.model.guardrail import Guardrails, edition_of
from wayhook.model.record import (
    Definition,
    Edit,
    Kept,
    Stored,
    edit_at,
    kind_of,
    page_bounds,
    require_instant,
    require_namespace,
)
from wayhook.model.storage import admit, admit_deletion

if TYPE_CHECKING:
    from sqlalchemy import Connection, MetaData
    from sqlalchemy.ext.asyncio import AsyncEngine

    from wayhook.adapters.repository.sql_shelf import SqlShelf

__all__ = ["SqlRepository"]

_Result = TypeVar("_Result")


class SqlRepository:
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
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        _require_sqlalchemy()
        from sqlalchemy.ext.asyncio import AsyncEngine

        from wayhook.adapters.repository.sql_database import SqlDatabase

        if not isinstance(where, str | AsyncEngine):
            raise DefinitionError([Violation("$.where", "give a URL or an AsyncEngine of SQLAlchemy")])
        self.guardrails = edition_of(guardrails)
        self.namespace = "default"
        self._now = now
        self._database = SqlDatabase(where)

    @classmethod
    def from_url(cls, url: str, guardrails: Guardrails | None) -> Self:
        """Open a URL of a database."""
        return cls(url, guardrails=guardrails)

    @staticmethod
    def metadata() -> MetaData:
        """Return the tables, for the migrations of the host: `target_metadata = [Base.metadata, …]` of its Alembic."""
        _require_sqlalchemy()
        from wayhook.adapters.repository.sql_tables import METADATA

        return METADATA

    @staticmethod
    def script(dialect: str) -> str:
        """Return what `migrate` does as a script of SQL, for `postgresql`, `mysql`, `mariadb` or `sqlite`."""
        _require_sqlalchemy()
        from wayhook.adapters.repository.sql_database import migration_script

        return migration_script(dialect)

    def within(self, namespace: str) -> Self:
        """Return the repository of another namespace; see `Namespaced.within`."""
        other = copy.copy(self)
        other.namespace = require_namespace(namespace)
        return other

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

    async def save(
        self,
        *values: Definition,
        expected_version: int | None = None,
        renamed_from: str | None = None,
        by: str = "",
    ) -> int:
        """Keep the values; see `Repository.save`."""

        def saved(shelf: SqlShelf) -> int:
            shelf.hold()
            change = admit(
                shelf,
                values,
                expected_version=expected_version,
                renamed_from=renamed_from,
                guardrails=self.guardrails,
                new_uid=lambda: uuid4().hex,
                by=by,
                now=self._now(),
            )
            shelf.apply(change)
            return change.written[0].version

        return await self._on(saved, writing=True)

    async def get(self, kind: type[Kept], name: str) -> Stored[Kept]:
        """Return the value; see `Repository.get`."""
        kind_of(kind)
        return _found(kind, name, await self._on(lambda shelf: shelf.find(kind, name)))

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

        def deleted(shelf: SqlShelf) -> None:
            shelf.hold()
            shelf.apply(
                admit_deletion(
                    shelf, kind, name, expected_version=expected_version, force=force, by=by, now=self._now()
                )
            )

        await self._on(deleted, writing=True)

    async def list(self, kind: type[Kept], *, cursor: str | None = None, limit: int = 100) -> Page[Kept]:
        """Return a page; see `Repository.list`."""
        after, limit = page_bounds(cursor, limit)
        items = await self._on(lambda shelf: shelf.page(kind, after, limit + 1))
        return Page(tuple(items[:limit]), items[limit - 1].value.name if len(items) > limit else None)

    async def journeys_using(self, action: str) -> tuple[str, ...]:
        """Return the names; see `Repository.journeys_using`."""
        users = await self._on(lambda shelf: shelf.user_names(Action, action))
        return tuple(name for kind, name in users if kind == "journey")

    async def history(self, kind: type[Kept], name: str, *, limit: int = 100) -> tuple[Edit[Kept], ...]:
        """Return what was done; see `History.history`."""
        kind_of(kind)
        _, limit = page_bounds(None, limit)
        return await self._on(lambda shelf: shelf.edits(kind, name, limit))

    async def as_of(self, kind: type[Kept], name: str, when: datetime) -> Stored[Kept]:
        """Return the record of then; see `History.as_of`."""
        from wayhook.adapters.repository.sql_shelf import microseconds

        kind_of(kind)
        moment = microseconds(require_instant(when))
        edits = await self._on(lambda shelf: shelf.last_edits(kind, name, moment))
        return _found(kind, name, edit_at(edits, name, when))

    async def _on(self, work: Callable[[SqlShelf], _Result], *, writing: bool = False) -> _Result:
        """What `work` gives on the shelf of this namespace, in a transaction."""
        from wayhook.adapters.repository.sql_shelf import SqlShelf

        def on_connection(connection: Connection) -> _Result:
            return work(SqlShelf(connection, self.namespace))

        return await self._database.run(on_connection, writing=writing)


def _require_sqlalchemy() -> None:
    for module in ("sqlalchemy", "greenlet", "alembic"):
        if find_spec(module) is None:
            extras = "'wayhook[sql]', 'wayhook[postgres]' or 'wayhook[mysql]'"
            raise MissingExtra(f"an SQL repository needs {module}: pip install {extras}")


def _found(kind: type[Kept], name: str, stored: Stored[Kept] | None) -> Stored[Kept]:
    if stored is None:
        raise NotFound(kind_of(kind), name)
    return stored
