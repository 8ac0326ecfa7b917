"""Commands as people copy them: the words of a POSIX shell and of the Windows command prompt. No I/O.

Nothing is run and no variable is looked up: what a shell would fill in stays a blank.
"""

from __future__ import annotations

import re

import attrs

from wayhook.errors import DocumentError, Violation
from wayhook.formats.foreign.template import Blank, Piece, Template
from wayhook.secret import Base64, SecretReference

__all__ = ["Statement", "statements"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_BRACED = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)[^}\n]*\}", re.ASCII)
_PERCENT = re.compile(r"%([A-Za-z_][A-Za-z0-9_]*)%", re.ASCII)
_DIALECT = re.compile(r"""(?P<posix>(?<=\s)\$?'|\\\r?\n)|(?P<prompt>\^[ \t]*\r?\n|(?<=\s)\^"|\^\\\^")""")
_PLAIN = re.compile(r"[^ \t\r\n|;&<>()'\"\\$`]+")
_QUOTED = re.compile(r'[^\\"$`]+')
_REDIRECTION = re.compile(r"&?[<>]+&?")
_END = re.compile(r"\|\|?|&&?|;+|[\n()]")
_COMMENT = re.compile(r"#[^\n]*")
_BLANKS = re.compile(r"[ \t]*")
_CARET_LINE = re.compile(r"\^[ \t]*\n(\n?)")
_WORD = re.compile(r"[\w ]")
_BASE64 = " | base64 | tr -d '\\n')"
_ESCAPES = {
    "a": 7, "b": 8, "e": 27, "E": 27, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, "'": 39, '"': 34, "?": 63,
}  # fmt: skip
_CODE = re.compile(r"x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|([0-7]{1,3})|c(.)", re.DOTALL)
_DEEPEST = 20


@attrs.frozen
class Statement:
    """The words of one command. `end`: the sign that ends it, such as `|`, or "" at the end of its line.

    `redirected`: whether its input or output is a file.
    """

    words: tuple[Template, ...]
    end: str = ""
    redirected: bool = False


def statements(text: str) -> list[Statement]:
    """Return the commands of a text, in the dialect that its quotes and line ends tell; POSIX where they do not.

    Raises `DocumentError` for a quote that is not closed, with its place.
    """
    found = _DIALECT.search(text)
    return _Prompt(text).statements() if found is not None and found["prompt"] else _Shell(text).statements()


def _fault(text: str, at: int, what: str) -> DocumentError:
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    return DocumentError([Violation("$", f"line {line}, column {column}: {what}")])


def _variable(name: str) -> Blank:
    return Blank(name, SecretReference(f"env:{name}"))


