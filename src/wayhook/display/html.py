"""A card as an HTML fragment: one hand for every text, which escapes it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable
from typing import Any

from wayhook.display.part import (
    MAX_CODE,
    Card,
    Cell,
    Chip,
    Code,
    Facts,
    Fold,
    Histogram,
    Node,
    Note,
    Part,
    Section,
    Shares,
    Table,
    Timeline,
    Tree,
    Value,
    duration,
    shown,
)
from wayhook.display.picture import bar, bars, progress, scale, stacked
from wayhook.display.style import STYLE

__all__ = ["written"]

_INDENTED = 12
"""Levels of a tree that are indented; deeper ones are only told by their fold."""


def written(card: Card) -> str:
    """Return the card as HTML, with its style."""
    return f'<div class="wayhook" dir="ltr"><style>{STYLE}</style>{_card(card)}</div>'


def _card(card: Card) -> str:
    chips = "".join(map(_chip, card.chips))
    about = f'<p class="wh-about">{_text(card.about)}</p>' if card.about else ""
    head = (
        f'<div class="wh-head"><span class="wh-kind">{_text(card.kind)}</span>'
        f'<div class="wh-title">{chips}<strong>{_cell(card.title)}</strong></div>{about}</div>'
    )
    return f'<div class="wh-card">{head}{_parts(card.parts)}</div>'


def _parts(parts: Iterable[Part]) -> str:
    return "".join(_WRITE[type(part)](part) for part in parts)


def _text(text: str) -> str:
    return html.escape(shown(text))


def _cell(cell: Cell) -> str:
    if isinstance(cell, tuple):
        return " ".join(map(_cell, cell))
    match cell:
        case Value(text):
            return f'<code class="wh-value">{_breakable(text)}</code>' if text else ""
        case Chip():
            return _chip(cell)
        case _:
            return f"<span>{_text(cell)}</span>" if cell else ""


def _breakable(text: str) -> str:
    """A text that may be broken behind the signs that part it, rather than anywhere."""
    return "<wbr>".join(map(html.escape, _JOINTS.split(shown(text))))


_JOINTS = re.compile(r"(?<=[/.,&?=_])(?=\w)")


def _chip(chip: Chip) -> str:
    sign = f'<span class="wh-sign" aria-hidden="true">{html.escape(chip.sign)}</span>' if chip.sign else ""
    return f'<span class="wh-chip wh-{chip.tone}">{sign}{_text(chip.text)}</span>'


def _note(note: Note) -> str:
    sign = f'<span class="wh-sign" aria-hidden="true">{html.escape(note.sign)}</span>' if note.sign else ""
    boxed = "" if note.tone == "calm" else f" wh-box wh-{note.tone}"
    return f'<p class="wh-note{boxed}">{sign}{html.escape(shown(note.text, MAX_CODE))}</p>'


def _facts(facts: Facts) -> str:
    rows = (f"<tr><th>{_text(name)}</th><td>{_cell(cell)}</td></tr>" for name, cell in facts.rows)
    return f'<div class="wh-scroll"><table class="wh-facts"><tbody>{"".join(rows)}</tbody></table></div>'


def _table(table: Table) -> str:
    heads = "".join(f"<th>{_text(head)}</th>" for head in table.heads)
    body = "".join(f"<tr>{''.join(map(_data, row))}</tr>" for row in table.rows)
    head = f"<thead><tr>{heads}</tr></thead>" if any(table.heads) else ""
    return (
        f'<div class="wh-scroll"><table class="wh-table">{head}<tbody>{body}</tbody></table></div>{_more(table.more)}'
    )


def _data(cell: Cell) -> str:
    """A cell of a table; one with a value, which may be broken anywhere, is not made too narrow."""
    is_wide = any(isinstance(piece, Value) for piece in (cell if isinstance(cell, tuple) else (cell,)))
    return f'<td class="wh-wide">{_cell(cell)}</td>' if is_wide else f"<td>{_cell(cell)}</td>"


def _more(more: int) -> str:
    return f'<p class="wh-note">… and {more:,} more</p>' if more else ""


def _code(code: Code) -> str:
    text = html.escape(shown(code.text, MAX_CODE, more=code.more))
    return f'<pre class="wh-code">{text}</pre>'


def _tree(tree: Tree) -> str:
    return f'<div class="wh-tree">{"".join(_node(node, 0) for node in tree.nodes)}</div>{_more(tree.more)}'


def _node(node: Node, level: int) -> str:
    name = f'<code class="wh-name">{_breakable(node.name)}</code>' if node.name else ""
    line = " ".join(filter(None, (name, *map(_cell, node.cells))))
    if not node.below:
        return f'<div class="wh-node">{line}</div>'
    indented = "wh-below" if level < _INDENTED else "wh-deep"
    below = "".join(_node(each, level + 1) for each in node.below)
    opened = " open" if node.open else ""
    return f'<details class="wh-node"{opened}><summary>{line}</summary><div class="{indented}">{below}</div></details>'


def _section(section: Section) -> str:
    return f'<div class="wh-section"><div class="wh-heading">{_text(section.title)}</div>{_parts(section.parts)}</div>'


def _fold(fold: Fold) -> str:
    opened = " open" if fold.open else ""
    return (
        f'<details class="wh-section"{opened}><summary class="wh-heading">{_text(fold.title)}</summary>'
        f"{_parts(fold.parts)}</details>"
    )


def _timeline(timeline: Timeline) -> str:
    rows = "".join(
        f'<div class="wh-lap"><div class="wh-what">{_cell(each.pieces)}</div>'
        f'<div class="wh-track">{bar(each, timeline)}</div><div class="wh-took">{duration(each.length)}</div></div>'
        for each in timeline.bars
    )
    whole, deadline = scale(timeline)
    end = f"deadline at {duration(deadline)}" if deadline else duration(whole)
    axis = f'<div class="wh-axis wh-track"><span>0 s</span><span>{end}</span></div>'
    return (
        f'<div class="wh-timeline">{rows}<div class="wh-lap wh-last"><div class="wh-what"></div>{axis}'
        '<div class="wh-took"></div></div></div>'
    )


def _histogram(histogram: Histogram) -> str:
    words = "".join(f"<span>{_text(word)} <b>{_text(value)}</b></span>" for word, value in histogram.words)
    middle = histogram.bins[(len(histogram.bins) - 1) // 2][1]
    ticks = "".join(f"<span>{duration(at)}</span>" for at in (histogram.bins[0][0], middle, histogram.bins[-1][1]))
    axis = f'<div class="wh-axis">{ticks}</div>'
    return f'<div class="wh-plot">{bars(histogram)}{axis}</div><div class="wh-words">{words}</div>'


def _shares(shares: Shares) -> str:
    there = sum(share.count for share in shares.shares)
    rows = "".join(
        f"<tr><td>{_chip(share.chip)}</td><td>{share.count:,}</td><td>{share.count / there:.1%}</td></tr>"
        for share in shares.shares
    )
    table = f'<table class="wh-table wh-counts"><tbody>{rows}</tbody></table>' if rows else ""
    far = progress(there, shares.of) if shares.of else ""
    return f'<div class="wh-plot">{far}{stacked(shares) if there else ""}</div><div class="wh-scroll">{table}</div>'


_WRITE: dict[type, Callable[[Any], str]] = {
    Card: _card,
    Code: _code,
    Facts: _facts,
    Fold: _fold,
    Histogram: _histogram,
    Note: _note,
    Section: _section,
    Shares: _shares,
    Table: _table,
    Timeline: _timeline,
    Tree: _tree,
}
