"""Guardrails: the switches of the documented rules, in named editions. No I/O.

An edition is data; each switch can be changed on its own with `attrs.evolve`. Section 9 of the rules lists where
the products differ; reliability section 14 says how the editions repeat.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import lru_cache
from ipaddress import ip_network

import attrs

from wayhook.errors import DefinitionError, ExpressionError, Violation
from wayhook.expression.expression import Expression
from wayhook.model.address import (
    LOOPBACK,
    METADATA,
    PRIVATE,
    Address,
    Network,
    closed_range,
    is_within,
    literal_address,
)
from wayhook.model.lifecycle import JourneyStatus
from wayhook.model.limit import Rating, connection_faults
from wayhook.model.shape import Shaped, as_set, as_tuple, as_word, type_fault
from wayhook.model.url import DEFAULT_PORTS, StaticUrl

__all__ = [
    "ATTEMPTS",
    "IDEMPOTENT",
    "BreakerRule",
    "DataPolicy",
    "Guardrails",
    "NestedLists",
    "NetworkPolicy",
    "Repetition",
    "RetryBudget",
    "edition_of",
]

_SWITCHES = (
    "query_parameters", "responses", "optional_variables", "content_type_editable",
    "canvas", "pauses", "dry_runs", "select_package", "expiry_in_response", "nested_body_params",
    "destination_pauses",
)  # fmt: skip
_NUMERIC = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_SPECIAL_USE = (
    "localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home", "lan", "home.arpa",
    "onion", "invalid",
)  # fmt: skip
_SPECIAL_SUFFIXES = tuple(f".{name}" for name in _SPECIAL_USE)


def _texts(given: Iterable[str]) -> frozenset[str]:
    return as_set(given)


def _hosts(given: Iterable[str]) -> frozenset[str]:
    """Host names mean the same in any letter case."""
    hosts = as_set(given)
    if not isinstance(hosts, frozenset):
        return hosts
    return frozenset(host.lower() if isinstance(host, str) else host for host in hosts)


def _numbers(given: Iterable[int]) -> frozenset[int]:
    return as_set(given)


@attrs.frozen
class NetworkPolicy(Shaped):
    """Which hosts may be called beyond public host names; made in code, never read from a document (P40).

    `loopback`: this machine itself (`localhost`, 127.0.0.0/8, `[::1]`), on every port.
    `hosts`: names or addresses that the rules refuse otherwise, such as `crm.internal` or `10.2.0.7:8080`; such a name
    may lead to a private address, yet not to a link-local one, nor to a metadata service.
    `networks`: ranges that hosts may lead to, such as `10.2.0.0/16`.
    `ports`: ports allowed on every host beside 80 for http and 443 for https (R38, R39).
    """

    loopback: bool = False
    hosts: frozenset[str] = attrs.field(default=frozenset(), converter=_hosts)
    ports: frozenset[int] = attrs.field(default=frozenset(), converter=_numbers)
    networks: frozenset[str] = attrs.field(default=frozenset(), converter=_texts)

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type."""
        yield from type_fault(self.loopback, bool, "$.loopback", "True or False", "R48")
        yield from _member_faults(self.hosts, str, "$.hosts", "host names")
        yield from _member_faults(self.ports, int, "$.ports", "port numbers")
        if faults := list(_member_faults(self.networks, str, "$.networks", "networks, such as '10.2.0.0/16',")):
            yield from faults
        elif not all(map(_is_network, self.networks)):
            yield Violation("$.networks", "write a network by its first address and length, such as '10.2.0.0/16'")

    def refusal(self, url: StaticUrl) -> tuple[str, str] | None:
        """Return why the host or port of `url` may not be called, with the rule's number, or None."""
        if self.loopback and _is_loopback(url.host):
            return None
        if f"{url.host}:{url.port}" in self.hosts:
            return None
        if not self._names(url.host) and (refused := _host_refusal(url.host)) is not None:
            return refused
        if url.port == DEFAULT_PORTS[url.scheme] or url.port in self.ports:
            return None
        usual = DEFAULT_PORTS[url.scheme]
        message = (
            f"{url.scheme} uses port {usual} only, not {url.port}; leave it out, or allow it in the network policy"
        )
        return message, "R38" if url.scheme == "https" else "R39"

    def _names(self, host: str) -> bool:
        address = literal_address(host)
        return host in self.hosts or (address is not None and is_within(address, self._opened))

    @property
    def _opened(self) -> tuple[Network, ...]:
        return tuple(map(_network, self.networks))

    def address_refusal(self, host: str, port: int, address: Address) -> str:
        """Return why `address`, which `host` leads to, may not be dialled, or `""` (P38); see `AddressPolicy`."""
        closed = closed_range(address)
        if closed is None or self._opens(host, port, address):
            return ""
        return f"the host leads to an address in {closed}, which is not public; allow it in the network policy"

    def _opens(self, host: str, port: int, address: Address) -> bool:
        if is_within(address, self._opened) or (self.loopback and is_within(address, LOOPBACK)):
            return True
        spelled = f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004 - of IP
        if not self.hosts.isdisjoint((spelled, f"{spelled}:{port}")):
            return True
        is_private = is_within(address, PRIVATE) and not is_within(address, METADATA)
        return is_private and not self.hosts.isdisjoint((host, f"{host}:{port}"))


