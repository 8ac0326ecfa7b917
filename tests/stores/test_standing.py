"""Pauses, breakers and budgets that processes share through a real Redis and a real PostgreSQL."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from uuid import uuid4

import asyncpg
import pytest

import wayhook as wh
from wayhook.testing import StandingContract

REDIS = os.environ.get("WAYHOOK_TEST_REDIS", "redis://127.0.0.1:6379/0")
POSTGRES = f"{os.environ.get('WAYHOOK_TEST_POSTGRES', 'postgresql://postgres@127.0.0.1:5432')}/postgres"
pytestmark = pytest.mark.services

Open = Callable[[], wh.RedisStandings | wh.PostgresStandings]


@pytest.fixture
def postgres_table() -> Iterator[str]:
    """The name of a table that is not there, and is not at last."""
    table = f"wayhook_test_{uuid4().hex[:16]}"

    async def dropped() -> None:
        connection = await asyncpg.connect(POSTGRES, timeout=5)
        await connection.execute(f"DROP TABLE IF EXISTS {table}")
        await connection.close()

    try:
        asyncio.run(dropped())
    except (OSError, asyncpg.PostgresError) as error:
        message = f"postgresql is not running here ({type(error).__name__}); CONTRIBUTING says how to start it"
        pytest.fail(message) if "CI" in os.environ else pytest.skip(message)
    yield table
    asyncio.run(dropped())


class TestRedisStandings(StandingContract):
    """Every promise, in Redis."""

    @pytest.fixture
    async def standings(self, redis_prefix: str) -> AsyncIterator[wh.RedisStandings]:
        """Standings without a destination."""
        async with wh.RedisStandings(REDIS, prefix=redis_prefix) as standings:
            yield standings

    @pytest.fixture
    async def another(self, redis_prefix: str) -> AsyncIterator[wh.RedisStandings]:
        """The same, as another process opens them."""
        async with wh.RedisStandings(REDIS, prefix=redis_prefix) as standings:
            yield standings


class TestPostgresStandings(StandingContract):
    """Every promise, in PostgreSQL."""

    @pytest.fixture
    async def standings(self, postgres_table: str) -> AsyncIterator[wh.PostgresStandings]:
        """Standings without a destination."""
        async with wh.PostgresStandings(POSTGRES, table=postgres_table) as standings:
            yield standings

    @pytest.fixture
    async def another(self, postgres_table: str) -> AsyncIterator[wh.PostgresStandings]:
        """The same, as another process opens them."""
        async with wh.PostgresStandings(POSTGRES, table=postgres_table) as standings:
            yield standings
