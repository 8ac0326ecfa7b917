"""What `import` and `validate` can read: a table of formats, each told by its content."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

import attrs

from wayhook.cli.answer import CannotRun
from wayhook.cli.file import text_in, within
from wayhook.errors import DefinitionError, DocumentError, Violation
from wayhook.formats.adobe import load_authorization
from wayhook.formats.bundle import KIND, load_bundle, with_secrets
from wayhook.formats.document import MAX_DEPTH, loads
from wayhook.formats.foreign.curl import from_curl
from wayhook.formats.foreign.eventbridge import from_eventbridge
from wayhook.formats.foreign.har import from_har
from wayhook.formats.foreign.imported import Imported
from wayhook.formats.foreign.openapi import from_openapi
from wayhook.formats.foreign.postman import from_postman
from wayhook.formats.foreign.yaml import parse_yaml
from wayhook.formats.limit import load_capping, load_throttling
from wayhook.jsonvalue import parse_json
from wayhook.model.capping import CappingConfiguration, CappingRule
from wayhook.model.connection import Connection
from wayhook.model.record import KINDS, Definition
from wayhook.model.throttling import ThrottlingConfiguration, ThrottlingRule
from wayhook.secret import secret

__all__ = ["FORMATS", "Material", "Source", "Wish", "read", "recognised", "together"]

_CURL = re.compile(r"\s*(\$ )?curl(\.exe)?\s", re.ASCII)
_OPENAPI = re.compile(r"^['\"]?openapi['\"]?:\s*['\"]?3\.", re.MULTILINE | re.ASCII)

_EVENTBRIDGE = "eventbridge"
_RESOURCES = ("AWS::Events::Connection", "AWS::Events::ApiDestination")
_AWS = re.compile(r"AWS::Events::(Connection|ApiDestination)\b")
_DESCRIBED = re.compile(r"^(AuthParameters|InvocationEndpoint):", re.MULTILINE)
_DESTINATION = re.compile(r"^InvocationEndpoint:", re.MULTILINE)
_A_PAIR = 2


@attrs.frozen
class Wish:
    """What somebody wants of a document.

    `name`: of what it describes, where it does not say. `secrets`: references by place. `operation`: one of several.
    """

    name: str = ""
    secrets: Mapping[str, str] = attrs.Factory(dict)
    operation: str | None = None


@attrs.frozen
class Material:
    """What was read from a document, `place`.

    `values`: what a repository keeps. `bundle`: the export that they came in, its secrets put in; they get new names
    where it is imported. `secrets`, `left_out`: what is to be known beside, in sentences.
    """

    values: tuple[Definition, ...] = ()
    bundle: Mapping[str, Any] | None = None
    secrets: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    place: str = ""


@attrs.frozen
class Format:
    """One format. `fits`: whether a text, and its JSON value or None, is in it. `read`: what it holds."""

    name: str
    title: str
    fits: Callable[[str, Any], bool]
    read: Callable[[str, Any, Wish], Material]


@attrs.frozen
class Source:
    """A document whose format is known. `value`: of its JSON, None for another text."""

    place: str
    format: Format
    text: str
    value: Any

    def read(self, wish: Wish) -> Material:
        """Return what it holds; raises `DocumentError` with every fault and its place."""
        try:
            found = self.format.read(self.text, self.value, wish)
        except DefinitionError as error:
            raise within(self.place, error) from None
        return attrs.evolve(found, place=self.place)


def recognised(place: str) -> Source:
    """Return a document with its format; raises `DocumentError` for one of an unknown format, and `CannotRun`."""
    text = text_in(place)
    try:
        value, fault = parse_json(text, depth=MAX_DEPTH), ""
    except DefinitionError as error:
        value, fault = None, error.violations[0].message
    chosen = next((format_ for format_ in FORMATS if format_.fits(text, value)), None)
    if chosen is None:
        about = fault if fault and text.lstrip()[:1] in ("{", "[") else "its content tells no format"
        raise DocumentError([Violation(f"{place}: $", f"{about}; it may be {', '.join(f.title for f in FORMATS)}")])
    return Source(place, chosen, text, value)


def read(place: str, wish: Wish) -> Material:
    """Read a document; raises `DocumentError` with every fault and its place, and `CannotRun`."""
    return recognised(place).read(wish)


def together(sources: Sequence[Source]) -> Iterator[Source]:
    """Yield documents, those of EventBridge as one: a destination needs its connection."""
    parts = [source for source in sources if source.format.name == _EVENTBRIDGE]
    yield from (source for source in sources if len(parts) < _A_PAIR or source not in parts)
    if len(parts) >= _A_PAIR:
        places = ", ".join(source.place for source in parts)
        yield attrs.evolve(parts[0], place=places, text="", value=_template(parts))


def _template(parts: Sequence[Source]) -> dict[str, Any]:
    """One template of documents, each a template itself or one resource, which is called by its file."""
    whole: dict[str, Any] = {"Resources": {}, "Parameters": {}}
    for part in parts:
        value = _parsed(part)
        for word in ("Resources", "Parameters"):
            given = value.get(word)
            whole[word] |= given if isinstance(given, dict) else {}
        if not isinstance(value.get("Resources"), dict):
            kind = "ApiDestination" if "InvocationEndpoint" in value else "Connection"
            is_resource = isinstance(value.get("Properties"), dict)
            whole["Resources"][part.place] = (
                value if is_resource else {"Type": f"AWS::Events::{kind}", "Properties": value}
            )
    return whole


def _parsed(source: Source) -> dict[str, Any]:
    if source.value is not None:
        return source.value  # type: ignore[no-any-return]  # an object, as its format says
    try:
        value = parse_yaml(source.text)
    except DefinitionError as error:
        raise within(source.place, error) from None
    return value if isinstance(value, dict) else {}


def _has(**wanted: Callable[[Any], bool]) -> Callable[[str, Any], bool]:
    """Whether a JSON object has these keys with such values."""

    def fits(_: str, value: Any) -> bool:
        return isinstance(value, dict) and all(key in value and is_so(value[key]) for key, is_so in wanted.items())

    return fits


def _any(_: object) -> bool:
    return True


def _document(text: str, _: Any, wish: Wish) -> Material:
    _require_no_secrets(wish)
    return Material((loads(text),))


def _bundle(_: str, value: Any, wish: Wish) -> Material:
    document = with_secrets(value, wish.secrets)
    found = load_bundle(document)
    return Material((*found.connections, *found.actions, found.journey), document)


def _authorization(_: str, value: Any, wish: Wish) -> Material:
    if not wish.name:
        raise CannotRun("an authorization of the product has no name; give one with --name")
    held = load_authorization(value, secrets={place: secret(source) for place, source in wish.secrets.items()})
    return Material((Connection(wish.name, held),))


def _capping(text: str, _: Any, wish: Wish) -> Material:
    _require_no_secrets(wish)
    found = load_capping(text)
    kept = CappingConfiguration(_uid(wish), found) if isinstance(found, CappingRule) else found
    return Material((kept,))


def _throttling(text: str, _: Any, wish: Wish) -> Material:
    _require_no_secrets(wish)
    found = load_throttling(text)
    kept = ThrottlingConfiguration(_uid(wish), found) if isinstance(found, ThrottlingRule) else found
    return Material((kept,))


def _curl(text: str, _: Any, wish: Wish) -> Material:
    return _imported(from_curl(text, name=wish.name, secrets=wish.secrets), wish)


def _openapi(text: str, value: Any, wish: Wish) -> Material:
    return _imported(from_openapi(value or text, wish.operation, name=wish.name, secrets=wish.secrets), wish)


def _postman(_: str, value: Any, wish: Wish) -> Material:
    return _imported(from_postman(value, wish.operation, name=wish.name, secrets=wish.secrets), wish)


def _har(_: str, value: Any, wish: Wish) -> Material:
    return _imported(from_har(value, wish.operation, name=wish.name, secrets=wish.secrets), wish)


def _eventbridge(text: str, value: Any, wish: Wish) -> Material:
    document = text if value is None else value
    is_destination = isinstance(value, dict) and "InvocationEndpoint" in value
    is_destination = is_destination or (value is None and _DESTINATION.search(text) is not None)
    pair = (None, document) if is_destination else (document, None)
    return _imported(from_eventbridge(*pair, name=wish.name, secrets=wish.secrets), wish)


def _imported(found: Imported, wish: Wish) -> Material:
    """What a repository keeps of it; a rule becomes a configuration, which is not deployed."""
    limits = [
        CappingConfiguration(_uid(wish), limit) if isinstance(limit, CappingRule)
        else ThrottlingConfiguration(_uid(wish), limit) if isinstance(limit, ThrottlingRule)
        else limit
        for limit in found.limits
    ]  # fmt: skip
    secrets, left_out = tuple(map(str, found.secrets)), tuple(map(str, found.left_out))
    return Material((*found.connections, *found.actions, *limits), None, secrets, left_out)


def _uid(wish: Wish) -> str:
    return wish.name or uuid4().hex


def _require_no_secrets(wish: Wish) -> None:
    if wish.secrets:
        raise CannotRun("this document has no place for --secret; its secrets are references already")


FORMATS = (
    Format("document", "a document of wayhook", _has(wayhook=_any, kind=lambda kind: kind in KINDS), _document),
    Format("bundle", "an export of a journey", _has(wayhook=_any, kind=lambda kind: kind == KIND), _bundle),
    Format(
        "authorization",
        "a custom authorization of the product",
        lambda text, value: _has(authorizationType=_any)(text, value) or _has(authentication=_any)(text, value),
        _authorization,
    ),
    Format(
        _EVENTBRIDGE,
        "a connection or an API destination of EventBridge",
        lambda text, value: (
            _has(AuthorizationType=_any, AuthParameters=_any)(text, value)
            or _has(InvocationEndpoint=_any)(text, value)
            or _has(Type=lambda kind: kind in _RESOURCES)(text, value)
            or _has(Resources=lambda found: _AWS.search(json.dumps(found)) is not None)(text, value)
            or (value is None and _AWS.search(text) is not None)
            or (value is None and _DESCRIBED.search(text) is not None)
        ),
        _eventbridge,
    ),
    Format("capping", "a capping of the product", _has(url=_any, services=_any), _capping),
    Format("throttling", "a throttling of the product", _has(urlPattern=_any), _throttling),
    Format("curl", "a curl command", lambda text, _: _CURL.match(text) is not None, _curl),
    Format(
        "openapi",
        "an OpenAPI document",
        lambda text, value: _has(openapi=_any)(text, value) or (value is None and _OPENAPI.search(text) is not None),
        _openapi,
    ),
    Format("postman", "a Postman collection", _has(info=_any, item=_any), _postman),
    Format(
        "har",
        "a HAR recording",
        lambda text, value: _has(log=_any)(text, value) or _has(request=_any, response=_any)(text, value),
        _har,
    ),
)
"""Every format, in the order in which a document is held against them."""
