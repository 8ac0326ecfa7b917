"""What a file adds to a repository: it survives, is shared, and is refused untouched when it is not ours."""

# ruff: noqa: ASYNC220, ASYNC221, ASYNC240 - nothing else runs on the loop of a test

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

import wayhook as wh

APPLICATION_ID = 0x57415948
SCHEMA_VERSION = 3


def _action(name: str = "Ping", description: str = "") -> wh.Action:
    return wh.Action(
        name=name, description=description, url_configuration=wh.UrlConfiguration("https://api.example.com/")
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the database will be."""
    return tmp_path / "actions.db"


async def _made(file: Path) -> None:
    async with wh.SqliteRepository(file) as repository:
        await repository.save(_action())


async def test_what_was_saved_survives(file: Path) -> None:
    """A repository opened again has values, versions and uses as they were."""
    journey = wh.Journey("Welcome", [wh.ActionActivity("Ping", label="p", path=wh.expression("'é'"))])
    async with wh.SqliteRepository(file) as repository:
        await repository.save(_action())
        await repository.save(_action(description="日本"))
        await repository.save(journey)

    async with wh.SqliteRepository(file) as repository:
        action = await repository.get(wh.Action, "Ping")
        kept = await repository.get(wh.Journey, "Welcome")
        users = await repository.journeys_using("Ping")

    assert (action.value, action.version) == (_action(description="日本"), 2)
    assert (kept.value, users) == (journey, ("Welcome",))


async def test_an_open_database_says_whose_it_is(file: Path) -> None:
    """The header of a new file has the application's number and the schema version, on disk at once."""
    async with wh.SqliteRepository(file):
        header = file.read_bytes()[:100]

    assert int.from_bytes(header[68:72], "big") == APPLICATION_ID
    assert int.from_bytes(header[60:64], "big") == SCHEMA_VERSION


async def test_a_file_of_the_first_schema_is_brought_up_to_date(file: Path) -> None:
    """Records of the first schema keep name, version and users, and are each given an identifier."""
    documents = [wh.dumps(_action()), wh.dumps(wh.Journey("Welcome", [wh.ActionActivity("Ping", label="a")]))]
    _sqlite(
        file,
        f"PRAGMA application_id = {APPLICATION_ID}",
        "PRAGMA user_version = 1",
        "CREATE TABLE record (kind TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL,"
        " document TEXT NOT NULL, PRIMARY KEY (kind, name)) WITHOUT ROWID",
        "CREATE TABLE usage (action TEXT NOT NULL, journey TEXT NOT NULL, PRIMARY KEY (action, journey)) WITHOUT ROWID",
        "CREATE INDEX usage_by_journey ON usage (journey)",
        *(
            f"INSERT INTO record VALUES ('{kind}', '{name}', 7, '{document}')"
            for kind, name, document in zip(("action", "journey"), ("Ping", "Welcome"), documents, strict=True)
        ),
        "INSERT INTO usage VALUES ('Ping', 'Welcome')",
    )

    async with wh.SqliteRepository(file) as repository:
        action, journey = await repository.get(wh.Action, "Ping"), await repository.get(wh.Journey, "Welcome")
        users = await repository.journeys_using("Ping")

    assert (action.value, action.version, users) == (_action(), 7, ("Welcome",))
    assert len({action.uid, journey.uid, ""}) == 3


async def test_a_file_of_the_second_schema_is_brought_up_to_date(file: Path) -> None:
    """Records of the second schema are of the namespace `default`, and their history begins with the next change."""
    documents = [wh.dumps(_action()), wh.dumps(wh.Journey("Welcome", [wh.ActionActivity("Ping", label="a")]))]
    _sqlite(
        file,
        f"PRAGMA application_id = {APPLICATION_ID}",
        "PRAGMA user_version = 2",
        "CREATE TABLE record (kind TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, document TEXT NOT NULL,"
        " uid TEXT NOT NULL DEFAULT '', PRIMARY KEY (kind, name)) WITHOUT ROWID",
        "CREATE TABLE use (kind TEXT NOT NULL, name TEXT NOT NULL, user_kind TEXT NOT NULL, user_name TEXT NOT NULL,"
        " PRIMARY KEY (kind, name, user_kind, user_name)) WITHOUT ROWID",
        "CREATE INDEX use_by_user ON use (user_kind, user_name)",
        f"INSERT INTO record VALUES ('action', 'Ping', 7, '{documents[0]}', 'u-1')",
        f"INSERT INTO record VALUES ('journey', 'Welcome', 2, '{documents[1]}', 'u-2')",
        "INSERT INTO use VALUES ('action', 'Ping', 'journey', 'Welcome')",
    )

    async with wh.SqliteRepository(file) as repository:
        action = await repository.get(wh.Action, "Ping")
        users = await repository.journeys_using("Ping")
        before = await repository.history(wh.Action, "Ping")
        await repository.save(_action(description="new"), by="ann")
        after = await repository.history(wh.Action, "Ping")
        elsewhere = await repository.within("other").list(wh.Action)

    assert (action.version, action.uid, action.saved, action.by) == (7, "u-1", None, "")
    assert (users, before, elsewhere.items) == (("Welcome",), (), ())
    assert [(edit.what, edit.stored.version, edit.stored.by) for edit in after] == [("changed", 8, "ann")]


async def test_two_connections_see_each_other(file: Path) -> None:
    """What one repository acknowledged, another on the same file reads; of two writers one wins."""
    async with wh.SqliteRepository(file) as one, wh.SqliteRepository(file) as two:
        await one.save(_action(description="one"))
        stored = await two.get(wh.Action, "Ping")
        await two.save(_action(description="two"), expected_version=1)
        with pytest.raises(wh.Conflict) as conflict:
            await one.save(_action(description="late"), expected_version=1)
        final = await one.get(wh.Action, "Ping")

    assert (stored.value.description, stored.version) == ("one", 1)
    assert (conflict.value.found, final.value.description) == (2, "two")


async def test_a_record_is_parsed_when_it_has_changed(file: Path) -> None:
    """What was read and is as it was comes back as the same value; what another connection wrote does not."""
    async with wh.SqliteRepository(file) as one, wh.SqliteRepository(file) as two:
        await one.save(_action(description="one"))
        first, again = await one.get(wh.Action, "Ping"), await one.get(wh.Action, "Ping")
        await two.save(_action(description="two"))
        changed = await one.get(wh.Action, "Ping")

    assert again is first
    assert (changed.value.description, changed.version) == ("two", 2)


async def test_many_connections_lose_no_update(file: Path) -> None:
    """Writers on connections of their own count one record up together, without a lock in the way."""
    await _made(file)

    async def count(times: int) -> None:
        async with wh.SqliteRepository(file) as repository:
            for _ in range(times):
                while True:
                    stored = await repository.get(wh.Action, "Ping")
                    more = attrs.evolve(stored.value, description=str(int(stored.value.description or "0") + 1))
                    try:
                        await repository.save(more, expected_version=stored.version)
                    except wh.Conflict:
                        continue
                    break

    await asyncio.gather(*(count(5) for _ in range(4)))

    async with wh.SqliteRepository(file) as repository:
        stored = await repository.get(wh.Action, "Ping")
    assert (stored.value.description, stored.version) == ("20", 21)


COUNTER = """
import asyncio, sys
import attrs
import wayhook as wh

async def main():
    async with wh.SqliteRepository(sys.argv[1]) as repository:
        print("ready", flush=True)
        sys.stdin.readline()
        for _ in range(15):
            while True:
                stored = await repository.get(wh.Action, "Ping")
                more = attrs.evolve(stored.value, description=str(int(stored.value.description or "0") + 1))
                try:
                    await repository.save(more, expected_version=stored.version)
                    break
                except wh.Conflict:
                    pass

asyncio.run(main())
"""


async def test_two_processes_lose_no_update(file: Path) -> None:
    """Two processes that count one record up by compare-and-set end at the sum."""
    await _made(file)
    command = [sys.executable, "-c", COUNTER, str(file)]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"

    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=60)[1] for process in processes]

    assert errors == ["", ""]
    async with wh.SqliteRepository(file) as repository:
        stored = await repository.get(wh.Action, "Ping")
    assert (stored.value.description, stored.version) == ("30", 31)


