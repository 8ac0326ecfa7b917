"""From a HAR to actions: entries and logs, bodies and answers, and what is left out."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

import wayhook as wh

DOCUMENTS = Path(__file__).parent / "documents"
URL = "https://api.shop.example/v1/orders"
FORM = "application/x-www-form-urlencoded"


def entry(**parts: Any) -> dict[str, Any]:
    """An entry whose request has some parts given."""
    response = parts.pop("response", {"status": 200, "content": {}})
    return {"request": {"method": "POST", "url": URL, "headers": [], **parts}, "response": response}


def told(found: wh.Imported) -> set[str]:
    """What was left out."""
    return {each.what for each in found.left_out}


def test_a_real_log() -> None:
    """Each entry is an action; a query beside the URL, forms in fields, and one reference for the same token."""
    found = wh.from_har((DOCUMENTS / "full.har").read_text())

    assert [action.name for action in found.actions] == [
        "PostPost", "GetGet", "GetGet_2", "GetGet_3", "GetGet_4", "PostPost_2", "PostPost_3", "PostLogin",
    ]  # fmt: skip
    assert wh.preview(found.actions[5]).url == "https://httpbin.org/post?search=kitten&search=puppy&search=quokka"
    assert wh.preview(found.actions[6]).body == (
        b"text=Check+out+these+cute+pictures&link=http%3A%2F%2Fexample.com%2Fimage%2F%24%7Bfirst%7D"
        b"&link=http%3A%2F%2Fexample.com%2Fimage%2F%24%7Bsecond%7D"
    )
    assert [(each.place, each.reference) for each in found.secrets] == [
        ("Authorization", wh.secret("env:GETGET_3_AUTHORIZATION"))
    ]
    assert [(each.path, each.what) for each in found.left_out] == [("$.log.entries[7].request.postData", "the body")]


def test_real_authentications() -> None:
    """Bearer, Basic and a key become authentications, cookies are told, answers are read."""
    found = wh.from_har((DOCUMENTS / "auth-variants.har").read_text(), secrets={"X-Api-Key": "vault:x"})

    assert [action.authentication for action in found.actions] == [
        wh.BearerAuthentication(wh.secret("env:GETBEARER_AUTHORIZATION")),
        wh.BasicAuthentication("test", wh.secret("env:GETBASIC_AUTHORIZATION")),
        wh.ApiKeyAuthentication("X-Api-Key", wh.secret("vault:x")),
        wh.NoAuthentication(),
    ]
    assert {action.response for action in found.actions} == {wh.payload({"ok": True})}
    assert told(found) == {"the cookies"}
    everything = f"{found}{found!r}{[wh.dumps(action) for action in found.actions]}"
    assert not any(text in everything for text in ("token-123", "test1", "secret-key", "abc123", "def456"))


@pytest.mark.parametrize("shape", ["entry", "log", "archive"])
def test_an_entry_a_log_and_an_archive(shape: str) -> None:
    """All three are read, as text and parsed."""
    log = {"version": "1.2", "entries": [entry()]}
    given = {"entry": entry(), "log": log, "archive": {"log": log}}[shape]

    assert wh.from_har(given).action == wh.from_har("\ufeff" + json.dumps(given)).action
    assert wh.from_har(given, name="Own").action.name == "Own"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"log": {"version": "1.3", "entries": []}}, r"\$\.log\.version: a HAR of version 1\.2 is read"),
        ({"log": {"version": 1.2, "entries": []}}, r"\$\.log\.version"),
        ({"log": {}}, r"\$\.log\.entries: a HAR is a log with its entries"),
        ({}, r"\$\.entries"),
        ({"log": {"entries": [7, None]}}, r"\$\.log\.entries\[0\]: an entry belongs here, not a number"),
        ({"request": 7}, r"\$\.request: an object belongs here"),
        ({"request": {"method": "P T", "url": URL}}, r"\$\.request\.method: the name of a method"),
        ({"request": {"url": "data:text/plain,x"}}, r"\$\.request\.url: an absolute URL"),
        ({"request": {"url": URL, "headers": {}, "postData": []}}, r"\$\.request\.headers: an array"),
        ('{"log": {"entries": [', "not JSON"),
        (7, "a HAR is an object, or its text, not a number"),
    ],
)
def test_a_har_that_is_none(given: Any, message: str) -> None:
    """Another version, a text that is cut and wrong types are refused with their places."""
    with pytest.raises(wh.DocumentError, match=message):
        wh.from_har(given)


def test_one_request_of_many() -> None:
    """A request is named by method and path."""
    given = {"entries": [entry(), entry(method="GET"), entry(method="GET", url=f"{URL}?page=2")]}

    action = wh.from_har(given, "GET /v1/orders").action
    assert wh.preview(action).url == URL
    with pytest.raises(wh.DefinitionError, match="no request 'PUT /v1/orders'; did you mean 'POST /v1/orders'"):
        wh.from_har(given, "PUT /v1/orders")
    with pytest.raises(wh.DefinitionError, match="method and path belong here"):
        wh.from_har(given, 7)  # type: ignore[arg-type]  # as somebody may give it


def test_headers_of_the_connection_are_told_once() -> None:
    """What HTTP/2 and the connection need is made anew; one sentence says so."""
    names = [":method", ":authority", "host", "Accept-Encoding", "content-length", "Connection"]
    headers = [*({"name": name, "value": "x"} for name in names), {"name": "X-A", "value": "1"}]

    found = wh.from_har(entry(headers=headers))

    assert dict(wh.preview(found.action).headers)["X-A"] == "1"
    assert [each.what for each in found.left_out] == [", ".join(names)]


@pytest.mark.parametrize(
    ("posted", "sent", "lost"),
    [
        ({"mimeType": "application/json", "text": '{"a": [1, {"b": null}]}'}, b'{"a":[1,{"b":null}]}', set()),
        ({"mimeType": "application/json;charset=UTF-8", "text": '{"a": 1}'}, b'{"a":1}', set()),
        ({"mimeType": "text/plain", "text": "hi"}, b"hi", set()),
        ({"mimeType": FORM, "params": [{"name": "a", "value": "x y"}]}, b"a=x+y", set()),
        ({"mimeType": "", "params": [{"name": "a", "value": "1"}]}, b"a=1", set()),
        ({"mimeType": "application/json", "params": [{"name": "a", "value": "1"}]}, None, {"the body"}),
        ({"mimeType": "multipart/form-data; boundary=x", "text": "--x"}, None, {"the body"}),
        ({"mimeType": FORM, "params": [{"name": "a.b", "value": "1"}]}, None, {"a field"}),
        ({}, None, set()),
    ],
)  # fmt: skip
def test_bodies(posted: dict[str, Any], sent: bytes | None, lost: set[str]) -> None:
    """As text, as the fields of a form, or told."""
    found = wh.from_har(entry(postData=posted, headers=[{"name": "X-A", "value": "1"}]))

    assert wh.preview(found.action).body == sent
    assert told(found) == lost


@pytest.mark.parametrize(
    ("response", "fields", "failure"),
    [
        ({"status": 201, "content": {"mimeType": "application/json", "text": '{"id": 7}'}}, ["id"], []),
        ({"status": 404, "content": {"text": '{"error": "x"}'}}, [], ["error"]),
        ({"status": 200, "content": {"encoding": "base64", "text": base64.b64encode(b'{"a": 1}').decode()}}, ["a"], []),
        ({"status": 200, "content": {"encoding": "base64", "text": "%%%"}}, [], []),
        ({"status": 200, "content": {"text": "<html>"}}, [], []),
        ({"status": 200, "content": {"text": "[1]"}}, [], []),
        ({"status": 200}, [], []),
    ],
)
def test_answers(response: dict[str, Any], fields: list[str], failure: list[str]) -> None:
    """A JSON object is the sample of the answer, by its status of the success or of the failure."""
    found = wh.from_har(entry(response=response))

    assert [each.name for each in found.action.response] == fields
    assert [each.name for each in found.action.failure_response] == failure
    has_text = "text" in response.get("content", {})
    assert told(found) == ({"the answer"} if has_text and not fields + failure else set())


def test_a_sample_is_short_and_has_no_secret() -> None:
    """Arrays are told by their first items, objects in them by all that they have; names that none may have go."""
    answer = {
        "token": "canary", "note": "sk_live_canarycanary", "long": "x" * 1000, "a.b": 1, "$c": 2,
        "items": [{"id": 1}, {"id": 2, "tag": "x"}] * 500, "mixed": [1, 2, 2.5], "grid": [[1], [2]], "none": [],
    }  # fmt: skip
    found = wh.from_har(entry(response={"status": 200, "content": {"text": json.dumps(answer)}}))

    response = {each.name: each for each in found.action.response}
    assert [each.name for each in response["items"].parameters[0].parameters] == ["id", "tag"]
    assert len(response["items"].parameters) == 1
    assert response["mixed"].data_type is wh.DataType.LIST_DECIMAL
    assert "a.b" not in response
    assert "$c" not in response
    assert "canary" not in f"{found}{wh.dumps(found.action)}"
    assert len(wh.dumps(found.action)) < 5_000


def test_web_sockets_and_foreign_entries_stand_in_nobodys_way() -> None:
    """What is no request of an action is left out beside others."""
    socket = {**entry(url="wss://h.example/ws"), "_webSocketMessages": [{"data": "canary"}]}
    found = wh.from_har({"entries": [entry(), socket, entry(url="data:image/png;base64,xx")]})

    assert len(found.actions) == 1
    assert told(found) == {"the messages of a web socket", "POST /ws", "POST ?"}
    assert "canary" not in str(found)
