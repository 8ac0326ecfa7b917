"""Authorizations that ask for a token first: what each asks for, and what is refused when it is made or saved."""

from __future__ import annotations

import pickle
from typing import Any

import attrs
import pytest

import wayhook as wh
from wayhook.secret import Base64, SecretText

CANARY = "canary-7f3a"
ENDPOINT = "https://id.example/token"
SECRET = wh.secret("env:SECRET")
LITERAL = wh.literal_secret(CANARY)
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def oauth(**parts: Any) -> wh.OAuthClientCredentials:
    """Client credentials that keep every rule."""
    return wh.OAuthClientCredentials(**{"endpoint": ENDPOINT, "client_id": "app-42", "client_secret": SECRET, **parts})


def grant(**parts: Any) -> wh.JwtBearerGrant:
    """A grant by signed assertion that keeps every rule."""
    return wh.JwtBearerGrant(**{"endpoint": ENDPOINT, "issuer": "robot@h.example", "private_key": SECRET, **parts})


def certificate(**parts: Any) -> wh.CertificateCredential:
    """A certificate credential that keeps every rule."""
    defaults = {"endpoint": ENDPOINT, "audience": ENDPOINT, "body_type": "form", "body_params": {"client_id": "app-42"}}
    return wh.CertificateCredential(**{**defaults, **parts})


def mutual(**parts: Any) -> wh.MutualTlsAuthentication:
    """A client certificate around nothing else."""
    return wh.MutualTlsAuthentication(**{"certificate": PEM, "private_key": SECRET, **parts})


def in_query(name: str) -> wh.ApiKeyAuthentication:
    """A key in the query."""
    return wh.ApiKeyAuthentication(name, SECRET, location="query")


def found(authentication: wh.Authentication, url: str = "https://h.example", **parts: Any) -> list[tuple[str, str]]:
    """What stands against saving an action with this authentication: paths and rules."""
    action = wh.Action(name="A", url_configuration=wh.UrlConfiguration(url, **parts), authentication=authentication)
    return [(violation.path, violation.rule) for violation in wh.violations(action)]


def test_client_credentials_go_into_a_header_unless_told_otherwise() -> None:
    """The form holds the grant, the scope and what else is asked for; the client stands in a Basic header."""
    call = oauth(scope="a b", parameters={"audience": "api", "empty": ""}).token_call()

    assert (call.endpoint, call.method, call.body_type) == (ENDPOINT, "POST", "form")
    assert call.headers == (("Authorization", SecretText("Basic ", Base64("app-42", ":", SECRET))),)
    assert call.body_params == (
        ("grant_type", "client_credentials"),
        ("scope", "a b"),
        ("audience", "api"),
        ("empty", ""),
    )
    assert call.token_in_response == "json://access_token"
    assert call.cache_duration.expiry_in_response == "json://expires_in"


def test_client_credentials_go_into_the_body_where_the_provider_wants_them() -> None:
    """Client id and secret are fields of the form then, and no header holds them."""
    call = oauth(client_authentication="body").token_call()

    assert call.headers == ()
    assert dict(call.body_params) == {
        "grant_type": "client_credentials",
        "client_id": "app-42",
        "client_secret": SECRET,
    }


