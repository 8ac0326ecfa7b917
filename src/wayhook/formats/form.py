"""The form of an action: what is to be filled in where it is used, for people and as JSON Schema. No I/O.

A schema says exactly what rendering takes, as far as JSON Schema can: a value that keeps it renders, and one that does
not is refused for the same reason.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import attrs

from wayhook.errors import DefinitionError, Violation
from wayhook.formats.sample import sample_of, type_schema
from wayhook.jsonvalue import MAX_NODES, SHOWN, Json
from wayhook.model.action import Action
from wayhook.model.activity import unknown_variable
from wayhook.model.parameter import MessageParameter
from wayhook.model.rule import header_value_fault, safety_violations
from wayhook.presentation import Presentable
from wayhook.rendering.address import MAX_PATH
from wayhook.rendering.plan import MAX_HEADER_VALUE, MAX_QUERY_VALUE, Blank, variables_by_name
from wayhook.values import INTEGER_MAX, INTEGER_MIN, MAX_PAYLOAD, DataType

__all__ = ["Form", "FormField", "form", "kind_of"]

Place = Literal["path", "header", "query parameter", "payload"]

_PLACES: dict[str, Place] = {"headers": "header", "query_parameters": "query parameter", "parameters": "payload"}
_KINDS = {
    DataType.STRING: ("text", "texts"),
    DataType.INTEGER: ("whole number", "whole numbers"),
    DataType.DECIMAL: ("number", "numbers"),
    DataType.BOOLEAN: ("true or false", "true or false"),
    DataType.DATE_TIME: ("date and time with an offset", "dates and times with an offset"),
    DataType.DATE_TIME_ONLY: ("local date and time", "local dates and times"),
    DataType.DATE_ONLY: ("date", "dates"),
    DataType.OBJECT: ("object", "objects"),
}

_END = r"$(?!\n)"
"""The end of a text; `$` alone stands before a last line break, too, in Python."""
_MONTHS = "(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8])"
_LEAP = "([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29"
_DATE = rf"(?!0000)([0-9]{{4}}-({_MONTHS})|{_LEAP})"
_HOUR, _SIXTY = "([01][0-9]|2[0-3])", "[0-5][0-9]"
_LOCAL = rf"{_DATE}T{_HOUR}:{_SIXTY}(:{_SIXTY}([.,][0-9]{{1,9}})?)?"
_LARGEST = {"minimum": -sys.float_info.max, "maximum": sys.float_info.max}
_BOUNDS: dict[DataType, dict[str, Any]] = {
    DataType.STRING: {"maxLength": MAX_PAYLOAD},
    DataType.INTEGER: {"minimum": INTEGER_MIN, "maximum": INTEGER_MAX},
    DataType.DECIMAL: _LARGEST,
    DataType.BOOLEAN: {},
    DataType.DATE_TIME: {"pattern": rf"^{_LOCAL}(Z|[+-]{_HOUR}:?{_SIXTY}){_END}"},
    DataType.DATE_TIME_ONLY: {"pattern": rf"^{_LOCAL}{_END}"},
    DataType.DATE_ONLY: {"pattern": rf"^{_DATE}{_END}"},
}
_TEXTS: dict[Place, dict[str, Any]] = {
    "path": {
        "maxLength": MAX_PATH,
        "pattern": rf"^(?!.*(//|(^|/)\.\.?(;[^/]*)?(/|$)))[^\x00-\x1f\x7f-\x9f\u2028\u2029\\]*{_END}",
    },
    "header": {"maxLength": MAX_HEADER_VALUE, "pattern": rf"^[\t -~]*{_END}"},
    "query parameter": {"maxLength": MAX_QUERY_VALUE},
}
"""What a text keeps outside of the payload; numbers, true and false are written as text there."""


@attrs.frozen
class FormField:
    """One thing to fill in.

    `name`: in the `values` of a call, or in an object of a list. `label`: for people. `place`: where it goes.
    `path`: where rendering tells its faults, such as `$.headers.X-Campaign`. `required`: whether it must be there.
    `sample`: a value that fits. `fields`: of an object, and of the objects of a list.
    """

    name: str
    label: str
    place: Place
    path: str
    data_type: DataType
    required: bool
    sample: Json = attrs.field(eq=repr)
    fields: tuple[FormField, ...] = ()

    @property
    def description(self) -> str:
        """What belongs here and where it goes, in words."""
        if self.place == "path":
            where = "below the static URL"
        else:
            where = f"in the {self.place}" + (f" {self.path.split('.', 2)[2]}" if self.place != "payload" else "")
        return f"{self.kind[0].upper()}{self.kind[1:]}, {where}{'' if self.required else '; may stay empty'}"

    @property
    def kind(self) -> str:
        """The data type in words."""
        return kind_of(self.data_type)

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema (draft 2020-12) of its value.

        Of the path it is not quite exact: rendering also refuses a path that climbs behind percent signs.
        """
        told = {"title": self.label, "description": self.description, "examples": [self.sample]}
        schema = self._schema()
        return {**(schema if self._takes_nothing else _not_null(schema)), **told}

    @property
    def _takes_nothing(self) -> bool:
        return self.place == "payload" or (self.place != "path" and not self.required)

    def _schema(self) -> dict[str, Any]:
        """What rendering takes, null among it; null items of lists are left out of the payload."""
        if self.place in _TEXTS:
            return {"type": ["string", "number", "boolean", "null"], **_TEXTS[self.place], **_LARGEST}
        if self.data_type is DataType.OBJECT:
            return self._object()
        if self.data_type is DataType.LIST_OBJECT:
            return {"type": ["array", "null"], "items": self._object(), "maxItems": MAX_NODES}
        if self.data_type.item is not None:
            return {"type": ["array", "null"], "items": _scalar(self.data_type.item), "maxItems": MAX_NODES}
        return _scalar(self.data_type)

    def _object(self) -> dict[str, Any]:
        """An object of a list: each field may be absent, and what it has beside them is not sent."""
        fields = {
            field.name: {**field._schema(), "title": field.label, "examples": [field.sample]}  # noqa: SLF001 - its own kind
            for field in self.fields
        }
        return {"type": ["object", "null"], "properties": fields}


