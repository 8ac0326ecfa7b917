"""Pictures of figures as inline SVG: no text in them, no name that could stand twice in a page, colours of the page.

Widths are shares of the whole, so that a picture is as wide as its card.
"""

from __future__ import annotations

import html

from wayhook.display.part import Bar, Histogram, Shares, Timeline, counted, duration

__all__ = ["bar", "bars", "progress", "scale", "stacked"]

_ROW, _PLOT, _STACK, _PROGRESS = 18, 72, 14, 6
"""Heights, in pixels."""
_FAR = 4
"""A deadline so many times as far as the end is beyond the picture."""


def bar(each: Bar, timeline: Timeline) -> str:
    """Return one row of a timeline: where the bar stands, how it ended by its form, and the deadline."""
    whole, deadline = scale(timeline)
    start, width = _percent(each.start, whole), _percent(each.length, whole)
    if each.tone == "calm":
        shape = f'<line class="wh-gap" x1="{start}%" x2="{start + width:.2f}%" y1="9" y2="9"/>'
    else:
        form = "wh-solid" if each.tone == "good" else "wh-open"
        place = f'x="{min(start, 99.0):.2f}%" y="3" width="{max(width, 0.8):.2f}%" height="12" rx="2"'
        shape = f'<rect class="{form} wh-{each.tone}" {place}/>'
    line = f'<line class="wh-deadline" x1="100%" x2="100%" y1="0" y2="{_ROW}"/>' if deadline else ""
    told = f"from {duration(each.start)}, for {duration(each.length)}"
    return _svg(_ROW, told, shape + line)


def scale(timeline: Timeline) -> tuple[float, float | None]:
    """Return the seconds that the picture is wide, and the deadline, where that is at its end."""
    ends = (timeline.end, *(each.start + each.length for each in timeline.bars))
    end = max((each for each in ends if 0 < each < float("inf")), default=1.0)
    deadline = timeline.deadline
    return (deadline, deadline) if deadline is not None and end <= deadline <= end * _FAR else (end, None)


def bars(histogram: Histogram) -> str:
    """Return the bars of a histogram."""
    most = max(count for *_, count in histogram.bins)
    width = 100 / len(histogram.bins)
    drawn = "".join(
        f'<rect class="wh-solid wh-count" x="{place * width:.2f}%" width="{width * 0.9:.2f}%" y="{_PLOT - height:.1f}" '
        f'height="{height:.1f}"><title>{duration(low)} to {duration(high)}: {count:,}</title></rect>'
        for place, (low, high, count) in enumerate(histogram.bins)
        if (height := max(1.5, _PLOT * count / most) if count else 0)
    )
    told = ", ".join(f"{word} {value}" for word, value in histogram.words)
    return _svg(_PLOT, f"a histogram: {told}", drawn)


def stacked(shares: Shares) -> str:
    """Return the parts of a whole side by side; failures by their form, too."""
    there = sum(share.count for share in shares.shares)
    drawn, start = "", 0.0
    for share in shares.shares:
        width = 100 * share.count / there
        form = "wh-solid" if share.chip.tone == "good" else "wh-open"
        drawn += (
            f'<rect class="{form} wh-{share.chip.tone}" x="{start:.2f}%" y="1" width="{max(width - 0.3, 0.3):.2f}%" '
            f'height="{_STACK - 2}" rx="1"/>'
        )
        start += width
    return _svg(_STACK, f"{counted(len(shares.shares), 'status', 'statuses')} of {there:,} outcomes", drawn)


def progress(done: int, total: int) -> str:
    """Return how far it is."""
    track = f'<rect class="wh-rail" width="100%" height="{_PROGRESS}" rx="3"/>'
    drawn = f'<rect class="wh-solid wh-count" width="{_percent(done, total)}%" height="{_PROGRESS}" rx="3"/>'
    return _svg(_PROGRESS, f"{done:,} of {total:,}", track + drawn)


def _percent(part: float, whole: float) -> float:
    """A share of the whole, in per cent, that fits whatever the numbers are."""
    share = 100 * part / whole if whole else 0.0
    return round(min(100.0, share), 2) if share > 0 else 0.0


def _svg(height: int, told: str, drawn: str) -> str:
    place = f'style="width:100%;height:{height}px"'  # a notebook has heights of its own for pictures
    return f'<svg class="wh-picture" role="img" aria-label="{html.escape(told)}" {place}>{drawn}</svg>'
