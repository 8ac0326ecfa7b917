"""Export, fill the secrets, import: equal but for identifiers and names (R309 to R316)."""

from __future__ import annotations

import json
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

import wayhook as wh

CANARY = "CANARY_"
references = st.builds(lambda n: wh.secret(f"env:{CANARY}{n}"), st.integers(0, 9))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
secret_texts = references | st.builds(wh.SecretText, st.just("t "), references)
nested = references | texts | st.lists(references | st.integers(), max_size=2)
locations = st.sampled_from(["header", "query", "path"])
tokens = st.builds(
    wh.CustomAuthorization,
    st.just("https://id.example/token"),
    headers=st.dictionaries(st.sampled_from(["X-A", "X-B"]), secret_texts),
    body_type=st.just("json"),
    body_params=st.dictionaries(st.sampled_from("ab"), nested),
)
own = st.one_of(
    st.builds(wh.NoAuthentication),
    st.builds(wh.BasicAuthentication, references, references),
    st.builds(wh.ApiKeyAuthentication, st.just("X-Key"), references, location=locations),
    st.builds(wh.BearerAuthentication, references),
    tokens,
    st.builds(
        wh.OAuthClientCredentials, st.just("https://id.example/t"), st.just("c"), references, scope=texts,
        client_authentication=st.sampled_from(["header", "body"]),
    ),
    st.builds(wh.JwtBearerGrant, st.just("https://id.example/t"), st.just("issuer"), references),
)  # fmt: skip
shared = st.sampled_from(["crm", "erp"]).map(wh.connection)


def action(name: str, authentication: wh.Authentication, description: str, value: Any) -> wh.Action:
    """An action that keeps every rule."""
    return wh.Action(
        name=name,
        description=description,
        url_configuration=wh.UrlConfiguration("https://h.example/v1", headers={"X-S": wh.secret(f"env:{CANARY}H")}),
        authentication=authentication,
        message_parameters=wh.message_parameters({"v": "x", "c": value}, variables={"v": "V"}),
        response=wh.payload({"id": "x"}),
    )


names = st.lists(st.sampled_from(["A", "B", "A_Copy", "C"]), min_size=1, max_size=4, unique=True)


World = tuple[wh.Journey, list[wh.Action], list[wh.Connection]]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A journey of some actions, each reading the answer of the one before, and the connections that they share."""
    called = draw(names)
    actions = [
        action(name, draw(own | shared), draw(texts), draw(st.integers(-(2**63), 2**63 - 1) | texts | st.booleans()))
        for name in called
    ]
    activities = [
        wh.ActionActivity(
            name,
            label=name,
            parameters={"v": wh.expression(f"@action{{{called[i - 1]}.id}} + 'é'") if i else draw(texts)},
            alternative_path=draw(st.booleans()),
        )
        for i, name in enumerate(called)
    ]
    journey = wh.Journey("J", activities, timeout=draw(st.none() | st.integers(1, 30)), description=draw(texts))
    return journey, actions, [wh.Connection(name, draw(own), hosts={"h.example"}) for name in ("crm", "erp")]


def refilled(document: dict[str, Any], original: dict[str, Any]) -> dict[str, Any]:
    """The export with the references that stood in the originals, looked up at the same path."""
    found = {}
    for path in wh.placeholders(document):
        value: Any = original
        for step in path.removeprefix("$.").replace("[", ".[").split("."):
            value = value[int(step[1:-1])] if step.startswith("[") else value[step]
        found[path] = value["secret"]
    return wh.with_secrets(document, found)


@given(worlds())
async def test_what_was_exported_comes_back_equal(
    world: tuple[wh.Journey, list[wh.Action], list[wh.Connection]],
) -> None:
    """In an empty repository even the names are the same; the export holds no secret, and is JSON."""
    journey, actions, connections = world
    source, target = wh.MemoryRepository(), wh.MemoryRepository()
    await source.save(*connections, *actions, journey)

    document = await wh.export_journey(source, "J")
    assert CANARY not in json.dumps(document)
    references = [each.authentication for each in actions]
    used = {reference.name for reference in references if isinstance(reference, wh.ConnectionReference)}
    named = {connection.name: connection for connection in connections}
    original = {
        "journey": wh.dump(journey),
        "actions": [wh.dump(a) for a in actions],
        "connections": [wh.dump(named[part["name"]]) for part in document["connections"]],
    }
    imported = await wh.import_journey(target, json.dumps(refilled(document, original)))

    assert imported == journey
    for a in actions:
        assert (await target.get(wh.Action, a.name)).value == a
    assert {s.value.name for s in (await target.list(wh.Connection)).items} == used
    for name in used:
        assert (await target.get(wh.Connection, name)).value == named[name]


@given(worlds())
async def test_a_second_import_differs_in_names_and_identifiers_only(world: World) -> None:
    """The copy, given the names of the original, is the original; no record is shared or changed."""
    journey, actions, connections = world
    repository = wh.MemoryRepository()
    await repository.save(*connections, *actions, journey)
    document = await wh.export_journey(repository, "J")
    document = wh.with_secrets(document, dict.fromkeys(wh.placeholders(document), "env:X"))

    imported = await wh.import_journey(repository, document)

    back = imported
    for number, new in enumerate(imported.actions):
        back = back.renaming_action(new, f"import.{number}")
    for number, a in enumerate(actions):
        back = back.renaming_action(f"import.{number}", a.name)
    assert attrs.evolve(back, name="J") == journey
    assert not set(imported.actions) & set(journey.actions)
    assert [(await repository.get(wh.Action, a.name)).version for a in actions] == [1] * len(actions)
    kept = [*(await repository.list(wh.Action)).items, *(await repository.list(wh.Journey)).items]
    assert len({stored.uid for stored in kept}) == len(kept) == 2 * len(actions) + 2
