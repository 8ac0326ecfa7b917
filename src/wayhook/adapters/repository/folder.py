"""A repository in a folder of JSON or YAML files, one for each definition: for people, for reviews, and for git."""

from __future__ import annotations

import asyncio
import copy
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import parse_qs, unquote
from uuid import uuid4

from wayhook.adapters.repository.folder_world import World
from wayhook.errors import DefinitionError, MissingExtra, NotFound, StoreUnavailable, Violation
from wayhook.execution.ports import Page
from wayhook.model.action import Action
from wayhook.model.guardrail import Guardrails, edition_of
from wayhook.model.journey import Journey
from wayhook.model.record import (
    Definition,
    Edit,
    Kept,
    Stored,
    edit_at,
    is_name,
    kind_of,
    page_bounds,
    require_instant,
    require_namespace,
)
from wayhook.model.storage import admit, admit_deletion

__all__ = ["FolderRepository"]

_BUSY_SECONDS = 10.0
_LOOK_AGAIN = 0.01
_Result = TypeVar("_Result")


class FolderRepository:
    """Keeps definitions as files; see `Repository`, `History` and `Namespaced` for what is promised.

    An async context manager. `path`: of the folder, made when it is not there. `format`: of new files, `json` or `yaml`
    (extra `yaml`); a file that is there keeps its own, in YAML with its comments and its order. `guardrails`: the
    edition that a value must keep to be saved; `standard` unless given. `now`: gives the date and time of changes.

    Files may be changed by hand, or by git: a file that holds another value than before is the next version of its
    record. A save replaces whole files, all of them or none, also when the process ends in the middle. The folder
    `.wayhook` has the history and a lock; it is not for git, and without it versions begin anew. Several processes of
    one machine may use the folder. Looks at every file each time, so that it is for hundreds of them.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        format: str = "json",  # noqa: A002 - the field's word
        guardrails: Guardrails | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if not isinstance(path, str | Path) or not str(path) or "\0" in str(path):
            raise DefinitionError([Violation("$.path", "give the path of a folder")])
        if format not in ("json", "yaml"):
            raise DefinitionError([Violation("$.format", "files are of the format json or yaml")])
        if format == "yaml" and find_spec("ruamel.yaml") is None:
            raise MissingExtra("files of YAML need ruamel.yaml: pip install 'wayhook[yaml]'")
        self.path = Path(path)
        self.guardrails = edition_of(guardrails)
        self.namespace = "default"
        self._suffix = f".{format}"
        self._now = now
        self._folder = _Folder(self.path)

    @classmethod
    def from_url(cls, url: str, guardrails: Guardrails | None) -> Self:
        """Open `folder:///relative`, `folder:////absolute`, or either with `?format=yaml`."""
        path, _, query = url.removeprefix("folder:///").partition("?")
        if not url.startswith("folder:///") or not path:
            raise DefinitionError(
                [Violation("$", "write folder:///actions, or folder:////home/ann/actions?format=yaml")]
            )
        settings = parse_qs(query, keep_blank_values=True)
        if unknown := sorted(set(settings) - {"format"}):
            raise DefinitionError([Violation("$", f"a folder has the setting format, not {', '.join(unknown)[:80]}")])
        return cls(unquote(path), format=settings.get("format", ["json"])[-1], guardrails=guardrails)

    def within(self, namespace: str) -> Self:
        """Return the repository of another namespace; see `Namespaced.within`. Its files are in `namespaces/<name>`."""
        other = copy.copy(self)
        other.namespace = require_namespace(namespace)
        return other

    async def __aenter__(self) -> Self:
        self._folder.open()
        try:
            await self._on(World.refresh)
        except BaseException:
            self._folder.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._folder.close()

    async def save(
        self,
        *values: Definition,
        expected_version: int | None = None,
        renamed_from: str | None = None,
        by: str = "",
    ) -> int:
        """Keep the values; see `Repository.save`."""

        def saved(world: World) -> int:
            world.require_whole()
            change = admit(
                world.records,
                values,
                expected_version=expected_version,
                renamed_from=renamed_from,
                guardrails=self.guardrails,
                new_uid=lambda: uuid4().hex,
                by=by,
                now=self._now(),
            )
            world.commit(change)
            return change.written[0].version

        return await self._on(saved)

    async def get(self, kind: type[Kept], name: str) -> Stored[Kept]:
        """Return the value; see `Repository.get`. A file that cannot be read is `StoreUnavailable`, with all faults."""

        def found(world: World) -> Stored[Any] | None:
            if is_name(name):
                world.require_readable(kind, name)
            return world.records.find(kind, name)

        kind_of(kind)
        return _present(kind, name, await self._on(found))

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

        def deleted(world: World) -> None:
            world.require_whole()
            world.commit(
                admit_deletion(
                    world.records,
                    kind,
                    name,
                    expected_version=expected_version,
                    force=force,
                    by=by,
                    now=self._now(),
                )
            )

        kind_of(kind)
        await self._on(deleted)

    async def list(self, kind: type[Kept], *, cursor: str | None = None, limit: int = 100) -> Page[Kept]:
        """Return a page; see `Repository.list`."""

        def page(world: World) -> Page[Kept]:
            world.require_whole()
            return Page(*world.records.page(kind, cursor, limit))

        return await self._on(page)

    async def journeys_using(self, action: str) -> tuple[str, ...]:
        """Return the names; see `Repository.journeys_using`."""

        def users(world: World) -> tuple[str, ...]:
            world.require_whole()
            found = world.records.users(Action, action)
            return tuple(user.value.name for user in found if isinstance(user.value, Journey))

        return await self._on(users)

    async def history(self, kind: type[Kept], name: str, *, limit: int = 100) -> tuple[Edit[Kept], ...]:
        """Return what was done; see `History.history`. What was done by hand is told from the next save on."""
        kind_of(kind)
        _, limit = page_bounds(None, limit)
        return await self._on(lambda world: tuple(reversed(world.chronicle.edits(kind, name)))[:limit])

    async def as_of(self, kind: type[Kept], name: str, when: datetime) -> Stored[Kept]:
        """Return the record of then; see `History.as_of`."""
        kind_of(kind)
        require_instant(when)
        stored = await self._on(lambda world: edit_at(world.chronicle.edits(kind, name), name, when))
        return _present(kind, name, stored)

    async def _on(self, work: Callable[[World], _Result]) -> _Result:
        """What `work` gives on the files of this namespace as they are now, while nobody else changes them."""
        return await self._folder.run(self.namespace, self._suffix, work)


class _Folder:
    """An open folder: one thread that works on it, and a lock that keeps other processes out meanwhile."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread: ThreadPoolExecutor | None = None
        self._process = 0
        self._worlds: dict[str, World] = {}

    def open(self) -> None:
        if self._thread is not None:
            raise StoreUnavailable("The repository is open already. Open another one for another task.")
        self._process = os.getpid()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="wayhook-folder")

    def close(self) -> None:
        """End the thread, behind what is under way."""
        thread, self._thread = self._thread, None
        if thread is not None and os.getpid() == self._process:
            thread.shutdown(wait=False)

    async def run(self, namespace: str, suffix: str, work: Callable[[World], _Result]) -> _Result:
        if self._thread is None:
            raise StoreUnavailable("The repository is not open. Use it inside of 'async with'.")
        if os.getpid() != self._process:
            raise StoreUnavailable("The repository was opened before this process was forked. Open it again here.")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: self._run(namespace, suffix, work))

    def _run(self, namespace: str, suffix: str, work: Callable[[World], _Result]) -> _Result:
        world = self._worlds.setdefault(namespace, World(self._path, namespace, suffix))
        try:
            with _locked(self._path / ".wayhook"):
                world.refresh()
                return work(world)
        except OSError as error:
            raise StoreUnavailable(f"{self._path.name} cannot be used now: {error.strerror}.") from None


@contextmanager
def _locked(aside: Path) -> Iterator[None]:
    """Be the only process that works on the folder."""
    try:
        import fcntl
    except ImportError:
        raise StoreUnavailable("A folder is locked in a way that this system does not have. Use sqlite:///.") from None
    if not aside.is_dir():
        aside.mkdir(parents=True, exist_ok=True)
        (aside / ".gitignore").write_text("*\n", encoding="utf-8")
    until = time.monotonic() + _BUSY_SECONDS
    with (aside / "lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise StoreUnavailable("Another process holds the folder. Try again when it is done.") from None
                time.sleep(_LOOK_AGAIN)
        yield


def _present(kind: type[Kept], name: str, stored: Stored[Kept] | None) -> Stored[Kept]:
    if stored is None:
        raise NotFound(kind_of(kind), name)
    return stored
