"""Cluster: a map by the workers of Dask; needs the extra `dask`. The one file that imports distributed and cloudpickle.

Theory of operation. Rows are cut into partitions. A partition is a task of Dask, and runs on a worker with an executor
of its own. Two flags at the scheduler keep the promises that Dask does not make. One is of the whole map: set by
Ctrl-C, and looked at by each partition under way. The other is of the partition: set before its first call. Dask runs a
task again whose worker it lost; one that finds its own flag set makes no call, so its rows are `unknown` rather than
called twice. Where the flag is not set, nothing was sent. Flags of partitions are taken back at the end, when that of
the map is set for good, so that a task which Dask runs again even then makes no call.

Only a few partitions for each thread of the workers are with the scheduler at once, whatever the length of the table.
"""

from __future__ import annotations

import asyncio
import pickle
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import attrs

from wayhook.errors import DefinitionError, MissingExtra, Violation, WayhookError
from wayhook.execution.execution import recorded
from wayhook.execution.freight import packed
from wayhook.execution.latency import Latencies
from wayhook.expression.context import Context
from wayhook.notebook.partition import Assignment, cut
from wayhook.notebook.progress import Progress
from wayhook.notebook.row import Rows
from wayhook.wire import Outcome

if TYPE_CHECKING:
    from distributed import Client, Event, Future

__all__ = ["Cluster", "Parted"]

_PIECES = 4
"""Partitions of a table for each thread of the workers, at least: progress is told as they end."""
_AHEAD = 2
"""Partitions for each thread of the workers that the scheduler knows at once."""
_STAYS: Mapping[str, str] = {
    "secrets": "leave this out: each worker looks references up by their scheme, so have the secrets there",
    "consent": "nobody asks on a worker; leave out those who did not agree, or call without an engine",
    "events": "sinks hear nothing of other machines; look at the outcomes, or call without an engine",
    "tokens": "leave this out: each partition asks for a token of its own",
}
_STOPPED = "stopped before this call had ended"
_NOT_MADE = "stopped before this call was made"
_LOST = "the worker that made the call did not tell how it ended"


@attrs.frozen(repr=False)
class Cluster:
    """A client of a Dask cluster, and what its workers are to do."""

    client: Client
    assignment: Assignment

    @classmethod
    def of(cls, engine: object, assignment: Assignment, settings: Mapping[str, Any], *, processes: int) -> Cluster:
        """Return the cluster of a client; raises `DefinitionError` with all that keeps it from calling."""
        try:
            from distributed import Client
        except ImportError:
            message = "calling by a Dask cluster takes the extra: pip install 'wayhook[dask]'"
            raise MissingExtra(message) from None
        faults = [Violation(f"$.{name}", why) for name, why in _STAYS.items() if settings[name]]
        if not isinstance(assignment.transport, str):
            faults.append(Violation("$.transport", "give it by its name, such as 'httpx': each worker makes its own"))
        if hasattr(assignment.limiter, "place") or not (assignment.limiter is None or callable(assignment.limiter)):
            message = "limits of one process hold in one process; give a function that makes a limiter which all share"
            faults.append(Violation("$.limiter", message))
        if processes != 1:
            faults.append(Violation("$.processes", "leave this out: the processes are the workers of the engine"))
        if not isinstance(engine, Client):
            message = f"a distributed.Client belongs here, not {type(engine).__name__}"
            faults.append(Violation("$.engine", message))
        elif engine.asynchronous or engine.status != "running":
            state = "asynchronous: make one that is not" if engine.asynchronous else "not connected: make another"
            faults.append(Violation("$.engine", f"this client is {state}"))
        if faults:
            raise DefinitionError(faults)
        client: Any = engine
        _require_same(client)
        return cls(client, assignment)

    def parted(self, rows: Rows, delivery_ids: Sequence[str]) -> Parted:
        """Return what calls for the rows; raises what keeps them from travelling."""
        try:
            from cloudpickle import dumps

            freight = dumps(self.assignment)
        except Exception as failure:  # noqa: BLE001 - whatever a class of the users raises
            message = (
                f"the definition or a setting cannot go to the workers ({type(failure).__name__}); a literal secret "
                "stays in its process, and so does an open connection: use wayhook.secret('env:NAME')"
            )
            raise DefinitionError([Violation("$.engine", message)]) from None
        return Parted(self.client, freight, rows, delivery_ids, cut(rows, _PIECES * self.threads))

    @property
    def threads(self) -> int:
        """How many threads the workers have; 1 while there are none."""
        return _threads(self.client)


def _threads(client: Client) -> int:
    threads: Mapping[str, int] = client.nthreads()
    return max(1, sum(threads.values()))


def _require_same(client: Client) -> None:
    """Raise where a worker has no Wayhook, or another one."""
    own = version("wayhook")
    try:
        found = {*client.run(version, "wayhook").values()}
    except ImportError:
        message = f"the workers have no Wayhook; install wayhook=={own} there"
        raise DefinitionError([Violation("$.engine", message)]) from None
    if others := found - {own}:
        message = f"the workers have Wayhook {', '.join(sorted(others))}, and here it is {own}; install the same"
        raise DefinitionError([Violation("$.engine", message)])


@attrs.frozen(repr=False)
class _Load:
    """What a worker is sent, and would show in its log: no value of a row."""

    assignment: bytes
    rows: bytes


