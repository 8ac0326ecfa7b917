"""The parser: what may be written, what it means, and what is said about the rest."""

from __future__ import annotations

import pickle

import pytest

import wayhook as wh

EMPTY = wh.Context()


def value(text: str, context: wh.Context = EMPTY) -> object:
    """What an expression gives."""
    return wh.expression(text).evaluate(context)


def fault(text: str) -> wh.ExpressionError:
    """The error that an expression raises."""
    with pytest.raises(wh.ExpressionError) as caught:
        wh.expression(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"hello world"', "hello world"),
        ("'hello world'", "hello world"),
        ('"it\'s"', "it's"),
        ("'say \"hi\"'", 'say "hi"'),
        ('""', ""),
        ("'line\nbreak'", "line\nbreak"),
        ("'é — 😀'", "é — 😀"),
        ("'@event{A.b} + 1'", "@event{A.b} + 1"),
        ("42", 42),
        ("0", 0),
        ("007", 7),
        ("-1", -1),
        ("- 1", -1),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("1.5", 1.5),
        ("-3.14", -3.14),
        ("0.10", 0.1),
        ("true", True),
        ("false", False),
        ("null", None),
        ("((('a')))", "a"),
        (" \t\r\n 7 \n", 7),
    ],
)
def test_a_literal_is_its_value(text: str, expected: object) -> None:
    """Texts, numbers, truth values and null mean themselves, exactly and in their own type."""
    found = value(text)

    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r'"a\"b"', 'a"b'),
        (r"'a\'b'", "a'b"),
        (r'"\\."', "\\."),
        (r'"\/"', "/"),
        (r'"\n\t\r\b\f"', "\n\t\r\b\f"),
        (r'"\u00e9\u00E9"', "éé"),
        (r'"\ud83d\ude00"', "😀"),
        (r'"\\n"', "\\n"),
        (r'"\\u0041"', r"\u0041"),
    ],
)
def test_an_escape_is_its_character(text: str, expected: str) -> None:
    """A backslash writes quotes, control characters, code points and itself."""
    assert value(text) == expected


def test_no_escape_of_the_source_reaches_into_the_next_token() -> None:
    """A doubled backslash before the closing quote ends the text."""
    assert value(r"'a\\' + 'b'") == "a\\b"


@pytest.mark.rule("R190")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@{Order.id}", "e"),
        ("@event{Order.id}", "e"),
        ("@event {Order . id}", "e"),
        ("@event{\n  Order\n  .id\n}", "e"),
        ("#{Shop.Profile.id}", "d"),
        ("# { Shop.Profile.id }", "d"),
        ("@action{Loyalty.id}", "a"),
        ("@action {Loyalty.'id'}", "a"),
        ("${externalKey}", "j"),
        ("$ { 'externalKey' }", "j"),
    ],
)
def test_each_kind_of_reference_reads_its_own_part_of_the_context(text: str, expected: str) -> None:
    """Events, data sources, action answers and journey properties are four places, whatever the white space."""
    context = wh.Context(
        {"Order": {"id": "e"}, "externalKey": "wrong"},
        data_sources={"Shop": {"Profile": {"id": "d"}}, "Order": {"id": "wrong"}},
        actions={"Loyalty": {"id": "a"}, "Order": {"id": "wrong"}},
        journey={"externalKey": "j", "Order": {"id": "wrong"}},
    )

    assert value(text, context) == expected


@pytest.mark.rule("R196")
@pytest.mark.parametrize(
    ("segment", "name"),
    [
        ("a-b", "a-b"),
        ("_x9", "_x9"),
        ("'3h'", "3h"),
        ('"-x"', "-x"),
        ("'first name'", "first name"),
        ("'a.b'", "a.b"),
        (r"'it\'s'", "it's"),
        ("'é'", "é"),
        ("''", ""),
        ("true", "true"),
        ("null", "null"),
        ("defaultValue", "defaultValue"),
        ("event", "event"),
    ],
)
def test_a_field_name_stands_bare_or_in_quotes(segment: str, name: str) -> None:
    """Letters, digits, `_` and inner `-` stand bare; anything else in quotes; no word is reserved inside."""
    context = wh.Context({"Rain": {name: 1}})

    assert value(f"@event{{Rain.{segment}}}", context) == 1


