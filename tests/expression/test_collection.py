"""References: the five sources, collections, maps, loop variables, defaults, parameters, conditionals and lists."""

from __future__ import annotations

from typing import Any

import pytest

import wayhook as wh

ORDER = {
    "lines": [
        {"sku": "a", "price": 30, "tags": [{"name": "new"}, {"name": "red"}]},
        {"sku": "b", "price": 100, "tags": [{"name": "red"}]},
        {"sku": "c", "tags": []},
        {"sku": "a", "price": 15},
    ],
    "codes": ["x", "y", None, "x"],
    "empty": [],
    "one": {"sku": "z"},
    "first": "the field",
    "matrix": [[1, 2], [3]],
    "identityMap": {"Email": [{"id": "a@b.c"}, {"id": "z@b.c"}], "ECID": [{"id": "123"}]},
    "labels": {"k1": "v1", "k2": "v2"},
    "maps": [{"m": {"k": 1}}, {"m": {"k": 2}}, {}],
}
LINES = ORDER["lines"]


@pytest.fixture
def order(value: Any) -> Any:
    """Takes a text; gives its value for the order as event `E`."""
    return lambda text: value(text, **ORDER)


@pytest.mark.rule("R194", "R195")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@event{E.lines.sku}", ["a", "b", "c", "a"]),
        ("@event{E.lines.price}", [30, 100, None, 15]),
        ("@event{E.lines.all().sku}", ["a", "b", "c", "a"]),
        ("@event{E.lines.all(currentEventField.price > 20).sku}", ["a", "b"]),
        ("@event{E.lines.all(currentEventField.sku == 'q')}", []),
        ("@event{E.lines.first().sku}", "a"),
        ("@event{E.lines.last().price}", 15),
        ("@event{E.lines.first(currentEventField.price > 50).sku}", "b"),
        ("@event{E.lines.last(currentEventField.sku == 'a').price}", 15),
        ("@event{E.lines.first(currentEventField.sku == 'q')}", None),
        ("@event{E.lines.first(currentEventField.sku == 'q').price}", None),
        ("@event{E.lines.at(1).sku}", "b"),
        ("@event{E.lines.at(0 + 1).sku}", "b"),
        ("@event{E.lines.at(4).sku}", None),
        ("@event{E.lines.at(-1)}", None),
        ("@event{E.lines.at(@event{E.none})}", None),
        ("@event{E.lines.tags.name}", ["new", "red", "red", None]),
        (
            "@event{E.lines.all(currentEventField.price > 20).tags.all(currentEventField.name == 'red').name}",
            ["red", "red"],
        ),
        ("@event{E.lines.tags.first(currentEventField.name == 'red').name}", "red"),
        ("count(@event{E.lines.all(count(currentEventField.tags.all(currentEventField.name == 'red')) > 0)})", 2),
        ("@event{E.lines.all(currentEventField.tags.first().name == 'new').sku}", ["a"]),
        ("@event{E.lines.all(currentEventField.gone).sku}", []),
        ("@event{E.lines.all(not currentEventField.price > 20).sku}", ["c", "a"]),
        ("@event{E.codes.all(currentEventField == 'x')}", ["x", "x"]),
        ("@event{E.codes.all(currentEventField is null)}", [None]),
        ("@event{E.codes.first()}", "x"),
        ("@event{E.codes.at(1)}", "y"),
        ("@event{E.empty.first()}", None),
        ("@event{E.empty.last()}", None),
        ("@event{E.empty.all()}", []),
        ("@event{E.empty.sku}", []),
        ("@event{E.gone.all().sku}", None),
        ("@event{E.gone.first(currentEventField.x)}", None),
        ("count(@event{E.gone.all()})", 0),
        ("@event{E.first}", "the field"),
        ("@event{E.matrix.at(0)}", [1, 2]),
        ("@event{E.lines . all ( currentEventField . price > 50 ) . sku}", ["b"]),
        ("@event{E.lines\n  .all(\n  currentEventField\n  .price > 50\n).sku}", ["b"]),
        ("@event{E.identityMap.entry('Email').first().id}", "a@b.c"),
        ("@event{E.identityMap.entry('Email').id}", ["a@b.c", "z@b.c"]),
        ("@event{E.identityMap.entry('Phone').first().id}", None),
        ("@event{E.identityMap.entry('Em' + 'ail').last().id}", "z@b.c"),
        ("@event{E.identityMap.keys()}", ["Email", "ECID"]),
        ("@event{E.identityMap.firstEntryKey()}", "Email"),
        ("@event{E.labels.entry('k2')}", "v2"),
        ("@event{E.labels.k2}", "v2"),
        ("@event{E.gone.keys()}", None),
        ("@event{E.gone.entry('x')}", None),
        ("@event{E.labels.entry(@event{E.none})}", None),
        ("@event{E.maps.m.entry('k')}", [1, 2, None]),
        ("in('k1', @event{E.labels.keys()})", True),
    ],
)
def test_a_path_walks_through_collections_and_maps(order, text, expected) -> None:
    """Projection, filters, first, last, index, nesting and maps; what is not there is null."""
    assert order(text) == expected


