"""A million contexts through `Executor.batch` with a transport that only counts: our own time per call, and memory.

Between the tenths of the one batch, hand-written workers push as many through the same transport. They check
nothing, keep no record and no deadline, and repeat nothing: they show what the loop and the JSON cost alone. Processor
time, since nothing waits; more than one process is measured by the clock.
"""

from __future__ import annotations

import asyncio
import json
import resource
from contextlib import AsyncExitStack
from importlib.util import find_spec
from inspect import signature
from time import perf_counter, process_time

from contender import opened_executor, why_absent
from counting import CountingTransport
from measure import Report, resident, spread, turns
from order import ANSWER, action, by_hand, contexts, events, journey, loopback
from server import ledger, serving

import wayhook as wh
from wayhook.wire import Request

URL = "https://orders.example.com"
CONCURRENCY = 50
ROUNDS = 10
BY_HAND = "workers by hand"
DASK = "Dask, 2 workers"
AS_THEY_COME = "wayhook, as they come"
SETTINGS = {AS_THEY_COME: {}, "wayhook, in order": {"in_order": True}}
"""How the outcomes of a batch can be taken; a setting that `Executor.batch` does not have is absent."""


def has(settings: dict) -> bool:
    return settings.keys() <= signature(wh.Executor.batch).parameters.keys()


async def by_hand_in_workers(transport: CountingTransport, count: int) -> None:
    """The same requests, `CONCURRENCY` at once, rendered by a copy and json.dumps."""
    source = events(count)

    async def work() -> None:
        for event in source:
            url, headers, body = by_hand(URL, event)
            answer = await transport.send(Request("POST", url, tuple(headers.items()), body), 0.0)
            assert json.loads(answer.body) == ANSWER

    async with asyncio.TaskGroup() as group:
        for _ in range(CONCURRENCY):
            group.create_task(work())


async def counted_executor(transport: CountingTransport) -> wh.Executor:
    repository = wh.MemoryRepository()
    await repository.save(action(URL))
    return wh.Executor(repository, transport=transport)


async def take(batch: wh.Batch, count: int) -> int:
    """Take so many outcomes; return the most memory seen on the way."""
    peak = 0
    for taken in range(count):
        outcome = await anext(batch)
        assert outcome.response == ANSWER
        if taken % 1_000 == 0:
            peak = max(peak, resident())
    return peak


def sent(request: Request) -> tuple:
    """What of a request goes over the wire."""
    return request.method, request.url, request.headers, request.body


async def check() -> None:
    """Both ways send the same requests."""
    ours, theirs = CountingTransport(), CountingTransport()
    async with await counted_executor(ours) as executor:
        for i in (1, 2, 50):
            async with executor.batch(journey(), "confirm", contexts(i), concurrency=1) as batch:
                assert [outcome.index async for outcome in batch if outcome.response == ANSWER] == list(range(i))
            await by_hand_in_workers(theirs, i)
            assert sent(ours.last) == sent(theirs.last)
    assert (ours.count, ours.size) == (theirs.count, theirs.size)
    print(f"requests are equal both ways: URL, headers, {len(ours.last.body)} bytes of body")


async def in_tenths(report: Report, total: int) -> None:
    """One batch of each kind, taken in turn by tenths: each tenth is a round."""
    each = total // ROUNDS
    for name in [name for name, settings in SETTINGS.items() if not has(settings)]:
        report.absent(name, "Executor.batch has no such setting")
    present = {name: settings for name, settings in SETTINGS.items() if has(settings)}
    transports = {name: CountingTransport() for name in (BY_HAND, *present)}
    taken, peaks = {name: [] for name in transports}, []
    start_memory = resident()
    async with AsyncExitStack() as stack:
        batches = {}
        for name, settings in present.items():
            executor = await stack.enter_async_context(await counted_executor(transports[name]))
            batch = executor.batch(journey(), "confirm", contexts(total), concurrency=CONCURRENCY, **settings)
            batches[name] = await stack.enter_async_context(batch)
        for name in turns(transports, ROUNDS):
            start, peak = process_time(), 0
            if name == BY_HAND:
                await by_hand_in_workers(transports[name], each)
            else:
                peak = await take(batches[name], each)
            taken[name].append((process_time() - start) / each)
            if name == AS_THEY_COME:
                peaks.append(max(0, peak - start_memory))
        for batch in batches.values():
            assert [outcome async for outcome in batch] == []
    assert {transport.count for transport in transports.values()} == {total}

    report.table(f"{total:,} contexts in one batch, {CONCURRENCY} at once", taken, BY_HAND, key="batch")
    so_far = [str(each * (place + 1)) for place in range(ROUNDS)]
    by_length = {length: {name: [row[place]] for name, row in taken.items()} for place, length in enumerate(so_far)}
    report.grid("Each tenth of the batch, as it goes on", by_length, "outcomes", key="time")
    memory = {length: {AS_THEY_COME: [peak]} for length, peak in zip(so_far, peaks, strict=True)}
    report.grid("The most memory above the start in each tenth", memory, "outcomes", unit="MiB", key="memory")
    print()
    start = process_time()
    for _ in contexts(each):
        pass
    alone = (process_time() - start) / each
    report.note("of the time for a call, making its context", alone * 1e6, "µs")
    report.note("our own for a call", (spread(taken[AS_THEY_COME])["median"] - alone) * 1e6, "µs")
    report.note("memory at the start", start_memory / 2**20, "MiB")
    report.note("peak growth above the start", max(peaks) / 2**20, "MiB")


