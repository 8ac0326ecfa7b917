"""Limits in the product's own JSON: what is read, what is written, and what is said about the rest."""

from __future__ import annotations

import json
from typing import Any

import pytest

import wayhook as wh

RATING = {"maxCallsCount": 100, "periodInMs": 1000}
CAPPING: dict[str, Any] = {
    "url": "https://api.example.com/v2/*",
    "methods": ["PUT", "POST"],
    "services": {"action": {"maxHttpConnections": 50, "rating": RATING}, "dataSource": {"rating": RATING}},
    "orgId": "org-1",
}
THROTTLING: dict[str, Any] = {
    "name": "partner",
    "description": "é",
    "urlPattern": "https://api.example.com/v2/*",
    "methods": ["POST"],
    "maxThroughput": 250,
}
METADATA = {
    "createdBy": "ann",
    "createdById": "1",
    "createdAt": "2030-01-02T03:04:05.678Z",
    "lastModifiedBy": "joe",
    "lastModifiedAt": "2030-01-03T03:04:05Z",
    "lastDeployedBy": "ann",
}
ELEMENT: dict[str, Any] = {
    "uid": "u-1",
    "state": "created",
    "hasBeenDeployed": False,
    "metadata": METADATA,
    "authoringFormatVersion": "1.0",
}
SANDBOX = {"_id": "u-1_s-1", "orgId": "org-1", "sandboxId": "s-1", "sandboxName": "prod", "version": 3}
DEPLOYED = {"state": "deployed", "hasBeenDeployed": True}
OLD = {"url": "https://old.example/*", "methods": ["GET"], "services": {"action": {"rating": RATING}}}


def codes(load: Any, document: Any) -> list[tuple[str, str]]:
    """What is wrong with a document: paths, and the codes without their family."""
    with pytest.raises(wh.DocumentError) as refused:
        load(document)
    families = ("ERR_ENDPOINTCONFIG_", "ERR_THROTTLING_CONFIG_")
    return [
        (fault.path, fault.code.removeprefix(families[0]).removeprefix(families[1]))
        for fault in refused.value.violations
    ]


def without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    """The document without some of its keys."""
    return {name: value for name, value in document.items() if name not in names}


@pytest.mark.parametrize(
    "document",
    [
        CAPPING,
        OLD,
        CAPPING | ELEMENT,
        CAPPING | ELEMENT | {"state": "updated", "tenantId": "t-1"},
        CAPPING | ELEMENT | DEPLOYED,
        CAPPING | ELEMENT | DEPLOYED | {"deployedConfig": OLD},
        CAPPING | ELEMENT | {"state": "updated", "hasBeenDeployed": True, "deployedConfig": OLD},
    ],
)
def test_a_capping_comes_back_equal(document: dict[str, Any]) -> None:
    """Every documented key of a rule and of an element is read and written back, from text as well."""
    value = wh.load_capping(json.dumps(document))

    assert value == wh.load_capping(document) == wh.load_capping(json.dumps(document).encode())
    assert wh.dump_capping(value) == document
    assert isinstance(value, wh.CappingConfiguration if "uid" in document else wh.CappingRule)


@pytest.mark.parametrize(
    "document",
    [
        THROTTLING,
        without(THROTTLING, "name", "description"),
        THROTTLING | ELEMENT | SANDBOX,
        THROTTLING | ELEMENT | SANDBOX | {"state": "updated"},
        THROTTLING | ELEMENT | SANDBOX | DEPLOYED,
    ],
)
def test_a_throttling_comes_back_equal(document: dict[str, Any]) -> None:
    """Every documented key of a rule and of an element is read and written back, from text as well."""
    value = wh.load_throttling(json.dumps(document))

    assert value == wh.load_throttling(document)
    assert wh.dump_throttling(value) == document
    assert isinstance(value, wh.ThrottlingConfiguration if "uid" in document else wh.ThrottlingRule)


def test_what_is_read_has_its_parts() -> None:
    """The keys of the product are the fields of the values."""
    rule = wh.load_capping(CAPPING)
    configuration = wh.load_throttling(THROTTLING | ELEMENT | SANDBOX | DEPLOYED)

    assert rule == wh.CappingRule(
        CAPPING["url"], wh.Rating(100, 1000, 50), data_source=wh.Rating(100), methods=["POST", "PUT"], org_id="org-1"
    )
    assert configuration == wh.ThrottlingConfiguration(
        "u-1",
        wh.ThrottlingRule(THROTTLING["urlPattern"], ["POST"], 250, "partner", "é"),
        state="deployed",
        state_before="updated",
        runtime_version=3,
        sandbox=wh.Sandbox("prod", "s-1"),
        org_id="org-1",
        metadata=wh.Metadata(
            wh.Stamp("ann", "2030-01-02T03:04:05.678Z", "1"), wh.Stamp("joe", "2030-01-03T03:04:05Z"), wh.Stamp("ann")
        ),
    )


def test_a_deployed_element_enforces_its_rule() -> None:
    """Where no older rule is given, the one that is deployed is that of the element."""
    value = wh.load_capping(CAPPING | ELEMENT | DEPLOYED)

    assert isinstance(value, wh.CappingConfiguration)
    assert value.deployed_rule == value.rule == wh.load_capping(CAPPING)
    assert value.undeployed().state == "updated"


