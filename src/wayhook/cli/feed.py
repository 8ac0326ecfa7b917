"""What a batch pulls from, read in a thread of its own: a source that is slow holds nobody up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from typing import Generic, Self, TypeVar

__all__ = ["Feed"]

Item = TypeVar("Item")

_AHEAD = 100


class Feed(AsyncIterator[Item], Generic[Item]):
    """Gives items one by one, reading a few of them ahead; what reading raises comes out behind the items before it.

    `is_stopped`: whether it was ended before its items were.
    """

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = items
        self._loop = asyncio.get_running_loop()
        self._read: asyncio.Queue[tuple[Item] | BaseException | None] = asyncio.Queue()
        self._room = threading.Semaphore(_AHEAD)
        self.is_stopped = False
        threading.Thread(target=self._fill, name="wayhook-feed", daemon=True).start()

    def stop(self) -> None:
        """Give nothing more."""
        self.is_stopped = True
        self._read.put_nowait(None)
        self._room.release()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        """Return the next item."""
        read = None if self.is_stopped else await self._read.get()
        if self.is_stopped or read is None:
            raise StopAsyncIteration
        if isinstance(read, BaseException):
            raise read
        self._room.release()
        return read[0]

    def _fill(self) -> None:
        try:
            for item in self._items:
                self._room.acquire()
                if self.is_stopped:
                    return
                self._tell((item,))
            self._tell(None)
        except Exception as failure:  # noqa: BLE001 - it comes out where the items do
            self._tell(failure)

    def _tell(self, read: tuple[Item] | Exception | None) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody asks any more
            self._loop.call_soon_threadsafe(self._read.put_nowait, read)
