"""The examples of the reference, each in its editions: read, accepted or refused, sent, answered and read as it says.

The mapping from the form of the examples to definitions stands here, once. The limits have a test of their own.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import attrs
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import wayhook as wh
from wayhook.model.parameter import walk
from wayhook.testing import FakeClock, FakeConsent, FakeTransport

EXAMPLES = json.loads(Path(__file__).with_name("custom-actions-examples.json").read_text(encoding="utf-8"))
KINDS = {"action": 65, "execution": 1, "export": 1, "capping": 10, "throttling": 7}
EDITIONS = {"JO": wh.Guardrails.journey_orchestration(), "AJO": wh.Guardrails.journey_optimizer()}

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
TOKEN = {"status": 200, "json": {"access_token": "t-1", "id_token": "t-1", "auth": {"token": "t-1"}}}
SAMPLES = {
    "string": "x", "integer": 1, "decimal": 1.5, "boolean": True, "dateTime": "2030-01-02T03:04:05Z",
    "listString": ["x"], "listInteger": [1],
}  # fmt: skip
SPELLED = {"concat of lastNodeNameInError and lastErrorCode": "${lastNodeNameInError} + ' ' + ${lastErrorCode}"}
REASONS = {
    "port other than 443": "R38", "port 443 with http": "R39", "IP address": "R41", "IP address (version 6)": "R42",
    "internal Adobe address": "R44", "internal Adobe address, other case": "R44", "scheme": "R36",
    "no scheme": "R37", "empty": "R1 R37", "space": "R3", "special character": "R4", "longer than 30": "R2",
    "unsupported": "R61 R62", "JO pages allow POST and PUT only": "R60", "starts with a dot": "R69",
    "starts with a dollar sign": "R70", "space in the name": "R71", "default header added again": "R76 R77",
    "dot in a field name": "R140", "leading dollar sign": "R141", "dot at depth": "R142",
    "heterogeneous array in a response": "R178", "header without tokenTarget": "R99",
    "unknown authorizationType": "R98", "method": "R102", "POST without body": "R103", "tokenInResponse": "R109",
    "endpoint missing": "R101", "duration and expiryInResponse together": "R120", "time unit": "R118",
    "certificate without aud": "R127", "type": "R97", "collection-nested-objects-unsupported": "R168",
}  # fmt: skip
"""The rule that is broken, by the reason an example gives; by its name where it gives none."""


# From an example to definitions


def action_of(config: dict[str, Any]) -> wh.Action:
    """The action of an example; raises `DefinitionError` where it cannot be made."""
    campaign = config.get("action_type") == "campaign_classic"
    request, response = config.get("request") or {}, config.get("response") or {}
    failure = config.get("error_response") or {}
    return wh.Action(
        name=config["name"],
        description=config.get("description", ""),
        action_type="campaignClassic" if campaign else "customHttp",
        url_configuration=None if campaign else url_of(config),
        authentication=authentication_of(config.get("authentication", {"kind": "none"})),
        message_parameters=fields_of(request),
        allow_null_values=request.get("allow_null", False),
        response=wh.payload(response.get("example", {}), types=types_of(response)),
        failure_response=wh.payload(failure.get("example", {}), types=types_of(failure)),
        channel=config.get("channel"),
        **({"required_marketing_action": name} if (name := config.get("required_marketing_action")) else {}),
    )


def url_of(config: dict[str, Any]) -> wh.UrlConfiguration:
    """The URL configuration of an example."""
    return wh.UrlConfiguration(
        config["url"],
        method=config["method"],
        headers=[wh.Header(pair["name"], value_of(pair)) for pair in config.get("headers", ())],
        query_parameters=[
            wh.QueryParameter(pair["name"], value_of(pair)) for pair in config.get("query_parameters", ())
        ],
    )


def value_of(pair: dict[str, Any]) -> str | wh.Variable:
    """The constant or the variable of a header or query parameter."""
    return pair["value"] if pair["mode"] == "constant" else wh.variable(pair["label"])


def authentication_of(given: dict[str, Any]) -> wh.Authentication:
    """The authentication of an example; the payload of a custom one is the product's own."""
    match given["kind"]:
        case "none":
            return wh.NoAuthentication()
        case "basic":
            return wh.BasicAuthentication(given["username"], wh.literal_secret(given["password"]))
        case "api_key":
            return wh.ApiKeyAuthentication(given["name"], wh.literal_secret(given["value"]), location=given["location"])
        case "custom":
            key = wh.literal_secret(PEM) if "subType" in given["payload"] else None
            return wh.load_authorization(given["payload"], private_key=key)
        case kind:
            raise AssertionError(kind)


