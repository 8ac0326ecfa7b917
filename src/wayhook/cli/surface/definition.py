"""Commands that read and keep definitions: `init`, `validate`, `list`, `show`, `used-in`, `import`, `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wayhook.cli.option import (
    ALONE,
    ActionName,
    AnyName,
    Beside,
    ContextFile,
    KindOption,
    Label,
    PathText,
    Values,
    Work,
    command,
    one_of,
    pairs,
    words_of,
)
from wayhook.cli.settings import Settings

__all__ = ["commands"]

GROUPS = ("actions", "journeys", "connections", "limits")
EXPORTS = ("json", "bundle", "product", "curl", "http", "openapi", "schema", "markdown")

commands = typer.Typer()


@command(commands, "init", ALONE)
def _init(
    settings: Settings,
    *,
    folder: Annotated[
        Path, typer.Argument(metavar="[FOLDER]", help="Where to put it; this folder unless given.")
    ] = Path(),
) -> Work:
    """Make a folder to start from: an action, a journey, a context, rows, and a repository."""
    from wayhook.cli.start import start

    return start(settings, folder)


@command(commands, "validate")
def _validate(
    settings: Settings,
    *,
    files: Annotated[
        list[str] | None, typer.Argument(metavar="[FILES]...", help="Documents; without any the repository is checked.")
    ] = None,
    name: Annotated[
        str, typer.Option(metavar="NAME", help="Name of what a document describes and does not name.")
    ] = "",
) -> Work:
    """Say everything that is wrong with documents, or with what the repository keeps."""
    from wayhook.cli.check import validate

    return validate(settings, files or (), name)


@command(commands, "list")
def _list(
    settings: Settings,
    *,
    group: Annotated[
        str | None,
        typer.Argument(
            metavar="[actions|journeys|connections|limits]",
            parser=one_of(*GROUPS),
            autocompletion=words_of(*GROUPS),
            help="What to list.",
        ),
    ] = None,
) -> Work:
    """List what the repository keeps."""
    from wayhook.cli.catalogue import listed

    return listed(settings, group)


@command(commands, "show")
def _show(settings: Settings, name: AnyName, kind: KindOption = None, beside: Beside = None) -> Work:
    """Show a definition: what it calls, its variables, who uses it."""
    from wayhook.cli.catalogue import show

    return show(settings, name, kind, beside or ())


@command(commands, "used-in")
def _used_in(settings: Settings, action: ActionName) -> Work:
    """Say which journeys use an action."""
    from wayhook.cli.catalogue import used_in

    return used_in(settings, action)


@command(commands, "import")
def _import(
    settings: Settings,
    *,
    files: Annotated[
        list[str], typer.Argument(metavar="FILE|-...", help="Documents; their content tells their format.")
    ],
    name: Annotated[
        str, typer.Option(metavar="NAME", help="Name of what a document describes and does not name.")
    ] = "",
    secrets: Annotated[
        list[str] | None,
        typer.Option(
            "--secret",
            metavar="PLACE=SOURCE",
            help="Where a secret of the document is kept: PLACE=env:NAME. Repeatable.",
        ),
    ] = None,
    operation: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="One of several operations or requests that a document describes."),
    ] = None,
    use_existing: Annotated[
        list[str] | None,
        typer.Option(
            "--use-existing", metavar="NAME", help="What an export of a journey finds here already. Repeatable."
        ),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Save over what has the same names.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be saved; nothing is.")] = False,
) -> Work:
    """Bring documents into the repository: ours, the product's, curl, OpenAPI, Postman, HAR, EventBridge."""
    from wayhook.cli.exchange import bring
    from wayhook.cli.material import Wish

    wish = Wish(name, pairs(secrets or (), "--secret"), operation)
    return bring(settings, files, wish, existing=use_existing or (), replacing=replace, dry_run=dry_run)


@command(commands, "export")
def _export(
    settings: Settings,
    *,
    name: AnyName,
    label: Label = None,
    wanted: Annotated[
        str,
        typer.Option(
            "--as",
            metavar="|".join(EXPORTS),
            parser=one_of(*EXPORTS),
            autocompletion=words_of(*EXPORTS),
            help="The format.",
        ),
    ] = EXPORTS[0],
    kind: KindOption = None,
    values: Values = None,
    path: PathText = "",
    context: ContextFile = None,
    beside: Beside = None,
) -> Work:
    """Write a definition, or the call that it makes, in another format, without its secrets."""
    from wayhook.cli.export import export
    from wayhook.cli.sending import Typed

    return export(settings, Typed(name, label, values or (), path, context, beside or ()), kind, wanted)
