"""What a folder of files adds to a repository: people and git may change it, comments stay, a crash leaves no half."""

# ruff: noqa: ASYNC240 - nothing else runs on the loop of a test

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

import wayhook as wh


def _action(name: str = "Ping", description: str = "") -> wh.Action:
    return wh.Action(
        name=name, description=description, url_configuration=wh.UrlConfiguration("https://api.example.com/")
    )


JOURNEY = wh.Journey("Welcome", [wh.ActionActivity("Ping", label="a")])
BY_HAND = """\
# Who may call: everybody.
kind: action
wayhook: 1
name: Ping  # short, please
description: 'as we like it'
url_configuration:
  url: https://api.example.com/
  # the gateway asks for it
  headers:
    - name: X-Gateway
      value: "7"  # seven
    - {name: Accept, value: application/json}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the files will be."""
    return tmp_path / "actions"


async def test_each_definition_is_a_file_of_its_own(folder: Path) -> None:
    """Actions, journeys and their like are documents in folders by kind, as `loads` reads them, with nothing beside."""
    async with wh.FolderRepository(folder) as repository:
        await repository.save(_action(), JOURNEY)
        await repository.within("acme").save(_action())

    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.json"))
    assert files == ["actions/Ping.json", "journeys/Welcome.json", "namespaces/acme/actions/Ping.json"]
    assert (folder / "actions" / "Ping.json").read_text() == wh.dumps(_action())
    assert (folder / ".wayhook" / ".gitignore").read_text() == "*\n"


async def test_what_is_saved_again_changes_no_byte(folder: Path) -> None:
    """The order of what is written is stable: an equal value leaves the file as it was, in both formats."""
    for form in ("json", "yaml"):
        async with wh.FolderRepository(folder / form, format=form) as repository:
            await repository.save(_action())
            before = (folder / form / "actions" / f"Ping.{form}").read_bytes()
            await repository.save(_action())

        assert (folder / form / "actions" / f"Ping.{form}").read_bytes() == before


async def test_comments_and_order_stay(folder: Path) -> None:
    """A change of one value in a file of YAML changes its line, and leaves comments, order and spelling as they are."""
    file = folder / "actions" / "Ping.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(BY_HAND)

    async with wh.FolderRepository(folder) as repository:
        stored = await repository.get(wh.Action, "Ping")
        changed = attrs.evolve(
            stored.value,
            url_configuration=wh.UrlConfiguration(
                "https://api.example.com/", headers={"X-New": "1", "X-Gateway": "8", "Accept": "application/json"}
            ),
        )
        await repository.save(changed)
        again = await repository.get(wh.Action, "Ping")

    text = file.read_text()
    assert again.value == changed
    for kept in ("# Who may call", "# short, please", "description: 'as we like it'", "# the gateway", "# seven"):
        assert kept in text
    assert text.index("kind: action") < text.index("wayhook: 1")
    assert not file.with_suffix(".json").exists()


async def test_a_change_by_hand_is_the_next_version(folder: Path) -> None:
    """Who saves with the version from before has a conflict; the history tells the step by hand before the next one."""
    async with wh.FolderRepository(folder) as repository:
        await repository.save(_action(), by="ann")
        file = folder / "actions" / "Ping.json"
        file.write_text(wh.dumps(_action(description="by hand")))
        stored = await repository.get(wh.Action, "Ping")
        with pytest.raises(wh.Conflict) as conflict:
            await repository.save(_action(description="late"), expected_version=1)
        await repository.save(_action(description="bo's"), expected_version=2, by="bo")
        history = await repository.history(wh.Action, "Ping")

    assert (stored.version, stored.value.description, conflict.value.found) == (2, "by hand", 2)
    assert [(edit.what, edit.stored.version, edit.stored.by) for edit in history] == [
        ("changed", 3, "bo"),
        ("changed", 2, ""),
        ("created", 1, "ann"),
    ]


