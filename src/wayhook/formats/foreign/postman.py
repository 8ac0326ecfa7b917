"""From a Postman collection, v2.1 or v2.0, to actions: one for each request. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import attrs

from wayhook.errors import DefinitionError, DocumentError, Violation, closest
from wayhook.formats.foreign.address import call_name
from wayhook.formats.foreign.body import Payload, answer_fields, form_body
from wayhook.formats.foreign.draft import Draft, Field, drafted
from wayhook.formats.foreign.imported import Imported
from wayhook.formats.foreign.intake import Intake, Secrets, Variables, shown, title, well_formed
from wayhook.formats.foreign.keyring import AUTHORIZATION, Keyring
from wayhook.formats.foreign.reason import FILE, METHOD, PARTS
from wayhook.formats.foreign.secrecy import is_secret, looks_secret
from wayhook.formats.foreign.source import Node, opened
from wayhook.formats.foreign.template import Blank, Piece, Template
from wayhook.jsonvalue import parse_json
from wayhook.model.action import BodyFormat
from wayhook.model.authentication import ApiKeyAuthentication, BearerAuthentication
from wayhook.model.authorization import OAuthClientCredentials
from wayhook.model.parameter import MessageParameter
from wayhook.model.rule import WITHOUT_BODY

__all__ = ["from_postman"]

_VERSION = re.compile(r"/v2\.[01]\.[0-9]+/")
_BLANK = re.compile(r"\{\{([^{}]*)\}\}")
_SEGMENT = re.compile(r"(?<=[^:/]/):([A-Za-z_][\w-]*)(?=/|$)")
_LONGEST = 100_000
_DEEPEST = 50
_LANGUAGES = {
    "json": "application/json", "xml": "application/xml", "html": "text/html", "javascript": "application/javascript",
}  # fmt: skip
_SCRIPT = "an action runs no script; compute values in the journey, as expressions"
_DISABLED = "it is switched off in the collection"


def from_postman(
    collection: Mapping[str, Any] | str | bytes,
    request: str | None = None,
    *,
    name: str = "",
    values: Mapping[str, str] | None = None,
    variables: Variables | None = None,
    secrets: Secrets | None = None,
) -> Imported:
    """Read requests of a Postman collection, exported as v2.1 or v2.0, as actions.

    `collection`: parsed or as JSON text, of at most 20,000,000 characters and 1,000,000 parts. `request`: a name, or a
    path such as `Folder/Name`; all of them unless given. `name`: of the one action. `values`: of the variables, as an
    environment of Postman has them; those of the collection count where it has none. A variable without a value, or
    with one that is secret, stays open: it is a variable of the action, or a reference `env:NAME` where a secret
    belongs; the host of a URL is known. `variables`, `secrets`: as for `from_curl`.

    Raises `DocumentError` with every fault of the collection, `DefinitionError` for a request that it does not have.
    """
    intake = Intake.of(name, secrets, variables)
    if request is not None and not isinstance(request, str):
        raise DefinitionError([Violation("$.request", f"the name of a request belongs here, not {shown(request)}")])
    given = _values(values)
    document = opened(collection, "a Postman collection")
    inner = document.get("collection")
    root = Node(
        inner if isinstance(inner, dict) else document, "$.collection" if isinstance(inner, dict) else "$", intake
    )
    _require_version(root)
    title_of_all = root.object("info").text("name")
    scope = _Scope(given, title(title_of_all) or "Collection").within(root, "")
    found = list(_requests(root, scope))
    intake.require_none()
    if request is not None:
        found = [_chosen(request, found)]
    drafts = ((each.node.path, each.path, partial(_draft, each, intake)) for each in found)
    return intake.imported(drafted(intake, drafts, alone=request is not None))


def _values(given: object) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise DefinitionError([Violation("$.values", f"a mapping of names to texts belongs here, not {shown(given)}")])
    wrong = [name for name, value in given.items() if not isinstance(name, str) or not isinstance(value, str)]
    if wrong:
        raise DefinitionError([Violation("$.values", "the names and values of variables are texts")])
    return dict(given)


def _require_version(root: Node) -> None:
    """Raise `DocumentError` for what is no collection, and for one of another version."""
    schema = root.at("info").at("schema").value
    if root.at("values").is_there and not root.at("item").is_there:
        message = "this is an environment; give the collection, and values={name: value} of the environment"
        raise DocumentError([Violation(root.path, message)])
    is_old = root.at("requests").is_there and not root.at("item").is_there
    if is_old or (isinstance(schema, str) and not _VERSION.search(schema)):
        message = "collections v2.0 and v2.1 are read; export this one as 'Collection v2.1'"
        raise DocumentError([Violation(f"{root.path}.info.schema", message)])
    if not isinstance(root.at("item").value, list):
        raise DocumentError([Violation(f"{root.path}.item", "a collection has a list of items; add it")])


@attrs.frozen
class _Scope:
    """What holds for the items of a folder. `values`: of variables. `owner`: for whom its secrets are named.

    `path`: the names of the folders. `auth`: the authentication, with its owner. `known`: variables filled in so far.
    """

    values: dict[str, str]
    owner: str
    path: str = ""
    auth: tuple[Node, str] | None = None
    known: dict[str, Template] = attrs.field(factory=dict, eq=False)

    def within(self, node: Node, name: str) -> _Scope:
        """The scope inside of a collection or folder; the nearer value of a variable counts, the caller's first."""
        own = {}
        for each in node.each("variable"):
            key, value = each.text("key") or each.text("id"), each.at("value").value
            if key and not each.flag("disabled") and isinstance(value, str | int | float):
                own[key] = value if isinstance(value, str) else json.dumps(value)
        owner = title(name) or self.owner
        auth = node.object("auth")
        return _Scope(
            {**own, **self.values} if not self.path else {**self.values, **own},
            owner,
            f"{self.path}{name}/" if name else "",
            (auth, owner) if auth.is_there else self.auth,
        )

    def template(self, text: str, depth: int = 0) -> Template:
        """A text with its variables filled in; one without a value stays open, as does one with a secret."""
        pieces: list[Piece] = []
        end = 0
        for found in _BLANK.finditer(text):
            pieces += [text[end : found.start()], *self.variable(found[1].strip(), depth).pieces]
            end = found.end()
        return Template(*pieces, text[end:])

    def variable(self, name: str, depth: int) -> Template:
        """What stands in the place of a variable; itself, where it is open, holds itself or grows too long."""
        if name not in self.known:
            value = self.values.get(name, "")
            self.known[name] = Template(Blank(name))
            if value and depth < _DEEPEST and not is_secret(name) and not looks_secret(value):
                filled = self.template(value, depth + 1)
                if len(filled.shown) <= _LONGEST:
                    self.known[name] = filled
        return self.known[name]


