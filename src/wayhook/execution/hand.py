"""One process of a crew: makes the calls that it is told of, and asks for what is shared. `work` is its whole life."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, Literal

import attrs

from wayhook.errors import ExecutionError
from wayhook.execution.clock import SystemClock
from wayhook.execution.crew import Work
from wayhook.execution.destination import Destinations
from wayhook.execution.execution import Execution, Use
from wayhook.execution.freight import packed_outcome, unpacked
from wayhook.execution.means import Events, Means, unexpected
from wayhook.execution.pipe import CannotTravel, Pipe, opened
from wayhook.execution.plugin import plugin
from wayhook.execution.ports import (
    BreakerChanged,
    Event,
    ExecutionEnded,
    Limiter,
    Standing,
    StandingReport,
    system_random,
)
from wayhook.execution.redirect import Redirects
from wayhook.execution.retry import RetryPolicy
from wayhook.execution.sharing import Sharing
from wayhook.execution.token import Granted
from wayhook.expression.context import Context
from wayhook.model.guardrail import BreakerRule, RetryBudget
from wayhook.model.token import TokenCall
from wayhook.rendering.plan import plan_activity, plan_values
from wayhook.secret import SecretReference

__all__ = ["work"]

_PATIENCE = 30.0
"""Seconds that the crew is waited for, by who has as long: it has no other way to what it shares."""


def work() -> None:
    """Work for the crew at the other end of the socket whose number is the argument, until it hangs up."""
    asyncio.run(_working(socket.socket(fileno=int(sys.argv[1]))))


async def _working(end: socket.socket) -> None:
    pipe = await Pipe.over(end)
    told = await pipe.receive()
    if told is None:
        return
    given: Work = opened(told[2])[0]
    line = _Line(pipe)
    plan = plan_values(given.action) if given.activity is None else plan_activity(given.action, given.activity)
    use = Use(plan, given.timeout, (), given.journey, given.activity, given.uid, given.left_out)
    sharing = Sharing(line, SystemClock(), system_random, _PATIENCE)
    means = _means(given, line, sharing)
    pipe.send("ready", 0)
    try:
        await _Hand(line, means, sharing, use, has_consent=given.has_consent).serve()
    finally:
        await means.transport.aclose()


def _means(work: Work, line: _Line, sharing: Sharing) -> Means:
    rails, clock = work.guardrails, SystemClock()
    events = Events((_Sink(line.pipe),) if work.hears else ())
    return Means(
        plugin("transports", work.transport)(),
        line,
        line,
        events,
        clock,
        RetryPolicy(rails.repetition, clock, system_random),
        line,
        Destinations(rails, system_random, events.emit, sharing),
        Redirects(rails.redirects, rails.network),
        rails.network,
        None,
    )


class _Line:
    """The line to the crew: secrets, tokens and places below limits, as an execution knows them."""

    def __init__(self, pipe: Pipe) -> None:
        self.pipe = pipe
        self.is_limited = False
        self._numbers = count()
        self._asked: dict[int, asyncio.Future[Any]] = {}

    async def ask(self, what: str, *about: Any) -> Any:
        """Ask the crew; raises what it failed with."""
        return await self._answer(next(self._numbers), what, *about)

    async def _answer(self, number: int, what: str, *about: Any) -> Any:
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        self.pipe.send("ask", number, what, *about)
        try:
            found = await answer
        except asyncio.CancelledError:
            self.pipe.send("leave", number)
            raise
        finally:
            del self._asked[number]
        if isinstance(found, Exception):
            raise found
        return found

    def answered(self, number: int, content: bytes) -> None:
        """Hand an answer to who asked for it."""
        if number in self._asked and not self._asked[number].done():
            try:
                [answer] = opened(content)
            except CannotTravel:
                answer = ExecutionError("what the call needs from its executor is of a class that is known only there")
            self._asked[number].set_result(answer)

    async def reveal(self, reference: SecretReference) -> str:
        """Return the text of a secret; see `SecretSource`."""
        text: str = await self.ask("secret", reference)
        return text

    async def get(self, call: TokenCall, journey: str | None, fetch: object, deadline: float) -> Granted:  # noqa: ARG002
        """Return a token; see `Tokens`."""
        return Granted(*await self.ask("token", deadline))

    def drop(self, call: TokenCall, journey: str | None, token: Granted) -> None:  # noqa: ARG002
        """Say that a token was refused; see `Tokens`."""
        self.pipe.send("drop", 0, token.text, token.lifetime)

    async def aclose(self) -> None:
        """Keep nothing."""

    rules = None

    @property
    def limiter(self) -> Limiter | None:
        """Where places are asked for, while anything is limited."""
        return self if self.is_limited else None

    @asynccontextmanager
    async def place(self, method: str, url: str) -> AsyncIterator[float]:
        """Hold a place below the limits of the crew; see `Limiter`."""
        number = next(self._numbers)
        try:
            waited: float = await self._answer(number, "place", method, url)
            yield waited
        finally:
            self.pipe.send("leave", number)

    when_away: Literal["share", "refuse"] = "share"
    processes: int | None = None

    async def tell(self, destination: str, report: StandingReport, rule: BreakerRule | None) -> Standing:
        """Tell the crew what was learnt; see `Standings`."""
        standing: Standing = await self.ask("tell", destination, report, rule)
        return standing

    async def probe(self, destination: str, lease: str, seconds: float, rule: BreakerRule) -> Standing:
        """Ask the crew for the place of the probe; see `Standings`."""
        standing: Standing = await self.ask("probe", destination, lease, seconds, rule)
        return standing

    async def spend(self, destination: str, earned: int, costs: tuple[int, ...], rule: RetryBudget) -> tuple[bool, ...]:
        """Ask the crew for repeats; see `Standings`."""
        paid: tuple[bool, ...] = await self.ask("spend", destination, earned, costs, rule)
        return paid

    @asynccontextmanager
    async def news(self, hear: Callable[[str, Standing], None]) -> AsyncIterator[Awaitable[None]]:  # noqa: ARG002
        """Nothing more: the crew tells of every change by itself."""
        yield asyncio.get_running_loop().create_future()


@attrs.frozen
class _Sink:
    """Tells the crew of what happens; of ends and breakers it hears anyhow."""

    pipe: Pipe

    def emit(self, event: Event) -> None:
        """Tell it."""
        if not isinstance(event, ExecutionEnded | BreakerChanged):
            self.pipe.send("event", 0, event)


@attrs.frozen
class _Asked:
    """Whether one individual agreed, as the crew knows."""

    line: _Line
    index: int

    async def allows(self, context: Context, marketing_actions: tuple[str, ...]) -> bool:  # noqa: ARG002
        """Return it; see `Consent`."""
        allowed: bool = await self.line.ask("consent", self.index)
        return allowed


class _Hand:
    """Makes the calls of one use of an action."""

    def __init__(self, line: _Line, means: Means, sharing: Sharing, use: Use, *, has_consent: bool) -> None:
        self._line, self._means, self._sharing = line, means, sharing
        self._use, self._has_consent = use, has_consent
        self._calls: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Do what the crew says, until it hangs up; calls under way end with it."""
        try:
            while (message := await self._line.pipe.receive()) is not None:
                self._hear(*message)
        finally:
            for call in self._calls:
                call.cancel()
            await asyncio.gather(*self._calls, return_exceptions=True)

    def _hear(self, kind: str, number: int, content: bytes) -> None:
        match kind:
            case "call":
                self._begin(number, content)
            case "answer":
                self._line.answered(number, content)
            case "standing":
                name, standing = opened(content)
                if (account := self._means.destinations.of(name).account) is not None:
                    account.see(standing)
            case "stop":
                self._means.watch.stop()

    def _begin(self, index: int, content: bytes) -> None:
        """Begin a call; one whose context is of a class that is known only to the crew stays there."""
        try:
            delivery_id, self._line.is_limited, freight = opened(content)
        except CannotTravel:
            self._line.pipe.send("stay", index)
            return
        call = asyncio.create_task(self._call(index, delivery_id, unpacked(freight)))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def _call(self, index: int, delivery_id: str, subject: Any) -> None:
        """Make a call and tell how it ended; the crew waits for a word in any case."""
        means = attrs.evolve(self._means, consent=_Asked(self._line, index)) if self._has_consent else self._means
        execution = Execution(means, self._use, means.clock.monotonic(), delivery_id, index)
        try:
            outcome = await execution.outcome(subject)
            await self._sharing.told()  # the batch may end with this outcome
            self._line.pipe.send("outcome", index, *packed_outcome(outcome))
        except asyncio.CancelledError:
            self._line.pipe.send("lost", index)
            raise
        except Exception as failure:  # noqa: BLE001 - the batch boundary
            unexpected(failure, self._use.plan.action.name)
            self._line.pipe.send("lost", index)
