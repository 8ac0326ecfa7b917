"""`wayhook` and `python -m wayhook`: the door of the command line, which says so where it is not installed."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command in `arguments` (those of the process unless given) and return the exit code.

    The codes and their meanings: `wayhook.cli.answer.ExitCode`.
    """
    try:
        from wayhook.cli.application import run
    except ModuleNotFoundError as error:
        if error.name != "typer":
            raise
        print("wayhook: the command line needs typer and rich: pip install 'wayhook[cli]'", file=sys.stderr)
        return 2
    return run(arguments)
