"""Authentication as a description: what is sent where, with secrets as references. No I/O.

Section 3 of the rules (R90 to R134).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, ClassVar, Literal

import attrs

from wayhook.errors import Violation
from wayhook.jsonvalue import Json, json_fault
from wayhook.model.shape import Shaped, as_pairs, pair_faults, type_fault
from wayhook.model.url import masked_url
from wayhook.presentation import Presentable
from wayhook.secret import AccessToken, Credential, LiteralSecret, Secret, SecretReference

__all__ = [
    "ApiKeyAuthentication",
    "Authentication",
    "BasicAuthentication",
    "CacheDuration",
    "CustomAuthorization",
    "NoAuthentication",
    "TimeUnit",
    "literal_key",
]

Pairs = tuple[tuple[str, str | SecretReference | LiteralSecret], ...]


class Authentication(Shaped, Presentable):
    """How the receiver learns who calls. `kind` names it in a stored document."""

    __slots__ = ()
    kind: ClassVar[str]

    def credentials(self) -> tuple[Credential, ...]:
        """Return what this authentication adds to a call."""
        return ()


@attrs.frozen
class NoAuthentication(Authentication):
    """No credentials (R91)."""

    kind = "none"


@attrs.frozen
class BasicAuthentication(Authentication):
    """`Authorization: Basic …` (R92, R93). `password`: a secret. `username`: text or a secret, without a colon."""

    kind = "basic"
    username: str | SecretReference | LiteralSecret
    password: Secret

    def credentials(self) -> tuple[Credential, ...]:
        """Return the Authorization header after RFC 7617."""
        parts = (self.username, ":", self.password)
        return (Credential("header", "Authorization", parts, prefix="Basic ", base64=True),)

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type or missing."""
        if not isinstance(self.username, str | SecretReference | LiteralSecret):
            yield Violation("$.username", "a user name is text or a secret", "R92")
        elif self.username == "":
            yield Violation("$.username", "a user name is not empty", "R92")
        elif isinstance(self.username, str) and ":" in self.username:
            yield Violation("$.username", "a user name holds no colon (RFC 7617)", "R92")
        yield from _secret_faults(self.password, "$.password", "R92")


@attrs.frozen
class ApiKeyAuthentication(Authentication):
    """A key in a header or at the end of the query (R94 to R96). `value`: a secret."""

    kind = "api_key"
    name: str
    value: Secret
    location: Literal["header", "query"] = attrs.field(default="header", kw_only=True)

    def credentials(self) -> tuple[Credential, ...]:
        """Return the header or query parameter that holds the key."""
        return (Credential(self.location, self.name, (self.value,)),)

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type or missing."""
        if not isinstance(self.name, str) or not self.name:
            yield Violation("$.name", "an API key has a name: that of the header or query parameter", "R94")
        yield from _secret_faults(self.value, "$.value", "R94")
        if self.location not in ("header", "query"):
            yield Violation("$.location", "an API key goes into the 'header' or the 'query'", "R94")


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


@attrs.frozen
class CacheDuration(Shaped):
    """How long a token is kept (R117 to R119). `duration`: a whole number from 0; 0 keeps no token."""

    duration: int = 1
    time_unit: TimeUnit = TimeUnit.HOURS

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is wrong with number and unit."""
        if type(self.duration) is not int or not 0 <= self.duration <= LONGEST_DURATION:
            yield Violation("$.duration", "a duration is a whole number from 0", "R119")
        try:
            object.__setattr__(self, "time_unit", TimeUnit(self.time_unit))
        except ValueError:
            yield Violation("$.time_unit", f"a time unit is one of {', '.join(TimeUnit)}", "R118")

    @property
    def seconds(self) -> float:
        """The duration in seconds."""
        return self.duration * self.time_unit.in_seconds


def literal_key(pairs: Any) -> Any:
    """What makes pairs equal: secrets as they are, literals by their text form (`1` and `True` differ in JSON)."""
    if not isinstance(pairs, tuple):
        return pairs
    return tuple(
        (name, value if isinstance(value, SecretReference | LiteralSecret) else repr(value)) for name, value in pairs
    )