WRITER = """
import asyncio, itertools, sys
import wayhook as wh

async def main():
    async with wh.SqliteRepository(sys.argv[1]) as repository:
        for number in itertools.count():
            action = wh.Action(
                name=f"A{number % 7}",
                description=f"{number} " + "x" * (number * 37 % 5000),
                url_configuration=wh.UrlConfiguration("https://api.example.com/"),
            )
            version = await repository.save(action)
            print(action.name, version, number, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("lines", [1, 40, 111])
async def test_an_acknowledged_write_survives_a_kill(file: Path, lines: int) -> None:
    """After a kill -9 while writing the file opens, what was acknowledged is there and nothing is torn."""
    acknowledged: dict[str, tuple[int, int]] = {}
    with subprocess.Popen([sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE, text=True) as child:
        for _ in range(lines):
            name, version, number = child.stdout.readline().split()
            acknowledged[name] = (int(version), int(number))
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read()
    for line in rest.splitlines():
        if len(line.split()) == 3 and line + "\n" in rest:
            name, version, number = line.split()
            acknowledged[name] = (int(version), int(number))

    async with wh.SqliteRepository(file) as repository:
        kept = {stored.value.name: stored for stored in (await repository.list(wh.Action)).items}

    assert set(acknowledged) <= set(kept)
    for name, (version, number) in acknowledged.items():
        stored = kept[name]
        assert version <= stored.version <= version + 1
        assert int(stored.value.description.split()[0]) == number + 7 * (stored.version - version)
    for stored in kept.values():
        number, text = stored.value.description.split(" ")
        assert len(text) == int(number) * 37 % 5000


def _newer(file: Path) -> None:
    _sqlite(file, f"PRAGMA application_id = {APPLICATION_ID}", "PRAGMA user_version = 99", "CREATE TABLE record (x)")


def _foreign(file: Path) -> None:
    _sqlite(file, "CREATE TABLE customers (name TEXT)", "INSERT INTO customers VALUES ('Ann')")


def _foreign_number(file: Path) -> None:
    _sqlite(file, "PRAGMA application_id = 252006", "PRAGMA user_version = 1", "CREATE TABLE record (x)")


def _corrupt(file: Path) -> None:
    asyncio.run(_made(file))
    data = bytearray(file.read_bytes())
    data[4096 : 4096 + 600] = b"\xff" * 600
    file.write_bytes(data)


def _cut(file: Path) -> None:
    asyncio.run(_made(file))
    file.write_bytes(file.read_bytes()[:5000])


def _text(file: Path) -> None:
    file.write_text('{"name": "SendSms"}')


def _short(file: Path) -> None:
    file.write_bytes(b"SQLite format 3\x00")


def _noise(file: Path) -> None:
    file.write_bytes(b"SQLite format 3\x00" + bytes(range(256)) * 40)


def _sqlite(file: Path, *statements: str) -> None:
    connection = sqlite3.connect(file)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


REFUSED = {
    _newer: "schema version 99; this wayhook knows 3. Update wayhook",
    _foreign: "no database of wayhook",
    _foreign_number: "no database of wayhook",
    _corrupt: "damaged",
    _cut: "damaged",
    _text: "no SQLite database",
    _short: "no SQLite database",
    _noise: "no database of wayhook",
}


@pytest.mark.parametrize(("make", "reason"), REFUSED.items(), ids=lambda value: getattr(value, "__name__", "because"))
def test_a_file_that_is_not_ours_is_left_as_it_is(file: Path, make: Any, reason: str) -> None:
    """A newer, foreign, corrupt or other file is refused; no byte of it, and no file beside it, changes."""
    make(file)
    before = {path.name: path.read_bytes() for path in file.parent.iterdir()}

    async def opened() -> None:
        async with wh.SqliteRepository(file):
            pass

    with pytest.raises(wh.StoreUnavailable, match=reason) as refused:
        asyncio.run(opened())

    assert {path.name: path.read_bytes() for path in file.parent.iterdir()} == before
    assert file.name in str(refused.value)


async def test_an_empty_file_becomes_a_database(file: Path) -> None:
    """A file without a byte, as made by tempfile, is taken."""
    file.touch()

    async with wh.SqliteRepository(file) as repository:
        version = await repository.save(_action())

    assert version == 1


@pytest.mark.parametrize("name", ["a b.db", "ä#?%20.db", "actions"])
async def test_any_file_name_is_taken(tmp_path: Path, name: str) -> None:
    """Signs that mean something in a URL mean nothing in a path."""
    for _ in range(2):
        async with wh.SqliteRepository(tmp_path / name) as repository:
            await repository.save(_action())

    assert (tmp_path / name).exists()


@pytest.mark.parametrize("path", ["no/such/folder/actions.db", "."])
async def test_a_place_that_takes_no_file_is_a_sentence(tmp_path: Path, path: str) -> None:
    """A missing folder, or a folder in place of a file, is `StoreUnavailable`."""
    with pytest.raises(wh.StoreUnavailable):
        async with wh.SqliteRepository(tmp_path / path):
            pass


async def test_it_works_inside_of_its_context_only(file: Path) -> None:
    """Before it is entered and after it was left a repository says so."""
    repository = wh.SqliteRepository(file)

    with pytest.raises(wh.StoreUnavailable, match="not open"):
        await repository.save(_action())
    async with repository:
        await repository.save(_action())
    with pytest.raises(wh.StoreUnavailable, match="not open"):
        await repository.get(wh.Action, "Ping")
    async with repository:
        assert (await repository.get(wh.Action, "Ping")).version == 1


async def test_a_locked_file_is_a_sentence(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that another application keeps locked is `StoreUnavailable`, and works again afterwards."""
    monkeypatch.setattr("wayhook.adapters.repository.sqlite_file._BUSY_SECONDS", 0.05)
    await _made(file)
    other = sqlite3.connect(file, isolation_level=None)

    async with wh.SqliteRepository(file) as repository:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(wh.StoreUnavailable, match="locked"):
            await repository.save(_action())
        other.execute("ROLLBACK")
        other.close()
        version = await repository.save(_action())

    assert version == 2


