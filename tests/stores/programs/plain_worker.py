"""A worker process without a broker, for the tests: `plain_worker.py DATABASE QUEUE SERVICE DELIVERIES`, until SIGTERM.

SERVICE: the origin that actions call. Says `ready` when it begins to look for jobs; at SIGTERM it finishes its jobs.
"""

from __future__ import annotations

import asyncio
import signal
import sys

from job_worker import executor_of

import wayhook as wh


async def work(database: str, queue: str, service: str, deliveries: str) -> None:
    """Take jobs until the process is told to end."""
    async with wh.SqlJobs(database, queue=queue) as jobs, executor_of(service) as executor:
        worker = wh.Worker(jobs, executor, redelivery=wh.Redelivery(lease=3, deliveries=int(deliveries)))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
        print("ready", flush=True)
        await worker.run(concurrency=20, pause=0.1)


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:]))
