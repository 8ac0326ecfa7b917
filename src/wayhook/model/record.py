"""What a repository keeps: definitions as records, the steps of their history, and a shelf of records. No I/O."""

from __future__ import annotations

import heapq
import itertools
import re
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from operator import itemgetter
from typing import Any, Generic, Literal, Protocol, Self, TypeVar

import attrs

from wayhook.errors import DefinitionError, Violation
from wayhook.jsonvalue import is_unicode
from wayhook.model.action import Action
from wayhook.model.authentication import ConnectionReference
from wayhook.model.capping import CappingConfiguration
from wayhook.model.connection import Connection
from wayhook.model.journey import Journey
from wayhook.model.throttling import ThrottlingConfiguration
from wayhook.presentation import Presentable

__all__ = [
    "KINDS",
    "Change",
    "Chronicle",
    "Definition",
    "Edit",
    "Kept",
    "Kept_co",
    "Records",
    "Shelf",
    "Stored",
    "edit_at",
    "is_name",
    "kind_of",
    "page_bounds",
    "require_instant",
    "require_namespace",
    "uses",
]

MAX_PAGE = 1000
_NAMESPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)

Definition = Action | Journey | Connection | CappingConfiguration | ThrottlingConfiguration

KINDS: dict[str, type[Any]] = {
    "action": Action,
    "journey": Journey,
    "connection": Connection,
    "capping": CappingConfiguration,
    "throttling": ThrottlingConfiguration,
}
"""The classes of what is kept, by the word for their kind."""

_WORDS = {kind: word for word, kind in KINDS.items()}

Kept = TypeVar("Kept", bound=Definition)
Kept_co = TypeVar("Kept_co", bound=Definition, covariant=True)


@attrs.frozen
class Stored(Presentable, Generic[Kept_co]):
    """A value as it is kept.

    `version`: 1 when first saved, one more with every save. `uid`: given by the repository when first saved; it
    stays through renames and is never given again. `saved`: when this version was saved, `by`: by whom, as the host
    named them, or `""`; None where the record is older than what the repository remembers.
    """

    value: Kept_co
    version: int
    uid: str = ""
    saved: datetime | None = None
    by: str = ""


@attrs.frozen
class Edit(Generic[Kept_co]):
    """A step in the history of a record.

    `what`: what was done. `stored`: the record as this step left it, with who did it and when; of a deletion the value
    that was deleted, and who deleted it.
    """

    what: Literal["created", "changed", "renamed", "deleted"]
    stored: Stored[Kept_co]


class Shelf(Protocol):
    """What is kept, as it stands while a change is judged."""

    def find(self, kind: type[Any], name: str) -> Stored[Any] | None:
        """Return the record of that kind and name, or None."""
        ...

    def users(self, kind: type[Any], name: str) -> Iterable[Stored[Any]]:
        """Return the records whose values use that one (`uses`), by kind and name."""
        ...

    def every(self, kind: type[Any]) -> Iterable[Stored[Any]]:
        """Return all records of a kind."""
        ...


@attrs.frozen
class Change:
    """What a save or a deletion comes to: records to remove, by kind and name, then records to write under their names.

    `edits`: what it adds to the history.
    """

    written: tuple[Stored[Any], ...]
    removed: tuple[tuple[type[Any], str], ...] = ()
    edits: tuple[Edit[Any], ...] = ()


class Records:
    """A shelf of dictionaries by kind and name, for a repository that holds all of its records in memory.

    What a value is used by and the order of names are kept beside them, so that nothing looks through all records but
    `every` and `after`.
    """

    def __init__(self) -> None:
        self._kept: dict[type[Any], dict[str, Stored[Any]]] = {kind: {} for kind in KINDS.values()}
        self._names: dict[type[Any], list[str]] = {kind: [] for kind in KINDS.values()}
        self._users: dict[tuple[type[Any], str], set[tuple[str, str]]] = {}

    @classmethod
    def of(cls, records: Iterable[Stored[Any]]) -> Self:
        """Return a shelf with `records`, each under the kind and name of its value."""
        shelf = cls()
        shelf.apply(Change(tuple(records)))
        return shelf

    def after(self, change: Change) -> Self:
        """Return what stands there after `change`; this shelf stays as it is."""
        shelf = type(self).of(stored for below in self._kept.values() for stored in below.values())
        shelf.apply(change)
        return shelf

    def apply(self, change: Change) -> None:
        """Carry `change` out on this shelf."""
        for kind, name in change.removed:
            self._forget(self._kept[kind].pop(name))
            names = self._names[kind]
            del names[bisect_left(names, name)]
        for stored in change.written:
            self._keep(stored)

    def _keep(self, stored: Stored[Any]) -> None:
        kind, name = type(stored.value), stored.value.name
        if (old := self._kept[kind].get(name)) is None:
            insort(self._names[kind], name)
        else:
            self._forget(old)
        self._kept[kind][name] = stored
        for used in uses(stored.value):
            self._users.setdefault(used, set()).add((kind_of(kind), name))

    def _forget(self, stored: Stored[Any]) -> None:
        """Take a record away from what it uses."""
        for used in uses(stored.value):
            users = self._users[used]
            users.remove((kind_of(stored.value), stored.value.name))
            if not users:
                del self._users[used]

    def find(self, kind: type[Any], name: str) -> Stored[Any] | None:
        """Return the record of that kind and name, or None."""
        return self._kept[kind].get(name) if isinstance(name, str) else None

    def users(self, kind: type[Any], name: str) -> tuple[Stored[Any], ...]:
        """Return the records whose values use that one, by kind and name."""
        users = self._users.get((kind, name), ()) if is_name(name) else ()
        return tuple(self._kept[KINDS[word]][user] for word, user in sorted(users))

    def every(self, kind: type[Any]) -> tuple[Stored[Any], ...]:
        """Return all records of a kind, by name."""
        return tuple(self._kept[kind][name] for name in self._names[kind])

    def page(self, kind: type[Any], cursor: str | None, limit: int) -> tuple[tuple[Stored[Any], ...], str | None]:
        """Return the records with names after `cursor`, at most `limit`, and the cursor of those that follow.

        Raises as `page_bounds`.
        """
        after, limit = page_bounds(cursor, limit)
        kind_of(kind)
        names = self._names[kind]
        start = bisect_right(names, after)
        page = names[start : start + limit]
        more = start + limit < len(names)
        return tuple(self._kept[kind][name] for name in page), page[-1] if more else None


