"""How far a map is, told in its own thread a few times a second. The only file of this room that imports tqdm."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import attrs

__all__ = ["Progress", "Tell", "telling"]

_LOG = logging.getLogger("wayhook")


@attrs.frozen
class Progress:
    """How far a map is: `done` of `total` rows have their outcome.

    `succeeded`: of these. `tally`: how many have each status. `latencies`: seconds that each took, in the order of
    their ends; it grows, so take what you keep.
    """

    done: int
    total: int
    succeeded: int
    tally: Mapping[str, int]
    latencies: Sequence[float]


Tell = Callable[[Progress], object]


@contextmanager
def telling(progress: bool | Tell, name: str, total: int) -> Iterator[Tell]:  # noqa: FBT001 - the setting of `map`
    """Give what is told of the progress: a bar, the caller's own function, or nobody."""
    if callable(progress):
        yield _Told(progress)
    elif not progress:
        yield lambda _: None
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
