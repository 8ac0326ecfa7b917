"""A crew: processes of this machine that make the calls of a batch, while this process keeps what they share.

Theory of operation. A hand renders, sends and judges, over connections of its own. What is shared stays with the
executor, and is asked for over a pipe: places below limits, secrets, tokens, consent. So one limit holds for all, one
token serves all, and the sinks hear of everything here. When a destination asks for time, all leave it alone; the
budget of repeats is dealt out in equal shares; each hand has breakers of its own.

What cannot travel (a context with a function in it, say) is executed here. A hand that dies leaves its calls `unknown`.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager, ExitStack
from pickle import PicklingError
from typing import Any, Self

import attrs

from wayhook.errors import DefinitionError, Delivery, ExecutionError, Violation, WayhookError
from wayhook.execution.authorization import Authorization
from wayhook.execution.execution import Use, recorded
from wayhook.execution.freight import outcome_of, packed_context
from wayhook.execution.means import Means, bare, unexpected
from wayhook.execution.pipe import Pipe
from wayhook.execution.ports import Event, ExecutionEnded
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
    """What the hands of a crew are to do. `transport`: its name. `hears`: whether somebody hears of attempts."""

    action: Action
    activity: ActionActivity
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
    """A process of the crew. `under_way`: contexts whose outcomes are to come, by their index in the batch."""

    process: asyncio.subprocess.Process
    pipe: Pipe
    under_way: dict[int, tuple[Context, asyncio.Future[Outcome | None]]] = attrs.Factory(dict)
    places: dict[int, AbstractAsyncContextManager[float]] = attrs.Factory(dict)
    asked: set[asyncio.Task[None]] = attrs.Factory(set)
    reader: asyncio.Task[None] = attrs.field(init=False)


class Crew:
    """`processes` hands for one use of an action; an async context manager. `transport`: the name of theirs."""

    def __init__(self, means: Means, use: Use, guardrails: Guardrails, transport: str, processes: int) -> None:
        self._means, self._use = means, use
        assert use.activity is not None  # noqa: S101 - a batch is of an activity
        self._work = Work(
            use.plan.action,
            use.activity,
            use.timeout,
            use.journey,
            use.uid,
            use.left_out,
            _share(guardrails, processes),
            transport,
            means.consent is not None,
            bool(means.events),
        )
        self._processes = processes
        self._hands: list[_Hand] = []

    async def __aenter__(self) -> Self:
        try:
            for _ in range(self._processes):
                self._hands.append(await self._hired())
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def _hired(self) -> _Hand:
        with ExitStack() as ends:
            ours, theirs = (ends.enter_context(end) for end in socket.socketpair())
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                _START,
                str(theirs.fileno()),
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # Ctrl-C is for this process, which ends its crew
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )
            hand = _Hand(process, await Pipe.over(ours.dup()))
        hand.reader = asyncio.create_task(self._listen(hand))
        try:
            hand.pipe.send(self._work)
        except (TypeError, PicklingError, AttributeError):
            message = "an action with a literal secret stays in its process; use wayhook.secret('env:NAME') instead"
            self._hands.append(hand)
            raise DefinitionError([Violation("$.processes", message)]) from None
        return hand

    async def __aexit__(self, *_: object) -> None:
        tasks = [task for hand in self._hands for task in (hand.reader, *hand.asked)]
        for hand in self._hands:
            if hand.process.returncode is None:
                hand.process.kill()
            hand.pipe.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *(hand.process.wait() for hand in self._hands), return_exceptions=True)
        for hand in self._hands:
            await _leave_all(hand)

    async def outcome(self, context: Any, index: int, delivery_id: str) -> Outcome | None:
        """Return how one call ended; None where it is to be made here, since nothing of it can travel."""
        hand = min((hand for hand in self._hands if not hand.reader.done()), key=_load, default=None)
        if hand is None or not isinstance(context, Context):
            return None
        ended: asyncio.Future[Outcome | None] = asyncio.get_running_loop().create_future()
        is_limited = self._means.limits.limiter is not None
        try:
            hand.pipe.send("call", index, delivery_id, is_limited, packed_context(context))
        except (TypeError, PicklingError, AttributeError, RecursionError):
            return None
        hand.under_way[index] = context, ended
        try:
            outcome = await ended
        finally:
            hand.under_way.pop(index, None)
        if outcome is None:
            outcome = self._lost(index, delivery_id)
        outcome = recorded(context, outcome)
        if self._means.events:
            self._means.events.emit(ExecutionEnded(outcome))
        return outcome

    def _lost(self, index: int, delivery_id: str) -> Outcome:
        use = self._use
        return Outcome(
            use.plan.action.name,
            "internalError",
            cause=ExecutionError("the process that made the call ended before it could tell how"),
            journey=use.journey,
            label=use.label,
            index=index,
            uid=use.uid,
            parameterized=use.plan.parameterized,
            finished=self._means.clock.now(),
            alternative_path=use.alternative_path,
            delivery=Delivery.UNKNOWN,
            delivery_id=delivery_id,
        )

    async def _listen(self, hand: _Hand) -> None:
        """Hear what the hand says, until it is gone; what it was doing then is lost."""
        try:
            while (message := await hand.pipe.receive()) is not None:
                self._hear(hand, *message)
        finally:
            for task in hand.asked:
                task.cancel()
            for _, ended in hand.under_way.values():
                if not ended.done():
                    ended.set_result(None)
            await _leave_all(hand)

    def _hear(self, hand: _Hand, kind: str, *told: Any) -> None:
        match kind:
            case "outcome":
                outcome = outcome_of(self._use, told)
                if outcome.index in hand.under_way and not (ended := hand.under_way[outcome.index][1]).done():
                    ended.set_result(outcome)
            case "ask":
                _begin(hand, self._answer(hand, *told))
            case "drop":
                call = self._use.plan.action.authentication.token_call()
                assert call is not None  # noqa: S101 - a token was asked for
                self._means.tokens.drop(call, self._use.journey, Granted(*told))
            case "leave":
                _begin(hand, _leave(hand, told[0]))
            case "pause":
                name, until = told
                self._means.destinations.of(name).hold_back(until)
                for other in self._hands:
                    if other is not hand and not other.reader.done():
                        other.pipe.send("pause", name, until)
            case "event":
                event: Event = told[0]
                self._means.events.emit(event)

    async def _answer(self, hand: _Hand, number: int, what: str, *about: Any) -> None:
        """Answer what a hand asks for; what fails here is its call's failure."""
        try:
            answer: Any = await self._asked(hand, what, *about)
        except WayhookError as error:
            answer = bare(error)
        except Exception as failure:  # noqa: BLE001 - the batch boundary
            answer = unexpected(failure, self._use.plan.action.name)
        hand.pipe.send("answer", number, answer)

    async def _asked(self, hand: _Hand, what: str, *about: Any) -> Any:
        means, use = self._means, self._use
        match what:
            case "secret":
                return await means.text(about[0])
            case "token":
                call = use.plan.action.authentication.token_call()
                assert call is not None  # noqa: S101 - it alone asks for a token
                token = await means.tokens.get(call, use.journey, Authorization(means, call).answered, about[0])
                return token.text, token.lifetime
            case "consent":
                assert means.consent is not None  # noqa: S101 - the hand was told
                return await means.consent.allows(hand.under_way[about[0]][0], use.marketing_actions)
            case _:
                return await self._place(hand, *about)

    async def _place(self, hand: _Hand, number: int, method: str, url: str) -> float:
        limiter = self._means.limits.limiter
        if limiter is None:
            return 0.0
        place = limiter.place(method, url)
        waited = await place.__aenter__()
        hand.places[number] = place
        return waited


def _begin(hand: _Hand, what: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(what)
    hand.asked.add(task)
    task.add_done_callback(hand.asked.discard)


async def _leave(hand: _Hand, number: int) -> None:
    await hand.places.pop(number).__aexit__(None, None, None)


async def _leave_all(hand: _Hand) -> None:
    for number in list(hand.places):
        await _leave(hand, number)


def _load(hand: _Hand) -> int:
    return len(hand.under_way)


def _share(guardrails: Guardrails, processes: int) -> Guardrails:
    """What one of so many processes may repeat: together they keep the budget (P14)."""
    budget = guardrails.retry_budget
    if budget is None:
        return guardrails
    at_first, at_most = budget.at_first // processes, budget.at_most // processes
    return attrs.evolve(guardrails, retry_budget=attrs.evolve(budget, at_first=at_first, at_most=at_most))