def _member_faults(members: object, kind: type, path: str, wanted: str) -> Iterator[Violation]:
    if not isinstance(members, frozenset) or not all(type(member) is kind for member in members):
        yield Violation(path, f"a collection of {wanted} belongs here")


_network = lru_cache(maxsize=1024)(ip_network)


def _is_network(text: str) -> bool:
    try:
        return "/" in text and bool(_network(text))
    except ValueError:
        return False


def _is_loopback(host: str) -> bool:
    address = literal_address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _host_refusal(host: str) -> tuple[str, str] | None:
    if host.startswith("["):
        return "an IPv6 address is not allowed; use a host name", "R42"
    if _NUMERIC.fullmatch(host.rsplit(".", 1)[-1]):
        return "an IP address is not allowed, in any spelling; use a host name", "R41" if literal_address(
            host
        ) else "R43"
    if "." not in host or host.endswith(_SPECIAL_SUFFIXES):
        return f"{host!r} is no public host name; allow it in the network policy if it is meant", "R48"
    if ".adobe." in host:
        return "hosts with '.adobe.' in them are internal Adobe addresses; use another host", "R44"
    return None


class Repetition(StrEnum):
    """Which failures are repeated, at most three times (R208).

    `EVIDENCE`: what certainly did not happen, with any method; what may have happened, with an idempotent
    method only. `ANY`: every failure (R212). `ANY_BUT_DENIED`: all but 401, 403 and 404 (R211, R213).
    """

    EVIDENCE = "evidence"
    ANY = "any"
    ANY_BUT_DENIED = "any but 401, 403, 404"


ATTEMPTS = 4
"""Of one call: the first, and three repeats (R208)."""
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
"""Methods by which a call that is done twice is as good as done once."""

_WHOLE_MAX = 1_000_000
_BREAKER_RANGES = (("share", 0.01, 1), ("spread", 0, 1), ("open_for", 0.001, 86_400), ("longest", 0.001, 86_400))


@attrs.frozen
class BreakerRule(Shaped):
    """When a destination is given time, and how long (P16).

    Open when at least `share` of at least `calls` attempts failed within `window` seconds; for `open_for` seconds, give
    or take the share `spread`, doubled after each probe that failed up to `longest`.
    """

    share: float = 0.5
    calls: int = 20
    window: int = 30
    open_for: float = 30
    longest: float = 300
    spread: float = 0.2

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type or out of its range."""
        for name, low, high in _BREAKER_RANGES:
            value = getattr(self, name)
            if type(value) not in (int, float) or not low <= value <= high:
                yield Violation(f"$.{name}", f"a number from {low} to {high} belongs here")
        for name in ("calls", "window"):
            if type(getattr(self, name)) is not int or not 1 <= getattr(self, name) <= _WHOLE_MAX:
                yield Violation(f"$.{name}", f"a whole number from 1 to {_WHOLE_MAX:,} belongs here")


@attrs.frozen
class RetryBudget(Shaped):
    """How many repeats a destination may get: `at_first`, `share` more with each call, `at_most` in stock (P14)."""

    share: float = 0.1
    at_first: int = 50
    at_most: int = 100

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type or out of its range."""
        if type(self.share) not in (int, float) or not 0 <= self.share <= 1:
            yield Violation("$.share", "a number from 0 to 1 belongs here")
        for name in ("at_first", "at_most"):
            if type(getattr(self, name)) is not int or not 0 <= getattr(self, name) <= _WHOLE_MAX:
                yield Violation(f"$.{name}", f"a whole number from 0 to {_WHOLE_MAX:,} belongs here")


