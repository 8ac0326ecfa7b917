"""What the executor needs from the world: protocols of one to five methods. No I/O here.

Each docstring says what an implementation must do; one can be written from it alone. `wayhook.testing` has a
fake of each, and a contract to test a repository with.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, Literal, NoReturn, Protocol, runtime_checkable

import attrs

from wayhook.execution.coverage import LimitRule
from wayhook.expression.context import Context
from wayhook.model.guardrail import BreakerRule, RetryBudget
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
    "Capped",
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
    "Paused",
    "Repository",
    "Retrying",
    "RuleLimiter",
    "SecretSource",
    "Standing",
    "StandingReport",
    "Standings",
    "Stored",
    "StoredToken",
    "Tell",
    "TokenAttemptEnded",
    "TokenStore",
    "Transport",
    "WaitReason",
    "Waited",
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

        A limiter that several processes share may have an attribute `standings`, a `Standings`: then pauses, breakers
        and the budget of repeats are shared through it as well.
        """
        ...


BreakerState = Literal["open", "half open", "closed"]


@attrs.frozen
class Standing:
    """How a destination stands with all processes that share it.

    Times are seconds from now, so that no clocks are compared. `state`: of its breaker. `open_for`: until a probe may
    go, 0 where one may go now or none is needed. `probing`: for how long the place of the probe is taken at most, 0
    where it is free. `paused`: for how long nobody calls. `is_failing`: whether an attempt failed within the window of
    the breaker, so that every process tells how many it made. `version`: grows with each change of one destination; 0
    where what comes later is newer. `is_probe`: in the answer to `probe`, whether who asked is the probe.
    """

    state: BreakerState = "closed"
    open_for: float = 0.0
    probing: float = 0.0
    paused: float = 0.0
    is_failing: bool = False
    version: int = 0
    is_probe: bool = False


@attrs.frozen
class StandingReport:
    """What a process learnt of a destination.

    `paused`: the seconds for which nobody is to call, 0 for no pause. `ends`: triples of whole seconds ago, attempts
    that ended then, and how many of them failed, the oldest first. `lease`: of a probe that ended, with `failed`:
    whether it did, None where nothing was learnt and its place is given back.
    """

    paused: float = 0.0
    ends: tuple[tuple[int, int, int], ...] = ()
    lease: str = ""
    failed: bool | None = None


class Standings(Protocol):
    """Shares pauses, breakers and the budget of repeats between processes.

    It is asked and told when something goes wrong, and by no call that goes well. `destination`: scheme, host and port.
    Each method is one step: whoever comes at the same time comes before or after it. One that cannot be done raises
    `StoreUnavailable`; one that takes longer than a second counts as that.
    """

    @property
    def when_away(self) -> Literal["share", "refuse"]:
        """What a process does while it cannot ask: go by what it knows and a share of the budget, or call nobody."""
        ...

    @property
    def processes(self) -> int | None:
        """How many share the budget while none of them can ask; None where nothing is repeated then."""
        ...

    async def tell(self, destination: str, report: StandingReport, rule: BreakerRule | None) -> Standing:
        """Take note of what a process learnt, and return how the destination stands.

        A pause holds from now on, or as long as a longer one. Where enough of the attempts of all processes within the
        window failed, by `rule` (P16), the breaker opens. A probe's end closes it, or opens it for longer; one whose
        lease is over changes nothing. `rule`: None where the edition has no breaker.
        """
        ...

    async def probe(self, destination: str, lease: str, seconds: float, rule: BreakerRule) -> Standing:
        """Give the place of the probe to `lease` where the breaker wants a probe and nobody has the place.

        It is taken for so many seconds, so that a process that was killed keeps it no longer.
        """
        ...

    async def spend(self, destination: str, earned: int, costs: tuple[int, ...], rule: RetryBudget) -> tuple[bool, ...]:
        """Earn for so many calls; return for each of `costs` whether there is as much, which is taken then (P14)."""
        ...

    def news(self, hear: Callable[[str, Standing], None]) -> AbstractAsyncContextManager[Awaitable[None]]:
        """Call `hear` with each destination whose standing changes, while the context manager is entered.

        Entering calls it with all that are paused, failing or not closed, once what comes later is heard too. It gives
        something to await, which ends when news are no longer heard, or raises `StoreUnavailable`.
        """
        ...


