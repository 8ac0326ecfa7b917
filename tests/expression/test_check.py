"""Static checking: what is known before any data is there, and all that is wrong told at once."""

from __future__ import annotations

import pickle

import pytest

import wayhook as wh

TYPES = {
    "event.Order.id": "string",
    "event.Order.total": "decimal",
    "event.Order.count": "integer",
    "event.Order.paid": "boolean",
    "event.Order.created": "dateTime",
    "event.Order.due": "dateOnly",
    "event.Order.customer.name": "string",
    "event.Order.lines": "listObject",
    "event.Order.lines.sku": "string",
    "event.Order.lines.price": "decimal",
    "event.Order.lines.tags": "listString",
    "event.Order.lines.parts": "listObject",
    "event.Order.lines.parts.weight": "integer",
    "event.Order.mixed": "listAny",
    "event.Order.labels": "object",
    "datasource.Crm.Customer.age": "integer",
    "action.Loyalty.points": "integer",
    "action.Loyalty.errorResponse.code": "string",
    "datasetLookup.Products.entities": "listObject",
    "datasetLookup.Products.entities.sku": "string",
    "journey.externalKey": "string",
    "event.Odd.'a.b'.c": "integer",
}


def problems(text: str, **options: str) -> list[wh.ExpressionProblem]:
    """What a check against the types finds."""
    with pytest.raises(wh.ExpressionError) as caught:
        wh.expression(text, **options).check(TYPES)
    return list(caught.value.problems)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@event{Order.id}", "string"),
        ("@event{Order.total}", "decimal"),
        ("@event{Order.customer}", "object"),
        ("@event{Order.customer.name}", "string"),
        ("@event{Order}", "object"),
        ("@event{Order.labels.anything}", None),
        ("@event{Order.labels.entry('a')}", None),
        ("@event{Order.labels.keys()}", "listString"),
        ("@event{Order.labels.firstEntryKey()}", "string"),
        ("@event{Order.lines}", "listObject"),
        ("@event{Order.lines.sku}", "listString"),
        ("@event{Order.lines.price}", "listDecimal"),
        ("@event{Order.lines.tags}", "listString"),
        ("@event{Order.lines.parts}", "listObject"),
        ("@event{Order.lines.parts.weight}", "listInteger"),
        ("@event{Order.lines.first()}", "object"),
        ("@event{Order.lines.first().price}", "decimal"),
        ("@event{Order.lines.at(0).tags}", "listString"),
        ("@event{Order.lines.at(0).tags.at(0)}", "string"),
        ("@event{Order.lines.all(currentEventField.price > 1).price}", "listDecimal"),
        ("@event{Order.lines.all(currentEventField.price > 1).parts.first().weight}", "integer"),
        ("@event{Order.mixed}", "listAny"),
        ("@event{Order.mixed.at(0)}", None),
        ("#{Crm.Customer.age} + 1", "integer"),
        ("#{Crm.Customer.age} + 1.5", "decimal"),
        ("@action{Loyalty.points}", "integer"),
        ("@action{Loyalty.jo_status_code}", "string"),
        ("@action{Loyalty.errorResponse.code}", "string"),
        ("@action{Other.jo_status_code}", "string"),
        ("@datasetLookup{Products.entities.sku}", "listString"),
        ("${externalKey}", "string"),
        ("${journeyUID}", None),
        ("@event{Odd.'a.b'.c}", "integer"),
        ("@event{Unknown.field.of.anything}", None),
        ("@event{Order.total, defaultValue: 1}", "decimal"),
        ("if (@event{Order.paid}) then (@event{Order.total}) else (1)", "decimal"),
        ("@event{Order.created} + toDuration('PT1H')", "dateTime"),
        ("@event{Order.due} + ''", "string"),
        ("[@event{Order.count}, @event{Order.total}]", "listDecimal"),
        ("distinct(@event{Order.lines}, 'sku')", "listObject"),
        ("max(@event{Order.lines.price})", "decimal"),
        ("getListItem(@event{Order.lines.tags}, 0)", "string"),
        ("@event{Order.count} / 2", "integer"),
        ("@event{Order.lines.all(in(currentEventField.sku, @datasetLookup{Products.entities.sku}))}", "listObject"),
    ],
)
def test_declared_types_give_the_type_of_the_whole(text, expected) -> None:
    """Fields of objects, of lists and of what functions make of them; what is not declared may be anything."""
    assert wh.expression(text).check(TYPES) == expected


