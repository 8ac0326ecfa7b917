"""The table of all functions, by name."""

from __future__ import annotations

from wayhook.expression.function import aggregation, audience, conversion, date, list, math, string  # noqa: A004
from wayhook.expression.function.function import Function

__all__ = ["FUNCTIONS"]

FUNCTIONS = {
    row.name: row
    for group in (audience, aggregation, conversion, date, list, math, string)
    for row in vars(group).values()
    if isinstance(row, Function)
}