@pytest.mark.rule("R249", "R264")
@pytest.mark.parametrize(
    ("document", "capping", "throttling"),
    [
        ("no json", "112", "106"),
        (b"\xff", "112", "106"),
        ('{"url": 1, "url": 2}', "112", "106"),
        ("[]", "111", "106"),
        ([CAPPING], "111", "106"),
        (None, "111", "106"),
        ({1: 2}, "111", "106"),
    ],
)
def test_a_limit_is_a_json_object(document: Any, capping: str, throttling: str) -> None:
    """Text that is no JSON, and JSON that is no object, are refused each with its code."""
    assert codes(wh.load_capping, document) == [("$", capping)]
    assert codes(wh.load_throttling, document) == [("$", throttling)]


@pytest.mark.rule("R245", "R254")
def test_every_fault_of_a_capping_is_told_at_once() -> None:
    """Missing keys, wrong types, numbers out of range and unknown keys come together, each with path and code."""
    document = {
        "url": "https://*.example/",
        "methods": ["FETCH", 7],
        "services": {
            "action": {"maxHttpConnections": 401, "rating": {"maxCallsCount": "many", "period": 5}},
            "dataSource": {"rating": None, "more": 1},
            "email": {},
        },
        "orgID": "x",
        "orgId": 7,
    }

    assert codes(wh.load_capping, document) == [
        ("$.url", "102"),
        ("$.methods[0]", "111"),
        ("$.methods[1]", "111"),
        ("$.orgId", "111"),
        ("$.services.email", "ERR_AUTHORING_ENDPOINTCONFIG_1"),
        ("$.services.action.maxHttpConnections", "111"),
        ("$.services.action.rating.period", "111"),
        ("$.services.action.rating.maxCallsCount", "107"),
        ("$.services.action.rating.periodInMs", "108"),
        ("$.services.dataSource.more", "111"),
        ("$.services.dataSource.rating", "104"),
        ("$.orgID", "111"),
    ]
    assert codes(wh.load_capping, {}) == [("$.url", "100"), ("$.methods", "103"), ("$.services", "104")]


@pytest.mark.rule("R254", "R259")
def test_every_fault_of_a_throttling_is_told_at_once() -> None:
    """A partial body is refused with all that is missing; wrong types and unknown keys are named."""
    assert codes(wh.load_throttling, {}) == [("$.urlPattern", "100"), ("$.methods", "100"), ("$.maxThroughput", "101")]
    assert codes(wh.load_throttling, THROTTLING | {"name": 1, "services": {}, "methods": ["post"]}) == [
        ("$.methods[0]", "106"),
        ("$.name", "106"),
        ("$.services", "106"),
    ]


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({"uid": ""}, ["$.uid"]),
        ({"uid": 7, "state": 8}, ["$.uid", "$.state"]),
        ({"state": "running"}, ["$.state"]),
        ({"hasBeenDeployed": True}, ["$.hasBeenDeployed"]),
        ({"hasBeenDeployed": "no"}, ["$.hasBeenDeployed"]),
        (DEPLOYED | {"hasBeenDeployed": False}, ["$.hasBeenDeployed"]),
        ({"metadata": []}, ["$.metadata"]),
        ({"metadata": {"createdBy": 1, "createdAt": "today", "changedBy": "x"}}, None),
        ({"authoringFormatVersion": "2.0"}, ["$.authoringFormatVersion"]),
        ({"more": 1}, ["$.more"]),
    ],
)
def test_an_element_fits_together(change: dict[str, Any], paths: list[str] | None) -> None:
    """What an element says beside its rule is checked as the rule is, and every fault has a code of its family."""
    paths = paths or ["$.metadata.changedBy", "$.metadata.createdBy", "$.metadata.createdAt"]

    for load, document in (
        (wh.load_capping, CAPPING | ELEMENT),
        (wh.load_throttling, THROTTLING | ELEMENT | SANDBOX | {"_id": None}),
    ):
        found = codes(load, document | change)
        assert sorted(path for path, _ in found) == sorted(paths)
        assert {code for _, code in found} <= {"111", "106"}


def test_an_update_that_waits_needs_what_is_enforced() -> None:
    """An updated element that has been deployed names the rule that is enforced; that rule is judged too."""
    updated = CAPPING | ELEMENT | {"state": "updated", "hasBeenDeployed": True}

    assert codes(wh.load_capping, updated) == [("$.hasBeenDeployed", "111")]
    assert codes(wh.load_capping, updated | {"deployedConfig": OLD | {"url": "x", "uid": "y"}}) == [
        ("$.deployedConfig.uid", "111"),
        ("$.deployedConfig.url", "101"),
    ]


def test_a_throttling_element_says_where_it_is() -> None:
    """Its `_id` is made of the uid and the sandbox, its version counts; without a name the sandbox is `prod`."""
    document = THROTTLING | ELEMENT | SANDBOX

    assert codes(wh.load_throttling, document | {"_id": "u-2_s-1", "version": -1}) == [
        ("$.version", "106"),
        ("$._id", "106"),
    ]
    value = wh.load_throttling(without(document, "_id", "sandboxId", "sandboxName", "version", "orgId"))
    assert isinstance(value, wh.ThrottlingConfiguration)
    assert (value.sandbox, value.runtime_version, value.org_id) == (wh.Sandbox("prod"), 0, "")


def test_only_a_limit_is_written() -> None:
    """Another value is refused with what belongs there."""
    rule = wh.load_capping(CAPPING)

    with pytest.raises(wh.DefinitionError, match="ThrottlingConfiguration is written here, not CappingRule"):
        wh.dump_throttling(rule)  # type: ignore[arg-type]
    with pytest.raises(wh.DefinitionError, match="CappingConfiguration is written here, not dict"):
        wh.dump_capping({})  # type: ignore[arg-type]
