"""From a curl command to an action: quoting, options, secrets, bodies, and what is left out."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

import wayhook as wh
from wayhook.testing import FakeSecrets, LoopbackService, Received

RAILS = wh.Guardrails.standard(network=wh.NetworkPolicy(loopback=True))
URL = "https://api.shop.example/v1/messages"


def body(text: str, **settings: Any) -> bytes | None:
    """The body that the imported action sends."""
    return wh.preview(wh.from_curl(text, **settings).action).body


def left_out(text: str, **settings: Any) -> dict[str, str]:
    """What was left out, with the reason."""
    return {each.what: each.why for each in wh.from_curl(text, **settings).left_out}


def test_the_command_of_a_page() -> None:
    """Method, URL, headers, a typed body, and the key as the reference that the caller names."""
    imported = wh.from_curl(
        f"""curl -X POST '{URL}?tenant=acme' \\
          -H 'Authorization: Bearer abc-canary' -H 'Content-Type: application/json' \\
          -d '{{"to": "+33600000000", "text": "Hello", "priority": 1}}'""",
        name="SendSms",
        variables={"to": "Recipient", "text": wh.variable("Message", optional=True)},
        secrets={"Authorization": "env:SMS_KEY"},
    )

    assert imported.action == wh.Action(
        name="SendSms",
        url_configuration=wh.UrlConfiguration(
            URL, headers={"Content-Type": "application/json"}, query_parameters={"tenant": "acme"}
        ),
        authentication=wh.BearerAuthentication(wh.secret("env:SMS_KEY")),
        message_parameters=wh.message_parameters(
            {"to": "+33600000000", "text": "Hello", "priority": 1},
            variables={"to": "Recipient", "text": wh.variable("Message", optional=True)},
        ),
    )
    assert imported.left_out == ()
    assert [(found.place, found.reference) for found in imported.secrets] == [
        ("Authorization", wh.secret("env:SMS_KEY"))
    ]
    assert "canary" not in f"{imported}{imported!r}{imported.action}"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'a b'", "a b"),
        ('"a \\"b\\" \\$x \\\\ \\y"', 'a "b" $x \\ \\y'),
        ("'it'\"'\"'s'", "it's"),
        ("a\\ b", "a b"),
        ("$'it\\'s \\u00e9\\n\\x41\\101\\t\\\\'", "it's é\nAA\t\\"),
        ("$'\\xc3\\xa9'", "é"),
        ("'a\\\nb'", "a\\\nb"),
        ("a\\\nb", "ab"),
        ('"a\\\nb"', "ab"),
        ("a#b", "a#b"),
        ("'#' # a comment", "#"),
        ("100$", "100$"),
    ],
)
def test_the_quotes_of_a_posix_shell(text: str, value: str) -> None:
    """Every way to quote gives the text that a shell would give."""
    assert body(f"curl {URL} -H 'Content-Type: text/plain' --data-raw {text}") == value.encode()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"a b"', "a b"),
        ('^"a b^"', "a b"),
        ('"say \\"hi\\""', 'say "hi"'),
        ('^"^{^\\^"a^\\^":1^}^"', '{"a":1}'),
        ('"^{^\\^"a^\\^":1^}"', '{"a":1}'),
        ('^"50^%^ off^"', "50% off"),
        ('"%^41"', "%41"),
        ('"C:\\dir\\\\"', "C:\\dir\\"),
        ('"it\'s a^b"', "it's a^b"),
        ('^"a^\n\nb^"', "a\nb"),
    ],
)
def test_the_quotes_of_the_windows_prompt(text: str, value: str) -> None:
    """Carets, backslashes before quotes, and percent signs as browsers write them."""
    command = f'curl "{URL}" ^\n  -H "Content-Type: text/plain" ^\n  --data-raw {text}'

    assert body(command) == value.encode()


@pytest.mark.parametrize(
    "command", ["curl 'https://h.example", 'curl "https://h.example', "curl $'x", "curl `x", "curl $(x"]
)
def test_a_quote_that_is_not_closed_has_a_place(command: str) -> None:
    """A cut command is told by the line and the column of the quote."""
    with pytest.raises(wh.DocumentError, match=r"line 1, column 6: this (quote|command) is not closed"):
        wh.from_curl(command)


CHROME = r"""curl 'https://web.example/api/items?page=2' \
  -H 'accept: application/json, text/plain, */*' \
  -H 'accept-language: en-GB,en;q=0.9' \
  -H 'authorization: Basic am9lOnMzY3JldC1jYW5hcnk=' \
  -H 'content-type: application/json' \
  -b 'session=canary-cookie' \
  -H 'origin: https://web.example' \
  -H 'sec-fetch-mode: cors' \
  -H 'user-agent: Mozilla/5.0 (X11; Linux x86_64)' \
  --data-raw $'{"name":"it\'s","n":[1,2.5],"ok":true,"none":null}' \
  --compressed"""


def test_what_a_browser_copies() -> None:
    """Its headers stay, its cookies are told, user and password become an authentication, nulls are sent."""
    imported = wh.from_curl(CHROME, name="Items", secrets={"authorization": wh.secret("vault:items")})

    action = imported.action
    call = wh.preview(action)
    assert action.authentication == wh.BasicAuthentication("joe", wh.secret("vault:items"))
    assert call.body == b'{"name":"it\'s","n":[1,2.5],"ok":true,"none":null}'
    assert dict(call.headers)["sec-fetch-mode"] == "cors"
    assert [each.what for each in imported.left_out] == ["--cookie"]
    assert wh.violations(action) == ()
    assert "canary" not in f"{imported}{imported!r}{action!r}{call}"


@pytest.mark.parametrize(
    ("options", "method", "sent", "media"),
    [
        ("", "GET", None, None),
        ("-d a=1 -d 'b=x y'", "POST", b"a=1&b=x+y", "application/x-www-form-urlencoded"),
        ("-d a=1 -d a=2", "POST", b"a=1&a=2", "application/x-www-form-urlencoded"),
        ("-d 'a=1&b=2&a=3'", "POST", b"a=1&b=2&a=3", "application/x-www-form-urlencoded"),
        (
            "--data-urlencode 'q=a b&c' --data-urlencode '=x y'",
            "POST",
            b"q=a%20b%26c&x%20y",
            "application/x-www-form-urlencoded",
        ),
        ("-d 'no form'", "POST", b"no form", "application/x-www-form-urlencoded"),
        ("--json '{\"a\": 1}'", "POST", b'{"a":1}', "application/json"),
        ("-X put --data-binary '{\"a\":1}' -H 'content-type: application/vnd.x+json'", "PUT", b'{"a":1}', None),
        ("-d '[1, 2]' -H 'Content-Type: application/json'", "POST", b"[1, 2]", "application/json"),
        ("-d '{\"a\":[1,null]}' -H 'Content-Type: application/json'", "POST", b'{"a":[1,null]}', "application/json"),
        ("-d '{\"a.b\": 1}' -H 'Content-Type: application/json'", "POST", b'{"a.b": 1}', "application/json"),
        ("-d '<a/>' -H 'Content-Type: application/xml'", "POST", b"<a/>", "application/xml"),
        ("-d ''", "POST", b"", None),
        ("-I", "HEAD", None, None),
        ("-G -d a=1 -d 'b=2'", "GET", None, None),
        ("-XDELETE", "DELETE", None, None),
        ("-F file=@photo.png -F name=x", "POST", None, None),
        ("-T report.csv", "PUT", None, None),
        ("-d @body.json", "POST", None, None),
    ],
)
def test_methods_and_bodies(options: str, method: str, sent: bytes | None, media: str | None) -> None:
    """The method that curl would take, and the body that it would send, in the form that says the same."""
    call = wh.preview(wh.from_curl(f"curl {URL} {options}").action)

    assert (call.method, call.body) == (method, sent)
    headers = {name.lower(): value for name, value in call.headers}
    assert media is None or headers["content-type"] == media


def test_a_json_without_its_type_is_sent_as_one() -> None:
    """What curl would call a form is a JSON, and that is told."""
    imported = wh.from_curl(f"""curl {URL} -d '{{"a": 1}}'""")

    assert dict(wh.preview(imported.action).headers)["Content-Type"] == "application/json"
    assert [each.what for each in imported.left_out] == [
        "the Content-Type application/x-www-form-urlencoded that curl adds"
    ]


def test_query_and_data_that_are_asked() -> None:
    """`--get` and `--url-query` add to the query, encoded as curl does."""
    url = wh.preview(wh.from_curl(f"curl -G '{URL}?a=1' -d b=2 --data-urlencode 'c=x y' --url-query d=4").action).url

    assert url == f"{URL}?a=1&b=2&c=x%20y&d=4"


@pytest.mark.parametrize(
    ("query", "static", "parameters"),
    [
        ("a=1&b=x%20y", "", {"a": "1", "b": "x y"}),
        ("a=1,2&b=3", "?a=1,2", {"b": "3"}),
        ("b=3&a=1,2", "?b=3&a=1,2", {}),
        ("a=1&a=2&b=3", "?a=1&a=2", {"b": "3"}),
        ("flag&b=3", "?flag", {"b": "3"}),
        ("$filter=x&b=3", "?$filter=x", {"b": "3"}),
        ("q=é", "", {"q": "é"}),
    ],
)
def test_the_query_keeps_its_spelling(query: str, static: str, parameters: dict[str, str]) -> None:
    """What would be spelled differently as a parameter stays in the URL, with what stands before it."""
    configuration = wh.from_curl(f"curl '{URL}?{query}'").action.url_configuration

    assert configuration is not None
    assert configuration.url == URL + static
    assert {each.name: each.value for each in configuration.query_parameters} == parameters


@pytest.mark.parametrize(
    ("options", "authentication"),
    [
        ("-u joe:canary", wh.BasicAuthentication("joe", wh.secret("env:SMS_AUTHORIZATION"))),
        ("-u joe", wh.BasicAuthentication("joe", wh.secret("env:SMS_PASSWORD"))),
        ('-u "joe:$PW"', wh.BasicAuthentication("joe", wh.secret("env:PW"))),
        ("--oauth2-bearer canary", wh.BearerAuthentication(wh.secret("env:SMS_AUTHORIZATION"))),
        ("-H 'X-Api-Key: canary'", wh.ApiKeyAuthentication("X-Api-Key", wh.secret("env:SMS_X_API_KEY"))),
        ('-H "X-Api-Key: ${SMS_KEY}"', wh.ApiKeyAuthentication("X-Api-Key", wh.secret("env:SMS_KEY"))),
        ("-H 'Authorization: canary'", wh.ApiKeyAuthentication("Authorization", wh.secret("env:SMS_AUTHORIZATION"))),
        (
            "--url-query api_key=canary",
            wh.ApiKeyAuthentication("api_key", wh.secret("env:SMS_API_KEY"), location="query"),
        ),
        (
            '-H "Authorization: Bearer $(gcloud auth print-token)"',
            wh.BearerAuthentication(wh.secret("env:SMS_AUTHORIZATION")),
        ),
        (
            "--cert client.pem --key client.key -H 'X-Key: canary'",
            wh.MutualTlsAuthentication(
                wh.secret("file:client.pem"),
                wh.secret("file:client.key"),
                authentication=wh.NoAuthentication(),
            ),
        ),
    ],
)
def test_authentications(options: str, authentication: wh.Authentication) -> None:
    """Each kind of credential becomes the authentication that sends the same, with a reference."""
    imported = wh.from_curl(f"curl {URL} {options}", name="Sms")

    assert imported.action.authentication == authentication
    assert imported.secrets or authentication.kind == "mutual_tls"
    assert "X-Key" in options or "canary" not in f"{imported}{imported!r}{wh.preview(imported.action)}"


@pytest.mark.parametrize(
    ("options", "header", "shown"),
    [
        ("-H 'Authorization: Token canary'", "Authorization", "Token ‹env:SMS_AUTHORIZATION›"),
        ("-u sk_test_canarycanary:", "Authorization", "Basic ‹env:SMS_AUTHORIZATION›:"),
        ('-H "X-Sig: v1 $KEY"', "X-Sig", "v1 ‹env:KEY›"),
        ("-H 'X-Api-Key: canary' -H 'X-Auth-Token: canary'", "X-Auth-Token", "‹env:SMS_X_AUTH_TOKEN›"),
        ("-H 'X-Any: Bearer canarycanary'", "X-Any", "‹env:SMS_X_ANY›"),
    ],
)
def test_secrets_that_no_authentication_has(options: str, header: str, shown: str) -> None:
    """They are headers that hold a reference; the text around it stays."""
    imported = wh.from_curl(f"curl {URL} {options}", name="Sms")

    assert dict(wh.preview(imported.action).masked_headers)[header] == shown
    assert "canary" not in f"{imported}{imported!r}{wh.preview(imported.action)}"


def test_a_user_in_the_url_is_an_authentication() -> None:
    """User and password leave the URL, decoded."""
    imported = wh.from_curl("curl https://joe:can%40ary@api.shop.example/v1", name="Sms")

    assert imported.action.authentication == wh.BasicAuthentication("joe", wh.secret("env:SMS_AUTHORIZATION"))
    assert wh.preview(imported.action).url == "https://api.shop.example/v1"


@pytest.mark.parametrize(
    ("url", "static"),
    [
        ("https://hooks.slack.com/services/T0/B0/canary", "https://hooks.slack.com/services"),
        ("https://discord.com/api/webhooks/1/canary", "https://discord.com/api/webhooks"),
        ("https://api.telegram.org/bot1:canary/sendMessage", "https://api.telegram.org"),
    ],
)
def test_the_address_of_a_webhook_is_a_secret(url: str, static: str) -> None:
    """Where the address itself is the key, its end becomes a reference, and no name is made of it."""
    imported = wh.from_curl(f'curl {url} --json \'{{"text": "hi"}}\'', secrets={"path": "env:HOOK"})

    action = imported.action
    assert action.authentication == wh.ApiKeyAuthentication("path", wh.secret("env:HOOK"), location="path")
    assert action.url_configuration is not None
    assert action.url_configuration.url == static
    assert "canary" not in f"{imported}{action!r}{wh.preview(action)}".lower()


def test_what_a_shell_would_fill_in() -> None:
    """In a body a shell variable is a variable; the text around it, and a type that nobody knows, are told."""
    imported = wh.from_curl(
        f"""curl {URL} --json "{{\\"to\\": \\"$TO\\", \\"n\\": $N, \\"text\\": \\"Hi $NAME\\"}}" """, name="Sms"
    )

    action = imported.action
    assert action.variables == (("to", wh.variable("TO")), ("n", wh.variable("N")), ("text", wh.variable("NAME")))
    assert wh.preview(action, {"to": "+33", "n": 2, "text": "Jo"}).body == b'{"to":"+33","n":2,"text":"Jo"}'
    assert {each.what for each in imported.left_out} == {"the type", "the text around NAME"}


@pytest.mark.parametrize(
    ("url", "static", "path"),
    [
        ("'https://h.example/users/{id}/mails?x=1'", "https://h.example/users?x=1", "{id}/mails"),
        ('"https://h.example/users/$ID/mails"', "https://h.example/users", "{ID}/mails"),
        ("-g 'https://h.example/a{b}'", "https://h.example/a%7Bb%7D", ""),
    ],
)
def test_a_path_that_changes(url: str, static: str, path: str) -> None:
    """The URL ends where it changes; the rest is told, and stands in the description."""
    imported = wh.from_curl(f"curl {url}")

    action = imported.action
    call = wh.preview(action)
    assert call.url == static
    assert action.description == (f"Path: {path}" if path else "")
    assert [each.what for each in imported.left_out] == ([f"the path {path}"] if path else [])


def test_secrets_in_a_body_are_variables() -> None:
    """A message parameter keeps no secret; the place that the caller named is told, too."""
    imported = wh.from_curl(
        f"curl {URL} --json "
        """'{"login": {"password": "canary"}, "jwt": "canary", "key": "k", "a": "sk_live_canary123"}'""",
        secrets={"jwt": "env:JWT"},
    )

    assert dict(imported.action.variables) == {
        "login.password": wh.variable("password"),
        "jwt": wh.variable("jwt"),
        "a": wh.variable("a"),
    }
    assert [found.place for found in imported.secrets] == ["jwt"]
    assert "canary" not in f"{imported}{imported.action.message_parameters}{wh.dumps(imported.action)}"


@pytest.mark.parametrize(
    ("data", "is_variable"),
    [("hello", False), ("password=canary", True), ("<token>canary</token>", True), ('[{"api_key": "canary"}]', True)],
)
def test_a_text_that_names_a_secret_is_a_variable(data: str, is_variable: bool) -> None:  # noqa: FBT001
    """A body that is one text is hidden as a whole."""
    imported = wh.from_curl(f"curl {URL} -H 'Content-Type: text/x' -d '{data}'")

    assert bool(imported.action.variables) is is_variable
    assert "canary" not in f"{imported}{wh.dumps(imported.action)}"


def test_an_identifier_of_one_request_is_made_for_each() -> None:
    """A copied Idempotency-Key would make every call the same one."""
    imported = wh.from_curl(f"curl {URL} -X POST -H 'Idempotency-Key: 4711'")

    assert imported.action.idempotency_header == "Idempotency-Key"
    assert [each.what for each in imported.left_out] == ["the value of Idempotency-Key"]


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ("-k", "--insecure"),
        ("-sSv", "--silent"),
        ("-sSv", "--verbose"),
        ("-o out.json", "--output"),
        ("-x http://joe:canary@proxy.example:3128", "--proxy"),
        ("-U joe:canary", "--proxy-user"),
        ("-m 5 --connect-timeout 2", "--max-time"),
        ("--retry 3", "--retry"),
        ("-b 'a=canary'", "--cookie"),
        ("-H 'Cookie: a=canary'", "the header Cookie"),
        ("-H 'Host: other.example'", "the header Host"),
        ("-H 'Proxy-Authorization: Basic canary'", "the header Proxy-Authorization"),
        ("-H 'Authorization: AWS4-HMAC-SHA256 Credential=canary'", "the header Authorization"),
        ("-H 'X-A: 1' -H 'x-a: 2'", "the header x-a"),
        ("-H 'X-A: é'", "the header X-A"),
        ("-H canary", "--header"),
        ("-H 'Accept:'", "--header"),
        ("-H @headers.txt", "--header"),
        ("-d @body.json", "--data"),
        ("-F file=@photo.png", "--form"),
        ("-T file", "--upload-file"),
        ("--digest -u joe:canary", "--digest"),
        ("--digest -u joe:canary", "--user"),
        ("--http2", "--http2"),
        ("--no-keepalive", "--no-keepalive"),
        ("-L --max-redirs 3", "--max-redirs"),
        ("--brand-new canary -d a=1", "--brand-new"),
        ("-r 0-99 -K config", "--config"),
        ("--key client.key", "--key"),
        ("-H 'Content-Type: nonsense'", "Content-Type"),
        ("-H 'Charset: latin-1'", "Charset"),
        ("> out.json", "a file after < or >"),
        ("| jq .", "another command"),
    ],
)
def test_what_an_action_has_no_place_for_is_told(options: str, what: str) -> None:
    """Every option is carried over or listed with a reason, and no value is shown."""
    imported = wh.from_curl(f"curl {URL} {options}")

    assert what in {each.what for each in imported.left_out}
    assert all(each.why and re.fullmatch(r"\$(\[\d+\])?.*", each.path) for each in imported.left_out)
    assert "canary" not in str(imported)


@pytest.mark.parametrize("options", ["-L", "--compressed", "-g", "-q", "--basic", "-i -I", "--location"])
def test_what_happens_anyway_is_not_told(options: str) -> None:
    """Redirects, compressed answers and the like need no place in an action."""
    told = left_out(f"curl {URL} {options}")

    assert set(told) <= {"--include"}


def test_headers_that_have_options_of_their_own() -> None:
    """User agent, referer and range become headers, empty headers stay."""
    call = wh.preview(wh.from_curl(f"curl {URL} -A own -e 'https://a.example;auto' -r 0-9 -H 'X-Empty;'").action)

    headers = dict(call.headers)
    assert (headers["User-Agent"], headers["Referer"], headers["Range"], headers["X-Empty"]) == (
        "own", "https://a.example", "bytes=0-9", "",
    )  # fmt: skip


def test_several_commands_and_urls() -> None:
    """Each URL is an action; who asks for the one action is told their names."""
    imported = wh.from_curl(
        f"$ curl {URL} https://api.shop.example/v1/orders -d a=1 --next -X DELETE {URL}\nexport A=1\ncurl {URL}"
    )

    assert [action.name for action in imported.actions] == [
        "PostV1Messages", "PostV1Orders", "DeleteV1Messages", "GetV1Messages",
    ]  # fmt: skip
    with pytest.raises(wh.DefinitionError, match="there are 4 actions here, PostV1Messages, PostV1Orders"):
        assert imported.action


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("", "there is no curl command"),
        ("wget https://h.example", "there is no curl command"),
        ("Invoke-WebRequest -Uri https://h.example", "there is no curl command"),
        ("curl", "no URL"),
        ("curl -s", "no URL"),
        ("curl https://h.example -H", "--header has no value"),
        ("curl https://h.example --request=POST", "put a space between"),
        ("curl https://h.example -X 'P OST'", "a method is letters"),
        ("curl ftp://h.example/x", "scheme"),
        ("curl 'https://h.example/[1-3]'", "several URLs"),
        ("curl 'https://h.example/{a,b}'", "several URLs"),
        ('curl "https://$HOST/v1"', "give a value for HOST"),
        ("curl https://h.example/../x", "'..' segment"),
        ("curl ://", "URL"),
    ],
)
def test_a_command_that_is_none(command: str, message: str) -> None:
    """Each is refused with what is wrong and what to do."""
    with pytest.raises(wh.DocumentError, match=re.escape(message)):
        wh.from_curl(command)


@pytest.mark.parametrize("text", [None, 7, b"curl https://h.example", "\ud800", "curl " + "x" * 2_000_000])
def test_what_is_no_text_of_a_command(text: Any) -> None:
    """Foreign types, half characters and endless texts are refused."""
    with pytest.raises(wh.DocumentError, match="a curl command is text of at most 2,000,000 characters"):
        wh.from_curl(text)


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"variables": {"nobody": "x"}}, "$.variables.nobody"),
        ({"variables": {"to.x": "x"}}, "$.to.x"),
        ({"secrets": {"X-Nobody": "env:A"}}, "$.secrets.X-Nobody"),
        ({"secrets": {"Authorization": "canary text"}}, "$.secrets.Authorization"),
        ({"secrets": {"Authorization": 7}}, "$.secrets.Authorization"),
        ({"secrets": 7, "variables": 7, "name": 7}, "$.name"),
        ({"variables": {7: 7}}, "$.variables"),
    ],
)
def test_what_the_caller_gives_is_checked(settings: dict[str, Any], path: str) -> None:
    """Places that the command does not have, and what is no reference or label, are told."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.from_curl(f"""curl {URL} -H 'Authorization: Bearer x' --json '{{"to": "1"}}'""", **settings)

    assert caught.value.violations[0].path == path
    assert "canary" not in str(caught.value)


def test_headers_and_query_can_be_variables() -> None:
    """The caller's variables take the place of constants anywhere."""
    imported = wh.from_curl(
        f"curl '{URL}?a=1,2&page=2' -H 'X-Campaign: c1' -d 'text=hi'",
        variables={"X-Campaign": "Campaign", "a": "A", "text": "Text"},
    )

    assert dict(imported.action.variables) == {
        "X-Campaign": wh.variable("Campaign"), "a": wh.variable("A"), "text": wh.variable("Text"),
    }  # fmt: skip


