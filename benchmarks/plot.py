"""Plots of the tables as SVG, by nothing but text: the same figures give the same bytes.

A line for each contender; the thin upright strokes reach from the lowest to the highest round. The card has a ground of
its own, for light pages and dark ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 80, 226, 66, 52
COLOURS = ("#3a7fc4", "#d0582b", "#1f8a5b", "#9347a8", "#b3860b", "#c2356b", "#2b8ea3", "#6b7280")
STYLE = """
.card { fill: #fbfaf7; } .text { fill: #26292e; } .dim { fill: #5c636d; } .grid { stroke: #dcdad3; }
@media (prefers-color-scheme: dark) {
.card { fill: #1d2024; } .text { fill: #e6e6e3; } .dim { fill: #a2a8b1; } .grid { stroke: #383c42; }
}
"""


class Axis:
    """A scale from values to places between `start` and `stop`; logarithmic, or linear from zero.

    `snug`: ends with the values, and not with the next round number.
    """

    def __init__(self, values: list[float], start: float, stop: float, *, log: bool, snug: bool = False) -> None:
        self._log, self._start, self._stop = log, start, stop
        low, high = min(values), max(values)
        every = _round_numbers(low, high) if log else _multiples(high)
        first = max((tick for tick in every if tick <= low), default=low) if log else 0.0
        last = min((tick for tick in every if tick >= high), default=high)
        if snug:
            first, last = low if log else 0.0, high
        self.ticks = [tick for tick in every if first <= tick <= last]
        self._first, self._last = self._scaled(first), self._scaled(last)

    def _scaled(self, value: float) -> float:
        return log10(value) if self._log else value

    def at(self, value: float) -> float:
        """The place of a value."""
        share = (self._scaled(value) - self._first) / ((self._last - self._first) or 1)
        return self._start + share * (self._stop - self._start)


def _round_numbers(low: float, high: float) -> list[float]:
    """1, 2 and 5 times the powers of ten around two numbers, or the powers alone where those would be many."""
    steps = (1, 2, 5) if high / low < 150 else (1,)
    return [step * 10.0**ten for ten in range(floor(log10(low)), ceil(log10(high)) + 1) for step in steps]


def _multiples(high: float) -> list[float]:
    """From zero to beyond a number in about four round steps."""
    rough = (high or 1) / 4
    ten = 10.0 ** floor(log10(rough))
    step = next(ten * by for by in (1, 2, 2.5, 5, 10) if ten * by >= rough)
    return [0.0, *(step * place for place in range(1, ceil(high / step) + 1))]


def plot(table: dict, title: str, names: dict[str, str], *, log_x: bool = True, log_y: bool = True) -> str:
    """The figures of `table` against its columns; `names`: which contenders, where present, and what each is called."""
    xs, rows = [float(column) for column in table["columns"]], table["rows"]
    lines = {label: [cell["figure"] for cell in rows[name]] for name, label in names.items() if name in rows}
    colours = dict(zip(names.values(), COLOURS, strict=False))  # the same ones whoever is absent
    ends = [figure[end] for figures in lines.values() for figure in figures for end in ("min", "max")]
    x = Axis(xs, LEFT, WIDTH - RIGHT, log=log_x, snug=True)
    y = Axis(ends, HEIGHT - BOTTOM, TOP, log=log_y)
    drawn = [
        _text(24, 30, title, "text", size=16, weight=600),
        _text(24, 50, table["unit"], "dim"),
        *(f'<path class="grid" d="M{LEFT} {y.at(tick):.1f}H{WIDTH - RIGHT}"/>' for tick in y.ticks),
        *(_text(LEFT - 8, y.at(tick) + 4, _number(tick), "dim", anchor="end") for tick in y.ticks),
        *(
            _text(x.at(at), HEIGHT - BOTTOM + 20, _number(at), "dim", anchor="middle")
            for at in (_legible(xs, x) if log_x else x.ticks)
        ),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, table["of"], "dim", anchor="middle"),
        *(_line([x.at(at) for at in xs], y, figures, colours[label]) for label, figures in lines.items()),
        *_labels({label: y.at(figures[-1]["median"]) for label, figures in lines.items()}, colours),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-labelledby="title" font-family="system-ui, sans-serif">\n'
        f'<title id="title">{escape(title)}</title>\n<style>{STYLE}</style>\n'
        f'<rect class="card" width="{WIDTH}" height="{HEIGHT}" rx="10"/>\n' + "\n".join(drawn) + "\n</svg>\n"
    )


def _legible(values: list[float], axis: Axis) -> list[float]:
    """Those of the values whose numbers have room below the axis, the last one first of all."""
    kept: list[float] = []
    for value in sorted(values, reverse=True):
        if not kept or axis.at(kept[-1]) - axis.at(value) >= 4 * (len(_number(value)) + len(_number(kept[-1]))):
            kept.append(value)
    return kept[::-1]


def _line(xs: list[float], y: Axis, figures: list[dict], colour: str) -> str:
    """One contender: a line through the medians, a dot on each, and a stroke for how far the rounds reach."""
    points = list(zip(xs, figures, strict=True))
    way = "L".join(f"{x:.1f} {y.at(figure['median']):.1f}" for x, figure in points)
    reach = "".join(f"M{x:.1f} {y.at(figure['min']):.1f}V{y.at(figure['max']):.1f}" for x, figure in points)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y.at(figure["median"]):.1f}" r="3"/>' for x, figure in points)
    lines = f'<path fill="none" stroke-width="2" d="M{way}"/><path stroke-width="1" d="{reach}"/>'
    return f'<g stroke="{colour}" fill="{colour}">{lines}{dots}</g>'


def _labels(ends: dict[str, float], colours: dict[str, str]) -> Iterator[str]:
    """The name of each line at its end, `ends` being the heights there."""
    start = WIDTH - RIGHT
    for label, height in _apart(ends).items():
        way = f"M{start + 5} {ends[label]:.1f}L{start + 17} {height:.1f}"
        yield f'<path stroke="{colours[label]}" fill="none" d="{way}"/>'
        yield _text(start + 22, height + 4, label, "text")


def _apart(heights: dict[str, float], least: float = 17) -> dict[str, float]:
    """The heights of labels, moved so that none covers another."""
    placed, free = {}, 0.0
    for label, height in sorted(heights.items(), key=lambda item: item[1]):
        placed[label] = max(height, free)
        free = placed[label] + least
    free = HEIGHT - BOTTOM + 8
    for label in reversed(placed):
        placed[label] = min(placed[label], free)
        free = placed[label] - least
    return placed


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == round(value) else f"{value:.3g}"


def _text(x: float, y: float, text: str, kind: str, *, anchor: str = "start", size: int = 13, weight: int = 400) -> str:
    look = f'text-anchor="{anchor}" font-size="{size}" font-weight="{weight}"'
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" {look}>{escape(text)}</text>'
