"""The way to PostgreSQL of limits and standings; needs the extra `postgres`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from wayhook.adapters.limiter.address import require_address
from wayhook.adapters.limiter.home import Home
from wayhook.errors import MissingExtra, StoreUnavailable

if TYPE_CHECKING:
    from asyncpg import Connection, Pool

__all__ = ["Form", "PostgresConnection"]

_CONNECTIONS = 8
_TIMEOUT, _TO_MAKE, _TO_CLOSE = 3.0, 10.0, 1.0
_MAKING = 0x5741594C
_SCHEMES = ("postgresql://", "postgres://", "postgresql+asyncpg://")


class Form(NamedTuple):
    """What has to be in a database. `sign`: a question whether it is; `text`: makes it."""

    sign: str
    text: str


class PostgresConnection:
    """A pool of at most 8 connections, made when it is first used. `purpose`: what goes through it."""

    def __init__(self, url: str, purpose: str) -> None:
        url = require_address(url, _SCHEMES, "postgresql://user@host:5432/database")
        if find_spec("asyncpg") is None:
            raise MissingExtra(f"{purpose} in PostgreSQL need asyncpg: pip install 'wayhook[postgres]'")
        self._url = url.replace("postgresql+asyncpg://", "postgresql://", 1)
        self._pool: Pool[Any] | None = None
        self._made: set[Form] = set()
        self._home = Home(purpose)
        self._opening, self._is_closed = asyncio.Lock(), False

    @property
    def place(self) -> str:
        """Where it is, without a password."""
        where = urlsplit(self._url)
        return f"{where.netloc.rpartition('@')[2] or 'localhost'}{where.path}"

    def open(self) -> None:
        """Let it be used, again if it was closed."""
        self._is_closed = False

    async def close(self) -> None:
        """Close the connections; nothing goes through any more."""
        self._is_closed = True
        pool, self._pool = self._pool, None
        if pool is None or self._home.is_gone:
            return
        from asyncpg import InterfaceError, PostgresError

        try:
            async with asyncio.timeout(_TO_CLOSE):
                await pool.close()
        except (TimeoutError, PostgresError, InterfaceError, OSError):
            pool.terminate()

    async def rows(self, form: Form, statement: str, *values: object) -> list[Any]:
        """Return the rows of a statement, for which `form` is made if it is not there."""
        self._home.require()
        found: list[Any] = await self.done(self._rows(form, statement, values))
        return found

    async def single(self) -> Connection[Any]:
        """Return a connection beside the pool, which the caller terminates."""
        import asyncpg

        self._home.require()
        connection: Connection[Any] = await self.done(
            asyncpg.connect(self._url, timeout=_TIMEOUT, command_timeout=_TIMEOUT)
        )
        return connection

    async def done(self, work: Awaitable[Any]) -> Any:
        """Return what the database gives; everything that goes wrong is `StoreUnavailable`."""
        from asyncpg import InterfaceError, InternalClientError, PostgresError

        try:
            return await work
        except (PostgresError, InterfaceError, InternalClientError, OSError, TimeoutError, ValueError) as error:
            said = str(error).partition("\n")[0][:200].rstrip(".") or type(error).__name__
            raise StoreUnavailable(f"{self.place} cannot be used now: {said}.") from None

    async def _rows(self, form: Form, statement: str, values: tuple[object, ...]) -> list[Any]:
        """Ask, and once more where the server ended the connection, which it may do to one that is idle."""
        from asyncpg import InterfaceError, InternalClientError, PostgresConnectionError
        from asyncpg.exceptions import AdminShutdownError

        try:
            return await self._fetched(form, statement, values)
        except (PostgresConnectionError, AdminShutdownError, InterfaceError, InternalClientError, ConnectionError):
            if self._pool is not None:
                await self._pool.expire_connections()  # where one was ended, the others may be
            return await self._fetched(form, statement, values)

    async def _fetched(self, form: Form, statement: str, values: tuple[object, ...]) -> list[Any]:
        if self._is_closed:
            raise StoreUnavailable(f"{self.place} cannot be used now: it was closed here.")
        pool = self._pool if self._pool is not None and form in self._made else await self._opened(form)
        rows: list[Any] = await pool.fetch(statement, *values)
        return rows

    async def _opened(self, form: Form) -> Pool[Any]:
        """The connections, made when the database is there; whoever comes at the same time waits."""
        async with self._opening:
            if self._pool is None:
                self._pool = await self._connected()
            if form not in self._made:
                async with self._pool.acquire() as connection:
                    await _make(connection, form)
                self._made.add(form)
            return self._pool

    async def _connected(self) -> Pool[Any]:
        from asyncpg import create_pool

        # each statement of a function sees what was committed before it: the one who holds the rows sees the last
        return await create_pool(
            self._url,
            min_size=0,
            max_size=_CONNECTIONS,
            reset=_as_it_is,
            server_settings={"default_transaction_isolation": "read committed"},
            timeout=_TIMEOUT,
            command_timeout=_TIMEOUT,
        )


async def _as_it_is(_: Connection[Any]) -> None:
    """Nothing is left behind on a connection, so nothing is to be reset."""


async def _make(connection: Connection[Any], form: Form) -> None:
    """Make tables and functions; one who does so at a time."""
    if await connection.fetchval(form.sign):
        return
    async with connection.transaction():
        await connection.execute(f"SELECT pg_advisory_xact_lock({_MAKING})", timeout=_TO_MAKE)
        await connection.execute(form.text, timeout=_TO_MAKE)
