"""Documents: actions and journeys to JSON and back, and what is said about a document that cannot be read."""

from __future__ import annotations

import json
import pickle
import sys
from datetime import UTC, datetime
from decimal import Decimal
from types import FrameType
from typing import Any

import attrs
import pytest

import wayhook as wh
from wayhook.model import storage

HERE = wh.UrlConfiguration("https://api.shop.example/v1")
SECRET = wh.secret("env:KEY")


def action(**parts: Any) -> wh.Action:
    """An action with these parts."""
    return wh.Action(**{"name": "Act", "url_configuration": HERE, **parts})


def journey(**parts: Any) -> wh.Journey:
    """A journey of one activity with these parts."""
    return wh.Journey("J", [wh.ActionActivity("Act", label="a", **parts)])


def document(kind: str = "action", **fields: Any) -> dict[str, Any]:
    """A document with these fields."""
    return {"wayhook": 1, "kind": kind, "name": "N", **fields}


def faults(given: Any) -> dict[str, str]:
    """What `loads` says about a document or a text, by path."""
    text = given if isinstance(given, str | bytes) else json.dumps(given)
    with pytest.raises(wh.DocumentError) as caught:
        wh.loads(text)
    found = {violation.path: violation.message for violation in caught.value.violations}
    assert len(found) == len(caught.value.violations)
    return found


