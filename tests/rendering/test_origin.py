"""Where each value of a preview came from: read off the call itself, made only when somebody asks."""

from __future__ import annotations

import copy
import pickle
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wayhook as wh
from wayhook.testing import FakeClock, FakeSecrets, FakeTransport

CONTEXT = wh.Context({"Signup": {"id": "c 17", "phone": "+336"}})


def action(sample: dict[str, Any] | None = None, variables: dict[str, Any] | None = None, **parts: Any) -> wh.Action:
    """An action with this payload."""
    given = {"name": "A", "url_configuration": wh.UrlConfiguration("https://h.example/v1/"), **parts}
    return wh.Action(message_parameters=wh.message_parameters(sample or {}, variables=variables or {}), **given)


def told(call: wh.Call) -> dict[str, tuple[str, str | None]]:
    """Source and text of each origin, by its part and name."""
    assert call.explanation is not None
    return {f"{each.part} {each.name}".strip(): (each.source, each.text) for each in call.explanation.origins}


def test_each_value_of_a_call_says_where_it_came_from() -> None:
    """URL, path, headers, query, secrets and payload: constants, defaults, variables and what was left out."""
    made = action(
        {"to": "+33", "n": 1, "o": {"p": 2, "v": "x"}},
        {"to": "Recipient", "o.v": wh.variable("Inner", optional=True)},
        url_configuration=wh.UrlConfiguration(
            "https://h.example/v1/?z=1",
            headers={"X-V": wh.variable("Header"), "X-C": " c ", "X-S": wh.secret("env:S")},
            query_parameters={"t": "a b", "q": wh.variable("Query", optional=True)},
        ),
        authentication=wh.ApiKeyAuthentication("X-Key", wh.secret("env:K")),
        idempotency_header="Idempotency-Key",
    )

    assert told(wh.preview(made, {"to": "+1", "X-V": "v"}, path="m/é")) == {
        "url": ("constant", "https://h.example/v1/?z=1"),
        "path": ("variable", "m/%C3%A9"),
        "header Content-Type": ("default", "application/json"),
        "header Charset": ("default", "UTF-8"),
        "header X-V": ("variable", "v"),
        "header X-C": ("constant", "c"),
        "query t": ("constant", "a b"),
        "query q": ("variable", None),
        "header Idempotency-Key": ("delivery id", "‹delivery id›"),
        "header X-S": ("secret", "‹env:S›"),
        "header X-Key": ("secret", "‹env:K›"),
        "payload to": ("variable", '"+1"'),
        "payload n": ("constant", "1"),
        "payload o.p": ("constant", "2"),
        "payload o.v": ("variable", None),
    }


def test_an_activity_tells_its_expressions_and_the_defaults_that_they_took() -> None:
    """The text of an expression and the label of the variable are there; a literal of the activity is a variable's."""
    made = action({"to": "+33", "text": "Hi", "why": "x"}, {"to": "Recipient", "text": "Message", "why": "Reason"})
    text = "'Hi ' + @event{Signup.name, defaultValue: 'friend'} + @event{Signup.phone, defaultValue: ''}"
    activity = wh.ActionActivity(
        "A",
        label="a",
        path=wh.expression("@event{Signup.id}"),
        parameters={"to": wh.expression("@event{Signup.phone}"), "text": wh.expression(text), "why": "because"},
    )

    call = wh.preview(wh.Journey("J", [activity]), "a", CONTEXT, actions=made)

    assert call.explanation is not None
    found = {each.name: each for each in call.explanation.origins if each.part in ("path", "payload")}
    assert found[""] == wh.Origin("path", "", "expression", "c%2017", "", "@event{Signup.id}")
    assert found["to"] == wh.Origin("payload", "to", "expression", '"+336"', "Recipient", "@event{Signup.phone}")
    assert found["text"].text == '"Hi friend+336"'
    assert found["text"].defaults == ("event Signup.name",)
    assert found["why"] == wh.Origin("payload", "why", "variable", '"because"', "Reason")


@pytest.mark.parametrize(
    ("given", "texts"),
    [
        ({"l.1": "b"}, ['"a"', '"b"', None, '"d"']),
        ({}, ['"a"', None, None, '"d"']),
    ],
)
def test_items_that_are_dropped_are_told_as_left_out(given: dict[str, Any], texts: list[str | None]) -> None:
    """What is null in a constant list is not sent (R152): those after it are told where they stand."""
    made = action({"l": ["a", "x", None, "d"]}, {"l.1": wh.variable("V", optional=True)})

    found = told(wh.preview(made, given))

    assert [found[f"payload l.{i}"][1] for i in range(4)] == texts


def test_an_expression_that_gives_null_is_told_as_left_out() -> None:
    """The same for an item that an expression fills."""
    made = action({"l": ["a", "x", "d"]}, {"l.1": wh.variable("V", optional=True)})
    activity = wh.ActionActivity("A", label="a", parameters={"l.1": wh.expression("@event{Signup.none}")})

    found = told(wh.preview(wh.Journey("J", [activity]), "a", CONTEXT, actions=made))

    assert [found[f"payload l.{i}"] for i in range(3)] == [
        ("constant", '"a"'),
        ("expression", None),
        ("constant", '"d"'),
    ]


def test_numbers_and_texts_are_told_as_they_are_sent() -> None:
    """No digit is lost, no sign is escaped, and a container without a variable is told as a whole."""
    made = action(
        {"d": Decimal("0.10000000000000000001"), "i": 2**62, "t": 'é"\n', "o": {"a": [1, None, True], "b": "<"}}
    )

    call = wh.preview(made)

    assert told(call)["payload d"] == ("constant", "0.10000000000000000001")
    assert told(call)["payload i"] == ("constant", str(2**62))
    assert told(call)["payload t"] == ("constant", '"é\\"\\n"')
    assert told(call)["payload o"] == ("constant", '{"a":[1,true],"b":"<"}')


