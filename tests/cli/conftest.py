"""What the tests of the command line share: a shell, a folder, documents, and a service."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from shell import SECRET, Shell, connection, respond, send_sms, welcome

import wayhook as wh
from wayhook.testing import LoopbackService


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path) -> Shell:
    """Runs commands in this process, in the folder of the test."""
    return Shell(monkeypatch, capsys)


@pytest.fixture
def environment() -> dict[str, str]:
    """The environment of a command in a process of its own."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("COV_", "PYTEST_"))}
    return {**kept, "PYTHONWARNINGS": "error"}


@pytest.fixture
def service() -> Iterator[LoopbackService]:
    """The messaging service."""
    with LoopbackService(respond) as service:
        yield service


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """The folder in which a command runs, with loopback allowed and the key of the service at hand."""
    monkeypatch.chdir(tmp_path)
    for name in ("WAYHOOK_REPOSITORY", "WAYHOOK_EDITION", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WAYHOOK_ALLOW", "loopback")
    monkeypatch.setenv("SMS_KEY", SECRET)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


@pytest.fixture
def documents(folder: Path, service: LoopbackService) -> Path:
    """The folder with documents of the action, the journey and the connection, and a context."""
    for name, value in {
        "sms.json": send_sms(service.url),
        "welcome.json": welcome(),
        "crm.json": connection(service.url),
    }.items():
        (folder / name).write_text(wh.dumps(value))
    (folder / "ann.json").write_text('{"event": {"Signup": {"phone": "+331", "name": "Ann", "points": 3}}}')
    return folder


@pytest.fixture
async def kept(documents: Path, service: LoopbackService, loopback: wh.Guardrails) -> Path:
    """The folder with all of these kept in its repository."""
    async with wh.open_repository("sqlite:///wayhook.db", guardrails=loopback) as repository:
        await repository.save(send_sms(service.url), welcome(), connection(service.url))
    return documents
