"""`batch`: rows in, outcomes out; all faults before anything is sent, and a run that stopped goes on."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import signal
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from shell import COMMAND, SECRET, Shell, run, send_sms, welcome
from terminal import Terminal

import wayhook as wh
from wayhook.cli.shape import SHAPES
from wayhook.testing import Answer, LoopbackService, Received

ROWS = "to,text,X-Campaign\n+1,Hi,c\n+2,Hi,c\n+3,Hi,c\n"
BATCH = ("batch", "sms.json", "rows.csv", "--out", "out.jsonl")


def lines(file: Path) -> list[dict[str, Any]]:
    """The outcomes in a file, each of the documented shape."""
    found = [json.loads(line) for line in file.read_text().splitlines()]
    for line in found:
        jsonschema.validate(line, SHAPES["a line of outcomes"])
    return found


def write(folder: Path, rows: str | bytes, name: str = "rows.csv") -> None:
    """Write the file of rows."""
    (folder / name).write_bytes(rows if isinstance(rows, bytes) else rows.encode())


def received(service: LoopbackService) -> list[str]:
    """The recipients that the service was called for, in order."""
    return [request.json()["to"] for request in service.received]


@pytest.mark.usefixtures("documents")
def test_every_row_is_called_once(shell: Shell, folder: Path, service: LoopbackService) -> None:
    """One line for each row, with its number and its delivery id, which the receiver got."""
    write(folder, ROWS)

    done = shell(*BATCH)

    found = sorted(lines(folder / "out.jsonl"), key=lambda line: line["row"])
    assert (done.code, sorted(received(service))) == (0, ["+1", "+2", "+3"])
    assert "3 calls; of the rows 3 are delivered, 0 are not" in done.out
    assert [line["row"] for line in found] == [1, 2, 3]
    assert found[1]["response"] == {"id": "m-+2", "queued": True}
    sent = {request.json()["to"]: request.headers["idempotency-key"] for request in service.received}
    assert [line["delivery_id"] for line in found] == [sent["+1"], sent["+2"], sent["+3"]]
    assert len(set(sent.values())) == 3


@pytest.mark.usefixtures("documents")
def test_an_activity_is_called_with_contexts(shell: Shell, folder: Path, service: LoopbackService) -> None:
    """Columns are fields of the context, with types; JSON Lines are whole contexts."""
    write(folder, "event.Signup.phone,event.Signup.points:integer,event.Signup.name\n+1,5,Ann\n+2,,\n")
    write(folder, '{"event": {"Signup": {"phone": "+3", "points": 7}}}\n\n', "rows.jsonl")
    activity = ("batch", "welcome.json", "day1")

    by_csv = shell.json(*activity, "rows.csv", "--out", "a.jsonl", "--with", "sms.json")
    by_lines = shell.json(*activity, "rows.jsonl", "--out", "b.jsonl", "--with", "sms.json")

    assert (by_csv["rows"]["delivered"], by_lines["rows"]["delivered"]) == (2, 1)
    bodies = {request.json()["to"]: request.json() for request in service.received}
    assert (bodies["+1"]["points"], bodies["+1"]["text"]) == (5, "Welcome, Ann")
    assert "points" not in bodies["+2"]
    assert (bodies["+3"]["points"], bodies["+3"]["text"]) == (7, "Welcome, friend")


@pytest.mark.usefixtures("documents")
def test_dates_of_a_context_are_dates(shell: Shell, folder: Path) -> None:
    """A column with the type of a date can be counted with."""
    activity = wh.ActionActivity(
        "SendSms",
        label="day1",
        headers={"X-Campaign": "c"},
        parameters={"to": "+1", "text": wh.expression("toString(@event{Order.due})")},
    )
    (folder / "orders.json").write_text(wh.dumps(wh.Journey("Orders", [activity])))
    write(folder, "event.Order.due:dateOnly\n2030-02-01\n2030-02-31\n")

    error = shell.json("batch", "orders.json", "day1", "rows.csv", "--with", "sms.json")["error"]

    assert [violation["path"] for violation in error["violations"]] == ["row 2, column event.Order.due:dateOnly"]


@pytest.mark.usefixtures("documents")
def test_spreadsheets_are_read_as_they_are_written(shell: Shell, folder: Path, service: LoopbackService) -> None:
    """A byte order mark, another delimiter, line breaks in cells, quotes, empty lines, and lists as JSON."""
    text = '\ufeff"to";text;X-Campaign;points\r\n+1;"two\r\nlines, ""quoted"" ;";c;\r\n\r\n+2;é;c;12\r\n'
    write(folder, text)

    done = shell(*BATCH, "--delimiter", ";")

    assert done.code == 0
    bodies = {request.json()["to"]: request.json() for request in service.received}
    assert bodies["+1"]["text"] == 'two\r\nlines, "quoted" ;'
    assert (bodies["+2"]["text"], bodies["+2"]["points"]) == ("é", 12)


@pytest.mark.usefixtures("documents")
def test_values_fill_what_rows_leave_open(shell: Shell, folder: Path, service: LoopbackService) -> None:
    """Shared values and a shared path; a row's own go before them; columns give paths and delivery ids."""
    write(
        folder,
        '{"to": "+1", "where": "a", "id": "order-1"}\n{"to": "+2", "text": "Own", "id": "order-2"}\n',
        "r.ndjson",
    )

    done = shell(
        *("batch", "sms.json", "r.ndjson", "--out", "out.csv", "--values", "text=Hi", "--values", "X-Campaign=c"),
        *("--path", "b", "--path-from", "where", "--delivery-id-from", "id"),
    )

    assert done.code == 0
    found = {request.json()["to"]: request for request in service.received}
    assert {to: (request.path, request.json()["text"]) for to, request in found.items()} == {
        "+1": ("/v1/a", "Hi"), "+2": ("/v1/b", "Own")
    }  # fmt: skip
    assert found["+2"].headers["idempotency-key"] == "order-2"


