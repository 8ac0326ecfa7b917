"""The rules of time, retries and paths, in each edition, on a clock that only the tests move (R203 to R228)."""

from __future__ import annotations

import math
from typing import Any

import attrs
import pytest

import wayhook as wh
from wayhook.testing import FakeClock

STANDARD = wh.Guardrails.standard()
ORCHESTRATION = wh.Guardrails.journey_orchestration()
OPTIMIZER = wh.Guardrails.journey_optimizer()
EDITIONS = pytest.mark.parametrize("edition", [STANDARD, ORCHESTRATION, OPTIMIZER], ids=lambda rails: rails.edition)
PRODUCTS = pytest.mark.parametrize("edition", [ORCHESTRATION, OPTIMIZER], ids=lambda rails: rails.edition)
HANG = (None, math.inf)


class Server:
    """Answers from a script of pairs, a status and the seconds it takes; the last one for all that follow."""

    def __init__(self, clock: FakeClock, *script: tuple[int | None, float]) -> None:
        self._clock, self._script, self.calls = clock, script, 0

    async def send(self, request: wh.Request, deadline: float) -> wh.Response:
        """Take the time of the next step, and give its answer unless the deadline comes first."""
        status, seconds = self._script[min(self.calls, len(self._script) - 1)]
        self.calls += 1
        left = deadline - self._clock.monotonic()
        self._clock.pass_time(min(seconds, left))
        if status is None or seconds >= left:
            raise wh.TransportError("the time was used up before an answer came", wh.Evidence.EXPIRED)
        return wh.Response(status)

    async def aclose(self) -> None:
        """Nothing is open."""


async def executed(
    edition: wh.Guardrails,
    *script: tuple[int | None, float],
    timeout: float | None = 5,  # noqa: ASYNC109 - of the journey
    **use: Any,
):
    """The outcome of a use of an action that PUTs, which every edition may repeat, and the clock after it."""
    clock, repository = FakeClock(), wh.MemoryRepository()
    await repository.save(wh.Action(name="A", url_configuration=wh.UrlConfiguration("https://h.example", method="PUT")))
    journey = wh.Journey("Trip", [wh.ActionActivity("A", label="a", **use)], timeout=timeout)
    settings = {"guardrails": edition, "clock": clock, "random": float}
    async with wh.Executor(repository, transport=Server(clock, *script), **settings) as executor:
        return await executor.execute(journey, "a", wh.Context()), clock


def error(outcome: wh.Outcome) -> list[str | None]:
    """The error of a step event, its code, and those of the attempt before."""
    event, kinds = outcome.step_event(), ("Error", "ErrorCode", "OriginError", "OriginCode")
    return [event.get(f"actionExecution{kind}") for kind in kinds]


@pytest.mark.rule("R203")
@EDITIONS
def test_a_timeout_lies_within_its_range(edition: wh.Guardrails) -> None:
    """1 and 30 seconds are accepted; 0, 31 and -1 are not."""
    found = {
        seconds: [violation.rule for violation in wh.violations(wh.Journey("T", timeout=seconds), guardrails=edition)]
        for seconds in (1, 30, 0, 31, -1)
    }

    assert found == {1: [], 30: [], 0: ["R203"], 31: ["R203"], -1: ["R203"]}


@pytest.mark.rule("R204")
@pytest.mark.parametrize(("edition", "seconds"), [(ORCHESTRATION, 5), (OPTIMIZER, 30), (STANDARD, 5)])
async def test_the_default_timeout(edition: wh.Guardrails, seconds: float) -> None:
    """A journey without a timeout of its own waits for as long as its edition says."""
    outcome, clock = await executed(edition, HANG, timeout=None)

    assert (outcome.status, clock.monotonic()) == ("timedout", seconds)


@pytest.mark.rule("R205")
@EDITIONS
async def test_the_budget_covers_retries(edition: wh.Guardrails) -> None:
    """A failure after two seconds, then silence: all is over at five seconds; an earlier end is not waited for."""
    late, late_clock = await executed(edition, (500, 2), HANG)
    soon, soon_clock = await executed(edition, (500, 2), (200, 1))

    assert (late.status, late_clock.monotonic(), len(late.attempts)) == ("timedout", 5, 2)
    assert (soon.status, soon_clock.monotonic()) == ("http_200", 3)


@pytest.mark.rule("R206")
@EDITIONS
async def test_a_first_call_beyond_the_budget(edition: wh.Guardrails) -> None:
    """An answer after six seconds is not waited for: one attempt, no retry, and no error before it."""
    outcome, _ = await executed(edition, (200, 6))

    assert (outcome.status, len(outcome.attempts), error(outcome)) == ("timedout", 1, ["timedout", None, None, None])


@pytest.mark.rule("R206")
@EDITIONS
async def test_a_first_call_within_the_budget(edition: wh.Guardrails) -> None:
    """An answer just before the end counts."""
    outcome, _ = await executed(edition, (200, 4.999))

    assert (outcome.status, len(outcome.attempts)) == ("http_200", 1)


