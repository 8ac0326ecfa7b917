"""What the executor needs from the world: protocols of one to five methods. No I/O here.

Each docstring says what an implementation must do; one can be written from it alone. `wayhook.testing` has a
fake of each, and a contract to test a repository with.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Generic, Literal, NoReturn, Protocol, runtime_checkable

import attrs

from wayhook.expression.context import Context
from wayhook.model.record import Definition, Edit, Kept, Kept_co, Stored
from wayhook.presentation import Presentable
from wayhook.secret import SecretReference
from wayhook.wire import Attempt, Call, Outcome, Request, Response

if TYPE_CHECKING:
    from wayhook.execution.job import End, JobRecord
    from wayhook.model.job import Job

__all__ = [
    "AttemptEnded",
    "BreakerChanged",
    "Clock",
    "Consent",
    "DeadLetters",
    "Dispatcher",
    "Edit",
    "Event",
    "EventSink",
    "ExecutionEnded",
    "History",
    "JobQueue",
    "Limiter",
    "Namespaced",
    "Page",
    "Repository",
    "SecretSource",
    "Stored",
    "StoredToken",
    "TokenStore",
    "Transport",
]


@attrs.frozen
class Page(Presentable, Generic[Kept_co]):
    """Some of what is kept, by name in code-point order; `cursor` asks for what follows, None when nothing does."""

    items: tuple[Stored[Kept_co], ...]
    cursor: str | None


class Repository(Protocol):
    """Keeps definitions (actions, journeys and what goes with them) by kind and name.

    Every method may be awaited by many tasks at once. A write is acknowledged only when it will survive the end
    of the process, where the store survives it at all.
    """

    async def save(
        self,
        *values: Definition,
        expected_version: int | None = None,
        renamed_from: str | None = None,
        by: str = "",
    ) -> int:
        """Keep each of `values` under its name, all of them or none; return the new version of the first.

        `expected_version` speaks of each, `renamed_from` of a value that is saved alone.
        `expected_version`: raise `Conflict` unless this is the version found, 0 meaning that nothing is found;
        None saves over whatever is there. `renamed_from`: the name it is kept under now; the record moves, the
        version goes on counting, journeys that use the action are changed along (R16), and a record that has
        the new name already is a `Conflict`. Raise `DefinitionError` with every guardrail that the value
        breaks, for an action that journeys use, with every change that is not allowed (R16 to R24), and for a
        journey with what stands against its step, its change or its publication (R279 to R302).
        The check and the write are one step: of two writers that expect the same version exactly one wins.
        `by`: who saves, as the host knows them, for `Stored.by` and the history: at most 200 printable characters.
        """
        ...

    async def get(self, kind: type[Kept], name: str) -> Stored[Kept]:
        """Return the value of that kind and name, equal to the one saved; raise `NotFound`."""
        ...

    async def delete(
        self,
        kind: type[Definition],
        name: str,
        *,
        expected_version: int | None = None,
        force: bool = False,
        by: str = "",
    ) -> None:
        """Forget the value.

        Raise `NotFound`, `Conflict`, `StillInUse` for an action that journeys use (R28), or `DefinitionError` for a
        built-in action (R27), a journey that is neither Draft nor Finished (R294), and a capping or throttling that is
        deployed (R255, R272). `force`: forget a deployed one too, which ends its deployment (R256).
        """
        ...

    async def list(self, kind: type[Kept], *, cursor: str | None = None, limit: int = 100) -> Page[Kept]:
        """Return at most `limit` (1 to 1000) values with names after `cursor`, in code-point order of names."""
        ...

    async def journeys_using(self, action: str) -> tuple[str, ...]:
        """Return the names of the journeys that use the action, each once, in order (R14, R15)."""
        ...


@runtime_checkable
class History(Protocol):
    """What a repository remembers of changes, where it does: who made them, when, and what they were.

    Wayhook's own repositories all do. Nothing is ever taken out of it. Clocks that were set back do not turn it round.
    """

    async def history(self, kind: type[Kept], name: str, *, limit: int = 100) -> tuple[Edit[Kept], ...]:
        """Return the last `limit` (1 to 1000) steps of the records that ever had the name, the newest first.

        A record that was renamed brings the steps it made under its other names; one that was deleted is there too.
        Empty for a name that nothing ever had.
        """
        ...

    async def as_of(self, kind: type[Kept], name: str, when: datetime) -> Stored[Kept]:
        """Return the record that had the name at `when`, a date and time with an offset; raise `NotFound`."""
        ...


@runtime_checkable
class Namespaced(Protocol):
    """A repository that keeps several worlds apart in one store, such as sandboxes or tenants.

    Wayhook's own repositories all do. Nothing in one namespace sees, uses or stands against anything in another.
    `namespace`: the one that this repository speaks of; `default` unless another was asked for.
    """

    namespace: str

    def within(self, namespace: str) -> Repository:
        """Return the repository of another namespace of the same store, which is open as long as this one is.

        `namespace`: 1 to 64 ASCII letters, digits, `_`, `-` and `.`, a letter or digit first; raise `DefinitionError`
        for another. A namespace begins with its first record, and needs no preparation.
        """
        ...


class Transport(Protocol):
    """Sends one request and brings its answer."""

    async def send(self, request: Request, deadline: float) -> Response:
        """Send `request` once and return the answer whose final head arrived.

        `deadline`: on the running loop's clock. Return a `Response` whatever its status; when the body cannot
        be used (cut, too large, not there by the deadline) say why in `Response.fault`. Raise `TransportError`
        with the evidence when no final head came. Follow no redirect, keep no cookie, retry nothing, change
        neither request nor status. When cancelled leave no socket and no task, and re-raise.
        """
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...


@runtime_checkable
class SecretSource(Protocol):
    """Looks secrets up."""

    async def reveal(self, reference: SecretReference) -> str:
        """Return the secret's text; raise `SecretMissing` (which does not hold it) when there is none."""
        ...