def test_every_option_of_this_curl_is_known() -> None:
    """No option of the curl on this machine is unknown, and those with a value are the right ones."""
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("there is no curl on this machine")
    listed = subprocess.run([curl, "--help", "all"], capture_output=True, text=True, check=True).stdout
    options = re.findall(r"^ *(?:-(\S), )? *--(\S+)( [<\[])?", listed, re.MULTILINE)
    unknown = "curl has no option of this name"

    for short, name, takes in options:
        if name == "help":
            continue
        value = " value" if takes else ""
        for spelled in (f"--{name}", f"-{short}" if short else f"--{name}"):
            found = wh.from_curl(f"curl https://h.example/first {spelled}{value} --url https://h.example/second")
            assert not any(unknown in each.why for each in found.left_out), name
            urls = [action.url_configuration.url for action in found.actions if action.url_configuration]
            assert name in ("url", "next") or len(urls) == 2, name


@pytest.fixture(scope="module")
def service() -> Iterator[LoopbackService]:
    """A service that remembers what it received."""
    with LoopbackService() as running:
        yield running


def told(request: Received, names: set[str]) -> tuple[Any, ...]:
    """What a service got: method, path, query, the headers of these names, and the body."""
    path, _, query = request.target.partition("?")
    headers = {name.lower(): value for name, value in request.raw_headers if name.lower() in names}
    form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    sent = parse_qsl(request.body.decode(), keep_blank_values=True) if form else request.body
    return request.method, path, parse_qsl(query, keep_blank_values=True), headers, sent


