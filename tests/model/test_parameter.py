"""Message parameters: inference from a sample, trees by hand, and the faults of both."""

from __future__ import annotations

from decimal import Decimal

import attrs
import pytest

import wayhook as wh
from wayhook.jsonvalue import MAX_DEPTH, parse_json
from wayhook.model.parameter import walk


def faults(sample, **parts) -> list[tuple[str, str]]:
    """The faults of a sample: path and rule."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.message_parameters(sample, **parts)
    return [(violation.path, violation.rule) for violation in caught.value.violations]


@pytest.mark.rule("R137", "R138")
@pytest.mark.parametrize(
    ("value", "data_type"),
    [
        ("text", "string"),
        ("2030-01-02T03:04:05Z", "string"),
        (None, "string"),
        (True, "boolean"),
        (7, "integer"),
        (2**63 - 1, "integer"),
        (2**63, "decimal"),
        (20.1, "decimal"),
        (7.0, "decimal"),
        ({}, "object"),
        (["a", None], "listString"),
        ([1, 2], "listInteger"),
        ([1, 2.5], "listDecimal"),
        ([True], "listBoolean"),
        ([{"id": 1}], "listObject"),
        (({"id": 1},), "listObject"),
        ([], "listAny"),
        ([None], "listAny"),
        (["a", 1], "listAny"),
        ([True, 1], "listAny"),
        ([["a"]], "listAny"),
        ([{"id": 1}, 2], "listAny"),
    ],
)
def test_a_type_is_inferred_from_the_sample(value, data_type) -> None:
    """Each JSON value has its documented type; nothing is guessed from the text of a string."""
    [parameter] = wh.message_parameters({"a": value})

    assert parameter.data_type == data_type


@pytest.mark.rule("R136")
def test_every_field_starts_constant() -> None:
    """A pasted sample gives constants that hold its values."""
    fields = wh.message_parameters('{"a": "x", "b": {"c": [1, null]}}')

    assert {path: (field.value, field.variable) for path, field in walk(fields)} == {
        "a": ("x", None),
        "b": (None, None),
        "b.c": (None, None),
        "b.c.0": (1, None),
        "b.c.1": (None, None),
    }


@pytest.mark.rule("R145")
def test_a_variable_is_named_by_its_path() -> None:
    """Some fields become variables with their labels, at any depth and inside of constant lists."""
    fields = wh.message_parameters(
        {"to": "x", "deep": {"n": 1}, "list": [1, 2], "rows": [{"id": 1}]},
        variables={
            "to": "Recipient",
            "deep.n": wh.variable("Number", optional=True),
            "list.1": "Second",
            "rows.0.id": "",
        },
    )

    variables = {path: field for path, field in walk(fields) if field.variable is not None}

    assert {path: (field.label, field.value) for path, field in variables.items()} == {
        "to": ("Recipient", None),
        "deep.n": ("Number", None),
        "list.1": ("Second", None),
        "rows.0.id": ("id", None),
    }
    assert variables["deep.n"].variable.optional


@pytest.mark.rule("R163", "R167")
def test_the_first_object_defines_the_fields_of_a_variable_list() -> None:
    """What only later objects have is no field; lists of scalars one level down are."""
    sample = {"products": [{"id": 1, "locations": ["Paris"]}, {"id": 2, "x": 3}]}

    [products] = wh.message_parameters(sample, variables={"products": "Products"})

    assert [(field.name, field.data_type.value, field.value) for field in products.parameters] == [
        ("id", "integer", None),
        ("locations", "listString", None),
    ]


def test_a_variable_keeps_what_it_had_in_the_sample() -> None:
    """Each variable shows a value that was meant, one of its own before that; the objects of a list by their fields."""
    sample = {"to": "+336", "n": Decimal("0.10000000000000000001"), "tags": ("a", "b"), "rows": [{"id": 7}], "x": None}

    fields = wh.message_parameters(
        sample, variables={"to": "To", "n": "N", "tags": wh.variable(sample=["c"]), "rows": "Rows", "x": "X"}
    )

    assert {path: field.variable.sample for path, field in walk(fields, below_lists=True) if field.variable} == {
        "to": "+336",
        "n": Decimal("0.10000000000000000001"),
        "tags": ["c"],
        "rows": None,
        "rows.id": 7,
        "x": None,
    }


def test_a_sample_makes_no_difference() -> None:
    """A variable is what it was, whatever is shown beside it."""
    assert wh.variable("To", sample="a") == wh.variable("To", sample="b")
    assert repr(wh.variable("To", sample="a")) == "variable('To')"


@pytest.mark.parametrize(
    ("sample", "path"),
    [
        ({"a": 1}, "$.sample"),
        ([[object()]], "$.sample[0][0]"),
        (float("nan"), "$.sample"),
        (Decimal("NaN"), "$.sample"),
        (Decimal("1E+999999"), "$.sample"),
        ("\ud800", "$.sample"),
    ],
)
def test_a_sample_is_a_value_of_json(sample, path) -> None:
    """What cannot be written is refused, and so is an object, which no variable is."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.variable(sample=sample)

    assert [violation.path for violation in caught.value.violations] == [path]


