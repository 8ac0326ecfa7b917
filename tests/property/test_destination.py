"""Breaker, budget, jitter, classification and tokens against plain models of them, under a simulated clock."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from random import Random
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import wayhook as wh
from wayhook.testing import FakeClock, FakeTransport, RecordingSink

FAILED = [
    wh.TransportError("x", wh.Evidence.NEVER_SENT),
    wh.TransportError("x", wh.Evidence.AMBIGUOUS),
    wh.TransportError("x", wh.Evidence.EXPIRED),
    *map(wh.Response, (500, 501, 503, 599, 999)),
]
FINE = [
    *map(wh.Response, (200, 204, 302, 400, 401, 404, 408, 425, 429)),
    wh.TransportError("x", wh.Evidence.PERMANENT),
]
SILENT = [wh.TransportError("x", wh.Evidence.REFUSED)]
ANSWERS = st.sampled_from(
    [(answer, True) for answer in FAILED] + [(a, False) for a in FINE] + [(a, None) for a in SILENT]
)


class Told(FakeTransport):
    """Answers what it is told, or hangs."""

    def __init__(self) -> None:
        super().__init__(lambda _: self.answer)
        self.answer: Any = None
        self.hangs = False

    async def send(self, request: wh.Request, deadline: float) -> wh.Response:
        if self.hangs:
            self.requests.append(request)
            await asyncio.Event().wait()
        return await super().send(request, deadline)


class World(RuleBasedStateMachine):
    """One executor on a loop of its own."""

    rails = wh.Guardrails.standard()

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock, self.transport, self.sink = FakeClock(), Told(), RecordingSink()
        self.share = 0.5
        self.executor = wh.Executor(
            transport=self.transport,
            clock=self.clock,
            guardrails=self.rails,
            random=lambda: self.share,
            events=[self.sink],
        )

    def call(self, action: wh.Action) -> wh.Outcome:
        return self.loop.run_until_complete(self.executor.call(action))

    def teardown(self) -> None:
        self.loop.run_until_complete(self.executor.__aexit__())
        self.loop.close()


def _action(method: str = "POST", **fields: Any) -> wh.Action:
    configuration = wh.UrlConfiguration("https://api.example.com/", method=method)
    return wh.Action(name="Ping", url_configuration=configuration, **fields)


class BreakerModel(World):
    """The breaker as the reference tells it: every end of an attempt is remembered, and counted when it matters."""

    rails = attrs.evolve(
        wh.Guardrails.standard(),
        retry_budget=wh.RetryBudget(share=0, at_first=0),
        destination_pauses=False,
        breaker=wh.BreakerRule(calls=4, window=5, open_for=3, longest=10, spread=0.5),
    )

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[tuple[float, bool]] = []
        self.until: float | None = None
        self.failures_in_a_row = 0
        self.states: list[str] = []

    def _say(self, state: str) -> None:
        if (self.states or ["closed"])[-1] != state:
            self.states.append(state)

    def _opens(self) -> None:
        seconds = min(3 * 2**self.failures_in_a_row, 10)
        self.until = self.clock.monotonic() + seconds * (0.5 + self.share)
        self.failures_in_a_row += 1
        self.ends = []
        self._say("open")

    @rule(answer=ANSWERS, share=st.sampled_from([0.0, 0.25, 1.0]))
    def call_once(self, answer: tuple[Any, bool | None], share: float) -> None:
        """A call gets an answer, or is not made."""
        self.transport.answer, failed = answer
        self.share = share
        now, before = self.clock.monotonic(), len(self.transport.requests)
        is_refused = self.until is not None and now < self.until
        is_probe = self.until is not None and not is_refused

        outcome = self.call(_action())

        assert len(self.transport.requests) - before == (0 if is_refused else 1)
        assert isinstance(outcome.cause, wh.DestinationUnavailable) is is_refused
        if is_probe:
            self._say("half open")
            if failed is not None:
                self._opens() if failed else self._closes()
        elif not is_refused and failed is not None:
            self._count(failed=failed)

    def _count(self, *, failed: bool) -> None:
        second = int(self.clock.monotonic())
        self.ends = [end for end in self.ends if end[0] > second - 5] + [(second, failed)]
        if len(self.ends) >= 4 and sum(bad for _, bad in self.ends) * 2 >= len(self.ends):
            self._opens()

    def _closes(self) -> None:
        self.until, self.failures_in_a_row = None, 0
        self._say("closed")

    @rule()
    def cancel_one(self) -> None:
        """A call is cancelled under way: nothing is learnt, and a probe gives its place back."""
        self.transport.hangs, before = True, len(self.transport.requests)
        is_refused = self.until is not None and self.clock.monotonic() < self.until

        async def cancelled() -> None:
            call = asyncio.ensure_future(self.executor.call(_action()))
            for _ in range(8):
                await asyncio.sleep(0)
            call.cancel()
            await asyncio.wait([call])

        self.loop.run_until_complete(cancelled())

        self.transport.hangs = False
        assert len(self.transport.requests) - before == (0 if is_refused else 1)
        if self.until is not None and not is_refused:
            self._say("half open")

    @rule(seconds=st.floats(0, 20))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.clock.pass_time(seconds)

    @invariant()
    def every_change_was_told(self) -> None:
        """The events are the changes, in their order."""
        told = [event.state for event in self.sink.events if isinstance(event, wh.BreakerChanged)]
        assert told == self.states


class BudgetModel(World):
    """The budget as the reference tells it: a bucket that calls fill, and repeats empty."""

    rails = attrs.evolve(
        wh.Guardrails.standard(),
        retry_budget=wh.RetryBudget(share=0.25, at_first=3, at_most=5),
        destination_pauses=False,
        breaker=None,
    )

    def __init__(self) -> None:
        super().__init__()
        self.left, self.calls = 3.0, 0

    @initialize()
    def begin(self) -> None:
        """No wait takes time."""
        self.share = 0.0

    @rule(statuses=st.lists(st.sampled_from([200, 404, 408, 425, 429, 500, 503, 529]), min_size=4, max_size=4))
    def call_once(self, statuses: list[int]) -> None:
        """A call repeats what may be repeated, as long as the bucket gives."""
        answers = iter(statuses)
        self.transport._replies = [lambda _: wh.Response(next(answers))]
        before = len(self.transport.requests)
        self.calls += 1
        self.left, attempts = min(self.left + 0.25, 5), 1
        while attempts < 4 and statuses[attempts - 1] not in (200, 404):
            cost = 2 if statuses[attempts - 1] in (429, 503, 529) else 1
            if self.left < cost:
                break
            self.left, attempts = self.left - cost, attempts + 1

        outcome = self.call(_action("PUT"))

        assert len(self.transport.requests) - before == attempts == len(outcome.attempts)
        assert outcome.status == f"http_{statuses[attempts - 1]}"

    @invariant()
    def storms_are_bounded(self) -> None:
        """Repeats are a share of the calls, and what there was at first (P14)."""
        assert len(self.transport.requests) <= self.calls * 1.25 + 3


class TokenModel(World):
    """A token as the reference tells it: kept, renewed early, dropped when refused; one second for a refusal."""

    LIFETIME = 20.0

    def __init__(self) -> None:
        super().__init__()
        self.transport._replies = [self._reply]
        self.issued, self.refused = 0, set[str]()
        self.endpoint_refuses = False
        self.asked: list[float] = []
        self.used: list[str] = []
        self.born: dict[str, float] = {}
        authorization = wh.CustomAuthorization(
            "https://auth.example.com/t",
            body_type="form",
            token_in_response="response",
            cache_duration=wh.CacheDuration(20, "seconds"),
        )
        self.action = _action("PUT", authentication=authorization)

    def _reply(self, request: wh.Request) -> wh.Response:
        now = self.clock.monotonic()
        if "auth." in request.url:
            self.asked.append(now)
            if self.endpoint_refuses:
                return wh.Response(401)
            self.issued += 1
            self.born[f"t{self.issued}"] = now
            return wh.Response(200, body=f"t{self.issued}".encode())
        self.used.append(dict(request.headers)["Authorization"].removeprefix("Bearer "))
        return wh.Response(401 if self.used[-1] in self.refused else 200)

    @rule(share=st.floats(0, 1))
    def call_once(self, share: float) -> None:
        """A call uses a good token: at most two requests, at most one more for a token, and one that renews."""
        self.share = share
        used, asked, now = len(self.used), len(self.asked), self.clock.monotonic()

        outcome = self.call(self.action)
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.run_until_complete(asyncio.sleep(0))

        tokens = self.used[used:]
        assert len(tokens) <= 2
        assert len(self.asked) - asked <= 2
        assert all(now - self.born[token] < self.LIFETIME for token in tokens)
        assert outcome.succeeded or self.endpoint_refuses
        if not self.endpoint_refuses:
            assert tokens[-1] not in self.refused

    @rule()
    def call_many(self) -> None:
        """Thirty calls at once make one token request, or one and one that renews (P30, P31)."""
        asked, used = len(self.asked), len(self.used)

        async def all_at_once() -> list[wh.Outcome]:
            return await asyncio.gather(*(self.executor.call(self.action) for _ in range(30)))

        outcomes = self.loop.run_until_complete(all_at_once())

        assert len(self.asked) - asked <= 2
        assert len(self.used) - used <= 60
        assert all(outcome.succeeded for outcome in outcomes) or self.endpoint_refuses

    @rule(seconds=st.floats(0, 30) | st.sampled_from([0.5, 1.0, 18.5, 19.2, 19.6, 20.0]))
    def wait(self, seconds: float) -> None:
        """Time passes; the date may be anything (P13)."""
        self.clock.pass_time(seconds)

    @rule(days=st.integers(-2, 2))
    def jump(self, days: int) -> None:
        """The wall clock is set."""
        start = FakeClock()._start
        self.clock._start = start.replace(day=start.day + days + 2)

    @rule()
    def revoke(self) -> None:
        """The receiver takes every token back that there is."""
        self.refused |= set(self.born)

    @rule(refuses=st.booleans())
    def endpoint(self, *, refuses: bool) -> None:
        """The endpoint refuses the credentials, or takes them again, which is known after a second."""
        self.endpoint_refuses = refuses
        self.clock.pass_time(1.0)

    @invariant()
    def a_refusal_is_asked_again_after_a_second(self) -> None:
        """No two requests for a token of which none came are less than a second apart (P33)."""
        if self.endpoint_refuses and len(self.asked) > 2:
            assert self.asked[-1] - self.asked[-3] >= 1 or self.issued


TestBreaker = BreakerModel.TestCase
TestBudget = BudgetModel.TestCase
TestTokens = TokenModel.TestCase
TestBreaker.settings = TestBudget.settings = TestTokens.settings = settings(
    max_examples=settings().max_examples // 3, stateful_step_count=30
)


def _deviation(draws: list[float]) -> float:
    """The largest distance between the distribution of `draws` and the even one (Kolmogorov and Smirnov)."""
    count = len(draws)
    return max(max((i + 1) / count - draw, draw - i / count) for i, draw in enumerate(sorted(draws)))


@pytest.mark.parametrize(("status", "longest"), [(500, (0.1, 0.2, 0.4)), (503, (0.3, 0.6, 1.0))])
async def test_jitter_is_even(status: int, longest: tuple[float, ...]) -> None:
    """Every wait is spread evenly from nothing to its longest, by a test that fails once in a thousand seeds (P12)."""
    clock, rails = FakeClock(), attrs.evolve(wh.Guardrails.standard(), breaker=None, retry_budget=None)
    parts = {"transport": FakeTransport(wh.Response(status)), "clock": clock, "guardrails": rails}

    async with wh.Executor(**parts, random=Random(7).random) as executor:
        for _ in range(1000):
            await executor.call(_action("PUT"), timeout=30)
            clock.pass_time(2)

    for place, most in enumerate(longest):
        shares = [wait / most for wait in clock.waits[place::3]]
        assert len(shares) == 1000
        assert _deviation(shares) < 1.95 / math.sqrt(1000)


CLASSES: list[tuple[Callable[[int], bool], str, str]] = [
    (lambda status: 200 <= status < 300, "delivered", "delivered"),
    (lambda status: status in (408, 421, 425, 429, 503, 529), "rejected unread", "unavailable"),
    (lambda status: status in (501, 505, 506, 507, 508, 510, 511), "permanent", "rejected"),
    (lambda status: 300 <= status < 500, "permanent", "rejected"),
    (lambda _: True, "ambiguous", "unknown"),
]


@given(status=st.integers(200, 999), body=st.binary(max_size=20), fault=st.sampled_from(["", "cut"]))
async def test_a_status_has_one_class(status: int, body: bytes, fault: str) -> None:
    """Every status proves one thing, by the table of the reference, whatever its body (section 4)."""
    response = wh.Response(status, body=body, fault=fault)
    evidence, word = next((proof, word) for fits, proof, word in CLASSES if fits(status))
    word = "delivered_unread" if fault and word == "delivered" else word

    async with wh.Executor(transport=FakeTransport(response), clock=FakeClock()) as executor:
        outcome = await executor.call(_action("POST"))

    assert (outcome.attempts[0].evidence, outcome.attempts[0].delivery) == (evidence, word)
    assert outcome.delivery == word
