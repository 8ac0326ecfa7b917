"""Facebook's Graph API: the posts of a page, a token in the query, a form as the body, errors as an object."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

from stand_in.service import StandIn, form, in_json, json_object
from wayhook.testing import Answer, Received

PAGE, TOKEN = "1001001001", "page-token"
EXPIRED = "expired-token"


class Facebook(StandIn):
    """One page, `PAGE`, that `TOKEN` may write to; `EXPIRED` could once."""

    def refusals(self, request: Received) -> Iterator[Answer]:
        """Yield an error for a wrong object or method, for the token, for the rate, and for an empty or bad post."""
        if self._page(request.path) is None:
            yield _unknown("path components", request.path)
        yield from self._token_faults(request)
        if self._page(request.path) != PAGE or request.method != "POST":
            yield _unsupported(request)
        if self.comes_too_fast():
            yield _error(403, "(#32) Page request limit reached", "OAuthException", 32, is_transient=True)
        post = form(request) or json_object(request) or {}
        if not (post.get("message") or post.get("link")):
            yield _error(400, "The post is empty. Please enter a message to share.", "FacebookApiException", 197)
        if post.get("link") and not urlsplit(post["link"]).hostname:
            yield _error(400, "(#1500) The url you supplied is invalid", "OAuthException", 1500)

    def _page(self, path: str) -> str | None:
        """The object of `/v23.0/object/feed`."""
        match path.split("/"):
            case ["", version, page, "feed"] if version.startswith("v"):
                return page
        return None

    def _token_faults(self, request: Received) -> Iterator[Answer]:
        given = parse_qs(urlsplit(request.target).query).get("access_token", [])
        if not given:
            yield _error(400, "An access token is required to request this resource.", "OAuthException", 104)
        if given == [EXPIRED]:
            message = "Error validating access token: Session has expired on Tuesday, 01-Jan-30 00:00:00 PST."
            yield _error(400, message, "OAuthException", 190, error_subcode=463)
        if given != [TOKEN]:
            yield _error(400, "Invalid OAuth access token - Cannot parse access token", "OAuthException", 190)

    def accepted(self, request: Received) -> Answer:
        """Answer with the id of the post, which begins with that of the page."""
        return in_json(200, {"id": f"{PAGE}_{len(self.received)}"})


def _unknown(what: str, path: str) -> Answer:
    return _error(400, f"Unknown {what}: {path}", "OAuthException", 2500)


def _unsupported(request: Received) -> Answer:
    message = (
        f"Unsupported {request.method.lower()} request. Object does not exist, cannot be loaded due to missing "
        "permissions, or does not support this operation."
    )
    return _error(400, message, "GraphMethodException", 100, error_subcode=33)


def _error(status: int, message: str, kind: str, code: int, **more: Any) -> Answer:
    return in_json(status, {"error": {"message": message, "type": kind, "code": code, **more, "fbtrace_id": "A1b2C3"}})
