"""Properties: a command that was written is read the same; a document that is broken is refused by us, soon."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import wayhook as wh
from wayhook.formats.foreign.yaml import parse_yaml

DOCUMENTS = Path(__file__).parents[1] / "formats" / "documents"

texts = st.text(st.characters(codec="utf-8"), max_size=12)
visible = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
names = texts.filter(lambda name: name and "." not in name and not name.startswith("$"))
scalars = st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(
    scalars | st.none(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(names, below, max_size=3),
    max_leaves=10,
)
secrets = st.sampled_from([wh.secret("env:H_KEY"), wh.SecretText("v1 ", wh.Base64("a:", wh.secret("env:B")))])
headers = st.dictionaries(st.from_regex(r"X-[A-Za-z0-9-]{1,8}", fullmatch=True), visible | secrets, max_size=3)
asked = names.filter(lambda name: name not in ("x", "y"))
queries = st.dictionaries(asked, texts | st.just(wh.secret("env:Q")), max_size=3)
KEY = wh.secret("env:KEY")
AUTHENTICATIONS = [
    wh.NoAuthentication(),
    wh.BasicAuthentication("joe", KEY),
    wh.BasicAuthentication(wh.secret("env:USER"), KEY),
    wh.BearerAuthentication(KEY),
    wh.ApiKeyAuthentication("X-Key", KEY),
    wh.ApiKeyAuthentication("a key", KEY, location="query"),
    wh.ApiKeyAuthentication("hook", KEY, location="path"),
]
URLS = ["", "/", "/v1", "/v1/", "/a%20b", "/é", "/v1?x=1,2", "/v1?x=1&y=a%20b", "/v1?x=1&x=2", "/?flag&$x=1"]


@st.composite
def actions(draw: st.DrawFn) -> wh.Action:
    """An action of constants, with a body of any format, secrets anywhere."""
    method = draw(st.sampled_from(["POST", "PUT", "PATCH", "DELETE", "GET"]))
    given = draw(headers)
    body: dict[str, Any] = {}
    match draw(st.sampled_from(["json", "form", "raw", "none"])) if method != "GET" else "none":
        case "json":
            sample = draw(st.dictionaries(names, values, min_size=1, max_size=4))
            body = {"message_parameters": wh.message_parameters(sample), "allow_null_values": draw(st.booleans())}
        case "form":
            fields = st.dictionaries(names, scalars | st.lists(texts, min_size=1, max_size=3), min_size=1, max_size=4)
            body = {"body_format": "form", "message_parameters": wh.message_parameters(draw(fields))}
        case "raw":
            body = {"body_format": "raw", "message_parameters": wh.message_parameters({"text": draw(texts)})}
    return wh.Action(
        name="Act",
        url_configuration=wh.UrlConfiguration(
            "https://h.example" + draw(st.sampled_from(URLS)),
            method=method,
            headers={name: value for name, value in given.items() if name.lower() != "x-key"},
            query_parameters=draw(queries),
        ),
        authentication=draw(st.sampled_from(AUTHENTICATIONS)),
        **body,
    )


def shown(call: wh.Call) -> tuple[Any, ...]:
    """A call as it is sent, secrets as their labels: whatever has two spellings in one.

    A secret goes behind the rest, so that the query is compared in any order; the Content-Type of a JSON that is sent
    as a text has a small letter.
    """
    path, _, query = call.masked_url.partition("?")
    sent = sorted((name.lower(), value) for name, value in call.masked_headers)
    return call.method, path.removesuffix("/"), sorted(query.split("&")), sent, call.body


@given(actions(), st.sampled_from(["", "p/q", "é x"]))
def test_a_command_that_was_written_is_read_the_same(action: wh.Action, path: str) -> None:
    """`from_curl` of `to_curl` previews to the same request, byte for byte; the URL of one without secrets, too."""
    try:
        call = wh.preview(action, path=path)
    except wh.DefinitionError:
        assume(False)

    imported = wh.from_curl(wh.to_curl(call), name="Act")

    assume(len(imported.secrets) == len({*call.secrets}))  # a constant that looks like a secret is one afterwards
    again = wh.preview(imported.action)
    assert shown(again) == shown(call)
    assert call.credentials or again.url == call.url


def _yaml(name: str) -> Any:
    return parse_yaml((DOCUMENTS / name).read_text().replace("'<>'", "'https://h.example/x'"))


def _json(name: str) -> Any:
    return json.loads((DOCUMENTS / name).read_text())


SOURCES: dict[str, tuple[Any, Callable[[Any], wh.Imported]]] = {
    "petstore": (_yaml("petstore.yaml"), lambda given: wh.from_openapi(given, server="https://h.example")),
    "museum": (_yaml("museum.yaml"), lambda given: wh.from_openapi(given, connections=True)),
    "echo": (_json("echo.postman_collection.json"), wh.from_postman),
    "inherited": (_json("inherited-entities.postman_collection.json"), wh.from_postman),
    "full": (_json("full.har"), wh.from_har),
    "auth": (_json("auth-variants.har"), wh.from_har),
    "cloudformation": (_yaml("oauth-destination.yaml"), wh.from_eventbridge),
}  # fmt: skip
STRANGE: list[Any] = [
    None, True, 0, -1, 2**70, 1.5, float("nan"), "", "x", " ", "\ud800", "{{a}}", "{b}", "$filter", "a\0b", "%zz", "::",
    "https://u:p@h.example/x?a=b", "Bearer x", "x" * 5_000, b"x", object(), {1, 2}, {"\ud800": 1}, {5: 1}, [], {},
    [None], {"a": 1}, {"$ref": "#/"}, {"$ref": "#/components/schemas/Pet"}, {"type": "array"}, {"type": ["null"]},
    {"allOf": [{}]}, {"allOf": None}, {"example": [{"$x": 2}]},
    {"oneOf": [{"type": "object", "properties": {"q.q": {}}}]},
]  # fmt: skip


def places(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a document."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [above, *(place for key, part in below for place in places(part, (*above, key)))]


def shown_by(read: Callable[[], wh.Imported]) -> list[str]:
    """What is shown of an import: of the error, or of what came and of its actions, which can be rendered."""
    try:
        imported = read()
    except wh.WayhookError as error:
        return [str(error)]
    for action in imported.actions:
        with suppress(wh.RenderError):  # no value is of every type
            wh.preview(action, dict.fromkeys(dict(action.variables), "x"))
    return [str(imported), repr(imported), *map(repr, imported.actions)]


PLACES = {name: [place for place in places(document) if place] for name, (document, _) in SOURCES.items()}


def broken(data: st.DataObject, name: str) -> Any:
    """A document with some places taken out, replaced, or put into each other."""
    document = copy.deepcopy(SOURCES[name][0])
    for _ in range(data.draw(st.integers(1, 4))):
        place, other = (data.draw(st.sampled_from(PLACES[name])) for _ in range(2))
        parts = []
        for way in (place, other):
            part = document
            for step in way[:-1]:
                part = part[step] if isinstance(part, dict | list) and _has(part, step) else None
            parts.append(part)
        target, source = parts
        if not isinstance(target, dict | list) or not _has(target, place[-1]):
            continue
        match data.draw(st.sampled_from(["replace", "delete", "move"])):
            case "delete":
                del target[place[-1]]
            case "move" if isinstance(source, dict | list) and _has(source, other[-1]):
                target[place[-1]] = source[other[-1]]
            case _:
                target[place[-1]] = data.draw(st.sampled_from(STRANGE))
    return document


def _has(part: Any, step: Any) -> bool:
    return step in part if isinstance(part, dict) else isinstance(step, int) and step < len(part)


@pytest.mark.parametrize("name", SOURCES)
@given(data=st.data())
def test_a_broken_document_is_read_or_refused_by_us(name: str, data: st.DataObject) -> None:
    """Whatever is changed in a real document, only errors of our own come out, and what comes out can be rendered."""
    document = broken(data, name)
    began = time.perf_counter()

    shown = shown_by(lambda: SOURCES[name][1](document))

    assert all(shown)
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize("name", SOURCES)
@given(data=st.data())
def test_a_document_that_is_cut_is_refused(name: str, data: st.DataObject) -> None:
    """A text that ends too early is no document, and the place is told."""
    document, read = SOURCES[name]
    text = json.dumps(document)

    with pytest.raises(wh.DocumentError):
        read(text[: data.draw(st.integers(0, len(text) - 1))])


BITS = [
    "'", '"', "\\", "$", "`", "^", "|", "\n", " ", "{", "}", "$(", "${", "@", "-", "--", "%41", "=", "&", ";", "#",
    "\0",    "\ud800", "é", "$'", "\\x", "^\n", "-H ", "-d ", "-u ", "-F ", "--next ", "--url ", "-X ", "$'\\ud800'", "https://",
    "?", "//", "[", "<", ">", "$(printf %s a | base64 | tr -d '\\n')", "\ufdd00\ufdd0", "\ufdd1", "\ufdd2",
]  # fmt: skip
COMMANDS = [
    "curl -X POST 'https://h.example/v1?a=1&b=x' -H 'Authorization: Bearer abc' -u joe:pw -d '{\"a\": [1, null]}' -k",
    'curl "https://h.example/a/$ID" -H "X-Key: ${KEY}" --data-urlencode "q=a b" -G --url-query c=d | jq .',
    'curl ^"https://h.example^" ^\n  -H ^"a: b^" ^\n  --data-raw ^"^{^\\^"a^\\^":1^}^"',
]


changed = st.tuples(st.integers(0, 200), st.integers(0, 9), st.sampled_from(BITS))


@given(st.sampled_from(COMMANDS), st.lists(changed, max_size=6))
def test_a_broken_command_is_read_or_refused_by_us(command: str, changes: list[tuple[int, int, str]]) -> None:
    """Whatever is put into a command or taken out of it, only errors of our own come out."""
    for place, length, bit in changes:
        command = command[:place] + bit + command[place + length :]

    assert all(shown_by(lambda: wh.from_curl(command)))
