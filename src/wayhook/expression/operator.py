"""The operators: which types they take, and what they give. No I/O.

Sections 1.7 and 1.10 of `reference/expression-language.md`. Every rule is there twice: on types, before any data is
there, and on values. A type that is not known is None, and fits.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import attrs

from wayhook.expression.effort import LONG, looking, spend, writing
from wayhook.expression.moment import added
from wayhook.expression.type import (
    MAX_TEXT,
    NUMBERS,
    ExpressionType,
    bounded,
    identity,
    kind_of,
    ranged,
    typed,
)
from wayhook.values import INTEGER_MAX, INTEGER_MIN, Misfit, text_of

__all__ = [
    "TESTS",
    "Binary",
    "Test",
    "as_text",
    "as_text_in_orchestration",
    "binary",
    "negative",
    "negative_type",
    "roomy",
    "truth",
    "truth_type",
]

Kind = ExpressionType
_MOMENTS = frozenset({Kind.DATE_TIME, Kind.DATE_TIME_ONLY, Kind.DURATION})
_ORDERED = frozenset({*NUMBERS, Kind.DATE_TIME, Kind.DATE_TIME_ONLY, Kind.DATE_ONLY})
_LENIENT = "lenient"
_NUMERIC = frozenset({int, float})
_PER_MOMENT = 130
"""The work of comparing dates or times, and of adding to them."""


@attrs.frozen
class Binary:
    """An operator between two operands.

    `type`: the type of its result (left, right, dialect); raises `Misfit`. `value`: the result (left, right, frame of
    the evaluation, which pays). `direct`: does the same as `value` for two numbers of Python's own types, and for two
    texts if `on_texts`.
    """

    type: Callable[[Kind | None, Kind | None, str], Kind | None]
    value: Callable[[Any, Any, Any], Any]
    direct: Callable[[Any, Any], Any] | None = None
    on_texts: bool = False

    def quick_with(self, constant: Any) -> frozenset[Any]:
        """Return the Python types of the values that `direct` takes beside the constant."""
        if self.direct is not None and type(constant) in _NUMERIC:
            return _NUMERIC
        is_short = self.on_texts and type(constant) is str and len(constant) <= LONG
        return frozenset({str}) if is_short else frozenset()


@attrs.frozen
class Test:
    """A test after an operand. `check`: raises `Misfit` for an operand of a type that it does not take.

    `value`: whether it holds (operand, frame of the evaluation, which pays).
    """

    check: Callable[[Kind | None], None]
    value: Callable[[Any, Any], bool]


def _told(kind: Kind | None) -> str:
    return "…" if kind is None else str(kind)


def _plus_type(left: Kind | None, right: Kind | None, _: str) -> Kind | None:
    if left in _MOMENTS and right is Kind.DURATION:
        return left
    containers = [kind for kind in (left, right) if kind is not None and (kind.is_list or kind is Kind.OBJECT)]
    if not containers and Kind.STRING in (left, right):
        return Kind.STRING
    if not containers and (left is None or right is None):
        return None
    if {left, right} <= NUMBERS:
        return _wider(left, right)
    raise Misfit(
        "joins text with any single value, adds numbers, and adds a duration to a dateTime, a dateTimeOnly or a "
        f"duration; it cannot take {_told(left)} and {_told(right)}"
    )


def _wider(left: Kind | None, right: Kind | None) -> Kind:
    return Kind.DECIMAL if Kind.DECIMAL in (left, right) else Kind.INTEGER


def _plus(as_text: Callable[[Any], str]) -> Binary:
    def value(left: Any, right: Any, frame: Any) -> Any:
        if type(left) is int and type(right) is int:
            return _in_range(left + right)
        if left is None or right is None:
            return None
        spend(frame, _PER_MOMENT)
        (left_kind, left), (right_kind, right) = typed(left), typed(right)
        kind = _plus_type(left_kind, right_kind, _LENIENT)
        if kind in _MOMENTS:
            return added(left, right)
        if kind is Kind.STRING:
            texts = as_text(left), as_text(right)
            roomy(sum(map(len, texts)), frame)
            return "".join(texts)
        return _computed(lambda: left + right)

    return Binary(_plus_type, value)


def roomy(characters: int, frame: Any) -> None:
    """Pay for a text of so many characters before it is made; raises `Misfit` for one that is too long."""
    if characters > MAX_TEXT:
        raise Misfit(f"gives a text of at most {MAX_TEXT:,} characters; this one is longer")
    spend(frame, writing(characters))


def as_text(value: Any) -> str:
    """Return the text of a single value, as `toString` does."""
    if type(value) is str:
        return value
    if type(value) is int and INTEGER_MIN <= value <= INTEGER_MAX:
        return str(value)
    if type(value) is date:
        return value.isoformat()
    return text_of(typed(value)[1])


def as_text_in_orchestration(value: Any) -> str:
    """Return the text of a single value, of a duration its milliseconds (A-12)."""
    return str(value // timedelta(milliseconds=1)) if isinstance(value, timedelta) else as_text(value)


def _in_range(number: int) -> int:
    if not INTEGER_MIN <= number <= INTEGER_MAX:
        raise Misfit("gives an integer from -2^63 to 2^63-1; this one is out of range")
    return number


def _computed(compute: Callable[[], Any]) -> Any:
    try:
        return bounded(compute())
    except OverflowError:
        raise Misfit("gives a number within the range of a double; this one is not") from None


def _arithmetic_type(left: Kind | None, right: Kind | None, _: str) -> Kind | None:
    _numbers(left, right)
    if Kind.DECIMAL in (left, right):
        return Kind.DECIMAL
    return None if left is None or right is None else Kind.INTEGER


def _numbers(left: Kind | None, right: Kind | None) -> None:
    if not {left, right} <= {*NUMBERS, None}:
        raise Misfit(f"takes two numbers, not {_told(left)} and {_told(right)}")


def _times_type(left: Kind | None, right: Kind | None, _: str) -> Kind | None:
    _numbers(left, right)
    if {left, right} == NUMBERS:
        message = "takes two integers or two decimals, not one of each"
        raise Misfit(f"{message}; write 3.0 for 3, or use toDecimal or toInteger")
    return left or right


def _arithmetic(
    type_of: Callable[[Kind | None, Kind | None, str], Kind | None], compute: Callable[[Any, Any], Any]
) -> Binary:
    def value(left: Any, right: Any, _: Any) -> Any:
        if left is None or right is None:
            return None
        (left_kind, left_number), (right_kind, right_number) = typed(left), typed(right)
        type_of(left_kind, right_kind, _LENIENT)
        for number in (left_number, right_number):
            if type(number) is int:
                ranged(number)
        return _computed(lambda: compute(left_number, right_number))

    return Binary(type_of, value)


def _divided(left: Any, right: Any) -> Any:
    """The quotient; of integers, without its fraction (A-10). Divided by 0 it is 0."""
    if isinstance(left, int) and isinstance(right, int):
        quotient = abs(left) // abs(right) if right else 0
        return quotient if (left < 0) == (right < 0) else -quotient
    return left / right if right else 0.0


def _remainder(left: Any, right: Any) -> Any:
    """What is left of a division, with the sign of the dividend; by 0 it is 0."""
    if isinstance(left, int) and isinstance(right, int):
        rest = abs(left) % abs(right) if right else 0
        return rest if left >= 0 else -rest
    return math.fmod(left, right) if right else 0.0


def _equality_type(left: Kind | None, right: Kind | None, dialect: str) -> Kind:
    unlike = left is not None and right is not None and left is not right and not {left, right} <= NUMBERS
    if unlike and dialect == "journey_orchestration":
        raise Misfit(f"compares values of one type (A-08), not {left} and {right}")
    return Kind.BOOLEAN


_SIMPLE = frozenset({str, int, float, bool})


def _equal(left: Any, right: Any, frame: Any) -> bool:
    kind = type(left)
    if kind is type(right) and kind in _SIMPLE:
        if kind is str:
            if len(left) > LONG:
                spend(frame, looking(left) >> 2)
        elif kind is int:
            ranged(left)
        return bool(left == right)
    return bool(identity(left, frame) == identity(right, frame))


def _order_type(left: Kind | None, right: Kind | None, dialect: str) -> Kind:
    known = {kind for kind in (left, right) if kind is not None}
    if not known <= (_ORDERED if dialect == _LENIENT else _ORDERED - {Kind.DATE_ONLY}):
        raise Misfit(f"compares numbers, dateTimes or dateTimeOnlys, not {_told(left)} and {_told(right)}")
    if len(known) > 1 and not known <= NUMBERS:
        raise Misfit(f"compares values of one type, not {left} and {right}")
    return Kind.BOOLEAN


def _ordered(compare: Callable[[Any, Any], bool]) -> Binary:
    def value(left: Any, right: Any, frame: Any) -> bool:
        if type(left) not in _NUMERIC or type(right) not in _NUMERIC:
            if left is None or right is None:
                return False
            spend(frame, _PER_MOMENT)
            (left_kind, left), (right_kind, right) = typed(left), typed(right)
            _order_type(left_kind, right_kind, _LENIENT)
        elif type(left) is int:
            ranged(left)
        return compare(left, right)

    return Binary(_order_type, value, compare)


_BINARY = {
    "+": _plus(as_text),
    "-": _arithmetic(_arithmetic_type, operator.sub),
    "*": _arithmetic(_times_type, operator.mul),
    "/": _arithmetic(_arithmetic_type, _divided),
    "%": _arithmetic(_arithmetic_type, _remainder),
    "==": Binary(_equality_type, _equal, operator.eq, on_texts=True),
    "!=": Binary(_equality_type, lambda *operands: not _equal(*operands), operator.ne, on_texts=True),
    ">": _ordered(operator.gt),
    ">=": _ordered(operator.ge),
    "<": _ordered(operator.lt),
    "<=": _ordered(operator.le),
}

_IN_ORCHESTRATION = {**_BINARY, "+": _plus(as_text_in_orchestration)}


def binary(operator_: str, dialect: str) -> Binary:
    """Return the operator between two operands, as a dialect has it."""
    return (_IN_ORCHESTRATION if dialect == "journey_orchestration" else _BINARY)[operator_]


def _anything(_: Kind | None) -> None:
    return


def _a_list(kind: Kind | None) -> None:
    if kind is not None and not kind.is_list:
        raise Misfit(f"looks into a list, not into {kind} (A-28)")


def _has_null(value: Any, frame: Any) -> bool:
    _a_list(kind_of(value, frame))
    return value is not None and any(item is None for item in value)


def _is_of(*kinds: Kind) -> Callable[[Any, Any], bool]:
    """The test whether a value is a number of one of the types; a list is none, whatever it holds."""
    return lambda value, _: not isinstance(value, list | tuple) and kind_of(value) in kinds


TESTS = {
    "is null": Test(_anything, lambda value, _: value is None),
    "is not null": Test(_anything, lambda value, _: value is not None),
    "has null": Test(_a_list, _has_null),
    "is numeric": Test(_anything, _is_of(*NUMBERS)),
    "is integer": Test(_anything, _is_of(Kind.INTEGER)),
    "is decimal": Test(_anything, _is_of(Kind.DECIMAL)),
}


def truth_type(kind: Kind | None) -> Kind:
    """Return boolean; raises `Misfit` for a type that is not."""
    if kind not in (Kind.BOOLEAN, None):
        raise Misfit(f"takes true or false, not {kind}")
    return Kind.BOOLEAN


def truth(value: Any) -> bool:
    """Return whether a condition holds; null counts as false. Raises `Misfit` for what is no boolean."""
    if value is True:
        return True
    if value is not False and value is not None:
        truth_type(kind_of(value))
    return False


def negative_type(kind: Kind | None) -> Kind | None:
    """Return the type; raises `Misfit` for what is no number."""
    if kind is not None and kind not in NUMBERS:
        raise Misfit(f"takes a number, not {kind}")
    return kind


def negative(value: Any, _: Any) -> Any:
    """Return the number with its sign changed; null stays null."""
    kind, number = typed(value)
    negative_type(kind)
    return None if number is None else bounded(-number)
