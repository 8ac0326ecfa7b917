"""A repository in memory: the reference for every other, and the one for tests and notebooks."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, Self

from wayhook.errors import NotFound
from wayhook.execution.ports import Page
from wayhook.model.action import Action
from wayhook.model.guardrail import Guardrails
from wayhook.model.journey import Journey
from wayhook.model.storage import Kept, Stored, admit, admit_deletion, is_name, kind_of, page_bounds

__all__ = ["MemoryRepository"]


class MemoryRepository:
    """Keeps actions and journeys as long as it lives; see `Repository` for what each method promises.

    `guardrails`: the edition that a value must keep to be saved; `standard` unless given.
    """

    def __init__(self, *, guardrails: Guardrails | None = None) -> None:
        self.guardrails = guardrails or Guardrails.standard()
        self._kept: dict[type, dict[str, Stored[Any]]] = {Action: {}, Journey: {}}

    @classmethod
    def from_url(cls, url: str, guardrails: Guardrails | None) -> Self:  # noqa: ARG003 - there is only one memory
        """Open `memory:`, empty."""
        return cls(guardrails=guardrails)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def save(
        self, value: Action | Journey, *, expected_version: int | None = None, renamed_from: str | None = None
    ) -> int:
        """Keep the value; see `Repository.save`."""
        word, kept, old_name = kind_of(value), self._kept[type(value)], renamed_from or value.name
        if not is_name(old_name):
            raise NotFound(word, repr(old_name))
        version, renamed = admit(
            value,
            kept.get(old_name),
            kept.get(value.name),
            self._users(old_name) if isinstance(value, Action) else (),
            expected_version=expected_version,
            renamed_from=renamed_from,
            guardrails=self.guardrails,
        )
        kept.pop(old_name, None)
        kept[value.name] = Stored(value, version)
        self._kept[Journey].update({user.value.name: user for user in renamed})
        return version

    async def get(self, kind: type[Kept], name: str) -> Stored[Kept]:
        """Return the value; see `Repository.get`."""
        word, stored = kind_of(kind), self._kept[kind].get(name) if is_name(name) else None
        if stored is None:
            raise NotFound(word, name)
        return stored

    async def delete(self, kind: type[Action | Journey], name: str, *, expected_version: int | None = None) -> None:
        """Forget the value; see `Repository.delete`."""
        kind_of(kind)
        users = await self.journeys_using(name) if kind is Action else ()
        admit_deletion(kind, name, self._kept[kind].get(name) if is_name(name) else None, users, expected_version)
        del self._kept[kind][name]

    async def list(self, kind: type[Kept], *, cursor: str | None = None, limit: int = 100) -> Page[Kept]:
        """Return a page; see `Repository.list`."""
        after, limit = page_bounds(cursor, limit)
        kind_of(kind)
        names = sorted(self._kept[kind])
        start = bisect_right(names, after)
        page = names[start : start + limit]
        more = start + limit < len(names)
        return Page(tuple(self._kept[kind][name] for name in page), page[-1] if more else None)

    async def journeys_using(self, action: str) -> tuple[str, ...]:
        """Return the names; see `Repository.journeys_using`."""
        return tuple(sorted(user.value.name for user in self._users(action)))

    def _users(self, action: str) -> tuple[Stored[Journey], ...]:
        return tuple(stored for stored in self._kept[Journey].values() if action in stored.value.actions)
