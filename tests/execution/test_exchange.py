"""Export and import: a journey with everything it uses, without a secret, under new names (R309 to R317)."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wayhook as wh

SECRET = wh.secret("env:CANARY_7")


def action(name: str, authentication: wh.Authentication | None = None, **parts: Any) -> wh.Action:
    """An action that keeps every rule."""
    return wh.Action(
        name=name,
        url_configuration=wh.UrlConfiguration(f"https://{name.lower()}.example/v1", headers={"X-Key": SECRET}),
        authentication=authentication or wh.NoAuthentication(),
        message_parameters=wh.message_parameters({"to": "x"}, variables={"to": "To"}),
        response=wh.payload({"id": "x"}),
        **parts,
    )


BASIC = action("Reservation", wh.BasicAuthentication("front", SECRET))
CUSTOM = action(
    "Epsilon",
    wh.CustomAuthorization(
        "https://login.example/token",
        headers={"Authorization": wh.SecretText("Basic ", wh.Base64("cid:", SECRET))},
        body_type="json",
        body_params={"grant_type": "password", "password": SECRET, "deep": {"key": [SECRET]}},
    ),
)
SHARED = wh.Connection("crm", wh.ApiKeyAuthentication("X", SECRET), hosts={"crm.example"})
CRM = action("Crm", wh.connection("crm"))


def welcome(*names: str, **parts: Any) -> wh.Journey:
    """A journey that calls the actions in order, each with the answer of the one before."""
    activities = [
        wh.ActionActivity(
            name,
            label=name,
            parameters={"to": wh.expression(f"@action{{{names[i - 1]}.id}}") if i else "x"},
        )
        for i, name in enumerate(names)
    ]
    return wh.Journey("Welcome", activities, timeout=9, **parts)


async def filled_repository(*more: Any) -> wh.MemoryRepository:
    """A repository with a journey of three actions."""
    repository = wh.MemoryRepository()
    await repository.save(SHARED, BASIC, CUSTOM, CRM, welcome("Reservation", "Epsilon", "Crm"), *more)
    return repository


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """The export with a secret in every place."""
    return wh.with_secrets(document, dict.fromkeys(wh.placeholders(document), "env:CANARY_7"))


async def everything(repository: wh.Repository) -> set[tuple[str, str]]:
    """Kind and name of all that is kept."""
    kinds: list[Any] = [wh.Action, wh.Journey, wh.Connection]
    return {(kind.__name__, s.value.name) for kind in kinds for s in (await repository.list(kind)).items}


@pytest.mark.rule("R309", "R311")
async def test_an_export_has_everything_and_no_secret() -> None:
    """Journey, actions and connections are there; each secret, and the user of Basic, is a placeholder."""
    document = await wh.export_journey(await filled_repository(), "Welcome")

    text = json.dumps(document)
    assert [part["name"] for part in document["actions"]] == ["Reservation", "Epsilon", "Crm"]
    assert [part["name"] for part in document["connections"]] == ["crm"]
    assert document["journey"]["name"] == "Welcome"
    assert "CANARY" not in text
    assert "front" not in text
    assert len(wh.placeholders(document)) == 9


@pytest.mark.rule("R310", both=True)
async def test_an_invalid_journey_is_not_exported() -> None:
    """Everything that stands against its publication stands against its export."""
    repository = await filled_repository(wh.Journey("Bad", [wh.ActionActivity("Reservation", label="a")]))

    with pytest.raises(wh.DefinitionError) as caught:
        await wh.export_journey(repository, "Bad")
    with pytest.raises(wh.NotFound):
        await wh.export_journey(repository, "Nobody")

    assert [violation.rule for violation in caught.value.violations] == ["R147"]


@pytest.mark.rule("R315", "R316")
async def test_an_import_is_new_and_can_be_repeated() -> None:
    """Twice into one repository gives two more drafts and their actions, with names and identifiers of their own."""
    repository = await filled_repository()
    document = complete(await wh.export_journey(repository, "Welcome"))

    first = await wh.import_journey(repository, json.dumps(document))
    second = await wh.import_journey(repository, document)

    assert [first.name, second.name] == ["Welcome_copy", "Welcome_copy2"]
    assert first.actions == ("Reservation_Copy", "Epsilon_Copy", "Crm_Copy")
    assert second.actions == ("Reservation_Copy2", "Epsilon_Copy2", "Crm_Copy2")
    assert (first.status, first.version) == (wh.JourneyStatus.DRAFT, 1)
    assert str(first.activity("Epsilon").parameters[0][1]) == "@action{Reservation_Copy.id}"
    copied = await repository.get(wh.Action, "Crm_Copy")
    assert copied.value.authentication == wh.connection("crm_Copy")
    uids = [s.uid for s in (await repository.list(wh.Action)).items]
    assert len(set(uids)) == 9


async def test_an_import_into_an_empty_repository_keeps_the_names() -> None:
    """Export, fill the secrets, import: all is equal but for identifiers."""
    source, target = await filled_repository(), wh.MemoryRepository()
    document = complete(await wh.export_journey(source, "Welcome"))

    imported = await wh.import_journey(target, document)

    assert imported == (await source.get(wh.Journey, "Welcome")).value
    user = attrs.evolve(BASIC, authentication=wh.BasicAuthentication(SECRET, SECRET))
    assert (await target.get(wh.Action, "Reservation")).value == user
    for kind, name in ((wh.Action, "Epsilon"), (wh.Action, "Crm"), (wh.Connection, "crm")):
        one, other = await source.get(kind, name), await target.get(kind, name)
        assert (one.value, one.uid != other.uid) == (other.value, True)


@pytest.mark.rule("R317", both=True)
async def test_what_is_there_may_be_used_instead() -> None:
    """An action or connection that is named so is not imported, and stays as it is."""
    repository = await filled_repository()
    document = complete(await wh.export_journey(repository, "Welcome"))

    imported = await wh.import_journey(repository, document, use_existing={"Reservation", "crm"})

    assert imported.actions == ("Reservation", "Epsilon_Copy", "Crm_Copy")
    assert (await repository.get(wh.Action, "Crm_Copy")).value.authentication == wh.connection("crm")
    assert (await repository.get(wh.Action, "Reservation")).version == 1


async def test_a_connection_that_nothing_imported_uses_stays_out() -> None:
    """Where every action that uses a connection is there already, the connection is not copied."""
    repository = await filled_repository()
    document = complete(await wh.export_journey(repository, "Welcome"))

    await wh.import_journey(repository, document, use_existing=["Crm"])

    assert [s.value.name for s in (await repository.list(wh.Connection)).items] == ["crm"]


@pytest.mark.rule("R317")
@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["Reservation"], "the repository has no Action 'Reservation'"),
        (["crm"], "the repository has no Connection 'crm'"),
        (["Reservaton"], "no action or connection of the export is named 'Reservaton'"),
        ([7], "no action or connection of the export is named 7"),
        ("Crm", "a collection of names belongs here, not str"),
        (None, "a collection of names belongs here, not NoneType"),
    ],
)
async def test_what_is_not_there_cannot_be_used_instead(names: Any, message: str) -> None:
    """A journey never comes without its actions: what is to be used is of the export, and is there already."""
    document = complete(await wh.export_journey(await filled_repository(), "Welcome"))
    target = wh.MemoryRepository()

    with pytest.raises(wh.DefinitionError, match=rf"^\$\.use_existing: {message}"):
        await wh.import_journey(target, document, use_existing=names)

    assert await everything(target) == set()


async def test_a_broken_rule_is_told_at_its_place_in_the_document() -> None:
    """What a repository refuses is found where it stands in the export, whatever is imported beside it."""
    repository = await filled_repository()
    document = json.loads(json.dumps(complete(await wh.export_journey(repository, "Welcome"))))
    document["actions"][2]["url_configuration"]["url"] = "ftp://x.example"
    document["journey"]["timeout"] = 99

    with pytest.raises(wh.DefinitionError) as caught:
        await wh.import_journey(repository, document, use_existing=["Reservation"])

    paths = [(violation.path, violation.rule) for violation in caught.value.violations]
    assert paths == [("$.actions[2].url_configuration.url", "R36"), ("$.journey.timeout", "R203")]


async def test_what_is_missing_is_told_at_its_place() -> None:
    """A name that leads nowhere, and a twin, are found at the part that has them."""
    document = complete(await wh.export_journey(await filled_repository(), "Welcome"))
    document["connections"], document["actions"][1] = [], document["actions"][0]

    with pytest.raises(wh.DocumentError) as caught:
        await wh.import_journey(wh.MemoryRepository(), document)

    paths = [violation.path for violation in caught.value.violations]
    assert paths == ["$.actions[1].name", "$.journey", "$.actions[2]"]


async def test_a_placeholder_hides_no_fault_beside_it() -> None:
    """A fault is told once the placeholder is its own place or above it, and at any other place always."""
    document = await wh.export_journey(await filled_repository(), "Welcome")
    document["connections"][0]["authentication"]["values"] = "x"

    with pytest.raises(wh.DocumentError) as caught:
        await wh.import_journey(wh.MemoryRepository(), document)

    paths = [violation.path for violation in caught.value.violations]
    assert {"$.connections[0].authentication.value", "$.connections[0].authentication.values"} <= set(paths)
    assert len(paths) == len(set(paths))


@pytest.mark.rule("R312", "R313", "R314")
@pytest.mark.parametrize(
    ("change", "rules"),
    [
        (lambda d: d["actions"][0]["authentication"].update(password={"secret": "INSERT_SECRET_HERE"}), {"R312"}),
        (lambda d: d["actions"][0].update(description="INSERT_SECRET_HERE"), {"R312"}),
        (lambda d: d["actions"][0].update(nmae="x"), {""}),
        (lambda d: d["actions"][0].update(name=7), {""}),
        (lambda d: d["actions"].pop(), {"R313"}),
        (lambda d: d.update(connections=[]), {"R313"}),
        (lambda d: d.update(actions={}), {"R313"}),
        (lambda d: d["actions"].append(d["actions"][0]), {"R313"}),
        (lambda d: d.update(extra=1, kind="journey", wayhook=9), {"R313"}),
        (lambda d: d.pop("journey"), {"R313"}),
        (lambda d: d.update(journey=None), {"R313"}),
        (lambda d: d.update(actions=[None]), {"R313"}),
        (lambda d: d["actions"][0].update(uid=7), {"R313"}),
        (lambda d: d["actions"][0].update(kind="journey"), {"R313"}),
        (lambda d: d["journey"].update(timeout=99), {"R203"}),
        (lambda d: d["actions"][1]["url_configuration"].update(url="ftp://x.example"), {"R36"}),
        (lambda d: d["actions"][1]["url_configuration"].update(method="TRACE"), {"R62"}),
    ],
)
async def test_an_invalid_export_changes_nothing(change: Any, rules: set[str]) -> None:
    """A placeholder, an unknown key, a missing part or a broken rule refuses all of it, and nothing is kept."""
    repository = await filled_repository()
    document = json.loads(json.dumps(complete(await wh.export_journey(repository, "Welcome"))))
    change(document)
    before = await everything(repository)

    with pytest.raises(wh.DefinitionError) as caught:
        await wh.import_journey(repository, document)

    assert {violation.rule for violation in caught.value.violations} == rules
    assert await everything(repository) == before


@pytest.mark.rule("R312")
async def test_every_fault_of_an_export_is_told_at_once() -> None:
    """Placeholders and other faults of all parts come together, each with its path."""
    document = await wh.export_journey(await filled_repository(), "Welcome")
    document["actions"][2]["nmae"] = "x"
    document["journey"]["timeout"] = "9"

    with pytest.raises(wh.DocumentError) as caught:
        await wh.import_journey(wh.MemoryRepository(), document)

    paths = {violation.path for violation in caught.value.violations}
    assert {*wh.placeholders(document), "$.actions[2].nmae", "$.journey.timeout"} <= paths
    assert "canary" not in str(caught.value).lower()


@pytest.mark.rule("R314")
async def test_what_the_system_provides_is_read_over() -> None:
    """Data providers of a product's export are not imported, and placeholders in them need no secret."""
    document = complete(await wh.export_journey(await filled_repository(), "Welcome"))
    document["dataProviders"] = [{"name": "acsDataProvider", "secret": "INSERT_SECRET_HERE"}]
    document["dataEntities"] = [{"name": "acppsDataPack"}]

    imported = await wh.import_journey(wh.MemoryRepository(), document)

    assert imported.name == "Welcome"
    assert wh.placeholders(document) == ()