CERTIFICATE = wh.CertificateCredential(
    endpoint="https://id.example/token",
    audience="https://id.example",
    body_type="form",
    body_params={"client_id": "app", "scope": "a b"},
    private_key=SECRET,
    certificate="-----BEGIN CERTIFICATE-----",
)
VALUES = {
    "least action": wh.Action(name="Act"),
    "readme": action(
        url_configuration=wh.UrlConfiguration(
            "https://sms.example.com/v1/",
            method="PUT",
            headers={"X-A": wh.variable("A"), "X-B": wh.variable(optional=True), "X-C": "c", "X-S": SECRET},
            query_parameters={"t": "acme", "v": wh.variable("V", optional=True), "s": SECRET},
        ),
        description="é — 😀",
        message_parameters=wh.message_parameters(
            {"s": "a", "n": None, "i": 2**63 - 1, "d": 1.5, "b": True, "o": {"x": {}}, "l": [1, None], "p": [{"q": 1}]},
            variables={"s": wh.variable("S", optional=True), "p": "P"},
        ),
        allow_null_values=True,
        response=wh.payload({"id": "a", "l": [{"x": [1]}]}),
        failure_response=wh.payload({"code": 1}),
        channel="SMS",
        built_in=True,
    ),
    "campaign": action(url_configuration=None, action_type="campaignClassic", required_marketing_action="own"),
    "no marketing action": action(channel="Email", required_marketing_action=None),
    "basic": action(authentication=wh.BasicAuthentication("joe", SECRET)),
    "basic with two secrets": action(authentication=wh.BasicAuthentication(wh.secret("env:USER"), SECRET)),
    "key in the header": action(authentication=wh.ApiKeyAuthentication("X-Key", SECRET)),
    "key in the query": action(authentication=wh.ApiKeyAuthentication("key", SECRET, location="query")),
    "custom": action(
        authentication=wh.CustomAuthorization(
            "https://id.example/token",
            authorization_type="Header",
            token_target="X-Token",
            headers={"X-Key": SECRET, "X-Plain": "p"},
            body_type="json",
            body_params={
                "secret": SECRET,
                "text": "t",
                "object": {"secret": "env:NO", "deep": [1, None, {"literal": 2.5}]},
                "list": [{"secret": "env:NO"}],
                "none": None,
                "true": True,
            },
            token_in_response="json://data/token",
            cache_duration=wh.CacheDuration(5, wh.TimeUnit.MINUTES),
        )
    ),
    "key in the path": action(authentication=wh.ApiKeyAuthentication("hook", SECRET, location="path")),
    "bearer": action(authentication=wh.BearerAuthentication(SECRET)),
    "texts with secrets": action(
        authentication=wh.CustomAuthorization(
            "https://id.example/token",
            headers={
                "Authorization": wh.SecretText("Basic ", wh.Base64("c:", SECRET, spelling="Encode64"), "", SECRET)
            },
            body_type="json",
            body_params={
                "deep": {"a": [SECRET, {"b": wh.SecretText("x", SECRET)}], "literal": {"secret": "env:NO"}},
                "plain": {"object": {"array": []}},
                "text": [wh.SecretText(), {"a": wh.SecretText("b")}],
            },
            cache_duration=wh.CacheDuration(expiry_in_response="json://e.in", time_unit="days"),
        )
    ),
    "certificate": action(authentication=CERTIFICATE),
    "certificate without a key": action(authentication=attrs.evolve(CERTIFICATE, private_key=None, key_id="k")),
    "oauth": action(
        authentication=wh.OAuthClientCredentials(
            "https://id.example/token",
            "app",
            SECRET,
            scope="a b",
            client_authentication="body",
            parameters={"audience": "x", "pin": SECRET, "both": wh.SecretText("x", SECRET)},
            cache_duration=wh.CacheDuration(30, "minutes"),
        )
    ),
    "least oauth": action(authentication=wh.OAuthClientCredentials("https://id.example/token", "app", SECRET)),
    "assertion": action(
        authentication=wh.JwtBearerGrant(
            "https://id.example/token", "robot", SECRET, scope="a", subject="s", audience="x", key_id="k"
        )
    ),
    "client certificate": action(authentication=wh.MutualTlsAuthentication("PEM", SECRET)),
    "client certificate around a token": action(
        authentication=wh.MutualTlsAuthentication(SECRET, SECRET, authentication=CERTIFICATE)
    ),
    "connected": action(authentication=wh.connection("Shop")),
    "connection": wh.Connection(
        "Shop", wh.BasicAuthentication("joe", SECRET), hosts=["b.example", "*.a.example"], description="d, é"
    ),
    "least connection": wh.Connection("Shop"),
    "least journey": wh.Journey("J"),
    "journey": wh.Journey(
        "Wel come, é",
        [
            wh.ActionActivity("Act", label="a"),
            wh.ActionActivity(
                "Act",
                label="b",
                path=wh.expression("@event{E.id} + '/m'"),
                headers={"X-A": "plain", "X-B": wh.expression("1")},
                query_parameters={"v": 7, "w": None, "x": True, "y": 1.5},
                parameters={
                    "o.x": "@event{no.code}",
                    "l": [1, [2, {"a": None}]],
                    "p": [{"id": 1}],
                    "q": {"expression": "no code", "literal": {}},
                    "r": {},
                },
                fields={"p.q": "other.place"},
                alternative_path=True,
                description="d",
                additional_marketing_action="m",
            ),
        ],
        timeout=2.5,
        description="d",
        status="Dry run",
    ),
    "whole timeout": wh.Journey("J", timeout=10),
    "drawn journey of two versions": wh.Journey(
        "J",
        [
            wh.Activity("event", label="e", next=["c"]),
            wh.Activity("condition", label="c", conditions={"a": wh.expression("@event{e.x}")}, next=["end"]),
            wh.ActionActivity("Act", label="a", next=["end"], alternative_path=True, on_error="end"),
            wh.Activity("end", label="end", description="d"),
        ],
        reentrance_wait=7.5,
        time_zone="Europe/Berlin",
        namespace="email",
    )
    .publish(datetime(2030, 1, 2, tzinfo=UTC))
    .new_version()
    .publish(datetime(2030, 1, 3, 4, 5, 6, 789, tzinfo=UTC))
    .pause(datetime(2030, 1, 4, tzinfo=UTC), mode="discard"),
}


@pytest.mark.rule("R134")
@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_what_is_stored_comes_back_equal(value: wh.Action | wh.Journey | wh.Connection) -> None:
    """Through text, through bytes and through the dictionary, with every part and in the same order."""
    text = wh.dumps(value)

    assert wh.loads(text) == value
    assert wh.loads(text.encode()) == value
    assert wh.load(wh.dump(value)) == value
    assert wh.dumps(wh.loads(text)) == text
    assert json.loads(text) == wh.dump(value)


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_document_is_made_of_plain_json_values(value: wh.Action | wh.Journey) -> None:
    """Any other writer (YAML, say) can take it: no subclass, no tuple, no value of ours stands in it."""

    def kinds(part: Any) -> set[type]:
        below = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
        return {type(part)}.union(*map(kinds, below))

    assert kinds(wh.dump(value)) <= {dict, list, str, int, float, bool, type(None)}


