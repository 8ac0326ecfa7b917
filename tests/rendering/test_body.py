"""Bodies beyond plain JSON: forms, raw texts, lists of objects in lists of objects, types that were corrected."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wayhook as wh

OPTIMIZER, ORCHESTRATION = wh.Guardrails.journey_optimizer(), wh.Guardrails.journey_orchestration()
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def action(sample: dict[str, Any], variables: dict[str, Any] | None = None, **parts: Any) -> wh.Action:
    """An action with a payload."""
    types, headers = parts.pop("types", None), parts.pop("headers", {})
    return wh.Action(
        name="Send",
        url_configuration=wh.UrlConfiguration("https://api.example.com/v1", headers=headers),
        message_parameters=wh.message_parameters(sample, variables=variables, types=types),
        **parts,
    )


def body(made: wh.Action, values: dict[str, Any] | None = None) -> bytes | None:
    """The body of a call with these values."""
    return wh.preview(made, values or {}).body


def rules(made: wh.Action, guardrails: wh.Guardrails | None = None) -> list[tuple[str, str]]:
    """Paths and rules of what is wrong."""
    return [(violation.path, violation.rule) for violation in wh.violations(made, guardrails=guardrails)]


def test_a_form_is_encoded_as_forms_are() -> None:
    """Constants, variables and lists become fields in order; numbers stay exact; the Content-Type says so."""
    made = action(
        {"a b": "é&=", "n": 1, "tags": ["x", "y"], "on": True},
        {"n": "Number", "tags": "Tags"},
        types={"n": "decimal"},
        body_format="form",
    )

    call = wh.preview(made, {"n": Decimal("1.10"), "tags": ["1 2", None, "ü"]})

    assert call.body == b"a+b=%C3%A9%26%3D&n=1.10&tags=1+2&tags=%C3%BC&on=true"
    assert call.headers[0] == ("Content-Type", "application/x-www-form-urlencoded")


@pytest.mark.parametrize(("nulls", "expected"), [(False, b"b=1"), (True, b"a=&b=1&c=&l=")])
def test_a_null_of_a_form_is_left_out_or_empty(nulls: bool, expected: bytes) -> None:  # noqa: FBT001
    """Without the switch a null has no field; with it an empty one."""
    optional = wh.variable("V", optional=True)
    made = action(
        {"a": "x", "b": 1, "c": None, "l": ["x"]}, {"a": optional, "l": optional}, body_format="form",
        allow_null_values=nulls,
    )  # fmt: skip

    assert body(made) == expected


@pytest.mark.rule("R160")
def test_a_fault_in_a_list_of_a_form_names_the_item() -> None:
    """As in JSON: all faults at once, each with its place."""
    made = action({"l": ["x"]}, {"l": "L"}, body_format="form")

    with pytest.raises(wh.WrongType) as caught:
        body(made, {"l": ["a", 1, None, 2.5]})

    assert [violation.path for violation in caught.value.violations] == ["$.parameters.l[1]", "$.parameters.l[3]"]


@given(st.dictionaries(st.sampled_from("abcde"), TEXTS, min_size=1))
def test_every_form_is_read_back_as_it_was_meant(values: dict[str, str]) -> None:
    """Whatever the texts hold, a parser of forms finds the same pairs."""
    made = action(dict.fromkeys(values, "x"), dict.fromkeys(values, "V"), body_format="form")

    sent = body(made, values)

    assert dict(parse_qsl((sent or b"").decode(), keep_blank_values=True, strict_parsing=True)) == values


@pytest.mark.rule("R135")
def test_a_form_holds_single_values_and_lists() -> None:
    """An object in a form is refused with its place, and the products' editions have no forms at all."""
    made = action({"a": {"b": 1}, "c": [{"d": 1}], "e": ["x", 1], "f": [1]}, body_format="form")

    assert rules(made) == [(f"$.message_parameters[{i}]", "R135") for i in range(3)]
    assert rules(action({"a": 1}, body_format="form")) == []
    assert rules(action({"a": 1}, body_format="form"), OPTIMIZER) == [("$.body_format", "R135")]
    with pytest.raises(wh.DefinitionError):
        wh.preview(made)


def test_a_raw_body_is_the_text() -> None:
    """One text parameter is the body, byte for byte; the Content-Type is free."""
    made = action({"text": "x"}, {"text": "Text"}, body_format="raw", headers={"Content-Type": "application/xml"})

    assert body(made, {"text": "<é>\n"}) == "<é>\n".encode()
    assert rules(made) == []
    assert wh.preview(action({"text": "x"}, body_format="raw")).headers[0] == ("Content-Type", "text/plain")
    optional = action({"text": "x"}, {"text": wh.variable("Text", optional=True)}, body_format="raw")
    assert body(optional) is None


@pytest.mark.rule("R77", "R135")
@pytest.mark.parametrize("sample", [{"a": 1}, {"a": "x", "b": "y"}, {"a": ["x"]}])
def test_a_raw_body_is_one_text(sample: dict[str, Any]) -> None:
    """Another type, or several parameters, are refused; so is a Content-Type that is none."""
    assert rules(action(sample, body_format="raw")) == [("$.message_parameters", "R135")]
    bad = action({"a": "x"}, body_format="raw", headers={"Content-Type": "what"})
    assert [rule for _, rule in rules(bad)] == ["R77"]
    form = action({"a": "x"}, body_format="form", headers={"Content-Type": "application/json; x=1"})
    assert [rule for _, rule in rules(form)] == ["R77"]


