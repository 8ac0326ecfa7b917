"""Data types for people and programs of other houses: their JSON Schema, and values that show what they take."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from wayhook.jsonvalue import Json
from wayhook.model.parameter import MessageParameter, Variable
from wayhook.values import DataType, Misfit, conform

__all__ = ["sample_of", "samples_of", "text_sample", "type_schema"]

_SCHEMAS: dict[DataType, dict[str, Any]] = {
    DataType.STRING: {"type": "string"},
    DataType.INTEGER: {"type": "integer", "format": "int64"},
    DataType.DECIMAL: {"type": "number"},
    DataType.BOOLEAN: {"type": "boolean"},
    DataType.DATE_TIME: {"type": "string", "format": "date-time"},
    DataType.DATE_TIME_ONLY: {"type": "string", "format": "date-time-local"},
    DataType.DATE_ONLY: {"type": "string", "format": "date"},
}
_SAMPLES: dict[DataType, Json] = {
    DataType.STRING: "text",
    DataType.INTEGER: 1,
    DataType.DECIMAL: 1.5,
    DataType.BOOLEAN: True,
    DataType.DATE_TIME: "2030-01-02T03:04:05Z",
    DataType.DATE_TIME_ONLY: "2030-01-02T03:04:05",
    DataType.DATE_ONLY: "2030-01-02",
}


def type_schema(data_type: DataType) -> dict[str, Any]:
    """Return the JSON Schema of a single value, or of a list of these; formats are those of the OpenAPI registry."""
    if not data_type.is_list:
        return dict(_SCHEMAS[data_type])
    return {"type": "array"} if data_type.item is None else {"type": "array", "items": type_schema(data_type.item)}


def sample_of(parameter: MessageParameter) -> Json:
    """Return a value that fits: of a constant its own, of a variable its sample, or one of its type where that is none.

    A number that no double holds as it is written is the nearest one; beyond all of them it is null.
    """
    if parameter.variable is None and not parameter.data_type.is_container:
        return _plain(parameter.value)
    if parameter.data_type is DataType.OBJECT:
        return samples_of(parameter.parameters)
    if parameter.variable is None:
        return [sample_of(item) for item in parameter.parameters]
    if parameter.data_type is DataType.LIST_OBJECT:
        return [samples_of(parameter.parameters)]
    return _of_variable(parameter.data_type, parameter.variable)


def samples_of(parameters: Iterable[MessageParameter]) -> dict[str, Json]:
    """Return an object with a sample of each field."""
    return {parameter.name: sample_of(parameter) for parameter in parameters}


def text_sample(variable: Variable) -> str:
    """Return a text for the variable of a header or a query parameter."""
    return variable.sample if isinstance(variable.sample, str) else "text"


def _of_variable(data_type: DataType, variable: Variable) -> Json:
    item, given = data_type.item, _plain(variable.sample)
    if item is None:
        return given if _fits(data_type, given) else _SAMPLES.get(data_type, [])
    fits = isinstance(given, list) and given and all(_fits(item, each) for each in given)
    return given if fits else [_SAMPLES[item]]


def _fits(data_type: DataType, value: Json) -> bool:
    try:
        return value is not None and conform(data_type)(value) is not None
    except Misfit:
        return False


def _plain(value: Json | Decimal) -> Json:
    if not isinstance(value, Decimal):
        return value
    return float(value) if math.isfinite(float(value)) else None