@pytest.mark.parametrize("document", ["[]", "{", b"\xff", 7, None, {1: 2}])
async def test_what_is_no_export_is_refused(document: Any) -> None:
    """Text that is no JSON object, and anything else, is a fault of its own."""
    with pytest.raises(wh.DocumentError):
        await wh.import_journey(wh.MemoryRepository(), document)


def test_a_secret_needs_a_placeholder() -> None:
    """A path without a placeholder is a misspelling."""
    with pytest.raises(wh.DefinitionError, match=r"\$\.actions\[7\]"):
        wh.with_secrets({"actions": []}, {"$.actions[7]": "env:X"})


def _holding_itself() -> dict[str, Any]:
    document: dict[str, Any] = {"actions": []}
    document["actions"].append(document)
    return document


@pytest.mark.parametrize("document", [None, 7, "[]", [], {1: 2}, _holding_itself()])
def test_placeholders_are_of_an_export(document: Any) -> None:
    """What is no object, or contains itself, is refused by those who look for placeholders."""
    with pytest.raises(wh.DocumentError):
        wh.placeholders(document)
    with pytest.raises(wh.DocumentError):
        wh.with_secrets(document, {})


@pytest.mark.parametrize("secrets", [None, "x", ["x"], {"$.actions[0].authentication.value": "the key itself"}])
async def test_a_placeholder_takes_a_reference_only(secrets: Any) -> None:
    """A mapping of paths to references fills an export; a text that is none is refused and not shown."""
    repository = wh.MemoryRepository()
    await repository.save(action("A", wh.ApiKeyAuthentication("X", SECRET)), welcome("A"))
    document = await wh.export_journey(repository, "Welcome")

    with pytest.raises(wh.DefinitionError) as caught:
        wh.with_secrets(document, secrets)

    assert "the key itself" not in str(caught.value)


