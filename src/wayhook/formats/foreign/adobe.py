"""The product's own JSON, told apart and read by its own readers: authorizations, cappings, throttlings. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from wayhook.errors import DocumentError, Violation
from wayhook.formats.adobe import load_authorization
from wayhook.formats.foreign.imported import Imported
from wayhook.formats.foreign.intake import Intake, Secrets
from wayhook.formats.foreign.source import opened
from wayhook.formats.limit import load_capping, load_throttling
from wayhook.model.connection import Connection
from wayhook.secret import Base64, LiteralSecret, SecretText

__all__ = ["from_adobe"]


def from_adobe(
    document: Mapping[str, Any] | str | bytes, *, name: str = "", secrets: Secrets | None = None
) -> Imported:
    """Read the product's own JSON of a custom authorization, a capping or a throttling, as `load_…` of it does.

    An authorization becomes a connection called `name`. `secrets`: where to keep each of its secrets, by the name of
    the header or body parameter; one that is not named gets a reference made of both names. A capping or a throttling
    becomes a limit.

    Raises `DocumentError` with every fault and its path.
    """
    intake = Intake.of(name, secrets, None)
    given = opened(document, "an authorization, a capping or a throttling")
    if "urlPattern" in given or "maxThroughput" in given:
        return intake.imported(limits=[load_throttling(given)])
    if "services" in given or "deployedConfig" in given:
        return intake.imported(limits=[load_capping(given)])
    if not {"type", "authentication", "authorizationType"} & given.keys():
        message = "this is none of: an authorization (type), a capping (services), a throttling (urlPattern)"
        raise DocumentError([Violation("$", message)])
    inner = given.get("authentication")
    own = inner if isinstance(inner, dict) and len(given) == 1 else given
    places = {*_names(own.get("headers")), *_names(_inner(own.get("body"), "bodyParams"))}
    wanted = {place: intake.given(place) for place in places if intake.given(place) is not None}
    found = load_authorization(given, secrets=wanted)  # type: ignore[arg-type]  # no None is among them
    for place, reference in wanted.items():
        intake.found(place, reference, "the whole value")  # type: ignore[arg-type]
    reading = _References(intake, name or "Authorization")
    made = attrs.evolve(
        found,
        headers=[(place, reading.of(value, place)) for place, value in found.headers],
        body_params=[(place, reading.of(value, place)) for place, value in found.body_params],
    )
    return intake.imported(connections=[Connection(name or "Authorization", made)])


def _inner(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _names(value: Any, above: str = "") -> list[str]:
    """The places of an object, dotted where they are nested."""
    if isinstance(value, dict):
        below = [(f"{above}.{name}" if above else name, inner) for name, inner in value.items()]
    elif isinstance(value, list):
        below = [(f"{above}.{i}", inner) for i, inner in enumerate(value)]
    else:
        return []
    return [place for name, inner in below for place in (name, *_names(inner, name))]


@attrs.frozen
class _References:
    """References in the place of the literal secrets of an authorization."""

    intake: Intake
    owner: str

    def of(self, value: Any, place: str) -> Any:  # noqa: PLR0911 - one for each kind of value
        """A value with every literal secret in it replaced."""
        match value:
            case LiteralSecret():
                return self.intake.secret(place, self.owner, "its secret part")
            case SecretText() if len(value.secrets) > 1:
                return self.intake.secret(place, self.owner, "the whole value")
            case SecretText():
                return SecretText(*(self.of(part, place) for part in value.parts))
            case Base64():
                return Base64(*(self.of(part, place) for part in value.parts), spelling=value.spelling)
            case dict():
                return {name: self.of(below, f"{place}.{name}") for name, below in value.items()}
            case list():
                return [self.of(below, f"{place}.{i}") for i, below in enumerate(value)]
            case _:
                return value
