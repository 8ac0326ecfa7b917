"""Documents as files for people: JSON, or YAML whose comments and order stay when its values change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wayhook.errors import DefinitionError, DocumentError, MissingExtra, Violation
from wayhook.formats.document import MAX_DEPTH, dump, dumps, load, loads
from wayhook.model.record import Definition

__all__ = ["SUFFIXES", "read", "written"]

SUFFIXES = (".json", ".yaml", ".yml")
_MAX_PARTS = 200_000
MAX_YAML = 500_000
"""Characters: YAML with its comments is read at some hundred thousand of them in a second."""
_TOO_LONG = f"a document in YAML has at most {MAX_YAML:,} characters"


def read(text: str, suffix: str) -> Definition:
    """Return what the text of a file holds; raises `DocumentError` with every fault and its path or line."""
    if suffix == ".json":
        return loads(text)
    return load(_Plain().of(_parsed(text), 0))


def written(value: Definition, suffix: str, before: str | None) -> str:
    """Return the text of a file that holds `value`; in YAML the comments and the order of the text `before` stay.

    Raises `DefinitionError` for a value whose text could not be read again.
    """
    if suffix == ".json":
        return dumps(value)
    import io

    document = dump(value)
    old = None if before is None else _parsed(before)
    file = io.StringIO()
    _yaml().dump(document if old is None else _merged(old, document), file)
    text = file.getvalue()
    if len(text) > MAX_YAML:
        raise DefinitionError([Violation("$", f"{_TOO_LONG}, not {len(text):,}; keep it as JSON")])
    return text


def _yaml() -> Any:
    try:
        from ruamel.yaml import YAML
    except ImportError:
        raise MissingExtra("files of YAML need ruamel.yaml: pip install 'wayhook[yaml]'") from None
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _parsed(text: str) -> Any:
    """The tree of a YAML text, with its comments."""
    if len(text) > MAX_YAML:
        raise DocumentError([Violation("$", f"{_TOO_LONG}, not {len(text):,}")])
    yaml = _yaml()
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        return yaml.load(text)
    except MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f"line {error.problem_mark.line + 1}: "
        raise DocumentError([Violation("$", f"{line}this is no YAML: {error.problem}")]) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise DocumentError([Violation("$", f"this is no YAML: {type(error).__name__}")]) from None


class _Plain:
    """The tree of a document without comments; what no JSON has is left to the reader of documents to refuse."""

    def __init__(self) -> None:
        self._left = _MAX_PARTS

    def of(self, node: Any, depth: int) -> Any:
        self._left -= 1
        if depth > MAX_DEPTH or self._left < 0:
            message = (
                f"a document has at most {MAX_DEPTH} levels and {_MAX_PARTS:,} parts; aliases count as what they name"
            )
            raise DocumentError([Violation("$", message)])
        if isinstance(node, Mapping):
            return {_scalar(name): self.of(value, depth + 1) for name, value in node.items()}
        if isinstance(node, Sequence) and not isinstance(node, str | bytes):
            return [self.of(item, depth + 1) for item in node]
        return _scalar(node)


def _scalar(node: Any) -> Any:
    for kind in (bool, int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node


def _merged(old: Any, new: Any) -> Any:
    """The tree `old` with the values of `new`: what is in both keeps its place, its comments and its spelling."""
    if isinstance(old, Mapping) and isinstance(new, dict):
        for name in [name for name in old if name not in new]:
            del old[name]  # type: ignore[attr-defined]  # a CommentedMap
        for name, value in new.items():
            old[name] = _merged(old[name], value) if name in old else value  # type: ignore[index]
        return old
    if isinstance(old, list) and isinstance(new, list):
        items = [_merged(_twin(old, place, item), item) for place, item in enumerate(new)]
        del old[len(items) :]
        for place, item in enumerate(items):
            if place < len(old):
                old[place] = item
            else:
                old.append(item)
        return old
    plain = _scalar(old)
    return old if type(plain) is type(new) and plain == new else new


def _twin(old: list[Any], place: int, item: Any) -> Any:
    """What stood for an item of a list: that of its name or label, or what stood in its place."""
    for key in ("name", "label"):
        if isinstance(item, dict) and key in item:
            return next((each for each in old if isinstance(each, Mapping) and each.get(key) == item[key]), None)
    return old[place] if place < len(old) else None
