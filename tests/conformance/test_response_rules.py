"""The rules of responses and of test requests, number by number (R175 to R202)."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wayhook as wh
from wayhook.rendering.answer import compile_answer
from wayhook.testing import FakeClock, FakeSecrets, FakeTransport

STANDARD = wh.Guardrails.standard()
ORCHESTRATION = wh.Guardrails.journey_orchestration()
OPTIMIZER = wh.Guardrails.journey_optimizer()


def make(sample: Any = None, failure: Any = None, *, method: str = "GET", name: str = "Loyalty", **parts: Any):
    """An action that declares these samples as its answers."""
    return wh.Action(
        name=name,
        url_configuration=wh.UrlConfiguration("https://h.example/v1", method=method),
        response=wh.payload(sample) if sample else (),
        failure_response=wh.payload(failure) if failure else (),
        **parts,
    )


def reply(body: Any = None, status: int = 200) -> wh.Response:
    """An answer: bytes as they are, anything else as JSON."""
    return wh.Response(status, body=body if isinstance(body, bytes) else json.dumps(body).encode())


def broken(action: wh.Action, edition: wh.Guardrails = STANDARD) -> list[tuple[str, str]]:
    """The broken rules of an action."""
    return [(violation.path, violation.rule) for violation in wh.violations(action, guardrails=edition)]


async def called(action: wh.Action, *replies: Any, **settings: Any) -> wh.Outcome:
    """How a call ends in the optimizer's edition, unless another is named."""
    settings = {"guardrails": OPTIMIZER, "clock": FakeClock(), "random": float, **settings}
    async with wh.Executor(transport=FakeTransport(replies), **settings) as executor:
        return await executor.call(action)


async def reads(action: wh.Action, answer: Any, *expressions: str, **settings: Any) -> list[Any]:
    """What later expressions of the journey read, after the action was answered so."""
    repository, context = wh.MemoryRepository(), wh.Context()
    await repository.save(action)
    transport = answer if isinstance(answer, FakeTransport) else FakeTransport(answer)
    settings = {"guardrails": OPTIMIZER, "clock": FakeClock(), "random": float, **settings}
    journey = wh.Journey("Trip", [wh.ActionActivity(action.name, label="first")], timeout=5)
    async with wh.Executor(repository, transport=transport, **settings) as executor:
        await executor.execute(journey, "first", context)
    return [wh.expression(text).evaluate(context) for text in expressions]


class Full:
    """A limiter that has no place left."""

    @asynccontextmanager
    async def place(self, method: str, url: str):
        """Refuse."""
        raise wh.Discarded("the call is above the rate")
        yield 0.0


# What an answer is declared to have


@pytest.mark.rule("R175")
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_a_response_is_optional(method: str) -> None:
    """An action of any method declares one, or none."""
    for edition in (OPTIMIZER, STANDARD):
        assert broken(make({"id": 1}, method=method), edition) == broken(make(method=method), edition) == []


@pytest.mark.rule("R176")
@pytest.mark.parametrize("name", ["points", "a-b", "a$", "3h"])
def test_a_good_field_name_of_an_answer(name: str) -> None:
    """The rules are those of the request, in both payloads."""
    assert broken(make({name: 1}, {"o": {name: 1}})) == []


@pytest.mark.rule("R176")
@pytest.mark.parametrize(("name", "rule"), [("a.b", "R140"), (".a", "R140"), ("$a", "R141")])
def test_a_bad_field_name_of_an_answer(name: str, rule: str) -> None:
    """A sample with one is refused, and so is a tree written by hand, at its place."""
    by_hand = [wh.MessageParameter(name, "integer")]
    action = wh.Action(name="A", url_configuration=wh.UrlConfiguration("https://h.example"), failure_response=by_hand)

    with pytest.raises(wh.DefinitionError, match=rule):
        wh.payload({name: 1})
    assert broken(action) == [("$.failure_response[0].name", rule)]