@pytest.mark.rule("R194", "R195")
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("currentEventField.sku", "condition of all, first or last only"),
        ("currentEventField", "condition of all, first or last only"),
        ("@event{E.lines.all(currentDataPackField.sku == 'a')}", "here there is currentEventField"),
        ("@event{E.lines.all(true).sku} == currentEventField.sku", "means nothing here"),
        ("@event{E.lines.at(currentEventField.n)}", "means nothing here"),
        ("#{D.g.l.all(currentEventField.x == 1)}", "here there is currentDataPackField"),
        ("@action{A.l.all(currentEventField.x == 1)}", "here there is currentActionField"),
        ("@datasetLookup{L.entities.all(currentActionField.x == 1)}", "here there is currentDatasetLookupField"),
        ("@event{E.lines.all(currentEventField.sku)}", "takes true or false"),
        ("@event{E.lines.all('a')}", "takes true or false"),
        ("@event{E.lines.at('0')}", "takes an integer"),
        ("@event{E.lines.at(1.0)}", "takes an integer"),
        ("@event{E.lines.at(@event{E.first})}", "takes an integer"),
        ("@event{E.labels.entry(1)}", "takes a string"),
        ("@event{E.labels.entry(@event{E.codes})}", "takes a string"),
        ("@event{E.lines.at()}", "at(…) takes an index"),
        ("@event{E.labels.entry()}", "entry(…) takes a key"),
        ("@event{E.labels.keys('a')}", "keys() takes nothing"),
        ("@event{E.labels.firstEntryKey(1)}", "firstEntryKey() takes nothing"),
        ("@event{E.lines.every()}", "there is no path function 'every'"),
        ("@event{E.lines.first.at(0)}", None),
        ("@event{E.one.all()}", "takes a list"),
        ("@event{E.first.first()}", "takes a list"),
        ("@event{E.codes.keys()}", "takes a map"),
        ("@event{E.first.entry('a')}", "takes a map"),
        ("@event{E.lines.'all'()}", "not expected"),
        ("@event{all()}", "not expected"),
        ("@event{E.lines.all(true, false)}", "not expected"),
    ],
)
def test_a_path_that_cannot_be_walked_is_refused(refused, order, text, says) -> None:
    """Loop variables of the wrong kind or in the wrong place, wrong arguments, steps into what is no list or map."""
    if says is None:
        assert order(text) is None
    else:
        assert says in refused(text, **ORDER)


def test_each_kind_of_source_has_its_loop_variable() -> None:
    """Events, data sources, actions and look-ups; conditions may contain collections of other sources."""
    rows = [{"sku": "s1", "kind": "x"}, {"sku": "s2", "kind": "y"}]
    context = wh.Context(
        {"E": {"l": [{"sku": "s1"}, {"sku": "s2"}, {"sku": "s3"}]}},
        data_sources={"D": {"g": {"l": rows}}},
        actions={"A": {"l": rows}},
        dataset_lookups={"L": {"entities": rows}},
    )

    for text in (
        "count(#{D.g.l.all(currentDataPackField.kind == 'x')})",
        "count(@action{A.l.all(currentActionField.kind == 'x')})",
        "count(@datasetLookup{L.entities.all(currentDatasetLookupField.kind == 'x')})",
        "count(@datasetlookup{L.entities.all(currentDatasetLookupField.kind == 'x')})",
        "count(@{E.l.all(in(currentEventField.sku, #{D.g.l.all(currentDataPackField.kind == 'x').sku}))})",
        "count(@{E.l.all(@action{A.l.first(currentActionField.sku == currentEventField.sku).kind} == 'x')})",
    ):
        assert wh.expression(text).evaluate(context) == 1


def test_the_loop_variable_is_that_of_the_innermost_loop(value) -> None:
    """A filter inside of a filter of the same kind hides the element outside, and gives it back afterwards."""
    a, b = [{"n": 1}, {"n": 2}], [{"n": 2}, {"n": 3}]
    inner = "@event{E.b.first(currentEventField.n == 3).n} == 3"

    assert value(f"@event{{E.a.all({inner} and currentEventField.n == 2).n}}", a=a, b=b) == [2]
    assert value(
        "@event{E.a.all(count(@event{E.b.all(currentEventField.n > 2)}) == currentEventField.n).n}", a=a, b=b
    ) == [1]


