"""Limits that processes share, as far as no store is needed: settings, and a store that is away from the first."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import redis

import wayhook as wh

REDIS, POSTGRES = "redis://ann:canary-7@127.0.0.1:1/3", "postgresql://ann:canary-7@127.0.0.1:1/shop"
KINDS = pytest.mark.parametrize(("kind", "url"), [(wh.RedisLimiter, REDIS), (wh.PostgresLimiter, POSTGRES)])
URL = "https://api.example.com/v1"


WRONG = [
    ({"when_away": "panic"}, "when_away"),
    ({"when_away": "share"}, "processes"),
    ({"when_away": "share", "processes": 0}, "processes"),
    ({"when_away": "share", "processes": True}, "processes"),
    ({"processes": 3}, "processes"),
    ({"namespace": "a b"}, "namespace"),
]


@pytest.mark.parametrize(("settings", "path"), WRONG, ids=[str(settings) for settings, _ in WRONG])
@KINDS
def test_settings_that_make_no_sense_are_refused(kind: Any, url: str, settings: dict[str, Any], path: str) -> None:
    """Each names what is wrong with it."""
    with pytest.raises(wh.DefinitionError, match=path):
        kind(url, **settings)


@pytest.mark.parametrize("wrong", ["http://h", 7, "redis://h:port/0", "mysql://h/d", redis.Redis()])
@KINDS
def test_a_url_of_something_else_is_refused(kind: Any, url: str, wrong: object) -> None:
    """What is no URL of the store is refused as it is given, and so is a client that blocks, or a rule that is none."""
    with pytest.raises(wh.DefinitionError):
        kind(wrong)
    with pytest.raises(wh.DefinitionError, match=r"\[0\]"):
        kind(url, [7])


def test_a_prefix_that_no_key_may_have_is_refused() -> None:
    """Braces are for the slot of a cluster."""
    for prefix in ("", "a{b", "a\nb", 7):
        with pytest.raises(wh.DefinitionError, match="prefix"):
            wh.RedisLimiter(REDIS, prefix=prefix)  # type: ignore[arg-type]


@KINDS
async def test_a_store_that_is_away_is_a_sentence(kind: Any, url: str) -> None:
    """It says where and why, and not the password."""
    limiter = kind(url)
    with pytest.raises(wh.StoreUnavailable, match=r"127\.0\.0\.1:1/\w+") as told:
        async with limiter:
            pass

    assert "canary-7" not in str(told.value) + repr(told.value) + repr(limiter)
    assert told.value.__cause__ is None


@KINDS
async def test_limits_are_shared_out_while_a_store_is_away(
    kind: Any, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Who said so is limited by his share, from the first call on, and the log says it without the password."""
    rules = [wh.CappingRule(URL, wh.Rating(5, 60_000))]
    found = []

    async with kind(url, rules, when_away="share", processes=2) as limiter:
        for _ in range(3):
            try:
                async with limiter.place("POST", URL) as waited:
                    found.append(waited)
            except wh.Discarded:
                found.append(None)

    assert [place is not None for place in found] == [True, True, False]
    assert "each process keeps 1/2" in caplog.text
    assert "canary-7" not in caplog.text


def test_without_its_library_a_limiter_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence, with the command."""
    for name in ("redis", "asyncpg"):
        monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(wh.MissingExtra, match=r"pip install 'wayhook\[redis\]'"):
        wh.RedisLimiter(REDIS)
    with pytest.raises(wh.MissingExtra, match=r"pip install 'wayhook\[postgres\]'"):
        wh.PostgresLimiter(POSTGRES)
