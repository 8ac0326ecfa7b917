"""What the benchmarks share: rounds in turn, ratios side by side, the facts of the machine.

Every contender runs in every round of one run, and a ratio compares two figures of the same round, so that what else
the machine does falls on all of them alike. Nothing here judges a figure.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import resource
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

Taken = dict[str, list[float]]
"""By contender, one figure for each round: seconds per call, or bytes."""

UNITS = {
    "µs per call": lambda seconds: seconds * 1e6,
    "µs": lambda seconds: seconds * 1e6,
    "ms": lambda seconds: seconds * 1e3,
    "calls per second": lambda seconds: 1 / seconds,
    "MiB": lambda size: size / 2**20,
}


def turns(contenders: Iterable[str], rounds: int) -> Iterator[str]:
    """Yield every contender once per round; another one begins each round."""
    names = list(contenders)
    for i in range(rounds):
        first = i % len(names)
        for name in names[first:] + names[:first]:
            gc.collect()
            yield name


def spread(values: Iterable[float]) -> dict[str, float]:
    values = list(values)
    return {"median": median(values), "min": min(values), "max": max(values)}


def pin(place: int) -> None:
    """Keep this process on one core, where the system can: the service on one, what is measured on another."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[place % len(cores)]})


def resident() -> int:
    """Bytes of memory that the process holds now; the most it ever held where the system tells only that."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


class Report:
    """Reads the options, prints facts, tables and notes, and writes them to the file of `--json`.

    `packages`: distributions whose versions belong to the facts. `quick`: whether fewer calls will do.
    """

    def __init__(self, title: str, *packages: str) -> None:
        parser = ArgumentParser(description=title)
        parser.add_argument("--quick", action="store_true", help="fewer calls and rounds: a look, not a figure")
        parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
        options = parser.parse_args()
        self.quick, self._file = options.quick, options.json
        self.facts = _facts(packages)
        self._kept = {"title": title, "quick": self.quick, "facts": self.facts, "tables": {}, "notes": {}, "absent": {}}
        print(f"{title}{' (quick)' if self.quick else ''}")
        print("; ".join(f"{name} {value}" for name, value in self.facts.items()))

    def table(self, title: str, taken: Taken, baseline: str = "", unit: str = "µs per call", key: str = "") -> None:
        """Print one row per contender: figures in `unit`, and how many times as fast as `baseline` it is.

        `key`: what the table is found by in the file, its title unless given.
        """
        self.grid(title, {"": taken}, baseline=baseline, unit=unit, key=key)

    def grid(
        self,
        title: str,
        taken: dict[str, Taken],
        of: str = "",
        *,
        baseline: str = "",
        unit: str = "µs per call",
        key: str = "",
    ) -> None:
        """Print a table with a column for each key of `taken`; these are numbers `of` something."""
        columns = list(taken.values())
        rows = {
            name: [
                {"figure": spread(map(UNITS[unit], column[name]))}
                | ({"speed": spread(_ratios(column[baseline], column[name]))} if baseline else {})
                for column in columns
            ]
            for name in columns[0]
        }
        rounds = len(next(iter(columns[0].values())))
        shape = {"title": title, "of": of, "columns": list(taken), "unit": unit, "baseline": baseline, "rounds": rounds}
        self._kept["tables"][key or title] = {**shape, "rows": rows}
        print(f"\n{title}; {f'{rounds} rounds: median (min to max)' if rounds > 1 else 'one round'}")
        _print(unit, of, list(taken), {name: [cell["figure"] for cell in cells] for name, cells in rows.items()}, 1)
        if baseline:
            speeds = {name: [cell["speed"] for cell in cells] for name, cells in rows.items()}
            _print(f"speed, {baseline} = 1", of, list(taken), speeds, 2)

    def note(self, name: str, value: float, unit: str) -> None:
        """Print one more figure."""
        self._kept["notes"][name] = {"value": value, "unit": unit}
        print(f"{name}: {value:,.1f} {unit}")

    def absent(self, name: str, why: str) -> None:
        """Say that a contender does not run here."""
        self._kept["absent"][name] = why
        print(f"{name}: absent, {why}")

    def write(self) -> None:
        """Write the figures, if a file was named."""
        if self._file is not None:
            self._file.write_text(json.dumps(self._kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _ratios(base: list[float], own: list[float]) -> list[float]:
    return [one / other for one, other in zip(base, own, strict=True)]


def _print(heading: str, of: str, columns: list[str], rows: dict[str, list[dict[str, float]]], digits: int) -> None:
    lines = [[f"{heading}, by {of}" if of else heading, *(f"{int(column):,}" if of else column for column in columns)]]
    lines += [[name, *(_cell(figures, digits) for figures in cells)] for name, cells in rows.items()]
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    for first, *others in lines:
        print("  ".join([first.ljust(widths[0]), *map(str.rjust, others, widths[1:])]).rstrip())


def _cell(figures: dict[str, float], digits: int) -> str:
    middle, low, high = (f"{figures[name]:,.{digits}f}" for name in ("median", "min", "max"))
    return middle if low == high else f"{middle} ({low} to {high})"


def _facts(packages: Iterable[str]) -> dict[str, str]:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": _processor(),
        "cores": str(usable),
        "load": f"{os.getloadavg()[0]:.1f} at the start",
        "system": f"{platform.system()} {platform.machine()}",
        platform.python_implementation(): platform.python_version(),
        **{name: _version(name) for name in ("wayhook", *packages)},
    }


def _processor() -> str:
    """The model of the processor."""
    file = Path("/proc/cpuinfo")
    named = [line for line in file.read_text().splitlines() if line.startswith("model name")] if file.exists() else []
    return named[0].partition(":")[2].strip() if named else platform.processor() or "unknown"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"
