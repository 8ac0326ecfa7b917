"""The answer: exactly the declared fields, and the token of an authentication call."""

from __future__ import annotations

import json
from typing import Any

import pytest

import wayhook as wh
from wayhook.rendering.answer import compile_answer, read_token


def action(response: Any = None, failure: Any = None) -> wh.Action:
    """An action that declares these samples as its answers."""
    return wh.Action(
        name="Act",
        url_configuration=wh.UrlConfiguration("https://api.shop.example/v1"),
        response=wh.payload(response) if response else (),
        failure_response=wh.payload(failure) if failure else (),
    )


def answer(body: Any, status: int = 200, fault: str = "") -> wh.Response:
    """An answer with `body`: bytes as they are, anything else as JSON."""
    return wh.Response(status, (), body if isinstance(body, bytes) else json.dumps(body).encode(), fault)


@pytest.mark.rule("R180", "R193")
@pytest.mark.parametrize(
    ("sample", "body", "fields"),
    [
        ({"id": "a", "n": 1}, {"id": "x", "n": 2, "extra": 3}, {"id": "x", "n": 2}),
        ({"id": "a", "n": 1}, {}, {"id": None, "n": None}),
        ({"id": "a"}, {"id": None}, {"id": None}),
        ({"o": {"a": 1, "b": 2}}, {"o": {"a": 5, "c": 6}}, {"o": {"a": 5, "b": None}}),
        ({"o": {"a": 1}}, {"o": None}, {"o": None}),
        ({"l": ["a"]}, {"l": ["b", None, "c"]}, {"l": ["b", None, "c"]}),
        ({"l": [{"a": 1}]}, {"l": [{"a": 1, "b": 2}, {"a": 3}, {}]}, {"l": [{"a": 1}, {"a": 3}, {"a": None}]}),
        ({"l": [{"ids": [1, 2]}]}, {"l": [{"ids": [3]}]}, {"l": [{"ids": [3]}]}),
        ({"l": [{"k": [{"x": 1}]}]}, {"l": [{"k": [{"x": 1, "y": 2}]}]}, {"l": [{"k": [{"x": 1}]}]}),
        ({"l": [[1], [2]]}, {"l": [[3, "a"], []]}, {"l": [[3, "a"], []]}),
        ({"l": []}, {"l": [1, "a"]}, {"l": [1, "a"]}),
        ({"d": 1.5}, {"d": 2}, {"d": 2}),
        ({"b": True}, {"b": False}, {"b": False}),
    ],
)
def test_exactly_the_declared_fields_are_read(sample: Any, body: Any, fields: Any) -> None:
    """What is not declared is not there, what is missing is null, at every depth."""
    assert compile_answer(action(sample))(answer(body)) == (fields, ())


@pytest.mark.rule("R160", "R177")
def test_a_field_of_another_type_is_null_and_reported() -> None:
    """An answer never crashes a call: each field that does not fit is named with its place."""
    sample = {"n": 1, "s": "a", "o": {"b": True}, "l": [1], "p": [{"id": 1}], "ok": 1}
    body = {"n": "1", "s": 7, "o": {"b": 0}, "l": [1, "x"], "p": [{"id": 1.5}, 3], "ok": 2}

    fields, faults = compile_answer(action(sample))(answer(body))

    assert fields == {"n": None, "s": None, "o": {"b": None}, "l": [1, None], "p": [{"id": None}, None], "ok": 2}
    assert [fault.split()[0].rstrip(":") for fault in faults] == [
        "$.n",
        "$.s",
        "$.o.b",
        "$.l[1]",
        "$.p[0].id",
        "$.p[1]",
    ]


def test_an_answer_full_of_faults_is_reported_in_short() -> None:
    """A long list of wrong items tells a score of them, not all."""
    fields, faults = compile_answer(action({"l": [1]}))(answer({"l": ["x"] * 10_000}))

    assert fields == {"l": [None] * 10_000}
    assert 0 < len(faults) <= 20


def test_what_fits_between_faults_is_read() -> None:
    """A score of faults is told, and a hundred wrong items take nothing from the others."""
    fields, faults = compile_answer(action({"l": [1]}))(answer({"l": ["x", 1] * 100}))

    assert fields == {"l": [None, 1] * 100}
    assert len(faults) == 20


def test_an_answer_that_is_another_one_altogether_is_left() -> None:
    """After a thousand values that do not fit the rest is null, and the last fault says so (P9)."""
    fields, faults = compile_answer(action({"l": [1]}))(answer({"l": ["x"] * 1000 + [1]}))

    assert fields == {"l": [None] * 1001}
    assert len(faults) == 20
    assert faults[-1] == "$: 1,000 values do not fit; those after them were not read"


MOST = 99_998  # beside the object and the list
STRINGS = [r'"[,{"', r'"\",[\\"', r'""', r'"\\"']


