"""What it costs to share pauses, breakers and the budget: a good call, and one whose first attempt fails.

A good call is measured in processor time, with a transport that only counts; one that is repeated by the clock, since
it waits for the store. Nothing is waited for between the attempts. A store that is not on this machine is absent.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from time import perf_counter, process_time

import attrs
from counting import CountingTransport
from measure import Report, turns
from order import action, contexts, journey

import wayhook as wh

URL = "https://orders.example.com"
REDIS = os.environ.get("WAYHOOK_TEST_REDIS", "redis://127.0.0.1:6379/0")
POSTGRES = f"{os.environ.get('WAYHOOK_TEST_POSTGRES', 'postgresql://postgres@127.0.0.1:5432')}/postgres"
OWN = f"wayhook_bench_{os.getpid()}"
ALONE = "in one process"
RAILS = attrs.evolve(
    wh.Guardrails.standard(),
    breaker=wh.BreakerRule(share=0.9),
    retry_budget=wh.RetryBudget(1, 1_000_000, 1_000_000),
)


class Failing(CountingTransport):
    """Fails every second time."""

    async def send(self, request: wh.Request, deadline: float) -> wh.Response:
        """Count the request."""
        answer = await super().send(request, deadline)
        return wh.Response(500) if self.count % 2 else answer


@asynccontextmanager
async def in_redis() -> AsyncIterator[wh.RedisStandings]:
    """Standings in the Redis of this machine, and nothing of them at last."""
    async with wh.RedisStandings(REDIS, prefix=OWN) as standings:
        yield standings
    from redis import Redis

    with Redis.from_url(REDIS) as client:
        for key in client.scan_iter(f"{OWN}:*"):
            client.delete(key)


@asynccontextmanager
async def in_postgres() -> AsyncIterator[wh.PostgresStandings]:
    """Standings in the PostgreSQL of this machine, and nothing of them at last."""
    async with wh.PostgresStandings(POSTGRES, namespace=OWN) as standings:
        yield standings
    import asyncpg

    connection = await asyncpg.connect(POSTGRES)
    await connection.execute("DELETE FROM wayhook_standing_1 WHERE namespace = $1", OWN)
    await connection.close()


@asynccontextmanager
async def in_memory() -> AsyncIterator[wh.MemoryStandings]:
    """Standings of this process."""
    yield wh.MemoryStandings()


STORES = {"shared in memory": in_memory, "shared in Redis": in_redis, "shared in PostgreSQL": in_postgres}


async def opened(report: Report, stack: AsyncExitStack) -> dict[str, wh.Standings | None]:
    """The stores that are there."""
    found: dict[str, wh.Standings | None] = {ALONE: None}
    for name, store in STORES.items():
        try:
            standings = await stack.enter_async_context(store())
            await standings.tell(URL, wh.StandingReport(), None)
        except (wh.StoreUnavailable, wh.MissingExtra) as error:
            report.absent(name, type(error).__name__)
        else:
            found[name] = standings
    return found


async def executing(
    stack: AsyncExitStack, transport: CountingTransport, standings: wh.Standings | None
) -> Callable[[wh.Context], Awaitable[wh.Outcome]]:
    repository, orders = wh.MemoryRepository(), journey()
    order = action(URL)
    await repository.save(attrs.evolve(order, idempotency_header="Idempotency-Key"))
    executor = await stack.enter_async_context(
        wh.Executor(repository, transport=transport, guardrails=RAILS, standings=standings, random=lambda: 0.0)
    )
    return lambda context: executor.execute(orders, "confirm", context)


async def main() -> None:
    report = Report("Sharing how destinations stand", "redis", "asyncpg")
    calls, rounds = (300, 3) if report.quick else (1_000, 15)
    subjects = list(contexts(calls))
    async with AsyncExitStack() as stack:
        stores = await opened(report, stack)
        measured = {
            "a call that goes well": (CountingTransport, process_time),
            "a call that is repeated": (Failing, perf_counter),
        }
        for title, (transport, clock) in measured.items():
            executes = {name: await executing(stack, transport(), store) for name, store in stores.items()}
            seconds = {name: [] for name in executes}
            for execute in executes.values():
                outcome = await execute(subjects[0])
                assert outcome.succeeded
                assert len(outcome.attempts) == (2 if transport is Failing else 1)
            for name in turns(executes, rounds):
                start = clock()
                for context in subjects:
                    await executes[name](context)
                seconds[name].append((clock() - start) / calls)
            report.table(f"{title}, {calls:,} calls a round", seconds, baseline=ALONE, key=title)
    report.write()


if __name__ == "__main__":
    asyncio.run(main())
