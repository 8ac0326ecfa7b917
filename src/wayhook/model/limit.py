"""Rate limits as descriptions. No I/O.

Section 6.4 of the rules (R214 to R219, R243, R244).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

import attrs

from wayhook.errors import Violation
from wayhook.model.shape import Shaped, as_set
from wayhook.model.url import parse_url, read_url

__all__ = ["CappingRule"]


def _methods(given: Iterable[str]) -> frozenset[str]:
    return as_set(given)


@attrs.frozen
class CappingRule(Shaped):
    """At most `max_calls_count` calls in any `period_in_ms`; what is above is refused, not sent.

    `url`: the address of the calls, with `*` as a wildcard outside of host and port. Scheme and host count in any
    letter case, the scheme's own port may be written or not; a query counts only where the rule has one.
    `methods`: the methods that count; empty counts all of them.
    """

    url: str
    max_calls_count: int
    period_in_ms: int = 1000
    methods: frozenset[str] = attrs.field(default=frozenset(), converter=_methods, kw_only=True)

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type or out of its range."""
        if not isinstance(self.url, str) or not self.url:
            yield Violation("$.url", "give the URL of the calls to count", "R237")
        elif "*" in "/".join(self.url.split("/", 3)[:3]):
            yield Violation("$.url", "a '*' stands only behind the host", "R239")
        else:
            yield from (Violation("$.url", message, "R238") for message, _ in read_url(self.url)[1])
        if type(self.max_calls_count) is not int or self.max_calls_count < 1:
            yield Violation("$.max_calls_count", "give a whole number from 1", "R243")
        if type(self.period_in_ms) is not int or self.period_in_ms < 1:
            yield Violation("$.period_in_ms", "give a whole number of milliseconds from 1", "R244")
        if not isinstance(self.methods, frozenset) or not all(isinstance(method, str) for method in self.methods):
            yield Violation("$.methods", "a collection of HTTP methods belongs here", "R241")

    def covers(self, method: str, url: str) -> bool:
        """Whether a call counts for this rule (R217)."""
        if self.methods and method not in self.methods:
            return False
        pattern, target = _normal(self.url), _normal(url)
        if "?" not in pattern:
            target = target.partition("?")[0]
        return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), target) is not None


@lru_cache(maxsize=1024)
def _normal(url: str) -> str:
    """A URL in the one spelling that a call has: small letters, no port of the scheme's own, a path."""
    parts = parse_url(url)
    return f"{parts.origin}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")
