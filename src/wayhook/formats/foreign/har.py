"""From a HAR, an entry or a whole log of version 1.2, to actions: one for each entry. No I/O."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from wayhook.errors import DefinitionError, DocumentError, Violation, closest
from wayhook.formats.foreign.address import Address, asked, call_name
from wayhook.formats.foreign.body import Payload, answer_fields, form_body, format_of
from wayhook.formats.foreign.draft import Draft, Field, drafted
from wayhook.formats.foreign.imported import Imported
from wayhook.formats.foreign.intake import Intake, Secrets, Variables, shown, well_formed
from wayhook.formats.foreign.keyring import Keyring
from wayhook.formats.foreign.reason import COOKIES, PARTS
from wayhook.formats.foreign.source import Node, opened
from wayhook.formats.foreign.template import Template
from wayhook.jsonvalue import parse_json
from wayhook.model.action import BodyFormat
from wayhook.model.parameter import MessageParameter

__all__ = ["from_har"]

_VERSIONS = ("1.1", "1.2")
_TRANSPORT = "they belong to the connection, or to HTTP/2; the transport makes its own"
_OF_CONNECTION = frozenset(
    {
        "accept-encoding", "connection", "content-length", "expect", "host", "keep-alive", "proxy-authenticate",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip


def from_har(
    entry_or_log: Mapping[str, Any] | str | bytes,
    request: str | None = None,
    *,
    name: str = "",
    variables: Variables | None = None,
    secrets: Secrets | None = None,
) -> Imported:
    """Read the requests of a HAR (HTTP Archive 1.2) as actions, and their answers as samples.

    `entry_or_log`: one entry, or a log with its entries, parsed or as JSON text of at most 20,000,000 characters and
    1,000,000 parts. `request`: method and path of one, such as `POST /v1/messages`, the first where there are several;
    all of them unless given. `name`: of the one action. `variables`, `secrets`: as for `from_curl`.

    Raises `DocumentError` with every fault of the archive, `DefinitionError` for a request that it does not have.
    """
    intake = Intake.of(name, secrets, variables)
    if request is not None and not isinstance(request, str):
        raise DefinitionError([Violation("$.request", f"method and path belong here, not {shown(request)}")])
    entries = _entries(Node(opened(entry_or_log, "a HAR"), "$", intake))
    intake.require_none()
    if request is not None:
        entries = [_chosen(request, entries)]
    drafts = ((each.path, _title(each), partial(_draft, each, intake)) for each in entries)
    return intake.imported(drafted(intake, drafts, alone=request is not None or len(entries) == 1))


def _entries(root: Node) -> list[Node]:
    """The entries: of a log, or the one that it is; raises `DocumentError` for another version."""
    if root.at("request").is_there:
        return [root]
    log = root.at("log") if root.at("log").is_object else root
    version = log.at("version").value
    if not isinstance(log.at("entries").value, list):
        message = "a HAR is a log with its entries, or one entry with its request"
        raise DocumentError([Violation(f"{log.path}.entries", message)])
    if version is not None and version not in _VERSIONS:
        raise DocumentError([Violation(f"{log.path}.version", "a HAR of version 1.2 is read; record it again as one")])
    entries = log.each("entries")
    for entry in entries:
        if not entry.is_object:
            entry.refuse("an entry")
    return entries


def _title(entry: Node) -> str:
    """Method and path of an entry."""
    request = entry.object("request")
    address = Address.of(Template(request.text("url")))
    path = (address.path.plain or "/") if address else "?"
    return f"{request.text('method', 'GET').upper()} {path}"


def _chosen(wanted: str, entries: list[Node]) -> Node:
    titles = {_title(entry): entry for entry in reversed(entries)}
    if wanted in titles:
        return titles[wanted]
    close = closest(wanted, titles)
    listed = ", ".join(well_formed(each) for each in list(titles)[:8]) or "none"
    hint = f"did you mean {well_formed(close)!r}?" if close else f"there are {listed}"
    raise DefinitionError([Violation("$.request", f"the HAR has no request {well_formed(wanted)!r}; {hint}")])


def _draft(entry: Node, intake: Intake) -> Draft:
    request = entry.object("request")
    if not request.is_there:
        entry.at("request").refuse("the request of the entry")
    method, url = request.text("method", "GET").upper(), _url(request)
    if not re.fullmatch(r"[A-Z]+", method):
        request.at("method").refuse("the name of a method")
    if entry.at("_webSocketMessages").value:
        entry.at("_webSocketMessages").leave_out("the messages of a web socket", "an action makes a request")
    name = intake.named(call_name(method, url))
    headers = tuple(_headers(request))
    posted = request.object("postData")
    text, payload = _body(posted, intake)
    is_multipart = text is None and payload is None
    if is_multipart:
        headers = tuple(header for header in headers if header.name.lower() != "content-type")
    fields, succeeded = _answer(entry.object("response"), intake)
    return Draft(
        name=name,
        path=request.path,
        url=url,
        keyring=Keyring(intake, name),
        method=method,
        headers=headers,
        body=text,
        body_path=posted.path,
        media=posted.text("mimeType") if text is not None else "",
        payload=payload,
        response=fields if succeeded else (),
        failure_response=() if succeeded else fields,
    )


def _url(request: Node) -> Template:
    """The URL, with what it should have of the query and does not."""
    url = Template(request.text("url"))
    address = Address.of(url)
    there = {question.name for question in address.query} if address else set()
    missing = [
        asked(each.text("name"), each.text("value"))
        for each in request.each("queryString")
        if each.text("name") not in there
    ]
    text, _, _ = (url.plain or "").partition("#")
    return Template(text + ("&" if "?" in text else "?") + "&".join(missing)) if missing else url


def _headers(request: Node) -> Iterator[Field]:
    """The headers that are not of the connection; one note for all of these."""
    left = []
    for each in request.each("headers"):
        name = each.text("name")
        if name.startswith(":") or name.lower() in _OF_CONNECTION:
            left.append(name)
        elif name.lower() != "cookie":
            yield Field(name, Template(each.text("value")), each.path)
    if left:
        request.at("headers").leave_out(", ".join(dict.fromkeys(left)), _TRANSPORT)
    if request.each("cookies") or any(each.text("name").lower() == "cookie" for each in request.each("headers")):
        request.at("cookies").leave_out("the cookies", COOKIES)


def _body(posted: Node, intake: Intake) -> tuple[Template | None, Payload | None]:
    """The body as text, or as a payload where only its fields are there; neither, where it has none."""
    media, text = posted.text("mimeType"), posted.text("text")
    pairs = posted.each("params")
    if media.lower().startswith("multipart/") and (pairs or text):
        posted.leave_out("the body", PARTS)
        return None, None
    if text or not pairs:
        return (Template(text) if text else None), None if text else Payload()
    if format_of(media) not in (BodyFormat.FORM, None):
        posted.leave_out("the body", "it has the fields of a form and another type")
        return None, None
    return None, form_body(intake, [(each.text("name"), Template(each.text("value"))) for each in pairs], posted.path)


def _answer(response: Node, intake: Intake) -> tuple[tuple[MessageParameter, ...], bool]:
    """The fields of the answer, and whether it was a success."""
    status, content = response.at("status").value, response.object("content")
    succeeded = isinstance(status, int) and 200 <= status < 300  # noqa: PLR2004
    text = content.text("text")
    if not text:
        return (), succeeded
    try:
        raw = base64.b64decode(text, validate=True) if content.text("encoding") == "base64" else text
        value = parse_json(raw)
    except (binascii.Error, ValueError, DefinitionError):
        value = None
    if not isinstance(value, dict):
        content.leave_out("the answer", "only a JSON object has fields that can be read")
        return (), succeeded
    return answer_fields(intake, value, f"{content.path}.text"), succeeded
