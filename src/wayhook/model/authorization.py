"""Authentications that ask for an access token first. No I/O.

Sections 3.4 to 3.6 of the rules (R97 to R133); RFC 6749 (client credentials), RFC 7523 (signed assertions).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import attrs

from wayhook.errors import Violation
from wayhook.jsonvalue import Json, is_bounded, is_unicode, json_fault
from wayhook.model.authentication import Authentication, certificate_faults, key_faults, secret_faults
from wayhook.model.shape import as_pairs, pair_faults, type_fault
from wayhook.model.token import (
    Assertion,
    CacheDuration,
    Pairs,
    SecretValue,
    TimeUnit,
    TokenCall,
    literal_key,
    selector_fault,
)
from wayhook.model.url import masked_endpoint
from wayhook.secret import AccessToken, Base64, Credential, LiteralSecret, Secret, SecretReference, SecretText

__all__ = [
    "ASSERTION_PARAMETERS",
    "CertificateCredential",
    "CustomAuthorization",
    "JwtBearerGrant",
    "OAuthClientCredentials",
]

ASSERTION_PARAMETERS = ("client_assertion", "client_assertion_type")
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_OAUTH_PARAMETERS = frozenset({"client_id", "client_secret", "grant_type", "scope"})
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"

JsonWithSecrets = Json | SecretReference | LiteralSecret | SecretText


@attrs.frozen(repr=False)
class CustomAuthorization(Authentication):
    """A call for an access token first, then the action with the token in it (R97 to R123).

    `endpoint`: the URL that issues the token. `authorization_type`: `bearer` (header `Authorization: Bearer t`),
    `header` (header `token_target: t`) or `queryParam` (`?token_target=t`), in any letter case (R98).
    `headers`, `body_params`: name to text, secret, text with secrets in it, or (JSON bodies) any JSON value, nested,
    with secrets in it (R125); may be given as mappings. `body_type`: `form` or `json`, needed with POST (R103, R105).
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
    body_params: tuple[tuple[str, JsonWithSecrets], ...] = attrs.field(default=(), converter=as_pairs, eq=literal_key)
    token_in_response: str = "json://access_token"  # noqa: S105 - where the token stands, not a token
    cache_duration: CacheDuration = attrs.Factory(CacheDuration)

    def credentials(self) -> tuple[Credential, ...]:
        """Return where the token goes (R113 to R115)."""
        match self.authorization_type.lower():
            case "bearer":
                return _bearer_token()
            case "header":
                return (Credential("header", self.token_target, SecretText(AccessToken())),)
            case _:
                return (Credential("query", self.token_target, SecretText(AccessToken())),)

    def token_call(self) -> TokenCall | None:
        """Return the call for the token."""
        return TokenCall(
            self.endpoint,
            self.method,
            self.headers,
            self.body_type,
            self.body_params,
            self.token_in_response,
            self.cache_duration,
        )

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type or missing."""
        if not isinstance(self.endpoint, str) or not self.endpoint:
            yield Violation("$.endpoint", "an endpoint is the URL that issues the token", "R101")
        if self.method not in ("GET", "POST"):
            yield Violation("$.method", "a token is asked for with GET or POST", "R102")
        yield from self._target_faults()
        yield from self._body_faults()
        if self.token_in_response != "response" and selector_fault(self.token_in_response):  # noqa: S105
            yield Violation("$.token_in_response", "write 'response' or 'json://path'", "R109")
        yield from self._header_faults()
        yield from type_fault(self.cache_duration, CacheDuration, "$.cache_duration", "a CacheDuration", "R118")

    def _target_faults(self) -> Iterator[Violation]:
        kind = self.authorization_type.lower() if isinstance(self.authorization_type, str) else ""
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
        yield from _param_faults(self.body_params, form=self.body_type == "form")

    def _header_faults(self) -> Iterator[Violation]:
        faults = list(pair_faults(self.headers, "$.headers"))
        yield from faults
        for name, value in () if faults else self.headers:
            yield from text_faults(value, f"$.headers.{name}", "R108")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.authorization_type} from {self.method} {masked_endpoint(self.endpoint)}>"


def _bearer_token() -> tuple[Credential, ...]:
    return (Credential("header", "Authorization", SecretText("Bearer ", AccessToken())),)


def _param_faults(params: Any, *, form: bool) -> Iterator[Violation]:
    """What is wrong with the parameters of a body; a form holds single values only (R125)."""
    faults = list(pair_faults(params, "$.body_params"))
    yield from faults
    for name, value in () if faults else params:
        path = f"$.body_params.{name}"
        if form and not isinstance(value, str | int | float | bool | SecretValue):
            yield Violation(path, "a form holds single values only: text, numbers, True or False", "R125")
        elif (fault := json_fault(_without_secrets(value) if is_bounded(value) else value)) is not None:
            yield Violation(path + fault[0], fault[1], "R107")


def _without_secrets(value: Any) -> Any:
    if isinstance(value, SecretValue):
        return ""
    if isinstance(value, dict):
        return {name: _without_secrets(below) for name, below in value.items()}
    return [_without_secrets(below) for below in value] if isinstance(value, list) else value


@attrs.frozen(repr=False, kw_only=True)
class CertificateCredential(CustomAuthorization):
    """Client credentials with a signed assertion instead of a secret (RFC 7523, section 2.2; R127 to R133).

    `audience`: the `aud` of the assertion. `body_params`: `client_id` and what else the provider asks for; the
    assertion's own two parameters are added by the call (R132). `private_key`: your RSA key in PEM form, a secret; it
    may stay out of a description that was read from the product, and must be there when the action is called.
    `certificate`: in PEM form, as registered with the provider. Needs the extra `jwt`.
    """

    kind = "certificate"
    audience: str = ""
    private_key: Secret | None = None
    certificate: str = ""
    key_id: str = ""

    def token_call(self) -> TokenCall | None:
        """Return the call for the token, with the assertion that is to be signed."""
        params = dict(self.body_params)
        client_id = str(params.get("client_id", ""))
        assertion = Assertion(
            ASSERTION_PARAMETERS[0],
            client_id,
            client_id,
            self.audience,
            self.private_key,
            self.certificate,
            self.key_id,
        )
        added = {**params, ASSERTION_PARAMETERS[1]: _ASSERTION_TYPE}
        plain = super().token_call()
        assert plain is not None  # noqa: S101 - a custom authorization has one
        return attrs.evolve(plain, body_params=tuple(added.items()), assertion=assertion)

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type, missing, or authored though the call adds it."""
        yield from super().shape_faults()
        if not isinstance(self.audience, str) or not self.audience:
            yield Violation("$.audience", "a certificate credential names the audience of its assertion", "R127")
        if self.private_key is not None:
            yield from key_faults(self.private_key, "$.private_key", "R127")
        yield from type_fault(self.key_id, str, "$.key_id", "text", "R127")
        yield from type_fault(self.certificate, str, "$.certificate", "text", "R127")
        yield from certificate_faults(self.certificate, "$.certificate", "R127")
        if self.method != "POST":
            yield Violation("$.method", "a certificate credential asks for its token with POST", "R129")
        yield from self._client_faults(dict(self.body_params) if not list(pair_faults(self.body_params, "$")) else {})

    def _client_faults(self, params: dict[str, Any]) -> Iterator[Violation]:
        client_id, scope = params.get("client_id"), params.get("scope")
        if not isinstance(client_id, str) or not client_id.strip() or client_id != client_id.strip():
            message = "a client_id is not blank and has no white space around it"
            yield Violation("$.body_params.client_id", message, "R130")
        if scope is not None and (not isinstance(scope, str) or len(scope) > SCOPE_LIMIT):
            message = f"a scope is one text with spaces between, of at most {SCOPE_LIMIT} characters"
            yield Violation("$.body_params.scope", message, "R131")
        for name in ASSERTION_PARAMETERS:
            if name in params:
                yield Violation(f"$.body_params.{name}", "the call adds this; leave it out", "R132")


