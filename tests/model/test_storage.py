"""What may be kept: the judgement that every repository asks for."""

from __future__ import annotations

import attrs
import pytest

import wayhook as wh
from wayhook.model.record import Change, Stored, kind_of, uses
from wayhook.model.storage import admit, admit_deletion

STANDARD = wh.Guardrails.standard()


@attrs.frozen
class Kept:
    """A shelf that holds the given records."""

    records: tuple[Stored, ...]

    def find(self, kind, name):
        """The record of that kind and name."""
        return next((r for r in self.records if (type(r.value), r.value.name) == (kind, name)), None)

    def users(self, kind, name):
        """The records that use it."""
        return [r for r in self.records if (kind, name) in uses(r.value)]

    def every(self, kind):
        """The records of a kind."""
        return [r for r in self.records if type(r.value) is kind]


def shelf(old=None, twin=None, users=()) -> Kept:
    """A shelf with an old record, one of the same name, and users."""
    return Kept(tuple(dict.fromkeys(r for r in (old, twin, *users) if r is not None)))


def judged(value, old=None, twin=None, users=(), **parts):
    """The version of a save and the journeys saved along, in the standard edition, as a first save unless told."""
    settings = {"expected_version": None, "renamed_from": None, "guardrails": STANDARD, **parts}
    change = admit(shelf(old, twin, users), [value], new_uid=lambda: "new", **settings)
    return change.written[0].version, change.written[1:]


def places(*args, **parts) -> list[str]:
    """The places of the faults that a save is refused with."""
    with pytest.raises(wh.DefinitionError) as caught:
        judged(*args, **parts)
    return [violation.path for violation in caught.value.violations]


def action(name: str = "A", **parts) -> wh.Action:
    """An action that keeps every rule."""
    return wh.Action(name=name, **{"url_configuration": wh.UrlConfiguration("https://h.example"), **parts})


def journey(*actions: str, name: str = "J", status: str = "Draft") -> wh.Journey:
    """A journey that uses the actions."""
    activities = [
        wh.ActionActivity(a, label=f"{i}", path=wh.expression(f"@action{{{a}.id}}")) for i, a in enumerate(actions)
    ]
    return wh.Journey(name, activities, status=status)


@pytest.mark.parametrize(
    ("value", "kind"), [(wh.Action, "action"), (action(), "action"), (wh.Journey, "journey"), (journey(), "journey")]
)
def test_a_kind_has_a_word(value, kind) -> None:
    """Classes and values are named by the same word."""
    assert kind_of(value) == kind


@pytest.mark.parametrize(
    ("old", "expected_version", "version"),
    [
        (None, None, 1),
        (None, 0, 1),
        (Stored(action(), 1), None, 2),
        (Stored(action(), 7), 7, 8),
    ],
)
def test_versions_count_from_one(old, expected_version, version) -> None:
    """The first save is version 1, and each later one is one more."""
    assert judged(action(), old, old, expected_version=expected_version) == (version, ())


@pytest.mark.parametrize(("old", "expected"), [(None, 1), (Stored(action(), 2), 0), (Stored(action(), 2), 1)])
def test_an_unexpected_version_is_a_conflict(old, expected) -> None:
    """The conflict says what was expected and what was found."""
    with pytest.raises(wh.Conflict) as caught:
        judged(action(), old, old, expected_version=expected)

    assert (caught.value.expected, caught.value.found) == (expected, old.version if old else 0)


def test_a_conflict_comes_before_the_rules() -> None:
    """Who saves against an old version learns that first, whatever the value breaks."""
    with pytest.raises(wh.Conflict):
        judged(action("not a name"), Stored(action(), 2), None, expected_version=1)


def test_only_what_is_kept_is_renamed() -> None:
    """A rename needs the old name and a new name that is free."""
    with pytest.raises(wh.NotFound, match="'Old'"):
        judged(action("New"), None, None, renamed_from="Old")
    with pytest.raises(wh.Conflict, match="'New'"):
        judged(action("New"), Stored(action("Old"), 1), Stored(action("New"), 3), renamed_from="Old")


@pytest.mark.rule("R16")
def test_a_rename_gives_the_journeys_to_be_saved_along() -> None:
    """Every journey that uses the action reads the new name and counts one version on."""
    users = [Stored(journey("Old", "Other"), 4)]

    version, renamed = judged(action("New"), Stored(action("Old"), 2), None, users, renamed_from="Old")

    assert version == 3
    assert renamed == (Stored(journey("Old", "Other").renaming_action("Old", "New"), 5),)
    assert renamed[0].value.actions == ("New", "Other")


def test_a_rename_to_the_same_name_changes_no_journey() -> None:
    """A save under the name that the action has already is a plain save."""
    kept = Stored(action(), 2)

    assert judged(action(), kept, kept, [Stored(journey("A"), 1)], renamed_from="A") == (3, ())


