"""Text to syntax tree, with lark's LALR parser behind it.

The one module that imports lark. Grammar after section 1.3 of `reference/expression-language.md`; the levels of its
operators (section 1.4) are a table, so that an operand costs one step of the parser and not eight.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

import attrs
import lark

from wayhook.errors import ExpressionError, ExpressionProblem
from wayhook.expression.moment import date_constant
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
    Step,
    Unary,
)
from wayhook.expression.type import ExpressionType, kind_of
from wayhook.jsonvalue import is_unicode
from wayhook.values import INTEGER_MAX, INTEGER_MIN

__all__ = ["GRAMMAR", "parse", "problem_at"]

MAX_LENGTH = 10_000
MAX_DEPTH = 64

GRAMMAR = r"""
    start: expression
    expression: _operand ((OR | AND | COMPARISON | PLUS | MINUS | TIMES) _operand)*
    _operand: (NOT | MINUS)* (STRING | INTEGER | DECIMAL | TRUE | FALSE | NULL | _node) _test*
    _node: group | items | conditional | call | reference | current
    _test: IS NOT? NULL | IS (NUMERIC | INTEGER_WORD | DECIMAL_WORD) | HAS NULL
    group: "(" expression ")"
    items: OPENING [expression ("," expression)*] "]"
    conditional: IF "(" expression ")" "then" "(" expression ")" "else" "(" expression ")"
    call: FUNCTION "(" [expression ("," expression)*] ")"
    reference: (EVENT | ACTION | DATASET_LOOKUP | DATA_SOURCE | JOURNEY) segment _step* _option* "}"
    current: CURRENT _step*
    _step: "." (segment | path_function)
    _option: "," (default | params)
    path_function: NAME "(" [expression] ")"
    default: DEFAULT_VALUE ":" expression
    params: PARAMS ":" "{" param ("," param)* "}"
    param: segment ":" expression
    segment: NAME | STRING

    EVENT: /@(event)?\s*\{/
    ACTION: /@action\s*\{/
    DATASET_LOOKUP: /@dataset[Ll]ookup\s*\{/
    DATA_SOURCE: /#\s*\{/
    JOURNEY: /\$\s*\{/
    CURRENT.1: /current(Event|DataPack|Action|DatasetLookup)Field(?![A-Za-z0-9_])/
    OR: "or"
    AND: "and"
    NOT: "not"
    IS: "is"
    HAS: "has"
    IF: "if"
    TRUE: "true"
    FALSE: "false"
    NULL: "null"
    NUMERIC: "numeric"
    INTEGER_WORD: "integer"
    DECIMAL_WORD: "decimal"
    DEFAULT_VALUE: "defaultValue"
    PARAMS: "params"
    COMPARISON: "==" | "!=" | ">=" | "<=" | ">" | "<"
    PLUS: "+"
    MINUS: "-"
    TIMES: "*" | "/" | "%"
    OPENING: "["
    DECIMAL: /[0-9]+\.[0-9]+/
    INTEGER: /[0-9]+/
    FUNCTION: /[A-Za-z][A-Za-z0-9_]*/
    NAME: /[A-Za-z_][A-Za-z0-9_-]*/
    STRING: /"(\\.|[^"\\])*"/s | /'(\\.|[^'\\])*'/s
    %ignore /[ \t\r\n]+/
"""

_AN_OPERATOR = "an operator"
_WORDS = {
    "STRING": "a quoted text", "INTEGER": "a whole number", "DECIMAL": "a decimal number", "TRUE": "true",
    "FALSE": "false", "NULL": "null", "EVENT": "@event{…}", "ACTION": "@action{…}",
    "DATASET_LOOKUP": "@datasetLookup{…}", "DATA_SOURCE": "#{…}", "JOURNEY": "${…}", "CURRENT": "a loop variable",
    "FUNCTION": "a function", "IF": "if (…) then (…) else (…)", "THEN": "then", "ELSE": "else", "OPENING": "'['",
    "PLUS": _AN_OPERATOR, "MINUS": _AN_OPERATOR, "TIMES": _AN_OPERATOR, "COMPARISON": _AN_OPERATOR,
    "OR": _AN_OPERATOR, "AND": _AN_OPERATOR, "IS": _AN_OPERATOR, "HAS": _AN_OPERATOR, "NOT": "not",
    "NUMERIC": "numeric", "INTEGER_WORD": "integer", "DECIMAL_WORD": "decimal", "LPAR": "'('", "RPAR": "')'",
    "RSQB": "']'", "LBRACE": "'{'", "RBRACE": "'}'", "DOT": "'.'", "COMMA": "','", "COLON": "':'",
    "DEFAULT_VALUE": "defaultValue", "PARAMS": "params", "NAME": "a field name", "$END": "the end",
}  # fmt: skip
_KEYWORDS = frozenset({"and", "or", "not", "is", "has", "null", "true", "false", "if", "then", "else"})
_ESCAPES = {
    '"': '"', "'": "'", "\\": "\\", "/": "/", "n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f",
}  # fmt: skip
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_SOURCES = {
    "EVENT": Source.EVENT, "ACTION": Source.ACTION, "DATASET_LOOKUP": Source.DATASET_LOOKUP,
    "DATA_SOURCE": Source.DATA_SOURCE, "JOURNEY": Source.JOURNEY,
}  # fmt: skip
_CURRENT = {
    "currentEventField": Source.EVENT, "currentDataPackField": Source.DATA_SOURCE,
    "currentActionField": Source.ACTION, "currentDatasetLookupField": Source.DATASET_LOOKUP,
}  # fmt: skip
_LEVELS = {"OR": 1, "AND": 2, "COMPARISON": 4, "IS": 4, "HAS": 4, "PLUS": 5, "MINUS": 5, "TIMES": 6}
_NOT_LEVEL, _LOOSEST = 3, 1
_DIGITS = 400


def parse(text: str) -> Node:
    """Return the tree of `text`; raises `ExpressionError` with line, column and what was expected."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"the expression is longer than {MAX_LENGTH} characters; shorten it", text=text[:80])
    try:
        return _lark().parse(text)  # type: ignore[return-value]  # the transformer builds nodes while it parses
    except lark.exceptions.UnexpectedToken as error:
        fault = _unexpected(text, error)
    except lark.exceptions.UnexpectedCharacters as error:
        fault = _unexpected_character(text, error.pos_in_stream or 0)
    except _Deep as deep:
        message = f"the expression is nested more than {MAX_DEPTH} levels deep; make it flatter"
        fault = ExpressionError.of([problem_at(message, text, deep.args[0])], text)
    raise fault  # out here it keeps nothing of the parser, which some libraries would pickle along with it


def problem_at(message: str, text: str, place: int, expected: tuple[str, ...] = ()) -> ExpressionProblem:
    """Return the problem at the character number `place` of `text`."""
    line = text.count("\n", 0, place) + 1
    return ExpressionProblem(message, line, place - text.rfind("\n", 0, place), expected)


class _Deep(Exception):  # noqa: N818 - inside of this module only
    """The tree is too deep at this place."""


def _unexpected(text: str, error: lark.exceptions.UnexpectedToken) -> ExpressionError:
    if error.token.type == "$END":
        place = len(text)
        message = "the expression ends too early" if text.strip() else "the expression is empty"
    else:
        place = error.token.start_pos or 0
        message = f"{str(error.token)[:40]!r} is not expected here{_hint(str(error.token))}"
    expected = _expected(text[:place])
    name = re.search(r"([A-Za-z]\w*)\s*$", text[:place], re.ASCII)
    if expected == ("'('",) and name is not None and name[1] not in _KEYWORDS:
        return _bare_word(text, name)
    return ExpressionError.of([problem_at(message, text, place, expected)], text)


def _bare_word(text: str, name: re.Match[str]) -> ExpressionError:
    """A word that would be a function, if a parenthesis followed."""
    word, place = name[1], name.start()
    message = f"{word[:40]!r} is not expected here{_hint(word)}"
    return ExpressionError.of([problem_at(message, text, place, _expected(text[:place]))], text)


def _hint(word: str) -> str:
    lower = word.lower()
    return f"; write {lower!r}" if lower in _KEYWORDS and lower != word else ""


def _unexpected_character(text: str, place: int) -> ExpressionError:
    sign = text[place]
    message = "this quoted text has no end" if sign in "\"'" else f"the character {sign!r} is not expected here"
    return ExpressionError.of([problem_at(message, text, place, _expected(text[:place]))], text)


def _expected(before: str) -> tuple[str, ...]:
    """What may follow the right part of a text, in words: read anew, since an LALR error looks too far ahead."""
    state = _lark().parse_interactive(before)
    try:
        state.exhaust_lexer()
    except lark.exceptions.UnexpectedInput:
        return ()
    return tuple(sorted({_WORDS[name] for name in state.accepts()}))  # type: ignore[no-untyped-call]


@lark.v_args(inline=True)
class _Tree(lark.Transformer[lark.Token, Node]):
    """Builds the nodes while lark parses, so that no deep tree is walked."""

    def start(self, node: Node) -> Node:
        return node

    def expression(self, *parts: Any) -> Node:
        return _Climber(parts).climb(_LOOSEST)

    def group(self, node: Node) -> Node:
        return attrs.evolve(node, enclosed=True)

    def items(self, opening: lark.Token, *items: Node | None) -> Items:
        found, place = tuple(item for item in items if item is not None), _place(opening)
        return Items(found, place=place, depth=_depth(found, place))

    def conditional(self, word: lark.Token, condition: Node, yes: Node, no: Node) -> Conditional:
        place = _place(word)
        return Conditional(condition, yes, no, place=place, depth=_depth((condition, yes, no), place))

    def call(self, name: lark.Token, *arguments: Node | None) -> Node:
        given, place = tuple(argument for argument in arguments if argument is not None), _place(name)
        if name == "date":
            return _date(given, place)
        return Call(str(name), given, place=place, depth=_depth(given, place))

    def segment(self, token: lark.Token) -> lark.Token | Invalid:
        found = token if token.type == "NAME" else _unquoted(token)
        return token.update(value=found.value) if isinstance(found, Literal) else found

    def path_function(self, name: lark.Token, argument: Node | None) -> Step | Invalid:
        fault = _path_function_fault(str(name), argument)
        if fault:
            return Invalid(fault, place=_place(name))
        return Step(str(name), argument, function=True, place=_place(name))

    def default(self, word: lark.Token, value: Node) -> tuple[lark.Token, Any]:
        return word, value

    def param(self, name: lark.Token | Invalid, value: Node) -> tuple[lark.Token | Invalid, Node]:
        return name, value

    def params(self, word: lark.Token, *params: Any) -> tuple[lark.Token, Any]:
        return word, params

    def reference(self, opening: lark.Token, *parts: Any) -> Node:
        steps = [part for part in parts if not isinstance(part, tuple)]
        options = [part for part in parts if isinstance(part, tuple)]
        params = [param for word, value in options if word == "params" for param in value]
        source, place = _SOURCES[opening.type], _place(opening)
        fault = _first_invalid([*steps, *(name for name, _ in params)]) or _reference_fault(source, steps, options)
        if fault is not None:
            return fault
        given: dict[str, Any] = dict(options)
        return self._reference(source, steps, given.get("defaultValue"), params, place)

    def _reference(
        self, source: Source, steps: list[Any], default: Node | None, params: list[Any], place: int
    ) -> Reference:
        named, root = tuple((str(name), value) for name, value in params), steps[0]
        found = tuple(_step(step) for step in steps)
        arguments = (*_arguments(found), *(value for _, value in named), *(() if default is None else (default,)))
        return Reference(
            source,
            found,
            default,
            named,
            place=place,
            root_place=root.start_pos,
            root_end=root.end_pos,
            depth=_depth(arguments, place),
        )

    def current(self, word: lark.Token, *steps: Any) -> Node:
        fault = _first_invalid(steps)
        if fault is not None:
            return fault
        found, place = tuple(_step(step) for step in steps), _place(word)
        return Current(_CURRENT[str(word)], found, place=place, depth=_depth(tuple(_arguments(found)), place))


def _place(token: lark.Token) -> int:
    return token.start_pos or 0


def _depth(nodes: tuple[Node, ...], place: int) -> int:
    depth = 1 + max((node.depth for node in nodes), default=-1)
    if depth > MAX_DEPTH:
        raise _Deep(place)
    return depth


def _step(part: Any) -> Step:
    return part if isinstance(part, Step) else Step(str(part), place=_place(part))


def _arguments(steps: tuple[Step, ...]) -> Iterator[Node]:
    return (step.argument for step in steps if step.argument is not None)


def _first_invalid(parts: Iterable[Any]) -> Invalid | None:
    return next((part for part in parts if isinstance(part, Invalid)), None)


_WITHOUT_ARGUMENT, _WITH_ARGUMENT = ("keys", "firstEntryKey"), ("at", "entry")
_WITH_OR_WITHOUT = ("all", "first", "last")


def _path_function_fault(name: str, argument: Node | None) -> str:
    if name not in (*_WITHOUT_ARGUMENT, *_WITH_ARGUMENT, *_WITH_OR_WITHOUT):
        return f"there is no path function {name[:40]!r}; there are all, first, last, at, entry, keys and firstEntryKey"
    if name in _WITHOUT_ARGUMENT and argument is not None:
        return f"{name}() takes nothing; leave the parentheses empty"
    if name in _WITH_ARGUMENT and argument is None:
        return f"{name}(…) takes {'an index' if name == 'at' else 'a key'}; write it between the parentheses"
    return ""


def _reference_fault(source: Source, steps: list[Any], options: list[Any]) -> Invalid | None:
    words = [str(word) for word, _ in options]
    for i, (word, _) in enumerate(options):
        if str(word) in words[:i]:
            return Invalid(f"{word} stands there twice; keep one", place=_place(word))
        if word == "params" and source is not Source.DATA_SOURCE:
            message = "params belong to a data source, such as #{Source.Group.field, params: {…}}"
            return Invalid(message, place=_place(word))
    if isinstance(steps[0], Step):
        return Invalid("a reference begins with a name, not with a path function", place=steps[0].place)
    if source is Source.JOURNEY and len(steps) > 1:
        return Invalid("a journey property is one name, such as ${externalKey}", place=_step(steps[1]).place)
    return None


def _date(arguments: tuple[Node, ...], place: int) -> Literal | Invalid:
    """The constant that `date("…")` stands for; its type is that of the text's shape (section 1.2)."""
    match arguments:
        case (Literal(str() as text),):
            value = date_constant(text)
            if value is not None:
                return Literal(value, kind_of(value), place=place)
            forms = "2030-01-02, 2030-01-02T03:04:05 or 2030-01-02T03:04:05+01:00"
            return Invalid(f"date takes {forms}; this text is none of them", place=place)
    message = 'date takes one text in quotes, such as date("2030-01-02"); for other texts there is toDateTime'
    return Invalid(message, place=place)


class _Climber:
    """Reads operands and operators by the levels of their precedence (section 1.4)."""

    def __init__(self, parts: tuple[Any, ...]) -> None:
        self.parts, self.at = parts, 0

    def level(self) -> int:
        """The level of the operator that comes next; 0 at the end."""
        return _LEVELS[self.parts[self.at].type] if self.at < len(self.parts) else 0

    def climb(self, loosest: int) -> Node:
        """Read an operand and the operators after it that are no looser than `loosest`."""
        node = self.operand(loosest)
        while (level := self.level()) >= loosest:
            links: list[Link] = []
            while self.level() == level:
                links.append(self.link(level))
            nodes = (node, *(link.operand for link in links if link.operand is not None))
            node = Chain(node, tuple(links), place=links[0].place, depth=_depth(nodes, links[0].place))
        return node

    def next(self) -> Any:
        self.at += 1
        return self.parts[self.at - 1]

    def operand(self, loosest: int) -> Node:
        part = self.next()
        if not isinstance(part, lark.Token):
            return part  # type: ignore[no-any-return]  # a node
        if part.type == "NOT":
            return self.negation(part, loosest)
        if part.type == "MINUS":
            return self.minus(part)
        return _literal(part, "")

    def negation(self, word: lark.Token, loosest: int) -> Node:
        words = self._same(word)
        operand, place = self.climb(_NOT_LEVEL + 1), _place(word)
        if loosest > _NOT_LEVEL:
            message = "'not' stands before a whole condition; put it and the condition in parentheses"
            return Invalid(message, place=place)
        return _unary("not", operand, words)

    def minus(self, sign: lark.Token) -> Node:
        signs = self._same(sign)
        part = self.next()
        if not isinstance(part, lark.Token):
            return _unary("-", part, signs)
        if part.type == "NOT":
            return self.negation(part, _LEVELS["TIMES"] + 1)
        number = part.type in ("INTEGER", "DECIMAL")
        return _unary("-", _literal(part, "-" if number else ""), signs[:-1] if number else signs)

    def _same(self, token: lark.Token) -> list[lark.Token]:
        """The token and those of its type that follow at once."""
        found = [token]
        while isinstance(part := self.parts[self.at], lark.Token) and part.type == token.type:
            found.append(self.next())
        return found

    def link(self, level: int) -> Link:
        word = self.next()
        if word.type == "HAS":
            self.next()
            return Link("has null", None, place=_place(word))
        if word.type == "IS":
            return self.test(word)
        operand = self.climb(level + 1)
        return Link(str(word), operand, place=_place(word))

    def test(self, word: lark.Token) -> Link:
        words = ["is", str(self.next())]
        if words[-1] == "not":
            words.append(str(self.next()))
        return Link(" ".join(words), None, place=_place(word))


def _unary(operator: str, operand: Node, tokens: list[lark.Token]) -> Node:
    """The operand below one operator for each token."""
    for token in reversed(tokens):
        operand = Unary(operator, operand, place=_place(token), depth=_depth((operand,), _place(token)))
    return operand


def _literal(token: lark.Token, sign: str) -> Node:
    place = _place(token)
    match token.type:
        case "STRING":
            return _unquoted(token)
        case "INTEGER":
            value = int(sign + token) if len(token) <= _DIGITS else INTEGER_MAX + 1
            if not INTEGER_MIN <= value <= INTEGER_MAX:
                return Invalid("a whole number is from -2^63 to 2^63-1", place=place)
            return Literal(value, ExpressionType.INTEGER, place=place)
        case "DECIMAL":
            return _decimal(float(sign + token), place)
        case "NULL":
            return Literal(None, None, place=place)
    return Literal(token.type == "TRUE", ExpressionType.BOOLEAN, place=place)


def _decimal(value: float, place: int) -> Node:
    if math.isinf(value):
        return Invalid("a decimal number is within the range of a double", place=place)
    return Literal(value, ExpressionType.DECIMAL, place=place)


def _unquoted(token: lark.Token) -> Literal | Invalid:
    faults: list[str] = []

    def escaped(found: re.Match[str]) -> str:
        sign = found[1]
        if len(sign) > 1:
            return chr(int(sign[1:], 16))
        if sign not in _ESCAPES:
            faults.append(f"'\\{sign}' is no escape; write '\\\\' for a backslash")
        return _ESCAPES.get(sign, "")

    text = token[1:-1]
    if "\\" in text:
        text = _ESCAPE.sub(escaped, text)
    if not is_unicode(text):
        try:
            text = text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            faults.append("the text holds half a surrogate pair; write both halves")
    if faults:
        return Invalid(faults[0], place=_place(token))
    return Literal(text, ExpressionType.STRING, place=_place(token))


@functools.cache
def _lark() -> lark.Lark:
    return lark.Lark(GRAMMAR, parser="lalr", transformer=_Tree(), maybe_placeholders=True)
