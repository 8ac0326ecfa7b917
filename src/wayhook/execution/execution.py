"""One execution, from a compiled use and its values to an outcome.

Call, secrets and token, attempt, perhaps repeats, outcome: within one deadline. Section 6 of the rules.
"""

from __future__ import annotations

import asyncio
from typing import Any

import attrs

from wayhook.errors import (
    ConnectionFailed,
    Discarded,
    Evidence,
    ExecutionError,
    MissingExtra,
    RenderError,
    UnsafeCall,
    Violation,
    WrongType,
)
from wayhook.execution.authorization import Authorization
from wayhook.execution.means import Means, unexpected
from wayhook.execution.ports import AttemptEnded, ExecutionEnded
from wayhook.execution.retry import Tried
from wayhook.expression.context import Context
from wayhook.model.activity import marketing_actions
from wayhook.model.guardrail import Repetition
from wayhook.model.journey import ActionActivity
from wayhook.rendering.answer import read_answer
from wayhook.rendering.credential import credential_fault
from wayhook.rendering.plan import Plan
from wayhook.secret import AccessToken, LiteralSecret, Revealed, SecretReference
from wayhook.wire import Attempt, Call, Outcome, Request

__all__ = ["Execution", "Use"]

_GRACE = 0.1
_UNAUTHORIZED = 401


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
            outcome = self._outcome("internalError", None, cause=unexpected(failure, self.use.plan.action.name))
        if isinstance(subject, Context):
            outcome = self._recorded(subject, outcome)
        if self.means.events:
            self.means.emit(ExecutionEnded(outcome))
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
        if self.use.left_out:
            return self._outcome(self.use.left_out, None)
        try:
            async with self._budget:
                if not await self._allowed(subject):
                    return self._outcome("excluded", None)
                call = self.use.plan.render(self._timed(subject))
                return self._answered(call, await self._delivered(call))
        except TimeoutError:
            if not self._budget.expired():
                raise  # somebody else's: of a secret source, say
            return self._outcome("timedout", call)
        except Discarded as error:
            return self._outcome("capped", call, cause=error.with_traceback(None))
        except (RenderError, ExecutionError, MissingExtra) as error:
            return self._outcome("internalError", call, cause=error.with_traceback(None))

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

    def _outcome(self, status: str, call: Call | None, **found: Any) -> Outcome:
        use, clock = self.use, self.means.clock
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
            alternative_path=use.activity is not None and use.activity.alternative_path,
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
        tried = await self._attempt(1, call)
        if tried.attempt.status == _UNAUTHORIZED and self._may_replay():
            tried = await self._attempt(2, call)
        policy = self.means.policy
        if not policy.repeats(call.method, tried):
            return tried
        return await policy.after(tried, call.method, lambda: self.deadline, lambda number: self._attempt(number, call))

    def _may_replay(self) -> bool:
        """After a 401: drop the refused token; whether one call with a new token may follow (F66, F67)."""
        call = self.use.plan.action.authentication.token_call()
        if call is None:
            return False
        self.means.tokens.drop(call, self.use.journey, self._token)
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
        tried = await self._sent(number, request)
        tried = await means.redirects.followed(request, tried, lambda onward: self._sent(number, onward))
        self.attempts.append(tried.attempt)
        if means.events:
            means.emit(AttemptEnded(call, tried.attempt))
        return tried

    async def _sent(self, number: int, request: Request) -> Tried:
        return await self.means.sent(number, request, self.deadline, self.started)

    async def _request(self, call: Call) -> Request:
        """The call with its secrets in place; raises `SecretMissing`, `AuthenticationFailed`, `WrongType`."""
        texts = Revealed()
        for secret in call.secrets:
            texts[secret] = await self._text(secret)
        faults = [
            Violation(f"$.{credential.location}.{credential.name}", f"the secret does not fit: {fault}", "R74")
            for credential in call.credentials
            if (fault := credential_fault(credential, texts))
        ]
        if faults:
            raise WrongType(faults)
        return call.request(texts)

    async def _text(self, secret: SecretReference | LiteralSecret | AccessToken) -> str:
        return await (self._access_token() if isinstance(secret, AccessToken) else self.means.text(secret))

    async def _access_token(self) -> str:
        call = self.use.plan.action.authentication.token_call()
        assert call is not None  # noqa: S101 - it alone asks for a token
        self._token = await self.means.tokens.get(call, self.use.journey, Authorization(self.means, call).answered)
        return self._token


def _refused_redirect(attempt: Attempt) -> UnsafeCall | None:
    """Why the redirect that an attempt was answered with was not followed, where the edition follows any (R88)."""
    if attempt.evidence is not Evidence.REFUSED:
        return None
    return UnsafeCall([Violation("$.location", attempt.failure, "R88")])
