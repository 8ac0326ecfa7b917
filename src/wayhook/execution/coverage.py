"""Which rules can be enforced, and which of them cover a call, however many there are. No I/O.

What limiters share: in one process (`execution/window.py`) and between processes (`adapters/limiter`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Generic, TypeVar

from wayhook.errors import DefinitionError, Discarded, Violation
from wayhook.model.capping import CappingRule
from wayhook.model.limit import Rating, beginnings, fixed_part, spelled
from wayhook.model.shape import as_tuple
from wayhook.model.throttling import ThrottlingRule

__all__ = ["LONGEST_WAIT", "Coverage", "LimitRule", "above_the_rate", "enforced", "numbered", "waited_too_long"]

LONGEST_WAIT = 6 * 3600.0
"""Seconds that a call waits at most (R223)."""

LimitRule = CappingRule | ThrottlingRule
_GUARDRAILS = frozenset({"R241", "R247", "R260"})  # what a configuration must keep, and a limiter need not
_Bound = TypeVar("_Bound")


class Coverage(Generic[_Bound]):
    """What is enforced of the rules that cover a call, found by what its URL begins with."""

    def __init__(self, bounds: Iterable[tuple[LimitRule, _Bound]]) -> None:
        self._found: dict[str, list[tuple[int, Callable[[str, str], bool], _Bound]]] = {}
        for number, (rule, bound) in enumerate(bounds):
            pattern = rule.url_pattern if isinstance(rule, ThrottlingRule) else rule.url
            self._found.setdefault(fixed_part(pattern), []).append((number, rule.covers, bound))
        self._longest = max(map(len, self._found), default=0)

    def of(self, method: str, url: str) -> tuple[_Bound, ...]:
        """Return the bounds in the order of their rules, so that the same ones always make the same lane."""
        if not self._found:
            return ()
        url = spelled(url)
        near = [rule for start in beginnings(url, self._longest) for rule in self._found.get(start, ())]
        if len(near) > 1:
            near.sort()
        return tuple([bound for _, covers, bound in near if covers(method, url)])


def numbered(rules: Iterable[LimitRule]) -> dict[Hashable, LimitRule]:
    """Return rules that were given without keys, by their places; raises `DefinitionError` for no sequence."""
    given = as_tuple(rules)
    if not isinstance(given, tuple):
        raise DefinitionError([Violation("$", f"a sequence of rules belongs here, not {type(rules).__name__}")])
    return dict(enumerate(given))


def enforced(rules: Mapping[Hashable, LimitRule]) -> dict[Hashable, tuple[LimitRule, Rating]]:
    """Return the rules that limit calls, each with its rating: of a throttling one in calls of a second.

    Ratings for data sources are left out. Raises `DefinitionError` with everything that nothing can be held by.
    """
    if not isinstance(rules, Mapping):
        raise DefinitionError([Violation("$", f"rules are a mapping by keys, not {type(rules).__name__}")])
    if faults := list(_faults(rules.values())):
        raise DefinitionError(faults)
    return {key: (rule, rating) for key, rule in rules.items() if (rating := _rating(rule)) is not None}


def above_the_rate() -> Discarded:
    """Return the end of a call that a cap has no place for."""
    return Discarded("the call is above the rate and was not sent (R215)")


def waited_too_long() -> Discarded:
    """Return the end of a call whose turn did not come."""
    return Discarded("the call waited for 6 hours and was not sent (R223)")


def _rating(rule: LimitRule) -> Rating | None:
    return Rating(rule.max_throughput, 1000) if isinstance(rule, ThrottlingRule) else rule.action


def _faults(rules: Iterable[object]) -> Iterator[Violation]:
    for i, rule in enumerate(rules):
        if not isinstance(rule, LimitRule):
            kind = type(rule).__name__
            yield Violation(f"$[{i}]", f"a CappingRule or a ThrottlingRule is enforced, not {kind}")
            continue
        yield from (fault for fault in rule.violations(f"$[{i}]") if fault.rule not in _GUARDRAILS)
