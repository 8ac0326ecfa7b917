"""HTTP/1.1 over connections of our own: written at once, read as the bytes come. The one module that imports httptools.

httptools (llhttp, a parser in C) judges each head and takes chunks apart; how large they may be, how a body is framed
and whether a connection may serve again is decided here.
"""

from __future__ import annotations

import asyncio
import re
import socket
from functools import cache, lru_cache
from os import PathLike
from typing import Any

import attrs

from wayhook.adapters.transport.body import BODY_LIMIT, CUT, FLOOD, FRAMING_LIMIT, LATE, decoded, too_large
from wayhook.adapters.transport.deadline import Deadlines
from wayhook.adapters.transport.dial import Destination, alert
from wayhook.adapters.transport.failure import broken, crowded, expired, malformed, unsendable
from wayhook.adapters.transport.head import (
    HEAD_LIMIT,
    INTERIM_LIMIT,
    WITHOUT_BODY,
    ends_connection,
    require_bounded,
)
from wayhook.adapters.transport.link import Link
from wayhook.adapters.transport.origin import Origin, content_length, destined
from wayhook.adapters.transport.place import Places
from wayhook.adapters.transport.pool import Key, Pool, at_home
from wayhook.adapters.transport.tls import Trust
from wayhook.errors import DefinitionError, Evidence, MissingExtra, TransportError, Violation
from wayhook.wire import Headers, Request, Response

__all__ = ["WireTransport"]

CONNECTIONS = 1_000
_SWITCHING = 101
_DIGITS = 20
_SHORT = 1_024
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VISIBLE = b"\t" + bytes(range(0x20, 0x7F))
_LINES = 5
"""Of a head without fields of its own: the request, Host, Content-Length, Accept-Encoding and an empty one."""
_END = b"\r\n"
_BLANK_LINE = re.compile(rb"\n\r?\n")
_FOLD = re.compile(rb"\r\n[ \t]+")
_LENGTHS = re.compile(rb"\r\ncontent-length:([^\r\n]*)", re.IGNORECASE)
_SIZE_LINE = re.compile(rb"\n([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\n]*)?\r\n\Z")
_LONGEST_LINE = 64
_CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class WireTransport:
    """Sends requests over HTTP/1.1 connections of its own, at a small part of the cost of an HTTP client.

    Needs the extra `fast`; raises `MissingExtra` without it. Keeps the same promises as `HttpxTransport`, and speaks
    neither HTTP/2 nor through proxies: `proxy` and `http2` are here to say so, with a `DefinitionError`.
    `trust`: certificates of authorities of your own in PEM form, as text or the path of a file, trusted beside the
    public ones. `body_limit`: bytes of an answer's body that are read at most, on the wire and inflated.
    `connections`: to one origin at most; calls beyond wait in order, until their deadline. Raises `DefinitionError`.
    """

    def __init__(
        self,
        *,
        trust: str | PathLike[str] = "",
        body_limit: int = BODY_LIMIT,
        connections: int = CONNECTIONS,
        proxy: object = None,
        http2: bool = False,
    ) -> None:
        _require_own_ways(connections, proxy=proxy, http2=http2)
        self._http = _httptools()
        self.body_limit, self.connections = body_limit, connections
        self._trust = Trust(trust)
        self._pool: _Connections | None = None
        self._closed = False

    async def send(self, request: Request, deadline: float) -> Response:
        """Send the request once; see `Transport.send`."""
        try:
            return await self._exchanged(request, deadline)
        except asyncio.CancelledError as stopped:
            # The frames below hold headers and bytes; who looks at a traceback does not see them (P49).
            stopped.__context__ = None
            raise stopped.with_traceback(None) from None

    async def _exchanged(self, request: Request, deadline: float) -> Response:
        pool = self._pool = at_home(self._pool, self._made)
        origin, target = destined(request.url)
        message = _message(origin, target, request)
        key = (origin.name, request.identity)
        if not pool.places.enter(key) and not await pool.places.wait(key, deadline):
            raise crowded("one of the connections to the host")
        try:
            while True:
                if pool.loop.time() >= deadline:
                    raise expired(sent=False)
                connection = pool.take(key, request)
                if connection is None:
                    connection = await self._dialled(pool, key, origin, request, deadline)
                answer = _Answer(self._http, request.method, self.body_limit)
                response = await connection.exchanged(message, answer, deadline)
                if response is not None:
                    return response
        finally:
            pool.places.leave(key)

    async def _dialled(
        self, pool: _Connections, key: Key, origin: Origin, request: Request, deadline: float
    ) -> _Connection:
        tls = None if origin.scheme == "http" else self._trust.context(request.identity)
        destination = Destination(origin.host, origin.port, tls, request.network)
        pool.make_room(key)
        try:
            async with asyncio.timeout_at(deadline):
                return await destination.dial(pool.resolver, lambda opened: _Connection(opened, key, destination, pool))
        except TimeoutError:
            raise expired(sent=False) from None

    def _made(self) -> _Connections:
        return _Connections(self.connections, keeps=not self._closed)

    async def aclose(self) -> None:
        """Close every idle connection; one that is in use closes when its call ends."""
        self._closed = True
        self._pool = at_home(self._pool, self._made)
        self._pool.close()
        await asyncio.sleep(0)  # for the sockets to close


