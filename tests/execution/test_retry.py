"""What is tried again, when, and how long is waited: rules R205 to R213, reliability sections 4 and 6."""

from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Callable, Iterable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wayhook as wh
from wayhook.testing import FakeClock, FakeTransport

Make = Callable[..., wh.Action]

NEVER_SENT = wh.TransportError("the host cannot be connected to", wh.Evidence.NEVER_SENT)
AMBIGUOUS = wh.TransportError("the connection broke", wh.Evidence.AMBIGUOUS)
PERMANENT = wh.TransportError("the answer is no HTTP", wh.Evidence.PERMANENT)
REFUSED = wh.TransportError("the client cannot send this", wh.Evidence.REFUSED)
EXPIRED = wh.TransportError("the time was used up", wh.Evidence.EXPIRED)

REJECTED_UNREAD = [408, 425, 429, 503, 529]
MAY_HAVE_HAPPENED = [500, 502, 504, 520, 599, 600, 999]
FINAL_5XX = [501, 505, 506, 507, 508, 510, 511]
FINAL = [301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 423, 428, 451, *FINAL_5XX]


async def _call(
    action: wh.Action,
    replies: object,
    *,
    guardrails: wh.Guardrails | None = None,
    random: Callable[[], float] = lambda: 0.0,
    seconds: float = 0.0,
    timeout: float | None = None,  # noqa: ASYNC109 - the budget of the execution
    clock: FakeClock | None = None,
) -> tuple[wh.Outcome, FakeTransport, FakeClock]:
    clock = clock or FakeClock()
    transport = FakeTransport(replies, clock=clock, seconds=seconds)
    async with wh.Executor(transport=transport, clock=clock, random=random, guardrails=guardrails) as executor:
        return await executor.call(action, timeout=timeout), transport, clock


def _throttled(*values: str, status: int = 429, date: str | None = None) -> wh.Response:
    headers = [("retry-after", value) for value in values]
    return wh.Response(status, tuple(headers + ([("date", date)] if date else [])))


@pytest.mark.rule("R208", "R213")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST", "PATCH"])
@pytest.mark.parametrize("reply", [*map(wh.Response, REJECTED_UNREAD), NEVER_SENT], ids=str)
async def test_what_was_not_done_is_repeated_with_every_method(ping: Make, method: str, reply: object) -> None:
    """A call that certainly did nothing is tried four times, whatever its method."""
    _, transport, _ = await _call(ping(method), reply)

    assert len(transport.requests) == 4


@pytest.mark.rule("R208", "R213")
@pytest.mark.parametrize(("method", "tries"), [("GET", 4), ("PUT", 4), ("DELETE", 4), ("POST", 1), ("PATCH", 1)])
@pytest.mark.parametrize("reply", [*map(wh.Response, MAY_HAVE_HAPPENED), AMBIGUOUS], ids=str)
async def test_what_may_have_been_done_is_repeated_where_that_is_harmless(
    ping: Make, method: str, tries: int, reply: object
) -> None:
    """An ambiguous failure is repeated with an idempotent method, and never with POST or PATCH."""
    _, transport, _ = await _call(ping(method), reply)

    assert len(transport.requests) == tries


@pytest.mark.rule("R211")
@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("reply", [*map(wh.Response, FINAL), PERMANENT, REFUSED, EXPIRED], ids=str)
async def test_what_would_fail_again_is_not_repeated(ping: Make, method: str, reply: object) -> None:
    """A rejection, a broken answer, our own refusal and the end of the time are final."""
    _, transport, _ = await _call(ping(method), reply)

    assert len(transport.requests) == 1


@pytest.mark.rule("R189")
@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_a_success_is_final_whatever_its_body(ping: Make, status: int) -> None:
    """A 2xx is never repeated, also when its body cannot be used: the effect has happened."""
    _, transport, _ = await _call(ping("PUT"), wh.Response(status, fault="the body is cut or malformed"))

    assert len(transport.requests) == 1


@pytest.mark.rule("R211", "R212", "R213")
@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize(
    ("edition", "reply", "tries"),
    [
        *[
            (edition, wh.Response(status), 4)
            for edition in ("journey_orchestration", "journey_optimizer")
            for status in (400, 409, 429, 500, 501, 503)
        ],
        *[("journey_orchestration", wh.Response(status), 4) for status in (401, 403, 404)],
        *[("journey_optimizer", wh.Response(status), 1) for status in (401, 403, 404)],
        *[(e, r, 4) for e in ("journey_orchestration", "journey_optimizer") for r in (NEVER_SENT, AMBIGUOUS)],
        *[(e, EXPIRED, 1) for e in ("journey_orchestration", "journey_optimizer")],
        *[(e, wh.Response(204), 1) for e in ("journey_orchestration", "journey_optimizer")],
    ],
    ids=str,
)
async def test_an_edition_repeats_as_its_documentation_says(
    ping: Make, edition: str, method: str, reply: object, tries: int
) -> None:
    """Orchestration repeats any error; the optimizer any but 401, 403 and 404; both with POST too."""
    _, transport, _ = await _call(ping(method), reply, guardrails=getattr(wh.Guardrails, edition)())

    assert len(transport.requests) == tries


