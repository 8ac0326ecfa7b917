"""Calls above a rate: refused without being sent, each attempt counting (R214 to R219)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wayhook as wh
from wayhook.testing import FakeClock, FakeTransport, RecordingSink

Make = Callable[..., wh.Action]
URL = "https://api.example.com/v1"


async def admitted_by(limiter: wh.Limiter, method: str, url: str) -> bool:
    """Whether the limiter has a place now."""
    try:
        async with limiter.place(method, url):
            return True
    except wh.Discarded:
        return False


def _limiter(clock: FakeClock, count: int, period_in_ms: int = 1000, **fields: object) -> wh.WindowLimiter:
    return wh.WindowLimiter([wh.CappingRule(URL + "*", count, period_in_ms, **fields)], clock=clock.monotonic)


@pytest.mark.rule("R187", "R215", "R225")
async def test_a_call_above_the_rate_is_not_sent(ping: Make, clock: FakeClock) -> None:
    """The second call of a second is capped: no request, no attempt, no repeat."""
    transport, sink = FakeTransport(), RecordingSink()
    parts = {"transport": transport, "clock": clock, "limiter": _limiter(clock, 1), "events": [sink]}

    async with wh.Executor(**parts) as executor:
        first = await executor.call(ping())
        second = await executor.call(ping())

    assert (first.status, second.status) == ("http_200", "capped")
    assert (len(transport.requests), second.attempts, clock.waits) == (1, (), [])
    assert second.call is not None
    assert [outcome.status for outcome in sink.outcomes] == ["http_200", "capped"]
    with pytest.raises(wh.Discarded):
        second.raise_for_error()


@pytest.mark.rule("R214")
async def test_each_attempt_takes_a_place(ping: Make, clock: FakeClock) -> None:
    """Of a call that always fails the third repeat finds no place under a cap of three."""
    transport = FakeTransport(wh.Response(500))
    limiter = _limiter(clock, 3, 60_000)

    async with wh.Executor(transport=transport, clock=clock, limiter=limiter) as executor:
        outcome = await executor.call(ping("PUT"))

    assert (outcome.status, len(transport.requests)) == ("capped", 3)
    assert [attempt.status for attempt in outcome.attempts] == [500, 500, 500]


@pytest.mark.rule("R216")
async def test_journeys_share_a_cap(ping: Make, clock: FakeClock) -> None:
    """What one journey used is not there for another."""
    repository, transport = wh.MemoryRepository(), FakeTransport()
    await repository.save(ping())
    for name in ("A", "B"):
        await repository.save(wh.Journey(name, [wh.ActionActivity("Ping", label="p")]))
    limiter = _limiter(clock, 1)

    async with wh.Executor(repository, transport=transport, clock=clock, limiter=limiter) as executor:
        statuses = [(await executor.execute(name, "p", wh.Context())).status for name in ("A", "B")]

    assert statuses == ["http_200", "capped"]


async def test_a_token_takes_no_place(clock: FakeClock) -> None:
    """The cap of an action's endpoint does not count its token call."""
    token = wh.CustomAuthorization("https://api.example.com/v1/token", body_type="form", token_in_response="response")
    action = wh.Action(name="Ping", url_configuration=wh.UrlConfiguration(URL), authentication=token)
    transport = FakeTransport(wh.Response(200, body=b"t"))

    async with wh.Executor(transport=transport, clock=clock, limiter=_limiter(clock, 1)) as executor:
        outcome = await executor.call(action)

    assert (outcome.status, len(transport.requests)) == ("http_200", 2)


async def test_a_limiter_sees_no_secret(ping: Make) -> None:
    """What decides about a rate gets method and URL, without the secret in it."""
    seen: list[tuple[str, str]] = []

    class Watching:
        @asynccontextmanager
        async def place(self, method: str, url: str) -> AsyncIterator[float]:
            seen.append((method, url))
            yield 0.0

    key = wh.ApiKeyAuthentication("key", wh.literal_secret("canary-1"), location="query")

    async with wh.Executor(transport=FakeTransport(), limiter=Watching()) as executor:
        await executor.call(ping(authentication=key))

    assert [(method, urlsplit(url).path) for method, url in seen] == [("POST", "/v1")]
    assert "canary-1" not in repr(seen)


@pytest.mark.rule("R219")
async def test_a_window_slides(clock: FakeClock) -> None:
    """A burst across the border of two minutes is refused as one within a minute is."""
    limiter = _limiter(clock, 2, 60_000)
    admitted = []

    for moment in (59, 0.5, 0.5, 58.5, 0.5, 0.5):
        clock.pass_time(moment)
        admitted.append(await admitted_by(limiter, "POST", URL))

    assert admitted == [True, True, False, False, True, True]


@pytest.mark.rule("R217")
@pytest.mark.parametrize(
    ("rule", "covered", "free"),
    [
        (wh.CappingRule(URL, 1, methods={"POST"}), ("POST", URL), ("PUT", URL)),
        (wh.CappingRule(URL, 1), ("DELETE", URL), ("DELETE", URL + "/x")),
        (wh.CappingRule(URL + "/*", 1), ("GET", URL + "/a/b"), ("GET", URL)),
        (wh.CappingRule(URL + "/*/send", 1), ("GET", URL + "/a/send"), ("GET", URL + "/a/sent")),
        (
            wh.CappingRule("https://api.example.com/a.b", 1),
            ("GET", "https://api.example.com/a.b"),
            ("GET", URL + "axb"),
        ),
    ],
    ids=["method", "exact", "wildcard", "wildcard inside", "a dot is a dot"],
)
async def test_a_rule_counts_what_it_covers(
    rule: wh.CappingRule, covered: tuple[str, str], free: tuple[str, str], clock: FakeClock
) -> None:
    """A rule is bound to its method and endpoint; other calls neither count nor are refused."""
    limiter = wh.WindowLimiter([rule], clock=clock.monotonic)

    admitted = [await admitted_by(limiter, *call) for call in (free, covered, covered, free)]

    assert admitted == [True, True, False, True]


async def test_a_refused_call_takes_no_place_anywhere(clock: FakeClock) -> None:
    """A call that one of two rules refuses takes no place of the other."""
    wide = wh.CappingRule("https://api.example.com/*", 2)
    narrow = wh.CappingRule("https://api.example.com/slow", 1)
    limiter = wh.WindowLimiter([wide, narrow], clock=clock.monotonic)
    slow, fast = "https://api.example.com/slow", "https://api.example.com/fast"

    admitted = [await admitted_by(limiter, "GET", url) for url in (slow, slow, slow, fast, fast)]

    assert admitted == [True, False, False, True, False]


@given(
    gaps=st.lists(st.integers(0, 400), max_size=60),
    count=st.integers(1, 4),
    period_in_ms=st.integers(1, 1000),
)
async def test_no_window_holds_more_than_the_cap(gaps: list[int], count: int, period_in_ms: int) -> None:
    """At any moment, a call is admitted exactly when fewer than the cap were admitted in the window before it."""
    now = 0
    limiter = wh.WindowLimiter([wh.CappingRule(URL, count, period_in_ms)], clock=lambda: now / 1024)
    model: list[int] = []

    for gap in gaps:
        now += gap
        in_window = [moment for moment in model if (now - moment) / 1024 < period_in_ms / 1000]
        admitted = await admitted_by(limiter, "POST", URL)

        assert admitted == (len(in_window) < count)
        if admitted:
            model.append(now)
