"""Functions of Adobe Experience Platform (section 2.2): whether a person is in an audience.

The context says the person's status in each audience: `realized`, `existing` or `exited`.
"""

from __future__ import annotations

from typing import Any

from wayhook.expression.function.function import function


@function(
    "inAudience",
    "name -> boolean",
    reads_context=True,
    dialect="journey_optimizer",
    example='inAudience("men over 50")',
)
def in_audience(context: Any, name: str) -> bool:
    """True when the person is in the audience: the status is realized."""
    return bool(context.audiences.get(name) == "realized")


@function(
    "inSegment",
    "name -> boolean",
    reads_context=True,
    elsewhere={"journey_optimizer": in_audience.compute},
    example='inSegment("men over 50")',
)
def in_segment(context: Any, name: str) -> bool:
    """True when the person is in the segment: the status is realized or existing (A-30)."""
    return context.audiences.get(name) in ("realized", "existing")
