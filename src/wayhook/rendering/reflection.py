"""The secrets of a call in what comes back: a receiver may repeat what it was sent. No I/O.

Section 11 of `reference/reliability.md`: they are taken out by knowledge, not by pattern.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

import attrs

from wayhook.secret import Base64, DeliveryId, Revealed, SecretText
from wayhook.wire import Response

__all__ = ["SHORTEST", "masked_response", "masked_text", "reflections"]

SHORTEST = 8
"""Characters: a shorter text stands in many answers by chance, and would be torn out of words."""
_MASK = "***"
_UNRESERVED = re.compile(r"[A-Za-z0-9_.~-]+")


def reflections(texts: Revealed, sent: Iterable[SecretText]) -> tuple[str, ...]:
    """Return every spelling in which the secrets of a call may come back, the longest first.

    As they are, percent-encoded, as in a form, in Base64 and in JSON; and each `Base64` of what was `sent` as a whole.
    """
    secrets = [text for secret, text in texts.items() if not isinstance(secret, DeliveryId)]
    secrets += [SecretText(part).reveal(texts) for text in sent for part in text.parts if isinstance(part, Base64)]
    found = {spelling for secret in secrets if len(secret) >= SHORTEST for spelling in _spellings(secret)}
    return tuple(sorted(found, key=len, reverse=True))


def _spellings(secret: str) -> Iterator[str]:
    yield secret
    yield b64encode(secret.encode()).decode().rstrip("=")
    if _UNRESERVED.fullmatch(secret):
        return  # as most tokens: the other spellings are the same
    yield quote(secret)
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]


def masked_text(text: str, found: Iterable[str]) -> str:
    """Return the text with a mask in place of every reflection."""
    for spelling in found:
        text = text.replace(spelling, _MASK)
    return text


def masked_response(response: Response, found: Iterable[str]) -> Response:
    """Return the answer with a mask in place of every reflection; the same object where there is none."""
    body = response.body
    for spelling in found:
        body = body.replace(spelling.encode(), _MASK.encode())
    headers = tuple((masked_text(name, found), masked_text(value, found)) for name, value in response.headers)
    if body == response.body and headers == response.headers:
        return response
    return attrs.evolve(response, headers=headers, body=body)
