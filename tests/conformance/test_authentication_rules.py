"""The rules of authentication, number by number (R90 to R134)."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import wayhook as wh
from wayhook.testing import FakeClock, FakeSecrets, FakeTransport

OPTIMIZER, ORCHESTRATION = wh.Guardrails.journey_optimizer(), wh.Guardrails.journey_orchestration()
ENDPOINT = "https://id.example/token"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
CERTIFICATE = trustme.CA().issue_cert("client.example").cert_chain_pems[0].bytes().decode()
LOCKED = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"phrase")
).decode()
PUBLIC = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
SECRETS = FakeSecrets(
    {"env:KEY": PEM, "env:SECRET": "s3c", "env:BAD": "no key", "env:LOCKED": LOCKED, "env:PUBLIC": PUBLIC.decode()}
)
PARAMS = {"client_id": "app-42", "grant_type": "client_credentials", "scope": "a b"}


def action(authentication: wh.Authentication, name: str = "Call") -> wh.Action:
    """An action with this authentication."""
    url = wh.UrlConfiguration("https://api.example.com/v1")
    return wh.Action(name=name, url_configuration=url, authentication=authentication)


def certificate(**parts: Any) -> wh.CertificateCredential:
    """A certificate credential that keeps every rule."""
    defaults: dict[str, Any] = {
        "endpoint": ENDPOINT,
        "audience": ENDPOINT,
        "body_type": "form",
        "body_params": PARAMS,
        "private_key": wh.secret("env:KEY"),
        "certificate": CERTIFICATE,
    }
    return wh.CertificateCredential(**{**defaults, **parts})


def answering(token: dict[str, Any] | bytes = b'{"access_token":"t-1"}', status: int = 200) -> FakeTransport:
    """A transport whose token endpoint answers so, and whose receiver answers 200."""
    body = token if isinstance(token, bytes) else json.dumps(token).encode()
    return FakeTransport(
        lambda request: wh.Response(status, body=body) if request.url.startswith(ENDPOINT) else wh.Response(200)
    )


def rules(authentication: wh.Authentication, guardrails: wh.Guardrails | None = None) -> set[str]:
    """The rules that an action with this authentication breaks."""
    return {violation.rule for violation in wh.violations(action(authentication), guardrails=guardrails)}


def refused(make: Any) -> set[str]:
    """The rules that a construction is refused with."""
    with pytest.raises(wh.DefinitionError) as caught:
        make()
    return {violation.rule for violation in caught.value.violations}


async def asked(transport: FakeTransport, authentication: wh.Authentication, calls: int = 1) -> list[wh.Request]:
    """The token requests of some calls."""
    async with wh.Executor(transport=transport, secrets=SECRETS, clock=FakeClock()) as executor:
        for _ in range(calls):
            (await executor.call(action(authentication))).raise_for_error()
    return [request for request in transport.requests if request.url.startswith(ENDPOINT)]


@pytest.mark.rule("R90")
def test_each_edition_has_its_kinds() -> None:
    """The products have none, basic, API key and custom; the optimizer a certificate; the standard all of them."""
    oauth = wh.OAuthClientCredentials(ENDPOINT, "c", wh.secret("env:SECRET"), cache_duration=wh.CacheDuration(1))

    assert [rules(wh.NoAuthentication(), rails) for rails in (OPTIMIZER, ORCHESTRATION)] == [set(), set()]
    assert [rules(certificate(), rails) for rails in (None, OPTIMIZER, ORCHESTRATION)] == [set(), set(), {"R90"}]
    assert [rules(oauth, rails) for rails in (None, OPTIMIZER, ORCHESTRATION)] == [set(), {"R90"}, {"R90"}]


@pytest.mark.rule("R120")
def test_an_expiry_in_the_answer_excludes_a_duration() -> None:
    """It stands alone, in the optimizer and the standard edition."""
    cache = wh.CacheDuration(expiry_in_response="json://expires_in", time_unit="seconds")
    custom = wh.CustomAuthorization(ENDPOINT, body_type="form", cache_duration=cache)

    assert [rules(custom, rails) for rails in (None, OPTIMIZER, ORCHESTRATION)] == [set(), set(), {"R120"}]
    assert refused(lambda: wh.CacheDuration(5, "days", expiry_in_response="json://e")) == {"R120"}
    assert refused(lambda: wh.CacheDuration(expiry_in_response="e")) == {"R120"}


@pytest.mark.rule("R121")
@pytest.mark.parametrize(
    ("answer", "moments", "requests"),
    [
        ({"access_token": "t", "n": 5}, (0, 200, 105), 2),
        ({"access_token": "t", "n": "5"}, (0, 200), 1),
        ({"access_token": "t", "n": 5}, (0, 301), 2),
        ({"access_token": "t"}, (0, 1), 2),
        ({"access_token": "t", "n": True}, (0, 1), 2),
        ({"access_token": "t", "n": -1}, (0, 1), 2),
    ],
)
async def test_the_answer_tells_how_long_a_token_is_kept(
    answer: dict[str, Any], moments: tuple[float, ...], requests: int
) -> None:
    """Five, counted in minutes, keeps a token for nearly 300 seconds; an answer without a number keeps none."""
    clock, transport = FakeClock(), answering(answer)
    cache = wh.CacheDuration(expiry_in_response="json://n", time_unit="minutes")
    custom = wh.CustomAuthorization(ENDPOINT, body_type="form", cache_duration=cache)

    async with wh.Executor(transport=transport, clock=clock) as executor:
        for seconds in moments:
            clock.pass_time(seconds)
            await executor.call(action(custom))

    assert sum(request.url == ENDPOINT for request in transport.requests) == requests


@pytest.mark.rule("R126", "R134")
@pytest.mark.parametrize(
    ("token", "status", "succeeded", "word"),
    [
        ({"access_token": "canary-1", "expires_in": 60}, 200, True, "http_200"),
        ({"error": "canary-1"}, 401, False, "http_401"),
        ({"other": "canary-1"}, 200, False, "internalError"),
        ({"access_token": 4711, "canary": [4711.5]}, 200, False, "internalError"),
        (b"<html>canary-1", 200, False, "internalError"),
    ],
)
async def test_an_authentication_is_checked_by_its_token_call_alone(
    token: dict[str, Any] | bytes, status: int, *, succeeded: bool, word: str
) -> None:
    """The check says whether a token came, and what came back with every text masked; the action is not called."""
    transport = answering(token, status)
    oauth = wh.OAuthClientCredentials(ENDPOINT, "client", wh.secret("env:SECRET"))

    async with wh.Executor(transport=transport, secrets=SECRETS, clock=FakeClock()) as executor:
        outcome = await executor.check_authentication(action(oauth))

    assert (outcome.succeeded, outcome.status) == (succeeded, word)
    assert [request.url for request in transport.requests] == [ENDPOINT]
    assert (outcome.response or {}).get("lifetime") == (60 if succeeded else None)
    shown = f"{outcome!r} {outcome} {outcome.call} {outcome.received} {outcome.received.text} {outcome._repr_html_()}"
    assert "canary-" not in shown
    assert "4711" not in shown
    assert "s3c" not in shown


@pytest.mark.rule("R134")
async def test_a_check_shows_no_text_that_may_be_a_secret() -> None:
    """What is no secret by its name stays in the request that a check shows; everything else is masked."""
    basic = wh.SecretText("Basic ", wh.Base64("c:", wh.secret("env:SECRET")))
    custom = wh.CustomAuthorization(
        f"{ENDPOINT}?scope=a&key=canary-1",
        body_type="json",
        headers={
            "Accept": "text/plain",
            "Authorization": basic,
        },
        body_params={"client_id": "c", "password": "canary-2", "deep": {"pin": [4711, True, None]}, "empty": ""},
    )

    async with wh.Executor(transport=answering(), secrets=SECRETS, clock=FakeClock()) as executor:
        outcome = await executor.check_authentication(action(custom))

    assert str(outcome.call).splitlines() == [
        f"POST {ENDPOINT}?scope=a&key=***",
        "Accept: text/plain",
        "Authorization: Basic ***",
        "Content-Type: application/json; charset=UTF-8",
        "",
        '{"client_id":"c","password":"***","deep":{"pin":["***",true,null]},"empty":""}',
    ]
    assert "canary" not in f"{custom!r} {custom.token_call()!r} {outcome!r} {outcome._repr_html_()}"


@pytest.mark.rule("R126", "R134")
async def test_an_error_of_somebody_elses_is_the_outcome_of_a_check() -> None:
    """A secret source that fails in its own way ends the check as it ends a call: without its message."""

    class Failing(FakeSecrets):
        async def reveal(self, reference: wh.SecretReference) -> str:
            raise ValueError("canary-1")

    oauth = wh.OAuthClientCredentials(ENDPOINT, "c", wh.secret("env:SECRET"))

    async with wh.Executor(transport=answering(), secrets=Failing({})) as executor:
        outcome = await executor.check_authentication(action(oauth))

    assert (outcome.succeeded, outcome.status) == (False, "internalError")
    assert "unexpected ValueError" in str(outcome)
    assert "canary" not in f"{outcome!r} {outcome.cause!r}"


@pytest.mark.rule("R126")
async def test_only_a_token_call_can_be_checked() -> None:
    """An authentication that makes no call of its own says so."""
    async with wh.Executor(transport=FakeTransport()) as executor:
        with pytest.raises(wh.DefinitionError, match="no call of its own"):
            await executor.check_authentication(action(wh.NoAuthentication()))


@pytest.mark.rule("R127", "R129", "R130", "R131", "R132")
@pytest.mark.parametrize(
    ("parts", "rule"),
    [
        ({"audience": ""}, "R127"),
        ({"method": "GET", "body_type": None}, "R129"),
        ({"body_params": {**PARAMS, "client_id": ""}}, "R130"),
        ({"body_params": {**PARAMS, "client_id": " abc"}}, "R130"),
        ({"body_params": {**PARAMS, "client_id": "abc "}}, "R130"),
        ({"body_params": {"scope": "a"}}, "R130"),
        ({"body_type": "json", "body_params": {**PARAMS, "scope": ["a", "b"]}}, "R131"),
        ({"body_params": {**PARAMS, "scope": "a" * 1001}}, "R131"),
        ({"body_params": {**PARAMS, "client_assertion": "x"}}, "R132"),
        ({"body_params": {**PARAMS, "client_assertion_type": "x"}}, "R132"),
    ],
)
def test_a_certificate_credential_is_refused(parts: dict[str, Any], rule: str) -> None:
    """What the product does not take is refused by its rule, and the neighbour is taken."""
    assert refused(lambda: certificate(**parts)) == {rule}
    assert certificate(body_params={**PARAMS, "scope": "a" * 1000}).audience == ENDPOINT


@pytest.mark.rule("R128")
def test_a_certificate_credential_asks_over_https() -> None:
    """A plain http endpoint is refused."""
    assert rules(certificate()) == set()
    assert rules(certificate(endpoint="http://id.example/token")) == {"R128"}


@pytest.mark.rule("R132", "R133")
async def test_an_assertion_is_signed_for_each_token_call() -> None:
    """The sent form has the assertion; it is ours to verify, lives ten minutes, and is never the same."""
    cache = wh.CacheDuration(0)

    requests = await asked(answering(), certificate(cache_duration=cache), calls=2)

    forms = [parse_qs(request.body.decode()) for request in requests]
    assert [set(form) for form in forms] == [
        {"client_id", "grant_type", "scope", "client_assertion", "client_assertion_type"}
    ] * 2
    assert forms[0]["client_assertion_type"] == ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]
    tokens = [form["client_assertion"][0] for form in forms]
    options = {"verify_exp": False, "verify_iat": False}
    claims = [
        jwt.decode(token, KEY.public_key(), algorithms=["RS256"], audience=ENDPOINT, options=options)
        for token in tokens
    ]
    der = base64.b64decode("".join(CERTIFICATE.splitlines()[1:-1]))
    thumbprint = base64.urlsafe_b64encode(hashlib.sha1(der).digest()).rstrip(b"=").decode()
    assert {(claim["iss"], claim["sub"], claim["exp"] - claim["iat"]) for claim in claims} == {
        ("app-42", "app-42", 600)
    }
    assert len({claim["jti"] for claim in claims}) == 2
    assert jwt.get_unverified_header(tokens[0]) == {"alg": "RS256", "typ": "JWT", "x5t": thumbprint}


@pytest.mark.rule("R133")
async def test_an_assertion_that_is_sent_again_is_another_one() -> None:
    """A repeat of the token call has an identifier of its own: an endpoint may refuse one that it has seen."""
    transport = FakeTransport([wh.Response(503), wh.Response(503), wh.Response(200, body=b'{"access_token":"t-1"}')])

    async with wh.Executor(transport=transport, secrets=SECRETS, clock=FakeClock()) as executor:
        outcome = await executor.check_authentication(action(certificate()))

    assertions = [parse_qs(request.body.decode())["client_assertion"][0] for request in transport.requests]
    claims = [jwt.decode(assertion, options={"verify_signature": False}) for assertion in assertions]
    assert (outcome.succeeded, len(outcome.attempts)) == (True, 3)
    assert len({claim["jti"] for claim in claims}) == 3


async def test_an_extra_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PyJWT a call and a check end with the command that installs it, and nothing is sent."""
    monkeypatch.setitem(sys.modules, "jwt", None)
    transport = answering()

    async with wh.Executor(transport=transport, secrets=SECRETS, clock=FakeClock()) as executor:
        outcomes = [
            await executor.call(action(certificate())),
            await executor.check_authentication(action(certificate())),
        ]

    assert [type(outcome.cause) for outcome in outcomes] == [wh.MissingExtra] * 2
    assert all("pip install 'wayhook[jwt]'" in str(outcome) for outcome in outcomes)
    assert transport.requests == []


@pytest.mark.rule("R132")
@pytest.mark.parametrize(
    "parts",
    [
        {"private_key": wh.secret("env:BAD")},
        {"private_key": wh.secret("env:PUBLIC")},
        {"private_key": wh.secret("env:LOCKED")},
        {"private_key": None},
        {"certificate": "no certificate"},
    ],
)
async def test_an_assertion_that_cannot_be_signed_is_an_outcome(parts: dict[str, Any]) -> None:
    """A key or certificate that is missing or no PEM fails the call with a sentence, and nothing is sent."""
    transport = answering()

    async with wh.Executor(transport=transport, secrets=SECRETS, clock=FakeClock()) as executor:
        outcome = await executor.call(action(certificate(**parts)))

    assert outcome.status == "internalError"
    assert isinstance(outcome.cause, wh.AuthenticationFailed | wh.SecretMissing)
    assert transport.requests == []
