"""The nodes of a parsed expression. Plain values; no I/O.

`place`: where a node, or the word that makes it, begins in the text, counted in characters from 0. `depth`: how many
levels are below it. `enclosed`: whether it stands in parentheses of its own. None of these make nodes different.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import attrs

from wayhook.expression.type import ExpressionType

__all__ = [
    "Call",
    "Chain",
    "Conditional",
    "Current",
    "Invalid",
    "Items",
    "Link",
    "Literal",
    "Node",
    "Reference",
    "Source",
    "Step",
    "Unary",
    "below",
    "reads",
]


class Source(StrEnum):
    """Where a reference reads: the part of the context it names."""

    EVENT = "event"
    DATA_SOURCE = "data source"
    ACTION = "action"
    DATASET_LOOKUP = "dataset lookup"
    JOURNEY = "journey"


def _aside(default: Any = 0) -> Any:
    return attrs.field(default=default, eq=False, kw_only=True)


@attrs.frozen
class Literal:
    """A constant and its type; `null` has none."""

    value: Any
    data_type: ExpressionType | None
    place: int = _aside()
    depth: int = _aside()
    enclosed: bool = _aside(False)


@attrs.frozen
class Invalid:
    """Something that has no meaning; `message` says why."""

    message: str
    place: int = _aside()
    depth: int = _aside()
    enclosed: bool = _aside(False)


@attrs.frozen
class Items:
    """A list of expressions."""

    items: tuple[Node, ...]
    place: int = _aside()
    depth: int = _aside()
    enclosed: bool = _aside(False)


@attrs.frozen
class Unary:
    """`not` or `-` before an operand."""

    operator: str
    operand: Node
    place: int = _aside()
    depth: int = _aside()
    enclosed: bool = _aside(False)


@attrs.frozen
class Link:
    """An operator and its right operand; a test such as `is null` has none."""

    operator: str
    operand: Node | None
    place: int = _aside()


@attrs.frozen
class Chain:
    """Operands joined by operators of one level of precedence, grouped from the left."""

    first: Node
    links: tuple[Link, ...]
    place: int = _aside()
    depth: int = _aside()
    enclosed: bool = _aside(False)


@attrs.frozen
class Conditional:
    """`if (condition) then (yes) else (no)`."""

    condition: Node
    yes: Node
    no: Node
    place: int = _aside()
    depth: int = _aside()
    enclosed: bool = _aside(False)


@attrs.frozen
class Call:
    """A function and its arguments."""

    name: str
    arguments: tuple[Node, ...]
    place: int = _aside()
    depth: int = _aside()
    enclosed: bool = _aside(False)


@attrs.frozen
class Step:
    """One step of a path: a field (`argument` is None and `function` false), or a path function such as `all`."""

    name: str
    argument: Node | None = None
    function: bool = attrs.field(default=False, kw_only=True)
    place: int = _aside()


@attrs.frozen
class Reference:
    """A field of the context.

    `root_end`: where the first segment ends in the text, for renaming; it begins at `root_place`. `default`: what
    the reference gives when the field is absent or null. `params`: the parameters of a data source.
    """

    source: Source
    steps: tuple[Step, ...]
    default: Node | None = None
    params: tuple[tuple[str, Node], ...] = ()
    root_place: int = _aside()
    root_end: int = _aside()
    place: int = _aside()
    depth: int = _aside()
    enclosed: bool = _aside(False)


@attrs.frozen
class Current:
    """A loop variable, such as `currentEventField`: the element that a collection function looks at."""

    source: Source
    steps: tuple[Step, ...]
    place: int = _aside()
    depth: int = _aside()
    enclosed: bool = _aside(False)


Path = tuple[Source, tuple[str, ...]]
"""Where a field is: the source, and the names on the way to it."""

Node = Literal | Invalid | Items | Unary | Chain | Conditional | Call | Reference | Current


def below(node: Node) -> Iterator[Node]:
    """Yield the nodes right below `node`, in the order of the text."""
    match node:
        case Items():
            yield from node.items
        case Unary():
            yield node.operand
        case Chain():
            yield node.first
            yield from (link.operand for link in node.links if link.operand is not None)
        case Conditional():
            yield from (node.condition, node.yes, node.no)
        case Call():
            yield from node.arguments
        case Reference() | Current():
            yield from (step.argument for step in node.steps if step.argument is not None)
            if isinstance(node, Reference):
                yield from (value for _, value in node.params)
                if node.default is not None:
                    yield node.default


def reads(node: Node, loops: tuple[Path, ...] = ()) -> Iterator[Path]:
    """Yield the source and the names of every field that is read at or below `node`, in the order of the text.

    `loops`: the collections whose elements the loop variables stand for, the innermost last.
    """
    match node:
        case Reference() | Current():
            yield from _reads_of(node, loops)
        case _:
            for each in below(node):
                yield from reads(each, loops)


def _reads_of(node: Reference | Current, loops: tuple[Path, ...]) -> Iterator[Path]:
    names: tuple[str, ...] = ()
    if isinstance(node, Current):
        names = next((path for source, path in reversed(loops) if source is node.source), ())
    whole = (*names, *(step.name for step in node.steps if not step.function))
    yield node.source, whole
    for step in node.steps:
        if not step.function:
            names = (*names, step.name)
        elif step.argument is not None:
            yield from reads(step.argument, (*loops, (node.source, names)) if step.name != "at" else loops)
    if isinstance(node, Reference):
        for _, value in node.params:
            yield from reads(value, loops)
        if node.default is not None:
            yield from reads(node.default, loops)
