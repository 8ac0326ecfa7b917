"""Commands of dead letters: `dead-letters list`, `show`, `replay`."""

from __future__ import annotations

from typing import Annotated

import typer

from wayhook.cli.option import (
    ALONE,
    Work,
    command,
    count,
)
from wayhook.cli.settings import Settings

__all__ = ["dead_letters"]

dead_letters = typer.Typer(help="Calls that were handed over and given up: list, show, replay.")

JobsUrl = Annotated[
    str | None,
    typer.Option("--jobs", metavar="URL", envvar="WAYHOOK_JOBS", help="Of the database in which jobs are kept."),
]
Queue = Annotated[str, typer.Option("--queue", metavar="NAME", help="The queue of the jobs.")]


@command(dead_letters, "list", ALONE)
def _list(
    settings: Settings,  # noqa: ARG001 - every command has them
    *,
    jobs: JobsUrl = None,
    queue: Queue = "default",
    after: Annotated[str | None, typer.Option("--after", metavar="ID", help="List those behind this one.")] = None,
    limit: Annotated[int, typer.Option(metavar="N", parser=count, help="List so many at most, up to 1000.")] = 100,
) -> Work:
    """List dead letters by their delivery ids, each with the reason it was given up for."""
    from wayhook.cli.dead_letters import listed

    return listed(jobs, queue, after, limit)


@command(dead_letters, "show", ALONE)
def _show(
    settings: Settings,  # noqa: ARG001 - every command has them
    *,
    delivery_id: Annotated[str, typer.Argument(metavar="ID", help="Delivery id of a dead letter.")],
    jobs: JobsUrl = None,
    queue: Queue = "default",
) -> Work:
    """Show a dead letter, with the data that its call is made of."""
    from wayhook.cli.dead_letters import show

    return show(jobs, queue, delivery_id)


@command(dead_letters, "replay", ALONE)
def _replay(
    settings: Settings,  # noqa: ARG001 - every command has them
    *,
    delivery_ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Delivery ids of dead letters.")
    ] = None,
    jobs: JobsUrl = None,
    queue: Queue = "default",
    every: Annotated[bool, typer.Option("--all", help="All dead letters of the queue.")] = False,
) -> Work:
    """Let dead letters be delivered again, with the delivery ids they have."""
    from wayhook.cli.dead_letters import replay

    return replay(jobs, queue, delivery_ids or (), every=every)
