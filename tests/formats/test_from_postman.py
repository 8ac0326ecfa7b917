"""From a Postman collection to actions: folders, variables, authentications, bodies, and what is left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import wayhook as wh

DOCUMENTS = Path(__file__).parent / "documents"
URL = "https://api.shop.example/v1/orders"
SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"


def collection(*items: Any, **parts: Any) -> dict[str, Any]:
    """A collection of these items."""
    return {"info": {"name": "My Shop", "schema": SCHEMA}, "item": list(items), **parts}


def request(**parts: Any) -> dict[str, Any]:
    """An item with one request, of which some parts are given."""
    item = parts.pop("item", {})
    return {"name": "Place order", "request": {"method": "POST", "url": URL, **parts}, **item}


def imported(*items: Any, **parts: Any) -> wh.Imported:
    """What a collection of these items gives."""
    return wh.from_postman(collection(*items, **parts))


def told(found: wh.Imported) -> set[str]:
    """What was left out."""
    return {each.what for each in found.left_out}


def test_real_collections() -> None:
    """Requests as texts and as objects, forms without fields, scripts of every spelling."""
    sample = wh.from_postman((DOCUMENTS / "sample.postman_collection.json").read_text())
    echo = wh.from_postman((DOCUMENTS / "echo.postman_collection.json").read_bytes())

    assert [action.name for action in sample.actions] == [
        "ASimpleGETRequest", "ASimplePOSTRequest", "ASimplePOSTRequestWithJSONBody",
    ]  # fmt: skip
    assert wh.preview(sample.actions[2]).body == (
        b'{"text":"Duis posuere augue vel cursus pharetra. In luctus a ex nec pretium..."}'
    )
    assert told(sample) == {"the test script"}
    assert [(action.name, wh.preview(action).method) for action in echo.actions] == [
        ("RequestHeaders", "GET"), ("ResponseHeaders", "GET"), ("POSTRequest", "POST"), ("PUTRequest", "PUT"),
    ]  # fmt: skip
    assert told(echo) == {"the test script", "the body"}
    assert "ssh-secret" not in f"{echo}{[wh.dumps(action) for action in echo.actions]}"
    assert all(wh.violations(action) == () for action in (*sample.actions, *echo.actions))


def test_what_a_collection_hands_down() -> None:
    """Folders and requests have the authentication that is nearest; a URL that only a script knows is told."""
    found = wh.from_postman((DOCUMENTS / "inherited-entities.postman_collection.json").read_text())

    joined = [(action.name, action.authentication.kind) for action in found.actions]
    assert joined == [
        ("Variables", "basic"), ("Auth", "basic"), ("Auth_2", "none"), ("Auth_3", "none"), ("AuthOverride", "none"),
        ("EnvironmentOverride", "basic"),
    ]  # fmt: skip
    assert found.actions[0].authentication == wh.BasicAuthentication(
        "postman", wh.secret("env:COLLECTION_AUTHORIZATION")
    )
    assert wh.preview(found.actions[0]).url == "https://postman-echo.com/get?test=collection_variable"
    assert {"Collection level stuff/Events", "Folder level stuff/Event", "the authentication digest"} <= told(found)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((DOCUMENTS / "v1.postman_collection.json").read_text(), "export this one as 'Collection v2.1'"),
        ({"info": {"schema": "https://schema.getpostman.com/json/collection/v3.0.0/"}, "item": []}, "v2.0 and v2.1"),
        ({"name": "dev", "values": []}, "this is an environment"),
        ({"info": {}}, "a collection has a list of items"),
        ({}, "a collection has a list of items"),
        ("", "not JSON"),
        ("[1", "not JSON"),
        ([], "a Postman collection is an object, or its text, not an array"),
        ({"item": [{"name": 7}, {"request": {"header": 7, "url": []}}]}, r"\$\.item\[0\]\.name: a text"),
    ],
)
def test_a_collection_that_is_none(given: Any, message: str) -> None:
    """Other versions and other files of Postman are told apart, and faults have their places."""
    with pytest.raises(wh.DocumentError, match=message):
        wh.from_postman(given)


def test_one_request_of_many() -> None:
    """A request is named by its name or by its path; a name that several have takes the path."""
    given = collection({"name": "A", "item": [request()]}, {"name": "B", "item": [request(method="PUT")]})

    assert wh.preview(wh.from_postman(given, "B/Place order", name="Own").action).method == "PUT"
    with pytest.raises(wh.DefinitionError, match="more than one request 'Place order'; there are A/Place order, B/Pl"):
        wh.from_postman(given, "Place order")
    with pytest.raises(wh.DefinitionError, match="no request 'A/Place'; did you mean 'A/Place order'"):
        wh.from_postman(given, "A/Place")
    with pytest.raises(wh.DefinitionError, match="the name of a request belongs here"):
        wh.from_postman(given, 7)  # type: ignore[arg-type]  # as somebody may give it
    assert wh.from_postman({"collection": given}).actions == wh.from_postman(given).actions


VARIABLES = [
    {"key": "baseUrl", "value": "https://{{host}}/v1"},
    {"key": "host", "value": "api.shop.example"},
    {"key": "n", "value": 5},
    {"key": "off", "value": "x", "disabled": True},
    {"key": "apiToken", "value": "canary"},
    {"key": "loop", "value": "{{loop}}"},
]


def test_variables() -> None:
    """Known ones are filled in, others are variables of the action, in a JSON without quotes, too."""
    body = {"mode": "raw", "raw": '{"to": "{{to}}", "n": {{n}}, "age": {{age}}, "at": "{{$isoTimestamp}}"}'}
    item = request(
        url={"raw": "{{baseUrl}}/orders?lang={{lang}}&x={{off}}"},
        header=[{"key": "X-A", "value": "{{n}}"}, {"key": "X-B", "value": "v {{loop}}"}],
        body={**body, "options": {"raw": {"language": "json"}}},
    )
    found = imported(item, variable=VARIABLES)

    action = found.action
    assert dict(action.variables) == {
        "X-B": wh.variable("loop"), "lang": wh.variable("lang"), "x": wh.variable("off"), "to": wh.variable("to"),
        "age": wh.variable("age"), "at": wh.variable("$isoTimestamp"),
    }  # fmt: skip
    values = {"X-B": "b", "lang": "en", "x": "1", "to": "+33", "age": 4, "at": "now"}
    call = wh.preview(action, values)
    assert call.url == "https://api.shop.example/v1/orders?lang=en&x=1"
    assert call.body == b'{"to":"+33","n":5,"age":4,"at":"now"}'
    assert dict(call.headers)["X-A"] == "5"
    assert told(found) == {"the text around loop in X-B", "the type"}


def test_values_of_an_environment() -> None:
    """The caller's values go before those of the collection; without a value for the host there is no URL."""
    item = request(url="{{baseUrl}}/orders")

    known = wh.from_postman(collection(item), values={"baseUrl": "https://b.example"})
    assert wh.preview(known.action).url == "https://b.example/orders"
    with pytest.raises(wh.DocumentError, match=r"\$\.item\[0\]\.request\.url: .* give a value for baseUrl"):
        wh.from_postman(collection(item))
    for bad in (7, {"a": 7}, {7: "a"}):
        with pytest.raises(wh.DefinitionError, match=r"\$\.values"):
            wh.from_postman(collection(item), values=bad)  # type: ignore[arg-type]  # as somebody may give it


