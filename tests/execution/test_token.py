"""Access tokens: one request for many callers, kept for a while, dropped when refused (R109 to R123)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import attrs
import pytest

import wayhook as wh
from wayhook.testing import FakeClock, FakeSecrets, FakeTransport

ENDPOINT = "https://auth.example.com/token"
AUTHORIZATION = wh.CustomAuthorization(ENDPOINT, body_type="form", body_params={"client": "c"})


def _ping(authorization: wh.Authentication = AUTHORIZATION, method: str = "POST") -> wh.Action:
    return wh.Action(
        name="Ping",
        url_configuration=wh.UrlConfiguration("https://api.example.com/v1", method=method),
        authentication=authorization,
    )


def _token(number: int) -> wh.Response:
    return wh.Response(200, body=json.dumps({"access_token": f"t-{number}"}).encode())


class Service(FakeTransport):
    """A token endpoint that issues t-1, t-2, … and a receiver, behind one transport that yields to other tasks.

    `issue`: the answer to the n-th token request. `receive`: the answer to a call with that Authorization.
    """

    def __init__(
        self,
        issue: Callable[[int], wh.Response | wh.TransportError] = _token,
        receive: Callable[[str], wh.Response] = lambda _: wh.Response(200),
        clock: FakeClock | None = None,
        seconds: float = 0.0,
    ) -> None:
        super().__init__(self._reply, clock=clock, seconds=seconds)
        self._issue, self._receive = issue, receive
        self.asked: list[wh.Request] = []
        self.called: list[wh.Request] = []

    def _reply(self, request: wh.Request) -> wh.Response | wh.TransportError:
        if request.url.startswith(ENDPOINT):
            self.asked.append(request)
            return self._issue(len(self.asked))
        self.called.append(request)
        return self._receive(dict(request.headers).get("Authorization", ""))

    async def send(self, request: wh.Request, deadline: float) -> wh.Response:
        await asyncio.sleep(0)
        return await super().send(request, deadline)


@pytest.mark.rule("R98", "R113", "R114", "R115", "R116")
@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ({"authorization_type": "bearer"}, ("Authorization", "Bearer t-1")),
        ({"authorization_type": "Header", "token_target": "X-Token"}, ("X-Token", "t-1")),
        ({"authorization_type": "queryParam", "token_target": "tok"}, ("tok", "t-1")),
    ],
)
async def test_a_token_is_asked_for_and_sent(kind: dict[str, str], place: tuple[str, str]) -> None:
    """The token call comes first, with its own body; its token goes where the action says."""
    service = Service()

    async with wh.Executor(transport=service) as executor:
        outcome = await executor.call(_ping(attrs.evolve(AUTHORIZATION, **kind)))

    assert outcome.status == "http_200"
    (asked,), (called,) = service.asked, service.called
    assert (asked.method, asked.body) == ("POST", b"client=c")
    query = {name: values[0] for name, values in parse_qs(called.url.partition("?")[2]).items()}
    assert place in {**dict(called.headers), **query}.items()
    assert len(outcome.attempts) == 1


async def test_many_callers_ask_once() -> None:
    """A thousand calls with an empty cache make one token request, and every one of them gets its token."""
    service = Service()

    async with wh.Executor(transport=service) as executor:
        outcomes = await asyncio.gather(*(executor.call(_ping()) for _ in range(1000)))

    assert len(service.asked) == 1
    assert {outcome.status for outcome in outcomes} == {"http_200"}
    assert len(service.called) == 1000


@pytest.mark.rule("R117")
@pytest.mark.parametrize(("minutes", "requests"), [(0, 1), (59, 1), (61, 2)])
async def test_a_token_is_kept_for_an_hour(minutes: int, requests: int, clock: FakeClock) -> None:
    """Without a duration of its own a token serves 59 minutes, and no 61."""
    service = Service()

    async with wh.Executor(transport=service, clock=clock) as executor:
        await executor.call(_ping())
        clock.pass_time(minutes * 60)
        await executor.call(_ping())

    assert len(service.asked) == requests


@pytest.mark.rule("R117", "R118", "R119")
@pytest.mark.parametrize(
    ("duration", "kept", "gone"),
    [
        (wh.CacheDuration(10, wh.TimeUnit.SECONDS), 8, 10),
        (wh.CacheDuration(1500, wh.TimeUnit.MILLISECONDS), 1.3, 1.5),
        (wh.CacheDuration(2, wh.TimeUnit.DAYS), 172_700, 172_800),
    ],
)
async def test_a_token_is_kept_as_long_as_configured(
    duration: wh.CacheDuration, kept: float, gone: float, clock: FakeClock
) -> None:
    """A token serves for its duration but for a margin, and never longer."""
    service, action = Service(), _ping(attrs.evolve(AUTHORIZATION, cache_duration=duration))

    async with wh.Executor(transport=service, clock=clock) as executor:
        await executor.call(action)
        clock.pass_time(kept)
        await executor.call(action)
        asked_while_kept = len(service.asked)
        clock.pass_time(gone - kept)
        await executor.call(action)

    assert (asked_while_kept, len(service.asked)) == (1, 2)


@pytest.mark.rule("R119")
async def test_a_duration_of_zero_uses_a_token_once() -> None:
    """With no duration every call asks anew."""
    service, action = Service(), _ping(attrs.evolve(AUTHORIZATION, cache_duration=wh.CacheDuration(0)))

    async with wh.Executor(transport=service) as executor:
        await executor.call(action)
        await executor.call(action)

    assert [dict(r.headers)["Authorization"] for r in service.called] == ["Bearer t-1", "Bearer t-2"]


@pytest.mark.rule("R122")
async def test_each_journey_has_its_own_token() -> None:
    """A token is shared within a journey and not between journeys, nor with a call outside of them."""
    service, repository = Service(), wh.MemoryRepository()
    await repository.save(_ping())
    for name in ("A", "B"):
        await repository.save(wh.Journey(name, [wh.ActionActivity("Ping", label="p")]))

    async with wh.Executor(repository, transport=service) as executor:
        for name in ("A", "B", "A", "B"):
            await executor.execute(name, "p", wh.Context())
        await executor.call("Ping")

    assert [dict(r.headers)["Authorization"][-3:] for r in service.called] == ["t-1", "t-2", "t-1", "t-2", "t-3"]


@pytest.mark.parametrize(
    "change",
    [
        {"body_params": {"client": "d"}},
        {"headers": {"X-Scope": "write"}},
        {"token_in_response": "json://id_token"},
        {"body_type": "json"},
        {"endpoint": ENDPOINT + "/v2"},
        {"method": "GET", "body_type": None},
        {"body_params": {"client": wh.secret("env:C")}},
        {"body_params": {"client": wh.secret("env:D")}},
        {"cache_duration": wh.CacheDuration(2)},
    ],
)
async def test_each_way_of_asking_has_its_own_token(change: dict[str, object]) -> None:
    """Two authorizations that differ in what they ask for do not share a token."""
    service = Service(lambda number: wh.Response(200, body=b'{"access_token":"a","id_token":"b"}'))

    async with wh.Executor(transport=service, secrets=FakeSecrets({"env:C": "c", "env:D": "c"})) as executor:
        await executor.call(_ping())
        await executor.call(_ping(attrs.evolve(AUTHORIZATION, **change)))

    assert len(service.asked) == 2


async def test_each_certificate_has_its_own_token() -> None:
    """A token may be bound to the client certificate that it was asked for with (RFC 8705)."""
    service, secrets = Service(), FakeSecrets({"env:A": "a", "env:B": "b"})
    mutual = [wh.MutualTlsAuthentication("c", wh.secret(f"env:{k}"), authentication=AUTHORIZATION) for k in "AB"]

    async with wh.Executor(transport=service, secrets=secrets) as executor:
        for authentication in mutual:
            await executor.call(_ping(authentication))

    assert [request.identity for request in service.asked] == [("c", "a"), ("c", "b")]
    assert [request.identity for request in service.called] == [("c", "a"), ("c", "b")]
    assert [dict(r.headers)["Authorization"] for r in service.called] == ["Bearer t-1", "Bearer t-2"]


async def test_a_refused_token_is_replaced_once() -> None:
    """A 401 drops the token and repeats the call once with a new one, also a POST."""
    service = Service(receive=lambda header: wh.Response(401 if header == "Bearer t-1" else 200))

    async with wh.Executor(transport=service) as executor:
        outcome = await executor.call(_ping())
        await executor.call(_ping())

    assert (outcome.status, len(outcome.attempts), len(service.asked)) == ("http_200", 2, 2)
    assert [attempt.number for attempt in outcome.attempts] == [1, 2]
    assert [dict(r.headers)["Authorization"][-3:] for r in service.called] == ["t-1", "t-2", "t-2"]


async def test_a_lasting_401_is_the_outcome() -> None:
    """A destination that refuses every token gets two requests and one more token, and no more."""
    service = Service(receive=lambda _: wh.Response(401))

    async with wh.Executor(transport=service) as executor:
        outcome = await executor.call(_ping(method="PUT"))

    assert (outcome.status, len(service.called), len(service.asked)) == ("http_401", 2, 2)


async def test_a_replayed_call_is_tried_four_times_at_most() -> None:
    """The replay counts among the four attempts."""
    service = Service(receive=lambda header: wh.Response(401 if header == "Bearer t-1" else 503))

    async with wh.Executor(transport=service, clock=FakeClock()) as executor:
        outcome = await executor.call(_ping())

    assert (outcome.status, len(service.called)) == ("http_503", 4)
    assert [attempt.number for attempt in outcome.attempts] == [1, 2, 3, 4]


async def test_a_403_keeps_the_token() -> None:
    """A 403 is no reason for a new token."""
    service = Service(receive=lambda _: wh.Response(403))

    async with wh.Executor(transport=service) as executor:
        await executor.call(_ping())
        await executor.call(_ping())

    assert (len(service.called), len(service.asked)) == (2, 1)


async def test_a_token_revoked_under_many_is_replaced_once() -> None:
    """A hundred calls that see the 401 at once make one token request, and each is replayed once."""
    service = Service(receive=lambda header: wh.Response(401 if header == "Bearer t-1" else 200))

    async with wh.Executor(transport=service) as executor:
        outcomes = await asyncio.gather(*(executor.call(_ping()) for _ in range(100)))

    assert len(service.asked) == 2
    assert {(outcome.status, len(outcome.attempts)) for outcome in outcomes} == {("http_200", 2)}


async def test_a_refused_token_is_not_used_by_the_next_call_in_any_edition() -> None:
    """The optimizer does not repeat a 401, but the token that it refused is gone."""
    service = Service(receive=lambda header: wh.Response(401 if header == "Bearer t-1" else 200))
    optimizer = wh.Guardrails.journey_optimizer()

    async with wh.Executor(transport=service, guardrails=optimizer) as executor:
        statuses = [(await executor.call(_ping())).status for _ in range(2)]

    assert statuses == ["http_401", "http_200"]


@pytest.mark.parametrize(
    ("reply", "requests"),
    [
        (wh.Response(400), 1),
        (wh.Response(401), 1),
        (wh.Response(302, (("location", ENDPOINT + "/v2"),)), 1),
        (wh.Response(500), 4),
        (wh.Response(429), 4),
        (wh.TransportError("the host cannot be connected to", wh.Evidence.NEVER_SENT), 4),
        (wh.TransportError("the connection broke", wh.Evidence.AMBIGUOUS), 4),
        (wh.TransportError("the certificate is not trusted", wh.Evidence.PERMANENT), 1),
    ],
    ids=str,
)
async def test_a_failing_token_endpoint_ends_the_call(
    reply: wh.Response | wh.TransportError, requests: int, clock: FakeClock
) -> None:
    """An outage of the token endpoint is repeated, a refusal is not; the action is never called."""
    service = Service(lambda _: reply)

    async with wh.Executor(transport=service, clock=clock) as executor:
        outcome = await executor.call(_ping())

    assert (outcome.status, outcome.attempts, service.called) == ("internalError", (), [])
    assert len(service.asked) == requests
    with pytest.raises(wh.AuthenticationFailed) as failed:
        outcome.raise_for_error()
    assert failed.value.outcome is outcome


async def test_an_outage_that_passes_is_no_failure(clock: FakeClock) -> None:
    """A token that comes at the third try serves the call."""
    service = Service(lambda number: wh.Response(500) if number < 3 else _token(number))

    async with wh.Executor(transport=service, clock=clock) as executor:
        outcome = await executor.call(_ping())

    assert (outcome.status, len(service.asked)) == ("http_200", 3)


async def test_a_failure_is_shared_and_not_kept(clock: FakeClock) -> None:
    """All who wait share one failing token request; who comes later asks again."""
    service = Service(lambda number: wh.TransportError("x", wh.Evidence.PERMANENT) if number == 1 else _token(number))

    async with wh.Executor(transport=service, clock=clock) as executor:
        failed = await asyncio.gather(*(executor.call(_ping()) for _ in range(20)))
        later = await executor.call(_ping())

    assert {outcome.status for outcome in failed} == {"internalError"}
    assert later.status == "http_200"
    assert len(service.asked) == 2


@pytest.mark.parametrize("answer", [wh.Response(401), wh.Response(400), wh.Response(200, body=b"{}")], ids=str)
async def test_a_refusal_is_remembered_for_a_second(answer: wh.Response, clock: FakeClock) -> None:
    """Many callers with a wrong secret ask once a second, so that nobody's account is locked (F70)."""
    service = Service(lambda number: answer if number == 1 else _token(number))

    async with wh.Executor(transport=service, clock=clock) as executor:
        failed = [await executor.call(_ping()) for _ in range(20)]
        asked = len(service.asked)
        clock.pass_time(1)
        later = await executor.call(_ping())

    assert (asked, len(service.asked), later.status) == (1, 2, "http_200")
    assert {type(outcome.cause) for outcome in failed} == {wh.AuthenticationFailed}
    assert len({id(outcome.cause) for outcome in failed}) == len(failed)


