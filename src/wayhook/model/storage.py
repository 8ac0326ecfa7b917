"""What may be kept: the judgement that every repository asks for before it writes or deletes. No I/O.

An adapter shows what it keeps as a `Shelf`, gets a `Change` back, and carries it out in one step that nobody else
comes between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from operator import attrgetter
from typing import Any

import attrs

from wayhook.errors import Conflict, DefinitionError, ExpressionError, NotFound, StillInUse, Violation
from wayhook.expression.expression import Expression
from wayhook.jsonvalue import json_fault
from wayhook.model.action import Action
from wayhook.model.authentication import ConnectionReference
from wayhook.model.capping import CappingConfiguration
from wayhook.model.connection import Connection
from wayhook.model.guardrail import Guardrails, edition_of
from wayhook.model.journey import Journey, JourneyStatus
from wayhook.model.publication import publication_violations
from wayhook.model.record import Change, Definition, Edit, Shelf, Stored, is_name, kind_of, uses
from wayhook.model.revision import entering, revision_violations
from wayhook.model.rule import binding_violations, change_violations, violations
from wayhook.model.throttling import ThrottlingConfiguration
from wayhook.model.token import holds_secrets
from wayhook.secret import Base64, LiteralSecret, SecretReference, SecretText
from wayhook.values import DataType, Misfit, conform

__all__ = ["admit", "admit_deletion", "storing_violations"]

_LONGEST_AUTHOR = 200


def admit(
    shelf: Shelf,
    values: Sequence[Definition],
    *,
    expected_version: int | None,
    renamed_from: str | None,
    guardrails: Guardrails,
    new_uid: Callable[[], str],
    by: str = "",
    now: datetime | None = None,
) -> Change:
    """Return what a save of `values` changes, users of a renamed value included; the first stands first.

    The arguments are those of `Repository.save`; `new_uid` makes an identifier that no record has; `now`: when it is
    saved, None where the repository does not tell. A record is never saved before it was saved before.
    Raises `NotFound`, `Conflict`, or `DefinitionError` with every reason why the values may not be saved; where
    there are several, each path begins with the place of its value, such as `$[1].name`.
    """
    edition_of(guardrails)
    _require_version(expected_version)
    _require_author(by)
    if not values:
        raise DefinitionError([Violation("$", "give at least one value to save")])
    if len(values) > 1 and renamed_from is not None:
        raise DefinitionError([Violation("$.renamed_from", "one value is renamed at a time; save it alone")])
    saving = _Saving(shelf, guardrails, new_uid, by, now)
    for i, value in enumerate(values):
        kind_of(value)
        place = f"$[{i}]" if len(values) > 1 else "$"
        saving.take(value, place, expected_version, renamed_from)
    for i, value in enumerate(values):
        saving.judge(value, f"$[{i}]" if len(values) > 1 else "$")
    if saving.faults:
        raise DefinitionError(saving.faults)
    return Change(tuple(saving.written.values()), tuple(saving.removed), tuple(saving.edits()))


@attrs.define
class _Saving:
    """A save while it is judged: a shelf on which the new values stand already, and what is wrong with them."""

    shelf: Shelf
    guardrails: Guardrails
    new_uid: Callable[[], str]
    by: str
    now: datetime | None
    written: dict[tuple[type[Any], str], Stored[Any]] = attrs.Factory(dict)
    removed: list[tuple[type[Any], str]] = attrs.Factory(list)
    faults: list[Violation] = attrs.Factory(list)
    _before: dict[tuple[type[Any], str], Stored[Any] | None] = attrs.Factory(dict)

    def find(self, kind: type[Any], name: str) -> Stored[Any] | None:
        if (kind, name) in self.written:
            return self.written[kind, name]
        return None if (kind, name) in self.removed else self.shelf.find(kind, name)

    def users(self, kind: type[Any], name: str) -> Iterable[Stored[Any]]:
        new = {key: stored for key, stored in self.written.items() if (kind, name) in uses(stored.value)}
        old = (stored for stored in self.shelf.users(kind, name) if _key(stored.value) not in self.written)
        return sorted((*new.values(), *old), key=lambda stored: (kind_of(stored.value), stored.value.name))

    def every(self, kind: type[Any]) -> Iterable[Stored[Any]]:
        yield from (stored for key, stored in self.written.items() if key[0] is kind)
        for stored in self.shelf.every(kind):
            if _key(stored.value) not in self.written and _key(stored.value) not in self.removed:
                yield stored

    def take(self, value: Definition, place: str, expected_version: int | None, renamed_from: str | None) -> None:
        """Put one value in its place; raises `NotFound` and `Conflict`."""
        kind, name = type(value), renamed_from or value.name
        if _key(value) in self._before:
            self.faults.append(Violation(f"{place}.name", f"two values are named {value.name!r}; save one of them"))
            return
        old = self.find(kind, name) if is_name(name) else None
        if renamed_from is not None and old is None:
            raise NotFound(kind_of(value), name)
        if name != value.name and (twin := self.find(kind, value.name)) is not None:
            raise Conflict(kind_of(value), value.name, 0, twin.version)
        found = old.version if old else 0
        if expected_version is not None and expected_version != found:
            raise Conflict(kind_of(value), name, expected_version, found)
        if name != value.name:
            self.removed.append((kind, name))
        uid = old.uid if old else self.new_uid()
        self.written[_key(value)] = Stored(value, found + 1, uid, _not_before(old, self.now), self.by)
        self._before[_key(value)] = old
        if name != value.name:
            self._rename_users(value, name, place)

    def _rename_users(self, value: Definition, old: str, place: str) -> None:
        """Let what uses a renamed value follow to the new name (R16)."""
        for user in self.shelf.users(type(value), old):
            try:
                followed = _following(user.value, old, value.name)
            except ExpressionError as error:
                message = f"an expression of {user.value.name} cannot follow: {error.message}"
                self.faults.append(Violation(f"{place}.name", message))
            else:
                saved = _not_before(user, self.now)
                self.written[_key(followed)] = Stored(followed, user.version + 1, user.uid, saved, self.by)

    def edits(self) -> Iterator[Edit[Any]]:
        """The steps that the save adds to the history."""
        for key, stored in self.written.items():
            old = self._before.get(key)
            renamed = old is not None and old.value.name != stored.value.name
            yield Edit("created" if stored.version == 1 else "renamed" if renamed else "changed", stored)

    def judge(self, value: Definition, place: str) -> None:
        """Find what stands against a value where it now stands."""
        faults = list(violations(value, guardrails=self.guardrails))
        told = {fault.path for fault in faults}
        faults += [fault for fault in storing_violations(value) if fault.path not in told]
        old = self._before[_key(value)]
        if isinstance(value, Action) and old is not None:
            users = [user.value for user in self.shelf.users(Action, old.value.name)]
            faults += change_violations(old.value, value, users)
        if isinstance(value, Action):
            faults += self._connection_faults(value)
        if isinstance(value, Connection):
            for user in self.users(Connection, value.name):
                for fault in binding_violations(user.value, value):
                    path = fault.path if fault.path == "$.authentication" else "$.hosts"
                    faults.append(attrs.evolve(fault, path=path))
        if isinstance(value, Journey):
            faults += self.life_violations(value, old.value if old else None)
        if isinstance(value, ThrottlingConfiguration):
            faults += self._twin_violations(value)
        blocking = dict.fromkeys(fault for fault in faults if not fault.warning)
        self.faults += [attrs.evolve(fault, path=place + fault.path.removeprefix("$")) for fault in blocking]

    def life_violations(self, journey: Journey, old: Journey | None) -> Iterator[Violation]:
        """What of its life so far, and of its publication, stands against keeping a journey so (R284 to R302)."""
        yield from revision_violations(old, journey)
        for path, version in entering(old, journey):
            found = (self.find(Action, name) for name in version.actions)
            actions = [stored.value for stored in found if stored is not None]
            for fault in publication_violations(version, actions, guardrails=self.guardrails):
                yield attrs.evolve(fault, path=path + fault.path.removeprefix("$"))
        yield from self._too_many_live(journey, old)

    def _too_many_live(self, journey: Journey, old: Journey | None) -> Iterator[Violation]:
        """One journey more than may be live at once, each counted once whatever its versions (R299)."""
        rails = self.guardrails
        if rails.live_journeys is None or not _is_live(journey, rails) or (old is not None and _is_live(old, rails)):
            return
        live = sum(_is_live(stored.value, rails) for stored in self.every(Journey))
        if live > rails.live_journeys:
            message = f"{rails.live_journeys} journeys are live already; close or stop one of them first"
            yield Violation("$.status", message, "R299")

    def _twin_violations(self, value: ThrottlingConfiguration) -> Iterator[Violation]:
        """Yield a fault when the organization has another throttling configuration (R265)."""
        for stored in self.every(ThrottlingConfiguration):
            if stored.value.org_id == value.org_id and stored.value.uid != value.uid:
                message = f"the organization has the throttling configuration {stored.value.uid!r}; change that one"
                yield Violation("$", message, "R265", "1465")

    def _connection_faults(self, action: Action) -> Iterator[Violation]:
        """What is wrong with the connection that an action names."""
        for kind, name in uses(action):
            stored = self.find(kind, name)
            if stored is None:
                yield Violation("$.authentication", f"there is no connection {name!r}; save it first, or along")
            else:
                yield from binding_violations(action, stored.value)


def _is_live(journey: Journey, rails: Guardrails) -> bool:
    return any(version.status in rails.live_statuses for version in journey.versions)


def _following(user: Definition, old: str, new: str) -> Definition:
    """The user of a renamed value, with the new name."""
    if isinstance(user, Journey):
        return user.renaming_action(old, new)
    return attrs.evolve(user, authentication=ConnectionReference(new)) if isinstance(user, Action) else user


def _key(value: Definition) -> tuple[type[Any], str]:
    return type(value), value.name


def admit_deletion(
    shelf: Shelf,
    kind: type[Definition],
    name: str,
    *,
    expected_version: int | None,
    force: bool = False,
    by: str = "",
    now: datetime | None = None,
) -> Change:
    """Return what a deletion changes, or raise what stands against it; the arguments are those of `Repository.delete`.

    `NotFound`, `Conflict`, `StillInUse` (R28), or `DefinitionError` for a built-in action (R27), for a journey with a
    version that is neither Draft nor Finished (R294) and, unless it is forced, for a configuration that is deployed
    (R255, R272). `now` as in `admit`.
    """
    _require_version(expected_version)
    _require_author(by)
    old = shelf.find(kind, name) if is_name(name) else None
    if old is None:
        raise NotFound(kind_of(kind), name)
    if expected_version is not None and expected_version != old.version:
        raise Conflict(kind_of(kind), name, expected_version, old.version)
    if isinstance(old.value, Action) and old.value.built_in:
        raise DefinitionError([Violation("$", "a built-in action cannot be deleted", "R27")])
    if isinstance(old.value, Journey) and (unfinished := tuple(_unfinished(old.value))):
        raise DefinitionError(unfinished)
    is_limit = isinstance(old.value, CappingConfiguration | ThrottlingConfiguration)
    if is_limit and not force and (faults := tuple(old.value.deletion_violations())):
        raise DefinitionError(faults)
    if users := tuple(user.value.name for user in shelf.users(kind, name)):
        raise StillInUse(kind_of(kind), name, users)
    deleted = attrs.evolve(old, saved=_not_before(old, now), by=by)
    return Change((), ((kind, name),), (Edit("deleted", deleted),))


def _not_before(old: Stored[Any] | None, now: datetime | None) -> datetime | None:
    """When a record is saved: a clock that was set back does not turn its history round."""
    return now if now is None or old is None or old.saved is None else max(old.saved, now)


def _require_author(by: object) -> None:
    if not isinstance(by, str) or len(by) > _LONGEST_AUTHOR or not by.isprintable():
        message = f"who changes it is named by at most {_LONGEST_AUTHOR} printable characters"
        raise DefinitionError([Violation("$.by", message)])


def _require_version(expected: object) -> None:
    if expected is not None and (type(expected) is not int or expected < 0):
        raise DefinitionError([Violation("$.expected_version", "a version is a whole number from 0, or None")])


def _unfinished(journey: Journey) -> Iterator[Violation]:
    for version in journey.versions:
        if version.status not in (JourneyStatus.DRAFT, JourneyStatus.FINISHED):
            remedy = "only drafts and finished journeys are deleted; close it, and finish it when nobody is inside"
            yield Violation("$.status", f"version {version.version} is {version.status}: {remedy}", "R294")


def storing_violations(value: Definition, *, literal_secrets_allowed: bool = False) -> Iterator[Violation]:
    """Yield what of a definition cannot be kept: literal secrets, and values that JSON does not have."""
    if _is_plain(value):
        return  # as nearly every one is; paths are made for what is wrong
    for path, leaf in _leaves(value, "$"):
        if isinstance(leaf, LiteralSecret):
            if not literal_secrets_allowed:
                yield Violation(path, "a literal secret is not stored; use wayhook.secret('env:NAME')")
        elif isinstance(leaf, Decimal):
            yield from _decimal_faults(leaf, path)
        elif not isinstance(leaf, Expression | SecretReference) and (fault := json_fault(leaf)) is not None:
            yield Violation(path + fault[0], f"{fault[1]}; only JSON values can be stored")


def _is_plain(definition: Definition) -> bool:
    """Whether a definition holds nothing that needs a closer look."""
    waiting: list[Any] = [definition]
    while waiting:
        part = waiting.pop()
        kind = type(part)
        if kind in _PLAIN or (kind is str and part.isascii()):
            continue
        if issubclass(kind, tuple | frozenset):
            waiting += part
        elif (parts := _parts_of(kind)) is not None:  # type: ignore[arg-type]  # a class is hashable
            waiting += parts(part)
        elif not isinstance(part, StrEnum) and json_fault(part) is not None:
            return False
    return True


_PLAIN = frozenset({type(None), bool, Expression, SecretReference})


@cache
def _parts_of(kind: type[Any]) -> Callable[[Any], Iterable[Any]] | None:
    """What gives the parts of an attrs class, but for the instants of a journey; None for another class."""
    if not attrs.has(kind):
        return None
    names = [field.name for field in attrs.fields(kind)]
    if kind is Journey:
        return lambda value: [part for name in names if not isinstance(part := getattr(value, name), datetime)]
    return attrgetter(*names) if len(names) > 1 else lambda value: [getattr(value, name) for name in names]


def _decimal_faults(value: Decimal, path: str) -> Iterator[Violation]:
    try:
        conform(DataType.DECIMAL)(value)
    except Misfit as misfit:
        yield Violation(path, f"a decimal {misfit}")


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every part of a definition that has no parts of its own, JSON values as a whole, with its path."""
    for below, there in _parts(value, path):
        yield from _leaves(below, there)
    if not _has_parts(value, path):
        yield path, str(value) if isinstance(value, StrEnum) else value


