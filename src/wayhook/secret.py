"""Secrets are references until the bytes are written.

This module does no I/O: a `SecretReference` says where a secret is kept, a `Credential` says where in a call
its text goes, and whoever sends the call looks the text up through a `SecretSource`.
"""

from __future__ import annotations

import base64
import re
from typing import Literal, NoReturn

import attrs

from wayhook.errors import DefinitionError, SecretMissing, Violation

__all__ = [
    "AccessToken",
    "Credential",
    "LiteralSecret",
    "Secret",
    "SecretReference",
    "literal_secret",
    "secret",
]

_SOURCE = re.compile(r"(?!literal:)[a-z][a-z0-9+.-]*:[^\s:][^\x00-\x1f\x7f]*", re.ASCII)


@attrs.frozen
class SecretReference:
    """Where a secret is kept, such as `env:SMS_KEY`; safe to show, store and compare.

    `source`: a scheme, a colon and a name. The scheme chooses the `SecretSource`.
    """

    source: str

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.source, str) or not _SOURCE.fullmatch(self.source):
            message = (
                "a secret is given by a reference such as 'env:NAME', not by its text; "
                "wayhook.literal_secret(text) holds a text where that is really meant"
            )
            raise DefinitionError([Violation("$", message)])

    @property
    def label(self) -> str:
        """What stands in the secret's place wherever a call is shown."""
        return self.source

    def __repr__(self) -> str:
        return f"secret({self.source!r})"


class LiteralSecret:
    """A secret given as text: for a notebook or a test. It has no text form and does not pickle.

    A repository and a document refuse it unless they are asked to keep literal secrets.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @property
    def label(self) -> str:
        """What stands in the secret's place wherever a call is shown."""
        return "***"

    def reveal(self) -> str:
        """Return the text: for the one who writes the bytes, and nobody else."""
        return self._text

    def __repr__(self) -> str:
        return "literal_secret('***')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LiteralSecret) and other._text == self._text

    def __hash__(self) -> int:
        return hash((LiteralSecret, self._text))

    def __reduce__(self) -> NoReturn:
        raise TypeError("A literal secret does not pickle. Use wayhook.secret('env:NAME') instead.")


class ForgottenSecret(LiteralSecret):
    """What is left of a literal secret after a journey through a pickle: it shows the same, and cannot be sent."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("")

    def reveal(self) -> str:
        """Raise `SecretMissing`."""
        raise SecretMissing("a literal secret does not travel; use wayhook.secret('env:NAME')")

    def __reduce__(self) -> tuple[object, ...]:  # type: ignore[override]  # it holds nothing
        return ForgottenSecret, ()


@attrs.frozen
class AccessToken:
    """The token that the authentication call of an action will bring."""

    @property
    def label(self) -> str:
        """What stands in the token's place wherever a call is shown."""
        return "token"


Secret = SecretReference | LiteralSecret


def secret(source: str) -> SecretReference:
    """Refer to a secret by `source`, such as `env:SMS_KEY` (environment variable SMS_KEY).

    Raises `DefinitionError` when the text is no `scheme:name`; the message does not repeat the text, which
    may be the secret itself.
    """
    return SecretReference(source)


def literal_secret(text: str) -> LiteralSecret:
    """Hold a secret's text in memory, for a notebook or a test; see `LiteralSecret`."""
    if not isinstance(text, str):
        raise DefinitionError([Violation("$", f"a literal secret is text, not {type(text).__name__}")])
    return LiteralSecret(text)


class Revealed(dict[SecretReference | LiteralSecret | AccessToken, str]):
    """The texts of the secrets of one call; it has no text form, so that no traceback with locals shows one."""

    def __repr__(self) -> str:
        return "<Revealed ***>"


@attrs.frozen
class Credential:
    """One secret value in a call: where it goes and how its text is made.

    `parts`: plain texts, secrets and the access token, joined in order. `base64`: encode the joined text.
    `prefix`: plain text in front (`"Basic "`, `"Bearer "`).
    """

    location: Literal["header", "query"]
    name: str
    parts: tuple[str | SecretReference | LiteralSecret | AccessToken, ...]
    prefix: str = ""
    base64: bool = False

    def __reduce__(self) -> tuple[object, ...]:
        """Travel without literal secrets: what arrives shows the same and cannot be sent."""
        parts = tuple(ForgottenSecret() if isinstance(part, LiteralSecret) else part for part in self.parts)
        return Credential, (self.location, self.name, parts, self.prefix, self.base64)

    @property
    def secrets(self) -> tuple[SecretReference | LiteralSecret | AccessToken, ...]:
        """What must be looked up before the call can be sent."""
        return tuple(part for part in self.parts if not isinstance(part, str))

    @property
    def masked(self) -> str:
        """The value as it may be shown, each secret replaced by its label in ‹ ›."""
        return self.prefix + "".join(p if isinstance(p, str) else f"‹{p.label}›" for p in self.parts)

    def reveal(self, texts: Revealed) -> str:
        """Return the value as it goes on the wire; `texts` holds every one of `secrets`."""
        joined = "".join(part if isinstance(part, str) else texts[part] for part in self.parts)
        return self.prefix + (base64.b64encode(joined.encode()).decode() if self.base64 else joined)
