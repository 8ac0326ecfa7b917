"""Limits in real stores: the contract, many processes, processes that are killed, and stores that go away."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from shutil import which
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import attrs
import pytest
from redis import RedisError
from redis.asyncio import Redis

import wayhook as wh
from wayhook.testing import FakeClock, FakeTransport, LimiterContract, LoopbackService
from wayhook.testing.limiter_contract import certain_excess

REDIS = os.environ.get("WAYHOOK_TEST_REDIS", "redis://127.0.0.1:6379/0")
pytestmark = pytest.mark.services

LONG = 3_600_000
URL = "https://api.example.com/v1"
ACTION = wh.Action(name="Ping", url_configuration=wh.UrlConfiguration(URL))


@attrs.frozen
class Store:
    """Makes limiters of one namespace, which nobody else uses. `settings`: that keep it apart."""

    kind: type[wh.RedisLimiter | wh.PostgresLimiter]
    url: str
    settings: dict[str, str]

    def __call__(self, *rules: Any, where: str = "", **settings: Any) -> Any:
        """Another limiter."""
        return self.kind(where or self.url, *rules, **self.settings, **settings)

    @asynccontextmanager
    async def behind_a_proxy(self) -> AsyncIterator[tuple[Proxy, str]]:
        """A way to the store that can be cut, and the URL of it."""
        parts = urlsplit(self.url)
        async with Proxy(parts.hostname or "127.0.0.1", parts.port or 0) as proxy:
            user = parts.netloc.rpartition("@")[0]
            yield (
                proxy,
                parts._replace(netloc=f"{user}@127.0.0.1:{proxy.port}" if user else f"127.0.0.1:{proxy.port}").geturl(),
            )


class Proxy:
    """Passes bytes on, until it is told not to."""

    def __init__(self, host: str, port: int) -> None:
        self._there = host, port
        self._ways: set[asyncio.Task[None]] = set()
        self._is_cut = False
        self._passing = asyncio.Event()
        self._passing.set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut()
        self._server.close()
        if self._ways:
            await asyncio.wait(self._ways)

    def cut(self) -> None:
        """Break every connection, and take no other."""
        self._is_cut = True
        for way in self._ways:
            way.cancel()

    def stalled(self) -> None:
        """Keep connections, and let nothing through."""
        self._passing.clear()

    def pass_on(self) -> None:
        """Let everything through, again."""
        self._is_cut = False
        self._passing.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        own = asyncio.current_task()
        assert own is not None
        if self._is_cut:
            writer.close()
            return
        self._ways.add(own)
        try:
            there = await asyncio.open_connection(*self._there)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._pass(reader, there[1]))
                    both.create_task(self._pass(there[0], writer))
            finally:
                there[1].close()
        except asyncio.CancelledError:
            return
        finally:
            writer.close()
            self._ways.discard(own)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                await self._passing.wait()
                writer.write(data)
        writer.close()


@pytest.fixture(params=["redis", "postgresql"])
def make(request: pytest.FixtureRequest) -> Store:
    """Makes limiters of one namespace."""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
        return Store(wh.PostgresLimiter, url, {"namespace": f"test-{uuid4().hex}"})
    return Store(wh.RedisLimiter, REDIS, {"prefix": request.getfixturevalue("redis_prefix")})


class TestSharedLimiter(LimiterContract):
    """Every promise of a limiter that is told its rules, of two that share their limits."""

    @pytest.fixture
    async def limiter(self, make: Store) -> AsyncIterator[wh.RuleLimiter]:
        """A limiter without rules."""
        async with make() as limiter:
            yield limiter

    @pytest.fixture
    async def another(self, make: Store, limiter: wh.RuleLimiter) -> AsyncIterator[wh.RuleLimiter]:
        """Another one of the same namespace."""
        async with make() as another:
            yield another


def capping(count: int, period: int = LONG, connections: int | None = None) -> wh.CappingRule:
    """A cap for the one address."""
    return wh.CappingRule(URL, wh.Rating(count, period, connections))


async def admits(limiter: wh.RuleLimiter, *, or_raises: bool = False) -> bool:
    """Whether there is a place, now or when the turn comes."""
    try:
        async with limiter.place("POST", URL):
            return True
    except wh.Discarded:
        if or_raises:
            raise
        return False


WORKER = """
import asyncio, json, sys
from time import monotonic
import wayhook as wh

