"""Documents of others: opened within bounds, and read place by place. No I/O."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import attrs

from wayhook.errors import DefinitionError, DocumentError, Violation
from wayhook.formats.foreign.intake import Intake, shown
from wayhook.jsonvalue import is_unicode, parse_json

__all__ = ["MAX_DEPTH", "MAX_PARTS", "MAX_SIZE", "Node", "opened"]

MAX_SIZE = 20_000_000
MAX_DEPTH = 100
MAX_PARTS = 1_000_000
_NAME = 60


def opened(document: object, what: str, read_text: Callable[[str | bytes], Any] | None = None) -> dict[str, Any]:
    """Return a document, given as text or parsed, as dicts, lists and JSON scalars.

    `what`: what it is to be, in words. `read_text`: reads a text of another language than JSON.
    At most 20,000,000 characters, 100 levels and 1,000,000 parts. Raises `DocumentError` with every fault.
    """
    if isinstance(document, str | bytes):
        if len(document) > MAX_SIZE:
            raise DocumentError([Violation("$", f"a document has at most {MAX_SIZE:,} characters; give a part of it")])
        text = document.removeprefix("\ufeff") if isinstance(document, str) else document
        try:
            document = (read_text or _json)(text)
        except DefinitionError as error:
            raise DocumentError(error.violations) from None
    if not isinstance(document, Mapping):
        raise DocumentError([Violation("$", f"{what} is an object, or its text, not {shown(document)}")])
    copy = _Copy()
    found = copy.of(document, "$", 0)
    if copy.faults:
        raise DocumentError(copy.faults)
    return found  # type: ignore[no-any-return]  # a dict, as of a mapping


def _json(text: str | bytes) -> Any:
    return parse_json(text, depth=MAX_DEPTH)


@attrs.define
class _Copy:
    """The copy of a document, which counts its parts: one that holds itself has too many levels."""

    parts: int = 0
    faults: list[Violation] = attrs.Factory(list)

    def of(self, value: Any, path: str, depth: int) -> Any:
        self.parts += 1
        if depth > MAX_DEPTH or self.parts > MAX_PARTS:
            most = f"{MAX_DEPTH} levels" if depth > MAX_DEPTH else f"{MAX_PARTS:,} parts"
            raise DocumentError([Violation("$", f"a document has at most {most}; give a part of it")])
        if isinstance(value, Mapping):
            return {self.name(name, path): self.of(below, step(path, name), depth + 1) for name, below in value.items()}
        if isinstance(value, list | tuple):
            return [self.of(below, f"{path}[{i}]", depth + 1) for i, below in enumerate(value)]
        return self.scalar(value, path)

    def name(self, name: Any, path: str) -> str:
        if isinstance(name, str) and is_unicode(name):
            return name
        if type(name) is int:  # `200:` of a YAML, where it was read by somebody else
            return str(name)
        self.faults.append(Violation(path, "the names of an object are texts of Unicode characters"))
        return ""

    def scalar(self, value: Any, path: str) -> Any:
        kind = type(value)
        if value is None or kind is bool or (kind is str and is_unicode(value)):
            return value
        if kind is int and value.bit_length() <= 1024:  # noqa: PLR2004 - a double's range
            return value
        if (kind is float and math.isfinite(value)) or (kind is Decimal and value.is_finite()):
            return float(value)
        if isinstance(value, date):  # of a YAML, where it was read by somebody else
            return value.isoformat()
        what = "a text with half a surrogate pair" if isinstance(value, str) else shown(value)
        self.faults.append(Violation(path, f"{what} is no JSON value"))
        return None


def step(path: str, name: object) -> str:
    """Return the path of a field below another."""
    return f"{path}.{str(name)[:_NAME]}"


@attrs.frozen(eq=False)
class Node:
    """One place of a document: its value, its path, and the intake that is told what is wrong with it."""

    value: Any
    path: str
    intake: Intake

    @property
    def is_there(self) -> bool:
        """Whether there is anything, a null aside."""
        return self.value is not None

    @property
    def is_object(self) -> bool:
        """Whether it has fields."""
        return isinstance(self.value, dict)

    @property
    def nothing(self) -> Node:
        """The same place with nothing there."""
        return Node(None, self.path, self.intake)

    def at(self, name: str) -> Node:
        """Return the place of a field; of nothing where this is no object, or has no such field."""
        value = self.value.get(name) if isinstance(self.value, dict) else None
        return Node(value, step(self.path, name), self.intake)

    def object(self, name: str) -> Node:
        """Return the object of a field, which may be missing; tells one that is something else."""
        found = self.at(name)
        return found if found.is_object or not found.is_there else found.refuse("an object")

    def text(self, name: str, default: str = "") -> str:
        """Return the text of a field, or the default where it is missing; tells one that is something else."""
        found = self.at(name)
        if found.is_there and not isinstance(found.value, str):
            found.refuse("a text")
        return found.value if isinstance(found.value, str) else default

    def flag(self, name: str) -> bool:
        """Return whether a field is true; tells one that is neither true nor false."""
        found = self.at(name)
        if found.is_there and not isinstance(found.value, bool):
            found.refuse("true or false")
        return found.value is True

    def each(self, name: str) -> list[Node]:
        """Return the items of an array, none where it is missing; tells what is no array."""
        found = self.at(name)
        if found.is_there and not isinstance(found.value, list):
            found.refuse("an array")
        items = found.value if isinstance(found.value, list) else ()
        return [Node(item, f"{found.path}[{i}]", self.intake) for i, item in enumerate(items)]

    def fields(self) -> Iterator[tuple[str, Node]]:
        """Yield the fields of an object by their names; none of what is none."""
        for name in self.value if isinstance(self.value, dict) else ():
            yield name, self.at(name)

    def refuse(self, wanted: str) -> Node:
        """Tell that something else belongs here, and return a place of nothing."""
        self.intake.fault(self.path, f"{wanted} belongs here, not {shown(self.value)}")
        return self.nothing

    def leave_out(self, what: str, why: str) -> None:
        """Tell that this place, called `what`, is not carried over."""
        self.intake.leave_out(self.path, what, why)
