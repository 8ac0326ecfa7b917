"""A unique secret in every place that takes one, looked for in everything that is shown, logged, kept or raised.

P49 to P51 of the promises: through a fake transport and through one real socket, whatever comes back; also a receiver
that repeats all it was sent.
"""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
import traceback
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, unquote

import attrs
import httpx
import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry, generate_latest

import wayhook as wh
from wayhook.testing import Answer, FakeClock, FakeSecrets, FakeTransport, LoopbackService, Received, RecordingSink

ENDPOINT = "https://auth.example.com/token"
TOKEN = "canary-token/+7f3a="
PEM = (
    rsa.generate_private_key(public_exponent=65537, key_size=2048)
    .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    .decode()
)
SECRETS = {f"env:{name}": f"canary-{name}/+7f3a=" for name in ("USER", "PASS", "KEY", "PARAM", "HEADER", "BODY", "LIT")}
SECRETS["env:PEM"] = PEM
LITERAL = wh.literal_secret(SECRETS["env:LIT"])


def _spellings(secret: str) -> set[str]:
    encoded = b64encode(secret.encode()).decode().rstrip("=")
    return {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), encoded, json.dumps(secret)[1:-1]}


CANARIES = {spelling for secret in (*SECRETS.values(), TOKEN) for spelling in _spellings(secret)}
CANARIES |= set(PEM.splitlines()[1:-2])
PAIR = b64encode(f"joe:{SECRETS['env:PASS']}".encode()).decode()
CANARIES.add(PAIR)


def _secret(name: str) -> wh.SecretReference:
    return wh.secret(f"env:{name}")


def _custom(**fields: Any) -> wh.CustomAuthorization:
    return wh.CustomAuthorization(ENDPOINT, **{"body_type": "form", "token_in_response": "response", **fields})


KINDS: dict[str, wh.Authentication] = {
    "none": wh.NoAuthentication(),
    "basic": wh.BasicAuthentication("joe", _secret("PASS")),
    "key in a header": wh.ApiKeyAuthentication("X-Key", _secret("KEY")),
    "key in the query": wh.ApiKeyAuthentication("key", _secret("KEY"), location="query"),
    "key in the path": wh.ApiKeyAuthentication("hook", _secret("KEY"), location="path"),
    "literal": wh.ApiKeyAuthentication("X-Key", LITERAL),
    "bearer": wh.BearerAuthentication(_secret("KEY")),
    "token, form": _custom(body_params={"secret": _secret("BODY")}, headers={"X-Client": _secret("HEADER")}),
    "token, json": _custom(body_type="json", body_params={"deep": {"secret": [LITERAL]}}),
    "token in the query": _custom(authorization_type="queryParam", token_target="tok"),
    "token in a header": _custom(authorization_type="header", token_target="X-Token"),
    "client credentials": wh.OAuthClientCredentials(ENDPOINT, "joe", _secret("PASS")),
    "client credentials, body": wh.OAuthClientCredentials(ENDPOINT, "j", LITERAL, client_authentication="body"),
    "assertion": wh.JwtBearerGrant(ENDPOINT, "me", _secret("PEM")),
    "mutual": wh.MutualTlsAuthentication(_secret("PEM"), _secret("PEM"), authentication=wh.NoAuthentication()),
}


def _everything(request: wh.Request) -> bytes:
    """All that a receiver learns of a request, as it came and opened."""
    pairs = [value.removeprefix("Basic ") for _, value in request.headers if value.startswith("Basic ")]
    opened = [b64decode(pair).decode("latin-1") for pair in pairs]
    seen = [request.url, unquote(request.url), dict(request.headers), (request.body or b"").decode(), opened]
    return f"{json.dumps(seen)} {seen}".encode()


def _repeating(status: int) -> Callable[[wh.Request], wh.Response]:
    def reply(request: wh.Request) -> wh.Response:
        everything = _everything(request)
        shown = quote(everything.decode("latin-1"))
        return wh.Response(status, (("x-echo", shown), ("location", f"/{shown}"), ("retry-after", "1")), everything)

    return reply


def _telling(evidence: wh.Evidence) -> Callable[[wh.Request], wh.TransportError]:
    return lambda request: wh.TransportError(f"it broke at {request.url} {_everything(request).decode()}", evidence)


