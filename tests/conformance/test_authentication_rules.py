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


def custom(**parts: Any) -> wh.CustomAuthorization:
    """A custom authorization that keeps every rule."""
    return wh.CustomAuthorization(**{"endpoint": ENDPOINT, "body_type": "form", **parts})


def product(*without: str, **parts: Any) -> dict[str, Any]:
    """The product's JSON of a custom authorization that keeps every rule, without some keys and with others."""
    whole = {
        "type": "customAuthorization",
        "authorizationType": "bearer",
        "endpoint": ENDPOINT,
        "method": "POST",
        "body": {"bodyType": "form", "bodyParams": {"grant_type": "client_credentials"}},
        "tokenInResponse": "json://access_token",
    }
    return {name: value for name, value in {**whole, **parts}.items() if name not in without}


def faults_of(document: dict[str, Any]) -> set[tuple[str, str]]:
    """The faults of the product's JSON: paths and rules."""
    with pytest.raises(wh.DocumentError) as caught:
        wh.load_authorization(document)
    return {(violation.path, violation.rule) for violation in caught.value.violations}


async def sent(authentication: wh.Authentication, transport: FakeTransport | None = None) -> wh.Request:
    """The request of the action itself."""
    transport = transport or answering()
    async with wh.Executor(transport=transport, secrets=SECRETS, clock=FakeClock()) as executor:
        (await executor.call(action(authentication))).raise_for_error()
    return transport.requests[-1]


@pytest.mark.rule("R90")
@pytest.mark.parametrize("kind", ["digest", "ntlm", "", None, 7])
def test_there_are_no_other_kinds(kind: Any) -> None:
    """A stored action with a kind that does not exist is refused, with those that do."""
    document = {
        **wh.dump(action(wh.BasicAuthentication("joe", wh.secret("env:SECRET")))),
        "authentication": {"kind": kind},
    }

    with pytest.raises(wh.DocumentError, match="none, basic, api_key") as caught:
        wh.load(document)

    assert [violation.path for violation in caught.value.violations] == ["$.authentication.kind"]


@pytest.mark.rule("R91")
async def test_none_adds_nothing() -> None:
    """What goes out has the two default headers, and no other URL than the configured one."""
    request = await sent(wh.NoAuthentication())

    assert (request.url, dict(request.headers)) == (
        "https://api.example.com/v1",
        {"Content-Type": "application/json", "Charset": "UTF-8"},
    )


@pytest.mark.rule("R92", "R93")
async def test_basic_sends_user_name_and_password() -> None:
    """Both are joined with a colon and encoded; neither may be missing."""
    request = await sent(wh.BasicAuthentication("joe", wh.secret("env:SECRET")))

    assert dict(request.headers)["Authorization"] == "Basic am9lOnMzYw=="
    assert refused(lambda: wh.BasicAuthentication("", wh.secret("env:SECRET"))) == {"R92"}
    assert refused(lambda: wh.BasicAuthentication("joe", "")) == {"R92"}