@runtime_checkable
class RuleLimiter(Limiter, Protocol):
    """A limiter that is told its rules. An executor tells it what is deployed in the repository.

    Where it keeps its windows outside of the process, whoever tells it the same rules shares their limits.
    """

    def hold(self, rules: Mapping[Hashable, LimitRule], *, by: Hashable = None) -> None:
        """Enforce `rules` from now on, in the place of those that `by` gave before.

        The key says which rule it is: one with the key of an earlier one takes over its window, and so does one that
        somebody else gave with the same key. Calls that wait below a rule which is gone are still sent (R276).
        Raises `DefinitionError` for what nothing can be held by. Waits for nothing.
        """
        ...

    async def spend(self, method: str, url: str) -> None:
        """Take a place of every cap that covers a call, as a token call does, which waits in no queue.

        Raises `Discarded` when one of them has no place, and takes none then.
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
    """One attempt of a call ended, by itself or cut off by its deadline or by whoever cancelled the call.

    `call`: masked. `delivery_id`: of the execution that it belongs to; `journey`, `label`: of the activity that was
    executed, if one was; `index`: its place in a batch, from 0.
    """

    call: Call
    attempt: Attempt
    delivery_id: str = ""
    journey: str | None = None
    label: str | None = None
    index: int | None = None

    @property
    def action(self) -> str:
        """The name of the action."""
        return self.call.action


@attrs.frozen(kw_only=True)
class _OfExecution:
    """The execution that an event belongs to: its action and delivery id, its activity and its place in a batch."""

    action: str = ""
    journey: str | None = None
    label: str | None = None
    delivery_id: str = ""
    index: int | None = None


@attrs.frozen
class TokenAttemptEnded(_OfExecution):
    """One attempt of the call that brings an access token ended.

    `call`: masked, as `token_preview` shows it. `finished`: when it ended. One token serves all who wait for it; the
    execution that is named is the one that asked first, or that found the token near its end.
    """

    call: Call
    attempt: Attempt
    finished: datetime


@attrs.frozen
class Retrying(_OfExecution):
    """A failed attempt will be repeated, `seconds` from now; at once with a new token after a 401.

    `attempt`: the one that failed, which says why.
    """

    attempt: Attempt
    seconds: float


WaitReason = Literal["backoff", "pause", "queue"]


@attrs.frozen
class Waited(_OfExecution):
    """A call waited before an attempt, for `seconds`, and waits no more.

    `reason`: `backoff`, between two attempts; `pause`, until its destination had the time that it asked for; `queue`,
    for a place below a limit. `destination`: as in `https://api.example.com`.
    """

    reason: WaitReason
    seconds: float
    destination: str


@attrs.frozen
class Capped(_OfExecution):
    """A call was above a limit and is not sent; its outcome follows. `reason`: a sentence."""

    reason: str
    destination: str


@attrs.frozen
class Paused(_OfExecution):
    """A destination is left alone for `seconds`, by every call of the executor.

    `asked`: whether it named the time itself, in `Retry-After`; otherwise it only said that there was too much.
    `status`: of the answer.
    """

    destination: str
    seconds: float
    status: int
    asked: bool


@attrs.frozen(slots=False)
class ExecutionEnded:
    """An execution ended."""

    outcome: Outcome


@attrs.frozen
class BreakerChanged:
    """The breaker of a destination (`https://api.example.com`) opened, lets a probe through, or closed."""

    destination: str
    state: BreakerState


Event = AttemptEnded | TokenAttemptEnded | Retrying | Waited | Capped | Paused | BreakerChanged | ExecutionEnded


class Tell(Protocol):
    """Tells the sinks of what happens to one execution."""

    def __call__(self, kind: Callable[..., Event], *about: Any) -> None:
        """Tell an event of that kind; `about`: its own fields, those that name the execution are added."""
        ...


class EventSink(Protocol):
    """Hears what happens.

    A sink is called in a thread of its own, one event after another in their order, with the context variables of who
    caused the event, so that it may block. Up to 10,000 events wait for it, with up to 64 MiB of bodies; those that
    come then are dropped, and counted in the log. Closing the executor waits up to 3 seconds for it to hear the rest.

    A sink whose class has `direct = True` is called on the event loop instead, in the middle of a call: it must return
    at once, and hears of an event before the call goes on.
    """

    def emit(self, event: Event) -> None:
        """Take an event; nothing in it is secret. What it raises is logged."""
        ...


Randomness = Callable[[], float]
"""Returns a number from 0 to 1, evenly spread."""

system_random: Randomness = random.SystemRandom().random
