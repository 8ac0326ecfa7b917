"""The OpenAPI document: valid by the official schema, true to what is sent, and open about what it cannot hold."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import jsonschema
import pytest

import wayhook as wh

SCHEMA = json.loads((Path(__file__).parent / "openapi" / "schema-3.1-2022-10-07.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
KEY = wh.secret("env:KEY")
HERE = "https://h.example/v1"
LEFT_OUT = "x-wayhook-left-out"


def action(url: str = HERE, **parts: Any) -> wh.Action:
    """An action with the given parts of its URL configuration and of its own."""
    names = ("method", "headers", "query_parameters")
    configuration = wh.UrlConfiguration(url, **{name: parts.pop(name) for name in names if name in parts})
    return wh.Action(**{"name": "Act", "url_configuration": configuration, **parts})


def document(*actions: wh.Action, **info: str) -> dict[str, Any]:
    """A document that is valid, and JSON."""
    found = wh.to_openapi(actions, **info)
    VALIDATOR.validate(found)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    return found


def operation(**parts: Any) -> dict[str, Any]:
    """The one operation of an action with these parts."""
    [path] = document(action(**parts))["paths"].values()
    [found] = path.values()
    return found


def body_schema(**parts: Any) -> dict[str, Any]:
    """The schema of the request body."""
    [media] = operation(**parts)["requestBody"]["content"].values()
    jsonschema.Draft202012Validator.check_schema(media["schema"])
    return media["schema"]


def left_out(*actions: wh.Action) -> list[tuple[str, str]]:
    """Where things are that the document does not hold: the action and the path."""
    return [(entry["action"], entry["path"]) for entry in document(*actions).get(LEFT_OUT, [])]


def test_the_document_of_the_readme(send_sms: wh.Action) -> None:
    """Server, path, operation, parameters, body, answer and the security scheme of one action."""
    found = document(attrs.evolve(send_sms, description="One text message"), title="SMS", version="2.0")

    [(path, item)] = found["paths"].items()
    assert (found["openapi"], found["info"], found["servers"]) == (
        "3.1.0",
        {"title": "SMS", "version": "2.0"},
        [{"url": "https://sms.example.com"}],
    )
    assert path == "/v1/{path}"
    post = item["post"]
    assert (post["operationId"], post["description"]) == ("SendSms", "One text message")
    assert [(each["in"], each["name"], each["required"], each["schema"]) for each in post["parameters"]] == [
        ("path", "path", True, {"type": "string"}),
        ("header", "Charset", True, {"type": "string", "const": "UTF-8"}),
        ("header", "X-Campaign", True, {"type": "string"}),
        ("query", "tenant", True, {"type": "string", "const": "acme"}),
    ]
    assert post["requestBody"]["content"]["application/json"]["schema"] == {
        "type": "object",
        "properties": {
            "to": {"type": "string", "title": "Recipient", "examples": ["+33600000000"]},
            "text": {"type": "string", "title": "Message", "examples": ["Hello"]},
            "priority": {"type": "integer", "format": "int64", "const": 1},
        },
        "required": ["to", "text", "priority"],
    }
    assert post["responses"]["2XX"]["content"]["application/json"] == {
        "schema": {"type": "object", "properties": {"id": {"type": "string"}, "queued": {"type": "boolean"}}},
        "example": {"id": "abc", "queued": True},
    }
    assert post["security"] == [{"apiKey": []}]
    assert found["components"]["securitySchemes"] == {
        "apiKey": {
            "type": "apiKey",
            "name": "X-Api-Key",
            "in": "header",
            "description": "‹env:KEY›".replace("KEY", "SMS_KEY"),
        }
    }
    assert LEFT_OUT not in found


@pytest.mark.parametrize(
    ("url", "server", "path"),
    [
        ("https://h.example", "https://h.example", "/"),
        ("https://h.example/", "https://h.example", "/{path}"),
        ("https://h.example:443/a", "https://h.example", "/a"),
        ("http://h.example:8080/a//b/?x=1", "http://h.example:8080", "/a//b/{path}"),
        ("https://h.example/a b".replace(" ", "%20"), "https://h.example", "/a%20b"),
    ],
)
def test_a_url_is_a_server_and_a_path(url: str, server: str, path: str) -> None:
    """A path parameter stands where the static URL ends with a slash, as the documentation's own ones do."""
    found = document(action(url))

    assert (found["servers"], list(found["paths"])) == ([{"url": server}], [path])
    places = [each["in"] for each in found["paths"][path]["post"]["parameters"]]
    assert ("path" in places) == ("{path}" in path)


