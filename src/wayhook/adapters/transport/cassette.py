"""A transport that answers from a file, and may fill it: a notebook or a test runs again without calling anyone.

Requests are compared as they are kept: with the label of each secret in its place, so that no secret is needed to find
one again, and the identifier of an execution is the same in all of them.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from difflib import unified_diff
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import attrs

from wayhook.errors import DefinitionError, DocumentError, Evidence, StoreUnavailable, TransportError, Violation
from wayhook.execution.plugin import plugin
from wayhook.execution.ports import SecretSource, Transport
from wayhook.formats.cassette import MAX_SIZE, Exchange, dump_exchanges, load_exchanges, written_body
from wayhook.model.shape import as_set
from wayhook.secret import SecretReference
from wayhook.wire import Request, Response

__all__ = ["Cassette"]

_MASK = "***"
_COMPARED, _LINES, _WIDTH = 1000, 60, 200
"""How many exchanges are looked at for the nearest one, and how much of the difference is shown."""


class Cassette:
    """Answers from the file at `path`, as a `Transport`; a request that the file has not is recorded, or fails.

    `record`: a transport, or the name of one (`"httpx"`), that sends what the file has not; the file is written when
    the executor closes. Without one nothing is sent, no secret is looked up, and a request that the file has not fails
    with its difference to the nearest one. To record anew, delete the file.
    Two requests are the same when method, URL, headers and body are, in JSON the value. Each exchange is used once,
    equal ones in their order. `ignoring`: what is not compared, such as the time of sending: names of headers, query
    parameters and fields of a form, and dotted paths in JSON, whose lists count as one step with their items.
    Secrets are masked in the file, and so are the tokens and cookies that answers bring.
    Raises `DocumentError` with every fault of the file, and where there is none to replay.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, record: Transport | str | None = None, ignoring: Iterable[str] = ()
    ) -> None:
        self._ignored = as_set(ignoring)
        if faults := list(_faults(path, record, self._ignored)):
            raise DefinitionError(faults)
        self._path = Path(path)
        self._make = plugin("transports", record) if isinstance(record, str) else None
        self._sender = None if isinstance(record, str) else record
        found = _loaded(self._path, record is not None)
        self._tracks = [_Track(self._spoken(exchange), exchange) for exchange in found]
        self._is_changed = False
        self.rewind()

    def rewind(self) -> None:
        """Answer from the beginning again."""
        self._waiting: dict[str, deque[_Track]] = defaultdict(deque)
        for track in self._tracks:
            if track.exchange is not None:
                track.is_used = False
                self._waiting[track.spoken].append(track)

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """What is recorded, in the order in which the requests were made."""
        return tuple(track.exchange for track in self._tracks if track.exchange is not None)

    @property
    def unused(self) -> tuple[Exchange, ...]:
        """What has not been asked for since the cassette was opened or rewound."""
        return tuple(track.exchange for track in self._tracks if track.exchange is not None and not track.is_used)

    @property
    def secrets(self) -> SecretSource | None:
        """Where an executor finds texts in the place of secrets while nothing is sent; None while something may be."""
        return _Blanks() if self._sender is None and self._make is None else None

    async def send(self, request: Request, deadline: float) -> Response:
        """Answer as it was recorded, or record; see `Transport`."""
        shown = _shown(request)
        spoken = self._spoken(shown)
        if waiting := self._waiting.get(spoken):
            return waiting.popleft().answer()
        if self._sender is None and self._make is None:
            raise TransportError(self._unknown(spoken), Evidence.REFUSED, local=True)
        track = _Track(spoken, is_used=True)
        self._tracks.append(track)  # in the order of the requests, whichever is answered first
        answer = await self._answered(request, deadline)
        kept = _masked(request, answer)
        track.exchange = Exchange(shown.method, shown.url, shown.headers, shown.body, kept)
        self._is_changed = True
        if isinstance(answer, TransportError):
            raise answer
        return answer

    async def _answered(self, request: Request, deadline: float) -> Response | TransportError:
        if self._sender is None:
            assert self._make is not None  # noqa: S101 - one of the two
            self._sender = self._make()
        try:
            return await self._sender.send(request, deadline)
        except TransportError as error:
            return error

    async def aclose(self) -> None:
        """Write what was recorded, and close the transport that recorded it; the cassette may be used on."""
        try:
            if self._is_changed:
                self._is_changed = False
                await asyncio.to_thread(_write, self._path, dump_exchanges(self.exchanges))
        except StoreUnavailable:
            self._is_changed = True
            raise
        finally:
            sender = self._sender
            if self._make is not None:
                self._sender = None  # the next executor has another loop
            if sender is not None:
                await sender.aclose()

    def _spoken(self, request: Request | Exchange) -> str:
        """A request in words that are the same for the same request, and can be compared line by line."""
        path, question, query = request.url.partition("?")
        pairs = self._pairs(query)
        ignored = {name.lower() for name in self._ignored}
        headers = sorted((name.lower(), value) for name, value in request.headers if name.lower() not in ignored)
        is_form = "application/x-www-form-urlencoded" in dict(headers).get("content-type", "")
        lines = [f"{request.method} {path}{question if pairs else ''}{'&'.join(pairs)}"]
        lines += [f"{name}: {value}" for name, value in headers]
        return "\n".join(lines if request.body is None else [*lines, "", *self._body(request.body, is_form)])

    def _pairs(self, text: str) -> list[str]:
        return [pair for pair in text.split("&") if pair and unquote_plus(pair.partition("=")[0]) not in self._ignored]

    def _body(self, body: bytes, is_form: bool) -> list[str]:  # noqa: FBT001 - told by a header
        written = written_body(body)
        if is_form and "text" in written:
            return self._pairs(written["text"])
        if "json" in written:
            value = _without(written["json"], self._ignored)
            return [json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)]
        return list(written.values())

    def _unknown(self, spoken: str) -> str:
        """Why a request cannot be answered: how it differs from the one that is most like it."""
        name = self._path.name
        nearest = max((track.spoken for track in islice(self._tracks, _COMPARED)), key=_likeness(spoken), default=None)
        if nearest is None:
            return f"the cassette {name} is empty; record it: Cassette({name!r}, record='httpx')"
        if nearest == spoken:
            times = sum(track.spoken == spoken for track in self._tracks)
            again = f"{times} time{'' if times == 1 else 's'}, and is asked for once more"
            return f"this request is recorded in {name} {again}:\n{_cut(spoken.splitlines())}"
        difference = unified_diff(nearest.splitlines(), spoken.splitlines(), "recorded", "asked for", lineterm="")
        return f"this request is not in {name}; it differs from the nearest one:\n{_cut(difference)}"

    def __repr__(self) -> str:
        count = len(self.exchanges)
        return f"<Cassette {self._path.name}: {count} exchange{'' if count == 1 else 's'}, {len(self.unused)} unused>"