def _raising(request: wh.Request) -> wh.Response:
    raise ValueError(_everything(request).decode())


FAULTS: dict[str, Callable[[wh.Request], Any]] = {
    **{f"repeats, {status}": _repeating(status) for status in (200, 302, 401, 404, 429, 500, 503, 999)},
    **{f"tells, {evidence}": _telling(evidence) for evidence in wh.Evidence if evidence != "delivered"},
    "a bug": _raising,
}


def _action(authentication: wh.Authentication, url: str = "https://api.example.com/hook") -> wh.Action:
    return wh.Action(
        name="Ping",
        url_configuration=wh.UrlConfiguration(
            url,
            method="PUT",
            headers={"X-Secret": _secret("HEADER")},
            query_parameters={"p": _secret("PARAM")},
        ),
        authentication=authentication,
        response=wh.payload({"echo": "x"}),
        failure_response=wh.payload({"echo": "x"}),
        idempotency_header="Idempotency-Key",
    )


def _pickled(value: object) -> str:
    try:
        return pickle.dumps(value).decode("latin-1")
    except TypeError as refused:  # a literal secret in it
        return str(refused)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and all that stands behind it, suppressed or not."""
    seen: list[BaseException] = []
    queue = [error]
    while queue:
        one = queue.pop()
        if one is not None and one not in seen:
            seen.append(one)
            queue += [one.__cause__, one.__context__]
            yield one


def _told(error: BaseException) -> Iterator[str]:
    for one in _chain(error):
        yield from (repr(one), str(one), repr(one.args), repr(vars(one)), _pickled(one))
        yield "".join(traceback.TracebackException.from_exception(one, capture_locals=True).format())


def _shown(value: Any) -> Iterator[str]:
    yield from (repr(value), str(value), _pickled(value))
    if hasattr(value, "_repr_html_"):
        yield value._repr_html_()


def _texts(outcome: wh.Outcome) -> Iterator[str]:
    """Every text form of an outcome and of its parts."""
    for part in (outcome, outcome.call, outcome.received, outcome.response, outcome.attempts, outcome.response_faults):
        yield from _shown(part)
    if outcome.received is not None:
        yield from (outcome.received.text, str(outcome.received.headers))
    yield json.dumps(outcome.step_event())
    if outcome.call is not None:
        yield from (wh.to_curl(outcome.call), wh.to_http_file(outcome.call))
    try:
        outcome.raise_for_error()
    except wh.WayhookError as error:
        yield from _told(error)
    if outcome.cause is not None:
        yield from _told(outcome.cause)


class Telemetry:
    """Every sink that comes with the library, and all that they tell."""

    def __init__(self) -> None:
        self._spans, self._metrics, self._registry = InMemorySpanExporter(), InMemoryMetricReader(), CollectorRegistry()
        tracers = TracerProvider(shutdown_on_exit=False)
        tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        meters = MeterProvider([self._metrics], shutdown_on_exit=False)
        self.recording = RecordingSink()
        spans = wh.OpenTelemetrySink(tracer_provider=tracers, meter_provider=meters)
        self.sinks = self.recording, wh.LogSink(), spans, wh.PrometheusSink(self._registry)

    def texts(self) -> Iterator[str]:
        """Events, spans, points and samples; there are some of each."""
        spans, data = self._spans.get_finished_spans(), self._metrics.get_metrics_data()
        assert spans
        assert data is not None
        samples = generate_latest(self._registry).decode()
        assert "wayhook_executions_total{" in samples
        yield from (samples, data.to_json(), *(span.to_json() for span in spans), *_shown(self.recording.events))


def _found(texts: Iterator[str] | list[str]) -> list[str]:
    return [canary for text in texts for canary in CANARIES if canary in text]


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Every logger of the process, at DEBUG."""
    caplog.set_level(logging.DEBUG)
    names = [name for name in logging.root.manager.loggerDict if not name.startswith(("hypothesis", "faker"))]
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield caplog
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_no_secret_is_shown_whatever_happens(
    kind: str, fault: str, everything_logged: pytest.LogCaptureFixture, clock: FakeClock, tmp_path: Path
) -> None:
    """The secrets went over the wire, and stand in no text, log, event, exception, frame, pickle or row."""
    issued = TOKEN.encode() if kind.startswith("token") else json.dumps({"access_token": TOKEN}).encode()

    def reply(request: wh.Request) -> Any:
        return wh.Response(200, body=issued) if request.url == ENDPOINT else FAULTS[fault](request)

    transport, telemetry = FakeTransport(reply), Telemetry()
    store = wh.SqliteTokenStore(tmp_path / "t.db", key=wh.literal_secret(Fernet.generate_key().decode()), clock=clock)
    context = wh.Context({"E": {"a": 1}})
    repository = wh.MemoryRepository()
    journey = wh.Journey("J", [wh.ActionActivity("Ping", label="p")])

    async with wh.Executor(
        repository, transport=transport, secrets=FakeSecrets(SECRETS), events=telemetry.sinks,
        clock=clock, tokens=store,
    ) as executor:  # fmt: skip
        outcome = await executor.call(_action(KINDS[kind]))
        texts = [repr(executor), repr(executor._means), repr(executor._means.tokens)]
        if kind not in ("literal", "token, json", "client credentials, body"):
            await repository.save(_action(KINDS[kind]), journey)
            executed = await executor.execute("J", "p", context)
            texts += [*_texts(executed), repr(context), _pickled(context), wh.dumps(_action(KINDS[kind]))]
            texts.append(json.dumps(await wh.export_journey(repository, "J")))

    sent = "".join(f"{r.url} {r.headers} {r.body}" for r in transport.requests)
    assert any(canary in sent for canary in CANARIES)
    texts += [*_texts(outcome), everything_logged.text, *telemetry.texts(), repr(transport.requests)]
    texts += [path.read_bytes().decode("latin-1") for path in tmp_path.iterdir()]  # noqa: ASYNC240 - a small file
    assert _found(texts) == []


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "repeats, 200"])
@pytest.mark.parametrize("kind", ["token, form", "client credentials", "assertion", "token, json"])
async def test_no_secret_of_a_token_call_is_shown(
    kind: str, fault: str, everything_logged: pytest.LogCaptureFixture, clock: FakeClock
) -> None:
    """What a token endpoint repeats or breaks with is shown by no outcome, error, event or log."""
    transport, telemetry = FakeTransport(FAULTS[fault]), Telemetry()

    async with wh.Executor(
        transport=transport, secrets=FakeSecrets(SECRETS), events=telemetry.sinks, clock=clock
    ) as executor:
        outcome = await executor.call(_action(KINDS[kind]))
        checked = await executor.check_authentication(_action(KINDS[kind]))

    assert not outcome.succeeded
    assert _found([*_texts(outcome), *_texts(checked), everything_logged.text, *telemetry.texts()]) == []


