"""Function: one row of the table of functions, with its signatures and what null does to it. No I/O.

A signature is written as `string, zone -> dateTime`. Its words are the types of the language and

* `T`: any type of a single value but `object`, the same wherever it stands; `listT`: a list of it,
* `name`, `zone`: a text that stands there as a constant; a zone names one, such as Europe/Paris,
* `pattern`: a text that is a regular expression; `part`: one that names a part of a date, such as days.

`journey_optimizer:` before it means that only that product has it (`journey_orchestration:` likewise).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs

from wayhook.expression.effort import looking
from wayhook.expression.moment import PARTS, zone
from wayhook.expression.pattern import pattern
from wayhook.expression.type import SCALARS, ExpressionType, fits, list_of, widened
from wayhook.values import Misfit

__all__ = ["PASSED", "Function", "Parameter", "Plan", "Signature", "function", "part"]

LENIENT = "lenient"


class _Passed:
    """The type of `PASSED`."""

    def __repr__(self) -> str:
        return "PASSED"


PASSED: Final = _Passed()
"""What `null` of a function is when nulls are passed on to it."""


def part(text: str) -> str:
    """Return the name of a part of a date; raises `Misfit` for any other text."""
    if text not in PARTS:
        raise Misfit(f"takes one of {', '.join(PARTS)}")
    return text


_ROLES: dict[str, Callable[[str, Any], Any] | None] = {
    "name": None,
    "zone": lambda text, _: zone(text),
    "pattern": pattern,
    "part": lambda text, _: part(text),
}
_CONSTANTS = ("name", "zone")


@attrs.frozen
class Parameter:
    """What a function takes in one place. `role`: `name`, `zone`, `pattern`, `part`; "" for any value of the type."""

    type: ExpressionType
    role: str = ""

    @property
    def is_constant(self) -> bool:
        """Whether a text in quotes must stand there."""
        return self.role in _CONSTANTS

    def check(self, text: str, frame: Any) -> None:
        """Raise `Misfit` if the text cannot be used here; `frame` pays."""
        role = _ROLES.get(self.role)
        if role is not None:
            role(text, frame)


@attrs.frozen
class Signature:
    """What a function takes and gives. `dialect`: the only product that has it, or ""."""

    parameters: tuple[Parameter, ...]
    result: ExpressionType
    dialect: str = ""

    def fits(self, kinds: tuple[ExpressionType | None, ...], *, widening: bool) -> bool:
        """Whether arguments of these types may be given; None: not known."""
        return len(kinds) == len(self.parameters) and all(
            fits(kind, parameter.type, widening=widening)
            for kind, parameter in zip(kinds, self.parameters, strict=True)
        )


@attrs.frozen
class Plan:
    """How arguments of certain types are taken: `result` (None: several are possible), and which become decimals."""

    result: ExpressionType | None
    widens: tuple[bool, ...]
    signature: Signature
    is_widening: bool = attrs.field(
        init=False, default=attrs.Factory(lambda self: True in self.widens, takes_self=True)
    )

    def taken(self, values: list[Any]) -> list[Any]:
        """Return the arguments as the function takes them."""
        if not self.is_widening:
            return values
        return [widened(value) if widens else value for value, widens in zip(values, self.widens, strict=True)]


@attrs.frozen(eq=False)
class Function:
    """A function of the language.

    `null`: what it gives as soon as an argument is null, or `PASSED`. `reads_context`: whether `compute` takes the
    context first. `dialect`: the only product that has it, or "". `stated`: its signatures as they are written.
    `elsewhere`: what computes it in a dialect that differs. `work`: how much work a call with certain arguments is,
    None where that is always little. `counts`: whether `compute` takes the frame of the evaluation first, and pays
    while it works.
    """

    name: str
    group: str
    stated: tuple[str, ...]
    signatures: tuple[Signature, ...]
    compute: Callable[..., Any]
    meaning: str
    example: str
    null: Any = None
    reads_context: bool = False
    dialect: str = ""
    elsewhere: Mapping[str, Callable[..., Any]] = attrs.field(factory=dict)
    work: Callable[..., int] | None = None
    counts: bool = False
    _plans: dict[Any, Plan] = attrs.field(factory=dict, repr=False)

    @property
    def takes_frame(self) -> bool:
        """Whether `compute` takes the context, or the frame of the evaluation, first."""
        return self.reads_context or self.counts

    def in_dialect(self, dialect: str) -> Function:
        """Return the function as a dialect has it."""
        compute = self.elsewhere.get(dialect)
        return self if compute is None else attrs.evolve(self, compute=compute)

    @property
    def result(self) -> ExpressionType | None:
        """What it gives, whatever the arguments; None where that depends on them."""
        results = {signature.result for signature in self.signatures}
        return results.pop() if len(results) == 1 else None

    def plan(self, kinds: tuple[ExpressionType | None, ...], dialect: str = LENIENT) -> Plan:
        """Return how arguments of these types are taken; raises `Misfit` where they cannot be."""
        found = self._plans.get((kinds, dialect))
        if found is None:
            found = self._plans[kinds, dialect] = self._plan(kinds, dialect)
        return found

    def _plan(self, kinds: tuple[ExpressionType | None, ...], dialect: str) -> Plan:
        there = self._of(dialect)
        arities = sorted({len(signature.parameters) for signature in there})
        if len(kinds) not in arities:
            raise Misfit(f"takes {_counted(arities)}, not {len(kinds)}")
        fitting = [signature for signature in there if signature.fits(kinds, widening=False)]
        if not fitting and dialect == LENIENT:
            fitting = [signature for signature in there if signature.fits(kinds, widening=True)]
        if not fitting:
            given = ", ".join("…" if kind is None else kind for kind in kinds)
            raise Misfit(f"takes {self._told(dialect, len(kinds))}, not ({given})")
        results = {signature.result for signature in fitting}
        widens = tuple(
            kind is not None and kind is not parameter.type and kind is not ExpressionType.LIST
            for kind, parameter in zip(kinds, fitting[0].parameters, strict=True)
        )
        return Plan(results.pop() if len(results) == 1 else None, widens, fitting[0])

    def _of(self, dialect: str) -> list[Signature]:
        return [each for each in self.signatures if dialect == LENIENT or each.dialect in ("", dialect)]

    def _told(self, dialect: str, arity: int) -> str:
        """The signatures of so many parameters, as they are written."""
        words = [stated.rpartition(": ")[2].partition(" -> ")[0] for stated in self.stated if _is_for(stated, dialect)]
        wanted = [word for word in words if len([w for w in word.split(", ") if w]) == arity]
        return " or ".join(f"({word})" for word in wanted)


def _is_for(stated: str, dialect: str) -> bool:
    only, _, _ = stated.rpartition(": ")
    return dialect == LENIENT or only in ("", dialect)


def _counted(arities: list[int]) -> str:
    if arities == [0]:
        return "no arguments"
    several = f"{arities[0]} to {arities[-1]}" if len(arities) > 1 else str(arities[0])
    return f"{several} argument{'' if arities == [1] else 's'}"


def function(
    name: str,
    *stated: str,
    example: str,
    null: Any = None,
    reads_context: bool = False,
    dialect: str = "",
    elsewhere: Mapping[str, Callable[..., Any]] | None = None,
    work: Callable[..., int] | None = None,
    counts: bool = False,
) -> Callable[[Callable[..., Any]], Function]:
    """Make a `Function` of the Python function below; its docstring becomes the meaning."""

    def made(compute: Callable[..., Any]) -> Function:
        signatures = tuple(signature for text in stated for signature in _signatures(text))
        return Function(
            name,
            compute.__module__.rpartition(".")[2],
            stated,
            signatures,
            compute,
            " ".join((compute.__doc__ or "").split()),
            example,
            null,
            reads_context,
            dialect,
            elsewhere or {},
            work or (looking if any(map(_has_size, signatures)) else None),
            counts,
        )

    return made


def _has_size(signature: Signature) -> bool:
    """Whether it takes texts or lists, which may be long."""
    return any(parameter.type is ExpressionType.STRING or parameter.type.is_list for parameter in signature.parameters)


def _signatures(stated: str) -> Iterator[Signature]:
    """The signatures that a text stands for: one for each type of `T`."""
    dialect, _, text = stated.rpartition(": ")
    taken, _, result = text.partition("-> ")
    words = [word.strip() for word in taken.split(",") if word.strip()]
    for kind in SCALARS if "T" in (*words, result) or "listT" in (*words, result) else (ExpressionType.OBJECT,):
        types = {"T": kind, "listT": list_of(kind) or kind}
        parameters = tuple(_parameter(word, types) for word in words)
        yield Signature(parameters, types.get(result) or ExpressionType(result), dialect)


def _parameter(word: str, types: dict[str, ExpressionType]) -> Parameter:
    if word in _ROLES:
        return Parameter(ExpressionType.STRING, word)
    return Parameter(types.get(word) or ExpressionType(word))
