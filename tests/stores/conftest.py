"""Real databases, those of this machine on their usual ports; each session of tests makes one of its own in them.

In CI a server that is not there is a failure; elsewhere its tests are skipped, with the reason.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import aiomysql
import asyncpg
import pytest
import redis

import wayhook as wh

POSTGRES = os.environ.get("WAYHOOK_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432")
REDIS = os.environ.get("WAYHOOK_TEST_REDIS", "redis://127.0.0.1:6379/0")
RABBITMQ = os.environ.get("WAYHOOK_TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672/")
NATS = os.environ.get("WAYHOOK_TEST_NATS", "nats://127.0.0.1:4222")
MYSQL = os.environ.get("WAYHOOK_TEST_MYSQL", "mysql://root@127.0.0.1:3306")


def absent(server: str, error: Exception) -> None:
    """Say that a server is not there."""
    message = f"{server} is not running here ({type(error).__name__}); CONTRIBUTING says how to start it"
    if "CI" in os.environ:
        pytest.fail(message)
    pytest.skip(message)


async def _in_postgres(statement: str) -> None:
    connection = await asyncpg.connect(f"{POSTGRES}/postgres", timeout=5)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _in_mysql(statement: str) -> None:
    host, _, port = MYSQL.rpartition("@")[2].partition(":")
    user, _, password = MYSQL.removeprefix("mysql://").rpartition("@")[0].partition(":")
    connection = await aiomysql.connect(host=host, port=int(port), user=user, password=password, connect_timeout=5)
    try:
        async with connection.cursor() as cursor:
            await cursor.execute(statement)
    finally:
        await connection.ensure_closed()


@contextmanager
def _made(kind: str, folder: Path) -> Iterator[str]:
    """The URL of a database with tables, and nothing in them; it is gone at last."""
    name = f"wayhook_test_{uuid4().hex}"
    servers = {"postgresql": (_in_postgres, POSTGRES), "mysql": (_in_mysql, MYSQL)}
    run, where = servers.get(kind, (None, ""))
    url = f"{where}/{name}" if run else f"sqlite+aiosqlite:///{folder / 'actions.db'}"
    if run:
        try:
            asyncio.run(run(f"CREATE DATABASE {name}"))
        except (OSError, asyncpg.PostgresError, aiomysql.MySQLError) as error:
            absent(kind, error)
    try:
        asyncio.run(wh.SqlRepository(url).migrate())
        yield url
    finally:
        if run:
            asyncio.run(run(f"DROP DATABASE {name}"))


@pytest.fixture(scope="session", params=["postgresql", "mysql", "sqlite"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database with tables, and nothing in them."""
    with _made(request.param, tmp_path_factory.mktemp("sql")) as url:
        yield url


@pytest.fixture(scope="module", params=["postgresql", "mysql", "sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a store of any kind; a test finds nothing in a namespace of its own."""
    if request.param == "redis":
        yield REDIS
        return
    with _made(request.param, tmp_path_factory.mktemp("store")) as url:
        yield url


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of an empty database of PostgreSQL."""
    name = f"wayhook_limits_{os.getpid()}"
    try:
        asyncio.run(_in_postgres(f"CREATE DATABASE {name}"))
    except (OSError, asyncpg.PostgresError) as error:
        absent("postgresql", error)
    try:
        yield f"{POSTGRES}/{name}"
    finally:
        asyncio.run(_in_postgres(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def redis_prefix() -> Iterator[str]:
    """A prefix that no key of this machine's Redis has, and none has at last."""
    prefix = f"wayhook-test-{uuid4().hex}"
    client = redis.Redis.from_url(REDIS, socket_connect_timeout=5)
    try:
        client.ping()
    except redis.RedisError as error:
        absent("redis", error)
    try:
        yield prefix
    finally:
        for key in client.scan_iter(f"*{prefix}*"):
            client.delete(key)
        client.close()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a file that is not there."""
    return f"sqlite+aiosqlite:///{tmp_path / 'actions.db'}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a database of PostgreSQL with tables, which tests share by queues of their own."""
    name = f"wayhook_jobs_{os.getpid()}"
    try:
        asyncio.run(_in_postgres(f"CREATE DATABASE {name}"))
    except (OSError, asyncpg.PostgresError) as error:
        absent("postgresql", error)
    url = f"{POSTGRES}/{name}"
    try:
        asyncio.run(wh.SqlRepository(url).migrate())
        yield url
    finally:
        asyncio.run(_in_postgres(f"DROP DATABASE {name} WITH (FORCE)"))
