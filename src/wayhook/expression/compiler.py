"""Syntax tree to static type and to a closure over a context: parsed once, walked never again. No I/O.

Rules for `+` after sections 1.7, 1.9 and 1.10 of `reference/expression-language.md`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from wayhook.errors import ExpressionError, Violation, WrongType
from wayhook.expression.context import Context
from wayhook.expression.syntax import Literal, Node, Plus, Reference, Source
from wayhook.values import NUMBER_TYPES, DataType, Misfit, conform, text_of

__all__ = ["Evaluate", "compile_node", "type_of"]

Evaluate = Callable[[Context], Any]

MAX_ITEMS = 100_000

_ROOTS: dict[Source, Callable[[Context], Mapping[str, Any]]] = {
    Source.EVENT: lambda context: context.events,
    Source.DATA_SOURCE: lambda context: context.data_sources,
    Source.ACTION: lambda context: context.actions,
    Source.JOURNEY: lambda context: context.journey,
}


def type_of(node: Node, text: str) -> DataType | None:
    """Return the static type of `node`, None where only the data tells.

    Raises `ExpressionError` where no data could make the expression right; `text` is shown in it.
    """
    match node:
        case Literal():
            return node.data_type
        case Reference():
            if node.default is not None:
                type_of(node.default, text)
            return None
        case Plus():
            types = [type_of(operand, text) for operand in node.operands]
            so_far = types[0]
            for right, (line, column) in zip(types[1:], node.positions, strict=True):
                so_far = _plus_type(so_far, right, text, line, column)
            return so_far


def _plus_type(left: DataType | None, right: DataType | None, text: str, line: int, column: int) -> DataType | None:
    if DataType.STRING in (left, right):
        return DataType.STRING
    if left is None or right is None:
        return None
    if {left, right} <= NUMBER_TYPES:
        return DataType.DECIMAL if DataType.DECIMAL in (left, right) else DataType.INTEGER
    message = f"'+' joins text or adds numbers; it cannot take {left} and {right}"
    raise ExpressionError(message, text=text, line=line, column=column)


def compile_node(node: Node, text: str) -> Evaluate:
    """Return the function that evaluates `node`; constant parts are evaluated here.

    Raises `ExpressionError` where a constant part has no value; `text` is shown in it.
    """
    match node:
        case Literal():
            value = node.value
            return lambda _: value
        case Reference():
            return _reference(node, text)
        case Plus():
            return _plus(node, text)


def _reference(node: Reference, text: str) -> Evaluate:
    root, path = _ROOTS[node.source], node.path

    def read(context: Context) -> Any:
        value: Any = root(context)
        for segment in path:
            value = value.get(segment) if type(value) is dict else _field(value, segment)
            if value is None:
                return None
        return value

    if node.default is None:
        return read
    default = compile_node(node.default, text)

    def read_or_default(context: Context) -> Any:
        value = read(context)
        return default(context) if value is None else value

    return read_or_default


def _field(value: Any, name: str) -> Any:
    """A field of an object; of a list, the list of that field of every element, lists in it flattened once."""
    if isinstance(value, Mapping):
        return value.get(name)
    if not isinstance(value, list | tuple):
        return None
    found: list[Any] = []
    for item in value:
        field = item.get(name) if isinstance(item, Mapping) else None
        if isinstance(field, list | tuple):
            found += field
        else:
            found.append(field)
        if len(found) > MAX_ITEMS:
            raise WrongType([Violation("$", f"the list has more than {MAX_ITEMS:,} items; read less")])
    return found


def _plus(node: Plus, text: str) -> Evaluate:
    constants = list(itertools.takewhile(lambda operand: isinstance(operand, Literal), node.operands))
    rest = [compile_node(operand, text) for operand in node.operands[len(constants) :]]
    if not constants:
        return lambda context: _sum([evaluate(context) for evaluate in rest])
    total = _constant_sum(constants, node, text)
    if not rest:
        return lambda _: total
    return lambda context: _sum([total, *(evaluate(context) for evaluate in rest)])


def _constant_sum(constants: list[Node], node: Plus, text: str) -> Any:
    """The sum of the constants that a `Plus` begins with."""
    total, *values = [constant.value for constant in constants if isinstance(constant, Literal)]
    for value, (line, column) in zip(values, node.positions, strict=False):
        try:
            total = _sum([total, value])
        except WrongType as error:
            message = error.violations[0].message
            raise ExpressionError(message, text=text, line=line, column=column) from None
    return total


def _sum(values: list[Any]) -> Any:
    """Group from the left: text with anything is text, numbers add up, a null makes all of it null."""
    if any(value is None for value in values):
        return None
    total = values[0]
    for value in values[1:]:
        if type(total) is str or type(value) is str:
            total = _text(total) + _text(value)
        elif _is_number(total) and _is_number(value):
            total = _added(total, value)
        else:
            kinds = f"{type(total).__name__} and {type(value).__name__}"
            raise WrongType([Violation("$", f"'+' joins text or adds numbers; it cannot take {kinds}")])
    return total


def _text(value: Any) -> str:
    try:
        return text_of(value)
    except Misfit as misfit:
        raise WrongType([Violation("$", f"'+' {misfit}")]) from None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _added(left: Any, right: Any) -> Any:
    """The sum; a decimal when one of the two is (section 1.5), within the range of its type."""
    try:
        if isinstance(left, int) and isinstance(right, int):
            return conform(DataType.INTEGER)(left + right)
        if isinstance(left, float) or isinstance(right, float):
            return conform(DataType.DECIMAL)(float(left) + float(right))
        return conform(DataType.DECIMAL)(left + right)
    except (Misfit, ArithmeticError, ValueError):
        raise WrongType([Violation("$", "the sum is out of the range of its type")]) from None
