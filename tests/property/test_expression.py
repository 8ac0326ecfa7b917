"""Properties of expressions: printing and parsing, soundness of types, arithmetic, regular expressions, fuzz."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import attrs
from hypothesis import example, given, settings
from hypothesis import strategies as st

import wayhook as wh
from wayhook.expression.function.table import FUNCTIONS
from wayhook.expression.machine import Machine
from wayhook.expression.parser import parse
from wayhook.expression.pattern import pattern
from wayhook.expression.syntax import (
    Call,
    Chain,
    Conditional,
    Current,
    Items,
    Link,
    Literal,
    Node,
    Reference,
    Source,
    Step,
    Unary,
)
from wayhook.expression.type import ExpressionType, kind_of
from wayhook.values import Misfit

# Trees, and the text of a tree with no more parentheses than it needs

LEVELS = {"or": 1, "and": 2, "not": 3, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6}
TESTED = ["is null", "is not null", "has null", "is numeric", "is integer", "is decimal"]
COMPARED = ["==", "!=", ">", ">=", "<", "<=", *TESTED]
OPENINGS = {
    Source.EVENT: "@event{", Source.DATA_SOURCE: "#{", Source.ACTION: "@action{",
    Source.DATASET_LOOKUP: "@datasetLookup{", Source.JOURNEY: "${",
}  # fmt: skip
LOOPS = {
    Source.EVENT: "currentEventField", Source.DATA_SOURCE: "currentDataPackField", Source.ACTION: "currentActionField",
    Source.DATASET_LOOKUP: "currentDatasetLookupField",
}  # fmt: skip
names = st.sampled_from(
    ["a", "b-c", "_x", "first", "null", "3h", "with blank", "quo'te", 'dou"ble', "é", "back\\slash"]
)
BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)


def quoted(text: str) -> str:
    """A text constant."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def printed_name(name: str) -> str:
    """A segment of a path."""
    return name if BARE.fullmatch(name) else quoted(name)


def level(node: Node) -> int:
    """How tightly a node binds; 8 for what needs no parentheses."""
    match node:
        case Chain():
            return LEVELS.get(node.links[0].operator, 4)
        case Unary():
            return LEVELS["not"] if node.operator == "not" else 7
    return 8


def printed(node: Node, loosest: int = 1) -> str:
    """The text of a tree, in parentheses where it stands beside something tighter."""
    text = _printed(node)
    return text if level(node) >= loosest else f"({text})"


def _printed(node: Node) -> str:  # noqa: C901, PLR0911 - one case for each kind of node
    match node:
        case Literal(value=None):
            return "null"
        case Literal(value=bool() as value):
            return "true" if value else "false"
        case Literal(value=str() as value):
            return quoted(value)
        case Literal(value=date() as value):
            return f'date("{value.isoformat()}")'
        case Literal(value=value):
            return format(value, "f") if isinstance(value, float) else str(value)
        case Items():
            return f"[{', '.join(map(printed, node.items))}]"
        case Unary():
            operand = printed(node.operand, 3 if node.operator == "not" else 7)
            is_number = isinstance(node.operand, Literal) and type(node.operand.value) in (int, float)
            return f"{node.operator} {f'({operand})' if node.operator == '-' and is_number else operand}"
        case Conditional():
            return f"if ({printed(node.condition)}) then ({printed(node.yes)}) else ({printed(node.no)})"
        case Call():
            return f"{node.name}({', '.join(map(printed, node.arguments))})"
        case Current():
            return ".".join([LOOPS[node.source], *map(printed_step, node.steps)])
        case Reference():
            params = ", ".join(f"{printed_name(name)}: {printed(value)}" for name, value in node.params)
            options = [f"params: {{{params}}}"] * bool(node.params)
            options += [f"defaultValue: {printed(node.default)}"] if node.default is not None else []
            return f"{OPENINGS[node.source]}{', '.join(['.'.join(map(printed_step, node.steps)), *options])}}}"
        case Chain():
            tight = level(node)
            return printed(node.first, tight + 1) + "".join(
                f" {link.operator}" + ("" if link.operand is None else f" {printed(link.operand, tight + 1)}")
                for link in node.links
            )
    raise AssertionError(node)


def printed_step(step: Step) -> str:
    """A step of a path."""
    if not step.function:
        return printed_name(step.name)
    return f"{step.name}({'' if step.argument is None else printed(step.argument)})"


