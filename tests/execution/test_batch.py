"""Batches: each index once, bounded, clean when left early, and never ended by one failure."""

# ruff: noqa: SIM117 - a batch stands inside of its executor, as its users write it

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import wayhook as wh
from wayhook.testing import FakeClock, FakeTransport


def _context(number: int) -> wh.Context:
    return wh.Context({"Signup": {"name": f"n{number}"}})


def _contexts(count: int | None = None) -> Iterator[wh.Context]:
    return map(_context, itertools.count() if count is None else range(count))


async def _arriving(count: int | None = None) -> AsyncIterator[wh.Context]:
    for context in _contexts(count):
        await asyncio.sleep(0)
        yield context


class Yielding(FakeTransport):
    """Lets other tasks run while a call is under way, and counts the calls under way. `most`: at once."""

    under_way = most = 0

    async def send(self, request: wh.Request, deadline: float) -> wh.Response:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(0)
            return await super().send(request, deadline)
        finally:
            self.under_way -= 1


class Hanging(FakeTransport):
    """Never answers."""

    async def send(self, request: wh.Request, deadline: float) -> wh.Response:
        self.requests.append(request)
        await asyncio.Event().wait()
        raise AssertionError


async def _settle() -> None:
    """Let every task run as far as it can."""
    for _ in range(50):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    "contexts",
    [list(_contexts(25)), _contexts, _arriving],
    ids=["a list", "an iterator", "an async iterator"],
)
@pytest.mark.parametrize("concurrency", [1, 4, 100])
async def test_each_index_comes_once(repository: wh.MemoryRepository, contexts: Any, concurrency: int) -> None:
    """Every context has exactly one outcome, with its place in the source and its own request."""
    source = contexts if isinstance(contexts, list) else contexts(25)

    async with wh.Executor(repository, transport=Yielding()) as executor:
        async with executor.batch("Welcome", "hello", source, concurrency=concurrency) as batch:
            outcomes = [outcome async for outcome in batch]

    assert sorted(outcome.index for outcome in outcomes) == list(range(25))
    assert all(
        outcome.call.body == f'{{"text":"Hello n{outcome.index}"}}'.encode() and outcome.status == "http_200"
        for outcome in outcomes
    )


async def test_an_empty_source_has_no_outcomes(repository: wh.MemoryRepository) -> None:
    """A batch of nothing ends at once, and stays ended."""
    async with wh.Executor(repository, transport=FakeTransport()) as executor:
        async with executor.batch("Welcome", "hello", []) as batch:
            outcomes = [outcome async for outcome in batch] + [outcome async for outcome in batch]

    assert outcomes == []


@pytest.mark.parametrize("source", [_contexts, _arriving])
async def test_an_endless_source_may_be_left(repository: wh.MemoryRepository, source: Any) -> None:
    """A batch that is left early ends its calls and leaves no task behind."""
    before, indices = asyncio.all_tasks(), []

    async with wh.Executor(repository, transport=Yielding()) as executor:
        async with executor.batch("Welcome", "hello", source(), concurrency=5) as batch:
            async for outcome in batch:
                indices.append(outcome.index)
                if len(indices) == 12:
                    break
        after = asyncio.all_tasks()

    assert after == before
    assert len(set(indices)) == 12


async def test_leaving_ends_calls_that_hang(repository: wh.MemoryRepository) -> None:
    """Calls that never end are ended by leaving, and what was raised inside comes out."""
    before, transport = asyncio.all_tasks(), Hanging()

    async with wh.Executor(repository, transport=transport) as executor:
        with pytest.raises(RuntimeError, match="enough"):  # noqa: PT012 - what is inside is the point
            async with executor.batch("Welcome", "hello", _contexts(), concurrency=5):
                await _settle()
                raise RuntimeError("enough")
        after = asyncio.all_tasks()

    assert after == before
    assert len(transport.requests) == 5


