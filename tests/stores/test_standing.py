"""Pauses, breakers and budgets that processes share through a real Redis and a real PostgreSQL (P14 to P17)."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import attrs
import pytest
from redis.asyncio import Redis

import wayhook as wh
import wayhook.testing
from wayhook.testing import StandingContract

REDIS = os.environ.get("WAYHOOK_TEST_REDIS", "redis://127.0.0.1:6379/0")
LONG = 60
pytestmark = pytest.mark.services


class TestRedisStandings(StandingContract):
    """Every promise, in Redis."""

    @pytest.fixture
    async def standings(self, redis_prefix: str) -> AsyncIterator[wh.RedisStandings]:
        """Standings without a destination."""
        async with wh.RedisStandings(REDIS, prefix=redis_prefix) as standings:
            yield standings

    @pytest.fixture
    async def another(self, redis_prefix: str) -> AsyncIterator[wh.RedisStandings]:
        """The same, as another process opens them."""
        async with wh.RedisStandings(REDIS, prefix=redis_prefix) as standings:
            yield standings


class TestPostgresStandings(StandingContract):
    """Every promise, in PostgreSQL."""

    @pytest.fixture
    async def standings(self, postgres_url: str) -> AsyncIterator[wh.PostgresStandings]:
        """Standings without a destination."""
        async with wh.PostgresStandings(postgres_url) as standings:
            yield standings

    @pytest.fixture
    async def another(self, postgres_url: str) -> AsyncIterator[wh.PostgresStandings]:
        """The same, as another process opens them."""
        async with wh.PostgresStandings(postgres_url) as standings:
            yield standings


@pytest.fixture(params=["redis", "postgres"])
def place(request: pytest.FixtureRequest) -> list[str]:
    """Where processes share: the kind of the store, its address, and what of it is theirs."""
    if request.param == "redis":
        return ["redis", REDIS, request.getfixturevalue("redis_prefix")]
    return ["postgres", request.getfixturevalue("postgres_url"), f"test-{uuid4().hex}"]


PROCESS = """
import asyncio, json, sys
import attrs
import wayhook as wh

kind, address, own, url, rails = sys.argv[1:]
rails = json.loads(rails)
standings = (
    wh.RedisStandings(address, prefix=own) if kind == "redis" else wh.PostgresStandings(address, namespace=own)
)
guardrails = attrs.evolve(
    wh.Guardrails.standard(network=wh.NetworkPolicy(loopback=True)),
    breaker=rails["breaker"] and wh.BreakerRule(**rails["breaker"]),
    retry_budget=wh.RetryBudget(**rails["budget"]),
    timeout_range=(0.1, 30),
)
ping = wh.Action(name="Ping", url_configuration=wh.UrlConfiguration(url, method="PUT"))