def _require_own_ways(connections: object, *, proxy: object, http2: object) -> None:
    elsewhere = "; the httpx transport can, with a client of your own: HttpxTransport(httpx.AsyncClient(…))"
    faults = []
    if proxy is not None:
        faults.append(Violation("$.proxy", f"the wire transport goes through no proxy{elsewhere}"))
    if http2:
        faults.append(Violation("$.http2", f"the wire transport speaks no HTTP/2{elsewhere}"))
    if isinstance(connections, bool) or not isinstance(connections, int) or connections < 1:
        faults.append(Violation("$.connections", "give the number of connections to one origin, from 1"))
    if faults:
        raise DefinitionError(faults)


@cache
def _httptools() -> Any:
    """The parser's module, which is Any to us: it has no types of its own worth the name."""
    try:
        import httptools
    except ImportError:
        raise MissingExtra("the wire transport needs httptools: pip install 'wayhook[fast]'") from None
    return httptools


def _message(origin: Origin, target: str, request: Request) -> bytes:
    """The bytes of the request, as httpx would send it; raises `TransportError` for one that is none."""
    method, body, length = request.method, request.body, content_length(request)
    told = "" if length is None else f"Content-Length: {length}\r\n"
    fields = "".join([f"{_named(name)}{value}\r\n" for name, value in request.headers])
    text = f"{method} {target} HTTP/1.1\r\nHost: {origin.authority}\r\n{told}{fields}Accept-Encoding: identity\r\n\r\n"
    try:
        head = text.encode("ascii")
    except UnicodeEncodeError:
        raise unsendable() from None
    lines = len(request.headers) + (_LINES if told else _LINES - 1)
    if " " in method or " " in target or head.translate(None, _VISIBLE) != _END * lines:
        raise unsendable()
    return head + body if body else head


@lru_cache(maxsize=1024)
def _named(name: str) -> str:
    """The name of a header field with what stands between it and its value; raises `TransportError`."""
    if _TOKEN.fullmatch(name) is None:
        raise unsendable()
    return f"{name}: "


class _Connections(Pool["_Connection"]):
    """The connections of one event loop, with places for so many calls at once and one timer for their deadlines."""

    def __init__(self, limit: int, *, keeps: bool) -> None:
        super().__init__(keeps=keeps)
        self.deadlines = Deadlines(self.loop)
        self.places = Places(limit, self.deadlines)
        self._limit = limit
        self._leaving: list[_Connection] = []

    def make_room(self, key: Key) -> None:
        """Close idle connections that would be too many beside those that are in use."""
        self.trim(key, self._limit - self.places.taken(key))

    def post(self, connection: _Connection) -> None:
        """Let the connection write when all have been heard whose turn it is in the loop.

        Requests that are written one right after another cost less: a receiver that is awake already need not be woken
        by each.
        """
        if not self._leaving:
            self.loop.call_soon(self._write_all)
        self._leaving.append(connection)

    def _write_all(self) -> None:
        leaving, self._leaving = self._leaving, []
        for connection in leaving:
            connection.write()