@pytest.mark.parametrize(
    ("auth", "authentication"),
    [
        (
            {"type": "bearer", "bearer": [{"key": "token", "value": "canary"}]},
            wh.BearerAuthentication(wh.secret("env:MYSHOP_AUTHORIZATION")),
        ),
        ({"type": "bearer", "bearer": {"token": "{{apiToken}}"}}, wh.BearerAuthentication(wh.secret("env:APITOKEN"))),
        (
            {"type": "basic", "basic": {"username": "joe", "password": "{{pw}}"}},
            wh.BasicAuthentication("joe", wh.secret("env:PW")),
        ),
        (
            {"type": "apikey", "apikey": [{"key": "key", "value": "X-Key"}, {"key": "value", "value": "canary"}]},
            wh.ApiKeyAuthentication("X-Key", wh.secret("env:MYSHOP_X_KEY")),
        ),
        (
            {"type": "apikey", "apikey": {"key": "k", "value": "canary", "in": "query"}},
            wh.ApiKeyAuthentication("k", wh.secret("env:MYSHOP_K"), location="query"),
        ),
        (
            {"type": "oauth2", "oauth2": {
                "grant_type": "client_credentials", "accessTokenUrl": "https://id.example/token", "clientId": "app-4",
                "clientSecret": "canary", "scope": "a b", "client_authentication": "body",
            }},
            wh.OAuthClientCredentials(
                "https://id.example/token", "app-4", wh.secret("env:MYSHOP_CLIENT_SECRET"), scope="a b",
                client_authentication="body",
            ),
        ),
        (
            {"type": "oauth2", "oauth2": {"grant_type": "authorization_code", "accessToken": "canary"}},
            wh.BearerAuthentication(wh.secret("env:MYSHOP_AUTHORIZATION")),
        ),
        ({"type": "noauth"}, wh.NoAuthentication()),
        ({"type": "awsv4", "awsv4": {"secretKey": "canary"}}, wh.NoAuthentication()),
        ({"type": "apikey", "apikey": {"value": "canary"}}, wh.NoAuthentication()),
    ],
)  # fmt: skip
def test_authentications(auth: dict[str, Any], authentication: wh.Authentication) -> None:
    """Each kind in both spellings; its secrets are named for who has it, or as the collection calls them."""
    found = imported(request(), auth=auth, variable=VARIABLES)

    assert found.action.authentication == authentication
    assert "canary" not in f"{found}{found!r}{wh.dumps(found.action)}"


