"""How a process shares the standing of its destinations with others, through a `Standings`.

Theory of operation. A process goes by its own view: pauses and open breakers as they were last heard of. So a good
call asks nobody and waits for nobody. What goes wrong is told in a task beside the calls, one at a time for each
destination: what happens meanwhile goes with the next. Only a repeat waits until it is paid for, and a probe until its
place is given. Attempts that went well are told while attempts fail somewhere, once a second, since the breaker judges
by the share.

Where the store is away, each process goes by what it knows, with a share of the budget, or calls nobody. It is tried
again every second. Both changes are logged.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any, TypeVar
from uuid import uuid4

import attrs

from wayhook.errors import RepositoryError
from wayhook.execution.destination import HERE, NEVER, Breaker, Budget, Destination, Destinations
from wayhook.execution.ports import Clock, Randomness, Standing, StandingReport, Standings
from wayhook.model.guardrail import RetryBudget

__all__ = ["Away", "Sharing"]

_LOG = logging.getLogger("wayhook")
_PATIENCE = 1.0
_ENTERING = 3.0
_SOON, _AGAIN, _LOOK = 0.05, 1.0, 1.0
"""Seconds before the first try to come back, between the others, and between two looks at a destination that fails."""
_GRACE = 1.0
"""Seconds that the place of a probe is kept beyond the time when its attempt ends."""
_SAME = 0.05
"""A pause that ends so little later is the same one, which came back through the store."""
_CLOSING = 1.0

_Answer = TypeVar("_Answer")


class Away(Exception):  # noqa: N818 - it never leaves this module
    """The store could not be asked; that was told already."""


class Sharing:
    """What one executor shares of its destinations.

    `is_away`: while the store cannot be asked. `patience`: the seconds after which one that did not answer is away.
    `is_closed`: when nothing is told any more. `telling`: what is being told.
    """

    def __init__(self, port: Standings, clock: Clock, random: Randomness, patience: float = _PATIENCE) -> None:
        self.port, self.clock, self._random, self.patience = port, clock, random, patience
        self.is_away = False
        self._verdict = asyncio.Event()
        self._destinations: Destinations | None = None
        self._listening: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self.telling: set[asyncio.Task[None]] = set()
        self._failing: set[_Account] = set()
        self._timer: asyncio.TimerHandle | None = None
        self.is_closed = False

    def join(self, destination: Destination, all_of_them: Destinations) -> None:
        """Share a destination from now on."""
        self._destinations = all_of_them
        destination.account = _Account(self, destination)
        destination.is_unknown = not self._verdict.is_set() or self.refuses
        if self._listening is None:
            self._listening = self.start(self._listen(0.0))

    @property
    def refuses(self) -> bool:
        """Whether nobody is called now."""
        return self.is_away and self.port.when_away == "refuse"

    def start(self, work: Coroutine[Any, Any, _Answer]) -> asyncio.Task[_Answer]:
        """Do this beside the calls, until the executor closes."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) and not isinstance(failure, Away | RepositoryError):
            self.fail(f"an unexpected {type(failure).__name__}")

    async def ask(
        self,
        question: Coroutine[Any, Any, _Answer],
        orphaned: Callable[[asyncio.Task[_Answer]], None] | None = None,
    ) -> _Answer:
        """Return the answer of the store; raise `Away` where there is none.

        `orphaned`: does something about an answer for which nobody waited.
        """
        if self.is_away:
            question.close()
            raise Away
        task, is_heard = self.start(question), False
        try:
            await asyncio.wait([task], timeout=self.patience)
            is_heard = task.done()
        finally:
            if not is_heard and orphaned is not None:
                task.add_done_callback(orphaned)
            elif not is_heard:
                task.cancel()
        if not is_heard:
            self.fail(f"it did not answer within {self.patience} seconds")
            raise Away
        try:
            return task.result()
        except RepositoryError as error:
            self.fail(str(error))
            raise Away from None

    def fail(self, reason: str) -> None:
        """The store cannot be asked for now: say so, and try to come back."""
        self._went(reason)
        if self._listening is not None and not self.is_closed:
            self._listening.cancel()
            self._listening = self.start(self._listen(_AGAIN))

    async def _listen(self, delay: float) -> None:
        """Hear of what others learn; begin again whenever that was lost."""
        while True:
            await asyncio.sleep(delay * (0.5 + self._random() / 2))
            delay = _AGAIN
            try:
                async with AsyncExitStack() as stack:
                    self._begin()
                    async with asyncio.timeout(_ENTERING):
                        lost = await stack.enter_async_context(self.port.news(self._hear))
                    self._came()
                    delay = _SOON
                    await lost
                self._unsettle()
            except TimeoutError:
                self._went(f"it did not answer within {_ENTERING} seconds")
            except RepositoryError as error:
                self._went(str(error))

    def _begin(self) -> None:
        """What is heard from now on counts, even where the store that is there now is behind the one that was."""
        for destination in self._destinations or ():
            if destination.account is not None:
                destination.account.version = 0

    def _unsettle(self) -> None:
        """News were lost, and perhaps no more than that: where it matters, calls wait until it is known."""
        self._verdict.clear()
        for destination in self._destinations or ():
            destination.is_unknown = self.port.when_away == "refuse"

    def _hear(self, name: str, standing: Standing) -> None:
        assert self._destinations is not None  # noqa: S101 - nobody listens before the first one
        if (account := self._destinations.of(name).account) is not None:
            account.see(standing)

    def _went(self, reason: str) -> None:
        if not self.is_away or not self._verdict.is_set():
            does = "nobody is called" if self.port.when_away == "refuse" else "this process goes by what it knows"
            _LOG.warning("the store of standings cannot be used, and %s: %s", does, reason)
        self.is_away = True
        self._judged()

    def _came(self) -> None:
        was_away, self.is_away = self.is_away, False
        self._judged()
        if was_away:
            _LOG.warning("the store of standings can be used again")
            for destination in self._destinations or ():
                if destination.account is not None and destination.paused_until > self.clock.monotonic():
                    destination.account.paused(destination.paused_until)

    def _judged(self) -> None:
        self._verdict.set()
        for destination in self._destinations or ():
            destination.is_unknown = self.refuses

    async def known(self, within: float) -> str:
        """Wait until the store has answered or is away; return why no call is made, or an empty text."""
        if not self._verdict.is_set():
            try:
                async with asyncio.timeout(max(0.0, min(within, self.patience))):
                    await self._verdict.wait()
            except TimeoutError:
                if within >= self.patience:
                    self._went(f"it did not answer within {self.patience} seconds")
        if self.port.when_away == "share" or (self._verdict.is_set() and not self.is_away):
            return ""
        return "how its destination stands with other processes cannot be known: their store is away"

    def watch(self, account: _Account) -> None:
        """Tell of this destination's attempts every second, while attempts fail somewhere."""
        self._failing.add(account)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_LOOK, self._look)

    def _look(self) -> None:
        self._failing = {account for account in self._failing if account.look()}
        self._timer = asyncio.get_running_loop().call_later(_LOOK, self._look) if self._failing else None

    async def told(self) -> None:
        """Wait until what was learnt so far is told, for a second at most."""
        if self.telling:
            await asyncio.wait(tuple(self.telling), timeout=_CLOSING)

    async def aclose(self) -> None:
        """End: what is being told is told, within a second."""
        if self._timer is not None:
            self._timer.cancel()
        if self._listening is not None:
            self._listening.cancel()
        if telling := [task for task in self._tasks if task is not self._listening]:
            await asyncio.wait(telling, timeout=_CLOSING)
        self.is_closed = True
        left = tuple(self._tasks)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=_CLOSING)


