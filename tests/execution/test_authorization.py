"""Authorizations as they are executed: against a token endpoint on loopback, and by the name of a connection."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import attrs
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import wayhook as wh
from wayhook.testing import Answer, FakeSecrets, FakeTransport, LoopbackService, Received

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
SECRETS = FakeSecrets({"env:SECRET": "s3c:é&", "env:KEY": PEM, "env:OTHER": "other"})
SECRET = wh.secret("env:SECRET")
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class Provider:
    """An identity provider and the API behind it, as their public documents have them.

    The client is `app`, its secret `s3c:é&`; a service account signs with our key. Tokens are `t-1`, `t-2`, …
    """

    def __init__(self) -> None:
        self.issued = 0
        self.forms: list[dict[str, str]] = []
        self.seen: set[str] = set()
        self.url = ""

    def __call__(self, request: Received) -> Answer:
        if request.path != "/token":
            known = [f"Bearer t-{number}" for number in range(1, self.issued + 1)]
            return Answer(200 if request.headers.get("authorization") in known else 401)
        form = {name: values[0] for name, values in parse_qs(request.body.decode(), strict_parsing=True).items()}
        self.forms.append(form)
        granted = self.by_assertion(form) if form["grant_type"] == JWT_BEARER else self.by_secret(request, form)
        if not granted:
            return Answer(401, {"error": "invalid_client"})
        self.issued += 1
        return Answer(200, {"access_token": f"t-{self.issued}", "token_type": "Bearer", "expires_in": 3600})

    def by_secret(self, request: Received, form: dict[str, str]) -> bool:
        """A client says its secret once: in the header or in the form (RFC 6749, section 2.3.1)."""
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        in_header = scheme == "Basic" and base64.b64decode(encoded).decode() == "app:s3c:é&"
        in_body = (form.get("client_id"), form.get("client_secret")) == ("app", "s3c:é&")
        return form["grant_type"] == "client_credentials" and (in_header != in_body)

    def by_assertion(self, form: dict[str, str]) -> bool:
        """An assertion is signed by us, meant for us, not expired, short-lived, and never seen before (RFC 7523)."""
        options = {"require": ["iss", "sub", "aud", "iat", "exp", "jti"]}
        try:
            claims = jwt.decode(form["assertion"], KEY.public_key(), ["RS256"], options, audience=f"{self.url}/token")
        except jwt.InvalidTokenError:
            return False
        fresh = claims["jti"] not in self.seen and claims["exp"] - time.time() <= 600
        self.seen.add(claims["jti"])
        return fresh and claims["iss"] == "robot@project.example"


@pytest.fixture
def provider() -> Provider:
    """A provider that has issued nothing."""
    return Provider()


@pytest.fixture
def service(provider: Provider) -> Iterator[LoopbackService]:
    """The provider and its API on loopback."""
    with LoopbackService(provider) as running:
        provider.url = running.url
        yield running


def calling(url: str, authentication: wh.Authentication) -> wh.Action:
    """An action with this authentication."""
    return wh.Action(name="Call", url_configuration=wh.UrlConfiguration(url), authentication=authentication)


async def calls(action: wh.Action, rails: wh.Guardrails, times: int = 1) -> list[wh.Outcome]:
    """The outcomes of some calls by one executor."""
    async with wh.Executor(guardrails=rails, secrets=SECRETS) as executor:
        return [await executor.call(action) for _ in range(times)]


@pytest.mark.parametrize("place", ["header", "body"])
async def test_client_credentials_bring_a_token(
    service: LoopbackService, provider: Provider, loopback: wh.Guardrails, place: Any
) -> None:
    """The secret stands in one place; scope and further parameters are asked for; the token serves many calls."""
    oauth = wh.OAuthClientCredentials(
        f"{service.url}/token", "app", SECRET, scope="a b", parameters={"audience": "api"}, client_authentication=place
    )

    outcomes = await calls(calling(service.url, oauth), loopback, times=3)

    assert [outcome.status for outcome in outcomes] == ["http_200"] * 3
    [form] = provider.forms
    assert (form["scope"], form["audience"]) == ("a b", "api")
    assert ("client_secret" in form, "client_id" in form) == ((place == "body"), (place == "body"))


async def test_a_wrong_secret_is_refused_once(
    service: LoopbackService, provider: Provider, loopback: wh.Guardrails
) -> None:
    """The action is not called, the outcome says what to mend, and the next call does not ask again at once."""
    oauth = wh.OAuthClientCredentials(f"{service.url}/token", "app", wh.secret("env:OTHER"))

    outcomes = await calls(calling(service.url, oauth), loopback, times=2)

    assert {(outcome.status, str(outcome.cause)) for outcome in outcomes} == {
        ("internalError", "the token call was answered with 401; check the credentials")
    }
    assert [request.path for request in service.received] == ["/token"]


async def test_a_service_account_exchanges_a_signed_assertion(
    service: LoopbackService, provider: Provider, loopback: wh.Guardrails
) -> None:
    """The provider verifies the signature with the public key; every token has an assertion of its own."""
    grant = wh.JwtBearerGrant(
        f"{service.url}/token",
        "robot@project.example",
        wh.secret("env:KEY"),
        scope="messaging",
        key_id="key-1",
        cache_duration=wh.CacheDuration(0),
    )

    outcomes = await calls(calling(service.url, grant), loopback, times=2)

    assert [outcome.status for outcome in outcomes] == ["http_200", "http_200"]
    assert len(provider.seen) == 2
    assertion = provider.forms[0]["assertion"]
    claims = jwt.decode(assertion, options={"verify_signature": False})
    assert (claims["sub"], claims["scope"]) == ("robot@project.example", "messaging")
    assert jwt.get_unverified_header(assertion) == {"alg": "RS256", "typ": "JWT", "kid": "key-1"}


async def test_an_assertion_for_somebody_else_is_refused(
    service: LoopbackService, provider: Provider, loopback: wh.Guardrails
) -> None:
    """An audience or a signature that the provider does not know brings no token."""
    grant = wh.JwtBearerGrant(f"{service.url}/token", "robot@project.example", wh.secret("env:KEY"))
    foreign = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    changed = [{"audience": "https://else.example"}, {"private_key": wh.literal_secret(foreign.decode())}]

    outcomes = [
        outcome
        for change in changed
        for outcome in await calls(calling(service.url, attrs.evolve(grant, **change)), loopback)
    ]

    assert [type(outcome.cause) for outcome in outcomes] == [wh.AuthenticationFailed] * 2
    assert provider.issued == 0


# Connections


class Answering(FakeTransport):
    """Gives out tokens at `/token`, and 200 elsewhere."""

    def __init__(self) -> None:
        super().__init__(self._reply)

    def _reply(self, request: wh.Request) -> wh.Response:
        number = sum(sent.url.endswith("/token") for sent in self.requests)
        body = json.dumps({"access_token": f"t-{number}", "expires_in": 3600}).encode()
        return wh.Response(200, body=body if request.url.endswith("/token") else b"")

    @property
    def authorizations(self) -> list[str | None]:
        """The Authorization headers of the calls, those for tokens left out."""
        called = [request for request in self.requests if not request.url.endswith("/token")]
        return [dict(request.headers).get("Authorization") for request in called]


OAUTH = wh.OAuthClientCredentials("https://id.example/token", "app", SECRET)


@pytest.fixture
async def repository() -> wh.MemoryRepository:
    """Two actions of the host `api.shop.example` that share a connection."""
    kept = wh.MemoryRepository()
    shop = wh.Connection("Shop", OAUTH, hosts=["*.shop.example"])
    actions = [
        attrs.evolve(calling(f"https://api.shop.example/{name}", wh.connection("Shop")), name=name)
        for name in ("Points", "Orders")
    ]
    await kept.save(shop, *actions)
    return kept


async def test_actions_share_the_token_of_their_connection(repository: wh.MemoryRepository) -> None:
    """One token call serves every action of a connection."""
    transport = Answering()

    async with wh.Executor(repository, transport=transport, secrets=SECRETS) as executor:
        outcomes = [await executor.call(name) for name in ("Points", "Orders", "Points")]

    assert [outcome.status for outcome in outcomes] == ["http_200"] * 3
    assert transport.authorizations == ["Bearer t-1"] * 3


@pytest.mark.rule("R122")
async def test_journeys_that_share_a_connection_have_tokens_of_their_own(repository: wh.MemoryRepository) -> None:
    """Within a journey the actions share a token; between journeys they do not."""
    activities = [wh.ActionActivity("Points", label="p"), wh.ActionActivity("Orders", label="o")]
    await repository.save(wh.Journey("A", activities), wh.Journey("B", activities))
    transport = Answering()

    async with wh.Executor(repository, transport=transport, secrets=SECRETS) as executor:
        for journey in ("A", "B"):
            for label in ("p", "o"):
                await executor.execute(journey, label, wh.Context())

    assert transport.authorizations == ["Bearer t-1", "Bearer t-1", "Bearer t-2", "Bearer t-2"]


@pytest.mark.rule("R19")
async def test_a_changed_connection_counts_from_the_next_call(repository: wh.MemoryRepository) -> None:
    """Secrets are rotated in one place; no action and no executor is touched."""
    transport = Answering()

    async with wh.Executor(repository, transport=transport, secrets=SECRETS) as executor:
        await executor.call("Points")
        await repository.save(wh.Connection("Shop", wh.BearerAuthentication(wh.secret("env:OTHER"))))
        await executor.call("Points")

    assert transport.authorizations == ["Bearer t-1", "Bearer other"]


async def test_a_renamed_connection_goes_on_serving(repository: wh.MemoryRepository) -> None:
    """Its users follow to the new name, in the middle of an executor's life."""
    transport = Answering()

    async with wh.Executor(repository, transport=transport, secrets=SECRETS) as executor:
        await executor.call("Points")
        await repository.save(wh.Connection("Store", OAUTH), renamed_from="Shop")
        outcome = await executor.call("Points")

    assert outcome.status == "http_200"
    assert transport.authorizations == ["Bearer t-1", "Bearer t-1"]


