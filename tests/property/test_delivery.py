"""Delivery for any behaviour of the other side: never above the policy or the deadline, each index once."""

# ruff: noqa: ASYNC109 - the timeout is the budget of an execution

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import format_datetime

from hypothesis import given
from hypothesis import strategies as st

import wayhook as wh
from wayhook.testing import FakeClock, FakeTransport

ATTEMPTS = 4
IDEMPOTENT = {"GET", "PUT", "DELETE"}


def _action(method: str) -> wh.Action:
    return wh.Action(name="Ping", url_configuration=wh.UrlConfiguration("https://api.example.com/", method=method))


class Scripted(FakeTransport):
    """Answers from a script, each answer after its own time; remembers when each request came and what came of it."""

    def __init__(self, script: list[tuple[object, float]], clock: FakeClock) -> None:
        super().__init__()
        self.script, self.clock = script, clock
        self.times: list[float] = []
        self.given: list[object] = []

    async def send(self, request: wh.Request, deadline: float) -> wh.Response:
        reply, seconds = self.script[min(len(self.requests), len(self.script) - 1)]
        self.requests.append(request)
        self.times.append(self.clock.monotonic())
        left = deadline - self.clock.monotonic()
        self.clock.pass_time(min(seconds, left))
        if seconds >= left:
            reply = wh.TransportError("late", wh.Evidence.EXPIRED)
        self.given.append(reply)
        if isinstance(reply, wh.TransportError):
            raise reply
        return reply


DATES = st.integers(-10, 40).map(lambda s: format_datetime(FakeClock().now() + timedelta(seconds=s), usegmt=True))
WAITS = st.one_of(st.integers(0, 40).map(str), DATES, st.text(max_size=8))
ANSWERS = st.builds(
    lambda status, waits: wh.Response(status, tuple(("retry-after", wait) for wait in waits)),
    st.sampled_from([200, 204, 301, 400, 401, 404, 408, 413, 429, 500, 501, 502, 503, 529, 999]),
    st.lists(WAITS, max_size=2),
)
ERRORS = st.sampled_from(
    [wh.Evidence.NEVER_SENT, wh.Evidence.AMBIGUOUS, wh.Evidence.PERMANENT, wh.Evidence.REFUSED]
).map(lambda evidence: wh.TransportError("no answer", evidence))
SCRIPTS = st.lists(st.tuples(st.one_of(ANSWERS, ERRORS), st.floats(0, 12) | st.just(0.0)), min_size=1, max_size=6)
EDITIONS = st.sampled_from(
    [wh.Guardrails.standard(), wh.Guardrails.journey_orchestration(), wh.Guardrails.journey_optimizer()]
)


@given(
    script=SCRIPTS,
    method=st.sampled_from(["GET", "PUT", "DELETE", "POST", "PATCH"]),
    timeout=st.floats(1, 30),
    share=st.floats(0, 1),
    edition=EDITIONS,
)
async def test_repeats_keep_policy_and_deadline(
    script: list[tuple[object, float]], method: str, timeout: float, share: float, edition: wh.Guardrails
) -> None:
    """For any script of answers: at most four requests, none after the deadline, no harm done twice, nothing lost."""
    method = method if method in edition.methods else "PUT"
    clock = FakeClock()
    transport = Scripted(script, clock)

    async with wh.Executor(transport=transport, clock=clock, random=lambda: share, guardrails=edition) as executor:
        outcome = await executor.call(_action(method), timeout=timeout)

    assert 1 <= len(transport.requests) <= ATTEMPTS
    assert all(time < timeout for time in transport.times)
    assert clock.monotonic() <= timeout * (1 + 1e-9)
    assert all(wait >= 0 for wait in clock.waits)
    assert len(outcome.attempts) == len(transport.requests)
    assert [attempt.number for attempt in outcome.attempts] == list(range(1, len(outcome.attempts) + 1))
    assert len(clock.waits) == outcome.retries
    _check_word(outcome, transport.given[-1])
    if edition.edition == "standard":
        _check_evidence(outcome, method)


def _check_word(outcome: wh.Outcome, last: object) -> None:
    """The word of the outcome is that of the last thing that happened."""
    if isinstance(last, wh.Response):
        assert outcome.status == f"http_{last.status}"
        assert outcome.received is last
    elif last.evidence is wh.Evidence.EXPIRED:
        assert outcome.status == "timedout"
    else:
        assert outcome.status == "internalError"