FAULTY = [
    ("to,text,X-Campaign,points\n+1,Hi,c,x\n+2,Hi,c,1\n,Hi,c,y\n",
     ["row 1, column points", "row 3, column points"]),
    ("to,text,X-Campaign,points\n+1,Hi,c,1\n,Hi,c,2\n", ["row 2, column to"]),
    ("to,text,X-Campaign\n+1,Hi,c\n+2,Hi\n+3,Hi,c,d\n", ["row 2", "row 3"]),
    ('to,text,X-Campaign\n+1,Hi,"a\nb"\n', ["row 1, column X-Campaign"]),
    ("too,text,X-Campaign\n+1,Hi,c\n", ["rows.csv: column 1", "rows.csv"]),
    ("to,to,,text,X-Campaign\n", ["rows.csv: column 2", "rows.csv: column 3"]),
    ("to;text;X-Campaign\n+1;Hi;c\n", ["rows.csv: column 1", "rows.csv", "rows.csv", "rows.csv"]),
    ("", ["rows.csv"]),
    ("\n\n", ["rows.csv"]),
    ('to,text,X-Campaign\n+1,Hi,c\n+2,"Hi,c\n+3,Hi,c\n', ["row 2"]),
    ('to,text,X-Campaign\n+1,"Hi"there,c\n', ["row 1"]),
    (b"to,text,X-Campaign\n+1,\xe9,c\n+2,Hi,c\n", ["row 1, column text"]),
    (b"to,text,X-Campaign,\xe9\n", ["rows.csv: column 4"]),
    (b"to,text,X-Campaign\n+1," + b"x" * 1_000_001 + b",c\n", ["row 1"]),
    (b'to,text,X-Campaign\n+1,"' + b"x\n" * 500_001 + b'",c\n', ["row 1"]),
    (b"to,text,X-Campaign\0\n", ["rows.csv: column 3", "rows.csv"]),
]  # fmt: skip


@pytest.mark.usefixtures("documents")
@pytest.mark.parametrize(("rows", "paths"), FAULTY, ids=range(len(FAULTY)))
def test_all_faults_of_a_table_are_told_before_anything_is_sent(
    shell: Shell, folder: Path, service: LoopbackService, rows: str | bytes, paths: list[str]
) -> None:
    """Each has its row and column; nothing is sent, and no file of outcomes is made."""
    write(folder, rows)

    error = shell.json(*BATCH)["error"]

    assert [violation["path"] for violation in error["violations"]] == paths
    assert (service.received, (folder / "out.jsonl").exists()) == ([], False)


