"""Expression: text that says where a variable's value comes from. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from wayhook.errors import ExpressionError, ExpressionProblem, Violation, WrongType
from wayhook.expression.context import Context
from wayhook.expression.effort import Frame, Uncounted
from wayhook.expression.fault import Fault
from wayhook.expression.syntax import Call, Node, Reference, Source, below, reads
from wayhook.expression.type import ExpressionType, fits
from wayhook.presentation import Presentable

__all__ = ["Expression", "FieldReference", "expression"]

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)


@attrs.frozen
class FieldReference:
    """One field that an expression reads: `source` is event, data source, action, dataset lookup or journey.

    `path`: the names on the way to it; path functions such as `all` are left out.
    """

    source: Source
    path: tuple[str, ...]


@attrs.frozen(repr=False, init=False)
class Expression(Presentable):
    """A parsed, checked and compiled expression; equal to another with the same text and dialect.

    `text`: the source. `dialect`: whose rules it keeps. `type`: what it gives, None where only the data tells.
    `warnings`: what is right but may not be meant, such as `and` beside `or` without parentheses.
    `closure`: what it is compiled to, for who evaluates it often; it takes what is known to be a `Context`, and raises
    a `Fault`, of which `error` makes what `evaluate` raises, or `Uncounted` where `counted` is to be asked instead.
    Make one with `wayhook.expression(text)`.
    """

    text: str
    dialect: str
    type: ExpressionType | None = attrs.field(eq=False)
    warnings: tuple[ExpressionProblem, ...] = attrs.field(eq=False)
    _tree: Node = attrs.field(eq=False)
    closure: Callable[[Any], Any] = attrs.field(eq=False)

    def __init__(self, text: str, dialect: str = "lenient") -> None:
        from wayhook.expression.compiler import DIALECTS, Compiler
        from wayhook.expression.declaration import NOTHING_DECLARED
        from wayhook.expression.parser import parse

        if not isinstance(text, str):
            raise ExpressionError(f"an expression is text, not {type(text).__name__}", text="")
        if not isinstance(dialect, str) or dialect not in DIALECTS:
            given = repr(dialect[:40]) if isinstance(dialect, str) else type(dialect).__name__
            message = f"a dialect is one of {', '.join(DIALECTS)}, not {given}"
            raise ExpressionError(message, text=text[:80])
        tree, compiler = parse(text), Compiler(text, dialect, NOTHING_DECLARED)
        compiled = compiler.whole(tree)
        self.__attrs_init__(text, dialect, compiled.type, tuple(compiler.warnings), tree, compiled.evaluate)

    def evaluate(self, context: Context) -> Any:
        """Return the value for `context`; None where a field is absent and has no default.

        Raises `WrongType` when the data does not fit, with the place in the text; its messages hold no value.
        """
        _require_context(context)
        try:
            try:
                return self.closure(context)
            except Uncounted:
                return self.counted(context)
        except Fault as fault:
            raise self.error(fault) from None

    def counted(self, context: Context) -> Any:
        """Return the value as `closure` does, and count the work: there is some that is not small."""
        return self.closure(Frame(context))

    def error(self, fault: Fault) -> WrongType:
        """Return what is raised for a fault of the closure: it says where in the text."""
        from wayhook.expression.parser import problem_at

        problem = problem_at(fault.message, self.text, fault.place)
        where = f"(line {problem.line}, column {problem.column} of the expression)"
        return WrongType([Violation("$", f"{problem.message} {where}")])

    def check(self, types: Mapping[str, str], *, expected: str | None = None) -> ExpressionType | None:
        """Check the expression against declared types, and return its own; None where only the data tells.

        `types`: by the paths of fields, such as `{"event.Order.total": "decimal", "action.Weather.temp": "integer"}`; a
        list of objects is declared as `listObject`, its fields as they are in one element. Of a source of which
        nothing is declared, everything may be there. `expected`: the type of the message parameter that it feeds;
        an integer may feed a decimal.

        Raises `ExpressionError` with all problems, `DefinitionError` when `types` names no field or no type.
        """
        from wayhook.expression.compiler import Compiler
        from wayhook.expression.declaration import declarations

        kind = Compiler(self.text, self.dialect, declarations(types)).whole(self._tree).type
        if expected is not None and not fits(kind, ExpressionType(expected), widening=True):
            message = f"the expression gives {kind}, and {expected} is expected here; convert it with a function"
            raise ExpressionError(message, text=self.text, expected=(str(expected),))
        return kind

    @property
    def references(self) -> tuple[FieldReference, ...]:
        """What the expression reads, each field once, in the order of the text."""
        return tuple(dict.fromkeys(FieldReference(source, path) for source, path in reads(self._tree)))

    def defaults(self, context: Context) -> tuple[str, ...]:
        """Return the fields that `context` has not, for which the expression takes its default: `event Signup.name`."""
        from wayhook.expression.default import taken_defaults

        _require_context(context)
        return taken_defaults(self._tree, self.text, self.dialect, context)

    @property
    def reads_time(self) -> bool:
        """Whether it may need the current time, `Context.now`."""
        from wayhook.expression.function.table import FUNCTIONS

        called = (FUNCTIONS.get(node.name) for node in _all(self._tree) if isinstance(node, Call))
        return any(row is not None and row.reads_context and row.group == "date" for row in called)

    def renaming_action(self, old: str, new: str) -> Expression:
        """Return the expression with every `@action{old…}` reading `new` instead; nothing else changes."""
        found = [node for node in _all(self._tree) if isinstance(node, Reference) and node.source is Source.ACTION]
        spans = [(node.root_place, node.root_end) for node in found if node.steps[0].name == old]
        text = self.text
        for start, end in sorted(spans, reverse=True):
            text = text[:start] + (new if _BARE.fullmatch(new) else json.dumps(new, ensure_ascii=False)) + text[end:]
        return Expression(text, self.dialect) if spans else self

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        dialect = "" if self.dialect == "lenient" else f", dialect={self.dialect!r}"
        return f"expression({self.text!r}{dialect})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Expression, (self.text, self.dialect)


def _require_context(given: object) -> None:
    if not isinstance(given, Context):
        raise WrongType([Violation("$", f"a Context belongs here, not {type(given).__name__}")])


def _all(node: Node) -> Iterator[Node]:
    yield node
    for each in below(node):
        yield from _all(each)


def expression(text: str, dialect: str = "lenient") -> Expression:
    """Parse and check `text` at once, and return an immutable `Expression`.

    `dialect`: `lenient` takes what the documentation of either product takes; `journey_orchestration` and
    `journey_optimizer` are strict where that product is.

    >>> str(expression("upper(@event{Signup.name, defaultValue: 'friend'}) + '/messages'").evaluate(
    ...     Context({"Signup": {"name": "Ann"}})))
    'ANN/messages'

    Raises `ExpressionError` with every problem that can be found: line, column, what was expected there.
    """
    return Expression(text, dialect)
