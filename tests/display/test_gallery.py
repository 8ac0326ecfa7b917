"""The gallery: one card of each kind on its page."""

from __future__ import annotations

import re
from pathlib import Path

from gallery import examples

PAGE = (Path(__file__).parents[2] / "docs" / "gallery.md").read_text(encoding="utf-8")


def test_the_page_shows_every_card_once() -> None:
    """Each example has its place, and no place is empty."""
    assert sorted(re.findall(r"^```\{card\} (\S+)$", PAGE, re.MULTILINE)) == sorted(examples())
