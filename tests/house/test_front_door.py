"""The front door: what it shows, and what walking through it costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import wayhook as wh
import wayhook.testing

DOORS = [wh, wayhook.testing]


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_every_public_name_is_there(door) -> None:
    """Each name of the list can be had, and the list is sorted and without twins."""
    assert [name for name in door.__all__ if not hasattr(door, name)] == []
    assert list(door.__all__) == sorted(set(door.__all__))


def test_what_is_loaded_later_is_what_the_type_checker_sees() -> None:
    """The names behind the lazy door are those under TYPE_CHECKING, from the same modules."""
    tree = ast.parse(Path(wh.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: str(node.module).removeprefix("wayhook.")
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert seen == wh._LATER


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A slip of the pen is reported as Python does it."""
    with pytest.raises(AttributeError, match="Exectuor"):
        wh.Exectuor  # noqa: B018
    with pytest.raises(AttributeError, match="FakeClok"):
        wayhook.testing.FakeClok  # noqa: B018
    assert {"Executor", "Action"} <= set(dir(wh))


def test_importing_loads_nothing_that_is_not_used() -> None:
    """`import wayhook` loads no HTTP client, converter, parser, database or retry engine, and warns of nothing."""
    code = "import sys, wayhook; print(*sorted(sys.modules))"

    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)

    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert loaded & {"httpx", "httpcore", "cattrs", "lark", "sqlite3", "tenacity", "anyio", "tqdm", "asyncio"} == set()


def test_importing_opens_no_file_and_reads_no_environment() -> None:
    """Importing has no effect beyond loading modules."""
    code = """
import sys
seen = []
def hook(event, args):
    if event == "open" and not str(args[0]).endswith((".py", ".pyc")) or event.startswith(("socket.", "subprocess.")):
        seen.append((event, args[0]))
import attrs, json, base64, difflib, urllib.parse, decimal, ipaddress, datetime
import os
class Watched(dict):
    def __getitem__(self, key): seen.append(("environ", key)); return super().__getitem__(key)
    def get(self, key, default=None): seen.append(("environ", key)); return super().get(key, default)
os.environ = Watched(os.environ)
sys.addaudithook(hook)
import wayhook
print([event for event in seen if "pycache" not in str(event[1])])
"""

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
