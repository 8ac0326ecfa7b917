"""A call as a curl command, each secret left as a shell variable that its reference names."""

from __future__ import annotations

import shlex
from urllib.parse import quote

import attrs

from wayhook.errors import DefinitionError, Violation
from wayhook.formats.secret_name import secret_names
from wayhook.secret import Base64, Credential, Plain, SecretText, Unknown
from wayhook.wire import Call

__all__ = ["to_curl"]


def to_curl(call: Call) -> str:
    """Return a command for a POSIX shell that sends the same request.

    A secret `env:SMS_KEY` becomes `"$SMS_KEY"`, an access token `"$TOKEN"`, the identifier of an execution
    `"$DELIVERY_ID"` and a literal secret `"$SECRET"` (a second of that name `"$SECRET_2"`); a Basic header becomes
    `--user`, a client certificate `--cert client.pem --key client.key`, files of yours. The command holds no secret. A
    key in the query needs curl 7.87 or newer; one in the path is taken as it stands, so percent-encode it in the
    variable.
    """
    if not isinstance(call, Call):
        message = f"a Call, such as a preview gives, becomes a command, not {type(call).__name__}"
        raise DefinitionError([Violation("$", message)])
    shell = _Shell(secret_names(secret for credential in call.credentials for secret in credential.text.secrets))
    parts = [f"curl --globoff --request {shlex.quote(call.method)}", f"--url {shell.url(call)}"]
    parts += [f"--header {shlex.quote(_header(name, value))}" for name, value in call.headers]
    parts += [shell.option(credential) for credential in call.credentials if credential.location != "path"]
    if call.identity is not None:
        parts.append("--cert client.pem --key client.key")
    if call.body is not None:
        parts.append(f"--data-raw {shlex.quote(call.body.decode())}")
    return " \\\n  ".join(parts)


def _header(name: str, value: str) -> str:
    """A header for curl, which drops one that ends with its colon."""
    return f"{name}: {value}" if value else f"{name};"


@attrs.frozen
class _Shell:
    """Words for the shell: plain parts quoted, secrets as variables by `names`, Base64 by the command of that name."""

    names: dict[Unknown | Base64, str]

    def url(self, call: Call) -> str:
        keys = [credential.text for credential in call.credentials if credential.location == "path"]
        if not keys:
            return shlex.quote(call.url)
        path, sign, query = call.url.partition("?")
        below = "".join(f"/{self.text(key)}" for key in keys)
        return shlex.quote(path.removesuffix("/")) + below + (shlex.quote(sign + query) if sign else "")

    def option(self, credential: Credential) -> str:
        match credential.text.parts:
            case ("Basic ", Base64(parts=parts)) if credential.name == "Authorization":
                return f"--user {self.text(SecretText(*parts))}"
            case (str() as prefix, *rest) if credential.location == "header":
                return f"--header {shlex.quote(f'{credential.name}: {prefix}')}{self.text(SecretText(*rest))}"
            case _ if credential.location == "header":
                return f"--header {shlex.quote(f'{credential.name}: ')}{self.text(credential.text)}"
            case _:
                return f"--url-query {shlex.quote(quote(credential.name, safe='') + '=')}{self.text(credential.text)}"

    def text(self, text: SecretText) -> str:
        return "".join(map(self.part, text.parts))

    def part(self, part: Plain | Base64) -> str:
        if isinstance(part, Base64):
            return f"\"$(printf %s {self.text(SecretText(*part.parts))} | base64 | tr -d '\\n')\""
        return shlex.quote(part) if isinstance(part, str) else f'"${self.names[part]}"'
