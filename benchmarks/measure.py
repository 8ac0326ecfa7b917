"""What the benchmarks share: rounds in turn, ratios side by side, the facts of the machine.

Every contender runs in every round of one run, and a ratio compares two figures of the same round, so that what
else the machine does falls on all of them alike. Nothing here judges a figure.
"""

from __future__ import annotations

import gc
import json
import os
import platform
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

Seconds = dict[str, list[float]]
"""Seconds per call by contender, one figure for each round."""

UNITS = {"µs per call": lambda s: s * 1e6, "ms": lambda s: s * 1e3, "calls per second": lambda s: 1 / s}


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
        self._kept = {"title": title, "quick": self.quick, "facts": _facts(packages), "tables": [], "notes": {}}
        print(f"{title}{' (quick)' if self.quick else ''}")
        print("; ".join(f"{name} {value}" for name, value in self._kept["facts"].items()))

    def table(self, title: str, seconds: Seconds, baseline: str, unit: str = "µs per call") -> None:
        """Print one row per contender: figures in `unit`, and how many times as fast as `baseline` it is."""
        rows = {
            name: {
                "figure": spread(map(UNITS[unit], taken)),
                "speed": spread(base / own for base, own in zip(seconds[baseline], taken, strict=True)),
            }
            for name, taken in seconds.items()
        }
        self._kept["tables"].append({"title": title, "unit": unit, "baseline": baseline, "rows": rows})
        wide = max(map(len, rows))
        print(f"\n{title}; {len(seconds[baseline])} rounds: median (min to max)")
        print(f"{'':{wide}}  {unit:>34}  {f'speed, {baseline} = 1':>28}")
        for name, row in rows.items():
            print(f"{name:{wide}}  {_cell(row['figure'], 1, 34)}  {_cell(row['speed'], 2, 28)}")

    def note(self, name: str, value: float, unit: str) -> None:
        """Print one more figure."""
        self._kept["notes"][name] = {"value": value, "unit": unit}
        print(f"{name}: {value:,.1f} {unit}")

    def write(self) -> None:
        """Write the figures, if a file was named."""
        if self._file is not None:
            self._file.write_text(json.dumps(self._kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _cell(figures: dict[str, float], digits: int, width: int) -> str:
    middle, low, high = (f"{figures[name]:,.{digits}f}" for name in ("median", "min", "max"))
    return f"{f'{middle} ({low} to {high})':>{width}}"


def _facts(packages: Iterable[str]) -> dict[str, str]:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        platform.python_implementation(): platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(usable),
        **{name: _version(name) for name in ("wayhook", *packages)},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"
