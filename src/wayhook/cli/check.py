"""The command `validate`: everything that is wrong with documents, or with what a repository keeps."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence

import attrs

from wayhook.cli.answer import Answer, ExitCode
from wayhook.cli.definition import every
from wayhook.cli.material import Wish, read
from wayhook.cli.settings import Settings
from wayhook.errors import DocumentError, Violation
from wayhook.execution.ports import Repository
from wayhook.formats.outcome import violation_document
from wayhook.model.action import Action
from wayhook.model.authentication import ConnectionReference
from wayhook.model.connection import Connection
from wayhook.model.guardrail import Guardrails
from wayhook.model.journey import Journey
from wayhook.model.publication import publication_violations
from wayhook.model.record import KINDS, Definition, kind_of
from wayhook.model.rule import binding_violations, violations

__all__ = ["validate"]


@attrs.frozen
class _Checked:
    """One definition, or a document that cannot be read as one. `place`: its file, or "" in a repository."""

    place: str
    value: Definition | None = None
    faults: tuple[Violation, ...] = ()

    @property
    def is_valid(self) -> bool:
        return all(fault.warning for fault in self.faults)

    @property
    def title(self) -> str:
        name = "" if self.value is None else f"{kind_of(self.value)} {self.value.name}"
        return " ".join(filter(None, (self.place, name)))


async def validate(settings: Settings, places: Sequence[str], name: str) -> Answer:
    """Check documents, or without any the repository; a journey as its publication would.

    `name`: of what a document describes and does not name.
    """
    found = [checked for place in places for checked in _read(place, name)]
    kept = list[Definition]()
    if not places or settings.url is not None:
        async with settings.opened() as repository:
            kept = [value async for value in _kept(repository)]
    subjects = found if places else [_Checked("", value) for value in kept]
    given = [each.value for each in found if each.value is not None]
    known = {(type(value), value.name): value for value in (*kept, *given)}
    actions = [value for value in known.values() if isinstance(value, Action)]
    connections = {value.name: value for value in known.values() if isinstance(value, Connection)}
    results = [_judged(each, actions, connections, settings.guardrails) for each in subjects]
    return _told(results)


def _read(place: str, name: str) -> Iterator[_Checked]:
    try:
        material = read(place, Wish(name=name))
    except DocumentError as error:
        start = f"{place}: "
        faults = (attrs.evolve(fault, path=fault.path.removeprefix(start)) for fault in error.violations)
        yield _Checked(place, faults=tuple(faults))
    else:
        yield from (_Checked(place, value) for value in material.values)


async def _kept(repository: Repository) -> AsyncIterator[Definition]:
    for kind in KINDS.values():
        async for stored in every(repository, kind):
            yield stored.value


def _judged(
    checked: _Checked, actions: Sequence[Action], connections: dict[str, Connection], rails: Guardrails
) -> _Checked:
    """The definition with what it breaks, by itself and with what it uses."""
    value = checked.value
    if value is None:
        return checked
    if isinstance(value, Journey):
        return attrs.evolve(checked, faults=publication_violations(value, actions, guardrails=rails))
    faults = violations(value, guardrails=rails)
    if isinstance(value, Action) and isinstance(value.authentication, ConnectionReference):
        held = connections.get(value.authentication.name)
        if held is None:
            message = f"there is no connection {value.authentication.name!r} here; give its document as well"
            faults = (*faults, Violation("$.authentication", message))
        else:
            faults = (*faults, *binding_violations(value, held))
    return attrs.evolve(checked, faults=faults)


def _told(results: Sequence[_Checked]) -> Answer:
    is_valid = all(each.is_valid for each in results)
    items = [
        {
            "place": each.place,
            "kind": None if each.value is None else kind_of(each.value),
            "name": None if each.value is None else each.value.name,
            "valid": each.is_valid,
            "violations": [violation_document(fault) for fault in each.faults],
        }
        for each in results
    ]
    lines = [
        f"{each.title}: {'warning: ' if fault.warning else ''}{fault}" for each in results for fault in each.faults
    ]
    broken = sum(not each.is_valid for each in results)
    last = f"{len(results):,} checked, {broken:,} not valid" if broken else f"{len(results):,} checked, all valid"
    code = ExitCode.FINE if is_valid else ExitCode.FAILED
    return Answer({"valid": is_valid, "items": items}, (*lines, last), code)
