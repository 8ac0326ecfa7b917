"""A message through a service in the style of Epsilon: a password grant first, the message with its token.

    python epsilon_message.py [ORIGIN]

Without an origin the call is shown, and nothing is sent. `https://api.harmony.epsilon.com` is the service itself;
`http://127.0.0.1:5000` is what stands in for it on this machine. EPSILON_CLIENT_ID, EPSILON_CLIENT_SECRET,
EPSILON_USER and EPSILON_PASSWORD hold the credentials.
"""

from __future__ import annotations

import sys

import wayhook as wh

VALUES = {"to": "lea@example.com", "vars.firstName": "Lea"}


def send_message(origin: str = "https://api.harmony.epsilon.com") -> wh.Action:
    """Describe one message; the authorization is the product's own JSON, with references for its secrets."""
    authorization = wh.load_authorization(
        {
            "type": "customAuthorization",
            "authorizationType": "Bearer",
            "endpoint": f"{origin}/Epsilon/oauth2/access_token",
            "method": "POST",
            "headers": {"Authorization": "INSERT_SECRET_HERE"},
            "body": {
                "bodyType": "form",
                "bodyParams": {
                    "scope": "cn mail givenname uid employeeNumber",
                    "grant_type": "password",
                    "username": "INSERT_SECRET_HERE",
                    "password": "INSERT_SECRET_HERE",
                },
            },
            "tokenInResponse": "json://access_token",
            "cacheDuration": {"duration": 5, "timeUnit": "minutes"},
        },
        secrets={
            "Authorization": wh.SecretText(
                "Basic ", wh.Base64(wh.secret("env:EPSILON_CLIENT_ID"), ":", wh.secret("env:EPSILON_CLIENT_SECRET"))
            ),
            "username": wh.secret("env:EPSILON_USER"),
            "password": wh.secret("env:EPSILON_PASSWORD"),
        },
    )
    return wh.Action(
        name="Epsilon",
        url_configuration=wh.UrlConfiguration(f"{origin}/v4/messages"),
        authentication=authorization,
        message_parameters=wh.message_parameters(
            {"template": "welcome-01", "to": "ann@example.com", "vars": {"firstName": "Ann"}},
            variables={"to": "Recipient", "vars.firstName": "First name"},
        ),
        response=wh.payload({"id": "m-1", "status": "queued"}),
        failure_response=wh.payload({"error": {"code": "INVALID_RECIPIENT", "message": "…"}}),
    )


def main(origin: str = "") -> int:
    """Show the call, or make it; the exit code says whether it was delivered."""
    if not origin:
        print(wh.preview(send_message(), VALUES))
        return 0
    guardrails = wh.Guardrails.standard(network=wh.NetworkPolicy(loopback=True))
    outcome = wh.call(send_message(origin), VALUES, guardrails=guardrails)
    print(outcome.status, outcome.response or outcome.cause)
    return 0 if outcome.succeeded else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