VALUES = '{"id": 4}'


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ({"mode": "raw", "raw": "hello"}, b"hello"),
        ({"mode": "raw", "raw": ""}, None),
        ({"mode": "raw", "raw": "<a/>", "options": {"raw": {"language": "xml"}}}, b"<a/>"),
        (
            {"mode": "urlencoded", "urlencoded": [{"key": "a", "value": "x y"}, {"key": "a", "value": "z"}]},
            b"a=x+y&a=z",
        ),
        ({"mode": "urlencoded", "urlencoded": "a=1&b=2"}, b"a=1&b=2"),
        ({"mode": "urlencoded", "urlencoded": [{"key": "a", "value": "1", "disabled": True}]}, None),
        (
            {"mode": "graphql", "graphql": {"query": "query($id: ID!) { pet(id: $id) { name } }", "variables": VALUES}},
            b'{"query":"query($id: ID!) { pet(id: $id) { name } }","variables":{"id":4}}',
        ),
        (
            {"mode": "graphql", "graphql": {"query": "{ a }", "operationName": "A"}},
            b'{"query":"{ a }","operationName":"A"}',
        ),
        ({"mode": "formdata", "formdata": [{"key": "f", "src": "/x", "type": "file"}]}, None),
        ({"mode": "file", "file": {"src": "/x"}}, None),
        ({"mode": "raw", "raw": "x", "disabled": True}, None),
        ({"mode": "new"}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_bodies(body: dict[str, Any], sent: bytes | None) -> None:
    """What can be sent is sent, and what cannot is told."""
    found = imported(request(body=body))

    assert wh.preview(found.action).body == sent
    is_told = sent is None and body and not (body["mode"] == "raw" and body["raw"] == "")
    assert bool(found.left_out) is bool(is_told)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://h.example/a?b=c", "https://h.example/a?b=c"),
        ("h.example/a", "http://h.example/a"),
        ({"raw": "https://h.example/:id/x", "variable": [{"key": "id", "value": "7"}]}, "https://h.example/7/x"),
        ({"raw": "https://h.example:8443/:id/x", "variable": [{"key": "id", "value": ""}]}, "https://h.example:8443"),
        (
            {
                "protocol": "https",
                "host": ["api", "x", "example"],
                "port": "8443",
                "path": ["a", {"type": "string", "value": "b"}],
                "query": [{"key": "q", "value": "1"}, {"key": "off", "value": "2", "disabled": True}],
            },
            "https://api.x.example:8443/a/b?q=1",
        ),
        ({"host": "h.example", "path": "/a/b"}, "http://h.example/a/b"),
    ],
)
def test_urls(url: Any, address: str) -> None:
    """A text, one with variables of its path, and one in parts."""
    assert wh.preview(imported(request(url=url)).action).url == address