@pytest.mark.rule("R177", "R179")
@pytest.mark.parametrize(
    ("sample", "body"),
    [
        ({"l": ["a", "b"]}, {"l": ["x", "y", "z"]}),
        ({"l": [1]}, {"l": []}),
        ({"l": [1.5]}, {"l": [2, 2.25]}),
        ({"l": [{"ids": [1, 2]}]}, {"l": [{"ids": [3]}, {"ids": []}]}),
        ({"l": [{"k": [{"x": 1}]}]}, {"l": [{"k": [{"x": 2}, {"x": 3}]}]}),
        ({"l": [["a"], ["b"]]}, {"l": [["x", "y"], []]}),
        ({"o": {"p": {"l": [True]}}}, {"o": {"p": {"l": [False]}}}),
    ],
)
async def test_arrays_and_objects_of_an_answer(sample: Any, body: Any) -> None:
    """Scalar arrays, arrays of objects, arrays in arrays and objects in objects are declared and read."""
    action = make(sample)

    outcome = await called(action, reply(body))

    assert broken(action, OPTIMIZER) == []
    assert (outcome.response, outcome.response_faults) == (body, ())


@pytest.mark.rule("R177")
async def test_an_item_of_another_type_is_reported() -> None:
    """It is null, its place is told, and the call is a success all the same."""
    outcome = await called(make({"l": ["a"]}), reply({"l": ["x", 7]}))

    assert (outcome.succeeded, outcome.response) == (True, {"l": ["x", None]})
    assert [fault.split()[0] for fault in outcome.response_faults] == ["$.l[1]"]


@pytest.mark.rule("R178")
@pytest.mark.parametrize(
    "sample", [{"mix": [20, "a", False]}, {"o": {"mix": [1, {"a": 1}]}}, {"l": [{"mix": [1, "a"]}]}]
)
def test_a_mixed_array_of_an_answer_is_refused(sample: Any) -> None:
    """At any depth, in the response and in the failure response."""
    assert {rule for _, rule in broken(make(sample), OPTIMIZER)} == {"R178"}
    assert {rule for _, rule in broken(make(None, sample), OPTIMIZER)} == {"R178"}


@pytest.mark.rule("R178")
def test_a_null_makes_no_array_mixed() -> None:
    """A null is of any type."""
    assert broken(make({"l": [1, None]}), OPTIMIZER) == []


# What is read


@pytest.mark.rule("R180")
async def test_only_declared_fields_are_read() -> None:
    """What the answer has beside them is not there, neither in the outcome nor for later activities."""
    body = {"points": 1, "extra": 2, "o": {"a": 3, "extra": 4}}
    action = make({"points": 1, "o": {"a": 1}})

    outcome = await called(action, reply(body))
    extra, deep = await reads(action, reply(body), "@action{Loyalty.extra}", "@action{Loyalty.o.extra}")

    assert outcome.response == {"points": 1, "o": {"a": 3}}
    assert (extra, deep) == (None, None)


@pytest.mark.rule("R180")
@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=None).filter(lambda n: abs(n.adjusted()) < 300)
    | st.integers(-(10**30), 10**30).map(Decimal)
)
def test_a_number_of_an_answer_is_the_number_that_came(number: Decimal) -> None:
    """Whatever its digits, a declared decimal is not rounded; it is a float where that is exact."""
    fields, faults = compile_answer(make({"n": 1.5}))(reply(f'{{"n": {number:f}}}'.encode()))

    assert faults == ()
    found = fields["n"]
    assert Decimal(repr(found) if isinstance(found, float) else found) == number


