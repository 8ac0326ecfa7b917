"""Secrets from files, environment, keyring and terminal: read at the moment of the call, never shown."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest
from terminal import Terminal

import wayhook as wh
from wayhook.testing import FakeTransport


async def sent(source: str, transport: FakeTransport | None = None) -> tuple[str | None, wh.Outcome]:
    """What arrives in a header that holds the secret, and the outcome; the scheme of `source` says who looks it up."""
    transport = transport or FakeTransport()
    action = wh.Action(
        name="Call",
        url_configuration=wh.UrlConfiguration("https://api.example.com"),
        authentication=wh.ApiKeyAuthentication("X-Key", wh.secret(source)),
    )
    async with wh.Executor(transport=transport) as executor:
        outcome = await executor.call(action)
    found = [dict(request.headers)["X-Key"] for request in transport.requests]
    return (found[-1] if found else None), outcome


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"s3c", "s3c"),
        (b"s3c\n", "s3c"),
        (b"s3c\r\n\r\n", "s3c"),
        (b"two words ", "two words"),
        (b"x" * 65_536, "x" * 65_536),
    ],
    ids=["plain", "line end", "line ends", "spaces", "largest"],
)
async def test_a_file_holds_a_secret(tmp_path: Path, content: bytes, text: str) -> None:
    """Its text is the secret, without the line ends that editors leave behind."""
    (tmp_path / "key").write_bytes(content)

    found, outcome = await sent(f"file:{tmp_path / 'key'}")

    assert (found, outcome.status) == (text, "http_200")


async def test_a_file_may_hold_a_whole_certificate(tmp_path: Path) -> None:
    """Lines inside of the text are part of it: only a header cannot hold them."""
    (tmp_path / "key.pem").write_text("-----BEGIN\nabc\n-----END\n")

    found, outcome = await sent(f"file:{tmp_path / 'key.pem'}")

    assert found is None
    assert "line break" in str(outcome)
    assert "abc" not in str(outcome)


@pytest.mark.parametrize("content", [None, b"", b"\n\n", b"\xff\xfe", b"x" * 65_537, ...], ids=repr)
async def test_a_file_without_a_text_is_an_outcome(tmp_path: Path, content: bytes | None) -> None:
    """A file that is missing, empty, no text, too large, or a folder is named by the reference; nothing is sent."""
    if content is ...:
        (tmp_path / "key").mkdir()
    elif content is not None:
        (tmp_path / "key").write_bytes(content)

    found, outcome = await sent(f"file:{tmp_path / 'key'}")

    assert (found, outcome.status, type(outcome.cause)) == (None, "internalError", wh.SecretMissing)
    assert f"the secret file:{tmp_path / 'key'} cannot be read" in str(outcome.cause)
    assert "x" * 100 not in str(outcome)


async def test_a_rotated_file_counts_from_the_next_call(tmp_path: Path) -> None:
    """The file is read for each call."""
    transport, found = FakeTransport(), []

    for text in ("one", "two"):
        (tmp_path / "key").write_text(text)
        found.append((await sent(f"file:{tmp_path / 'key'}", transport))[0])

    assert found == ["one", "two"]


async def test_a_variable_holds_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read as it stands, and named when it is missing."""
    monkeypatch.setenv("WAYHOOK_TEST_KEY", "s3c r3t")
    found, _ = await sent("env:WAYHOOK_TEST_KEY")
    monkeypatch.delenv("WAYHOOK_TEST_KEY")
    missing, outcome = await sent("env:WAYHOOK_TEST_KEY")

    assert (found, missing) == ("s3c r3t", None)
    assert "set the environment variable WAYHOOK_TEST_KEY" in str(outcome.cause)


class Keyring(keyring.backend.KeyringBackend):
    """A keyring with one entry; or one that is locked."""

    priority = 1

    def __init__(self, *, is_locked: bool = False) -> None:
        super().__init__()
        self.is_locked = is_locked

    def get_password(self, service: str, username: str) -> str | None:
        if self.is_locked:
            raise keyring.errors.KeyringLocked("locked: canary-7")
        return "s3c" if (service, username) == ("crm", "team/key") else None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError


