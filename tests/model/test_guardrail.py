"""Guardrails: the editions, the switches one by one, and the network policy."""

from __future__ import annotations

from ipaddress import ip_address

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        {"networks": "10.2.0.0/16"},
        {"networks": [7]},
        {"networks": ["10.2.0.1"]},
        {"networks": ["10.2.0.1/16"]},
        {"networks": ["crm.internal/16"]},
    ],
)
def test_a_policy_of_a_wrong_type_is_refused(policy) -> None:
    """A single text in place of a collection is not taken for its letters."""
    with pytest.raises(wh.DefinitionError):
        wh.NetworkPolicy(**policy)


NOT_PUBLIC = """
0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.1 127.255.255.255 169.254.0.0
169.254.169.254 172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.255 192.0.2.1 192.88.99.1 192.168.0.0
192.168.255.255 198.18.0.0 198.19.255.255 198.51.100.7 203.0.113.7 224.0.0.1 239.255.255.255 240.0.0.1
255.255.255.255 :: ::1 ::8.8.8.8 ::ffff:8.8.8.8 ::ffff:10.0.0.1 ::ffff:0:8.8.8.8 64:ff9b::808:808 64:ff9b:1::1
100::1 100:0:0:1::1 2001::1 2001:1ff:ffff::1 2001:db8::1 2002:808:808::1 3fff::1 3fff:fff::1 5f00::1 fc00::1
fdff::1 fe80::1 fe80::1%eth0 fec0::1 ff02::1
"""
PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255
169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0 192.167.255.255 192.169.0.0 198.17.255.255
198.20.0.0 223.255.255.255 2001:200::1 2001:4860:4860::8888 2003::1 2606:4700::1111 2a00::1 3ffe::1 4000::1
::1:0:0:1 64:ff9a::1 100:0:0:2::1
"""


def dialled(host: str, address: str, port: int = 443, **policy) -> bool:
    """Whether a policy lets a host that leads to an address be dialled."""
    return not wh.NetworkPolicy(**policy).address_refusal(host, port, ip_address(address))


@pytest.mark.parametrize("address", NOT_PUBLIC.split())
def test_an_address_that_is_not_public_is_not_dialled(address) -> None:
    """Every range of the list is closed, from its first address to its last, whatever the host is called (P38)."""
    assert not dialled("api.example.com", address)


@pytest.mark.parametrize("address", PUBLIC.split())
def test_a_public_address_is_dialled(address) -> None:
    """What lies beside the ranges is open."""
    assert dialled("api.example.com", address)


@pytest.mark.parametrize(
    ("policy", "host", "address", "port", "allowed"),
    [
        ({"loopback": True}, "localhost", "127.0.0.1", 8080, True),
        ({"loopback": True}, "[::1]", "::1", 8080, True),
        ({"loopback": True}, "localhost", "::ffff:127.0.0.1", 80, False),
        ({"loopback": True}, "api.example.com", "169.254.169.254", 80, False),
        ({"loopback": True}, "api.example.com", "10.2.0.7", 80, False),
        ({"loopback": True}, "api.example.com", "0.0.0.0", 80, False),
        ({"networks": ["10.2.0.0/16"]}, "crm.example.com", "10.2.255.255", 443, True),
        ({"networks": ["10.2.0.0/16"]}, "crm.example.com", "10.3.0.0", 443, False),
        ({"networks": ["10.2.0.0/16"]}, "crm.example.com", "::ffff:10.2.0.7", 443, False),
        ({"networks": ["fd00:2::/32"]}, "crm.example.com", "fd00:2::7", 443, True),
        ({"hosts": ["crm.internal"]}, "crm.internal", "10.9.9.9", 443, True),
        ({"hosts": ["crm.internal"]}, "crm.internal", "127.0.0.1", 443, True),
        ({"hosts": ["crm.internal"]}, "crm.internal", "fd00::1", 443, True),
        ({"hosts": ["crm.internal"]}, "crm.internal", "169.254.169.254", 443, False),
        ({"hosts": ["crm.internal"]}, "crm.internal", "64:ff9b::a00:1", 443, False),
        ({"hosts": ["crm.internal"]}, "api.example.com", "10.9.9.9", 443, False),
        ({"hosts": ["crm.internal:8443"]}, "crm.internal", "10.9.9.9", 8443, True),
        ({"hosts": ["crm.internal:8443"]}, "crm.internal", "10.9.9.9", 443, False),
        ({"hosts": ["10.2.0.7"]}, "api.example.com", "10.2.0.7", 443, True),
        ({"hosts": ["10.2.0.7:8080"]}, "10.2.0.7", "10.2.0.7", 8080, True),
        ({"hosts": ["10.2.0.7:8080"]}, "10.2.0.7", "10.2.0.7", 443, False),
        ({"hosts": ["[fd00::7]"]}, "[fd00::7]", "fd00::7", 443, True),
        ({"hosts": ["169.254.169.254"]}, "169.254.169.254", "169.254.169.254", 80, True),
    ],
)
def test_a_policy_opens_what_it_names(policy, host, address, port, allowed) -> None:
    """Loopback, a network, a host or an address opens that and nothing beside it, least of all link-local."""
    assert dialled(host, address, port, **policy) is allowed


METADATA = """
100.100.100.200 fd00:42::42 fd00:a9fe:a9fe::1 fd00:c1::a9fe:a9fe fd00:ec2::254 fd00:ec2::23 fd00:100::100:200
fd20:ce::254
"""


@pytest.mark.parametrize("address", METADATA.split())
def test_a_named_host_leads_to_no_metadata_service(address) -> None:
    """In a private range, too, it must be named by its own address or range."""
    spelled, around = (f"[{address}]", f"{address}/128") if ":" in address else (address, f"{address}/32")

    assert not dialled("crm.internal", address, hosts=["crm.internal", "crm.internal:443"])
    assert dialled(spelled, address, hosts=[spelled])
    assert dialled("crm.internal", address, networks=[around])


@given(st.ip_addresses())
def test_what_the_language_calls_private_is_never_public(address) -> None:
    """Whatever the language calls private, link-local or multicast is closed, and so is what maps to it."""
    special = address.is_private or address.is_link_local or address.is_multicast

    assert not (special and dialled("api.example.com", str(address)))


def test_a_network_in_the_policy_lets_its_addresses_be_written() -> None:
    """An address of a named network may stand in a URL; its neighbours and other ports may not."""
    networks = ["10.2.0.0/16"]

    assert called("https://10.2.0.7/", networks=networks) == ""
    assert called("https://10.3.0.7/", networks=networks) == "R41"
    assert called("https://10.2.0.7:8443/", networks=networks) == "R38"


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
