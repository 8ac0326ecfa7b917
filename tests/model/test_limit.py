"""Capping rules: which calls count, and what a rule may say."""

from __future__ import annotations

import pytest

import wayhook as wh


@pytest.mark.rule("R217")
@pytest.mark.parametrize(
    ("methods", "method", "covered"),
    [
        ((), "POST", True),
        ((), "PUT", True),
        (["POST"], "POST", True),
        (["POST"], "PUT", False),
        ({"POST", "PUT"}, "PUT", True),
    ],
)
def test_a_rule_counts_its_methods(methods, method, covered) -> None:
    """A rule counts the methods that it names, or all of them."""
    rule = wh.CappingRule("https://h.example/d/*", 2, methods=methods)

    assert rule.covers(method, "https://h.example/d/1") is covered


@pytest.mark.parametrize(
    ("url", "called", "covered"),
    [
        ("https://h.example/d/*", "https://h.example/d/1/2?a=b", True),
        ("https://h.example/d/*", "https://h.example/d/", True),
        ("https://h.example/d/*", "https://h.example/d", False),
        ("https://h.example/d/*", "https://hXexample/d/1", False),
        ("https://h.example/d/*", "https://evil.example/?https://h.example/d/1", False),
        ("https://h.example/a*/b*", "https://h.example/a1/b2", True),
        ("https://h.example/a*/b*", "https://h.example/a1/c2", False),
        ("https://h.example/d", "https://h.example/d", True),
        ("https://h.example/d", "https://h.example/d1", False),
        ("https://h.example/d?a=(b)*", "https://h.example/d?a=(b)c", True),
    ],
)
def test_a_star_stands_for_anything(url, called, covered) -> None:
    """`*` matches any text, every other sign itself, and the whole address is compared."""
    assert wh.CappingRule(url, 2).covers("POST", called) is covered


def test_a_period_is_a_second_unless_given() -> None:
    """The documented default period is 1,000 milliseconds."""
    assert wh.CappingRule("https://h.example/*", 2).period_in_ms == 1000


def test_all_faults_of_a_rule_are_named_at_once() -> None:
    """Construction collects the faults of every part."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.CappingRule(None, 0, 0)

    assert [violation.path for violation in caught.value.violations] == [
        "$.url",
        "$.max_calls_count",
        "$.period_in_ms",
    ]


@pytest.mark.rule("R241")
@pytest.mark.parametrize("methods", ["POST", 7, [7]])
def test_methods_are_a_collection_of_texts(methods) -> None:
    """A single text in place of a collection is not taken for its letters."""
    with pytest.raises(wh.DefinitionError, match=r"\$\.methods"):
        wh.CappingRule("https://h.example/*", 2, methods=methods)


def test_a_rule_is_a_value() -> None:
    """Equal parts make equal rules, which can be keys."""
    rule = wh.CappingRule("https://h.example/*", 2, methods=["POST", "PUT"])

    assert {rule: 1}[wh.CappingRule("https://h.example/*", 2, methods={"PUT", "POST"})] == 1


@pytest.mark.rule("R237")
@pytest.mark.parametrize("url", ["", None, 7])
def test_a_rule_has_a_url(url) -> None:
    """A rule without a URL is refused."""
    with pytest.raises(wh.DefinitionError, match="R237"):
        wh.CappingRule(url, 2)


@pytest.mark.rule("R238")
@pytest.mark.parametrize("url", ["nonsense", "htp:/x", "//h.example", "ftp://h.example/*", "https://"])
def test_the_url_of_a_rule_is_well_formed(url) -> None:
    """A rule that no call could ever meet is refused, instead of being no rule in silence."""
    with pytest.raises(wh.DefinitionError, match="R238"):
        wh.CappingRule(url, 2)


@pytest.mark.rule("R237", "R238")
@pytest.mark.parametrize(
    ("url", "called"),
    [
        ("https://SMS.example.com/*", "https://sms.example.com/v1"),
        ("https://sms.example.com:443/*", "https://sms.example.com/v1"),
        ("HTTP://sms.example.com:80", "http://sms.example.com"),
        ("https://sms.example.com/*", "https://sms.example.com"),
        ("https://sms.example.com/v1", "https://sms.example.com/v1?q=1"),
    ],
)
def test_a_rule_meets_a_call_however_it_is_spelled(url, called) -> None:
    """Letter case of the host, the scheme's own port, an empty path and a query make no difference."""
    assert wh.CappingRule(url, 2).covers("POST", called)
