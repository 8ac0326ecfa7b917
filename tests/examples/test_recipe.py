"""Recipes for other engines: Temporal, Celery and Spark, as far as they run without a server, and Celery with one."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from celery.exceptions import Retry
from temporalio import workflow
from temporalio.testing import ActivityEnvironment

import wayhook as wh
from wayhook.testing import Answer, FakeTransport, LoopbackService, Received

EXAMPLES = Path(__file__).parents[2] / "examples"
LOOPBACK = wh.Guardrails.standard(network=wh.NetworkPolicy(loopback=True))
RABBITMQ = os.environ.get("WAYHOOK_TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672//")
KEY = "Idempotency-Key"


def program(name: str) -> ModuleType:
    """An example as a module of its own."""
    path = EXAMPLES / name
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def send(url: str) -> wh.Action:
    """An action that sends a text."""
    return wh.Action(
        name="SendSms",
        url_configuration=wh.UrlConfiguration(url),
        message_parameters=wh.message_parameters({"to": "+336"}, variables={"to": "To"}),
        response=wh.payload({"id": "m-1"}),
        idempotency_header=KEY,
    )


def welcome() -> wh.Journey:
    """A journey that uses it."""
    to = wh.expression("@event{Signup.phone}")
    return wh.Journey("Welcome", [wh.ActionActivity("SendSms", label="day1", parameters={"to": to})])


EVENTS = {"Signup": {"phone": "+33600000001"}}


async def kept(url: str) -> wh.MemoryRepository:
    """A repository with both."""
    repository = wh.MemoryRepository(guardrails=LOOPBACK)
    await repository.save(send(url), welcome())
    return repository


def environment() -> ActivityEnvironment:
    """Temporal's, for an activity of some workflow."""
    found = ActivityEnvironment()
    found.info = replace(found.info, workflow_run_id="run-1", activity_id="7")
    return found


async def test_a_temporal_activity_makes_the_call_under_an_id_that_stays() -> None:
    """It is that of the run and the activity, or the one that the workflow names; a worker says that it lives."""
    module = program("temporal/send_activity.py")
    transport, beats = FakeTransport(wh.Response(202, body=b'{"id": "m-9"}')), []
    here = environment()
    here.on_heartbeat = lambda *details: beats.append(details)

    async with wh.Executor(await kept("https://sms.example.com/"), transport=transport) as executor:
        execute = module.Actions(executor).execute
        first = await here.run(execute, module.Step("Welcome", "day1", EVENTS))
        again = await here.run(execute, module.Step("Welcome", "day1", EVENTS, "of-before"))

    assert first == module.Told("http_202", "delivered", "run-1.7", {"id": "m-9"}, 0.0)
    assert again.delivery_id == "of-before"
    assert [dict(request.headers)[KEY] for request in transport.requests] == ["run-1.7", "of-before"]
    assert beats


async def test_a_cancelled_temporal_activity_ends_its_call() -> None:
    """The cancellation is not swallowed, and nothing goes on."""
    module, here, begun = program("temporal/send_activity.py"), environment(), asyncio.Event()

    class Hanging(FakeTransport):
        async def send(self, request: wh.Request, deadline: float) -> wh.Response:
            begun.set()
            await asyncio.Event().wait()
            return await super().send(request, deadline)

    async with wh.Executor(await kept("https://sms.example.com/"), transport=Hanging()) as executor:
        step = module.Step("Welcome", "day1", EVENTS)
        running = asyncio.ensure_future(here.run(module.Actions(executor).execute, step))
        await begun.wait()
        here.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        others = asyncio.all_tasks() - {asyncio.current_task()}

    assert not [task for task in others if "_beat" in repr(task) and not task.cancelling()]


async def test_a_temporal_workflow_comes_again_where_nothing_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time that was asked for, under the same id; Temporal itself repeats nothing."""
    module = program("temporal/send_activity.py")
    told = [
        module.Told("unavailable", "unavailable", "id-1", None, 30.0),
        module.Told("unavailable", "unavailable", "id-1", None, 0.0),
        module.Told("http_202", "delivered", "id-1", {"id": "m"}, 0.0),
    ]
    steps, policies, slept = [], [], []

    async def execute(_: object, step: Any, **settings: Any) -> Any:
        steps.append(step)
        policies.append(settings["retry_policy"].maximum_attempts)
        return told[len(steps) - 1]

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(workflow, "execute_activity_method", execute)
    monkeypatch.setattr(workflow, "sleep", sleep)

    last = await module.Send().run(module.Step("Welcome", "day1", EVENTS))

    assert last == told[2]
    assert [step.delivery_id for step in steps] == [None, "id-1", "id-1"]
    assert policies == [1, 1, 1]
    assert slept == [30.0, 2.0]


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The example of Celery, whose tasks run where they are sent."""
    module = program("celery/send_task.py")
    module.app.conf.task_always_eager = True
    monkeypatch.setenv("WORKER_LOOPBACK", "1")
    yield module
    module.leave()


