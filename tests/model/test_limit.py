"""Capping and throttling rules and configurations: which calls count, what they may say, and their life."""

from __future__ import annotations

from datetime import UTC, datetime
from time import perf_counter

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wayhook as wh

URL = "https://h.example/d/*"
CAPPING = wh.CappingRule(URL, wh.Rating(2))
THROTTLING = wh.ThrottlingRule(URL, ["POST"], 200)
MORNING = wh.Stamp("ann", datetime(2030, 1, 1, 8, tzinfo=UTC))
EVENING = wh.Stamp("joe", datetime(2030, 1, 1, 20, tzinfo=UTC))


@pytest.mark.rule("R217")
@pytest.mark.parametrize(
    ("methods", "method", "covered"),
    [
        (["POST"], "POST", True),
        (["POST"], "PUT", False),
        ({"POST", "PUT"}, "PUT", True),
        (["OPTION"], "OPTIONS", True),
        ([], "POST", False),
    ],
)
def test_a_rule_counts_its_methods(methods, method, covered) -> None:
    """A rule counts the methods that it names, `OPTION` being the product's word for OPTIONS."""
    assert wh.CappingRule(URL, methods=methods).covers(method, "https://h.example/d/1") is covered
    assert wh.ThrottlingRule(URL, methods, 200).covers(method, "https://h.example/d/1") is covered


def test_a_capping_counts_every_method_unless_told() -> None:
    """A rule without methods names all that there are."""
    assert [CAPPING.covers(method, "https://h.example/d/1") for method in ("GET", "DELETE", "OPTIONS")] == [True] * 3


PATTERNS = [
    ("https://h.example/d/*", "https://h.example/d/1/2?a=b", True),
    ("https://h.example/d/*", "https://h.example/d/", True),
    ("https://h.example/d/*", "https://h.example/d", False),
    ("https://h.example/d/*", "https://hXexample/d/1", False),
    ("https://h.example/d/*", "https://evil.example/?https://h.example/d/1", False),
    ("https://h.example/a*/b*", "https://h.example/a1/b2", True),
    ("https://h.example/a*/b*", "https://h.example/a1/c2", False),
    ("https://h.example/a*bc*c", "https://h.example/abc", False),
    ("https://h.example/*a*b", "https://h.example/b-a-b", True),
    ("https://h.example/d", "https://h.example/d", True),
    ("https://h.example/d", "https://h.example/d1", False),
    ("https://h.example/d?a=(b)*", "https://h.example/d?a=(b)c", True),
    ("https://SMS.example.com/*", "https://sms.example.com/v1", True),
    ("https://sms.example.com:443/*", "https://sms.example.com/v1", True),
    ("HTTP://sms.example.com:80", "http://sms.example.com", True),
    ("https://sms.example.com/*", "https://sms.example.com", True),
    ("https://sms.example.com/v1", "https://sms.example.com/v1?q=1", True),
    ("https://h.example/*", "https://h.example/" + "a" * 5000, True),
    ("https://h.example/*", "no address at all", False),
]


@pytest.mark.rule("R217", "R237")
@pytest.mark.parametrize(("url", "called", "covered"), PATTERNS)
def test_a_star_stands_for_anything(url, called, covered) -> None:
    """`*` matches any text, every other sign itself, and the whole address is compared in its one spelling."""
    assert wh.CappingRule(url).covers("POST", called) is covered
    assert wh.ThrottlingRule(url, ["POST"], 200).covers("POST", called) is covered


@given(pieces=st.lists(st.text("ab", max_size=3), min_size=1, max_size=5), text=st.text("ab", max_size=8))
def test_a_pattern_is_what_a_regular_expression_says(pieces, text) -> None:
    """Any pattern meets the texts that the same expression with `.*` meets."""
    import re

    rule = wh.CappingRule("https://h.example/" + "*".join(pieces))

    assert rule.covers("GET", "https://h.example/" + text) is bool(re.fullmatch(".*".join(pieces), text))


def test_no_pattern_is_slow() -> None:
    """Many wildcards and a long address that almost fits take no noticeable time."""
    rule = wh.CappingRule("https://h.example/" + "*a" * 40 + "*b")
    started = perf_counter()

    assert not rule.covers("GET", "https://h.example/" + "a" * 100_000)
    assert perf_counter() - started < 1


def test_a_rule_is_a_value() -> None:
    """Equal parts make equal rules, which can be keys; the order of methods is kept and makes no difference."""
    rule = wh.CappingRule(URL, methods=["PUT", "POST"])

    assert rule.methods == ("PUT", "POST")
    assert {rule: 1}[wh.CappingRule(URL, methods={"PUT", "POST"})] == 1
    assert wh.ThrottlingRule(URL, ["PUT", "POST"], 200) == wh.ThrottlingRule(URL, {"POST", "PUT"}, 200)


