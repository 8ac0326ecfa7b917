"""Rows cut into partitions: all of them, in order, and none too large. Away from clusters, whose threads draw lots."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wayhook.notebook.partition import MAX_BYTES, MAX_ROWS, cut
from wayhook.notebook.row import Rows
from wayhook.rendering.plan import Given


@given(st.lists(st.sampled_from([10, 1000, 3 * 2**20]), max_size=30), st.integers(1, 40), st.integers(0, 2500))
def test_partitions_are_whole_in_order_and_bounded(sizes: list[int], pieces: int, more: int) -> None:
    """Every row is in one of them; none has too many rows, and none but that of a single row too many bytes."""
    subjects = [Given({"text": "x" * size}) for size in sizes] + [Given({"text": ""})] * more

    parts = list(cut(Rows(subjects, range(len(subjects)), [None] * len(subjects)), pieces))

    assert [place for part in parts for place in part] == list(range(len(subjects)))
    assert all(1 <= len(part) <= MAX_ROWS for part in parts)
    for part in parts:
        weight = sum(len(subjects[place].values["text"]) for place in part)
        assert len(part) == 1 or weight <= MAX_BYTES