@attrs.frozen(repr=False)
class StoredToken:
    """An access token and for how many seconds it is good; it has no text form."""

    text: str
    seconds: float

    def __repr__(self) -> str:
        return "<StoredToken ***>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("An access token does not pickle. Ask for another one where it is needed.")


class TokenStore(Protocol):
    """Keeps access tokens beyond the memory of one executor: for other processes, and over restarts.

    `key`: a digest of all that makes a difference to the token, in hexadecimal; no secret can be read from it, but one
    that is easy to guess could be tried. A store that cannot be used raises `StoreUnavailable`, which is logged and
    costs a token request; one that takes longer than half a second to `get` is not waited for. Nobody waits for `put`
    and `drop`, which come one after another, each for three seconds at most.
    """

    async def get(self, key: str) -> StoredToken | None:
        """Return the token that is kept, and the seconds that it is still good for, from 0; None without one."""
        ...

    async def put(self, key: str, token: StoredToken) -> None:
        """Keep the token for its seconds, instead of the one before."""
        ...

    async def drop(self, key: str, token: StoredToken) -> None:
        """Forget the token if it has this text, which was refused; another process may have kept another meanwhile."""
        ...


class Limiter(Protocol):
    """Refuses calls above a rate, or lets them wait."""

    def place(self, method: str, url: str) -> AbstractAsyncContextManager[float]:
        """Return a context manager that holds a place for one attempt (R214).

        Entering waits where calls are queued (R222) and gives the seconds waited; it raises `Discarded` when there
        is no place, or none in time (R215, R223). Leaving says that the attempt has ended.
        """
        ...


class Consent(Protocol):
    """Knows what individuals agreed to."""

    async def allows(self, context: Context, marketing_actions: tuple[str, ...]) -> bool:
        """Return whether the individual of `context` may be reached for all of `marketing_actions`.

        Asked before a call in a journey whose action or activity names marketing actions (R229); the time it takes
        is part of the execution's. What it raises keeps the call from being made.
        """
        ...