def test_a_body_format_is_one_of_three() -> None:
    """Another word is refused."""
    with pytest.raises(wh.DefinitionError, match="json, form, raw"):
        action({"a": 1}, body_format="xml")


ORDERS = {"orders": [{"id": 1, "lines": [{"sku": "a", "tags": ["x"]}]}]}


@pytest.mark.rule("R164", "R166", "R168", "R169")
def test_lists_of_objects_vary_inside_of_lists_of_objects() -> None:
    """Beyond the products, inner lists are filled, mapped and checked like outer ones."""
    made = action(ORDERS, {"orders": "Orders"})
    activity = wh.ActionActivity(
        "Send", label="a", parameters={"orders": wh.expression("@event{E.orders}")},
        fields={"orders.lines": "positions", "orders.lines.sku": "article.number"},
    )  # fmt: skip
    positions = [{"article": {"number": "7"}, "tags": ["p", None], "more": 1}, {"article": {"number": "8"}}]
    context = wh.Context({"E": {"orders": [{"id": 1, "positions": positions}, {"id": 2, "positions": []}]}})

    sent = wh.preview(wh.Journey("J", [activity]), "a", context, actions=made).body

    assert json.loads(sent or b"") == {
        "orders": [{"id": 1, "lines": [{"sku": "7", "tags": ["p"]}, {"sku": "8"}]}, {"id": 2, "lines": []}]
    }
    assert [rules(made, rails) for rails in (None, OPTIMIZER)] == [[], [("$.message_parameters[0]", "R169")]]


@pytest.mark.rule("R168", "R169")
def test_each_edition_has_its_nesting() -> None:
    """Nested arrays as constants are the optimizer's; the orchestration has none."""
    made = action(ORDERS)

    assert [rules(made, rails) for rails in (None, OPTIMIZER)] == [[], []]
    assert rules(made, ORCHESTRATION) == [("$.message_parameters[0]", "R168")]


def test_a_fault_of_an_inner_item_is_named_by_its_place() -> None:
    """A wrong type deep in the data is reported with the whole path."""
    made = action(ORDERS, {"orders": "Orders"})

    with pytest.raises(wh.WrongType) as caught:
        wh.preview(made, {"orders": [{"id": 1, "lines": [{"sku": "a"}, {"sku": 7}]}]})

    assert [violation.path for violation in caught.value.violations] == ["$.parameters.orders[0].lines[1].sku"]


@pytest.mark.rule("R139")
def test_an_inferred_type_is_corrected() -> None:
    """Scalars change among each other and so do lists of them; inner fields have types and labels of their own."""
    made = wh.message_parameters(
        {"at": "2030-01-02T03:04:05Z", "n": 1, "days": ["2030-01-02"], "none": [], "l": [{"id": 1}]},
        variables={"l": "Lines", "l.id": "Line number"},
        types={
            "at": "dateTime",
            "n": wh.DataType.DECIMAL,
            "days": "listDateOnly",
            "none": "listInteger",
            "l.id": "string",
        },
    )

    found = {parameter.name: str(parameter.data_type) for parameter in made}
    assert found == {
        "at": "dateTime", "n": "decimal", "days": "listDateOnly", "none": "listInteger", "l": "listObject",
    }  # fmt: skip
    [inner] = made[4].parameters
    assert (inner.data_type, inner.label) == ("string", "Line number")
    assert made[2].parameters[0].data_type == "dateOnly"


@pytest.mark.rule("R139", "R143", "R171")
@pytest.mark.parametrize(
    ("parts", "path", "rule"),
    [
        ({"types": {"o": "string"}}, "$.o", "R139"),
        ({"types": {"s": "object"}}, "$.s", "R139"),
        ({"types": {"l": "listObject"}}, "$.l", "R139"),
        ({"types": {"s": "float"}}, "$.s", "R143"),
        ({"types": {"nothing": "string"}}, "$.nothing", ""),
        ({"types": 7}, "$.types", ""),
        ({"variables": {"n": "N"}}, "$.n", "R171"),
        ({"variables": {"m": "M"}}, "$.m", "R170"),
    ],
)
def test_what_cannot_be_corrected_is_refused(parts: dict[str, Any], path: str, rule: str) -> None:
    """An object or a list stays one, a type is a known one, and a path is of the sample."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.message_parameters({"o": {"a": 1}, "s": "x", "l": ["x"], "n": [["x"]], "m": ["x", 1]}, **parts)

    assert [(violation.path, violation.rule) for violation in caught.value.violations] == [(path, rule)]


@pytest.mark.rule("R171", "R172")
def test_the_items_of_a_mixed_array_vary_one_by_one() -> None:
    """An array of arrays, or of mixed items, is constant; its items may be variables."""
    made = action({"m": ["a", None, 0, ["b"]]}, {"m.0": "First", "m.3.0": "Inner"})

    assert body(made, {"m.0": "x", "m.3.0": "y"}) == b'{"m":["x",0,["y"]]}'
