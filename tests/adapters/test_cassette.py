"""The cassette: what was recorded comes back without a call, and the file holds no secret."""

from __future__ import annotations

import asyncio
import json
import stat
from base64 import b64encode
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import attrs
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import wayhook as wh
from wayhook.testing import Answer, FakeClock, FakeSecrets, FakeTransport, LoopbackService, Received

KEY = wh.secret("env:KEY")
SECRET = "canary-KEY/+7f3a="
SECRETS = FakeSecrets({"env:KEY": SECRET, "env:PASS": "canary-PASS/+7f3a="})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the cassette is kept."""
    return tmp_path / "calls.json"


@pytest.fixture
def service() -> Iterator[LoopbackService]:
    """A service that counts, and repeats what it was sent."""
    numbers = count(1)

    def respond(request: Received) -> Answer:
        body = {"number": next(numbers), "echo": dict(request.headers).get("x-key"), "target": request.target}
        return Answer(200, body, {"X-Echo": request.headers.get("x-key", ""), "Set-Cookie": "session=canary-cookie"})

    with LoopbackService(respond) as running:
        yield running


def action(url: str = "https://h.example/v1", **parts: Any) -> wh.Action:
    """An action that sends a text, with a key."""
    names = ("method", "headers", "query_parameters")
    configuration = wh.UrlConfiguration(url, **{name: parts.pop(name) for name in names if name in parts})
    fields = wh.message_parameters({"text": "x"}, variables={"text": ""})
    usual = {"authentication": wh.ApiKeyAuthentication("X-Key", KEY), "message_parameters": fields}
    return wh.Action(
        **{"name": "Act", "url_configuration": configuration, "response": wh.payload({"number": 1}), **usual, **parts}
    )


def record(
    path: Path, replies: Any, *values: dict[str, Any], made: wh.Action | None = None, **parts: Any
) -> list[wh.Outcome]:
    """Record a call for each of the values, answered by a script."""
    cassette = wh.Cassette(path, record=FakeTransport(replies))
    return called(cassette, made or action(**parts), *values, secrets=SECRETS)


def called(cassette: wh.Cassette, made: wh.Action, *values: dict[str, Any], **settings: Any) -> list[wh.Outcome]:
    """One call after another, by one executor, no time passing between repeats."""

    async def call() -> list[wh.Outcome]:
        async with wh.Executor(transport=cassette, clock=FakeClock(), **settings) as executor:
            return [await executor.call(made, each) for each in values]

    return asyncio.run(call())


def without_times(outcome: wh.Outcome) -> dict[str, Any]:
    """What a replay must give again."""
    attempts = [(a.number, a.evidence, a.status, a.failure, a.delivery, a.local) for a in outcome.attempts]
    received = outcome.received and (outcome.received.status, outcome.received.body, outcome.received.fault)
    cause = outcome.cause and (type(outcome.cause), str(outcome.cause))
    return {"status": outcome.status, "response": outcome.response, "delivery": outcome.delivery, "cause": cause,
            "attempts": attempts, "received": received, "call": str(outcome.call)}  # fmt: skip


def written(path: Path) -> list[dict[str, Any]]:
    """The exchanges in the file."""
    document = json.loads(path.read_text())
    assert {name: document[name] for name in ("wayhook", "kind")} == {"wayhook": 1, "kind": "cassette"}
    return document["exchanges"]


def test_what_was_recorded_comes_back_without_a_call(
    path: Path, service: LoopbackService, loopback: wh.Guardrails
) -> None:
    """Over a real socket the first time; then nobody is called, and no secret is there."""
    made = action(service.url)
    first = wh.call(
        made, {"text": "a"}, transport=wh.Cassette(path, record="httpx"), secrets=SECRETS, guardrails=loopback
    )
    cassette = wh.Cassette(path)

    again = wh.call(made, {"text": "a"}, transport=cassette, guardrails=loopback)

    assert first.response == again.response == {"number": 1}
    assert len(service.received) == 1
    assert (len(cassette.exchanges), cassette.unused) == (1, ())


def test_the_file_is_read_by_people(path: Path, service: LoopbackService, loopback: wh.Guardrails) -> None:
    """One entry for an exchange: method, URL, headers, bodies as JSON; secrets and cookies are masked on both sides."""
    cassette = wh.Cassette(path, record=wh.HttpxTransport())
    wh.call(action(service.url), {"text": "é"}, transport=cassette, secrets=SECRETS, guardrails=loopback)

    [exchange] = written(path)
    assert exchange["request"] == {
        "method": "POST",
        "url": service.url,
        "headers": {"Content-Type": "application/json", "Charset": "UTF-8", "X-Key": "‹env:KEY›"},
        "json": {"text": "é"},
    }
    assert (exchange["answer"]["status"], exchange["answer"]["json"]) == (
        200,
        {"number": 1, "echo": "***", "target": "/"},
    )
    assert exchange["answer"]["headers"]["x-echo"] == "***"
    assert exchange["answer"]["headers"]["set-cookie"] == "***"
    assert path.read_text().endswith("}\n")
    assert '      "request": {\n        "method": "POST",\n' in path.read_text()


@pytest.mark.parametrize(
    "replies",
    [
        [wh.Response(503), wh.Response(200, body=b'{"number":2}')],
        [wh.Response(429, (("retry-after", "1"), ("retry-after", "2"))), wh.Response(200, body=b'{"number":2}')],
        [wh.Response(404, body=b"gone")],
        [wh.Response(200, body=b'{"number": ', fault="the body was cut")],
        [wh.TransportError("the host cannot be connected to", wh.Evidence.NEVER_SENT), wh.Response(200)],
        [wh.TransportError("no more connections", wh.Evidence.NEVER_SENT, local=True)],
        [wh.TransportError("the connection broke", wh.Evidence.AMBIGUOUS)],
        [wh.TransportError("no such host", wh.Evidence.PERMANENT, wh.Delivery.UNAVAILABLE)],
        [wh.TransportError("the time was used up", wh.Evidence.EXPIRED)],
    ],
)
def test_failures_and_repeats_are_what_they_were(path: Path, replies: list[Any]) -> None:
    """Each attempt proves what it proved, and the outcome is the same."""
    made = action(method="PUT")
    [first] = record(path, replies, {"text": "a"}, made=made)
    cassette = wh.Cassette(path)

    [again] = called(cassette, made, {"text": "a"})

    assert without_times(again) == without_times(first)
    assert (cassette.unused, len(written(path))) == ((), len(first.attempts))


def test_a_refused_connection_is_recorded(path: Path, loopback: wh.Guardrails) -> None:
    """As the evidence that it was, by a real transport."""
    with LoopbackService() as gone:
        url = gone.url
    made = action(url)
    first = wh.call(
        made, {"text": "a"}, transport=wh.Cassette(path, record="httpx"), secrets=SECRETS, guardrails=loopback
    )

    again = wh.call(made, {"text": "a"}, transport=wh.Cassette(path), guardrails=loopback)

    assert without_times(again) == without_times(first)
    assert {each["failure"]["evidence"] for each in written(path)} == {"never sent"}


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b"", {}),
        (b"null", {"json": None}),
        (b' {"a" : [1, 2.50] }', {"json": {"a": [1, 2.5]}}),
        ('"é"'.encode(), {"json": "é"}),
        (b'{"a": 0.10000000000000000001}', {"text": '{"a": 0.10000000000000000001}'}),
        (b'{"a": 1, "a": 2}', {"text": '{"a": 1, "a": 2}'}),
        (b'"\\ud800"', {"text": '"\\ud800"'}),
        (b"<a>\n", {"text": "<a>\n"}),
        (b"\xff\x00", {"base64": "/wA="}),
    ],
)
def test_a_body_is_kept_in_the_form_that_loses_nothing(path: Path, body: bytes, kept: dict[str, Any]) -> None:
    """JSON as JSON where every digit survives; other texts as they are, and bytes in Base64."""
    record(path, wh.Response(200, body=body), {"text": "a"})

    answer = written(path)[0]["answer"]
    assert {name: value for name, value in answer.items() if name not in ("status", "headers")} == kept
    found = wh.Cassette(path).exchanges[0].answer
    assert isinstance(found, wh.Response)
    assert found.body == body if "json" not in kept else json.loads(found.body) == json.loads(body)


def test_equal_requests_are_answered_in_their_order(path: Path) -> None:
    """Each exchange once; one more is refused, and says how many there were."""
    replies = [wh.Response(200, body=b'{"number": %d}' % number) for number in (1, 2, 3)]
    record(path, replies, {"text": "a"}, {"text": "b"}, {"text": "a"})
    cassette = wh.Cassette(path)

    found = called(cassette, action(), *({"text": text} for text in "aaba"))

    assert [outcome.response and outcome.response["number"] for outcome in found] == [1, 3, 2, None]
    assert found[-1].cause is not None
    assert "this request is recorded in calls.json 2 times, and is asked for once more" in str(found[-1].cause)

    cassette.rewind()

    assert len(cassette.unused) == 3
    assert called(cassette, action(), {"text": "a"})[0].response == {"number": 1}


def test_an_unknown_request_fails_with_the_difference(path: Path) -> None:
    """Against the nearest one, line by line, masked; nothing was sent, and it is not repeated."""
    record(path, wh.Response(200), {"text": "hello"}, query_parameters={"q": "1"})
    record(path, wh.Response(200), {"text": "something else"}, method="PUT")

    [outcome] = called(
        wh.Cassette(path), action(query_parameters={"q": "1"}, headers={"X-New": "n"}), {"text": "hallo"}
    )

    assert (outcome.status, outcome.delivery, len(outcome.attempts)) == ("internalError", "refused", 1)
    with pytest.raises(wh.ConnectionFailed) as caught:
        outcome.raise_for_error()
    assert str(caught.value) == (
        "this request is not in calls.json; it differs from the nearest one:\n"
        "--- recorded\n"
        "+++ asked for\n"
        "@@ -2,7 +2,8 @@\n"
        " charset: UTF-8\n"
        " content-type: application/json\n"
        " x-key: ‹env:KEY›\n"
        "+x-new: n\n"
        " \n"
        " {\n"
        '-  "text": "hello"\n'
        '+  "text": "hallo"\n'
        " }"
    )


def test_an_empty_cassette_says_how_to_record(path: Path) -> None:
    """A file without exchanges answers nothing."""
    path.write_text('{"wayhook": 1, "kind": "cassette", "exchanges": []}')

    [outcome] = called(wh.Cassette(path), action(), {"text": "a"})

    assert "calls.json is empty; record it: Cassette('calls.json', record='httpx')" in str(outcome.cause)


def test_a_difference_is_bounded(path: Path) -> None:
    """Long lines and many lines are cut."""
    fields = wh.message_parameters({"l": ["x"]}, variables={"l": ""})
    made = action(message_parameters=fields)
    record(path, wh.Response(200), {"l": ["a" * 1000] * 500}, made=made)

    [outcome] = called(wh.Cassette(path), made, {"l": ["b" * 1000] * 500})

    assert len(str(outcome.cause)) < 20_000
    assert str(outcome.cause).endswith("…")


def test_new_requests_are_added_to_what_there_is(path: Path) -> None:
    """With a transport at hand, what is recorded is not sent again; the file keeps all of it."""
    record(path, wh.Response(200, body=b'{"number": 1}'), {"text": "a"})
    transport = FakeTransport(wh.Response(200, body=b'{"number": 2}'))
    cassette = wh.Cassette(path, record=transport)

    found = called(cassette, action(), {"text": "a"}, {"text": "b"}, secrets=SECRETS)

    assert [outcome.response for outcome in found] == [{"number": 1}, {"number": 2}]
    assert [request.body for request in transport.requests] == [b'{"text":"b"}']
    assert [each["request"]["json"] for each in written(path)] == [{"text": "a"}, {"text": "b"}]


def test_what_is_unused_is_listed(path: Path) -> None:
    """What a program no longer asks for can be deleted."""
    record(path, [wh.Response(200), wh.Response(404)], {"text": "a"}, {"text": "b"})
    cassette = wh.Cassette(path)

    called(cassette, action(), {"text": "a"})

    [left] = cassette.unused
    assert (left.body, str(left)) == (b'{"text":"b"}', "POST https://h.example/v1 -> 404")
    assert (repr(left), repr(cassette)) == (f"<Exchange {left}>", "<Cassette calls.json: 2 exchanges, 1 unused>")


def test_identifiers_of_executions_are_not_compared(path: Path) -> None:
    """They differ in each run, and are the same in the file."""
    made = action(idempotency_header="Idempotency-Key")
    [first] = record(path, wh.Response(200), {"text": "a"}, made=made)

    [again] = called(wh.Cassette(path), made, {"text": "a"})

    assert first.delivery_id != again.delivery_id
    assert again.succeeded
    assert written(path)[0]["request"]["headers"]["Idempotency-Key"] == "‹delivery id›"


SENT = {"at": "1", "rows": [{"at": "1", "id": 7}], "deep": {"at": "1"}, "text": "x"}


@pytest.mark.parametrize(
    ("ignoring", "changed", "succeeds"),
    [
        (["at"], {"at": "2"}, True),
        (["at"], {"deep.at": "2"}, False),
        (["deep.at"], {"deep.at": "2"}, True),
        (["rows.at"], {"rows": [{"at": "2", "id": 7}]}, True),
        (["rows.at"], {"rows": [{"at": "1", "id": 8}]}, False),
        ({"X-SENT"}, {"X-Sent": "2"}, True),
        ([], {"X-Sent": "2"}, False),
        (["t"], {"t": "2"}, True),
        ([], {"t": "2"}, False),
    ],
)
def test_times_are_not_compared_where_that_is_said(
    path: Path, ignoring: Any, changed: dict[str, Any], *, succeeds: bool
) -> None:
    """Headers, query parameters and fields of a payload by their names."""
    names = ["at", "rows", "deep.at"]
    made = action(
        message_parameters=wh.message_parameters(SENT, variables=dict.fromkeys(names, "")),
        headers={"X-Sent": wh.variable()},
        query_parameters={"t": wh.variable(), "u": "1"},
    )
    values = {"at": "1", "rows": SENT["rows"], "deep.at": "1", "X-Sent": "1", "t": "1"}
    record(path, wh.Response(200), values, made=made)

    [outcome] = called(wh.Cassette(path, ignoring=ignoring), made, values | changed)

    assert outcome.succeeded == succeeds


def test_fields_of_a_form_may_be_ignored(path: Path) -> None:
    """By their names, too."""
    fields = wh.message_parameters({"at": "1", "text": "x"}, variables={"at": "", "text": ""})
    made = action(message_parameters=fields, body_format="form")
    record(path, wh.Response(200), {"at": "1", "text": "x"}, made=made)

    found = called(wh.Cassette(path, ignoring=["at"]), made, {"at": "2", "text": "x"}, {"at": "1", "text": "y"})

    assert [outcome.succeeded for outcome in found] == [True, False]


def test_the_order_of_names_in_json_makes_no_difference(path: Path) -> None:
    """Nor that of headers; a number is the number that it is."""
    record(path, wh.Response(200), {}, made=action(message_parameters=wh.message_parameters({"a": 1, "b": 2})))

    [outcome] = called(wh.Cassette(path), action(message_parameters=wh.message_parameters({"b": 2, "a": 1})), {})

    assert outcome.succeeded


PEM = (
    rsa.generate_private_key(public_exponent=65537, key_size=2048)
    .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    .decode()
)
ENDPOINT = "https://auth.example.com/token?k=canary-query"
TOKEN = "canary-token/+7f3a="
CUSTOM: dict[str, Any] = {
    "body_type": "json",
    "body_params": {"client_id": "me", "deep": [{"secret": KEY}]},
    "headers": {"X-Client": wh.SecretText("a ", wh.Base64("me:", KEY))},
    "token_in_response": "json://a/token",
    "cache_duration": wh.CacheDuration(time_unit="seconds", expiry_in_response="json://a/ttl"),
}
KINDS: dict[str, wh.Authentication] = {
    "basic": wh.BasicAuthentication("joe", KEY),
    "key in a header": wh.ApiKeyAuthentication("X-Key", KEY),
    "key in the query": wh.ApiKeyAuthentication("key", KEY, location="query"),
    "key in the path": wh.ApiKeyAuthentication("hook", KEY, location="path"),
    "literal": wh.ApiKeyAuthentication("X-Key", wh.literal_secret(SECRET)),
    "short": wh.ApiKeyAuthentication("X-Key", wh.literal_secret("cnry")),
    "bearer": wh.BearerAuthentication(KEY),
    "token": wh.CustomAuthorization(ENDPOINT, **CUSTOM),
    "token in the query": wh.CustomAuthorization(ENDPOINT, authorization_type="queryParam", token_target="t", **CUSTOM),
    "whole answer": wh.CustomAuthorization(
        ENDPOINT, **{**CUSTOM, "token_in_response": "response", "cache_duration": wh.CacheDuration(1)}
    ),
    "oauth": wh.OAuthClientCredentials(ENDPOINT, "me", KEY),
    "assertion": wh.JwtBearerGrant(ENDPOINT, "me", wh.secret("env:PEM")),
    "mutual": wh.MutualTlsAuthentication("CERT", wh.secret("env:PEM"), authentication=wh.BearerAuthentication(KEY)),
}


def _spellings(secret: str) -> set[str]:
    encoded = b64encode(secret.encode()).decode().rstrip("=")
    return {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), encoded, json.dumps(secret)[1:-1]}


CANARIES = {
    spelling for secret in (SECRET, TOKEN, "canary-query", "canary-PASS/+7f3a=") for spelling in _spellings(secret)
}
CANARIES |= {*PEM.splitlines()[1:-2], b64encode(f"joe:{SECRET}".encode()).decode(), "canary-cookie"}


def _answering(*, whole: bool = False) -> Callable[[wh.Request], Any]:
    """A service that gives tokens, fails sometimes, and repeats everything that it was sent, also in escapes."""
    numbers = count()

    def reply(request: wh.Request) -> Any:
        if request.url.startswith("https://auth"):
            token = (
                TOKEN
                if whole
                else json.dumps(
                    {"access_token": TOKEN, "expires_in": 3600, "a": {"token": TOKEN, "ttl": "3600", "id": 7}}
                )
            )
            return wh.Response(200, (("set-cookie", "s=canary-cookie"), ("x-token", TOKEN)), token.encode())
        seen = f"{request.url} {dict(request.headers)}"
        match next(numbers) % 3:
            case 0:
                return wh.TransportError(f"it broke: {seen}", wh.Evidence.NEVER_SENT)
            case 1:
                return wh.Response(503, (("x-echo", quote(seen)),), seen.encode())
            case _:
                escaped = "".join(f"\\u{ord(sign):04x}" for sign in seen)
                return wh.Response(200, (("x-echo", quote(seen)),), f'{{"number": 1, "echo": "{escaped}"}}'.encode())

    return reply


@pytest.mark.parametrize("kind", KINDS)
def test_no_secret_is_in_the_file(path: Path, kind: str) -> None:
    """Neither of a request nor of an answer that repeats it, nor a token; and the file replays without any of them."""
    made = action(
        method="PUT",
        authentication=KINDS[kind],
        headers={"X-Secret": wh.secret("env:PASS")},
        query_parameters={"p": wh.secret("env:PASS")},
    )
    texts = FakeSecrets({"env:KEY": SECRET, "env:PASS": "canary-PASS/+7f3a=", "env:PEM": PEM})
    cassette = wh.Cassette(path, record=FakeTransport(_answering(whole=kind == "whole answer")))

    first = called(cassette, made, {"text": "a"}, {"text": "a"}, secrets=texts)

    text = path.read_text()
    assert [canary for canary in CANARIES if canary in text] == []
    assert '"cnry"' not in text
    assert "cnry" not in json.dumps([each["request"] for each in written(path)])
    blank = {"env:PASS": "-", "env:PEM": PEM}
    needed = {"secrets": FakeSecrets(blank)} if kind == "assertion" else {}
    replayed = wh.Cassette(path)
    again = called(replayed, made, {"text": "a"}, {"text": "a"}, **needed)
    assert [outcome.status for outcome in again] == [outcome.status for outcome in first] == ["http_200"] * 2
    assert [len(outcome.attempts) for outcome in again] == [3, 3]
    assert replayed.unused == ()


def test_a_signed_assertion_needs_a_key_in_a_replay_too(path: Path) -> None:
    """It is signed before it is compared; any key will do, and without one the outcome says so."""
    made = action(authentication=KINDS["assertion"])
    cassette = wh.Cassette(path, record=FakeTransport(_answering()))
    called(cassette, made, {"text": "a"}, secrets=FakeSecrets({"env:PEM": PEM}))

    [outcome] = called(wh.Cassette(path), made, {"text": "a"})

    assert isinstance(outcome.cause, wh.AuthenticationFailed)


def test_a_redirect_is_recorded_without_the_secret_that_it_repeats(path: Path) -> None:
    """The URL that it leads to is masked, and found again."""

    def reply(request: wh.Request) -> wh.Response:
        if "moved" in request.url:
            return wh.Response(200, body=b'{"number": 7}')
        return wh.Response(302, (("location", f"/moved?again={quote(SECRET, safe='')}"),))

    made = action(authentication=wh.ApiKeyAuthentication("key", KEY, location="query"), headers={"X-Key": KEY})
    rails = attrs.evolve(wh.Guardrails.standard(), redirects=3)
    first = called(
        wh.Cassette(path, record=FakeTransport(reply)), made, {"text": "a"}, secrets=SECRETS, guardrails=rails
    )

    again = called(wh.Cassette(path), made, {"text": "a"}, guardrails=rails)

    assert [outcome.response for outcome in (*first, *again)] == [{"number": 7}] * 2
    assert [canary for canary in CANARIES if canary in path.read_text()] == []
    led = written(path)[1]["request"]
    assert (led["method"], led["url"]) == ("GET", "https://h.example/moved?again=***")
    assert led["headers"] == {"Charset": "UTF-8", "X-Key": "‹env:KEY›"}


async def test_a_batch_is_recorded_and_replayed_at_once(path: Path) -> None:
    """Many calls under way together; each context has its own answer again, whatever the order."""
    repository = wh.MemoryRepository()
    journey = wh.Journey(
        "Welcome",
        [wh.ActionActivity("Act", label="a", parameters={"text": wh.expression("@event{Signup.name}")})],
    )
    await repository.save(action(), journey)

    def reply(request: wh.Request) -> wh.Response:
        return wh.Response(200, body=b'{"number": %s}' % json.loads(request.body or b"")["text"].encode())

    async def run(cassette: wh.Cassette, order: list[int], **settings: Any) -> dict[int, Any]:
        contexts = [wh.Context({"Signup": {"name": str(number)}}) for number in order]
        async with (
            wh.Executor(repository, transport=cassette, **settings) as executor,
            executor.batch("Welcome", "a", contexts, concurrency=20) as batch,
        ):
            return {order[outcome.index]: outcome.response async for outcome in batch}

    first = await run(wh.Cassette(path, record=_Slow(reply)), list(range(200)), secrets=SECRETS)
    cassette = wh.Cassette(path)
    again = await run(cassette, list(range(199, -1, -1)))

    assert first == again == {number: {"number": number} for number in range(200)}
    assert cassette.unused == ()
    assert [each["request"]["json"]["text"] for each in written(path)] == [str(number) for number in range(200)]


class _Slow(FakeTransport):
    """Answers later requests before earlier ones."""

    async def send(self, request: wh.Request, deadline: float) -> wh.Response:
        for _ in range(20 - len(self.requests) % 20):
            await asyncio.sleep(0)
        return await super().send(request, deadline)


async def test_a_cancelled_call_is_not_recorded(path: Path) -> None:
    """Nothing is known of it; the cancellation goes on."""

    class Hanging(FakeTransport):
        async def send(self, request: wh.Request, deadline: float) -> wh.Response:
            await asyncio.Event().wait()
            raise AssertionError

    cassette = wh.Cassette(path, record=Hanging())
    async with wh.Executor(transport=cassette, secrets=SECRETS) as executor:
        task = asyncio.ensure_future(executor.call(action(), {"text": "a"}))
        await asyncio.wait([task], timeout=0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert (cassette.exchanges, list(path.parent.iterdir())) == ((), [])


async def test_what_is_not_answered_yet_answers_nobody(path: Path) -> None:
    """Also when the cassette is rewound meanwhile: the same request is sent again."""

    class Hanging(FakeTransport):
        async def send(self, request: wh.Request, deadline: float) -> wh.Response:
            if not self.requests:
                self.requests.append(request)
                await asyncio.Event().wait()
            return wh.Response(202)

    cassette = wh.Cassette(path, record=Hanging())
    request = wh.Request("GET", "https://h.example", (), None)
    task = asyncio.ensure_future(cassette.send(request, 0.0))
    await asyncio.sleep(0)

    cassette.rewind()
    answer = await cassette.send(request, 0.0)

    task.cancel()
    await asyncio.wait([task])
    assert (answer.status, len(cassette.exchanges)) == (202, 1)


def test_the_file_is_replaced_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be written leaves the old file whole, and is said; nothing else stays in the folder."""
    record(path, wh.Response(200), {"text": "a"})
    before = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) & 0o600 == 0o600

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(
        wh.StoreUnavailable, match=r"the cassette calls\.json cannot be written: No space left on device"
    ):
        record(path, wh.Response(200), {"text": "b"})

    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["calls.json"]


