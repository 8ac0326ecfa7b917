"""The whole executor against hand-written httpx + tenacity, on one loopback server in another process.

Bare sockets, which send ready bytes and look at nothing, show that the server is not what limits the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from time import perf_counter, process_time

import httpx
import tenacity
from measure import Report, turns
from order import ANSWER, action, by_hand, contexts, events, journey, loopback
from server import POSTED, ledger, serving

import wayhook as wh

BASELINE = "httpx + tenacity"

Run = Callable[[int], Awaitable[None]]
"""Makes so many calls, over the connections it was opened with."""


async def in_workers(source, connections: int, call) -> None:
    """Make one call for each item of `source`, so many at once, and look at each answer."""
    items = iter(source)

    async def work() -> None:
        for item in items:
            answer = await call(item)
            assert answer == ANSWER

    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(work())


@asynccontextmanager
async def by_httpx(url: str, connections: int) -> AsyncIterator[Run]:
    """A stock client with its limits raised, and each call in tenacity."""
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    policy = {
        "stop": tenacity.stop_after_attempt(4),
        "wait": tenacity.wait_random_exponential(multiplier=0.1, max=1),
        "retry": tenacity.retry_if_exception_type((httpx.TransportError, httpx.HTTPStatusError)),
        "reraise": True,
    }
    async with httpx.AsyncClient(limits=limits, timeout=5, trust_env=False) as client:

        async def post(event: dict) -> dict:
            target, headers, body = by_hand(url, event)
            answer = await client.post(target, headers=headers, content=body)
            answer.raise_for_status()
            return answer.json()

        async def call(event: dict) -> dict:
            return await tenacity.AsyncRetrying(**policy)(post, event)

        yield lambda count: in_workers(events(count), connections, call)


@asynccontextmanager
async def opened_executor(url: str) -> AsyncIterator[wh.Executor]:
    repository = wh.MemoryRepository(guardrails=loopback())
    await repository.save(action(url))
    async with wh.Executor(repository, guardrails=loopback()) as executor:
        yield executor


@asynccontextmanager
async def by_execute(url: str, connections: int) -> AsyncIterator[Run]:
    """`Executor.execute`, one call at a time in each worker."""
    orders = journey()
    async with opened_executor(url) as executor:

        async def call(context: wh.Context) -> dict:
            return (await executor.execute(orders, "confirm", context)).response

        yield lambda count: in_workers(contexts(count), connections, call)


@asynccontextmanager
async def by_batch(url: str, connections: int) -> AsyncIterator[Run]:
    """`Executor.batch`, with its own workers."""
    orders = journey()
    async with opened_executor(url) as executor:

        async def run(count: int) -> None:
            async with executor.batch(orders, "confirm", contexts(count), concurrency=connections) as batch:
                async for outcome in batch:
                    assert outcome.response == ANSWER

        yield run


@asynccontextmanager
async def by_sockets(url: str, connections: int) -> AsyncIterator[Run]:
    """The same bytes over bare connections; nothing is rendered, parsed or repeated."""
    port = int(url.rpartition(":")[2])
    target, headers, body = by_hand("", next(events(1)))
    lines = [f"POST {target} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    message = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
    streams = [await asyncio.open_connection("127.0.0.1", port) for _ in range(connections)]

    async def call(_: int) -> dict:
        reader, writer = streams.pop()
        writer.write(message)
        assert await reader.readexactly(len(POSTED)) == POSTED
        streams.append((reader, writer))
        return ANSWER

    yield lambda count: in_workers(range(count), connections, call)
    for _, writer in streams:
        writer.close()
        await writer.wait_closed()


CONTENDERS = {
    BASELINE: by_httpx,
    "wayhook, execute": by_execute,
    "wayhook, batch": by_batch,
    "bare sockets": by_sockets,
}


async def check(port: int) -> None:
    """One call of each contender: the service receives the same target, headers and body."""
    received = {}
    for name, contender in CONTENDERS.items():
        async with contender(f"http://127.0.0.1:{port}", 1) as run:
            await run(1)
        last = await asyncio.to_thread(ledger, port)
        line, *headers = last["head"].strip().split("\r\n")
        named = dict(header.lower().split(": ") for header in headers)
        names = ("host", "content-type", "charset", "x-campaign", "content-length")
        received[name] = (line, last["body"], {key: named[key] for key in names})
    assert all(request == received[BASELINE] for request in received.values())
    print(f"the service received equal requests from all contenders: {len(received[BASELINE][1])} bytes of body")


async def measured(port: int, connections: int, calls: int, rounds: int) -> tuple[dict, dict]:
    """Seconds per call, by the clock and on this process's processor."""
    clock, processor = {name: [] for name in CONTENDERS}, {name: [] for name in CONTENDERS}
    url, sizes = f"http://127.0.0.1:{port}", set()
    async with AsyncExitStack() as stack:
        runs = {name: await stack.enter_async_context(open_(url, connections)) for name, open_ in CONTENDERS.items()}
        for name in turns(runs, rounds):
            await runs[name](2 * connections)  # connections that were idle for too long are made again here
            before = await asyncio.to_thread(ledger, port)
            start, used = perf_counter(), process_time()
            await runs[name](calls)
            clock[name].append((perf_counter() - start) / calls)
            processor[name].append((process_time() - used) / calls)
            after = await asyncio.to_thread(ledger, port)
            assert after["posts"] - before["posts"] == calls
            if name != "bare sockets":
                sizes.add(after["size"] - before["size"])
    assert len(sizes) == 1
    return clock, processor


def main() -> None:
    # httpcore 1.0.9 looks for sniffio several times in every call, and fails slowly where it is absent
    packages = ("httpx", "httpcore", "tenacity", "anyio", "sniffio")
    report = Report("The executor against httpx + tenacity, one POST of JSON, JSON back", *packages)
    calls, rounds = (500, 3) if report.quick else (2_000, 5)
    with serving() as port:
        asyncio.run(check(port))
        for connections in (1, 20, 100):
            clock, processor = asyncio.run(measured(port, connections, calls, rounds))
            plural = "connection" if connections == 1 else "connections"
            title = f"{connections} {plural}, {calls:,} calls a round"
            report.table(title, clock, baseline=BASELINE, unit="calls per second")
            report.table(f"{title}: processor time of the caller", processor, baseline=BASELINE)
    report.write()


if __name__ == "__main__":
    main()