@pytest.mark.rule("R191", "R192")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@event{E.none, defaultValue : -1}", -1),
        ("@event{E.none, defaultValue : (now())} is not null", True),
        ("@event{E.none, defaultValue : now()} is not null", True),
        ("@event{E.i, defaultValue : 5}", 3),
        ("@event{E.d, defaultValue : 5}", 2.5),
        ("@event{E.i, defaultValue : 5.0}", 3.0),
        ("@event{E.lines.sku, defaultValue : ['none']}", ["a"]),
        ("@event{E.none, defaultValue : ['none']}", ["none"]),
        ("@event{E.lines.first(currentEventField.sku == 'q').sku, defaultValue : 'none'}", "none"),
        ("@event{E.none, defaultValue : if (true) then ('a') else ('b')}", "a"),
        ("@event{E.none, defaultValue : 1 + 1 == 2}", True),
        ("@event{E.s, defaultValue : @event{E.i}}", "text"),
    ],
)
def test_a_default_of_the_type_of_its_field(value, text, expected) -> None:
    """Any expression may be one; integers and decimals stand in for each other."""
    found = value(text, i=3, d=2.5, s="text", lines=[{"sku": "a"}])

    assert (type(found), found) == (type(expected), expected)


@pytest.mark.rule("R192")
@pytest.mark.parametrize(
    "text",
    [
        "@event{E.s, defaultValue : 2}",
        "@event{E.i, defaultValue : 'x'}",
        "@event{E.s, defaultValue : true}",
        "@event{E.s, defaultValue : ['x']}",
        "@event{E.l, defaultValue : 'x'}",
        "@event{E.l, defaultValue : [1]}",
        "@event{E.s, defaultValue : (now())}",
    ],
)
def test_a_default_of_another_type_is_refused(refused, text) -> None:
    """Without declared types the value that is there tells the type of the field."""
    assert "(R192)" in refused(text, s="text", i=3, l=["a"])


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("@event{A.b, defaultValue: 1, defaultValue: 2}", 30, "twice"),
        ("@event{A.b, params: {a: 1}}", 13, "data source"),
        ("${externalKey, params: {a: 1}}", 16, "data source"),
        ("#{S.g.f, params: {}}", 19, "not expected"),
        ("#{S.g.f, params: {a}}", 20, "not expected"),
        ("#{S.g.f, param: {a: 1}}", 10, "not expected"),
        ("#@action{A.b}", 1, "not expected"),
    ],
)
def test_options_of_a_reference(text, column, says) -> None:
    """Each once, parameters for data sources only, spelled as documented (A-24)."""
    with pytest.raises(wh.ExpressionError, match=says) as caught:
        wh.expression(text)

    assert caught.value.column == column


