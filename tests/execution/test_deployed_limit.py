"""The limits that are deployed in a repository, as an executor keeps them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import attrs
import pytest

import wayhook as wh
from wayhook.testing import FakeClock, FakeTransport

Make = Callable[..., wh.Action]
RULE = wh.CappingRule("https://api.example.com/*", wh.Rating(1, 60_000))
CAPPING = wh.CappingConfiguration("ping", RULE)
THROTTLING = wh.ThrottlingConfiguration("all", wh.ThrottlingRule("https://api.example.com/*", ["POST"], 200))


class Counting(wh.MemoryRepository):
    """A repository that counts how often limits are read, and fails when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.reads, self.failure = 0, ""
        self.gate = asyncio.Event()
        self.gate.set()

    async def list(self, kind: Any, **parts: Any) -> Any:
        """Count, wait for the gate, and list."""
        if kind is wh.CappingConfiguration:
            self.reads += 1
        await self.gate.wait()
        if self.failure:
            raise wh.StoreUnavailable(self.failure)
        return await super().list(kind, **parts)


@pytest.fixture
def kept() -> Counting:
    """An empty repository."""
    return Counting()


async def statuses(executor: wh.Executor, action: wh.Action, count: int) -> list[str]:
    """How so many calls in a row ended."""
    return [(await executor.call(action)).status for _ in range(count)]


async def test_an_executor_says_whether_anything_limits_its_calls(kept: Counting, clock: FakeClock) -> None:
    """A limiter of the user's, or what is deployed; a configuration that is not deployed limits nothing."""
    async with wh.Executor(kept, transport=FakeTransport(), clock=clock) as executor:
        before = await executor.is_limited()
        await kept.save(CAPPING)
        await kept.save(CAPPING.deployed())
        await clock.sleep(1.5)
        after = await executor.is_limited()
    async with wh.Executor(transport=FakeTransport(), limiter=wh.WindowLimiter([RULE])) as executor:
        own = await executor.is_limited()

    assert (before, after, own) == (False, True, True)


@pytest.mark.rule("R250", "R251", "R252", "R253", "R256")
async def test_a_capping_acts_while_it_is_deployed(kept: Counting, ping: Make, clock: FakeClock) -> None:
    """Created: nothing; deployed: its rule; updated: the old one still; deployed again: the new; deleted: nothing."""
    wider = attrs.evolve(RULE, action=wh.Rating(2, 60_000))
    states = [
        CAPPING,
        CAPPING.deployed(),
        CAPPING.deployed().updated(wider),
        CAPPING.updated(wider).deployed(),
        CAPPING.deployed().undeployed(),
    ]
    found = []

    async with wh.Executor(kept, transport=FakeTransport(), clock=clock) as executor:
        for state in states:
            await kept.save(state)
            clock.pass_time(61)
            found.append((await statuses(executor, ping(), 3)).count("http_200"))
        await kept.save(CAPPING.deployed())
        await kept.delete(wh.CappingConfiguration, "ping", force=True)
        clock.pass_time(61)
        found.append((await statuses(executor, ping(), 3)).count("http_200"))

    assert found == [3, 1, 1, 2, 3, 3]


@pytest.mark.rule("R269", "R274", "R276")
async def test_a_throttling_acts_while_it_is_deployed(kept: Counting, ping: Make, clock: FakeClock) -> None:
    """Created: nothing waits; deployed: what is above 200 waits; an update acts at once; undeployed: nothing waits."""
    faster = attrs.evolve(THROTTLING.rule, max_throughput=300)
    waits = []

    async with wh.Executor(kept, transport=FakeTransport(), clock=clock) as executor:
        for state in (
            THROTTLING,
            THROTTLING.deployed(),
            THROTTLING.deployed().updated(faster),
            THROTTLING.deployed().undeployed(),
        ):
            await kept.save(state)
            clock.pass_time(10)
            await statuses(executor, ping(), 301)
            waits.append(len(clock.waits))

    assert waits == [0, 1, 2, 2]


