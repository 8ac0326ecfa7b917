"""A map by the workers of a Dask cluster: the same results, each row called once, and honest words for the lost."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, Self
from uuid import uuid4

import attrs
import dask
import pytest
from distributed import Client, LocalCluster

import wayhook as wh
from wayhook.notebook import cluster
from wayhook.testing import Answer, FakeConsent, FakeSecrets, FakeTransport, LoopbackService, Received, RecordingSink

ROWS = [{"to": f"n{number}", "text": "Hi"} for number in range(30)]
HOW: dict[str, Any] = {
    "dashboard_address": "127.0.0.1:0",
    "host": "127.0.0.1",
    "protocol": "tcp://",
    "threads_per_worker": 1,
    "n_workers": 2,
}


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """A cluster in threads of this process."""
    with LocalCluster(processes=False, **HOW) as local, Client(local) as client:
        yield client


@pytest.fixture(scope="module")
def processes() -> Iterator[Client]:
    """A cluster of two processes."""
    with LocalCluster(processes=True, **HOW) as local, Client(local) as client:
        yield client


def timeless(outcome: wh.Outcome) -> wh.Outcome:
    """What does not differ from one time to the next."""
    attempts = tuple(attrs.evolve(attempt, started=0.0, elapsed=0.0) for attempt in outcome.attempts)
    changes: dict[str, Any] = {"attempts": attempts, "cause": str(outcome.cause), "received": None}
    return attrs.evolve(outcome, elapsed=0.0, finished=None, delivery_id="", **changes)


def test_rows_by_processes_come_to_the_same(
    processes: Client, live: wh.Action, service: LoopbackService, loopback: wh.Guardrails
) -> None:
    """Each row is called once, outcomes stand in order, field by field as without an engine."""
    rows = [{"to": f"{'bad' if number % 7 == 0 else 'n'}{number}", "text": "Hi"} for number in range(200)]
    told: list[wh.Progress] = []

    alone = wh.map(live, rows, guardrails=loopback, progress=False)
    here = len(service.received)
    results = wh.map(live, rows, guardrails=loopback, engine=processes, progress=told.append)

    assert [timeless(outcome) for outcome in results] == [timeless(outcome) for outcome in alone]
    assert sorted(r.json()["to"] for r in service.received[here:]) == sorted(row["to"] for row in rows)
    assert len({outcome.delivery_id for outcome in results}) == 200
    assert (told[-1].done, told[-1].total, told[-1].succeeded) == (200, 200, len(results.succeeded))
    assert told[-1].tally == results.tally
    assert [outcome.index for outcome in pickle.loads(pickle.dumps(results))] == list(range(200))


def test_the_rows_of_a_lost_worker_are_unknown_and_not_called_again(processes: Client) -> None:
    """Dask runs the task of a worker that it lost again, which must send nothing; a retry repeats with the same ids."""
    names, killing = count(), threading.Event()

    def respond(received: Received) -> Answer:
        if not killing.is_set() and next(names) == 3:
            killing.set()
            for pid in processes.run(os.getpid).values():
                os.kill(pid, signal.SIGKILL)
        return Answer(200)

    with LoopbackService(respond) as service:
        action = wh.Action(
            name="A",
            url_configuration=wh.UrlConfiguration(service.url, method="PUT"),
            message_parameters=wh.message_parameters({"n": 1}, variables={"n": ""}),
            idempotency_header="Idempotency-Key",
        )
        rails = wh.Guardrails.standard(network=wh.NetworkPolicy(loopback=True))
        rows = [{"n": number} for number in range(40)]
        results = wh.map(action, rows, guardrails=rails, concurrency=1, engine=processes, progress=False)
        sent = [received.headers["idempotency-key"] for received in service.received]
        again = results.retry()

    lost = [outcome for outcome in results if outcome.delivery is wh.Delivery.UNKNOWN]
    assert killing.is_set()
    assert len(sent) == len(set(sent))
    assert 1 <= len(lost) <= 20
    assert {str(outcome.cause) for outcome in lost} == {"the worker that made the call did not tell how it ended"}
    assert {outcome.delivery for outcome in results} == {wh.Delivery.UNKNOWN, wh.Delivery.DELIVERED}
    assert set(sent) <= {outcome.delivery_id for outcome in results}
    assert again.tally == {"http_200": 40}
    assert [outcome.delivery_id for outcome in again] == [outcome.delivery_id for outcome in results]


def test_secrets_are_looked_up_on_the_worker(
    processes: Client, service: LoopbackService, loopback: wh.Guardrails
) -> None:
    """Only the reference travels; what the worker has under that name is sent."""
    processes.run(lambda: os.environ.update(WAYHOOK_TEST_KEY="k-of-the-worker"))
    authentication = wh.ApiKeyAuthentication("X-Api-Key", wh.secret("env:WAYHOOK_TEST_KEY"), location="header")
    action = wh.Action(
        name="A", url_configuration=wh.UrlConfiguration(service.url, method="GET"), authentication=authentication
    )

    results = wh.map(action, [{}] * 4, guardrails=loopback, engine=processes, progress=False)

    assert "WAYHOOK_TEST_KEY" not in os.environ
    assert {received.headers["x-api-key"] for received in service.received} == {"k-of-the-worker"}
    assert b"k-of-the-worker" not in pickle.dumps(results)


def test_a_literal_secret_stays_here(client: Client, action: wh.Action) -> None:
    """It is refused before anything is sent, and not shown."""
    authentication = wh.ApiKeyAuthentication("X-Api-Key", wh.literal_secret("s3cr3t-text"), location="header")
    action = attrs.evolve(action, authentication=authentication)

    with pytest.raises(wh.DefinitionError, match="a literal secret stays in its process") as caught:
        wh.map(action, ROWS, engine=client, progress=False)

    assert "s3cr3t-text" not in str(caught.value)


def test_failed_rows_are_called_again_by_the_engine(client: Client, loopback: wh.Guardrails) -> None:
    """A retry calls these rows only, by the workers, and keeps the other outcomes."""
    busy = {"n3", "n4"}

    def respond(received: Received) -> Answer:
        return Answer(422 if received.json()["to"] in busy else 202)

    with LoopbackService(respond) as service:
        action = wh.Action(
            name="A",
            url_configuration=wh.UrlConfiguration(service.url),
            message_parameters=wh.message_parameters({"to": "x"}, variables={"to": ""}),
        )
        first = wh.map(action, [{"to": f"n{i}"} for i in range(8)], guardrails=loopback, engine=client, progress=False)
        busy.clear()
        second = first.retry()

    assert [outcome.index for outcome in first.failed] == [3, 4]
    assert second.tally == {"http_202": 8}
    assert [second[place] is first[place] for place in range(8)] == [place not in (3, 4) for place in range(8)]
    assert len(service.received) == 10


@pytest.fixture
def echo() -> Iterator[LoopbackService]:
    """A service that takes everything."""
    with LoopbackService() as service:
        yield service


async def kept(url: str, guardrails: wh.Guardrails) -> wh.MemoryRepository:
    """A repository with an action at `url`, and a journey that uses it."""
    repository = wh.MemoryRepository(guardrails=guardrails)
    action = wh.Action(
        name="Greet",
        url_configuration=wh.UrlConfiguration(url),
        message_parameters=wh.message_parameters({"text": "Hello"}, variables={"text": "Text"}),
    )
    parameters = {"text": wh.expression("@event{Signup.name}")}
    await repository.save(
        action, wh.Journey("Welcome", [wh.ActionActivity("Greet", label="hello", parameters=parameters)])
    )
    return repository


def people(number: int) -> list[wh.Context]:
    """So many individuals, n0 and so on."""
    return [wh.Context({"Signup": {"name": f"n{i}"}}) for i in range(number)]


def test_an_activity_is_executed_for_contexts(client: Client, echo: LoopbackService, loopback: wh.Guardrails) -> None:
    """The journey and its action travel; outcomes name both, and each context has its answer."""
    repository = asyncio.run(kept(f"{echo.url}/greet", loopback))
    contexts, delivery_ids = people(9), [f"id-{i}" for i in range(9)]

    results = wh.map(
        "Welcome", contexts, label="hello", repository=repository, guardrails=loopback, engine=client,
        delivery_ids=delivery_ids, progress=False,
    )  # fmt: skip

    assert sorted(received.json()["text"] for received in echo.received) == [f"n{i}" for i in range(9)]
    assert [(o.journey, o.label, o.action, o.delivery_id) for o in results] == [
        ("Welcome", "hello", "Greet", name) for name in delivery_ids
    ]
    assert len({o.uid for o in results}) == 1
    assert all(results[0].uid for _ in results)
    assert [context.actions["Greet"]["jo_status_code"] for context in contexts] == ["http_200"] * 9


def test_nothing_is_sent_where_a_row_does_not_fit(
    client: Client, live: wh.Action, service: LoopbackService, loopback: wh.Guardrails
) -> None:
    """Rows are judged here, before a worker hears of them."""
    with pytest.raises(wh.RenderError, match=r"\$\.rows\[30\]\.parameters\.to"):
        wh.map(live, [*ROWS, {"to": 5, "text": "Hi"}], guardrails=loopback, engine=client, progress=False)

    assert service.received == []


class Stuck:
    """Refuses to be pickled, with an error of its own."""

    def __reduce__(self) -> Any:
        raise ValueError


def test_nothing_is_sent_where_a_row_cannot_travel(
    client: Client, echo: LoopbackService, loopback: wh.Guardrails
) -> None:
    """All such rows are told at once."""
    repository = asyncio.run(kept(echo.url, loopback))
    odd = [wh.Context({"Signup": {"name": "n", "more": Stuck()}}) for _ in range(2)]
    own = wh.Context({"Signup": {"name": "n"}}, random_uuid=uuid4)

    with pytest.raises(wh.RenderError) as caught:
        wh.map(
            "Welcome", [*people(2), *odd, own], label="hello", repository=repository, guardrails=loopback,
            engine=client, progress=False,
        )  # fmt: skip

    assert str(caught.value).splitlines() == [
        "$.rows[2]: a value cannot travel to a worker (ValueError); give a plain one (the same in row 3)",
        "$.rows[4]: a context with random numbers of its own stays in its process",
    ]
    assert echo.received == []


def test_a_dry_run_sends_nothing(client: Client, action: wh.Action) -> None:
    """It renders here, as without an engine."""
    calls = wh.map(action, ROWS, engine=client, dry_run=True)

    assert len(calls) == 30


def test_no_rows_have_no_outcomes(client: Client, action: wh.Action) -> None:
    """An empty table is a table."""
    assert list(wh.map(action, [], engine=client, progress=False)) == []


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"secrets": FakeSecrets({})}, "$.secrets"),
        ({"consent": FakeConsent()}, "$.consent"),
        ({"events": [RecordingSink()]}, "$.events"),
        ({"transport": FakeTransport()}, "$.transport"),
        ({"limiter": wh.WindowLimiter([])}, "$.limiter"),
        ({"processes": 2}, "$.processes"),
    ],
)
def test_what_a_worker_cannot_have_is_refused(
    client: Client, action: wh.Action, settings: dict[str, Any], path: str
) -> None:
    """By the name of the setting, with what to do."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.map(action, ROWS, engine=client, progress=False, **settings)

    assert [violation.path for violation in caught.value.violations] == [path]


