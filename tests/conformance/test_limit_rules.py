"""Capping and throttling, rule by rule: what each accepts, and what it refuses or does."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

import wayhook as wh
from wayhook.testing import FakeClock, FakeTransport

CAPPING: dict[str, Any] = {
    "url": "https://h.example/d/*",
    "methods": ["POST"],
    "services": {"action": {"maxHttpConnections": 50, "rating": {"maxCallsCount": 2, "periodInMs": 1000}}},
}
THROTTLING: dict[str, Any] = {"urlPattern": "https://h.example/d/*", "methods": ["POST"], "maxThroughput": 200}
RULE = wh.CappingRule("https://h.example/*", wh.Rating(1, 60_000, 50))
CONFIGURATION = wh.CappingConfiguration("c", RULE)
ORGANIZATION = wh.ThrottlingConfiguration("t", wh.ThrottlingRule("https://h.example/*", ["POST"], 200))
PING = wh.Action(name="Ping", url_configuration=wh.UrlConfiguration("https://h.example/d/1"))
ABSENT = object()


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The document with another value at a dotted path, or without it."""
    name, _, rest = path.partition(".")
    below = changed(document[name], rest, value) if rest else value
    return {key: part for key, part in {**document, name: below}.items() if part is not ABSENT}


def codes(load: Any, document: Any) -> list[str]:
    """The codes that a document is refused with."""
    with pytest.raises(wh.DocumentError) as refused:
        load(document)
    return [fault.code for fault in refused.value.violations]


def refused_rule(attempt: Any) -> tuple[str, str]:
    """Number and code of the one rule that stands in the way."""
    with pytest.raises(wh.DefinitionError) as refused:
        attempt()
    [fault] = refused.value.violations
    return fault.rule, fault.code


def case(rule: str, path: str, value: Any, code: str | None) -> Any:
    """One change of a sound document and the code that it is refused with, None for none."""
    shown = "absent" if value is ABSENT else repr(value)
    return pytest.param(path, value, code, id=f"{rule} {path} {shown}")


COUNT, PERIOD = "services.action.rating.maxCallsCount", "services.action.rating.periodInMs"
CONNECTIONS = "services.action.maxHttpConnections"


@pytest.mark.rule("R237", "R238", "R239", "R240", "R241", "R242", "R243", "R244", "R245", "R246", "R247", "R248")
@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        case("R237", "url", "https://h.example/d/*", None),
        case("R237", "url", ABSENT, "ERR_ENDPOINTCONFIG_100"),
        case("R237", "url", "", "ERR_ENDPOINTCONFIG_100"),
        case("R237", "url", 7, "ERR_ENDPOINTCONFIG_100"),
        case("R238", "url", "http://h.example:8080/x", None),
        *(
            case("R238", "url", url, "ERR_ENDPOINTCONFIG_101")
            for url in ("htp:/x", "nonsense", "//h.example", "ftp://h.example/*", "https://", "*")
        ),
        case("R239", "url", "https://h.example/*/x/*", None),
        case("R239", "url", "https://*.example/x", "ERR_ENDPOINTCONFIG_102"),
        case("R239", "url", "https://h.example:*/x", "ERR_ENDPOINTCONFIG_102"),
        case("R240", "methods", ["POST", "PUT"], None),
        case("R240", "methods", ABSENT, "ERR_ENDPOINTCONFIG_103"),
        case("R240", "methods", [], "ERR_ENDPOINTCONFIG_103"),
        *(case("R241", "methods", [m], None) for m in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTION")),
        case("R241", "methods", ["FETCH"], "ERR_ENDPOINTCONFIG_111"),
        case("R242", "services.action.rating", {"maxCallsCount": 2, "periodInMs": 1}, None),
        case("R242", "services.action.rating", ABSENT, "ERR_ENDPOINTCONFIG_104"),
        case("R242", "services", ABSENT, "ERR_ENDPOINTCONFIG_104"),
        case("R242", "services", {}, "ERR_ENDPOINTCONFIG_104"),
        *(case("R243", COUNT, count, None) for count in (1, 2, 500)),
        *(case("R243", COUNT, count, "ERR_ENDPOINTCONFIG_107") for count in (0, -1, "2", 1.5, True, ABSENT)),
        *(case("R244", PERIOD, period, None) for period in (1, 1000)),
        *(case("R244", PERIOD, period, "ERR_ENDPOINTCONFIG_108") for period in (0, -5, "1", 1.5, True, ABSENT)),
        case("R245", "services", {"dataSource": CAPPING["services"]["action"]}, None),
        case("R245", "services", {"email": CAPPING["services"]["action"]}, "ERR_AUTHORING_ENDPOINTCONFIG_1"),
        case("R246", CONNECTIONS, ABSENT, None),
        case("R247", CONNECTIONS, 400, None),
        case("R247", CONNECTIONS, 401, "ERR_ENDPOINTCONFIG_111"),
        case("R248", CONNECTIONS, -1, None),
    ],
)
def test_what_a_capping_document_says(path: str, value: Any, code: str | None) -> None:
    """One change of a sound document is accepted, or refused with its one code."""
    document = changed(CAPPING, path, value)

    if code is None:
        assert wh.violations(wh.load_capping(document)) == ()
    else:
        assert codes(wh.load_capping, document) == [code]


