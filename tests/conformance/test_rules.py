"""The rules of the reference, number by number: what the table accepts, and what it refuses or lets one observe."""

from __future__ import annotations

import json
import math
from decimal import Decimal

import attrs
import pytest

import wayhook as wh

STANDARD = wh.Guardrails.standard()
ORCHESTRATION = wh.Guardrails.journey_orchestration()
OPTIMIZER = wh.Guardrails.journey_optimizer()


def at(url: str = "https://h.example/v1/", **parts) -> wh.UrlConfiguration:
    """A URL configuration that keeps every rule."""
    return wh.UrlConfiguration(url, **parts)


def make(name: str = "Loyalty", **parts) -> wh.Action:
    """An action that keeps every rule."""
    return wh.Action(name=name, **{"url_configuration": at(), **parts})


def broken(value, guardrails: wh.Guardrails | None = None) -> list[tuple[str, str]]:
    """The broken rules of a value: path and number."""
    return [(violation.path, violation.rule) for violation in wh.violations(value, guardrails=guardrails)]


def journey(name: str, *actions: str, status: wh.JourneyStatus = wh.JourneyStatus.DRAFT) -> wh.Journey:
    """A journey that uses the actions, one activity each."""
    activities = [wh.ActionActivity(action, label=f"step{i}") for i, action in enumerate(actions)]
    return wh.Journey(name, activities, status=status)


async def kept(*values: wh.Action | wh.Journey) -> wh.MemoryRepository:
    """A repository that holds the values."""
    repository = wh.MemoryRepository()
    for value in values:
        await repository.save(value)
    return repository


async def refused(repository: wh.MemoryRepository, value: wh.Action) -> list[tuple[str, str]]:
    """The broken rules that a save is refused with."""
    with pytest.raises(wh.DefinitionError) as caught:
        await repository.save(value)
    return [(violation.path, violation.rule) for violation in caught.value.violations]


# The name of an action


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("Loyalty", marks=pytest.mark.rule("R1")),
        pytest.param("a" * 30, marks=pytest.mark.rule("R2")),
        pytest.param("SendSms", marks=pytest.mark.rule("R3")),
        pytest.param("A1b2", marks=pytest.mark.rule("R4")),
        pytest.param("Action_Slack", marks=pytest.mark.rule("R5")),
        pytest.param("_x", marks=pytest.mark.rule("R5")),
        pytest.param("Action1", marks=pytest.mark.rule("R6")),
        pytest.param("3rd", marks=pytest.mark.rule("R6")),
        pytest.param("Cafe", marks=pytest.mark.rule("R7")),
    ],
)
@pytest.mark.parametrize("edition", [STANDARD, ORCHESTRATION, OPTIMIZER], ids=lambda rails: rails.edition)
def test_a_good_name_is_accepted(name, edition) -> None:
    """Letters, digits and underscores, at most 30 of them, make a name in every edition."""
    assert broken(make(name), edition) == []


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        pytest.param("", "R1", marks=pytest.mark.rule("R1")),
        pytest.param("a" * 31, "R2", marks=pytest.mark.rule("R2")),
        pytest.param("Send sms", "R3", marks=pytest.mark.rule("R3")),
        pytest.param(" Send", "R3", marks=pytest.mark.rule("R3")),
        pytest.param("Send ", "R3", marks=pytest.mark.rule("R3")),
        *(
            pytest.param(name, "R4", marks=pytest.mark.rule("R4"))
            for name in ("a-b", "a.b", "a$b", "a/b", "a@b", "a\tb", "a\n")
        ),
        pytest.param("A-1", "R4", marks=pytest.mark.rule("R5", "R6")),
        pytest.param("Café", "R7", marks=pytest.mark.rule("R7")),
        pytest.param("Act１on", "R7", marks=pytest.mark.rule("R7")),
    ],
)
def test_a_bad_name_is_refused(name, rule) -> None:
    """A name that breaks one rule is reported with that rule alone."""
    assert broken(make(name)) == [("$.name", rule)]


@pytest.mark.rule("R1")
def test_a_null_is_no_name() -> None:
    """A name that is no text at all is refused on construction."""
    with pytest.raises(wh.DefinitionError) as caught:
        make(None)

    assert [(violation.path, violation.rule) for violation in caught.value.violations] == [("$.name", "R1")]


@pytest.mark.rule("R8")
@pytest.mark.parametrize("parts", [{}, {"description": ""}, {"description": "a" * 200}, {"description": "two words"}])
def test_a_description_is_free(parts) -> None:
    """A description is left out, empty, or any text."""
    assert broken(make(**parts)) == []


@pytest.mark.rule("R8")
def test_a_description_is_text() -> None:
    """What is no text is no description."""
    with pytest.raises(wh.DefinitionError, match=r"\$\.description"):
        make(description=7)


@pytest.mark.rule("R9", both=True)
async def test_a_name_is_taken_once() -> None:
    """A second new action under the same name is a conflict; under another name it is kept."""
    repository = await kept(make("Loyalty"))

    await repository.save(make("Other"), expected_version=0)
    with pytest.raises(wh.Conflict) as conflict:
        await repository.save(make("Loyalty", description="second"), expected_version=0)

    assert (conflict.value.kind, conflict.value.name) == ("action", "Loyalty")
    assert (await repository.get(wh.Action, "Loyalty")).value.description == ""


# What a new action is


@pytest.mark.rule("R10")
@pytest.mark.parametrize(("parts", "method"), [({}, "POST"), ({"method": "PUT"}, "PUT")])
def test_the_method_is_post_unless_given(parts, method) -> None:
    """A new action posts."""
    assert make(url_configuration=at(**parts)).url_configuration.method == method


@pytest.mark.rule("R11", both=True)
def test_there_is_no_authentication_unless_given() -> None:
    """A new action has no authentication; one that is given stays."""
    basic = wh.BasicAuthentication("joe", wh.secret("env:PASSWORD"))

    assert make().authentication == wh.NoAuthentication()
    assert make(authentication=basic).authentication == basic


@pytest.mark.rule("R12", both=True)
def test_a_new_action_has_two_constant_headers() -> None:
    """Created without headers, an action has Content-Type and Charset, and they are constants."""
    action = make()

    assert [(h.name, h.value) for h in action.url_configuration.headers] == [
        ("Content-Type", "application/json"),
        ("Charset", "UTF-8"),
    ]
    assert action.variables == ()


# Where an action is used


@pytest.mark.rule("R13", both=True)
async def test_a_new_action_is_used_nowhere() -> None:
    """No journey uses a fresh action, whatever else is kept."""
    repository = await kept(make(), journey("Welcome", "Other"))

    assert await repository.journeys_using("Loyalty") == ()


@pytest.mark.rule("R14", both=True)
async def test_used_in_counts_and_lists_the_journeys() -> None:
    """An action placed in two journeys is used in these two, and the count cannot be assigned."""
    repository = await kept(make(), journey("Welcome", "Loyalty"), journey("Goodbye", "Other", "Loyalty"))

    assert await repository.journeys_using("Loyalty") == ("Goodbye", "Welcome")
    with pytest.raises(AttributeError):
        (await repository.get(wh.Action, "Loyalty")).value.used_in = 0


@pytest.mark.rule("R15", both=True)
async def test_an_action_twice_in_a_journey_counts_once() -> None:
    """Two activities of one journey are one use."""
    repository = await kept(make(), journey("Welcome", "Loyalty", "Loyalty"))

    assert await repository.journeys_using("Loyalty") == ("Welcome",)


@pytest.mark.rule("R16")
async def test_a_used_action_is_renamed_with_its_references() -> None:
    """A rename of a used action carries its activities and expressions along."""
    reading = wh.ActionActivity("Loyalty", label="again", path=wh.expression("@action{Loyalty.id} + '/Loyalty'"))
    repository = await kept(make(), wh.Journey("Welcome", [reading]))

    await repository.save(make("Points"), renamed_from="Loyalty")

    activity = (await repository.get(wh.Journey, "Welcome")).value.activity("again")
    assert (activity.action, str(activity.path)) == ("Points", "@action{Points.id} + '/Loyalty'")


@pytest.mark.rule("R16")
async def test_a_used_action_takes_no_bad_name() -> None:
    """The new name of a used action keeps the rules of names."""
    repository = await kept(make(), journey("Welcome", "Loyalty"))

    with pytest.raises(wh.DefinitionError, match="R4"):
        await repository.save(make("a-b"), renamed_from="Loyalty")

    assert await repository.journeys_using("Loyalty") == ("Welcome",)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"description": "new"}, marks=pytest.mark.rule("R17")),
        pytest.param({"url_configuration": at("https://new.example/v2/")}, marks=pytest.mark.rule("R18")),
        pytest.param(
            {"authentication": wh.BasicAuthentication("joe", wh.secret("env:PASSWORD"))},
            marks=pytest.mark.rule("R19"),
        ),
    ],
)
@pytest.mark.parametrize("status", [wh.JourneyStatus.DRAFT, wh.JourneyStatus.LIVE])
async def test_what_may_change_on_a_used_action(change, status) -> None:
    """Description, URL and authentication of a used action change, also while a journey is live."""
    repository = await kept(make(), journey("Welcome", "Loyalty", status=status))

    assert await repository.save(make(**change)) == 2
    assert (await repository.get(wh.Action, "Loyalty")).value == make(**change)