def fields_of(request: dict[str, Any]) -> tuple[wh.MessageParameter, ...]:
    """The message parameters: inferred from the sample, with the types, labels and constants that are listed."""
    sample, variables = copy.deepcopy(request.get("example", {})), {}
    for field in request.get("fields", ()):
        if field["mode"] == "constant":
            put(sample, field["path"], field["value"])
            continue
        if not request.get("example"):
            put(sample, field["path"], SAMPLES[field["type"]])
        variables[field["path"]] = wh.variable(field["label"], optional=field["optional"])
        for item in field.get("item_fields", ()):
            variables[f"{field['path']}.{item['name']}"] = wh.variable(item["label"])
    return wh.message_parameters(sample, variables=variables, types=types_of(request))


def put(sample: dict[str, Any], path: str, value: Any) -> None:
    """Put a value into a sample."""
    *above, name = path.split(".")
    for step in above:
        sample = sample.setdefault(step, {})
    sample[name] = value


def types_of(declared: dict[str, Any]) -> dict[str, str]:
    """The types that an example lists, by path."""
    return {field["path"]: field["type"] for field in declared.get("fields", ()) if "type" in field}


def activity_of(example: dict[str, Any]) -> wh.ActionActivity:
    """The activity of an example."""
    given, mapped = example.get("activity", {}), {}
    for path, value in given.get("parameters", {}).items():
        if isinstance(value, dict):
            mapped |= {f"{path}.{name}": source for name, source in value.get("mapping", {}).items()}
    return wh.ActionActivity(
        example["config"]["name"],
        label="step",
        path=literal_or_expression(given.get("path", "")),
        headers=given.get("headers", {}),
        query_parameters=given.get("query", {}),
        parameters={path: literal_or_expression(value) for path, value in given.get("parameters", {}).items()},
        fields=mapped,
        alternative_path=given.get("alternative_path", False),
        additional_marketing_action=given.get("additional_marketing_action"),
    )


def literal_or_expression(value: Any) -> Any:
    """A literal as it is; an expression, spelled out where the example describes it; a source, filtered perhaps."""
    match value:
        case {"expression": text}:
            return wh.expression(SPELLED.get(text, text))
        case {"source": source, "filter": condition}:
            return wh.expression(f"@event{{{source}.all(currentEventField.{condition})}}")
        case {"source": source}:
            return wh.expression(f"@event{{{source}}}")
        case _:
            return value


def context_of(example: dict[str, Any]) -> wh.Context:
    """The events, and the properties of the journey, that the expressions of an example read."""
    given = dict(example.get("context", {}))
    properties = given.pop("journeyProperties", {})
    return wh.Context(given, journey=properties)


def response_of(given: dict[str, Any]) -> wh.Response:
    """An answer of an example."""
    return wh.Response(given["status"], body=(given["text"] if "text" in given else json.dumps(given["json"])).encode())


# Running one


