"""The public names as a user's program uses them, for the type checkers; never executed.

`mypy --strict` and `pyright` in strict mode read this file; what it asserts is what a user's editor shows.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, assert_type

import attrs

import wayhook as wh
from wayhook.testing import Answer, FakeClock, FakeSecrets, FakeTransport, LoopbackService, Received, RecordingSink

STANDARD = wh.Guardrails.standard()
Definition = wh.Action | wh.Journey | wh.Connection | wh.CappingConfiguration | wh.ThrottlingConfiguration

SEND_SMS = wh.Action(
    name="SendSms",
    description="One text message",
    url_configuration=wh.UrlConfiguration(
        "https://sms.example.com/v1/",
        method="POST",
        headers={"X-Campaign": wh.variable("Campaign id"), "X-Key": wh.secret("env:KEY")},
        query_parameters={"tenant": "acme"},
    ),
    authentication=wh.ApiKeyAuthentication("X-Api-Key", wh.secret("env:SMS_KEY"), location="header"),
    message_parameters=wh.message_parameters(
        {"to": "+33600000000", "text": "Hello", "priority": 1},
        variables={"to": "Recipient", "text": wh.variable("Message", optional=True)},
    ),
    response=wh.payload({"id": "abc", "queued": True}),
    channel=wh.Channel.SMS,
)
IN_SEQUENCES = wh.UrlConfiguration(
    "https://sms.example.com",
    headers=[wh.Header("X-Campaign", "c1")],
    query_parameters=[wh.QueryParameter("tenant", wh.variable("Tenant"))],
)
AUTHENTICATIONS: list[wh.Authentication] = [
    wh.NoAuthentication(),
    wh.BasicAuthentication("joe", wh.literal_secret("text")),
    wh.CustomAuthorization(
        "https://login.example.com/token",
        body_type="form",
        body_params={"client_secret": wh.secret("env:CLIENT"), "depth": 1},
        cache_duration=wh.CacheDuration(1, wh.TimeUnit.HOURS),
    ),
]
BY_HAND = wh.MessageParameter("n", wh.DataType.INTEGER, variable=wh.variable("Number"))
JOURNEY = wh.Journey(
    "Welcome",
    [
        wh.ActionActivity(
            "SendSms",
            label="day1",
            path=wh.expression("@event{Signup.id} + '/messages'"),
            headers={"X-Campaign": wh.expression("@event{Signup.campaign}")},
            parameters={"to": wh.expression("@event{Signup.phone}"), "text": "Welcome!"},
            alternative_path=True,
        )
    ],
    timeout=10,
)
DRAWN = wh.Journey(
    "Drawn",
    [
        wh.Activity("event", label="in", next=["vip"]),
        wh.Activity("condition", label="vip", conditions={"mail": wh.expression("@event{Signup.vip}")}, next=["out"]),
        wh.ActionActivity("SendMail", label="mail", next=["out"], alternative_path=True, on_error="out"),
        wh.Activity(wh.ActivityKind.END, label="out"),
    ],
    reentrance=False,
    reentrance_wait=600,
    time_zone="Europe/Berlin",
)
CONTEXT = wh.Context({"Signup": {"id": 7}}, journey={"externalKey": "k"})


def describe_and_check() -> None:
    """What definitions give."""
    assert_type(SEND_SMS.message_parameters, tuple[wh.MessageParameter, ...])
    assert_type(SEND_SMS.variables, tuple[tuple[str, wh.Variable], ...])
    assert_type(SEND_SMS.duplicate({"SendSms_Copy"}), wh.Action)
    assert_type(wh.violations(SEND_SMS, guardrails=wh.Guardrails.journey_optimizer()), tuple[wh.Violation, ...])
    assert_type(JOURNEY.activity("day1"), wh.ActionActivity)
    assert_type(wh.expression("1 + 2").type, wh.ExpressionType | None)


def live(now: datetime) -> None:
    """The life of a journey."""
    journey = DRAWN.test(now).publish(now).pause(now, mode="discard").resume(now).new_version().publish(now)
    assert_type(journey, wh.Journey)
    assert_type(journey.versions, tuple[wh.Journey, ...])
    assert_type(journey.at(1).close(now), wh.Journey)
    assert_type(journey.stop(now, version=1).as_of(now, wh.Guardrails.standard()), wh.Journey)
    assert_type(journey.activities, tuple[wh.ActionActivity | wh.Activity, ...])
    assert_type(journey.duplicate({"Drawn_copy"}).renamed("Other").current.discard_draft(), wh.Journey)
    policy = wh.DataPolicy("emailTargeting", ["@event{Signup.email}"])
    found = wh.publication_violations(DRAWN, [SEND_SMS], guardrails=attrs.evolve(STANDARD, data_policies=[policy]))
    assert_type(found, tuple[wh.Violation, ...])


def look() -> None:
    """Both kinds of preview give a call."""
    call = wh.preview(SEND_SMS, {"to": "x"}, path="messages", guardrails=STANDARD)
    if call.explanation is not None:
        assert_type(call.explanation.origins, tuple[wh.Origin, ...])
    assert_type(call, wh.Call)
    assert_type(wh.preview(JOURNEY, "day1", CONTEXT, actions=[SEND_SMS]), wh.Call)
    assert_type(call.body, bytes | None)
    assert_type(wh.to_curl(call), str)
    assert_type(wh.to_http_file([call, call]), str)
    assert_type(wh.form(SEND_SMS).fields, tuple[wh.FormField, ...])
    assert_type(wh.form_widget(SEND_SMS, secrets=FakeSecrets({})).outcome, wh.Outcome | None)
    assert_type(wh.form(SEND_SMS).json_schema(), dict[str, Any])
    assert_type(wh.data_sheet(SEND_SMS, guardrails=STANDARD, limits=[]), str)
    assert_type(wh.to_openapi([SEND_SMS], title="SMS", version="2"), dict[str, Any])


def document() -> None:
    """Documents come back as what they were."""
    assert_type(wh.dumps(SEND_SMS), str)
    assert_type(wh.loads("{}"), Definition)
    kept: Definition = wh.load(wh.dump(JOURNEY))
    assert_type(wh.dumps(kept), str)


def limits() -> None:
    """A limit is a rule, or a configuration of one."""
    capping = wh.CappingConfiguration("sms", wh.CappingRule("https://sms.example.com/*", wh.Rating(10)))
    throttling = wh.ThrottlingConfiguration("all", wh.ThrottlingRule("https://sms.example.com/*", {"POST"}, 200))
    assert_type(capping.can_deploy(), wh.CanDeploy)
    assert_type(capping.deployed(wh.Stamp("ann")).deployed_rule, wh.CappingRule | None)
    assert_type(throttling.deployed().updated(throttling.rule), wh.ThrottlingConfiguration)
    assert_type(wh.dump_capping(capping), dict[str, Any])
    assert_type(wh.load_capping("{}"), wh.CappingRule | wh.CappingConfiguration)
    assert_type(wh.load_throttling(b"{}"), wh.ThrottlingRule | wh.ThrottlingConfiguration)
    wh.WindowLimiter([capping.rule, throttling.rule], default_cap=wh.Rating(1), clock=FakeClock())


async def keep(repository: wh.Repository) -> None:
    """A repository gives back the kind that it was asked for."""
    assert_type(await repository.save(SEND_SMS, expected_version=0), int)
    assert_type(await repository.get(wh.Action, "SendSms"), wh.Stored[wh.Action])
    assert_type((await repository.get(wh.Journey, "Welcome")).value, wh.Journey)
    assert_type((await repository.list(wh.Action, cursor=None, limit=10)).items, tuple[wh.Stored[wh.Action], ...])
    assert_type(await repository.journeys_using("SendSms"), tuple[str, ...])
    await repository.delete(wh.Action, "SendSms", expected_version=1)
    assert_type((await repository.get(wh.CappingConfiguration, "sms")).value, wh.CappingConfiguration)
    await repository.delete(wh.CappingConfiguration, "sms", force=True)


def key_of(context: wh.Context) -> str:
    """The key of what a context stands for."""
    return f"order-{context.events['Order']['id']}"


async def execute() -> None:
    """An executor gives outcomes, a batch one after another."""
    policy = wh.NetworkPolicy(loopback=True, hosts={"crm.internal"}, ports={8443})
    guardrails = wh.Guardrails.standard(network=policy)
    limiter = wh.WindowLimiter([wh.CappingRule("https://sms.example.com/*", wh.Rating(10, 1000), methods={"POST"})])
    shared: list[wh.RuleLimiter] = [limiter, wh.RedisLimiter("redis://h"), wh.PostgresLimiter("postgresql://h/d")]
    shared[0].hold({"sms": wh.ThrottlingRule("https://sms.example.com/*", ["POST"], 200)}, by="me")
    tokens: wh.TokenStore = wh.SqliteTokenStore("tokens.db", key=wh.secret("env:TOKEN_KEY"))
    async with (
        wh.open_repository("sqlite:///actions.db", guardrails=guardrails) as repository,
        wh.Executor(repository, guardrails=guardrails, limiter=limiter, tokens=tokens) as executor,
    ):
        outcome = await executor.execute(JOURNEY, "day1", CONTEXT)
        assert_type(outcome, wh.Outcome)
        assert_type(outcome.raise_for_error(), wh.Outcome)
        first: str = outcome.response["id"]  # typed by the declared fields, which only a run knows
        assert first
        path: str | None = outcome.path
        assert path != "end"
        assert_type(outcome.attempts, tuple[wh.Attempt, ...])
        assert_type(outcome.received, wh.Response | None)
        assert_type(await executor.call("SendSms", {"to": "x"}, timeout=3), wh.Outcome)
        assert_type(await executor.send_test_request("SendSms", {"to": 1}, secrets={"env:KEY": "k"}), wh.Outcome)
        assert_type(outcome.delivery, wh.Delivery)
        assert outcome.delivery is not wh.Delivery.UNKNOWN or outcome.not_before is None
        assert_type(await executor.call("SendSms", delivery_id=outcome.delivery_id), wh.Outcome)
        assert_type(await executor.preview("Welcome", "day1", CONTEXT), wh.Call)
        for contexts in (endless(), [CONTEXT], streamed()):
            async with executor.batch("Welcome", "day1", contexts, delivery_ids=key_of) as batch:
                assert_type(batch, wh.Batch)
                async for one in batch:
                    assert_type(one, wh.Outcome)


def call_at_once(repository: wh.Repository) -> wh.Outcome:
    """The blocking way in."""
    return wh.call(SEND_SMS, {"to": "x"}, path="messages", timeout=3, repository=repository)


def call_for_rows(repository: wh.Repository) -> wh.Results:
    """The verbs of a notebook."""
    rows = [{"to": "x"}]
    results = wh.map(SEND_SMS, rows, values={"text": "Hi"}, path=["a"], concurrency=5, progress=print)
    assert_type(results, wh.Results)
    assert_type(results.failed, wh.Results)
    assert_type(results[0], wh.Outcome)
    assert_type(results[1:], wh.Results)
    assert_type(wh.map(SEND_SMS, rows, engine=object(), limiter=lambda: wh.WindowLimiter(())), wh.Results)
    assert_type(results.retry(unknown=False).succeeded, wh.Results)
    assert_type(results.to_records(), list[dict[str, Any]])
    assert_type(results.latencies, tuple[float, ...])
    for outcome in results:
        assert_type(outcome, wh.Outcome)
    calls = wh.map("SendSms", rows, dry_run=True, path=lambda row: row["to"], repository=repository)
    assert_type(calls, wh.Calls)
    assert_type(calls[0], wh.Call)
    try:
        return wh.map(JOURNEY, [CONTEXT], label="day1", delivery_ids=key_of, repository=repository)
    except wh.Interrupted as stopped:
        return stopped.results


async def call_each() -> None:
    """A batch without a journey."""
    rows = [{"to": "x"}]
    async with (
        wh.Executor() as executor,
        executor.call_each(SEND_SMS, rows, path="p", delivery_ids=["a", None]) as batch,
    ):
        assert_type(await anext(batch), wh.Outcome)
        batch.stop()


def endless() -> Iterator[wh.Context]:
    """Contexts without an end."""
    while True:
        yield CONTEXT


async def streamed() -> AsyncIterator[wh.Context]:
    """Contexts that arrive."""
    yield CONTEXT


class Vault:
    """A source of secrets."""

    async def reveal(self, reference: wh.SecretReference) -> str:
        """Return the text."""
        raise wh.SecretMissing(f"the secret {reference.source} is not there")


class Silent:
    """A transport that never answers."""

    async def send(self, request: wh.Request, deadline: float) -> wh.Response:
        """Fail, and say what that proves."""
        raise wh.TransportError(f"nobody is there at {deadline:.0f} for {request.method}", wh.Evidence.NEVER_SENT)

    async def aclose(self) -> None:
        """Close nothing."""


class Counter:
    """A sink."""

    attempts = 0

    def emit(self, event: wh.Event) -> None:
        """Count attempts."""
        self.attempts += isinstance(event, wh.AttemptEnded)


class Never:
    """A limiter."""

    @asynccontextmanager
    async def place(self, method: str, url: str) -> AsyncGenerator[float]:
        """Let everything through."""
        yield float(not (method and url))


class Asked:
    """A consent."""

    async def allows(self, context: wh.Context, marketing_actions: tuple[str, ...]) -> bool:
        """Allow everything to everybody."""
        return bool(context.events or marketing_actions)


ASKED: wh.Consent = Asked()
VAULT: wh.SecretSource = Vault()
SILENT: wh.Transport = Silent()
COUNTER: wh.EventSink = Counter()
SINKS: tuple[wh.EventSink, ...] = (wh.LogSink(), wh.OpenTelemetrySink(paths=False), wh.PrometheusSink())


def told(event: wh.Event) -> str:
    """Every event has a type that a checker knows."""
    match event:
        case wh.AttemptEnded() | wh.TokenAttemptEnded() | wh.Retrying():
            return f"{event.action} {event.attempt.number}"
        case wh.Waited() | wh.Paused() | wh.Capped() | wh.BreakerChanged():
            return event.destination
        case wh.ExecutionEnded():
            return event.outcome.status


NEVER: wh.Limiter = Never()
MEMORY: wh.Repository = wh.MemoryRepository()
SQLITE: wh.Repository = wh.SqliteRepository("actions.db")
HTTPX: wh.Transport = wh.HttpxTransport(body_limit=1000)
CASSETTE: wh.Transport = wh.Cassette("calls.json", record=HTTPX, ignoring={"at"})
UNUSED: tuple[wh.Exchange, ...] = wh.Cassette("calls.json").unused
JOBS: tuple[wh.Dispatcher, wh.JobQueue, wh.DeadLetters] = (wh.MemoryJobs(), wh.MemoryJobs(), wh.MemoryJobs())
FAKES: tuple[wh.Transport, wh.SecretSource, wh.EventSink] = (
    FakeTransport([wh.Response(503), wh.Response(200)], clock=FakeClock(), seconds=1),
    FakeSecrets({"env:KEY": "text"}),
    RecordingSink(),
)


def respond(request: Received) -> Answer:
    """Answer a request of the loopback service."""
    return Answer(200, {"path": request.path}, {"X-Kind": "test"}, delay=0.1)


def errors() -> None:
    """What errors carry."""
    try:
        with LoopbackService(respond) as service:
            wh.call(wh.Action(name="A", url_configuration=wh.UrlConfiguration(service.url))).raise_for_error()
    except wh.Rejected as error:
        assert_type(error.status, int)
        assert_type(error.outcome, wh.Outcome | None)
    except wh.DefinitionError as error:
        assert_type(error.violations, tuple[wh.Violation, ...])
    except wh.ExpressionError as error:
        assert_type(error.expected, tuple[str, ...])
    except wh.Conflict as error:
        assert_type(error.found, int)


async def jobs(executor: wh.Executor) -> None:
    """What handing over takes and gives."""
    job = wh.Job.call("SendSms", {"to": 1}, path="x", timeout=2, delivery_id="o-1", not_before=datetime.now(UTC))
    assert_type(wh.Job.execute("Welcome", "day1", wh.Context()), wh.Job)
    async with wh.SqlJobs("sqlite+aiosqlite:///jobs.db", queue="a") as store:
        dispatcher: wh.Dispatcher = store
        queue: wh.JobQueue = store
        letters: wh.DeadLetters = store
        assert_type(await dispatcher.dispatch(job), tuple[str, ...])
        record = await dispatcher.find("o-1")
        assert_type(record.state, wh.JobState)
        assert_type(record.outcome, Mapping[str, Any] | None)
        assert_type(record.job, wh.Job)
        worker = wh.Worker(queue, executor, redelivery=wh.Redelivery(lease=5))
        assert_type(await worker.drain(), int)
        assert_type(await letters.dead_letters(), tuple[wh.JobRecord, ...])
        assert_type(await letters.replay("o-1"), wh.JobRecord)
    through: wh.Dispatcher = wh.TaskiqDispatcher(store, lambda: executor, broker="amqp://127.0.0.1/")
    assert_type(await through.dispatch(job, job), tuple[str, ...])


def imports() -> None:
    """What the readers of other people's formats take and give."""
    imported = wh.from_curl("curl https://h.example", variables={"a": wh.variable()}, secrets={"b": wh.secret("env:B")})
    assert_type(imported, wh.Imported)
    assert_type(imported.action, wh.Action)
    assert_type(imported.actions, tuple[wh.Action, ...])
    assert_type(imported.connections, tuple[wh.Connection, ...])
    assert_type(imported.secrets, tuple[wh.FoundSecret, ...])
    assert_type([found.reference for found in imported.secrets], list[wh.SecretReference])
    assert_type([each.why for each in imported.left_out], list[str])
    document: dict[str, Any] = {}
    assert_type(wh.from_openapi(document, "POST /pets", server="https://h.example", connections=True), wh.Imported)
    assert_type(wh.from_postman(b"{}", "Folder/Name", values={"baseUrl": "https://h.example"}), wh.Imported)
    assert_type(wh.from_har("{}", "POST /pets"), wh.Imported)
    assert_type(wh.from_eventbridge(document, api_destination=document, name="A"), wh.Imported)
    assert_type(wh.from_adobe(document, secrets={"password": "env:PW"}), wh.Imported)
    assert_type(wh.Action.from_curl("curl https://h.example", name="A", secrets={"b": "env:B"}), wh.Action)
    assert_type(wh.Action.from_openapi(document, "placeOrder", variables={"a": "A"}), wh.Action)
    assert_type(wh.Action.from_postman(document), wh.Action)
    assert_type(wh.Action.from_har(document), wh.Action)
