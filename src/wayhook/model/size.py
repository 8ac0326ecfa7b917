"""How large a version of a journey is: the bytes of it as compact JSON. No I/O."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import attrs

from wayhook.errors import Violation
from wayhook.expression.expression import Expression
from wayhook.model.guardrail import Guardrails
from wayhook.model.journey import Journey

__all__ = ["size_violations"]

_NEARLY_FULL = 0.9


def size_violations(journey: Journey, guardrails: Guardrails) -> Iterator[Violation]:
    """Yield an error where a version is as large as the limit, a warning from nine tenths of it on (R307)."""
    limit = guardrails.journey_size
    if limit is None:
        return
    size = _size(journey)
    if size >= limit:
        yield Violation(
            "$", f"this version has {size:,} bytes; it stays below {limit:,}. Make it smaller", "R307", "413"
        )
    elif size >= _NEARLY_FULL * limit:
        message = f"this version has {size:,} of {limit:,} bytes, and is refused when it is full; make it smaller"
        yield Violation("$", message, "R307", warning=True)


def _size(journey: Journey) -> int:
    """The bytes of this version as JSON; 0 where a literal has no such form, which a save tells."""
    version = attrs.evolve(journey, earlier=())
    try:
        text = json.dumps(version, default=_plain, ensure_ascii=False, skipkeys=True, separators=(",", ":"))
    except ValueError:  # a number of too many digits
        return 0
    return len(text.encode(errors="surrogatepass"))


def _plain(value: Any) -> Any:
    """A part of a journey as JSON has it; what stands at its default is left out."""
    if isinstance(value, Expression):
        return {"expression": value.text}
    if attrs.has(type(value)):
        fields = {field.name: (getattr(value, field.name), field.default) for field in attrs.fields(type(value))}
        return {name: found for name, (found, default) in fields.items() if found != default}
    return value.isoformat() if isinstance(value, datetime) else str(value)
