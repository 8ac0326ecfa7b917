"""Where a command speaks: results on the standard output, all else on the error stream."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, TextIO

import attrs

from wayhook.cli.answer import Answer, Carded, ExitCode, Table, code_of
from wayhook.errors import WayhookError
from wayhook.values import datetime_text, duration_text

__all__ = ["Console", "dumped"]

_CONTROLS = {
    code: f"\\u{code:04x}" for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029) if code not in (9, 10)
}
"""What would move a terminal instead of being seen on it."""


def dumped(value: Any, *, indent: int | None = None) -> str:
    """Return JSON text; dates, times and durations become ISO texts, and a number that no double holds its digits."""
    text = json.dumps(value, ensure_ascii=not _writes_unicode(), indent=indent, allow_nan=False, default=_plain)
    return text.translate(_CONTROLS)


def _writes_unicode() -> bool:
    return (getattr(sys.stdout, "encoding", None) or "").lower().startswith("utf")


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return str(value)
        case timedelta():
            return duration_text(value)
        case date():
            return datetime_text(value)
        case _:
            raise TypeError(f"a {type(value).__name__} is no JSON value")


def _table(table: Table) -> object:
    """A table as rich draws it; its texts are never read as markup."""
    from rich import box
    from rich.table import Table as Drawn
    from rich.text import Text

    drawn = Drawn(*table.heads, box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for row in table.rows:
        drawn.add_row(*(Text(cell.translate(_CONTROLS), overflow="fold") for cell in row))
    return drawn


@attrs.frozen
class Console:
    """How a command shows what it found.

    `json`: whether as JSON. `color`: `always`, `never`, or `auto`, which colours terminals, unless the environment has
    NO_COLOR, and everything, where it has FORCE_COLOR.
    """

    json: bool = False
    color: str = "auto"

    def answer(self, answer: Answer) -> ExitCode:
        """Show an answer on the standard output, and return its exit code."""
        if self.json and answer.document is not None:
            print(dumped(answer.document, indent=2))
        elif not self.json:
            for part in answer.shown:
                self._show(part)
        sys.stdout.flush()
        return answer.code

    def line(self, document: Any) -> None:
        """Print a value of a stream, as one line of JSON."""
        print(dumped(document))
        sys.stdout.flush()

    def error(self, error: WayhookError) -> ExitCode:
        """Say what went wrong, and return the exit code; as JSON it is the one document of the standard output."""
        if self.json:
            from wayhook.formats.outcome import error_document  # help needs no formats

            print(dumped({"error": error_document(error)}, indent=2))
            sys.stdout.flush()
        else:
            self.note(str(error))
        return code_of(error)

    def note(self, text: str) -> None:
        """Say something beside the result, on the error stream."""
        mark = "\x1b[1;31mwayhook:\x1b[0m" if self._is_colored(sys.stderr) else "wayhook:"
        print(mark, text.translate(_CONTROLS), file=sys.stderr, flush=True)

    def _show(self, part: str | Table | Carded) -> None:
        match part:
            case str():
                print(part.translate(_CONTROLS))
            case Table() if self._is_drawn:
                self._draw(_table(part))
            case Table():
                for row in part.rows:
                    print("\t".join(" ".join(cell.split()) for cell in row).translate(_CONTROLS))
            case Carded() if self._is_drawn:
                self._draw(part.value)
            case Carded():
                for each in part.plain:
                    self._show(each)

    @property
    def _is_drawn(self) -> bool:
        """Whether tables and cards are drawn: for eyes; programs and files get lines with tabs."""
        return self.color == "always" or sys.stdout.isatty()

    def _draw(self, value: object) -> None:
        """Print what rich can."""
        from rich.console import Console as Terminal

        is_colored = self._is_colored(sys.stdout)
        Terminal(file=sys.stdout, force_terminal=is_colored, no_color=not is_colored, highlight=False).print(value)

    def _is_colored(self, stream: TextIO) -> bool:
        if self.color != "auto":
            return self.color == "always"
        if os.environ.get("NO_COLOR"):
            return False
        return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and os.environ.get("TERM") != "dumb")

    @contextmanager
    def progress(self, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
        """Show a bar on the error stream while the block runs, if that is a terminal; yields what moves it on.

        `total`: how many there are, None where nobody knows yet.
        """
        if not sys.stderr.isatty():
            yield lambda _: None
            return
        from rich.console import Console as Terminal
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        terminal = Terminal(file=sys.stderr, no_color=not self._is_colored(sys.stderr))
        columns = (BarColumn(), MofNCompleteColumn(), TextColumn(unit), TimeRemainingColumn())
        with Progress(*columns, console=terminal, transient=True) as bar:
            task = bar.add_task(unit, total=total)
            yield lambda count: bar.update(task, advance=count)
