"""A message service in the style of Epsilon: a password grant with a Basic client (RFC 6749), then messages in JSON."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from stand_in.service import StandIn, TokenIssuer, form, in_json, json_object, media_type
from wayhook.testing import Answer, Received

CLIENT, USER = ("client-12", "client-secret-34"), ("robot", "password-56")
ENVIRONMENT = {
    "EPSILON_CLIENT_ID": CLIENT[0],
    "EPSILON_CLIENT_SECRET": CLIENT[1],
    "EPSILON_USER": USER[0],
    "EPSILON_PASSWORD": USER[1],
}
SCOPES = frozenset({"cn", "mail", "givenname", "uid", "employeeNumber"})
TEMPLATES = frozenset({"welcome-01"})


class Epsilon(StandIn):
    """`tokens`: those that it issued."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = TokenIssuer()

    def refusals(self, request: Received) -> Iterator[Answer]:
        """Yield an error for what is no resource here, and for what is wrong with a token call or a message."""
        match request.path:
            case "/Epsilon/oauth2/access_token":
                yield from self._grant_faults(request)
            case "/v4/messages":
                yield from self._message_faults(request)
            case _:
                yield _failure(404, "NOT_FOUND", "there is no such resource")

    def _grant_faults(self, request: Received) -> Iterator[Answer]:
        """Errors after RFC 6749, section 5.2."""
        if request.method != "POST":
            yield in_json(405, {"error": "invalid_request"}, Allow="POST")
        basic = base64.b64encode(":".join(CLIENT).encode()).decode()
        if request.headers.get("authorization") != f"Basic {basic}":
            yield in_json(401, {"error": "invalid_client"}, WWW_Authenticate='Basic realm="Epsilon"')
        fields = form(request)
        if not fields.get("grant_type"):
            yield in_json(400, {"error": "invalid_request", "error_description": "grant_type is missing"})
        if fields["grant_type"] != "password":
            yield in_json(400, {"error": "unsupported_grant_type"})
        if not set(fields.get("scope", "").split()) <= SCOPES:
            yield in_json(400, {"error": "invalid_scope"})
        if (fields.get("username"), fields.get("password")) != USER:
            yield in_json(400, {"error": "invalid_grant", "error_description": "the user's credentials are wrong"})

    def _message_faults(self, request: Received) -> Iterator[Answer]:
        if request.method != "POST":
            yield in_json(405, {"error": {"code": "METHOD_NOT_ALLOWED", "message": "use POST"}}, Allow="POST")
        if not self.tokens.knows(request):
            challenge = 'Bearer error="invalid_token"'
            yield _failure(401, "INVALID_TOKEN", "the access token is missing, wrong or expired", challenge)
        if media_type(request) != "application/json":
            yield _failure(415, "UNSUPPORTED_MEDIA_TYPE", "send application/json")
        message = json_object(request)
        if message is None:
            yield _failure(400, "MALFORMED", "the body is no JSON object")
            return
        if message.get("template") not in TEMPLATES:
            yield _failure(422, "UNKNOWN_TEMPLATE", "there is no such template")
        if "@" not in str(message.get("to", "")):
            yield _failure(422, "INVALID_RECIPIENT", "the recipient is no e-mail address")

    def accepted(self, request: Received) -> Answer:
        """Issue a token, or queue a message."""
        if request.path == "/v4/messages":
            return in_json(202, {"id": f"m-{len(self.received)}", "status": "queued"})
        return in_json(200, {"access_token": self.tokens.issue(), "token_type": "Bearer", "expires_in": 299})


def _failure(status: int, code: str, message: str, challenge: str = "") -> Answer:
    headers = {"WWW_Authenticate": challenge} if challenge else {}
    return in_json(status, {"error": {"code": code, "message": message}}, **headers)
