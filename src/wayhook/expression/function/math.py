"""Math functions (section 2.7)."""

from __future__ import annotations

import math
from typing import Any

from wayhook.expression.function.function import function
from wayhook.expression.type import bounded

_BITS = 53


@function("random", "-> decimal", reads_context=True, example="random() < 1")
def random(context: Any) -> float:
    """Gives a number from 0 to less than 1, another one at each call."""
    return (context.random_uuid().int & (1 << _BITS) - 1) / (1 << _BITS)  # type: ignore[no-any-return]


@function("round", "decimal -> integer", "integer -> integer", example="round(3.54)")
def round_(number: Any) -> int:
    """Gives the nearest whole number; halfway, the greater one (-2.5 gives -2)."""
    below = math.floor(bounded(number))
    return int(below + int(number - below >= 0.5))  # noqa: PLR2004 - halfway
