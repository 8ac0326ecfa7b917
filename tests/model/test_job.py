"""Jobs: what is handed over, and what is none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

import wayhook as wh
from wayhook.formats.job import dumps_job, loads_job

CONTEXT = wh.Context({"Signup": {"phone": "+33"}})


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        ({}, ["$.action", "$.values"]),
        ({"action": "", "values": 7, "path": 7, "timeout": "1"}, ["$.action", "$.values", "$.path", "$.timeout"]),
        ({"action": "A", "values": {}, "timeout": True}, ["$.timeout"]),
        ({"action": "A", "values": {}, "label": "day1"}, ["$.journey"]),
        ({"journey": 7, "label": "", "context": {}}, ["$.journey", "$.label", "$.context"]),
        ({"journey": "J", "label": "a", "context": CONTEXT, "path": "x"}, ["$.action"]),
        ({"journey": "J", "label": "a", "context": CONTEXT, "delivery_id": "ü"}, ["$.delivery_id"]),
        ({"action": "A", "values": {}, "not_before": datetime(2030, 1, 1)}, ["$.not_before"]),  # noqa: DTZ001
        ({"action": "A", "values": {}, "not_before": "now", "delivery_id": 7}, ["$.delivery_id", "$.not_before"]),
    ],
)
def test_what_is_no_job_is_refused(given: dict[str, Any], paths: list[str]) -> None:
    """With everything that is wrong, at once."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.Job(**given)

    assert [violation.path for violation in caught.value.violations] == paths


def test_its_text_shows_no_data() -> None:
    """Who logs a job tells which it is, and nothing of the individual."""
    when = datetime(2030, 1, 1, tzinfo=UTC)
    job = wh.Job.execute("Welcome", "day1", CONTEXT, delivery_id="o-1", not_before=when)

    assert repr(job) == "<Job Welcome day1, delivery id o-1, not before 2030-01-01T00:00:00+00:00>"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("no JSON", "$"),
        ("[]", "$"),
        ('{"wayhook":2,"kind":"job","action":"A","values":{},"path":"","timeout":null}', "$.wayhook"),
        ('{"wayhook":1,"kind":"action","action":"A","values":{},"path":"","timeout":null}', "$.kind"),
        ('{"wayhook":1,"kind":"job","action":"A","values":{},"path":""}', "$.timeout"),
        ('{"wayhook":1,"kind":"job","action":"A","values":{},"path":"","timeout":null,"x":1}', "$.x"),
        ('{"wayhook":1,"kind":"job","action":"A","values":{"a":{"$new":1}},"path":"","timeout":null}', "$.values.a"),
        ('{"wayhook":1,"kind":"job","action":"A","values":{"a":{"$date":7}},"path":"","timeout":null}', "$.values.a"),
        (
            '{"wayhook":1,"kind":"job","action":"A","values":{"a":{"$decimal":"NaN"}},"path":"","timeout":1}',
            "$.values.a",
        ),
        ('{"wayhook":1,"kind":"job","action":"A","values":[],"path":"","timeout":null}', "$.values"),
        ('{"wayhook":1,"kind":"job","journey":"J","label":"a","context":[]}', "$.context"),
        ('{"wayhook":1,"kind":"job","journey":"J","label":"a","context":{"random_uuid":1}}', "$.context"),
        ('{"wayhook":1,"kind":"job","journey":"J","label":"a","context":{"answers":[{}]}}', "$.context.answers"),
        ('{"wayhook":1,"kind":"job","journey":"J","label":"a","context":{"events":7}}', "$.events"),
    ],
)
def test_a_document_that_is_none_is_refused(text: str, path: str) -> None:
    """What nobody wrote is told by its path, as an error of documents."""
    with pytest.raises(wh.DocumentError) as caught:
        loads_job(text)

    assert [violation.path for violation in caught.value.violations] == [path]


@pytest.mark.parametrize(
    "value",
    [
        '{"$decimal":"1","more":2}',
        '{"more":2,"$decimal":"1"}',
        '{"$object":{"a":1},"more":2}',
        '{"$duration":[1,2]}',
        '{"$duration":[1,2,3,4]}',
        '{"$duration":{"a":1,"b":2,"c":3}}',
    ],
)
def test_no_part_of_a_value_is_passed_over(value: str) -> None:
    """What this wayhook does not know all of, a newer one may have written: it is no value here."""
    with pytest.raises(wh.DocumentError, match="a newer one may have written it") as caught:
        loads_job(f'{{"wayhook":1,"kind":"job","action":"A","values":{{"a":{value}}},"path":"","timeout":null}}')

    assert [violation.path for violation in caught.value.violations] == ["$.values.a"]


def test_randomness_of_ones_own_is_not_handed_over() -> None:
    """A function stays in its process."""
    context = wh.Context({}, random_uuid=lambda: None)  # type: ignore[arg-type, return-value]  # never called

    with pytest.raises(wh.DefinitionError, match=r"\$\.context\.random_uuid"):
        dumps_job(wh.Job.execute("Welcome", "day1", context))


def test_a_job_has_a_size() -> None:
    """What is too large for a store is refused when it is handed over."""
    with pytest.raises(wh.DefinitionError, match="5,000,000"):
        dumps_job(wh.Job.call("A", {"a": "x" * 5_000_000}))
