"""Where a batch takes its contexts from: an iterable, sync or async, endless or not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Iterable, Iterator
from inspect import isasyncgen
from typing import Generic, TypeVar

from wayhook.errors import DefinitionError, Violation

__all__ = ["Source"]

Item = TypeVar("Item")


class Source(Generic[Item]):
    """Gives its items one by one to many who ask at once; when `most` are not done with, it lets them wait.

    `pulled`: how many it gave. `done`: how many of these are done with.
    """

    def __init__(self, items: Iterable[Item] | AsyncIterable[Item], most: int) -> None:
        if not isinstance(items, Iterable | AsyncIterable):
            kind = type(items).__name__
            raise DefinitionError([Violation("$.contexts", f"give an iterable of contexts, sync or async, not {kind}")])
        self._items, self._most = items, most
        self._low = most - (most + 3) // 4
        self._sync: Iterator[Item] | None = None
        self._async: AsyncIterator[Item] | None = None
        self._pulling, self._room = asyncio.Lock(), asyncio.Event()
        self._over: Exception | None = None
        self._asking: asyncio.Task[object] | None = None
        self.pulled = self.done = 0
        self._is_async = isinstance(items, AsyncIterable)

    def at_hand(self) -> tuple[int, Item] | None:
        """Return what `pull` would, where that takes no waiting; None otherwise, and raises nothing."""
        if self._sync is None or self._over is not None or self.pulled - self.done >= self._most:
            return None
        try:
            item = next(self._sync)
        except StopIteration:
            self._over = StopAsyncIteration()
        except Exception as over:  # noqa: BLE001 - the source is the caller's: it comes out as it is
            self._over = over
        else:
            self.pulled += 1
            return self.pulled - 1, item
        return None

    def pull(self) -> Awaitable[tuple[int, Item]]:
        """Return the next item and its place, from 0; raises `StopAsyncIteration`, and what the items raise.

        Items that ended or failed are not asked again; all who ask are told the same.
        """
        return self._in_turn() if self._is_async else self._taken()

    async def _in_turn(self) -> tuple[int, Item]:
        async with self._pulling:  # an async generator serves one at a time
            return await self._taken()

    async def _taken(self) -> tuple[int, Item]:
        if self.pulled - self.done >= self._most:
            await self._wait_for_room()
        if self._over is not None:
            raise self._over
        try:
            if isinstance(self._items, AsyncIterable):
                self._async = self._async or aiter(self._items)
                item = await self._arrived(self._async)
                self.pulled += 1
                return self.pulled - 1, item
            self._sync = self._sync or iter(self._items)
        except Exception as over:  # noqa: BLE001 - the source is the caller's: it comes out as it is
            self._over = over
        if (found := self.at_hand()) is not None:
            return found
        assert self._over is not None  # noqa: S101 - there is room, and nobody else was asked meanwhile
        raise self._over

    async def _arrived(self, items: AsyncIterator[Item]) -> Item:
        """The next item, when it comes, unless the source is ended before."""
        task = self._asking = asyncio.current_task()
        assert task is not None  # noqa: S101 - workers are tasks
        try:
            return await anext(items)
        except asyncio.CancelledError:
            if self._over is None or task.uncancel():
                raise
            raise self._over from None
        finally:
            self._asking = None

    async def _wait_for_room(self) -> None:
        while self._over is None and self.pulled - self.done >= self._most:
            self._room.clear()
            await self._room.wait()

    def finish(self) -> None:
        """One more item is done with. Waking all who wait for each place would cost more with each of them."""
        self.done += 1
        if self.pulled - self.done <= self._low:
            self._room.set()

    def end(self) -> None:
        """Give no more items; whoever waits for one is told that they are over."""
        self._over = self._over or StopAsyncIteration()
        self._room.set()
        if self._asking is not None:
            self._asking.cancel()

    async def aclose(self) -> None:
        """Close items that are an async generator."""
        if isasyncgen(self._items):
            await self._items.aclose()