def test_actions_that_call_the_same_place_have_paths_of_their_own() -> None:
    """Server and path are split elsewhere, and lead to the same URL; where no split is left, the action is listed."""
    names = ["First", "Second", "Third", "Fourth"]
    actions = [attrs.evolve(action("https://h.example/a/b/c"), name=name) for name in names]

    found = document(*actions, attrs.evolve(action("https://h.example/a/b/c", method="PUT"), name="Put"))

    urls = [
        (use["operationId"], server["url"] + path)
        for path, item in found["paths"].items()
        for use in item.values()
        for server in use["servers"]
    ]
    assert sorted(urls) == [(name, "https://h.example/a/b/c") for name in sorted([*names[:3], "Put"])]
    assert [(each["action"], each["path"]) for each in found[LEFT_OUT]] == [("Fourth", "$.url_configuration.url")]


def test_actions_of_several_hosts_name_their_servers() -> None:
    """The document lists all of them; each operation has its own."""
    found = document(action(name="A"), action("https://i.example/v1", name="B", method="GET"))

    assert found["servers"] == [{"url": "https://h.example"}, {"url": "https://i.example"}]
    assert {method: use["servers"] for method, use in found["paths"]["/v1"].items()} == {
        "post": [{"url": "https://h.example"}],
        "get": [{"url": "https://i.example"}],
    }


def test_headers_and_query_parameters() -> None:
    """Constants are const, variables have their label and sample, and the query of the URL comes along."""
    varying = {"X-Var": wh.variable("Label", optional=True, sample="s"), "X-Number": wh.variable(sample=1)}
    parameters = operation(
        url=HERE + "?fixed=a%20b&flag",
        headers={"X-Const": "c", **varying},
        query_parameters={"q": wh.variable(), "c": "d"},
    )["parameters"]

    assert parameters[1:] == [
        {"name": "X-Const", "in": "header", "required": True, "schema": {"type": "string", "const": "c"}},
        {
            "name": "X-Var",
            "in": "header",
            "required": False,
            "schema": {"type": "string"},
            "description": "Label",
            "example": "s",
        },
        {"name": "X-Number", "in": "header", "required": True, "schema": {"type": "string"}},
        {"name": "fixed", "in": "query", "required": True, "schema": {"type": "string", "const": "a b"}},
        {"name": "flag", "in": "query", "required": True, "schema": {"type": "string", "const": ""}},
        {"name": "q", "in": "query", "required": True, "schema": {"type": "string"}},
        {"name": "c", "in": "query", "required": True, "schema": {"type": "string", "const": "d"}},
    ]


SAMPLE = {
    "text": "x",
    "none": None,
    "deep": {"n": 1.5, "flag": True, "empty": {}},
    "list": [1, None, "a", {"b": 2}],
    "no": [],
    "tags": ["a"],
    "rows": [{"id": 1, "o": {"p": "q"}, "l": [True]}],
    "when": "2030-01-02T03:04:05Z",
}
FIELDS = wh.message_parameters(
    SAMPLE,
    variables={
        "tags": "Tags",
        "rows": wh.variable("Rows", optional=True),
        "when": "When",
        "rows.id": "Number",
        "deep.flag": "Flag",
        "list.3.b": "B",
    },
    types={"when": "dateTime"},
)