@attrs.define
class _Shell:
    """A POSIX shell's reading of a text. `at`: the sign that is next."""

    text: str
    at: int = 0
    depth: int = 0

    def statements(self) -> list[Statement]:
        found = []
        while self.at < len(self.text):
            found.append(self.statement())
        return [statement for statement in found if statement.words]

    def statement(self) -> Statement:
        words: list[Template] = []
        redirected = False
        while self.at < len(self.text):
            sign = self.text[self.at]
            if sign in " \t\r":
                self.at += 1
            elif sign == "\\" and (line := self.continued()):
                self.at += line
            elif found := _COMMENT.match(self.text, self.at):
                self.at = found.end()
            elif found := _REDIRECTION.match(self.text, self.at):
                if words and words[-1].plain in ("1", "2") and self.text[self.at - 1].isdigit():
                    words.pop()
                redirected = True
                self.at = _BLANKS.match(self.text, found.end()).end()  # type: ignore[union-attr]  # it always matches
                self.word()
            elif found := _END.match(self.text, self.at):
                self.at = found.end()
                if words or found[0] != "\n":
                    return Statement(tuple(words), found[0].strip(), redirected)
            else:
                words.append(self.word())
        return Statement(tuple(words), "", redirected)

    def continued(self) -> int:
        """How many signs a line that goes on takes here, 0 for none."""
        return next((len(end) for end in ("\\\n", "\\\r\n") if self.text.startswith(end, self.at)), 0)

    def word(self) -> Template:
        pieces: list[Piece] = []
        while self.at < len(self.text) and (sign := self.text[self.at]) not in " \t\r\n|;&<>()":
            if sign == "'":
                pieces.append(self.single())
            elif sign == '"':
                pieces += self.double()
            elif sign == "\\":
                skipped = self.continued()
                pieces.append("" if skipped else self.text[self.at + 1 : self.at + 2])
                self.at += skipped or 2
            elif sign in "$`":
                pieces += self.dollar(quoted=False)
            else:
                pieces.append(self.run(_PLAIN))
        return Template(*pieces)

    def run(self, signs: re.Pattern[str]) -> str:
        """Signs that mean themselves, at least one of which is next."""
        found = signs.match(self.text, self.at)
        assert found is not None  # noqa: S101 - the one that is next is none of the others
        self.at = found.end()
        return found[0]

    def single(self) -> str:
        end = self.text.find("'", self.at + 1)
        if end < 0:
            raise _fault(self.text, self.at, "this quote is not closed; add the ' at its end")
        found, self.at = self.text[self.at + 1 : end], end + 1
        return found

    def double(self) -> list[Piece]:
        start, pieces = self.at, list[Piece]()
        self.at += 1
        while self.at < len(self.text) and (sign := self.text[self.at]) != '"':
            if sign == "\\":
                following = self.text[self.at + 1 : self.at + 2]
                skipped = self.continued()
                pieces.append("" if skipped else following if following in ("$", "`", '"', "\\") else sign + following)
                self.at += skipped or 2
            elif sign in "$`":
                pieces += self.dollar(quoted=True)
            else:
                pieces.append(self.run(_QUOTED))
        if self.at >= len(self.text):
            raise _fault(self.text, start, 'this quote is not closed; add the " at its end')
        self.at += 1
        return pieces

    def dollar(self, *, quoted: bool) -> list[Piece]:
        """What a shell would fill in: a variable, or what a command prints."""
        start = self.at
        if self.text[start] == "`":
            end = self.text.find("`", start + 1)
            if end < 0:
                raise _fault(self.text, start, "this quote is not closed; add the ` at its end")
            self.at = end + 1
            return [Blank("")]
        self.at += 1
        following = self.text[self.at : self.at + 1]
        if following == "(":
            return [self.substituted(start)]
        if following == "'" and not quoted:
            return [self.escaped()]
        if following == '"' and not quoted:
            return self.double()
        found = _BRACED.match(self.text, self.at) if following == "{" else _NAME.match(self.text, self.at)
        if found is None:
            return ["$"]
        self.at = found.end()
        return [_variable(found[1] if following == "{" else found[0])]

    def escaped(self) -> str:
        """A text `$'…'` with its escapes."""
        start, found = self.at - 1, bytearray()
        self.at += 1
        while (sign := self.text[self.at : self.at + 1]) != "'":
            if not sign:
                raise _fault(self.text, start, "this quote is not closed; add the ' at its end")
            self.at += 1
            found += self.escape() if sign == "\\" else sign.encode(errors="surrogatepass")
        self.at += 1
        try:
            return found.decode()
        except UnicodeDecodeError:
            raise _fault(self.text, start, "the escapes of this quote give no UTF-8 text") from None

    def escape(self) -> bytes:
        code = _CODE.match(self.text, self.at)
        if code is None:
            sign = self.text[self.at : self.at + 1]
            self.at += 1
            return bytes([_ESCAPES[sign]]) if sign in _ESCAPES else b"\\" + sign.encode(errors="surrogatepass")
        self.at = code.end()
        byte, short, long, octal, control = code.groups()
        if short or long:
            number = int(short or long, 16)
            return chr(number).encode(errors="surrogatepass") if number <= 0x10FFFF else b"\xff"  # noqa: PLR2004
        return bytes([(ord(control) & 31) if control else int(byte, 16) if byte else int(octal, 8) & 255])

    def substituted(self, start: int) -> Blank:
        """What a command prints: the Base64 that `to_curl` writes is read, anything else is unknown."""
        self.at += 1
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _fault(self.text, start, f"commands in commands are at most {_DEEPEST} deep")
        found = self.base64() or self.unknown(start)
        self.depth -= 1
        return found

    def base64(self) -> Blank | None:
        begun = self.at
        if self.text.startswith("printf %s ", begun):
            self.at += len("printf %s ")
            parts = [piece if isinstance(piece, str) else piece.filled for piece in self.word().pieces]
            if self.text.startswith(_BASE64, self.at) and all(
                isinstance(part, str | SecretReference) for part in parts
            ):
                self.at += len(_BASE64)
                return Blank("base64", Base64(*parts))  # type: ignore[arg-type]  # as was just asked
        self.at = begun
        return None

    def unknown(self, start: int) -> Blank:
        level = 1
        while level:
            sign = self.text[self.at : self.at + 1]
            if not sign:
                raise _fault(self.text, start, "this command is not closed; add the ) at its end")
            if sign == "'":
                self.single()
            elif sign == '"':
                self.double()
            else:
                level += {"(": 1, ")": -1}.get(sign, 0)
                self.at += 2 if sign == "\\" else 1
        return Blank("")


