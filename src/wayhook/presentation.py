"""How a value shows itself in a notebook and in a terminal without knowing who draws.

The drawing lives in the `display` room at the top of the house. The front door hangs it in here, so that the
values at the bottom need not reach up.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Redraw = Callable[[bool], None]

__all__ = ["Live", "Presentable", "draw_with"]


def _plain(value: object) -> str:
    import html

    return f"<pre>{html.escape(str(value))}</pre>"


def _once(_: object) -> Redraw:
    return lambda _: None


_html: Callable[[object], str] = _plain
_terminal: Callable[[object], object] = str
_shown: Callable[[object], Redraw] = _once


def draw_with(
    html: Callable[[object], str], terminal: Callable[[object], object], shown: Callable[[object], Redraw]
) -> None:
    """Let these draw every `Presentable`; each must escape everything and show no secret.

    `html`: gives a card for a notebook. `terminal`: gives what rich prints. `shown`: shows a `Live` value in the
    notebook and returns what draws it again.
    """
    global _html, _terminal, _shown
    _html, _terminal, _shown = html, terminal, shown


class Presentable:
    """A value that has a card."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return _html(self)

    def __rich__(self) -> object:
        return _terminal(self)


class Live(Presentable):
    """A value that changes while somebody looks at it: a notebook that shows it draws it again.

    `redraw`: None while nobody looks. Whoever changes the value calls it, with whether it has ended; it draws at most
    twice a second until then.
    """

    redraw: Redraw | None = None

    def _ipython_display_(self) -> None:
        self.redraw = _shown(self)
