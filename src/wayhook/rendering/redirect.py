"""The request that follows a redirect: to the same origin, or not at all. No I/O.

Rules R87 and R88; section 14 of `reference/reliability.md`: another origin receives nothing.
"""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import urldefrag, urljoin, urlsplit

import attrs

from wayhook.model.guardrail import NetworkPolicy
from wayhook.model.url import StaticUrl, UrlFault, parse_url
from wayhook.rendering.reflection import CallMask
from wayhook.wire import Call, Mask, Request

__all__ = ["RedirectFault", "redirected"]

_Made = TypeVar("_Made", Request, Call)


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
    led, mask = _led(request, url), request.mask
    return led if mask is None else attrs.evolve(led, mask=_led_mask(mask, url))


def _led(made: _Made, url: str) -> _Made:
    if made.method != "POST":
        return attrs.evolve(made, url=url)
    headers = tuple((name, value) for name, value in made.headers if not name.lower().startswith("content-"))
    return attrs.evolve(made, method="GET", url=url, headers=headers, body=None)


def _led_mask(mask: Mask, url: str) -> Mask:
    """How the redirected request is shown: the new URL may repeat a secret, and adds none of its own."""
    assert isinstance(mask, CallMask)  # noqa: S101 - a token call follows no redirect
    headers = tuple(credential for credential in mask.call.credentials if credential.location == "header")
    return attrs.evolve(mask, call=attrs.evolve(_led(mask.call, mask.text(url)), credentials=headers))


def _target(url: str, location: str) -> StaticUrl:
    try:
        return parse_url(urldefrag(urljoin(url, location)).url)
    except (UrlFault, ValueError):
        raise RedirectFault("the redirect leads to no URL that can be called") from None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
