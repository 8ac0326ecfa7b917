"""`import` and `export`: documents into a repository, and out of it."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from shell import SECRET, VALUES, Shell

import wayhook as wh
from wayhook.cli import catalogue, export, option
from wayhook.cli.surface import definition as surface
from wayhook.model import record
from wayhook.testing import LoopbackService

NEW = ("--repository", "sqlite:///new.db")
CAPPING = {
    "url": "https://sms.example.com/*",
    "methods": ["POST"],
    "services": {"action": {"maxHttpConnections": 50, "rating": {"maxCallsCount": 100, "periodInMs": 1000}}},
}
THROTTLING = {"urlPattern": "https://sms.example.com/*", "methods": ["POST"], "maxThroughput": 300}
AUTHORIZATION = {
    "type": "customAuthorization",
    "authorizationType": "Bearer",
    "endpoint": "https://a.example/token",
    "method": "POST",
    "body": {"bodyType": "form", "bodyParams": {"grant_type": "client_credentials", "client_secret": SECRET}},
    "tokenInResponse": "json://access_token",
    "cacheDuration": {"duration": 1, "timeUnit": "hours"},
}


@pytest.mark.usefixtures("documents")
def test_documents_are_saved_together(shell: Shell) -> None:
    """A repository is made where there is none; a journey and its action may come in any order."""
    told = shell.json("import", "welcome.json", "sms.json", "crm.json", *NEW)

    assert [(item["kind"], item["name"], item["version"]) for item in told["items"]] == [
        ("journey", "Welcome", 1), ("action", "SendSms", 1), ("connection", "crm", 1),
    ]  # fmt: skip
    assert shell.json("list", *NEW)["items"] == sorted(
        told["items"], key=lambda item: ["action", "journey", "connection"].index(item["kind"])
    )


@pytest.mark.usefixtures("documents")
def test_nothing_is_saved_where_something_is_wrong(shell: Shell, folder: Path) -> None:
    """Faults of all documents are told at once with their files, also those that only the repository finds."""
    text = (folder / "sms.json").read_text()
    (folder / "typo.json").write_text(text.replace('"description"', '"descriptoin"'))
    (folder / "torn.json").write_text(text[:-5])
    (folder / "name.json").write_text(text.replace('"SendSms"', '"Send-Sms"'))

    unreadable = shell.json("import", "typo.json", "crm.json", "torn.json", *NEW)["error"]
    refused = shell.json("import", "crm.json", "name.json", *NEW)["error"]
    alone = shell.json("import", "name.json", *NEW)["error"]

    assert [violation["path"] for violation in unreadable["violations"]] == ["typo.json: $.descriptoin", "torn.json: $"]
    assert [[v["path"] for v in error["violations"]] for error in (refused, alone)] == [["name.json: $.name"]] * 2
    assert shell("list", *NEW).out == ""


@pytest.mark.usefixtures("kept")
def test_what_is_there_is_not_saved_over(shell: Shell) -> None:
    """Unless that is asked for; then its version goes up."""
    refused = shell("import", "sms.json")
    replaced = shell.json("import", "sms.json", "--replace")

    assert (refused.code, "save over it with --replace" in refused.err) == (2, True)
    assert replaced["items"][0]["version"] == 2


@pytest.mark.usefixtures("documents")
def test_a_dry_run_saves_nothing(shell: Shell, folder: Path) -> None:
    """It shows the documents that would be saved."""
    told = shell.json("import", "sms.json", "--dry-run", *NEW, shape="import --dry-run")

    assert told["items"][0]["document"] == json.loads((folder / "sms.json").read_text())
    assert not (folder / "new.db").exists()


def test_the_products_own_json(shell: Shell, folder: Path) -> None:
    """A capping, a throttling and an authorization are told apart by their content, and come back as they were."""
    documents = {"capping": CAPPING, "throttling": THROTTLING, "authorization": AUTHORIZATION}
    secrets = {"authorization": ["--secret", "client_secret=env:KEY"]}
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document))
        made = shell.json("import", f"./{name}", "--name", name, *secrets.get(name, []), *NEW)
        assert [item["name"] for item in made["items"]] == [name]

    found = {name: json.loads(shell("export", name, "--as", "product", *NEW).out) for name in documents}

    assert CAPPING.items() <= found["capping"].items()
    assert THROTTLING.items() <= found["throttling"].items()
    body = {**AUTHORIZATION["body"]["bodyParams"], "client_secret": "INSERT_SECRET_HERE"}
    assert found["authorization"]["body"]["bodyParams"] == body


def test_a_rule_without_a_name_gets_one(shell: Shell) -> None:
    """The uid of a configuration is made where nobody gives one; the document may come from the standard input."""
    told = shell.json("import", "-", *NEW, stdin=json.dumps(CAPPING))

    assert len(told["items"][0]["name"]) == 32


def test_a_secret_of_the_product_is_not_kept(shell: Shell) -> None:
    """A text that may be one is refused, until a reference takes its place."""
    done = shell("import", "-", "--name", "crm", *NEW, stdin=json.dumps(AUTHORIZATION))

    assert done.code == 1
    assert "$.authentication.body_params.client_secret" in done.err


@pytest.mark.usefixtures("kept")
def test_a_journey_moves_to_another_repository(shell: Shell, folder: Path) -> None:
    """Its export has placeholders; with references in their place it is imported, under another name if it must."""
    bundle = shell("export", "Welcome", "--as", "bundle")
    (folder / "bundle.json").write_text(bundle.out)
    place = "$.actions[0].authentication.value"

    left = shell.json("import", "bundle.json", *NEW)["error"]
    first = shell.json("import", "bundle.json", "--secret", f"{place}=env:SMS_KEY", *NEW)
    second = shell.json("import", "bundle.json", "--secret", f"{place}=env:SMS_KEY", "--use-existing", "SendSms", *NEW)

    assert bundle.code == 0
    assert [violation["path"] for violation in left["violations"]] == [f"bundle.json: {place}"]
    assert [item["name"] for item in (*first["items"], *second["items"])] == ["Welcome", "Welcome_copy"]
    assert [item["name"] for item in shell.json("list", "actions", *NEW)["items"]] == ["SendSms"]


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("kind", ["action", "journey", "connection"])
def test_a_document_comes_back_as_it_was(shell: Shell, folder: Path, kind: str) -> None:
    """What is exported as JSON is the document that was imported."""
    name, file = {"action": ("SendSms", "sms"), "journey": ("Welcome", "welcome"), "connection": ("crm", "crm")}[kind]

    done = shell("export", name)
    told = shell.json("export", name, "--kind", kind)

    assert (done.code, json.loads(done.out)) == (0, json.loads((folder / f"{file}.json").read_text()))
    assert (told["as"], told["text"] + "\n") == ("json", done.out)


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    "subject", [("SendSms", *VALUES), ("Welcome", "day1", "--context", "ann.json")], ids=["action", "activity"]
)
def test_a_call_becomes_a_command(shell: Shell, service: LoopbackService, subject: tuple[str, ...]) -> None:
    """With the values that it is rendered with, and a shell variable in the place of the secret."""
    done = shell("export", *subject, "--as", "curl")

    assert done.code == 0
    assert f"--url {service.url}/v1" in done.out
    assert '"$SMS_KEY"' in done.out


@pytest.mark.usefixtures("kept")
def test_a_call_becomes_a_file_of_an_editor(shell: Shell, service: LoopbackService) -> None:
    """With a variable of the editor in the place of the secret."""
    done = shell("export", "SendSms", *VALUES, "--as", "http")

    assert done.code == 0
    assert f"POST {service.url}/v1" in done.out
    assert "X-Api-Key: {{SMS_KEY}}" in done.out


@pytest.mark.usefixtures("kept")
def test_an_action_becomes_what_others_read(shell: Shell) -> None:
    """OpenAPI, the JSON Schema of its variables, and a page for people; each holds its names and none of its secret."""
    openapi = json.loads(shell("export", "SendSms", "--as", "openapi").out)
    schema = json.loads(shell("export", "SendSms", "--as", "schema").out)
    page = shell("export", "SendSms", "--as", "markdown")

    assert openapi["openapi"].startswith("3.1")
    assert {"to", "text", "points"} <= set(json.dumps(schema).replace('"', " ").split())
    jsonschema.Draft202012Validator.check_schema(schema)
    assert (page.code, page.out.splitlines()[0]) == (0, "# SendSms")
    assert "env:SMS\\_KEY" in page.out or "env:SMS_KEY" in page.out


def test_what_can_be_typed_is_what_there_is() -> None:
    """The words of options, which are listed without loading anything, are those of the modules behind them."""
    assert set(surface.EXPORTS) == set(export.FORMATS)
    assert set(surface.GROUPS) == set(catalogue.GROUPS)
    assert set(option.KINDS) == set(record.KINDS)


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["import", "nowhere.json"], 2, "nowhere.json cannot be read"),
        (["import"], 2, "Missing argument"),
        (["import", "ann.json"], 1, "its content tells no format; it may be a document of wayhook"),
        (["import", "sms.json", "--secret", "a=env:A"], 2, "no place for --secret"),
        (["import", "sms.json", "--secret", "env:A"], 2, "--secret takes a name, an equals sign"),
        (["import", "sms.json", "--repository", "sqlite:///no/where.db"], 2, "where.db"),
        (["import", "auth.json"], 2, "give one with --name"),
        (["import", "auth.json", "--name", "a", "--secret", "client_secret=canary"], 1, "not by its text"),
        (["export", "Nothing"], 2, "named 'Nothing'"),
        (["export", "Nothing", "--as", "bundle"], 2, "There is no journey named 'Nothing'"),
        (["export", "SendSms", "--as", "product"], 2, "use --as json"),
        (["export", "SendSms", "--as", "smoke"], 2, "give one of json, bundle, product, curl"),
        (["export", "Welcome", "--as", "openapi"], 2, "There is no action named 'Welcome'"),
        (["export", "SendSms", "--as", "curl"], 1, "this variable is required"),
    ],
)
def test_what_cannot_be_exchanged(shell: Shell, folder: Path, arguments: list[str], code: int, words: str) -> None:
    """It is told in a sentence."""
    (folder / "auth.json").write_text(json.dumps(AUTHORIZATION))

    done = shell(*arguments)

    assert done.code == code
    assert words in done.err


HOSTILE = {
    "empty": b"", "nothing": b"null", "a number": b"7", "a text": b'"wayhook"', "deep": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000, "a newer version": b'{"wayhook": 2, "kind": "action"}',
    "another kind": b'{"wayhook": 1, "kind": "poem"}',
    "no UTF-8": b"\xff\xfe", "twice": b'{"wayhook": 1, "wayhook": 1}',
    "a torn bundle": b'{"wayhook": 1, "kind": "export"}',
    "an empty bundle": b'{"wayhook": 1, "kind": "export", "journey": {}}',
    "a poor capping": b'{"url": 1, "services": 2}', "a poor throttling": b'{"urlPattern": []}',
    "a poor authorization": b'{"authorizationType": 1}', "huge": b" " * 20_000_001,
    "not finite": b'{"wayhook": 1, "kind": "action", "name": NaN}',
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("command", ["import", "validate"])
def test_a_hostile_document_is_a_sentence(shell: Shell, folder: Path, command: str, name: str) -> None:
    """Whatever is in a file, it is refused with its name, without a traceback, and nothing is saved."""
    (folder / "document").write_bytes(HOSTILE[name])

    done = shell(command, "./document", "--name", "a", *(NEW if command == "import" else ()))

    assert done.code in (1, 2)
    assert "./document" in done.out + done.err
    assert "Traceback" not in done.err
    assert not (folder / "new.db").exists()


@pytest.mark.usefixtures("documents")
def test_namespaces_are_kept_apart(shell: Shell) -> None:
    """What is saved in one is not there in another; a name that can be none is told."""
    team = ("--namespace", "team-a")

    shell("import", "sms.json", *NEW, *team)

    assert [item["name"] for item in shell.json("list", *NEW, *team)["items"]] == ["SendSms"]
    assert shell.json("list", *NEW)["items"] == []
    assert "--namespace: " in shell("list", *NEW, "--namespace", "no such/thing").err


@pytest.mark.usefixtures("documents")
def test_a_folder_of_text_files_is_a_repository(shell: Shell, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any scheme of the library will do; who saved is remembered."""
    monkeypatch.setenv("LOGNAME", "ann")
    where = ("--repository", "folder:///kept")

    shell("import", "sms.json", *where)
    shown = shell.json("show", "SendSms", *where)

    assert (shown["by"], shown["version"], shown["saved"] is None) == ("ann", 1, False)
    assert (folder / "kept").is_dir()


