"""What a repository keeps: lists of it, one of it, and who uses an action."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from wayhook.cli.answer import Answer, Carded, Table
from wayhook.cli.definition import definitions, every
from wayhook.cli.settings import Settings
from wayhook.formats.document import dump
from wayhook.model.action import Action
from wayhook.model.capping import CappingConfiguration
from wayhook.model.connection import Connection
from wayhook.model.journey import Journey
from wayhook.model.record import KINDS, Definition, Stored, kind_of
from wayhook.model.throttling import ThrottlingConfiguration
from wayhook.model.url import masked_url
from wayhook.rendering.plan import variables_by_name

__all__ = ["GROUPS", "listed", "show", "stored_document", "summary", "used_in"]

GROUPS = {
    "actions": ("action",),
    "journeys": ("journey",),
    "connections": ("connection",),
    "limits": ("capping", "throttling"),
}
"""What can be listed, and the kinds that belong to it."""


def stored_document(stored: Stored[Any]) -> dict[str, Any]:
    """Return a record as JSON, without its document."""
    value = stored.value
    found = {"kind": kind_of(value), "name": value.name, "version": stored.version, "uid": stored.uid}
    return {**found, "saved": stored.saved, "by": stored.by, "summary": summary(value)}


def summary(value: Definition) -> str:
    """Return in a few words what a definition is."""
    match value:
        case Action(url_configuration=configuration):
            return f"{configuration.method} {masked_url(configuration.url)}" if configuration else "payload"
        case Journey():
            return f"{value.status}, version {value.version}, uses {', '.join(value.actions) or 'no action'}"
        case Connection():
            return f"{value.authentication.kind} for {', '.join(sorted(value.hosts)) or 'any host'}"
        case CappingConfiguration():
            return f"{value.state}, {value.rule.url}"
        case ThrottlingConfiguration():
            return f"{value.state}, {value.rule.url_pattern}"


async def listed(settings: Settings, group: str | None) -> Answer:
    """List the definitions of a group, or all."""
    kinds = [kind for name, kinds in GROUPS.items() if group in (None, name) for kind in kinds]
    async with settings.opened() as repository:
        found = [stored for kind in kinds async for stored in every(repository, KINDS[kind])]
    items = [stored_document(stored) for stored in found]
    rows = tuple((item["kind"], item["name"], str(item["version"]), item["summary"]) for item in items)
    return Answer({"items": items}, (Table(("kind", "name", "saved", "what it is"), rows),))


async def show(settings: Settings, named: str, kind: str | None, beside: Sequence[str]) -> Answer:
    """Show one definition."""
    async with definitions(settings, [named], beside) as found:
        stored = await found.any(named, [KINDS[kind]] if kind else tuple(KINDS.values()))
        users = await found.journeys_using(stored.value.name) if isinstance(stored.value, Action) else ()
    document = {**stored_document(stored), "used_in": list(users), "document": dump(stored.value)}
    return Answer(document, (Carded(stored, tuple(_parts(stored, users))),))


def _parts(stored: Stored[Any], users: Iterable[str]) -> Iterable[str | Table]:
    value = stored.value
    yield f"{kind_of(value)} {value.name}: {summary(value)}"
    if description := getattr(value, "description", ""):
        yield description
    match value:
        case Action():
            yield f"authentication: {value.authentication.kind}"
            blanks = variables_by_name(value) if value.url_configuration else {}
            rows = tuple(
                (
                    name,
                    blank.variable.label or blank.name,
                    str(blank.parameter.data_type) if blank.parameter else "text",
                    "no" if blank.variable.optional else "yes",
                )
                for name, blank in blanks.items()
            )
            yield Table(("variable", "label", "type", "required"), rows)
            yield f"used in: {', '.join(users) or 'no journey'}"
        case Journey():
            activities = value.current.activities
            drawn = ((each.label, getattr(each, "action", ""), ", ".join(each.links)) for each in activities)
            yield Table(("activity", "action", "leads to"), tuple(drawn))


async def used_in(settings: Settings, action: str) -> Answer:
    """Say which journeys use an action."""
    async with settings.opened() as repository:
        await repository.get(Action, action)
        found = [await repository.get(Journey, name) for name in await repository.journeys_using(action)]
    items = [stored_document(stored) for stored in found]
    rows = tuple((item["name"], item["summary"]) for item in items)
    return Answer({"action": action, "items": items}, (Table(("journey", "what it is"), rows),))
