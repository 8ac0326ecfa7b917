"""A worker: takes messages from its input, a JSON object a line, and makes the call of an activity for each.

    producer | python send_messages.py sqlite:///actions.db Welcome day1

A message is `{"id": "m-1", "events": {"Signup": {"phone": "+33611111111"}}}`. Its `id` is the delivery id of the call,
so that a message that comes again is told apart by the receiver. For each a line goes to the output, as calls end:
`{"id": "m-1", "status": "http_202", "delivery": "delivered"}`. SIGTERM lets the worker take no more, finish what it
took, and end. `WORKER_LOOPBACK=1` lets actions call this machine, for a try.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator

import wayhook as wh


async def messages() -> AsyncIterator[wh.Context]:
    """The contexts of the messages, until the input ends or SIGTERM comes; the journey's properties hold their ids."""
    loop, lines = asyncio.get_running_loop(), asyncio.StreamReader(limit=2**20)
    pipe, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    loop.add_signal_handler(signal.SIGTERM, pipe.close)
    async for line in lines:
        try:
            message = json.loads(line)
            yield wh.Context(message["events"], journey={"id": message["id"]})
        except (ValueError, TypeError, KeyError, wh.DefinitionError) as fault:
            print(f"this is no message: {line[:80]!r} ({fault!r})", file=sys.stderr)


async def work(url: str, journey: str, label: str) -> int:
    """Make the calls; return how many failed."""
    guardrails = wh.Guardrails.standard(network=wh.NetworkPolicy(loopback="WORKER_LOOPBACK" in os.environ))
    failed = 0
    async with (
        wh.open_repository(url, guardrails=guardrails) as repository,
        wh.Executor(repository, guardrails=guardrails) as executor,
        executor.batch(journey, label, messages(), delivery_ids=lambda context: context.journey["id"]) as batch,
    ):
        async for outcome in batch:
            told = {"id": outcome.delivery_id, "status": outcome.status, "delivery": outcome.delivery}
            print(json.dumps(told), flush=True)
            failed += not outcome.succeeded
    return failed


if __name__ == "__main__":
    sys.exit(1 if asyncio.run(work(*sys.argv[1:4])) else 0)
