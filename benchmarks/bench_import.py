"""`import wayhook` beyond the interpreter's own start, in fresh processes, with httpx and attrs as yardsticks.

Processor time of whole processes, ended and all; the interpreter's own start is taken in the same round. What Python
compiles is cached beforehand, for all alike.
"""

from __future__ import annotations

import os
import subprocess
import sys
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from tempfile import TemporaryDirectory

from measure import Report, turns

START = "the interpreter's own start"
CONTENDERS = {
    START: "pass",
    "attrs": "import attrs",
    "httpx": "import httpx",
    "asyncio": "import asyncio",
    "wayhook": "import wayhook",
    "wayhook.Action": "import wayhook; wayhook.Action",
    "wayhook.Action, Context, Executor": "import wayhook; wayhook.Action, wayhook.Context, wayhook.Executor",
    "every public name of wayhook": "import wayhook; [getattr(wayhook, name) for name in wayhook.__all__]",
}
LOADED = "import sys; old = set(sys.modules); import wayhook; print(*sorted(set(sys.modules) - old))"


def run(code: str, cache: str) -> str:
    """Run `code` in a fresh interpreter that caches what it compiles in `cache`; return what it prints."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = cache
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, check=True, text=True, env=environment).stdout


def processor_seconds(code: str, cache: str) -> float:
    """Seconds of processor time that a whole process of `code` takes."""
    before = getrusage(RUSAGE_CHILDREN)
    run(code, cache)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    report = Report("Import in a fresh process, beyond the interpreter's own start", "httpx", "attrs")
    with TemporaryDirectory() as cache:
        print("import wayhook loads", run(LOADED, cache), end="")
        for code in CONTENDERS.values():
            run(code, cache)  # writes what is compiled and cached
        taken = {name: [] for name in CONTENDERS}
        for name in turns(CONTENDERS, 5 if report.quick else 30):
            taken[name].append(processor_seconds(CONTENDERS[name], cache))
    report.table("processor time of whole processes", taken, baseline="httpx", unit="ms")
    print()
    for name in CONTENDERS:
        beyond = median(own - base for own, base in zip(taken[name], taken[START], strict=True))
        report.note(f"beyond the start, {name}", beyond * 1e3, "ms")
    report.write()


if __name__ == "__main__":
    main()
