"""The context: the data that expressions read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

import wayhook as wh


def test_a_document_names_the_parts_as_the_language_does() -> None:
    """`event`, `datasource`, `action`, `journey` and `now` become the fields of a context."""
    context = wh.Context.from_document(
        {
            "event": {"Order": {"id": 1}},
            "datasource": {"Shop": {"g": {"f": 2}}},
            "action": {"Loyalty": {"points": 3}},
            "journey": {"externalKey": "k"},
            "now": "2030-01-02T03:04:05Z",
        }
    )

    assert context == wh.Context(
        {"Order": {"id": 1}},
        data_sources={"Shop": {"g": {"f": 2}}},
        actions={"Loyalty": {"points": 3}},
        journey={"externalKey": "k"},
        now=datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC),
    )
    assert wh.Context.from_document({}) == wh.Context()


def test_a_document_may_hold_the_time_itself() -> None:
    """A date and time, as YAML and other readers give one, is taken as it is; null is no time."""
    now = datetime(2030, 1, 2, tzinfo=UTC)

    assert wh.Context.from_document({"now": now}).now == now
    assert wh.Context.from_document({"now": None}).now is None


@pytest.mark.parametrize(
    ("document", "paths"),
    [
        ({"events": {}, "event": {}, "extra": 1}, ["$.events", "$.extra"]),
        ({"now": "tomorrow"}, ["$.now"]),
        ({"event": None}, ["$.event"]),
        ({"datasource": []}, ["$.datasource"]),
        ({"action": "text"}, ["$.action"]),
        ({"now": 7}, ["$.now"]),
    ],
)
def test_a_document_that_does_not_fit_is_refused_by_the_keys_it_has(document: dict[str, Any], paths: list[str]) -> None:
    """Every unknown key and every value of a wrong type is named by the document's own key."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.Context.from_document(document)

    assert [violation.path for violation in caught.value.violations] == paths


@pytest.mark.parametrize("given", [None, 5, [], "text"], ids=lambda given: type(given).__name__)
def test_a_part_of_a_context_is_a_mapping(given: object) -> None:
    """Anything else is refused with its type."""
    with pytest.raises(wh.DefinitionError, match=rf"\$\.actions: .* not {type(given).__name__}"):
        wh.Context(actions=given)  # type: ignore[arg-type]


def test_a_context_shows_names_and_no_data() -> None:
    """`repr` tells what is there, never what it holds: contexts are personal data."""
    context = wh.Context({"Order": {"phone": "+33600000000"}}, actions={"Loyalty": {"points": 3}})

    assert repr(context) == "<Context: events Order; actions Loyalty>"
    assert repr(wh.Context()) == "<Context: empty>"
