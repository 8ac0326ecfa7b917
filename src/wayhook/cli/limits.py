"""Capping and throttling configurations: listed, shown, deployed and taken back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from wayhook.cli.answer import Answer, Carded, Table
from wayhook.cli.definition import Definitions, every
from wayhook.cli.settings import Settings
from wayhook.execution.ports import Repository
from wayhook.formats.limit import dump_capping, dump_throttling
from wayhook.formats.outcome import violation_document
from wayhook.model.capping import CappingConfiguration
from wayhook.model.limit import Rating, Stamp
from wayhook.model.record import Stored, kind_of
from wayhook.model.throttling import ThrottlingConfiguration

__all__ = ["deploy", "listed", "show", "undeploy"]

Configuration = CappingConfiguration | ThrottlingConfiguration
KINDS: tuple[type[Any], ...] = (CappingConfiguration, ThrottlingConfiguration)


async def listed(settings: Settings) -> Answer:
    """List the configurations."""
    async with settings.opened() as repository:
        found = [stored for kind in KINDS async for stored in every(repository, kind)]
    return _told([stored.value for stored in found])


async def show(settings: Settings, uid: str) -> Answer:
    """Show one configuration, in the product's own JSON."""
    async with settings.opened() as repository:
        value = (await _found(repository, uid)).value
    return Answer(_document(value), (Carded(value, (_table(_items([value])),)),))


async def deploy(settings: Settings, uid: str) -> Answer:
    """Have the rule of a configuration enforced from now on."""
    async with settings.opened() as repository:
        stored = await _found(repository, uid)
        value: Configuration = stored.value
        warnings = value.can_deploy().warnings
        stamp = Stamp(at=datetime.now(UTC))
        if isinstance(value, CappingConfiguration):
            deployed: Configuration = value.deployed(stamp, guardrails=settings.guardrails)
        else:
            deployed = value.deployed(stamp)
        await repository.save(deployed, expected_version=stored.version, by=settings.by)
    told = _told([deployed])
    document = {**told.document, "warnings": [violation_document(warning) for warning in warnings]}
    return Answer(document, (*told.shown, *(f"warning: {warning}" for warning in warnings)))


async def undeploy(settings: Settings, uid: str) -> Answer:
    """Enforce the rule of a configuration no more."""
    async with settings.opened() as repository:
        stored = await _found(repository, uid)
        value: Configuration = stored.value.undeployed()
        await repository.save(value, expected_version=stored.version, by=settings.by)
    return _told([value])


async def _found(repository: Repository, uid: str) -> Stored[Any]:
    return await Definitions(repository, {}).any(uid, KINDS)


def _told(values: list[Configuration]) -> Answer:
    items = _items(values)
    return Answer({"items": items}, (_table(items),))


def _items(values: list[Configuration]) -> list[dict[str, Any]]:
    return [
        {
            "kind": kind_of(value),
            "uid": value.uid,
            "url": value.rule.url if isinstance(value, CappingConfiguration) else value.rule.url_pattern,
            "rate": _rate(value),
            "state": value.state,
            "deployed": value.has_been_deployed,
        }
        for value in values
    ]


def _table(items: list[dict[str, Any]]) -> Table:
    keys = ("uid", "kind", "url", "rate", "state", "deployed")
    return Table(
        ("uid", "kind", "url", "at most", "state", "deployed"), tuple(tuple(str(i[k]) for k in keys) for i in items)
    )


def _rate(value: Configuration) -> str:
    if isinstance(value, ThrottlingConfiguration):
        return f"{value.rule.max_throughput:,} calls in a second"
    ratings = {"action": value.rule.action, "data source": value.rule.data_source}
    return "; ".join(f"{name}: {_spelled(rating)}" for name, rating in ratings.items() if rating is not None)


def _spelled(rating: Rating) -> str:
    connections = "" if rating.connections is None else f", {rating.connections} connections"
    return f"{rating.max_calls_count:,} calls in {rating.period_in_ms:,} ms{connections}"


def _document(value: Configuration) -> dict[str, Any]:
    return dump_capping(value) if isinstance(value, CappingConfiguration) else dump_throttling(value)
