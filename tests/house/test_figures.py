"""The pages show what the benchmarks have found, all of them and nothing else."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "docs" / "explanation" / name for name in ("performance.md", "scaling.md", "scale.md")]
ASKED = [
    line.split(maxsplit=3)[1:]
    for page in PAGES
    for line in re.findall(r"^```(\{bench\} .+)$", page.read_text(), re.MULTILINE)
]
SCRIPTS = sorted(path.name for path in (ROOT / "benchmarks").glob("bench_*.py"))


def loaded(path: Path):
    """A module by its file, with its neighbours at hand."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module


FIGURES = loaded(ROOT / "docs" / "_ext" / "figures.py")
RUN = loaded(ROOT / "benchmarks" / "run.py")
PUBLISHED = json.loads((FIGURES.FOLDER / "bench.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_benchmark_is_on_the_page(script: str) -> None:
    """Each script is named where its figures are, and its machine with them."""
    assert f"`{script}`" in "".join(page.read_text() for page in PAGES)
    assert ["machine", script.removeprefix("bench_").removesuffix(".py")] in ASKED


@pytest.mark.parametrize("words", ASKED, ids=" ".join)
def test_what_a_page_asks_for_was_measured(words: list[str]) -> None:
    """Nothing on the pages waits for a figure."""
    assert "".join(FIGURES.made(*words)).strip()


def test_cores_are_the_calls_of_a_second_times_the_time_of_one() -> None:
    """Of our own contenders alone, at fifty connections."""
    cells = PUBLISHED["calls"]["tables"]["processor"]
    place = cells["columns"].index("50")
    spent = {name: row[place]["figure"]["median"] for name, row in cells["rows"].items() if name.startswith("wayhook")}

    rows = [line.strip("| ").split(" | ") for line in FIGURES.made("cores", "calls", "processor")[2:]]

    assert [row[0] for row in rows] == list(spent)
    assert [row[-1] for row in rows] == [f"{microseconds / 10:,.1f}" for microseconds in spent.values()]


def test_every_plot_is_on_a_page() -> None:
    """What is drawn is shown and explained."""
    assert {name for shape, name, *_ in ASKED if shape == "plot"} == set(RUN.PLOTS)


@pytest.mark.parametrize("name", RUN.PLOTS)
def test_a_plot_shows_the_published_figures(name: str) -> None:
    """Drawn again from the file, each plot has the same bytes."""
    assert RUN.drawn(PUBLISHED, name) == (FIGURES.FOLDER / f"{name}.svg").read_text(encoding="utf-8")


def test_published_figures_are_measured_in_full() -> None:
    """A quick look is no figure."""
    assert [name for name, found in PUBLISHED.items() if found["quick"]] == []


def test_published_figures_name_the_machine_by_its_kind() -> None:
    """Processor, cores, system and versions; no path, no name of a host or a user."""
    for found in PUBLISHED.values():
        assert {"date", "processor", "cores", "system", "wayhook"} <= found["facts"].keys()
        assert [
            text for text in (*found["facts"].values(), *found["absent"].values()) if re.search(r"[/\\@]", text)
        ] == []


def test_a_label_of_a_plot_covers_no_other() -> None:
    """Lines that end at one height have their names apart, and inside of the card."""
    cell = {"figure": {"median": 1.0, "min": 1.0, "max": 1.0}}
    rows = {f"contender {i}": [cell, cell] for i in range(8)}
    table = {"columns": ["1", "10"], "of": "things", "unit": "µs", "rows": rows}

    drawn = RUN.plot(table, "Title", {name: name for name in rows})

    heights = sorted(float(y) for y in re.findall(r'y="([\d.]+)"[^>]*>contender', drawn))
    assert len(heights) == 8
    assert min(low - high for high, low in pairwise(heights)) >= 14
    assert heights[0] > 0
    assert heights[-1] < 400


def test_a_number_below_a_plot_covers_no_other() -> None:
    """Where two numbers of a logarithmic scale are too near each other, the lower one is left out."""
    cells = [{"figure": dict.fromkeys(("median", "min", "max"), 1.0)}] * 4
    table = {"columns": ["10", "100", "57000", "108000"], "of": "bytes", "unit": "µs", "rows": {"one": cells}}

    drawn = RUN.plot(table, "Title", {"one": "one"})

    assert re.findall(r'anchor="middle"[^>]*>([\d,]+)<', drawn) == ["10", "100", "108,000"]


def test_a_linear_scale_begins_at_zero() -> None:
    """Nothing looks steeper than it is."""
    cells = [{"figure": dict.fromkeys(("median", "min", "max"), value)} for value in (90.0, 100.0)]
    table = {"columns": ["10", "20"], "of": "things", "unit": "µs", "rows": {"one": cells}}

    drawn = RUN.plot(table, "Title", {"one": "one"}, log_x=False, log_y=False)

    assert re.findall(r">([\d,.]+)</text>", drawn) == ["0", "25", "50", "75", "100", "0", "5", "10", "15", "20"]
