"""Message parameters: the typed fields of a payload, as a tree inferred from a JSON sample or written by hand.

Types, inference and names follow sections 4.2 to 4.4 of the rules (R135 to R142, R162 to R171). No I/O.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import attrs

from wayhook.errors import DefinitionError, Violation, closest
from wayhook.jsonvalue import MAX_DEPTH, Json, is_unicode, json_fault, json_form, parse_exact_json
from wayhook.model.shape import Shaped, as_tuple, as_word, type_fault
from wayhook.presentation import Presentable
from wayhook.values import INTEGER_MAX, INTEGER_MIN, DataType, Misfit, conform

__all__ = [
    "MessageParameter",
    "ParameterTree",
    "Variable",
    "field_name_fault",
    "message_parameters",
    "parameter_faults",
    "parameter_tuple",
    "payload",
    "variable",
    "walk",
]

MAX_SAMPLE, MAX_PARTS = 1_000_000, 10_000
"""Characters of the text of a sample, and its fields and items."""


@attrs.frozen
class Variable(Shaped, Presentable):
    """The mark of a value that is filled in where the action is used.

    `label`: what the marketer sees; empty means the name of the field. `optional`: it may stay empty (R148).
    `sample`: a JSON value, no object, that shows what is meant, None for none; it is never sent, and makes no
    difference between two variables.
    """

    label: str = ""
    optional: bool = attrs.field(default=False, kw_only=True)
    sample: Json | Decimal = attrs.field(default=None, kw_only=True, eq=False)

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type."""
        yield from type_fault(self.label, str, "$.label", "the text of a label", "R145")
        yield from type_fault(self.optional, bool, "$.optional", "True or False", "R148")
        if isinstance(self.sample, Decimal):
            try:
                conform(DataType.DECIMAL)(self.sample)
            except Misfit as misfit:
                yield Violation("$.sample", f"a sample {misfit}")
        elif isinstance(self.sample, Mapping):
            yield Violation("$.sample", "an object is no variable, and no sample of one", "R139")
        elif (fault := json_fault(self.sample)) is not None:
            yield Violation(f"$.sample{fault[0]}", fault[1])

    def __repr__(self) -> str:
        return f"variable({self.label!r}{', optional=True' if self.optional else ''})"


def variable(label: str = "", *, optional: bool = False, sample: Json | Decimal = None) -> Variable:
    """Mark a header, query parameter or message parameter as variable, with the `label` for the marketer.

    `sample`: a value to show what is meant; a message parameter takes it from the sample of its payload.
    """
    return Variable(label, optional=optional, sample=sample)


def parameter_tuple(given: Iterable[MessageParameter]) -> tuple[MessageParameter, ...]:
    """The converter of every field that holds message parameters."""
    parameters = as_tuple(given)
    return ParameterTree(parameters) if isinstance(parameters, tuple) else parameters


def _data_type(given: DataType | str) -> DataType:
    return as_word(DataType, given)


def _data_type_faults(given: object, path: str) -> Iterator[Violation]:
    if not isinstance(given, DataType):
        shown = repr(given[:40]) if isinstance(given, str) else type(given).__name__
        yield Violation(path, f"{shown} is no data type; choose one of {', '.join(DataType)}", "R143")


