"""From an EventBridge connection and API destination to a connection, an action and a limit. No I/O.

Both as `DescribeConnection` and `DescribeApiDestination` answer, and as CloudFormation has them, whole templates
included.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

import attrs

from wayhook.errors import DefinitionError, Violation
from wayhook.formats.foreign.body import Payload, text_body
from wayhook.formats.foreign.draft import Draft, Field, drafted
from wayhook.formats.foreign.imported import Imported
from wayhook.formats.foreign.intake import Intake, Secrets, Variables, title, well_formed
from wayhook.formats.foreign.keyring import AUTHORIZATION, Keyring
from wayhook.formats.foreign.reason import HIDDEN
from wayhook.formats.foreign.source import Node, opened
from wayhook.formats.foreign.template import Blank, Piece, Template
from wayhook.formats.foreign.yaml import parse_yaml
from wayhook.model.action import Action, BodyFormat
from wayhook.model.authentication import (
    ApiKeyAuthentication,
    Authentication,
    BasicAuthentication,
    ConnectionReference,
)
from wayhook.model.authorization import CustomAuthorization, OAuthClientCredentials
from wayhook.model.connection import Connection
from wayhook.model.throttling import HIGHEST, LOWEST, ThrottlingRule
from wayhook.model.token import CacheDuration, TimeUnit
from wayhook.model.url import read_url
from wayhook.secret import Base64, SecretReference, SecretText

__all__ = ["from_eventbridge"]

_CONNECTION, _DESTINATION = "AWS::Events::Connection", "AWS::Events::ApiDestination"
_INVOCATION = "InvocationHttpParameters"
_OPEN = re.compile(r"\$\{([^}]*)\}|\{\{resolve:[^}]*\}\}")
_ARN = re.compile(r"arn:[^:]*:events:[^:]*:[^:]*:connection/([^/]+)(/.*)?")
_MAX_RESOURCES = 500
"""As CloudFormation has it."""
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_PRIVATE = "how a host inside of a private network is reached is a setting of the executor"
_CLIENT = "AWS does not say how it sends them; here it is a Basic header, or else client_authentication='body'"
_GRANT = "client_credentials"
_EVENT = "EventBridge sends the event; give the action the message parameters that the service takes"


def from_eventbridge(
    connection: Mapping[str, Any] | str | bytes | None = None,
    api_destination: Mapping[str, Any] | str | bytes | None = None,
    *,
    name: str = "",
    variables: Variables | None = None,
    secrets: Secrets | None = None,
) -> Imported:
    """Read a connection of Amazon EventBridge, an API destination, or both.

    Each as AWS describes it, as a resource of CloudFormation, or in a whole template, parsed or as text in JSON or YAML
    (extra `yaml`). A connection becomes a `Connection`, a destination an action that refers to it, and a rate from 200
    calls in a second a `ThrottlingRule`. `name`: of the one action. `secrets`: where to keep each secret, by its name:
    that of an API key or of a parameter, `Password`, `ClientSecret`. `variables`: as for `from_curl`.

    Raises `DocumentError` with every fault of the documents.
    """
    intake = Intake.of(name, secrets, variables)
    if connection is None and api_destination is None:
        raise DefinitionError([Violation("$", "give a connection, an API destination, or both")])
    resources: list[_Resource] = []
    for given, kind in ((connection, _CONNECTION), (api_destination, _DESTINATION)):
        if given is not None:
            root = Node(opened(given, "a connection or an API destination", parse_yaml), "$", intake)
            resources += _resources(root, kind)
    intake.require_none()
    sources = [each for each in resources if each.kind == _CONNECTION]
    known = [(each, made) for each in sources if (made := _connection(each, intake)) is not None]
    targets = [each for each in resources if each.kind == _DESTINATION]
    drafts = ((each.node.path, each.name, partial(_draft, each, known, intake)) for each in targets)
    actions = drafted(intake, drafts, alone=len(targets) == 1)
    for each in () if targets else sources:
        if each.node.at("AuthParameters").at(_INVOCATION).value:
            each.node.leave_out(_INVOCATION, "they are of each call; give the API destination, too")
    connections = [attrs.evolve(made, hosts=_hosts(made, actions)) for _, made in known]
    return intake.imported(actions, connections, [limit for each in targets for limit in _limits(each)])


@attrs.frozen
class _Resource:
    """A connection or a destination. `key`: what others call it. `parameters`: of its template."""

    node: Node
    kind: str
    key: str
    parameters: Node

    @property
    def name(self) -> str:
        return self.node.text("Name") if isinstance(self.node.at("Name").value, str) else self.key

    def text(self, node: Node) -> Template:
        """A text, with the defaults of the template's parameters for what refers to them; the rest stays open."""
        value = node.value
        if isinstance(value, dict) and len(value) == 1:
            word, below = next(iter(value.items()))
            name = well_formed(str(below))
            if word in ("Ref", "!Ref"):
                return self.parameter(name)
            written = below[0] if isinstance(below, list) and below else below
            is_text = word in ("Fn::Sub", "!Sub") and isinstance(written, str)
            return self.filled(written) if is_text else Template(Blank(name))
        if isinstance(value, str):
            return self.filled(value)
        if node.is_there:
            node.refuse("a text")
        return Template()

    def filled(self, text: str) -> Template:
        pieces: list[Piece] = []
        end = 0
        for found in _OPEN.finditer(text):
            pieces.append(text[end : found.start()])
            pieces += self.parameter(found[1]).pieces if found[1] is not None else (Blank(""),)
            end = found.end()
        return Template(*pieces, text[end:])

    def parameter(self, name: str) -> Template:
        default = self.parameters.at(name).at("Default").value
        return Template(default) if isinstance(default, str) else Template(Blank(name))


