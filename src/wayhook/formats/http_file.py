"""Calls as an .http file, which editors send from, each secret left as a variable that its reference names.

Written as the HTTP Client of JetBrains and the REST Client of Visual Studio Code both read it: `###` begins a request,
a line that begins with `#` or `//` is a comment wherever it stands, and `{{NAME}}` is a variable in texts, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

import attrs

from wayhook.errors import DefinitionError, Violation
from wayhook.formats.secret_name import secret_names
from wayhook.jsonvalue import parse_json
from wayhook.model.shape import as_tuple
from wayhook.secret import Base64, Credential, Plain, SecretText, Unknown
from wayhook.wire import Call

__all__ = ["to_http_file"]

_METHODS = ("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")
_WORD = re.compile(r"[^\s:]+")
_SYNTAX = re.compile(r"\r|\A\s*\n|\n\s*\Z|^\s*(?:#|//|```|<(?:[\s@]|$)|<>\s|>|@[^\s=]+\s*=)", re.MULTILINE)
"""What an editor does not send as it stands: other line ends, empty lines around a text, and lines that it reads as
comments, scripts, definitions of variables, or names of files."""


def to_http_file(calls: Call | Iterable[Call]) -> str:
    """Return the text of an `.http` (or `.rest`) file with a request for each of `calls`.

    A secret `env:SMS_KEY` becomes `{{SMS_KEY}}`, an access token `{{TOKEN}}`, the identifier of an execution
    `{{DELIVERY_ID}}` and a literal secret `{{SECRET}}` (a second of that name `{{SECRET_2}}`): variables that are set
    in an environment of the editor. The file holds no secret. One in the URL is taken as it stands, so percent-encode
    it in the variable; what is sent in Base64 is one variable, and a comment says of what.
    Raises `DefinitionError` for what such a file cannot say: `{{` outside of JSON, a text with lines that would be read
    as comments or commands, another method than the usual ones.
    """
    given = (calls,) if isinstance(calls, Call) else as_tuple(calls)
    if not isinstance(given, tuple) or not given or not all(isinstance(call, Call) for call in given):
        raise DefinitionError([Violation("$", "calls, such as previews give, become a file; give at least one")])
    file = _File(
        secret_names(part for call in given for credential in call.credentials for part in _blanks(credential))
    )
    requests = [file.request(call, "$" if call is calls else f"$[{i}]") for i, call in enumerate(given)]
    if file.faults:
        raise DefinitionError(file.faults)
    return "\n\n".join(requests) + "\n"


def _parts(credential: Credential) -> tuple[Plain | Base64, ...]:
    """The parts of a credential; an editor encodes a Basic header by itself, when a space stands between its words."""
    match credential.text.parts:
        case ("Basic ", Base64(parts=(user, ":", password))) if credential.name == "Authorization":
            if all(not isinstance(word, str) or _WORD.fullmatch(word) for word in (user, password)):
                return ("Basic ", user, " ", password)
    return credential.text.parts


def _blanks(credential: Credential) -> Iterator[Unknown | Base64]:
    """What is filled in by whoever sends the request."""
    return (part for part in _parts(credential) if not isinstance(part, str))


@attrs.define
class _File:
    """Writes requests, with secrets by their `names`, and collects what cannot be said."""

    names: dict[Unknown | Base64, str]
    faults: list[Violation] = attrs.Factory(list)

    def request(self, call: Call, path: str) -> str:
        self.check(call, path)
        headers = [*call.headers, *((c.name, self.text(c)) for c in call.credentials if c.location == "header")]
        head = [f"{call.method} {self.url(call)}", *(f"{name}: {value}" for name, value in headers)]
        if any(sign in line for line in head for sign in "\r\n"):
            self.faults.append(Violation(path, "a line break stands in the method, the URL or a header; take it out"))
        body = [] if call.body is None else ["", self.body(call.body.decode(), path)]
        return "\n".join([f"### {_line(call.action)}", *self.comments(call), *head, *body])

    def check(self, call: Call, path: str) -> None:
        if call.method not in _METHODS:
            self.faults.append(Violation(f"{path}.method", f"a method of such a file is one of {', '.join(_METHODS)}"))
        constant = [(name, value, "{{") for name, value in call.headers]
        constant += [(c.name, part, "{") for c in call.credentials for part in _parts(c) if isinstance(part, str)]
        for name, text, brace in constant:
            if brace in text:
                message = f"{brace!r} would be read as the beginning of a variable; change the value"
                self.faults.append(Violation(f"{path}.headers.{name}", message))

    def comments(self, call: Call) -> Iterator[str]:
        for credential in call.credentials:
            for blank in _blanks(credential):
                if isinstance(blank, Base64):
                    yield f"# {{{{{self.names[blank]}}}}} is the Base64 form of {_line(SecretText(blank).masked)}"
        if call.identity is not None:
            yield "# A client certificate is shown: name yours in the settings of the editor"

    def url(self, call: Call) -> str:
        path, _, query = call.url.partition("?")
        pairs = [query] if query else []
        for credential in call.credentials:
            if credential.location == "path":
                path = f"{path.removesuffix('/')}/{self.text(credential)}"
            elif credential.location == "query":
                pairs.append(f"{quote(credential.name, safe='')}={self.text(credential)}")
        return "?".join([path, "&".join(pairs)] if pairs else [path])

    def text(self, credential: Credential) -> str:
        parts = (part if isinstance(part, str) else f"{{{{{self.names[part]}}}}}" for part in _parts(credential))
        return "".join(parts)

    def body(self, text: str, path: str) -> str:
        """The body as an editor sends it; JSON has another spelling of a brace."""
        if "{{" in text and _is_json(text):
            text = re.sub(r"\{(?=\{)", r"\\u007b", text)
        if "{{" in text or _SYNTAX.search(text):
            message = "this text would not be sent as it is: lines such as '# …' or '< …', and '{{', say something else"
            self.faults.append(Violation(f"{path}.body", message))
        return text


def _is_json(text: str) -> bool:
    try:
        parse_json(text)
    except DefinitionError:
        return False
    return True


def _line(text: str) -> str:
    """A text on one line."""
    return " ".join(text.split())
