"""The rules of a call that its definition alone does not show: what is sent, followed and spoken (R64 to R89)."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest
import trustme

import wayhook as wh
from wayhook.adapters.transport import httpx as httpx_transport
from wayhook.testing import Answer, FakeClock, FakeTransport, LoopbackService

STANDARD = wh.Guardrails.standard()
ORCHESTRATION = wh.Guardrails.journey_orchestration()
OPTIMIZER = wh.Guardrails.journey_optimizer()
EDITIONS = [STANDARD, ORCHESTRATION, OPTIMIZER]
HERE = "https://h.example/v1/"


def make(method: str = "POST", **parts) -> wh.Action:
    """An action at the address `HERE`."""
    places = ("headers", "query_parameters")
    configuration = {name: parts.pop(name) for name in places if name in parts}
    return wh.Action(
        **{"name": "Loyalty", "url_configuration": wh.UrlConfiguration(HERE, method=method, **configuration), **parts}
    )


def used(action: wh.Action, context: wh.Context | None = None, **values) -> wh.Call:
    """The call of an activity that gives these values."""
    journey = wh.Journey("Welcome", [wh.ActionActivity(action.name, label="day1", **values)])
    return wh.preview(journey, "day1", context or wh.Context(), actions=action)


async def called(action: wh.Action, *replies: wh.Response, edition: wh.Guardrails = OPTIMIZER, **more):
    """The outcome of a call, and the requests that it took."""
    transport = FakeTransport(replies)
    async with wh.Executor(transport=transport, guardrails=edition, clock=FakeClock(), random=float, **more) as it:
        return await it.call(action), transport.requests


def found(location: str, status: int = 302) -> wh.Response:
    """An answer that leads on."""
    return wh.Response(status, (("location", location),))


# What is sent


@pytest.mark.rule("R64")
@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("edition", EDITIONS, ids=lambda rails: rails.edition)
def test_a_payload_is_optional(method, edition) -> None:
    """A POST or PUT without fields is accepted and sent without a body; one with fields has one."""
    without, with_fields = make(method), make(method, message_parameters=wh.message_parameters({"a": 1}))

    assert wh.violations(without, guardrails=edition) == wh.violations(with_fields, guardrails=edition) == ()
    assert (wh.preview(without).body, wh.preview(with_fields).body) == (None, b'{"a":1}')


@pytest.mark.rule("R66")
def test_a_variable_header_takes_its_value_from_the_journey() -> None:
    """An event's field, and a literal, become the value of the header."""
    action = make(headers={"Timestamp": wh.variable("When")})
    context = wh.Context({"Launch": {"at": "2031-01-02T03:04:05Z"}})

    from_event = used(action, context, headers={"Timestamp": wh.expression("@event{Launch.at}")})
    literal = used(action, headers={"Timestamp": "now"})

    assert ("Timestamp", "2031-01-02T03:04:05Z") in from_event.headers
    assert ("Timestamp", "now") in literal.headers


@pytest.mark.rule("R66")
def test_a_journey_brings_no_header_of_its_own() -> None:
    """A header that the action does not have cannot be given a value."""
    with pytest.raises(wh.DefinitionError, match=r"\$\.headers\.X-New: .*no such variable"):
        used(make(headers={"Timestamp": wh.variable()}), headers={"Timestamp": "now", "X-New": "1"})


@pytest.mark.rule("R67")
def test_an_activity_shows_variable_headers() -> None:
    """What is to be filled in is listed with its label: headers, query parameters and fields, in this order."""
    action = make(
        headers={"Timestamp": wh.variable("When"), "X-Tag": wh.variable()},
        query_parameters={"id": wh.variable("Customer")},
        message_parameters=wh.message_parameters({"text": "Hi"}, variables={"text": "Message"}),
    )

    assert [(name, variable.label) for name, variable in action.variables] == [
        ("Timestamp", "When"),
        ("X-Tag", ""),
        ("id", "Customer"),
        ("text", "Message"),
    ]


@pytest.mark.rule("R67")
def test_an_activity_shows_no_constant_header() -> None:
    """Constants, the two default headers and secrets are not listed, and cannot be given a value."""
    action = make(
        headers={"Origin": "Slack", "X-Key": wh.secret("env:KEY")},
        query_parameters={"lang": "en"},
        message_parameters=wh.message_parameters({"text": "Hi"}),
    )

    assert action.variables == ()
    for name in ("Origin", "X-Key", "Content-Type"):
        with pytest.raises(wh.DefinitionError, match="R65"):
            used(action, headers={name: "Evil"})