def _resources(root: Node, kind: str) -> Iterator[_Resource]:
    """The resources of a template, or the one that a document is; `kind`: of one that does not say."""
    if root.at("Resources").is_object:
        if len(root.at("Resources").value) > _MAX_RESOURCES:
            message = f"a template has at most {_MAX_RESOURCES} resources; give a part of it"
            root.intake.fault("$.Resources", message)
            return
        for key, node in root.at("Resources").fields():
            if node.value and node.at("Type").value in (_CONNECTION, _DESTINATION):
                yield _Resource(node.object("Properties"), node.text("Type"), key, root.at("Parameters"))
        others = [
            key
            for key, node in root.at("Resources").fields()
            if node.at("Type").value not in (_CONNECTION, _DESTINATION)
        ]
        if others:
            root.at("Resources").leave_out(", ".join(others), "only connections and API destinations are read")
        return
    node = root.object("Properties") if root.at("Properties").is_there else root
    kind = root.text("Type", kind)
    if kind not in (_CONNECTION, _DESTINATION):
        root.at("Type").refuse(f"{_CONNECTION} or {_DESTINATION}")
    yield _Resource(
        node, kind, node.text("Name") if isinstance(node.at("Name").value, str) else "", root.at("Parameters")
    )


def _hosts(connection: Connection, actions: tuple[Action, ...]) -> frozenset[str]:
    """The hosts of the actions that use a connection; it may be sent to no other one."""
    urls = [
        read_url(action.url_configuration.url)[0]
        for action in actions
        if action.url_configuration and action.authentication == ConnectionReference(connection.name)
    ]
    return frozenset(url.host for url in urls if url is not None)


# The connection


def _connection(resource: _Resource, intake: Intake) -> Connection | None:
    node, name = resource.node, title(resource.name) or "Connection"
    parameters = node.object("AuthParameters")
    for word, below in [*node.fields(), *parameters.fields()]:
        if word in ("InvocationConnectivityParameters", "ConnectivityParameters") and below.value:
            below.leave_out(word, _PRIVATE)
    ring = Keyring(intake, name)
    kind = node.text("AuthorizationType")
    match kind:
        case "API_KEY":
            own = parameters.object("ApiKeyAuthParameters")
            key = resource.text(own.at("ApiKeyName")).plain
            if not key:
                own.at("ApiKeyName").refuse("the name of the key")
                return None
            value = resource.text(own.at("ApiKeyValue"))
            if key.lower() == AUTHORIZATION.lower():
                ring.authorization(value, own.path)
            made = ring.beside or ApiKeyAuthentication(key, ring.reference(key, value, "the whole value"))
            return Connection(name, made, description=_description(node))
        case "BASIC":
            return _basic(resource, parameters.object("BasicAuthParameters"), ring)
        case "OAUTH_CLIENT_CREDENTIALS":
            return _oauth(resource, parameters.object("OAuthParameters"), ring)
        case _:
            message = "API_KEY, BASIC or OAUTH_CLIENT_CREDENTIALS belongs here"
            intake.fault(f"{node.path}.AuthorizationType", message)
            return None


