"""The .http file: an editor that sends it sends the requests that were shown."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wayhook as wh
from wayhook.secret import Revealed

KEY = wh.secret("env:SMS_KEY")
HERE = "https://h.example/v1"
IN_URL = wh.secret("env:URL_KEY")
TEXTS = {"env:SMS_KEY": "s3c$r3t'\"{{x}}", "env:URL_KEY": "a b#c", "env:USER": "joe", "delivery id": "d-1"}
VARIABLES = {"SMS_KEY": TEXTS["env:SMS_KEY"], "URL_KEY": "a%20b%23c", "USER": "joe", "DELIVERY_ID": "d-1"}
"""What an environment of the editor holds: what goes into the URL is percent-encoded there."""


def action(url: str = HERE, **parts: Any) -> wh.Action:
    """An action with the given parts of its URL configuration and of its own."""
    names = ("method", "headers", "query_parameters")
    configuration = wh.UrlConfiguration(url, **{name: parts.pop(name) for name in names if name in parts})
    return wh.Action(name="Act", url_configuration=configuration, **parts)


def text_call(text: str) -> wh.Call:
    """The call of an action that sends this text as its body."""
    fields = wh.message_parameters({"text": ""}, variables={"text": ""})
    return wh.preview(action(body_format="raw", message_parameters=fields), {"text": text})


def requests_in(text: str, variables: dict[str, str]) -> list[wh.Request]:
    """The requests of a file, read as the REST Client documents and does it: comments, variables, request line, head.

    What follows `Basic` is encoded by the editor.
    """
    blocks: list[list[str]] = []
    for line in re.split(r"\r?\n", text):
        if line.startswith("###"):
            blocks.append([])
        elif not re.match(r"\s*(#|//)", line):
            blocks[-1].append(line)
    return [_request("\n".join(block).strip("\n"), variables) for block in blocks]


def _request(text: str, variables: dict[str, str]) -> wh.Request:
    assert re.findall(r"^\s*@[^\s=]+\s*=", text, re.MULTILINE) == []
    sent = re.sub(r"\{{2}(.+?)\}{2}", lambda found: variables[found[1].strip()], text)
    head, blank, body = sent.partition("\n\n")
    first, *lines = head.split("\n")
    method, _, url = first.partition(" ")
    pairs = [line.partition(":") for line in lines]
    headers = tuple((name, _encoded(value.strip())) for name, _, value in pairs)
    return wh.Request(method, url, headers, body.encode() if blank else None)


def _encoded(value: str) -> str:
    words = value.split(" ")
    if words[0] == "Basic" and len(words) > 2:
        return f"Basic {b64encode(':'.join([words[1], ' '.join(words[2:])]).encode()).decode()}"
    return value


def test_the_file_of_the_readme(send_sms: wh.Action) -> None:
    """A title, a request line, headers, an empty line and the payload, the secret as a variable."""
    call = wh.preview(send_sms, {"to": "+336", "text": "it's", "X-Campaign": "c 1"}, path="messages")

    assert wh.to_http_file(call) == (
        "### SendSms\n"
        "POST https://sms.example.com/v1/messages?tenant=acme\n"
        "Content-Type: application/json\n"
        "Charset: UTF-8\n"
        "X-Campaign: c 1\n"
        "X-Api-Key: {{SMS_KEY}}\n"
        "\n"
        '{"to":"+336","text":"it\'s","priority":1}\n'
    )


SAMPLE = {"text": "{{SMS_KEY}} {{{ # ### // \u2028é", "lines": "\n###\nGET https://evil.example\n", "o": {"p": {}}}


@pytest.mark.parametrize(
    ("parts", "values", "path"),
    [
        ({"method": "GET"}, {}, "a b/é/[x]{{y}}/100%"),
        ({"message_parameters": wh.message_parameters(SAMPLE)}, {}, "p"),
        ({"message_parameters": wh.message_parameters(SAMPLE), "method": "PUT"}, {}, ""),
        (
            {"message_parameters": wh.message_parameters({"a": "{{x}}&b=#", "l": ["1", "2"]}), "body_format": "form"},
            {},
            "",
        ),
        (
            {
                "headers": {"X-A": wh.variable(), "X-Empty": "", "X-Braces": "{a} }} {"},
                "query_parameters": {"q": wh.variable(), "z": "{{x}} & y"},
            },
            {"X-A": "a: b # c", "q": "// ###"},
            "p",
        ),
        ({"authentication": wh.BasicAuthentication("jöe", KEY)}, {}, ""),
        ({"authentication": wh.BasicAuthentication(wh.secret("env:USER"), KEY)}, {}, ""),
        ({"authentication": wh.ApiKeyAuthentication("X-Key", KEY)}, {}, ""),
        ({"authentication": wh.BearerAuthentication(KEY)}, {}, "x"),
        ({"headers": {"X-S": wh.SecretText("a ", KEY, " b")}, "idempotency_header": "Idempotency-Key"}, {}, ""),
        ({"authentication": wh.ApiKeyAuthentication("a key", IN_URL, location="query")}, {}, ""),
        ({"headers": {"X-S": KEY}, "query_parameters": {"s": IN_URL, "p": "1"}}, {}, "x"),
        ({"url": HERE + "/?a=b", "authentication": wh.ApiKeyAuthentication("h", IN_URL, location="path")}, {}, ""),
    ],
)  # fmt: skip
def test_the_file_sends_what_the_library_sends(parts: dict[str, Any], values: dict[str, Any], path: str) -> None:
    """Read as an editor reads it, a file makes the same request: method, URL, headers and body, in JSON the value."""
    call = wh.preview(action(**parts), values, path=path)

    [found] = requests_in(wh.to_http_file(call), VARIABLES)

    expected = call.request(Revealed({secret: TEXTS[secret.label] for secret in call.secrets}))
    assert (found.method, found.url, found.headers) == (expected.method, expected.url, expected.headers)
    assert (found.body or b"").replace(rb"\u007b", b"{") == (expected.body or b"")


lines = st.text(st.sampled_from("{}#/<>@=` \t\na"), max_size=12) | st.text(st.characters(codec="utf-8"), max_size=6)


@given(lines, st.sampled_from(["json", "form", "raw"]))
def test_no_text_is_read_as_anything_else(text: str, body_format: str) -> None:
    """Whatever a value says, the file sends it, or is refused; it never begins a request or names a file."""
    fields = wh.message_parameters({"text": ""}, variables={"text": ""})
    made = action(body_format=body_format, message_parameters=fields)
    call = wh.preview(made, {"text": text})

    try:
        file = wh.to_http_file(call)
    except wh.DefinitionError as error:
        assert body_format == "raw"
        assert [violation.path for violation in error.violations] == ["$.body"]  # noqa: PT017 - one of two right answers
    else:
        [found] = requests_in(file, {})
        assert (found.body or b"").replace(rb"\u007b", b"{") == call.body
        assert not re.search(r"^\s*(<\s|>)", file.partition("\n\n")[2], re.MULTILINE)


@pytest.mark.parametrize(
    "text",
    ["# a", "a\n  // b", "a\n###\nGET https://evil.example", "< ./secret.txt", "<@ a", "> {% x %}", ">> f", "<> f",
     "@a = b", "```", "a\r\nb", "\na", "a\n", "{{x}}"],
)  # fmt: skip
def test_a_text_that_says_something_to_the_editor_is_refused(text: str) -> None:
    """A comment, a command, a file or a variable in the body would not be sent; the fault names the body."""
    with pytest.raises(wh.DefinitionError, match=r"^\$\[1\]\.body: this text would not be sent as it is"):
        wh.to_http_file([text_call("fine"), text_call(text)])


@pytest.mark.parametrize("text", ["a # b", "<a href='x'>y</a>", "a\n\nb", "{x}", "a@b = c", "a > b"])
def test_a_text_that_only_looks_so_is_sent(text: str) -> None:
    """Lines that begin with something else are the text that they are."""
    [found] = requests_in(wh.to_http_file(text_call(text)), {})

    assert found.body == text.encode()


def test_several_calls_make_one_file(send_sms: wh.Action) -> None:
    """Each begins with a line of its own, and each secret has one name in all of them."""
    other = action(method="GET", authentication=wh.BearerAuthentication(wh.secret("vault:SMS-KEY")))
    calls = [wh.preview(send_sms, {"to": "1", "text": "t", "X-Campaign": "c"}), wh.preview(other)]

    text = wh.to_http_file(iter([*calls, calls[0]]))

    assert re.findall("^###.*", text, re.MULTILINE) == ["### SendSms", "### Act", "### SendSms"]
    assert re.findall("{{.*}}", text) == ["{{SMS_KEY}}", "{{SMS_KEY_2}}", "{{SMS_KEY}}"]


def test_each_secret_has_a_name_that_no_other_has() -> None:
    """Also where a reference is spelled as a second one of a name would be."""
    secrets = [wh.secret(source) for source in ("env:K", "vault:K", "env:K_2", "env:TOKEN", "vault:2nd")]
    headers = {f"X-{i}": secret for i, secret in enumerate([*secrets, wh.literal_secret("s3c-1"), secrets[0]])}
    token = wh.CustomAuthorization("https://t.example", body_type="form")

    text = wh.to_http_file(wh.preview(action(headers=headers, authentication=token)))

    assert re.findall("{{(.*)}}", text) == ["K", "K_2", "K_2_2", "TOKEN", "_2nd", "SECRET", "K", "TOKEN_2"]
    assert "s3c" not in text


@pytest.mark.parametrize(
    "text",
    [
        wh.SecretText("Basic ", wh.Base64("two words", ":", KEY)),
        wh.SecretText("Token ", wh.Base64("a\n### b:", KEY)),
        wh.SecretText(wh.Base64(KEY)),
    ],
)
def test_what_the_editor_does_not_encode_is_a_variable(text: wh.SecretText) -> None:
    """A comment on one line says what the Base64 form is made of."""
    file = wh.to_http_file(wh.preview(action(headers={"Authorization": text})))

    comment = next(line for line in file.splitlines() if line.startswith("# "))
    assert comment.startswith("# {{BASE64}} is the Base64 form of ")
    assert comment.endswith("‹env:SMS_KEY›")
    [found] = requests_in(file, {"BASE64": "QQ=="})
    assert found.headers[-1][1].endswith("QQ==")


def test_a_client_certificate_is_told() -> None:
    """The editor's settings name it; the file holds neither certificate nor key."""
    mutual = wh.MutualTlsAuthentication("PEM-1", KEY)

    text = wh.to_http_file(wh.preview(action(authentication=mutual)))

    assert "# A client certificate is shown" in text
    assert "PEM-1" not in text


