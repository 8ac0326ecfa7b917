"""What a call costs does not grow with the tokens, limits and destinations that are known: steps are counted."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import attrs
import pytest

import wayhook as wh
from wayhook.rendering import credential
from wayhook.testing import FakeClock, FakeTransport

MANY = 300
ENDPOINT = "https://auth.example.com/token"
AUTHORIZATION = wh.CustomAuthorization(ENDPOINT, body_type="form")
HOST = "https://api.example.com"


class Watched(wh.CappingRule):
    """A rule that counts how often one is asked whether it covers a call."""

    __slots__ = ()
    asked = 0

    def covers(self, method: str, url: str) -> bool:
        """Count, and answer."""
        Watched.asked += 1
        return super().covers(method, url)


def ping(number: int, host: str = HOST, **fields: Any) -> wh.Action:
    """An action with a URL of its own."""
    configuration = wh.UrlConfiguration(f"{host}/v1/{number}", method="POST")
    return wh.Action(**{"name": f"Ping{number}", "url_configuration": configuration, **fields})


def answer(request: wh.Request) -> wh.Response:
    """A token for who asks for one, and success for anybody else."""
    return wh.Response(200, body=b'{"access_token":"t"}' if request.url.startswith(ENDPOINT) else b"")


async def steps(executor: wh.Executor, action: wh.Action) -> int:
    """How many instructions of Python a call runs."""
    count = 0

    def step(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return step

    before = sys.gettrace()
    sys.settrace(step)
    try:
        outcome = await executor.call(action)
    finally:
        sys.settrace(before)
    assert outcome.status == "http_200"
    return count


async def grown(actions: list[wh.Action]) -> tuple[int, int]:
    """The steps of a call when a few were made, and when all of them were, each of these the first of its action."""
    async with wh.Executor(transport=FakeTransport(answer), clock=FakeClock()) as executor:
        for action in actions[:3]:
            await executor.call(action)
        few = await steps(executor, actions[3])
        for action in actions[4:-1]:
            await executor.call(action)
        return few, await steps(executor, actions[-1])


async def test_a_token_is_found_and_kept_among_many_as_among_few() -> None:
    """Asking for one token more, keeping it and using it takes as many steps, however many are kept."""
    tokens = [attrs.evolve(AUTHORIZATION, body_params={"client": f"{i:03}"}) for i in range(MANY)]

    few, many = await grown([ping(100 + i, authentication=tokens[i]) for i in range(MANY)])

    assert many <= few * 1.05 + 50


async def test_what_calls_make_of_a_token_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many calls it serves, how an answer may spell a token is found once; for the next token, once more."""
    found: list[tuple[str, ...]] = []
    reflections = credential.reflections

    def watched(*arguments: Any) -> Any:
        found.append(reflections(*arguments))
        return found[-1]

    monkeypatch.setattr(credential, "reflections", watched)
    clock, action = FakeClock(), ping(1, authentication=AUTHORIZATION)
    async with wh.Executor(transport=FakeTransport(answer), clock=clock) as executor:
        for _ in range(5):
            await executor.call(action)
        assert len(found) == 1
        clock.pass_time(3600)
        await executor.call(action)
    assert len(found) == 2


async def test_a_destination_is_found_among_many_as_among_few() -> None:
    """The budget, pause and breaker of one more destination take as many steps, however many are known."""
    few, many = await grown([ping(100 + i, host=f"https://h{100 + i}.example.com") for i in range(MANY)])

    assert many <= few * 1.05 + 50


@pytest.mark.parametrize(
    ("patterns", "asked"),
    [
        ([f"https://h{i}.example.com/*" for i in range(MANY)], 0),
        ([f"{HOST}/v1/{i}" for i in range(MANY)], 1),
        ([f"{HOST}/v{i}/*" for i in range(MANY)], 1),
        ([f"{HOST}/v1/{i}/*/sent" for i in range(MANY)], 0),
        ([f"{HOST}/v1/7", f"{HOST}/v1/*", f"{HOST}/*", f"{HOST}/v1/*9*", *(f"{HOST}/v2/{i}" for i in range(MANY))], 4),
    ],
    ids=["by host", "by whole URL", "by folder", "by what is before the wildcard", "several are near"],
)
async def test_only_the_rules_near_a_call_are_asked(patterns: list[str], asked: int) -> None:
    """Of many rules those of another host or folder are not looked at, and those near a call all are."""
    limiter = wh.WindowLimiter([Watched(pattern, wh.Rating(1, 1000)) for pattern in patterns], clock=FakeClock())
    Watched.asked = 0

    async with limiter.place("POST", f"{HOST}/v1/7"):
        pass

    assert Watched.asked == asked


async def test_deployed_limits_that_have_not_changed_are_not_judged_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading every second what is deployed looks at no rule of it, unless something changed."""
    repository, clock = wh.MemoryRepository(), FakeClock()
    rule = wh.CappingRule(f"{HOST}/*", wh.Rating(100, 1000))
    await repository.save(wh.CappingConfiguration("one", rule).deployed())
    judged: list[str] = []
    violations = wh.CappingRule.violations

    def watched(self: wh.CappingRule, path: str = "$") -> Any:
        judged.append(path)
        return violations(self, path)

    monkeypatch.setattr(wh.CappingRule, "violations", watched)
    async with wh.Executor(repository, transport=FakeTransport(answer), clock=clock) as executor:
        for _ in range(5):
            await executor.call(ping(1))
            clock.pass_time(2)
        before = len(judged)
        await repository.save(wh.CappingConfiguration("two", attrs.evolve(rule, action=wh.Rating(1, 1000))).deployed())
        judged.clear()
        outcomes = [await executor.call(ping(1)) for _ in range(2)]

    assert before == 1
    assert len(judged) == 2
    assert [outcome.status for outcome in outcomes] == ["http_200", "capped"]
