"""From an OpenAPI document to actions: paths, parameters, schemas, security, answers, and what is left out."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import pytest

import wayhook as wh

DOCUMENTS = Path(__file__).parent / "documents"
SERVER = "https://api.shop.example/v1"


def document(**parts: Any) -> dict[str, Any]:
    """A document with one operation `POST /orders`, of which some parts are given."""
    operation = {"operationId": "placeOrder", "responses": {}, **parts.pop("operation", {})}
    paths = {"/orders": {"post": operation, **parts.pop("item", {})}}
    return {"openapi": "3.1.0", "info": {}, "servers": [{"url": SERVER}], "paths": paths, **parts}


def with_body(schema: dict[str, Any], media: str = "application/json", **parts: Any) -> dict[str, Any]:
    """A document whose operation takes a body of that schema."""
    return document(operation={"requestBody": {"content": {media: {"schema": schema}}}}, **parts)


def fields(schema: dict[str, Any], **settings: Any) -> dict[str, wh.MessageParameter]:
    """The message parameters of a body with that schema, by their names."""
    found = wh.from_openapi(with_body(schema), **settings).action.message_parameters
    return {parameter.name: parameter for parameter in found}


def an(**properties: Any) -> dict[str, Any]:
    """The schema of an object with these properties."""
    return {"type": "object", "properties": properties}


def told(given: dict[str, Any], **settings: Any) -> dict[str, str]:
    """What was left out, by its path."""
    return {each.path: f"{each.what}: {each.why}" for each in wh.from_openapi(given, **settings).left_out}


def test_the_petstore() -> None:
    """Each operation is an action; what is required is, and what can have few values says which."""
    imported = wh.from_openapi((DOCUMENTS / "petstore.yaml").read_text(), server="https://pets.example/v3")

    actions = {action.name: action for action in imported.actions}
    assert list(actions) == [
        "addPet", "findPetsByStatus", "findPetsByTags", "getPetById", "uploadFile", "getInventory", "placeOrder",
        "createUsersWithListInput", "loginUser",
    ]  # fmt: skip
    add = actions["addPet"]
    assert dict(add.variables) == {
        "id": wh.variable(optional=True),
        "name": wh.variable(),
        "category.id": wh.variable(optional=True),
        "category.name": wh.variable(optional=True),
        "photoUrls": wh.variable(),
        "tags": wh.variable(optional=True),
        "status": wh.variable("pet status in the store (available, pending, sold)", optional=True),
    }
    assert add.authentication == wh.BearerAuthentication(wh.secret("env:PETSTORE_AUTH"))
    assert [(each.name, each.data_type) for each in add.response] == [
        ("id", "integer"), ("name", "string"), ("category", "object"), ("photoUrls", "listString"),
        ("tags", "listObject"), ("status", "string"),
    ]  # fmt: skip
    sent = wh.preview(add, {"name": "Rex", "photoUrls": ["https://x.example/1"], "tags": [{"id": 1, "name": "big"}]})
    assert json.loads(sent.body or b"") == {
        "name": "Rex", "category": {}, "photoUrls": ["https://x.example/1"], "tags": [{"id": 1, "name": "big"}],
    }  # fmt: skip
    assert actions["placeOrder"].message_parameters[3].data_type is wh.DataType.DATE_TIME
    assert actions["getPetById"].authentication == wh.ApiKeyAuthentication("api_key", wh.secret("env:API_KEY"))
    assert all(wh.violations(action) == () for action in imported.actions)


def test_what_the_petstore_loses_is_told() -> None:
    """Other bodies, other authentications, flows with a person, arrays in a query, dynamic paths, maps, files."""
    imported = wh.from_openapi((DOCUMENTS / "petstore.yaml").read_bytes(), server="https://pets.example/v3")

    lost = {each.path: each.what for each in imported.left_out}
    assert lost["$.paths./pet.post.requestBody.content"] == "application/xml, application/x-www-form-urlencoded"
    assert lost["$.components.securitySchemes.petstore_auth.flows"] == "the flows implicit"
    assert lost["$.paths./pet/findByTags.get.parameters[0]"] == "the parameter tags more than once"
    assert lost["$.paths./pet/{petId}.get"] == "the path {petId}"
    assert lost["$.paths./pet/{petId}.get.security"] == "petstore_auth"
    assert lost["$.paths./pet/{petId}/uploadImage.post.requestBody.content"] == "application/octet-stream"
    assert lost["$.paths./store/inventory.get.responses.200.content.application/json.schema"] == "an object"
    assert lost["$.paths./user/createWithList.post.requestBody.content.application/json.schema"] == (
        "the fields of the body"
    )


def test_the_museum() -> None:
    """References beside other words, examples, dates, Basic, and errors that all operations share."""
    imported = wh.from_openapi((DOCUMENTS / "museum.yaml").read_text(), "createSpecialEvent")

    action = imported.action
    assert action.authentication == wh.BasicAuthentication(
        wh.secret("env:MUSEUMPLACEHOLDERAUTH_USER"), wh.secret("env:MUSEUMPLACEHOLDERAUTH_PASSWORD")
    )
    assert [(path, label.label) for path, label in action.variables] == [
        ("name", "Name of the special event."),
        ("location", "Location where the special event is held."),
        ("eventDescription", "Description of the special event."),
        ("dates", "List of planned dates for the special event."),
        ("price", "Price of a ticket for the special event."),
    ]
    assert action.message_parameters[3].data_type is wh.DataType.LIST_DATE_ONLY
    assert [each.name for each in action.failure_response] == ["type", "title"]
    assert imported.left_out == ()


def test_constants_of_what_has_a_value() -> None:
    """Who says what is variable gets the examples and defaults of the rest as constants."""
    settings: dict[str, Any] = {"variables": {"name": "Event", "price": wh.variable("Price", optional=True)}}
    imported = wh.from_openapi((DOCUMENTS / "museum.yaml").read_text(), "POST /special-events", **settings)

    assert dict(imported.action.variables) == {
        "name": wh.variable("Event"), "price": wh.variable("Price", optional=True),
    }  # fmt: skip
    sent = json.loads(wh.preview(imported.action, {"name": "Ball"}).body or b"")
    assert sent["location"] == "Under the seaaa 🦀 🎶 🌊."
    assert sent["dates"] == ["2023-09-05", "2023-09-08"]


def test_documents_of_3_1() -> None:
    """Schemas without a type, webhooks, and an operation without a name or an answer."""
    webhook = wh.from_openapi((DOCUMENTS / "webhook-example.json").read_text(), server=SERVER)
    scopes = wh.from_openapi((DOCUMENTS / "non-oauth-scopes.json").read_text(), server=SERVER)

    assert [action.name for action in webhook.actions] == ["listPets"]
    assert ("$.webhooks", "webhooks") in {(each.path, each.what) for each in webhook.left_out}
    assert scopes.action.name == "GETUsers"
    assert scopes.action.authentication == wh.BearerAuthentication(wh.secret("env:BEARERAUTH"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((DOCUMENTS / "petstore-minimal-v2.json").read_text(), r"\$\.swagger: this is Swagger 2\.0; convert it"),
        ({"openapi": "3.2.0", "paths": {}}, r"\$\.openapi: OpenAPI 3\.0 and 3\.1 are read; this says '3\.2\.0'"),
        ({"openapi": 3.1, "paths": {}}, r"\$\.openapi: .* this names none"),
        ({"paths": {}}, r"\$\.openapi"),
        ({"openapi": "3.0.0"}, r"\$\.paths"),
        ("openapi: 3.0.0\npaths: []", r"\$\.paths"),
        ("[]", r"\$: an OpenAPI document is an object, or its text, not an array"),
        ("{", r"\$: not JSON at line 1"),
        ("openapi: [", r"\$: not YAML at line \d, column \d"),
        ("a: 1\na: 2", r"\$: line 2, column 1: the name 'a' stands twice"),
        ("a: *b", r"\$: line 1, column 4: this alias names nothing"),
        ("a: &a [*a]", r"this alias names nothing that ended before it"),
        ("x: &x {a: 1}\ny: {<<: *x}", r"a merge key"),
        ("? [a]\n: 1", r"the name of a field is a text"),
        ("a: 1\n---\nb: 2", r"a second document begins here"),
        ("- " * 200 + "a", r"nested more than 100 levels deep"),
        (b"\xff\xfe\xfa", r"\$: not YAML"),
        (7, r"\$: an OpenAPI document is an object, or its text, not a number"),
    ],
)
def test_a_document_that_is_none(given: Any, message: str) -> None:
    """Another version, another language, and a text that is cut are refused with their places."""
    with pytest.raises(wh.DocumentError, match=message):
        wh.from_openapi(given)


def test_a_document_that_grows_without_end() -> None:
    """Aliases of aliases, and objects that hold themselves, are counted and refused."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    endless: dict[str, Any] = {"openapi": "3.0.0"}
    endless["paths"] = endless

    with pytest.raises(wh.DocumentError, match="at most 1,000,000 parts"):
        wh.from_openapi("\n".join(lines))
    with pytest.raises(wh.DocumentError, match="at most 100 levels"):
        wh.from_openapi(endless)
    with pytest.raises(wh.DocumentError, match="at most 20,000,000 characters"):
        wh.from_openapi("#" * 20_000_001)


