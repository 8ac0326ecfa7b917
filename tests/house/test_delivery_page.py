"""The page about delivery names the tests that hold its promises; they are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "delivery.md"
NAMED = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE.read_text())


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED)))
def test_a_promise_is_held_by_a_test_that_exists(file: str, name: str) -> None:
    """The file is there, and the function in it, if one is named."""
    tree = ast.parse((ROOT / file).read_text())
    functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}

    assert not name or name in functions


def test_promises_are_held() -> None:
    """Every row of the table of promises names a test."""
    promises = PAGE.read_text().partition("## What the transport promises")[2].partition("\n## ")[0]
    rows = [line for line in promises.splitlines() if line.startswith("| ")][1:]

    assert len(rows) > 10
    assert all("`tests/" in row for row in rows)