@pytest.mark.rule("R154", "R155")
@pytest.mark.parametrize(
    ("sample", "text", "value"),
    [
        (1, "9223372036854775807", 2**63 - 1),
        (1, "9007199254740993", 2**53 + 1),
        (1.5, "0.1", 0.1),
        (1.5, "0.10", 0.1),
        (1.5, "1e2", 100.0),
        (1.5, "20", 20),
        (1.5, "0.1000000000000000055511151231257827", Decimal("0.1000000000000000055511151231257827")),
        (1.5, "9007199254740993.5", Decimal("9007199254740993.5")),
        ([1.5], "[12345678901234567.25, 0.5]", [Decimal("12345678901234567.25"), 0.5]),
    ],
)
async def test_numbers_of_an_answer_go_on_exactly(sample: Any, text: str, value: Any) -> None:
    """What was read is sent on by a later action with the same digits."""
    body = f'{{"n": {text}}}'.encode()
    outcome = await called(make({"n": sample}), reply(body))
    data_type = wh.payload({"n": sample})[0].data_type
    field = wh.MessageParameter("n", data_type, variable=wh.variable())

    call = wh.preview(make(method="POST", message_parameters=[field]), {"n": outcome.response["n"]})

    assert (outcome.response, outcome.response_faults) == ({"n": value}, ())
    assert json.loads(call.body, parse_float=Decimal) == json.loads(body, parse_float=Decimal)


@pytest.mark.rule("R154")
@pytest.mark.parametrize("text", ["9223372036854775808", "1.0", '"1"', "true"])
async def test_what_is_no_integer_of_64_bits_is_reported(text: str) -> None:
    """A number of an answer beyond its type is null, with its place; the call is a success."""
    outcome = await called(make({"n": 1}), reply(f'{{"n": {text}}}'.encode()))

    assert (outcome.succeeded, outcome.response, len(outcome.response_faults)) == (True, {"n": None}, 1)
    assert outcome.response_faults[0].startswith("$.n ")


@pytest.mark.rule("R181")
async def test_there_is_no_failure_payload_unless_declared() -> None:
    """A failed call of such an action has no fields, and no node `errorResponse`."""
    action = make({"points": 1})

    outcome = await called(action, reply({"code": "E1", "points": 5}, 400))
    node, code = await reads(
        action, reply({"code": "E1"}, 400), "@action{Loyalty.errorResponse}", "@action{Loyalty.errorResponse.code}"
    )

    assert action.failure_response == ()
    assert (outcome.response, node, code) == (None, None, None)


@pytest.mark.rule("R181")
def test_a_node_that_does_not_exist_is_no_valid_reference() -> None:
    """Publication refuses `errorResponse` of an action without a failure payload, and takes it with one."""
    text = wh.expression("@action{Loyalty.errorResponse.code}")
    rest = wh.ActionActivity("Loyalty", label="again", path=text)
    journey = wh.Journey("Trip", [wh.ActionActivity("Loyalty", label="first"), rest])

    without, with_one = (
        [v.rule for v in wh.publication_violations(journey, [make({"a": 1}, failure)])]
        for failure in (None, {"code": "x"})
    )

    assert (without, with_one) == (["R190"], [])


@pytest.mark.rule("R182", "R185")
@pytest.mark.parametrize("status", [400, 422, 500, 503])
async def test_failure_fields_are_read_below_error_response(status: int) -> None:
    """The fields of a failed call, and its status; the success fields are empty."""
    action = make({"points": 1}, {"code": "x", "detail": {"why": "x"}})
    answer = reply({"code": "E1", "detail": {"why": "busy"}, "points": 9}, status)

    found = await reads(
        action,
        answer,
        "@action{Loyalty.errorResponse.code}",
        "@action{Loyalty.errorResponse.detail.why}",
        "@action{Loyalty.jo_status_code}",
        "@action{Loyalty.points}",
    )

    assert found == ["E1", "busy", f"http_{status}", None]


@pytest.mark.rule("R183")
async def test_a_success_has_no_failure_fields() -> None:
    """Even where its body has fields of these names."""
    action = make({"points": 1}, {"code": "x"})

    found = await reads(
        action, reply({"points": 9, "code": "E1"}), "@action{Loyalty.points}", "@action{Loyalty.errorResponse.code}"
    )

    assert found == [9, None]


