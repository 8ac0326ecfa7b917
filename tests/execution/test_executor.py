"""Executing, calling and previewing by value and by name, and what is refused before anything is sent."""

# ruff: noqa: ASYNC109 - the timeout is the budget of an execution

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import attrs
import pytest

import wayhook as wh
from wayhook.testing import FakeClock, FakeSecrets, FakeTransport, RecordingSink

ANN = wh.Context({"Signup": {"name": "Ann"}})


@pytest.mark.parametrize("by_name", [True, False])
async def test_an_activity_is_executed(repository: wh.MemoryRepository, welcome: wh.Journey, *, by_name: bool) -> None:
    """A journey given by its name and one given by value send the same call and say what they were."""
    transport = FakeTransport(wh.Response(202))

    async with wh.Executor(repository, transport=transport) as executor:
        outcome = await executor.execute("Welcome" if by_name else welcome, "hello", ANN)

    assert [request.body for request in transport.requests] == [b'{"text":"Hello Ann"}']
    assert transport.requests[0].url == "https://api.example.com/greet"
    assert (outcome.status, outcome.action, outcome.journey, outcome.label) == ("http_202", "Greet", "Welcome", "hello")
    assert outcome.index is None


@pytest.mark.parametrize("by_name", [True, False])
async def test_an_action_is_called(repository: wh.MemoryRepository, greet: wh.Action, *, by_name: bool) -> None:
    """An action given by its name and one given by value send the same call, without a journey."""
    transport = FakeTransport()

    async with wh.Executor(repository, transport=transport) as executor:
        outcome = await executor.call("Greet" if by_name else greet, {"text": "Hi"}, path="now")

    assert [(r.url, r.body) for r in transport.requests] == [("https://api.example.com/greet/now", b'{"text":"Hi"}')]
    assert (outcome.status, outcome.action, outcome.journey, outcome.label) == ("http_200", "Greet", None, None)


async def test_a_preview_is_the_call_and_sends_nothing(repository: wh.MemoryRepository) -> None:
    """What the executor previews is what it sends, and previewing sends nothing."""
    transport = FakeTransport()

    async with wh.Executor(repository, transport=transport) as executor:
        preview = await executor.preview("Welcome", "hello", ANN)
        sent_before = len(transport.requests)
        outcome = await executor.execute("Welcome", "hello", ANN)

    assert sent_before == 0
    assert outcome.call == preview
    (request,) = transport.requests
    assert (request.method, request.url, request.headers, request.body) == (
        preview.method,
        preview.url,
        preview.headers,
        preview.body,
    )


async def test_a_changed_action_is_executed_as_changed(
    repository: wh.MemoryRepository, greet: wh.Action, welcome: wh.Journey
) -> None:
    """An action or a journey saved anew counts from the next execution on."""
    transport = FakeTransport()
    moved = attrs.evolve(greet, url_configuration=wh.UrlConfiguration("https://new.example.com/greet"))
    (activity,) = welcome.activities
    reworded = attrs.evolve(welcome, activities=[attrs.evolve(activity, parameters={"text": "Bye"})])

    async with wh.Executor(repository, transport=transport) as executor:
        await executor.execute("Welcome", "hello", ANN)
        await repository.save(moved)
        await executor.execute("Welcome", "hello", ANN)
        await repository.save(reworded)
        await executor.execute("Welcome", "hello", ANN)

    assert [(request.url.split("/")[2], request.body) for request in transport.requests] == [
        ("api.example.com", b'{"text":"Hello Ann"}'),
        ("new.example.com", b'{"text":"Hello Ann"}'),
        ("new.example.com", b'{"text":"Bye"}'),
    ]


async def test_a_changed_action_is_called_as_changed(greet: wh.Action) -> None:
    """Two actions of one name, called one after the other, are each called as they are."""
    transport = FakeTransport()
    other = attrs.evolve(greet, url_configuration=wh.UrlConfiguration("https://other.example.com/"))

    async with wh.Executor(transport=transport) as executor:
        for action in (greet, other, greet):
            await executor.call(action, {"text": "Hi"})

    assert [request.url.split("/")[2] for request in transport.requests] == [
        "api.example.com",
        "other.example.com",
        "api.example.com",
    ]