SCOPE_LIMIT = 1000
_EXPIRES_IN = CacheDuration(time_unit=TimeUnit.SECONDS, expiry_in_response="json://expires_in")


class _OAuth(Authentication):
    """A grant of OAuth 2.0: a form by POST, a bearer token in `access_token`, its lifetime in `expires_in`."""

    __slots__ = ()

    def credentials(self) -> tuple[Credential, ...]:
        """Return the Authorization header after RFC 6750."""
        return _bearer_token()


def _oauth_call(
    endpoint: str, params: Pairs, cache: CacheDuration, headers: Pairs = (), assertion: Assertion | None = None
) -> TokenCall:
    return TokenCall(endpoint, "POST", headers, "form", params, "json://access_token", cache, assertion)


@attrs.frozen(repr=False)
class OAuthClientCredentials(_OAuth):
    """The client credentials grant of OAuth 2.0 (RFC 6749, section 4.4).

    `endpoint`: the token URL. `client_id`: text, or a secret where it is kept beside the other. `client_secret`: a
    secret, sent in the `body` or in a Basic `header` (`client_authentication`). `scope`: as the provider writes it.
    `parameters`: further fields of the form, such as `audience`. `cache_duration`: by `expires_in` of the answer unless
    given.
    """

    kind = "oauth"
    endpoint: str
    client_id: str | SecretReference | LiteralSecret
    client_secret: Secret
    scope: str = attrs.field(default="", kw_only=True)
    client_authentication: Literal["header", "body"] = attrs.field(default="header", kw_only=True)
    parameters: Pairs = attrs.field(default=(), converter=as_pairs, kw_only=True)
    cache_duration: CacheDuration = attrs.field(default=_EXPIRES_IN, kw_only=True)

    def token_call(self) -> TokenCall | None:
        """Return the call for the token."""
        scope = (("scope", self.scope),) if self.scope else ()
        params: Pairs = (("grant_type", "client_credentials"), *scope, *self.parameters)
        if self.client_authentication == "body":
            client: Pairs = (("client_id", self.client_id), ("client_secret", self.client_secret))
            return _oauth_call(self.endpoint, (*params, *client), self.cache_duration)
        basic = SecretText("Basic ", Base64(self.client_id, ":", self.client_secret))
        return _oauth_call(self.endpoint, params, self.cache_duration, (("Authorization", basic),))

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type or missing."""
        is_plain = not isinstance(self.client_id, SecretReference | LiteralSecret)
        yield from _text_faults(self, ("endpoint", "client_id") if is_plain else ("endpoint",), ("scope",))
        yield from secret_faults(self.client_secret, "$.client_secret", "R90")
        if self.client_authentication not in ("header", "body"):
            yield Violation("$.client_authentication", "a client secret goes into the 'header' or the 'body'", "R90")
        elif self.client_authentication == "header" and isinstance(self.client_id, str) and ":" in self.client_id:
            message = "a client id with a colon cannot stand in a header; use client_authentication='body'"
            yield Violation("$.client_id", message, "R90")
        yield from self._parameter_faults()
        yield from type_fault(self.cache_duration, CacheDuration, "$.cache_duration", "a CacheDuration", "R118")

    def _parameter_faults(self) -> Iterator[Violation]:
        faults = list(pair_faults(self.parameters, "$.parameters"))
        yield from faults
        for name, value in () if faults else self.parameters:
            if name in _OAUTH_PARAMETERS:
                yield Violation(f"$.parameters.{name}", "the grant has a field of its own for this; use it", "R90")
            yield from text_faults(value, f"$.parameters.{name}", "R90")

    def __repr__(self) -> str:
        return f"<OAuthClientCredentials {self.client_id} from {masked_endpoint(self.endpoint)}>"


@attrs.frozen(repr=False)
class JwtBearerGrant(_OAuth):
    """A signed assertion exchanged for a token (RFC 7523, section 2.1), as for a service account of Google.

    `endpoint`: the token URL. `issuer`: who signs, such as the e-mail of a service account. `private_key`: an RSA key
    in PEM form, a secret. `scope`: a claim of the assertion. `subject`: on whose behalf, the issuer unless given.
    `audience`: the endpoint unless given. `key_id`: becomes the header `kid`. `cache_duration`: by `expires_in` of
    the answer unless given. Needs the extra `jwt`.
    """

    kind = "jwt_bearer"
    endpoint: str
    issuer: str
    private_key: Secret
    scope: str = attrs.field(default="", kw_only=True)
    subject: str = attrs.field(default="", kw_only=True)
    audience: str = attrs.field(default="", kw_only=True)
    key_id: str = attrs.field(default="", kw_only=True)
    cache_duration: CacheDuration = attrs.field(default=_EXPIRES_IN, kw_only=True)

    def token_call(self) -> TokenCall | None:
        """Return the call for the token, with the assertion that is to be signed."""
        assertion = Assertion(
            "assertion",
            self.issuer,
            self.subject or self.issuer,
            self.audience or self.endpoint,
            self.private_key,
            key_id=self.key_id,
            claims=(("scope", self.scope),) if self.scope else (),
        )
        return _oauth_call(self.endpoint, (("grant_type", _JWT_BEARER),), self.cache_duration, assertion=assertion)

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type or missing."""
        yield from _text_faults(self, ("endpoint", "issuer"), ("scope", "subject", "audience", "key_id"))
        yield from key_faults(self.private_key, "$.private_key", "R90")
        yield from type_fault(self.cache_duration, CacheDuration, "$.cache_duration", "a CacheDuration", "R118")

    def __repr__(self) -> str:
        return f"<JwtBearerGrant {self.issuer} from {masked_endpoint(self.endpoint)}>"


def text_faults(value: object, path: str, rule: str) -> Iterator[Violation]:
    """Yield one violation when `value` is no text that can be sent, and no secret."""
    if not isinstance(value, str | SecretValue):
        yield Violation(path, f"text or a secret belongs here, not {type(value).__name__}", rule)
    elif isinstance(value, str) and not is_unicode(value):
        yield Violation(path, "this text holds a lone surrogate; remove it", rule)


def _text_faults(value: object, required: tuple[str, ...], optional: tuple[str, ...]) -> Iterator[Violation]:
    for name in (*required, *optional):
        text = getattr(value, name)
        rule = "R101" if name == "endpoint" else "R90"
        yield from type_fault(text, str, f"$.{name}", "text", rule)
        if text == "" and name in required:
            yield Violation(f"$.{name}", "this is missing; give it", rule)
        elif isinstance(text, str):
            yield from text_faults(text, f"$.{name}", rule)