FAULTY_LINES = [
    ('{"to": "+1"\n', ["row 1"]),
    ('[]\n"a"\n', ["row 1", "row 2"]),
    ('{"to": "+1", "to": "+2"}\n', ["row 1"]),
    ('{"to": 5, "text": "Hi", "X-Campaign": "c"}\n', ["row 1, to"]),
    ('{"to": "+1", "text": "Hi", "X-Campaign": "c", "more": 1}\n', ["row 1: $.more"]),
    (b'{"to": "\xe9"}\n', ["row 1"]),
    (b"[" * 100_000 + b"\n", ["row 1"]),
    (b'{"to": "' + b"x" * 1_000_000 + b'"}\n{}\n', ["row 1", *["row 2, X-Campaign", "row 2, to", "row 2, text"]]),
]


@pytest.mark.usefixtures("documents")
@pytest.mark.parametrize(("rows", "paths"), FAULTY_LINES, ids=range(len(FAULTY_LINES)))
def test_all_faults_of_lines_are_told_before_anything_is_sent(
    shell: Shell, folder: Path, service: LoopbackService, rows: str | bytes, paths: list[str]
) -> None:
    """A line that cannot be read, values of other types, one that is too long."""
    write(folder, rows, "rows.jsonl")

    error = shell.json("batch", "sms.json", "rows.jsonl", "--out", "out.jsonl")["error"]

    assert [violation["path"] for violation in error["violations"]] == paths
    assert service.received == []


@pytest.mark.usefixtures("documents")
@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("event.Signup.phone,signup.name", "is no field of a context"),
        ("event.Signup.phone,event", "is no field of a context"),
        ("event.Signup.phone,event..a", "is no field of a context"),
        ("event.Signup.phone:number", "is no field of a context"),
        ("event.Signup.phone,event.Signup", "lies below 'event.Signup'"),
        ("event.Signup.points,event.Signup.points:integer", "fill the same field"),
    ],
)
def test_a_column_that_is_no_field_is_told(shell: Shell, folder: Path, head: str, words: str) -> None:
    """A field has a root and names below it; none is filled by two columns."""
    write(folder, head + "\n")

    done = shell("batch", "welcome.json", "day1", "rows.csv", "--with", "sms.json")

    assert done.code == 1
    assert words in done.err


@pytest.mark.usefixtures("documents")
def test_more_faults_than_anybody_reads_are_counted(shell: Shell, folder: Path) -> None:
    """A hundred are told, and how many more there are."""
    write(folder, "to,text,X-Campaign,points\n" + "+1,Hi,c,x\n" * 250)

    error = shell.json(*BATCH)["error"]

    assert len(error["violations"]) == 101
    assert error["violations"][-1]["message"] == "there are 150 more faults"


@pytest.mark.usefixtures("documents")
def test_what_fits_can_be_sent_all_the_same(shell: Shell, folder: Path, service: LoopbackService) -> None:
    """Rows that do not fit are outcomes that say why, and columns that nobody knows are read over."""
    write(folder, "to,text,X-Campaign,points,city\n+1,Hi,c,x,Bern\n,Hi,c,1,Bern\n+3,Hi,c,1,Bern\n")

    done = shell(*BATCH, "--keep-going", "--ignore-unknown")

    found = {line["row"]: line for line in lines(folder / "out.jsonl")}
    assert (done.code, received(service)) == (1, ["+3"])
    assert [found[row]["status"] for row in (1, 2, 3)] == ["internalError", "internalError", "http_202"]
    assert "row 1, column points: it takes an integer" in found[1]["error"]
    assert (found[1]["delivery"], found[1]["delivery_id"][-2:]) == ("refused", "-1")


@pytest.mark.usefixtures("documents")
def test_a_dry_run_sends_nothing(shell: Shell, folder: Path, service: LoopbackService) -> None:
    """It says how many rows fit, of a file as of the standard input, and makes no file."""
    write(folder, ROWS)

    of_file = shell.json(*BATCH, "--dry-run", shape="batch --dry-run")
    of_input = shell.json(
        "batch", "sms.json", "-", "--rows-format", "csv", "--dry-run", stdin=ROWS, shape="batch --dry-run"
    )

    assert (of_file, of_input, service.received) == ({"fitting": 3}, {"fitting": 3}, [])
    assert not (folder / "out.jsonl").exists()


