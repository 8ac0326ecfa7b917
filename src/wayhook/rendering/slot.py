"""Slots: the places of a call that are filled per call, and the faults found while filling them. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias, TypeVar

import attrs

from wayhook.errors import MissingValue, RenderError, UnsafeCall, Violation, WrongType
from wayhook.expression.effort import Uncounted
from wayhook.expression.expression import Expression
from wayhook.expression.fault import Fault
from wayhook.values import Misfit

__all__ = ["ABSENT", "Absent", "Faults", "Fill", "Misfits", "Part", "Slot", "Unsafe", "Write", "skeleton"]

MAX_FAULTS = 100


class Absent:
    """The type of `ABSENT`."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()
"""What a slot gives when nothing at all was filled in; None is a null that was."""


class Misfits(Misfit):
    """Parts of one value are not of their types. `found`: where each of them is below the value, and its misfit."""

    def __init__(self, found: list[tuple[str, Misfit]]) -> None:
        super().__init__(f"has {len(found)} parts of other types")
        self.found = found


class Unsafe(Exception):  # noqa: N818 - never leaves the room: it becomes an UnsafeCall with a path
    """A value would change more than its own place in the call; the text says why and what to do."""

    def __init__(self, message: str, rule: str) -> None:
        super().__init__(message)
        self.rule = rule


class Faults(list[tuple[type[RenderError], Violation]]):
    """The faults of one rendering, found one after the other and raised all at once."""

    @property
    def are_enough(self) -> bool:
        """Whether so many are told that nobody would read the next one."""
        return len(self) >= MAX_FAULTS

    def missing(self, path: str) -> None:
        """A required variable has no value."""
        self.append((MissingValue, Violation(path, "this variable is required; give it a value", "R147")))

    def misfit(self, path: str, misfit: Misfit) -> None:
        """A value, or parts of it, are not of the declared type."""
        found = misfit.found if isinstance(misfit, Misfits) else [("", misfit)]
        self += [(WrongType, Violation(path + below, f"it {each}", "R160")) for below, each in found]

    def unsafe(self, path: str, message: str, rule: str) -> None:
        """A value would change more than its own place in the call."""
        self.append((UnsafeCall, Violation(path, message, rule)))

    def error(self) -> RenderError:
        """Return all that was found, as the narrowest error that it shares."""
        kinds = {kind for kind, _ in self}
        kind = kinds.pop() if len(kinds) == 1 else RenderError
        return kind(violation for _, violation in self)


T = TypeVar("T")
N = TypeVar("N")

Write: TypeAlias = Callable[[Any, Faults], T]
"""Takes what a call is rendered from (a context, or given values) and writes one part of the call."""

Part: TypeAlias = T | Callable[[Any, Faults], T]
"""A part of a call: as it is where it never changes, else the function that writes it."""


@attrs.frozen
class Fill:
    """Where the value of a slot comes from.

    `value`: takes what a call is rendered from, and gives the value or `ABSENT`. `expression`: that it evaluates.
    `constant`: whether it is the same value for every call.
    """

    value: Callable[[Any], Any] = lambda _: ABSENT
    expression: Expression | None = None
    constant: bool = False

    def counted(self, subject: Any) -> Any:
        """Return the value of an expression that meets something large, and count its work."""
        assert self.expression is not None  # noqa: S101 - nothing else is counted
        return self.expression.counted(subject)

    @classmethod
    def of(cls, value: Any) -> Fill:
        """Return the fill for what an activity gives: an expression or a literal."""
        if isinstance(value, Expression):
            return cls(value.closure, value)
        return cls(lambda _: value, constant=True)


@attrs.frozen
class Slot:
    """One place that is filled per call. `path`: names it in errors (`$.parameters.to`)."""

    path: str
    fill: Fill
    optional: bool

    def written(self, form: Callable[[Any], T], nothing: N, *, nullable: bool = False) -> Part[T | N]:
        """Return what writes the value of this slot in its `form`; what never changes is written here, once.

        `form`: takes a value that is not null; raises `Misfit` or `Unsafe`. `nothing`: in the place of an empty
        optional value, of a null, and of a fault. `nullable`: whether a null is a value; else a required one is
        missing.
        """
        path, optional = self.path, self.optional

        def write(subject: Any, faults: Faults, value_of: Callable[[Any], Any] = self.fill.value) -> T | N:
            try:
                value = value_of(subject)
                if value is not None and value is not ABSENT:
                    return form(value)
            except Misfit as misfit:
                faults.misfit(path, misfit)
            except Unsafe as unsafe:
                faults.unsafe(path, str(unsafe), unsafe.rule)
            except Fault as fault:
                self._tell(fault, faults)
            except Uncounted:
                return write(subject, faults, self.fill.counted)
            else:
                if not optional and not (nullable and value is None):
                    faults.missing(path)
            return nothing

        if not self.fill.constant:
            return write
        faults = Faults()
        written = write(None, faults)
        return write if faults else written

    def _tell(self, fault: Fault, faults: Faults) -> None:
        assert self.fill.expression is not None  # noqa: S101 - nothing else raises it
        faults += [(WrongType, attrs.evolve(v, path=self.path)) for v in self.fill.expression.error(fault).violations]


def skeleton(parts: Iterable[Part[str]]) -> Part[str]:
    """Return the text of parts one after the other; those side by side that never change are joined here, once."""
    texts, writes = [""], list[Write[str]]()
    for part in parts:
        if isinstance(part, str):
            texts[-1] += part
        else:
            writes.append(part)
            texts.append("")
    return writes[0] if len(writes) == 1 and not any(texts) else _alternating(texts, writes)


def _alternating(texts: list[str], writes: list[Write[str]]) -> Part[str]:
    """Texts with what is written between them: up to four by name, since a loop costs as much as what it would call."""
    match writes, texts:
        case [], [t]:
            return t
        case [a], [t, u]:
            return lambda subject, faults: f"{t}{a(subject, faults)}{u}"
        case [a, b], [t, u, v]:
            return lambda subject, faults: f"{t}{a(subject, faults)}{u}{b(subject, faults)}{v}"
        case [a, b, c], [t, u, v, w]:
            return lambda subject, faults: f"{t}{a(subject, faults)}{u}{b(subject, faults)}{v}{c(subject, faults)}{w}"
        case [a, b, c, d], [t, u, v, w, x]:
            return lambda subject, faults: (
                f"{t}{a(subject, faults)}{u}{b(subject, faults)}{v}{c(subject, faults)}{w}{d(subject, faults)}{x}"
            )
    half = len(writes) // 2
    return skeleton([_alternating([*texts[:half], ""], writes[:half]), _alternating(texts[half:], writes[half:])])