def test_a_payload_is_a_schema() -> None:
    """Constants, variables, objects, lists by place, lists of objects, dates and nulls each have their form."""
    assert body_schema(message_parameters=FIELDS) == {
        "type": "object",
        "properties": {
            "text": {"type": "string", "const": "x"},
            "none": {"type": ["string", "null"], "const": None},
            "deep": {
                "type": "object",
                "properties": {
                    "n": {"type": "number", "const": 1.5},
                    "flag": {"type": "boolean", "title": "Flag", "examples": [True]},
                    "empty": {"type": "object", "properties": {}},
                },
                "required": ["n", "flag", "empty"],
            },
            "list": {
                "type": "array",
                "prefixItems": [
                    {"type": "integer", "format": "int64", "const": 1},
                    {"type": "string", "const": "a"},
                    {
                        "type": "object",
                        "properties": {"b": {"type": "integer", "format": "int64", "title": "B", "examples": [2]}},
                        "required": ["b"],
                    },
                ],
                "items": False,
            },
            "no": {"type": "array", "const": []},
            "tags": {"type": "array", "items": {"type": "string"}, "title": "Tags", "examples": [["a"]]},
            "rows": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "id": {"type": "integer", "format": "int64", "title": "Number", "examples": [1]},
                        "o": {
                            "type": "object",
                            "properties": {"p": {"type": "string", "examples": ["q"]}},
                            "required": ["p"],
                        },
                        "l": {"type": "array", "items": {"type": "boolean"}, "examples": [[True]]},
                    },
                    "required": ["id", "o", "l"],
                },
                "title": "Rows",
            },
            "when": {"type": "string", "format": "date-time", "title": "When", "examples": ["2030-01-02T03:04:05Z"]},
        },
        "required": ["text", "deep", "list", "no", "tags", "when"],
    }
    assert left_out(action(message_parameters=FIELDS)) == [("Act", "$.message_parameters.list.1")]


def test_a_call_keeps_the_schema_of_its_payload() -> None:
    """What is rendered from samples is valid by the document."""
    values = {"tags": ["a"], "rows": SAMPLE["rows"], "when": SAMPLE["when"], "deep.flag": False, "list.3.b": 7}

    call = wh.preview(action(message_parameters=FIELDS), values)

    jsonschema.validate(json.loads(call.body or b""), body_schema(message_parameters=FIELDS))


def test_nulls_are_told() -> None:
    """Where nulls are sent, the types of variables have them, and a null constant is always there."""
    fields = wh.message_parameters({"a": "x", "b": None, "l": [1]}, variables={"a": "", "l": ""})

    found = body_schema(message_parameters=fields, allow_null_values=True)

    assert found["properties"]["a"]["type"] == ["string", "null"]
    assert found["properties"]["l"]["type"] == "array"
    assert found["required"] == ["a", "b", "l"]


@pytest.mark.parametrize(
    ("body_format", "fields", "headers", "media", "schema"),
    [
        ("form", {"a": "x"}, {}, "application/x-www-form-urlencoded", "object"),
        ("raw", {"a": "x"}, {}, "text/plain", "string"),
        ("raw", {"a": "x"}, {"Content-Type": "text/csv"}, "text/csv", "string"),
        ("json", {"a": "x"}, {"content-type": "application/vnd.own+json"}, "application/vnd.own+json", "object"),
    ],
)
def test_the_content_type_is_that_of_the_body(body_format, fields, headers, media, schema) -> None:
    """A form is an object, a raw body a text, by the content type that is sent."""
    made = operation(body_format=body_format, message_parameters=wh.message_parameters(fields), headers=headers)

    [(found, content)] = made["requestBody"]["content"].items()
    assert (found, content["schema"]["type"]) == (media, schema)
    assert "content-type" not in [each["name"].lower() for each in made["parameters"]]


