"""A value that a notebook shows, and draws again while it changes. The one module that imports IPython."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from wayhook.display.card import card

__all__ = ["shown"]

_PAUSE = 0.5
"""Seconds between two drawings."""


def shown(value: object, draw: Callable[[Any], str] = card) -> Callable[[bool], None]:
    """Show `value` in the notebook, and return what draws it again: `redraw(ended)`.

    Called as often as one likes it draws at most twice a second, and once more when it is told that all has `ended`. In
    a terminal, where nothing can be drawn again, it shows the value once.
    """
    from IPython.core.getipython import get_ipython
    from IPython.display import display

    def bundle() -> dict[str, str]:
        return {"text/html": draw(value), "text/plain": repr(value)}

    handle: Any = display(bundle(), raw=True, display_id=True)  # type: ignore[no-untyped-call]  # as IPython is written
    if handle is None or not hasattr(get_ipython(), "kernel"):
        return lambda _: None
    drawn = time.monotonic()

    def redraw(ended: bool) -> None:  # noqa: FBT001 - its one argument
        nonlocal drawn
        now = time.monotonic()
        if ended or now - drawn >= _PAUSE:
            drawn = now
            handle.update(bundle(), raw=True)

    return redraw
