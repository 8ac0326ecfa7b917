"""Access tokens: asked for once by many callers, kept for a while, given to each call.

Section 3.7 of the rules (R116 to R123); section 7 of `reference/reliability.md`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable

import attrs

from wayhook.errors import AuthenticationFailed
from wayhook.execution.ports import Clock
from wayhook.model.token import TokenCall

__all__ = ["Granted", "Refused", "Tokens"]

_REFUSAL = 1.0
_MARGIN, _LONGEST_MARGIN = 0.1, 59.0  # a token of an hour still serves after 59 minutes (R117)


@attrs.frozen(repr=False)
class Granted:
    """A token's text, and for how many seconds it is good; 0 for the calls that wait for it only."""

    text: str
    lifetime: float

    @property
    def kept_for(self) -> float:
        """The seconds that it is kept: less than it is good for, so that it does not expire on the way."""
        return self.lifetime - min(self.lifetime * _MARGIN, _LONGEST_MARGIN)

    def __repr__(self) -> str:
        return "<Granted ***>"


@attrs.frozen
class Refused:
    """Why the endpoint's answer gave no token; asking again at once would bring the same."""

    reason: str
    kept_for = _REFUSAL


Key = tuple[Hashable, ...]
Fetch = Callable[[], Awaitable[Granted | Refused]]


@attrs.define
class _Flight:
    """One request for a token that is under way, and how many wait for it."""

    task: asyncio.Task[Granted | Refused]
    waiting: int = 0


@attrs.define
class Tokens:
    """The tokens of one executor, in memory only (R123).

    One request serves all who wait for the same token. It runs as a task of its own, so that a cancelled caller
    does not take it away from the others; it ends with the last who waits. A failure is handed to all who wait
    and is not kept; but a refusal is, for a second, so that many callers with a wrong secret lock no account.
    """

    clock: Clock
    _kept: dict[Key, tuple[Granted | Refused, float]] = attrs.Factory(dict)
    _flights: dict[Key, _Flight] = attrs.Factory(dict)
    _refused: dict[Key, tuple[str, float]] = attrs.Factory(dict)

    async def get(self, call: TokenCall, journey: str | None, fetch: Fetch) -> str:
        """Return a token that has not expired, kept or fetched; each journey has its own (R122).

        Raises what `fetch` raises, and `AuthenticationFailed` when the token is refused or the executor closes.
        """
        key = (call.key, journey)
        kept, until = self._kept.get(key, (None, 0.0))
        if kept is None or self.clock.monotonic() >= until:
            kept = await self._awaited(key, fetch)
        if isinstance(kept, Refused):
            raise AuthenticationFailed(kept.reason)
        return kept.text

    async def _awaited(self, key: Key, fetch: Fetch) -> Granted | Refused:
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
        kept, _ = self._kept.get(key, (None, 0.0))
        if isinstance(kept, Granted) and kept.text == text:
            del self._kept[key]

    async def _fetched(self, key: Key, fetch: Fetch) -> Granted | Refused:
        answer, now = await fetch(), self.clock.monotonic()
        self._kept = {key: (kept, until) for key, (kept, until) in self._kept.items() if now < until}
        if answer.kept_for > 0:
            self._kept[key] = (answer, now + answer.kept_for)
        return answer

    async def aclose(self) -> None:
        """End the requests under way."""
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
