"""Commands of capping and throttling: `limits list`, `show`, `deploy`, `undeploy`."""

from __future__ import annotations

from typing import Annotated

import typer

from wayhook.cli.option import (
    Work,
    command,
    names_of,
)
from wayhook.cli.settings import Settings

__all__ = ["limits"]

limits = typer.Typer(help="Capping and throttling configurations: list, show, deploy, undeploy.")


Uid = Annotated[
    str, typer.Argument(metavar="UID", help="Of a configuration.", autocompletion=names_of("capping", "throttling"))
]


@command(limits, "list")
def _limits_list(settings: Settings) -> Work:
    """List capping and throttling configurations."""
    from wayhook.cli.limits import listed

    return listed(settings)


@command(limits, "show")
def _limits_show(settings: Settings, uid: Uid) -> Work:
    """Show a configuration; with --json in the product's own JSON."""
    from wayhook.cli.limits import show

    return show(settings, uid)


@command(limits, "deploy")
def _limits_deploy(settings: Settings, uid: Uid) -> Work:
    """Enforce a configuration from now on."""
    from wayhook.cli.limits import deploy

    return deploy(settings, uid)


@command(limits, "undeploy")
def _limits_undeploy(settings: Settings, uid: Uid) -> Work:
    """Enforce a configuration no more."""
    from wayhook.cli.limits import undeploy

    return undeploy(settings, uid)
