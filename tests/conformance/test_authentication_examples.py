"""The examples of custom authorization, each read as it stands: accepted, sent and kept as it says, or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import wayhook as wh
from wayhook.testing import FakeClock, FakeTransport

EXAMPLES = json.loads(Path(__file__).with_name("custom-actions-examples.json").read_text(encoding="utf-8"))
CUSTOM = [
    example
    for example in EXAMPLES
    if example["kind"] == "action" and example["config"].get("authentication", {}).get("kind") == "custom"
]
ACCEPTED = [example for example in CUSTOM if example["expected"]["accepted"]]
REFUSED = [example for example in CUSTOM if not example["expected"]["accepted"]]
EDITIONS = {"JO": wh.Guardrails.journey_orchestration(), "AJO": wh.Guardrails.journey_optimizer()}
REASONS = {
    "header without tokenTarget": ("$.tokenTarget", "R99"),
    "unknown authorizationType": ("$.authorizationType", "R98"),
    "method": ("$.method", "R102"),
    "POST without body": ("$.body.bodyType", "R103"),
    "tokenInResponse": ("$.tokenInResponse", "R109"),
    "endpoint missing": ("$.endpoint", "R101"),
    "duration and expiryInResponse together": ("$.cacheDuration.expiryInResponse", "R120"),
    "time unit": ("$.cacheDuration.timeUnit", "R118"),
    "certificate without aud": ("$.aud", "R127"),
    "type": ("$.type", "R97"),
}
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
TOKEN = {"status": 200, "json": {"access_token": "t-1", "id_token": "t-2", "auth": {"token": "t-3"}}}


def named(examples: list[dict[str, Any]]) -> Any:
    """The examples as parameters of a test."""
    return pytest.mark.parametrize("example", examples, ids=lambda example: example["id"])


def payload(example: dict[str, Any]) -> dict[str, Any]:
    """The product's JSON of an example."""
    return example["config"]["authentication"]["payload"]


def action(example: dict[str, Any]) -> wh.Action:
    """The action of an example with its authentication, without the fields of its payload."""
    config = example["config"]
    own = {header["name"]: header["value"] for header in config["headers"] if not header.get("default")}
    key = wh.literal_secret(PEM) if "subType" in payload(example) else None
    return wh.Action(
        name=config["name"],
        url_configuration=wh.UrlConfiguration(config["url"], method=config["method"], headers=own),
        authentication=wh.load_authorization(payload(example), private_key=key),
    )


class Service(FakeTransport):
    """The token endpoint of an example, which answers as the example says, and whatever it calls."""

    def __init__(self, example: dict[str, Any]) -> None:
        super().__init__(self._reply)
        self._endpoint = payload(example)["endpoint"]
        answer = example["expected"].get("auth_response_example", TOKEN)
        body = answer["text"] if "text" in answer else json.dumps(answer["json"])
        self._token = wh.Response(answer["status"], body=body.encode())

    def _reply(self, request: wh.Request) -> wh.Response:
        return self._token if request.url == self._endpoint else wh.Response(200)

    @property
    def asked(self) -> list[wh.Request]:
        """The requests for a token."""
        return [request for request in self.requests if request.url == self._endpoint]


async def requests(example: dict[str, Any], moments: tuple[float, ...] = (0.0,)) -> Service:
    """What goes over the wire when the action is called at these moments, in seconds from the first."""
    clock, service, passed = FakeClock(), Service(example), 0.0
    async with wh.Executor(transport=service, clock=clock) as executor:
        for moment in moments:
            clock.pass_time(moment - passed)
            passed = moment
            (await executor.call(action(example))).raise_for_error()
    return service


def agrees(request: wh.Request, expected: dict[str, Any]) -> None:
    """A request is as an example says, where the example says something."""
    sent = {"method": request.method, "url": request.url}
    assert {name: sent[name] for name in sent if name in expected} == {
        name: expected[name] for name in sent if name in expected
    }
    assert expected.get("headers", {}).items() <= dict(request.headers).items()
    if "form" in expected:
        assert dict(parse_qsl((request.body or b"").decode(), strict_parsing=True)) == expected["form"]
    if "form_keys" in expected:
        assert {name for name, _ in parse_qsl((request.body or b"").decode())} == set(expected["form_keys"])
    if "json" in expected:
        assert json.loads(request.body or b"") == expected["json"]
    if "body" in expected:
        assert request.body == expected["body"]


