"""What an execution works with, and one attempt made with it."""

from __future__ import annotations

import logging

import attrs

from wayhook.errors import Delivery, Evidence, SecretMissing, TransportError, delivery_of
from wayhook.execution.destination import Destinations
from wayhook.execution.limit import Limits
from wayhook.execution.ports import Clock, Consent, Event, EventSink, SecretSource, Transport
from wayhook.execution.retry import RetryPolicy, Tried, evidence_of
from wayhook.execution.token import Tokens
from wayhook.jsonvalue import is_unicode
from wayhook.secret import LiteralSecret, SecretReference
from wayhook.wire import Attempt, Request

__all__ = ["Events", "Means"]

_LOG = logging.getLogger("wayhook")


@attrs.frozen
class Events:
    """The sinks of an executor."""

    sinks: tuple[EventSink, ...]

    def __bool__(self) -> bool:
        return bool(self.sinks)

    def emit(self, event: Event) -> None:
        """Tell every sink; one that fails is logged and harms nobody."""
        for sink in self.sinks:
            try:
                sink.emit(event)
            except Exception:  # noqa: BLE001 - a sink harms no call
                _LOG.exception("the event sink %s failed", type(sink).__name__)


@attrs.frozen
class Means:
    """What an execution works with; shared by all executions of an executor."""

    transport: Transport
    secrets: SecretSource
    limits: Limits
    events: Events
    clock: Clock
    policy: RetryPolicy
    tokens: Tokens
    destinations: Destinations
    consent: Consent | None = None

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
                late = "the time was used up before the attempt"
                raise TransportError(late, Evidence.EXPIRED, Delivery.UNAVAILABLE)
            response = await self.transport.send(request, deadline)
            evidence = evidence_of(response)
            delivery = Delivery.DELIVERED_UNREAD if response.succeeded and response.fault else delivery_of(evidence)
        except TransportError as error:
            failure, evidence, delivery = error.message, error.evidence, error.delivery
        status = response.status if response else None
        elapsed = clock.monotonic() - started
        return Tried(Attempt(number, evidence, status, failure, started - since, elapsed, delivery), response)
