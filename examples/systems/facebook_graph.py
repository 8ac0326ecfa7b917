"""A post on a Facebook page, through the Graph API.

    python facebook_graph.py [ORIGIN]

Without an origin the call is shown, and nothing is sent. `https://graph.facebook.com` is Facebook itself;
`http://127.0.0.1:5000` is what stands in for it on this machine. FACEBOOK_PAGE_TOKEN holds the access token of the
page, FACEBOOK_PAGE its id.
"""

from __future__ import annotations

import os
import sys

import wayhook as wh

VALUES = {"message": "We are open on Sunday", "link": "https://shop.example.com/sunday"}


def publish_post(origin: str = "https://graph.facebook.com") -> wh.Action:
    """Describe one post of a page; the path is `{page id}/feed`."""
    return wh.Action(
        name="FacebookPost",
        url_configuration=wh.UrlConfiguration(f"{origin}/v23.0"),
        authentication=wh.ApiKeyAuthentication("access_token", wh.secret("env:FACEBOOK_PAGE_TOKEN"), location="query"),
        body_format="form",
        message_parameters=wh.message_parameters(
            {"message": "Hello", "link": "https://shop.example.com", "published": True},
            variables={"message": "Message", "link": wh.variable("Link", optional=True)},
        ),
        response=wh.payload({"id": "1_2"}),
        failure_response=wh.payload(
            {"error": {"message": "…", "type": "OAuthException", "code": 190, "error_subcode": 463, "fbtrace_id": "…"}}
        ),
    )


def main(origin: str = "") -> int:
    """Show the call, or make it; the exit code says whether it was delivered."""
    path = f"{os.environ.get('FACEBOOK_PAGE', '1001001001')}/feed"
    if not origin:
        print(wh.preview(publish_post(), VALUES, path=path))
        return 0
    guardrails = wh.Guardrails.standard(network=wh.NetworkPolicy(loopback=True))
    outcome = wh.call(publish_post(origin), VALUES, path=path, guardrails=guardrails)
    print(outcome.status, outcome.response or outcome.cause)
    return 0 if outcome.succeeded else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
