"""Text to syntax tree, with lark's LALR parser behind it.

The one module that imports lark. Grammar after section 1.3 of `reference/expression-language.md`.
"""

from __future__ import annotations

import functools
import re
from typing import Any

import lark

from wayhook.errors import ExpressionError
from wayhook.expression.syntax import Literal, Node, Plus, Reference, Source
from wayhook.values import INTEGER_MAX, INTEGER_MIN, DataType

__all__ = ["parse"]

MAX_LENGTH = 10_000
MAX_DEPTH = 64

_GRAMMAR = r"""
    ?start: plus
    ?plus: signed (PLUS signed)*
    ?signed: MINUS INTEGER -> negative | MINUS DECIMAL -> negative | primary
    ?primary: STRING -> string
            | INTEGER -> integer
            | DECIMAL -> decimal
            | TRUE -> true
            | FALSE -> false
            | NULL -> null
            | reference
            | "(" plus ")"
    reference: (EVENT | ACTION | DATA_SOURCE | JOURNEY) segment ("." segment)* ("," "defaultValue" ":" plus)? "}"
    segment: NAME | STRING

    EVENT: /@(event)?\s*\{/
    ACTION: /@action\s*\{/
    DATA_SOURCE: /#\s*\{/
    JOURNEY: /\$\s*\{/
    PLUS: "+"
    MINUS: "-"
    TRUE: "true"
    FALSE: "false"
    NULL: "null"
    DECIMAL: /[0-9]+\.[0-9]+/
    INTEGER: /[0-9]+/
    NAME: /[A-Za-z_][A-Za-z0-9_-]*/
    STRING: /"(\\.|[^"\\])*"/s | /'(\\.|[^'\\])*'/s
    %ignore /[ \t\r\n]+/
"""

_WORDS = {
    "STRING": "a quoted text", "INTEGER": "a whole number", "DECIMAL": "a decimal number", "TRUE": "true",
    "FALSE": "false", "NULL": "null", "EVENT": "@event{…}", "ACTION": "@action{…}", "DATA_SOURCE": "#{…}",
    "JOURNEY": "${…}", "PLUS": "'+'", "MINUS": "'-'", "LPAR": "'('", "RPAR": "')'", "RBRACE": "'}'", "DOT": "'.'",
    "COMMA": "','", "COLON": "':'", "DEFAULTVALUE": "defaultValue", "NAME": "a field name", "$END": "the end",
}  # fmt: skip
_ESCAPES = {
    '"': '"', "'": "'", "\\": "\\", "/": "/", "n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f",
}  # fmt: skip
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_SOURCES = {
    "EVENT": Source.EVENT, "ACTION": Source.ACTION, "DATA_SOURCE": Source.DATA_SOURCE, "JOURNEY": Source.JOURNEY,
}  # fmt: skip