@pytest.mark.rule("R208", "R209")
@pytest.mark.parametrize(
    ("statuses", "tries", "last"),
    [([500, 500, 200], 3, "http_200"), ([500, 503, 429, 200], 4, "http_200"), ([500] * 4 + [200], 4, "http_500")],
)
async def test_the_last_answer_is_the_outcome(ping: Make, statuses: list[int], tries: int, last: str) -> None:
    """A success on a repeat is a success; after four failures the last one stands."""
    outcome, transport, _ = await _call(ping("PUT"), map(wh.Response, statuses))

    assert (len(transport.requests), outcome.status, outcome.retries) == (tries, last, tries - 1)


async def test_a_failure_that_becomes_final_ends_the_repeats(ping: Make) -> None:
    """Each attempt is judged by itself: a 404 after a 503 is not repeated."""
    outcome, transport, _ = await _call(ping("POST"), [wh.Response(503), wh.Response(404), wh.Response(200)])

    assert (len(transport.requests), outcome.status) == (2, "http_404")


async def test_an_ambiguous_repeat_of_a_post_is_the_last(ping: Make) -> None:
    """A POST that was rejected unread is repeated; once it may have been done it is not."""
    outcome, transport, _ = await _call(ping("POST"), [NEVER_SENT, wh.Response(500), wh.Response(200)])

    assert (len(transport.requests), outcome.status) == (2, "http_500")


async def test_every_attempt_sends_the_same_request(ping: Make) -> None:
    """A repeat changes nothing in the request."""
    _, transport, _ = await _call(ping("PUT"), wh.Response(503))

    assert len(set(transport.requests)) == 1


@pytest.mark.parametrize(
    ("status", "longest"), [(500, [0.1, 0.2, 0.4]), (429, [0.3, 0.6, 1.0]), (503, [0.3, 0.6, 1.0])]
)
@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
async def test_waits_are_jittered_in_full(ping: Make, status: int, longest: list[float], share: float) -> None:
    """A wait is an even share of 0 to the backoff, which doubles, is longer when throttled, and ends at a second."""
    _, _, clock = await _call(ping("PUT"), wh.Response(status), random=lambda: share)

    assert clock.waits == pytest.approx([share * most for most in longest])


async def test_jitter_is_drawn_once_for_each_wait(ping: Make) -> None:
    """The wait that is judged against the deadline is the wait that is made."""
    draws = iter([0.1, 0.2, 0.3])
    replies = [wh.Response(500)] * 3 + [wh.Response(200)]

    _, _, clock = await _call(ping("PUT"), replies, random=lambda: next(draws))

    assert clock.waits == pytest.approx([0.1 * 0.1, 0.2 * 0.2, 0.3 * 0.4])


@given(seed=st.integers())
async def test_jitter_stays_in_its_bounds(seed: int) -> None:
    """Whatever the randomness, no wait is negative or above the backoff of its attempt."""
    action = wh.Action(name="P", url_configuration=wh.UrlConfiguration("https://a.example.com", method="PUT"))

    _, _, clock = await _call(action, AMBIGUOUS, random=Random(seed).random)

    assert all(0 <= wait <= most for wait, most in zip(clock.waits, (0.1, 0.2, 0.4), strict=True))


@pytest.mark.parametrize("status", [413, 429, 503, 529])
async def test_retry_after_is_a_floor(ping: Make, status: int) -> None:
    """The next attempt comes not before the seconds asked for, and at most half a second after them."""
    replies = [_throttled("2", status=status), wh.Response(200)]

    early, _, least = await _call(ping(), replies, random=lambda: 0.0)
    late, _, most = await _call(ping(), replies, random=lambda: 1.0)

    assert (early.status, late.status) == ("http_200", "http_200")
    assert least.waits == [2.0]
    assert 2.0 <= most.waits[0] <= 2.5