@pytest.mark.rule("R190", "R192", "R194")
@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("@event{Order.totl}", 14, "there is no field 'totl' here; did you mean 'total'?"),
        ("@event{Order.customer.nam}", 23, "did you mean 'name'?"),
        ("@event{Order.lines.prize}", 20, "did you mean 'price'?"),
        ("@event{Order.lines.all(currentEventField.prize > 1)}", 42, "did you mean 'price'?"),
        ("@action{Loyalty.status}", 17, "there is no field 'status' here"),
        ("@event{Order.id.x}", 17, "a value of type string has no field 'x'"),
        ("@event{Order.id.first()}", 17, "first looks into a list, not into string"),
        ("@event{Order.customer.all()}", 23, "all looks into a list, not into object"),
        ("@event{Order.lines.keys()}", 20, "keys takes a map, not listObject"),
        ("@event{Order.id.entry('a')}", 17, "entry takes a map, not string"),
        ("@event{Order.lines.at(@event{Order.id})}", 20, "takes an integer, not string"),
        ("@event{Order.lines.all(currentEventField.sku)}", 24, "takes true or false, not string"),
        ("@event{Order.id} + 1 - 2", 22, "takes two numbers, not string and integer"),
        ("@event{Order.total} * @event{Order.count}", 21, "two integers or two decimals"),
        ("@event{Order.id} > 'a'", 18, "compares numbers"),
        ("@event{Order.created} > @event{Order.due}", 23, "compares values of one type"),
        ("@event{Order.paid} and @event{Order.id}", 20, "takes true or false, not string"),
        ("not @event{Order.count}", 1, "takes true or false, not integer"),
        ("-@event{Order.id}", 1, "takes a number, not string"),
        ("@event{Order.id} has null", 18, "not into string"),
        (
            "@event{Order.id, defaultValue: 2}",
            32,
            "of type string, and so must be its default, not integer",
        ),
        ("@event{Order.count, defaultValue: 2.5}", 35, "(R192)"),
        ("if (@event{Order.id}) then (1) else (2)", 5, "takes true or false, not string"),
        ("if (true) then (@event{Order.id}) else (@event{Order.count})", 1, "one type, not integer and string"),
        ("[@event{Order.id}, @event{Order.count}]", 1, "one type, not integer and string"),
        ("[@event{Order.lines}]", 2, "not a value of type listObject"),
        ("upper(@event{Order.count})", 1, "upper takes (string), not (integer)"),
        ("count(@event{Order.mixed})", 1, "not (listAny)"),
        ("countOnlyNull(@event{Order.lines})", 1, "not (listObject)"),
        ("in(@event{Order.count}, @event{Order.lines.sku})", 1, "not (integer, listString)"),
        ("inSegment(@event{Order.id})", 11, "takes a text in quotes here"),
        ("now(@event{Order.id})", 5, "takes a text in quotes here"),
        ("#{Crm.Customer.age, params: {x: @event{Order.totl}}}", 46, "did you mean 'total'?"),
    ],
)
def test_what_does_not_fit_the_declared_types(text, column, says) -> None:
    """Fields that do not exist, steps that cannot be taken, operands, arguments, defaults and branches."""
    found = problems(text)

    assert [(problem.line, problem.column) for problem in found] == [(1, column)]
    assert says in found[0].message


def test_everything_wrong_is_told_at_once_in_the_order_of_the_text() -> None:
    """Each problem has its line and column; the error shows all of them, each with its excerpt and caret."""
    text = "upper(1)\n  + tooMuch('a') + (3 * 4.0)\n  + now(1, 2, 3) + '\\q'"

    with pytest.raises(wh.ExpressionError) as caught:
        wh.expression(text)

    found = [(problem.line, problem.column) for problem in caught.value.problems]
    assert found == [(1, 1), (2, 5), (2, 23), (3, 5), (3, 20)]
    assert str(caught.value).count("^") == 5
    assert (caught.value.line, caught.value.column) == found[0]
    assert caught.value.message == caught.value.problems[0].message
    assert "  upper(1)\n  ^" in str(caught.value)


