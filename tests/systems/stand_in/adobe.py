"""Adobe: tokens for servers from its login (IMS), and the collection of events behind the gateway of Adobe.io."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from stand_in.service import StandIn, TokenIssuer, form, in_json, json_object
from wayhook.testing import Answer, Received

CLIENT_ID, CLIENT_SECRET, ORGANISATION = "client-id", "p8e-secret", "ACME@AdobeOrg"
INLET = "6aca7aa2d87ebd6b"
SCOPES = frozenset({"openid", "AdobeID", "read_organizations", "session"})


class Adobe(StandIn):
    """`tokens`: those that it issued."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = TokenIssuer()

    def refusals(self, request: Received) -> Iterator[Answer]:
        """Yield an error for a wrong token call, for what the gateway refuses, and for what is no event."""
        if request.path == "/ims/token/v3":
            yield from self._grant_faults(request)
        else:
            yield from self._gateway_faults(request)
            yield from self._event_faults(request)

    def _grant_faults(self, request: Received) -> Iterator[Answer]:
        if request.method != "POST":
            yield in_json(405, {"error": "invalid_request"}, Allow="POST")
        fields = form(request)
        if fields.get("grant_type") != "client_credentials":
            yield in_json(400, {"error": "unsupported_grant_type"})
        for name, good in (("client_id", CLIENT_ID), ("client_secret", CLIENT_SECRET)):
            if fields.get(name) != good:
                yield in_json(400, {"error": "invalid_client", "error_description": f"invalid {name} parameter"})
        if not set(fields.get("scope", "").split(",")) <= SCOPES:
            yield in_json(400, {"error": "invalid_scope"})

    def _gateway_faults(self, request: Received) -> Iterator[Answer]:
        """What Adobe.io's gateway refuses before the service sees it."""
        if "authorization" not in request.headers:
            yield _gateway(401, "401010", "Oauth token is missing")
        if not self.tokens.knows(request):
            yield _gateway(401, "401013", "Oauth token is not valid")
        if "x-api-key" not in request.headers:
            yield _gateway(403, "403000", "Api Key is required")
        if request.headers["x-api-key"] != CLIENT_ID:
            yield _gateway(403, "403003", "Api Key is invalid")
        if request.headers.get("x-gw-ims-org-id") != ORGANISATION:
            yield _gateway(403, "403025", "Profile is not valid")
        if self.comes_too_fast():
            yield _gateway(429, "429050", "Too many requests", Retry_After="2")

    def _event_faults(self, request: Received) -> Iterator[Answer]:
        if request.path != f"/collection/{INLET}":
            yield _problem(404, "Inlet not found", "there is no such inlet")
        if request.method != "POST":
            yield _problem(405, "Method not allowed", "use POST", Allow="POST")
        event = json_object(request)
        if event is None:
            yield _problem(400, "Invalid XDM Message Format", "Message is no JSON")
            return
        if _below(event, "header", "imsOrgId") != ORGANISATION or not _below(event, "header", "schemaRef", "id"):
            yield _problem(400, "Invalid XDM Message Format", "Message has an unknown xdm format")
        entity = _below(event, "body", "xdmEntity")
        if not _below(entity, "_id") or not _is_instant(_below(entity, "timestamp")):
            yield _problem(400, "Invalid XDM Message Format", "Message fails the validation of its schema")

    def accepted(self, request: Received) -> Answer:
        """Issue a token, or take an event."""
        if request.path == "/ims/token/v3":
            return in_json(200, {"access_token": self.tokens.issue(), "token_type": "bearer", "expires_in": 86399})
        taken = {"inletId": INLET, "xactionId": f"1584479347507:2153:{len(self.received)}"}
        validated = {"syncValidation": {"status": "pass"}} if "syncValidation=true" in request.target else {}
        return in_json(200, {**taken, "receivedTimeMs": 1584479347507, **validated})


def _below(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _is_instant(value: Any) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


def _gateway(status: int, code: str, message: str, **headers: str) -> Answer:
    return in_json(status, {"error_code": code, "message": message}, **headers)


def _problem(status: int, title: str, message: str, **headers: str) -> Answer:
    kind = "http://ns.adobe.com/adobecloud/problem/data-collection-service/inlet"
    body = {"type": kind, "status": status, "title": title, "report": {"message": f"inletId: [{INLET}] {message}"}}
    return in_json(status, body, **headers)
