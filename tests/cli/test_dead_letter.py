"""`dead-letters`: calls that were given up, listed, shown, and delivered again."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from shell import Shell

import wayhook as wh
from wayhook.execution.job import Buried

URL = "sqlite+aiosqlite:///jobs.db"


@pytest.fixture
async def given_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with three jobs that were given up and one that waits."""
    monkeypatch.setenv("WAYHOOK_JOBS", URL)
    await wh.SqlJobs(URL).migrate()
    async with wh.SqlJobs(URL) as jobs:
        await jobs.dispatch(
            wh.Job.call("SendSms", {"to": "+331", "points": Decimal("0.10")}, delivery_id="a"),
            wh.Job.execute("Welcome", "day1", wh.Context({"Signup": {"phone": "+332"}}), delivery_id="b"),
            wh.Job.call("SendSms", {}, delivery_id="c"),
        )
        for record in await jobs.take(9, 30):
            await jobs.settle(record, Buried(f"the definition of {record.delivery_id} is gone"))
        await jobs.dispatch(wh.Job.call("SendSms", {}, delivery_id="waits"))
    return folder


async def _states() -> dict[str, str]:
    async with wh.SqlJobs(URL) as jobs:
        return {name: (await jobs.find(name)).state.value for name in ("a", "b", "c")}


@pytest.mark.usefixtures("given_up")
def test_dead_letters_are_listed(shell: Shell) -> None:
    """Each with its call and its reason, page by page."""
    done = shell("dead-letters", "list")
    listed = shell.json("dead-letters", "list", shape="dead-letters list")
    rest = shell.json("dead-letters", "list", "--after", "a", "--limit", "1", shape="dead-letters list")

    assert [(item["delivery_id"], item["use"], item["reason"]) for item in listed["items"]] == [
        ("a", "SendSms", "the definition of a is gone"),
        ("b", "Welcome day1", "the definition of b is gone"),
        ("c", "SendSms", "the definition of c is gone"),
    ]
    assert [line.split("\t")[0] for line in done.out.splitlines()] == ["a", "b", "c"]
    assert [item["delivery_id"] for item in rest["items"]] == ["b"]


@pytest.mark.usefixtures("given_up")
def test_a_dead_letter_is_shown(shell: Shell) -> None:
    """With what its call is made of."""
    shown = shell.json("dead-letters", "show", "b", shape="dead-letters show")
    exact = shell.json("dead-letters", "show", "a", shape="dead-letters show")

    assert shown["job"]["context"] == {"events": {"Signup": {"phone": "+332"}}}
    assert exact["job"]["values"] == {"to": "+331", "points": {"$decimal": "0.10"}}
    assert "reason: the definition of b is gone" in shell("dead-letters", "show", "b").out


@pytest.mark.usefixtures("given_up")
async def test_dead_letters_are_replayed(shell: Shell) -> None:
    """Those that are named, and all of them."""
    one = await asyncio.to_thread(shell.json, "dead-letters", "replay", "b", shape="dead-letters replay")
    after_one = await _states()
    rest = await asyncio.to_thread(shell.json, "dead-letters", "replay", "--all", shape="dead-letters replay")

    assert (one, rest) == ({"replayed": ["b"]}, {"replayed": ["a", "c"]})
    assert after_one == {"a": "dead", "b": "waiting", "c": "dead"}
    assert set((await _states()).values()) == {"waiting"}


@pytest.mark.usefixtures("given_up")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("show", "waits"), "no dead letter named 'waits'"),
        (("show", "nothing"), "no job named 'nothing'"),
        (("replay", "waits"), "no dead letter named 'waits'"),
        (("replay", "a", "no-1", "no-2"), "no dead letter named 'no-1', 'no-2'; none was replayed"),
        (("replay",), "name the delivery ids of dead letters, or give --all"),
        (("replay", "a", "--all"), "or give --all"),
        (("list", "--jobs", "redis://h"), "--jobs: an SQL repository speaks"),
        (("list", "--jobs", "postgresql://u:canary-7@h:port/x"), "--jobs: write postgresql://user@host/database"),
        (("list", "--jobs", "postgresql://u:canary-7@127.0.0.1:99999/x"), "--jobs: a port is a number"),
        (("list", "--queue", "a b"), "--queue: a queue has 1 to 64"),
        (("list", "--jobs", "sqlite+aiosqlite:///other.db"), "wayhook migrate"),
    ],
)
async def test_what_cannot_be_done_is_told(shell: Shell, words: tuple[str, ...], message: str) -> None:
    """In a sentence, with exit code 2 and without a password; nothing is changed."""
    done = await asyncio.to_thread(shell, "dead-letters", *words)

    assert done.code == 2
    assert message in done.err
    assert "canary-7" not in done.out + done.err
    assert set((await _states()).values()) == {"dead"}


@pytest.mark.usefixtures("given_up")
async def test_a_letter_that_is_named_twice_is_replayed_once(shell: Shell) -> None:
    """Its second name is no fault."""
    done = await asyncio.to_thread(shell.json, "dead-letters", "replay", "b", "b", shape="dead-letters replay")

    assert done == {"replayed": ["b"]}


@pytest.mark.usefixtures("given_up")
async def test_what_another_replays_meanwhile_is_passed_over(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two who replay all of them do so once between them."""
    replay = wh.SqlJobs.replay

    async def late(jobs: wh.SqlJobs, delivery_id: str) -> wh.JobRecord:
        if delivery_id == "b":
            await replay(jobs, delivery_id)
        return await replay(jobs, delivery_id)

    monkeypatch.setattr(wh.SqlJobs, "replay", late)
    done = await asyncio.to_thread(shell.json, "dead-letters", "replay", "--all", shape="dead-letters replay")

    assert done == {"replayed": ["a", "c"]}
    assert set((await _states()).values()) == {"waiting"}


@pytest.mark.parametrize("document", ["[" * 100_000, '{"action":NaN}', '{"action":1e999}', '{"action":', "[1]", ""])
async def test_a_document_of_somebody_else_hides_no_letter(given_up: Path, shell: Shell, document: str) -> None:
    """What cannot be read may be why a job was given up: it is listed, and shown without its data."""
    with closing(sqlite3.connect(given_up / "jobs.db")) as connection:
        connection.execute("UPDATE wayhook_job SET document = ? WHERE delivery_id = 'a'", (document,))
        connection.commit()

    listed = await asyncio.to_thread(shell.json, "dead-letters", "list", shape="dead-letters list")
    shown = await asyncio.to_thread(shell.json, "dead-letters", "show", "a", shape="dead-letters show")

    assert [(item["delivery_id"], item["use"]) for item in listed["items"][:2]] == [("a", ""), ("b", "Welcome day1")]
    assert shown["job"] == {}


@pytest.mark.usefixtures("folder")
def test_the_database_is_named(shell: Shell) -> None:
    """There is no usual one."""
    assert "say where jobs are kept with --jobs URL" in shell("dead-letters", "list").err