def test_every_example_is_here() -> None:
    """None of the nineteen is left out by a change of the file, and each reason of a refusal is known."""
    assert (len(ACCEPTED), len(REFUSED)) == (9, 10)
    assert {example["expected"]["reason"] for example in REFUSED} == set(REASONS)


@pytest.mark.rule("R97", "R98", "R102", "R103", "R105", "R109", "R118", "R127")
@named(ACCEPTED)
def test_an_example_is_read_and_written_back(example: dict[str, Any]) -> None:
    """It comes back equal, but for headers that are empty; its secrets show nowhere."""
    document = payload(example)

    loaded = wh.load_authorization(document)

    whole = {name: value for name, value in document.items() if value != {}}
    assert wh.dump_authorization(loaded, literal_secrets_allowed=True) == whole
    assert wh.load_authorization(json.dumps(document)) == loaded
    params = document.get("body", {}).get("bodyParams", {})
    hidden = [params[name] for name in ("password", "pass", "client_secret", "secret", "username") if name in params]
    shown = f"{loaded!r} {wh.dump_authorization(loaded)} {wh.preview(action(example))} {loaded.body_params}"
    assert not [text for text in hidden if text in shown]


@named(ACCEPTED)
def test_an_example_keeps_the_rules_of_its_editions(example: dict[str, Any]) -> None:
    """Every edition that an example names takes it, and so does the standard one."""
    found = action(example)

    assert wh.violations(found) == ()
    for edition in example["editions"]:
        assert wh.violations(found, guardrails=EDITIONS[edition]) == ()


@pytest.mark.rule("R97", "R98", "R99", "R101", "R102", "R103", "R109", "R118", "R120", "R127")
@named(REFUSED)
def test_an_example_is_refused_for_its_reason(example: dict[str, Any]) -> None:
    """The fault stands at the place that the reason names, with its rule."""
    with pytest.raises(wh.DocumentError) as caught:
        wh.load_authorization(payload(example))

    found = {(violation.path, violation.rule) for violation in caught.value.violations}
    assert REASONS[example["expected"]["reason"]] in found
    assert "sec-34" not in str(caught.value)
    assert "pw-56" not in str(caught.value)


@pytest.mark.rule("R106", "R107", "R110", "R112", "R113", "R114", "R115", "R116", "R124")
@named([example for example in ACCEPTED if {"auth_request", "request"} & set(example["expected"])])
async def test_an_example_sends_what_it_says(example: dict[str, Any]) -> None:
    """The token call comes first, as described; the action follows with the token in its place."""
    service = await requests(example)

    authorization, call = service.requests
    agrees(authorization, example["expected"].get("auth_request", {}))
    expected = example["expected"].get("request", {})
    agrees(call, {name: expected[name] for name in ("method", "url", "headers") if name in expected})


@pytest.mark.rule("R117", "R118", "R121")
@named([example for example in ACCEPTED if "cache_seconds" in example["expected"]])
async def test_an_example_keeps_its_token(example: dict[str, Any]) -> None:
    """The token serves until shortly before its time, and is asked for again when it is over."""
    seconds = example["expected"]["cache_seconds"]
    service = await requests(example, moments=(0, seconds - min(0.1 * seconds, 59) - 1, seconds))

    assert len(service.asked) == 2
    assert len(service.requests) == 2 + 3


@pytest.mark.rule("R132", "R133")
@named([example for example in ACCEPTED if "assertion" in example["expected"]])
async def test_an_example_signs_its_assertion(example: dict[str, Any]) -> None:
    """The assertion has the header and the claims of the example, our signature, and a short life."""
    expected = example["expected"]["assertion"]

    [request] = (await requests(example)).asked

    assertion = dict(parse_qsl((request.body or b"").decode()))["client_assertion"]
    options = {"verify_exp": False, "verify_iat": False}
    claims = jwt.decode(
        assertion, KEY.public_key(), algorithms=["RS256"], audience=expected["claims"]["aud"], options=options
    )
    assert expected["header"].items() <= jwt.get_unverified_header(assertion).items()
    assert expected["claims"].items() <= claims.items()
    assert claims["exp"] - claims["iat"] <= expected["max_lifetime_seconds"]
    assert claims["jti"]
