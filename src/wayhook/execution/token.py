"""Access tokens: asked for once by many callers, kept for a while, given to each call.

Section 3.7 of the rules (R116 to R123); section 7 of `reference/reliability.md`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable

import attrs

from wayhook.errors import AuthenticationFailed, Delivery
from wayhook.execution.ports import Clock
from wayhook.model.token import TokenCall

__all__ = ["Granted", "Token", "Tokens"]

_LONGEST_FETCH = 31.0
_REFUSAL_KEPT = 1.0
_MARGIN, _LONGEST_MARGIN = 0.1, 59.0  # a token of an hour still serves after 59 minutes (R117)


@attrs.frozen(repr=False)
class Granted:
    """A token's text, and for how many seconds it is good; 0 for the calls that wait for it only."""

    text: str
    lifetime: float

    def __repr__(self) -> str:
        return "<Granted ***>"


@attrs.frozen(repr=False)
class Token:
    """A token's text and when it is used no more, on the monotonic clock."""

    text: str
    expires: float

    def __repr__(self) -> str:
        return "<Token ***>"


Key = tuple[Hashable, ...]


@attrs.define
class _Flight:
    """One request for a token that is under way, and how many wait for it."""

    task: asyncio.Task[str]
    waiting: int = 0


@attrs.define
class Tokens:
    """The tokens of one executor, in memory only (R123).

    One request serves all who wait for the same token. It runs as a task of its own, so that a cancelled caller
    does not take it away from the others; it ends with the last who waits. A failure is handed to all who wait
    and is not kept, but for a refusal: that is remembered for a second, so that nobody's account is locked (P33).
    """

    clock: Clock
    _kept: dict[Key, Token] = attrs.Factory(dict)
    _flights: dict[Key, _Flight] = attrs.Factory(dict)
    _refused: dict[Key, tuple[str, float]] = attrs.Factory(dict)

    async def get(self, call: TokenCall, journey: str | None, fetch: Callable[[], Awaitable[Granted]]) -> str:
        """Return a token that has not expired, kept or fetched; each journey has its own (R122).

        Raises what `fetch` raises, and `AuthenticationFailed` when it takes longer than 30 seconds or the executor
        closes.
        """
        key = (call.key, journey)
        kept = self._kept.get(key)
        if kept is not None and self.clock.monotonic() < kept.expires:
            return kept.text
        refused = self._refused.get(key)
        if refused is not None and self.clock.monotonic() < refused[1]:
            raise AuthenticationFailed(refused[0])
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.ensure_future(self._fetched(key, fetch)))
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if flight.task.cancelled() and caller is not None and not caller.cancelling():
                raise AuthenticationFailed("the executor was closed before the token came") from None
            raise
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                await self._land(key, flight)

    async def _land(self, key: Key, flight: _Flight) -> None:
        """Nobody waits any more: end the request, and leave no task behind."""
        if self._flights.get(key) is flight:
            del self._flights[key]
        if not flight.task.done():
            flight.task.cancel()
            await asyncio.wait([flight.task])

    def drop(self, call: TokenCall, journey: str | None, text: str) -> None:
        """Forget a token that was refused, unless another has taken its place."""
        key = (call.key, journey)
        if key in self._kept and self._kept[key].text == text:
            del self._kept[key]

    async def _fetched(self, key: Key, fetch: Callable[[], Awaitable[Granted]]) -> str:
        limit = asyncio.timeout(_LONGEST_FETCH)
        try:
            async with limit:
                granted = await fetch()
        except TimeoutError:
            if not limit.expired():
                raise
            late = f"the token did not come within {_LONGEST_FETCH:.0f} seconds"
            raise AuthenticationFailed(late, delivery=Delivery.UNAVAILABLE) from None
        except AuthenticationFailed as error:
            if error.delivery is Delivery.REJECTED:
                self._refused = {key: kept for key, kept in self._refused.items() if kept[1] > self.clock.monotonic()}
                self._refused[key] = (error.message, self.clock.monotonic() + _REFUSAL_KEPT)
            raise
        if granted.lifetime > 0:
            margin = min(granted.lifetime * _MARGIN, _LONGEST_MARGIN)
            self._kept[key] = Token(granted.text, self.clock.monotonic() + granted.lifetime - margin)
        return granted.text

    async def aclose(self) -> None:
        """End the requests under way."""
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
