"""A repository in one JSON file, for a few definitions that one process writes; readable, and easy to keep in git."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any, Self

import wayhook as wh
from wayhook.model.storage import Kept, admit, admit_deletion, kind_of, page_bounds


class JsonRepository:
    """Keeps actions and journeys in the file `path`; see `wayhook.Repository` for what each method promises."""

    def __init__(self, path: Path, *, guardrails: wh.Guardrails | None = None) -> None:
        self.path, self.guardrails = path, guardrails or wh.Guardrails.standard()
        self._kept: dict[str, dict[str, wh.Stored[Any]]] = {"action": {}, "journey": {}}
        self._writing = asyncio.Lock()

    @classmethod
    def from_url(cls, url: str, guardrails: wh.Guardrails | None) -> Self:
        """Open `json:///relative.json` or `json:////absolute.json`."""
        return cls(Path(url.removeprefix("json:///")), guardrails=guardrails)

    async def __aenter__(self) -> Self:
        if self.path.exists():
            try:
                for record in json.loads(self.path.read_text(encoding="utf-8")):
                    value: Any = wh.load(record["document"])
                    self._kept[kind_of(value)][value.name] = wh.Stored(value, record["version"])
            except (ValueError, KeyError, TypeError):
                message = f"{self.path.name} cannot be read; restore it from a copy."
                raise wh.StoreUnavailable(message) from None
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def save(
        self, value: wh.Action | wh.Journey, *, expected_version: int | None = None, renamed_from: str | None = None
    ) -> int:
        """Ask whether the value may be saved, and write it with the journeys that are renamed along."""
        record: Any = value
        async with self._writing:
            kept, old_name = self._kept[kind_of(value)], renamed_from or value.name
            users = self._users(old_name) if isinstance(value, wh.Action) else ()
            version, renamed = admit(
                value,
                kept.get(old_name),
                kept.get(value.name),
                users,
                expected_version=expected_version,
                renamed_from=renamed_from,
                guardrails=self.guardrails,
            )
            changed = {kind: dict(values) for kind, values in self._kept.items()}
            changed[kind_of(value)].pop(old_name, None)
            changed[kind_of(value)][value.name] = wh.Stored(record, version)
            changed["journey"].update({user.value.name: user for user in renamed})
            await self._write(changed)
        return version

    async def get(self, kind: type[Kept], name: str) -> wh.Stored[Kept]:
        """Return what is kept under the name."""
        try:
            return self._kept[kind_of(kind)][name]
        except KeyError:
            raise wh.NotFound(kind_of(kind), name) from None

    async def delete(
        self, kind: type[wh.Action | wh.Journey], name: str, *, expected_version: int | None = None
    ) -> None:
        """Ask whether the value may be deleted, and write what is left."""
        async with self._writing:
            users = await self.journeys_using(name) if kind is wh.Action else ()
            admit_deletion(kind, name, self._kept[kind_of(kind)].get(name), users, expected_version)
            changed = {kind: dict(values) for kind, values in self._kept.items()}
            del changed[kind_of(kind)][name]
            await self._write(changed)

    async def list(self, kind: type[Kept], *, cursor: str | None = None, limit: int = 100) -> wh.Page[Kept]:
        """Return a page, in the order of names."""
        kept = self._kept[kind_of(kind)]
        after, limit = page_bounds(cursor, limit)
        names = sorted(name for name in kept if name > after)
        page = names[:limit]
        return wh.Page(tuple(kept[name] for name in page), page[-1] if len(names) > limit else None)

    async def journeys_using(self, action: str) -> tuple[str, ...]:
        """Return the names of the journeys that use the action."""
        return tuple(sorted(user.value.name for user in self._users(action)))

    def _users(self, action: str) -> tuple[wh.Stored[wh.Journey], ...]:
        return tuple(stored for stored in self._kept["journey"].values() if action in stored.value.actions)

    async def _write(self, changed: dict[str, dict[str, wh.Stored[Any]]]) -> None:
        """Put a complete new file in the old one's place; only then the change counts."""
        records = [
            {"version": stored.version, "document": json.loads(wh.dumps(stored.value))}
            for kept in changed.values()
            for _, stored in sorted(kept.items())
        ]
        await asyncio.to_thread(_replace, self.path, json.dumps(records, indent=2, ensure_ascii=False) + "\n")
        self._kept = changed


def _replace(path: Path, text: str) -> None:
    beside = path.with_name(f"{path.name}.new")
    with beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
