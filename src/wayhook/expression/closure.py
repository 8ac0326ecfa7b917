"""The closures that a compiled expression is made of: each takes a context or its frame, and gives a value. No I/O.

What does not fit is a `Fault` with its place in the text.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from types import NoneType
from typing import Any

import attrs

from wayhook.expression.effort import LONG, looking, spend
from wayhook.expression.fault import Fault
from wayhook.expression.function.function import PASSED, Function, Plan
from wayhook.expression.operator import Binary, roomy, truth
from wayhook.expression.reference import Evaluate
from wayhook.expression.type import (
    NUMBERS,
    TELLING,
    ExpressionType,
    bounded,
    common,
    fits,
    item_of,
    kind_of,
    typed,
    widened,
)
from wayhook.values import Misfit

__all__ = [
    "applied",
    "applied_to",
    "as_declared",
    "branch",
    "call",
    "call_of_one",
    "condition",
    "fallback",
    "field_applied_to",
    "items_of",
    "joined",
    "row",
    "text",
]

Kind = ExpressionType
_PER_TEXT = 200
"""The work of making a text of a decimal number, a date or a time."""
_DECIMALS = (Kind.DECIMAL, Kind.LIST_DECIMAL)


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


def applied_to(operator: Binary, subject: str, place: int, one: Evaluate, constant: Any) -> Evaluate:
    """Return an operator applied to an operand and a constant."""
    apply, direct, quick = operator.value, operator.direct, operator.quick_with(constant)

    def to_constant(frame: Any) -> Any:
        value = one(frame)
        if type(value) in quick:
            return direct(value, constant)  # type: ignore[misc]  # there is one, or nothing is quick
        try:
            return apply(value, constant, frame)
        except Misfit as misfit:
            raise Fault(f"{subject} {misfit}", place) from None

    return to_constant


def field_applied_to(operator: Binary, constant: Any, field: tuple[int, str], otherwise: Evaluate) -> Evaluate:
    """Return the same for a field of the current element, the most frequent condition, in one step where it can be."""
    (slot, name), direct, quick = field, operator.direct, operator.quick_with(constant)

    def field_to_constant(frame: Any) -> Any:
        element = frame.current[slot]
        if type(element) is dict and type(value := element.get(name)) in quick:
            return direct(value, constant)  # type: ignore[misc]  # there is one, or nothing is quick
        return otherwise(frame)

    return field_to_constant


def applied(
    apply: Callable[..., Any], subject: str, place: int, one: Evaluate, two: Evaluate | None = None
) -> Evaluate:
    """Return an operator applied to one operand or to two."""

    def unary(frame: Any) -> Any:
        try:
            return apply(one(frame), frame)
        except Misfit as misfit:
            raise Fault(f"{subject} {misfit}", place) from None

    if two is None:
        return unary

    def binary(frame: Any) -> Any:
        try:
            return apply(one(frame), two(frame), frame)
        except Misfit as misfit:
            raise Fault(f"{subject} {misfit}", place) from None

    return binary


Turn = tuple[Callable[..., Any], str, int, Evaluate | None]
"""An operator in a row: what it does, what it is called, its place, and its right operand; a test has none."""


def row(first: Evaluate, turns: list[Turn]) -> Evaluate:
    """Return what applies operators one after the other, however many they are; more may be put into the list later."""

    def whole(frame: Any) -> Any:
        value = first(frame)
        for apply, subject, place, operand in turns:
            try:
                value = apply(value, frame) if operand is None else apply(value, operand(frame), frame)
            except Misfit as misfit:
                raise Fault(f"{subject} {misfit}", place) from None
        return value

    return whole


Part = str | Evaluate
"""A piece of a text: always the same, or what gives a text or null."""


def text(evaluate: Evaluate, as_text: Callable[[Any], str], place: int) -> Evaluate:
    """Return what gives the text of a single value; null stays null."""

    def text_of_value(frame: Any) -> Any:
        value = evaluate(frame)
        if type(value) is str or value is None:
            return value
        try:
            if type(value) is not int:
                spend(frame, _PER_TEXT)
            return as_text(value)
        except Misfit as misfit:
            raise Fault(f"'+' {misfit}", place) from None

    return text_of_value


def joined(pieces: list[Part], place: int) -> Evaluate:
    """Return what joins the pieces; null when one of them is."""
    glue, evaluates = [""], list[Evaluate]()
    for part in pieces:
        if isinstance(part, str):
            glue[-1] += part
        else:
            evaluates.append(part)
            glue.append("")
    if len(evaluates) == 1:
        return _joined_around(evaluates[0], glue[0], glue[1], place)
    if len(evaluates) == 2:  # noqa: PLR2004 - two values, such as a path of two names
        return _joined_around_two(evaluates, glue, place)

    fixed = sum(map(len, glue))

    def whole(frame: Any) -> Any:
        texts, size = [glue[0]], fixed
        for evaluate, after in zip(evaluates, glue[1:], strict=True):
            value = evaluate(frame)
            if value is None:
                return None
            size += len(value)
            texts += (value, after)
        _roomy(size, frame, place)
        return "".join(texts)

    return whole


def _joined_around(evaluate: Evaluate, head: str, tail: str, place: int) -> Evaluate:
    short = LONG - len(head) - len(tail)

    def whole(frame: Any) -> Any:
        value = evaluate(frame)
        if value is None:
            return None
        if len(value) > short:
            _roomy(len(head) + len(value) + len(tail), frame, place)
        return f"{head}{value}{tail}"

    return whole


def _joined_around_two(evaluates: list[Evaluate], glue: list[str], place: int) -> Evaluate:
    (one, two), (head, middle, tail) = evaluates, glue
    fixed = len(head) + len(middle) + len(tail)

    def whole(frame: Any) -> Any:
        first, second = one(frame), two(frame)
        if first is None or second is None:
            return None
        if (size := len(first) + len(second) + fixed) > LONG:
            _roomy(size, frame, place)
        return f"{head}{first}{middle}{second}{tail}"

    return whole


def _roomy(characters: int, frame: Any, place: int) -> None:
    try:
        roomy(characters, frame)
    except Misfit as misfit:
        raise Fault(f"'+' {misfit}", place) from None


def items_of(evaluates: list[Evaluate], place: int) -> Evaluate:
    """Return what makes a list whose items have one type; integers beside decimals become decimals."""

    def items(frame: Any) -> list[Any]:
        kinds, values = set[ExpressionType | None](), list[Any]()
        try:
            for evaluate in evaluates:
                kind, value = typed(evaluate(frame))
                if kind is not None and not kind.is_single:
                    raise Fault(f"a list holds single values, not a value of type {kind}", place)
                if value is not None:
                    kinds.add(kind)
                values.append(value)
            kind = common(kinds)
        except Misfit as misfit:
            raise Fault(f"a list {misfit}", place) from None
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
            common((kind_of(value, frame), other))
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
        _check_default(value, wanted, frame, place)
        return widened(value) if widens else value

    return read_or_default


def _check_default(value: Any, wanted: ExpressionType, frame: Any, place: int) -> None:
    try:
        kind = kind_of(value, frame)
    except Misfit as misfit:
        raise Fault(f"the field {misfit}", place) from None
    if not fits(kind, wanted, widening=True) and not {kind, wanted} <= NUMBERS:
        raise Fault(f"the field is of type {kind}, and so must be its default, which is of type {wanted} (R192)", place)


def as_declared(instead: Evaluate, key: str, place: int) -> Evaluate:
    """Return a default that has the type of its field, where the context declares one for the field named `key`."""

    def default(frame: Any) -> Any:
        value, declared = instead(frame), frame.types.get(key)
        if declared is None or value is None:
            return value
        try:
            kind = kind_of(value, frame)
        except Misfit as misfit:
            raise Fault(f"the default {misfit}", place) from None
        if item_of(kind) != declared and not fits(kind, Kind(declared), widening=True):
            raise Fault(f"the field is of type {declared}, and so must be its default, not {kind} (R192)", place)
        return widened(value) if declared in _DECIMALS else value

    return default


@attrs.frozen(eq=False)
class _Judge:
    """Judges the arguments of one call. `static`: their types, as far as they are known before."""

    function: Function
    static: tuple[ExpressionType | None, ...]
    dialect: str
    place: int

    def result(self, frame: Any, values: list[Any]) -> Any:
        """Return what the function gives for values that were taken, and pay for it before."""
        function, compute = self.function, self.function.compute
        try:
            if function.work is not None:
                spend(frame, function.work(*values))
            return bounded(compute(frame, *values) if function.takes_frame else compute(*values))
        except Misfit as misfit:
            raise Fault(f"{function.name} {misfit}", self.place) from None
        except OverflowError:
            raise Fault(f"{function.name} gives a number that is out of range", self.place) from None

    def taken(self, frame: Any, values: list[Any]) -> tuple[list[Any], bool]:
        """Return the values as the function takes them, and whether all of such Python types are taken as they are."""
        try:
            found = [typed(value, frame) for value in values]
            plan = self.function.plan(tuple(kind for kind, _ in found), self.dialect)
        except Misfit as misfit:
            raise Fault(f"{self.function.name} {misfit}", self.place) from None
        tells = not plan.is_widening and all(map(_tells, map(type, values), self.static))
        return plan.taken([value for _, value in found]), tells


def call(
    function: Function, arguments: list[Evaluate], kinds: tuple[ExpressionType | None, ...], place: int, *, dialect: str
) -> Evaluate:
    """Return a call; `kinds`: the types of the arguments, None for what is judged when the value is there.

    Values of Python types that were judged before, and taken as they were, are not judged again.
    """
    judge, known = _Judge(function, kinds, dialect, place), set[tuple[type, ...]]()
    null, passes = function.null, function.null is PASSED
    if not arguments:
        return _call_of_none(function, place)

    def called(frame: Any) -> Any:
        values = [argument(frame) for argument in arguments]
        types = tuple(map(type, values))
        if types not in known:
            if not passes and any(value is None for value in values):
                return null
            values, tells = judge.taken(frame, values)
            if tells:
                known.add(types)
        return judge.result(frame, values)

    return called


def _call_of_none(function: Function, place: int) -> Evaluate:
    compute = function.compute

    def called(frame: Any) -> Any:
        try:
            return compute(frame)
        except Misfit as misfit:
            raise Fault(f"{function.name} {misfit}", place) from None

    return called


def call_of_one(
    function: Function,
    argument: Evaluate,
    kinds: tuple[ExpressionType | None, ...],
    place: int,
    *,
    before: list[Any],
    after: list[Any],
    dialect: str,
) -> Evaluate:
    """Return a call with one argument that varies, and constants before and after it."""
    compute, null, passes, counts = function.compute, function.null, function.null is PASSED, function.counts
    judge = _Judge(function, kinds, dialect, place)
    known, plans = set[type](), dict[ExpressionType | None, Plan]()
    light = not looking(*before, *after)

    def planned(kind: ExpressionType | None, each: type) -> Plan:
        """How an argument of this type is taken; a short one of a Python type that says all is not judged again."""
        plan = function.plan((*map(kind_of, before), kind, *map(kind_of, after)), dialect)
        if light and each in TELLING and not plan.is_widening:
            known.add(each)
        plans[kind] = plan
        return plan

    def called(frame: Any) -> Any:
        value = argument(frame)
        try:
            if type(value) not in known or (type(value) is str and len(value) > LONG):
                if value is None and not passes:
                    return null
                kind, value = typed(value, frame)
                plan = plans.get(kind) or planned(kind, type(value))
                if type(value) is not datetime or plan.is_widening or not light:
                    return judge.result(frame, plan.taken([*before, value, *after]))
            return bounded(compute(frame, *before, value, *after) if counts else compute(*before, value, *after))
        except Misfit as misfit:
            raise Fault(f"{function.name} {misfit}", place) from None
        except OverflowError:
            raise Fault(f"{function.name} gives a number that is out of range", place) from None

    return called


def _tells(each: type, kind: ExpressionType | None) -> bool:
    """Whether a Python type says all: there is one type of the language for it, or the type is known before."""
    return each in TELLING or (kind is not None and each is not NoneType)
