"""Regular expressions: Java's spelling, our machine beside Python's `re`, and work that stays within bounds."""

from __future__ import annotations

import pytest

import wayhook as wh
from wayhook.expression.machine import Machine
from wayhook.expression.pattern import pattern


def matches(text: str, wanted: str) -> bool:
    """Whether the whole text matches, as the language says it."""
    context = wh.Context({"E": {"text": text, "wanted": wanted}})
    found = wh.expression("matchRegExp(@event{E.text}, @event{E.wanted})").evaluate(context)
    assert isinstance(found, bool)
    return found


@pytest.mark.parametrize(
    ("wanted", "right", "wrong"),
    [
        ("", "", "a"),
        ("abc", "abc", "ab"),
        (r"\d+", "12345", "12a"),
        (r"\d", "7", "٧"),
        (r"\w+", "a_1", "é"),
        (r"\W", "é", "a"),
        (r"\s", "\x0b", "\xa0"),
        (r"\S", "\xa0", " "),
        (r"\h", "\xa0", "\n"),
        (r"\v", "\u2028", " "),
        (r"\R", "\r\n", "\t"),
        (r"\D\H\V", "aaa", "1aa"),
        (".", "é", "\n"),
        (".", "\x0b", "\u2028"),
        ("(?s).", "\n", ""),
        ("(?d).", "\u2028", "\n"),
        ("a|bc", "bc", "b"),
        ("(a|b)*c", "ababc", "abd"),
        ("a{2}", "aa", "a"),
        ("a{2,}", "aaaa", "a"),
        ("a{1,2}", "aa", "aaa"),
        ("a{0}", "", "a"),
        ("a??b", "ab", "aab"),
        ("a*?", "aaa", "b"),
        ("(a+)+b", "aab", "aaa"),
        ("a*+a?", "aaa", "b"),
        ("a*+a|b", "b", "aaa"),
        ("(?>a|ab)c", "ac", "abc"),
        ("(?:ab)+", "abab", "aba"),
        ("[abc]", "b", "d"),
        ("[^abc]", "d", "a"),
        ("[a-c0-3]+", "a3", "d"),
        ("[]a]", "]", "["),
        ("[^]a]", "b", "]"),
        ("[a-]", "-", "b"),
        ("[-a]", "-", "b"),
        (r"[\]\\]", "\\", "a"),
        (r"[\d_]", "_", "a"),
        (r"[a\-c]", "-", "b"),
        ("[a[0-9]]", "5", "b"),
        ("[a-z&&[^aeiou]]", "b", "a"),
        ("[a-z&&b-c]", "b", "d"),
        ("[^a-z&&[^0-9]]", "A", "a"),
        ("[.*+?(){}^$|]+", ".*+?(){}^$|", "a"),
        (r"\.\*\\", ".*\\", "aa\\"),
        (r"\Qa.b\E+", "a.bb", "aXb"),
        (r"\Q*", "*", "a"),
        (r"\t\n\r\f\a\e", "\t\n\r\f\a\x1b", "t"),
        (r"\x41\u0042\x{1F600}\0103\cA", "AB😀C\x01", "AB"),
        (r"\p{L}+", "aé漢", "1"),
        (r"\p{Lu}", "É", "é"),
        (r"\pN", "٧", "a"),
        (r"\P{L}", "1", "a"),
        (r"\p{Alpha}+", "aZ", "é"),
        (r"\p{Punct}", "!", "a"),
        (r"\p{IsAlphabetic}", "é", "1"),
        (r"\p{IsLatin}", "é", "ж"),
        (r"\p{javaLowerCase}", "é", "É"),
        (r"[\p{L}&&[^a]]", "b", "a"),
        ("^a$", "a", "b"),
        ("a$", "a", "a\n"),
        (r"a\z", "a", "b"),
        (r"(?m)a$\n^b", "a\nb", "ab"),
        (r"\ba\b.\bb\b", "a b", "aab"),
        (r"a\Bb", "ab", "a b"),
        ("a(?=b).", "ab", "ac"),
        ("a(?!b).", "ac", "ab"),
        ("a.(?<=b)c", "abc", "axc"),
        ("a.(?<!b)c", "axc", "abc"),
        (r"(a|b)\1", "aa", "ab"),
        (r"(?<x>a|b)\k<x>", "bb", "ba"),
        (r"(a)|b\1", "a", "ba"),
        ("(?i)straße", "STRAßE", "strasse"),
        ("(?i)[a-c]", "B", "d"),
        ("(?i)é", "é", "É"),
        ("a(?i)b", "aB", "AB"),
        ("a(?i:b)c", "aBc", "aBC"),
        ("(?i)a(?-i)b", "Ab", "AB"),
        ("(?x) a b # a comment\n c", "abc", "a b c"),
        ("username@adobe\\.com", "username@adobe.com", "username@adobeXcom"),
        (".*@adobe\\.com", "username@adobe.com", "username@adobe.org"),
        ("}", "}", "{"),
        ("]", "]", "["),
    ],
)
def test_java_spelling(wanted, right, wrong) -> None:
    """What `java.util.regex` understands is understood here, by both engines alike."""
    assert matches(right, wanted) is True
    assert matches(wrong, wanted) is False

    compiled = pattern(wanted)
    assert Machine(compiled._program, right).at(0, whole=True) is not None
    assert Machine(compiled._program, wrong).at(0, whole=True) is None


