"""Every snippet runs: the fenced `python` blocks of README and pages, and the examples in docstrings.

In a page, blocks share their names and one event loop, and may await at the top level as a notebook does. An `output`
block holds what the block before it prints, `...` standing for anything. A block in an HTML comment
(`<!--- invisible-code-block: python … -->`) runs and is not shown. A block that cannot run stands below
`<!--- skip: next "the reason" -->`.
"""

from __future__ import annotations

import ast
import asyncio
import doctest
import importlib
import inspect
import io
import os
import pkgutil
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from pathlib import Path
from unittest import SkipTest, mock

import pytest
from sybil import Example, Sybil
from sybil.document import Document
from sybil.evaluators.python import pad
from sybil.evaluators.skip import Skipper
from sybil.parsers.myst import CodeBlockParser, SkipParser

import wayhook

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted(page for page in (ROOT / "docs").rglob("*.md") if "_build" not in page.parts),
]
PRINTED, LOOP = "_printed", "_loop"


def run(example: Example) -> None:
    """Run a block, on the loop of its page where it awaits, and keep what it prints."""
    source = pad(str(example.parsed), example.line + example.parsed.line_offset)
    code = compile(source, example.path, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    printed = io.StringIO()
    with redirect_stdout(printed):
        result = eval(code, example.namespace)
        if code.co_flags & inspect.CO_COROUTINE:
            example.namespace[LOOP].run(result)
    example.namespace[PRINTED] = printed.getvalue()


def compare(example: Example) -> None:
    """Compare an `output` block with what the block before it printed."""
    wanted, printed = str(example.parsed), example.namespace[PRINTED]
    same = doctest.OutputChecker().check_output(wanted, printed, doctest.ELLIPSIS)
    assert same, f"{example.path}:{example.line}: the page shows\n{wanted}\nand this was printed:\n{printed}"


PARSERS = [CodeBlockParser("python", run), CodeBlockParser("output", compare), SkipParser()]


def parsed(page: Path) -> Document:
    """The page and its examples."""
    return Sybil(PARSERS).parse(page)


def modules() -> Iterator[str]:
    """The package's modules whose docstrings hold examples."""
    for found in pkgutil.walk_packages(wayhook.__path__, "wayhook."):
        if found.name != "wayhook.__main__" and ">>> " in inspect.getsource(importlib.import_module(found.name)):
            yield found.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_snippets_of_a_page_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every block of a page runs, from top to bottom, and prints what the page shows."""
    document = parsed(page)
    monkeypatch.chdir(tmp_path)

    with mock.patch.dict(os.environ), asyncio.Runner() as loop:
        document.namespace.update({LOOP: loop, "__name__": "__main__"})
        for example in document.examples():
            with suppress(SkipTest):
                example.evaluate()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_snippet_that_does_not_run_says_why(page: Path) -> None:
    """A skipped block has its reason beside it."""
    skips = [example for example in parsed(page).examples() if isinstance(example.region.evaluator, Skipper)]

    assert all(reason for _, reason in (skip.parsed for skip in skips))


@pytest.mark.parametrize("name", list(modules()))
def test_the_examples_in_docstrings_run(name: str) -> None:
    """Every example in the docstrings of a module gives what it shows."""
    module = importlib.import_module(name)

    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS)

    assert result.attempted
    assert not result.failed
