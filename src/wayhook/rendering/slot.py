"""Slots: the places of a call that are filled per call, and the faults found while filling them. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs

from wayhook.errors import MissingValue, RenderError, UnsafeCall, Violation, WrongType
from wayhook.values import Misfit

__all__ = ["ABSENT", "Absent", "Faults", "Fill", "Slot"]

MAX_FAULTS = 100


class Absent:
    """The type of `ABSENT`."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()
"""What a slot gives when nothing at all was filled in; None is a null that was."""

Fill = Callable[[Any], Any]
"""Takes what a call is rendered from (a context, or given values) and returns the slot's value or `ABSENT`."""


@attrs.define
class Faults:
    """The faults of one rendering; `check` raises them all at once, as the narrowest error they share."""

    found: list[tuple[type[RenderError], Violation]] = attrs.Factory(list)

    @property
    def are_enough(self) -> bool:
        """Whether so many are told that nobody would read the next one."""
        return len(self.found) >= MAX_FAULTS

    def missing(self, path: str) -> None:
        """A required variable has no value."""
        self.found.append((MissingValue, Violation(path, "this variable is required; give it a value", "R147")))

    def misfit(self, path: str, misfit: Misfit) -> None:
        """A value is not of the declared type."""
        self.found.append((WrongType, Violation(path, f"it {misfit}", "R160")))

    def unsafe(self, path: str, message: str, rule: str) -> None:
        """A value would change more than its own place in the call."""
        self.found.append((UnsafeCall, Violation(path, message, rule)))

    def check(self) -> None:
        """Raise what was found, if anything was."""
        if self.found:
            kinds = {kind for kind, _ in self.found}
            kind = kinds.pop() if len(kinds) == 1 else RenderError
            raise kind(violation for _, violation in self.found)


@attrs.frozen
class Slot:
    """One place that is filled per call. `path`: names it in errors (`$.parameters.to`)."""

    path: str
    fill: Fill
    optional: bool

    def value(self, subject: Any, faults: Faults) -> Any:
        """Return the value, None for a null or an empty optional one; a missing required one is a fault."""
        value = self._filled(subject, faults)
        if value is ABSENT:
            if not self.optional:
                faults.missing(self.path)
            return None
        return None if value is _FAULTY else value

    def required(self, subject: Any, faults: Faults) -> Any:
        """Return the value where a null has no form: as `value`, but a null of a required variable is missing too."""
        value = self._filled(subject, faults)
        if value is ABSENT or value is None:
            if not self.optional:
                faults.missing(self.path)
            return None
        return None if value is _FAULTY else value

    def _filled(self, subject: Any, faults: Faults) -> Any:
        try:
            return self.fill(subject)
        except WrongType as error:
            faults.found += [(WrongType, attrs.evolve(v, path=self.path)) for v in error.violations]
            return _FAULTY


_FAULTY: Final = object()
