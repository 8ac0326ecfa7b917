"""TLS of our transports: authorities of one's own, and client certificates (mutual TLS), over real sockets."""

from __future__ import annotations

import asyncio
import errno
import shutil
import socket
import ssl
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
import trustme

import wayhook as wh
from wayhook.testing import Answer, FakeSecrets, LoopbackService

CA, OTHER = trustme.CA(), trustme.CA()
TRUST = CA.cert_pem.bytes().decode()
CLIENT = CA.issue_cert("client.example")
CERTIFICATE = "".join(pem.bytes().decode() for pem in CLIENT.cert_chain_pems)
KEY = CLIENT.private_key_pem.bytes().decode()
STRANGER = OTHER.issue_cert("stranger.example")
SECRETS = FakeSecrets({"env:CERTIFICATE": CERTIFICATE, "env:KEY": KEY})
MUTUAL = wh.MutualTlsAuthentication(wh.secret("env:CERTIFICATE"), wh.secret("env:KEY"))


def server_context(version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    """A server that demands a certificate of our authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    CA.issue_cert("127.0.0.1").configure_cert(context)
    CA.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


class Door:
    """Shakes hands with one client after the other and says what it thinks of them, as real servers do.

    A server of asyncio closes without a word when a handshake fails.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._socket.getsockname()[1]}/"
        self.heard = b""
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.create_connection(self._socket.getsockname()):
            self._socket.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            with suppress(OSError), self._context.wrap_socket(client, True, do_handshake_on_connect=False) as tls:
                tls.settimeout(5)
                self._meet(tls)

    def _meet(self, tls: ssl.SSLSocket) -> None:
        try:
            tls.do_handshake()
        except ssl.SSLError:
            socket.socket.shutdown(tls, socket.SHUT_WR)
            while socket.socket.recv(tls, 65_536):
                pass  # a close with bytes unread would take the alert back
        else:
            self.heard += tls.recv(65_536)
            tls.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")


@pytest.fixture(scope="module")
def service() -> Iterator[LoopbackService]:
    """A service over TLS that lets nobody in without a certificate of our authority, and gives out tokens."""
    answer = Answer(200, {"access_token": "t-1", "expires_in": 60})
    with LoopbackService(lambda _: answer, tls=server_context()) as running:
        yield running


Kind = type[wh.HttpxTransport] | type[wh.WireTransport]


