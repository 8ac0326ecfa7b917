"""The URL of a source in its parts, each with its blanks. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote, unquote

import attrs

from wayhook.formats.foreign.secrecy import key_in_path
from wayhook.formats.foreign.template import Template
from wayhook.rendering.address import encode_query

__all__ = ["Address", "Question", "asked", "call_name", "encoded", "fixed_part"]

_URL = re.compile(
    r"(?P<scheme>[^:/?#]*)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?P<fragment>#.*)?", re.DOTALL
)
_SAFE = "/:@!$&'()*+,;=~-._%?"


@attrs.frozen
class Question:
    """One pair of a query. `spelled`: as it stands in the URL, with its blanks marked."""

    name: str
    value: Template
    spelled: str

    def is_plain(self, text: str) -> bool:
        """Whether a query parameter of this name with `text` for its value is spelled as it is here."""
        return asked(self.name, text) == encoded(self.spelled) and not self.name.startswith((".", "$"))


@attrs.frozen
class Address:
    """`origin`: scheme, host and port. `user`, `password`: what stands before the host, None where nothing does.

    `path`: as encoded as the source has it. `query`: its pairs, in order. `fragment`: whether there is one.
    """

    origin: Template
    user: Template | None
    password: Template
    path: Template
    query: tuple[Question, ...]
    fragment: bool

    @classmethod
    def of(cls, url: Template) -> Address | None:
        """Return the parts of an absolute URL; None for what is none."""
        found = _URL.fullmatch(url.marked)
        if found is None:
            return None
        user, at, host = found["authority"].rpartition("@")
        name, _, password = user.partition(":")
        return cls(
            origin=url.part(f"{found['scheme']}://{host}"),
            user=url.part(unquote(name)) if at else None,
            password=url.part(unquote(password)),
            path=url.part(found["path"]),
            query=tuple(_questions(url, found["query"] or "")),
            fragment=found["fragment"] is not None,
        )


def _questions(url: Template, text: str) -> Iterator[Question]:
    for pair in filter(None, text.split("&")):
        name, _, value = pair.partition("=")
        yield Question(url.part(unquote(name)).shown, url.part(unquote(value)), pair)


def fixed_part(path: Template) -> tuple[str, str]:
    """Return a path up to the segment where it changes, without the slash before it, and the rest as it is shown."""
    if path.plain is not None:
        return path.plain, ""
    fixed = path.start.rpartition("/")[0]
    return fixed, path.shown[len(fixed) + 1 :]


def call_name(method: str, url: Template) -> str:
    """Return what a call may be called: its method and the end of its path, without a secret, or its host."""
    host, slash, path = url.start.partition("://")[2].partition("?")[0].partition("/")
    host = host.rpartition("@")[2].partition(":")[0]
    plain = f"{slash}{path}"[: key_in_path(host, f"{slash}{path}")]
    steps = [segment for segment in plain.split("/") if re.search(r"[A-Za-z0-9]", segment)]
    return f"{method.title()} {' '.join(steps[-3:] or [host])}"


def encoded(text: str) -> str:
    """Return a part of a URL with what cannot stand in it encoded; what is encoded already stays so."""
    return quote(text, safe=_SAFE)


def asked(name: str, value: str) -> str:
    """Return a pair of a query as Wayhook spells it."""
    return f"{encode_query(name)}={encode_query(value)}"
