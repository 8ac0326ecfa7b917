"""What may be kept: the judgement that every repository asks for before it writes or deletes. No I/O.

An adapter looks the records up and writes what is decided here, in one step that nobody else comes between.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from enum import StrEnum
from typing import Any, Generic, TypeVar

import attrs

from wayhook.errors import Conflict, DefinitionError, ExpressionError, NotFound, StillInUse, Violation
from wayhook.expression.expression import Expression
from wayhook.jsonvalue import is_unicode, json_fault
from wayhook.model.action import Action
from wayhook.model.guardrail import Guardrails
from wayhook.model.journey import Journey
from wayhook.model.rule import change_violations, violations
from wayhook.secret import LiteralSecret, SecretReference

__all__ = ["Kept", "Stored", "admit", "admit_deletion", "is_name", "kind_of", "page_bounds", "storing_violations"]

MAX_PAGE = 1000

Kept = TypeVar("Kept", Action, Journey)
Kept_co = TypeVar("Kept_co", bound=Action | Journey, covariant=True)


@attrs.frozen
class Stored(Generic[Kept_co]):
    """A value as it is kept, and its version: 1 when first saved, one more with every save."""

    value: Kept_co
    version: int


def kind_of(value: type[Action | Journey] | Action | Journey) -> str:
    """Return the word for the kind of a value or class: `action` or `journey`.

    Raises `DefinitionError` for anything else, which no repository keeps.
    """
    kind = value if isinstance(value, type) else type(value)
    if kind not in _KINDS:
        raise DefinitionError([Violation("$", f"an Action or a Journey is kept, not {kind.__name__}")])
    return _KINDS[kind]


_KINDS: dict[type, str] = {Action: "action", Journey: "journey"}


def is_name(name: object) -> bool:
    """Whether something can be kept under `name` at all: Unicode text."""
    return isinstance(name, str) and is_unicode(name)


def page_bounds(cursor: str | None, limit: int) -> tuple[str, int]:
    """Return where a page begins (after this name) and how long it is.

    Raises `DefinitionError` for a limit outside of 1 to 1000 and a cursor that is no text.
    """
    faults = []
    if type(limit) is not int or not 1 <= limit <= MAX_PAGE:
        faults.append(Violation("$.limit", f"a page has 1 to {MAX_PAGE} values"))
    if cursor is not None and not is_name(cursor):
        faults.append(Violation("$.cursor", "a cursor is the text that the page before gave"))
    if faults:
        raise DefinitionError(faults)
    return cursor or "", limit


def admit(
    value: Action | Journey,
    old: Stored[Any] | None,
    twin: Stored[Any] | None,
    users: Collection[Stored[Journey]],
    *,
    expected_version: int | None,
    renamed_from: str | None,
    guardrails: Guardrails,
) -> tuple[int, tuple[Stored[Journey], ...]]:
    """Return the version of the save, and the journeys to be saved along because their action is renamed.

    `old`: the record under the name that the value has now, or had before. `twin`: the record under the new name
    of a renamed value. `users`: the journeys that use the old action. The rest as in `Repository.save`.
    Raises `NotFound`, `Conflict`, or `DefinitionError` with every reason why the value may not be saved.
    """
    name = renamed_from or value.name
    if not isinstance(guardrails, Guardrails):
        raise DefinitionError([Violation("$.guardrails", "guardrails are an edition, such as Guardrails.standard()")])
    if renamed_from is not None and old is None:
        raise NotFound(kind_of(value), name)
    if twin is not None and name != value.name:
        raise Conflict(kind_of(value), value.name, 0, twin.version)
    found = old.version if old else 0
    if expected_version is not None and expected_version != found:
        raise Conflict(kind_of(value), name, expected_version, found)
    renamed, rename_faults = _renamed(value, name, users)
    faults = [*violations(value, guardrails=guardrails), *rename_faults]
    told = {fault.path for fault in faults}
    faults += [fault for fault in storing_violations(value) if fault.path not in told]
    if isinstance(value, Action) and old is not None:
        faults += change_violations(old.value, value, [user.value for user in users])
    if faults:
        raise DefinitionError(faults)
    return found + 1, renamed


def _renamed(
    value: Action | Journey, name: str, users: Collection[Stored[Journey]]
) -> tuple[tuple[Stored[Journey], ...], tuple[Violation, ...]]:
    """The journeys that follow an action to its new name, and why some cannot."""
    if not isinstance(value, Action) or name == value.name:
        return (), ()
    followed, faults = [], []
    for user in users:
        try:
            followed.append(Stored(user.value.renaming_action(name, value.name), user.version + 1))
        except ExpressionError as error:
            faults.append(Violation("$.name", f"an expression of {user.value.name} cannot follow: {error.message}"))
    return tuple(followed), tuple(faults)


def admit_deletion(
    kind: type[Action | Journey],
    name: str,
    old: Stored[Any] | None,
    users: Collection[str],
    expected_version: int | None,
) -> None:
    """Raise what stands against a deletion: `NotFound`, `Conflict`, `StillInUse` (R28), or being built in (R27)."""
    if old is None:
        raise NotFound(kind_of(kind), name)
    if expected_version is not None and expected_version != old.version:
        raise Conflict(kind_of(kind), name, expected_version, old.version)
    if isinstance(old.value, Action) and old.value.built_in:
        raise DefinitionError([Violation("$", "a built-in action cannot be deleted", "R27")])
    if kind is Action and users:
        raise StillInUse(name, tuple(users))


def storing_violations(value: Action | Journey, *, literal_secrets_allowed: bool = False) -> Iterator[Violation]:
    """Yield what of a definition cannot be kept: literal secrets, and values that JSON does not have."""
    for path, leaf in _leaves(value, "$"):
        if isinstance(leaf, LiteralSecret):
            if not literal_secrets_allowed:
                yield Violation(path, "a literal secret is not stored; use wayhook.secret('env:NAME')")
        elif not isinstance(leaf, Expression | SecretReference) and (fault := json_fault(leaf)) is not None:
            yield Violation(path + fault[0], f"{fault[1]}; only JSON values can be stored")


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every part of a definition that has no parts of its own, JSON values as a whole, with its path."""
    if attrs.has(type(value)) and not isinstance(value, Expression | SecretReference):
        for field in attrs.fields(type(value)):
            yield from _leaves(getattr(value, field.name), f"{path}.{field.name}")
    elif isinstance(value, tuple) and value and all(_is_pair(item) for item in value):
        for name, below in value:
            yield f"{path}.{name}", name
            yield f"{path}.{name}", below
    elif isinstance(value, tuple):
        for i, item in enumerate(value):
            yield from _leaves(item, f"{path}[{i}]")
    else:
        yield path, str(value) if isinstance(value, StrEnum) else value


def _is_pair(item: object) -> bool:
    return isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str)  # noqa: PLR2004
