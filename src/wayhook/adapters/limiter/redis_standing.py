"""Standings in Redis; needs the extra `redis`.

Below the prefix: `standing:<destination>` is the text of one, which ends by itself; `known` is a sorted set of
destinations by when their texts end; `news` is the channel. All keys have one hash tag.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, Self

from wayhook.adapters.limiter.ledger import LedgerStandings, Swap, opened_news, packed_news
from wayhook.errors import DefinitionError, MissingExtra, StoreUnavailable, Violation
from wayhook.execution.ports import Standing, system_random

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.client import PubSub

__all__ = ["RedisStandings"]

_TIMEOUT = 3.0
_ALIVE = 2.0
"""Seconds of silence after which the connection for news is asked whether it is alive."""
_TIME = "local t = redis.call('TIME') local now = t[1] + t[2] / 1000000 "
_READ = _TIME + "return {redis.call('GET', KEYS[1]), string.format('%.6f', now)}"
_SWAP = (
    _TIME
    + """
local text = redis.call('GET', KEYS[1])
if (text or '') ~= ARGV[1] then return {0, text, string.format('%.6f', now)} end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
redis.call('ZADD', KEYS[2], now + ARGV[3] / 1000, ARGV[4])
if ARGV[5] ~= '' then redis.call('PUBLISH', KEYS[3], ARGV[5]) end
return {1}
"""
)


class RedisStandings(LedgerStandings):
    """Shares pauses, breakers and the budget of repeats through Redis; see `Standings` for what is promised.

    An async context manager, for one event loop. `url`: such as `redis://user:password@host:6379/0`, `rediss://…` with
    TLS. `prefix`: of its keys; who has the same one shares. `when_away`: what a process does while Redis does not
    answer within a second: `"share"`, go by what it knows and by its share of the budget, or `"refuse"`, call
    nobody. `processes`: how many share the budget then, 1 to 10,000; without it nothing is repeated. Times are those of
    Redis. Raises `MissingExtra` without the library.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "wayhook",
        when_away: Literal["share", "refuse"] = "share",
        processes: int | None = None,
    ) -> None:
        if not isinstance(url, str) or not url.startswith(("redis://", "rediss://")):
            raise DefinitionError([Violation("$", "write redis://host:6379/0, or rediss:// for TLS")])
        if not isinstance(prefix, str) or not prefix or not prefix.isprintable() or set(prefix) & set("{}"):
            raise DefinitionError([Violation("$.prefix", "a prefix is printable text without braces, such as wayhook")])
        super().__init__(when_away, processes, system_random)
        if find_spec("redis") is None:
            raise MissingExtra("standings in Redis need redis: pip install 'wayhook[redis]'")
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        self._below = f"{{{prefix}}}:"
        try:
            self._client: Redis = Redis.from_url(
                url,
                decode_responses=True,
                socket_timeout=_TIMEOUT,
                socket_connect_timeout=_TIMEOUT,
                retry=Retry(NoBackoff(), 1),
            )
        except ValueError as error:
            raise DefinitionError([Violation("$", f"this is no URL of Redis: {error}")]) from None
        self._reading, self._swapping = self._client.register_script(_READ), self._client.register_script(_SWAP)

    def __repr__(self) -> str:
        return f"<RedisStandings {self.place}>"

    @property
    def place(self) -> str:
        """Where it is, without a password."""
        settings = self._client.connection_pool.connection_kwargs
        return f"{settings.get('host', 'localhost')}:{settings.get('port', 6379)}/{settings.get('db', 0)}"

    async def __aenter__(self) -> Self:
        """Connect; a store that cannot be reached is told of when somebody calls."""
        with suppress(StoreUnavailable):
            await self._read("")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def _read(self, name: str) -> tuple[str | None, float]:
        text, now = await self._done(self._reading([self._key(name)]))
        return text, float(now)

    async def _swap(self, name: str, old: str | None, new: str, lifetime: float, news: Standing | None) -> Swap:
        keys = [self._key(name), f"{self._below}known", f"{self._below}news"]
        told = "" if news is None else packed_news(name, news)
        is_made, *found = await self._done(self._swapping(keys, [old or "", new, int(lifetime * 1000), name, told]))
        return Swap(True) if is_made else Swap(False, found[0], float(found[1]))

    @asynccontextmanager
    async def news(self, hear: Callable[[str, Standing], None]) -> AsyncIterator[Awaitable[None]]:
        """Hear of each change; see `Standings`."""
        channel = self._client.pubsub()
        try:
            await self._done(channel.subscribe(f"{self._below}news"))
            await self._done(channel.get_message(timeout=_TIMEOUT))  # that it is subscribed
            for name, standing in await self._known():
                hear(name, standing)
            listening = asyncio.ensure_future(self._listen(channel, hear))
            try:
                yield listening
            finally:
                listening.cancel()
                await asyncio.wait([listening])
        finally:
            await channel.aclose()  # type: ignore[no-untyped-call]

    async def _known(self) -> list[tuple[str, Standing]]:
        names = await self._done(self._client.zrange(f"{self._below}known", 0, -1))
        found = [(name, *await self._read(name)) for name in names]
        return [self._heard(name, text, now) for name, text, now in found if text is not None]

    async def _listen(self, channel: PubSub, hear: Callable[[str, Standing], None]) -> None:
        """Hear until the connection is lost; one that was made again behind our back has missed something."""
        is_asked = False
        while True:
            message = await self._done(channel.get_message(timeout=_ALIVE))
            if message is None:
                if is_asked:
                    raise StoreUnavailable(f"{self.place} does not answer.")
                await self._done(channel.ping())
                is_asked = True
                continue
            is_asked = False
            if message["type"] == "subscribe":
                return
            if message["type"] == "message":
                hear(*opened_news(message["data"]))

    async def _done(self, work: Awaitable[Any]) -> Any:
        from redis import RedisError

        try:
            return await work
        except (RedisError, OSError) as error:
            said = str(error).partition("\n")[0][:200] or type(error).__name__
            raise StoreUnavailable(f"{self.place} cannot be used now: {said}.") from None

    def _key(self, name: str) -> str:
        return f"{self._below}standing:{name}"