literals = st.one_of(
    st.just(Literal(None, None)),
    st.booleans().map(lambda value: Literal(value, ExpressionType.BOOLEAN)),
    st.integers(-(2**63), 2**63 - 1).map(lambda value: Literal(value, ExpressionType.INTEGER)),
    st.decimals(-1000, 1000, places=3).map(float).map(lambda value: Literal(value, ExpressionType.DECIMAL)),
    st.text(max_size=5).map(lambda value: Literal(value, ExpressionType.STRING)),
    st.dates().map(lambda value: Literal(value, ExpressionType.DATE_ONLY)),
)


def steps_of(below: st.SearchStrategy[Node]) -> st.SearchStrategy[tuple[Step, ...]]:
    """Steps of a path."""
    step = st.one_of(
        names.map(Step),
        st.builds(Step, st.sampled_from(["all", "first", "last"]), st.none() | below, function=st.just(True)),
        st.builds(Step, st.sampled_from(["at", "entry"]), below, function=st.just(True)),
        st.builds(Step, st.sampled_from(["keys", "firstEntryKey"]), function=st.just(True)),
    )
    return st.lists(step, max_size=3).map(tuple)


def chains_of(operators: list[str], below: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    """Operands of one level."""
    link = st.sampled_from(operators).flatmap(
        lambda operator: st.builds(Link, st.just(operator), st.none() if operator.startswith(("is", "has")) else below)
    )
    # what is printed without parentheses would become one chain with its neighbours
    return st.builds(Chain, below, st.lists(link, min_size=1, max_size=3).map(tuple))


def nodes_above(below: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    """Every node that has others below it."""
    several = st.lists(below, max_size=3).map(tuple)
    path = st.builds(lambda root, rest: (Step(root), *rest), names, steps_of(below))
    default = st.none() | below
    params = st.lists(st.tuples(names, below), max_size=2).map(tuple)
    return st.one_of(
        st.builds(Items, several),
        st.builds(Unary, st.just("not"), below),
        st.builds(Unary, st.just("-"), below),
        chains_of(["or"], below),
        chains_of(["and"], below),
        chains_of(COMPARED, below),
        chains_of(["+", "-"], below),
        chains_of(["*", "/", "%"], below),
        st.builds(Conditional, below, below, below),
        st.builds(Call, st.sampled_from(["upper", "in", "toDateTime", "a1_"]), several),
        st.builds(Current, st.sampled_from(list(LOOPS)), steps_of(below)),
        st.builds(Reference, st.sampled_from([Source.EVENT, Source.ACTION, Source.DATASET_LOOKUP]), path, default),
        st.builds(Reference, st.just(Source.DATA_SOURCE), path, default, params),
        st.builds(Reference, st.just(Source.JOURNEY), names.map(lambda name: (Step(name),)), default),
    )


trees = st.recursive(literals, nodes_above, max_leaves=12)


@given(trees)
def test_the_text_of_a_tree_is_parsed_to_the_same_tree(tree: Node) -> None:
    """Printing a tree with the parentheses that it needs, and parsing it, changes nothing."""
    assert parse(printed(tree)) == tree


# Types

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
small = st.integers(-20, 20)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2050, 1, 1))  # noqa: DTZ001 - made aware below
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "string": st.text(max_size=4),
    "integer": small,
    "decimal": st.floats(-20, 20, allow_nan=False),
    "boolean": st.booleans(),
    "dateTime": moments.map(lambda value: value.replace(tzinfo=UTC)),
    "dateTimeOnly": moments,
    "dateOnly": moments.map(lambda value: value.date()),
    "duration": small.map(lambda value: timedelta(hours=value)),
}
LISTS = {f"list{kind[0].upper()}{kind[1:]}": values for kind, values in FIELDS.items()}
TYPES = {
    **{f"event.E.{kind}": kind for kind in (*FIELDS, *LISTS)},
    "event.E.rows": "listObject",
    "event.E.map": "object",
    **{f"event.E.rows.{kind}": kind for kind in (*FIELDS, *LISTS)},
}
row = st.fixed_dictionaries(
    {},
    optional={
        **{kind: st.none() | values for kind, values in FIELDS.items()},
        **{kind: st.none() | st.lists(st.none() | values, max_size=3) for kind, values in LISTS.items()},
    },
)
event = st.builds(
    lambda own, rows, labels: {**own, "rows": rows, "map": labels},
    row,
    st.none() | st.lists(row, max_size=3),
    st.none() | st.dictionaries(st.text(max_size=2), small, max_size=2),
)
# Functions whose arguments of the right types can still be out of range, or have to be of a certain form.
PARTIAL = {"setHours", "setDays", "toDuration", "inSegment", "inAudience", "nowWithDelta", "toDateTime", "now",
           "updateTimeZone", "matchRegExp", "replace", "replaceAll", "split", "date", "inLastYears", "inNextYears",
           "inLastMonths", "inNextMonths"}  # fmt: skip