async def test_files_come_and_go_by_hand(folder: Path) -> None:
    """A file that was put there is a record, one that was taken away is none; both are told with the next save."""
    async with wh.FolderRepository(folder) as repository:
        await repository.save(_action("Old"))
        (folder / "actions" / "Old.json").unlink()
        (folder / "actions" / "New.json").write_text(wh.dumps(_action("New")))
        names = [stored.value.name for stored in (await repository.list(wh.Action)).items]
        uids = {(await repository.get(wh.Action, "New")).uid for _ in range(2)}
        await repository.save(_action())
        old = await repository.history(wh.Action, "Old")
        new = await repository.history(wh.Action, "New")
        uids.add((await repository.get(wh.Action, "New")).uid)

    assert names == ["New"]
    assert [edit.what for edit in old] == ["deleted", "created"]
    assert [edit.what for edit in new] == ["created"]
    assert len(uids) == 1


async def test_another_process_is_seen(folder: Path) -> None:
    """Two repositories on one folder see each other's saves, and count together."""
    async with wh.FolderRepository(folder) as one, wh.FolderRepository(folder) as two:
        await one.save(_action())
        await two.save(_action(description="two"), expected_version=1)
        with pytest.raises(wh.Conflict):
            await one.save(_action(description="late"), expected_version=1)
        stored = await one.get(wh.Action, "Ping")

    assert (stored.version, stored.value.description) == (2, "two")


BROKEN = {
    "no JSON": ("actions/Bad.json", "{"),
    "no YAML": ("actions/Bad.yaml", "a: [1"),
    "twice the same key": ("actions/Bad.yaml", "wayhook: 1\nwayhook: 1\n"),
    "an unknown key": ("actions/Bad.json", '{"wayhook": 1, "kind": "action", "name": "Bad", "nmae": 1}'),
    "another name": ("actions/Bad.json", wh.dumps(_action())),
    "another kind": ("journeys/Ping.json", wh.dumps(_action())),
    "no UTF-8": ("actions/Bad.json", "\udcff"),
    "an alias of itself": ("actions/Bad.yaml", "a: &a [*a]"),
    "a bomb": (
        "actions/Bad.yaml",
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
    ),
    "an object of Python": ("actions/Bad.yaml", "!!python/object/apply:os.system ['true']"),
}


@pytest.mark.parametrize(("name", "text"), BROKEN.values(), ids=BROKEN)
async def test_a_broken_file_is_named(folder: Path, name: str, text: str) -> None:
    """A file that cannot be read is named with its faults; what needs it is refused, and others are read."""
    async with wh.FolderRepository(folder) as repository:
        await repository.save(_action("Good"))
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", errors="surrogateescape")
        good = await repository.get(wh.Action, "Good")
        for refused in (repository.list(wh.Action), repository.save(_action()), repository.journeys_using("Good")):
            with pytest.raises(wh.StoreUnavailable) as told:
                await refused
            assert Path(name).name in str(told.value)
        kind = wh.Action if name.startswith("actions") else wh.Journey
        with pytest.raises(wh.StoreUnavailable):
            await repository.get(kind, Path(name).stem)
        file.unlink()
        await repository.save(_action())

    assert good.version == 1


async def test_yaml_that_could_not_be_read_again_is_not_written(folder: Path) -> None:
    """What is longer than a file of YAML may be is refused when it is saved and when it is found; JSON holds it."""
    large = _action(description="x" * 500_000)
    async with wh.FolderRepository(folder, format="yaml") as repository:
        with pytest.raises(wh.DefinitionError, match="500,000"):
            await repository.save(large)
        assert (await repository.list(wh.Action)).items == ()
        (folder / "actions").mkdir(exist_ok=True)
        (folder / "actions" / "Ping.yaml").write_text(wh.dumps(large))
        with pytest.raises(wh.StoreUnavailable, match="500,000"):
            await repository.get(wh.Action, "Ping")
    async with wh.FolderRepository(folder / "json") as repository:
        assert await repository.save(large) == 1


async def test_a_plan_that_is_damaged_is_told(folder: Path) -> None:
    """What a crash of another kind left where a plan should be is a sentence that says what to do."""
    async with wh.FolderRepository(folder) as repository:
        await repository.save(_action())
        pending = folder / ".wayhook" / "default.pending"
        for text in ("{", "[]", '{"files": 7}'):
            pending.write_text(text)
            with pytest.raises(wh.StoreUnavailable, match=r"default\.pending is damaged"):
                await repository.list(wh.Action)
        pending.unlink()
        assert (await repository.get(wh.Action, "Ping")).version == 1


