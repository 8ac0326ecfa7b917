"""Functions: every signature, null rule, edge and refusal of sections 2.2 to 2.8."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import product

import pytest

import wayhook as wh
from wayhook.expression.function.table import FUNCTIONS
from wayhook.expression.type import kind_of

T1 = datetime(2030, 1, 2, tzinfo=UTC)
T2 = datetime(2030, 1, 3, tzinfo=UTC)
L1 = datetime(2030, 1, 2)  # noqa: DTZ001 - a dateTimeOnly
L2 = datetime(2030, 1, 3)  # noqa: DTZ001 - a dateTimeOnly
OBJECTS = [{"id": "a", "n": 3}, {"id": "b", "n": 1}, {"id": "a", "n": 2}, {"n": None}]

SAMPLES = {
    "string": "'10'", "integer": "3", "decimal": "2.5", "boolean": "true", "dateTime": "date('2030-01-02T03:04:05Z')",
    "dateTimeOnly": "date('2030-01-02T03:04:05')", "dateOnly": "date('2030-01-02')", "duration": "toDuration('PT1H')",
    "listObject": "@event{E.objects}", "object": "@event{E.object}",
}  # fmt: skip
ROLES = {"name": "'vip'", "zone": "'Europe/Paris'", "pattern": "'[0-9]+'", "part": "'days'"}


def sample(parameter) -> str:
    """A constant, or a field, that a parameter takes."""
    if parameter.role:
        return ROLES[parameter.role]
    kind = str(parameter.type)
    item = kind.removeprefix("list")
    return SAMPLES[kind] if kind in SAMPLES else f"[{SAMPLES[item[0].lower() + item[1:]]}]"


SIGNATURES = [
    pytest.param(function, signature, id=f"{function.name}-{i}")
    for function in FUNCTIONS.values()
    for i, signature in enumerate(function.signatures)
]


def test_there_are_69_functions() -> None:
    """The table has as many as the two products document together."""
    assert len(FUNCTIONS) == 69


@pytest.mark.parametrize(("function", "signature"), SIGNATURES)
def test_every_signature_gives_its_type(value, function, signature) -> None:
    """Arguments of the listed types are taken as constants, and as fields whose types only the data tells."""
    arguments = [sample(parameter) for parameter in signature.parameters]
    text = f"{function.name}({', '.join(arguments)})"
    fields = {"objects": OBJECTS, "object": {"a": 1}}
    if function.name == "setDays":
        text = text.replace(", 3)", ", 4)")

    if function.name == "toDuration":
        text = text.replace("'10'", "'PT10S'")
    if function.name == "toDateOnly" and len(arguments) == 3:
        text = "toDateOnly(2030, 3, 3)"
    found = value(text, **fields)

    assert kind_of(found) in (signature.result, "list", None)
    assert wh.expression(text).type in (signature.result, None)


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda function: function.name)
def test_a_wrong_number_of_arguments_is_refused(refused, function) -> None:
    """One more than the longest signature takes is too many, and the error says how many there may be."""
    most = max(len(signature.parameters) for signature in function.signatures)

    message = refused(f"{function.name}({', '.join(['1'] * (most + 1))})")

    assert "takes" in message
    assert f"not {most + 1}" in message


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda function: function.name)
def test_the_example_of_the_reference_runs(function) -> None:
    """What the pages show of a function is evaluated."""
    context = wh.Context({"Order": {"products": [{"id": "p1"}, {"id": "p2"}]}}, now=T1)

    assert wh.expression(function.example).evaluate(context) is not None
    assert function.meaning.endswith(".")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("avg([10, 3, 8])", 7.0),
        ("avg([10, null, 8])", 9.0),
        ("avg(10.2, 3)", 6.6),
        ("avg(3, 10.2)", 6.6),
        ("avg(2, 5)", 3.5),
        ("avg([])", None),
        ("avg([null])", None),
        ("avg(@event{E.none})", None),
        ("avg(@event{E.none}, 4)", 4.0),
        ("count([10, 2, 10, null])", 3),
        ("count([])", 0),
        ("count(@event{E.none})", 0),
        ("count(@event{E.objects})", 4),
        ("countOnlyNull([10, 2, 10, null])", 1),
        ("countOnlyNull(@event{E.none})", 0),
        ("countWithNull([10, 2, 10, null])", 4),
        ("countWithNull(@event{E.none})", 0),
        ("distinctCount([10, 2, 10, null])", 2),
        ("distinctCount([1, 1.0])", 1),
        ("distinctCount(@event{E.objects})", 4),
        ("distinctCount(@event{E.objects}, 'id')", 3),
        ("distinctCount(@event{E.none})", 0),
        ("distinctCountWithNull([10, 2, 10, null])", 3),
        ("distinctCountWithNull([null, null])", 1),
        ("max([10, null, 8])", 10),
        ("max([null])", None),
        ("max(@event{E.none})", None),
        ("max(@event{E.none}, 3)", 3),
        ("max(1, 2)", 2),
        ("max(1, 2.5)", 2.5),
        ("max(2, 1.5)", 2.0),
        ("max(date('2030-01-02T00:00:00Z'), date('2030-01-02T00:30:00+01:00'))", T1),
        ("max([date('2030-01-02'), date('2030-01-03')])", date(2030, 1, 3)),
        ("min([10, null, 8])", 8),
        ("min(toDuration('PT1H'), toDuration('PT2H'))", timedelta(hours=1)),
        ("sum([10, 3, 8])", 21),
        ("sum([10.5, null, 8.1])", 18.6),
        ("sum([])", 0),
        ("sum([null])", 0),
        ("sum(@event{E.none})", 0),
        ("sum(1, 2.5)", 3.5),
        ("sum([1, 2.5])", 3.5),
    ],
)
def test_aggregation(value, text, expected) -> None:
    """Nulls are ignored; a list without values has no mean, maximum or minimum, and the sum 0."""
    found = value(text, objects=OBJECTS)

    assert found == (pytest.approx(expected) if isinstance(expected, float) else expected)
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    "text",
    [
        "avg(['a'])",
        "avg('a', 1)",
        "avg([true])",
        "max(['a', 'b'])",
        "max([true])",
        "max('a', 'b')",
        "max(date('2030-01-02'), date('2030-01-03'))",
        "max(1)",
        "min(now(), date('2030-01-02T00:00:00'))",
        "sum(['a'])",
        "sum([toDuration('PT1H')])",
        "sum(toDuration('PT1H'), toDuration('PT1H'))",
        "sum(1)",
        "count('a')",
        "count(1)",
        "countOnlyNull(@event{E.objects})",
        "countWithNull(@event{E.objects})",
        "distinctCountWithNull(@event{E.objects})",
        "distinctCount(['a'], 'id')",
        "count(@event{E.mixed})",
        "count(@event{E.nested})",
    ],
)
def test_aggregation_refuses_other_types(refused, text) -> None:
    """Only the listed types are aggregated; objects are counted, and mixed lists are nothing as a whole."""
    assert "takes" in refused(text, objects=OBJECTS, mixed=[1, "a"], nested=[[1], [2]])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("toBool('true')", True),
        ("toBool('TRUE')", False),
        ("toBool('1')", False),
        ("toBool('yes')", False),
        ("toBool('')", False),
        ("toBool(0)", False),
        ("toBool(-1)", True),
        ("toBool(0.0)", False),
        ("toBool(0.1)", True),
        ("toBool(true)", True),
        ("toBool(@event{E.none})", None),
        ("toDateOnly('2023-08-18')", date(2023, 8, 18)),
        ("toDateOnly('2023-08-18T23:30:00-05:00')", date(2023, 8, 18)),
        ("toDateOnly('2023-08-18T23:30:00')", date(2023, 8, 18)),
        ("toDateOnly('18.8.2023')", None),
        ("toDateOnly('2023-02-30')", None),
        ("toDateOnly(2023, 8, 18)", date(2023, 8, 18)),
        ("toDateOnly(date('2023-08-18T23:30:00-05:00'))", date(2023, 8, 18)),
        ("toDateOnly(@event{E.none})", None),
        ("toDateTime('2030-01-02T00:00:00Z')", T1),
        ("toDateTime('2030-01-02T00:00Z')", T1),
        ("toDateTime('2030-01-02T00:00:00')", None),
        ("toDateTime('2030-01-02')", None),
        ("toDateTime('tomorrow')", None),
        ("toDateTime('')", None),
        ("toDateTime('2030-13-02T00:00:00Z')", None),
        ("toDateTime('2030-01-02T24:00:00Z')", None),
        ("toDateTime('2030-01-02T00:00:00Z[Europe/Paris]')", None),
        ("toDateTime(0)", datetime(1970, 1, 1, tzinfo=UTC)),
        ("toDateTime(-1)", datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)),
        ("toDateTime('+01:00', date('2030-01-02T01:00:00'))", T1),
        ("toDateTime('Z', date('2030-01-02T00:00:00'))", T1),
        ("toDateTime('UTC', date('2030-01-02'))", T1),
        ("toDateTime('UTC', toDateTimeOnly(@event{E.none}))", None),
        ("toDateTimeOnly('2030-01-02')", L1),
        ("toDateTimeOnly('2030-01-02T00:00:00+05:00')", L1),
        ("toDateTimeOnly('no')", None),
        ("toDateTimeOnly(date('2030-01-02T00:00:00+05:00'))", L1),
        ("toDateTimeOnly(date('2030-01-02'))", L1),
        ("toDecimal('4.0')", 4.0),
        ("toDecimal('4')", 4.0),
        ("toDecimal('-1e3')", -1000.0),
        ("toDecimal('x')", None),
        ("toDecimal('')", None),
        ("toDecimal('NaN')", None),
        ("toDecimal('Infinity')", None),
        ("toDecimal(' 4')", None),
        ("toDecimal(1)", 1.0),
        ("toDecimal(true)", 1.0),
        ("toDecimal(false)", 0.0),
        ("toDecimal(date('1970-01-01T00:00:01Z'))", 1000.0),
        ("toDuration('PT10H')", timedelta(hours=10)),
        ("toDuration(4000)", timedelta(seconds=4)),
        ("toDuration(-500)", timedelta(seconds=-0.5)),
        ("toDuration(@event{E.none})", None),
        ("toInteger('4')", 4),
        ("toInteger('-4')", -4),
        ("toInteger('+4')", 4),
        ("toInteger('4.0')", None),
        ("toInteger(' 4')", None),
        ("toInteger('x')", None),
        ("toInteger('٤')", None),
        ("toInteger(1.9)", 1),
        ("toInteger(-1.9)", -1),
        ("toInteger(true)", 1),
        ("toInteger(date('1970-01-01T00:00:01.5Z'))", 1500),
        ("toInteger(date('1969-12-31T23:59:59.9999Z'))", -1),
        ("toString(4)", "4"),
        ("toString(1.5)", "1.5"),
        ("toString(100000000000000000000000.0)", "100000000000000000000000.0"),
        ("toString(0.0000001)", "0.0000001"),
        ("toString(-0.5)", "-0.5"),
        ("toString(true)", "true"),
        ("toString(date('2030-01-02T01:00:00+01:00'))", "2030-01-02T00:00Z"),
        ("toString(date('2030-01-02T01:00:01+01:00'))", "2030-01-02T00:00:01Z"),
        ("toString(date('2030-01-02T01:00:00.5+01:00'))", "2030-01-02T00:00:00.500Z"),
        ("toString(date('2030-01-02T01:00:00.500001Z'))", "2030-01-02T01:00:00.500001Z"),
        ("toString(date('2030-01-02T01:00:00'))", "2030-01-02T01:00"),
        ("toString(date('2030-01-02'))", "2030-01-02"),
        ("toString(toDuration(1520))", "PT1.52S"),
        ("toString(toDuration('P2D'))", "PT48H"),
        ("toString(toDuration('PT0S'))", "PT0S"),
        ("toString(toDuration('-PT1H30M'))", "PT-1H-30M"),
        ("toString(toDuration('-PT0.5S'))", "PT-0.5S"),
        ("toString(toDuration('PT61.001S'))", "PT1M1.001S"),
        ("toString(@event{E.none})", None),
    ],
)
def test_conversion(value, text, expected) -> None:
    """What cannot be read as a date, a time or a number is null; what can is exact."""
    found = value(text)

    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PT20.345S", 20.345),
        ("PT20,5S", 20.5),
        ("PT5.S", 5),
        ("P2D", 172800),
        ("P2DT3H4M", 183840),
        ("P-6H3M", -21420),
        ("-P6H3M", -21780),
        ("-P-6H+3M", 21420),
        ("pt1h", 3600),
        ("P1M", 60),
        ("PT-1.5S", -1.5),
        ("PT-0.5S", -0.5),
        ("+PT1S", 1),
        ("PT0S", 0),
        ("PT0.000001S", 0.000001),
        ("P1DT24H", 172800),
        ("PT1H-30M", 1800),
    ],
)
def test_a_duration_is_read_exactly(value, text, expected) -> None:
    """Days to seconds, each with its own sign; a leading minus turns all of them (A-13)."""
    assert value(f"toDuration('{text}')") == timedelta(seconds=expected)


@pytest.mark.parametrize(
    "text",
    ["", "P", "PT", "-P", "P1DT", "1H", "PT1", "PT1.5H", "P1Y", "P1W", "PT1S1M", "PT 1S", "PT1H ", "PTS", "P1.5D"],
)
def test_a_malformed_duration_is_refused(refused, text) -> None:
    """No section, sections out of order, fractions of hours, months and years: none of them is a duration."""
    assert "duration" in refused(f"toDuration('{text}')")
    assert "duration" in refused("toDuration(@event{E.x})", x=text)


@pytest.mark.parametrize(
    "text",
    [
        "toBool(now())",
        "toDateOnly(1)",
        "toDateOnly(true)",
        "toDateOnly(2023, 2, 30)",
        "toDateOnly(2023, 13, 1)",
        "toDateOnly(0, 1, 1)",
        "toDateTime(1.5)",
        "toDateTime('Europe/Paris')  == toDateTime(true)",
        "toDateTime('Nowhere/Never', date('2030-01-02'))",
        "toDateTime('+25:00', date('2030-01-02'))",
        "toDateTime(@event{E.zone}, date('2030-01-02'))",
        "toDateTime('U' + 'TC', date('2030-01-02'))",
        "toDateTime(9223372036854775807)",
        "toDateTimeOnly(1)",
        "toDecimal(date('2030-01-02'))",
        "toDecimal(toDuration('PT1H'))",
        "toDuration(1.5)",
        "toDuration('PT999999999999999H')",
        "toDuration(9223372036854775807)",
        "toInteger(toDuration('PT1H'))",
        "toInteger(date('2030-01-02'))",
        "toString('a')",
        "toString([1])",
        "toString(@event{E.object})",
    ],
)
def test_conversion_refuses_other_types(refused, text) -> None:
    """Other types, zones that are no constant or do not exist, and what is out of range."""
    message = refused(text, zone="UTC", object={"a": 1})
    assert "takes" in message or "out of range" in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("contain('rowing is great', 'great')", True),
        ("contain('a', '')", True),
        ("containIgnoreCase('ÉCOLE', 'école')", True),
        ("startWith('Hello World', 'Hello')", True),
        ("startWith('Hello', 'hello')", False),
        ("startWithIgnoreCase('Hello', 'hELL')", True),
        ("endWith('Hello World', 'World')", True),
        ("endWithIgnoreCase('rowing is great', 'AT')", True),
        ("equalIgnoreCase('a', 'A')", True),
        ("notEqualIgnoreCase('a', 'A')", False),
        ("notEqualIgnoreCase('a', 'b')", True),
        ("isEmpty('')", True),
        ("isEmpty(' ')", False),
        ("isNotEmpty(' ')", True),
        ("isNotEmpty('')", False),
        ("matchRegExp('abc', 'b')", False),
        ("matchRegExp('abc', '.b.')", True),
        ("in(4, [4, 5])", True),
        ("in(8, [4, 5])", False),
        ("in('a', ['A'])", False),
        ("in(4, [4.0])", True),
        ("in(4.5, [4, 5])", False),
        ("in(true, [true])", True),
        ("in(1, [])", False),
        ("in(1, [null, 1])", True),
        ("in(date('2030-01-02'), [date('2030-01-02')])", True),
        ("in(date('2030-01-02T00:00:00Z'), [date('2030-01-02T01:00:00+01:00')])", True),
        ("in(toDuration('P1D'), [toDuration('PT24H')])", True),
    ],
)
def test_tests_of_texts_and_lists(value, text, expected) -> None:
    """Each of them is true or false, for constants and for fields alike."""
    assert value(text) is expected


NULL_IS_FALSE = [
    "contain", "containIgnoreCase", "startWith", "startWithIgnoreCase", "endWith", "endWithIgnoreCase",
    "equalIgnoreCase", "notEqualIgnoreCase",
]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        *(f"{name}(@event{{E.none}}, 'a')" for name in NULL_IS_FALSE),
        *(f"{name}('a', @event{{E.none}})" for name in NULL_IS_FALSE),
        "isEmpty(@event{E.none})",
        "isNotEmpty(@event{E.none})",
        "matchRegExp(@event{E.none}, 'a')",
        "in(@event{E.none}, [1, null])",
        "in(1, @event{E.none})",
        *(
            f"in{side}{unit}({arguments})"
            for side, unit, arguments in product(
                ("Last", "Next"), ("Hours", "Days", "Months", "Years"), ("toDateTime('x'), 1", "now(), @event{E.none}")
            )
        ),
    ],
)
def test_a_test_of_null_is_false(value, text) -> None:
    """A boolean test without a value is not satisfied."""
    assert value(text) is False


@pytest.mark.parametrize(
    "text",
    [
        "concat(@event{E.none}, 'a')",
        "concat('a', @event{E.none})",
        "indexOf(@event{E.none}, 'a')",
        "lastIndexOf('a', @event{E.none})",
        "length(@event{E.none})",
        "lower(@event{E.none})",
        "upper(@event{E.none})",
        "replace(@event{E.none}, 'a', 'b')",
        "replaceAll('a', 'a', @event{E.none})",
        "split(@event{E.none}, 'a')",
        "substr(@event{E.none}, 1)",
        "substr('a', @event{E.none})",
        "trim(@event{E.none})",
        "round(@event{E.none})",
        "dateDiff(@event{E.none}, now())",
        "dateDiff(now(), @event{E.none})",
        "nowWithDelta(@event{E.none}, 'days')",
        "setHours(@event{E.none}, 1)",
        "setDays(now(), @event{E.none})",
        "updateTimeZone(@event{E.none}, 'UTC')",
        "distinct(@event{E.none})",
        "distinctWithNull(@event{E.none})",
        "filter(@event{E.none}, 'id', ['a'])",
        "filter(@event{E.objects}, 'id', @event{E.none})",
        "getListItem(@event{E.none}, 0)",
        "getListItem([1], @event{E.none})",
        "getListItem(@event{E.none}, toInteger('a'))",
        "getListItem(@event{E.objects}, toInteger('a'))",
        "limit(@event{E.none}, 1)",
        "limit([1], @event{E.none})",
        "serializeList(@event{E.none}, ',', true)",
        "sort(@event{E.none}, true)",
    ],
)
def test_a_function_of_null_is_null(value, text) -> None:
    """Where no rule says otherwise, a null argument gives null."""
    assert value(text, objects=OBJECTS) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("concat('Hello', 'World')", "HelloWorld"),
        ("concat(['Hello', ' ', 'World'])", "Hello World"),
        ("concat(['a', null, 'b'])", "ab"),
        ("concat([])", ""),
        ("indexOf('Hello', 'l')", 2),
        ("indexOf('Hello', 'z')", -1),
        ("indexOf('Hello', '')", 0),
        ("indexOf('😀a', 'a')", 1),
        ("lastIndexOf('Hello', 'l')", 3),
        ("lastIndexOf('Hello', 'z')", -1),
        ("length('Hello World')", 11),
        ("length('😀')", 1),
        ("lower('ÀB1')", "àb1"),
        ("upper('àb1')", "ÀB1"),
        ("replace('aaa', 'aa', 'b')", "ba"),
        ("replace('Hello World', 'l', 'x')", "Hexlo World"),
        ("replaceAll('Hello World', 'l', 'x')", "Hexxo Worxd"),
        ("replace('John Smith', '(\\\\w+) (\\\\w+)', '$2, $1')", "Smith, John"),
        ("replaceAll('a.b', '\\\\.', '\\\\$')", "a$b"),
        ("replaceAll('a1b2', '(?<digit>[0-9])', '<${digit}>')", "a<1>b<2>"),
        ("replaceAll('abc', '', '-')", "-a-b-c-"),
        ("split('A_B_C', '_')", ["A", "B", "C"]),
        ("split('A_B__', '_')", ["A", "B"]),
        ("split('_A', '_')", ["", "A"]),
        ("split('A', '_')", ["A"]),
        ("split('', '_')", [""]),
        ("split('_', '_')", []),
        ("split('abc', '')", ["a", "b", "c"]),
        ("split('20.45.2.3434', '\\\\.')", ["20", "45", "2", "3434"]),
        ("substr('Hello World', 6)", "World"),
        ("substr('Hello World', 0, 5)", "Hello"),
        ("substr('Hello', -2)", "Hello"),
        ("substr('Hello', 9)", ""),
        ("substr('Hello', 2, 99)", "llo"),
        ("substr('Hello', 3, 1)", ""),
        ("substr('Hello', 0, -1)", ""),
        ("trim(' \\tHello \\n')", "Hello"),
        ("trim('a b')", "a b"),
        ("round(3.14)", 3),
        ("round(3.54)", 4),
        ("round(-3.14)", -3),
        ("round(2.5)", 3),
        ("round(-2.5)", -2),
        ("round(0.49999999999999994)", 0),
        ("round(3)", 3),
        ("distinct([10, 2, 10, null])", [10, 2]),
        ("distinct([1, 1.0, 2])", [1.0, 2.0]),
        ("distinct([true, false, true])", [True, False]),
        ("distinctWithNull([10, null, 2, 10, null])", [10, None, 2]),
        ("distinct([])", []),
        ("getListItem([10, 2, 3], 1)", 2),
        ("getListItem([10], 1)", None),
        ("getListItem([10], -1)", None),
        ("intersect(['a', 'b', 'b', 'c'], ['c', 'b'])", ["b", "c"]),
        ("intersect([1, 2], [2.0])", [2.0]),
        ("intersect(@event{E.none}, [1])", []),
        ("intersect([1], @event{E.none})", []),
        ("intersect([], [])", []),
        ("limit(['A', 'B', 'C'], 2)", ["A", "B"]),
        ("limit(['A', 'B', 'C'], 2, true)", ["A", "B"]),
        ("limit(['A', 'B', 'C'], 2, false)", ["B", "C"]),
        ("limit(['A'], 9)", ["A"]),
        ("limit(['A'], 9, false)", ["A"]),
        ("limit(['A'], 0)", []),
        ("limit(['A'], 0, false)", []),
        ("listSize([10, null])", 2),
        ("listSize(@event{E.none})", 0),
        ("serializeList(['Hello', 'World'], ' ', false)", "Hello World"),
        ("serializeList(['Hello', 'World'], ',', true)", '"Hello","World"'),
        ("serializeList([1, null, 2.5], '-', false)", "1.0-2.5"),
        ("serializeList([true], ',', true)", '"true"'),
        ("serializeList([date('2030-01-02T01:00:00+01:00')], ',', false)", "2030-01-02T00:00Z"),
        ("serializeList([toDuration('P2D')], ',', false)", "PT48H"),
        ("serializeList([], ',', true)", ""),
        ("sort([1, 3, 2], false)", [3, 2, 1]),
        ("sort([1, null, 3, 2], true)", [1, 2, 3, None]),
        ("sort([1, null, 3, 2], false)", [3, 2, 1, None]),
        ("sort(['b', 'B', 'a'], true)", ["B", "a", "b"]),
        ("sort([true, false], true)", [False, True]),
        ("sort([toDuration('PT2H'), toDuration('PT1H')], true)", [timedelta(hours=1), timedelta(hours=2)]),
    ],
)
def test_texts_lists_and_numbers(value, text, expected) -> None:
    """The documented results, and those at the edges."""
    found = value(text)

    assert found == expected
    assert kind_of(found) == kind_of(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("distinct(@event{E.o}, 'id')", [OBJECTS[0], OBJECTS[1], OBJECTS[3]]),
        ("distinct(@event{E.o})", OBJECTS),
        ("distinctWithNull(@event{E.o}, 'id')", [OBJECTS[0], OBJECTS[1], OBJECTS[3]]),
        ("filter(@event{E.o}, 'id', ['a', 'z'])", [OBJECTS[0], OBJECTS[2]]),
        ("filter(@event{E.o}, 'n', [1, 2.0])", [OBJECTS[1], OBJECTS[2]]),
        ("filter(@event{E.o}, 'n', [])", []),
        ("filter(@event{E.o}, 'gone', ['a'])", []),
        ("limit(@event{E.o}, 1)", OBJECTS[:1]),
        ("limit(@event{E.o}, 1, false)", OBJECTS[-1:]),
        ("sort(@event{E.o}, 'n', true)", [OBJECTS[1], OBJECTS[2], OBJECTS[0], OBJECTS[3]]),
        ("sort(@event{E.o}, 'n', false)", [OBJECTS[0], OBJECTS[2], OBJECTS[1], OBJECTS[3]]),
        ("sort(@event{E.o}, 'id', true)", [OBJECTS[0], OBJECTS[2], OBJECTS[1], OBJECTS[3]]),
        ("sort(filter(@event{E.o}, 'id', ['a']), 'n', true)", [OBJECTS[2], OBJECTS[0]]),
    ],
)
def test_lists_of_objects(value, text, expected) -> None:
    """Objects are told apart by a field or as a whole, keep their order among equals, and stay as they are."""
    assert value(text, o=OBJECTS) == expected


@pytest.mark.parametrize(
    "text",
    [
        "concat('a', 1)",
        "concat([1])",
        "concat('a')  == concat(1)",
        "concat('a', 'b', 'c')",
        "contain('a', 1)",
        "length(1)",
        "substr('abc', '1')",
        "substr('abc', 1.5)",
        "split(['A_B'], '_')",
        "matchRegExp(1, 'a')",
        "matchRegExp('a', '*adobe')",
        "matchRegExp('a', @event{E.bad})",
        "replace('a', 'a', '$1')",
        "replace('a', 'a', '$')",
        "replace('a', 'a', '${x}')",
        "in('a', [1])",
        "in(1, 1)",
        "in([1], [1])",
        "in(now(), [date('2030-01-02T00:00:00')])",
        "intersect(['a'], [1])",
        "intersect(@event{E.o}, @event{E.o})",
        "getListItem(@event{E.o}, 0)",
        "getListItem([1], '0')",
        "getListItem([1], 0.0)",
        "limit([1], true)",
        "limit([1], 1, 1)",
        "serializeList(@event{E.o}, ',', true)",
        "serializeList([1], 1, true)",
        "sort([1], 'asc')",
        "sort([1])",
        "sort(@event{E.o}, true)",
        "sort(@event{E.mixed}, 'x', true)",
        "sort(@event{E.deep}, 'x', true)",
        "filter([1], 'id', [1])",
        "filter(@event{E.o}, 1, [1])",
        "filter(@event{E.o}, 'id', 'a')",
        "distinct(@event{E.o}, 1)",
        "distinct([1], 'id')",
        "distinct('a')",
        "round('a')",
        "round(true)",
        "random(1)",
        "uuid(1)",
    ],
)
def test_other_arguments_are_refused(refused, text) -> None:
    """Types that no signature lists, expressions that are none, groups that do not exist."""
    mixed, deep = [{"x": 1}, {"x": "a"}], [{"x": [1]}, {"x": [2]}]

    message = refused(text, bad="(", o=OBJECTS, mixed=mixed, deep=deep)

    assert any(word in message for word in ("takes", "orders", "needs"))


def test_what_a_function_takes_is_said(refused) -> None:
    """The signatures of that many arguments, and what came."""
    assert "avg takes (decimal, decimal) or (decimal, integer) or" in (message := refused("avg('a', true)"))
    assert "not (string, boolean)" in message
    assert "substr takes 2 to 3 arguments, not 1" in refused("substr('a')")
    assert "now takes 0 to 1 arguments, not 2" in refused("now('UTC', 'UTC')")
    assert "random takes no arguments, not 1" in refused("random(1)")
    assert "lower takes 1 argument, not 2" in refused("lower('a', 'b')")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("INSEGMENT('a')", "did you mean 'inSegment'?"),
        ("concatenate('a', 'b')", "concat"),
        ("containWithIgnoreCase('a', 'b')", "containIgnoreCase"),
        ("isNull(1)", "is null"),
        ("In(1, [1])", "did you mean 'in'?"),
        ("xyzzy()", "see the list of functions"),
        ("list('a')", "write [ … ]"),
        ("getBestSendTime(1, 'open', 2)", "there is no function"),
        ("toTimeZone('UTC')", "there is no function"),
    ],
)
def test_an_unknown_function_is_named_with_the_nearest(refused, text, hint) -> None:
    """The name is judged with its case; the nearest one is suggested."""
    assert hint in refused(text)


@pytest.mark.parametrize(
    ("status", "audience", "segment"),
    [
        ("realized", True, True),
        ("existing", False, True),
        ("exited", False, False),
        ("other", False, False),
        (None, False, False),
    ],
)
def test_membership(status, audience, segment) -> None:
    """An audience has those who entered it, a segment also those who were there (A-30)."""
    context = wh.Context(audiences={} if status is None else {"men over 50": status})

    assert wh.expression("inAudience('men over 50')").evaluate(context) is audience
    assert wh.expression("inSegment('men over 50')").evaluate(context) is segment


def test_randomness_comes_from_the_context() -> None:
    """`uuid()` and `random()` are new each time, and are what the context says if it says something."""
    from uuid import UUID

    fixed = wh.Context(random_uuid=lambda: UUID(int=2**53 - 1))
    found = {wh.expression("uuid()").evaluate(wh.Context()) for _ in range(10)}
    numbers = [wh.expression("random()").evaluate(wh.Context()) for _ in range(100)]

    assert len(found) == 10
    assert all(UUID(each).version == 4 and each == str(UUID(each)) for each in found)
    assert len(set(numbers)) > 90
    assert all(0 <= number < 1 for number in numbers)
    assert wh.expression("uuid()").evaluate(fixed) == "00000000-0000-0000-001f-ffffffffffff"
    assert 0.999 < wh.expression("random()").evaluate(fixed) < 1


def test_a_function_of_the_current_time_needs_one() -> None:
    """Without a time in the context the error says how to give one; never is the clock of the machine read."""
    for text in (
        "now()",
        "currentTimeInMillis()",
        "nowWithDelta(1, 'days')",
        "inLastDays(date('2030-01-02T00:00:00Z'), 1)",
    ):
        with pytest.raises(wh.WrongType, match=r"Context\(now=…\)"):
            wh.expression(text).evaluate(wh.Context())


def test_one_evaluation_has_one_time(value) -> None:
    """Whatever reads the time reads the same one."""
    assert value("now() == toDateTime(currentTimeInMillis()) and now() == nowWithDelta(0, 'days')") is True


def test_offsets_of_dates_are_kept(value) -> None:
    """What is read with an offset shows it."""
    found = value("toDateTime('2011-12-03T15:15:30.123-00:20')")

    assert found == datetime(2011, 12, 3, 15, 15, 30, 123_000, tzinfo=timezone(timedelta(minutes=-20)))
    assert found.isoformat() == "2011-12-03T15:15:30.123000-00:20"
