"""Secrets are references until the bytes are written.

This module does no I/O: a `SecretReference` says where a secret is kept, a `Credential` says where in a call
its text goes, and whoever sends the call looks the text up through a `SecretSource`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any, ClassVar, Literal, NoReturn, Self

import attrs

from wayhook.errors import DefinitionError, SecretMissing, Violation
from wayhook.jsonvalue import is_unicode

__all__ = [
    "AccessToken",
    "Base64",
    "ClientCertificate",
    "Credential",
    "DeliveryId",
    "LiteralSecret",
    "Plain",
    "Secret",
    "SecretReference",
    "SecretText",
    "Spellings",
    "Unknown",
    "literal_secret",
    "secret",
    "secret_text",
]

_SOURCE = re.compile(r"(?!literal:)[a-z][a-z0-9+.-]*:[^\s:][^\x00-\x1f\x7f]*", re.ASCII)


@attrs.frozen
class SecretReference:
    """Where a secret is kept, such as `env:SMS_KEY`; safe to show, store and compare.

    `source`: a scheme, a colon and a name. The scheme chooses the `SecretSource`.
    """

    source: str

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.source, str) or not _SOURCE.fullmatch(self.source) or not is_unicode(self.source):
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


class _Constant:
    """A value that is its own copy: copying is not the way out of a process that pickling is."""

    __slots__ = ()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: object) -> Self:
        return self


class LiteralSecret(_Constant):
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


class _Single(_Constant):
    """A value that there is one of in each process: it is found among others by being the same."""

    __slots__ = ()
    _one: ClassVar[Any] = None

    def __new__(cls) -> Self:
        if cls._one is None:
            cls._one = super().__new__(cls)
        return cls._one  # type: ignore[no-any-return]  # made above

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), ()


class AccessToken(_Single):
    """The token that the authentication call of an action will bring."""

    __slots__ = ()

    @property
    def label(self) -> str:
        """What stands in the token's place wherever a call is shown."""
        return "token"


class DeliveryId(_Single):
    """The identifier of one execution, the same over all of its attempts; not secret, and known only then."""

    __slots__ = ()

    @property
    def label(self) -> str:
        """What stands in its place wherever a call is shown."""
        return "delivery id"


Secret = SecretReference | LiteralSecret
Unknown = SecretReference | LiteralSecret | AccessToken | DeliveryId
"""What is put into a call only when it is sent."""


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
    if not is_unicode(text):
        raise DefinitionError([Violation("$", "a literal secret is Unicode text; this one holds a lone surrogate")])
    return LiteralSecret(text)


def secret_text(value: str | Secret | SecretText) -> SecretText:
    """Return a text or secret as a `SecretText`, and one that is one already as it is."""
    return value if isinstance(value, SecretText) else SecretText(value)


