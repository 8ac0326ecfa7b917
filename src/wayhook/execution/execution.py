"""One execution, from a compiled use and its values to an outcome.

Call, secrets and token, attempt, perhaps repeats, outcome: within one deadline. Section 6 of the rules.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import attrs

from wayhook.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    Delivery,
    DestinationUnavailable,
    Discarded,
    Evidence,
    ExecutionError,
    LimitsUnavailable,
    MissingExtra,
    RenderError,
    UnsafeCall,
    Violation,
    WayhookError,
    WrongType,
)
from wayhook.execution.approach import Approach
from wayhook.execution.authorization import Authorization
from wayhook.execution.deadline import Deadline
from wayhook.execution.means import Means, Teller, bare, hidden, unexpected
from wayhook.execution.ports import AttemptEnded, Capped, Event, ExecutionEnded, Limiter, Retrying, Waited
from wayhook.execution.retry import ATTEMPTS, IDEMPOTENT, Tried, later
from wayhook.execution.token import Fetch, Granted
from wayhook.expression.context import Context
from wayhook.model.activity import marketing_actions
from wayhook.model.guardrail import Repetition
from wayhook.model.journey import ActionActivity
from wayhook.model.token import TokenCall
from wayhook.rendering.credential import checked_spellings
from wayhook.rendering.plan import Plan
from wayhook.rendering.reflection import CallMask
from wayhook.secret import AccessToken, DeliveryId, Revealed, Spellings, Unknown
from wayhook.wire import Attempt, Call, Outcome, Request, Response, delivery_id_fault, last_word

__all__ = ["Execution", "Use", "identified", "new_delivery_id", "recorded"]

_UNAUTHORIZED = 401
_A_TOKEN = (AccessToken(),)
_NO_TEXTS = Revealed()


@attrs.frozen
class Use:
    """A compiled use of an action: by an activity of a journey, or by itself.

    `timeout`: seconds. `source`: the definitions that it was compiled from. `uid`: of the action's record.
    `left_out`: the status of the outcome where the journey makes no call, or empty. `marketing_actions`: what an
    individual must have agreed to in a journey (R32, R229). `is_idempotent`: whether doing the call twice is as good as
    once, by its method or by its key; `is_keyed`: by its key. `secrets`: of every call. `token_call`: for the token
    among them.
    """

    plan: Plan
    timeout: float
    source: tuple[Any, ...]
    journey: str | None = None
    activity: ActionActivity | None = None
    uid: str = ""
    left_out: str = ""
    label: str | None = attrs.field(init=False)
    alternative_path: bool = attrs.field(init=False)
    marketing_actions: tuple[str, ...] = attrs.field(init=False)
    is_keyed: bool = attrs.field(init=False)
    is_idempotent: bool = attrs.field(init=False)
    secrets: tuple[Unknown, ...] = attrs.field(init=False)
    token_call: TokenCall | None = attrs.field(init=False)

    @label.default
    def _of_activity(self) -> str | None:
        return None if self.activity is None else self.activity.label

    @alternative_path.default
    def _has_another_path(self) -> bool:
        return self.activity is not None and self.activity.alternative_path

    @marketing_actions.default
    def _asked_for(self) -> tuple[str, ...]:
        return () if self.activity is None else marketing_actions(self.plan.action, self.activity)

    @is_keyed.default
    def _has_key(self) -> bool:
        return self.plan.action.idempotency_header is not None

    @is_idempotent.default
    def _may_be_done_twice(self) -> bool:
        return self.is_keyed or self.plan.method in IDEMPOTENT

    @secrets.default
    def _of_every_call(self) -> tuple[Unknown, ...]:
        return self.plan.call("", (), None).secrets

    @token_call.default
    def _of_authentication(self) -> TokenCall | None:
        return self.plan.action.authentication.token_call()


def new_delivery_id() -> str:
    """Return an identifier that no other execution has, in any process (P6)."""
    return os.urandom(16).hex()


@attrs.define(repr=False)
class Execution:
    """One execution: its deadline, and what was tried. `index`: its place in a batch. `delivery_id`: its own, or the
    one of the execution that it repeats (P6). `refused`: why it has none, or nothing to be made of."""  # noqa: D205, D209 - one sentence each

    means: Means
    use: Use
    started: float
    delivery_id: str
    index: int | None = None
    refused: Exception | None = None
    attempts: list[Attempt] = attrs.Factory(list)
    queued: float = 0.0
    _budget: Deadline = attrs.field(default=attrs.Factory(lambda self: Deadline(self.means.watch), takes_self=True))
    _token: Granted | None = None
    _is_renewed: bool = False
    _sending_since: float | None = None
    _last: Tried | None = None
    _spellings: Spellings = Revealed.spellings
    _not_before: datetime | None = None

    async def outcome(self, subject: Any) -> Outcome:
        """Execute once for `subject` and return how it ended, whatever happened: the boundary of a batch.

        An error that is not ours (of a secret source, a limiter, a transport) is one context's outcome too.
        """
        call, use = None, self.use
        try:
            if self.refused is not None:
                raise self.refused
            with self._budget:
                if use.left_out:
                    outcome = self._outcome(use.left_out, None)
                elif use.marketing_actions and not await self._allowed(subject):
                    outcome = self._outcome("excluded", None)
                else:
                    call = use.plan.render(self._timed(subject) if use.plan.reads_time else subject)
                    approach = self._approach()
                    tried = await self._admitted(call, approach)
                    if tried.attempt.evidence is not Evidence.DELIVERED:
                        tried = await self._again(tried, call, approach)
                    outcome = self._answered(call, tried)
        except (TimeoutError, RenderError, ExecutionError, MissingExtra) as error:
            outcome = self._failed(call, error)
        except asyncio.CancelledError:  # there is no outcome, but perhaps an attempt to hear of
            if call is not None and self._sending_since is not None:
                self._cut_off(call, Evidence.AMBIGUOUS, self._sending_since)
            raise
        except Exception as failure:  # noqa: BLE001 - the batch boundary
            shown = None if self._sending_since is None else call
            outcome = self._outcome("internalError", shown, cause=unexpected(failure, use.plan.action.name))
        return self._told(subject, outcome)

    def _told(self, subject: Any, outcome: Outcome) -> Outcome:
        """The outcome when later activities can read it and the sinks heard of it."""
        if isinstance(subject, Context):
            outcome = recorded(subject, outcome)
        if self.means.events.sinks:
            self.means.events.emit(ExecutionEnded(outcome))
        return outcome

    def deadline(self) -> float:
        """When the execution ends, on the monotonic clock."""
        return self.started + self.queued + self.use.timeout

    def _timed(self, subject: Any) -> Any:
        """The context with the current time, where none was given."""
        return attrs.evolve(subject, now=self.means.clock.now()) if subject.now is None else subject

    def _failed(self, call: Call | None, error: WayhookError | TimeoutError) -> Outcome:
        """The outcome of a call that an error of ours kept from being made, or that the deadline ended."""
        if isinstance(error, TimeoutError):
            if self._budget.expired:
                return self._ended_early(call)
            # somebody else's: of a secret source, say
            return self._outcome("internalError", None, cause=unexpected(error, self.use.plan.action.name))
        error, status, word = bare(error), "internalError", Delivery.REFUSED
        match error:
            case Discarded():
                status = "capped"
                self.tell(Capped, str(error), self.use.plan.destination)
            case LimitsUnavailable():
                word = Delivery.UNAVAILABLE
            case DestinationUnavailable():
                word, self._not_before = Delivery.UNAVAILABLE, error.not_before
            case AuthenticationFailed():
                word, self._not_before = error.delivery, error.not_before
        return self._outcome(status, call, word, cause=error)

    def _ended_early(self, call: Call | None) -> Outcome:
        """The outcome of a call whose time is up, or that the whole batch was stopped with."""
        if not self.means.watch.stopped:
            return self._outcome("timedout", call, Delivery.UNAVAILABLE)
        stopped = ExecutionError("the batch was stopped before this call had ended")
        return self._outcome("internalError", call, Delivery.UNAVAILABLE, cause=stopped)

    async def _allowed(self, subject: Any) -> bool:
        """Whether the individual agreed to what the call is for (R229)."""
        if self.means.consent is None:
            return True
        self._budget.at = self.deadline()
        return await self.means.consent.allows(subject, self.use.marketing_actions)

    def _outcome(
        self,
        status: str,
        call: Call | None,
        word: Delivery = Delivery.REFUSED,
        *,
        received: Response | None = None,
        response: Any = None,
        faults: tuple[str, ...] = (),
        cause: WayhookError | None = None,
    ) -> Outcome:
        """The outcome; `word`: what kept an attempt from being made, where no attempt says more.

        Its fields go by their places: two dozen names would cost a call as much as all of the rest.
        """
        use, clock = self.use, self.means.clock
        if self._sending_since is not None and call is not None:
            self._cut_off(call, Evidence.EXPIRED if status == "timedout" else Evidence.AMBIGUOUS, self._sending_since)
        return Outcome(
            use.plan.action.name,
            status,
            call,
            tuple(self.attempts),
            clock.monotonic() - self.started,
            received,
            response,
            faults,
            cause,
            use.journey,
            use.label,
            self.index,
            self.queued,
            use.uid,
            use.plan.parameterized,
            clock.now(),
            use.alternative_path,
            last_word(self.attempts, word),
            self._not_before,
            self.delivery_id,
            use.timeout,
        )

    def _cut_off(self, call: Call, evidence: Evidence, began: float) -> None:
        """Record an attempt that ended from outside, or by an error of the transport: it may have been done (P18)."""
        number, elapsed = len(self.attempts) + 1, self.means.clock.monotonic() - began
        failure = "the attempt was cut off"
        self.attempts.append(Attempt(number, evidence, None, failure, began - self.started, elapsed))
        self._sending_since = None
        self._attempted(call)

    def _attempted(self, call: Call) -> None:
        """Tell of the last attempt, where somebody hears."""
        if self.means.events.sinks:
            use, attempt = self.use, self.attempts[-1]
            self.means.events.emit(AttemptEnded(call, attempt, self.delivery_id, use.journey, use.label, self.index))

    def tell(self, kind: Callable[..., Event], *about: Any) -> None:
        """Tell the sinks of what happens to this execution; see `Tell`."""
        if self.means.events.sinks:
            self._teller()(kind, *about)

    def _teller(self) -> Teller:
        use = self.use
        return Teller(self.means.events, use.plan.action.name, use.journey, use.label, self.delivery_id, self.index)

    def _answered(self, call: Call, tried: Tried) -> Outcome:
        answer, evidence = tried.response, tried.attempt.evidence
        if answer is not None:
            fields, faults = self.use.plan.read(answer, self._spellings)
            cause = _refused_redirect(tried.attempt) if evidence is Evidence.REFUSED else None
            status = f"http_{answer.status}"
            return self._outcome(status, call, received=answer, response=fields, faults=faults, cause=cause)
        if evidence is Evidence.EXPIRED:
            return self._outcome("timedout", call)
        return self._outcome("internalError", call, cause=ConnectionFailed(tried.attempt.failure))

    def _approach(self) -> Approach:
        """The way to the destination, which hears that a call begins."""
        destination = self.means.destinations.of(self.use.plan.destination)
        destination.begin()
        return Approach(destination, self.means.policy, self.deadline, self.tell)

    def _repeats(self, _: Tried) -> bool:
        use = self.use
        return self.means.policy.repeats(self.attempts, idempotent=use.is_idempotent, keyed=use.is_keyed)

    async def _again(self, first: Tried, call: Call, approach: Approach) -> Tried:
        """The last attempt after a failed one; one that its destination takes no more leaves the one before it last."""

        async def attempt() -> Tried:
            return await self._replayed(await self._admitted(call, approach), call, approach)

        tried = await self._replayed(first, call, approach)
        try:
            if self._repeats(tried):
                tried = await approach.repeated(tried, attempt, self._repeats)
        except DestinationUnavailable as error:
            self._not_before = error.not_before
            tried = self._last or tried
        if tried.floor is not None and self._not_before is None:
            self._not_before = later(self.means.clock, tried.floor)
        return tried

    async def _replayed(self, tried: Tried, call: Call, approach: Approach) -> Tried:
        """The attempt, or after a 401 the one with a new token (F66, F67)."""
        if tried.attempt.status == _UNAUTHORIZED and self._may_replay():
            self.tell(Retrying, tried.attempt, 0.0)
            return await self._admitted(call, approach)
        return tried

    def _may_replay(self) -> bool:
        """Drop a refused token, once in an execution; whether one call with a new token may follow."""
        token_call = self.use.token_call
        if token_call is None or self._token is None or self._is_renewed:
            return False
        self._is_renewed = True
        self.means.tokens.drop(token_call, self.use.journey, self._token)
        return self.means.policy.repetition is Repetition.EVIDENCE and len(self.attempts) < ATTEMPTS

    def _admitted(self, call: Call, approach: Approach) -> Awaitable[Tried]:
        """One attempt, with a place below the limits where there are any."""
        limiter = self.means.limits.limiter
        return self._tried(call, approach) if limiter is None else self._placed(call, approach, limiter)

    async def _placed(self, call: Call, approach: Approach, limiter: Limiter) -> Tried:
        """One attempt with a place below the limits, for which nobody queues while the destination is not ready."""
        if not approach.destination.is_free:
            await self._ready(approach)
        self._budget.at = None  # the time in a queue is not part of the budget (R224, R225)
        async with limiter.place(call.method, call.url) as waited:
            if waited:
                self.queued += waited
                self.tell(Waited, "queue", waited, approach.destination.name)
            return await self._tried(call, approach)

    async def _ready(self, approach: Approach) -> None:
        self._budget.at = self.deadline()
        await approach.ready()

    async def _tried(self, call: Call, approach: Approach) -> Tried:
        """One attempt: when its destination is ready, and its secrets are there; that takes time, so look again."""
        texts, spellings, mask = _NO_TEXTS, _NO_TEXTS.spellings, None
        if self.use.secrets:
            if not approach.destination.is_free:
                await self._ready(approach)
            self._budget.at = self.deadline()
            texts = (await self._access_token()).texts if self.use.secrets == _A_TOKEN else await self._texts()
            spellings = checked_spellings(call.credentials, texts)
            mask = CallMask(call, spellings)
        request = call.request(texts, network=self.means.network, fresh=not self.use.is_idempotent, mask=mask)
        if not approach.destination.is_free:
            self._budget.at = self.deadline()
            await approach.entered(self.deadline())
        self._budget.at = deadline = self.deadline()
        self._sending_since = self.means.clock.monotonic()
        tried = None
        try:
            tried = await self._sent(request, deadline)
        finally:
            approach.end(tried)
        if spellings:
            tried = hidden(tried, spellings)
        self._last, self._spellings = tried, spellings
        self.attempts.append(tried.attempt)
        self._sending_since = None
        self._attempted(call)
        return tried

    def _sent(self, request: Request, deadline: float) -> Awaitable[Tried]:
        """One attempt on the wire, with the redirects that the edition follows."""
        means, number = self.means, len(self.attempts) + 1
        if not means.redirects.most:
            return means.sent(number, request, deadline, self.started)
        return means.redirects.followed(request, lambda step: means.sent(number, step, deadline, self.started))

    async def _texts(self) -> Revealed:
        """The texts of the call's secrets; raises `SecretMissing`, `AuthenticationFailed`."""
        texts = Revealed()
        for secret in self.use.secrets:
            match secret:
                case AccessToken():
                    texts[secret] = (await self._access_token()).text
                case DeliveryId():
                    texts[secret] = self.delivery_id
                case _:
                    texts[secret] = await self.means.text(secret)
        return texts

    async def _access_token(self) -> Granted:
        means, call = self.means, self.use.token_call
        assert call is not None  # noqa: S101 - it alone asks for a token
        fetch: Fetch = lambda deadline: Authorization(means, call, self._teller()).answered(deadline)  # noqa: E731 - seldom needed
        self._token = await means.tokens.get(call, self.use.journey, fetch, self.deadline())
        return self._token


def recorded(context: Context, outcome: Outcome) -> Outcome:
    """Let later activities read the answer as `@action{Name.field}` (R182 to R184, R190)."""
    status: dict[str, Any] = {"jo_status_code": outcome.status}
    answer, fields = status, outcome.response
    if isinstance(fields, dict) and outcome.received is not None:
        answer = {**fields, **status} if outcome.succeeded else {"errorResponse": fields, **status}
    if context.record(outcome.action, answer):
        return outcome
    context.record(outcome.action, status)
    fault = "$: the data of this individual would be larger than 1 MB with this answer; declare fewer fields (R198)"
    return attrs.evolve(outcome, response=None, response_faults=(fault,))


def identified(given: str) -> str:
    """The identifier that a batch has for one of its contexts; one that is none is that context's fault alone."""
    if fault := delivery_id_fault(given):
        raise WrongType([Violation("$.delivery_id", fault)])
    return given


def _refused_redirect(attempt: Attempt) -> UnsafeCall:
    """Why the redirect that an attempt was answered with was not followed, where the edition follows any (R88)."""
    return UnsafeCall([Violation("$.location", attempt.failure, "R88")])
