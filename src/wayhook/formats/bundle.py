"""A journey with everything it uses, as one document without secrets: for another repository.

Section 8 of the rules (R309 to R317). A document is `{"wayhook": 1, "kind": "export", "journey": …, "actions": […],
"connections": […]}` with the documents of the definitions, each with the identifier that it had.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from wayhook.errors import DefinitionError, DocumentError, Violation
from wayhook.formats.adobe import PLACEHOLDER
from wayhook.formats.document import FORMAT_VERSION, MAX_DEPTH, MAX_SIZE, dump, load
from wayhook.jsonvalue import parse_json
from wayhook.model.action import Action
from wayhook.model.connection import Connection
from wayhook.model.journey import Journey
from wayhook.model.storage import Definition, Stored, uses

__all__ = ["Bundle", "dump_bundle", "load_bundle", "placeholders", "with_secrets"]

KIND = "export"
_KEYS = ("wayhook", "kind", "journey", "actions", "connections")
_FOREIGN = ("events", "fieldGroups", "dataEntities", "dataProviders", "xdmEntities")
"""What an export of the product has beside; read over, since it is never imported here (R314)."""


@attrs.frozen
class Bundle:
    """A journey, the actions that it uses, and their connections."""

    journey: Journey
    actions: tuple[Action, ...] = ()
    connections: tuple[Connection, ...] = ()

    @property
    def definitions(self) -> tuple[Definition, ...]:
        """All of it, what is used before what uses it."""
        return (*self.connections, *self.actions, self.journey)


def dump_bundle(
    journey: Stored[Journey], actions: tuple[Stored[Action], ...], connections: tuple[Stored[Connection], ...] = ()
) -> dict[str, Any]:
    """Return the export of a journey with what it uses; every secret, and the user name of Basic, is a placeholder."""
    return {
        "wayhook": FORMAT_VERSION,
        "kind": KIND,
        "journey": _dumped(journey),
        "actions": [_dumped(action) for action in actions],
        "connections": [_dumped(connection) for connection in connections],
    }


def _dumped(stored: Stored[Any]) -> dict[str, Any]:
    written: dict[str, Any] = _without_secrets(dump(stored.value, literal_secrets_allowed=True))
    del written["wayhook"], written["kind"]
    return {"uid": stored.uid, **written}


def _without_secrets(value: Any) -> Any:
    """The document with the placeholder for each secret, of a literal one as of a reference (R311)."""
    if isinstance(value, list):
        return [_without_secrets(below) for below in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and next(iter(value)) in ("secret", "literal_secret"):
        return {"secret": PLACEHOLDER}
    found = {name: _without_secrets(below) for name, below in value.items()}
    if found.get("kind") == "basic":
        found["username"] = {"secret": PLACEHOLDER}
    return found


def placeholders(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the paths of the placeholders that are left in an export, such as `$.actions[0].authentication.value`.

    Those in parts that are never imported are not among them (R314).
    """
    return tuple(path for name in _KEYS if name in document for path in _placeholders(document[name], f"$.{name}"))


