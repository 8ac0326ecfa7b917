"""A card in a terminal. The one module that imports rich; without it a value is its text.

Texts are never read as markup, and hold no control character: `shown` has spelled them out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from wayhook.display.card import card_of
from wayhook.display.part import (
    MAX_CODE,
    Bar,
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
    Tone,
    Tree,
    Value,
    duration,
    shown,
)

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

__all__ = ["terminal_card"]

_TONES: dict[Tone, str] = {
    "good": "green",
    "bad": "red",
    "doubt": "yellow",
    "calm": "default",
    "variable": "blue",
    "expression": "magenta",
    "constant": "default",
    "default": "yellow",
    "secret": "default",
}
_TRACK, _PLOT = 30, 24
"""Columns of a timeline's track and of a histogram's longest bar."""
MAX_CELL = 300


def terminal_card(value: object) -> RenderableType:
    """Return what `rich.print` shows of `value`: its card, or its text where rich is not installed.

    A `Batch` or `BatchFigures` is drawn as it is when it is printed; `rich.live.Live(get_renderable=…)` draws it again.
    """
    try:
        import rich  # noqa: F401 - whether it is here
    except ImportError:
        return str(value)
    return _card(card_of(value))


def _card(card: Card) -> RenderableType:
    from rich.console import Group
    from rich.panel import Panel
    from rich.text import Text

    title = Text(" ").join([*map(_chip, card.chips), _cell(card.title, "bold")])
    about = [Text(shown(card.about), "dim")] if card.about else []
    group = Group(title, *about, *_parts(card.parts))
    return Panel(group, title=Text(card.kind, "dim"), title_align="right", border_style="dim", padding=(0, 1))


def _parts(parts: Iterable[Part]) -> Iterator[RenderableType]:
    for part in parts:
        yield from _WRITE[type(part)](part)


def _cell(cell: Cell, style: str = "") -> Text:
    from rich.text import Text

    match cell:
        case tuple():
            return Text(" ").join([found for piece in cell if (found := _cell(piece, style))])
        case Value(text):
            return Text(shown(text, MAX_CELL), style or "cyan")
        case Chip():
            return _chip(cell)
        case text:
            return Text(shown(text), style)


def _chip(chip: Chip) -> Text:
    from rich.text import Text

    sign = f"{chip.sign} " if chip.sign else ""
    return Text(f"[{sign}{shown(chip.text)}]", _TONES[chip.tone])


def _note(note: Note) -> Iterator[RenderableType]:
    from rich.text import Text

    sign = f"{note.sign} " if note.sign else ""
    yield Text(sign + shown(note.text, MAX_CODE), _TONES[note.tone] if note.tone != "calm" else "dim")


def _facts(facts: Facts) -> Iterator[RenderableType]:
    yield _grid(((_cell(name, "dim"), _cell(cell)) for name, cell in facts.rows))


def _grid(rows: Iterable[tuple[Text, ...]], heads: tuple[str, ...] = ()) -> RenderableType:
    from rich.table import Table as RichTable
    from rich.text import Text

    grid = RichTable(box=None, show_header=any(heads), padding=(0, 2, 0, 0), pad_edge=False)
    for head in heads:
        grid.add_column(Text(head, "dim"), overflow="fold")
    for row in rows:
        grid.add_row(*row)
    return grid


def _table(table: Table) -> Iterator[RenderableType]:
    yield _grid((tuple(map(_cell, row)) for row in table.rows), table.heads)
    yield from _more(table.more)


def _more(more: int) -> Iterator[RenderableType]:
    if more:
        yield from _note(Note(f"… and {more:,} more"))


def _code(code: Code) -> Iterator[RenderableType]:
    from rich.padding import Padding
    from rich.text import Text

    yield Padding(Text(shown(code.text, MAX_CODE, more=code.more), "cyan"), (0, 0, 0, 2))


def _tree(tree: Tree) -> Iterator[RenderableType]:
    for node in tree.nodes:
        yield _node(node)
    yield from _more(tree.more)


def _node(node: Node) -> RenderableType:
    from rich.tree import Tree as RichTree

    def added(node: Node, above: RichTree | None) -> RichTree:
        line = _cell((Value(node.name), *node.cells))
        branch = RichTree(line, guide_style="dim") if above is None else above.add(line)
        for below in node.below:
            added(below, branch)
        return branch

    return added(node, None)


def _section(section: Section | Fold) -> Iterator[RenderableType]:
    from rich.padding import Padding
    from rich.rule import Rule
    from rich.text import Text

    yield Padding(Rule(Text(shown(section.title), "bold"), align="left", style="dim"), (1, 0, 0, 0))
    yield from _parts(section.parts)


def _timeline(timeline: Timeline) -> Iterator[RenderableType]:
    yield _grid((_cell(bar.pieces), _track(bar, timeline), _cell(duration(bar.length), "dim")) for bar in timeline.bars)
    deadline = "" if timeline.deadline is None else f", deadline at {duration(timeline.deadline)}"
    yield from _note(Note(f"ended at {duration(timeline.end)}{deadline}"))


def _track(bar: Bar, timeline: Timeline) -> Text:
    from rich.text import Text

    whole = max(timeline.end, *(each.start + each.length for each in timeline.bars))
    start = _columns(bar.start, whole, _TRACK - 1)
    length = max(1, min(_TRACK - start, _columns(bar.length, whole, _TRACK)))
    mark = "┄" if bar.tone == "calm" else "█" if bar.tone == "good" else "▒"
    return Text(" " * start + mark * length, _TONES[bar.tone])


def _columns(part: float, whole: float, columns: int) -> int:
    """How many columns a part of the whole takes, whatever the numbers are."""
    share = part / whole if whole else 0.0
    return round(min(1.0, share) * columns) if share > 0 else 0


def _histogram(histogram: Histogram) -> Iterator[RenderableType]:
    from rich.text import Text

    most = max(count for *_, count in histogram.bins)
    yield _grid(
        (
            _cell(f"to {duration(high)}", "dim"),
            Text("█" * max(bool(count), _columns(count, most, _PLOT)), "blue"),
            _cell(f"{count:,}"),
        )
        for _, high, count in histogram.bins
    )
    yield from _note(Note(", ".join(f"{word} {value}" for word, value in histogram.words)))


def _shares(shares: Shares) -> Iterator[RenderableType]:
    from rich.text import Text

    there = sum(share.count for share in shares.shares)
    rows = [
        (
            _chip(share.chip),
            _cell(f"{share.count:,}"),
            _cell(f"{share.count / there:.1%}"),
            Text("█" * max(1, _columns(share.count, there, _PLOT)), _TONES[share.chip.tone]),
        )
        for share in shares.shares
    ]
    if rows:
        yield _grid(rows)


_WRITE: dict[type, Callable[[Any], Iterator[RenderableType]]] = {
    Card: lambda card: iter((_card(card),)),
    Code: _code,
    Facts: _facts,
    Fold: _section,
    Histogram: _histogram,
    Note: _note,
    Section: _section,
    Shares: _shares,
    Table: _table,
    Timeline: _timeline,
    Tree: _tree,
}
