"""Jobs that were given up: listed, shown, and delivered again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from wayhook.adapters.repository.sql_job import SqlJobs
from wayhook.cli.answer import Answer, CannotRun, Table
from wayhook.cli.console import dumped
from wayhook.errors import DefinitionError, NotFound
from wayhook.execution.job import JobRecord, JobState
from wayhook.formats.exact_value import loads_exact

__all__ = ["listed", "replay", "show"]

_PAGE = 1000


async def listed(url: str | None, queue: str, after: str | None, limit: int) -> Answer:
    """List at most `limit` dead letters after a delivery id."""
    async with _opened(url, queue) as jobs:
        found = await jobs.dead_letters(cursor=after, limit=min(limit, _PAGE))
    items = [_item(record) for record in found]
    rows = tuple((str(i["delivery_id"]), str(i["use"]), str(i["settled"]), str(i["reason"])) for i in items)
    return Answer({"items": items}, (Table(("delivery id", "call", "given up", "reason"), rows),))


async def show(url: str | None, queue: str, delivery_id: str) -> Answer:
    """Show a dead letter with the data of its call."""
    async with _opened(url, queue) as jobs:
        record = await jobs.find(delivery_id)
    if record.state is not JobState.DEAD:
        raise NotFound("dead letter", delivery_id)
    item, job = _item(record), _document(record)
    lines = [f"{name}: {value}" for name, value in item.items()]
    return Answer({**item, "job": job}, (*lines, dumped(job, indent=2)))


async def replay(url: str | None, queue: str, delivery_ids: Sequence[str], *, every: bool) -> Answer:
    """Let dead letters be delivered again, some or all."""
    if bool(delivery_ids) == every:
        raise CannotRun("name the delivery ids of dead letters, or give --all")
    async with _opened(url, queue) as jobs:
        names = [name async for name in _names(jobs)] if every else await _named(jobs, delivery_ids)
        replayed = [name for name in names if await _is_replayed(jobs, name)]
    return Answer({"replayed": replayed}, tuple(f"{name} is delivered again" for name in replayed))


@asynccontextmanager
async def _opened(url: str | None, queue: str) -> AsyncIterator[SqlJobs]:
    if url is None:
        raise CannotRun("say where jobs are kept with --jobs URL, such as postgresql://user@host/database")
    try:
        opening = SqlJobs(url, queue=queue)
    except DefinitionError as error:
        option = "--queue" if error.violations[0].path == "$.queue" else "--jobs"
        raise CannotRun(f"{option}: {error.violations[0].message}") from None
    async with opening as jobs:
        yield jobs


async def _names(jobs: SqlJobs) -> AsyncIterator[str]:
    """The delivery ids of all dead letters; none twice, even if one is given up again meanwhile."""
    cursor: str | None = None
    while page := await jobs.dead_letters(cursor=cursor, limit=_PAGE):
        for record in page:
            yield record.delivery_id
        cursor = page[-1].delivery_id


async def _named(jobs: SqlJobs, delivery_ids: Sequence[str]) -> Sequence[str]:
    """The delivery ids; raises `CannotRun` with all that are of no dead letter, before any is replayed."""
    strangers = []
    for name in delivery_ids:
        try:
            is_dead = (await jobs.find(name)).state is JobState.DEAD
        except NotFound:
            is_dead = False
        if not is_dead:
            strangers.append(name)
    if strangers:
        shown = ", ".join(repr(name[:80]) for name in strangers)
        raise CannotRun(f"there is no dead letter named {shown}; none was replayed")
    return delivery_ids


async def _is_replayed(jobs: SqlJobs, name: str) -> bool:
    """Replay a dead letter; False where that was done meanwhile, by somebody else or by its name before."""
    try:
        await jobs.replay(name)
    except NotFound:
        return False
    return True


def _item(record: JobRecord) -> dict[str, Any]:
    document = _document(record)
    use = document.get("action") or f"{document.get('journey', '')} {document.get('label', '')}".strip()
    return {
        "delivery_id": record.delivery_id,
        "use": use,
        "reason": record.reason,
        "settled": record.settled and record.settled.isoformat(timespec="seconds"),
        "deliveries": record.deliveries,
        "tries": record.tries,
    }


def _document(record: JobRecord) -> dict[str, Any]:
    """The job as it is kept; nothing where that is no JSON object, which may be why it was given up."""
    try:
        found = loads_exact(record.document)
    except DefinitionError:
        return {}
    return found if isinstance(found, dict) else {}