def test_yaml_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PyYAML one sentence names the extra; JSON needs none."""
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "yaml":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)

    with pytest.raises(wh.MissingExtra, match=r"pip install 'wayhook\[yaml\]'"):
        wh.from_openapi("openapi: 3.0.0")
    assert wh.from_openapi(json.dumps(document())).action.name == "placeOrder"


def test_the_words_of_yaml() -> None:
    """Only what JSON has too is read from plain scalars: no dates, no `no`, no numbers of base 60."""
    text = """
openapi: 3.0.0
servers: [{url: 'https://h.example'}]
paths:
  /a:
    get:
      operationId: a
      parameters:
      - {name: q, in: query, schema: {type: string, enum: [no, 2030-01-02, 09:30, '1', on]}}
      responses:
        200: {description: x}
"""
    [(_, label)] = wh.from_openapi(text).action.variables

    assert label.label == "(no, 2030-01-02, 09:30, 1, on)"


REGIONS = {
    "url": "https://{region}.x.example/{v}",
    "variables": {"region": {"default": "eu"}, "v": {"default": "2"}},
}


@pytest.mark.parametrize(
    ("servers", "item", "url"),
    [
        ([REGIONS], {}, "https://eu.x.example/2/orders"),
        ([{"url": "https://a.example/"}, {"url": "https://b.example"}], {}, "https://a.example/orders"),
        ([{"url": "https://a.example"}], {"servers": [{"url": "https://b.example"}]}, "https://b.example/orders"),
    ],
)  # fmt: skip
def test_servers(servers: list[Any], item: dict[str, Any], url: str) -> None:
    """The nearest server counts, its variables have their defaults; the caller's goes before all."""
    given = document(servers=servers, item=item)

    assert wh.preview(wh.from_openapi(given).action).url == url
    assert (
        wh.preview(wh.from_openapi(given, server="https://own.example/x/").action).url == "https://own.example/x/orders"
    )


