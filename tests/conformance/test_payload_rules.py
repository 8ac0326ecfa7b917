"""The rules of the request payload, number by number (R136 to R174), with the samples of the reference."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import attrs
import pytest

import wayhook as wh
from wayhook.testing import FakeClock, FakeTransport

STANDARD = wh.Guardrails.standard()
ORCHESTRATION = wh.Guardrails.journey_orchestration()
OPTIMIZER = wh.Guardrails.journey_optimizer()


def make(sample: Any = None, *, nulls: bool = False, variables: Any = None, **parts: Any) -> wh.Action:
    """An action with the payload of a sample, some of it variable."""
    fields = parts.pop("fields", None) or wh.message_parameters(sample or {}, variables=variables)
    url = wh.UrlConfiguration("https://h.example/v1")
    return wh.Action(name="Loyalty", url_configuration=url, message_parameters=fields, allow_null_values=nulls, **parts)


def one(data_type: str, *, nulls: bool = False, optional: bool = False) -> wh.Action:
    """An action whose one field, `a`, is a variable of a type."""
    field = wh.MessageParameter("a", data_type, variable=wh.variable("A", optional=optional))
    return make(fields=[field], nulls=nulls)


def sent(action: wh.Action, values: Any = None) -> Any:
    """The payload that is sent, exact numbers included."""
    body = wh.preview(action, values or {}).body
    return json.loads(body or b"", parse_float=Decimal)


def used(action: wh.Action, context: wh.Context | None = None, **values: Any) -> Any:
    """The payload that an activity sends."""
    journey = wh.Journey("Welcome", [wh.ActionActivity("Loyalty", label="day1", **values)])
    return json.loads(wh.preview(journey, "day1", context or wh.Context(), actions=action).body or b"")


def broken(action: wh.Action, edition: wh.Guardrails = STANDARD) -> list[str]:
    """The rules that an action breaks."""
    return [violation.rule for violation in wh.violations(action, guardrails=edition)]


def types(sample: Any, **how: Any) -> dict[str, str]:
    """The type of each field of a sample."""
    return {field.name: field.data_type for field in wh.message_parameters(sample, **how)}


# From sample to fields


@pytest.mark.rule("R136")
def test_pasted_fields_start_as_constants() -> None:
    """Every field, at every depth, holds the sample's value and is no variable."""
    action = make({"a": "x", "o": {"n": 7}, "l": ["y"]})

    assert action.variables == ()
    assert sent(action) == {"a": "x", "o": {"n": 7}, "l": ["y"]}


@pytest.mark.rule("R136")
def test_a_constant_becomes_a_variable_when_named_only() -> None:
    """A field that is named gives up its value; the one beside it keeps it."""
    action = make({"a": "x", "b": "y"}, variables={"a": "A"})

    assert [name for name, _ in action.variables] == ["a"]
    with pytest.raises(wh.MissingValue):
        wh.preview(action)
    assert sent(action, {"a": "z"}) == {"a": "z", "b": "y"}


@pytest.mark.rule("R137", "R138")
@pytest.mark.parametrize(
    ("value", "data_type"),
    [
        ("text", "string"),
        ("2030-01-02T03:04:05Z", "string"),
        (True, "boolean"),
        (20.1, "decimal"),
        (7, "integer"),
        (-(2**63), "integer"),
        (["a"], "listString"),
        ([1, 2], "listInteger"),
        ([1.5], "listDecimal"),
        ([True], "listBoolean"),
        ([{}], "listObject"),
        ({"b": 1}, "object"),
        (["a", None, 0], "listAny"),
        ([["a"]], "listAny"),
    ],
)
def test_types_are_inferred(value: Any, data_type: str) -> None:
    """Each kind of value gives its type; a text that looks like a date stays a string."""
    assert types({"a": value}) == {"a": data_type}


@pytest.mark.rule("R138")
@pytest.mark.parametrize("value", [7.0, 2**63])
def test_what_is_no_whole_number_of_64_bits_is_a_decimal(value: Any) -> None:
    """A number that is written with a point, or has more bits, is none."""
    assert types({"a": value}) == {"a": "decimal"}


