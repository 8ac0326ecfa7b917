"""A repository in a folder of JSON or YAML files, one for each definition: for people, for reviews, and for git."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Self, TypeVar
from urllib.parse import parse_qs, unquote

from wayhook.adapters.repository.folder_world import World
from wayhook.adapters.repository.shelving import ShelfRepository
from wayhook.errors import DefinitionError, MissingExtra, StoreUnavailable, Violation
from wayhook.execution.clock import in_utc
from wayhook.model.guardrail import Guardrails
from wayhook.model.record import Change

__all__ = ["FolderRepository"]

_BUSY_SECONDS = 10.0
_LOOK_AGAIN = 0.01
_Result = TypeVar("_Result")


class FolderRepository(ShelfRepository):
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
        now: Callable[[], datetime] = in_utc,
    ) -> None:
        if not isinstance(path, str | Path) or not str(path) or "\0" in str(path):
            raise DefinitionError([Violation("$.path", "give the path of a folder")])
        if format not in ("json", "yaml"):
            raise DefinitionError([Violation("$.format", "files are of the format json or yaml")])
        if format == "yaml" and find_spec("ruamel.yaml") is None:
            raise MissingExtra("files of YAML need ruamel.yaml: pip install 'wayhook[yaml]'")
        self.path = Path(path)
        super().__init__(guardrails, now)
        self._suffix = f".{format}"
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

    async def __aenter__(self) -> Self:
        self._folder.open()
        try:
            await self._read(World.refresh)
        except BaseException:
            self._folder.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._folder.close()

    async def _read(self, work: Callable[[World], _Result]) -> _Result:
        return await self._folder.run(self.namespace, self._suffix, work)

    async def _change(self, judge: Callable[[World], Change]) -> Change:
        def changed(world: World) -> Change:
            change = judge(world)
            world.commit(change)
            return change

        return await self._read(changed)


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