def test_guardrails_are_those_of_the_repository() -> None:
    """The edition that is given judges the value."""
    get = action(url_configuration=wh.UrlConfiguration("https://h.example", method="GET"))

    assert judged(get) == (1, ())
    assert places(get, guardrails=wh.Guardrails.journey_orchestration()) == ["$.url_configuration.method"]


SECRET = wh.literal_secret("canary-7f3a")


@pytest.mark.rule("R134")
@pytest.mark.parametrize(
    ("value", "place"),
    [
        (action(authentication=wh.BasicAuthentication("joe", SECRET)), "$.authentication.password"),
        (action(authentication=wh.ApiKeyAuthentication("X", SECRET)), "$.authentication.value"),
        (
            action(url_configuration=wh.UrlConfiguration("https://h.example", headers={"X-A": SECRET})),
            "$.url_configuration.headers[2].value",
        ),
        (
            action(
                url_configuration=wh.UrlConfiguration("https://h.example", query_parameters={"a": "1", "b": SECRET})
            ),
            "$.url_configuration.query_parameters[1].value",
        ),
        (
            action(
                authentication=wh.CustomAuthorization(
                    "https://id.example", body_type="json", body_params={"a": 1, "client_secret": SECRET}
                )
            ),
            "$.authentication.body_params",
        ),
        (
            wh.Journey("J", [wh.ActionActivity("A", label="x", parameters={"a": {"b": [1, SECRET]}})]),
            "$.activities[0].parameters",
        ),
    ],
)
def test_a_literal_secret_is_not_kept(value, place) -> None:
    """Wherever a literal secret stands, it is refused with its place and without its text."""
    with pytest.raises(wh.DefinitionError) as caught:
        judged(value)

    [violation] = caught.value.violations
    assert violation.path.startswith(place)
    assert "stored" in violation.message
    assert "canary" not in f"{caught.value} {caught.value!r}"


def test_a_reference_is_kept() -> None:
    """A secret that is a reference stands in no save's way."""
    assert judged(action(authentication=wh.ApiKeyAuthentication("X", wh.secret("env:KEY")))) == (1, ())


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (action(description="\ud800"), "$.description"),
        (journey(name="\udfff"), "$.name"),
        (
            wh.Journey("J", [wh.ActionActivity("A", label="x", parameters={"a": [{"b": "\ud800"}]})]),
            "$.activities[0].parameters",
        ),
        (
            wh.Journey("J", [wh.ActionActivity("A", label="x", parameters={"a": [{"\ud800": 1}]})]),
            "$.activities[0].parameters",
        ),
        (action(message_parameters=[wh.MessageParameter("\ud800", "integer", 1)]), "$.message_parameters[0].name"),
    ],
)
def test_a_text_that_has_no_utf_8_form_is_not_kept(value, place) -> None:
    """Half a surrogate pair is refused with its place, in names of fields too, before any store meets it."""
    assert [found.startswith(place) for found in places(value)] == [True]


def test_a_text_of_any_language_is_kept() -> None:
    """Whole characters beyond ASCII, beyond the first plane too, stand in no save's way."""
    assert judged(action(description="é, 日本, 😀")) == (1, ())


def test_every_reason_is_given_at_once() -> None:
    """Broken rules, literal secrets, bad text and changes of a used action come together."""
    changed = action(
        "a-b",
        description="\ud800",
        authentication=wh.ApiKeyAuthentication("X", SECRET),
        url_configuration=wh.UrlConfiguration("https://h.example", method="PUT"),
    )

    found = places(changed, Stored(action(), 1), None, [Stored(journey("A"), 1)], renamed_from="A")

    assert sorted(found) == ["$.authentication.value", "$.description", "$.name", "$.url_configuration.method"]


@pytest.mark.rule("R22", "R23")
@pytest.mark.parametrize("status", [status for status in wh.JourneyStatus if status is not wh.JourneyStatus.DRAFT])
def test_more_may_be_added_only_where_every_journey_is_a_draft(status) -> None:
    """One journey in any other state stands against it; the sentence names the journeys and the way out."""
    more = action(
        url_configuration=wh.UrlConfiguration("https://h.example", headers={"X": "1"}, query_parameters={"q": "1"})
    )
    drafts = [Stored(journey("A", name="One"), 1)]

    assert judged(more, Stored(action(), 1), None, drafts)[0] == 2
    with pytest.raises(wh.DefinitionError, match="One, Two; duplicate it") as caught:
        judged(more, Stored(action(), 1), None, [*drafts, Stored(journey("A", name="Two", status=status), 1)])
    assert [violation.rule for violation in caught.value.violations] == ["R22", "R23"]