def test_a_cassette_is_closed_with_its_transport(path: Path) -> None:
    """One that was given is closed; one by name is made anew for the next executor."""
    transport = FakeTransport()
    called(wh.Cassette(path, record=transport), action(), {"text": "a"}, secrets=SECRETS)

    assert transport.closed


def test_one_cassette_serves_several_executors(path: Path, service: LoopbackService, loopback: wh.Guardrails) -> None:
    """As in a notebook, where each call has a loop of its own."""
    cassette = wh.Cassette(path, record="httpx")

    found = [
        wh.call(action(service.url), {"text": text}, transport=cassette, secrets=SECRETS, guardrails=loopback)
        for text in "ab"
    ]

    assert [outcome.response for outcome in found] == [{"number": 1}, {"number": 2}]
    assert len(written(path)) == 2


EXCHANGE: dict[str, Any] = {"request": {"method": "GET", "url": "u"}, "answer": {"status": 200}}


def document(**fields: Any) -> dict[str, Any]:
    """A file with these fields."""
    return {"wayhook": 1, "kind": "cassette", "exchanges": [EXCHANGE], **fields}


def changed(**fields: Any) -> dict[str, Any]:
    """A file whose second exchange has these fields."""
    return document(exchanges=[EXCHANGE, {**EXCHANGE, **fields}])


