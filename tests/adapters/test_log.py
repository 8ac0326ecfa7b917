"""One line for each outcome, without a URL, a secret or a body."""

from __future__ import annotations

import json
import logging
import re

import attrs
import pytest

import wayhook as wh
from wayhook.testing import FakeClock, FakeTransport


def _action() -> wh.Action:
    return wh.Action(
        name="Ping",
        url_configuration=wh.UrlConfiguration("https://api.example.com/secret-path", query_parameters={"q": "canary"}),
        authentication=wh.ApiKeyAuthentication("key", wh.literal_secret("canary"), location="query"),
    )


async def _executed(sink: wh.LogSink, *statuses: int) -> None:
    transport = FakeTransport([wh.Response(status, body=b"canary") for status in statuses])
    async with wh.Executor(transport=transport, clock=FakeClock(), random=lambda: 0.0, events=[sink]) as executor:
        await executor.call(_action())


async def test_a_success_is_a_line_of_information(caplog: pytest.LogCaptureFixture) -> None:
    """A delivered call is one line at INFO, its attempts are lines at DEBUG."""
    with caplog.at_level(logging.DEBUG, "wayhook"):
        await _executed(wh.LogSink(), 503, 200)

    lines = [(record.levelname, re.sub("id='[0-9a-f]{32}'", "id=…", record.getMessage())) for record in caplog.records]
    call = "action='Ping' method=POST destination='https://api.example.com' id=…"
    outcome = "action='Ping' journey=None label=None id=…"
    assert lines == [
        ("DEBUG", f"{call} attempt=1 evidence='rejected unread' status=503 elapsed=0.000"),
        ("DEBUG", f"{call} attempt=2 evidence='delivered' status=200 elapsed=0.000"),
        ("INFO", f"{outcome} status=http_200 delivery=delivered attempts=2 elapsed=0.000"),
    ]


async def test_a_failure_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """A call that was not delivered is one line at WARNING."""
    with caplog.at_level(logging.INFO, "wayhook"):
        await _executed(wh.LogSink(), 404)

    assert [(record.levelname, record.name) for record in caplog.records] == [("WARNING", "wayhook")]
    assert "status=http_404" in caplog.text


async def test_a_line_holds_no_address_and_no_body(caplog: pytest.LogCaptureFixture) -> None:
    """What could hold personal data or a secret is in no record, nor in its arguments."""
    with caplog.at_level(logging.DEBUG):
        await _executed(wh.LogSink(), 200)

    assert caplog.records
    assert not [
        record for record in caplog.records if "canary" in str(vars(record)) or "secret-path" in str(vars(record))
    ]


async def test_a_logger_of_ones_own_is_used(caplog: pytest.LogCaptureFixture) -> None:
    """A sink writes to the logger that it was given."""
    with caplog.at_level(logging.INFO):
        await _executed(wh.LogSink(logging.getLogger("shop.calls")), 200)

    assert [record.name for record in caplog.records] == ["shop.calls"]


async def test_a_record_has_the_values_for_a_formatter(caplog: pytest.LogCaptureFixture) -> None:
    """Beside its text a record holds plain values, ready for JSON."""
    with caplog.at_level(logging.DEBUG, "wayhook"):
        await _executed(wh.LogSink(), 503, 404)

    attempt, _, outcome = (record.__dict__["wayhook"] for record in caplog.records)
    assert outcome == {
        "event": "outcome", "action": "Ping", "journey": None, "label": None, "index": None, "id": outcome["id"],
        "status": "http_404", "delivery": "rejected", "attempts": 2, "elapsed": 0.0, "queued": 0.0, "error": None,
    }  # fmt: skip
    assert (attempt["event"], attempt["status"], attempt["id"]) == ("attempt", 503, outcome["id"])
    assert json.loads(json.dumps(outcome)) == outcome


async def test_a_line_is_one_line_whatever_is_in_a_name(caplog: pytest.LogCaptureFixture) -> None:
    """Names come from users: what breaks a line, or looks like another field, stays inside of its quotes."""
    label, told = "x\r\nERROR forged\u2028 status=http_200", wh.LogSink()

    with caplog.at_level(logging.INFO, "wayhook"):
        told.emit(wh.ExecutionEnded(wh.Outcome("P", "timedout", journey="'J\"", label=label, delivery_id="a\x1b[2J")))

    [line] = [record.getMessage() for record in caplog.records]
    assert len(line.splitlines()) == 1
    assert line.isprintable()
    assert r"label='x\r\nERROR forged\u2028 status=http_200' id='a\x1b[2J' status=timedout" in line


async def test_a_token_call_and_a_breaker_have_lines(caplog: pytest.LogCaptureFixture) -> None:
    """An attempt to get a token is told as one, without what was sent; a change of a breaker is a warning."""
    token = wh.CustomAuthorization(
        "https://auth.example.com/canary-path",
        body_type="form",
        body_params={"client_secret": wh.literal_secret("canary")},
        token_in_response="response",
    )
    action = attrs.evolve(_action(), authentication=token)
    transport = FakeTransport([wh.Response(200, body=b"canary-token"), wh.Response(500)])
    rails = attrs.evolve(wh.Guardrails.standard(), breaker=wh.BreakerRule(calls=2, share=0.5))
    clock = FakeClock()

    with caplog.at_level(logging.DEBUG, "wayhook"):
        async with wh.Executor(transport=transport, clock=clock, guardrails=rails, events=[wh.LogSink()]) as executor:
            await executor.call(action)
            await executor.call(action)

    lines = [(record.levelname, record.getMessage()) for record in caplog.records]
    level, line = lines[0]
    assert level == "DEBUG"
    assert re.fullmatch(
        "token_of='Ping' method=POST destination='https://auth.example.com' id='.{32}' attempt=1 "
        "evidence='delivered' status=200 elapsed=0.000",
        line,
    )
    assert ("WARNING", "destination='https://api.example.com' breaker='open'") in lines
    assert "canary" not in caplog.text


async def test_what_is_left_out_on_purpose_is_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    """A dry run went as it should."""
    with caplog.at_level(logging.INFO, "wayhook"):
        wh.LogSink().emit(wh.ExecutionEnded(wh.Outcome("P", "dryRun")))

    assert [record.levelname for record in caplog.records] == ["INFO"]
