"""`python -m wayhook demo`: it works, its numbers agree, and what it cannot do it says in a sentence."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest

import wayhook as wh
from wayhook.testing import Answer, LoopbackService, Received


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "wayhook", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(scope="module")
def demonstrated(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """One run of the demo, and the database that it kept."""
    file = tmp_path_factory.mktemp("demo") / "actions.db"
    return _run("demo", "--contexts", "50", "--keep", str(file)), file


Demonstrated = tuple[subprocess.CompletedProcess[str], Path]


def test_the_demo_works(demonstrated: Demonstrated) -> None:
    """It ends well, and nothing on the error stream but the progress bar."""
    done, _ = demonstrated

    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert "Warning" not in done.stderr
    assert "50/50" in done.stderr


def test_the_numbers_agree(demonstrated: Demonstrated) -> None:
    """Of each endpoint requests are delivered and retried ones together; every customer is counted once."""
    done, _ = demonstrated
    rows = re.findall(r"^  (\w+) +(\d+) +(\d+) +(\d+)$", done.stdout, re.MULTILINE)
    numbers = {place: tuple(map(int, counts)) for place, *counts in rows}

    assert numbers == {
        "audit": (1, 1, 0), "sms": (2, 1, 1), "push": (1, 1, 0), "crm": (1, 1, 0),
        "token": (1, 1, 0), "loyalty": (52, 50, 2),
    }  # fmt: skip
    assert "Of 50 customers 50 got their points, 0 of them twice." in done.stdout


def test_it_shows_a_call_without_its_secret(demonstrated: Demonstrated) -> None:
    """The preview and the curl command have the reference in place of the key, and no secret is printed anywhere."""
    done, _ = demonstrated

    assert "X-Api-Key: ‹env:DEMO_KEY›" in done.stdout
    assert '"$DEMO_KEY"' in done.stdout
    assert "Welcome, Ann 0!" in done.stdout
    assert "-for-the-demo" not in done.stdout + done.stderr


def test_one_call_of_each_kind_is_shown(demonstrated: Demonstrated) -> None:
    """The calls of the four other kinds end well; the service got the throttled one twice."""
    done, _ = demonstrated

    outcomes = re.findall(r"^  (\w+): (http_\d+), (\d) received", done.stdout, re.MULTILINE)

    assert outcomes == [
        ("WriteAudit", "http_200", "1"), ("SendSms", "http_200", "2"),
        ("SendPush", "http_200", "1"), ("UpdateCrm", "http_200", "1"),
    ]  # fmt: skip


async def test_a_kept_database_opens(demonstrated: Demonstrated) -> None:
    """The file has the five actions and the journey, and no secret."""
    _, file = demonstrated

    rails = wh.Guardrails.standard(network=wh.NetworkPolicy(loopback=True))
    async with wh.open_repository(f"sqlite:///{file}", guardrails=rails) as repository:
        actions = [stored.value.name for stored in (await repository.list(wh.Action)).items]
        journey = (await repository.get(wh.Journey, "Welcome")).value

    assert actions == ["AddPoints", "SendPush", "SendSms", "UpdateCrm", "WriteAudit"]
    assert set(journey.actions) == set(actions)
    assert b"-for-the-demo" not in file.read_bytes()


def test_a_kept_database_serves_the_next_demo(demonstrated: Demonstrated) -> None:
    """A second run on the same file saves over the first."""
    _, file = demonstrated

    done = _run("demo", "--contexts", "2", "--keep", str(file))

    assert done.returncode == 0


def test_a_service_of_ones_own_is_called() -> None:
    """`--url` aims the same actions at another service, and counts by the answers."""

    def respond(request: Received) -> Answer:
        return Answer(200, {"access_token": "t-1", "id": "1", "accepted": True})

    with LoopbackService(respond) as service:
        done = _run("demo", "--contexts", "20", "--url", service.url + "/")

    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert "Your service answered 24 of 24 calls with success, after 0 retries." in done.stdout
    places = [request.path.split("/")[1] for request in service.received]
    assert {place: places.count(place) for place in places} == {
        "audit": 1, "sms": 1, "push": 1, "crm": 1, "token": 1, "loyalty": 20,
    }  # fmt: skip


def test_a_service_that_refuses_is_told() -> None:
    """Calls that are not delivered are shown with their reason, and the exit code says so."""
    with LoopbackService(lambda _: Answer(403)) as service:
        done = _run("demo", "--contexts", "3", "--url", service.url)

    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "Your service answered 0 of 7 calls with success" in done.stdout
    assert "SendSms http_403 after 1 attempt" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Missing command"),
        (["dance"], "No such command 'dance'"),
        (["demo", "--contexts", "0"], "give a whole number from 1"),
        (["demo", "--contexts", "many"], "give a whole number from 1"),
        (["demo", "--contexts", "²"], "give a whole number from 1"),
        (["demo", "--fast"], "No such option: --fast"),
        (["demo", "--url", "ftp://x.example.com"], "the scheme 'ftp' is not supported"),
        (["demo", "--url", "http://user:pw@127.0.0.1/"], "user info"),
        (["demo", "--url", "nonsense"], "write an absolute URL"),
        (["demo", "--url", ""], "write an absolute URL"),
        (["demo", "--url", "http://[::1"], "URL"),
        (["demo", "--keep", "/nowhere/at/all.db", "--contexts", "1"], "all.db"),
    ],
)
def test_a_wrong_argument_is_a_sentence(arguments: list[str], words: str) -> None:
    """What cannot be done is said on the error stream, with exit code 2 and no traceback."""
    done = _run(*arguments)

    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert words in done.stderr


@pytest.mark.parametrize("content", [b"my notes", b"SQLite format 3\x00" + bytes(200)])
def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path, content: bytes) -> None:
    """`--keep` on a file of something else is refused in a sentence that names it, and the file stays as it is."""
    file = tmp_path / "notes.txt"
    file.write_bytes(content)

    done = _run("demo", "--contexts", "1", "--keep", str(file))

    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "wayhook: notes.txt" in done.stderr
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [content]


def test_help_is_there() -> None:
    """Every option is explained."""
    done = _run("demo", "--help")

    assert done.returncode == 0
    assert all(option in done.stdout for option in ("--keep", "--url", "--contexts"))


def test_an_interrupt_is_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Control-C ends the demo with a sentence and exit code 130."""
    from wayhook.cli import command

    def interrupted(coroutine: object) -> bool:
        coroutine.close()
        raise KeyboardInterrupt

    monkeypatch.setattr(asyncio, "run", interrupted)

    code = command.main(["demo"])

    assert code == 130
    assert "stopped" in capsys.readouterr().err
