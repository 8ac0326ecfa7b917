"""The request that follows a redirect: to the same origin, or not at all. No I/O.

Rules R87 and R88; section 14 of `reference/reliability.md`: another origin receives nothing.
"""

from __future__ import annotations

from urllib.parse import urldefrag, urljoin, urlsplit

import attrs

from wayhook.model.guardrail import NetworkPolicy
from wayhook.model.url import StaticUrl, UrlFault, parse_url
from wayhook.wire import Request

__all__ = ["RedirectFault", "redirected"]


class RedirectFault(Exception):  # noqa: N818 - never leaves the library: it becomes the cause of an outcome
    """The redirect cannot be followed; the text says why, in no word of the answer: one may be a secret (P49)."""


def redirected(request: Request, location: str, network: NetworkPolicy) -> Request:
    """Return the request to where the answer 302 to `request` leads.

    `location`: as the answer has it, relative or absolute. The headers go along, credentials among them, since the
    origin is the same. A POST becomes a GET without a body (RFC 9110, section 15.4.3), as in browsers; any other
    method stays, and so does its body. Raises `RedirectFault` for what is no URL, for what the network policy
    refuses (R88), and for another scheme, host or port.
    """
    target = _target(request.url, location)
    if network.refusal(target) is not None:
        raise RedirectFault("the redirect leads to a host or port that the network policy does not open")
    if target.origin != _origin(request.url):
        raise RedirectFault("the redirect leads to another scheme, host or port; call that address itself")
    url = f"{target.origin}{target.path}{'?' if target.query else ''}{target.query}"
    if request.method != "POST":
        return attrs.evolve(request, url=url)
    headers = tuple((name, value) for name, value in request.headers if not name.lower().startswith("content-"))
    return attrs.evolve(request, method="GET", url=url, headers=headers, body=None)


def _target(url: str, location: str) -> StaticUrl:
    try:
        return parse_url(urldefrag(urljoin(url, location)).url)
    except (UrlFault, ValueError):
        raise RedirectFault("the redirect leads to no URL that can be called") from None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
