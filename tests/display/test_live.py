"""A batch that is looked at: a notebook draws it again while it runs, and not too often."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import nbclient
import nbformat
import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from reading import page

import wayhook as wh
from wayhook.display import live
from wayhook.testing import FakeTransport


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    """A shell of IPython that keeps what is published; it has a kernel, as in a notebook."""
    shell = InteractiveShell.instance()
    monkeypatch.setattr(shell, "display_pub", CapturingDisplayPublisher())
    shell.kernel = object()
    yield shell
    InteractiveShell.clear_instance()


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        """The seconds."""
        return self.now


async def run(clock: Clock, seconds: float, count: int, *, looked_at: bool = True) -> wh.Batch:
    """A batch whose outcomes are taken one every so many seconds."""
    repository = wh.MemoryRepository()
    action = wh.Action(name="A", url_configuration=wh.UrlConfiguration("https://h.example"))
    await repository.save(action, wh.Journey("J", [wh.ActionActivity("A", label="a")]))
    async with (
        wh.Executor(repository, transport=FakeTransport()) as executor,
        executor.batch("J", "a", [wh.Context() for _ in range(count)], concurrency=1) as batch,
    ):
        if looked_at:
            batch._ipython_display_()
        async for _ in batch:
            clock.now += seconds
    return batch


async def test_a_batch_on_show_is_drawn_twice_a_second_at_most(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, every half second while outcomes are taken, and when all is over; always in the same place."""
    clock = Clock()
    monkeypatch.setattr(live, "time", clock)

    await run(clock, 0.125, 21)

    published = shell.display_pub.outputs
    assert len(published) == 1 + 5 + 1
    assert len({output["transient"]["display_id"] for output in published}) == 1
    assert [output.get("update", False) for output in published] == [False, *[True] * 6]
    texts = [page(output["data"]["text/html"]).text for output in published]
    assert texts[0].startswith("batch0 outcomes")
    assert texts[1].startswith("batch✓5 succeeded5 outcomes")
    assert texts[-1].startswith("batch✓21 succeeded21 outcomes")


async def test_a_batch_that_nobody_looks_at_draws_nothing(shell: InteractiveShell) -> None:
    """No card is made of it."""
    batch = await run(Clock(), 1.0, 3, looked_at=False)

    assert batch.redraw is None
    assert shell.display_pub.outputs == []


async def test_a_terminal_shows_a_batch_once(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing can be drawn again."""
    del shell.kernel

    await run(Clock(), 1.0, 3)

    assert len(shell.display_pub.outputs) == 1


NOTEBOOK = """
import wayhook as wh
from wayhook.testing import FakeTransport
action = wh.Action(name="A", url_configuration=wh.UrlConfiguration("https://h.example"))
repository = wh.MemoryRepository()
await repository.save(action, wh.Journey("J", [wh.ActionActivity("A", label="a")]))
async with (
    wh.Executor(repository, transport=FakeTransport()) as executor,
    executor.batch("J", "a", (wh.Context() for _ in range(200)), concurrency=4) as batch,
):
    display(batch)
    async for _ in batch: pass
"""


def executed(*cells: str) -> list[Any]:
    """The outputs of each cell of a notebook that a real kernel has run."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    return [cell.outputs for cell in notebook.cells]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_notebook_shows_cards() -> None:
    """A real kernel: the card of a value at the end of a cell, and of a batch the last drawing in its one place."""
    batch, preview, plain = executed(NOTEBOOK, "wh.preview(action)", "1 + 1")

    assert len(batch) == 1
    assert page(batch[0]["data"]["text/html"]).text.startswith("batch✓200 succeeded200 outcomes")
    assert batch[0]["data"]["text/plain"].startswith("<wayhook.execution.batch.Batch")
    assert page(preview[0]["data"]["text/html"]).text.startswith("previewPOSThttps://h.example")
    assert preview[0]["data"]["text/plain"] == "<Call A: POST https://h.example, no body>"
    assert list(plain[0]["data"]) == ["text/plain"]