async def test_a_date_counts_against_the_date_of_the_answer(ping: Make) -> None:
    """The clock of the other side cancels out: its Retry-After is counted from its own Date."""
    reply = _throttled("Wed, 10 Mar 2027 10:00:03 GMT", date="Wed, 10 Mar 2027 10:00:00 GMT")

    _, _, clock = await _call(ping(), [reply, wh.Response(200)])

    assert clock.waits == [3.0]


async def test_a_date_counts_against_our_clock_without_one(ping: Make) -> None:
    """An answer that has no usable Date is counted from our time."""
    replies = [_throttled("Tue, 01 Jan 2030 00:00:02 GMT", date="yesterday"), wh.Response(200)]

    _, _, clock = await _call(ping(), replies)

    assert clock.waits == [2.0]


@pytest.mark.parametrize(
    "date", ["Tue, 01 Jan 2030 00:00:02 GMT", "Tuesday, 01-Jan-30 00:00:02 GMT", "Tue Jan  1 00:00:02 2030"]
)
async def test_a_date_has_one_of_three_forms(ping: Make, date: str) -> None:
    """The forms of RFC 9110, section 5.6.7, as they are sent today and as they once were."""
    _, _, clock = await _call(ping(), [_throttled(date), wh.Response(200)])

    assert clock.waits == [2.0]


@pytest.mark.parametrize("values", [("1", "3"), ("3", "1"), ("soon", "3"), ("3", "Tue, 01 Jan 2030 00:00:01 GMT")])
async def test_the_larger_of_two_counts(ping: Make, values: tuple[str, str]) -> None:
    """Of two Retry-After fields the larger usable one is obeyed."""
    _, _, clock = await _call(ping(), [_throttled(*values), wh.Response(200)])

    assert clock.waits == [3.0]


GARBAGE = [
    "-1", "+1", "1.5", "soon", "", " ", "1 s", "0x1", "1_0", "١", "Mon, 01 Jan 2029 00:00:00 GMT", "31 Feb 2030",
    "Tue, 01 Jan 20300 00:00:01 GMT", "Tue, 01 Jan 99999999999999999999 00:00:01 GMT",
    "Tue, 01 Jan 2030 99:99:99 GMT", "Tue, 01 Jan 2030 00:00:01 +99999999999999999999",
    "Mon, 01 Jan 0001 00:00:00 +1400", "1-Jan-30 0:0 -", "29 Dec 2030 1:1", "Wed, 01 Jan 2031 00:00:00 +0900",
    "Wed, 01 Jan 2031 00:00:00", "Wed, 01 Jan 2031 00:00:00 EST", "Wed, 1 Jan 2031 00:00:00 GMT",
    "Wed, 01 Jan 2031 00:00:00 GMT, 5", "wed, 01 jan 2031 00:00:00 gmt", "Wed, 01-Jan-31 00:00:00 GMT",
    "Tue 2031 Jan 1 00:00", "Wed Jan 1 00:00:00 2031", "Wed, ٠١ Jan 2031 00:00:00 GMT",
]  # fmt: skip


@pytest.mark.parametrize("value", GARBAGE)
@pytest.mark.parametrize("field", ["retry-after", "date"])
async def test_what_is_no_retry_after_is_as_if_absent(ping: Make, value: str, field: str) -> None:
    """Anything but digits and dates to come is ignored, in Retry-After as in Date: the ordinary backoff is waited."""
    headers = (("retry-after", value),) if field == "retry-after" else (("date", value),)

    outcome, transport, clock = await _call(ping(), wh.Response(429, headers), random=lambda: 1.0)

    assert (outcome.status, len(transport.requests)) == ("http_429", 4)
    assert clock.waits == pytest.approx([0.3, 0.6, 1.0])


@pytest.mark.parametrize("status", [500, 408])
async def test_other_answers_are_not_asked_when(ping: Make, status: int) -> None:
    """Retry-After is read on 413, 429, 503 and 529 only."""
    _, transport, clock = await _call(ping("PUT"), _throttled("60", status=status))

    assert (len(transport.requests), clock.waits) == (4, [0.0, 0.0, 0.0])


