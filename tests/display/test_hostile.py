"""Cards of whatever somebody may have typed, received or made up: escaped, bounded, and without a secret."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import page
from rich.console import Console

import wayhook as wh
from wayhook.display.card import batch_picture
from wayhook.display.terminal import terminal_card
from wayhook.execution.latency import Latencies
from wayhook.formats.foreign.imported import FoundSecret, LeftOut
from wayhook.testing import FakeClock, FakeSecrets, FakeTransport

CANARY = "canary-4f1c-secret"
HOSTILE = [
    "<script>alert('x')</script>",
    "\"onload=x&amp; ' onmouseover=alert(1) x='",
    "</style></svg></div><img src=http://evil.example onerror=x>",
    "<!-- --><![CDATA[ ]]><?php ?>&#x3c;script&#x3e;",
    "\u202eevil\u2066\u200f\u200b\ufeff\u2028",
    "\x1b[95mpink\x1b]8;;http://evil.example\x07link\x00\x9b",
    "[bold red]markup[/bold red] [link=http://evil.example]x[/link] :smile:",
    "\ud800",
    "ا" * 50 + " שלום",
    "a\nb\tc\r\n",
    "x" * 100_000,
    "",
]
TEXTS = st.sampled_from(HOSTILE) | st.text(max_size=40)
NOON = datetime(2030, 1, 2, 12, tzinfo=UTC)


def values(text: str) -> Iterator[Any]:
    """A value of each kind with the text wherever one may stand."""
    name = text or "x"
    sendable = name.encode(errors="replace").decode()  # half a surrogate pair is refused where it would be sent
    variable = wh.variable(text)
    parameters = [
        wh.MessageParameter(name, "object", parameters=[wh.MessageParameter(name, "string", text)]),
        wh.MessageParameter(name + "2", "string", variable=variable),
    ]
    secret = wh.literal_secret(CANARY)
    configuration = wh.UrlConfiguration(
        text,
        method=text,
        headers={name: text, "v": variable, "s": secret},
        query_parameters={name: text, "v": variable},
    )
    authentication = wh.CustomAuthorization(
        name,
        body_type="json",
        headers={sendable: sendable, "k": secret, "plain": CANARY},
        body_params={sendable: {sendable: [sendable, secret]}, "client_secret": CANARY},
    )
    action = wh.Action(
        name=text, description=text, url_configuration=configuration, authentication=authentication,
        message_parameters=parameters, response=parameters, failure_response=parameters, idempotency_header=text,
        required_marketing_action=text,
    )  # fmt: skip
    yield from (variable, *parameters, action.message_parameters, configuration, authentication, action)
    yield wh.Connection(name, authentication, description=text)
    yield wh.BearerAuthentication(secret)
    expression = wh.expression("@event{S.a, defaultValue: '<script>'}")
    fitting = wh.Action(
        name=name,
        url_configuration=wh.UrlConfiguration("https://h.example", headers={"X": wh.variable(text, sample=sendable)}),
        message_parameters=[wh.MessageParameter("a", "string", variable=variable)],
    )
    activity = wh.ActionActivity(
        name, label=name, path=text, headers={name: text}, query_parameters={name: expression},
        parameters={name: [text, {name: text}]}, fields={name: text}, alternative_path=True, on_error=text,
        next=[text], description=text, additional_marketing_action=text,
    )  # fmt: skip
    condition = wh.Activity("condition", label=name + "2", conditions={name: expression}, next=[text], description=text)
    journey = wh.Journey(name, [activity, condition], description=text, time_zone=text, namespace=text)
    yield from (activity, condition, journey, attrs.evolve(journey, status="Live", published=NOON, version=3))
    capping = wh.CappingRule(text, wh.Rating(1), methods=[text], org_id=text)
    throttling = wh.ThrottlingRule(text, [text], 200, text, text)
    stamps = wh.Metadata(wh.Stamp(text, NOON), wh.Stamp(text), wh.Stamp(text))
    yield from (capping, throttling, wh.CappingConfiguration(name, capping, metadata=stamps))
    other = attrs.evolve(capping, methods=["GET"])
    yield wh.CappingConfiguration(name, capping, state="deployed", deployed_rule=other)
    yield wh.ThrottlingConfiguration(name, throttling, metadata=stamps)
    violation = wh.Violation(text, text, text, text)
    yield from (violation, wh.CanDeploy((violation,)), wh.DefinitionError([violation, violation]))
    yield wh.ExpressionError(text, text=text)
    yield wh.NotFound(text, text)
    yield from calls(text, sendable)
    record = wh.Stored(attrs.evolve(action, name=name), 1, text)
    yield from (record, wh.Page((record,), text))
    yield wh.Response(200, ((text, text), ("set-cookie", CANARY)), CANARY.encode(), text)
    yield expression
    yield wh.expression(json.dumps(sendable[:500]))
    yield wh.form(fitting)
    yield wh.Imported(
        (action,), (), (capping,), (FoundSecret(text, wh.secret("env:A"), text),), (LeftOut(text, text, text),)
    )
    yield wh.Progress(1, 2, 1, {text: 1}, Latencies([0.1]))
    yield batch_picture({text: 3, "http_200": 4}, Latencies([0.1]), 7, 9)


def calls(text: str, name: str) -> Iterator[Any]:
    """Calls and what came of them."""
    credentials = wh.ApiKeyAuthentication(name, wh.literal_secret(CANARY), location="query").credentials()
    body = f'{{"a": "{text}", "b": [1, {{}}]}}'.encode(errors="replace")
    call = wh.Call(text, text, text, ((text, text),), body, credentials)
    attempts = (
        wh.Attempt(1, wh.Evidence.AMBIGUOUS, None, text, 0.0, 0.5),
        wh.Attempt(2, wh.Evidence.DELIVERED, 200, "", 1.0, 0.5),
    )
    outcome = wh.Outcome(
        text, text, call, attempts, 2.0, wh.Response(200, ((text, text),), body, text), {text: [text, {text: text}]},
        (text, text), wh.ConnectionFailed(text), text, text, 3, 0.5, text, True, NOON, True, wh.Delivery.UNKNOWN, NOON,
        text, 5.0,
    )  # fmt: skip
    yield from (call, *attempts, outcome, attrs.evolve(outcome, cause=wh.UnsafeCall([wh.Violation(text, text)])))
    yield wh.Rejected(text, outcome)


@given(TEXTS)
def test_every_card_is_harmless_whatever_it_holds(text: str) -> None:
    """Nothing runs, nothing is fetched, every tag is closed, no secret is there, and the card has its bounds."""
    for value in values(text):
        html = value if isinstance(value, str) else value._repr_html_()

        page(html)
        assert CANARY not in html
        assert len(html) < 60_000


def drawn(value: Any) -> str:
    """What a terminal of 100 columns shows, colours and all."""
    console = Console(width=100, force_terminal=True, color_system="standard", file=None)
    with console.capture() as captured:
        console.print(value)
    return captured.get()


@given(TEXTS)
def test_every_card_in_a_terminal_is_harmless(text: str) -> None:
    """No control sequence but the colours of the card itself, no markup read, no secret, and no endless line."""
    for value in values(text):
        if isinstance(value, str):
            continue
        shown = drawn(value)

        plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", plain)
        assert "\x1b[95m" not in shown
        assert CANARY not in shown
        assert len(plain) < 200_000


def test_markup_of_a_terminal_is_shown_as_it_is() -> None:
    """Brackets and words between colons are text."""
    text = "[bold red]markup[/bold red] :smile:"

    assert text in drawn(wh.Connection(text))


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a\u202eb", "a\\u202eb"),
        ("a\x1b[31m", "a\\u001b[31m"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("\u200b\ufeff", "\\u200b\\ufeff"),
        ("👩\u200d👧 é ا", "👩\u200d👧 é ا"),
        ("a\nb", "a\\nb"),
    ],
)
def test_what_cannot_be_seen_is_spelled_out(text: str, seen: str) -> None:
    """Marks that hide or reorder what stands beside them are told by their numbers; letters of every language stay."""
    assert seen in page(wh.Connection(text)).text


def test_a_long_text_is_cut_with_a_word_about_it() -> None:
    """A card stays small; it says how much it does not show, in a cell and in a payload."""
    action = wh.Action(
        name="A",
        url_configuration=wh.UrlConfiguration("https://h.example", headers={"X-Long": "y" * 10_000}),
        message_parameters=wh.message_parameters({"t": "x" * 100_000, "u": ["z"] * 5000}),
    )

    text = page(wh.preview(action)).text

    assert len(text) < 8_000
    assert "… 9,700 characters more" in text
    assert re.search(r"… 1\d\d,\d{3} characters more", text)


def test_a_deep_tree_is_drawn_to_its_end() -> None:
    """Sixty-four levels of parameters, folded, each below the other."""
    sample: dict[str, Any] = {"leaf": 1}
    for _ in range(62):
        sample = {"a": sample}

    seen = page(wh.message_parameters(sample))

    assert "leaf" in seen.text
    assert seen.tags.count("details") == 62


def test_an_answer_that_holds_itself_ends() -> None:
    """What is too deep or without an end is cut, and what JSON does not have is told by its text or type."""
    cyclic: dict[str, Any] = {"n": Decimal("1.50"), "at": NOON, "set": {1}, "huge": 10**5000, "nan": float("nan")}
    cyclic["self"] = [cyclic, cyclic]
    wide = {"l": list(range(100_000))}

    text = page(wh.Outcome("A", "http_200", response=cyclic)).text

    assert '"n": 1.50' in text
    assert '"at": 2030-01-02 12:00:00+00:00' in text
    assert '"set": set' in text
    assert '"huge": a number of very many digits' in text
    assert "…" in text
    assert len(page(wh.Outcome("A", "http_200", response=wide)).text) < 6_000


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -1.0, 0.0, 1e308, 1e-308])
def test_times_that_no_clock_has_break_no_picture(number: float) -> None:
    """Whatever is put into an outcome, its time line is drawn."""
    attempts = (wh.Attempt(1, wh.Evidence.DELIVERED, 200, "", number, number),) * 30
    value = wh.Outcome("A", "http_200", None, attempts, number, timeout=number, queued=number)

    seen = page(value)

    assert not any("nan" in text or "inf" in text for name, text in seen.attributes if name != "aria-label")
    assert "… and 10 more attempts" in seen.text
    assert drawn(value)


@pytest.mark.rule("R134")
async def test_no_card_shows_a_secret_that_was_sent_and_came_back(send_sms: wh.Action) -> None:
    """A receiver that repeats the key in every place: neither card shows it."""
    repeated = wh.Response(400, (("x-key", CANARY),), f'{{"id": "{CANARY}", "queued": true}}'.encode())
    action = attrs.evolve(send_sms, failure_response=send_sms.response)
    clock = FakeClock()
    async with wh.Executor(
        transport=FakeTransport(repeated, clock=clock), secrets=FakeSecrets({"env:SMS_KEY": CANARY}), clock=clock
    ) as executor:
        outcome = await executor.call(action, {"to": "+1", "text": "x", "X-Campaign": "c"})

    assert CANARY not in outcome._repr_html_()
    assert CANARY not in drawn(outcome)
    assert "***" in page(outcome).text


TIMES = {"huge": 10**5000, "below": -(10**5000), "long": 10**15, "negative": -3, "none": 0}


@pytest.mark.parametrize("seconds", TIMES.values(), ids=TIMES)
def test_a_time_beyond_all_measure_is_told(seconds: int) -> None:
    """A draft may hold any number as its timeout, also one with more digits than Python writes."""
    journey = wh.Journey("Welcome", timeout=seconds, reentrance_wait=abs(seconds))

    assert "timeout" in journey._repr_html_()
    assert len(str(terminal_card(journey))) < 1000
