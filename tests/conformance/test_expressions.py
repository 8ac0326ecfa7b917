"""The expression language against documented cases; `--expressions FILE` takes another file of the same form.

A case that holds for one product only is run in that product's dialect, any other in the lenient one. Results are
compared after part 4 of `reference/expression-language.md`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import wayhook as wh
from wayhook.expression.moment import date_constant, read_duration
from wayhook.expression.type import kind_of

CASES = Path(__file__).parent / "expressions.jsonl"
DIALECTS = {"JO": "journey_orchestration", "AJO": "journey_optimizer", None: "lenient"}


def cases(path: Path) -> list[Any]:
    """The cases of a file, each named by its id."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [pytest.param(case, id=case["id"]) for case in map(json.loads, lines)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give the cases of the file that was named to the test that takes a `case`, our own to the other one."""
    if "case" in metafunc.fixturenames:
        metafunc.parametrize("case", cases(metafunc.config.getoption("--expressions", default=CASES)))
    if "own_case" in metafunc.fixturenames:
        metafunc.parametrize("own_case", cases(CASES))


def result(case: dict[str, Any], dialect: str) -> Any:
    """What the expression of a case gives."""
    made = wh.expression(case["expression"], dialect=dialect)
    return made.evaluate(wh.Context.from_document(case["context"]))


def same(found: Any, expected: Any) -> bool:  # noqa: PLR0911 - one line for each kind
    """Whether a result is what a case expects, dates and durations being written as text there."""
    match found:
        case datetime():
            wanted = date_constant(expected)
            return isinstance(wanted, datetime) and wanted == found and wanted.utcoffset() == found.utcoffset()
        case date():
            return date_constant(expected) == found
        case timedelta():
            return isinstance(expected, str) and read_duration(expected) == found
        case float():
            is_number = isinstance(expected, int | float) and not isinstance(expected, bool)
            return is_number and math.isclose(found, expected, rel_tol=1e-9)
        case list():
            lengths = isinstance(expected, list) and len(found) == len(expected)
            return lengths and all(map(same, found, expected))
        case Mapping():
            return (
                isinstance(expected, dict)
                and found.keys() == expected.keys()
                and all(same(found[name], expected[name]) for name in found)
            )
    return type(found) is type(expected) and found == expected


def assert_holds(case: dict[str, Any], dialect: str) -> None:
    """The expression gives the value and the type of the case, or is refused as the case says."""
    if case.get("expect_error"):
        with pytest.raises((wh.ExpressionError, wh.WrongType)):
            result(case, dialect)
        return
    found = result(case, dialect)
    assert same(found, case["expect"]), f"gives {found!r}"
    if case.get("expect_type", "any") != "any" and found is not None:
        static = wh.expression(case["expression"], dialect=dialect).type
        assert kind_of(found) in (case["expect_type"], "list")
        assert static in (None, case["expect_type"], "list")


def test_the_documentation_holds(case: dict[str, Any]) -> None:
    """A case gives its value and its type, or is refused."""
    assert_holds(case, DIALECTS[case.get("dialect")])


def test_the_lenient_dialect_takes_what_either_product_takes(own_case: dict[str, Any]) -> None:
    """Whatever a product documents holds in the lenient dialect too."""
    assert_holds(own_case, "lenient")
