"""The cards of what a repository keeps, lists and remembers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wayhook.display.definition import facts
from wayhook.display.part import Card, Chip, Note, Part, Table, Tone, Value, bounded, counted, moment
from wayhook.execution.ports import Page
from wayhook.model.action import Action, UrlConfiguration
from wayhook.model.capping import CappingConfiguration
from wayhook.model.journey import Journey
from wayhook.model.record import Edit, Stored, kind_of
from wayhook.model.throttling import ThrottlingConfiguration
from wayhook.model.url import masked_url

__all__ = ["edit_card", "page_card", "stored_card"]

_EDITS: dict[str, Tone] = {"created": "good", "deleted": "bad"}

CardOf = Callable[[Any], Card]


def stored_card(stored: Stored[Any], card_of: CardOf) -> Card:
    """Return the card of a record: its version, who saved it when, and the value that it keeps."""
    return Card("record", stored.value.name, _kept(stored, card_of), (_version(stored),))


def edit_card(edit: Edit[Any], card_of: CardOf) -> Card:
    """Return the card of a step in the history of a record."""
    chips = (Chip(edit.what, _EDITS.get(edit.what, "calm")), _version(edit.stored))
    return Card("history", edit.stored.value.name, _kept(edit.stored, card_of), chips)


def _version(stored: Stored[Any]) -> Chip:
    return Chip(f"version {stored.version}")


def _kept(stored: Stored[Any], card_of: CardOf) -> tuple[Part, ...]:
    told = facts(
        ("saved", None if stored.saved is None else moment(stored.saved)),
        ("by", stored.by),
        ("uid", Value(stored.uid) if stored.uid else None),
    )
    return (*told, card_of(stored.value))


def page_card(page: Page[Any]) -> Card:
    """Return the card of a page of a list: a row for each record."""
    rows, more = bounded(
        (stored.value.name, kind_of(stored.value), Value(_summary(stored.value)), str(stored.version))
        for stored in page.items
    )
    parts: list[Part] = [Table(("name", "kind", "what", "version"), rows, more)] if rows else []
    if page.cursor is not None:
        parts.append(Note("More follow: list them with the cursor of this page."))
    return Card("page", counted(len(page.items), "record"), tuple(parts))


def _summary(value: Any) -> str:
    match value:
        case Action(url_configuration=UrlConfiguration(url=url, method=method)):
            return f"{method} {masked_url(url)}, {counted(len(value.variables), 'variable')}"
        case Action():
            return counted(len(value.variables), "variable")
        case Journey():
            return f"{value.status}, {counted(len(value.activities), 'activity', 'activities')}"
        case CappingConfiguration(rule=rule):
            return f"{value.state}, {masked_url(rule.url)}"
        case ThrottlingConfiguration(rule=rule):
            return f"{value.state}, {rule.max_throughput:,} in a second to {masked_url(rule.url_pattern)}"
        case _:
            return repr(value)
