"""Ctrl-C: heard at once wherever `wayhook.map` stands, honest about what was under way, and nothing is lost."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from typing import Any

import attrs
import pytest

import wayhook as wh
from wayhook.testing import FakeTransport

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")

PROGRAM = """
import asyncio, os, signal, sys, threading
import wayhook as wh
from wayhook.testing import Answer, LoopbackService

ANSWERED, UNDER_WAY = 20, 5
reached = threading.Semaphore(0)


def respond(request):
    if request.json()["n"] < ANSWERED:
        return Answer(200)
    reached.release()
    return Answer(200, delay=0 if again else 600)


def interrupt():
    for _ in range(UNDER_WAY):
        reached.acquire()
    os.kill(os.getpid(), signal.SIGINT)


again = False
rails = wh.Guardrails.standard(network=wh.NetworkPolicy(loopback=True))
service = LoopbackService(respond)
service.__enter__()
action = wh.Action(
    name="A",
    url_configuration=wh.UrlConfiguration(service.url, method="PUT"),
    message_parameters=wh.message_parameters({"n": 1}, variables={"n": ""}),
)
before = set(threading.enumerate())
threading.Thread(target=interrupt, daemon=True).start()


def go(**settings):
    rows = ({"n": number} for number in range(1000))
    return wh.map(action, rows, guardrails=rails, concurrency=UNDER_WAY, progress=False, **settings)


def tell(results):
    print(*(f"{word} {count}" for word, count in results.summary()["deliveries"].items()))
    words = [outcome.delivery for outcome in results]
    print(words == ["delivered"] * 20 + ["unknown"] * 5 + ["unavailable"] * 975, len(service.received))
    print(signal.getsignal(signal.SIGINT), len(set(threading.enumerate()) - before) <= 1)
"""
TOLD = """\
unavailable 975 delivered 20 unknown 5
True 25
<built-in function default_int_handler> True
"""

IN_A_SCRIPT = """
try:
    go()
except wh.Interrupted as stopped:
    tell(stopped.results)
    again = True
    print(stopped.results.retry())
"""
IN_A_LOOP = """
async def main():
    try:
        go()
    except wh.Interrupted as stopped:
        await asyncio.sleep(0)
        print("the task goes on")
        return stopped.results

results = asyncio.run(main())
tell(results)
"""
OUT_OF_A_LOOP = """
async def main():
    go()

try:
    asyncio.run(main())
except KeyboardInterrupt as stopped:
    tell(stopped.results)
"""
BY_PROCESSES = """
try:
    go(processes=2)
except wh.Interrupted as stopped:
    tell(stopped.results)