@pytest.mark.rule("R17", "R19")
async def test_a_change_of_a_used_action_is_kept_whole_or_not_at_all() -> None:
    """A good change beside a bad one is not kept either."""
    repository = await kept(make(), journey("Welcome", "Loyalty"))

    assert await refused(repository, make(description="new", allow_null_values=True)) == [
        ("$.allow_null_values", "R21")
    ]
    assert (await repository.get(wh.Action, "Loyalty")).value.description == ""


@pytest.mark.rule("R18")
async def test_the_new_url_of_a_used_action_keeps_the_rules() -> None:
    """An invalid URL is refused on a used action as on any other."""
    repository = await kept(make(), journey("Welcome", "Loyalty"))

    assert await refused(repository, make(url_configuration=at("https://203.0.113.7/x"))) == [
        ("$.url_configuration.url", "R41")
    ]


@pytest.mark.rule("R20")
async def test_the_method_of_a_used_action_stays() -> None:
    """POST becomes PUT on an unused action, not on a used one."""
    repository = await kept(make("Unused"), make(), journey("Welcome", "Loyalty"))

    assert await repository.save(make("Unused", url_configuration=at(method="PUT"))) == 2
    assert await refused(repository, make(url_configuration=at(method="PUT"))) == [
        ("$.url_configuration.method", "R20")
    ]


@pytest.mark.rule("R21")
@pytest.mark.parametrize(
    "fields",
    [
        pytest.param(wh.message_parameters({"b": 1}), id="new payload"),
        pytest.param((wh.MessageParameter("a", wh.DataType.STRING, "1"),), id="changed type"),
        pytest.param(wh.message_parameters({"a": 1}, variables={"a": "A"}), id="constant to variable"),
        pytest.param(wh.message_parameters({"a": 2}), id="changed constant"),
        pytest.param((), id="no payload"),
    ],
)
async def test_the_payload_of_a_used_action_stays(fields) -> None:
    """A payload changes on an unused action, not on a used one."""
    before = wh.message_parameters({"a": 1})
    repository = await kept(
        make("Unused", message_parameters=before), make(message_parameters=before), journey("Welcome", "Loyalty")
    )

    assert await repository.save(make("Unused", message_parameters=fields)) == 2
    assert await refused(repository, make(message_parameters=fields)) == [("$.message_parameters", "R21")]


@pytest.mark.parametrize(
    ("more", "place", "rule"),
    [
        pytest.param({"headers": {"X-New": "1"}}, "headers", "R22", marks=pytest.mark.rule("R22")),
        pytest.param(
            {"query_parameters": {"q": wh.variable("Query", optional=True)}},
            "query_parameters",
            "R23",
            marks=pytest.mark.rule("R23"),
        ),
    ],
)
async def test_more_is_added_while_all_journeys_are_drafts(more, place, rule) -> None:
    """A header or query parameter is added to a used action while its journeys are drafts, and no longer."""
    repository = await kept(make(), journey("Welcome", "Loyalty"))
    first = make(url_configuration=at(**more))

    await repository.save(first)
    await repository.save(journey("Goodbye", "Loyalty", status=wh.JourneyStatus.LIVE))

    second = attrs.evolve(
        first, url_configuration=at(**{name: {**pairs, "later": "2"} for name, pairs in more.items()})
    )
    assert await refused(repository, second) == [(f"$.url_configuration.{place}", rule)]


@pytest.mark.rule("R24")
@pytest.mark.parametrize(
    ("parts", "place"),
    [
        ({"headers": {}, "query_parameters": {"q": "1"}}, "headers"),
        ({"headers": {"X-A": "2"}, "query_parameters": {"q": "1"}}, "headers"),
        ({"headers": {"X-A": wh.variable("A")}, "query_parameters": {"q": "1"}}, "headers"),
        ({"headers": {"X-A": "1"}, "query_parameters": {}}, "query_parameters"),
    ],
)
async def test_what_a_used_action_has_stays(parts, place) -> None:
    """A header or query parameter is removed or changed on an unused action, not on a used one, draft or not."""
    before = at(headers={"X-A": "1"}, query_parameters={"q": "1"})
    repository = await kept(
        make("Unused", url_configuration=before), make(url_configuration=before), journey("Welcome", "Loyalty")
    )

    assert await repository.save(make("Unused", url_configuration=at(**parts))) == 2
    assert (f"$.url_configuration.{place}", "R24") in await refused(repository, make(url_configuration=at(**parts)))


@pytest.mark.rule("R25", both=True)
async def test_a_duplicate_is_independent() -> None:
    """A copy of a used action is used nowhere and changes freely; the original stays as it is."""
    original = make()
    repository = await kept(original, journey("Welcome", "Loyalty", status=wh.JourneyStatus.LIVE))
    copy = original.duplicate()

    await repository.save(copy)
    await repository.save(attrs.evolve(copy, url_configuration=at(method="PUT", headers={"X-New": "1"})))

    assert await repository.journeys_using(copy.name) == ()
    assert (await repository.get(wh.Action, "Loyalty")).value == original


@pytest.mark.rule("R26")
@pytest.mark.parametrize(
    ("name", "taken", "copy"),
    [
        ("Epsilon", (), "Epsilon_Copy"),
        ("a" * 25, (), "a" * 25 + "_Copy"),
        ("a" * 30, (), "a" * 25 + "_Copy"),
        ("Epsilon", ("Epsilon", "Epsilon_Copy"), "Epsilon_Copy2"),
        ("a" * 30, ("a" * 25 + "_Copy",), "a" * 24 + "_Copy2"),
    ],
)
def test_the_name_of_a_duplicate(name, taken, copy) -> None:
    """A duplicate's name ends with `_Copy`, keeps 30 characters and is none that is taken."""
    duplicate = make(name).duplicate(taken)

    assert duplicate.name == copy
    assert broken(duplicate) == []


@pytest.mark.rule("R27")
async def test_a_built_in_action_stays() -> None:
    """An action of one's own is deleted, a built-in one is not; its duplicate is one's own."""
    built_in = make("Standard", built_in=True)
    repository = await kept(make(), built_in, built_in.duplicate())

    await repository.delete(wh.Action, "Loyalty")
    await repository.delete(wh.Action, "Standard_Copy")
    with pytest.raises(wh.DefinitionError, match="R27"):
        await repository.delete(wh.Action, "Standard")

    assert (await repository.get(wh.Action, "Standard")).value == built_in


@pytest.mark.rule("R28")
async def test_a_used_action_is_not_deleted() -> None:
    """A used action is deleted only after the last journey has let it go."""
    repository = await kept(make(), journey("Welcome", "Loyalty"))

    with pytest.raises(wh.StillInUse) as caught:
        await repository.delete(wh.Action, "Loyalty")
    await repository.save(journey("Welcome", "Other"))
    await repository.delete(wh.Action, "Loyalty")

    assert caught.value.users == ("Welcome",)
    with pytest.raises(wh.NotFound):
        await repository.get(wh.Action, "Loyalty")


# Channel and kind of an action


@pytest.mark.rule("R29")
@pytest.mark.parametrize("channel", ["Email", "SMS", "Push notification", "other", None])
def test_a_channel_is_one_of_four(channel) -> None:
    """The four channels are given by their names, or none is."""
    assert make(channel=channel).channel == channel


@pytest.mark.rule("R29")
@pytest.mark.parametrize("channel", ["Fax", "email", "", 7])
def test_another_channel_is_refused(channel) -> None:
    """Any other channel is refused with its place."""
    with pytest.raises(wh.DefinitionError) as caught:
        make(channel=channel)

    assert [(violation.path, violation.rule) for violation in caught.value.violations] == [("$.channel", "R29")]


@pytest.mark.rule("R30")
@pytest.mark.parametrize(
    ("channel", "marketing_action"),
    [
        ("Email", "emailTargeting"),
        ("SMS", "smsTargeting"),
        ("Push notification", "pushTargeting"),
        ("other", None),
        (None, None),
    ],
)
def test_a_channel_prefills_the_marketing_action(channel, marketing_action) -> None:
    """Each channel but `other` brings its marketing action, and one that is given wins."""
    assert make(channel=channel).required_marketing_action == marketing_action
    assert make(channel=channel, required_marketing_action="own").required_marketing_action == "own"


@pytest.mark.rule("R31")
def test_the_marketing_action_may_be_none() -> None:
    """None is accepted whatever the channel prefills; what is no text is not."""
    assert make(channel="Email", required_marketing_action=None).required_marketing_action is None
    with pytest.raises(wh.DefinitionError, match=r"\$\.required_marketing_action"):
        make(required_marketing_action=7)


@pytest.mark.rule("R32", both=True)
def test_an_activity_adds_to_the_marketing_action_only() -> None:
    """An activity names a further marketing action and has no place for the required one."""
    activity = wh.ActionActivity("Loyalty", label="day1", additional_marketing_action="personalisation")

    assert activity.additional_marketing_action == "personalisation"
    with pytest.raises(TypeError):
        wh.ActionActivity("Loyalty", label="day1", required_marketing_action="own")
    with pytest.raises(AttributeError):
        activity.required_marketing_action = "own"


