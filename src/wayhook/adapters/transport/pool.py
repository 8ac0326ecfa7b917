"""Connections that are kept for the next request, used last in, first out, at home in one event loop and process."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, Protocol, TypeVar

from wayhook.adapters.transport.dial import Resolver
from wayhook.adapters.transport.link import buffer
from wayhook.adapters.transport.tls import Identity
from wayhook.wire import Request

__all__ = ["Key", "Pool", "at_home"]

_IDLE_SECONDS = 5.0
_ALIVE_SECONDS = 1.0
_SWEEP_SECONDS = 1.0

Key = tuple[str, Identity]
"""The name of an origin, and the client certificate: what a connection is for."""


class Kept(Protocol):
    """A connection that can be kept. `idle_since`: on the loop's clock; the pool writes it."""

    key: Key
    idle_since: float

    @property
    def is_clean(self) -> bool:
        """Whether it may serve again: nothing was left over (P19)."""
        ...

    def serves(self, request: Request) -> bool:
        """Whether it is alive, and leads where the policy of `request` allows."""
        ...

    def abort(self) -> None:
        """Close the socket now."""
        ...

    def disown(self) -> None:
        """Close our copy of the socket only."""
        ...


C = TypeVar("C", bound=Kept)


class Pool(Generic[C]):
    """The idle connections of the event loop and process that it is made in (P25).

    `loop`: the event loop. `resolver`, `buffer`: for the connections that are made here. `keeps`: False closes each
    connection after its use.
    """

    def __init__(self, *, keeps: bool = True) -> None:
        self._process, self.loop = os.getpid(), asyncio.get_running_loop()
        self._keeps = keeps
        self._sweep: asyncio.TimerHandle | None = None
        self._idle: dict[Key, deque[C]] = {}
        self.resolver, self.buffer = Resolver(), buffer()

    @property
    def is_home(self) -> bool:
        """Whether this is the loop and the process that it was made in."""
        return asyncio.get_running_loop() is self.loop and os.getpid() == self._process

    def take(self, key: Key, request: Request) -> C | None:
        """Return the connection that was used last, if `request` can use it; those that nobody can use close."""
        idle = self._idle.get(key)
        now = self.loop.time()
        while idle:
            connection = idle[-1]
            if request.fresh and connection.idle_since < now - _ALIVE_SECONDS:
                break
            idle.pop()
            if connection.idle_since >= now - _IDLE_SECONDS and connection.serves(request):
                return connection
            connection.abort()
        return None

    def keep(self, connection: C) -> None:
        """Keep a connection for the next request, or close it when the pool is closed."""
        if not self._keeps:
            connection.abort()
            return
        connection.idle_since = self.loop.time()
        idle = self._idle.get(connection.key)
        if idle is None:
            idle = self._idle[connection.key] = deque()
        idle.append(connection)
        if self._sweep is None:
            self._sweep = self.loop.call_later(_SWEEP_SECONDS, self._close_stale)

    def trim(self, key: Key, most: int) -> None:
        """Close idle connections, those first that were used long ago, until there are `most` for `key`."""
        idle = self._idle.get(key, deque())
        while len(idle) > most:
            idle.popleft().abort()

    def _close_stale(self) -> None:
        """Close what has been idle for long, of every host, once a second as long as there is any.

        Otherwise the first in would stay for ever, and everything when nobody calls any more.
        """
        if not self.is_home:  # a forked process has the timer, too
            return
        now = self.loop.time()
        for key, idle in list(self._idle.items()):
            while idle and (idle[0].idle_since < now - _IDLE_SECONDS or not idle[0].is_clean):
                idle.popleft().abort()
            if not idle:
                del self._idle[key]
        self._sweep = self.loop.call_later(_SWEEP_SECONDS, self._close_stale) if self._idle else None

    def close(self) -> None:
        """Close every idle connection; one that is in use closes when its call ends."""
        self._keeps = False
        for idle in self._idle.values():
            while idle:
                idle.pop().abort()
        if self._sweep is not None:
            self._sweep.cancel()

    def give_up(self) -> None:
        """Let go of everything, seen from another loop or a forked process, and disturb neither."""
        self._keeps = False
        if os.getpid() == self._process and not self.loop.is_closed():
            with suppress(RuntimeError):  # it may end meanwhile
                self.loop.call_soon_threadsafe(self.close)
            return
        for idle in self._idle.values():
            while idle:
                idle.pop().disown()


P = TypeVar("P", bound=Pool[Any])


def at_home(pool: P | None, make: Callable[[], P]) -> P:
    """Return the pool if it is at home here, else one that is made here; the other is given up."""
    if pool is not None:
        if pool.is_home:
            return pool
        pool.give_up()
    return make()