@pytest.mark.rule("R259", "R260", "R261", "R262", "R263", "R264")
@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        case("R259", "urlPattern", "https://h.example/d/*", None),
        case("R259", "urlPattern", ABSENT, "ERR_THROTTLING_CONFIG_100"),
        case("R259", "methods", ABSENT, "ERR_THROTTLING_CONFIG_100"),
        case("R259", "methods", [], "ERR_THROTTLING_CONFIG_100"),
        case("R259", "maxThroughput", ABSENT, "ERR_THROTTLING_CONFIG_101"),
        *(case("R260", "maxThroughput", throughput, None) for throughput in (200, 5000)),
        *(
            case("R260", "maxThroughput", throughput, "ERR_THROTTLING_CONFIG_101")
            for throughput in (199, 5001, 0, -1, "200", 200.0, True)
        ),
        case("R261", "name", "any", None),
        case("R261", "description", ABSENT, None),
        case("R262", "urlPattern", "::", "ERR_THROTTLING_CONFIG_104"),
        case("R263", "urlPattern", "https://h.example/*", None),
        case("R263", "urlPattern", "https://*.example/d", "ERR_THROTTLING_CONFIG_105"),
        case("R264", "services", {}, "ERR_THROTTLING_CONFIG_106"),
    ],
)
def test_what_a_throttling_document_says(path: str, value: Any, code: str | None) -> None:
    """One change of a sound document is accepted, or refused with its one code."""
    document = changed(THROTTLING, path, value)

    if code is None:
        assert wh.violations(wh.load_throttling(document)) == ()
    else:
        assert codes(wh.load_throttling, document) == [code]


@pytest.mark.rule("R246", "R258")
def test_a_missing_connection_limit_is_only_a_warning() -> None:
    """A capping without a limit of connections can be deployed, and is told so for each service."""
    rule = wh.CappingRule("https://h.example/*", wh.Rating(1), data_source=wh.Rating(1, 1000, 10))

    verdict = wh.CappingConfiguration("c", rule).can_deploy()

    assert (verdict.status, verdict.reason, verdict.errors) == ("ok", "", ())
    [warning] = verdict.warnings
    assert (warning.path, warning.code, warning.warning) == (
        "$.rule.action.max_http_connections",
        "ERR_ENDPOINTCONFIG_106",
        True,
    )
    assert wh.violations(rule) == ()


@pytest.mark.rule("R248")
@pytest.mark.parametrize(
    ("edition", "deployed"),
    [
        (wh.Guardrails.journey_optimizer(), -1),
        (wh.Guardrails.standard(), -1),
        (wh.Guardrails.journey_orchestration(), None),
        (attrs.evolve(wh.Guardrails.standard(), default_connections=25), 25),
    ],
)
def test_an_absent_connection_limit_is_deployed_as_the_edition_says(edition: wh.Guardrails, deployed: Any) -> None:
    """The rule stays as it was written; the one that is enforced has the edition's limit."""
    configuration = wh.CappingConfiguration("c", wh.CappingRule("https://h.example/*", wh.Rating(1)))

    after = configuration.deployed(guardrails=edition)

    assert after.deployed_rule.action.max_http_connections == deployed
    assert after.rule == configuration.rule


@pytest.mark.rule("R249")
def test_a_capping_payload_is_a_json_object() -> None:
    """Text that is no JSON is 112, JSON of another shape 111."""
    assert codes(wh.load_capping, "maxCallsCount: 1") == ["ERR_ENDPOINTCONFIG_112"]
    assert codes(wh.load_capping, "[]") == ["ERR_ENDPOINTCONFIG_111"]
    assert codes(wh.load_capping, changed(CAPPING, "services.action", [])) == [
        "ERR_ENDPOINTCONFIG_111",
        "ERR_ENDPOINTCONFIG_104",
    ]


