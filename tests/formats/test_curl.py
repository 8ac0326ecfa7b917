"""The curl command: a shell that runs it sends the request that was shown."""

from __future__ import annotations

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
KEY = wh.secret("env:SMS_KEY")
UGLY = "a'b\"c $HOME `id` \\ !! ; & | * ? [x] {y} # ~ %41 é"


@pytest.fixture(scope="module")
def service() -> Iterator[LoopbackService]:
    """A service that remembers what it received."""
    with LoopbackService() as running:
        yield running


def action(url: str, **parts: Any) -> wh.Action:
    """An action with the given parts of its URL configuration and of its own."""
    names = ("method", "headers", "query_parameters")
    configuration = wh.UrlConfiguration(url, **{name: parts.pop(name) for name in names if name in parts})
    return wh.Action(name="Act", url_configuration=configuration, **parts)


def test_the_command_of_the_readme(send_sms: wh.Action) -> None:
    """One option a line, everything quoted, the secret as the variable that its reference names."""
    call = wh.preview(send_sms, {"to": "+336", "text": "it's", "X-Campaign": "c 1"}, path="messages")

    assert wh.to_curl(call).split(" \\\n  ") == [
        "curl --globoff --request POST",
        "--url 'https://sms.example.com/v1/messages?tenant=acme'",
        "--header 'Content-Type: application/json'",
        "--header 'Charset: UTF-8'",
        "--header 'X-Campaign: c 1'",
        "--header 'X-Api-Key: '\"$SMS_KEY\"",
        """--data-raw '{"to":"+336","text":"it'"'"'s","priority":1}'""",
    ]


@pytest.mark.rule("R134")
@pytest.mark.parametrize(
    ("authentication", "part"),
    [
        (wh.BasicAuthentication("joe", KEY), '--user joe:"$SMS_KEY"'),
        (wh.BasicAuthentication(wh.secret("env:USER_NAME"), KEY), '--user "$USER_NAME":"$SMS_KEY"'),
        (wh.BasicAuthentication("o'neil", wh.literal_secret("s3c")), "--user 'o'\"'\"'neil':\"$SECRET\""),
        (wh.ApiKeyAuthentication("X-Key", wh.literal_secret("s3c")), "--header 'X-Key: '\"$SECRET\""),
        (wh.ApiKeyAuthentication("X-Key", wh.secret("vault:team/sms-key")), '"$team_sms_key"'),
        (wh.ApiKeyAuthentication("X-Key", wh.secret("vault:2nd")), '"$_2nd"'),
        (wh.CustomAuthorization("https://t.example", body_type="form"), "--header 'Authorization: Bearer '\"$TOKEN\""),
        (
            wh.CustomAuthorization(
                "https://t.example", method="GET", authorization_type="queryParam", token_target="tok"
            ),
            '"$TOKEN"',
        ),
    ],
)
def test_a_secret_is_left_as_a_variable(authentication: wh.Authentication, part: str) -> None:
    """The command names where each secret goes, and holds none of them."""
    command = wh.to_curl(wh.preview(action("https://h.example", authentication=authentication)))

    assert part in command
    assert "s3c" not in command


