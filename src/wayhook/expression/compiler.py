"""The compiler: a syntax tree to a static type and to a closure over a context, checked on the way. No I/O.

A tree is walked once; evaluation calls closures and looks nothing up by name. Constant parts are evaluated here. All
that is wrong is collected, each with its place in the text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from wayhook.errors import ExpressionError, ExpressionProblem
from wayhook.expression.closure import (
    Turn,
    applied,
    applied_to,
    as_declared,
    branch,
    call,
    call_of_one,
    condition,
    fallback,
    field_applied_to,
    items_of,
    joined,
    row,
    text,
)
from wayhook.expression.context import Context
from wayhook.expression.declaration import Declarations, key_of
from wayhook.expression.effort import Frame
from wayhook.expression.fault import Fault
from wayhook.expression.function.function import Function, Plan
from wayhook.expression.function.table import FUNCTIONS
from wayhook.expression.lookup import Compiled, Lookup, nearest
from wayhook.expression.operator import (
    TESTS,
    Binary,
    Test,
    as_text,
    as_text_in_orchestration,
    binary,
    negative,
    negative_type,
    truth,
    truth_type,
)
from wayhook.expression.parser import problem_at
from wayhook.expression.reference import Evaluate
from wayhook.expression.syntax import (
    Call,
    Chain,
    Conditional,
    Current,
    Invalid,
    Items,
    Link,
    Literal,
    Node,
    Reference,
    Source,
    Unary,
)
from wayhook.expression.type import ExpressionType, common, fits, list_of, widened
from wayhook.expression.weight import weight
from wayhook.values import Misfit

__all__ = ["DIALECTS", "Compiler"]

Kind = ExpressionType
LENIENT, ORCHESTRATION, OPTIMIZER = DIALECTS = ("lenient", "journey_orchestration", "journey_optimizer")

_PROPERTIES = frozenset({
    "journeyUID", "journeyVersionUID", "journeyVersionName", "journeyVersionDescription", "journeyVersion",
    "instanceUID", "externalKey", "organizationId", "sandboxName", "profileId", "namespace", "currentNodeId",
    "currentNodeName", "previousNodeId", "previousNodeName", "lastNodeUIDInError", "lastNodeNameInError",
    "lastNodeTypeInError", "lastErrorCode", "lastExecutedActionErrorCode", "lastDataFetchErrorCode",
    "lastActionExecutionElapsedTime", "lastDataFetchElapsedTime", "supplementalId",
})  # fmt: skip
_ONLY_IN_OPTIMIZER = {"supplementalId"}
_NESTED = 2
"""Operators of one row that are closures within closures."""
_HINTS = {"isNull": "write … is null", "list": "write [ … ]"}


class Compiler:
    """Compiles one expression.

    `problems` and `warnings`: what was found on the way. `loops`: whether it needs a `Frame` to be evaluated. `weight`:
    the work of what was compiled since the loop, or the expression, began.
    """

    def __init__(self, text: str, dialect: str, declared: Declarations) -> None:
        self.text, self.dialect = text, dialect
        self.problems: list[ExpressionProblem] = []
        self.warnings: list[ExpressionProblem] = []
        self.loops, self.weight = False, 0
        self._lookup = Lookup(self, declared)
        self._lazy = 0
        self._keeps_lists = False
        self._frame = Frame(_NOTHING)

    def whole(self, tree: Node) -> Compiled:
        """Compile the expression; raises `ExpressionError` with all problems."""
        compiled = self.compile(tree)
        if self.problems:
            raise ExpressionError.of(dict.fromkeys(self.problems), self.text)
        evaluate = compiled.evaluate
        if self.loops:
            compiled = attrs.evolve(
                compiled, evaluate=lambda given: evaluate(given if type(given) is Frame else Frame(given))
            )
        return attrs.evolve(compiled, evaluate=_copied(compiled.evaluate)) if self._keeps_lists else compiled

    def problem(self, message: str, place: int) -> None:
        """Note what is wrong at a place of the text."""
        self.problems.append(problem_at(message, self.text, place))

    def checked(self, subject: str, place: int, rule: Callable[[], Any]) -> Any:
        """Return what the rule gives; None, and a problem, where it refuses."""
        try:
            return rule()
        except Misfit as misfit:
            self.problem(f"{subject} {misfit}", place)
            return None

    def compile(self, node: Node) -> Compiled:
        """Compile a node, and evaluate it if it is constant; count what it weighs otherwise."""
        before = self.weight
        compiled = _COMPILE[type(node)](self, node)
        if type(node) is not Literal:
            compiled = self.folded(compiled)
        self.weight = before if compiled.constant else self.weight + weight(node)
        return compiled

    def lazily(self, node: Node) -> Compiled:
        """Compile what may never be evaluated: a constant part that has no value is no problem of the text."""
        self._lazy += 1
        compiled = self.compile(node)
        self._lazy -= 1
        return compiled

    def folded(self, compiled: Compiled) -> Compiled:
        """Return a constant as its value; what has none is no constant any more."""
        if not compiled.constant or self.problems:
            return compiled if not compiled.constant else Compiled(compiled.evaluate, compiled.type)
        try:
            value = compiled.evaluate(self._frame)
        except Fault as fault:
            if not self._lazy:
                self.problem(fault.message, fault.place)
            return Compiled(compiled.evaluate, compiled.type)
        self._keeps_lists = self._keeps_lists or isinstance(value, list)
        return Compiled(lambda _: value, compiled.type, constant=True)

    def literal(self, node: Literal) -> Compiled:
        """Compile a constant."""
        value = node.value
        return Compiled(lambda _: value, node.data_type, constant=True)

    def invalid(self, node: Invalid) -> Compiled:
        """Note what has no meaning."""
        self.problem(node.message, node.place)
        return Compiled(lambda _: None)

    def items(self, node: Items) -> Compiled:
        """Compile a list, whose items have one type."""
        items = [self.compile(item) for item in node.items]
        kinds = []
        for item, compiled in zip(node.items, items, strict=True):
            if compiled.type is not None and not compiled.type.is_single:
                self.problem(f"a list holds single values, not a value of type {compiled.type}", item.place)
            elif not _is_null(item):
                kinds.append(compiled.type)
        kind = self.checked("a list", node.place, lambda: common(kinds))
        evaluates, constant = [item.evaluate for item in items], all(item.constant for item in items)
        if kind is None or kind is Kind.DECIMAL:
            return Compiled(items_of(evaluates, node.place), list_of(kind) if kinds else Kind.LIST, constant=constant)
        return Compiled(lambda frame: [evaluate(frame) for evaluate in evaluates], list_of(kind), constant=constant)

    def conditional(self, node: Conditional) -> Compiled:
        """Compile `if`, whose branches have one type, whichever is taken (A-06)."""
        given = self.compile(node.condition)
        self.checked("the condition of if", node.condition.place, lambda: truth_type(given.type))
        yes, no = self.lazily(node.yes), self.lazily(node.no)
        kind = self.checked("if … then … else", node.place, lambda: common((yes.type, no.type)))
        test = condition(given.evaluate, "the condition of if", node.condition.place)
        then = branch(yes.evaluate, yes.type, no.type, node.place)
        otherwise = branch(no.evaluate, no.type, yes.type, node.place)
        constant = given.constant and yes.constant and no.constant
        path = yes.path if yes.path == no.path else None
        return Compiled(
            lambda frame: then(frame) if test(frame) else otherwise(frame), kind, constant=constant, path=path
        )

    def unary(self, node: Unary) -> Compiled:
        """Compile `not` or `-`."""
        operand = self.compile(node.operand)
        if node.operator == "not":
            kind = self.checked("'not'", node.place, lambda: truth_type(operand.type))
            evaluate = applied(lambda value, _: not truth(value), "'not'", node.place, operand.evaluate)
        else:
            kind = self.checked("'-'", node.place, lambda: negative_type(operand.type))
            evaluate = applied(negative, "'-'", node.place, operand.evaluate)
        return Compiled(evaluate, kind, constant=operand.constant)

    def chain(self, node: Chain) -> Compiled:
        """Compile operands and operators of one level, from the left."""
        self._check_null_comparison(node)
        self._check_bare_calls(node)
        if node.links[0].operator in ("and", "or"):
            return self._logical(node)
        left, turns = self.compile(node.first), list[Turn]()
        for i, link in enumerate(node.links):
            right = None if link.operand is None else self.compile(link.operand)
            kind = self._type(left, right, link)
            if right is not None and link.operator == "+" and kind is Kind.STRING:
                return self._text(left, right, node.links[i:])
            if i < _NESTED or left.constant:
                left = self.folded(_operated(self._value(link), left, right, link, kind))
            else:
                operand = None if right is None else right.evaluate
                turns.append((self._value(link).value, f"'{link.operator}'", link.place, operand))
                left = Compiled(row(left.evaluate, turns) if len(turns) == 1 else left.evaluate, kind)
        return left

    def _value(self, link: Link) -> Binary | Test:
        return TESTS[link.operator] if link.operand is None else binary(link.operator, self.dialect)

    def _type(self, left: Compiled, right: Compiled | None, link: Link) -> ExpressionType | None:
        subject, place = f"'{link.operator}'", link.place
        if right is None:
            self.checked(subject, place, lambda: TESTS[link.operator].check(left.type))
            return Kind.BOOLEAN
        rule, kinds = binary(link.operator, self.dialect).type, (left.type, right.type)
        kind: ExpressionType | None = self.checked(subject, place, lambda: rule(*kinds, self.dialect))
        return kind

    def _text(self, left: Compiled, right: Compiled, links: tuple[Link, ...]) -> Compiled:
        """Compile a text and all that is joined to it: from the first text on, `+` makes nothing but text."""
        texts = [self._as_text(left, links[0].place), self._as_text(right, links[0].place)]
        for link in links[1:]:
            operand = self.compile(link.operand or Literal(None, None))
            self._type(texts[0], operand, link)
            texts.append(self._as_text(operand, link.place))
        evaluate = joined([_piece(each) for each in texts], links[-1].place)
        return self.folded(Compiled(evaluate, Kind.STRING, constant=all(each.constant for each in texts)))

    def _as_text(self, value: Compiled, place: int) -> Compiled:
        if value.type is Kind.STRING:
            return value
        form = as_text_in_orchestration if self.dialect == ORCHESTRATION else as_text
        return self.folded(Compiled(text(value.evaluate, form, place), Kind.STRING, constant=value.constant))

    def _check_null_comparison(self, node: Chain) -> None:
        before: Node | None = node.first
        for link in node.links:
            if link.operator in ("==", "!=") and (_is_null(before) or _is_null(link.operand)):
                test = "is null" if link.operator == "==" else "is not null"
                self.problem(f"null is not compared with '{link.operator}'; write … {test}", link.place)
            before = None

    def _check_bare_calls(self, node: Chain) -> None:
        if self.dialect == OPTIMIZER and node.links[0].operator in ("+", "-"):
            for operand in (node.first, *(link.operand for link in node.links)):
                if isinstance(operand, Call) and not operand.enclosed:
                    message = f"a function beside '+' or '-' stands in parentheses (A-03); write ({operand.name}(…))"
                    self.problem(message, operand.place)

    def _logical(self, node: Chain) -> Compiled:
        word = node.links[0].operator
        operands = [node.first, *(link.operand for link in node.links if link.operand is not None)]
        compiled = [self.compile(operands[0]), *map(self.lazily, operands[1:])]
        places = [node.links[0].place, *(link.place for link in node.links)]
        tests = []
        for operand, each, place in zip(operands, compiled, places, strict=True):
            self._warn_of_mixture(operand, word)
            kind = each.type
            self.checked(f"'{word}'", place, lambda kind=kind: truth_type(kind))  # type: ignore[misc]
            tests.append(condition(each.evaluate, f"'{word}'", place))
        join = all if word == "and" else any
        constant = all(each.constant for each in compiled)
        return Compiled(lambda frame: join(test(frame) for test in tests), Kind.BOOLEAN, constant=constant)

    def _warn_of_mixture(self, operand: Node, word: str) -> None:
        if isinstance(operand, Chain) and not operand.enclosed and word == "or" and operand.links[0].operator == "and":
            message = "'and' binds tighter than 'or' (A-04); put parentheses around what belongs together"
            self.warnings.append(problem_at(message, self.text, operand.place))

    def call(self, node: Call) -> Compiled:
        """Compile a function, with the signature that fits."""
        function = FUNCTIONS.get(node.name)
        arguments = [self.compile(argument) for argument in node.arguments]
        if function is None:
            self.problem(_unknown_function(node.name), node.place)
            return Compiled(lambda _: None)
        if self.dialect != LENIENT and function.dialect not in ("", self.dialect):
            self.problem(f"{node.name} is no function of {self.dialect}; it belongs to {function.dialect}", node.place)
        kinds = tuple(argument.type for argument in arguments)
        plan: Plan | None = self.checked(node.name, node.place, lambda: function.plan(kinds, self.dialect))
        if plan is None:
            return Compiled(lambda _: None, function.result)
        self._check_roles(node, plan)
        evaluate = self._called(function.in_dialect(self.dialect), arguments, node.place)
        constant = not function.reads_context and all(argument.constant for argument in arguments)
        path = arguments[0].path if function.group == "list" and arguments else None
        return Compiled(evaluate, plan.result, constant=constant, path=path)

    def _called(self, function: Function, arguments: list[Compiled], place: int) -> Evaluate:
        kinds = tuple(argument.type for argument in arguments)
        varying = [i for i, argument in enumerate(arguments) if not argument.constant]
        values = [argument.evaluate(_NOTHING) if argument.constant else argument for argument in arguments]
        if len(varying) != 1 or function.reads_context or None in values:
            evaluates = [argument.evaluate for argument in arguments]
            return call(function, evaluates, kinds, place, dialect=self.dialect)
        before, after = values[: varying[0]], values[varying[0] + 1 :]
        varied = arguments[varying[0]].evaluate
        return call_of_one(function, varied, kinds, place, before=before, after=after, dialect=self.dialect)

    def _check_roles(self, node: Call, plan: Plan) -> None:
        for argument, parameter in zip(node.arguments, plan.signature.parameters, strict=True):
            text = argument.value if isinstance(argument, Literal) else None
            if parameter.is_constant and not isinstance(text, str):
                message = f"{node.name} takes a text in quotes here, not a field or an expression"
                self.problem(message, argument.place)
            elif isinstance(text, str):
                self.checked(node.name, argument.place, lambda p=parameter, t=text: p.check(t, self._frame))  # type: ignore[misc]

    def reference(self, node: Reference) -> Compiled:
        """Compile a reference and its default."""
        if self.dialect == ORCHESTRATION and node.source in (Source.ACTION, Source.DATASET_LOOKUP):
            self.problem(f"a reference to an {node.source} belongs to {OPTIMIZER}", node.place)
        if self.dialect != LENIENT and node.source is Source.JOURNEY:
            self._check_property(node)
        found = self._lookup.reference(node)
        return found if node.default is None else self._with_default(found, node.default)

    def _check_property(self, node: Reference) -> None:
        known = _PROPERTIES if self.dialect == OPTIMIZER else _PROPERTIES - _ONLY_IN_OPTIMIZER
        step = node.steps[0]
        if step.name not in known:
            self.problem(f"there is no journey property {step.name[:40]!r}{nearest(step.name, known)}", step.place)

    def _with_default(self, found: Compiled, node: Node) -> Compiled:
        if self.dialect != LENIENT and isinstance(node, Call) and not node.enclosed:
            message = f"a function as default stands in parentheses; write defaultValue : ({node.name}(…))"
            self.problem(message, node.place)
        default = self.lazily(node)
        if found.type is None:
            instead = default.evaluate
            if found.path is not None:
                instead = as_declared(instead, key_of(*found.path), node.place)
            kind = None if default.type is Kind.INTEGER else default.type
            evaluate = fallback(found.evaluate, instead, default.type, node.place)
            return attrs.evolve(found, type=kind, evaluate=evaluate)
        if not fits(default.type, found.type, widening=True):
            message = f"the field is of type {found.type}, and so must be its default, not {default.type} (R192)"
            self.problem(message, node.place)
        instead = default.evaluate
        if found.type is Kind.DECIMAL:
            instead = lambda frame: widened(default.evaluate(frame))  # noqa: E731 - one more step
        return attrs.evolve(found, evaluate=fallback(found.evaluate, instead, None, node.place))

    def current(self, node: Current) -> Compiled:
        """Compile a loop variable."""
        return self._lookup.current(node)


_NOTHING = Context()
_COMPILE: dict[type, Callable[[Compiler, Any], Compiled]] = {
    Literal: Compiler.literal,
    Invalid: Compiler.invalid,
    Items: Compiler.items,
    Conditional: Compiler.conditional,
    Unary: Compiler.unary,
    Chain: Compiler.chain,
    Call: Compiler.call,
    Reference: Compiler.reference,
    Current: Compiler.current,
}


def _operated(
    operator: Binary | Test, left: Compiled, right: Compiled | None, link: Link, kind: ExpressionType | None
) -> Compiled:
    subject, place = f"'{link.operator}'", link.place
    if isinstance(operator, Test) or right is None:
        return Compiled(applied(operator.value, subject, place, left.evaluate), kind, constant=left.constant)
    if right.constant and not left.constant:
        constant = right.evaluate(_NOTHING)
        evaluate = applied_to(operator, subject, place, left.evaluate, constant)
        if left.field is not None:
            evaluate = field_applied_to(operator, constant, left.field, evaluate)
        return Compiled(evaluate, kind)
    evaluate = applied(operator.value, subject, place, left.evaluate, right.evaluate)
    return Compiled(evaluate, kind, constant=left.constant and right.constant)


def _piece(part: Compiled) -> str | Evaluate:
    """The text of a constant one, or what gives it."""
    value = part.evaluate(_NOTHING) if part.constant else None
    return value if isinstance(value, str) else part.evaluate


def _copied(evaluate: Evaluate) -> Evaluate:
    """Give lists away as copies: one of them may be a constant of the expression."""

    def copied(context: Context) -> Any:
        value = evaluate(context)
        return list(value) if type(value) is list else value

    return copied


def _is_null(node: Node | None) -> bool:
    return isinstance(node, Literal) and node.value is None


def _unknown_function(name: str) -> str:
    hint = _HINTS.get(name) or nearest(name, FUNCTIONS).partition("; there are")[0].removeprefix("; ")
    return f"there is no function {name[:40]!r}; {hint or 'see the list of functions'}"