@pytest.mark.rule("R24")
def test_the_order_of_headers_of_a_used_action_stays() -> None:
    """A header that moves is a header that changes."""
    before = action(url_configuration=wh.UrlConfiguration("https://h.example", headers={"X-A": "1", "X-B": "2"}))
    after = action(url_configuration=wh.UrlConfiguration("https://h.example", headers={"X-B": "2", "X-A": "1"}))

    assert places(after, Stored(before, 1), None, [Stored(journey("A"), 1)]) == ["$.url_configuration.headers"]


@pytest.mark.rule("R20")
def test_a_used_action_does_not_become_another_kind() -> None:
    """An HTTP action that journeys use does not become a Campaign Classic one."""
    campaign = wh.Action(name="A", action_type="campaignClassic")

    assert judged(campaign, Stored(action(), 1)) == (2, ())
    assert places(campaign, Stored(action(), 1), None, [Stored(journey("A"), 1)]) == ["$.action_type"]


def test_a_used_action_may_read_more_of_its_answer() -> None:
    """Nothing is documented against declaring an answer of a used action."""
    more = attrs.evolve(action(), response=wh.payload({"id": 1}))

    assert judged(more, Stored(action(), 1), None, [Stored(journey("A"), 1)]) == (2, ())


@pytest.mark.rule("R27", "R28")
@pytest.mark.parametrize(
    ("old", "users", "expected_version", "error"),
    [
        (None, (), None, wh.NotFound),
        (Stored(action(), 2), (), 1, wh.Conflict),
        (Stored(action(built_in=True), 2), (), None, wh.DefinitionError),
        (Stored(action(), 2), [Stored(journey("A"), 1)], None, wh.StillInUse),
        (Stored(action(), 2), [Stored(journey("A"), 1)], 1, wh.Conflict),
    ],
)
def test_what_stands_against_a_deletion(old, users, expected_version, error) -> None:
    """A deletion of what is not there, was changed, is built in, or is used, is refused by its own error."""
    with pytest.raises(error):
        admit_deletion(shelf(old, users=users), wh.Action, "A", expected_version=expected_version)


@pytest.mark.parametrize(
    ("kind", "old"),
    [
        (wh.Action, Stored(action(), 2)),
        (wh.Journey, Stored(journey(), 2)),
        (wh.Journey, Stored(journey(status="Finished"), 2)),
    ],
)
@pytest.mark.parametrize("expected_version", [None, 2])
def test_what_is_free_is_deleted(kind, old, expected_version) -> None:
    """Nothing stands against the deletion of an unused action, a draft or a finished journey."""
    deletion = admit_deletion(shelf(old), kind, old.value.name, expected_version=expected_version)

    assert (deletion.written, deletion.removed) == ((), ((kind, old.value.name),))


def saved(*values, kept=(), **parts) -> Change:
    """The change that a save of several values comes to."""
    settings = {"expected_version": None, "renamed_from": None, "guardrails": STANDARD, **parts}
    return admit(Kept(tuple(kept)), values, new_uid=iter("xyz").__next__, **settings)


def test_values_are_saved_together() -> None:
    """Several values come to one change, each with its own version and identifier."""
    change = saved(action("A"), journey("A"), kept=[Stored(journey(), 3, "old")])

    assert [(stored.value.name, stored.version, stored.uid) for stored in change.written] == [
        ("A", 1, "x"),
        ("J", 4, "old"),
    ]


def test_the_faults_of_several_values_say_whose_they_are() -> None:
    """Each path begins with the place of its value, and one fault keeps all of them out."""
    with pytest.raises(wh.DefinitionError) as caught:
        saved(action("A"), action("a-b"), wh.Journey("J", timeout=99))

    assert [violation.path for violation in caught.value.violations] == ["$[1].name", "$[2].timeout"]


def test_an_identifier_survives_a_rename() -> None:
    """A renamed record, and the journeys that follow, keep the identifiers that they were given first."""
    kept = [Stored(action("Old"), 1, "a1"), Stored(journey("Old"), 1, "j1")]

    change = saved(action("New"), kept=kept, renamed_from="Old")

    assert [stored.uid for stored in change.written] == ["a1", "j1"]
    assert change.removed == ((wh.Action, "Old"),)


def test_something_is_saved() -> None:
    """A save of nothing, of two values of one name, and a rename of two, are refused."""
    with pytest.raises(wh.DefinitionError, match="at least one"):
        saved()
    with pytest.raises(wh.DefinitionError, match="two values are named 'A'"):
        saved(action("A"), journey("A"), action("A"))
    with pytest.raises(wh.DefinitionError, match="one value is renamed"):
        saved(action("B"), action("C"), kept=[Stored(action("A"), 1)], renamed_from="A")
