# pyright: basic, reportMissingTypeStubs=false
"""A Celery task that makes the call of one activity of a journey.

    ACTIONS=sqlite:///actions.db BROKER=amqp://localhost celery --workdir examples/celery -A send_task worker

A message is acknowledged when its task has ended (`acks_late`), and goes back to the queue where the worker is lost
before. It comes again with the same id, which is the delivery id of the call, so that the receiver can tell. Celery's
own repetition serves for one ending only: the destination was not available, and nothing was done.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import cache
from typing import Any

from celery import Celery, Task
from celery.signals import worker_process_shutdown

import wayhook as wh

app = Celery("send_task", broker=os.environ.get("BROKER", "memory://"))
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_default_queue=os.environ.get("QUEUE", "wayhook"),
    broker_connection_retry_on_startup=True,
)


class Office:
    """What a process of the worker keeps open: a loop, a repository, an executor. Tasks come one after another."""

    def __init__(self) -> None:
        self._runner, self._open = asyncio.Runner(), AsyncExitStack()
        self._executor = self._runner.run(self._opened())

    async def _opened(self) -> wh.Executor:
        guardrails = wh.Guardrails.standard(network=wh.NetworkPolicy(loopback="WORKER_LOOPBACK" in os.environ))
        repository = wh.open_repository(os.environ["ACTIONS"], guardrails=guardrails)
        repository = await self._open.enter_async_context(repository)
        return await self._open.enter_async_context(wh.Executor(repository, guardrails=guardrails))

    def execute(self, journey: str, label: str, events: dict[str, Any], delivery_id: str) -> wh.Outcome:
        """Make the call."""
        context = wh.Context(events)
        return self._runner.run(self._executor.execute(journey, label, context, delivery_id=delivery_id))

    def close(self) -> None:
        """Close what is open."""
        self._runner.run(self._open.aclose())
        self._runner.close()


office = cache(Office)
"""The one of this process, made by its first task: never before the worker has forked."""


@worker_process_shutdown.connect
def leave(**_: object) -> None:
    """Close the office of a process that ends."""
    if office.cache_info().currsize:
        office().close()


@app.task(bind=True, max_retries=5)
def send(self: Task, journey: str, label: str, events: dict[str, Any]) -> dict[str, Any]:
    """Make the call; come again, as the same task, when the destination was not available."""
    outcome = office().execute(journey, label, events, self.request.id)
    if outcome.delivery is wh.Delivery.UNAVAILABLE:
        soon = 2.0**self.request.retries
        later = outcome.not_before
        raise self.retry(countdown=soon if later is None else max(soon, (later - datetime.now(UTC)).total_seconds()))
    return {"status": outcome.status, "delivery": outcome.delivery.value, "response": outcome.response}
