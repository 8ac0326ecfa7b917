"""Examples by habitat: each in a process of its own, as its user would run it, against a service on this machine."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import httpx
import pytest

import wayhook as wh
from wayhook.testing import Answer, LoopbackService, Received

EXAMPLES = Path(__file__).parents[2] / "examples"
LOOPBACK = wh.Guardrails.standard(network=wh.NetworkPolicy(loopback=True))


def _environment(**more: str) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("COV_", "PYTEST_"))}
    return kept | {"PYTHONUNBUFFERED": "1"} | more


@contextmanager
def running(*arguments: str | Path, folder: Path, **more: Any) -> Iterator[subprocess.Popen[str]]:
    """A python process with these arguments, which is ended at last."""
    process = subprocess.Popen([sys.executable, *arguments], cwd=folder, text=True, **more)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _score(url: str) -> wh.Action:
    return wh.Action(
        name="GetScore",
        url_configuration=wh.UrlConfiguration(f"{url}/scores/", method="GET"),
        response=wh.payload({"score": 7}),
    )


def _send(url: str) -> wh.Action:
    parameters = wh.message_parameters({"to": "+33600000000", "text": "Hi"}, variables={"to": "To", "text": "Text"})
    return wh.Action(
        name="SendSms", url_configuration=wh.UrlConfiguration(f"{url}/messages/"), message_parameters=parameters
    )


WELCOME = wh.Journey(
    "Welcome",
    [
        wh.ActionActivity("GetScore", label="score", path=wh.expression("@event{Signup.id}"), alternative_path=True),
        wh.ActionActivity(
            "SendSms",
            label="day1",
            parameters={
                "to": wh.expression("@event{Signup.phone}"),
                "text": wh.expression("'Score ' + toString(@action{GetScore.score, defaultValue: 0})"),
            },
        ),
    ],
)


def _respond(request: Received) -> Answer:
    return Answer(200, {"score": 8}) if request.path == "/scores/p-1" else Answer(202 if request.body else 404)


@contextmanager
def engine(folder: Path) -> Iterator[httpx.Client]:
    """The engine behind HTTP on a port that is free, and a client of it."""
    command = ("-m", "uvicorn", "--app-dir", EXAMPLES / "fastapi", "--port", "0", "journey_engine:app")
    environment = _environment(ENGINE_LOOPBACK="1", ENGINE_REPOSITORY="sqlite:///engine.db")
    with running(*command, folder=folder, env=environment, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        origin = next(filter(None, (re.search(r"http://127\.0\.0\.1:\d+", line) for line in process.stderr)))[0]
        with httpx.Client(base_url=origin) as client:
            yield client


def _until_seen(client: httpx.Client, person: str, count: int) -> list[dict[str, Any]]:
    for _ in range(1000):
        seen: list[dict[str, Any]] = client.get(f"/journeys/Welcome/people/{person}").raise_for_status().json()
        if len(seen) >= count:
            return seen
    raise AssertionError(seen)


def test_people_walk_through_a_journey(tmp_path: Path) -> None:
    """An event lets a person enter; the second activity reads what the first one brought, or goes on without."""
    with LoopbackService(_respond) as service, engine(tmp_path) as client:
        for document in (_score(service.url), _send(service.url), WELCOME):
            client.put("/definitions", content=wh.dumps(document)).raise_for_status()
        for person in ("p-1", "p-2"):
            entered = client.post(
                f"/journeys/Welcome/people/{person}", json={"Signup": {"id": person, "phone": f"+3360000000{person}"}}
            )
            assert entered.status_code == 202
        first, second = _until_seen(client, "p-1", 2), _until_seen(client, "p-2", 2)
        texts = {request.json()["to"]: request.json()["text"] for request in service.received if request.body}

    assert [step["status"] for step in first] == ["http_200", "http_202"]
    assert first[0]["answer"] == {"score": 8}
    assert [step["status"] for step in second] == ["http_404", "http_202"]
    assert texts == {"+3360000000p-1": "Score 8", "+3360000000p-2": "Score 0"}


def test_the_engine_says_what_is_wrong(tmp_path: Path) -> None:
    """Bad documents and unknown names are refused with their faults; a missing action ends one walk only."""
    with engine(tmp_path) as client:
        bad = client.put("/definitions", content='{"wayhook": 1, "kind": "action", "nmae": "A"}')
        unknown = client.post("/journeys/None/people/p-1", json={})
        nobody = client.get("/journeys/None/people/p-1")
        insecure = wh.Action(name="Plain", url_configuration=wh.UrlConfiguration("http://203.0.113.1/"))
        refused = client.put("/definitions", content=wh.dumps(insecure))
        lonely = wh.Journey("Lonely", [wh.ActionActivity("Nothing", label="day1")])
        client.put("/definitions", content=wh.dumps(lonely))
        client.post("/journeys/Lonely/people/p-1", json={})
        alive = client.get("/journeys/Lonely/people/p-1")

    assert (bad.status_code, unknown.status_code, nobody.status_code) == (422, 404, 404)
    assert "$.nmae" in {fault["path"] for fault in bad.json()["faults"]}
    assert refused.status_code == 422
    assert alive.status_code == 200


@contextmanager
def worker(folder: Path, url: str) -> Iterator[tuple[subprocess.Popen[str], IO[str], IO[str]]]:
    """The worker, its input and its output."""

    async def kept() -> None:
        async with wh.open_repository("sqlite:///actions.db", guardrails=LOOPBACK) as repository:
            await repository.save(_score(url), _send(url), WELCOME)

    asyncio.run(kept())
    command = (EXAMPLES / "worker" / "send_messages.py", "sqlite:///actions.db", "Welcome", "day1")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with running(*command, folder=folder, env=_environment(WORKER_LOOPBACK="1"), **pipes) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process, process.stdin, process.stdout


def _message(number: int) -> str:
    return json.dumps({"id": f"m-{number}", "events": {"Signup": {"phone": f"+3360000000{number}"}}}) + "\n"


def test_a_worker_makes_a_call_for_each_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each message has a line with its own id; what is no message is told, and the others go on."""
    monkeypatch.chdir(tmp_path)
    with LoopbackService(_respond) as service, worker(tmp_path, service.url) as (process, _, _):
        said, complained = process.communicate("".join([_message(1), "no message\n", "{}\n", _message(2)]), timeout=60)
        sent = sorted(request.json()["to"] for request in service.received)

    lines = sorted((json.loads(line) for line in said.splitlines()), key=lambda line: line["id"])
    assert lines == [{"id": f"m-{n}", "status": "http_202", "delivery": "delivered"} for n in (1, 2)]
    assert sent == ["+33600000001", "+33600000002"]
    assert complained.count("this is no message") == 2
    assert process.returncode == 0


def test_a_worker_that_is_told_to_end_finishes_what_it_took(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After SIGTERM the worker ends by itself, its input still open, and every message that it took has its line."""
    monkeypatch.chdir(tmp_path)
    with LoopbackService(_respond) as service, worker(tmp_path, service.url) as (process, given, said):
        given.write(_message(1))
        given.flush()
        first = json.loads(said.readline())
        process.send_signal(signal.SIGTERM)
        rest = said.read()

    assert (first["id"], rest, process.wait(30)) == ("m-1", "", 0)
