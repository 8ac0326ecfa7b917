"""Standings in Redis; needs the extra `redis`.

Below the prefix: `standing:<destination>` is the text of one, which ends by itself; `known` is a sorted set of
destinations by when their texts end; `news` is the channel. All keys have one hash tag.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Self

from wayhook.adapters.limiter.absence import WhenAway
from wayhook.adapters.limiter.ledger import LedgerStandings, Swap, packed_news
from wayhook.adapters.limiter.redis_connection import RedisConnection, require_prefix
from wayhook.errors import StoreUnavailable
from wayhook.execution.ports import Standing, system_random
from wayhook.model.record import require_namespace

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.client import PubSub

__all__ = ["RedisBook", "RedisStandings"]

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
if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[2], ARGV[3]) end
if ARGV[5] ~= '' then redis.call('PUBLISH', KEYS[3], ARGV[5]) end
return {1}
"""
)


class RedisBook(LedgerStandings):
    """Standings in one namespace, through a connection that somebody else opens and closes."""

    def __init__(
        self, connection: RedisConnection, prefix: str, namespace: str, when_away: WhenAway, processes: int | None
    ) -> None:
        super().__init__(when_away, processes, system_random)
        self._connection, self._client = connection, connection.client
        self._below = f"{prefix}:{{standings:{namespace}}}:"
        self._reading, self._swapping = self._client.register_script(_READ), self._client.register_script(_SWAP)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.place}>"

    @property
    def place(self) -> str:
        """Where it is, without a password."""
        return self._connection.place

    async def _read(self, name: str) -> tuple[str | None, float]:
        text, now = await self._connection.done(self._reading([self._key(name)]))
        return _plain(text), float(now)

    async def _swap(self, name: str, old: str | None, new: str, lifetime: float, news: Standing | None) -> Swap:
        keys = [self._key(name), f"{self._below}known", f"{self._below}news"]
        told = "" if news is None else packed_news(name, news)
        is_made, *found = await self._connection.done(
            self._swapping(keys, [old or "", new, int(lifetime * 1000), name, told])
        )
        return Swap(True) if is_made else Swap(False, _plain(found[0]), float(found[1]))

    @asynccontextmanager
    async def news(self, hear: Callable[[str, Standing], None]) -> AsyncIterator[Awaitable[None]]:
        """Hear of each change; see `Standings`."""
        channel = self._client.pubsub()
        try:
            await self._connection.done(channel.subscribe(f"{self._below}news"))
            await self._connection.done(channel.get_message(timeout=_TIMEOUT))  # that it is subscribed
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
        names = await self._connection.done(self._client.zrange(f"{self._below}known", 0, -1))
        found = [(name, *await self._read(name)) for name in map(_plain, names) if name is not None]
        return [self._heard(name, text, now) for name, text, now in found if text is not None]

    async def _listen(self, channel: PubSub, hear: Callable[[str, Standing], None]) -> None:
        """Hear until the connection is lost; one that was made again behind our back has missed something."""
        is_asked = False
        while True:
            message = await self._connection.done(channel.get_message(timeout=_ALIVE))
            if message is None:
                if is_asked:
                    raise StoreUnavailable(f"{self.place} does not answer.")
                await self._connection.done(channel.ping())
                is_asked = True
                continue
            is_asked = False
            if message["type"] == "subscribe":
                return
            if message["type"] == "message":
                self._pass_on(str(_plain(message["data"])), hear)

    def _key(self, name: str) -> str:
        return f"{self._below}standing:{name}"


class RedisStandings(RedisBook):
    """Shares pauses, breakers and the budget of repeats through Redis; see `Standings` for what is promised.

    An async context manager, for one event loop; a `RedisLimiter` brings the same along. `where`: such as
    `redis://user:password@host:6379/0`, `rediss://…` with TLS, or a `redis.asyncio.Redis` of the host's, which stays
    open. `namespace`: who has the same one shares. `prefix`: of its keys.

    `when_away`: what a process does while Redis does not answer within a second: `"refuse"`, call nobody, or
    `"share"`, go by what it knows, and by its share of the budget, which is divided by `processes`, 1 to 10,000. Times
    are those of Redis. Raises `DefinitionError` for a setting that is none, `MissingExtra` without the library.
    """

    def __init__(
        self,
        where: str | Redis,
        *,
        namespace: str = "default",
        prefix: str = "wayhook",
        when_away: WhenAway = "refuse",
        processes: int | None = None,
    ) -> None:
        connection = RedisConnection(where, "standings")
        super().__init__(connection, require_prefix(prefix), require_namespace(namespace), when_away, processes)

    async def __aenter__(self) -> Self:
        """Connect; a store that cannot be reached is told of when somebody calls."""
        self._connection.open()
        with suppress(StoreUnavailable):
            await self._read("")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()


def _plain(text: str | bytes | None) -> str | None:
    """The text of an answer: a client of the host's may decode it or not."""
    return text.decode() if isinstance(text, bytes) else text