async def test_a_name_that_is_too_long_is_not_found(folder: Path) -> None:
    """No file can have it, so that nothing has."""
    async with wh.FolderRepository(folder) as repository:
        with pytest.raises(wh.NotFound):
            await repository.get(wh.Journey, "é" * 50)


async def test_two_files_of_one_name_are_told(folder: Path) -> None:
    """An action that stands in two files, of JSON and of YAML, is nobody's guess."""
    async with wh.FolderRepository(folder) as repository:
        await repository.save(_action())
        (folder / "actions" / "Ping.yaml").write_text(BY_HAND)
        with pytest.raises(wh.StoreUnavailable, match="another file holds"):
            await repository.list(wh.Action)


@pytest.mark.parametrize("name", ["a/b", "..", "ä ö", "a%2Fb", "CON", ".hidden", "x" * 200])
async def test_any_name_is_a_file(folder: Path, name: str) -> None:
    """A name of a journey that no file may have is spelled so that one has it, inside of the folder."""
    async with wh.FolderRepository(folder) as repository:
        await repository.save(wh.Journey(name))
        found = await repository.get(wh.Journey, name)
    async with wh.FolderRepository(folder) as repository:
        again = await repository.list(wh.Journey)

    assert found.value == wh.Journey(name)
    assert [stored.value.name for stored in again.items] == [name]
    assert [path.parent.name for path in folder.rglob("*.json")] == ["journeys"]


async def test_a_name_that_no_file_takes_is_refused(folder: Path) -> None:
    """A name that is too long for a file is refused before anything is written."""
    async with wh.FolderRepository(folder) as repository:
        with pytest.raises(wh.DefinitionError, match="too long"):
            await repository.save(wh.Journey("é" * 50))
        assert (await repository.list(wh.Journey)).items == ()


async def test_a_journal_that_is_damaged_is_told(folder: Path) -> None:
    """A journal with a line that is none is refused; without the journal versions begin anew, and files stay."""
    async with wh.FolderRepository(folder) as repository:
        await repository.save(_action())
        await repository.save(_action(description="b"))
    journal = folder / ".wayhook" / "default.jsonl"
    journal.write_text(journal.read_text() + "{\n")

    with pytest.raises(wh.StoreUnavailable, match="damaged"):
        async with wh.FolderRepository(folder):
            pass
    journal.unlink()
    async with wh.FolderRepository(folder) as repository:
        stored = await repository.get(wh.Action, "Ping")

    assert (stored.version, stored.value.description) == (1, "b")


WRITER = """
import asyncio, itertools, sys
import wayhook as wh

def action(name, number):
    return wh.Action(name=name, description=str(number), url_configuration=wh.UrlConfiguration("https://a.example.com/"))

async def main():
    async with wh.FolderRepository(sys.argv[1]) as repository:
        for number in itertools.count():
            print(await repository.save(action("A", number), action("B", number)), flush=True)

asyncio.run(main())
"""


