"""Thousands of calls cancelled at random awaits: nothing stays behind, and the executor goes on (P16, P23, P35)."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from random import Random
from typing import Any

import attrs
import pytest

import wayhook as wh
from wayhook.testing import FakeTransport, LoopbackService

AUTHORIZATION = wh.CustomAuthorization(
    "https://auth.example.com/token",
    body_type="form",
    token_in_response="response",
    cache_duration=wh.CacheDuration(0),
)


class Fickle(FakeTransport):
    """Takes a few turns of the loop for each answer, fails at times, and counts what is under way."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self.random, self.under_way, self.is_well = random, 0, False

    async def send(self, request: wh.Request, deadline: float) -> wh.Response:
        self.under_way += 1
        try:
            for _ in range(self.random.randrange(4)):
                await asyncio.sleep(0)
        finally:
            self.under_way -= 1
        if "auth." in request.url:
            return wh.Response(200, body=b"token")
        return wh.Response(200 if self.is_well else self.random.choice([200, 401, 408, 500, 503]))


def _ping(**fields: Any) -> wh.Action:
    configuration = wh.UrlConfiguration("https://api.example.com/", method="PUT")
    return wh.Action(**{"name": "Ping", "url_configuration": configuration, "authentication": AUTHORIZATION, **fields})


async def _storm(executor: wh.Executor, action: wh.Action, random: Random, calls: int, turns: int) -> tuple[int, int]:
    """Start so many calls, cancel each after some turns of the loop, and return how many ended of themselves."""
    ended = cancelled = 0
    for _ in range(calls // 20):
        tasks = [asyncio.create_task(executor.call(action)) for _ in range(20)]
        for _ in range(turns):
            await asyncio.sleep(0)
            random.choice(tasks).cancel()
        for task in tasks:
            if random.random() < 0.8:
                task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, asyncio.CancelledError):
                cancelled += 1
            else:
                assert isinstance(result, wh.Outcome), result
                ended += 1
    return ended, cancelled


@pytest.mark.parametrize("seed", range(2))
async def test_random_cancellations_leave_nothing(seed: int) -> None:
    """Two thousand calls with tokens, limits, repeats and a breaker lose no task, place, flight or probe."""
    random, before = Random(seed), asyncio.all_tasks()
    transport = Fickle(random)
    rule = wh.BreakerRule(calls=2, open_for=0.001, longest=0.001)
    rails = attrs.evolve(wh.Guardrails.standard(), breaker=rule)
    limiter = wh.WindowLimiter([wh.CappingRule("https://api.example.com/*", wh.Rating(10**6, 1000, 7))])

    async with wh.Executor(
        transport=transport, guardrails=rails, limiter=limiter, random=lambda: random.random() / 50
    ) as executor:
        ended, cancelled = await _storm(executor, _ping(), random, 2000, 25)
        flights, tasks, under_way = executor._means.tokens._flights, asyncio.all_tasks(), transport.under_way
        transport.is_well = True
        await asyncio.sleep(0.002)
        probe = await executor.call(_ping())
        outcomes = await asyncio.gather(*(executor.call(_ping()) for _ in range(50)))

    assert ended > 20
    assert cancelled > 300
    assert (flights, tasks, under_way) == ({}, before, 0)
    assert probe.succeeded
    assert all(outcome.succeeded for outcome in outcomes)


def _sockets() -> int:
    """The sockets that this process has open."""
    names = [os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]  # noqa: PTH115
    return sum(name.startswith("socket:") for name in names)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts sockets as Linux shows them")
async def test_random_cancellations_leave_no_socket(loopback: wh.Guardrails) -> None:
    """With the real transport a thousand cancelled calls leave no socket, and every one after them works."""
    random, before = Random(7), asyncio.all_tasks()
    rails, sockets = attrs.evolve(loopback, breaker=None), _sockets()

    with LoopbackService() as service:
        action = _ping(
            url_configuration=wh.UrlConfiguration(service.url, method="PUT"), authentication=wh.NoAuthentication()
        )
        async with wh.Executor(guardrails=rails) as executor:
            ended, cancelled = await _storm(executor, action, random, 1000, 60)
            outcomes = await asyncio.gather(*(executor.call(action) for _ in range(20)))
            statuses = {outcome.status for outcome in outcomes}

    assert (ended > 10, cancelled > 300, statuses) == (True, True, {"http_200"})
    assert _sockets() == sockets
    assert asyncio.all_tasks() == before