AT = "$.exchanges[1]"
ASKED = EXCHANGE["request"]


FAILED = {"message": 1, "evidence": "x", "delivery": [], "local": 1}


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("", ["$"]),
        ("{", ["$"]),
        (b"\xff", ["$"]),
        ("[]", ["$"]),
        ("[" * 5000, ["$"]),
        ({}, ["$.wayhook", "$.kind", "$.exchanges"]),
        (document(wayhook=2), ["$.wayhook"]),
        (document(wayhook="1", kind="action", more=1), ["$.more", "$.wayhook", "$.kind"]),
        (document(exchanges={}), ["$.exchanges"]),
        (document(exchanges=[7]), ["$.exchanges[0]"]),
        (changed(request=[]), [f"{AT}.request"]),
        (changed(request={}), [f"{AT}.request.method", f"{AT}.request.url"]),
        (changed(request={**ASKED, "headers": ["a"]}), [f"{AT}.request.headers"]),
        (
            changed(request={**ASKED, "headers": {"a": 1, "b": ["x", None]}}),
            [f"{AT}.request.headers.a", f"{AT}.request.headers.b"],
        ),
        (changed(request={**ASKED, "json": 1, "text": "x"}), [f"{AT}.request"]),
        (changed(request={**ASKED, "text": 7}), [f"{AT}.request.text"]),
        (changed(request={**ASKED, "base64": "?"}), [f"{AT}.request.base64"]),
        (changed(request={**ASKED, "boby": 1}), [f"{AT}.request.boby"]),
        (changed(answer={"status": "200"}), [f"{AT}.answer.status"]),
        (
            changed(answer={"status": 20, "fault": 1, "headers": 1}),
            [f"{AT}.answer.fault", f"{AT}.answer.headers", f"{AT}.answer.status"],
        ),
        (changed(answer={"status": 200, "json": {"a": "\ud800"}}), [f"{AT}.answer.json"]),
        (changed(answer={"status": 200, "text": "\ud800"}), [f"{AT}.answer.text"]),
        (changed(failure={"message": "m", "evidence": "never sent"}), [AT]),
        (document(exchanges=[{"request": ASKED}]), ["$.exchanges[0]"]),
        (
            document(exchanges=[{"request": ASKED, "failure": FAILED}]),
            [f"$.exchanges[0].failure.{name}" for name in FAILED],
        ),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_with_every_fault(path: Path, text: Any, paths: list[str]) -> None:
    """Truncated, deep, of another kind or version, or wrong here and there: each fault has its path."""
    content = text if isinstance(text, str | bytes) else json.dumps(text)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(wh.DocumentError) as caught:
        wh.Cassette(path)

    assert sorted(violation.path for violation in caught.value.violations) == sorted(paths)


