"""Every rule has its tests, or a reason why it cannot have one; and what the code cites is in the table."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import wayhook
from wayhook.model.rulebook import NOT_APPLICABLE, RULES

TESTS = Path(__file__).parents[1]
SOURCE = Path(wayhook.__file__).parent
ROOMS = ("model", "rendering")
ALL = [f"R{number}" for number in range(1, 318)]


ONE_SIDED = frozenset(
    f"R{number}"
    for number in (
        5, 6, 8, 16, 17, 19, 31, 34, 35, 36, 37, 40, 42, 43, 45, 46, 47, 52, 53, 55, 56, 57, 59, 62, 64, 66,
        74, 75, 78, 79, 80, 81, 85, 91, 93, 95, 96, 100, 104, 106, 107, 112, 113, 137, 142, 144, 145, 148,
        149, 152, 153, 160, 166, 167, 168, 172, 173, 177, 178, 179, 191, 195, 204, 210, 225, 226, 238, 242,
        246, 249, 251, 256, 257, 261, 263, 264, 267, 269, 271, 273, 275, 282, 285, 287, 288, 293, 302, 304,
        305, 313,
    )
)  # fmt: skip
"""Rules whose row in the reference has only what is accepted, or only what is refused: one test proves them."""

COUNT = """
import contextlib, io, json, sys, pytest
class Marks:
    def pytest_collection_finish(self, session):
        self.found = [
            [number, bool(mark.kwargs.get("both"))]
            for item in session.items for mark in item.iter_markers("rule") for number in mark.args
        ]
marks = Marks()
with contextlib.redirect_stdout(io.StringIO()):
    code = pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", sys.argv[1]], plugins=[marks])
print(json.dumps(marks.found))
sys.exit(code)
"""


def suite():
    """The module of the documentation that reads marks."""
    spec = importlib.util.spec_from_file_location("suite", TESTS.parent / "docs" / "_ext" / "suite.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def collected() -> dict[str, int]:
    """How many sides of each rule the collected tests show: each case one, and a test marked `both=True` two."""
    done = subprocess.run(
        [sys.executable, "-c", COUNT, str(TESTS)], cwd=TESTS.parent, capture_output=True, text=True, check=True
    )
    sides: dict[str, int] = {}
    for number, both in json.loads(done.stdout):
        sides[number] = sides.get(number, 0) + 1 + both
    return sides


def cited() -> dict[str, list[str]]:
    """The rule numbers that violations of the model and of rendering carry, with the modules that cite them."""
    found: dict[str, list[str]] = {}
    for path in sorted(path for room in ROOMS for path in (SOURCE / room).glob("*.py")):
        for number in re.findall(r'"(R\d+)"', path.read_text(encoding="utf-8")):
            found.setdefault(number, []).append(path.name)
    return found


def missing(wanted, there) -> list[str]:
    """What is wanted and not there, in the order of the numbers."""
    return sorted(set(wanted) - set(there), key=lambda number: int(number[1:]))


def test_marks_are_read_wherever_they_stand() -> None:
    """A mark is found above a test, in a parameter's `marks`, and with several numbers."""
    text = """
@pytest.mark.rule("R1", "R2", both=True)
def test_a(): ...
CASES = [pytest.param(1, marks=pytest.mark.rule("R3")), pytest.mark.skip("R4"), "R5"]
"""

    assert suite().marks_in(text) == {"R1", "R2", "R3"}


def test_every_rule_is_in_the_table_or_does_not_apply() -> None:
    """R1 to R317: each is kept somewhere, or has a reason, and none has both."""
    assert missing(ALL, {*RULES, *NOT_APPLICABLE}) == []
    assert set(RULES).isdisjoint(NOT_APPLICABLE)
    assert missing({*RULES, *NOT_APPLICABLE}, ALL) == []


def test_every_rule_has_a_test(collected: dict[str, int]) -> None:
    """What the table of rules says is kept, a collected test shows."""
    assert missing(RULES, collected) == []
    assert missing(RULES, suite().tested()) == []


def test_every_rule_is_accepted_and_refused(collected: dict[str, int]) -> None:
    """A rule whose row has both sides is shown from both: by two cases, or by one test that is marked so."""
    once = [number for number, sides in collected.items() if sides < 2]

    assert missing(once, ONE_SIDED) == []


def test_every_mark_names_a_rule(collected: dict[str, int]) -> None:
    """A mark is a number of the reference."""
    assert missing(collected, ALL) == []
    assert missing(ONE_SIDED, ALL) == []


def test_every_reason_is_a_sentence() -> None:
    """What does not apply says why."""
    assert [number for number, reason in NOT_APPLICABLE.items() if len(reason.split()) < 4] == []


def test_every_rule_that_the_code_cites_is_in_the_table() -> None:
    """The number that a violation carries is one that a reader finds in the table."""
    found = cited()

    assert len(found) > 60
    assert {number: found[number] for number in missing(found, RULES)} == {}


def test_the_table_is_in_order() -> None:
    """Numbers ascend, and every row is filled in."""
    numbers = [int(number[1:]) for number in RULES]

    assert numbers == sorted(numbers)
    assert {rule.editions for rule in RULES.values()} <= {"both", "orchestration", "optimizer"}
    assert all(rule.number == number and rule.title and rule.kept for number, rule in RULES.items())