@pytest.mark.parametrize("count", [1, None], ids=["waiting", "at a yield"])
async def test_leaving_ends_the_source(repository: wh.MemoryRepository, count: int | None) -> None:
    """An async source has cleaned up, and leaves no task for it, when the batch has been left."""
    before, ended = asyncio.all_tasks(), []

    async def source() -> AsyncIterator[wh.Context]:
        try:
            for context in _contexts(count):
                yield context
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("cleaned up")

    async with wh.Executor(repository, transport=FakeTransport()) as executor:
        async with executor.batch("Welcome", "hello", source(), concurrency=3) as batch:
            first = await anext(aiter(batch))
        after, ended_in_time = asyncio.all_tasks(), list(ended)
        await _settle()

    assert (first.index, ended_in_time) == (0, ["cleaned up"])
    assert after == before


async def test_cancelling_the_consumer_passes_through(repository: wh.MemoryRepository) -> None:
    """A cancelled consumer gets its cancellation, and nothing of the batch goes on."""
    before, transport = asyncio.all_tasks(), Hanging()

    async def consume() -> None:
        async with wh.Executor(repository, transport=transport) as executor:
            async with executor.batch("Welcome", "hello", _contexts(), concurrency=4) as batch:
                async for _ in batch:
                    pass

    consumer = asyncio.create_task(consume())
    await _settle()
    consumer.cancel()

    with pytest.raises(asyncio.CancelledError):
        await consumer
    assert len(transport.requests) == 4
    assert asyncio.all_tasks() == before


async def test_a_cancellation_inside_is_not_an_end(repository: wh.MemoryRepository) -> None:
    """A call that is cancelled from within does not make the batch look complete."""

    def reply(_: wh.Request) -> wh.Response:
        raise asyncio.CancelledError

    async with wh.Executor(repository, transport=FakeTransport(reply)) as executor:
        async with executor.batch("Welcome", "hello", _contexts(3), concurrency=1) as batch:
            with pytest.raises(wh.ExecutionError, match="cancelled from within"):
                [outcome async for outcome in batch]


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_a_source_that_raises_raises_after_its_outcomes(
    repository: wh.MemoryRepository, concurrency: int
) -> None:
    """An exception of the source comes out as it is, after the outcomes of the contexts before it."""

    def breaking() -> Iterator[wh.Context]:
        yield from _contexts(5)
        raise LookupError("the database went away")

    indices = []

    async with wh.Executor(repository, transport=Yielding()) as executor:
        async with executor.batch("Welcome", "hello", breaking(), concurrency=concurrency) as batch:
            with pytest.raises(LookupError, match="the database went away"):  # noqa: PT012 - outcomes come before
                async for outcome in batch:
                    indices.append(outcome.index)  # noqa: PERF401 - it raises on the way

    assert sorted(indices) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("concurrency", [1, 7])
async def test_as_many_calls_as_asked_for_are_under_way(repository: wh.MemoryRepository, concurrency: int) -> None:
    """Calls run side by side up to the number asked for, and never above it."""
    transport = Yielding()

    async with wh.Executor(repository, transport=transport) as executor:
        async with executor.batch("Welcome", "hello", _contexts(50), concurrency=concurrency) as batch:
            async for _ in batch:
                pass

    assert transport.most == concurrency


@pytest.mark.parametrize("taken", [0, 10])
async def test_the_source_is_pulled_as_outcomes_are_taken(repository: wh.MemoryRepository, taken: int) -> None:
    """While nobody takes outcomes, at most twice the concurrency is pulled beyond what was taken."""
    pulled = 0

    def counting() -> Iterator[wh.Context]:
        nonlocal pulled
        for context in _contexts():
            pulled += 1
            yield context

    async with wh.Executor(repository, transport=Yielding()) as executor:
        async with executor.batch("Welcome", "hello", counting(), concurrency=4) as batch:
            for _ in range(taken):
                await anext(batch)
            await _settle()

    assert taken < pulled <= taken + 8


