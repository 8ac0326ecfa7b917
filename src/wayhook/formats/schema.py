"""The JSON Schema of our documents, made from the classes themselves so that the two cannot differ."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import attrs

from wayhook.expression.expression import Expression
from wayhook.formats.document import AUTHENTICATIONS, FORMAT_VERSION, NUMBER
from wayhook.model.authentication import Authentication
from wayhook.model.parameter import Variable
from wayhook.model.record import KINDS
from wayhook.secret import BASE64_SPELLINGS, LiteralSecret, SecretReference, SecretText

__all__ = ["json_schema"]

_SCALARS: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    type(None): {"type": "null"},
    datetime: {"type": "string", "format": "date-time"},
}
_MARKS: dict[Any, dict[str, Any]] = {
    SecretReference: {"secret": {"type": "string", "pattern": "^(?!literal:)[a-z][a-z0-9+.-]*:[^\\s:]"}},
    LiteralSecret: {"literal_secret": {"type": "string"}},
    SecretText: {"secret_text": {"type": "array", "items": {"$ref": "#/$defs/TextPart"}}},
    Expression: {
        "expression": {"type": "string", "maxLength": 10_000},
        "dialect": {"enum": ["lenient", "journey_orchestration", "journey_optimizer"]},
    },
    Decimal: {"decimal": {"type": "string", "pattern": NUMBER.pattern}},
    Variable: {"variable": {"type": "string"}, "optional": {"type": "boolean"}, "sample": {}},
}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the documents that `wayhook.dump` writes and `wayhook.load` reads.

    It describes the shape; expressions, guardrails and what belongs together are checked on reading and saving.
    """
    schema = _Schema()
    kinds = [_document(word, schema.object(kind)) for word, kind in KINDS.items()]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Wayhook document, format version {FORMAT_VERSION}",
        "oneOf": kinds,
        "$defs": {**schema.definitions, **_SECRET_DEFINITIONS},
    }


def _document(word: str, body: dict[str, Any]) -> dict[str, Any]:
    head = {"wayhook": {"const": FORMAT_VERSION}, "kind": {"const": word}}
    return {**body, "properties": {**head, **body["properties"]}, "required": [*head, *body["required"]]}


@attrs.define
class _Schema:
    definitions: dict[str, Any] = attrs.Factory(dict)

    def reference(self, kind: type[Any]) -> dict[str, str]:
        name = kind.__name__
        if name not in self.definitions:
            self.definitions[name] = {}
            self.definitions[name] = self.object(kind)
        return {"$ref": f"#/$defs/{name}"}

    def object(self, kind: type[Any]) -> dict[str, Any]:
        attrs.resolve_types(kind)
        fields = [field for field in attrs.fields(kind) if field.init]
        tag = {"kind": {"const": kind.kind}} if issubclass(kind, Authentication) else {}
        return {
            "type": "object",
            "properties": {**tag, **{field.name: self.of(field.type) for field in fields}},
            "required": [*tag, *(field.name for field in fields if field.default is attrs.NOTHING)],
            "additionalProperties": False,
        }

    def of(self, kind: Any) -> dict[str, Any]:  # noqa: PLR0911 - one line for each kind of type
        if kind in _SCALARS:
            return dict(_SCALARS[kind])
        if kind is Authentication:
            return {"oneOf": [self.reference(each) for each in AUTHENTICATIONS.values()]}
        if get_origin(kind) in (Union, UnionType):
            return self.union(get_args(kind))
        if get_origin(kind) is Literal:
            return {"enum": list(get_args(kind))}
        if get_origin(kind) in (tuple, frozenset):
            return self.sequence(get_args(kind)[0])
        if issubclass(kind, StrEnum):
            return {"enum": [str(member) for member in kind]}
        return self.reference(kind)

    def union(self, kinds: tuple[Any, ...]) -> dict[str, Any]:
        marks = [_marked(kind) for kind in kinds if kind in _MARKS]
        if any(get_origin(kind) is dict for kind in kinds):
            return _json_or([*marks, _LITERAL, *_NESTED]) if marks else {}
        present = [kind for kind in kinds if kind is not type(None)]
        if len(present) == 1:
            return {"anyOf": [self.of(present[0]), {"type": "null"}]}
        return {"anyOf": [*(self.of(kind) for kind in kinds if kind not in _MARKS), *marks]}

    def sequence(self, item: Any) -> dict[str, Any]:
        """An array; of pairs, an object."""
        if get_origin(item) is not tuple:
            return {"type": "array", "items": self.of(item)}
        value = get_args(item)[1]
        of = _json_or([_marked(Expression), _marked(Decimal), _LITERAL]) if value is Any else self.of(value)
        return {"type": "object", "additionalProperties": of}


_LITERAL = {"type": "object", "properties": {"literal": {}}, "required": ["literal"], "additionalProperties": False}


_NESTED = [
    {
        "type": "object",
        "properties": {"object": {"type": "object", "additionalProperties": {"$ref": "#/$defs/JsonWithSecrets"}}},
        "required": ["object"],
        "additionalProperties": False,
    },
    {
        "type": "object",
        "properties": {"array": {"type": "array", "items": {"$ref": "#/$defs/JsonWithSecrets"}}},
        "required": ["array"],
        "additionalProperties": False,
    },
]


def _json_or(objects: list[dict[str, Any]]) -> dict[str, Any]:
    """Any JSON value, an object only in one of these forms."""
    return {"anyOf": [{"type": ["string", "number", "boolean", "null", "array"]}, *objects]}


def _marked(kind: Any) -> dict[str, Any]:
    mark = _MARKS[kind]
    return {
        "type": "object",
        "properties": mark,
        "required": [next(iter(mark))],
        "additionalProperties": False,
    }


_PLAIN_PARTS: list[dict[str, Any]] = [{"type": "string"}, _marked(SecretReference), _marked(LiteralSecret)]
_BASE64: dict[str, Any] = {
    "type": "object",
    "properties": {
        "base64": {"type": "array", "items": {"anyOf": _PLAIN_PARTS}},
        "spelling": {"enum": list(BASE64_SPELLINGS)},
    },
    "required": ["base64"],
    "additionalProperties": False,
}
_SECRET_DEFINITIONS = {
    "TextPart": {"anyOf": [*_PLAIN_PARTS, _BASE64]},
    "JsonWithSecrets": _json_or(
        [_marked(SecretReference), _marked(LiteralSecret), _marked(SecretText), _LITERAL, *_NESTED]
    ),
}