@pytest.mark.rule("R139")
def test_a_type_is_corrected_while_pasting() -> None:
    """A text becomes a date and time, a whole number a decimal, and an object nothing else."""
    sample = {"at": "2030-01-02T03:04:05Z", "n": 20, "o": {"x": 1}}

    assert types(sample, types={"at": "dateTime", "n": "decimal"}) == {"at": "dateTime", "n": "decimal", "o": "object"}
    with pytest.raises(wh.DefinitionError, match="R139"):
        types(sample, types={"o": "string"})


@pytest.mark.rule("R145")
def test_a_variable_shows_its_label() -> None:
    """The label that was given, or the name of the field where none was."""
    action = make({"channel": "c", "text": "t"}, variables={"channel": "Slack channel", "text": ""})

    assert [field.label for field in action.message_parameters] == ["Slack channel", "text"]
    assert [(name, variable.label) for name, variable in action.variables] == [
        ("channel", "Slack channel"),
        ("text", ""),
    ]


@pytest.mark.rule("R146")
def test_a_constant_is_the_same_in_all_journeys() -> None:
    """Two journeys that give other values to the variable send the same constant."""
    action = make({"source": "journey", "state": "s"}, variables={"state": "State"})

    assert [used(action, parameters={"state": state}) for state in ("open", "closed")] == [
        {"source": "journey", "state": "open"},
        {"source": "journey", "state": "closed"},
    ]


@pytest.mark.rule("R146")
def test_no_journey_has_a_constant_of_its_own() -> None:
    """A journey that gives the constant another value is refused."""
    with pytest.raises(wh.DefinitionError, match="R144"):
        used(make({"source": "journey"}), parameters={"source": "mine"})


# Nulls


@pytest.mark.rule("R149", "R150")
@pytest.mark.parametrize(("nulls", "payload"), [(True, {"a": None}), (False, {})])
def test_an_optional_field_that_stays_empty(*, nulls: bool, payload: Any) -> None:
    """It is sent as null where nulls are allowed, and left out where they are not."""
    action = one("string", nulls=nulls, optional=True)

    assert sent(action) == payload
    assert used(action) == payload
    assert sent(action, {"a": "x"}) == {"a": "x"}


@pytest.mark.rule("R151")
@pytest.mark.parametrize(("nulls", "payload"), [(True, {"a": None}), (False, {})])
@pytest.mark.parametrize("data_type", ["string", "integer", "decimal", "boolean", "dateTime", "dateOnly"])
def test_a_null_is_kept_with_the_switch_only(data_type: str, *, nulls: bool, payload: Any) -> None:
    """A value that is null is no missing value: it is sent, or left out."""
    assert sent(one(data_type, nulls=nulls), {"a": None}) == payload


@pytest.mark.rule("R151")
@pytest.mark.parametrize(("nulls", "payload"), [(True, {"a": None, "o": {"b": None}}), (False, {"o": {}})])
def test_a_constant_null_is_kept_with_the_switch_only(*, nulls: bool, payload: Any) -> None:
    """A null of the sample goes by the same switch, at every depth."""
    assert sent(make({"a": None, "o": {"b": None}}, nulls=nulls)) == payload


@pytest.mark.rule("R152")
@pytest.mark.parametrize("nulls", [True, False])
@pytest.mark.parametrize(
    ("data_type", "items", "left"),
    [
        ("listInteger", [1, None, 2, 3], [1, 2, 3]),
        ("listString", [None, None], []),
        ("listBoolean", [None, False], [False]),
    ],
)
def test_nulls_in_arrays_are_dropped(data_type: str, items: Any, left: Any, *, nulls: bool) -> None:
    """Whatever the switch says, and in a constant array too."""
    assert sent(one(data_type, nulls=nulls), {"a": items}) == {"a": left}
    assert sent(make({"a": items}, nulls=nulls)) == {"a": left}


