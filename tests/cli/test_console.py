"""How the command line speaks: streams, JSON, colours, tables, progress, help, completions, and an early end."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command import commands
from shell import COMMAND, SECRET, VALUES, Shell, run, send_sms
from terminal import Terminal

import wayhook as wh
from wayhook.cli.answer import ExitCode
from wayhook.cli.shape import SHAPES
from wayhook.testing import Answer, LoopbackService

ESCAPE = "\x1b["


def _plain(shown: str) -> str:
    """What a terminal showed, without its escape sequences."""
    return re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", shown)


def typed(environment: dict[str, str], *arguments: str, folder: Path | None = None, **more: str) -> tuple[int, str]:
    """Exit code and everything that a terminal shows of a command."""
    with Terminal([*COMMAND, *arguments], env={**environment, "TERM": "xterm", **more}, folder=folder) as terminal:
        return terminal.wait(), terminal.shown


@pytest.mark.usefixtures("kept")
def test_a_terminal_gets_tables_and_colours(environment: dict[str, str]) -> None:
    """Heads and lines on a terminal; on none, and with NO_COLOR or `--color never`, no escape sequence."""
    code, shown = typed(environment, "list")
    _, plain = typed(environment, "list", NO_COLOR="1")
    _, never = typed(environment, "list", "--color", "never", FORCE_COLOR="1")
    _, dumb = typed(environment, "list", TERM="dumb")
    piped = run("list", env=environment)

    assert code == 0
    assert "what it is" in shown
    assert "SendSms" in shown
    assert ESCAPE in shown
    for text in (plain, never, dumb):
        assert "what it is" in text
        assert ESCAPE not in text
    assert piped.stdout.startswith("action\tSendSms\t1\tPOST ")


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "SendSms"], "To fill in where it is used"),
        (["preview", "SendSms", *VALUES], "Where each value comes from"),
        (["preview", "Welcome", "day1", "--context", "ann.json"], "@event{Signup.phone}"),
        (["call", "SendSms", *VALUES], "delivered"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_terminal_gets_cards(environment: dict[str, str], arguments: list[str], words: str) -> None:
    """Definitions, previews and outcomes are drawn there, and are texts elsewhere; no secret is in either."""
    code, shown = typed(environment, *arguments)
    piped = run(*arguments, env=environment)

    assert (code, piped.returncode) == (0, 0)
    assert words in _plain(shown)
    assert "╭" in shown
    assert "╭" not in piped.stdout
    assert SECRET not in shown + piped.stdout


def test_what_a_service_says_moves_no_terminal_in_a_card(folder: Path, environment: dict[str, str]) -> None:
    """Only sequences of colours reach the terminal, and none of the answer's."""
    with LoopbackService(lambda _: Answer(202, {"id": "\x1b]0;owned\x07\x1b[2J", "queued": True})) as service:
        (folder / "sms.json").write_text(wh.dumps(send_sms(service.url)))

        code, shown = typed(environment, "call", "sms.json", *VALUES)

    assert code == 0
    assert "owned" in shown
    assert "\x07" not in shown
    assert set(re.findall(r"\x1b(.)", shown)) == {"["}
    assert set(re.findall(r"\x1b\[[\d;]*(.)", shown)) == {"m"}


@pytest.mark.usefixtures("kept")
def test_colours_can_be_forced(environment: dict[str, str]) -> None:
    """`--color always` draws and colours into a pipe; FORCE_COLOR colours what is said; NO_COLOR goes before it."""
    always = run("list", "--color", "always", env=environment)
    forced = run("show", "Nothing", env={**environment, "FORCE_COLOR": "1"})
    both = run("show", "Nothing", env={**environment, "FORCE_COLOR": "1", "NO_COLOR": "1"})
    quiet = run("show", "Nothing", env=environment)

    assert ESCAPE in always.stdout
    assert "what it is" in always.stdout
    assert ESCAPE in forced.stderr
    assert ESCAPE not in both.stderr + quiet.stderr