@attrs.frozen
class _Request:
    """A request of a collection, the item that it is of, and what holds for it."""

    node: Node
    name: str
    scope: _Scope

    @property
    def path(self) -> str:
        return f"{self.scope.path}{self.name}"


def _requests(owner: Node, scope: _Scope) -> Iterator[_Request]:
    """The requests of a collection or folder, in order."""
    _tell_scripts(owner)
    for item in owner.each("item"):
        name = item.text("name")
        if isinstance(item.value, dict) and "item" in item.value:
            yield from _requests(item, scope.within(item, name))
        elif isinstance(item.at("request").value, str | dict):
            yield _Request(item, name, scope)
        else:
            item.leave_out(well_formed(name) or "an item", "it is no request and no folder")


def _tell_scripts(owner: Node) -> None:
    given = owner.at("event")
    for event in [given] if given.is_object else owner.each("event"):
        code = event.at("script").at("exec").value
        lines = code if isinstance(code, list) else [code]
        if any(isinstance(line, str) and line.strip() for line in lines) and not event.flag("disabled"):
            event.leave_out(f"the {well_formed(event.text('listen')) or 'script'} script", _SCRIPT)


def _chosen(wanted: str, found: list[_Request]) -> _Request:
    """The request of a path, or the only one of a name."""
    exact = [each for each in found if each.path == wanted]
    named = exact or [each for each in found if each.name == wanted]
    if len(named) == 1:
        return named[0]
    known = [each.path for each in (named or found)]
    close = None if named else closest(wanted, known)
    hint = f"did you mean {close!r}?" if close else f"there are {', '.join(map(well_formed, known[:8])) or 'none'}"
    count = "more than one request" if named else "no request"
    raise DefinitionError([Violation("$.request", f"the collection has {count} {well_formed(wanted)!r}; {hint}")])