@pytest.mark.rule("R152", "R153")
@pytest.mark.parametrize(("nulls", "payload"), [(True, [{"t": [], "n": None}]), (False, [{}])])
def test_nulls_in_the_objects_of_an_array(*, nulls: bool, payload: Any) -> None:
    """A null object is dropped; a null field of one, and a null array in one, go by the switch."""
    action = make({"l": [{"t": ["a"], "n": 1}]}, variables={"l": "L"}, nulls=nulls)

    assert sent(action, {"l": [None, {"t": None, "n": None}]}) == {"l": payload}


@pytest.mark.rule("R153")
@pytest.mark.parametrize(("nulls", "payload"), [(True, {"a": []}), (False, {})])
@pytest.mark.parametrize("data_type", ["listString", "listInteger", "listDateTime"])
def test_a_null_array_is_empty_with_the_switch(data_type: str, *, nulls: bool, payload: Any) -> None:
    """With nulls allowed it is sent as `[]`, otherwise it is left out."""
    assert sent(one(data_type, nulls=nulls), {"a": None}) == payload


# Values of their types


@pytest.mark.rule("R156")
@pytest.mark.parametrize(("value", "text"), [(True, b"true"), (False, b"false")])
def test_a_boolean_is_lower_case(value: Any, text: bytes) -> None:
    """True and false are sent in small letters, from a variable and from a constant."""
    assert wh.preview(one("boolean"), {"a": value}).body == b'{"a":' + text + b"}"
    assert wh.preview(make({"a": value})).body == b'{"a":' + text + b"}"


@pytest.mark.rule("R156")
@pytest.mark.parametrize("value", ["true", "True", 1, 0, 1.0, "yes"])
def test_what_looks_like_a_boolean_is_none(value: Any) -> None:
    """No text and no number is a truth value."""
    with pytest.raises(wh.WrongType, match="R160"):
        wh.preview(one("boolean"), {"a": value})


@pytest.mark.rule("R154", "R155")
@pytest.mark.parametrize(
    ("data_type", "value", "text"),
    [
        ("integer", 2**63 - 1, "9223372036854775807"),
        ("decimal", 2**63 - 1, "9223372036854775807"),
        ("decimal", Decimal("0.1000000000000000055511151231257827"), "0.1000000000000000055511151231257827"),
        ("decimal", Decimal("123456789012345678901234567890.12"), "123456789012345678901234567890.12"),
        ("decimal", 0.1, "0.1"),
        ("listInteger", [2**53 + 1], "[9007199254740993]"),
        ("listDecimal", [Decimal("9007199254740993.5")], "[9007199254740993.5]"),
    ],
)
def test_numbers_are_exact(data_type: str, value: Any, text: str) -> None:
    """All 64 bits of an integer and all digits of a decimal are sent, in lists too."""
    assert wh.preview(one(data_type), {"a": value}).body == f'{{"a":{text}}}'.encode()


@pytest.mark.rule("R157", "R158", "R159")
@pytest.mark.parametrize(
    ("data_type", "value", "text"),
    [
        ("dateTime", datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC), "2030-01-02T03:04:05Z"),
        ("dateTimeOnly", datetime(2030, 1, 2, 3, 4, 5), "2030-01-02T03:04:05"),  # noqa: DTZ001 - without an offset
        ("dateOnly", date(2030, 1, 2), "2030-01-02"),
    ],
)
def test_dates_of_python_are_iso_text(data_type: str, value: Any, text: str) -> None:
    """Dates and times that a program has at hand are sent as the text that the type asks for."""
    assert sent(one(data_type), {"a": value}) == {"a": text}