@pytest.mark.parametrize(
    ("authentication", "schemes"),
    [
        (wh.NoAuthentication(), None),
        (wh.BasicAuthentication("joe", KEY), {"basic": {"type": "http", "scheme": "basic"}}),
        (wh.BearerAuthentication(KEY), {"bearer": {"type": "http", "scheme": "bearer"}}),
        (
            wh.ApiKeyAuthentication("key", KEY, location="query"),
            {"apiKey": {"type": "apiKey", "name": "key", "in": "query"}},
        ),
        (
            wh.OAuthClientCredentials("https://t.example/token?a=s3c", "id", KEY, scope="a b"),
            {
                "oauth2": {
                    "type": "oauth2",
                    "flows": {
                        "clientCredentials": {"tokenUrl": "https://t.example/token", "scopes": {"a": "", "b": ""}}
                    },
                }
            },
        ),
        (
            wh.CustomAuthorization("https://t.example", body_type="form"),
            {"bearer": {"type": "http", "scheme": "bearer"}},
        ),
        (
            wh.CustomAuthorization("https://t.example", method="GET", authorization_type="header", token_target="X-T"),
            {"apiKey": {"type": "apiKey", "name": "X-T", "in": "header"}},
        ),
        (
            wh.MutualTlsAuthentication("PEM", KEY, authentication=wh.BasicAuthentication("joe", KEY)),
            {"mutualTLS": {"type": "mutualTLS"}, "basic": {"type": "http", "scheme": "basic"}},
        ),
        (wh.connection("Shared"), None),
    ],
)
def test_an_authentication_is_a_security_scheme(authentication: wh.Authentication, schemes: Any) -> None:
    """Each kind has its scheme, and all of them hold together; the description names the reference, never a secret."""
    found = document(action(authentication=authentication))

    written = found.get("components", {}).get("securitySchemes")
    bare = written and {
        name: {key: value for key, value in scheme.items() if key != "description"} for name, scheme in written.items()
    }
    assert bare == schemes
    security = found["paths"]["/v1"]["post"].get("security")
    assert [list(each) for each in security or []] == ([list(schemes)] if schemes else [])
    assert "s3c" not in json.dumps(found)


def test_the_scopes_are_asked_for() -> None:
    """What the token is for stands beside the scheme."""
    made = operation(authentication=wh.OAuthClientCredentials("https://t.example", "id", KEY, scope="a b"))

    assert made["security"] == [{"oauth2": ["a", "b"]}]


def test_secrets_elsewhere_are_schemes_too() -> None:
    """A secret in a header or a query parameter has a scheme: one for each secret, and the same one for the same."""
    headers = {"X-A": KEY, "X-B": wh.literal_secret("s3c"), "Authorization": wh.SecretText("Token ", KEY)}
    found = document(
        action(headers=headers, query_parameters={"k": KEY}), action(name="B", method="PUT", headers={"X-A": KEY})
    )

    assert found["paths"]["/v1"]["post"]["security"] == [{"apiKey": [], "apiKey2": [], "apiKey3": [], "apiKey4": []}]
    assert found["paths"]["/v1"]["put"]["security"] == [{"apiKey": []}]
    assert [(each["name"], each["description"]) for each in found["components"]["securitySchemes"].values()] == [
        ("X-A", "‹env:KEY›"),
        ("X-B", "‹***›"),
        ("Authorization", "Token ‹env:KEY›"),
        ("k", "‹env:KEY›"),
    ]


def test_an_answer_is_what_is_read_of_it() -> None:
    """Of a list of objects the fields of the first, of a list its items; the sample is the example."""
    sample = {"id": 7, "rows": [{"a": "x"}, {"b": 1}], "mixed": [[1]], "none": [], "at": "2030-01-02", "l": [1.5]}
    made = operation(
        response=wh.payload(sample, types={"at": "dateOnly"}), failure_response=wh.payload({"error": {"code": 1}})
    )

    success = made["responses"]["2XX"]["content"]["application/json"]
    assert success["schema"]["properties"] == {
        "id": {"type": "integer", "format": "int64"},
        "rows": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}},
        "mixed": {"type": "array"},
        "none": {"type": "array"},
        "at": {"type": "string", "format": "date"},
        "l": {"type": "array", "items": {"type": "number"}},
    }
    assert success["example"] == sample
    failure = made["responses"]["default"]["content"]["application/json"]["schema"]["properties"]["error"]
    assert failure == {"type": "object", "properties": {"code": {"type": "integer", "format": "int64"}}}


