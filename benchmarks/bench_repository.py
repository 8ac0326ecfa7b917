"""Repositories of 100, 1,000 and 10,000 actions, each used by a journey: what an operation costs as they grow.

Processor time of the process, the thread of SQLite included; the disk is not waited for in it. Speed is told beside the
smallest repository: 1 is a cost that does not grow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

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


async def measured(repositories: dict[str, wh.Repository], operation: Operation, calls: int, rounds: int) -> dict:
    seconds = {name: [] for name in repositories}
    for name in turns(repositories, rounds):
        start = process_time()
        for number in range(calls):
            await operation(repositories[name], number)
        seconds[name].append((process_time() - start) / calls)
    return seconds


async def opened(files: dict[str, Path], rounds: int) -> dict:
    seconds = {name: [] for name in files}
    for name in turns(files, rounds):
        start = process_time()
        async with wh.SqliteRepository(files[name]):
            seconds[name].append(process_time() - start)
    return seconds


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
        print()
        for name, file in files.items():
            report.note(f"size of the file of {name}", file.stat().st_size / 2**20, "MiB")
    report.write()


if __name__ == "__main__":
    asyncio.run(main())