@pytest.mark.parametrize("servers", [[], [{"url": "/v3"}], [{"url": ""}]])
def test_a_server_without_a_host_is_asked_for(servers: list[Any]) -> None:
    """A relative server is no URL; the sentence says what to give."""
    with pytest.raises(wh.DocumentError, match="give server='https://"):
        wh.from_openapi(document(servers=servers))


PARAMETERS = [
    {"name": "orderId", "in": "path", "required": True, "schema": {"type": "string"}},
    {"name": "page", "in": "query", "schema": {"type": "integer", "default": 1}, "description": "Which page\nof all"},
    {"name": "kind", "in": "query", "schema": {"const": "full"}},
    {"name": "api_version", "in": "query", "required": True, "schema": {"enum": ["2024-01-01"]}},
    {"name": "X-Trace", "in": "header", "required": True, "schema": {"type": "string"}},
    {"name": "X-Api-Key", "in": "header", "schema": {"type": "string"}},
    {"name": "Accept", "in": "header", "schema": {"type": "string"}},
    {"name": "session", "in": "cookie", "schema": {"type": "string"}},
    {"name": "filter", "in": "query", "schema": {"type": "object", "properties": {"a": {}}}},
    {"name": "$top", "in": "query", "schema": {"const": 5}},
    {"name": "deep", "in": "query", "content": {"application/json": {"schema": {"type": "object"}}}},
]


def test_parameters() -> None:
    """Constants, variables and secrets by their schemas; required ones are; what cannot be is told."""
    given = {
        "openapi": "3.0.3",
        "servers": [{"url": SERVER}],
        "paths": {
            "/orders/{orderId}/items": {
                "parameters": [*PARAMETERS[:2], {"name": "X-Trace", "in": "header", "schema": {"const": "never"}}],
                "get": {"operationId": "items", "parameters": PARAMETERS[2:], "responses": {}},
            }
        },
    }
    imported = wh.from_openapi(given)

    action = imported.action
    assert dict(action.variables) == {
        "X-Trace": wh.variable(),
        "page": wh.variable("Which page", optional=True),
        "deep": wh.variable(optional=True),
    }
    assert action.authentication == wh.ApiKeyAuthentication("X-Api-Key", wh.secret("env:X_API_KEY"))
    call = wh.preview(action, {"X-Trace": "t"}, path="7/items")
    assert call.url == f"{SERVER}/orders/7/items?%24top=5&kind=full&api_version=2024-01-01"
    assert action.description == "Path: {orderId}/items"
    assert {each.what for each in imported.left_out} == {
        "the path {orderId}/items", "the cookie session", "the parameter filter",
    }  # fmt: skip


