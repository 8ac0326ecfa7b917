"""Texts with places that a source leaves open: `$SMS_KEY` of a shell, `{{to}}` of Postman, `{id}` of a path. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

import attrs

from wayhook.secret import Base64, SecretReference, SecretText

__all__ = ["BARE", "Blank", "Template"]

# No characters of any text (Unicode, section 23.7); a source that has them all the same only opens places of its own.
_MARK, BARE, _BETWEEN = "\ufdd0", "\ufdd1", "\ufdd2"
_MARKED = re.compile(f"{_MARK}([0-9]+){_MARK}")
_STRINGS_AND_MARKS = re.compile(rf'"(?:[^"\\]++|\\.)*+"|({_MARKED.pattern})', re.DOTALL)


@attrs.frozen
class Blank:
    """A place in a text that the source leaves open.

    `name`: as the source calls it. `filled`: what stands there when the call is sent, or None where nobody knows, and
    the journey is to say it.
    """

    name: str
    filled: SecretReference | Base64 | None = None


Piece = str | Blank


@attrs.frozen(init=False)
class Template:
    """A text with blanks in it; no two texts stand side by side, and none is empty."""

    pieces: tuple[Piece, ...]

    def __init__(self, *pieces: Piece) -> None:
        joined: list[Piece] = []
        for kind, run in groupby(pieces, type):
            if kind is Blank:
                joined += run
            elif text := "".join(map(str, run)):
                joined.append(text)
        self.__attrs_init__(tuple(joined))

    def __add__(self, other: Template | str) -> Template:
        return Template(*self.pieces, *(other.pieces if isinstance(other, Template) else (other,)))

    @property
    def plain(self) -> str | None:
        """The text where nothing is left open, else None."""
        return "".join(map(str, self.pieces)) if not self.blanks else None

    @property
    def start(self) -> str:
        """The text before the first blank."""
        return self.pieces[0] if self.pieces and isinstance(self.pieces[0], str) else ""

    @property
    def blanks(self) -> tuple[Blank, ...]:
        """What is left open, in order."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Blank))

    @property
    def only(self) -> Blank | None:
        """The blank that is all of the text, or None."""
        return self.blanks[0] if len(self.pieces) == 1 and self.blanks else None

    @property
    def filled(self) -> SecretText | None:
        """The text as it is sent, where every blank is known by then, else None."""
        parts = [piece if isinstance(piece, str) else piece.filled for piece in self.pieces]
        return SecretText(*parts) if None not in parts else None  # type: ignore[arg-type]  # as was just asked

    @property
    def shown(self) -> str:
        """The text with each blank as `{name}`."""
        return "".join(piece if isinstance(piece, str) else f"{{{piece.name}}}" for piece in self.pieces)

    @property
    def marked(self) -> str:
        """One text, with a mark in the place of each blank; `part` makes templates of its parts."""
        return "".join(self._marked())

    def _marked(self) -> Iterator[str]:
        number = 0
        for piece in self.pieces:
            if isinstance(piece, Blank):
                yield f"{_MARK}{number}{_MARK}"
                number += 1
            else:
                yield piece

    def part(self, marked: str) -> Template:
        """Return the template of a part of the `marked` text."""
        blanks = self.blanks
        pieces: list[Piece] = []
        end = 0
        for found in _MARKED.finditer(marked):
            number = int(found[1][:9])
            if number < len(blanks):
                pieces += [marked[end : found.start()], blanks[number]]
                end = found.end()
        return Template(*pieces, marked[end:])

    @property
    def quoted(self) -> str:
        """The `marked` text of a JSON; what is open outside of a string becomes one that begins with `BARE`."""
        return _STRINGS_AND_MARKS.sub(lambda found: f'"{BARE}{found[0]}"' if found[1] else found[0], self.marked)

    @classmethod
    def joined(cls, templates: Iterable[Template]) -> tuple[Template, list[str]]:
        """Return several as one, and the `marked` part of it that each of them is."""
        pieces = [piece for template in templates for piece in (*template.pieces, _BETWEEN)]
        whole = cls(*pieces)
        return whole, whole.marked.split(_BETWEEN)[:-1]