@attrs.define(eq=False)
class _Track:
    """One exchange and whether it was asked for; without an exchange while, or where, no answer came."""

    spoken: str
    exchange: Exchange | None = None
    is_used: bool = False

    def answer(self) -> Response:
        """Return the answer again, or fail again."""
        assert self.exchange is not None  # noqa: S101 - only what was recorded waits to be asked for
        self.is_used, answer = True, self.exchange.answer
        if isinstance(answer, TransportError):
            raise TransportError(answer.message, answer.evidence, answer.delivery, local=answer.local)
        return answer


class _Blanks:
    """Gives a text in the place of every secret: nobody will see it."""

    async def reveal(self, reference: SecretReference) -> str:  # noqa: ARG002 - whichever
        """Return it."""
        return _MASK


def _faults(path: object, record: object, ignored: object) -> Iterable[Violation]:
    if not isinstance(path, str | os.PathLike):
        yield Violation("$.path", f"the name of a file belongs here, not {type(path).__name__}")
    elif record is not None and not _is_folder(Path(path).parent):
        yield Violation("$.path", "the folder of the file is not there; make it first")
    if record is not None and not isinstance(record, str) and not callable(getattr(record, "send", None)):
        yield Violation("$.record", "a transport, or the name of one such as 'httpx', belongs here")
    if not isinstance(ignored, frozenset) or not all(isinstance(name, str) for name in ignored):
        yield Violation("$.ignoring", "a collection of names belongs here")


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _loaded(path: Path, may_be_missing: bool) -> tuple[Exchange, ...]:  # noqa: FBT001 - of this module only
    """What the file has; raises `DocumentError`."""
    try:
        with path.open("rb") as file:
            return load_exchanges(file.read(MAX_SIZE + 1))
    except FileNotFoundError:
        if may_be_missing:
            return ()
        message = f"there is no file {path.name}; record it: Cassette({path.name!r}, record='httpx')"
        raise DocumentError([Violation("$", message)]) from None
    except (OSError, ValueError) as error:
        if isinstance(error, DocumentError):
            raise
        reason = getattr(error, "strerror", None) or "no such name"
        raise DocumentError([Violation("$", f"the file cannot be read: {reason}")]) from None


def _write(path: Path, text: str) -> None:
    """Replace the file at once: what is read is the old one or the new one, whole."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with new.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        raise StoreUnavailable(f"the cassette {path.name} cannot be written: {error.strerror}") from None
    finally:
        new.unlink(missing_ok=True)


def _shown(request: Request) -> Request:
    """The request as it may be kept."""
    if request.mask is None:
        return Request(request.method, request.url, request.headers, request.body)
    call = request.mask.call
    return Request(call.method, call.masked_url, call.masked_headers, call.body)


def _masked(request: Request, answer: Response | TransportError) -> Response | TransportError:
    """What came of a request, as it may be kept: without secrets, tokens and cookies."""
    mask = request.mask
    if isinstance(answer, TransportError):
        message = answer.message if mask is None else mask.text(answer.message)
        return TransportError(message, answer.evidence, answer.delivery, local=answer.local)
    shown = answer if mask is None else mask.response(answer)
    headers = tuple((name, _MASK if name == "set-cookie" else _written(value)) for name, value in shown.headers)
    return attrs.evolve(shown, headers=headers)


def _written(text: str) -> str:
    """A text that can be written, whatever a header held."""
    return text.encode(errors="replace").decode()


def _without(value: Any, ignored: frozenset[str], above: str = "") -> Any:
    """A value of JSON without the parts at these dotted paths."""
    if isinstance(value, list):
        return [_without(item, ignored, above) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {name: below for name, below in value.items() if above + name not in ignored}
    return {name: _without(below, ignored, f"{above}{name}.") for name, below in kept.items()}


def _likeness(spoken: str) -> Any:
    """What tells how much another request is like this one: the same first line, then lines in common."""
    first, lines = spoken.partition("\n")[0], Counter(spoken.splitlines())

    def likeness(other: str) -> tuple[bool, int]:
        return other.partition("\n")[0] == first, sum((Counter(other.splitlines()) & lines).values())

    return likeness


def _cut(lines: Iterable[str]) -> str:
    """The beginning of some lines."""
    found = [line if len(line) <= _WIDTH else f"{line[:_WIDTH]}…" for line in islice(lines, _LINES + 1)]
    return "\n".join(found if len(found) <= _LINES else [*found[:_LINES], "…"])
