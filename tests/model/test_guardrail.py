"""Guardrails: the editions, the switches one by one, and the network policy."""

from __future__ import annotations

import attrs
import pytest

import wayhook as wh
from wayhook.model.url import DEFAULT_PORTS, parse_url

STANDARD = wh.Guardrails.standard()
ORCHESTRATION = wh.Guardrails.journey_orchestration()
OPTIMIZER = wh.Guardrails.journey_optimizer()


def rules(value, guardrails: wh.Guardrails | None = None) -> list[str]:
    """The numbers of the broken rules."""
    return [violation.rule for violation in wh.violations(value, guardrails=guardrails)]


def called(url: str, **policy) -> str:
    """The rule that a URL breaks under a policy, or `""`."""
    refused = wh.NetworkPolicy(**policy).refusal(parse_url(url))
    return refused[1] if refused else ""


@pytest.mark.rule("R59", "R60", "R61", "R62", "R203", "R204")
@pytest.mark.parametrize(
    ("edition", "methods", "default_timeout", "repetition"),
    [
        (ORCHESTRATION, {"POST", "PUT"}, 5, wh.Repetition.ANY),
        (OPTIMIZER, {"GET", "POST", "PUT"}, 30, wh.Repetition.ANY_BUT_DENIED),
        (STANDARD, {"GET", "POST", "PUT", "PATCH", "DELETE"}, 5, wh.Repetition.EVIDENCE),
    ],
    ids=["orchestration", "optimizer", "standard"],
)
def test_an_edition_is_data(edition, methods, default_timeout, repetition) -> None:
    """Each edition has its methods, its default timeout and its way of repeating; names and range are the same."""
    assert edition.methods == methods
    assert edition.default_timeout == default_timeout
    assert edition.repetition is repetition
    assert (edition.name_length, edition.timeout_range) == (30, (1, 30))
    assert edition.network == wh.NetworkPolicy()


def test_the_first_edition_has_what_the_others_added_switched_off() -> None:
    """Query parameters, answers, optional variables and other content types came later."""
    switches = ("query_parameters", "responses", "optional_variables", "content_type_editable")

    assert {name: getattr(ORCHESTRATION, name) for name in switches} == dict.fromkeys(switches, False)
    assert all(getattr(edition, name) for edition in (OPTIMIZER, STANDARD) for name in switches)


def test_standard_is_the_default() -> None:
    """Without guardrails the standard edition judges."""
    for method in ("GET", "PATCH", "DELETE", "TRACE"):
        configuration = wh.UrlConfiguration("https://h.example", method=method)
        assert rules(configuration) == rules(configuration, STANDARD)


FIELDS = wh.payload({"a": 1})
OPTIONAL = wh.message_parameters({"a": 1}, variables={"a": wh.variable("A", optional=True)})


def action(url_configuration: wh.UrlConfiguration | None = None, **parts) -> wh.Action:
    """An action that keeps the rules of every edition."""
    return wh.Action(
        **{"name": "A", "url_configuration": url_configuration or wh.UrlConfiguration("https://h.example"), **parts}
    )


@pytest.mark.parametrize(
    ("switch", "value", "rule"),
    [
        ({"methods": {"GET"}}, action(wh.UrlConfiguration("https://h.example", method="GET")), "R60"),
        (
            {"query_parameters": True},
            action(wh.UrlConfiguration("https://h.example", query_parameters={"a": "1"})),
            "R82",
        ),
        ({"responses": True}, action(response=FIELDS), "R175"),
        ({"responses": True}, action(failure_response=FIELDS), "R175"),
        ({"optional_variables": True}, action(message_parameters=OPTIONAL), "R148"),
        (
            {"content_type_editable": True},
            action(wh.UrlConfiguration("https://h.example", headers={"Content-Type": "application/vnd.api+json"})),
            "R76",
        ),
        ({"name_length": 40}, action(name="a" * 40), "R2"),
        ({"timeout_range": (1, 120)}, wh.Journey("W", timeout=60), "R203"),
        (
            {"network": wh.NetworkPolicy(loopback=True)},
            action(wh.UrlConfiguration("http://localhost:8080")),
            "R48",
        ),
    ],
)
def test_a_switch_is_turned_on_its_own(switch, value, rule) -> None:
    """What the strictest edition refuses is accepted with one switch changed, and everything else stays refused."""
    opened = attrs.evolve(ORCHESTRATION, **switch)
    name = next(iter(switch))

    assert rules(value, ORCHESTRATION) == [rule]
    assert rules(value, opened) == []
    assert attrs.evolve(opened, **{name: getattr(ORCHESTRATION, name)}) == ORCHESTRATION


