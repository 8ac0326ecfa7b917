"""The cards of broken rules and of errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from wayhook.display.part import Card, Cell, Chip, Code, Fold, Table, Value, bounded, counted
from wayhook.errors import ExecutionError, ExpressionError, Violation, WayhookError
from wayhook.model.limit import CanDeploy

__all__ = ["can_deploy_card", "error_card", "violations_card", "violations_table"]


def can_deploy_card(answer: CanDeploy) -> Card:
    """Return the card of the answer whether a limit can be deployed."""
    faults = (*answer.errors, *answer.warnings)
    title = "can be deployed" if answer.status == "ok" else "cannot be deployed"
    chip = Chip("ok", "good", "✓") if answer.status == "ok" else Chip("error", "bad", "✗")
    return Card("check", title, (violations_table(faults),) if faults else (), (chip,))


def violations_card(violations: tuple[Violation, ...], kind: str = "check") -> Card:
    """Return the card of broken rules."""
    errors = [violation for violation in violations if not violation.warning]
    title = counted(len(violations), "violation") if violations else "no rule is broken"
    chip = Chip("broken", "bad", "✗") if errors else Chip("kept", "good", "✓")
    return Card(kind, title, (violations_table(violations),) if violations else (), (chip,))


def violations_table(violations: Iterable[Violation]) -> Table:
    """Return a row for each broken rule: where, and what to do."""
    rows, more = bounded(map(_violated, violations))
    return Table(("", "where", "what is wrong", "rule"), rows, more)


def _violated(violation: Violation) -> tuple[Cell, ...]:
    chip = Chip("warning", "doubt", "!") if violation.warning else Chip("error", "bad", "✗")
    rule = " ".join(filter(None, (violation.code, violation.rule)))
    return chip, Value(violation.path), violation.message, rule


def error_card(error: WayhookError, outcome_card: Callable[[Any], Card]) -> Card:
    """Return the card of an error: every fault that it holds, or its sentence, and the outcome that it tells of."""
    kind, violations = type(error).__name__, getattr(error, "violations", ())
    if violations:
        return violations_card(violations, kind)
    chips = (Chip("error", "bad", "✗"),)
    if isinstance(error, ExpressionError):
        title = counted(len(error.problems), "problem") + " in an expression"
        return Card(kind, title, (Code(str(error)),), chips)
    outcome = error.outcome if isinstance(error, ExecutionError) else None
    below = () if outcome is None else (Fold("The outcome", (outcome_card(outcome),)),)
    return Card(kind, str(error), below, chips)