async def test_a_changed_timeout_counts_at_once(repository: wh.MemoryRepository, welcome: wh.Journey) -> None:
    """The compiled use of an activity does not keep the timeout that its journey had."""
    async with wh.Executor(repository, transport=FakeTransport()) as executor:
        before = await executor._use(welcome, "hello")
        after = await executor._use(attrs.evolve(welcome, timeout=9), "hello")

    assert (before.timeout, after.timeout) == (5, 9)


async def test_many_uses_are_forgotten_not_collected(ping: Callable[..., wh.Action]) -> None:
    """An executor that sees more actions than it keeps compiled executes every one of them all the same."""
    transport = FakeTransport()

    async with wh.Executor(transport=transport) as executor:
        for number in range(1030):
            await executor.call(ping(name=f"Ping{number}"))
        await executor.call(ping(name="Ping0"))

    assert len(transport.requests) == 1031


@pytest.mark.rule("R3", "R41", "R55", "R62")
@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"name": "not a name"}, "R3"),
        ({"url_configuration": wh.UrlConfiguration("http://127.0.0.1:8000/")}, "R41"),
        ({"url_configuration": wh.UrlConfiguration("https://api.example.com/", method="TRACE")}, "R62"),
        ({"url_configuration": wh.UrlConfiguration("https://user@api.example.com/")}, "R55"),
    ],
)
async def test_what_breaks_guardrails_is_refused_before_sending(
    ping: Callable[..., wh.Action], fields: dict[str, object], rule: str
) -> None:
    """A definition that breaks a rule raises, with the rule, and nothing is sent."""
    transport = FakeTransport()

    async with wh.Executor(transport=transport) as executor:
        with pytest.raises(wh.DefinitionError) as refused:
            await executor.call(ping(**fields))

    assert rule in {violation.rule for violation in refused.value.violations}
    assert transport.requests == []


async def test_an_activity_is_checked_by_the_edition_of_the_executor(ping: Callable[..., wh.Action]) -> None:
    """What a repository took under one edition, an executor of a stricter one refuses."""
    repository, transport = wh.MemoryRepository(), FakeTransport()
    await repository.save(ping("GET"))
    await repository.save(wh.Journey("Watch", [wh.ActionActivity("Ping", label="p")]))
    strict = wh.Guardrails.journey_orchestration()

    async with wh.Executor(repository, transport=transport, guardrails=strict) as executor:
        with pytest.raises(wh.DefinitionError, match="R60"):
            await executor.execute("Watch", "p", wh.Context())

    assert transport.requests == []


async def test_what_is_not_there_is_not_found(repository: wh.MemoryRepository, welcome: wh.Journey) -> None:
    """An unknown journey, label or action raises `NotFound`, whichever way it is named."""
    lost = wh.Journey("Lost", [wh.ActionActivity("Nobody", label="x")])

    async with wh.Executor(repository, transport=FakeTransport()) as executor:
        for journey, label in [("Nobody", "x"), (welcome, "nobody"), (lost, "x")]:
            with pytest.raises(wh.NotFound):
                await executor.execute(journey, label, ANN)
        with pytest.raises(wh.NotFound):
            await executor.call("Nobody")


async def test_names_need_a_repository(welcome: wh.Journey) -> None:
    """Without a repository a name raises a sentence that says how to give one."""
    async with wh.Executor(transport=FakeTransport()) as executor:
        with pytest.raises(wh.DefinitionError, match=r"Executor\(repository\)"):
            await executor.call("Greet")
        with pytest.raises(wh.DefinitionError, match=r"Executor\(repository\)"):
            await executor.execute(welcome, "hello", ANN)


