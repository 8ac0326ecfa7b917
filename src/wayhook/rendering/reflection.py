"""The secrets of a call in what comes back: a receiver may repeat what it was sent. No I/O.

Section 11 of `reference/reliability.md`: they are taken out by knowledge, not by pattern. Of an answer twice: as
it came, and what is read of it as JSON, since a writer of JSON may escape any sign of a text.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

import attrs

from wayhook.errors import DefinitionError
from wayhook.jsonvalue import parse_json
from wayhook.secret import Base64, DeliveryId, Revealed, SecretText, Spellings
from wayhook.wire import Call, Response

__all__ = ["SHORTEST", "CallMask", "masked_json", "masked_response", "masked_text", "reflections"]

SHORTEST = 8
"""Characters: a shorter text stands in many answers by chance, and would be torn out of words."""
_MASK = "***"
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")
_HEX = re.compile(r"%[0-9A-F]{2}|\\u[0-9a-f]{4}")


@attrs.frozen(repr=False, eq=False, slots=False)
class CallMask:
    """Shows a call as it was rendered, and its answer without what it repeats of the call's secrets.

    `found`: every spelling in which they may come back.
    """

    call: Call
    found: Spellings

    def response(self, response: Response) -> Response:
        """Return the answer with a mask for every secret, also where JSON spells one with escapes."""
        shown = masked_response(response, self.found)
        return attrs.evolve(shown, body=_unescaped(shown.body, self.found)) if b"\\" in shown.body else shown

    def text(self, text: str) -> str:
        """Return the text with a mask for every secret."""
        return masked_text(text, self.found)


def _unescaped(body: bytes, found: Spellings) -> bytes:
    """A body of JSON, written anew where its values hold what its text did not show."""
    try:
        value = parse_json(body)
    except DefinitionError:
        return body
    shown = masked_json(value, found)
    return body if shown is value else json.dumps(shown).encode()


def reflections(texts: Revealed, sent: Iterable[SecretText]) -> Spellings:
    """Return every spelling in which the secrets of a call may come back, the longest first.

    As they are, percent-encoded, as in a form, in Base64 and in JSON, with hexadecimal digits in upper and lower case;
    and each `Base64` of what was `sent` as a whole.
    """
    secrets = [text for secret, text in texts.items() if not isinstance(secret, DeliveryId)]
    secrets += [SecretText(part).reveal(texts) for text in sent for part in text.parts if isinstance(part, Base64)]
    found = {spelling for secret in secrets if len(secret) >= SHORTEST for spelling in _spellings(secret)}
    return Spellings(sorted(found, key=len, reverse=True))


def _spellings(secret: str) -> Iterator[str]:
    yield secret
    yield b64encode(secret.encode()).decode().rstrip("=")
    if _PLAIN.fullmatch(secret):
        return  # it is spelled the same everywhere else
    escaped = [json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)]
    slashed = [text.replace("/", r"\/") for text in escaped]
    for spelling in (quote(secret), quote(secret, safe=""), quote_plus(secret), *escaped, *slashed):
        yield spelling
        yield _HEX.sub(lambda digits: _other_case(digits[0]), spelling)


def _other_case(digits: str) -> str:
    """The same sign with its digits in the other case: in lower case after a percent sign, else in upper case."""
    return digits.lower() if digits[0] == "%" else digits[:2] + digits[2:].upper()


def masked_text(text: str, found: Iterable[str]) -> str:
    """Return the text with a mask in place of every reflection."""
    for spelling in found:
        text = text.replace(spelling, _MASK)
    return text


def masked_response(response: Response, found: Iterable[str]) -> Response:
    """Return the answer with a mask in place of every reflection; the same object where there is none."""
    body = response.body
    spelled = list(found)
    if not "".join(spelled).isascii():
        spelled += [text.encode().decode("latin-1") for text in found if not text.isascii()]
    heads = "\n".join([part for header in response.headers for part in header])
    for spelling in spelled:
        if spelling in heads or spelling.encode() in body:
            break
    else:
        return response
    for spelling in found:
        body = body.replace(spelling.encode(), _MASK.encode())
    headers = tuple((masked_text(name, spelled), masked_text(value, spelled)) for name, value in response.headers)
    return attrs.evolve(response, headers=headers, body=body)


def masked_json(value: Any, found: Iterable[str]) -> Any:
    """Return a value of JSON with a mask in place of every reflection in its texts and names."""
    texts = "\n".join(_texts(value))
    there = [spelling for spelling in found if spelling in texts]
    return _masked(value, there) if there else value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for below in value:
            yield from _texts(below)
    elif isinstance(value, dict):
        yield from value
        for below in value.values():
            yield from _texts(below)


def _masked(value: Any, found: list[str]) -> Any:
    if isinstance(value, str):
        return masked_text(value, found)
    if isinstance(value, list):
        return [_masked(below, found) for below in value]
    if isinstance(value, dict):
        return {masked_text(name, found): _masked(below, found) for name, below in value.items()}
    return value
