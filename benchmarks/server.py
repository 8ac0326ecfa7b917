"""A small, fast HTTP/1.1 service for the benchmarks, in a process of its own; it ends when its input closes.

POST anything: 200 and a short JSON. GET /ledger: how many POSTs came, the bytes of their bodies, and the last one.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection

from order import ANSWER


def _answer(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


POSTED = _answer(json.dumps(ANSWER).encode())


class Ledger:
    """What was received."""

    posts, size, last = 0, 0, (b"", b"")

    def encoded(self) -> bytes:
        """Return what `GET /ledger` answers."""
        head, body = (part.decode("latin-1") for part in self.last)
        return json.dumps({"posts": self.posts, "size": self.size, "head": head, "body": body}).encode()


class Connection(asyncio.Protocol):
    """One connection; requests may come in pieces, or several at once."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._data = ledger, b""

    def connection_made(self, transport) -> None:
        """Keep the transport."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self._data += data
        while (end := self._data.find(b"\r\n\r\n") + 4) >= 4:
            head = self._data[:end]
            _, found, length = head.lower().partition(b"\r\ncontent-length:")
            stop = end + int(length.split(b"\r\n", 1)[0]) if found else end
            if len(self._data) < stop:
                return
            body, self._data = self._data[end:stop], self._data[stop:]
            self._transport.write(self._answered(head, body))

    def _answered(self, head: bytes, body: bytes) -> bytes:
        ledger = self._ledger
        if head.startswith(b"GET /ledger "):
            return _answer(ledger.encoded())
        ledger.posts += 1
        ledger.size += len(body)
        ledger.last = (head, body)
        return POSTED


async def _serve() -> None:
    loop, ledger = asyncio.get_running_loop(), Ledger()
    server = await loop.create_server(lambda: Connection(ledger), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


@contextmanager
def serving() -> Iterator[int]:
    """Run the service in another process; gives its port."""
    command = [sys.executable, __file__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()


def ledger(port: int) -> dict:
    """What the service received so far: `posts`, `size`, and `head` and `body` of the last one."""
    connection = HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/ledger")
    found = json.loads(connection.getresponse().read())
    connection.close()
    return found


if __name__ == "__main__":
    asyncio.run(_serve())
