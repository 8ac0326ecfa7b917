"""The command `import`: documents of several formats into a repository."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import attrs

from wayhook.cli.answer import Answer, CannotRun, Table
from wayhook.cli.catalogue import stored_document
from wayhook.cli.material import Material, Wish, recognised, together
from wayhook.cli.settings import Settings
from wayhook.errors import Conflict, DefinitionError, DocumentError, Violation
from wayhook.execution.exchange import import_journey
from wayhook.execution.ports import Repository
from wayhook.formats.document import dump
from wayhook.model.record import Stored

__all__ = ["bring", "materials"]

Given = TypeVar("Given")
Made = TypeVar("Made")


def materials(places: Sequence[str], wish: Wish) -> list[Material]:
    """Read documents; raises every fault of all of them at once."""
    faults: list[Violation] = []
    sources = list(_without_faults(places, recognised, faults))
    found = list(_without_faults(together(sources), lambda source: source.read(wish), faults))
    if faults:
        order = {place: number for number, place in reversed(list(enumerate(places)))}
        raise DocumentError(sorted(faults, key=lambda fault: order.get(fault.path.partition(": ")[0], len(order))))
    return found


def _without_faults(given: Iterable[Given], make: Callable[[Given], Made], faults: list[Violation]) -> Iterator[Made]:
    """Yield what is made of each; the faults of those of which nothing can be made are kept."""
    for each in given:
        try:
            yield make(each)
        except DocumentError as error:
            faults += error.violations


async def bring(
    settings: Settings,
    places: Sequence[str],
    wish: Wish,
    *,
    existing: Collection[str],
    replacing: bool,
    dry_run: bool,
) -> Answer:
    """Save what documents hold, all of it or nothing; an export gets new names where its own are taken."""
    found = materials(places, wish)
    if dry_run:
        stored = [Stored(value, 0) for material in found for value in material.values]
        return _told(stored, found, [{"document": dump(each.value)} for each in stored])
    async with settings.opened(make=True) as repository:
        kept = [material for material in found if material.bundle is None]
        stored = await _saved(repository, kept, by=settings.by, replacing=replacing)
        for material in found:
            if material.bundle is not None:
                journey = await import_journey(repository, material.bundle, use_existing=existing)
                stored.append(await repository.get(type(journey), journey.name))
    return _told(stored, found)


async def _saved(repository: Repository, found: Sequence[Material], *, by: str, replacing: bool) -> list[Stored[Any]]:
    placed = [(material.place, value) for material in found for value in material.values]
    if not placed:
        return []
    try:
        await repository.save(*(value for _, value in placed), expected_version=None if replacing else 0, by=by)
    except Conflict as error:
        raise CannotRun(f"{error} Or save over it with --replace.") from None
    except DefinitionError as error:
        raise DocumentError(_placed(error.violations, [place for place, _ in placed])) from None
    return [await repository.get(type(value), value.name) for _, value in placed]


def _placed(faults: Sequence[Violation], places: Sequence[str]) -> Iterator[Violation]:
    """The faults of a save, such as `$[1].name`, or `$.name` where one value was saved, with their files."""
    for fault in faults:
        number, end, below = fault.path.removeprefix("$[").partition("]")
        is_numbered = len(places) > 1 and end and number.isdecimal()
        path = f"{places[int(number)]}: ${below}" if is_numbered else f"{places[0]}: {fault.path}"
        yield attrs.evolve(fault, path=path)


def _told(
    stored: Sequence[Stored[Any]], found: Sequence[Material], more: Sequence[dict[str, Any]] | None = None
) -> Answer:
    items = [stored_document(each) | extra for each, extra in zip(stored, more or [{}] * len(stored), strict=True)]
    rows = tuple((item["kind"], item["name"], str(item["version"]), item["summary"]) for item in items)
    secrets = [secret for material in found for secret in material.secrets]
    left_out = [left for material in found for left in material.left_out]
    notes = [f"secret: {secret}" for secret in secrets] + [f"left out: {left}" for left in left_out]
    document = {"items": items, "secrets": secrets, "left_out": left_out}
    return Answer(document, (Table(("kind", "name", "saved", "what it is"), rows), *notes))
