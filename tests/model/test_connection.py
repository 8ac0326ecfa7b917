"""Connections: an authentication under a name, and where it may be sent."""

from __future__ import annotations

from typing import Any

import pytest

import wayhook as wh

KEY = wh.secret("env:KEY")
BASIC = wh.BasicAuthentication("joe", KEY)


def at(url: str = "https://api.shop.example/v1", **parts: Any) -> wh.Action:
    """An action that uses the connection `Shop`."""
    configuration = wh.UrlConfiguration(url, **parts)
    return wh.Action(name="Call", url_configuration=configuration, authentication=wh.connection("Shop"))


async def refusal(repository: wh.MemoryRepository, *values: Any) -> list[str]:
    """The faults that a save is refused with."""
    with pytest.raises(wh.DefinitionError) as caught:
        await repository.save(*values)
    return [str(violation) for violation in caught.value.violations]


@pytest.mark.parametrize(
    ("hosts", "host", "reached"),
    [
        ((), "anything.example", True),
        (["api.shop.example"], "api.shop.example", True),
        (["API.Shop.Example"], "api.shop.example", True),
        (["api.shop.example"], "shop.example", False),
        (["api.shop.example"], "api.shop.example.evil.example", False),
        (["*.shop.example"], "api.shop.example", True),
        (["*.shop.example"], "a.b.shop.example", True),
        (["*.shop.example"], "shop.example", False),
        (["*.shop.example"], "evilshop.example", False),
        (["a.example", "*.b.example"], "x.b.example", True),
    ],
)
def test_a_connection_reaches_its_hosts_only(hosts: Any, host: str, *, reached: bool) -> None:
    """A host is met by its whole name in any letter case, a `*.` by every name below; none at all is every host."""
    assert wh.Connection("Shop", BASIC, hosts=hosts).reaches(host) is reached


@pytest.mark.parametrize(
    ("parts", "paths"),
    [
        ({"name": ""}, ["$.name"]),
        ({"name": 7, "authentication": "basic", "description": None}, ["$.name", "$.authentication", "$.description"]),
        ({"authentication": wh.connection("Other")}, ["$.authentication"]),
        ({"hosts": "api.shop.example"}, ["$.hosts"]),
        ({"hosts": [7]}, ["$.hosts"]),
        ({"hosts": [["a.example"]]}, ["$.hosts"]),
        ({"hosts": 7}, ["$.hosts"]),
        ({"hosts": ["https://a.example", "b.example/x", "c.example"]}, ["$.hosts", "$.hosts"]),
        ({"hosts": ["*", "*.*.example", "a*.example", "é.example", ""]}, ["$.hosts"] * 5),
    ],
)
def test_all_faults_of_a_connection_are_named_at_once(parts: dict[str, Any], paths: list[str]) -> None:
    """A missing name, a borrowed authentication and what is no host name are refused when it is made."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.Connection(**{"name": "Shop", "authentication": BASIC, **parts})

    assert [violation.path for violation in caught.value.violations] == paths


@pytest.mark.rule("R1", "R3", "R90")
def test_a_connection_keeps_the_rules_of_names_and_authentications() -> None:
    """Its name is that of an action, and its authentication is checked like an action's."""
    connection = wh.Connection("my shop", wh.OAuthClientCredentials("http://localhost/t", "c", KEY))
    orchestration = wh.Guardrails.journey_orchestration()

    found = wh.violations(connection)
    strict = wh.violations(connection, guardrails=orchestration)

    assert [(violation.path, violation.rule) for violation in found] == [
        ("$.name", "R3"),
        ("$.authentication.endpoint", "R48"),
    ]
    assert "R90" in {violation.rule for violation in strict}


@pytest.mark.rule("R134")
def test_a_connection_shows_no_secret() -> None:
    """Its text and its card name it and mask what it holds."""
    connection = wh.Connection("Shop", wh.ApiKeyAuthentication("X-Key", wh.literal_secret("canary-1")))

    assert "Shop" in repr(connection)
    assert "canary" not in f"{connection!r} {connection} {connection._repr_html_()}"


async def test_an_action_is_saved_with_a_connection_that_reaches_it() -> None:
    """A connection that is not there, or is bound elsewhere, stands in the way; one saved along does not."""
    repository = wh.MemoryRepository()
    shop = wh.Connection("Shop", BASIC, hosts=["*.shop.example"])

    missing = await refusal(repository, at())
    await repository.save(shop, at())
    elsewhere = await refusal(repository, at("https://api.other.example"))

    assert missing == ["$.authentication: there is no connection 'Shop'; save it first, or along"]
    assert len(elsewhere) == 1
    assert elsewhere[0].startswith("$.url_configuration.url: the connection Shop of Call is bound to *.shop.example")


async def test_a_connection_is_not_bound_away_from_its_users() -> None:
    """Hosts that leave out the host of a user are refused, and the user is named."""
    repository = wh.MemoryRepository()
    await repository.save(wh.Connection("Shop", BASIC), at())

    found = await refusal(repository, wh.Connection("Shop", BASIC, hosts=["api.other.example"]))

    assert len(found) == 1
    assert found[0].startswith("$.hosts: the connection Shop of Call is bound to api.other.example, not to api.shop")


@pytest.mark.rule("R81")
async def test_a_connection_adds_nothing_that_stands_there_already() -> None:
    """A header of the action that its connection adds as well is refused, whichever of the two is saved."""
    action, repository = at(headers={"X-Key": "1"}), wh.MemoryRepository()
    keyed = wh.Connection("Shop", wh.ApiKeyAuthentication("x-key", KEY))

    with_action = await refusal(repository, keyed, action)
    await repository.save(wh.Connection("Shop", BASIC), action)
    with_connection = await refusal(repository, keyed)

    assert [fault.split(":")[0] for fault in with_action] == ["$[0].authentication", "$[1].authentication"]
    assert len(with_connection) == 1
    assert with_connection[0].startswith("$.authentication: in Call, the authentication adds the header x-key")


async def test_users_follow_a_renamed_connection() -> None:
    """An action goes on using its connection under the new name; the old name is gone."""
    repository = wh.MemoryRepository()
    await repository.save(wh.Connection("Shop", BASIC), at())

    await repository.save(wh.Connection("Store", BASIC), renamed_from="Shop")

    assert (await repository.get(wh.Action, "Call")).value.authentication == wh.connection("Store")
    with pytest.raises(wh.NotFound):
        await repository.get(wh.Connection, "Shop")


async def test_a_connection_in_use_is_not_deleted() -> None:
    """The refusal names the actions; with the last of them gone it can go as well."""
    repository = wh.MemoryRepository()
    await repository.save(wh.Connection("Shop", BASIC), at())

    with pytest.raises(wh.StillInUse) as caught:
        await repository.delete(wh.Connection, "Shop")
    await repository.delete(wh.Action, "Call")
    await repository.delete(wh.Connection, "Shop")

    assert (caught.value.kind, caught.value.users) == ("connection", ("Call",))
    assert (await repository.list(wh.Connection)).items == ()
