"""The contract of a repository catches what is broken in one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAD = """
import copy
import attrs, pytest
import wayhook as wh
from wayhook.execution.ports import Page, Stored
from wayhook.model.record import Change, Records
from wayhook.testing import RepositoryContract, RepositoryMachine

class Broken(wh.MemoryRepository):
"""
TAIL = """
class TestBroken(RepositoryContract):
    @pytest.fixture
    async def repository(self):
        async with Broken() as repository:
            yield repository

class Machine(RepositoryMachine):
    def open(self):
        return Broken()

TestMachine = Machine.TestCase
"""

BROKEN = {
    "forgets versions": (
        """
    async def save(self, *values, expected_version=None, renamed_from=None):
        return await super().save(*values, renamed_from=renamed_from)
        """,
        ["test_an_unexpected_version_is_a_conflict", "test_a_name_is_taken_once"],
        True,
    ),
    "loses what is deleted in use": (
        """
    async def delete(self, kind, name, *, expected_version=None):
        await self.get(kind, name)
        self._records.apply(Change((), ((kind, name),)))
        """,
        ["test_a_used_action_is_not_deleted", "test_what_was_deleted_is_gone"],
        None,
    ),
    "lists in order of arrival": (
        """
    async def list(self, kind, *, cursor=None, limit=100):
        return Page(self._records.every(kind)[::-1], None)
        """,
        ["test_a_list_has_every_name_once"],
        True,
    ),
    "repeats the last of a page": (
        """
    async def list(self, kind, *, cursor=None, limit=100):
        kept = {stored.value.name: stored for stored in self._records.every(kind)}
        names = sorted(name for name in kept if cursor is None or name >= cursor)
        page = names[:limit]
        more = len(names) > limit and page[-1] != cursor
        return Page(tuple(kept[name] for name in page), page[-1] if more else None)
        """,
        ["test_a_list_has_every_name_once"],
        False,
    ),
    "leaves journeys behind on a rename": (
        """
    def __init__(self):
        super().__init__()
        self._forgetful = Forgetful()

    @property
    def _records(self):
        return self._forgetful

    @property
    def _world(self):
        return attrs.evolve(super()._world, records=self._forgetful)

class Forgetful(Records):
    def users(self, kind, name):
        return ()
        """,
        ["test_a_renamed_action_takes_its_journeys_along", "test_used_in_counts_journeys"],
        None,
    ),
    "keeps anything": (
        """
    async def save(self, *values, expected_version=None, renamed_from=None):
        for value in reversed(values):
            old = self._records.find(type(value), value.name)
            version = (old.version if old else 0) + 1
            self._records.apply(Change((Stored(value, version, "u"),)))
        return version
        """,
        ["test_guardrails_are_checked_on_save", "test_no_literal_secret_is_kept"],
        True,
    ),
    "loses text that is not ASCII": (
        """
    async def get(self, kind, name):
        stored = await super().get(kind, name)
        text = stored.value.description.encode("ascii", "replace").decode()
        return attrs.evolve(stored, value=attrs.evolve(stored.value, description=text))
        """,
        ["test_what_was_saved_comes_back_equal"],
        False,
    ),
}


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The names of the tests that fail, for each broken repository and for a whole one, from one run of pytest."""
    folder = tmp_path_factory.mktemp("broken")
    bodies = {fault: body for fault, (body, *_) in BROKEN.items()} | {"nothing": "    pass\n"}
    files = {fault: f"test_{fault.replace(' ', '_')}.py" for fault in bodies}
    for fault, body in bodies.items():
        (folder / files[fault]).write_text(HEAD + body + TAIL)

    lines = [line for line in _tested(folder).splitlines() if line.startswith(("FAILED", "ERROR"))]

    assert not [line for line in lines if line.startswith("ERROR")]
    return {
        fault: {line.split("::")[-1].split(" ")[0] for line in lines if file in line} for fault, file in files.items()
    }


@pytest.mark.parametrize(("fault", "tests", "by_machine"), [(fault, *wanted) for fault, (_, *wanted) in BROKEN.items()])
def test_a_broken_repository_fails(
    failures: dict[str, set[str]], fault: str, tests: list[str], *, by_machine: bool | None
) -> None:
    """A repository with one fault fails the tests that are about it, and the state machine where that can see it.

    A fault that needs a history of three steps is found by chance only: `None` asks nothing of the machine.
    """
    assert set(tests) <= failures[fault]
    assert by_machine is None or ("runTest" in failures[fault]) == by_machine


def test_a_repository_that_is_whole_passes(failures: dict[str, set[str]]) -> None:
    """The contract asks nothing more than the reference gives."""
    assert failures["nothing"] == set()


@pytest.mark.parametrize("use", ["class TestMine(RepositoryContract): ...", "TestMachine = RepositoryMachine.TestCase"])
def test_what_is_to_be_overridden_is_named(tmp_path: Path, use: str) -> None:
    """A contract without a repository says what to override."""
    (tmp_path / "test_bare.py").write_text(
        f"from wayhook.testing import RepositoryContract, RepositoryMachine\n{use}\n"
    )

    output = _tested(tmp_path)

    assert "override" in output


def _tested(folder: Path) -> str:
    """What pytest prints for the folder."""
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    (folder / "conftest.py").write_text(
        "from hypothesis import Phase, settings\n"
        "settings.register_profile('few', max_examples=40, deadline=None, derandomize=True, database=None,"
        " report_multiple_bugs=False, phases=[Phase.generate])\n"
        "settings.load_profile('few')\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rf", "--tb=line", str(folder)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120).stdout
