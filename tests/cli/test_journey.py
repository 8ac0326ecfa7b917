"""`journey`: one person on the way through, and the steps of its life."""

from __future__ import annotations

from pathlib import Path

import pytest
from shell import Shell, send_sms

import wayhook as wh
from wayhook.testing import Answer, LoopbackService, Received


def score(url: str) -> wh.Action:
    """An action whose answer later activities read."""
    return wh.Action(
        name="GetScore",
        url_configuration=wh.UrlConfiguration(f"{url}/scores", method="GET"),
        response=wh.payload({"score": 7}),
    )


def drawn() -> wh.Journey:
    """An event, a score, a way for those who have one and another for the others, and an end."""
    wanted = {"X-Campaign": "c"}
    text = wh.expression("'Score ' + toString(@action{GetScore.score})")
    return wh.Journey(
        "Drawn",
        [
            wh.Activity("event", label="Signup", next=["score"]),
            wh.ActionActivity("GetScore", label="score", path=wh.expression("@event{Signup.id}"), next=["good?"],
                              alternative_path=True, on_error="sorry"),
            wh.Activity("condition", label="good?", conditions={"tell": wh.expression("@action{GetScore.score} > 5")},
                        next=["wait"]),
            wh.Activity("wait", label="wait", next=["end"]),
            wh.ActionActivity("SendSms", label="tell", headers=wanted, parameters={"to": "+1", "text": text},
                              next=["end"]),
            wh.ActionActivity("SendSms", label="sorry", headers=wanted, parameters={"to": "+2", "text": "Sorry"}),
            wh.Activity("end", label="end"),
        ],
    )  # fmt: skip


@pytest.fixture
def walked(folder: Path) -> Path:
    """A folder with a drawn journey, a service that knows scores, and three people."""

    def respond(request: Received) -> Answer:
        if request.method == "GET":
            number = int(request.path.rpartition("/")[2])
            return Answer(404) if number == 0 else Answer(200, {"score": number})
        return Answer(422 if request.json()["text"] == "Score 13" else 202, {"id": "m", "queued": True})

    with LoopbackService(respond) as service:
        for name, value in {"score": score(service.url), "sms": send_sms(service.url), "drawn": drawn()}.items():
            (folder / f"{name}.json").write_text(wh.dumps(value))
        for number in (0, 3, 7, 13):
            (folder / f"p{number}.json").write_text(f'{{"event": {{"Signup": {{"id": "{number}"}}}}}}')
        (folder / "broken.json").write_text('{"event": {"Signup": {"id": "7"}}, "action": {}}')
        yield folder


RUN = ("journey", "run", "drawn.json", "--with", "score.json", "--with", "sms.json", "--context")


@pytest.mark.usefixtures("walked")
@pytest.mark.parametrize(
    ("context", "code", "labels"),
    [
        ("p7.json", 0, ["Signup", "score", "good?", "tell", "end"]),
        ("p3.json", 0, ["Signup", "score", "good?", "wait", "end"]),
        ("p0.json", 1, ["Signup", "score", "sorry"]),
        ("p13.json", 1, ["Signup", "score", "good?", "tell"]),
    ],
)
def test_a_person_goes_the_way_that_is_drawn(shell: Shell, context: str, code: int, labels: list[str]) -> None:
    """Conditions read earlier answers, an error leads along the alternative path or to the end."""
    done = shell(*RUN, context)
    told = shell.json(*RUN, context, shape="journey run")

    assert [step["label"] for step in told["steps"]] == labels
    assert done.code == code
    assert [line.split("\t")[0] for line in done.out.splitlines()] == labels


@pytest.mark.usefixtures("walked")
def test_later_activities_read_earlier_answers(shell: Shell) -> None:
    """The text holds the score that the service gave."""
    told = shell.json(*RUN, "p7.json", shape="journey run")

    [call] = [step["outcome"]["call"] for step in told["steps"] if step["label"] == "tell"]
    assert '"text":"Score 7"' in call["body"]
    assert [step["following"] for step in told["steps"]][1:3] == [["good?"], ["tell"]]


@pytest.mark.usefixtures("kept")
def test_a_sequence_is_taken_in_its_order(shell: Shell) -> None:
    """A journey of the repository that is not drawn; it ends behind its last activity."""
    done = shell("journey", "run", "Welcome", "--context", "ann.json")

    assert done.code == 0
    assert done.out == "day1\taction\thttp_202 (delivered)\tthe end\n"


@pytest.mark.usefixtures("walked")
def test_a_condition_that_cannot_be_evaluated_ends_the_way(shell: Shell, folder: Path) -> None:
    """The place in the expression is told, after the steps before it."""
    journey = wh.Journey("J", [
        wh.Activity("event", label="Signup", next=["c"]),
        wh.Activity("condition", label="c", conditions={"end": wh.expression("@event{Signup.id} > 5")}),
        wh.Activity("end", label="end"),
    ])  # fmt: skip
    (folder / "drawn.json").write_text(wh.dumps(journey))

    told = shell.json(*RUN, "p7.json", shape="journey run")

    assert [(step["label"], step["error"] is None) for step in told["steps"]] == [("Signup", True), ("c", False)]
    assert "of the expression" in told["steps"][1]["error"]["message"]