@pytest.mark.rule("R33")
def test_a_campaign_action_has_a_payload_only() -> None:
    """A Campaign Classic action has fields, and neither URL nor authentication."""
    parts = {"action_type": "campaignClassic", "message_parameters": wh.message_parameters({"a": 1})}

    assert broken(make(url_configuration=None, **parts)) == []
    assert broken(make(authentication=wh.BasicAuthentication("joe", wh.secret("env:P")), **parts)) == [
        ("$.url_configuration", "R33"),
        ("$.authentication", "R33"),
    ]


# The static URL


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://api.shop.example/v1", marks=pytest.mark.rule("R34", "R37", "R41")),
        pytest.param("HTTPS://api.shop.example/v1", marks=pytest.mark.rule("R34")),
        pytest.param("http://api.shop.example/v1", marks=pytest.mark.rule("R35", "R36")),
        pytest.param("https://h.example", marks=pytest.mark.rule("R38", "R40", "R53", "R55", "R56", "R57")),
        pytest.param("https://h.example:443/", marks=pytest.mark.rule("R38")),
        pytest.param("http://h.example:80/", marks=pytest.mark.rule("R39")),
        pytest.param("https://api7.h.example/", marks=pytest.mark.rule("R42", "R43")),
        pytest.param("https://203.0.113.7.h.example/", marks=pytest.mark.rule("R41", "R43")),
        pytest.param("https://api.adobeweather.example/w", marks=pytest.mark.rule("R44", "R45", "R46")),
        pytest.param("https://dcs.adobedc.net/collection/1", marks=pytest.mark.rule("R46")),
        pytest.param("https://ims-na1.adobelogin.com/", marks=pytest.mark.rule("R46")),
        pytest.param("https://h.example/a.adobe.b", marks=pytest.mark.rule("R47")),
        pytest.param("https://h.example/c?sync=false", marks=pytest.mark.rule("R54")),
        pytest.param("https://h.example/a%20b", marks=pytest.mark.rule("R57")),
    ],
)
@pytest.mark.parametrize("edition", [STANDARD, ORCHESTRATION, OPTIMIZER], ids=lambda rails: rails.edition)
def test_a_good_url_is_accepted(url, edition) -> None:
    """A public host name on its scheme's own port is called in every edition."""
    assert broken(at(url), edition) == []


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        pytest.param("h.example:443", "R37", marks=pytest.mark.rule("R34", "R35")),
        *(
            pytest.param(url, "R36", marks=pytest.mark.rule("R36"))
            for url in ("ftp://h.example", "file:///x", "ws://h.example", "javascript://h.example/")
        ),
        *(
            pytest.param(url, "R37", marks=pytest.mark.rule("R37"))
            for url in ("/v1/x", "api.shop.example/v1", "https://", "https:///x", "//h.example/", "https:h.example", "")
        ),
        pytest.param("https://h.example:8443/", "R38", marks=pytest.mark.rule("R38")),
        pytest.param("https://h.example:80/", "R38", marks=pytest.mark.rule("R38")),
        pytest.param("http://h.example:8080/", "R39", marks=pytest.mark.rule("R39")),
        pytest.param("http://h.example:443/", "R39", marks=pytest.mark.rule("R39")),
        pytest.param("https://xxx.example:8080/static/", "R38", marks=pytest.mark.rule("R40")),
        pytest.param("https://203.0.113.7/x", "R41", marks=pytest.mark.rule("R41")),
        pytest.param("https://[2001:db8::1]/x", "R42", marks=pytest.mark.rule("R42")),
        pytest.param("https://[::ffff:203.0.113.7]/x", "R42", marks=pytest.mark.rule("R42")),
        *(
            pytest.param(url, "R43", marks=pytest.mark.rule("R43"))
            for url in (
                "https://3405803783/",
                "https://0xcb007107/",
                "https://0XCB.0.0x71.7/",
                "https://0313.0.0161.07/",
                "https://203.28935/",
            )
        ),
        pytest.param("https://intra.adobe.com/x", "R44", marks=pytest.mark.rule("R44", "R46", "R47")),
        pytest.param("https://x.corp.adobe.net/", "R44", marks=pytest.mark.rule("R44")),
        pytest.param("https://INTRA.ADOBE.com/", "R44", marks=pytest.mark.rule("R45")),
        *(
            pytest.param(url, "R48", marks=pytest.mark.rule("R48"))
            for url in ("http://localhost/", "http://LOCALHOST/", "https://crm/", "https://crm.internal/")
        ),
        *(
            pytest.param(url, "R53", marks=pytest.mark.rule("R53"))
            for url in ("https://h.example/{id}", "https://h.example/%%id%%", "https://{tenant}.h.example/")
        ),
        pytest.param("https://u:p@h.example/", "R55", marks=pytest.mark.rule("R55")),
        pytest.param("https://@h.example/", "R55", marks=pytest.mark.rule("R55")),
        pytest.param("https://h.example/#a", "R56", marks=pytest.mark.rule("R54", "R56")),
        *(
            pytest.param(url, "R57", marks=pytest.mark.rule("R57"))
            for url in (
                "https://h.example/a b",
                "https://h.example/a\n",
                "https://h.example/a\tb",
                " https://h.example/",
                "https://h.example/\x00",
                "https://h.example/\x7f",
                "https://h.example/\u2028",
                "https:\\\\h.example/",
                "https://h.example/%zz",
            )
        ),
    ],
)
def test_a_bad_url_is_refused(url, rule) -> None:
    """A URL that breaks one rule is reported with that rule, at its place, in an action as well as alone."""
    assert broken(at(url)) == [("$.url", rule)]
    assert broken(make(url_configuration=at(url))) == [("$.url_configuration.url", rule)]


@pytest.mark.rule("R48")
@pytest.mark.parametrize(
    ("url", "network"),
    [
        ("http://localhost/", wh.NetworkPolicy(loopback=True)),
        ("http://127.0.0.1:8080/", wh.NetworkPolicy(loopback=True)),
        ("https://crm.internal/", wh.NetworkPolicy(hosts={"crm.internal"})),
    ],
)
def test_an_internal_name_is_allowed_by_policy(url, network) -> None:
    """What is refused by default is configurable, in every edition."""
    for edition in (wh.Guardrails.standard, wh.Guardrails.journey_orchestration, wh.Guardrails.journey_optimizer):
        assert broken(at(url), edition(network=network)) == []


# What is called


@pytest.mark.rule("R49")
@pytest.mark.parametrize("static", ["https://h.example/static/", "https://h.example/static"])
@pytest.mark.parametrize("path", ["42/messages", "/42/messages"])
def test_one_slash_stands_between_url_and_path(static, path) -> None:
    """No slash is doubled and none is missing, whichever side brings it."""
    assert wh.preview(make(url_configuration=at(static)), path=path).url == "https://h.example/static/42/messages"


@pytest.mark.rule("R49")
def test_a_trailing_slash_of_the_path_stays() -> None:
    """The path's own last slash is part of the address."""
    assert wh.preview(make(), path="42/").url == "https://h.example/v1/42/"


@pytest.mark.rule("R50")
@pytest.mark.parametrize(
    "static", ["https://h.example/static/", "https://h.example/static", "https://h.example/a?b=c", "https://h.example"]
)
def test_without_a_path_the_static_url_is_called(static) -> None:
    """An empty path adds nothing, not even a slash; a path is added to the same URL."""
    action = make(url_configuration=at(static))

    assert wh.preview(action).url == wh.preview(action, path="").url == static
    assert wh.preview(action, path="x").url != static


@pytest.mark.rule("R51")
def test_the_path_comes_from_the_journey_only() -> None:
    """An activity gives a path and has no place for a static URL."""
    activity = wh.ActionActivity("Loyalty", label="day1", path="42")

    call = wh.preview(wh.Journey("Welcome", [activity]), "day1", wh.Context(), actions=make())

    assert call.url == "https://h.example/v1/42"
    for name in ("url", "url_configuration"):
        with pytest.raises(TypeError):
            wh.ActionActivity("Loyalty", label="day1", **{name: "https://evil.example/"})


@pytest.mark.rule("R51")
def test_a_path_that_is_no_text_is_refused() -> None:
    """A path is text or an expression."""
    with pytest.raises(wh.DefinitionError, match="R51"):
        wh.ActionActivity("Loyalty", label="day1", path=42)


@pytest.mark.rule("R52")
@pytest.mark.parametrize("text", ["@event{Signup.id} + '/messages'", '@event{Signup.id} + "/messages"'])
def test_a_path_expression_joins_with_plus(text) -> None:
    """A reference and a text in either kind of quotes are joined by `+`."""
    activity = wh.ActionActivity("Loyalty", label="day1", path=wh.expression(text))
    context = wh.Context({"Signup": {"id": "42"}})

    call = wh.preview(wh.Journey("Welcome", [activity]), "day1", context, actions=make())

    assert call.url == "https://h.example/v1/42/messages"


