"""The cards of what is described: actions, their parameters, authentications, connections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from wayhook.display.part import (
    Card,
    Cell,
    Chip,
    Facts,
    Fold,
    Node,
    Note,
    Part,
    Section,
    Table,
    Tree,
    Value,
    bounded,
    counted,
    duration,
    json_text,
)
from wayhook.model.action import (
    DEFAULT_HEADERS,
    Action,
    ActionType,
    BodyFormat,
    Header,
    QueryParameter,
    UrlConfiguration,
)
from wayhook.model.authentication import Authentication, ConnectionReference
from wayhook.model.connection import Connection
from wayhook.model.parameter import MessageParameter, Variable, walk
from wayhook.model.token import PLAIN_HEADERS, PLAIN_PARAMETERS, CacheDuration, TokenCall
from wayhook.model.url import masked_endpoint, masked_url
from wayhook.rendering.token import masked_value
from wayhook.secret import LiteralSecret, SecretReference, SecretText, secret_text

__all__ = [
    "action_card",
    "authentication_card",
    "configuration_card",
    "connection_card",
    "facts",
    "parameter_card",
    "parameters_card",
    "variable_card",
]

MAX_NODES = 300
_LARGE = 24
"""Nodes of a tree above which it is folded below its second level."""
_MEMBERS = 12
"""What a node may have below it and still be open at once."""


def facts(*rows: tuple[str, Cell | Literal[False] | None]) -> tuple[Facts, ...]:
    """Return the rows that have something to tell, if there are any."""
    told = tuple((name, cell) for name, cell in rows if cell)
    return (Facts(told),) if told else ()


def action_card(action: Action) -> Card:
    """Return the card of an action: what it calls, with what, and what is to be filled in."""
    configuration = action.url_configuration
    parts: list[Part] = [*_action_facts(action)]
    parts += _variables(action)
    if configuration is not None:
        parts += _pairs(configuration)
    parts += [Section("Authentication", _authentication(action.authentication))]
    if action.message_parameters:
        parts.append(Section("Message parameters", (parameter_tree(action.message_parameters),)))
    if action.response:
        parts.append(Fold("Answer", (parameter_tree(action.response, samples=True),)))
    if action.failure_response:
        parts.append(Fold("Answer of a failure", (parameter_tree(action.failure_response, samples=True),)))
    chips = (Chip(configuration.method),) if configuration else ()
    return Card("action", action.name, tuple(parts), chips, action.description)


def _action_facts(action: Action) -> tuple[Facts, ...]:
    configuration = action.url_configuration
    return facts(
        ("URL", None if configuration is None else Value(masked_url(configuration.url))),
        ("type", None if action.action_type is ActionType.CUSTOM_HTTP else str(action.action_type)),
        ("body", None if action.body_format is BodyFormat.JSON else f"{action.body_format}"),
        ("nulls", "are sent" if action.allow_null_values else None),
        ("idempotency key", _value(action.idempotency_header)),
        ("channel", action.channel and str(action.channel)),
        ("marketing action", _value(action.required_marketing_action)),
        ("built in", "yes" if action.built_in else None),
    )


def _value(text: str | None) -> Value | None:
    return Value(text) if text else None


def _variables(action: Action) -> Iterator[Part]:
    """What is filled in where the action is used."""
    configuration = action.url_configuration
    found: list[tuple[Cell, ...]] = []
    for place, pairs in _places(configuration) if configuration else ():
        found += [
            (pair.value.label or pair.name, (place, Value(pair.name)), "text", _need(pair.value))
            for pair in pairs
            if isinstance(pair.value, Variable)
        ]
    found += [
        (parameter.label, ("payload", Value(path)), str(parameter.data_type), _need(parameter.variable))
        for path, parameter in walk(action.message_parameters)
        if parameter.variable is not None
    ]
    if found:
        rows, more = bounded(found)
        yield Section("To fill in where it is used", (Table(("label", "where", "type", ""), rows, more),))


def _need(variable: Variable) -> str:
    return "optional" if variable.optional else "required"


def _places(configuration: UrlConfiguration) -> tuple[tuple[str, tuple[Header, ...] | tuple[QueryParameter, ...]], ...]:
    return ("header", configuration.headers), ("query", configuration.query_parameters)


def _pairs(configuration: UrlConfiguration) -> Iterator[Part]:
    """Headers and query parameters."""
    rows, more = bounded(
        ((place, Value(pair.name)), *_valued(pair)) for place, pairs in _places(configuration) for pair in pairs
    )
    if rows:
        yield Section("Headers and query", (Table(("name", "value", "from"), rows, more),))


def _valued(pair: Header | QueryParameter) -> tuple[Cell, Cell]:
    match pair.value:
        case Variable(label=label):
            return label or pair.name, Chip("variable", "variable")
        case str() as text:
            is_default = isinstance(pair, Header) and pair in DEFAULT_HEADERS
            return Value(text), Chip("default", "default") if is_default else Chip("constant", "constant")
        case secret:
            return Value(secret_text(secret).masked), Chip("secret", "secret")


def configuration_card(configuration: UrlConfiguration) -> Card:
    """Return the card of a URL configuration."""
    parts = tuple(_pairs(configuration))
    return Card("URL configuration", Value(masked_url(configuration.url)), parts, (Chip(configuration.method),))


_AUTHENTICATIONS = {
    "none": "No authentication",
    "basic": "Basic",
    "api_key": "API key",
    "bearer": "Bearer token",
    "custom": "Custom authorization",
    "certificate": "Certificate credential",
    "oauth": "OAuth client credentials",
    "jwt_bearer": "Signed assertion (JWT bearer)",
    "mutual_tls": "Client certificate (mutual TLS)",
    "connection": "Connection",
}


def _title(authentication: Authentication) -> str:
    return _AUTHENTICATIONS.get(authentication.kind, authentication.kind)


def authentication_card(authentication: Authentication) -> Card:
    """Return the card of an authentication: what it adds to a call, and the call for a token, if it makes one."""
    return Card("authentication", _title(authentication), _authentication(authentication, titled=True))


def _authentication(authentication: Authentication, *, titled: bool = False) -> tuple[Part, ...]:
    if isinstance(authentication, ConnectionReference):
        return (Facts((("of the connection", Value(authentication.name)),)),)
    rows: list[tuple[str, Cell | None]] = [] if titled else [("kind", _title(authentication))]
    for credential in authentication.credentials():
        masked = credential.text.masked
        is_path = credential.location == "path"
        rows.append((credential.location, Value(f"…/{masked}" if is_path else f"{credential.name}: {masked}")))
    identity, call = authentication.client_certificate(), authentication.token_call()
    rows.append(("private key", None if identity is None else Value(identity.private_key.masked)))
    told = facts(*rows) or (Note("Nothing is added to a call."),)
    return (*told, *(() if call is None else (Section("Asks for a token first", tuple(_token_call(call))),)))


def _token_call(call: TokenCall) -> Iterator[Part]:
    assertion = call.assertion
    yield from facts(
        ("from", Value(f"{call.method} {masked_endpoint(call.endpoint)}")),
        ("body", call.body_type),
        ("assertion", None if assertion is None else f"signed as {assertion.issuer} for {assertion.audience}"),
        ("token at", Value(call.token_in_response)),
        ("kept", _kept(call.cache_duration)),
    )
    pairs = [("header", *pair, PLAIN_HEADERS) for pair in call.headers]
    pairs += [("body", *pair, PLAIN_PARAMETERS) for pair in call.body_params]
    rows, more = bounded(
        ((place, Value(name)), Value(_masked(value, name, plain))) for place, name, value, plain in pairs
    )
    if rows:
        yield Table(("name", "value"), rows, more)


def _kept(cache: CacheDuration) -> str:
    if cache.seconds is None:
        return f"as long as {cache.expiry_in_response} of the answer says, in {cache.time_unit}"
    return f"for {duration(cache.seconds)}" if cache.seconds else "not at all"


def _masked(value: Any, name: str, plain: frozenset[str]) -> str:
    """A value of a token call: a secret by its label, a text that may be one not at all."""
    match value:
        case SecretReference() | LiteralSecret():
            return f"‹{value.label}›"
        case SecretText():
            return value.masked
    masked = masked_value(value, name.lower() if plain is PLAIN_HEADERS else name, plain)
    return masked if isinstance(masked, str) else json_text(masked).text


def connection_card(connection: Connection) -> Card:
    """Return the card of a connection."""
    hosts = ", ".join(sorted(connection.hosts)) or "every host that the guardrails allow"
    section = Section("Authentication", _authentication(connection.authentication))
    parts: tuple[Part, ...] = (*facts(("for", hosts)), section)
    return Card("connection", connection.name, parts, about=connection.description)


def variable_card(variable: Variable) -> Card:
    """Return the card of the mark of a variable."""
    return Card("variable", variable.label or "(named as its field)", chips=(Chip(_need(variable), "variable"),))


def parameter_card(parameter: MessageParameter) -> Card:
    """Return the card of one message parameter, with what is below it."""
    parts: list[Part] = [*facts(("is", _cells(parameter)))]
    if parameter.parameters:
        parts.append(parameter_tree(parameter.parameters))
    return Card("message parameter", Value(parameter.name), tuple(parts))


def parameters_card(parameters: tuple[MessageParameter, ...]) -> Card:
    """Return the card of a tree of message parameters."""
    return Card("message parameters", counted(len(parameters), "field"), (parameter_tree(parameters),))


def parameter_tree(parameters: Iterable[MessageParameter], *, samples: bool = False) -> Tree:
    """Return the tree of message parameters; `samples`: their values are samples of an answer, no constants."""
    every = list(parameters)
    size = sum(1 for _ in walk(every, below_lists=True))
    budget = [MAX_NODES]
    nodes = tuple(_nodes(every, budget, 0, samples=samples, is_large=size > _LARGE))
    return Tree(nodes, max(0, size - MAX_NODES))


def _nodes(
    parameters: Iterable[MessageParameter], budget: list[int], level: int, *, samples: bool, is_large: bool
) -> Iterator[Node]:
    """Nodes, as many as the budget has left."""
    for parameter in parameters:
        if not budget[0]:
            return
        budget[0] -= 1
        below = tuple(_nodes(parameter.parameters, budget, level + 1, samples=samples, is_large=is_large))
        is_open = len(below) <= _MEMBERS and not (is_large and level)
        yield Node(parameter.name, _cells(parameter, samples=samples), below, is_open)


def _cells(parameter: MessageParameter, *, samples: bool = False) -> tuple[Any, ...]:
    """Type, and the constant value or the label of the variable."""
    kind = str(parameter.data_type)
    if parameter.variable is not None:
        optional = ("optional",) if parameter.variable.optional else ()
        return kind, Chip(parameter.label, "variable"), *optional
    if parameter.data_type.is_container:
        return kind, *(() if parameter.parameters else ("empty",))
    value = Value(json_text(parameter.value).text)
    return (kind, "such as", value) if samples else (kind, value)
