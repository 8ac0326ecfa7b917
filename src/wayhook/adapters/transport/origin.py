"""Where a request goes, and what it says there beside its own headers. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

import attrs

from wayhook.adapters.transport.failure import unsendable
from wayhook.model.url import UrlFault, parse_url
from wayhook.wire import Request

__all__ = ["Origin", "content_length", "destined"]

_AUTHORITY = re.compile(r"[A-Za-z]+://[^/?#]*")
_SHORTEST = len("http://h")
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
    end = url.find("/", _SHORTEST)
    if end >= 0 and "?" not in url[:end]:
        target = url[end:]
    else:
        end = len(url.partition("?")[0])
        target = "/" + url[end:]
    if "#" in target:
        raise unsendable()
    return _origin(url[:end]), target


@lru_cache(maxsize=1024)
def _origin(text: str) -> Origin:
    try:
        if _AUTHORITY.fullmatch(text) is None:
            raise unsendable()
        url = parse_url(text + "/")
    except UrlFault:
        raise unsendable() from None
    return Origin(url.scheme, url.host, url.port, url.origin, url.origin.partition("://")[2])


def content_length(request: Request) -> int | None:
    """Return the length that a request says its body has; None where it says nothing of a body."""
    if request.body is not None:
        return len(request.body)
    return 0 if request.method in _WITH_LENGTH else None
