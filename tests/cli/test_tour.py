"""`eval` and `docs`: expressions tried out, and pages to read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from shell import Shell

from wayhook.cli.answer import ExitCode
from wayhook.cli.topic import TOPICS


@pytest.mark.usefixtures("documents")
@pytest.mark.parametrize(
    ("expression", "value", "kind"),
    [
        ("upper(@event{Signup.name})", "ANN", "string"),
        ("@event{Signup.points} * 2 == 6", True, "boolean"),
        ("@event{Signup.nothing}", None, None),
        ("[1, 2]", [1, 2], "listInteger"),
        ("toDateOnly('2030-01-02')", "2030-01-02", "dateOnly"),
        ("toDateTime('2030-01-02T03:04:05Z')", "2030-01-02T03:04:05Z", "dateTime"),
        ("toDuration('PT90S')", "PT1M30S", "duration"),
        ("now() == now()", True, "boolean"),
        ("'‹é›'", "‹é›", "string"),
    ],
)
def test_an_expression_gives_a_value(shell: Shell, expression: str, value: object, kind: str | None) -> None:
    """The value as JSON, by itself or with its type."""
    done = shell("eval", expression, "--context", "ann.json")
    told = shell.json("eval", expression, "--context", "ann.json")

    assert (done.code, json.loads(done.out)) == (0, value)
    assert told == {"value": value, "type": kind}


@pytest.mark.usefixtures("documents")
@pytest.mark.parametrize(
    ("expression", "column", "words"),
    [
        ("uper('a')", 1, "did you mean 'upper'?"),
        ("1 + ", 5, "ends too early"),
        ("@event{Signup.points} * 1.5", 23, "takes two integers"),
        ("toInteger(", 11, "ends too early"),
    ],
)
def test_a_mistake_is_shown_in_its_place(shell: Shell, expression: str, column: int, words: str) -> None:
    """A caret stands below it, in the text as in the data; as JSON there are line and column."""
    done = shell("eval", expression, "--context", "ann.json")
    error = shell.json("eval", expression, "--context", "ann.json")["error"]

    *_, text, caret = [line for line in done.err.splitlines() if not line.startswith("expected")]
    assert (done.code, text) == (1, f"  {expression}")
    assert caret == " " * (column + 1) + "^"
    assert words in done.err
    assert (error["problems"][0]["line"], error["problems"][0]["column"]) == (1, column)


def test_the_dialect_is_that_of_the_edition(shell: Shell) -> None:
    """What only one product has is refused by the other; lenient takes both."""
    expression = "#{ExperiencePlatform.Profile.name}"

    codes = {
        edition: shell("eval", expression, "--edition", edition).code
        for edition in ("standard", "journey_orchestration", "journey_optimizer")
    }

    assert codes["standard"] == 0
    assert 0 in codes.values()


def test_an_expression_is_read_from_the_standard_input(shell: Shell) -> None:
    """Long ones need no quotes; a warning goes to the error stream."""
    done = shell("eval", "-", stdin="true and false\n  or true\n")

    assert (done.code, done.out) == (0, "true\n")
    assert "warning: line 1, column 6: 'and' binds tighter than 'or'" in done.err


@pytest.mark.usefixtures("documents")
def test_a_context_that_is_none_is_told(shell: Shell, folder: Path) -> None:
    """With its file and path."""
    (folder / "bad.json").write_text('{"events": {}, "now": "soon"}')

    error = shell.json("eval", "1", "--context", "bad.json")["error"]

    assert [violation["path"] for violation in error["violations"]] == ["bad.json: $.events", "bad.json: $.now"]


@pytest.mark.parametrize("topic", [*TOPICS, "Action", "preview", "concat", "NetworkPolicy"])
def test_a_topic_can_be_read(shell: Shell, topic: str) -> None:
    """Pages, public names and functions, without a network."""
    done = shell("docs", topic)
    told = shell.json("docs", topic, shape="docs TOPIC")

    assert done.code == 0
    assert done.out == told["text"] + "\n"
    assert len(done.out) > 50


def test_the_topics_are_listed(shell: Shell) -> None:
    """Each with its title, and where the rest of the documentation is."""
    done = shell("docs")
    told = shell.json("docs")

    assert [each["topic"] for each in told["topics"]] == list(TOPICS)
    assert all(f"{each['topic']}\t{each['title']}\n" in done.out for each in told["topics"])
    assert "folder docs" in done.out


def test_the_exit_codes_can_be_read(shell: Shell) -> None:
    """In the page, and at the end of the help."""
    page, help_ = shell("docs", "exit-codes").out, shell("--help").out

    for code in ExitCode:
        assert f"{code.value:<5}{code.meaning}" in page
        assert f"{code.value}: {code.meaning[:40]}" in help_


def test_a_topic_that_is_not_there(shell: Shell) -> None:
    """The nearest one is named."""
    assert "did you mean 'exit-codes'?" in shell("docs", "exitcodes").err
    assert shell("docs", "qqqqqq").code == 2


def test_a_database_gets_its_tables(shell: Shell, tmp_path: Path) -> None:
    """`migrate` makes what opening asks for, once or again; with `--script` it shows the statements."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'actions.db'}"

    before = shell("list", "--repository", url)
    done = [shell.json("migrate", url) for _ in range(2)]
    after = shell("list", "--repository", url)
    script = shell("migrate", "--script", "postgresql")
    refused = shell("migrate", "--script", "oracle")

    assert before.code != 0
    assert "wayhook migrate" in before.err
    assert done == [{"migrated": True}] * 2
    assert after.code == 0
    assert "CREATE TABLE wayhook_record" in script.out
    assert refused.code != 0
    assert "postgresql" in refused.err
