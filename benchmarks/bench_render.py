"""Render one request: wayhook's compiled plan against jinja2 templates, and against a copy and json.dumps."""

from __future__ import annotations

import json
from time import perf_counter

from measure import Report, turns
from order import action, by_hand, contexts, events, journey, path, values
from template import by_jinja2

from wayhook.rendering.plan import Given, plan_activity, plan_values

URL = "https://orders.example.com"


def as_parts(call) -> tuple[str, dict, bytes]:
    return call.url, dict(call.headers), call.body


def timed(render, subjects: list) -> float:
    """Seconds per call."""
    start = perf_counter()
    for subject in subjects:
        render(subject)
    return (perf_counter() - start) / len(subjects)


def main() -> None:
    report = Report("Render one request: 12 fields, 4 variables, a variable header and a path", "jinja2")
    count, rounds = (1_000, 5) if report.quick else (10_000, 15)
    happened = list(events(count))
    by_context, by_values = plan_activity(action(URL), journey().activity("confirm")), plan_values(action(URL))
    contenders = {
        "wayhook, expressions": (by_context.render, list(contexts(count))),
        "wayhook, values": (by_values.render, [Given(values(event), path(event)) for event in happened]),
        "jinja2 + json": (lambda event: by_jinja2(URL, event), happened),
        "copy + json.dumps": (lambda event: by_hand(URL, event), happened),
    }

    for i, event in enumerate(happened):
        expected = by_jinja2(URL, event)
        assert json.loads(expected[2])["customer"]["name"] == event["customer"]["name"]
        assert by_hand(URL, event) == expected
        assert as_parts(by_context.render(contenders["wayhook, expressions"][1][i])) == expected
        assert as_parts(by_values.render(contenders["wayhook, values"][1][i])) == expected
    print(f"{count:,} requests are equal from all contenders: URL, headers, {len(expected[2])} bytes of body")

    seconds = {name: [] for name in contenders}
    for name in turns(contenders, rounds):
        seconds[name].append(timed(*contenders[name]))
    report.table(f"{count:,} calls a round", seconds, baseline="jinja2 + json")
    report.write()


if __name__ == "__main__":
    main()