def test_parameters_that_nobody_asked_for() -> None:
    """Where the caller says what is variable, defaults are constants and the rest is left out."""
    given = document(operation={"parameters": [
        {"name": "page", "in": "query", "schema": {"type": "integer", "default": 1}},
        {"name": "sort", "in": "query", "schema": {"type": "string"}},
        {"name": "tenant", "in": "query", "required": True, "schema": {"type": "string"}},
        {"name": "lang", "in": "header", "example": "en", "schema": {"type": "string"}},
    ]})  # fmt: skip
    imported = wh.from_openapi(given, variables={"page": "Page"})

    assert dict(imported.action.variables) == {"page": wh.variable("Page"), "tenant": wh.variable()}
    assert dict(wh.preview(imported.action, {"page": 2, "tenant": "a"}).headers)["lang"] == "en"
    assert [each.what for each in imported.left_out] == ["the parameter sort"]
    with pytest.raises(wh.DefinitionError, match=r"\$\.variables\.pag: .* did you mean 'page'"):
        wh.from_openapi(given, variables={"pag": "Page"})


@pytest.mark.parametrize(
    ("schema", "data_type"),
    [
        ({"type": "string"}, "string"),
        ({"type": "string", "format": "date-time"}, "dateTime"),
        ({"type": "string", "format": "date"}, "dateOnly"),
        ({"type": "string", "format": "uuid"}, "string"),
        ({"type": "integer", "format": "int64"}, "integer"),
        ({"type": "number"}, "decimal"),
        ({"type": "boolean"}, "boolean"),
        ({"type": ["integer", "null"]}, "integer"),
        ({"type": "integer", "nullable": True}, "integer"),
        ({"enum": [1, 2]}, "integer"),
        ({"default": True}, "boolean"),
        ({}, "string"),
        (True, "string"),
        ({"type": "array", "items": {"type": "integer"}}, "listInteger"),
        ({"type": "array", "items": {"type": "string", "format": "date-time"}}, "listDateTime"),
        ({"type": "array"}, "listString"),
        ({"type": "array", "items": {"type": "object", "properties": {"id": {"type": "integer"}}}}, "listObject"),
        ({"oneOf": [{"type": "null"}, {"type": "integer"}]}, "integer"),
        ({"anyOf": [{"type": "number"}, {"type": "string"}]}, "decimal"),
        ({"allOf": [{"type": "string"}, {"format": "date"}]}, "dateOnly"),
    ],
)
def test_types(schema: Any, data_type: str) -> None:
    """Each schema has the type that its values have."""
    found = fields({"type": "object", "properties": {"f": schema}, "required": ["f"]})["f"]

    assert (found.data_type, found.variable is not None) == (data_type, True)


def test_objects_are_merged() -> None:
    """`allOf` adds fields and what is required; a field is required with all that it is a part of."""
    schema = {
        "allOf": [
            {"$ref": "#/components/schemas/Base"},
            {"type": "object", "required": ["b"], "properties": {"b": {"type": "string"}}},
        ],
        "required": ["c"],
        "properties": {"c": {"type": "object", "properties": {"d": {"type": "integer"}}, "required": ["d"]}},
    }
    base = {"type": "object", "required": ["a"], "properties": {
        "a": {"type": "string"}, "id": {"type": "integer", "readOnly": True},
        "o": {"type": "object", "required": ["p"], "properties": {"p": {"type": "string"}}},
    }}  # fmt: skip
    imported = wh.from_openapi(with_body(schema, components={"schemas": {"Base": base}}))

    assert {path: label.optional for path, label in imported.action.variables} == {
        "a": False, "o.p": True, "b": False, "c.d": False,
    }  # fmt: skip


def test_a_list_of_objects_is_a_variable_with_fields() -> None:
    """Each field of its objects is one, with its own label, and lists in it, too."""
    item = {"type": "object", "required": ["id"], "properties": {
        "id": {"type": "integer", "description": "Number"}, "tags": {"type": "array", "items": {"type": "string"}},
        "fixed": {"const": "x"}, "nested": {"type": "array", "items": {"type": "array"}},
    }}  # fmt: skip
    schema = {"type": "object", "properties": {"items": {"type": "array", "items": item, "description": "Lines"}}}
    imported = wh.from_openapi(with_body(schema))

    [(path, label)] = imported.action.variables
    assert (path, label) == ("items", wh.variable("Lines", optional=True))
    inner = {each.name: each.variable for each in imported.action.message_parameters[0].parameters}
    assert inner == {
        "id": wh.variable("Number"),
        "tags": wh.variable(optional=True),
        "fixed": wh.variable("(x)", optional=True),
    }
    assert "$.paths./orders.post.requestBody.content.application/json.schema.items[0].nested" in told(with_body(schema))
    assert wh.violations(imported.action) == ()


