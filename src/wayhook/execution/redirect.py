"""Redirects that an edition follows: within one attempt, in its time, and only while the answers say 302.

Rules R87 and R88. Other redirects, and answers 302 without a Location, are answers like any other.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs

from wayhook.errors import Delivery, Evidence
from wayhook.execution.retry import Tried
from wayhook.model.guardrail import NetworkPolicy
from wayhook.rendering.redirect import RedirectFault, redirected
from wayhook.wire import Request

__all__ = ["Redirects"]

_FOUND = 302


@attrs.frozen
class Redirects:
    """Follows answers 302: at most `most` in a row, and to where `network` lets calls go."""

    most: int
    network: NetworkPolicy

    async def followed(self, request: Request, send: Callable[[Request], Awaitable[Tried]]) -> Tried:
        """Return an attempt to its end; `send` makes each step of it."""
        tried = first = await send(request)
        for _ in range(self.most):
            if not _location(tried):
                return tried
            try:
                request = self._next(request, tried)
            except RedirectFault as fault:
                return _refused(tried, str(fault))
            tried = _joined(first, await send(request))
        if self.most and _location(tried):
            return _refused(tried, f"the answers lead on and on; at most {self.most} redirects are followed")
        return tried

    def _next(self, request: Request, tried: Tried) -> Request:
        """The request to where an answer leads; a place may repeat a secret, and no frame that waits holds it (P49)."""
        return redirected(request, _location(tried) or "", self.network)


def _location(tried: Tried) -> str | None:
    answer = tried.response
    return answer.header("location") if answer is not None and answer.status == _FOUND else None


def _refused(tried: Tried, failure: str) -> Tried:
    return attrs.evolve(tried, attempt=attrs.evolve(tried.attempt, evidence=Evidence.REFUSED, failure=failure))


def _joined(first: Tried, last: Tried) -> Tried:
    """One attempt of both; the first answer is proof that the receiver had the call, whatever became of the last."""
    began, ended = first.attempt, last.attempt
    if ended.delivery is Delivery.UNAVAILABLE:
        kept = ended.evidence is Evidence.EXPIRED
        evidence = ended.evidence if kept else Evidence.AMBIGUOUS
        ended = attrs.evolve(ended, evidence=evidence, delivery=Delivery.UNKNOWN)
    elif ended.delivery is Delivery.REFUSED:
        ended = attrs.evolve(ended, delivery=began.delivery)
    elapsed = ended.started + ended.elapsed - began.started
    return attrs.evolve(last, attempt=attrs.evolve(ended, started=began.started, elapsed=elapsed))
