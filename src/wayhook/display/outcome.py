"""The cards of outcomes and attempts: how it ended, what was tried when, and what came back."""

from __future__ import annotations

from collections.abc import Iterator

from wayhook.display.call import call_parts
from wayhook.display.definition import facts
from wayhook.display.part import (
    Bar,
    Card,
    Cell,
    Chip,
    Fold,
    Note,
    Part,
    Section,
    Table,
    Timeline,
    Tone,
    Value,
    bounded,
    counted,
    duration,
    json_text,
    moment,
)
from wayhook.display.violation import violations_table
from wayhook.errors import Delivery
from wayhook.wire import NOT_MADE, Attempt, Call, Outcome, Response

__all__ = ["attempt_card", "delivery_chip", "outcome_card", "response_card"]

_WORDS: dict[Delivery, tuple[str, Tone]] = {
    Delivery.DELIVERED: ("✓", "good"),
    Delivery.DELIVERED_UNREAD: ("✓", "doubt"),
    Delivery.REJECTED: ("✗", "bad"),
    Delivery.UNAVAILABLE: ("↻", "bad"),
    Delivery.UNKNOWN: ("?", "doubt"),
    Delivery.REFUSED: ("⊘", "bad"),
}
MAX_BARS = 20
_COOKIE = "‹cookie›"
_SHORTEST_WAIT = 0.005
"""Of the whole time: what is shorter is no wait that can be seen."""


def delivery_chip(delivery: Delivery) -> Chip:
    """Return the word for what certainly happened, with a sign of its own."""
    sign, tone = _WORDS[delivery]
    return Chip(str(delivery).replace("_", ", "), tone, sign)


def outcome_card(outcome: Outcome) -> Card:
    """Return the card of an outcome."""
    chip = Chip("not made", "calm", "–") if outcome.status in NOT_MADE else delivery_chip(outcome.delivery)
    about = f"{counted(len(outcome.attempts), 'attempt')} in {duration(outcome.elapsed)}"
    about += f", of {duration(outcome.queued + outcome.timeout)} at most" if outcome.timeout else ""
    parts = (*_cause(outcome), *_timeline(outcome), *_said(outcome), *_answer(outcome), *_sent(outcome.call))
    return Card("outcome", outcome.action, parts, (chip, Chip(outcome.status)), about)


def _cause(outcome: Outcome) -> Iterator[Part]:
    violations = getattr(outcome.cause, "violations", ())
    if violations:
        yield violations_table(violations)
    elif outcome.cause is not None:
        yield Note(f"{type(outcome.cause).__name__}: {outcome.cause}", "bad", "!")


def _timeline(outcome: Outcome) -> Iterator[Part]:
    if outcome.attempts:
        deadline = outcome.queued + outcome.timeout if outcome.timeout else None
        yield Timeline(tuple(_bars(outcome)), outcome.elapsed, deadline)
        if (more := len(outcome.attempts) - MAX_BARS) > 0:
            yield Note(f"… and {counted(more, 'more attempt')}")


def _bars(outcome: Outcome) -> Iterator[Bar]:
    """Attempts and the waits between them."""
    end = 0.0
    for attempt in outcome.attempts[:MAX_BARS]:
        yield from _wait(end, attempt.started, outcome.elapsed, "before" if attempt.number == 1 else "wait")
        yield _bar(attempt)
        end = attempt.started + attempt.elapsed
    if len(outcome.attempts) <= MAX_BARS:
        yield from _wait(end, outcome.elapsed, outcome.elapsed, "after")


def _wait(start: float, end: float, whole: float, word: str) -> Iterator[Bar]:
    if end - start > whole * _SHORTEST_WAIT:
        yield Bar(start, end - start, (word,), "calm")


def _bar(attempt: Attempt) -> Bar:
    sign, tone = _WORDS[attempt.delivery]
    answer = Chip("no answer" if attempt.status is None else str(attempt.status), tone, sign)
    words = (attempt.failure,) if attempt.failure else (str(attempt.evidence),)
    return Bar(attempt.started, attempt.elapsed, (f"{attempt.number}", answer, *words), tone)


def attempt_card(attempt: Attempt) -> Card:
    """Return the card of an attempt."""
    parts: tuple[Part, ...] = (
        Timeline((_bar(attempt),), attempt.started + attempt.elapsed, None),
        *facts(
            ("it proves", str(attempt.evidence)),
            ("shortage", "of this side, which says nothing of the destination" if attempt.local else None),
        ),
    )
    about = f"after {duration(attempt.started)}, for {duration(attempt.elapsed)}"
    return Card("attempt", f"attempt {attempt.number}", parts, (delivery_chip(attempt.delivery),), about)


def _said(outcome: Outcome) -> Iterator[Part]:
    journey = None if outcome.journey is None else f"{outcome.journey}, {outcome.label}"
    yield from facts(
        ("journey", journey),
        ("goes on", outcome.path and {"end": "not at all: the journey ends"}.get(outcome.path, f"{outcome.path} path")),
        ("place in the batch", None if outcome.index is None else f"{outcome.index:,}"),
        ("not before", None if outcome.not_before is None else moment(outcome.not_before)),
        ("queued", duration(outcome.queued) if outcome.queued else None),
        ("ended", None if outcome.finished is None else moment(outcome.finished)),
        ("delivery id", outcome.delivery_id and Value(outcome.delivery_id)),
    )


def _answer(outcome: Outcome) -> Iterator[Part]:
    """The declared fields of the answer; what is not declared may be anybody's data, and is not poured out."""
    received = outcome.received
    parts: list[Part] = []
    if outcome.response is not None:
        parts.append(json_text(outcome.response))
    elif received is not None:
        parts.append(Note(f"{counted(len(received.body), 'byte')}, of which nothing is declared or could be read."))
    if outcome.response_faults:
        rows, more = bounded((Value(fault),) for fault in outcome.response_faults)
        parts.append(Table(("what could not be read",), rows, more))
    if received is not None:
        parts += _received(received)
    if parts:
        yield Section("Answer", tuple(parts))


def _received(received: Response) -> Iterator[Part]:
    if received.fault:
        yield Note(received.fault, "doubt", "!")
    if received.headers:
        yield Fold(f"Headers of the {received.status}", (_headers(received),))


def _headers(received: Response) -> Table:
    """The headers; what a cookie holds opens somebody's session, and is not shown."""
    rows, more = bounded(
        (Value(name), Value(_COOKIE if name == "set-cookie" else text)) for name, text in received.headers
    )
    return Table(("header", "value"), rows, more)


def response_card(response: Response) -> Card:
    """Return the card of an answer by itself. Nothing says which of its fields may be seen, so the body is counted."""
    sign: Chip = Chip("2xx", "good", "✓") if response.succeeded else Chip("not 2xx", "bad", "✗")
    size = counted(len(response.body), "byte")
    parts: list[Part] = [Note(response.fault, "doubt", "!")] if response.fault else []
    if response.headers:
        parts.append(_headers(response))
    parts.append(Note(f"The body has {size}; .text has them." if response.body else "There is no body."))
    return Card("response", str(response.status), tuple(parts), (sign,))


def _sent(call: Call | None) -> Iterator[Part]:
    if call is not None:
        line: Cell = (Chip(call.method), Value(call.masked_url))
        yield Fold("What was sent", (*facts(("request", line)), *call_parts(call)))
