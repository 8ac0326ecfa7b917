"""What an operation of a repository costs does not grow with what is kept: steps are counted, not seconds."""

from __future__ import annotations

import sqlite3
import sys
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import attrs
import pytest

import wayhook as wh

FEW, MANY = 40, 2_000
PING = wh.Action(name="Ping", url_configuration=wh.UrlConfiguration("https://api.example.com/"))

Operation = Callable[[wh.Repository], Awaitable[object]]


def named(number: int) -> tuple[wh.Action, wh.Journey]:
    """An action, and the one journey that uses it."""
    name = f"A{number:05}"
    return attrs.evolve(PING, name=name), wh.Journey(f"J{name}", [wh.ActionActivity(name, label="a")])


async def filled(repository: wh.Repository, count: int) -> wh.Repository:
    """The repository with so many actions and journeys."""
    await repository.save(*(value for number in range(count) for value in named(number)))
    return repository


async def get(repository: wh.Repository) -> None:
    """Read one."""
    assert (await repository.get(wh.Action, "A00020")).value.name == "A00020"


async def change(repository: wh.Repository) -> None:
    """Save one that is there."""
    await repository.save(attrs.evolve(named(20)[0], description="changed"))


async def add(repository: wh.Repository) -> None:
    """Save one that is not there."""
    await repository.save(attrs.evolve(PING, name="A00020b"))


async def use(repository: wh.Repository) -> None:
    """Save what uses another."""
    await repository.save(wh.Journey("K", [wh.ActionActivity("A00020", label="a")]))


async def rename(repository: wh.Repository) -> None:
    """Save one under another name, and the journey that follows."""
    await repository.save(attrs.evolve(PING, name="A00021b"), renamed_from="A00021")


async def delete(repository: wh.Repository) -> None:
    """Forget one that others might use."""
    await repository.delete(wh.Journey, "JA00022")
    await repository.delete(wh.Action, "A00022")


async def journeys_using(repository: wh.Repository) -> None:
    """Find who uses one."""
    assert await repository.journeys_using("A00020") == ("JA00020",)


async def page(repository: wh.Repository) -> None:
    """Read a page from the middle."""
    assert len((await repository.list(wh.Action, cursor="A00020", limit=5)).items) == 5


async def history(repository: Any) -> None:
    """Read what was done to one."""
    assert [edit.what for edit in await repository.history(wh.Action, "A00019")] == ["created"]


async def as_of(repository: Any) -> None:
    """Read one as it was."""
    assert (await repository.as_of(wh.Action, "A00019", datetime(9999, 1, 1, tzinfo=UTC))).version == 1


OPERATIONS = (get, journeys_using, page, history, as_of, change, add, use, rename, delete)


async def steps(operation: Operation, repository: wh.Repository) -> int:
    """How many instructions of Python an operation runs."""
    count = 0

    def step(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return step

    before = sys.gettrace()
    sys.settrace(step)
    try:
        await operation(repository)
    finally:
        sys.settrace(before)
    return count


async def memory(operation: Operation, repository: wh.Repository) -> int:
    """The most bytes that an operation holds beyond what was there before, as a copy of all names would."""
    tracemalloc.start()
    try:
        await operation(repository)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("cost", "more"), [(steps, 50), (memory, 4_000)], ids=["steps", "memory"])
async def test_memory_does_not_look_through_everything(
    cost: Callable[[Operation, wh.Repository], Awaitable[int]], more: int
) -> None:
    """With 50 times as many values no operation takes more instructions, or more memory than for a record."""
    once, few, many = [await filled(wh.MemoryRepository(), count) for count in (FEW, FEW, MANY)]
    for operation in OPERATIONS:
        await cost(operation, once)  # what is imported or cached at a first time is left out

    costs = {operation.__name__: (await cost(operation, few), await cost(operation, many)) for operation in OPERATIONS}

    assert {name: cost for name, cost in costs.items() if cost[1] > cost[0] + more} == {}


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is executed on any database that is opened from now on."""
    told: list[str] = []
    connect = sqlite3.connect

    def traced(*args: Any, **settings: Any) -> sqlite3.Connection:
        connection = connect(*args, **settings)
        connection.set_trace_callback(told.append)
        return connection

    monkeypatch.setattr(sqlite3, "connect", traced)
    yield told
    monkeypatch.undo()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.__name__)
async def test_a_file_is_searched_and_never_scanned(
    operation: Operation, tmp_path: Path, statements: list[str]
) -> None:
    """SQLite finds every row that an operation reads or writes by an index."""
    async with wh.SqliteRepository(tmp_path / "actions.db") as repository:
        await filled(repository, FEW)
        statements.clear()

        await operation(repository)

    asked = [each for each in statements if each.split()[0] not in ("BEGIN", "COMMIT")]
    reader = sqlite3.connect(tmp_path / "actions.db")
    plans = [row[3] for each in asked for row in reader.execute(f"EXPLAIN QUERY PLAN {each}")]
    reader.close()
    assert asked
    assert plans
    steps = [plan for plan in plans if not plan.startswith(("LIST SUBQUERY", "USE TEMP B-TREE FOR ORDER BY"))]
    assert [plan for plan in steps if not plan.startswith("SEARCH ") or "USING" not in plan] == []
