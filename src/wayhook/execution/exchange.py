"""Export and import of a journey with everything it uses, between repositories.

Section 8 of the rules (R309 to R317).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import attrs

from wayhook.errors import Conflict, DefinitionError, NotFound, Violation
from wayhook.execution.ports import Repository
from wayhook.formats.bundle import Bundle, dump_bundle, load_bundle
from wayhook.model.action import Action
from wayhook.model.authentication import ConnectionReference
from wayhook.model.connection import Connection
from wayhook.model.guardrail import Guardrails, edition_of
from wayhook.model.journey import Journey
from wayhook.model.publication import publication_violations
from wayhook.model.record import Stored, uses
from wayhook.model.shape import require_names

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
        current.value, [action.value for action in actions], guardrails=edition_of(guardrails)
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
    the repository are used instead, and are there already (R317). Raises `DocumentError` and `DefinitionError` with
    every fault and its place in the document, a placeholder that is left among them (R312, R313); nothing is changed
    then.
    """
    bundle = load_bundle(document)
    await _require_existing(repository, bundle, use_existing)
    for attempt in range(_TRIES):
        renamed = await _renamed(repository, bundle, use_existing)
        try:
            await repository.save(*renamed.values(), expected_version=0)
        except DefinitionError as error:
            raise DefinitionError(_placed(error.violations, list(renamed))) from None
        except Conflict:  # somebody took a name meanwhile
            if attempt == _TRIES - 1:
                raise
        else:
            break
    imported: Journey = renamed["$.journey"]
    return imported


async def _require_existing(repository: Repository, bundle: Bundle, names: Collection[str]) -> None:
    """Raise what stands against using what is there: each name is of the export, and of the repository (R317)."""
    path, faults = "$.use_existing", []
    require_names(names, path, "R317")
    parts: tuple[Action | Connection, ...] = (*bundle.connections, *bundle.actions)
    for name in names:
        kinds = [type(part) for part in parts if part.name == name]
        if not kinds:
            faults.append(Violation(path, f"no action or connection of the export is named {name!r:.40}", "R317"))
        for kind in kinds:
            if not await _is_taken(repository, kind, name):
                message = f"the repository has no {kind.__name__} {name!r}; save it first, or let it be imported"
                faults.append(Violation(path, message, "R317"))
    if faults:
        raise DefinitionError(faults)


def _placed(faults: Iterable[Violation], places: list[str]) -> Iterator[Violation]:
    """The faults of a save, such as `$[1].name`, with their places in the document: `$.actions[0].name`."""
    for fault in faults:
        number, end, below = fault.path.removeprefix("$[").partition("]")
        known = end and number.isdecimal() and int(number) < len(places)
        place = places[int(number)] + below if known else f"$.journey{fault.path.removeprefix('$')}"
        yield attrs.evolve(fault, path=place)


async def _renamed(repository: Repository, bundle: Bundle, use_existing: Collection[str]) -> dict[str, Any]:
    """What is to be saved, under names that are free, by its place in the document; what is used comes first."""
    imported = [action for action in bundle.actions if action.name not in use_existing]
    needless = _connections(bundle.actions) - _connections(imported)
    connections = await _names(repository, bundle.connections, {*use_existing, *needless})
    actions = await _names(repository, bundle.actions, use_existing)
    journey = bundle.journey
    for number, old in enumerate(actions):  # by way of names that no action can have: A may become B, and B become C
        journey = journey.renaming_action(old, f"import.{number}")
    for number, new in enumerate(actions.values()):
        journey = journey.renaming_action(f"import.{number}", new)
    [name] = (await _names(repository, [journey], ())).values()
    found: dict[str, Any] = {}
    for i, connection in enumerate(bundle.connections):
        if connection.name in connections:
            found[f"$.connections[{i}]"] = attrs.evolve(connection, name=connections[connection.name])
    for i, action in enumerate(bundle.actions):
        if action.name in actions:
            connected = _reconnected(action, connections)
            found[f"$.actions[{i}]"] = attrs.evolve(connected, name=actions[action.name], built_in=False)
    return {**found, "$.journey": attrs.evolve(journey, name=name)}


def _connections(actions: Iterable[Action]) -> set[str]:
    return {name for action in actions for _, name in uses(action)}


async def _names(
    repository: Repository, values: Iterable[Action | Connection | Journey], left_out: Collection[str]
) -> dict[str, str]:
    """The name that each value gets: its own, or the first of its copies' that is free."""
    chosen: dict[str, str] = {}
    for value in values:
        if value.name not in left_out:
            taken, name = list(chosen.values()), value.name
            while name in taken or await _is_taken(repository, type(value), name):
                taken.append(name)
                name = value.duplicate(taken).name
            chosen[value.name] = name
    return chosen


def _reconnected(action: Action, names: Mapping[str, str]) -> Action:
    reference = action.authentication
    if not isinstance(reference, ConnectionReference) or reference.name not in names:
        return action
    return attrs.evolve(action, authentication=ConnectionReference(names[reference.name]))


async def _is_taken(repository: Repository, kind: type[Any], name: str) -> bool:
    try:
        await repository.get(kind, name)
    except NotFound:
        return False
    return True
