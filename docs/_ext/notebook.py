"""The directive `notebook`: a notebook that the build runs, with what its cells show.

An error of a cell is an error of the build.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import nbformat
from docutils import nodes
from nbclient import NotebookClient
from sphinx.util.docutils import SphinxDirective


class Notebook(SphinxDirective):
    """The cells of a notebook that lies beside the page; its first heading is the page's own, and left out."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return a section for each cell of text with a heading, and in it what follows."""
        file = Path(self.env.doc2path(self.env.docname)).parent / self.arguments[0]
        self.env.note_dependency(str(file))
        sections: list[nodes.Element] = [nodes.container()]
        for cell in executed(file).cells:
            if cell.cell_type == "code":
                shown = (part for output in cell.outputs for part in drawn(output))
                sections[-1] += [code(cell.source, "python"), *shown]
                continue
            heading, _, text = cell.source.partition("\n")
            if len(sections[0]):
                sections.append(section(heading.lstrip("# ")))
            sections[-1] += self.parse_text_to_nodes(text)
        return list(sections)


def section(title: str) -> nodes.section:
    """A section of the page."""
    made = nodes.section(ids=[nodes.make_id(title)])
    made += nodes.title(title, title)
    return made


def executed(file: Path) -> Any:
    """The notebook with its outputs; raises what a cell raises."""
    notebook = nbformat.read(file, as_version=4)
    client = NotebookClient(notebook, timeout=300, kernel_name="python3")
    asyncio.run(client.async_execute())
    return notebook


def code(text: str, language: str) -> nodes.literal_block:
    """A block of code."""
    return nodes.literal_block(text, text, language=language)


def drawn(output: Any) -> list[nodes.Node]:
    """What a cell shows: its card or table, else its text."""
    data = output.get("data", {})
    if "text/html" in data:
        return [nodes.raw("", f'<div class="output">{data["text/html"]}</div>', format="html")]
    text = output.get("text") or data.get("text/plain")
    return [code(text, "text")] if text else []


def setup(app: Any) -> dict[str, bool]:
    """Add the directive."""
    app.add_directive("notebook", Notebook)
    return {"parallel_read_safe": True}
