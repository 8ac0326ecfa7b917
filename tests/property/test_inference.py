"""Property: a sample that is inferred and rendered is the sample again."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wayhook as wh
from wayhook.rendering.answer import compile_answer

texts = st.text(st.characters(codec="utf-8"), max_size=12)
names = texts.filter(lambda name: name and "." not in name and not name.startswith("$"))
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
solid = st.booleans() | numbers | texts


def objects(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """JSON objects with legal names; an empty one is no payload at all."""
    values = st.recursive(
        leaves, lambda below: st.lists(below, max_size=4) | st.dictionaries(names, below, max_size=4), max_leaves=20
    )
    return st.dictionaries(names, values, min_size=1, max_size=5)


def body(sample: dict[str, Any] | str, *, nulls: bool = False) -> Any:
    """The payload that a sample gives."""
    action = wh.Action(
        name="Act",
        url_configuration=wh.UrlConfiguration("https://h.example"),
        message_parameters=wh.message_parameters(sample),
        allow_null_values=nulls,
    )
    return json.loads(wh.preview(action).body or b"")


def same(left: Any, right: Any) -> bool:
    """Equal with every type: `1`, `1.0` and `true` are three values, and so are the two zeros."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[name], right[name]) for name in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float):
        return left == right and math.copysign(1, left) == math.copysign(1, right)
    return bool(left == right)


def without_nulls(value: Any, *, kept_in_objects: bool) -> Any:
    """What the rules say of nulls: dropped from arrays always, from objects unless the switch keeps them."""
    if isinstance(value, dict):
        items = ((name, below) for name, below in value.items() if kept_in_objects or below is not None)
        return {name: without_nulls(below, kept_in_objects=kept_in_objects) for name, below in items}
    if isinstance(value, list):
        return [without_nulls(item, kept_in_objects=kept_in_objects) for item in value if item is not None]
    return value


@pytest.mark.rule("R136", "R137", "R138")
@given(objects(solid), st.booleans())
def test_a_sample_without_nulls_is_the_payload(sample: dict[str, Any], nulls: bool) -> None:  # noqa: FBT001
    """Order, types and every digit come through, whether pasted as text or given as an object."""
    assert same(body(sample, nulls=nulls), sample)
    assert same(body(json.dumps(sample), nulls=nulls), sample)


@pytest.mark.rule("R151", "R152")
@given(objects(solid | st.none()), st.booleans())
def test_a_sample_with_nulls_loses_what_the_switch_says(sample: dict[str, Any], nulls: bool) -> None:  # noqa: FBT001
    """Exactly the nulls of arrays go, and those of objects without the switch; nothing else changes."""
    assert same(body(sample, nulls=nulls), without_nulls(sample, kept_in_objects=nulls))


@given(objects(solid), st.data())
def test_a_variable_filled_with_the_sample_is_the_payload_too(sample: dict[str, Any], data: st.DataObject) -> None:
    """Turning a field into a variable and giving it the value that it had changes nothing."""
    parameters = wh.message_parameters(sample)
    possible = [
        parameter.name
        for parameter in parameters
        if parameter.data_type not in (wh.DataType.OBJECT, wh.DataType.LIST_ANY, wh.DataType.LIST_OBJECT)
    ]
    chosen = data.draw(st.sets(st.sampled_from(possible)) if possible else st.just(set()))
    action = wh.Action(
        name="Act",
        url_configuration=wh.UrlConfiguration("https://h.example"),
        message_parameters=wh.message_parameters(sample, variables=dict.fromkeys(chosen, "")),
    )

    call = wh.preview(action, {name: sample[name] for name in chosen})

    assert same(json.loads(call.body or b""), sample)


@pytest.mark.rule("R176", "R179", "R180")
@given(objects(texts | st.booleans()))
def test_an_answer_like_its_sample_is_read_without_a_fault(sample: dict[str, Any]) -> None:
    """What was declared by a sample is read from that sample; only what the first object lacks is not declared."""
    action = wh.Action(
        name="Act", url_configuration=wh.UrlConfiguration("https://h.example"), response=wh.payload(sample)
    )

    fields, faults = compile_answer(action)(wh.Response(200, (), json.dumps(sample).encode()))

    assert isinstance(fields, dict)
    assert list(fields) == list(sample)
    scalars = {name: value for name, value in sample.items() if not isinstance(value, dict | list)}
    assert {name: fields[name] for name in scalars} == scalars
    assert all("[" in fault for fault in faults)
