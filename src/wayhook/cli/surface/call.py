"""Commands that make calls, or show them: `preview`, `call`, `batch`, `auth check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wayhook.cli.option import (
    AnyName,
    Batched,
    Beside,
    ContextFile,
    DeliveryId,
    Label,
    PathText,
    SubjectName,
    Timeout,
    Transport,
    Values,
    Work,
    command,
    count,
    one_of,
    sign,
    words_of,
)
from wayhook.cli.settings import Settings

__all__ = ["auth", "commands"]

commands = typer.Typer()
auth = typer.Typer(help="Authentications: check whether they bring a token.")


@command(commands, "preview")
def _preview(
    settings: Settings,
    *,
    name: SubjectName,
    label: Label = None,
    values: Values = None,
    path: PathText = "",
    context: ContextFile = None,
    beside: Beside = None,
) -> Work:
    """Show the request that would be sent, its secrets masked; nothing is sent."""
    from wayhook.cli.sending import Typed, preview

    return preview(settings, Typed(name, label, values or (), path, context, beside or ()))


@command(commands, "call")
def _call(
    settings: Settings,
    *,
    name: SubjectName,
    label: Label = None,
    values: Values = None,
    path: PathText = "",
    context: ContextFile = None,
    beside: Beside = None,
    timeout: Timeout = None,
    delivery_id: DeliveryId = None,
    transport: Transport = "httpx",
) -> Work:
    """Make a call, and show how it ended."""
    from wayhook.cli.sending import Typed, call

    typed = Typed(name, label, values or (), path, context, beside or ())
    return call(settings, typed, transport=transport, timeout=timeout, delivery_id=delivery_id)


FORMATS = ("csv", "jsonl")


@command(commands, "batch")
def _batch(
    settings: Settings,
    *,
    named: Batched,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="OUTCOMES", help="File of outcomes; a batch that is there goes on. Without it they are printed."
        ),
    ] = None,
    values: Values = None,
    path: PathText = "",
    beside: Beside = None,
    rows_format: Annotated[
        str | None,
        typer.Option(
            metavar="csv|jsonl",
            parser=one_of(*FORMATS),
            autocompletion=words_of(*FORMATS),
            help="Format of the rows; by the name of the file unless given.",
        ),
    ] = None,
    out_format: Annotated[
        str | None,
        typer.Option(
            metavar="csv|jsonl",
            parser=one_of(*FORMATS),
            autocompletion=words_of(*FORMATS),
            help="Format of the outcomes.",
        ),
    ] = None,
    delimiter: Annotated[
        str, typer.Option(metavar="SIGN", parser=sign, help="What stands between the cells of a row.")
    ] = ",",
    path_from: Annotated[str | None, typer.Option(metavar="COLUMN", help="Column with the path of each row.")] = None,
    delivery_id_from: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Column with the delivery id of each row.")
    ] = None,
    ignore_unknown: Annotated[
        bool, typer.Option("--ignore-unknown", help="Read over columns that are no variables.")
    ] = False,
    concurrency: Annotated[int, typer.Option(metavar="N", parser=count, help="Calls under way at once.")] = 50,
    timeout: Timeout = None,
    transport: Transport = "httpx",
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Call rows again that were not delivered, with their delivery ids.")
    ] = False,
    leave_unknown: Annotated[
        bool, typer.Option("--leave-unknown", help="But not those that may have been delivered.")
    ] = False,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Send the rows that fit, also where others do not.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say whether all rows fit; nothing is sent.")] = False,
) -> Work:
    """Make a call for each row of a file; run it again to go on where it stopped."""
    from wayhook.cli.batch import Order, batch

    if len(named) not in (2, 3):
        raise typer.BadParameter("give an action and a file with rows, or a journey, a label and a file with rows")
    order = Order(
        named=named[0],
        label=named[1] if len(named) > 2 else None,  # noqa: PLR2004 - a journey, a label and a file
        rows=named[-1],
        out=out,
        values=values or (),
        path=path,
        beside=beside or (),
        rows_format=rows_format,
        out_format=out_format,
        delimiter=delimiter,
        path_from=path_from,
        delivery_id_from=delivery_id_from,
        ignoring=ignore_unknown,
        concurrency=concurrency,
        timeout=timeout,
        transport=transport,
        retry_failed=retry_failed,
        leave_unknown=leave_unknown,
        keep_going=keep_going,
        dry_run=dry_run,
    )
    return batch(settings, order)


@command(auth, "check")
def _auth_check(settings: Settings, name: AnyName, beside: Beside = None, transport: Transport = "httpx") -> Work:
    """Ask for the token of an action or a connection, and say how long it is good; the token is never shown."""
    from wayhook.cli.sending import check_authentication

    return check_authentication(settings, name, beside or (), transport=transport)