def test_a_document_is_short_and_readable() -> None:
    """What stands at its default is left out; the head says what it is; text is not escaped to death."""
    assert wh.dumps(wh.Journey("Été", [wh.ActionActivity("Act", label="a", path=wh.expression("'x'"))])) == (
        '{\n  "wayhook": 1,\n  "kind": "journey",\n  "name": "Été",\n  "activities": [\n    {\n'
        '      "action": "Act",\n      "label": "a",\n      "path": {\n        "expression": "\'x\'"\n'
        "      }\n    }\n  ]\n}\n"
    )


def test_a_deep_payload_comes_back_too() -> None:
    """Whatever depth a sample may have, its document can be read."""
    sample: Any = "x"
    for _ in range(60):
        sample = {"o": sample}
    made = action(message_parameters=wh.message_parameters(sample))

    assert wh.loads(wh.dumps(made)) == made


@pytest.mark.rule("R134")
def test_a_literal_secret_is_refused_unless_asked_for() -> None:
    """Every literal secret is named by its place, and only those who ask get its text into a document."""
    made = action(
        url_configuration=wh.UrlConfiguration(
            "https://h.example", headers={"X-S": wh.literal_secret("s3c1")}, query_parameters={"q": SECRET}
        ),
        authentication=wh.CustomAuthorization(
            "https://t.example", body_type="form", body_params={"a": "b", "c": wh.literal_secret("s3c2")}
        ),
    )

    for refuse in (wh.dump, wh.dumps):
        with pytest.raises(wh.DefinitionError) as caught:
            refuse(made)
        assert [violation.path for violation in caught.value.violations] == [
            "$.url_configuration.headers[2].value",
            "$.authentication.body_params.c",
        ]
        assert "s3c" not in str(caught.value)
    text = wh.dumps(made, literal_secrets_allowed=True)
    assert '"literal_secret": "s3c1"' in text
    assert wh.loads(text, literal_secrets_allowed=True) == made
    with pytest.raises(wh.DocumentError, match="a literal secret is not stored"):
        wh.loads(text)


def token_call(**parts: Any) -> wh.Action:
    """An action with a custom authorization of these parts."""
    return action(authentication=wh.CustomAuthorization("https://t.example", **{"body_type": "json", **parts}))


