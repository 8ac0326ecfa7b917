"""Calls that are handed over, beside the same calls executed at once: what durability costs for a call.

By the clock, since most of it is waiting for a disk and for a broker. The transport only counts. Stores are on this
machine: a file of SQLite, and where their servers run, PostgreSQL alone and PostgreSQL with RabbitMQ.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from uuid import uuid4

from measure import Report, turns

import wayhook as wh
from wayhook.testing import FakeTransport

POSTGRES = os.environ.get("WAYHOOK_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432")
RABBITMQ = os.environ.get("WAYHOOK_TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672/")
AT_ONCE, TOGETHER = 50, 100
DIRECT = "executed at once"

ACTION = wh.Action(
    name="Order",
    url_configuration=wh.UrlConfiguration("https://orders.example.com/v1/"),
    idempotency_header="Idempotency-Key",
    message_parameters=wh.message_parameters({"id": "c-0"}, variables={"id": "Customer"}),
)


@asynccontextmanager
async def executor() -> AsyncIterator[wh.Executor]:
    repository = wh.MemoryRepository()
    await repository.save(ACTION)
    async with wh.Executor(repository, transport=FakeTransport(wh.Response(202))) as executor:
        yield executor


class Place:
    """A store, and what hands jobs over to it and carries them out."""

    def __init__(self, jobs: Any, executor: wh.Executor) -> None:
        self.jobs = jobs
        self._worker = wh.Worker(jobs, executor)

    async def dispatch(self, *jobs: wh.Job) -> tuple[str, ...]:
        """Hand jobs over."""
        return await self.jobs.dispatch(*jobs)

    async def carry_out(self, names: tuple[str, ...]) -> None:
        """Carry out what was handed over, to its end."""
        assert await self._worker.drain(concurrency=AT_ONCE) == len(names)


class CountedJobs(wh.SqlJobs):
    """A store that tells when so many jobs are settled."""

    _settled, _changed = 0, asyncio.Event()

    async def settle(self, *given: Any) -> bool:
        """Settle one."""
        is_written = await super().settle(*given)
        self._settled += is_written
        self._changed.set()
        return is_written

    async def all_settled(self, count: int) -> None:
        """Wait for so many."""
        while self._settled < count:
            await self._changed.wait()
            self._changed.clear()
        self._settled = 0


class BrokerPlace(Place):
    """The same with a broker, whose worker is a task of this process."""

    def __init__(self, jobs: Any, executor: wh.Executor, dispatcher: wh.TaskiqDispatcher) -> None:
        super().__init__(jobs, executor)
        self._dispatcher = dispatcher

    async def dispatch(self, *jobs: wh.Job) -> tuple[str, ...]:
        """Hand jobs over."""
        return await self._dispatcher.dispatch(*jobs)

    async def carry_out(self, names: tuple[str, ...]) -> None:
        """Carry out what was handed over, to its end, by what the broker says."""
        from taskiq.api import run_receiver_task

        working = asyncio.create_task(run_receiver_task(self._dispatcher.broker, max_async_tasks=AT_ONCE))
        await self.jobs.all_settled(len(names))
        working.cancel()
        await asyncio.wait([working])


@asynccontextmanager
async def broker_place(executor: wh.Executor, database: str, queue: str) -> AsyncIterator[BrokerPlace]:
    """A place in PostgreSQL and RabbitMQ; what was made in RabbitMQ goes at last."""
    import aio_pika

    @asynccontextmanager
    async def shared() -> AsyncIterator[wh.Executor]:
        yield executor

    jobs = CountedJobs(database, queue=queue)
    dispatcher = wh.TaskiqDispatcher(jobs, shared, broker=RABBITMQ, queue=queue, prefetch=AT_ONCE)
    dispatcher.broker.is_worker_process = True
    try:
        async with dispatcher:
            yield BrokerPlace(jobs, executor, dispatcher)
    finally:
        async with await aio_pika.connect(RABBITMQ, timeout=5) as connection:
            channel = await connection.channel()
            for name in (queue, f"{queue}.dead"):
                await channel.queue_delete(name)
            await channel.exchange_delete(queue)


async def places(report: Report, stack: AsyncExitStack, executor: wh.Executor, folder: str) -> dict[str, Place]:
    """Every place that is here."""
    found = {"memory": Place(wh.MemoryJobs(), executor)}
    url = f"sqlite+aiosqlite:///{Path(folder, 'jobs.db')}"
    await wh.SqlJobs(url).migrate()
    found["SQLite"] = Place(await stack.enter_async_context(wh.SqlJobs(url)), executor)
    try:
        database = await stack.enter_async_context(fresh_database())
    except (OSError, ImportError):
        report.absent("PostgreSQL", "no server, or no driver, is here")
        return found
    await wh.SqlJobs(database).migrate()
    found["PostgreSQL"] = Place(await stack.enter_async_context(wh.SqlJobs(database)), executor)
    try:
        place = await stack.enter_async_context(broker_place(executor, database, f"bench-{uuid4().hex}"))
        found["PostgreSQL and RabbitMQ"] = place
    except (wh.StoreUnavailable, ImportError):
        report.absent("PostgreSQL and RabbitMQ", "no broker, or no client of it, is here")
    return found


@asynccontextmanager
async def fresh_database() -> AsyncIterator[str]:
    """The URL of a database in PostgreSQL that is dropped at last."""
    import asyncpg

    name = f"bench_{uuid4().hex}"
    server = await asyncpg.connect(f"{POSTGRES}/postgres", timeout=5)
    try:
        await server.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{POSTGRES}/{name}"
        finally:
            await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await server.close()


async def seconds(work: Callable[[], Awaitable[object]]) -> float:
    start = perf_counter()
    await work()
    return perf_counter() - start


async def at_once(executor: wh.Executor, calls: int) -> None:
    rows = ({"id": f"c-{number}"} for number in range(calls))
    async with executor.call_each("Order", rows, concurrency=AT_ONCE) as batch:
        assert len([outcome async for outcome in batch]) == calls


async def one_by_one(place: Place, jobs: list[wh.Job], names: list[str]) -> None:
    for job in jobs:
        names += await place.dispatch(job)


async def together(place: Place, jobs: list[wh.Job], names: list[str]) -> None:
    for first in range(0, len(jobs), TOGETHER):
        names += await place.dispatch(*jobs[first : first + TOGETHER])


async def main() -> None:
    report = Report("Calls that are handed over", "sqlalchemy", "asyncpg", "taskiq", "taskiq-aio-pika")
    rounds, calls = (2, 100) if report.quick else (5, 300)
    taken: dict[str, dict[str, list[float]]] = {"one by one": {}, "together": {}, "carried out": {}}
    with TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            own = await stack.enter_async_context(executor())
            found = await places(report, stack, own, folder)
            logging.getLogger("taskiq").setLevel(logging.ERROR)  # each round ends its worker
            for name in turns([DIRECT, *found], rounds):
                if name == DIRECT:
                    taken_now = dict.fromkeys(taken, await seconds(lambda: at_once(own, calls)) / calls)
                else:
                    taken_now = await measured(found[name], calls)
                for step, figure in taken_now.items():
                    taken[step].setdefault(name, []).append(figure)
    titles = {
        "one by one": "Handed over, one after the other",
        "together": f"Handed over, {TOGETHER} together",
        "carried out": f"Carried out by one worker, {AT_ONCE} at once",
    }
    for step, title in titles.items():
        report.table(title, taken[step], baseline=DIRECT, key=step)
    report.write()


async def measured(place: Place, calls: int) -> dict[str, float]:
    """Seconds for a call by each step; what is handed over is carried out after it."""
    figures, names = {}, []
    for step, hand_over in (("one by one", one_by_one), ("together", together)):
        jobs = [wh.Job.call("Order", {"id": f"c-{number}"}) for number in range(calls)]
        names = []
        figures[step] = await seconds(lambda jobs=jobs, names=names, over=hand_over: over(place, jobs, names)) / calls
        figures["carried out"] = await seconds(lambda names=names: place.carry_out(tuple(names))) / calls
    return figures


if __name__ == "__main__":
    asyncio.run(main())
