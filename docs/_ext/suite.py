"""Where the suite proves each documented rule: read from the marks of the tests, without running them."""

from __future__ import annotations

import ast
from pathlib import Path

__all__ = ["TESTS", "marks_in", "tested"]

TESTS = Path(__file__).parents[2] / "tests"


def marks_in(text: str) -> set[str]:
    """Return the rule numbers of every `pytest.mark.rule(…)` in a module's text."""
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    marks = [call for call in calls if ast.unparse(call.func).endswith("mark.rule")]
    return {argument.value for mark in marks for argument in mark.args if isinstance(argument, ast.Constant)}


def tested() -> dict[str, list[str]]:
    """Return the files with tests of each rule, such as `conformance/test_rules.py`, in order."""
    found: dict[str, list[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        for number in marks_in(path.read_text(encoding="utf-8")):
            found.setdefault(number, []).append(path.relative_to(TESTS).as_posix())
    return found
