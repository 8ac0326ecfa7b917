"""Property: whatever comes in, only errors of our own come out, and none of them shows a value."""

from __future__ import annotations

import contextlib
import json
import pickle
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

import wayhook as wh
from wayhook import DataType
from wayhook.rendering.answer import compile_answer, read_token

tokens = st.sampled_from(
    ["@event{", "@{", "@action{", "#{", "${", "}", ".", ",", "defaultValue", ":", "'", '"', "\\", "\\u", "\\ud800", "(",
     ")", "+", "-", "1", "0.5", "9" * 30, "true", "null", "a", "-b", " ", "\n", "é", "\ud800", "\u2028", "\x00", "["]
)  # fmt: skip
sources = st.lists(tokens, max_size=12).map("".join) | st.text(max_size=30)
texts = st.text(max_size=10) | st.text(st.characters(exclude_categories=()), max_size=5) | st.just("\ud800")
leaves = st.none() | st.booleans() | st.integers() | st.floats() | texts
json_values = st.recursive(
    leaves, lambda below: st.lists(below, max_size=3) | st.dictionaries(texts, below, max_size=3), max_leaves=10
)
values = st.one_of(
    json_values,
    st.integers(min_value=10**5000, max_value=10**5000 + 9),
    st.decimals(),
    st.binary(max_size=3),
    st.dates(),
    st.datetimes(timezones=st.none() | st.timezones()),
    st.times(),
    st.timedeltas(),
    st.complex_numbers(),
    st.sampled_from([object(), int, str, len, ..., range(3), frozenset({1})]),
)


@given(sources, json_values)
def test_an_expression_is_right_or_an_error_with_its_place(source: str, data: Any) -> None:
    """Line and column are within the text; evaluation of any data gives a value or a wrong type."""
    try:
        made = wh.expression(source)
    except wh.ExpressionError as error:
        lines = source.split("\n")
        assert 1 <= error.line <= len(lines)  # noqa: PT017 - one of two right answers
        assert 1 <= error.column <= len(lines[error.line - 1]) + 1  # noqa: PT017
        assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: PT017
        return
    context = wh.Context({"a": data}, actions={"a": data}, data_sources={"a": data}, journey={"a": data})
    with contextlib.suppress(wh.WrongType):
        made.evaluate(context)
    assert pickle.loads(pickle.dumps(made)) == made


@given(values, values)
def test_plus_on_any_two_values_is_a_value_or_a_wrong_type(left: Any, right: Any) -> None:
    """Adding what cannot be added is a fault of the data, told without the data."""
    made = wh.expression("@event{E.left} + @event{E.right}")

    with contextlib.suppress(wh.WrongType):
        made.evaluate(wh.Context({"E": {"left": left, "right": right}}))


KEYS = [
    "wayhook", "kind", "name", "url_configuration", "url", "method", "headers", "value", "secret", "variable",
    "optional", "literal_secret", "authentication", "username", "password", "message_parameters", "parameters",
    "data_type", "activities", "action", "label", "path", "expression", "literal", "fields", "timeout", "status",
    "cache_duration",
]  # fmt: skip
scraps = leaves | st.sampled_from(["action", "journey", "basic", "custom", "string", "env:A", "POST", "1 +", "'x'", 1])
documents = st.recursive(
    scraps,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(KEYS), below, max_size=5),
    max_leaves=25,
)


@given(st.sampled_from(["action", "journey"]), st.dictionaries(st.sampled_from(KEYS), documents, max_size=6))
@example("journey", {"name": "\ud800"})
def test_a_document_of_any_content_is_read_or_refused(kind: str, fields: dict[str, Any]) -> None:
    """What is read can be written; what is refused has paths."""
    document = {**fields, "wayhook": 1, "kind": kind}

    try:
        found = wh.load(document)
    except wh.DocumentError as error:
        assert error.violations  # noqa: PT017 - one of two right answers
        assert all(violation.path.startswith("$") for violation in error.violations)  # noqa: PT017
        return
    assert wh.load(wh.dump(found)) == found