@pytest.mark.parametrize(
    ("switch", "value", "says"),
    [
        ({"name_length": 3}, action(name="abcd"), "the name has 4 characters; use at most 3"),
        ({"timeout_range": (2, 4), "default_timeout": 3}, wh.Journey("W", timeout=1), "a timeout is 2 to 4 seconds"),
        ({"methods": {"PUT", "GET"}}, action(), "the method 'POST' is not among GET, PUT"),
    ],
)
def test_a_refusal_says_what_the_switch_allows(switch, value, says) -> None:
    """The sentence is made of the edition in force, not of the usual numbers."""
    [violation] = wh.violations(value, guardrails=attrs.evolve(STANDARD, **switch))

    assert violation.message == says


@pytest.mark.parametrize("edition", [ORCHESTRATION, OPTIMIZER, STANDARD], ids=lambda rails: rails.edition)
def test_all_faults_of_an_edition_are_found_at_once(edition) -> None:
    """Where an edition is stricter, every part that it does not have is named, with its path."""
    value = action(
        wh.UrlConfiguration(
            "https://h.example",
            method="DELETE",
            headers={"content-type": "text/json+json", "X-A": wh.variable("A", optional=True)},
            query_parameters={"q": wh.variable("Q", optional=True)},
        ),
        response=FIELDS,
    )
    expected = {
        "journey_orchestration": [
            ("$.url_configuration.method", "R61"),
            ("$.url_configuration.headers[1].value", "R76"),
            ("$.url_configuration.headers[2]", "R148"),
            ("$.url_configuration.query_parameters", "R82"),
            ("$.url_configuration.query_parameters[0]", "R148"),
            ("$.response", "R175"),
        ],
        "journey_optimizer": [("$.url_configuration.method", "R61"), ("$.url_configuration.headers[1].value", "R77")],
        "standard": [("$.url_configuration.headers[1].value", "R77")],
    }

    found = wh.violations(value, guardrails=edition)

    assert [(violation.path, violation.rule) for violation in found] == expected[edition.edition]


@pytest.mark.parametrize("guardrails", [wh.Guardrails.standard, wh.Guardrails.journey_orchestration])
def test_a_repository_keeps_the_edition_it_is_given(guardrails) -> None:
    """The guardrails of a repository are those of its construction, network policy included."""
    network = wh.NetworkPolicy(loopback=True)

    assert wh.MemoryRepository(guardrails=guardrails(network=network)).guardrails == guardrails(network=network)
    assert wh.MemoryRepository().guardrails == STANDARD


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("http://localhost/", ""),
        ("http://LOCALHOST:1/", ""),
        ("https://127.0.0.1:8443/", ""),
        ("http://127.255.255.254/", ""),
        ("http://[::1]:8080/", ""),
        ("http://[0:0:0:0:0:0:0:1]/", ""),
        ("http://127.1/", "R43"),
        ("http://2130706433/", "R43"),
        ("http://0.0.0.0/", "R41"),
        ("http://10.0.0.1/", "R41"),
        ("http://[::]/", "R42"),
        ("http://localhost.evil.example/", ""),
        ("http://localhost.evil.example:8080/", "R39"),
        ("http://api.localhost/", "R48"),
        ("http://localhost.internal/", "R48"),
    ],
)
@pytest.mark.rule("R48")
def test_loopback_allows_this_machine_only(url, rule) -> None:
    """With `loopback` this machine is called on every port, in its plain spellings, and nothing else is opened."""
    assert called(url, loopback=True) == rule


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("https://crm.internal/", ""),
        ("http://crm.internal/", ""),
        ("https://CRM.Internal/", ""),
        ("https://crm.internal:8443/", "R38"),
        ("https://a.crm.internal/", "R48"),
        ("http://10.2.0.7:8080/", ""),
        ("http://10.2.0.7/", "R41"),
        ("http://10.2.0.7:8081/", "R41"),
        ("https://api.shop.example:9443/", ""),
        ("https://api.shop.example/", ""),
        ("https://intra.adobe.com/", ""),
        ("https://other.adobe.com/", "R44"),
        ("http://localhost/", "R48"),
    ],
)
@pytest.mark.rule("R48")
def test_hosts_allow_what_they_name(url, rule) -> None:
    """A host alone is called on its scheme's port, a host with a port on that port, and no other."""
    hosts = {"crm.internal", "10.2.0.7:8080", "api.shop.example:9443", "intra.adobe.com"}

    assert called(url, hosts=hosts) == rule


