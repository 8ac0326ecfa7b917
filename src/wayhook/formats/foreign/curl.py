"""From a curl command to an action: what browsers, Postman and pages of APIs let people copy. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

import attrs

from wayhook.errors import DocumentError, Violation
from wayhook.formats.foreign.address import call_name
from wayhook.formats.foreign.draft import Draft, Field
from wayhook.formats.foreign.imported import Imported
from wayhook.formats.foreign.intake import Intake, Secrets, Variables, shown
from wayhook.formats.foreign.keyring import Keyring
from wayhook.formats.foreign.option import CARRIED, REASONS, SHORT, TAKING
from wayhook.formats.foreign.reason import FILE
from wayhook.formats.foreign.shell import statements
from wayhook.formats.foreign.template import Blank, Piece, Template
from wayhook.jsonvalue import is_unicode
from wayhook.model.action import Action, BodyFormat
from wayhook.secret import SecretReference

__all__ = ["from_curl"]

MAX_SIZE = 2_000_000
_MAX_WORDS = 5_000
_FORM, _JSON = BodyFormat.FORM.content_type, BodyFormat.JSON.content_type
_PROMPT = re.compile(r"^[ \t]*[$>%][ \t]+(?=curl)", re.MULTILINE)
_CURL = re.compile(r"(?:.*[/\\])?curl(?:\.exe)?")
_SETTING = re.compile(r"[A-Za-z_]\w*=.*|sudo|time|env|exec|command", re.DOTALL)
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][\w.-]*)\}")
_SERIES = re.compile(r"\[[^\]/]*-[^\]/]*\]|\{[^}/]*,[^}/]*\}")
_HEADER = re.compile(r"(?P<name>[^:;]*)(?P<sign>[:;])(?P<value>.*)", re.DOTALL)
_DATA = frozenset({"data", "data-ascii", "data-binary", "data-raw", "data-urlencode", "json"})
_FROM_FILES = _DATA - {"data-raw"}


def from_curl(
    text: str, *, name: str = "", variables: Variables | None = None, secrets: Secrets | None = None
) -> Imported:
    """Read a curl command, quoted for a POSIX shell or for the Windows command prompt, as an action.

    `text`: one command or several, of at most 2,000,000 characters; nothing of it is run. `name`: of the action; made
    of method and path unless given. `variables`: name of a header or query parameter, or dotted path in the body, to
    label, as for `message_parameters`; everything else is constant. `secrets`: where to keep each secret, by the name
    of its header or parameter: `{"Authorization": "env:SMS_KEY"}`; one that is not named gets a reference made of the
    names of action and place. A shell variable `$SMS_KEY` becomes `env:SMS_KEY`, or a variable in the body.

    Raises `DocumentError` with what is wrong with the command, `DefinitionError` for places that it does not have.
    """
    intake = Intake.of(name, secrets, variables)
    if not isinstance(text, str) or len(text) > MAX_SIZE or not is_unicode(text):
        what = "it is too long, or no Unicode text" if isinstance(text, str) else f"not {shown(text)}"
        raise DocumentError([Violation("$", f"a curl command is text of at most {MAX_SIZE:,} characters; {what}")])
    actions: list[Action] = []
    for command in _commands(text, intake):
        for request in _requests(command, intake):
            actions += request.actions()
    if not actions:
        intake.require_none()
        raise DocumentError([Violation("$", "there is no curl command with a URL here; begin with 'curl https://…'")])
    return intake.imported(actions)


def _commands(text: str, intake: Intake) -> Iterator[list[tuple[int, Template]]]:
    """The words of each curl command behind its name, with their places; other commands are left out."""
    for number, statement in enumerate(statements(_PROMPT.sub("", text))):
        words = list(enumerate(statement.words))
        while words and _SETTING.fullmatch(words[0][1].plain or ""):
            words = words[1:]
        if statement.redirected:
            intake.leave_out("$", "a file after < or >", "an action reads no file and writes none")
        if words and _CURL.fullmatch(words[0][1].plain or ""):
            yield words[1 : _MAX_WORDS + 1]
        elif number or words:
            intake.leave_out("$", "another command", "only curl commands are read")


@attrs.frozen
class _Option:
    """One option by its long name, the word of the command that it stands in, and its value."""

    name: str
    at: int
    value: Template

    @property
    def path(self) -> str:
        return f"$[{self.at}]"


@attrs.define
class _Request:
    """What stands between two `--next` of a command."""

    intake: Intake
    options: list[_Option] = attrs.Factory(list)
    urls: list[tuple[int, Template]] = attrs.Factory(list)

    def actions(self) -> Iterator[Action]:
        """The action for each URL."""
        self.leave_out()
        if not self.urls:
            self.intake.fault("$", "this command has no URL; add one")
        for at, url in self.urls:
            if _SERIES.search(url.marked.partition("://")[2].partition("/")[2]) and not self.has("globoff"):
                message = "curl makes several URLs of [1-3] and {a,b}; write one of them, or add --globoff"
                self.intake.fault(f"$[{at}]", message)
            draft = self.draft(f"$[{at}]", self.with_scheme(url))
            action = draft.action()
            if action is not None:
                yield action

    def leave_out(self) -> None:
        """Tell the options that an action has no place for."""
        for option in self.options:
            name = option.name.removeprefix("no-") if option.name not in REASONS else option.name
            if option.name not in CARRIED:
                why = REASONS.get(name, "curl has no option of this name, or a newer one; look at what it does")
                self.intake.leave_out(option.path, f"--{option.name}", why)
            elif option.name in _FROM_FILES and option.value.start.startswith("@"):
                self.intake.leave_out(option.path, f"--{option.name}", FILE)

    def all(self, *names: str) -> Iterator[_Option]:
        return (option for option in self.options if option.name in names)

    def last(self, name: str) -> _Option | None:
        return next((option for option in reversed(self.options) if option.name == name), None)

    def has(self, *names: str) -> bool:
        return any(True for _ in self.all(*names))

    def with_scheme(self, url: Template) -> Template:
        """The URL as curl reads it: over http where it has no scheme, and with `{name}` in its path left open."""
        if "://" not in url.marked:
            url = Template("http://", *url.pieces)
        if self.has("globoff"):
            return url.part(url.marked.replace("{", "%7B").replace("}", "%7D"))
        pieces = [part for piece in url.pieces for part in _placeholders(piece)]
        return Template(*pieces)

    def draft(self, path: str, url: Template) -> Draft:
        query = [] if not self.has("get") else [text for _, text in self.data()]
        query += [_asked(option.value) for option in self.all("url-query")]
        for pair in query:
            url = _with_query(url, pair)
        body = None if self.has("get") else self.body()
        method = self.method()
        headers = tuple(self.headers(method))
        name = self.intake.named(call_name(method, url))
        return Draft(
            name=name,
            path=path,
            url=url,
            keyring=self.keyring(name),
            method=method,
            headers=headers,
            body=body,
            body_path=next((option.path for option in self.all(*_DATA)), ""),
            media=self.media(body, headers) if body is not None else "",
            identity=self.identity(),
        )

    def method(self) -> str:
        given = self.last("request")
        if given is not None:
            word = given.value.plain
            if word and re.fullmatch(r"[A-Za-z]+", word):
                return word.upper()
            self.intake.fault(given.path, "a method is letters, such as POST", "R62")
        if self.has("head"):
            return "HEAD"
        if self.has("upload-file"):
            return "PUT"
        is_posted = self.has("form", "form-string") or (self.has(*_DATA) and not self.has("get"))
        return "POST" if is_posted else "GET"

    # Headers

    def headers(self, method: str) -> Iterator[Field]:
        names = set()
        for given in self.all("header"):
            for field in self.header(given):
                names.add(field.name.lower())
                yield field
        for name, header in (("user-agent", "User-Agent"), ("referer", "Referer"), ("range", "Range")):
            option = self.last(name)
            if option is not None and header.lower() not in names:
                value = Template("bytes=", *option.value.pieces) if name == "range" else option.value
                yield Field(header, value.part(value.marked.removesuffix(";auto")), option.path)
        if self.has("json") and method != "GET" and "accept" not in names:
            yield Field("Accept", Template(_JSON), "$")
        token = self.last("oauth2-bearer")
        if token is not None and "authorization" not in names:
            yield Field("Authorization", Template("Bearer ", *token.value.pieces), token.path)

    def header(self, option: _Option) -> Iterator[Field]:
        found = _HEADER.fullmatch(option.value.marked)
        name = option.value.part(found["name"]).plain if found else None
        if option.value.start.startswith("@"):
            self.intake.leave_out(option.path, "--header", FILE)
        elif found is None or name is None:
            self.intake.leave_out(option.path, "--header", "a header is a name, a colon and a value")
        elif found["sign"] == ":" and not found["value"].strip():
            self.intake.leave_out(option.path, "--header", "it only takes back a header that curl adds by itself")
        else:
            value = found["value"] if found["sign"] == ":" else ""
            yield Field(name.strip(), option.value.part(value.strip(" \t\r\n")), option.path)

    def keyring(self, name: str) -> Keyring:
        """The keyring of an action, with a user and a password where there are such."""
        keyring, option = Keyring(self.intake, name), self.last("user")
        if option is not None and self.has("digest", "ntlm", "ntlm-wb", "negotiate", "anyauth", "aws-sigv4"):
            self.intake.leave_out(option.path, "--user", "it is for another authentication than Basic")
        elif option is not None:
            user, colon, password = option.value.marked.partition(":")
            asked = option.value.part(password) if colon else Template(Blank(f"{name} password"))
            keyring.basic(option.value.part(user), asked)
        return keyring

    def identity(self) -> tuple[SecretReference, SecretReference] | None:
        """The files of a client certificate and its key, as references to them."""
        certificate, key = self.last("cert"), self.last("key")
        if certificate is None:
            if key is not None:
                self.intake.leave_out(key.path, "--key", "it is of no use without --cert")
            return None
        place, colon, _ = (certificate.value.plain or "").partition(":")
        if colon:
            self.intake.leave_out(certificate.path, "the password of --cert", "a private key is kept without one")
        file = place or "client.pem"
        key_file = (key.value.plain if key is not None else "") or file
        pair = []
        for name, path, holds in (("cert", file, "the certificate"), ("key", key_file, "the private key")):
            reference = self.intake.given(f"--{name}") or SecretReference(f"file:{path.strip() or 'client.pem'}")
            self.intake.found(f"--{name}", reference, f"{holds}, in PEM form")
            pair.append(reference)
        return pair[0], pair[1]

    # The body

    def data(self) -> Iterator[tuple[_Option, Template]]:
        """The texts of the body, as curl puts them together; files are left out."""
        for option in self.all(*_DATA):
            if option.name in _FROM_FILES and option.value.start.startswith("@"):
                continue
            yield option, _urlencoded(option.value) if option.name == "data-urlencode" else option.value

    def body(self) -> Template | None:
        parts = list(self.data())
        pieces: list[Piece] = []
        for i, (option, text) in enumerate(parts):
            pieces += [*(("&",) if i and option.name != "json" else ()), *text.pieces]
        return Template(*pieces) if parts else None

    def media(self, body: Template, headers: tuple[Field, ...]) -> str:
        """The Content-Type where no header tells it: that of curl, but for a JSON that was meant as one."""
        if self.has("json"):
            return _JSON
        if any(header.name.lower() == "content-type" for header in headers) or not _is_json(body):
            return _FORM
        self.intake.leave_out("$", f"the Content-Type {_FORM} that curl adds", f"the body is JSON, and sent as {_JSON}")
        return _JSON


def _requests(words: list[tuple[int, Template]], intake: Intake) -> Iterator[_Request]:
    """The requests of a command: its options by their long names, and its URLs."""
    request, waiting = _Request(intake), list(reversed(words))
    while waiting:
        at, word = waiting.pop()
        if not word.start.startswith("-") or word.plain == "-":
            request.urls.append((at, word))
            continue
        for option in _options(at, word, waiting, intake):
            if option.name == "next":
                yield request
                request = _Request(intake)
            elif option.name == "url":
                request.urls.append((option.at, option.value))
            else:
                request.options.append(option)
    yield request


def _options(at: int, word: Template, waiting: list[tuple[int, Template]], intake: Intake) -> Iterator[_Option]:
    """The options of one word: a long one, or short ones side by side; a value is the rest of it, or the next word."""
    if word.start.startswith("--"):
        name = (word.plain or word.start)[2:]
        if "=" in name:
            long = name.partition("=")[0]
            intake.fault(f"$[{at}]", f"curl has no --{long[:40]}=…; put a space between the option and its value")
            return
        if name not in CARRIED and name not in REASONS and name.removeprefix("no-") not in REASONS:
            name = name[:40]
            if waiting and len(waiting) > 1 and _is_argument(waiting[-1][1]):
                waiting.pop()
        yield _Option(name, at, _value(name, at, waiting, intake) if name in TAKING else Template())
        return
    letters, rest = word.start[1:], word.pieces[1:]
    for i, letter in enumerate(letters):
        name = SHORT.get(letter, letter)
        if name in TAKING:
            value = Template(letters[i + 1 :], *rest)
            yield _Option(name, at, value if value.pieces else _value(name, at, waiting, intake))
            return
        yield _Option(name, at, Template())


def _is_argument(word: Template) -> bool:
    """Whether a word behind an option that nobody knows belongs to it: it is no option, and no URL."""
    return not word.start.startswith("-") and "://" not in word.marked


def _value(name: str, at: int, waiting: list[tuple[int, Template]], intake: Intake) -> Template:
    if not waiting:
        intake.fault(f"$[{at}]", f"--{name} has no value; the command ends too early")
        return Template()
    return waiting.pop()[1]


def _placeholders(piece: Piece) -> Iterator[Piece]:
    """A part of a URL with `{name}` in its path left open."""
    if isinstance(piece, Blank):
        yield piece
        return
    path, sign, query = piece.partition("?")
    end = 0
    for found in _PLACEHOLDER.finditer(path):
        yield from (path[end : found.start()], Blank(found[1]))
        end = found.end()
    yield path[end:] + sign + query


def _is_json(body: Template) -> bool:
    text = body.marked.strip()
    return text.startswith("{") and text.endswith("}")


def _with_query(url: Template, pair: Template) -> Template:
    address, sharp, fragment = url.marked.partition("#")
    sign = "" if not pair.pieces or address.endswith(("?", "&")) else "&" if "?" in address else "?"
    return url.part(address) + Template(sign, *pair.pieces) + url.part(sharp + fragment)


def _asked(text: Template) -> Template:
    """The value of `--url-query`: after a plus sign as it stands, else as that of `--data-urlencode`."""
    return text.part(text.marked[1:]) if text.start.startswith("+") else _urlencoded(text)


def _urlencoded(text: Template) -> Template:
    """The value of `--data-urlencode`: what stands behind the first `=` is encoded, or all where there is none."""
    name, sign, value = text.marked.partition("=")
    content = text.part(value if sign else name)
    encoded = Template(*(quote(piece, safe="-._~") if isinstance(piece, str) else piece for piece in content.pieces))
    return text.part(name + sign) + encoded if sign and name else encoded
