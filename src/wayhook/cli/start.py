"""The command `init`: a folder to start from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from wayhook.cli.answer import Answer, CannotRun, Table
from wayhook.cli.settings import USUAL, Settings
from wayhook.execution.opening import open_repository
from wayhook.expression.expression import expression
from wayhook.formats.document import dumps
from wayhook.model.action import Action, UrlConfiguration
from wayhook.model.authentication import ApiKeyAuthentication
from wayhook.model.journey import ActionActivity, Journey
from wayhook.model.parameter import message_parameters, payload, variable
from wayhook.secret import secret

__all__ = ["start"]

_ACTION = Action(
    name="SendSms",
    description="Sends a text message. Replace the URL by that of your service, and the payload by its sample.",
    url_configuration=UrlConfiguration(
        "https://sms.example.com/v1/messages", headers={"X-Campaign": variable("Campaign id")}
    ),
    authentication=ApiKeyAuthentication("X-Api-Key", secret("env:SMS_KEY")),
    message_parameters=message_parameters(
        {"to": "+33600000000", "text": "Hello", "priority": 1}, variables={"to": "Recipient", "text": "Message"}
    ),
    response=payload({"id": "m-1", "queued": True}),
)
_JOURNEY = Journey(
    "Welcome",
    [
        ActionActivity(
            "SendSms",
            label="greet",
            headers={"X-Campaign": "welcome"},
            parameters={
                "to": expression("@event{Signup.phone}"),
                "text": expression("'Welcome, ' + @event{Signup.name, defaultValue: 'friend'} + '!'"),
            },
            description="Greets whoever has signed up.",
        )
    ],
    timeout=10,
    description="What happens after a sign-up. An expression reads the context of one person.",
)
_CONTEXT = {"event": {"Signup": {"phone": "+33611111111", "name": "Ann"}}}
_ROWS = """to,text,X-Campaign
+33611111111,Welcome Ann,spring
+33622222222,Welcome Bob,spring
"""
_NOTES = """# A folder to start from

| file | what it is |
|---|---|
| `actions/SendSms.json` | an action: how to call an HTTP service, described once |
| `journeys/Welcome.json` | a journey: it uses the action, and says where its values come from |
| `contexts/signup.json` | what happened to one person; expressions read it |
| `rows.csv` | values for many calls; each column is named as a variable of the action |
| `wayhook.db` | the repository: the action and the journey, saved |

Look, without sending anything:

    wayhook list
    wayhook show SendSms
    wayhook preview SendSms --values to=+33611111111 --values text=Hi --values X-Campaign=spring
    wayhook preview Welcome greet --context contexts/signup.json
    wayhook eval "upper(@event{Signup.name})" --context contexts/signup.json

Change `actions/SendSms.json`, see whether it keeps the rules, and save it:

    wayhook validate actions/SendSms.json journeys/Welcome.json
    wayhook import --replace actions/SendSms.json

The key of the service is not in these files. The action says where it is: in the environment variable `SMS_KEY`.

    wayhook call SendSms --values to=+33611111111 --values text=Hi --values X-Campaign=spring
    wayhook journey run Welcome --context contexts/signup.json
    wayhook batch SendSms rows.csv --out outcomes.jsonl

`wayhook docs` names more to read.
"""
_FILES = {
    "README.md": _NOTES,
    "actions/SendSms.json": dumps(_ACTION),
    "journeys/Welcome.json": dumps(_JOURNEY),
    "contexts/signup.json": json.dumps(_CONTEXT, indent=2) + "\n",
    "rows.csv": _ROWS,
}


async def start(settings: Settings, folder: Path) -> Answer:
    """Make the folder; raises `CannotRun` where one of its files is there, and changes nothing then."""
    names = (*_FILES, USUAL)
    try:
        if there := [name for name in names if (folder / name).exists()]:
            raise CannotRun(f"{', '.join(there)} in {folder}: this is there already; choose another folder")
        for name, text in _FILES.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CannotRun(f"{folder} cannot be used: {error.strerror}") from None
    url = f"sqlite:///{quote(str(folder / USUAL))}"
    async with open_repository(url, guardrails=settings.guardrails) as repository:
        await repository.save(_ACTION, _JOURNEY, by=settings.by)
    document: dict[str, Any] = {"folder": str(folder), "files": list(names)}
    return Answer(
        document,
        (f"{folder} holds what to start from; read its README.md", Table(("file",), tuple((name,) for name in names))),
    )
