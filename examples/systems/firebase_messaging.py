"""A push message through Firebase Cloud Messaging, HTTP v1, with the key of a service account.

    python firebase_messaging.py [MESSAGING [LOGIN]]

Without an origin the call is shown, and nothing is sent. `https://fcm.googleapis.com https://oauth2.googleapis.com` is
Google itself; `http://127.0.0.1:5000` is what stands in for both on this machine. FIREBASE_PRIVATE_KEY is `private_key`
of the account's JSON file, FIREBASE_ACCOUNT its `client_email`, FIREBASE_PROJECT its `project_id`; FIREBASE_DEVICE is
the registration token of a device. Needs the extra `jwt`.
"""

from __future__ import annotations

import os
import sys

import wayhook as wh


def send_push(
    account: str,
    *,
    messaging: str = "https://fcm.googleapis.com",
    login: str = "https://oauth2.googleapis.com",
) -> wh.Action:
    """Describe one message to a device; the path is `{project}/messages:send`."""
    return wh.Action(
        name="FirebasePush",
        url_configuration=wh.UrlConfiguration(f"{messaging}/v1/projects/"),
        authentication=wh.JwtBearerGrant(
            f"{login}/token",
            account,
            wh.secret("env:FIREBASE_PRIVATE_KEY"),
            scope="https://www.googleapis.com/auth/firebase.messaging",
            audience="https://oauth2.googleapis.com/token",
        ),
        message_parameters=wh.message_parameters(
            {
                "message": {
                    "token": "device",
                    "notification": {"title": "Hello", "body": "Your order is on its way"},
                    "data": {"orderId": "7"},
                    "android": {"priority": "high"},
                }
            },
            variables={
                "message.token": "Device",
                "message.notification.title": "Title",
                "message.notification.body": "Text",
                "message.data.orderId": wh.variable("Order", optional=True),
            },
        ),
        response=wh.payload({"name": "projects/p/messages/1"}),
        failure_response=wh.payload(
            {
                "error": {
                    "code": 404,
                    "message": "…",
                    "status": "NOT_FOUND",
                    "details": [{"errorCode": "UNREGISTERED"}],
                }
            }
        ),
    )


def main(messaging: str = "", login: str = "") -> int:
    """Show the call, or make it; the exit code says whether it was delivered."""
    account = os.environ.get("FIREBASE_ACCOUNT", "push@shop-1.iam.gserviceaccount.com")
    path = f"{os.environ.get('FIREBASE_PROJECT', 'shop-1')}/messages:send"
    values = {
        "message.token": os.environ.get("FIREBASE_DEVICE", "device-1"),
        "message.notification.title": "Order 7",
        "message.notification.body": "It is on its way",
        "message.data.orderId": "7",
    }
    if not messaging:
        print(wh.preview(send_push(account), values, path=path))
        return 0
    guardrails = wh.Guardrails.standard(network=wh.NetworkPolicy(loopback=True))
    action = send_push(account, messaging=messaging, login=login or messaging)
    outcome = wh.call(action, values, path=path, guardrails=guardrails)
    print(outcome.status, outcome.response or outcome.cause)
    return 0 if outcome.succeeded else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
