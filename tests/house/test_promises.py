"""The page of promises is complete, and every test that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "promises.md"
PROMISES = 55


def named() -> list[tuple[str, str]]:
    """The files that the page names, each with the test in it, or nothing."""
    return re.findall(r"`((?:tests|benchmarks)/[\w/]+\.py)(?:::(\w+))?`", PAGE.read_text(encoding="utf-8"))


def test_every_promise_stands_on_the_page_once() -> None:
    """P1 to P55, in order, each with what holds it."""
    rows = re.findall(r"^\| P(\d+) \| .+ \| .*`.+` ?.* \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)

    assert [int(number) for number in rows] == list(range(1, PROMISES + 1))


@pytest.mark.skipif(not (ROOT / "tests" / "faults").is_dir(), reason="the faults of the other side are not here yet")
def test_every_test_that_is_named_is_there() -> None:
    """A promise is held by something that runs."""
    missing = [
        (path, name)
        for path, name in named()
        if not (ROOT / path).is_file() or (name and not re.search(rf"(def|class) {name}\b", (ROOT / path).read_text()))
    ]

    assert named()
    assert missing == []


def _claims(text: str) -> list[str]:
    """The sentences that say it without denying it."""
    sentences = re.split(r"(?<=[.:])\s", text)
    said = [sentence for sentence in sentences if re.search(r"exactly[- ]once", sentence, re.IGNORECASE)]
    return [sentence for sentence in said if not re.search(r"\b(nobody|nowhere)\b", sentence, re.IGNORECASE)]


def test_exactly_once_is_nowhere_claimed() -> None:
    """Where the words stand at all, they are denied (P7)."""
    pages = [ROOT / "README.md", ROOT / "SECURITY.md", *(ROOT / "docs").rglob("*.md")]

    assert _claims("Delivered exactly once.") != []
    assert [claim for page in pages for claim in _claims(page.read_text(encoding="utf-8"))] == []