url, prefix, namespace, kind, count, period, calls = sys.argv[1:8]
address = "https://api.example.com/v1"
rules = {
    "cap": [wh.CappingRule(address, wh.Rating(int(count), int(period)))],
    "throttling": [wh.ThrottlingRule(address, ["POST"], int(count))],
    "connections": [wh.CappingRule(address, wh.Rating(10**6, 1000, int(count)))],
}[kind]
settings = {"prefix": prefix} if prefix else {"namespace": namespace}

async def main():
    async with (wh.RedisLimiter if prefix else wh.PostgresLimiter)(url, rules, **settings) as limiter:
        print("ready", flush=True)
        sys.stdin.readline()

        async def call():
            asked = monotonic()
            try:
                async with limiter.place("POST", address):
                    print(json.dumps([asked, monotonic()]), flush=True)
                    if kind == "connections":
                        await asyncio.sleep(3600)
            except wh.Discarded:
                await asyncio.sleep(0.002)

        async def caller():
            for _ in range(int(calls) // 4):
                await call()

        await asyncio.gather(*(caller() for _ in range(4)))

asyncio.run(main())
"""


@pytest.fixture
def worker(make: Store) -> Callable[..., Any]:
    """Starts a process that makes calls below a rule; it says `ready`, begins when it is told, and tells each place."""

    async def started(kind: str, count: int, period: int, calls: int) -> asyncio.subprocess.Process:
        prefix, namespace = make.settings.get("prefix", ""), make.settings.get("namespace", "")
        settings = (kind, str(count), str(period), str(calls))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            WORKER,
            make.url,
            prefix,
            namespace,
            *settings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert await process.stdout.readline() == b"ready\n"
        return process

    return started


async def told(process: asyncio.subprocess.Process) -> list[tuple[float, float]]:
    """When the calls of a process asked, and had their places."""
    output, _ = await process.communicate(b"go\n")
    assert process.returncode == 0
    return [tuple(json.loads(line)) for line in output.splitlines()]


@pytest.mark.rule("R219")
async def test_no_window_of_many_processes_holds_more(worker: Callable[..., Any]) -> None:
    """Three processes that call as fast as they can go no more often in any window than the cap says."""
    processes = [await worker("cap", 20, 200, 400) for _ in range(3)]

    found = await asyncio.gather(*map(told, processes))

    went = [span for spans in found for span in spans]
    assert certain_excess(went, 20, 0.2) == 0
    assert len(went) >= 20
    assert all(found)


@pytest.mark.rule("R222")
async def test_many_processes_wait_in_one_queue(worker: Callable[..., Any]) -> None:
    """All calls of three processes go, and no window holds more than the throttling rule says."""
    processes = [await worker("throttling", 40, 1000, 40) for _ in range(3)]

    found = await asyncio.gather(*map(told, processes))

    assert [len(spans) for spans in found] == [40, 40, 40]
    assert certain_excess([span for spans in found for span in spans], 40, 1.0) == 0


@pytest.mark.kill
async def test_a_killed_process_gives_its_connections_back(make: Store, worker: Callable[..., Any]) -> None:
    """They are free when its leases end; an attempt that is under way for longer keeps its connection."""
    process = await worker("connections", 2, 1000, 4)
    rule = wh.CappingRule(URL, wh.Rating(10**6, 1000, 2))
    async with make([rule]) as limiter, AsyncExitStack() as stack:
        await stack.enter_async_context(limiter.place("POST", URL))
        process.stdin.write(b"go\n")
        await process.stdout.readline()
        waiting = asyncio.create_task(stack.enter_async_context(limiter.place("POST", URL)))
        done, _ = await asyncio.wait([waiting], timeout=0.5)
        process.kill()
        await process.wait()

        waited = await asyncio.wait_for(waiting, 60)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1), limiter.place("POST", URL):
                pass

    assert not done
    assert waited > 5


@pytest.mark.kill
async def test_a_killed_process_keeps_nobody_in_the_queue(make: Store, worker: Callable[..., Any]) -> None:
    """The tickets of its calls are thrown away, and who came later goes."""
    async with make([wh.ThrottlingRule(URL, ["POST"], 2)]) as limiter:
        async with limiter.place("POST", URL):
            process = await worker("throttling", 2, 1000, 400)
            process.stdin.write(b"go\n")
            await process.stdout.readline()
        waiting = asyncio.create_task(admits(limiter))
        await asyncio.sleep(0.1)
        process.kill()
        await process.wait()

        assert await asyncio.wait_for(waiting, 60)


@pytest.mark.rule("R223")
async def test_a_call_waits_for_six_hours_at_most(make: Store) -> None:
    """One whose turn does not come by then is not sent, and gives its place in the cap back."""
    clock = FakeClock()
    async with make([capping(2, connections=1)], clock=clock) as limiter:
        async with limiter.place("POST", URL):
            waiting = asyncio.create_task(admits(limiter, or_raises=True))
            await asyncio.sleep(0.1)
            clock.pass_time(6 * 3600 + 1)
            with pytest.raises(wh.Discarded, match=r"6 hours .* \(R223\)"):
                await asyncio.wait_for(waiting, 30)
        await _until(lambda: admits(limiter))


async def test_whoever_is_cancelled_leaves_nothing_behind(make: Store) -> None:
    """Calls that are given up at any moment, while they ask, wait or are under way, keep no place and no connection."""
    async with make([capping(1000, connections=2), wh.ThrottlingRule(URL, ["POST"], 1000)]) as limiter:
        for round_ in range(8):
            calls = [asyncio.create_task(_held(limiter)) for _ in range(6)]
            await asyncio.sleep(0.004 * round_)
            for call in calls:
                call.cancel()
            await asyncio.wait(calls)

        async with asyncio.timeout(5), limiter.place("POST", URL), limiter.place("POST", URL):
            assert limiter._waiting == {}
    assert limiter._leaving == set()


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.05)


async def _succeeds(executor: wh.Executor) -> bool:
    return (await executor.call(ACTION)).succeeded


async def _is_back(limiter: Any) -> bool:
    await admits(limiter)
    return limiter._away is None


async def _held(limiter: wh.RuleLimiter) -> None:
    async with limiter.place("POST", URL):
        await asyncio.sleep(3600)


async def test_executors_of_a_fleet_share_what_is_deployed(make: Store) -> None:
    """Each has a limiter of its own on one store; what one used is not there for another."""
    repository, statuses = wh.MemoryRepository(), []
    configuration = wh.CappingConfiguration("sms", wh.CappingRule("https://api.example.com/*", wh.Rating(3, LONG)))
    await repository.save(configuration.deployed())

    for _ in range(3):
        parts = {"transport": FakeTransport()}
        async with make() as limiter, wh.Executor(repository, limiter=limiter, **parts) as executor:
            statuses += [(await executor.call(ACTION)).status for _ in range(2)]

    assert statuses == ["http_200"] * 3 + ["capped"] * 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a crew needs sockets that a process can inherit")
async def test_the_processes_of_a_batch_share_limits_with_all_others(make: Store) -> None:
    """Its hands ask their executor, and that asks the store."""
    guardrails = wh.Guardrails.standard(network=wh.NetworkPolicy(loopback=True))
    with LoopbackService() as service:
        repository = wh.MemoryRepository(guardrails=guardrails)
        action = wh.Action(name="Greet", url_configuration=wh.UrlConfiguration(f"{service.url}/greet"))
        await repository.save(action, wh.Journey("Welcome", [wh.ActionActivity("Greet", label="hello")]))
        rules = [wh.CappingRule(f"{service.url}/*", wh.Rating(7, LONG, 2))]
        async with make(rules) as other, make(rules) as limiter:
            await other.spend("POST", f"{service.url}/greet")
            async with wh.Executor(repository, guardrails=guardrails, limiter=limiter) as executor:
                contexts = [wh.Context() for _ in range(20)]
                async with executor.batch("Welcome", "hello", contexts, concurrency=6, processes=2) as batch:
                    async for _ in batch:
                        pass

    assert batch.tally == {"http_200": 6, "capped": 14}
    assert len(service.received) == 6


@pytest.mark.parametrize("mood", ["cut", "stalled"])
async def test_calls_are_refused_while_the_store_is_away(
    make: Store, mood: str, caplog: pytest.LogCaptureFixture
) -> None:
    """They end in their time, unsent, as an outcome that says why; the log tells once of each change."""
    transport = FakeTransport()
    async with (
        make.behind_a_proxy() as (proxy, where),
        make([capping(3)], where=where, standings=False) as limiter,
        wh.Executor(limiter=limiter, transport=transport) as executor,
    ):
        first = await executor.call(ACTION)
        getattr(proxy, mood)()
        away = [await executor.call(ACTION, timeout=2) for _ in range(3)]
        sent = len(transport.requests)
        proxy.pass_on()
        await _until(lambda: _succeeds(executor))

    assert first.succeeded
    assert {(outcome.status, outcome.delivery) for outcome in away} == {("internalError", wh.Delivery.UNAVAILABLE)}
    assert all(isinstance(outcome.cause, wh.LimitsUnavailable) for outcome in away)
    assert max(outcome.elapsed for outcome in away) < 2
    assert sent == 1
    told = [record.message for record in caplog.records]
    assert [("away, and calls are refused" in line, "is back" in line) for line in told] == [
        (True, False),
        (False, True),
    ]


@pytest.mark.parametrize("mood", ["cut", "stalled"])
async def test_each_process_keeps_its_share_while_the_store_is_away(
    make: Store, mood: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A third of the rate for each of three processes, until the store is back; then it counts again."""
    async with (
        make.behind_a_proxy() as (proxy, where),
        make([capping(8)], where=where, when_away="share", processes=3) as limiter,
    ):
        before = [await admits(limiter) for _ in range(3)]
        getattr(proxy, mood)()
        shared = [await admits(limiter) for _ in range(4)]
        with pytest.raises(wh.Discarded):
            await limiter.spend("POST", URL)
        proxy.pass_on()
        await _until(lambda: _is_back(limiter))
        after = [await admits(limiter) for _ in range(8)]

    assert (before, shared) == ([True] * 3, [True, True, False, False])
    # of eight three went before, and the one that found the store back; a stalled one may be counted when it comes on
    assert after.count(True) in ({4} if mood == "cut" else {2, 3, 4})
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "the store of the limits is away, and each process keeps 1/3",
        "the store of the limits is back, and limits are shared again",
    ]


