"""What all stand-ins do: name the first reason to refuse a request, or accept it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import httpx

from wayhook.testing import Answer, LoopbackService, Received


class StandIn(LoopbackService):
    """A loopback service with rules.

    `too_fast`: how many of the next calls come above the rate of the service.
    """

    def __init__(self) -> None:
        super().__init__(lambda request: next(self.refusals(request), None) or self.accepted(request))
        self.too_fast = 0

    def refusals(self, request: Received) -> Iterator[Answer]:
        """Yield the answers that refuse the request; the first is given."""
        raise NotImplementedError

    def accepted(self, request: Received) -> Answer:
        """Return the answer to a request that nothing is wrong with."""
        raise NotImplementedError

    def comes_too_fast(self) -> bool:
        """Whether this call is above the rate; it counts the call."""
        self.too_fast -= 1
        return self.too_fast >= 0


class TokenIssuer:
    """Issues bearer tokens, each other than those before, and knows which are good."""

    def __init__(self) -> None:
        self._issued = 0
        self._good: set[str] = set()

    def issue(self) -> str:
        """Return a new token."""
        self._issued += 1
        token = f"token-{self._issued}"
        self._good.add(token)
        return token

    def expire(self) -> None:
        """Let every token issued so far be of no use."""
        self._good.clear()

    def knows(self, request: Received) -> bool:
        """Whether a request carries a good token (RFC 6750)."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return scheme == "Bearer" and token in self._good


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


def ask(url: str, method: str, headers: dict[str, str], content: bytes | str) -> httpx.Response:
    """Return the answer to one request, made without Wayhook."""
    return httpx.request(method, url, headers=headers, content=content, trust_env=False)


def media_type(request: Received) -> str:
    """The Content-Type without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def form(request: Received) -> dict[str, str]:
    """The fields of a form; none where the body is no form."""
    if media_type(request) != "application/x-www-form-urlencoded":
        return {}
    try:
        return dict(parse_qsl(request.body.decode(), strict_parsing=True, keep_blank_values=True))
    except ValueError:
        return {}


def json_object(request: Received) -> dict[str, Any] | None:
    """The JSON object of a body; None where it is none, or says to be something else."""
    if media_type(request) != "application/json":
        return None
    try:
        value = json.loads(request.body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def in_json(status: int, body: Any, **headers: str) -> Answer:
    """An answer in JSON; an underscore in the name of a header stands for a hyphen."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, body, {"Content-Type": "application/json; charset=UTF-8", **named})
