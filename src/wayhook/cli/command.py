"""`wayhook` and `python -m wayhook`: reads the arguments, runs the command, says what went wrong in a sentence."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from wayhook.cli.demo import demo
from wayhook.errors import WayhookError

__all__ = ["main"]

OK, FAILED, REFUSED = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command in `arguments` (those of the process unless given) and return the exit code.

    0: all was delivered; 1: something was not; 2: the command could not be carried out.
    """
    options = _parser().parse_args(arguments)
    try:
        return OK if asyncio.run(demo(url=options.url, keep=options.keep, contexts=options.contexts)) else FAILED
    except WayhookError as error:
        print(f"wayhook: {error}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        print("wayhook: stopped; calls under way were ended", file=sys.stderr)
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="wayhook", description="Describe an HTTP call once; use it in journeys.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    described = "describe, keep, preview, execute and deliver, against a service on this machine"
    command = commands.add_parser("demo", help=described, description=described.capitalize() + ".")
    command.add_argument("--keep", type=Path, metavar="FILE", help="keep the database of actions in FILE")
    command.add_argument("--url", help="call a service of your own at this URL instead of the built-in one")
    command.add_argument("--contexts", type=_count, default=1000, metavar="N", help="contexts of the batch (1000)")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("give a whole number from 1")
    return int(text)
