"""Standings in PostgreSQL; needs the extra `postgres`.

One table, made when it is first used: the text of a destination, and when it ends. It is not logged: what is in it is
worth little after a crash of the server, and is lost then. News go through `LISTEN` and `NOTIFY`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import urlsplit

from wayhook.adapters.limiter.ledger import LedgerStandings, Swap, opened_news, packed_news
from wayhook.errors import DefinitionError, MissingExtra, StoreUnavailable, Violation
from wayhook.execution.ports import Standing, system_random

if TYPE_CHECKING:
    from asyncpg import Connection, Pool

__all__ = ["PostgresStandings"]

_TIMEOUT = 3.0
_ALIVE = 2.0
"""Seconds between two questions whether the connection for news is alive."""
_CONNECTIONS = 4
_TABLE = re.compile(r"[a-z_][a-z0-9_]{0,39}(\.[a-z_][a-z0-9_]{0,39})?")
_LOCK = 0x77686B73  # "whks"
_NOW = "extract(epoch FROM clock_timestamp())::float8"


class PostgresStandings(LedgerStandings):
    """Shares pauses, breakers and the budget of repeats through PostgreSQL; see `Standings` for what is promised.

    An async context manager, for one event loop. `url`: such as `postgresql://user:password@host:5432/name`. `table`:
    its name, perhaps after a schema and a dot, lower-case letters, digits and `_`; made if it is not there. Who has the
    same one shares. `when_away`: what a process does while the database does not answer within a second:
    `"share"`, go by what it knows and by its share of the budget, or `"refuse"`, call nobody. `processes`: how many
    share the budget then, 1 to 10,000; without it nothing is repeated. Times are those of the server. It holds up to 5
    connections. Raises `MissingExtra` without the library.
    """

    def __init__(
        self,
        url: str,
        *,
        table: str = "wayhook_standing",
        when_away: Literal["share", "refuse"] = "share",
        processes: int | None = None,
    ) -> None:
        if not isinstance(url, str) or not url.startswith(("postgresql://", "postgres://")):
            raise DefinitionError([Violation("$", "write postgresql://user:password@host:5432/name")])
        if not isinstance(table, str) or not _TABLE.fullmatch(table):
            message = "the name of a table is lower-case letters, digits and _, such as wayhook_standing"
            raise DefinitionError([Violation("$.table", message)])
        super().__init__(when_away, processes, system_random)
        if find_spec("asyncpg") is None:
            raise MissingExtra("standings in PostgreSQL need asyncpg: pip install 'wayhook[postgres]'")
        self._url, self._table, self._channel = url, table, table.replace(".", "_")
        self._pool: Pool[Any] | None = None
        self._opening = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<PostgresStandings {self.place}>"

    @property
    def place(self) -> str:
        """Where it is, without a password."""
        where = urlsplit(self._url)
        return f"{where.hostname or 'localhost'}:{where.port or 5432}{where.path}"

    async def __aenter__(self) -> Self:
        """Connect; a store that cannot be reached is told of when somebody calls."""
        with suppress(StoreUnavailable):
            await self._read("")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.terminate()

    async def _read(self, name: str) -> tuple[str | None, float]:
        row = await self._row(
            f"SELECT (SELECT text FROM {self._table} WHERE name = $1 AND until > {_NOW}), {_NOW}",  # noqa: S608 - the name of a table was checked
            name,
        )
        return row[0], row[1]

    async def _swap(self, name: str, old: str | None, new: str, lifetime: float, news: Standing | None) -> Swap:
        """An update whose row was changed meanwhile finds another text in it, and changes nothing."""
        told = None if news is None else packed_news(name, news)
        row = await self._row(
            f"""
            WITH made AS (
                INSERT INTO {self._table} AS kept (name, text, until) VALUES ($1, $3, {_NOW} + $4)
                ON CONFLICT (name) DO UPDATE SET text = $3, until = {_NOW} + $4
                WHERE kept.text = $2 OR ($2::text IS NULL AND kept.until <= {_NOW})
                RETURNING 1
            )
            SELECT count(*), CASE WHEN count(*) > 0 AND $5::text IS NOT NULL THEN pg_notify($6, $5)::text END FROM made
            """,  # noqa: S608 - the name of a table was checked
            name,
            old,
            new,
            lifetime,
            told,
            self._channel,
        )
        return Swap(True) if row[0] else Swap(False, *await self._read(name))

    @asynccontextmanager
    async def news(self, hear: Callable[[str, Standing], None]) -> AsyncIterator[Awaitable[None]]:
        """Hear of each change; see `Standings`."""
        import asyncpg

        await self._opened()
        connection = await self._done(asyncpg.connect(self._url, timeout=_TIMEOUT, command_timeout=_TIMEOUT))
        try:
            await self._done(connection.add_listener(self._channel, lambda *told: hear(*opened_news(str(told[-1])))))
            await self._done(connection.execute(f"DELETE FROM {self._table} WHERE until <= {_NOW}"))  # noqa: S608 - as above
            rows = await self._done(connection.fetch(f"SELECT name, text, {_NOW} FROM {self._table}"))  # noqa: S608 - as above
            for row in rows:
                hear(*self._heard(*row))
            listening = asyncio.ensure_future(self._listen(connection))
            try:
                yield listening
            finally:
                listening.cancel()
                await asyncio.wait([listening])
        finally:
            connection.terminate()

    async def _listen(self, connection: Connection[Any]) -> None:
        """Ask now and then whether the connection is alive; news come by themselves."""
        while True:
            lost = asyncio.get_running_loop().create_future()
            connection.add_termination_listener(lambda _, lost=lost: lost.done() or lost.set_result(None))
            await asyncio.wait([lost], timeout=_ALIVE)
            if lost.done():
                return
            await self._done(connection.execute("SELECT 1"))

    async def _row(self, query: str, *values: object) -> Any:
        pool = await self._opened()
        return await self._done(pool.fetchrow(query, *values))

    async def _opened(self) -> Pool[Any]:
        """The connections, and the table; whoever comes at the same time waits."""
        import asyncpg

        async with self._opening:
            if self._pool is None:
                pool = await self._done(
                    asyncpg.create_pool(
                        self._url, min_size=0, max_size=_CONNECTIONS, timeout=_TIMEOUT, command_timeout=_TIMEOUT
                    )
                )
                try:
                    await self._done(
                        pool.execute(
                            f"SELECT pg_advisory_xact_lock({_LOCK}); CREATE UNLOGGED TABLE IF NOT EXISTS "
                            f"{self._table} (name text PRIMARY KEY, text text NOT NULL, until float8 NOT NULL)"
                        )
                    )
                except BaseException:
                    pool.terminate()
                    raise
                self._pool = pool
        return self._pool

    async def _done(self, work: Awaitable[Any]) -> Any:
        import asyncpg

        try:
            return await work
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            said = str(error).partition("\n")[0][:200] or type(error).__name__
            raise StoreUnavailable(f"{self.place} cannot be used now: {said}.") from None
