"""What the shell completes: names of definitions, from the repository that the command would use."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from wayhook.cli.definition import every
from wayhook.cli.settings import Settings
from wayhook.errors import WayhookError
from wayhook.model.record import KINDS

__all__ = ["names"]


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