@pytest.mark.rule("R241", "R242", "R243", "R244")
@pytest.mark.parametrize(
    ("make", "paths"),
    [
        (lambda: wh.Rating("2", 1.5, True), ["$.max_calls_count", "$.period_in_ms", "$.max_http_connections"]),
        (
            lambda: wh.CappingRule(7, 2, data_source=3, methods="POST", org_id=None),
            ["$.url", "$.action", "$.data_source", "$.methods", "$.org_id"],
        ),
        (lambda: wh.CappingRule(URL, methods=[7]), ["$.methods"]),
        (
            lambda: wh.ThrottlingRule(None, "POST", 200.0, None, 7),
            ["$.url_pattern", "$.methods", "$.max_throughput", "$.name", "$.description"],
        ),
        (lambda: wh.Sandbox(1, 2, "yes"), ["$.name", "$.id", "$.production"]),
        (lambda: wh.Stamp(1, "yesterday", 2), ["$.by", "$.by_id", "$.at"]),
        (lambda: wh.Stamp(at=datetime(2030, 1, 1)), ["$.at"]),  # noqa: DTZ001 - it is refused for that
        (lambda: wh.Metadata(created="ann"), ["$.created"]),
        (
            lambda: wh.CappingConfiguration("", URL, state="new", deployed_rule=1, metadata=2, tenant_id=3),
            ["$.uid", "$.rule", "$.deployed_rule", "$.metadata", "$.tenant_id", "$.state"],
        ),
        (
            lambda: wh.CappingConfiguration("c", CAPPING, state="deployed", state_before="deployed"),
            ["$.deployed_rule", "$.state_before"],
        ),
        (
            lambda: wh.ThrottlingConfiguration("", 1, state=2, runtime_version=-1, sandbox=3, org_id=4, metadata=5),
            ["$.uid", "$.rule", "$.sandbox", "$.metadata", "$.org_id", "$.state", "$.runtime_version"],
        ),
        (lambda: wh.ThrottlingConfiguration("t", THROTTLING, state_before="deployed"), ["$.state_before"]),
    ],
)
def test_all_wrong_types_are_named_at_once(make, paths) -> None:
    """Construction collects what is of a wrong type or does not fit together."""
    with pytest.raises(wh.DefinitionError) as caught:
        make()

    assert [violation.path for violation in caught.value.violations] == paths


def test_a_draft_may_break_every_documented_rule() -> None:
    """What is only out of its range is no fault of construction; `violations` names all of it, with codes."""
    rule = wh.CappingRule("https://*.h.example/#x", wh.Rating(0, 0, 401), methods=["FETCH"])

    assert [(fault.path, fault.code.removeprefix("ERR_ENDPOINTCONFIG_")) for fault in wh.violations(rule)] == [
        ("$.url", "102"),
        ("$.url", "101"),
        ("$.methods[0]", "111"),
        ("$.action.max_calls_count", "107"),
        ("$.action.period_in_ms", "108"),
        ("$.action.max_http_connections", "111"),
    ]


def test_a_moment_is_iso_text() -> None:
    """A datetime is kept as text, and text stays as it is."""
    assert (MORNING.at, wh.Stamp(at="2030-01-01T08:00:00.000Z").at) == (
        "2030-01-01T08:00:00Z",
        "2030-01-01T08:00:00.000Z",
    )


@pytest.mark.rule("R250", "R251", "R252", "R253")
def test_the_life_of_a_capping() -> None:
    """A capping acts from deploy to undeploy, as it was deployed; an update waits for the next deployment."""
    new = attrs.evolve(CAPPING, action=wh.Rating(5, 1000, 10))

    created = wh.CappingConfiguration("c", CAPPING)
    deployed = created.deployed(guardrails=wh.Guardrails.journey_orchestration())
    updated = deployed.updated(new)
    again = updated.deployed()

    assert [(c.state, c.has_been_deployed, c.deployed_rule) for c in (created, deployed, updated, again)] == [
        ("created", False, None),
        ("deployed", True, CAPPING),
        ("updated", True, CAPPING),
        ("deployed", True, new),
    ]


@pytest.mark.rule("R252")
def test_undeploying_goes_back_to_the_state_before() -> None:
    """A capping that was never updated is `created` again, another one `updated`; nothing is enforced."""
    created = wh.CappingConfiguration("c", CAPPING)
    updated = created.updated(CAPPING)

    ends = [each.undeployed() for each in (created.deployed(), updated.deployed(), created.deployed().updated(CAPPING))]

    assert [(end.state, end.has_been_deployed) for end in ends] == [
        ("created", False),
        ("updated", False),
        ("updated", False),
    ]
    with pytest.raises(wh.DefinitionError, match="not deployed"):
        created.undeployed()


