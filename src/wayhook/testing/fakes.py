"""Fakes of the ports: no socket, no waiting, everything remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from wayhook.errors import Evidence, SecretMissing, TransportError
from wayhook.execution.ports import Event, ExecutionEnded
from wayhook.expression.context import Context
from wayhook.secret import SecretReference
from wayhook.wire import Outcome, Request, Response

__all__ = ["FakeClock", "FakeConsent", "FakeSecrets", "FakeTransport", "RecordingSink"]


class FakeClock:
    """A clock that moves only when somebody waits on it. `waits`: the seconds of each wait."""

    def __init__(self, start: datetime = datetime(2030, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._elapsed = 0.0
        self.waits: list[float] = []

    def monotonic(self) -> float:
        """Return the seconds since the clock was made."""
        return self._elapsed

    def now(self) -> datetime:
        """Return the date and time."""
        return self._start + timedelta(seconds=self._elapsed)

    async def sleep(self, seconds: float) -> None:
        """Move on by `seconds`, at once."""
        self.waits.append(seconds)
        self.pass_time(seconds)

    def pass_time(self, seconds: float) -> None:
        """Move on by `seconds` without a wait, as a slow answer does."""
        self._elapsed += seconds


Reply = Response | TransportError | Callable[[Request], Response | TransportError]


_OK = Response(200)


class FakeTransport:
    """Answers from a script; `requests` holds what was sent, in order.

    `replies`: one for each request, the last one for all that follow: a `Response`, a `TransportError` to
    raise, or a function of the request that returns one of these. `seconds`: how long each answer takes on
    `clock`; one that would come after the deadline expires instead.
    """

    def __init__(
        self,
        replies: Reply | Iterable[Reply] = _OK,
        *,
        clock: FakeClock | None = None,
        seconds: float = 0.0,
    ) -> None:
        self._replies: list[Reply] = (
            [replies] if isinstance(replies, Response | TransportError) or callable(replies) else list(replies) or [_OK]
        )
        self._clock, self._seconds = clock, seconds
        self.requests: list[Request] = []
        self.closed = False

    async def send(self, request: Request, deadline: float) -> Response:
        """Remember the request and give the next reply."""
        place = min(len(self.requests), len(self._replies) - 1)
        self.requests.append(request)
        if self._clock is not None:
            left = deadline - self._clock.monotonic()
            self._clock.pass_time(min(self._seconds, left))
            if self._seconds >= left:
                raise TransportError("the time was used up before an answer came", Evidence.EXPIRED)
        reply = self._replies[place]
        reply = reply(request) if callable(reply) else reply
        if isinstance(reply, TransportError):
            raise reply
        return reply

    async def aclose(self) -> None:
        """Remember that it was closed."""
        self.closed = True


class FakeSecrets:
    """Secrets from a mapping of source (`env:SMS_KEY`) to text. `asked`: the sources asked for, in order."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = dict(texts)
        self.asked: list[str] = []

    async def reveal(self, reference: SecretReference) -> str:
        """Return the text; raise `SecretMissing`."""
        self.asked.append(reference.source)
        if reference.source not in self._texts:
            raise SecretMissing(f"the secret {reference.source} is not there")
        return self._texts[reference.source]


class FakeConsent:
    """Refuses some marketing actions, for everybody. `asked`: the marketing actions asked for, in order."""

    def __init__(self, *refused: str) -> None:
        self._refused = frozenset(refused)
        self.asked: list[tuple[str, ...]] = []

    async def allows(self, context: Context, marketing_actions: tuple[str, ...]) -> bool:  # noqa: ARG002 - for everybody
        """Return whether none of them is refused."""
        self.asked.append(marketing_actions)
        return self._refused.isdisjoint(marketing_actions)


class RecordingSink:
    """Keeps every event, in order, before the call goes on. `outcomes`: those of the executions that ended."""

    direct = True

    def __init__(self) -> None:
        self.events: list[Event] = []

    def emit(self, event: Event) -> None:
        """Keep the event."""
        self.events.append(event)

    @property
    def outcomes(self) -> list[Outcome]:
        """The outcomes so far."""
        return [event.outcome for event in self.events if isinstance(event, ExecutionEnded)]
