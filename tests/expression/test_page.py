"""The pages about expressions: made from the tables, complete, and true."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from wayhook.expression.compiler import DIALECTS
from wayhook.expression.function.table import FUNCTIONS
from wayhook.expression.moment import PARTS

DOCS = Path(__file__).parents[2] / "docs"
PAGES = DOCS / "reference" / "expressions"


@pytest.fixture(scope="module")
def language() -> ModuleType:
    """The extension of the site that makes the pages."""
    pytest.importorskip("sphinx", reason="the dependency group docs is not installed")
    spec = importlib.util.spec_from_file_location("language", DOCS / "_ext" / "language.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_group_has_a_page_with_all_its_functions(language) -> None:
    """Signatures, meaning, nulls and an example with its result, for each of the functions."""
    made = {group: language.group_lines(group) for group in language.GROUPS}

    assert {function.group for function in FUNCTIONS.values()} == set(made)
    for function in FUNCTIONS.values():
        lines = made[function.group]
        start = lines.index(f"## {function.name}")
        own = lines[start : start + len(function.stated) + 12]
        assert sum(line.startswith(f"{function.name}(") and "->" in line for line in own) == len(function.stated)
        assert function.example in own
        assert own[own.index(function.example) + 1].startswith("  gives ")
        assert f"```{{function-group}} {function.group}" in (PAGES / f"{function.group}.md").read_text()


def test_the_index_names_every_function(language) -> None:
    """Each once."""
    found = re.findall(r"`(\w+)`", "\n".join(language.index_lines()))

    assert sorted(found) == sorted(FUNCTIONS)


def test_what_one_product_has_alone_is_in_the_table_of_dialects(language) -> None:
    """Whole functions, and single signatures."""
    lines = "\n".join(language.dialect_lines())

    assert "| Journey Optimizer | `inAudience` |" in lines
    assert "| Journey Optimizer | `count(listObject)` |" in lines
    assert "| Journey Orchestration | `distinctWithNull(listObject, string)` |" in lines
    assert all(dialect in (PAGES / "dialects.md").read_text() for dialect in DIALECTS)


def test_the_grammar_is_that_of_the_parser(language) -> None:
    """Every rule is shown."""
    lines = language.grammar_lines()

    assert lines[1].startswith("start:")
    assert any(line.startswith("path_function:") for line in lines)


@pytest.mark.parametrize("number", range(1, 33))
def test_every_place_where_the_documentation_is_silent_has_a_decision(number) -> None:
    """A-01 to A-32 are each named, in a row of their own."""
    text = (DOCS / "explanation" / "expression-decisions.md").read_text()

    assert len(re.findall(rf"^\| A-{number:02} \| [^|]+ \| [^|]+ \|$", text, re.MULTILINE)) == 1


def test_the_parts_of_a_date_are_named() -> None:
    """What `nowWithDelta` takes stands in its meaning."""
    assert all(part in FUNCTIONS["nowWithDelta"].meaning for part in PARTS)
