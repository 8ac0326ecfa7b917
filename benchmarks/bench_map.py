"""`wayhook.map` over a table, beside the batch alone, with a transport that only counts; and what results weigh.

A map reads, matches and renders all rows before the first call, opens a loop in a thread of its own, and keeps every
outcome with its row. The batch is given values that are matched already, and its outcomes are kept as well. Processor
time of the whole process, the start of the thread included.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from time import process_time

from counting import CountingTransport
from measure import Report, resident, turns
from order import ANSWER, action, events, path, values

import wayhook as wh

URL = "https://orders.example.com"
CONCURRENCY = 50
BATCH, MAP, BAR, PANDAS, POLARS = "the batch", "map", "map, with a bar", "map of pandas", "map of polars"
DRY = "map, dry run"


def batch(rows: list[dict], paths: list[str], transport: CountingTransport) -> list[wh.Outcome]:
    """The calls alone: what is left of a map when its rows are values already and nobody looks at them before."""

    async def taken() -> list[wh.Outcome]:
        async with (
            wh.Executor(transport=transport) as executor,
            executor.call_each(action(URL), rows, path=paths, concurrency=CONCURRENCY) as batch,
        ):
            return [outcome async for outcome in batch]

    return asyncio.run(taken())


def contenders(rows: list[dict], paths: list[str]) -> dict[str, Callable[[CountingTransport], object]]:
    """By name, what calls for all rows over a transport."""

    def mapped(table: object, **settings: object) -> Callable[[CountingTransport], object]:
        how = {"path": paths, "concurrency": CONCURRENCY, "progress": False, **settings}
        return lambda transport: wh.map(action(URL), table, transport=transport, **how)

    found = {
        BATCH: lambda transport: batch(rows, paths, transport),
        MAP: mapped(rows),
        BAR: mapped(rows, progress=True),
        DRY: mapped(rows, dry_run=True),
    }
    try:
        import pandas as pd
        import polars as pl
    except ImportError:
        return found
    return found | {PANDAS: mapped(pd.DataFrame(rows)), POLARS: mapped(pl.DataFrame(rows))}


def check(rows: list[dict], paths: list[str]) -> None:
    """All contenders send the same requests, and have the same answers."""
    sizes = set()
    for name, call in contenders(rows, paths).items():
        transport = CountingTransport()
        outcomes = call(transport)
        assert len(outcomes) == len(rows)
        if name != DRY:
            assert all(outcome.response == ANSWER for outcome in outcomes)
            sizes.add((transport.count, transport.size))
    assert len(sizes) == 1
    print(f"requests are equal, {len(rows)} of {sizes.pop()[1]:,} bytes together")


def weight(report: Report, count: int) -> None:
    """The memory of results, and of them with their rows, for each row."""
    gc.collect()
    start = resident()
    results = wh.map(
        action(URL),
        map(values, events(count)),
        path=map(path, events(count)),
        transport=CountingTransport(),
        progress=False,
    )
    gc.collect()
    report.note(f"memory of {len(results):,} results and their rows, for each", (resident() - start) / count, "bytes")


def main() -> None:
    report = Report("A table of rows, with a transport that only counts", "pandas", "polars")
    count, rounds = (1_000, 3) if report.quick else (10_000, 11)
    check(*table(100))
    weight(report, count * 4)
    calls = contenders(*table(count))
    for name in {PANDAS, POLARS} - calls.keys():
        report.absent(name, "pandas and polars are not installed")
    taken = {name: [] for name in calls}
    for name in turns(calls, rounds):
        transport = CountingTransport()
        start = process_time()
        calls[name](transport)
        taken[name].append((process_time() - start) / count)
    report.table(f"{count:,} rows, {CONCURRENCY} at once", taken, BATCH, key="map")
    report.write()


def table(count: int) -> tuple[list[dict], list[str]]:
    """So many rows, and their paths."""
    return [values(event) for event in events(count)], [path(event) for event in events(count)]


if __name__ == "__main__":
    main()
