"""The tutorial notebook runs, from top to bottom, and shows what it speaks of."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "docs" / "tutorial" / "notebook.ipynb"


def _outputs(notebook: Any) -> dict[str, Any]:
    """What each cell of code shows, by its last line."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return {cell.source.splitlines()[-1]: [output.get("data", {}) for output in cell.outputs] for cell in cells}


def test_the_tutorial_runs() -> None:
    """Cards and tables are shown; the two rows that failed are delivered by the second try; no key is shown."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    asyncio.run(NotebookClient(notebook, timeout=120, kernel_name="python3").async_execute())

    shown = _outputs(notebook)
    assert [cell.outputs for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"] == [
        [] for _ in shown
    ], "outputs are not committed"
    for value in ("send_sms", "outcome", "results"):
        assert 'class="wayhook"' in shown[value][0]["text/html"]
    assert "8 succeeded, 2 failed" in shown["results"][0]["text/plain"]
    assert "'succeeded': 10" in shown["results.summary()"][0]["text/plain"]
    assert shown["len(service.received)"][0]["text/plain"] == "13"
    assert "a-key" not in str(shown)
