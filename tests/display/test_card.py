"""Cards: what a notebook shows; everything escaped, nothing loaded, no secret."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest

import wayhook as wh
from wayhook.testing import FakeClock, FakeSecrets, FakeTransport

EVIL = "<script>alert('x')</script>\"onload=x&amp;"


class Page(HTMLParser):
    """What a browser would see: tags, attributes and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another tag"

    def handle_data(self, data: str) -> None:
        self.text += data


def page(value: Any) -> Page:
    """The card of a value, read and found harmless."""
    html = value._repr_html_()
    seen = Page(html)
    assert seen.open == []
    assert set(seen.tags) <= {"div", "table", "tr", "th", "td", "pre"}
    assert {name for name, _ in seen.attributes} <= {"class", "style", "align"}
    assert not any("url(" in str(value) or "http" in str(value) for _, value in seen.attributes)
    assert "<script" not in html.lower()
    return seen


def evil_action(**parts: Any) -> wh.Action:
    """An action with mischief wherever text may stand."""
    return wh.Action(
        name=EVIL,
        description=EVIL,
        url_configuration=wh.UrlConfiguration(
            "https://h.example/<script>",
            headers={"X-Evil": EVIL, "X-V": wh.variable(EVIL)},
            query_parameters={EVIL: EVIL},
        ),
        message_parameters=wh.message_parameters({EVIL: EVIL, "v": "x"}, variables={"v": EVIL}),
        **parts,
    )


def test_the_card_of_a_call_shows_the_whole_request(send_sms: wh.Action) -> None:
    """Method, URL, headers and the body laid out for reading are there, secrets as their labels."""
    seen = page(wh.preview(send_sms, {"to": "+336", "text": "Hé", "X-Campaign": "c"}, path="m"))

    assert seen.text.startswith("POST https://sms.example.com/v1/m?tenant=acme")
    assert "X-Campaign" in seen.text
    assert "X-Api-Key‹env:SMS_KEY›" in seen.text
    assert '{\n  "to": "+336",\n  "text": "Hé",\n  "priority": 1\n}' in seen.text


def test_a_call_without_a_body_has_a_card_too() -> None:
    """Nothing is shown where nothing is sent."""
    action = wh.Action(name="A", url_configuration=wh.UrlConfiguration("https://h.example", method="GET"))

    assert "pre" not in page(wh.preview(action)).tags


def test_everything_in_the_card_of_a_call_is_escaped() -> None:
    """Mischief in a name, a value, a label or a method is shown as the text that it is."""
    call = wh.Call(
        EVIL,
        EVIL,
        f"https://h.example/{EVIL}",
        ((EVIL, EVIL),),
        b'{"<script>": "<img src=http://evil.example onerror=x>"}',
        (wh.ApiKeyAuthentication(EVIL, wh.secret(f"env:{EVIL}"), location="query").credentials()),
    )

    seen = page(call)

    assert seen.text.count("<script>alert('x')</script>") >= 4
    assert "<img src=http://evil.example" in seen.text


def test_a_rendered_call_with_mischief_is_harmless() -> None:
    """The same through the front door."""
    seen = page(wh.preview(evil_action(), {"X-V": EVIL, "v": EVIL}, path=EVIL.replace("/", "|")))

    assert EVIL in seen.text


def test_a_long_body_is_cut_with_a_word_about_it() -> None:
    """A card stays small; it says how much it does not show."""
    action = wh.Action(
        name="A",
        url_configuration=wh.UrlConfiguration("https://h.example"),
        message_parameters=wh.message_parameters({"t": "x" * 100_000}),
    )

    seen = page(wh.preview(action))

    assert len(seen.text) < 5_000
    assert re.search(r"… [\d,]+ characters more", seen.text)


async def outcome(action: wh.Action, values: dict[str, Any], *replies: Any, secret: str = "s3c") -> wh.Outcome:
    """The outcome of a call that is answered by a script."""
    clock = FakeClock()
    transport = FakeTransport(replies, clock=clock)
    secrets = FakeSecrets({"env:SMS_KEY": secret, "env:KEY": secret})
    async with wh.Executor(transport=transport, secrets=secrets, clock=clock, random=lambda: 0.5) as executor:
        return await executor.call(action, values)


SMS_VALUES = {"to": "+336", "text": "Hi", "X-Campaign": "c"}


