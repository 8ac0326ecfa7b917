"""The types of what actions answer, as expressions are checked against them. No I/O.

Section 5 of the rules (R175, R182, R190): exactly the declared fields can be read, those of a failure below
`errorResponse`, and `jo_status_code` always.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from wayhook.errors import DefinitionError, Violation
from wayhook.model.action import Action
from wayhook.model.parameter import MessageParameter
from wayhook.model.shape import as_tuple
from wayhook.values import DataType

__all__ = ["answer_types"]


def answer_types(actions: Action | Iterable[Action]) -> dict[str, str]:
    """Return the types of the fields that `@action{…}` can read, by path, such as `action.Weather.temp`.

    They are what `Expression.check` takes, and what a context's document takes as `types`.
    """
    given = (actions,) if isinstance(actions, Action) else as_tuple(actions)
    if not isinstance(given, tuple) or not all(isinstance(action, Action) for action in given):
        raise DefinitionError([Violation("$.actions", "give the actions whose answers are read")])
    return {path: str(kind) for action in given for path, kind in _types(action)}


def _types(action: Action) -> Iterator[tuple[str, DataType]]:
    root = f"action.{_segment(action.name)}"
    yield f"{root}.jo_status_code", DataType.STRING
    yield from _fields(action.response, root)
    yield from _fields(action.failure_response, f"{root}.errorResponse")


def _fields(parameters: Iterable[MessageParameter], above: str) -> Iterator[tuple[str, DataType]]:
    for parameter in parameters:
        path = f"{above}.{_segment(parameter.name)}"
        yield path, parameter.data_type
        if parameter.data_type is DataType.OBJECT:
            yield from _fields(parameter.parameters, path)
        elif parameter.data_type is DataType.LIST_OBJECT and parameter.parameters:
            yield from _fields(_element(parameter), path)


def _element(parameter: MessageParameter) -> Iterable[MessageParameter]:
    """The fields of one object of a list: of the first item, or those that a variable list has."""
    return parameter.parameters if parameter.variable is not None else parameter.parameters[0].parameters


def _segment(name: str) -> str:
    return json.dumps(name, ensure_ascii=False) if set(name) & set(".\"'") else name