@pytest.mark.rule("R52")
@pytest.mark.parametrize("text", ["@event{Signup.id} '/messages'", "@event{Signup.id} + /messages", "'a' + \"b'"])
def test_a_path_expression_needs_plus_and_quotes(text) -> None:
    """Texts side by side, bare text and unpaired quotes are no expression."""
    with pytest.raises(wh.ExpressionError):
        wh.expression(text)


@pytest.mark.rule("R53")
@pytest.mark.parametrize("url", ["https://h.example/{id}", "https://h.example/%%id%%"])
def test_a_placeholder_is_never_filled_in(url) -> None:
    """A URL with a placeholder is not rendered at all."""
    with pytest.raises(wh.DefinitionError, match="R53"):
        wh.preview(make(url_configuration=at(url)))


@pytest.mark.rule("R54")
def test_query_parameters_follow_a_static_query() -> None:
    """Configured parameters are appended with `&` to the query of the static URL, behind the path."""
    action = make(url_configuration=at("https://h.example/c?sync=false", query_parameters={"lang": "en"}))

    assert wh.preview(action, path="x").url == "https://h.example/c/x?sync=false&lang=en"


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        pytest.param("https://u:p@h.example/", "R55", marks=pytest.mark.rule("R55")),
        pytest.param("https://h.example/#a", "R56", marks=pytest.mark.rule("R56")),
        pytest.param("https://h.example/a b", "R57", marks=pytest.mark.rule("R57")),
        pytest.param("https://h.example/a\r\nHost: evil.example", "R57", marks=pytest.mark.rule("R57")),
    ],
)
def test_a_url_that_reads_two_ways_is_not_rendered(url, rule) -> None:
    """User info, fragments and white space are refused by rendering too."""
    with pytest.raises(wh.DefinitionError, match=rule):
        wh.preview(make(url_configuration=at(url)))


@pytest.mark.rule("R58")
@pytest.mark.parametrize("static", ["https://h.example", "https://h.example/", "https://h.example/v1/"])
@pytest.mark.parametrize(
    "path",
    ["a/b", "@evil.example", ":8443/x", ".evil.example", "?x=1", "#x", "a;b", "é", "x%2Fy", "...", "u:p@evil.example"],
)
def test_a_path_stays_below_the_static_url(static, path) -> None:
    """Whatever the path says, scheme, host and port are the configured ones and no query begins."""
    call = wh.preview(make(url_configuration=at(static)), path=path)

    assert call.url.startswith(static.removesuffix("/") + "/")
    assert not {"?", "#"} & set(call.url)


@pytest.mark.rule("R58")
@pytest.mark.parametrize(
    "path",
    [
        "//evil.example/",
        "https://evil.example/",
        "a//b",
        "..",
        "../x",
        "a/../../x",
        "./x",
        "%2e%2e/x",
        "%252e%252e/x",
        "..%2fx",
        "..;a/x",
        "a\\b",
        "a\r\nb",
        "a\x00",
    ],
)
def test_a_path_that_would_leave_is_refused(path) -> None:
    """A path that climbs, or could be read as another address, is refused without being repeated."""
    with pytest.raises(wh.UnsafeCall) as caught:
        wh.preview(make(), path=path)

    assert [(violation.path, violation.rule) for violation in caught.value.violations] == [("$.path", "R58")]


# Method


@pytest.mark.parametrize(
    ("method", "edition"),
    [
        *(
            pytest.param(method, edition, marks=pytest.mark.rule("R59"))
            for method in ("POST", "PUT")
            for edition in (STANDARD, ORCHESTRATION, OPTIMIZER)
        ),
        pytest.param("GET", OPTIMIZER, marks=pytest.mark.rule("R60")),
        pytest.param("GET", STANDARD, marks=pytest.mark.rule("R60")),
        pytest.param("DELETE", STANDARD, marks=pytest.mark.rule("R61")),
        pytest.param("PATCH", STANDARD, marks=pytest.mark.rule("R62")),
    ],
)
def test_a_method_of_the_edition_is_accepted(method, edition) -> None:
    """POST and PUT are in every edition, GET in all but the first, PATCH and DELETE in the standard one."""
    assert broken(at(method=method), edition) == []


@pytest.mark.parametrize(
    ("method", "edition", "rule"),
    [
        pytest.param("post", STANDARD, "R62", marks=pytest.mark.rule("R59", "R62")),
        pytest.param("GET", ORCHESTRATION, "R60", marks=pytest.mark.rule("R60")),
        pytest.param("DELETE", ORCHESTRATION, "R61", marks=pytest.mark.rule("R61")),
        pytest.param("DELETE", OPTIMIZER, "R61", marks=pytest.mark.rule("R61")),
        pytest.param("PATCH", ORCHESTRATION, "R62", marks=pytest.mark.rule("R62")),
        pytest.param("PATCH", OPTIMIZER, "R62", marks=pytest.mark.rule("R62")),
        *(
            pytest.param(method, STANDARD, "R62", marks=pytest.mark.rule("R62"))
            for method in ("HEAD", "OPTIONS", "post ", "TRACE", "CONNECT", "")
        ),
    ],
)
def test_a_method_beyond_the_edition_is_refused(method, edition, rule) -> None:
    """Every other method is refused with its place and the rule that names it."""
    assert broken(at(method=method), edition) == [("$.method", rule)]


@pytest.mark.rule("R63")
def test_a_get_has_no_payload() -> None:
    """A GET without fields is called without a body; one with fields is refused."""
    action = make(url_configuration=at(method="GET"))

    assert broken(action) == []
    assert wh.preview(action).body is None
    assert broken(attrs.evolve(action, message_parameters=wh.message_parameters({"a": 1}))) == [
        ("$.message_parameters", "R63")
    ]


# Headers


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("X-A", marks=pytest.mark.rule("R69", "R70")),
        pytest.param("a.b", marks=pytest.mark.rule("R69")),
        pytest.param("a$b", marks=pytest.mark.rule("R70")),
        pytest.param("X-Trace_Id!", marks=pytest.mark.rule("R71")),
        pytest.param("!#%&'*+-^_`|~.$", marks=pytest.mark.rule("R71")),
    ],
)
def test_a_good_header_name_is_accepted(name) -> None:
    """A token that begins with neither `.` nor `$` is a header name."""
    assert broken(at(headers={name: "1"})) == []


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        pytest.param(".a", "R69", marks=pytest.mark.rule("R69")),
        pytest.param("$a", "R70", marks=pytest.mark.rule("R70")),
        *(
            pytest.param(name, "R71", marks=pytest.mark.rule("R71"))
            for name in ("", "X Y", "X:", "X(1)", "Xé", "X\r\nY", " X", "X\x00")
        ),
    ],
)
def test_a_bad_header_name_is_refused(name, rule) -> None:
    """A name that breaks one rule is reported behind the two default headers."""
    assert broken(at(headers={name: "1"})) == [("$.headers[2].name", rule)]


@pytest.mark.rule("R72", "R73")
@pytest.mark.parametrize("value", ["a b", "a\tb", "", " x "])
def test_a_good_header_value_is_accepted(value) -> None:
    """Visible ASCII characters, spaces and tabs make a value; the outer ones are not sent."""
    configuration = at(headers={"X-A": value})

    assert broken(configuration) == []
    assert ("X-A", value.strip()) in wh.preview(make(url_configuration=configuration)).headers


@pytest.mark.rule("R72")
@pytest.mark.parametrize("value", ["a\r\nb", "a\nb", "a\r", "a\x00", "a\x1b", "é"])
def test_a_bad_header_value_is_refused(value) -> None:
    """A line break, a NUL and what is not ASCII are refused on save and by rendering."""
    configuration = at(headers={"X-A": value})

    assert broken(configuration) == [("$.headers[2].value", "R72")]
    with pytest.raises(wh.DefinitionError, match="R72"):
        wh.preview(make(url_configuration=configuration))


@pytest.mark.rule("R74")
def test_a_header_value_is_checked_when_it_comes() -> None:
    """A variable header takes a good value and refuses one with a line break, before anything is sent."""
    action = make(url_configuration=at(headers={"X-A": wh.variable("A")}))

    assert ("X-A", "a b") in wh.preview(action, {"X-A": "a b"}).headers
    with pytest.raises(wh.UnsafeCall) as caught:
        wh.preview(action, {"X-A": "a\r\nX-B: canary"})
    assert [(violation.path, violation.rule) for violation in caught.value.violations] == [("$.headers.X-A", "R74")]
    assert "canary" not in str(caught.value)


@pytest.mark.rule("R74")
def test_a_literal_header_value_of_a_journey_is_checked_on_save() -> None:
    """A literal in an activity is known before the journey runs, and is refused with its place."""
    activities = [
        wh.ActionActivity("Loyalty", label="good", headers={"X-A": "a b"}),
        wh.ActionActivity("Loyalty", label="bad", headers={"X-A": "a\nb"}),
    ]

    assert broken(wh.Journey("Welcome", activities)) == [("$.activities[1].headers.X-A", "R74")]


