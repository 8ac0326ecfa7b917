"""The limits of an executor: the configurations deployed in its repository, the edition's caps, the user's limiter.

Rules R214 to R225, R250 to R253, R269 to R278.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Hashable
from contextlib import AsyncExitStack, asynccontextmanager

from wayhook.errors import WayhookError
from wayhook.execution.ports import Clock, Limiter, Repository, Stored
from wayhook.execution.window import LimitRule, WindowLimiter
from wayhook.model.capping import CappingConfiguration
from wayhook.model.guardrail import Guardrails
from wayhook.model.storage import Kept
from wayhook.model.throttling import ThrottlingConfiguration

__all__ = ["KNOWN_FOR", "Limits"]

KNOWN_FOR = 1.0
_LOG = logging.getLogger("wayhook")
_PAGE = 1000


class Limits:
    """What limits the calls of one executor.

    `limiter`: for attempts, None when nothing limits them. `windows`: where a token call takes a place of each cap
    that covers it.
    """

    def __init__(
        self, repository: Repository | None, guardrails: Guardrails, given: Limiter | None, clock: Clock
    ) -> None:
        self._repository, self._clock = repository, clock
        self._own = WindowLimiter(default_cap=guardrails.default_cap, slow_cap=guardrails.slow_cap, clock=clock)
        self._deployed: dict[Hashable, LimitRule] = {}
        self._known_since: float | None = None
        self._reading = asyncio.Lock()
        is_needed = repository is not None or guardrails.default_cap is not None or guardrails.slow_cap is not None
        limiters = [*([] if given is None else [given]), *([self._own] if is_needed else [])]
        self.limiter = _Chain(*limiters) if len(limiters) > 1 else next(iter(limiters), None)
        self.windows = tuple(each for each in limiters if isinstance(each, WindowLimiter))

    async def refresh(self) -> None:
        """Read what is deployed, if that was not done within the last second.

        One call reads, and the others go by what is known; only the first reading is waited for by all, and raises
        what keeps it from being done. A later one that fails is logged, and what is known stays.
        """
        if self._repository is None or self._is_known() or (self._known_since is not None and self._reading.locked()):
            return
        async with self._reading:
            if not self._is_known():
                await self._read(self._repository)

    def _is_known(self) -> bool:
        return self._known_since is not None and self._clock.monotonic() - self._known_since < KNOWN_FOR

    async def _read(self, repository: Repository) -> None:
        try:
            deployed = await _deployed(repository)
            if deployed != self._deployed:  # compared by identity first; most readings bring nothing new
                self._own.hold(deployed)
                self._deployed = deployed
        except WayhookError as error:
            if self._known_since is None:
                raise
            _LOG.warning("the deployed limits cannot be read, and those known before stay: %s", error)
        self._known_since = self._clock.monotonic()


async def _deployed(repository: Repository) -> dict[Hashable, LimitRule]:
    """What is enforced. Each deployment of a throttling has a key of its own, and with it a queue (R277)."""
    rules: dict[Hashable, LimitRule] = {}
    async for capping in _every(repository, CappingConfiguration):
        if capping.value.deployed_rule is not None:
            rules[capping.uid] = capping.value.deployed_rule
    async for throttling in _every(repository, ThrottlingConfiguration):
        if throttling.value.deployed_rule is not None:
            rules[throttling.uid, throttling.value.runtime_version] = throttling.value.deployed_rule
    return rules


async def _every(repository: Repository, kind: type[Kept]) -> AsyncIterator[Stored[Kept]]:
    cursor = None
    while True:
        page = await repository.list(kind, cursor=cursor, limit=_PAGE)
        for stored in page.items:
            yield stored
        cursor = page.cursor
        if cursor is None:
            return


class _Chain:
    """Several limiters: a call has a place in each. One that the next refuses has left its mark in those before."""

    def __init__(self, *limiters: Limiter) -> None:
        self._limiters = limiters

    @asynccontextmanager
    async def place(self, method: str, url: str) -> AsyncIterator[float]:
        """Hold a place in each, in their order."""
        async with AsyncExitStack() as places:
            waited = 0.0
            for limiter in self._limiters:
                waited += await places.enter_async_context(limiter.place(method, url))
            yield waited