"""


def python(program: str, *, check: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a program that may take a while, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == check, done.stdout + done.stderr
    return done


@pytest.mark.parametrize(
    ("program", "told"),
    [
        (IN_A_SCRIPT, TOLD + "<Results of A: 1,000 rows, 1,000 succeeded, 0 failed>\n"),
        (IN_A_LOOP, "the task goes on\n" + TOLD),
        (OUT_OF_A_LOOP, TOLD),
        (BY_PROCESSES, TOLD),
    ],
    ids=["a script", "a loop that catches it", "a loop that ends of it", "several processes"],
)
def test_a_signal_stops_a_real_process(program: str, told: str) -> None:
    """No row is begun after it; what is under way is unknown, what was not begun may be called later; a retry does."""
    done = python(PROGRAM + program)

    assert (done.stdout, done.stderr) == (told, "")


def test_a_program_that_catches_nothing_ends() -> None:
    """With the sentence that says where the results are."""
    done = python(PROGRAM + "go()", check=1)

    assert done.stderr.splitlines()[-1].startswith("wayhook.notebook.interrupt.Interrupted: Ctrl-C stopped this; 20 of")


def test_a_second_signal_does_not_wait() -> None:
    """Where a call does not let itself be ended, its row is unknown all the same."""
    program = """
    import os, signal, threading, time
    import wayhook as wh

    begun, released = threading.Semaphore(0), threading.Event()

    class Stubborn:
        async def send(self, request, deadline):
            begun.release()
            released.wait(60)
            return wh.Response(200)

        async def aclose(self):
            pass

    def interrupt():
        begun.acquire()
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.5)
        released.set()

    threading.Thread(target=interrupt, daemon=True).start()
    action = wh.Action(name="A", url_configuration=wh.UrlConfiguration("https://h.example"))
    try:
        wh.map(action, [{}] * 5, transport=Stubborn(), progress=False)
    except wh.Interrupted as stopped:
        print([str(outcome.delivery) for outcome in stopped.results])
        print(stopped.results[0].cause)
        print(len({outcome.delivery_id for outcome in stopped.results}), stopped.results.retry(unknown=False))
    """

    done = python(textwrap.dedent(program))

    first, second, third = done.stdout.splitlines()
    assert first == "['unknown', 'unavailable', 'unavailable', 'unavailable', 'unavailable']"
    assert second == "stopped before this call had ended"
    assert third == "5 <Results of A: 5 rows, 4 succeeded, 1 failed (internalError 1)>"


@pytest.fixture
def numbered() -> wh.Action:
    """An action with a number, which may be called twice."""
    return wh.Action(
        name="A",
        url_configuration=wh.UrlConfiguration("https://h.example", method="PUT"),
        message_parameters=wh.message_parameters({"n": 1}, variables={"n": ""}),
    )


class Hanging(FakeTransport):
    """Answers the first calls, and interrupts the main thread when so many others hang."""

    def __init__(self, answered: int, hanging: int) -> None:
        super().__init__()
        self.answered, self.hanging = answered, hanging

    async def send(self, request: wh.Request, deadline: float) -> wh.Response:
        await super().send(request, deadline)
        if len(self.requests) > self.answered:
            if len(self.requests) == self.answered + self.hanging:
                os.kill(os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()
        return wh.Response(200)


ROWS = [{"n": number} for number in range(10)]


async def test_it_is_heard_inside_of_a_running_loop(numbered: wh.Action) -> None:
    """Also where the handler in place is one that a blocked loop would never hear."""
    handler = signal.getsignal(signal.SIGINT)

    with pytest.raises(wh.Interrupted) as caught:
        wh.map(numbered, ROWS, transport=Hanging(3, 2), concurrency=2, progress=False)

    words = [str(outcome.delivery) for outcome in caught.value.results]
    assert words == ["delivered"] * 3 + ["unknown"] * 2 + ["unavailable"] * 5
    assert [outcome.index for outcome in caught.value.results] == list(range(10))
    assert signal.getsignal(signal.SIGINT) is handler


def test_what_is_done_already_is_kept_and_the_stop_is_told(numbered: wh.Action) -> None:
    """A Ctrl-C with the last answer stops what would come after it as well."""

    def last(request: wh.Request) -> wh.Response:
        if b"9" in (request.body or b""):
            os.kill(os.getpid(), signal.SIGINT)
        return wh.Response(200)

    with pytest.raises(wh.Interrupted) as caught:
        wh.map(numbered, ROWS, transport=FakeTransport(last), progress=False)

    assert len(caught.value.results) == 10


@pytest.mark.parametrize("again", [False, True])
def test_a_signal_while_everything_closes_is_heard(numbered: wh.Action, again: bool) -> None:  # noqa: FBT001 - a parameter
    """All outcomes are there by then."""

    class Closing(FakeTransport):
        async def aclose(self) -> None:
            if again == bool(self.requests[10:]):
                os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(wh.Interrupted) as caught:
        wh.map(numbered, ROWS, transport=Closing(wh.Response(422)), progress=False).retry()

    assert caught.value.results.tally == {"http_422": 10}


def test_a_retry_that_is_stopped_keeps_what_was_known(numbered: wh.Action) -> None:
    """A row that it did not begin has the outcome of before, and its word."""

    class Failing(Hanging):
        """Fails at first; then it answers one call, and hangs."""

        async def send(self, request: wh.Request, deadline: float) -> wh.Response:
            if len(self.requests) < len(ROWS):
                self.requests.append(request)
                return wh.Response(500)
            return await super().send(request, deadline)

    rails = attrs.evolve(wh.Guardrails.standard(), retry_budget=wh.RetryBudget(0, 0, 0), breaker=None)
    transport = Failing(len(ROWS) + 1, 1)
    first = wh.map(numbered, ROWS, transport=transport, guardrails=rails, concurrency=1, progress=False)

    with pytest.raises(wh.Interrupted) as caught:
        first.retry()
    stopped = caught.value.results

    assert first.tally == {"http_500": 10}
    assert [stopped[place] is first[place] for place in range(10)] == [False, False] + [True] * 8
    assert [str(outcome.delivery) for outcome in stopped] == ["delivered"] + ["unknown"] * 9
    assert "stopped" in str(stopped[1].cause)
    assert [outcome.index for outcome in stopped] == list(range(10))


def test_before_anything_is_sent_it_is_an_interrupt_as_any_other(numbered: wh.Action) -> None:
    """There are no results that could be lost; the source is left where it is."""
    transport = FakeTransport()

    def rows() -> Iterator[dict[str, int]]:
        yield {"n": 1}
        os.kill(os.getpid(), signal.SIGINT)
        yield {"n": 2}

    with pytest.raises(KeyboardInterrupt) as caught:
        wh.map(numbered, rows(), transport=transport)

    assert type(caught.value) is KeyboardInterrupt
    assert transport.requests == []


def test_a_handler_of_the_callers_own_stays_in_its_place(numbered: wh.Action) -> None:
    """It hears the signal, and decides; what it raises stops the map, and nothing is lost."""
    heard: list[int] = []

    def count(number: int, _: Any) -> None:
        heard.append(number)

    def stop(number: int, _: Any) -> None:
        heard.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, count)
    try:
        results = wh.map(numbered, ROWS, transport=Signalling(), progress=False)
        signal.signal(signal.SIGINT, stop)
        with pytest.raises(wh.Interrupted) as caught:
            wh.map(numbered, ROWS, transport=Hanging(3, 2), concurrency=2, progress=False)
    finally:
        signal.signal(signal.SIGINT, before)

    assert heard == [signal.SIGINT] * 2
    assert len(results.succeeded) == 10
    assert len(caught.value.results.succeeded) == 3


class Signalling(FakeTransport):
    """Sends a signal with its first answer."""

    async def send(self, request: wh.Request, deadline: float) -> wh.Response:
        if not self.requests:
            os.kill(os.getpid(), signal.SIGINT)
        return await super().send(request, deadline)


def test_a_signal_is_not_taken_from_another_thread(numbered: wh.Action) -> None:
    """A map that runs beside the main thread leaves its handler alone."""
    handlers, done = [], threading.Event()

    def look(_: wh.Request) -> wh.Response:
        handlers.append(signal.getsignal(signal.SIGINT))
        return wh.Response(200)

    def run() -> None:
        wh.map(numbered, ROWS, transport=FakeTransport(look), progress=False)
        done.set()

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()

    assert done.is_set()
    assert set(handlers) == {before}


def test_a_function_that_is_told_the_progress_may_stop(numbered: wh.Action) -> None:
    """By the interrupt that Ctrl-C raises."""

    def enough(_: wh.Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(wh.Interrupted) as caught:
        wh.map(numbered, ROWS, transport=Hanging(3, 99), concurrency=2, progress=enough)

    assert len(caught.value.results.succeeded) == 3


def test_an_interrupt_tells_where_the_results_are(numbered: wh.Action) -> None:
    """In words, and through a pickle."""
    with pytest.raises(KeyboardInterrupt, match=r"3 of 10 rows have succeeded.*sys\.last_value\.results") as caught:
        wh.map(numbered, ROWS, transport=Hanging(3, 2), concurrency=2, progress=False)

    again = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(again, wh.Interrupted)
    assert (str(again), len(again.results)) == (str(caught.value), 10)


def test_nothing_is_left_open(loopback: wh.Guardrails) -> None:
    """The connection of a call that was stopped is closed, and no thread goes on."""
    closed, threads = threading.Event(), set(threading.enumerate())

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            os.kill(os.getpid(), signal.SIGINT)
            while connection.recv(65_536):
                pass
        closed.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, args=(listener,))
        server.start()
        action = wh.Action(
            name="A", url_configuration=wh.UrlConfiguration(f"http://127.0.0.1:{listener.getsockname()[1]}")
        )
        with pytest.raises(wh.Interrupted) as caught:
            wh.map(action, [{}], guardrails=loopback, progress=False)
        assert closed.wait(10)
        server.join()

    assert caught.value.results[0].delivery == "unknown"
    assert set(threading.enumerate()) == threads