@pytest.mark.rule("R160")
@pytest.mark.parametrize("edition", [STANDARD, ORCHESTRATION, OPTIMIZER], ids=lambda rails: rails.edition)
async def test_a_value_of_another_type_is_not_sent(edition: wh.Guardrails) -> None:
    """The execution ends before anything is sent; a value of the type is sent."""
    transport = FakeTransport()

    async with wh.Executor(transport=transport, guardrails=edition, clock=FakeClock()) as executor:
        wrong = await executor.call(one("integer"), {"a": "text"})
        right = await executor.call(one("integer"), {"a": 1})

    assert (wrong.status, right.status) == ("internalError", "http_200")
    assert isinstance(wrong.cause, wh.WrongType)
    assert [request.body for request in transport.requests] == [b'{"a":1}']


@pytest.mark.rule("R161")
def test_a_list_of_one_type_is_sent() -> None:
    """All items are of the type that the list names."""
    assert sent(one("listString"), {"a": ["a", "b"]}) == {"a": ["a", "b"]}


@pytest.mark.rule("R161")
@pytest.mark.parametrize(
    ("data_type", "items", "place"),
    [
        ("listString", ["a", 1], "$.parameters.a[1]"),
        ("listInteger", [1, 2.5], "$.parameters.a[1]"),
        ("listString", [["a"]], "$.parameters.a[0]"),
        ("listString", "ab", "$.parameters.a"),
    ],
)
def test_a_list_of_more_types_is_refused(data_type: str, items: Any, place: str) -> None:
    """The item of another type is named."""
    with pytest.raises(wh.WrongType) as caught:
        wh.preview(one(data_type), {"a": items})

    assert [violation.path for violation in caught.value.violations] == [place]


# Collections


@pytest.mark.rule("R162")
@pytest.mark.parametrize("edition", [STANDARD, ORCHESTRATION, OPTIMIZER], ids=lambda rails: rails.edition)
def test_a_list_of_objects_has_an_object_in_its_sample(edition: wh.Guardrails) -> None:
    """One object is enough to name the fields."""
    assert broken(make({"l": [{"id": 1}]}, variables={"l": "L"}), edition) == []


PRODUCTS = {"products": [{"id": 1}, {"id": 2, "x": 3}]}


@pytest.mark.rule("R163")
def test_the_first_object_defines_the_fields() -> None:
    """What only a later object has is no field of the list, and is not sent."""
    action = make(PRODUCTS, variables={"products": "Products"})
    [products] = action.message_parameters

    assert [field.name for field in products.parameters] == ["id"]
    assert sent(action, {"products": [{"id": 7, "x": 8}]}) == {"products": [{"id": 7}]}


@pytest.mark.rule("R163")
def test_a_field_of_a_later_object_is_unknown() -> None:
    """It has no label, and cannot be mapped."""
    with pytest.raises(wh.DefinitionError, match="no such field"):
        make(PRODUCTS, variables={"products": "Products", "products.x": "X"})
    with pytest.raises(wh.DefinitionError, match="R166"):
        used(
            make(PRODUCTS, variables={"products": "Products"}),
            parameters={"products": []},
            fields={"products.x": "weight"},
        )


@pytest.mark.rule("R164")
@pytest.mark.parametrize("edition", [STANDARD, ORCHESTRATION, OPTIMIZER], ids=lambda rails: rails.edition)
def test_a_constant_in_a_variable_list_is_refused(edition: wh.Guardrails) -> None:
    """Every edition has variables only in there, each with a label of its own."""
    [products] = wh.message_parameters(PRODUCTS, variables={"products": "Products", "products.id": "Product id"})
    mixed = attrs.evolve(products, parameters=[wh.MessageParameter("id", "integer", 1)])

    assert [field.label for field in products.parameters] == ["Product id"]
    assert broken(make(fields=[products]), edition) == []
    assert broken(make(fields=[mixed]), edition) == ["R164"]


@pytest.mark.rule("R165")
def test_an_inner_field_is_read_by_its_own_name() -> None:
    """Without a mapping the objects of the source are asked for the same names."""
    action = make(PRODUCTS, variables={"products": "Products"})

    assert used(action, parameters={"products": [{"id": 1}]}) == {"products": [{"id": 1}]}