def test_all_that_is_wrong_is_told_at_once(action: wh.Action) -> None:
    """With what is no client at all."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.map(action, ROWS, engine="tcp://127.0.0.1:8786", processes=2, transport=FakeTransport())

    assert str(caught.value).splitlines() == [
        "$.transport: give it by its name, such as 'httpx': each worker makes its own",
        "$.processes: leave this out: the processes are the workers of the engine",
        "$.engine: a distributed.Client belongs here, not str",
    ]


def test_a_client_that_cannot_be_used_is_refused(client: Client, action: wh.Action) -> None:
    """One that was closed."""
    other = Client(client.scheduler.address)
    other.close()

    with pytest.raises(wh.DefinitionError, match="this client is not connected: make another"):
        wh.map(action, ROWS, engine=other, progress=False)


@pytest.mark.parametrize(
    ("settings", "told"), [({"concurrency": 0}, r"\$\.concurrency: give a whole"), ({"timeout": -1}, r"\$\.timeout")]
)
def test_bad_settings_are_refused_here(client: Client, action: wh.Action, settings: dict[str, Any], told: str) -> None:
    """As without an engine, before a worker hears of them."""
    with pytest.raises(wh.DefinitionError, match=told):
        wh.map(action, ROWS, engine=client, progress=False, **settings)


def test_workers_with_another_wayhook_are_refused(
    client: Client, action: wh.Action, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What travels is opened by the same version, or not at all; without Wayhook nothing could be."""

    def elsewhere(_: str) -> str:
        return "1.0" if threading.current_thread() is threading.main_thread() else "0.9"

    monkeypatch.setattr(cluster, "version", elsewhere)
    with pytest.raises(
        wh.DefinitionError, match=r"the workers have Wayhook 0\.9, and here it is 1\.0; install the same"
    ):
        wh.map(action, ROWS, engine=client, progress=False)

    def nowhere(name: str) -> str:
        if threading.current_thread() is threading.main_thread():
            return "1.0"
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(cluster, "version", nowhere)
    with pytest.raises(wh.DefinitionError, match=r"the workers have no Wayhook; install wayhook==1\.0 there"):
        wh.map(action, ROWS, engine=client, progress=False)


