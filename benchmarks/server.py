"""A small HTTP/1.1 service that is much faster than what is measured, in a process of its own.

It ends when its input closes. POST anything: 200 and a short JSON, as ready bytes. GET /ledger: what came. A loop over
a selector and bare sockets, since an event loop would cost as much as the fastest of the clients.
"""

from __future__ import annotations

import json
import re
import selectors
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from time import process_time

from measure import pin
from order import ANSWER

LAST = 5
"""So many requests are kept to be looked at."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def _answer(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


POSTED = _answer(json.dumps(ANSWER).encode())


class Service:
    """The listening socket, and what was received."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._posts, self._size, self._last = 0, 0, deque(maxlen=LAST)
        self._selector.register(self._listening, selectors.EVENT_READ, self._accept)
        self.port = self._listening.getsockname()[1]

    def serve(self) -> None:
        """Answer until the input closes."""
        self._selector.register(sys.stdin, selectors.EVENT_READ)
        select = self._selector.select
        while True:
            for key, _ in select():
                if key.data is None:
                    return
                key.data()

    def _accept(self) -> None:
        connection, _ = self._listening.accept()
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        waiting = b""

        def ready() -> None:
            """Answer every request that is complete; they may come in pieces, or several at once."""
            nonlocal waiting
            try:
                data = connection.recv(1 << 18)
            except ConnectionError:
                data = b""
            if not data:
                self._selector.unregister(connection)
                connection.close()
                return
            waiting += data
            while (end := waiting.find(b"\r\n\r\n") + 4) >= 4:
                found = _LENGTH.search(waiting, 0, end)
                stop = end + int(found[1]) if found else end
                if len(waiting) < stop:
                    return
                request, waiting = (waiting[:end], waiting[end:stop]), waiting[stop:]
                connection.sendall(self._answered(*request))

        self._selector.register(connection, selectors.EVENT_READ, ready)

    def _answered(self, head: bytes, body: bytes) -> bytes:
        if head.startswith(b"GET /ledger "):
            last = [[part.decode("latin-1") for part in request] for request in self._last]
            found = {"posts": self._posts, "size": self._size, "last": last, "processor": process_time()}
            return _answer(json.dumps(found).encode())
        self._posts += 1
        self._size += len(body)
        self._last.append((head, body))
        return POSTED


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
    """What the service received so far.

    `posts`; `size`, the bytes of their bodies together; `last`, head and body of the last few; `processor`, the seconds
    of CPU that the service has used.
    """
    connection = HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/ledger")
    found = json.loads(connection.getresponse().read())
    connection.close()
    return found


if __name__ == "__main__":
    pin(0)
    service = Service()
    print(service.port, flush=True)
    service.serve()