async def test_a_connection_that_is_not_there_is_named(repository: wh.MemoryRepository) -> None:
    """An action of one's own may name anything; executing it raises what is missing, and nothing is sent."""
    transport, stray = Answering(), calling("https://api.shop.example", wh.connection("Stray"))

    async with wh.Executor(repository, transport=transport, secrets=SECRETS) as executor:
        with pytest.raises(wh.NotFound, match="no connection named 'Stray'"):
            await executor.call(stray)
    async with wh.Executor(transport=transport) as executor:
        with pytest.raises(wh.DefinitionError, match="no repository"):
            await executor.call(stray)

    assert transport.requests == []


async def test_a_connection_that_was_deleted_meanwhile_serves_nobody(repository: wh.MemoryRepository) -> None:
    """It can be deleted when no kept action names it; who still calls with it learns that it is gone."""
    transport, kept = Answering(), (await repository.get(wh.Action, "Points")).value

    async with wh.Executor(repository, transport=transport, secrets=SECRETS) as executor:
        await executor.call(kept)
        with pytest.raises(wh.StillInUse):
            await repository.delete(wh.Connection, "Shop")
        await repository.delete(wh.Action, "Points")
        await repository.delete(wh.Action, "Orders")
        await repository.delete(wh.Connection, "Shop")
        with pytest.raises(wh.NotFound, match="Shop"):
            await executor.call(kept)

    assert transport.authorizations == ["Bearer t-1"]


