"""A message in a Slack channel, through an incoming webhook.

    python slack_webhook.py [ORIGIN]

Without an origin the call is shown, and nothing is sent. `https://hooks.slack.com` is Slack itself;
`http://127.0.0.1:5000` is what stands in for it on this machine. SLACK_WEBHOOK holds what follows `services/` in the
address of the webhook.
"""

from __future__ import annotations

import sys

import wayhook as wh

VALUES = {"text": "A new order, number 7"}


def post_message(origin: str = "https://hooks.slack.com") -> wh.Action:
    """Describe one message; the address of the webhook is the secret."""
    return wh.Action(
        name="SlackMessage",
        url_configuration=wh.UrlConfiguration(f"{origin}/services"),
        authentication=wh.ApiKeyAuthentication("webhook", wh.secret("env:SLACK_WEBHOOK"), location="path"),
        message_parameters=wh.message_parameters({"text": "Hello"}, variables={"text": "Text"}),
    )


def main(origin: str = "") -> int:
    """Show the call, or make it; the exit code says whether it was delivered."""
    if not origin:
        print(wh.preview(post_message(), VALUES))
        return 0
    guardrails = wh.Guardrails.standard(network=wh.NetworkPolicy(loopback=True))
    outcome = wh.call(post_message(origin), VALUES, guardrails=guardrails)
    print(outcome.status, outcome.received.text if outcome.received else outcome.cause)
    return 0 if outcome.succeeded else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
