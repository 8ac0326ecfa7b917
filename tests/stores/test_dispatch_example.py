"""The example of dispatching, as its user runs it: one program hands over, `taskiq worker` carries out."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from uuid import uuid4

import aio_pika
import pytest
from aiormq.exceptions import AMQPError

import wayhook as wh
from wayhook.testing import Answer, LoopbackService

from .conftest import RABBITMQ, absent

EXAMPLE = Path(__file__).parents[2] / "examples" / "dispatch"

pytestmark = pytest.mark.services


async def _forget(queue: str) -> None:
    try:
        async with await aio_pika.connect(RABBITMQ, timeout=5) as connection:
            channel = await connection.channel()
            for name in (queue, f"{queue}.dead"):
                await channel.queue_delete(name)
            await channel.exchange_delete(queue)
    except (OSError, AMQPError) as error:
        absent("rabbitmq", error)


async def test_the_example_hands_over_and_carries_out(postgres: str) -> None:
    """Both calls are made, the second one not before its time; the worker ends when it is told."""
    queue = f"calls-{uuid4().hex}"
    await _forget(queue)
    with LoopbackService(lambda _: Answer(202)) as service:
        settings = {
            "CALLS_DATABASE": postgres,
            "CALLS_BROKER": RABBITMQ,
            "CALLS_QUEUE": queue,
            "CALLS_ORIGIN": service.url,
        }
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("COV_", "PYTEST_"))}
        giving = await asyncio.create_subprocess_exec(
            sys.executable, EXAMPLE / "calls.py", env=kept | settings, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await asyncio.wait_for(giving.communicate(), 60)
        command = ("-m", "taskiq", "worker", "--workers", "1", "--app-dir", EXAMPLE, "calls:broker")
        worker = await asyncio.create_subprocess_exec(
            sys.executable, *command, env=kept | settings, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            async with asyncio.timeout(90), wh.SqlJobs(postgres, queue=queue) as jobs:
                for name in (f"{queue}-1", f"{queue}-2"):
                    while (record := await jobs.find(name)).settled is None:  # noqa: ASYNC110 - of another process
                        await asyncio.sleep(0.05)
                    assert record.outcome is not None
                    assert record.outcome["status"] == "http_202"
                worker.send_signal(signal.SIGTERM)
                await worker.wait()
        finally:
            if worker.returncode is None:
                worker.kill()
                await worker.wait()
            await _forget(queue)
        sent = [request.headers["idempotency-key"] for request in service.received]

    assert said.decode() == f"handed over: {queue}-1 {queue}-2\n"
    assert sent == [f"{queue}-1", f"{queue}-2"]
