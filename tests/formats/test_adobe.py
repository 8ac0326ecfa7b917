"""The product's own JSON of a custom authorization: read as it stands, and written back."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest

import wayhook as wh

EPSILON: dict[str, Any] = {
    "type": "customAuthorization",
    "authorizationType": "Bearer",
    "endpoint": "https://login.mailer.example/oauth2/access_token",
    "method": "POST",
    "headers": {"Authorization": "Basic EncodeBase64(cid-12:sec-34)", "Accept": "application/json"},
    "body": {
        "bodyType": "form",
        "bodyParams": {"scope": "cn mail", "grant_type": "password", "username": "robot", "password": "pw-56"},
    },
    "tokenInResponse": "json://access_token",
    "cacheDuration": {"duration": 5, "timeUnit": "minutes"},
}
CERTIFICATE = {
    "type": "customAuthorization",
    "subType": "certificateCredential",
    "aud": "https://id.example/token",
    "authorizationType": "Bearer",
    "endpoint": "https://id.example/token",
    "method": "POST",
    "body": {
        "bodyType": "form",
        "bodyParams": {"client_id": "app-42", "grant_type": "client_credentials", "scope": "a b"},
    },
    "tokenInResponse": "json://access_token",
}


def without(document: dict[str, Any], *names: str, **parts: Any) -> dict[str, Any]:
    """The document without some keys, and with others."""
    return {**{name: value for name, value in document.items() if name not in names}, **parts}


GOOD = [
    EPSILON,
    CERTIFICATE,
    without(EPSILON, headers={"Authorization": "Basic Encode64(a:b)"}),
    without(EPSILON, authorizationType="header", tokenTarget="x-auth-token"),
    without(EPSILON, "body", "headers", method="GET", tokenInResponse="response"),
    without(EPSILON, body={"bodyType": "json", "bodyParams": {"a": {"b": ["s-1", 1, None, {"c": True}]}}}),
    without(EPSILON, cacheDuration={"expiryInResponse": "json://expires/in", "timeUnit": "seconds"}),
    without(EPSILON, "cacheDuration"),
]


@pytest.mark.rule("R97", "R98", "R118", "R120", "R124", "R125", "R127")
@pytest.mark.parametrize("document", GOOD)
def test_what_was_read_is_written_back(document: dict[str, Any]) -> None:
    """Every documented form comes back equal, letter case and the spelling of the function included."""
    found = wh.load_authorization(document)

    assert wh.dump_authorization(found, literal_secrets_allowed=True) == document
    assert wh.load_authorization(json.dumps(document)) == found
    assert wh.load_authorization({"authentication": document}) == found


@pytest.mark.rule("R124", "R134")
@pytest.mark.parametrize(
    ("value", "sent", "masked"),
    [
        ("Basic EncodeBase64(cid:sec)", "Basic <cid:sec>", "Basic cid:‹***›"),
        ("Basic Encode64(cid:sec)", "Basic <cid:sec>", "Basic cid:‹***›"),
        ("EncodeBase64(sec)", "<sec>", "‹***›"),
        ("Basic EncodeBase64(key:)", "Basic <key:>", "Basic ‹***›"),
        ("Basic EncodeBase64(:sec)", "Basic <:sec>", "Basic ‹***›"),
        ("Basic EncodeBase64(cid:s(e)c:é)", "Basic <cid:s(e)c:é>", "Basic cid:‹***›"),
        ("Basic EncodeBase64()", "Basic <>", "Basic ‹***›"),
        ("keyEncodeBase64(a:b)tail", "key<a:b>tail", "‹***›a:‹***›‹***›"),
        ("EncodeBase64(a:b) EncodeBase64(c:d)", "<a:b> <c:d>", "a:‹***›‹***›c:‹***›"),
    ],
)
def test_the_function_is_evaluated_and_what_may_be_secret_is_masked(value: str, sent: str, masked: str) -> None:
    """The inner text is encoded as a whole, pairs of parentheses in it too; a lone half is all secret."""
    found = wh.load_authorization(without(EPSILON, headers={"X": value}))

    text = dict(found.headers)["X"]
    revealed = text.reveal({secret: secret.reveal() for secret in text.secrets})
    assert revealed == re.sub("<(.*?)>", lambda inner: base64.b64encode(inner[1].encode()).decode(), sent)
    assert text.masked == masked
    assert wh.dump_authorization(found, literal_secrets_allowed=True)["headers"] == {"X": value}


@pytest.mark.rule("R124")
@pytest.mark.parametrize("value", ["Basic Base64(a:b)", "Basic encodebase64(a:b)", "Sha256(a:b)", "a(b"])
def test_another_function_is_text(value: str) -> None:
    """Only the one function is evaluated; everything else is sent as it stands, and masked."""
    found = wh.load_authorization(without(EPSILON, headers={"X": value}))

    assert found.headers == (("X", wh.literal_secret(value)),)


@pytest.mark.rule("R124")
def test_a_text_that_would_end_the_function_is_not_written() -> None:
    """Half a pair of parentheses would be read back as another text, so that it is refused."""
    half = wh.SecretText("Basic ", wh.Base64("a:b)"))
    custom = wh.CustomAuthorization("https://id.example/token", method="GET", headers={"X": half})

    with pytest.raises(wh.DefinitionError, match="parentheses"):
        wh.dump_authorization(custom)


@pytest.mark.rule("R134", "R311")
def test_no_secret_is_shown_or_written() -> None:
    """What may be a secret is masked in every text form, and written as the placeholder."""
    found = wh.load_authorization(EPSILON)
    action = wh.Action(name="A", url_configuration=wh.UrlConfiguration("https://h.example"), authentication=found)

    shown = f"{found!r} {action!r} {wh.preview(action)} {found.body_params} {found.headers} {action._repr_html_()}"
    written = json.dumps(wh.dump_authorization(found))

    for canary in ("sec-34", "pw-56", "robot"):
        assert canary not in shown + written
    assert "INSERT_SECRET_HERE" in written
    assert dict(found.body_params)["grant_type"] == "password"


def test_secrets_take_the_place_of_values() -> None:
    """A value, a placeholder or a nested one is replaced by a reference, by the name of its header or parameter."""
    document = without(
        EPSILON,
        headers={"X-Key": "INSERT_SECRET_HERE"},
        body={"bodyType": "json", "bodyParams": {"user": {"pass": "INSERT_SECRET_HERE"}}},
    )
    key, password = wh.secret("env:KEY"), wh.secret("env:PASS")

    found = wh.load_authorization(document, secrets={"X-Key": key, "user.pass": password})

    assert (found.headers, found.body_params) == ((("X-Key", key),), (("user", {"pass": password}),))


@pytest.mark.rule("R97", "R98", "R99", "R101", "R102", "R103", "R105", "R108", "R109", "R118", "R119", "R120", "R127")
@pytest.mark.parametrize(
    ("document", "paths"),
    [
        ([], {"$"}),
        ("{", {"$"}),
        (without(EPSILON, type="oauth2"), {"$.type"}),
        (without(EPSILON, "type"), {"$.type"}),
        (without(EPSILON, "authorizationType"), {"$.authorizationType"}),
        (without(EPSILON, authorizationType="cookie"), {"$.authorizationType"}),
        (without(EPSILON, authorizationType="header"), {"$.tokenTarget"}),
        (without(EPSILON, "endpoint"), {"$.endpoint"}),
        (without(EPSILON, method="PUT"), {"$.method"}),
        (without(EPSILON, "body"), {"$.body.bodyType"}),
        (without(EPSILON, body={"bodyType": "xml", "bodyParams": {}}), {"$.body.bodyType"}),
        (without(EPSILON, body={"bodyType": "form"}), {"$.body.bodyParams"}),
        (without(EPSILON, body={"bodyType": "form", "bodyParams": {"a": {"b": "sec-34"}}}), {"$.body.bodyParams.a"}),
        (
            without(EPSILON, "endpoint", "tokenInResponse", e=1, token=2),
            {"$.e", "$.token", "$.endpoint", "$.tokenInResponse"},
        ),
        (without(EPSILON, headers={"X": "Basic EncodeBase64(a:sec-34"}), {"$.headers.X"}),
        (without(EPSILON, headers=[]), {"$.headers"}),
        (without(EPSILON, headers={"A": 1}), {"$.headers.A"}),
        (without(EPSILON, tokenInResponse="access_token"), {"$.tokenInResponse"}),
        (without(EPSILON, cacheDuration={"duration": 5, "timeUnit": "weeks"}), {"$.cacheDuration.timeUnit"}),
        (without(EPSILON, cacheDuration={"duration": "5", "timeUnit": "days"}), {"$.cacheDuration.duration"}),
        (without(EPSILON, cacheDuration={"duration": 5}), {"$.cacheDuration.timeUnit"}),
        (without(EPSILON, cacheDuration={"timeUnit": "days"}), {"$.cacheDuration.duration"}),
        (
            without(EPSILON, cacheDuration={"duration": 5, "expiryInResponse": "json://e", "timeUnit": "minutes"}),
            {"$.cacheDuration.expiryInResponse"},
        ),
        (without(CERTIFICATE, "aud"), {"$.aud"}),
        (without(CERTIFICATE, subType="other"), {"$.subType"}),
        (without(CERTIFICATE, method="GET"), {"$.method", "$.body.bodyType"}),
        (without(EPSILON, tokenInRespons="x", authorizationType=3), {"$.tokenInRespons", "$.authorizationType"}),
        (without(EPSILON, headers={"Authorization": "INSERT_SECRET_HERE"}), {"$.headers.Authorization"}),
    ],
)
def test_every_fault_of_the_json_is_reported_at_once(document: Any, paths: set[str]) -> None:
    """Unknown keys, missing ones, wrong types and broken rules come together, by the names of the document."""
    with pytest.raises(wh.DocumentError) as caught:
        wh.load_authorization(document)

    assert {violation.path for violation in caught.value.violations} == paths
    assert "sec-34" not in str(caught.value)


def test_a_secret_that_has_no_place_is_a_fault() -> None:
    """A name that the document does not have is a misspelling, and is said."""
    with pytest.raises(wh.DocumentError, match="'pasword'"):
        wh.load_authorization(EPSILON, secrets={"pasword": wh.secret("env:P")})


@pytest.mark.parametrize("value", [wh.NoAuthentication(), wh.BasicAuthentication("joe", wh.secret("env:P"))])
def test_only_a_custom_authorization_has_this_form(value: Any) -> None:
    """The product publishes no JSON of the other kinds."""
    with pytest.raises(wh.DefinitionError, match="CustomAuthorization"):
        wh.dump_authorization(value)
