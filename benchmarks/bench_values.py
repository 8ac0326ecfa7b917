"""What one hostile value costs, in time and memory, until it is refused; and a call while a breaker is open.

Time is that of this process on its processor; the memory is the most that was taken at one moment, beyond what the
value itself takes. An allowed value of 1 MiB through `json.dumps` is the yardstick.
"""

from __future__ import annotations

import asyncio
import gc
import json
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from functools import partial
from time import process_time
from typing import Any

from measure import Report, turns

import wayhook as wh
from wayhook.testing import FakeTransport

YARDSTICK = "json.dumps of 1 MiB"
MIB = 1_048_576
ALLOWED = {"l": ["a" * 100] * 9_900}


def optional() -> wh.Variable:
    return wh.variable(optional=True)


def objects(name: str, depth: int) -> wh.MessageParameter:
    fields = [wh.MessageParameter("x", "decimal", variable=optional())]
    fields += [objects("l", depth - 1)] if depth else []
    return wh.MessageParameter(name, "listObject", variable=optional(), parameters=fields)


def action(body_format: str, *parameters: wh.MessageParameter) -> wh.Action:
    configuration = wh.UrlConfiguration(
        "https://values.example.com/", headers={"H": optional()}, query_parameters={"Q": optional()}
    )
    return wh.Action(
        name="Values", url_configuration=configuration, message_parameters=parameters, body_format=body_format
    )


PLAIN = [wh.MessageParameter(kind, kind, variable=optional()) for kind in ("string", "listString")]
NUMBERS = [wh.MessageParameter(kind, kind, variable=optional()) for kind in ("decimal", "listInteger")]
JSON, FORM, RAW = action("json", *PLAIN, *NUMBERS, objects("o", 6)), action("form", *PLAIN), action("raw", PLAIN[0])


def shared() -> Any:
    value: dict[str, Any] = {"x": 1}
    for _ in range(6):
        value = {"x": 1, "l": [value] * 30}
    return value


def cyclic() -> Any:
    value: dict[str, Any] = {"x": 1}
    value["l"] = [value] * 30
    return value


def deep() -> Any:
    value: dict[str, Any] = {"x": 1}
    for _ in range(100_000):
        value = {"l": [value]}
    return value


HOSTILE: dict[str, tuple[wh.Action, str, Any]] = {
    "text of 20 MB, JSON": (JSON, "string", "a" * 20_000_000),
    "text of 20 MB, form": (FORM, "string", "é" * 10_000_000),
    "text of 20 MB, raw body": (RAW, "string", "é" * 10_000_000),
    "text of 20 MB, header": (JSON, "H", "a" * 20_000_000),
    "text of 20 MB, query": (JSON, "Q", "é" * 10_000_000),
    "longest text, escaped": (JSON, "string", "\x01" * MIB),
    "a million integers": (JSON, "listInteger", [1] * 1_000_000),
    "a million nulls": (JSON, "listInteger", [None] * 1_000_000),
    "100,000 integers, allowed": (JSON, "listInteger", [1] * 100_000),
    "100,000 texts, form": (FORM, "listString", ["é" * 4] * 100_000),
    "90,000 of a wrong type": (JSON, "listInteger", ["a"] * 90_000),
    "1,000 times one long text": (JSON, "listString", ["a" * 1_000_000] * 1_000),
    "a decimal of 2,000,000 digits": (JSON, "decimal", Decimal("0." + "1" * 2_000_000)),
    "an integer of 1,000,000 digits": (JSON, "decimal", 10**1_000_000),
    "shared: 30**6 objects": (JSON, "o", [shared()]),
    "contains itself": (JSON, "o", [cyclic()]),
    "100,000 levels deep": (JSON, "o", [deep()]),
}


def judged(plan: wh.Action, place: str, value: Any) -> None:
    with suppress(wh.RenderError):
        wh.preview(plan, {place: value})


def recorded(value: Any) -> None:
    """An answer is recorded in a context that holds the value."""
    wh.Context({"E": {"v": value}}).record("A", {"a": 1, "b": 2})


def evaluated(text: str, value: Any) -> Callable[[], None]:
    expression, context = wh.expression(text), wh.Context({"E": {"v": value}})

    def evaluate() -> None:
        with suppress(wh.WrongType):
            expression.evaluate(context)

    return evaluate


CONTENDERS: dict[str, Callable[[], Any]] = {
    YARDSTICK: partial(json.dumps, ALLOWED),
    **{name: partial(judged, *parts) for name, parts in HOSTILE.items()},
    "in a context: shared": partial(recorded, shared()),
    "in a context: a million integers": partial(recorded, [1] * 1_000_000),
    "in a context: text of 20 MB": partial(recorded, "a" * 20_000_000),
    "expression: two texts of 20 MB": evaluated("@event{E.v} + @event{E.v}", "a" * 20_000_000),
    "expression: a million integers": evaluated("sum(@event{E.v})", [1] * 1_000_000),
    "expression: contains itself": evaluated("@event{E.v} == @event{E.v}", [cyclic()]),
    "expression: loop over 100,000": evaluated("count(@event{E.v.all(currentEventField.x > 5)})", [{"x": 1}] * 100_000),
    "expression: pattern": evaluated("matchRegExp(@event{E.v}, '(.*.*.*=.*)+')", "x" * 200_000),
    "expression: split of 1 MB": evaluated("split(@event{E.v}, ' ')", "a " * 500_000),
    "expression: distinct texts": evaluated("distinct(@event{E.v})", [f"text number {i}" for i in range(100_000)]),
}


def seconds(run: Callable[[], Any]) -> float:
    start = process_time()
    run()
    return process_time() - start


def memory(run: Callable[[], Any]) -> float:
    """The most MiB that were taken at one moment."""
    gc.collect()
    tracemalloc.start()
    run()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / MIB


async def refused_by_a_breaker(calls: int) -> float:
    """Seconds of one call to a destination whose breaker is open: the longest of so many."""
    transport = FakeTransport(wh.Response(500))
    plain = wh.Action(name="Down", url_configuration=wh.UrlConfiguration("https://down.example.com/"))
    async with wh.Executor(transport=transport) as executor:
        while (await executor.call(plain)).attempts:
            pass
        sent, longest = len(transport.requests), 0.0
        for _ in range(calls):
            start = process_time()
            outcome = await executor.call(plain)
            longest = max(longest, process_time() - start)
            assert outcome.delivery is wh.Delivery.UNAVAILABLE
        assert len(transport.requests) == sent
    return longest


def main() -> None:
    report = Report("What a hostile value costs until it is judged")
    rounds = 3 if report.quick else 9
    taken: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    for name in turns(CONTENDERS, rounds):
        taken[name].append(seconds(CONTENDERS[name]))
    report.table("one value", taken, baseline=YARDSTICK, unit="ms")
    print()
    for name, run in CONTENDERS.items():
        report.note(f"memory, {name}", memory(run), "MiB")
    longest = asyncio.run(refused_by_a_breaker(200 if report.quick else 2_000))
    report.note("the longest call while a breaker is open", longest * 1e3, "ms")
    report.write()


if __name__ == "__main__":
    main()
