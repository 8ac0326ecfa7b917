"""How the cost of a call grows: with the payload, the variables, what is stored and what limits.

Processor time of a whole `Executor.execute`, with a transport that only counts. How it grows with connections and with
the length of a batch is measured by `bench_calls.py` and `bench_batch.py`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import attrs
from counting import CountingTransport
from measure import Report, Taken, turns
from order import action, contexts, journey

import wayhook as wh

URL = "https://orders.example.com"

Once = Callable[[], Awaitable[object]]
"""Does what is measured, once."""


async def spent(once: Once, seconds: float) -> float:
    """Processor seconds for one, of as many as fit into about so many seconds."""
    count, took = 1, 0.0
    while True:
        start = process_time()
        for _ in range(count):
            await once()
        took = process_time() - start
        if took >= seconds:
            return took / count
        count *= 2 if took < seconds / 4 else 1 + int(seconds / took)


async def in_rounds(report: Report, contenders: dict[str, Once]) -> Taken:
    rounds, seconds = (2, 0.001) if report.quick else (7, 0.1)
    taken = {name: [] for name in contenders}
    for once in contenders.values():
        await once()
    for name in turns(contenders, rounds):
        taken[name].append(await spent(contenders[name], seconds))
    return taken


@asynccontextmanager
async def executing(
    sample: dict, variables: dict[str, str], event: dict, repository: wh.Repository | None = None
) -> AsyncIterator[tuple[Once, CountingTransport]]:
    """Execute an activity that sends `sample`, its `variables` (labels by path) being fields of `event` by label."""
    message = wh.message_parameters(sample, variables=variables)
    made = wh.Action(name="Send", url_configuration=wh.UrlConfiguration(f"{URL}/v1/"), message_parameters=message)
    values = {path: wh.expression(f"@event{{Given.{label}}}") for path, label in variables.items()}
    orders = wh.Journey("Send", [wh.ActionActivity("Send", label="send", path="orders", parameters=values)])
    repository, transport = repository or wh.MemoryRepository(), CountingTransport()
    await repository.save(made)
    async with wh.Executor(repository, transport=transport) as executor:

        async def once() -> None:
            outcome = await executor.execute(orders, "send", wh.Context({"Given": event}))
            assert outcome.succeeded, outcome

        yield once, transport


def by_copy(tree: dict, event: dict) -> Once:
    """The body by hand: a recursive copy and json.dumps, nothing sent."""

    def filled(node):
        if isinstance(node, dict):
            return {name: filled(below) for name, below in node.items()}
        if isinstance(node, list):
            return [filled(below) for below in node]
        return node(event) if callable(node) else node

    async def once() -> bytes:
        return json.dumps(filled(tree), ensure_ascii=False, separators=(",", ":")).encode()

    return once


LINE = {"sku": "s-100", "name": "Écharpe", "count": 2, "price": 19.9}


async def payloads(report: Report) -> None:
    """Bodies of 100 bytes to 100 kB, of as many parts as a sample may have: all constant, or all of one variable."""
    columns = {}
    for count in (1, 50) if report.quick else (1, 10, 100, 1_000, 1_900):
        lines = [LINE] * count
        async with (
            executing({"id": "o-1", "lines": lines}, {"id": "id"}, {"id": "o-1"}) as (constant, first),
            executing({"id": "o-1", "lines": [LINE]}, {"lines": "lines"}, {"lines": lines}) as (variable, second),
        ):
            by_hand = by_copy({"id": lambda event: event["id"], "lines": lines}, {"id": "o-1"})
            for once in (constant, variable):
                await once()
            assert first.last.body == second.last.body == await by_hand()
            contenders = {"constant": constant, "one variable": variable, "copy + json.dumps, by hand": by_hand}
            columns[str(len(first.last.body))] = await in_rounds(report, contenders)
    report.grid("A call by the size of its payload", columns, "bytes", key="payload")


async def variables(report: Report) -> None:
    """A payload of 200 fields, of which more and more are variables."""
    sample = {f"field{i}": f"text {i}" for i in range(200)}
    columns = {}
    for count in (1, 20) if report.quick else (1, 10, 50, 100, 200):
        names = list(sample)[:count]
        tree = sample | {name: lambda event, name=name: event[name] for name in names}
        async with executing(sample, {name: name for name in names}, sample) as (once, transport):
            by_hand = by_copy(tree, sample)
            await once()
            assert transport.last.body == await by_hand()
            contenders = {"wayhook": once, "copy + json.dumps, by hand": by_hand}
            columns[str(count)] = await in_rounds(report, contenders)
    report.grid("A call by the number of its variables, of 200 fields", columns, "variables", key="variables")


async def stored(report: Report) -> None:
    """What a repository takes that holds more and more actions, each used by a journey."""
    columns = {}
    for count in (10, 100) if report.quick else (10, 100, 1_000, 10_000):
        with TemporaryDirectory() as folder:
            async with AsyncExitStack() as stack:
                contenders = {}
                for kind, url in {"memory": "memory:", "SQLite": f"sqlite:///{Path(folder, 'kept.db')}"}.items():
                    repository = await stack.enter_async_context(wh.open_repository(url))
                    contenders |= {f"{kind}, {name}": once for name, once in (await kept(repository, count)).items()}
                columns[str(count)] = await in_rounds(report, contenders)
    report.grid("A step by what is stored", columns, "actions and journeys", unit="µs", key="stored")


async def kept(repository: wh.Repository, count: int) -> dict[str, Once]:
    """What can be done with a repository that has so many actions and as many journeys; each of them is once used."""
    plain, uses = action(URL), journey()
    for start in range(0, count, 500):
        places = range(start, min(start + 500, count))
        await repository.save(*(attrs.evolve(plain, name=f"Order{i:05}") for i in places))
        activities = {i: [attrs.evolve(uses.activities[0], action=f"Order{i:05}")] for i in places}
        await repository.save(*(attrs.evolve(uses, name=f"Use{i:05}", activities=activities[i]) for i in places))
    name = f"Order{count // 2:05}"
    one, used = attrs.evolve(plain, name=name), f"Use{count // 2:05}"
    assert await repository.journeys_using(name) == (used,)
    executor, context = wh.Executor(repository, transport=CountingTransport()), next(contexts(1))

    async def execute() -> None:
        assert (await executor.execute(used, "confirm", context)).succeeded

    return {
        "execute by name": execute,
        "read an action": lambda: repository.get(wh.Action, name),
        "save an action": lambda: repository.save(one),
        "journeys that use one": lambda: repository.journeys_using(name),
    }


async def limits(report: Report) -> None:
    """Capping configurations that are deployed: one that covers the call, and more and more of other addresses."""
    columns, rating = {}, wh.Rating(1_000_000_000, 1_000)
    sample, event = {"id": "o-1"}, {"id": "o-1"}
    async with executing(sample, {"id": "id"}, event) as (without, _):
        for count in (1, 10) if report.quick else (1, 10, 100, 1_000):
            repository = wh.MemoryRepository()
            for i in range(count):
                rule = wh.CappingRule(f"{URL}/v1/*" if i == 0 else f"https://other{i}.example.com/*", rating)
                await repository.save(wh.CappingConfiguration(f"cap{i}", rule).deployed())
            async with executing(sample, {"id": "id"}, event, repository) as (once, _):
                columns[str(count)] = await in_rounds(report, {"limits deployed": once, "no limit": without})
    report.grid("A call by the number of limits deployed", columns, "limits", key="limits")


def main() -> None:
    report = Report("How the cost grows")
    for part in (payloads, variables, stored, limits):
        asyncio.run(part(report))
    report.write()


if __name__ == "__main__":
    main()
