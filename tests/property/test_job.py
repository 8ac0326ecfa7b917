"""Jobs: whatever is handed over comes back as it was, or is refused with its path."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta, timezone
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import wayhook as wh
from wayhook.formats.job import dumps_job, loads_job

OFFSETS = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
SINGLE = (
    st.none()
    | st.booleans()
    | st.integers(-(2**1000), 2**1000)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(allow_nan=False, allow_infinity=False, places=3)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.datetimes(timezones=st.none() | OFFSETS).map(lambda moment: moment.replace(fold=0))  # says nothing here
    | st.dates()
    | st.timedeltas()
)
NAMES = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    ["$", "$decimal", "$date", "$datetime", "$duration", "$object"]
)
VALUES = st.dictionaries(
    NAMES, st.recursive(SINGLE, lambda below: st.lists(below) | st.dictionaries(NAMES, below), max_leaves=20)
)


@given(VALUES)
def test_any_values_come_back(values: dict[str, Any]) -> None:
    """To the last digit, of the same types, in the same order."""
    found = loads_job(dumps_job(wh.Job.call("Send", values))).values

    assert repr(found) == repr(values)


@given(VALUES, VALUES)
def test_any_context_comes_back(events: dict[str, Any], journey: dict[str, Any]) -> None:
    """Its parts are told apart, whatever they hold."""
    context = wh.Context(events, journey=journey, answers=[wh.DataSourceAnswer("A.b", events, journey)])

    found = loads_job(dumps_job(wh.Job.execute("Welcome", "day1", context))).context

    assert found is not None
    assert repr((found.events, found.journey)) == repr((events, journey))
    assert repr((found.answers[0].params, found.answers[0].data)) == repr((events, journey))


@given(st.text(), st.sampled_from(["{}", '{"wayhook":1,"kind":"job","action":"A","values":%s,"path":"","timeout":1}']))
def test_any_text_is_read_or_refused(text: str, whole: str) -> None:
    """As a document of ours, whoever wrote it."""
    for document in (text, whole.replace("%s", text)):
        with suppress(wh.DocumentError):
            assert isinstance(loads_job(document), wh.Job)