async def test_what_is_deployed_is_read_once_a_second(kept: Counting, ping: Make, clock: FakeClock) -> None:
    """However many calls there are, the limits are read again only when a second has passed."""
    async with wh.Executor(kept, transport=FakeTransport(), clock=clock) as executor:
        await asyncio.gather(*(executor.call(ping()) for _ in range(5)))
        clock.pass_time(0.9)
        await statuses(executor, ping(), 3)
        first = kept.reads
        clock.pass_time(0.2)
        await statuses(executor, ping(), 3)

    assert (first, kept.reads) == (1, 2)


async def test_one_call_reads_and_the_others_go_on(kept: Counting, ping: Make, clock: FakeClock) -> None:
    """While limits are read again, other calls go by those known; a reader that is cancelled takes it from nobody."""
    await kept.save(CAPPING.deployed())
    async with wh.Executor(kept, transport=FakeTransport(), clock=clock) as executor:
        before = await statuses(executor, ping(), 2)
        clock.pass_time(2)
        kept.gate.clear()

        reader = asyncio.create_task(executor.call(ping()))
        await asyncio.sleep(0)
        meanwhile = await statuses(executor, ping(), 1)
        reader.cancel()
        await asyncio.wait([reader])
        kept.gate.set()
        after = await statuses(executor, ping(), 1)

    assert (before, meanwhile, after) == (["http_200", "capped"], ["capped"], ["capped"])
    assert (reader.cancelled(), kept.reads) == (True, 2)


async def test_a_repository_that_hangs_keeps_no_call(kept: Counting, ping: Make, clock: FakeClock) -> None:
    """Calls go by the limits that are known while they are read again; the reading ends with the executor (P8)."""
    await kept.save(CAPPING.deployed())
    before = asyncio.all_tasks()

    async with wh.Executor(kept, transport=FakeTransport(), clock=clock) as executor:
        found = await statuses(executor, ping(), 1)
        kept.gate.clear()
        clock.pass_time(2)
        async with asyncio.timeout(10):
            found += await statuses(executor, ping(), 3)

    assert found == ["http_200", "capped", "capped", "capped"]
    assert kept.reads == 2
    assert asyncio.all_tasks() == before


async def test_the_deadline_covers_the_first_reading(kept: Counting, ping: Make) -> None:
    """While no limits are known nothing is sent: a call ends in its time, and the next has them (P8)."""
    transport = FakeTransport()
    kept.gate.clear()

    async with wh.Executor(kept, transport=transport) as executor:
        late = await executor.call(ping(), timeout=1)
        requests = len(transport.requests)
        kept.gate.set()
        outcome = await executor.call(ping(), timeout=1)

    assert (late.status, late.delivery, requests) == ("timedout", wh.Delivery.UNAVAILABLE, 0)
    assert late.elapsed >= 1
    assert outcome.succeeded
    assert kept.reads == 1


async def test_who_waits_for_the_first_reading_is_told_of_the_end(kept: Counting, ping: Make) -> None:
    """An executor that closes meanwhile leaves neither the call nor the reading behind."""
    kept.gate.clear()
    before = asyncio.all_tasks()

    async with wh.Executor(kept, transport=FakeTransport()) as executor:
        call = asyncio.create_task(executor.call(ping()))
        for _ in range(5):
            await asyncio.sleep(0)

    with pytest.raises(wh.ExecutionError, match="closed"):
        await call
    assert asyncio.all_tasks() == before


