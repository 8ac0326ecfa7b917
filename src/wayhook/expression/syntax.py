"""The nodes of a parsed expression. Plain values; no I/O."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import attrs

from wayhook.values import DataType

__all__ = ["Literal", "Node", "Plus", "Reference", "Source", "references"]


class Source(StrEnum):
    """Where a reference reads: the part of the context it names."""

    EVENT = "event"
    DATA_SOURCE = "data source"
    ACTION = "action"
    JOURNEY = "journey"


@attrs.frozen
class Literal:
    """A constant and its type; `null` has none."""

    value: Any
    data_type: DataType | None


@attrs.frozen
class Reference:
    """A field of the context.

    `root_span`: where the first segment stands in the text (start, end), for renaming. `default`: what the
    reference gives when the field is absent or null.
    """

    source: Source
    path: tuple[str, ...]
    root_span: tuple[int, int]
    default: Node | None = None


@attrs.frozen
class Plus:
    """Operands joined by `+`, grouped from the left. `positions`: line and column of each `+`."""

    operands: tuple[Node, ...]
    positions: tuple[tuple[int, int], ...]


Node = Literal | Reference | Plus


def references(node: Node) -> Iterator[Reference]:
    """Yield every reference below `node`, defaults included, in the order of the text."""
    match node:
        case Reference():
            yield node
            if node.default is not None:
                yield from references(node.default)
        case Plus():
            for operand in node.operands:
                yield from references(operand)
        case Literal():
            return
