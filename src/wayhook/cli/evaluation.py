"""The command `eval`: what an expression gives for a context."""

from __future__ import annotations

from datetime import UTC, datetime

import attrs

from wayhook.cli.answer import Answer
from wayhook.cli.console import dumped
from wayhook.cli.file import STDIN, text_in
from wayhook.cli.settings import EDITIONS, Settings
from wayhook.cli.value import context_in
from wayhook.errors import ExpressionError
from wayhook.expression.context import Context
from wayhook.expression.expression import Expression
from wayhook.expression.fault import Fault
from wayhook.expression.parser import problem_at

__all__ = ["evaluate"]


def evaluate(settings: Settings, text: str, context: str | None) -> Answer:
    """Evaluate the expression `text`, which `-` reads from the standard input.

    Raises `ExpressionError`, which shows the place, also where the data does not fit.
    """
    dialect = "lenient" if settings.edition == EDITIONS[0] else settings.edition
    expression = Expression(text_in(STDIN).strip() if text == STDIN else text, dialect)
    individual = Context() if context is None else context_in(context)
    if individual.now is None:
        individual = attrs.evolve(individual, now=datetime.now(UTC))
    try:
        value = expression.closure(individual)
    except Fault as fault:
        raise ExpressionError.of([problem_at(fault.message, expression.text, fault.place)], expression.text) from None
    for warning in expression.warnings:
        settings.console.note(f"warning: {warning.shown_in(expression.text)}")
    return Answer({"value": value, "type": expression.type}, (dumped(value, indent=2),))
