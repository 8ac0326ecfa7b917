"""Export and import of a journey with everything it uses, between repositories.

Section 8 of the rules (R309 to R317).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import attrs

from wayhook.errors import Conflict, DefinitionError, NotFound
from wayhook.execution.ports import Repository
from wayhook.formats.bundle import Bundle, dump_bundle, load_bundle
from wayhook.model.action import Action
from wayhook.model.authentication import ConnectionReference
from wayhook.model.connection import Connection
from wayhook.model.guardrail import Guardrails
from wayhook.model.journey import Journey
from wayhook.model.publication import publication_violations
from wayhook.model.storage import Definition, Stored, uses

__all__ = ["export_journey", "import_journey"]

_TRIES = 5


async def export_journey(repository: Repository, name: str, *, guardrails: Guardrails | None = None) -> dict[str, Any]:
    """Return the document of the journey `name` with the actions and connections that it uses (R309).

    Secrets are placeholders (R311). Raises `NotFound`, and `DefinitionError` with everything that stands against a
    publication of the journey (R310).
    """
    journey = await repository.get(Journey, name)
    current = attrs.evolve(journey, value=attrs.evolve(journey.value.current, earlier=()))
    actions = await _used(repository, Action, [current])
    connections = await _used(repository, Connection, actions)
    found = publication_violations(
        current.value, [action.value for action in actions], guardrails=guardrails or Guardrails.standard()
    )
    if faults := [fault for fault in found if not fault.warning]:
        raise DefinitionError(faults)
    return dump_bundle(current, actions, connections)


async def _used(repository: Repository, kind: type[Any], users: Collection[Stored[Any]]) -> tuple[Stored[Any], ...]:
    names = dict.fromkeys(name for user in users for used, name in uses(user.value) if used is kind)
    found = []
    for name in names:
        try:
            found.append(await repository.get(kind, name))
        except NotFound:
            continue  # the check of the journey says which
    return tuple(found)


async def import_journey(
    repository: Repository, document: Mapping[str, Any] | str | bytes, *, use_existing: Collection[str] = ()
) -> Journey:
    """Save what an export holds under new names, and return the journey, a draft (R315, R316).

    A name that is taken becomes `<name>_Copy`, `<name>_Copy2`, …; the repository gives new identifiers. It can be
    repeated, and overwrites nothing. `use_existing`: names of actions and connections that are not imported; those of
    the repository are used instead (R317). Raises `DocumentError` and `DefinitionError` with every fault, a
    placeholder that is left among them (R312, R313); nothing is changed then.
    """
    bundle = load_bundle(document)
    for attempt in range(_TRIES):
        renamed = await _renamed(repository, bundle, use_existing)
        try:
            await repository.save(*renamed.definitions, expected_version=0)
        except Conflict:  # somebody took a name meanwhile
            if attempt == _TRIES - 1:
                raise
        else:
            break
    return renamed.journey


async def _renamed(repository: Repository, bundle: Bundle, use_existing: Collection[str]) -> Bundle:
    """The bundle under names that are free, without what is taken from the repository."""
    connections, actions, journey = [], [], bundle.journey
    followed: dict[str, str] = {}
    for connection in bundle.connections:
        if connection.name not in use_existing:
            followed[connection.name] = await _free_name(repository, connection)
            connections.append(attrs.evolve(connection, name=followed[connection.name]))
    names: dict[str, str] = {}
    for action in bundle.actions:
        if action.name not in use_existing:
            names[action.name] = await _free_name(repository, action)
            actions.append(attrs.evolve(_reconnected(action, followed), name=names[action.name], built_in=False))
    for number, (old, _) in enumerate(names.items()):  # by way of names that nothing has: A may become B, and B C
        journey = journey.renaming_action(old, f"_import_{number}")
    for number, (_, new) in enumerate(names.items()):
        journey = journey.renaming_action(f"_import_{number}", new)
    return Bundle(attrs.evolve(journey, name=await _free_name(repository, journey)), tuple(actions), tuple(connections))


def _reconnected(action: Action, names: Mapping[str, str]) -> Action:
    reference = action.authentication
    if not isinstance(reference, ConnectionReference) or reference.name not in names:
        return action
    return attrs.evolve(action, authentication=ConnectionReference(names[reference.name]))


async def _free_name(repository: Repository, value: Definition) -> str:
    taken: list[str] = []
    name = value.name
    while await _is_taken(repository, type(value), name):
        taken.append(name)
        name = value.duplicate(taken).name
    return name


async def _is_taken(repository: Repository, kind: type[Any], name: str) -> bool:
    try:
        await repository.get(kind, name)
    except NotFound:
        return False
    return True
