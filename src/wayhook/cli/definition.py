"""Definitions that a command names: kept in a repository, or written in a file."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs

from wayhook.cli.answer import CannotRun
from wayhook.cli.file import STDIN, is_folder, text_in, within
from wayhook.cli.settings import Settings
from wayhook.errors import DocumentError, NotFound
from wayhook.execution.opening import open_repository
from wayhook.execution.ports import Page, Repository
from wayhook.formats.document import loads
from wayhook.model.action import Action
from wayhook.model.authentication import ConnectionReference
from wayhook.model.connection import Connection
from wayhook.model.journey import Journey
from wayhook.model.record import KINDS, Definition, Kept, Stored, kind_of

__all__ = ["Definitions", "definitions", "every", "is_file", "read_definition"]

_PAGE = 1000


class Definitions:
    """A repository, and before it what was read from documents; what was looked up once stays as it was then.

    `documents`: the definitions of files, by the name of the file.
    """

    def __init__(self, kept: Repository, documents: dict[str, Definition]) -> None:
        self.kept, self.documents = kept, documents
        self._found: dict[tuple[type[Any], str], Stored[Any]] = {
            (type(value), value.name): Stored(value, 0) for value in documents.values()
        }

    async def get(self, kind: type[Kept], name: str) -> Stored[Kept]:
        """Return the value; see `Repository.get`."""
        if (kind, name) not in self._found:
            self._found[kind, name] = await self.kept.get(kind, name)
        return self._found[kind, name]

    async def list(self, kind: type[Kept], *, cursor: str | None = None, limit: int = 100) -> Page[Kept]:
        """Return a page of what is kept; see `Repository.list`."""
        return await self.kept.list(kind, cursor=cursor, limit=limit)

    async def journeys_using(self, action: str) -> tuple[str, ...]:
        """Return the names of kept journeys; see `Repository.journeys_using`."""
        return await self.kept.journeys_using(action)

    async def save(
        self,
        *values: Definition,
        expected_version: int | None = None,
        renamed_from: str | None = None,
        by: str = "",
    ) -> int:
        """Keep the values; see `Repository.save`."""
        return await self.kept.save(*values, expected_version=expected_version, renamed_from=renamed_from, by=by)

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
        await self.kept.delete(kind, name, expected_version=expected_version, force=force, by=by)

    async def action(self, named: str) -> Action:
        """Return the action of that name or file; raises `NotFound`, and `CannotRun` for a document of another kind."""
        return (await self.one(Action, named)).value

    async def journey(self, named: str) -> Journey:
        """Return the current version of the journey of that name or file; raises as `action`."""
        return (await self.one(Journey, named)).value.current

    async def connected(self, action: Action) -> Action:
        """Return the action with the authentication that it names in the place of the name."""
        if not isinstance(action.authentication, ConnectionReference):
            return action
        connection = (await self.get(Connection, action.authentication.name)).value
        return attrs.evolve(action, authentication=connection.authentication)

    async def one(self, kind: type[Kept], named: str) -> Stored[Kept]:
        """Return what has that kind, and that name or file."""
        if not is_file(named):
            return await self.get(kind, named)
        value = self.documents[named]
        if not isinstance(value, kind):
            raise CannotRun(f"{named} holds {_a(value)}; {_a(kind)} is needed here")
        return Stored(value, 0)

    async def any(self, named: str, kinds: Sequence[type[Any]] = tuple(KINDS.values())) -> Stored[Any]:
        """Return what has that name or file, of whatever kind; raises `NotFound`, and `CannotRun` for several."""
        if is_file(named):
            return Stored(self.documents[named], 0)
        found = []
        for kind in kinds:
            try:
                found.append(await self.get(kind, named))
            except NotFound:
                continue
        if len(found) > 1:
            words = ", ".join(kind_of(each.value) for each in found)
            raise CannotRun(f"{named} is the name of several definitions ({words}); say which with --kind")
        if not found:
            raise NotFound(" or ".join(map(kind_of, kinds)), named)
        return found[0]


def _a(value: object) -> str:
    """The word for a kind with its article."""
    word = kind_of(value)
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


@asynccontextmanager
async def definitions(
    settings: Settings, named: Iterable[str], beside: Iterable[str] = ()
) -> AsyncIterator[Definitions]:
    """Give the definitions of the repository, and of the files in `named` and `beside`.

    `beside`: files and folders with what the named definitions use. Where there is no repository, documents are enough.
    """
    documents = {name: read_definition(name) for name in named if is_file(name)}
    documents |= {name: read_definition(name) for place in beside for name in _files(place)}
    async with open_repository("memory:") if documents and settings.url is None else settings.opened() as repository:
        yield Definitions(repository, documents)


def is_file(named: str) -> bool:
    """Whether a definition is named by its file: it ends with .json, has a folder, or is `-`."""
    return named == STDIN or named.endswith(".json") or "/" in named or os.sep in named


def read_definition(place: str) -> Definition:
    """Return the definition in a file; raises `CannotRun` and `DocumentError`."""
    try:
        return loads(text_in(place))
    except DocumentError as error:
        raise within(place, error) from None


def _files(place: str) -> Iterator[str]:
    """The file itself, or the documents of a folder."""
    if is_folder(place):
        yield from (str(file) for file in sorted(Path(place).rglob("*.json")))
    else:
        yield place


async def every(repository: Repository, kind: type[Kept]) -> AsyncIterator[Stored[Kept]]:
    """Yield everything of a kind that a repository keeps, by name."""
    cursor = None
    while True:
        page = await repository.list(kind, cursor=cursor, limit=_PAGE)
        for stored in page.items:
            yield stored
        if (cursor := page.cursor) is None:
            return
