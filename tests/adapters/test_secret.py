"""Secrets from files and from the environment: read at the moment of the call, never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

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