class _Connection(Link):
    """One connection, for one exchange after the other. `idle_since`: on the loop's clock."""

    def __init__(self, opened: socket.socket, key: Key, destination: Destination, pool: _Connections) -> None:
        super().__init__(opened, pool.buffer)
        self.key, self._destination, self._pool = key, destination, pool
        self.idle_since = 0.0
        self._stray = False
        self._message: bytes | None = None
        self._sent = False
        self._answer: _Answer | None = None
        self._done: asyncio.Future[bool] | None = None

    async def exchanged(self, message: bytes, answer: _Answer, deadline: float) -> Response | None:
        """Send the message and return the answer by the deadline; raises `TransportError`.

        None where the connection was idle before, and has ended without a byte of the message: take another one.
        """
        pool = self._pool
        self._answer, self._message, self._sent = answer, message, False
        self._done = done = pool.loop.create_future()
        pool.deadlines.add(done, deadline)
        pool.post(self)
        kept = False
        try:
            in_time = await done
            if not in_time:
                answer.give_up(LATE)
            if answer.head is None:
                if in_time and self.idle_since and not self._sent:
                    return None
                raise self._failure(answer, in_time=in_time)
            kept = answer.is_clean and self.is_quiet
            return answer.response(answer.head)
        finally:
            pool.deadlines.remove(done)
            self._answer = self._message = None
            if kept:
                pool.keep(self)
            else:
                self.abort()

    def write(self) -> None:
        """Write the message, unless its call has ended meanwhile; one that was idle is looked at once more (P20)."""
        message, transport = self._message, self.transport
        if message is None or transport is None or self._done is None or self._done.done():
            return
        if not self.is_quiet or (self.idle_since and self._readable(0)):
            self.abort()
            self._complete()
            return
        self._message = None
        transport.write(message)
        self._sent = not transport.is_closing()  # a socket that refuses the very first byte closes at once

    def _failure(self, answer: _Answer, *, in_time: bool) -> TransportError:
        """Why no head came, by what happened to the bytes (F61, F62)."""
        if answer.failure is not None:
            return answer.failure
        if not (self.over or in_time):
            return expired(sent=self._sent)
        if self.failure is not None and (said := alert(self.failure)) is not None:
            return said
        if not self._sent:
            return TransportError("the connection was closed before the request left", Evidence.NEVER_SENT)
        return broken()

    # What asyncio tells.

    def buffer_updated(self, nbytes: int) -> None:
        """Read the answer on; bytes that nobody asked for end the connection (P19)."""
        answer = self._answer
        if answer is None or self._message is not None:
            self._stray = True
            self.abort()
            return
        if answer.head is None and self.is_sending:  # an answer that comes early leaves the connection in doubt (F16)
            answer.is_clean = False
        if answer.feed(bytes(self.buffer[:nbytes])):
            self._complete()

    def ended(self) -> None:
        """End the answer, where one is awaited."""
        if self._answer is not None:
            self._answer.end(broken=self.failure is not None)
            self._complete()

    def _complete(self) -> None:
        """Let the call go on; what comes from now on, nobody asked for."""
        self._answer = None
        if self._done is not None and not self._done.done():
            self._done.set_result(True)

    # What the pool asks.

    @property
    def stray(self) -> bool:
        """Whether bytes came that nobody asked for."""
        return self._stray

    @property
    def is_quiet(self) -> bool:
        """Whether nothing came that nobody asked for, and both sides are there."""
        transport = self.transport
        return transport is not None and not (self.over or self._stray or transport.is_closing())

    @property
    def is_clean(self) -> bool:
        """Whether it may serve again."""
        return self.is_quiet

    def serves(self, request: Request) -> bool:
        """Whether it has not ended, and leads where the policy of `request` allows; `write` looks more closely."""
        return not self.over and self._destination.is_open_to(request.network, self)


@attrs.frozen
class _Head:
    """A head as it stands on the wire, judged.

    `is_interim`: whether another head follows. `length`: that of the body, where the head tells one. `keeps`: whether
    the connection may serve again.
    """

    status: int
    headers: Headers
    is_interim: bool
    length: int | None
    is_chunked: bool
    is_coded: bool
    keeps: bool


