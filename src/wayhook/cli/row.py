"""Rows of a batch, from comma-separated values or JSON Lines: read one by one, each with all that is wrong with it."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

import attrs

from wayhook.cli.answer import CannotRun
from wayhook.cli.column import Column, Layout, Use
from wayhook.cli.file import STDIN, is_file, is_there, opened
from wayhook.cli.target import Subject, Target
from wayhook.errors import DefinitionError, DocumentError, RenderError, Violation
from wayhook.expression.context import Context
from wayhook.jsonvalue import is_unicode, parse_exact_json
from wayhook.rendering.plan import Given, variables_by_name
from wayhook.values import Misfit
from wayhook.wire import delivery_id_fault

__all__ = ["FORMATS", "MAX_ROW", "Row", "Rows", "digest", "format_of"]

MAX_ROW = 1_000_000
"""Bytes of one row, all of its lines together."""

FORMATS = {"csv": "csv", "jsonl": "jsonl", "ndjson": "jsonl"}
"""The formats of rows and outcomes, by the ending of a file's name."""


def format_of(place: str, given: str | None, option: str) -> str:
    """Return the format that was given, or that the name of a file tells; raises `CannotRun` where nothing does."""
    found = given or FORMATS.get(place.rpartition(".")[2].lower())
    if found is None:
        raise CannotRun(f"{place}: say with {option} whether it is csv or jsonl; its name does not end with either")
    return found


@attrs.frozen
class Row:
    """One row. `number`: from 1. `digest`: of all that stands in it. `delivery_id`: its own, or "".

    `subject`: None where it cannot be read. `faults`: what is wrong with it.
    """

    number: int
    digest: int = 0
    subject: Subject | None = None
    delivery_id: str = ""
    faults: tuple[Violation, ...] = ()


def _faulty(number: int, message: str) -> Row:
    return Row(number, faults=(Violation(f"row {number}", message),))