@pytest.mark.rule("R196")
@pytest.mark.parametrize(("text", "column"), [("@event{Rain.3h}", 13), ("@event{Rain.-x}", 13), ("@event{Rain.é}", 13)])
def test_a_field_name_that_needs_quotes_is_refused_without(text: str, column: int) -> None:
    """A name that begins with a digit or `-`, or is not ASCII, is refused at its first sign."""
    assert (fault(text).line, fault(text).column) == (1, column)


@pytest.mark.parametrize(
    ("text", "line", "column", "message", "expected"),
    [
        ("@event{A.b", 1, 11, "ends too early", {"','", "'.'", "'}'"}),
        ("(1", 1, 3, "ends too early", {"')'"}),
        ("1 +\n + 2", 2, 2, "'+' is not expected", {"a quoted text", "a whole number", "@event{…}"}),
        ('"a" AND "b"', 1, 5, "'AND' is not expected here; write 'and'", {"an operator", "the end"}),
        ("1 2", 1, 3, "'2' is not expected", {"an operator", "the end"}),
        ("name", 1, 1, "'name' is not expected", {"a quoted text", "@action{…}", "#{…}", "${…}"}),
        ("True", 1, 1, "'True' is not expected", {"true"}),
        ("@event{A..b}", 1, 10, "'.' is not expected", {"a field name", "a quoted text"}),
        ("@event{}", 1, 8, "'}' is not expected", {"a field name", "a quoted text"}),
        ("@event{A.b, default: 1}", 1, 13, "'default' is not expected", {"defaultValue"}),
        ("@event{A.b, defaultValue 1}", 1, 26, "'1' is not expected", {"':'"}),
        ('-"a"', 1, 1, "'-' takes a number, not string", set()),
        ("1.", 1, 2, "'.' is not expected", {"the end"}),
        (".5", 1, 1, "'.' is not expected", {"a decimal number"}),
        ("1e5", 1, 2, "'e5' is not expected", {"the end"}),
        ("'a' + \n\t'b", 2, 2, "no end", {"a quoted text"}),
        ('"a\\"', 1, 1, "no end", set()),
        ("@Event{A.b}", 1, 1, "'@' is not expected", {"@event{…}"}),
        ("'a' + é", 1, 7, "'é' is not expected", {"a quoted text"}),
        ("", 1, 1, "is empty", {"a quoted text"}),
        (" \n ", 2, 2, "is empty", {"a quoted text"}),
        (r"'a' + 'b\q'", 1, 7, r"'\q' is no escape", set()),
        (r"'\u12'", 1, 1, r"'\u' is no escape", set()),
        (r"'\ud800'", 1, 1, "half a surrogate pair", set()),
        ("'\ud800'", 1, 1, "half a surrogate pair", set()),
        (r"@event{A.'\q'}", 1, 10, "is no escape", set()),
        ("9223372036854775808", 1, 1, "-2^63 to 2^63-1", set()),
        ("1 + 99999999999999999999999999", 1, 5, "-2^63 to 2^63-1", set()),
        ("- 9223372036854775809", 1, 3, "-2^63 to 2^63-1", set()),
        ("${externalKey.id}", 1, 15, "a journey property is one name", set()),
    ],
)
def test_an_error_says_where_and_what_was_expected(
    text: str, line: int, column: int, message: str, expected: set[str]
) -> None:
    """Line and column are where the reading stopped; the words of the language that could stand there follow."""
    error = fault(text)

    assert (error.line, error.column) == (line, column)
    assert message in error.message
    assert expected <= set(error.expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"a" $', {"an operator", "the end"}),
        ('"a" }', {"an operator", "the end"}),
        ("(1", {"an operator", "')'"}),
        ("(1 }", {"an operator", "')'"}),
        ("[1 }", {"an operator", "','", "']'"}),
        ("@event{A.b, defaultValue: 1", {"an operator", "','", "'}'"}),
        ("@event{A.b", {"'.'", "','", "'('", "'}'"}),
        ("@event{A.b,", {"defaultValue", "params"}),
        ("1 is", {"null", "not", "numeric", "integer", "decimal"}),
        ("1 is not", {"null"}),
        ("if (true) then (1)", {"else"}),
        ("if true then (1) else (2)", {"'('"}),
        ("if (true) then 1 else (2)", {"'('"}),
        ("if (true) then", {"'('"}),
        ("if (true) then (1) else 2", {"'('"}),
    ],
)
def test_exactly_what_may_stand_there_is_named(text: str, expected: set[str]) -> None:
    """Every sign that could follow is named, and no bracket that nobody opened."""
    assert set(fault(text).expected) == expected


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("if true then (1) else (2)", "'true' is not expected here", 4),
        ("if (true) then 1 else (2)", "'1' is not expected here", 16),
        ("if (true) then", "the expression ends too early", 15),
        ("if (true) then (1) else 2", "'2' is not expected here", 25),
    ],
)
def test_a_branch_without_its_parenthesis_is_what_is_pointed_at(text: str, message: str, column: int) -> None:
    """The words of a condition are where they belong; what follows them is not."""
    [problem] = fault(text).problems

    assert (problem.message, problem.column) == (message, column)


