"""The data sheet: an action on one page of Markdown, whatever its texts say."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

import wayhook as wh

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
KEY = wh.secret("env:KEY")
HERE = "https://h.example/v1"


def action(url: str = HERE, **parts: Any) -> wh.Action:
    """An action with the given parts of its URL configuration and of its own."""
    names = ("method", "headers", "query_parameters")
    configuration = wh.UrlConfiguration(url, **{name: parts.pop(name) for name in names if name in parts})
    return wh.Action(**{"name": "Act", "url_configuration": configuration, **parts})


def tables(sheet: str) -> dict[str, list[list[str]]]:
    """The rows below each heading, as a reader of Markdown sees them."""
    found: dict[str, list[list[str]]] = {}
    heading, opened = "", ""
    for token in MARKDOWN.parse(sheet):
        match token.type:
            case "heading_open" | "td_open" | "th_open":
                opened = token.type
            case "tr_open":
                found[heading].append([])
            case "inline" if opened == "heading_open":
                heading = _text(token)
                found[heading] = []
            case "inline":
                found[heading][-1].append(_text(token))
    return {title: rows[1:] for title, rows in found.items()}


def _text(token: Any) -> str:
    assert all(child.type in ("text", "text_special") for child in token.children), token.children
    return "".join(child.content for child in token.children)


def test_the_sheet_of_the_readme(send_sms: wh.Action) -> None:
    """Purpose, call, headers, variables, constants and answer, each in its table."""
    found = tables(wh.data_sheet(attrs.evolve(send_sms, description="One text message", channel="SMS")))

    assert found == {
        "SendSms": [
            ["Purpose", "One text message"],
            ["Call", "POST https://sms.example.com/v1/"],
            ["Authentication", "API key: ‹env:SMS_KEY› in the header X-Api-Key"],
            ["Payload", "JSON"],
            ["Channel", "SMS"],
        ],
        "Headers": [
            ["Content-Type", "application/json"],
            ["Charset", "UTF-8"],
            ["X-Campaign", "(filled in: Campaign id)"],
        ],
        "Query parameters": [["tenant", "acme"]],
        "To be filled in": [
            ["path", "Path", "path", "text", "", ""],
            ["X-Campaign", "Campaign id", "header", "text", "required", "text"],
            ["to", "Recipient", "payload", "text", "required", "+33600000000"],
            ["text", "Message", "payload", "text", "required", "Hello"],
        ],
        "Constants of the payload": [["priority", "whole number", "1"]],
        "Read of the answer": [["id", "text", "abc"], ["queued", "true or false", "true"]],
        "Delivery": [
            ["Time", "5 seconds with all repeats, or what a journey or a call says (1 to 30)"],
            ["Repeats", "at most 3: after what may pass, where the call certainly was not done"],
        ],
    }


def test_objects_and_lists() -> None:
    """Constants at any depth by their paths, the fields of a list of objects, and an answer as a tree."""
    sample = {"o": {"n": 1.5, "e": {}}, "l": [1, None], "no": [], "rows": [{"id": 7}]}
    fields = wh.message_parameters(sample, variables={"rows": wh.variable("Rows", optional=True)})
    made = action(
        message_parameters=[*fields, wh.MessageParameter("d", "decimal", Decimal("0.10000000000000000001"))],
        failure_response=wh.payload({"error": {"code": 7}, "list": [[1]]}),
        allow_null_values=True,
    )

    found = tables(wh.data_sheet(made))

    assert found["Constants of the payload"] == [
        ["o.n", "number", "1.5"],
        ["o.e", "object", "{}"],
        ["l.0", "whole number", "1"],
        ["l.1", "text", "null"],
        ["no", "list", "[]"],
        ["d", "number", "0.10000000000000000001"],
    ]
    assert found["To be filled in"][1:] == [
        ["rows", "Rows", "payload", "list of objects", "", '[{"id": 7}]'],
        ["rows[].id", "id", "payload", "whole number", "required", "7"],
    ]
    assert found["Read of a failure"][:3] == [
        ["error", "object", ""],
        ["error.code", "whole number", "7"],
        ["list", "list", ""],
    ]
    assert ["Payload", "JSON, with nulls"] in found["Act"]


@pytest.mark.parametrize(
    ("authentication", "told"),
    [
        (wh.NoAuthentication(), "none"),
        (wh.BasicAuthentication("joe", KEY), "Basic: Basic joe:‹env:KEY› in the header Authorization"),
        (wh.ApiKeyAuthentication("hook", wh.literal_secret("s3c"), location="path"), "API key: ‹***› in the path hook"),
        (
            wh.OAuthClientCredentials("https://t.example/t?k=s3c", "id", KEY),
            "OAuth client credentials: Bearer ‹token› in the header Authorization, from POST https://t.example/t",
        ),
        (wh.connection("Shared"), "connection: Shared"),
        (wh.MutualTlsAuthentication("s3c", KEY), "client certificate"),
        (
            wh.MutualTlsAuthentication("s3c", KEY, authentication=wh.BearerAuthentication(KEY)),
            "client certificate, and bearer token: Bearer ‹env:KEY› in the header Authorization",
        ),
    ],
)
def test_an_authentication_is_told_without_its_secrets(authentication: wh.Authentication, told: str) -> None:
    """Its kind, the places, and the references."""
    sheet = wh.data_sheet(action(authentication=authentication))

    assert ["Authentication", told] in tables(sheet)["Act"]
    assert "s3c" not in sheet


def test_a_secret_in_a_header_is_named_by_its_reference() -> None:
    """It is never shown."""
    found = tables(wh.data_sheet(action(headers={"X-S": wh.SecretText("a ", KEY)}, query_parameters={"q": KEY})))

    assert found["Headers"][-1] == ["X-S", "a ‹env:KEY›"]
    assert found["Query parameters"] == [["q", "‹env:KEY›"]]


@pytest.mark.parametrize(
    ("rails", "parts", "repeats"),
    [
        (wh.Guardrails.standard(), {"method": "GET"}, "also where the call may have been done"),
        (wh.Guardrails.standard(), {"idempotency_header": "X-Id"}, "also where the call may have been done"),
        (wh.Guardrails.standard(), {"method": "PATCH"}, "where the call certainly was not done"),
        (wh.Guardrails.journey_optimizer(), {}, "after every failure but 401, 403 and 404"),
        (wh.Guardrails.journey_orchestration(), {}, "after every failure"),
    ],
)
def test_repeats_are_those_of_the_edition(rails: wh.Guardrails, parts: dict[str, str], repeats: str) -> None:
    """What is repeated depends on the edition, the method and the identifier."""
    found = dict(
        row for row in tables(wh.data_sheet(action(**parts), guardrails=rails))["Delivery"] if row[0] != "Limit"
    )

    assert found["Repeats"].startswith("at most 3: ")
    assert repeats in found["Repeats"]
    assert ("Identifier" in found) == ("idempotency_header" in parts)


CAP = wh.CappingRule("https://h.example/v1*", wh.Rating(1000, 60_000))
THROTTLE = wh.ThrottlingRule("https://h.example/v1/messages", ("POST",), 200)


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        (CAP, ["1,000 calls in 60,000 ms to https://h.example/v1*; those above are discarded"]),
        ([CAP, THROTTLE], [
            "1,000 calls in 60,000 ms to https://h.example/v1*; those above are discarded",
            "200 calls in a second to https://h.example/v1/messages; those above wait",
        ]),
        (wh.CappingConfiguration("c", CAP), []),
        (wh.CappingConfiguration("c", CAP).deployed(), [
            "1,000 calls in 60,000 ms to https://h.example/v1*; those above are discarded"
        ]),
        (attrs.evolve(CAP, url="https://i.example/*"), []),
        (attrs.evolve(CAP, methods=("GET",)), []),
        (attrs.evolve(THROTTLE, methods=("PUT",)), []),
        (wh.CappingRule("https://h.example/v1", data_source=wh.Rating(5)), []),
    ],
)  # fmt: skip
def test_limits_that_can_concern_it_are_told(limits: Any, told: list[str]) -> None:
    """Rules for its host, path and method, and what is deployed of a configuration."""
    found = tables(wh.data_sheet(action(), limits=limits))["Delivery"]

    assert [row[1] for row in found if row[0] == "Limit"] == told


def test_the_cap_of_an_edition_is_told() -> None:
    """It holds where no other does."""
    found = tables(wh.data_sheet(action(), guardrails=wh.Guardrails.journey_optimizer()))["Delivery"]

    assert ["Limit", "300,000 calls in 60,000 ms to one host, where no other limit covers them"] in found


def test_a_long_value_is_shown_by_its_beginning() -> None:
    """With how long it is."""
    sheet = wh.data_sheet(action(message_parameters=wh.message_parameters({"a": "x" * 5000})))

    [row] = tables(sheet)["Constants of the payload"]
    assert row[2] == "x" * 200 + "… (5,000 characters)"


MARKED = [
    "<script>alert(1)</script>", "[x](javascript:alert(1))", "![x](y)", "&lt;b&gt;", "a | b", "\\|", "a\n\n# b",
    "<!-- x", "~~a~~", "**a**", "__a__", "`a`", "<https://x.example>",
]  # fmt: skip
hostile = st.text(st.sampled_from("\\`*_{}[]<>#|~$&!()-+=.:/ab1 \n\t"), max_size=12) | st.sampled_from(MARKED)


@given(hostile, hostile, hostile)
@example("~~a~~", "~~b~~", "~~c~~")
def test_no_text_says_anything_to_markdown(name: str, label: str, value: str) -> None:
    """Every text is read as it was written, white space apart: no mark-up, no cell, no line comes of it."""
    fields = wh.message_parameters({"c": value, "v": value}, variables={"v": label})
    made = action(name=name, description=value, message_parameters=fields)

    found = list(tables(wh.data_sheet(made)).items())

    plain, told = " ".join(value.split()), " ".join(label.split())
    assert found[0][0] == " ".join(name.split())
    assert [row[1] for row in found[0][1] if row[0] == "Purpose"] == ([plain] if value else [])
    sections = dict(found[1:])
    assert sections["Constants of the payload"] == [["c", "text", plain]]
    assert sections["To be filled in"][1] == ["v", told or ("" if label else "v"), "payload", "text", "required", plain]


def test_every_line_is_a_heading_or_a_row(send_sms: wh.Action) -> None:
    """A page that is put together from such sheets stays a page."""
    lines = wh.data_sheet(send_sms).splitlines()

    assert all(re.match(r"(#{1,2} |\| .* \|$|$)", line) for line in lines)


@pytest.mark.parametrize(
    ("parts", "path"),
    [({"limits": 7}, "$.limits"), ({"limits": [CAP, "x"]}, "$.limits"), ({"guardrails": "standard"}, "$.guardrails")],
)
def test_what_is_no_limit_and_no_edition_is_refused(parts: dict[str, Any], path: str) -> None:
    """The fault names the place."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.data_sheet(action(), **parts)

    assert [violation.path for violation in caught.value.violations] == [path]
