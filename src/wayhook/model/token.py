"""The call that brings an access token, as a description: where, with what, and how long its token is kept. No I/O.

Sections 3.4 to 3.7 of the rules (R97 to R133).
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Iterator
from enum import StrEnum
from functools import cached_property
from typing import Any

import attrs

from wayhook.errors import Violation
from wayhook.jsonvalue import Json
from wayhook.model.shape import Shaped, as_pairs, as_word
from wayhook.model.url import masked_endpoint
from wayhook.secret import ClientCertificate, LiteralSecret, Secret, SecretReference, SecretText, Unknown

__all__ = [
    "PLAIN_HEADERS",
    "PLAIN_PARAMETERS",
    "Assertion",
    "CacheDuration",
    "Pairs",
    "SecretValue",
    "Text",
    "TimeUnit",
    "TokenCall",
    "holds_secrets",
    "literal_key",
    "secrets_in",
    "selector_fault",
]


SecretValue = SecretReference | LiteralSecret | SecretText
Text = str | SecretReference | LiteralSecret | SecretText
"""A text that may be, or hold, a secret."""

Pairs = tuple[tuple[str, Text], ...]

PLAIN_HEADERS = frozenset({"accept", "accept-language", "cache-control", "charset", "content-type", "user-agent"})
PLAIN_PARAMETERS = frozenset(
    {
        "audience", "client_assertion_type", "client_id", "grant_type", "requested_token_use", "resource",
        "response_type", "scope", "token_format",
    }
)  # fmt: skip
"""What is no secret in a token call, by its name; the text of everything else is not shown."""

_SELECTOR = re.compile(r"json://[^\s/.]+(?:[/.][^\s/.]+)*")


def selector_fault(selector: object) -> bool:
    """Whether `selector` is no `json://path`, its steps separated by `/` or `.` and none of them empty."""
    return not isinstance(selector, str) or not _SELECTOR.fullmatch(selector)


class TimeUnit(StrEnum):
    """The units of a cache duration (R118); a month counts 30 days and a year 365."""

    MILLISECONDS = "milliseconds"
    SECONDS = "seconds"
    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"
    MONTHS = "months"
    YEARS = "years"

    @property
    def in_seconds(self) -> float:
        """The length of one unit in seconds."""
        return _UNIT_SECONDS[self]


LONGEST_DURATION = 2**63 - 1
_DAY = 86_400.0
_UNIT_SECONDS = {
    TimeUnit.MILLISECONDS: 0.001,
    TimeUnit.SECONDS: 1.0,
    TimeUnit.MINUTES: 60.0,
    TimeUnit.HOURS: 3_600.0,
    TimeUnit.DAYS: _DAY,
    TimeUnit.MONTHS: 30 * _DAY,
    TimeUnit.YEARS: 365 * _DAY,
}


def _time_unit(given: TimeUnit | str) -> TimeUnit:
    return as_word(TimeUnit, given)


@attrs.frozen
class CacheDuration(Shaped):
    """How long a token is kept: an hour unless given (R117 to R121).

    `duration`: a whole number of `time_unit`, from 0; 0 keeps no token. `expiry_in_response`: `json://path` to the
    number in the token's own answer, instead of a duration; an answer without that number gives a token that is
    not kept.
    """

    expiry_in_response: str = attrs.field(default="", kw_only=True)
    duration: int | None = attrs.Factory(lambda self: None if self.expiry_in_response else 1, takes_self=True)
    time_unit: TimeUnit = attrs.field(default=TimeUnit.HOURS, converter=_time_unit)

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is wrong with number, place and unit."""
        told = self.expiry_in_response != ""
        if told and selector_fault(self.expiry_in_response):
            yield Violation("$.expiry_in_response", "write json://path, such as json://expires_in", "R120")
        elif told and self.duration is not None:
            message = "give a duration or the place of the expiry in the answer, not both"
            yield Violation("$.expiry_in_response", message, "R120")
        if not (told and self.duration is None) and (
            type(self.duration) is not int or not 0 <= self.duration <= LONGEST_DURATION
        ):
            yield Violation("$.duration", "a duration is a whole number from 0", "R119")
        if not isinstance(self.time_unit, TimeUnit):
            yield Violation("$.time_unit", f"a time unit is one of {', '.join(TimeUnit)}", "R118")

    @property
    def seconds(self) -> float | None:
        """The duration in seconds; None where the answer tells it."""
        return None if self.duration is None else self.duration * self.time_unit.in_seconds


