"""Places below one limit that processes share: what one costs, and how many there are in the worst window of all.

1, 2 and 4 processes ask as fast as they can, each for one place after the other. Beside the stores, the same by
processes that count by themselves. The worst window is of a cap that is far too low for the demand: it counts those
calls that were certainly in one window, having asked and had their place in it.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from bisect import bisect_left
from contextlib import AsyncExitStack
from time import monotonic
from uuid import uuid4

from measure import Report, turns

import wayhook as wh

POSTGRES = os.environ.get("WAYHOOK_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432")
REDIS = os.environ.get("WAYHOOK_TEST_REDIS", "redis://127.0.0.1:6379/0")
URL = "https://orders.example.com/v1"
ALONE, IN_REDIS, IN_POSTGRES = "each process by itself", "Redis", "PostgreSQL"
PROCESSES = (1, 2, 4)
ENOUGH = 1_000_000
CAP, PERIOD = 50, 100


def opened(where: str, rule: wh.CappingRule, namespace: str):
    if where == ALONE:
        return wh.WindowLimiter([rule])
    kind = wh.RedisLimiter if where.startswith("redis") else wh.PostgresLimiter
    return kind(where, [rule], namespace=namespace)


async def work(where: str, namespace: str, count: int, period: int, calls: int) -> None:
    """What one process does: make itself ready, wait for the word, ask so many times, tell when."""
    async with AsyncExitStack() as stack:
        limiter = opened(where, wh.CappingRule(URL, wh.Rating(count, period)), namespace)
        if where != ALONE:
            await stack.enter_async_context(limiter)
        await limiter.spend("POST", URL)
        await asyncio.sleep(2 * period / 1000 if count < ENOUGH else 0)
        print("ready", flush=True)
        sys.stdin.readline()
        went = []
        for _ in range(calls):
            asked = monotonic()
            try:
                async with limiter.place("POST", URL):
                    went.append((asked, monotonic()))
            except wh.Discarded:
                await asyncio.sleep(0.0002)
        print(json.dumps(went))


async def went(where: str, processes: int, count: int, period: int, calls: int) -> list[list[tuple[float, float]]]:
    """When the calls of each process asked, and had their places."""
    words = (where, uuid4().hex, str(count), str(period), str(calls))
    started = [
        await asyncio.create_subprocess_exec(
            sys.executable, __file__, "work", *words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, limit=2**26
        )
        for _ in range(processes)
    ]
    for process in started:
        assert await process.stdout.readline() == b"ready\n"
    told = await asyncio.gather(*(process.communicate(b"go\n") for process in started))
    assert [process.returncode for process in started] == [0] * processes
    return [json.loads(output) for output, _ in told]


def worst(spans: list[tuple[float, float]], seconds: float) -> int:
    """The most calls that were certainly in one window of so many seconds."""
    spans = sorted(spans)
    starts = [asked for asked, _ in spans]
    return max(
        sum(placed < start + seconds for _, placed in spans[i : bisect_left(starts, start + seconds)])
        for i, start in enumerate(starts)
    )


async def present(report: Report, stack: AsyncExitStack) -> dict[str, str]:
    """Where limits can be kept here, by name."""
    found = {ALONE: ALONE}
    try:
        async with wh.RedisLimiter(REDIS):
            found[IN_REDIS] = REDIS
    except wh.StoreUnavailable:
        report.absent(IN_REDIS, "no server")
    try:
        found[IN_POSTGRES] = await _database(stack)
    except OSError:
        report.absent(IN_POSTGRES, "no server")
    return found


async def _database(stack: AsyncExitStack) -> str:
    """A database of our own, until the stack is left."""
    import asyncpg

    name = f"wayhook_bench_{os.getpid()}"
    connection = await asyncpg.connect(f"{POSTGRES}/postgres", timeout=5)
    stack.push_async_callback(connection.close)
    await connection.execute(f"CREATE DATABASE {name}")
    stack.push_async_callback(connection.execute, f"DROP DATABASE {name} WITH (FORCE)")
    return f"{POSTGRES}/{name}"


async def main() -> None:
    report = Report("Limits that processes share", "redis", "asyncpg")
    calls, rounds, hits = (100, 2, 300) if report.quick else (1_000, 7, 3_000)
    async with AsyncExitStack() as stack:
        places = await present(report, stack)
        one = {str(processes): {name: [] for name in places} for processes in PROCESSES}
        shared = {str(processes): {name: [] for name in places if name != ALONE} for processes in PROCESSES}
        for processes in PROCESSES:
            for name in turns(places, rounds):
                spans = await went(places[name], processes, ENOUGH, 1000, calls)
                each = [(of_one[-1][1] - of_one[0][0]) / calls for of_one in spans]
                whole = max(of_one[-1][1] for of_one in spans) - min(of_one[0][0] for of_one in spans)
                one[str(processes)][name].append(sum(each) / processes)
                if name != ALONE:
                    shared[str(processes)][name].append(whole / (calls * processes))
        report.grid("One place", one, "processes", key="one")
        if len(places) > 1:
            report.grid("Places of all processes", shared, "processes", unit="calls per second", key="all")
        for name, where in places.items():
            spans = await went(where, PROCESSES[-1], CAP, PERIOD, hits)
            most = worst([span for of_one in spans for span in of_one], PERIOD / 1000)
            report.note(f"most in a window of {PERIOD} ms, {PROCESSES[-1]} processes, cap {CAP}: {name}", most, "calls")
    report.write()


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:
        asyncio.run(work(*sys.argv[2:4], *map(int, sys.argv[4:])))
    else:
        asyncio.run(main())
