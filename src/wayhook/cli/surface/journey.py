"""Commands of journeys: `journey run`, and those that lead through a journey's life."""

from __future__ import annotations

from typing import Annotated

import typer

from wayhook.cli.option import (
    Beside,
    JourneyName,
    KeptJourney,
    Transport,
    Work,
    command,
    count,
    one_of,
    words_of,
)
from wayhook.cli.settings import Settings

__all__ = ["journey"]

journey = typer.Typer(help="Journeys: run one for a person, and lead it through its life.")


@command(journey, "run")
def _journey_run(
    settings: Settings,
    *,
    name: JourneyName,
    context: Annotated[str, typer.Option("--context", metavar="FILE|-", help="File with the context of one person.")],
    beside: Beside = None,
    transport: Transport = "httpx",
) -> Work:
    """Take one person through a journey, making its calls, and tell what happened at each activity."""
    from wayhook.cli.walk import run as walk

    return walk(settings, name, context, beside or (), transport=transport)


_CHANGES = {
    "publish": "Publish the draft: it is Live then, and the version before it Closed.",
    "test": "Put the draft in test mode.",
    "end_test": "Take the draft out of test mode.",
    "dry_run": "Put the draft in a dry run: its actions are not called.",
    "end_dry_run": "Take the draft out of its dry run.",
    "resume": "Make a Paused version Live again.",
    "close": "Close a Live version: nobody enters, who is inside goes on.",
    "stop": "Stop a Live or Closed version: everybody inside stops.",
    "finish": "Finish a Closed or Stopped version.",
    "new_version": "Begin a draft of the next version.",
    "discard_draft": "Discard the draft of the latest version.",
}
_OF_A_VERSION = ("resume", "close", "stop", "finish")
Version = Annotated[
    int | None, typer.Option("--version", metavar="N", parser=count, help="The latest one unless given.")
]


def _declare_change(name: str, about: str) -> None:
    """Make a command of a step in the life of a journey."""

    def change(settings: Settings, journey: KeptJourney) -> Work:
        from wayhook.cli.life import change as changed

        return changed(settings, journey, name)

    def change_version(settings: Settings, journey: KeptJourney, version: Version = None) -> Work:
        from wayhook.cli.life import change as changed

        return changed(settings, journey, name, version=version)

    made = change_version if name in _OF_A_VERSION else change
    made.__doc__ = about
    command(journey, name.replace("_", "-"))(made)


for _name, _about in _CHANGES.items():
    _declare_change(_name, _about)


@command(journey, "pause")
def _pause(
    settings: Settings,
    *,
    journey: KeptJourney,
    mode: Annotated[
        str,
        typer.Option(
            metavar="hold|discard",
            parser=one_of("hold", "discard"),
            autocompletion=words_of("hold", "discard"),
            help="What happens at an action meanwhile.",
        ),
    ] = "hold",
    version: Version = None,
) -> Work:
    """Pause a Live version."""
    from wayhook.cli.life import change

    return change(settings, journey, "pause", mode=mode, version=version)
