"""Files that a command is given: read as text, bounded, `-` being the standard input."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import attrs

from wayhook.cli.answer import CannotRun
from wayhook.errors import DefinitionError, DocumentError
from wayhook.jsonvalue import parse_exact_json

__all__ = ["MAX_SIZE", "STDIN", "is_file", "is_folder", "is_there", "json_in", "opened", "text_in", "within"]

STDIN = "-"
MAX_SIZE = 20_000_000
"""Bytes of a file that is read as a whole: a description of a large service, say."""


def is_there(place: str | Path) -> bool:
    """Whether a file of that name is there, or a folder; what can be no name, or may not be looked at, is not."""
    return os.path.exists(place)  # noqa: PTH110 - a `Path` raises for such names


def is_file(place: str | Path) -> bool:
    """Whether a file is there, and no pipe or folder; what can be no name, or may not be looked at, is not."""
    return os.path.isfile(place)  # noqa: PTH113 - a `Path` raises for such names


def is_folder(place: str) -> bool:
    """Whether a folder is there; what can be no name, or may not be looked at, is none."""
    return os.path.isdir(place)  # noqa: PTH112 - a `Path` raises for such names


@contextmanager
def opened(place: str) -> Iterator[BinaryIO]:
    """Open a file for its bytes; raises `CannotRun` where it cannot be opened or read."""
    try:
        file = _stdin() if place == STDIN else Path(place).open("rb")  # noqa: SIM115 - closed below
    except (OSError, ValueError) as error:
        raise _unreadable(place, error) from None
    with file:
        try:
            yield file
        except OSError as error:
            raise _unreadable(place, error) from None


def _stdin() -> BinaryIO:
    """The standard input, by a reader of its own: Python cannot end while a thread waits in `sys.stdin`."""
    try:
        return open(sys.stdin.fileno(), "rb", closefd=False)
    except OSError:  # something else stands in its place, such as in a notebook
        return sys.stdin.buffer


def _unreadable(place: str, error: OSError | ValueError) -> CannotRun:
    return CannotRun(f"{place} cannot be read: {getattr(error, 'strerror', None) or error}")


def text_in(place: str) -> str:
    """Return the UTF-8 text of a file, without a byte order mark; raises `CannotRun`."""
    with opened(place) as file:
        content = file.read(MAX_SIZE + 1)
    if len(content) > MAX_SIZE:
        raise CannotRun(f"{place} is larger than {MAX_SIZE:,} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CannotRun(f"{place} is not UTF-8 text: look at byte {error.start}") from None


def json_in(place: str) -> Any:
    """Return the JSON value in a file, its numbers exact; raises `CannotRun`, and `DocumentError` for other texts."""
    text = text_in(place)
    try:
        return parse_exact_json(text)
    except DefinitionError as error:
        raise within(place, error) from None


def within(place: str, error: DefinitionError) -> DocumentError:
    """Return the error of a document with its file before each path."""
    return DocumentError(attrs.evolve(fault, path=f"{place}: {fault.path}") for fault in error.violations)
