"""Many writers of one store, in processes of their own: no update is lost, and a killed one is in nobody's way."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

import wayhook as wh

pytestmark = pytest.mark.services

COUNTER = """
import asyncio, sys
import attrs
import wayhook as wh

async def main():
    async with wh.open_repository(sys.argv[1]) as store:
        repository = store.within(sys.argv[2])
        for _ in range(int(sys.argv[3])):
            while True:
                stored = await repository.get(wh.Action, "Ping")
                more = attrs.evolve(stored.value, description=str(int(stored.value.description or "0") + 1))
                try:
                    print(await repository.save(more, expected_version=stored.version), flush=True)
                    break
                except wh.Conflict:
                    pass

asyncio.run(main())
"""


def _action(description: str = "") -> wh.Action:
    return wh.Action(
        name="Ping", description=description, url_configuration=wh.UrlConfiguration("https://api.example.com/")
    )


@pytest.fixture
def namespace(redis_prefix: str) -> str:
    """A namespace that nothing was ever kept in, and whose keys in Redis are deleted at last."""
    return redis_prefix


@pytest.fixture
async def repository(store: str, namespace: str) -> AsyncIterator[Any]:
    """The repository of the namespace."""
    async with wh.open_repository(store) as opened:
        assert isinstance(opened, wh.Namespaced)
        yield opened.within(namespace)


async def _counter(*given: str, stdout: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, "-c", COUNTER, *given, stdout=stdout)


async def test_processes_lose_no_update(store: str, namespace: str, repository: Any) -> None:
    """Several processes count one record up together; every update is there, and in its history."""
    await repository.save(_action())

    counters = [await _counter(store, namespace, "10", stdout=subprocess.DEVNULL) for _ in range(3)]
    statuses = [await counter.wait() for counter in counters]

    stored = await repository.get(wh.Action, "Ping")
    versions = [edit.stored.version for edit in await repository.history(wh.Action, "Ping")]
    assert statuses == [0, 0, 0]
    assert (stored.value.description, stored.version) == ("30", 31)
    assert versions == list(range(31, 0, -1))


async def test_writers_that_expect_nothing_are_each_served(repository: Any) -> None:
    """Saves at the same moment that name no version are judged one after another, the first ones of a namespace too."""
    fresh = repository.within(f"{repository.namespace}-{uuid4().hex[:8]}")

    versions = await asyncio.gather(*(fresh.save(_action(str(n))) for n in range(10)))

    assert sorted(versions) == list(range(1, 11))


@pytest.mark.kill
async def test_what_a_killed_process_was_told_is_kept(store: str, namespace: str, repository: Any) -> None:
    """Whatever a process was told is saved is there after it was killed, and the next writer is not in its way."""
    await repository.save(_action())
    writer = await _counter(store, namespace, "100000", stdout=subprocess.PIPE)
    assert writer.stdout is not None
    told = [int(await writer.stdout.readline()) for _ in range(20)]
    writer.kill()
    told += [int(line) for line in (await writer.stdout.read()).split(b"\n")[:-1]]
    await writer.wait()

    stored = await repository.get(wh.Action, "Ping")
    assert stored.version in (told[-1], told[-1] + 1)  # the last one may have been kept, and not told any more
    assert stored.value.description == str(stored.version - 1)
    assert await repository.save(_action(), expected_version=stored.version) == stored.version + 1
