"""Capping: calls above a rate are discarded. A rule, and the configuration that keeps and deploys it. No I/O.

Section 6.4 of the rules (R237 to R258).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any

import attrs

from wayhook.errors import DefinitionError, Violation
from wayhook.model.guardrail import Guardrails, edition_of
from wayhook.model.limit import (
    METHODS,
    CanDeploy,
    ConfigurationState,
    Metadata,
    Rating,
    Stamp,
    as_methods,
    coverage,
    method_type_faults,
    pattern_faults,
    spelled,
    stamped,
    state_faults,
)
from wayhook.model.shape import Shaped, type_fault
from wayhook.presentation import Presentable

__all__ = ["CappingConfiguration", "CappingRule", "methods_faults", "ratings_faults", "url_faults"]


def _methods(given: Iterable[str]) -> tuple[str, ...]:
    return as_methods(given)


@attrs.frozen
class CappingRule(Shaped, Presentable):
    """How many calls may go to an endpoint in a period; what is above is discarded, not sent.

    `url`: the address of the calls, with `*` as a wildcard outside of host and port. Scheme and host count in any
    letter case, the scheme's own port may be written or not; a query counts only where the rule has one.
    `action`: for calls of actions; None leaves them alone. `data_source`: for calls of data sources, which are kept
    and not made here. `methods`: the methods that count, all of them unless given. `org_id`: may be empty.
    """

    url: str
    action: Rating | None = None
    data_source: Rating | None = attrs.field(default=None, kw_only=True)
    methods: tuple[str, ...] = attrs.field(default=METHODS, converter=_methods, kw_only=True, eq=frozenset)
    org_id: str = attrs.field(default="", kw_only=True)

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type; `wayhook.violations` finds which documented rules are broken."""
        if not isinstance(self.url, str):
            yield from url_faults(self.url, "$.url")
        for name in ("action", "data_source"):
            yield from type_fault(getattr(self, name), (Rating, type(None)), f"$.{name}", "a Rating", "R242")
        yield from method_type_faults(self.methods, "R241")
        yield from type_fault(self.org_id, str, "$.org_id", "text")

    def covers(self, method: str, url: str) -> bool:
        """Whether a call counts for this rule (R217)."""
        return self._counts(method, spelled(url))

    @cached_property
    def _counts(self) -> Callable[[str, str], bool]:
        return coverage(self.url, self.methods)

    def violations(self, path: str = "$") -> Iterator[Violation]:
        """Yield the documented rules that this one breaks, each with its code."""
        yield from url_faults(self.url, f"{path}.url")
        yield from methods_faults(self.methods, f"{path}.methods")
        ratings = {"action": self.action, "data_source": self.data_source}
        yield from ratings_faults(ratings, path)
        for name, rating in ratings.items():
            if rating is not None:
                yield from rating.violations(f"{path}.{name}")

    def warnings(self, path: str = "$") -> Iterator[Violation]:
        """Yield a warning for each rating that sets no limit of connections (R246)."""
        for name in ("action", "data_source"):
            rating: Rating | None = getattr(self, name)
            if rating is not None and rating.max_http_connections is None:
                message = "no limit of connections is set, so that there is none"
                yield Violation(
                    f"{path}.{name}.max_http_connections", message, "R246", "ERR_ENDPOINTCONFIG_106", warning=True
                )


def url_faults(url: object, path: str) -> Iterator[Violation]:
    """Yield what is wrong with the URL of a capping rule."""
    if not isinstance(url, str) or not url:
        yield Violation(path, "give the URL of the calls to count", "R237", "ERR_ENDPOINTCONFIG_100")
        return
    for message, is_wildcard in pattern_faults(url):
        rule, code = ("R239", "102") if is_wildcard else ("R238", "101")
        yield Violation(path, message, rule, f"ERR_ENDPOINTCONFIG_{code}")


def methods_faults(methods: object, path: str) -> Iterator[Violation]:
    """Yield what is wrong with the methods of a capping rule."""
    if not isinstance(methods, tuple | list) or not methods:
        yield Violation(path, f"give methods, of {', '.join(METHODS)}", "R240", "ERR_ENDPOINTCONFIG_103")
        return
    for i, method in enumerate(methods):
        if method not in METHODS:
            yield Violation(
                f"{path}[{i}]", f"a method is one of {', '.join(METHODS)}", "R241", "ERR_ENDPOINTCONFIG_111"
            )


def ratings_faults(ratings: dict[str, Any], path: str) -> Iterator[Violation]:
    """Yield a fault when no service has a rating."""
    if all(rating is None for rating in ratings.values()):
        yield Violation(path, f"give a rating, of {' or '.join(ratings)}", "R242", "ERR_ENDPOINTCONFIG_104")


