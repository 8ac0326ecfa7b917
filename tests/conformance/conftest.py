"""Options of the conformance tests: cases of expressions from any file of the same form."""

from __future__ import annotations

from pathlib import Path

import pytest

CASES = Path(__file__).parent / "expressions.jsonl"
COUNTED = "test_the_documentation_holds"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the file of cases."""
    parser.addoption("--expressions", metavar="FILE", type=Path, default=CASES, help="cases, one JSON object a line")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many cases of expressions passed and failed."""
    passed, failed = (
        sum(COUNTED in report.nodeid and report.when == "call" for report in terminalreporter.getreports(outcome))
        for outcome in ("passed", "failed")
    )
    if passed + failed:
        terminalreporter.write_line(f"expressions: {passed} passed, {failed} failed")
