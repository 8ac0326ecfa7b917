"""The JSON repository keeps the promises of a repository."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings
from wayhook_json import JsonRepository

from wayhook.testing import RepositoryContract, RepositoryMachine


class TestJsonRepository(RepositoryContract):
    """The contract, one promise after another."""

    @pytest.fixture
    async def repository(self, tmp_path: Path) -> AsyncIterator[JsonRepository]:
        """An empty repository."""
        async with JsonRepository(tmp_path / "actions.json") as repository:
            yield repository


class JsonMachine(RepositoryMachine):
    """Any history of saves, renames and deletions."""

    def open(self) -> JsonRepository:
        """Return an empty repository in a folder of its own."""
        self.folder = tempfile.TemporaryDirectory()
        return JsonRepository(Path(self.folder.name) / "actions.json")

    def teardown(self) -> None:
        """Take the folder away."""
        super().teardown()
        self.folder.cleanup()


TestJsonMachine = JsonMachine.TestCase
TestJsonMachine.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