@attrs.frozen
class CappingConfiguration(Shaped, Presentable):
    """A capping rule as it is kept: it acts only once it is deployed, and then as it was deployed (R250, R253).

    Each of `updated`, `deployed` and `undeployed` returns the configuration after it; save that to make it so.
    `uid`: names it. `deployed_rule`: what is enforced, None when nothing is. `state_before`: what `state` goes back
    to when the deployment ends (R252). `tenant_id`: may be empty.
    """

    uid: str
    rule: CappingRule
    state: ConfigurationState = attrs.field(default=ConfigurationState.CREATED, kw_only=True)
    state_before: ConfigurationState = attrs.field(default=ConfigurationState.CREATED, kw_only=True)
    deployed_rule: CappingRule | None = attrs.field(default=None, kw_only=True)
    metadata: Metadata = attrs.field(factory=Metadata, kw_only=True)
    tenant_id: str = attrs.field(default="", kw_only=True)

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type or does not fit together."""
        if not isinstance(self.uid, str) or not self.uid:
            yield Violation("$.uid", "a configuration has a uid, which names it", "R257")
        yield from type_fault(self.rule, CappingRule, "$.rule", "a CappingRule")
        yield from type_fault(self.deployed_rule, (CappingRule, type(None)), "$.deployed_rule", "a CappingRule")
        yield from type_fault(self.metadata, Metadata, "$.metadata", "a Metadata")
        yield from type_fault(self.tenant_id, str, "$.tenant_id", "text")
        yield from state_faults(self, "state", "state_before")
        if self.state == ConfigurationState.DEPLOYED and self.deployed_rule is None:
            yield Violation("$.deployed_rule", "a deployed configuration has the rule that is enforced", "R251")
        if self.state_before == ConfigurationState.DEPLOYED:
            yield Violation("$.state_before", "this is the state without a deployment: created or updated", "R252")

    @property
    def name(self) -> str:
        """The uid, under which a repository keeps it."""
        return self.uid

    @property
    def has_been_deployed(self) -> bool:
        """Whether a rule is enforced now, the present one or an older one (R251 to R253)."""
        return self.deployed_rule is not None

    def updated(self, rule: CappingRule, stamp: Stamp | None = None) -> CappingConfiguration:
        """Return it with another rule in the place of the whole old one (R254).

        What is deployed stays as it is until the next deployment (R253).
        """
        state = ConfigurationState.UPDATED
        return attrs.evolve(
            self, rule=rule, state=state, state_before=state, metadata=stamped(self.metadata, "last_modified", stamp)
        )

    def can_deploy(self) -> CanDeploy:
        """Return whether the rule can be deployed, with every error and warning (R258)."""
        return CanDeploy(tuple(self.rule.violations("$.rule")), tuple(self.rule.warnings("$.rule")))

    def deployed(self, stamp: Stamp | None = None, *, guardrails: Guardrails | None = None) -> CappingConfiguration:
        """Return it with its rule enforced (R251); deploying again enforces the rule as it is now.

        A rating that sets no limit of connections gets the edition's (R248); `standard` unless given. Raises
        `DefinitionError` with every error of `can_deploy`.
        """
        if errors := self.can_deploy().errors:
            raise DefinitionError(errors)
        rails = edition_of(guardrails)
        return attrs.evolve(
            self,
            state=ConfigurationState.DEPLOYED,
            deployed_rule=_with_connections(self.rule, rails.default_connections),
            metadata=stamped(self.metadata, "last_deployed", stamp),
        )

    def undeployed(self) -> CappingConfiguration:
        """Return it with nothing enforced, in the state from before (R252); raises `DefinitionError` if it was so."""
        if self.deployed_rule is None:
            raise DefinitionError([Violation("$.state", "the configuration is not deployed; deploy it first", "R252")])
        return attrs.evolve(self, state=self.state_before, deployed_rule=None)

    def violations(self) -> Iterator[Violation]:
        """Yield the documented rules that it breaks, those of the deployed rule included."""
        yield from self.rule.violations("$.rule")
        if self.deployed_rule is not None:
            yield from self.deployed_rule.violations("$.deployed_rule")

    def deletion_violations(self) -> Iterator[Violation]:
        """Yield what stands against forgetting it (R255)."""
        if self.has_been_deployed:
            yield Violation("$.state", "undeploy it first, or delete it with force=True", "R255", "1451")


def _with_connections(rule: CappingRule, connections: int | None) -> CappingRule:
    def limited(rating: Rating | None) -> Rating | None:
        if rating is None or rating.max_http_connections is not None:
            return rating
        return attrs.evolve(rating, max_http_connections=connections)

    return attrs.evolve(rule, action=limited(rule.action), data_source=limited(rule.data_source))