@pytest.mark.rule("R94", "R95", "R96")
async def test_an_api_key_has_a_name_a_value_and_a_location() -> None:
    """In the query it is the last parameter, in a header its value; a body is no location."""
    key = wh.secret("env:SECRET")

    in_query = await sent(wh.ApiKeyAuthentication("appid", key, location="query"))
    in_header = await sent(wh.ApiKeyAuthentication("X-Key", key, location="header"))

    assert in_query.url == "https://api.example.com/v1?appid=s3c"
    assert "s3c" not in str(in_query.headers)
    assert dict(in_header.headers)["X-Key"] == "s3c"
    assert in_header.url == "https://api.example.com/v1"
    assert refused(lambda: wh.ApiKeyAuthentication("", key)) == {"R94"}
    assert refused(lambda: wh.ApiKeyAuthentication("appid", "")) == {"R94"}
    assert refused(lambda: wh.ApiKeyAuthentication("appid", key, location="body")) == {"R94"}


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(product(), marks=pytest.mark.rule("R97", "R98", "R100", "R101", "R102", "R103", "R105", "R108")),
        pytest.param(product(authorizationType="Bearer"), marks=pytest.mark.rule("R98", "R100")),
        pytest.param(product(authorizationType="QUERYPARAM", tokenTarget="tok"), marks=pytest.mark.rule("R98", "R99")),
        pytest.param(product(authorizationType="header", tokenTarget="x-auth-token"), marks=pytest.mark.rule("R99")),
        pytest.param(product("body", method="GET"), marks=pytest.mark.rule("R102", "R104")),
        pytest.param(product(body={"bodyType": "json", "bodyParams": {}}), marks=pytest.mark.rule("R105")),
        pytest.param(product(headers={}), marks=pytest.mark.rule("R108")),
        pytest.param(product(tokenInResponse="response"), marks=pytest.mark.rule("R109")),
        pytest.param(product(tokenInResponse="json://id_token"), marks=pytest.mark.rule("R109", "R112")),
        *(
            pytest.param(product(cacheDuration={"duration": 5, "timeUnit": unit}), marks=pytest.mark.rule("R118"))
            for unit in wh.TimeUnit
        ),
    ],
)
def test_a_custom_authorization_is_taken(document: dict[str, Any]) -> None:
    """What the product takes is read, and an action with it may be saved in every edition."""
    found = wh.load_authorization(document)

    assert [rules(found, rails) for rails in (None, OPTIMIZER, ORCHESTRATION)] == [set()] * 3


def _is_refused(document: dict[str, Any], path: str, rule: str) -> Any:
    return pytest.param(document, path, rule, marks=pytest.mark.rule(rule), id=f"{rule} {path}")


@pytest.mark.rule(
    "R97", "R98", "R99", "R101", "R102", "R103", "R104", "R105", "R108", "R109", "R118", "R119", "R120", "R124"
)
@pytest.mark.parametrize(
    ("document", "path", "rule"),
    [
        _is_refused(product(type="oauth2"), "$.type", "R97"),
        _is_refused(product("type"), "$.type", "R97"),
        _is_refused(product(authorizationType="cookie"), "$.authorizationType", "R98"),
        _is_refused(product("authorizationType"), "$.authorizationType", "R98"),
        _is_refused(product(authorizationType="header"), "$.tokenTarget", "R99"),
        _is_refused(product(authorizationType="queryParam"), "$.tokenTarget", "R99"),
        _is_refused(product("endpoint"), "$.endpoint", "R101"),
        _is_refused(product(endpoint=""), "$.endpoint", "R101"),
        _is_refused(product(method="PUT"), "$.method", "R102"),
        _is_refused(product("method"), "$.method", "R102"),
        _is_refused(product("body"), "$.body.bodyType", "R103"),
        _is_refused(product(method="GET"), "$.body.bodyType", "R104"),
        _is_refused(product(body={"bodyType": "xml", "bodyParams": {}}), "$.body.bodyType", "R105"),
        _is_refused(product(body={"bodyParams": {}}), "$.body.bodyType", "R105"),
        _is_refused(product(headers=[]), "$.headers", "R108"),
        *(
            _is_refused(product(tokenInResponse=selector), "$.tokenInResponse", "R109")
            for selector in ("xml://a", "access_token", "json://", "")
        ),
        _is_refused(product("tokenInResponse"), "$.tokenInResponse", "R109"),
        _is_refused(product(cacheDuration={"duration": 5, "timeUnit": "weeks"}), "$.cacheDuration.timeUnit", "R118"),
        _is_refused(product(cacheDuration={"duration": 5}), "$.cacheDuration.timeUnit", "R118"),
        *(
            _is_refused(product(cacheDuration={"duration": n, "timeUnit": "days"}), "$.cacheDuration.duration", "R119")
            for n in ("5", 1.5, -1, True, None)
        ),
        _is_refused(
            product(cacheDuration={"duration": 5, "expiryInResponse": "json://e", "timeUnit": "minutes"}),
            "$.cacheDuration.expiryInResponse",
            "R120",
        ),
        _is_refused(product(headers={"X": "EncodeBase64(a:b"}), "$.headers.X", "R124"),
    ],
)
def test_a_custom_authorization_is_refused(document: dict[str, Any], path: str, rule: str) -> None:
    """What the product does not take is refused at its place, with the rule's number."""
    assert (path, rule) in faults_of(document)
    assert {place for place, _ in faults_of(document)} == {path}