@pytest.mark.parametrize(
    "options",
    [
        "-H 'X-A: 1' -H 'Accept: text/x'",
        "-u joe:s3cret",
        "-u s3cret:",
        "-H 'Authorization: Token s3cret' -H 'X-Api-Key: s3cret'",
        "-d a=1 -d 'b=x y' -d a=2",
        "-d 'm[a]=1' --data-urlencode 'q=a b&c=é'",
        "--data-raw '@x <y>' -H 'Content-Type: text/plain'",
        "--data-binary $'a\\nb\\té' -H 'Content-Type: text/plain'",
        '-X PUT -d \'{"a":[1,2.5,"x"],"b":{"c":null}}\' -H \'Content-Type: application/json\'',
        "-X PATCH -d '[1,null]' -H 'Content-Type: application/json'",
        "-G -d a=1 -d b=2",
        "-X DELETE --url-query 'k=a b'",
        "-A agent/1 -e https://r.example/ -r 0-9",
        "-H 'X-Empty;'",
    ],
)
def test_the_action_sends_what_the_command_sends(service: LoopbackService, tmp_path: Path, options: str) -> None:
    """A shell that runs the command, and the imported action, make the same request."""
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("there is no curl on this machine")
    command = f"curl '{service.url}/v1?x=1' {options}"
    service.received.clear()

    environment = {"PATH": str(Path(curl).parent), "HOME": str(tmp_path), "NO_PROXY": "*"}
    done = subprocess.run(
        ["/bin/bash", "-c", command + " -sS"], env=environment, capture_output=True, timeout=30, check=False
    )
    imported = wh.from_curl(command, name="Act")
    secrets = FakeSecrets({found.reference.source: "s3cret" for found in imported.secrets})
    wh.call(imported.action, guardrails=RAILS, secrets=secrets).raise_for_error()

    assert done.returncode == 0
    by_curl, by_us = service.received
    asked = {name for name, _ in wh.preview(imported.action).masked_headers}
    names = {name.lower() for name in asked} - {"content-type", "charset"}
    names |= {"content-type"} if by_curl.body else set()
    assert told(by_curl, names) == told(by_us, names)