@pytest.mark.parametrize(
    "value",
    [
        datetime(2030, 1, 2, tzinfo=UTC),
        Decimal("NaN"),
        Decimal("1E+999"),
        [Decimal("1.5")],
        float("nan"),
        float("-inf"),
        10**5000,
        b"bytes",
        object(),
        {"a": [1, {2: 3}]},
        [1, wh.expression("1")],
        {"a": {"b"}},
        wh.variable("x"),
        SECRET,
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_that_is_no_json_is_refused_with_its_place(value: object) -> None:
    """What could not be read back is not written, if it can be described at all; the fault names where it stands."""
    with pytest.raises(wh.DefinitionError, match=r"^\$.*parameters.*v"):
        wh.dumps(journey(parameters={"w": 1, "v": value}))


@pytest.mark.parametrize("value", [float("inf"), {1}, {"deep": wh.expression("1")}], ids=str)
def test_an_action_with_a_value_that_is_no_json_is_refused_too(value: Any) -> None:
    """Constants and the parameters of a token call are JSON, or they are not written."""
    with pytest.raises(wh.DefinitionError):
        wh.dumps(action(message_parameters=[wh.MessageParameter("a", wh.DataType.DECIMAL, value)]))
    with pytest.raises(wh.DefinitionError):
        wh.dumps(token_call(body_params={"a": value}))


def test_a_secret_inside_of_a_constant_is_refused() -> None:
    """A constant of a payload is plain JSON; the JSON of a token call may hold secrets (R125)."""
    nested = token_call(body_type="json", body_params={"a": {"deep": [SECRET, wh.SecretText("x", SECRET), 1]}})

    assert wh.loads(wh.dumps(nested)) == nested
    with pytest.raises(wh.DefinitionError):
        wh.dumps(action(message_parameters=[wh.MessageParameter("a", wh.DataType.DECIMAL, {"deep": SECRET})]))


def test_a_sequence_is_stored_as_the_array_that_it_is_in_json() -> None:
    """A tuple of a literal may become a list; it is not refused, and it comes back with the same items."""
    found = wh.loads(wh.dumps(journey(parameters={"v": (1, 2)})))

    assert isinstance(found, wh.Journey)
    assert list(dict(found.activities[0].parameters)["v"]) == [1, 2]


@pytest.mark.parametrize("place", ["headers", "body_params"])
def test_names_that_stand_twice_are_not_lost_silently(place: str) -> None:
    """Pairs become an object, which holds each name once: twins are refused, here or on construction."""
    with pytest.raises(wh.DefinitionError):
        wh.dumps(token_call(**{place: (("X-A", "1"), ("X-A", "2"))}))


@pytest.mark.parametrize("place", ["headers", "query_parameters", "parameters", "fields"])
def test_names_that_stand_twice_in_an_activity_are_not_lost_either(place: str) -> None:
    """An activity gives each variable one value."""
    with pytest.raises(wh.DefinitionError):
        wh.dumps(journey(**{place: [("a", "1"), ("a", "2")]}))


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("", "$", "not JSON at line 1, column 1"),
        ("{", "$", "not JSON"),
        ("<a/>", "$", "not JSON"),
        ('{"wayhook": 1,\n "kind": }', "$", "line 2, column 10"),
        (b"\xff{}", "$", "not UTF-8"),
        ("[]", "$", "a document is a JSON object, not an array"),
        ('"text"', "$", "not a string"),
        ("null", "$", "not null"),
        ("7", "$", "not a number"),
        ('{"wayhook": 1, "kind": "journey", "name": "a", "name": "b"}', "$", "'name' stands twice"),
        ('{"wayhook": 1, "kind": "journey", "name": "a", "timeout": NaN}', "$", "NaN is not JSON"),
        ("[" * 100_000, "$", "nested too deeply"),
        ('{"wayhook":' + "1" * 5_000 + "}", "$", "too many digits"),
        (" " * 5_000_001, "$", "at most 5,000,000 characters, not 5,000,001"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else None,
)
def test_a_text_that_is_no_document_is_refused(text: str | bytes, path: str, message: str) -> None:
    """No JSON, no object, names twice, too large and too deep: a sentence, with the place if there is one."""
    found = faults(text)

    assert list(found) == [path]
    assert message in found[path]


@pytest.mark.parametrize("given", [None, 7, ["a"], {1: 2}])
def test_what_is_neither_text_nor_document_is_refused(given: Any) -> None:
    """A slip of the argument is told like any other fault of a document."""
    with pytest.raises(wh.DocumentError):
        wh.load(given)
    with pytest.raises(wh.DocumentError):
        wh.loads(given)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"name": "\ud800"}, "$.name"),
        (
            {"activities": [{"action": "A", "label": "a", "parameters": {"x": ["\udfff"]}}]},
            "$.activities[0].parameters",
        ),
    ],
)
def test_half_a_surrogate_pair_in_a_document_is_refused(fields: dict[str, Any], path: str) -> None:
    """JSON can escape what no bytes can hold; what could not be written again is not read."""
    found = faults(document("journey", **fields))

    assert [where for where in found if where.startswith(path)] == list(found)
    assert "surrogate" in next(iter(found.values()))


@pytest.mark.parametrize("levels", [150, 300, 600, 2_000])
def test_a_document_that_is_too_deep_is_refused_with_a_sentence(levels: int) -> None:
    """Depth is a limit of ours, named in one short fault, and not wherever the interpreter gives up."""
    nested = '{"name":"x","data_type":"object","parameters":[' * levels + "]}" * levels

    found = faults('{"wayhook":1,"kind":"action","name":"A","message_parameters":[' + nested + "]}")

    assert len(found) == 1
    assert "nested" in next(iter(found.values()))
    assert len(str(found)) < 1_000


