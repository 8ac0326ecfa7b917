"""The secrets of one request: found, replaced by references, and brought to where an action has them. No I/O."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Literal

import attrs

from wayhook.formats.foreign.intake import Intake, well_formed
from wayhook.formats.foreign.secrecy import is_secret, looks_secret
from wayhook.formats.foreign.template import Template
from wayhook.model.authentication import (
    ApiKeyAuthentication,
    Authentication,
    BasicAuthentication,
    BearerAuthentication,
    NoAuthentication,
)
from wayhook.model.parameter import Variable
from wayhook.secret import Base64, SecretReference, SecretText

__all__ = ["AUTHORIZATION", "Field", "Key", "Keyring", "Value"]

AUTHORIZATION = "Authorization"
_SCHEME = re.compile(r"(?P<word>[A-Za-z][\w-]*) +", re.ASCII)
_PREFIX = re.compile(r"([A-Za-z][\w-]*[ =:]+)?", re.ASCII)
_SIGNED = frozenset(
    {"aws4-hmac-sha256", "digest", "eg1-hmac-sha256", "hawk", "negotiate", "ntlm", "oauth", "signature"}
)

Value = str | Variable | SecretReference | SecretText


@attrs.frozen
class Field:
    """A header or a query parameter of a source; `path`: where it stands there."""

    name: str
    value: Template | Variable | SecretReference | SecretText
    path: str


@attrs.frozen
class Key:
    """A secret of a call, and where it goes."""

    location: Literal["header", "query", "path"]
    name: str
    value: SecretReference | SecretText


@attrs.define
class Keyring:
    """What a request has of secrets. `owner`: for whom references are named. `beside`: its authentication."""

    intake: Intake
    owner: str
    beside: Authentication | None = None
    keys: list[Key] = attrs.Factory(list)

    def value(self, field: Field, location: Literal["header", "query"]) -> Value:
        """Return what a header or query parameter holds: a reference, a variable, or a constant text."""
        value = field.value
        if not isinstance(value, Template):
            return value
        if self.intake.given(field.name) is not None:
            return self.reference(field.name, value, "the whole value")
        plain = value.plain
        is_hidden = is_secret(field.name, among_keys=True)
        is_hidden = is_hidden or (plain is not None and (looks_secret(plain) or self.intake.knows(plain)))
        known = self.known(field.name, value) if not is_hidden or _is_prefixed(value) else None
        if known is not None:
            return known
        if is_hidden and plain != "":
            return self.reference(field.name, value, "the whole value")
        wanted = self.intake.variable(field.name)
        if plain is not None:
            return wanted or plain
        name = value.blanks[0].name
        if value.only is None:
            what = f"the text around {well_formed(name)} in {well_formed(field.name)}"
            self.intake.leave_out(field.path, what, f"a variable of a {location} is the whole of its value")
        return wanted or Variable(name)

    def known(self, place: str, value: Template) -> SecretReference | SecretText | None:
        """Return a text whose blanks are known when it is sent, such as `Bearer $KEY`; None for another."""
        filled = value.filled
        if filled is None or not value.blanks:
            return None
        for secret in filled.secrets:
            if isinstance(secret, SecretReference):
                self.intake.found(place, secret, "what the source calls by this name")
        return filled.parts[0] if len(filled.parts) == 1 and isinstance(filled.parts[0], SecretReference) else filled

    def reference(self, place: str, value: Template, holds: str) -> SecretReference:
        """Return the reference for a secret: the caller's, the one that the source has, or one for its text."""
        only = value.only
        if self.intake.given(place) is None and only is not None and isinstance(only.filled, SecretReference):
            self.intake.found(place, only.filled, holds)
            return only.filled
        called = only.name if only is not None else ""
        return self.intake.secret(place, self.owner, holds, called=called, text=value.plain or "")

    def authorization(self, value: Template, path: str) -> None:
        """Take a header Authorization, as an authentication wherever there is one of its kind."""
        scheme = _SCHEME.match(value.marked)
        word = scheme["word"].lower() if scheme else ""
        rest = value.part(value.marked[scheme.end() :]) if scheme else value
        if self.is_claimed:
            self.intake.leave_out(path, f"the header {AUTHORIZATION}", "the authentication adds one already")
        elif word in _SIGNED:
            self.intake.leave_out(path, f"the header {AUTHORIZATION}", "it is signed, and good for one request only")
        elif word == "bearer":
            self.beside = BearerAuthentication(self.reference(AUTHORIZATION, rest, "what follows 'Bearer '"))
        elif word == "basic" and (pair := _decoded(rest)) is not None:
            self.basic(*pair)
        else:
            self._other_scheme(value, scheme, rest)

    def _other_scheme(self, value: Template, scheme: re.Match[str] | None, rest: Template) -> None:
        """A word before one secret stays as it is; everything else is secret."""
        text: SecretReference | SecretText | None = None
        if self.intake.given(AUTHORIZATION) is None and _is_prefixed(value):
            text = self.known(AUTHORIZATION, value)
        if text is None and scheme and " " not in rest.marked.strip():
            text = SecretText(scheme[0], self.reference(AUTHORIZATION, rest, f"what follows '{scheme[0]}'"))
        whole = text or self.reference(AUTHORIZATION, value, "the whole value")
        self.keys.append(Key("header", AUTHORIZATION, whole))

    @property
    def is_claimed(self) -> bool:
        """Whether the header Authorization, or the one authentication, is taken."""
        return self.beside is not None or any(key.name == AUTHORIZATION for key in self.keys)

    def basic(self, user: Template, password: Template) -> None:
        """Take a user and a password. A user without a password is a key, as some services have it."""
        name = user.plain
        if not password.pieces:
            key = self.reference(AUTHORIZATION, user, "the user name, which is the key")
            self.keys.append(Key("header", AUTHORIZATION, SecretText("Basic ", Base64(key, ":"))))
        elif name == "":
            key = self.reference(AUTHORIZATION, password, "the password")
            self.keys.append(Key("header", AUTHORIZATION, SecretText("Basic ", Base64(":", key))))
        elif name is None or ":" in name or looks_secret(name):
            key = self.reference(f"{AUTHORIZATION} user", user, "the user name")
            self.beside = BasicAuthentication(key, self.reference(AUTHORIZATION, password, "the password"))
        else:
            self.beside = BasicAuthentication(name, self.reference(AUTHORIZATION, password, "the password"))

    def authentication(self) -> Authentication:
        """Return the authentication: that of the source, or the only key that it has; `rest` has the others then."""
        at_end = next((key for key in self.keys if key.location == "path"), None)
        key = at_end or (self.keys[0] if len(self.keys) == 1 else None)
        if self.beside is None and key is not None and isinstance(key.value, SecretReference):
            self.keys.remove(key)
            self.beside = ApiKeyAuthentication(key.name, key.value, location=key.location)
        return self.beside or NoAuthentication()

    def rest(self, location: Literal["header", "query"]) -> Iterator[Key]:
        """The keys that go there beside the authentication."""
        return (key for key in self.keys if key.location == location)

    def adds(self, location: Literal["header", "query"], name: str) -> bool:
        """Whether the authentication adds a header or query parameter of that name itself, so that another is none."""
        added = [each for each in (self.beside.credentials() if self.beside else ()) if each.location == location]
        return any(name == each.name or (location == "header" and name.lower() == each.name.lower()) for each in added)


def _decoded(text: Template) -> tuple[Template, Template] | None:
    """User and password of a Basic header, or None where it holds none."""
    try:
        user, colon, password = base64.b64decode(text.plain or "", validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return (Template(user), Template(password)) if colon else None


def _is_prefixed(value: Template) -> bool:
    """Whether all the text of a value with blanks is a word before them, such as a scheme, and no part of a secret."""
    texts = [piece for piece in value.pieces if isinstance(piece, str)]
    return bool(value.blanks) and texts in ([], [value.start]) and _PREFIX.fullmatch(value.start) is not None