@pytest.mark.parametrize(
    ("schema", "path", "what"),
    [
        ({"$ref": "#/components/schemas/Node"}, ".next", "Node again"),
        (an(a={"$ref": "other.yaml#/A"}), ".a", "another document"),
        (an(a={"$ref": "#/nowhere"}), ".a", "a place that is not there"),
        (an(a={"$ref": "#/components/schemas/Loop"}), ".a.allOf[0]", "without an end"),
        (an(a={"type": "object", "additionalProperties": {}}), ".a", "names that nobody knows"),
        (an(a={"type": "array", "items": {"type": "array"}}), ".a", "array of arrays"),
        (an(**{"a.b": {"type": "string"}}), ".a.b", "holds a '.'"),
        (an(**{"$a": {"type": "string"}}), ".$a", "begins with '$'"),
        (an(a={"oneOf": [{"type": "string"}, {"type": "integer"}]}), ".a", "1 other forms"),
        (an(a={"type": "string", "pattern": "x", "maxLength": 3}), "", "maxLength, pattern"),
        (an(a=7), ".a", "a schema is an object"),
        ({"type": "array", "items": {"type": "string"}}, "", "the body is one text"),
    ],
)
def test_schemas_that_are_left_out(schema: dict[str, Any], path: str, what: str) -> None:
    """What refers to itself, leads elsewhere or has no place is told with its path, and does not hang."""
    node = {"type": "object", "properties": {"v": {"type": "string"}, "next": {"$ref": "#/components/schemas/Node"}}}
    loop = {"allOf": [{"$ref": "#/components/schemas/Loop"}]}
    given = with_body(schema, components={"schemas": {"Node": node, "Loop": loop}})

    found = told(given)

    root = "$.paths./orders.post.requestBody.content.application/json.schema"
    assert what in found[root + path]


def test_schemas_without_an_end_are_cut() -> None:
    """References that branch, and levels upon levels, end with a sentence, in time."""
    schemas = {
        f"S{i}": {"type": "object", "properties": {name: {"$ref": f"#/components/schemas/S{i + 1}"} for name in "abc"}}
        for i in range(40)
    }
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(45):
        deep = {"type": "object", "properties": {"a": deep}}

    wide = wh.from_openapi(with_body({"$ref": "#/components/schemas/S0"}, components={"schemas": schemas}))
    tall = wh.from_openapi(with_body(deep))

    assert any("more than" in each.why for each in wide.left_out)
    assert any("more than 30 levels" in each.why for each in tall.left_out)


def test_bodies() -> None:
    """JSON before a form before a text; what an action cannot send is told, and so are the others."""
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "o": {"type": "object", "properties": {"b": {}}}},
    }

    def first(*media: str) -> tuple[str, str | None, set[str]]:
        content = {each: {"schema": schema} for each in media}
        imported = wh.from_openapi(document(operation={"requestBody": {"content": content}}))
        configuration = imported.action.url_configuration
        assert configuration is not None
        header = {each.name: each.value for each in configuration.headers}["Content-Type"]
        return imported.action.body_format, str(header), {each.what for each in imported.left_out}

    assert first("application/xml", "application/merge-patch+json; charset=utf-8") == (
        "json", "application/merge-patch+json; charset=utf-8", {"application/xml"},
    )  # fmt: skip
    assert first("*/*")[:2] == ("json", "application/json")
    assert first("application/x-www-form-urlencoded") == ("form", "application/json", {"a field"})
    assert first("text/plain")[:2] == ("raw", "application/json")
    assert first("multipart/form-data") == ("json", "application/json", {"multipart/form-data"})


def test_a_body_that_is_described_by_its_example() -> None:
    """Without a schema the example says what there is."""
    content = {"application/json": {"example": {"to": "+33", "n": 1, "tags": ["a"], "o": {"b": 1.5}}}}
    imported = wh.from_openapi(document(operation={"requestBody": {"content": content}}))

    assert [(each.name, each.data_type) for each in imported.action.message_parameters] == [
        ("to", "string"), ("n", "integer"), ("tags", "listString"), ("o", "object"),
    ]  # fmt: skip