@pytest.mark.parametrize(
    ("head", "paths"),
    [
        ({"wayhook": 2, "kind": "action"}, {"$.wayhook": "a newer wayhook"}),
        ({"wayhook": 0, "kind": "action"}, {"$.wayhook": "the format version is 1"}),
        ({"wayhook": "1", "kind": "action"}, {"$.wayhook": "the format version is 1"}),
        ({"wayhook": True, "kind": "action"}, {"$.wayhook": "the format version is 1"}),
        ({"kind": "action"}, {"$.wayhook": "the format version is 1"}),
        ({"wayhook": 1, "kind": "Action"}, {"$.kind": "action, journey"}),
        ({"wayhook": 1, "kind": ["action"]}, {"$.kind": "action, journey"}),
        ({"wayhook": 1}, {"$.kind": "action, journey"}),
        ({}, {"$.wayhook": "1", "$.kind": "action"}),
    ],
)
def test_a_document_says_what_it_is(head: dict[str, Any], paths: dict[str, str]) -> None:
    """Another version and an unknown kind are refused before anything else is read."""
    found = faults({**head, "name": "A", "unknown": 1})

    assert list(found) == list(paths)
    assert all(part in found[path] for path, part in paths.items())


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        (document(nam="x"), {"$.nam": "did you mean 'name'?"}),
        (document(zzz=1), {"$.zzz": "there is no such key; there are name, description"}),
        ({"wayhook": 1, "kind": "action"}, {"$.name": "missing"}),
        (document(name=7), {"$.name": "a string belongs here, not a number"}),
        (document(name=None), {"$.name": "not null"}),
        (document(allow_null_values="yes"), {"$.allow_null_values": "true or false belongs here, not a string"}),
        (document(allow_null_values=1), {"$.allow_null_values": "not a number"}),
        (document(channel="Fax"), {"$.channel": "one of Email, SMS"}),
        (document(action_type="http"), {"$.action_type": "one of customHttp"}),
        (document(url_configuration=[]), {"$.url_configuration": "an object belongs here, not an array"}),
        (document(url_configuration={}), {"$.url_configuration.url": "missing"}),
        (
            document(url_configuration={"url": 1, "method": [], "hedaers": {}}),
            {
                "$.url_configuration.url": "a string",
                "$.url_configuration.method": "a string",
                "$.url_configuration.hedaers": "did you mean 'headers'?",
            },
        ),
        (
            document(url_configuration={"url": "u", "headers": {"X-A": "1"}}),
            {"$.url_configuration.headers": "an array belongs here, not an object"},
        ),
        (
            document(
                url_configuration={
                    "url": "u",
                    "headers": [
                        {"name": "a", "value": "1"},
                        {"name": "b"},
                        {"name": "c", "value": {"secert": "env:A"}},
                        {"name": "d", "value": {"secret": "the secret itself"}},
                        {"name": "e", "value": {"variable": "V", "optional": "no"}},
                        {"name": "f", "value": 7},
                    ],
                }
            ),
            {
                "$.url_configuration.headers[1].value": "missing",
                "$.url_configuration.headers[2].value": "one key of literal_secret, secret, secret_text, variable",
                "$.url_configuration.headers[3].value": "a reference such as 'env:NAME'",
                "$.url_configuration.headers[4].value.optional": "true or false",
                "$.url_configuration.headers[5].value": "",
            },
        ),
        (
            document(url_configuration={"url": "u", "headers": [{"name": "a", "value": {"variable": "V", "x": 1}}]}),
            {"$.url_configuration.headers[0].value": "'optional' and 'sample'"},
        ),
        (
            document(message_parameters=[{"name": "a", "data_type": "string", "variable": {"sample": {}}}]),
            {"$.message_parameters[0].variable.sample": "no sample"},
        ),
        (document(authentication="basic"), {"$.authentication": "an object belongs here"}),
        (document(authentication={"kind": "digest"}), {"$.authentication.kind": "none, basic, api_key, bearer"}),
        (document(authentication={}), {"$.authentication.kind": "one of"}),
        (
            document(authentication={"kind": "basic", "username": "a:b", "password": "clear text"}),
            {"$.authentication.username": "no colon", "$.authentication.password": "wayhook.secret"},
        ),
        (
            document(authentication={"kind": "custom", "endpoint": "e", "method": "POST", "header": {}}),
            {"$.authentication.header": "did you mean 'headers'?"},
        ),
        (
            document(
                authentication={
                    "kind": "custom",
                    "endpoint": "e",
                    "method": "GET",
                    "headers": {"a": 1, "b": {"secret": 2}, "c": "fine"},
                    "cache_duration": {"duration": "5", "time_unit": "weeks"},
                }
            ),
            {
                "$.authentication.headers.b.secret": "a string belongs here",
                "$.authentication.cache_duration.duration": "a whole number",
            },
        ),
        (
            document(message_parameters=[{"name": "a", "data_type": "float"}, {"data_type": "string"}, "x"]),
            {
                "$.message_parameters[0].data_type": "",
                "$.message_parameters[1].name": "missing",
                "$.message_parameters[2]": "an object belongs here, not a string",
            },
        ),
        (
            document(
                message_parameters=[
                    {"name": "o", "data_type": "object", "parameters": [{"name": "i", "vlaue": 1}]}
                ]
            ),
            {"$.message_parameters[0].parameters[0].vlaue": "did you mean 'value'?"},
        ),
        (
            document(
                authentication={
                    "kind": "custom",
                    "endpoint": 7,
                    "headers": {"A": {"secret_text": ["a", 7, {"base64": [8, {"base64": []}], "spelling": "x"}]}},
                    "body_params": {
                        "a": {"object": {"x": {"secret": "clear text"}, "y": {"array": [{"secret": 8}, {"no": 1}]}}},
                        "b": {"base64": []},
                    },
                    "cache_duration": {"duration": "5", "time_unit": "weeks"},
                }
            ),
            {
                "$.authentication.endpoint": "a string belongs here, not a number",
                "$.authentication.headers.A.secret_text[1]": "a string or an object",
                "$.authentication.headers.A.secret_text[2].base64[0]": "a string or an object",
                "$.authentication.headers.A.secret_text[2].base64[1]": "one key of",
                "$.authentication.body_params.a.object.x": "a secret is given by a reference",
                "$.authentication.body_params.a.object.y.array[0].secret": "a string belongs here",
                "$.authentication.body_params.a.object.y.array[1]": "one key of",
                "$.authentication.body_params.b": "one key of",
                "$.authentication.cache_duration.duration": "a whole number",
            },
        ),
        (
            document(
                authentication={
                    "kind": "mutual_tls",
                    "certificate": "x",
                    "private_key": {"secret": "clear text"},
                    "authentication": {"kind": "oauth", "endpoint": "", "client_id": "c", "secret": 1},
                }
            ),
            {
                "$.authentication.private_key": "a secret is given by a reference",
                "$.authentication.authentication.client_secret": "missing",
                "$.authentication.authentication.secret": "did you mean 'client_secret'?",
            },
        ),
        (
            document("connection", name="", hosts=["https://a"], authentication={"kind": "connection", "name": "c"}),
            {
                "$.name": "a connection has a name",
                "$.authentication": "not another's name",
                "$.hosts": "is no host name",
            },
        ),
        (document("connection", hosts="a.example"), {"$.hosts": "an array belongs here"}),
        (document("journey", timeout="5"), {"$.timeout": "a number belongs here, not a string"}),
        (document("journey", timeout=True), {"$.timeout": "not true or false"}),
        (document("journey", status="Deleted"), {"$.status": "a status is one of"}),
        (document("journey", published="yesterday"), {"$.published": "a date and time such as"}),
        (document("journey", published="2030-01-01T00:00:00"), {"$.published": "with an offset"}),
        (document("journey", closed=7), {"$.closed": "a date and time such as"}),
        (
            document("journey", activities=[{"kind": "event"}, {"kind": "action", "label": "a", "action": "A"}]),
            {"$.activities[0].label": "missing", "$.activities[1].action": "there is no such key"},
        ),
        (
            document("journey", version=3, earlier=[{"name": "Other", "status": "Live"}, {"name": "J", "wayhook": 1}]),
            {"$.earlier[1].wayhook": "there is no such key"},
        ),
        (document("journey", activities={}), {"$.activities": "an array belongs here, not an object"}),
        (
            document(
                "journey",
                activities=[
                    {"action": "A", "label": "a", "path": {"expression": "1 +"}},
                    {"action": "A", "label": "b", "parameters": {"x": {"expression": "'"}, "y": {"value": 1}, "z": 1}},
                    {"action": "A", "label": "c", "headers": [], "query_parameters": {"q": {"expression": 1}}},
                    {"action": "A", "lable": "d"},
                ],
            ),
            {
                "$.activities[0].path": "wrong at line 1, column 4: the expression ends too early",
                "$.activities[1].parameters.x": "wrong at line 1, column 1",
                "$.activities[1].parameters.y": "one key of decimal, expression, literal",
                "$.activities[2].headers": "an object belongs here, not an array",
                "$.activities[2].query_parameters.q.expression": "a string belongs here, not a number",
                "$.activities[3].label": "missing",
                "$.activities[3].lable": "did you mean 'label'?",
            },
        ),
        (
            document("journey", activities=[{"action": "A", "label": "a"}, {"action": "B", "label": "a"}]),
            {"$.activities[1].label": "two activities are labelled 'a'"},
        ),
    ],
)  # fmt: skip
def test_every_fault_of_a_document_is_reported_at_once_with_its_path(given: Any, paths: dict[str, str]) -> None:
    """Unknown keys get a suggestion, missing ones are named, wrong types say what came, and all come together."""
    found = faults(given)

    missing = {path: part for path, part in paths.items() if part.lower() not in found.get(path, "\0").lower()}
    assert missing == {}, found
    assert set(paths) <= set(found)