@pytest.mark.rule("R254")
def test_an_update_is_a_full_overwrite() -> None:
    """An update keeps nothing of the old rule, and a partial body is no rule."""
    other = wh.CappingRule("https://other.example/*", data_source=wh.Rating(3))

    assert CONFIGURATION.updated(other).rule == other
    assert codes(wh.load_capping, {"methods": ["POST"]}) == ["ERR_ENDPOINTCONFIG_100", "ERR_ENDPOINTCONFIG_104"]


@pytest.mark.rule("R255", "R256", "R257", "R272", "R273")
async def test_a_deletion_asks_whether_it_is_deployed() -> None:
    """Deployed, it is refused with its code and forced without; an unknown uid is not found."""
    repository = wh.MemoryRepository()
    await repository.save(CONFIGURATION.deployed(), ORGANIZATION.deployed())

    with pytest.raises(wh.DefinitionError, match=r"force=True \(1451, R255\)"):
        await repository.delete(wh.CappingConfiguration, "c")
    with pytest.raises(wh.DefinitionError, match=r"force=True \(1456, R272\)"):
        await repository.delete(wh.ThrottlingConfiguration, "t")
    await repository.delete(wh.CappingConfiguration, "c", force=True)
    await repository.delete(wh.ThrottlingConfiguration, "t", force=True)

    with pytest.raises(wh.NotFound) as capping:
        await repository.get(wh.CappingConfiguration, "c")
    with pytest.raises(wh.NotFound, match="14467") as throttling:
        await repository.get(wh.ThrottlingConfiguration, "t")
    assert (capping.value.code, throttling.value.code) == ("", "14467")


@pytest.mark.rule("R265")
async def test_an_organization_has_one_throttling() -> None:
    """The first is kept, as is one of another organization; a second is refused, and the first can be changed."""
    repository = wh.MemoryRepository()
    await repository.save(ORGANIZATION)
    await repository.save(attrs.evolve(ORGANIZATION, uid="other", org_id="another"))

    with pytest.raises(wh.DefinitionError, match=r"\(1465, R265\)"):
        await repository.save(attrs.evolve(ORGANIZATION, uid="second"))

    assert await repository.save(ORGANIZATION.deployed()) == 2


@pytest.mark.rule("R266", "R267")
@pytest.mark.parametrize(
    ("sandbox", "rule"),
    [(wh.Sandbox("dev", production=False), ("R266", "1463")), (wh.Sandbox(""), ("R267", "4000"))],
)
async def test_throttling_is_for_a_production_sandbox(sandbox: wh.Sandbox, rule: tuple[str, str]) -> None:
    """It is kept for one of production, and refused for others and for one that is not known."""
    repository = wh.MemoryRepository()
    elsewhere = attrs.evolve(ORGANIZATION, sandbox=sandbox)

    with pytest.raises(wh.DefinitionError) as refused:
        await repository.save(elsewhere)

    assert [(fault.rule, fault.code) for fault in refused.value.violations] == [rule]
    assert refused_rule(elsewhere.deployed) == rule
    assert await repository.save(ORGANIZATION) == 1


@pytest.mark.rule("R270", "R271", "R275")
def test_a_throttling_is_changed_in_a_state_that_fits() -> None:
    """It is deployed once and undeployed once, and a runtime version that is not active is not updated."""
    deployed = ORGANIZATION.deployed()

    assert refused_rule(deployed.deployed) == ("R270", "14466")
    assert refused_rule(ORGANIZATION.undeployed) == ("R271", "14468")
    assert deployed.updated(ORGANIZATION.rule, runtime_version=1).state == "deployed"
    assert refused_rule(lambda: deployed.undeployed().updated(ORGANIZATION.rule, runtime_version=1)) == (
        "R275",
        "1461",
    )
    assert deployed.undeployed().updated(ORGANIZATION.rule).deployed().runtime_version == 2


@pytest.mark.rule("R215", "R225", "R250", "R251", "R258")
async def test_a_capping_acts_after_its_deployment(clock: FakeClock) -> None:
    """Created, it refuses nothing; deployed, what is above is refused without an attempt."""
    repository, transport = wh.MemoryRepository(), FakeTransport()

    async with wh.Executor(repository, transport=transport, clock=clock) as executor:
        await repository.save(CONFIGURATION)
        before = [await executor.call(PING) for _ in range(2)]
        await repository.save(CONFIGURATION.deployed())
        clock.pass_time(1)
        after = [await executor.call(PING) for _ in range(2)]

    assert [outcome.status for outcome in before + after] == ["http_200"] * 3 + ["capped"]
    assert (after[1].attempts, len(transport.requests)) == ((), 3)


@pytest.fixture
def clock() -> FakeClock:
    """A clock that moves only when somebody waits."""
    return FakeClock()