def parse(text: str) -> Node:
    """Return the tree of `text`; raises `ExpressionError` with line, column and what was expected."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"the expression is longer than {MAX_LENGTH} characters; shorten it", text=text[:80])
    try:
        return _builder(text)
    except lark.exceptions.UnexpectedToken as error:
        raise _unexpected(text, error) from None
    except lark.exceptions.UnexpectedCharacters as error:
        raise _unexpected_character(text, error) from None
    except lark.exceptions.VisitError as error:
        if isinstance(error.orig_exc, _Refused):
            raise _refused(text, error.orig_exc) from None
        raise
    except _Refused as refused:
        raise _refused(text, refused) from None


class _Refused(Exception):  # noqa: N818 - inside of this module only
    """A token cannot be used: the message, and the token that tells line and column."""


def _refused(text: str, refused: _Refused) -> ExpressionError:
    message, token = refused.args
    return ExpressionError(message, text=text, line=token.line, column=token.column)


def _unexpected(text: str, error: lark.exceptions.UnexpectedToken) -> ExpressionError:
    if error.token.type == "$END":
        lines = text.split("\n")
        message = "the expression ends too early" if text.strip() else "the expression is empty"
        place = (len(lines), len(lines[-1]) + 1)
        return ExpressionError(message, text=text, line=place[0], column=place[1], expected=_expected(text))
    before = text[: error.token.start_pos]
    message = f"{str(error.token)[:40]!r} is not expected here"
    return ExpressionError(message, text=text, line=error.line, column=error.column, expected=_expected(before))


def _unexpected_character(text: str, error: lark.exceptions.UnexpectedCharacters) -> ExpressionError:
    place = error.pos_in_stream or 0
    sign = text[place]
    message = "this quoted text has no end" if sign in "\"'" else f"the character {sign!r} is not expected here"
    return ExpressionError(message, text=text, line=error.line, column=error.column, expected=_expected(text[:place]))


def _expected(before: str) -> tuple[str, ...]:
    """What may follow the right part of a text, in words: read anew, since an LALR error looks too far ahead."""
    state = _lark().parse_interactive(before)
    state.exhaust_lexer()
    return tuple(sorted(_WORDS[name] for name in state.accepts()))  # type: ignore[no-untyped-call]


@lark.v_args(inline=True)
class _Tree(lark.Transformer[lark.Token, Node]):
    """Builds the nodes while lark parses, so that no deep tree is walked."""

    def string(self, token: lark.Token) -> Literal:
        return Literal(_unquoted(token), DataType.STRING)

    def integer(self, token: lark.Token, sign: int = 1) -> Literal:
        value = sign * int(token) if len(token) < 20 else INTEGER_MAX + 1  # noqa: PLR2004 - more digits than 2^63
        if not INTEGER_MIN <= value <= INTEGER_MAX:
            raise _Refused("a whole number is from -2^63 to 2^63-1", token)
        return Literal(value, DataType.INTEGER)

    def decimal(self, token: lark.Token, sign: int = 1) -> Literal:
        return Literal(sign * float(token), DataType.DECIMAL)

    def negative(self, _: lark.Token, number: lark.Token) -> Literal:
        return self.integer(number, -1) if number.type == "INTEGER" else self.decimal(number, -1)

    def true(self, _: lark.Token) -> Literal:
        return Literal(True, DataType.BOOLEAN)

    def false(self, _: lark.Token) -> Literal:
        return Literal(False, DataType.BOOLEAN)

    def null(self, _: lark.Token) -> Literal:
        return Literal(None, None)

    def segment(self, token: lark.Token) -> lark.Token:
        return token.update(value=_unquoted(token)) if token.type == "STRING" else token

    def reference(self, opening: lark.Token, *rest: Any) -> Reference:
        segments = [part for part in rest if isinstance(part, lark.Token)]
        default = rest[-1] if not isinstance(rest[-1], lark.Token) else None
        source = _SOURCES[opening.type]
        if source is Source.JOURNEY and len(segments) > 1:
            raise _Refused("a journey property is one name, such as ${externalKey}", segments[1])
        _check_depth(default, opening)
        root = segments[0]
        return Reference(source, tuple(map(str, segments)), (root.start_pos or 0, root.end_pos or 0), default)

    def plus(self, first: Node, *rest: Any) -> Node:
        signs, operands = rest[::2], rest[1::2]
        _check_depth(Plus((first, *operands), ()), signs[0])
        positions = tuple((sign.line, sign.column) for sign in signs)
        return Plus((first, *operands), positions)


def _check_depth(node: Node | None, token: lark.Token) -> None:
    if _depth(node) >= MAX_DEPTH:
        raise _Refused(f"the expression is nested more than {MAX_DEPTH} levels deep; make it flatter", token)


def _depth(node: Node | None) -> int:
    match node:
        case Reference():
            return 1 + _depth(node.default)
        case Plus():
            return 1 + max(map(_depth, node.operands))
        case _:
            return 0


def _unquoted(token: lark.Token) -> str:
    def escaped(found: re.Match[str]) -> str:
        sign = found[1]
        if len(sign) > 1:
            return chr(int(sign[1:], 16))
        if sign not in _ESCAPES:
            raise _Refused(f"'\\{sign}' is no escape; write '\\\\' for a backslash", token)
        return _ESCAPES[sign]

    text = _ESCAPE.sub(escaped, token[1:-1])
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise _Refused("the text holds half a surrogate pair; write both halves", token) from None


@functools.cache
def _lark() -> lark.Lark:
    return lark.Lark(_GRAMMAR, parser="lalr", transformer=_Tree(), maybe_placeholders=False)


def _builder(text: str) -> Node:
    return _lark().parse(text)  # type: ignore[return-value]  # the transformer builds nodes while it parses
