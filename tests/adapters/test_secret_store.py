"""Secrets in Vault and in AWS, which stand-ins on real sockets give, and what remembers them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import boto3
import hvac
import pytest

import wayhook as wh
from wayhook.testing import Answer, FakeClock, FakeSecrets, FakeTransport, LoopbackService, Received

CANARY = "canary-5b1d"


async def revealed(source: wh.SecretSource, reference: str) -> str:
    """What the source gives for a reference."""
    return await source.reveal(wh.secret(reference))


def _vault(request: Received) -> Answer:
    if request.headers.get("x-vault-token") != "t-1":
        return Answer(403, {"errors": ["permission denied"]})
    kept = {"/v1/kv/data/sms/gateway": {"key": CANARY, "number": 7, "empty": ""}}
    if request.path not in kept:
        return Answer(404, {"errors": []})
    return Answer(200, {"data": {"data": kept[request.path], "metadata": {"version": 3}}})


@pytest.fixture
def vault() -> Iterator[LoopbackService]:
    """What answers as Vault does."""
    with LoopbackService(_vault) as service:
        yield service


async def test_vault_gives_a_secret(vault: LoopbackService) -> None:
    """The text of a key at a path of a mount is the secret."""
    source = wh.VaultSecrets(hvac.Client(vault.url, token="t-1"))

    assert await revealed(source, "vault:kv/sms/gateway#key") == CANARY


async def test_vault_is_found_by_the_scheme(vault: LoopbackService, monkeypatch: pytest.MonkeyPatch) -> None:
    """An executor finds Vault by the environment, as Vault's own command does."""
    monkeypatch.setenv("VAULT_ADDR", vault.url)
    monkeypatch.setenv("VAULT_TOKEN", "t-1")
    transport = FakeTransport()
    action = wh.Action(
        name="Call",
        url_configuration=wh.UrlConfiguration("https://api.example.com"),
        authentication=wh.ApiKeyAuthentication("X-Key", wh.secret("vault:kv/sms/gateway#key")),
    )

    async with wh.Executor(transport=transport, secrets=wh.CachedSecrets()) as executor:
        outcomes = [await executor.call(action) for _ in range(3)]

    assert [outcome.status for outcome in outcomes] == ["http_200"] * 3
    assert dict(transport.requests[0].headers)["X-Key"] == CANARY
    assert len(vault.received) == 1


@pytest.mark.parametrize(
    "reference",
    ["vault:kv", "vault:kv/sms", "vault:/sms#key", "vault:kv/#key", "vault:kv/sms/gateway#", "env:A", "vault:kv/a#b"],
)
async def test_a_place_that_is_none_is_told(vault: LoopbackService, reference: str) -> None:
    """What Vault cannot have, or has not, is a sentence that names the reference."""
    source = wh.VaultSecrets(hvac.Client(vault.url, token="t-1"))

    with pytest.raises(wh.SecretMissing, match=reference.replace("#", "[#]")):
        await revealed(source, reference)


@pytest.mark.parametrize("key", ["number", "empty", "missing"])
async def test_only_a_text_of_vault_is_a_secret(vault: LoopbackService, key: str) -> None:
    """A number, an empty text and a key that is not there are no secrets."""
    source = wh.VaultSecrets(hvac.Client(vault.url, token="t-1"))

    with pytest.raises(wh.SecretMissing, match="no text"):
        await revealed(source, f"vault:kv/sms/gateway#{key}")


async def test_a_vault_that_refuses_or_is_away_is_told(
    vault: LoopbackService, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither its token nor a secret is in the sentence, in its cause, or in a log."""
    with caplog.at_level(logging.DEBUG):
        for client in (hvac.Client(vault.url, token=CANARY), hvac.Client("http://127.0.0.1:1", token=CANARY)):
            with pytest.raises(wh.SecretMissing) as told:
                await revealed(wh.VaultSecrets(client), "vault:kv/sms/gateway#key")
            assert CANARY not in str(told.value)
            assert told.value.__cause__ is None

    assert CANARY not in caplog.text


def _aws(request: Received) -> Answer:
    kept = {"sms": CANARY, "gateway": f'{{"key": "{CANARY}", "number": 7}}', "broken": "{"}
    name = request.json()["SecretId"]
    if request.headers["x-amz-target"] != "secretsmanager.GetSecretValue":
        return Answer(400, {"__type": "UnknownOperationException"})
    if name not in kept:
        return Answer(400, {"__type": "ResourceNotFoundException", "message": f"no {name}"})
    return Answer(200, {"Name": name, "SecretString": kept[name], "VersionStages": ["AWSCURRENT"]})


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackService]:
    """What answers as AWS Secrets Manager does, found by the environment."""
    with LoopbackService(_aws) as service:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", service.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "key")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        yield service


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("reference", ["aws:sms", "aws:gateway#key"])
async def test_aws_gives_a_secret(reference: str) -> None:
    """The text of a secret, or of a key in it, is the secret."""
    assert await revealed(wh.AwsSecrets(), reference) == CANARY
    assert await revealed(wh.AwsSecrets(boto3.client("secretsmanager")), reference) == CANARY


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("aws:none", "ResourceNotFoundException"),
        ("aws:sms#", "write aws:NAME"),
        ("env:sms", "write aws:NAME"),
        ("aws:sms#key", "no text"),
        ("aws:broken#key", "no text"),
        ("aws:gateway#number", "no text"),
        ("aws:gateway#other", "no text"),
    ],
)
async def test_what_aws_does_not_have_is_told(reference: str, reason: str) -> None:
    """A sentence names the reference and the reason, and holds no text of a secret."""
    with pytest.raises(wh.SecretMissing, match=reason) as told:
        await revealed(wh.AwsSecrets(), reference)

    assert reference in str(told.value)
    assert CANARY not in str(told.value)


async def test_an_aws_that_nobody_configured_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a region or credentials a sentence says so."""
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "nowhere")

    with pytest.raises(wh.SecretMissing, match="NoRegionError"):
        wh.AwsSecrets()