class Spellings(tuple[str, ...]):
    """In which the secrets of a call may come back, the longest first; no text form shows one."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<Spellings ***>"


class Revealed(dict[Unknown, str]):
    """The texts of the secrets of one call; it has no text form, so that no traceback with locals shows one.

    Those of a token serve many calls. `credentials`: those that they were last put into. `spellings`: in which an
    answer may repeat these.
    """

    credentials: tuple[Credential, ...] | None = None
    spellings: Spellings = Spellings()

    def __repr__(self) -> str:
        return "<Revealed ***>"


Plain = str | Unknown


BASE64_SPELLINGS = ("EncodeBase64", "Encode64")


@attrs.frozen(init=False)
class Base64:
    """The Base64 form of texts and secrets joined (RFC 4648), as in `EncodeBase64(client:secret)` (R124).

    `spelling`: how the product's JSON calls the function where this was read. Raises `DefinitionError` when a part is
    of another type, or the spelling is none of the two.
    """

    parts: tuple[Plain, ...]
    spelling: str = attrs.field(default="EncodeBase64", eq=False)

    def __init__(self, *parts: Plain, spelling: str = "EncodeBase64") -> None:
        self.__attrs_init__(parts, spelling)
        faults = list(_part_faults(parts, Plain, "text or a secret"))
        if spelling not in BASE64_SPELLINGS:
            faults.append(Violation("$.spelling", f"the function is spelled {' or '.join(BASE64_SPELLINGS)}", "R124"))
        if faults:
            raise DefinitionError(faults)

    def __repr__(self) -> str:
        return f"Base64({', '.join(map(repr, self.parts))})"


@attrs.frozen(init=False)
class SecretText:
    """A text that has secrets in it: plain text, secrets and `Base64` of these, joined in order.

    `wayhook.SecretText("Basic ", wayhook.Base64("client:", wayhook.secret("env:SECRET")))`. Raises `DefinitionError`
    when a part is of another type.
    """

    parts: tuple[Plain | Base64, ...]

    def __init__(self, *parts: Plain | Base64) -> None:
        self.__attrs_init__(parts)
        faults = list(_part_faults(parts, Plain | Base64, "text, a secret or Base64"))
        if faults:
            raise DefinitionError(faults)

    @property
    def secrets(self) -> tuple[Unknown, ...]:
        """What must be looked up before the text is known."""
        below = (inner for part in self.parts for inner in (part.parts if isinstance(part, Base64) else (part,)))
        return tuple(part for part in below if not isinstance(part, str))

    @property
    def masked(self) -> str:
        """The text as it may be shown, each secret replaced by its label in ‹ ›."""
        return "".join(_masked(part) for part in self.parts)

    def reveal(self, texts: Revealed) -> str:
        """Return the text; `texts` holds every one of `secrets`."""
        return "".join([part if isinstance(part, str) else _revealed(part, texts) for part in self.parts])

    def forgetting(self) -> SecretText:
        """Return the text as it may travel: without literal secrets, it shows the same and cannot be sent."""
        return SecretText(*(_forgetting(part) for part in self.parts))

    def __repr__(self) -> str:
        return f"SecretText({', '.join(map(repr, self.parts))})"


def _part_faults(parts: tuple[object, ...], kinds: Any, wanted: str) -> Iterator[Violation]:
    for i, part in enumerate(parts):
        if not isinstance(part, kinds):
            yield Violation(f"$.parts[{i}]", f"{wanted} belongs here, not {type(part).__name__}")
        elif isinstance(part, str) and not is_unicode(part):
            yield Violation(f"$.parts[{i}]", "this text holds a lone surrogate; remove it")


def _masked(part: Plain | Base64) -> str:
    if isinstance(part, Base64):
        return "".join(map(_masked, part.parts))
    return part if isinstance(part, str) else f"‹{part.label}›"


def _revealed(part: Plain | Base64, texts: Revealed) -> str:
    if isinstance(part, Base64):
        return base64.b64encode("".join(_revealed(below, texts) for below in part.parts).encode()).decode()
    return part if isinstance(part, str) else texts[part]


def _forgetting(part: Any) -> Any:
    if isinstance(part, Base64):
        return Base64(*map(_forgetting, part.parts), spelling=part.spelling)
    return ForgottenSecret() if isinstance(part, LiteralSecret) else part


@attrs.frozen
class ClientCertificate(_Constant):
    """The certificate chain and private key, both in PEM form, that we show when a receiver asks (mutual TLS)."""

    certificate: SecretText
    private_key: SecretText

    @property
    def secrets(self) -> tuple[Unknown, ...]:
        """What must be looked up before the call can be sent."""
        return self.certificate.secrets + self.private_key.secrets

    def reveal(self, texts: Revealed) -> tuple[str, str]:
        """Return both; `texts` holds every one of `secrets`."""
        return self.certificate.reveal(texts), self.private_key.reveal(texts)

    def __reduce__(self) -> tuple[object, ...]:
        return ClientCertificate, (self.certificate.forgetting(), self.private_key.forgetting())


@attrs.frozen
class Credential(_Constant):
    """One secret value in a call: where it goes, and its text."""

    location: Literal["header", "query", "path"]
    name: str
    text: SecretText

    def __reduce__(self) -> tuple[object, ...]:
        return Credential, (self.location, self.name, self.text.forgetting())
