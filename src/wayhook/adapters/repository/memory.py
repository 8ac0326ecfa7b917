"""A repository in memory: the reference for every other, and the one for tests and notebooks."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Self
from uuid import uuid4

import attrs

from wayhook.errors import NotFound
from wayhook.execution.ports import Page
from wayhook.model.action import Action
from wayhook.model.guardrail import Guardrails, edition_of
from wayhook.model.journey import Journey
from wayhook.model.record import (
    Change,
    Chronicle,
    Definition,
    Edit,
    Kept,
    Records,
    Stored,
    edit_at,
    kind_of,
    page_bounds,
    require_instant,
    require_namespace,
)
from wayhook.model.storage import admit, admit_deletion

__all__ = ["MemoryRepository"]


@attrs.frozen
class _World:
    """What one namespace holds."""

    records: Records = attrs.Factory(Records)
    chronicle: Chronicle = attrs.Factory(Chronicle)

    def apply(self, change: Change) -> None:
        self.records.apply(change)
        self.chronicle.add(change.edits)


class MemoryRepository:
    """Keeps definitions as long as it lives; see `Repository`, `History` and `Namespaced` for what is promised.

    `guardrails`: the edition that a value must keep to be saved; `standard` unless given. `now`: gives the date and
    time of changes, with an offset.
    """

    def __init__(
        self, *, guardrails: Guardrails | None = None, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.guardrails = edition_of(guardrails)
        self.namespace = "default"
        self._now = now
        self._worlds: dict[str, _World] = defaultdict(_World)

    @classmethod
    def from_url(cls, url: str, guardrails: Guardrails | None) -> Self:  # noqa: ARG003 - there is only one memory
        """Open `memory:`, empty."""
        return cls(guardrails=guardrails)

    def within(self, namespace: str) -> Self:
        """Return the repository of another namespace; see `Namespaced.within`."""
        other = copy.copy(self)
        other.namespace = require_namespace(namespace)
        return other

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    @property
    def _world(self) -> _World:
        return self._worlds[self.namespace]

    @property
    def _records(self) -> Records:
        return self._world.records

    async def save(
        self,
        *values: Definition,
        expected_version: int | None = None,
        renamed_from: str | None = None,
        by: str = "",
    ) -> int:
        """Keep the values; see `Repository.save`."""
        change = admit(
            self._records,
            values,
            expected_version=expected_version,
            renamed_from=renamed_from,
            guardrails=self.guardrails,
            new_uid=lambda: uuid4().hex,
            by=by,
            now=self._now(),
        )
        self._world.apply(change)
        return change.written[0].version

    async def get(self, kind: type[Kept], name: str) -> Stored[Kept]:
        """Return the value; see `Repository.get`."""
        word, stored = kind_of(kind), self._records.find(kind, name)
        if stored is None:
            raise NotFound(word, name)
        return stored

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
        self._world.apply(
            admit_deletion(
                self._records,
                kind,
                name,
                expected_version=expected_version,
                force=force,
                by=by,
                now=self._now(),
            )
        )

    async def list(self, kind: type[Kept], *, cursor: str | None = None, limit: int = 100) -> Page[Kept]:
        """Return a page; see `Repository.list`."""
        return Page(*self._records.page(kind, cursor, limit))

    async def journeys_using(self, action: str) -> tuple[str, ...]:
        """Return the names; see `Repository.journeys_using`."""
        users = self._records.users(Action, action)
        return tuple(user.value.name for user in users if isinstance(user.value, Journey))

    async def history(self, kind: type[Kept], name: str, *, limit: int = 100) -> tuple[Edit[Kept], ...]:
        """Return what was done; see `History.history`."""
        kind_of(kind)
        _, limit = page_bounds(None, limit)
        return tuple(reversed(self._world.chronicle.edits(kind, name)))[:limit]

    async def as_of(self, kind: type[Kept], name: str, when: datetime) -> Stored[Kept]:
        """Return the record of then; see `History.as_of`."""
        word, stored = kind_of(kind), edit_at(self._world.chronicle.edits(kind, name), name, require_instant(when))
        if stored is None:
            raise NotFound(word, name)
        return stored