def test_forms_and_texts_are_told_too() -> None:
    """The fields of a form are told decoded, a list with its items; a text is told as it is."""
    form = action({"a": "x y", "l": ["1", "2"], "v": "z"}, {"v": "V"}, body_format="form")
    text = action({"body": "x"}, {"body": wh.variable("Body", optional=True)}, body_format="raw")

    fields = told(wh.preview(form, {"v": "ü&="}))
    assert fields["payload a"] == ("constant", "x y")
    assert fields["payload v"] == ("variable", "ü&=")
    assert fields["payload l"] == ("constant", "[1,2]")
    assert told(wh.preview(text, {"body": "<a>"}))["payload body"] == ("variable", "<a>")
    assert told(wh.preview(text))["payload body"] == ("variable", None)


def test_names_that_stand_twice_are_told_apart() -> None:
    """A header and a field of the same name are given as `header:name` and `parameter:name`."""
    made = action(
        {"l": ["x", "y"], "n": "x"},
        {"l.0": wh.variable("L", optional=True), "n": "N"},
        url_configuration=wh.UrlConfiguration("https://h.example", headers={"n": wh.variable("H")}),
    )

    found = told(wh.preview(made, {"header:n": "1", "parameter:n": "2", "l.0": "3"}))

    assert (found["header n"][1], found["payload n"][1], found["payload l.0"][1]) == ("1", '"2"', '"3"')


def test_long_and_many_values_are_bounded() -> None:
    """A long text is told by its beginning, and of very many values the first thousand."""
    call = wh.preview(action({"t": "x" * 10_000, **{f"n{i}": i for i in range(2000)}}))

    assert call.explanation is not None
    assert len(call.explanation.origins) == 1000
    assert call.explanation.more == 1004
    text = told(call)["payload t"][1]
    assert text is not None
    assert len(text) < 350
    assert text.endswith("(10,002 characters)")


async def test_the_edition_and_the_timeout_are_told() -> None:
    """Those of the guardrails that are given, of the journey, or of the executor."""
    journey = wh.Journey("J", [wh.ActionActivity("A", label="a")], timeout=7)
    strict = wh.Guardrails.journey_optimizer()
    repository = wh.MemoryRepository()
    await repository.save(action(), journey)

    async with wh.Executor(repository, guardrails=attrs.evolve(strict, canvas=False)) as executor:
        of_executor = (await executor.preview("J", "a", CONTEXT)).explanation
    plain, given = wh.preview(action()).explanation, wh.preview(action(), guardrails=strict).explanation
    of_journey = wh.preview(journey, "a", CONTEXT, actions=action()).explanation

    assert [(each.repetition, each.timeout) for each in (plain, given, of_journey, of_executor) if each] == [
        ("evidence", 5),
        ("any but 401, 403, 404", 30),
        ("evidence", 7),
        ("any but 401, 403, 404", 7),
    ]


async def test_a_call_that_was_made_is_the_preview_without_its_explanation(send_sms: wh.Action) -> None:
    """An execution explains nothing, and the calls are equal; so is a pickled preview, which explains nothing."""
    values = {"to": "+336", "text": "Hi", "X-Campaign": "c"}
    preview = wh.preview(send_sms, values)
    secrets = FakeSecrets({"env:SMS_KEY": "k"})

    async with wh.Executor(transport=FakeTransport(), secrets=secrets, clock=FakeClock()) as executor:
        made = (await executor.call(send_sms, values)).call

    assert made == preview
    assert made is not None
    assert made.explanation is None
    assert preview.explanation is not None
    for other in (pickle.loads(pickle.dumps(preview)), copy.copy(preview)):
        assert (other, other.explanation) == (preview, None)


def test_a_literal_secret_is_not_told_and_the_preview_still_pickles() -> None:
    """The explanation knows the action, and stays where it is."""
    made = action(authentication=wh.BasicAuthentication("joe", wh.literal_secret("s3cr3t-text")))

    call = wh.preview(made)

    assert "s3cr3t-text" not in repr(call.explanation)
    assert "s3cr3t-text" not in repr(pickle.loads(pickle.dumps(call)))


def test_what_happens_later_does_not_change_what_is_told() -> None:
    """A context is changed by executions: the explanation tells of the preview."""
    context = wh.Context()
    text = "@action{Weather.temp, defaultValue: 7}"
    activity = wh.ActionActivity("A", label="a", parameters={"n": wh.expression(text)})
    call = wh.preview(wh.Journey("J", [activity]), "a", context, actions=action({"n": 1}, {"n": "N"}))

    context.record("Weather", {"temp": 1})

    assert call.explanation is not None
    assert call.explanation.origins[-1].defaults == ("action Weather.temp",)


NAMES = st.text(st.characters(codec="utf-8", exclude_characters=".$"), min_size=1, max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=8),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(NAMES, below, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(NAMES, JSON, min_size=1, max_size=5))
def test_every_constant_is_told_as_it_stands_in_the_body(sample: dict[str, Any]) -> None:
    """Whatever the payload: what is told of its fields is the body, put together again."""
    call = wh.preview(action(sample, body_format="json"))
    assert call.body is not None

    fields = [(each.name, each.text) for each in call.explanation.origins if each.part == "payload"]
    told_whole = ",".join(f"{wh_json(name)}:{text}" for name, text in fields if text is not None)

    if "characters)" not in told_whole:
        assert f"{{{told_whole}}}" == call.body.decode()


def wh_json(text: str) -> str:
    """A name as it stands in a body."""
    from json.encoder import encode_basestring

    return encode_basestring(text)
