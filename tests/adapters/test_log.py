"""One line for each outcome, without a URL, a secret or a body."""

from __future__ import annotations

import logging
import re

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
