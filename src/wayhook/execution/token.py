"""Access tokens: asked for once by many callers, kept for a while, given to each call.

Section 3.7 of the rules (R116 to R123); section 7 of `reference/reliability.md`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from heapq import heappop, heappush
from itertools import count

import attrs

from wayhook.errors import AuthenticationFailed, Delivery, RepositoryError
from wayhook.execution.ports import Clock, Randomness, StoredToken, TokenStore
from wayhook.model.token import TokenCall
from wayhook.secret import AccessToken, Revealed

__all__ = ["Fetch", "Granted", "Refused", "Tokens"]

_LOG = logging.getLogger("wayhook")
_REFUSAL = 1.0
_AGAIN = 1.0
"""Seconds after which an early renewal that failed is tried again."""
_FETCH = 30.0
_LOOK_UP, _WRITE, _CLOSING = 0.5, 3.0, 3.0
"""Seconds that a store has to give a token, to keep or forget one, and to end with that when the executor closes."""
_MARGIN, _LONGEST_MARGIN = 0.1, 59.0  # a token of an hour still serves after 59 minutes (R117)


@attrs.frozen(repr=False)
class Granted:
    """A token's text, and for how many seconds it is good; 0 for the calls that wait for it only.

    `texts`: of calls that have no secret but the token.
    """

    text: str
    lifetime: float
    texts: Revealed = attrs.field(init=False, eq=False)

    @texts.default
    def _of_the_token(self) -> Revealed:
        return Revealed({AccessToken(): self.text})

    def __repr__(self) -> str:
        return "<Granted ***>"


@attrs.frozen
class Refused:
    """Why the endpoint's answer gave no token; asking again at once would bring the same."""

    reason: str


Found = Granted | Refused
Key = tuple[Hashable, str | None]
Fetch = Callable[[Callable[[], float]], Awaitable[Found]]
"""Asks for a token; the argument tells, each time, how long somebody waits for it."""


@attrs.define(repr=False)
class _Kept:
    """What was found, when it ends, and when it is renewed if somebody uses it then."""

    found: Found
    until: float
    renewed_from: float


@attrs.define(repr=False)
class _Flight:
    """One request for a token that is under way, how many wait for it, and until when the most patient does."""

    task: asyncio.Task[Found] = attrs.field(init=False)
    waiting: int = 0
    deadline: float = 0.0