@pytest.mark.parametrize(
    "wanted",
    [
        "*adobe", "+", "?", "a**", "a+*", "a{2}{3}", "(", ")", "(a", "a)", "[", "[a", "[z-a]", "a{", "{1}", "a{2,1}",
        "\\", r"\q", r"\y", "(?<1>a)", "(?<a>b)(?<a>c)", "(?@a)", r"\k<a>", r"\1", r"(a)\2", r"\p{Foo}", r"\p", r"\xZZ",
        r"\u12", r"\x{110000}", r"\0", "(?<=a*)b", "(?<=a+)b", "a{9999}", "[a-\\d]", "(?z)a", "[&&", "(?", "(?<",
        "(" * 40 + ")" * 40, "a" * 1001, "(a{900}){900}", "()" * 101,
    ],
)  # fmt: skip
def test_what_is_no_regular_expression_is_refused(wanted) -> None:
    """As a constant it is a problem of the text, in data a wrong type; the place in it is told."""
    with pytest.raises(wh.WrongType, match="regular expression"):
        matches("a", wanted)


def test_a_wrong_constant_pattern_is_refused_at_once() -> None:
    """Wherever it stands, also in a branch that is not taken."""
    for text in ("matchRegExp(@event{E.x}, '*a')", "if (true) then (1) else (length(replace(@event{E.x}, '(', '')))"):
        with pytest.raises(wh.ExpressionError, match="regular expression"):
            wh.expression(text)


CATASTROPHES = [
    ("(a+)+b", "a" * 5_000),
    ("(a|a)*b", "a" * 5_000),
    ("(a|aa)+$", "a" * 5_000 + "b"),
    ("(.*a){20}", "a" * 19),
    ("(.*,){11}P", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19"),
    ("([a-zA-Z]+)*", "a" * 5_000 + "!"),
    (r"(\w+\s?)*", "word " * 2_000 + "!"),
    ("(x+x+)+y", "x" * 2_000),
    ("a?" * 60 + "a" * 60, "a" * 59),
    (".*.*.*.*b", "a" * 1_000),
    ("((a*)*)*b", "a" * 1_000),
    ("(?:a*)*+b", "a" * 1_000),
]


@pytest.mark.parametrize(("wanted", "text"), CATASTROPHES, ids=lambda each: each[:12])
def test_no_pattern_runs_away(wanted, text) -> None:
    """Patterns that keep other engines busy for years give their answer, which is no, in moments."""
    assert matches(text, wanted) is False


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (r"(\w+)*\1x", "a" * 5_000),
        (r"(a*)*\1b", "a" * 3_000),
        ("(.*.*.*=.*)+", "x" * 200_000),
        (".*a.*b.*c.*d", "a" * 400_000),
    ],
    ids=["back reference", "empty loop", "long text", "long row"],
)
def test_what_would_take_too_long_is_refused(wanted, text) -> None:
    """References back to groups, and long texts under large patterns, have a limit of work."""
    with pytest.raises(wh.WrongType, match="less work"):
        matches(text, wanted)


def test_finding_takes_bounded_work_too() -> None:
    """Every match of a text is found in one pass, and a search without end is refused."""
    context = wh.Context({"E": {"x": "ab" * 20_000, "y": "a" * 100_000}})

    found = wh.expression("length(replaceAll(@event{E.x}, '(a)(b)', '$2$1'))").evaluate(context)

    assert found == 40_000
    with pytest.raises(wh.WrongType, match="less work"):
        wh.expression("replaceAll(@event{E.y}, '(a+)+b|(a*)*c', '')").evaluate(context)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"replaceAll('aXbX', 'x', '-')", "aXbX"),
        (r"replaceAll('aXbX', '(?i)x', '-')", "a-b-"),
        (r"replaceAll('a1b22', '[0-9]+', '<$0>')", "a<1>b<22>"),
        (r"replace('ab', '(a)(b)(c)?', '$3$2$1')", "ba"),
        (r"replace('ab', '(a)', '$12')", "a2b"),
        (r"replace('ab', '(a)(?<x>b)', '${x}')", "b"),
        (r"replace('a', 'a', '\\\\')", "\\"),
        (r"replaceAll('aaa', 'a*', 'b')", "bb"),
        (r"replaceAll('abc', 'x*', '-')", "-a-b-c-"),
        (r"replaceAll('ab', '(?=b)', '-')", "a-b"),
        (r"replaceAll('aab', 'a|ab', 'x')", "xxb"),
        (r"replaceAll('one two', '(\\w+) (\\w+)', '$2 $1')", "two one"),
        (r"replace('|OFFER_A|OFFER_B', '\\|OFFER_A', '')", "|OFFER_B"),
        (r"serializeList(split('a1b22c', '[0-9]+'), '-', false)", "a-b-c"),
        (r"serializeList(split('a,b;c', '[,;]'), '-', false)", "a-b-c"),
        (r"serializeList(split('aXbxc', '(?i)x'), '-', false)", "a-b-c"),
    ],
)
def test_replacing_and_splitting(value, text, expected) -> None:
    """The first alternative that matches is taken, groups are put back, empty matches are matches."""
    assert value(text) == expected


@pytest.mark.parametrize("replacement", ["$1", "$", "a\\", "${x}", "${", "$x"])
def test_a_replacement_of_groups_that_do_not_exist_is_refused(replacement) -> None:
    """As in Java, a dollar sign stands for a group; a plain one has a backslash."""
    context = wh.Context({"E": {"with": replacement}})

    with pytest.raises(wh.WrongType, match="takes a replacement"):
        wh.expression("replace('a', 'a', @event{E.with})").evaluate(context)
