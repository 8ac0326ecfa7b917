"""100,000 calls through a service that fails at random one time in ten: what it saw against what we were told.

The service notes each delivery id whose effect it did, and then fails in one of six ways: before or after the effect.
Half of the calls are PUT, a quarter are POST, a quarter are POST with a key. Every promise that is counted is asserted:
no call is lost, the word never contradicts the service, a POST without a key has at most one effect, a keyed one is
known by one id. Memory, sockets and tasks are taken at each tenth.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter

import attrs
from measure import Report, resident

import wayhook as wh

CONCURRENCY = 50
ID = "Idempotency-Key"
DELIVERED = (wh.Delivery.DELIVERED, wh.Delivery.DELIVERED_UNREAD)
KINDS = ("put", "put", "post", "keyed")
FAILURES = ("503 before", "500 before", "reset before", "500 after", "reset after", "cut body after")
"""What happens one time in ten, before the effect or after it."""


class Ledger:
    """How often each call came, and how often its effect was done; by the number in its path."""

    def __init__(self) -> None:
        self.seen, self.done, self.keys = Counter(), Counter(), {}


class Connection(asyncio.Protocol):
    """One connection of the service."""

    def __init__(self, ledger: Ledger, rng: random.Random) -> None:
        self._ledger, self._rng, self._data = ledger, rng, b""

    def connection_made(self, transport) -> None:
        """Keep the transport."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self._data += data
        while (end := self._data.find(b"\r\n\r\n") + 4) >= 4:
            head = self._data[:end].decode("latin-1")
            length = int(dict(_fields(head)).get("content-length", "0"))
            if len(self._data) < end + length:
                return
            self._data = self._data[end + length :]
            self._answer(head)

    def _answer(self, head: str) -> None:
        target = head.split(" ", 2)[1]
        if target == "/ledger":
            ledger = self._ledger
            return self._send(200, json.dumps([ledger.seen, ledger.done, ledger.keys]).encode())
        self._ledger.seen[target] += 1
        self._ledger.keys.setdefault(target, []).append(dict(_fields(head)).get(ID.lower(), ""))
        failure = self._rng.choice(FAILURES) if self._rng.random() < 0.1 else ""
        if not failure.endswith("before"):
            self._ledger.done[target] += 1
        match failure.split(" "):
            case ["reset", _]:
                self._transport.abort()
            case ["cut", *_]:
                self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
                self._transport.close()
            case [status, _]:
                self._send(int(status), b"{}")
            case _:
                self._send(200, b'{"ok": true}')
        return None

    def _send(self, status: int, body: bytes) -> None:
        self._transport.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))


def _fields(head: str):
    for line in head.split("\r\n")[1:]:
        name, _, value = line.partition(":")
        yield name.lower(), value.strip()


async def _serve(seed: int) -> None:
    loop, ledger, rng = asyncio.get_running_loop(), Ledger(), random.Random(seed)
    server = await loop.create_server(lambda: Connection(ledger, rng), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


@contextmanager
def serving(seed: int):
    """Run the service in another process; gives its port."""
    command = [sys.executable, __file__, "--serve", str(seed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()


def ledger(port: int) -> list[dict]:
    """What the service saw: how often each call came, how often it was done, and the keys it came with."""
    connection = HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/ledger")
    found = json.loads(connection.getresponse().read())
    connection.close()
    return found


def actions(port: int) -> dict[str, wh.Action]:
    def make(method: str, **fields) -> wh.Action:
        return wh.Action(
            name=f"Soak{method}{len(fields)}",
            url_configuration=wh.UrlConfiguration(f"http://127.0.0.1:{port}/", method=method),
            message_parameters=wh.message_parameters({"a": 1}),
            **fields,
        )

    return {"put": make("PUT"), "post": make("POST"), "keyed": make("POST", idempotency_header=ID)}


def sockets() -> int:
    """Sockets that this process has open, as Linux shows them; 0 elsewhere."""
    names = []
    for link in Path("/proc/self/fd").glob("*"):
        try:
            names.append(str(link.readlink()))
        except OSError:
            continue
    return sum(name.startswith("socket:") for name in names)


async def soaked(port: int, total: int) -> tuple[list[tuple[str, wh.Delivery, str, int]], list[tuple[int, int, int]]]:
    """What we were told of each call, and memory, sockets and tasks after each tenth."""
    told, marks = [], []
    rails = wh.Guardrails.standard(network=wh.NetworkPolicy(loopback=True))
    # A budget and a breaker that this rate of failures does not reach: what is counted is what is repeated.
    rails = attrs.evolve(rails, breaker=wh.BreakerRule(share=0.9), retry_budget=wh.RetryBudget(0.5, 1000, 1000))
    mine = actions(port)
    async with wh.Executor(guardrails=rails) as executor:
        numbers = iter(range(total))

        async def work() -> None:
            for number in numbers:
                kind = KINDS[number % len(KINDS)]
                outcome = await executor.call(mine[kind], path=str(number), timeout=30)
                told.append((f"/{number}", outcome.delivery, outcome.delivery_id, len(outcome.attempts)))
                if len(told) % (total // 10) == 0:
                    marks.append((resident(), sockets(), len(asyncio.all_tasks())))

        async with asyncio.TaskGroup() as group:
            for _ in range(CONCURRENCY):
                group.create_task(work())
    return told, marks


def judged(told, found) -> Counter:
    """Hold our words against the service's ledger; return how often each word was said."""
    seen, done, keys = found
    assert len({identifier for _, _, identifier, _ in told}) == len(told)
    for target, word, identifier, attempts in told:
        kind = KINDS[int(target[1:]) % len(KINDS)]
        effects = done.get(target, 0)
        assert attempts == seen.get(target, 0), f"{target}: {attempts} attempts, {seen.get(target, 0)} came"
        if word in DELIVERED:
            assert effects >= 1, f"{target} was lost"
        elif word is not wh.Delivery.UNKNOWN:
            assert effects == 0, f"{target} was done, and called {word}"
        if kind == "post":
            assert effects <= 1, f"{target} was done {effects} times"
        if kind == "keyed":
            assert set(keys.get(target, [identifier])) == {identifier}, f"{target} changed its key"
    return Counter(str(word) for _, word, _, _ in told)


def main() -> None:
    report = Report("A soak: calls through a service that fails one time in ten", "httpx", "httpcore")
    total = 2_000 if report.quick else 100_000
    with serving(seed=7) as port:
        start = perf_counter()
        told, marks = asyncio.run(soaked(port, total))
        seconds = perf_counter() - start
        found = ledger(port)
    words = judged(told, found)
    assert len(told) == total
    print(f"{total:,} calls, {sum(found[0].values()):,} requests; each word agrees with the service")
    report.note("calls in all", total, "calls")
    for word, count in sorted(words.items()):
        report.note(word, count, "calls")
    late, first = marks[2:], marks[1]
    report.note("calls per second", total / seconds, "")
    report.note("memory after two tenths", first[0] / 2**20, "MiB")
    report.note("most memory after that", max(mark[0] for mark in late) / 2**20, "MiB")
    kept = sum(sys.getsizeof(part) for one in told[len(told) // 5 :] for part in (one, one[0], one[2]))
    report.note("of what grew, what this script keeps", kept / 2**20, "MiB")
    report.note("most sockets", max(mark[1] for mark in late), "")
    report.note("most tasks", max(mark[2] for mark in late), "")
    assert max(mark[1] for mark in late) <= 2 * CONCURRENCY
    assert max(mark[2] for mark in late) <= CONCURRENCY + 2
    report.write()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        asyncio.run(_serve(int(sys.argv[2])))
    else:
        main()