@pytest.mark.rule("R165")
def test_an_inner_field_that_the_source_lacks_is_null() -> None:
    """A source that has it under another name only gives nothing until it is mapped."""
    action = make(PRODUCTS, variables={"products": "Products"})

    assert used(action, parameters={"products": [{"productId": 1}]}) == {"products": [{}]}


@pytest.mark.rule("R167")
def test_a_list_of_texts_lies_within_a_list_of_objects() -> None:
    """An array of scalars one level down is sent as it comes."""
    action = make({"l": [{"locations": ["Paris"]}]}, variables={"l": "L"})

    for edition in (STANDARD, ORCHESTRATION, OPTIMIZER):
        assert broken(action, edition) == []
    assert sent(action, {"l": [{"locations": ["Lyon", "Nice"]}]}) == {"l": [{"locations": ["Lyon", "Nice"]}]}


@pytest.mark.rule("R167")
def test_a_list_within_a_list_keeps_its_type() -> None:
    """An item of another type is named with both places."""
    action = make({"l": [{"locations": ["Paris"]}]}, variables={"l": "L"})

    with pytest.raises(wh.WrongType, match=r"\$\.parameters\.l\[0\]\.locations\[1\]"):
        wh.preview(action, {"l": [{"locations": ["Lyon", 7]}]})


NESTED = {"products": [{"id": 1, "locations": [{"city": "Oslo"}]}]}


@pytest.mark.rule("R168", "R169")
@pytest.mark.parametrize(
    ("edition", "constant", "variable"),
    [(ORCHESTRATION, ["R168"], ["R168", "R169"]), (OPTIMIZER, [], ["R169"]), (STANDARD, [], [])],
    ids=lambda value: getattr(value, "edition", None),
)
def test_objects_in_arrays_in_objects_in_arrays(edition: wh.Guardrails, constant: Any, variable: Any) -> None:
    """One product refuses them, the other has them as constants, the standard edition sends them freely."""
    fixed = make(NESTED)

    assert sorted(broken(fixed, edition)) == constant
    assert sorted(broken(make(NESTED, variables={"products": "Products"}), edition)) == variable
    assert sent(fixed) == NESTED


@pytest.mark.rule("R169")
def test_only_the_bottom_array_is_variable() -> None:
    """In the optimizer's edition the outer array is of a fixed size, and the lowest one may vary."""
    action = make(NESTED, variables={"products.0.locations": "Locations"})

    assert broken(action, OPTIMIZER) == []
    assert sent(action, {"products.0.locations": [{"city": "Bern"}, {"city": "Rome"}]}) == {
        "products": [{"id": 1, "locations": [{"city": "Bern"}, {"city": "Rome"}]}]
    }


@pytest.mark.rule("R170", "R171")
@pytest.mark.parametrize(
    ("items", "rule", "reason", "payload"),
    [
        (["a", None, 0], "R170", "more than one type", ["a", 0]),
        ([20, "a", False], "R170", "more than one type", [20, "a", False]),
        ([["a"], ["b", 1]], "R171", "contains nested arrays", [["a"], ["b", 1]]),
        ([[]], "R171", "contains nested arrays", [[]]),
        ([{"x": 1}, "a"], "R170", "more than one type", [{"x": 1}, "a"]),
    ],
)
@pytest.mark.parametrize("edition", [STANDARD, ORCHESTRATION, OPTIMIZER], ids=lambda rails: rails.edition)
def test_a_mixed_or_nested_array_is_a_constant(
    edition: wh.Guardrails, items: Any, rule: str, reason: str, payload: Any
) -> None:
    """It is `listAny`, sent without its nulls, and cannot be switched to variable; the reason is told."""
    constant = make({"a": items})

    assert (types({"a": items}), broken(constant, edition), sent(constant)) == ({"a": "listAny"}, [], {"a": payload})
    with pytest.raises(wh.DefinitionError, match=f"{reason}.*{rule}"):
        make({"a": items}, variables={"a": "A"})


