"""A call as a curl command, each secret left as a shell variable that its reference names."""

from __future__ import annotations

import re
import shlex
from urllib.parse import quote

from wayhook.secret import AccessToken, Base64, Credential, Plain, SecretReference, SecretText
from wayhook.wire import Call

__all__ = ["to_curl"]


def to_curl(call: Call) -> str:
    """Return a command for a POSIX shell that sends the same request.

    A secret `env:SMS_KEY` becomes `"$SMS_KEY"`, an access token `"$TOKEN"` and a literal secret `"$SECRET"`; a Basic
    header becomes `--user`, a client certificate `--cert client.pem --key client.key`, files of yours. The command
    holds no secret. A key in the query needs curl 7.87 or newer.
    """
    url = shlex.quote(call.url) + "".join(f"/{_quoted(c.text)}" for c in call.credentials if c.location == "path")
    parts = [f"curl --globoff --request {shlex.quote(call.method)}", f"--url {url}"]
    parts += [f"--header {shlex.quote(_header(name, value))}" for name, value in call.headers]
    parts += [_option(credential) for credential in call.credentials if credential.location != "path"]
    if call.identity is not None:
        parts.append("--cert client.pem --key client.key")
    if call.body is not None:
        parts.append(f"--data-raw {shlex.quote(call.body.decode())}")
    return " \\\n  ".join(parts)


def _header(name: str, value: str) -> str:
    """A header for curl, which drops one that ends with its colon."""
    return f"{name}: {value}" if value else f"{name};"


def _option(credential: Credential) -> str:
    match credential.text.parts:
        case ("Basic ", Base64(parts=parts)) if credential.name == "Authorization":
            return f"--user {_quoted(SecretText(*parts))}"
        case (str() as prefix, *rest) if credential.location == "header":
            return f"--header {shlex.quote(f'{credential.name}: {prefix}')}{_quoted(SecretText(*rest))}"
        case _ if credential.location == "header":
            return f"--header {shlex.quote(f'{credential.name}: ')}{_quoted(credential.text)}"
        case _:
            return f"--url-query {shlex.quote(quote(credential.name, safe='') + '=')}{_quoted(credential.text)}"


def _quoted(text: SecretText) -> str:
    """A text for the shell: plain parts quoted, secrets as variables, Base64 by the command of that name."""
    return "".join(map(_quoted_part, text.parts))


def _quoted_part(part: Plain | Base64) -> str:
    if isinstance(part, Base64):
        return f"\"$(printf %s {_quoted(SecretText(*part.parts))} | base64 | tr -d '\\n')\""
    return shlex.quote(part) if isinstance(part, str) else f'"${_variable(part)}"'


def _variable(secret: object) -> str:
    if isinstance(secret, SecretReference):
        name = re.sub(r"\W", "_", secret.source.partition(":")[2], flags=re.ASCII)
        return f"_{name}" if name[0].isdigit() else name
    return "TOKEN" if isinstance(secret, AccessToken) else "SECRET"
