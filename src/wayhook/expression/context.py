"""The data that an expression reads. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import attrs

from wayhook.errors import DefinitionError, Violation

__all__ = ["Context"]

_KEYS = {
    "event": "events",
    "datasource": "data_sources",
    "action": "actions",
    "journey": "journey",
    "now": "now",
}


def _mapping(_: Context, field: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, Mapping):
        raise DefinitionError([Violation(f"$.{field.name}", f"give a mapping by name, not {type(value).__name__}")])


@attrs.frozen(repr=False)
class Context:
    """What happened to one individual: the payloads that references read, by name.

    `events`: event name to payload (`@event{Order.total}`). `data_sources`: source name to field groups
    (`#{Source.Group.field}`). `actions`: action name to its answer's fields (`@action{Weather.temp}`).
    `journey`: journey properties (`${externalKey}`). `now`: the current time of the evaluation, or None.
    """

    events: Mapping[str, Any] = attrs.field(factory=dict, validator=_mapping)
    data_sources: Mapping[str, Any] = attrs.field(factory=dict, validator=_mapping, kw_only=True)
    actions: Mapping[str, Any] = attrs.field(factory=dict, validator=_mapping, kw_only=True)
    journey: Mapping[str, Any] = attrs.field(factory=dict, validator=_mapping, kw_only=True)
    now: datetime | None = attrs.field(default=None, kw_only=True)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Context:
        """Build a context from the keys `event`, `datasource`, `action`, `journey` and `now` (ISO text).

        Raises `DefinitionError` that names every other key.
        """
        if not isinstance(document, Mapping):
            raise DefinitionError([Violation("$", f"a context is an object, not {type(document).__name__}")])
        faults = list(_document_faults(document))
        if faults:
            raise DefinitionError(faults)
        parts = {_KEYS[key]: value for key, value in document.items()}
        return cls(**{**parts, "now": _instant(document.get("now"))})

    def __repr__(self) -> str:
        parts = [f"{name} {', '.join(map(str, getattr(self, name)))}" for name in _KEYS.values() if _named(self, name)]
        return f"<Context: {'; '.join(parts) or 'empty'}>"


def _named(context: Context, name: str) -> bool:
    return name != "now" and bool(getattr(context, name))


def _document_faults(document: Mapping[str, Any]) -> Iterator[Violation]:
    for key, value in document.items():
        if key not in _KEYS:
            yield Violation(f"$.{key}", f"a context has {', '.join(_KEYS)}; take this out")
        elif key != "now" and not isinstance(value, Mapping):
            yield Violation(f"$.{key}", f"give an object by name, not {type(value).__name__}")
        elif key == "now" and value is not None and _instant(value) is None:
            yield Violation("$.now", "give a date and time such as 2030-01-02T03:04:05Z")


def _instant(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(value)
    except (ValueError, TypeError):
        return None