@pytest.mark.parametrize(
    ("variables", "path", "hint"),
    [
        ({"custmer.city": "City"}, "$.custmer.city", "did you mean 'customer.city'?"),
        ({"zzz": "Z"}, "$.zzz", "it has customer, customer.city, to"),
        ({"to.x": "X"}, "$.to.x", "to"),
    ],
)
def test_an_unknown_path_gets_a_hint(variables, path, hint) -> None:
    """A path that the sample does not have is named with what is close to it, or there."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.message_parameters({"customer": {"city": "Paris"}, "to": "x"}, variables=variables)

    [violation] = caught.value.violations
    assert violation.path == path
    assert hint in violation.message


def test_all_faults_of_a_sample_are_found_at_once() -> None:
    """Names, values and marks are all looked at, in the order of the sample."""
    sample = {"a.b": 1, "deep": {"$x": 1, "when": {1, 2}}, "mixed": ["a", 1], "rows": [{"c.d": 1}]}

    assert faults(sample, variables={"mixed": "Mixed", "deep": "Deep", "nobody": "?"}) == [
        ("$", "R140"),
        ("$.deep", "R139"),
        ("$.deep", "R142"),
        ("$.deep.when", "R135"),
        ("$.mixed", "R170"),
        ("$.rows[0]", "R142"),
        ("$.nobody", ""),
    ]


def test_the_objects_of_a_variable_list_are_checked() -> None:
    """What is wrong in the object that defines the fields is reported, not left out."""
    assert faults({"rows": [{"when": object()}]}, variables={"rows": "Rows"}) == [("$.rows[0].when", "R135")]


@pytest.mark.parametrize("name", ["", 7, None])
def test_a_field_has_a_name(name) -> None:
    """An empty name, and one that is no text, are refused."""
    assert [path for path, _ in faults({"deep": {name: 1}})] == ["$.deep"]


@pytest.mark.rule("R171")
def test_an_array_of_arrays_is_no_variable() -> None:
    """The inner arrays stand against it; the sentence says so."""
    with pytest.raises(wh.DefinitionError, match="nested"):
        wh.message_parameters({"rows": [["a"]]}, variables={"rows": "Rows"})


@pytest.mark.rule("R172")
def test_the_items_of_a_mixed_list_may_be_variables() -> None:
    """One item of a mixed list is filled in where the action is used."""
    fields = wh.message_parameters({"mixed": ["a", 1]}, variables={"mixed.0": "First"})
    action = wh.Action(name="A", url_configuration=wh.UrlConfiguration("https://h.example"), message_parameters=fields)

    assert wh.violations(action) == ()
    assert wh.preview(action, {"mixed.0": "b"}).body == b'{"mixed":["b",1]}'


@pytest.mark.rule("R176")
@pytest.mark.parametrize("name", ["a.b", "$a"])
def test_the_fields_of_an_answer_have_names_by_the_same_rules(name) -> None:
    """A good name is declared, a bad one is refused."""
    assert [field.name for field in wh.payload({"points": 7})] == ["points"]
    with pytest.raises(wh.DefinitionError):
        wh.payload({name: 7})


def nested(levels: int) -> str:
    """JSON text of so many objects in each other."""
    return '{"a":' * levels + "1" + "}" * levels


def test_a_sample_is_nested_64_levels_deep_at_most() -> None:
    """The deepest sample is read, a deeper one is refused, and the deepest of all too."""
    assert len(list(walk(wh.message_parameters(nested(MAX_DEPTH))))) == MAX_DEPTH
    for levels in (MAX_DEPTH + 1, 100_000):
        with pytest.raises(wh.DefinitionError, match="nested"):
            wh.message_parameters(nested(levels))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a": 1,\n "b": }', "line 2, column 7"),
        ('{"a": {"b": 1, "b": 2}}', "'b' stands twice"),
        ('{"a": NaN}', "NaN is not JSON"),
        ("[-Infinity]", "-Infinity is not JSON"),
        (b'{"a": "\xff"}', "UTF-8"),
        ("[" * 65 + "]" * 65, "nested"),
        ("[" * 100_000 + "]" * 100_000, "nested"),
        ("9" * 5_000, "digits"),
    ],
)
def test_what_is_not_strictly_json_is_refused(text, says) -> None:
    """Duplicate names, words for no number, bad bytes and too much of anything are refused in a sentence."""
    with pytest.raises(wh.DefinitionError, match=says):
        parse_json(text)


def test_a_refused_text_is_not_repeated() -> None:
    """The sentence about a pasted text names the place and not the text."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.message_parameters('{"password": "canary-7f3a", }')

    assert "canary" not in f"{caught.value} {caught.value!r}"
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("parts", "place"),
    [
        ({"name": 7}, "$.name"),
        ({"variable": "Label"}, "$.variable"),
        ({"value": "x", "variable": wh.variable("A")}, "$.value"),
        ({"parameters": [wh.MessageParameter("b", "string")]}, "$.parameters"),
        ({"data_type": "object", "value": {"b": 1}}, "$.value"),
        ({"data_type": "object", "parameters": ["b"]}, "$.parameters[0]"),
        ({"data_type": "object", "parameters": [wh.MessageParameter("b", "string")] * 2}, "$.parameters[1].name"),
        ({"data_type": "object", "parameters": 7}, "$.parameters"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(parts, place) -> None:
    """A parameter by hand is checked on construction, part by part."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.MessageParameter(**{"name": "a", "data_type": "string", **parts})

    assert [violation.path for violation in caught.value.violations] == [place]


def test_a_refused_type_is_not_a_whole_payload() -> None:
    """Where a payload comes in place of a type, the sentence names its type and does not repeat it."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.MessageParameter("a", {"password": "canary-7f3a"})

    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: wh.variable(7),
        lambda: wh.variable("A", optional="yes"),
        lambda: wh.message_parameters({"a": 1}, variables={"a": 7}),
    ],
)
def test_a_mark_of_a_wrong_type_is_refused(make) -> None:
    """A label is text and `optional` is true or false; what is not gets an error of our own."""
    with pytest.raises(wh.DefinitionError):
        make()