async def in_processes(report: Report, total: int) -> None:
    """The same batch by one process and by more, to a service on this machine: by the clock, their start included.

    Each process makes a transport of its own, so that it is a real one here. The service takes its part of the cores:
    on two more processes cannot be faster; what the parent and the others spend for a call says what more cores
    would give. By Dask rows go through `wayhook.map`, which reads and renders all of them first; its workers are up.
    """
    kinds = {f"{count} process{'es' if count > 1 else ''}": {"processes": count} for count in (1, 2, 4)}
    if not has({"processes": 2}):
        report.absent("processes", "Executor.batch has no such setting")
        return
    taken, parent, others = ({name: [] for name in kinds} for _ in range(3))
    transport = "httpx" if why_absent("wayhook over wire, batch", "asyncio") else "wire"
    with serving() as port:
        async with opened_executor(f"http://127.0.0.1:{port}", transport) as executor:
            for name in turns(kinds, 3):
                start, own, theirs = perf_counter(), process_time(), of_children()
                settings = {"concurrency": CONCURRENCY, **kinds[name]}
                async with executor.batch(journey(), "confirm", contexts(total), **settings) as batch:
                    await take(batch, total)
                taken[name].append((perf_counter() - start) / total)
                parent[name].append((process_time() - own) / total)
                others[name].append((of_children() - theirs) / total)
        posts = 3 * len(kinds) * total
        assert (await asyncio.to_thread(ledger, port))["posts"] == posts
        if find_spec("distributed"):
            taken[DASK] = await asyncio.to_thread(by_dask, f"http://127.0.0.1:{port}", transport, total)
            assert (await asyncio.to_thread(ledger, port))["posts"] == posts + 3 * total
        else:
            report.absent(DASK, "distributed is not installed")
    title = f"{total:,} contexts over {transport}, by the clock, start included"
    report.table(title, taken, "1 process", "calls per second", key="processes")
    report.table(f"{total:,} contexts over {transport}, processor of the parent", parent, key="processes, parent")
    spent = {name: figures for name, figures in others.items() if kinds[name] != {"processes": 1}}
    report.table(f"{total:,} contexts over {transport}, processor of the others", spent, key="processes, others")


def of_children() -> float:
    """Seconds of processor time of the processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def by_dask(url: str, transport: str, total: int) -> list[float]:
    """Seconds for a call by the workers of a cluster on this machine, round by round."""
    from distributed import Client, LocalCluster

    async def kept() -> wh.MemoryRepository:
        repository = wh.MemoryRepository(guardrails=loopback())
        await repository.save(action(url))
        return repository

    how = {"label": "confirm", "transport": transport, "concurrency": CONCURRENCY, "progress": False}
    seconds = []
    local = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0")
    with local as cluster, Client(cluster) as client:
        for _ in range(3):
            rows = list(contexts(total))
            start = perf_counter()
            results = wh.map(
                journey(), rows, repository=asyncio.run(kept()), guardrails=loopback(), engine=client, **how
            )
            seconds.append((perf_counter() - start) / total)
            assert len(results.succeeded) == total
    return seconds


async def main() -> None:
    report = Report("A batch of contexts, with a transport that only counts")
    total = 5_000 if report.quick else 1_000_000
    await check()
    await in_tenths(report, total)
    await in_processes(report, total // 10)
    report.write()


if __name__ == "__main__":
    asyncio.run(main())
