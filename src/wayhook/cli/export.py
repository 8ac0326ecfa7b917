"""The command `export`: definitions and calls in formats of other people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from wayhook.cli.answer import Answer, CannotRun
from wayhook.cli.console import dumped
from wayhook.cli.definition import Definitions, definitions, every
from wayhook.cli.sending import Typed
from wayhook.cli.settings import Settings
from wayhook.cli.target import found_target
from wayhook.execution.exchange import export_journey
from wayhook.formats.adobe import dump_authorization
from wayhook.formats.curl import to_curl
from wayhook.formats.data_sheet import data_sheet
from wayhook.formats.document import dump
from wayhook.formats.form import form
from wayhook.formats.http_file import to_http_file
from wayhook.formats.limit import dump_capping, dump_throttling
from wayhook.formats.openapi import to_openapi
from wayhook.model.action import Action
from wayhook.model.authorization import CustomAuthorization
from wayhook.model.capping import CappingConfiguration
from wayhook.model.connection import Connection
from wayhook.model.record import KINDS
from wayhook.model.throttling import ThrottlingConfiguration
from wayhook.wire import Call

__all__ = ["FORMATS", "export"]

OF_CALL: Mapping[str, Callable[[Call], str]] = {"curl": to_curl, "http": to_http_file}
"""Formats of a call, which needs values or a context."""

OF_ACTION = ("openapi", "schema", "markdown")
"""Formats of an action that is used, with the authentication of its connection."""

FORMATS = ("json", "bundle", "product", *OF_CALL, *OF_ACTION)
"""What `--as` takes."""


async def export(settings: Settings, typed: Typed, kind: str | None, wanted: str) -> Answer:
    """Write a definition, or the call that it makes, as text."""
    async with definitions(settings, [typed.named], typed.beside) as found:
        text = await _written(settings, found, typed, kind, wanted)
    return Answer({"name": typed.named, "as": wanted, "text": text}, (text.removesuffix("\n"),))


async def _written(settings: Settings, found: Definitions, typed: Typed, kind: str | None, wanted: str) -> str:
    if wanted in OF_CALL:
        target = await found_target(found, typed.named, typed.label)
        return OF_CALL[wanted](target.call(target.subject(typed.values, typed.path, typed.context)))
    if wanted == "bundle":
        return dumped(await export_journey(found, typed.named, guardrails=settings.guardrails), indent=2)
    if wanted in OF_ACTION:
        return await _of_action(settings, found, await found.connected(await found.action(typed.named)), wanted)
    value = (await found.any(typed.named, [KINDS[kind]] if kind else tuple(KINDS.values()))).value
    return dumped(dump(value) if wanted == "json" else await _product(found, value), indent=2)


async def _of_action(settings: Settings, found: Definitions, action: Action, wanted: str) -> str:
    match wanted:
        case "openapi":
            return dumped(to_openapi(action, title=action.name), indent=2)
        case "schema":
            return dumped(form(action).json_schema(), indent=2)
        case _:
            cappings = [stored.value async for stored in every(found, CappingConfiguration)]
            throttlings = [stored.value async for stored in every(found, ThrottlingConfiguration)]
            return data_sheet(action, guardrails=settings.guardrails, limits=[*cappings, *throttlings])


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