async def test_an_import_is_what_python_reads(shell: Shell, folder: Path) -> None:
    """What the command saved opens with the library."""
    import asyncio

    (folder / "capping.json").write_text(json.dumps(CAPPING))
    await asyncio.to_thread(shell, "import", "capping.json", "--name", "sms", *NEW)

    async with wh.open_repository("sqlite:///new.db") as repository:
        stored = await repository.get(wh.CappingConfiguration, "sms")

    assert stored.value.rule == wh.load_capping(CAPPING)


COLLECTION = {
    "info": {"name": "Shop", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
    "item": [{"name": "Order", "request": {"method": "GET", "url": "https://api.shop.example/v1/orders"}}],
}
RECORDING = {
    "log": {
        "version": "1.2",
        "entries": [
            {
                "request": {
                    "method": "GET",
                    "url": "https://api.shop.example/v1/items",
                    "httpVersion": "HTTP/1.1",
                    "headers": [],
                    "queryString": [],
                    "cookies": [],
                },
                "response": {"status": 200, "headers": [], "cookies": [], "content": {}},
            }
        ],
    }
}
DOCUMENT = """
openapi: 3.1.0
info: {title: Pets, version: '1'}
servers: [{url: 'https://pets.example.com/v1'}]
paths:
  /pets: {get: {operationId: listPets, responses: {}}, post: {operationId: addPet, responses: {}}}
"""


@pytest.mark.parametrize(
    ("text", "options", "names"),
    [
        (f"curl https://api.shop.example/v1 -H 'Authorization: Bearer {SECRET}' -k", ("--name", "Shop"), ["Shop"]),
        (f"$ curl.exe https://api.shop.example/v1 -u joe:{SECRET}", ("--name", "Shop"), ["Shop"]),
        (DOCUMENT, (), ["addPet", "listPets"]),
        (DOCUMENT, ("--operation", "addPet"), ["addPet"]),
        (json.dumps({"openapi": "3.0.3", "servers": [{"url": "https://a.example"}], "paths": {}}), (), []),
        (json.dumps(COLLECTION), (), ["Order"]),
        (json.dumps(RECORDING), ("--name", "Items"), ["Items"]),
    ],
    ids=["curl", "curl.exe", "openapi", "an operation", "no operation", "postman", "har"],
)
def test_what_others_describe_is_saved(
    shell: Shell, folder: Path, text: str, options: tuple[str, ...], names: list[str]
) -> None:
    """Commands, documents, collections and recordings become actions; no secret is kept, and what is lost is told."""
    (folder / "theirs.txt").write_text(text)

    told = shell.json("import", "theirs.txt", *options, *NEW)

    assert sorted(item["name"] for item in told["items"]) == names
    assert all(item["kind"] == "action" for item in told["items"])
    assert SECRET not in json.dumps(told)
    if text.endswith(" -k"):
        assert "certificates are always checked" in json.dumps(told["left_out"])
    if SECRET in text:
        assert "env:SHOP" in json.dumps(told["secrets"])


BRIDGE = {
    "Name": "shop-key",
    "AuthorizationType": "API_KEY",
    "AuthParameters": {
        "ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": SECRET},
        "InvocationHttpParameters": {"HeaderParameters": [{"Key": "X-Shop", "Value": "7"}]},
    },
}
TARGET = {
    "Name": "send-order",
    "ConnectionArn": "arn:aws:events:eu-west-1:123456789012:connection/shop-key/4711",
    "InvocationEndpoint": "https://api.shop.example/v1/orders",
    "HttpMethod": "POST",
    "InvocationRateLimitPerSecond": 300,
}
YAML = """
Resources:
  Key: {Type: AWS::Events::Connection, Properties: {Name: shop-key, AuthorizationType: API_KEY,
    AuthParameters: {ApiKeyAuthParameters: {ApiKeyName: X-Key, ApiKeyValue: !Ref Key},
      InvocationHttpParameters: {HeaderParameters: [{Key: X-Shop, Value: '7'}]}}}}
  Send: {Type: AWS::Events::ApiDestination, Properties: {Name: send-order, ConnectionArn: !GetAtt Key.Arn,
    InvocationEndpoint: 'https://api.shop.example/v1/orders', InvocationRateLimitPerSecond: 300}}
"""
RESOURCES = [
    {"Type": "AWS::Events::Connection", "Properties": BRIDGE},
    {"Type": "AWS::Events::ApiDestination", "Properties": TARGET},
]