async def test_a_rate_that_is_too_low_to_be_shared_is_refused(make: Store) -> None:
    """Two calls for three processes are no share for each, nor is one connection."""
    rules = [
        capping(2),
        wh.CappingRule(URL + "/one", wh.Rating(9, LONG, 1)),
        wh.ThrottlingRule(URL + "/t", ["POST"], 2),
    ]
    async with (
        make.behind_a_proxy() as (proxy, where),
        make(rules, where=where, when_away="share", processes=3) as limiter,
    ):
        proxy.cut()
        for url in (URL, URL + "/one", URL + "/t"):
            with pytest.raises(wh.LimitsUnavailable, match="too low"):
                async with limiter.place("POST", url):
                    pass
        with pytest.raises(wh.LimitsUnavailable, match="too low"):
            await limiter.spend("POST", URL)


async def test_who_enters_while_the_store_is_away_is_told(make: Store) -> None:
    """Where calls would be refused, entering fails; where limits are shared, it begins with the shares."""
    async with make.behind_a_proxy() as (proxy, where):
        proxy.cut()
        with pytest.raises(wh.StoreUnavailable):
            async with make([capping(3)], where=where):
                pass
        async with make([capping(3)], where=where, when_away="share", processes=1) as limiter:
            found = [await admits(limiter) for _ in range(4)]
            proxy.pass_on()
            await _until(lambda: _is_back(limiter))

    assert found == [True, True, True, False]