@pytest.mark.rule("R203")
@pytest.mark.parametrize("timeout", [1, 1.5, 30])
async def test_a_timeout_in_range_is_taken(ping: Callable[..., wh.Action], timeout: float) -> None:
    """A timeout of 1 to 30 seconds is the budget of the call."""
    deadlines: list[float] = []

    class Watching(FakeTransport):
        async def send(self, request: wh.Request, deadline: float) -> wh.Response:
            deadlines.append(deadline)
            return await super().send(request, deadline)

    async with wh.Executor(transport=Watching(), clock=FakeClock()) as executor:
        await executor.call(ping(), timeout=timeout)

    assert deadlines == [timeout]


@pytest.mark.rule("R203")
@pytest.mark.parametrize("timeout", [0, 0.99, 30.5, 31, -1, float("inf"), float("nan")])
async def test_a_timeout_out_of_range_is_refused(
    ping: Callable[..., wh.Action], repository: wh.MemoryRepository, welcome: wh.Journey, timeout: float
) -> None:
    """Any other timeout is refused, of a call and of a journey, and nothing is sent."""
    transport = FakeTransport()

    async with wh.Executor(repository, transport=transport) as executor:
        with pytest.raises(wh.DefinitionError, match="R203"):
            await executor.call(ping(), timeout=timeout)
        await executor.execute(welcome, "hello", ANN)
        with pytest.raises(wh.DefinitionError, match="R203"):
            await executor.execute(attrs.evolve(welcome, timeout=timeout), "hello", ANN)

    assert len(transport.requests) == 1


@pytest.mark.rule("R204")
@pytest.mark.parametrize(
    ("guardrails", "seconds"),
    [
        (wh.Guardrails.standard(), 5),
        (wh.Guardrails.journey_orchestration(), 5),
        (wh.Guardrails.journey_optimizer(), 30),
    ],
)
async def test_the_edition_gives_the_default_timeout(guardrails: wh.Guardrails, seconds: float) -> None:
    """A journey that names no timeout has the one of the edition."""
    repository = wh.MemoryRepository()
    await repository.save(wh.Action(name="Ping", url_configuration=wh.UrlConfiguration("https://api.example.com/")))

    async with wh.Executor(repository, transport=FakeTransport(), guardrails=guardrails) as executor:
        use = await executor._use(wh.Journey("J", [wh.ActionActivity("Ping", label="p")]), "p")

    assert use.timeout == seconds


@pytest.mark.rule("R160")
async def test_data_that_does_not_fit_is_an_outcome(repository: wh.MemoryRepository) -> None:
    """What cannot be rendered ends as `internalError` with the fault as its cause, and nothing is sent."""
    transport = FakeTransport()

    async with wh.Executor(repository, transport=transport) as executor:
        outcome = await executor.execute("Welcome", "hello", wh.Context({"Signup": {"name": ["Ann"]}}))

    assert (outcome.status, outcome.attempts, outcome.call) == ("internalError", (), None)
    assert transport.requests == []
    with pytest.raises(wh.WrongType, match=r"\$\.parameters\.text"):
        outcome.raise_for_error()


@pytest.mark.rule("R147", "R160")
@pytest.mark.parametrize(
    ("values", "path", "error"),
    [
        ({}, "", wh.MissingValue),
        ({"text": 5}, "", wh.WrongType),
        ({"text": "Hi"}, "../admin", wh.UnsafeCall),
        ({}, "../admin", wh.RenderError),
    ],
)
async def test_values_that_do_not_fit_are_an_outcome(
    greet: wh.Action, values: dict[str, object], path: str, error: type[wh.RenderError]
) -> None:
    """A missing, misfitting or unsafe value is the cause of the outcome, as the narrowest error; nothing is sent."""
    transport = FakeTransport()

    async with wh.Executor(transport=transport) as executor:
        outcome = await executor.call(greet, values, path=path)

    assert (outcome.status, type(outcome.cause), transport.requests) == ("internalError", error, [])


async def test_values_are_known_by_name(greet: wh.Action) -> None:
    """A value for a variable that the action does not have is an outcome that proposes the right name."""
    async with wh.Executor(transport=FakeTransport()) as executor:
        outcome = await executor.call(greet, {"text": "Hi", "txt": "Hi"})

    assert outcome.status == "internalError"
    assert "did you mean 'text'?" in str(outcome.cause)


