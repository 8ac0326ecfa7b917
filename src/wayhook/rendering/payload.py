"""Message parameters to the bytes of a body: JSON, a form or a text. No I/O.

The constant parts are serialised once; per call only the variables are checked, encoded and joined. JSON is built,
never pasted. Nulls after section 4.6 of the rules (R149 to R153).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any
from urllib.parse import quote_plus

import attrs

from wayhook.model.parameter import MessageParameter
from wayhook.rendering.measure import list_measure
from wayhook.rendering.slot import Faults, Slot
from wayhook.values import DataType, Misfit, conform

__all__ = ["Write", "compile_form", "compile_payload", "compile_text"]

Write = Callable[[Any, Faults], bytes | None]
"""Takes what a call is rendered from; returns the JSON of one value, or None when it is left out."""

Piece = bytes | None | Write
"""A compiled value: its JSON where it never changes (None: always left out), else the function that writes it."""

WriteItem = Callable[[Any, str, Faults], bytes | None]
"""Takes a value below a variable list and its path; returns its JSON, or None when it is left out."""


def compile_payload(
    parameters: tuple[MessageParameter, ...],
    slots: Mapping[str, Slot],
    sources: Mapping[str, str],
    *,
    nulls: bool,
) -> Piece:
    """Return the compiled payload.

    `slots`: one for each variable parameter, by dotted path. `sources`: where the objects of a list keep a
    field, by the field's dotted path (R166). `nulls`: write nulls instead of leaving their fields out.
    """
    return _Compiler(slots, sources, nulls).object(parameters, "")


def compile_form(
    parameters: tuple[MessageParameter, ...],
    slots: Mapping[str, Slot],
    sources: Mapping[str, str],  # noqa: ARG001 - a form has no objects
    *,
    nulls: bool,
) -> Write:
    """Return the compiled body `application/x-www-form-urlencoded` in UTF-8: a list becomes a field for each item.

    A null field is left out, or empty with `nulls`; a null item is left out.
    """
    fields = [(quote_plus(p.name, "*"), _form_values(p, slots)) for p in parameters]

    def write(subject: Any, faults: Faults) -> bytes:
        pairs = []
        for name, values in fields:
            given = values(subject, faults)
            texts = ([""] if nulls else []) if given is None else given
            pairs += [f"{name}={quote_plus(text, '*')}" for text in texts]
        return "&".join(pairs).encode()

    return write


def _form_values(parameter: MessageParameter, slots: Mapping[str, Slot]) -> Callable[[Any, Faults], list[str] | None]:
    """The texts of one parameter of a form; None for a null."""
    if parameter.data_type.is_list and parameter.variable is None:
        items = [_form_values(attrs.evolve(p, name=f"{parameter.name}.{p.name}"), slots) for p in parameter.parameters]
        return lambda subject, faults: [text for item in items for text in item(subject, faults) or ()]
    if parameter.variable is None:
        constant = None if parameter.value is None else [_text(conform(parameter.data_type)(parameter.value))]
        return lambda *_: constant
    slot, check = slots[parameter.name], conform(parameter.data_type.item or parameter.data_type)
    is_list, measure = parameter.data_type.is_list, list_measure(parameter)

    def values(subject: Any, faults: Faults) -> list[str] | None:
        value = slot.value(subject, faults)
        if value is None:
            return None
        try:
            items = conform(DataType.LIST_ANY)(value) if is_list else [value]
            measure(items)
            return [_text(check(item)) for item in items if item is not None]
        except Misfit as misfit:
            faults.misfit(slot.path, misfit)
            return None

    return values


def compile_text(
    parameters: tuple[MessageParameter, ...],
    slots: Mapping[str, Slot],
    sources: Mapping[str, str],
    *,
    nulls: bool,
) -> Write:
    """Return the compiled body of one text parameter, as it is in UTF-8; a null sends no body."""
    del sources, nulls  # a text has no fields, and no form for null
    values = _form_values(parameters[0], slots)

    def write(subject: Any, faults: Faults) -> bytes | None:
        given = values(subject, faults)
        return None if given is None else given[0].encode()

    return write


def _text(value: Any) -> str:
    """The text of a value that `conform` gave; numbers stay exact."""
    return value if isinstance(value, str) else scalar_json(value).decode()


@attrs.frozen
class _Compiler:
    slots: Mapping[str, Slot]
    sources: Mapping[str, str]
    nulls: bool

    def piece(self, parameter: MessageParameter, path: str) -> Piece:
        if parameter.variable is not None:
            return self.variable(parameter, path)
        if parameter.data_type is DataType.OBJECT:
            return self.object(parameter.parameters, path)
        if parameter.data_type.is_list:
            return self.array(parameter, path)
        if parameter.value is None:
            return b"null" if self.nulls else None
        return scalar_json(conform(parameter.data_type)(parameter.value))

    def object(self, parameters: tuple[MessageParameter, ...], path: str) -> Piece:
        below = f"{path}." if path else ""
        return _joined([(_key(p), self.piece(p, below + p.name)) for p in parameters], b"{", b"}")

    def array(self, parameter: MessageParameter, path: str) -> Piece:
        """A constant list: each item on its own, nulls dropped whatever the switch says (R152)."""
        items = [_not_null(self.piece(p, f"{path}.{p.name}")) for p in parameter.parameters]
        return _joined([(b"", item) for item in items], b"[", b"]")

    def variable(self, parameter: MessageParameter, path: str) -> Write:
        slot = self.slots[path]
        if not parameter.data_type.is_list:
            return self.scalar(slot, parameter.data_type)
        measure = list_measure(parameter, path, self.sources)
        if parameter.data_type is DataType.LIST_OBJECT:
            return self.items(slot, self.item_object(parameter.parameters, path), measure)
        return self.items(slot, _item(parameter.data_type.item), measure)

    def scalar(self, slot: Slot, data_type: DataType) -> Write:
        check, empty = conform(data_type), b"null" if self.nulls else None

        def write(subject: Any, faults: Faults) -> bytes | None:
            value = slot.value(subject, faults)
            if value is None:
                return empty
            try:
                return scalar_json(check(value))
            except Misfit as misfit:
                faults.misfit(slot.path, misfit)
                return None

        return write

    def items(self, slot: Slot, write_item: WriteItem, measure: Callable[[Any], None]) -> Write:
        """A variable list; a null in its place is `[]` with the switch (R153)."""
        empty, write_items = b"[]" if self.nulls else None, _array(write_item)

        def write(subject: Any, faults: Faults) -> bytes | None:
            value = slot.value(subject, faults)
            if value is None:
                return empty
            try:
                measure(value)
            except Misfit as misfit:
                faults.misfit(slot.path, misfit)
                return None
            return write_items(value, slot.path, faults)

        return write

    def item_object(self, fields: tuple[MessageParameter, ...], above: str) -> WriteItem:
        """An object of a variable list; what it has beyond the declared fields is not sent (R163)."""
        readers = [self.item_field(field, f"{above}.{field.name}") for field in fields]

        def write(value: Any, where: str, faults: Faults) -> bytes | None:
            if not isinstance(value, Mapping):
                faults.misfit(where, Misfit(f"takes an object, not {type(value).__name__}"))
                return None
            members = [(key, read(value, where, faults)) for key, read in readers]
            return b"{" + b",".join(key + member for key, member in members if member is not None) + b"}"

        return write

    def item_field(self, field: MessageParameter, path: str) -> tuple[bytes, WriteItem]:
        source = self.sources.get(path, field.name)
        steps = source.split(".")
        write_value = self.item_value(field, path)
        empty = (b"[]" if field.data_type.is_list else b"null") if self.nulls else None

        def read(value: Any, where: str, faults: Faults) -> bytes | None:
            for step in steps:
                value = value.get(step) if isinstance(value, Mapping) else None
            return empty if value is None else write_value(value, f"{where}.{source}", faults)

        return _key(field), read

    def item_value(self, field: MessageParameter, path: str) -> WriteItem:
        if field.data_type is DataType.OBJECT:
            return self.item_object(field.parameters, path)
        if field.data_type is DataType.LIST_OBJECT:
            return _array(self.item_object(field.parameters, path))
        return _array(_item(field.data_type.item)) if field.data_type.is_list else _item(field.data_type)


def _key(parameter: MessageParameter) -> bytes:
    return encode_basestring(parameter.name).encode() + b":"


def _item(data_type: DataType | None) -> WriteItem:
    check = conform(data_type or DataType.STRING)

    def write(value: Any, where: str, faults: Faults) -> bytes | None:
        try:
            return scalar_json(check(value))
        except Misfit as misfit:
            faults.misfit(where, misfit)
            return None

    return write


def _array(write_item: WriteItem) -> WriteItem:
    """A list whose null items are dropped, whatever the switch says (R152)."""
    check = conform(DataType.LIST_ANY)

    def write(value: Any, where: str, faults: Faults) -> bytes | None:
        try:
            items = check(value)
        except Misfit as misfit:
            faults.misfit(where, misfit)
            return None
        written = []
        for i, item in enumerate(items):
            if faults.are_enough:
                break
            if item is not None and (text := write_item(item, f"{where}[{i}]", faults)) is not None:
                written.append(text)
        return b"[" + b",".join(written) + b"]"

    return write


def _not_null(piece: Piece) -> Piece:
    """Drop a null item of an array (R152)."""
    if not callable(piece):
        return None if piece == b"null" else piece

    def written(subject: Any, faults: Faults) -> bytes | None:
        text = piece(subject, faults)
        return None if text == b"null" else text

    return written


def _joined(members: list[tuple[bytes, Piece]], opening: bytes, closing: bytes) -> Piece:
    """Join what is not left out; members side by side that never change are joined here, once."""
    parts: list[bytes | tuple[bytes, Write]] = []
    for key, piece in members:
        if callable(piece):
            parts.append((key, piece))
        elif piece is not None and parts and isinstance(parts[-1], bytes):
            parts[-1] += b"," + key + piece
        elif piece is not None:
            parts.append(key + piece)
    if all(isinstance(part, bytes) for part in parts):
        return opening + b",".join(part for part in parts if isinstance(part, bytes)) + closing

    def join(subject: Any, faults: Faults) -> bytes:
        pieces = []
        for part in parts:
            if isinstance(part, bytes):
                pieces.append(part)
            elif (text := part[1](subject, faults)) is not None:
                pieces.append(part[0] + text)
        return opening + b",".join(pieces) + closing

    return join


def scalar_json(value: Any) -> bytes:
    """Return the JSON of a string, number or truth value that `conform` gave; numbers stay exact."""
    kind = type(value)
    if kind is str:
        return encode_basestring(value).encode()
    if kind is bool:
        return b"true" if value else b"false"
    return (str(value) if isinstance(value, Decimal) else repr(value)).encode()