@pytest.mark.rule("R207")
@EDITIONS
@pytest.mark.parametrize("status", [500, 503])
async def test_a_timeout_in_a_retry_tells_the_error_before(edition: wh.Guardrails, status: int) -> None:
    """The error is the timeout; the origin is what the attempt before it failed with."""
    outcome, _ = await executed(edition, (status, 1), HANG)

    assert (outcome.status, error(outcome)) == ("timedout", ["timedout", None, "http", str(status)])


@pytest.mark.rule("R207")
@EDITIONS
async def test_a_timeout_at_once_has_no_origin(edition: wh.Guardrails) -> None:
    """There was no attempt before."""
    outcome, _ = await executed(edition, HANG)

    assert error(outcome) == ["timedout", None, None, None]


@pytest.mark.rule("R208")
@EDITIONS
async def test_three_retries_at_most(edition: wh.Guardrails) -> None:
    """A service that always fails is called four times; one that recovers at the fourth time is not called again."""
    failed, _ = await executed(edition, (500, 0))
    recovered, _ = await executed(edition, (500, 0), (500, 0), (500, 0), (200, 0))

    assert (len(failed.attempts), failed.status, error(failed)) == (4, "http_500", ["http", "500", "http", "500"])
    assert (len(recovered.attempts), recovered.status) == (4, "http_200")


@pytest.mark.rule("R209")
@EDITIONS
@pytest.mark.parametrize("failures", [0, 1, 2, 3])
async def test_a_success_on_a_retry_is_a_success(edition: wh.Guardrails, failures: int) -> None:
    """However many failures came before, there is no error."""
    outcome, _ = await executed(edition, *[(500, 0)] * failures, (200, 0))

    assert (outcome.succeeded, len(outcome.attempts), error(outcome)[:2]) == (True, failures + 1, [None, None])


@pytest.mark.rule("R210")
@pytest.mark.parametrize("name", ["retries", "max_retries", "attempts", "retry_wait"])
def test_how_often_and_when_is_no_setting(name: str) -> None:
    """Neither an edition, nor a journey, an activity or an executor takes a number of retries."""
    for make in (
        lambda **setting: attrs.evolve(OPTIMIZER, **setting),
        lambda **setting: wh.Journey("T", **setting),
        lambda **setting: wh.ActionActivity("A", label="a", **setting),
        lambda **setting: wh.Executor(transport=Server(FakeClock()), **setting),
    ):
        with pytest.raises(TypeError, match=name):
            make(**{name: 5})


@pytest.mark.rule("R211", "R212")
@pytest.mark.parametrize(("edition", "attempts"), [(OPTIMIZER, 1), (ORCHESTRATION, 4), (STANDARD, 1)])
@pytest.mark.parametrize("status", [401, 403, 404])
async def test_what_is_denied_is_repeated_in_one_product_only(
    edition: wh.Guardrails, attempts: int, status: int
) -> None:
    """One product repeats any error, the other all but these three; the standard edition repeats none that is final."""
    outcome, _ = await executed(edition, (status, 0))

    assert (len(outcome.attempts), outcome.status) == (attempts, f"http_{status}")


@pytest.mark.rule("R212", "R213")
@PRODUCTS
@pytest.mark.parametrize("status", [400, 402, 409, 422, 429, 500, 501, 503, 599])
async def test_any_other_error_is_repeated(edition: wh.Guardrails, status: int) -> None:
    """Up to four attempts in both products, and no more once one of them succeeds."""
    failed, _ = await executed(edition, (status, 0))
    recovered, _ = await executed(edition, (status, 0), (200, 0))

    assert (len(failed.attempts), len(recovered.attempts)) == (4, 2)


@pytest.mark.rule("R213")
@PRODUCTS
async def test_a_retry_that_is_denied(edition: wh.Guardrails) -> None:
    """Each attempt is judged by itself: a 404 after a 500 ends it in the optimizer's edition."""
    outcome, _ = await executed(edition, (500, 0), (404, 0), (200, 0))

    assert outcome.status == ("http_404" if edition is OPTIMIZER else "http_200")


@pytest.mark.rule("R226", "R227")
@EDITIONS
@pytest.mark.parametrize("step", [(404, 0), (500, 0), (302, 0), HANG], ids=["404", "500", "302", "timeout"])
async def test_a_failure_leads_on_or_ends(edition: wh.Guardrails, step: Any) -> None:
    """With an alternative path the individual goes on along it, without one its journey ends."""
    with_one, _ = await executed(edition, step, alternative_path=True)
    without, _ = await executed(edition, step)

    assert (with_one.path, without.path) == ("alternative", "end")


@pytest.mark.rule("R228")
@EDITIONS
@pytest.mark.parametrize("steps", [[(200, 0)], [(204, 0)], [(500, 0), (201, 0)]], ids=["200", "204", "retried"])
@pytest.mark.parametrize("alternative_path", [True, False])
async def test_a_success_keeps_to_the_main_path(edition: wh.Guardrails, steps: Any, alternative_path: Any) -> None:
    """Whether there is an alternative path or not, and also after a retry."""
    outcome, _ = await executed(edition, *steps, alternative_path=alternative_path)

    assert outcome.path == "main"
