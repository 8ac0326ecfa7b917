"""The examples run as a user would run them: in a process of their own, without a network."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from stand_in import adobe, epsilon, facebook, firebase, slack
from stand_in.service import StandIn

import wayhook as wh

EXAMPLES = Path(__file__).parents[2] / "examples"


def python(*arguments: str | Path, folder: Path) -> str:
    """What a python process with these arguments prints; it must succeed, and warn of nothing."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "PYTEST_"))}
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=folder, capture_output=True, text=True, check=False, timeout=120, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_script_sends_to_every_row(tmp_path: Path) -> None:
    """The script prints an outcome for each row of its file."""
    rows = tmp_path / "rows.csv"
    rows.write_text("phone,name\n+33600000001,Cy\n")

    printed = python(EXAMPLES / "script" / "send_welcome.py", rows, folder=tmp_path)

    assert printed == "Cy: http_202 {'id': 'm-0001'}\n"


def test_the_engine_follows_alternative_paths(tmp_path: Path) -> None:
    """The engine goes on without a score, and stops where a message is refused."""
    printed = python(EXAMPLES / "engine" / "tiny_engine.py", folder=tmp_path)

    assert printed.splitlines() == [
        " 19 finished",
        "  1 stopped at welcome: http_422",
        " 10 messages without a score",
    ]


def test_the_repository_passes_its_own_tests(tmp_path: Path) -> None:
    """The example of a repository keeps the contract of repositories, and agrees with the state machine."""
    package = EXAMPLES / "repository"

    printed = python(
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", package),
        *("-c", package / "pyproject.toml", package),
        folder=tmp_path,
    )

    assert " passed" in printed


def test_the_repository_opens_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the example names for the scheme `json` opens a file by its URL, and finds there what was saved."""
    project = tomllib.loads((EXAMPLES / "repository" / "pyproject.toml").read_text())
    module_name, _, function = project["project"]["entry-points"]["wayhook.repositories"]["json"].partition(":")
    spec = importlib.util.spec_from_file_location(module_name, EXAMPLES / "repository" / f"{module_name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    name, _, method = function.partition(".")
    monkeypatch.chdir(tmp_path)

    async def save_and_get() -> wh.Stored[wh.Journey]:
        async with getattr(getattr(module, name), method)("json:///kept.json", None) as repository:
            await repository.save(wh.Journey("Welcome"))
        async with getattr(getattr(module, name), method)("json:///kept.json", None) as repository:
            stored: wh.Stored[wh.Journey] = await repository.get(wh.Journey, "Welcome")
            return stored

    stored = asyncio.run(save_and_get())
    assert (stored.value, stored.version) == (wh.Journey("Welcome"), 1)


SYSTEMS = {
    "adobe_io.py": (
        adobe.Adobe,
        lambda _: {"ADOBE_CLIENT_SECRET": adobe.CLIENT_SECRET, "ADOBE_INLET": adobe.INLET},
        "http_200 {'xactionId': '1584479347507:2153:2', 'syncValidation': {'status': 'pass'}}",
    ),
    "epsilon_message.py": (
        epsilon.Epsilon,
        lambda _: epsilon.ENVIRONMENT,
        "http_202 {'id': 'm-2', 'status': 'queued'}",
    ),
    "facebook_graph.py": (
        facebook.Facebook,
        lambda _: {"FACEBOOK_PAGE_TOKEN": facebook.TOKEN},
        "http_200 {'id': '1001001001_1'}",
    ),
    "firebase_messaging.py": (
        firebase.Firebase,
        lambda service: {"FIREBASE_PRIVATE_KEY": firebase.pem(service.key)},
        "http_200 {'name': 'projects/shop-1/messages/0:2'}",
    ),
    "slack_webhook.py": (
        slack.Slack,
        lambda _: {"SLACK_WEBHOOK": slack.WEBHOOK},
        "http_200 ok",
    ),
}


@pytest.mark.parametrize("program", SYSTEMS)
def test_a_program_for_a_system_sends_where_it_is_told(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each program sends to the stand-in whose origin is its argument, and prints the answer."""
    kind: type[StandIn]
    kind, environment, expected = SYSTEMS[program]
    with kind() as service:
        for name, text in environment(service).items():
            monkeypatch.setenv(name, text)

        printed = python(EXAMPLES / "systems" / program, service.url, folder=tmp_path)

    assert printed == expected + "\n"


@pytest.mark.parametrize("program", SYSTEMS)
def test_a_program_for_a_system_sends_nothing_unasked(program: str, tmp_path: Path) -> None:
    """Without an origin each program shows the call to the service itself, without any secret."""
    printed = python(EXAMPLES / "systems" / program, folder=tmp_path)

    assert printed.startswith("POST https://")
    assert "‹" in printed


def test_every_program_for_a_system_is_run() -> None:
    """No program is left out of these tests."""
    programs = {path.name for path in (EXAMPLES / "systems").glob("*.py")}

    assert programs == set(SYSTEMS)
