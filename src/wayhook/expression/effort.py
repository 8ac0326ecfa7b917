"""Effort: what one evaluation may do at most, paid for before it is done. No I/O.

A unit of work stands for about 10 ns of a processor of 2025, 40 ns of a slow one, and for two bytes of memory. What is
small is not counted: an expression has no room for more than some thousands of such steps outside of loops. The first
thing that is not small raises `Uncounted`, and the evaluation begins anew with a `Frame`, which counts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from operator import attrgetter
from types import NoneType
from typing import Any

from wayhook.values import Misfit

__all__ = [
    "FREE",
    "LONG",
    "MAX_WORK",
    "Frame",
    "Uncounted",
    "comparing",
    "is_counting",
    "left",
    "looking",
    "nothing",
    "ordering",
    "recasing",
    "searching",
    "spend",
    "writing",
]

MAX_WORK = 5_000_000
FREE = 2_000
"""Work that is too little to be counted."""
LONG, MANY = 256, 16
"""Up to so many characters and items are too few to be looked at for their size."""
PER_GLANCE, PER_ITEM, PER_FIELD = 4, 8, 150
"""The work of glancing at an item of a list, of keeping or comparing it, and of comparing a field of an object."""
SLOTS = 5
"""Kinds of loop variables."""
_PLAIN = frozenset({str, int, float, bool, NoneType})


class Uncounted(Exception):  # noqa: N818 - never leaves the room: the evaluation begins anew
    """An evaluation that does not count has met something that is not small."""


class Frame:
    """One evaluation that counts: the context, the current elements of loops, and the work that is left.

    It has the attributes of the context that an evaluation reads.
    """

    __slots__ = ("context", "current", "left")

    def __init__(self, context: Any) -> None:
        self.context, self.left = context, MAX_WORK
        self.current: list[Any] = [None] * SLOTS


for _name in (
    "events", "data_sources", "actions", "dataset_lookups", "journey", "now", "random_uuid", "answers", "audiences",
    "types",
):  # fmt: skip
    setattr(Frame, _name, property(attrgetter(f"context.{_name}")))


def is_counting(frame: Any) -> bool:
    """Whether an evaluation counts its work; None stands for one that counts and has all of it left."""
    return type(frame) is Frame or frame is None


def spend(frame: Any, work: int) -> None:
    """Take so much from the work that is left; raises `Misfit` when there is none. `frame` None: nothing is taken."""
    if type(frame) is Frame:
        frame.left -= work
        if frame.left < 0:
            raise Misfit("needs too much work for one evaluation; read less, or loop over less")
    elif work > FREE and frame is not None:
        raise Uncounted


def left(frame: Any) -> int:
    """Return the work that is left; where nothing is counted, what is too little to be."""
    if type(frame) is Frame:
        return frame.left
    return MAX_WORK if frame is None else FREE


def nothing(*_: Any) -> int:
    """Return no work at all, however large the values are."""
    return 0


def looking(*values: Any) -> int:
    """Return the work of looking at texts and lists once, or of copying them."""
    work = 0
    for value in values:
        if isinstance(value, str):
            work += value.__sizeof__() >> 1 if len(value) > LONG else 0
        elif isinstance(value, list | tuple) and len(value) > MANY:
            work += PER_GLANCE * len(value)
    return work


def writing(characters: int) -> int:
    """Return the work of making a text of so many characters, of up to four bytes each."""
    return 2 * characters if characters > LONG else 0


def recasing(*texts: str) -> int:
    """Return the work of changing the case of texts, which takes twelve bytes for each character beyond ASCII."""
    return sum(6 * len(text) for text in texts if len(text) > LONG and not text.isascii()) + looking(*texts)


def searching(text: str, part: str) -> int:
    """Return the work of finding one text in another: of short ones, Python compares every place with every other."""
    shorter = min(len(text), _SHORT_SEARCH) * len(part) >> 5
    return looking(text, part) + (shorter if shorter > LONG else 0)


_SHORT_SEARCH = 30_000


def comparing(*values: Any) -> int:
    """Return the work of comparing values by what they hold; where it is beyond the maximum, the look ends early."""
    waiting, work = list(values), 0
    while waiting and work <= MAX_WORK:
        part = waiting.pop()
        if isinstance(part, str):
            work += 10 + (len(part) >> 3)
        elif isinstance(part, Mapping):
            work += PER_FIELD * (1 + len(part))
            waiting += part.values() if work <= MAX_WORK else ()
        elif isinstance(part, list | tuple):
            work += PER_FIELD + ((flat := _of_plain(part)) or PER_FIELD * len(part))
            waiting += part if not flat and work <= MAX_WORK else ()
        else:
            work += 10 if type(part) in _PLAIN else PER_FIELD
    return work


def ordering(items: Collection[Any], rounds: int = 1) -> int:
    """Return the work of comparing each item with another, in so many rounds; moments and long texts are slow."""
    work = PER_ITEM * len(items) * rounds
    if work > MAX_WORK:
        return work
    types = set(map(type, items))
    if str in types:
        return work + (sum([item.__sizeof__() for item in items if isinstance(item, str)]) >> 2)
    return work if types <= _PLAIN else 3 * work


def _of_plain(items: Collection[Any]) -> int:
    """The work of comparing the items of a list of texts or of numbers; 0 for any other list."""
    work = PER_ITEM * len(items)
    if work > MAX_WORK:
        return work
    types = set(map(type, items)) - {NoneType}
    if types == {str}:
        return work + (sum(map(len, filter(None, items))) >> 3)
    return work if len(types) == 1 and types <= _PLAIN else 0
