"""The capping and throttling configurations among the examples: each is accepted or refused as it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import wayhook as wh

EXAMPLES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "custom-actions-examples.json").read_text(encoding="utf-8")
)
CAPPINGS = [example for example in EXAMPLES if example["kind"] == "capping"]
THROTTLINGS = [example for example in EXAMPLES if example["kind"] == "throttling"]
DOORS = {
    "capping": (wh.load_capping, wh.dump_capping, lambda rule: wh.CappingConfiguration("c", rule)),
    "throttling": (wh.load_throttling, wh.dump_throttling, lambda rule: wh.ThrottlingConfiguration("t", rule)),
}


def split(examples: list[dict[str, Any]], *, accepted: bool) -> list[Any]:
    """The examples that are accepted, or those that are not, by their names."""
    return [pytest.param(e, id=e["id"]) for e in examples if e["expected"]["accepted"] is accepted]


def test_the_examples_are_all_there() -> None:
    """There are ten cappings and seven throttlings."""
    assert (len(CAPPINGS), len(THROTTLINGS)) == (10, 7)


@pytest.mark.rule("R237", "R246", "R258", "R259", "R261")
@pytest.mark.parametrize("example", split(CAPPINGS + THROTTLINGS, accepted=True))
def test_an_accepted_example_can_be_deployed(example: dict[str, Any]) -> None:
    """It is read, breaks no rule, warns of what it says, and is written back equal."""
    load, dump, configure = DOORS[example["kind"]]

    rule = load(example["config"])
    verdict = configure(rule).can_deploy()

    assert dump(rule) == example["config"]
    assert wh.violations(rule) == ()
    assert verdict.status == example["expected"]["can_deploy"]["status"] == "ok"
    assert [warning.code for warning in verdict.warnings] == example["expected"]["can_deploy"].get("warnings", [])
    assert configure(rule).state == example["expected"].get("state", "created")


@pytest.mark.rule("R237", "R238", "R239", "R240", "R242", "R243", "R244", "R245", "R259", "R260", "R262", "R263")
@pytest.mark.parametrize("example", split(CAPPINGS + THROTTLINGS, accepted=False))
def test_a_refused_example_says_its_code(example: dict[str, Any]) -> None:
    """It is refused with exactly the codes that the documentation answers with, each with a path."""
    load, _, _ = DOORS[example["kind"]]
    expected = example["expected"]

    with pytest.raises(wh.DocumentError) as refused:
        load(example["config"])

    codes = expected["errors"] if "errors" in expected else expected["can_deploy"]["errors"]
    assert [fault.code for fault in refused.value.violations] == codes
    assert all(fault.path.startswith("$.") for fault in refused.value.violations)


@pytest.mark.rule("R248")
def test_an_absent_connection_limit_is_deployed_by_edition() -> None:
    """The optimizer deploys -1 where no limit of connections is set, the orchestration nothing."""
    [example] = [each for each in CAPPINGS if "deployed_max_http_connections" in each["expected"]]
    made = wh.CappingConfiguration("c", wh.load_capping(example["config"]))

    deployed = [
        made.deployed(guardrails=edition).deployed_rule.data_source.max_http_connections
        for edition in (wh.Guardrails.journey_optimizer(), wh.Guardrails.journey_orchestration())
    ]

    assert deployed == [example["expected"]["deployed_max_http_connections"]["AJO"], None]


@pytest.mark.rule("R215", "R216")
async def test_the_scenario_of_the_first_example() -> None:
    """Of 200 calls within a second the first 100 are sent; nobody has a place after them."""
    from wayhook.testing import FakeClock

    limiter = wh.WindowLimiter([wh.load_capping(CAPPINGS[0]["config"])], clock=FakeClock())
    sent = 0

    for _ in range(200):
        try:
            async with limiter.place("POST", "https://api.reach.example/v2/messages"):
                sent += 1
        except wh.Discarded:
            pass

    assert sent == 100
