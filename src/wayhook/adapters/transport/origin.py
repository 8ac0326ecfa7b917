"""Where a request goes, and what it says there beside its own headers. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

import attrs

from wayhook.adapters.transport.failure import unsendable
from wayhook.model.url import UrlFault, parse_url
from wayhook.wire import Headers, Request

__all__ = ["Origin", "destined", "fields"]

_URL = re.compile(r"([A-Za-z]+://[^/?#]*)(/[^?#]*)?(\?[^#]*)?")
_WITH_LENGTH = frozenset({"POST", "PUT", "PATCH"})


@attrs.frozen
class Origin:
    """Scheme, host and port of a URL. `name`: as `https://api.example.com`; `authority`: as `Host` says it."""

    scheme: str
    host: str
    port: int
    name: str
    authority: str


def destined(url: str) -> tuple[Origin, str]:
    """Return the origin and the target of a URL, the target exactly as it stands; raises `TransportError`."""
    parts = _URL.fullmatch(url)
    try:
        if parts is None or not url.isascii():
            raise unsendable()
        return _origin(parts[1]), f"{parts[2] or '/'}{parts[3] or ''}"
    except UrlFault:
        raise unsendable() from None


@lru_cache(maxsize=1024)
def _origin(text: str) -> Origin:
    url = parse_url(text + "/")
    return Origin(url.scheme, url.host, url.port, url.origin, url.origin.partition("://")[2])


def fields(origin: Origin, request: Request) -> Headers:
    """Return the header fields of a request as they go out: those of the transport around its own."""
    host = ("Host", origin.authority)
    coding = ("Accept-Encoding", "identity")
    if request.body is None and request.method not in _WITH_LENGTH:
        return (host, *request.headers, coding)
    return (host, ("Content-Length", str(len(request.body or b""))), *request.headers, coding)
