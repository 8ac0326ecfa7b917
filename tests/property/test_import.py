"""Properties: a command that was written is read the same; a document that is broken is refused by us, soon."""

from __future__ import annotations

import copy
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import wayhook as wh
from wayhook.formats.foreign.secrecy import is_secret
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


labels = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=12)
blanks = st.builds(wh.variable, labels, optional=st.booleans())
spoken = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,7}", fullmatch=True).filter(
    lambda name: not is_secret(name, among_keys=True)
)
asked_for = spoken.filter(lambda name: name not in ("x", "y", "flag"))  # those stand in URLs
leaves = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(-1e9, 1e9).map(lambda x: round(x * 8) / 8) | texts
dates = st.sampled_from(["2030-01-02", "2030-01-02T03:04:05Z", "2030-01-02T03:04:05"])
trees = st.recursive(
    leaves | dates | st.none(),
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(spoken, below, min_size=1, max_size=3)
    ),  # an empty object is told
    max_leaves=10,
)
TYPES = {10: "dateOnly", 20: "dateTime", 19: "dateTimeOnly"}


def dotted(tree: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Each place of a sample below its top with its dotted path, those of lists by their numbers."""
    below = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for name, value in below:
        path = f"{above}.{name}" if above else str(name)
        yield path, value
        yield from dotted(value, path)


@st.composite
def parameters(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> tuple[wh.MessageParameter, ...]:
    """A payload of which some places are variables, required or not, and some texts are dates."""
    sample = draw(st.dictionaries(spoken, values, min_size=1, max_size=4))
    found = [(path, value) for path, value in dotted(sample) if value is not None and not isinstance(value, dict)]
    types = {path: TYPES[len(value)] for path, value in found if isinstance(value, str) and DATE.match(value)}
    types = {path: kind for path, kind in types.items() if draw(st.booleans())}
    chosen = {path: draw(blanks) for path, _ in found if draw(st.booleans())}
    try:
        return wh.message_parameters(sample, variables=chosen, types=types)
    except wh.DefinitionError:  # a list that cannot be a variable, or one inside of another
        return wh.message_parameters(sample, types=types)


DATE = re.compile(r"2030-")
texts_or_blanks = visible | blanks
forms = leaves | st.lists(texts, min_size=1, max_size=3)


@st.composite
def definitions(draw: st.DrawFn) -> wh.Action:
    """An action as people describe them: constants and variables in every place, secrets, a body, answers."""
    kind = draw(st.sampled_from(["json", "form", "raw", "none"]))
    sent = {"json": trees, "form": forms, "raw": texts, "none": texts}[kind]
    body = draw(parameters(sent)) if kind != "none" else ()
    given = {name: value for name, value in draw(headers).items() if name.lower() != "x-key"}
    given |= {f"Y-{name}": value for name, value in draw(st.dictionaries(spoken, texts_or_blanks, max_size=3)).items()}
    made = wh.UrlConfiguration(
        "https://h.example" + draw(st.sampled_from(URLS)),
        method=draw(st.sampled_from(["POST", "PUT", "PATCH", "DELETE", "GET"])),
        headers=given,
        query_parameters=draw(st.dictionaries(asked_for, texts | blanks | st.just(wh.secret("env:Q")), max_size=3)),
    )
    answers = st.just(()) | st.dictionaries(spoken, trees, max_size=3).map(wh.payload)
    oauth = wh.OAuthClientCredentials("https://l.example/t", "me", KEY, scope="read write")
    tls = wh.MutualTlsAuthentication("PEM", KEY, authentication=wh.BearerAuthentication(KEY))
    return wh.Action(
        name="Act",
        description=draw(labels),
        url_configuration=made,
        authentication=draw(st.sampled_from([*AUTHENTICATIONS, oauth, tls])),
        message_parameters=body[:1] if kind == "raw" else body,
        body_format="json" if kind == "none" else kind,
        allow_null_values=draw(st.booleans()),
        idempotency_header=draw(st.sampled_from([None, "Idempotency-Key"])),
        response=draw(answers),
        failure_response=draw(answers),
    )


def tree_of(fields: tuple[wh.MessageParameter, ...]) -> list[Any]:
    """Message parameters as plain values, the samples of variables among them."""
    return [
        (
            each.name,
            each.data_type,
            each.value,
            each.variable,
            getattr(each.variable, "sample", None),
            tree_of(each.parameters),
        )
        for each in fields
    ]


def read_of(fields: tuple[wh.MessageParameter, ...]) -> list[Any]:
    """What is read of an answer: names and types, of a list of objects those of its first item."""
    items = {each.name: each.parameters[:1] if each.data_type is wh.DataType.LIST_OBJECT else () for each in fields}
    return [
        (
            each.name,
            each.data_type,
            read_of(each.parameters if each.data_type is wh.DataType.OBJECT else items[each.name]),
        )
        for each in fields
    ]


def carried(action: wh.Action, lost: set[str]) -> dict[str, Any]:
    """What an action is, without what is told to be lost: a constant query in its one place, a secret by where it goes.

    What a document says twice, it says once: a secret header is an API key, and the other way round.
    """
    configuration = action.url_configuration
    assert configuration is not None
    url, _, query = configuration.url.partition("?")
    pairs = {
        "headers": [(each.name, each.value) for each in configuration.headers],
        "query_parameters": [
            *parse_qsl(query, keep_blank_values=True),
            *((q.name, q.value) for q in configuration.query_parameters),
        ],
    }
    plain = {
        place: sorted(
            (name, repr(value)) for name, value in found
            if f"$.url_configuration.{place}.{name}" not in lost and isinstance(value, str | wh.Variable)
        )
        for place, found in pairs.items()
    }  # fmt: skip
    secret = {
        (place[0], name)
        for place, found in pairs.items()
        for name, value in found
        if not isinstance(value, str | wh.Variable)
    }
    named = {path.split(".")[2] for path in lost if path.startswith("$.message_parameters.")}
    fields = tree_of(action.message_parameters)
    if action.body_format == "raw":  # the name of the text is told to be lost, and a variable may have no other label
        [text] = action.message_parameters or [None]
        blank = text and text.variable
        fields, named = [(text and text.value, blank and (blank.label or "body", blank.sample or ""))], set()
    authentication = action.authentication
    kinds = {authentication.kind, getattr(getattr(authentication, "authentication", None), "kind", "none")}
    parts: dict[str, Any] = {
        "url": quote(url, safe="/:%").rstrip("/"),
        "method": configuration.method,
        **plain,
        "format": action.body_format if action.message_parameters else None,
        "payload": [field for field in fields if field[0] not in named],
        "allow_null_values": action.allow_null_values,
        "idempotency_header": action.idempotency_header,
        "description": action.description.removesuffix("Path: {path}").strip(),
        "response": read_of(action.response),
        "failure_response": read_of(action.failure_response),
    }
    if "$.authentication" not in lost:
        parts["kinds"] = kinds - {"api_key", "none"}
        parts["secrets"] = secret | {(each.location[0], each.name) for each in authentication.credentials()}
    return {name: part for name, part in parts.items() if not any(path.startswith(f"$.{name}") for path in lost)}


@given(definitions())
def test_what_an_openapi_document_does_not_tell_to_be_lost_comes_back(action: wh.Action) -> None:
    """`from_openapi` of `to_openapi` is the action: URL, method, headers, query, payload, answers, where secrets go."""
    try:
        document = wh.to_openapi(action)
    except wh.DefinitionError:
        assume(False)
    lost = {each["path"] for each in document.get("x-wayhook-left-out", [])} - {"$.idempotency_header"}

    imported = wh.from_openapi(json.loads(json.dumps(document)))

    assert carried(imported.action, lost) == carried(action, lost)
    assert {each.what for each in imported.left_out} <= {"the path {path}", "the value of Idempotency-Key"}


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
