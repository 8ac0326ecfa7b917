"""The contract of stores of tokens is kept by a dictionary, and catches what is broken in one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAD = """
import asyncio
import pytest
import wayhook as wh
from wayhook.testing import TokenStoreContract

class Dictionary:
    def __init__(self, clock):
        self.clock, self.kept = clock, {}

    async def get(self, key):
        text, until = self.kept.get(key, ("", 0.0))
        left = until - self.clock.monotonic()
        return wh.StoredToken(text, left) if left > 0 else None

    async def put(self, key, token):
        self.kept[key] = (token.text, self.clock.monotonic() + token.seconds)

    async def drop(self, key, token):
        if self.kept.get(key, ("", 0.0))[0] == token.text:
            del self.kept[key]

class Broken(Dictionary):
"""
TAIL = """
class TestBroken(TokenStoreContract):
    @pytest.fixture
    def store(self, clock):
        return Broken(clock)
"""

BROKEN = {
    "never ends": (
        """
    async def get(self, key):
        text, _ = self.kept.get(key, ("", 0.0))
        return wh.StoredToken(text, 60) if text else None
        """,
        ["test_a_token_ends", "test_a_token_comes_back_as_it_was[the longest]"],
    ),
    "gives the whole time again": (
        """
    async def put(self, key, token):
        await super().put(key, token)
        self.seconds = token.seconds

    async def get(self, key):
        found = await super().get(key)
        return found and wh.StoredToken(found.text, self.seconds)
        """,
        ["test_a_token_ends"],
    ),
    "drops whatever is kept": (
        """
    async def drop(self, key, token):
        self.kept.pop(key, None)
        """,
        ["test_only_the_refused_token_is_dropped"],
    ),
    "looks first and drops later": (
        """
    async def drop(self, key, token):
        found = await self.get(key)
        await asyncio.sleep(0)
        if found is not None and found.text == token.text:
            self.kept.pop(key, None)
        """,
        ["test_a_drop_takes_no_token_that_is_kept_at_the_same_time"],
    ),
    "never drops": (
        """
    async def drop(self, key, token):
        pass
        """,
        ["test_only_the_refused_token_is_dropped"],
    ),
    "keeps the first": (
        """
    async def put(self, key, token):
        if key not in self.kept:
            await super().put(key, token)
        """,
        ["test_the_last_one_is_kept"],
    ),
    "cuts keys": (
        """
    async def get(self, key):
        return await super().get(key[:60])

    async def put(self, key, token):
        await super().put(key[:60], token)

    async def drop(self, key, token):
        await super().drop(key[:60], token)
        """,
        ["test_what_is_not_kept_is_none"],
    ),
    "cuts texts": (
        """
    async def put(self, key, token):
        await super().put(key, wh.StoredToken(token.text[:4096], token.seconds))
        """,
        ["test_a_token_comes_back_as_it_was[the longest]"],
    ),
    "raises for what is not there": (
        """
    async def get(self, key):
        self.kept[key]
        return await super().get(key)
        """,
        ["test_what_is_not_kept_is_none", "test_executors_share_a_token"],
    ),
    "is open": (
        """
    def __repr__(self):
        return repr(self.kept)
        """,
        ["test_no_text_form_shows_a_token"],
    ),
}


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The names of the tests that fail, for each broken store and for a whole one, from one run of pytest."""
    folder = tmp_path_factory.mktemp("broken")
    bodies = {fault: body for fault, (body, _) in BROKEN.items()} | {"nothing": "    pass\n"}
    files = {fault: f"test_{fault.replace(' ', '_')}.py" for fault in bodies}
    for fault, body in bodies.items():
        (folder / files[fault]).write_text(HEAD + body + TAIL)

    printed = _tested(folder)

    lines = [line.partition(" - ")[0] for line in printed.splitlines() if line.startswith("FAILED ")]
    assert " passed" in printed, printed
    assert " error" not in printed.splitlines()[-1]
    return {fault: {line.split("::")[-1] for line in lines if file in line} for fault, file in files.items()}


@pytest.mark.parametrize(("fault", "tests"), [(fault, tests) for fault, (_, tests) in BROKEN.items()])
def test_a_broken_store_fails(failures: dict[str, set[str]], fault: str, tests: list[str]) -> None:
    """A store with one fault fails the tests that are about it."""
    assert set(tests) <= failures[fault]


def test_a_dictionary_keeps_the_contract(failures: dict[str, set[str]]) -> None:
    """A store in memory, which is shared by the executors that it is given to, fails nothing."""
    assert failures["nothing"] == set()


def _tested(folder: Path) -> str:
    """What pytest prints for the folder."""
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rf", "--tb=line", str(folder)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120).stdout