@pytest.mark.rule("R101")
def test_an_endpoint_is_a_url() -> None:
    """A word, a path and another scheme are no endpoint to save an action with."""
    assert [bool(rules(custom(endpoint=text))) for text in (ENDPOINT, "token", "/token", "ftp://id.example/t")] == [
        False,
        True,
        True,
        True,
    ]


@pytest.mark.rule("R106", "R107")
@pytest.mark.parametrize(
    ("body_type", "content_type", "body"),
    [
        ("form", "application/x-www-form-urlencoded; charset=UTF-8", "a=%C3%A9+%26&b=2"),
        ("json", "application/json; charset=UTF-8", '{"a":"é &","b":2}'),
    ],
)
async def test_a_token_is_asked_for_in_utf8(body_type: str, content_type: str, body: str) -> None:
    """A form and a JSON body say what they are, and hold every parameter once, in order."""
    [request] = await asked(answering(), custom(body_type=body_type, body_params={"a": "é &", "b": 2}))

    assert request.headers == (("Content-Type", content_type),)
    assert request.body == body.encode()


@pytest.mark.rule("R109", "R110", "R111", "R112")
@pytest.mark.parametrize(
    ("selector", "answer", "token"),
    [
        ("response", b"abc", "abc"),
        ("json://access_token", {"access_token": "t"}, "t"),
        ("json://id_token", {"access_token": "a", "id_token": "i"}, "i"),
        ("json://auth/token", {"auth": {"token": "deep"}}, "deep"),
        ("response", b"", None),
        ("json://access_token", {"other": "t"}, None),
        ("json://access_token", b"access_token=t", None),
        ("json://access_token", {"access_token": None}, None),
    ],
)
async def test_the_answer_holds_the_token(selector: str, answer: Any, token: str | None) -> None:
    """The whole body or a property is the token; without one the authentication has failed."""
    transport = answering(answer)

    async with wh.Executor(transport=transport, clock=FakeClock()) as executor:
        outcome = await executor.call(action(custom(token_in_response=selector)))

    called = [dict(request.headers).get("Authorization") for request in transport.requests[1:]]
    assert called == ([] if token is None else [f"Bearer {token}"])
    assert isinstance(outcome.cause, wh.AuthenticationFailed) is (token is None)


@pytest.mark.rule("R113", "R114", "R115")
async def test_a_token_is_put_where_the_type_says() -> None:
    """Behind Bearer, alone in a header, or as the last parameter of the query."""
    bearer = await sent(custom(authorization_type="Bearer"))
    header = await sent(custom(authorization_type="header", token_target="x-auth-token"))
    query = await sent(custom(authorization_type="queryParam", token_target="tok"))

    assert dict(bearer.headers)["Authorization"] == "Bearer t-1"
    assert dict(header.headers)["x-auth-token"] == "t-1"
    assert "Authorization" not in dict(header.headers)
    assert query.url == "https://api.example.com/v1?tok=t-1"
    assert "t-1" not in str(query.headers)


@pytest.mark.rule("R116")
@pytest.mark.parametrize(("status", "called"), [(200, True), (401, False), (500, False), (302, False)])
async def test_the_token_call_comes_first(status: int, *, called: bool) -> None:
    """The action is called behind a token call that succeeded, and not at all behind another."""
    transport = answering(status=status)

    async with wh.Executor(transport=transport, clock=FakeClock()) as executor:
        await executor.call(action(custom()))

    urls = [request.url for request in transport.requests]
    assert urls[0] == ENDPOINT
    assert (urls[-1] == "https://api.example.com/v1") is called