@attrs.define
class _Prompt:
    """The reading of the Windows command prompt, and then of a program there: carets first, then quotes.

    Browsers put a caret before every sign that is none of a word, inside of quotes too.
    """

    text: str

    def statements(self) -> list[Statement]:
        signs, end = self.unescaped()
        return [statement for statement in [Statement(tuple(_arguments(signs, self.text)), end)] if statement.words]

    def unescaped(self) -> tuple[list[Piece], str]:
        """The signs without their carets, as far as the first command goes, and what ends it."""
        text, found, at, quoted = self.text.replace("\r\n", "\n").strip(), list[Piece](), 0, False
        while at < len(text):
            sign = text[at]
            following = text[at + 1 : at + 2]
            variable = _PERCENT.match(text, at)
            if line := _CARET_LINE.match(text, at):
                found.append(line[1])
                at = line.end()
            elif sign == "^" and following and (not quoted or found[-1:] == ["%"] or not _WORD.match(following)):
                found.append(following)
                at += 2
            elif sign == "%" and variable and not re.fullmatch(r"[0-9A-Fa-f]{2}", variable[1]):
                found.append(_variable(variable[1]))
                at = variable.end()
            elif sign in "|&<>\n" and not quoted:
                return found, sign.strip()
            else:
                quoted = quoted != (sign == '"')
                found.append(sign)
                at += 1
        return found, ""


def _arguments(signs: list[Piece], text: str) -> list[Template]:
    """The arguments that a program gets: backslashes count only before a quote, where each pair is one."""
    words, word = list[Template](), list[Piece]()
    quoted = begun = False
    slashes = 0
    for sign in signs:
        if sign == "\\":
            slashes += 1
            continue
        if sign == '"':
            word.append("\\" * (slashes // 2))
            begun = True
            if slashes % 2:
                word.append('"')
            else:
                quoted = not quoted
        elif sign in (" ", "\t", "\n") and not quoted:
            word.append("\\" * slashes)
            if begun or any(word):
                words.append(Template(*word))
            word, begun = [], False
        else:
            word += ["\\" * slashes, sign]
        slashes = 0
    if quoted:
        raise _fault(text, 0, 'a quote of this command is not closed; add the " at its end')
    word.append("\\" * slashes)
    return [*words, Template(*word)] if begun or any(word) else words
