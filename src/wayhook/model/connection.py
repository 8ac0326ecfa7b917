"""Connection: an authentication that several actions share, and the hosts it may be sent to. No I/O."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

import attrs

from wayhook.errors import Violation
from wayhook.model.authentication import Authentication, ConnectionReference, NoAuthentication
from wayhook.model.shape import Shaped, as_set, copy_name, type_fault
from wayhook.presentation import Presentable

__all__ = ["Connection"]

_HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?", re.ASCII)


def _hosts(given: Iterable[str]) -> frozenset[str]:
    """Host names mean the same in any letter case."""
    hosts = as_set(given)
    if not isinstance(hosts, frozenset):
        return hosts
    return frozenset(host.lower() if isinstance(host, str) else host for host in hosts)


@attrs.frozen(repr=False)
class Connection(Shaped, Presentable):
    """An authentication kept under a name; actions refer to it with `wayhook.connection(name)`.

    `hosts`: where it may be sent: host names, or `*.example.com` for every host below; empty for any host that the
    guardrails allow. An action on another host is refused when it is saved and when it is used.
    """

    name: str
    authentication: Authentication = attrs.Factory(NoAuthentication)
    hosts: frozenset[str] = attrs.field(default=frozenset(), converter=_hosts, kw_only=True)
    description: str = attrs.field(default="", kw_only=True)

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type or no host name."""
        if not isinstance(self.name, str) or not self.name:
            yield Violation("$.name", "a connection has a name")
        yield from type_fault(self.authentication, Authentication, "$.authentication", "an authentication", "R90")
        if isinstance(self.authentication, ConnectionReference):
            yield Violation("$.authentication", "a connection holds an authentication of its own, not another's name")
        yield from type_fault(self.description, str, "$.description", "text")
        if not isinstance(self.hosts, frozenset) or not all(isinstance(host, str) for host in self.hosts):
            yield Violation("$.hosts", "a collection of host names belongs here")
            return
        for host in sorted(self.hosts):
            if not _HOST.fullmatch(host):
                yield Violation("$.hosts", f"{host[:60]!r} is no host name and no '*.' with one behind")

    def reaches(self, host: str) -> bool:
        """Whether the authentication may be sent to `host` (lower case)."""
        return not self.hosts or host in self.hosts or any(_is_below(host, pattern) for pattern in self.hosts)

    def duplicate(self, taken: Collection[str] = ()) -> Connection:
        """Return a copy named `<name>_Copy`, cut to 30 characters, and not one of the names `taken`."""
        return attrs.evolve(self, name=copy_name(self.name, taken))

    def __repr__(self) -> str:
        return f"<Connection {self.name}: {self.authentication!r}>"


def _is_below(host: str, pattern: str) -> bool:
    return pattern.startswith("*.") and host.endswith(pattern[1:])
