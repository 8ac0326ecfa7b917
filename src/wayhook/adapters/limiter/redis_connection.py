"""The way to Redis of limits and standings; needs the extra `redis`."""

from __future__ import annotations

from collections.abc import Awaitable
from importlib.util import find_spec
from inspect import iscoroutine, iscoroutinefunction
from typing import TYPE_CHECKING, Any, cast

from wayhook.adapters.limiter.address import require_address
from wayhook.adapters.limiter.home import Home
from wayhook.errors import DefinitionError, MissingExtra, StoreUnavailable, Violation

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["RedisConnection", "require_prefix"]

_TIMEOUT = 3.0


class RedisConnection:
    """A client, of ours or of the host, which alone closes its own. `purpose`: what goes through it."""

    def __init__(self, where: str | Redis, purpose: str) -> None:
        self._is_ours, self._is_closed = isinstance(where, str), False
        self._home = Home(purpose)
        self.client = _client(where, purpose) if isinstance(where, str) else _given(where)

    @property
    def place(self) -> str:
        """Where it is, without a password."""
        settings = self.client.connection_pool.connection_kwargs
        return f"{settings.get('host', 'localhost')}:{settings.get('port', 6379)}/{settings.get('db', 0)}"

    def open(self) -> None:
        """Let it be used, again if it was closed."""
        self._is_closed = False

    async def close(self) -> None:
        """Close the connections, if they are ours; nothing goes through any more."""
        self._is_closed = True
        if self._is_ours and not self._home.is_gone:
            await self.client.aclose()

    async def done(self, work: Awaitable[Any]) -> Any:
        """Return what Redis answers; everything that goes wrong is `StoreUnavailable`."""
        from redis import RedisError

        try:
            self._home.require()
            if self._is_closed:
                raise StoreUnavailable(f"{self.place} cannot be used now: it was closed here.")
        except BaseException:
            if iscoroutine(work):
                work.close()
            raise
        try:
            return await work
        except (RedisError, OSError) as error:
            said = str(error).partition("\n")[0][:200].rstrip(".") or type(error).__name__
            raise StoreUnavailable(f"{self.place} cannot be used now: {said}.") from None


def require_prefix(prefix: object) -> str:
    """Return a prefix of keys; raises `DefinitionError` for what is none."""
    if not isinstance(prefix, str) or not prefix or not prefix.isprintable() or set(prefix) & set("{}"):
        raise DefinitionError([Violation("$.prefix", "a prefix is printable text without braces, such as wayhook")])
    return prefix


def _client(url: str, purpose: str) -> Redis:
    require_address(url, ("redis://", "rediss://"), "redis://host:6379/0, or rediss:// for TLS")
    if find_spec("redis") is None:
        raise MissingExtra(f"{purpose} in Redis need redis: pip install 'wayhook[redis]'")
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    timeouts: dict[str, Any] = {"socket_timeout": _TIMEOUT, "socket_connect_timeout": _TIMEOUT}
    try:
        return Redis.from_url(url, retry=Retry(NoBackoff(), 1), **timeouts)
    except ValueError:
        raise DefinitionError([Violation("$", "this is no URL of Redis: see its port and settings")]) from None


def _given(client: object) -> Redis:
    script = getattr(client, "register_script", None)
    if script is None or not iscoroutinefunction(getattr(client, "aclose", None)):
        raise DefinitionError([Violation("$", "write redis://host:6379/0, or give a redis.asyncio.Redis")])
    return cast("Redis", client)