class NestedLists(StrEnum):
    """Arrays of objects inside of arrays of objects, in requests: never (R168), as constants only (R169), or freely."""

    REFUSED = "refused"
    CONSTANT = "constant"
    VARIABLE = "variable"


_PRODUCT_KINDS = frozenset({"none", "basic", "api_key", "custom"})
AUTHENTICATION_KINDS = _PRODUCT_KINDS | {"certificate", "oauth", "jwt_bearer", "bearer", "mutual_tls", "connection"}


def _restricted(given: Iterable[Expression | str]) -> tuple[Expression, ...]:
    """References as expressions; what cannot be read is left for the shape check."""
    return tuple(map(_reference, given)) if isinstance(items := as_tuple(given), tuple) else items


def _reference(given: Expression | str) -> Expression:
    try:
        return Expression(given) if isinstance(given, str) else given
    except ExpressionError:
        return given  # type: ignore[return-value]  # told by shape_faults


@attrs.frozen
class DataPolicy(Shaped):
    """Data that may not be used for a marketing action (R306).

    `marketing_action`: such as `emailTargeting`. `restricted`: references as in an expression, such as
    `@event{Signup.phone}`; what lies below a restricted field is restricted too.
    """

    marketing_action: str
    restricted: tuple[Expression, ...] = attrs.field(converter=_restricted)

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type, and restrictions that are no references."""
        yield from type_fault(
            self.marketing_action, str, "$.marketing_action", "the name of a marketing action", "R306"
        )
        yield from type_fault(self.restricted, tuple, "$.restricted", "a sequence of references", "R306")
        for i, restricted in enumerate(self.restricted if isinstance(self.restricted, tuple) else ()):
            if not isinstance(restricted, Expression) or not restricted.references:
                message = "a reference belongs here, such as @event{Signup.phone}"
                yield Violation(f"$.restricted[{i}]", message, "R306")


def _policies(given: Iterable[DataPolicy]) -> tuple[DataPolicy, ...]:
    return as_tuple(given)


def _statuses(given: Iterable[JourneyStatus | str]) -> frozenset[JourneyStatus]:
    found = as_set(given)
    return frozenset(as_word(JourneyStatus, word) for word in found) if isinstance(found, frozenset) else found


@attrs.frozen(kw_only=True)
class Guardrails(Shaped):
    """The rules that a definition must keep, as data.

    `methods`: HTTP methods (R59 to R62). `query_parameters`, `responses`, `optional_variables`: whether these exist
    (R82, R175, R148). `content_type_editable`: to another JSON type (R76, R77).
    `body_formats`: of requests (R135). `nested_lists`: arrays of objects inside of arrays of objects (R168, R169).
    `authentications`: kinds that an action may have (R90, R127). `expiry_in_response`: whether a token's answer may
    tell its lifetime (R120). `nested_body_params`: in the JSON body of a token call (R125).
    `timeout_range`, `default_timeout`: seconds (R203, R204). `repetition`: what is tried again.
    `retry_budget`, `breaker`: towards each destination (P14, P16); None has none. `destination_pauses`: whether a
    destination that asks for time is left alone by all calls (P15).
    `redirects`: how many answers 302 in a row are followed, to the same origin only (R87, R88).
    `name_length`: characters (R2). `network`: hosts and ports beyond the rule.
    `canvas`: whether every journey is drawn, beginning with an event (R280 to R282); otherwise those only that have
    an `Activity` or a `next`. `pauses`, `dry_runs`: whether journeys have these (R230, R231).
    `select_package`: whether the alternative path of a unitary journey leads to an end only (R308).
    `finished_after_days`: after closing (R293). `live_journeys`: how many may have a version in one of
    `live_statuses` (R299), None without limit. `journey_size`: bytes of a version (R307), None without limit.
    `data_policies`: which data may not be used for which marketing action (R306).
    `default_cap`: calls of one executor to one host, where no deployed rule covers them (R218, R221); `slow_cap`:
    instead of it, for a host whose last answer took more than 0.75 seconds (R220). None caps nothing.
    `default_connections`: what a capping that sets no limit of connections is deployed with (R248).
    """

    edition: str
    methods: frozenset[str] = attrs.field(converter=_texts)
    query_parameters: bool = True
    responses: bool = True
    optional_variables: bool = True
    content_type_editable: bool = True
    authentications: frozenset[str] = attrs.field(default=AUTHENTICATION_KINDS, converter=_texts)
    body_formats: frozenset[str] = attrs.field(default=frozenset({"json", "form", "raw"}), converter=_texts)
    nested_lists: NestedLists = NestedLists.VARIABLE
    expiry_in_response: bool = True
    nested_body_params: bool = True
    name_length: int = 30
    timeout_range: tuple[float, float] = (1, 30)
    default_timeout: float = 5
    repetition: Repetition = Repetition.EVIDENCE
    retry_budget: RetryBudget | None = attrs.Factory(RetryBudget)
    breaker: BreakerRule | None = attrs.Factory(BreakerRule)
    destination_pauses: bool = True
    default_cap: Rating | None = None
    slow_cap: Rating | None = None
    default_connections: int | None = -1
    redirects: int = 0
    network: NetworkPolicy = attrs.Factory(NetworkPolicy)
    canvas: bool = False
    pauses: bool = True
    dry_runs: bool = True
    select_package: bool = False
    finished_after_days: int = 91
    live_journeys: int | None = None
    live_statuses: frozenset[JourneyStatus] = attrs.field(default=frozenset({JourneyStatus.LIVE}), converter=_statuses)
    journey_size: int | None = None
    data_policies: tuple[DataPolicy, ...] = attrs.field(default=(), converter=_policies)

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type or out of its range."""
        yield from type_fault(self.edition, str, "$.edition", "a name")
        yield from _member_faults(self.methods, str, "$.methods", "HTTP methods")
        yield from type_fault(self.network, NetworkPolicy, "$.network", "a NetworkPolicy", "R48")
        yield from type_fault(self.repetition, Repetition, "$.repetition", "a Repetition", "R208")
        yield from type_fault(self.retry_budget, (RetryBudget, type(None)), "$.retry_budget", "a RetryBudget, or None,")
        yield from type_fault(self.breaker, (BreakerRule, type(None)), "$.breaker", "a BreakerRule, or None,")
        yield from _member_faults(self.body_formats, str, "$.body_formats", "body formats")
        yield from type_fault(self.nested_lists, NestedLists, "$.nested_lists", "a NestedLists", "R169")
        yield from _member_faults(self.authentications, str, "$.authentications", "kinds of authentication")
        for name in _SWITCHES:
            yield from type_fault(getattr(self, name), bool, f"$.{name}", "True or False")
        yield from self._journey_faults()
        yield from type_fault(self.name_length, int, "$.name_length", "a number of characters", "R2")
        yield from self._cap_faults()
        if type(self.redirects) is not int or self.redirects < 0:
            yield Violation("$.redirects", "a whole number from 0 belongs here", "R87")
        times = (*self.timeout_range, self.default_timeout) if isinstance(self.timeout_range, tuple) else ()
        if len(times) != 3 or not all(type(time) in (int, float) for time in times):  # noqa: PLR2004 - low, high, default
            yield Violation("$.timeout_range", "give seconds: a pair of numbers, and a default timeout", "R203")
        elif not 0 < times[0] <= times[1] < math.inf:
            yield Violation("$.timeout_range", "give the lower number of seconds first, above 0", "R203")
        elif not times[0] <= times[2] <= times[1]:
            yield Violation("$.default_timeout", f"it lies within {times[0]} to {times[1]} seconds", "R204")

    def _journey_faults(self) -> Iterator[Violation]:
        for name, rule in (("finished_after_days", "R293"), ("live_journeys", "R299"), ("journey_size", "R307")):
            value = getattr(self, name)
            if (value is not None or name == "finished_after_days") and (type(value) is not int or value < 1):
                yield Violation(f"$.{name}", "a whole number from 1 belongs here", rule)
        yield from _member_faults(self.live_statuses, JourneyStatus, "$.live_statuses", "members of JourneyStatus")
        yield from type_fault(self.data_policies, tuple, "$.data_policies", "a sequence of DataPolicy", "R306")
        for i, policy in enumerate(self.data_policies if isinstance(self.data_policies, tuple) else ()):
            yield from type_fault(policy, DataPolicy, f"$.data_policies[{i}]", "a DataPolicy", "R306")

    def _cap_faults(self) -> Iterator[Violation]:
        for name, rule in (("default_cap", "R218"), ("slow_cap", "R220")):
            cap = getattr(self, name)
            if isinstance(cap, Rating):
                yield from cap.violations(f"$.{name}")
            elif cap is not None:
                yield Violation(f"$.{name}", "a Rating, or None, belongs here", rule)
        yield from connection_faults(self.default_connections, "$.default_connections")

    @classmethod
    def standard(cls, *, network: NetworkPolicy | None = None) -> Guardrails:
        """Return the optimizer's rules plus PATCH and DELETE, repeating only what is safe to repeat."""
        return cls(
            edition="standard",
            methods={"GET", "POST", "PUT", "PATCH", "DELETE"},
            network=network or NetworkPolicy(),
        )

    @classmethod
    def journey_orchestration(cls, *, network: NetworkPolicy | None = None) -> Guardrails:
        """Return the rules of the feature pages of Adobe Journey Orchestration."""
        return cls(
            edition="journey_orchestration",
            methods={"POST", "PUT"},
            query_parameters=False,
            responses=False,
            optional_variables=False,
            content_type_editable=False,
            authentications=_PRODUCT_KINDS | {"connection"},
            body_formats={"json"},
            nested_lists=NestedLists.REFUSED,
            expiry_in_response=False,
            nested_body_params=False,
            repetition=Repetition.ANY,
            retry_budget=None,
            breaker=None,
            destination_pauses=False,
            canvas=True,
            pauses=False,
            dry_runs=False,
            finished_after_days=30,
            live_journeys=100,
            default_connections=None,
            network=network or NetworkPolicy(),
        )

    @classmethod
    def journey_optimizer(cls, *, network: NetworkPolicy | None = None) -> Guardrails:
        """Return the rules of Adobe Journey Optimizer, in a production sandbox.

        In a development sandbox `live_journeys` is 100 (R299).
        """
        return cls(
            edition="journey_optimizer",
            methods={"GET", "POST", "PUT"},
            authentications=_PRODUCT_KINDS | {"certificate", "mutual_tls", "connection"},
            body_formats={"json"},
            nested_lists=NestedLists.CONSTANT,
            default_timeout=30,
            repetition=Repetition.ANY_BUT_DENIED,
            retry_budget=None,
            breaker=None,
            destination_pauses=False,
            redirects=3,
            canvas=True,
            live_journeys=200,
            live_statuses={JourneyStatus.LIVE, JourneyStatus.CLOSED, JourneyStatus.PAUSED, JourneyStatus.DRY_RUN},
            journey_size=2_000_000,
            default_cap=Rating(300_000, 60_000),
            slow_cap=Rating(150_000, 30_000),
            network=network or NetworkPolicy(),
        )


def edition_of(given: Guardrails | None) -> Guardrails:
    """Return the guardrails that were given, `standard` where none were; raises `DefinitionError` for anything else."""
    if given is not None and not isinstance(given, Guardrails):
        message = f"guardrails are an edition, such as Guardrails.standard(), not {type(given).__name__}"
        raise DefinitionError([Violation("$.guardrails", message)])
    return Guardrails.standard() if given is None else given