@attrs.frozen(repr=False)
class CustomAuthorization(Authentication):
    """A call for an access token first, then the action with the token in it (R97 to R123).

    `endpoint`: the URL that issues the token. `authorization_type`: `bearer` (header `Authorization: Bearer t`),
    `header` (header `token_target: t`) or `queryParam` (`?token_target=t`), in any letter case (R98).
    `headers`, `body_params`: name to text, secret, or (JSON bodies) any JSON value; may be given as mappings.
    `body_type`: `form` or `json`, needed with POST (R103, R105).
    `token_in_response`: `response` (the whole body) or `json://path` (R109).
    `cache_duration`: an hour unless given (R117).
    """

    kind = "custom"
    endpoint: str
    method: str = "POST"
    authorization_type: str = "bearer"
    token_target: str = ""
    headers: Pairs = attrs.field(default=(), converter=as_pairs)
    body_type: str | None = None
    body_params: tuple[tuple[str, Json | SecretReference | LiteralSecret], ...] = attrs.field(
        default=(), converter=as_pairs, eq=literal_key
    )
    token_in_response: str = "json://access_token"  # noqa: S105 - where the token stands, not a token
    cache_duration: CacheDuration = attrs.Factory(CacheDuration)

    def credentials(self) -> tuple[Credential, ...]:
        """Return where the token goes (R113 to R115)."""
        token = (AccessToken(),)
        match self.authorization_type.lower():
            case "bearer":
                return (Credential("header", "Authorization", token, prefix="Bearer "),)
            case "header":
                return (Credential("header", self.token_target, token),)
            case _:
                return (Credential("query", self.token_target, token),)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What must be looked up before the token can be asked for."""
        values = [value for _, value in (*self.headers, *self.body_params)]
        return tuple(value for value in values if isinstance(value, SecretReference | LiteralSecret))

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type or missing."""
        if not isinstance(self.endpoint, str) or not self.endpoint:
            yield Violation("$.endpoint", "an endpoint is the URL that issues the token", "R101")
        if self.method not in ("GET", "POST"):
            yield Violation("$.method", "a token is asked for with GET or POST", "R102")
        yield from self._target_faults()
        yield from self._body_faults()
        if not re.fullmatch(r"response|json://[^\s]+", str(self.token_in_response)):
            yield Violation("$.token_in_response", "write 'response' or 'json://path'", "R109")
        yield from pair_faults(self.headers, "$.headers")
        yield from self._header_faults()
        yield from type_fault(self.cache_duration, CacheDuration, "$.cache_duration", "a CacheDuration", "R118")

    def _target_faults(self) -> Iterator[Violation]:
        kind = str(self.authorization_type).lower()
        yield from type_fault(self.token_target, str, "$.token_target", "a name", "R99")
        if kind not in ("bearer", "header", "queryparam"):
            yield Violation("$.authorization_type", "choose bearer, header or queryParam", "R98")
        elif kind != "bearer" and not self.token_target:
            yield Violation("$.token_target", f"{kind} needs the name that carries the token", "R99")

    def _body_faults(self) -> Iterator[Violation]:
        if self.body_type not in (None, "form", "json"):
            yield Violation("$.body_type", "a body is 'form' or 'json'", "R105")
        elif self.method == "POST" and self.body_type is None:
            yield Violation("$.body_type", "a POST needs a body: choose 'form' or 'json'", "R103")
        elif self.method == "GET" and self.body_type is not None:
            yield Violation("$.body_type", "a GET has no body; leave it out", "R104")
        faults = list(pair_faults(self.body_params, "$.body_params"))
        yield from faults
        for name, value in () if faults else self.body_params:
            yield from self._param_faults(value, f"$.body_params.{name}")

    def _param_faults(self, value: Any, path: str) -> Iterator[Violation]:
        """A secret, or JSON that goes into the body; a form holds single values only (R125)."""
        if isinstance(value, SecretReference | LiteralSecret):
            return
        if self.body_type == "form" and not isinstance(value, str | int | float | bool):
            yield Violation(path, "a form holds single values only: text, numbers, True or False", "R125")
        elif (fault := json_fault(value)) is not None:
            yield Violation(path + fault[0], fault[1], "R107")

    def _header_faults(self) -> Iterator[Violation]:
        for pair in self.headers if isinstance(self.headers, tuple) else ():
            if isinstance(pair, tuple) and not isinstance(pair[-1], str | SecretReference | LiteralSecret):
                yield Violation(f"$.headers.{pair[0]}", "a header is text or a secret", "R108")

    def __repr__(self) -> str:
        return f"<CustomAuthorization {self.authorization_type} from {self.method} {masked_url(self.endpoint)}>"


def _secret_faults(value: object, path: str, rule: str) -> Iterator[Violation]:
    if not isinstance(value, SecretReference | LiteralSecret):
        message = "a secret is given as wayhook.secret('env:NAME'), not as its text"
        yield Violation(path, f"{message} (a {type(value).__name__} came)", rule)