def test_a_fault_shows_neither_a_secret_nor_the_document() -> None:
    """A secret written where a reference belongs is not repeated by the error, nor by its pickle."""
    given = document(
        authentication={"kind": "api_key", "name": "k", "value": {"secret": "s3c r3t"}},
        url_configuration={"url": "u", "headers": [{"name": "a", "value": {"literal_secret": ["s3c r3t"]}}]},
    )

    with pytest.raises(wh.DocumentError) as caught:
        wh.load(given)

    assert "s3c" not in f"{caught.value}{caught.value!r}"
    assert b"s3c" not in pickle.dumps(caught.value)
    assert caught.value.__cause__ is None


def test_a_document_error_is_a_definition_error() -> None:
    """Who catches wrong definitions catches wrong documents as well."""
    with pytest.raises(wh.DefinitionError):
        wh.loads("{}")


def test_a_document_cannot_widen_the_network_policy() -> None:
    """There is no place for guardrails in a document: which hosts may be called is decided in code."""
    found = faults(document(guardrails={"network": {"loopback": True}}))

    assert list(found) == ["$.guardrails"]


@pytest.mark.parametrize("dialect", ["lenient", "journey_orchestration", "journey_optimizer"])
def test_an_expression_keeps_its_dialect(dialect: str) -> None:
    """A strict expression is read as strict as it was written."""
    written = journey(parameters={"v": wh.expression("@event{E.a} + 'x'", dialect=dialect)})

    found = wh.loads(wh.dumps(written))

    assert found == written
    assert found.activities[0].parameters[0][1].dialect == dialect


