"""`import wayhook` beyond the interpreter's own start, in fresh processes, with httpx and attrs as yardsticks."""

from __future__ import annotations

import subprocess
import sys

from measure import Report, turns

MODULES = ("wayhook", "httpx", "attrs")
LATER = ("httpx", "cattrs", "lark", "sqlite3", "tenacity")
SCRIPT = """
from time import perf_counter
start = perf_counter()
import {module}
print(perf_counter() - start)
"""


def seconds_to_import(module: str) -> float:
    script = SCRIPT.format(module=module)
    return float(subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True).stdout)


def main() -> None:
    report = Report("Import in a fresh process, beyond the interpreter's own start", "httpx", "attrs")
    script = f"import sys, wayhook; print([name for name in {LATER} if name in sys.modules], len(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True).stdout
    assert loaded.startswith("[]"), loaded
    print(f"import wayhook loads none of {', '.join(LATER)}")

    for module in MODULES:
        seconds_to_import(module)  # writes and warms what is compiled and cached
    seconds = {module: [] for module in MODULES}
    for module in turns(MODULES, 5 if report.quick else 15):
        seconds[module].append(seconds_to_import(module))
    report.table("one import each", seconds, baseline="httpx", unit="ms")
    report.write()


if __name__ == "__main__":
    main()
