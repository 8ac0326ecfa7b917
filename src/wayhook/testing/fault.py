"""The fault matrix as data: each fault with the script of the server that has it, and what must come of it.

Section 5 of the reliability reference; the documentation's table and the tests are both made from here.
"""

from __future__ import annotations

import gzip
import socket
import zlib
from collections.abc import Awaitable, Callable, Iterator
from email.utils import formatdate
from functools import cache

import attrs

from wayhook.testing.fault_server import OK, FaultServer, Script, Visit, certified

__all__ = ["FAULTS", "NAME_FAULTS", "NOT_MET", "Fault", "NameFault"]


@attrs.frozen
class Fault:
    """One row of the matrix.

    `proves`: the class of section 4: N, R, A, P, D, X or L. `requests`: how many the destination counts for PUT, POST
    and POST with a key; None where it cannot count. `delivery`: the outcome's word. `script`: what the server does.
    `status`: of the first answer, None when no head comes. `unread`: whether its body cannot be used.
    `deadline`: seconds that are enough to see it. `waits`: seconds that a call takes at least, where it must wait.
    `large`: whether the request has a large body. `after`: what the next call on the connection meets: `clean`, or a
    `race` that it may lose. `may_be_unsent`: whether the end can come so early that nothing was sent.
    """

    id: str
    what: str
    proves: str
    requests: tuple[int, int, int] | None
    delivery: str
    script: Script
    status: int | None = None
    unread: bool = False
    deadline: float = 5.0
    waits: float = 0.0
    large: bool = False
    scheme: str = "http"
    listens: str = "always"
    after: str = "clean"
    may_be_unsent: bool = False

    def server(self) -> FaultServer:
        """Return a server with this fault."""
        return FaultServer(self.script, scheme=self.scheme, listens=self.listens)


@attrs.frozen
class NameFault:
    """One row about the name of the host. `lookups`: how many there are. `answer`: the addresses that the resolver
    gives, the number of its error, or None when it hangs. The rest as in `Fault`."""  # noqa: D205, D209 - one list

    id: str
    what: str
    proves: str
    lookups: int | None
    delivery: str
    answer: tuple[str, ...] | int | None


# Scripts.


def says(*pieces: bytes, then: str = "close", pause: float = 0.0) -> Script:
    """Read a request, send the pieces, then `close`, `reset`, `hang`, or `serve` what comes next."""

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.say(*pieces, pause=pause)
        await _then(visit, then)

    return script


async def _then(visit: Visit, then: str) -> None:
    match then:
        case "reset":
            visit.reset()
        case "hang":
            await visit.hang()
        case "serve":
            await visit.serve()


def repeats(piece: bytes, *first: bytes, pause: float = 0.0) -> Script:
    """Read a request, send what comes first, then a piece without end."""

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.say(*first)
        await visit.repeat(piece, pause)

    return script


def answers(*replies: bytes) -> Script:
    """Answer the first request with the first reply, the next with the next; the last one is for all that follow."""

    async def script(visit: Visit) -> None:
        while True:
            await visit.request()
            reply = replies[min(len(visit.server.requests), len(replies)) - 1]
            await visit.say(OK if visit.server.healed else reply)

    return script


def at_once(act: Callable[[Visit], Awaitable[None] | None]) -> Script:
    """Do something when the connection comes, before anything is read."""

    async def script(visit: Visit) -> None:
        if (under_way := act(visit)) is not None:
            await under_way

    return script


def secured(kind: str) -> Script:
    """Speak TLS with a certificate of that kind, then serve."""

    async def script(visit: Visit) -> None:
        await visit.secure(certified(kind))
        await visit.serve()

    return script


def after_hello(*pieces: bytes, then: str = "close") -> Script:
    """Wait for the first bytes of a handshake, and answer with something else."""

    async def script(visit: Visit) -> None:
        await visit.read()
        await visit.say(*pieces)
        await _then(visit, then)

    return script


async def _counts_and_stalls(visit: Visit) -> None:
    visit.server.requests.append(b"")
    await visit.stall()


def after_head(*pieces: bytes, then: str) -> Script:
    """Read the head of a request only, then go on."""

    async def script(visit: Visit) -> None:
        await visit.head()
        await visit.say(*pieces)
        await _then(visit, then)

    return script


def then_on_idle(act: Callable[[Visit], Awaitable[None]]) -> Script:
    """Answer well, then do something to the idle connection."""

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.say(OK)
        await act(visit)

    return script


def says_behind(head: bytes, body: bytes) -> Script:
    """Answer with a head; its body comes behind the next request, if one does on this connection."""

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.say(head)
        await visit.request()
        await visit.say(body)

    return script