def test_a_variable_shows_how_it_was_made() -> None:
    """The repr of a variable is the call that makes it; equal marks are equal."""
    assert repr(wh.variable("A")) == "variable('A')"
    assert repr(wh.variable("A", optional=True)) == "variable('A', optional=True)"
    assert wh.variable("A") == wh.Variable("A")


def test_a_parameter_shows_name_type_and_kind() -> None:
    """The repr tells what a field is, and nothing of its value."""
    [to, deep, rows] = wh.message_parameters(
        {"to": "canary", "deep": {"a": 1, "b": 2}, "rows": [{"id": 1}]}, variables={"rows": "Rows"}
    )

    assert repr(to) == "<MessageParameter to: string, constant>"
    assert repr(attrs.evolve(to, value=None, variable=wh.variable("To"))) == (
        "<MessageParameter to: string, variable('To')>"
    )
    assert repr(deep) == "<MessageParameter deep: object, 2 parameters>"
    assert repr(rows) == "<MessageParameter rows: listObject, 1 parameters, variable('Rows')>"


def test_a_tree_has_at_most_64_levels() -> None:
    """A tree that is deeper cannot be built, by hand or from a sample."""
    tree = wh.MessageParameter("leaf", "string", "x")
    for level in range(63):
        tree = wh.MessageParameter(f"p{level}", "object", parameters=[tree])

    assert tree.depth == 64
    with pytest.raises(wh.DefinitionError, match="64 levels"):
        wh.MessageParameter("top", "object", parameters=[tree])


@pytest.mark.parametrize("variables", [["a"], 5, "a"])
def test_variables_are_a_mapping(variables) -> None:
    """Paths without labels are refused as what they are."""
    with pytest.raises(wh.DefinitionError, match="a mapping of paths to labels"):
        wh.message_parameters({"a": 1}, variables=variables)
