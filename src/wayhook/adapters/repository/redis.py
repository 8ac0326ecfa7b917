"""A repository in Redis; needs the extra `redis`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Self, TypeVar

from wayhook.adapters.repository.shelving import ShelfRepository
from wayhook.errors import DefinitionError, MissingExtra, StoreUnavailable, Violation
from wayhook.execution.clock import in_utc
from wayhook.model.guardrail import Guardrails
from wayhook.model.record import (
    Change,
)

if TYPE_CHECKING:
    from redis import Redis

    from wayhook.adapters.repository.redis_shelf import RedisShelf

__all__ = ["RedisRepository"]

_TIMEOUT = 5.0
_TRIES = 1000
_Result = TypeVar("_Result")


class RedisRepository(ShelfRepository):
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
        now: Callable[[], datetime] = in_utc,
    ) -> None:
        if not isinstance(url, str) or not url.startswith(("redis://", "rediss://")):
            raise DefinitionError([Violation("$", "write redis://host:6379/0, or rediss:// for TLS")])
        if not isinstance(prefix, str) or not prefix or not prefix.isprintable() or set(prefix) & set("{}"):
            raise DefinitionError([Violation("$.prefix", "a prefix is printable text without braces, such as wayhook")])
        if find_spec("redis") is None:
            raise MissingExtra("a repository in Redis needs redis: pip install 'wayhook[redis]'")
        from redis import Redis

        super().__init__(guardrails, now)
        self._prefix = prefix
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