def _has_parts(value: Any, path: str) -> bool:
    if isinstance(value, dict | list):  # only the JSON of a token call may hold secrets
        return ".body_params." in path and holds_secrets(value)
    return isinstance(value, tuple | frozenset) or (
        attrs.has(type(value)) and not isinstance(value, Expression | SecretReference)
    )


def _parts(value: Any, path: str) -> Iterator[tuple[Any, str]]:
    """The parts of a value, each with its path; the names of pairs are parts of their own."""
    if not _has_parts(value, path):
        return
    if isinstance(value, SecretText | Base64):
        yield from ((part, path) for part in value.parts)
    elif isinstance(value, dict):
        yield from ((below, f"{path}.{name}") for name, below in value.items())
    elif isinstance(value, tuple) and value and all(_is_pair(item) for item in value):
        yield from ((part, f"{path}.{pair[0]}") for pair in value for part in pair)
    elif isinstance(value, tuple | list):
        yield from ((item, f"{path}[{i}]") for i, item in enumerate(value))
    elif isinstance(value, frozenset):
        yield from ((item, path) for item in sorted(value, key=str))
    else:
        fields = ((getattr(value, field.name), f"{path}.{field.name}") for field in attrs.fields(type(value)))
        # The instants of a journey are written as text; those of a literal are refused.
        yield from (part for part in fields if not (isinstance(value, Journey) and isinstance(part[0], datetime)))


def _is_pair(item: object) -> bool:
    return isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str)  # noqa: PLR2004