@pytest.mark.usefixtures("documents")
def test_without_a_file_outcomes_are_printed(shell: Shell, service: LoopbackService) -> None:
    """One line of JSON for each row, the rows of the standard input; the summary goes to the error stream."""
    rows = '{"to": "+1", "text": "Hi", "X-Campaign": "c"}\n{"to": 2}\n'

    done = shell("batch", "sms.json", "-", "--rows-format", "jsonl", "--json", stdin=rows)

    found = {line["row"]: line for line in map(json.loads, done.out.splitlines())}
    assert (done.code, received(service)) == (1, ["+1"])
    assert [found[row]["status"] for row in (1, 2)] == ["http_202", "internalError"]
    assert "2 calls; of the rows 1 are delivered, 1 are not" in done.err


@pytest.mark.usefixtures("documents")
@pytest.mark.parametrize("out", ["out.jsonl", "out.csv"])
def test_a_second_run_leaves_out_what_is_done(shell: Shell, folder: Path, service: LoopbackService, out: str) -> None:
    """Rows with a line are not called again; failed ones are when that is asked for, with the delivery ids they had."""
    write(folder, "to,text,X-Campaign\n+1,Hi,c\nnobody,Hi,c\nbroken,Hi,c\n")
    batch = ("batch", "sms.json", "rows.csv", "--out", out)

    first, second = shell(*batch), shell(*batch)
    again = shell.json(*batch, "--retry-failed", "--leave-unknown")
    everything = shell.json(*batch, "--retry-failed")

    ids = {to: set[str]() for to in ("+1", "nobody", "broken")}
    for request in service.received:
        ids[request.json()["to"]].add(request.headers["idempotency-key"])
    assert (first.code, second.code) == (1, 1)
    assert "0 calls" in second.out
    assert again["statuses"] == {"http_422": 1}
    assert everything["statuses"] == {"http_422": 1, "http_500": 1}
    assert everything["rows"] == {"delivered": 1, "left_out": 0, "failed": 1, "unknown": 1}
    assert received(service).count("+1") == 1
    assert {to: len(found) for to, found in ids.items()} == {"+1": 1, "nobody": 1, "broken": 1}


@pytest.mark.usefixtures("documents")
def test_the_last_line_of_a_row_counts(shell: Shell, folder: Path) -> None:
    """A row that was delivered at last is done."""
    answers = iter([Answer(503), Answer(503), Answer(503), Answer(503), Answer(202)])
    with LoopbackService(lambda _: next(answers)) as moody:
        (folder / "sms.json").write_text(wh.dumps(send_sms(moody.url)))
        write(folder, "to,text,X-Campaign\n+1,Hi,c\n")

        first = shell.json(*BATCH)
        second = shell.json(*BATCH, "--retry-failed")
        third = shell.json(*BATCH, "--retry-failed")

    assert [each["rows"]["delivered"] for each in (first, second, third)] == [0, 1, 1]
    assert third["calls"] == 0
    assert [line["row"] for line in lines(folder / "out.jsonl")] == [1, 1]


@pytest.mark.usefixtures("documents")
def test_outcomes_can_be_a_table(shell: Shell, folder: Path) -> None:
    """The columns are those of the lines; what is no single value is JSON, and no cell holds a line break."""
    write(folder, 'to,text,X-Campaign\n+1,Hi,c\n+2,Hi,"a\nb"\n')

    shell("batch", "sms.json", "rows.csv", "--out", "out.csv", "--keep-going")

    text = (folder / "out.csv").read_text()
    found = {row["row"]: row for row in csv.DictReader(text.splitlines())}
    assert list(found["1"]) == list(SHAPES["a line of outcomes"]["properties"])
    assert json.loads(found["1"]["response"]) == {"id": "m-+1", "queued": True}
    assert (found["1"]["succeeded"], found["2"]["succeeded"], found["2"]["response"]) == ("true", "false", "")
    assert len(text.splitlines()) == 3


@pytest.mark.usefixtures("documents")
@pytest.mark.parametrize("out", ["out.jsonl", "out.csv"])
def test_a_line_that_was_being_written_is_dropped(
    shell: Shell, folder: Path, service: LoopbackService, out: str
) -> None:
    """The rows whose lines are not whole are called again, with the delivery ids that they had."""
    write(folder, ROWS)
    batch = ("batch", "sms.json", "rows.csv", "--out", out, "--concurrency", "1")
    shell(*batch)
    whole = (folder / out).read_bytes()

    for torn in (whole[:-1], whole[:-40]):
        (folder / out).write_bytes(torn)
        assert shell.json(*batch)["calls"] == 1

    assert [line.count(b"\n") for line in [(folder / out).read_bytes()]] == [whole.count(b"\n")]
    keys = [request.headers["idempotency-key"] for request in service.received if request.json()["to"] == "+3"]
    assert len(keys) == 3
    assert len(set(keys)) == 1