def _draft(request: _Request, intake: Intake) -> Draft:
    item, scope = request.node, request.scope
    _tell_scripts(item)
    node = item.at("request")
    if isinstance(node.value, str):
        node = attrs.evolve(node, value={"url": node.value})
    method = node.text("method", "GET").upper()
    if not re.fullmatch(r"[A-Z]+", method):
        node.at("method").refuse("the name of a method")
    url = _url(node, scope)
    name = intake.named(request.name, call_name(method, url))
    behaviour = item.at("protocolProfileBehavior")
    settings = [(word, below) for word, below in behaviour.fields() if word != "disableBodyPruning"]
    for word, below in [*settings, *((word, node.at(word)) for word in ("proxy", "certificate"))]:
        if below.is_there:
            below.leave_out(word, "how a request is sent is a setting of the executor")
    body = node.object("body")
    if body.at(body.text("mode")).value and method in WITHOUT_BODY and not behaviour.flag("disableBodyPruning"):
        body.leave_out("the body", f"Postman sends none with {method}")
        body = body.nothing
    headers = list(_headers(node, scope))
    text, media, payload = _body(body, scope, intake)
    success, failure = _answers(item, intake)
    return Draft(
        name=name,
        path=node.path,
        url=url,
        keyring=_keyring(node, scope, name, intake),
        method=method,
        description=_description(node),
        headers=tuple(headers),
        body=text,
        body_path=body.path,
        media=media,
        payload=payload,
        response=success,
        failure_response=failure,
    )


def _description(node: Node) -> str:
    given = node.at("description")
    return (given.text("content") if given.is_object else node.text("description")).strip()


# The URL


def _url(node: Node, scope: _Scope) -> Template:
    """The URL, over http where it has no scheme, its variables filled in."""
    given = node.at("url")
    if not given.is_object:
        return _with_scheme(scope.template(node.text("url")))
    for each in given.each("query"):
        if each.flag("disabled"):
            each.leave_out(f"the query parameter {well_formed(each.text('key'))}", _DISABLED)
    segments = {}
    for each in given.each("variable"):
        key, value = each.text("key") or each.text("id"), each.at("value").value
        if key:
            segments[key] = value if isinstance(value, str) else ""
    path, sign, query = (given.text("raw") or _assembled(given)).partition("?")
    own = {**scope.values, **{f":{key}": value for key, value in segments.items()}}
    opened_path = _SEGMENT.sub(lambda found: f"{{{{:{found[1]}}}}}", path)
    found = attrs.evolve(scope, values=own, known={}).template(opened_path + sign + query)
    pieces = (Blank(p.name.removeprefix(":"), p.filled) if isinstance(p, Blank) else p for p in found.pieces)
    return _with_scheme(Template(*pieces))


