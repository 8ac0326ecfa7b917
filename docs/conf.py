"""The site: pages in Markdown, the reference from docstrings, the tables from the code."""

from __future__ import annotations

import re
import sys
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "Wayhook"
author = "The Wayhook authors"
project_copyright = author
version = release = version_of("wayhook")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode", "exhibit", "house", "language", "notebook"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "**.ipynb"]
root_doc = "index"

html_theme = "furo"
html_title = "Wayhook"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["site.css"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
python_use_unqualified_type_names = True
default_role = "code"


def _as_written(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:  # noqa: ARG001, PLR0917
    """Read an indented example below a line that ends with a colon as what it is: a block of code."""
    for place in range(len(lines) - 2):
        if lines[place].endswith(":") and not lines[place + 1] and re.match(r"\s{4}", lines[place + 2]):
            lines[place] += ":"


def _without_nothing(app: Any, what: str, name: str, obj: Any, options: Any, signature: str | None, result: Any) -> Any:  # noqa: ARG001, PLR0917
    """Show a default that has no short text of its own as `…`, and types without their modules."""
    if not signature:
        return None
    signature = re.sub(r"~([\w]+\.)+", "", signature)
    return re.sub(r"\s*=\s*(NOTHING|<[^,)]*>)", " = …", signature), result


def setup(app: Any) -> None:
    """Let autodoc read our docstrings and signatures."""
    app.connect("autodoc-process-docstring", _as_written)
    app.connect("autodoc-process-signature", _without_nothing)
