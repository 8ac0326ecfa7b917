"""What an execution works with, and one attempt made with it."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable, Iterable
from typing import Any, Protocol, Self

import attrs

from wayhook.errors import (
    Delivery,
    Evidence,
    ExecutionError,
    SecretMissing,
    TransportError,
    WayhookError,
    delivery_of,
)
from wayhook.execution.deadline import Watch
from wayhook.execution.destination import Destinations
from wayhook.execution.ports import Clock, Consent, Event, EventSink, Limiter, RuleLimiter, SecretSource, Transport
from wayhook.execution.redirect import Redirects
from wayhook.execution.relay import Relay
from wayhook.execution.retry import RetryPolicy, Tried, evidence_of, retry_after
from wayhook.execution.token import Fetch, Granted
from wayhook.jsonvalue import is_unicode
from wayhook.model.guardrail import NetworkPolicy
from wayhook.model.token import TokenCall
from wayhook.rendering.reflection import masked_response, masked_text
from wayhook.secret import LiteralSecret, SecretReference
from wayhook.wire import Attempt, Request

__all__ = ["Events", "Means", "Teller", "bare", "hidden", "unexpected"]

_LOG = logging.getLogger("wayhook")


def bare(error: WayhookError) -> WayhookError:
    """Return the error without what Python remembers of its way: the frames hold the texts of secrets (P49)."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def hidden(tried: Tried, found: Iterable[str]) -> Tried:
    """Return the attempt without the secrets of its call, where answer or failure repeat them in one of `found`."""
    attempt, response = tried.attempt, tried.response
    failure = attempt.failure and masked_text(attempt.failure, found)
    masked = response and masked_response(response, found)
    if failure == attempt.failure and masked is response:
        return tried
    return attrs.evolve(tried, attempt=attrs.evolve(attempt, failure=failure), response=masked)


def unexpected(failure: Exception, name: str) -> ExecutionError:
    """Return what is told of an error that is not ours: its kind, and in the log its place.

    Its message is not: it may hold a URL or a value.
    """
    place, kind = traceback.extract_tb(failure.__traceback__)[-1], type(failure).__name__
    _LOG.error("%s: an unexpected %s at %s:%s", name, kind, place.filename, place.lineno)
    return ExecutionError(f"an unexpected {kind} in the execution; the log tells its place")


@attrs.frozen
class Events:
    """The sinks of an executor, as they are to be called."""

    sinks: tuple[EventSink, ...]

    @classmethod
    def of(cls, given: Iterable[EventSink]) -> Self:
        """Return the sinks that were given, each behind a relay but for those that are called directly."""
        return cls(tuple(sink if getattr(sink, "direct", False) is True else Relay(sink) for sink in given))

    def __bool__(self) -> bool:
        return bool(self.sinks)

    def emit(self, event: Event) -> None:
        """Tell every sink; one that fails is logged and harms nobody."""
        for sink in self.sinks:
            try:
                sink.emit(event)
            except Exception:  # noqa: BLE001 - a sink harms no call
                _LOG.exception("the event sink %s failed", type(sink).__name__)

    async def aclose(self) -> None:
        """Let those behind a relay hear what is left, all at the same time."""
        await asyncio.gather(*(sink.aclose() for sink in self.sinks if isinstance(sink, Relay)))


@attrs.frozen
class Teller:
    """Tells the sinks of what happens in the name of one execution; see `Tell`."""

    events: Events
    action: str
    journey: str | None = None
    label: str | None = None
    delivery_id: str = ""
    index: int | None = None

    def __call__(self, kind: Callable[..., Event], *about: Any) -> None:
        """Tell an event of that kind, where somebody hears."""
        if not self.events.sinks:
            return
        self.events.emit(
            kind(
                *about,
                action=self.action,
                journey=self.journey,
                label=self.label,
                delivery_id=self.delivery_id,
                index=self.index,
            )
        )


class Limited(Protocol):
    """What limits calls: `Limits`, or the way to those of another process."""

    @property
    def limiter(self) -> Limiter | None:
        """Where an attempt has a place; None while nothing is limited."""
        ...

    @property
    def rules(self) -> RuleLimiter | None:
        """Where a token call takes a place; None where tokens are asked for elsewhere."""
        ...


class TokenSource(Protocol):
    """Where tokens come from: `Tokens`, or the way to those of another process."""

    async def get(self, call: TokenCall, journey: str | None, fetch: Fetch, deadline: float) -> Granted:
        """Return a token; see `Tokens.get`."""
        ...

    def drop(self, call: TokenCall, journey: str | None, token: Granted) -> None:
        """Forget a token that was refused; see `Tokens.drop`."""
        ...


@attrs.frozen(repr=False)
class Means:
    """What an execution works with; shared by all executions of an executor."""

    transport: Transport
    secrets: SecretSource
    limits: Limited
    events: Events
    clock: Clock
    policy: RetryPolicy
    tokens: TokenSource
    destinations: Destinations
    redirects: Redirects
    network: NetworkPolicy
    consent: Consent | None = None
    watch: Watch = attrs.field(default=attrs.Factory(lambda self: Watch(self.clock), takes_self=True))

    async def text(self, secret: SecretReference | LiteralSecret) -> str:
        """Return the text of a secret; raises `SecretMissing`, also for a reference that leads to an empty text."""
        if isinstance(secret, LiteralSecret):
            return secret.reveal()
        text = await self.secrets.reveal(secret)
        if text == "":
            raise SecretMissing(f"the secret {secret.label} is empty; store it again")
        if not isinstance(text, str) or not is_unicode(text):
            raise SecretMissing(f"the secret {secret.label} is no Unicode text; store it again")
        return text

    async def sent(self, number: int, request: Request, deadline: float, since: float) -> Tried:
        """Send `request` once, by `deadline`, and return what that proves; times count from `since`."""
        clock = self.clock
        started = clock.monotonic()
        try:
            if started >= deadline:
                late = "the time was used up before the attempt"
                raise TransportError(late, Evidence.EXPIRED, delivery=Delivery.UNAVAILABLE, local=True)
            response = await self.transport.send(request, deadline)
        except TransportError as error:
            elapsed = clock.monotonic() - started
            attempt = Attempt(
                number, error.evidence, None, error.message, started - since, elapsed, error.delivery, error.local
            )
            return Tried(attempt, None, None, self.policy.backoff(attempt))
        floor = retry_after(response, clock.now)
        evidence = evidence_of(response, floor)
        unread = response.fault and evidence is Evidence.DELIVERED
        delivery = Delivery.DELIVERED_UNREAD if unread else delivery_of(evidence)
        elapsed = clock.monotonic() - started
        attempt = Attempt(number, evidence, response.status, "", started - since, elapsed, delivery)
        return Tried(attempt, response, floor, 0.0 if evidence is Evidence.DELIVERED else self.policy.backoff(attempt))
