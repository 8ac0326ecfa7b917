"""The page of each system and its program describe the same action."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
ACTIONS = [
    ("adobe_io", "log_event", "connect-adobe-io.md"),
    ("epsilon_message", "send_message", "connect-epsilon.md"),
    ("facebook_graph", "publish_post", "connect-facebook.md"),
    ("firebase_messaging", "send_push", "connect-firebase.md"),
    ("slack_webhook", "post_message", "connect-slack.md"),
]


@pytest.mark.parametrize(("program", "function", "page"), ACTIONS, ids=[page for _, _, page in ACTIONS])
def test_the_page_shows_the_action_of_the_program(program: str, function: str, page: str) -> None:
    """The page holds the function of the program, letter by letter."""
    source = inspect.getsource(getattr(importlib.import_module(program), function))

    assert source in (HOW_TO / page).read_text(encoding="utf-8")


def test_every_page_of_a_system_has_its_program() -> None:
    """No page is left out of these tests."""
    pages = {path.name for path in HOW_TO.glob("connect-*.md")}

    assert pages == {page for _, _, page in ACTIONS}