async def main():
    async with standings, wh.Executor(standings=standings, guardrails=guardrails) as executor:
        print("ready", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            count, timeout = json.loads(line)
            outcomes = await asyncio.gather(*(executor.call(ping, timeout=timeout) for _ in range(count)))
            statuses = [outcome.status if outcome.attempts else "unavailable" for outcome in outcomes]
            print(json.dumps(statuses), flush=True)

asyncio.run(main())
"""


@attrs.define
class Process:
    """An engine of its own, which makes calls when it is told."""

    running: asyncio.subprocess.Process

    async def calls(self, count: int = 1, timeout: float = 5.0) -> list[str]:  # noqa: ASYNC109 - of the calls
        """Make so many calls at once; return their statuses, `unavailable` where nothing was sent."""
        stdin, stdout = self.running.stdin, self.running.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps([count, timeout]).encode() + b"\n")
        async with asyncio.timeout(LONG):
            statuses: list[str] = json.loads(await stdout.readline())
        return statuses


@asynccontextmanager
async def processes(
    count: int, place: list[str], url: str, breaker: dict[str, Any] | None = None, repeats: int = 0
) -> AsyncIterator[list[Process]]:
    """Start engines that share; all of them are ready."""
    rails = {"breaker": breaker, "budget": {"share": 0, "at_first": repeats, "at_most": repeats}}
    command = [sys.executable, "-c", PROCESS, *place, url, json.dumps(rails)]
    pipe = asyncio.subprocess.PIPE
    running = [await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe) for _ in range(count)]
    try:
        async with asyncio.timeout(LONG):
            for each in running:
                assert each.stdout is not None
                assert await each.stdout.readline() == b"ready\n"
        yield [Process(each) for each in running]
    finally:
        for each in running:
            if each.returncode is None:
                each.kill()
            await each.wait()


class Other:
    """A destination. `answer`: what it says, while `gate` is open; `received`: how many requests came."""

    def __init__(self, status: int = 200, *fields: str) -> None:
        self.say(status, *fields)
        self.received = 0
        self.gate, self.came = asyncio.Event(), asyncio.Event()
        self.gate.set()
        self.url = ""

    def say(self, status: int, *fields: str) -> None:
        """Answer so from now on."""
        lines = [f"HTTP/1.1 {status} X", "content-length: 0", "connection: close", *fields, "", ""]
        self.answer = "\r\n".join(lines).encode()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            self.received += 1
            self.came.set()
            await self.gate.wait()
            writer.write(self.answer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # who called is gone
        finally:
            writer.close()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.gate.set()
        self._server.close()


async def _until(process: Process, status: str) -> None:
    """Have calls made, one after the other, until one ends so."""
    async with asyncio.timeout(LONG):
        while await process.calls() != [status]:
            pass


async def test_a_pause_is_kept_by_every_process(place: list[str]) -> None:
    """One is told to come back in a minute: the others send nothing, and one that starts later neither (P15)."""
    async with Other() as other, processes(2, place, other.url) as [first, second]:
        before = [await each.calls() for each in (first, second)]
        other.say(503, "retry-after: 60")
        throttled = await first.calls()
        await _until(second, "unavailable")
        received = other.received
        async with processes(1, place, other.url) as [third]:
            late = await third.calls()

    assert (before, throttled, late) == ([["http_200"]] * 2, ["http_503"], ["unavailable"])
    assert other.received == received


RULE = {"calls": 12, "open_for": 0.5, "spread": 0}


async def test_failures_of_all_processes_open_the_breaker_of_all(place: list[str]) -> None:
    """Four failures of each of three processes are twelve of the destination: nobody calls it any more (P16)."""
    rule = {**RULE, "open_for": LONG, "longest": LONG}

    async with Other(500) as other, processes(3, place, other.url, rule) as engines:
        failed = [await each.calls(4) for each in engines]
        for each in engines:
            await _until(each, "unavailable")
        received = other.received
        refused = [await each.calls(10) for each in engines]

    assert failed == [["http_500"] * 4] * 3
    assert other.received == received
    assert refused == [["unavailable"] * 10] * 3


async def _opened(other: Other, engines: list[Process]) -> int:
    """Have the breaker opened, and known to all; return how many requests came until then."""
    other.say(500)
    await engines[0].calls(12)
    other.gate.clear()
    other.came.clear()
    return other.received


async def _probing(other: Other, engines: list[Process]) -> tuple[Process, asyncio.Task[list[str]], list[list[str]]]:
    """Have all of them call until one of them is the probe: that one, its calls, and what came of the others'."""
    async with asyncio.timeout(LONG):
        while True:
            calls = {asyncio.create_task(each.calls(5)): each for each in engines}
            came, waiting = asyncio.create_task(other.came.wait()), set(calls)
            while waiting and not came.done():
                _, rest = await asyncio.wait([came, *waiting], return_when=asyncio.FIRST_COMPLETED)
                waiting &= rest
            if waiting:
                break
            came.cancel()
        done: set[asyncio.Task[list[str]]] = set()
        while len(done) < len(engines) - 1:
            done, waiting = await asyncio.wait(calls, timeout=0.05)
    [probe] = waiting
    return calls[probe], probe, [each.result() for each in done]


async def test_exactly_one_call_of_all_processes_is_the_probe(place: list[str]) -> None:
    """Of five calls of each of four processes one goes through; its success lets all of them go on (P16)."""
    async with Other() as other, processes(4, place, other.url, RULE) as engines:
        before = await _opened(other, engines)
        _, probe, others = await _probing(other, engines)
        probes = other.received - before
        other.say(200)
        other.gate.set()
        statuses = await probe
        for each in engines:
            await _until(each, "http_200")

    assert probes == 1
    assert others == [["unavailable"] * 5] * 3
    assert sorted(statuses) == ["http_200", *["unavailable"] * 4]


@pytest.mark.kill
async def test_a_probe_that_is_killed_leaves_its_place(place: list[str]) -> None:
    """Its place is free when its time is over, and exactly one of the others has it then (P16)."""
    async with Other() as other, processes(3, place, other.url, {**RULE, "calls": 12}) as engines:
        before = await _opened(other, engines)
        killed, probe, _ = await _probing(other, engines)
        killed.running.kill()
        probe.cancel()
        rest = [each for each in engines if each is not killed]
        other.came.clear()
        _, second, others = await _probing(other, rest)
        probes = other.received - before
        other.say(200)
        other.gate.set()
        statuses = await second

    assert probes == 2
    assert others == [["unavailable"] * 5]
    assert statuses.count("http_200") == 1


async def test_the_budget_is_one_for_all_processes(place: list[str]) -> None:
    """Forty calls of four processes into an outage repeat ten times together (P14)."""
    async with Other(408) as other, processes(4, place, other.url, repeats=10) as engines:
        statuses = await asyncio.gather(*(each.calls(10) for each in engines))

    assert statuses == [["http_408"] * 10] * 4
    assert other.received == 40 + 10


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class OwnRedis:
    """A Redis of this test, which can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, _free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"

    async def start(self) -> None:
        """Start it, and wait until it answers."""
        command = ["redis-server", "--port", str(self._port), "--save", "", "--dir", str(self._folder)]
        self._running = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        assert self._running.stdout is not None
        async with asyncio.timeout(LONG):
            while b"ready to accept" not in (await self._running.stdout.readline()).lower():
                pass

    async def stop(self) -> None:
        """Kill it."""
        if self._running.returncode is None:
            self._running.kill()
        await self._running.wait()


class Way:
    """A way to a server, which can be cut, and which can swallow what is sent."""

    def __init__(self, host: str, port: int) -> None:
        self._to = host, port
        self._writers: set[asyncio.StreamWriter] = set()
        self.is_open, self.swallows, self.port = True, False, 0

    async def _through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        if not self.is_open:
            writer.close()
            return
        try:
            theirs, ours = await asyncio.open_connection(*self._to)
            self._writers.add(ours)
            await asyncio.gather(self._pass(reader, ours), self._pass(theirs, writer))
        except OSError:
            pass  # it was cut
        finally:
            writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while some := await reader.read(65_536):
            if not self.swallows:
                writer.write(some)
        writer.close()

    def cut(self) -> None:
        """Break every connection, and take no other."""
        self.is_open = False
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._through, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut()
        self._server.close()


class Log(logging.Handler):
    """Hears what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._more = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self._more.set()

    async def until(self, text: str) -> None:
        """Wait for a line with this text, after the last one that was waited for."""
        async with asyncio.timeout(LONG):
            while not any(text in line for line in self.lines):
                self._more.clear()
                await self._more.wait()


@pytest.fixture
async def log() -> AsyncIterator[Log]:
    """What is logged meanwhile."""
    handler = Log()
    logging.getLogger("wayhook").addHandler(handler)
    yield handler
    logging.getLogger("wayhook").removeHandler(handler)


def _ping(url: str) -> wh.Action:
    return wh.Action(name="Ping", url_configuration=wh.UrlConfiguration(url, method="PUT"))


async def _goes_without(standings: Any, log: Log, away: Any, back: Any, rails: wh.Guardrails) -> None:
    """Calls go on without the store, which is told; and a pause of that time is known to it when it is back."""
    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(Other())
        executor = await stack.enter_async_context(wh.Executor(standings=standings, guardrails=rails))
        assert (await executor.call(_ping(other.url))).succeeded
        await away()
        await log.until("this process goes by what it knows")
        other.say(503, "retry-after: 60")
        throttled = await executor.call(_ping(other.url))
        refused = await executor.call(_ping(other.url))
        await back()
        await log.until("can be used again")
        async with asyncio.timeout(LONG):
            while not (await standings.tell(other.url[:-1], wh.StandingReport(), None)).paused:
                pass

    assert (throttled.status, refused.attempts, other.received) == ("http_503", (), 2)
    assert sum("cannot be used" in line for line in log.lines) == 1


async def test_redis_that_is_killed_is_gone_without(tmp_path: Path, log: Log, loopback: wh.Guardrails) -> None:
    """Each process goes by what it knows until Redis is there again, empty as it may be."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed here")
    server = OwnRedis(tmp_path)
    await server.start()
    try:
        async with wh.RedisStandings(server.url, when_away="share", processes=1) as standings:
            await _goes_without(standings, log, server.stop, server.start, loopback)
    finally:
        await server.stop()


@pytest.fixture
async def way(place: list[str]) -> AsyncIterator[Way]:
    """A way to the store of this machine."""
    url = urlsplit(place[1])
    async with Way(url.hostname or "127.0.0.1", url.port or {"redis": 6379, "postgres": 5432}[place[0]]) as way:
        yield way


def _along(way: Way, place: list[str], **settings: Any) -> wh.RedisStandings | wh.PostgresStandings:
    """Standings that are reached that way."""
    kind, address, own = place
    url = urlsplit(address)
    user = url.netloc.rpartition("@")[0]
    url = url._replace(netloc=f"{user}@127.0.0.1:{way.port}" if user else f"127.0.0.1:{way.port}")
    if kind == "redis":
        return wh.RedisStandings(url.geturl(), prefix=own, **settings)
    return wh.PostgresStandings(url.geturl(), namespace=own, **settings)


async def test_a_store_that_cannot_be_reached_is_gone_without(
    way: Way, place: list[str], log: Log, loopback: wh.Guardrails
) -> None:
    """The same where the connections break, and no other is had."""

    async def away() -> None:
        way.cut()

    async def back() -> None:
        way.is_open = True

    async with _along(way, place, when_away="share", processes=1) as standings:
        await _goes_without(standings, log, away, back, loopback)


async def test_a_store_that_falls_silent_is_told_of_without_a_call(
    way: Way, place: list[str], log: Log, loopback: wh.Guardrails
) -> None:
    """A connection that brings nothing more is found out by itself, and with `refuse` nobody is called then."""
    async with (
        Other() as other,
        _along(way, place, when_away="refuse") as standings,
        wh.Executor(standings=standings, guardrails=loopback) as executor,
    ):
        before = await executor.call(_ping(other.url))
        way.swallows = True
        await log.until("nobody is called")
        refused = await executor.call(_ping(other.url))

    assert (before.succeeded, refused.delivery, other.received) == (True, wh.Delivery.UNAVAILABLE, 1)


async def test_a_place_that_is_not_there_is_ours_to_tell() -> None:
    """No error of a client library comes out, and no password."""
    port = _free_port()
    for standings in (
        wh.RedisStandings(f"redis://me:canary-7@127.0.0.1:{port}/0"),
        wh.PostgresStandings(f"postgresql://me:canary-7@127.0.0.1:{port}/x"),
    ):
        async with standings:
            with pytest.raises(wh.StoreUnavailable, match=f"127.0.0.1:{port}") as caught:
                await standings.tell("https://x", wh.StandingReport(), None)
        assert "canary-7" not in str(caught.value)


@asynccontextmanager
async def _redis() -> AsyncIterator[Redis]:
    async with Redis.from_url(REDIS, decode_responses=True) as client:
        yield client


async def _overwritten(place: list[str], text: str) -> None:
    """Somebody else writes over all that is kept, and tells news that are none."""
    kind, address, own = place
    if kind == "redis":
        async with _redis() as client:
            async for key in client.scan_iter(f"{own}:*:standing:*"):
                await client.set(key, text)
            await client.publish(f"{own}:{{standings:default}}:news", text)
        return
    connection = await asyncpg.connect(address)
    await connection.execute("UPDATE wayhook_standing_1 SET text = $1 WHERE namespace = $2", text, own)
    channel = f"wayhook_standing_1_{sha256(own.encode()).hexdigest()[:32]}"
    await connection.execute("SELECT pg_notify($1, $2)", channel, text)
    await connection.close()


GARBAGE = ["", "no JSON", "[1]", "7", '{"ends": 5}', '{"ends": [[1]]}', '{"version": "x"}', '{"state": "ajar"}']


@pytest.mark.parametrize("text", GARBAGE)
async def test_what_nobody_can_read_is_begun_anew(place: list[str], text: str, log: Log) -> None:
    """It stops no call, neither of who is there nor of who comes, and the log tells of it."""
    kind, address, own = place
    async with AsyncExitStack() as stack:

        async def opened() -> wh.RedisStandings | wh.PostgresStandings:
            return await stack.enter_async_context(
                wh.RedisStandings(address, prefix=own)
                if kind == "redis"
                else wh.PostgresStandings(address, namespace=own)
            )

        standings = await opened()
        await standings.tell("https://x", wh.StandingReport(paused=60), None)
        await _overwritten(place, text)
        heard: list[str] = []
        async with (await opened()).news(lambda name, _: heard.append(name)):
            again = await standings.tell("https://x", wh.StandingReport(paused=5), wh.BreakerRule())
        executor = await stack.enter_async_context(
            wh.Executor(standings=await opened(), transport=wh.testing.FakeTransport())
        )
        await _overwritten(place, text)
        outcome = await executor.call(_ping("https://other.example.com/"))

    assert 4 < again.paused <= 5
    assert heard[:1] == ["https://x"]
    assert outcome.succeeded
    assert any("cannot be read" in line for line in log.lines)


async def test_connections_that_the_server_ends_cost_no_call(postgres_url: str, log: Log) -> None:
    """Neither those of the limits and standings, nor the one for news: calls wait until there is another."""
    administrator = await asyncpg.connect(postgres_url)
    end = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    rule = wh.CappingRule("https://x.example.com/*", wh.Rating(1000, 60_000))
    async with (
        wh.PostgresLimiter(postgres_url, [rule]) as limiter,
        wh.Executor(limiter=limiter, transport=wh.testing.FakeTransport()) as executor,
    ):
        outcomes, ended = [await executor.call(_ping("https://x.example.com/"))], []
        for _ in range(6):
            ended.append(await administrator.fetchval(end))
            outcomes += await asyncio.gather(*(executor.call(_ping("https://x.example.com/")) for _ in range(3)))
    await administrator.close()

    assert all(ended)
    assert [outcome.status for outcome in outcomes] == ["http_200"] * 19
    assert log.lines == []


async def test_a_store_whose_clock_is_behind_is_believed(redis_prefix: str, log: Log, loopback: wh.Guardrails) -> None:
    """After a failover to a server whose clock is an hour behind, what it says counts."""
    url = urlsplit(REDIS)
    async with (
        Other() as other,
        Way(url.hostname or "127.0.0.1", url.port or 6379) as way,
        _redis() as client,
        _along(way, ["redis", REDIS, redis_prefix]) as standings,
        wh.Executor(standings=standings, guardrails=loopback) as executor,
    ):
        ping = _ping(other.url)
        assert (await executor.call(ping)).succeeded
        key = f"{redis_prefix}:{{standings:default}}:standing:{other.url[:-1]}"
        now = float((await client.time())[0])
        await client.set(key, json.dumps({"version": int((now + 3600) * 1e6), "state": "closed"}))
        await standings.tell(other.url[:-1], wh.StandingReport(paused=0.1), None)
        other.say(408)
        await executor.call(ping)  # which hears the version of the clock that is ahead
        other.say(200)
        way.cut()
        await log.until("nobody is called")
        await client.set(key, json.dumps({"version": int(now * 1e6), "paused_until": now + 600}))
        way.is_open = True
        await log.until("can be used again")
        outcome = await executor.call(ping)

    assert outcome.attempts == ()


async def test_every_key_of_redis_ends(redis_prefix: str) -> None:
    """Nothing is left of destinations that nobody calls any more."""
    async with wh.RedisStandings(REDIS, prefix=redis_prefix) as standings, _redis() as client:
        for number, seconds in enumerate((600, 0.1)):
            await standings.tell(f"https://x{number}", wh.StandingReport(paused=seconds), None)
        left = {key: await client.ttl(key) async for key in client.scan_iter(f"{redis_prefix}:*")}

    assert len(left) == 3
    assert all(3000 < seconds <= 3600 + 600 for seconds in left.values())
    assert left[f"{redis_prefix}:{{standings:default}}:known"] > 3700


async def test_what_is_over_leaves_postgres_while_processes_run(postgres_url: str) -> None:
    """Whoever hears the news tidies as well."""
    connection, own = await asyncpg.connect(postgres_url), uuid4().hex
    of_own = "SELECT name FROM wayhook_standing_1 WHERE namespace = $1"
    async with wh.PostgresStandings(postgres_url, namespace=own) as standings, standings.news(lambda *_: None) as lost:
        for name in ("https://over", "https://kept"):
            await standings.tell(name, wh.StandingReport(paused=60), None)
        over = "UPDATE wayhook_standing_1 SET until = 1 WHERE namespace = $1 AND name = 'https://over'"
        await connection.execute(over, own)
        async with asyncio.timeout(LONG):
            while len(left := await connection.fetch(of_own, own)) > 1:
                await asyncio.wait([asyncio.ensure_future(lost)], timeout=0.05)
    await connection.close()

    assert [row["name"] for row in left] == ["https://kept"]
