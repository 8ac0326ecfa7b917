"""How a value shows itself in a notebook without knowing who draws.

The drawing lives in the `display` room at the top of the house. The front door hangs it in here, so that the
values at the bottom need not reach up.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Presentable", "draw_with"]


def _plain(value: object) -> str:
    import html

    return f"<pre>{html.escape(str(value))}</pre>"


_draw: Callable[[object], str] = _plain


def draw_with(draw: Callable[[object], str]) -> None:
    """Let `draw` make the HTML of every `Presentable`; it must escape everything and show no secret."""
    global _draw  # noqa: PLW0603 - the one place where the front door hangs the drawing in
    _draw = draw


class Presentable:
    """A value that has a card."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return _draw(self)