@pytest.mark.rule("R205")
@pytest.mark.parametrize("value", ["5", "6", "3600", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_a_wait_beyond_the_deadline_is_not_begun(ping: Make, value: str) -> None:
    """A destination that asks for more time than there is ends the call now, with its answer."""
    outcome, transport, clock = await _call(ping(), _throttled(value), timeout=5)

    assert (outcome.status, len(transport.requests), clock.waits) == ("http_429", 1, [])
    assert outcome.elapsed == 0


@pytest.mark.rule("R205", "R207")
async def test_one_deadline_covers_attempts_and_waits(ping: Make) -> None:
    """Slow failures use the budget up: the call ends at the deadline, timed out, and the error before is recorded."""
    outcome, transport, clock = await _call(ping("PUT"), wh.Response(500), seconds=2, timeout=5)

    assert (outcome.status, len(transport.requests)) == ("timedout", 3)
    assert clock.monotonic() == pytest.approx(5)
    assert [attempt.status for attempt in outcome.attempts] == [500, 500, None]
    assert outcome.attempts[-1].evidence is wh.Evidence.EXPIRED


@pytest.mark.rule("R206")
async def test_a_first_answer_beyond_the_deadline_is_not_repeated(ping: Make) -> None:
    """A call that uses the whole budget is one attempt, timed out, with no error before it."""
    outcome, transport, _ = await _call(ping("PUT"), wh.Response(200), seconds=6, timeout=5)

    assert (outcome.status, len(transport.requests), outcome.received) == ("timedout", 1, None)
    assert [attempt.status for attempt in outcome.attempts] == [None]


async def test_a_backoff_that_ends_at_the_deadline_is_not_begun(ping: Make) -> None:
    """A wait that leaves no time for an attempt is not begun; the last answer is the outcome."""
    outcome, transport, clock = await _call(ping("PUT"), wh.Response(500), seconds=0.9, timeout=1, random=lambda: 1.0)

    assert (outcome.status, len(transport.requests), clock.waits) == ("http_500", 1, [])


async def test_attempts_are_recorded(ping: Make) -> None:
    """Every attempt has its number, evidence, status, failure and times; waits lie between them."""
    replies = [wh.Response(503), NEVER_SENT, wh.Response(201)]

    outcome, _, _ = await _call(ping(), replies, seconds=0.5, random=lambda: 1.0)

    assert outcome.attempts == (
        wh.Attempt(1, wh.Evidence.REJECTED_UNREAD, 503, "", 0.0, 0.5),
        wh.Attempt(2, wh.Evidence.NEVER_SENT, None, "the host cannot be connected to", 0.8, 0.5),
        wh.Attempt(3, wh.Evidence.DELIVERED, 201, "", 1.5, 0.5),
    )
    assert outcome.elapsed == pytest.approx(2.0)


async def test_a_failure_stands_where_no_file_can_be_opened_to_repeat_it(
    ping: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library of repeats is loaded after a first failure: without a file descriptor the call is not repeated."""

    class Short:
        """Finds no module, for want of a file descriptor."""

        def find_spec(self, name: str, *_: object) -> None:
            if name == "tenacity":
                raise OSError(errno.EMFILE, "Too many open files")

    for name in [name for name in sys.modules if name.partition(".")[0] == "tenacity"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Short(), *sys.meta_path])
    short, _, _ = await _call(ping("PUT"), [wh.Response(500), wh.Response(200)])
    monkeypatch.undo()
    outcome, _, _ = await _call(ping("PUT"), [wh.Response(500), wh.Response(200)])

    assert (short.status, len(short.attempts), short.cause) == ("http_500", 1, None)
    assert outcome.succeeded


def test_a_call_that_succeeds_does_not_load_tenacity() -> None:
    """The library of repeats is loaded by the first failure, not before."""
    program = """
import asyncio, sys
import wayhook as wh
from wayhook.testing import FakeClock, FakeTransport
action = wh.Action(name="Ping", url_configuration=wh.UrlConfiguration("https://api.example.com/"))
async def loaded(*statuses):
    transport = FakeTransport(map(wh.Response, statuses))
    async with wh.Executor(transport=transport, clock=FakeClock()) as executor:
        await executor.call(action)
    return "tenacity" in sys.modules
print(asyncio.run(loaded(200)), asyncio.run(loaded(404)), asyncio.run(loaded(503, 200)))
"""

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["False", "False", "True"]


@pytest.mark.rule("R210")
@pytest.mark.parametrize("setting", ["retries", "attempts", "max_retries"])
def test_the_number_of_repeats_is_no_setting(setting: str) -> None:
    """An executor takes no number of repeats."""
    settings: dict[str, Iterable[int] | int] = {setting: 5}

    with pytest.raises(TypeError, match=setting):
        wh.Executor(transport=FakeTransport(), **settings)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_misdirected_call_is_repeated_once(ping: Make, method: str) -> None:
    """A 421 asks for another connection: one more attempt, whatever the method (F49)."""
    outcome, transport, _ = await _call(ping(method), wh.Response(421))

    assert (len(transport.requests), outcome.delivery) == (2, wh.Delivery.UNAVAILABLE)
