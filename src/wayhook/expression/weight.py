"""Weights: about how much work each node of an expression is by itself, whatever its values are. No I/O.

They say what one round of a loop costs, in the units of `effort`, so that a loop is paid for before its first round.
What grows with the size of a value is paid for where it is done. Measured, and rounded up.
"""

from __future__ import annotations

from wayhook.expression.function.table import FUNCTIONS
from wayhook.expression.syntax import (
    Call,
    Chain,
    Conditional,
    Current,
    Items,
    Link,
    Literal,
    Node,
    Reference,
    Step,
    Unary,
)

__all__ = ["weight"]

_OF_GROUP = {
    "audience": 100, "aggregation": 60, "conversion": 130, "date": 350, "list": 60, "math": 50, "string": 40,
}  # fmt: skip
_OF_FUNCTION = {
    "currentTimeInMillis": 40, "now": 40, "nowWithDelta": 700, "random": 250, "uuid": 300,
    "distinct": 300, "distinctWithNull": 300, "serializeList": 300, "sort": 300,
    "matchRegExp": 80, "replace": 150, "replaceAll": 150, "split": 150,
}  # fmt: skip
_OF_OPERATOR = {"and": 12, "or": 12, "+": 35, "-": 100, "*": 100, "/": 100, "%": 100, "has null": 150}
_SECOND_ARGUMENT, _COMPARISON, _COMPARISON_WITH_CONSTANT = 90, 20, 5
_STEP, _PATH_FUNCTION, _PARAM = 5, 30, 400


def weight(node: Node) -> int:  # noqa: PLR0911 - one line for each kind
    """Return the work of a node without those below it."""
    match node:
        case Call(name, arguments):
            varying = sum(not isinstance(argument, Literal | Items) for argument in arguments)
            return _of_function(name) + (_SECOND_ARGUMENT if varying > 1 else 0)
        case Chain(_, links):
            return sum(map(_of_link, links))
        case Items(items):
            return 30 + 80 * len(items)
        case Reference(_, steps, _, params):
            return _of_steps(steps) + _PARAM * len(params)
        case Current(_, steps):
            return _of_steps(steps)
        case Conditional() | Unary():
            return 5
    return 0


def _of_function(name: str) -> int:
    function = FUNCTIONS.get(name)
    return 0 if function is None else _OF_FUNCTION.get(name, _OF_GROUP[function.group])


def _of_link(link: Link) -> int:
    compared = _COMPARISON_WITH_CONSTANT if isinstance(link.operand, Literal) else _COMPARISON
    return _OF_OPERATOR.get(link.operator, compared)


def _of_steps(steps: tuple[Step, ...]) -> int:
    return _STEP * len(steps) + _PATH_FUNCTION * sum(step.function for step in steps)
