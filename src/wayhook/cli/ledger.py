"""The outcomes of a batch in a file: one line for each row, written when its call has ended, read when it goes on.

Beside `OUT` stands `OUT.batch`, which says from before the first call on which batch it is. The delivery id of a row is
made of the batch and the number of the row, so that a row whose outcome was never written is repeated with the id that
it had. `OUT.batch` is locked while a batch works; the lock ends with its process.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
from array import array
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from enum import IntEnum
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO

import attrs

from wayhook.cli.answer import CannotRun
from wayhook.cli.console import dumped
from wayhook.errors import Delivery
from wayhook.wire import NOT_MADE

__all__ = ["COLUMNS", "Ledger", "State", "new_batch", "state_of"]

COLUMNS = (
    "row", "digest", "delivery_id", "status", "delivery", "succeeded", "tries", "elapsed", "finished", "error",
    "response",
)  # fmt: skip
"""What a line says, in this order in a file of comma-separated values."""

MAX_LINE = 20_000_000
_AHEAD = 20_000
"""How far the number of a row can be beyond the lines before it: twice the calls that may be under way."""


class State(IntEnum):
    """What is known of a row."""

    OPEN = 0
    DELIVERED = 1
    LEFT_OUT = 2
    FAILED = 3
    UNKNOWN = 4


def state_of(line: Mapping[str, Any]) -> State:
    """Return what an outcome, as JSON, says of its row."""
    if line["succeeded"]:
        return State.DELIVERED
    if line["status"] in NOT_MADE:
        return State.LEFT_OUT
    return State.UNKNOWN if line["delivery"] == Delivery.UNKNOWN else State.FAILED


def new_batch() -> str:
    """Return an identifier that no other batch has."""
    return os.urandom(12).hex()


@attrs.define(eq=False)
class Ledger:
    """A file of outcomes while a batch works on it. `batch`: its identifier."""

    path: Path
    batch: str
    _file: FileIO
    _is_csv: bool
    _states: bytearray = attrs.Factory(bytearray)
    _digests: array[int] = attrs.Factory(lambda: array("Q"))
    _woken: asyncio.Event = attrs.Factory(asyncio.Event)
    _syncing: asyncio.Task[None] | None = None
    _is_over: bool = False

    @classmethod
    @asynccontextmanager
    async def opened(cls, path: Path, work: Mapping[str, Any], *, is_csv: bool) -> AsyncIterator[Ledger]:
        """Begin a file, or go on with one of the same `work`; any other is left as it is, and raises `CannotRun`.

        `work`: what the batch does, as JSON: its target, and what all rows share.
        """
        with ExitStack() as files:
            with _naming(path):
                batch = _begun(path, work, files, head=COLUMNS if is_csv else ())
                ledger = cls(path, batch, files.enter_context(path.open("ab", buffering=0)), is_csv)
                ledger._read()
            ledger._syncing = asyncio.create_task(ledger._sync())
            try:
                yield ledger
            finally:
                ledger._is_over = True
                ledger._woken.set()
                await ledger._syncing

    @property
    def tally(self) -> Counter[State]:
        """How many rows are in each state, those that are open left out."""
        return Counter(State(state) for state in self._states if state)

    @property
    def last(self) -> int:
        """The highest number of a row that has an outcome; 0 without one."""
        return len(self._states)

    def state(self, row: int) -> State:
        """Return what is known of a row, by its number from 1."""
        return State(self._states[row - 1]) if row <= len(self._states) else State.OPEN

    def is_changed(self, row: int, digest: int) -> bool:
        """Whether a row that has an outcome was another one then."""
        return self.state(row) is not State.OPEN and self._digests[row - 1] != digest

    def record(self, line: dict[str, Any]) -> None:
        """Write down the outcome of a row, by the names of `COLUMNS`: at once, and soon on the disk.

        Raises `CannotRun` where the file takes no more.
        """
        if self._syncing is not None and self._syncing.done():
            self._syncing.result()
        text = _csv_line(line.values()) if self._is_csv else dumped(line) + "\n"
        rest = text.encode(errors="backslashreplace")
        with _naming(self.path):
            while rest:
                rest = rest[self._file.write(rest) :]
        self._put(line["row"], state_of(line), int(line["digest"], 16))
        self._woken.set()

    async def _sync(self) -> None:
        """Have on the disk what was written, as often as that can be done."""
        is_last = False
        while not is_last:
            await self._woken.wait()
            self._woken.clear()
            is_last = self._is_over
            with _naming(self.path):
                await asyncio.to_thread(os.fsync, self._file.fileno())

    def _read(self) -> None:
        """Take in what is there; an end without a line break was being written when its process ended, and goes."""
        csv.field_size_limit(MAX_LINE)
        whole, number = 0, 0
        with self.path.open("rb") as file:
            while (line := file.readline(MAX_LINE)).endswith(b"\n"):
                whole, number = whole + len(line), number + 1
                if not (self._is_csv and number == 1):
                    self._take_in(line, number)
        self._file.truncate(whole)

    def _take_in(self, line: bytes, number: int) -> None:
        try:
            found = _csv_fields(line) if self._is_csv else json.loads(line)
            row, digest = found["row"], int(found["digest"], 16)
            if type(row) is not int or not 1 <= row <= number + _AHEAD or type(found["succeeded"]) is not bool:
                raise ValueError(line)
            self._put(row, state_of(found), digest)
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError, csv.Error):
            message = f"line {number} of {self.path} is no outcome of a batch; choose another file with --out"
            raise CannotRun(message) from None

    def _put(self, row: int, state: State, digest: int) -> None:
        missing = row - len(self._states)
        if missing > 0:
            self._digests.extend([0] * missing)
            self._states.extend(bytes(missing))
        self._states[row - 1], self._digests[row - 1] = state, digest


def _begun(path: Path, work: Mapping[str, Any], files: ExitStack, head: tuple[str, ...]) -> str:
    """The identifier of the batch in a file, which is made where it is not there; both stay locked for others."""
    beside = path.with_name(path.name + ".batch")
    if path.exists() and not beside.exists():
        raise CannotRun(
            f"{path} is there and no batch wrote it ({beside.name} is missing); choose another file with --out"
        )
    note = files.enter_context(beside.open("a+b"))
    _lock(note, path)
    if path.exists():
        return _batch_of(note, path, work)
    batch = new_batch()
    note.truncate(0)
    note.write(json.dumps({"wayhook": 1, "kind": "batch", "id": batch, "work": work}).encode() + b"\n")
    _sync(note)
    with path.open("xb") as file:
        file.write(_csv_line(head).encode() if head else b"")
        _sync(file)
    return batch


def _batch_of(note: BinaryIO, path: Path, work: Mapping[str, Any]) -> str:
    note.seek(0)
    try:
        found = json.loads(note.read(MAX_LINE))
        batch, known = str(found["id"]), found["work"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise CannotRun(f"{path}.batch cannot be read; choose another file with --out") from None
    if known != work:
        raise CannotRun(
            f"{path} holds the outcomes of another batch, with another target, other values or other columns; "
            "choose another file with --out"
        )
    return batch


def _lock(note: BinaryIO, path: Path) -> None:
    """Keep other batches away, until the file is closed or the process ends."""
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows, where nothing else does it as simply
        return
    try:
        fcntl.flock(note, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CannotRun(f"another batch is working on {path}; wait for it, or choose another file with --out") from None


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Say which file cannot be used."""
    try:
        yield
    except OSError as error:
        raise CannotRun(f"{path} cannot be used: {error.strerror}") from None


def _csv_line(cells: Any) -> str:
    """One line of comma-separated values: what is no single value is JSON, and JSON has no line break."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(map(_csv_cell, cells))
    return text.getvalue()


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else dumped(value)


def _csv_fields(line: bytes) -> dict[str, Any]:
    """The fields of a line that say what is known of its row."""
    [cells] = csv.reader([line.decode()], strict=True)
    found: dict[str, Any] = dict(zip(COLUMNS, cells, strict=True))
    return {**found, "row": int(found["row"]), "succeeded": {"true": True, "false": False}[found["succeeded"]]}
