"""Message parameters to the text of a body: JSON, a form or a text. No I/O.

The constant parts are serialised once; per call only the variables are checked, encoded and joined. JSON is built,
never pasted. Nulls after section 4.6 of the rules (R149 to R153).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from json.encoder import encode_basestring
from typing import Any

import attrs

from wayhook.jsonvalue import is_unicode
from wayhook.model.parameter import MessageParameter
from wayhook.rendering.address import encode_field
from wayhook.rendering.measure import list_measure
from wayhook.rendering.slot import MAX_FAULTS, Misfits, Part, Slot, skeleton
from wayhook.values import MAX_PAYLOAD, NUMBER_TYPES, DataType, Misfit, conform

__all__ = ["compile_form", "compile_payload", "compile_text", "delimited"]

Form = Callable[[Any], str]
"""Takes a value that is not null and gives its text; raises `Misfit`."""


def compile_payload(
    parameters: tuple[MessageParameter, ...],
    slots: Mapping[str, Slot],
    sources: Mapping[str, str],
    *,
    nulls: bool,
) -> Part[str]:
    """Return the compiled payload.

    `slots`: one for each variable parameter, by dotted path. `sources`: where the objects of a list keep a
    field, by the field's dotted path (R166). `nulls`: write nulls instead of leaving their fields out.
    """
    return skeleton(_Compiler(slots, sources, nulls).object(parameters, ""))


def compile_form(
    parameters: tuple[MessageParameter, ...],
    slots: Mapping[str, Slot],
    sources: Mapping[str, str],  # noqa: ARG001 - a form has no objects
    *,
    nulls: bool,
) -> Part[str]:
    """Return the compiled body `application/x-www-form-urlencoded` in UTF-8: a list becomes a field for each item.

    A null field is left out, or empty with `nulls`; a null item is left out.
    """
    fields = []
    for parameter in parameters:
        name = encode_field(parameter.name) + "="
        fields += _form_fields(parameter, parameter.name, name, name if nulls else "", slots)
    return delimited(fields)


def _form_fields(
    parameter: MessageParameter, path: str, name: str, null: str, slots: Mapping[str, Slot]
) -> list[Part[str]]:
    """The fields of one parameter of a form; `null`: in the place of a null."""
    if parameter.variable is not None:
        return [slots[path].written(_form_field(parameter, name), null, nullable=True)]
    if parameter.data_type.is_list:
        items = parameter.parameters
        return [field for p in items for field in _form_fields(p, f"{path}.{p.name}", name, "", slots)]
    return [null if parameter.value is None else _form_field(parameter, name)(parameter.value)]


def _form_field(parameter: MessageParameter, name: str) -> Form:
    data_type = parameter.data_type
    text = _text(data_type.item or data_type)
    field: Form = lambda value: name + encode_field(text(value))  # noqa: E731 - one half of two
    return _listed(field, "", "&", "", list_measure(parameter)) if data_type.is_list else field


def delimited(pairs: Sequence[Part[str]], opening: str = "") -> Part[str]:
    """Return pairs with `&` between those that are not empty, after the `opening`; empty where all are."""

    def write(subject: Any, faults: Any) -> str:
        found = "&".join([text for pair in pairs if (text := pair(subject, faults) if callable(pair) else pair)])
        return opening + found if found else ""

    return write if any(map(callable, pairs)) else write(None, None)


def compile_text(
    parameters: tuple[MessageParameter, ...],
    slots: Mapping[str, Slot],
    sources: Mapping[str, str],
    *,
    nulls: bool,
) -> Part[str | None]:
    """Return the compiled body of one text parameter, as it is; a null sends no body."""
    del sources, nulls  # a text has no fields, and no form for null
    parameter = parameters[0]
    text = _text(parameter.data_type)
    if parameter.variable is not None:
        return slots[parameter.name].written(text, None, nullable=True)
    return None if parameter.value is None else text(parameter.value)


def _text(data_type: DataType) -> Form:
    """What gives the text of a single value; that of a number is its JSON, which is exact."""
    check = conform(data_type)
    return check if data_type not in _JSON else lambda value: _JSON[data_type](check(value))


@attrs.frozen
class _Compiler:
    slots: Mapping[str, Slot]
    sources: Mapping[str, str]
    nulls: bool

    def object(self, parameters: tuple[MessageParameter, ...], path: str) -> list[Part[str]]:
        below = f"{path}." if path else ""
        members = [_Member(_key(p), p, below + p.name, self.null(p)) for p in parameters]
        return self.joined("{", members, "}")

    def array(self, parameter: MessageParameter, path: str) -> list[Part[str]]:
        """A constant list: each item on its own, nulls dropped whatever the switch says (R152)."""
        items = [(p, self.null(p) if p.data_type.is_list else None) for p in parameter.parameters]
        return self.joined("[", [_Member("", p, f"{path}.{p.name}", null) for p, null in items], "]")

    def null(self, parameter: MessageParameter) -> str | None:
        """The JSON in the place of a null: a variable list is `[]` (R153); None where it is left out."""
        return ("[]" if parameter.data_type.is_list else "null") if self.nulls else None

    def joined(self, opening: str, members: list[_Member], closing: str) -> list[Part[str]]:
        """Members with commas between them.

        One that is always there settles the commas: each before it brings one behind, each after it one in front.
        Without one, all bring one in front, and the first is cut off.
        """
        anchor = next((i for i, member in enumerate(members) if member.is_sure), -1)
        parts = []
        for i, member in enumerate(members):
            parts += self.member(member, "" if i <= anchor else ",", "," if i < anchor else "")
        if anchor >= 0:
            return [opening, *parts, closing]
        loose = skeleton(parts)
        if isinstance(loose, str):
            return [opening + loose[1:] + closing]
        return [lambda subject, faults: opening + loose(subject, faults)[1:] + closing]

    def member(self, member: _Member, before: str, after: str) -> list[Part[str]]:
        parameter, before = member.parameter, before + member.key
        if parameter.variable is not None:
            null = "" if member.null is None else before + member.null + after
            form = self.form(parameter, member.path, before, after, measured=True)
            return [self.slots[member.path].written(form, null, nullable=True)]
        if parameter.data_type is DataType.OBJECT:
            return [before, *self.object(parameter.parameters, member.path), after]
        if parameter.data_type.is_list:
            return [before, *self.array(parameter, member.path), after]
        if parameter.value is None:
            return ["" if member.null is None else before + member.null + after]
        return [_scalar(parameter.data_type, before, after)(parameter.value)]

    def form(self, parameter: MessageParameter, path: str, before: str, after: str, *, measured: bool = False) -> Form:
        """The JSON of a variable with what stands around it; `measured`: a list is looked through first (P47)."""
        if parameter.data_type is DataType.OBJECT:
            return self.item_object(parameter.parameters, path, before, after)
        if not parameter.data_type.is_list:
            return _scalar(parameter.data_type, before, after)
        if parameter.data_type is DataType.LIST_OBJECT:
            item = self.item_object(parameter.parameters, path, "", "")
        else:
            item = _scalar(parameter.data_type.item or DataType.STRING, "", "")
        measure = list_measure(parameter, path, self.sources) if measured else None
        listed = _listed(item, before + "[", ",", "]" + after, measure)
        return _strings(listed, before + "[", "]" + after) if parameter.data_type is DataType.LIST_STRING else listed

    def item_object(self, fields: tuple[MessageParameter, ...], above: str, before: str, after: str) -> Form:
        """An object of a variable list; what it has beyond the declared fields is not sent (R163)."""
        check, readers = conform(DataType.OBJECT), [self.item_field(field, f"{above}.{field.name}") for field in fields]

        def write(value: Any) -> str:
            members: list[str] = []
            found: list[tuple[str, Misfit]] = []
            check(value)
            for source, steps, null, form in readers:
                part = value
                for step in steps:
                    part = part.get(step) if type(part) is dict or isinstance(part, Mapping) else None
                try:
                    members.append(null if part is None else form(part))
                except Misfit as misfit:
                    found += _located(f".{source}", misfit)
            if found:
                raise Misfits(found)
            return f"{before}{{{','.join(filter(None, members))}}}{after}"

        return write

    def item_field(self, field: MessageParameter, path: str) -> tuple[str, list[str], str, Form]:
        """Where an object of a list keeps a field, and how it is written: when it is null, and when it is not."""
        source, null = self.sources.get(path, field.name), self.null(field)
        form = self.form(field, path, _key(field), "")
        return source, source.split("."), "" if null is None else _key(field) + null, form


@attrs.frozen
class _Member:
    """A member of an object or an array. `null`: the JSON in its place when it is null; None leaves it out."""

    key: str
    parameter: MessageParameter
    path: str
    null: str | None

    @property
    def is_sure(self) -> bool:
        """Whether it is never left out."""
        parameter = self.parameter
        has_value = parameter.variable is None and (parameter.data_type.is_container or parameter.value is not None)
        return has_value or self.null is not None


def _key(parameter: MessageParameter) -> str:
    return encode_basestring(parameter.name) + ":"


_JSON: dict[DataType, Form] = {
    **dict.fromkeys(NUMBER_TYPES, str),
    DataType.BOOLEAN: lambda value: "true" if value else "false",
}
"""The JSON of a value that conforms, where it is no string; that of a number is exact."""


def _scalar(data_type: DataType, before: str, after: str) -> Form:
    check, encode = conform(data_type), _JSON.get(data_type, encode_basestring)
    return lambda value: f"{before}{encode(check(value))}{after}"


def _listed(
    form: Form, opening: str, separator: str, closing: str, measure: Callable[[Any], None] | None = None
) -> Form:
    """A list whose null items are dropped, whatever the switch says (R152)."""
    check = conform(DataType.LIST_ANY)

    def write(value: Any) -> str:
        items: list[str] = []
        found: list[tuple[str, Misfit]] = []
        if measure is not None:
            measure(value)
        for i, item in enumerate(check(value)):
            try:
                if item is not None:
                    items.append(form(item))
            except Misfit as misfit:
                found += _located(f"[{i}]", misfit)
                if len(found) >= MAX_FAULTS:
                    break
        if found:
            raise Misfits(found)
        return f"{opening}{separator.join(items)}{closing}"

    return write


def _strings(otherwise: Form, opening: str, closing: str) -> Form:
    """A list of strings, all at once where nothing else is in it; `otherwise` one by one."""

    def write(value: Any) -> str:
        if type(value) is list and set(map(type, value)) == _ONLY_STRINGS and sum(map(len, value)) <= MAX_PAYLOAD:
            text = ",".join(map(encode_basestring, value))
            if is_unicode(text):
                return f"{opening}{text}{closing}"
        return otherwise(value)

    return write


_ONLY_STRINGS = {str}


def _located(where: str, misfit: Misfit) -> list[tuple[str, Misfit]]:
    """What does not fit, and where below a value, of which `misfit` is about the part at `where`."""
    if isinstance(misfit, Misfits):
        return [(where + below, each) for below, each in misfit.found]
    return [(where, misfit)]
