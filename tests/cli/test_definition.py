"""`init`, `validate`, `list`, `show` and `used-in`: definitions in files and in a repository."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from shell import Shell, send_sms, welcome

import wayhook as wh
from wayhook.testing import LoopbackService


def test_a_folder_to_start_from(shell: Shell, folder: Path) -> None:
    """Every file is there, keeps the rules, and the commands of its notes that send nothing work."""
    made = shell.json("init", "start")

    files = [path.relative_to(folder / "start").as_posix() for path in (folder / "start").rglob("*") if path.is_file()]
    assert sorted(made["files"]) == sorted(files)
    assert shell("validate", *(folder / "start").glob("*s/S*.json"), *(folder / "start").glob("*s/W*.json")).code == 0
    assert shell("validate", "--repository", "sqlite:///start/wayhook.db").code == 0


def test_what_the_notes_of_a_folder_name_works(shell: Shell, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """The commands of the README that send nothing are typed as they stand."""
    shell("init")
    notes = (folder / "README.md").read_text()
    commands = [line.strip().removeprefix("wayhook ") for line in notes.splitlines() if line.startswith("    wayhook ")]
    sending = ("call", "journey run", "batch")

    import shlex

    done = {command: shell(*shlex.split(command)) for command in commands if not command.startswith(sending)}
    dry = shell("batch", "SendSms", "rows.csv", "--dry-run")

    assert len(done) >= 7
    assert {command: each.code for command, each in done.items() if each.code} == {}
    assert "2 rows fit" in dry.out


@pytest.mark.parametrize("name", ["rows.csv", "wayhook.db", "actions/SendSms.json"])
def test_nothing_is_overwritten(shell: Shell, folder: Path, name: str) -> None:
    """A file that is there refuses the whole folder, and nothing is made."""
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("mine")

    done = shell("init")

    assert done.code == 2
    assert f"{name} in .: this is there already" in done.err
    assert [path.read_text() for path in folder.rglob("*") if path.is_file()] == ["mine"]


def test_a_folder_that_cannot_be_made_is_named(shell: Shell, folder: Path) -> None:
    """A file in the place of the folder is told in a sentence."""
    (folder / "start").write_text("mine")

    done = shell("init", "start")

    assert (done.code, "Traceback" in done.err) == (2, False)
    assert "start cannot be used" in done.err


@pytest.mark.usefixtures("documents")
def test_documents_that_keep_the_rules(shell: Shell) -> None:
    """Documents are checked together, so that a journey finds its action."""
    done = shell("validate", "sms.json", "welcome.json", "crm.json")
    found = shell.json("validate", "sms.json", "welcome.json", "crm.json")

    assert (done.code, done.out) == (0, "3 checked, all valid\n")
    assert [(item["kind"], item["name"], item["valid"]) for item in found["items"]] == [
        ("action", "SendSms", True), ("journey", "Welcome", True), ("connection", "crm", True),
    ]  # fmt: skip


@pytest.mark.usefixtures("documents")
def test_everything_that_is_wrong_is_told(shell: Shell, folder: Path, service: LoopbackService) -> None:
    """Broken rules, unreadable documents and uses that do not fit, each with file and path; exit code 1."""
    broken = wh.dumps(send_sms(service.url)).replace('"SendSms"', '"Send-Sms"').replace("/v1", "/v1#top")
    (folder / "broken.json").write_text(broken)
    (folder / "typo.json").write_text(wh.dumps(send_sms(service.url)).replace('"description"', '"descriptoin"'))
    (folder / "torn.json").write_text('{"wayhook": 1,')

    done = shell("validate", "broken.json", "typo.json", "torn.json", "welcome.json")
    found = shell.json("validate", "broken.json", "typo.json", "torn.json", "welcome.json")

    assert done.code == 1
    assert "typo.json: $.descriptoin: there is no such key; did you mean 'description'?" in done.out
    assert "broken.json action Send-Sms: $.name: " in done.out
    assert "4 checked, 4 not valid" in done.out
    paths = [[violation["path"] for violation in item["violations"]] for item in found["items"]]
    assert paths[0] == ["$.name", "$.url_configuration.url"]
    assert paths[1:3] == [["$.descriptoin"], ["$"]]
    assert paths[3] == ["$.activities[0].action"]


@pytest.mark.usefixtures("kept")
def test_a_repository_is_checked_by_the_edition(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without documents the repository is checked; a stricter edition finds more, warnings are no faults."""
    fine = shell("validate")
    strict = shell.json("validate", "--edition", "journey_orchestration")

    assert (fine.code, fine.out) == (0, "3 checked, all valid\n")
    assert strict["valid"] is False
    assert "R175" in {violation["rule"] for item in strict["items"] for violation in item["violations"]}