NAMES = st.lists(st.sampled_from(["A", "B", "A_Copy", "B_Copy", "A_Copy2", "_import_0"]), min_size=1, unique=True)


@given(names=NAMES, kept=NAMES)
async def test_an_import_never_mixes_actions_up(names: list[str], kept: list[str]) -> None:
    """Whatever names are taken, each activity of the imported journey calls the copy of its own action."""
    source, target = wh.MemoryRepository(), wh.MemoryRepository()
    await source.save(*(action(name, description=name) for name in names), welcome(*names))
    await target.save(*(action(name, description="kept") for name in kept))

    document = complete(await wh.export_journey(source, "Welcome"))
    imported = await wh.import_journey(target, document)

    for activity in imported.action_activities:
        assert (await target.get(wh.Action, activity.action)).value.description == activity.label
    for name in kept:
        assert (await target.get(wh.Action, name)).value.description == "kept"


class Contended(wh.MemoryRepository):
    """A repository in which somebody else takes the chosen name just before the first save of an import."""

    taken = 1

    async def save(self, *values: Any, **settings: Any) -> int:
        """Keep a value of the same name first."""
        if settings.get("expected_version") == 0 and self.taken:
            self.taken -= 1
            await super().save(action(values[0].name, description="theirs"))
        return await super().save(*values, **settings)


@pytest.mark.parametrize(("taken", "name"), [(1, "Reservation_Copy"), (3, "Reservation_Copy3")])
async def test_a_name_that_is_taken_meanwhile_is_left_alone(taken: int, name: str) -> None:
    """An import chooses again, and overwrites nothing."""
    source, target = wh.MemoryRepository(), Contended()
    await source.save(action("Reservation"), welcome("Reservation"))
    document = complete(await wh.export_journey(source, "Welcome"))
    target.taken = taken

    imported = await wh.import_journey(target, document)

    assert imported.actions == (name,)
    assert (await target.get(wh.Action, "Reservation")).value.description == "theirs"


async def test_an_import_gives_up_in_the_end() -> None:
    """Where somebody always comes first, the conflict is told."""
    source, target = wh.MemoryRepository(), Contended()
    await source.save(action("Reservation"), welcome("Reservation"))
    target.taken = 99

    with pytest.raises(wh.Conflict):
        await wh.import_journey(target, complete(await wh.export_journey(source, "Welcome")))
