"""Real servers, and what each of them can be made to say; the programs are beside this file.

Every path names what comes: `length`, `chunked`, `close` (framings of `{"framing": …, "port": …, "received": …}`, the
port being the client's), `gzip`, `204`, `304`, `big` (a million bytes), `huge` (two), `early` (behind interim heads).
"""

from __future__ import annotations

import gzip
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import attrs

PROGRAMS = Path(__file__).parent / "programs"
FRAMINGS = {"length", "gzip", "204", "304", "big", "huge"}


@attrs.frozen
class Server:
    """A server. `command`: what runs it, given a folder of its own. `says`: the paths that it answers.

    `missing`: why it cannot run here, or `""`. `keeps`: whether it keeps connections open.
    """

    command: Callable[[Path], list[str]]
    says: set[str]
    missing: str = ""
    keeps: bool = True

    @contextmanager
    def running(self, folder: Path) -> Iterator[str]:
        """Run it; gives its URL."""
        with subprocess.Popen(self.command(folder), stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                port = (folder / "port").read_text() if (folder / "port").exists() else process.stdout.readline()
                _until_it_listens(int(port))
                yield f"http://127.0.0.1:{int(port)}"
            finally:
                process.terminate()


def _until_it_listens(port: int) -> None:
    for _ in range(500):
        with socket.socket() as knocking:
            if not knocking.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.01)
    raise TimeoutError(f"nobody listens at {port}")


def _python(*command: str) -> Callable[[Path], list[str]]:
    return lambda _: [sys.executable, str(PROGRAMS / command[0]), *command[1:]]


def _nginx(folder: Path) -> list[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    (folder / "port").write_text(port)
    for name in ("chunked", "close", "gzip"):
        text = b'{"framing": "%b", "port": <!--# echo var="remote_port" -->, "received": 0}' % name.encode()
        (folder / name).write_bytes(gzip.compress(b'{"framing": "gzip"}') if name == "gzip" else text)
    (folder / "big").write_bytes(b"x" * 1_000_000)
    (folder / "huge").write_bytes(b"x" * 2_000_000)
    text = (PROGRAMS / "nginx.conf").read_text().replace("FOLDER", str(folder)).replace("PORT", port)
    (folder / "nginx.conf").write_text(text)
    return [_path("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")]


def _path(program: str) -> str:
    return shutil.which(program, path=f"{Path(sys.executable).parent}:/usr/local/sbin:/usr/sbin:/usr/bin:/bin") or ""


def _without(module: str) -> str:
    return "" if find_spec(module) else f"{module} is not installed"


SERVERS = {
    "http.server, 1.0": Server(_python("standard.py", "HTTP/1.0"), FRAMINGS | {"close"}, keeps=False),
    "http.server, 1.1": Server(_python("standard.py", "HTTP/1.1"), FRAMINGS | {"close", "chunked", "early"}),
    "uvicorn, h11": Server(_python("asgi.py", "h11"), FRAMINGS | {"chunked"}, _without("uvicorn")),
    "uvicorn, httptools": Server(_python("asgi.py", "httptools"), FRAMINGS | {"chunked"}, _without("uvicorn")),
    "aiohttp": Server(_python("web.py"), FRAMINGS | {"chunked"}, _without("aiohttp")),
    "Node": Server(
        lambda _: [_path("node"), str(PROGRAMS / "server.js")],
        FRAMINGS | {"close", "chunked", "early"},
        "" if _path("node") else "node is not installed",
    ),
    "nginx": Server(_nginx, FRAMINGS | {"close", "chunked"}, "" if _path("nginx") else "nginx is not installed"),
}
