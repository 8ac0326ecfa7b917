"""Batch: one activity for many contexts, by a bounded pool of workers that pull from one source.

A bare async generator cannot clean up in time when it is left early; a context manager can.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from inspect import isasyncgen
from typing import Any, Self

from wayhook.errors import DefinitionError, ExecutionError, Violation
from wayhook.execution.execution import Use
from wayhook.expression.context import Context
from wayhook.wire import Outcome

__all__ = ["Batch"]

MAX_CONCURRENCY = 10_000
"""Each is a task that is made at once, and a connection."""


class Batch:
    """Outcomes of many executions, as they come; made by `Executor.batch`.

    Memory stays constant: the source is pulled only as fast as outcomes are taken, and at most twice
    `concurrency` outcomes are held. Leaving the context, early or not, ends every call under way, closes a source
    that is an async generator, and leaves no task behind. An exception of the source itself comes out of the
    iteration after the outcomes before it.
    """

    def __init__(
        self,
        prepare: Callable[[], Awaitable[Use]],
        run: Callable[[Use, Context, int], Awaitable[Outcome]],
        contexts: Iterable[Context] | AsyncIterable[Context],
        concurrency: int,
    ) -> None:
        if type(concurrency) is not int or not 1 <= concurrency <= MAX_CONCURRENCY:
            message = f"give a whole number from 1 to {MAX_CONCURRENCY:,}"
            raise DefinitionError([Violation("$.concurrency", message)])
        if not isinstance(contexts, Iterable | AsyncIterable):
            kind = type(contexts).__name__
            raise DefinitionError([Violation("$.contexts", f"give an iterable of contexts, sync or async, not {kind}")])
        self._prepare, self._run = prepare, run
        self._contexts, self._source = contexts, _indexed(contexts)
        self._concurrency = concurrency
        self._workers: list[asyncio.Task[None]] | None = None
        self._ended: deque[Outcome] = deque()
        self._failure: Exception | None = None
        self._pulling = asyncio.Lock()
        self._arrived, self._taken = asyncio.Event(), asyncio.Event()

    async def __aenter__(self) -> Self:
        if self._workers is not None:
            raise DefinitionError([Violation("$", "a batch is entered once; make another: executor.batch(…)")])
        use = await self._prepare()
        self._workers = [asyncio.create_task(self._work(use)) for _ in range(self._concurrency)]
        for worker in self._workers:
            worker.add_done_callback(lambda _: self._arrived.set())
        return self

    async def __aexit__(self, *_: object) -> None:
        workers, self._workers = self._workers or [], []
        for worker in workers:
            worker.cancel()
        try:
            await asyncio.gather(*workers, return_exceptions=True)
        finally:
            await self._source.aclose()
            if isasyncgen(self._contexts):
                await self._contexts.aclose()

    def __aiter__(self) -> AsyncIterator[Outcome]:
        return self

    async def __anext__(self) -> Outcome:
        """Return the next outcome that came."""
        if self._workers is None:
            message = "enter the batch first: async with executor.batch(…) as batch"
            raise DefinitionError([Violation("$", message)])
        while not self._ended:
            if all(worker.done() for worker in self._workers):
                self._raise_failure()
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        outcome = self._ended.popleft()
        if len(self._ended) <= self._concurrency // 2:  # waking every worker for each place would cost more with each
            self._taken.set()
        return outcome

    def _raise_failure(self) -> None:
        """Raise what ended the workers, if it was not the end of the source."""
        if self._failure is not None:
            raise self._failure
        for worker in self._workers or ():
            if worker.cancelled():
                raise ExecutionError("a call of the batch was cancelled from within, and the batch ended")
            worker.result()

    async def _work(self, use: Use) -> None:
        while self._failure is None:
            while len(self._ended) >= self._concurrency:
                self._taken.clear()
                await self._taken.wait()
            try:
                async with self._pulling:
                    index, context = await anext(self._source)
            except StopAsyncIteration:
                return
            except Exception as failure:  # noqa: BLE001 - the source is the caller's: it comes out as it is
                self._failure = failure
                return
            self._ended.append(await self._run(use, context, index))
            self._arrived.set()


async def _indexed(contexts: Iterable[Any] | AsyncIterable[Any]) -> AsyncGenerator[tuple[int, Any], None]:
    index = -1
    if isinstance(contexts, AsyncIterable):
        async for context in contexts:
            index += 1
            yield index, context
    else:
        for context in contexts:
            index += 1
            yield index, context