@pytest.mark.rule("R184")
@pytest.mark.parametrize("sample", [None, {"points": 1}])
@pytest.mark.parametrize("status", [200, 204, 500])
async def test_the_status_is_always_there(status: int, sample: Any) -> None:
    """With a declared payload and without, whatever the body."""
    assert await reads(make(sample), reply(b"", status), "@action{Loyalty.jo_status_code}") == [f"http_{status}"]


@pytest.mark.rule("R184")
def test_the_status_may_be_read_without_a_payload() -> None:
    """Publication takes a reference to it, of an action that declares nothing; any other field is unknown."""
    first = wh.ActionActivity("Loyalty", label="first")
    journeys = [
        wh.Journey("T", [first, wh.ActionActivity("Loyalty", label="b", path=wh.expression(f"@action{{Loyalty.{f}}}"))])
        for f in ("jo_status_code", "status")
    ]

    assert [[v.rule for v in wh.publication_violations(each, [make()])] for each in journeys] == [[], ["R190"]]


@pytest.mark.rule("R185")
@pytest.mark.parametrize("status", [200, 201, 304, 400, 404, 500, 599])
async def test_the_status_has_the_code(status: int) -> None:
    """`http_` and the code of the last answer."""
    assert (await called(make(), wh.Response(status))).status == f"http_{status}"


@pytest.mark.rule("R185")
async def test_no_answer_has_no_code() -> None:
    """A host that never answered leaves no `http_` behind."""
    lost = wh.TransportError("the host cannot be connected to", wh.Evidence.NEVER_SENT)

    outcome = await called(make(), lost)

    assert not outcome.status.startswith("http_")


@pytest.mark.rule("R186")
@pytest.mark.parametrize(("seconds", "status"), [(6.0, "timedout"), (4.0, "http_200")])
async def test_a_slow_server_times_out(seconds: float, status: str) -> None:
    """Beyond the timeout the status is `timedout`; within it the answer counts."""
    clock = FakeClock()
    slow = FakeTransport(reply({}), clock=clock, seconds=seconds)

    assert await reads(make(), slow, "@action{Loyalty.jo_status_code}", clock=clock) == [status]


@pytest.mark.rule("R187")
@pytest.mark.parametrize(("limiter", "status"), [(Full(), "capped"), (None, "http_200")])
async def test_a_call_over_the_cap_is_capped(limiter: Any, status: str) -> None:
    """Where there is no place, the status is `capped`."""
    assert await reads(make(), reply({}), "@action{Loyalty.jo_status_code}", limiter=limiter) == [status]


@pytest.mark.rule("R188")
@pytest.mark.parametrize(("texts", "status"), [({}, "internalError"), ({"env:KEY": "k"}, "http_200")])
async def test_a_failure_of_ours_is_an_internal_error(texts: Any, status: str) -> None:
    """A secret that is missing is no HTTP status; with it the call is made."""
    key = wh.ApiKeyAuthentication("X-Key", wh.secret("env:KEY"))

    found = await reads(
        make(authentication=key), reply({}), "@action{Loyalty.jo_status_code}", secrets=FakeSecrets(texts)
    )

    assert found == [status]


@pytest.mark.rule("R189")
@pytest.mark.parametrize("status", [200, 201, 204, 299])
async def test_2xx_is_success(status: int) -> None:
    """The success fields are read, and the journey takes its main path."""
    outcome = await called(make({"a": 1}, {"a": "x"}), reply({"a": 5}, status))

    assert (outcome.succeeded, outcome.response, outcome.raise_for_error()) == (True, {"a": 5}, outcome)