@pytest.mark.rule("R172")
@pytest.mark.parametrize("edition", [STANDARD, ORCHESTRATION, OPTIMIZER], ids=lambda rails: rails.edition)
def test_an_item_of_a_mixed_array_is_a_variable(edition: wh.Guardrails) -> None:
    """Each item by itself is constant or variable, and has a type of its own."""
    action = make({"a": ["one", None, 0]}, variables={"a.0": "First", "a.2": "Third"})

    assert broken(action, edition) == []
    assert sent(action, {"a.0": "uno", "a.2": 3}) == {"a": ["uno", 3]}


@pytest.mark.rule("R172")
def test_an_item_of_a_mixed_array_keeps_its_type() -> None:
    """A value of another type than the item's is refused."""
    with pytest.raises(wh.WrongType, match=r"\$\.parameters\.a\.2"):
        wh.preview(make({"a": ["one", None, 0]}, variables={"a.2": "Third"}), {"a.2": "three"})


@pytest.mark.rule("R172")
def test_the_items_of_a_fixed_list_vary_one_by_one() -> None:
    """Of a constant list each item is switched by itself; a null in its place is dropped."""
    action = make({"tags": ["a", "b", "c"], "l": [{"id": 1}]}, variables={"tags.1": "Middle", "l.0.id": "First id"})

    assert sent(action, {"tags.1": "x", "l.0.id": 7}) == {"tags": ["a", "x", "c"], "l": [{"id": 7}]}
    assert sent(action, {"tags.1": None, "l.0.id": 7}) == {"tags": ["a", "c"], "l": [{"id": 7}]}


@pytest.mark.rule("R173")
async def test_an_array_is_one_call() -> None:
    """However many items the array has, the action runs once."""
    transport = FakeTransport()
    action = make({"l": [{"id": 1}]}, variables={"l": "L"})

    async with wh.Executor(transport=transport, clock=FakeClock()) as executor:
        await executor.call(action, {"l": [{"id": number} for number in range(100)]})

    [request] = transport.requests
    assert len(json.loads(request.body)["l"]) == 100


@pytest.mark.rule("R174")
@pytest.mark.parametrize("action", [make({"a": "é"}), one("string")], ids=["constant", "variable"])
def test_a_body_is_utf_8(action: wh.Action) -> None:
    """An accent is two bytes, and no escape."""
    assert wh.preview(action, {"a": "é"} if action.variables else {}).body == b'{"a":"\xc3\xa9"}'


@pytest.mark.rule("R174")
@pytest.mark.parametrize("text", ["\ud800", "a\udfff"])
def test_what_has_no_utf_8_is_refused(text: str) -> None:
    """Half a surrogate pair is no text of Unicode characters."""
    with pytest.raises(wh.WrongType):
        wh.preview(one("string"), {"a": text})


@pytest.mark.rule("R136", "R155")
@pytest.mark.parametrize(
    "text", ["0.1000000000000000000001", "12345678901234567890.25", "9223372036854775807", "1E-30"]
)
async def test_a_pasted_number_is_sent_digit_by_digit(text: str) -> None:
    """A constant is the number that was pasted, also where no double holds it, and after it was kept."""
    sample = f'{{"a":{text},"list":[{text},1.5],"objects":[{{"b":{text}}}]}}'
    repository = wh.MemoryRepository()
    await repository.save(make(sample))

    kept = (await repository.get(wh.Action, "Loyalty")).value

    exact = Decimal(text)
    found = json.loads(wh.preview(kept).body or b"", parse_float=Decimal)
    assert found == {"a": exact, "list": [exact, Decimal("1.5")], "objects": [{"b": exact}]}


async def test_a_number_of_a_test_request_is_sent_digit_by_digit() -> None:
    """The payload of a test request is text of JSON as well."""
    transport = FakeTransport()

    async with wh.Executor(transport=transport) as executor:
        await executor.send_test_request(one("decimal"), '{"a": 0.1000000000000000000001}')

    assert transport.requests[0].body == b'{"a":0.1000000000000000000001}'
