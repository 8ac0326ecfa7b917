"""Slack's incoming webhooks: an address that is a secret, a text in JSON, answers in plain text."""

from __future__ import annotations

from collections.abc import Iterator

from stand_in.service import StandIn, form, json_object
from wayhook.testing import Answer, Received

TEAM, SERVICE, TOKEN = "T00000000", "B00000000", "XXXXXXXXXXXXXXXXXXXXXXXX"
WEBHOOK = f"{TEAM}/{SERVICE}/{TOKEN}"


class Slack(StandIn):
    """`archived`: whether the channel of the webhook was archived."""

    archived = False

    def refusals(self, request: Received) -> Iterator[Answer]:
        """Yield an error word for a wrong address, for what is no message, and for a channel that is closed."""
        yield from self._unknown_address(request.path)
        text = self._text(request) if request.method == "POST" else None
        if text is None:
            yield _in_text(400, "invalid_payload")
        if not text:
            yield _in_text(400, "no_text")
        if self.archived:
            yield _in_text(410, "channel_is_archived")
        if self.comes_too_fast():
            yield _in_text(429, "rate_limited", Retry_After="1")

    def _unknown_address(self, path: str) -> Iterator[Answer]:
        head, *parts = path.strip("/").split("/")
        if head != "services" or len(parts) != len(("team", "service", "token")):
            yield _in_text(404, "no_service")
            return
        team, service, token = parts
        if team != TEAM:
            yield _in_text(404, "no_team")
        if service != SERVICE:
            yield _in_text(404, "no_service")
        if token != TOKEN:
            yield _in_text(403, "invalid_token")

    def _text(self, request: Received) -> str | None:
        """The text of the message, in JSON or in the field `payload` of a form; None where there is no message."""
        if payload := form(request).get("payload"):
            body, headers = payload.encode(), {"content-type": "application/json"}
            request = Received("POST", request.target, headers, (), body, request.at)
        message = json_object(request)
        return None if message is None else str(message.get("text") or "")

    def accepted(self, request: Received) -> Answer:
        """Answer with two letters."""
        return _in_text(200, "ok")


def _in_text(status: int, word: str, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, word.encode(), {"Content-Type": "text/html", **named})