@pytest.mark.rule("R189")
@pytest.mark.parametrize("status", [300, 304, 400, 404, 500, 600, 199])
async def test_anything_else_is_an_error(status: int) -> None:
    """The failure fields are read, and `raise_for_error` raises."""
    outcome = await called(make({"a": 1}, {"a": "x"}), reply({"a": "no"}, status))

    assert (outcome.succeeded, outcome.response) == (False, {"a": "no"})
    with pytest.raises(wh.Rejected):
        outcome.raise_for_error()


@pytest.mark.rule("R189")
@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"[1]", b'"text"', b'{"a": NaN}', b"\xff"])
@pytest.mark.parametrize("status", [200, 500])
async def test_an_answer_that_is_no_json_keeps_its_status(status: int, body: bytes) -> None:
    """Nothing is read, the reason is told, and nothing crashes."""
    outcome = await called(make({"a": 1}, {"a": 1}), reply(body, status))

    assert (outcome.status, outcome.response, len(outcome.response_faults)) == (f"http_{status}", None, 1)


# How it is read


@pytest.mark.rule("R190")
@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("@action{Loyalty.status}", []),
        ("@action{Loyalty.o.a}", []),
        ("@action{Loyalty.unknown}", ["R190"]),
        ("@action{Loyalty.o.unknown}", ["R190"]),
        ("@action{Nobody.status}", ["R190"]),
    ],
)
def test_a_reference_names_a_declared_field(text: str, rules: list[str]) -> None:
    """An unknown action, and a field that is not declared, are invalid."""
    rest = wh.ActionActivity("Loyalty", label="b", path=wh.expression(text))
    journey = wh.Journey("T", [wh.ActionActivity("Loyalty", label="a"), rest])

    found = wh.publication_violations(journey, [make({"status": "x", "o": {"a": "x"}})])

    assert [violation.rule for violation in found] == rules


@pytest.mark.rule("R191", "R193")
@pytest.mark.parametrize(
    ("body", "points", "or_zero"),
    [({"points": 870}, 870, 870), ({}, None, 0), ({"points": None}, None, 0), ({"points": "many"}, None, 0)],
)
async def test_a_missing_field_is_null_or_its_default(body: Any, points: Any, or_zero: Any) -> None:
    """A field that is absent, null or of another type is null, and its default where one is given."""
    found = await reads(
        make({"points": 1}), reply(body), "@action{Loyalty.points}", "@action{Loyalty.points, defaultValue: 0}"
    )

    assert found == [points, or_zero]


@pytest.mark.rule("R192")
@pytest.mark.parametrize("points", [5, None])
def test_a_default_of_the_type_of_its_field(points: Any) -> None:
    """An integer stands in for an integer."""
    context = wh.Context(actions={"L": {"points": points}})

    assert wh.expression("@action{L.points, defaultValue: 0}").evaluate(context) == (points or 0)


@pytest.mark.rule("R192")
def test_a_default_of_another_type_is_refused() -> None:
    """A text does not stand in for an integer: the field's type and the default's are not the same."""
    context = wh.Context(actions={"L": {"points": 5}})

    with pytest.raises(wh.WrongType):
        wh.expression("@action{L.points, defaultValue: 'none'}").evaluate(context)


PRODUCTS = {"products": [{"sku": "a", "price": 12}, {"sku": "b", "price": 8}, {"sku": "c", "price": 3}]}


@pytest.mark.rule("R194")
@pytest.mark.parametrize(
    ("function", "result"),
    [
        ("first(currentActionField.price < 9).sku", "b"),
        ("last(currentActionField.price < 9).sku", "c"),
        ("all(currentActionField.price < 9).sku", ["b", "c"]),
    ],
)
def test_the_current_item_is_compared(function: str, result: Any) -> None:
    """Within a function of a collection, the current item is `currentActionField`."""
    context = wh.Context(actions={"Cart": PRODUCTS})

    assert wh.expression(f"@action{{Cart.products.{function}}}").evaluate(context) == result