class _Answer:
    """What comes back, read as it comes: heads, then the body in its framing (RFC 9112 6). No I/O.

    `head`: the final one, None until it is there. `failure`: what is wrong with the heads, or None. `is_clean`:
    whether the connection may serve again once the answer is complete.
    """

    head: _Head | None = None
    failure: TransportError | None = None
    is_clean = True
    _fault = ""
    _seen: bytearray | None = None
    _skipped = 0
    _size = 0
    _left: int | None = None
    _chunks: _Chunks | None = None
    _before = b"\n"

    def __init__(self, http: Any, method: str, limit: int) -> None:
        self._http, self._method, self._limit = http, method, limit
        self._body: list[bytes] = []

    def response(self, head: _Head) -> Response:
        """Return the answer, its content coding taken off."""
        body, fault = b"".join(self._body), self._fault
        if fault:
            body = b""
        elif head.is_coded:
            body, fault = decoded(body, head.headers, self._limit)
        return Response(head.status, head.headers, body, fault)

    def give_up(self, fault: str) -> bool:
        """Say why the body cannot be used; there is nothing more to wait for."""
        self._fault, self.is_clean = fault, False
        return True

    def end(self, *, broken: bool) -> None:
        """Note the end of the connection: it completes a body without a length, and cuts every other."""
        self.is_clean = False
        if broken or self._left is not None or self._chunks is not None:
            self.give_up(CUT)

    def feed(self, data: bytes) -> bool:
        """Take what came next; return whether there is nothing more to wait for."""
        if self.head is not None:
            return self._read(data)
        try:
            return self._read_heads(data)
        except TransportError as error:
            self.failure = error
            return True

    # The heads.

    def _read_heads(self, data: bytes) -> bool:
        """Read heads, the interim ones and the last; what is behind that is the body."""
        if self._seen is not None:
            searched = max(len(self._seen) - 3, 0)
            self._seen += data
            if _BLANK_LINE.search(self._seen, searched) is None:
                return self._wait(self._seen)
            data = bytes(self._seen)
        start = 0
        while end := _end_of_head(data, start):
            head = _head(data[start:end]) if end - start < _SHORT else _head.__wrapped__(data[start:end])
            if not head.is_interim:
                return self._begin_body(head, data[end:])
            self._skipped += end - start
            start = end
        self._seen = bytearray(data[start:])
        return self._wait(self._seen)

    def _wait(self, seen: bytearray) -> bool:
        """Wait for the rest of a head, which is not too long so far; raises `TransportError`."""
        size = len(seen) - seen.find(b"\n")
        if size > HEAD_LIMIT or self._skipped + size > INTERIM_LIMIT:
            raise malformed("the head of the answer is larger than its limit")
        return False

    # The body.

    def _begin_body(self, head: _Head, data: bytes) -> bool:
        """Begin to read the body in the framing that the head tells (RFC 9112 6.3)."""
        self.head, length = head, head.length
        # Where a HEAD has no length, some servers send the last chunk of no body, a moment later.
        self.is_clean = self.is_clean and head.keeps and not (self._method == "HEAD" and head.length is None)
        if self._method == "HEAD" or head.status in WITHOUT_BODY:
            self._left = 0
        elif head.is_chunked:
            self._chunks = _Chunks()
            self._parser = self._http.HttpResponseParser(self._chunks)
            self._parser.feed_data(_CHUNKED_HEAD)
        elif length is None:
            self.is_clean = False
        elif length > self._limit:
            return self.give_up(too_large(self._limit))
        else:
            self._left = length
        return self._read(data)

    def _read(self, data: bytes) -> bool:
        left = self._left
        if left is None:
            return self._read_to_end(data) if self._chunks is None else self._read_chunks(self._chunks, data)
        if len(data) < left:
            self._body.append(data)
            self._left = left - len(data)
            return False
        if len(data) > left:
            self.is_clean = False
            data = data[:left]
        self._body.append(data)
        return True

    def _read_to_end(self, data: bytes) -> bool:
        self._size += len(data)
        if self._size > self._limit:
            return self.give_up(too_large(self._limit))
        self._body.append(data)
        return False

    def _read_chunks(self, chunks: _Chunks, data: bytes) -> bool:
        """Take chunks apart; the last byte comes by itself, so that what is behind the last chunk is seen."""
        try:
            self._parser.feed_data(data[:-1])
            if not chunks.is_complete:
                self._parser.feed_data(data[-1:])
            else:
                self.is_clean = False
        except self._http.HttpParserError as error:
            self.is_clean = False
            if not chunks.is_complete:
                return self.give_up(too_large(self._limit) if "overflow" in str(error) else CUT)
        self._size += len(data)
        if max(chunks.size, self._announced(chunks, data)) > self._limit:
            return self.give_up(too_large(self._limit))
        if self._size > self._limit + FRAMING_LIMIT:
            return self.give_up(FLOOD)
        self._body = chunks.pieces
        return chunks.is_complete

    def _announced(self, chunks: _Chunks, data: bytes) -> int:
        """The size of the chunk that is under way, where its line came last: the parser keeps it to itself.

        Behind the line there is nothing yet but the chunk. One that was judged before, or is very long, tells 0.
        """
        before, end = self._before, len(data) - chunks.arrived
        self._before = (before + data[-_LONGEST_LINE:])[-_LONGEST_LINE:]
        if not chunks.is_open or end < 0:
            return 0
        start = end - _LONGEST_LINE
        line = _SIZE_LINE.search(data[start:end] if start > 0 else before + data[:end])
        return int(line[1], 16) if line else 0


