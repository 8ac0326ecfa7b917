"""Property: no value moves the call, and every value arrives in its own place, exactly, or is refused."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import wayhook as wh

STATICS = [
    "https://h.example",
    "https://h.example/",
    "https://h.example/static",
    "https://h.example/static/",
    "http://127.0.0.1:8080/a/b",
    "https://h.example/s?x=1&y=%20",
    "https://h.example?x=1",
    "https://[::1]:8443/v%201/é",
]
pieces = st.sampled_from(
    ["/", "//", "..", ".", "%2e", "%252e", "%2f", "%5c", "\\", "@", ":", "?", "#", ";", "%", "%00", "\r\n", "\t", " ",
     "evil.example", "https:", "é", "\ud800", "\u2028", "+", "&", "=", "[", "]", "a"]
)  # fmt: skip
hostile = st.lists(pieces, max_size=6).map("".join) | st.text(max_size=20)
anything = st.one_of(
    hostile,
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.dates(),
    st.datetimes(timezones=st.none() | st.timezones()),
    st.binary(max_size=3),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(hostile, hostile, max_size=2),
)


def action(static: str, **parts: Any) -> wh.Action:
    """An action on a static URL, with variables in every place."""
    return wh.Action(
        name="Act",
        url_configuration=wh.UrlConfiguration(
            static, headers={"X-H": wh.variable()}, query_parameters={"q": wh.variable(), "z": "last"}
        ),
        message_parameters=wh.message_parameters({"p": "x"}, variables={"p": ""}),
        **parts,
    )


ACTIONS = {static: action(static) for static in STATICS}


def rendered(static: str, path: str = "", header: Any = "", query: Any = "", parameter: Any = "") -> wh.Call | None:
    """The call, or None when the values are refused."""
    try:
        return wh.preview(ACTIONS[static], {"X-H": header, "q": query, "p": parameter}, path=path)
    except wh.RenderError:
        return None


@pytest.mark.rule("R58")
@given(st.sampled_from(STATICS), hostile, anything, anything, anything)
@example("https://h.example", "@evil.example", "", "", "")
@example("https://h.example", "//evil.example", "", "", "")
@example("https://h.example/static/", "..%2f..%2f", "", "", "")
def test_a_call_never_leaves_its_origin_and_its_static_path(
    static: str, path: str, header: Any, query: Any, parameter: Any
) -> None:
    """Whatever the values: the same scheme, host, port and beginning of the path, or an error."""
    call = rendered(static, path, header, query, parameter)

    if call is None:
        return
    before, after = urlsplit(static), urlsplit(call.url)
    prefix = urlsplit(wh.preview(ACTIONS[static], {"X-H": "", "q": "", "p": ""}).url).path.removesuffix("/")
    assert (after.scheme, after.netloc) == (before.scheme, before.netloc)
    assert after.path == prefix or after.path.startswith(prefix + "/")
    assert (after.fragment, after.username, call.url.isascii()) == ("", None, True)
    below = [unquote(unquote(unquote(segment))) for segment in after.path[len(prefix) :].split("/")]
    assert not {".", ".."} & {segment.partition(";")[0] for segment in below}
    assert "" not in below[1:-1]


@given(st.sampled_from(STATICS), hostile)
def test_a_path_arrives_decoded_exactly(static: str, path: str) -> None:
    """What the receiver decodes below the static path is what was given; nothing is encoded twice or not at all."""
    call = rendered(static, path)

    if call is None:
        return
    prefix = urlsplit(wh.preview(ACTIONS[static], {"X-H": "", "q": "", "p": ""}).url).path
    found = urlsplit(call.url).path
    assert (
        found == prefix if not path else unquote(found[len(prefix.removesuffix("/")) :]) == "/" + path.removeprefix("/")
    )


@pytest.mark.rule("R86")
@given(hostile)
def test_a_query_value_is_refused_or_one_parameter_that_decodes_to_it(value: str) -> None:
    """No sign splits the value, and what was configured after it is still there."""
    call = rendered("https://h.example/s?x=1&y=%20", query=value)

    if call is None:
        with pytest.raises(UnicodeEncodeError):
            value.encode()
        return
    pairs = parse_qsl(urlsplit(call.url).query, keep_blank_values=True, strict_parsing=True)
    assert pairs == [("x", "1"), ("y", " "), ("q", value), ("z", "last")]


@pytest.mark.rule("R74")
@given(hostile | st.text(st.characters(max_codepoint=255), max_size=20))
def test_a_header_value_is_refused_or_exactly_one_header(value: str) -> None:
    """No sign ends the header or begins another; white space around the value is not part of it."""
    call = rendered("https://h.example", header=value)

    allowed = all(sign == "\t" or " " <= sign <= "~" for sign in value)
    assert (call is not None) == allowed
    if call is not None:
        assert call.headers[2:] == (("X-H", value.strip(" \t")),)


@given(anything)
def test_the_same_values_give_the_same_call(value: Any) -> None:
    """Rendering is deterministic, also in what it refuses."""
    first = rendered("https://h.example/static", "p", value, value, value)

    assert rendered("https://h.example/static", "p", value, value, value) == first
