"""Batches by several processes: the same outcomes, and one of everything that is shared. Real processes and sockets."""

# ruff: noqa: SIM117 - a batch stands inside of its executor, as its users write it

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import attrs
import pytest

import wayhook as wh
from wayhook.testing import (
    Answer,
    FakeClock,
    FakeConsent,
    FakeSecrets,
    FakeTransport,
    LoopbackService,
    Received,
    RecordingSink,
)

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="a crew needs sockets that a process can inherit")
GUARDRAILS = wh.Guardrails.standard(network=wh.NetworkPolicy(loopback=True))


def contexts(count: int) -> Iterator[wh.Context]:
    """So many individuals, n0 and so on."""
    return (wh.Context({"Signup": {"name": f"n{i}"}}) for i in range(count))


@pytest.fixture
def service() -> Iterator[LoopbackService]:
    """Answers each call with the text that it was sent."""

    def respond(received: Received) -> Answer:
        return Answer(200, {"echo": received.json().get("text")})

    with LoopbackService(respond) as service:
        yield service


async def kept(url: str, **fields: Any) -> wh.MemoryRepository:
    """A repository with an action at `url`, and a journey that uses it."""
    action = wh.Action(
        name="Greet",
        url_configuration=wh.UrlConfiguration(f"{url}/greet"),
        message_parameters=wh.message_parameters({"text": "Hello"}, variables={"text": "Text"}),
        response=wh.payload({"echo": "Hello"}),
        **fields,
    )
    parameters = {"text": wh.expression("'Hello ' + @event{Signup.name}")}
    repository = wh.MemoryRepository(guardrails=GUARDRAILS)
    await repository.save(
        action, wh.Journey("Welcome", [wh.ActionActivity("Greet", label="hello", parameters=parameters)])
    )
    return repository


def children() -> list[int]:
    """The processes that this one has started and that still run."""
    listed = Path(f"/proc/{os.getpid()}/task/{threading.get_native_id()}/children")
    if not listed.exists():
        pytest.skip("this system does not list the children of a process")
    return [int(number) for number in listed.read_text().split()]