async def test_leaving_closes_the_transport() -> None:
    """An executor closes its transport on leaving, after an error too."""
    transport = FakeTransport()

    with pytest.raises(RuntimeError, match="stop"):
        async with wh.Executor(transport=transport):
            raise RuntimeError("stop")

    assert transport.closed


async def test_secrets_are_looked_up_for_each_call(ping: Callable[..., wh.Action]) -> None:
    """A secret is asked for when the call is made, every time, so that a rotated one counts."""
    secrets, transport = FakeSecrets({"env:KEY": "k-1"}), FakeTransport()
    action = ping(authentication=wh.ApiKeyAuthentication("X-Key", wh.secret("env:KEY")))

    async with wh.Executor(transport=transport, secrets=secrets) as executor:
        await executor.call(action)
        await executor.call(action)

    assert secrets.asked == ["env:KEY", "env:KEY"]
    assert [dict(request.headers)["X-Key"] for request in transport.requests] == ["k-1", "k-1"]


def test_an_unknown_transport_is_refused_with_the_names_there_are() -> None:
    """A transport is chosen by a name that is installed."""
    with pytest.raises(wh.DefinitionError, match=r"there is no 'carrier-pigeon' among the transports.*httpx"):
        wh.Executor(transport="carrier-pigeon")


@pytest.mark.parametrize("context", [{"Signup": {"name": "Ann"}}, None, "Ann"], ids=lambda given: type(given).__name__)
async def test_a_context_is_a_context(repository: wh.MemoryRepository, context: Any) -> None:
    """What is no Context is refused before anything is looked up, and nothing is sent."""
    transport = FakeTransport()

    async with wh.Executor(repository, transport=transport) as executor:
        with pytest.raises(wh.DefinitionError, match="a Context belongs here"):
            await executor.execute("Welcome", "hello", context)
        with pytest.raises(wh.DefinitionError, match="a Context belongs here"):
            await executor.preview("Welcome", "hello", context)

    assert transport.requests == []


async def test_what_is_no_definition_is_refused(repository: wh.MemoryRepository, greet: wh.Action) -> None:
    """Journeys, actions, values, timeouts and editions of a wrong type are refused as definitions."""
    context = wh.Context({"Signup": {"name": "Ann"}})

    async with wh.Executor(repository, transport=FakeTransport()) as executor:
        with pytest.raises(wh.DefinitionError, match="a Journey or its name"):
            await executor.execute(7, "hello", context)
        with pytest.raises(wh.DefinitionError, match="an Action or its name"):
            await executor.call(7)
        with pytest.raises(wh.DefinitionError, match="values are a mapping"):
            await executor.call(greet, ["Hello"])
        with pytest.raises(wh.DefinitionError, match="1 to 30 seconds"):
            await executor.call(greet, {"text": "Hello"}, timeout="soon")
    with pytest.raises(wh.DefinitionError, match="guardrails are an edition"):
        wh.Executor(guardrails="standard")
    with pytest.raises(wh.DefinitionError, match="by its URL"):
        wh.open_repository(7)


async def test_literals_that_are_equal_in_python_only_are_told_apart(
    repository: wh.MemoryRepository, welcome: wh.Journey
) -> None:
    """`1` and `True` are equal in Python and not in JSON: a changed literal compiles the activity anew."""
    counted = wh.Action(
        name="Count",
        url_configuration=wh.UrlConfiguration("https://api.example.com/count"),
        message_parameters=wh.message_parameters({"n": 1}, variables={"n": "Number"}),
    )
    await repository.save(counted)
    transport, context = FakeTransport(), wh.Context()

    async with wh.Executor(repository, transport=transport) as executor:
        outcomes = [
            await executor.execute(
                wh.Journey("J", [wh.ActionActivity("Count", label="c", parameters={"n": n})]), "c", context
            )
            for n in (1, True, 2)
        ]

    assert [outcome.status for outcome in outcomes] == ["http_200", "internalError", "http_200"]
    assert [request.body for request in transport.requests] == [b'{"n":1}', b'{"n":2}']


