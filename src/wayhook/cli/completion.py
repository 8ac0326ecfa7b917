"""What the shell completes: names and labels, from the repository that the command would use, and topics."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from wayhook.cli.definition import every
from wayhook.cli.settings import Settings
from wayhook.errors import WayhookError
from wayhook.model.journey import Journey
from wayhook.model.record import KINDS

__all__ = ["labels", "names", "topics"]


def names(kinds: Iterable[str], beginning: str, repository: str | None, namespace: str | None) -> list[str]:
    """Return the names of definitions of these kinds that begin so; none where the repository cannot be read."""
    try:
        return asyncio.run(_names(kinds, beginning, Settings(repository, namespace)))
    except WayhookError:
        return []  # somebody is typing: there is nobody to tell


async def _names(kinds: Iterable[str], beginning: str, settings: Settings) -> list[str]:
    async with settings.opened() as repository:
        found = [stored.value.name for kind in kinds async for stored in every(repository, KINDS[kind])]
    return [name for name in found if name.startswith(beginning)]


def labels(journey: str | None, beginning: str, repository: str | None, namespace: str | None) -> list[str]:
    """Return the labels of a journey's calls that begin so; none where there is no such journey."""
    try:
        return asyncio.run(_labels(journey, beginning, Settings(repository, namespace)))
    except WayhookError:
        return []


async def _labels(journey: str | None, beginning: str, settings: Settings) -> list[str]:
    async with settings.opened() as repository:
        found = (await repository.get(Journey, journey or "")).value
    return [each.label for each in found.action_activities if each.label.startswith(beginning)]


def topics(beginning: str) -> list[str]:
    """Return the topics of `wayhook docs` that begin so: pages, functions and public names."""
    import wayhook
    from wayhook.cli.topic import TOPICS
    from wayhook.expression.function.table import FUNCTIONS

    return [name for name in (*TOPICS, *sorted(FUNCTIONS), *wayhook.__all__) if name.startswith(beginning)]