def test_a_newer_file_is_told(path: Path) -> None:
    """It is left as it is."""
    path.write_text(json.dumps(document(wayhook=2)))

    with pytest.raises(wh.DocumentError, match="written by a newer wayhook"):
        wh.Cassette(path, record=FakeTransport())


def test_a_file_with_a_thousand_faults_tells_enough_of_them(path: Path) -> None:
    """Nobody would read more."""
    path.write_text(json.dumps(document(exchanges=[7] * 100_000)))

    with pytest.raises(wh.DocumentError) as caught:
        wh.Cassette(path)

    assert 100 <= len(caught.value.violations) < 110


def test_a_huge_file_is_not_read(path: Path) -> None:
    """The beginning is enough to tell."""
    with path.open("wb") as file:
        file.truncate(65 * 1024 * 1024)

    with pytest.raises(wh.DocumentError, match="at most 67,108,864 bytes"):
        wh.Cassette(path)


@pytest.mark.parametrize(
    ("parts", "match"),
    [
        ({}, r"there is no file calls\.json; record it"),
        ({"ignoring": "at"}, r"\$\.ignoring: a collection"),
        ({"ignoring": [7]}, r"\$\.ignoring: a collection"),
        ({"record": 7}, r"\$\.record: a transport"),
        ({"record": "nobody"}, r"no 'nobody' among the transports"),
    ],
)
def test_what_cannot_be_used_is_refused(path: Path, parts: dict[str, Any], match: str) -> None:
    """Before anything is called."""
    with pytest.raises(wh.DefinitionError, match=match):
        wh.Cassette(path, **parts)


