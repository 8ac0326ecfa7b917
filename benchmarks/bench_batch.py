"""A million contexts through `Executor.batch` with a transport that only counts: time per call, peak of memory.

Between the tenths of the one batch, hand-written workers push as many through the same transport. They check
nothing, keep no record and no deadline, and repeat nothing: they show what the loop and the JSON cost alone.
"""

from __future__ import annotations

import asyncio
import json
from time import perf_counter

from measure import Report, resident, turns
from order import ANSWER, action, by_hand, contexts, events, journey

import wayhook as wh
from wayhook.wire import Request, Response

URL = "https://orders.example.com"
CONCURRENCY = 50
ROUNDS = 10


class CountingTransport:
    """Answers at once and keeps nothing but counts, and the last request."""

    def __init__(self) -> None:
        self.count, self.size, self.last = 0, 0, None
        self._answer = Response(200, (("content-type", "application/json"),), json.dumps(ANSWER).encode())

    async def send(self, request: Request, deadline: float) -> Response:  # noqa: ARG002 - the shape of the port
        """Count the request."""
        self.count += 1
        self.size += len(request.body)
        self.last = request
        await asyncio.sleep(0)  # a real call gives the loop back at least once
        return self._answer

    async def aclose(self) -> None:
        """Nothing is open."""


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


async def opened_executor(transport: CountingTransport) -> wh.Executor:
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


async def check() -> None:
    """Both ways send the same requests."""
    ours, theirs = CountingTransport(), CountingTransport()
    async with await opened_executor(ours) as executor:
        for i in (1, 2, 50):
            async with executor.batch(journey(), "confirm", contexts(i), concurrency=1) as batch:
                assert [outcome.index async for outcome in batch if outcome.response == ANSWER] == list(range(i))
            await by_hand_in_workers(theirs, i)
            assert ours.last == theirs.last
    assert (ours.count, ours.size) == (theirs.count, theirs.size)
    print(f"requests are equal both ways: URL, headers, {len(ours.last.body)} bytes of body")


async def main() -> None:
    report = Report("A million contexts through batch, with a transport that only counts")
    total = 100_000 if report.quick else 1_000_000
    each = total // ROUNDS
    await check()

    seconds = {"workers by hand": [], "wayhook, batch": []}
    ours, theirs = CountingTransport(), CountingTransport()
    start_memory = peak = resident()
    async with (
        await opened_executor(ours) as executor,
        executor.batch(journey(), "confirm", contexts(total), concurrency=CONCURRENCY) as batch,
    ):
        for name in turns(seconds, ROUNDS):
            start = perf_counter()
            if name == "workers by hand":
                await by_hand_in_workers(theirs, each)
            else:
                peak = max(peak, await take(batch, each))
            seconds[name].append((perf_counter() - start) / each)
        assert [outcome async for outcome in batch] == []
    assert ours.count == theirs.count == total
    start = perf_counter()
    for _ in contexts(each):
        pass
    alone = (perf_counter() - start) / each

    title = f"{total:,} contexts in one batch, {CONCURRENCY} at once; {each:,} calls a round"
    report.table("batch", title, seconds, baseline="workers by hand")
    print()
    report.note("of that, making a context", alone * 1e6, "µs")
    report.note("memory at the start", start_memory / 2**20, "MiB")
    report.note("peak growth above the start", (peak - start_memory) / 2**20, "MiB")
    report.write()


if __name__ == "__main__":
    asyncio.run(main())
