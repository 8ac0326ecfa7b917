"""A worker process for the tests: `job_worker.py BROKER DATABASE QUEUE SERVICE`, until it is killed.

BROKER: a URL of RabbitMQ, Redis or NATS. SERVICE: the origin that actions call; the one named `Deadly` has a secret
that nobody lives to look up. Says `ready` when it takes messages.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import attrs
from taskiq.api import run_receiver_task

import wayhook as wh


def broker_of(url: str, queue: str) -> Any:
    """The broker of a URL, with the settings of the page about dispatching."""
    if url.startswith("redis"):
        from taskiq_redis import RedisStreamBroker

        return RedisStreamBroker(
            url,
            queue_name=queue,
            consumer_group_name=queue,
            consumer_id="0",
            xread_block=200,
            xread_count=10,
            maxlen=100_000,
            idle_timeout=60_000,
            unacknowledged_lock_timeout=10,
        )
    if url.startswith("nats"):
        from nats.js.api import AckPolicy, ConsumerConfig, RetentionPolicy, StreamConfig
        from taskiq_nats import PullBasedJetStreamBroker

        return PullBasedJetStreamBroker(
            url,
            subject=queue,
            stream_name=queue,
            durable=queue,
            stream_config=StreamConfig(retention=RetentionPolicy.WORK_QUEUE),
            consumer_config=ConsumerConfig(
                durable_name=queue, ack_policy=AckPolicy.EXPLICIT, ack_wait=60, max_deliver=-1, max_ack_pending=1_000
            ),
            pull_consume_batch=10,
            pull_consume_timeout=0.5,
        )
    return url


class DeadlySecrets:
    """Ends the process at once when it is asked."""

    async def reveal(self, reference: wh.SecretReference) -> str:
        """Never return."""
        os.kill(os.getpid(), signal.SIGKILL)
        raise wh.SecretMissing(reference.source)


@asynccontextmanager
async def executor_of(service: str) -> AsyncIterator[wh.Executor]:
    """An executor that knows `Send` and `Deadly`."""
    guardrails = wh.Guardrails.standard(network=wh.NetworkPolicy(loopback=True))
    repository = wh.MemoryRepository(guardrails=guardrails)
    send = wh.Action(
        name="Send",
        url_configuration=wh.UrlConfiguration(f"{service}/"),
        message_parameters=wh.message_parameters({"n": 1}, variables={"n": "Number"}),
        idempotency_header="Idempotency-Key",
    )
    secret = wh.BearerAuthentication(wh.secret("env:ANY"))
    await repository.save(send, attrs.evolve(send, name="Deadly", authentication=secret))
    async with wh.Executor(repository, guardrails=guardrails, secrets=DeadlySecrets()) as executor:
        yield executor


def dispatcher_of(broker: str, database: str, queue: str, service: str, **more: Any) -> wh.TaskiqDispatcher:
    """The dispatcher, with leases that are short."""
    settings: dict[str, Any] = {
        "redelivery": wh.Redelivery(lease=3, deliveries=20),
        "sweep": 0.2,
        "announced_for": 3,
        **more,
    }
    return wh.TaskiqDispatcher(
        wh.SqlJobs(database, queue=queue),
        partial(executor_of, service),
        broker=broker_of(broker, queue),
        queue=queue,
        **settings,
    )


async def work(broker: str, database: str, queue: str, service: str, deliveries: str) -> None:
    """Take messages for ever."""
    redelivery = wh.Redelivery(lease=3, deliveries=int(deliveries))
    dispatcher = dispatcher_of(broker, database, queue, service, redelivery=redelivery)
    dispatcher.broker.is_worker_process = True
    await dispatcher.broker.startup()
    print("ready", flush=True)
    await run_receiver_task(dispatcher.broker, max_async_tasks=20)


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:]))
