"""What an execution works with, and one attempt made with it."""

from __future__ import annotations

import logging

import attrs

from wayhook.errors import Evidence, SecretMissing, TransportError
from wayhook.execution.ports import (
    AttemptEnded,
    Clock,
    Consent,
    EventSink,
    ExecutionEnded,
    Limiter,
    SecretSource,
    Transport,
)
from wayhook.execution.redirect import Redirects
from wayhook.execution.retry import RetryPolicy, Tried, evidence_of
from wayhook.execution.token import Tokens
from wayhook.jsonvalue import is_unicode
from wayhook.secret import LiteralSecret, SecretReference
from wayhook.wire import Attempt, Request

__all__ = ["Means"]

_LOG = logging.getLogger("wayhook")


@attrs.frozen
class Means:
    """What an execution works with; shared by all executions of an executor."""

    transport: Transport
    secrets: SecretSource
    limiter: Limiter | None
    events: tuple[EventSink, ...]
    clock: Clock
    policy: RetryPolicy
    tokens: Tokens
    redirects: Redirects
    consent: Consent | None = None

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

    async def sent(self, number: int, request: Request, deadline: float, since: float) -> Tried:
        """Send `request` once, by `deadline`, and return what that proves; times count from `since`."""
        clock, response, failure = self.clock, None, ""
        started = clock.monotonic()
        try:
            if started >= deadline:
                raise TransportError("the time was used up before the attempt", Evidence.EXPIRED)
            response = await self.transport.send(request, deadline)
            evidence = evidence_of(response)
        except TransportError as error:
            failure, evidence = error.message, error.evidence
        status = response.status if response else None
        return Tried(Attempt(number, evidence, status, failure, started - since, clock.monotonic() - started), response)
