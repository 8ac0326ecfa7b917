"""Expression: text that says where a variable's value comes from. No I/O."""

from __future__ import annotations

import json
import re
from typing import Any

import attrs

from wayhook.errors import ExpressionError
from wayhook.expression.context import Context
from wayhook.expression.syntax import Node, Source, references
from wayhook.values import DataType

__all__ = ["Expression", "FieldReference", "expression"]

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)


@attrs.frozen
class FieldReference:
    """One field that an expression reads: `source` is event, data source, action or journey."""

    source: Source
    path: tuple[str, ...]


@attrs.frozen(repr=False, init=False)
class Expression:
    """A parsed, checked and compiled expression; equal to another with the same text.

    `text`: the source. Make one with `wayhook.expression(text)`.
    """

    text: str
    type: DataType | None = attrs.field(eq=False)
    _tree: Node = attrs.field(eq=False)
    _evaluate: Any = attrs.field(eq=False)

    def __init__(self, text: str) -> None:
        from wayhook.expression.compiler import compile_node, type_of
        from wayhook.expression.parser import parse

        if not isinstance(text, str):
            raise ExpressionError(f"an expression is text, not {type(text).__name__}", text="")
        tree = parse(text)
        self.__attrs_init__(text, type_of(tree, text), tree, compile_node(tree, text))

    def evaluate(self, context: Context) -> Any:
        """Return the value for `context`; None where a field is absent and has no default.

        Raises `WrongType` when the data does not fit an operator.
        """
        return self._evaluate(context)

    @property
    def references(self) -> tuple[FieldReference, ...]:
        """What the expression reads, each field once, in the order of the text."""
        found = [FieldReference(node.source, node.path) for node in references(self._tree)]
        return tuple(dict.fromkeys(found))

    def renaming_action(self, old: str, new: str) -> Expression:
        """Return the expression with every `@action{old…}` reading `new` instead; nothing else changes."""
        spans = [n.root_span for n in references(self._tree) if n.source is Source.ACTION and n.path[0] == old]
        text = self.text
        for start, end in sorted(spans, reverse=True):
            text = text[:start] + (new if _BARE.fullmatch(new) else json.dumps(new, ensure_ascii=False)) + text[end:]
        return Expression(text) if spans else self

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"expression({self.text!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Expression, (self.text,)


def expression(text: str) -> Expression:
    """Parse and check `text` at once, and return an immutable `Expression`.

    Literals, references to events (`@event{Order.total}`, also `@{Order.total}`), data sources
    (`#{Source.Group.field}`), action answers (`@action{Weather.temp}`) and journey properties (`${externalKey}`),
    each with an optional `defaultValue`, and `+`.

    >>> str(expression("@event{Signup.campaign.id} + '/messages'").evaluate(
    ...     Context({"Signup": {"campaign": {"id": 7}}})))
    '7/messages'

    Raises `ExpressionError` with line, column and what was expected there.
    """
    return Expression(text)