async def test_an_unexpected_exception_is_the_outcome_of_its_context(
    repository: wh.MemoryRepository, caplog: pytest.LogCaptureFixture
) -> None:
    """A broken transport costs one context its call, with a cause that holds no text of the exception."""

    def reply(request: wh.Request) -> wh.Response:
        if b"n2" in (request.body or b""):
            raise ZeroDivisionError("canary-in-the-text")
        return wh.Response(200)

    with caplog.at_level(logging.ERROR, "wayhook"):
        async with wh.Executor(repository, transport=FakeTransport(reply)) as executor:
            async with executor.batch("Welcome", "hello", _contexts(5), concurrency=2) as batch:
                outcomes = {outcome.index: outcome async for outcome in batch}

    assert {index: outcome.status for index, outcome in outcomes.items()} == {
        0: "http_200", 1: "http_200", 2: "internalError", 3: "http_200", 4: "http_200",
    }  # fmt: skip
    assert "ZeroDivisionError" in str(outcomes[2].cause)
    assert "canary" not in str(outcomes[2])
    assert "test_batch.py" in caplog.text


async def test_an_unexpected_outcome_says_where_it_belongs(repository: wh.MemoryRepository) -> None:
    """The outcome of an unexpected exception names journey and label as every other does."""

    def reply(_: wh.Request) -> wh.Response:
        raise ZeroDivisionError

    async with wh.Executor(repository, transport=FakeTransport(reply)) as executor:
        async with executor.batch("Welcome", "hello", _contexts(1)) as batch:
            (outcome,) = [outcome async for outcome in batch]

    assert (outcome.action, outcome.journey, outcome.label) == ("Greet", "Welcome", "hello")


@pytest.mark.parametrize("unusable", [wh.Context({"Signup": {"name": []}}), {"Signup": {"name": "Ann"}}, None])
async def test_an_unusable_context_is_one_outcome(repository: wh.MemoryRepository, unusable: Any) -> None:
    """A context that does not fit, or is none, ends as one outcome among the others."""
    source = [_context(0), unusable, _context(2)]

    async with wh.Executor(repository, transport=FakeTransport()) as executor:
        async with executor.batch("Welcome", "hello", source, concurrency=1) as batch:
            statuses = {outcome.index: outcome.status async for outcome in batch}

    assert statuses == {0: "http_200", 1: "internalError", 2: "http_200"}


async def test_failed_calls_are_outcomes(repository: wh.MemoryRepository) -> None:
    """Rejections and broken connections end no batch."""
    replies = [wh.Response(404), wh.TransportError("broken", wh.Evidence.PERMANENT), wh.Response(201)]
    transport = FakeTransport(replies)

    async with wh.Executor(repository, transport=transport, clock=FakeClock()) as executor:
        async with executor.batch("Welcome", "hello", _contexts(3), concurrency=1) as batch:
            statuses = [outcome.status async for outcome in batch]

    assert statuses == ["http_404", "internalError", "http_201"]


@pytest.mark.parametrize("concurrency", [0, -1, 10_001, 2**63, True, 1.5, "5", None])
async def test_a_bad_concurrency_is_refused(repository: wh.MemoryRepository, concurrency: Any) -> None:
    """The number of calls at once is a whole number from 1, bounded since each is a task that is made at once."""
    async with wh.Executor(repository, transport=FakeTransport()) as executor:
        with pytest.raises(wh.DefinitionError, match=r"\$\.concurrency: give a whole number from 1 to 10,000"):
            executor.batch("Welcome", "hello", [], concurrency=concurrency)


@pytest.mark.parametrize("contexts", [5, None, _contexts])
async def test_what_is_no_source_is_refused(repository: wh.MemoryRepository, contexts: Any) -> None:
    """Contexts come from an iterable; a generator function that was not called is none."""
    async with wh.Executor(repository, transport=FakeTransport()) as executor:
        with pytest.raises(wh.DefinitionError, match=r"\$\.contexts: give an iterable"):
            executor.batch("Welcome", "hello", contexts)


@pytest.mark.parametrize(("journey", "label"), [("Nobody", "hello"), ("Welcome", "nobody")])
async def test_entering_raises_what_is_wrong_with_the_definition(
    repository: wh.MemoryRepository, journey: str, label: str
) -> None:
    """A batch over what is not there raises on entering; nothing was pulled."""
    source = _contexts(1)

    async with wh.Executor(repository, transport=FakeTransport()) as executor:
        with pytest.raises(wh.NotFound):
            async with executor.batch(journey, label, source):
                pass

    assert len(list(source)) == 1


