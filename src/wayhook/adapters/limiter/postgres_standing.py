"""Standings in PostgreSQL; needs the extra `postgres`.

One table, made when it is first used: the text of a destination, and when it ends. It is not logged: what is in it is
worth little after a crash of the server, and is lost then. News go through `LISTEN` and `NOTIFY`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Self

from wayhook.adapters.limiter.absence import WhenAway
from wayhook.adapters.limiter.ledger import LedgerStandings, Swap, packed_news
from wayhook.adapters.limiter.postgres_connection import Form, PostgresConnection
from wayhook.errors import StoreUnavailable
from wayhook.execution.ports import Standing, system_random
from wayhook.model.record import require_namespace

if TYPE_CHECKING:
    from asyncpg import Connection

__all__ = ["PostgresBook", "PostgresStandings"]

_ALIVE = 2.0
"""Seconds between two times that what is over is thrown away, through the connection for news."""
_NOW = "extract(epoch FROM clock_timestamp())::float8"
_FORM = Form(
    "SELECT to_regclass('wayhook_standing_1') IS NOT NULL",
    """
CREATE UNLOGGED TABLE IF NOT EXISTS wayhook_standing_1 (
    namespace text, name text, text text NOT NULL, until float8 NOT NULL, PRIMARY KEY (namespace, name)
)
""",
)
_READ = f"""
SELECT (SELECT text FROM wayhook_standing_1 WHERE namespace = $1 AND name = $2 AND until > {_NOW}), {_NOW}
"""  # noqa: S608 - nothing in it comes from outside
_SWAP = f"""
WITH made AS (
    INSERT INTO wayhook_standing_1 AS kept (namespace, name, text, until) VALUES ($1, $2, $4, {_NOW} + $5)
    ON CONFLICT (namespace, name) DO UPDATE SET text = $4, until = {_NOW} + $5
    WHERE kept.text = $3 OR ($3::text IS NULL AND kept.until <= {_NOW})
    RETURNING 1
)
SELECT count(*), CASE WHEN count(*) > 0 AND $6::text IS NOT NULL THEN pg_notify($7, $6)::text END FROM made
"""  # noqa: S608 - as above
_TIDY = f"""
DELETE FROM wayhook_standing_1 WHERE (namespace, name) IN (
    SELECT namespace, name FROM wayhook_standing_1 WHERE until <= {_NOW} FOR UPDATE SKIP LOCKED
)
"""  # noqa: S608 - as above
_KNOWN = f"SELECT name, text, {_NOW} FROM wayhook_standing_1 WHERE namespace = $1"  # noqa: S608 - as above


class PostgresBook(LedgerStandings):
    """Standings in one namespace, through a connection that somebody else opens and closes."""

    def __init__(
        self, connection: PostgresConnection, namespace: str, when_away: WhenAway, processes: int | None
    ) -> None:
        super().__init__(when_away, processes, system_random)
        self._connection, self._namespace = connection, namespace
        self._channel = f"wayhook_standing_1_{sha256(namespace.encode()).hexdigest()[:32]}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.place}>"

    @property
    def place(self) -> str:
        """Where it is, without a password."""
        return self._connection.place

    async def _read(self, name: str) -> tuple[str | None, float]:
        [(text, now)] = await self._connection.rows(_FORM, _READ, self._namespace, name)
        return text, now

    async def _swap(self, name: str, old: str | None, new: str, lifetime: float, news: Standing | None) -> Swap:
        """An update whose row was changed meanwhile finds another text in it, and changes nothing."""
        told = None if news is None else packed_news(name, news)
        [(is_made, _)] = await self._connection.rows(
            _FORM, _SWAP, self._namespace, name, old, new, lifetime, told, self._channel
        )
        return Swap(True) if is_made else Swap(False, *await self._read(name))

    @asynccontextmanager
    async def news(self, hear: Callable[[str, Standing], None]) -> AsyncIterator[Awaitable[None]]:
        """Hear of each change; see `Standings`."""
        done = self._connection.done
        await self._connection.rows(_FORM, _TIDY)
        connection = await self._connection.single()
        try:
            await done(connection.add_listener(self._channel, lambda *told: self._pass_on(str(told[-1]), hear)))
            for row in await done(connection.fetch(_KNOWN, self._namespace)):
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
        """Tidy now and then, which shows whether the connection is alive; news come by themselves."""
        while True:
            lost = asyncio.get_running_loop().create_future()
            connection.add_termination_listener(lambda _, lost=lost: lost.done() or lost.set_result(None))
            await asyncio.wait([lost], timeout=_ALIVE)
            if lost.done():
                return
            await self._connection.done(connection.execute(_TIDY))


class PostgresStandings(PostgresBook):
    """Shares pauses, breakers and the budget of repeats through PostgreSQL; see `Standings` for what is promised.

    An async context manager, for one event loop; a `PostgresLimiter` brings the same along. `url`: such as
    `postgresql://user:password@host:5432/name`. `namespace`: who has the same one shares. The first one to come makes
    the table `wayhook_standing_1` in the first schema of the search path.

    `when_away`, `processes`: what a process does while the database does not answer within a second, as for
    `RedisStandings`. Times are those of the server. It holds up to 9 connections. Raises `DefinitionError` for a
    setting that is none, `MissingExtra` without the library.
    """

    def __init__(
        self,
        url: str,
        *,
        namespace: str = "default",
        when_away: WhenAway = "refuse",
        processes: int | None = None,
    ) -> None:
        super().__init__(PostgresConnection(url, "standings"), require_namespace(namespace), when_away, processes)

    async def __aenter__(self) -> Self:
        """Connect; a store that cannot be reached is told of when somebody calls."""
        self._connection.open()
        with suppress(StoreUnavailable):
            await self._read("")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()