@pytest.mark.rule("R75")
def test_default_headers_cannot_be_deleted() -> None:
    """However headers are given, the two default ones are among them; one that is given is kept."""
    given = wh.UrlConfiguration("https://h.example", headers=[wh.Header("X-A", "1")])
    emptied = attrs.evolve(given, headers=())

    assert [header.name for header in given.headers] == ["Content-Type", "Charset", "X-A"]
    assert [header.name for header in emptied.headers] == ["Content-Type", "Charset"]


@pytest.mark.parametrize(
    ("edition", "value"),
    [
        pytest.param(ORCHESTRATION, "application/json", marks=pytest.mark.rule("R76")),
        *(
            pytest.param(edition, value, marks=pytest.mark.rule("R77"))
            for edition in (OPTIMIZER, STANDARD)
            for value in ("application/vnd.api+json", "application/json;charset=utf-8", "Application/JSON")
        ),
    ],
)
def test_a_json_content_type_is_accepted(edition, value) -> None:
    """Content-Type is left as it is, or becomes another JSON type where the edition allows it."""
    configuration = at(headers={"Content-Type": value})

    assert broken(configuration, edition) == []
    assert ("Content-Type", value) in wh.preview(make(url_configuration=configuration)).headers


@pytest.mark.parametrize(
    ("edition", "value", "rule"),
    [
        pytest.param(ORCHESTRATION, "application/vnd.api+json", "R76", marks=pytest.mark.rule("R76")),
        pytest.param(ORCHESTRATION, "text/plain", "R76", marks=pytest.mark.rule("R76")),
        *(
            pytest.param(edition, value, "R77", marks=pytest.mark.rule("R77"))
            for edition in (OPTIMIZER, STANDARD)
            for value in ("text/plain", "application/xml", "", "application/jsonp", "text/json,application/xml")
        ),
    ],
)
def test_another_content_type_is_refused(edition, value, rule) -> None:
    """A change is refused where Content-Type is fixed, and to anything but JSON elsewhere."""
    assert broken(at(headers={"Content-Type": value}), edition) == [("$.headers[1].value", rule)]


@pytest.mark.rule("R78")
@pytest.mark.parametrize("edition", [STANDARD, ORCHESTRATION, OPTIMIZER], ids=lambda rails: rails.edition)
def test_charset_is_utf_8(edition) -> None:
    """Charset may be given as it is, and is never another."""
    assert broken(at(headers={"Charset": "UTF-8"}), edition) == []
    assert broken(at(headers={"Charset": "latin1"}), edition) == [("$.headers[1].value", "R78")]


@pytest.mark.rule("R79")
@pytest.mark.parametrize("name", ["Content-Type", "Charset", "charset"])
def test_a_default_header_is_no_variable(name) -> None:
    """The two default headers are constants; any other header may be a variable."""
    assert broken(at(headers={"X-A": wh.variable("A")})) == []
    assert broken(at(headers={name: wh.variable("A")})) == [("$.headers[1].value", "R79")]


@pytest.mark.rule("R80")
@pytest.mark.parametrize("name", ["content-type", "CONTENT-TYPE"])
def test_a_default_header_is_known_in_any_letter_case(name) -> None:
    """A default header in other letters takes the place of the default one, and keeps its rules."""
    good, bad = at(headers={name: "application/json"}), at(headers={name: "text/plain"})

    assert [header.name for header in good.headers] == ["Charset", name]
    assert broken(good) == []
    assert broken(bad) == [("$.headers[1].value", "R77")]


@pytest.mark.rule("R81")
def test_a_header_stands_there_once() -> None:
    """Two headers whose names differ in letter case only are one too many."""
    assert broken(at(headers={"X-A": "1", "X-B": "1"})) == []
    assert broken(at(headers={"X-A": "1", "X-B": "1", "x-a": "2"})) == [("$.headers[4].name", "R81")]
    assert broken(at(headers=[*at().headers, wh.Header("charset", "UTF-8")])) == [("$.headers[2].name", "R81")]


@pytest.mark.rule("R81")
@pytest.mark.parametrize(
    ("header", "authentication"),
    [
        ("X-Key", wh.ApiKeyAuthentication("x-key", wh.secret("env:KEY"))),
        ("authorization", wh.BasicAuthentication("joe", wh.secret("env:PASSWORD"))),
        (
            "X-Auth",
            wh.CustomAuthorization(
                "https://id.example/t", method="GET", authorization_type="header", token_target="X-Auth"
            ),
        ),
        ("X-A", wh.ApiKeyAuthentication("Content-Type", wh.secret("env:KEY"))),
    ],
)
def test_authentication_adds_no_second_header(header, authentication) -> None:
    """The header of an authentication is not one that the action has already."""
    action = make(url_configuration=at(headers={header: "1"}), authentication=authentication)

    assert "R81" in {rule for _, rule in broken(action)}


@pytest.mark.rule("R65")
def test_a_constant_header_is_sent_as_configured() -> None:
    """A constant header is sent, and a journey does not override it."""
    action = make(url_configuration=at(headers={"Origin": "Slack"}))
    activity = wh.ActionActivity("Loyalty", label="day1", headers={"Origin": "Evil"})

    assert ("Origin", "Slack") in wh.preview(action).headers
    with pytest.raises(wh.DefinitionError, match=r"\$\.headers\.Origin: .* \(R65\)"):
        wh.preview(wh.Journey("Welcome", [activity]), "day1", wh.Context(), actions=action)


@pytest.mark.rule("R68")
def test_an_unmapped_variable_header_is_refused() -> None:
    """A variable header that an activity leaves out is named; one that it fills is sent."""
    action = make(url_configuration=at(headers={"Timestamp": wh.variable("When")}))
    empty = wh.ActionActivity("Loyalty", label="empty")
    mapped = wh.ActionActivity("Loyalty", label="mapped", headers={"Timestamp": "now"})
    welcome = wh.Journey("Welcome", [empty, mapped])

    assert ("Timestamp", "now") in wh.preview(welcome, "mapped", wh.Context(), actions=action).headers
    with pytest.raises(wh.DefinitionError, match=r"\$\.headers\.Timestamp: .* \(R68\)"):
        wh.preview(welcome, "empty", wh.Context(), actions=action)


# Query parameters


@pytest.mark.rule("R82", both=True)
def test_query_parameters_are_in_all_editions_but_one() -> None:
    """Query parameters are refused where the edition has none."""
    configuration = at(query_parameters={"customerId": "7"})

    assert broken(configuration, OPTIMIZER) == broken(configuration, STANDARD) == []
    assert broken(configuration, ORCHESTRATION) == [("$.query_parameters", "R82")]


@pytest.mark.rule("R83")
def test_a_query_parameter_is_constant_or_variable() -> None:
    """The variable parameter is filled in by the activity, the constant one is not."""
    action = make(url_configuration=at(query_parameters={"lang": "en", "id": wh.variable("Id")}))
    good = wh.ActionActivity("Loyalty", label="good", query_parameters={"id": "7"})
    bad = wh.ActionActivity("Loyalty", label="bad", query_parameters={"id": "7", "lang": "fr"})
    welcome = wh.Journey("Welcome", [good, bad])

    assert [name for name, _ in action.variables] == ["id"]
    assert wh.preview(welcome, "good", wh.Context(), actions=action).url.endswith("?lang=en&id=7")
    with pytest.raises(wh.DefinitionError, match=r"\$\.query_parameters\.lang: .* \(R83\)"):
        wh.preview(welcome, "bad", wh.Context(), actions=action)


@pytest.mark.rule("R84", both=True)
def test_the_names_of_query_parameters() -> None:
    """A name is not empty, begins with neither `.` nor `$`, and stands there once in these letters."""
    good = at(query_parameters={"a.b": "1", "a$": "1", "A.b": "1"})
    bad = at(query_parameters=[wh.QueryParameter(name, "1") for name in (".a", "ok", "$a", "", "ok")])

    assert broken(good) == []
    assert broken(bad) == [
        ("$.query_parameters[0].name", "R84"),
        ("$.query_parameters[2].name", "R84"),
        ("$.query_parameters[3].name", "R84"),
        ("$.query_parameters[4].name", "R84"),
    ]


@pytest.mark.rule("R85", "R86")
def test_query_values_are_percent_encoded() -> None:
    """A value keeps to its own place: nothing in it splits, ends or extends the query."""
    action = make(url_configuration=at(query_parameters={"n&m": "a b&c", "v": wh.variable("V")}))

    assert wh.preview(action, {"v": "a b&c=é#?+"}).url == (
        "https://h.example/v1/?n%26m=a%20b%26c&v=a%20b%26c%3D%C3%A9%23%3F%2B"
    )


@pytest.mark.rule("R86")
def test_what_cannot_be_encoded_is_refused() -> None:
    """Half a surrogate pair has no UTF-8 form: it is refused on save and when it comes."""
    constant, variable = at(query_parameters={"a": "\ud800"}), at(query_parameters={"a": wh.variable("A")})

    assert broken(constant) == [("$.query_parameters[0].value", "R86")]
    with pytest.raises(wh.RenderError) as caught:
        wh.preview(make(url_configuration=variable), {"a": "\ud800"})
    assert [violation.path for violation in caught.value.violations] == ["$.query_parameters.a"]


