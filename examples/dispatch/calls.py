"""Calls handed over and carried out by worker processes, through RabbitMQ and one database.

    python examples/dispatch/calls.py                        # makes the tables, keeps an action, hands over
    taskiq worker --app-dir examples/dispatch calls:broker   # in as many terminals as you like

`CALLS_DATABASE`, `CALLS_BROKER` and `CALLS_QUEUE` say where; `CALLS_ORIGIN` what is called.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import wayhook as wh

DATABASE = os.environ.get("CALLS_DATABASE", "postgresql://postgres@127.0.0.1/postgres")
BROKER = os.environ.get("CALLS_BROKER", "amqp://guest:guest@127.0.0.1/")
QUEUE = os.environ.get("CALLS_QUEUE", "calls")
ORIGIN = os.environ.get("CALLS_ORIGIN", "https://sms.example.com")
GUARDRAILS = wh.Guardrails.standard(network=wh.NetworkPolicy(loopback=ORIGIN.startswith("http://127.0.0.1")))

SEND = wh.Action(
    name="SendSms",
    url_configuration=wh.UrlConfiguration(f"{ORIGIN}/messages"),
    message_parameters=wh.message_parameters({"to": "+33600000000"}, variables={"to": "Recipient"}),
    idempotency_header="Idempotency-Key",
)


@asynccontextmanager
async def executor() -> AsyncGenerator[wh.Executor]:
    """What a worker process makes calls with."""
    async with (
        wh.open_repository(DATABASE, guardrails=GUARDRAILS) as repository,
        wh.Executor(repository, guardrails=GUARDRAILS) as executor,
    ):
        yield executor


dispatcher = wh.TaskiqDispatcher(wh.SqlJobs(DATABASE, queue=QUEUE), executor, broker=BROKER, queue=QUEUE)
broker = dispatcher.broker


async def hand_over() -> None:
    """Keep the action, and hand a call over for now and one for later."""
    await wh.SqlJobs(DATABASE).migrate()
    async with wh.open_repository(DATABASE, guardrails=GUARDRAILS) as repository:
        await repository.save(SEND)
    async with dispatcher:
        soon = datetime.now(UTC) + timedelta(seconds=2)
        names = await dispatcher.dispatch(
            wh.Job.call("SendSms", {"to": "+33600000001"}, delivery_id=f"{QUEUE}-1"),
            wh.Job.call("SendSms", {"to": "+33600000002"}, delivery_id=f"{QUEUE}-2", not_before=soon),
        )
    print("handed over:", *names)


if __name__ == "__main__":
    asyncio.run(hand_over())
