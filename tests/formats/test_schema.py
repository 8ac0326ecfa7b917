"""The JSON Schema: it takes what `dump` writes and refuses what `load` refuses for its shape."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

import wayhook as wh

SCHEMA = wh.json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
SECRET = wh.secret("env:KEY")
HERE = wh.UrlConfiguration(
    "https://h.example",
    headers={"X-A": wh.variable("A", optional=True), "X-S": SECRET, "X-L": wh.literal_secret("l")},
    query_parameters={"q": "1", "v": wh.variable()},
)


def test_the_schema_is_a_schema() -> None:
    """It is valid in its own dialect, is plain JSON, and resolves every reference within itself."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    text = json.dumps(SCHEMA)
    references = {part.split('"')[0] for part in text.split('"#/$defs/')[1:]}
    assert references <= set(SCHEMA["$defs"])
    assert "1" in SCHEMA["title"]


@pytest.mark.parametrize(
    "value",
    [
        wh.Action(name="Act"),
        wh.Action(
            name="Act",
            description="d",
            url_configuration=HERE,
            message_parameters=wh.message_parameters(
                {"a": None, "b": [1, "x", [2]], "p": [{"q": 1.5}], "o": {"t": True}}, variables={"p": "P", "o.t": "T"}
            ),
            allow_null_values=True,
            response=wh.payload({"id": "a"}),
            failure_response=wh.payload({"code": 1}),
            channel="Push notification",
        ),
        wh.Action(name="A", action_type="campaignClassic", required_marketing_action=None),
        wh.Action(name="A", url_configuration=HERE, authentication=wh.BasicAuthentication("joe", SECRET)),
        wh.Action(name="A", url_configuration=HERE, authentication=wh.BasicAuthentication(SECRET, SECRET)),
        wh.Action(name="A", authentication=wh.ApiKeyAuthentication("k", wh.literal_secret("l"), location="query")),
        wh.Action(
            name="A",
            authentication=wh.CustomAuthorization(
                "https://t.example",
                headers={"a": SECRET},
                body_type="json",
                body_params={"s": SECRET, "o": {"secret": 1}, "l": [None], "n": None, "f": 1.5},
                cache_duration=wh.CacheDuration(1, "years"),
            ),
        ),
        wh.Action(name="A", authentication=wh.ApiKeyAuthentication("k", SECRET, location="path")),
        wh.Action(name="A", authentication=wh.BearerAuthentication(SECRET)),
        wh.Action(
            name="A",
            authentication=wh.CustomAuthorization(
                "https://t.example",
                headers={"a": wh.SecretText("Basic ", wh.Base64("c:", SECRET, spelling="Encode64"))},
                body_type="json",
                body_params={"o": {"p": [SECRET, {"q": wh.SecretText("x", wh.literal_secret("l"))}], "n": None}},
                cache_duration=wh.CacheDuration(expiry_in_response="json://e", time_unit="seconds"),
            ),
        ),
        wh.Action(
            name="A",
            authentication=wh.CertificateCredential(
                endpoint="https://t.example", audience="a", body_type="form", body_params={"client_id": "c"}, key_id="k"
            ),
        ),
        wh.Action(
            name="A",
            authentication=wh.MutualTlsAuthentication(
                "PEM",
                SECRET,
                authentication=wh.OAuthClientCredentials(
                    "https://t.example", "c", SECRET, client_authentication="body", parameters={"audience": SECRET}
                ),
            ),
        ),
        wh.Action(name="A", authentication=wh.JwtBearerGrant("https://t.example", "i", SECRET, scope="a")),
        wh.Action(name="A", authentication=wh.connection("Shop")),
        wh.Connection("Shop", wh.BasicAuthentication("joe", SECRET), hosts=["*.a.example"], description="d"),
        wh.Journey("J"),
        wh.Journey(
            "J",
            [
                wh.ActionActivity(
                    "A",
                    label="a",
                    path=wh.expression("'x'"),
                    headers={"X-A": "1"},
                    query_parameters={"v": wh.expression("1 + 1")},
                    parameters={"o": {"expression": "none"}, "l": [1, None], "n": None},
                    fields={"p.q": "r.s"},
                    alternative_path=True,
                    additional_marketing_action="m",
                ),
                wh.ActionActivity("A", label="b", path="plain"),
            ],
            timeout=2.5,
            status="Live",
        ),
    ],
    ids=repr,
)
def test_what_is_dumped_validates(value: wh.Action | wh.Journey | wh.Connection) -> None:
    """Every document that the library writes keeps its own schema, and can be read again."""
    document = json.loads(wh.dumps(value, literal_secrets_allowed=True))

    VALIDATOR.validate(document)

    assert wh.load(document, literal_secrets_allowed=True) == value


