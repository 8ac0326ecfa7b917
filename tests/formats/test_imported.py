"""What an import gives, and the methods of `Action` that give the one action of it."""

from __future__ import annotations

import json
import pickle
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import wayhook as wh
from wayhook.formats.foreign import intake

DOCUMENTS = Path(__file__).parent / "documents"
CANARY = "s3cr3t-canary-4711"
URL = f"https://joe:{CANARY}@api.shop.example/v1/orders?api_key={CANARY}"
BODY = json.dumps({"to": "+33", "password": CANARY, "list": [{"token": CANARY}], "text": f"Bearer {CANARY}"})
HEADERS = {
    "X-Api-Key": CANARY,
    "Cookie": f"a={CANARY}",
    "Proxy-Authorization": CANARY,
    "Content-Type": "application/json",
}

CURL = f"curl '{URL}' -x http://a:{CANARY}@p -b '{CANARY}' --pass {CANARY} --data-raw '{BODY}'" + "".join(
    f" -H '{name}: {value}'" for name, value in HEADERS.items()
)
POSTMAN = {
    "info": {"name": "Shop"},
    "variable": [{"key": "token", "value": CANARY}],
    "auth": {"type": "bearer", "bearer": [{"key": "token", "value": CANARY}]},
    "event": [{"listen": "test", "script": {"exec": [f"x = '{CANARY}'"]}}],
    "item": [
        {
            "name": "Order",
            "request": {
                "method": "POST",
                "url": URL,
                "header": [{"key": name, "value": value} for name, value in HEADERS.items()],
                "body": {"mode": "raw", "raw": BODY},
            },
            "response": [{"code": 200, "body": BODY}],
        }
    ],
}
HAR = {
    "request": {
        "method": "POST",
        "url": URL,
        "headers": [{"name": name, "value": value} for name, value in HEADERS.items()],
        "cookies": [{"name": "a", "value": CANARY}],
        "postData": {"mimeType": "application/json", "text": BODY},
    },
    "response": {"status": 200, "content": {"text": BODY}},
}
SECRETIVE: dict[str, Callable[[], wh.Imported]] = {
    "curl": lambda: wh.from_curl(CURL),
    "postman": lambda: wh.from_postman(POSTMAN),
    "har": lambda: wh.from_har(HAR),
}


@pytest.mark.parametrize("source", SECRETIVE)
def test_the_text_of_a_secret_is_nowhere(source: str) -> None:
    """Wherever a source has secrets, what comes of it shows, stores and pickles none."""
    imported = SECRETIVE[source]()

    everything = [
        str(imported), repr(imported), imported._repr_html_(), repr(imported.secrets), repr(imported.left_out),
        *(wh.dumps(action) for action in imported.actions), repr(imported.actions),
        *(str(wh.preview(action, dict.fromkeys(dict(action.variables), "x"))) for action in imported.actions),
        pickle.dumps(imported).decode("latin-1"),
    ]  # fmt: skip
    assert imported.secrets
    assert not any(CANARY in text for text in everything)


@pytest.mark.parametrize("cut", range(0, len(CURL), 7))
def test_no_error_of_a_cut_command_shows_a_secret(cut: int) -> None:
    """A command that is cut anywhere is read or refused, and neither shows a secret."""
    try:
        shown = str(wh.from_curl(CURL[:cut]))
    except wh.WayhookError as error:
        shown = str(error)

    assert CANARY[:8] not in shown


def test_a_secret_that_stands_elsewhere_too_is_hidden_there() -> None:
    """What was found once is a secret wherever it is repeated: other headers, query, body, and a recorded answer."""
    curl = wh.from_curl(
        "curl 'https://h.example/a?trace=hush-4711' -H 'X-Trace: of hush-4711' -H 'Authorization: Bearer hush-4711' "
        """--json '{"note": "my hush-4711", "n": 1}'""",
        secrets={"Authorization": "env:KEY"},
    )
    echo = json.dumps({"seen": "Bearer hush-4711", "id": "7"})
    har = wh.from_har(
        {
            "request": {"url": "https://h.example/a", "headers": [{"name": "X-Api-Key", "value": "hush-4711"}]},
            "response": {"status": 200, "content": {"text": echo}},
        }
    )

    assert {found.place for found in curl.secrets} == {"Authorization", "X-Trace", "trace"}
    assert dict(curl.action.variables) == {"note": wh.variable("note")}
    assert [each.value for each in har.action.response] == [None, "7"]
    assert "hush" not in f"{curl}{wh.dumps(curl.action)}{har}{wh.dumps(har.action)}"


