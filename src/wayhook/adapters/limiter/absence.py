"""What becomes of calls while the store that they share cannot be asked."""

from __future__ import annotations

from typing import Literal

from wayhook.errors import DefinitionError, Violation

__all__ = ["WhenAway", "require_absence"]

WhenAway = Literal["refuse", "share"]
_PROCESSES = 10_000


def require_absence(when_away: object, processes: object) -> None:
    """Raise `DefinitionError` unless it is `"refuse"`, or `"share"` with 1 to 10,000 `processes`."""
    if when_away not in ("refuse", "share"):
        message = "say what becomes of calls while the store is away: 'refuse', or 'share' with processes=…"
        raise DefinitionError([Violation("$.when_away", message)])
    is_number = type(processes) is int and 1 <= processes <= _PROCESSES
    if when_away == "share" and not is_number:
        raise DefinitionError([Violation("$.processes", f"say how many processes share, from 1 to {_PROCESSES:,}")])
    if when_away == "refuse" and processes is not None:
        raise DefinitionError([Violation("$.processes", "shares are for when_away='share'; leave this out")])
