"""JSON values: read strictly, and judged before they are written. No I/O."""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import Any

from wayhook.errors import DefinitionError, Violation

__all__ = [
    "MAX_DEPTH",
    "MAX_NODES",
    "SHOWN",
    "Json",
    "has_many_parts",
    "is_bounded",
    "is_unicode",
    "json_fault",
    "json_form",
    "parse_exact_json",
    "parse_json",
]

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

MAX_DEPTH = 64
MAX_NODES = 100_000
SHOWN = 40
"""Characters of a name that a message shows."""


def parse_json(text: str | bytes, *, depth: int = MAX_DEPTH) -> Json:
    """Parse JSON strictly: no duplicate names, no NaN, Infinity or number beyond a double, at most `depth` levels.

    Raises `DefinitionError` with the place (line and column) and never with the text.
    """
    value: Json = _parsed(text, depth, _STRICT)
    return value


def parse_exact_json(text: str | bytes) -> Any:
    """Parse as `parse_json` does; a number that no double holds as it is written becomes a `Decimal`."""
    return _parsed(text, MAX_DEPTH, _EXACT)


def _parsed(text: str | bytes, depth: int, decoder: json.JSONDecoder) -> Any:
    fault = "nested too deeply, or with a number of too many digits"
    try:
        source = text if isinstance(text, str) else text.decode().removeprefix("\ufeff")
        value, end = decoder.raw_decode(source, len(source) - len(source.lstrip(_SPACE)))
        if rest := source[end:].lstrip(_SPACE):
            raise json.JSONDecodeError("Extra data", source, len(source) - len(rest))
    except DefinitionError:
        raise
    except json.JSONDecodeError as error:
        fault = f"not JSON at line {error.lineno}, column {error.colno}: {error.msg}"
    except UnicodeDecodeError:
        fault = "not UTF-8 text"
    except (RecursionError, ValueError):
        pass
    else:
        if not _is_deep(text, value, depth):
            return value
        fault = f"nested more than {depth} levels deep; make it flatter"
    raise DefinitionError([Violation("$", fault, "R135")])


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DefinitionError([Violation("$", f"the name {twice[:SHOWN]!r} stands twice in one object; keep one")])
    return found


def _refused(word: str) -> float:
    raise DefinitionError([Violation("$", f"{word} is not JSON; use a number or null")])


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise DefinitionError([Violation("$", "a number is beyond the range of a double; write it as a string")])
    return value


def _exact(text: str) -> float | Decimal:
    value = _float(text)
    if len(text) <= _SURE and "e" not in text.lower():
        return value
    if not value or len(text) > _LONGEST:
        return value
    exact = Decimal(text)
    return value if Decimal(repr(value)) == exact else exact


_SPACE = " \t\n\r"
_SURE, _LONGEST = 16, 400
"""Up to so many signs a number without an exponent is what its double says; beyond so many it is a double anyway."""
_STRICT = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refused, parse_float=_float)
_EXACT = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refused, parse_float=_exact)


_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
"""A string of a JSON text; one without an end goes to the end, so that a search takes no longer than the text."""


def has_many_parts(text: bytes) -> bool:
    """Whether a JSON text has more than 100,000 parts, told without building them, which would take long."""
    return len(text) > MAX_NODES and _parts(text) > MAX_NODES and _parts(_STRING.sub(b"0", text)) > MAX_NODES


def _parts(text: bytes) -> int:
    """How many values a JSON text has; what stands in its strings counts along."""
    empty = text.count(b"[]") + text.count(b"{}")
    return 1 + text.count(b",") + text.count(b"[") + text.count(b"{") - empty


def _is_deep(text: str | bytes, value: Any, depth: int) -> bool:
    """Whether a value is nested too deeply; only walked where the text has that many brackets at all."""
    if len(text) <= 2 * depth:
        return False
    brackets = text.count("[") + text.count("{") if isinstance(text, str) else text.count(b"[") + text.count(b"{")
    if brackets <= depth:
        return False
    level: list[Any] = [value]
    for _ in range(depth + 1):
        containers = [item for item in level if isinstance(item, dict | list)]
        level = [below for item in containers for below in (item.values() if isinstance(item, dict) else item)]
        if not containers:
            return False
    return True


def json_fault(value: Any) -> tuple[str, str] | None:
    """Return where (`.a[0]`) and why `value` is no JSON value that can be written, or None when it is one.

    Objects have names that are text, numbers are finite, texts are Unicode, and there are at most 64 levels and
    100,000 parts; a value that contains itself has too many.
    """
    if not isinstance(value, dict | list | tuple):
        fault = _scalar_fault(value)
        return None if fault is None else ("", fault)
    waiting = [("", value, 0)]
    for _ in range(MAX_NODES):
        if not waiting:
            return None
        path, part, depth = waiting.pop()
        if depth > MAX_DEPTH:
            return "", f"this is nested more than {MAX_DEPTH} levels deep; make it flatter"
        if isinstance(part, dict | list | tuple) and len(part) + len(waiting) > MAX_NODES:
            break
        if isinstance(part, dict):
            if (fault := next(filter(None, map(_name_fault, part)), None)) is not None:
                return path, fault
            waiting += [(f"{path}.{name}", below, depth + 1) for name, below in part.items()]
        elif isinstance(part, list | tuple):
            waiting += [(f"{path}[{i}]", below, depth + 1) for i, below in enumerate(part)]
        elif (fault := _scalar_fault(part)) is not None:
            return path, fault
    return "", f"this has more than {MAX_NODES:,} parts; send less"


def _name_fault(name: Any) -> str | None:
    if type(name) is not str:
        return f"the names of an object are texts, not {type(name).__name__}"
    return None if is_unicode(name) else "a name holds a lone surrogate; remove it"


def _scalar_fault(value: Any) -> str | None:
    kind = type(value)
    if value is None or kind is bool:
        return None
    if kind is str:
        return None if is_unicode(value) else "this text holds a lone surrogate; remove it"
    if kind is int:
        return None if value.bit_length() <= 1024 else "this number has too many digits"  # noqa: PLR2004 - a double's range
    if kind is float:
        return None if math.isfinite(value) else "this number is not finite"
    return f"a {kind.__name__} is no JSON value"


def json_form(value: Any) -> Any:
    """Return a value with its sequences as lists and its texts as plain strings, as JSON would bring it back.

    A value that is too deep or too large, or contains itself, is returned as it is.
    """
    return _listed(value) if is_bounded(value) else value


def _listed(value: Any) -> Any:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, list | tuple):
        return [_listed(item) for item in value]
    if type(value) is dict:
        return {name: _listed(below) for name, below in value.items()}
    return value


def is_bounded(value: Any, *, depth: int = MAX_DEPTH, parts: int = MAX_NODES) -> bool:
    """Whether a value has at most `depth` levels and so many `parts`; one that contains itself has more."""
    waiting = [(value, 0)]
    for _ in range(parts):
        if not waiting:
            return True
        part, level = waiting.pop()
        if level > depth:
            return False
        if isinstance(part, list | tuple | dict) and len(part) + len(waiting) > parts:
            return False
        if isinstance(part, list | tuple):
            waiting += [(below, level + 1) for below in part]
        elif type(part) is dict:
            waiting += [(below, level + 1) for below in part.values()]
    return False


def is_unicode(text: str) -> bool:
    """Whether a text can be written as UTF-8: it holds no lone surrogate."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
