"""A repository in memory: the reference for every other, and the one for tests and notebooks."""

from __future__ import annotations

from typing import Self
from uuid import uuid4

from wayhook.errors import NotFound
from wayhook.execution.ports import Page
from wayhook.model.action import Action
from wayhook.model.guardrail import Guardrails, edition_of
from wayhook.model.journey import Journey
from wayhook.model.record import Change, Definition, Kept, Records, Stored, kind_of
from wayhook.model.storage import admit, admit_deletion

__all__ = ["MemoryRepository"]


class MemoryRepository:
    """Keeps definitions as long as it lives; see `Repository` for what each method promises.

    `guardrails`: the edition that a value must keep to be saved; `standard` unless given.
    """

    def __init__(self, *, guardrails: Guardrails | None = None) -> None:
        self.guardrails = edition_of(guardrails)
        self._records = Records()

    @classmethod
    def from_url(cls, url: str, guardrails: Guardrails | None) -> Self:  # noqa: ARG003 - there is only one memory
        """Open `memory:`, empty."""
        return cls(guardrails=guardrails)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def save(
        self, *values: Definition, expected_version: int | None = None, renamed_from: str | None = None
    ) -> int:
        """Keep the values; see `Repository.save`."""
        change = admit(
            self._records,
            values,
            expected_version=expected_version,
            renamed_from=renamed_from,
            guardrails=self.guardrails,
            new_uid=lambda: uuid4().hex,
        )
        self._records.apply(change)
        return change.written[0].version

    async def get(self, kind: type[Kept], name: str) -> Stored[Kept]:
        """Return the value; see `Repository.get`."""
        word, stored = kind_of(kind), self._records.find(kind, name)
        if stored is None:
            raise NotFound(word, name)
        return stored

    async def delete(
        self, kind: type[Definition], name: str, *, expected_version: int | None = None, force: bool = False
    ) -> None:
        """Forget the value; see `Repository.delete`."""
        kind_of(kind)
        admit_deletion(self._records, kind, name, expected_version=expected_version, force=force)
        self._records.apply(Change((), ((kind, name),)))

    async def list(self, kind: type[Kept], *, cursor: str | None = None, limit: int = 100) -> Page[Kept]:
        """Return a page; see `Repository.list`."""
        return Page(*self._records.page(kind, cursor, limit))

    async def journeys_using(self, action: str) -> tuple[str, ...]:
        """Return the names; see `Repository.journeys_using`."""
        return tuple(user.value.name for user in self._records.users(Action, action) if isinstance(user.value, Journey))