def test_answers() -> None:
    """The first success and the first failure with an object; what is only sent is not there, samples stay."""
    answer = {"type": "object", "properties": {
        "id": {"type": "integer", "example": 7}, "password": {"type": "string", "writeOnly": True},
        "token": {"type": "string", "example": "canary"}, "at": {"type": "string", "format": "date-time"},
        "items": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "number"}}}},
        "grid": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
    }}  # fmt: skip
    content = {"application/json": {"schema": answer}}
    failure = {"application/problem+json": {"schema": {"properties": {"title": {"type": "string"}}}}}
    given = document(operation={"responses": {
        "200": {"description": "ok", "content": content}, "201": {"content": {"text/html": {}}},
        "404": {"content": failure}, "422": {"content": failure},
        "500": {"content": {"application/json": {"schema": {"properties": {"other": {}}}}}},
    }})  # fmt: skip
    imported = wh.from_openapi(given)

    response = {each.name: each for each in imported.action.response}
    assert {name: each.data_type for name, each in response.items()} == {
        "id": "integer", "token": "string", "at": "dateTime", "items": "listObject", "grid": "listAny",
    }  # fmt: skip
    assert (response["id"].value, response["token"].value) == (7, None)
    assert [each.name for each in imported.action.failure_response] == ["title"]
    assert {each.path for each in imported.left_out} == {
        "$.paths./orders.post.responses.201.content", "$.paths./orders.post.responses.500.content",
    }  # fmt: skip
    assert "canary" not in wh.dumps(imported.action)


