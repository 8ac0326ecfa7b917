"""Evaluate ten typical expressions, against Python functions that do the same; parse and check a longer one."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from time import process_time
from typing import Any

from measure import Report, spread, turns

import wayhook as wh

BLANK = re.compile(" ")
NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
CONTEXT = wh.Context(
    {
        "Order": {
            "id": "o-1009",
            "campaign": "spring",
            "total": 120.5,
            "count": 3,
            "name": "Ann Lee",
            "country": "FR",
            "phone": "+33 6 00 00 00 00",
            "lines": [{"sku": f"s{i}", "price": 10.0 * i} for i in range(10)],
        }
    },
    now=NOW,
)
LONG = (
    "concat(upper(@event{Order.name, defaultValue: 'friend'}), '-') + (1 + 2 * 3) + '/' + "
    "toString(@event{Order.count}) + substr('abcdef', 0, 3) == 'x' and not (@event{Order.total} > 100.5 or true) "
    "or false"
)


def field(context: wh.Context, name: str) -> Any:
    """A field of the event, None when it or the event is absent."""
    return (context.events.get("Order") or {}).get(name)


def path(context: wh.Context) -> str | None:
    value = field(context, "id")
    return None if value is None else f"orders/{value}"


def two_fields(context: wh.Context) -> str | None:
    campaign, number = field(context, "campaign"), field(context, "id")
    return None if campaign is None or number is None else f"{campaign}/{number}"


def greeting(context: wh.Context) -> str:
    name = field(context, "name")
    return "Hello, " + (name if name is not None else "friend") + "!"


def tier(context: wh.Context) -> str:
    total = field(context, "total")
    return "gold" if total is not None and total > 100 else "silver"


def shouted(context: wh.Context) -> str | None:
    name = field(context, "name")
    return None if name is None else name.upper()


def is_near(context: wh.Context) -> bool:
    return field(context, "country") in ("FR", "BE", "LU")


def digits(context: wh.Context) -> str | None:
    phone = field(context, "phone")
    return None if phone is None else BLANK.sub("", phone)


def dear_lines(context: wh.Context) -> int:
    return len([line for line in field(context, "lines") or () if line.get("price") is not None and line["price"] > 45])


def plus_one(context: wh.Context) -> int | None:
    count = field(context, "count")
    return None if count is None else count + 1


def day(context: wh.Context) -> str:
    return "sent " + context.now.date().isoformat()  # type: ignore[union-attr]


TYPICAL: dict[str, Callable[[wh.Context], Any]] = {
    "'orders/' + @event{Order.id}": path,
    "@event{Order.campaign} + '/' + @event{Order.id}": two_fields,
    "'Hello, ' + @event{Order.name, defaultValue: 'friend'} + '!'": greeting,
    "if (@event{Order.total} > 100) then ('gold') else ('silver')": tier,
    "upper(@event{Order.name})": shouted,
    "in(@event{Order.country}, ['FR', 'BE', 'LU'])": is_near,
    "replaceAll(@event{Order.phone}, ' ', '')": digits,
    "count(@event{Order.lines.all(currentEventField.price > 45)})": dear_lines,
    "@event{Order.count} + 1": plus_one,
    "'sent ' + toDateOnly(now())": day,
}


def timed(function: Callable[[Any], Any], given: Any, count: int) -> float:
    """Seconds of CPU per call: nothing waits here, and the machine may be shared."""
    start = process_time()
    for _ in range(count):
        function(given)
    return (process_time() - start) / count


def main() -> None:
    report = Report("Evaluate ten typical expressions")
    count, rounds = (2_000, 5) if report.quick else (20_000, 15)
    slowest = 0.0
    for text, by_hand in TYPICAL.items():
        evaluate = wh.expression(text).evaluate
        assert evaluate(CONTEXT) == by_hand(CONTEXT), text
        contenders = {"by hand": by_hand, "wayhook": evaluate}
        seconds = {name: [] for name in contenders}
        for name in turns(contenders, rounds):
            seconds[name].append(timed(contenders[name], CONTEXT, count))
        report.table(text, seconds, baseline="by hand")
        ratios = [own / base for own, base in zip(seconds["wayhook"], seconds["by hand"], strict=True)]
        slowest = max(slowest, spread(ratios)["median"])
    report.note("the slowest takes, in times of the hand-written function", slowest, "times")
    wh.expression(LONG)
    parsed = [timed(wh.expression, LONG, count // 20) for _ in range(rounds)]
    report.note(f"parse and check of {len(LONG)} characters, median", spread(parsed)["median"] * 1e6, "µs")
    report.note(f"parse and check of {len(LONG)} characters, longest", max(parsed) * 1e6, "µs")
    report.write()


if __name__ == "__main__":
    main()
