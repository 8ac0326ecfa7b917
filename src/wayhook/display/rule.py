"""The cards of limits, of broken rules, and of what a repository keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from wayhook.display.definition import facts
from wayhook.display.part import (
    Card,
    Cell,
    Chip,
    Code,
    Fold,
    Note,
    Part,
    Table,
    Tone,
    Value,
    bounded,
    counted,
    duration,
)
from wayhook.errors import ExecutionError, ExpressionError, Violation, WayhookError
from wayhook.execution.ports import Page
from wayhook.model.action import Action, UrlConfiguration
from wayhook.model.capping import CappingConfiguration, CappingRule
from wayhook.model.journey import Journey
from wayhook.model.limit import CanDeploy, ConfigurationState, Metadata, Rating, Stamp
from wayhook.model.record import Stored, kind_of
from wayhook.model.throttling import ThrottlingConfiguration, ThrottlingRule
from wayhook.model.url import masked_url

__all__ = [
    "can_deploy_card",
    "error_card",
    "limit_card",
    "page_card",
    "rating_card",
    "rule_card",
    "stored_card",
    "violations_card",
    "violations_table",
]

_STATES: dict[ConfigurationState, Tone] = {ConfigurationState.DEPLOYED: "good", ConfigurationState.UPDATED: "doubt"}


def rating_card(rating: Rating) -> Card:
    """Return the card of a rating."""
    return Card("rating", _rate(rating))


def _rate(rating: Rating) -> str:
    connections = rating.connections
    under_way = "" if connections is None else f", {counted(connections, 'connection')} at most"
    return f"{counted(rating.max_calls_count, 'call')} in {duration(rating.period_in_ms / 1000)}{under_way}"


def rule_card(rule: CappingRule | ThrottlingRule) -> Card:
    """Return the card of a capping or throttling rule."""
    if isinstance(rule, CappingRule):
        return Card("capping rule", Value(masked_url(rule.url)), facts(*_rule(rule)), (_cap,))
    rows = facts(("name", rule.name), *_rule(rule))
    return Card("throttling rule", Value(masked_url(rule.url_pattern)), rows, (_throttle,), rule.description)


_cap, _throttle = Chip("refuses what is above"), Chip("queues what is above")


def _rule(rule: CappingRule | ThrottlingRule) -> tuple[tuple[str, Cell | None], ...]:
    methods = ("methods", Value(", ".join(rule.methods)))
    if isinstance(rule, ThrottlingRule):
        return ("calls", f"{rule.max_throughput:,} in a second"), methods
    return (
        ("calls of actions", None if rule.action is None else _rate(rule.action)),
        ("of data sources", None if rule.data_source is None else _rate(rule.data_source)),
        methods,
        ("organization", rule.org_id),
    )


def limit_card(limit: CappingConfiguration | ThrottlingConfiguration) -> Card:
    """Return the card of a kept limit: its state, its rule, and the one that is enforced, where that is another."""
    rule, chip = limit.rule, _cap
    kind = "capping"
    if isinstance(rule, ThrottlingRule):
        kind, chip = "throttling", _throttle
    url = rule.url if isinstance(rule, CappingRule) else rule.url_pattern
    parts: list[Part] = [*facts(("URL", Value(masked_url(url))), *_rule(rule), *_stamps(limit.metadata))]
    deployed = limit.deployed_rule
    if deployed is not None and deployed != rule:
        parts.append(Note("Another rule is enforced until this one is deployed:", "doubt", "!"))
        parts.append(Fold("The deployed rule", (rule_card(deployed),), open=True))
    return Card(kind, limit.uid, tuple(parts), (Chip(str(limit.state), _STATES.get(limit.state, "calm")), chip))


def _stamps(metadata: Metadata) -> tuple[tuple[str, Cell | None], ...]:
    def told(stamp: Stamp | None) -> str | None:
        return None if stamp is None else " by ".join(filter(None, (stamp.at, stamp.by)))

    return (
        ("created", told(metadata.created)),
        ("last changed", told(metadata.last_modified)),
        ("last deployed", told(metadata.last_deployed)),
    )


def can_deploy_card(answer: CanDeploy) -> Card:
    """Return the card of the answer whether a limit can be deployed."""
    faults = (*answer.errors, *answer.warnings)
    title = "can be deployed" if answer.status == "ok" else "cannot be deployed"
    chip = Chip("ok", "good", "✓") if answer.status == "ok" else Chip("error", "bad", "✗")
    return Card("check", title, (violations_table(faults),) if faults else (), (chip,))


def violations_card(violations: tuple[Violation, ...], kind: str = "check") -> Card:
    """Return the card of broken rules."""
    errors = [violation for violation in violations if not violation.warning]
    title = counted(len(violations), "violation") if violations else "no rule is broken"
    chip = Chip("broken", "bad", "✗") if errors else Chip("kept", "good", "✓")
    return Card(kind, title, (violations_table(violations),) if violations else (), (chip,))


def violations_table(violations: Iterable[Violation]) -> Table:
    """Return a row for each broken rule: where, and what to do."""
    rows, more = bounded(map(_violated, violations))
    return Table(("", "where", "what is wrong", "rule"), rows, more)


def _violated(violation: Violation) -> tuple[Cell, ...]:
    chip = Chip("warning", "doubt", "!") if violation.warning else Chip("error", "bad", "✗")
    rule = " ".join(filter(None, (violation.code, violation.rule)))
    return chip, Value(violation.path), violation.message, rule


def error_card(error: WayhookError, outcome_card: Callable[[Any], Card]) -> Card:
    """Return the card of an error: every fault that it holds, or its sentence, and the outcome that it tells of."""
    kind, violations = type(error).__name__, getattr(error, "violations", ())
    if violations:
        return violations_card(violations, kind)
    chips = (Chip("error", "bad", "✗"),)
    if isinstance(error, ExpressionError):
        title = counted(len(error.problems), "problem") + " in an expression"
        return Card(kind, title, (Code(str(error)),), chips)
    outcome = error.outcome if isinstance(error, ExecutionError) else None
    below = () if outcome is None else (Fold("The outcome", (outcome_card(outcome),)),)
    return Card(kind, str(error), below, chips)


def stored_card(stored: Stored[Any], card_of: Callable[[Any], Card]) -> Card:
    """Return the card of a record: its version, and the value that it keeps."""
    uid = Value(stored.uid) if stored.uid else None
    parts: tuple[Part, ...] = (*facts(("uid", uid)), card_of(stored.value))
    return Card("record", stored.value.name, parts, (Chip(f"version {stored.version}"),))


def page_card(page: Page[Any]) -> Card:
    """Return the card of a page of a list: a row for each record."""
    rows, more = bounded(
        (stored.value.name, kind_of(stored.value), Value(_summary(stored.value)), str(stored.version))
        for stored in page.items
    )
    parts: list[Part] = [Table(("name", "kind", "what", "version"), rows, more)] if rows else []
    if page.cursor is not None:
        parts.append(Note("More follow: list them with the cursor of this page."))
    return Card("page", counted(len(page.items), "record"), tuple(parts))


def _summary(value: Any) -> str:
    match value:
        case Action(url_configuration=None):
            return counted(len(value.variables), "variable")
        case Action(url_configuration=UrlConfiguration() as configuration):
            return (
                f"{configuration.method} {masked_url(configuration.url)}, {counted(len(value.variables), 'variable')}"
            )
        case Journey():
            return f"{value.status}, {counted(len(value.activities), 'activity', 'activities')}"
        case CappingConfiguration(rule=rule):
            return f"{value.state}, {rule.url}"
        case ThrottlingConfiguration(rule=rule):
            return f"{value.state}, {rule.max_throughput:,} in a second to {rule.url_pattern}"
        case _:
            return repr(value)
