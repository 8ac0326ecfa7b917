"""What limits, an access token and an event sink cost a call: processor time with a transport that only counts.

Each contender executes the same activity for the same contexts; they differ in what is attached.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from time import process_time

import attrs
from measure import Report, turns
from order import ANSWER, action, contexts, journey

import wayhook as wh

URL = "https://orders.example.com"
ENDPOINT = "https://auth.example.com/token"
BARE = "nothing attached"
CAPPING = wh.CappingConfiguration("orders", wh.CappingRule(f"{URL}/v1/*", wh.Rating(1_000_000, 1000))).deployed()
TOKEN = wh.CustomAuthorization(
    ENDPOINT,
    body_type="form",
    body_params={"client_id": "shop", "client_secret": wh.secret("env:SHOP")},
    authorization_type="bearer",
)
ATTACHED = {
    BARE: frozenset(),
    "a deployed limit": frozenset({"limit"}),
    "a token": frozenset({"token"}),
    "an event sink": frozenset({"events"}),
    "limit, token and events": frozenset({"limit", "token", "events"}),
}


class Transport:
    """Answers at once, a token request with a token."""

    def __init__(self) -> None:
        self.calls, self.tokens = 0, 0
        self._answer = wh.Response(200, (("content-type", "application/json"),), json.dumps(ANSWER).encode())
        self._token = wh.Response(
            200, (), b'{"access_token":"ya29-8ZrLkQ0v3nq1H_5wC2bT7xYpE4mJ6aRsD9fGuN","expires_in":3600}'
        )

    async def send(self, request: wh.Request, deadline: float) -> wh.Response:  # noqa: ARG002 - the shape of the port
        """Count the request."""
        if request.url == ENDPOINT:
            self.tokens += 1
            return self._token
        self.calls += 1
        return self._answer

    async def aclose(self) -> None:
        """Nothing is open."""


class Sink:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.count = 0

    def emit(self, _: wh.Event) -> None:
        """Count."""
        self.count += 1


class Secrets:
    """Knows the one secret."""

    async def reveal(self, _: wh.SecretReference) -> str:
        """Return it."""
        return "s3cret"


async def opened(stack: AsyncExitStack, attached: frozenset[str]) -> tuple[wh.Executor, Transport, Sink]:
    repository, transport, sink = wh.MemoryRepository(), Transport(), Sink()
    order = action(URL)
    await repository.save(attrs.evolve(order, authentication=TOKEN) if "token" in attached else order)
    if "limit" in attached:
        await repository.save(CAPPING)
    executor = wh.Executor(
        repository, transport=transport, secrets=Secrets(), events=[sink] if "events" in attached else ()
    )
    return await stack.enter_async_context(executor), transport, sink


async def main() -> None:
    report = Report("What is attached to a call")
    calls, rounds = (500, 5) if report.quick else (2_000, 25)
    orders, subjects = journey(), list(contexts(calls))
    seconds = {name: [] for name in ATTACHED}
    async with AsyncExitStack() as stack:
        executors = {name: await opened(stack, attached) for name, attached in ATTACHED.items()}
        for name, (executor, transport, sink) in executors.items():
            outcome = await executor.execute(orders, "confirm", subjects[0])
            assert outcome.response == ANSWER
            found = {"token": transport.tokens, "events": sink.count, "limit": "limit" in ATTACHED[name]}
            assert {what for what, is_there in found.items() if is_there} == ATTACHED[name]
        for name in turns(executors, rounds):
            execute = executors[name][0].execute
            start = process_time()
            for context in subjects:
                await execute(orders, "confirm", context)
            seconds[name].append((process_time() - start) / calls)
        assert all(transport.tokens <= 1 for _, transport, _ in executors.values())
    report.table(f"one after another, {calls:,} calls a round", seconds, baseline=BARE)
    more = {
        name: [own - bare for own, bare in zip(taken, seconds[BARE], strict=True)] for name, taken in seconds.items()
    }
    del more[BARE]
    report.table("beyond nothing attached", more, baseline="limit, token and events")
    report.write()


if __name__ == "__main__":
    asyncio.run(main())
