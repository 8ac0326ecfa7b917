"""Actions: their shape, what is to be filled in, and every broken rule at once."""

from __future__ import annotations

import attrs
import pytest

import wayhook as wh


def paths(error: wh.DefinitionError) -> list[str]:
    """The places of an error's violations."""
    return [violation.path for violation in error.violations]


def test_every_broken_rule_is_found_at_once(send_sms) -> None:
    """One look finds the faults of all parts, in the order of the definition, each with its exact path."""
    action = attrs.evolve(
        send_sms,
        name="not a näme" * 4,
        url_configuration=wh.UrlConfiguration(
            "ftp://h.example",
            method="TRACE",
            headers={"X-A": "1", ".b": "1", "X-C": "a\nb", "x-a": "2", "Host": "h"},
            query_parameters={"$q": "1", "ok": "1"},
        ),
        message_parameters=[
            wh.MessageParameter("ok", "integer", 1),
            wh.MessageParameter("deep", "object", parameters=[wh.MessageParameter("a.b", "integer", "1")]),
        ],
    )

    found = wh.violations(action)

    assert [(violation.path, violation.rule) for violation in found] == [
        ("$.name", "R2"),
        ("$.name", "R3"),
        ("$.name", "R7"),
        ("$.url_configuration.url", "R36"),
        ("$.url_configuration.method", "R62"),
        ("$.url_configuration.headers[3].name", "R69"),
        ("$.url_configuration.headers[4].value", "R72"),
        ("$.url_configuration.headers[6].name", "R71"),
        ("$.url_configuration.headers[5].name", "R81"),
        ("$.url_configuration.query_parameters[0].name", "R84"),
        ("$.message_parameters[1].parameters[0].name", "R142"),
        ("$.message_parameters[1].parameters[0].value", "R160"),
    ]


def test_the_action_of_the_house_breaks_no_rule(send_sms) -> None:
    """The sample of the README may be saved as it stands."""
    assert wh.violations(send_sms) == ()


def test_an_action_without_a_url_is_a_draft() -> None:
    """An HTTP action is made without its URL configuration, and is not ready to be saved."""
    assert [(v.path, v.rule) for v in wh.violations(wh.Action(name="A"))] == [("$.url_configuration", "R37")]


def test_variables_are_named_by_their_place(send_sms) -> None:
    """Headers and query parameters come first, then fields by dotted path; constants are not among them."""
    action = attrs.evolve(
        send_sms,
        message_parameters=wh.message_parameters(
            {"customer": {"city": "Paris"}, "tags": ["a", "b"], "products": [{"id": 1}]},
            variables={"customer.city": "City", "tags.1": "Second tag", "products": "Products"},
        ),
    )

    assert action.variables == (
        ("X-Campaign", wh.variable("Campaign id")),
        ("customer.city", wh.variable("City")),
        ("tags.1", wh.variable("Second tag")),
        ("products", wh.variable("Products")),
    )


@pytest.mark.parametrize(
    ("parts", "place"),
    [
        ({"name": 7}, "$.name"),
        ({"description": None}, "$.description"),
        ({"action_type": "smtp"}, "$.action_type"),
        ({"action_type": []}, "$.action_type"),
        ({"url_configuration": "https://h.example"}, "$.url_configuration"),
        ({"authentication": "basic"}, "$.authentication"),
        ({"authentication": wh.BasicAuthentication}, "$.authentication"),
        ({"allow_null_values": 1}, "$.allow_null_values"),
        ({"channel": "Fax"}, "$.channel"),
        ({"channel": []}, "$.channel"),
        ({"required_marketing_action": 7}, "$.required_marketing_action"),
        ({"built_in": None}, "$.built_in"),
        ({"message_parameters": None}, "$.message_parameters"),
        ({"message_parameters": {"to": "x"}}, "$.message_parameters"),
        ({"response": 7}, "$.response"),
        ({"failure_response": [None]}, "$.failure_response[0]"),
    ],
)
def test_a_part_of_a_wrong_type_is_refused(parts, place) -> None:
    """A part that is not what belongs there is refused on construction, with its place."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.Action(**{"name": "A", **parts})

    assert paths(caught.value) == [place]


def test_all_wrong_parts_are_named_at_once() -> None:
    """Construction collects the faults of every part."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.Action(name=None, description=7, authentication="none", response=["id"])

    assert paths(caught.value) == ["$.name", "$.description", "$.authentication", "$.response[0]"]


@pytest.mark.parametrize(
    ("parts", "remedy"),
    [
        ({"channel": "Fax"}, "Email, SMS, Push notification, other"),
        ({"action_type": "smtp"}, "customHttp, campaignClassic"),
        ({"url_configuration": "https://h.example"}, "UrlConfiguration"),
        ({"authentication": "basic"}, "an Authentication"),
        ({"message_parameters": {"to": "x"}}, "wayhook.message_parameters"),
    ],
)
def test_a_refusal_says_what_belongs_there(parts, remedy) -> None:
    """The sentence names the words or the type that are accepted."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.Action(**{"name": "A", **parts})

    assert remedy in str(caught.value)


@pytest.mark.parametrize("place", ["message_parameters", "response", "failure_response"])
def test_two_fields_of_a_name_are_refused(place) -> None:
    """Side by side, each field has a name of its own."""
    twins = [wh.MessageParameter("a", "integer", 1), wh.MessageParameter("a", "string", "x")]

    with pytest.raises(wh.DefinitionError) as caught:
        wh.Action(name="A", **{place: twins})

    assert paths(caught.value) == [f"$.{place}[1].name"]


@pytest.mark.parametrize("given", [{}, {"action_type": "customHttp"}, {"action_type": wh.ActionType.CUSTOM_HTTP}])
def test_an_action_calls_http_unless_told_otherwise(given) -> None:
    """The action type is given by member or text, and is HTTP by default."""
    assert wh.Action(name="A", **given).action_type is wh.ActionType.CUSTOM_HTTP


def test_equal_definitions_are_equal(send_sms) -> None:
    """Actions are values: equal parts make equal actions, which hash alike, and one changed part does not."""
    same = attrs.evolve(send_sms)

    assert same == send_sms
    assert hash(same) == hash(send_sms)
    assert attrs.evolve(send_sms, description="other") != send_sms


def test_an_action_cannot_be_changed(send_sms) -> None:
    """An action is frozen."""
    with pytest.raises(AttributeError):
        send_sms.name = "Other"


def test_the_repr_is_short_and_honest(send_sms) -> None:
    """A look at an action shows name, target and how much is to be filled in."""
    one = wh.Action(name="A", message_parameters=wh.message_parameters({"a": 1}, variables={"a": "A"}))

    assert repr(send_sms) == "<Action SendSms: POST https://sms.example.com/v1/, 3 variables>"
    assert repr(one) == "<Action A: payload, 1 variable>"


def test_a_duplicate_is_the_same_but_for_its_name(send_sms) -> None:
    """Every part of a duplicate is that of the original, except that it is not built in."""
    original = attrs.evolve(send_sms, built_in=True)

    assert original.duplicate() == attrs.evolve(original, name="SendSms_Copy", built_in=False)


@pytest.mark.parametrize("value", [7, None, wh.NoAuthentication(), "SendSms"])
def test_only_definitions_are_checked(value) -> None:
    """What is no action, journey or URL configuration breaks the one rule that it should be."""
    (violation,) = wh.violations(value)

    assert violation.path == "$"
    assert type(value).__name__ in violation.message
