"""Executor: the one who executes activities and actions, and owns connections and tokens."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Self

import attrs

from wayhook.errors import DefinitionError, ExecutionError, SecretMissing, Violation, WrongType
from wayhook.execution.authorization import Authorization
from wayhook.execution.batch import Batch, Run
from wayhook.execution.clock import SystemClock
from wayhook.execution.deadline import Watch
from wayhook.execution.destination import Destinations
from wayhook.execution.execution import Execution, Use, identified, new_delivery_id
from wayhook.execution.limit import Limits
from wayhook.execution.means import Events, Means, Teller
from wayhook.execution.plugin import plugin
from wayhook.execution.ports import (
    Clock,
    Consent,
    EventSink,
    Limiter,
    Randomness,
    Repository,
    SecretSource,
    Standings,
    TokenStore,
    Transport,
    system_random,
)
from wayhook.execution.redirect import Redirects
from wayhook.execution.retry import RetryPolicy
from wayhook.execution.sharing import Sharing
from wayhook.execution.token import Tokens
from wayhook.expression.context import Context
from wayhook.model.action import Action
from wayhook.model.authentication import ConnectionReference
from wayhook.model.connection import Connection
from wayhook.model.guardrail import Guardrails, edition_of
from wayhook.model.journey import Journey
from wayhook.model.lifecycle import DRY_RUNS, PAUSES, JourneyStatus, PauseMode
from wayhook.model.rule import binding_violations, require
from wayhook.model.trial import trial
from wayhook.rendering.origin import explained
from wayhook.rendering.plan import Given, Plan, plan_activity, plan_values
from wayhook.secret import SecretReference
from wayhook.wire import Call, Outcome, delivery_id_fault

if TYPE_CHECKING:
    from wayhook.execution.crew import Crew

__all__ = ["Executor"]

_USES_KEPT = 1024
MAX_PROCESSES = 256
_PORTS = {
    "repository": ("list", "a Repository"),
    "transport": ("send", "a Transport, or the name of one,"),
    "secrets": ("reveal", "a SecretSource"),
    "limiter": ("place", "a Limiter"),
    "consent": ("allows", "a Consent"),
    "tokens": ("put", "a TokenStore"),
    "events": ("emit", "an EventSink"),
    "standings": ("news", "a Standings"),
}
"""What an executor may be given: a method that it has, and what it is called."""
_LEFT_OUT = {
    **dict.fromkeys(DRY_RUNS, "dryRun"),
    **dict.fromkeys(PAUSES, "held"),
    **dict.fromkeys((JourneyStatus.STOPPING, JourneyStatus.STOPPED, JourneyStatus.FINISHED), "discarded"),
}
"""What becomes of a call in a journey of such a status, instead of being made (R230, R231, R291)."""


@attrs.define(repr=False)
class SchemeSecrets:
    """Looks a secret up where its scheme says, through the entry points of `wayhook.secrets`.

    `sources`: those in use by their scheme, each made once, so that one may remember what it was told.
    """

    sources: dict[str, SecretSource] = attrs.Factory(dict)

    async def reveal(self, reference: SecretReference) -> str:
        """Return the secret's text; raise `SecretMissing`."""
        scheme = reference.source.partition(":")[0]
        try:
            source = self.sources[scheme] if scheme in self.sources else plugin("secrets", scheme)()
        except DefinitionError as error:
            raise SecretMissing(f"the secret {reference.source} cannot be looked up: {error}") from None
        return await self.sources.setdefault(scheme, source).reveal(reference)


@attrs.frozen(repr=False)
class GivenSecrets:
    """The secrets of a test request: those that were given with it, and no others (R202)."""

    texts: Mapping[str, str]

    async def reveal(self, reference: SecretReference) -> str:
        """Return the text that was given; raise `SecretMissing`."""
        if reference.source not in self.texts:
            raise SecretMissing(f"a test request is given its secrets anew; add the text of {reference.source}")
        return self.texts[reference.source]