@pytest.mark.kill
@pytest.mark.parametrize("count", [1, 2, 5, 9])
async def test_a_killed_process_leaves_no_half(folder: Path, count: int) -> None:
    """After a kill both files of a save hold the same number, no acknowledged save is lost, and saving goes on."""
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, str(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert writer.stdout is not None
    told = [int(await writer.stdout.readline()) for _ in range(count)]
    writer.kill()
    told += [int(line) for line in (await writer.stdout.read()).split(b"\n")[:-1]]
    await writer.wait()

    async with wh.FolderRepository(folder) as repository:
        a, b = await repository.get(wh.Action, "A"), await repository.get(wh.Action, "B")
        steps = await repository.history(wh.Action, "A", limit=1000)
        await repository.save(_action("A"), expected_version=a.version)

    assert a.value.description == b.value.description
    assert a.version == b.version == int(a.value.description) + 1
    assert a.version >= told[-1]
    assert [edit.stored.version for edit in steps] == list(range(a.version, 0, -1))


@pytest.mark.parametrize("done", range(4))
async def test_a_save_that_was_interrupted_is_finished(folder: Path, done: int) -> None:
    """Wherever a crash came between the files of a save, the next one who looks finds all of it done."""
    async with wh.FolderRepository(folder) as repository:
        await repository.save(_action("Old"), wh.Journey("Welcome", [wh.ActionActivity("Old", label="a")]))
    aside = folder / ".wayhook"
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    async with wh.FolderRepository(folder) as repository:
        await repository.save(_action("New"), renamed_from="Old", by="ann")
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    journal = aside / "default.jsonl"
    files = [path for path in sorted(before.keys() | after.keys()) if aside not in path.parents]
    plan = {
        "files": {str(path.relative_to(folder)): after[path].decode() if path in after else None for path in files},
        "journal": after[journal].decode()[len(before[journal]) :],
        "told": len(before[journal]),
    }
    for path in files[done:]:  # the files from here on, and the journal, are as they were
        path.write_bytes(before[path]) if path in before else path.unlink()
    journal.write_bytes(before[journal])
    (aside / "default.pending").write_text(json.dumps(plan))

    async with wh.FolderRepository(folder) as repository:
        journey = await repository.get(wh.Journey, "Welcome")
        names = [stored.value.name for stored in (await repository.list(wh.Action)).items]
        steps = await repository.history(wh.Action, "New")

    assert (journey.value.actions, journey.version, names) == (("New",), 2, ["New"])
    assert [(edit.what, edit.stored.by) for edit in steps] == [("renamed", "ann"), ("created", "")]
    assert not (aside / "default.pending").exists()


@pytest.mark.parametrize(
    ("url", "form"),
    [("folder:///kept", "json"), ("folder:///kept?format=yaml", "yaml"), ("folder:///a%20b", "json")],
)
async def test_it_is_opened_by_its_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, form: str) -> None:
    """The URL names the folder and the format of new files."""
    monkeypatch.chdir(tmp_path)

    async with wh.open_repository(url) as repository:
        await repository.save(_action())

    assert [path.suffix for path in tmp_path.rglob("Ping.*")] == [f".{form}"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: wh.FolderRepository(""),
        lambda: wh.FolderRepository(7),  # type: ignore[arg-type]
        lambda: wh.FolderRepository("a", format="toml"),
        lambda: wh.open_repository("folder:"),
        lambda: wh.open_repository("folder:///"),
        lambda: wh.open_repository("folder:///a?form=yaml"),
        lambda: wh.open_repository("folder:///a?format=toml"),
    ],
)
def test_what_names_no_folder_is_refused(make: object) -> None:
    """A URL or an argument that makes no sense is refused as it is given."""
    with pytest.raises(wh.DefinitionError):
        make()  # type: ignore[operator]


async def test_a_folder_that_others_hold_is_a_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits too long for another process is told, and may try again."""
    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr("wayhook.adapters.repository.folder._BUSY_SECONDS", 0.05)
    async with wh.FolderRepository(folder) as repository:
        with (folder / ".wayhook" / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with pytest.raises(wh.StoreUnavailable, match="holds the folder"):
                await repository.save(_action())
        assert await repository.save(_action()) == 1


async def test_it_works_inside_of_its_context_only(folder: Path) -> None:
    """Before it is entered, after it was left and when it is entered twice it says so."""
    repository = wh.FolderRepository(folder)
    with pytest.raises(wh.StoreUnavailable, match="not open"):
        await repository.list(wh.Action)
    async with repository:
        with pytest.raises(wh.StoreUnavailable, match="open already"):
            await repository.__aenter__()
    with pytest.raises(wh.StoreUnavailable, match="not open"):
        await repository.list(wh.Action)


async def test_a_file_in_the_place_of_a_folder_is_a_sentence(tmp_path: Path) -> None:
    """A file where the folder should be is `StoreUnavailable`."""
    (tmp_path / "file").write_text("")

    with pytest.raises(wh.StoreUnavailable):
        async with wh.FolderRepository(tmp_path / "file"):
            pass
