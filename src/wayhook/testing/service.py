"""A real HTTP service on the loopback interface, in a thread of its own: for tests, the demo and benchmarks."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Self

import attrs

__all__ = ["Answer", "LoopbackService", "Received"]

_HEAD_LIMIT = 65_536
_TURNS = 5


@attrs.frozen
class Received:
    """One request as it came over the socket.

    `target`: path and query, as sent. `headers`: names in lower case; of several with one name, the last.
    `raw_headers`: all of them, in order, as sent. `body`: bytes. `at`: seconds on the service's clock.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    raw_headers: tuple[tuple[str, str], ...]
    body: bytes
    at: float

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


@attrs.frozen
class Answer:
    """What the service answers. `delay`: seconds before the head. `body`: bytes, or any JSON value."""

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = attrs.Factory(dict)
    delay: float = 0.0

    def encoded(self) -> bytes:
        """Return the answer's bytes."""
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        phrase = HTTPStatus(self.status).phrase if self.status in set(HTTPStatus) else "Other"
        lines = [f"HTTP/1.1 {self.status} {phrase}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


Respond = Callable[[Received], Answer]


class LoopbackService:
    """Listens on 127.0.0.1; a context manager. `received`: every request so far, in order of arrival.

    `respond`: a function from a request to its answer, called on the service's own thread; 200 without a body
    unless given. `tls`: the context of a server, for https; plain http unless given.

    >>> with LoopbackService(lambda request: Answer(200, {"path": request.path})) as service:
    ...     service.url.startswith("http://127.0.0.1:")
    True
    """

    def __init__(self, respond: Respond = lambda _: Answer(), *, tls: ssl.SSLContext | None = None) -> None:
        self._respond, self._tls = respond, tls
        self.received: list[Received] = []
        self.connections = 0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wayhook-loopback", daemon=True)

    @property
    def url(self) -> str:
        """The origin of the service, without a slash at the end."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, limit=_HEAD_LIMIT, backlog=1024, ssl=self._tls
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        for _ in range(_TURNS):
            await asyncio.sleep(0)  # a connection that is being accepted becomes a task first: a closed server loses it
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while (request := await self._request(reader)) is not None:
                self.received.append(request)
                answer = self._respond(request)
                if answer.delay:
                    await asyncio.sleep(answer.delay)
                writer.write(answer.encoded())
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client left, or the service stops
        finally:
            writer.close()

    async def _request(self, reader: asyncio.StreamReader) -> Received | None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        first, *lines = head[:-4].decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        raw = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
        headers = {name.lower(): value for name, value in raw}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Received(method, target, headers, raw, body, self._loop.time())
