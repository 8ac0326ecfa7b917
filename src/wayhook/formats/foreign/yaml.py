"""YAML as far as it says the same as JSON. The one module that imports PyYAML, and only its parser of events.

Nothing is constructed by a tag: `!Ref Host`, as templates of CloudFormation have it, is the object `{"!Ref": "Host"}`.
Scalars are read as the core schema of YAML 1.2 has them, so that `no` is a text and a date stays one. Aliases are
followed; a merge key `<<` is not.
"""

from __future__ import annotations

import re
from typing import Any

import attrs

from wayhook.errors import DefinitionError, MissingExtra, Violation
from wayhook.formats.foreign.source import MAX_DEPTH, MAX_PARTS
from wayhook.jsonvalue import SHOWN, parse_json

__all__ = ["parse_yaml"]

_EXTRA = "A document in YAML needs the extra yaml: pip install 'wayhook[yaml]'. Or give it as JSON, or parsed."
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,300}", re.ASCII)
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,2})?", re.ASCII)


def parse_yaml(text: str | bytes) -> Any:
    """Return the value of a document in YAML, or in JSON.

    Raises `DefinitionError` with the place of what cannot be read, `MissingExtra` where it is YAML and PyYAML is not
    installed.
    """
    if text[:1000].lstrip()[:1] in ("{", b"{"):
        return parse_json(text, depth=MAX_DEPTH)
    try:
        import yaml
    except ImportError:
        raise MissingExtra(_EXTRA) from None
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C parser, where libyaml is there
    document = _Document()
    try:
        for event in yaml.parse(text, Loader=loader):
            document.take(event)
    except (yaml.YAMLError, UnicodeError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        reason = getattr(error, "problem", None) or "it is no Unicode text"
        raise DefinitionError([Violation("$", f"not YAML{place}: {reason}")]) from None
    return document.value


@attrs.define
class _Document:
    """The value that the events of a document make. `open`: its containers that have not ended, with their anchors.

    `names`: for each of them the name that waits for a value.
    """

    value: Any = None
    open: list[tuple[Any, str | None]] = attrs.Factory(list)
    names: list[str | None] = attrs.Factory(list)
    anchors: dict[str, Any] = attrs.Factory(dict)
    parts: int = 0

    def take(self, event: Any) -> None:
        """Take the next event."""
        match type(event).__name__:
            case "MappingStartEvent" | "SequenceStartEvent" as kind:
                self.begin(event, {} if kind == "MappingStartEvent" else [])
            case "MappingEndEvent" | "SequenceEndEvent":
                self.names.pop()
                value, anchor = self.open.pop()
                self.anchors |= {} if anchor is None else {anchor: value}
            case "ScalarEvent":
                value = _scalar(event.value) if event.implicit[0] else event.value
                self.put(event, _tagged(event, value))
                self.anchors |= {} if event.anchor is None else {event.anchor: value}
            case "AliasEvent" if event.anchor in self.anchors:
                self.put(event, self.anchors[event.anchor])
            case "AliasEvent":
                raise _fault(event, "this alias names nothing that ended before it")
            case "DocumentStartEvent" if self.parts:
                raise _fault(event, "a second document begins here; give one")

    def begin(self, event: Any, container: Any) -> None:
        self.put(event, _tagged(event, container))
        if len(self.open) >= MAX_DEPTH:
            raise _fault(event, f"nested more than {MAX_DEPTH} levels deep; make it flatter")
        self.open.append((container, event.anchor))
        self.names.append(None)

    def put(self, event: Any, value: Any) -> None:
        """Put a value where the next one belongs: into the innermost container, whose name it may be."""
        self.parts += 1
        if self.parts > MAX_PARTS:
            raise _fault(event, f"more than {MAX_PARTS:,} parts; give a part of it")
        container = self.open[-1][0] if self.open else None
        if container is None:
            self.value = value
        elif isinstance(container, list):
            container.append(value)
        elif self.names[-1] is None:
            self.names[-1] = _name(event, container)
        else:
            container[self.names[-1]] = value
            self.names[-1] = None


def _name(event: Any, container: dict[str, Any]) -> str:
    name = getattr(event, "value", None)
    if not isinstance(name, str):
        raise _fault(event, "the name of a field is a text")
    if name == "<<" and event.implicit[0]:
        raise _fault(event, "a merge key (<<) is not read; write its fields out")
    if name in container:
        raise _fault(event, f"the name {name[:SHOWN]!r} stands twice in one object; keep one")
    return name


def _fault(event: Any, message: str) -> DefinitionError:
    mark = event.start_mark
    return DefinitionError([Violation("$", f"line {mark.line + 1}, column {mark.column + 1}: {message}")])


def _tagged(event: Any, value: Any) -> Any:
    """A value below its tag, where that is one of the document's own."""
    is_own = event.tag is not None and event.tag.startswith("!") and len(event.tag) > 1
    return {event.tag: value} if is_own else value


def _scalar(text: str) -> Any:
    """A plain scalar, which may stand for something else than its text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text
