"""The payload: JSON bytes from constants and variables, nulls, lists and lists of objects."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

import wayhook as wh
from wayhook import DataType, MessageParameter

HERE = wh.UrlConfiguration("https://api.shop.example/v1")


def action(*parameters: MessageParameter, nulls: bool = False) -> wh.Action:
    """An action with these fields in its payload."""
    return wh.Action(name="Act", url_configuration=HERE, message_parameters=parameters, allow_null_values=nulls)


def inferred(sample: Any, variables: dict[str, Any] | None = None, *, nulls: bool = False) -> wh.Action:
    """An action with the payload of a sample."""
    return action(*wh.message_parameters(sample, variables=variables), nulls=nulls)


def body(made: wh.Action, values: dict[str, Any] | None = None) -> str:
    """The payload as text."""
    found = wh.preview(made, values).body
    assert found is not None
    return found.decode()


def variable(data_type: DataType, **parts: Any) -> MessageParameter:
    """A variable field `v`."""
    return MessageParameter("v", data_type, variable=wh.variable(**parts))


class Whole:
    """A number of somebody else's, such as numpy's."""

    def __index__(self) -> int:
        return 7


@pytest.mark.rule("R154", "R155", "R156", "R157", "R158", "R159", "R161")
@pytest.mark.parametrize(
    ("data_type", "value", "text"),
    [
        (DataType.STRING, "a", '"a"'),
        (DataType.STRING, "", '""'),
        (DataType.STRING, 'é"\\/\n\x00\x7f\u2028😀', '"é\\"\\\\/\\n\\u0000\x7f\u2028😀"'),
        (DataType.STRING, "null", '"null"'),
        (DataType.INTEGER, 2**63 - 1, "9223372036854775807"),
        (DataType.INTEGER, -(2**63), "-9223372036854775808"),
        (DataType.INTEGER, Whole(), "7"),
        (DataType.DECIMAL, 20, "20"),
        (DataType.DECIMAL, 20.1, "20.1"),
        (DataType.DECIMAL, -0.0, "-0.0"),
        (DataType.DECIMAL, Decimal("0.10"), "0.10"),
        (DataType.DECIMAL, Decimal("123456789012345678901234567890.1"), "123456789012345678901234567890.1"),
        (DataType.DECIMAL, 2**70, str(2**70)),
        (DataType.BOOLEAN, True, "true"),
        (DataType.BOOLEAN, False, "false"),
        (DataType.DATE_TIME, "2030-01-02T03:04:05Z", '"2030-01-02T03:04:05Z"'),
        (DataType.DATE_TIME, "2030-01-02T03:04:05.123+02:00", '"2030-01-02T03:04:05.123+02:00"'),
        (DataType.DATE_TIME, datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC), '"2030-01-02T03:04:05Z"'),
        (
            DataType.DATE_TIME,
            datetime(2030, 1, 2, 3, 4, 5, 6000, tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
            '"2030-01-02T03:04:05.006000-03:30"',
        ),
        (DataType.DATE_TIME_ONLY, "2030-01-02T03:04:05.000", '"2030-01-02T03:04:05.000"'),
        (DataType.DATE_TIME_ONLY, datetime(2030, 1, 2, 3, 4, 5), '"2030-01-02T03:04:05"'),  # noqa: DTZ001
        (DataType.DATE_ONLY, "2030-01-02", '"2030-01-02"'),
        (DataType.DATE_ONLY, date(2030, 1, 2), '"2030-01-02"'),
        (DataType.LIST_STRING, ["a", "b"], '["a","b"]'),
        (DataType.LIST_STRING, [], "[]"),
        (DataType.LIST_STRING, ("a",), '["a"]'),
        (DataType.LIST_INTEGER, range(3), "[0,1,2]"),
        (DataType.LIST_DECIMAL, [1, 2.5, Decimal("3.50")], "[1,2.5,3.50]"),
        (DataType.LIST_BOOLEAN, [True, False], "[true,false]"),
        (DataType.LIST_DATE_ONLY, [date(2030, 1, 2), "2030-01-03"], '["2030-01-02","2030-01-03"]'),
        (DataType.LIST_DATE_TIME, ["2030-01-02T03:04:05Z"], '["2030-01-02T03:04:05Z"]'),
        (DataType.LIST_DATE_TIME_ONLY, ["2030-01-02T03:04"], '["2030-01-02T03:04"]'),
        (DataType.LIST_INTEGER, [1, None, 2, 3], "[1,2,3]"),
    ],
)
def test_a_value_of_its_type_is_written_exactly(data_type: DataType, value: object, text: str) -> None:
    """Every data type has one JSON form; numbers lose no digit, dates keep their offset, text is UTF-8."""
    assert body(action(variable(data_type)), {"v": value}) == f'{{"v":{text}}}'


@pytest.mark.rule("R154", "R155", "R156", "R157", "R158", "R159", "R160", "R161")
@pytest.mark.parametrize(
    ("data_type", "value"),
    [
        (DataType.STRING, 1),
        (DataType.STRING, b"a"),
        (DataType.STRING, "\ud800"),
        (DataType.STRING, date(2030, 1, 2)),
        (DataType.INTEGER, 2**63),
        (DataType.INTEGER, 1.0),
        (DataType.INTEGER, "1"),
        (DataType.INTEGER, True),
        (DataType.INTEGER, int),
        (DataType.DECIMAL, "20"),
        (DataType.DECIMAL, True),
        (DataType.DECIMAL, float("nan")),
        (DataType.DECIMAL, float("-inf")),
        (DataType.DECIMAL, Decimal("NaN")),
        (DataType.DECIMAL, Decimal("sNaN")),
        (DataType.DECIMAL, 10**5000),
        (DataType.DECIMAL, 1j),
        (DataType.DECIMAL, float),
        (DataType.BOOLEAN, "true"),
        (DataType.BOOLEAN, 1),
        (DataType.DATE_TIME, "2030-01-02T03:04:05"),
        (DataType.DATE_TIME, "02/01/2030"),
        (DataType.DATE_TIME, "2030-02-30T03:04:05Z"),
        (DataType.DATE_TIME, datetime(2030, 1, 2)),  # noqa: DTZ001 - a local time
        (DataType.DATE_TIME, 0),
        (DataType.DATE_TIME_ONLY, "2030-01-02T03:04:05Z"),
        (DataType.DATE_TIME_ONLY, datetime(2030, 1, 2, tzinfo=UTC)),
        (DataType.DATE_ONLY, "2030-1-2"),
        (DataType.DATE_ONLY, "2030-02-30"),
        (DataType.DATE_ONLY, datetime(2030, 1, 2, tzinfo=UTC)),
        (DataType.LIST_STRING, "ab"),
        (DataType.LIST_STRING, b"ab"),
        (DataType.LIST_STRING, {"a": 1}),
        (DataType.LIST_STRING, {"a"}),
        (DataType.LIST_STRING, iter(["a"])),
    ],
    ids=lambda value: str(value) if isinstance(value, DataType) else type(value).__name__,
)
def test_a_value_of_another_type_is_refused_before_sending(data_type: DataType, value: object) -> None:
    """Nothing is converted silently; the fault names the place and the type, never the value."""
    with pytest.raises(wh.WrongType) as caught:
        body(action(variable(data_type)), {"v": value})

    assert [(v.path, v.rule) for v in caught.value.violations] == [("$.parameters.v", "R160")]


@pytest.mark.rule("R160")
@pytest.mark.parametrize(
    ("data_type", "value"),
    [
        (DataType.LIST_STRING, ["a", "\ud800", "b", "\udfff"]),
        (DataType.LIST_STRING, ("é", "\udfff", "ok", b"a")),
        (DataType.LIST_INTEGER, [1, True, 2, 2**63]),
        (DataType.LIST_DECIMAL, [1.5, float("nan"), 2, "2"]),
    ],
)
def test_every_item_of_a_list_that_does_not_fit_is_named(data_type: DataType, value: object) -> None:
    """A list is refused with the places of all faults, also where its other items are written at once."""
    with pytest.raises(wh.WrongType) as caught:
        body(action(variable(data_type)), {"v": value})

    assert [violation.path for violation in caught.value.violations] == ["$.parameters.v[1]", "$.parameters.v[3]"]


@pytest.mark.rule("R149", "R150", "R151", "R153")
@pytest.mark.parametrize("given", [{"v": None}, {}], ids=["null", "empty"])
@pytest.mark.parametrize(
    ("data_type", "kept"),
    [
        (DataType.STRING, '{"v":null}'),
        (DataType.INTEGER, '{"v":null}'),
        (DataType.DATE_ONLY, '{"v":null}'),
        (DataType.LIST_STRING, '{"v":[]}'),
    ],
)
def test_the_switch_decides_what_becomes_of_an_empty_optional_variable(
    data_type: DataType, kept: str, given: dict[str, Any]
) -> None:
    """With the switch a scalar is null and a list is empty; without it the key is left out."""
    parameter = variable(data_type, optional=True)

    assert body(action(parameter, nulls=True), given) == kept
    assert body(action(parameter), given) == "{}"


@pytest.mark.rule("R151")
def test_a_null_is_a_value_of_a_required_variable() -> None:
    """Required means filled in; a null that the data brings follows the switch."""
    parameter = variable(DataType.STRING)

    assert body(action(parameter, nulls=True), {"v": None}) == '{"v":null}'
    assert body(action(parameter), {"v": None}) == "{}"
    with pytest.raises(wh.MissingValue):
        body(action(parameter, nulls=True), {})


@pytest.mark.rule("R146", "R151", "R152", "R169", "R170", "R171")
@pytest.mark.parametrize(
    ("sample", "kept", "left_out"),
    [
        ('{"a":null}', '{"a":null}', "{}"),
        ('{"a":[1,null,2,3]}', '{"a":[1,2,3]}', '{"a":[1,2,3]}'),
        ('{"a":[null]}', '{"a":[]}', '{"a":[]}'),
        ('{"a":["a",null,0]}', '{"a":["a",0]}', '{"a":["a",0]}'),
        ('{"a":[["a",null],[]]}', '{"a":[["a"],[]]}', '{"a":[["a"],[]]}'),
        ('{"a":[{"b":null},null]}', '{"a":[{"b":null}]}', '{"a":[{}]}'),
        ('{"a":{"b":null,"c":{}}}', '{"a":{"b":null,"c":{}}}', '{"a":{"c":{}}}'),
        ('{"a":"null"}', '{"a":"null"}', '{"a":"null"}'),
    ],
)
def test_a_constant_null_follows_the_switch_and_never_stays_in_an_array(sample: str, kept: str, left_out: str) -> None:
    """Nulls of objects are kept or left out; nulls of arrays are dropped always."""
    assert body(inferred(sample, nulls=True)) == kept
    assert body(inferred(sample)) == left_out


@pytest.mark.rule("R174")
def test_constants_and_variables_keep_the_order_of_the_sample() -> None:
    """The payload is the sample with its variables replaced, compact and in UTF-8."""
    sample = {"z": "é", "v": 1, "y": {"b": [1, {"w": 2}], "a": 1.50}, "x": True}

    text = body(inferred(sample, {"v": "", "y.b.1.w": ""}), {"v": 8, "y.b.1.w": 9})

    assert text == '{"z":"é","v":8,"y":{"b":[1,{"w":9}],"a":1.5},"x":true}'


@pytest.mark.rule("R172")
def test_items_of_a_mixed_array_are_variables_one_by_one() -> None:
    """A null item leaves the array, also with the switch; the others keep their order."""
    made = inferred({"a": ["x", 1, ["y"]]}, {"a.0": "", "a.2.0": ""}, nulls=True)

    assert body(made, {"a.0": "new", "a.2.0": "deep"}) == '{"a":["new",1,["deep"]]}'
    assert body(made, {"a.0": None, "a.2.0": None}) == '{"a":[1,[]]}'
    assert body(made, {"a.0": "null", "a.2.0": "n"}) == '{"a":["null",1,["n"]]}'


@pytest.mark.rule("R63", "R64")
def test_no_message_parameters_means_no_body() -> None:
    """An action without a payload sends none; an empty object is a payload."""
    assert wh.preview(action()).body is None
    assert body(inferred({"o": {}})) == '{"o":{}}'


PRODUCTS = {"products": [{"id": 1, "name": "x", "tags": ["a"], "size": {"w": 1.5}}]}


@pytest.mark.rule("R163", "R164", "R165", "R167")
def test_a_variable_list_of_objects_sends_the_declared_fields_of_each() -> None:
    """The first object of the sample declares the fields; what else an item has is not sent."""
    made = inferred(PRODUCTS, {"products": "Products"})
    items = [
        {"id": 1, "name": "a", "tags": ["t", None], "size": {"w": 2, "h": 3}, "secret": "s"},
        {"size": {}, "id": 2},
        {},
        None,
    ]

    text = body(made, {"products": items})

    assert json.loads(text) == {
        "products": [{"id": 1, "name": "a", "tags": ["t"], "size": {"w": 2}}, {"id": 2, "size": {}}, {}]
    }


@pytest.mark.rule("R151", "R153")
def test_inside_of_a_list_of_objects_the_switch_holds_as_well() -> None:
    """With the switch an absent field is null, an absent list is empty, and a null item is still dropped."""
    made = inferred(PRODUCTS, {"products": "Products"}, nulls=True)

    assert json.loads(body(made, {"products": [{"id": 1, "size": {}}, None]})) == {
        "products": [{"id": 1, "name": None, "tags": [], "size": {"w": None}}]
    }
    assert body(made, {"products": None}) == '{"products":[]}'


@pytest.mark.rule("R160")
@pytest.mark.parametrize(
    ("items", "paths"),
    [
        ({"id": 1}, ["$.parameters.products"]),
        ("text", ["$.parameters.products"]),
        ([1], ["$.parameters.products[0]"]),
        ([{"id": 1}, {"id": "1"}, {"id": 2.5}], ["$.parameters.products[1].id", "$.parameters.products[2].id"]),
        ([{"tags": "a"}], ["$.parameters.products[0].tags"]),
        ([{"tags": ["a", 1]}], ["$.parameters.products[0].tags[1]"]),
        ([{"size": 1}], ["$.parameters.products[0].size"]),
        ([{"size": {"w": "1"}}], ["$.parameters.products[0].size.w"]),
    ],
)
def test_a_fault_in_a_list_of_objects_names_the_item_and_the_field(items: Any, paths: list[str]) -> None:
    """Every item is looked at; each fault has its place in the data."""
    with pytest.raises(wh.WrongType) as caught:
        body(inferred(PRODUCTS, {"products": ""}), {"products": items})

    assert [violation.path for violation in caught.value.violations] == paths


@pytest.mark.rule("R165", "R166")
def test_the_fields_of_a_list_may_come_from_other_names_and_deeper_places() -> None:
    """An activity maps a field to another name or a sub-path; what is not mapped keeps its name."""
    made = inferred({"products": [{"id": 1, "color": "red", "name": "x", "o": {"in": 1}}]}, {"products": ""})
    activity = wh.ActionActivity(
        "Act",
        label="a",
        parameters={"products": wh.expression("@event{E.cart}")},
        fields={"products.id": "productId", "products.color": "details.color", "products.o.in": "deep.er"},
    )
    cart = [
        {"productId": 1, "details": {"color": "blue"}, "name": "a", "id": 99, "o": {"deep": {"er": 5}, "in": 98}},
        {"productId": 2, "details": "none", "name": "b"},
    ]

    call = wh.preview(wh.Journey("J", [activity]), "a", wh.Context({"E": {"cart": cart}}), actions=[made])

    assert json.loads(call.body or b"") == {
        "products": [{"id": 1, "color": "blue", "name": "a", "o": {"in": 5}}, {"id": 2, "name": "b"}]
    }


@pytest.mark.rule("R166")
def test_a_fault_below_a_mapped_field_names_the_place_in_the_data() -> None:
    """The reader looks for the fault in the data, by the name that it has there."""
    activity = wh.ActionActivity(
        "Act", label="a", parameters={"list": [{"deep": {"er": "text"}}]}, fields={"list.id": "deep.er"}
    )

    with pytest.raises(wh.WrongType) as caught:
        wh.preview(
            wh.Journey("J", [activity]), "a", wh.Context(), actions=inferred({"list": [{"id": 1}]}, {"list": ""})
        )

    assert [violation.path for violation in caught.value.violations] == ["$.parameters.list[0].deep.er"]


@pytest.mark.rule("R173")
def test_a_list_makes_one_call() -> None:
    """An array is one value of one call, however long it is."""
    text = body(inferred({"n": [1]}, {"n": ""}), {"n": list(range(1000))})

    assert json.loads(text) == {"n": list(range(1000))}


def _of_size(size: int) -> wh.Call:
    action = wh.Action(
        name="Send",
        url_configuration=wh.UrlConfiguration("https://api.example.com/"),
        message_parameters=wh.message_parameters({"a": "x"}, variables={"a": "A"}),
    )
    return wh.preview(action, {"a": "x" * (size - len('{"a":""}'))})


def test_a_payload_has_a_mebibyte_at_most() -> None:
    """What is larger is refused before it is sent, with its size and without its text."""
    assert len(_of_size(1_048_576).body or b"") == 1_048_576
    with pytest.raises(wh.UnsafeCall, match=r"^\$\.message_parameters: the payload has 1,048,577 bytes"):
        _of_size(1_048_577)
