"""The picture of many outcomes: how many ended how, how long they took, how far it is."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from wayhook.display.part import Card, Chip, Histogram, Part, Section, Share, Shares, counted, duration
from wayhook.errors import Delivery
from wayhook.execution.batch import Batch
from wayhook.execution.latency import Latencies
from wayhook.notebook.progress import Progress
from wayhook.notebook.results import Results
from wayhook.wire import NOT_MADE

__all__ = ["BatchFigures", "batch_card", "figures_card", "progress_card", "results_card"]

MAX_SHARES = 12
_BINS = 40
"""Bars of a histogram at most; above that, those side by side become one."""


@attrs.frozen
class BatchFigures:
    """What a picture of many outcomes is drawn from.

    `tally`: how many had each status. `done`: how many ended. `total`: how many there will be, None where nobody knows.
    `about`: a sentence.
    """

    tally: Mapping[str, int]
    latencies: Latencies
    done: int
    total: int | None = None
    about: str = ""


def batch_card(batch: Batch) -> Card:
    """Return the card of a batch as far as it is."""
    about = f"{counted(batch.pulled, 'context')} pulled from the source"
    return figures_card(BatchFigures(batch.tally, batch.latencies, batch.taken, about=about))


def progress_card(progress: Progress) -> Card:
    """Return the card of a map as far as it is."""
    return figures_card(BatchFigures(progress.tally, progress.latencies, progress.done, progress.total), "map")


def results_card(results: Results) -> Card:
    """Return the card of what a map came to."""
    figures = results.summary()
    doubtful = figures["deliveries"].get(Delivery.UNKNOWN, 0)
    about = f"{figures['action']}, {counted(figures['rows'], 'row')}"
    about += f"; {doubtful:,} may have been done" if doubtful else ""
    return figures_card(BatchFigures(results.tally, Latencies(results.latencies), len(results), about=about), "results")


def figures_card(figures: BatchFigures, kind: str = "batch") -> Card:
    """Return the card of these figures."""
    total = figures.total
    title = counted(figures.done, "outcome") if total is None else f"{figures.done:,} of {counted(total, 'outcome')}"
    chips = [_chip(status, f"{count:,} {word}") for status, word, count in _sums(figures.tally) if count]
    parts: list[Part] = []
    if figures.tally or total:
        parts.append(Section("How they ended", (Shares(_shares(figures.tally), total or 0),)))
    if figures.latencies.total:
        parts.append(Section("How long they took", (_histogram(figures.latencies),)))
    return Card(kind, title, tuple(parts), tuple(chips), figures.about)


def _chip(status: str, text: str) -> Chip:
    if status.startswith("http_2"):
        return Chip(text, "good", "✓")
    return Chip(text, "calm", "–") if status in NOT_MADE else Chip(text, "bad", "✗")


def _sums(tally: Mapping[str, int]) -> tuple[tuple[str, str, int], ...]:
    good = sum(count for status, count in tally.items() if status.startswith("http_2"))
    left_out = sum(count for status, count in tally.items() if status in NOT_MADE)
    failed = sum(tally.values()) - good - left_out
    return ("http_2", "succeeded", good), ("", "failed", failed), (NOT_MADE[0], "not made", left_out)


def _shares(tally: Mapping[str, int]) -> tuple[Share, ...]:
    """The statuses, the most frequent first; the rare ones together where there are many."""
    ranked = sorted(tally.items(), key=lambda item: (-item[1], item[0]))
    told, rest = ranked[:MAX_SHARES], ranked[MAX_SHARES:]
    shares = [Share(_chip(status, status), count) for status, count in told]
    if rest:
        words = counted(len(rest), "other status", "other statuses")
        shares.append(Share(Chip(words), sum(count for _, count in rest)))
    return tuple(shares)


def _histogram(latencies: Latencies) -> Histogram:
    bins = list(latencies.counts())
    while len(bins) > _BINS:
        pairs = [bins[place : place + 2] for place in range(0, len(bins), 2)]
        bins = [(pair[0][0], pair[-1][1], sum(count for *_, count in pair)) for pair in pairs]
    words = tuple((word, duration(latencies.within(share))) for word, share in _STANDS_OUT)
    return Histogram(tuple(bins), words)


_STANDS_OUT = (("half within", 0.5), ("95 % within", 0.95), ("99 % within", 0.99), ("all within", 1.0))
