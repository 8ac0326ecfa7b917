"""The directive `card`: a card of the gallery in a page, as a notebook shows it.

Where a Chromium is here, the build photographs each card in light and dark beside the pages, and the pages show the
pictures as well.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from browser import Browser
from docutils import nodes
from gallery import examples
from sphinx.util.docutils import SphinxDirective

FOLDER = "gallery"
WIDTH = 760
SHADES = {"light": "background:#fff;color:#1a1a1a", "dark": "background:#1b1c1f;color:#e6e6e6"}


class Card(SphinxDirective):
    """A card of the gallery by its name, and its pictures where the build makes them."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the card."""
        name = self.arguments[0]
        parts = [examples()[name]._repr_html_()]
        if Browser.found() is not None:
            images = "".join(
                f'<img src="{FOLDER}/{name}-{shade}.png" alt="{name}, {shade}" loading="lazy" style="width:49%">'
                for shade in SHADES
            )
            parts.append(f"<details><summary>As pictures, light and dark</summary><p>{images}</p></details>")
        return [nodes.raw("", part, format="html") for part in parts]


def photograph(app: Any, failure: Exception | None) -> None:
    """Write a picture of every card in each shade, where a Chromium is here."""
    if failure is not None or app.builder.format != "html" or Browser.found() is None:
        return
    folder = Path(app.outdir, FOLDER)
    folder.mkdir(exist_ok=True)
    with Browser() as browser:
        for name, value in examples().items():
            for shade, style in SHADES.items():
                body = (
                    f'<body style="margin:12px;font-family:system-ui,sans-serif;{style}">{value._repr_html_()}</body>'
                )
                html = f"<!doctype html><html><head><meta charset='utf-8'></head>{body}</html>"
                browser.show(html, width=WIDTH, height=100, dark=shade == "dark")
                browser.photograph(folder / f"{name}-{shade}.png")


def setup(app: Any) -> dict[str, bool]:
    """Add the directive, and the photographer."""
    app.add_directive("card", Card)
    app.connect("build-finished", photograph)
    return {"parallel_read_safe": True}