async def test_an_expired_token_is_forgotten(clock: FakeClock) -> None:
    """What expired is not held in memory for as long as the executor lives."""
    service = Service()

    async with wh.Executor(transport=service, clock=clock) as executor:
        for number in range(5):
            clock.pass_time(3600)
            await executor.call(_ping(attrs.evolve(AUTHORIZATION, body_params={"client": str(number)})))
        kept = len(executor._means.tokens._kept)

    assert (len(service.asked), kept) == (5, 1)


UNUSABLE = [
    b"", b"t-1", b"{}", b"[]", b"null", b'{"access_token":null}', b'{"access_token":5}', b'{"access_token":true}',
    b'{"access_token":""}', b'{"access_token":"a b"}', b'{"access_token":"a\\r\\nX-Evil: 1"}',
    b'{"access_token":"a\\u0000"}', '{"access_token":"é"}'.encode(), b'{"access_token":["t"]}', b'{"access_token":"t"',
    b'{"access_token":"' + b"x" * 8193 + b'"}', b"\xff\xfe", b"[" * 100_000, b'{"access_token":"a","access_token":"b"}',
    b'{"access_token":"a","pad":"' + b"x" * 65_536 + b'"}',
]  # fmt: skip


@pytest.mark.rule("R109", "R111", "R112")
@pytest.mark.parametrize("body", UNUSABLE, ids=lambda body: repr(body[:30]))
async def test_an_unusable_token_never_touches_a_header(body: bytes) -> None:
    """What is no token of 1 to 8,192 visible ASCII characters ends the call before the action is called."""
    service = Service(lambda _: wh.Response(200, body=body))

    async with wh.Executor(transport=service) as executor:
        outcome = await executor.call(_ping())

    assert service.called == []
    assert isinstance(outcome.cause, wh.AuthenticationFailed)
    assert "json://access_token" in str(outcome.cause)