EXACT = ["0.1000000000000000000001", "12345678901234567890.25", "1.10", "-1E-30"]


@pytest.mark.rule("R155")
@pytest.mark.parametrize("text", EXACT)
def test_a_decimal_keeps_its_digits_in_a_document(text: str) -> None:
    """A number that no double holds is written by its digits, as a constant and as the literal of an activity."""
    constant = action(message_parameters=[wh.MessageParameter("a", wh.DataType.DECIMAL, Decimal(text))])
    literal = journey(parameters={"a": Decimal(text)})

    for value in (constant, literal):
        assert wh.loads(wh.dumps(value)) == value
    assert wh.preview(constant).body == f'{{"a":{text}}}'.encode()
    assert wh.dump(literal)["activities"][0]["parameters"] == {"a": {"decimal": text}}


@pytest.mark.parametrize("text", ["NaN", "1e9999", "0x1", "", " 1", "1" * 401, 1.5, None])
def test_what_is_no_number_is_no_decimal(text: Any) -> None:
    """The digits of a decimal are those of JSON; anything else is told at its place."""
    document = wh.dump(action(message_parameters=[wh.MessageParameter("a", wh.DataType.DECIMAL, 1)]))
    document["message_parameters"][0]["value"] = {"decimal": text}

    with pytest.raises(wh.DocumentError, match=r"^\$\.message_parameters\[0\]\.value\.decimal: "):
        wh.load(document)


def test_a_plain_action_is_judged_in_one_walk_however_many_parameters_it_has() -> None:
    """An ordinary action needs no path, and so no call for each of its parts."""

    def calls(fields: int) -> int:
        message = wh.message_parameters({f"field{i}": i for i in range(fields)}, variables={"field0": "First"})
        text = wh.dumps(action(message_parameters=message))
        counted = 0

        def count(frame: FrameType, event: str, _: object) -> None:
            nonlocal counted
            counted += event == "call" and frame.f_code.co_filename == storage.__file__

        sys.setprofile(count)
        try:
            wh.loads(text)
        finally:
            sys.setprofile(None)
        return counted

    assert calls(400) == calls(4) > 0