class Run:
    """One execution of an example in an edition: the requests, the outcome, and the context after it."""

    def __init__(self, example: dict[str, Any], edition: str) -> None:
        self.example, self.rails, self.clock = example, EDITIONS[edition], FakeClock()
        self.action, self.context = action_of(example["config"]), context_of(example)
        self.requests: list[wh.Request] = []
        self.token_requests: list[wh.Request] = []

    async def execute(self, answer: wh.Response | None = None, *, seconds: float = 0.0, **settings: Any) -> wh.Outcome:
        """Execute the activity of the example; `answer`: of the receiver, after so many seconds."""
        call = self.action.authentication.token_call()
        token = response_of(self.example["expected"].get("auth_response_example", TOKEN))

        def reply(request: wh.Request) -> wh.Response:
            is_token = call is not None and request.url == call.endpoint
            (self.token_requests if is_token else self.requests).append(request)
            return token if is_token else answer or wh.Response(200)

        transport = FakeTransport(reply, clock=self.clock, seconds=seconds)
        repository = Given(self.action)
        settings = {"transport": transport, "guardrails": self.rails, "clock": self.clock, "random": float, **settings}
        journey = wh.Journey("Trip", [activity_of(self.example)])
        async with wh.Executor(repository, **settings) as executor:
            return await executor.execute(journey, "step", self.context)

    async def lifetime(self) -> float:
        """The seconds that the token of the example is kept."""
        transport = FakeTransport(response_of(self.example["expected"].get("auth_response_example", TOKEN)))
        async with wh.Executor(transport=transport, guardrails=self.rails, clock=self.clock) as executor:
            return (await executor.check_authentication(self.action)).response["lifetime"]

    def read(self, text: str) -> Any:
        """What an expression reads after the execution, or `invalid` where no journey may be published with it."""
        rest = wh.ActionActivity(self.action.name, label="rest", path=wh.expression(text))
        journey = wh.Journey("Trip", [wh.ActionActivity(self.action.name, label="step"), rest])
        found = wh.publication_violations(journey, [self.action], guardrails=self.rails)
        return "invalid" if "R190" in {each.rule for each in found} else wh.expression(text).evaluate(self.context)


class Given(wh.MemoryRepository):
    """A repository that holds one action, literal secrets and all."""

    def __init__(self, action: wh.Action) -> None:
        super().__init__()
        self._action = action

    async def get(self, kind: type[Any], name: str) -> Any:
        """Return the action."""
        return wh.Stored(self._action, 1)


def assert_reads(run: Run, expected: dict[str, Any]) -> None:
    """Each expression gives its value, or is invalid."""
    for text, value in expected.items():
        wanted = "invalid" if isinstance(value, str) and value.startswith("invalid") else value
        assert run.read(text) == wanted, text


def assert_request(request: wh.Request, expected: dict[str, Any]) -> None:
    """A request is what an example says of it."""
    headers = {name.lower(): value for name, value in request.headers}
    for name, value in expected.items():
        match name:
            case "method" | "url":
                assert getattr(request, name) == value
            case "url_decoded":
                assert unquote(request.url) == value
            case "headers":
                assert {key: headers.get(key.lower()) for key in value} == value
            case "json":
                assert json.loads(request.body or b"null") == value
            case "form":
                assert dict(parse_qsl((request.body or b"").decode(), strict_parsing=True)) == value
            case "form_keys":
                assert sorted(key for key, _ in parse_qsl((request.body or b"").decode())) == sorted(value)
            case "body":
                assert request.body == value
            case _:
                raise AssertionError(f"{name} is not looked at")


def of_kind(kind: str, having: str = "", *, accepted: bool | None = None) -> Any:
    """The examples of a kind in each of their editions, as parameters; `having`: a key of what is expected."""
    chosen = [
        pytest.param(
            example,
            edition,
            id=f"{example['id']}-{edition}",
        )
        for example in EXAMPLES
        for edition in example["editions"]
        if example["kind"] == kind and (not having or having in example["expected"])
        if accepted is None or is_accepted(example, edition) is accepted
    ]
    assert chosen, "no example is like that"
    return pytest.mark.parametrize(("example", "edition"), chosen)


def is_accepted(example: dict[str, Any], edition: str) -> bool:
    """Whether an edition accepts an example; a text says how it does."""
    accepted = example["expected"]["accepted"]
    return bool(accepted[edition] if isinstance(accepted, dict) else accepted)


def rules_of(make: Callable[[], wh.Action], edition: str) -> set[str]:
    """The rules that an action breaks, when it is made or in the edition."""
    try:
        return {violation.rule for violation in wh.violations(make(), guardrails=EDITIONS[edition])}
    except wh.DefinitionError as error:
        return {violation.rule for violation in error.violations}


def broken(example: dict[str, Any], edition: str) -> set[str]:
    """The rules that an example breaks."""
    return rules_of(lambda: action_of(example["config"]), edition)


