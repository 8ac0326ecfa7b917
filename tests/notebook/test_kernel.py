"""A real Jupyter kernel: cells without await, the bar, the card, and the stop button."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient

from wayhook.testing import Answer, LoopbackService, Received

pytestmark = pytest.mark.filterwarnings("default")  # those of the client of the kernel are not ours

SET_UP = """
import wayhook as wh
rails = wh.Guardrails.standard(network=wh.NetworkPolicy(loopback=True))
send_sms = wh.Action(
    name="SendSms",
    url_configuration=wh.UrlConfiguration({url!r}, method="PUT"),
    message_parameters=wh.message_parameters({{"to": "x"}}, variables={{"to": "Recipient"}}),
    response=wh.payload({{"id": "x"}}),
)
"""


def outputs(cell: Any) -> dict[str, str]:
    """What a cell has put out, by its kind."""
    found: dict[str, str] = {}
    for output in cell.outputs:
        if output.output_type == "stream":
            found[output.name] = found.get(output.name, "") + output.text
        elif output.output_type in ("execute_result", "display_data"):
            found |= dict(output.data)
    return found


def test_a_notebook_runs() -> None:
    """Its cells call for rows of a DataFrame without await, also beside top-level await, and show what came of it."""

    def respond(request: Received) -> Answer:
        to = request.json()["to"]
        return Answer(422 if to == "n3" else 200, {"id": to})

    with LoopbackService(respond) as service:
        cells = [
            SET_UP.format(url=service.url),
            'import pandas as pd\npeople = pd.DataFrame({"Recipient": [f"n{i}" for i in range(10)]})',
            "results = wh.map(send_sms, people, guardrails=rails)\nresults",
            "import asyncio\nawait asyncio.sleep(0)\nagain = results.retry()\nlen(again)",
            "results.failed.to_frame()[['status', 'delivery']]",
        ]
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        NotebookClient(notebook, timeout=120, kernel_name="python3").execute()

    shown, again, frame = (outputs(cell) for cell in notebook.cells[2:])
    assert shown["text/plain"] == "<Results of SendSms: 10 rows, 9 succeeded, 1 failed (http_422 1)>"
    assert "http_422" in shown["text/html"].replace("<wbr>", "")
    widgets = str(notebook.metadata.get("widgets")).replace("\\u2007", " ")
    bar = shown.get("stderr", "") + widgets  # it is a text, or a widget where there are such
    assert "10/10" in bar
    assert "delivered=9, failed=1" in bar
    assert again["text/plain"] == "10"
    assert "http_422" in frame["text/plain"]
    assert len(service.received) == 11


class Kernel:
    """A kernel, and the cells that it is given."""

    def __init__(self) -> None:
        self.manager, self.client = start_new_kernel(kernel_name="python3")

    def begin(self, code: str) -> str:
        """Begin a cell, and return its number."""
        number: str = self.client.execute(code)
        return number

    def ended(self, number: str) -> tuple[str, dict[str, Any]]:
        """What a cell printed, and its reply."""
        printed = ""
        reply = self.client.get_shell_msg(timeout=60)
        assert reply["parent_header"]["msg_id"] == number
        while True:
            message = self.client.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") != number:
                continue
            if message["msg_type"] == "stream":
                printed += message["content"]["text"]
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                return printed, reply["content"]

    def run(self, code: str) -> str:
        """What a cell prints that must not fail."""
        printed, reply = self.ended(self.begin(code))
        assert reply["status"] == "ok", reply
        return printed


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    """A kernel for the tests of this module."""
    kernel = Kernel()
    yield kernel
    kernel.client.stop_channels()
    kernel.manager.shutdown_kernel(now=True)


@pytest.mark.parametrize(
    "before", ["", "import asyncio\nawait asyncio.sleep(0)\n"], ids=["a cell", "a cell that awaits"]
)
def test_the_stop_button_stops_the_cell_and_keeps_what_is_done(kernel: Kernel, before: str) -> None:
    """The rest of the cell does not run; the next one finds the results, and goes on with the others."""
    reached, release = threading.Semaphore(0), threading.Event()

    def respond(request: Received) -> Answer:
        to = request.json()["to"]
        if int(to) >= 30 and not release.is_set():
            reached.release()
            return Answer(delay=600)
        return Answer(200, {"id": to})

    with LoopbackService(respond) as service:
        kernel.run(SET_UP.format(url=service.url))
        rows = '({"to": str(i)} for i in range(100))'
        cell = kernel.begin(
            f"{before}results = wh.map(send_sms, {rows}, guardrails=rails, concurrency=4, progress=False)\nprint('on')"
        )
        for _ in range(4):
            assert reached.acquire(timeout=60)
        kernel.manager.interrupt_kernel()
        printed, reply = kernel.ended(cell)
        release.set()
        found = kernel.run("import sys; results = sys.last_value.results\nprint(results.summary()['deliveries'])")
        again = kernel.run("print(results.retry())")

    assert (printed, reply["status"], reply["ename"]) == ("", "error", "Interrupted")
    assert "30 of 100 rows have succeeded" in reply["evalue"]
    assert found == "{'unavailable': 66, 'delivered': 30, 'unknown': 4}\n"
    assert "<Results of SendSms: 100 rows, 100 succeeded, 0 failed>\n" in again
    assert "still alive" in kernel.run("print('still alive')")
