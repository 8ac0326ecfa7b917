"""Cards in a terminal: the same content as in a notebook, drawn by rich, and plain text without it."""

from __future__ import annotations

import sys
from io import StringIO

import pytest
from gallery import examples
from rich.console import Console, Group
from rich.live import Live

import wayhook as wh
from wayhook.display.terminal import terminal_card


def drawn(value: object, width: int = 100) -> str:
    """What a terminal shows, without its colours."""
    console = Console(width=width, file=None, color_system=None)
    with console.capture() as captured:
        console.print(value)
    return captured.get()


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("name", list(examples()))
def test_every_value_of_the_gallery_prints_as_a_card(name: str, width: int) -> None:
    """`rich.print(value)` shows it within the terminal's width, whatever that is."""
    text = drawn(examples()[name], width)

    lines = text.splitlines()
    assert lines[0].startswith("╭─")
    assert lines[-1].startswith("╰─")
    assert {len(line) for line in lines} == {width}


def test_an_outcome_tells_what_was_tried() -> None:
    """The word with its sign, the attempts on a line of time, and the answer."""
    text = drawn(examples()["outcome"])

    assert "[✓ delivered] [http_202] SendSms" in text
    assert "1 [↻ 503] rejected unread" in text
    assert "▒▒▒" in text
    assert "┄┄" in text
    assert "ended at 1.12 s, deadline at 5 s" in text
    assert '"id": "m-7"' in text
    assert "X-Api-Key" in text
    assert "‹env:SMS_KEY›" in text


def test_a_preview_tells_where_each_value_comes_from() -> None:
    """As in a notebook."""
    text = drawn(examples()["preview"], 220)

    assert "payload to" in text
    assert "[expression] Recipient: @event{Signup.phone}" in text
    assert "[default] event Signup.name is absent" in text
    assert "[– not repeated] a POST has no key, and might be done twice" in text


def test_a_tree_is_drawn_with_its_branches() -> None:
    """Message parameters, and the activities of a journey."""
    assert "├── name string [Sender] optional" in drawn(examples()["action"])
    assert "└── text payload [expression] 'Welcome, '" in drawn(examples()["journey"])


def test_a_batch_is_drawn_with_its_bars() -> None:
    """Shares and a histogram, each bar as long as its number."""
    lines = drawn(examples()["batch"]).splitlines()

    first, rare = (next(line for line in lines if word in line) for word in ("[✓ http_202]", "[✗ http_404]"))
    assert first.count("█") > 20
    assert rare.count("█") == 1
    assert any("half within 25.1 ms" in line for line in lines)


def test_a_card_may_be_drawn_again_and_beside_others() -> None:
    """What it gives is what rich calls a renderable."""
    card = terminal_card(examples()["variable"])

    assert "Recipient" in drawn(Group(card, card))
    with Live(get_renderable=lambda: terminal_card(examples()["batch"]), console=Console(file=StringIO())):
        pass


def test_colours_stand_on_terminals_only() -> None:
    """Into a file or a pipe goes plain text."""
    console = Console(width=80, force_terminal=False)
    with console.capture() as captured:
        console.print(examples()["outcome"])

    assert "\x1b" not in captured.get()


def test_without_rich_a_value_is_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing fails where the extra is not installed."""
    monkeypatch.setitem(sys.modules, "rich", None)
    call = wh.preview(examples()["action"], {"to": "+1", "text": "x", "X-Campaign": "c"})

    assert terminal_card(call) == str(call)