def test_a_host_is_named_in_any_letter_case() -> None:
    """Host names are the same in upper and lower case, in a policy as in a URL."""
    assert called("https://crm.internal/", hosts=["CRM.Internal"]) == ""


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("https://h.example:8443/", ""),
        ("http://h.example:8443/", ""),
        ("https://h.example/", ""),
        ("https://h.example:80/", "R38"),
        ("http://h.example:443/", "R39"),
        ("https://h.example:8080/", "R38"),
        ("http://10.0.0.1:8443/", "R41"),
        ("http://localhost:8443/", "R48"),
    ],
)
@pytest.mark.rule("R38", "R39", "R40")
def test_ports_open_a_port_on_every_public_host(url, rule) -> None:
    """A port that is allowed is added to the scheme's own; no host is opened by it."""
    assert called(url, ports={8443}) == rule


@pytest.mark.rule("R48")
@pytest.mark.parametrize(
    "host",
    [
        "crm",
        "a.local",
        "a.internal",
        "a.intranet",
        "a.private",
        "a.corp",
        "a.home",
        "a.lan",
        "a.home.arpa",
        "a.invalid",
    ],
)
def test_names_of_private_networks_are_refused(host) -> None:
    """Names that no public resolver answers are refused until they are meant, and then are called."""
    assert called(f"https://{host}/") == "R48"
    assert called(f"https://{host}/", hosts={host}) == ""


@pytest.mark.parametrize("host", ["localhost.example", "corp.example", "internal.example", "notlocal.example"])
def test_public_names_that_look_private_are_called(host) -> None:
    """Only the last labels make a name private."""
    assert called(f"https://{host}/") == ""


@pytest.mark.parametrize(
    "policy",
    [
        {"hosts": "crm.internal"},
        {"hosts": [7]},
        {"hosts": None},
        {"ports": 8443},
        {"ports": ["8443"]},
        {"ports": "8443"},
    ],
)
def test_a_policy_of_a_wrong_type_is_refused(policy) -> None:
    """A single text in place of a collection is not taken for its letters."""
    with pytest.raises(wh.DefinitionError):
        wh.NetworkPolicy(**policy)


def test_methods_are_a_collection() -> None:
    """A single text in place of a collection is not taken for its letters."""
    with pytest.raises(wh.DefinitionError):
        attrs.evolve(STANDARD, methods="GET")


def test_a_policy_and_an_edition_are_values() -> None:
    """Equal parts make equal policies and editions; none can be changed in place."""
    assert wh.NetworkPolicy(hosts=["a", "b"]) == wh.NetworkPolicy(hosts={"b", "a"})
    assert hash(STANDARD) == hash(wh.Guardrails.standard())
    with pytest.raises(AttributeError):
        STANDARD.name_length = 99


def test_every_scheme_has_its_port() -> None:
    """Only http and https are called."""
    assert DEFAULT_PORTS == {"http": 80, "https": 443}


@pytest.mark.rule("R293", "R299", "R306", "R307")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("canvas", 1),
        ("pauses", None),
        ("dry_runs", "no"),
        ("select_package", 0),
        ("finished_after_days", 0),
        ("finished_after_days", None),
        ("finished_after_days", 1.5),
        ("live_journeys", 0),
        ("live_journeys", True),
        ("live_statuses", {"Alive"}),
        ("live_statuses", "Live"),
        ("journey_size", -1),
        ("data_policies", wh.DataPolicy("m", ["@event{E.a}"])),
    ],
)
def test_a_switch_of_journeys_is_of_its_type(name, value) -> None:
    """What a switch cannot be is refused with its name, however many are wrong."""
    with pytest.raises(wh.DefinitionError) as caught:
        attrs.evolve(STANDARD, **{name: value})

    assert [violation.path for violation in caught.value.violations] == [f"$.{name}"]


def test_the_statuses_that_count_may_be_given_as_text() -> None:
    """A member and its text are the same."""
    assert attrs.evolve(STANDARD, live_statuses={"Live"}) == STANDARD