@pytest.fixture(params=[wh.HttpxTransport, wh.WireTransport], ids=["httpx", "wire"])
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each of our transports."""
    return request.param


async def called(authentication: wh.Authentication, url: str, transport: wh.Transport, **parts: Any) -> wh.Outcome:
    """How a call to the service ends."""
    rails = wh.Guardrails.standard(network=wh.NetworkPolicy(loopback=True))
    action = wh.Action(name="Call", url_configuration=wh.UrlConfiguration(url), authentication=authentication)
    async with wh.Executor(transport=transport, guardrails=rails, secrets=SECRETS, **parts) as executor:
        return await executor.call(action)


def left_in(folder: Path) -> list[Path]:
    """The files and folders in a folder."""
    return list(folder.iterdir())


def keys_in(folder: Path) -> list[Path]:
    """The files of keys below a folder."""
    return list(folder.rglob("key.pem"))


async def test_a_client_certificate_opens_the_door(kind: Kind, service: LoopbackService) -> None:
    """With the certificate of an action a service that demands one answers; connections are used again."""
    service.received.clear()
    connections, transport = service.connections, kind(trust=TRUST)
    outcome = await called(MUTUAL, service.url, transport)

    assert (outcome.status, outcome.cause) == ("http_200", None)
    assert len(service.received) == 1
    assert service.connections - connections == 1


async def test_the_call_for_the_token_shows_the_certificate_too(kind: Kind, service: LoopbackService) -> None:
    """An authorization around which a certificate stands asks for its token, and calls, with the certificate."""
    service.received.clear()
    oauth = wh.OAuthClientCredentials(f"{service.url}/token", "c", wh.literal_secret("s"))
    around = wh.MutualTlsAuthentication(wh.secret("env:CERTIFICATE"), wh.secret("env:KEY"), authentication=oauth)

    outcome = await called(around, service.url, kind(trust=TRUST))

    assert outcome.status == "http_200"
    assert [request.path for request in service.received] == ["/token", "/"]
    assert service.received[1].headers["authorization"] == "Bearer t-1"


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (ssl.TLSVersion.TLSv1_3, "asks for a client certificate; give the action a MutualTlsAuthentication"),
        (ssl.TLSVersion.TLSv1_2, "it asks for a client certificate"),
    ],
)
async def test_without_a_certificate_the_outcome_says_what_is_missing(
    kind: Kind, version: ssl.TLSVersion, words: str
) -> None:
    """The call was never read, is not repeated, and the sentence names what the host wants."""
    with Door(server_context(version)) as door:
        outcome = await called(wh.NoAuthentication(), door.url, kind(trust=TRUST))

    assert (outcome.status, len(outcome.attempts)) == ("internalError", 1)
    assert outcome.attempts[0].evidence is wh.Evidence.PERMANENT
    assert words in str(outcome)
    assert door.heard == b""


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2])
async def test_a_certificate_of_a_stranger_is_told_apart(kind: Kind, version: ssl.TLSVersion) -> None:
    """A host that knows another authority says that it does not accept the certificate."""
    stranger = wh.MutualTlsAuthentication(
        STRANGER.cert_chain_pems[0].bytes().decode(), wh.literal_secret(STRANGER.private_key_pem.bytes().decode())
    )

    with Door(server_context(version)) as door:
        outcome = await called(stranger, door.url, kind(trust=TRUST))

    assert outcome.status == "internalError"
    assert "does not accept the client certificate" in str(outcome)
    assert door.heard == b""


async def test_a_host_of_an_unknown_authority_is_not_trusted(kind: Kind, service: LoopbackService) -> None:
    """Without `trust`, or with another authority, nothing is sent."""
    service.received.clear()

    outcomes = [
        await called(MUTUAL, service.url, kind()),
        await called(MUTUAL, service.url, kind(trust=OTHER.cert_pem.bytes().decode())),
    ]

    assert ["not trusted" in str(outcome) for outcome in outcomes] == [True, True]
    assert service.received == []


async def test_an_authority_is_trusted_from_a_file(kind: Kind, service: LoopbackService, tmp_path: Path) -> None:
    """The path of a file serves like its text, and may hold several certificates."""
    file = tmp_path / "authorities.pem"
    file.write_text(f"# ours\n{OTHER.cert_pem.bytes().decode()}\n{TRUST}")

    statuses = [(await called(MUTUAL, service.url, kind(trust=path))).status for path in (file, str(file))]

    assert statuses == ["http_200", "http_200"]


@pytest.mark.parametrize("trust", ["", "no/such/file.pem", "-----BEGIN CERTIFICATE-----\nx", "é-----BEGIN", 7, KEY])
def test_what_cannot_be_trusted_is_refused(kind: Kind, trust: Any, tmp_path: Path) -> None:
    """A transport is not made with authorities that cannot be read: it would trust less than it was told to."""
    (tmp_path / "empty.pem").write_text("")
    given = trust or tmp_path / "empty.pem"

    with pytest.raises(wh.DefinitionError, match="PEM") as caught:
        kind(trust=given)

    assert [violation.path for violation in caught.value.violations] == ["$.trust"]
    assert "PRIVATE" not in str(caught.value)


async def test_a_client_of_ones_own_brings_what_it_trusts_and_shows() -> None:
    """Authorities beside such a client are refused, and so is an action with a certificate."""
    async with httpx.AsyncClient() as client:
        with pytest.raises(wh.DefinitionError, match="client of your own"):
            wh.HttpxTransport(client, trust=TRUST)
        outcome = await called(MUTUAL, "https://127.0.0.1:9/", wh.HttpxTransport(client))

    assert (outcome.status, outcome.attempts[0].evidence) == ("internalError", wh.Evidence.REFUSED)
    assert "own client certificate" in str(outcome)


@pytest.mark.parametrize(
    ("certificate", "key"),
    [
        ("no certificate", KEY),
        (CERTIFICATE, "no key"),
        (CERTIFICATE, STRANGER.private_key_pem.bytes().decode()),
        (CERTIFICATE, "é"),
    ],
)
async def test_a_certificate_that_cannot_be_shown_is_an_outcome(kind: Kind, certificate: str, key: str) -> None:
    """What is no PEM, or does not belong together, is refused before anything is sent, and not repeated."""
    mutual = wh.MutualTlsAuthentication(certificate, wh.literal_secret(key))

    outcome = await called(mutual, "https://127.0.0.1:9/", kind())

    assert (outcome.status, len(outcome.attempts)) == ("internalError", 1)
    assert "not in PEM form, or they do not belong together" in str(outcome)
    assert key not in f"{outcome!r} {outcome.cause!r}"


@pytest.mark.parametrize("step", ["load_verify_locations", "load_cert_chain"])
async def test_a_certificate_that_cannot_be_read_for_now_is_our_own_shortage(
    kind: Kind, service: LoopbackService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Without a file descriptor nothing was sent and no key stays on disk; with one the next call is answered (F12)."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    transport, request = kind(trust=TRUST), wh.Request("POST", service.url, (), b"{}", identity=(CERTIFICATE, KEY))
    deadline = asyncio.get_running_loop().time() + 5

    def short(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "scripted")

    with monkeypatch.context() as lacking:
        lacking.setattr(ssl.SSLContext, step, short)
        lacking.setattr(shutil, "rmtree", short)
        with pytest.raises(wh.TransportError) as refused:
            await transport.send(request, deadline)
    left = keys_in(tmp_path)
    answered = await transport.send(request, deadline)
    await transport.aclose()

    assert (refused.value.evidence, refused.value.local) == (wh.Evidence.NEVER_SENT, True)
    assert (left, answered.status) == ([], 200)


async def test_the_key_is_on_disk_for_a_moment_and_for_us_alone(
    kind: Kind, service: LoopbackService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the library reads the key nobody else can, and nothing is left, also of a key that it refuses."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    load, seen = ssl.SSLContext.load_cert_chain, []

    def watched(self: ssl.SSLContext, certificate: Path, key: Path, password: Any = None) -> None:
        seen.extend((stat.S_IMODE(key.stat().st_mode), stat.S_IMODE(key.parent.stat().st_mode)))
        load(self, certificate, key, password)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", watched)
    good = await called(MUTUAL, service.url, kind(trust=TRUST))
    bad = await called(wh.MutualTlsAuthentication("x", wh.secret("env:KEY")), service.url, kind(trust=TRUST))

    assert (good.status, bad.status) == ("http_200", "internalError")
    assert seen == [0o600, 0o700] * 2
    assert left_in(tmp_path) == []


async def test_certificates_do_not_share_connections(kind: Kind, service: LoopbackService) -> None:
    """A connection that was opened with one certificate serves no call with another."""
    transport = kind(trust=TRUST)
    second = CA.issue_cert("second.example")
    pairs = [(CERTIFICATE, KEY), (second.cert_chain_pems[0].bytes().decode(), second.private_key_pem.bytes().decode())]
    before = service.connections

    for identity in (*pairs, *pairs):
        request = wh.Request("GET", service.url, (), None, identity)
        assert (await transport.send(request, asyncio.get_running_loop().time() + 5)).status == 200
    await transport.aclose()

    assert service.connections - before == 2