fields = st.sampled_from([f"@event{{E.{name}}}" for name in (*FIELDS, *LISTS, "rows", "map")])
row_fields = st.sampled_from([f"currentEventField.{kind}" for kind in (*FIELDS, *LISTS)])
constants = st.sampled_from(
    ["1", "2.5", "'a'", "''", "true", "null", "[]", "[1, null]", "['a']", "date('2030-01-02')", "[null]",
     "date('2030-01-02T03:04:05')", "date('2030-01-02T03:04:05Z')", "toDuration('PT1H')", "now()",
     "toDateTime('UTC', date('2030-01-02'))"]
)  # fmt: skip


def texts_above(below: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Texts of every construct, of right and of wrong types."""
    operators = st.sampled_from(["+", "-", "*", "/", "%", "==", "!=", ">", "<=", "and", "or"])
    calls = st.sampled_from(sorted(set(FUNCTIONS) - PARTIAL)).flatmap(
        lambda name: st.sampled_from(FUNCTIONS[name].signatures).flatmap(
            lambda signature: st.lists(
                below, min_size=len(signature.parameters), max_size=len(signature.parameters)
            ).map(lambda given: f"{name}({', '.join(given)})")
        )
    )
    return st.one_of(
        st.builds("({} {} {})".format, below, operators, below),
        st.builds("(not {})".format, below),
        st.builds("(- {})".format, below),
        st.builds("({} {})".format, below, st.sampled_from(TESTED)),
        st.builds("if ({}) then ({}) else ({})".format, below, below, below),
        st.builds("[{}, {}]".format, below, below),
        calls,
        st.builds("@event{{E.rows.{}({})}}".format, st.sampled_from(["all", "first", "last"]), below),
        st.builds("@event{{E.rows.{}}}".format, st.sampled_from([*FIELDS, *LISTS])),
        st.builds("@event{{E.rows.first({}).{}}}".format, below, st.sampled_from([*FIELDS, *LISTS])),
        st.builds("@event{{E.{}.at({})}}".format, st.sampled_from([*LISTS, "rows"]), below),
        st.builds("@event{{E.{}, defaultValue: {}}}".format, st.sampled_from([*FIELDS, *LISTS]), below),
        st.builds("@event{{E.map.entry({})}}".format, below),
    )


expressions = st.recursive(fields | constants | row_fields, texts_above, max_leaves=8)


CONSTANTS = {
    "string": "'a'", "integer": "2", "decimal": "2.5", "boolean": "true", "dateTime": "now()",
    "duration": "toDuration('PT1H')", "dateTimeOnly": "date('2030-01-02T03:04:05')",
    "dateOnly": "date('2030-01-02')", "listObject": "@event{E.rows}",
}  # fmt: skip
SINGLE = sorted(FIELDS)


@functools.cache
def of(kind: str, depth: int, *, looping: bool = False) -> st.SearchStrategy[str]:
    """Texts of expressions of a type, at most so deep; `looping`: with the fields of an element."""
    item = kind.removeprefix("list")[0].lower() + kind.removeprefix("list")[1:]
    leaves = [
        f"@event{{E.{'rows' if kind == 'listObject' else kind}}}",
        CONSTANTS.get(kind) or f"[{CONSTANTS[item]}, null]",
    ]
    if kind in (*FIELDS, *LISTS):
        leaves += [f"@event{{E.rows.last().{kind}}}"] + [f"currentEventField.{kind}"] * looping
    if kind in LISTS:
        leaves.append(f"@event{{E.rows.{item}}}")
    if depth == 0:
        return st.sampled_from(leaves)

    def inner(other: str, *, loop: bool = looping) -> st.SearchStrategy[str]:
        return of(other, depth - 1, looping=loop)

    ways = [st.sampled_from(leaves), *_calls(kind, inner), *_operations(kind, inner)]
    ways.append(st.builds("if ({}) then ({}) else ({})".format, inner("boolean"), inner(kind), inner(kind)))
    if kind in (*FIELDS, *LISTS):
        ways.append(st.builds(f"@event{{{{E.{kind}, defaultValue: {{}}}}}}".format, inner(kind)))
        filters = st.sampled_from(["first", "last"])
        ways.append(st.builds(f"@event{{{{E.rows.{{}}({{}}).{kind}}}}}".format, filters, inner("boolean", loop=True)))
    if kind in LISTS:
        ways += [st.builds("[{}, {}]".format, inner(item), inner(item))]
        ways.append(st.builds(f"@event{{{{E.rows.all({{}}).{kind}}}}}".format, inner("boolean", loop=True)))
    if kind == "listObject":
        ways.append(st.builds("@event{{E.rows.all({})}}".format, inner("boolean", loop=True)))
    return st.one_of(ways)


def _calls(kind: str, inner: Callable[[str], st.SearchStrategy[str]]) -> list[st.SearchStrategy[str]]:
    found = [
        (name, signature)
        for name, function in sorted(FUNCTIONS.items())
        if name not in PARTIAL
        for signature in function.signatures
        if signature.result == kind and not (name == "toDateOnly" and len(signature.parameters) > 1)
    ]
    return [
        st.tuples(*(inner(str(parameter.type)) for parameter in signature.parameters)).map(
            lambda given, name=name: f"{name}({', '.join(given)})"
        )
        for name, signature in found
    ]


def _operations(kind: str, inner: Callable[[str], st.SearchStrategy[str]]) -> list[st.SearchStrategy[str]]:
    """Operators that give the type."""
    binary, numbers = "({} {} {})".format, st.one_of(inner("integer"), inner("decimal"))
    single = st.one_of(*map(inner, SINGLE))
    if kind == "boolean":
        order = st.sampled_from([">", ">=", "<", "<="])
        pairs = [
            st.builds(binary, inner(each), order, inner(each)) for each in ("dateTime", "dateTimeOnly", "dateOnly")
        ]
        return [
            *pairs,
            st.builds(binary, numbers, order, numbers),
            st.builds(binary, single, st.sampled_from(["==", "!="]), single),
            st.builds(binary, inner("boolean"), st.sampled_from(["and", "or"]), inner("boolean")),
            st.builds("(not {})".format, inner("boolean")),
            st.builds(
                "({} {})".format, single, st.sampled_from(["is null", "is not null", "is numeric", "is integer"])
            ),
            st.builds("({} has null)".format, inner("listString")),
        ]
    if kind == "string":
        return [
            st.builds("({} + {})".format, inner("string"), single),
            st.builds("({} + {})".format, single, inner("string")),
        ]
    if kind in ("integer", "decimal"):
        signs = st.sampled_from(["+", "-", "/", "%"])
        other = inner("integer") if kind == "integer" else numbers
        return [st.builds(binary, inner(kind), signs, other), st.builds("(- {})".format, inner(kind))]
    if kind in ("dateTime", "dateTimeOnly", "duration"):
        return [st.builds("({} + {})".format, inner(kind), inner("duration"))]
    return []


typed_texts = st.sampled_from([*FIELDS, *LISTS, "listObject"]).flatmap(
    lambda kind: st.tuples(st.just(kind), st.integers(0, 3).flatmap(lambda depth: of(kind, depth)))
)


@settings(max_examples=300)
@given(typed_texts, event)
def test_what_is_made_of_the_right_types_checks_and_evaluates(made: tuple[str, str], data: dict[str, Any]) -> None:
    """An expression of the listed signatures has its type, and data of the declared types never is a wrong type."""
    kind, text = made
    written = wh.expression(text)

    assert written.check(TYPES) in (kind, ExpressionType.LIST, None)
    found = written.evaluate(wh.Context({"E": data}, now=NOW))

    assert found is None or kind_of(found) in (kind, ExpressionType.LIST, *wider(ExpressionType(kind)))


@settings(max_examples=300)
@given(expressions, event)
@example("max(@event{E.integer}, 2.5)", {"integer": 3})
@example("[null] == @event{E.rows}", {"rows": [{}]})
def test_what_checks_never_meets_a_wrong_type(text: str, data: dict[str, Any]) -> None:
    """However it was written: an expression that checks evaluates to its own type, or to null."""
    try:
        made = wh.expression(text)
        kind = made.check(TYPES)
    except wh.ExpressionError:
        return

    found = made.evaluate(wh.Context({"E": data}, now=NOW))

    assert found is None or kind is None or kind_of(found) in (kind, ExpressionType.LIST, *wider(kind))


def wider(kind: ExpressionType) -> list[ExpressionType]:
    """Data of a declared decimal may be written as an integer; a list of nulls has no type."""
    return {
        ExpressionType.DECIMAL: [ExpressionType.INTEGER],
        ExpressionType.LIST_DECIMAL: [ExpressionType.LIST_INTEGER],
    }.get(kind, [])


# Arithmetic


def divided(left: float, right: float) -> float:
    """The quotient, without fraction for two integers; by 0 it is 0."""
    if isinstance(left, int) and isinstance(right, int):
        return math.trunc(left / right) if right else 0
    return left / right if right else 0.0


OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "/": lambda a, b: (
        (0 if not b else math.trunc(a / b)) if isinstance(a, int) and isinstance(b, int) else a / b if b else 0.0
    ),
    "%": lambda a, b: math.fmod(a, b) if b else 0,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    "==": lambda a, b: a == b,
}
numbers = st.integers(-(2**31), 2**31) | st.decimals(-1_000_000, 1_000_000, places=6).map(float)


@given(numbers, numbers, st.sampled_from(sorted(OPERATIONS)))
def test_arithmetic_agrees_with_the_reference(left: float, right: float, sign: str) -> None:
    """Integers divide without fraction, a decimal makes a decimal, and constants and data give the same."""
    expected = OPERATIONS[sign](left, right)

    found = wh.expression(f"@event{{E.left}} {sign} @event{{E.right}}").evaluate(
        wh.Context({"E": {"left": left, "right": right}})
    )
    constant = wh.expression(f"{number(left)} {sign} {number(right)}").evaluate(wh.Context())

    assert found == expected
    assert constant == found
    assert type(constant) is type(found)
    if sign in "+-/%":
        assert type(found) is (float if float in (type(left), type(right)) else int)


def number(value: float) -> str:
    """The constant of a number."""
    text = format(value, ".400f") if isinstance(value, float) else str(value)
    return f"({text})"


@given(st.integers(-(2**64), 2**64), st.integers(-(2**64), 2**64), st.sampled_from("+-*"))
def test_whole_numbers_have_64_bits(left: int, right: int, sign: str) -> None:
    """A result within the range is exact, one outside is refused."""
    expected = {"+": left + right, "-": left - right, "*": left * right}[sign]
    made = wh.expression(f"@event{{E.left}} {sign} @event{{E.right}}")
    context = wh.Context({"E": {"left": left, "right": right}})

    if -(2**63) <= expected < 2**63:
        assert made.evaluate(context) == expected
    else:
        try:
            made.evaluate(context)
        except wh.WrongType as error:
            assert "range" in str(error)  # noqa: PT017 - the only right answer
        else:
            raise AssertionError


# Durations


@given(st.timedeltas(timedelta(days=-10_000), timedelta(days=10_000)))
def test_the_text_of_a_duration_is_read_back(length: timedelta) -> None:
    """`toString` and `toDuration` are each other's inverse."""
    made = wh.expression("toDuration(toString(@event{E.x}))")

    assert made.evaluate(wh.Context({"E": {"x": length}})) == length


# Regular expressions

letters = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "\\w", "\\d", "x"])
patterns = st.recursive(
    letters,
    lambda below: st.one_of(
        st.builds("{}{}".format, below, below),
        st.builds("(?:{}|{})".format, below, below),
        st.builds("({})".format, below),
        st.builds("(?:{}){}".format, below, st.sampled_from(["*", "+", "?", "{1,2}", "*?", "+?", "??"])),
    ),
    max_leaves=6,
)