@attrs.define
class _View(Breaker):
    """The breaker of all processes, as this one knows it; it opens and closes by itself while the store is away.

    `told`: of each second, how many ends of attempts the store knows from here, and how many that failed.
    """

    sharing: Sharing = attrs.field(kw_only=True)
    account: _Account = attrs.field(kw_only=True)
    told: dict[int, tuple[int, int]] = attrs.Factory(dict)

    def leave(self, failed: bool | None, now: float) -> None:  # noqa: FBT001 - as `is_failure` says
        """Take note of how an attempt ended that was no probe."""
        if self.sharing.is_away:
            super().leave(failed, now)
        elif failed is not None and self.until is None:
            self.count(int(now), 1, int(failed))
            if failed:
                self.account.tell()

    def untold(self, now: float) -> tuple[tuple[int, int, int], ...]:
        """Return what the store does not know, by the seconds that have passed; it is told from now on."""
        second, found, told = int(now), [], {}
        for when, calls, failures in self.ends:
            known = self.told.get(when, (0, 0))
            told[when] = calls, failures
            if calls > known[0] and when > second - self.rule.window:
                found.append((second - when, calls - known[0], failures - known[1]))
        self.told = told
        return tuple(found)

    @property
    def has_untold(self) -> bool:
        """Whether attempts ended that the store does not know of."""
        last = self.ends[-1] if self.ends else None
        return last is not None and self.told.get(last[0]) != (last[1], last[2])

    def _forget(self) -> None:
        super()._forget()
        self.told = {}

    def see(self, standing: Standing, now: float) -> None:
        """Go by what the store knows."""
        if standing.state == "closed":
            if self.until is not None:
                self.lease, self.leased_until = "", NEVER
                self._close()
            return
        self.until = now + standing.open_for
        self.lease, self.leased_until = "", now + standing.probing if standing.probing else NEVER
        self._forget()
        self._become(standing.state)