async def _resets_the_next(visit: Visit) -> None:
    await visit.read()
    visit.reset()


async def _says_408(visit: Visit) -> None:
    await visit.say(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 4\r\n\r\nevil")


async def _closes(_: Visit) -> None:
    """The end of the script closes the connection."""


# Answers.

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
EVIL = b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"evil":true}'


def answer(status: int, *fields: str, body: bytes = b"") -> bytes:
    """A complete answer."""
    lines = [f"HTTP/1.1 {status} Answer", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def gzipped(body: bytes, coding: str = "gzip") -> bytes:
    """A complete answer whose head says that it is compressed."""
    return answer(200, f"Content-Encoding: {coding}", body=body)


@cache
def _bomb() -> bytes:
    """Nearly a megabyte that would inflate to 900 MiB; one block, again and again."""
    deflater = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    block = deflater.compress(bytes(1_048_576)) + deflater.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + block * 900


def _bombs() -> Script:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.say(gzipped(_bomb()))

    return script


def _busy_until_later() -> Script:
    """A date one or two seconds ahead: dates have whole seconds, and count against the answer's own."""

    async def script(visit: Visit) -> None:
        while True:
            await visit.request()
            dates = (f"Date: {formatdate(0, usegmt=True)}", f"Retry-After: {formatdate(1, usegmt=True)}")
            first = len(visit.server.requests) == 1 and not visit.server.healed
            await visit.say(answer(429, *dates) if first else OK)

    return script


# Rows, by what the other side does.

_FOUR, _UNSAFE, _ONCE, _TWICE = (4, 4, 4), (4, 1, 4), (1, 1, 1), (2, 2, 2)


def _handshakes() -> Iterator[Fault]:
    idle = says(OK, then="serve")
    yield Fault("F01", "connection refused", "N", None, "unavailable", idle, listens="never")
    yield Fault("F02", "connect hangs", "N", None, "unavailable", idle, listens="full", deadline=1.5)
    for letter, kind in zip("abcd", ("untrusted", "expired", "not yet valid", "of another host"), strict=True):
        yield Fault(
            f"F07{letter}", f"TLS: a certificate that is {kind}", "P", None, "rejected", secured(kind), scheme="https"
        )
    yield Fault("F08", "TLS: closed during the handshake", "N", None, "unavailable", after_hello(), scheme="https")
    plain = after_hello(b"HTTP/1.1 400 Bad Request\r\n\r\n", then="hang")
    yield Fault("F09", "TLS: the peer does not speak TLS", "P", None, "rejected", plain, scheme="https")
    old = after_hello(b"\x15\x03\x01\x00\x02\x02\x46", then="hang")  # the alert `protocol_version`
    yield Fault("F09b", "TLS: 1.1 or older only", "P", None, "rejected", old, scheme="https")
    hangs = at_once(Visit.hang)
    yield Fault("F10", "TLS: the handshake hangs", "N", None, "unavailable", hangs, scheme="https", deadline=1.5)
    asks = secured("that asks for ours")
    yield Fault(
        "F11", "TLS: our certificate is missing, and no alert says so", "A", None, "unknown", asks, scheme="https"
    )


def _cut_requests() -> Iterator[Fault]:
    for number, what, act in (("F13", "closed", _closes), ("F13b", "reset", Visit.reset)):
        row = Fault(number, f"accepted, then {what} before a byte", "A", None, "unknown", at_once(act))
        yield attrs.evolve(row, may_be_unsent=True)
    yield Fault("F14", "reset after the request head", "A", _UNSAFE, "unknown", after_head(then="reset"), large=True)
    yield Fault("F14b", "closed after the request head", "A", _UNSAFE, "unknown", after_head(then="close"), large=True)
    yield Fault("F15", "reset after the whole request", "A", _UNSAFE, "unknown", says(then="reset"))
    yield Fault("F15b", "closed after the whole request, no answer", "A", _UNSAFE, "unknown", says())
    early = after_head(answer(413, "Connection: close"), then="hang")
    yield Fault("F16", "413 before the body was read", "P", _ONCE, "rejected", early, 413, large=True)
    stalls = at_once(_counts_and_stalls)
    yield Fault("F17", "never reads, never answers", "X", _ONCE, "unknown", stalls, large=True, deadline=0.5)
    yield Fault("F18", "never answers", "X", _ONCE, "unknown", says(then="hang"), deadline=0.5)


def _heads() -> Iterator[Fault]:
    dribbles = repeats(b"x", HEAD + b"X-Slow: ", pause=0.02)
    yield Fault("F19", "the head comes byte by byte", "X", _ONCE, "unknown", dribbles, deadline=0.5)
    for part, cut in (("status line", b"HTTP/1.1 20"), ("headers", HEAD + b"X-A: 1\r\nX-B")):
        number = "F20" if part == "status line" else "F21"
        yield Fault(number, f"closed inside the {part}", "A", _UNSAFE, "unknown", says(cut))
        yield Fault(f"{number}b", f"reset inside the {part}", "A", _UNSAFE, "unknown", says(cut, then="reset"))
    broken = {
        "F22": ("a header of 2 MB", HEAD + b"X: " + b"a" * 2_000_000 + b"\r\n\r\n"),
        "F22b": ("20,000 headers", HEAD + b"X-Some: a\r\n" * 20_000 + b"\r\n"),
        "F23": ("no HTTP", b"\x16\x03\x01 220 mail.example.com ESMTP\r\n\r\n"),
        "F23b": ("a malformed status line", b"HTTP/1.1 abc OK\r\n\r\n"),
        "F24": ("a malformed header line", HEAD + b"no colon\r\n\r\n"),
        "F24b": ("NUL in a header", HEAD + b"X: a\0b\r\n\r\n"),
        "F25": ("two different lengths", HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!"),
        "F26d": ("101 that nobody asked for", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
    }
    for number, (what, head) in broken.items():
        yield Fault(number, what, "P", _ONCE, "unknown", says(head, then="hang"))
    odd = answers(b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n")
    yield Fault("F23c", "status 999", "A", _UNSAFE, "unknown", odd, 999)
    yield Fault("F23d", "a body without a head", "A", _UNSAFE, "unknown", says(b'{"ok":true}'))
    twice = HEAD + b"Content-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    yield Fault("F25b", "a length and chunks together", "D", _ONCE, "delivered", says(twice, then="serve"), 200)
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 E\r\nLink: </x>\r\n\r\n"
    yield Fault("F26", "interim answers", "D", _ONCE, "delivered", says(interim + OK, then="serve"), 200)
    many = b"HTTP/1.1 102 Processing\r\n\r\n" * 5_000
    yield Fault("F26b", "5,000 interim answers", "D", _ONCE, "delivered", says(many + OK, then="serve"), 200)
    endless = repeats(b"HTTP/1.1 102 Processing\r\n\r\n", pause=0.01)
    yield Fault("F26c", "interim answers for ever", "X", _ONCE, "unknown", endless, deadline=0.5)
    old = b"HTTP/1.0 200 OK\r\n\r\n{}"
    yield Fault("F27", "HTTP/1.0 without a length", "D", _ONCE, "delivered", says(old), 200)


def _bodies() -> Iterator[Fault]:
    half = HEAD + b"Content-Length: 10\r\n\r\nhalf"
    unread = {
        "F28": ("body cut", says(half)),
        "F28b": ("body reset", says(half, then="reset", pause=0.02)),
        "F28c": ("chunks without an end", says(CHUNKED + b"4\r\nhalf\r\n")),
        "F28d": ("malformed chunks", says(CHUNKED + b"zz\r\nhalf\r\n")),
        "F30": ("endless body", repeats(b"x" * 65_536, HEAD + b"\r\n")),
        "F32": ("Content-Length 10**15", says(HEAD + b"Content-Length: 1000000000000000\r\n\r\nx", then="hang")),
        "F33": ("8 MB body", says(HEAD + b"\r\n", *[b"x" * 1_000_000] * 8)),
        "F34": ("gzip bomb of 900 MiB", _bombs()),
        "F34b": ("gzip bomb in two layers", says(gzipped(gzip.compress(gzip.compress(bytes(99_999))), "gzip, gzip"))),
        "F34c": ("200 codings", says(gzipped(b"x", "gzip, " * 199 + "gzip"))),
        "F35": ("corrupt gzip", says(gzipped(b"\x1f\x8bgarbage"))),
        "F35b": ("cut gzip", says(gzipped(gzip.compress(b'{"clean": true}')[:-3]))),
        "F35c": ("unknown coding", says(gzipped(b"x", "zstd"))),
        "F36": ("chunk extensions without end", repeats(b"1;" + b"x" * 16_000 + b"\r\na\r\n", CHUNKED)),
        "F36b": ("trailers without end", repeats(b"X-T: 1\r\n" * 2_000, CHUNKED + b"2\r\n{}\r\n0\r\n")),
    }
    for number, (what, script) in unread.items():
        yield Fault(number, what, "D", _ONCE, "delivered_unread", script, 200, unread=True)
    for number, what, script in (
        ("F31", "body comes byte by byte", repeats(b"x", HEAD + b"Content-Length: 5000\r\n\r\n", pause=0.02)),
        ("F31b", "body stops half way", says(half, then="hang")),
        ("F32b", "a chunk of 2**80 bytes", says(CHUNKED + b"F" * 20 + b"\r\nx", then="hang")),
    ):
        yield Fault(number, what, "D", _ONCE, "delivered_unread", script, 200, unread=True, deadline=0.5)
    for number, status, proves, counts, delivery in (
        ("F29", 503, "R", _FOUR, "unavailable"),
        ("F29b", 500, "A", _UNSAFE, "unknown"),
        ("F29c", 404, "P", _ONCE, "rejected"),
    ):
        cut = says(b"HTTP/1.1 %d No\r\nContent-Length: 10\r\n\r\nhalf" % status)
        yield Fault(number, f"body cut ({status})", proves, counts, delivery, cut, status, unread=True)
    for number, what, status, left in (
        ("F37", "204 with a body", 204, b"HTTP/1.1 204 No Content\r\n\r\n" + EVIL),
        ("F37b", "more bytes than the length", 200, OK + b"and more"),
        ("F37c", "a second answer", 200, OK + EVIL),
    ):
        yield Fault(number, what, "D", _ONCE, "delivered", says(left, then="serve"), status)
    length, chunks = f"Content-Length: {len(EVIL)}", "Transfer-Encoding: chunked"
    for letter, status, field in (("d", 204, length), ("e", 204, chunks), ("f", 304, length), ("g", 304, chunks)):
        late = says_behind(f"HTTP/1.1 {status} No Content\r\n{field}\r\n\r\n".encode(), EVIL)
        proves, delivery = ("D", "delivered") if status == 204 else ("P", "rejected")  # noqa: PLR2004
        what = f"{status} with {field}, and that body behind it"
        yield Fault(f"F37{letter}", what, proves, _ONCE, delivery, late, status)
    for letter, what, body in (
        ("", "a 2xx that is no JSON", b"<html>"),
        ("b", "a 2xx with deep JSON", b"[" * 100_000),
        ("c", "a 2xx with NaN", b'{"clean": NaN}'),
        ("d", "a 2xx with a huge integer", b'{"clean": ' + b"9" * 100_000 + b"}"),
        ("e", "a 2xx in a bad charset", b'{"clean": "\xff\xfe"}'),
    ):
        yield Fault(f"F38{letter}", what, "D", _ONCE, "delivered", answers(answer(200, body=body)), 200)
    lines = b"[1,\n" + b"1,\n" * 3_000 + b"1]"
    for letter, what, reply in (
        ("f", "a 2xx with 3,000 short lines, all in one segment", answer(200, body=lines)),
        ("g", "a 2xx with 3,000 chunks of a byte", CHUNKED + b"1\r\n1\r\n" * 3_000 + b"0\r\n\r\n"),
    ):
        yield Fault(f"F38{letter}", what, "D", _ONCE, "delivered", answers(reply), 200)
    for letter, status, proves, counts, delivery in (
        ("h", 503, "R", _FOUR, "unavailable"),
        ("i", 404, "P", _ONCE, "rejected"),
    ):
        what = f"a {status} with 3,000 short lines, all in one segment"
        yield Fault(f"F38{letter}", what, proves, counts, delivery, answers(answer(status, body=lines)), status)
    failed = answers(answer(200, body=b'{"error": "no"}'))
    yield Fault("F39", "a 2xx with an error inside", "D", _ONCE, "delivered", failed, 200)


def _statuses() -> Iterator[Fault]:
    def row(number: str, status: int, proves: str, counts: tuple[int, int, int], delivery: str, *fields: str) -> Fault:
        what = f"{status}{', ' if fields else ''}{', '.join(fields)}"
        return Fault(number, what, proves, counts, delivery, answers(answer(status, *fields)), status)

    for status in (301, 302, 303, 307, 308):
        yield row(f"F40 {status}", status, "P", _ONCE, "rejected", "Location: http://127.0.0.1:9/")
    yield row("F40b", 302, "P", _ONCE, "rejected", "Location: /other")
    yield row("F40c", 302, "P", _ONCE, "rejected", "Location: /")
    yield row("F40d", 302, "P", _ONCE, "rejected", "Location: http://169.254.169.254/")
    yield row("F41", 304, "P", _ONCE, "rejected")
    for status in (400, 404, 405, 406, 411, 412, 414, 415, 422, 424, 426, 428, 431, 451):
        yield row(f"F42 {status}", status, "P", _ONCE, "rejected")
    for number, status in (("F43", 401), ("F44", 403), ("F47", 410), ("F48", 413), ("F50", 423), ("F58", 507)):
        yield row(number, status, "P", _ONCE, "rejected")
    yield row("F46", 409, "P", (1, 1, 4), "rejected")
    for status in (501, 505, 506, 508, 510, 511):
        yield row(f"F54 {status}", status, "P", _ONCE, "rejected")
    for number, status in (("F45", 408), ("F52", 429), ("F56", 503), ("F59b", 529)):
        yield row(number, status, "R", _FOUR, "unavailable")
    for number, status in (("F53", 500), ("F55", 502), ("F57", 504), ("F59", 520)):
        yield row(number, status, "A", _UNSAFE, "unknown")
    for status in (201, 202, 204):
        yield row(f"F60 {status}", status, "D", _ONCE, "delivered")


def _recoveries() -> Iterator[Fault]:
    def row(number: str, status: int, *fields: str, waits: float = 0.0) -> Fault:
        what = f"{status}{', ' if fields else ''}{', '.join(fields)}, then fine"
        script = answers(answer(status, *fields), OK)
        return Fault(number, what, "R", _TWICE, "delivered", script, status, waits=waits)

    yield row("F48b", 413, "Retry-After: 1", waits=1)
    yield row("F49", 421)
    yield row("F51", 425)
    yield row("F52b", 429, "Retry-After: 1", waits=1)
    yield Fault("F52c", "429, Retry-After: a date", "R", _TWICE, "delivered", _busy_until_later(), 429, waits=1)
    for number, value in (("F52d", "60"), ("F52e", "9" * 40)):
        script = answers(answer(429, f"Retry-After: {value}"))
        what = "429, Retry-After beyond the deadline" if number == "F52d" else "429, Retry-After absurd"
        yield Fault(number, what, "R", _ONCE, "unavailable", script, 429)
    useless = answers(*(answer(429, f"Retry-After: {value}") for value in ("-1", "1.5", "soon", "")))
    yield Fault("F52f", "429, Retry-After without a value", "R", _FOUR, "unavailable", useless, 429)
    yield row("F52g", 429, "Retry-After: 0", "Retry-After: 1", waits=1)
    twice = answers(answer(500), answer(500), OK)
    yield Fault("F53b", "500, twice, then fine", "A", (3, 1, 3), "delivered", twice, 500)
    yield row("F56b", 503)
    yield row("F56c", 503, "Retry-After: 1", waits=1)


def _idle_connections() -> Iterator[Fault]:
    for number, what, act in (
        ("F61", "closes an idle connection", _closes),
        ("F63", "an unsolicited 408 on an idle connection", _says_408),
    ):
        yield Fault(number, what, "D", _ONCE, "delivered", then_on_idle(act), 200)
    resets = then_on_idle(_resets_the_next)
    yield Fault("F62", "resets as the next request arrives", "D", _ONCE, "delivered", resets, 200, after="race")
    cookie = answers(answer(200, "Set-Cookie: session=1; Path=/", body=b"{}"))
    yield Fault("F64", "cookies", "D", _ONCE, "delivered", cookie, 200)


FAULTS: dict[str, Fault] = {
    fault.id: fault
    for rows in (_handshakes, _cut_requests, _heads, _bodies, _statuses, _recoveries, _idle_connections)
    for fault in rows()
}
"""Every fault that a server can have, by its number in the matrix."""

NAME_FAULTS: dict[str, NameFault] = {
    fault.id: fault
    for fault in (
        NameFault("F03", "no such name", "P", 1, "unavailable", socket.EAI_NONAME),
        NameFault("F04", "a temporary failure to resolve", "N", 4, "unavailable", socket.EAI_AGAIN),
        NameFault("F05", "the resolver hangs", "X", None, "unavailable", None),
        NameFault("F06", "an internal address", "L", 1, "refused", ("169.254.169.254",)),
        NameFault("F06b", "an internal address among others", "L", 1, "refused", ("93.184.216.34", "10.2.0.7")),
    )
}
"""Every fault that a name can have."""

NOT_MET: dict[str, str] = {
    "F05": "each attempt gives a lookup one second (section 2), so the class is N until the deadline passes",
    "F12": "what runs out is on this side, file descriptors for one: the contract has a test of its own for that",
    "F13": "a transport that sees the end before it sent anything may say so: `unavailable` instead of `unknown`",
    "F26c": "a flood of interim answers ends at 1 MiB, before the deadline; slower ones end at the deadline",
}
"""Rows of the matrix that are met in another way than they are written, or cannot occur, each with the reason."""