@attrs.frozen
class Assertion:
    """A JSON Web Token that we sign for one token call (RFC 7523), with RS256.

    `parameter`: the name that carries it in the body. `private_key`: an RSA key in PEM form; None in a description that
    cannot be used yet. `certificate`: in PEM
    form; its SHA-1 thumbprint becomes the header `x5t`. `key_id`: becomes the header `kid`. `claims`: beside
    `iss`, `sub`, `aud`, `iat`, `exp` (10 minutes later) and a `jti` that is never the same (R133).
    """

    parameter: str
    issuer: str
    subject: str
    audience: str
    private_key: Secret | None
    certificate: str = ""
    key_id: str = ""
    claims: tuple[tuple[str, str], ...] = attrs.field(default=(), converter=as_pairs)


@attrs.frozen(cache_hash=True, repr=False)
class TokenKey:
    """Everything that makes a difference to a token; `hash` looks through all of it once."""

    parts: tuple[Hashable, ...]


@attrs.frozen(eq=False, repr=False)
class TokenCall:
    """The call that brings an access token, whichever kind of authentication asks for it.

    `endpoint`: a URL. `method`: GET or POST. `body_type`: `form`, `json`, or None for no body. `body_params`: name to
    text, secret or (JSON bodies) any JSON value with secrets in it. `token_in_response`: `response` or `json://path`.
    `identity`: what is shown where the endpoint asks for a client certificate.
    """

    endpoint: str
    method: str
    headers: Pairs
    body_type: str | None
    body_params: tuple[tuple[str, Any], ...]
    token_in_response: str
    cache_duration: CacheDuration
    assertion: Assertion | None = None
    identity: ClientCertificate | None = None

    @property
    def secrets(self) -> tuple[Unknown, ...]:
        """What must be looked up before the token can be asked for."""
        values = [value for _, value in (*self.headers, *self.body_params)]
        key = [self.assertion.private_key] if self.assertion and self.assertion.private_key else []
        return (*secrets_in([*values, *key]), *(self.identity.secrets if self.identity else ()))

    @property
    def secret_texts(self) -> Iterator[SecretText]:
        """The texts with secrets in them that are sent."""
        leaves = _leaves([value for _, value in (*self.headers, *self.body_params)])
        return (leaf for leaf in leaves if isinstance(leaf, SecretText))

    @cached_property
    def key(self) -> TokenKey:
        """Everything that makes a difference to the token."""
        return TokenKey(
            (
                self.endpoint,
                self.method,
                self.headers,
                literal_key(self.body_params),
                self.body_type,
                self.token_in_response,
                self.cache_duration,
                self.assertion,
                self.identity,
            )
        )

    def digest(self, journey: str | None) -> str:
        """Return what tells the token of a journey from others, in every process: SHA-256 in hexadecimal (R122)."""
        import hashlib

        text = json.dumps(_written(("wayhook token 1", self.key.parts, journey)), separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def __repr__(self) -> str:
        return f"<TokenCall {self.method} {masked_endpoint(self.endpoint)}>"


def secrets_in(value: Any) -> Iterator[Unknown]:
    """Yield the secrets of a JSON value that has texts with secrets at its leaves."""
    for leaf in _leaves(value):
        if isinstance(leaf, SecretText):
            yield from leaf.secrets
        elif isinstance(leaf, SecretReference | LiteralSecret):
            yield leaf


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for below in value.values() if isinstance(value, dict) else value:
            yield from _leaves(below)
    else:
        yield value


def holds_secrets(value: Any) -> bool:
    """Whether a JSON value has secrets, or texts that are made to hold them, at its leaves."""
    if isinstance(value, dict | list):
        return any(map(holds_secrets, value.values() if isinstance(value, dict) else value))
    return isinstance(value, SecretValue)


def literal_key(pairs: Any) -> Any:
    """What makes pairs equal: secrets as they are, literals by their text form (`1` and `True` differ in JSON)."""
    if not isinstance(pairs, tuple):
        return pairs
    return tuple((pair[0], _key(pair[1])) if isinstance(pair, tuple) else pair for pair in pairs)


def _key(value: Json | Secret | SecretText) -> Hashable:
    if isinstance(value, dict):
        return frozenset((name, _key(below)) for name, below in value.items())
    if isinstance(value, list):
        return tuple(map(_key, value))
    return value if isinstance(value, SecretValue) else repr(value)


def _written(value: Any) -> Any:
    """A key as JSON, the same in every process: each value with its type, sets in order."""
    kind = type(value).__name__
    match value:
        case LiteralSecret():
            return [kind, value.reveal()]
        case tuple():
            return [kind, *map(_written, value)]
        case frozenset():
            return [kind, *sorted(map(_written, value), key=json.dumps)]
        case str() | None:
            return [kind, value]
        case _ if attrs.has(type(value)):
            return [kind, *(_written(getattr(value, field.name)) for field in attrs.fields(type(value)))]
        case _:
            return [kind, repr(value)]
