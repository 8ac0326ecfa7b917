"""Cards in a real browser: read, measured and judged in every theme, narrow and wide."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Browser
from gallery import examples
from theme import PAGES, page

import wayhook as wh

MEASURE = f"({(Path(__file__).parent / 'measure.js').read_text(encoding='utf-8')})('.wayhook', 'style, title')"
OPENED = "document.querySelectorAll('details').forEach((fold) => { fold.open = true; })"
pytestmark = pytest.mark.skipif(Browser.found() is None, reason="no Chromium here (Debian: apt install chromium)")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all pages."""
    with Browser() as browser:
        yield browser


def measured(browser: Browser, html: str, name: str, width: int) -> list[dict[str, Any]]:
    """What is wrong with the cards of a page: as it comes, and with everything unfolded."""
    browser.show(page(name, html), width=width, dark=PAGES[name][2])
    found = [browser.value(MEASURE)]
    browser.value(OPENED)
    return [*found, browser.value(MEASURE)]


def gallery() -> str:
    """All cards, one below the other: the same style stands there many times."""
    return "".join(value._repr_html_() for value in examples().values())


@pytest.mark.parametrize("width", [480, 1000])
@pytest.mark.parametrize("name", list(PAGES))
def test_every_card_can_be_read(browser: Browser, name: str, width: int) -> None:
    """Every text is visible, unclipped and of contrast 4.5; nothing leaves its card, and no table has to scroll."""
    folded, opened = measured(browser, gallery(), name, width)

    assert (folded["wrong"], opened["wrong"], opened["scrolled"]) == ([], [], [])
    assert folded["cards"] == len(examples())
    assert opened["texts"] > folded["texts"] > 500


@pytest.mark.parametrize("width", [480, 1000])
def test_what_is_long_deep_or_wide_stays_in_its_card(browser: Browser, width: int) -> None:
    """A text without a space, sixty levels and a long name: the card keeps its width, and what is too wide scrolls."""
    sample: dict[str, Any] = {"leaf": "x" * 2000}
    for _ in range(60):
        sample = {"a" * 60: sample}
    action = wh.Action(
        name="A" * 400,
        description="d" * 400,
        url_configuration=wh.UrlConfiguration(
            f"https://h.example/{'p' * 400}", headers={"X-" + "h" * 300: "v" * 300, "Y": wh.variable("l" * 400)}
        ),
        message_parameters=wh.message_parameters(sample),
    )
    ended = wh.Outcome(
        "A" * 400,
        "http_" + "9" * 300,
        None,
        (wh.Attempt(1, wh.Evidence.AMBIGUOUS, None, "why" * 200, 0.0, 1e9),),
        1e12,
        cause=wh.ConnectionFailed("w" * 900),
        journey="j" * 400,
        label="l",
    )
    call = wh.preview(action, {"Y": "v" * 2000})

    for name in ("plain, light", "JupyterLab, dark"):
        found = measured(browser, action._repr_html_() + ended._repr_html_() + call._repr_html_(), name, width)

        assert [each["wrong"] for each in found] == [[], []]


@pytest.mark.parametrize(
    ("style", "wrong"),
    [
        (".wayhook .wh-about { color: #888 !important }", "contrast"),
        (".wayhook .wh-chip { background: #555 !important }", "contrast"),
        (".wayhook .wh-about { opacity: .4 !important }", "contrast"),
        (".wayhook .wh-kind { font-size: 0 !important }", "not visible"),
        (".wayhook .wh-title { display: block !important; height: 4px; overflow: hidden }", "clipped"),
        (".wayhook .wh-value { white-space: nowrap !important; display: inline-block; min-width: 1200px }", "card"),
        (".wayhook .wh-kind { font-size: 8px !important }", "small"),
        (".wayhook svg rect { fill: #eee !important; stroke: #eee !important }", "a bar of contrast"),
    ],
)
def test_the_measure_finds_what_cannot_be_read(browser: Browser, style: str, wrong: str) -> None:
    """The judge is judged: a style that spoils the cards is told."""
    style = style.replace(".wayhook", ".wayhook" * 4)

    folded, _ = measured(browser, f"{gallery()}<style>{style}</style>", "plain, light", 480)

    assert any(wrong in each for each in folded["wrong"])


def test_a_card_runs_nothing_and_asks_for_nothing(browser: Browser) -> None:
    """The browser's own account: no request, no script, no handler and no name that stands twice."""
    evil = wh.Connection('</style><img src=x onerror="window.hit=1"><script>window.hit=1</script>')
    browser.show(page("plain, light", gallery() + evil._repr_html_()))

    assert browser.value("window.hit ?? null") is None
    assert browser.value("performance.getEntriesByType('resource').length") == 0
    assert browser.value("document.querySelectorAll('.wayhook script, .wayhook img, .wayhook [id]').length") == 0
