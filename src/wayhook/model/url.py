"""One parser for the static URL: what it reads is what is checked, sent and dialled (P41).

Rules R34 to R58. No I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote, unquote

import attrs

__all__ = ["DEFAULT_PORTS", "StaticUrl", "UrlFault", "masked_endpoint", "masked_url", "parse_url", "read_url"]

DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_LENGTH = 2048

_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
    r"(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?P<fragment>#.*)?",
    re.DOTALL,
)
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]*\]|[^:\[\]]*)(?::(?P<port>[0-9]*))?")
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_PATH_SAFE = "/:@!$&'()*+,;=~-._%"
_HOST_LIMIT = 253
_PORT_LIMIT = 65535


class UrlFault(Exception):  # noqa: N818 - never leaves the library: it becomes a violation with a path
    """The URL cannot be used. `reasons`: why, as pairs of a sentence and the rule's number."""

    def __init__(self, *reasons: tuple[str, str]) -> None:
        self.reasons = reasons
        super().__init__(*reasons)


@attrs.frozen
class StaticUrl:
    """The checked parts of a URL: `host` in lower case, `path` and `query` percent-encoded as given."""

    scheme: str
    host: str
    port: int
    path: str
    query: str

    @property
    def origin(self) -> str:
        """Scheme, host and port, the port only where it is not the scheme's own."""
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"


def parse_url(text: str) -> StaticUrl:
    """Read a static URL; raises `UrlFault` with everything that is wrong with it.

    Whether the host may be called is not decided here but by the network policy.
    """
    url, reasons = read_url(text)
    if url is None or reasons:
        raise UrlFault(*reasons)
    return url


def read_url(text: str) -> tuple[StaticUrl | None, tuple[tuple[str, str], ...]]:
    """Return the parts of a URL as far as they can be read, and everything that is wrong with it."""
    reasons = list(_text_reasons(text))
    found = None if reasons else _URL.fullmatch(text)
    if found is None:
        return None, tuple(reasons or [("write an absolute URL such as https://api.shop.example/v1", "R37")])
    scheme = found["scheme"].lower()
    if scheme not in DEFAULT_PORTS:
        return None, ((f"the scheme {scheme[:20]!r} is not supported; use https (or http)", "R36"),)
    if found["fragment"]:
        reasons.append(("the URL holds a fragment (#…), which is never sent; remove it", "R56"))
    if "@" in found["authority"]:
        reasons.append(("the URL holds user info; give it as the authentication instead", "R55"))
    if _climbs(found["path"]):
        reasons.append(("the path of the URL holds a '.' or '..' segment; write the path it leads to", "R58"))
    try:
        host, port = _authority(found["authority"].rpartition("@")[2], scheme)
        path, query = _encoded(found["path"]), _encoded(found["query"] or "", "?")
    except UrlFault as fault:
        return None, (*reasons, *fault.reasons)
    return StaticUrl(scheme, host, port, path, query), tuple(reasons)


def _text_reasons(text: str) -> Iterator[tuple[str, str]]:
    if len(text) > MAX_LENGTH:
        yield f"the URL is longer than {MAX_LENGTH} characters; shorten it", "R37"
    elif any(_is_forbidden(sign) for sign in text):
        yield "the URL holds white space, a control character, a backslash or half a surrogate pair; remove it", "R57"
    elif "{" in text or "}" in text or "%%" in text:
        yield "the URL holds a placeholder; give what changes as the path of the activity", "R53"


def _is_forbidden(sign: str) -> bool:
    return sign <= " " or "\x7f" <= sign <= "\x9f" or sign == "\\" or sign.isspace() or "\ud800" <= sign <= "\udfff"


def _climbs(path: str) -> bool:
    return any(unquote(unquote(segment)).partition(";")[0] in (".", "..") for segment in path.split("/"))


def masked_url(text: object) -> str:
    """Return a URL for people to see, without the user info that may stand in a draft."""
    return re.sub(r"//[^/?#]*@", "//***@", str(text))


def masked_endpoint(text: object) -> str:
    """Return the URL of a token endpoint for people to see, without its query: a secret may stand in it."""
    return masked_url(text).partition("?")[0]


def _authority(authority: str, scheme: str) -> tuple[str, int]:
    found = _AUTHORITY.fullmatch(authority)
    if found is None or not found["host"]:
        raise UrlFault(("write an absolute URL with a host, such as https://api.shop.example/v1", "R37"))
    host, port = found["host"], found["port"]
    if port is not None and not _is_port(port):
        rule = "R38" if scheme == "https" else "R39"
        raise UrlFault(("the port of the URL is no number from 1 to 65535; leave it out", rule))
    if not host.isascii():
        raise UrlFault(("write an international host name by its ASCII form (xn--…)", "R37"))
    labels = host.split(".")
    if not host.startswith("[") and (len(host) > _HOST_LIMIT or not all(map(_LABEL.fullmatch, labels))):
        raise UrlFault(("the host is no host name; write letters, digits, hyphens and dots", "R37"))
    return host.lower(), int(port) if port else DEFAULT_PORTS[scheme]


def _is_port(port: str) -> bool:
    digits = port.lstrip("0")
    return bool(digits) and len(digits) <= len(str(_PORT_LIMIT)) and int(digits) <= _PORT_LIMIT


def _encoded(part: str, more: str = "") -> str:
    """Percent-encode what may not stand as it is, and leave what is encoded already."""
    if re.search(r"%(?![0-9A-Fa-f]{2})", part):
        raise UrlFault(("a '%' is followed by two hexadecimal digits; write %25 for the sign itself", "R57"))
    return quote(part, safe=_PATH_SAFE + more)
