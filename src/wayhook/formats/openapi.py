"""Actions as an OpenAPI 3.1 document: what is called, with what, and what is read of the answer; no secret in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import parse_qsl

import attrs

from wayhook.errors import DefinitionError, Violation
from wayhook.formats.sample import sample_of, samples_of, type_schema
from wayhook.jsonvalue import SHOWN
from wayhook.model.action import DEFAULT_HEADERS, Action, BodyFormat, Header, QueryParameter, UrlConfiguration
from wayhook.model.authentication import ConnectionReference, MutualTlsAuthentication
from wayhook.model.authorization import OAuthClientCredentials
from wayhook.model.parameter import MessageParameter, Variable
from wayhook.model.rule import safety_violations
from wayhook.model.shape import as_tuple, type_fault
from wayhook.model.url import masked_endpoint, parse_url
from wayhook.secret import Base64, Credential, LiteralSecret, SecretReference, SecretText, secret_text
from wayhook.values import DataType

__all__ = ["LEFT_OUT", "to_openapi"]

LEFT_OUT = "x-wayhook-left-out"
_METHODS = frozenset({"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"})
_IGNORED = frozenset({"accept", "authorization"})
"""Headers that OpenAPI does not let a parameter describe; the Content-Type is that of the body."""
_CONTENT_TYPE = DEFAULT_HEADERS[0]


def to_openapi(actions: Action | Iterable[Action], *, title: str = "Actions", version: str = "1.0.0") -> dict[str, Any]:
    """Return an OpenAPI 3.1 document with an operation for each of `actions`, made of dicts, lists and JSON scalars.

    The name of an action is its `operationId`. A variable is a parameter, or a property with its label as `title` and
    its sample in `examples`; a constant has its value as `const`. Where the static URL ends with `/`, the path that an
    activity gives is the parameter `path`. Secrets are security schemes. `response` is the answer `2XX`, and
    `failure_response` the `default` one. What OpenAPI has no place for is listed below `x-wayhook-left-out`: the
    `action`, the `path` in it, and a `message`.
    `title`, `version`: of the document. Raises `DefinitionError` for two actions of one name, and for what cannot be
    called at all.
    """
    given = (actions,) if isinstance(actions, Action) else as_tuple(actions)
    if not isinstance(given, tuple) or not all(isinstance(action, Action) for action in given):
        raise DefinitionError([Violation("$", "an Action, or a sequence of actions, becomes an OpenAPI document")])
    faults = [*type_fault(title, str, "$.title", "text"), *type_fault(version, str, "$.version", "text")]
    places = ["$"] if isinstance(actions, Action) else [f"$[{i}]" for i in range(len(given))]
    faults += _action_faults(zip(places, given, strict=True))
    if faults:
        raise DefinitionError(faults)
    document = _Document()
    for action in given:
        document.add(action)
    return document.written(title, version)


def _action_faults(actions: Iterable[tuple[str, Action]]) -> Iterator[Violation]:
    """Names that stand there twice, and what cannot be called; each action has its place."""
    seen: set[str] = set()
    for place, action in actions:
        if action.name in seen:
            yield Violation(f"{place}.name", f"two actions are named {action.name[:SHOWN]!r}; rename one")
        seen.add(action.name)
        if action.url_configuration is not None:
            for violation in safety_violations(action):
                yield attrs.evolve(violation, path=place + violation.path.removeprefix("$"))


@attrs.define
class _Document:
    """Operations by path and method, each with its server; security schemes by name; what is left out."""

    operations: dict[tuple[str, str], tuple[str, dict[str, Any]]] = attrs.Factory(dict)
    schemes: dict[str, dict[str, Any]] = attrs.Factory(dict)
    left_out: list[dict[str, str]] = attrs.Factory(list)

    def add(self, action: Action) -> None:
        configuration = action.url_configuration
        if configuration is None:
            self.leave_out(action, "$", "it makes no HTTP call of its own")
        elif configuration.method not in _METHODS:
            self.leave_out(action, "$.url_configuration.method", "OpenAPI has no such method; the action is left out")
        elif (place := self.place(configuration)) is None:
            message = "another action makes the same call, with the same method and URL; this one is left out"
            self.leave_out(action, "$.url_configuration.url", message)
        else:
            server, path = place
            operation = _Operation(action, configuration, self.scheme, lambda *why: self.leave_out(action, *why))
            self.operations[path, configuration.method.lower()] = server, operation.written()

    def place(self, configuration: UrlConfiguration) -> tuple[str, str] | None:
        """A server and a path below it, both of the URL, that no other action has; None where all are taken."""
        url = parse_url(configuration.url)
        first, *steps = (url.path or "/").split("/")
        below = [*steps[:-1], "{path}"] if configuration.url.partition("?")[0].endswith("/") else steps
        for i in range(len(below)):
            server, path = "/".join([url.origin + first, *below[:i]]), "/" + "/".join(below[i:])
            if (path, configuration.method.lower()) not in self.operations:
                return server, path
        return None

    def scheme(self, scheme: dict[str, Any]) -> str:
        """The name of a security scheme: that of its type, with a number where there are several."""
        kind = scheme.get("scheme", scheme["type"])
        number = 1
        while self.schemes.setdefault(name := f"{kind}{number}" if number > 1 else kind, scheme) != scheme:
            number += 1
        return name

    def leave_out(self, action: Action, path: str, message: str) -> None:
        self.left_out.append({"action": action.name, "path": path, "message": message})

    def written(self, title: str, version: str) -> dict[str, Any]:
        servers = list(dict.fromkeys(server for server, _ in self.operations.values()))
        paths: dict[str, Any] = {}
        for (path, method), (server, operation) in self.operations.items():
            own = {"servers": [{"url": server}]} if len(servers) > 1 else {}
            paths.setdefault(path, {})[method] = {**operation, **own}
        return _given(
            openapi="3.1.0",
            info={"title": title, "version": version},
            servers=[{"url": server} for server in servers],
            paths=paths,
            components={"securitySchemes": self.schemes} if self.schemes else None,
        ) | ({LEFT_OUT: self.left_out} if self.left_out else {})


def _given(**parts: Any) -> dict[str, Any]:
    """An object of what there is; an empty list or text is as good as none."""
    return {name: part for name, part in parts.items() if part is not None and part not in ([], "")}


@attrs.define
class _Operation:
    """One action as an operation. `scheme`: names a security scheme. `leave_out`: takes a path and the reason."""

    action: Action
    configuration: UrlConfiguration
    scheme: Callable[[dict[str, Any]], str]
    leave_out: Callable[[str, str], None]
    names: set[tuple[str, str]] = attrs.Factory(set)
    parameters: list[dict[str, Any]] = attrs.Factory(list)
    security: dict[str, list[str]] = attrs.Factory(dict)

    def written(self) -> dict[str, Any]:
        self.path()
        self.pairs("header", self.configuration.headers)
        self.pairs("query", (*self.static_query(), *self.configuration.query_parameters))
        self.idempotency_header()
        self.authentication()
        self.rest()
        return _given(
            operationId=self.action.name,
            description=self.action.description,
            parameters=self.parameters,
            requestBody=self.body(),
            responses=self.responses(),
            security=[self.security] if self.security else None,
        )

    def path(self) -> None:
        if self.configuration.url.partition("?")[0].endswith("/"):
            description = "What stands below the static URL, given where the action is used; it may hold '/'"
            self.parameter("path", "path", {"type": "string"}, description=description)

    def static_query(self) -> Iterator[QueryParameter]:
        query = parse_url(self.configuration.url).query
        return (QueryParameter(name, value) for name, value in parse_qsl(query, keep_blank_values=True))

    def pairs(self, place: Literal["header", "query"], pairs: Iterable[Header | QueryParameter]) -> None:
        for pair in pairs:
            name, value = pair.name, pair.value
            at = f"$.url_configuration.{'headers' if place == 'header' else 'query_parameters'}.{name}"
            if place == "header" and name.lower() == "content-type":
                if not self.action.message_parameters and pair != _CONTENT_TYPE:
                    self.leave_out(at, "a Content-Type belongs to a body, and there is none")
            elif isinstance(value, SecretReference | LiteralSecret | SecretText):
                self.credential(Credential(place, name, secret_text(value)), at)
            elif place == "header" and name.lower() in _IGNORED:
                self.leave_out(at, "OpenAPI lets no parameter describe this header")
            elif (place, name.lower() if place == "header" else name) in self.names:
                self.leave_out(at, "OpenAPI has each parameter once")
            elif "\ufffd" in name + str(value):
                self.leave_out(at, "a part of the URL that is not UTF-8")
            elif isinstance(value, Variable):
                example = value.sample if isinstance(value.sample, str) else None
                told = {"required": not value.optional, "description": value.label, "example": example}
                self.parameter(place, name, {"type": "string"}, **told)
            else:
                self.parameter(place, name, {"type": "string", "const": value})

    def parameter(self, place: str, name: str, schema: dict[str, Any], **more: Any) -> None:
        self.names.add((place, name.lower() if place == "header" else name))
        self.parameters.append(_given(**{"name": name, "in": place, "required": True, "schema": schema, **more}))

    def idempotency_header(self) -> None:
        name = self.action.idempotency_header
        if name is not None:
            self.parameter("header", name, {"type": "string"}, description="The identifier of an execution")
            self.leave_out("$.idempotency_header", f"that {name} identifies an execution, so that repeating is safe")

    def authentication(self) -> None:
        authentication, at = self.action.authentication, "$.authentication"
        if isinstance(authentication, MutualTlsAuthentication):
            self.security[self.scheme({"type": "mutualTLS"})] = []
            authentication = authentication.authentication
        call = authentication.token_call()
        if isinstance(authentication, OAuthClientCredentials):
            scopes = authentication.scope.split()
            flow = {"tokenUrl": masked_endpoint(authentication.endpoint), "scopes": dict.fromkeys(scopes, "")}
            self.security[self.scheme({"type": "oauth2", "flows": {"clientCredentials": flow}})] = scopes
            self.leave_out(at, "who asks for the token, how, and how long it is kept")
        elif isinstance(authentication, ConnectionReference):
            self.leave_out(at, f"the connection {authentication.name}, whose authentication is kept in a repository")
        else:
            if call is not None:
                message = f"the call that brings the token: {call.method} {masked_endpoint(call.endpoint)}"
                self.leave_out(at, message)
            for credential in authentication.credentials():
                self.credential(credential, at)

    def credential(self, credential: Credential, at: str) -> None:
        """A secret as a security scheme, its reference as the description."""
        scheme: dict[str, Any]
        match credential:
            case Credential(location="path"):
                self.leave_out(at, "a secret in the path, which no security scheme describes")
                return
            case Credential(name="Authorization", text=SecretText(parts=("Basic ", Base64()))):
                scheme = {"type": "http", "scheme": "basic"}
            case Credential(name="Authorization", text=SecretText(parts=("Bearer ", *_))):
                scheme = {"type": "http", "scheme": "bearer"}
            case _:
                scheme = {"type": "apiKey", "name": credential.name, "in": credential.location}
        self.security[self.scheme({**scheme, "description": credential.text.masked})] = []

    def rest(self) -> None:
        """What has no place in the document."""
        action = self.action
        if action.allow_null_values:
            self.leave_out("$.allow_null_values", "that nulls are sent; the types of variables say so")
        if action.channel is not None:
            self.leave_out("$.channel", f"the channel {action.channel}")
        if action.required_marketing_action is not None:
            self.leave_out("$.required_marketing_action", f"the marketing action {action.required_marketing_action}")
        if action.built_in:
            self.leave_out("$.built_in", "that it came with the product")

    def body(self) -> dict[str, Any] | None:
        parameters = self.action.message_parameters
        if not parameters:
            return None
        content_type = next(header for header in self.configuration.headers if header.name.lower() == "content-type")
        media = self.action.body_format.content_type if content_type == _CONTENT_TYPE else str(content_type.value)
        if self.action.body_format is BodyFormat.RAW:
            self.leave_out(f"$.message_parameters.{parameters[0].name}", "the name of the text")
            schema = self.schema(parameters[0], parameters[0].name)
        else:
            schema = self.object(parameters, "")
        return {"required": True, "content": {media: {"schema": schema}}}

    def object(self, fields: tuple[MessageParameter, ...], above: str) -> dict[str, Any]:
        below = f"{above}." if above else ""
        return _given(
            type="object",
            properties={field.name: self.schema(field, below + field.name) for field in fields},
            required=[field.name for field in fields if self.is_sure(field)],
        )

    def is_sure(self, field: MessageParameter) -> bool:
        """Whether a field is always there, unless a null is left out."""
        if field.variable is not None:
            return not field.variable.optional
        return field.data_type.is_container or field.value is not None or self.action.allow_null_values

    def schema(self, field: MessageParameter, path: str) -> dict[str, Any]:
        if field.variable is not None:
            return self.variable(field, field.variable, path)
        if field.data_type is DataType.OBJECT:
            return self.object(field.parameters, path)
        if field.data_type.is_list:
            return self.items(field.parameters, path)
        schema = type_schema(field.data_type)
        if field.value is None:
            return {**schema, "type": [schema["type"], "null"], "const": None}
        if isinstance(field.value, Decimal) and Decimal(float(field.value)) != field.value:
            self.leave_out(f"$.message_parameters.{path}", f"the constant {field.value}, which no double holds")
            return schema
        return {**schema, "const": sample_of(field)}

    def items(self, items: Iterable[MessageParameter], path: str) -> dict[str, Any]:
        """A constant list, item by item; one that is null is never sent."""
        sent = []
        for item in items:
            if item.value is None and item.variable is None and not item.data_type.is_container:
                self.leave_out(f"$.message_parameters.{path}.{item.name}", "a null in a list, which is never sent")
            else:
                if item.variable is not None and item.variable.optional:
                    self.leave_out(f"$.message_parameters.{path}.{item.name}", "that an item of a list may be empty")
                sent.append(self.schema(item, f"{path}.{item.name}"))
        return {"type": "array", "prefixItems": sent, "items": False} if sent else {"type": "array", "const": []}

    def variable(self, field: MessageParameter, variable: Variable, path: str) -> dict[str, Any]:
        """What a variable takes, with its label and its sample; the fields of a list of objects have their own."""
        title = _given(title=variable.label)
        if field.data_type is DataType.LIST_OBJECT:
            return {"type": "array", "items": self.object(field.parameters, path), **title}
        schema, example = type_schema(field.data_type), {"examples": [sample_of(field)]}
        if self.action.allow_null_values and not field.data_type.is_list:
            schema["type"] = [schema["type"], "null"]
        return {**schema, **title, **example}

    def responses(self) -> dict[str, Any]:
        answers = {"2XX": ("Success", self.action.response), "default": ("Failure", self.action.failure_response)}
        return {
            status: _given(description=word, content=_answer(fields))
            for status, (word, fields) in answers.items()
            if fields or status == "2XX"
        }


def _answer(fields: tuple[MessageParameter, ...]) -> dict[str, Any] | None:
    if not fields:
        return None
    return {"application/json": {"schema": _answer_object(fields), "example": samples_of(fields)}}


def _answer_object(fields: Iterable[MessageParameter]) -> dict[str, Any]:
    return {"type": "object", "properties": {field.name: _answer_schema(field) for field in fields}}


def _answer_schema(field: MessageParameter) -> dict[str, Any]:
    """What is read of an answer: of a list of objects, the fields that its first item declares."""
    if field.data_type is DataType.OBJECT:
        return _answer_object(field.parameters)
    if field.data_type is DataType.LIST_OBJECT:
        return {"type": "array", "items": _answer_object(field.parameters[0].parameters if field.parameters else ())}
    return type_schema(field.data_type)