def action(**fields: Any) -> dict[str, Any]:
    """The document of an action with these fields."""
    return {"wayhook": 1, "kind": "action", "name": "A", **fields}


def journey(**fields: Any) -> dict[str, Any]:
    """The document of a journey of one activity with these fields."""
    return {"wayhook": 1, "kind": "journey", "name": "J", "activities": [{"action": "A", "label": "a", **fields}]}


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"wayhook": 2, "kind": "action", "name": "A"},
        {"wayhook": True, "kind": "action", "name": "A"},
        {"wayhook": 1, "kind": "other", "name": "A"},
        {"wayhook": 1, "kind": "action"},
        action(unknown=1),
        action(name=7),
        action(allow_null_values=1),
        action(channel="Fax"),
        action(url_configuration={"method": "POST"}),
        action(url_configuration={"url": "u", "headers": {"a": "1"}}),
        action(url_configuration={"url": "u", "headers": [{"name": "a", "value": 1}]}),
        action(url_configuration={"url": "u", "headers": [{"name": "a", "value": {"secret": "clear text"}}]}),
        action(url_configuration={"url": "u", "headers": [{"name": "a", "value": {"secret": "env:A", "x": 1}}]}),
        action(url_configuration={"url": "u", "headers": [{"name": "a", "value": {"variable": "V", "optional": 1}}]}),
        action(url_configuration={"url": "u", "headers": [{"name": "a", "value": {"optional": True}}]}),
        action(authentication={"kind": "oauth"}),
        action(authentication={"kind": "basic", "username": "u", "password": "clear text"}),
        action(authentication={"kind": "api_key", "name": "k", "value": {"secret": "env:A"}, "location": "body"}),
        action(authentication={"kind": "bearer"}),
        action(authentication={"kind": "bearer", "token": {"secret": "literal:A"}}),
        action(authentication={"kind": "oauth", "endpoint": "u", "client_id": "c", "client_secret": "clear text"}),
        action(authentication={"kind": "jwt_bearer", "endpoint": "u", "issuer": 7, "private_key": {"secret": "env:A"}}),
        action(authentication={"kind": "mutual_tls", "certificate": "c", "private_key": {"secret": ["env:A"]}}),
        action(authentication={"kind": "connection"}),
        action(authentication={"kind": "custom", "endpoint": "u", "headers": {"a": {"secret_text": "x"}}}),
        action(
            authentication={"kind": "custom", "endpoint": "u", "headers": {"a": {"secret_text": [{"base64": [7]}]}}}
        ),
        action(authentication={"kind": "custom", "endpoint": "u", "body_params": {"a": {"object": {"b": {"c": 1}}}}}),
        {"wayhook": 1, "kind": "connection"},
        {"wayhook": 1, "kind": "connection", "name": "C", "hosts": "a.example"},
        {"wayhook": 1, "kind": "connection", "name": "C", "authentication": {"kind": "other"}},
        action(authentication={"username": "u", "password": {"secret": "env:A"}}),
        action(message_parameters=[{"name": "a", "data_type": "float"}]),
        action(message_parameters=[{"name": "a", "data_type": "string", "variable": {"lable": ""}}]),
        journey(path={"literal": "x"}),
        journey(path=7),
        journey(headers=[]),
        journey(fields={"a": 1}),
        journey(parameters={"a": {"value": 1}}),
        journey(parameters={"a": {"expression": 1}}),
        journey(parameters={"a": {"expression": "1", "literal": {}}}),
        journey(parameters={"a": {}}),
        journey(alternative_path="yes"),
    ],
    ids=lambda document: json.dumps(document)[-60:],
)
def test_what_is_refused_for_its_shape_does_not_validate(document: dict[str, Any]) -> None:
    """The schema and the reader agree: an editor shows the fault before the library does."""
    with pytest.raises(wh.DocumentError):
        wh.load(document)

    assert not VALIDATOR.is_valid(document)