def test_it_shows_itself() -> None:
    """One line counts, the text lists everything."""
    imported = wh.from_curl(
        "curl -k https://api.shop.example/v1 -H 'X-Api-Key: k-1'", name="Orders", secrets={"X-Api-Key": "vault:k"}
    )

    assert repr(imported) == "<Imported 1 action, 1 secret, 1 left out>"
    assert str(imported).splitlines() == [
        "<Action Orders: GET https://api.shop.example/v1, 0 variables>",
        "secrets:",
        "  X-Api-Key: secret('vault:k') is to hold the whole value",
        "left out:",
        f"  $[1]: --insecure: {imported.left_out[0].why}",
    ]
    assert imported == pickle.loads(pickle.dumps(imported))
    assert all(text in imported._repr_html_() for text in ("Action Orders", "X-Api-Key", "--insecure"))


@pytest.mark.parametrize(
    ("count", "message"),
    [(0, "no action was found here"), (2, "there are 2 actions here, A0, A1;"), (30, "A19 and 10 more;")],
)
def test_the_one_action(count: int, message: str) -> None:
    """It is there when there is exactly one, and the names are told when there is not."""
    actions = tuple(wh.Action(name=f"A{i}") for i in range(count))

    with pytest.raises(wh.DefinitionError, match=message):
        wh.Imported(actions).action  # noqa: B018
    assert wh.Imported(actions[:1] or (wh.Action(name="A"),)).action.name in ("A", "A0")


METHODS: dict[str, Callable[[], wh.Action]] = {
    "from_curl": lambda: wh.Action.from_curl("curl -k https://h.example/a", name="Own"),
    "from_openapi": lambda: wh.Action.from_openapi(
        (DOCUMENTS / "petstore.yaml").read_text(), "getPetById", name="Own", server="https://h.example/v3"
    ),
    "from_postman": lambda: wh.Action.from_postman(POSTMAN, "Order", name="Own", values={}),
    "from_har": lambda: wh.Action.from_har((DOCUMENTS / "full.har").read_text(), "POST /login", name="Own"),
}


@pytest.mark.parametrize("method", METHODS)
def test_the_methods_of_an_action_warn_of_what_is_left_out(method: str) -> None:
    """They give the action, and one warning for each thing, at the line of the caller."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        action = METHODS[method]()

    assert isinstance(action, wh.Action)
    assert action.name == "Own"
    assert caught
    assert {each.category for each in caught} == {wh.NotCarriedOver}
    assert {each.filename for each in caught} == {__file__}
    assert len({str(each.message) for each in caught}) == len(caught)


def test_what_loses_nothing_warns_of_nothing() -> None:
    """A warning is an error in this suite, so that none was given."""
    assert wh.Action.from_curl("curl https://h.example/a").name == "GetA"


def test_a_method_refuses_more_than_one_action() -> None:
    """Where a source has several, one is asked for."""
    with pytest.raises(wh.DefinitionError, match="there are 8 actions here"):
        wh.Action.from_har((DOCUMENTS / "full.har").read_text())


def test_names_of_actions() -> None:
    """A name of a source becomes a legal one, each another; the caller's stays as it is."""
    names = ["place order", "place order", "ä", "x" * 40, "x" * 40, "a-b_c/d", "7 days"]
    items = [{"name": name, "request": "https://h.example/orders"} for name in names]
    imported = wh.from_postman({"item": items})

    assert [action.name for action in imported.actions] == [
        "PlaceOrder", "PlaceOrder_2", "GetOrders", "x" * 30, "x" * 28 + "_2", "AB_cD", "7Days",
    ]  # fmt: skip
    assert all(wh.violations(action) == () for action in imported.actions)
    assert wh.from_postman({"item": items[:1]}, name="own name").action.name == "own name"


def test_what_was_imported_can_be_kept_and_sent_later() -> None:
    """References stand where secrets were, so that the document of the action holds everything."""
    imported = wh.from_curl(
        "curl https://h.example/a -u joe:pw -d a=1", name="Kept", secrets={"Authorization": "env:PW"}
    )

    assert wh.loads(wh.dumps(imported.action)) == imported.action


def test_a_thousand_things_are_listed_and_the_rest_is_counted() -> None:
    """Nobody reads ten thousand lines."""
    imported = wh.from_curl("curl https://h.example/a" + " -b x -k" * 1_000)

    assert len(imported.left_out) == 1_001
    assert imported.left_out[-1].what == "1,000 more things"