def test_the_extra_is_named_where_it_is_missing(action: wh.Action, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one sentence."""
    monkeypatch.setitem(sys.modules, "distributed", None)

    with pytest.raises(wh.MissingExtra, match=r"takes the extra: pip install 'wayhook\[dask\]'$"):
        wh.map(action, ROWS, engine=object(), progress=False)


def test_limits_of_one_process_are_refused(client: Client, loopback: wh.Guardrails) -> None:
    """A cap that is deployed would be kept by each worker for itself; so would that of an edition."""

    async def limited() -> wh.MemoryRepository:
        repository = await kept("https://greet.example.com/", loopback)
        capping = wh.CappingConfiguration("Cap", wh.CappingRule("https://greet.example.com/*", wh.Rating(10, 1000)))
        await repository.save(capping)
        await repository.save(capping.deployed())
        return repository

    with pytest.raises(wh.DefinitionError, match="limits calls, which holds in one process; give a function"):
        wh.map("Greet", [{"text": "Hi"}], repository=asyncio.run(limited()), engine=client, progress=False)


class Counter:
    """A limiter that counts: places taken, and how often it was opened and closed."""

    def __init__(self) -> None:
        self.places = self.opened = self.closed = 0
        self._lock = threading.Lock()

    async def __aenter__(self) -> Self:
        with self._lock:
            self.opened += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        with self._lock:
            self.closed += 1

    @asynccontextmanager
    async def place(self, method: str, url: str) -> AsyncIterator[float]:
        """Let the call through."""
        with self._lock:
            self.places += 1
        yield 0.0


def test_a_shared_limiter_is_made_on_each_worker(
    client: Client, live: wh.Action, loopback: wh.Guardrails, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function makes it, each call has a place in it, and it is closed."""
    counter = Counter()
    monkeypatch.setattr(wh.testing, "_counter_of_a_test", counter, raising=False)

    def limiter() -> Any:
        return wh.testing._counter_of_a_test  # type: ignore[attr-defined]  # the workers are in this process

    results = wh.map(live, ROWS, guardrails=loopback, engine=client, limiter=limiter, progress=False)

    assert len(results.succeeded) == counter.places == 30
    assert counter.opened == counter.closed >= 2


def test_a_worker_that_cannot_begin_has_sent_nothing(
    client: Client, live: wh.Action, service: LoopbackService, loopback: wh.Guardrails
) -> None:
    """Its rows are unavailable, and their outcomes name the reason without what it says."""

    def limiter() -> Any:
        raise ValueError("redis://:pass@host")

    results = wh.map(live, ROWS, guardrails=loopback, engine=client, limiter=limiter, progress=False)

    assert {outcome.delivery for outcome in results} == {wh.Delivery.UNAVAILABLE}
    assert {str(o.cause) for o in results} == {"the worker could not begin the partition of this row: ValueError"}
    assert service.received == []


def numbered(url: str) -> wh.Action:
    """An action with a number, which may be called twice."""
    return wh.Action(
        name="A",
        url_configuration=wh.UrlConfiguration(url, method="PUT"),
        message_parameters=wh.message_parameters({"n": 1}, variables={"n": ""}),
    )


def test_ctrl_c_keeps_what_is_done_and_ends_the_rest(client: Client, loopback: wh.Guardrails) -> None:
    """Calls under way are unknown, rows that were not begun unavailable, and the workers send no more."""
    hanging, again = count(), threading.Event()

    def respond(received: Received) -> Answer:
        if again.is_set() or received.json()["n"] % 125 < 20:
            return Answer(200)
        if next(hanging) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return Answer(200, delay=600)

    with LoopbackService(respond) as service:
        with pytest.raises(wh.Interrupted) as caught:
            wh.map(
                numbered(service.url), [{"n": n} for n in range(1000)], guardrails=loopback, concurrency=2,
                engine=client, progress=False,
            )  # fmt: skip
        results, sent = caught.value.results, len(service.received)
        again.set()
        rest = results.retry()

    words = [str(outcome.delivery) for outcome in results]
    assert {word: words.count(word) for word in words} == {"delivered": 40, "unknown": 4, "unavailable": 956}
    assert words[:22] == words[125:147] == ["delivered"] * 20 + ["unknown"] * 2
    assert sent == 44
    assert rest.tally == {"http_200": 1000}


class Stubborn:
    """A limiter that blocks the loop of its worker, so that nothing there can be ended; it sends two signals."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self._asked = count()

    def place(self, method: str, url: str) -> Any:
        """Send them, and block until released."""
        if next(self._asked) == 1:
            os.kill(os.getpid(), signal.SIGINT)
            threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
            threading.Timer(1.5, self.released.set).start()
        self.released.wait(60)
        raise ValueError("enough")


def test_a_second_ctrl_c_does_not_wait(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is with the workers then is unknown; what is not, was not called."""
    stubborn = Stubborn()
    monkeypatch.setattr(wh.testing, "_stubborn_of_a_test", stubborn, raising=False)

    def limiter() -> Any:
        return wh.testing._stubborn_of_a_test  # type: ignore[attr-defined]  # the workers are in this process

    action, rows = numbered("https://h.example.com/"), [{"n": n} for n in range(80)]
    with pytest.raises(wh.Interrupted) as caught:
        wh.map(action, rows, limiter=limiter, engine=client, progress=False)

    assert stubborn.released.wait(60)
    words = [str(outcome.delivery) for outcome in caught.value.results]
    assert words == ["unknown"] * 40 + ["unavailable"] * 40


def test_a_lost_scheduler_costs_no_outcome(loopback: wh.Guardrails) -> None:
    """What was with the cluster is unknown, what was not may be called later; what has ended is kept."""
    asked, closing = count(), threading.Event()

    def respond(_: Received) -> Answer:
        if next(asked) == 11:
            closing.set()
        return Answer(200, delay=1 if closing.is_set() else 0)

    with dask.config.set({"distributed.comm.timeouts.connect": "2s"}):
        local = LocalCluster(processes=False, **HOW)
        with local, Client(local) as client, LoopbackService(respond) as service:
            ending = threading.Thread(target=lambda: closing.wait(60) and local.close())
            ending.start()
            rows = [{"n": number} for number in range(80)]
            how = {"guardrails": loopback, "concurrency": 1, "engine": client, "progress": False}
            results = wh.map(numbered(service.url), rows, **how)
            ending.join()

    words = [str(outcome.delivery) for outcome in results]
    reached = {received.json()["n"] for received in service.received}
    assert len(words) == 80
    assert set(words) <= {"delivered", "unknown", "unavailable"}
    assert results.failed
    assert [number for number in reached if words[number] == "unavailable"] == []
