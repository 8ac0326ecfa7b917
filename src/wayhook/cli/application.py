"""The program: all commands together, and what its exit code is."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import typer

from wayhook.cli.answer import CannotRun, ExitCode
from wayhook.cli.console import Console
from wayhook.cli.surface.call import auth
from wayhook.cli.surface.call import commands as calls
from wayhook.cli.surface.dead_letter import dead_letters
from wayhook.cli.surface.definition import commands as definitions
from wayhook.cli.surface.journey import journey
from wayhook.cli.surface.limit import limits
from wayhook.cli.surface.tour import commands as tour

__all__ = ["app", "run"]

_CODES = "\n".join(f"{code.value}: {code.meaning}.\n" for code in ExitCode)

app = typer.Typer(
    name="wayhook",
    help="Describe an HTTP call once; use it in journeys; deliver it with care.",
    epilog=f"Exit codes:\n\n{_CODES}",
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for _commands in (tour, definitions, calls):
    app.add_typer(_commands)
_GROUPS = ((journey, "journey"), (limits, "limits"), (dead_letters, "dead-letters"), (auth, "auth"))
for _group, _word in _GROUPS:
    app.add_typer(_group, name=_word)


_Usage: Any = typer.BadParameter.__base__
"""What typer raises for whatever was typed wrongly."""


def run(arguments: Sequence[str] | None) -> int:
    """Run what is typed, those of the process where there is None, and return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app(None if arguments is None else list(arguments), prog_name="wayhook", standalone_mode=False)
    except _Usage as error:
        typed = sys.argv[1:] if arguments is None else arguments
        hint = f"; see {error.ctx.command_path} --help" if error.ctx else ""
        return Console(json="--json" in typed).error(CannotRun(error.format_message().rstrip(".") + hint))
    except typer.Abort:
        return ExitCode.INTERRUPTED
    return int(code or 0)
