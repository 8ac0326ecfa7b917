"""JSON Schemas of an OpenAPI document, with what they refer to and are made of merged. No I/O.

What refers to itself, or goes on without an end, ends here with a sentence.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import attrs

from wayhook.formats.foreign.intake import MAX_SCHEMAS as MAX_IN_ALL
from wayhook.formats.foreign.secrecy import holds_secret
from wayhook.formats.foreign.source import Node
from wayhook.values import DataType

__all__ = ["Schema", "Schemas", "resolved", "schema_of"]

MAX_LEVELS = 30
MAX_SCHEMAS = 3_000
_MAX_REFERENCES = 20
_LABEL, _CHOICES = 60, 100
_CYCLE = "it refers to what it is a part of, without an end"
_TYPES = {
    "string": DataType.STRING,
    "integer": DataType.INTEGER,
    "number": DataType.DECIMAL,
    "boolean": DataType.BOOLEAN,
}
_FORMATS = {"date-time": DataType.DATE_TIME, "date": DataType.DATE_ONLY, "date-time-local": DataType.DATE_TIME_ONLY}
_KINDS = {bool: "boolean", int: "integer", float: "number", dict: "object", list: "array"}
_BOUNDS = frozenset(
    {
        "exclusiveMaximum", "exclusiveMinimum", "maxItems", "maxLength", "maxProperties", "maximum", "minItems",
        "minLength", "minProperties", "minimum", "multipleOf", "not", "pattern", "uniqueItems",
    }
)  # fmt: skip


def resolved(node: Node, root: Node) -> Node:
    """Return what a `$ref` leads to, with the path of who refers to it; of nothing where it leads nowhere."""
    for _ in range(_MAX_REFERENCES):
        reference = node.value.get("$ref") if isinstance(node.value, dict) else None
        if not isinstance(reference, str):
            return node
        target = _target(reference, root)
        if target is None:
            where = "a place that is not there" if reference.startswith("#") else "another document"
            node.leave_out("a $ref", f"it leads to {where}; put what it names into this one")
            return node.nothing
        node = attrs.evolve(node, value=target)
    node.leave_out("a $ref", _CYCLE)
    return node.nothing


def _target(reference: str, root: Node) -> Any:
    """What stands at a local reference, a JSON pointer; None for another one, and where nothing stands."""
    if not reference.startswith("#/"):
        return None
    found = root.value
    for part in unquote(reference[2:]).split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict):
            found = found.get(name)
        elif isinstance(found, list) and name.isdecimal() and len(name) < len("1,000,000") and int(name) < len(found):
            found = found[int(name)]
        else:
            return None
    return found


def schema_of(value: Any) -> dict[str, Any]:
    """Return the schema of an example, where a document has no other."""
    kind = _KINDS.get(type(value), "string")
    if kind == "object":
        return {"type": kind, "properties": {name: schema_of(below) for name, below in value.items()}}
    if kind == "array":
        return {"type": kind, "items": schema_of(value[0]) if value else {}, "example": value}
    return {"type": kind, "example": value}


@attrs.define
class Schema:
    """A schema whose parts are merged. `words`: its own. `required`: which of its properties are.

    `properties`, `items`: what is below, each with the references that led to it. `places`: of an array that has a
    schema for each of its items, and no others.
    """

    words: dict[str, Any] = attrs.Factory(dict)
    properties: dict[str, tuple[Node, tuple[str, ...]]] = attrs.Factory(dict)
    required: set[str] = attrs.Factory(set)
    items: tuple[Node, tuple[str, ...]] | None = None
    places: list[tuple[Node, tuple[str, ...]]] = attrs.Factory(list)

    @property
    def kind(self) -> str:
        """Its type without null: `object`, `array` or that of a scalar; what its parts tell where it does not say."""
        given = self.words.get("type")
        names = [name for name in given if name != "null"] if isinstance(given, list) else [given]
        if names and isinstance(names[0], str):
            return names[0]
        if self.properties or "additionalProperties" in self.words:
            return "object"
        value = next(iter([*self.values(), *self.choices]), "")
        return "array" if self.items is not None else _KINDS.get(type(value), "string")

    @property
    def data_type(self) -> DataType:
        """The type of a scalar."""
        given = self.words.get("format")
        kind = _TYPES.get(self.kind, DataType.STRING)
        return _FORMATS.get(given, kind) if kind is DataType.STRING and isinstance(given, str) else kind

    @property
    def is_null(self) -> bool:
        """Whether it allows nothing but null."""
        return "const" in self.words and self.words["const"] is None

    @property
    def choices(self) -> list[Any]:
        """The values that it allows, where it lists them; a null aside."""
        given = [self.words["const"]] if "const" in self.words else self.words.get("enum")
        return [choice for choice in given if choice is not None] if isinstance(given, list) else []

    def values(self) -> Iterator[Any]:
        """The values that it gives, the nearest first."""
        yield from self.choices if len(self.choices) == 1 else ()
        yield from (self.words[word] for word in ("default", "example") if word in self.words)
        examples = self.words.get("examples")
        yield from examples[:1] if isinstance(examples, list) else ()

    @property
    def title(self) -> str:
        """What it is called, or the first line of its description."""
        texts = [self.words[word] for word in ("title", "description") if isinstance(self.words.get(word), str)]
        text = next((text.strip().splitlines()[0] for text in texts if text.strip()), "")
        return text if len(text) <= _LABEL else text[: _LABEL - 1].rstrip() + "…"

    @property
    def label(self) -> str:
        """What a marketer sees: its title, and what it can be, unless that looks like a secret."""
        listed = ", ".join(map(str, self.choices))
        is_told = self.choices and len(listed) <= _CHOICES and not holds_secret(listed)
        return f"{self.title} ({listed})".strip() if is_told else self.title


@attrs.define
class Schemas:
    """The reading of the schemas of one body. `root`: the document. `bounds`: the words of them that no type has."""

    root: Node
    bounds: set[str] = attrs.Factory(set)
    left: int = MAX_SCHEMAS

    def merged(self, node: Node, above: tuple[str, ...] = (), level: int = 0) -> Schema | None:
        """Return a schema with its references followed and its parts merged; None for one that has no end."""
        self.left -= 1
        node.intake.schemas_left -= 1
        if node.intake.schemas_left < 0:
            node.leave_out("what is below", f"more than {MAX_IN_ALL:,} schemas are not read; ask for one operation")
            return None
        if self.left < 0 or level > MAX_LEVELS:
            most = f"{MAX_LEVELS} levels" if level > MAX_LEVELS else f"{MAX_SCHEMAS:,} schemas"
            node.leave_out("what is further below", f"more than {most} are not read")
            return None
        reference = node.value.get("$ref") if isinstance(node.value, dict) else None
        if isinstance(reference, str):
            return self._referred(node, reference, above, level)
        if node.is_object:
            return self._of_parts(node, above, level)
        if node.is_there and not isinstance(node.value, bool):
            node.leave_out("a schema", "a schema is an object")
        return Schema()

    def _referred(self, node: Node, reference: str, above: tuple[str, ...], level: int) -> Schema | None:
        if reference in above:
            node.leave_out(f"{reference.rpartition('/')[2][:_LABEL]} again", _CYCLE)
            return None
        target = _target(reference, self.root)
        if not isinstance(target, dict):
            resolved(node, self.root)
            return None
        beside = {name: value for name, value in node.value.items() if name != "$ref"}
        return self.merged(attrs.evolve(node, value={**target, **beside}), (*above, reference), level + 1)

    def _of_parts(self, node: Node, above: tuple[str, ...], level: int) -> Schema | None:
        found, own = Schema(), node.value
        for part in self._parts(node):
            merged = self.merged(part, above, level + 1)
            if merged is None:
                return None
            found.words |= merged.words
            found.properties |= merged.properties
            found.required |= merged.required
            found.items = merged.items or found.items
            found.places = merged.places or found.places
        found.words |= {word: value for word, value in own.items() if word not in ("allOf", "oneOf", "anyOf")}
        found.properties |= {name: (each, above) for name, each in node.at("properties").fields()}
        required = own.get("required")
        found.required |= {name for name in required if isinstance(name, str)} if isinstance(required, list) else set()
        found.items = (node.at("items"), above) if "items" in own else found.items
        if own.get("items") is False and isinstance(own.get("prefixItems"), list):
            found.places = [(each, above) for each in node.each("prefixItems")]
        self.bounds |= _BOUNDS & own.keys()
        return found

    def _parts(self, node: Node) -> Iterator[Node]:
        """The schemas that are all true of a value, and the first of those that may be."""
        yield from node.each("allOf")
        for word in ("oneOf", "anyOf"):
            options = [each for each in node.each(word) if each.value != {"type": "null"}]
            if len(options) > 1:
                node.leave_out(f"{len(options) - 1} other forms ({word})", "a body has one form; the first is taken")
            yield from options[:1]