@pytest.mark.rule("R194")
@pytest.mark.parametrize("text", ["currentActionField.price", "currentActionField.price < 9", "currentActionField"])
def test_outside_of_a_collection_there_is_no_current_item(text: str) -> None:
    """The word alone is no expression."""
    with pytest.raises(wh.ExpressionError):
        wh.expression(text)


@pytest.mark.rule("R195")
@pytest.mark.parametrize(("index", "sku"), [(0, "a"), (1, "b"), (2, "c"), (3, None)])
def test_at_counts_from_zero(index: int, sku: Any) -> None:
    """`at(1)` is the second item; beyond the last one there is nothing."""
    context = wh.Context(actions={"Cart": PRODUCTS})

    assert wh.expression(f"@action{{Cart.products.at({index}).sku}}").evaluate(context) == sku


@pytest.mark.rule("R196")
@pytest.mark.parametrize("name", ["3h", "-x", "a b", "a'b", "é"])
async def test_a_name_of_other_characters_is_quoted(name: str) -> None:
    """In quotes any field is read; without them the name is no part of a reference."""
    quoted = json.dumps(name, ensure_ascii=False)

    found = await reads(make({"rain": {name: 1}}), reply({"rain": {name: 7}}), f"@action{{Loyalty.rain.{quoted}}}")

    assert found == [7]
    with pytest.raises(wh.ExpressionError):
        wh.expression(f"@action{{Loyalty.rain.{name}}}")


@pytest.mark.rule("R197")
async def test_no_answer_is_kept_for_the_next() -> None:
    """Two individuals with the same data are two calls, and each reads the answer of its own."""
    repository, transport = wh.MemoryRepository(), FakeTransport([reply({"n": 1}), reply({"n": 2})])
    await repository.save(make({"n": 0}))
    journey = wh.Journey("Trip", [wh.ActionActivity("Loyalty", label="first")])
    contexts = [wh.Context(), wh.Context()]

    async with wh.Executor(repository, transport=transport, clock=FakeClock()) as executor:
        outcomes = [await executor.execute(journey, "first", context) for context in contexts]

    assert len(transport.requests) == 2
    assert [outcome.response for outcome in outcomes] == [{"n": 1}, {"n": 2}]
    assert [context.actions["Loyalty"]["n"] for context in contexts] == [1, 2]


# What a test shows


@pytest.mark.rule("R199")
@pytest.mark.parametrize("status", [404, 500])
@pytest.mark.parametrize("failure", [None, {"error": "x"}])
async def test_a_failed_call_shows_its_code_and_answer(status: int, failure: Any) -> None:
    """In a test, and whether a failure payload is declared or not, code, headers and body are there to look at."""
    repository = wh.MemoryRepository()
    await repository.save(make(None, failure))
    journey = wh.Journey("Trip", [wh.ActionActivity("Loyalty", label="first")], status=wh.JourneyStatus.DRAFT_TEST)
    answer = wh.Response(status, (("x-id", "7"),), b'{"error":"no such member"}')

    async with wh.Executor(repository, transport=FakeTransport(answer), clock=FakeClock()) as executor:
        outcome = await executor.execute(journey, "first", wh.Context())

    assert (outcome.status, outcome.received) == (f"http_{status}", answer)
    assert outcome.received.text == '{"error":"no such member"}'
    assert outcome.step_event()["actionExecutionErrorCode"] == str(status)
    assert outcome.response == (failure and {"error": "no such member"})


@pytest.mark.rule("R199")
async def test_a_call_without_an_answer_shows_why() -> None:
    """There is no code and no body; the reason is told instead."""
    lost = wh.TransportError("the host cannot be connected to", wh.Evidence.PERMANENT)

    outcome = await called(make(), lost, guardrails=STANDARD)

    assert (outcome.received, str(outcome.cause)) == (None, "the host cannot be connected to")
    assert "actionExecutionErrorCode" not in outcome.step_event()