class _Chunks:
    """A body in chunks, as the parser tells it. `size`: bytes of `pieces` together.

    `is_open`: whether the last chunk that was announced is still under way; `arrived`: how many bytes of it are here.
    """

    __slots__ = ("arrived", "is_complete", "is_open", "pieces", "size")

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.size, self.arrived, self.is_open, self.is_complete = 0, 0, False, False

    def on_chunk_header(self) -> None:
        """Note that a size was told."""
        self.arrived, self.is_open = 0, True

    def on_chunk_complete(self) -> None:
        """Note the end of a chunk."""
        self.is_open = False

    def on_body(self, piece: bytes) -> None:
        """Keep a piece, unless it is another answer's."""
        if not self.is_complete:
            self.pieces.append(piece)
            self.size += len(piece)
            self.arrived += len(piece)

    def on_message_complete(self) -> None:
        """Note the end."""
        self.is_complete = True


def _end_of_head(data: bytes, start: int) -> int:
    """Where the head that begins at `start` ends, 0 where it does not; one in bare line feeds ends to be refused."""
    end = data.find(b"\r\n\r\n", start)
    if end >= 0:
        return end + 4
    bare = _BLANK_LINE.search(data, start)
    return bare.end() if bare else 0


@lru_cache(maxsize=256)  # a service says the same for a second, until its date changes
def _head(head: bytes) -> _Head:
    """Judge a head; raises `TransportError` for what is no HTTP, no answer, or too large."""
    status, head = _accepted(_httptools(), head)
    lines = [line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:-2]]
    headers = tuple([(name.lower(), value.strip(" \t")) for name, _, value in lines])
    named = dict(headers)
    codings = [coding.lower() for name, coding in headers if name == "transfer-encoding"]
    if codings not in ([], ["chunked"]):
        raise malformed()
    is_interim = 100 <= status < 200 and status != _SWITCHING  # noqa: PLR2004
    if not is_interim:
        require_bounded(status, headers)
    closes = any(name == "connection" and "close" in value.lower() for name, value in headers)
    return _Head(
        status,
        headers,
        is_interim,
        _length(named["content-length"]) if "content-length" in named else None,
        is_chunked=bool(codings),
        is_coded="content-encoding" in named,
        keeps=head.startswith(b"HTTP/1.1") and not closes and not ends_connection(status, named),
    )


def _accepted(http: Any, head: bytes) -> tuple[int, bytes]:
    """Return the status of a head, and the head as it is to be read; raises `TransportError` for what is no HTTP.

    The parser has no callbacks: it judges the grammar, and no more.
    """
    if not head.startswith(b"HTTP/1.") or b"\0" in head:
        raise malformed()
    parser = http.HttpResponseParser(None)
    try:
        parser.feed_data(head)
    except http.HttpParserUpgrade:
        pass  # the status says it, too
    except http.HttpParserError:
        return _mended(http, head)
    return parser.get_status_code(), head


def _mended(http: Any, head: bytes) -> tuple[int, bytes]:
    """The same for what the parser refuses and HTTP allows: folded lines (RFC 9112 5.2), and a length that is said
    several times, stands beside chunks (6.3), or has too many digits for it."""  # noqa: D205, D209 - one list
    line, end, rest = head.partition(b"\r\n")
    head = line + end + _FOLD.sub(b" ", rest)
    lengths = {item.strip(b" \t") for value in _LENGTHS.findall(head) for item in value.split(b",")}
    if len(lengths) > 1 or not all(length.isdigit() for length in lengths):
        raise malformed()
    parser = http.HttpResponseParser(None)
    try:
        parser.feed_data(_LENGTHS.sub(b"", head))
    except (http.HttpParserError, http.HttpParserUpgrade):
        raise malformed() from None
    return parser.get_status_code(), head


def _length(value: str) -> int:
    """The number of a length that was judged already, perhaps one of many digits or said several times."""
    try:
        return int(value)
    except ValueError:
        return int(value.rpartition(",")[2].strip(" \t").lstrip("0")[:_DIGITS] or "0")
