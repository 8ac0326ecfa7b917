"""The command `export`: definitions and calls in formats of other people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from wayhook.cli.answer import Answer, CannotRun
from wayhook.cli.console import dumped
from wayhook.cli.definition import Definitions, definitions
from wayhook.cli.sending import Typed
from wayhook.cli.settings import Settings
from wayhook.cli.target import found_target
from wayhook.execution.exchange import export_journey
from wayhook.formats.adobe import dump_authorization
from wayhook.formats.curl import to_curl
from wayhook.formats.document import dump
from wayhook.formats.limit import dump_capping, dump_throttling
from wayhook.model.action import Action
from wayhook.model.authorization import CustomAuthorization
from wayhook.model.capping import CappingConfiguration
from wayhook.model.connection import Connection
from wayhook.model.record import KINDS
from wayhook.model.throttling import ThrottlingConfiguration
from wayhook.wire import Call

__all__ = ["FORMATS", "export"]

OF_CALL: Mapping[str, Callable[[Call], str]] = {"curl": to_curl}
"""Formats of a call, which needs values."""

FORMATS = ("json", "bundle", "product", *OF_CALL)
"""What `--as` takes."""


async def export(settings: Settings, typed: Typed, kind: str | None, wanted: str) -> Answer:
    """Write a definition, or the call that it makes, as text."""
    async with definitions(settings, [typed.named], typed.beside) as found:
        if wanted in OF_CALL:
            target = await found_target(found, typed.named, typed.label)
            text = OF_CALL[wanted](target.call(target.subject(typed.values, typed.path, typed.context)))
        elif wanted == "bundle":
            text = dumped(await export_journey(found, typed.named, guardrails=settings.guardrails), indent=2)
        else:
            value = (await found.any(typed.named, [KINDS[kind]] if kind else tuple(KINDS.values()))).value
            text = dumped(dump(value) if wanted == "json" else await _product(found, value), indent=2)
    return Answer({"name": typed.named, "as": wanted, "text": text}, (text,))


async def _product(found: Definitions, value: Any) -> dict[str, Any]:
    """The product's own JSON of a limit, or of the authorization of an action or a connection."""
    match value:
        case CappingConfiguration():
            return dump_capping(value)
        case ThrottlingConfiguration():
            return dump_throttling(value)
        case Action() | Connection():
            held = (await found.connected(value)).authentication if isinstance(value, Action) else value.authentication
            if isinstance(held, CustomAuthorization):
                return dict(dump_authorization(held))
    raise CannotRun("the product's own JSON is known of limits and of custom authorizations only; use --as json")