@pytest.mark.parametrize(
    "files",
    [
        [json.dumps(BRIDGE), json.dumps(TARGET)],
        [json.dumps(TARGET), json.dumps(BRIDGE)],
        [json.dumps(each) for each in RESOURCES],
        [json.dumps({"Resources": {"A": RESOURCES[0], "B": RESOURCES[1]}})],
        [YAML],
        [json.dumps(BRIDGE), "\n".join(f"{name}: {json.dumps(value)}" for name, value in TARGET.items())],
    ],
    ids=["two files", "the other way round", "two resources", "a template", "a template in YAML", "JSON and YAML"],
)
def test_a_connection_and_a_destination_of_eventbridge_are_read_together(
    shell: Shell, folder: Path, files: list[str]
) -> None:
    """In whatever way they come: the action refers to the connection and has its headers, and the rate is a limit."""
    places = [f"./bridge{number}" for number in range(len(files))]
    for place, text in zip(places, files, strict=True):
        (folder / place).write_text(text)

    told = shell.json("import", *places, *NEW)
    shown = json.loads(shell("export", "SendOrder", *NEW).out)

    assert sorted(item["kind"] for item in told["items"]) == ["action", "connection", "throttling"]
    assert shown["authentication"] == {"kind": "connection", "name": "ShopKey"}
    assert {"name": "X-Shop", "value": "7"} in shown["url_configuration"]["headers"]
    assert SECRET not in json.dumps(told)


def test_half_of_a_pair_is_read_by_itself(shell: Shell, folder: Path) -> None:
    """A connection or a destination alone, and every fault of both, each with its file."""
    (folder / "key.json").write_text(json.dumps(BRIDGE))
    (folder / "target.json").write_text(json.dumps(TARGET))
    (folder / "bad.json").write_text(json.dumps(BRIDGE | {"AuthorizationType": "MAGIC"}))
    (folder / "worse.json").write_text(json.dumps(TARGET | {"HttpMethod": 7}))

    key, target = (
        shell.json("import", f"{name}.json", "--dry-run", *NEW, shape="import --dry-run")["items"]
        for name in ("key", "target")
    )
    faults = shell.json("import", "bad.json", "worse.json", *NEW)["error"]["violations"]

    assert [item["name"] for item in key] == ["ShopKey"]
    assert [item["kind"] for item in target] == ["action", "throttling"]
    assert sorted(fault["path"] for fault in faults) == [
        "bad.json, worse.json: $.Resources.bad.json.Properties.AuthorizationType",
        "bad.json, worse.json: $.Resources.worse.json.Properties.HttpMethod",
    ]