@attrs.define
class _Earnings(Budget):
    """What calls earned that the store does not know yet, and a share of the budget for the time when it is away."""

    earned: int = 0

    def earn(self, calls: int = 1) -> None:
        """So many calls began."""
        self.earned += calls

    def spend(self, cost: int) -> bool:
        """Take a repeat out of this process's share."""
        super().earn(self.earned)
        self.earned = 0
        return super().spend(cost)


@attrs.define(eq=False)
class _Account:
    """One destination, shared.

    What is to be told: `paused_until`, how probes were `settled`, and that attempts ended (`is_telling`); what is
    `wanted`: repeats, each with its cost and who waits for it. `failing_until`: while attempts fail somewhere, when the
    store is asked whether they still do.
    """

    sharing: Sharing
    destination: Destination
    view: _View | None = None
    earnings: _Earnings | None = None
    rule: RetryBudget | None = None
    version: int = 0
    failing_until: float = NEVER
    paused_until: float = NEVER
    settled: list[tuple[str, bool | None]] = attrs.Factory(list)
    wanted: list[tuple[int, asyncio.Future[bool | None]]] = attrs.Factory(list)
    is_telling: bool = False
    worker: asyncio.Task[None] | None = None
    claiming: asyncio.Lock = attrs.Factory(asyncio.Lock)

    def __attrs_post_init__(self) -> None:
        destination = self.destination
        if (breaker := destination.breaker) is not None:
            destination.breaker = self.view = _View(
                breaker.rule, breaker.random, breaker.tell, sharing=self.sharing, account=self
            )
        if (budget := destination.budget) is not None:
            self.rule = budget.rule
            destination.budget = self.earnings = _Earnings(_share(budget.rule, self.sharing.port.processes))

    async def known(self, within: float) -> str:
        """Wait until the standing is known; return why no call is made, or an empty text."""
        return await self.sharing.known(within)

    def paused(self, until: float) -> None:
        """Tell the others of a pause."""
        self.paused_until = max(self.paused_until, until)
        self._wake()

    def tell(self) -> None:
        """Tell the others of the attempts that ended."""
        self.is_telling = True
        self._wake()

    async def claim(self, until: float) -> str:
        """Return the lease of the probe, or an empty text; of many calls at once one asks."""
        async with self.claiming:
            view = self.view
            assert view is not None  # noqa: S101 - it alone wants a probe
            now = self.sharing.clock.monotonic()
            if view.until is None or view.refused_until(now) is not None:
                return ""  # another was the first
            return await self._claimed(view, now, until)

    async def _claimed(self, view: _View, now: float, until: float) -> str:
        sharing, lease = self.sharing, uuid4().hex
        if not sharing.is_away:
            seconds = max(0.0, until - now) + _GRACE
            probe = sharing.port.probe(self.destination.name, lease, seconds, view.rule)
            try:
                standing = await sharing.ask(probe, orphaned=lambda _: self.settle(lease, None, now))
            except Away:
                pass
            else:
                self.see(standing)
                return lease if standing.is_probe else ""
        if sharing.refuses:
            return ""
        return HERE if view.claim(sharing.clock.monotonic()) else ""

    def settle(self, lease: str, failed: bool | None, now: float) -> None:  # noqa: FBT001 - as `is_failure` says
        """Tell the others how the probe ended; while they cannot be told, go by it here."""
        assert self.view is not None  # noqa: S101 - it alone has probes
        if self.sharing.is_away or lease == HERE:
            self.view.lease = lease
            self.view.settle(lease, failed, now)
        if lease != HERE:
            self.settled.append((lease, failed))
            self._wake()

    async def spend(self, cost: int, within: float) -> bool:
        """Take a repeat out of the budget of all; out of this process's share while the store is away."""
        assert self.earnings is not None  # noqa: S101 - who has no budget is not asked
        if not self.sharing.is_away:
            paid: asyncio.Future[bool | None] = asyncio.get_running_loop().create_future()
            self.wanted.append((cost, paid))
            if self.is_failing and self.view is not None and self.view.has_untold:
                self.is_telling = True  # before the repeat, which the breaker may stop
            self._wake()
            await asyncio.wait([paid], timeout=max(0.0, min(within, self.sharing.patience * 2)))
            if not paid.done():
                paid.cancel()
                return False
            if (answer := paid.result()) is not None:
                return answer
        return not self.sharing.refuses and self.earnings.spend(cost)

    def see(self, standing: Standing) -> None:
        """Go by what the store knows, unless something newer is known."""
        if standing.version and standing.version <= self.version:
            return
        self.version = standing.version
        destination, now = self.destination, self.sharing.clock.monotonic()
        if destination.pauses and standing.paused > 0 and now + standing.paused > destination.paused_until + _SAME:
            destination.hold_back(now + standing.paused)
        if self.view is None:
            return
        self.view.see(standing, now)
        if standing.is_failing:
            is_new = self.failing_until == NEVER
            self.failing_until = asyncio.get_running_loop().time() + self.view.rule.window
            self.sharing.watch(self)
            if is_new and self.view.has_untold:
                self.tell()
            if is_new:
                destination.tell(destination)
        else:
            self.failing_until = NEVER

    @property
    def is_failing(self) -> bool:
        """Whether attempts fail somewhere."""
        return self.failing_until != NEVER

    def look(self) -> bool:
        """Tell what is to be told while attempts fail somewhere; return whether they still may."""
        view = self.view
        if view is None or not self.is_failing or self.sharing.is_away:
            self.failing_until = NEVER
            return False
        if view.has_untold or asyncio.get_running_loop().time() >= self.failing_until:
            self.tell()
        return True

    @property
    def _has_news(self) -> bool:
        return self.is_telling or self.paused_until != NEVER or bool(self.settled)

    def _wake(self) -> None:
        if (self.worker is None or self.worker.done()) and not self.sharing.is_closed:
            self.worker = self.sharing.start(self._work())
            self.sharing.telling.add(self.worker)
            self.worker.add_done_callback(self.sharing.telling.discard)

    async def _work(self) -> None:
        """Tell and ask, one thing after the other, until nothing is left; what happens meanwhile goes along."""
        while self._has_news or self.wanted:
            wanted, self.wanted = self.wanted, []
            try:
                if self._has_news:
                    await self._told()
                if wanted:
                    await self._paid(wanted)
            except Away:
                self.settled.clear()
                self.is_telling, self.paused_until = False, NEVER  # a pause is told when the store is back
            finally:
                for _, paid in wanted:
                    if not paid.done():
                        paid.set_result(None)

    async def _told(self) -> None:
        sharing, view = self.sharing, self.view
        now = sharing.clock.monotonic()
        lease, failed = self.settled.pop(0) if self.settled else ("", None)
        ends = view.untold(now) if view is not None and self.is_telling else ()
        report = StandingReport(max(0.0, self.paused_until - now), ends, lease, failed)
        self.is_telling, self.paused_until = False, NEVER
        rule = None if view is None else view.rule
        self.see(await sharing.ask(sharing.port.tell(self.destination.name, report, rule)))

    async def _paid(self, wanted: list[tuple[int, asyncio.Future[bool | None]]]) -> None:
        """Pay for the repeats that the store gives."""
        earnings, rule = self.earnings, self.rule
        assert earnings is not None  # noqa: S101 - `spend` was asked
        assert rule is not None  # noqa: S101
        costs = tuple([cost for cost, _ in wanted])
        earned, earnings.earned = earnings.earned, 0
        answers = await self.sharing.ask(self.sharing.port.spend(self.destination.name, earned, costs, rule))
        for (_, paid), answer in zip(wanted, answers, strict=True):
            if not paid.done():
                paid.set_result(answer)


def _share(budget: RetryBudget, processes: int | None) -> RetryBudget:
    """What one of so many processes has of a budget; nothing where nobody said how many there are."""
    if processes is None:
        return attrs.evolve(budget, at_first=0, at_most=0)
    return attrs.evolve(budget, at_first=budget.at_first // processes, at_most=budget.at_most // processes)