@attrs.frozen(repr=False)
class MessageParameter(Shaped, Presentable):
    """One typed field of a payload.

    `value`: the JSON value of a constant without parameters of its own, a `Decimal` where no double is that number;
    None stands for null.
    `variable`: set when the value is filled in where the action is used.
    `parameters`: of an object, its fields; of a constant list, its items, named `0`, `1`, …; of a variable
    `listObject`, the fields that each object has (R163, R164). `depth`: how many levels it has, from 1 to 64.

    Raises `DefinitionError` when the parts do not fit together: text for a type that does not exist (R143),
    a value beside a variable, fields below a scalar.
    """

    name: str
    data_type: DataType = attrs.field(converter=_data_type)
    value: Json | Decimal = attrs.field(default=None, eq=repr)
    variable: Variable | None = attrs.field(default=None, kw_only=True)
    parameters: tuple[MessageParameter, ...] = attrs.field(default=(), converter=parameter_tuple, kw_only=True)
    depth: int = attrs.field(init=False, eq=False, default=1)

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type or does not fit together."""
        yield from type_fault(self.name, str, "$.name", "a name", "R140")
        yield from _data_type_faults(self.data_type, "$.data_type")
        yield from type_fault(self.variable, (Variable, type(None)), "$.variable", "wayhook.variable(label)")
        if self.variable is not None and self.value is not None:
            yield Violation("$.value", "a variable has no value of its own; leave it out, or drop the variable")
        yield from parameter_faults(self.parameters, "$.parameters")
        below = self.parameters if isinstance(self.parameters, tuple) else ()
        object.__setattr__(self, "depth", 1 + max((getattr(p, "depth", 0) for p in below), default=0))
        if self.depth > MAX_DEPTH:
            yield Violation("$.parameters", f"nested more than {MAX_DEPTH} levels deep; send a flatter payload")
        if isinstance(self.data_type, DataType):
            yield from self._container_faults()

    def _container_faults(self) -> Iterator[Violation]:
        if self.parameters and not self.data_type.is_container:
            yield Violation("$.parameters", f"a {self.data_type} has no parameters below it")
        if self.value is not None and self.data_type.is_container:
            yield Violation("$.value", f"the value of a {self.data_type} is given by its parameters")

    @property
    def label(self) -> str:
        """What the marketer sees: the label of the variable, or the name of the field."""
        return (self.variable.label if self.variable else "") or self.name

    def __repr__(self) -> str:
        kind = "constant" if self.variable is None else repr(self.variable)
        if self.parameters:
            kind = f"{len(self.parameters)} parameters" + (f", {kind}" if self.variable else "")
        return f"<MessageParameter {self.name}: {self.data_type}, {kind}>"


class ParameterTree(tuple[MessageParameter, ...], Presentable):
    """Message parameters side by side."""

    __slots__ = ()


def parameter_faults(parameters: object, path: str) -> Iterator[Violation]:
    """Yield what is wrong with a sequence of message parameters: what is none, and names that stand there twice."""
    if not isinstance(parameters, tuple):
        found = type(parameters).__name__
        yield Violation(path, f"message parameters belong here, from wayhook.message_parameters(sample), not {found}")
        return
    seen = set()
    for i, parameter in enumerate(parameters):
        yield from type_fault(parameter, MessageParameter, f"{path}[{i}]", "a MessageParameter")
        name = getattr(parameter, "name", None)
        if isinstance(name, str) and name in seen:
            yield Violation(f"{path}[{i}].name", f"two parameters side by side are named {name!r}; rename one")
        seen.add(name)


def walk(
    parameters: Iterable[MessageParameter], above: str = "", *, below_lists: bool = False
) -> Iterator[tuple[str, MessageParameter]]:
    """Yield each parameter with its dotted path (`customer.tags.0`), parents first.

    What lies below a variable list is walked only when asked for: its fields belong to the items, not to the payload.
    """
    for parameter in parameters:
        path = f"{above}.{parameter.name}" if above else parameter.name
        yield path, parameter
        if parameter.variable is None or below_lists:
            yield from walk(parameter.parameters, path, below_lists=below_lists)


def field_name_fault(name: str) -> str:
    """Return what is wrong with a field name, or "" (R140, R141)."""
    if not name:
        return "a field name is not empty"
    if "." in name:
        return f"the field name {name[:40]!r} holds a '.'; rename it"
    if name.startswith("$"):
        return f"the field name {name[:40]!r} begins with '$'; rename it"
    if not is_unicode(name):
        return "a field name holds a lone surrogate; rename it"
    return ""


def message_parameters(
    sample: Mapping[str, Any] | str,
    *,
    variables: Mapping[str, str | Variable] | None = None,
    types: Mapping[str, DataType | str] | None = None,
) -> tuple[MessageParameter, ...]:
    """Infer the tree of message parameters from `sample`: a JSON object, or its text as pasted.

    Every field starts as a constant that holds the sample's value (R136); `variables` turns some into variables:
    dotted path to label, or to `wayhook.variable(label, optional=True)`. A field inside of an array is named
    by its place: `products.0.id`. An array of objects as a variable takes its fields from the first object
    (R163); all of them are variables then (R164), and may have labels of their own: `products.id`.
    `types`: dotted path to the data type, where another than the inferred one is meant (R139): a text that is a
    `dateTime`, a whole number that is a `decimal`, an array that is a `listDateOnly`.

    Raises `DefinitionError` with all faults at once: text that is no JSON object (R135), names with `.` or a
    leading `$` at any depth (R140 to R142), a path that is not in the sample, an object or a mixed or
    nested array as a variable (R170, R171), an empty array as a variable (R162). So it does, at once, for a sample of
    more than 10,000 fields and items, or a text of more than 1,000,000 characters.
    """
    if isinstance(sample, str) and len(sample) > MAX_SAMPLE:
        message = f"a sample has at most {MAX_SAMPLE:,} characters, not {len(sample):,}; send a shorter payload"
        raise DefinitionError([Violation("$", message, "R135")])
    tree = parse_exact_json(sample) if isinstance(sample, str) else sample
    if not isinstance(tree, Mapping):
        raise DefinitionError([Violation("$", f"a sample is a JSON object, not {_json_name(tree)}", "R135")])
    if not _has_few_parts(tree):
        message = f"a sample has at most {MAX_PARTS:,} fields and items; leave out items that say the same"
        raise DefinitionError([Violation("$", message, "R135")])
    faults = [
        fault
        for given, name, wanted in ((variables, "variables", "labels"), (types, "types", "data types"))
        for fault in _path_faults({} if given is None else given, f"$.{name}", wanted)
    ]
    if faults:
        raise DefinitionError(faults)
    inference = _Inference(dict(variables or {}), dict(types or {}))
    parameters = inference.fields(tree, "", "$")
    inference.faults += inference.unknown_paths(parameters)
    if inference.faults:
        raise DefinitionError(inference.faults)
    return ParameterTree(parameters)


def _has_few_parts(tree: Any) -> bool:
    """Whether a sample has few enough fields and items; what is shared counts each time, and nobody counts on."""
    waiting, left = [tree], MAX_PARTS
    while waiting:
        part = waiting.pop()
        if isinstance(part, Mapping | list | tuple):
            left -= len(part)
            if left < 0:
                return False
            waiting += part.values() if isinstance(part, Mapping) else part
    return True


def _path_faults(given: object, path: str, wanted: str) -> Iterator[Violation]:
    yield from type_fault(given, Mapping, path, f"a mapping of paths to {wanted}")
    for name in given if isinstance(given, Mapping) else ():
        yield from type_fault(name, str, path, "a path such as products.id, which is text,")


def payload(
    sample: Mapping[str, Any] | str, *, types: Mapping[str, DataType | str] | None = None
) -> tuple[MessageParameter, ...]:
    """Infer the fields of an answer from `sample`; the same rules as for `message_parameters` (R176)."""
    return message_parameters(sample, types=types)


def _json_name(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    names: dict[type, str] = {list: "an array", str: "a string", int: "a number", float: "a number"}
    return "null" if value is None else names.get(type(value), type(value).__name__)


@attrs.define
class _Inference:
    """One reading of a sample; collects the faults of all of it. `varying`: it is inside of a variable list."""

    variables: dict[str, str | Variable]
    types: dict[str, DataType | str]
    varying: bool = False
    faults: list[Violation] = attrs.Factory(list)
    depth: int = 0

    def fields(self, sample: Mapping[str, Any], above: str, where: str) -> tuple[MessageParameter, ...]:
        found = []
        for name, value in sample.items():
            fault = field_name_fault(name) if isinstance(name, str) else "a field name is a string"
            if fault:
                self.faults.append(Violation(where, fault, self.name_rule(name)))
                continue
            path = f"{above}.{name}" if above else name
            found.append(self.parameter(name, value, path, f"{where}.{name}"))
        return tuple(found)

    def name_rule(self, name: object) -> str:
        """At every depth (R142); on top, told apart by the sign (R140, R141)."""
        if self.depth:
            return "R142"
        return "R141" if str(name).startswith("$") else "R140"

    def parameter(self, name: str, sample: Any, path: str, where: str) -> MessageParameter:
        if self.depth >= MAX_DEPTH:
            self.faults.append(Violation(where, f"nested more than {MAX_DEPTH} levels deep; send a flatter payload"))
            return MessageParameter(name, DataType.LIST_ANY)
        data_type = self.chosen(self.data_type(sample, where), path, where)
        mark = self.mark(path, data_type, sample, where)
        if not data_type.is_container:
            return MessageParameter(name, data_type, None if mark else sample, variable=mark)
        self.depth += 1
        below = self.below(data_type, mark, sample, path, where)
        self.depth -= 1
        return MessageParameter(name, data_type, variable=mark, parameters=below)

    def chosen(self, inferred: DataType, path: str, where: str) -> DataType:
        """The type that is given for the path, or the inferred one; objects and arrays stay such (R139)."""
        if path not in self.types:
            return inferred
        given = _data_type(self.types[path])
        if faults := list(_data_type_faults(given, where)):
            self.faults += faults
            return inferred
        if _family(given) == _family(inferred) or (inferred is DataType.LIST_ANY and given.is_list):
            return given
        self.faults.append(Violation(where, f"a {inferred} does not become a {given}; change the sample", "R139"))
        return inferred

    def below(
        self, data_type: DataType, mark: Variable | None, sample: Any, path: str, where: str
    ) -> tuple[MessageParameter, ...]:
        """The parameters of a container: fields of an object, items of a constant list, fields of a variable one."""
        if data_type is DataType.OBJECT:
            return self.fields(sample, path, where)
        if mark is None:
            items = tuple(self.parameter(str(i), v, f"{path}.{i}", f"{where}[{i}]") for i, v in enumerate(sample))
            given = data_type.item if path in self.types else None
            return items if given is None else tuple(attrs.evolve(item, data_type=given) for item in items)
        if data_type is not DataType.LIST_OBJECT:
            return ()
        varying, self.varying = self.varying, True  # variables, every one of them (R164)
        fields = self.fields(sample[0], path, f"{where}[0]")
        self.varying = varying
        return fields

    def data_type(self, sample: Any, where: str) -> DataType:
        scalar = _scalar_type(sample)
        if scalar is not None:
            return scalar
        if isinstance(sample, Mapping):
            return DataType.OBJECT
        if isinstance(sample, list | tuple):
            return _list_type(sample)
        kind = type(sample).__name__
        detail = "is not finite" if isinstance(sample, float | Decimal) else f"is a {kind}, which JSON does not have"
        self.faults.append(Violation(where, f"the value {detail}; use JSON values", "R135"))
        return DataType.STRING

    def mark(self, path: str, data_type: DataType, sample: Any, where: str) -> Variable | None:
        given = self.variables.get(path, "" if self.varying and data_type is not DataType.OBJECT else None)
        if given is None:
            return None
        if data_type is DataType.OBJECT:
            self.faults.append(Violation(where, "an object is no variable; name its fields instead", "R139"))
        elif data_type is DataType.LIST_ANY and not sample and not self.varying:
            self.faults.append(Violation(where, "an empty array says nothing of its items; put one into it", "R162"))
        elif data_type is DataType.LIST_ANY and not self.varying:
            nested = any(isinstance(item, list | tuple) for item in sample)
            reason = "an array that contains nested arrays" if nested else "an array of items of more than one type"
            message = f"{reason} cannot be a variable; name its items instead"
            self.faults.append(Violation(where, message, "R171" if nested else "R170"))
        else:
            mark = given if isinstance(given, Variable) else Variable(given)
            has_own = mark.sample is not None or data_type is DataType.LIST_OBJECT  # whose fields have samples
            return mark if has_own else _with_sample(mark, sample)
        return None

    def unknown_paths(self, parameters: tuple[MessageParameter, ...]) -> Iterator[Violation]:
        known = [path for path, _ in walk(parameters, below_lists=True)]
        for path in dict.fromkeys((*self.variables, *self.types)):
            if path in known or any(fault.path == f"$.{path}" for fault in self.faults):
                continue
            close = closest(path, known)
            hint = f"did you mean {close!r}?" if close else f"it has {', '.join(known[:8]) or 'no fields'}"
            yield Violation(f"$.{path}", f"the sample has no such field; {hint}")


def _with_sample(mark: Variable, sample: Any) -> Variable:
    """The variable with what it had in the sample; without it where that is no value, which is told by its type."""
    try:
        return attrs.evolve(mark, sample=json_form(sample))
    except DefinitionError:
        return mark


def _family(data_type: DataType) -> str:
    """What a type cannot leave: scalars, objects, lists of scalars, lists of objects, mixed lists."""
    if data_type.item not in (None, DataType.OBJECT):
        return "list"
    return str(data_type) if data_type.is_container else "scalar"


def _scalar_type(sample: Any) -> DataType | None:
    if sample is None or isinstance(sample, str):
        return DataType.STRING
    if isinstance(sample, bool):
        return DataType.BOOLEAN
    if isinstance(sample, int):
        return DataType.INTEGER if INTEGER_MIN <= sample <= INTEGER_MAX else DataType.DECIMAL
    if isinstance(sample, float):
        return DataType.DECIMAL if math.isfinite(sample) else None
    if isinstance(sample, Decimal):  # math.isfinite raises for a signaling NaN
        return DataType.DECIMAL if sample.is_finite() else None
    return None


def _list_type(sample: list[Any] | tuple[Any, ...]) -> DataType:
    items = [item for item in sample if item is not None]
    if items and all(isinstance(item, Mapping) for item in sample):
        return DataType.LIST_OBJECT
    kinds = {_scalar_type(item) for item in items}
    if kinds == {DataType.INTEGER, DataType.DECIMAL}:
        return DataType.LIST_DECIMAL
    if len(kinds) == 1 and (kind := kinds.pop()) is not None:
        return DataType.list_of(kind)
    return DataType.LIST_ANY
