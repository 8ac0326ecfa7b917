"""Secrets that are remembered for a while, so that a store of secrets is not asked for each call."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

import attrs

from wayhook.errors import DefinitionError, Violation
from wayhook.execution.clock import SystemClock
from wayhook.execution.executor import SchemeSecrets
from wayhook.execution.ports import Clock, SecretSource
from wayhook.secret import SecretReference

__all__ = ["CachedSecrets"]

_MOST = 1000
_LONGEST = 86_400


@attrs.frozen(repr=False)
class _Known:
    """The text of a secret, and until when it is believed."""

    text: str
    until: float


class CachedSecrets:
    """Remembers what `source` reveals for `seconds`, then looks again: what was rotated counts without a restart.

    `source`: who is asked; the scheme of a reference says who, unless given. `seconds`: more than 0, a day at most; 300
    unless given. Many calls that need the same secret at once ask once, and a failure is told to all of them and
    remembered by nobody. At most 1,000 secrets are remembered, in memory only. `clock`: for tests.
    """

    def __init__(
        self, source: SecretSource | None = None, *, seconds: float = 300.0, clock: Clock | None = None
    ) -> None:
        if type(seconds) not in (int, float) or not 0 < seconds <= _LONGEST:
            raise DefinitionError([Violation("$.seconds", f"secrets are remembered for 0 to {_LONGEST:,} seconds")])
        if source is not None and not isinstance(source, SecretSource):
            raise DefinitionError([Violation("$.source", "give a source of secrets, which has a method reveal")])
        self._source, self._seconds = source or SchemeSecrets(), seconds
        self._clock = clock or SystemClock()
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._asked: dict[str, asyncio.Task[str]] = {}

    def __repr__(self) -> str:
        return f"<CachedSecrets {len(self._known)} known, for {self._seconds:g} s>"

    async def reveal(self, reference: SecretReference) -> str:
        """Return the secret's text; raise `SecretMissing` as `source` does."""
        known = self._known.get(reference.source)
        if known is not None and self._clock.monotonic() < known.until:
            return known.text
        asking = self._asked.get(reference.source)
        if asking is None:
            asking = self._asked[reference.source] = asyncio.create_task(self._ask(reference))
            asking.add_done_callback(_heard)
        return await asyncio.shield(asking)  # who is cancelled does not end what others wait for

    def forget(self, reference: SecretReference | None = None) -> None:
        """Look anew at the next call: for this secret, or for all of them."""
        if reference is None:
            self._known.clear()
        else:
            self._known.pop(reference.source, None)

    async def _ask(self, reference: SecretReference) -> str:
        try:
            text = await self._source.reveal(reference)
        finally:
            del self._asked[reference.source]
        self._known[reference.source] = _Known(text, self._clock.monotonic() + self._seconds)
        self._known.move_to_end(reference.source)
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        return text


def _heard(asking: asyncio.Task[str]) -> None:
    """A failure that nobody waits for any more, since all were cancelled, is no news for a log."""
    if not asking.cancelled():
        asking.exception()