@pytest.mark.rule("R73")
@pytest.mark.parametrize("value", [" x ", "\tx", "x \t ", "x"])
def test_white_space_around_a_value_is_not_sent(value) -> None:
    """It is cut from a constant, from a value of a journey, and is no fault of either."""
    constant, variable = make(headers={"X-A": value}), make(headers={"X-A": wh.variable()})

    assert wh.violations(constant) == ()
    assert ("X-A", "x") in wh.preview(constant).headers
    assert ("X-A", "x") in used(variable, headers={"X-A": value}).headers


@pytest.mark.rule("R73")
def test_white_space_within_a_value_is_sent() -> None:
    """Only the outer spaces and tabs are no part of the value."""
    assert ("X-A", "a \t b") in wh.preview(make(headers={"X-A": " a \t b "})).headers


@pytest.mark.rule("R85")
def test_query_parameters_are_appended_in_their_order() -> None:
    """Constants and variables stand in the order of the action, whatever the order of the journey's values."""
    action = make("GET", query_parameters={"lang": "en", "id": wh.variable(), "a": "1", "b": wh.variable()})

    call = used(action, query_parameters={"b": "2", "id": "7"}, path="x")

    assert call.url == "https://h.example/v1/x?lang=en&id=7&a=1&b=2"


@pytest.mark.rule("R85")
def test_an_empty_optional_parameter_is_not_appended() -> None:
    """Nothing stands in the URL for it, nor for parameters that are not there at all."""
    action = make("GET", query_parameters={"q": wh.variable(optional=True), "lang": "en"})

    assert used(action).url == "https://h.example/v1/?lang=en"
    assert used(make("GET")).url == HERE


# Where an answer 302 leads


@pytest.mark.rule("R87")
@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("https://h.example/v2", "https://h.example/v2"),
        ("/v2?x=1#part", "https://h.example/v2?x=1"),
        ("next", "https://h.example/v1/next"),
        ("?x=1", "https://h.example/v1/?x=1"),
        ("//h.example:443/v2", "https://h.example/v2"),
        ("HTTPS://H.EXAMPLE/v2", "https://h.example/v2"),
    ],
)
async def test_a_302_is_followed(location, target) -> None:
    """An absolute or relative address at the same origin is called, and its answer is the outcome."""
    outcome, requests = await called(make("GET"), found(location), wh.Response(200))

    assert [request.url for request in requests] == [HERE, target]
    assert (outcome.status, outcome.succeeded, len(outcome.attempts)) == ("http_200", True, 1)
    assert outcome.attempts[0].status == 200


@pytest.mark.rule("R87")
@pytest.mark.parametrize(("method", "onward"), [("POST", "GET"), ("PUT", "PUT"), ("GET", "GET")])
async def test_a_post_goes_on_as_a_get(method, onward) -> None:
    """A redirected POST fetches without a body; another method stays, and so does its body; credentials go along."""
    fields = () if method == "GET" else wh.message_parameters({"a": 1})
    key = wh.ApiKeyAuthentication("X-Key", wh.literal_secret("k-1"))
    action = make(method, message_parameters=fields, authentication=key, headers={"X-A": "1"})

    _, [first, second] = await called(action, found("/v2"), wh.Response(200))

    assert (second.method, second.body) == (onward, None if method == "POST" else first.body)
    assert {("X-Key", "k-1"), ("X-A", "1")} <= set(second.headers)
    assert ("content-type" in {name.lower() for name, _ in second.headers}) == (method != "POST")


@pytest.mark.rule("R87")
@pytest.mark.parametrize("edition", [STANDARD, ORCHESTRATION], ids=lambda rails: rails.edition)
async def test_another_edition_follows_no_302(edition) -> None:
    """Where the documentation does not mention redirects, a 302 is an outcome like any other failure."""
    outcome, requests = await called(make("PUT"), found("/v2"), edition=edition)

    assert {request.url for request in requests} == {HERE}
    assert (outcome.status, outcome.succeeded, outcome.cause) == ("http_302", False, None)