@attrs.frozen
class Rows:
    """The rows of a file, as often as they are asked for.

    `place`: the file, `-` for the standard input, which can be read once. `shared`, `path`: values and path, for an
    action, of rows that say nothing else. `delimiter`: of comma-separated values.
    """

    place: str
    is_csv: bool
    target: Target
    layout: Layout
    shared: Mapping[str, Any] = attrs.Factory(dict)
    path: str = ""
    delimiter: str = ","

    @property
    def are_finite(self) -> bool:
        """Whether all of them can be looked at before the first one is sent."""
        return self.place != STDIN and (
            is_file(self.place) or not is_there(self.place)
        )  # and no pipe, which is read once

    def __iter__(self) -> Iterator[Row]:
        """Read the rows; raises `CannotRun` for a file, and `DocumentError` for a first row, that cannot be used."""
        with opened(self.place) as file:
            yield from self._of_csv(file) if self.is_csv else self._of_lines(file)

    def checked(self, row: Row) -> Row:
        """Return a row with what stands against its call, which is rendered for a look."""
        if row.subject is None:
            return row
        try:
            self.target.call(row.subject)
        except RenderError as error:
            return attrs.evolve(row, faults=tuple(self._placed(row.number, fault) for fault in error.violations))
        return row

    def _placed(self, number: int, fault: Violation) -> Violation:
        """A fault of a call, such as `$.parameters.to`, with the row and the column that it comes from."""
        blanks = variables_by_name(self.target.action) if self.target.journey is None else {}
        for name, blank in blanks.items():
            rest = fault.path.removeprefix(blank.path)
            if rest != fault.path and rest[:1] in ("", ".", "["):
                return attrs.evolve(fault, path=self._place(number, name + rest))
        return attrs.evolve(fault, path=f"row {number}: {fault.path}")

    def _place(self, number: int, name: str) -> str:
        return f"row {number}, {'column ' if self.is_csv else ''}{name}"

    def _of_lines(self, file: BinaryIO) -> Iterator[Row]:
        number = 0
        while line := file.readline(MAX_ROW + 1):
            if not line.strip():
                continue
            number += 1
            if len(line) > MAX_ROW:
                while line and not line.endswith(b"\n"):
                    line = file.readline(MAX_ROW)
                yield _faulty(number, f"a row has at most {MAX_ROW:,} bytes")
            else:
                yield self._of_object(number, line)

    def _of_object(self, number: int, line: bytes) -> Row:
        try:
            value = parse_exact_json(line)
        except DefinitionError as error:
            return _faulty(number, error.violations[0].message)
        if not isinstance(value, dict):
            return _faulty(number, "a JSON object belongs here")
        row = Row(number, digest(value))
        path, delivery_id = (value.pop(name, "") for name in (self.layout.path_from, self.layout.delivery_id_from))
        return self._made(row, value, path, delivery_id, [])

    def _of_csv(self, file: BinaryIO) -> Iterator[Row]:
        csv.field_size_limit(MAX_ROW)
        records = _records(file, self.delimiter)
        head = next(records, None)
        if head is None or isinstance(head, str):
            raise DocumentError([Violation(self.place, head or "it is empty; the first row names the columns")])
        columns = self.layout.columns(self.place, head)
        types = self.layout.types(columns)
        for number, cells in enumerate(records, start=1):
            if isinstance(cells, str):
                yield _faulty(number, cells)
            else:
                row = Row(number, digest([head, cells]))
                yield self._of_cells(row, columns, cells, {"types": types} if types else {})

    def _of_cells(self, row: Row, columns: Sequence[Column], cells: Sequence[str], beside: Mapping[str, Any]) -> Row:
        if len(cells) != len(columns):
            return _faulty(row.number, f"it has {len(cells)} cells, and there are {len(columns)} columns")
        value = {**beside}
        found, faults = {Use.PATH: "", Use.DELIVERY_ID: ""}, []
        for column, text in zip(columns, cells, strict=True):
            if not is_unicode(text):
                faults.append(Violation(self._place(row.number, column.name), "this is not UTF-8 text"))
            elif column.use is not Use.VALUE:
                found[column.use] = text
            elif text:
                try:
                    column.put(value, text)
                except Misfit as misfit:
                    faults.append(Violation(self._place(row.number, column.name), f"it {misfit}", "R160"))
        return self._made(row, value, found[Use.PATH], found[Use.DELIVERY_ID], faults)

    def _made(self, row: Row, value: dict[str, Any], path: Any, delivery_id: Any, faults: list[Violation]) -> Row:
        """The row with what its call is rendered from, or with all that is wrong with it."""
        if self.layout.delivery_id_from is not None and (fault := delivery_id_fault(delivery_id)):
            faults.append(Violation(self._place(row.number, self.layout.delivery_id_from), fault))
        subject: Subject | None = None
        try:
            if self.target.journey is None:
                subject = Given({**self.shared, **value}, path or self.path)
            else:
                subject = Context.from_document(value)
        except DefinitionError as error:
            faults += [attrs.evolve(each, path=f"row {row.number}: {each.path}") for each in error.violations]
        if faults:
            return attrs.evolve(row, faults=tuple(faults))
        return attrs.evolve(row, subject=subject, delivery_id=delivery_id)


def digest(value: Any) -> int:
    """Return a number of 64 bits that another JSON value has hardly ever; the order of names makes no difference."""
    content = json.dumps(value, sort_keys=True, default=str).encode()
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest())


class _TooLong(csv.Error):
    """A record has more bytes than a row may have."""


def _records(file: BinaryIO, delimiter: str) -> Iterator[list[str] | str]:
    """The records of comma-separated values that are not empty; or, as the last one, why the rest cannot be read."""
    lines = _Lines(file)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            lines.used = 0
            if cells:
                yield cells
    except _TooLong as error:
        yield f"{error}; nothing behind it can be read"
    except csv.Error as error:
        yield f"its quotes do not fit ({error}, line {reader.line_num}); nothing behind it can be read"


class _Lines:
    """The lines of a file as text; bytes that are no UTF-8 come as lone surrogates. `used`: bytes of this record."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.used = file, 0
        self._start = "\ufeff"

    def __iter__(self) -> Iterator[str]:
        while line := self._file.readline(MAX_ROW + 1):
            self.used += len(line)
            if self.used > MAX_ROW:
                raise _TooLong(f"a row has at most {MAX_ROW:,} bytes")
            text = line.decode(errors="surrogateescape").removeprefix(self._start)
            self._start = ""
            yield text