async def test_a_token_from_a_broken_answer_is_not_used() -> None:
    """An answer that was cut gives no token, whatever its body holds."""
    service = Service(lambda _: attrs.evolve(_token(1), fault="the body is cut or malformed"))

    async with wh.Executor(transport=service) as executor:
        outcome = await executor.call(_ping())

    assert (service.called, type(outcome.cause)) == ([], wh.AuthenticationFailed)


@pytest.mark.rule("R109", "R110")
@pytest.mark.parametrize(
    ("selector", "body", "token"),
    [
        ("response", b" plain-token\n", "plain-token"),
        ("json://data/token", b'{"data":{"token":"deep"}}', "deep"),
        ("json://data.items.1", b'{"data":{"items":["a","second"]}}', "second"),
        ("json://access_token", b'{"access_token":"' + b"x" * 8192 + b'"}', "x" * 8192),
    ],
    ids=["whole body", "slashes", "dots", "longest"],
)
async def test_a_token_is_found_where_the_selector_says(selector: str, body: bytes, token: str) -> None:
    """A token is the whole body, or a text inside of a JSON body."""
    service = Service(lambda _: wh.Response(200, body=body))

    async with wh.Executor(transport=service) as executor:
        await executor.call(_ping(attrs.evolve(AUTHORIZATION, token_in_response=selector)))

    assert [dict(request.headers)["Authorization"] for request in service.called] == [f"Bearer {token}"]


