"""What is tried again, when, and how long is waited. The one module that imports tenacity, and only after a failure.

Rules R205 to R213; sections 4 and 6 of `reference/reliability.md`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import attrs

from wayhook.errors import Evidence
from wayhook.execution.destination import THROTTLED
from wayhook.execution.ports import Clock, Randomness, Retrying, Tell, Waited
from wayhook.model.guardrail import ATTEMPTS, IDEMPOTENT, Repetition
from wayhook.wire import Attempt, Response

__all__ = ["ATTEMPTS", "IDEMPOTENT", "JITTER", "RetryPolicy", "Tried", "evidence_of", "later", "retry_after"]

_BASE, _THROTTLED_BASE, _LONGEST, JITTER = 0.1, 0.3, 1.0, 0.5
_CONFLICT, _MISDIRECTED = 409, 421
_REJECTED_UNREAD = frozenset({408, 421, 425, *THROTTLED})
_PERMANENT_5XX = frozenset({501, 505, 506, 507, 508, 510, 511})
_DENIED = frozenset({401, 403, 404})
_TOO_LARGE = 413
_SLOW_DOWN = frozenset({_TOO_LARGE, *THROTTLED})
_KNOWN_STATUS = range(100, 600)
_MONTH, _TIME = "(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)", r"\d\d:\d\d:\d\d"
_DATE = re.compile(
    rf"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d {_MONTH} \d{{4}} {_TIME} GMT"
    rf"|(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \d\d-{_MONTH}-\d\d {_TIME} GMT"
    rf"|(Mon|Tue|Wed|Thu|Fri|Sat|Sun) {_MONTH} [\d ]\d {_TIME} \d{{4}}",
    re.ASCII,
)
"""The three forms of a date in HTTP (RFC 9110, section 5.6.7); what else a mail may hold is none here."""


@attrs.frozen(repr=False, slots=False)
class Tried:
    """One attempt and its answer, None when none came.

    `floor`: the seconds that the other side asked for, if it did. `backoff`: the seconds of full jitter before a next
    attempt, drawn once, so that a pause that it makes is as long as the wait (P12).
    """

    attempt: Attempt
    response: Response | None
    floor: float | None = None
    backoff: float = 0.0


def evidence_of(response: Response, floor: float | None = None) -> Evidence:
    """Return what the status of an answer proves; `floor`: the seconds that it asks for."""
    status = response.status
    if 200 <= status < 300:  # noqa: PLR2004 - as Response.succeeded, which each call would ask for anew
        return Evidence.DELIVERED
    if status in _REJECTED_UNREAD or (status == _TOO_LARGE and floor is not None):
        return Evidence.REJECTED_UNREAD
    if status not in _KNOWN_STATUS or (status >= 500 and status not in _PERMANENT_5XX):  # noqa: PLR2004
        return Evidence.AMBIGUOUS
    return Evidence.PERMANENT


def later(clock: Clock, seconds: float) -> datetime:
    """Return the date and time so many seconds from now, as far as the calendar goes."""
    try:
        return clock.now() + timedelta(seconds=seconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def retry_after(response: Response, now: Callable[[], datetime]) -> float | None:
    """Return the seconds that `Retry-After` asks for, the larger of two; None when it asks for nothing usable.

    Seconds are digits; a date counts against the answer's own Date, else against `now`, so that clock skew
    cancels. Read on 413, 429, 503 and 529 only.
    """
    if response.status not in _SLOW_DOWN:
        return None
    sent = _date(response.header("date") or "") or now()
    values = [_seconds(value, sent) for name, value in response.headers if name == "retry-after"]
    return max((value for value in values if value is not None), default=None)


def _seconds(value: str, now: datetime) -> float | None:
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value.lstrip("0")[:12] or 0)
    date = _date(value)
    return None if date is None or date <= now else (date - now).total_seconds()


def _date(value: str) -> datetime | None:
    from email.utils import parsedate_to_datetime

    if not _DATE.fullmatch(value):
        return None
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


@attrs.frozen
class RetryPolicy:
    """Repeats one call after a first failure: at most three times, and never a wait that ends after the deadline."""

    repetition: Repetition
    clock: Clock
    random: Randomness

    def repeats(self, attempts: Sequence[Attempt], *, idempotent: bool, keyed: bool = False) -> bool:
        """Whether the rules let the last of `attempts` be repeated.

        `idempotent`: doing the call twice is as good as once, by its method or by its key. `keyed`: by its key; then a
        409 says that the first one is still being done (F46).
        """
        evidence, status = attempts[-1].evidence, attempts[-1].status
        if evidence in (Evidence.DELIVERED, Evidence.EXPIRED, Evidence.REFUSED):
            return False
        if self.repetition is not Repetition.EVIDENCE:
            return self.repetition is Repetition.ANY or status not in _DENIED
        if status == _MISDIRECTED:  # once, on a fresh connection (F49)
            return sum(attempt.status == _MISDIRECTED for attempt in attempts) == 1
        return (
            evidence in (Evidence.NEVER_SENT, Evidence.REJECTED_UNREAD)
            or (evidence is Evidence.AMBIGUOUS and idempotent)
            or (status == _CONFLICT and keyed)
        )

    def backoff(self, attempt: Attempt) -> float:
        """Return the seconds of full jitter after a failed attempt (P12)."""
        base = _THROTTLED_BASE if attempt.status in THROTTLED else _BASE
        return self.random() * min(_LONGEST, base * 2.0 ** (attempt.number - 1))

    async def after(
        self,
        first: Tried,
        attempt: Callable[[], Awaitable[Tried]],
        *,
        repeats: Callable[[Tried], bool],
        deadline: Callable[[], float],
        may_repeat: Callable[[int | None, float], Awaitable[bool]],
        tell: Tell,
        destination: str,
    ) -> Tried:
        """Return the last of the attempts that follow the failed `first`; `attempt` makes one.

        `deadline` is asked each time: an attempt that waited in a queue has moved it (R224). `may_repeat`: takes a
        repeat after an answer of this status out of the budget, if there is one, within so many seconds. `tell`: hears
        of what will be repeated and of each wait before a call to `destination`.
        """
        try:
            from tenacity import AsyncRetrying, RetryCallState
        except OSError:
            return first  # no file descriptor is left to load it with; the next call may have one

        def last(state: RetryCallState) -> Tried:
            assert state.outcome is not None  # noqa: S101 - tenacity asks after each attempt
            return state.outcome.result()  # type: ignore[no-any-return]

        def wait(state: RetryCallState) -> float:
            """Full jitter; after a time that the other side asked for, at most half of what is left then."""
            tried = last(state)
            if tried.floor is None:
                return tried.backoff
            rest = deadline() - self.clock.monotonic() - tried.floor
            return tried.floor + max(0.0, min(tried.backoff, JITTER, rest / 2))

        async def is_over(state: RetryCallState) -> bool:
            left = deadline() - self.clock.monotonic() - state.upcoming_sleep
            tried = last(state).attempt
            return tried.number >= ATTEMPTS or left <= 0 or not await may_repeat(tried.status, left)

        async def next_attempt() -> Tried:
            """Tenacity's first attempt is the failed one, so that its waits come before the others."""
            return first if retrying.statistics["attempt_number"] == 1 else await attempt()

        async def slept(seconds: float) -> None:
            began = self.clock.monotonic()
            try:
                await self.clock.sleep(seconds)
            finally:
                tell(Waited, "backoff", self.clock.monotonic() - began, destination)

        retrying = AsyncRetrying(
            retry=lambda state: repeats(last(state)),
            wait=wait,
            stop=is_over,  # type: ignore[arg-type]  # it may be async; their annotation does not say so
            before_sleep=lambda state: tell(Retrying, last(state).attempt, state.upcoming_sleep),
            sleep=slept,
            retry_error_callback=last,
        )
        result: Tried = await retrying(next_attempt)
        return result