@pytest.mark.usefixtures("walked")
def test_a_loop_ends(shell: Shell, folder: Path) -> None:
    """No activity is taken twice; a journey without any is told to be empty."""
    loop = wh.Journey("J", [
        wh.Activity("event", label="a", next=["b"]), wh.Activity("wait", label="b", next=["a"]),
    ])  # fmt: skip
    (folder / "drawn.json").write_text(wh.dumps(loop))
    looped = shell.json(*RUN, "p7.json", shape="journey run")
    (folder / "drawn.json").write_text(wh.dumps(wh.Journey("J")))
    empty = shell.json(*RUN, "p7.json", shape="journey run")

    assert ([step["label"] for step in looped["steps"]], empty["steps"]) == (["a", "b"], [])


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["Welcome"], 2, "Missing option '--context'"),
        (["Welcome", "--context", "nowhere.json"], 2, "nowhere.json cannot be read"),
        (["Welcome", "--context", "sms.json"], 1, "sms.json: $.wayhook: a context has event"),
        (["Nothing", "--context", "ann.json"], 2, "There is no journey named 'Nothing'"),
        (["sms.json", "--context", "ann.json"], 2, "holds an action; a journey is needed"),
    ],
)
def test_a_run_that_cannot_begin(shell: Shell, arguments: list[str], code: int, words: str) -> None:
    """What is missing is named."""
    done = shell("journey", "run", *arguments)

    assert done.code == code
    assert words in done.err


@pytest.mark.usefixtures("kept")
def test_a_paused_person_stays(shell: Shell) -> None:
    """A paused journey makes no call; that is no failure."""
    shell("journey", "publish", "Welcome")
    shell("journey", "pause", "Welcome")

    done = shell("journey", "run", "Welcome", "--context", "ann.json")

    assert (done.code, done.out) == (0, "day1\taction\theld (refused)\tstays here\n")


@pytest.mark.usefixtures("kept")
def test_the_life_of_a_journey(shell: Shell) -> None:
    """Every command leads where the documentation says, and is saved."""
    lived = [
        ("test", ["Draft (Test)"]), ("end-test", ["Draft"]), ("dry-run", ["Dry run"]), ("end-dry-run", ["Draft"]),
        ("publish", ["Live"]), ("pause", ["Paused"]), ("resume", ["Live"]), ("new-version", ["Live", "Draft"]),
        ("discard-draft", ["Live"]), ("new-version", ["Live", "Draft"]), ("publish", ["Closed", "Live"]),
        ("close", ["Closed", "Closed"]), ("stop", ["Closed", "Stopped"]), ("finish", ["Closed", "Finished"]),
    ]  # fmt: skip

    for command, statuses in lived:
        told = shell.json("journey", command, "Welcome", shape="journey publish")
        assert [version["status"] for version in told["versions"]] == statuses, command
        assert [each["version"] for each in told["versions"]] == list(range(1, len(statuses) + 1))
    assert shell("list", "journeys").out.split("\t")[3].startswith("Finished, version 2")


@pytest.mark.usefixtures("kept")
def test_an_older_version_is_named(shell: Shell) -> None:
    """`--version` speaks of one that is not the latest; `--mode` says what a pause does."""
    for command in ("publish", "new-version", "publish"):
        shell("journey", command, "Welcome")

    stopped = shell.json("journey", "stop", "Welcome", "--version", "1", shape="journey publish")
    paused = shell.json("journey", "pause", "Welcome", "--mode", "discard", shape="journey publish")

    assert [each["status"] for each in stopped["versions"]] == ["Stopped", "Live"]
    assert [each["status"] for each in paused["versions"]] == ["Stopped", "Paused"]
    assert shell("journey", "run", "Welcome", "--context", "ann.json").out.split("\t")[2].startswith("discarded")


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["resume", "Welcome"], 1, "resume leads from Paused to Live; version 1 is Draft"),
        (["new-version", "Welcome"], 1, "a new version follows one that is Live"),
        (["stop", "Welcome", "--version", "7"], 2, "There is no version of Welcome named '7'"),
        (["publish", "Nothing"], 2, "There is no journey named 'Nothing'"),
        (["pause", "Welcome", "--mode", "loudly"], 2, "give one of hold, discard"),
        (["bury", "Welcome"], 2, "No such command 'bury'"),
    ],
)
def test_a_step_that_leads_nowhere(shell: Shell, arguments: list[str], code: int, words: str) -> None:
    """What does not follow from the status is refused, with the rule."""
    done = shell("journey", *arguments)

    assert done.code == code
    assert words in done.err


async def test_what_stands_against_a_publication_is_told(shell: Shell, folder: Path) -> None:
    """All of it, with paths; the journey stays a draft."""
    import asyncio

    async with wh.open_repository("sqlite:///wayhook.db") as repository:
        await repository.save(wh.Journey("Welcome", [wh.ActionActivity("Nothing", label="a")]))

    error = (await asyncio.to_thread(shell.json, "journey", "publish", "Welcome"))["error"]

    assert [violation["path"] for violation in error["violations"]] == ["$.activities[0].action"]
    assert "Draft" in (await asyncio.to_thread(shell, "list")).out
