"""The Redis repository in a real Redis: the contract, any history, many writers, and a process that is killed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

import wayhook as wh
from wayhook.testing import FakeClock, HistoryContract, RepositoryContract, RepositoryMachine

REDIS = os.environ.get("WAYHOOK_TEST_REDIS", "redis://127.0.0.1:6379/0")
pytestmark = pytest.mark.services


def _action(name: str = "Ping", description: str = "") -> wh.Action:
    return wh.Action(
        name=name, description=description, url_configuration=wh.UrlConfiguration("https://api.example.com/")
    )


@pytest.fixture
def clock() -> FakeClock:
    """A clock that moves only when it is told."""
    return FakeClock()


@pytest.fixture
async def repository(redis_prefix: str, clock: FakeClock) -> AsyncIterator[wh.RedisRepository]:
    """A repository without a record."""
    async with wh.RedisRepository(REDIS, prefix=redis_prefix, now=clock.now) as repository:
        yield repository


class TestRedisRepository(RepositoryContract):
    """Every promise of a repository."""

    @pytest.fixture
    async def repository(self, redis_prefix: str) -> AsyncIterator[wh.Repository]:
        """A repository without a record."""
        async with wh.RedisRepository(REDIS, prefix=redis_prefix) as repository:
            yield repository


class TestRedisHistory(HistoryContract):
    """Every promise about history and namespaces."""


def test_any_history_agrees(redis_prefix: str) -> None:
    """Any sequence of saves, renames and deletions comes to what a dictionary says."""

    @asynccontextmanager
    async def namespace() -> AsyncIterator[wh.Repository]:
        async with wh.RedisRepository(REDIS, prefix=redis_prefix) as repository:
            yield repository.within(uuid4().hex)

    class Machine(RepositoryMachine):
        def open(self) -> AbstractAsyncContextManager[wh.Repository]:
            return namespace()

    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Machine,
        settings=settings(
            max_examples=10, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )


async def test_it_is_opened_by_its_url(redis_prefix: str) -> None:
    """The scheme of a URL leads to it."""
    async with wh.open_repository(REDIS) as repository:
        assert isinstance(repository, wh.RedisRepository)
        assert isinstance(repository, wh.History)
        assert isinstance(repository, wh.Namespaced)


COUNTER = """
import asyncio, sys
import attrs
import wayhook as wh

async def main():
    async with wh.RedisRepository(sys.argv[1], prefix=sys.argv[2]) as repository:
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


async def test_processes_lose_no_update(redis_prefix: str, repository: wh.RedisRepository) -> None:
    """Several processes count one record up together; every update is there, and in its history."""
    await repository.save(_action())

    counters = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", COUNTER, REDIS, redis_prefix, "10", stdout=subprocess.DEVNULL
        )
        for _ in range(3)
    ]
    statuses = [await counter.wait() for counter in counters]

    stored = await repository.get(wh.Action, "Ping")
    versions = [edit.stored.version for edit in await repository.history(wh.Action, "Ping")]
    assert statuses == [0, 0, 0]
    assert (stored.value.description, stored.version) == ("30", 31)
    assert versions == list(range(31, 0, -1))


async def test_writers_that_expect_nothing_are_each_served(repository: wh.RedisRepository) -> None:
    """Saves at the same moment that name no version are judged one after another."""
    versions = await asyncio.gather(*(repository.save(_action(description=str(n))) for n in range(10)))

    assert sorted(versions) == list(range(1, 11))


@pytest.mark.kill
async def test_what_a_killed_process_was_told_is_kept(redis_prefix: str, repository: wh.RedisRepository) -> None:
    """Whatever a process was told is saved is there after it was killed, and the next writer is not in its way."""
    await repository.save(_action())
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", COUNTER, REDIS, redis_prefix, "100000", stdout=subprocess.PIPE
    )
    assert writer.stdout is not None
    told = [int(await writer.stdout.readline()) for _ in range(20)]
    writer.kill()
    told += [int(line) for line in (await writer.stdout.read()).split(b"\n")[:-1]]
    await writer.wait()

    stored = await repository.get(wh.Action, "Ping")
    assert stored.version in (told[-1], told[-1] + 1)  # the last one may have been kept, and not told any more
    assert stored.value.description == str(stored.version - 1)
    assert await repository.save(_action(), expected_version=stored.version) == stored.version + 1


@pytest.mark.parametrize("url", ["redis:", "http://h", 7, "redis://h:port/0"])
def test_a_url_of_something_else_is_refused(url: object) -> None:
    """What is no URL of Redis is refused as it is given, and so is a prefix that no key may have."""
    with pytest.raises(wh.DefinitionError):
        wh.RedisRepository(url)  # type: ignore[arg-type]
    for prefix in ("", "a{b", "a\nb", 7):
        with pytest.raises(wh.DefinitionError, match="prefix"):
            wh.RedisRepository(REDIS, prefix=prefix)  # type: ignore[arg-type]


async def test_a_redis_that_is_away_is_a_sentence() -> None:
    """It says where and why, and not the password."""
    repository = wh.RedisRepository("redis://ann:canary-7@127.0.0.1:1/3")
    with pytest.raises(wh.StoreUnavailable, match=r"127\.0\.0\.1:1/3") as told:
        async with repository:
            pass

    assert "canary-7" not in str(told.value) + repr(told.value) + repr(repository)
    assert told.value.__cause__ is None
