"""How long calls took: counted in constant memory, told within an eighth."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from itertools import pairwise
from statistics import quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wayhook as wh
from wayhook.execution.latency import Latencies
from wayhook.testing import FakeTransport

SECONDS = st.floats(2e-4, 9e3)


@given(st.lists(SECONDS, min_size=1, max_size=60), st.sampled_from([0.0, 0.1, 0.5, 0.95, 0.99, 1.0]))
def test_what_a_share_of_calls_took_is_told_within_an_eighth(seconds: list[float], share: float) -> None:
    """No less than the share took, and at most an eighth more."""
    exact = sorted(seconds)[max(0, math.ceil(share * len(seconds)) - 1)]

    assert exact * (1 - 1e-9) <= Latencies(seconds).within(share) <= exact * 1.125


@given(st.lists(SECONDS, max_size=60))
def test_every_call_is_counted_once_where_it_belongs(seconds: list[float]) -> None:
    """The counts follow each other without a gap, and hold what is between their ends."""
    latencies = Latencies(seconds)
    counts = list(latencies.counts())

    assert latencies.total == len(seconds) == sum(count for *_, count in counts)
    assert all(high == low for (_, high, _), (low, _, _) in pairwise(counts))
    assert all(count == sum(low < each <= high for each in seconds) for low, high, count in counts)


@pytest.mark.parametrize("seconds", [0.0, -1.0, 1e-9, 1e9, math.inf])
def test_what_is_out_of_every_range_is_counted_at_its_end(seconds: float) -> None:
    """Nothing is lost, and nothing breaks."""
    latencies = Latencies([seconds])

    assert latencies.total == 1
    assert latencies.within(1.0) in (1e-4, pytest.approx(1e4))


def test_none_at_all_is_told_as_nothing() -> None:
    """Without a call there is no count, and no time."""
    assert (list(Latencies().counts()), Latencies().within(0.5), Latencies().total) == ([], 0.0, 0)


def test_it_takes_the_same_memory_for_a_million() -> None:
    """A fixed number of counts, whatever was counted."""
    few, many = Latencies([0.1]), Latencies(i / 1000 for i in range(1, 100_000))

    assert len(few._counts) == len(many._counts) < 200
    assert many.within(0.5) == pytest.approx(quantiles(range(1, 100_000), n=2)[0] / 1000, rel=0.125)


async def test_a_batch_counts_how_long_its_outcomes_took(send_sms: wh.Action) -> None:
    """Beside the tally; an outcome that nobody took is not counted."""
    repository = wh.MemoryRepository()
    activity = wh.ActionActivity(
        "SendSms", label="a", headers={"X-Campaign": "c"}, parameters={"to": "+1", "text": "x"}
    )
    await repository.save(send_sms, wh.Journey("J", [activity]))

    async def contexts() -> AsyncIterator[wh.Context]:
        for _ in range(5):
            yield wh.Context()

    async with (
        wh.Executor(repository, transport=FakeTransport(wh.Response(200))) as executor,
        executor.batch("J", "a", contexts(), concurrency=2) as batch,
    ):
        taken = [await anext(batch) for _ in range(3)]

    assert batch.latencies.total == 3
    assert batch.latencies.within(1.0) >= max(outcome.elapsed for outcome in taken)