@pytest.mark.rule("R87")
@pytest.mark.parametrize("reply", [found("/v2", s) for s in (301, 303, 307, 308)] + [wh.Response(302)], ids=repr)
async def test_no_other_redirect_is_followed(reply) -> None:
    """Only a 302 that says where it leads is followed."""
    outcome, requests = await called(make("GET"), reply)

    assert {request.url for request in requests} == {HERE}
    assert (outcome.status, outcome.cause) == (f"http_{reply.status}", None)


@pytest.mark.rule("R87")
async def test_redirects_come_to_an_end() -> None:
    """Three in a row are followed; a fourth, and a circle, end the call with the last answer, and no repeats."""
    three, _ = await called(make("GET"), *map(found, ("/a", "/b", "/c")), wh.Response(204))
    circle, requests = await called(make("GET"), found("/v1/"))

    assert three.status == "http_204"
    assert (circle.status, len(requests), len(circle.attempts)) == ("http_302", 4, 1)
    assert "at most 3" in circle.attempts[0].failure


@pytest.mark.rule("R87")
async def test_a_redirect_is_part_of_its_attempt() -> None:
    """A failure behind a redirect is repeated from the first address on; the attempt counts all its time."""
    clock, seen = FakeClock(), []

    def reply(request: wh.Request) -> wh.Response:
        seen.append(request.url)
        return found("/v2") if request.url == HERE else wh.Response(200 if len(seen) > 2 else 503)

    transport = FakeTransport(reply, clock=clock, seconds=1)
    async with wh.Executor(transport=transport, guardrails=OPTIMIZER, clock=clock, random=float) as executor:
        outcome = await executor.call(make("PUT"))

    assert seen == [HERE, "https://h.example/v2"] * 2
    assert [(a.status, a.started, a.elapsed) for a in outcome.attempts] == [(503, 0, 2), (200, 2, 2)]


@pytest.mark.rule("R87")
async def test_a_redirect_keeps_the_deadline() -> None:
    """One budget covers all steps of an attempt."""
    clock = FakeClock()
    transport = FakeTransport(found("/v1/"), clock=clock, seconds=2)

    async with wh.Executor(transport=transport, guardrails=OPTIMIZER, clock=clock) as executor:
        outcome = await executor.call(make("GET"), timeout=5)

    assert (outcome.status, clock.monotonic(), len(transport.requests)) == ("timedout", 5, 3)


@pytest.mark.rule("R87")
async def test_what_fails_behind_a_redirect_may_have_happened() -> None:
    """The first answer proves that a POST arrived: where evidence decides, it is not sent a second time."""
    following = attrs.evolve(STANDARD, redirects=1)
    lost = wh.TransportError("the host cannot be connected to", wh.Evidence.NEVER_SENT)

    outcome, requests = await called(make("POST"), found("/v2"), lost, edition=following)

    assert len(requests) == 2
    assert outcome.attempts[0].evidence is wh.Evidence.AMBIGUOUS


@pytest.mark.rule("R88")
@pytest.mark.parametrize("location", ["https://h.example/v2", "/v2", "/a.adobe.b"])
async def test_a_redirect_stays_at_its_origin(location) -> None:
    """The same public host is fine."""
    outcome, _ = await called(make("GET"), found(location), wh.Response(200))

    assert outcome.status == "http_200"


