"""The progress of a map: a bar, a function, or nothing."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell

import wayhook as wh
from wayhook.display import live
from wayhook.testing import FakeTransport

ROWS = [{"to": f"n{number}", "text": "Hi"} for number in range(20)]


class Slow(FakeTransport):
    """Takes so long that the progress is looked at meanwhile; every fifth call fails."""

    async def send(self, request: wh.Request, deadline: float) -> wh.Response:
        await asyncio.sleep(0.03)
        await super().send(request, deadline)
        return wh.Response(422 if len(self.requests) % 5 == 0 else 202)


def test_a_function_is_told_the_progress(action: wh.Action) -> None:
    """In the thread of the caller, again and again, and at the end; the figures agree."""
    told: list[wh.Progress] = []
    threads = set()

    def tell(progress: wh.Progress) -> None:
        assert progress.latencies.total >= progress.done - 1
        threads.add(threading.current_thread())
        told.append(progress)

    wh.map(action, ROWS, transport=Slow(), concurrency=1, progress=tell)

    last = told[-1]
    assert len(told) > 3
    assert [progress.done for progress in told] == sorted(progress.done for progress in told)
    assert all(progress.succeeded <= progress.done <= progress.total == 20 for progress in told)
    assert (last.done, last.succeeded, last.tally) == (20, 16, {"http_202": 16, "http_422": 4})
    assert last.latencies.total == 20
    assert 0.02 < last.latencies.within(0.5) < 1
    assert threads == {threading.current_thread()}


def test_a_function_that_fails_harms_no_call(action: wh.Action, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged once, and told no more."""
    told = []

    def tell(progress: wh.Progress) -> None:
        told.append(progress)
        raise ZeroDivisionError

    with caplog.at_level(logging.ERROR, "wayhook"):
        results = wh.map(action, ROWS, transport=Slow(), concurrency=5, progress=tell)

    assert (len(results), len(told)) == (20, 1)
    assert [record.getMessage() for record in caplog.records] == ["the progress function failed"]


def test_a_bar_shows_what_is_delivered_and_what_failed(action: wh.Action, capsys: pytest.CaptureFixture[str]) -> None:
    """With the name of the action, on the error stream."""
    wh.map(action, ROWS, transport=Slow(), concurrency=5)

    out, bar = capsys.readouterr()
    assert out == ""
    assert "SendSms: 100%" in bar
    assert "20/20" in bar
    assert "delivered=16, failed=4" in bar


@pytest.mark.parametrize("settings", [{"progress": False}, {"dry_run": True}])
def test_there_need_be_no_bar(action: wh.Action, settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is written without one, or where nothing is sent."""
    wh.map(action, ROWS, transport=FakeTransport(), **settings)

    assert capsys.readouterr() == ("", "")


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    """A shell of IPython that keeps what is published; it has a kernel, as in a notebook."""
    shell = InteractiveShell.instance()
    monkeypatch.setattr(shell, "display_pub", CapturingDisplayPublisher())
    shell.kernel = object()
    yield shell
    InteractiveShell.clear_instance()


def test_a_notebook_draws_the_picture_again(
    shell: InteractiveShell, action: wh.Action, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In its one place: at once, while calls are made, and when all have ended; there is no bar beside it."""
    monkeypatch.setattr(live, "_PAUSE", 0.0)

    wh.map(action, ROWS, transport=Slow(), concurrency=1, progress="picture")

    published = shell.display_pub.outputs
    assert len(published) > 4
    assert len({output["transient"]["display_id"] for output in published}) == 1
    first, *_, last = (output["data"]["text/html"] for output in published)
    assert "0 of 20 outcomes" in first
    assert all(text in last for text in ("20 of 20 outcomes", "http_422", "<svg", "16 succeeded", "4 failed"))
    assert any("20 of 20" not in output["data"]["text/html"] for output in published[1:-1])
    assert published[-1]["data"]["text/plain"] == "<Picture: 20 of 20 rows>"
    assert capsys.readouterr().err == ""


def test_the_last_picture_is_drawn_however_soon(
    shell: InteractiveShell, action: wh.Action, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end is never left out for having come too quickly."""
    monkeypatch.setattr(live, "_PAUSE", 3600.0)

    wh.map(action, ROWS, transport=FakeTransport(), progress="picture")

    _, last = shell.display_pub.outputs
    assert "20 of 20 outcomes" in last["data"]["text/html"]


def test_where_nothing_is_drawn_again_a_bar_stands_in_for_the_picture(
    action: wh.Action, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a script, say."""
    wh.map(action, ROWS, transport=FakeTransport(), progress="picture")

    assert "20/20" in capsys.readouterr().err


def test_a_bar_starts_no_thread(action: wh.Action) -> None:
    """The monitor of tqdm would stay for ever."""
    program = """
import threading
import wayhook as wh
from wayhook.testing import FakeTransport
action = wh.Action(name="A", url_configuration=wh.UrlConfiguration("https://h.example"))
wh.map(action, [{}] * 5, transport=FakeTransport())
print(threading.active_count())
"""

    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "1\n"


def test_a_bar_is_loaded_when_it_is_shown() -> None:
    """Without one, nobody pays for tqdm; nor for pandas or polars."""
    program = """
import sys
import wayhook as wh
from wayhook.testing import FakeTransport
action = wh.Action(name="A", url_configuration=wh.UrlConfiguration("https://h.example"))
wh.map(action, [{}] * 5, transport=FakeTransport(), progress=False).summary()
print(sorted({"tqdm", "pandas", "polars", "numpy"} & set(sys.modules)))
"""

    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
