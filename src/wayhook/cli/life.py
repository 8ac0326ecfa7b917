"""The life of a journey: the commands that lead from one status to another."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from wayhook.cli.answer import Answer, Table
from wayhook.cli.settings import Settings
from wayhook.model.journey import Journey
from wayhook.model.lifecycle import STEPS

__all__ = ["change"]


async def change(settings: Settings, name: str, command: str, **given: Any) -> Answer:
    """Bring a journey to where `command` leads, and save it; the repository says what stands against it.

    `given`: what the command takes beside the time, without what is None.
    """
    now = datetime.now(UTC)
    async with settings.opened() as repository:
        stored = await repository.get(Journey, name)
        journey = stored.value.as_of(now, settings.guardrails)
        options = {key: value for key, value in given.items() if value is not None}
        arguments = (now,) if command in STEPS else ()
        after: Journey = getattr(journey, command)(*arguments, **options)
        await repository.save(after, expected_version=stored.version, by=settings.by)
    versions = [{"version": each.version, "status": each.status} for each in after.versions]
    rows = tuple((str(each.version), str(each.status)) for each in after.versions)
    return Answer({"journey": name, "versions": versions}, (Table(("version", "status"), rows),))
