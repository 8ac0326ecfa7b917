"""How large the value of a list is, found before any of it is written. No I/O.

Only what is declared is looked at, as only that is sent. A value that is shared, or contains itself, is looked at as
often as it would be written, so the look has an end: `MAX_NODES` parts and `MAX_PAYLOAD` bytes (P47).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import attrs

from wayhook.jsonvalue import MAX_NODES
from wayhook.model.parameter import MessageParameter
from wayhook.values import MAX_PAYLOAD, DataType, Misfit

__all__ = ["list_measure"]

_NO_LISTS = (str, bytes, bytearray, memoryview, Mapping)


@attrs.define
class _Room:
    """What is left for the rest of a value: parts, and bytes of its texts."""

    parts: int = MAX_NODES
    size: int = MAX_PAYLOAD

    def take(self, parts: Collection[Any]) -> None:
        """Take parts out of it, and the bytes of those that are texts; raises `Misfit` where they do not fit."""
        self.parts -= len(parts)
        if self.parts >= 0:
            for part in parts:
                if type(part) is str:
                    self.size -= _text_size(part)
                    if self.size < 0:
                        break
            else:
                return
        raise Misfit(f"takes at most {MAX_NODES:,} parts and {MAX_PAYLOAD:,} bytes; send less")


_Look = Callable[[Any, _Room], None]


def _text_size(text: str) -> int:
    """Return the bytes of a text in UTF-8; of one that is too long for any payload, only that it is."""
    if text.isascii() or len(text) > MAX_PAYLOAD:
        return len(text)
    return len(text.encode(errors="surrogatepass"))


def list_measure(
    parameter: MessageParameter, path: str = "", sources: Mapping[str, str] | None = None
) -> Callable[[Any], None]:
    """Return what looks through a value of a list parameter, and raises `Misfit` where it is too large to be sent.

    `path`, `sources`: of the parameter, and where objects keep their fields, as for the payload.
    """
    look = _items(parameter, path, sources or {})
    return lambda value: look(value, _Room())


def _items(parameter: MessageParameter, path: str, sources: Mapping[str, str]) -> _Look:
    below = _fields(parameter.parameters, path, sources) if parameter.data_type is DataType.LIST_OBJECT else None

    def look(value: Any, room: _Room) -> None:
        if type(value) is not list and (not isinstance(value, Sequence) or isinstance(value, _NO_LISTS)):
            return  # told by what writes it
        room.take(value)
        if below is not None:
            for item in value:
                if type(item) is dict or isinstance(item, Mapping):
                    below(item, room)

    return look


def _fields(fields: Iterable[MessageParameter], above: str, sources: Mapping[str, str]) -> _Look:
    readers = []
    for field in fields:
        path = f"{above}.{field.name}"
        readers.append((sources.get(path, field.name).split("."), _field(field, path, sources)))

    def look(value: Any, room: _Room) -> None:
        parts = []
        for steps, _ in readers:
            part = value
            for step in steps:
                part = part.get(step) if type(part) is dict or isinstance(part, Mapping) else None
            parts.append(part)
        room.take(parts)
        for (_, below), part in zip(readers, parts, strict=True):
            if below is not None and part is not None:
                below(part, room)

    return look


def _field(field: MessageParameter, path: str, sources: Mapping[str, str]) -> _Look | None:
    if field.data_type is DataType.OBJECT:
        return _fields(field.parameters, path, sources)
    return _items(field, path, sources) if field.data_type.is_list else None
