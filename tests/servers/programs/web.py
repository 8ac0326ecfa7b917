"""The menu of `menu.py`, served by aiohttp."""

from __future__ import annotations

import asyncio
import gzip
import json

from aiohttp import web


async def answer(request: web.Request) -> web.StreamResponse:
    """Answer by the path."""
    received = len(await request.read())
    name = request.path.strip("/")
    said = {"framing": name, "port": request.transport.get_extra_info("peername")[1], "received": received}
    text = {"big": b"x" * 1_000_000, "huge": b"x" * 2_000_000}.get(name, json.dumps(said).encode())
    if name in ("204", "304"):
        return web.Response(status=int(name))
    if name == "gzip":
        return web.Response(body=gzip.compress(text), headers={"Content-Encoding": "gzip"})
    if name != "chunked":
        return web.Response(body=text)
    streamed = web.StreamResponse()
    streamed.enable_chunked_encoding()
    await streamed.prepare(request)
    for piece in (text[:5], text[5:]):
        await streamed.write(piece)
    return streamed


async def main() -> None:
    """Serve for ever."""
    app = web.Application(client_max_size=10_000_000)
    app.router.add_route("*", "/{name}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