# Authentication, as far as a definition goes


def custom(**parts) -> wh.CustomAuthorization:
    """A custom authorization that keeps every rule."""
    return wh.CustomAuthorization(
        **{"endpoint": "https://id.example/token", "method": "POST", "body_type": "form", **parts}
    )


@pytest.mark.parametrize(
    "parts",
    [
        *(
            pytest.param({"authorization_type": kind}, marks=pytest.mark.rule("R98"))
            for kind in ("bearer", "Bearer", "BEARER")
        ),
        pytest.param({"authorization_type": "header", "token_target": "x-auth-token"}, marks=pytest.mark.rule("R99")),
        pytest.param({"authorization_type": "queryParam", "token_target": "tok"}, marks=pytest.mark.rule("R99")),
        pytest.param({}, marks=pytest.mark.rule("R101", "R103")),
        pytest.param({"method": "GET", "body_type": None}, marks=pytest.mark.rule("R102", "R104")),
        *(pytest.param({"body_type": kind}, marks=pytest.mark.rule("R105")) for kind in ("form", "json")),
        pytest.param({"headers": {}}, marks=pytest.mark.rule("R108")),
        *(
            pytest.param({"token_in_response": where}, marks=pytest.mark.rule("R109"))
            for where in ("response", "json://access_token", "json://a/b.c")
        ),
        pytest.param({"body_type": "json", "body_params": {"a": {"b": [1, None]}}}, marks=pytest.mark.rule("R125")),
    ],
)
def test_a_good_custom_authorization_is_accepted(parts) -> None:
    """Every documented form of the token call can be described and saved."""
    assert broken(make(authentication=custom(**parts))) == []


@pytest.mark.parametrize(
    ("parts", "path", "rule"),
    [
        pytest.param({"authorization_type": "cookie"}, "$.authorization_type", "R98", marks=pytest.mark.rule("R98")),
        pytest.param({"authorization_type": "header"}, "$.token_target", "R99", marks=pytest.mark.rule("R99")),
        pytest.param({"authorization_type": "queryParam"}, "$.token_target", "R99", marks=pytest.mark.rule("R99")),
        pytest.param({"endpoint": ""}, "$.endpoint", "R101", marks=pytest.mark.rule("R101")),
        pytest.param({"endpoint": None}, "$.endpoint", "R101", marks=pytest.mark.rule("R101")),
        pytest.param({"method": "PUT"}, "$.method", "R102", marks=pytest.mark.rule("R102")),
        pytest.param({"body_type": None}, "$.body_type", "R103", marks=pytest.mark.rule("R103")),
        pytest.param({"method": "GET"}, "$.body_type", "R104", marks=pytest.mark.rule("R104")),
        pytest.param({"body_type": "xml"}, "$.body_type", "R105", marks=pytest.mark.rule("R105")),
        *(
            pytest.param(
                {"body_type": "json", "body_params": {"a": value}}, path, "R107", marks=pytest.mark.rule("R107")
            )
            for value, path in (
                ({1, 2}, "$.body_params.a"),
                (math.nan, "$.body_params.a"),
                ({"b": [b"x"]}, "$.body_params.a.b[0]"),
            )
        ),
        pytest.param({"headers": {"X-A": 1}}, "$.headers.X-A", "R108", marks=pytest.mark.rule("R108")),
        *(
            pytest.param({"token_in_response": where}, "$.token_in_response", "R109", marks=pytest.mark.rule("R109"))
            for where in ("xml://a", "access_token", "json://", "json: //a", "", None)
        ),
        *(
            pytest.param({"body_params": {"a": value}}, "$.body_params.a", "R125", marks=pytest.mark.rule("R125"))
            for value in ({"b": 1}, [1], None)
        ),
    ],
)
def test_a_bad_custom_authorization_is_refused(parts, path, rule) -> None:
    """What the token call cannot be is refused on construction, with its place."""
    with pytest.raises(wh.DefinitionError) as caught:
        custom(**parts)

    assert [(violation.path, violation.rule) for violation in caught.value.violations] == [(path, rule)]


@pytest.mark.rule("R101")
def test_the_token_endpoint_keeps_the_rules_of_urls() -> None:
    """An endpoint that is no URL, or may not be called, is refused on save."""
    assert broken(make(authentication=custom(endpoint="token"))) == [("$.authentication.endpoint", "R37")]
    assert broken(make(authentication=custom(endpoint="https://10.0.0.1/"))) == [("$.authentication.endpoint", "R41")]


@pytest.mark.rule("R92")
@pytest.mark.parametrize("username", ["", "a:b", None])
def test_basic_needs_a_user_name_without_colon(username) -> None:
    """A missing user name, and one with a colon, are refused; any other text is taken."""
    assert wh.BasicAuthentication("u", wh.secret("env:P")).username == "u"
    with pytest.raises(wh.DefinitionError, match=r"\$\.username: .* \(R92\)"):
        wh.BasicAuthentication(username, wh.secret("env:P"))


@pytest.mark.rule("R94")
@pytest.mark.parametrize(
    ("parts", "path"),
    [
        ({"name": ""}, "$.name"),
        ({"value": None}, "$.value"),
        ({"value": "1234"}, "$.value"),
        ({"location": "body"}, "$.location"),
    ],
)
def test_an_api_key_needs_name_value_and_location(parts, path) -> None:
    """Each part of an API key is there and of its kind."""
    good = {"name": "appid", "value": wh.secret("env:KEY"), "location": "query"}

    assert broken(make(authentication=wh.ApiKeyAuthentication(**good))) == []
    with pytest.raises(wh.DefinitionError) as caught:
        wh.ApiKeyAuthentication(**{**good, **parts})
    assert [(violation.path, violation.rule) for violation in caught.value.violations] == [(path, "R94")]


@pytest.mark.rule("R118")
@pytest.mark.parametrize("unit", ["milliseconds", "seconds", "minutes", "hours", "days", "months", "years"])
def test_a_cache_duration_has_one_of_seven_units(unit) -> None:
    """Each of the seven units is taken by its name."""
    assert wh.CacheDuration(1, unit).time_unit is wh.TimeUnit(unit)


@pytest.mark.rule("R118")
@pytest.mark.parametrize("unit", ["weeks", "Hours", None])
def test_another_unit_is_refused(unit) -> None:
    """Any other unit is refused with its place."""
    with pytest.raises(wh.DefinitionError, match=r"\$\.time_unit: .* \(R118\)"):
        wh.CacheDuration(1, unit)


@pytest.mark.rule("R119")
@pytest.mark.parametrize("duration", ["5", 1.5, -1, True, None])
def test_a_duration_is_a_whole_number(duration) -> None:
    """A duration is a whole number from 0, and nothing that merely looks like one."""
    assert wh.CacheDuration(0, "minutes").seconds == 0
    assert wh.CacheDuration(5, "minutes").seconds == 300
    with pytest.raises(wh.DefinitionError, match=r"\$\.duration: .* \(R119\)"):
        wh.CacheDuration(duration)


# Message parameters


@pytest.mark.rule("R135")
def test_a_sample_is_a_json_object() -> None:
    """The text of a JSON object is a sample."""
    assert [field.name for field in wh.message_parameters('{"a": 1, "b": {"c": true}}')] == ["a", "b"]


@pytest.mark.rule("R135")
@pytest.mark.parametrize("sample", ["<a/>", "{a:1}", "[1]", "null", "", '{"a":1} x', [1], None, {"a": math.inf}])
def test_what_is_no_json_object_is_no_sample(sample) -> None:
    """Other texts and values are refused as samples."""
    with pytest.raises(wh.DefinitionError, match="R135"):
        wh.message_parameters(sample)


@pytest.mark.rule("R139")
def test_an_inferred_type_can_be_changed() -> None:
    """A string becomes a date and time; an object does not become a string, nor a variable."""
    [at_field, customer] = wh.message_parameters({"at": "2030-01-02T03:04:05Z", "customer": {"id": 1}})

    assert attrs.evolve(at_field, data_type="dateTime").data_type is wh.DataType.DATE_TIME
    with pytest.raises(wh.DefinitionError, match=r"\$\.parameters"):
        attrs.evolve(customer, data_type="string")
    with pytest.raises(wh.DefinitionError, match=r"\$\.customer: .* \(R139\)"):
        wh.message_parameters({"customer": {"id": 1}}, variables={"customer": "Customer"})
    by_hand = make(message_parameters=[attrs.evolve(customer, variable=wh.variable("Customer"))])
    assert ("$.message_parameters[0]", "R139") in broken(by_hand)


