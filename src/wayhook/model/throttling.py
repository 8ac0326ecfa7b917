"""Throttling: calls above a rate wait their turn. A rule, and the configuration that keeps and deploys it. No I/O.

Section 6.5 of the rules (R259 to R278).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

import attrs

from wayhook.errors import DefinitionError, Violation
from wayhook.model.limit import (
    CanDeploy,
    ConfigurationState,
    Metadata,
    Stamp,
    as_methods,
    coverage,
    is_number,
    method_type_faults,
    pattern_faults,
    spelled,
    stamped,
    state_faults,
)
from wayhook.model.shape import Shaped, type_fault
from wayhook.presentation import Presentable

__all__ = [
    "Sandbox",
    "ThrottlingConfiguration",
    "ThrottlingRule",
    "methods_faults",
    "throughput_faults",
    "url_pattern_faults",
]

LOWEST, HIGHEST = 200, 5000
_METHOD = re.compile(r"[A-Z]+")


def _methods(given: Iterable[str]) -> tuple[str, ...]:
    return as_methods(given)


@attrs.frozen
class ThrottlingRule(Shaped, Presentable):
    """How many calls of actions may go to an endpoint in a second; what is above waits in order of arrival.

    `url_pattern`: as the `url` of a `CappingRule`. `methods`: those that count. `max_throughput`: calls in any
    second, 200 to 5000 (R260). `name`, `description`: free text (R261).
    """

    url_pattern: str
    methods: tuple[str, ...] = attrs.field(converter=_methods, eq=frozenset)
    max_throughput: int
    name: str = ""
    description: str = ""

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type; `wayhook.violations` finds which documented rules are broken."""
        if not isinstance(self.url_pattern, str):
            yield from url_pattern_faults(self.url_pattern, "$.url_pattern")
        yield from method_type_faults(self.methods, "R259")
        if not is_number(self.max_throughput):
            yield from throughput_faults(self.max_throughput, "$.max_throughput")
        yield from type_fault(self.name, str, "$.name", "text", "R261")
        yield from type_fault(self.description, str, "$.description", "text", "R261")

    def covers(self, method: str, url: str) -> bool:
        """Whether a call counts for this rule."""
        return self._counts(method, spelled(url))

    @cached_property
    def _counts(self) -> Callable[[str, str], bool]:
        return coverage(self.url_pattern, self.methods)

    def violations(self, path: str = "$") -> Iterator[Violation]:
        """Yield the documented rules that this one breaks, each with its code."""
        yield from url_pattern_faults(self.url_pattern, f"{path}.url_pattern")
        yield from methods_faults(self.methods, f"{path}.methods")
        yield from throughput_faults(self.max_throughput, f"{path}.max_throughput")


def url_pattern_faults(pattern: object, path: str) -> Iterator[Violation]:
    """Yield what is wrong with the URL pattern of a throttling rule."""
    if not isinstance(pattern, str) or not pattern:
        yield Violation(path, "give the URL pattern of the calls to count", "R259", "ERR_THROTTLING_CONFIG_100")
        return
    for message, is_wildcard in pattern_faults(pattern):
        rule, code = ("R263", "105") if is_wildcard else ("R262", "104")
        yield Violation(path, message, rule, f"ERR_THROTTLING_CONFIG_{code}")


def methods_faults(methods: object, path: str) -> Iterator[Violation]:
    """Yield what is wrong with the methods of a throttling rule; which there are, the documentation leaves open."""
    if not isinstance(methods, tuple | list) or not methods:
        yield Violation(path, "give methods, such as POST", "R259", "ERR_THROTTLING_CONFIG_100")
        return
    for i, method in enumerate(methods):
        if not isinstance(method, str) or not _METHOD.fullmatch(method):
            message = "a method is capital letters, such as POST"
            yield Violation(f"{path}[{i}]", message, "R264", "ERR_THROTTLING_CONFIG_106")


def throughput_faults(value: object, path: str) -> Iterator[Violation]:
    """Yield what is wrong with a throughput."""
    code = "ERR_THROTTLING_CONFIG_101"
    if type(value) is not int or value < 1:
        yield Violation(path, f"give a whole number of calls in a second, {LOWEST} to {HIGHEST}", "R259", code)
    elif not LOWEST <= value <= HIGHEST:
        yield Violation(path, f"a throughput is {LOWEST} to {HIGHEST} calls in a second", "R260", code)