def spans(wanted: re.Pattern[str], text: str) -> list[tuple[int, int]]:
    """The matches as Java finds them: after an empty one the search goes on one character further."""
    found, at = [], 0
    while at <= len(text) and (match := wanted.search(text, at)) is not None:
        found.append(match.span())
        at = match.end() + (match.end() == match.start())
    return found


@given(patterns, st.text("abx1", max_size=7))
@example("(?:a)*?", "a")
@example("(?:(?:.)*?)*", "1")
def test_both_engines_and_re_agree(wanted: str, text: str) -> None:
    """Our machine finds what Python's `re` finds: matches of the whole, and every match."""
    compiled, theirs = pattern(wanted), re.compile(wanted, re.ASCII)

    whole = Machine(compiled._program, text).at(0, whole=True)
    found = [match[:2] for match in Machine(compiled._program, text).every()]

    assert (whole is not None) == (theirs.fullmatch(text) is not None)
    assert found == spans(theirs, text)
    assert [match[:2] for match in compiled.found(text, None)] == found
    replaced = wh.expression("replaceAll(@event{E.text}, @event{E.wanted}, '-')")
    context = wh.Context({"E": {"text": text, "wanted": wanted}})
    assert replaced.evaluate(context) == filled(text, found)


def filled(text: str, found: list[tuple[int, int]]) -> str:
    """The text with a dash for each of the spans."""
    pieces, end = [], 0
    for start, stop in found:
        pieces += [text[end:start], "-"]
        end = stop
    return "".join([*pieces, text[end:]])