BROKEN = {
    "env:PASS": "canary-\npass/+7f3a=",
    "env:KEY": "canary-key\ud800/+7f3a=",
    "env:PEM": "-----BEGIN PRIVATE KEY-----\ncanaryPEM7f3a\n-----END PRIVATE KEY-----",
}


@pytest.mark.parametrize("kind", ["basic", "bearer", "key in the path", "assertion", "client credentials", "mutual"])
async def test_no_secret_that_does_not_fit_is_shown(kind: str, clock: FakeClock) -> None:
    """A secret that cannot be sent is told by its reference; no frame behind the error holds it."""
    transport, secrets = FakeTransport(), FakeSecrets({**SECRETS, **BROKEN})

    async with wh.Executor(transport=transport, secrets=secrets, clock=clock) as executor:
        outcome = await executor.call(_action(KINDS[kind]))

    spelled = [spelling for broken in BROKEN.values() for spelling in (broken, repr(broken)[1:-1], "canaryPEM7f3a")]
    assert isinstance(outcome.cause, wh.WayhookError) or kind in ("basic", "mutual")
    assert not [spelling for text in _texts(outcome) for spelling in spelled if spelling in text]


class Turning:
    """Transport, secrets and token store that each give the loop a turn before they answer."""

    def __init__(self, answer: Callable[[wh.Request], wh.Response]) -> None:
        self.answer, self.tokens = answer, dict[str, wh.StoredToken]()

    async def send(self, request: wh.Request, deadline: float) -> wh.Response:
        await asyncio.sleep(0)
        return wh.Response(200, body=TOKEN.encode()) if request.url == ENDPOINT else self.answer(request)

    async def aclose(self) -> None:
        await asyncio.sleep(0)

    async def reveal(self, reference: wh.SecretReference) -> str:
        await asyncio.sleep(0)
        return SECRETS[reference.source]

    async def get(self, key: str) -> wh.StoredToken | None:
        await asyncio.sleep(0)
        return self.tokens.get(key)

    async def put(self, key: str, token: wh.StoredToken) -> None:
        await asyncio.sleep(0)
        self.tokens[key] = token

    async def drop(self, key: str, token: wh.StoredToken) -> None:
        await asyncio.sleep(0)
        self.tokens.pop(key, None)