@pytest.mark.usefixtures("kept")
def test_json_on_a_terminal_is_json(environment: dict[str, str]) -> None:
    """No colours and no table in it."""
    _, shown = typed(environment, "list", "--json")

    assert [item["name"] for item in json.loads(shown)["items"]] == ["SendSms", "Welcome", "crm"]


def test_progress_is_shown_on_a_terminal_only(folder: Path, environment: dict[str, str]) -> None:
    """A bar with counts on a terminal's error stream; nothing of it elsewhere."""
    rows = "to,text,X-Campaign\n" + "".join(f"+{number},Hi,c\n" for number in range(30))
    (folder / "rows.csv").write_text(rows)
    with LoopbackService(lambda _: Answer(202, delay=0.1)) as service:
        (folder / "sms.json").write_text(wh.dumps(send_sms(service.url)))
        batch = ("batch", "sms.json", "rows.csv", "--concurrency", "3", "--json", "--out")

        code, shown = typed(environment, *batch, "a.jsonl")
        piped = run(*batch, "b.jsonl", env=environment)

    assert code == 0
    assert re.search(r"[1-9]\d*/30 calls", _plain(shown))
    assert (piped.returncode, piped.stderr) == (0, "")
    assert json.loads(piped.stdout)["rows"]["delivered"] == 30


def test_a_secret_is_typed_before_the_call(folder: Path, environment: dict[str, str]) -> None:
    """It is asked for once for a whole batch, and shown nowhere; Control-C instead of it exits with 130."""
    keys = set()

    def respond(request: object) -> Answer:
        keys.add(request.headers["x-api-key"])
        return Answer(202)

    with LoopbackService(respond) as service:
        text = wh.dumps(send_sms(service.url)).replace("env:SMS_KEY", "prompt:Key of the service")
        (folder / "sms.json").write_text(text)
        (folder / "rows.csv").write_text("to,text,X-Campaign\n+1,Hi,c\n+2,Hi,c\n")
        batch = [*COMMAND, "batch", "sms.json", "rows.csv", "--out", "out.jsonl"]
        with Terminal(batch, env=environment) as terminal:
            terminal.until("Key of the service: ")
            terminal.type(f"{SECRET}\n")
            code = terminal.wait()
        with Terminal([*COMMAND, "call", "sms.json", *VALUES], env=environment) as other:
            other.until("Key of the service: ")
            other.type("\x03")
            interrupted = other.wait()
        nobody = subprocess.run(
            [*COMMAND, "call", "sms.json", *VALUES], env=environment, capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL, start_new_session=True, timeout=60,
        )  # fmt: skip

    assert (code, keys, terminal.shown.count("Key of the service")) == (0, {SECRET}, 1)
    assert SECRET not in terminal.shown + (folder / "out.jsonl").read_text()
    assert interrupted == 130
    assert "Traceback" not in other.shown
    assert nobody.returncode == 2
    assert "is typed on a terminal, and there is none" in nobody.stderr