@pytest.mark.parametrize("url", ["https://api.other.example", "https://shop.example", "https://api.shop.example.evil"])
async def test_a_connection_is_sent_to_its_hosts_only(repository: wh.MemoryRepository, url: str) -> None:
    """An action on another host is refused before a secret is looked up, though it was never saved."""
    transport, secrets = Answering(), FakeSecrets({"env:SECRET": "s"})

    async with wh.Executor(repository, transport=transport, secrets=secrets) as executor:
        with pytest.raises(wh.DefinitionError, match=r"bound to \*\.shop\.example"):
            await executor.call(calling(url, wh.connection("Shop")))

    assert (transport.requests, secrets.asked) == ([], [])


@pytest.mark.rule("R126")
async def test_an_authentication_is_checked_by_action_name_and_connection(repository: wh.MemoryRepository) -> None:
    """An action, its name, and the connection itself come to the same token call; the action is never called."""
    transport = Answering()
    shop = (await repository.get(wh.Connection, "Shop")).value
    points = (await repository.get(wh.Action, "Points")).value

    async with wh.Executor(repository, transport=transport, secrets=SECRETS) as executor:
        outcomes = [await executor.check_authentication(definition) for definition in (points, "Points", shop)]

    assert [(outcome.action, outcome.succeeded) for outcome in outcomes] == [
        ("Points", True),
        ("Points", True),
        ("Shop", True),
    ]
    assert {request.url for request in transport.requests} == {"https://id.example/token"}
    assert outcomes[0].response == {"token": "***", "lifetime": 3600.0}


@pytest.mark.rule("R126")
@pytest.mark.parametrize(
    ("definition", "error", "words"),
    [
        ("Nobody", wh.NotFound, "Nobody"),
        (7, wh.DefinitionError, "not int"),
        (wh.Connection("C", wh.BasicAuthentication("joe", SECRET)), wh.DefinitionError, "'basic' makes no call"),
        (wh.Connection("C", attrs.evolve(OAUTH, endpoint="token")), wh.DefinitionError, "absolute URL"),
        (calling("https://api.other.example", wh.connection("Shop")), wh.DefinitionError, "bound to"),
    ],
)
async def test_what_cannot_be_checked_is_an_error_of_the_definition(
    repository: wh.MemoryRepository, definition: Any, error: type[Exception], words: str
) -> None:
    """Names that nothing has, other values and broken rules are raised, and no call is made."""
    transport = Answering()

    async with wh.Executor(repository, transport=transport, secrets=SECRETS) as executor:
        with pytest.raises(error, match=words):
            await executor.check_authentication(definition)

    assert transport.requests == []


@pytest.mark.rule("R123", "R126")
async def test_a_check_keeps_no_token(repository: wh.MemoryRepository) -> None:
    """A check asks although a token is kept, and the token that it gets serves no call."""
    transport = Answering()

    async with wh.Executor(repository, transport=transport, secrets=SECRETS) as executor:
        await executor.check_authentication("Points")
        await executor.call("Points")
        await executor.check_authentication("Points")
        await executor.call("Points")

    assert transport.authorizations == ["Bearer t-2", "Bearer t-2"]
    assert sum(request.url.endswith("/token") for request in transport.requests) == 3