@pytest.mark.parametrize("bad", [7, None, b"x"])
def test_a_path_is_the_name_of_a_file(bad: Any) -> None:
    """Nothing else is."""
    with pytest.raises(wh.DefinitionError, match=r"\$\.path: the name of a file"):
        wh.Cassette(bad)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """Nor is a name in a folder that is not there, when something is to be recorded."""
    with pytest.raises(wh.DocumentError, match="the file cannot be read: Is a directory"):
        wh.Cassette(tmp_path)
    with pytest.raises(wh.DefinitionError, match=r"\$\.path: the folder of the file is not there"):
        wh.Cassette(tmp_path / "no" / "calls.json", record=FakeTransport())


def test_secrets_that_are_given_are_used(path: Path) -> None:
    """A replay looks none up by itself; a source of the caller's own is asked."""
    record(path, wh.Response(200), {"text": "a"})
    own = FakeSecrets({"env:KEY": "another text"})

    [outcome] = called(wh.Cassette(path), action(), {"text": "a"}, secrets=own)

    assert (outcome.succeeded, own.asked) == (True, ["env:KEY"])


def test_a_header_that_cannot_be_written_is_replaced(path: Path) -> None:
    """Whatever a transport brings, the file can be read again."""
    record(path, wh.Response(200, (("x-odd", "a\udcff"),)), {"text": "a"})

    assert written(path)[0]["answer"]["headers"] == {"x-odd": "a?"}
    assert len(wh.Cassette(path).exchanges) == 1