def run(command: str, variables: dict[str, str], folder: Path) -> None:
    """Run a command in a POSIX shell, with nothing of this machine but the way to curl."""
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("there is no curl on this machine")
    environment = {"PATH": str(Path(curl).parent), "HOME": str(folder), "NO_PROXY": "*", **variables}
    done = subprocess.run(
        ["/bin/sh", "-c", command + " --silent --show-error"],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def told(request: Received, call: wh.Call) -> tuple[Any, ...]:
    """What a call says about its request: method, target, its own headers in any order, and the body.

    The shell encodes a secret in the query by itself, in its own spelling (`+` for `%20`): there the parameters
    are compared, not their spelling.
    """
    path, _, query = request.target.partition("?")
    secret = any(credential.location == "query" for credential in call.credentials)
    names = {name.lower() for name, _ in call.masked_headers}
    headers = sorted((name.lower(), value) for name, value in request.raw_headers if name.lower() in names)
    return request.method, path, parse_qsl(query, keep_blank_values=True) if secret else query, headers, request.body


SAMPLE = {"text": UGLY, "lines": "a\nb\t\x00", "list": [1, 2.5, {"o": None}], "at": "@file", "empty": {}}


@pytest.mark.parametrize(
    ("parts", "values", "path"),
    [
        ({}, {}, ""),
        ({"method": "GET"}, {}, "a b/é/[x]{y}/100%"),
        ({"method": "DELETE"}, {}, "x"),
        ({"message_parameters": wh.message_parameters(SAMPLE)}, {}, "p"),
        ({"method": "PUT", "message_parameters": wh.message_parameters({"t": "@/etc/hostname"})}, {}, ""),
        (
            {"message_parameters": wh.message_parameters({"t": ""}, variables={"t": ""}), "method": "PATCH"},
            {"t": "'; exit 1; '"},
            "",
        ),
        (
            {
                "headers": {"X-A": wh.variable(), "X-Empty": "", "Accept": "text/x-own", "User-Agent": "own"},
                "query_parameters": {"q": wh.variable(), "z": UGLY},
            },
            {"X-A": UGLY.replace(" é", ""), "q": UGLY},
            "p",
        ),
        ({"authentication": wh.BasicAuthentication("jö e$HOME", KEY)}, {}, ""),
        ({"authentication": wh.ApiKeyAuthentication("X-Key", KEY)}, {}, ""),
        ({"authentication": wh.BearerAuthentication(KEY)}, {}, "x"),
        ({"headers": {"X-S": wh.SecretText("a ", wh.Base64("$b:", KEY), " 'c'")}}, {}, ""),
        ({"authentication": wh.ApiKeyAuthentication("a key", KEY, location="query")}, {}, ""),
        ({"headers": {"X-S": KEY}, "query_parameters": {"s": KEY, "p": "1"}}, {}, "x"),
    ],
    ids=[
        "bare",
        "get",
        "delete",
        "body",
        "at sign",
        "injection",
        "headers",
        "basic",
        "key",
        "bearer",
        "base64",
        "query key",
        "secrets",
    ],
)
def test_the_command_sends_what_the_library_sends(
    service: LoopbackService, tmp_path: Path, parts: dict[str, Any], values: dict[str, Any], path: str
) -> None:
    """Run by a shell, the command makes the same request as `wayhook.call`: target, own headers and body."""
    secret = "s3c$r3t'\""
    made = action(service.url + "/v1", **parts)
    call = wh.preview(made, values, path=path)
    service.received.clear()

    run(wh.to_curl(call), {"SMS_KEY": secret}, tmp_path)
    wh.call(made, values, path=path, guardrails=RAILS, secrets=FakeSecrets({"env:SMS_KEY": secret})).raise_for_error()

    by_curl, by_us = service.received
    assert told(by_curl, call) == told(by_us, call)


@pytest.mark.parametrize("secret", ["a b", "a&b=c", "100%", "é#?", "[1-3]", "1+1"])
def test_a_secret_in_the_query_is_encoded_as_the_library_does(
    service: LoopbackService, tmp_path: Path, secret: str
) -> None:
    """No sign of a secret can end its query parameter, in the shell's call neither."""
    made = action(service.url, authentication=wh.ApiKeyAuthentication("key", KEY, location="query"))
    call = wh.preview(made)
    service.received.clear()

    run(wh.to_curl(call), {"SMS_KEY": secret}, tmp_path)
    wh.call(made, guardrails=RAILS, secrets=FakeSecrets({"env:SMS_KEY": secret})).raise_for_error()

    by_curl, by_us = service.received
    assert told(by_curl, call) == told(by_us, call)


@pytest.mark.parametrize("url", ["/v1", "/v1/", "/v1?a=b&c=$HOME", "/?a=1", ""])
def test_a_secret_in_the_path_stands_before_the_query(service: LoopbackService, tmp_path: Path, url: str) -> None:
    """The shell puts the key where the library puts it, behind one slash."""
    made = action(service.url + url, authentication=wh.ApiKeyAuthentication("hook", KEY, location="path"))
    service.received.clear()

    run(wh.to_curl(wh.preview(made)), {"SMS_KEY": "T0/B-7"}, tmp_path)
    wh.call(made, guardrails=RAILS, secrets=FakeSecrets({"env:SMS_KEY": "T0/B-7"})).raise_for_error()

    by_curl, by_us = service.received
    assert by_curl.target == by_us.target
    assert "/T0/B-7" in by_curl.path


@pytest.mark.parametrize("place", [{}, {"authorization_type": "header", "token_target": "X-Token"}])
def test_a_token_is_sent_from_a_variable(service: LoopbackService, tmp_path: Path, place: dict[str, str]) -> None:
    """Who has a token puts it into `$TOKEN`; the command makes the call of the action, not the one for the token."""
    custom = wh.CustomAuthorization(f"{service.url}/token", body_type="form", token_in_response="response", **place)
    call = wh.preview(action(service.url, authentication=custom))
    service.received.clear()

    run(wh.to_curl(call), {"TOKEN": "t-1"}, tmp_path)

    [received] = service.received
    name, value = call.masked_headers[-1]
    assert received.headers[name.lower()] == value.replace("‹token›", "t-1")


def test_each_secret_has_a_variable_of_its_own() -> None:
    """Two literals, and two references whose names are spelled alike, are not mixed up; one secret twice is one."""
    first, second, alike = wh.literal_secret("s3c-1"), wh.literal_secret("s3c-2"), wh.secret("vault:SMS-KEY")
    headers = {"A": first, "B": second, "C": KEY, "D": alike, "E": first}

    command = wh.to_curl(wh.preview(action("https://h.example", headers=headers)))

    found = dict(line.split("'\"$") for line in command.split("--header '") if "$" in line)
    names = {name[0]: variable.partition('"')[0] for name, variable in found.items()}
    assert names == {"A": "SECRET", "B": "SECRET_2", "C": "SMS_KEY", "D": "SMS_KEY_2", "E": "SECRET"}
    assert "s3c" not in command


def test_the_identifier_of_an_execution_is_a_variable() -> None:
    """It is no secret, and has a name of its own."""
    command = wh.to_curl(wh.preview(action("https://h.example", idempotency_header="Idempotency-Key")))

    assert "--header 'Idempotency-Key: '\"$DELIVERY_ID\"" in command


def test_a_client_certificate_is_a_pair_of_files() -> None:
    """The command names files that whoever runs it has, and neither certificate nor key."""
    mutual = wh.MutualTlsAuthentication("PEM-1", KEY, authentication=wh.BearerAuthentication(wh.secret("env:T")))

    command = wh.to_curl(wh.preview(action("https://h.example", authentication=mutual)))

    assert command.splitlines()[-1] == "  --cert client.pem --key client.key"
    assert "--header 'Authorization: Bearer '\"$T\"" in command
    assert "PEM-1" not in command


def test_a_method_is_no_command() -> None:
    """A call of somebody else's cannot smuggle a command into the shell of who prints it."""
    command = wh.to_curl(wh.Call("Act", "POST; touch owned #", "https://h.example", ()))

    assert "--request 'POST; touch owned #'" in command
