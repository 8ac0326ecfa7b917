"""How far a map is, told in its own thread a few times a second. The only file of this room that imports tqdm."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

import attrs

from wayhook.execution.latency import Latencies
from wayhook.presentation import Live, Presentable

__all__ = ["PICTURE", "Picture", "Progress", "Tell", "Telling", "telling"]

_LOG = logging.getLogger("wayhook")


@attrs.frozen(slots=False)
class Progress(Presentable):
    """How far a map is: `done` of `total` rows have their outcome.

    `succeeded`: of these. `tally`: how many have each status. `latencies`: how long they took, as of a batch; these are
    counted on while you look.
    """

    done: int
    total: int
    succeeded: int
    tally: Mapping[str, int]
    latencies: Latencies


Tell = Callable[[Progress], object]
Telling = bool | Literal["picture"] | Tell
PICTURE = "picture"


class Picture(Live):
    """What a notebook shows of a map, and draws again: its progress `now`."""

    def __init__(self, now: Progress) -> None:
        self.now = now

    def __repr__(self) -> str:
        return f"<Picture: {self.now.done:,} of {self.now.total:,} rows>"


@contextmanager
def telling(progress: Telling, name: str, total: int) -> Iterator[Tell]:
    """Give what is told of the progress: a bar, a picture, the caller's own function, or nobody.

    Where nothing can be drawn again, in a terminal, a bar stands in for the picture.
    """
    if callable(progress):
        yield _Told(progress)
    elif not progress:
        yield lambda _: None
    elif progress == PICTURE and _is_in_notebook():
        with _drawn(Picture(Progress(0, total, 0, {}, Latencies()))) as tell:
            yield tell
    else:
        from tqdm.auto import tqdm

        class Bar(tqdm):  # type: ignore[misc]  # it has no types
            """One that starts no thread to look after it: it is told often enough."""

            monitor_interval = 0

        with Bar(total=total, desc=name, unit=" rows") as bar:

            def show(now: Progress) -> None:
                bar.set_postfix(delivered=now.succeeded, failed=now.done - now.succeeded, refresh=False)
                bar.update(now.done - bar.n)

            yield _Told(show)


def _is_in_notebook() -> bool:
    """Whether a kernel runs this; asked without loading IPython, which is there then."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


@contextmanager
def _drawn(picture: Picture) -> Iterator[Tell]:
    """Give what draws the picture again, once more when all is over, however it ends."""
    picture._ipython_display_()

    def show(now: Progress) -> None:
        picture.now = now
        picture.redraw(False)  # type: ignore[misc]  # it was shown

    try:
        yield _Told(show)
    finally:
        picture.redraw(True)  # type: ignore[misc]


class _Told:
    """Tells a function; one that fails is logged, told no more, and harms no call."""

    def __init__(self, function: Tell) -> None:
        self._function: Tell | None = function

    def __call__(self, now: Progress) -> None:
        if self._function is not None:
            try:
                self._function(now)
            except Exception:  # noqa: BLE001 - a look at the progress harms no call
                _LOG.exception("the progress function failed")
                self._function = None
