"""The front door: what it shows, and what walking through it costs."""

from __future__ import annotations

import ast
import pickle
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import cloudpickle
import pytest

import wayhook as wh
import wayhook.testing

DOORS = [wh, wayhook.testing]


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_every_public_name_is_there(door) -> None:
    """Each name of the list can be had, and the list is sorted and without twins."""
    assert [name for name in door.__all__ if not hasattr(door, name)] == []
    assert list(door.__all__) == sorted(set(door.__all__))


def test_what_is_loaded_is_what_the_type_checker_sees() -> None:
    """Each public name is imported under TYPE_CHECKING, and the door gives the same from the same module."""
    tree = ast.parse(Path(wh.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: str(node.module) for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }

    assert sorted(seen) == wh.__all__
    assert [name for name, home in seen.items() if getattr(wh, name) is not getattr(import_module(home), name)] == []


def test_the_package_travels_by_its_name() -> None:
    """A function that names it can be sent to another process, as Dask and Spark send those of a notebook."""
    assert pickle.loads(pickle.dumps(wh)) is wh
    assert pickle.loads(cloudpickle.dumps(lambda: wh.Action))() is wh.Action


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A slip of the pen is reported as Python does it."""
    with pytest.raises(AttributeError, match="Exectuor"):
        wh.Exectuor  # noqa: B018
    with pytest.raises(AttributeError, match="FakeClok"):
        wayhook.testing.FakeClok  # noqa: B018
    assert {"Executor", "Action"} <= set(dir(wh))


def loaded_by(code: str) -> set[str]:
    """What a fresh interpreter has loaded after `code` beyond what it has loaded before, with warnings as errors."""
    script = f"import sys; before = set(sys.modules); {code}; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def rooms_and_libraries(modules: set[str]) -> set[str]:
    """The rooms of the package by their own names, and everything else by its root."""
    named = {name.removeprefix("wayhook.") for name in modules if name.startswith("wayhook.")}
    return {name.split(".")[0] for name in named | {name for name in modules if not name.startswith("wayhook")}}


def test_importing_loads_nothing_that_is_not_used() -> None:
    """`import wayhook` loads the door itself, two hooks, and two tiny modules of the standard library."""
    assert loaded_by("import wayhook") <= {"wayhook", "wayhook.presentation", "wayhook.reading", "types", "__future__"}


def test_describing_loads_nothing_that_executes() -> None:
    """An action needs words and the model: no expression, format or executor, no loop, no network and no parser."""
    loaded = rooms_and_libraries(loaded_by("import wayhook; wayhook.Action, wayhook.message_parameters"))

    ours = {"errors", "jsonvalue", "secret", "values", "presentation", "reading", "model"}
    assert {name for name in loaded if name not in sys.stdlib_module_names} == {*ours, "attr", "attrs"}
    executing = {"asyncio", "concurrent", "email", "hashlib", "html", "importlib.metadata", "logging", "random", "uuid"}
    assert loaded & {*executing, "difflib", "socket", "sqlite3", "ssl", "subprocess", "tempfile", "zipfile"} == set()


def test_executing_loads_no_adapter_before_it_is_used() -> None:
    """An executor's class brings no HTTP client, parser, converter, database, retry engine, format or door along."""
    loaded = rooms_and_libraries(loaded_by("import wayhook; wayhook.Executor, wayhook.Context, wayhook.Journey"))

    ours = {"errors", "jsonvalue", "secret", "values", "presentation", "reading", "wire"}
    rooms = {"expression", "model", "rendering", "execution"}
    assert {name for name in loaded if name not in sys.stdlib_module_names} == {*ours, *rooms, "attr", "attrs"}
    assert loaded & {"difflib", "email", "html", "sqlite3", "tempfile", "zipfile"} == set()


@pytest.mark.parametrize("first", ["wayhook.secret", "wayhook.expression.parser", "wayhook.execution.executor"])
def test_a_module_never_hides_the_function_of_its_name(first: str) -> None:
    """`wayhook.secret` and `wayhook.expression` are functions, whatever was imported before."""
    code = f"""
import {first}, wayhook
from wayhook import expression, secret, wire
assert wayhook.secret is secret and secret("env:KEY").source == "env:KEY", secret
assert wayhook.expression is expression and expression("1").text == "1", expression
assert wire.__name__ == "wayhook.wire", wire
"""

    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_importing_opens_no_file_and_reads_no_environment() -> None:
    """Importing has no effect beyond loading modules, nor has the first use of a name."""
    code = """
import sys
seen = []
def hook(event, args):
    if event == "open" and not str(args[0]).endswith((".py", ".pyc")) or event.startswith(("socket.", "subprocess.")):
        seen.append((event, args[0]))
import attrs, asyncio, json, base64, difflib, urllib.parse, decimal, ipaddress, datetime, random, uuid
import os
class Watched(dict):
    def __getitem__(self, key): seen.append(("environ", key)); return super().__getitem__(key)
    def get(self, key, default=None): seen.append(("environ", key)); return super().get(key, default)
os.environ = Watched(os.environ)
sys.addaudithook(hook)
import wayhook
wayhook.Action, wayhook.Context, wayhook.Executor
print([event for event in seen if "pycache" not in str(event[1])])
"""

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