def test_a_celery_task_makes_the_call_under_its_own_id(
    task: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message that comes again is told apart by the receiver; one process keeps one executor."""
    monkeypatch.setenv("ACTIONS", f"sqlite:///{tmp_path / 'actions.db'}")
    with LoopbackService(lambda _: Answer(202, {"id": "m-9"})) as service:
        asyncio.run(stored(os.environ["ACTIONS"], service.url))
        for _ in range(2):
            told = task.send.apply(("Welcome", "day1", EVENTS), task_id="t-1").get()

    assert told == {"status": "http_202", "delivery": "delivered", "response": {"id": "m-9"}}
    assert [received.headers[KEY.lower()] for received in service.received] == ["t-1", "t-1"]
    assert task.office.cache_info().misses == 1


async def stored(url: str, service: str) -> None:
    """Keep the action and the journey at a URL."""
    async with wh.open_repository(url, guardrails=LOOPBACK) as repository:
        await repository.save(send(service), welcome())


@pytest.mark.parametrize(
    ("delivery", "later", "countdown"),
    [
        (wh.Delivery.UNAVAILABLE, None, 1.0),
        (wh.Delivery.UNAVAILABLE, timedelta(minutes=1), 60.0),
        (wh.Delivery.UNKNOWN, None, None),
        (wh.Delivery.REJECTED, None, None),
    ],
)
def test_a_celery_task_comes_again_only_where_nothing_was_done(
    task: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    delivery: wh.Delivery,
    later: timedelta | None,
    countdown: float | None,
) -> None:
    """Not before the time that the destination named; any other outcome is the result."""
    not_before = None if later is None else datetime.now(UTC) + later
    outcome = wh.Outcome("SendSms", "internalError", delivery=delivery, not_before=not_before)

    class Office:
        def execute(self, *_: object) -> wh.Outcome:
            return outcome

    monkeypatch.setattr(task, "office", Office)
    monkeypatch.setattr(task.send, "retry", lambda *, countdown: Retry(when=countdown))
    task.send.push_request(id="t-1", retries=0)
    try:
        if countdown is None:
            assert task.send.run("Welcome", "day1", EVENTS)["delivery"] == delivery.value
        else:
            with pytest.raises(Retry) as caught:
                task.send.run("Welcome", "day1", EVENTS)
            assert caught.value.when == pytest.approx(countdown, abs=5.0 if later else 0.0)
    finally:
        task.send.pop_request()
        monkeypatch.undo()


@pytest.fixture
def queue() -> Iterator[str]:
    """A queue of this machine's RabbitMQ that nobody else has, and that is gone at last."""
    from kombu import Connection

    name, place = f"wayhook-test-{uuid4().hex}", urlsplit(RABBITMQ)
    try:
        socket.create_connection((place.hostname, place.port or 5672), timeout=5).close()
    except OSError as error:
        message = f"RabbitMQ is not running here ({type(error).__name__}); CONTRIBUTING says how to start it"
        if "CI" in os.environ:
            pytest.fail(message)
        pytest.skip(message)
    yield name
    with Connection(RABBITMQ) as connection, connection.channel() as channel:
        channel.queue_delete(name)


@pytest.mark.services
@pytest.mark.kill
def test_the_message_of_a_killed_celery_worker_comes_again_with_its_id(
    queue: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that is killed in the middle of a call has acknowledged nothing; the next one repeats that call."""
    calls = [threading.Event(), threading.Event()]

    def respond(_: Received) -> Answer:
        is_first = not calls[0].is_set()
        calls[not is_first].set()
        return Answer(202, {"id": "m"}, delay=600 if is_first else 0)

    url = f"sqlite:///{tmp_path / 'actions.db'}"
    more = {"ACTIONS": url, "BROKER": RABBITMQ, "QUEUE": queue, "WORKER_LOOPBACK": "1"}
    for name, text in more.items():
        monkeypatch.setenv(name, text)
    command = (
        *(sys.executable, "-m", "celery", "--workdir", EXAMPLES / "celery", "-A", "send_task", "worker", "-c", "1"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "ERROR"),
    )
    start = partial(subprocess.Popen, command, cwd=tmp_path, start_new_session=True)
    with LoopbackService(respond) as service:
        asyncio.run(stored(url, service.url))
        module = program("celery/send_task.py")
        module.send.apply_async(("Welcome", "day1", EVENTS), task_id="t-42")
        module.app.close()
        for called in calls:
            worker = start()
            try:
                assert called.wait(60)
            finally:
                os.killpg(worker.pid, signal.SIGKILL)
                worker.wait(30)

    assert [received.headers[KEY.lower()] for received in service.received] == ["t-42", "t-42"]


def test_a_spark_function_calls_for_each_row_of_a_partition() -> None:
    """It takes a plain iterator, no further than it must, and gives what came of each row, in order."""
    module, taken = program("spark/call_partitions.py"), []

    def rows() -> Iterator[dict[str, Any]]:
        for number in range(2500):
            taken.append(number)
            yield {"id": f"r-{number}", "to": f"n{number}"}

    with LoopbackService(lambda r: Answer(422 if r.json()["to"] == "n3" else 200)) as service:
        told = module.call_partition(wh.dumps(send(service.url)), rows(), guardrails=LOOPBACK)
        first, seen = next(told), len(taken)
        rest = list(told)

    assert first == {"id": "r-0", "status": "http_200", "delivery": "delivered"}
    assert seen == module.CHUNK
    assert [one["id"] for one in (first, *rest)] == [f"r-{number}" for number in range(2500)]
    assert [one["id"] for one in rest if one["status"] != "http_200"] == ["r-3"]
    assert {received.headers[KEY.lower()] for received in service.received} == {f"r-{n}" for n in range(2500)}


def test_a_spark_function_closes_what_it_opened_when_it_is_left_early() -> None:
    """As Spark leaves it under a limit."""
    module = program("spark/call_partitions.py")
    with LoopbackService() as service:
        told = module.call_partition(
            wh.dumps(send(service.url)), [{"id": "a", "to": "n"}, {"id": "b", "to": "m"}], guardrails=LOOPBACK
        )
        assert next(told)["id"] == "a"
        told.close()

    assert list(told) == []