def _scalar(data_type: DataType) -> dict[str, Any]:
    schema = type_schema(data_type)
    return {**schema, "type": [schema["type"], "null"], **_BOUNDS[data_type]}


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "type": [kind for kind in schema["type"] if kind != "null"]}


@attrs.frozen(repr=False)
class Form(Presentable):
    """What is to be filled in where an action is used. `fields`: the path first, then headers, query and payload."""

    action: str
    fields: tuple[FormField, ...]

    @property
    def path(self) -> FormField:
        """The field of the path, which is given beside the values."""
        return self.fields[0]

    @property
    def variables(self) -> tuple[FormField, ...]:
        """The fields whose values go by name."""
        return self.fields[1:]

    def field(self, name: str) -> FormField:
        """Return the field of the variable `name`; raises `DefinitionError` that names what is close."""
        fields = {field.name: field for field in self.variables}
        if not isinstance(name, str) or name not in fields:
            text = name[:SHOWN] if isinstance(name, str) else type(name).__name__
            raise DefinitionError([Violation("$", unknown_variable(text, fields))])
        return fields[name]

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema (draft 2020-12) of the values that `wayhook.preview` and `wayhook.call` take.

        What keeps it renders, unless it is more than 1 MB or 100,000 parts in all. To JSON Schema `1.0` is a whole
        number; to Python, and so to rendering, it is none.
        """
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.action,
            "type": "object",
            "properties": {field.name: field.json_schema() for field in self.variables},
            "required": [field.name for field in self.variables if field.required],
            "additionalProperties": False,
        }

    def __str__(self) -> str:
        rows = [("name", "label", "what", "", "sample")]
        rows += [(f.name, f.label, f.kind, "required" if f.required else "", f"{f.sample}") for f in self.fields]
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
        return "\n".join(line.rstrip() for line in lines)

    def __repr__(self) -> str:
        return f"<Form of {self.action}: {', '.join(field.name for field in self.fields)}>"


def kind_of(data_type: DataType) -> str:
    """Return a data type in words."""
    if not data_type.is_list:
        return _KINDS[data_type][0]
    return "list" if data_type.item is None else f"list of {_KINDS[data_type.item][1]}"


def form(action: Action) -> Form:
    """Return what is to be filled in where `action` is used: the path, and every variable.

    Raises `DefinitionError` for an action that cannot be called at all.
    """
    if not isinstance(action, Action):
        raise DefinitionError([Violation("$", f"an Action has a form, not {type(action).__name__}")])
    if faults := safety_violations(action):
        raise DefinitionError(faults)
    path = FormField("path", "Path", "path", "$.path", DataType.STRING, required=False, sample="")
    return Form(action.name, (path, *(_field(name, blank) for name, blank in variables_by_name(action).items())))


def _field(name: str, blank: Blank) -> FormField:
    variable, parameter = blank.variable, blank.parameter
    place, required = _PLACES[blank.place], not variable.optional
    if parameter is None:
        label, text = variable.label or blank.name, _text(place, variable.sample)
        return FormField(name, label, place, blank.path, DataType.STRING, required, text)
    below = tuple(_below(parameter.parameters, f"{blank.path}[]"))
    sample = sample_of(parameter)
    return FormField(name, parameter.label, place, blank.path, parameter.data_type, required, sample, below)


def _below(parameters: Iterable[MessageParameter], above: str) -> Iterator[FormField]:
    """The fields of the objects of a list."""
    for parameter in parameters:
        path, required = f"{above}.{parameter.name}", parameter.variable is not None and not parameter.variable.optional
        below = tuple(_below(parameter.parameters, path + ("[]" if parameter.data_type.is_list else "")))
        sample = sample_of(parameter)
        yield FormField(parameter.name, parameter.label, "payload", path, parameter.data_type, required, sample, below)


def _text(place: Place, sample: object) -> str:
    """A text for the variable of a header or a query parameter: its sample, where that fits."""
    if not isinstance(sample, str) or len(sample) > _TEXTS[place]["maxLength"]:
        return "text"
    return "text" if place == "header" and header_value_fault(sample) else sample