@pytest.mark.parametrize("concurrency", [1, 2, 3])
async def test_contexts_are_never_lost_in_silence(repository: wh.MemoryRepository, concurrency: int) -> None:
    """Whatever the concurrency, a call that is cancelled from within ends the batch with an error."""
    replies: list[wh.Response | None] = [wh.Response(200)]

    def reply(_: wh.Request) -> wh.Response:
        if not replies:
            raise asyncio.CancelledError
        return replies.pop() or wh.Response(200)

    async with wh.Executor(repository, transport=FakeTransport(reply)) as executor:
        async with executor.batch("Welcome", "hello", _contexts(5), concurrency=concurrency) as batch:
            with pytest.raises(wh.ExecutionError, match="cancelled from within"):
                [outcome async for outcome in batch]


async def test_a_batch_is_entered_once(repository: wh.MemoryRepository) -> None:
    """A second entry is refused; after the block nothing more comes."""
    async with wh.Executor(repository, transport=FakeTransport()) as executor:
        batch = executor.batch("Welcome", "hello", _contexts(3))
        async with batch:
            with pytest.raises(wh.DefinitionError, match="once"):
                await batch.__aenter__()
        with pytest.raises(wh.DefinitionError, match="once"):
            await batch.__aenter__()

        assert [outcome async for outcome in batch] == []


@pytest.mark.parametrize("context", [{"Signup": {"name": "Ann"}}, "Ann", None])
async def test_what_is_no_context_is_an_outcome(repository: wh.MemoryRepository, context: object) -> None:
    """One wrong context costs the others nothing, and nothing is sent for it."""
    transport = FakeTransport()

    async with wh.Executor(repository, transport=transport) as executor:
        async with executor.batch("Welcome", "hello", [context], concurrency=1) as batch:
            (outcome,) = [outcome async for outcome in batch]

    assert (outcome.status, transport.requests) == ("internalError", [])
    assert "a Context belongs here" in str(outcome.cause)


class Turning(FakeTransport):
    """Lets each call end only when as many later ones have ended as `behind`: the order of the ends is not that of the
    beginnings."""  # noqa: D205, D209 - one sentence

    def __init__(self, behind: int) -> None:
        super().__init__()
        self.behind, self.ended = behind, 0

    async def send(self, request: wh.Request, deadline: float) -> wh.Response:
        begun = len(self.requests)
        response = await super().send(request, deadline)
        for _ in range(self.behind if begun % 3 == 0 else 0):
            await asyncio.sleep(0)
        return response


@pytest.mark.parametrize("contexts", [_contexts, _arriving], ids=["an iterator", "an async iterator"])
@pytest.mark.parametrize("concurrency", [1, 4, 30])
async def test_outcomes_come_in_order_where_that_is_asked_for(
    repository: wh.MemoryRepository, contexts: Any, concurrency: int
) -> None:
    """Whatever call ends first, and none is lost or held twice."""
    async with wh.Executor(repository, transport=Turning(20)) as executor:
        async with executor.batch("Welcome", "hello", contexts(50), concurrency=concurrency, in_order=True) as batch:
            found = [outcome.index async for outcome in batch]

    assert found == list(range(50))


async def test_a_slow_call_in_order_holds_the_source_back(repository: wh.MemoryRepository) -> None:
    """What ended behind it is held, and is bounded: the source is asked for no more than twice the concurrency."""
    gate = asyncio.Event()

    class Gated(FakeTransport):
        async def send(self, request: wh.Request, deadline: float) -> wh.Response:
            response = await super().send(request, deadline)
            if len(self.requests) == 1:
                await gate.wait()
            return response

    async with wh.Executor(repository, transport=Gated()) as executor:
        async with executor.batch("Welcome", "hello", _contexts(), concurrency=4, in_order=True) as batch:
            await _settle()
            assert (batch.pulled, batch.taken) == (8, 0)
            gate.set()
            assert [(await anext(batch)).index for _ in range(20)] == list(range(20))