@pytest.mark.parametrize(("edition", "status"), [("standard", 401), ("standard", 500), ("journey_optimizer", 302)])
@pytest.mark.parametrize("kind", ["token, form", "token in the query", "basic", "key in the path", "literal"])
async def test_no_secret_is_shown_by_a_cancellation_at_any_moment(
    kind: str, edition: str, status: int, clock: FakeClock
) -> None:
    """At whatever await a call is cancelled, its frames hold no secret, and none that an answer repeats (P49, F76)."""
    all_of_it = Turning(_repeating(status))
    rails = attrs.evolve(getattr(wh.Guardrails, edition)(), breaker=None, default_cap=None, slow_cap=None)
    action = attrs.evolve(_action(KINDS[kind]), idempotency_header=None)

    for turns in count():
        async with wh.Executor(
            transport=all_of_it, secrets=all_of_it, tokens=all_of_it, guardrails=rails, clock=clock
        ) as executor:
            call = asyncio.create_task(executor.call(action))
            for _ in range(turns):
                await asyncio.sleep(0)
            if call.done():
                break
            call.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await call
        assert _found(_told(caught.value)) == []

    assert turns > 3
    assert call.result().received is not None


@pytest.mark.parametrize("kind", ["basic", "key in the query", "key in the path", "bearer", "literal"])
@pytest.mark.parametrize("status", [200, 302, 401, 500])
@pytest.mark.parametrize("dials", ["we", "a client"])
async def test_no_secret_is_shown_by_a_real_call(
    kind: str, status: int, dials: str, everything_logged: pytest.LogCaptureFixture, loopback: wh.Guardrails
) -> None:
    """Over a socket, with every logger at DEBUG, the HTTP client's too; body and header fields repeat what was sent."""

    def repeat(request: Received) -> Answer:
        echo = f"{request.target} {dict(request.headers)}"
        return Answer(status, {"echo": echo}, headers={"X-Echo": echo, "Location": f"/{quote(echo)}"})

    telemetry = Telemetry()
    with LoopbackService(repeat) as service:
        parts = {"guardrails": loopback, "secrets": FakeSecrets(SECRETS), "events": telemetry.sinks}
        async with httpx.AsyncClient(trust_env=False) as client:
            transport = wh.HttpxTransport(client if dials == "a client" else None)
            async with wh.Executor(transport=transport, **parts) as executor:
                outcome = await executor.call(_action(KINDS[kind], service.url))
        received = f"{service.received[0].target} {service.received[0].raw_headers}"

    assert any(canary in received for canary in CANARIES)
    assert outcome.received is not None
    assert "***" in outcome.received.text
    assert "***" in (outcome.received.header("x-echo") or "")
    assert {"httpx", "httpcore.connection", "httpcore.http11"} <= set(logging.root.manager.loggerDict)
    assert _found([*_texts(outcome), everything_logged.text, *telemetry.texts()]) == []


KEY = "canary-é/+7f3a="
ECHOES = {
    "escaped as PHP does": r"canary-\u00e9\/+7f3a=",
    "escaped without need": "".join(f"\\u{ord(sign):04X}" for sign in KEY),
    "half escaped": r"\u0063anary-é/+7f3\u0061=",
    "percent-encoded in lower case": "canary-%c3%a9%2f%2b7f3a%3d",
    "percent-encoded and escaped": r"canary-%C3%A9%2F%2B7\u00663a%3D",
    "a path in lower case": "canary-%c3%a9/%2b7f3a%3d",
    "a name in a list of lists": KEY,
}


NOT_AS_IT_CAME = ("escaped without need", "half escaped", "percent-encoded and escaped")
"""Escapes that no list of spellings holds: such a text is masked where it is read, and not in the bytes that came."""


