"""What of a journey may differ from how it is kept: status, versions, and what publication leaves open. No I/O.

R279 and R286 to R302. A first save is judged as a step from the draft of the same journey.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from wayhook.errors import Violation
from wayhook.model.journey import Journey, JourneyStatus, renamed_labels, unpublished
from wayhook.model.lifecycle import CHECKED, EDITABLE, INTERMEDIATE, is_lawful, step_rule

__all__ = ["entering", "revision_violations"]

_ASIDE = frozenset({"status", "version", "earlier", "pause_mode", "published", "closed", "paused", "tested"})
"""Fields that a step of the lifecycle changes; the others are what a journey does."""


def revision_violations(old: Journey | None, new: Journey) -> Iterator[Violation]:
    """Yield what stands against keeping `new` in place of `old`; None: nothing is kept so far."""
    if old is None:
        if new.version != 1 or new.earlier:
            message = "a journey begins with version 1 and none before it; take one of them, or its duplicate()"
            yield Violation("$.version", message, "R279")
            return
        old = unpublished(new)
    yield from _missing(old, new)
    for path, before, after in _paired(old, new):
        if before is not None:
            yield from _changes(before, after, path)
        elif after is not new or after.version != old.version + 1:
            message = f"a new version follows the latest one, {old.version}; make it with journey.new_version()"
            yield Violation(f"{path}.version", message, "R295")
        else:
            yield from _changes(unpublished(after), after, path)


def entering(old: Journey | None, new: Journey) -> Iterator[tuple[str, Journey]]:
    """Yield the versions, with their paths, that come to a status that is given only to what is without fault."""
    for path, before, after in _paired(old, new):
        if after.status in CHECKED and (before is None or before.status is not after.status):
            yield path, after


def _paired(old: Journey | None, new: Journey) -> Iterator[tuple[str, Journey | None, Journey]]:
    """Each version with its path and how it was kept."""
    kept = {version.version: version for version in (old.versions if old else ())}
    for i, version in enumerate(new.versions):
        path = "$" if version is new else f"$.earlier[{i}]"
        yield path, kept.get(version.version), version


def _missing(old: Journey, new: Journey) -> Iterator[Violation]:
    there = {version.version for version in new.versions}
    for version in old.versions:
        is_draft = version is old and version.status is JourneyStatus.DRAFT
        if version.version not in there and not is_draft:
            message = f"version {version.version} is {version.status} and stays; put it back"
            yield Violation("$.earlier", message, "R295")


def _changes(before: Journey, after: Journey, path: str) -> Iterator[Violation]:
    if not is_lawful(before.status, after.status):
        message = f"version {after.version} is {before.status}; no step leads from there to {after.status}"
        yield Violation(f"{path}.status", message, step_rule(before.status, after.status))
    if before.status in EDITABLE:
        return
    rule, remedy = _protection(before)
    is_strict = rule != "R289"
    for place in _differences(before, after) if is_strict else _differences(_essence(before), _essence(after)):
        yield Violation(f"{path}{place}", f"version {after.version} is {before.status}: {remedy}", rule)


def _protection(version: Journey) -> tuple[str, str]:
    """Why a version may not change: the rule, and what to do."""
    if version.status is JourneyStatus.DRAFT_TEST:
        return "R288", "end the test mode first"
    if version.status is JourneyStatus.DRY_RUN:
        return "R230", "end the dry run first"
    if version.status in INTERMEDIATE:
        return "R302", "wait until that is done"
    return "R289", "only labels, descriptions and the name may change; make a new version"


def _essence(version: Journey) -> Journey:
    """What a journey does, whatever it and its activities are called (R289)."""
    names = {activity.label: f"\0{i}" for i, activity in enumerate(version.activities)}
    activities = tuple(attrs.evolve(renamed_labels(a, names), description="") for a in version.activities)
    return attrs.evolve(version, name="-", description="", activities=activities, earlier=())


def _differences(before: Journey, after: Journey) -> Iterator[str]:
    """The paths of the fields and activities that differ, beside those that a step changes."""
    for field in attrs.fields(Journey):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if field.name == "activities" and len(old) == len(new):
            yield from (f".activities[{i}]" for i in range(len(old)) if old[i] != new[i])
        elif field.name not in _ASIDE and old != new:
            yield f".{field.name}"