class Chronicle:
    """What was done to records, for a repository that holds its history in memory: each step found by its record."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._edits: dict[str, list[tuple[int, Edit[Any]]]] = defaultdict(list)
        self._uids: dict[tuple[type[Any], str], dict[str, None]] = defaultdict(dict)

    def add(self, edits: Iterable[Edit[Any]]) -> None:
        """Add the steps that follow."""
        for edit in edits:
            self._edits[edit.stored.uid].append((next(self._numbers), edit))
            self._uids[type(edit.stored.value), edit.stored.value.name][edit.stored.uid] = None

    def edits(self, kind: type[Any], name: str) -> list[Edit[Any]]:
        """Return the steps of all records that ever had the name, in the order in which they were made."""
        uids = self._uids.get((kind, name), ()) if is_name(name) else ()
        return [edit for _, edit in heapq.merge(*(self._edits[uid] for uid in uids), key=itemgetter(0))]

    def standing(self) -> Iterator[Stored[Any]]:
        """Yield every record as its last step left it, but for those that were deleted."""
        for steps in self._edits.values():
            _, last = steps[-1]
            if last.what != "deleted":
                yield last.stored


def edit_at(edits: Iterable[Edit[Kept]], name: str, when: datetime) -> Stored[Kept] | None:
    """Return the record that had this name at `when`, of the edits of one kind in the order in which they were made.

    Only edits of records that ever had the name matter; None where no record had it then.
    """
    last = {edit.stored.uid: edit for edit in edits if edit.stored.saved is None or edit.stored.saved <= when}
    named = (edit for edit in last.values() if edit.stored.value.name == name and edit.what != "deleted")
    return next((edit.stored for edit in named), None)


def require_namespace(namespace: object) -> str:
    """Return the name of a namespace: 1 to 64 ASCII letters, digits, `_`, `-` and `.`, a letter or digit first.

    Raises `DefinitionError` for another one.
    """
    if not isinstance(namespace, str) or not _NAMESPACE.fullmatch(namespace):
        message = "a namespace has 1 to 64 letters, digits, '_', '-' and '.', and begins with a letter or digit"
        raise DefinitionError([Violation("$.namespace", message)])
    return namespace


def require_instant(when: object) -> datetime:
    """Return a date and time that has an offset; raises `DefinitionError` for anything else."""
    if not isinstance(when, datetime) or when.utcoffset() is None:
        raise DefinitionError([Violation("$.when", "give a date and time with an offset, such as one in UTC")])
    return when


def kind_of(value: object) -> str:
    """Return the word for the kind of a value or class: `action`, `journey`, `capping`, `throttling`.

    Raises `DefinitionError` for anything else, which no repository keeps.
    """
    kind = value if isinstance(value, type) else type(value)
    if kind not in _WORDS:
        known = " or ".join(f"{'an' if word[0] in 'aeiou' else 'a'} {kept.__name__}" for word, kept in KINDS.items())
        raise DefinitionError([Violation("$", f"{known} is kept, not {kind.__name__}")])
    return _WORDS[kind]


def uses(value: Definition) -> tuple[tuple[type[Any], str], ...]:
    """Return what a value names: kind and name, each once. What is named need not be kept."""
    if isinstance(value, Journey):
        return tuple((Action, name) for name in value.actions)
    if isinstance(value, Action) and isinstance(value.authentication, ConnectionReference):
        return ((Connection, value.authentication.name),)
    return ()


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
