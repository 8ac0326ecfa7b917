"""Finding a token, the limits of a call, and a destination, among 1, 100 and 10,000 of them. Processor time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from itertools import count, cycle, islice
from random import Random
from time import process_time

from measure import Report, turns

import wayhook as wh
from wayhook.execution.clock import SystemClock
from wayhook.execution.destination import Destinations
from wayhook.execution.token import Granted, Tokens

SIZES = (1, 100, 10_000)
Find = Callable[[int], Awaitable[None]]


def picks(size: int, calls: int) -> Iterator[int]:
    """Which ones are asked for, spread over all of them, 16 in turn."""
    return islice(cycle(Random(7).choices(range(size), k=16)), calls)


def limits(size: int, pattern: str) -> Find:
    rules = [wh.CappingRule(pattern.format(i), wh.Rating(1_000_000, 1000)) for i in range(size)]
    limiter = wh.WindowLimiter(rules)
    calls = count()

    async def find(number: int) -> None:
        url = pattern.format(number).replace("*", f"orders/{next(calls)}")
        async with limiter.place("POST", url):
            pass

    return find


def by_host(size: int) -> Find:
    return limits(size, "https://h{}.example.com/v1/*")


def by_folder(size: int) -> Find:
    return limits(size, "https://api.example.com/v{}/*")


async def fetch(_: Callable[[], float]) -> Granted:
    return Granted("token", 3600)


def tokens(size: int) -> Find:
    kept = Tokens(SystemClock(), Random(7).random)
    calls = [_token_call(i) for i in range(size)]

    async def find(number: int) -> None:
        await kept.get(calls[number], None, fetch, 30.0)

    return find


def new_tokens(size: int) -> Find:
    """One token more, asked for and kept, among so many."""
    kept, calls = Tokens(SystemClock(), Random(7).random), count()
    filled = False

    async def find(_: int) -> None:
        nonlocal filled
        if not filled:
            for _ in range(size):
                await kept.get(_token_call(next(calls)), None, fetch, 30.0)
            filled = True
        await kept.get(_token_call(next(calls)), None, fetch, 30.0)

    return find


def _token_call(number: int):
    return wh.CustomAuthorization(
        "https://auth.example.com/token", body_type="form", body_params={"client": f"c-{number}"}
    ).token_call()


def destinations(_: int) -> Find:
    known = Destinations(wh.Guardrails.standard(), Random(7).random, lambda _: None)

    async def find(number: int) -> None:
        known.of(f"https://h{number}.example.com").begin()

    return find


SUBJECTS = {
    "the limits of a call, each of another host": by_host,
    "the limits of a call, each of another folder": by_folder,
    "a token that is kept": tokens,
    "a token that is asked for, and kept": new_tokens,
    "a destination, its budget and breaker": destinations,
}


async def measured(make: Callable[[int], Find], calls: int, rounds: int) -> dict:
    found = {f"{size:,}": (make(size), size) for size in SIZES}
    for find, size in found.values():
        for number in range(size):
            await find(number)
    seconds = {name: [] for name in found}
    for name in turns(found, rounds):
        find, size = found[name]
        start = process_time()
        for number in picks(size, calls):
            await find(number)
        seconds[name].append((process_time() - start) / calls)
    return seconds


async def main() -> None:
    report = Report("Finding one among many")
    calls, rounds = (200, 3) if report.quick else (1_000, 15)
    for title, make in SUBJECTS.items():
        report.table(title, await measured(make, calls, rounds), baseline="1")
    report.write()


if __name__ == "__main__":
    asyncio.run(main())