def _assembled(url: Node) -> str:
    """A URL that is given in parts only."""
    host = url.at("host").value
    path = url.at("path").value
    scheme, port = url.text("protocol"), url.text("port")
    given = path if isinstance(path, list) else str(path or "").lstrip("/").split("/")
    segments = [each.get("value", "") if isinstance(each, dict) else each for each in given]
    pairs = [f"{each.text('key')}={each.text('value')}" for each in url.each("query") if not each.flag("disabled")]
    names = ".".join(map(str, host)) if isinstance(host, list) else str(host or "")
    start = f"{scheme}://{names}" if scheme else names
    return f"{start}{f':{port}' if port else ''}/{'/'.join(map(str, segments))}{'?' if pairs else ''}{'&'.join(pairs)}"


def _with_scheme(url: Template) -> Template:
    is_bare = url.start and "://" not in url.start
    return Template("http://", *url.pieces) if is_bare else url


# Headers and authentication


def _headers(node: Node, scope: _Scope) -> Iterator[Field]:
    given = node.at("header")
    if isinstance(given.value, str):
        lines = [line.partition(":") for line in given.value.splitlines() if line.strip()]
        yield from (Field(name.strip(), scope.template(value.strip()), given.path) for name, _, value in lines)
        return
    for each in node.each("header"):
        name = scope.template(each.text("key")).plain
        if each.flag("disabled"):
            each.leave_out(f"the header {well_formed(each.text('key'))}", _DISABLED)
        elif not name:
            each.leave_out("a header", "it has no name, or one that is not known")
        else:
            yield Field(name.strip(), scope.template(each.text("value")), each.path)


def _keyring(node: Node, scope: _Scope, name: str, intake: Intake) -> Keyring:
    """The keyring of a request, with the authentication that is nearest to it."""
    own = node.object("auth")
    auth, owner = (own, name) if own.is_there else scope.auth or (own, name)
    return _Auth(auth, scope, Keyring(intake, owner)).keyring() if auth.is_there else Keyring(intake, name)


@attrs.frozen
class _Auth:
    """An authentication of Postman. Its parameters are a list of keys and values, in v2.0 an object."""

    node: Node
    scope: _Scope
    ring: Keyring

    @property
    def kind(self) -> str:
        return self.node.text("type")

    def parameter(self, name: str) -> Template:
        given = self.node.at(self.kind).value
        pairs = self.node.each(self.kind) if isinstance(given, list) else []
        values = {each.text("key"): each.at("value").value for each in pairs} or given
        value = values.get(name) if isinstance(values, dict) else None
        return self.scope.template(value) if isinstance(value, str) else Template()

    def keyring(self) -> Keyring:
        ring = self.ring
        match self.kind:
            case "noauth" | "":
                pass
            case "basic":
                ring.basic(self.parameter("username"), self.parameter("password"))
            case "bearer":
                ring.beside = BearerAuthentication(ring.reference(AUTHORIZATION, self.parameter("token"), "the token"))
            case "apikey":
                self.api_key(ring)
            case "oauth2":
                self.oauth(ring)
            case kind:
                self.node.leave_out(f"the authentication {well_formed(kind)}", METHOD)
        return ring

    def api_key(self, ring: Keyring) -> None:
        name = self.parameter("key").plain
        if not name:
            self.node.leave_out("the authentication apikey", "its key has no name, or one that is not known")
            return
        key = ring.reference(name, self.parameter("value"), "the key")
        location = "query" if self.parameter("in").plain == "query" else "header"
        ring.beside = ApiKeyAuthentication(name, key, location=location)  # type: ignore[arg-type]  # one of the two

    def oauth(self, ring: Keyring) -> None:
        """Client credentials, where that is the grant and the places are known; else a token that somebody renews."""
        endpoint, client = self.parameter("accessTokenUrl").plain, self.parameter("clientId")
        if self.parameter("grant_type").plain != "client_credentials" or not endpoint:
            why = "Wayhook asks for tokens by client credentials; the token is a secret that somebody else renews"
            self.node.leave_out("how the authentication oauth2 gets its token", why)
            token = ring.reference(AUTHORIZATION, self.parameter("accessToken"), "an access token")
            ring.beside = BearerAuthentication(token)
            return
        plain = client.plain
        is_plain = bool(plain) and not looks_secret(plain or "")
        in_body = self.parameter("client_authentication").plain == "body" or ":" in (plain or "")
        ring.beside = OAuthClientCredentials(
            endpoint,
            plain if is_plain and plain else ring.reference("client_id", client, "the client id"),
            ring.reference("client_secret", self.parameter("clientSecret"), "the client secret"),
            scope=self.parameter("scope").plain or "",
            client_authentication="body" if in_body else "header",
        )


