"""A script: call an action once for each row of a CSV file, without `await`.

    python send_welcome.py [FILE]

The file has the columns `phone` and `name`; without one, two rows of this example are used. A service on this machine
stands in for a real one: put your own URL and key in its place.
"""

from __future__ import annotations

import csv
import io
import os
import sys
from pathlib import Path

import wayhook as wh
from wayhook.testing import Answer, LoopbackService, Received

ROWS = "phone,name\n+33611111111,Ann\n+33622222222,Bo\n"


def send_sms(url: str) -> wh.Action:
    """The action, described once."""
    return wh.Action(
        name="SendSms",
        url_configuration=wh.UrlConfiguration(f"{url}/v1/"),
        authentication=wh.ApiKeyAuthentication("X-Api-Key", wh.secret("env:SMS_KEY")),
        message_parameters=wh.message_parameters(
            {"to": "+33600000000", "text": "Hello", "priority": 1}, variables={"to": "Recipient", "text": "Message"}
        ),
        response=wh.payload({"id": "abc"}),
    )


def main(file: str | None = None) -> int:
    """Send a welcome to every row; the exit code says whether all were delivered."""
    text = Path(file).read_text(encoding="utf-8") if file else ROWS
    os.environ.setdefault("SMS_KEY", "key-of-the-example")
    guardrails = wh.Guardrails.standard(network=wh.NetworkPolicy(loopback=True))

    failed = 0
    with LoopbackService(_respond) as service:
        action = send_sms(service.url)
        for row in csv.DictReader(io.StringIO(text)):
            values = {"to": row["phone"], "text": f"Welcome, {row['name']}!"}
            outcome = wh.call(action, values, path="messages", guardrails=guardrails)
            print(f"{row['name']}: {outcome.status} {outcome.response}")
            failed += not outcome.succeeded
    return 1 if failed else 0


def _respond(request: Received) -> Answer:
    return Answer(202, {"id": f"m-{request.json()['to'][-4:]}"})


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