@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("status", [200, 400])
async def test_no_secret_is_shown_in_what_is_read_of_an_answer(echo: str, status: int, clock: FakeClock) -> None:
    """A receiver repeats the key as its own JSON writer spells it: what is parsed is masked again (P49)."""
    body = '{"echo": "<%s>", "n": "%s", "deep": [[{"%s": ["%s"]}]]}'.replace("%s", ECHOES[echo])
    declared = wh.payload({"echo": "x", "n": 1, "deep": [[1]]})
    action = attrs.evolve(
        _action(wh.ApiKeyAuthentication("X-Key", _secret("ODD"), location="query")),
        response=declared,
        failure_response=declared,
    )
    transport = FakeTransport(
        wh.Response(status, (("x-echo", ECHOES[echo].encode().decode("latin-1")),), body.encode())
    )

    async with wh.Executor(
        transport=transport, secrets=FakeSecrets({**SECRETS, "env:ODD": KEY}), clock=clock
    ) as executor:
        outcome = await executor.call(action)

    assert outcome.response == {"echo": "<***>", "n": None, "deep": [[{"***": ["***"]}]]}
    assert outcome.received is not None
    told = [repr(outcome.response), *outcome.response_faults]
    if echo not in NOT_AS_IT_CAME:
        told += [outcome.received.text, str(outcome.received.header("x-echo")).encode("latin-1").decode()]
    assert not [text for text in told for spelled in (KEY, ECHOES[echo]) if spelled in text]


@pytest.mark.parametrize("secret", ["canary-name-7f3a", "canary-name-7f3a" * 5])
async def test_a_name_that_is_a_secret_and_stands_twice_is_not_told(secret: str, clock: FakeClock) -> None:
    """What keeps an answer from being read is told without it, and without the beginning of a long one."""
    name = secret.replace("m", r"\u006d")
    transport = FakeTransport(wh.Response(200, body=f'{{"{name}": 1, "{name}": 2}}'.encode()))

    async with wh.Executor(
        transport=transport, secrets=FakeSecrets({**SECRETS, "env:KEY": secret}), clock=clock
    ) as executor:
        outcome = await executor.call(_action(wh.BearerAuthentication(_secret("KEY"))))

    assert outcome.response_faults == ("$: the name '***' stands twice in one object; keep one",)


async def test_what_is_no_secret_of_the_call_stays(clock: FakeClock) -> None:
    """An answer is masked by knowledge: short texts, other texts and the identifier of the execution are left."""
    body = b'{"echo": "abc canary-other/+7f3a="}'
    transport = FakeTransport(
        lambda request: wh.Response(200, (("x", dict(request.headers)["Idempotency-Key"]),), body)
    )
    action = _action(wh.BearerAuthentication(_secret("SHORT")))

    async with wh.Executor(transport=transport, secrets=FakeSecrets({**SECRETS, "env:SHORT": "abc"})) as executor:
        outcome = await executor.call(action)

    assert outcome.received is not None
    assert outcome.received.body == body
    assert outcome.received.header("x") == outcome.delivery_id
    assert outcome.response == {"echo": "abc canary-other/+7f3a="}


@pytest.mark.parametrize(
    "location", ["https://{}/", "{}://x/", "https://api.example.com:{}/", "https://{}@api.example.com/"]
)
async def test_no_secret_is_shown_by_a_redirect(location: str, clock: FakeClock) -> None:
    """A receiver that leads to a host, or a scheme, of the secret's name: in lower case it is not told either (R88)."""
    secret = "CanarySecretKey0123"
    answer = wh.Response(302, (("location", location.format(secret)),))
    rails = wh.Guardrails.journey_optimizer()
    action = _action(wh.ApiKeyAuthentication("key", _secret("NAME"), location="query"))

    async with wh.Executor(
        transport=FakeTransport(answer),
        secrets=FakeSecrets({**SECRETS, "env:NAME": secret}),
        guardrails=rails,
        clock=clock,
    ) as executor:
        outcome = await executor.call(attrs.evolve(action, idempotency_header=None))

    assert isinstance(outcome.cause, wh.UnsafeCall)
    assert not [text for text in _texts(outcome) if secret.lower() in text.lower()]