@attrs.define(repr=False)
class Tokens:
    """The tokens of one executor, in memory (R123), and in `store` where there is one.

    One request serves all who wait for the same token. It runs as a task of its own, so that a cancelled caller
    does not take it away from the others; it ends with the last who waits. A failure is handed to all who wait
    and is not kept; but a refusal is, for a second, so that many callers with a wrong secret lock no account.
    A token that ends soon is renewed while it still serves, so that nobody waits (P37). Nor does anybody wait until a
    store has kept or forgotten one.
    """

    clock: Clock
    random: Randomness
    store: TokenStore | None = None
    _kept: dict[Key, _Kept] = attrs.Factory(dict)
    _flights: dict[Key, _Flight] = attrs.Factory(dict)
    _dropped: dict[Key, Granted] = attrs.Factory(dict)
    _tasks: set[asyncio.Task[Found]] = attrs.Factory(set)
    _writes: set[asyncio.Task[None]] = attrs.Factory(set)
    _writing: asyncio.Lock = attrs.Factory(asyncio.Lock)
    _ends: list[tuple[float, int, Key]] = attrs.Factory(list)  # a heap: when, the how-manieth, which
    _holds: Iterator[int] = attrs.Factory(count)

    async def get(self, call: TokenCall, journey: str | None, fetch: Fetch, deadline: float) -> Granted:
        """Return a token that has not expired, kept or fetched; each journey has its own (R122).

        `deadline`: how long the caller waits. Raises what `fetch` raises, and `AuthenticationFailed` when the token is
        refused or the executor closes.
        """
        key, now = (call.key, journey), self.clock.monotonic()
        kept = self._kept.get(key)
        if kept is None or now >= kept.until:
            found = await self._awaited(key, call, fetch, deadline)
        else:
            found = kept.found
            if now >= kept.renewed_from and key not in self._flights:
                kept.renewed_from = now + _AGAIN
                self._renew(key, call, fetch)
        if isinstance(found, Refused):
            raise AuthenticationFailed(found.reason)
        return found

    async def _awaited(self, key: Key, call: TokenCall, fetch: Fetch, deadline: float) -> Found:
        flight = self._flights.get(key) or self._started(key, call, fetch)
        flight.waiting += 1
        flight.deadline = max(flight.deadline, deadline)
        try:
            return await asyncio.shield(flight.task)
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if flight.task.cancelled() and caller is not None and not caller.cancelling():
                message = "the executor was closed before the token came"
                raise AuthenticationFailed(message, delivery=Delivery.UNAVAILABLE) from None
            raise
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                await self._land(key, flight)

    def _started(self, key: Key, call: TokenCall, fetch: Fetch) -> _Flight:
        flight = self._flights[key] = _Flight()
        flight.task = asyncio.ensure_future(self._found(key, call, lambda: fetch(lambda: flight.deadline)))
        self._tasks.add(flight.task)
        flight.task.add_done_callback(self._tasks.discard)
        return flight

    async def _land(self, key: Key, flight: _Flight) -> None:
        """Nobody waits any more: end the request, and leave no task behind."""
        if self._flights.get(key) is flight:
            del self._flights[key]
        if not flight.task.done():
            flight.task.cancel()
            await asyncio.wait([flight.task])

    def _renew(self, key: Key, call: TokenCall, fetch: Fetch) -> None:
        """Ask for the next token while the one before serves; what fails then is tried again, and harms nobody."""
        flight = self._started(key, call, fetch)
        flight.waiting, flight.deadline = 1, self.clock.monotonic() + _FETCH

        def landed(task: asyncio.Task[Found]) -> None:
            flight.waiting -= 1
            if not flight.waiting and self._flights.get(key) is flight:
                del self._flights[key]
            if not task.cancelled() and (failure := task.exception()) is not None:
                _LOG.warning("a token could not be renewed before it ends: %s", type(failure).__name__)

        flight.task.add_done_callback(landed)

    def drop(self, call: TokenCall, journey: str | None, token: Granted) -> None:
        """Forget a token that was refused, unless another has taken its place."""
        key = (call.key, journey)
        kept = self._kept.get(key)
        if kept is not None and _is(kept.found, token):
            del self._kept[key]
        if self.store is not None:
            self._dropped[key] = token
            self._write(partial(self.store.drop, call.digest(journey), StoredToken(token.text, token.lifetime)))

    async def _found(self, key: Key, call: TokenCall, fetch: Callable[[], Awaitable[Found]]) -> Found:
        found: Found | None = await self._stored(key, call)
        if found is not None:
            self._keep(key, found)
            return found
        found = await fetch()
        self._keep(key, found)
        if self.store is not None and isinstance(found, Granted) and found.lifetime > 0:
            self._write(partial(self._put, self.store, call.digest(key[1]), key, found))
        return found

    async def _stored(self, key: Key, call: TokenCall) -> Found | None:
        """What another process has left, or this one before it was started; not what ends soon or was refused."""
        if self.store is None or call.cache_duration.seconds == 0:
            return None
        kept, stored = self._kept.get(key), None
        async with _tolerated(_LOOK_UP):
            stored = await self.store.get(call.digest(key[1]))
        found = None if stored is None else Granted(stored.text, stored.seconds)
        is_known = _is(self._dropped.get(key), found) or _is(kept.found if kept else None, found)
        return None if is_known else found

    async def _put(self, store: TokenStore, digest: str, key: Key, token: Granted) -> None:
        await store.put(digest, StoredToken(token.text, token.lifetime))
        if not _is(self._dropped.get(key), token):
            self._dropped.pop(key, None)  # the store has another one instead

    def _write(self, change: Callable[[], Awaitable[None]]) -> None:
        """Change the store, in a task that ends with the executor: who waits for a token does not wait for that."""
        task = asyncio.create_task(self._written(change))
        self._writes.add(task)
        task.add_done_callback(self._was_written)

    async def _written(self, change: Callable[[], Awaitable[None]]) -> None:
        """One change after another, so that what is said last about a token counts."""
        async with self._writing, _tolerated(_WRITE):
            await change()

    def _was_written(self, task: asyncio.Task[None]) -> None:
        self._writes.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            _LOG.warning("the token store failed: %s", type(failure).__name__)

    def _keep(self, key: Key, found: Found) -> None:
        """Keep what was found as long as it is good; a token that still serves is not given up for a refusal."""
        now = self.clock.monotonic()
        self._forget(now)
        if isinstance(found, Refused):
            if key not in self._kept:
                self._hold(key, _Kept(found, now + _REFUSAL, now + _REFUSAL))
        elif found.lifetime > 0:
            margin, until = min(found.lifetime * _MARGIN, _LONGEST_MARGIN), now + found.lifetime
            self._hold(key, _Kept(found, until - margin / 4, until - margin * (1 - self.random() / 2)))

    def _hold(self, key: Key, kept: _Kept) -> None:
        self._kept[key] = kept
        heappush(self._ends, (kept.until, next(self._holds), key))

    def _forget(self, now: float) -> None:
        """Forget what has ended, and look at nothing else."""
        while self._ends and self._ends[0][0] <= now:
            _, _, key = heappop(self._ends)
            if key in self._kept and self._kept[key].until <= now:
                del self._kept[key]

    async def aclose(self) -> None:
        """End the requests under way, and let the store end with what it was given."""
        for task in (tasks := list(self._tasks)):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        writes = list(self._writes)
        try:
            if writes:
                await asyncio.wait(writes, timeout=_CLOSING)
        finally:
            for write in writes:
                write.cancel()
            await asyncio.gather(*writes, return_exceptions=True)


def _is(found: Found | None, token: Granted | None) -> bool:
    return isinstance(found, Granted) and token is not None and found.text == token.text


@asynccontextmanager
async def _tolerated(seconds: float) -> AsyncIterator[None]:
    """A store that cannot be used, or takes longer than `seconds`, costs a token request, and no call."""
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise
        _LOG.warning("the token store did not answer within %s seconds", seconds)
    except RepositoryError as error:
        _LOG.warning("the token store cannot be used: %s", error)
