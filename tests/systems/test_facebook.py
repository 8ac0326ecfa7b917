"""Facebook's Graph API, called through the action of the example."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest
from facebook_graph import publish_post
from stand_in.facebook import EXPIRED, PAGE, TOKEN, Facebook
from stand_in.service import FORM, JSON, ask

import wayhook as wh

FEED = f"{PAGE}/feed"


@pytest.fixture
def facebook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Facebook]:
    """The stand-in, and the token that it knows."""
    monkeypatch.setenv("FACEBOOK_PAGE_TOKEN", TOKEN)
    with Facebook() as service:
        yield service


def test_the_preview_shows_the_form() -> None:
    """The body is a form, and the token shows as the name of its secret."""
    call = wh.preview(publish_post(), {"message": "Hi & bye", "link": None}, path=FEED)

    assert call.masked_url == f"https://graph.facebook.com/v23.0/{FEED}?access_token=‹env:FACEBOOK_PAGE_TOKEN›"
    assert dict(call.headers)["Content-Type"] == "application/x-www-form-urlencoded"
    assert call.body == b"message=Hi+%26+bye&published=true"


def test_the_standard_edition_takes_it() -> None:
    """The action keeps the guardrails; the optimizer's own know no form."""
    editions = (wh.Guardrails.standard(), wh.Guardrails.journey_optimizer())

    found = [[violation.rule for violation in wh.violations(publish_post(), guardrails=e)] for e in editions]

    assert found == [[], ["R135"]]


async def test_a_post_is_published(facebook: Facebook, executor: wh.Executor) -> None:
    """Facebook answers with the id of the post, and the fields arrived as they were given."""
    values = {"message": "Grüße = 100 %", "link": "https://shop.example.com/?a=1&b=2"}

    outcome = await executor.call(publish_post(facebook.url), values, path=FEED)

    assert outcome.raise_for_error().response == {"id": f"{PAGE}_1"}
    sent = parse_qs(facebook.received[0].body.decode(), strict_parsing=True)
    assert sent == {"message": [values["message"]], "link": [values["link"]], "published": ["true"]}


@pytest.mark.parametrize(("token", "subcode"), [(EXPIRED, 463), ("another", None)])
async def test_a_token_that_is_no_good_is_told(
    facebook: Facebook, executor: wh.Executor, monkeypatch: pytest.MonkeyPatch, token: str, subcode: int | None
) -> None:
    """An expired or wrong token is refused once, with Facebook's code 190, and shows nowhere."""
    monkeypatch.setenv("FACEBOOK_PAGE_TOKEN", token)

    outcome = await executor.call(publish_post(facebook.url), {"message": "Hi"}, path=FEED)

    assert (outcome.status, outcome.retries, outcome.response_faults) == ("http_400", 0, ())
    assert (outcome.response["error"]["code"], outcome.response["error"]["error_subcode"]) == (190, subcode)
    assert not any(token in shown for shown in (repr(outcome), str(outcome.call), outcome._repr_html_()))


@pytest.mark.parametrize(
    ("values", "code"), [({"message": ""}, 197), ({"message": "Hi", "link": "shop"}, 1500)], ids=["empty", "bad link"]
)
async def test_a_bad_post_is_told(facebook: Facebook, executor: wh.Executor, values: dict[str, str], code: int) -> None:
    """What is wrong with a post comes as the declared failure."""
    outcome = await executor.call(publish_post(facebook.url), values, path=FEED)

    assert (outcome.status, outcome.response["error"]["code"]) == ("http_400", code)


async def test_the_limit_of_a_page_is_told(facebook: Facebook, executor: wh.Executor) -> None:
    """Facebook has no Retry-After: the post is refused with code 32, and is not sent again."""
    facebook.too_fast = 1

    outcome = await executor.call(publish_post(facebook.url), {"message": "Hi"}, path=FEED)

    assert (outcome.status, outcome.response["error"]["code"]) == ("http_403", 32)
    assert len(facebook.received) == 1


async def test_a_journey_reads_the_post(facebook: Facebook, loopback: wh.Guardrails) -> None:
    """The page comes from the event, and the id of the post can be read by what follows."""
    repository = wh.MemoryRepository(guardrails=loopback)
    await repository.save(publish_post(facebook.url))
    activity = wh.ActionActivity(
        "FacebookPost",
        label="post",
        path=wh.expression("@event{Offer.page} + '/feed'"),
        parameters={"message": wh.expression("@event{Offer.text}")},
    )
    context = wh.Context({"Offer": {"page": PAGE, "text": "Half price"}})

    async with wh.Executor(repository, guardrails=loopback) as executor:
        outcome = await executor.execute(wh.Journey("Offer", [activity]), "post", context)

    assert outcome.path == "main"
    assert wh.expression("@action{FacebookPost.id}").evaluate(context) == f"{PAGE}_1"


@pytest.mark.parametrize(
    ("target", "sent", "expected"),
    [
        (f"v23.0/{FEED}?access_token={TOKEN}", ("POST", FORM, "message=Hi"), (200, None)),
        (f"v23.0/{FEED}?access_token={TOKEN}", ("POST", JSON, '{"message":"Hi"}'), (200, None)),
        (f"v23.0/{FEED}?access_token={TOKEN}", ("POST", {"Content-Type": "text/plain"}, "message=Hi"), (400, 197)),
        (f"v23.0/{FEED}?access_token={TOKEN}", ("POST", JSON, '{"message":'), (400, 197)),
        (f"v23.0/{FEED}?access_token={TOKEN}", ("DELETE", FORM, ""), (400, 100)),
        (f"v23.0/{FEED}", ("POST", FORM, f"message=Hi&token={TOKEN}"), (400, 104)),
        (f"v23.0/2002/feed?access_token={TOKEN}", ("POST", FORM, "message=Hi"), (400, 100)),
        (f"{FEED}?access_token={TOKEN}", ("POST", FORM, "message=Hi"), (400, 2500)),
    ],
)
def test_the_stand_in_takes_posts_only(
    facebook: Facebook, target: str, sent: tuple[str, dict[str, str], str], expected: tuple[int, int | None]
) -> None:
    """A post has its method, its place, its token and a text; all else is refused with Facebook's codes."""
    answer = ask(f"{facebook.url}/{target}", *sent)

    assert (answer.status_code, answer.json().get("error", {}).get("code")) == expected