CHANGED = {
    "a row": "to,text,X-Campaign\n+1,Hi,c\n+9,Hi,c\n+3,Hi,c\n",
    "the order": "to,text,X-Campaign\n+2,Hi,c\n+1,Hi,c\n+3,Hi,c\n",
    "the columns": "text,to,X-Campaign\nHi,+1,c\nHi,+2,c\nHi,+3,c\n",
    "fewer rows": "to,text,X-Campaign\n+1,Hi,c\n+2,Hi,c\n",
    "a broken row": "to,text,X-Campaign\n+1,Hi\n+2,Hi,c\n+3,Hi,c\n",
}


@pytest.mark.usefixtures("documents")
@pytest.mark.parametrize("rows", CHANGED.values(), ids=CHANGED.keys())
def test_rows_that_have_changed_are_refused(shell: Shell, folder: Path, service: LoopbackService, rows: str) -> None:
    """What was called must still be what it was; the file of outcomes stays as it is."""
    write(folder, ROWS)
    shell(*BATCH)
    before = (folder / "out.jsonl").read_bytes()
    write(folder, rows)

    done = shell(*BATCH)

    assert (done.code, len(service.received)) == (2, 3)
    assert "rows.csv has changed" in done.err
    assert (folder / "out.jsonl").read_bytes() == before


@pytest.mark.usefixtures("documents")
def test_rows_may_be_added(shell: Shell, folder: Path, service: LoopbackService) -> None:
    """What stands behind the rows that are done is called."""
    write(folder, ROWS)
    shell(*BATCH)
    write(folder, ROWS + "+4,Hi,c\n")

    assert shell.json(*BATCH)["calls"] == 1
    assert received(service)[-1] == "+4"


@pytest.mark.usefixtures("documents")
def test_changed_rows_of_the_standard_input_are_noticed(shell: Shell, service: LoopbackService) -> None:
    """They are refused as soon as they are read."""
    batch = ("batch", "sms.json", "-", "--rows-format", "csv", "--out", "out.jsonl")
    shell(*batch, stdin=ROWS)

    done = shell(*batch, stdin=ROWS.replace("+2", "+9"))

    assert (done.code, len(service.received)) == (2, 3)
    assert "row 2 was another one" in done.err


@pytest.mark.usefixtures("documents")
@pytest.mark.parametrize(
    "more",
    [["--values", "points=1"], ["--path", "x"], ["--rows-format", "jsonl"], ["--delivery-id-from", "to"]],
    ids=lambda more: more[0],
)
def test_another_batch_does_not_go_on(shell: Shell, folder: Path, service: LoopbackService, more: list[str]) -> None:
    """With other values, another path or other columns the delivery ids would mean something else."""
    write(folder, ROWS)
    shell(*BATCH)

    done = shell(*BATCH, *more)

    assert (done.code, len(service.received)) == (2, 3)
    assert "the outcomes of another batch" in done.err


FOREIGN = {
    "no note": (b"notes\n", None),
    "a torn note": (b"", b'{"wayhook": 1'),
    "no outcomes": (b"notes\n", ...),
    "a row from nowhere": (
        b'{"row": 99999999, "digest": "0", "status": "s", "delivery": "d", "succeeded": true}\n',
        ...,
    ),
    "no row": (b'{"row": 0, "digest": "0", "status": "s", "delivery": "d", "succeeded": true}\n', ...),
    "deep": (b"[" * 100_000 + b"\n", ...),
}


@pytest.mark.usefixtures("documents")
@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_of_something_else_is_left_alone(
    shell: Shell, folder: Path, service: LoopbackService, name: str
) -> None:
    """It is refused in a sentence, and not changed."""
    content, note = FOREIGN[name]
    write(folder, ROWS)
    shell(*BATCH)
    (folder / "out.jsonl").write_bytes(content)
    if note is None:
        (folder / "out.jsonl.batch").unlink()
    elif note is not ...:
        (folder / "out.jsonl.batch").write_bytes(note)

    done = shell(*BATCH)

    assert (done.code, len(service.received)) == (2, 3)
    assert "choose another file with --out" in done.err
    assert (folder / "out.jsonl").read_bytes() == content


