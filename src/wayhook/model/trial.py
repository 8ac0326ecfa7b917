"""The action of a test request: one whole payload in the place of its message parameters. No I/O.

Section 5.4 of the rules (R200, R201): the payload must have the structure of the parameters, not their types.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from wayhook.errors import DefinitionError, Violation
from wayhook.jsonvalue import parse_exact_json
from wayhook.model.action import Action
from wayhook.model.parameter import MessageParameter, message_parameters
from wayhook.model.rule import WITHOUT_BODY
from wayhook.values import DataType

__all__ = ["trial"]

_BODY_OPTIONAL = WITHOUT_BODY | {"DELETE"}


def trial(action: Action, payload: Mapping[str, Any] | str | None) -> Action:
    """Return `action` with the values of `payload` as its constants: what a test request sends.

    `payload`: a JSON object, or its text. Raises `DefinitionError` for what is none (R135), for one that a GET does not
    take or another method lacks (R201), and for every field that the action does not have, lacks here, or has as an
    object or array where this is none (R200).
    """
    configuration = action.url_configuration
    method = configuration.method if configuration else "POST"
    if payload is None and method not in _BODY_OPTIONAL:
        raise DefinitionError([Violation("$.payload", f"a test of a {method} needs its payload; give it", "R201")])
    if payload is not None and method in WITHOUT_BODY:
        raise DefinitionError([Violation("$.payload", f"a {method} takes no payload; leave it out", "R201")])
    if payload is None:
        return attrs.evolve(action, message_parameters=())
    sample: Any = parse_exact_json(payload) if isinstance(payload, str) else payload
    constants = message_parameters(sample)
    if faults := list(_faults(action.message_parameters, sample, "$.payload")):
        raise DefinitionError(faults)
    return attrs.evolve(action, message_parameters=constants)


def _faults(declared: tuple[MessageParameter, ...], given: Mapping[str, Any], path: str) -> Iterator[Violation]:
    known = {parameter.name: parameter for parameter in declared}
    for name in given:
        if name not in known:
            yield Violation(f"{path}.{name}", "the action has no such field; take it out", "R200")
    for name, parameter in known.items():
        optional = parameter.variable is not None and parameter.variable.optional
        if name in given:
            yield from _structure_faults(parameter, given[name], f"{path}.{name}")
        elif not optional:
            yield Violation(f"{path}.{name}", "this field of the action is missing; add it", "R200")


def _structure_faults(parameter: MessageParameter, given: Any, path: str) -> Iterator[Violation]:
    """A null stands for anything; the items of an array are looked at where they are objects of a variable list."""
    wanted, found = _shape(parameter.data_type), _shape_of(given)
    if given is None:
        return
    if wanted != found:
        yield Violation(path, f"{wanted} belongs here, not {found}", "R200")
    elif parameter.data_type is DataType.OBJECT:
        yield from _faults(parameter.parameters, given, path)
    elif parameter.data_type is DataType.LIST_OBJECT and parameter.variable is not None:
        item = attrs.evolve(parameter, data_type=DataType.OBJECT, variable=None)
        for i, each in enumerate(given):
            yield from _structure_faults(item, each, f"{path}[{i}]")


def _shape(data_type: DataType) -> str:
    if data_type is DataType.OBJECT:
        return "an object"
    return "an array" if data_type.is_list else "a single value"


def _shape_of(value: Any) -> str:
    if isinstance(value, Mapping):
        return "an object"
    return "an array" if isinstance(value, list | tuple) else "a single value"
