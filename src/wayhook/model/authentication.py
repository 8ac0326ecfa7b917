"""Authentication as a description: what is sent where, with secrets as references. No I/O.

Section 3 of the rules (R90 to R134). Those that ask for a token first stand in `authorization.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import attrs

from wayhook.errors import Violation
from wayhook.jsonvalue import is_unicode
from wayhook.model.shape import Shaped, type_fault
from wayhook.model.token import TokenCall
from wayhook.presentation import Presentable
from wayhook.secret import (
    Base64,
    ClientCertificate,
    Credential,
    LiteralSecret,
    Secret,
    SecretReference,
    SecretText,
)

__all__ = [
    "ApiKeyAuthentication",
    "Authentication",
    "BasicAuthentication",
    "BearerAuthentication",
    "ConnectionReference",
    "MutualTlsAuthentication",
    "NoAuthentication",
    "certificate_faults",
    "connection",
    "key_faults",
    "secret_faults",
]


class Authentication(Shaped, Presentable):
    """How the receiver learns who calls. `kind` names it in a stored document."""

    __slots__ = ()
    kind: ClassVar[str]

    def credentials(self) -> tuple[Credential, ...]:
        """Return what this authentication adds to a call."""
        return ()

    def token_call(self) -> TokenCall | None:
        """Return the call that must bring a token first, or None."""
        return None

    def client_certificate(self) -> ClientCertificate | None:
        """Return the certificate to show when the receiver asks for one, or None."""
        return None


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
        text = SecretText("Basic ", Base64(self.username, ":", self.password))
        return (Credential("header", "Authorization", text),)

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type or missing."""
        if not isinstance(self.username, str | SecretReference | LiteralSecret):
            yield Violation("$.username", "a user name is text or a secret", "R92")
        elif self.username == "":
            yield Violation("$.username", "a user name is not empty", "R92")
        elif isinstance(self.username, str) and ":" in self.username:
            yield Violation("$.username", "a user name holds no colon (RFC 7617)", "R92")
        elif isinstance(self.username, str) and not is_unicode(self.username):
            yield Violation("$.username", "a user name is text of Unicode characters; remove the lone surrogate", "R92")
        yield from secret_faults(self.password, "$.password", "R92")


@attrs.frozen
class ApiKeyAuthentication(Authentication):
    """A key in a header, at the end of the query, or at the end of the path (R94 to R96). `value`: a secret.

    Location `path` is for services whose address is the secret, such as an incoming webhook; its `name` is only for
    people.
    """

    kind = "api_key"
    name: str
    value: Secret
    location: Literal["header", "query", "path"] = attrs.field(default="header", kw_only=True)

    def credentials(self) -> tuple[Credential, ...]:
        """Return the header, query parameter or path that holds the key."""
        return (Credential(self.location, self.name, SecretText(self.value)),)

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type or missing."""
        if not isinstance(self.name, str) or not self.name:
            yield Violation("$.name", "an API key has a name: that of the header or query parameter", "R94")
        yield from key_faults(self.value, "$.value", "R94")
        if self.location not in ("header", "query", "path"):
            yield Violation("$.location", "an API key goes into the 'header', the 'query' or the 'path'", "R94")


@attrs.frozen
class BearerAuthentication(Authentication):
    """`Authorization: Bearer …` with a token that somebody else renews. `token`: a secret."""

    kind = "bearer"
    token: Secret

    def credentials(self) -> tuple[Credential, ...]:
        """Return the Authorization header after RFC 6750."""
        return (Credential("header", "Authorization", SecretText("Bearer ", self.token)),)

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type."""
        yield from key_faults(self.token, "$.token", "R90")


@attrs.frozen(repr=False)
class MutualTlsAuthentication(Authentication):
    """A client certificate of your own for receivers that ask for one (mutual TLS).

    `certificate`: the certificate and its chain in PEM form, as text or a secret. `private_key`: the key in PEM form,
    unencrypted, a secret. `authentication`: what is sent beside; the call for its token shows the certificate too.
    """

    kind = "mutual_tls"
    certificate: str | SecretReference | LiteralSecret
    private_key: Secret
    authentication: Authentication = attrs.field(factory=NoAuthentication, kw_only=True)

    def credentials(self) -> tuple[Credential, ...]:
        """Return what the authentication beside adds."""
        return self.authentication.credentials()

    def token_call(self) -> TokenCall | None:
        """Return the token call of the authentication beside, with the certificate, or None."""
        call = self.authentication.token_call()
        return call and attrs.evolve(call, identity=self.client_certificate())

    def client_certificate(self) -> ClientCertificate | None:
        """Return the certificate and its key."""
        return ClientCertificate(SecretText(self.certificate), SecretText(self.private_key))

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type or cannot be combined."""
        if not isinstance(self.certificate, str | SecretReference | LiteralSecret) or self.certificate == "":
            yield Violation("$.certificate", "a certificate is text in PEM form, or a secret", "R90")
        yield from certificate_faults(self.certificate, "$.certificate", "R90")
        yield from key_faults(self.private_key, "$.private_key", "R90")
        yield from type_fault(self.authentication, Authentication, "$.authentication", "an authentication", "R90")
        if isinstance(self.authentication, MutualTlsAuthentication | ConnectionReference):
            message = "one certificate stands around an authentication that is no connection; put both into it"
            yield Violation("$.authentication", message, "R90")

    def __repr__(self) -> str:
        return f"<MutualTlsAuthentication with {self.private_key!r}: {self.authentication!r}>"


@attrs.frozen
class ConnectionReference(Authentication):
    """The authentication of the connection `name`, looked up in the repository when the action is used."""

    kind = "connection"
    name: str

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type."""
        if not isinstance(self.name, str) or not self.name:
            yield Violation("$.name", "a connection is named by its name")


def connection(name: str) -> ConnectionReference:
    """Refer to the kept `Connection` named `name`, whose authentication several actions share."""
    return ConnectionReference(name)


def certificate_faults(value: object, path: str, rule: str) -> Iterator[Violation]:
    """Yield one violation when the text of a certificate, which is shown and stored, holds the private key too."""
    if isinstance(value, str) and "PRIVATE KEY" in value:
        yield Violation(path, "the private key stands in the certificate; take it out and store it as a secret", rule)
    elif isinstance(value, str) and not is_unicode(value):
        yield Violation(path, "this text holds a lone surrogate; remove it", rule)


def key_faults(value: object, path: str, rule: str) -> Iterator[Violation]:
    """Yield one violation when `value` is no secret, or an empty one: only a password may be empty."""
    yield from secret_faults(value, path, rule)
    if value == LiteralSecret(""):
        yield Violation(path, "this secret is empty; give its text, or wayhook.secret('env:NAME')", rule)


def secret_faults(value: object, path: str, rule: str) -> Iterator[Violation]:
    """Yield one violation when `value` is no secret."""
    if not isinstance(value, SecretReference | LiteralSecret):
        message = "a secret is given as wayhook.secret('env:NAME'), not as its text"
        yield Violation(path, f"{message} (a {type(value).__name__} came)", rule)
