"""The built site in a real browser: every page is read and measured, light and wide, dark and narrow."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser

SITE = os.environ.get("WAYHOOK_SITE", "")
"""The folder of the built site; `nox -s docs` builds it, and then runs these tests."""
READ = "article, .sidebar-tree"
HIDDEN = "style, title, noscript, .toctree-wrapper > .caption, .sidebar-tree ul ul"
"""What is folded, and captions, which repeat headings."""
MEASURE = f"({(Path(__file__).parent / 'measure.js').read_text(encoding='utf-8')})('{READ}', '{HIDDEN}')"
SHADES = {"light": (1280, False), "dark": (420, True)}
pytestmark = [
    pytest.mark.skipif(Browser.found() is None, reason="no Chromium here (Debian: apt install chromium)"),
    pytest.mark.skipif(not SITE, reason="no built site here: nox -s docs, or name its folder in WAYHOOK_SITE"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all pages."""
    with Browser() as browser:
        yield browser


def pages() -> list[Path]:
    """Every page that somebody has written, or that is made of code; not the listings of the code itself."""
    return [page for page in sorted(Path(SITE).rglob("*.html")) if not {"_modules", "_static"} & {*page.parts}]


@pytest.mark.parametrize("shade", SHADES)
def test_every_page_can_be_read(browser: Browser, shade: str) -> None:
    """Every text is visible, unclipped and of contrast 4.5, and no page is wider than its window."""
    width, dark = SHADES[shade]
    wrong, texts = {}, 0
    for page in pages():
        browser.open(page, width=width, dark=dark)
        found = browser.value(MEASURE)
        texts += found["texts"]
        if found["wrong"]:
            wrong[page.name] = found["wrong"]

    assert wrong == {}
    assert texts > 20_000


def test_a_page_takes_the_theme_of_its_reader(browser: Browser) -> None:
    """The same page is bright to one, and dark to another."""
    background = "getComputedStyle(document.body).backgroundColor"
    seen = []
    for is_dark in (False, True):
        browser.open(Path(SITE, "gallery.html"), dark=is_dark)
        seen.append([int(part) for part in re.findall(r"\d+", browser.value(background))[:3]])

    light, dark = seen
    assert min(light) > 200
    assert max(dark) < 60


@pytest.mark.parametrize(
    ("style", "wrong"),
    [
        ("article p { color: #999 !important }", "contrast"),
        ("article h1 { width: 1400px }", "the page is wider than the window"),
        ("article h1 { visibility: hidden; font-size: 0 !important }", "not visible"),
        (".sidebar-tree a { color: #bbb !important }", "contrast"),
    ],
)
def test_the_measure_finds_what_cannot_be_read(browser: Browser, style: str, wrong: str) -> None:
    """The judge is judged: a style that spoils the site is told."""
    browser.open(Path(SITE, "index.html"), width=1280)
    browser.value(f"document.head.insertAdjacentHTML('beforeend', '<style>{style}</style>')")

    assert any(wrong in each for each in browser.value(MEASURE)["wrong"])
