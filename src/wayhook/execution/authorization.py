"""The call that brings an access token: made for those who wait for the token, or to check an authentication.

Sections 3.4 to 3.7 of the rules (R97 to R133); section 7 of `reference/reliability.md`.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import attrs

from wayhook.errors import AuthenticationFailed, DefinitionError, Delivery, Evidence, ExecutionError, RenderError
from wayhook.execution.means import Means
from wayhook.execution.retry import Tried
from wayhook.execution.token import Granted
from wayhook.jsonvalue import parse_json
from wayhook.model.authentication import Authentication
from wayhook.model.guardrail import Repetition
from wayhook.model.token import TimeUnit, TokenCall
from wayhook.rendering.answer import read_lifetime, read_token
from wayhook.rendering.token import token_preview, token_request
from wayhook.secret import AccessToken, DeliveryId, Revealed
from wayhook.wire import Attempt, Outcome, Request, Response

__all__ = ["Authorization"]

_TIMEOUT = 30.0
_LONGEST = 10 * TimeUnit.YEARS.in_seconds
_SHOWN_HEADERS = frozenset({"cache-control", "content-length", "content-type", "date", "retry-after"})


@attrs.define
class Authorization:
    """One authentication call, with its repeats: asking twice does no harm. `attempts`: what was tried."""

    means: Means
    authentication: Authentication
    call: TokenCall
    attempts: list[Attempt] = attrs.Factory(list)

    async def granted(self) -> Granted:
        """Return the token and its lifetime in seconds; raises `AuthenticationFailed` and what rendering raises."""
        return self._granted(await self._tried())

    async def check(self, name: str) -> Outcome:
        """Return what the call came to, masked, as an outcome of its own; `name`: of the action or connection."""
        started, tried, cause, lifetime = self.means.clock.monotonic(), None, None, None
        try:
            tried = await self._tried()
            lifetime = self._granted(tried).lifetime
        except (ExecutionError, RenderError) as error:
            cause = error.with_traceback(None)
        answer = tried.response if tried else None
        return Outcome(
            name,
            f"http_{answer.status}" if answer and (cause is None or not answer.succeeded) else "internalError",
            token_preview(self.call, name),
            tuple(self.attempts),
            self.means.clock.monotonic() - started,
            received=answer and _masked(answer),
            response=None if cause else {"token": "***", "lifetime": lifetime},
            cause=cause,
            finished=self.means.clock.now(),
        )

    async def _tried(self) -> Tried:
        request, since = await self._request(), self.means.clock.monotonic()

        async def attempt(number: int) -> Tried:
            for window in self.means.limits.windows:
                window.spend(self.call.method, self.call.endpoint)
            tried = await self.means.sent(number, request, since + _TIMEOUT, since)
            self.attempts.append(tried.attempt)
            return tried

        tried = await attempt(1)
        policy = attrs.evolve(self.means.policy, repetition=Repetition.EVIDENCE)

        def repeats(tried: Tried) -> bool:
            return policy.repeats(tried, idempotent=True)

        if repeats(tried):
            tried = await policy.after(tried, attempt, repeats=repeats, deadline=lambda: since + _TIMEOUT)
        return tried

    async def _request(self) -> Request:
        texts = Revealed()
        certificate = self.authentication.client_certificate()
        for secret in (*self.call.secrets, *(certificate.secrets if certificate else ())):
            assert not isinstance(secret, AccessToken | DeliveryId)  # noqa: S101 - not in a token call
            texts[secret] = await self.means.text(secret)
        request = token_request(self.call, texts, self.means.clock.now(), uuid4().hex)
        return attrs.evolve(request, identity=certificate.reveal(texts) if certificate else None)

    def _granted(self, tried: Tried) -> Granted:
        answer = tried.response
        if answer is None:
            reason = f"the token call got no answer: {tried.attempt.failure}"
            raise AuthenticationFailed(reason, delivery=Delivery.UNAVAILABLE)
        if not answer.succeeded:
            reason = f"the token call was answered with {answer.status}"
            if tried.attempt.evidence in (Evidence.REJECTED_UNREAD, Evidence.AMBIGUOUS):
                raise AuthenticationFailed(f"{reason}; try again later", delivery=Delivery.UNAVAILABLE)
            raise AuthenticationFailed(f"{reason}; check the credentials")
        where = self.call.token_in_response
        token = read_token(where, answer)
        if token is None:
            raise AuthenticationFailed(f"the answer of the token call holds no usable token at {where} (R111)")
        return Granted(token, self._lifetime(answer))

    def _lifetime(self, answer: Response) -> float:
        cache = self.call.cache_duration
        if cache.seconds is not None:
            return cache.seconds
        told = read_lifetime(cache.expiry_in_response, answer) or 0.0
        return min(told * cache.time_unit.in_seconds, _LONGEST)


def _masked(answer: Response) -> Response:
    """An answer as it may be shown: names and numbers of a JSON body, and headers that hold no secret."""
    try:
        body = json.dumps(_without_texts(parse_json(answer.body)), ensure_ascii=False).encode()
    except DefinitionError:
        body = b"***" if answer.body else b""
    headers = tuple((name, value) for name, value in answer.headers if name in _SHOWN_HEADERS)
    return attrs.evolve(answer, headers=headers, body=body)


def _without_texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_texts(below) for name, below in value.items()}
    if isinstance(value, list):
        return [_without_texts(below) for below in value]
    return "***" if isinstance(value, str) else value
