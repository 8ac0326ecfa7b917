"""Fields as schemas describe them, outlined as `message_parameters` takes them: sample, types, variables. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from wayhook.errors import DefinitionError
from wayhook.formats.foreign.intake import Intake
from wayhook.formats.foreign.reason import HIDDEN, UNASKED
from wayhook.formats.foreign.schema import Schema, Schemas
from wayhook.formats.foreign.secrecy import is_secret, looks_secret
from wayhook.formats.foreign.source import Node, step
from wayhook.model.parameter import MessageParameter, Variable, field_name_fault, message_parameters
from wayhook.values import DataType, Misfit, conform

__all__ = ["Outline", "fitting"]

_SAMPLES: dict[DataType, Any] = {DataType.INTEGER: 0, DataType.DECIMAL: 0.5, DataType.BOOLEAN: False}
_FREE = "an object of names that nobody knows has no fields; describe them, or send it as a text"
_NESTED = "an array of arrays, or of objects without fields, is no variable; give an example, which is sent as it is"


@attrs.frozen
class _Spot:
    """One field: its schema, where that stands, and the references that led to it.

    `place`: its dotted path. `example`: its value in an example of the whole, or None. `required`: with all that it is
    a part of. `varying`: it is inside of a variable list. `level`: how deep it is.
    """

    node: Node
    above: tuple[str, ...] = ()
    place: str = ""
    example: Any = None
    required: bool = True
    varying: bool = False
    level: int = 0

    @property
    def name(self) -> str:
        return self.place.rpartition(".")[2]

    def field(self, name: str, schema: tuple[Node, tuple[str, ...]], *, required: bool) -> _Spot:
        """The spot of a field below."""
        node, above = schema
        return attrs.evolve(
            self,
            node=attrs.evolve(node, path=step(self.node.path, name)),
            above=above,
            place=f"{self.place}.{name}" if self.place else name,
            example=self.example.get(name) if isinstance(self.example, dict) else None,
            required=self.required and required,
            level=self.level + 1,
        )

    def item(self, schema: tuple[Node, tuple[str, ...]] | None, *, varying: bool) -> _Spot:
        """The spot of an item: of a variable list its fields stand right below, of a constant one below `0`."""
        node, above = schema or (self.node.nothing, self.above)
        return attrs.evolve(
            self,
            node=attrs.evolve(node, path=f"{self.node.path}[0]"),
            above=above,
            place=self.place if varying else f"{self.place}.0",
            required=True,
            example=self.example[0] if isinstance(self.example, list) and self.example else None,
            varying=varying,
            level=self.level + 1,
        )


@attrs.define
class Outline:
    """The fields of one body. `answer`: it is read, not sent: all is constant, and what is only sent is not there.

    `chosen`: the caller says what is variable; everything else is constant where there is a value for it.
    """

    intake: Intake
    schemas: Schemas
    answer: bool = False
    chosen: bool = False
    types: dict[str, DataType] = attrs.Factory(dict)
    variables: dict[str, Variable] = attrs.Factory(dict)

    def parameters(self, node: Node, example: Any) -> tuple[MessageParameter, ...] | None:
        """Return the message parameters of an object, or None for what is no object."""
        schema = self.schemas.merged(node)
        if schema is None or schema.kind != "object":
            return None
        if not schema.properties:
            node.leave_out("an object", _FREE)
        sample = self.object(schema, _Spot(node, example=example or next(schema.values(), None)))
        if self.schemas.bounds and not self.answer:
            words = ", ".join(sorted(self.schemas.bounds))
            node.leave_out(f"the bounds of fields ({words})", "a type has none; the receiver checks them")
        return message_parameters(sample, variables=self.variables, types=self.types)

    def object(self, schema: Schema, spot: _Spot) -> dict[str, Any]:
        """Return the sample of an object; types and variables of its fields are noted."""
        found: dict[str, Any] = {}
        for name, below in schema.properties.items():
            field = spot.field(name, below, required=name in schema.required)
            if fault := field_name_fault(name):
                field.node.leave_out("a field", fault)
            else:
                found |= self.field(field)
        return found

    def field(self, spot: _Spot) -> dict[str, Any]:
        """Return the sample of one field by its name, or of none where it is left out."""
        schema = self.schemas.merged(spot.node, spot.above, spot.level)
        if schema is None or schema.words.get("writeOnly" if self.answer else "readOnly") is True:
            return {}
        match schema.kind:
            case "object" if schema.properties:
                fields = self.object(schema, spot)
                return {spot.name: fields} if fields else {}
            case "object":
                spot.node.leave_out("an object", _FREE)
                return {}
            case "array":
                return dict(zip([spot.name], self.array(schema, spot), strict=False))
            case _:
                return dict(zip([spot.name], self.scalar(schema, spot), strict=False))

    def scalar(self, schema: Schema, spot: _Spot) -> Iterator[Any]:
        """Yield the sample of a scalar, or nothing."""
        kind = schema.data_type
        value = next((value for value in [spot.example, *schema.values()] if fitting(kind, value)), None)
        if is_secret(spot.name) or (isinstance(value, str) and looks_secret(value)):
            if value is not None and not self.answer:
                spot.node.leave_out(f"the value of {spot.place}", HIDDEN)
            value = None
        if schema.is_null and not self.answer:
            self.types[spot.place] = kind
            yield None
            return
        wanted = None if self.answer else self.intake.variable(spot.place)
        is_constant = wanted is None and not spot.varying and (self.chosen or len(schema.choices) == 1)
        if not self.answer and is_constant and value is None and not spot.required:
            spot.node.leave_out("a field", UNASKED)
            return
        self.types[spot.place] = kind
        if self.answer or (is_constant and value is not None):
            yield value
        else:
            label = schema.title if is_secret(spot.name) else schema.label
            self.variables[spot.place] = wanted or Variable(label, optional=not spot.required)
            yield _SAMPLES.get(kind, "") if value is None else value

    def array(self, schema: Schema, spot: _Spot) -> Iterator[list[Any]]:
        """Yield the sample of an array, or nothing."""
        examples = [value for value in [spot.example, *schema.values()] if self.answer or _is_constant(value)]
        example = next(iter(examples), None)
        spot = attrs.evolve(spot, example=example)
        item = spot.item(schema.items, varying=not self.answer)
        items = self.schemas.merged(item.node, item.above, item.level)
        if items is None:
            return
        if self.answer:
            yield self.answered(items, item) if schema.items is not None else []
            return
        if schema.choices == [[]]:
            yield []
            return
        if schema.places:
            yield self.listed(schema, spot)
            return
        wanted = self.intake.variable(spot.place)
        below = any(place.startswith(f"{spot.place}.") for place in self.intake.given_variables)
        if self.chosen and not (wanted or below or spot.varying) and (example is not None or not spot.required):
            if example is None:
                spot.node.leave_out("an array", UNASKED)
            yield from examples[:1]
        elif items.kind == "array" or (items.kind == "object" and not items.properties):
            spot.node.leave_out("an array", _NESTED)
            yield from () if spot.varying else examples[:1]
        else:
            sample = [self.object(items, item)] if items.kind == "object" else _items(items.data_type, example)
            if sample == [{}]:
                return
            self.variables[spot.place] = wanted or Variable(schema.label, optional=not spot.required)
            if items.kind != "object":
                self.types[spot.place] = DataType.list_of(items.data_type)
            yield sample

    def listed(self, schema: Schema, spot: _Spot) -> list[Any]:
        """The items of an array that describes each of them, one by one."""
        found: list[Any] = []
        for node, above in schema.places:
            path, place = f"{spot.node.path}[{len(found)}]", f"{spot.place}.{len(found)}"
            item = attrs.evolve(
                spot, node=attrs.evolve(node, path=path), above=above, place=place, example=None, level=spot.level + 1
            )
            found += self.field(item).values()
        return found

    def answered(self, items: Schema, item: _Spot) -> list[Any]:
        """The sample of an array that is read: its first item."""
        match items.kind:
            case "object":
                return [self.object(items, item)] if items.properties else []
            case "array":
                return list(self.array(items, item))
            case _:
                self.types[item.place.removesuffix(".0")] = DataType.list_of(items.data_type)
                return [item.example if fitting(items.data_type, item.example) else None]


def _items(data_type: DataType, example: Any) -> list[Any]:
    """What shows the items of a variable list: an example without a secret, or one value of the type."""
    given = example if isinstance(example, list) else []
    is_harmless = not any(isinstance(each, str) and looks_secret(each) for each in given)
    return (
        given
        if given and is_harmless and all(fitting(data_type, each) for each in given)
        else [_SAMPLES.get(data_type, "")]
    )


def _is_constant(value: Any) -> bool:
    """Whether a value is an array that can be sent as it is."""
    try:
        return isinstance(value, list) and len(message_parameters({"items": value})[0].parameters) > 0
    except DefinitionError:
        return False


def fitting(data_type: DataType, value: Any) -> bool:
    """Whether a value, not null, is of a type."""
    try:
        return value is not None and conform(data_type)(value) is not None
    except Misfit:
        return False