async def test_what_ended_before_a_failure_comes_in_order_too(repository: wh.MemoryRepository) -> None:
    """An exception of the source comes out after the outcomes before it."""

    def failing() -> Iterator[wh.Context]:
        yield from _contexts(5)
        raise LookupError("the source broke")

    async with wh.Executor(repository, transport=Turning(9)) as executor:
        async with executor.batch("Welcome", "hello", failing(), concurrency=3, in_order=True) as batch:
            found = [(await anext(batch)).index for _ in range(5)]
            with pytest.raises(LookupError):
                await anext(batch)

    assert found == list(range(5))


async def test_a_batch_tells_how_far_it_is(repository: wh.MemoryRepository) -> None:
    """What was pulled, what was taken, and the statuses of that."""

    def reply(request: wh.Request) -> wh.Response:
        return wh.Response(404 if b"n3" in (request.body or b"") else 200)

    async with wh.Executor(repository, transport=FakeTransport(reply)) as executor:
        async with executor.batch("Welcome", "hello", _contexts(6), concurrency=1) as batch:
            assert (batch.pulled, batch.taken, batch.tally) == (0, 0, {})
            await anext(batch)
            assert (batch.taken, batch.tally) == (1, {"http_200": 1})
            async for _ in batch:
                pass

    assert (batch.pulled, batch.taken, batch.tally) == (6, 6, {"http_200": 5, "http_404": 1})