def _description(node: Node) -> str:
    return node.text("Description") if isinstance(node.at("Description").value, str) else ""


def _basic(resource: _Resource, own: Node, ring: Keyring) -> Connection:
    user, password = resource.text(own.at("Username")), resource.text(own.at("Password"))
    name = user.plain
    made = BasicAuthentication(
        name if name and ":" not in name else ring.reference("Username", user, "the user name"),
        ring.reference("Password", password, "the password"),
    )
    return Connection(ring.owner, made, description=_description(resource.node))


def _oauth(resource: _Resource, own: Node, ring: Keyring) -> Connection | None:
    """Client credentials; a custom authorization where the token is asked for in another way."""
    endpoint = resource.text(own.at("AuthorizationEndpoint")).plain
    if not endpoint:
        own.at("AuthorizationEndpoint").refuse("the URL that issues tokens, as a text that is known")
        return None
    client, beside = own.object("ClientParameters"), own.object("OAuthHttpParameters")
    own.leave_out("how the client id and secret are sent", _CLIENT)
    identifier = resource.text(client.at("ClientID"))
    plain = identifier.plain or ""
    client_id = plain if plain and ":" not in plain else ring.reference("ClientID", identifier, "the client id")
    secret = ring.reference("ClientSecret", resource.text(client.at("ClientSecret")), "the client secret")
    headers, body = (dict(_pairs(resource, beside, word, ring)) for word in ("HeaderParameters", "BodyParameters"))
    query = [
        f"{quote(name)}={quote(value)}"
        for name, value in _pairs(resource, beside, "QueryStringParameters", ring)
        if isinstance(value, str)
    ]
    method = own.text("HttpMethod", "POST")
    grant = body.pop("grant_type", _GRANT)
    made: Authentication
    if method == "POST" and grant == _GRANT and not headers and not query:
        scope = body.pop("scope", "")
        parameters = {name: value for name, value in body.items() if name not in ("client_id", "client_secret")}
        made = OAuthClientCredentials(
            endpoint, client_id, secret, scope=scope if isinstance(scope, str) else "", parameters=parameters
        )
    else:
        made = CustomAuthorization(
            endpoint + ("&" if "?" in endpoint else "?") * bool(query) + "&".join(query),
            headers={**headers, AUTHORIZATION: SecretText("Basic ", Base64(client_id, ":", secret))},
            body_type="form",
            body_params={"grant_type": grant, **body},
            cache_duration=CacheDuration(time_unit=TimeUnit.SECONDS, expiry_in_response="json://expires_in"),
        )
        if method != "POST":
            own.at("HttpMethod").leave_out(method, "the token is asked for by POST")
    return Connection(ring.owner, made, description=_description(resource.node))


def _pairs(resource: _Resource, node: Node, word: str, ring: Keyring) -> Iterator[tuple[str, str | SecretReference]]:
    """The parameters of a call for a token; those that are secret, or not known, are references."""
    for each in node.each(word):
        key, value = each.text("Key"), resource.text(each.at("Value"))
        is_hidden = each.flag("IsValueSecret") or value.plain is None
        if is_hidden and word == "QueryStringParameters":
            each.leave_out(f"the query parameter {well_formed(key)}", "an endpoint keeps no secret")
        elif key == "grant_type" and value.plain:
            yield key, value.plain
        elif key:
            yield key, ring.reference(key, value, "the whole value") if is_hidden else value.plain or ""


# The API destination


