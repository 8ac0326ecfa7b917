"""Repositories of 100, 1,000 and 10,000 actions, each used by a journey: what an operation costs as they grow.

Processor time of the process, the thread of SQLite included; the disk is not waited for in it. Speed is told beside the
smallest repository: 1 is a cost that does not grow.

Then every store with 1,000 actions, by the clock, one operation after another and fifty readings at once: what an
operation takes with its disk, its server and the way there. Servers are those of this machine.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from urllib.parse import urlsplit
from uuid import uuid4

import attrs
from measure import Report, turns

import wayhook as wh

SIZES = (100, 1_000, 10_000)
TOGETHER = 500
SMALLEST = f"{SIZES[0]:,} actions"

Operation = Callable[[wh.Repository, int], Awaitable[object]]
"""Does one thing with a repository; the number tells one call from another."""

ACTION = wh.Action(
    name="Order",
    url_configuration=wh.UrlConfiguration(
        "https://orders.example.com/v1/", headers={"X-Campaign": wh.variable("Campaign")}
    ),
    message_parameters=wh.message_parameters({"id": "c-0"}, variables={"id": "Customer"}),
)
JOURNEY = wh.Journey(
    "Order", [wh.ActionActivity("Order", label="order", parameters={"id": wh.expression("@event{O.id}")})]
)


def named(number: int) -> tuple[wh.Action, wh.Journey]:
    """An action and the one journey that uses it."""
    name = f"Action{number:06}"
    return attrs.evolve(ACTION, name=name), attrs.evolve(JOURNEY.renaming_action(ACTION.name, name), name=f"J{name}")


async def fill(repository: wh.Repository, size: int) -> None:
    for first in range(0, size, TOGETHER):
        pairs = [named(number) for number in range(first, min(first + TOGETHER, size))]
        await repository.save(*(value for pair in pairs for value in pair))


async def get(repository: wh.Repository, _: int) -> None:
    assert (await repository.get(wh.Action, "Action000050")).value.name == "Action000050"


async def change(repository: wh.Repository, number: int) -> None:
    await repository.save(attrs.evolve(named(50)[0], description=f"changed {number}"))


async def save_and_delete(repository: wh.Repository, _: int) -> None:
    await repository.save(attrs.evolve(ACTION, name="Action000050b"))
    await repository.delete(wh.Action, "Action000050b")


async def journeys_using(repository: wh.Repository, _: int) -> None:
    assert await repository.journeys_using("Action000050") == ("JAction000050",)


async def page(repository: wh.Repository, _: int) -> None:
    found = await repository.list(wh.Action, cursor="Action000050", limit=10)
    assert found.items[0].value.name == "Action000051"


OPERATIONS: dict[str, tuple[Operation, int]] = {
    "get": (get, 50),
    "save a changed action": (change, 10),
    "save a new action, and delete it": (save_and_delete, 10),
    "journeys_using": (journeys_using, 100),
    "list, a page of 10": (page, 10),
}
"""Each with how many calls a round makes."""


async def measured(
    repositories: dict[str, wh.Repository],
    operation: Operation,
    calls: int,
    rounds: int,
    clock: Callable[[], float] = process_time,
) -> dict:
    seconds = {name: [] for name in repositories}
    for name in turns(repositories, rounds):
        start = clock()
        for number in range(calls):
            await operation(repositories[name], number)
        seconds[name].append((clock() - start) / calls)
    return seconds


async def at_once(repositories: dict[str, wh.Repository], calls: int, rounds: int) -> dict:
    """Readings by the clock, `AT_ONCE` under way: what a store gives in all."""
    seconds = {name: [] for name in repositories}

    async def read(repository: wh.Repository) -> None:
        for _ in range(calls):
            await get(repository, 0)

    for name in turns(repositories, rounds):
        start = perf_counter()
        await asyncio.gather(*(read(repositories[name]) for _ in range(AT_ONCE)))
        seconds[name].append((perf_counter() - start) / calls / AT_ONCE)
    return seconds


async def opened(files: dict[str, Path], rounds: int) -> dict:
    seconds = {name: [] for name in files}
    for name in turns(files, rounds):
        start = process_time()
        async with wh.SqliteRepository(files[name]):
            seconds[name].append(process_time() - start)
    return seconds


@asynccontextmanager
async def in_postgres(_: Path) -> AsyncIterator[wh.Repository]:
    """A database of its own, which is dropped at last."""
    import asyncpg

    name, server = f"wayhook_bench_{uuid4().hex}", await asyncpg.connect(f"{POSTGRES}/postgres", timeout=5)
    try:
        await server.execute(f"CREATE DATABASE {name}")
        await wh.SqlRepository(f"{POSTGRES}/{name}").migrate()
        async with wh.SqlRepository(f"{POSTGRES}/{name}") as repository:
            yield repository
    finally:
        await server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await server.close()


@asynccontextmanager
async def in_mysql(_: Path) -> AsyncIterator[wh.Repository]:
    """A database of its own, which is dropped at last."""
    import aiomysql

    name, place = f"wayhook_bench_{uuid4().hex}", urlsplit(MYSQL)
    how = {"host": place.hostname, "port": place.port or 3306, "user": place.username, "password": place.password or ""}
    server = await aiomysql.connect(**how, connect_timeout=5)
    try:
        async with server.cursor() as cursor:
            await cursor.execute(f"CREATE DATABASE {name}")
        await wh.SqlRepository(f"{MYSQL}/{name}").migrate()
        async with wh.SqlRepository(f"{MYSQL}/{name}") as repository:
            yield repository
    finally:
        async with server.cursor() as cursor:
            await cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        await server.ensure_closed()


@asynccontextmanager
async def in_redis(_: Path) -> AsyncIterator[wh.Repository]:
    """Keys below a prefix of its own, which are deleted at last."""
    from redis.asyncio import Redis

    prefix = f"wayhook-bench-{uuid4().hex}"
    async with Redis.from_url(REDIS, socket_connect_timeout=5) as client:
        await client.ping()
        try:
            async with wh.RedisRepository(REDIS, prefix=prefix) as repository:
                yield repository
        finally:
            async for key in client.scan_iter(f"*{prefix}*", count=1000):
                await client.delete(key)


POSTGRES = os.environ.get("WAYHOOK_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432")
REDIS = os.environ.get("WAYHOOK_TEST_REDIS", "redis://127.0.0.1:6379/0")
MYSQL = os.environ.get("WAYHOOK_TEST_MYSQL", "mysql://root@127.0.0.1:3306")
AT_ONCE = 50
STORED = 1_000
STORES: dict[str, Callable[[Path], AbstractAsyncContextManager[wh.Repository]]] = {
    "memory": lambda _: wh.MemoryRepository(),
    "folder": lambda folder: wh.FolderRepository(folder / "actions"),
    "SQLite": lambda folder: wh.SqliteRepository(folder / "actions.db"),
    "PostgreSQL": in_postgres,
    "MariaDB": in_mysql,
    "Redis": in_redis,
}


async def every_store(report: Report, folder: Path, rounds: int) -> None:
    """Each operation in each store that is there."""
    stored = 100 if report.quick else STORED
    async with AsyncExitStack() as stack:
        repositories = {}
        for name, made in STORES.items():
            try:
                repositories[name] = await stack.enter_async_context(made(folder))
            except Exception as failure:  # noqa: BLE001 - whatever the driver of a server raises
                report.absent(name, f"no server on this machine, {type(failure).__name__}")
            else:
                await fill(repositories[name], stored)
        for title, (operation, calls) in OPERATIONS.items():
            seconds = await measured(repositories, operation, calls, rounds, perf_counter)
            report.table(f"every store: {title}", seconds, baseline="SQLite")
        seconds = await at_once(repositories, 20, rounds)
        title = f"every store: get, {AT_ONCE} at once"
        report.table(title, seconds, baseline="SQLite", unit="calls per second")


async def main() -> None:
    report = Report("Repositories as they grow")
    rounds = 3 if report.quick else 9
    with TemporaryDirectory() as folder:
        files = {f"{size:,} actions": Path(folder) / f"{size}.db" for size in SIZES}
        async with AsyncExitStack() as stack:
            for word in ("memory", "SQLite"):
                repositories = {}
                for size, (name, file) in zip(SIZES, files.items(), strict=True):
                    made = wh.MemoryRepository() if word == "memory" else wh.SqliteRepository(file)
                    repositories[name] = await stack.enter_async_context(made)
                    await fill(made, size)
                for title, (operation, calls) in OPERATIONS.items():
                    seconds = await measured(repositories, operation, calls, rounds)
                    report.table(f"{word}: {title}", seconds, baseline=SMALLEST)
        report.table("SQLite: open a file", await opened(files, rounds), baseline=SMALLEST, unit="ms")
        await every_store(report, Path(folder), rounds)
        print()
        for name, file in files.items():
            report.note(f"size of the file of {name}", file.stat().st_size / 2**20, "MiB")
    report.write()


if __name__ == "__main__":
    asyncio.run(main())
