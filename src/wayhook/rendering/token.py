"""The request of an authentication call, with its secrets in place. No I/O.

Section 3.4 of the rules (R101 to R108): forms and JSON bodies in UTF-8.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote_plus

from wayhook.errors import Violation, WrongType
from wayhook.model.authentication import CustomAuthorization
from wayhook.model.rule import header_value_fault
from wayhook.model.url import parse_url
from wayhook.secret import LiteralSecret, Revealed, SecretReference
from wayhook.values import text_of
from wayhook.wire import Request

__all__ = ["token_request"]

_CONTENT_TYPES = {
    "form": "application/x-www-form-urlencoded; charset=UTF-8",
    "json": "application/json; charset=UTF-8",
}


def token_request(authentication: CustomAuthorization, texts: Revealed) -> Request:
    """Return the request that asks for a token; `texts` holds the text of every secret it needs.

    Raises `WrongType`, without the value, when a secret's text cannot stand in a header.
    """
    faults = [
        Violation(f"$.authentication.headers.{name}", f"the secret does not fit: {fault}", "R74")
        for name, value in authentication.headers
        if (fault := header_value_fault(_revealed(value, texts)))
    ]
    if faults:
        raise WrongType(faults)
    headers = [(name, _revealed(value, texts).strip(" \t")) for name, value in authentication.headers]
    named = {name.lower() for name, _ in headers}
    content_type = _CONTENT_TYPES.get(authentication.body_type or "")
    if content_type and "content-type" not in named:
        headers.append(("Content-Type", content_type))
    endpoint = parse_url(authentication.endpoint)
    query = f"?{endpoint.query}" if endpoint.query else ""
    url = f"{endpoint.origin}{endpoint.path}{query}"
    return Request(authentication.method, url, tuple(headers), _body(authentication, texts))


def _revealed(value: Any, texts: Revealed) -> Any:
    return texts[value] if isinstance(value, SecretReference | LiteralSecret) else value


def _body(authentication: CustomAuthorization, texts: Revealed) -> bytes | None:
    pairs = [(name, _revealed(value, texts)) for name, value in authentication.body_params]
    match authentication.body_type:
        case "form":
            text = "&".join(f"{quote_plus(name)}={quote_plus(text_of(value))}" for name, value in pairs)
            return text.encode()
        case "json":
            return json.dumps(dict(pairs), ensure_ascii=False, separators=(",", ":")).encode()
        case _:
            return None
