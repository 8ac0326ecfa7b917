"""Batch: one activity for many contexts, by a bounded pool of workers that pull from one source.

A bare async generator cannot clean up in time when it is left early; a context manager can.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter, OrderedDict
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from typing import Any, Self

import attrs

from wayhook.errors import DefinitionError, ExecutionError, Violation
from wayhook.execution.latency import Latencies
from wayhook.execution.source import Source
from wayhook.presentation import Live
from wayhook.wire import Outcome

__all__ = ["Batch", "Run"]


@attrs.frozen
class Run:
    """How the calls of a batch are made.

    `call`: makes the one for a context (or a row), which has this place in its source. `stop`: ends those under way,
    and all that come, each with an outcome.
    """

    call: Callable[[Any, int], Awaitable[Outcome]]
    stop: Callable[[], None]


MAX_CONCURRENCY = 10_000
"""Each is a task that is made at once, and a connection."""


class Batch(Live):
    """Outcomes of many executions, as they come or in the order of the source.

    Made by `Executor.batch` and `Executor.call_each`.

    Memory stays constant: at most twice `concurrency` contexts are between the source and whoever takes outcomes, and
    the source is not asked for more meanwhile. Leaving the context, early or not, ends every call under way, closes a
    source that is an async generator, and leaves no task behind. An exception of the source itself comes out of the
    iteration after the outcomes before it.

    `tally`: how many of the outcomes that were taken had each status. `latencies`: how long their executions took. A
    notebook that displays the batch shows both, and draws them again as outcomes are taken, at most twice a second.
    """

    def __init__(
        self,
        prepare: Callable[[AsyncExitStack], Awaitable[Run]],
        contexts: Iterable[Any] | AsyncIterable[Any],
        concurrency: int,
        *,
        in_order: bool = False,
    ) -> None:
        if type(concurrency) is not int or not 1 <= concurrency <= MAX_CONCURRENCY:
            message = f"give a whole number from 1 to {MAX_CONCURRENCY:,}"
            raise DefinitionError([Violation("$.concurrency", message)])
        self._prepare, self._source = prepare, Source(contexts, 2 * concurrency)
        self._stack = AsyncExitStack()
        self._concurrency, self._in_order = concurrency, in_order
        self._workers: list[asyncio.Task[None]] | None = None
        self._run: Run | None = None
        self._working = 0
        self._process = 0
        self._ended: OrderedDict[int, Outcome] = OrderedDict()
        self._failure: Exception | None = None
        self._arrived = asyncio.Event()
        self.tally: Counter[str] = Counter()
        self.latencies = Latencies()

    @property
    def pulled(self) -> int:
        """How many contexts were taken from the source."""
        return self._source.pulled

    @property
    def taken(self) -> int:
        """How many outcomes were taken from the batch."""
        return self._source.done

    async def __aenter__(self) -> Self:
        if self._workers is not None:
            raise DefinitionError([Violation("$", "a batch is entered once; make another: executor.batch(…)")])
        self._process = os.getpid()
        self._run = run = await self._prepared()
        self._working = self._concurrency
        self._workers = [asyncio.create_task(self._work(run)) for _ in range(self._concurrency)]
        for worker in self._workers:
            worker.add_done_callback(self._rest)
        return self

    async def _prepared(self) -> Run:
        try:
            return await self._prepare(self._stack)
        except BaseException:
            await self._stack.aclose()
            raise

    def stop(self) -> None:
        """Pull no further context and end the calls under way at once; their outcomes are still to be taken.

        A call that may have been done is `unknown`, any other `unavailable`. Call it on the loop of the batch; from
        another thread or a signal handler: `loop.call_soon_threadsafe(batch.stop)`.
        """
        self._source.end()
        if self._run is not None:
            self._run.stop()

    def _rest(self, _: asyncio.Task[None]) -> None:
        self._working -= 1
        self._arrived.set()

    async def __aexit__(self, *_: object) -> None:
        if self._process != os.getpid():
            return  # what is open belongs to the process that this one was forked from
        workers, self._workers = self._workers or [], []
        for worker in workers:
            worker.cancel()
        try:
            await asyncio.gather(*workers, return_exceptions=True)
        finally:
            try:
                await self._source.aclose()
            finally:
                await self._stack.aclose()
        if self.redraw is not None:
            self.redraw(True)

    def __aiter__(self) -> AsyncIterator[Outcome]:
        return self

    async def __anext__(self) -> Outcome:
        """Return the next outcome that came, or that of the next context."""
        if self._workers is None:
            message = "enter the batch first: async with executor.batch(…) as batch"
            raise DefinitionError([Violation("$", message)])
        while (outcome := self._next()) is None:
            if not self._working:
                self._raise_failure()
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        self._source.finish()
        self.tally[outcome.status] += 1
        self.latencies.add(outcome.elapsed)
        if self.redraw is not None:
            self.redraw(False)
        return outcome

    def _next(self) -> Outcome | None:
        """The outcome that is taken next, if it is there."""
        if self._in_order and self._working:
            return self._ended.pop(self.taken, None)
        if not self._ended:
            return None
        return self._ended.pop(min(self._ended)) if self._in_order else self._ended.popitem(last=False)[1]

    def _raise_failure(self) -> None:
        """Raise what ended the workers, if it was not the end of the source."""
        if self._failure is not None:
            raise self._failure
        for worker in self._workers or ():
            if worker.cancelled():
                raise ExecutionError("a call of the batch was cancelled from within, and the batch ended")
            worker.result()

    async def _work(self, run: Run) -> None:
        source, ended, arrived = self._source, self._ended, self._arrived
        while self._failure is None:
            try:
                index, context = source.at_hand() or await source.pull()
            except StopAsyncIteration:
                return
            except Exception as failure:  # noqa: BLE001 - the source is the caller's: it comes out as it is
                self._failure = failure
                return
            ended[index] = await run.call(context, index)
            if not arrived.is_set():
                arrived.set()
