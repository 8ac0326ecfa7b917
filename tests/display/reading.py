"""A reader of cards: what a browser would see, and whether it may be there."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

VOID = {"wbr"}
TAGS = {
    "b", "code", "details", "div", "p", "pre", "span", "strong", "style", "summary", "wbr",
    "table", "tbody", "td", "th", "thead", "tr", "line", "rect", "svg", "title",
}  # fmt: skip
ATTRIBUTES = {
    "aria-hidden", "aria-label", "class", "dir", "height", "open", "role", "rx", "style", "width", "x", "x1", "x2", "y",
    "y1", "y2",
}  # fmt: skip


class Page(HTMLParser):
    """Tags, attributes, text and style of a fragment of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.text = self.style = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self.open += [tag] if tag not in VOID else []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another tag"

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            self.style += data
        elif "title" not in self.open:
            self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(f"a declaration: {decl}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"an instruction: {data}")

    def classes(self, name: str) -> int:
        """How many elements have a class."""
        return sum(name in value.split() for key, value in self.attributes if key == "class")


def page(value: Any) -> Page:
    """The card of a value, read and found harmless: the few tags and attributes of cards, and no address in them.

    There is no `id` among them, so that none stands twice, and nothing that a browser would run or fetch.
    """
    html = value if isinstance(value, str) else value._repr_html_()
    html.encode()
    seen = Page(html)
    assert seen.open == []
    assert set(seen.tags) <= TAGS
    assert {name for name, _ in seen.attributes} <= ATTRIBUTES
    assert not any(re.search(r"url\(|:/|javascript", value) for _, value in seen.attributes)
    assert not re.search(r"url\(|@import|http|<", seen.style)
    assert "<script" not in html.lower()
    return seen
