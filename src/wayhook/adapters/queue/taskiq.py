"""Jobs handed on by a broker of Taskiq; the one module that imports it. Needs the extra `taskiq` for RabbitMQ.

The broker carries delivery ids and nothing else. What a job is, who has it and what became of it stands in the store: a
message that is lost is sent again, one that comes twice finds the job taken, and one that comes early finds it not due.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import TYPE_CHECKING, Any, Protocol, Self

from wayhook.errors import DefinitionError, MissingExtra, StoreUnavailable, Violation
from wayhook.execution.executor import Executor
from wayhook.execution.job import JobRecord, require_queue
from wayhook.execution.means import unexpected
from wayhook.execution.ports import Dispatcher, JobQueue
from wayhook.execution.worker import Redelivery, Worker
from wayhook.model.job import Job

if TYPE_CHECKING:
    from taskiq import AsyncBroker

__all__ = ["JobStore", "TaskiqDispatcher"]

_LOG = logging.getLogger("wayhook")
_TASK = "wayhook:work"
_MOST = 65_535
"""What RabbitMQ takes for a prefetch; seconds of a pause have no need for more."""
_TOGETHER = 1_000
_AT_ONCE = 100
"""Messages that are under way to the broker, which confirms each."""
_PATIENCE = 5.0
"""Seconds for these: a client that looks for its broker again keeps them until it is back; nobody waits for that."""


class JobStore(Dispatcher, JobQueue, AbstractAsyncContextManager[Any], Protocol):
    """A store of jobs that is opened and closed, such as `SqlJobs`."""


class TaskiqDispatcher:
    """Hands jobs to workers through Taskiq: a `Dispatcher`, and the `broker` that `taskiq worker` is given.

    `jobs`: the store, such as `SqlJobs(url)`, not yet opened; the broker opens it when it starts, and closes it.
    `executor`: returns an async context manager of an `Executor`, which each worker process enters once.
    `broker`: a URL of RabbitMQ (`amqp://user:password@host/`), or a broker of Taskiq that acknowledges a message when
    its task has ended. `queue`: the name in RabbitMQ of one that is durable and a quorum of its nodes; messages are
    persistent and confirmed. `prefetch`: messages that a worker process has at once, those under way included.
    `redelivery`: when a job is delivered again. `sweep`: seconds between two looks of each worker for jobs that have
    become due; `announced_for`: seconds after which a job is sent again that no worker has taken.

    One who hands over opens it (`async with`); a worker process is started by `taskiq worker module:broker`, where
    the module says `broker = dispatcher.broker`.
    A job is handed over when it is in the store: a broker that is away does not matter, and is told later.
    Raises `MissingExtra` without Taskiq.
    """

    def __init__(
        self,
        jobs: JobStore,
        executor: Callable[[], AbstractAsyncContextManager[Executor]],
        *,
        broker: AsyncBroker | str,
        queue: str = "wayhook",
        prefetch: int = 50,
        redelivery: Redelivery | None = None,
        sweep: float = 1.0,
        announced_for: float = 60.0,
    ) -> None:
        numbers = {"prefetch": prefetch, "sweep": sweep, "announced_for": announced_for}
        if faults := list(_faults(jobs, executor, redelivery, numbers)):
            raise DefinitionError(faults)
        self.broker: AsyncBroker = _broker(broker, require_queue(queue), prefetch)
        self._jobs, self._executor, self._redelivery = jobs, executor, redelivery
        self._sweep, self._announced_for = sweep, announced_for
        self._open = AsyncExitStack()
        self._worker: Worker | None = None

        async def work(delivery_id: str) -> None:  # a method has no name that Taskiq could change
            await self._work(delivery_id)

        self._message = self.broker.register_task(work, task_name=_TASK)
        self.broker.add_middlewares(_household(self._enter, self._open.aclose))

    def __repr__(self) -> str:
        return f"<TaskiqDispatcher of {self._jobs!r}>"

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as failing:
            failing.push_async_callback(self.broker.shutdown)
            try:
                await self.broker.startup()
            except _refusals() as error:
                raise StoreUnavailable(f"the broker cannot be reached now ({type(error).__name__}).") from None
            failing.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.broker.shutdown()

    async def dispatch(self, *jobs: Job) -> tuple[str, ...]:
        """Hand jobs over; see `Dispatcher.dispatch`. What is due is told to the broker at once, if it is there."""
        records = await self._jobs.add(jobs, announced_for=self._announced_for)
        await self._send([record.delivery_id for record in records if record.announcements])
        return tuple(record.delivery_id for record in records)

    async def find(self, delivery_id: str) -> JobRecord:
        """Return what is known of a job; see `Dispatcher.find`."""
        return await self._jobs.find(delivery_id)

    async def announce(self) -> int:
        """Tell the broker of every job that is due and that no worker has heard of; return how many these were.

        Workers do so every `sweep` seconds. Raises `StoreUnavailable`.
        """
        count = 0
        while found := await self._jobs.announce(_TOGETHER, self._announced_for):
            count += len(found)
            if not await self._send(found):
                break
        return count

    async def _send(self, delivery_ids: list[str] | tuple[str, ...]) -> bool:
        """Send a message for each; False where the broker takes none, and who sweeps sends them later."""
        from taskiq.exceptions import SendTaskError

        try:
            for first in range(0, len(delivery_ids), _AT_ONCE):
                async with asyncio.timeout(_PATIENCE):
                    sent = (self._message.kiq(name) for name in delivery_ids[first : first + _AT_ONCE])
                    found = await asyncio.gather(*sent, return_exceptions=True)
                for each in found:
                    if isinstance(each, BaseException):
                        raise each
        except (SendTaskError, TimeoutError) as error:
            cause = error.__cause__ if isinstance(error, SendTaskError) else error
            _LOG.warning("the broker takes no messages now (%s); jobs wait in the store", type(cause).__name__)
            return False
        return True

    async def _work(self, delivery_id: str) -> None:
        """Carry out the job that a message is about; the message is acknowledged when this returns."""
        assert self._worker is not None  # noqa: S101 - tasks run in a worker process that has started
        try:
            await self._worker.work(delivery_id)
        except StoreUnavailable as error:
            _LOG.warning("job %s is sent again later: %s", delivery_id, error)

    async def _enter(self) -> None:
        """Open the store; in a worker process an executor as well, and begin to sweep."""
        await self._open.enter_async_context(self._jobs)
        if self.broker.is_worker_process:
            executor = await self._open.enter_async_context(self._executor())
            self._worker = Worker(self._jobs, executor, redelivery=self._redelivery)
            sweeping = asyncio.create_task(self._swept())
            self._open.push_async_callback(_ended, sweeping)

    async def _swept(self) -> None:
        while True:
            await asyncio.sleep(self._sweep)
            try:
                await self.announce()
            except StoreUnavailable as error:
                _LOG.warning("no job can be announced: %s", error)
            except Exception as failure:  # noqa: BLE001 - nobody would begin to sweep again
                unexpected(failure, "announcing jobs")


def _faults(jobs: object, executor: object, redelivery: object, numbers: Mapping[str, object]) -> Iterator[Violation]:
    if not callable(getattr(jobs, "announce", None)):
        yield Violation("$.jobs", f"a store of jobs belongs here, such as SqlJobs(url), not {type(jobs).__name__}")
    if not callable(executor):
        yield Violation("$.executor", "give a function that returns an async context manager of an Executor")
    if redelivery is not None and not isinstance(redelivery, Redelivery):
        yield Violation("$.redelivery", f"a Redelivery belongs here, not {type(redelivery).__name__}")
    for name, number in numbers.items():
        kinds = (int,) if name == "prefetch" else (int, float)
        if type(number) not in kinds or not 0 < number <= _MOST:  # type: ignore[operator]  # a number by now
            yield Violation(f"$.{name}", f"give a number above 0 and up to {_MOST:,}")


def _refusals() -> tuple[type[Exception], ...]:
    """What it raises where a broker cannot be opened: the system, and the client of RabbitMQ where it is here."""
    try:
        from aiormq.exceptions import AMQPError
    except ImportError:
        return (OSError,)
    return OSError, AMQPError


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


def _household(enter: Callable[[], Any], leave: Callable[[], Any]) -> Any:
    """A middleware that opens what tasks need when the broker starts, and closes it when it ends."""
    from taskiq import TaskiqMiddleware

    class Household(TaskiqMiddleware):
        async def startup(self) -> None:
            await enter()

        async def shutdown(self) -> None:
            await leave()

    return Household()


def _broker(given: AsyncBroker | str, queue: str, prefetch: int) -> AsyncBroker:
    """The broker that was given, or the one for RabbitMQ with what keeps messages from being lost."""
    try:
        from taskiq import AsyncBroker

        if isinstance(given, AsyncBroker):
            return given
        from taskiq_aio_pika import AioPikaBroker, Exchange, Queue, QueueType
    except ImportError as error:
        raise MissingExtra(f"a broker of Taskiq needs {error.name}: pip install 'wayhook[taskiq]'") from None
    if not isinstance(given, str) or not given.startswith(("amqp://", "amqps://")):
        message = "give amqp://user:password@host/, the URL of a RabbitMQ, or a broker of Taskiq"
        raise DefinitionError([Violation("$.broker", message)])
    return AioPikaBroker(
        given,
        qos=prefetch,
        exchange=Exchange(name=queue, durable=True),
        task_queues=[Queue(name=queue, type=QueueType.QUORUM, durable=True)],
        dead_letter_queue=Queue(name=f"{queue}.dead", type=QueueType.QUORUM, durable=True),
    )
