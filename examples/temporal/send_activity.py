"""A Temporal activity that makes the call of one activity of a journey, and a workflow that asks for it.

    python send_activity.py sqlite:///actions.db localhost:7233

A workflow goes on where it was, whatever happens to its workers; the call itself is Wayhook's. So Temporal's own
repetition is off: Wayhook repeats within the call where that does no harm, and the outcome comes back as a value, on
which the workflow decides. The delivery id is made of the run of the workflow and the id of the activity, which stay
the same when Temporal gives the activity to another worker.
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    import wayhook as wh

BEAT = 2.0
QUEUE = "wayhook"
REPEATS = 5


@dataclass
class Step:
    """What is called: the activity `label` of `journey`, for what happened to one person.

    `delivery_id`: of the outcome that this one repeats.
    """

    journey: str
    label: str
    events: dict[str, Any]
    delivery_id: str | None = None


@dataclass
class Told:
    """What came of it; `seconds`: until it makes sense to come again, where the destination was not available."""

    status: str
    delivery: str
    delivery_id: str
    response: Any
    seconds: float


class Actions:
    """The activities of a worker, which has one executor."""

    def __init__(self, executor: wh.Executor) -> None:
        self._executor = executor

    @activity.defn
    async def execute(self, step: Step) -> Told:
        """Make the call; a cancelled workflow ends it."""
        info = activity.info()
        delivery_id = step.delivery_id or f"{info.workflow_run_id}.{info.activity_id}"
        beating = asyncio.create_task(_beat())
        try:
            context = wh.Context(step.events)
            outcome = await self._executor.execute(step.journey, step.label, context, delivery_id=delivery_id)
        finally:
            beating.cancel()
        now, later = outcome.finished, outcome.not_before
        seconds = (later - now).total_seconds() if now and later else 0.0
        return Told(outcome.status, outcome.delivery, outcome.delivery_id, outcome.response, max(0.0, seconds))


async def _beat() -> None:
    """Say that the worker lives, so that a lost one is missed soon; a cancellation comes back on the same way."""
    while True:
        activity.heartbeat()
        await asyncio.sleep(BEAT)


@workflow.defn
class Send:
    """Sends one message, and comes again while the destination is not available."""

    @workflow.run
    async def run(self, step: Step) -> Told:
        """Return what came of it; every repeat has the delivery id of the first."""
        told = await self._execute(step)
        for repeat in range(REPEATS):
            if told.delivery != "unavailable":
                break
            await workflow.sleep(max(told.seconds, 2.0**repeat))
            told = await self._execute(Step(step.journey, step.label, step.events, told.delivery_id))
        return told

    async def _execute(self, step: Step) -> Told:
        return await workflow.execute_activity_method(
            Actions.execute,
            step,
            start_to_close_timeout=timedelta(minutes=2),
            heartbeat_timeout=timedelta(seconds=4 * BEAT),
            retry_policy=RetryPolicy(maximum_attempts=1),
        )


async def work(url: str, target: str) -> None:
    """Take activities and workflows from the server, until cancelled."""
    guardrails = wh.Guardrails.standard(network=wh.NetworkPolicy(loopback="WORKER_LOOPBACK" in os.environ))
    client = await Client.connect(target)
    async with (
        wh.open_repository(url, guardrails=guardrails) as repository,
        wh.Executor(repository, guardrails=guardrails) as executor,
        Worker(client, task_queue=QUEUE, workflows=[Send], activities=[Actions(executor).execute]),
    ):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:3]))
