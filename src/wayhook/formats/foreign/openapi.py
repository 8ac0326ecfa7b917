"""From an OpenAPI document, 3.0 or 3.1, to actions: one for each operation. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import attrs

from wayhook.errors import DefinitionError, DocumentError, Violation, closest
from wayhook.formats.foreign.address import Address
from wayhook.formats.foreign.body import Payload, format_of
from wayhook.formats.foreign.draft import Draft, Field, drafted
from wayhook.formats.foreign.imported import Imported
from wayhook.formats.foreign.intake import Intake, Secrets, Variables, shown, well_formed
from wayhook.formats.foreign.keyring import Keyring
from wayhook.formats.foreign.outline import Outline, fitting
from wayhook.formats.foreign.reason import COOKIES, UNASKED
from wayhook.formats.foreign.schema import Schemas, resolved, schema_of
from wayhook.formats.foreign.secrecy import holds_secret, is_secret
from wayhook.formats.foreign.security import Security
from wayhook.formats.foreign.source import Node, opened, step
from wayhook.formats.foreign.template import Blank, Piece, Template
from wayhook.formats.foreign.yaml import parse_yaml
from wayhook.model.action import BodyFormat
from wayhook.model.parameter import MessageParameter, Variable
from wayhook.model.url import MAX_LENGTH
from wayhook.values import DataType, text_of

__all__ = ["from_openapi"]

_METHODS = ("get", "put", "post", "patch", "delete", "head", "options")
_VERSION = re.compile(r"3\.[01](\.[0-9]+)?(-.*)?")
_PARAMETER = re.compile(r"\{([^{}/]*)\}")
_OF_BODY = frozenset({"accept", "content-type", "authorization"})
_WANTED = (BodyFormat.JSON, BodyFormat.FORM, BodyFormat.RAW)
_TEXT = "body"
_ANY = "*/*"
_OF_THE_SERVICE = "these are calls that the service makes"
_DEPRECATED = "the service will give it up; look for what takes its place"


def from_openapi(
    document: Mapping[str, Any] | str | bytes,
    operation: str | None = None,
    *,
    name: str = "",
    server: str | None = None,
    variables: Variables | None = None,
    secrets: Secrets | None = None,
    connections: bool = False,
) -> Imported:
    """Read operations of an OpenAPI document (3.0 or 3.1) as actions.

    `document`: parsed, or as text in JSON or YAML (extra `yaml`), of at most 20,000,000 characters and 1,000,000 parts.
    `operation`: an operationId, or method and path such as `POST /pets`; all of them unless given. `name`: of the one
    action. `server`: the absolute URL before the paths, in the place of the document's own. `variables`: unless given,
    everything is a variable but what can have one value only, and what is not required is optional; a mapping of names
    and dotted paths to labels makes these variable, and constants of everything that has a default or an example.
    `secrets`: where to keep each secret, by the name of its security scheme. `connections`: make connections of the
    security schemes, to which the actions refer.

    Raises `DocumentError` with every fault of the document, `DefinitionError` for an operation that it does not have.
    """
    intake = Intake.of(name, secrets, variables)
    faults = [
        Violation(f"$.{word}", f"{wanted} belongs here, not {shown(value)}")
        for word, value, wanted, kinds in (
            ("operation", operation, "an operationId, or method and path,", str | None),
            ("server", server, "a URL", str | None),
            ("connections", connections, "True or False", bool),
        )
        if not isinstance(value, kinds)
    ]
    if faults:
        raise DefinitionError(faults)
    root = Node(opened(document, "an OpenAPI document", parse_yaml), "$", intake)
    _require_version(root)
    reading = _Reading(root, intake, Security(root, intake, connections), server, variables is not None)
    operations = list(reading.operations())
    intake.require_none()
    if operation is not None:
        operations = [_chosen(operation, operations)]
    elif root.at("webhooks").is_there:
        root.at("webhooks").leave_out("webhooks", _OF_THE_SERVICE)
    drafts = ((each.node.path, each.title, partial(reading.draft, each)) for each in operations)
    actions = drafted(intake, drafts, alone=operation is not None)
    return intake.imported(actions, reading.security.connections.values())


def _require_version(root: Node) -> None:
    """Raise `DocumentError` for a document of another version."""
    if root.at("swagger").is_there:
        message = "this is Swagger 2.0; convert it to OpenAPI 3 first, as the editors of Swagger do"
        raise DocumentError([Violation("$.swagger", message)])
    version = root.value.get("openapi")
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        given = f"this says {well_formed(version)!r}" if isinstance(version, str) else "this names none"
        raise DocumentError([Violation("$.openapi", f"OpenAPI 3.0 and 3.1 are read; {given}")])
    if not root.at("paths").is_object:
        raise DocumentError([Violation("$.paths", "a document with operations has paths; add them")])


@attrs.frozen
class _Operation:
    """One operation. `item`: what its path has for all of its methods."""

    method: str
    path: str
    node: Node
    item: Node

    @property
    def title(self) -> str:
        return f"{self.method.upper()} {self.path}"


def _chosen(wanted: str, operations: list[_Operation]) -> _Operation:
    method, _, path = wanted.partition(" ")
    for each in operations:
        if each.node.value.get("operationId") == wanted or (each.method, each.path) == (method.lower(), path.strip()):
            return each
    known = [str(each.node.value.get("operationId") or each.title) for each in operations]
    close = closest(wanted, [*known, *(each.title for each in operations)])
    hint = f"did you mean {close!r}?" if close else f"there are {', '.join(known[:8]) or 'none'}"
    raise DefinitionError([Violation("$.operation", f"the document has no operation {well_formed(wanted)!r}; {hint}")])


@attrs.define
class _Reading:
    """One document being read. `chosen`: the caller says what is variable."""

    root: Node
    intake: Intake
    security: Security
    server: str | None
    chosen: bool

    def operations(self) -> Iterator[_Operation]:
        for path, given in self.root.at("paths").fields():
            if path.startswith("x-"):
                continue
            item = resolved(given, self.root)
            if not item.is_object:
                given.leave_out(f"the path {well_formed(path)}", "it describes nothing")
            for method, node in item.fields():
                if method in _METHODS and node.is_object:
                    yield _Operation(method, path, node, item)
                elif method == "trace" or method in _METHODS:
                    node.leave_out(f"{method.upper()} {well_formed(path)}", "it is no operation that an action makes")

    def draft(self, operation: _Operation) -> Draft:
        node = operation.node
        url = self.url(operation)
        address = Address.of(url)
        host = (address.origin.plain or "").partition("://")[2].partition(":")[0] if address else ""
        parameters = list(self.parameters(operation))
        authentication, keys = self.security.of(node, host)
        for key in keys:
            field = Field(key.name, key.value, f"{node.path}.security")  # type: ignore[arg-type]  # a reference, as found
            parameters.append((key.location, field))
        payload, media = self.payload(node)
        for word, why in (("callbacks", _OF_THE_SERVICE), ("deprecated", _DEPRECATED)):
            if node.value.get(word):
                node.leave_out(word, why)
        responses = node.object("responses")
        name = self.intake.named(node.text("operationId"), operation.title)
        return Draft(
            name=name,
            path=node.path,
            url=url,
            keyring=Keyring(self.intake, name, authentication),
            method=operation.method.upper(),
            description=_description(node),
            headers=tuple(field for kind, field in parameters if kind == "header"),
            query=tuple(field for kind, field in parameters if kind == "query"),
            payload=payload,
            media=media,
            response=self.answer(responses, ("2",)),
            failure_response=self.answer(responses, ("4", "5", "default")),
        )

    # The URL

    def url(self, operation: _Operation) -> Template:
        """The URL of an operation, what its path leaves open in it."""
        base = self.base(operation).rstrip("/")
        if len(operation.path) > MAX_LENGTH:
            self.intake.fault(operation.node.path, f"a path has at most {MAX_LENGTH:,} characters; shorten it", "R37")
            return Template(base)
        if not operation.path.startswith("/"):  # it would go on with the name of the host
            message = f"a path begins with a slash; write /{well_formed(operation.path)}"
            self.intake.fault(operation.item.path, message)
            return Template(base)
        pieces: list[Piece] = []
        end = 0
        for found in _PARAMETER.finditer(operation.path):
            pieces += [operation.path[end : found.start()], Blank(found[1])]
            end = found.end()
        return Template(base, *pieces, operation.path[end:])

    def base(self, operation: _Operation) -> str:
        if self.server is not None:
            return self.server
        places = [node for node in (operation.node, operation.item, self.root) if node.each("servers")]
        servers = places[0].each("servers") if places else []
        if not servers:
            self.intake.fault("$.servers", "the document names no server; give server='https://…'")
            return "https://missing"
        for other in servers[1:]:
            other.leave_out("another server", "an action has one URL; give server='https://…' for another one")
        server = servers[0]
        given, variables = server.text("url"), server.at("variables")
        defaults = {name: variable.text("default") for name, variable in variables.fields()}
        if len(given) > MAX_LENGTH or any(len(default) > MAX_LENGTH for default in defaults.values()):
            self.intake.fault(f"{server.path}.url", f"a URL has at most {MAX_LENGTH:,} characters; shorten it", "R37")
            return "https://missing"
        url = _PARAMETER.sub(lambda found: defaults.get(found[1], found[0]), given)
        if not url.startswith(("http://", "https://")):
            message = f"the server {well_formed(url)!r} has no host; give server='https://HOST{well_formed(url)}'"
            self.intake.fault(f"{server.path}.url", message)
            return "https://missing"
        return url

    # Parameters

    def parameters(self, operation: _Operation) -> Iterator[tuple[str, Field]]:
        """The headers and query parameters, each with its kind; those of the operation go before those of its path."""
        found: dict[tuple[str, str], Node] = {}
        for owner in (operation.item, operation.node):
            for given in owner.each("parameters"):
                node = resolved(given, self.root)
                found[node.text("in"), node.text("name")] = node
        for (kind, name), node in found.items():
            match kind:
                case "query" | "header" if name and not (kind == "header" and name.lower() in _OF_BODY):
                    yield from ((kind, field) for field in self.parameter(name, node))
                case "cookie":
                    node.leave_out(f"the cookie {well_formed(name)}", COOKIES)
                case "path" | "header":
                    pass  # the path is told with the URL; these headers are those of body and authentication
                case _:
                    node.leave_out("a parameter", "it has a name, and stands in path, query, header or cookie")

    def parameter(self, name: str, node: Node) -> Iterator[Field]:
        """A parameter as a constant, a variable or, by its name, a secret; nothing for one that is left out."""
        given = node.at("schema")
        content = next((each for _, each in node.at("content").fields()), None)
        schema = Schemas(self.root).merged(content.at("schema") if content else given)
        required = node.flag("required")
        if schema is None:
            return
        if schema.kind == "object" and content is None:
            node.leave_out(f"the parameter {well_formed(name)}", "an object is no text; add a parameter for each field")
            return
        if schema.kind == "array":
            node.leave_out(
                f"the parameter {well_formed(name)} more than once", "it is sent once; join its items to one text"
            )
        if is_secret(name, among_keys=True) or self.intake.given(name) is not None:
            yield Field(name, Template(Blank(name)), node.path)
            return
        wanted = self.intake.variable(name)
        values = [node.value.get("example"), *schema.values()]
        value = next(
            (each for each in values if schema.kind not in ("array", "object") and fitting(schema.data_type, each)),
            None,
        )
        is_constant = wanted is None and (self.chosen or len(schema.choices) == 1)
        if is_constant and value is not None:
            yield Field(name, Template(text_of(value)), node.path)
        elif is_constant and not required:
            node.leave_out(f"the parameter {well_formed(name)}", UNASKED)
        else:
            label = schema.label or attrs.evolve(schema, words=node.value).label
            yield Field(name, wanted or Variable(label, optional=not required), node.path)

    # Bodies

    def payload(self, operation: Node) -> tuple[Payload | None, str]:
        """The body of an operation, and its Content-Type; told, where it can be none of an action's."""
        content = resolved(operation.object("requestBody"), self.root).object("content")
        names = [name for name, _ in content.fields()]
        media = next((name for wanted in _WANTED for name in names if _is_sent(name, wanted)), None)
        if media is None:
            if names:
                content.leave_out(
                    ", ".join(names), "a body is JSON, a form or a text; ask the service for one of these"
                )
            return None, ""
        if len(names) > 1:
            others = ", ".join(name for name in names if name != media)
            content.leave_out(others, f"a body has one Content-Type, here {media}")
        payload = self.fields(content.object(media), format_of(media) or BodyFormat.JSON)
        return payload, "" if media in (_ANY, payload.body_format.content_type) else media

    def fields(self, node: Node, kind: BodyFormat) -> Payload:
        """The fields of a body, or the one text that it is."""
        example = _example(node, self.root)
        schema = node.at("schema")
        if not schema.is_there and example is not None:
            schema = attrs.evolve(schema, value=schema_of(example))
        outline = Outline(self.intake, Schemas(self.root), chosen=self.chosen)
        if kind is not BodyFormat.RAW:
            parameters = outline.parameters(schema, example)
            if parameters is not None:
                return Payload(self.fitting(node, parameters, kind), kind)
            schema.leave_out("the fields of the body", "it is no object; the body is one text")
        return Payload((self.text(schema, example),), BodyFormat.RAW)

    def text(self, node: Node, example: Any) -> MessageParameter:
        """The one text that a body is: a constant where it can have one value only."""
        schema = Schemas(self.root).merged(node)
        values = [] if schema is None or schema.kind != "string" else [example, *schema.values()]
        value = next((each for each in values if isinstance(each, str) and not holds_secret(each)), None)
        wanted = self.intake.variable(_TEXT)
        if wanted is None and value is not None and schema is not None and len(schema.choices) == 1:
            return MessageParameter(_TEXT, DataType.STRING, value)
        label = schema.label if schema is not None and schema.kind == "string" else ""
        variable = wanted or Variable(label or _TEXT, sample=value)
        return MessageParameter(_TEXT, DataType.STRING, variable=variable)

    def fitting(
        self, node: Node, found: tuple[MessageParameter, ...], kind: BodyFormat
    ) -> tuple[MessageParameter, ...]:
        """The parameters that a body of a format can have."""
        nested = (DataType.OBJECT, DataType.LIST_OBJECT, DataType.LIST_ANY)
        if kind is BodyFormat.JSON:
            return found
        for parameter in found:
            if parameter.data_type in nested:
                path = step(node.path, parameter.name)
                self.intake.leave_out(path, "a field", "a form holds single values and lists of these")
        return tuple(parameter for parameter in found if parameter.data_type not in nested)

    def answer(self, responses: Node, wanted: tuple[str, ...]) -> tuple[MessageParameter, ...]:
        """The fields of the first answer with a JSON object, of those whose status begins so; the others are told."""
        found: tuple[MessageParameter, ...] = ()
        read: Any = None
        for status in sorted(status for status, _ in responses.fields() if status.startswith(wanted)):
            content = resolved(responses.object(status), self.root).object("content")
            media = next((name for name, _ in content.fields() if format_of(name) is BodyFormat.JSON), "")
            schema = content.at(media).at("schema")
            if not media:
                if content.value:
                    content.leave_out("an answer", "only JSON is read")
            elif not found:
                found, read = self.answer_fields(content.at(media)), schema.value
            elif schema.value != read:
                content.leave_out("another answer", "an action reads the fields of one success and of one failure")
        return found

    def answer_fields(self, media: Node) -> tuple[MessageParameter, ...]:
        example, schema = _example(media, self.root), media.at("schema")
        if not schema.is_there and example is not None:
            schema = attrs.evolve(schema, value=schema_of(example))
        fields = Outline(self.intake, Schemas(self.root), answer=True).parameters(schema, example)
        if fields is None:
            schema.leave_out("an answer", "only an object has fields that can be read")
        return fields or ()


def _is_sent(media: str, kind: BodyFormat) -> bool:
    """Whether a body of a Content-Type is sent in a format; a text only where it is one, or an XML."""
    if kind is BodyFormat.RAW:
        return re.match(r"text/|application/(.*\+)?xml", media) is not None
    return format_of(media) is kind or (kind is BodyFormat.JSON and media == _ANY)


def _example(media: Node, root: Node) -> Any:
    """The example of a body, or the first of several."""
    if media.at("example").is_there:
        return media.at("example").value
    return next((resolved(each, root).at("value").value for _, each in media.at("examples").fields()), None)


def _description(node: Node) -> str:
    texts = [node.text("summary").strip(), node.text("description").strip()]
    return "\n".join(dict.fromkeys(filter(None, texts)))