def _call(load: _Load, begun_name: str, stop_name: str) -> bytes | None:
    """Call for a partition on a worker; return its outcomes, pickled, or None where it was begun before."""
    from distributed import Event, get_client

    client = get_client()
    begun, stop = Event(begun_name, client), Event(stop_name, client)
    if begun.is_set():
        return None
    assignment: Assignment = pickle.loads(load.assignment)  # noqa: S301 - from the client that we work for
    freight, ids = pickle.loads(load.rows)  # noqa: S301
    outcomes: list[Outcome] = []
    if not stop.is_set():
        outcomes = asyncio.run(assignment.outcomes(freight, ids, begin=begun.set, is_stopped=stop.is_set))
    return pickle.dumps(outcomes, pickle.HIGHEST_PROTOCOL)


class Parted:
    """The rows of a map by the partitions of a cluster. `outcomes`: of each row that has ended. A thread writes, the
    caller reads."""  # noqa: D205, D209 - one sentence each

    def __init__(
        self, client: Client, freight: bytes, rows: Rows, delivery_ids: Sequence[str], parts: Iterator[range]
    ) -> None:
        self._client, self._freight, self._rows, self._ids, self._parts = client, freight, rows, delivery_ids, parts
        self._run = f"wayhook-{uuid4().hex}"
        self._left: dict[int, tuple[bool, str]] = {}
        self._under_way: dict[str, tuple[range, Future[bytes | None]]] = {}
        self._sent: list[str] = []
        self._is_stopped = False
        self._fault = ""
        self._task: asyncio.Task[None] | None = None
        self.outcomes: list[Outcome | None] = [None] * len(delivery_ids)
        self._done = self._succeeded = 0
        self._tally: Counter[str] = Counter()
        self._latencies = Latencies()

    async def take(self) -> None:
        """Take all outcomes; who asks a second time waits for the first."""
        self._task = self._task or asyncio.create_task(self._take())
        await self._task

    async def _take(self) -> None:
        try:
            await asyncio.to_thread(self._collect)
        except asyncio.CancelledError:  # the caller waits no longer
            self._is_stopped = True
            if self._client.status == "running":
                self._client.cancel([future for _, future in list(self._under_way.values())], force=True)
            raise

    async def stop(self) -> None:
        """Begin no further call, and end those under way; the partitions tell how far they came."""
        self._is_stopped = True
        await asyncio.to_thread(self._event().set)

    def left(self, place: int) -> tuple[bool, str]:
        """Return whether the call of a row without an outcome may have been made, and why it has none."""
        if place in self._left:
            return self._left[place]
        is_begun = any(place in part for part, _ in list(self._under_way.values()))
        return is_begun, self._fault or (_STOPPED if is_begun else _NOT_MADE)

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return Progress(self._done, len(self.outcomes), self._succeeded, dict(self._tally), self._latencies)

    def _event(self, name: str | None = None) -> Event:
        from distributed import Event

        return Event(name or self._run, self._client)

    def _collect(self) -> None:
        """Give the scheduler partitions, and take what comes of them, until all have ended or the cluster is lost."""
        try:
            self._exchange()
        except Exception as failure:  # noqa: BLE001 - the batch boundary: whatever the loss of a scheduler raises
            self._fault = f"the cluster was lost ({type(failure).__name__})"

    def _exchange(self) -> None:
        from distributed import as_completed

        coming = as_completed(loop=self._client.loop)
        self._send(coming.add)
        for future in coming:
            self._record(future)
            self._send(coming.add)
        self._event().set()
        for name in self._sent:
            self._event(name).clear()

    def _send(self, add: Callable[[Future[bytes | None]], object]) -> None:
        """Have the scheduler know as many partitions as its workers need."""
        most = _AHEAD * _threads(self._client)
        while not self._is_stopped and len(self._under_way) < most and (part := next(self._parts, None)):
            add(self._submitted(part))

    def _submitted(self, part: range) -> Future[bytes | None]:
        from cloudpickle import dumps

        freight = [packed(self._rows.subjects[place]) for place in part]
        load = _Load(self._freight, dumps((freight, self._ids[part.start : part.stop])))
        key = f"{self._run}-{part.start}"
        future = self._client.submit(_call, load, key, self._run, key=key, retries=0, pure=False)
        self._under_way[key] = part, future
        self._sent.append(key)
        return future

    def _record(self, future: Future[bytes | None]) -> None:
        """Take what came of a partition; where nothing did, its flag says whether anything was sent."""
        part, _ = self._under_way[future.key]
        try:
            told = future.result()
        except Exception as failure:  # noqa: BLE001 - the batch boundary: whatever became of a worker
            reason = str(failure) if isinstance(failure, WayhookError) else type(failure).__name__
            is_begun = self._event(future.key).is_set()
            why = _LOST if is_begun else f"the worker could not begin the partition of this row: {reason}"
            self._lose(part, why, is_begun=is_begun)
        else:
            if told is None:
                self._lose(part, _LOST, is_begun=True)
            else:
                self._left.update(dict.fromkeys(part, (False, _NOT_MADE)))
                for outcome in pickle.loads(told):  # noqa: S301 - of our own function
                    self._keep(part.start + outcome.index, outcome)
        del self._under_way[future.key]

    def _lose(self, part: range, why: str, *, is_begun: bool) -> None:
        self._left.update(dict.fromkeys(part, (is_begun, why)))
        self._done += len(part)
        self._tally["internalError"] += len(part)

    def _keep(self, place: int, outcome: Outcome) -> None:
        subject = self._rows.subjects[place]
        if isinstance(subject, Context):
            outcome = recorded(subject, outcome)
        self.outcomes[place] = attrs.evolve(outcome, index=place)
        self._done += 1
        self._succeeded += outcome.succeeded
        self._tally[outcome.status] += 1
        self._latencies.add(outcome.elapsed)
