"""The call that brings an access token: made for those who wait for the token, or to check an authentication.

Sections 3.4 to 3.7 of the rules (R97 to R133); section 7 of `reference/reliability.md`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast
from uuid import uuid4

import attrs

from wayhook.errors import (
    AuthenticationFailed,
    Delivery,
    DestinationUnavailable,
    Evidence,
    ExecutionError,
    LimitsUnavailable,
    MissingExtra,
    RenderError,
    WayhookError,
)
from wayhook.execution.approach import Approach
from wayhook.execution.means import Means, Teller, bare, hidden, unexpected
from wayhook.execution.ports import TokenAttemptEnded
from wayhook.execution.retry import Tried, later
from wayhook.execution.token import Granted, Refused
from wayhook.model.guardrail import Repetition
from wayhook.model.token import TimeUnit, TokenCall
from wayhook.model.url import parse_url
from wayhook.rendering.answer import read_lifetime, read_token
from wayhook.rendering.token import TokenMask, token_preview, token_request
from wayhook.secret import AccessToken, DeliveryId, Revealed
from wayhook.wire import Attempt, Outcome, Request, Response, last_word

__all__ = ["Authorization"]

_TIMEOUT = 30.0
_GRACE = 0.1
_SHORTEST = 1.0
_LONGEST = 10 * TimeUnit.YEARS.in_seconds
MAX_ANSWER = 65_536


@attrs.define(repr=False)
class Authorization:
    """One authentication call, with its repeats: asking twice does no harm. `tell`: in the name of the execution that
    asks. `attempts`: what was tried."""  # noqa: D205, D209 - one sentence each

    means: Means
    call: TokenCall
    tell: Teller
    attempts: list[Attempt] = attrs.Factory(list)

    async def answered(self, deadline: Callable[[], float]) -> Granted | Refused:
        """Return the token, or why there is none; raises `AuthenticationFailed` and what rendering raises.

        `deadline`: asked each time, until when somebody waits for the token.
        """
        return self._read(await self._tried(deadline))

    async def check(self, name: str) -> Outcome:
        """Return what the call came to, masked, as an outcome of its own; `name`: of the action or connection."""
        started, tried, found, cause = self.means.clock.monotonic(), None, None, cast("WayhookError | None", None)
        try:
            tried = await self._tried(lambda: started + _TIMEOUT)
            found = self._read(tried)
        except (ExecutionError, RenderError, MissingExtra) as error:
            cause = bare(error)
        except Exception as failure:  # noqa: BLE001 - as at the boundary of a batch
            cause = unexpected(failure, name)
        granted = found if isinstance(found, Granted) else None
        cause = AuthenticationFailed(found.reason) if isinstance(found, Refused) else cause
        answer = tried.response if tried else None
        return Outcome(
            name,
            f"http_{answer.status}" if answer and (granted or not answer.succeeded) else "internalError",
            token_preview(self.call, name),
            tuple(self.attempts),
            self.means.clock.monotonic() - started,
            received=answer and TokenMask(self.call).response(answer),
            response=granted and {"token": "***", "lifetime": granted.lifetime},
            cause=cause,
            finished=self.means.clock.now(),
            delivery=self._word(granted, cause),
            not_before=cause.not_before if isinstance(cause, AuthenticationFailed) else None,
            timeout=_TIMEOUT,
        )

    def _word(self, granted: Granted | None, cause: WayhookError | None) -> Delivery:
        """The last word about the token call itself: an answer 2xx without a token could not be used."""
        ended = Delivery.UNAVAILABLE if isinstance(cause, LimitsUnavailable) else Delivery.REFUSED
        ended = cause.delivery if isinstance(cause, AuthenticationFailed) and not self.attempts else ended
        word = last_word(self.attempts, ended)
        return Delivery.DELIVERED_UNREAD if word is Delivery.DELIVERED and granted is None else word

    async def _tried(self, deadline: Callable[[], float]) -> Tried:
        since = self.means.clock.monotonic()
        longest = max(_TIMEOUT, deadline() - since)
        limit = asyncio.timeout(longest + _GRACE)
        try:
            async with limit:
                return await self._repeated(deadline, since, since + longest)
        except TimeoutError:
            if not limit.expired():
                raise  # somebody else's: of a secret source, say
            message = f"the token did not come within {longest:.0f} seconds"
            raise AuthenticationFailed(message, delivery=Delivery.UNAVAILABLE) from None
        except DestinationUnavailable as error:
            message = f"the token endpoint is not called: {error}"
            raise AuthenticationFailed(message, delivery=Delivery.UNAVAILABLE, not_before=error.not_before) from None

    async def _repeated(self, deadline: Callable[[], float], since: float, latest: float) -> Tried:
        """The last attempt. Waits end while somebody waits; an attempt has as long as those who come later may."""
        policy = attrs.evolve(self.means.policy, repetition=Repetition.EVIDENCE)
        approach = Approach(self.means.destinations.of(self._origin), policy, deadline, self.tell)
        approach.destination.begin()

        async def attempt() -> Tried:
            await approach.ready()
            if (rules := self.means.limits.rules) is not None:
                await rules.spend(self.call.method, self.call.endpoint)
            texts = await self._texts()
            # an assertion in it is signed for this one attempt (R133)
            plain = token_request(self.call, texts, self.means.clock.now(), uuid4().hex)
            mask = TokenMask(self.call, texts)
            request = attrs.evolve(plain, network=self.means.network, mask=mask)
            await approach.entered(latest)
            tried = await self._sent(request, approach, latest, since)
            self.attempts.append(hidden(tried, mask.found).attempt)
            self._tell(self.attempts[-1])
            return attrs.evolve(tried, attempt=self.attempts[-1])

        def repeats(_: Tried) -> bool:
            return policy.repeats(self.attempts, idempotent=True)

        tried = await attempt()
        return await approach.repeated(tried, attempt, repeats) if repeats(tried) else tried

    async def _sent(self, request: Request, approach: Approach, latest: float, since: float) -> Tried:
        """One attempt on the wire; of one that is cut off, since nobody waits any more, only the sinks hear."""
        clock, number = self.means.clock, len(self.attempts) + 1
        began = clock.monotonic()
        try:
            return await approach.tried(self.means.sent(number, request, latest, since))
        except asyncio.CancelledError:
            failure, elapsed = "the attempt was cut off", clock.monotonic() - began
            self._tell(Attempt(number, Evidence.AMBIGUOUS, None, failure, began - since, elapsed))
            raise

    def _tell(self, attempt: Attempt) -> None:
        if self.means.events.sinks:
            shown = token_preview(self.call, self.tell.action)
            self.tell(TokenAttemptEnded, shown, attempt, self.means.clock.now())

    @property
    def _origin(self) -> str:
        return parse_url(self.call.endpoint).origin

    async def _texts(self) -> Revealed:
        texts = Revealed()
        for secret in self.call.secrets:
            assert not isinstance(secret, AccessToken | DeliveryId)  # noqa: S101 - not in a token call
            texts[secret] = await self.means.text(secret)
        return texts

    def _read(self, tried: Tried) -> Granted | Refused:
        answer, where = tried.response, self.call.token_in_response
        if answer is None:
            reason = f"the token call got no answer: {tried.attempt.failure}"
            raise AuthenticationFailed(reason, delivery=_of_the_action(tried.attempt))
        if not answer.succeeded:
            reason = f"the token call was answered with {answer.status}"
            if tried.attempt.evidence is Evidence.PERMANENT:
                return Refused(f"{reason}; check the credentials")
            not_before = None if tried.floor is None else later(self.means.clock, tried.floor)
            raise AuthenticationFailed(
                f"{reason}; try again later", delivery=Delivery.UNAVAILABLE, not_before=not_before
            )
        token = read_token(where, answer) if len(answer.body) <= MAX_ANSWER else None
        if token is None:
            return Refused(f"the answer of the token call holds no usable token at {where} (R111)")
        return Granted(token, self._lifetime(answer))

    def _lifetime(self, answer: Response) -> float:
        """The seconds that the token is good for, 1 to ten years; 0 where it is used once."""
        cache = self.call.cache_duration
        seconds = cache.seconds
        if seconds is None:
            seconds = (read_lifetime(cache.expiry_in_response, answer) or 0.0) * cache.time_unit.in_seconds
        return min(max(seconds, _SHORTEST), _LONGEST) if seconds else 0.0


def _of_the_action(attempt: Attempt) -> Delivery:
    """What a token call without an answer says of the action, which was not called: it is never unknown."""
    if attempt.delivery is not Delivery.UNKNOWN:
        return attempt.delivery
    return Delivery.REJECTED if attempt.evidence is Evidence.PERMANENT else Delivery.UNAVAILABLE
