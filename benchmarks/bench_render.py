"""Render one request: wayhook's compiled plan against jinja2 templates, and against a copy and json.dumps.

Three tables: the payload alone, a call in which nothing else varies, and the whole request with a path and a header.
CPU time, since nothing waits.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from time import process_time
from typing import Any

import attrs
from measure import Report, turns
from order import action, by_hand, contexts, copied, events, journey, path, values
from template import by_jinja2, payload_by_jinja2

import wayhook as wh
from wayhook.rendering.payload import compile_payload
from wayhook.rendering.plan import Given, plan_activity, plan_values
from wayhook.rendering.slot import Faults, Fill, Slot

URL = "https://orders.example.com"


def compiled_payload(slots: dict[str, Slot]) -> Callable[[Any], bytes]:
    """The payload of the plan, without what a call has beside it."""
    write = compile_payload(action(URL).message_parameters, slots, {}, nulls=False)
    return lambda subject: write(subject, Faults()).encode()


def payload_action() -> wh.Action:
    """The action with its payload and nothing else that varies."""
    return attrs.evolve(action(URL), url_configuration=wh.UrlConfiguration(f"{URL}/v1/orders"))


def payload_journey() -> wh.ActionActivity:
    return attrs.evolve(journey().activity("confirm"), path="", headers={})


def as_parts(call: wh.Call) -> tuple[str, dict, bytes | None]:
    return call.url, dict(call.headers), call.body


def timed(render: Callable[[Any], Any], subjects: list) -> float:
    """Seconds of CPU per call."""
    start = process_time()
    for subject in subjects:
        render(subject)
    return (process_time() - start) / len(subjects)


def measured(report: Report, title: str, contenders: dict[str, tuple[Callable[[Any], Any], list]], rounds: int) -> None:
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for name in turns(contenders, rounds):
        seconds[name].append(timed(*contenders[name]))
    report.table(title, seconds, baseline="jinja2 + json")


def main() -> None:
    report = Report("Render one request: 12 fields, 4 variables, a variable header and a path", "jinja2")
    count, rounds = (1_000, 5) if report.quick else (10_000, 15)
    happened, read = list(events(count)), list(contexts(count))
    given = [Given(values(event), path(event)) for event in happened]
    unnamed = [Given({k: v for k, v in each.values.items() if k != "X-Campaign"}) for each in given]
    use = journey().activity("confirm")
    whole, named = plan_activity(action(URL), use), plan_values(action(URL))
    payload, named_payload = plan_activity(payload_action(), payload_journey()), plan_values(payload_action())

    slots = {name: Slot(f"$.{name}", Fill.of(value), optional=False) for name, value in use.parameters}
    alone = compiled_payload(slots)

    for event, context, by_name, by_name_only in zip(happened, read, given, unnamed, strict=True):
        expected = by_jinja2(URL, event)
        assert json.loads(expected[2])["customer"]["name"] == event["customer"]["name"]
        assert by_hand(URL, event) == as_parts(whole.render(context)) == as_parts(named.render(by_name)) == expected
        assert (
            copied(event)
            == alone(context)
            == payload.render(context).body
            == named_payload.render(by_name_only).body
            == expected[2]
        )
    print(f"{count:,} requests are equal from all contenders: URL, headers, {len(expected[2])} bytes of body")

    contenders = {
        "wayhook": (alone, read),
        "jinja2 + json": (payload_by_jinja2, happened),
        "copy + json.dumps": (copied, happened),
    }
    measured(report, f"The payload; {count:,} a round", contenders, rounds)
    contenders = {
        "wayhook, expressions": (payload.render, read),
        "wayhook, values": (named_payload.render, unnamed),
        "jinja2 + json": (payload_by_jinja2, happened),
        "copy + json.dumps": (copied, happened),
    }
    measured(report, f"A call in which nothing but the payload varies; {count:,} a round", contenders, rounds)
    contenders = {
        "wayhook, expressions": (whole.render, read),
        "wayhook, values": (named.render, given),
        "jinja2 + json": (partial(by_jinja2, URL), happened),
        "copy + json.dumps": (partial(by_hand, URL), happened),
    }
    measured(report, f"The whole request; {count:,} a round", contenders, rounds)
    report.write()


if __name__ == "__main__":
    main()
