"""The menu of `menu.py`, served by `http.server`; the argument is the version of HTTP that it speaks."""

from __future__ import annotations

import gzip
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Answers by the path."""

    protocol_version = sys.argv[1]

    def do_GET(self) -> None:
        """Read a body, if there is one, and answer."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        name = self.path.strip("/")
        said = {"framing": name, "port": self.client_address[1], "received": len(body)}
        text = {"big": b"x" * 1_000_000, "huge": b"x" * 2_000_000}.get(name, json.dumps(said).encode())
        if name in ("204", "304"):
            self.send_response(int(name))
            self.end_headers()
            return
        if name == "early":
            self.send_response_only(103)
            self.send_header("Link", "</style.css>; rel=preload")
            self.end_headers()
        self.send_response(200)
        if name == "gzip":
            text = gzip.compress(text)
            self.send_header("Content-Encoding", "gzip")
        if name == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
            text = b"".join(b"1;x=y\r\n%c\r\n" % byte for byte in text) + b"0\r\nX-Trailer: 1\r\n\r\n"
        elif name == "close":
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_POST = do_HEAD = do_PUT = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""


ThreadingHTTPServer.request_queue_size = 1_024
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_port, flush=True)
server.serve_forever()
