"""Commands to look around and to set up: `demo`, `eval`, `docs`, `migrate`."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated

import typer

from wayhook.cli.answer import Answer, CannotRun, ExitCode
from wayhook.cli.option import (
    ALONE,
    ContextFile,
    Work,
    command,
    count,
)
from wayhook.cli.settings import Settings
from wayhook.errors import DefinitionError

__all__ = ["commands"]

commands = typer.Typer()


@command(commands, "demo", ALONE)
def _demo(
    settings: Settings,
    *,
    keep: Annotated[Path | None, typer.Option(metavar="FILE", help="Keep the database of actions in FILE.")] = None,
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="Call a service of your own instead of the built-in one.")
    ] = None,
    contexts: Annotated[int, typer.Option(metavar="N", parser=count, help="Contexts of the batch.")] = 1000,
) -> Answer:
    """Describe, keep, preview, execute and deliver, against a service on this machine."""
    import asyncio

    from wayhook.cli.demo import demo

    with redirect_stdout(sys.stderr if settings.console.json else sys.stdout):
        try:
            is_delivered = asyncio.run(demo(url=url, keep=keep, contexts=contexts))
        except DefinitionError as error:
            raise CannotRun(str(error)) from None
    return Answer({"delivered": is_delivered}, (), ExitCode.FINE if is_delivered else ExitCode.FAILED)


@command(commands, "eval")
def _eval(
    settings: Settings,
    *,
    expression: Annotated[
        str, typer.Argument(metavar="EXPRESSION|-", help="The expression; - reads the standard input.")
    ],
    context: ContextFile = None,
) -> Work:
    """Evaluate an expression for a context."""
    from wayhook.cli.evaluation import evaluate

    return evaluate(settings, expression, context)


def _topics(incomplete: str) -> list[str]:
    """What completes a topic."""
    from wayhook.cli.completion import topics

    return topics(incomplete)


@command(commands, "docs", ALONE)
def _docs(
    settings: Settings,  # noqa: ARG001 - every command has them
    *,
    topic: Annotated[
        str | None, typer.Argument(metavar="[TOPIC]", help="What to read about.", autocompletion=_topics)
    ] = None,
) -> Work:
    """Read about a topic, a public name, or a function of the expression language."""
    from wayhook.cli.topic import topic as read

    return read(topic)


@command(commands, "migrate", ALONE)
def _migrate(
    settings: Settings,  # noqa: ARG001 - every command has them
    *,
    url: Annotated[str, typer.Argument(metavar="URL|DIALECT", help="Of the database; with --script its dialect.")],
    as_script: Annotated[bool, typer.Option("--script", help="Show the statements for a dialect instead.")] = False,
) -> Work:
    """Make the tables of an SQL database, or bring them up to date."""
    from wayhook.cli.migration import migrate, script

    return script(url) if as_script else migrate(url)