@given(st.text() | st.binary() | documents.map(json.dumps))
@example(b"\xef\xbb\xbf{}")
@example("\ufeff{}")
@example(b"\x00{")
def test_any_text_is_a_document_or_refused(text: str | bytes) -> None:
    """Bytes that are no text, text that is no JSON and JSON that is no document are refused alike."""
    with contextlib.suppress(wh.DocumentError):
        wh.loads(text)
    with contextlib.suppress(wh.DefinitionError):
        wh.message_parameters(text)  # type: ignore[arg-type]  # bytes are refused as well


@given(st.dictionaries(texts, values, max_size=3), st.data())
def test_any_sample_is_inferred_and_rendered_or_refused(sample: dict[str, Any], data: st.DataObject) -> None:
    """No value that JSON does not have, no name and no size gets further than an error of our own."""
    filled = data.draw(st.sets(st.sampled_from(list(sample)), max_size=1)) if sample else set()
    variables = dict.fromkeys(filled, "")

    with contextlib.suppress(wh.WayhookError):
        parameters = wh.message_parameters(sample, variables=variables)
        action = wh.Action(
            name="Act",
            url_configuration=wh.UrlConfiguration("https://h.example"),
            message_parameters=parameters,
            allow_null_values=True,
        )
        body = wh.preview(action, {name: sample[name] for name in variables}).body
        assert body is None or isinstance(json.loads(body), dict)


EVERY_TYPE = wh.Action(
    name="Act",
    url_configuration=wh.UrlConfiguration(
        "https://h.example/s", headers={"H": wh.variable()}, query_parameters={"Q": wh.variable(optional=True)}
    ),
    message_parameters=[
        *(
            wh.MessageParameter(str(kind), kind, variable=wh.variable())
            for kind in DataType
            if kind not in (DataType.OBJECT, DataType.LIST_ANY, DataType.LIST_OBJECT)
        ),
        wh.MessageParameter(
            "listObject",
            DataType.LIST_OBJECT,
            variable=wh.variable(),
            parameters=[wh.MessageParameter("x", DataType.DECIMAL, variable=wh.variable())],
        ),
    ],
)
PLACES = ["H", "Q", *(parameter.name for parameter in EVERY_TYPE.message_parameters)]


@given(st.sampled_from(PLACES), values | st.lists(values, max_size=3) | st.lists(st.fixed_dictionaries({"x": values})))
def test_any_value_in_any_place_is_rendered_or_refused(place: str, value: Any) -> None:
    """What is rendered is JSON without NaN; what is refused names its place and never shows the value."""
    given_values = {**dict.fromkeys(PLACES), "H": "h", place: value}

    try:
        call = wh.preview(EVERY_TYPE, given_values)
    except wh.RenderError as error:
        assert all(place in violation.path for violation in error.violations)  # noqa: PT017 - one of two right answers
        return

    def no_constant(word: str) -> None:
        raise AssertionError(word)

    json.loads(call.body or b"", parse_constant=no_constant)
    assert call._repr_html_()


@given(st.dictionaries(texts, values, max_size=4), st.text(max_size=20))
def test_any_names_and_path_are_rendered_or_refused(given_values: dict[str, Any], path: str) -> None:
    """Unknown names, missing values and any path: one error of our own for all of them."""
    with contextlib.suppress(wh.RenderError):
        wh.preview(EVERY_TYPE, given_values, path=path)


@given(texts, texts, texts, texts)
def test_any_text_in_a_definition_is_rendered_or_refused(url: str, name: str, header: str, constant: str) -> None:
    """URL, names and constants of any text are checked without a crash, and rendered only if they are safe."""
    action = wh.Action(
        name=name,
        url_configuration=wh.UrlConfiguration(
            "https://h.example/" + url, headers={header: constant}, query_parameters={name: constant}
        ),
        message_parameters=[wh.MessageParameter(name, DataType.STRING, constant)],
    )

    wh.violations(action)
    with contextlib.suppress(wh.DefinitionError):
        call = wh.preview(action)
        assert call.url.isascii()
        assert wh.to_curl(call)


