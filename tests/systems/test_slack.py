"""Slack's incoming webhooks, called through the action of the example."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from slack_webhook import post_message
from stand_in.service import FORM, JSON, ask
from stand_in.slack import SERVICE, TEAM, WEBHOOK, Slack

import wayhook as wh


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slack]:
    """The stand-in, and the secret that it knows."""
    monkeypatch.setenv("SLACK_WEBHOOK", WEBHOOK)
    with Slack() as service:
        yield service


@pytest.mark.parametrize("edition", ["standard", "journey_optimizer", "journey_orchestration"])
def test_every_edition_takes_it(edition: str) -> None:
    """The action keeps the guardrails of all three editions, at Slack's own address."""
    found = wh.violations(post_message(), guardrails=getattr(wh.Guardrails, edition)())

    assert list(found) == []


def test_the_preview_hides_the_address() -> None:
    """What follows `services/` shows as the name of its secret."""
    call = wh.preview(post_message(), {"text": "Hello"})

    assert call.masked_url == "https://hooks.slack.com/services/‹env:SLACK_WEBHOOK›"
    assert call.body == b'{"text":"Hello"}'


async def test_a_message_is_delivered(slack: Slack, executor: wh.Executor) -> None:
    """Slack answers `ok`, and the text arrived as it was given."""
    outcome = await executor.call(post_message(slack.url), {"text": "Grüße & <b>more</b>"})

    assert outcome.raise_for_error().received.text == "ok"  # type: ignore[union-attr]
    assert slack.received[0].path == f"/services/{WEBHOOK}"
    assert slack.received[0].json() == {"text": "Grüße & <b>more</b>"}


REVOKED = f"{TEAM}/{SERVICE}/old"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (REVOKED, ("http_403", "invalid_token")),
        (f"{TEAM}/B1/old", ("http_404", "no_service")),
        ("T1/B1/old", ("http_404", "no_team")),
    ],
)
async def test_a_wrong_address_is_told(
    slack: Slack, executor: wh.Executor, address: str, expected: tuple[str, str]
) -> None:
    """A webhook that was revoked is refused once, with Slack's word for it."""
    wrong = attrs.evolve(
        post_message(slack.url),
        authentication=wh.ApiKeyAuthentication("webhook", wh.literal_secret(address), location="path"),
    )

    outcome = await executor.call(wrong, {"text": "Hello"})

    assert (outcome.status, outcome.received.text) == expected  # type: ignore[union-attr]
    assert len(slack.received) == 1


async def test_a_refusal_shows_no_address(slack: Slack, executor: wh.Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the outcome nor its card holds what was sent as the address."""
    monkeypatch.setenv("SLACK_WEBHOOK", REVOKED)

    outcome = await executor.call(post_message(slack.url), {"text": "Hello"})

    assert "old" in slack.received[0].path
    assert not any(REVOKED in shown for shown in (repr(outcome), str(outcome.call), outcome._repr_html_()))


async def test_an_empty_message_is_refused(slack: Slack, executor: wh.Executor) -> None:
    """Slack wants a text."""
    outcome = await executor.call(post_message(slack.url), {"text": ""})

    assert (outcome.status, outcome.received.text) == ("http_400", "no_text")  # type: ignore[union-attr]


async def test_an_archived_channel_takes_the_alternative_path(slack: Slack, loopback: wh.Guardrails) -> None:
    """In a journey, a channel that is gone leads along the alternative path."""
    slack.archived = True
    repository = wh.MemoryRepository(guardrails=loopback)
    await repository.save(post_message(slack.url))
    activity = wh.ActionActivity("SlackMessage", label="tell", parameters={"text": "Hello"}, alternative_path=True)
    context = wh.Context()

    async with wh.Executor(repository, guardrails=loopback) as executor:
        outcome = await executor.execute(wh.Journey("Tell", [activity]), "tell", context)

    assert (outcome.status, outcome.path) == ("http_410", "alternative")
    assert context.actions["SlackMessage"]["jo_status_code"] == "http_410"


async def test_a_message_above_the_rate_waits(slack: Slack, executor: wh.Executor, clock: Any) -> None:
    """After a 429 the message waits as long as Retry-After asks for, and is delivered."""
    slack.too_fast = 1

    outcome = await executor.call(post_message(slack.url), {"text": "Hello"})

    assert (outcome.status, outcome.retries, clock.waits) == ("http_200", 1, [1.0])


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (("POST", JSON, '{"text":"Hi"}'), (200, "ok")),
        (("POST", FORM, "payload=%7B%22text%22%3A%22Hi%22%7D"), (200, "ok")),
        (("GET", JSON, '{"text":"Hi"}'), (400, "invalid_payload")),
        (("POST", {"Content-Type": "text/plain"}, '{"text":"Hi"}'), (400, "invalid_payload")),
        (("POST", JSON, "text=Hi"), (400, "invalid_payload")),
        (("POST", JSON, '["Hi"]'), (400, "invalid_payload")),
        (("POST", JSON, '{"txt":"Hi"}'), (400, "no_text")),
    ],
)
def test_the_stand_in_takes_messages_only(
    slack: Slack, sent: tuple[str, dict[str, str], str], expected: tuple[int, str]
) -> None:
    """A message comes by POST, in JSON or in a form; all else is refused."""
    answer = ask(f"{slack.url}/services/{WEBHOOK}", *sent)

    assert (answer.status_code, answer.text) == expected
