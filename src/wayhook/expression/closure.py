"""The closures that a compiled expression is made of: each takes a context or its frame, and gives a value. No I/O.

What does not fit is a `Fault` with its place in the text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wayhook.expression.fault import Fault
from wayhook.expression.function.function import PASSED, Function
from wayhook.expression.operator import as_text, joined, truth
from wayhook.expression.reference import Evaluate, Frame, spend
from wayhook.expression.type import NUMBERS, ExpressionType, bounded, common, fits, kind_of, typed, widened
from wayhook.values import Misfit

__all__ = ["applied", "branch", "call", "condition", "fallback", "items_of", "sure_call", "text_of_all"]

Kind = ExpressionType
_DECIMALS = (Kind.DECIMAL, Kind.LIST_DECIMAL)
_CHARACTERS = 6  # of a text, 2^6 characters count as one step of work


def condition(evaluate: Evaluate, subject: str, place: int) -> Callable[[Any], bool]:
    """Return what tells whether a condition holds; null counts as false."""

    def test(frame: Any) -> bool:
        value = evaluate(frame)
        if value is True or value is False:
            return value
        try:
            return truth(value)
        except Misfit as misfit:
            raise Fault(f"{subject} {misfit}", place) from None

    return test


def applied(
    apply: Callable[..., Any], subject: str, place: int, one: Evaluate, two: Evaluate | None = None
) -> Evaluate:
    """Return an operator applied to one operand or to two."""

    def unary(frame: Any) -> Any:
        try:
            return apply(one(frame))
        except Misfit as misfit:
            raise Fault(f"{subject} {misfit}", place) from None

    if two is None:
        return unary

    def binary(frame: Any) -> Any:
        try:
            return apply(one(frame), two(frame))
        except Misfit as misfit:
            raise Fault(f"{subject} {misfit}", place) from None

    return binary


def text_of_all(evaluates: list[Evaluate], places: list[int]) -> Evaluate:
    """Return what joins the texts of single values; null when one of them is."""

    def text(frame: Any) -> Any:
        texts: list[str] = []
        try:
            for evaluate in evaluates:
                value = evaluate(frame)
                if type(value) is not str:
                    if value is None:
                        return None
                    value = as_text(value)
                texts.append(value)
            whole = joined(texts)
            spend(frame, len(whole) >> _CHARACTERS)
        except Misfit as misfit:
            raise Fault(f"'+' {misfit}", places[min(len(texts), len(places) - 1)]) from None
        return whole

    return text


def items_of(evaluates: list[Evaluate], place: int) -> Evaluate:
    """Return what makes a list whose items have one type; integers beside decimals become decimals."""

    def items(frame: Any) -> list[Any]:
        try:
            found = [typed(evaluate(frame)) for evaluate in evaluates]
            kind = common({kind for kind, value in found if value is not None})
        except Misfit as misfit:
            raise Fault(f"a list {misfit}", place) from None
        if kind is not None and not kind.is_single:
            raise Fault(f"a list holds single values, not a value of type {kind}", place)
        values = [value for _, value in found]
        return widened(values) if kind is Kind.DECIMAL else values

    return items


def branch(evaluate: Evaluate, own: ExpressionType | None, other: ExpressionType | None, place: int) -> Evaluate:
    """Return a branch of `if` whose value has the type of the `other` branch, where that is known (A-06)."""
    if other is None or own is other:
        return evaluate
    widens = other in _DECIMALS
    if own is not None:
        return (lambda frame: widened(evaluate(frame))) if widens else evaluate

    def checked(frame: Any) -> Any:
        value = evaluate(frame)
        try:
            common((kind_of(value), other))
        except Misfit as misfit:
            raise Fault(f"if … then … else {misfit}", place) from None
        return widened(value) if widens else value

    return checked


def fallback(read: Evaluate, instead: Evaluate, wanted: ExpressionType | None, place: int) -> Evaluate:
    """Return a field or, where it is null, its default; `wanted`: the type of the default, which the field must have.

    None: it is not known, or the field is known to have it.
    """
    if wanted is None:
        return lambda frame: instead(frame) if (value := read(frame)) is None else value
    widens, quick = wanted in _DECIMALS, str if wanted is Kind.STRING else None

    def read_or_default(frame: Any) -> Any:
        value = read(frame)
        if type(value) is quick:
            return value
        if value is None:
            return instead(frame)
        _check_default(value, wanted, place)
        return widened(value) if widens else value

    return read_or_default


def _check_default(value: Any, wanted: ExpressionType, place: int) -> None:
    try:
        kind = kind_of(value)
    except Misfit as misfit:
        raise Fault(f"the field {misfit}", place) from None
    if not fits(kind, wanted, widening=True) and not {kind, wanted} <= NUMBERS:
        raise Fault(f"the field is of type {kind}, and so must be its default, which is of type {wanted} (R192)", place)


def sure_call(function: Function, evaluates: list[Evaluate], place: int) -> Evaluate:
    """Return a call whose arguments are known to be of the right types."""
    compute, null, name = function.compute, function.null, function.name
    reads_context, passes = function.reads_context, function.null is PASSED

    def called(frame: Any) -> Any:
        values = [evaluate(frame) for evaluate in evaluates]
        if not passes and any(value is None for value in values):
            return null
        try:
            return bounded(compute(frame, *values) if reads_context else compute(*values))
        except Misfit as misfit:
            raise Fault(f"{name} {misfit}", place) from None

    return called


def call(function: Function, evaluates: list[Evaluate], place: int, dialect: str) -> Evaluate:
    """Return a call whose arguments are judged when their values are there; integers may stand for decimals."""
    compute, null, name = function.compute, function.null, function.name
    reads_context, passes = function.reads_context, function.null is PASSED

    def called(frame: Any) -> Any:
        kinds, values = [], []
        try:
            for evaluate in evaluates:
                kind, value = typed(evaluate(frame))
                if value is None and not passes:
                    return null
                kinds.append(kind)
                values.append(value)
            if type(frame) is Frame:
                spend(frame, sum(map(_work, values)))
            values = function.plan(tuple(kinds), dialect).taken(values)
            return bounded(compute(frame, *values) if reads_context else compute(*values))
        except Misfit as misfit:
            raise Fault(f"{name} {misfit}", place) from None
        except OverflowError:
            raise Fault(f"{name} gives a number that is out of range", place) from None

    return called


def _work(value: Any) -> int:
    """What it costs to look at a value once, about."""
    if isinstance(value, str):
        return len(value) >> _CHARACTERS
    return len(value) if isinstance(value, list | tuple) else 1
