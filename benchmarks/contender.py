"""One way to make the call of `order.py`, in a process of its own that makes as many as it is told.

Run as `contender.py NAME LOOP URL`. It prints `{}`, or `{"absent": "why"}` and ends; then it reads commands,
`{"connections": 50, "calls": 1000}` a line, and prints the seconds by the clock and on the processor that they took.
`undici.cjs` speaks the same. It ends when its input closes.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.util import find_spec
from time import perf_counter, process_time

from order import ANSWER, action, by_hand, contexts, events, journey, loopback
from server import POSTED

import wayhook as wh

SECONDS = 30
"""What each contender gives a call, as an action does: a client that is slow is measured, not cut off."""

Run = Callable[[int], Awaitable[None]]
"""Makes so many calls, over the connections it was opened with."""


async def in_workers(source, connections: int, call) -> None:
    """Make one call for each item of `source`, so many at once, and look at each answer."""
    items = iter(source)

    async def work() -> None:
        for item in items:
            status, answer = await call(item)
            assert status == 200
            assert answer == ANSWER

    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(work())


@asynccontextmanager
async def by_aiohttp(url: str, connections: int) -> AsyncIterator[Run]:
    """What a careful user writes: a copy of a tree, json.dumps, one session, a limit of time."""
    import aiohttp

    connector = aiohttp.TCPConnector(limit=connections)
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:

        async def call(event: dict) -> tuple[int, dict]:
            target, headers, body = by_hand(url, event)
            async with session.post(target, data=body, headers=headers) as answer:
                return answer.status, await answer.json()

        yield lambda count: in_workers(events(count), connections, call)


def _httpx_client(connections: int):
    import httpx

    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    return httpx.AsyncClient(limits=limits, timeout=SECONDS, trust_env=False)


@asynccontextmanager
async def by_httpx(url: str, connections: int) -> AsyncIterator[Run]:
    """A stock client with its limits raised."""
    async with _httpx_client(connections) as client:

        async def call(event: dict) -> tuple[int, dict]:
            target, headers, body = by_hand(url, event)
            answer = await client.post(target, headers=headers, content=body)
            return answer.status_code, answer.json()

        yield lambda count: in_workers(events(count), connections, call)


@asynccontextmanager
async def by_httpx_tenacity_jinja2(url: str, connections: int) -> AsyncIterator[Run]:
    """What many write: templates, each call in tenacity, and the stock client."""
    import httpx
    import tenacity
    from template import by_jinja2

    policy = {
        "stop": tenacity.stop_after_attempt(4),
        "wait": tenacity.wait_random_exponential(multiplier=0.1, max=1),
        "retry": tenacity.retry_if_exception_type((httpx.TransportError, httpx.HTTPStatusError)),
        "reraise": True,
    }
    async with _httpx_client(connections) as client:

        async def post(event: dict) -> tuple[int, dict]:
            target, headers, body = by_jinja2(url, event)
            answer = await client.post(target, headers=headers, content=body)
            answer.raise_for_status()
            return answer.status_code, answer.json()

        async def call(event: dict) -> tuple[int, dict]:
            return await tenacity.AsyncRetrying(**policy)(post, event)

        yield lambda count: in_workers(events(count), connections, call)


@asynccontextmanager
async def opened_executor(url: str, transport: str) -> AsyncIterator[wh.Executor]:
    repository = wh.MemoryRepository(guardrails=loopback())
    await repository.save(action(url))
    async with wh.Executor(repository, guardrails=loopback(), transport=transport) as executor:
        yield executor


def by_execute(transport: str):
    """`Executor.execute`, one call at a time in each worker."""

    @asynccontextmanager
    async def opened(url: str, connections: int) -> AsyncIterator[Run]:
        orders = journey()
        async with opened_executor(url, transport) as executor:

            async def call(context: wh.Context) -> tuple[int, dict]:
                outcome = await executor.execute(orders, "confirm", context)
                return outcome.received.status, outcome.response

            yield lambda count: in_workers(contexts(count), connections, call)

    return opened


def by_batch(transport: str):
    """`Executor.batch`, with its own workers."""

    @asynccontextmanager
    async def opened(url: str, connections: int) -> AsyncIterator[Run]:
        orders = journey()
        async with opened_executor(url, transport) as executor:

            async def run(count: int) -> None:
                async with executor.batch(orders, "confirm", contexts(count), concurrency=connections) as batch:
                    async for outcome in batch:
                        assert outcome.received.status == 200
                        assert outcome.response == ANSWER

            yield run

    return opened


class Bare(asyncio.BufferedProtocol):
    """A connection that sends ready bytes whenever the answer is there; `into` is what all of them read into."""

    def __init__(self, message: bytes, into: memoryview) -> None:
        self._message, self._into, self._size = message, into, 0

    def connection_made(self, transport) -> None:
        """Keep the transport."""
        self._transport = transport

    def begin(self, shared: list[int], done: asyncio.Future) -> None:
        """Send, and go on for as long as `shared` has calls left."""
        self._shared, self._done = shared, done
        self._next()

    def _next(self) -> None:
        if self._shared[0] > 0:
            self._shared[0] -= 1
            self._transport.write(self._message)
        else:
            self._done.set_result(None)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - theirs
        """Where to read into: a buffer for each read costs asyncio more than the rest of the exchange."""
        return self._into

    def buffer_updated(self, nbytes: int) -> None:
        """Send the next when this is the whole answer."""
        assert self._into[:nbytes] == POSTED[self._size : self._size + nbytes]
        self._size += nbytes
        if self._size == len(POSTED):
            self._size = 0
            self._next()


@asynccontextmanager
async def by_bare_protocol(url: str, connections: int) -> AsyncIterator[Run]:
    """The bytes of the first call again and again: nothing is rendered, parsed or bounded: the floor."""
    loop, port = asyncio.get_running_loop(), int(url.rpartition(":")[2])
    target, headers, body = by_hand("", next(events(1)))
    lines = [f"POST {target} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    message = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
    into = memoryview(bytearray(1 << 16))
    made = [await loop.create_connection(lambda: Bare(message, into), "127.0.0.1", port) for _ in range(connections)]

    async def run(count: int) -> None:
        left, ends = [count], [loop.create_future() for _ in made]
        for (_, protocol), done in zip(made, ends, strict=True):
            protocol.begin(left, done)
        await asyncio.gather(*ends)

    yield run
    for transport, _ in made:
        transport.close()


CONTENDERS = {
    "aiohttp": (by_aiohttp, ("aiohttp",)),
    "httpx": (by_httpx, ()),
    "httpx + tenacity + jinja2": (by_httpx_tenacity_jinja2, ("jinja2",)),
    "wayhook over httpx, execute": (by_execute("httpx"), ()),
    "wayhook over httpx, batch": (by_batch("httpx"), ()),
    "wayhook over wire, execute": (by_execute("wire"), ("httptools",)),
    "wayhook over wire, batch": (by_batch("wire"), ("httptools",)),
    "bare protocol": (by_bare_protocol, ()),
}


def why_absent(name: str, loop: str) -> str:
    """Why this contender cannot run here; empty when it can."""
    needs = (*CONTENDERS[name][1], *((loop,) if loop != "asyncio" else ()))
    if missing := [package for package in needs if find_spec(package) is None]:
        return f"{' and '.join(missing)} not installed"
    if "wire" in name:
        try:
            wh.Executor(transport="wire")
        except (wh.DefinitionError, ImportError) as error:
            return str(error)
    return ""


async def obey(name: str, url: str) -> None:
    """Make the calls of each command, and say what they took."""
    opened = 0
    async with AsyncExitStack() as stack:
        while line := await asyncio.to_thread(sys.stdin.readline):
            command = json.loads(line)
            if command["connections"] != opened:
                await stack.aclose()
                opened = command["connections"]
                run = await stack.enter_async_context(CONTENDERS[name][0](url, opened))
            gc.collect()
            start, used = perf_counter(), process_time()
            await run(command["calls"])
            print(json.dumps({"clock": perf_counter() - start, "processor": process_time() - used}), flush=True)


def main() -> None:
    name, loop, url = sys.argv[1:]
    reason = why_absent(name, loop)
    print(json.dumps({"absent": reason} if reason else {}), flush=True)
    if reason:
        return
    factory = None
    if loop == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(obey(name, url))


if __name__ == "__main__":
    main()