async def test_the_card_of_an_outcome_tells_what_was_tried(send_sms: wh.Action) -> None:
    """Status, each attempt with what it proves, the declared fields of the answer, and the request."""
    ended = await outcome(
        send_sms, SMS_VALUES, wh.Response(429), wh.Response(200, (), b'{"id": "m<1>", "queued": true, "more": 1}')
    )

    seen = page(ended)

    assert seen.text.startswith("SendSms http_200 after 2 attempts")
    assert "attempt" in seen.text
    assert "429" in seen.text
    assert str(wh.Evidence.DELIVERED) in seen.text
    assert '{\n  "id": "m<1>",\n  "queued": true\n}' in seen.text
    assert '"priority": 1' in seen.text
    assert "s3c" not in ended._repr_html_()


async def test_the_card_of_a_failure_tells_why_and_escapes_it(send_sms: wh.Action) -> None:
    """A call that was never rendered has a card with its reason; an undeclared answer is not poured out."""
    unrendered = await outcome(send_sms, {**SMS_VALUES, "to": 7, "<script>": 1})
    undeclared = await outcome(send_sms, SMS_VALUES, wh.Response(400, (), b"<script>secret page</script>"))

    assert "takes a string, not int" in page(unrendered).text
    assert "<script>" in page(unrendered).text
    assert "<Response 400, 28 bytes>" in page(undeclared).text
    assert "secret page" not in page(undeclared).text


@pytest.mark.rule("R134")
async def test_no_card_shows_a_secret() -> None:
    """Keys, passwords and literal secrets are labels in the card of everything that holds one."""
    literal = wh.literal_secret("s3cr3t")
    actions = [
        evil_action(authentication=wh.BasicAuthentication("joe", literal)),
        evil_action(authentication=wh.ApiKeyAuthentication("X-Key", wh.secret("env:KEY"))),
        evil_action(
            authentication=wh.CustomAuthorization(
                "https://t.example", body_type="json", headers={"k": literal}, body_params={"s": literal}
            )
        ),
    ]
    values = {"X-V": "v", "v": "v"}

    shown = [
        value
        for action in actions
        for value in (action, action.url_configuration, action.authentication, wh.preview(action, values))
    ]
    sendable = wh.Action(
        name="A",
        url_configuration=wh.UrlConfiguration("https://api.shop.example"),
        authentication=wh.ApiKeyAuthentication("key", wh.secret("env:KEY"), location="query"),
    )
    shown.append(await outcome(sendable, {}, wh.Response(200), secret="s3cr3t"))

    for value in shown:
        page(value)
        assert "s3cr3t" not in value._repr_html_()
        assert "s3cr3t" not in f"{value!r}{value}"


@pytest.mark.parametrize(
    "value",
    [
        evil_action(),
        evil_action().url_configuration,
        wh.NoAuthentication(),
        wh.BasicAuthentication(EVIL.replace(":", ""), wh.secret("env:KEY")),
        wh.ApiKeyAuthentication(EVIL, wh.secret("env:KEY")),
        wh.CustomAuthorization(EVIL, body_type="form"),
        wh.Activity("end", label=EVIL),
        wh.ActionActivity(EVIL, label=EVIL, path=wh.expression("'<script>'")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_other_value_has_a_harmless_card(value: Any) -> None:
    """Definitions show what their `repr` says, escaped."""
    assert page(value).text == repr(value)


def test_a_journey_shows_its_versions_and_activities() -> None:
    """The card has a row for each version, the latest first, and for each activity by its title."""
    now = datetime(2030, 1, 2, tzinfo=UTC)
    activities = [wh.Activity("event", label=EVIL), wh.ActionActivity("Slack", label="Alert")]

    text = page(wh.Journey(EVIL, activities).publish(now).new_version()).text

    assert text.startswith(f"<Journey {EVIL} v2: Draft, 2 activities>")
    assert "2Draft1Live2030-01-02 00:00:00+00:00" in text
    assert f"{EVIL}eventSlack-Alertaction" in text


def test_a_card_fits_every_theme() -> None:
    """Colours come from the page: nothing is painted black or white."""
    html = wh.Activity("end", label="e")._repr_html_()

    assert "color:inherit" in html
    assert not re.search(r"#[0-9a-f]{3,6}\b|\b(black|white)\b|background", html)