@pytest.mark.parametrize("is_async", [True, False])
@pytest.mark.parametrize("over", [OSError, None])
async def test_a_source_that_is_over_is_not_asked_again(
    repository: wh.MemoryRepository,
    over: type[Exception] | None,
    is_async: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """One that would go on after its end or its failure, or wait for ever."""

    class Queue:
        """Ends at the fourth question."""

        asked = 0

        def __iter__(self) -> Iterator[wh.Context]:
            return self

        def __next__(self) -> wh.Context:
            self.asked += 1
            if self.asked == 4:
                raise over or StopIteration
            return _context(self.asked)

    class Arriving(Queue):
        __iter__ = None  # type: ignore[assignment]

        def __aiter__(self) -> AsyncIterator[wh.Context]:
            return self

        async def __anext__(self) -> wh.Context:
            await asyncio.sleep(0)
            try:
                return next(self)
            except StopIteration:
                raise StopAsyncIteration from None

    source = Arriving() if is_async else Queue()
    async with wh.Executor(repository, transport=FakeTransport()) as executor:
        async with executor.batch("Welcome", "hello", source, concurrency=3) as batch:
            for _ in range(3):
                await anext(batch)
            with pytest.raises(over or StopAsyncIteration):
                await anext(batch)

    assert (source.asked, batch.taken) == (4, 3)


async def _stopped(batch: wh.Batch) -> list[wh.Outcome]:
    """What comes of a batch that is stopped; it does not wait for anybody."""
    batch.stop()
    async with asyncio.timeout(10):
        return [outcome async for outcome in batch]


async def test_stopping_ends_calls_and_keeps_their_outcomes(repository: wh.MemoryRepository) -> None:
    """What was sent may have been done, and says so; nothing more is pulled, and the iteration ends."""
    before, transport, pulled = asyncio.all_tasks(), Hanging(), []

    def counting() -> Iterator[wh.Context]:
        for context in _contexts():
            pulled.append(context)
            yield context

    async with wh.Executor(repository, transport=transport) as executor:
        async with executor.batch("Welcome", "hello", counting(), concurrency=5, in_order=True) as batch:
            await _settle()
            outcomes = await _stopped(batch)
        after = asyncio.all_tasks()

    assert [(o.index, o.status, o.delivery) for o in outcomes] == [(i, "internalError", "unknown") for i in range(5)]
    assert all("stopped" in str(outcome.cause) and len(outcome.attempts) == 1 for outcome in outcomes)
    assert all("jo_status_code" in context.actions["Greet"] for context in pulled)
    assert (len(pulled), len(transport.requests), after) == (5, 5, before)


async def test_a_call_that_was_not_sent_when_it_was_stopped_may_be_made_later(
    repository: wh.MemoryRepository,
) -> None:
    """One that waits for a place, before its first byte, is known not to have been done."""
    transport = Hanging()
    limiter = wh.WindowLimiter([wh.CappingRule("https://api.example.com/*", wh.Rating(100, 60_000, 1))])

    async with wh.Executor(repository, transport=transport, limiter=limiter) as executor:
        async with executor.batch("Welcome", "hello", _contexts(), concurrency=3) as batch:
            await _settle()
            outcomes = await _stopped(batch)

    assert sorted(outcome.delivery for outcome in outcomes) == ["unavailable", "unavailable", "unknown"]
    assert len(transport.requests) == 1


async def test_a_failure_that_was_told_before_the_stop_is_not_forgotten(repository: wh.MemoryRepository) -> None:
    """A call that waits for its repeat has the word of the attempt before it."""
    busy = wh.Response(503, (("retry-after", "2"),))

    async with wh.Executor(repository, transport=FakeTransport(busy)) as executor:
        async with executor.batch("Welcome", "hello", _contexts(1)) as batch:
            await _settle()
            (outcome,) = await _stopped(batch)

    assert (outcome.delivery, [attempt.status for attempt in outcome.attempts]) == ("unavailable", [503])


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_stopping_does_not_wait_for_the_source(repository: wh.MemoryRepository, concurrency: int) -> None:
    """A source that never gives its next context is left, and closed."""
    ended = []

    async def source() -> AsyncIterator[wh.Context]:
        try:
            yield _context(0)
            await asyncio.Event().wait()
        finally:
            ended.append("closed")

    async with wh.Executor(repository, transport=FakeTransport()) as executor:
        async with executor.batch("Welcome", "hello", source(), concurrency=concurrency) as batch:
            await _settle()
            outcomes = await _stopped(batch)

    assert ([outcome.status for outcome in outcomes], ended) == (["http_200"], ["closed"])


async def test_what_had_ended_when_the_batch_was_stopped_is_still_taken(repository: wh.MemoryRepository) -> None:
    """Workers that wait until somebody takes outcomes end, and what they have comes out in order."""
    async with wh.Executor(repository, transport=FakeTransport()) as executor:
        async with executor.batch("Welcome", "hello", _contexts(), concurrency=4, in_order=True) as batch:
            await _settle()
            outcomes = await _stopped(batch)

    assert [outcome.index for outcome in outcomes] == list(range(batch.pulled))
    assert {outcome.status for outcome in outcomes} == {"http_200"}


async def test_a_batch_that_is_stopped_before_it_begins_makes_no_call(repository: wh.MemoryRepository) -> None:
    """Nothing is pulled."""
    transport = FakeTransport()

    async with wh.Executor(repository, transport=transport) as executor:
        batch = executor.batch("Welcome", "hello", _contexts())
        batch.stop()
        async with batch:
            outcomes = [outcome async for outcome in batch]

    assert (outcomes, batch.pulled, transport.requests) == ([], 0, [])


async def test_other_calls_of_the_executor_go_on(repository: wh.MemoryRepository) -> None:
    """A stop is one batch's."""
    async with wh.Executor(repository, transport=Yielding()) as executor:
        async with executor.batch("Welcome", "hello", _contexts()) as batch:
            batch.stop()
            other = await executor.execute("Welcome", "hello", _context(1))
            async with executor.batch("Welcome", "hello", _contexts(3)) as second:
                statuses = [outcome.status async for outcome in second]

    assert [other.status, *statuses] == ["http_200"] * 4


async def test_a_cancellation_after_a_stop_passes_through(repository: wh.MemoryRepository) -> None:
    """Who waits for the outcomes of a stopped batch can still be cancelled."""
    before = asyncio.all_tasks()

    async def consume() -> None:
        async with wh.Executor(repository, transport=Hanging()) as executor:
            async with executor.batch("Welcome", "hello", _contexts(), concurrency=4) as batch:
                await _settle()
                batch.stop()
                await asyncio.Event().wait()

    consumer = asyncio.create_task(consume())
    for _ in range(3):
        await _settle()
    consumer.cancel()

    with pytest.raises(asyncio.CancelledError):
        await consumer
    assert asyncio.all_tasks() == before
