"""Partitions: rows that another machine calls for, what it is told about them, and what it tells of them.

Rows travel as plain values, and their outcomes come back as values. A secret travels as a reference, which is looked up
where the call is made. Delivery ids are made before anything leaves.
"""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

import attrs

from wayhook.errors import NotFound, RenderError, Violation, WrongType
from wayhook.execution.batch import Batch
from wayhook.execution.executor import Executor
from wayhook.execution.freight import ours, packed, unpacked
from wayhook.execution.ports import Limiter, Page, Repository
from wayhook.model.action import Action
from wayhook.model.guardrail import Guardrails
from wayhook.model.journey import Journey
from wayhook.model.record import Kept, Stored
from wayhook.notebook.fault import RowFaults
from wayhook.notebook.row import Rows
from wayhook.wire import Outcome

__all__ = ["MAX_BYTES", "MAX_ROWS", "Assignment", "Noted", "Shelf", "begun", "cut"]

MAX_ROWS = 1000
"""Rows of a partition."""
MAX_BYTES = 4 * 2**20
"""Of the rows of a partition that has more than one."""
_LOOK = 0.5
"""Seconds between two looks at whether everything was stopped."""

Shelf = Mapping[tuple[type[Any], str], Stored[Any]]
"""What a definition needs of a repository, by kind and name."""


def begun(
    executor: Executor,
    definition: Action | Journey | str,
    label: str | None,
    subjects: Sequence[Any],
    timeout: float | None,
    **how: Any,
) -> Batch:
    """Return the batch of rows: of an activity for contexts, or of an action for values with their paths."""
    given: Any = definition  # a plan was made of it
    if label is not None:
        return executor.batch(given, label, subjects, **how)
    values, paths = [subject.values for subject in subjects], [subject.path for subject in subjects]
    return executor.call_each(given, values, path=paths, timeout=timeout, **how)


def cut(rows: Rows, pieces: int) -> Iterator[range]:
    """Return the places of rows that travel together, about so many `pieces`, none too large.

    Raises `RenderError` with the rows that cannot travel, before the first piece is taken.
    """
    faults, sizes = RowFaults(rows.labels), []
    for place, subject in enumerate(rows.subjects):
        freight = packed(subject)
        try:
            sizes.append(len(pickle.dumps(freight, pickle.HIGHEST_PROTOCOL)))
            if freight is None:
                faults.add(place, _stays("a context with random numbers of its own stays in its process"))
        except Exception as failure:  # noqa: BLE001 - whatever a class of the users raises
            sizes.append(0)
            faults.add(place, _stays(f"a value cannot travel to a worker ({type(failure).__name__}); give a plain one"))
    if faults:
        raise faults.error()
    return _pieces(sizes, max(1, min(MAX_ROWS, -(-len(sizes) // pieces))))


def _stays(message: str) -> RenderError:
    return WrongType([Violation("$", message)])


def _pieces(sizes: Sequence[int], most: int) -> Iterator[range]:
    first, size = 0, 0
    for place, more in enumerate(sizes):
        if place > first and (place - first == most or size + more > MAX_BYTES):
            yield range(first, place)
            first, size = place, 0
        size += more
    if first < len(sizes):
        yield range(first, len(sizes))


@attrs.frozen(repr=False)
class Noted:
    """A repository as an executor knows it, and what was got from it: what a worker needs of it."""

    repository: Repository
    shelf: dict[tuple[type[Any], str], Stored[Any]] = attrs.Factory(dict)

    async def get(self, kind: type[Kept], name: str) -> Stored[Kept]:
        """Return what the repository has, and note it."""
        stored = self.shelf[kind, name] = await self.repository.get(kind, name)
        return stored

    async def list(self, kind: type[Kept], *, cursor: str | None = None, limit: int = 100) -> Page[Kept]:
        """Return what the repository lists."""
        return await self.repository.list(kind, cursor=cursor, limit=limit)


@attrs.frozen(repr=False)
class _Shelved:
    """What was noted, on a worker: nothing else can be got there, and no limit is deployed."""

    shelf: Shelf

    async def get(self, kind: type[Kept], name: str) -> Stored[Kept]:
        """Return what was noted."""
        if (kind, name) not in self.shelf:
            raise NotFound(kind.__name__.lower(), name)
        return self.shelf[kind, name]

    async def list(self, kind: type[Kept], *, cursor: str | None = None, limit: int = 100) -> Page[Kept]:  # noqa: ARG002
        """Return nothing."""
        return Page((), None)


@attrs.frozen(repr=False)
class Assignment:
    """What is called for each row, wherever. `limiter`: makes the one of a worker, which all of them share."""

    definition: Action | Journey | str
    label: str | None
    timeout: float | None
    concurrency: int
    guardrails: Guardrails | None
    transport: str
    limiter: Callable[[], Limiter] | None
    shelf: Shelf | None

    async def outcomes(
        self,
        freight: Sequence[Any],
        delivery_ids: Sequence[str],
        *,
        begin: Callable[[], object],
        is_stopped: Callable[[], bool],
    ) -> list[Outcome]:
        """Call for each row by an executor of its own; when stopped, only those that were begun have an outcome.

        `begin` is called before anything is sent, and after all that can be wrong with a worker. `is_stopped` is asked
        in a thread.
        """
        async with AsyncExitStack() as stack:
            limiter: Any = None if self.limiter is None else self.limiter()
            if hasattr(limiter, "__aenter__"):
                limiter = await stack.enter_async_context(limiter)
            repository: Any = None if self.shelf is None else _Shelved(self.shelf)
            executor = await stack.enter_async_context(
                Executor(repository, guardrails=self.guardrails, transport=self.transport, limiter=limiter)
            )
            subjects = [unpacked(each) for each in freight]
            how: Any = {"concurrency": min(self.concurrency, len(subjects)), "delivery_ids": delivery_ids}
            batch = begun(executor, self.definition, self.label, subjects, self.timeout, **how)
            async with batch:
                begin()  # what is wrong with a worker was raised by now; the loop has not turned, and nothing is sent
                watching = asyncio.create_task(_watch(batch, is_stopped))
                try:
                    return [_plain(outcome) async for outcome in batch]
                finally:
                    watching.cancel()


async def _watch(batch: Batch, is_stopped: Callable[[], bool]) -> None:
    while not await asyncio.to_thread(is_stopped):  # noqa: ASYNC110 - the flag is at the scheduler of Dask
        await asyncio.sleep(_LOOK)
    batch.stop()


def _plain(outcome: Outcome) -> Outcome:
    """The outcome as every process can open it."""
    return outcome if outcome.cause is None else attrs.evolve(outcome, cause=ours(outcome.cause))
