"""The limits of an executor: the configurations deployed in its repository, the edition's caps, the user's limiter.

Rules R214 to R225, R250 to R253, R269 to R278.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Hashable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from wayhook.errors import ExecutionError, WayhookError
from wayhook.execution.coverage import Coverage, LimitRule, enforced
from wayhook.execution.ports import Clock, Limiter, Repository, RuleLimiter, Stored
from wayhook.execution.window import WindowLimiter
from wayhook.model.capping import CappingConfiguration
from wayhook.model.guardrail import Guardrails
from wayhook.model.record import Kept
from wayhook.model.throttling import ThrottlingConfiguration

__all__ = ["KNOWN_FOR", "Limits"]

KNOWN_FOR = 1.0
_PATIENCE = 0.1
"""Seconds that the call which begins a reading waits for it: behind a quick repository nobody goes by what is old."""
_NEVER, _ALWAYS = float("-inf"), float("inf")
_LOG = logging.getLogger("wayhook")
_PAGE = 1000


class Limits:
    """What limits the calls of one executor.

    What is deployed is enforced by the user's limiter if that can be told rules, and in this process otherwise.
    `limiter`: for attempts, None when nothing limits them. `rules`: where a token call takes a place of each cap that
    covers it. `known_until`: when the configurations are to be read again.
    """

    def __init__(
        self, repository: Repository | None, guardrails: Guardrails, given: Limiter | None, clock: Clock
    ) -> None:
        self._repository, self._clock = repository, clock
        self._own = WindowLimiter(default_cap=guardrails.default_cap, slow_cap=guardrails.slow_cap, clock=clock)
        self._deployed: dict[Hashable, LimitRule] = {}
        self.known_until = _NEVER if repository is not None else _ALWAYS
        self._reading: asyncio.Task[None] | None = None
        self._given = given
        self.rules: RuleLimiter = given if isinstance(given, RuleLimiter) else self._own
        self.limiter = self._limiter()

    def _limiter(self) -> Limiter | None:
        """What holds a place for a call: nothing, and at no cost, while nothing is limited."""
        given, own = self._given, self._own
        if given is None or not own.limits_anything:
            return own if own.limits_anything else given
        beside = _Chain(given, own)
        return beside if self.rules is own else _Uncovered(given, beside, self._deployed)

    async def refresh(self, deadline: float) -> None:
        """Have read what is deployed, if that was not done within the last second.

        It is read in a task that ends with the executor. All wait for the first reading, until `deadline`; it raises
        what keeps it from being done. For a later one only the call that begins it waits, a moment; one that takes
        longer keeps no call, one that fails is logged, and what is known stays.
        """
        clock, reading = self._clock, self._reading
        if clock.monotonic() < self.known_until:
            return
        begins = reading is None
        if reading is None:
            reading = self._reading = asyncio.create_task(self._read())
            reading.add_done_callback(self._was_read)
        is_first = self.known_until == _NEVER
        while is_first and not reading.done() and (left := deadline - clock.monotonic()) > 0:
            await asyncio.wait([reading], timeout=left)
        if is_first and reading.cancelled():
            raise ExecutionError("the executor was closed before its limits were known")
        if is_first and reading.done():
            reading.result()
        elif begins:
            await asyncio.wait([reading], timeout=_PATIENCE)

    async def _read(self) -> None:
        if self._repository is not None:
            deployed = await _deployed(self._repository)
            if deployed != self._deployed:  # compared by identity first; most readings bring nothing new
                self.rules.hold(deployed, by=self)
                self._deployed = deployed
                self.limiter = self._limiter()
        self.known_until = self._clock.monotonic() + KNOWN_FOR

    def _was_read(self, reading: asyncio.Task[None]) -> None:
        self._reading = None
        failure = None if reading.cancelled() else reading.exception()
        if failure is None or self.known_until == _NEVER:
            return  # a first failure is raised where it is waited for
        reason = str(failure) if isinstance(failure, WayhookError) else type(failure).__name__
        _LOG.warning("the deployed limits cannot be read, and those known before stay: %s", reason)
        self.known_until = self._clock.monotonic() + KNOWN_FOR

    async def aclose(self) -> None:
        """End a reading under way, and hold nobody to what was deployed here."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
        self.rules.hold({}, by=self)


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


class _Uncovered:
    """The caps of hosts, for calls that no deployed rule covers: such a rule takes their place."""

    def __init__(self, covered: Limiter, uncovered: Limiter, deployed: Mapping[Hashable, LimitRule]) -> None:
        self._covered, self._uncovered = covered, uncovered
        self._coverage = Coverage((rule, rule) for rule, _ in enforced(deployed).values())

    def place(self, method: str, url: str) -> AbstractAsyncContextManager[float]:
        """Return what holds a place; see `Limiter.place`."""
        limiter = self._covered if self._coverage.of(method, url) else self._uncovered
        return limiter.place(method, url)
