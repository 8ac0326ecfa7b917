"""The request of an authentication call."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

import wayhook as wh
from wayhook.rendering.token import token_request
from wayhook.secret import Revealed

FORM = ("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
JSON = ("Content-Type", "application/json; charset=UTF-8")
SECRET = wh.secret("env:S")


def asked(texts: dict[Any, str] | None = None, **parts: Any) -> wh.Request:
    """The request of a custom authorization with these parts."""
    call = wh.CustomAuthorization("https://id.example/token", **parts).token_call()
    assert call is not None
    return token_request(call, Revealed(texts or {}), datetime(2030, 1, 1, tzinfo=UTC), "id")


@pytest.mark.rule("R102", "R104")
def test_a_get_has_no_body_and_no_content_type() -> None:
    """What a GET needs stands in its URL and its headers."""
    request = asked(method="GET", headers={"X-A": "1"})

    assert (request.method, request.url) == ("GET", "https://id.example/token")
    assert (request.headers, request.body) == ((("X-A", "1"),), None)


@pytest.mark.rule("R103", "R105", "R106", "R107")
@pytest.mark.parametrize(
    ("body_type", "params", "header", "body"),
    [
        ("form", {}, FORM, b""),
        ("form", {"a b": "a b&c=é", "n": 7, "d": 1.5, "b": True}, FORM, b"a+b=a+b%26c%3D%C3%A9&n=7&d=1.5&b=true"),
        ("form", {"secret": SECRET, "lit": wh.literal_secret("l&t")}, FORM, b"secret=s%263&lit=l%26t"),
        ("json", {}, JSON, b"{}"),
        (
            "json",
            {"a": "é", "o": {"l": [1, None, True]}, "s": SECRET},
            JSON,
            '{"a":"é","o":{"l":[1,null,true]},"s":"s&3"}'.encode(),
        ),
    ],
)
def test_a_post_has_a_form_or_json_in_utf8(
    body_type: str, params: dict[str, Any], header: tuple[str, str], body: bytes
) -> None:
    """Values are encoded for their place, secrets as well, in the order of the definition."""
    lit = wh.literal_secret("l&t")
    request = asked({SECRET: "s&3", lit: "l&t"}, body_type=body_type, body_params=params)

    assert request.headers == (header,)
    assert request.body == body


@pytest.mark.rule("R108")
def test_a_content_type_of_ones_own_is_kept() -> None:
    """A header that is configured, in any letter case, is not doubled."""
    request = asked(body_type="json", headers={"content-TYPE": "application/vnd.x+json"})

    assert request.headers == (("content-TYPE", "application/vnd.x+json"),)


@pytest.mark.rule("R72", "R134")
@pytest.mark.parametrize("text", ["s3c\r\nX-Evil: 1", "s3c\x00", "s3cé"])
def test_a_secret_that_cannot_stand_in_a_header_is_refused_without_being_shown(text: str) -> None:
    """The fault names the header and nothing of the secret."""
    with pytest.raises(wh.WrongType) as caught:
        asked({SECRET: text}, method="GET", headers={"X-Key": SECRET})

    assert [violation.path for violation in caught.value.violations] == ["$.authentication.headers.X-Key"]
    assert "s3c" not in str(caught.value)


@pytest.mark.parametrize("url", ["https://h.example?key=s3c", "https://h.example/s3c", "https://h.example/a/s3c?b=1"])
def test_a_request_shows_its_origin_only(url: str) -> None:
    """A request holds secrets in the clear, at the end of its path as well, so its `repr` is short."""
    request = wh.Request("POST", url, (("X-Key", "s3c"),), b"s3c", ("s3c", "s3c"))

    assert f"{request!r} {request}" == "<Request POST https://h.example> <Request POST https://h.example>"