@pytest.mark.parametrize("part", ["1", "[]", "{}", "null", *STRINGS])
def test_an_answer_of_a_hundred_thousand_values_is_read(part: str) -> None:
    """As many as a payload has at most are read, and one more is a fault before anything is built of it (P9)."""
    fits, large = (f'{{"l":[{",".join([part] * count)}]}}'.encode() for count in (MOST, MOST + 1))

    fields, faults = compile_answer(action({"l": []}))(answer(fits))

    assert fields == {"l": [json.loads(part)] * MOST}
    assert faults == ()
    assert compile_answer(action({"l": []}))(answer(large)) == (
        None,
        ("$: the answer has more than 100,000 values; ask for fewer at once",),
    )


@pytest.mark.parametrize("body", [b'{"l":"' + b'\\"' * 500_000, b'{"l":' + b'"\\' * 400_000, b'"' * 1_000_001])
def test_strings_without_an_end_are_seen_at_once(body: bytes) -> None:
    """The search for strings is linear: were it not, this test would not end."""
    fields, faults = compile_answer(action({"l": []}))(answer(body + b"," * 48_000 + b"[" * 60_000))

    assert fields is None
    assert len(faults) == 1


@pytest.mark.rule("R181", "R182", "R183", "R189")
@pytest.mark.parametrize(
    ("status", "fields"),
    [
        (200, {"id": "x"}),
        (201, {"id": "x"}),
        (299, {"id": "x"}),
        (304, {"code": 7}),
        (400, {"code": 7}),
        (503, {"code": 7}),
    ],
)
def test_a_failed_call_is_read_by_its_own_fields(status: int, fields: Any) -> None:
    """A 2xx has the success fields, anything else the failure fields."""
    found, _ = compile_answer(action({"id": "a"}, {"code": 1}))(answer({"id": "x", "code": 7}, status))

    assert found == fields


def test_what_is_not_declared_is_not_read() -> None:
    """Without a declaration for the case, the body is not even looked at."""
    assert compile_answer(action({"id": "a"}))(answer(b"no JSON", 500)) == (None, ())
    assert compile_answer(action(None, {"id": "a"}))(answer(b"no JSON", 200)) == (None, ())


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (answer(b""), "the body is empty"),
        (answer(b"{"), "not JSON at line 1, column 2"),
        (answer(b"<html>"), "not JSON"),
        (answer(b'{"id": "a", "id": "b"}'), "'id' stands twice"),
        (answer(b'{"id": NaN}'), "NaN is not JSON"),
        (answer(b'{"id": "\xff"}'), "not UTF-8"),
        (answer(b"[" * 100_000), "nested too deeply"),
        (answer(b'{"id": ' + b"9" * 5_000 + b"}"), "too many digits"),
        (answer([{"id": "a"}]), "$: an object was declared, list came"),
        (answer("text"), "$: an object was declared, str came"),
        (answer(b'{"id":"a"}', fault="the body is cut or malformed"), "$: the body is cut or malformed"),
    ],
)
def test_a_body_that_cannot_be_read_is_a_fault_not_a_crash(response: wh.Response, reason: str) -> None:
    """The status stands; the fields are None and the reason is told without the body."""
    fields, faults = compile_answer(action({"id": "a"}))(response)

    assert fields is None
    assert len(faults) == 1
    assert reason in faults[0]


@pytest.mark.rule("R109", "R110", "R111", "R112")
@pytest.mark.parametrize(
    ("selector", "body", "token"),
    [
        ("response", b"abc", "abc"),
        ("response", b" abc\r\n", "abc"),
        ("json://access_token", {"access_token": "t", "expires_in": 3600}, "t"),
        ("json://id_token", {"id_token": "i", "access_token": "t"}, "i"),
        ("json://data/token", {"data": {"token": "t"}}, "t"),
        ("json://data.token", {"data": {"token": "t"}}, "t"),
        ("json://tokens/1/value", {"tokens": [{}, {"value": "t"}]}, "t"),
        ("json://0", ["t"], "t"),
        ("json://t", {"t": "x" * 8192}, "x" * 8192),
    ],
)
def test_a_token_is_read_where_the_selector_says(selector: str, body: Any, token: str) -> None:
    """The whole body, a property, a path or an item of a list."""
    assert read_token(selector, answer(body)) == token


@pytest.mark.rule("R111")
@pytest.mark.parametrize(
    ("selector", "body"),
    [
        ("response", b""),
        ("response", b"two words"),
        ("response", b"a\r\nX-Evil: 1"),
        ("response", "é".encode()),
        ("response", b"x" * 8193),
        ("json://t", b"no JSON"),
        ("json://t", {}),
        ("json://t", {"t": None}),
        ("json://t", {"t": 7}),
        ("json://t", {"t": ""}),
        ("json://t", {"t": "a b"}),
        ("json://t", {"t": "a\n"}),
        ("json://t", ["t"]),
        ("json://t/u", {"t": "text"}),
        ("json://1", ["t"]),
        ("json://-1", ["t"]),
        ("json://99999999999999999999", ["t"]),
        ("json://²", ["t"]),
    ],
)
def test_what_is_no_usable_token_is_none(selector: str, body: Any) -> None:
    """A token is 1 to 8,192 visible ASCII characters; anything else could break or split a header."""
    assert read_token(selector, answer(body)) is None


def test_a_cut_body_holds_no_token() -> None:
    """Half a token is no token."""
    assert read_token("response", answer(b"abc", fault="the body is cut or malformed")) is None
