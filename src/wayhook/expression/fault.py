"""What goes wrong while an expression is evaluated, inside of this room. No I/O."""

from __future__ import annotations

__all__ = ["Fault"]


class Fault(Exception):  # noqa: N818 - never leaves the room: it becomes a `WrongType`, or a problem of the text
    """The data, or a constant, does not fit. `message`: what is wrong; `place`: where in the text, from 0."""

    def __init__(self, message: str, place: int) -> None:
        self.message, self.place = message, place
        super().__init__(message, place)
