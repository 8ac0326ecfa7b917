"""The request of an authentication call, with its secrets in place or masked. No I/O.

Section 3.4 of the rules (R101 to R108): forms and JSON bodies in UTF-8.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import quote_plus

import attrs

from wayhook.errors import AuthenticationFailed, DefinitionError, Violation, WrongType
from wayhook.jsonvalue import parse_json
from wayhook.model.rule import header_value_fault
from wayhook.model.token import PLAIN_HEADERS, PLAIN_PARAMETERS, TokenCall
from wayhook.model.url import parse_url
from wayhook.rendering.answer import lifetime_of
from wayhook.rendering.assertion import signed_assertion
from wayhook.rendering.reflection import masked_text, reflections
from wayhook.secret import LiteralSecret, Revealed, SecretReference, SecretText, Spellings
from wayhook.values import text_of
from wayhook.wire import Call, Request, Response

__all__ = ["TokenMask", "masked_value", "token_preview", "token_request"]

_CONTENT_TYPES = {
    "form": "application/x-www-form-urlencoded; charset=UTF-8",
    "json": "application/json; charset=UTF-8",
}
_MASK = "***"
_SHOWN_HEADERS = frozenset({"cache-control", "content-length", "content-type", "date", "retry-after"})


def token_request(call: TokenCall, texts: Revealed, now: datetime, identifier: str) -> Request:
    """Return the request that asks for a token; `texts` holds the text of every secret it needs.

    `now`, `identifier`: when an assertion is signed, and its `jti`. Raises `WrongType`, without the value, when a
    secret's text cannot stand in a header, and what signing raises.
    """
    params = list(call.body_params)
    if call.assertion is not None:
        if call.assertion.private_key is None:
            message = "the assertion cannot be signed; give the authentication a key: private_key=wayhook.secret(…)"
            raise AuthenticationFailed(message)
        key = texts[call.assertion.private_key]
        params.append((call.assertion.parameter, signed_assertion(call.assertion, key, now, identifier)))
    return _request(call, texts, params)


def token_preview(call: TokenCall, action: str) -> Call:
    """Return the request that asks for a token as it may be shown: no assertion is signed, and no text is shown.

    What is no secret by its name (`PLAIN_PARAMETERS`, `PLAIN_HEADERS`) stays, and so does what stands around a secret.
    """
    endpoint, question, query = call.endpoint.partition("?")
    pairs = (pair.partition("=") for pair in query.split("&"))
    shown = "&".join(f"{name}{sign}{masked_value(value, name, PLAIN_PARAMETERS)}" for name, sign, value in pairs)
    params = [(name, masked_value(value, name, PLAIN_PARAMETERS)) for name, value in call.body_params]
    signed = [(call.assertion.parameter, _MASK)] if call.assertion else []
    masked = attrs.evolve(
        call,
        endpoint=f"{endpoint}{question}{shown}",
        headers=tuple((name, masked_value(value, name.lower(), PLAIN_HEADERS)) for name, value in call.headers),
        identity=None,
    )
    request = _request(masked, Revealed(), [*params, *signed])
    return Call(action, request.method, request.url, request.headers, request.body, identity=call.identity)


@attrs.frozen(repr=False, eq=False, slots=False)
class TokenMask:
    """Shows a token call, and its answer without any text in it, the token among them."""

    _call: TokenCall
    _texts: Revealed = attrs.field(factory=Revealed)

    @property
    def call(self) -> Call:
        """The request as `token_preview` shows it."""
        return token_preview(self._call, "")

    @cached_property
    def found(self) -> Spellings:
        """Every spelling in which the secrets of the request may come back."""
        return reflections(self._texts, self._call.secret_texts)

    def response(self, response: Response) -> Response:
        """Return the answer as it may be shown: headers that hold no secret, the names of JSON, and the lifetime.

        A token is still found where it stands, and is good for as long.
        """
        headers = tuple((name, value) for name, value in response.headers if name.lower() in _SHOWN_HEADERS)
        return attrs.evolve(response, headers=headers, body=self._body(response.body))

    def _body(self, body: bytes) -> bytes:
        try:
            value = None if self._call.token_in_response == "response" else parse_json(body)  # noqa: S105 - where it is
        except DefinitionError:
            value = None
        if value is None:
            return _MASK.encode() if body else b""
        expiry = re.split(r"[/.]", self._call.cache_duration.expiry_in_response)[-1]
        return json.dumps(_without_values(value, expiry), ensure_ascii=False).encode()

    def text(self, text: str) -> str:
        """Return the text with a mask for every secret of the request."""
        return masked_text(text, self.found)


def _without_values(value: Any, expiry: str, name: str = "") -> Any:
    """JSON with a mask for each text and number, but for lifetimes: of that name, or of one that tells."""
    if isinstance(value, dict):
        return {inner: _without_values(below, expiry, inner) for inner, below in value.items()}
    if isinstance(value, list):
        return [_without_values(below, expiry, name) for below in value]
    if value is None or isinstance(value, bool):
        return value
    is_lifetime = isinstance(value, int | float) and "expir" in name.lower()
    return value if is_lifetime or (name == expiry and lifetime_of(value) is not None) else _MASK


def masked_value(value: Any, name: str, plain: frozenset[str]) -> Any:
    """Return a value of a token call as it may be shown: whole where its `name` is one of `plain`, else masked."""
    match value:
        case SecretText():
            return "".join(part if isinstance(part, str) else _MASK for part in value.parts)
        case dict():
            return {inner: masked_value(below, inner, plain) for inner, below in value.items()}
        case list():
            return [masked_value(below, name, plain) for below in value]
        case None | bool() | "":
            return value
        case _:
            return value if name in plain and not isinstance(value, SecretReference | LiteralSecret) else _MASK


def _request(call: TokenCall, texts: Revealed, params: list[tuple[str, Any]]) -> Request:
    faults = [
        Violation(f"$.authentication.headers.{name}", f"the secret does not fit: {fault}", "R74")
        for name, value in call.headers
        if (fault := header_value_fault(_revealed(value, texts)))
    ]
    if faults:
        raise WrongType(faults)
    headers = [(name, _revealed(value, texts).strip(" \t")) for name, value in call.headers]
    named = {name.lower() for name, _ in headers}
    content_type = _CONTENT_TYPES.get(call.body_type or "")
    if content_type and "content-type" not in named:
        headers.append(("Content-Type", content_type))
    endpoint = parse_url(call.endpoint)
    query = f"?{endpoint.query}" if endpoint.query else ""
    url = f"{endpoint.origin}{endpoint.path}{query}"
    body = _body(call.body_type, _revealed(dict(params), texts))
    return Request(call.method, url, tuple(headers), body, call.identity.reveal(texts) if call.identity else None)


def _revealed(value: Any, texts: Revealed) -> Any:
    match value:
        case SecretText():
            return value.reveal(texts)
        case SecretReference() | LiteralSecret():
            return texts[value]
        case dict():
            return {name: _revealed(below, texts) for name, below in value.items()}
        case list():
            return [_revealed(below, texts) for below in value]
        case _:
            return value


def _body(body_type: str | None, params: dict[str, Any]) -> bytes | None:
    match body_type:
        case "form":
            pairs = (f"{quote_plus(name, '*')}={quote_plus(text_of(value), '*')}" for name, value in params.items())
            return "&".join(pairs).encode()
        case "json":
            return json.dumps(params, ensure_ascii=False, separators=(",", ":")).encode()
        case _:
            return None