class Slow(FakeSecrets):
    """Gives nothing until it is released."""

    def __init__(self, texts: dict[str, str]) -> None:
        super().__init__(texts)
        self.released = asyncio.Event()

    async def reveal(self, reference: wh.SecretReference) -> str:
        await self.released.wait()
        return await super().reveal(reference)


async def test_a_secret_is_remembered_for_its_time() -> None:
    """It is looked up once in its time, and what was rotated counts after it."""
    clock, texts = FakeClock(), {"env:KEY": "old"}
    source = FakeSecrets(texts)
    secrets = wh.CachedSecrets(source, seconds=60, clock=clock)

    first = [await revealed(secrets, "env:KEY") for _ in range(3)]
    source._texts["env:KEY"] = "new"
    clock.pass_time(59)
    before = await revealed(secrets, "env:KEY")
    clock.pass_time(1)
    after = await revealed(secrets, "env:KEY")

    assert (first, before, after, len(source.asked)) == (["old"] * 3, "old", "new", 2)
    assert "new" not in repr(secrets)


async def test_what_is_forgotten_is_looked_up() -> None:
    """One secret, or all of them, may be looked up before their time."""
    source = FakeSecrets({"env:A": "a", "env:B": "b"})
    secrets = wh.CachedSecrets(source, clock=FakeClock())
    for name in ("env:A", "env:B"):
        await revealed(secrets, name)

    secrets.forget(wh.secret("env:A"))
    secrets.forget(wh.secret("env:C"))
    for name in ("env:A", "env:B"):
        await revealed(secrets, name)
    asked = len(source.asked)
    secrets.forget()
    for name in ("env:A", "env:B"):
        await revealed(secrets, name)

    assert (asked, len(source.asked)) == (3, 5)


async def test_many_ask_once() -> None:
    """A hundred calls at once are one look, and who is cancelled does not end it for the others."""
    source = Slow({"env:KEY": "k"})
    secrets = wh.CachedSecrets(source, clock=FakeClock())
    waiting = [asyncio.create_task(revealed(secrets, "env:KEY")) for _ in range(100)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    source.released.set()

    texts = await asyncio.gather(*waiting[1:])

    assert (set(texts), len(source.asked), waiting[0].cancelled()) == ({"k"}, 1, True)


async def test_a_failure_is_not_remembered() -> None:
    """It is told to all who wait, and the next one asks again."""
    source = FakeSecrets({})
    secrets = wh.CachedSecrets(source, clock=FakeClock())

    told = await asyncio.gather(*(revealed(secrets, "env:KEY") for _ in range(3)), return_exceptions=True)
    source._texts["env:KEY"] = "k"
    text = await revealed(secrets, "env:KEY")

    assert [type(each) for each in told] == [wh.SecretMissing] * 3
    assert (text, len(source.asked)) == ("k", 2)


async def test_only_so_many_are_remembered() -> None:
    """The oldest of more than a thousand is looked up anew."""
    source = FakeSecrets({f"env:K{n}": "k" for n in range(1001)})
    secrets = wh.CachedSecrets(source, clock=FakeClock())
    for n in range(1001):
        await revealed(secrets, f"env:K{n}")

    await revealed(secrets, "env:K1000")
    before = len(source.asked)
    await revealed(secrets, "env:K0")

    assert (before, len(source.asked)) == (1001, 1002)


@pytest.mark.parametrize("seconds", [0, -1, 86_401, float("nan"), True, "60"])
def test_a_time_that_is_none_is_refused(seconds: object) -> None:
    """Secrets are remembered for more than nothing and a day at most; a source is one."""
    with pytest.raises(wh.DefinitionError, match="seconds"):
        wh.CachedSecrets(seconds=seconds)  # type: ignore[arg-type]
    with pytest.raises(wh.DefinitionError, match="source"):
        wh.CachedSecrets(object())  # type: ignore[arg-type]
