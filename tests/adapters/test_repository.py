"""Both repositories keep the contract that other people's keep."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings

import wayhook as wh
from wayhook.testing import FakeClock, HistoryContract, RepositoryContract, RepositoryMachine


class TestMemoryRepository(RepositoryContract):
    """The reference."""

    @pytest.fixture
    async def repository(self) -> AsyncIterator[wh.Repository]:
        """A repository in memory."""
        async with wh.open_repository("memory:") as repository:
            yield repository


class TestSqliteRepository(RepositoryContract):
    """One file."""

    @pytest.fixture
    async def repository(self, tmp_path: Path) -> AsyncIterator[wh.Repository]:
        """A repository in a new file."""
        async with wh.open_repository(f"sqlite:///{tmp_path}/actions.db") as repository:
            yield repository


@pytest.fixture
def clock() -> FakeClock:
    """A clock that moves only when it is told."""
    return FakeClock()


class TestHistoryInMemory(HistoryContract):
    """The reference."""

    @pytest.fixture
    def repository(self, clock: FakeClock) -> wh.MemoryRepository:
        """A repository in memory."""
        return wh.MemoryRepository(now=clock.now)


class TestHistoryInAFolder(HistoryContract):
    """Files of YAML."""

    @pytest.fixture
    async def repository(self, tmp_path: Path, clock: FakeClock) -> AsyncIterator[wh.FolderRepository]:
        """A repository in a new folder."""
        async with wh.FolderRepository(tmp_path / "actions", format="yaml", now=clock.now) as repository:
            yield repository


class TestHistoryInAFile(HistoryContract):
    """One file."""

    @pytest.fixture
    async def repository(self, tmp_path: Path, clock: FakeClock) -> AsyncIterator[wh.SqliteRepository]:
        """A repository in a new file."""
        async with wh.SqliteRepository(tmp_path / "actions.db", now=clock.now) as repository:
            yield repository


class TestFolderRepository(RepositoryContract):
    """A file for each."""

    @pytest.fixture(params=["json", "yaml"])
    async def repository(self, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[wh.Repository]:
        """A repository in a new folder."""
        async with wh.FolderRepository(tmp_path / "actions", format=request.param) as repository:
            yield repository


class MemoryMachine(RepositoryMachine):
    """Any history, in memory."""

    def open(self) -> AbstractAsyncContextManager[wh.Repository]:
        return wh.MemoryRepository()


class SqliteMachine(RepositoryMachine):
    """Any history, in a file."""

    def open(self) -> AbstractAsyncContextManager[wh.Repository]:
        return _in_a_new_folder()


@asynccontextmanager
async def _in_a_new_folder() -> AsyncIterator[wh.Repository]:
    with TemporaryDirectory() as folder:
        async with wh.SqliteRepository(Path(folder) / "actions.db") as repository:
            yield repository


class FolderMachine(RepositoryMachine):
    """Any history, in a folder."""

    def open(self) -> AbstractAsyncContextManager[wh.Repository]:
        return _folder()


@asynccontextmanager
async def _folder() -> AsyncIterator[wh.Repository]:
    with TemporaryDirectory() as folder:
        async with wh.FolderRepository(folder) as repository:
            yield repository


TestFolderMachine = FolderMachine.TestCase
TestMemoryMachine = MemoryMachine.TestCase
TestSqliteMachine = SqliteMachine.TestCase
TestFolderMachine.settings = TestSqliteMachine.settings = settings(
    max_examples=max(10, settings.default.max_examples // 3),
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