def _placeholders(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        if value.get("secret") == PLACEHOLDER:
            yield path
        for name, below in value.items():
            yield from () if name == "secret" else _placeholders(below, f"{path}.{name}")
    elif isinstance(value, list):
        for i, below in enumerate(value):
            yield from _placeholders(below, f"{path}[{i}]")
    elif isinstance(value, str) and PLACEHOLDER in value:
        yield path


def with_secrets(document: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, Any]:
    """Return the export with references in the place of placeholders: path, as `placeholders` gives it, to `env:NAME`.

    Raises `DefinitionError` for a path that holds no placeholder.
    """
    left = placeholders(document)
    if faults := [Violation(path, "no placeholder stands there") for path in secrets if path not in left]:
        raise DefinitionError(faults)

    def filled(value: Any, path: str) -> Any:
        if path in secrets:
            return {"secret": secrets[path]}
        if isinstance(value, Mapping):
            return {name: filled(below, f"{path}.{name}") for name, below in value.items()}
        return [filled(below, f"{path}[{i}]") for i, below in enumerate(value)] if isinstance(value, list) else value

    return {name: filled(value, f"$.{name}") for name, value in document.items()}


def load_bundle(document: Mapping[str, Any] | str | bytes) -> Bundle:
    """Read an export; raises `DocumentError` with every fault and its path, each placeholder left among them (R312).

    The journey comes as a draft of version 1, whatever it was (R316).
    """
    given = _parsed(document)
    faults = list(_frame_faults(given))
    faults += [
        Violation(path, "a placeholder is left; put a reference such as {'secret': 'env:NAME'} there", "R312")
        for path in placeholders(given)
    ]
    reader = _Reader(faults)
    journey = reader.read(given.get("journey"), "journey", "$.journey")
    actions = reader.read_all(given.get("actions", []), "action", "$.actions")
    connections = reader.read_all(given.get("connections", []), "connection", "$.connections")
    if journey is not None and not reader.broken:
        reader.faults += _reference_faults(journey, actions, connections)
    if reader.faults:
        raise DocumentError(reader.faults)
    return Bundle(attrs.evolve(journey.duplicate(), name=journey.name), actions, connections)


def _parsed(document: Mapping[str, Any] | str | bytes) -> dict[str, Any]:
    if isinstance(document, str | bytes) and len(document) > MAX_SIZE:
        raise DocumentError([Violation("$", f"an export has at most {MAX_SIZE:,} characters", "R313")])
    try:
        given = parse_json(document, depth=MAX_DEPTH) if isinstance(document, str | bytes) else document
    except DefinitionError as error:
        raise DocumentError(error.violations) from None
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise DocumentError([Violation("$", "an export is a JSON object", "R313")])
    return dict(given)


def _frame_faults(given: Mapping[str, Any]) -> Iterator[Violation]:
    if type(given.get("wayhook")) is not int or given["wayhook"] != FORMAT_VERSION:
        yield Violation("$.wayhook", f"the format version is {FORMAT_VERSION}", "R313")
    if given.get("kind") != KIND:
        yield Violation("$.kind", f"an export is of the kind {KIND!r}", "R313")
    if "journey" not in given:
        yield Violation("$.journey", "this is missing; add it", "R313")
    for name in given:
        if name not in (*_KEYS, *_FOREIGN):
            yield Violation(f"$.{name[:40]}", f"there is no such key; there are {', '.join(_KEYS)}", "R313")


@attrs.define
class _Reader:
    faults: list[Violation]
    broken: bool = False

    def read(self, given: Any, kind: str, path: str) -> Any:
        """The definition, or None and its faults; a placeholder in it is told already."""
        if given is None:
            return None
        if not isinstance(given, Mapping):
            self.faults.append(Violation(path, "an object belongs here", "R313"))
            return None
        fields = {name: value for name, value in given.items() if name not in ("uid", "wayhook", "kind")}
        told = {fault.path for fault in self.faults}
        try:
            return load({"wayhook": FORMAT_VERSION, "kind": kind, **fields})
        except DocumentError as error:
            for fault in error.violations:
                there = path + fault.path.removeprefix("$")
                if not any(there.startswith(known) for known in told):
                    self.faults.append(attrs.evolve(fault, path=there))
        self.broken = True
        return None

    def read_all(self, given: Any, kind: str, path: str) -> Any:
        if not isinstance(given, list):
            self.faults.append(Violation(path, "an array belongs here", "R313"))
            return ()
        read = (self.read(item, kind, f"{path}[{i}]") for i, item in enumerate(given))
        return tuple(value for value in read if value is not None)


def _reference_faults(
    journey: Journey, actions: tuple[Action, ...], connections: tuple[Connection, ...]
) -> Iterator[Violation]:
    """What is named and not there, and what stands there twice."""
    parts: tuple[Definition, ...] = (*actions, *connections)
    there = [(type(value), value.name) for value in parts]
    for kind, name in dict.fromkeys(key for key in there if there.count(key) > 1):
        yield Violation("$", f"the {kind.__name__} {name!r} stands there twice", "R313")
    users: tuple[Definition, ...] = (journey, *actions)
    for value in users:
        for kind, name in uses(value):
            if (kind, name) not in there:
                message = f"{value.name!r} uses the {kind.__name__} {name!r}, which is not in the export"
                yield Violation("$", message, "R313")