class Gate(Service):
    """A service whose token endpoint answers only when the gate is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open = asyncio.Event()
        self.reached = asyncio.Event()

    async def send(self, request: wh.Request, deadline: float) -> wh.Response:
        if request.url.startswith(ENDPOINT):
            self.reached.set()
            await self.open.wait()
        return await super().send(request, deadline)


async def test_a_cancelled_fetcher_takes_the_token_from_nobody() -> None:
    """When the call that asked first is cancelled the others get their token from the same request."""
    gate = Gate()

    async with wh.Executor(transport=gate) as executor:
        first = asyncio.create_task(executor.call(_ping()))
        await gate.reached.wait()
        others = [asyncio.create_task(executor.call(_ping())) for _ in range(3)]
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        gate.open.set()
        outcomes = await asyncio.gather(*others)

    assert [outcome.status for outcome in outcomes] == ["http_200"] * 3
    assert len(gate.asked) == 1


async def test_leaving_ends_a_token_request_under_way() -> None:
    """A token request nobody waits for any more leaves no task behind when the executor is left."""
    gate, before = Gate(), asyncio.all_tasks()

    async with wh.Executor(transport=gate) as executor:
        call = asyncio.create_task(executor.call(_ping()))
        await gate.reached.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    assert asyncio.all_tasks() == before


@pytest.mark.rule("R205")
async def test_the_deadline_covers_the_token_call() -> None:
    """A token endpoint that never answers ends the call at its own deadline, on the real clock."""
    gate, loop = Gate(), asyncio.get_running_loop()
    started = loop.time()

    async with wh.Executor(transport=gate) as executor:
        outcome = await executor.call(_ping(), timeout=1)

    assert (outcome.status, outcome.attempts) == ("timedout", ())
    assert 1 <= loop.time() - started < 1.25


@pytest.mark.rule("R205")
async def test_a_slow_token_leaves_no_time_for_the_call(clock: FakeClock) -> None:
    """Time that the token call took is not given to the action: beyond the deadline nothing is sent."""
    service = Service(clock=clock, seconds=6)

    async with wh.Executor(transport=service, clock=clock) as executor:
        outcome = await executor.call(_ping(), timeout=5)

    assert (outcome.status, service.called) == ("timedout", [])


@pytest.mark.rule("R105", "R106", "R107", "R108")
async def test_the_token_request_holds_its_secrets() -> None:
    """Secrets of headers and body are put in place, in a form and in JSON."""
    service = Service()
    params = {"client": "c &=", "secret": wh.secret("env:S")}
    form = wh.CustomAuthorization(ENDPOINT, body_type="form", body_params=params, headers={"X-Id": wh.secret("env:I")})

    async with wh.Executor(transport=service, secrets=FakeSecrets({"env:S": "s+1", "env:I": "id"})) as executor:
        await executor.call(_ping(form))
        await executor.call(_ping(attrs.evolve(form, body_type="json")))

    in_form, in_json = service.asked
    assert parse_qs((in_form.body or b"").decode()) == {"client": ["c &="], "secret": ["s+1"]}
    assert json.loads(in_json.body or b"") == {"client": "c &=", "secret": "s+1"}
    assert dict(in_form.headers)["X-Id"] == "id"
    assert dict(in_form.headers)["Content-Type"].startswith("application/x-www-form-urlencoded")
    assert dict(in_json.headers)["Content-Type"].startswith("application/json")


def _token_action(**parts: Any) -> wh.Action:
    authentication = wh.CustomAuthorization("https://id.example.com/token", body_type="json", **parts)
    return wh.Action(
        name="Ping", url_configuration=wh.UrlConfiguration("https://api.example.com/"), authentication=authentication
    )


class _Hanging(FakeTransport):
    """Never answers."""

    async def send(self, request: wh.Request, deadline: float) -> wh.Response:
        self.requests.append(request)
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_request_ends_with_the_last_who_waits() -> None:
    """When everybody who waits for a token is cancelled, the request is too: no task is left behind."""
    before, transport = asyncio.all_tasks(), _Hanging()

    async with wh.Executor(transport=transport) as executor:
        calls = [asyncio.create_task(executor.call(_token_action())) for _ in range(3)]
        for _ in range(10):
            await asyncio.sleep(0)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        after = asyncio.all_tasks()

    assert (len(transport.requests), after) == (1, before)


async def test_a_secret_that_hung_once_poisons_nothing() -> None:
    """A hanging secret source costs the calls that waited for it; the next call asks anew."""

    class Once(FakeSecrets):
        async def reveal(self, reference: wh.SecretReference) -> str:
            text = await super().reveal(reference)
            if len(self.asked) == 1:
                await asyncio.Event().wait()
            return text

    action = _token_action(body_params={"client_secret": wh.secret("env:KEY")})
    token = wh.Response(200, (), b'{"access_token": "t"}')

    async with wh.Executor(secrets=Once({"env:KEY": "k"}), transport=FakeTransport(token)) as executor:
        first = asyncio.create_task(executor.call(action))
        for _ in range(10):
            await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        second = await executor.call(action)

    assert second.status == "http_200"


async def test_bodies_that_are_equal_in_python_only_have_tokens_of_their_own() -> None:
    """`1` and `True` are two bodies, and two tokens."""
    transport = FakeTransport(wh.Response(200, (), b'{"access_token": "t"}'))

    async with wh.Executor(transport=transport) as executor:
        for n in (1, True, 1.0):
            await executor.call(_token_action(body_params={"n": n}))

    assert [r.body for r in transport.requests if r.url.endswith("token")] == [b'{"n":1}', b'{"n":true}', b'{"n":1.0}']


async def test_a_duration_of_zero_takes_no_token_of_another() -> None:
    """An action that keeps no token asks, though an otherwise equal action has one."""
    transport = FakeTransport(wh.Response(200, (), b'{"access_token": "t"}'))

    async with wh.Executor(transport=transport) as executor:
        await executor.call(_token_action())
        await executor.call(_token_action(cache_duration=wh.CacheDuration(0)))

    assert len([request for request in transport.requests if request.url.endswith("token")]) == 2


async def _settle() -> None:
    for _ in range(8):
        await asyncio.sleep(0)


@pytest.mark.parametrize(("share", "from_seconds"), [(0.0, 3541.0), (0.5, 3541 + 59 / 4), (1.0, 3541 + 59 / 2)])
async def test_a_token_is_renewed_while_it_serves(share: float, from_seconds: float, clock: FakeClock) -> None:
    """In the last minute of an hour, by a time of its own, the next token is fetched and nobody waits for it (P37)."""
    service = Service()

    async with wh.Executor(transport=service, clock=clock, random=lambda: share) as executor:
        await executor.call(_ping())
        clock.pass_time(from_seconds - 1)
        await executor.call(_ping())
        await _settle()
        early = len(service.asked)
        clock.pass_time(1)
        await asyncio.gather(*(executor.call(_ping()) for _ in range(50)))
        await _settle()
        await executor.call(_ping())

    tokens = [dict(request.headers)["Authorization"] for request in service.called]
    assert (early, len(service.asked)) == (1, 2)
    assert tokens[:2] + tokens[-1:] == ["Bearer t-1", "Bearer t-1", "Bearer t-2"]


@pytest.mark.parametrize("failure", [wh.Response(401), wh.Response(503), wh.Response(200, body=b"{}")], ids=str)
async def test_a_renewal_that_fails_harms_nobody(failure: wh.Response, clock: FakeClock) -> None:
    """While the old token serves, calls use it; the endpoint is asked again after a second, not by every call."""
    service = Service(lambda number: _token(number) if number == 1 else failure)
    rails = attrs.evolve(wh.Guardrails.standard(), destination_pauses=False)

    async with wh.Executor(transport=service, clock=clock, guardrails=rails, random=lambda: 0.0) as executor:
        await executor.call(_ping())
        clock.pass_time(3541)
        for _ in range(10):
            assert (await executor.call(_ping())).succeeded
            await _settle()
        asked = len(service.asked)
        clock.pass_time(1)
        assert (await executor.call(_ping())).succeeded
        await _settle()
        again = len(service.asked) - asked
        clock.pass_time(60)
        ended = await executor.call(_ping())

    assert asked in (2, 5)
    assert again in (1, 4)
    assert isinstance(ended.cause, wh.AuthenticationFailed)


async def test_a_renewal_ends_with_the_executor(clock: FakeClock) -> None:
    """A renewal under way leaves no task behind when the executor is left."""
    gate, before = Gate(), asyncio.all_tasks()
    gate.open.set()

    async with wh.Executor(transport=gate, clock=clock, random=lambda: 0.0) as executor:
        await executor.call(_ping())
        gate.open.clear()
        clock.pass_time(3541)
        outcome = await executor.call(_ping())

    assert outcome.succeeded
    assert asyncio.all_tasks() == before


@pytest.mark.rule("R119")
@pytest.mark.parametrize(
    ("duration", "kept", "gone"),
    [
        (wh.CacheDuration(1, wh.TimeUnit.MILLISECONDS), 0.8, 1.0),
        (wh.CacheDuration(2**63 - 1, wh.TimeUnit.YEARS), 9 * 365 * 86_400, 10 * 365 * 86_400),
    ],
)
async def test_lifetimes_are_clamped(duration: wh.CacheDuration, kept: float, gone: float, clock: FakeClock) -> None:
    """A token is kept for a second at least and ten years at most (P37)."""
    service, action = Service(), _ping(attrs.evolve(AUTHORIZATION, cache_duration=duration))

    async with wh.Executor(transport=service, clock=clock) as executor:
        await executor.call(action)
        clock.pass_time(kept)
        await executor.call(action)
        asked = len(service.asked)
        clock.pass_time(gone - kept)
        await executor.call(action)

    assert (asked, len(service.asked)) == (1, 2)


async def test_a_token_that_is_told_to_last_a_moment_is_kept_a_second(clock: FakeClock) -> None:
    """Lifetimes of answers are clamped, too; zero is used once."""
    told = wh.CacheDuration(expiry_in_response="json://expires_in", time_unit="seconds")
    seen = []
    for lifetime in (0, 0.001, 1e300):
        body = json.dumps({"access_token": "t", "expires_in": lifetime}).encode()
        service = Service(lambda _, body=body: wh.Response(200, body=body))
        async with wh.Executor(transport=service, clock=clock) as executor:
            for _ in range(2):
                await executor.call(_ping(attrs.evolve(AUTHORIZATION, cache_duration=told)))
        seen.append(len(service.asked))

    assert seen == [2, 1, 1]


async def test_the_longest_who_waits_decides_how_long_is_tried(clock: FakeClock) -> None:
    """A time that one caller cannot wait for is waited for where another can (section 7)."""
    busy = wh.Response(503, (("retry-after", "8"),))
    service = Service(lambda number: busy if number == 1 else _token(number), clock=clock)

    async with wh.Executor(transport=service, clock=clock, random=lambda: 0.0) as executor:
        short = asyncio.create_task(executor.call(_ping(), timeout=5))
        long = asyncio.create_task(executor.call(_ping(), timeout=30))
        outcomes = await asyncio.gather(short, long)

    assert len(service.asked) == 2
    assert outcomes[1].succeeded
    assert outcomes[0].delivery is wh.Delivery.UNAVAILABLE


async def test_a_wall_clock_that_jumps_changes_no_token(clock: FakeClock) -> None:
    """Expiry is on the monotonic clock: a date of tomorrow or yesterday asks for nothing (P13)."""
    service, real = Service(), clock._start

    async with wh.Executor(transport=service, clock=clock) as executor:
        for day in (1, 2, 30, 1):
            clock._start = real.replace(day=day)
            assert (await executor.call(_ping())).succeeded

    assert len(service.asked) == 1
