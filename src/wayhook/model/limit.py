"""What capping and throttling share: rates, the calls that a rule counts, the life of a configuration. No I/O.

Sections 6.4 and 6.5 of the rules (R214 to R225, R237 to R278).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

import attrs

from wayhook.errors import Violation
from wayhook.jsonvalue import json_fault
from wayhook.model.shape import Shaped, as_word, type_fault
from wayhook.model.url import read_url
from wayhook.presentation import Presentable
from wayhook.values import DataType, Misfit, conform

__all__ = [
    "METHODS",
    "CanDeploy",
    "ConfigurationState",
    "Metadata",
    "Rating",
    "Stamp",
    "as_methods",
    "beginnings",
    "connection_faults",
    "count_faults",
    "coverage",
    "fixed_part",
    "is_number",
    "method_type_faults",
    "pattern_faults",
    "period_faults",
    "spelled",
    "stamped",
    "state_faults",
]

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTION")
"""The methods that a rule can count, in the words of the product: `OPTION` counts the method OPTIONS (R241)."""

MAX_CONNECTIONS = 400
_LARGEST = 2**63 - 1
_SYSTEM_CONNECTIONS = -1
_HOST = re.compile(r"(?P<scheme>[^:/?#]*://)(?P<authority>[^/?#]*)")


@attrs.frozen
class Rating(Shaped, Presentable):
    """At most `max_calls_count` calls in any `period_in_ms`.

    `max_http_connections`: at most so many attempts under way, 1 to 400 (R247); None sets no limit (R246), and -1
    stands for the system's own, which is none either (R248).
    """

    max_calls_count: int
    period_in_ms: int = 1000
    max_http_connections: int | None = None

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is no whole number; ranges are checked by `wayhook.violations`."""
        for name, faults in _NUMBERS.items():
            value = getattr(self, name)
            if not is_number(value) and not (value is None and name == "max_http_connections"):
                yield from faults(value, f"$.{name}")

    @property
    def connections(self) -> int | None:
        """How many attempts may be under way; None for any number."""
        return None if self.max_http_connections == _SYSTEM_CONNECTIONS else self.max_http_connections

    def violations(self, path: str) -> Iterator[Violation]:
        """Yield what is out of its range."""
        for name, faults in _NUMBERS.items():
            yield from faults(getattr(self, name), f"{path}.{name}")


def is_number(value: object) -> bool:
    """Whether something is a whole number that can be written, whatever its range ought to be."""
    return type(value) is int and json_fault(value) is None


def count_faults(value: object, path: str) -> Iterator[Violation]:
    """Yield what is wrong with a number of calls; 1 is accepted, on which the documentation disagrees (R243)."""
    if not _is_positive(value):
        yield Violation(path, "give a whole number of calls from 1", "R243", "ERR_ENDPOINTCONFIG_107")


def period_faults(value: object, path: str) -> Iterator[Violation]:
    """Yield what is wrong with a period."""
    if not _is_positive(value):
        yield Violation(path, "give a whole number of milliseconds from 1", "R244", "ERR_ENDPOINTCONFIG_108")


def connection_faults(value: object, path: str) -> Iterator[Violation]:
    """Yield what is wrong with a number of connections; none is no fault (R246)."""
    if value is None or (type(value) is int and value == _SYSTEM_CONNECTIONS):
        return
    if not _is_positive(value):
        message = f"give a whole number of connections from 1 to {MAX_CONNECTIONS}, or leave it out"
        yield Violation(path, message, "R246", "ERR_ENDPOINTCONFIG_111")
    elif isinstance(value, int) and value > MAX_CONNECTIONS:
        message = f"at most {MAX_CONNECTIONS} connections can be set; leave it out for no limit"
        yield Violation(path, message, "R247", "ERR_ENDPOINTCONFIG_111")


def _is_positive(value: object) -> bool:
    return type(value) is int and 1 <= value <= _LARGEST


_NUMBERS = {
    "max_calls_count": count_faults,
    "period_in_ms": period_faults,
    "max_http_connections": connection_faults,
}


def as_methods(given: Iterable[str]) -> tuple[str, ...]:
    """Return methods as a tuple, those of a set in order; what is no collection is returned as it is."""
    if isinstance(given, set | frozenset):
        return tuple(sorted(given, key=str))
    return tuple(given) if isinstance(given, list | tuple) else given  # type: ignore[return-value]  # told as a fault


def method_type_faults(methods: object, rule: str) -> Iterator[Violation]:
    """Yield what is no collection of texts."""
    if not isinstance(methods, tuple) or not all(isinstance(method, str) for method in methods):
        yield Violation("$.methods", "a collection of HTTP methods belongs here", rule)


def pattern_faults(pattern: str) -> Iterator[tuple[str, bool]]:
    """Yield why a URL pattern can meet no call, and whether it is for a wildcard in host and port."""
    found = _HOST.match(pattern)
    plain = pattern
    if found is not None and "*" in found["authority"]:
        yield "a '*' stands only behind host and port", True
        plain = found["scheme"] + found["authority"].replace("*", "1") + pattern[found.end() :]
    yield from ((message, False) for message, _ in read_url(plain)[1])


