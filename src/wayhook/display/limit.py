"""The cards of limits: rates, capping and throttling."""

from __future__ import annotations

from wayhook.display.definition import facts
from wayhook.display.part import Card, Cell, Chip, Fold, Note, Part, Tone, Value, counted, duration
from wayhook.model.capping import CappingConfiguration, CappingRule
from wayhook.model.limit import ConfigurationState, Metadata, Rating, Stamp
from wayhook.model.throttling import ThrottlingConfiguration, ThrottlingRule
from wayhook.model.url import masked_url

__all__ = ["limit_card", "rating_card", "rule_card"]

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