@pytest.mark.rule("R258")
def test_what_cannot_be_deployed_is_not() -> None:
    """A deployment is refused with the errors that `can_deploy` tells, and the configuration stays."""
    draft = wh.CappingConfiguration("c", wh.CappingRule("", wh.Rating(0), methods=[]))

    verdict = draft.can_deploy()

    assert verdict.status == "error"
    assert [fault.code[-3:] for fault in verdict.errors] == ["100", "103", "107"]
    assert verdict.reason.count("ERR_ENDPOINTCONFIG_") == 3
    with pytest.raises(wh.DefinitionError) as refused:
        draft.deployed()
    assert refused.value.violations == verdict.errors


def test_stamps_say_who_and_when() -> None:
    """Each transition keeps the stamp that it is given, and leaves the others."""
    made = wh.CappingConfiguration("c", CAPPING, metadata=wh.Metadata(created=MORNING))

    after = made.updated(CAPPING, EVENING).deployed(MORNING)

    assert after.metadata == wh.Metadata(MORNING, EVENING, MORNING)
    assert after.undeployed().metadata == after.metadata
    throttling = wh.ThrottlingConfiguration("t", THROTTLING).deployed(MORNING).updated(THROTTLING, EVENING)
    assert throttling.metadata == wh.Metadata(None, EVENING, MORNING)


@pytest.mark.rule("R269", "R270", "R271", "R274", "R277")
def test_the_life_of_a_throttling() -> None:
    """A throttling acts from deploy to undeploy, an update at once; each deployment is a new runtime version."""
    new = attrs.evolve(THROTTLING, max_throughput=300)

    created = wh.ThrottlingConfiguration("t", THROTTLING)
    deployed = created.deployed()
    updated = deployed.updated(new)
    ended = updated.undeployed()
    again = ended.updated(THROTTLING).deployed()

    assert [(t.state, t.deployed_rule, t.runtime_version) for t in (created, deployed, updated, ended, again)] == [
        ("created", None, 0),
        ("deployed", THROTTLING, 1),
        ("deployed", new, 1),
        ("updated", None, 1),
        ("deployed", THROTTLING, 2),
    ]
    assert deployed.undeployed().state == "created"


@pytest.mark.rule("R270", "R271", "R275")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda t: t.deployed().deployed(), "14466"),
        (lambda t: t.undeployed(), "14468"),
        (lambda t: t.updated(THROTTLING, runtime_version=1), "1461"),
        (lambda t: t.deployed().undeployed().updated(THROTTLING, runtime_version=1), "1461"),
        (lambda t: t.deployed().undeployed().deployed().updated(THROTTLING, runtime_version=1), "1461"),
    ],
)
def test_what_a_throttling_refuses(change, code) -> None:
    """A change that does not fit the state is refused with its code."""
    with pytest.raises(wh.DefinitionError) as refused:
        change(wh.ThrottlingConfiguration("t", THROTTLING))

    assert [fault.code for fault in refused.value.violations] == [code]


def test_an_update_of_a_throttling_is_validated() -> None:
    """A rule that is enforced at once is judged at once; a runtime version that is active may be changed."""
    deployed = wh.ThrottlingConfiguration("t", THROTTLING).deployed()

    with pytest.raises(wh.DefinitionError, match="ERR_THROTTLING_CONFIG_101"):
        deployed.updated(attrs.evolve(THROTTLING, max_throughput=100))
    assert deployed.updated(THROTTLING, runtime_version=1).has_been_deployed


@pytest.mark.rule("R266", "R267")
def test_throttling_is_for_production() -> None:
    """A sandbox of development, or one that nobody knows, stands in the way of saving and deploying."""
    configuration = wh.ThrottlingConfiguration("t", THROTTLING, sandbox=wh.Sandbox("", production=False))

    assert [fault.code for fault in wh.violations(configuration)] == ["4000", "1463"]
    assert configuration.can_deploy().status == "error"
    with pytest.raises(wh.DefinitionError, match="1463"):
        configuration.deployed()


@pytest.mark.rule("R218", "R220", "R221", "R248")
def test_the_caps_of_an_edition_are_switches() -> None:
    """Only the optimizer caps hosts by itself; each cap can be changed alone, and is judged as a rating."""
    editions = (wh.Guardrails.standard(), wh.Guardrails.journey_orchestration(), wh.Guardrails.journey_optimizer())

    assert [edition.default_cap for edition in editions] == [None, None, wh.Rating(300_000, 60_000)]
    assert [edition.slow_cap for edition in editions] == [None, None, wh.Rating(150_000, 30_000)]
    with pytest.raises(wh.DefinitionError) as refused:
        attrs.evolve(editions[0], default_cap=wh.Rating(0), slow_cap=5, default_connections=0)
    assert [fault.path for fault in refused.value.violations] == [
        "$.default_cap.max_calls_count",
        "$.slow_cap",
        "$.default_connections",
    ]