SCHEMES = {
    "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
    "query": {"type": "apiKey", "in": "query", "name": "k"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "sid"},
    "basic": {"type": "http", "scheme": "Basic"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "digest": {"type": "http", "scheme": "digest"},
    "oidc": {"type": "openIdConnect", "openIdConnectUrl": "https://id.example"},
    "tls": {"type": "mutualTLS"},
    "oauth": {
        "type": "oauth2",
        "flows": {
            "clientCredentials": {"tokenUrl": "https://id.example/token", "scopes": {"read": "", "write": ""}},
            "authorizationCode": {},
        },
    },
    "broken": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/token"}}},
}
OAUTH = wh.OAuthClientCredentials(
    "https://id.example/token", wh.secret("env:OAUTH_CLIENT_ID"), wh.secret("env:OAUTH_CLIENT_SECRET"), scope="read"
)


@pytest.mark.parametrize(
    ("security", "authentication", "lost"),
    [
        ([{"key": []}], wh.ApiKeyAuthentication("X-Key", wh.secret("env:KEY")), set()),
        ([{"query": []}], wh.ApiKeyAuthentication("k", wh.secret("env:QUERY"), location="query"), set()),
        ([{"cookie": []}], wh.ApiKeyAuthentication("Cookie", wh.secret("env:COOKIE")), set()),
        ([{"basic": []}], wh.BasicAuthentication(wh.secret("env:BASIC_USER"), wh.secret("env:BASIC_PASSWORD")), set()),
        ([{"bearer": []}], wh.BearerAuthentication(wh.secret("env:BEARER")), set()),
        ([{"oauth": ["read"]}], OAUTH, {"the flows authorizationCode"}),
        (
            [{"tls": [], "bearer": []}],
            wh.MutualTlsAuthentication(
                wh.secret("env:TLS_CERTIFICATE"),
                wh.secret("env:TLS_KEY"),
                authentication=wh.BearerAuthentication(wh.secret("env:BEARER")),
            ),
            set(),
        ),
        (
            [{"digest": []}, {"bearer": []}],
            wh.BearerAuthentication(wh.secret("env:BEARER")),
            {"the security scheme digest (http digest)"},
        ),
        ([{"oidc": []}], wh.NoAuthentication(), {"the security scheme oidc (openIdConnect)"}),
        ([{"broken": []}], wh.NoAuthentication(), {"the security scheme broken"}),
        ([{"nobody": []}], wh.NoAuthentication(), {"the security scheme nobody"}),
        (
            [{"bearer": [], "oauth": ["read"]}],
            wh.BearerAuthentication(wh.secret("env:BEARER")),
            {"oauth", "the flows authorizationCode"},
        ),
        ([{"key": []}, {"bearer": []}], wh.ApiKeyAuthentication("X-Key", wh.secret("env:KEY")), {"bearer"}),
        ([{}, {"key": []}], wh.ApiKeyAuthentication("X-Key", wh.secret("env:KEY")), set()),
        ([], wh.NoAuthentication(), set()),
    ],
)  # fmt: skip
def test_security(security: list[Any], authentication: wh.Authentication, lost: set[str]) -> None:
    """The first alternative that an action can have, with references; the others are told."""
    given = document(operation={"security": security}, security=[{"key": []}], components={"securitySchemes": SCHEMES})
    imported = wh.from_openapi(given)

    assert imported.action.authentication == authentication
    assert {each.what for each in imported.left_out} == lost


@pytest.mark.parametrize("first", ["bearer", "tls", "key"])
def test_keys_beside_an_authentication_are_secrets_of_their_own(first: str) -> None:
    """A service that takes several keys at once gets all of them: as headers and query parameters."""
    given = document(
        operation={"security": [{"query": [], first: [], "key": []}]}, components={"securitySchemes": SCHEMES}
    )

    imported = wh.from_openapi(given, secrets={"key": "vault:key"})

    call = wh.preview(imported.action)
    assert {(each.location, each.name) for each in call.credentials} >= {("query", "k"), ("header", "X-Key")}
    assert imported.action.authentication.kind == {"tls": "mutual_tls", "bearer": "bearer", "key": "api_key"}[first]
    assert "‹vault:key›" in str(call)
    assert imported.left_out == ()


def test_what_a_schema_fixes_is_constant() -> None:
    """A null, an empty array, and an array whose items are described one by one; what may vary in it stays variable."""
    schema = {
        "type": "object",
        "properties": {
            "nothing": {"type": ["string", "null"], "const": None},
            "empty": {"type": "array", "const": []},
            "two": {
                "type": "array",
                "prefixItems": [
                    {"const": "a"},
                    {
                        "type": "object",
                        "required": ["n"],
                        "properties": {"n": {"type": "integer", "title": "Number", "example": 7}},
                    },
                ],
                "items": False,
            },
            "later": {"type": "string", "format": "date-time-local", "const": "2030-01-02T03:04:05"},
        },
    }

    action = wh.from_openapi(with_body(schema)).action

    nothing, empty, two, later = action.message_parameters
    assert (nothing.value, nothing.variable, nothing.data_type) == (None, None, "string")
    assert (empty.parameters, empty.variable) == ((), None)
    assert [item.value for item in two.parameters] == ["a", None]
    assert dict(action.variables) == {"two.1.n": wh.variable("Number", optional=True)}
    assert later.data_type == wh.DataType.DATE_TIME_ONLY


def test_an_example_becomes_the_sample_of_a_variable() -> None:
    """It shows what is meant; one that looks like a secret shows nothing, and a fixed secret is told."""
    schema = {
        "type": "object",
        "required": ["to", "numbers", "hooks", "password"],
        "properties": {
            "to": {"type": "string", "example": "+33"},
            "numbers": {"type": "array", "items": {"type": "integer"}, "example": [1, 2]},
            "hooks": {"type": "array", "items": {"type": "string"}, "example": ["sk_live_12345678"]},
            "password": {"type": "string", "const": "hush-4711"},
        },
    }

    imported = wh.from_openapi(with_body(schema))

    variables = dict(imported.action.variables)
    assert (variables["to"].sample, variables["numbers"].sample, variables["hooks"].sample) == ("+33", [1, 2], [""])
    assert [each.what for each in imported.left_out] == ["the value of password"]
    assert "hush" not in wh.dumps(imported.action)


@pytest.mark.parametrize(
    ("schema", "wanted"),
    [
        ({"type": "string", "const": "PING"}, ("PING", None)),
        ({"type": "string", "title": "Text", "example": "Hi"}, (None, wh.variable("Text", sample="Hi"))),
        ({"type": "string", "const": "key=sk_live_12345678"}, (None, wh.variable("body"))),
        ({"type": "integer", "const": 7}, (None, wh.variable("body"))),
    ],
)
def test_a_text_as_the_body_is_what_its_schema_says(
    schema: dict[str, Any], wanted: tuple[str | None, wh.Variable | None]
) -> None:
    """A constant, or a variable with the label and the sample of the schema; a secret is neither."""
    [parameter] = wh.from_openapi(with_body(schema, "text/plain")).action.message_parameters

    assert (parameter.value, parameter.variable) == wanted
    assert getattr(parameter.variable, "sample", None) == getattr(wanted[1], "sample", None)


def test_security_schemes_as_connections() -> None:
    """Who asks for it gets connections, bound to the hosts of the operations that use them."""
    item = {
        "get": {"operationId": "list", "security": [{"oauth": ["write"]}], "servers": [{"url": "https://b.example"}]}
    }
    given = document(item=item, operation={"security": [{"oauth": ["read"]}]}, components={"securitySchemes": SCHEMES})

    imported = wh.from_openapi(given, connections=True, secrets={"oauth client secret": "vault:shop/oauth"})

    [connection] = imported.connections
    assert connection.name == "oauth"
    assert connection.hosts == {"api.shop.example", "b.example"}
    assert connection.authentication == wh.OAuthClientCredentials(
        "https://id.example/token", wh.secret("env:OAUTH_CLIENT_ID"), wh.secret("vault:shop/oauth"), scope="read write"
    )
    assert {action.authentication for action in imported.actions} == {wh.connection("oauth")}


async def test_a_connection_and_its_actions_can_be_kept() -> None:
    """What was imported is saved as it is, the client id as a reference, too."""
    given = document(operation={"security": [{"oauth": ["read"]}]}, components={"securitySchemes": SCHEMES})
    imported = wh.from_openapi(given, connections=True)

    async with wh.open_repository("memory:") as repository:
        for each in (*imported.connections, *imported.actions):
            await repository.save(each)
            assert wh.loads(wh.dumps(each)) == each


def test_all_operations_or_one() -> None:
    """One is named by its operationId or by method and path; a slip of the pen has a suggestion."""
    given = document(item={"get": {"responses": {}}, "parameters": [], "trace": {}})

    assert [action.name for action in wh.from_openapi(given).actions] == ["placeOrder", "GETOrders"]
    assert wh.from_openapi(given, "get /orders", name="Own").action.name == "Own"
    with pytest.raises(wh.DefinitionError, match=r"no operation 'placeOrdr'; did you mean 'placeOrder'\?"):
        wh.from_openapi(given, "placeOrdr")
    with pytest.raises(wh.DefinitionError, match=r"\$\.operation: an operationId"):
        wh.from_openapi(given, 7)  # type: ignore[arg-type]  # as somebody may give it


def test_an_operation_that_is_no_action_stands_in_nobodys_way() -> None:
    """Beside others it is left out with the reason; alone, its faults are raised, all of them."""
    item = {"get": {"operationId": 7, "summary": [], "parameters": {}, "responses": {}}}
    given = document(item=item)

    imported = wh.from_openapi(given)
    with pytest.raises(wh.DocumentError) as caught:
        wh.from_openapi(given, "GET /orders")

    assert [action.name for action in imported.actions] == ["placeOrder"]
    assert [each.what for each in imported.left_out] == ["GET /orders"]
    root = "$.paths./orders.get"
    assert {fault.path for fault in caught.value.violations} == {
        f"{root}.operationId", f"{root}.summary", f"{root}.parameters",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("operation", "path", "wanted"),
    [
        ({"requestBody": 3}, "requestBody", "an object"),
        ({"requestBody": {"content": []}}, "requestBody.content", "an object"),
        ({"requestBody": {"content": {"application/json": 7}}}, "requestBody.content.application/json", "an object"),
        ({"responses": 3}, "responses", "an object"),
        ({"responses": {"200": "fine"}}, "responses.200", "an object"),
        ({"responses": {"400": {"content": "x"}}}, "responses.400.content", "an object"),
    ],
)
def test_what_is_of_another_shape_is_a_fault(operation: dict[str, Any], path: str, wanted: str) -> None:
    """A body or an answer that cannot be read is never taken for one that is not there."""
    given = document(item={"get": {"responses": {}} | operation})

    with pytest.raises(wh.DocumentError, match=f"{wanted} belongs here") as caught:
        wh.from_openapi(given, "GET /orders")

    assert [fault.path for fault in caught.value.violations] == [f"$.paths./orders.get.{path}"]
    assert "GET /orders" in {each.what for each in wh.from_openapi(given).left_out}


def test_a_path_without_its_slash_is_no_part_of_the_host() -> None:
    """Or a call would go to another host than the server's."""
    given = {"openapi": "3.1.0", "servers": [{"url": "https://h.example"}], "paths": {".evil.example/a": {"get": {}}}}

    with pytest.raises(wh.DocumentError, match=r"a path begins with a slash; write /\.evil\.example/a"):
        wh.from_openapi(given, "GET .evil.example/a")


def test_what_is_described_beside_is_told() -> None:
    """Callbacks, and that the service gives an operation up."""
    imported = wh.from_openapi(document(operation={"callbacks": {"done": {}}, "deprecated": True}))

    assert [each.what for each in imported.left_out] == ["callbacks", "deprecated"]
