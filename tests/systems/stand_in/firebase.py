"""Google's token endpoint for service accounts, and Firebase Cloud Messaging, HTTP v1."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from stand_in.service import StandIn, TokenIssuer, form, in_json, json_object
from wayhook.testing import Answer, Received

ACCOUNT = "push@shop-1.iam.gserviceaccount.com"
PROJECT = "shop-1"
DEVICE, GONE = "device-1", "device-gone"
AUDIENCE = "https://oauth2.googleapis.com/token"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
FIELDS = frozenset({"token", "topic", "condition", "notification", "data", "android", "webpush", "apns", "fcm_options"})
LONGEST = 3600


@cache
def private_key(owner: str) -> rsa.RSAPrivateKey:
    """Return the key of a service account."""
    del owner  # each has a key of its own
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey) -> str:
    """Return the text that stands in `private_key` of an account's JSON file."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


class Firebase(StandIn):
    """One project with one service account, whose `key` is private. `retry_after`: seconds, after a call too fast."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.key, self.retry_after = TokenIssuer(), private_key(ACCOUNT), 60

    def refusals(self, request: Received) -> Iterator[Answer]:
        """Yield an error for a wrong assertion, or for what is no message to a device of the project."""
        if request.path == "/token":
            yield from self._grant_faults(request)
        else:
            yield from self._call_faults(request)
            yield from self._message_faults(json_object(request))
            if self.comes_too_fast():
                message = "Quota exceeded for quota metric 'Messages sent' and limit 'Messages sent per minute'."
                yield _error(429, "RESOURCE_EXHAUSTED", message, "QUOTA_EXCEEDED", Retry_After=str(self.retry_after))

    def _grant_faults(self, request: Received) -> Iterator[Answer]:
        if request.method != "POST":
            yield in_json(405, {"error": "invalid_request"}, Allow="POST")
        fields = form(request)
        if fields.get("grant_type") != GRANT:
            yield _grant("unsupported_grant_type", f"Invalid grant_type: {fields.get('grant_type', '')}")
        if not fields.get("assertion"):
            yield _grant("invalid_request", "Missing required parameter: assertion")
        yield from self._assertion_faults(fields["assertion"])

    def _assertion_faults(self, assertion: str) -> Iterator[Answer]:
        """What is wrong with signature, audience, lifetime, issuer and scope."""
        required = {"require": ["iss", "scope", "aud", "iat", "exp"]}
        try:
            claims = jwt.decode(
                assertion, self.key.public_key(), algorithms=["RS256"], audience=AUDIENCE, options=required
            )
        except jwt.InvalidSignatureError:
            yield _grant("invalid_grant", "Invalid JWT Signature.")
        except jwt.InvalidAudienceError:
            yield _grant("invalid_grant", f"Invalid JWT: Failed audience check. The right audience is {AUDIENCE}")
        except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError):
            yield _grant("invalid_grant", SHORT_LIVED)
        except jwt.InvalidTokenError as error:
            yield _grant("invalid_grant", f"Invalid JWT: {error}")
        else:
            if claims["exp"] - claims["iat"] > LONGEST:
                yield _grant("invalid_grant", SHORT_LIVED)
            if claims["iss"] != ACCOUNT:
                yield _grant("invalid_grant", "Invalid grant: account not found")
            if SCOPE not in claims["scope"].split():
                yield _grant("invalid_scope", "Invalid OAuth scope or ID token audience provided.")

    def _call_faults(self, request: Received) -> Iterator[Answer]:
        match request.path.split("/"):
            case ["", "v1", "projects", project, "messages:send"] if request.method == "POST":
                pass
            case _:
                yield _error(404, "NOT_FOUND", "Requested entity was not found.")
                return
        if not self.tokens.knows(request):
            message = (
                "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other "
                "valid authentication credential."
            )
            yield _error(
                401, "UNAUTHENTICATED", message, WWW_Authenticate='Bearer realm="https://accounts.google.com/"'
            )
        if project != PROJECT:
            message = f"Permission 'cloudmessaging.messages.create' denied on resource 'projects/{project}'."
            yield _error(403, "PERMISSION_DENIED", message)

    def _message_faults(self, body: dict[str, Any] | None) -> Iterator[Answer]:
        message = (body or {}).get("message")
        if not isinstance(message, dict):
            yield _invalid("Invalid JSON payload received.")
            return
        for name in message:
            if name not in FIELDS:
                yield _invalid(
                    f"Invalid JSON payload received. Unknown name \"{name}\" at 'message': Cannot find field."
                )
        for i, value in enumerate(message.get("data", {}).values()):
            if not isinstance(value, str):
                yield _invalid(f"Invalid value at 'message.data[{i}].value' (TYPE_STRING), {value}")
        if not any(message.get(target) for target in ("token", "topic", "condition")):
            yield _invalid("Recipient of the message is not set.")
        if message.get("token") == GONE:
            yield _error(404, "NOT_FOUND", "Requested entity was not found.", "UNREGISTERED")
        if message.get("token") not in (None, DEVICE):
            yield _invalid("The registration token is not a valid FCM registration token")

    def accepted(self, request: Received) -> Answer:
        """Issue a token, or name the message that is under way."""
        if request.path == "/token":
            return in_json(200, {"access_token": self.tokens.issue(), "expires_in": 3599, "token_type": "Bearer"})
        return in_json(200, {"name": f"projects/{PROJECT}/messages/0:{len(self.received)}"})


SHORT_LIVED = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp "
    "values in the JWT claim."
)


def _grant(error: str, description: str) -> Answer:
    return in_json(400, {"error": error, "error_description": description})


def _invalid(message: str) -> Answer:
    return _error(400, "INVALID_ARGUMENT", message, "INVALID_ARGUMENT")


def _error(status: int, word: str, message: str, code: str = "", **headers: str) -> Answer:
    """An error in the form of `google.rpc.Status`, with the code of FCM among its details where there is one."""
    details = [{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}] if code else []
    error = {"code": status, "message": message, "status": word, "details": details}
    return in_json(status, {"error": error}, **headers)
