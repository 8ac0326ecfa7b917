"""Values of variables as they are typed or kept in files: texts that become what a variable takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from wayhook.cli.answer import CannotRun
from wayhook.cli.file import STDIN, json_in, within
from wayhook.errors import DefinitionError, DocumentError, Violation, WrongType
from wayhook.expression.context import Context
from wayhook.jsonvalue import parse_exact_json
from wayhook.model.action import Action
from wayhook.rendering.plan import variables_by_name
from wayhook.values import DataType, Misfit, conform

__all__ = ["Kinds", "cell", "context_in", "kinds_of", "values_in"]

Kinds = Mapping[str, DataType | None]
"""The variables of an action by name, each with its type; None for those of headers and query, which are texts."""

_INTEGER = re.compile(r"[+-]?[0-9]{1,400}", re.ASCII)
_NUMBER = re.compile(r"[+-]?[0-9]{1,400}(\.[0-9]{1,400})?([Ee][+-]?[0-9]{1,3})?", re.ASCII)
_TRUTH = re.compile(r"true|false", re.IGNORECASE | re.ASCII)


def kinds_of(action: Action) -> Kinds:
    """Return the variables of `action` by the names that values are given by, with their types."""
    blanks = variables_by_name(action).items()
    return {name: None if blank.parameter is None else blank.parameter.data_type for name, blank in blanks}


def cell(text: str, kind: DataType | None) -> Any:
    """Return the value that `text` stands for in a variable of that type.

    `kind`: of the variable; None takes the text as it is. Numbers and truth values are written as in JSON, lists and
    objects are JSON, dates and times ISO texts. Raises `Misfit`.
    """
    match kind:
        case None | DataType.STRING:
            return text
        case DataType.INTEGER:
            value: Any = int(_matching(_INTEGER, text, "an integer, such as 12"))
        case DataType.DECIMAL:
            value = _decimal(_matching(_NUMBER, text, "a number, such as 1.5"))
        case DataType.BOOLEAN:
            value = _matching(_TRUTH, text, "true or false").lower() == "true"
        case _ if kind.is_container:
            value = _json(text)
        case _:
            value = text.strip()
    return conform(kind)(value)


def _matching(pattern: re.Pattern[str], text: str, wanted: str) -> str:
    if not pattern.fullmatch(text.strip()):
        raise Misfit(f"takes {wanted}; this text is none")
    return text.strip()


def _decimal(text: str) -> float | Decimal:
    """The number that a text is: a double where that is exactly the same."""
    exact = Decimal(text)
    return float(text) if Decimal(repr(float(text))) == exact else exact


def _json(text: str) -> Any:
    try:
        return parse_exact_json(text)
    except DefinitionError as error:
        raise Misfit(f"takes JSON, and this is {error.violations[0].message}") from None


def values_in(given: Iterable[str], kinds: Kinds) -> dict[str, Any]:
    """Return the values that `--values` gives: `name=text`, `@FILE` with a JSON object, `-` for one on standard input.

    A later one goes before an earlier one. Raises `WrongType` with every text that does not fit, `DocumentError` for a
    file that holds no object, and `CannotRun`.
    """
    values: dict[str, Any] = {}
    faults = []
    for item in given:
        name, equals, text = item.partition("=")
        if item == STDIN or item.startswith("@"):
            values |= _object_in(item.removeprefix("@"))
        elif not equals:
            raise CannotRun("--values takes name=value, @FILE with a JSON object, or - for one on the standard input")
        else:
            try:
                values[name] = cell(text, kinds.get(name))
            except Misfit as misfit:
                faults.append(Violation(f"$.{name}", f"it {misfit}", "R160"))
    if faults:
        raise WrongType(faults)
    return values


def _object_in(place: str) -> dict[str, Any]:
    value = json_in(place)
    if not isinstance(value, dict):
        raise DocumentError([Violation(f"{place}: $", "a JSON object belongs here: values by the names of variables")])
    return value


def context_in(place: str) -> Context:
    """Return the context in a JSON file; raises `DocumentError` with every fault, and `CannotRun`."""
    try:
        return Context.from_document(json_in(place))
    except DocumentError:
        raise
    except DefinitionError as error:
        raise within(place, error) from None