async def test_a_repository_with_a_fault_of_its_own_keeps_no_call(
    kept: Counting, ping: Make, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """What it raises when limits are read again is logged by its kind, once a second."""
    async with wh.Executor(kept, transport=FakeTransport(), clock=clock) as executor:
        await statuses(executor, ping(), 1)
        kept.list = lambda *_, **__: 1 / 0  # type: ignore[method-assign,assignment]
        clock.pass_time(2)
        found = await statuses(executor, ping(), 2)

    assert found == ["http_200"] * 2
    assert [record.message for record in caplog.records] == [
        "the deployed limits cannot be read, and those known before stay: ZeroDivisionError"
    ]


async def test_limits_that_cannot_be_read_stay(
    kept: Counting, ping: Make, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A first reading that fails is raised, since nothing is known; a later one is logged, and what is known holds."""
    await kept.save(CAPPING.deployed())
    async with wh.Executor(kept, transport=FakeTransport(), clock=clock) as executor:
        kept.failure = "away"
        with pytest.raises(wh.StoreUnavailable):
            await executor.call(ping())
        kept.failure = ""
        first = await statuses(executor, ping(), 1)
        clock.pass_time(2)
        kept.failure = "away"
        with caplog.at_level(logging.WARNING, "wayhook"):
            second = await statuses(executor, ping(), 2)

    assert first + second == ["http_200", "capped", "capped"]
    assert len(caplog.records) == 1


async def test_more_limits_than_a_page_holds_are_all_kept(kept: Counting, ping: Make, clock: FakeClock) -> None:
    """The last of many configurations is enforced as the first is."""
    others = [
        wh.CappingConfiguration(f"{i:04}", wh.CappingRule(f"https://h{i}.example/", wh.Rating(1))) for i in range(1000)
    ]
    await kept.save(*others, CAPPING.deployed())

    async with wh.Executor(kept, transport=FakeTransport(), clock=clock) as executor:
        assert await statuses(executor, ping(), 2) == ["http_200", "capped"]


@pytest.mark.parametrize("method", ["check_authentication", "send_test_request"])
async def test_a_look_keeps_what_is_deployed(kept: Counting, ping: Make, clock: FakeClock, method: str) -> None:
    """The first thing that an executor does may be a look: it takes a place below the limits, and there is one."""
    call = wh.OAuthClientCredentials("https://api.example.com/token", "me", wh.literal_secret("a-secret-text"))
    action = ping("GET", authentication=call if method == "check_authentication" else wh.NoAuthentication())
    transport = FakeTransport(wh.Response(200, body=b'{"access_token": "t"}'))
    await kept.save(CAPPING.deployed())

    async with wh.Executor(kept, transport=transport, clock=clock) as executor:
        first, second = [await getattr(executor, method)(action) for _ in range(2)]

    assert first.succeeded
    assert isinstance(second.cause, wh.Discarded)
    assert len(transport.requests) == 1


@pytest.mark.rule("R216")
async def test_a_batch_keeps_what_is_deployed(kept: Counting, ping: Make, clock: FakeClock) -> None:
    """The calls of a batch share the cap with all others."""
    journey = wh.Journey("J", [wh.ActionActivity("Ping", label="p")])
    await kept.save(ping(), journey, attrs.evolve(CAPPING, rule=attrs.evolve(RULE, action=wh.Rating(4))).deployed())

    async with (
        wh.Executor(kept, transport=FakeTransport(), clock=clock) as executor,
        executor.batch("J", "p", [wh.Context()] * 6, concurrency=3) as batch,
    ):
        found = [outcome.status async for outcome in batch]

    assert sorted(found) == ["capped"] * 2 + ["http_200"] * 4


@pytest.mark.rule("R277")
async def test_a_new_deployment_has_a_queue_of_its_own(kept: Counting, ping: Make, clock: FakeClock) -> None:
    """What went before counts in an update, and no more in a new runtime version."""
    redeployed = THROTTLING.deployed().undeployed().deployed()
    await kept.save(THROTTLING.deployed())
    async with wh.Executor(kept, transport=FakeTransport(), clock=clock) as executor:
        await statuses(executor, ping(), 1)
        clock.pass_time(0.9)
        await statuses(executor, ping(), 199)

        await kept.save(redeployed)
        clock.pass_time(0.2)  # what is deployed is read again, and 199 calls went within the last second
        await statuses(executor, ping(), 200)

    assert clock.waits == []
    assert redeployed.runtime_version == 2


async def test_executors_with_one_limiter_share_what_is_deployed(kept: Counting, ping: Make, clock: FakeClock) -> None:
    """What one executor used is not there for the other; the limiter's own rules stay, and count as well."""
    elsewhere = ping(url_configuration=wh.UrlConfiguration("https://other.example/"))
    limiter = wh.WindowLimiter([wh.CappingRule("https://other.example/", wh.Rating(1, 60_000))], clock=clock)
    await kept.save(CAPPING.deployed())
    parts: dict[str, Any] = {"transport": FakeTransport(), "clock": clock, "limiter": limiter}

    async with wh.Executor(kept, **parts) as one, wh.Executor(kept, **parts) as other:
        found = await statuses(one, ping(), 1) + await statuses(other, ping(), 1)
        own = await statuses(one, elsewhere, 2)

    assert (found, own) == (["http_200", "capped"], ["http_200", "capped"])


async def test_a_limiter_is_told_what_is_deployed_as_long_as_somebody_keeps_it(
    kept: Counting, ping: Make, clock: FakeClock
) -> None:
    """What an executor holds is held until the last executor of its repository is closed."""
    limiter = wh.WindowLimiter(clock=clock)
    await kept.save(CAPPING.deployed())
    parts: dict[str, Any] = {"transport": FakeTransport(), "clock": clock, "limiter": limiter}

    async with wh.Executor(kept, **parts) as one:
        async with wh.Executor(kept, **parts) as other:
            await statuses(other, ping(), 1)
            await statuses(one, ping(), 1)
        found = [limiter.limits_anything]
    found.append(limiter.limits_anything)

    assert found == [True, False]


@pytest.mark.rule("R218")
async def test_a_deployed_rule_takes_the_place_of_the_caps_of_hosts_in_a_shared_limiter_too(
    kept: Counting, ping: Make, clock: FakeClock
) -> None:
    """The cap of the edition is each executor's own, and counts no call that a deployed rule covers."""
    await kept.save(attrs.evolve(CAPPING, rule=attrs.evolve(RULE, action=wh.Rating(3, 60_000))).deployed())
    edition = attrs.evolve(wh.Guardrails.standard(), default_cap=wh.Rating(1, 60_000))
    elsewhere = ping(url_configuration=wh.UrlConfiguration("https://other.example/"))
    parts: dict[str, Any] = {"transport": FakeTransport(), "clock": clock, "guardrails": edition}

    async with wh.Executor(kept, limiter=wh.WindowLimiter(clock=clock), **parts) as executor:
        covered, uncovered = await statuses(executor, ping(), 4), await statuses(executor, elsewhere, 2)

    assert covered == ["http_200"] * 3 + ["capped"]
    assert uncovered == ["http_200", "capped"]


async def test_a_limiter_of_the_users_own_stands_beside_what_is_deployed(
    kept: Counting, ping: Make, clock: FakeClock
) -> None:
    """One that is told no rules is asked first, and the executor enforces what is deployed."""

    class Open:
        def place(self, method: str, url: str) -> Any:
            return wh.WindowLimiter().place(method, url)

    await kept.save(CAPPING.deployed())
    async with wh.Executor(kept, limiter=Open(), transport=FakeTransport(), clock=clock) as executor:
        assert await statuses(executor, ping(), 2) == ["http_200", "capped"]


@pytest.mark.parametrize("method", ["call", "check_authentication"])
async def test_a_store_of_limits_that_is_away_is_told_by_the_outcome(ping: Make, clock: FakeClock, method: str) -> None:
    """Nothing is sent, and the word is that it may be later; by a call, and by the token call that it needs."""

    class Away(wh.WindowLimiter):
        def place(self, method: str, url: str) -> Any:
            raise wh.LimitsUnavailable("the store is away")

        async def spend(self, method: str, url: str) -> None:
            raise wh.LimitsUnavailable("the store is away")

    call = wh.OAuthClientCredentials("https://api.example.com/token", "me", wh.literal_secret("a-secret-text"))
    transport = FakeTransport()

    async with wh.Executor(transport=transport, limiter=Away(), clock=clock) as executor:
        outcome = await getattr(executor, method)(ping(authentication=call))

    assert isinstance(outcome.cause, wh.LimitsUnavailable)
    assert (outcome.status, outcome.delivery) == ("internalError", wh.Delivery.UNAVAILABLE)
    assert (outcome.attempts, transport.requests) == ((), [])
