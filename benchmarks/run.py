"""Run the benchmarks one after the other; keep their figures in one file and draw the plots beside it.

Figures of a benchmark that is not run stay as they are, with the facts of their own run.
"""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory

from plot import plot

HERE = Path(__file__).parent
BENCHMARKS = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
PUBLISHED = HERE.parent / "docs" / "explanation" / "figures"
FIGURES = "bench.json"

CALLERS = {
    "wayhook over wire, execute": "Wayhook over wire",
    "wayhook over wire, execute, uvloop": "Wayhook over wire, uvloop",
    "undici": "Node's undici",
    "aiohttp": "aiohttp, by hand",
    "wayhook over httpx, execute": "Wayhook over httpx",
    "httpx": "httpx, stock client",
    "httpx + tenacity + jinja2": "httpx + tenacity + jinja2",
}
LINEAR = {"log_x": False, "log_y": False}
STEPS = ("execute by name", "save an action", "read an action", "journeys that use one")
PLOTS = {
    "connections": ("calls", "clock", "Calls per second against connections", CALLERS, {}),
    "connections-processor": ("calls", "processor", "Processor time of a call against connections", CALLERS, {}),
    "payload": ("scaling", "payload", "Our own time for a call against the size of its payload", {}, {}),
    "variables": ("scaling", "variables", "Our own time for a call against variables, of 200 fields", {}, LINEAR),
    "memory-repository": (
        "scaling", "stored", "Steps of a repository in memory against what it holds",
        {f"memory, {step}": step for step in STEPS}, {},
    ),
    "sqlite-repository": (
        "scaling", "stored", "Steps of a repository in SQLite against what it holds",
        {f"SQLite, {step}": step for step in STEPS}, {},
    ),
    "limits": ("scaling", "limits", "Our own time for a call against limits deployed", {}, {}),
    "batch-time": ("batch", "time", "Time for a call as a batch goes on", {}, LINEAR),
    "batch-memory": ("batch", "memory", "Memory above the start as a batch goes on", {}, LINEAR),
}  # fmt: skip
"""By file: the benchmark and its table, the title, which contenders by what label (all unless given), the axes."""


def drawn(figures: dict, name: str) -> str:
    """The plot of that name, of the contenders that there are."""
    benchmark, table, title, labels, axes = PLOTS[name]
    found = figures[benchmark]["tables"][table]
    return plot(found, title, labels or {contender: contender for contender in found["rows"]}, **axes)


def found(name: str, options: list[str]) -> dict:
    """Run one benchmark; what it found."""
    with TemporaryDirectory() as temporary:
        result = Path(temporary, FIGURES)
        subprocess.run([sys.executable, str(HERE / f"bench_{name}.py"), "--json", str(result), *options], check=True)
        print(flush=True)
        return json.loads(result.read_text(encoding="utf-8"))


def keep(figures: dict, folder: Path) -> None:
    """Write the figures, and draw the plots of those that there are."""
    text = json.dumps(dict(sorted(figures.items())), indent=1, ensure_ascii=False)
    Path(folder, FIGURES).write_text(text + "\n", encoding="utf-8")
    for name, (benchmark, *_) in PLOTS.items():
        if benchmark in figures:
            Path(folder, f"{name}.svg").write_text(drawn(figures, name), encoding="utf-8")


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer calls and rounds: a look, not a figure")
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=BENCHMARKS, help="run no others")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--into", type=Path, default=HERE.parent / "build" / "bench", help="the folder of the results")
    where.add_argument("--publish", action="store_true", help="put the results where the pages show them")
    options = parser.parse_args()
    if options.publish and options.quick:
        parser.error("what is published is measured in full")
    folder = PUBLISHED if options.publish else options.into
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / FIGURES
    figures = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    for name in options.only:
        figures[name] = found(name, ["--quick"] if options.quick else [])
        keep(figures, folder)
    print(f"the figures are in {file}, the plots beside them")


if __name__ == "__main__":
    main()