SMS = make(
    method="POST",
    name="SendSms",
    message_parameters=wh.message_parameters(
        {"to": "+33", "text": "Hi", "source": "wayhook", "vars": {"n": 1}, "items": [{"id": 1, "tag": "x"}]},
        variables={"to": "To", "text": wh.variable("Text", optional=True), "items": "Items"},
    ),
)
PAYLOAD = {"to": "+331", "text": "Hello", "source": "test", "vars": {"n": 2}, "items": [{"id": 1, "tag": "y"}]}


async def trial(action: wh.Action | str, payload: Any = None, **how: Any) -> tuple[wh.Outcome, list[wh.Request]]:
    """The outcome of a test request, and what was sent."""
    repository, transport = how.pop("repository", None), FakeTransport(how.pop("answer", reply({"id": 1})))
    stored = how.pop("stored", {})
    settings = {"guardrails": OPTIMIZER, "clock": FakeClock(), "secrets": FakeSecrets(stored), "random": float}
    async with wh.Executor(repository, transport=transport, **settings) as executor:
        outcome = await executor.send_test_request(action, payload, **how)
    return outcome, transport.requests


@pytest.mark.rule("R200")
@pytest.mark.parametrize(
    "change",
    [{}, {"to": 331}, {"text": True}, {"vars": {"n": "two"}}, {"items": []}, {"items": [{"id": "x", "tag": 7}]}],
    ids=str,
)
async def test_a_test_request_takes_any_types(change: Any) -> None:
    """An integer where a string is declared is sent; constants too are those of the test."""
    payload = {**PAYLOAD, **change}

    for form in (payload, json.dumps(payload)):
        outcome, [request] = await trial(SMS, form)
        assert (outcome.status, json.loads(request.body)) == ("http_200", payload)


@pytest.mark.rule("R200")
async def test_a_test_request_may_lack_what_is_optional() -> None:
    """A variable that may stay empty may be left out."""
    payload = {name: value for name, value in PAYLOAD.items() if name != "text"}

    _, [request] = await trial(SMS, payload)

    assert json.loads(request.body) == payload


@pytest.mark.rule("R200")
@pytest.mark.parametrize(
    ("payload", "rule", "place"),
    [
        ("{'to': 1}", "R135", "$"),
        ('{"to": ', "R135", "$"),
        ("<a/>", "R135", "$"),
        ("null", "R135", "$"),
        ([PAYLOAD], "R135", "$"),
        ({**PAYLOAD, "more": 1}, "R200", "$.payload.more"),
        ({**PAYLOAD, "vars": {"n": 1, "m": 2}}, "R200", "$.payload.vars.m"),
        ({**PAYLOAD, "vars": {}}, "R200", "$.payload.vars.n"),
        ({**PAYLOAD, "vars": 7}, "R200", "$.payload.vars"),
        ({**PAYLOAD, "to": {"number": 1}}, "R200", "$.payload.to"),
        ({**PAYLOAD, "to": ["+33"]}, "R200", "$.payload.to"),
        ({**PAYLOAD, "items": {"id": 1}}, "R200", "$.payload.items"),
        ({**PAYLOAD, "items": [7]}, "R200", "$.payload.items[0]"),
        ({**PAYLOAD, "items": [{"id": 1, "tag": "x", "more": 1}]}, "R200", "$.payload.items[0].more"),
    ],
    ids=str,
)
async def test_a_test_request_has_the_structure(payload: Any, rule: str, place: str) -> None:
    """Text that is no JSON object, and fields of another structure, are refused before anything is sent."""
    with pytest.raises(wh.DefinitionError) as caught:
        await trial(SMS, payload)

    assert [(violation.path, violation.rule) for violation in caught.value.violations] == [(place, rule)]


@pytest.mark.rule("R201")
async def test_a_get_is_tested_without_a_payload() -> None:
    """It is called as it is, and shows its answer; a payload is refused."""
    outcome, [request] = await trial(make())

    assert (outcome.received.status, request.method, request.body) == (200, "GET", None)
    with pytest.raises(wh.DefinitionError, match="R201"):
        await trial(make(), {})