@pytest.mark.rule("R140", "R141", "R142")
@pytest.mark.parametrize("name", ["a-b", "a$", "data_mixed-types", "3h", "é", "a b"])
def test_a_good_field_name_is_accepted(name) -> None:
    """A field name has no `.` and does not begin with `$`, at any depth."""
    fields = wh.message_parameters({name: 1, "deep": {"list": [{name: 1}]}})

    assert broken(make(message_parameters=fields)) == []


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        pytest.param("a.b", "R140", marks=pytest.mark.rule("R140")),
        pytest.param(".a", "R140", marks=pytest.mark.rule("R140")),
        pytest.param("$a", "R141", marks=pytest.mark.rule("R141")),
    ],
)
def test_a_bad_field_name_is_refused(name, rule) -> None:
    """A bad name is refused in a sample and in a tree written by hand, with the same rule."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.message_parameters({name: 1})
    assert [violation.rule for violation in caught.value.violations] == [rule]

    fields = [wh.MessageParameter("ok", "integer", 1), wh.MessageParameter(name, "integer", 1)]
    assert broken(make(message_parameters=fields)) == [("$.message_parameters[1].name", rule)]


@pytest.mark.rule("R142")
@pytest.mark.parametrize("variables", [{}, {"a.b": "B"}], ids=["constant", "variable list"])
@pytest.mark.parametrize("name", ["c.d", "$c"])
def test_field_names_are_checked_at_every_depth(name, variables) -> None:
    """A bad name deep in a list of objects is refused, also where the list is a variable."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.message_parameters({"a": {"b": [{name: 1}]}}, variables=variables)
    assert [violation.rule for violation in caught.value.violations] == ["R142"]

    field = wh.MessageParameter("a", "object", parameters=[wh.MessageParameter(name, "integer", 1)])
    assert broken(make(message_parameters=[field])) == [("$.message_parameters[0].parameters[0].name", "R142")]


@pytest.mark.rule("R143")
def test_every_documented_type_exists() -> None:
    """The scalars, the object and the lists are taken by their names; `duration` is for expressions only."""
    scalars = ["string", "integer", "decimal", "boolean", "dateTime", "dateTimeOnly", "dateOnly"]
    lists = [f"list{name[0].upper()}{name[1:]}" for name in [*scalars, "object", "any"]]

    assert [wh.MessageParameter("a", name).data_type.value for name in scalars] == scalars
    assert set(wh.DataType) == {*scalars, "object", *lists}


@pytest.mark.rule("R143")
@pytest.mark.parametrize("data_type", ["float", "listMap", "String", "duration", "", None, 7])
def test_another_type_is_refused(data_type) -> None:
    """Any other type is refused, and the types that exist are named."""
    with pytest.raises(wh.DefinitionError, match=r"\$\.data_type: .*listDecimal.* \(R143\)"):
        wh.MessageParameter("a", data_type)


@pytest.mark.rule("R144")
def test_a_constant_cannot_be_overridden() -> None:
    """A constant is sent as it is; values and activities that name it are refused."""
    action = make(message_parameters=wh.message_parameters({"a": 1, "b": 2}, variables={"b": "B"}))
    activity = wh.ActionActivity("Loyalty", label="day1", parameters={"a": 9, "b": 2})

    assert json.loads(wh.preview(action, {"b": 3}).body) == {"a": 1, "b": 3}
    with pytest.raises(wh.UnsafeCall, match="R144"):
        wh.preview(action, {"a": 9, "b": 3})
    with pytest.raises(wh.DefinitionError, match=r"\$\.parameters\.a: .* \(R144\)"):
        wh.preview(wh.Journey("Welcome", [activity]), "day1", wh.Context(), actions=action)


@pytest.mark.rule("R147")
def test_a_required_variable_is_filled() -> None:
    """A required variable without a value is missing, in values as in an activity."""
    action = make(message_parameters=wh.message_parameters({"a": 1}, variables={"a": "A"}))
    welcome = wh.Journey("Welcome", [wh.ActionActivity("Loyalty", label="day1")])

    assert wh.preview(action, {"a": 2}).body == b'{"a":2}'
    with pytest.raises(wh.MissingValue, match=r"\$\.parameters\.a: .* \(R147\)"):
        wh.preview(action)
    with pytest.raises(wh.DefinitionError, match=r"\$\.parameters\.a: .* \(R147\)"):
        wh.preview(welcome, "day1", wh.Context(), actions=action)


@pytest.mark.rule("R148")
def test_an_optional_variable_may_stay_empty() -> None:
    """An optional variable is left out in the editions that have it; the other one refuses it, wherever it is."""
    optional = wh.variable("A", optional=True)
    action = make(
        url_configuration=at(headers={"X-A": optional}),
        message_parameters=wh.message_parameters({"a": 1}, variables={"a": optional}),
    )

    assert broken(action, OPTIMIZER) == broken(action, STANDARD) == []
    assert wh.preview(action).body == b"{}"
    assert broken(action, ORCHESTRATION) == [
        ("$.url_configuration.headers[2]", "R148"),
        ("$.message_parameters[0]", "R148"),
    ]


def typed(data_type: str) -> wh.Action:
    """An action with one variable of a type."""
    return make(message_parameters=[wh.MessageParameter("a", data_type, variable=wh.variable("A"))])


@pytest.mark.parametrize(
    ("data_type", "value", "body"),
    [
        pytest.param("integer", 2**63 - 1, b"9223372036854775807", marks=pytest.mark.rule("R154")),
        pytest.param("integer", -(2**63), b"-9223372036854775808", marks=pytest.mark.rule("R154")),
        pytest.param("decimal", 20, b"20", marks=pytest.mark.rule("R155")),
        pytest.param("decimal", 20.1, b"20.1", marks=pytest.mark.rule("R155")),
        pytest.param("decimal", Decimal("0.10"), b"0.10", marks=pytest.mark.rule("R155")),
        pytest.param("boolean", True, b"true", marks=pytest.mark.rule("R160")),
        pytest.param("string", "1", b'"1"', marks=pytest.mark.rule("R160")),
        *(
            pytest.param("dateTime", text, f'"{text}"'.encode(), marks=pytest.mark.rule("R157"))
            for text in ("2030-01-02T03:04:05Z", "2030-01-02T03:04:05+02:00", "2030-01-02T03:04:05.123-0500")
        ),
        *(
            pytest.param("dateTimeOnly", text, f'"{text}"'.encode(), marks=pytest.mark.rule("R158"))
            for text in ("2030-01-02T03:04:05.000", "2030-01-02T03:04")
        ),
        pytest.param("dateOnly", "2028-02-29", b'"2028-02-29"', marks=pytest.mark.rule("R159")),
    ],
)
def test_a_value_of_the_type_is_sent(data_type, value, body) -> None:
    """A value of the declared type is sent in its documented JSON form."""
    assert wh.preview(typed(data_type), {"a": value}).body == b'{"a":' + body + b"}"


@pytest.mark.parametrize(
    ("data_type", "value"),
    [
        *(
            pytest.param("integer", value, marks=pytest.mark.rule("R154"))
            for value in (2**63, -(2**63) - 1, 1.5, 1.0, "1", True)
        ),
        *(
            pytest.param("decimal", value, marks=pytest.mark.rule("R155"))
            for value in ("20", math.inf, math.nan, Decimal("NaN"), True)
        ),
        *(
            pytest.param("dateTime", value, marks=pytest.mark.rule("R157"))
            for value in ("2030-01-02T03:04:05", "02/01/2030", "2030-01-02T25:00:00Z", "2030-01-02", 1893553445)
        ),
        *(
            pytest.param("dateTimeOnly", value, marks=pytest.mark.rule("R158"))
            for value in ("2030-01-02T03:04:05Z", "2030-01-02T03:04:05+00:00", "2030-01-02")
        ),
        *(
            pytest.param("dateOnly", value, marks=pytest.mark.rule("R159"))
            for value in ("2030-1-2", "2030-02-30", "2030-01-02T00:00:00", "2027-02-29", "２030-01-02")
        ),
        *(
            pytest.param(data_type, value, marks=pytest.mark.rule("R160"))
            for data_type, value in (
                ("integer", "text"),
                ("boolean", "true"),
                ("boolean", 1),
                ("string", 1),
                ("string", b"a"),
                ("listString", "a"),
            )
        ),
    ],
)
def test_a_value_of_another_type_is_refused(data_type, value) -> None:
    """A value of another type is refused before anything is sent, and is not repeated."""
    with pytest.raises(wh.WrongType) as caught:
        wh.preview(typed(data_type), {"a": value})

    [violation] = caught.value.violations
    assert (violation.path, violation.rule) == ("$.parameters.a", "R160")


@pytest.mark.rule("R160")
def test_a_constant_of_another_type_is_refused() -> None:
    """A constant that does not fit its type is refused on save, at its place, without being repeated."""
    fields = [wh.MessageParameter("ok", "integer", 1), wh.MessageParameter("a", "integer", "canary")]

    [violation] = wh.violations(make(message_parameters=fields))

    assert (violation.path, violation.rule) == ("$.message_parameters[1].value", "R160")
    assert "canary" not in violation.message


@pytest.mark.rule("R162")
def test_a_variable_list_of_objects_needs_an_object() -> None:
    """A list of objects names its fields by the sample's first object; an empty list names none."""
    [products] = wh.message_parameters({"products": [{"id": 1}]}, variables={"products": "Products"})

    assert (products.data_type, [field.name for field in products.parameters]) == ("listObject", ["id"])
    with pytest.raises(wh.DefinitionError, match=r"\$\.products: .* \(R162\)"):
        wh.message_parameters({"products": []}, variables={"products": "Products"})
    by_hand = wh.MessageParameter("products", "listObject", variable=wh.variable("Products"))
    assert broken(make(message_parameters=[by_hand])) == [("$.message_parameters[0]", "R162")]


