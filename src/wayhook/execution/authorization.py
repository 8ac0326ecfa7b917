"""The call that brings an access token: made for those who wait for the token, or to check an authentication.

Sections 3.4 to 3.7 of the rules (R97 to R133); section 7 of `reference/reliability.md`.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4

import attrs

from wayhook.errors import (
    AuthenticationFailed,
    DefinitionError,
    Delivery,
    Evidence,
    ExecutionError,
    MissingExtra,
    RenderError,
)
from wayhook.execution.means import Means, unexpected
from wayhook.execution.retry import Tried
from wayhook.execution.token import Granted, Refused
from wayhook.jsonvalue import parse_json
from wayhook.model.guardrail import Repetition
from wayhook.model.token import TimeUnit, TokenCall
from wayhook.rendering.answer import read_lifetime, read_token
from wayhook.rendering.token import token_preview, token_request
from wayhook.secret import AccessToken, DeliveryId, Revealed
from wayhook.wire import Attempt, Outcome, Request, Response

__all__ = ["Authorization"]

_TIMEOUT = 30.0
_LONGEST_FETCH = 31.0
_LONGEST = 10 * TimeUnit.YEARS.in_seconds
_MAX_ANSWER = 65_536
_SHOWN_HEADERS = frozenset({"cache-control", "content-length", "content-type", "date", "retry-after"})


@attrs.define
class Authorization:
    """One authentication call, with its repeats: asking twice does no harm. `attempts`: what was tried."""

    means: Means
    call: TokenCall
    attempts: list[Attempt] = attrs.Factory(list)

    async def answered(self) -> Granted | Refused:
        """Return the token, or why there is none; raises `AuthenticationFailed` and what rendering raises."""
        return self._read(await self._tried())

    async def check(self, name: str) -> Outcome:
        """Return what the call came to, masked, as an outcome of its own; `name`: of the action or connection."""
        started, tried, found, cause = self.means.clock.monotonic(), None, None, None
        try:
            tried = await self._tried()
            found = self._read(tried)
        except (ExecutionError, RenderError, MissingExtra) as error:
            cause = error.with_traceback(None)
        except Exception as failure:  # noqa: BLE001 - as at the boundary of a batch
            cause = unexpected(failure, name)
        granted = found if isinstance(found, Granted) else None
        answer = tried.response if tried else None
        return Outcome(
            name,
            f"http_{answer.status}" if answer and (granted or not answer.succeeded) else "internalError",
            token_preview(self.call, name),
            tuple(self.attempts),
            self.means.clock.monotonic() - started,
            received=answer and _masked(answer),
            response=granted and {"token": "***", "lifetime": granted.lifetime},
            cause=AuthenticationFailed(found.reason) if isinstance(found, Refused) else cause,
            finished=self.means.clock.now(),
        )

    async def _tried(self) -> Tried:
        limit = asyncio.timeout(_LONGEST_FETCH)
        try:
            async with limit:
                return await self._repeated()
        except TimeoutError:
            if not limit.expired():
                raise  # somebody else's: of a secret source, say
            raise AuthenticationFailed(f"the token did not come within {_LONGEST_FETCH:.0f} seconds") from None

    async def _repeated(self) -> Tried:
        since = self.means.clock.monotonic()

        async def attempt(number: int) -> Tried:
            for window in self.means.limits.windows:
                window.spend(self.call.method, self.call.endpoint)
            tried = await self.means.sent(number, await self._request(), since + _TIMEOUT, since)
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
        """The request with its secrets in place; an assertion in it is signed for this one attempt (R133)."""
        texts = Revealed()
        for secret in self.call.secrets:
            assert not isinstance(secret, AccessToken | DeliveryId)  # noqa: S101 - not in a token call
            texts[secret] = await self.means.text(secret)
        return token_request(self.call, texts, self.means.clock.now(), uuid4().hex)

    def _read(self, tried: Tried) -> Granted | Refused:
        answer, where = tried.response, self.call.token_in_response
        if answer is None:
            reason = f"the token call got no answer: {tried.attempt.failure}"
            raise AuthenticationFailed(reason, delivery=Delivery.UNAVAILABLE)
        if not answer.succeeded:
            reason = f"the token call was answered with {answer.status}"
            if tried.attempt.evidence is Evidence.PERMANENT:
                return Refused(f"{reason}; check the credentials")
            raise AuthenticationFailed(f"{reason}; try again later", delivery=Delivery.UNAVAILABLE)
        token = read_token(where, answer) if len(answer.body) <= _MAX_ANSWER else None
        if token is None:
            return Refused(f"the answer of the token call holds no usable token at {where} (R111)")
        return Granted(token, self._lifetime(answer))

    def _lifetime(self, answer: Response) -> float:
        cache = self.call.cache_duration
        if cache.seconds is not None:
            return cache.seconds
        told = read_lifetime(cache.expiry_in_response, answer) or 0.0
        return min(told * cache.time_unit.in_seconds, _LONGEST)


def _masked(answer: Response) -> Response:
    """An answer as it may be shown: headers that hold no secret, and of a JSON body the names and the lifetime."""
    try:
        body = json.dumps(_without_values(parse_json(answer.body)), ensure_ascii=False).encode()
    except DefinitionError:
        body = b"***" if answer.body else b""
    headers = tuple((name, value) for name, value in answer.headers if name.lower() in _SHOWN_HEADERS)
    return attrs.evolve(answer, headers=headers, body=body)


def _without_values(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {inner: _without_values(below, inner) for inner, below in value.items()}
    if isinstance(value, list):
        return [_without_values(below, name) for below in value]
    is_shown = value is None or isinstance(value, bool) or ("expir" in name.lower() and isinstance(value, int | float))
    return value if is_shown else "***"
