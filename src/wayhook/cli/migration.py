"""The tables of an SQL database: made, brought up to date, or shown as a script."""

from __future__ import annotations

from wayhook.adapters.repository.sql import SqlRepository
from wayhook.cli.answer import Answer

__all__ = ["migrate", "script"]


async def migrate(url: str) -> Answer:
    """Make the tables of the database at `url`, or bring them up to date."""
    repository = SqlRepository(url)
    await repository.migrate()
    return Answer({"migrated": True}, (f"the tables of {repository!r} are up to date",))


async def script(dialect: str) -> Answer:
    """Return what `migrate` does to a database of this dialect, as SQL."""
    text = SqlRepository.script(dialect)
    return Answer({"script": text}, (text,))