@pytest.mark.parametrize("in_order", [False, True])
async def test_each_context_has_one_outcome(service: LoopbackService, in_order: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """The same as of one process, by two; the answers are read there and recorded here."""
    people = list(contexts(40))

    async with wh.Executor(await kept(service.url), guardrails=GUARDRAILS) as executor:
        async with executor.batch("Welcome", "hello", people, concurrency=8, processes=2, in_order=in_order) as batch:
            outcomes = [outcome async for outcome in batch]

    assert [o.index for o in (outcomes if in_order else sorted(outcomes, key=lambda o: o.index or 0))] == list(
        range(40)
    )
    assert all(o.response == {"echo": f"Hello n{o.index}"} and o.delivery == "delivered" for o in outcomes)
    assert all(o.attempts[0].evidence is wh.Evidence.DELIVERED for o in outcomes)
    assert all(o.call is not None and o.call.body == f'{{"text":"Hello n{o.index}"}}'.encode() for o in outcomes)
    assert all(person.actions["Greet"]["jo_status_code"] == "http_200" for person in people)
    assert sorted(received.json()["text"] for received in service.received) == sorted(f"Hello n{i}" for i in range(40))
    assert len({o.delivery_id for o in outcomes}) == 40


async def test_an_outcome_is_as_one_process_has_it(service: LoopbackService) -> None:
    """But for its times and its name, field by field; failures of a value too."""
    odd = [wh.Context({"Signup": {"name": "n0"}}), wh.Context({"Signup": {}}), wh.Context({"Signup": {"name": 7}})]
    found = []
    async with wh.Executor(await kept(service.url), guardrails=GUARDRAILS) as executor:
        for processes in (1, 2):
            async with executor.batch("Welcome", "hello", odd, processes=processes, in_order=True) as batch:
                found.append([outcome async for outcome in batch])

    def timeless(outcome: wh.Outcome) -> wh.Outcome:
        attempts = tuple(attrs.evolve(attempt, started=0.0, elapsed=0.0) for attempt in outcome.attempts)
        changes: dict[str, Any] = {"attempts": attempts, "cause": str(outcome.cause)}
        return attrs.evolve(outcome, elapsed=0.0, finished=None, delivery_id="", **changes)

    alone, together = ([timeless(outcome) for outcome in outcomes] for outcomes in found)
    assert alone == together


async def test_one_limit_holds_for_all_processes(service: LoopbackService) -> None:
    """A cap of seven calls lets seven through, whichever process makes them."""
    cap = wh.WindowLimiter([wh.CappingRule(f"{service.url}/*", wh.Rating(7, 3_600_000))])

    async with wh.Executor(await kept(service.url), guardrails=GUARDRAILS, limiter=cap) as executor:
        async with executor.batch("Welcome", "hello", contexts(30), concurrency=10, processes=3) as batch:
            async for _ in batch:
                pass

    assert batch.tally == {"http_200": 7, "capped": 23}
    assert len(service.received) == 7


async def test_a_place_that_one_process_leaves_is_taken_by_another() -> None:
    """With a limit of one attempt under way the service never sees two, and all are sent."""
    under_way, most, lock = 0, 0, threading.Lock()

    def respond(received: Received) -> Answer:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        try:
            return Answer(200, {"echo": received.json()["text"]})
        finally:
            with lock:
                under_way -= 1

    with LoopbackService(respond) as service:
        one = wh.WindowLimiter([wh.CappingRule(f"{service.url}/*", wh.Rating(1000, 1000, max_http_connections=1))])
        async with wh.Executor(await kept(service.url), guardrails=GUARDRAILS, limiter=one) as executor:
            async with executor.batch("Welcome", "hello", contexts(20), concurrency=6, processes=2) as batch:
                async for _ in batch:
                    pass

    assert (batch.tally, most) == ({"http_200": 20}, 1)


async def test_secrets_are_looked_up_here(service: LoopbackService) -> None:
    """A source of the caller's own serves every process, and the receiver gets the text."""
    authentication = wh.ApiKeyAuthentication("X-Api-Key", wh.secret("vault:KEY"), location="header")
    secrets = FakeSecrets({"vault:KEY": "s3cr3t-k3y"})

    async with wh.Executor(
        await kept(service.url, authentication=authentication), guardrails=GUARDRAILS, secrets=secrets
    ) as executor:
        async with executor.batch("Welcome", "hello", contexts(6), processes=2) as batch:
            outcomes = [outcome async for outcome in batch]

    assert all(outcome.succeeded for outcome in outcomes)
    assert "s3cr3t-k3y" not in repr(outcomes)
    assert {dict(received.headers)["x-api-key"] for received in service.received} == {"s3cr3t-k3y"}


async def test_one_token_serves_all_processes() -> None:
    """It is asked for once, and again once when it was refused."""
    tokens = iter(["first", "second"])

    def respond(received: Received) -> Answer:
        if received.path == "/token":
            return Answer(200, {"access_token": next(tokens)})
        return Answer(200 if dict(received.headers)["authorization"] == "Bearer second" else 401, {"echo": ""})

    with LoopbackService(respond) as service:
        token = wh.CustomAuthorization(
            f"{service.url}/token",
            body_type="form",
            body_params={"client": "c"},
            token_in_response="json://access_token",
            cache_duration=wh.CacheDuration(1, wh.TimeUnit.HOURS),
        )
        async with wh.Executor(await kept(service.url, authentication=token), guardrails=GUARDRAILS) as executor:
            async with executor.batch("Welcome", "hello", contexts(12), processes=2) as batch:
                async for _ in batch:
                    pass

    assert batch.tally == {"http_200": 12}
    assert [received.path for received in service.received].count("/token") == 2


async def test_sinks_hear_of_everything_here(service: LoopbackService) -> None:
    """Each attempt and each end is heard of once."""
    sink = RecordingSink()

    async with wh.Executor(await kept(service.url), guardrails=GUARDRAILS, events=[sink]) as executor:
        async with executor.batch("Welcome", "hello", contexts(10), processes=2) as batch:
            outcomes = [outcome async for outcome in batch]

    ended = [event for event in sink.events if isinstance(event, wh.ExecutionEnded)]
    attempts = [event for event in sink.events if isinstance(event, wh.AttemptEnded)]
    assert sorted(event.outcome.delivery_id for event in ended) == sorted(outcome.delivery_id for outcome in outcomes)
    assert sorted(event.delivery_id for event in attempts) == sorted(outcome.delivery_id for outcome in outcomes)


async def test_sinks_hear_here_of_pauses_repeats_and_waits() -> None:
    """What a hand waits for is heard in the process of the executor, with the place in the batch."""
    seen: set[str] = set()

    def respond(received: Received) -> Answer:
        name = received.json()["text"]
        is_new, _ = name not in seen, seen.add(name)
        return Answer(429 if is_new else 200, {"echo": name}, headers={"Retry-After": "0"})

    sink = RecordingSink()
    with LoopbackService(respond) as service:
        async with wh.Executor(await kept(service.url), guardrails=GUARDRAILS, events=[sink]) as executor:
            async with executor.batch("Welcome", "hello", contexts(4), processes=2) as batch:
                outcomes = [outcome async for outcome in batch]

    whole = {(outcome.index, outcome.delivery_id) for outcome in outcomes}
    for kind in (wh.Paused, wh.Retrying, wh.Waited):
        told = [event for event in sink.events if isinstance(event, kind)]
        assert {(event.index, event.delivery_id) for event in told} == whole
        assert {(event.action, event.journey, event.label) for event in told} == {("Greet", "Welcome", "hello")}


@pytest.mark.parametrize(("refused", "expected"), [("sms", {"excluded": 4}), ("email", {"http_200": 4})])
async def test_consent_is_asked_here(service: LoopbackService, refused: str, expected: dict[str, int]) -> None:
    """Who did not agree is not called."""
    repository = await kept(service.url, required_marketing_action="sms")
    consent = FakeConsent(refused)

    async with wh.Executor(repository, guardrails=GUARDRAILS, consent=consent) as executor:
        async with executor.batch("Welcome", "hello", contexts(4), processes=2) as batch:
            async for _ in batch:
                pass

    assert (batch.tally, consent.asked) == (expected, [("sms",)] * 4)


async def test_a_context_that_cannot_travel_is_executed_here(service: LoopbackService) -> None:
    """One with a function in it, and what is no context at all."""
    source = [wh.Context({"Signup": {"name": "n0"}}, random_uuid=lambda: UUID(int=1)), "no context"]

    async with wh.Executor(await kept(service.url), guardrails=GUARDRAILS) as executor:
        async with executor.batch("Welcome", "hello", source, processes=2, in_order=True) as batch:  # type: ignore[arg-type]
            travelled, other = [outcome async for outcome in batch]

    assert travelled.response == {"echo": "Hello n0"}
    assert (other.status, other.delivery) == ("internalError", "refused")


async def test_delivery_ids_are_those_of_the_caller(service: LoopbackService) -> None:
    """One for each context; a context without one is refused."""

    def name(context: wh.Context) -> str:
        return "" if context.events["Signup"]["name"] == "n2" else f"id-{context.events['Signup']['name']}"

    async with wh.Executor(await kept(service.url), guardrails=GUARDRAILS) as executor:
        async with executor.batch(
            "Welcome", "hello", contexts(4), processes=2, in_order=True, delivery_ids=name
        ) as batch:
            outcomes = [outcome async for outcome in batch]

    assert [o.delivery_id for o in outcomes if o.index != 2] == ["id-n0", "id-n1", "id-n3"]
    assert outcomes[2].delivery == "refused"


async def test_calls_of_a_process_that_is_killed_are_unknown() -> None:
    """None is lost and none is repeated; the others go on, and what comes later is made by them."""
    reached, release = threading.Semaphore(0), threading.Event()

    def respond(received: Received) -> Answer:
        reached.release()
        release.wait(10)
        return Answer(200, {"echo": received.json()["text"]})

    with LoopbackService(respond) as service:
        async with wh.Executor(await kept(service.url), guardrails=GUARDRAILS) as executor:
            before = children()
            async with executor.batch("Welcome", "hello", contexts(8), concurrency=2, processes=2) as batch:
                await asyncio.to_thread(reached.acquire)
                victim = next(child for child in children() if child not in before)
                os.kill(victim, signal.SIGKILL)
                release.set()
                outcomes = [outcome async for outcome in batch]

    words = sorted(outcome.delivery for outcome in outcomes)
    assert sorted(outcome.index or 0 for outcome in outcomes) == list(range(8))
    assert words.count("delivered") >= 7 - words.count("unknown")
    assert set(words) <= {"delivered", "unknown"}
    assert len(service.received) <= 8


async def test_leaving_early_leaves_no_process_behind(service: LoopbackService) -> None:
    """Calls under way end with the processes that make them."""
    async with wh.Executor(await kept(service.url), guardrails=GUARDRAILS) as executor:
        before = children()
        async with executor.batch("Welcome", "hello", contexts(1000), processes=2) as batch:
            await anext(batch)
            assert len(children()) == len(before) + 2
        assert children() == before
        assert (await executor.execute("Welcome", "hello", wh.Context({"Signup": {"name": "x"}}))).succeeded


@pytest.mark.parametrize("processes", [0, -1, 257, 1.0, True, "2"])
async def test_a_bad_number_of_processes_is_refused(processes: Any) -> None:
    """It is a whole number from 1 to 256."""
    async with wh.Executor(wh.MemoryRepository(), transport=FakeTransport()) as executor:
        with pytest.raises(wh.DefinitionError, match="whole number"):
            executor.batch("Welcome", "hello", [], processes=processes)


async def test_a_transport_that_was_made_here_is_refused(service: LoopbackService) -> None:
    """It cannot be in another process; a name can."""
    async with wh.Executor(await kept(service.url), guardrails=GUARDRAILS, transport=FakeTransport()) as executor:
        with pytest.raises(wh.DefinitionError, match="by its name"):
            await executor.batch("Welcome", "hello", [], processes=2).__aenter__()


async def test_a_secret_that_was_given_as_text_is_refused(service: LoopbackService) -> None:
    """It does not leave its process; a reference does. The processes that were begun are ended."""
    stored = await kept(service.url)
    authentication = wh.ApiKeyAuthentication("X-Api-Key", wh.literal_secret("s3cr3t"), location="header")

    class Lax(wh.MemoryRepository):
        """Keeps what no repository of ours would."""

        async def get(self, kind: Any, name: str) -> Any:
            found = await stored.get(kind, name)
            value = found.value
            return (
                attrs.evolve(found, value=attrs.evolve(value, authentication=authentication))
                if kind is wh.Action
                else found
            )

    async with wh.Executor(Lax(), guardrails=GUARDRAILS) as executor:
        before = children()
        with pytest.raises(wh.DefinitionError, match="literal secret"):
            await executor.batch("Welcome", "hello", [], processes=2).__aenter__()
        assert children() == before


@pytest.fixture
def strange(monkeypatch: pytest.MonkeyPatch) -> type[str]:
    """A class of strings that can be pickled here, and be unpickled nowhere else, as one of a script's main module."""
    kind = type("Tier", (str,), {"__module__": "__main__"})
    monkeypatch.setattr(sys.modules["__main__"], "Tier", kind, raising=False)
    return kind


def key() -> wh.ApiKeyAuthentication:
    """A secret that a source of the test's own looks up."""
    return wh.ApiKeyAuthentication("X-Api-Key", wh.secret("vault:KEY"), location="header")


def failing(failure: BaseException) -> FakeSecrets:
    """A source that raises this."""

    class Failing(FakeSecrets):
        async def reveal(self, reference: wh.SecretReference) -> str:
            raise failure

    return Failing({})


class Local(wh.SecretMissing):
    """An error that says that it cannot be pickled."""

    def __reduce__(self) -> Any:
        raise ValueError


@pytest.mark.parametrize("failure", [Local("the vault is sealed"), RuntimeError("x"), asyncio.CancelledError()])
async def test_what_fails_here_is_the_failure_of_its_call(service: LoopbackService, failure: BaseException) -> None:
    """Also of a kind that does not travel, and where a source cancels itself; the call waits for none of them."""
    repository = await kept(service.url, authentication=key())

    async with wh.Executor(repository, guardrails=GUARDRAILS, secrets=failing(failure)) as executor:
        async with executor.batch("Welcome", "hello", contexts(3), processes=2) as batch:
            outcomes = [outcome async for outcome in batch]

    assert {(o.status, o.delivery) for o in outcomes} == {("internalError", "refused")}
    if isinstance(failure, Local):
        assert {(type(o.cause), str(o.cause)) for o in outcomes} == {(wh.SecretMissing, "the vault is sealed")}


async def test_a_secret_of_a_class_of_ones_own_is_sent(service: LoopbackService, strange: type[str]) -> None:
    """Its text is."""
    repository, secrets = (
        await kept(service.url, authentication=key()),
        FakeSecrets({"vault:KEY": strange("s3cr3t-k3y")}),
    )

    async with wh.Executor(repository, guardrails=GUARDRAILS, secrets=secrets) as executor:
        async with executor.batch("Welcome", "hello", contexts(3), processes=2) as batch:
            async for _ in batch:
                pass

    assert batch.tally == {"http_200": 3}
    assert {dict(received.headers)["x-api-key"] for received in service.received} == {"s3cr3t-k3y"}


class Stuck:
    """Refuses to be pickled, with an error of its own."""

    def __reduce__(self) -> Any:
        raise ValueError


async def test_a_context_of_a_class_that_is_known_only_here_is_executed_here(
    service: LoopbackService, strange: type[str]
) -> None:
    """Whether it cannot be put into a message, or not be taken out of it; the processes live on."""
    odd = [wh.Context({"Signup": {"name": f"n{i}", "more": more}}) for i, more in enumerate((strange("x"), Stuck()))]

    async with wh.Executor(await kept(service.url), guardrails=GUARDRAILS) as executor:
        before = children()
        async with executor.batch("Welcome", "hello", [*odd, *contexts(6)], processes=2, in_order=True) as batch:
            outcomes = [outcome async for outcome in batch]
            assert len(children()) == len(before) + 2

    assert [o.response for o in outcomes] == [{"echo": f"Hello n{i}"} for i in (0, 1, *range(6))]
    assert len(service.received) == 8


async def test_a_context_with_random_numbers_of_its_own_is_executed_here(service: LoopbackService) -> None:
    """They are drawn from it, in one process; a function of a module could travel, and what it counts could not."""
    repository, drawn = await kept(service.url), []
    journey = (await repository.get(wh.Journey, "Welcome")).value
    [activity] = journey.activities
    parameters = {"text": wh.expression("uuid()")}
    await repository.save(attrs.evolve(journey, activities=[attrs.evolve(activity, parameters=parameters)]))
    given = [wh.Context({"Signup": {"name": "n"}}, random_uuid=partial(UUID, int=i)) for i in range(1, 4)]

    async with wh.Executor(repository, guardrails=GUARDRAILS) as executor:
        before = children()
        async with executor.batch("Welcome", "hello", given, processes=2, in_order=True) as batch:
            for child in set(children()) - set(before):
                os.kill(child, signal.SIGSTOP)
            drawn = [outcome.response["echo"] async for outcome in batch]

    assert drawn == [str(UUID(int=i)) for i in range(1, 4)]


class Slow:
    """A limiter elsewhere: a place and its end take a moment. `held`: places. `fails`: whether leaving does."""

    def __init__(self, *, fails: bool = False) -> None:
        self.held, self.fails = 0, fails

    @asynccontextmanager
    async def place(self, method: str, url: str) -> AsyncIterator[float]:
        """Hold one."""
        await asyncio.sleep(0)
        self.held += 1
        try:
            yield 0.0
        finally:
            for _ in range(20):
                await asyncio.sleep(0)
            self.held -= 1
            if self.fails:
                raise RuntimeError


@pytest.mark.parametrize("fails", [False, True])
async def test_places_are_left_when_a_batch_ends(service: LoopbackService, fails: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """However long that takes, and whatever it raises."""
    limiter = Slow(fails=fails)

    async with wh.Executor(await kept(service.url), guardrails=GUARDRAILS, limiter=limiter) as executor:
        async with executor.batch("Welcome", "hello", contexts(20), concurrency=4, processes=2) as batch:
            async for _ in batch:
                pass
        assert (limiter.held, batch.tally) == (0, {"http_200": 20})
        async with executor.batch("Welcome", "hello", contexts(20), concurrency=4, processes=2) as batch:
            await anext(batch)
        assert limiter.held == 0


async def test_what_a_call_asked_for_ends_with_it(service: LoopbackService) -> None:
    """A source that never answers is cancelled when the time of the call is up, not when the batch ends."""
    asked, ended, all_ended = 0, 0, asyncio.Event()

    class Hanging(FakeSecrets):
        async def reveal(self, reference: wh.SecretReference) -> str:
            nonlocal asked, ended
            asked += 1
            try:
                await asyncio.Event().wait()
            finally:
                ended += 1
                if ended == 4:
                    all_ended.set()
            raise AssertionError

    repository = await kept(service.url, authentication=key())
    journey = (await repository.get(wh.Journey, "Welcome")).value
    await repository.save(attrs.evolve(journey, timeout=1.0))
    async with wh.Executor(repository, guardrails=GUARDRAILS, secrets=Hanging({})) as executor:
        async with executor.batch("Welcome", "hello", contexts(4), concurrency=2, processes=2) as batch:
            async for _ in batch:
                pass
            await all_ended.wait()

    assert (batch.tally, asked, ended) == ({"timedout": 4}, 4, 4)


async def test_a_process_that_cannot_start_is_told_at_the_entering(
    service: LoopbackService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No context is taken, and none of the processes is left."""
    monkeypatch.setattr(sys, "executable", "/bin/false")

    async with wh.Executor(await kept(service.url), guardrails=GUARDRAILS) as executor:
        before, batch = children(), executor.batch("Welcome", "hello", contexts(3), processes=2)
        with pytest.raises(wh.ExecutionError, match="could not start"):
            await batch.__aenter__()
        assert (children(), batch.pulled) == (before, 0)


async def test_processes_import_nothing_from_their_directory(
    service: LoopbackService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file there that is named as a module of ours or of Python is not run, also where this process would run it."""
    (tmp_path / "attrs.py").write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")

    async with wh.Executor(await kept(service.url), guardrails=GUARDRAILS) as executor:
        async with executor.batch("Welcome", "hello", contexts(3), processes=2) as batch:
            async for _ in batch:
                pass

    assert batch.tally == {"http_200": 3}


async def test_an_entering_that_is_cancelled_leaves_no_process(service: LoopbackService) -> None:
    """At whatever moment."""
    async with wh.Executor(await kept(service.url), guardrails=GUARDRAILS) as executor:
        before = children()
        for turns in range(0, 24, 2):
            batch = executor.batch("Welcome", "hello", contexts(3), processes=2)
            entering = asyncio.create_task(batch.__aenter__())
            for _ in range(turns):
                await asyncio.sleep(0)
            entering.cancel()
            await asyncio.gather(entering, return_exceptions=True)
            assert entering.cancelled()
            assert children() == before


async def test_a_source_that_fails_at_its_end_leaves_no_process(service: LoopbackService) -> None:
    """What it raises comes out."""

    async def arriving() -> AsyncIterator[wh.Context]:
        try:
            for context in contexts(9):
                yield context
        finally:
            raise OSError

    async with wh.Executor(await kept(service.url), guardrails=GUARDRAILS) as executor:
        before = children()
        with pytest.raises(OSError):
            async with executor.batch("Welcome", "hello", arriving(), concurrency=2, processes=2) as batch:
                await anext(batch)
        assert children() == before


async def test_an_executor_that_is_closed_sends_no_more(service: LoopbackService) -> None:
    """The rest of the batch is not executed, and the iteration says why."""
    async with wh.Executor(await kept(service.url), guardrails=GUARDRAILS) as executor:
        async with executor.batch("Welcome", "hello", contexts(50), concurrency=2, processes=2) as batch:
            await anext(batch)
            await executor.__aexit__()
            with pytest.raises(wh.ExecutionError, match="closed"):
                async for _ in batch:
                    pass

    assert len(service.received) <= 6


@pytest.mark.parametrize("given", [{"clock": FakeClock()}, {"random": lambda: 0.5}])
async def test_a_clock_or_randomness_that_was_made_here_is_refused(given: dict[str, Any]) -> None:
    """Other processes would not go by it."""
    async with wh.Executor(await kept("http://127.0.0.1:1"), guardrails=GUARDRAILS, **given) as executor:
        with pytest.raises(wh.DefinitionError, match="known to one process"):
            await executor.batch("Welcome", "hello", [], processes=2).__aenter__()


async def test_each_context_is_named_once(service: LoopbackService) -> None:
    """Also one that cannot travel, and one whose naming fails."""
    named = []

    def name(context: wh.Context) -> str:
        named.append(context.events["Signup"]["name"])
        return "" if named[-1] == "n1" else f"id-{named[-1]}"

    people = [*contexts(2), wh.Context({"Signup": {"name": "n2", "more": Stuck()}})]
    async with wh.Executor(await kept(service.url), guardrails=GUARDRAILS) as executor:
        async with executor.batch("Welcome", "hello", people, processes=2, in_order=True, delivery_ids=name) as batch:
            outcomes = [outcome async for outcome in batch]

    assert sorted(named) == ["n0", "n1", "n2"]
    assert [o.delivery_id for o in outcomes if o.index != 1] == ["id-n0", "id-n2"]
    assert outcomes[1].delivery == "refused"


async def test_a_forked_child_that_leaves_a_batch_closes_nothing(service: LoopbackService) -> None:
    """The batch of its parent goes on."""
    async with wh.Executor(await kept(service.url), guardrails=GUARDRAILS) as executor:
        async with executor.batch("Welcome", "hello", contexts(20), concurrency=4, processes=2) as batch:
            await anext(batch)
            child = os.fork()
            if not child:
                with pytest.raises(StopIteration):  # it waits for nothing
                    batch.__aexit__(None, None, None).send(None)  # type: ignore[attr-defined]
                os._exit(0)
            await asyncio.to_thread(os.waitpid, child, 0)
            async for _ in batch:
                pass

    assert batch.tally == {"http_200": 20}


@pytest.mark.parametrize(("budget", "repeats"), [(wh.RetryBudget(0, 5, 5), 5), (wh.RetryBudget(0, 1, 1), 1)])
async def test_the_budget_of_repeats_is_one_for_all(budget: wh.RetryBudget, repeats: int) -> None:
    """All processes together repeat as much as one may, and no more (P14)."""
    guardrails = attrs.evolve(GUARDRAILS, retry_budget=budget, breaker=None)

    with LoopbackService(lambda _: Answer(408)) as service:
        async with wh.Executor(await kept(service.url), guardrails=guardrails) as executor:
            async with executor.batch("Welcome", "hello", contexts(60), concurrency=6, processes=3) as batch:
                async for _ in batch:
                    pass

    assert len(service.received) == 60 + repeats


async def test_a_batch_that_is_stopped_hears_how_each_call_ended() -> None:
    """What was under way is unknown, with the attempt that it made, and told by the process that made it."""
    reached = threading.Semaphore(0)

    def respond(_: Received) -> Answer:
        reached.release()
        return Answer(200, {"echo": ""}, delay=60)

    with LoopbackService(respond) as service:
        async with wh.Executor(await kept(service.url), guardrails=GUARDRAILS) as executor:
            before = children()
            async with executor.batch("Welcome", "hello", contexts(100), concurrency=4, processes=2) as batch:
                for _ in range(4):
                    await asyncio.to_thread(reached.acquire)
                batch.stop()
                async with asyncio.timeout(10):
                    outcomes = [outcome async for outcome in batch]
            assert children() == before

    assert [(o.status, o.delivery, len(o.attempts)) for o in outcomes] == [("internalError", "unknown", 1)] * 4
    assert len(service.received) == 4


async def _batch(executor: wh.Executor, count: int, processes: int = 3) -> list[wh.Outcome]:
    async with executor.batch("Welcome", "hello", contexts(count), concurrency=6, processes=processes) as batch:
        return [outcome async for outcome in batch]


BUSY = Answer(503, headers={"Retry-After": "60"})
ONE_ATTEMPT = attrs.evolve(GUARDRAILS, retry_budget=wh.RetryBudget(0, 0, 0))


async def test_what_was_known_before_is_known_to_all_processes() -> None:
    """A pause from before the batch is kept by each process, from its first call on (P15)."""
    with LoopbackService(lambda _: BUSY) as service:
        async with wh.Executor(await kept(service.url), guardrails=ONE_ATTEMPT) as executor:
            await executor.execute("Welcome", "hello", next(contexts(1)))
            outcomes = await _batch(executor, 12)

    assert len(service.received) == 1
    assert {outcome.delivery for outcome in outcomes} == {wh.Delivery.UNAVAILABLE}
    assert all(isinstance(outcome.cause, wh.DestinationUnavailable) for outcome in outcomes)


async def test_a_pause_is_kept_by_all_processes_and_known_afterwards() -> None:
    """What one process is asked for holds back the others and, after the batch, the executor (P15)."""
    with LoopbackService(lambda _: BUSY) as service:
        async with wh.Executor(await kept(service.url), guardrails=ONE_ATTEMPT) as executor:
            await _batch(executor, 60)
            sent = len(service.received)
            after = await executor.execute("Welcome", "hello", next(contexts(1)))

    assert sent <= 6 + 6  # what was under way, and what began while it was told
    assert (after.attempts, len(service.received)) == ((), sent)


async def test_one_breaker_counts_for_all_processes() -> None:
    """It opens as it would in one process, is told to the sinks once, and stays open after the batch (P16)."""
    rails = attrs.evolve(ONE_ATTEMPT, breaker=wh.BreakerRule(calls=18, spread=0))
    sink = RecordingSink()

    with LoopbackService(lambda _: Answer(500)) as service:
        async with wh.Executor(await kept(service.url), guardrails=rails, events=[sink]) as executor:
            await _batch(executor, 200)
            sent = len(service.received)
            after = await executor.execute("Welcome", "hello", next(contexts(1)))

    assert 18 <= sent <= 18 + 12  # what was under way, and what began while it was told
    assert isinstance(after.cause, wh.DestinationUnavailable)
    assert [event.state for event in sink.events if isinstance(event, wh.BreakerChanged)] == ["open"]


async def test_one_call_of_all_processes_is_the_probe() -> None:
    """After the time one call of all processes goes through, while the others end; then all go on (P16)."""
    rails = attrs.evolve(ONE_ATTEMPT, breaker=wh.BreakerRule(calls=2, open_for=0.001, spread=0))
    sink, answers = RecordingSink(), iter([Answer(500), Answer(500), Answer(200, {"echo": ""}, delay=2)])

    with LoopbackService(lambda _: next(answers, Answer(200, {"echo": ""}))) as service:
        async with wh.Executor(await kept(service.url), guardrails=rails, events=[sink]) as executor:
            for context in contexts(2):
                await executor.execute("Welcome", "hello", context)
            outcomes = await _batch(executor, 12)
            after = await _batch(executor, 12)

    assert [outcome.succeeded for outcome in outcomes].count(True) == 1
    assert [outcome.succeeded for outcome in after].count(True) == 12
    assert len(service.received) == 2 + 1 + 12
    states = [event.state for event in sink.events if isinstance(event, wh.BreakerChanged)]
    assert states == ["open", "half open", "closed"]


async def test_processes_share_what_their_executor_shares() -> None:
    """What another executor was asked for is kept by the processes of a batch, and the other way round (P15)."""
    standings = wh.MemoryStandings()

    with LoopbackService(lambda _: BUSY) as service:
        repository = await kept(service.url)
        parts = {"guardrails": ONE_ATTEMPT, "standings": standings}
        async with wh.Executor(repository, **parts) as first, wh.Executor(repository, **parts) as second:
            await _batch(first, 60)
            sent = len(service.received)
            outcomes = await _batch(second, 12)

    assert len(service.received) == sent <= 6 + 6
    assert {outcome.delivery for outcome in outcomes} == {wh.Delivery.UNAVAILABLE}


class Gone(wh.MemoryStandings):
    """A store that is away, for those who call nobody then."""

    when_away = "refuse"

    def news(self, hear: Any) -> Any:
        raise wh.StoreUnavailable("gone")


async def test_no_process_calls_where_nobody_may_without_the_store(caplog: pytest.LogCaptureFixture) -> None:
    """What cannot be known is told of each call, and once in the log."""
    with LoopbackService(lambda _: Answer(200)) as service:
        async with wh.Executor(await kept(service.url), guardrails=GUARDRAILS, standings=Gone()) as executor:
            outcomes = await _batch(executor, 12, processes=2)

    assert service.received == []
    assert {outcome.delivery for outcome in outcomes} == {wh.Delivery.UNAVAILABLE}
    assert caplog.text.count("nobody is called") == 1