# What the examples say


def test_the_examples_are_all_there() -> None:
    """84 examples, of five kinds; those of limits are looked at in `test_limit_examples.py`."""
    found = [example["kind"] for example in EXAMPLES]

    assert {kind: found.count(kind) for kind in dict.fromkeys(found)} == KINDS


def test_nothing_of_an_example_is_passed_over() -> None:
    """Every key of what is expected of an action is looked at by a test of this page."""
    known = {
        "accepted", "reason", "request", "auth_request", "auth_response_example", "cache_seconds", "assertion",
        "response_example", "reads", "inferred_types", "absent_fields", "refuse", "cases", "visible_in_activity",
        "token_cache_scope",
    }  # fmt: skip

    assert {key for e in EXAMPLES if e["kind"] == "action" for key in e["expected"]} == known


@of_kind("action", accepted=True)
def test_an_example_is_accepted(example: dict[str, Any], edition: str) -> None:
    """It is made, and breaks no rule of its edition."""
    assert broken(example, edition) == set()


@of_kind("action", accepted=False)
def test_an_example_is_refused(example: dict[str, Any], edition: str) -> None:
    """It breaks the rule that its reason speaks of."""
    expected = REASONS[example["expected"].get("reason", example["id"])].split()

    assert not broken(example, edition).isdisjoint(expected)


@of_kind("action", "request", accepted=True)
async def test_an_example_is_sent(example: dict[str, Any], edition: str) -> None:
    """Method, URL, headers and body are those of the example; a preview shows the same bytes."""
    run = Run(example, edition)
    if run.action.url_configuration is None:  # a campaign action has a payload only: whoever sends it has the address
        address = wh.UrlConfiguration("https://campaign.example/")
        run.action = attrs.evolve(run.action, action_type="customHttp", url_configuration=address)

    outcome = await run.execute()

    [request] = run.requests
    assert outcome.succeeded
    assert_request(request, example["expected"]["request"])
    assert (outcome.call.method, outcome.call.body) == (request.method, request.body)


@of_kind("action", "auth_request", accepted=True)
async def test_an_example_asks_for_its_token(example: dict[str, Any], edition: str) -> None:
    """The authentication call comes first, and is the one of the example."""
    run = Run(example, edition)

    await run.execute()

    [request] = run.token_requests
    assert_request(request, example["expected"]["auth_request"])


@of_kind("action", "assertion", accepted=True)
async def test_an_example_signs_its_assertion(example: dict[str, Any], edition: str) -> None:
    """Header, claims and lifetime of the assertion are those of the example."""
    run, expected = Run(example, edition), example["expected"]["assertion"]

    await run.execute()

    token = dict(parse_qsl(run.token_requests[0].body.decode()))["client_assertion"]
    audience = expected["claims"]["aud"]
    claims = jwt.decode(
        token, KEY.public_key(), ["RS256"], audience=audience, options={"verify_exp": False, "verify_iat": False}
    )
    assert jwt.get_unverified_header(token).items() >= expected["header"].items()
    assert claims.items() >= expected["claims"].items()
    assert 0 < claims["exp"] - claims["iat"] <= expected["max_lifetime_seconds"]


@of_kind("action", "cache_seconds", accepted=True)
async def test_an_example_keeps_its_token(example: dict[str, Any], edition: str) -> None:
    """For as long as it says, whether it is configured or told by the answer."""
    assert await Run(example, edition).lifetime() == example["expected"]["cache_seconds"]


@of_kind("action", "token_cache_scope", accepted=True)
async def test_an_example_shares_its_token_within_a_journey(example: dict[str, Any], edition: str) -> None:
    """Two journeys ask for a token each, and one journey once; so in the edition that says "per service" too."""
    action, transport = action_of(example["config"]), FakeTransport(response_of(TOKEN))
    journeys = [wh.Journey(name, [activity_of(example)]) for name in ("A", "B")]

    async with wh.Executor(Given(action), transport=transport, guardrails=EDITIONS[edition]) as executor:
        for journey in (*journeys, *journeys):
            await executor.execute(journey, "step", wh.Context())

    asked = [request for request in transport.requests if request.url != action.url_configuration.url]
    assert (len(asked), len(transport.requests)) == (2, 6)