async def test_a_queue_that_waits_when_the_store_goes_away_is_not_forgotten(make: Store) -> None:
    """Who waited goes by the share of its process."""
    async with (
        make.behind_a_proxy() as (proxy, where),
        make([wh.ThrottlingRule(URL, ["POST"], 2)], where=where, when_away="share", processes=1) as limiter,
    ):
        calls = [asyncio.create_task(admits(limiter)) for _ in range(5)]
        await asyncio.sleep(0.3)
        proxy.cut()

        assert await asyncio.wait_for(asyncio.gather(*calls), 60) == [True] * 5


@pytest.mark.kill
@pytest.mark.skipif(which("redis-server") is None, reason="there is no redis-server to start and to kill")
async def test_a_redis_that_was_killed_is_used_again_when_it_is_back(tmp_path: Path) -> None:
    """It comes back without scripts and without windows, on the same port; in between nothing is sent."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["redis-server", "--port", str(port), "--dir", str(tmp_path), "--save", ""]

    async def started() -> asyncio.subprocess.Process:
        server = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL)
        async with Redis(port=port) as client:
            await _until(lambda: _answers(client))
        return server

    server = await started()
    try:
        async with wh.RedisLimiter(f"redis://127.0.0.1:{port}", [capping(1)]) as limiter:
            found = [await admits(limiter), await admits(limiter)]
            server.kill()
            await server.wait()
            with pytest.raises(wh.LimitsUnavailable):
                await admits(limiter)
            server = await started()
            await _until(lambda: _sends(limiter))
            found.append(await admits(limiter))
    finally:
        server.kill()
        await server.wait()

    assert found == [True, False, False]


async def _answers(client: Redis) -> bool:
    with suppress(RedisError):
        return bool(await client.ping())
    return False


async def _sends(limiter: wh.RuleLimiter) -> bool:
    with suppress(wh.LimitsUnavailable):
        return await admits(limiter)
    return False


async def test_a_client_of_the_host_stays_open(redis_prefix: str) -> None:
    """A limiter on a client that is there already leaves it as it is."""
    client = Redis.from_url(REDIS)
    async with wh.RedisLimiter(client, [capping(1)], prefix=redis_prefix) as limiter:
        found = [await admits(limiter) for _ in range(2)]

    assert found == [True, False]
    assert await client.ping()
    await client.aclose()


async def test_every_key_of_redis_expires_and_is_bounded(redis_prefix: str) -> None:
    """A window holds no more times than its rule has places, and what is kept ends by itself."""
    client = Redis.from_url(REDIS, decode_responses=True)
    rules = [wh.ThrottlingRule(URL, ["POST"], 5), capping(100, 60_000, 1)]
    async with wh.RedisLimiter(REDIS, rules, prefix=redis_prefix) as limiter, limiter.place("POST", URL):
        waiting = [asyncio.create_task(_held(limiter)) for _ in range(7)]
        await asyncio.sleep(0.2)
        kept = [key async for key in client.scan_iter(f"{redis_prefix}:*")]
        ends = [await client.pttl(key) for key in kept]
        for call in waiting:
            call.cancel()
        await asyncio.wait(waiting)

    assert len(kept) == 6  # two windows; of the cap those who hold and who stand in line, and leases; ends of tickets
    assert all(0 < end <= 130_000 for end in ends)
    assert all("{limits:default}" in key for key in kept)
    await client.aclose()


async def test_a_window_in_postgres_is_bounded(postgres_url: str) -> None:
    """Of calls long gone no more than a hundred are kept, beside those that count."""
    namespace = f"test-{uuid4().hex}"
    async with wh.PostgresLimiter(postgres_url, [capping(50, 1)], namespace=namespace) as limiter:
        went = [await admits(limiter) for _ in range(400)]
    connection = await asyncpg.connect(postgres_url)
    [(kept,)] = await connection.fetch("SELECT count(*) FROM wayhook_limit_call_1 WHERE name LIKE $1", f"{namespace}/%")
    await connection.close()

    assert went.count(True) >= 300
    assert kept <= 151


async def test_what_nobody_was_held_by_for_a_day_is_tidied_away(postgres_url: str) -> None:
    """Who enters takes the windows of old rules away, and leaves the others."""
    connection = await asyncpg.connect(postgres_url)
    old, new = f"test-{uuid4().hex}", f"test-{uuid4().hex}"
    for namespace in (old, new):
        async with wh.PostgresLimiter(postgres_url, [capping(5)], namespace=namespace) as limiter:
            await admits(limiter)
    await connection.execute("UPDATE wayhook_limit_1 SET idle_from = 0 WHERE name LIKE $1", f"{old}/%")

    async with wh.PostgresLimiter(postgres_url):
        rows = await connection.fetch(
            "SELECT name FROM wayhook_limit_1 UNION ALL SELECT name FROM wayhook_limit_call_1"
        )
    await connection.close()

    kept = [row["name"].partition("/")[0] for row in rows]
    assert (kept.count(old), kept.count(new)) == (0, 2)


async def test_many_who_enter_a_new_database_make_its_tables_once(postgres_url: str) -> None:
    """They wait for each other, and all can be used."""
    connection = await asyncpg.connect(postgres_url)
    schema = f"s{uuid4().hex}"
    await connection.execute(f"CREATE SCHEMA {schema}")

    async def used() -> bool:
        async with wh.PostgresLimiter(f"{postgres_url}?search_path={schema}", [capping(2)]) as limiter:
            return await admits(limiter)

    found = await asyncio.gather(*(used() for _ in range(4)))
    await connection.close()

    assert sorted(found) == [False, False, True, True]


BUSY = wh.Response(503, (("retry-after", "60"),))


async def _is_held_back(executor: wh.Executor) -> bool:
    return not (await executor.call(ACTION)).attempts


async def test_a_limiter_brings_standings_along(make: Store) -> None:
    """What one executor was told holds back the other; not one in another namespace, and not without the standings."""
    transport = FakeTransport()
    other = attrs.evolve(make, settings={**make.settings, "namespace": f"test-{uuid4().hex}"})
    async with (
        make() as mine,
        make() as yours,
        other() as apart,
        make(standings=False) as without,
        wh.Executor(limiter=mine, transport=FakeTransport(BUSY)) as one,
        wh.Executor(limiter=yours, transport=transport) as another,
        wh.Executor(limiter=apart, transport=FakeTransport()) as stranger,
        wh.Executor(limiter=without, transport=FakeTransport()) as alone,
    ):
        before = await another.call(ACTION)
        await one.call(ACTION)
        await _until(lambda: _is_held_back(another))
        free = [(await executor.call(ACTION)).succeeded for executor in (stranger, alone)]

    assert before.succeeded
    assert free == [True, True]
    assert without.standings is None


async def test_one_word_says_what_becomes_of_all_calls_while_the_store_is_away(make: Store) -> None:
    """Where calls are refused, one that no rule covers is not sent either; where they are shared, it is."""
    elsewhere = wh.Action(name="Other", url_configuration=wh.UrlConfiguration("https://other.example.com/"))
    found = []
    for settings in ({}, {"when_away": "share", "processes": 2}):
        async with (
            make.behind_a_proxy() as (proxy, where),
            make([capping(9)], where=where, **settings) as limiter,
            wh.Executor(limiter=limiter, transport=FakeTransport()) as executor,
        ):
            assert (await executor.call(elsewhere)).succeeded
            proxy.cut()
            await _until(lambda executor=executor: _is_away(executor))
            found.append((await executor.call(elsewhere)).delivery)

    assert found == [wh.Delivery.UNAVAILABLE, wh.Delivery.DELIVERED]


async def _is_away(executor: wh.Executor) -> bool:
    return executor._sharing is not None and executor._sharing.is_away


async def test_who_is_closed_is_used_no_more_until_it_is_entered_again(make: Store) -> None:
    """A limiter that was left sends nobody, connects to nothing, and may be entered a second time."""
    limiter = make([capping(9)])
    async with limiter:
        before = await admits(limiter)
    with pytest.raises(wh.LimitsUnavailable, match="closed"):
        await admits(limiter)
    with pytest.raises(wh.StoreUnavailable, match="closed"):
        await limiter.standings.tell("https://x", wh.StandingReport(), None)
    async with limiter:
        after = await admits(limiter)
        standing = await limiter.standings.tell("https://x", wh.StandingReport(), None)

    assert (before, after, standing.state) == (True, True, "closed")


@pytest.mark.parametrize("decodes", [True, False])
async def test_a_client_of_the_host_shares_everything(redis_prefix: str, decodes: bool) -> None:  # noqa: FBT001
    """Whether it decodes answers or not; and it stays open."""
    async with Redis.from_url(REDIS, decode_responses=decodes) as client:
        async with (
            wh.RedisLimiter(client, [capping(9)], prefix=redis_prefix) as limiter,
            wh.RedisStandings(client, prefix=redis_prefix) as standings,
            wh.Executor(limiter=limiter, transport=FakeTransport(BUSY)) as one,
            wh.Executor(standings=standings, transport=FakeTransport()) as another,
        ):
            await one.call(ACTION)
            await _until(lambda: _is_held_back(another))
        assert await client.ping()


async def test_it_is_used_on_one_loop_and_in_one_process(make: Store) -> None:
    """Elsewhere it is refused, with what to do; where it belongs, nothing is changed by that, and no place is lost."""

    async def elsewhere() -> list[str]:
        said = []
        for use in (
            lambda: admits(limiter),
            lambda: limiter.spend("POST", URL),
            lambda: limiter.standings.tell("https://x", wh.StandingReport(), None),
            limiter.__aenter__,
        ):
            with pytest.raises(wh.ExecutionError) as caught:
                await use()
            said.append(str(caught.value))
        return said

    def forked() -> int:
        if (process := os.fork()) == 0:
            code = 1
            with suppress(BaseException):
                said = asyncio.run(elsewhere())
                asyncio.run(limiter.__aexit__(None, None, None))
                code = 0 if all("forked" in line for line in said) else 2
            os._exit(code)
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])

    async with make([capping(3, connections=3)]) as limiter:
        before = [await admits(limiter), await limiter.standings.tell("https://x", wh.StandingReport(), None) and True]
        other_loop = await asyncio.to_thread(asyncio.run, elsewhere())
        other_process = await asyncio.to_thread(forked)
        after = [await admits(limiter) for _ in range(3)]

    assert before == [True, True]
    assert all("another event loop" in line for line in other_loop)
    assert other_process == 0
    assert after == [True, True, False]


async def test_a_place_that_is_asked_for_twice_is_had(make: Store) -> None:
    """An answer may be lost on its way, and the question comes again with the same ticket."""
    async with make([capping(3, connections=2)]) as limiter:
        bounds = limiter._coverage.of("POST", URL)
        first = await limiter._ledger.ask(bounds, "ticket", 0)
        second = await limiter._ledger.ask(bounds, "ticket", 0)

    assert (first.verdict, second.verdict) == (first.verdict.GOES,) * 2


async def _set_clock_back(make: Store, limiter: Any) -> None:
    """Let everything that is kept be an hour ahead of the clock of the store."""
    hour = 3_600_000_000
    if make.kind is wh.PostgresLimiter:
        connection = await asyncpg.connect(make.url)
        for table, columns in (("call", ["at"]), ("ticket", ["arrival", "ends"]), ("lease", ["ends"])):
            told = ", ".join(f"{column} = {column} + {hour}" for column in columns)
            await connection.execute(f"UPDATE wayhook_limit_{table}_1 SET {told}")
        await connection.close()
        return
    client = limiter._ledger._connection.client
    async for key in client.scan_iter(f"{make.settings['prefix']}:*"):
        await client.persist(key)
        if await client.type(key) == b"list":
            for at, went in enumerate(await client.lrange(key, 0, -1)):
                await client.lset(key, at, int(went) + hour)
        else:
            for member, score in await client.zrange(key, 0, -1, withscores=True):
                await client.zadd(key, {member: score + hour})


async def test_a_clock_that_is_set_back_keeps_nobody_waiting(make: Store) -> None:
    """What went, who waits and what is under way counts as of now, not as of an hour from now."""
    rules = [capping(2, 500), wh.ThrottlingRule(URL, ["POST"], 4), wh.CappingRule(URL, wh.Rating(99, 1000, 2))]
    async with make(rules) as limiter, make(rules) as killed:
        assert [await admits(limiter) for _ in range(3)] == [True, True, False]
        bounds = killed._coverage.of("POST", URL)
        await killed._ledger.ask(bounds, "killed", 0)
        await _set_clock_back(make, limiter)
        found = [await admits(limiter), await admits(limiter)]
        await _until(lambda: admits(limiter))

    assert found == [False, False]