def _check_evidence(outcome: wh.Outcome, method: str) -> None:
    """Only what was not done is followed by a repeat; what may have been done only with an idempotent method."""
    for attempt in outcome.attempts[:-1]:
        harmless = attempt.evidence in (wh.Evidence.NEVER_SENT, wh.Evidence.REJECTED_UNREAD)
        assert harmless or (attempt.evidence is wh.Evidence.AMBIGUOUS and method in IDEMPOTENT)


@given(
    seconds=st.integers(0, 40),
    timeout=st.integers(1, 30),
    status=st.sampled_from([413, 429, 503, 529]),
    share=st.floats(0, 1),
)
async def test_retry_after_is_kept_or_the_call_ends(seconds: int, timeout: int, status: int, share: float) -> None:
    """The next request comes not before the seconds asked for and half a second after at most, or not at all."""
    clock = FakeClock()
    busy = wh.Response(status, (("retry-after", str(seconds)),))
    transport = Scripted([(busy, 0.0), (wh.Response(200), 0.0)], clock)

    async with wh.Executor(transport=transport, clock=clock, random=lambda: share) as executor:
        outcome = await executor.call(_action("POST"), timeout=timeout)

    if outcome.succeeded:
        assert seconds <= transport.times[1] <= seconds + 0.5
    else:
        assert seconds + 0.5 >= timeout
        assert (outcome.status, len(transport.requests), clock.monotonic()) == (f"http_{status}", 1, 0)


class Shuffling(FakeTransport):
    """Lets a number of other steps go first, a different one for each call."""

    def __init__(self, steps: list[int]) -> None:
        super().__init__()
        self.steps = steps

    async def send(self, request: wh.Request, deadline: float) -> wh.Response:
        for _ in range(self.steps[len(self.requests) % len(self.steps)]):
            await asyncio.sleep(0)
        return await super().send(request, deadline)


@given(
    count=st.integers(0, 60),
    concurrency=st.integers(1, 70),
    steps=st.lists(st.integers(0, 5), min_size=1, max_size=7),
    is_async=st.booleans(),
    pauses=st.lists(st.integers(0, 3), min_size=1, max_size=5),
)
async def test_a_batch_yields_each_index_once(
    count: int, concurrency: int, steps: list[int], pauses: list[int], *, is_async: bool
) -> None:
    """For any length, concurrency and order of answers each context has one request and one outcome."""
    repository = wh.MemoryRepository()
    await repository.save(_action("POST"))
    path = wh.expression("@event{E.id}")
    await repository.save(wh.Journey("J", [wh.ActionActivity("Ping", label="p", path=path)]))
    contexts = [wh.Context({"E": {"id": f"i{number}"}}) for number in range(count)]
    before = asyncio.all_tasks()

    async def arriving() -> AsyncIterator[wh.Context]:
        for number, context in enumerate(contexts):
            for _ in range(pauses[number % len(pauses)]):
                await asyncio.sleep(0)
            yield context

    transport = Shuffling(steps)
    async with wh.Executor(repository, transport=transport) as executor:
        source = arriving() if is_async else contexts
        async with executor.batch("J", "p", source, concurrency=concurrency) as batch:
            outcomes = [outcome async for outcome in batch]

    assert sorted(outcome.index for outcome in outcomes) == list(range(count))
    assert all(outcome.call.url.endswith(f"/i{outcome.index}") for outcome in outcomes)
    assert sorted(request.url for request in transport.requests) == sorted(outcome.call.url for outcome in outcomes)
    assert asyncio.all_tasks() == before


@given(count=st.integers(1, 30), concurrency=st.integers(1, 10), taken=st.integers(0, 30))
async def test_a_batch_left_anywhere_leaves_nothing(count: int, concurrency: int, taken: int) -> None:
    """Wherever a batch is left, no call goes on and no outcome came twice."""
    repository = wh.MemoryRepository()
    await repository.save(_action("POST"))
    await repository.save(wh.Journey("J", [wh.ActionActivity("Ping", label="p")]))
    before, indices = asyncio.all_tasks(), []

    async with wh.Executor(repository, transport=Shuffling([1, 3, 0])) as executor:
        async with executor.batch("J", "p", [wh.Context()] * count, concurrency=concurrency) as batch:
            async for outcome in batch:
                indices.append(outcome.index)
                if len(indices) > taken:
                    break
        after = asyncio.all_tasks()

    assert after == before
    assert len(set(indices)) == len(indices) == min(count, taken + 1)