@pytest.mark.usefixtures("kept")
def test_documents_are_checked_with_what_is_kept(shell: Shell, folder: Path) -> None:
    """A journey in a file may use an action of the repository; one that uses an unknown connection is told."""
    action = send_sms("https://sms.example.com")
    import attrs

    (folder / "other.json").write_text(
        wh.dumps(attrs.evolve(action, name="O", authentication=wh.connection("nowhere")))
    )

    assert shell("validate", "welcome.json").code == 0
    assert "there is no connection 'nowhere' here" in shell("validate", "other.json").out


@pytest.mark.usefixtures("documents")
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["validate"], 2, "there is no repository here"),
        (["validate", "nowhere.json"], 2, "nowhere.json cannot be read"),
        (["validate", "ann.json"], 1, "its content tells no format"),
        (["list"], 2, "there is no repository here"),
        (["list", "tables"], 2, "give one of actions, journeys, connections, limits"),
        (["show", "SendSms"], 2, "there is no repository here"),
        (["show", "ann.json"], 1, "ann.json: $.wayhook: the format version is 1"),
        (["used-in", "SendSms"], 2, "there is no repository here"),
    ],
)
def test_what_is_not_there_is_told(shell: Shell, arguments: list[str], code: int, words: str) -> None:
    """In a sentence, with the exit code that says whether it could be done at all."""
    done = shell(*arguments)

    assert done.code == code
    assert words in done.out + done.err


@pytest.mark.usefixtures("kept")
def test_what_is_kept_is_listed(shell: Shell) -> None:
    """All of it, or one group; lines with tabs where nobody looks."""
    done = shell("list")
    actions = shell.json("list", "actions")

    assert [line.split("\t")[:3] for line in done.out.splitlines()] == [
        ["action", "SendSms", "1"], ["journey", "Welcome", "1"], ["connection", "crm", "1"],
    ]  # fmt: skip
    assert [item["name"] for item in actions["items"]] == ["SendSms"]
    assert shell.json("list", "limits")["items"] == []


async def test_long_lists_come_whole(shell: Shell, folder: Path) -> None:
    """What does not fit on one page of a repository is there as well."""
    async with wh.open_repository("sqlite:///wayhook.db") as repository:
        actions = (
            wh.Action(name=f"A{n:04}", url_configuration=wh.UrlConfiguration("https://a.example/")) for n in range(1003)
        )
        await repository.save(*actions)

    import asyncio

    found = await asyncio.to_thread(shell.json, "list")

    assert [item["name"] for item in found["items"]] == [f"A{number:04}" for number in range(1003)]


@pytest.mark.usefixtures("kept")
def test_a_definition_is_shown(shell: Shell) -> None:
    """Its variables with label, type and need; who uses it; its document without a secret."""
    done = shell("show", "SendSms")
    shown = shell.json("show", "SendSms")
    of_journey = shell("show", "Welcome")

    assert "points\tPoints\tinteger\tno" in done.out
    assert "X-Campaign\tCampaign id\ttext\tyes" in done.out
    assert "used in: Welcome" in done.out
    assert (shown["used_in"], shown["document"]["authentication"]["value"]) == (["Welcome"], {"secret": "env:SMS_KEY"})
    assert "day1\tSendSms" in of_journey.out
    assert shell("show", "sms.json").out.startswith("action SendSms: POST ")


async def test_one_name_of_several_kinds(shell: Shell, folder: Path) -> None:
    """`--kind` says which; without it both are named."""
    action = wh.Action(name="Welcome", url_configuration=wh.UrlConfiguration("https://a.example/"))
    async with wh.open_repository("sqlite:///wayhook.db") as repository:
        await repository.save(action, wh.Journey("Welcome", [wh.ActionActivity("Welcome", label="a")]))

    import asyncio

    both = await asyncio.to_thread(shell, "show", "Welcome")
    one = await asyncio.to_thread(shell.json, "show", "Welcome", "--kind", "journey")

    assert (both.code, "(action, journey); say which with --kind" in both.err) == (2, True)
    assert one["kind"] == "journey"


@pytest.mark.usefixtures("kept")
def test_who_uses_an_action(shell: Shell) -> None:
    """The journeys that use it; an action that is not there is an error, one that nobody uses is none."""
    used = shell.json("used-in", "SendSms")
    unknown = shell("used-in", "Nothing")

    assert [item["name"] for item in used["items"]] == ["Welcome"]
    assert (unknown.code, "There is no action named 'Nothing'" in unknown.err) == (2, True)


@pytest.mark.usefixtures("documents")
def test_names_in_a_folder_of_documents(shell: Shell, folder: Path) -> None:
    """`--with` takes a folder: what stands in it is there by name, and no repository is needed."""
    (folder / "all").mkdir()
    (folder / "sms.json").rename(folder / "all" / "sms.json")

    done = shell("preview", "welcome.json", "day1", "--context", "ann.json", "--with", "all")

    assert done.code == 0
    assert json.loads(done.out.rpartition("\n\n")[2])["to"] == "+331"


def test_the_fixtures_agree() -> None:
    """The journey of these tests uses their action."""
    assert welcome().actions == ("SendSms",)
