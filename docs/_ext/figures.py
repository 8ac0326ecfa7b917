"""What the pages show of the benchmarks: Markdown, made from the figures that the last published run has written.

A page asks with the directive `bench`: a shape, a benchmark, and a table of it or a contender.

`figures B T`: the table T of the benchmark B, the first unless named. `speeds B T`: how many times as fast as its
baseline each contender is.
`each B C`: one row for each table of B, with figure and speed of the contender C. `notes B`: its other figures.
`cores B T`: how many cores our own contenders need for so many calls a second, with 50 connections; T tells their
processor time for a call.
`machine B`: where and when it ran, and who was absent. `plot NAME`: the plot of that name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "explanation" / "figures"
CONNECTIONS = 50
RATES = (1_000, 10_000, 100_000)


__all__ = ["FOLDER", "made", "measured", "table"]


def table(heads: Iterable[str], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """A Markdown table."""
    heads = tuple(heads)
    lines = (heads, tuple("---" for _ in heads), *rows)
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def measured(benchmark: str) -> dict[str, Any]:
    """What the last published run of a benchmark found."""
    kept: dict[str, Any] = json.loads((FOLDER / "bench.json").read_text(encoding="utf-8"))[benchmark]
    return kept


def cell(figure: dict[str, float], digits: int) -> str:
    """The median, with the lowest and the highest round in brackets where they differ."""
    middle, low, high = (f"{figure[name]:,.{digits}f}" for name in ("median", "min", "max"))
    return middle if low == high else f"{middle} ({low} to {high})"


def grid(what: str, digits: int, benchmark: str, key: str = "") -> list[str]:
    """A row for each contender, a column for each number."""
    tables = measured(benchmark)["tables"]
    found = tables[key or next(iter(tables))]
    columns = [f"{int(column):,}" for column in found["columns"]] if found["of"] else [found["unit"]]
    heads = (found["of"] or " ", *columns)
    rows = ((name, *(cell(one[what], digits) for one in cells)) for name, cells in found["rows"].items())
    return table(heads, rows)


def each(benchmark: str, contender: str) -> list[str]:
    """A row for each table, the fastest first."""
    found = measured(benchmark)["tables"].values()
    cells = {one["title"]: one["rows"][contender][0] for one in found}
    order = sorted(cells, key=lambda title: -cells[title]["speed"]["median"])
    rows = ((f"`{title}`", cell(cells[title]["figure"], 1), cell(cells[title]["speed"], 2)) for title in order)
    one = next(iter(found))
    return table((" ", one["unit"], f"speed, {one['baseline']} = 1"), rows)


def cores(benchmark: str, key: str) -> list[str]:
    """A row for each contender of ours: its time for a call, and the cores that this takes."""
    found = measured(benchmark)["tables"][key]
    place = found["columns"].index(str(CONNECTIONS))
    heads = (" ", found["unit"], "calls a second of a core", *(f"cores for {rate:,}" for rate in RATES))
    rows = (
        (name, f"{spent:,.1f}", f"{1e6 / spent:,.0f}", *(f"{rate * spent / 1e6:,.1f}" for rate in RATES))
        for name, spent in ((name, cells[place]["figure"]["median"]) for name, cells in found["rows"].items())
        if name.startswith("wayhook")
    )
    return table(heads, rows)


def notes(benchmark: str) -> Iterator[str]:
    """The figures outside of tables, as a list."""
    for name, note in measured(benchmark)["notes"].items():
        yield f"* {name}: {note['value']:,.1f} {note['unit']}".rstrip()


def machine(benchmark: str) -> str:
    """One paragraph: the machine, the versions, the date, the absent."""
    found = measured(benchmark)
    facts = dict(found["facts"])
    where = f"{facts.pop('processor')}, {facts.pop('cores')} cores, {facts.pop('system')}; {facts.pop('date')}"
    whys: dict[str, list[str]] = {}
    for name, why in found["absent"].items():
        whys.setdefault(why.removeprefix("$: "), []).append(name)
    absent = "".join(f" Absent: {'; '.join(names)} ({why})." for why, names in whys.items())
    return f"{where}; {', '.join(f'{name} {version}' for name, version in facts.items())}.{absent}"


def made(shape: str, *words: str) -> list[str]:
    """The Markdown of what a page asks for."""
    match shape:
        case "figures" | "speeds":
            return grid(shape.removesuffix("s"), 1 if shape == "figures" else 2, *words)
        case "each":
            return each(*words)
        case "cores":
            return cores(*words)
        case "notes":
            return list(notes(*words))
        case "machine":
            return [machine(*words)]
        case "plot":
            (name,) = words
            title = (FOLDER / f"{name}.svg").read_text(encoding="utf-8").partition('<title id="title">')[2]
            return [f"```{{image}} figures/{name}.svg", f":alt: {title.partition('<')[0]}", "```"]
        case _:
            raise ValueError(f"no page can ask for {shape!r}")
