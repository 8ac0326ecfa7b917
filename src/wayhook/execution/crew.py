"""A crew: processes of this machine that make the calls of a batch, while this process keeps what they share.

Theory of operation. A hand renders, sends and judges, over connections of its own. What is shared stays with the
executor, and is asked for over a pipe: places below limits, secrets, tokens, consent. So one limit holds for all, one
token serves all, and the sinks hear of everything here. Pauses, breakers and the budget of repeats are shared as
between processes that have nothing else in common (`sharing`), with this process in the place of a store.

What cannot travel (a context with a function in it, say) is executed here. A hand that dies leaves its calls `unknown`.
When the batch is stopped, each hand ends its calls and tells how.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from contextlib import AbstractAsyncContextManager
from typing import Any, Self

import attrs

from wayhook.errors import DefinitionError, Delivery, ExecutionError, MissingExtra, RenderError, Violation
from wayhook.execution.authorization import Authorization
from wayhook.execution.crew_standing import CrewStandings
from wayhook.execution.execution import Use, recorded
from wayhook.execution.freight import ours, outcome_of, packed
from wayhook.execution.means import Means, Teller, bare, unexpected
from wayhook.execution.pipe import CannotTravel, Pipe, opened
from wayhook.execution.ports import Event, ExecutionEnded, Standing
from wayhook.execution.token import Granted
from wayhook.expression.context import Context
from wayhook.model.action import Action
from wayhook.model.guardrail import Guardrails
from wayhook.model.journey import ActionActivity
from wayhook.wire import Outcome

__all__ = ["Crew", "Work"]

_START = "from wayhook.execution.hand import work; work()"


@attrs.frozen
class Work:
    """What the hands of a crew are to do. `activity`: None where calls are rendered from values. `transport`: its name.
    `hears`: whether somebody hears of attempts."""  # noqa: D205, D209 - one sentence each

    action: Action
    activity: ActionActivity | None
    timeout: float
    journey: str | None
    uid: str
    left_out: str
    guardrails: Guardrails
    transport: str
    has_consent: bool
    hears: bool


@attrs.define(eq=False)
class _Hand:
    """A process of the crew. `under_way`: subjects whose outcomes are to come, by their index in the batch, each with
    the kind and the content of what is told at its end. `asked`, `places`: by the number of the question. `leaving`:
    what gives places back, which nobody cuts short."""  # noqa: D205, D209 - one sentence each

    process: asyncio.subprocess.Process
    pipe: Pipe
    under_way: dict[int, tuple[Any, asyncio.Future[tuple[str, bytes]]]] = attrs.Factory(dict)
    places: dict[int, AbstractAsyncContextManager[float]] = attrs.Factory(dict)
    asked: dict[int, asyncio.Task[None]] = attrs.Factory(dict)
    leaving: set[asyncio.Task[None]] = attrs.Factory(set)
    ready: asyncio.Event = attrs.Factory(asyncio.Event)
    reader: asyncio.Task[None] = attrs.field(init=False)


class Crew:
    """`processes` hands for one use of an action; an async context manager. `transport`: the name of theirs."""

    def __init__(self, means: Means, use: Use, guardrails: Guardrails, transport: str, processes: int) -> None:
        self._means, self._use = means, use
        self._work = Work(
            use.plan.action,
            use.activity,
            use.timeout,
            use.journey,
            use.uid,
            use.left_out,
            guardrails,
            transport,
            means.consent is not None,
            bool(means.events),
        )
        self._teller = Teller(means.events, use.plan.action.name, use.journey, use.label)
        self._processes = processes
        self._hands: list[_Hand] = []
        self._standings = CrewStandings(means.destinations, means.clock, self._spread)

    async def __aenter__(self) -> Self:
        try:
            for _ in range(self._processes):
                await self._hire(self._work)
            await self._means.destinations.of(self._use.plan.destination).known(self._use.timeout)
            self._standings.open()
            for hand in self._hands:
                await hand.ready.wait()
                if hand.reader.done():
                    raise ExecutionError("a process of the batch could not start; what it wrote to stderr says why")
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def _hire(self, work: Work) -> None:
        """Start a process and tell it its work; its directory is no place that it imports from."""
        end, theirs = socket.socketpair()
        with theirs:
            pipe = await Pipe.over(end)
            try:
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-P",
                    "-c",
                    _START,
                    str(theirs.fileno()),
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,  # Ctrl-C is for this process, which ends its crew
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                )
            except BaseException:
                pipe.close()
                raise
        hand = _Hand(process, pipe)
        hand.reader = asyncio.create_task(self._listen(hand))
        self._hands.append(hand)
        try:
            pipe.send("work", 0, work)
        except CannotTravel:
            message = (
                "an action with a literal secret stays in its process, and what has classes that were made in a "
                "function; use wayhook.secret('env:NAME') instead, and classes of modules"
            )
            raise DefinitionError([Violation("$.processes", message)]) from None

    async def __aexit__(self, *_: object) -> None:
        self._standings.close()
        for hand in self._hands:
            if hand.process.returncode is None:
                hand.process.kill()
            hand.pipe.close()
            hand.reader.cancel()
        ends = [hand.process.wait() for hand in self._hands]
        await asyncio.gather(*(hand.reader for hand in self._hands), *ends, return_exceptions=True)
        if leaving := [task for hand in self._hands for task in hand.leaving]:
            await asyncio.wait(leaving)

    def stop(self) -> None:
        """End every call that is under way, here as well, and all that come."""
        self._means.watch.stop()
        for hand in self._hands:
            if not hand.reader.done():
                hand.pipe.send("stop", 0)

    async def outcome(self, subject: Any, index: int, delivery_id: str) -> Outcome | None:
        """Return how one call ended; None where it is to be made here, since nothing of it can travel."""
        hand = min((hand for hand in self._hands if not hand.reader.done()), key=_load, default=None)
        freight, is_limited = packed(subject), self._means.limits.limiter is not None
        if hand is None or freight is None or self._means.destinations.refuses:
            return None
        try:
            hand.pipe.send("call", index, delivery_id, is_limited, freight)
        except CannotTravel:
            return None
        ended: asyncio.Future[tuple[str, bytes]] = asyncio.get_running_loop().create_future()
        hand.under_way[index] = subject, ended
        try:
            kind, content = await ended
        finally:
            hand.under_way.pop(index, None)
        if kind == "stay":
            return None
        outcome = self._told(kind, content, index) or self._lost(index, delivery_id)
        if isinstance(subject, Context):
            outcome = recorded(subject, outcome)
        if self._means.events:
            self._means.events.emit(ExecutionEnded(outcome))
        return outcome

    def _told(self, kind: str, content: bytes, index: int) -> Outcome | None:
        """The outcome that a hand told; None where it did not."""
        if kind == "lost":
            return None
        try:
            return outcome_of(self._use, index, opened(content))
        except Exception as failure:  # noqa: BLE001 - the batch boundary
            unexpected(failure, self._use.plan.action.name)
            return None

    def _lost(self, index: int, delivery_id: str) -> Outcome:
        use = self._use
        return Outcome(
            use.plan.action.name,
            "internalError",
            cause=ExecutionError("the process that made the call did not tell how it ended"),
            journey=use.journey,
            label=use.label,
            index=index,
            uid=use.uid,
            parameterized=use.plan.parameterized,
            finished=self._means.clock.now(),
            alternative_path=use.alternative_path,
            delivery=Delivery.UNKNOWN,
            delivery_id=delivery_id,
            timeout=use.timeout,
        )

    async def _listen(self, hand: _Hand) -> None:
        """Hear what the hand says, until it is gone; what it was doing then is lost."""
        try:
            while (message := await hand.pipe.receive()) is not None:
                self._hear(hand, *message)
        finally:
            for number in {*hand.asked, *hand.places}:
                self._leave(hand, number)
            for index in list(hand.under_way):
                _end(hand, index, "lost", b"")
            hand.ready.set()

    def _hear(self, hand: _Hand, kind: str, number: int, content: bytes) -> None:
        match kind:
            case "outcome" | "stay" | "lost":
                _end(hand, number, kind, content)
            case "ready":
                hand.ready.set()
            case "ask":
                task = hand.asked[number] = asyncio.create_task(self._answer(hand, number, content))
                task.add_done_callback(lambda _: hand.asked.pop(number))
            case "leave":
                self._leave(hand, number)
            case _:
                try:
                    self._note(kind, *opened(content))
                except CannotTravel as failure:
                    unexpected(failure, self._use.plan.action.name)

    def _note(self, kind: str, *told: Any) -> None:
        match kind:
            case "drop":
                call = self._use.token_call
                assert call is not None  # noqa: S101 - a token was asked for
                self._means.tokens.drop(call, self._use.journey, Granted(*told))
            case "event":
                event: Event = told[0]
                self._means.events.emit(event)

    def _spread(self, name: str, standing: Standing) -> None:
        """Tell all hands how a destination stands."""
        for hand in self._hands:
            if not hand.reader.done():
                hand.pipe.send("standing", 0, name, standing)

    async def _answer(self, hand: _Hand, number: int, content: bytes) -> None:
        """Answer what a hand asks for, whatever happens here; what fails is its call's failure."""
        answer: Any = _unanswered()
        try:
            answer = await self._asked(hand, number, *opened(content))
        except (RenderError, ExecutionError, MissingExtra) as error:
            answer = bare(ours(error))
        except Exception as failure:  # noqa: BLE001 - the batch boundary
            answer = unexpected(failure, self._use.plan.action.name)
        finally:
            try:
                hand.pipe.send("answer", number, answer)
            except CannotTravel:
                hand.pipe.send("answer", number, _unanswered())

    async def _asked(self, hand: _Hand, number: int, what: str, *about: Any) -> Any:
        """What is asked for, of the plainest type: what the ports give may be of a class that is known only here."""
        means, use = self._means, self._use
        match what:
            case "secret":
                return str.__str__(await means.text(about[0]))
            case "token":
                call = use.token_call
                assert call is not None  # noqa: S101 - it alone asks for a token
                token = await means.tokens.get(
                    call, use.journey, Authorization(means, call, self._teller).answered, about[0]
                )
                return str.__str__(token.text), token.lifetime
            case "consent":
                assert means.consent is not None  # noqa: S101 - the hand was told
                return bool(await means.consent.allows(hand.under_way[about[0]][0], use.marketing_actions))
            case "tell" | "probe" | "spend":
                return await getattr(self._standings, what)(*about)
            case _:
                return await self._place(hand, number, *about)

    async def _place(self, hand: _Hand, number: int, method: str, url: str) -> float:
        limiter = self._means.limits.limiter
        if limiter is None:
            return 0.0
        place = limiter.place(method, url)
        waited = await place.__aenter__()
        hand.places[number] = place
        return float(waited)

    def _leave(self, hand: _Hand, number: int) -> None:
        """Nobody wants the answer to this question any more: end the task, and give its place back."""
        task = asyncio.create_task(self._left(hand, number))
        hand.leaving.add(task)
        task.add_done_callback(hand.leaving.discard)

    async def _left(self, hand: _Hand, number: int) -> None:
        if task := hand.asked.get(number):
            task.cancel()
            await asyncio.wait([task])
        if place := hand.places.pop(number, None):
            try:
                await place.__aexit__(None, None, None)
            except Exception as failure:  # noqa: BLE001 - a limiter of the users' own; the call is over
                unexpected(failure, self._use.plan.action.name)


def _end(hand: _Hand, index: int, kind: str, content: bytes) -> None:
    """Say how a call ended, to who waits for it, if he still does."""
    if index in hand.under_way and not (ended := hand.under_way[index][1]).done():
        ended.set_result((kind, content))


def _unanswered() -> ExecutionError:
    return ExecutionError("what the call needs from its executor did not come: no answer, or one that cannot travel")


def _load(hand: _Hand) -> int:
    return len(hand.under_way)
