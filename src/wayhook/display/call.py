"""The card of a call: the whole request; of a preview, where each value came from and what would be repeated.

Of a dry run it is the calls one below the other, each with the row that it is for.
"""

from __future__ import annotations

from collections.abc import Iterator

from wayhook.display.part import (
    Card,
    Cell,
    Chip,
    Note,
    Part,
    Piece,
    Section,
    Table,
    Tone,
    Value,
    bounded,
    counted,
    duration,
    laid_out,
)
from wayhook.errors import Evidence
from wayhook.execution.clock import SystemClock
from wayhook.execution.ports import system_random
from wayhook.execution.retry import ATTEMPTS, IDEMPOTENT, RetryPolicy
from wayhook.model.guardrail import Repetition
from wayhook.notebook.results import Calls
from wayhook.secret import AccessToken, DeliveryId
from wayhook.wire import Attempt, Call, Explanation, Origin

__all__ = ["call_card", "call_parts", "calls_card"]

_TONES: dict[str, Tone] = {
    "constant": "constant",
    "default": "default",
    "variable": "variable",
    "expression": "expression",
    "secret": "secret",
    "delivery id": "default",
}
_MAX_CALLS = 20
_DENIED = 403
_FAILURES = (
    ("nothing was done", "no connection, 408, 425, 429, 503", Evidence.NEVER_SENT, None),
    ("it may have been done", "connection lost, 500, 502, 504", Evidence.AMBIGUOUS, 500),
    ("it was refused", "400, 405, 422", Evidence.PERMANENT, 400),
    ("it was denied", "401, 403, 404", Evidence.PERMANENT, _DENIED),
)
"""What a failure says, examples of it, and one that the rules are asked about."""


def call_card(call: Call) -> Card:
    """Return the card of a call, or of a preview."""
    explanation = call.explanation
    chips, title = (Chip(call.method),), Value(call.masked_url)
    if explanation is None:
        return Card("call", title, tuple(call_parts(call)), chips, f"of the action {call.action}")
    rows = tuple(map(_origin, explanation.origins))
    parts: list[Part] = [
        Section("Where each value comes from", (Table(("where", "value", "from"), rows, explanation.more),)),
        *_payload(call),
        Section("What would be repeated", tuple(_repeated(call, explanation))),
    ]
    return Card("preview", title, tuple(parts), chips, f"of the action {call.action}; nothing was sent")


def calls_card(calls: Calls) -> Card:
    """Return the card of a dry run: the first calls of a table of rows, with the rows that they are for."""
    rows, more = bounded(zip(calls.labels, calls, strict=True), _MAX_CALLS)
    drawn = tuple((str(label), _address(call), _body(call)) for label, call in rows)
    parts = (Table(("row", "call", "payload"), drawn, more),) if drawn else ()
    about = f"of the action {calls[0].action}; nothing was sent" if calls else "nothing was sent"
    return Card("dry run", counted(len(calls), "call"), parts, (), about)


def _address(call: Call) -> Cell:
    return Chip(call.method), Value(call.masked_url)


def _body(call: Call) -> Cell:
    return "none" if call.body is None else Value(call.body.decode(errors="replace"))


def call_parts(call: Call) -> Iterator[Part]:
    """Yield the headers and the body of a call."""
    if call.masked_headers:
        yield Table(("header", "value"), tuple((Value(name), Value(value)) for name, value in call.masked_headers))
    yield from _payload(call)


def _payload(call: Call) -> Iterator[Part]:
    if call.identity is not None:
        yield Note("A client certificate is shown to a receiver that asks for one.", "secret")
    if call.body is not None:
        size = counted(len(call.body), "byte")
        yield Section(f"Payload, {size}", (laid_out(call.body.decode(errors="replace")),))


def _origin(origin: Origin) -> tuple[Cell, ...]:
    part = "URL" if origin.part == "url" else origin.part
    where: Cell = (part, Value(origin.name)) if origin.name else part
    value: Cell = "left out" if origin.text is None else Value(origin.text)
    chip = Chip(origin.source, _TONES.get(origin.source, "calm"))
    return where, value, (chip, *_details(origin))


def _details(origin: Origin) -> Iterator[Piece]:
    if origin.label and origin.label != origin.name:
        yield f"{origin.label}:" if origin.expression else origin.label
    if origin.expression:
        yield Value(origin.expression)
    if origin.defaults:
        yield Chip("default", "default")
        yield f"{', '.join(origin.defaults)} is absent"
    if origin.source == "delivery id":
        yield "the same for every attempt"


def _repeated(call: Call, explanation: Explanation) -> Iterator[Part]:
    """What the rules say of each kind of failure: asked, not told by heart."""
    repetition = Repetition(explanation.repetition)
    policy = RetryPolicy(repetition, SystemClock(), system_random)
    key = next((credential.name for credential in call.credentials if DeliveryId() in credential.text.secrets), "")
    idempotent = bool(key) or call.method in IDEMPOTENT
    rows = []
    for failure, examples, evidence, status in _FAILURES:
        attempt = Attempt(1, evidence, status, "", 0.0, 0.0)
        repeats = policy.repeats([attempt], idempotent=idempotent, keyed=bool(key))
        chip = Chip("repeated", "good", "↻") if repeats else Chip("not repeated", "calm", "–")
        why = _why(call.method, key, repetition, evidence, repeats=repeats)
        if status == _DENIED and repetition is Repetition.EVIDENCE and AccessToken() in call.secrets:
            why = "but for a 401, once, with a new token"
        rows.append((failure, examples, (chip, why)))
    yield Table(("when a failure says", "such as", ""), tuple(rows))
    yield Note(f"At most {ATTEMPTS} attempts within {duration(explanation.timeout)} together.")


def _why(method: str, key: str, repetition: Repetition, evidence: Evidence, *, repeats: bool) -> str:
    if repetition is not Repetition.EVIDENCE:
        return f"this edition repeats {repetition}" + ("" if repetition is not Repetition.ANY else " failure")
    match evidence:
        case Evidence.NEVER_SENT:
            return "whatever the method"
        case Evidence.AMBIGUOUS if key:
            return f"the receiver knows it again by {key}"
        case Evidence.AMBIGUOUS if repeats:
            return f"a {method} done twice is as good as once"
        case Evidence.AMBIGUOUS:
            return f"a {method} has no key, and might be done twice"
        case _:
            return "it would fail the same way"