def test_headers_of_both_spellings() -> None:
    """A list, with some switched off, and one text."""
    listed = [
        {"key": "X-A", "value": "1"},
        {"key": "X-B", "value": "2", "disabled": True},
        {"key": "{{h}}", "value": ""},
    ]

    assert dict(wh.preview(imported(request(header="X-A: 1\nX-B: 2\n")).action).headers)["X-B"] == "2"
    found = imported(request(header=listed))
    assert dict(wh.preview(found.action).headers)["X-A"] == "1"
    assert told(found) == {"the header X-B", "a header"}


def test_answers() -> None:
    """The first success and the first failure that are saved as examples."""
    answers = [
        {"code": 200, "body": "<html>"}, {"code": 201, "body": '{"id": 7, "token": "canary", "tags": ["a", "b"]}'},
        {"code": 404, "body": '{"error": "none"}'}, {"code": 500, "body": '{"other": 1}'}, {"code": 204, "body": ""},
    ]  # fmt: skip
    found = imported(request(item={"response": answers}))

    assert [(each.name, each.data_type) for each in found.action.response] == [
        ("id", "integer"), ("token", "string"), ("tags", "listString"),
    ]  # fmt: skip
    assert [each.name for each in found.action.failure_response] == ["error"]
    assert {each.path for each in found.left_out} == {"$.item[0].response[0]", "$.item[0].response[3]"}
    assert "canary" not in wh.dumps(found.action)


def test_what_is_left_out() -> None:
    """Scripts at every level, settings, certificates, bodies of a GET, and items that are nothing."""
    event = {"listen": "prerequest", "script": {"exec": ["", "pm.x()"]}}
    empty = {"listen": "test", "script": {"exec": [""]}}
    item = request(
        method="GET",
        body={"mode": "raw", "raw": "x"},
        proxy={"host": "p"},
        certificate={"key": {"src": "k"}},
        description={"content": "Places an order "},
        item={"event": [event, empty], "protocolProfileBehavior": {"followRedirects": False}},
    )
    found = imported({"name": "Folder", "item": [item], "event": [event]}, {"name": "nothing"}, event=event)

    assert [each.path for each in found.left_out if "script" in each.what] == [
        "$.event", "$.item[0].event[0]", "$.item[0].item[0].event[0]",
    ]  # fmt: skip
    assert told(found) == {"the prerequest script", "followRedirects", "proxy", "certificate", "the body", "nothing"}
    assert found.action.description == "Places an order"
    pruning = {"protocolProfileBehavior": {"disableBodyPruning": True}}
    kept = imported(request(method="GET", body={"mode": "raw", "raw": "x"}, item=pruning))
    assert wh.preview(kept.action).body == b"x"


def test_a_secret_in_a_variable_never_comes_in() -> None:
    """A variable that holds a secret, by its name or its look, stays open wherever it is used."""
    item = request(
        header=[{"key": "X-Own", "value": "{{apiToken}}"}, {"key": "X-Other", "value": "{{look}}"}],
        body={"mode": "raw", "raw": json.dumps({"t": "{{apiToken}}"}), "options": {"raw": {"language": "json"}}},
    )
    variables = [*VARIABLES, {"key": "look", "value": "sk_live_canarycanary"}]

    found = imported(item, variable=variables)

    assert "canary" not in f"{found}{found!r}{wh.dumps(found.action)}"
    assert {name for name, _ in found.action.variables} == {"X-Own", "X-Other", "t"}


def test_variables_that_grow_without_end_stay_open() -> None:
    """Values that hold themselves many times are not filled in for ever."""
    variables = [{"key": f"v{i}", "value": f"{{{{v{i + 1}}}}}" * 10} for i in range(12)]
    variables.append({"key": "v12", "value": "x"})
    found = imported(request(header=[{"key": "X-A", "value": "{{v0}}"}]), variable=variables)

    assert dict(found.action.variables)["X-A"].label.startswith("v")