@given(st.text("ab(|)*+?{}[]^$.\\dwQE1,:<>=!&-", max_size=14), st.text("ab1", max_size=6))
def test_any_pattern_is_right_or_refused(wanted: str, text: str) -> None:
    """No text breaks the reader, and none breaks the machine."""
    try:
        compiled = pattern(wanted)
        quick = compiled.matches(text, None)
        slow = Machine(compiled._program, text).at(0, whole=True) is not None
    except Misfit as misfit:
        assert "regular expression" in str(misfit)  # noqa: PT017 - one of two right answers
        return
    assert quick is slow


# Fuzz

tokens = st.sampled_from(
    ["@event{", "@{", "@action{", "@datasetLookup{", "#{", "${", "}", ".", ",", "defaultValue", "params", ":", "'", '"',
     "\\", "\\u", "(", ")", "[", "]", "{", "+", "-", "*", "/", "%", "==", "!=", "<", ">=", "1", "0.5", "9" * 30, "true",
     "null", "not", "and", "or", "is", "has", "numeric", "if", "then", "else", "a", "-b", " ", "\n", "é", "\ud800",
     "currentEventField", "currentActionField", "all", "first", "at", "entry", "keys", "date", "'2030-01-02'",
     "'PT1H'", "'days'", "'UTC'", "'(a+)+b'", *FUNCTIONS]
)  # fmt: skip
sources = st.lists(tokens, max_size=20).map(" ".join) | expressions
leaves = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.datetimes() | st.timedeltas()
)
data = st.recursive(
    leaves, lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text("ax", max_size=2), below, max_size=3)
)