async def test_a_batch_is_entered_first(repository: wh.MemoryRepository) -> None:
    """Iterating over a batch that was not entered says so, instead of giving nothing."""
    async with wh.Executor(repository, transport=FakeTransport()) as executor:
        with pytest.raises(wh.DefinitionError, match="async with"):
            [outcome async for outcome in executor.batch("Welcome", "hello", [wh.Context()])]


async def test_closing_the_executor_ends_who_waits_for_a_token(ping: Callable[..., wh.Action]) -> None:
    """A call that waits for a token while the executor closes gets an outcome, not a cancellation nobody sent."""
    asked = asyncio.Event()

    class Hanging(FakeTransport):
        async def send(self, request: wh.Request, deadline: float) -> wh.Response:
            asked.set()
            await asyncio.Event().wait()
            raise AssertionError

    action = ping(authentication=wh.CustomAuthorization("https://id.example.com/token", body_type="form"))

    async with wh.Executor(transport=Hanging()) as executor:
        call = asyncio.create_task(executor.call(action))
        await asked.wait()
    outcome = await call

    assert (outcome.status, outcome.delivery) == ("internalError", wh.Delivery.UNAVAILABLE)
    assert isinstance(outcome.cause, wh.AuthenticationFailed)


async def test_a_closed_executor_calls_nobody(repository: wh.MemoryRepository, greet: wh.Action) -> None:
    """What it had open is closed: whoever calls on is told, and nothing is sent."""
    transport = FakeTransport()
    async with wh.Executor(repository, transport=transport) as executor:
        batch = executor.batch("Welcome", "hello", [wh.Context()])

    for calling in (
        executor.call(greet, {"text": "Hi"}),
        executor.execute("Welcome", "hello", wh.Context()),
        executor.send_test_request(greet),
        batch.__aenter__(),
    ):
        with pytest.raises(wh.ExecutionError, match="closed"):
            await calling
    assert transport.requests == []


@pytest.mark.parametrize("error", [KeyError("canary"), TimeoutError("canary")], ids=lambda error: type(error).__name__)
async def test_an_error_that_is_not_ours_is_an_outcome_and_is_heard(
    ping: Callable[..., wh.Action], error: Exception
) -> None:
    """A secret source that fails in its own way costs one call, whose end every sink hears of, without the text."""
    sink = RecordingSink()

    class Broken:
        async def reveal(self, reference: wh.SecretReference) -> str:
            raise error

    action = ping(authentication=wh.ApiKeyAuthentication("X-Key", wh.secret("env:KEY")))

    async with wh.Executor(secrets=Broken(), transport=FakeTransport(), events=[sink]) as executor:
        outcome = await executor.call(action)

    assert (outcome.status, sink.outcomes) == ("internalError", [outcome])
    assert type(error).__name__ in str(outcome.cause)
    assert "canary" not in str(outcome.cause)


async def test_white_space_around_a_secret_is_cut(ping: Callable[..., wh.Action]) -> None:
    """A secret that was stored with a line's blanks around it goes out without them."""
    transport = FakeTransport()
    action = ping(authentication=wh.ApiKeyAuthentication("X-Key", wh.secret("env:KEY")))

    async with wh.Executor(secrets=FakeSecrets({"env:KEY": " key\t"}), transport=transport) as executor:
        await executor.call(action)

    assert ("X-Key", "key") in transport.requests[0].headers


@pytest.mark.parametrize("port", ["repository", "transport", "secrets", "limiter", "consent", "tokens"])
@pytest.mark.parametrize("given", [7, {}, True])
def test_what_is_no_port_is_refused_when_it_is_given(port: str, given: Any) -> None:
    """Not when it is first used, in the middle of a batch."""
    with pytest.raises(wh.DefinitionError, match=rf"^\$\.{port}: .* belongs here, not {type(given).__name__}$"):
        wh.Executor(**{port: given})


def test_all_that_are_no_ports_are_told_at_once() -> None:
    """Each with its name."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.Executor(secrets=1, limiter=2)  # type: ignore[arg-type]

    assert [violation.path for violation in caught.value.violations] == ["$.secrets", "$.limiter"]