# Bodies


def _body(body: Node, scope: _Scope, intake: Intake) -> tuple[Template | None, str, Payload | None]:
    """The body: its text and Content-Type, or a payload."""
    mode = body.text("mode")
    if body.flag("disabled"):
        body.leave_out("the body", _DISABLED)
        return None, "", None
    match mode:
        case "raw":
            text = body.text("raw")
            language = body.at("options").at("raw").text("language")
            return (scope.template(text), _LANGUAGES.get(language, "text/plain"), None) if text else (None, "", None)
        case "graphql":
            return _graphql(body.at("graphql"), scope), BodyFormat.JSON.content_type, None
        case "urlencoded" if isinstance(body.at(mode).value, list):
            pairs = [pair for each in body.each(mode) for pair in _pair(each, scope)]
            return None, "", form_body(intake, pairs, body.at(mode).path)
        case "urlencoded":
            return scope.template(body.text(mode)), BodyFormat.FORM.content_type, None
        case "formdata":
            if body.at(mode).value:
                body.at(mode).leave_out("the body", PARTS)
        case "file":
            body.at(mode).leave_out("the body", FILE)
        case "":
            pass
        case other:
            body.leave_out("the body", f"Postman has no mode {well_formed(other)!r} that is known here")
    return None, "", None


def _pair(each: Node, scope: _Scope) -> Iterator[tuple[str, Template]]:
    name = scope.template(each.text("key")).plain
    if each.flag("disabled"):
        each.leave_out(f"the field {well_formed(each.text('key'))}", _DISABLED)
    elif name is None:
        each.leave_out("a field", "its name is not known")
    else:
        yield name, scope.template(each.text("value"))


def _graphql(node: Node, scope: _Scope) -> Template:
    """The JSON that a GraphQL request is: the query, and its variables as they were written."""
    query, name = json.dumps(node.text("query"), ensure_ascii=False), node.text("operationName")
    parts = [f'"query": {query}']
    parts += [f'"operationName": {json.dumps(name, ensure_ascii=False)}'] if name else []
    written = node.at("variables").value
    text = written if isinstance(written, str) else json.dumps(written) if written else ""
    parts += [f'"variables": {text}'] if text.strip() else []
    return scope.template(f"{{{', '.join(parts)}}}")


def _answers(item: Node, intake: Intake) -> tuple[tuple[MessageParameter, ...], tuple[MessageParameter, ...]]:
    """The fields of the first success and of the first failure that are saved as examples, where they are JSON."""
    found: dict[bool, tuple[MessageParameter, ...]] = {}
    for each in item.each("response"):
        code = each.at("code").value
        is_success = isinstance(code, int) and 200 <= code < 300  # noqa: PLR2004
        fields = _answer(each, intake) if is_success not in found else ()
        if fields:
            found[is_success] = fields
        elif each.text("body").strip():
            each.leave_out(
                "an example of an answer", "the fields of one success and one failure are read, from JSON objects"
            )
    return found.get(True, ()), found.get(False, ())


def _answer(each: Node, intake: Intake) -> tuple[MessageParameter, ...]:
    try:
        value = parse_json(each.text("body"))
    except DefinitionError:
        return ()
    return answer_fields(intake, value, f"{each.path}.body") if isinstance(value, dict) else ()
