"""The card of an expression: its text, what it gives, what it reads, and what may not be meant."""

from __future__ import annotations

from wayhook.display.definition import facts
from wayhook.display.part import Card, Code, Note, Part, Section, Table, Value, bounded
from wayhook.expression.expression import Expression

__all__ = ["expression_card"]


def expression_card(expression: Expression) -> Card:
    """Return the card of an expression."""
    parts: list[Part] = [
        Code(expression.text),
        *facts(
            ("dialect", expression.dialect),
            ("time", "it reads the current time" if expression.reads_time else None),
        ),
    ]
    rows, more = bounded((str(each.source), Value(".".join(each.path))) for each in expression.references)
    if rows:
        parts.append(Section("What it reads", (Table(("from", "field"), rows, more),)))
    for warning in expression.warnings:
        parts += [Note("This may not be meant:", "doubt", "!"), Code(warning.shown_in(expression.text))]
    kind = "what the data has" if expression.type is None else str(expression.type)
    return Card("expression", f"gives {kind}", tuple(parts))