@pytest.mark.rule("R117", "R119", "R123")
@pytest.mark.parametrize(
    ("cache", "minutes", "requests"),
    [
        (wh.CacheDuration(), 59, 1),
        (wh.CacheDuration(), 61, 2),
        (wh.CacheDuration(5, "minutes"), 4, 1),
        (wh.CacheDuration(5, "minutes"), 5, 2),
        (wh.CacheDuration(0), 0, 2),
    ],
)
async def test_a_token_is_kept_for_its_duration(cache: wh.CacheDuration, minutes: float, requests: int) -> None:
    """An hour, unless told otherwise; another executor begins with a token call of its own."""
    clock, transport = FakeClock(), answering()

    async with wh.Executor(transport=transport, clock=clock) as executor:
        await executor.call(action(custom(cache_duration=cache)))
        clock.pass_time(minutes * 60)
        await executor.call(action(custom(cache_duration=cache)))
    within_one = sum(request.url == ENDPOINT for request in transport.requests)
    async with wh.Executor(transport=transport, clock=clock) as executor:
        await executor.call(action(custom(cache_duration=cache)))

    assert within_one == requests
    assert sum(request.url == ENDPOINT for request in transport.requests) == requests + 1


@pytest.mark.rule("R122")
async def test_each_journey_has_its_own_token() -> None:
    """Two journeys with one action make two token calls, and one journey makes one."""
    repository, transport = wh.MemoryRepository(), answering()
    journeys = [wh.Journey(name, [wh.ActionActivity("Call", label="c")]) for name in ("A", "B")]
    await repository.save(action(custom()), *journeys)

    async with wh.Executor(repository, transport=transport) as executor:
        for name in ("A", "A", "B", "B"):
            await executor.execute(name, "c", wh.Context())

    assert [request.url == ENDPOINT for request in transport.requests] == [True, False, False, True, False, False]


@pytest.mark.rule("R124")
@pytest.mark.parametrize("function", ["EncodeBase64", "Encode64"])
async def test_the_base64_function_is_evaluated(function: str) -> None:
    """In headers and in body parameters at any depth, in both spellings; another function is sent as it stands."""
    loaded = wh.load_authorization(
        product(
            headers={"Authorization": f"Basic {function}(a:b)", "X-Other": "Sha256(a:b)"},
            body={"bodyType": "json", "bodyParams": {"a": {"b": [f"{function}(c)"]}, "d": "Upper(e)"}},
        )
    )

    [request] = await asked(answering(), loaded)

    assert dict(request.headers)["Authorization"] == "Basic YTpi"
    assert dict(request.headers)["X-Other"] == "Sha256(a:b)"
    assert json.loads(request.body) == {"a": {"b": ["Yw=="]}, "d": "Upper(e)"}


@pytest.mark.rule("R125")
async def test_nested_parameters_are_kept_or_refused_by_edition() -> None:
    """The newest optimizer sends them as they are, in JSON only; an edition without them refuses what it would lose."""
    nested = {"user": {"name": "svc", "roles": ["a", {"b": None}]}, "flat": 1}

    [request] = await asked(answering(), custom(body_type="json", body_params=nested))

    assert json.loads(request.body) == nested
    assert [rules(custom(body_type="json", body_params=nested), rails) for rails in (None, OPTIMIZER)] == [set(), set()]
    assert rules(custom(body_type="json", body_params=nested), ORCHESTRATION) == {"R125"}
    assert rules(custom(body_type="json", body_params={"flat": 1}), ORCHESTRATION) == set()
    assert refused(lambda: custom(body_type="form", body_params=nested)) == {"R125"}


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
    assert type(outcome.cause) is wh.AuthenticationFailed
    assert "key" in str(outcome) or "certificate" in str(outcome)
    assert transport.requests == []