@pytest.mark.rule("R164")
def test_the_fields_of_a_variable_list_are_variables() -> None:
    """Turning a list of objects into a variable turns its fields into variables; a constant among them is refused."""
    [products] = wh.message_parameters({"products": [{"id": 1, "at": {"x": 2}}]}, variables={"products": "Products"})
    mixed = attrs.evolve(products, parameters=[wh.MessageParameter("id", "integer", 1)])

    assert broken(make(message_parameters=[products])) == []
    assert all(field.variable for field in (products.parameters[0], products.parameters[1].parameters[0]))
    assert broken(make(message_parameters=[mixed])) == [("$.message_parameters[0]", "R164")]


@pytest.mark.rule("R166")
def test_an_inner_field_is_mapped_to_another_name() -> None:
    """A field of a variable list is read under another name or sub-path; an unknown field is refused."""
    action = make(
        message_parameters=wh.message_parameters(
            {"products": [{"id": 1, "color": "red"}]}, variables={"products": "Products"}
        )
    )
    source = [{"productId": 7, "someDetails": {"color": "blue"}}]
    parameters = {"products": wh.expression("@event{Order.items}")}
    fields = {"products.id": "productId", "products.color": "someDetails.color"}
    good = wh.ActionActivity("Loyalty", label="good", parameters=parameters, fields=fields)
    bad = wh.ActionActivity("Loyalty", label="bad", parameters=parameters, fields={"products.size": "size"})
    welcome, context = wh.Journey("Welcome", [good, bad]), wh.Context({"Order": {"items": source}})

    call = wh.preview(welcome, "good", context, actions=action)

    assert json.loads(call.body) == {"products": [{"id": 7, "color": "blue"}]}
    with pytest.raises(wh.DefinitionError, match=r"\$\.fields\.products\.size: .* \(R166\)"):
        wh.preview(welcome, "bad", context, actions=action)


@pytest.mark.rule("R169")
def test_nested_lists_are_constant() -> None:
    """A list of objects within a list of objects is sent as a constant, and the outer one is no variable."""
    sample = {"products": [{"locations": [{"city": "Paris"}]}]}
    constant = make(message_parameters=wh.message_parameters(sample))
    variable = make(message_parameters=wh.message_parameters(sample, variables={"products": "Products"}))

    assert broken(constant) == []
    assert json.loads(wh.preview(constant).body) == sample
    assert broken(variable, OPTIMIZER) == [("$.message_parameters[0]", "R169")]


@pytest.mark.rule("R170")
def test_mixed_lists_are_constant_only() -> None:
    """A mixed list is `listAny` and sent as a constant; as a variable it is refused, its items are not."""
    sample = {"a": ["a", None, 0]}
    [mixed] = wh.message_parameters(sample)
    by_hand = wh.MessageParameter("a", "listAny", variable=wh.variable("A"))

    assert mixed.data_type is wh.DataType.LIST_ANY
    assert wh.preview(make(message_parameters=[mixed])).body == b'{"a":["a",0]}'
    assert len(wh.message_parameters(sample, variables={"a.0": "First"})) == 1
    with pytest.raises(wh.DefinitionError, match=r"\$\.a: .* \(R170\)"):
        wh.message_parameters(sample, variables={"a": "A"})
    assert broken(make(message_parameters=[by_hand])) == [("$.message_parameters[0]", "R170")]


# Answers


@pytest.mark.rule("R175")
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_an_answer_is_declared_with_any_method(method) -> None:
    """Both payloads of an answer are optional, of any method, and not in the first edition."""
    expected = [("$.url_configuration.method", "R60")] if method == "GET" else []
    fields = wh.payload({"id": 1})
    action = make(url_configuration=at(method=method), response=fields, failure_response=fields)

    assert broken(action, OPTIMIZER) == []
    assert broken(action, ORCHESTRATION) == [*expected, ("$.response", "R175"), ("$.failure_response", "R175")]


@pytest.mark.rule("R178")
def test_a_mixed_list_in_an_answer_is_refused() -> None:
    """Lists of one type, nested lists and objects are declared; a list of several types is not."""
    good = wh.payload({"points": [1, 2.5], "names": ["a", "b"], "rows": [[1], [2]], "all": [{"ids": [1, 2]}]})
    bad = wh.payload({"ok": 1, "deep": {"list": [20, "a", False]}})

    assert broken(make(response=good, failure_response=good)) == []
    assert [rule for _, rule in broken(make(response=bad, failure_response=bad))] == ["R178", "R178"]


# Limits and journeys


@pytest.mark.rule("R203")
@pytest.mark.parametrize("edition", [STANDARD, ORCHESTRATION, OPTIMIZER], ids=lambda rails: rails.edition)
def test_a_timeout_is_1_to_30_seconds(edition) -> None:
    """The ends of the range are in it, and no timeout takes the default."""
    assert [broken(wh.Journey("W", timeout=seconds), edition) for seconds in (1, 1.5, 30, None)] == [[]] * 4
    for seconds in (0, 0.5, 31, -1, math.inf, math.nan):
        assert broken(wh.Journey("W", timeout=seconds), edition) == [("$.timeout", "R203")]


@pytest.mark.rule("R203")
@pytest.mark.parametrize("timeout", ["10", True])
def test_a_timeout_is_a_number(timeout) -> None:
    """What is no number is refused on construction."""
    with pytest.raises(wh.DefinitionError, match=r"\$\.timeout: .* \(R203\)"):
        wh.Journey("W", timeout=timeout)


@pytest.mark.rule("R204")
@pytest.mark.parametrize("seconds", [0, 31, -1, math.nan])
def test_a_default_timeout_lies_within_the_range(seconds) -> None:
    """The default may be changed within the edition's range, to its ends, and not beyond."""
    assert [attrs.evolve(STANDARD, default_timeout=end).default_timeout for end in (1, 30)] == [1, 30]
    with pytest.raises(wh.DefinitionError, match=r"\$\.default_timeout: .* \(R204\)"):
        attrs.evolve(STANDARD, default_timeout=seconds)


@pytest.mark.rule("R208", "R210")
def test_how_often_is_no_setting() -> None:
    """Which failures are repeated is one of three words; how often they are is no switch."""
    assert attrs.evolve(STANDARD, repetition=wh.Repetition.ANY).repetition is wh.Repetition.ANY
    with pytest.raises(wh.DefinitionError, match=r"\$\.repetition: .* \(R208\)"):
        attrs.evolve(STANDARD, repetition=5)
    with pytest.raises(TypeError):
        attrs.evolve(STANDARD, retries=5)


@pytest.mark.rule("R239")
def test_a_wildcard_stands_behind_the_host() -> None:
    """A rule's wildcard is in the path, never in host and port."""
    assert broken(wh.CappingRule("https://h.example/d/*", wh.Rating(2))) == []
    assert broken(wh.CappingRule("https://h.example?q=*", wh.Rating(2))) == []
    for url in ("https://*.example/x", "https://*/x", "https://h.example:*/x", "https://h.*"):
        assert broken(wh.CappingRule(url, wh.Rating(2))) == [("$.url", "R239")]


@pytest.mark.parametrize(
    ("parts", "path", "rule"),
    [
        *(
            pytest.param({"max_calls_count": n}, "$.action.max_calls_count", "R243", marks=pytest.mark.rule("R243"))
            for n in (0, -1, 2**63)
        ),
        *(
            pytest.param({"period_in_ms": n}, "$.action.period_in_ms", "R244", marks=pytest.mark.rule("R244"))
            for n in (0, -5, 2**63)
        ),
    ],
)
def test_the_numbers_of_a_capping_rule(parts, path, rule) -> None:
    """Count and period are whole numbers from 1."""
    assert broken(wh.CappingRule("https://h.example/*", wh.Rating(1, 1))) == []
    rating = wh.Rating(**{"max_calls_count": 1, **parts})
    assert broken(wh.CappingRule("https://h.example/*", rating)) == [(path, rule)]


@pytest.mark.rule("R283")
def test_a_journey_has_at_most_50_activities() -> None:
    """The fiftieth activity is accepted, the next is not."""
    assert broken(journey("W", *["A"] * 50)) == []
    assert broken(journey("W", *["A"] * 51)) == [("$.activities", "R283")]


@pytest.mark.rule("R72", "R74")
@pytest.mark.parametrize("sign", ["\r", "\n", "\0"])
def test_a_line_break_in_a_header_is_called_by_its_name(sign) -> None:
    """Whoever reads the fault learns that it is a line break or NUL, in an action and in data alike."""
    configured = wh.UrlConfiguration("https://h.example", headers={"X-A": f"a{sign}b"})
    varied = wh.Action(
        name="A", url_configuration=wh.UrlConfiguration("https://h.example", headers={"X-A": wh.variable("A")})
    )

    with pytest.raises(wh.UnsafeCall, match="no line break and no NUL"):
        wh.preview(varied, {"X-A": f"a{sign}b"})
    assert "no line break and no NUL" in wh.violations(configured)[0].message
