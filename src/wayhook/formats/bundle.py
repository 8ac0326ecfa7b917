"""A journey with everything it uses, as one document without secrets: for another repository.

Section 8 of the rules (R309 to R317). A document is `{"wayhook": 1, "kind": "export", "journey": …, "actions": […],
"connections": […]}` with the documents of the definitions, each with the identifier that it had.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import attrs

from wayhook.errors import DefinitionError, DocumentError, Violation
from wayhook.formats.adobe import PLACEHOLDER
from wayhook.formats.document import FORMAT_VERSION, MAX_DEPTH, MAX_SIZE, dump, load
from wayhook.jsonvalue import is_bounded, parse_json
from wayhook.model.action import Action
from wayhook.model.connection import Connection
from wayhook.model.journey import Journey
from wayhook.model.record import Stored, uses
from wayhook.secret import secret

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

    Those in parts that are never imported are not among them (R314). Raises `DocumentError` for what is no object, or
    is nested too deeply.
    """
    return _left(_object(document))


def _left(given: Mapping[str, Any]) -> tuple[str, ...]:
    parts = {f"$.{name}": given[name] for name in _KEYS if name in given}
    return tuple(path for start, part in parts.items() if _is_open(part) for path in _placeholders(part, start))


def _is_open(value: Any) -> bool:
    """Whether a placeholder is anywhere in a part; most have none, and paths are made for those that do."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            if PLACEHOLDER in part:
                return True
        elif isinstance(part, dict | Mapping):  # a dict is told at once
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    return False


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

    Raises `DefinitionError` for a path that holds no placeholder, and for what is no reference.
    """
    left = placeholders(document)
    if faults := list(_secret_faults(secrets, left)):
        raise DefinitionError(faults)

    def filled(value: Any, path: str) -> Any:
        if path in secrets:
            return {"secret": secrets[path]}
        if isinstance(value, Mapping):
            return {name: filled(below, f"{path}.{name}") for name, below in value.items()}
        return [filled(below, f"{path}[{i}]") for i, below in enumerate(value)] if isinstance(value, list) else value

    return {name: filled(value, f"$.{name}") for name, value in document.items()}


def _secret_faults(secrets: object, left: Collection[str]) -> Iterator[Violation]:
    if not isinstance(secrets, Mapping):
        yield Violation("$", f"secrets are a mapping of paths to references, not {type(secrets).__name__}")
        return
    for path, source in secrets.items():
        if path not in left:
            yield Violation(f"{path!s:.200}", "no placeholder stands there")
            continue
        try:
            secret(source)
        except DefinitionError as error:
            yield from (attrs.evolve(fault, path=path) for fault in error.violations)


def load_bundle(document: Mapping[str, Any] | str | bytes) -> Bundle:
    """Read an export; raises `DocumentError` with every fault and its path, each placeholder left among them (R312).

    The journey comes as a draft of version 1, whatever it was (R316).
    """
    given = _parsed(document)
    faults = list(_frame_faults(given))
    faults += [
        Violation(path, "a placeholder is left; put a reference such as {'secret': 'env:NAME'} there", "R312")
        for path in _left(given)
    ]
    reader = _Reader(faults)
    journey: Any = reader.read(given["journey"], "journey", "$.journey") if "journey" in given else None
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
    if not isinstance(document, str | bytes):
        return _object(document)
    try:
        given = parse_json(document, depth=MAX_DEPTH)
    except DefinitionError as error:
        raise DocumentError(error.violations) from None
    return given if isinstance(given, dict) else _object(given)


def _object(document: object) -> dict[str, Any]:
    """The document as an object of its own; raises `DocumentError` for what is none, or too deep to be walked."""
    if not isinstance(document, Mapping) or not all(isinstance(name, str) for name in document):
        raise DocumentError([Violation("$", "an export is a JSON object", "R313")])
    if not is_bounded(found := dict(document), depth=MAX_DEPTH, parts=MAX_SIZE):
        raise DocumentError([Violation("$", f"nested more than {MAX_DEPTH} levels deep, or too large", "R313")])
    return found


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
    """`faults`: those of the document so far; `broken`: a part could not be read."""

    faults: list[Violation]
    broken: bool = False

    def read(self, given: Any, kind: str, path: str) -> Any:
        """The definition, or None and its faults; a placeholder in it is told already."""
        fields = self.fields(given, path)
        told = tuple(fault.path for fault in self.faults)
        try:
            return load({**fields, "wayhook": FORMAT_VERSION, "kind": kind}) if fields is not None else None
        except DocumentError as error:
            for fault in error.violations:
                there = path + fault.path.removeprefix("$")
                if not there.startswith(tuple(f"{known}{end}" for known in told for end in ".[")) and there not in told:
                    self.faults.append(attrs.evolve(fault, path=there))
        self.broken = True
        return None

    def fields(self, given: Any, path: str) -> dict[str, Any] | None:
        """What a definition is made of; the identifier that it had is read over, since it gets a new one (R315)."""
        if not isinstance(given, Mapping):
            self.fault(path, "an object belongs here")
            return None
        if not isinstance(given.get("uid", ""), str):
            self.fault(f"{path}.uid", "a text belongs here, or nothing")
        for name in ("wayhook", "kind"):
            if name in given:
                self.fault(f"{path}.{name}", "the export as a whole says this; take it out here")
        return {name: value for name, value in given.items() if name != "uid"}

    def read_all(self, given: Any, kind: str, path: str) -> Any:
        if not isinstance(given, list):
            self.fault(path, "an array belongs here")
            return ()
        read = (self.read(item, kind, f"{path}[{i}]") for i, item in enumerate(given))
        return tuple(value for value in read if value is not None)

    def fault(self, path: str, message: str) -> None:
        """Tell a wrong shape, behind which nothing more can be judged."""
        self.faults.append(Violation(path, message, "R313"))
        self.broken = True


def _reference_faults(
    journey: Journey, actions: tuple[Action, ...], connections: tuple[Connection, ...]
) -> Iterator[Violation]:
    """What is named and not there, and what stands there twice."""
    parts: dict[str, Action | Connection] = {f"$.connections[{i}]": value for i, value in enumerate(connections)}
    parts |= {f"$.actions[{i}]": value for i, value in enumerate(actions)}
    there = set()
    for path, part in parts.items():
        if (key := (type(part), part.name)) in there:
            message = f"the {type(part).__name__} {part.name!r} stands there twice; keep one"
            yield Violation(f"{path}.name", message, "R313")
        there.add(key)
    users: dict[str, Journey | Action | Connection] = {"$.journey": journey, **parts}
    for path, user in users.items():
        for kind, name in uses(user):
            if (kind, name) not in there:
                message = f"{user.name!r} uses the {kind.__name__} {name!r}, which is not in the export; add it"
                yield Violation(path, message, "R313")