def test_all_problems_survive_a_pickle() -> None:
    """Another process sees them too."""
    with pytest.raises(wh.ExpressionError) as caught:
        wh.expression("upper(1) + lower(2)")

    copied = pickle.loads(pickle.dumps(caught.value))

    assert copied.problems == caught.value.problems
    assert str(copied) == str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected", "right"),
    [
        ("@event{Order.total}", "decimal", True),
        ("@event{Order.count}", "decimal", True),
        ("@event{Order.total}", "integer", False),
        ("@event{Order.id}", "integer", False),
        ("@event{Order.id}", "string", True),
        ("@event{Order.created}", "dateTime", True),
        ("@event{Order.created}", "dateTimeOnly", False),
        ("@event{Order.lines.sku}", "listString", True),
        ("@event{Order.lines.sku}", "string", False),
        ("[1]", "listDecimal", True),
        ("[]", "listString", True),
        ("@event{Unknown.x}", "boolean", True),
        ("toDuration(1)", "string", False),
        ("1 == 1", "boolean", True),
    ],
)
def test_a_value_fits_the_parameter_that_it_feeds(text, expected, right) -> None:
    """The same type, an integer for a decimal, an empty list for any list; what is not known may fit."""
    made = wh.expression(text)

    if right:
        made.check(TYPES, expected=expected)
    else:
        with pytest.raises(wh.ExpressionError, match=f"{expected} is expected here") as caught:
            made.check(TYPES, expected=expected)
        assert caught.value.expected == (expected,)


def test_data_types_of_the_model_are_types_of_the_check() -> None:
    """A `DataType` may be given for a field and as what is expected."""
    made = wh.expression("@event{E.x}")

    assert made.check({"event.E.x": wh.DataType.INTEGER}, expected=wh.DataType.DECIMAL) is wh.ExpressionType.INTEGER


def test_declarations_that_declare_nothing_are_refused_together() -> None:
    """A key that names no field, and a word that is no type, each with its path."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.expression("1").check({"Order.id": "string", "event": "object", "event.E.x": "text", "event.E.": "string"})

    assert [violation.path for violation in caught.value.violations] == [
        "$.types.Order.id",
        "$.types.event",
        "$.types.event.E.x",
        "$.types.event.E.",
    ]


def test_a_check_changes_nothing() -> None:
    """The expression is the same afterwards, and evaluates as before."""
    made = wh.expression("@event{Order.id}")

    made.check(TYPES)

    assert made.type is None
    assert made.evaluate(wh.Context({"Order": {"id": 7}})) == 7


def test_and_beside_or_is_warned_of() -> None:
    """Without parentheses it is right, but perhaps not meant (A-04)."""
    mixed = wh.expression("true or\n false and true")

    assert [(warning.line, warning.column) for warning in mixed.warnings] == [(2, 8)]
    assert "A-04" in mixed.warnings[0].message
    assert wh.expression("true or (false and true)").warnings == ()
    assert wh.expression("(true or false) and true").warnings == ()
    assert wh.expression("true and false and true").warnings == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[]", "list"),
        ("[null]", "list"),
        ("[1, null]", "listInteger"),
        ("[@event{E.x}]", None),
        ("1 == 2", "boolean"),
        ("@event{E.x} is null", "boolean"),
        ("@event{E.x} > 1", "boolean"),
        ("@event{E.x} + 1", None),
        ("@event{E.x} + 'a'", "string"),
        ("@event{E.x} - 1", None),
        ("@event{E.x} - 1.5", "decimal"),
        ("@event{E.x} * 2", "integer"),
        ("@event{E.x} * 2.5", "decimal"),
        ("@event{E.x} / 2", None),
        ("-@event{E.x}", None),
        ("upper(@event{E.x})", "string"),
        ("max(@event{E.x})", None),
        ("max(1, 2)", "integer"),
        ("max(1, 2.5)", "decimal"),
        ("distinct(['a'])", "listString"),
        ("distinct(@event{E.x})", None),
        ("getListItem([1], 0)", "integer"),
        ("in(@event{E.x}, [1])", "boolean"),
        ("toDuration('PT1H')", "duration"),
        ("[toDuration('PT1H')]", "listDuration"),
        ("date('2030-01-02')", "dateOnly"),
        ("if (@event{E.x}) then (1) else (2.5)", "decimal"),
        ("if (@event{E.x}) then (@event{E.y}) else (2.5)", None),
        ("@event{E.x, defaultValue: 'a'}", "string"),
        ("@event{E.x, defaultValue: 1}", None),
        ("@event{E.x, defaultValue: 1.5}", "decimal"),
        ("@event{E.x.keys()}", "listString"),
    ],
)
def test_the_type_is_known_as_far_as_the_text_tells(text, expected) -> None:
    """Constants, operators and functions have types of their own; fields have those of the data."""
    assert wh.expression(text).type == expected