@pytest.fixture
def _own_keyring() -> Iterator[None]:
    before = keyring.get_keyring()
    yield
    keyring.set_keyring(before)


@pytest.mark.usefixtures("_own_keyring")
async def test_the_keyring_holds_a_secret() -> None:
    """The service ends at the first slash; the rest names the entry."""
    keyring.set_keyring(Keyring())

    found, outcome = await sent("keyring:crm/team/key")

    assert (found, outcome.status) == ("s3c", "http_200")


@pytest.mark.parametrize("source", ["keyring:crm/other", "keyring:crm", "keyring:/team", "keyring:crm/"])
@pytest.mark.usefixtures("_own_keyring")
async def test_an_entry_that_is_not_there_is_an_outcome(source: str) -> None:
    """An unknown entry, or a reference without a service or a name, is named; nothing is sent."""
    keyring.set_keyring(Keyring())

    found, outcome = await sent(source)

    assert found is None
    assert isinstance(outcome.cause, wh.SecretMissing)
    assert source in str(outcome)


@pytest.mark.usefixtures("_own_keyring")
async def test_a_locked_keyring_is_an_outcome_without_its_words() -> None:
    """What the system says may hold anything; only its kind is told."""
    keyring.set_keyring(Keyring(is_locked=True))

    _, outcome = await sent("keyring:crm/key")

    assert isinstance(outcome.cause, wh.SecretMissing)
    assert "KeyringLocked" in str(outcome)
    assert "canary" not in str(outcome)


async def test_a_keyring_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the outcome says what to install."""
    monkeypatch.setitem(sys.modules, "keyring", None)

    _, outcome = await sent("keyring:crm/key")

    assert isinstance(outcome.cause, wh.MissingExtra)
    assert "wayhook[keyring]" in str(outcome)


TYPED = """
import asyncio
import wayhook as wh
from wayhook.testing import FakeTransport

transport = FakeTransport()
secrets = wh.SecretText("a-", wh.secret("prompt:The key"), "-", wh.secret("prompt:Other"))
action = wh.Action(
    name="Call",
    url_configuration=wh.UrlConfiguration("https://api.example.com", headers={"X-Key": secrets}),
)

async def main():
    async with wh.Executor(transport=transport) as executor:
        outcomes = await asyncio.gather(*(executor.call(action) for _ in range(3)))
    print([outcome.status for outcome in outcomes], [outcome.cause for outcome in outcomes][:1])
    print({dict(request.headers)["X-Key"] == "a-first-second" for request in transport.requests})

asyncio.run(main())
"""


def test_a_secret_is_typed_once_without_an_echo() -> None:
    """Three calls that need the same secrets ask once for each; what is typed is not shown."""
    with Terminal([sys.executable, "-c", TYPED], env=os.environ) as terminal:
        terminal.until("The key: ")
        echoed = terminal.echoes
        terminal.type("first\n")
        terminal.until("Other: ")
        terminal.type("second\n")
        code = terminal.wait()

    assert (code, echoed) == (0, False)
    assert "['http_200', 'http_200', 'http_200'] [None]" in terminal.shown
    assert "{True}" in terminal.shown
    assert terminal.shown.count("The key: ") == terminal.shown.count("Other: ") == 1
    assert "first" not in terminal.shown


def test_nothing_typed_is_an_outcome() -> None:
    """An empty line, or an end of input, is no secret."""
    for typed in ("\n", "\x04"):
        with Terminal([sys.executable, "-c", TYPED], env=os.environ) as terminal:
            for times in range(1, 4):
                terminal.until("The key: ", times=times)
                terminal.type(typed)
            terminal.until("nothing was typed for the secret prompt:The key")
            assert terminal.wait() == 0


def test_without_a_terminal_nobody_is_asked() -> None:
    """The outcome says what to do instead, and nothing waits."""
    done = subprocess.run(
        [sys.executable, "-c", TYPED], capture_output=True, text=True, check=False, timeout=60,
        stdin=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip

    assert done.returncode == 0
    assert "is typed on a terminal, and there is none" in done.stdout
    assert "set()" in done.stdout