async def test_a_refused_save_leaves_no_transaction(file: Path) -> None:
    """After a conflict and after a broken rule the next save works, here and elsewhere."""
    async with wh.SqliteRepository(file) as repository:
        await repository.save(_action())
        with pytest.raises(wh.Conflict):
            await repository.save(_action(), expected_version=7)
        with pytest.raises(wh.DefinitionError):
            await repository.save(_action("a b"))
        async with wh.SqliteRepository(file) as other:
            version = await other.save(_action())

    assert version == 2


FORKED = """
import asyncio, os, sys
import wayhook as wh

async def main():
    async with wh.SqliteRepository(sys.argv[1]) as repository:
        child = os.fork()
        if child == 0:
            try:
                await repository.get(wh.Action, "Ping")
            except wh.StoreUnavailable as error:
                print(error, flush=True)
                os._exit(0)
            os._exit(1)
        _, status = os.waitpid(child, 0)
        print(status, await repository.save(wh.Action(
            name="Ping", url_configuration=wh.UrlConfiguration("https://api.example.com/"))))

asyncio.run(main())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
async def test_a_forked_child_is_refused(file: Path) -> None:
    """A child gets `StoreUnavailable` in place of its parent's connection, and the parent goes on."""
    await _made(file)

    done = subprocess.run(
        [sys.executable, "-c", FORKED, str(file)], capture_output=True, text=True, check=False, timeout=60
    )

    sentence, status = done.stdout.splitlines()
    assert "forked" in sentence
    assert status == "0 2"


async def test_saves_do_not_block_the_loop(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a save waits for a lock, other tasks run."""
    monkeypatch.setattr("wayhook.adapters.repository.sqlite_file._BUSY_SECONDS", 5.0)
    await _made(file)
    other = sqlite3.connect(file, isolation_level=None)

    async with wh.SqliteRepository(file) as repository:
        other.execute("BEGIN IMMEDIATE")
        saving = asyncio.create_task(repository.save(_action()))
        for _ in range(20):
            await asyncio.sleep(0)
        was_waiting = not saving.done()
        other.execute("ROLLBACK")
        other.close()
        version = await saving

    assert (was_waiting, version) == (True, 2)


async def test_what_is_too_large_to_be_read_is_not_saved(tmp_path: Path) -> None:
    """A definition that no document could hold is refused, and nothing of it is kept."""
    large = wh.Action(
        name="Large", description="x" * 5_000_001, url_configuration=wh.UrlConfiguration("https://h.example")
    )

    async with wh.SqliteRepository(tmp_path / "actions.db") as repository:
        with pytest.raises(wh.DefinitionError, match="at most 5,000,000 characters"):
            await repository.save(large)

        assert (await repository.list(wh.Action)).items == ()