def _draft(resource: _Resource, known: list[tuple[_Resource, Connection]], intake: Intake) -> Draft:
    node = resource.node
    method = node.text("HttpMethod", "POST")
    if method not in _METHODS:
        node.at("HttpMethod").refuse(f"one of {', '.join(_METHODS)}")
    name = intake.named(resource.name, "Destination")
    source, reference = _used(resource, known)
    given = source.node.at("AuthParameters").at(_INVOCATION) if source is not None else node.nothing
    headers, query = (
        [_field(each, source or resource, intake) for each in given.each(word)]
        for word in ("HeaderParameters", "QueryStringParameters")
    )
    payload = _payload(given, source or resource, intake)
    node.leave_out("the event", _EVENT)
    return Draft(
        name=name,
        path=node.path,
        url=_endpoint(resource),
        keyring=Keyring(intake, name, reference),
        method=method,
        description=_description(node),
        headers=tuple(headers),
        query=tuple(query),
        payload=payload,
    )


def _used(
    resource: _Resource, known: list[tuple[_Resource, Connection]]
) -> tuple[_Resource | None, ConnectionReference | None]:
    """The connection of a destination, by its name, or the only one there is; and the reference to it."""
    given = json.dumps(resource.node.at("ConnectionArn").value)
    arn = _ARN.fullmatch(given.strip('"'))
    for source, made in known:
        is_meant = source.name == arn[1] if arn else f'"{source.key}' in given
        if is_meant or len(known) == 1:
            return source, ConnectionReference(made.name)
    if arn:
        return None, ConnectionReference(title(arn[1]))
    resource.node.at("ConnectionArn").leave_out("the connection", "it is not known here; give it, too")
    return None, None


def _endpoint(resource: _Resource) -> Template:
    """The URL; a `*` in it stands for a segment that a rule fills in."""
    pieces: list[Piece] = []
    for piece in resource.text(resource.node.at("InvocationEndpoint")).pieces:
        if isinstance(piece, Blank):
            pieces.append(piece)
        else:
            first, *others = piece.split("*")
            pieces += [first, *(part for other in others for part in (Blank("*"), other))]
    return Template(*pieces)


def _field(each: Node, source: _Resource, intake: Intake) -> Field:
    key, value = each.text("Key"), source.text(each.at("Value"))
    if each.flag("IsValueSecret"):
        reference = Keyring(intake, title(source.name)).reference(key, value, "the whole value")
        return Field(key, reference, each.path)
    return Field(key, value, each.path)


def _payload(given: Node, source: _Resource, intake: Intake) -> Payload:
    """The body parameters of the connection, as fields of a JSON object; those that are secret are variables."""
    pieces: list[Piece] = []
    for each in given.each("BodyParameters"):
        key, value = each.text("Key"), source.text(each.at("Value"))
        if each.flag("IsValueSecret"):
            each.leave_out(f"the secret of {well_formed(key)}", HIDDEN)
            value = Template(Blank(key))
        texts = (json.dumps(piece)[1:-1] if isinstance(piece, str) else piece for piece in value.pieces)
        pieces += [", " if pieces else "{", f'{json.dumps(key)}: "', *texts, '"']
    if not pieces:
        return Payload()
    return text_body(intake, Template(*pieces, "}"), BodyFormat.JSON.content_type, given.at("BodyParameters").path)


def _limits(resource: _Resource) -> Iterator[ThrottlingRule]:
    """The rate of a destination as a throttling, where it is one that a throttling can have (R260)."""
    node = resource.node
    rate, url = node.at("InvocationRateLimitPerSecond"), resource.text(node.at("InvocationEndpoint")).plain
    if not rate.is_there:
        return
    if isinstance(rate.value, int) and LOWEST <= rate.value <= HIGHEST and url:
        yield ThrottlingRule(url, (node.text("HttpMethod", "POST"),), rate.value, resource.name, _description(node))
    else:
        why = (
            f"a throttling has {LOWEST} to {HIGHEST} calls in a second; a CappingRule has fewer, and discards the rest"
        )
        rate.leave_out("InvocationRateLimitPerSecond", why)
