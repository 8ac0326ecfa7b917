"""The Redis repository in a real Redis: the contract, any history, many writers, and a process that is killed."""

from __future__ import annotations

import os
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
