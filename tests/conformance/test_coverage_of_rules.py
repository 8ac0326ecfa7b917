"""Every rule has a test, and every rule that the code cites is in its table."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import wayhook
from wayhook.model.rulebook import RULES

TESTS = Path(__file__).parents[1]
SOURCE = Path(wayhook.__file__).parent
ROOMS = ("model", "rendering")
FIRST_RULES = [f"R{number}" for number in range(1, 61)]
RULES_OF_AUTHENTICATION = [f"R{number}" for number in range(90, 135)]
LAST_RULE = 317


def marks_in(text: str) -> set[str]:
    """The rule numbers of every `pytest.mark.rule(…)` in a module's text."""
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    marks = [call for call in calls if ast.unparse(call.func).endswith("mark.rule")]
    return {argument.value for mark in marks for argument in mark.args if isinstance(argument, ast.Constant)}


def marked() -> set[str]:
    """The rule numbers that tests are marked with."""
    return {number for path in TESTS.rglob("test_*.py") for number in marks_in(path.read_text(encoding="utf-8"))}


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
@pytest.mark.rule("R1", "R2")
def test_a(): ...
CASES = [pytest.param(1, marks=pytest.mark.rule("R3")), pytest.mark.skip("R4"), "R5"]
"""

    assert marks_in(text) == {"R1", "R2", "R3"}


def test_every_rule_of_the_first_tables_has_a_test() -> None:
    """R1 to R60 are each accepted, refused or observed by a marked test."""
    assert missing(FIRST_RULES, marked()) == []


def test_every_rule_of_authentication_is_in_the_table_and_has_a_test() -> None:
    """R90 to R134 are each kept somewhere, and accepted, refused or observed by a marked test."""
    assert missing(RULES_OF_AUTHENTICATION, RULES) == []
    assert missing(RULES_OF_AUTHENTICATION, marked()) == []


def test_every_rule_of_the_table_has_a_test() -> None:
    """What the table of rules says is kept, a marked test shows."""
    assert missing(RULES, marked()) == []


def test_every_mark_names_a_rule() -> None:
    """A mark is a number of the reference."""
    assert [number for number in marked() if not re.fullmatch(r"R[1-9]\d*", number)] == []
    assert [number for number in marked() if int(number[1:]) > LAST_RULE] == []


def test_every_rule_that_the_code_cites_is_in_the_table() -> None:
    """The number that a violation carries is one that a reader finds in the table."""
    found = cited()

    assert len(found) > len(FIRST_RULES) // 2
    assert {number: found[number] for number in missing(found, RULES)} == {}


def test_the_table_is_complete_and_in_order() -> None:
    """R1 to R60 are all there, numbers ascend, and every row is filled in."""
    numbers = [int(number[1:]) for number in RULES]

    assert missing(FIRST_RULES, RULES) == []
    assert numbers == sorted(numbers)
    assert {rule.editions for rule in RULES.values()} <= {"both", "orchestration", "optimizer"}
    assert all(rule.number == number and rule.title and rule.kept for number, rule in RULES.items())