@of_kind("action", "reads", accepted=True)
async def test_an_example_reads_its_answer(example: dict[str, Any], edition: str) -> None:
    """Expressions of the same journey read the declared fields of the answer."""
    run = Run(example, edition)

    outcome = await run.execute(response_of(example["expected"]["response_example"]))

    assert (outcome.succeeded, outcome.response_faults) == (True, ())
    assert_reads(run, example["expected"]["reads"])


@of_kind("action", "cases", accepted=True)
async def test_an_example_goes_its_way(example: dict[str, Any], edition: str) -> None:
    """Case by case: how often the receiver is called, which path follows, and what can be read then."""
    for case in example["expected"]["cases"]:
        run = Run(example, edition)
        answer = case.get("response")
        excluded = ["newsletter"] if case.get("profile") == "excluded by a policy" else []

        outcome = await run.execute(
            response_of(answer) if isinstance(answer, dict) else None,
            seconds=math.inf if answer == "no answer within the timeout" else 0.0,
            consent=FakeConsent(*excluded),
        )

        calls = case.get("attempts", case.get("calls", 1))
        assert (outcome.path, len(outcome.attempts)) == (case["path"], calls), case
        assert_reads(run, case.get("reads", {}))


@of_kind("action", "inferred_types", accepted=True)
def test_the_types_of_an_example_are_inferred(example: dict[str, Any], edition: str) -> None:
    """From the sample alone; what only later objects have is no field."""
    expected, request = example["expected"], example["config"]["request"]
    inferred = {path: field.data_type for path, field in walk(wh.message_parameters(request["example"]))}
    fields = walk(fields_of(request), below_lists=True)

    assert {path: inferred[path.replace("[]", ".0")] for path in expected["inferred_types"]} == expected[
        "inferred_types"
    ]
    assert {path.rpartition(".")[2] for path, _ in fields}.isdisjoint(expected.get("absent_fields", ()))


@of_kind("action", "refuse")
def test_a_change_of_an_example_is_refused(example: dict[str, Any], edition: str) -> None:
    """An array that cannot be a variable is refused as one, and the reason is told."""
    for refused in example["expected"]["refuse"]:
        config = copy.deepcopy(example["config"])
        config["request"]["fields"] = [{**refused["change"], "label": "Label", "optional": False}]

        found = rules_of(lambda config=config: action_of(config), edition)

        assert found
        assert found <= {"R168", "R169", "R170", "R171"}


@of_kind("action", "visible_in_activity", accepted=True)
def test_an_example_shows_its_variables(example: dict[str, Any], edition: str) -> None:
    """The activity lists what is to be filled in, and no constant."""
    visible = example["expected"]["visible_in_activity"]

    shown = [name for name, _ in action_of(example["config"]).variables]

    assert shown == [*visible["headers"], *visible["parameters"]]


# Attempts and outcomes


class Server:
    """Answers from the script of a case: a status after some seconds, or nothing at all."""

    def __init__(self, script: list[dict[str, Any]], clock: FakeClock) -> None:
        self._script, self._clock, self.requests = script, clock, 0

    async def send(self, request: wh.Request, deadline: float) -> wh.Response:
        """Take the time of the next step, and give its answer unless the deadline comes first."""
        step = self._script[self.requests]
        self.requests += 1
        seconds, left = step.get("after", math.inf), deadline - self._clock.monotonic()
        self._clock.pass_time(min(seconds, left))
        if seconds >= left:
            raise wh.TransportError("the time was used up before an answer came", wh.Evidence.EXPIRED)
        return wh.Response(step["status"])

    async def aclose(self) -> None:
        """Nothing is open."""


class Full:
    """A limiter without a place."""

    @asynccontextmanager
    async def place(self, method: str, url: str):
        """Refuse."""
        raise wh.Discarded("no slot is left")
        yield 0.0