@settings(max_examples=300)
@given(sources, data, st.sampled_from(["lenient", "journey_orchestration", "journey_optimizer"]))
def test_no_text_and_no_data_raise_anything_but_our_errors(text: str, value: Any, dialect: str) -> None:
    """Whatever is written and whatever comes: a value, an error of the text with its places, or a wrong type."""
    try:
        made = wh.expression(text, dialect=dialect)
    except wh.ExpressionError as error:
        for problem in error.problems:
            lines = text.split("\n")
            assert 1 <= problem.line <= len(lines)
            assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
        return
    event = dict.fromkeys((*FIELDS, *LISTS, "rows", "map", "a"), value)
    context = wh.Context({"E": event, "a": event}, actions={"a": event}, data_sources={"a": event}, now=NOW)
    assert made.references is not None
    try:
        made.evaluate(context)
    except wh.WrongType as error:
        assert "of the expression)" in str(error)  # noqa: PT017 - one of two right answers


@given(trees)
def test_no_tree_raises_anything_but_our_errors(tree: Node) -> None:
    """Every tree compiles and evaluates, or is refused."""
    try:
        made = wh.expression(printed(tree))
    except wh.ExpressionError:
        return
    try:
        made.evaluate(wh.Context({"a": {"first": [{"a": 1}]}}, now=NOW))
    except wh.WrongType as error:
        assert error.violations  # noqa: PT017 - one of two right answers


@given(trees)
def test_a_tree_is_a_value(tree: Node) -> None:
    """Places, depth and parentheses do not make trees different."""
    assert attrs.evolve(tree, place=7, depth=3, enclosed=True) == tree
