"""One execution, from a compiled use and its values to an outcome.

Call, secrets and token, attempt, perhaps repeats, outcome: within one deadline. Section 6 of the rules.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from typing import Any

import attrs

from wayhook.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    Discarded,
    Evidence,
    ExecutionError,
    RenderError,
    SecretMissing,
    TransportError,
    Violation,
    WrongType,
)
from wayhook.execution.limit import Limits
from wayhook.execution.ports import (
    AttemptEnded,
    Clock,
    EventSink,
    ExecutionEnded,
    SecretSource,
    Transport,
)
from wayhook.execution.retry import RetryPolicy, Tried, evidence_of
from wayhook.execution.token import Tokens
from wayhook.jsonvalue import is_unicode
from wayhook.model.authentication import CustomAuthorization
from wayhook.model.guardrail import Repetition
from wayhook.model.journey import ActionActivity
from wayhook.model.rule import header_value_fault
from wayhook.rendering.answer import read_answer, read_token
from wayhook.rendering.plan import Plan
from wayhook.rendering.token import token_request
from wayhook.secret import AccessToken, LiteralSecret, Revealed, SecretReference
from wayhook.wire import Attempt, Call, Outcome, Request

__all__ = ["Execution", "Means", "Use"]

_LOG = logging.getLogger("wayhook")
_GRACE = 0.1
_TOKEN_TIMEOUT = 30.0
_UNAUTHORIZED = 401


@attrs.frozen
class Use:
    """A compiled use of an action: by an activity of a journey, or by itself. `timeout`: seconds."""

    plan: Plan
    timeout: float
    journey: str | None = None
    activity: ActionActivity | None = None


@attrs.frozen
class Means:
    """What an execution works with; shared by all executions of an executor."""

    transport: Transport
    secrets: SecretSource
    limits: Limits
    events: tuple[EventSink, ...]
    clock: Clock
    policy: RetryPolicy
    tokens: Tokens

    def emit(self, event: AttemptEnded | ExecutionEnded) -> None:
        """Tell every sink; one that fails is logged and harms nobody."""
        for sink in self.events:
            try:
                sink.emit(event)
            except Exception:  # noqa: BLE001 - a sink harms no call
                _LOG.exception("the event sink %s failed", type(sink).__name__)

    async def text(self, secret: SecretReference | LiteralSecret) -> str:
        """Return the text of a secret; raises `SecretMissing`."""
        text = secret.reveal() if isinstance(secret, LiteralSecret) else await self.secrets.reveal(secret)
        if not isinstance(text, str) or not is_unicode(text):
            raise SecretMissing(f"the secret {secret.label} is no Unicode text; store it again")
        return text


@attrs.define
class Execution:
    """One execution: its deadline, and what was tried. `index`: its place in a batch."""

    means: Means
    use: Use
    started: float
    index: int | None = None
    attempts: list[Attempt] = attrs.Factory(list)
    queued: float = 0.0
    _budget: asyncio.Timeout = attrs.field(factory=lambda: asyncio.timeout(None), repr=False)
    _token: str = attrs.field(default="", repr=False)

    async def outcome(self, subject: Any) -> Outcome:
        """Execute once for `subject` and return how it ended, whatever happened: the boundary of a batch.

        An error that is not ours (of a secret source, a limiter, a transport) is one context's outcome too.
        """
        try:
            outcome = await self._ended(subject)
        except Exception as failure:  # noqa: BLE001 - the batch boundary
            # The place, but not the message: a foreign exception may hold a URL or a value.
            place = traceback.extract_tb(failure.__traceback__)[-1]
            kind = type(failure).__name__
            _LOG.error("%s: an unexpected %s at %s:%s", self.use.plan.action.name, kind, place.filename, place.lineno)
            cause = ExecutionError(f"an unexpected {kind} in the execution; the log tells its place")
            outcome = self._outcome("internalError", None, cause=cause)
        if self.means.events:
            self.means.emit(ExecutionEnded(outcome))
        return outcome

    @property
    def deadline(self) -> float:
        """When the execution ends, on the monotonic clock."""
        return self.started + self.queued + self.use.timeout

    async def _ended(self, subject: Any) -> Outcome:
        call = None
        try:
            call = self.use.plan.render(subject)
            async with self._budget:
                return self._answered(call, await self._delivered(call))
        except TimeoutError:
            if not self._budget.expired():
                raise  # somebody else's: of a secret source, say
            return self._outcome("timedout", call)
        except Discarded as error:
            return self._outcome("capped", call, cause=error.with_traceback(None))
        except (RenderError, ExecutionError) as error:
            return self._outcome("internalError", call, cause=error.with_traceback(None))

    def _outcome(self, status: str, call: Call | None, **found: Any) -> Outcome:
        use, clock = self.use, self.means.clock
        return Outcome(
            use.plan.action.name,
            status,
            call,
            tuple(self.attempts),
            clock.monotonic() - self.started,
            queued=self.queued,
            journey=use.journey,
            label=use.activity.label if use.activity else None,
            index=self.index,
            finished=clock.now(),
            **found,
        )

    def _loop_deadline(self) -> float:
        """The deadline on the loop's own clock."""
        return asyncio.get_running_loop().time() + self.deadline - self.means.clock.monotonic()

    def _answered(self, call: Call, tried: Tried) -> Outcome:
        answer = tried.response
        if answer is not None:
            fields, faults = read_answer(self.use.plan.action, answer)
            return self._outcome(
                f"http_{answer.status}", call, received=answer, response=fields, response_faults=faults
            )
        if tried.attempt.evidence is Evidence.EXPIRED:
            return self._outcome("timedout", call)
        return self._outcome("internalError", call, cause=ConnectionFailed(tried.attempt.failure))

    async def _delivered(self, call: Call) -> Tried:
        """The last attempt; the first one, if it succeeded or may not be repeated."""
        tried = await self._attempt(1, call)
        if tried.attempt.status == _UNAUTHORIZED and self._may_replay():
            tried = await self._attempt(2, call)
        policy = self.means.policy
        if not policy.repeats(call.method, tried):
            return tried
        return await policy.after(tried, call.method, lambda: self.deadline, lambda number: self._attempt(number, call))

    def _may_replay(self) -> bool:
        """After a 401: drop the refused token; whether one call with a new token may follow (F66, F67)."""
        authentication = self.use.plan.action.authentication
        if not isinstance(authentication, CustomAuthorization):
            return False
        self.means.tokens.drop(authentication, self.use.journey, self._token)
        return self.means.policy.repetition is Repetition.EVIDENCE

    async def _attempt(self, number: int, call: Call) -> Tried:
        limiter = self.means.limits.limiter
        if limiter is None:
            return await self._tried(number, call)
        self._budget.reschedule(None)  # the time in a queue is not part of the budget (R224, R225)
        async with limiter.place(call.method, call.url) as waited:
            self.queued += waited
            return await self._tried(number, call)

    async def _tried(self, number: int, call: Call) -> Tried:
        means = self.means
        self._budget.reschedule(self._loop_deadline())
        request = await self._request(call)
        self._budget.reschedule(self._loop_deadline() + _GRACE)  # the transport keeps the deadline itself
        tried = await self._sent(number, request, self.deadline)
        self.attempts.append(tried.attempt)
        if means.events:
            means.emit(AttemptEnded(call, tried.attempt))
        return tried

    async def _sent(self, number: int, request: Request, deadline: float) -> Tried:
        clock, response, failure = self.means.clock, None, ""
        started = clock.monotonic()
        try:
            if started >= deadline:
                raise TransportError("the time was used up before the attempt", Evidence.EXPIRED)
            response = await self.means.transport.send(request, deadline)
            evidence = evidence_of(response)
        except TransportError as error:
            failure, evidence = error.message, error.evidence
        status = response.status if response else None
        elapsed = clock.monotonic() - started
        return Tried(Attempt(number, evidence, status, failure, started - self.started, elapsed), response)

    async def _request(self, call: Call) -> Request:
        """The call with its secrets in place; raises `SecretMissing`, `AuthenticationFailed`, `WrongType`."""
        texts = Revealed()
        for credential in call.credentials:
            for secret in credential.secrets:
                texts[secret] = await self._text(secret)
            if credential.location == "header" and (fault := header_value_fault(credential.reveal(texts))):
                raise WrongType([Violation(f"$.headers.{credential.name}", f"the secret does not fit: {fault}", "R74")])
        return call.request(texts)

    async def _text(self, secret: SecretReference | LiteralSecret | AccessToken) -> str:
        return await (self._access_token() if isinstance(secret, AccessToken) else self.means.text(secret))

    async def _access_token(self) -> str:
        authentication = self.use.plan.action.authentication
        assert isinstance(authentication, CustomAuthorization)  # noqa: S101 - it alone asks for a token
        self._token = await self.means.tokens.get(
            authentication, self.use.journey, lambda: self._fetched_token(authentication)
        )
        return self._token

    async def _fetched_token(self, authentication: CustomAuthorization) -> str:
        """Ask for a token, repeatedly if need be: asking twice does no harm."""
        texts = Revealed()
        for secret in authentication.secrets:
            texts[secret] = await self.means.text(secret)
        request = token_request(authentication, texts)
        deadline = self.means.clock.monotonic() + _TOKEN_TIMEOUT

        async def attempt(number: int) -> Tried:
            for window in self.means.limits.windows:
                window.spend(authentication.method, authentication.endpoint)
            return await self._sent(number, request, deadline)

        tried = await attempt(1)
        policy = attrs.evolve(self.means.policy, repetition=Repetition.EVIDENCE)
        if policy.repeats("GET", tried):
            tried = await policy.after(tried, "GET", lambda: deadline, attempt)
        if tried.response is None:
            raise AuthenticationFailed(f"the token call got no answer: {tried.attempt.failure}")
        if not tried.response.succeeded:
            raise AuthenticationFailed(
                f"the token call was answered with {tried.response.status}; check the credentials"
            )
        token = read_token(authentication.token_in_response, tried.response)
        if token is None:
            where = authentication.token_in_response
            raise AuthenticationFailed(f"the answer of the token call holds no usable token at {where} (R111)")
        return token
