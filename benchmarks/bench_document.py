"""Reading 1,000 actions from JSON: with `wayhook.loads`, from one export, and with plain cattrs from orjson.

Plain cattrs makes values of the same classes, which check themselves as they are made. It has a hook for each union and
trusts the document: names may stand twice, unknown ones are read over, and a fault is told without its place.
"""

from __future__ import annotations

import json
from decimal import Decimal
from time import process_time
from typing import Any, get_args

import attrs
import cattrs
import orjson
from measure import Report, turns
from order import action

import wayhook as wh
from wayhook.formats.bundle import Bundle, dump_bundle, load_bundle

BASELINE = "cattrs + orjson"


def plain_converter() -> cattrs.Converter:
    """Read what the documents of this benchmark hold, and check nothing beyond."""
    converter = cattrs.Converter()

    def read(value: Any, _: Any) -> Any:
        return wh.Variable(value["variable"]) if isinstance(value, dict) else value

    converter.register_structure_hook_func(lambda kind: {str, wh.Variable} <= {*get_args(kind)}, read)
    converter.register_structure_hook_func(lambda kind: Decimal in get_args(kind), lambda value, _: value)
    converter.register_structure_hook(wh.Authentication, lambda _, __: wh.NoAuthentication())
    return converter


def main() -> None:
    report = Report("Reading 1,000 actions from JSON, processor time", "cattrs", "orjson", "attrs")
    values = [attrs.evolve(action(f"https://h{i % 97}.example.com"), name=f"Action{i:04}") for i in range(1_000)]
    texts = [wh.dumps(value) for value in values]
    draft = wh.Journey("Everything", [wh.ActionActivity(value.name, label=value.name) for value in values])
    export = json.dumps(dump_bundle(wh.Stored(draft, 1), tuple(wh.Stored(value, 1) for value in values)))
    converter = plain_converter()

    def by_cattrs() -> list[wh.Action]:
        return [converter.structure(orjson.loads(text), wh.Action) for text in texts]

    def by_export() -> list[wh.Action]:
        bundle: Bundle = load_bundle(export)
        return list(bundle.actions)

    contenders = {
        BASELINE: by_cattrs,
        "wayhook.loads, 1,000 documents": lambda: [wh.loads(text) for text in texts],
        "wayhook, an export of 1,000 actions": by_export,
        "orjson.loads alone": lambda: [orjson.loads(text) for text in texts],
        "json.loads alone": lambda: [json.loads(text) for text in texts],
    }
    for name, read in contenders.items():
        assert name.endswith("alone") or read() == values, name
    print(f"all read {len(values):,} equal actions from {len(texts[0]):,} characters each")

    seconds = {name: [] for name in contenders}
    for name in turns(contenders, 3 if report.quick else 15):
        start = process_time()
        contenders[name]()
        seconds[name].append((process_time() - start) / len(values))
    report.table("one action of 12 fields", seconds, baseline=BASELINE)
    report.write()


if __name__ == "__main__":
    main()