class Clock(Protocol):
    """Time for waits, records and dates."""

    def monotonic(self) -> float:
        """Return seconds that never go back, on the running loop's clock."""
        ...

    def now(self) -> datetime:
        """Return the current date and time, with an offset."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Dispatcher(Protocol):
    """Takes calls that others make, later, and at least once."""

    async def dispatch(self, *jobs: Job) -> tuple[str, ...]:
        """Hand jobs over, all of them or none, and return the delivery id of each, in order.

        Returns only when they will survive the end of every process. A job whose delivery id is known already changes
        nothing: two with one id are one job, the first. Raises `DefinitionError` with the path of everything that
        cannot be kept as it is, and `StoreUnavailable`.
        """
        ...

    async def find(self, delivery_id: str) -> JobRecord:
        """Return what is known of a job; raise `NotFound`."""
        ...


class JobQueue(Protocol):
    """The jobs, as those see them who make the calls. Any number of them may, at once, in any number of processes."""

    async def add(self, jobs: Iterable[Job], *, announced_for: float = 0.0) -> tuple[JobRecord, ...]:
        """Keep jobs as `Dispatcher.dispatch` says; return the record of each.

        `announced_for`: seconds after they are due in which nobody else need announce them, since the caller does.
        """
        ...

    async def take(self, limit: int, lease: float, *, delivery_id: str | None = None) -> tuple[JobRecord, ...]:
        """Return at most `limit` jobs that are due, those that wait longest first, and keep others from taking them.

        A job is due when its time has come, or when the lease of who took it has run out. `lease`: seconds that it is
        kept for who takes it. `delivery_id`: take this one, if it is due, and no other.
        """
        ...

    async def renew(self, record: JobRecord, lease: float) -> None:
        """Keep a job that was taken for `lease` more seconds from now, if it is still who took it that has it."""
        ...

    async def settle(self, record: JobRecord, end: End) -> bool:
        """Write down what became of a job that was taken; False, and nothing is written, where that came too late.

        Of several outcomes of one job the first is kept, whoever has the job by now.
        """
        ...

    async def announce(self, limit: int, announced_for: float) -> tuple[str, ...]:
        """Return the delivery ids of jobs that are due and that nobody was told of, each to one caller.

        The caller tells a broker of them. Those that nobody has taken after `announced_for` seconds are due for another
        announcement, then after twice as many, and so on up to ten minutes.
        """
        ...


class DeadLetters(Protocol):
    """The jobs that were given up, and those that are over."""

    async def dead_letters(self, *, cursor: str | None = None, limit: int = 100) -> tuple[JobRecord, ...]:
        """Return at most `limit` (1 to 1000) dead letters with delivery ids after `cursor`, in their order."""
        ...

    async def replay(self, delivery_id: str) -> JobRecord:
        """Let a dead letter be delivered again, at once, with the delivery id it has; raise `NotFound`."""
        ...

    async def forget(self, before: datetime) -> int:
        """Forget the jobs that ended before that time, and return how many; dead letters stay.

        A delivery id that is forgotten is a new one when it is handed over again.
        """
        ...


@attrs.frozen(slots=False)
class AttemptEnded:
    """One attempt of a call ended. `delivery_id`: of the execution that it belongs to."""

    call: Call
    attempt: Attempt
    delivery_id: str = ""


@attrs.frozen(slots=False)
class ExecutionEnded:
    """An execution ended."""

    outcome: Outcome


BreakerState = Literal["open", "half open", "closed"]


@attrs.frozen
class BreakerChanged:
    """The breaker of a destination (`https://api.example.com`) opened, lets a probe through, or closed."""

    destination: str
    state: BreakerState


Event = AttemptEnded | ExecutionEnded | BreakerChanged


class EventSink(Protocol):
    """Hears what happens."""

    def emit(self, event: Event) -> None:
        """Take an event, at once and without waiting; nothing in it is secret. What it raises is logged."""
        ...


Randomness = Callable[[], float]
"""Returns a number from 0 to 1, evenly spread."""

system_random: Randomness = random.SystemRandom().random