@pytest.mark.parametrize(
    ("parts", "audience", "subject", "claims"),
    [
        ({}, ENDPOINT, "robot@h.example", ()),
        (
            {"audience": "api", "subject": "lea@h.example", "scope": "a b", "key_id": "k1"},
            "api",
            "lea@h.example",
            (("scope", "a b"),),
        ),
    ],
)
def test_a_grant_says_who_signs_what_for_whom(
    parts: dict[str, str], audience: str, subject: str, claims: tuple[Any, ...]
) -> None:
    """Audience and subject are the endpoint and the issuer unless given; the form holds the grant (RFC 7523)."""
    call = grant(**parts).token_call()

    assert call.body_params == (("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),)
    signed = call.assertion
    assert (signed.parameter, signed.issuer, signed.private_key) == ("assertion", "robot@h.example", SECRET)
    assert (signed.audience, signed.subject, signed.claims) == (audience, subject, claims)
    assert signed.key_id == parts.get("key_id", "")
    assert call.secrets == (SECRET,)


def test_a_certificate_goes_around_another_authentication() -> None:
    """What stands beside adds its credentials and its token call; the certificate is shown to both receivers."""
    around = mutual(authentication=oauth())

    assert around.credentials() == oauth().credentials()
    assert around.client_certificate() == around.token_call().identity
    assert around.token_call().secrets == (SECRET, SECRET)
    assert mutual().token_call() is None
    assert mutual().credentials() == ()


@pytest.mark.parametrize(
    ("make", "paths"),
    [
        (
            lambda: oauth(endpoint="", client_id=7, client_secret=CANARY, scope=["a"], client_authentication="query"),
            ["endpoint", "client_id", "scope", "client_secret", "client_authentication"],
        ),
        (lambda: oauth(client_id="a:b"), ["client_id"]),
        (lambda: oauth(client_id="\ud800"), ["client_id"]),
        (lambda: oauth(parameters={"scope": "a", "audience": 7, 3: "x"}), ["parameters"]),
        (lambda: oauth(parameters={"scope": "a", "audience": 7}), ["parameters.scope", "parameters.audience"]),
        (lambda: oauth(parameters={"x": {"y": CANARY}}), ["parameters.x"]),
        (lambda: oauth(parameters=7, cache_duration=3600), ["parameters", "cache_duration"]),
        (
            lambda: grant(endpoint=None, issuer="", private_key=CANARY, key_id=7, cache_duration="1 h"),
            ["endpoint", "issuer", "key_id", "private_key", "cache_duration"],
        ),
        (lambda: grant(private_key=wh.literal_secret("")), ["private_key"]),
        (
            lambda: mutual(certificate=b"x", private_key=CANARY, authentication="oauth"),
            ["certificate", "private_key", "authentication"],
        ),
        (lambda: mutual(certificate=f"{PEM}-----BEGIN PRIVATE KEY-----{CANARY}"), ["certificate"]),
        (lambda: mutual(certificate=""), ["certificate"]),
        (lambda: mutual(authentication=mutual()), ["authentication"]),
        (lambda: mutual(authentication=wh.connection("c")), ["authentication"]),
        (
            lambda: certificate(audience="", private_key=CANARY, certificate=7, key_id=7),
            ["audience", "private_key", "key_id", "certificate"],
        ),
        (lambda: certificate(certificate=f"-----BEGIN RSA PRIVATE KEY-----{CANARY}"), ["certificate"]),
        (lambda: wh.ConnectionReference(""), ["name"]),
        (lambda: wh.connection(7), ["name"]),
    ],
)
def test_all_faults_are_named_at_once(make: Any, paths: list[str]) -> None:
    """What is missing, of a wrong type or cannot be combined is named by its path, without its value."""
    with pytest.raises(wh.DefinitionError) as caught:
        make()

    assert [violation.path for violation in caught.value.violations] == [f"$.{path}" for path in paths]
    assert CANARY not in str(caught.value)


def test_a_colon_in_a_client_id_is_no_fault_in_the_body() -> None:
    """Only a Basic header cannot tell where such an identifier ends."""
    made = oauth(client_id="a:b", client_authentication="body")

    assert dict(made.token_call().body_params)["client_id"] == "a:b"


@pytest.mark.rule("R81")
@pytest.mark.parametrize(
    ("authentication", "url", "parts"),
    [
        (oauth(), "https://h.example", {"headers": {"AUTHORIZATION": "x"}}),
        (
            wh.ApiKeyAuthentication("key", SECRET, location="query"),
            "https://h.example",
            {"query_parameters": {"key": "1"}},
        ),
        (wh.ApiKeyAuthentication("a key", SECRET, location="query"), "https://h.example/?b=1&a%20key=1", {}),
    ],
)
def test_what_is_added_stands_there_once(authentication: wh.Authentication, url: str, parts: dict[str, Any]) -> None:
    """A header or parameter that is configured already, also in the static URL, is refused on save."""
    assert found(authentication, url, **parts) == [("$.authentication", "R81")]
    assert found(authentication) == []


@pytest.mark.rule("R81")
def test_a_header_of_the_token_call_stands_there_once() -> None:
    """Names that differ in their letter case only are one header."""
    twice = wh.CustomAuthorization(ENDPOINT, body_type="form", headers={"X-A": "1", "x-a": "2"})

    assert found(twice) == [("$.authentication.headers.x-a", "R81")]


@pytest.mark.parametrize(
    ("authentication", "url", "paths"),
    [
        (mutual(), "https://h.example", []),
        (mutual(), "http://h.example", ["$.authentication"]),
        (mutual(authentication=oauth()), "https://h.example", []),
        (
            mutual(authentication=oauth(endpoint="http://id.example/token")),
            "https://h.example",
            ["$.authentication.authentication.endpoint"],
        ),
    ],
)
def test_a_client_certificate_needs_tls(authentication: wh.Authentication, url: str, paths: list[str]) -> None:
    """Nobody asks for a certificate over plain http, so an action that promises one is refused on save."""
    assert [path for path, _ in found(authentication, url)] == paths


@pytest.mark.rule("R120")
@pytest.mark.parametrize("make", [oauth, grant, lambda: mutual(authentication=oauth())])
def test_the_switch_for_an_expiry_in_the_answer_holds_for_every_kind(make: Any) -> None:
    """Guardrails of one's own without it refuse every authorization that would read one."""
    strict = attrs.evolve(wh.Guardrails.standard(), expiry_in_response=False)
    action = wh.Action(name="A", url_configuration=wh.UrlConfiguration("https://h.example"), authentication=make())

    assert wh.violations(action) == ()
    assert [violation.rule for violation in wh.violations(action, guardrails=strict)] == ["R120"]


@pytest.mark.rule("R134")
@pytest.mark.parametrize(
    "authentication",
    [
        oauth(client_secret=LITERAL),
        oauth(client_secret=LITERAL, client_authentication="body", parameters={"pin": LITERAL}),
        grant(private_key=LITERAL),
        certificate(private_key=LITERAL),
        mutual(private_key=LITERAL, certificate=LITERAL),
        mutual(private_key=LITERAL, authentication=oauth(client_secret=LITERAL)),
        wh.BearerAuthentication(LITERAL),
        wh.ApiKeyAuthentication("hook", LITERAL, location="path"),
    ],
    ids=lambda authentication: authentication.kind,
)
def test_no_authorization_shows_a_secret(authentication: wh.Authentication) -> None:
    """Neither the authorization, nor its token call, nor an action, a call or a connection with it shows a text."""
    action = wh.Action(
        name="A", url_configuration=wh.UrlConfiguration("https://h.example"), authentication=authentication
    )
    call = wh.preview(action)

    values = (authentication, action, call, wh.Connection("c", authentication), authentication.token_call())
    shown = "".join(f"{value!r} {value} {getattr(value, '_repr_html_', str)()}" for value in values)

    assert CANARY not in shown + wh.to_curl(call) + repr(call.credentials) + repr(call.identity)
    assert CANARY.encode() not in pickle.dumps(call)
    with pytest.raises(TypeError, match="does not pickle"):
        pickle.dumps(action)
