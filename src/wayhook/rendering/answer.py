"""The declared fields of an answer, and the token in the answer of an authentication call. No I/O.

Section 5 of the rules (R175 to R189): exactly the declared fields are read; what is missing is null; what is of
another type is reported, never a crash.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from wayhook.errors import DefinitionError
from wayhook.jsonvalue import MAX_NODES, SHOWN, Json, has_many_parts, parse_exact_json, parse_json
from wayhook.model.action import Action
from wayhook.model.parameter import MessageParameter
from wayhook.rendering.reflection import masked_json, masked_text
from wayhook.values import DataType, Misfit, conform
from wayhook.wire import Response

__all__ = ["lifetime_of", "read_answer", "read_lifetime", "read_token"]

MAX_FAULTS = 20
MAX_MISFITS = 1000
"""Values of another type than the declared one, after which the rest is left: each costs the loop time (P9)."""
MAX_TOKEN = 8192
_TOKEN = re.compile(rf"[\x21-\x7e]{{1,{MAX_TOKEN}}}", re.ASCII)


def read_answer(action: Action, response: Response, reflected: Sequence[str] = ()) -> tuple[Json, tuple[str, ...]]:
    """Return the declared fields of `response`, and why some of them could not be read.

    `reflected`: how the secrets of the call are spelled where the answer repeats them; they are masked in both.
    """
    fields, faults = _read(action, response)
    if reflected and b"\\" in response.body:  # without an escape in it the body was masked as it came
        shown = [*reflected, *(spelling[:SHOWN] for spelling in reflected)]
        return masked_json(fields, reflected), tuple(masked_text(fault, shown) for fault in faults)
    return fields, faults


def _read(action: Action, response: Response) -> tuple[Json, tuple[str, ...]]:
    """The declared fields of an answer, and why some of them could not be read.

    The success fields are read from a 2xx (R189), the failure fields from anything else (R182, R183). None when
    nothing is declared for that case, or the body is no JSON object or has more than 100,000 values. Numbers are those
    of the answer: a decimal is a float where that is the number written, else a `Decimal`.
    """
    declared = action.response if response.succeeded else action.failure_response
    if not declared:
        return None, ()
    body, reasons = _body(response)
    if not isinstance(body, dict):
        return None, reasons or (f"$: an object was declared, {type(body).__name__} came",)
    faults: list[str] = []
    fields = _fields(declared, body, "$", faults)
    if len(faults) >= MAX_MISFITS:
        faults[MAX_FAULTS - 1] = f"$: {MAX_MISFITS:,} values do not fit; those after them were not read"
    return fields, tuple(faults[:MAX_FAULTS])


def _body(response: Response) -> tuple[Json, tuple[str, ...]]:
    """The body as JSON, or why it is none that can be read."""
    if response.fault:
        return None, (f"$: {response.fault}",)
    if not response.body.strip():
        return None, ("$: fields are declared, and the body is empty",)
    if has_many_parts(response.body):
        return None, (f"$: the answer has more than {MAX_NODES:,} values; ask for fewer at once",)
    try:
        return parse_exact_json(response.body), ()
    except DefinitionError as error:
        return None, tuple(f"{violation.path}: {violation.message}" for violation in error.violations)


def _fields(
    declared: Sequence[MessageParameter], body: Mapping[str, Any], path: str, faults: list[str]
) -> dict[str, Json]:
    found = {}
    for field in declared:
        value = body.get(field.name)
        if value is not None:
            value = _typed(field.data_type, field.parameters, value, (path, ".", field.name), faults)
        found[field.name] = value
    return found


def _typed(
    data_type: DataType, below: Sequence[MessageParameter], value: Any, path: tuple[str, ...], faults: list[str]
) -> Json:
    """The value, if it has the declared type; else null, and a fault.

    `path`: the parts of its path, to be joined where somebody asks.
    """
    if len(faults) >= MAX_MISFITS:
        return None
    try:
        value = conform(data_type)(value)
    except Misfit as misfit:
        faults.append(f"{''.join(path)} {misfit}")
        return None
    if not data_type.is_container:
        return value  # type: ignore[no-any-return]  # a scalar that conforms
    if data_type is DataType.OBJECT:
        return _fields(below, value, "".join(path), faults)
    item = data_type.item
    if item is None:
        return value  # type: ignore[no-any-return]  # an array of arrays as it came
    fields = below[0].parameters if item is DataType.OBJECT and below else ()
    return [
        None if part is None else _typed(item, fields, part, (*path, f"[{i}]"), faults) for i, part in enumerate(value)
    ]


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