def scenarios() -> Any:
    """The cases of the executions, in both editions."""
    return pytest.mark.parametrize(
        ("case", "edition", "timeout"),
        [
            pytest.param(case, edition, example["config"]["timeout_seconds"], id=f"{number}-{edition}")
            for example in EXAMPLES
            if example["kind"] == "execution"
            for number, case in enumerate(example["expected"]["cases"])
            for edition in example["editions"]
        ],
    )


@pytest.mark.rule("R205", "R206", "R207", "R208", "R209", "R211", "R212", "R213", "R187")
@scenarios()
async def test_a_scenario_ends_as_it_says(case: dict[str, Any], edition: str, timeout: float) -> None:  # noqa: ASYNC109
    """So many attempts, within one budget, and the step event has the words and codes of the outcome."""
    clock = FakeClock()
    server = Server(case["server"], clock)
    limiter = Full() if case.get("capping") == "no slot left" else None
    action = wh.Action(name="A", url_configuration=wh.UrlConfiguration("https://h.example"))
    settings = {"guardrails": EDITIONS[edition], "clock": clock, "random": float, "limiter": limiter}

    async with wh.Executor(transport=server, **settings) as executor:
        outcome = await executor.call(action, timeout=timeout)

    attempts, event = case["attempts"], outcome.step_event()
    wanted = attempts[edition] if isinstance(attempts, dict) else attempts
    assert (len(outcome.attempts), server.requests) == (wanted, wanted)
    assert outcome.elapsed <= timeout
    assert outcome.succeeded == (case["outcome"] == "success")
    assert event.get("actionExecutionError") == {
        "success": None, "timeout": "timedout", "http": "http", "capped": "capped"
    }[case["outcome"]]  # fmt: skip
    assert event.get("actionExecutionErrorCode") == case.get("code")
    if "origin_error" in case:
        assert event.get("actionExecutionOriginError") == case["origin_error"]
        assert event.get("actionExecutionOriginCode") == case.get("origin_code")


# Export


@pytest.mark.rule("R309", "R311", "R312", "R314", "R315", "R316")
@of_kind("export", accepted=None)
async def test_an_example_is_exported_and_imported(example: dict[str, Any], edition: str) -> None:
    """Placeholders stand where the example has secrets; with one left nothing is imported; filled, all of it is new."""
    config, expected = example["config"], example["expected"]
    repository, rails = wh.MemoryRepository(), attrs.evolve(EDITIONS[edition], canvas=False)
    actions = [exported(given) for given in config["actions"]]
    activities = [wh.ActionActivity(action.name, label=action.name) for action in actions]
    await repository.save(*actions, wh.Journey(config["journey"]["name"], activities))

    document = await wh.export_journey(repository, config["journey"]["name"], guardrails=rails)
    document["dataProviders"] = config["dataProviders"]
    with pytest.raises(wh.DocumentError) as left:
        await wh.import_journey(repository, document)
    filled = wh.with_secrets(document, dict.fromkeys(wh.placeholders(document), "env:FILLED"))
    imported = await wh.import_journey(repository, filled)

    names = {action.name for action in actions}
    assert {part["name"] for part in document["actions"]} == names
    assert json.dumps(document["actions"]).count("INSERT_SECRET_HERE") >= 4
    assert {violation.rule for violation in left.value.violations} == {"R312"}
    assert expected["import_as_is"]["status"] == 400
    assert (imported.name, imported.status) == (f"{config['journey']['name']}_copy", wh.JourneyStatus.DRAFT)
    assert set(imported.actions).isdisjoint(names)
    uids = {(await repository.get(wh.Action, name)).uid for name in {*names, *imported.actions}}
    assert len(uids) == 2 * len(names)


def exported(given: dict[str, Any]) -> wh.Action:
    """An action of the export, with a secret in the place of each placeholder."""
    secret = wh.secret("env:BEFORE")
    match given["authentication"]:
        case {"kind": "basic"}:
            authentication: wh.Authentication = wh.BasicAuthentication("front", secret)
        case {"payload": payload}:
            params = dict.fromkeys(payload["body"]["bodyParams"], secret)
            authentication = wh.load_authorization(payload, secrets=params)
    url = wh.UrlConfiguration(f"https://{given['name'].lower()}.example/v1")
    return wh.Action(name=given["name"], url_configuration=url, authentication=authentication)
