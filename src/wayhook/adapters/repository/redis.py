"""A repository in Redis; needs the extra `redis`."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Self, TypeVar
from uuid import uuid4

from wayhook.errors import DefinitionError, MissingExtra, NotFound, StoreUnavailable, Violation
from wayhook.execution.ports import Page
from wayhook.model.action import Action
from wayhook.model.guardrail import Guardrails, edition_of
from wayhook.model.record import (
    Change,
    Definition,
    Edit,
    Kept,
    Stored,
    edit_at,
    kind_of,
    page_bounds,
    require_instant,
    require_namespace,
)
from wayhook.model.storage import admit, admit_deletion

if TYPE_CHECKING:
    from redis import Redis

    from wayhook.adapters.repository.redis_shelf import RedisShelf

__all__ = ["RedisRepository"]

_TIMEOUT = 5.0
_TRIES = 1000
_Result = TypeVar("_Result")


class RedisRepository:
    """Keeps definitions in Redis; see `Repository`, `History` and `Namespaced` for what is promised.

    An async context manager. `url`: such as `redis://user:password@host:6379/0`, `rediss://…` with TLS. `prefix`: of
    its keys. `guardrails`: the edition that a value must keep to be saved; `standard` unless given. `now`: gives the
    date and time of changes, with an offset.

    Any number of processes may use the same Redis: a save is one transaction, which is judged anew when another writer
    of the namespace came between. What was saved outlives Redis as far as that is told to keep it on disk
    (`appendfsync always` keeps all of it). Raises `MissingExtra` without the library.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "wayhook",
        guardrails: Guardrails | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if not isinstance(url, str) or not url.startswith(("redis://", "rediss://")):
            raise DefinitionError([Violation("$", "write redis://host:6379/0, or rediss:// for TLS")])
        if not isinstance(prefix, str) or not prefix or not prefix.isprintable() or set(prefix) & set("{}"):
            raise DefinitionError([Violation("$.prefix", "a prefix is printable text without braces, such as wayhook")])
        if find_spec("redis") is None:
            raise MissingExtra("a repository in Redis needs redis: pip install 'wayhook[redis]'")
        from redis import Redis

        self.guardrails = edition_of(guardrails)
        self.namespace = "default"
        self._prefix, self._now = prefix, now
        try:
            self._client: Redis = Redis.from_url(
                url, decode_responses=True, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT
            )
        except ValueError as error:
            raise DefinitionError([Violation("$", f"this is no URL of Redis: {error}")]) from None

    @classmethod
    def from_url(cls, url: str, guardrails: Guardrails | None) -> Self:
        """Open `redis://…` or `rediss://…`."""
        return cls(url, guardrails=guardrails)

    def within(self, namespace: str) -> Self:
        """Return the repository of another namespace; see `Namespaced.within`."""
        other = copy.copy(self)
        other.namespace = require_namespace(namespace)
        return other

    def __repr__(self) -> str:
        return f"<RedisRepository {self._place}, namespace {self.namespace}>"

    @property
    def _place(self) -> str:
        settings = self._client.connection_pool.connection_kwargs
        return f"{settings.get('host', 'localhost')}:{settings.get('port', 6379)}/{settings.get('db', 0)}"

    async def __aenter__(self) -> Self:
        try:
            await self._read(lambda _: self._client.ping())
        except BaseException:
            self._client.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._client.close()

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
        return await self._read(lambda shelf: tuple(reversed(shelf.edits(kind, name, limit)))[:limit])

    async def as_of(self, kind: type[Kept], name: str, when: datetime) -> Stored[Kept]:
        """Return the record of then; see `History.as_of`."""
        kind_of(kind)
        require_instant(when)
        stored = await self._read(lambda shelf: edit_at(shelf.edits(kind, name), name, when))
        return _present(kind, name, stored)

    async def _read(self, work: Callable[[RedisShelf], _Result]) -> _Result:
        from wayhook.adapters.repository.redis_shelf import RedisShelf

        return await self._on_thread(lambda: work(RedisShelf(self._client, self._prefix, self.namespace)))

    async def _change(self, judge: Callable[[RedisShelf], Change]) -> Change:
        """Judge a change and carry it out; judge it anew when another writer came between."""
        from redis import WatchError

        from wayhook.adapters.repository.redis_shelf import RedisShelf

        def changed() -> Change:
            with self._client.pipeline() as pipeline:
                shelf = RedisShelf(pipeline, self._prefix, self.namespace)
                for _ in range(_TRIES):
                    pipeline.watch(shelf.revision)  # type: ignore[no-untyped-call]
                    change = judge(shelf)
                    shelf.apply(change, pipeline)
                    try:
                        pipeline.execute()
                    except WatchError:
                        continue
                    return change
            raise StoreUnavailable(f"{self._place}: other writers came between {_TRIES} times. Try again.")

        return await self._on_thread(changed)

    async def _on_thread(self, work: Callable[[], _Result]) -> _Result:
        from redis import RedisError

        def translated() -> _Result:
            try:
                return work()
            except RedisError as error:
                said = str(error).partition("\n")[0][:200] or type(error).__name__
                raise StoreUnavailable(f"{self._place} cannot be used now: {said}.") from None

        return await asyncio.to_thread(translated)


def _present(kind: type[Kept], name: str, stored: Stored[Kept] | None) -> Stored[Kept]:
    if stored is None:
        raise NotFound(kind_of(kind), name)
    return stored