@pytest.mark.usefixtures("documents")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["batch", "sms.json"], "give an action and a file with rows"),
        (["batch", "sms.json", "rows.csv", "a", "b"], "give an action and a file with rows"),
        (["batch", "sms.json", "nowhere.csv"], "nowhere.csv cannot be read"),
        (["batch", "sms.json", "rows.txt"], "say with --rows-format whether it is csv or jsonl"),
        (["batch", "sms.json", "rows.csv", "--out", "out.txt"], "say with --out-format"),
        (["batch", "sms.json", "rows.csv", "--out", "nowhere/out.csv"], "out.csv cannot be used: No such file"),
        (["batch", "sms.json", "rows.csv", "--concurrency", "0"], "give a whole number from 1"),
        (["batch", "sms.json", "rows.csv", "--delimiter", ";;"], "give one sign"),
        (["batch", "sms.json", "rows.csv", "--rows-format", "xml"], "give one of csv, jsonl"),
        (["batch", "welcome.json", "day1", "rows.csv", "--with", "sms.json", "--path", "a"], "leave --values"),
    ],
)
def test_a_batch_that_cannot_be_carried_out(
    shell: Shell, folder: Path, service: LoopbackService, arguments: list[str], words: str
) -> None:
    """It is said in a sentence; nothing is sent."""
    write(folder, ROWS)

    done = shell(*arguments)

    assert (done.code, service.received) == (2, [])
    assert words in done.err


@pytest.mark.usefixtures("documents")
def test_rows_with_one_delivery_id_are_told(shell: Shell, folder: Path) -> None:
    """A receiver would take them for one; one without an id, and a column that is not there, are told as well."""
    write(folder, "to,text,X-Campaign,id\n+1,Hi,c,a\n+2,Hi,c,a\n+3,Hi,c,\n")

    twice = shell.json(*BATCH, "--delivery-id-from", "id")["error"]
    nowhere = shell.json(*BATCH, "--delivery-id-from", "key", "--ignore-unknown")["error"]

    assert [violation["path"] for violation in twice["violations"]] == ["row 2", "row 3, column id"]
    assert "there is no column 'key'" in nowhere["message"]


