"""A repository in one JSON file, for a few definitions that one process writes; readable, and easy to keep in git."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Self
from uuid import uuid4

import wayhook as wh
from wayhook.model.record import KINDS, Change, Definition, Kept, Records, kind_of
from wayhook.model.storage import admit, admit_deletion


class JsonRepository:
    """Keeps definitions in the file `path`; see `wayhook.Repository` for what each method promises."""

    def __init__(self, path: Path, *, guardrails: wh.Guardrails | None = None) -> None:
        self.path, self.guardrails = path, guardrails or wh.Guardrails.standard()
        self._records = Records()
        self._writing = asyncio.Lock()

    @classmethod
    def from_url(cls, url: str, guardrails: wh.Guardrails | None) -> Self:
        """Open `json:///relative.json` or `json:////absolute.json`."""
        return cls(Path(url.removeprefix("json:///")), guardrails=guardrails)

    async def __aenter__(self) -> Self:
        if self.path.exists():
            try:
                records = json.loads(self.path.read_text(encoding="utf-8"))
                self._records = Records.of(
                    wh.Stored(wh.load(record["document"]), record["version"], record["uid"]) for record in records
                )
            except (ValueError, KeyError, TypeError):
                message = f"{self.path.name} cannot be read; restore it from a copy."
                raise wh.StoreUnavailable(message) from None
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def save(
        self,
        *values: Definition,
        expected_version: int | None = None,
        renamed_from: str | None = None,
        by: str = "",
    ) -> int:
        """Ask whether the values may be saved, and write what that comes to."""
        async with self._writing:
            change = admit(
                self._records,
                values,
                expected_version=expected_version,
                renamed_from=renamed_from,
                guardrails=self.guardrails,
                new_uid=lambda: uuid4().hex,
                by=by,
            )
            await self._write(change)
        return change.written[0].version

    async def get(self, kind: type[Kept], name: str) -> wh.Stored[Kept]:
        """Return what is kept under the name."""
        word, stored = kind_of(kind), self._records.find(kind, name)
        if stored is None:
            raise wh.NotFound(word, name)
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
        """Ask whether the value may be deleted, and write what is left."""
        kind_of(kind)
        async with self._writing:
            await self._write(
                admit_deletion(self._records, kind, name, expected_version=expected_version, force=force, by=by)
            )

    async def list(self, kind: type[Kept], *, cursor: str | None = None, limit: int = 100) -> wh.Page[Kept]:
        """Return a page, in the order of names."""
        return wh.Page(*self._records.page(kind, cursor, limit))

    async def journeys_using(self, action: str) -> tuple[str, ...]:
        """Return the names of the journeys that use the action."""
        users = self._records.users(wh.Action, action)
        return tuple(user.value.name for user in users if isinstance(user.value, wh.Journey))

    async def _write(self, change: Change) -> None:
        """Put a complete new file in the old one's place; only then the change counts."""
        changed = self._records.after(change)
        records = [
            {"version": stored.version, "uid": stored.uid, "document": json.loads(wh.dumps(stored.value))}
            for kind in KINDS.values()
            for stored in changed.every(kind)
        ]
        await asyncio.to_thread(_replace, self.path, json.dumps(records, indent=2, ensure_ascii=False) + "\n")
        self._records = changed


def _replace(path: Path, text: str) -> None:
    beside = path.with_name(f"{path.name}.new")
    with beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