ANSWER = wh.payload({"a": 1, "b": "x", "c": {"d": [1]}, "e": [{"f": True}]})


@given(st.binary() | json_values.map(json.dumps).map(str.encode), texts)
def test_any_answer_is_read_without_a_crash(body: bytes, selector: str) -> None:
    """A receiver may send what it likes: fields, faults, a token or none."""
    action = wh.Action(name="Act", response=ANSWER)
    response = wh.Response(200, (), body)

    fields, faults = compile_answer(action)(response)
    token = read_token(f"json://{selector}", response)

    assert fields is None or list(fields) == ["a", "b", "c", "e"]  # type: ignore[call-overload]  # an object
    assert all(isinstance(fault, str) for fault in faults)
    assert token is None or token.isascii()


PUBLISHED = wh.Journey("J", [wh.ActionActivity("A", label="a")], status="Live")
JOURNEY_FIELDS = ["activities", "timeout", "status", "version", "earlier", "reentrance", "reentrance_wait", "time_zone"]
JOURNEY_FIELDS += ["namespace", "pause_mode", "published", "closed", "paused", "tested"]
labels = st.sampled_from(["a", "b", "c", ""]) | texts


@given(st.dictionaries(st.sampled_from(JOURNEY_FIELDS), values | st.just([PUBLISHED]), max_size=3))
def test_a_journey_of_anything_is_made_or_refused(parts: dict[str, Any]) -> None:
    """Whatever stands in its fields, it is a journey that can be judged, or an error of ours."""
    with contextlib.suppress(wh.DefinitionError):
        journey = wh.Journey("J", **parts)
        wh.publication_violations(journey, [], guardrails=wh.Guardrails.journey_optimizer())
        repr(journey)
        journey._repr_html_()


@given(
    st.sampled_from(["publish", "test", "dry_run", "pause", "resume", "close", "stop", "finish"]),
    values,
    st.none() | values,
)
def test_a_command_with_anything_is_refused_as_ours(command: str, now: Any, version: Any) -> None:
    """A time that is none and a version that is none are told, not stumbled over."""
    parts = {} if version is None or command in ("publish", "test", "dry_run") else {"version": version}
    with contextlib.suppress(wh.DefinitionError, wh.NotFound):
        getattr(PUBLISHED, command)(now, **parts)


@given(
    st.lists(
        st.one_of(
            st.builds(
                wh.ActionActivity,
                st.sampled_from(["A", "B"]),
                label=labels.filter(bool),
                next=st.lists(labels, max_size=3),
                alternative_path=st.just(True),
                on_error=labels,
                parameters=st.dictionaries(texts, values, max_size=2),
            ),
            st.builds(
                wh.Activity,
                st.sampled_from(["event", "wait", "end", "condition"]),
                label=labels.filter(bool),
                next=st.lists(labels, max_size=3),
            ),
        ),
        max_size=6,
        unique_by=lambda activity: activity.label,
    ),
    st.sampled_from(
        [wh.Guardrails.standard(), wh.Guardrails.journey_orchestration(), wh.Guardrails.journey_optimizer()]
    ),
)
def test_any_drawing_is_judged(activities: list[Any], guardrails: wh.Guardrails) -> None:
    """Links to nowhere, to oneself and in circles, and literals of any kind, give violations and no crash."""
    action = wh.Action(name="A", url_configuration=wh.UrlConfiguration("https://h.example"))
    found = wh.publication_violations(wh.Journey("J", activities), [action], guardrails=guardrails)

    assert all(str(violation).startswith("$") for violation in found)