@pytest.mark.usefixtures("documents")
def test_a_missing_secret_ends_a_batch_before_it_begins(
    shell: Shell, folder: Path, service: LoopbackService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No row becomes an outcome of its own for that."""
    write(folder, ROWS)
    monkeypatch.delenv("SMS_KEY")

    done = shell(*BATCH)

    assert (done.code, service.received, (folder / "out.jsonl").read_bytes()) == (2, [], b"")
    assert "set the environment variable SMS_KEY" in done.err


@pytest.mark.usefixtures("documents")
def test_a_broken_definition_ends_a_batch_before_it_begins(
    shell: Shell, folder: Path, service: LoopbackService
) -> None:
    """An action that breaks the rules is told once."""
    (folder / "sms.json").write_text(wh.dumps(send_sms(service.url)).replace("/v1", "/v1#top"))
    write(folder, ROWS)

    done = shell(*BATCH)

    assert (done.code, service.received) == (1, [])
    assert "$.url_configuration.url" in done.err


@pytest.mark.usefixtures("documents")
def test_values_of_a_file_are_part_of_the_batch(shell: Shell, folder: Path) -> None:
    """What is shared is compared by what it is: another content is another batch, another name for it is none."""
    write(folder, "to,X-Campaign\n+1,c\n")
    (folder / "values.json").write_text('{"text": "Hi"}')

    first = shell(*BATCH, "--values", "@values.json")
    same = shell(*BATCH, "--values", "text=Hi")
    (folder / "values.json").write_text('{"text": "Ho"}')
    other = shell(*BATCH, "--values", "@values.json")

    assert (first.code, same.code, other.code) == (0, 0, 2)


async def test_a_batch_works_in_another_thread(shell: Shell, documents: Path) -> None:
    """Where no signal comes, nobody listens for one."""
    write(documents, ROWS)

    done = await asyncio.to_thread(shell, *BATCH)

    assert done.code == 0


@pytest.mark.usefixtures("documents")
def test_rows_come_through_a_pipe(folder: Path, environment: dict[str, str], service: LoopbackService) -> None:
    """What can be read once is read once, and called."""
    os.mkfifo(folder / "pipe")
    process = subprocess.Popen(
        [*COMMAND, "batch", "sms.json", "pipe", "--rows-format", "csv", "--out", "out.jsonl"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    (folder / "pipe").write_text(ROWS)
    _, err = process.communicate(timeout=60)

    assert (process.returncode, len(service.received)) == (0, 3), err


class Slow:
    """A service that answers some at once, and the others when it is told to."""

    def __init__(self, quick: int) -> None:
        self.quick = quick

    def respond(self, request: Received) -> Answer:
        """Answer the first ones at once."""
        self.quick -= 1
        return Answer(202, {"id": "m"}, delay=0 if self.quick >= 0 else 30)


MANY = "to,text,X-Campaign\n" + "".join(f"+{number},Hi,c\n" for number in range(1, 101))
SLOW_BATCH = (*BATCH, "--concurrency", "5")


def until_called(service: LoopbackService, count: int, process: subprocess.Popen[str]) -> None:
    """Wait until the service was called so often."""
    while len(service.received) < count:
        assert process.poll() is None, process.communicate()
        os.sched_yield()


def test_a_batch_that_was_killed_goes_on(folder: Path, environment: dict[str, str]) -> None:
    """After kill -9 no row is lost, and none is called twice but those under way, which keep their delivery ids."""
    write(folder, MANY)
    slow = Slow(40)
    with LoopbackService(slow.respond) as service:
        (folder / "sms.json").write_text(wh.dumps(send_sms(service.url)))
        killed = subprocess.Popen([*COMMAND, *SLOW_BATCH], env=environment, stderr=subprocess.PIPE, text=True)
        until_called(service, 45, killed)
        known = (folder / "out.jsonl").read_bytes().count(b"\n")
        killed.kill()
        killed.communicate()
        kept = len((folder / "out.jsonl").read_bytes().splitlines())
        slow.quick = 1000

        done = run(*SLOW_BATCH, "--json", env=environment)

        times = Counter(request.json()["to"] for request in service.received)
        keys = Counter((request.json()["to"], request.headers["idempotency-key"]) for request in service.received)
    rows = [line["row"] for line in lines(folder / "out.jsonl")]
    assert done.returncode == 0, done.stderr
    assert sorted(rows) == list(range(1, 101))
    assert set(times) == {f"+{number}" for number in range(1, 101)}
    twice = [to for to, count in times.items() if count > 1]
    assert 5 <= len(twice) <= 10
    assert max(times.values()) == 2
    assert len(keys) == 100
    assert known <= kept <= 40
    assert json.loads(done.stdout)["calls"] == 100 - kept


def test_control_c_lets_calls_end(folder: Path, environment: dict[str, str]) -> None:
    """The calls under way are finished and written down; the exit code is 130, and a second run does the rest."""
    write(folder, MANY)
    answered: list[Received] = []

    def respond(request: Received) -> Answer:
        answered.append(request)
        return Answer(202, {"id": "m"}, delay=0.5)

    with LoopbackService(respond) as service:
        (folder / "sms.json").write_text(wh.dumps(send_sms(service.url)))
        stopped = subprocess.Popen(
            [*COMMAND, *SLOW_BATCH, "--json"],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        until_called(service, 5, stopped)
        stopped.send_signal(signal.SIGINT)
        out, err = stopped.communicate(timeout=60)
        called = len(service.received)
        rest = run(*SLOW_BATCH, "--json", "--concurrency", "100", env=environment)

        times = Counter(request.json()["to"] for request in service.received)
    assert stopped.returncode == 130, err
    assert json.loads(out)["interrupted"] is True
    assert json.loads(out)["rows"]["delivered"] == called
    assert "finishing 5 calls under way" in err
    assert "Traceback" not in err
    assert (rest.returncode, set(times.values()), len(times)) == (0, {1}, 100)


def test_a_second_control_c_leaves_calls(folder: Path, environment: dict[str, str]) -> None:
    """They are called again by the next run, with their delivery ids."""
    write(folder, MANY)
    slow = Slow(0)
    with LoopbackService(slow.respond) as service:
        (folder / "sms.json").write_text(wh.dumps(send_sms(service.url)))
        with Terminal([*COMMAND, *SLOW_BATCH], env=environment) as terminal:
            terminal.until("calls")
            while len(service.received) < 5:
                os.sched_yield()
            terminal.type("\x03")
            terminal.until("Control-C again leaves them")
            terminal.type("\x03")
            code = terminal.wait()

        keys = {request.headers["idempotency-key"] for request in service.received}
        slow.quick = 1000
        run(*SLOW_BATCH, env=environment)
    assert code == 130
    assert "stopped; what was done is kept" in terminal.shown
    assert "Traceback" not in terminal.shown
    assert len(service.received) == 105
    assert keys <= {line["delivery_id"] for line in lines(folder / "out.jsonl")}


def test_two_batches_do_not_share_a_file(folder: Path, environment: dict[str, str]) -> None:
    """The second one is refused while the first one works."""
    write(folder, MANY)
    with LoopbackService(Slow(0).respond) as service:
        (folder / "sms.json").write_text(wh.dumps(send_sms(service.url)))
        first = subprocess.Popen([*COMMAND, *SLOW_BATCH], env=environment, stderr=subprocess.PIPE, text=True)
        until_called(service, 5, first)

        second = run(*SLOW_BATCH, env=environment)

        first.kill()
        first.communicate()
    assert second.returncode == 2
    assert "another batch is working on out.jsonl" in second.stderr


def test_a_slow_source_holds_nobody_up(folder: Path, environment: dict[str, str]) -> None:
    """A row of the standard input is called while the next one is waited for."""
    (folder / "welcome.json").write_text(wh.dumps(welcome()))
    with LoopbackService(lambda _: Answer(202)) as service:
        (folder / "sms.json").write_text(wh.dumps(send_sms(service.url)))
        process = subprocess.Popen(
            [*COMMAND, "batch", "sms.json", "-", "--rows-format", "jsonl"],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        found = []
        for number in range(3):
            process.stdin.write(json.dumps({"to": f"+{number}", "text": "Hi", "X-Campaign": "c"}) + "\n")
            process.stdin.flush()
            found.append(json.loads(process.stdout.readline()))
        _, err = process.communicate(timeout=60)

    assert process.returncode == 0, err
    assert [(line["row"], line["status"]) for line in found] == [(1, "http_202"), (2, "http_202"), (3, "http_202")]


def test_control_c_ends_a_batch_that_waits_for_rows(folder: Path, environment: dict[str, str]) -> None:
    """Nothing waits for the end of an input that does not come."""
    with LoopbackService(lambda _: Answer(202)) as service:
        (folder / "sms.json").write_text(wh.dumps(send_sms(service.url)))
        process = subprocess.Popen(
            [*COMMAND, "batch", "sms.json", "-", "--rows-format", "jsonl", "--out", "out.jsonl"],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        process.stdin.write('{"to": "+1", "text": "Hi", "X-Campaign": "c"}\n')
        process.stdin.flush()
        until_called(service, 1, process)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
        _, err = process.communicate()

    assert process.returncode == 130
    assert "Traceback" not in err
    assert "Fatal" not in err
    assert [line["row"] for line in lines(folder / "out.jsonl")] == [1]


def test_a_full_disk_ends_a_batch(folder: Path, environment: dict[str, str]) -> None:
    """What cannot be written down is told, and nothing more is sent than is under way."""
    write(folder, MANY)
    with LoopbackService(lambda _: Answer(202, {"id": "m"})) as service:
        (folder / "sms.json").write_text(wh.dumps(send_sms(service.url)))
        limited = f"import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); \
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)); \
from wayhook.cli.command import main; raise SystemExit(main({list(SLOW_BATCH)!r}))"
        done = subprocess.run(
            [COMMAND[0], "-c", limited], env=environment, capture_output=True, text=True, check=False, timeout=60
        )

        assert done.returncode == 2
        assert "out.jsonl cannot be used: File too large" in done.stderr
        assert "Traceback" not in done.stderr
        again = run(*SLOW_BATCH, "--json", env=environment)

        keys = Counter((request.json()["to"], request.headers["idempotency-key"]) for request in service.received)
    assert again.returncode == 0
    assert len(keys) == 100
    assert SECRET not in done.stderr + again.stdout
