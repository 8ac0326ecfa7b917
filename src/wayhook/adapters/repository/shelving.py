"""What every repository does that keeps its records on a shelf of a store: judge, change, look up, look back.

A store brings its shelf, and two ways to it: `_read` and `_change`.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Protocol, Self, TypeVar
from uuid import uuid4

from wayhook.errors import NotFound
from wayhook.execution.ports import Page
from wayhook.model.action import Action
from wayhook.model.guardrail import Guardrails, edition_of
from wayhook.model.record import (
    Change,
    Definition,
    Edit,
    Kept,
    Shelf,
    Stored,
    edit_at,
    kind_of,
    page_bounds,
    require_instant,
    require_namespace,
)
from wayhook.model.storage import admit, admit_deletion

__all__ = ["ShelfRepository", "StoreShelf"]

_Result = TypeVar("_Result")


class StoreShelf(Shelf, Protocol):
    """The records of one namespace in a store, with what is asked of them beside a judgement."""

    def user_names(self, kind: type[Any], name: str) -> list[tuple[str, str]]:
        """Return kind and name of each record that uses that one, in order."""
        ...

    def page(self, kind: type[Any], after: str, limit: int) -> list[Stored[Any]]:
        """Return at most `limit` records with names after that one, by name."""
        ...

    def edits(self, kind: type[Any], name: str, limit: int) -> Iterable[Edit[Any]]:
        """Return the last steps of the records that ever had the name, the newest first."""
        ...

    def last_edits(self, kind: type[Any], name: str, when: datetime) -> Iterable[Edit[Any]]:
        """Return at least the last step up to `when` of each record that ever had the name, in their order."""
        ...


class ShelfRepository(ABC):
    """A repository with a history and namespaces; see `Repository`, `History` and `Namespaced` for what is promised.

    `guardrails`: the edition that a value must keep to be saved; `standard` unless given. `now`: gives the date and
    time of changes, with an offset.
    """

    def __init__(self, guardrails: Guardrails | None, now: Callable[[], datetime]) -> None:
        self.guardrails = edition_of(guardrails)
        self.namespace = "default"
        self._now = now

    @abstractmethod
    async def _read(self, work: Callable[[StoreShelf], _Result]) -> _Result:
        """Return what `work` gives on the shelf of this namespace."""

    @abstractmethod
    async def _change(self, judge: Callable[[StoreShelf], Change]) -> Change:
        """Carry out what `judge` says of the shelf, in one step that no other writer comes between, and return it."""

    def within(self, namespace: str) -> Self:
        """Return the repository of another namespace; see `Namespaced.within`."""
        other = copy.copy(self)
        other.namespace = require_namespace(namespace)
        return other

    async def save(
        self,
        *values: Definition,
        expected_version: int | None = None,
        renamed_from: str | None = None,
        by: str = "",
    ) -> int:
        """Keep the values; see `Repository.save`."""
        change = await self._change(
            lambda shelf: admit(
                shelf,
                values,
                expected_version=expected_version,
                renamed_from=renamed_from,
                guardrails=self.guardrails,
                new_uid=lambda: uuid4().hex,
                by=by,
                now=self._now(),
            )
        )
        return change.written[0].version

    async def get(self, kind: type[Kept], name: str) -> Stored[Kept]:
        """Return the value; see `Repository.get`."""
        kind_of(kind)
        return _present(kind, name, await self._read(lambda shelf: shelf.find(kind, name)))

    async def delete(
        self,
        kind: type[Definition],
        name: str,
        *,
        expected_version: int | None = None,
        force: bool = False,
        by: str = "",
    ) -> None:
        """Forget the value; see `Repository.delete`."""
        kind_of(kind)
        await self._change(
            lambda shelf: admit_deletion(
                shelf, kind, name, expected_version=expected_version, force=force, by=by, now=self._now()
            )
        )

    async def list(self, kind: type[Kept], *, cursor: str | None = None, limit: int = 100) -> Page[Kept]:
        """Return a page; see `Repository.list`."""
        kind_of(kind)
        after, limit = page_bounds(cursor, limit)
        items = await self._read(lambda shelf: shelf.page(kind, after, limit + 1))
        return Page(tuple(items[:limit]), items[limit - 1].value.name if len(items) > limit else None)

    async def journeys_using(self, action: str) -> tuple[str, ...]:
        """Return the names; see `Repository.journeys_using`."""
        users = await self._read(lambda shelf: shelf.user_names(Action, action))
        return tuple(name for kind, name in users if kind == "journey")

    async def history(self, kind: type[Kept], name: str, *, limit: int = 100) -> tuple[Edit[Kept], ...]:
        """Return what was done; see `History.history`."""
        kind_of(kind)
        _, limit = page_bounds(None, limit)
        return await self._read(lambda shelf: tuple(shelf.edits(kind, name, limit)))

    async def as_of(self, kind: type[Kept], name: str, when: datetime) -> Stored[Kept]:
        """Return the record of then; see `History.as_of`."""
        kind_of(kind)
        require_instant(when)
        stored = await self._read(lambda shelf: edit_at(shelf.last_edits(kind, name, when), name, when))
        return _present(kind, name, stored)


def _present(kind: type[Kept], name: str, stored: Stored[Kept] | None) -> Stored[Kept]:
    if stored is None:
        raise NotFound(kind_of(kind), name)
    return stored
