"""The declared fields of an answer, and the token in the answer of an authentication call. No I/O.

Section 5 of the rules (R175 to R189): exactly the declared fields are read; what is missing is null; what is of
another type is reported, never a crash.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wayhook.errors import DefinitionError
from wayhook.jsonvalue import MAX_NODES, SHOWN, Json, has_many_parts, parse_exact_json, parse_json
from wayhook.model.action import Action
from wayhook.model.parameter import MessageParameter
from wayhook.rendering.reflection import masked_json, masked_text
from wayhook.values import DataType, Misfit, conform
from wayhook.wire import Response

__all__ = ["Answered", "compile_answer", "lifetime_of", "read_lifetime", "read_token"]

MAX_FAULTS = 20
MAX_MISFITS = 1000
"""Values of another type than the declared one, after which the rest is left: each costs the loop time (P9)."""
MAX_TOKEN = 8192
_TOKEN = re.compile(rf"[\x21-\x7e]{{1,{MAX_TOKEN}}}", re.ASCII)


Answered = tuple[Json, tuple[str, ...]]
"""The declared fields of an answer, and why some of them could not be read."""

_Read = Callable[[Any, tuple[str, ...], list[str]], Json]
"""Reads a value that is not null. Its path comes in parts, to be joined where somebody asks; faults are added."""


def compile_answer(action: Action) -> Callable[..., Answered]:
    """Return what reads the declared fields of an answer, and tells why some of them could not be read.

    It takes the answer and, as `reflected`, how the secrets of the call are spelled where the answer repeats them; they
    are masked in both.

    The success fields are read from a 2xx (R189), the failure fields from anything else (R182, R183). None when
    nothing is declared for that case, or the body is no JSON object or has more than 100,000 values. Numbers are those
    of the answer: a decimal is a float where that is the number written, else a `Decimal`.
    """
    of_success, of_failure = _object(action.response), _object(action.failure_response)

    def read(response: Response, reflected: Sequence[str] = ()) -> Answered:
        succeeded = response.succeeded
        if not (action.response if succeeded else action.failure_response):
            return None, ()
        found, faults = _read(of_success if succeeded else of_failure, response)
        if reflected and b"\\" in response.body:  # without an escape in it the body was masked as it came
            shown = [*reflected, *(spelling[:SHOWN] for spelling in reflected)]
            return masked_json(found, reflected), tuple(masked_text(fault, shown) for fault in faults)
        return found, faults

    return read


def _read(fields: _Read, response: Response) -> Answered:
    body, reasons = _body(response)
    if not isinstance(body, dict):
        return None, reasons or (f"$: an object was declared, {type(body).__name__} came",)
    faults: list[str] = []
    found = fields(body, ("$",), faults)
    if len(faults) >= MAX_MISFITS:
        faults[MAX_FAULTS - 1] = f"$: {MAX_MISFITS:,} values do not fit; those after them were not read"
    return found, tuple(faults[:MAX_FAULTS])


def _body(response: Response) -> Answered:
    """The body as JSON, or why it is none that can be read."""
    if response.fault:
        return None, (f"$: {response.fault}",)
    if not response.body or response.body.isspace():
        return None, ("$: fields are declared, and the body is empty",)
    if has_many_parts(response.body):
        return None, (f"$: the answer has more than {MAX_NODES:,} values; ask for fewer at once",)
    try:
        return parse_exact_json(response.body), ()
    except DefinitionError as error:
        return None, tuple(f"{violation.path}: {violation.message}" for violation in error.violations)


def _object(declared: Sequence[MessageParameter]) -> _Read:
    """What reads the declared fields of an object."""
    fields = [(field.name, _typed(field.data_type, field.parameters)) for field in declared]

    def read(body: Mapping[str, Any], path: tuple[str, ...], faults: list[str]) -> Json:
        found: dict[str, Json] = {}
        for name, typed in fields:
            value = body.get(name)
            found[name] = None if value is None else typed(value, (*path, ".", name), faults)
        return found

    return read


def _list(data_type: DataType, fields: Sequence[MessageParameter]) -> _Read:
    """What reads the items of a list of this type, which are objects with these `fields`, or scalars."""
    item = _typed(data_type, fields)

    def read(items: Sequence[Any], path: tuple[str, ...], faults: list[str]) -> Json:
        return [None if each is None else item(each, (*path, f"[{i}]"), faults) for i, each in enumerate(items)]

    return read


def _typed(data_type: DataType, below: Sequence[MessageParameter]) -> _Read:
    """What reads a value of the declared type; another one becomes null, and a fault."""
    check = conform(data_type)
    inner: _Read | None = None
    if data_type is DataType.OBJECT:
        inner = _object(below)
    elif data_type.item is not None:  # an array of arrays stays as it came
        inner = _list(data_type.item, below[0].parameters if below else ())

    def read(value: Any, path: tuple[str, ...], faults: list[str]) -> Json:
        if len(faults) >= MAX_MISFITS:
            return None
        try:
            value = check(value)
        except Misfit as misfit:
            faults.append(f"{''.join(path)} {misfit}")
            return None
        return value if inner is None else inner(value, path, faults)

    return read


def read_token(selector: str, response: Response) -> str | None:
    """Return the token that `selector` (`response` or `json://path`) names, or None when there is no usable one.

    A token is 1 to 8,192 visible ASCII characters (P34). A path is split at `/` or `.`; a number picks an item.
    """
    token = response.text.strip() if selector == "response" and not response.fault else _selected(selector, response)
    return token if isinstance(token, str) and _TOKEN.fullmatch(token) else None


def read_lifetime(selector: str, response: Response) -> float | None:
    """Return the number that `selector` names, as a number or as its digits; None where there is none (R121)."""
    return lifetime_of(_selected(selector, response))


def lifetime_of(value: Any) -> float | None:
    """Return a value as a number of some unit of time, or None where it is none."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}", value, re.ASCII):
        return float(value)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 else None


def _selected(selector: str, response: Response) -> Any:
    """What stands at a `json://path` of an answer, or None."""
    if response.fault:
        return None
    try:
        value: Any = parse_json(response.body)
    except DefinitionError:
        return None
    for step in re.split(r"[/.]", selector.removeprefix("json://")):
        value = _step(value, step)
    return value


def _step(value: Any, step: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(step)
    if isinstance(value, list) and step.isdecimal() and int(step[:6]) < len(value):
        return value[int(step[:6])]
    return None