SCHEMAS: dict[str, Any] = {
    f"S{i}": {"type": "object", "properties": {c: {"$ref": f"#/components/schemas/S{i + 1}"} for c in "abcdefgh"}}
    for i in range(25)
} | {"S25": {"type": "string"}}
BODY_OF_SCHEMAS = {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/S0"}}}}}
SERVERS = [{"url": "https://h.example"}]
BIG: dict[str, tuple[Callable[[], wh.Imported], str]] = {
    "a server whose variables grow": (
        lambda: wh.from_openapi(
            {
                "openapi": "3.1.0",
                "paths": {"/p": {"get": {}}},
                "servers": [
                    {
                        "url": "https://h.example/{a}",
                        "variables": {chr(97 + i): {"default": ("{" + chr(98 + i) + "}") * 30} for i in range(12)},
                    }
                ],
            }
        ),
        "<Imported 1 action",
    ),
    "a server without an end": (
        lambda: wh.from_openapi(
            {"openapi": "3.1.0", "paths": {"/p": {"get": {}}}, "servers": [{"url": "https://h.example/" + "a" * 10**6}]}
        ),
        "$.servers[0].url: a URL has at most 2,048 characters",
    ),
    "a path without an end": (
        lambda: wh.from_openapi({"openapi": "3.1.0", "paths": {"/" + "{a}" * 10**6: {"get": {}}}, "servers": SERVERS}),
        "a path has at most 2,048 characters",
    ),
    "operations of one name": (
        lambda: wh.from_openapi(
            {
                "openapi": "3.1.0",
                "servers": SERVERS,
                "paths": {f"/p{i}": {"get": {"operationId": "same"}} for i in range(4_000)},
            }
        ),
        "<Imported 4000 actions",
    ),
    "twenty faces of a large schema": (
        lambda: wh.from_openapi(
            {
                "openapi": "3.1.0",
                "servers": SERVERS,
                "paths": {f"/p{i}": {"post": BODY_OF_SCHEMAS} for i in range(20)},
                "components": {"schemas": SCHEMAS},
            }
        ),
        "<Imported 20 actions, ",
    ),
    "faults everywhere": (
        lambda: wh.from_openapi(
            {"openapi": "3.0.0", "paths": {f"/p{i}": {"get": {"parameters": 7}} for i in range(5_000)}}
        ),
        "more faults; mend these first",
    ),
    "a form of one field": (lambda: wh.from_curl(f"curl https://h.example/a -d '{'a=b&' * 200_000}'"), "1 left out"),
    "a query of many parameters": (
        lambda: wh.from_curl(f"curl 'https://h.example/a?{'&'.join(f'a{i}={i}' for i in range(20_000))}'"),
        "<Imported 1 action",
    ),
    "another secret in each request": (
        lambda: wh.from_har(
            {
                "log": {
                    "version": "1.2",
                    "entries": [
                        {
                            "request": {
                                "method": "GET",
                                "url": "https://h.example/a",
                                "headers": [{"name": "Authorization", "value": f"Bearer {CANARY}{i}"}],
                            },
                            "response": {"status": 200},
                        }
                        for i in range(2_100)
                    ],
                }
            }
        ),
        "more than 2,000 secrets are in this",
    ),
    "a template with too many resources": (
        lambda: wh.from_eventbridge({"Resources": {f"R{i}": {"Type": "AWS::Events::Rule"} for i in range(501)}}),
        "a template has at most 500 resources",
    ),
    "names that are the same": (
        lambda: wh.from_postman(
            {"info": {"name": "x"}, "item": [{"name": "same", "request": "https://h.example/a"}] * 4_000}
        ),
        "<Imported 4000 actions",
    ),
    "a bomb of aliases": (
        lambda: wh.from_openapi(
            "openapi: 3.1.0\na0: &a0 [x, x, x]\n"
            + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))
        ),
        "a document has at most 1,000,000 parts",
    ),
}


def shown_of(read: Callable[[], wh.Imported]) -> str:
    """What an import shows: what it found, or why it refuses."""
    try:
        return repr(read())
    except wh.DocumentError as error:
        return str(error)


def counted(work: Callable[[], str]) -> tuple[str, int]:
    """What some work gives, and how many functions of Python it called: its size, the same on every machine."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        return work(), calls
    finally:
        sys.setprofile(before)


@pytest.mark.parametrize("name", BIG)
def test_a_large_document_ends_soon_and_stays_small(name: str) -> None:
    """Whatever grows in it, the work and the answer are bounded, and the answer says what was too much."""
    read, wanted = BIG[name]

    shown, calls = counted(lambda: shown_of(read))

    assert wanted in shown
    assert len(shown) < 200_000
    assert CANARY not in shown
    assert calls < 20_000_000


@pytest.mark.parametrize(("number", "is_cut"), [(30, True), (100_000, False)])
def test_the_schemas_of_a_document_are_bounded_in_all(
    *, number: int, is_cut: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond them one operation is to be asked for; the first operations are whole."""
    monkeypatch.setattr(intake, "MAX_SCHEMAS", number)
    schema = {"type": "object", "properties": {f"f{i}": {"type": "string"} for i in range(10)}}
    body = {"requestBody": {"content": {"application/json": {"schema": schema}}}}
    document = {
        "openapi": "3.1.0",
        "servers": SERVERS,
        "paths": {f"/p{i}": {"post": {"operationId": f"o{i}", **body}} for i in range(9)},
    }

    whole, one = wh.from_openapi(document), wh.from_openapi(document, "o8")

    assert any("ask for one operation" in each.why for each in whole.left_out) == is_cut
    assert len(whole.actions[0].message_parameters) == len(one.action.message_parameters) == 10
    assert one.left_out == ()
