"""A call as a curl command, each secret left as a shell variable that its reference names."""

from __future__ import annotations

import re
import shlex
from urllib.parse import quote

from wayhook.secret import AccessToken, Credential, SecretReference
from wayhook.wire import Call

__all__ = ["to_curl"]


def to_curl(call: Call) -> str:
    """Return a command for a POSIX shell that sends the same request.

    A secret `env:SMS_KEY` becomes `"$SMS_KEY"`, an access token `"$TOKEN"` and a literal secret `"$SECRET"`; a Basic
    header becomes `--user`. The command holds no secret. A key in the query needs curl 7.87 or newer.
    """
    parts = [f"curl --globoff --request {shlex.quote(call.method)}", f"--url {shlex.quote(call.url)}"]
    parts += [f"--header {shlex.quote(_header(name, value))}" for name, value in call.headers]
    for credential in call.credentials:
        if credential.base64:
            parts.append(f"--user {_quoted(credential)}")
        elif credential.location == "header":
            parts.append(f"--header {shlex.quote(f'{credential.name}: {credential.prefix}')}{_quoted(credential)}")
        else:
            parts.append(f"--url-query {shlex.quote(quote(credential.name, safe='') + '=')}{_quoted(credential)}")
    if call.body is not None:
        parts.append(f"--data-raw {shlex.quote(call.body.decode())}")
    return " \\\n  ".join(parts)


def _header(name: str, value: str) -> str:
    """A header for curl, which drops one that ends with its colon."""
    return f"{name}: {value}" if value else f"{name};"


def _quoted(credential: Credential) -> str:
    """The parts of the value for the shell: texts quoted, secrets as variables."""
    return "".join(shlex.quote(part) if isinstance(part, str) else f'"${_variable(part)}"' for part in credential.parts)


def _variable(secret: object) -> str:
    if isinstance(secret, SecretReference):
        name = re.sub(r"\W", "_", secret.source.partition(":")[2], flags=re.ASCII)
        return f"_{name}" if name[0].isdigit() else name
    return "TOKEN" if isinstance(secret, AccessToken) else "SECRET"