class Executor:
    """Executes activities and actions; an async context manager.

    `repository`: where journeys and actions are looked up by name; a `call` with an `Action` needs none.
    `guardrails`: the edition whose rules, timeout and repetition hold; `standard` unless given.
    `transport`: a `Transport`, or the name of an installed one; `"httpx"` unless given.
    `secrets`: looks references up; by their scheme unless given, or by `transport.secrets` where that needs none, as a
    `Cassette` that replays. `limiter`: refuses or delays calls, beside the capping and throttling configurations that
    are deployed in `repository`, which are read again every second. `standings`: shares pauses, breakers and the budget
    of repeats with other processes; `limiter.standings` unless given, where the limiter has that.
    `consent`: asked, in journeys, about marketing actions (R229); without it everybody is called.
    `events`: sinks that hear of attempts, waits and outcomes; closing the executor lets them hear the rest. `tokens`:
    keeps access tokens beyond the memory of this executor. `clock`, `random`: for tests.
    It belongs to the event loop and the process that first used it; used in another, or in a forked child, it raises
    `ExecutionError`, and what the first one has open is not touched. A closed one raises it too.
    """

    def __init__(
        self,
        repository: Repository | None = None,
        *,
        guardrails: Guardrails | None = None,
        transport: Transport | str = "httpx",
        secrets: SecretSource | None = None,
        limiter: Limiter | None = None,
        standings: Standings | None = None,
        consent: Consent | None = None,
        events: Iterable[EventSink] = (),
        tokens: TokenStore | None = None,
        clock: Clock | None = None,
        random: Randomness = system_random,
    ) -> None:
        self.guardrails = edition_of(guardrails)
        if isinstance(repository, str):
            message = "a repository is opened first: async with wayhook.open_repository(url) as repository"
            raise DefinitionError([Violation("$.repository", message)])
        if not isinstance(events, Iterable):
            raise DefinitionError([Violation("$.events", "give a sequence of event sinks")])
        sinks = tuple(events)
        standings = standings or getattr(limiter, "standings", None)
        ports = {
            "repository": repository,
            "secrets": secrets,
            "limiter": limiter,
            "standings": standings,
            "consent": consent,
            "tokens": tokens,
        }
        given: dict[str, object] = {name: port for name, port in ports.items() if port is not None}
        given |= {f"events[{i}]": sink for i, sink in enumerate(sinks)}
        _require_ports(given if isinstance(transport, str) else {**given, "transport": transport})
        self._repository = repository
        self._transport = transport if isinstance(transport, str) else None
        self._is_seeded = clock is not None or random is not system_random
        self._home: tuple[int, asyncio.AbstractEventLoop] | None = None
        self._closed = False
        self._uses: dict[tuple[str, int, str], Use] = {}
        clock = clock or SystemClock()
        self._limits = Limits(repository, self.guardrails, limiter, clock)
        self._tokens = Tokens(clock, random, tokens)
        self._sharing = None if standings is None else Sharing(standings, clock, random)
        told = Events.of(sinks)
        self._means = Means(
            plugin("transports", transport)() if isinstance(transport, str) else transport,
            secrets or getattr(transport, "secrets", None) or SchemeSecrets(),
            self._limits,
            told,
            clock,
            RetryPolicy(self.guardrails.repetition, clock, random),
            self._tokens,
            Destinations(self.guardrails, random, told.emit, self._sharing),
            Redirects(self.guardrails.redirects, self.guardrails.network),
            self.guardrails.network,
            consent,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._home is not None and self._home[0] != os.getpid():
            return  # what is open belongs to the process that this one was forked from
        self._closed = True
        async with AsyncExitStack() as closing:
            for part in (self._means.events, self._means.transport, self._limits, self._tokens, self._sharing):
                if part is not None:
                    closing.push_async_callback(part.aclose)

    async def execute(
        self, journey: Journey | str, label: str, context: Context, *, delivery_id: str | None = None
    ) -> Outcome:
        """Execute the activity `label` of `journey` for one `context` and return how it ended.

        `journey`: a journey, or the name of one in the repository, whose current version is meant; its actions are
        looked up there. Where its status allows no call, the outcome says so: `dryRun`, `held`, `discarded`.
        `delivery_id`: of the execution that this one repeats, `outcome.delivery_id`, so that the receiver can tell
        (P6): 1 to 255 visible ASCII characters, a new one unless given. Executions that are not the same share none.
        A call that fails, times out or cannot be rendered is an outcome, never an exception. Raises what is
        wrong with the definition, whatever the data: `NotFound`, `DefinitionError`, `StoreUnavailable`.
        """
        _require_context(context)
        _require_delivery_id(delivery_id)
        return await self._run(await self._use(journey, label), context, delivery_id=delivery_id)

    async def call(
        self,
        action: Action | str,
        values: Mapping[str, Any] | None = None,
        *,
        path: str = "",
        timeout: float | None = None,  # noqa: ASYNC109 - the budget of the execution, not of this coroutine
        delivery_id: str | None = None,
    ) -> Outcome:
        """Call `action` with `values` by the names of its variables, and return how it ended.

        `path`: appended to the static URL. `timeout`: seconds for the call and its retries together, the
        edition's default unless given. `delivery_id`: as in `execute`. Raises as `execute` does.
        """
        _require_delivery_id(delivery_id)
        use = await self._values_use(await self._action(action), timeout)
        return await self._run(use, Given({} if values is None else values, path), delivery_id=delivery_id)

    async def send_test_request(
        self,
        action: Action | str,
        payload: Mapping[str, Any] | str | None = None,
        *,
        secrets: Mapping[str, str] | None = None,
        values: Mapping[str, Any] | None = None,
        path: str = "",
    ) -> Outcome:
        """Call `action` for a look at what comes back, whatever journeys use it; this is a real call.

        `payload`: the whole payload, a JSON object or its text; a GET has none. It must have the structure of the
        message parameters, and may have other types (R200, R201). `secrets`: the text of every secret, by the source of
        its reference, such as `env:SMS_KEY`; none is looked up, and no token is kept (R202). `values`: of the variables
        of headers and query parameters. `outcome.received` has the answer's status, headers and body, also where the
        call failed (R199). Raises `DefinitionError` for a payload that does not fit, and as `execute` does.
        """
        self._require_home()
        if isinstance(action, str):
            action = (await self._kept().get(Action, action)).value
        if not isinstance(action, Action):
            raise DefinitionError([Violation("$", f"an Action or its name is tested, not {type(action).__name__}")])
        tested = trial(action, payload)
        plan = plan_values(self._connected(tested, await self._connection(tested)))
        if secrets is not None and not isinstance(secrets, Mapping):
            message = f"secrets are a mapping of references to texts, not {type(secrets).__name__}"
            raise DefinitionError([Violation("$.secrets", message, "R202")])
        await self._limits.refresh(self._means.clock.monotonic() + self._timeout(None))
        use, tokens = Use(plan, self._timeout(None), ()), Tokens(self._means.clock, self._tokens.random)
        means = attrs.evolve(self._means, secrets=GivenSecrets(secrets or {}), tokens=tokens)
        try:
            given = Given({} if values is None else values, path)
            return await Execution(means, use, means.clock.monotonic(), new_delivery_id()).outcome(given)
        finally:
            await tokens.aclose()

    async def check_authentication(self, definition: Action | Connection | str) -> Outcome:
        """Perform only the token call of an action or a connection, and return what came back, masked (R126).

        `definition`: an action, a connection, or the name of an action. `succeeded` says whether a usable token came;
        `response` holds its lifetime in seconds, `received` the answer with every text in it masked. Nothing is kept.
        Raises `DefinitionError` for an authentication that makes no call of its own, and as `execute` does.
        """
        self._require_home()
        if isinstance(definition, str):
            definition = (await self._kept().get(Action, definition)).value
        if isinstance(definition, Action):
            authentication = self._connected(definition, await self._connection(definition)).authentication
        elif isinstance(definition, Connection):
            require(definition, self.guardrails)
            authentication = definition.authentication
        else:
            found = type(definition).__name__
            raise DefinitionError([Violation("$", f"an Action, its name or a Connection belongs here, not {found}")])
        call = authentication.token_call()
        if call is None:
            message = f"an authentication of the kind {authentication.kind!r} makes no call of its own; call the action"
            raise DefinitionError([Violation("$.authentication", message)])
        await self._limits.refresh(self._means.clock.monotonic() + self._timeout(None))
        teller = Teller(self._means.events, definition.name)
        return await Authorization(self._means, call, teller).check(definition.name)

    async def plan(self, definition: Action | Journey | str, label: str | None = None) -> Plan:
        """Return what an activity is rendered with, or an action without a `label`: the compiled use.

        `plan.render(context)` gives the request of `execute`, its secrets masked, as `preview` does. Raises what is
        wrong with the definition.
        """
        if label is not None:
            return (await self._use(definition, label)).plan  # type: ignore[arg-type]  # it refuses an action
        return (await self._values_use(await self._action(definition), None)).plan  # type: ignore[arg-type]  # and a journey

    async def is_limited(self) -> bool:
        """Return whether anything limits calls now: a limiter, a cap of the edition, or what the repository deploys."""
        self._require_home()
        await self._limits.refresh(self._means.clock.monotonic() + self._timeout(None))
        return self._limits.limiter is not None

    async def preview(self, journey: Journey | str, label: str, context: Context) -> Call:
        """Return the request that `execute` would send, its secrets masked; nothing is sent.

        Its `explanation` says where each value came from. Raises what is wrong with the definition, and `RenderError`
        for data that does not fit.
        """
        _require_context(context)
        use = await self._use(journey, label)
        if use.plan.reads_time and context.now is None:
            context = attrs.evolve(context, now=self._means.clock.now())
        call = use.plan.render(context)
        return explained(call, use.plan.action, use.activity, context, guardrails=self.guardrails, timeout=use.timeout)

    def batch(
        self,
        journey: Journey | str,
        label: str,
        contexts: Iterable[Context] | AsyncIterable[Context],
        *,
        concurrency: int = 50,
        in_order: bool = False,
        processes: int = 1,
        delivery_ids: Callable[[Context], str] | Sequence[str | None] | None = None,
    ) -> Batch:
        """Execute an activity for many contexts: an async context manager that yields outcomes as they come.

        `contexts`: any iterable, sync or async, endless or not; it is pulled only as fast as outcomes are taken.
        `concurrency`: calls under way at once, 1 to 10,000. `outcome.index` is the context's place in the source.
        `in_order`: yield outcomes in the order of the source; a slow call holds back those after it, and when twice
        `concurrency` contexts are held back, the source as well. `processes`: how many processes of this machine make
        the calls, 1 to 256; they share limits, tokens and pauses with this one. The transport is given by its name
        then, and secrets by reference; definitions stay as they are when the batch is entered.
        `delivery_ids`: gives the delivery id of each context's execution, as `execute` takes one, so that a batch that
        is run again repeats with the same ids (P6); or all of them, in the order of the source, None being a new one;
        new ones unless given. A context that it has none for, or raises for, is not called and has an outcome that
        says so. Entering raises what is wrong with the definition, as `execute` does.
        """
        return self._batch(
            lambda: self._use(journey, label),
            contexts,
            lambda context, _: context,
            concurrency=concurrency,
            in_order=in_order,
            processes=processes,
            delivery_ids=delivery_ids,
        )

    def call_each(
        self,
        action: Action | str,
        rows: Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]],
        *,
        path: str | Callable[[Any], str] | Sequence[str] = "",
        timeout: float | None = None,
        concurrency: int = 50,
        in_order: bool = False,
        processes: int = 1,
        delivery_ids: Callable[[Any], str] | Sequence[str | None] | None = None,
    ) -> Batch:
        """Call `action` for each of `rows`, mappings of values as `call` takes them: a batch without a journey.

        `path`: for all rows, or a function of a row, or one for each row, in order. `timeout`: seconds for each call
        and its retries together. The rest is as in `batch`, a row being what a context is there; one that does not fit
        is not called, and its outcome says why.
        """
        if not isinstance(path, str | Sequence) and not callable(path):
            message = f"give a text, a function of a row, or a text for each row, not {type(path).__name__}"
            raise DefinitionError([Violation("$.path", message)])

        async def found() -> Use:
            return await self._values_use(await self._action(action), timeout)

        def given(row: Any, index: int) -> Given:
            if not isinstance(row, Mapping):
                message = f"a row is a mapping by the names of variables, not {type(row).__name__}"
                raise WrongType([Violation("$", message)])
            return Given(row, path if isinstance(path, str) else path(row) if callable(path) else path[index])

        return self._batch(
            found,
            rows,
            given,
            concurrency=concurrency,
            in_order=in_order,
            processes=processes,
            delivery_ids=delivery_ids,
        )

    def _batch(
        self,
        find: Callable[[], Awaitable[Use]],
        source: Iterable[Any] | AsyncIterable[Any],
        subject_of: Callable[[Any, int], Any],
        *,
        concurrency: int,
        in_order: bool,
        processes: int,
        delivery_ids: Callable[[Any], str] | Sequence[str | None] | None,
    ) -> Batch:
        """A batch of the use that is found; what comes out of the `source` is made a subject of it, by its place."""
        is_sequence = isinstance(delivery_ids, Sequence) and not isinstance(delivery_ids, str)
        if delivery_ids is not None and not callable(delivery_ids) and not is_sequence:
            message = f"give a function to a delivery id, or one for each in order, not {type(delivery_ids).__name__}"
            raise DefinitionError([Violation("$.delivery_ids", message)])
        if type(processes) is not int or not 1 <= processes <= MAX_PROCESSES:
            message = f"give a whole number from 1 to {MAX_PROCESSES}"
            raise DefinitionError([Violation("$.processes", message)])

        async def prepare(stack: AsyncExitStack) -> Run:
            self._require_home()
            use, means = await find(), attrs.evolve(self._means, watch=Watch(self._means.clock))
            crew = None if processes == 1 else await self._crew(stack, means, use, processes)

            def call(item: Any, index: int) -> Awaitable[Outcome]:
                try:
                    subject = subject_of(item, index)
                    delivery_id = _named(delivery_ids, item, index)
                except Exception as failure:  # noqa: BLE001 - the batch boundary: it is the outcome of this one, made here
                    return self._run(use, item, index, means=means, refused=failure)
                if crew is None:
                    return self._run(use, subject, index, means=means, delivery_id=delivery_id)
                return self._crewed(crew, use, subject, index, means=means, delivery_id=delivery_id)

            return Run(call, means.watch.stop if crew is None else crew.stop)

        return Batch(prepare, source, concurrency, in_order=in_order)

    async def _crew(self, stack: AsyncExitStack, means: Means, use: Use, processes: int) -> Crew:
        """Several processes that make calls, until the stack is left."""
        if self._transport is None:
            message = "give the transport by its name, for each process to make its own: Executor(transport='wire')"
            raise DefinitionError([Violation("$.processes", message)])
        if not hasattr(os, "fork"):
            raise DefinitionError([Violation("$.processes", "this system has no sockets to inherit; leave this out")])
        if self._is_seeded:
            message = "a clock or randomness of your own is known to one process; leave this out, or them"
            raise DefinitionError([Violation("$.processes", message)])
        from wayhook.execution.crew import Crew

        await self._limits.refresh(means.clock.monotonic() + use.timeout)
        return await stack.enter_async_context(Crew(means, use, self.guardrails, self._transport, processes))

    async def _crewed(
        self, crew: Crew, use: Use, subject: Any, index: int, *, means: Means, delivery_id: str
    ) -> Outcome:
        """Execute once by a crew; what cannot travel is executed here."""
        self._require_home()
        now = means.clock.monotonic()
        if now >= self._limits.known_until:
            await self._limits.refresh(now + use.timeout)
        outcome = await crew.outcome(subject, index, delivery_id)
        if outcome is None:
            return await self._run(use, subject, index, means=means, delivery_id=delivery_id)
        return outcome

    def _run(
        self,
        use: Use,
        subject: Any,
        index: int | None = None,
        *,
        delivery_id: str | None = None,
        means: Means | None = None,
        refused: Exception | None = None,
    ) -> Awaitable[Outcome]:
        """Execute a compiled use once: the one way from values to an outcome."""
        self._require_home()
        means = means or self._means
        started = means.clock.monotonic()
        execution = Execution(means, use, started, delivery_id or new_delivery_id(), index, refused)
        if started >= self._limits.known_until:
            return self._limited(execution, subject)
        return execution.outcome(subject)

    async def _limited(self, execution: Execution, subject: Any) -> Outcome:
        """Execute when it is known what limits calls; if the time is up by then, the execution sees it for itself."""
        await self._limits.refresh(execution.deadline())
        return await execution.outcome(subject)

    def _require_home(self) -> None:
        """Connections, tokens under way and places below limits belong to one process and one loop (P25)."""
        if self._closed:
            raise ExecutionError("this executor is closed; make another one")
        process, loop = os.getpid(), asyncio.get_running_loop()
        if self._home is None:
            self._home = (process, loop)
        elif self._home[0] != process:
            raise ExecutionError("this executor was used before the process was forked; make another one here")
        elif self._home[1] is not loop:
            raise ExecutionError("this executor was used on another event loop; make another one for this loop")

    async def _use(self, journey: Journey | str, label: str) -> Use:
        """Return the compiled use of an action by an activity; compiled again when either has changed."""
        if isinstance(journey, str):
            journey = (await self._kept().get(Journey, journey)).value.current
        if not isinstance(journey, Journey):
            raise DefinitionError([Violation("$", f"a Journey or its name belongs here, not {type(journey).__name__}")])
        activity = journey.activity(label)
        stored = await self._kept().get(Action, activity.action)
        action = stored.value
        known = self._uses.get((journey.name, journey.version, label))
        timeout, left_out = self._timeout(journey.timeout), _LEFT_OUT.get(journey.status, "")
        if left_out == "held" and journey.pause_mode is PauseMode.DISCARD:
            left_out = "discarded"
        source = (activity, action, await self._connection(action))
        # Compared as tuples, which look at identity first: an unchanged definition costs nothing to recognise.
        if known is not None and known.source == source:
            same = (known.timeout, known.left_out, known.uid) == (timeout, left_out, stored.uid)
            return known if same else attrs.evolve(known, timeout=timeout, left_out=left_out, uid=stored.uid)
        require(journey, self.guardrails)
        plan = plan_activity(self._connected(action, source[2]), activity)
        use = Use(plan, timeout, source, journey.name, activity, stored.uid, left_out)
        return self._keep(use, (journey.name, journey.version, label))

    async def _action(self, action: Action | str) -> Action:
        """The action, looked up where its name is given."""
        if isinstance(action, str):
            action = (await self._kept().get(Action, action)).value
        if not isinstance(action, Action):
            raise DefinitionError([Violation("$", f"an Action or its name is called, not {type(action).__name__}")])
        return action

    async def _values_use(self, action: Action, timeout: float | None) -> Use:  # noqa: ASYNC109 - it is not waited
        use, source = self._uses.get((action.name, 0, "")), (action, await self._connection(action))
        if use is None or use.source != source:
            plan = plan_values(self._connected(action, source[1]))
            use = self._keep(Use(plan, self._timeout(None), source), (action.name, 0, ""))
        return use if timeout is None else attrs.evolve(use, timeout=self._timeout(timeout))

    async def _connection(self, action: Action) -> Connection | None:
        """The connection that an action names, if it names one."""
        if not isinstance(action.authentication, ConnectionReference):
            return None
        return (await self._kept().get(Connection, action.authentication.name)).value

    def _connected(self, action: Action, connection: Connection | None) -> Action:
        """The action with the authentication that it names, when both keep the rules."""
        require(action, self.guardrails)
        if connection is None:
            return action
        require(connection, self.guardrails)
        if faults := binding_violations(action, connection):
            raise DefinitionError(faults)
        return attrs.evolve(action, authentication=connection.authentication)

    def _keep(self, use: Use, key: tuple[str, int, str]) -> Use:
        if len(self._uses) >= _USES_KEPT:
            del self._uses[next(iter(self._uses))]
        self._uses[key] = use
        return use

    def _timeout(self, given: float | None) -> float:
        low, high = self.guardrails.timeout_range
        if given is not None and (type(given) not in (int, float) or not low <= given <= high):
            raise DefinitionError([Violation("$.timeout", f"a timeout is {low} to {high} seconds", "R203")])
        return self.guardrails.default_timeout if given is None else given

    def _kept(self) -> Repository:
        if self._repository is None:
            message = "this executor has no repository to look names up in; give it one: Executor(repository)"
            raise DefinitionError([Violation("$", message)])
        return self._repository


def _named(ids: Callable[[Any], str] | Sequence[str | None] | None, item: Any, index: int) -> str:
    """The delivery id that an item of a batch has by a function, or by its place; a new one where none is given."""
    if callable(ids):
        return identified(ids(item))
    known = None if ids is None else ids[index]
    return new_delivery_id() if known is None else identified(known)


def _require_ports(given: Mapping[str, object]) -> None:
    faults = [
        Violation(f"$.{name}", f"{_PORTS[name.partition('[')[0]][1]} belongs here, not {type(port).__name__}")
        for name, port in given.items()
        if not callable(getattr(port, _PORTS[name.partition("[")[0]][0], None))
    ]
    if faults:
        raise DefinitionError(faults)


def _require_context(context: object) -> None:
    if not isinstance(context, Context):
        message = f"a Context belongs here, such as Context({{'Signup': {{…}}}}), not {type(context).__name__}"
        raise DefinitionError([Violation("$", message)])


def _require_delivery_id(given: object) -> None:
    if given is not None and (fault := delivery_id_fault(given)):
        raise DefinitionError([Violation("$.delivery_id", fault)])
