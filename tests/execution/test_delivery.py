"""The last word about a call, and the identifier that makes repeats safe: P1 to P7, P11, P18 of the promises."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import pickle
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

import wayhook as wh
from wayhook.testing import FakeClock, FakeSecrets, FakeTransport

Make = Callable[..., wh.Action]

NEVER = wh.TransportError("the host cannot be connected to", wh.Evidence.NEVER_SENT)
AMBIGUOUS = wh.TransportError("the connection broke", wh.Evidence.AMBIGUOUS)
BROKEN = wh.TransportError("the answer is no HTTP", wh.Evidence.PERMANENT, wh.Delivery.UNKNOWN)
CERTIFICATE = wh.TransportError("the certificate is not trusted", wh.Evidence.PERMANENT, wh.Delivery.REJECTED)
NO_NAME = wh.TransportError("the host name does not exist", wh.Evidence.PERMANENT, wh.Delivery.UNAVAILABLE)
EXPIRED = wh.TransportError("the time was used up", wh.Evidence.EXPIRED)
EXPIRED_BEFORE = wh.TransportError("the time was used up", wh.Evidence.EXPIRED, wh.Delivery.UNAVAILABLE)
REFUSED = wh.TransportError("the address is not public", wh.Evidence.REFUSED)
OK, CUT = wh.Response(200), wh.Response(200, fault="the body is cut or malformed")
ID = "Idempotency-Key"


async def _call(action: wh.Action, replies: Any, **settings: Any) -> tuple[wh.Outcome, FakeTransport]:
    clock = settings.setdefault("clock", FakeClock())
    transport = FakeTransport(replies, clock=clock)
    call = {name: settings.pop(name) for name in ("delivery_id", "timeout") if name in settings}
    async with wh.Executor(transport=transport, **{"random": lambda: 0.0, **settings}) as executor:
        return await executor.call(action, **call), transport


def _retry_after(seconds: object, status: int = 429) -> wh.Response:
    return wh.Response(status, (("retry-after", str(seconds)),))


def _keys(transport: FakeTransport, name: str = ID) -> list[str | None]:
    return [dict(request.headers).get(name) for request in transport.requests]


@pytest.mark.parametrize(
    ("replies", "word"),
    [
        (OK, "delivered"),
        (CUT, "delivered_unread"),
        (wh.Response(404), "rejected"),
        (wh.Response(302), "rejected"),
        (wh.Response(501), "rejected"),
        (CERTIFICATE, "rejected"),
        (wh.Response(503), "unavailable"),
        (wh.Response(408), "unavailable"),
        (wh.Response(529), "unavailable"),
        (NEVER, "unavailable"),
        (NO_NAME, "unavailable"),
        (EXPIRED_BEFORE, "unavailable"),
        (wh.Response(500), "unknown"),
        (wh.Response(999), "unknown"),
        (AMBIGUOUS, "unknown"),
        (BROKEN, "unknown"),
        (EXPIRED, "unknown"),
        (REFUSED, "refused"),
        # Combinations: once it may have been done, nothing but a delivery takes that back.
        ([AMBIGUOUS, wh.Response(404)], "unknown"),
        ([AMBIGUOUS, NEVER, NEVER, NEVER], "unknown"),
        ([wh.Response(500), wh.Response(503), OK], "delivered"),
        ([AMBIGUOUS, CUT], "delivered_unread"),
        ([AMBIGUOUS, REFUSED], "unknown"),
        ([AMBIGUOUS, CERTIFICATE], "unknown"),
        ([AMBIGUOUS, EXPIRED_BEFORE], "unknown"),
        ([NEVER, wh.Response(404)], "rejected"),
        ([wh.Response(503), CERTIFICATE], "rejected"),
        ([wh.Response(503), NEVER, EXPIRED], "unknown"),
        ([wh.Response(503), NEVER, EXPIRED_BEFORE], "unavailable"),
    ],
    ids=str,
)
async def test_the_word_is_that_of_the_strongest_attempt(ping: Make, replies: Any, word: str) -> None:
    """Of several attempts the strongest counts: delivered, then unknown, then the last (P1, P3)."""
    outcome, transport = await _call(ping("PUT"), replies)

    assert outcome.delivery == word
    assert len(outcome.attempts) == len(transport.requests)


async def test_a_shortage_of_our_own_is_told_of_the_attempt(ping: Make) -> None:
    """An attempt says whether it failed for what this side did not have; others say that it was not so (F12)."""
    short = wh.TransportError("no file descriptor is free", wh.Evidence.NEVER_SENT, local=True)

    outcome, _ = await _call(ping("POST"), [short, NEVER, OK])

    assert [attempt.local for attempt in outcome.attempts] == [True, False, False]


@pytest.mark.parametrize("edition", ["journey_orchestration", "journey_optimizer"])
@pytest.mark.parametrize(
    ("replies", "word"),
    [
        ([AMBIGUOUS, AMBIGUOUS, wh.Response(400)], "unknown"),
        ([wh.Response(500), OK], "delivered"),
        (wh.Response(400), "rejected"),
        ([wh.Response(400), NEVER], "unavailable"),
        ([BROKEN, wh.Response(400)], "unknown"),
    ],
    ids=str,
)
async def test_an_edition_that_repeats_more_says_no_less(ping: Make, edition: str, replies: Any, word: str) -> None:
    """A POST that an edition repeats after an ambiguous failure is unknown, unless it was delivered."""
    outcome, _ = await _call(ping("POST"), replies, guardrails=getattr(wh.Guardrails, edition)())

    assert outcome.delivery == word


async def test_what_was_never_rendered_or_allowed_is_refused(ping: Make, greet: wh.Action) -> None:
    """Values that do not fit, a missing secret and a place above the rate are refusals of our own."""

    class Full:
        @asynccontextmanager
        async def place(self, method: str, url: str) -> AsyncIterator[float]:
            raise wh.Discarded("above the rate")
            yield 0.0

    keyed = ping(authentication=wh.BearerAuthentication(wh.secret("env:MISSING")))

    found = [
        await _call(greet, OK),
        await _call(keyed, OK, secrets=FakeSecrets({})),
        await _call(ping(), OK, limiter=Full()),
    ]

    assert [outcome.delivery for outcome, _ in found] == [wh.Delivery.REFUSED] * 3
    assert [transport.requests for _, transport in found] == [[], [], []]


async def test_a_refusal_after_an_attempt_speaks_of_the_attempt(ping: Make) -> None:
    """A repeat that the limit discards leaves the word of what was tried: bytes did leave."""

    class Once:
        given = 0

        @asynccontextmanager
        async def place(self, method: str, url: str) -> AsyncIterator[float]:
            self.given += 1
            if self.given > 1:
                raise wh.Discarded("above the rate")
            yield 0.0

    throttled, _ = await _call(ping("PUT"), wh.Response(503), limiter=Once())
    broken, _ = await _call(ping("PUT"), AMBIGUOUS, limiter=Once())

    assert (throttled.status, throttled.delivery) == ("capped", wh.Delivery.UNAVAILABLE)
    assert (broken.status, broken.delivery) == ("capped", wh.Delivery.UNKNOWN)


class Deaf(FakeTransport):
    """Keeps no deadline."""

    async def send(self, request: wh.Request, deadline: float) -> wh.Response:
        self.requests.append(request)
        await asyncio.Event().wait()
        raise AssertionError


async def test_an_attempt_that_is_cut_off_is_unknown_and_recorded(ping: Make) -> None:
    """A transport that overruns its deadline is ended within a quarter of a second, and may have sent the call (P8)."""
    loop, transport = asyncio.get_running_loop(), Deaf()
    started = loop.time()

    async with wh.Executor(transport=transport) as executor:
        outcome = await executor.call(ping(), timeout=1)

    assert 1 <= loop.time() - started < 1.25
    assert (outcome.status, outcome.delivery) == ("timedout", wh.Delivery.UNKNOWN)
    assert [(a.number, a.evidence, a.delivery) for a in outcome.attempts] == [(1, "expired", "unknown")]


async def test_an_attempt_that_a_bug_ended_is_unknown_and_recorded(ping: Make) -> None:
    """An error of a transport that is none of ours says nothing about the call, so it may have been done (P18)."""

    def reply(_: wh.Request) -> wh.Response:
        raise KeyError("bug")

    outcome, transport = await _call(ping("PUT"), [NEVER, reply])

    assert (outcome.status, outcome.delivery) == ("internalError", wh.Delivery.UNKNOWN)
    assert [a.evidence for a in outcome.attempts] == ["never sent", "ambiguous"]
    assert len(transport.requests) == 2


async def test_a_call_that_was_not_made_in_time_is_unavailable(ping: Make) -> None:
    """A secret that never comes uses the time up before anything was sent (F71)."""

    class Hanging(FakeSecrets):
        async def reveal(self, reference: wh.SecretReference) -> str:
            await asyncio.Event().wait()
            raise AssertionError

    action = ping(authentication=wh.BearerAuthentication(wh.secret("env:K")))

    outcome, transport = await _call(action, OK, secrets=Hanging({}), clock=None, timeout=1)

    assert (outcome.status, outcome.delivery) == ("timedout", wh.Delivery.UNAVAILABLE)
    assert (outcome.attempts, transport.requests) == ((), [])


@pytest.mark.parametrize(("seconds", "waits"), [(5, []), (60, []), (10**15, []), ("9" * 400, [])])
@pytest.mark.parametrize("status", [413, 429, 503, 529])
async def test_a_time_beyond_the_deadline_is_handed_on(ping: Make, status: int, seconds: Any, waits: list) -> None:
    """A destination that asks for more than there is gets no second request, and the outcome says when (P11)."""
    clock = FakeClock()

    outcome, transport = await _call(ping(), _retry_after(seconds, status), clock=clock, timeout=5)

    assert (outcome.delivery, len(transport.requests), clock.waits) == (wh.Delivery.UNAVAILABLE, 1, waits)
    assert outcome.not_before is not None
    expected = clock.now() + timedelta(seconds=float(seconds)) if float(seconds) < 1e9 else clock.now()
    assert outcome.not_before >= expected


async def test_a_time_within_the_deadline_is_waited_for(ping: Make) -> None:
    """Leading zeros change no number, and what was waited for is no longer named."""
    clock = FakeClock()

    outcome, _ = await _call(ping(), [_retry_after("0000000000000002"), OK], clock=clock)

    assert (outcome.delivery, outcome.not_before, clock.waits) == (wh.Delivery.DELIVERED, None, [2.0])


async def test_a_413_is_temporary_where_it_names_a_time(ping: Make) -> None:
    """A date that is past is no time: the call is too large, and is not repeated."""
    past = wh.Response(413, (("retry-after", "Mon, 01 Jan 2029 00:00:00 GMT"),))

    outcome, transport = await _call(ping(), past)

    assert (outcome.delivery, len(transport.requests)) == (wh.Delivery.REJECTED, 1)


async def test_what_is_gone_is_told(ping: Make) -> None:
    """A 410 says that nobody should call again (F47)."""
    gone, _ = await _call(ping(), wh.Response(410))
    missing, _ = await _call(ping(), wh.Response(404))
    nothing, _ = await _call(ping(), NEVER)

    assert (gone.gone, missing.gone, nothing.gone) == (True, False, False)


async def test_a_misdirected_call_is_repeated_once_whenever_it_was(ping: Make) -> None:
    """A 421 is repeated once, also where it is not the first answer (F49)."""
    _, first = await _call(ping(), [wh.Response(421), wh.Response(421), OK])
    _, later = await _call(ping(), [NEVER, wh.Response(421), OK])

    assert (len(first.requests), len(later.requests)) == (2, 3)


async def test_a_call_without_the_header_has_an_identifier_all_the_same(ping: Make) -> None:
    """The identifier is in the outcome; it travels only where the action names a header."""
    outcome, transport = await _call(ping(), OK)

    assert outcome.delivery_id
    assert outcome.delivery_id not in str(transport.requests[0].headers)


@pytest.mark.parametrize("name", [ID, "X-Delivery"])
async def test_one_identifier_over_all_attempts(ping: Make, name: str) -> None:
    """Every attempt of an execution carries the same identifier; two executions never share one (P6)."""
    action = ping(idempotency_header=name)

    first, transport = await _call(action, wh.Response(500))
    second, _ = await _call(action, OK)

    assert _keys(transport, name) == [first.delivery_id] * 4
    assert first.delivery_id != second.delivery_id


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("failure", [AMBIGUOUS, wh.Response(500), wh.Response(409)], ids=str)
async def test_a_keyed_call_is_repeated_where_it_may_have_been_done(ping: Make, method: str, failure: Any) -> None:
    """With an identifier a POST repeats what is ambiguous, and a 409: the first one is still being done (F46)."""
    outcome, transport = await _call(ping(method, idempotency_header=ID), [failure, OK])
    _, unkeyed = await _call(ping(method), [failure, OK])

    assert (outcome.delivery, len(transport.requests), len(unkeyed.requests)) == (wh.Delivery.DELIVERED, 2, 1)


@pytest.mark.parametrize("given", ["a", "order-7.1", "~" * 255])
async def test_a_redelivery_keeps_its_identifier(ping: Make, given: str) -> None:
    """An identifier that is given is sent and told, in a call as in a journey (P6)."""
    action, repository = ping(idempotency_header=ID), wh.MemoryRepository()
    await repository.save(action, wh.Journey("J", [wh.ActionActivity("Ping", label="p")]))
    transport = FakeTransport()

    async with wh.Executor(repository, transport=transport) as executor:
        called = await executor.call(action, delivery_id=given)
        executed = await executor.execute("J", "p", wh.Context(), delivery_id=given)

    assert [called.delivery_id, executed.delivery_id, *_keys(transport)] == [given] * 4


@pytest.mark.parametrize("given", ["", "a b", "é", "a\n", "a" * 256, 7, b"a", "a\x7f"])
async def test_what_is_no_identifier_is_refused(ping: Make, greet: wh.Action, given: Any) -> None:
    """An identifier is 1 to 255 visible ASCII characters."""
    async with wh.Executor(transport=FakeTransport()) as executor:
        with pytest.raises(wh.DefinitionError, match=r"\$\.delivery_id: .* 1 to 255"):
            await executor.call(ping(), delivery_id=given)
        with pytest.raises(wh.DefinitionError, match=r"\$\.delivery_id"):
            await executor.execute(wh.Journey("J", []), "p", wh.Context(), delivery_id=given)


def _order_id(context: wh.Context) -> Any:
    return context.events["Order"]["id"]


async def _batched(
    ping: Make, orders: list[dict[str, Any]], identify: Any = _order_id, **settings: Any
) -> tuple[list[wh.Outcome], list[Any]]:
    """The outcomes in the order of the source, and the keys that went out."""
    repository, transport = wh.MemoryRepository(), FakeTransport()
    journey = wh.Journey("J", [wh.ActionActivity("Ping", label="p")], **settings)
    await repository.save(ping(idempotency_header=ID))
    contexts = [wh.Context({"Order": order}) for order in orders]
    async with (
        wh.Executor(repository, transport=transport, clock=FakeClock()) as executor,
        executor.batch(journey, "p", contexts, concurrency=2, delivery_ids=identify) as batch,
    ):
        outcomes = [outcome async for outcome in batch]
    return sorted(outcomes, key=lambda outcome: outcome.index or 0), _keys(transport)


async def test_a_batch_that_is_run_again_repeats_with_the_same_identifiers(ping: Make) -> None:
    """Each context has its own, whichever batch, in whichever order, and however often (P6)."""
    orders = [{"id": f"order-{number}"} for number in range(5)]

    first, sent = await _batched(ping, orders)
    again, sent_again = await _batched(ping, orders[::-1])

    assert [outcome.delivery_id for outcome in first] == [order["id"] for order in orders]
    assert [outcome.delivery_id for outcome in again] == [order["id"] for order in orders[::-1]]
    assert sorted(sent) == sorted(sent_again) == [order["id"] for order in orders]


@pytest.mark.parametrize("order", [{"id": None}, {"id": 7}, {"id": "a b"}, {"id": ""}, {"id": "a" * 256}, {}], ids=str)
async def test_a_context_without_an_identifier_is_not_called(ping: Make, order: dict[str, Any]) -> None:
    """A key that cannot be had keeps one call from being made, and the others go on."""
    outcomes, sent = await _batched(ping, [{"id": "a"}, order, {"id": "b"}])

    assert [outcome.delivery for outcome in outcomes] == ["delivered", "refused", "delivered"]
    assert outcomes[1].status == "internalError"
    assert "delivery id" in str(outcomes[1].cause) or not order
    assert sent == ["a", "b"]


async def test_an_expression_gives_identifiers(ping: Make) -> None:
    """What a marketer wrote says which effect it is; where its fields are missing, there is no call."""
    identify = wh.expression("'order-' + @event{Order.id}").evaluate

    outcomes, sent = await _batched(ping, [{"id": "a"}, {}], identify)

    assert (sent, [outcome.delivery for outcome in outcomes]) == (["order-a"], ["delivered", "refused"])


async def test_a_call_that_is_held_has_the_identifier_too(ping: Make) -> None:
    """What a paused journey holds is told with the key that it will be called with."""
    outcomes, sent = await _batched(ping, [{"id": "a"}], status="Paused")

    assert ([(outcome.status, outcome.delivery_id) for outcome in outcomes], sent) == ([("held", "a")], [])


async def test_a_batch_takes_all_identifiers_in_order(ping: Make) -> None:
    """By the place of each context; None is a new one, and one that is none is its own fault."""
    given = ["first", None, "a b", "last"]

    outcomes, sent = await _batched(ping, [{}] * 5, given)

    words = [outcome.delivery for outcome in outcomes]
    assert words == ["delivered", "delivered", "refused", "delivered", "refused"]
    assert sorted(sent) == sorted(["first", outcomes[1].delivery_id, "last"])


@pytest.mark.parametrize("ids", ["first", 7, {"first"}])
async def test_a_batch_takes_no_other_identifiers(ping: Make, ids: Any) -> None:
    """A text for all, or a set, is refused before anything is called."""
    async with wh.Executor(transport=FakeTransport()) as executor:
        with pytest.raises(wh.DefinitionError, match=r"\$\.delivery_ids: give a function to a delivery id, or one for"):
            executor.batch(wh.Journey("J", []), "p", [], delivery_ids=ids)


def test_the_blocking_call_takes_an_identifier(ping: Make) -> None:
    """A script can repeat a call, too."""
    transport = FakeTransport()

    outcome = wh.call(ping(idempotency_header=ID), transport=transport, delivery_id="again")

    assert (outcome.delivery_id, _keys(transport)) == ("again", ["again"])


@pytest.mark.parametrize("name", ["idempotency-key", "IDEMPOTENCY-KEY", ID])
@pytest.mark.parametrize("value", ["mine", wh.secret("env:K"), wh.variable("Key")], ids=str)
def test_a_configured_header_cannot_replace_the_identifier(ping: Make, name: str, value: Any) -> None:
    """The header is ours: configured beside it, in any letter case and with any value, it is refused (P6)."""
    configuration = wh.UrlConfiguration("https://api.example.com/", method="POST", headers={name: value})

    found = wh.violations(ping(url_configuration=configuration, idempotency_header=ID))

    assert [(v.path, v.rule) for v in found] == [("$.idempotency_header", "R81")]


async def test_an_authentication_cannot_replace_the_identifier(ping: Make) -> None:
    """Neither an API key nor a token may use the header, of the action or of its connection (P6)."""
    key = wh.ApiKeyAuthentication("idempotency-key", wh.secret("env:K"), location="header")
    token = wh.CustomAuthorization(
        "https://a.example.com/t", body_type="form", authorization_type="header", token_target=ID.upper()
    )
    shared = wh.Connection("Shared", key, hosts=["api.example.com"])
    repository = wh.MemoryRepository()
    await repository.save(shared)

    for authentication in (key, token, wh.MutualTlsAuthentication("c", wh.secret("env:P"), authentication=key)):
        found = wh.violations(ping(authentication=authentication, idempotency_header=ID))
        assert "$.idempotency_header" in [violation.path for violation in found]
    async with wh.Executor(repository, transport=FakeTransport()) as executor:
        with pytest.raises(wh.DefinitionError, match="carries the identifier"):
            await executor.call(ping(authentication=wh.connection("Shared"), idempotency_header=ID))


@pytest.mark.parametrize("name", ["", "a b", "Content-Length", "Host", ".x", "é"])
def test_a_name_that_is_no_free_header_is_refused(ping: Make, name: str) -> None:
    """The identifier travels in a header that may be configured."""
    assert "$.idempotency_header" in [v.path for v in wh.violations(ping(idempotency_header=name))]


def test_a_preview_shows_the_identifier_by_its_label(ping: Make) -> None:
    """Before an execution there is no identifier: its place is shown."""
    call = wh.preview(ping(idempotency_header=ID))

    assert dict(call.masked_headers)[ID] == "‹delivery id›"
    assert "delivery id" in str(call)
    assert pickle.loads(pickle.dumps(call)) == call


@pytest.mark.parametrize("name", [None, ID, "X-Request-Id"])
def test_a_document_keeps_the_header(ping: Make, name: str | None) -> None:
    """What was stored comes back, with the header or without."""
    action = ping(idempotency_header=name)

    assert wh.loads(wh.dumps(action)) == action


async def test_errors_keep_what_the_outcome_says(ping: Make) -> None:
    """The error that is raised for an outcome has its word and its time, also after a pickle."""
    authorization = wh.CustomAuthorization("https://auth.example.com/t", body_type="form")
    action = ping(authentication=authorization)

    outage, _ = await _call(action, _retry_after(60, 503))
    outcome, _ = await _call(action, CERTIFICATE)

    with pytest.raises(wh.AuthenticationFailed) as caught:
        outage.raise_for_error()
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.delivery, again.not_before) == (wh.Delivery.UNAVAILABLE, outage.not_before)
    assert (outage.not_before - datetime(2030, 1, 1, tzinfo=UTC)).total_seconds() == 60
    assert (outage.delivery, outcome.delivery) == (wh.Delivery.UNAVAILABLE, wh.Delivery.REJECTED)


TOKEN_WORDS = [
    ([wh.Response(401)], "rejected"),
    ([wh.Response(302)], "rejected"),
    ([wh.Response(200, body=b"{}")], "rejected"),
    ([CUT], "rejected"),
    ([wh.Response(500)], "unavailable"),
    ([NEVER], "unavailable"),
    ([AMBIGUOUS], "unavailable"),
    ([NO_NAME], "unavailable"),
    ([EXPIRED], "unavailable"),
    ([CERTIFICATE], "rejected"),
    ([BROKEN], "rejected"),
    ([REFUSED], "refused"),
]


@pytest.mark.parametrize(("replies", "word"), TOKEN_WORDS, ids=str)
async def test_a_token_that_did_not_come_says_nothing_was_done(ping: Make, replies: Iterable[Any], word: str) -> None:
    """Without a token the action is not called: its word is never unknown (F69 to F73)."""
    action = ping(authentication=wh.CustomAuthorization("https://auth.example.com/t", body_type="form"))

    outcome, _ = await _call(action, replies)

    assert (outcome.delivery, outcome.attempts) == (word, ())


@pytest.mark.parametrize(
    ("reply", "word"),
    [
        (wh.Response(200, body=b'{"access_token": "t"}'), "delivered"),
        (wh.Response(200, body=b"{}"), "delivered_unread"),
        (wh.Response(401), "rejected"),
        (wh.Response(503), "unavailable"),
        (AMBIGUOUS, "unknown"),
        (REFUSED, "refused"),
    ],
    ids=str,
)
async def test_a_checked_authentication_has_a_word_of_its_own(ping: Make, reply: Any, word: str) -> None:
    """The outcome of a check speaks of the token call, which was made or not."""
    action = ping(authentication=wh.CustomAuthorization("https://auth.example.com/t", body_type="form"))

    async with wh.Executor(transport=FakeTransport(reply), clock=FakeClock()) as executor:
        outcome = await executor.check_authentication(action)

    assert outcome.delivery == word
    assert outcome.succeeded is (word == "delivered")


@pytest.mark.parametrize(
    ("second", "word"),
    [(NEVER, "unknown"), (wh.Response(503), "unknown"), (EXPIRED_BEFORE, "unknown"), (OK, "delivered")],
    ids=str,
)
async def test_a_redirect_that_was_followed_was_received(ping: Make, second: Any, word: str) -> None:
    """The first answer shows that the receiver had the call: whatever becomes of the next step takes that not back."""
    found = wh.Response(302, (("location", "/there"),))
    optimizer = attrs.evolve(wh.Guardrails.journey_optimizer(), repetition=wh.Repetition.EVIDENCE)

    outcome, _ = await _call(ping("POST"), [found, second], guardrails=optimizer)

    assert outcome.delivery == word
    assert all(attempt.evidence != wh.Evidence.NEVER_SENT for attempt in outcome.attempts)


async def test_a_second_loop_is_told(ping: Make) -> None:
    """An executor belongs to one event loop; on another it raises, and a new one works."""
    executor = wh.Executor(transport=FakeTransport())
    await executor.call(ping())

    def elsewhere() -> None:
        with pytest.raises(wh.ExecutionError, match="another event loop"):
            asyncio.run(executor.call(ping()))

    await asyncio.to_thread(elsewhere)
    assert (await executor.call(ping())).succeeded


def _in_the_child(executor: wh.Executor, action: wh.Action, transport: FakeTransport) -> str:
    async def use() -> str:
        async with executor:
            try:
                await executor.call(action)
            except wh.ExecutionError as error:
                return f"{error}; closed: {transport.closed}"
        raise AssertionError

    return f"{asyncio.run(use())}, {transport.closed}"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
async def test_a_forked_child_is_told_and_the_parent_is_not_disturbed(ping: Make) -> None:
    """A child does not use what the parent has open, and leaving the executor there closes nothing (P25)."""
    transport = FakeTransport()
    executor = wh.Executor(transport=transport)
    await executor.call(ping())
    reader, writer = multiprocessing.Pipe(duplex=False)

    if (child := os.fork()) == 0:
        try:
            writer.send(_in_the_child(executor, ping(), transport))
        finally:
            os._exit(0)
    await asyncio.to_thread(os.waitpid, child, 0)

    assert reader.recv() == (
        "this executor was used before the process was forked; make another one here; closed: False, False"
    )
    assert (await executor.call(ping())).succeeded