@pytest.mark.rule("R201")
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_post_is_not_tested_without_a_payload(method: str) -> None:
    """It is refused without one, with fields or without; an empty object is one."""
    with pytest.raises(wh.DefinitionError, match="R201"):
        await trial(SMS)
    with pytest.raises(wh.DefinitionError, match="R201"):
        await trial(make(method=method))
    outcome, _ = await trial(make(method=method), {})
    assert outcome.succeeded


BASIC = wh.BasicAuthentication("joe", wh.secret("env:PASSWORD"))
LOGIN = wh.CustomAuthorization(
    "https://h.example/login", body_type="form", body_params={"password": wh.secret("env:PASSWORD")}
)


@pytest.mark.rule("R202")
@pytest.mark.parametrize("authentication", [BASIC, LOGIN], ids=["basic", "custom"])
async def test_a_test_request_is_given_its_secrets(authentication: Any) -> None:
    """The secret that comes with the test is sent, and not the stored one."""
    action = make(authentication=authentication)
    answer = reply({"access_token": "t-1"})

    outcome, requests = await trial(
        action, secrets={"env:PASSWORD": "typed"}, stored={"env:PASSWORD": "stored"}, answer=answer
    )

    sent = str([(request.headers, request.body) for request in requests])
    assert outcome.succeeded
    assert "stored" not in sent
    assert ("am9lOnR5cGVk" in sent) or ("password=typed" in sent)


@pytest.mark.rule("R202")
@pytest.mark.parametrize("authentication", [BASIC, LOGIN], ids=["basic", "custom"])
async def test_a_test_request_uses_no_stored_secret(authentication: Any) -> None:
    """Without it the test is not sent at all; the outcome names what is to be given, and not its text."""
    outcome, requests = await trial(make(authentication=authentication), stored={"env:PASSWORD": "stored"})

    assert (outcome.status, requests) == ("internalError", [])
    assert isinstance(outcome.cause, wh.SecretMissing)
    assert "env:PASSWORD" in str(outcome.cause)


@pytest.mark.rule("R202")
async def test_a_test_request_keeps_no_token() -> None:
    """Each test logs in by itself, and the executor's own calls do not use its token."""
    transport = FakeTransport(reply({"access_token": "t-1"}))
    action = make(authentication=LOGIN)

    async with wh.Executor(
        transport=transport, clock=FakeClock(), secrets=FakeSecrets({"env:PASSWORD": "stored"})
    ) as executor:
        await executor.send_test_request(action, secrets={"env:PASSWORD": "a"})
        await executor.send_test_request(action, secrets={"env:PASSWORD": "b"})
        await executor.call(action)

    logins = [request.body for request in transport.requests if request.url.endswith("/login")]
    assert logins == [b"password=a", b"password=b", b"password=stored"]


async def test_a_test_request_of_an_action_in_use() -> None:
    """By its name, while a live journey uses it, with values for its headers; nothing of it changes."""
    repository = wh.MemoryRepository()
    url = wh.UrlConfiguration("https://h.example/v1", method="GET", headers={"X-Tag": wh.variable("Tag")})
    action = wh.Action(name="Loyalty", url_configuration=url)
    activity = wh.ActionActivity("Loyalty", label="a", headers={"X-Tag": "t"})
    await repository.save(action, wh.Journey("Trip", [activity], status=wh.JourneyStatus.LIVE))

    outcome, [request] = await trial("Loyalty", repository=repository, values={"X-Tag": "trial"}, path="7")

    assert (outcome.succeeded, request.url) == (True, "https://h.example/v1/7")
    assert ("X-Tag", "trial") in request.headers
    assert (await repository.get(wh.Action, "Loyalty")).value == action
    with pytest.raises(wh.DefinitionError):
        await trial(7)
