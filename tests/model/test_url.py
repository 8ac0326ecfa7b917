"""URL configurations: their shape, the one parser of URLs, and what it gives to rendering."""

from __future__ import annotations

import attrs
import pytest

import wayhook as wh
from wayhook.model.url import MAX_LENGTH, StaticUrl, UrlFault, parse_url


def test_pairs_are_given_as_a_mapping_or_a_sequence() -> None:
    """Headers and query parameters are the same, whichever way they are given, in the given order."""
    mapped = wh.UrlConfiguration(
        "https://h.example", headers={"X-B": "1", "X-A": wh.variable("A")}, query_parameters={"q": wh.secret("env:Q")}
    )
    listed = wh.UrlConfiguration(
        "https://h.example",
        headers=[wh.Header("X-B", "1"), wh.Header("X-A", wh.variable("A"))],
        query_parameters=[wh.QueryParameter("q", wh.secret("env:Q"))],
    )

    assert mapped == listed
    assert [header.name for header in mapped.headers] == ["Content-Type", "Charset", "X-B", "X-A"]


@pytest.mark.parametrize(
    ("parts", "place"),
    [
        ({"url": None}, "$.url"),
        ({"url": b"https://h.example"}, "$.url"),
        ({"method": None}, "$.method"),
        ({"headers": {"X-A": 1}}, "$.headers[2].value"),
        ({"headers": {"X-A": None}}, "$.headers[2].value"),
        ({"headers": {7: "1"}}, "$.headers[2].name"),
        ({"headers": None}, "$.headers"),
        ({"headers": "X-A"}, "$.headers"),
        ({"headers": [("X-A", "1")]}, "$.headers[2]"),
        ({"query_parameters": {"a": wh.message_parameters}}, "$.query_parameters[0].value"),
        ({"query_parameters": [wh.Header("a", "1")]}, "$.query_parameters[0]"),
        ({"query_parameters": 7}, "$.query_parameters"),
    ],
)
def test_a_part_of_a_wrong_type_is_refused(parts, place) -> None:
    """A part that is not what belongs there is refused on construction, with its place."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.UrlConfiguration(**{"url": "https://h.example", **parts})

    assert caught.value.violations[0].path.startswith(place)


def test_all_wrong_parts_are_named_at_once() -> None:
    """Construction collects the faults of every part."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.UrlConfiguration(7, method=8, headers={"X-A": 9}, query_parameters={10: "a"})

    assert [violation.path for violation in caught.value.violations] == [
        "$.url",
        "$.method",
        "$.headers[2].value",
        "$.query_parameters[0].name",
    ]


def test_a_draft_is_made_of_any_text() -> None:
    """Which URLs, methods and names are allowed is not asked on construction."""
    draft = wh.UrlConfiguration("to be done", method="?", headers={"a b": "\n"})

    assert {violation.rule for violation in wh.violations(draft)} == {"R57", "R62", "R71", "R72"}
    assert repr(draft) == "<UrlConfiguration ? to be done>"


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "TE", "Connection"])
def test_a_header_of_the_connection_is_refused(name) -> None:
    """What belongs to the connection is left to the one who makes it, on save and by rendering."""
    configuration = wh.UrlConfiguration("https://h.example", headers={name: "1"})

    [violation] = wh.violations(configuration)

    assert violation.path == "$.headers[2].name"
    with pytest.raises(wh.DefinitionError, match="belongs to the connection"):
        wh.preview(wh.Action(name="A", url_configuration=configuration))


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://h.example", StaticUrl("https", "h.example", 443, "", "")),
        ("HTTP://H.Example:80/A?b=C", StaticUrl("http", "h.example", 80, "/A", "b=C")),
        ("https://h.example:8443?", StaticUrl("https", "h.example", 8443, "", "")),
        ("https://h.example/é/%C3%A9?q=é/?", StaticUrl("https", "h.example", 443, "/%C3%A9/%C3%A9", "q=%C3%A9/?")),
        ("http://[::1]:8080/", StaticUrl("http", "[::1]", 8080, "/", "")),
        ("https://xn--bcher-kva.example/", StaticUrl("https", "xn--bcher-kva.example", 443, "/", "")),
        ("https://h_1.example/a;b=1", StaticUrl("https", "h_1.example", 443, "/a;b=1", "")),
    ],
)
def test_a_url_is_read_into_its_parts(text, url) -> None:
    """Host in lower case, port by number, path and query encoded and never encoded twice."""
    assert parse_url(text) == url


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://h.example:443/", "https://h.example"),
        ("http://h.example:80/", "http://h.example"),
        ("http://h.example:443/", "http://h.example:443"),
        ("http://[::1]:8080/x", "http://[::1]:8080"),
    ],
)
def test_an_origin_has_the_port_where_it_says_something(text, origin) -> None:
    """The scheme's own port is not repeated."""
    assert parse_url(text).origin == origin


@pytest.mark.parametrize(
    "text",
    [
        "https://h.example:",
        "https://h.example:0/",
        "https://h.example:65536/",
        "https://h.example:0000123456/",
        "https://h.example:99999999999999999999/",
    ],
)
def test_a_port_is_a_number_up_to_65535(text) -> None:
    """An empty, zero or too large port is refused, however many digits it has."""
    with pytest.raises(UrlFault, match="port"):
        parse_url(text)


@pytest.mark.parametrize(
    "host",
    [
        "h..example",
        ".h.example",
        "h.example.",
        "-h.example",
        "h-.example",
        "h!.example",
        "h%2eexample",
        "bücher.example",
        "a" * 64 + ".example",
        ".".join(["a" * 60] * 5),
        "[::1",
        "::1",
        "h.example:80:80",
        "[h.example]",
        "",
    ],
)
def test_what_is_no_host_name_is_refused(host) -> None:
    """Labels are 1 to 63 letters, digits, `-` and `_`, and 253 characters in all."""
    with pytest.raises(UrlFault) as caught:
        parse_url(f"https://{host}/")

    assert {rule for _, rule in caught.value.reasons} == {"R37"}


def test_a_url_has_a_greatest_length() -> None:
    """The longest URL is accepted, one character more is not."""
    longest = "https://h.example/".ljust(MAX_LENGTH, "a")

    assert wh.violations(wh.UrlConfiguration(longest)) == ()
    assert [v.rule for v in wh.violations(wh.UrlConfiguration(longest + "a"))] == ["R37"]


def test_a_url_that_has_no_utf_8_form_is_refused() -> None:
    """Half a surrogate pair is a fault of the URL, not a traceback."""
    found = wh.violations(wh.UrlConfiguration("https://h.example/\ud800"))

    assert [violation.path for violation in found] == ["$.url"]


def test_what_is_checked_is_what_is_called() -> None:
    """A preview calls the host that the check saw, in the same spelling."""
    configuration = wh.UrlConfiguration("HTTPS://API.Shop.Example:443/A b".replace(" ", "%20"))

    assert wh.violations(configuration) == ()
    assert wh.preview(wh.Action(name="A", url_configuration=configuration)).url == "https://api.shop.example/A%20b"


def test_a_configuration_is_a_value() -> None:
    """Equal parts make equal configurations; none can be changed in place."""
    configuration = wh.UrlConfiguration("https://h.example", headers={"X-A": "1"})

    assert attrs.evolve(configuration) == configuration
    with pytest.raises(AttributeError):
        configuration.url = "https://evil.example"