CALL = wh.Call("Act", "POST", HERE, (("X-A", "1"),))


@pytest.mark.parametrize(
    ("call", "path"),
    [
        (attrs.evolve(CALL, method="PURGE"), "$.method"),
        (attrs.evolve(CALL, url=HERE + "\n\nGET https://evil.example"), "$"),
        (attrs.evolve(CALL, headers=(("X-A", "{{x}}"),)), "$.headers.X-A"),
        (wh.preview(action(headers={"X-A": wh.SecretText("{", KEY)})), "$.headers.X-A"),
    ],
)
def test_what_such_a_file_cannot_say_is_refused(call: wh.Call, path: str) -> None:
    """Neither a method that no editor knows, nor a line break, nor a brace that would begin a variable."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.to_http_file(call)

    assert [violation.path for violation in caught.value.violations] == [path]


def test_all_that_is_wrong_is_said_at_once() -> None:
    """Each fault has the place of its call."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.to_http_file([attrs.evolve(CALL, method="X"), CALL, attrs.evolve(CALL, body=b"# a")])

    assert [violation.path for violation in caught.value.violations] == ["$[0].method", "$[2].body"]


@pytest.mark.parametrize("given", [[], "x", {}, [1], None])
def test_a_file_is_made_of_calls(given: Any) -> None:
    """Anything else is refused, and so is nothing."""
    with pytest.raises(wh.DefinitionError, match="calls, such as previews give"):
        wh.to_http_file(given)
