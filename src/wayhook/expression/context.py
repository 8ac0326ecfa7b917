"""The data that an expression reads. No I/O."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import attrs

from wayhook.errors import DefinitionError, Violation

__all__ = ["Context"]

INSTANCE_LIMIT = 1_000_000
"""Bytes of JSON that the data of one individual have at most, answers of actions included (R198)."""

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


def _own(given: Mapping[str, Any]) -> dict[str, Any]:
    return dict(given) if isinstance(given, Mapping) else given


@attrs.frozen(repr=False)
class Context:
    """What happened to one individual: the payloads that references read, by name.

    `events`: event name to payload (`@event{Order.total}`). `data_sources`: source name to field groups
    (`#{Source.Group.field}`). `actions`: action name to its answer's fields (`@action{Weather.temp}`).
    `journey`: journey properties (`${externalKey}`). `now`: the current time of the evaluation, or None.

    An execution adds the answer of its action to `actions`, so that later activities of the journey read it: use one
    context for one individual. A mapping that is given as `actions` is copied, and stays as it is.
    """

    events: Mapping[str, Any] = attrs.field(factory=dict, validator=_mapping)
    data_sources: Mapping[str, Any] = attrs.field(factory=dict, validator=_mapping, kw_only=True)
    actions: dict[str, Any] = attrs.field(factory=dict, converter=_own, validator=_mapping, kw_only=True)
    journey: Mapping[str, Any] = attrs.field(factory=dict, validator=_mapping, kw_only=True)
    now: datetime | None = attrs.field(default=None, kw_only=True)

    def record(self, action: str, answer: Mapping[str, Any]) -> bool:
        """Add the answer of an action, in the place of an earlier one; False, and nothing is added, where all data of
        the individual together would be larger than 1 MB (R198)."""  # noqa: D205, D209 - one sentence and its end
        if len(answer) > 1:
            others = {name: value for name, value in self.actions.items() if name != action}
            data = (self.events, self.data_sources, others, answer)
            if sum(len(json.dumps(part, default=str)) for part in data) > INSTANCE_LIMIT:
                return False
        self.actions[action] = answer
        return True

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
