"""The menu of `menu.py`, served by uvicorn; the argument is the parser that it uses."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import sys

import uvicorn


async def app(scope, receive, send) -> None:
    """Answer by the path."""
    received, more = 0, True
    while more:
        event = await receive()
        received, more = received + len(event.get("body", b"")), event.get("more_body", False)
    name = scope["path"].strip("/")
    said = {"framing": name, "port": scope["client"][1], "received": received}
    text = {"big": b"x" * 1_000_000, "huge": b"x" * 2_000_000}.get(name, json.dumps(said).encode())
    status, headers = 200, [(b"x-served-by", sys.argv[1].encode())]
    if name in ("204", "304"):
        status, text = int(name), b""
    if name == "gzip":
        text = gzip.compress(text)
        headers.append((b"content-encoding", b"gzip"))
    if name not in ("204", "304", "chunked"):
        headers.append((b"content-length", str(len(text)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    pieces = [text[:5], text[5:]] if name == "chunked" else [text]
    for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


opened = socket.create_server(("127.0.0.1", 0))
print(opened.getsockname()[1], flush=True)
config = uvicorn.Config(app, http=sys.argv[1], loop="asyncio", lifespan="off", log_level="critical")
asyncio.run(uvicorn.Server(config).serve(sockets=[opened]))