def test_control_c_ends_a_call(folder: Path, environment: dict[str, str]) -> None:
    """A sentence and exit code 130."""
    with LoopbackService(lambda _: Answer(202, delay=30)) as service:
        (folder / "sms.json").write_text(wh.dumps(send_sms(service.url)))
        with Terminal([*COMMAND, "call", "sms.json", *VALUES], env=environment) as terminal:
            while not service.received:
                os.sched_yield()
            terminal.type("\x03")
            code = terminal.wait()

    assert code == 130
    assert "wayhook: stopped" in _plain(terminal.shown)
    assert "Traceback" not in terminal.shown


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("arguments", [["docs", "json"], ["docs", "functions"], ["docs", "json", "--json"], ["--help"]])
def test_an_output_that_nobody_reads_is_no_error(environment: dict[str, str], arguments: list[str]) -> None:
    """Whoever reads may leave before the end."""
    process = subprocess.Popen([*COMMAND, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    _, err = process.communicate(timeout=60)

    assert err == b""
    assert process.returncode in (ExitCode.LEFT, 1)


def test_outcomes_that_nobody_reads_end_a_batch(folder: Path, environment: dict[str, str]) -> None:
    """After `head -1` no more calls are made than were under way."""
    (folder / "rows.csv").write_text("to,text,X-Campaign\n" + "+1,Hi,c\n" * 5000)
    with LoopbackService(lambda _: Answer(202)) as service:
        (folder / "sms.json").write_text(wh.dumps(send_sms(service.url)))
        process = subprocess.Popen(
            [*COMMAND, "batch", "sms.json", "rows.csv", "--concurrency", "2"],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        first = process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        process.stderr.close()
        process.wait(timeout=60)

    assert json.loads(first)["row"] == 1
    assert (process.returncode, err) == (ExitCode.LEFT, "")
    assert len(service.received) < 4000


def test_what_a_service_says_moves_no_terminal(folder: Path, shell: Shell) -> None:
    """Control characters of an answer are shown as what they are, in texts and in JSON."""
    hostile = "\x1b]0;owned\x07\x1b[2J\u009b31m\x7f\u2028"
    with LoopbackService(lambda _: Answer(202, {"id": hostile, "queued": True})) as service:
        (folder / "sms.json").write_text(wh.dumps(send_sms(service.url)))

        text = shell("call", "sms.json", *VALUES)
        document = shell.json("call", "sms.json", *VALUES)
        error = shell("show", "\x1b[2Jnothing.json")

    for shown in (text.out, error.err):
        assert not [sign for sign in hostile if not sign.isprintable() and sign in shown]
    assert document["response"]["id"] == hostile


@pytest.mark.usefixtures("kept")
def test_a_poor_terminal_gets_what_it_can_show(environment: dict[str, str]) -> None:
    """Where the output is ASCII, nothing fails, and JSON stays JSON."""
    poor = {**environment, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}

    text = run("preview", "SendSms", *VALUES, "--values", "text=Hé ‹🎉›", env=poor)
    document = run("preview", "SendSms", *VALUES, "--values", "text=Hé ‹🎉›", "--json", env=poor)

    assert (text.returncode, text.stderr) == (0, "")
    assert "\\u2039env:SMS_KEY\\u203a" in text.stdout
    assert json.loads(json.loads(document.stdout)["body"])["text"] == "Hé ‹🎉›"


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    "arguments",
    [
        ["call", "Nothing"], ["call", "SendSms"], ["eval", "1 +"], ["list", "tables"], ["nothing"],
        ["list", "--nothing"],
        ["batch", "SendSms", "nowhere.csv"], ["journey", "run", "Welcome"], ["import", "ann.json"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_an_error_is_one_document(shell: Shell, arguments: list[str]) -> None:
    """With `--json` an error is the document of the standard output, and the error stream is silent."""
    done = shell(*arguments, "--json")

    assert done.code in (1, 2)
    assert done.err == ""
    assert set(shell.json(*arguments)) == {"error"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["list", "--allow"], ["list", "--repository"], ["list", "--namespace"], ["call", "SendSms", "--values"],
        ["call", "SendSms", "--transport"], ["batch", "SendSms", "rows.csv", "--out"], ["import", "a.json", "--name"],
        ["dead-letters", "list", "--queue"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_an_option_without_its_value_takes_not_the_next_one(shell: Shell, arguments: list[str]) -> None:
    """Where a value was forgotten, `--json` is still heard, and the error names both options."""
    done = shell(*arguments, "--json")

    assert (done.code, done.err) == (ExitCode.REFUSED, "")
    assert f"for {arguments[-1]}: a value belongs here, and --json is another option" in done.json["error"]["message"]


@pytest.mark.usefixtures("kept")
def test_a_value_may_look_like_an_option(shell: Shell) -> None:
    """Only what the command has is an option: `--` before an argument, and any other text as a value."""
    done = shell("preview", "SendSms", *VALUES[:-1], "X-Campaign=--json", "--path", "--draft", "--json")

    assert done.code == 0
    assert done.json["url"].endswith("--draft")


def test_the_demo_speaks_json(environment: dict[str, str]) -> None:
    """What it shows goes to the error stream; whether all was delivered is the document."""
    done = run("demo", "--contexts", "5", "--json", env=environment)

    assert (done.returncode, json.loads(done.stdout)) == (0, {"delivered": True})
    assert "Of 5 customers 5 got their points" in done.stderr


def test_every_command_has_a_documented_shape() -> None:
    """Each command that can be typed stands among the shapes; the steps of a journey's life share one."""
    known = {command.words for command in commands()}

    lived = {words for words in known if words.startswith("journey ") and words != "journey run"}
    assert known - lived <= SHAPES.keys()
    assert {words.partition(" --")[0].partition(" TOPIC")[0] for words in SHAPES} - known == {
        "a line of outcomes",
        "an error",
    }


def test_help_is_quick(environment: dict[str, str]) -> None:
    """Nothing that executes, and no other room than those of words, is loaded to show what there is."""
    script = "import sys; from wayhook.cli.command import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    loaded = set(done.stderr.split())

    rooms = {name.split(".")[1] for name in loaded if name.startswith("wayhook.")}
    assert rooms == {"cli", "errors", "presentation", "reading", "values", "jsonvalue"}
    assert (
        loaded & {"asyncio", "sqlite3", "httpx", "lark", "cattrs", "tenacity", "pydantic", "keyring", "tqdm"} == set()
    )


def test_help_takes_little_time(environment: dict[str, str]) -> None:
    """The best of a few runs stays below what anybody notices, with room for a slow machine."""
    times = []
    for _ in range(5):
        began = time.perf_counter()
        run("--help", env=environment)
        times.append(time.perf_counter() - began)

    assert min(times) < 1


def test_without_the_extra_the_door_says_what_to_install(environment: dict[str, str]) -> None:
    """One sentence that names it, exit code 2, and no traceback."""
    script = "import sys; sys.modules['typer'] = None; from wayhook.cli.command import main; sys.exit(main(['list']))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "wayhook: the command line needs typer and rich: pip install 'wayhook[cli]'\n"


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("wayhook preview Se", "SendSms"), ("wayhook journey run W", "Welcome"),
        ("wayhook show ", "SendSms Welcome crm"),
        ("wayhook li", "list limits"), ("wayhook list --edition journey_op", "journey_optimizer"),
        ("wayhook export SendSms --as cu", "curl"), ("wayhook list j", "journeys"),
        ("wayhook journey pause Welcome --mode h", "hold"), ("wayhook call SendSms --transport w", "wire"),
        ("wayhook batch --rows-format c", "csv"), ("wayhook docs conc", "concat"), ("wayhook docs exit", "exit-codes"),
        ("wayhook call Welcome d", "day1"), ("wayhook call SendSms d", ""), ("wayhook call Welcome x", ""),
        ("wayhook limits deploy x", ""), ("wayhook show --repository sqlite:///no.db S", ""),
        ("wayhook show --repository carrier:pigeon S", ""),
    ],
)  # fmt: skip
def test_names_are_completed(environment: dict[str, str], folder: Path, words: str, completed: str) -> None:
    """Commands, words of options, and names from the repository; a repository that cannot be read completes nothing."""
    count = len(words.split()) - (not words.endswith(" "))
    asked = {"_WAYHOOK_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(count)}
    script = "from wayhook.cli.command import main; import sys; sys.argv[0] = 'wayhook'; sys.exit(main())"

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, env={**environment, **asked}
    )

    assert done.stdout.split() == completed.split(), done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "no.db").exists()