def test_a_caret_points_at_the_place() -> None:
    """The text of the error shows the line in question and a caret below the sign that was read last."""
    error = fault("'a' +\n  'b' 'c'")

    where, excerpt, caret, wanted = str(error).split("\n")
    assert where == "line 2, column 7: \"'c'\" is not expected here"
    assert excerpt[caret.index("^") :] == "'c'"
    assert wanted == "expected: an operator, the end"


def test_a_long_line_is_cut_around_the_place() -> None:
    """The excerpt of a long line stays short, and the caret stays below its sign."""
    error = fault(f"'{'x' * 500}' §{' ' * 300}")

    _, excerpt, caret, _ = str(error).split("\n")
    assert excerpt[caret.index("^")] == "§"
    assert len(excerpt) < 90


@pytest.mark.parametrize("sign", ["\u2028", "\x0b", "\x0c", "\x85", "\r"])
def test_a_sign_that_is_no_line_break_breaks_no_line(sign: str) -> None:
    """Lines are counted at line feeds; the excerpt shows the same line."""
    error = fault(f"'a{sign}b' §")

    text = str(error)
    assert (error.line, error.column) == (1, 7)
    assert text.split("\n")[1].endswith("§")


def test_a_long_text_is_refused_without_being_repeated() -> None:
    """More than 10,000 characters are refused, and the error does not carry them all."""
    error = fault("'" + "x" * 10_000 + "'")

    assert "10000 characters" in error.message
    assert len(str(error)) < 400


@pytest.mark.parametrize(
    "text",
    [
        "(" * 4_000 + "1" + ")" * 4_000,
        "1+(" * 2_400 + "1" + ")" * 2_400,
        "'a'+" * 2_400 + "'a'",
        "@event{A.b,defaultValue:" * 64 + "1" + "}" * 64,
    ],
    ids=["parentheses", "sums", "operands", "defaults"],
)
def test_depth_is_an_answer_or_an_error_of_our_own(text: str) -> None:
    """However deeply a text is nested, it is evaluated or refused with line and column, never with a crash."""
    try:
        found = value(text)
    except wh.ExpressionError as error:
        assert "nested" in error.message  # noqa: PT017 - one of two right answers
    else:
        assert found is not None


def test_defaults_are_nested_at_most_64_levels_deep() -> None:
    """The limit is named, and the place of the reference that is too much."""
    error = fault("@event{A.b,defaultValue:" * 65 + "1" + "}" * 65)

    assert "64 levels" in error.message


@pytest.mark.parametrize("given", [None, 7, b"'a'", ["'a'"]])
def test_an_expression_is_text(given: object) -> None:
    """Anything but text is refused with its type and without its value."""
    error = fault(given)  # type: ignore[arg-type]

    assert error.message == f"an expression is text, not {type(given).__name__}"


@pytest.mark.parametrize("text", ["1 +\n+", "'", ":", "not " * 100 + "true"])
def test_an_error_keeps_nothing_of_the_parser(text: str) -> None:
    """Libraries that pickle an error with what came before it find nothing there."""
    error = fault(text)

    assert (error.__cause__, error.__context__) == (None, None)


def test_an_error_survives_a_pickle() -> None:
    """Everything that the error says is still there in another process."""
    error = fault("1 +\n+")

    copy = pickle.loads(pickle.dumps(error))

    assert str(copy) == str(error)
    assert (copy.text, copy.line, copy.column, copy.expected) == (error.text, 2, 1, error.expected)