def test_a_data_source_is_asked_with_parameters() -> None:
    """The answer to the same parameters is read; with other ones there is none, and the default counts."""
    context = wh.Context(
        {"E": {"city": "Oslo", "day": 3}},
        data_sources={"Plain": {"g": {"f": "plain"}}},
        answers=[
            wh.DataSourceAnswer("Weather.main", {"city": "Paris", "day": 3}, {"temp": 21.5}),
            wh.DataSourceAnswer("Weather.main", {"city": "Oslo", "day": 3.0}, {"temp": 3.0, "l": [{"a": 1}, {"a": 2}]}),
            wh.DataSourceAnswer("Whole", {"x": True}, {"g": {"f": "whole"}}),
        ],
    )

    def value(text: str) -> Any:
        return wh.expression(text).evaluate(context)

    asked = "params: {city: @event{E.city}, 'day': @event{E.day}}"
    assert value(f"#{{Weather.main.temp, {asked}}}") == 3.0
    assert value(f"#{{Weather.main.l.all(currentDataPackField.a > 1).a, {asked}}}") == [2]
    assert value("#{Weather.main.temp, params: {day: 3, city: 'Paris'}}") == 21.5
    assert value("#{Weather.main.temp, params: {city: 'Rome', day: 3}}") is None
    assert value("#{Weather.main.temp, params: {city: 'Rome', day: 3}, defaultValue: 0.5}") == 0.5
    assert value("#{Weather.main.temp, defaultValue: 0.5, params: {city: 'Paris', day: 3}}") == 21.5
    assert value("#{Whole.g.f, params: {x: true}}") == "whole"
    assert value("#{Whole.g.f, params: {x: 1}}") is None
    assert value("#{Plain.g.f, params: {x: 1}}") == "plain"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("if (true) then (1) else (2)", 1),
        ("if (false) then (1.5) else (2)", 2.0),
        ("if (true) then (1) else (2.5)", 1.0),
        ("if (@event{E.yes}) then (@event{E.i}) else (2.5)", 3.0),
        ("if (@event{E.yes}) then (@event{E.s}) else ('no')", "text"),
        ("if (@event{E.no}) then (1 + 1) else (if (true) then (3) else (4))", 3),
        ("1 + if (true) then (1) else (2)", 2),
        ("(if (true) then (1) else (2)) + 1", 2),
        ("if (true) then ([1]) else ([2.5])", [1.0]),
        ("if (true) then ([]) else (['a'])", []),
        ("if (true) then (null) else ('a')", None),
        ("if (true) then ('a') else (toString(toDuration('no')))", "a"),
        ("if (true) then (date('2030-01-02') == date('2030-01-02')) else (false)", True),
    ],
)
def test_a_conditional_gives_one_of_its_branches(value, text, expected) -> None:
    """Only the branch that is chosen is evaluated; integer beside decimal becomes decimal (A-06)."""
    found = value(text, yes=True, no=False, i=3, s="text")

    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize(
    "text",
    [
        "if (true) then ('a') else (1)",
        "if (true) then (1) else (true)",
        "if (true) then (now()) else (date('2030-01-02'))",
        "if (true) then ([1]) else (['a'])",
        "if (true) then ([1]) else (1)",
        "if (1) then (1) else (2)",
        "if ('true') then (1) else (2)",
        "if (true) then (@event{E.s}) else (1)",
        "if (false) then ('a') else (@event{E.i})",
        "if true then 'a' else 'b'",
        "if (true) then ('a')",
        "if (true) ('a') else ('b')",
        "if (true) then 'a' else ('b')",
        "If (true) then ('a') else ('b')",
    ],
)
def test_branches_have_one_type(refused, text) -> None:
    """Branches of different types are refused, whichever is chosen; the parentheses and `else` are part of the form."""
    message = refused(text, s="text", i=3)
    assert "one type" in message or "takes true or false" in message or "not expected" in message or "early" in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[]", []),
        ("[1, null]", [1, None]),
        ("[null]", [None]),
        ("[1, 2.5]", [1.0, 2.5]),
        ("[1 + 1, 3 * 2]", [2, 6]),
        ("[@event{E.i}, 2.5]", [3.0, 2.5]),
        ("[@event{E.i}, @event{E.none}]", [3, None]),
        ("[@event{E.s}, 'a']", ["text", "a"]),
        ("[if (true) then ('a') else ('b')]", ["a"]),
        ("[true, false, true]", [True, False, True]),
    ],
)
def test_a_list_has_items_of_one_type(value, text, expected) -> None:
    """Items are expressions; nulls are of any type, integers beside decimals become decimals."""
    found = value(text, i=3, s="text")

    assert [(type(item), item) for item in found] == [(type(item), item) for item in expected]


@pytest.mark.parametrize(
    "text",
    [
        "[1, 'a']",
        "[true, 1]",
        "[now(), date('2030-01-02')]",
        "[[1], [2]]",
        "[@event{E.s}, 1]",
        "[@event{E.o}]",
        "[@event{E.l}]",
        "[1,]",
        "[,]",
    ],
)
def test_a_list_of_several_types_is_refused(refused, text) -> None:
    """Mixed lists, lists of lists and lists of objects cannot be written."""
    message = refused(text, s="text", o={"a": 1}, l=[1])
    assert "list" in message or "not expected" in message


def test_a_constant_list_is_never_changed() -> None:
    """Whoever changes a result changes nothing but the result."""
    made = wh.expression("if (@event{E.x}) then (['a']) else (['b'])")
    context = wh.Context({"E": {"x": True}})

    made.evaluate(context).append("more")
    wh.expression("['a']").evaluate(context).clear()

    assert made.evaluate(context) == ["a"]
    assert wh.expression("['a']").evaluate(context) == ["a"]


def test_journey_properties_are_read_by_name() -> None:
    """A property is one name (A-05); any may be absent, with or without a default."""
    context = wh.Context(journey={"journeyUID": "j-1", "lastDataFetchElapsedTime": 7})

    assert wh.expression("${journeyUID} + '/' + ${lastDataFetchElapsedTime}").evaluate(context) == "j-1/7"
    assert wh.expression("${supplementalId}").evaluate(context) is None
    assert wh.expression("${supplementalId, defaultValue: 'none'}").evaluate(context) == "none"


def test_data_of_other_kinds_of_python_is_read() -> None:
    """Mappings and tuples are objects and lists."""
    from types import MappingProxyType

    event = MappingProxyType({"l": ({"a": 1}, MappingProxyType({"a": 2}))})
    context = wh.Context(MappingProxyType({"E": event}))

    assert wh.expression("sum(@event{E.l.a})").evaluate(context) == 3
    assert wh.expression("count(@event{E.l})").evaluate(context) == 2
    assert wh.expression("@event{E.l.all(currentEventField.a > 1).a}").evaluate(context) == [2]
    assert wh.expression("distinctCount(@event{E.l}, 'a')").evaluate(context) == 2
