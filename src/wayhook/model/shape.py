"""Shape: what is checked when a value is made, all of it at once. No I/O.

A converter brings what is given into the one form that a field has, and leaves alone what it cannot bring there;
`shape_faults` of the class then says what is wrong with it, beside everything else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from wayhook.errors import DefinitionError, Violation
from wayhook.jsonvalue import json_form

NAME_LIMIT = 30

__all__ = [
    "Shaped",
    "as_pairs",
    "as_set",
    "as_tuple",
    "as_word",
    "copy_name",
    "pair_faults",
    "require_names",
    "type_fault",
]

_Item = TypeVar("_Item")
_Word = TypeVar("_Word", bound=StrEnum)


class Shaped:
    """A value that is checked when it is made; `DefinitionError` holds every fault."""

    __slots__ = ()

    def __attrs_post_init__(self) -> None:
        faults = list(self.shape_faults())
        if faults:
            raise DefinitionError(faults)

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is wrong with the parts and how they fit together."""
        return iter(())


def as_tuple(given: Iterable[_Item]) -> tuple[_Item, ...]:
    """Return a sequence as a tuple, and what is none as it is."""
    return tuple(given) if _is_sequence(given) else given  # type: ignore[return-value]  # told by shape_faults


def as_set(given: Iterable[_Item]) -> frozenset[_Item]:
    """Return a collection as a frozen set, and what is none as it is."""
    try:
        return frozenset(given) if _is_sequence(given) else given  # type: ignore[return-value]
    except TypeError:
        return given  # type: ignore[return-value]  # an item cannot stand in a set: told by shape_faults


def as_word(kind: type[_Word], given: _Word | str) -> _Word:
    """Return the member of `kind` that a text names, and what names none as it is."""
    try:
        return kind(given) if isinstance(given, str) else given
    except ValueError:
        return given  # type: ignore[return-value]  # told by shape_faults


def as_pairs(given: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> tuple[tuple[str, Any], ...]:
    """Return a mapping, or a sequence of pairs, as a tuple of pairs with their values in JSON form.

    What is neither is returned as it is.
    """
    if isinstance(given, Mapping):
        return tuple((name, json_form(value)) for name, value in given.items())
    if not _is_sequence(given):
        return given  # type: ignore[return-value]  # told by shape_faults
    return tuple((pair[0], json_form(pair[1])) if _is_pair(pair) else pair for pair in given)


def _is_pair(given: object) -> bool:
    return isinstance(given, tuple | list) and len(given) == 2  # noqa: PLR2004 - a name and a value


def _is_sequence(given: object) -> bool:
    return isinstance(given, Iterable) and not isinstance(given, str | bytes | Mapping)


def copy_name(name: str, taken: Collection[str]) -> str:
    """Return `<name>_Copy`, or with the first number that makes it none of `taken`, cut to 30 characters (R26).

    Raises as `require_names`.
    """
    require_names(taken, "$.taken")
    for number in range(1, len(taken) + 2):
        suffix = "_Copy" if number == 1 else f"_Copy{number}"
        copy = name[: NAME_LIMIT - len(suffix)] + suffix
        if copy not in taken:
            break
    return copy


def require_names(given: object, path: str, rule: str = "") -> None:
    """Raise `DefinitionError` for what is no collection of names; a text is one name, not many."""
    if not isinstance(given, Collection) or isinstance(given, str | bytes):
        message = f"a collection of names belongs here, not {type(given).__name__}"
        raise DefinitionError([Violation(path, message, rule)])


def type_fault(
    value: object, kind: type | tuple[type, ...], path: str, wanted: str, rule: str = ""
) -> Iterator[Violation]:
    """Yield one violation when `value` is not of `kind`: "`wanted` belongs here, not …"."""
    if not isinstance(value, kind) or (isinstance(value, bool) and kind in (int, float, (int, float))):
        found = "null" if value is None else type(value).__name__
        yield Violation(path, f"{wanted} belongs here, not {found}", rule)


def pair_faults(pairs: object, path: str) -> Iterator[Violation]:
    """Yield what is wrong with the pairs that `as_pairs` gave: no pairs, a name that is no text, a name twice."""
    if not isinstance(pairs, tuple):
        yield Violation(path, f"a mapping belongs here, not {type(pairs).__name__}")
        return
    seen = set()
    for pair in pairs:
        if not _is_pair(pair):
            yield Violation(path, "a mapping, or pairs of a name and a value, belong here")
        elif not isinstance(pair[0], str):
            yield Violation(path, f"a name is text, not {type(pair[0]).__name__}")
        elif pair[0] in seen:
            yield Violation(f"{path}.{pair[0]}", "this name is given twice; keep one")
        else:
            seen.add(pair[0])