@pytest.mark.parametrize(
    ("parts", "paths"),
    [
        ({}, []),
        ({"channel": "SMS"}, ["$.channel", "$.required_marketing_action"]),
        ({"built_in": True}, ["$.built_in"]),
        ({"allow_null_values": True}, ["$.allow_null_values"]),
        ({"idempotency_header": "Idempotency-Key"}, ["$.idempotency_header"]),
        ({"headers": {"Accept": "text/csv"}}, ["$.url_configuration.headers.Accept"]),
        ({"headers": {"Content-Type": "application/vnd.own+json"}}, ["$.url_configuration.headers.Content-Type"]),
        ({"url": HERE + "?a=1&a=2"}, ["$.url_configuration.query_parameters.a"]),
        ({"url": HERE + "?a=%FF"}, ["$.url_configuration.query_parameters.a"]),
        ({"authentication": wh.ApiKeyAuthentication("hook", KEY, location="path")}, ["$.authentication"]),
        ({"authentication": wh.connection("Shared")}, ["$.authentication"]),
        ({"authentication": wh.CustomAuthorization("https://t.example", body_type="form")}, ["$.authentication"]),
        ({"authentication": wh.JwtBearerGrant("https://t.example", "me", KEY)}, ["$.authentication"]),
        ({"authentication": wh.OAuthClientCredentials("https://t.example", "id", KEY)}, ["$.authentication"]),
        ({"body_format": "raw", "message_parameters": wh.message_parameters({"a": "x"})}, ["$.message_parameters.a"]),
        ({"message_parameters": wh.message_parameters('{"a": 0.10000000000000000001}')}, ["$.message_parameters.a"]),
        (
            {"message_parameters": [wh.MessageParameter("a", "decimal", Decimal("1E+390"))]},
            ["$.message_parameters.a"],
        ),
        ({"method": "PURGE"}, ["$.url_configuration.method"]),
        ({"action_type": "campaignClassic", "url_configuration": None}, ["$"]),
    ],
)
def test_what_has_no_place_is_listed(parts: dict[str, Any], paths: list[str]) -> None:
    """Nothing is dropped in silence: each thing left out has the action, its path and a sentence."""
    made = action(**parts)

    assert left_out(made) == [("Act", path) for path in paths]
    assert all(entry["message"] for entry in wh.to_openapi(made).get(LEFT_OUT, []))


def test_the_identifier_of_an_execution_is_a_header() -> None:
    """It is sent, so it is described."""
    assert operation(idempotency_header="Idempotency-Key")["parameters"][-1]["name"] == "Idempotency-Key"


def test_no_part_of_the_document_is_shared() -> None:
    """Who changes one field of it changes no other."""
    found = body_schema(
        message_parameters=wh.message_parameters({"a": ["x"], "b": ["x"]}, variables={"a": "", "b": ""})
    )

    assert found["properties"]["a"]["items"] is not found["properties"]["b"]["items"]


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("x", "$"),
        (7, "$"),
        ([action(), 7], "$"),
        (action(url="ftp://h"), "$.url_configuration.url"),
        ([action(), action(name="B", url="ftp://h")], "$[1].url_configuration.url"),
        ([action(), action(method="GET")], "$[1].name"),
    ],
)
def test_what_makes_no_document_is_refused(given: Any, path: str) -> None:
    """Two actions of one name, what cannot be called, and what is no action."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.to_openapi(given)

    assert [violation.path for violation in caught.value.violations] == [path]


def test_no_action_is_a_document_too() -> None:
    """It has no paths."""
    assert document()["paths"] == {}