@pytest.mark.rule("R88")
@pytest.mark.parametrize(
    "location",
    [
        "https://203.0.113.7/x",
        "https://[2001:db8::1]/x",
        "https://2130706433/",
        "https://intra.adobe.com/x",
        "http://localhost/",
        "http://169.254.169.254/latest/meta-data",
        "https://other.example/v2",
        "https://evil.h.example/",
        "https://h.example.evil.example/",
        "//other.example/v2",
        "https://h.example:8443/v2",
        "http://h.example/v2",
        "ftp://h.example/v2",
        "https://u:p@h.example/v2",
        "https://h.example@evil.example/",
        "https://h.example/%2e%2e/x",
        "javascript:alert(1)",
        "https://[",
        "\\\\evil.example/",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_redirect_that_leads_elsewhere_is_refused(location, method) -> None:
    """Banned addresses and other origins get no request at all; the outcome says why, and nothing is repeated."""
    outcome, requests = await called(make(method), found(location), wh.Response(200))

    assert [request.url for request in requests] == [HERE]
    assert (outcome.status, outcome.succeeded, len(outcome.attempts)) == ("http_302", False, 1)
    assert isinstance(outcome.cause, wh.UnsafeCall)
    assert [(violation.path, violation.rule) for violation in outcome.cause.violations] == [("$.location", "R88")]
    with pytest.raises(wh.UnsafeCall):
        outcome.raise_for_error()


@pytest.mark.rule("R87", "R88")
async def test_redirects_on_the_wire() -> None:
    """On real sockets: the same service is called again, another one is not."""

    def answer(request) -> Answer:
        return Answer(302, headers={"Location": places[request.path]}) if request.path in places else Answer()

    with LoopbackService() as other, LoopbackService(answer) as service:
        places = {"/on": "/end", "/away": other.url}
        rails = wh.Guardrails.journey_optimizer(network=wh.NetworkPolicy(loopback=True))
        async with wh.Executor(guardrails=rails) as executor:
            at = [wh.Action(name="A", url_configuration=wh.UrlConfiguration(service.url + p)) for p in ("/on", "/away")]
            followed, refused = [await executor.call(action) for action in at]

    assert (followed.status, refused.status) == ("http_200", "http_302")
    assert [(r.method, r.path) for r in service.received] == [("POST", "/on"), ("GET", "/end"), ("POST", "/away")]
    assert other.received == []


async def test_a_token_call_follows_no_redirect() -> None:
    """The secret of a token call never leaves the configured address, in any edition."""
    login = wh.CustomAuthorization("https://id.example/t", body_type="form", body_params={"p": wh.literal_secret("s")})

    outcome, requests = await called(make(authentication=login), found("https://id.example/other"))

    assert {request.url for request in requests} == {"https://id.example/t"}
    assert isinstance(outcome.cause, wh.AuthenticationFailed)


# What is spoken


V10, V11, V12, V13 = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


def named(version: ssl.TLSVersion) -> str:
    """The version as a connection names it."""
    return version.name.replace("_", ".")


def limited(context: ssl.SSLContext, lowest: ssl.TLSVersion, highest: ssl.TLSVersion) -> ssl.SSLContext:
    """The context with these versions; below 1.2 OpenSSL speaks on its lowest security level only."""
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = lowest, highest
    return context


@asynccontextmanager
async def speaking(
    authority: trustme.CA, lowest: ssl.TLSVersion, highest: ssl.TLSVersion
) -> AsyncIterator[tuple[int, list[str]]]:
    """A service of these versions: its port, and the versions that were agreed on."""
    agreed: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        agreed.append(writer.get_extra_info("ssl_object").version())
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    context = limited(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), lowest, highest)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1], agreed


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """An authority that the transport's own context trusts beside the usual ones."""
    made, context = trustme.CA(), httpx_transport._tls.__wrapped__()
    made.configure_trust(context)
    monkeypatch.setattr(httpx_transport, "_tls", lambda: context)
    return made


async def spoken(port: int) -> wh.Outcome:
    """The outcome of a call to this machine."""
    rails = wh.Guardrails.journey_optimizer(network=wh.NetworkPolicy(loopback=True))
    action = wh.Action(name="A", url_configuration=wh.UrlConfiguration(f"https://127.0.0.1:{port}/"))
    async with wh.Executor(guardrails=rails, random=float) as executor:
        return await executor.call(action)


@pytest.mark.rule("R89")
@pytest.mark.parametrize(("lowest", "highest"), [(V12, V12), (V13, V13), (V12, V13), (V10, V13)])
async def test_the_best_version_from_1_2_is_spoken(authority, lowest, highest) -> None:
    """A service of TLS 1.2 is called, and one that speaks 1.3 is called with that."""
    async with speaking(authority, lowest, highest) as (port, agreed):
        outcome = await spoken(port)

    assert (outcome.status, agreed) == ("http_200", [named(highest)])


@pytest.mark.rule("R89")
@pytest.mark.parametrize("version", [V10, V11])
async def test_a_version_below_1_2_is_refused(authority, version) -> None:
    """A service of an older version gets no request, though a client that knows no better agrees with it."""
    async with speaking(authority, version, version) as (port, agreed):
        outcome = await spoken(port)
        without_us = list(agreed)
        careless = limited(ssl.create_default_context(), version, version)
        authority.configure_trust(careless)
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=careless)
        writer.write(b"\r\n\r\n")
        await reader.read()
        writer.close()

    assert (outcome.status, without_us) == ("internalError", [])
    assert isinstance(outcome.cause, wh.ConnectionFailed)
    assert agreed == [named(version)]