@attrs.frozen
class Sandbox(Shaped):
    """Where a throttling configuration was made; it acts on all sandboxes of its organization.

    `production`: whether it is one of production, where alone throttling can be configured (R266).
    """

    name: str = "prod"
    id: str = ""
    production: bool = True

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type."""
        yield from type_fault(self.name, str, "$.name", "text", "R267")
        yield from type_fault(self.id, str, "$.id", "text")
        yield from type_fault(self.production, bool, "$.production", "True or False", "R266")

    def violations(self, path: str) -> Iterator[Violation]:
        """Yield why no throttling can be configured here."""
        if not self.name:
            yield Violation(f"{path}.name", "no sandbox is known without a name; give it", "R267", "4000")
        if not self.production:
            message = "throttling is configured in a production sandbox only"
            yield Violation(f"{path}.production", message, "R266", "1463")


@attrs.frozen
class ThrottlingConfiguration(Shaped, Presentable):
    """A throttling rule as it is kept: it acts while it is deployed, and an update acts at once (R269, R274).

    Each of `updated`, `deployed` and `undeployed` returns the configuration after it; save that to make it so.
    `uid`: names it. `org_id`: the organization, which has one such configuration (R265). `runtime_version`: how
    often it was deployed; each deployment is a runtime version of its own, with its own queue (R277).
    `state_before`: what `state` goes back to when the deployment ends.
    """

    uid: str
    rule: ThrottlingRule
    state: ConfigurationState = attrs.field(default=ConfigurationState.CREATED, kw_only=True)
    state_before: ConfigurationState = attrs.field(default=ConfigurationState.CREATED, kw_only=True)
    runtime_version: int = attrs.field(default=0, kw_only=True)
    sandbox: Sandbox = attrs.field(factory=Sandbox, kw_only=True)
    org_id: str = attrs.field(default="", kw_only=True)
    metadata: Metadata = attrs.field(factory=Metadata, kw_only=True)

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type or does not fit together."""
        if not isinstance(self.uid, str) or not self.uid:
            yield Violation("$.uid", "a configuration has a uid, which names it", "R273")
        yield from type_fault(self.rule, ThrottlingRule, "$.rule", "a ThrottlingRule")
        yield from type_fault(self.sandbox, Sandbox, "$.sandbox", "a Sandbox")
        yield from type_fault(self.metadata, Metadata, "$.metadata", "a Metadata")
        yield from type_fault(self.org_id, str, "$.org_id", "text")
        yield from state_faults(self, "state", "state_before")
        if type(self.runtime_version) is not int or self.runtime_version < 0:
            yield Violation("$.runtime_version", "this counts deployments, from 0", "R277")
        if self.state_before == ConfigurationState.DEPLOYED:
            yield Violation("$.state_before", "this is the state without a deployment: created or updated")

    @property
    def name(self) -> str:
        """The uid, under which a repository keeps it."""
        return self.uid

    @property
    def has_been_deployed(self) -> bool:
        """Whether its rule is enforced now."""
        return self.state is ConfigurationState.DEPLOYED

    @property
    def deployed_rule(self) -> ThrottlingRule | None:
        """The rule that is enforced: the present one, or None."""
        return self.rule if self.has_been_deployed else None

    def updated(
        self, rule: ThrottlingRule, stamp: Stamp | None = None, *, runtime_version: int | None = None
    ) -> ThrottlingConfiguration:
        """Return it with another rule in the place of the whole old one; a deployed one is enforced at once (R274).

        `runtime_version`: the runtime version that the update means to change; none in particular unless given.
        Raises `DefinitionError` with everything that is wrong with the rule, and when that version is not active
        (R275).
        """
        state = self.state if self.has_been_deployed else ConfigurationState.UPDATED
        new = attrs.evolve(
            self,
            rule=rule,
            state=state,
            state_before=ConfigurationState.UPDATED,
            metadata=stamped(self.metadata, "last_modified", stamp),
        )
        faults = list(new.violations())
        if runtime_version is not None and not (self.has_been_deployed and runtime_version == self.runtime_version):
            message = f"the runtime version {runtime_version} is not active; deploy a new one"
            faults.append(Violation("$.runtime_version", message, "R275", "1461"))
        _require_none(faults)
        return new

    def can_deploy(self) -> CanDeploy:
        """Return whether the rule can be deployed, with every error."""
        return CanDeploy(tuple(self.violations()))

    def deployed(self, stamp: Stamp | None = None) -> ThrottlingConfiguration:
        """Return it with its rule enforced, in a new runtime version (R277).

        Raises `DefinitionError` with every error of `can_deploy`, and when it is deployed already (R270).
        """
        faults = list(self.can_deploy().errors)
        if self.has_been_deployed:
            faults.append(Violation("$.state", "it is deployed already; an update acts at once", "R270", "14466"))
        _require_none(faults)
        return attrs.evolve(
            self,
            state=ConfigurationState.DEPLOYED,
            runtime_version=self.runtime_version + 1,
            metadata=stamped(self.metadata, "last_deployed", stamp),
        )

    def undeployed(self) -> ThrottlingConfiguration:
        """Return it with nothing enforced; calls that wait already are still sent (R276).

        Raises `DefinitionError` when it is not deployed (R271).
        """
        if not self.has_been_deployed:
            raise DefinitionError([Violation("$.state", "it is not deployed; deploy it first", "R271", "14468")])
        return attrs.evolve(self, state=self.state_before)

    def violations(self) -> Iterator[Violation]:
        """Yield the documented rules that it breaks."""
        yield from self.rule.violations("$.rule")
        yield from self.sandbox.violations("$.sandbox")

    def deletion_violations(self) -> Iterator[Violation]:
        """Yield what stands against forgetting it (R272)."""
        if self.has_been_deployed:
            yield Violation("$.state", "undeploy it first, or delete it with force=True", "R272", "1456")


def _require_none(faults: list[Violation]) -> None:
    if faults:
        raise DefinitionError(faults)
