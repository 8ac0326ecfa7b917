"""One execution, from a compiled use and its values to an outcome.

Call, secrets and token, attempt, perhaps repeats, outcome: within one deadline. Section 6 of the rules.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable
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
    MissingExtra,
    RenderError,
    UnsafeCall,
    Violation,
    WayhookError,
    WrongType,
)
from wayhook.execution.approach import Approach
from wayhook.execution.authorization import Authorization
from wayhook.execution.means import Means, bare, hidden, unexpected
from wayhook.execution.ports import AttemptEnded, ExecutionEnded
from wayhook.execution.retry import ATTEMPTS, IDEMPOTENT, Tried, later
from wayhook.expression.context import Context
from wayhook.model.activity import marketing_actions
from wayhook.model.guardrail import Repetition
from wayhook.model.journey import ActionActivity
from wayhook.rendering.answer import read_answer
from wayhook.rendering.credential import credential_fault
from wayhook.rendering.plan import Plan
from wayhook.secret import AccessToken, DeliveryId, Revealed, Unknown
from wayhook.wire import Attempt, Call, Outcome, Request, last_word

__all__ = ["Execution", "Use", "delivery_id_fault", "new_delivery_id"]

_GRACE = 0.1
_UNAUTHORIZED = 401
MAX_DELIVERY_ID = 255
_DELIVERY_ID = re.compile(rf"[\x21-\x7e]{{1,{MAX_DELIVERY_ID}}}")


@attrs.frozen
class Use:
    """A compiled use of an action: by an activity of a journey, or by itself.

    `timeout`: seconds. `source`: the definitions that it was compiled from. `uid`: of the action's record.
    `left_out`: the status of the outcome where the journey makes no call, or empty.
    """

    plan: Plan
    timeout: float
    source: tuple[Any, ...]
    journey: str | None = None
    activity: ActionActivity | None = None
    uid: str = ""
    left_out: str = ""

    @property
    def marketing_actions(self) -> tuple[str, ...]:
        """What an individual must have agreed to in a journey (R32, R229)."""
        return () if self.activity is None else marketing_actions(self.plan.action, self.activity)


def new_delivery_id() -> str:
    """Return an identifier that no other execution has, in any process (P6)."""
    return os.urandom(16).hex()


def delivery_id_fault(given: object) -> str:
    """Return what is wrong with an identifier that was given, or ""."""
    if isinstance(given, str) and _DELIVERY_ID.fullmatch(given):
        return ""
    return "a delivery id is 1 to 255 visible ASCII characters, such as the delivery_id of an outcome"


@attrs.define(repr=False)
class Execution:
    """One execution: its deadline, and what was tried. `index`: its place in a batch. `delivery_id`: its own, or the
    one of the execution that it repeats (P6). `identify`: gives that one for a subject, where each has its own."""  # noqa: D205, D209 - one sentence each

    means: Means
    use: Use
    started: float
    delivery_id: str
    index: int | None = None
    identify: Callable[[Any], str] | None = None
    attempts: list[Attempt] = attrs.Factory(list)
    queued: float = 0.0
    _budget: asyncio.Timeout = attrs.Factory(lambda: asyncio.timeout(None))
    _token: str = ""
    _is_renewed: bool = False
    _sending_since: float | None = None
    _last: Tried | None = None
    _not_before: datetime | None = None

    async def outcome(self, subject: Any) -> Outcome:
        """Execute once for `subject` and return how it ended, whatever happened: the boundary of a batch.

        An error that is not ours (of a secret source, a limiter, a transport) is one context's outcome too.
        """
        try:
            outcome = await self._ended(subject)
        except Exception as failure:  # noqa: BLE001 - the batch boundary
            outcome = self._outcome("internalError", None, cause=unexpected(failure, self.use.plan.action.name))
        if isinstance(subject, Context):
            outcome = self._recorded(subject, outcome)
        if self.means.events:
            self.means.events.emit(ExecutionEnded(outcome))
        return outcome

    def _recorded(self, context: Context, outcome: Outcome) -> Outcome:
        """Let later activities read the answer as `@action{Name.field}` (R182 to R184, R190)."""
        answer: dict[str, Any] = {"jo_status_code": outcome.status}
        if outcome.received is not None and isinstance(outcome.response, dict):
            fields = outcome.response if outcome.succeeded else {"errorResponse": outcome.response}
            answer = {**fields, **answer}
        if context.record(outcome.action, answer):
            return outcome
        context.record(outcome.action, {"jo_status_code": outcome.status})
        fault = "$: the data of this individual would be larger than 1 MB with this answer; declare fewer fields (R198)"
        return attrs.evolve(outcome, response=None, response_faults=(fault,))

    @property
    def deadline(self) -> float:
        """When the execution ends, on the monotonic clock."""
        return self.started + self.queued + self.use.timeout

    async def _ended(self, subject: Any) -> Outcome:
        call = None
        try:
            if self.identify is not None:
                self.delivery_id = _identified(self.identify(subject))
            if self.use.left_out:
                return self._outcome(self.use.left_out, None)
            async with self._budget:
                if not await self._allowed(subject):
                    return self._outcome("excluded", None)
                call = self.use.plan.render(self._timed(subject))
                return self._answered(call, await self._delivered(call))
        except TimeoutError:
            if not self._budget.expired():
                raise  # somebody else's: of a secret source, say
            return self._outcome("timedout", call, Delivery.UNAVAILABLE)
        except (RenderError, ExecutionError, MissingExtra) as error:
            return self._failed(call, bare(error))

    def _failed(self, call: Call | None, error: WayhookError) -> Outcome:
        """The outcome of a call that an error of ours kept from being made."""
        status, word = "internalError", Delivery.REFUSED
        match error:
            case Discarded():
                status = "capped"
            case DestinationUnavailable():
                word, self._not_before = Delivery.UNAVAILABLE, error.not_before
            case AuthenticationFailed():
                word, self._not_before = error.delivery, error.not_before
        return self._outcome(status, call, word, cause=error)

    def _timed(self, subject: Any) -> Any:
        """The context with the current time, where an expression needs one and none was given."""
        if not self.use.plan.reads_time or subject.now is not None:
            return subject
        return attrs.evolve(subject, now=self.means.clock.now())

    async def _allowed(self, subject: Any) -> bool:
        """Whether the individual agreed to what the call is for (R229)."""
        consent, marketing_actions = self.means.consent, self.use.marketing_actions
        if consent is None or not marketing_actions:
            return True
        self._budget.reschedule(self._loop_deadline())
        return await consent.allows(subject, marketing_actions)

    def _outcome(self, status: str, call: Call | None, word: Delivery = Delivery.REFUSED, **found: Any) -> Outcome:
        """The outcome; `word`: what kept an attempt from being made, where no attempt says more."""
        use, clock = self.use, self.means.clock
        self._cut_off(Evidence.EXPIRED if status == "timedout" else Evidence.AMBIGUOUS)
        return Outcome(
            use.plan.action.name,
            status,
            call,
            tuple(self.attempts),
            clock.monotonic() - self.started,
            queued=self.queued,
            uid=use.uid,
            parameterized=use.plan.parameterized,
            journey=use.journey,
            label=use.activity.label if use.activity else None,
            index=self.index,
            finished=clock.now(),
            delivery=last_word(self.attempts, word),
            not_before=self._not_before,
            delivery_id=self.delivery_id,
            alternative_path=use.activity is not None and use.activity.alternative_path,
            **found,
        )

    def _cut_off(self, evidence: Evidence) -> None:
        """Record an attempt that our own deadline or an error of the transport ended: it may have been done (P18)."""
        if self._sending_since is not None:
            began, now = self._sending_since, self.means.clock.monotonic()
            failure = "the attempt was cut off"
            self.attempts.append(
                Attempt(len(self.attempts) + 1, evidence, None, failure, began - self.started, now - began)
            )
            self._sending_since = None

    def _loop_deadline(self) -> float:
        """The deadline on the loop's own clock."""
        return asyncio.get_running_loop().time() + self.deadline - self.means.clock.monotonic()

    def _answered(self, call: Call, tried: Tried) -> Outcome:
        answer = tried.response
        if answer is not None:
            fields, faults = read_answer(self.use.plan.action, answer)
            return self._outcome(
                f"http_{answer.status}",
                call,
                received=answer,
                response=fields,
                response_faults=faults,
                cause=_refused_redirect(tried.attempt),
            )
        if tried.attempt.evidence is Evidence.EXPIRED:
            return self._outcome("timedout", call)
        return self._outcome("internalError", call, cause=ConnectionFailed(tried.attempt.failure))

    async def _delivered(self, call: Call) -> Tried:
        """The last attempt; the first one, if it succeeded or may not be repeated."""
        destination = self.means.destinations.of(self.use.plan.destination)
        destination.begin()
        approach = Approach(destination, self.means.policy, lambda: self.deadline)
        tried = await self._attempt(call, approach)
        if self._repeats(tried):
            tried = await self._repeated(tried, call, approach)
        if tried.floor is not None and self._not_before is None:
            self._not_before = later(self.means.clock, tried.floor)
        return tried

    @property
    def _is_keyed(self) -> bool:
        return self.use.plan.action.idempotency_header is not None

    @property
    def _is_idempotent(self) -> bool:
        """Whether doing the call twice is as good as once, by its method or by its key."""
        return self._is_keyed or self.use.plan.method in IDEMPOTENT

    def _repeats(self, _: Tried) -> bool:
        policy = self.means.policy
        return policy.repeats(self.attempts, idempotent=self._is_idempotent, keyed=self._is_keyed)

    async def _repeated(self, first: Tried, call: Call, approach: Approach) -> Tried:
        """The last of the repeats; an attempt that its destination takes no more leaves the one before it the last."""
        try:
            return await approach.repeated(first, lambda: self._attempt(call, approach), self._repeats)
        except DestinationUnavailable as error:
            self._not_before = error.not_before
            return self._last or first

    async def _attempt(self, call: Call, approach: Approach) -> Tried:
        """One attempt, and after a 401 the one with a new token (F66, F67)."""
        tried = await self._admitted(call, approach)
        if tried.attempt.status == _UNAUTHORIZED and await self._may_replay():
            return await self._admitted(call, approach)
        return tried

    async def _may_replay(self) -> bool:
        """Drop a refused token, once in an execution; whether one call with a new token may follow."""
        token_call = self.use.plan.action.authentication.token_call()
        if token_call is None or self._is_renewed:
            return False
        self._is_renewed = True
        await self.means.tokens.drop(token_call, self.use.journey, self._token)
        return self.means.policy.repetition is Repetition.EVIDENCE and len(self.attempts) < ATTEMPTS

    async def _admitted(self, call: Call, approach: Approach) -> Tried:
        """One attempt: when its destination is ready, and with a place below the limits."""
        if not approach.is_free:
            await self._ready(approach)
        limiter = self.means.limits.limiter
        if limiter is None:
            return await self._tried(call, approach)
        if self._budget.when() is not None:
            self._budget.reschedule(None)  # the time in a queue is not part of the budget (R224, R225)
        async with limiter.place(call.method, call.url) as waited:
            self.queued += waited
            return await self._tried(call, approach)

    async def _ready(self, approach: Approach) -> None:
        self._budget.reschedule(self._loop_deadline())
        await approach.ready()

    async def _tried(self, call: Call, approach: Approach) -> Tried:
        """One attempt, once its secrets are there; in the time that took its destination may have asked for time."""
        texts = await self._texts(call)
        request = call.request(texts, network=self.means.network, fresh=not self._is_idempotent)
        if not approach.is_free:
            await self._ready(approach)
        self._budget.reschedule(self._loop_deadline() + _GRACE)  # the transport keeps the deadline itself
        tried = await approach.tried(lambda: self._sent(request))
        if texts:
            tried = hidden(tried, texts, (credential.text for credential in call.credentials))
        self._last = tried
        self.attempts.append(tried.attempt)
        self._sending_since = None
        if self.means.events:
            self.means.events.emit(AttemptEnded(call, tried.attempt, self.delivery_id))
        return tried

    async def _sent(self, request: Request) -> Tried:
        self._sending_since = self.means.clock.monotonic()
        tried, redirects = await self._once(request), self.means.redirects
        return await redirects.followed(request, tried, self._once) if redirects.most else tried

    async def _once(self, request: Request) -> Tried:
        return await self.means.sent(len(self.attempts) + 1, request, self.deadline, self.started)

    async def _texts(self, call: Call) -> Revealed:
        """The texts of the call's secrets; raises `SecretMissing`, `AuthenticationFailed`, `WrongType`."""
        texts = Revealed()
        if not (secrets := call.secrets):
            return texts
        self._budget.reschedule(self._loop_deadline())
        for secret in secrets:
            texts[secret] = await self._text(secret)
        faults = [
            Violation(f"$.{credential.location}.{credential.name}", f"the secret does not fit: {fault}", "R74")
            for credential in call.credentials
            if (fault := credential_fault(credential, texts))
        ]
        if faults:
            raise WrongType(faults)
        return texts

    async def _text(self, secret: Unknown) -> str:
        match secret:
            case AccessToken():
                return await self._access_token()
            case DeliveryId():
                return self.delivery_id
            case _:
                return await self.means.text(secret)

    async def _access_token(self) -> str:
        call = self.use.plan.action.authentication.token_call()
        assert call is not None  # noqa: S101 - it alone asks for a token
        fetch = Authorization(self.means, call).answered
        self._token = await self.means.tokens.get(call, self.use.journey, fetch, self.deadline)
        return self._token


def _identified(given: str) -> str:
    """The identifier that a batch has for one of its contexts; one that is none is that context's fault alone."""
    if fault := delivery_id_fault(given):
        raise WrongType([Violation("$.delivery_id", fault)])
    return given


def _refused_redirect(attempt: Attempt) -> UnsafeCall | None:
    """Why the redirect that an attempt was answered with was not followed, where the edition follows any (R88)."""
    if attempt.evidence is not Evidence.REFUSED:
        return None
    return UnsafeCall([Violation("$.location", attempt.failure, "R88")])