def coverage(pattern: str, methods: tuple[str, ...]) -> Callable[[str, str], bool]:
    """Return what tells of a method and a URL, as `spelled`, whether the call counts for a rule (R217).

    It counts where its method is named, and its URL fits the pattern. `*` stands for any text. A query counts only
    where the pattern has one.
    """
    text = spelled(pattern)
    fits, has_query = _fitting(text.split("*")), "?" in text
    counted = frozenset({*methods, "OPTIONS"} if "OPTION" in methods else methods)
    return lambda method, url: method in counted and fits(url if has_query else url.partition("?")[0])


def fixed_part(pattern: str) -> str:
    """Return the beginning by which a pattern is found: each URL that fits it has this among its `beginnings`."""
    path, star, _ = spelled(pattern).partition("?")[0].partition("*")
    return path[: path.rfind("/") + 1] if star else path


def beginnings(url: str, longest: int) -> Iterator[str]:
    """Yield a URL, as `spelled`, without its query, and the folders that it lies in, up to its host.

    `longest`: leave out those that have more characters.
    """
    path = url.partition("?")[0]
    if len(path) <= longest:
        yield path
    host, end = path.find("://") + 3, min(len(path) - 1, longest)
    while (end := path.rfind("/", host, end)) >= 0:
        yield path[: end + 1]


def _fitting(pieces: list[str]) -> Callable[[str], bool]:
    """What tells whether the pieces stand in a text one after another.

    They are found from the left, so that no pattern is slow.
    """
    first, *between = pieces
    if not between:
        return lambda text: text == first
    last = between.pop()
    least = len(first) + len(last)

    def fits(text: str) -> bool:
        if len(text) < least or not text.startswith(first) or not text.endswith(last):
            return False
        place, end = len(first), len(text) - len(last)
        for piece in between:
            found = text.find(piece, place, end)
            if found < 0:
                return False
            place = found + len(piece)
        return True

    return fits


@lru_cache(maxsize=1024)
def spelled(url: str) -> str:
    """A URL in the one spelling that a call has: small letters, no port of the scheme's own, a path."""
    found = _READY.fullmatch(url)
    return _respelled(url) if found is None else _respelled(found[1]) + found[2]


_READY = re.compile(
    r"([^/?#]*://[^/?#]*/)"
    r"((?:[A-Za-z0-9_.~/:@!$&'()*+,;=-]++|%[0-9A-Fa-f]{2})*+"
    r"(?:\?(?:[A-Za-z0-9_.~/:@!$&'()*+,;=?-]++|%[0-9A-Fa-f]{2})++)?)"
)
"""An origin, and a path and query that are encoded already, as those of every call: they stay as they are."""


@lru_cache(maxsize=1024)
def _respelled(url: str) -> str:
    parts, _ = read_url(url)
    if parts is None:
        return url
    return f"{parts.origin}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")


class ConfigurationState(StrEnum):
    """The states of a capping or throttling configuration."""

    CREATED = "created"
    UPDATED = "updated"
    DEPLOYED = "deployed"


def state_faults(configuration: object, *names: str) -> Iterator[Violation]:
    """Bring states given as text into their form, and yield those that are none."""
    for name in names:
        state = as_word(ConfigurationState, getattr(configuration, name))
        object.__setattr__(configuration, name, state)
        if not isinstance(state, ConfigurationState):
            yield Violation(f"$.{name}", f"a state is one of {', '.join(ConfigurationState)}")


def _moment(given: datetime | str) -> str:
    try:
        return conform(DataType.DATE_TIME)(given) if given else given  # type: ignore[return-value]
    except Misfit:
        return given  # type: ignore[return-value]  # told by shape_faults


@attrs.frozen
class Stamp(Shaped):
    """Who did something, and when.

    `at`: a datetime with an offset, kept as ISO text; "" where it is not known.
    """

    by: str = ""
    at: str = attrs.field(default="", converter=_moment)
    by_id: str = ""

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type."""
        yield from type_fault(self.by, str, "$.by", "text")
        yield from type_fault(self.by_id, str, "$.by_id", "text")
        try:
            if self.at != "":
                conform(DataType.DATE_TIME)(self.at)
        except Misfit as misfit:
            yield Violation("$.at", f"the moment {misfit}")


@attrs.frozen
class Metadata(Shaped):
    """When a configuration was created, last changed and last deployed, and by whom; None where nobody said."""

    created: Stamp | None = None
    last_modified: Stamp | None = None
    last_deployed: Stamp | None = None

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type."""
        for field in attrs.fields(Metadata):
            yield from type_fault(getattr(self, field.name), (Stamp, type(None)), f"$.{field.name}", "a Stamp")


def stamped(metadata: Metadata, name: str, stamp: Stamp | None) -> Metadata:
    """Return the metadata with a new stamp, or as they are when nobody gave one."""
    return metadata if stamp is None else attrs.evolve(metadata, **{name: stamp})


@attrs.frozen
class CanDeploy(Presentable):
    """Whether a configuration can be deployed (R258): `errors` stand in the way, `warnings` do not."""

    errors: tuple[Violation, ...] = ()
    warnings: tuple[Violation, ...] = ()

    @property
    def status(self) -> str:
        """`ok` or `error`."""
        return "error" if self.errors else "ok"

    @property
    def reason(self) -> str:
        """Why not, in sentences; "" when it can be deployed."""
        return "; ".join(map(str, self.errors))
