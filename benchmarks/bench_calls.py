"""Parameters in, a POST of 400 bytes out, status and JSON back: the clients against each other, by connections.

Each contender is a process of its own on one core, the service another on the other core. Before anything is measured
each of them makes a few calls, and the service has received the same from all: method, target, body, and the headers
that matter. Each looks at status and answer of every call, and the service counts them.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from contender import CONTENDERS
from measure import Report, pin, turns
from order import by_hand, events
from server import LAST, ledger, serving

BASELINE = "aiohttp"
BARE = "bare protocol"
UNDICI = "undici@7"
HEADERS = ("host", "content-type", "charset", "x-campaign", "content-length")
HERE = Path(__file__).parent


class ContenderError(Exception):
    """A contender ended before its calls did; what it wrote on the way says why."""


class Process:
    """A contender that runs, or says why it does not."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def absent(self) -> str:
        """Why it does not run here; empty when it does. Asked once."""
        return json.loads(self._process.stdout.readline()).get("absent", "")

    def run(self, connections: int, calls: int) -> dict[str, float]:
        """Make so many calls; the seconds by the clock and on the processor."""
        self._process.stdin.write(json.dumps({"connections": connections, "calls": calls}) + "\n")
        self._process.stdin.flush()
        if not (line := self._process.stdout.readline()):
            raise ContenderError
        return json.loads(line)

    def close(self) -> None:
        """Let it end."""
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@contextmanager
def undici() -> Iterator[tuple[str, str]]:
    """Undici in a folder of its own, by npm: the folder, and why there is none."""
    if shutil.which("node") is None or (npm := shutil.which("npm")) is None:
        yield "", "node and npm are not here"
        return
    with TemporaryDirectory() as folder:
        command = [
            npm,
            "install",
            "--prefix",
            folder,
            "--no-audit",
            "--no-fund",
            "--silent",
            "--fetch-retries=0",
            UNDICI,
        ]
        installed = subprocess.run(command, capture_output=True, text=True, check=False)
        yield folder, "" if installed.returncode == 0 else f"npm could not install {UNDICI}"


@contextmanager
def opened(url: str, report: Report) -> Iterator[dict[str, Process]]:
    """Every contender that can run here, by name."""
    pin(1)  # with all that is started from here on, its threads included
    with ExitStack() as stack:
        commands = {
            f"{name}{', uvloop' if loop == 'uvloop' else ''}": [
                sys.executable, str(HERE / "contender.py"), name, loop, url
            ]
            for name in CONTENDERS
            for loop in ("asyncio", "uvloop")
        }  # fmt: skip
        folder, missing = stack.enter_context(undici())
        if missing:
            report.absent("undici", missing)
        else:
            commands["undici"] = ["node", str(HERE / "undici.cjs"), folder, url]
            report.facts["node"] = _output("node", "--version")
            package = json.loads(Path(folder, "node_modules", "undici", "package.json").read_text())
            report.facts["undici"] = package["version"]
        present = {}
        for name, command in commands.items():  # all of them start at once
            present[name] = Process(command)
            stack.callback(present[name].close)
        whys = {name: process.absent() for name, process in present.items()}
        for name, why in whys.items():
            if why:
                report.absent(name, why)
        yield {name: process for name, process in present.items() if not whys[name]}


def told(head: str) -> tuple[str, dict[str, str]]:
    """The first line of a request, and the headers that matter."""
    line, *fields = head.strip().split("\r\n")
    named = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
    return line, {name: named[name] for name in HEADERS}


def check(port: int, present: dict[str, Process]) -> None:
    """A few calls of each contender: the service received what was meant, and the same from all."""
    expected = []
    for event in events(LAST):
        target, headers, body = by_hand("", event)
        matter = {"host": f"127.0.0.1:{port}", "content-length": str(len(body))}
        matter |= {name.lower(): value for name, value in headers.items()}
        expected.append((f"POST {target} HTTP/1.1", matter, body.decode("latin-1")))
    for name, process in present.items():
        process.run(1, LAST)
        received = [(*told(head), body) for head, body in ledger(port)["last"]]
        assert received == ([expected[0]] * LAST if name.startswith(BARE) else expected), name
    size = len(expected[0][2])
    print(f"the service received equal requests from all: method, target, {', '.join(HEADERS)}, {size} bytes of body")


@cache
def expected_size(count: int) -> int:
    """Bytes of the bodies of so many calls."""
    return sum(len(by_hand("", event)[2]) for event in events(count))


def measured(port: int, name: str, process: Process, connections: int, calls: int) -> dict[str, float]:
    """Make the calls and hold them against what the service counted; seconds, and the share of the service."""
    process.run(connections, connections)  # connections that were idle for too long are made again here
    before = ledger(port)
    took = process.run(connections, calls)
    after = ledger(port)
    assert after["posts"] - before["posts"] == calls, name
    assert name.startswith(BARE) or after["size"] - before["size"] == expected_size(calls), name
    return took | {"busy": (after["processor"] - before["processor"]) / took["clock"]}


def fitting(process: Process, connections: int, seconds: float) -> int:
    """Calls that take about so many seconds, and at least two for each connection; what compiles as it runs is warm."""
    calls = max(connections, 50)
    process.run(connections, connections)
    while (took := process.run(connections, calls)["clock"]) < seconds / 2:
        calls *= 2
    return max(2 * connections, int(calls / took * seconds))


def main() -> None:
    # httpcore 1.0.9 looks for sniffio several times in every call, and fails slowly where it is absent
    packages = ("aiohttp", "uvloop", "httptools", "httpx", "httpcore", "anyio", "sniffio", "tenacity", "jinja2")
    report = Report("Calls: parameters in, a POST of 400 bytes out, status and JSON back", *packages)
    rounds, seconds = (2, 0.03) if report.quick else (5, 0.7)
    clock, processor, busy = {}, {}, {}
    with serving() as port, opened(f"http://127.0.0.1:{port}", report) as running:
        check(port, running)
        for connections in (1, 20) if report.quick else (1, 20, 50, 200, 400):
            calls = {name: fitting(process, connections, seconds) for name, process in running.items()}
            clock[str(connections)] = by_clock = {name: [] for name in running}
            processor[str(connections)] = by_processor = {name: [] for name in running}
            for name in turns(running, rounds):
                took = measured(port, name, running[name], connections, calls[name])
                by_clock[name].append(took["clock"] / calls[name])
                by_processor[name].append(took["processor"] / calls[name])
                busy[took["busy"]] = name
    baseline = BASELINE if BASELINE in running else ""
    report.grid("Calls by the clock", clock, "connections", baseline=baseline, unit="calls per second", key="clock")
    report.grid("Processor time of the caller", processor, "connections", baseline=baseline, key="processor")
    print()
    report.note(f"the service was busy at most, with {busy[max(busy)]}", max(busy) * 100, "%")
    report.note(
        "and with all but the bare protocol", max(share for share in busy if BARE not in busy[share]) * 100, "%"
    )
    report.write()


if __name__ == "__main__":
    main()
