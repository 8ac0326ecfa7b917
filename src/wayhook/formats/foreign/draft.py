"""Draft: a request as a source describes it, on its way to an action. No I/O.

Whatever the source, the same is done here with its URL, headers, query, secrets and body.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import attrs

from wayhook.errors import Violation
from wayhook.formats.foreign.address import Address, Question, asked, encoded, fixed_part
from wayhook.formats.foreign.body import Payload, cleared, format_of, text_body
from wayhook.formats.foreign.intake import Intake, well_formed
from wayhook.formats.foreign.keyring import Field, Key, Keyring, Value
from wayhook.formats.foreign.reason import COOKIES
from wayhook.formats.foreign.secrecy import key_in_path
from wayhook.formats.foreign.template import Template
from wayhook.model.action import DEFAULT_HEADERS, Action, BodyFormat, Header, QueryParameter, UrlConfiguration
from wayhook.model.authentication import MutualTlsAuthentication
from wayhook.model.parameter import MessageParameter
from wayhook.model.rule import header_name_faults, header_value_fault, safety_violations
from wayhook.model.url import read_url
from wayhook.secret import SecretReference, SecretText

__all__ = ["Draft", "Field", "drafted"]

_JSON_OF_TEXT = Header("content-type", BodyFormat.JSON.content_type)
"""The Content-Type of a JSON that is sent as a text: spelled as the default, it would give way to that of a text."""
_TWICE = "this name stands there already; an action has each once"
_IDEMPOTENCY = re.compile(r"(x-)?idempotency-key", re.IGNORECASE)


@attrs.frozen(kw_only=True)
class Draft:
    """A request as a source has it.

    `name`: of the action. `path`: of the request in the source. `url`: absolute, its path with a blank wherever it
    changes. `keyring`: with the authentication that the source has beside the headers. `query`: beside that of the URL,
    not encoded. `body`: a text at `body_path`, whose form the Content-Type tells, or `media` where no header does; or
    `payload`: a body that is ready. `identity`: certificate and private key.
    """

    name: str
    path: str
    url: Template
    keyring: Keyring
    method: str = "GET"
    description: str = ""
    headers: tuple[Field, ...] = ()
    query: tuple[Field, ...] = ()
    body: Template | None = None
    body_path: str = ""
    media: str = ""
    payload: Payload | None = None
    identity: tuple[SecretReference, SecretReference] | None = None
    response: tuple[MessageParameter, ...] = ()
    failure_response: tuple[MessageParameter, ...] = ()

    def action(self) -> Action | None:
        """Return the action, or None where the intake was told why there can be none."""
        keyring = attrs.evolve(self.keyring, owner=self.name, keys=list(self.keyring.keys))
        return _Making(self, keyring.intake, keyring).action()


def drafted(
    intake: Intake, drafts: Iterable[tuple[str, str, Callable[[], Draft]]], *, alone: bool
) -> tuple[Action, ...]:
    """Return the action of each draft, given with its path, its name in the source and what makes it.

    One that can be none is left out beside others. Where it is `alone`, or none can be one, the faults stay.
    """
    actions, faults = list[Action](), list[Violation]()
    for path, name, make in drafts:
        found = len(intake.secrets)
        action = make().action()
        if action is not None:
            actions.append(action)
        elif not alone:
            intake.leave_out(path, name, "; ".join(f"{fault.path}: {fault.message}" for fault in intake.faults[:3]))
            del intake.secrets[found:]
            faults += intake.faults
            intake.faults.clear()
            intake.more_faults = 0
    if not actions:
        for fault in faults:
            intake.fault(fault.path, fault.message, fault.rule)
    return tuple(actions)


@attrs.define
class _Making:
    """One draft becoming an action. `media`: the Content-Type that its headers tell."""

    draft: Draft
    intake: Intake
    keyring: Keyring
    description: str = attrs.field(default=attrs.Factory(lambda self: self.draft.description, takes_self=True))
    media: str = ""
    idempotency_header: str | None = None

    def action(self) -> Action | None:
        """The action: its headers first, since the one Authorization is among them, and secrets are known then."""
        draft, keyring = self.draft, self.keyring
        headers = list(self.headers())
        url, query = self.url()
        payload, headers = self.with_media(self.payload(), headers)
        authentication = keyring.authentication()
        if draft.identity is not None:
            authentication = MutualTlsAuthentication(*draft.identity, authentication=authentication)
        headers += [Header(key.name, key.value) for key in keyring.rest("header")]
        query += [QueryParameter(key.name, key.value) for key in keyring.rest("query")]
        headers = [each for each in headers if not self.is_added("header", each.name)]
        query = [each for each in query if not self.is_added("query", each.name)]
        if self.intake.faults:
            return None
        action = Action(
            name=draft.name,
            description="" if self.intake.knows(self.description) else self.description,
            url_configuration=UrlConfiguration(url, method=draft.method, headers=headers, query_parameters=query),
            authentication=authentication,
            message_parameters=payload.parameters,
            body_format=payload.body_format,
            allow_null_values=payload.nulls,
            idempotency_header=self.idempotency_header,
            response=cleared(self.intake, draft.response),
            failure_response=cleared(self.intake, draft.failure_response),
        )
        for fault in safety_violations(action):
            self.intake.fault(draft.path, fault.message, fault.rule)
        return None if self.intake.faults else action

    def leave_out(self, what: str, why: str) -> None:
        self.intake.leave_out(self.draft.path, what, why)

    def is_added(self, location: Literal["header", "query"], name: str) -> bool:
        """Whether the authentication adds a header or query parameter, which is told then."""
        is_added = self.keyring.adds(location, name)
        if is_added:
            self.leave_out(f"the {location} {well_formed(name)}", "the authentication adds one of this name")
        return is_added

    # The URL

    def url(self) -> tuple[str, list[QueryParameter]]:
        """The static URL, and the query parameters beside what stands in it."""
        address = Address.of(self.draft.url)
        origin = address.origin.plain if address is not None else None
        if address is None or origin is None:
            unknown = address.origin.blanks if address is not None else self.draft.url.blanks[:1]
            names = ", ".join(well_formed(blank.name) or "what a command prints" for blank in unknown)
            message = "an absolute URL belongs here, such as https://api.shop.example/v1"
            if unknown:
                message = f"scheme and host are known before a call; give a value for {names}"
            self.intake.fault(f"{self.draft.path}.url", message, "R53" if unknown else "R37")
            return "", []
        if address.user is not None and not self.keyring.is_claimed:
            self.keyring.basic(address.user, address.password)
        if address.fragment:
            self.leave_out("the fragment (#…) of the URL", "it is never sent")
        path = self.path(origin, address.path)
        fixed, query = self.query(address.query)
        url = origin + encoded(path) + (f"?{fixed}" if fixed else "")
        for message, rule in read_url(url)[1]:
            self.intake.fault(f"{self.draft.path}.url", message, rule)
        return url, query

    def path(self, origin: str, path: Template) -> str:
        """The path that never changes; what is below it is told, or is the secret at its end."""
        fixed, below = fixed_part(path)
        secret_from = key_in_path(origin.partition("://")[2].partition(":")[0], path.plain or "")
        if secret_from is not None:
            fixed = fixed[:secret_from]
            reference = self.intake.secret("path", self.draft.name, f"the path behind {fixed or '/'}")
            self.keyring.keys.append(Key("path", "path", reference))
        elif below:
            last = path.part(path.marked.rpartition("/")[2]).only
            if last is not None and isinstance(last.filled, SecretReference) and len(path.blanks) == 1:
                reference = self.keyring.reference("path", Template(last), "the end of the path")
                self.keyring.keys.append(Key("path", last.name, reference))
            else:
                shown = well_formed(below)
                self.leave_out(f"the path {shown}", "what changes of a path is given where the action is used: path=…")
                self.description = f"{self.description}\nPath: {shown}".strip()
        return fixed

    def query(self, questions: tuple[Question, ...]) -> tuple[str, list[QueryParameter]]:
        """The query that stays in the URL, and the parameters.

        What would be spelled differently as a parameter stays where it is, with what stands before it.
        """
        draft = self.draft
        values = [self.keyring.value(Field(q.name, q.value, f"{draft.path}.url"), "query") for q in questions]
        times = Counter(question.name for question in questions)
        staying = [
            i
            for i, (question, value) in enumerate(zip(questions, values, strict=True))
            if isinstance(value, str) and (times[question.name] > 1 or not question.is_plain(value))
        ]
        last = max(staying, default=-1)
        fixed, query = [], list[tuple[str, Value]]()
        for i, (question, value) in enumerate(zip(questions, values, strict=True)):
            if isinstance(value, str) and i <= last:
                fixed.append(encoded(question.spelled))
            else:
                query.append((question.name, value))
        for field in draft.query:
            value = self.keyring.value(field, "query")
            if isinstance(value, str) and field.name.startswith((".", "$")):
                fixed.append(asked(field.name, value))
            else:
                query.append((field.name, value))
        return "&".join(fixed), list(self.parameters(query))

    def parameters(self, query: list[tuple[str, Value]]) -> Iterator[QueryParameter]:
        seen = set()
        for name, value in query:
            why = _TWICE if name in seen else ""
            if not name or name.startswith((".", "$")):
                why = "a query parameter that is no constant has a name, which begins with no '.' or '$'"
            seen.add(name)
            if why:
                self.leave_out(f"the query parameter {well_formed(name)}", why)
            elif isinstance(value, SecretReference | SecretText):
                self.keyring.keys.append(Key("query", name, value))
            else:
                self.intake.places.append(name)
                yield QueryParameter(name, value)

    # Headers

    def headers(self) -> Iterator[Header]:
        """The headers that stay such, in order."""
        seen = set()
        for field in sorted(self.draft.headers, key=lambda field: field.name.lower() != "authorization"):
            name = field.name.lower()
            fault = next((fault.message for fault in header_name_faults(field.name, "")), "")
            if name in seen or name in ("cookie", "set-cookie"):
                fault = _TWICE if name in seen else COOKIES
            seen.add(name)
            if fault:
                self.intake.leave_out(field.path, f"the header {well_formed(field.name)}", fault)
            elif not self.taken(field):
                yield from self.header(field)

    def taken(self, field: Field) -> bool:
        """Whether a header is another part of an action: its authentication, its identifier, or nothing of its own."""
        value = field.value
        plain = value.plain if isinstance(value, Template) else None
        match field.name.lower():
            case "content-type" if plain is not None:
                self.media = plain.strip()
                return False
            case "content-type" | "charset" if plain is None or plain.strip().upper() != "UTF-8":
                self.intake.leave_out(field.path, field.name, "it is a constant: that of the body, and UTF-8")
            case "authorization" if isinstance(value, Template):
                self.keyring.authorization(value, field.path)
            case name if _IDEMPOTENCY.fullmatch(name):
                self.idempotency_header = field.name
                why = "each execution sends an identifier of its own"
                self.intake.leave_out(field.path, f"the value of {field.name}", why)
            case _:
                return False
        return True

    def header(self, field: Field) -> Iterator[Header]:
        value = self.keyring.value(field, "header")
        fault = header_value_fault(value) if isinstance(value, str) else ""
        if fault:
            self.intake.leave_out(field.path, f"the header {field.name}", fault)
        elif isinstance(value, SecretReference | SecretText):
            self.keyring.keys.append(Key("header", field.name, value))
        else:
            self.intake.places.append(field.name)
            yield Header(field.name, value)

    # The body

    def payload(self) -> Payload:
        draft, payload = self.draft, self.draft.payload
        if payload is None and draft.body is not None:
            self.media = self.media or draft.media
            payload = text_body(self.intake, draft.body, self.media, draft.body_path or draft.path)
        payload = payload or Payload()
        self.intake.places += payload.places
        return payload

    def with_media(self, payload: Payload, headers: list[Header]) -> tuple[Payload, list[Header]]:
        """The payload, and its Content-Type among the headers; without a body the type tells what would be sent."""
        media = self.media or self.draft.media
        kind = format_of(media) if media else payload.body_format
        if kind is None or header_value_fault(media) or (payload.parameters and not _goes_with(payload, kind)):
            what = f"a {payload.body_format} body" if payload.parameters else "a body that an action can have"
            self.leave_out("Content-Type", f"it is not that of {what}")
            return payload, [header for header in headers if header.name.lower() != "content-type"]
        if not payload.parameters:
            payload = attrs.evolve(payload, body_format=kind)
        if media and not any(header.name.lower() == "content-type" for header in headers):
            headers = [Header("Content-Type", media), *headers]
        if payload.body_format is not BodyFormat.JSON:
            headers = [_JSON_OF_TEXT if header == DEFAULT_HEADERS[0] else header for header in headers]
        return payload, headers


def _goes_with(payload: Payload, kind: BodyFormat) -> bool:
    """Whether a body is sent under the Content-Type of that kind; a text is under any."""
    return payload.body_format in (kind, BodyFormat.RAW)
