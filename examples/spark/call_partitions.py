"""A function for Spark's `mapPartitions`: calls an action for the rows of a partition, on the machine that has it.

    called = frame.rdd.map(lambda row: row.asDict()).mapPartitions(partial(call_partition, wh.dumps(action)))
    called.saveAsTextFile("outcomes")

It takes any iterator of rows and gives an iterator of what came of them; run by itself it shows that without Spark. A
row has an `id`, its delivery id: Spark runs a partition again that failed or was evicted, and the receiver of an action
with an `idempotency_header` then can tell. The action travels as its document, in which secrets are references.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any

import wayhook as wh
from wayhook.testing import LoopbackService

CHUNK = 1000
"""Rows that are in memory at once."""


def call_partition(
    document: str, rows: Iterable[Mapping[str, Any]], *, guardrails: wh.Guardrails | None = None, concurrency: int = 50
) -> Iterator[dict[str, Any]]:
    """Call for each row, by one executor for the partition; yield id, status and delivery of each, in order."""
    action = wh.loads(document)
    assert isinstance(action, wh.Action)
    source = iter(rows)
    with asyncio.Runner() as runner:
        executor = wh.Executor(guardrails=guardrails)
        try:
            while chunk := list(islice(source, CHUNK)):
                yield from runner.run(_called(executor, action, chunk, concurrency))
        finally:
            runner.run(executor.__aexit__(None, None, None))


async def _called(
    executor: wh.Executor, action: wh.Action, rows: list[Mapping[str, Any]], concurrency: int
) -> list[dict[str, Any]]:
    values = [{name: value for name, value in row.items() if name != "id"} for row in rows]
    ids = [str(row["id"]) for row in rows]
    batch = executor.call_each(action, values, delivery_ids=ids, concurrency=concurrency, in_order=True)
    async with batch:
        return [{"id": o.delivery_id, "status": o.status, "delivery": o.delivery.value} async for o in batch]


def main() -> None:
    """Two lists stand in for the partitions of a frame, and a service on this machine for a real one."""
    guardrails = wh.Guardrails.standard(network=wh.NetworkPolicy(loopback=True))
    with LoopbackService() as service:
        action = wh.Action(
            name="SendSms",
            url_configuration=wh.UrlConfiguration(service.url),
            message_parameters=wh.message_parameters({"to": "+336"}, variables={"to": "Recipient"}),
            idempotency_header="Idempotency-Key",
        )
        function = partial(call_partition, wh.dumps(action), guardrails=guardrails)
        for partition in ([{"id": "r-1", "to": "+33600000001"}], [{"id": "r-2", "to": "+33600000002"}]):
            for told in function(iter(partition)):
                print(told)


if __name__ == "__main__":
    main()
