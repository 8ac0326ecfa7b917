"""What a command comes to: a value for programs, a text for people, and an exit code."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Self

import attrs

from wayhook.errors import DefinitionError, ExpressionError, RenderError, WayhookError
from wayhook.presentation import Presentable

__all__ = ["Answer", "CannotRun", "Carded", "ExitCode", "Table", "code_of"]


class ExitCode(IntEnum):
    """What the exit code of a command says; `meaning` has it in words."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Self:
        """Make a code that knows its meaning."""
        member = int.__new__(cls, code)
        member._value_, member.meaning = code, meaning
        return member

    FINE = 0, "all was delivered, or is as it should be"
    FAILED = 1, "something was not delivered, or is not valid"
    REFUSED = 2, "it cannot be carried out: an argument, a file, a name, an extra or a secret is wrong or missing"
    INTERRUPTED = 130, "it was interrupted (Control-C); what was done is kept"
    LEFT = 141, "whoever read the output left before its end, such as `head`"


class CannotRun(WayhookError):  # noqa: N818 - it says what a command meets
    """A command cannot be carried out as it was asked for; the message says what to give instead."""


@attrs.frozen
class Table:
    """Rows of texts below heads."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@attrs.frozen
class Carded:
    """A value that a terminal shows as its card, and everything else as `plain`."""

    value: Presentable
    plain: tuple[str | Table, ...]


@attrs.frozen
class Answer:
    """What a command found.

    `document`: a JSON value, for `--json`; None where it was printed line by line. `shown`: the same for people.
    """

    document: Any
    shown: tuple[str | Table | Carded, ...]
    code: ExitCode = ExitCode.FINE


def code_of(error: WayhookError) -> ExitCode:
    """Return what an error means: definitions, expressions and values are not valid, the rest cannot be done."""
    is_invalid = isinstance(error, DefinitionError | RenderError | ExpressionError)
    return ExitCode.FAILED if is_invalid else ExitCode.REFUSED
