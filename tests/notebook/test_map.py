"""An action called for a table of rows: order, values, paths, names, journeys, and everywhere without `await`."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from operator import itemgetter
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

import wayhook as wh
from wayhook.testing import Answer, FakeConsent, FakeSecrets, FakeTransport, LoopbackService, RecordingSink

pytestmark = pytest.mark.usefixtures("_leaves_no_thread")
ROWS = [{"to": f"n{number}", "text": "Hi"} for number in range(30)]


def _bodies(results: wh.Results | wh.Calls) -> list[str]:
    calls = [item if isinstance(item, wh.Call) else item.call for item in results]
    return [call.body.decode() for call in calls if call is not None and call.body is not None]


def _sockets() -> int:
    """The sockets that this process has open."""
    names = [os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]  # noqa: PTH115
    return sum(name.startswith("socket:") for name in names)


def test_a_thousand_rows_over_real_sockets(live: wh.Action, service: LoopbackService, loopback: wh.Guardrails) -> None:
    """Each row is called once, and its outcome stands at its place; failures are among them."""
    rows = [{"to": f"{'bad' if number % 7 == 0 else 'n'}{number}", "text": "Hi"} for number in range(1000)]

    results = wh.map(live, rows, guardrails=loopback, concurrency=50, progress=False)

    assert len(results) == 1000
    assert [outcome.index for outcome in results] == list(range(1000))
    assert sorted(received.json()["to"] for received in service.received) == sorted(row["to"] for row in rows)
    for row, outcome in zip(rows, results, strict=True):
        wanted = {"error": f"unknown {row['to']}"} if row["to"].startswith("bad") else {
            "id": f"m-{row['to']}", "cost": {"amount": 0.5, "units": 2},
        }  # fmt: skip
        assert outcome.response == wanted
    assert (len(results.succeeded), len(results.failed)) == (857, 143)


@pytest.mark.parametrize(
    "rows",
    [
        lambda: ROWS,
        lambda: (row for row in ROWS),
        lambda: pd.DataFrame(ROWS),
        lambda: pl.DataFrame(ROWS),
        lambda: map(dict, ROWS),
    ],
    ids=["a list", "a generator", "pandas", "polars", "a map"],
)
def test_rows_come_in_many_ways(action: wh.Action, rows: Callable[[], Any]) -> None:
    """They make the same calls, in the same order."""
    results = wh.map(action, rows(), transport=FakeTransport(), progress=False)

    assert _bodies(results) == [f'{{"to":"n{number}","text":"Hi"}}' for number in range(30)]


@pytest.mark.parametrize("rows", [[], iter([]), pd.DataFrame(), pd.DataFrame(columns=["to"]), pl.DataFrame()])
def test_no_rows_have_no_outcomes(action: wh.Action, rows: Any) -> None:
    """An empty table is a table."""
    transport = FakeTransport()

    results = wh.map(action, rows, transport=transport, progress=False)

    assert (len(results), list(results), results.to_records(), transport.requests) == (0, [], [], [])
    assert results.summary()["rows"] == 0


async def test_it_works_inside_of_a_running_loop(live: wh.Action, loopback: wh.Guardrails) -> None:
    """As in a notebook: without await; the loop has no task more than before, and no socket is left."""
    tasks, sockets = asyncio.all_tasks(), _sockets()

    results = wh.map(live, ROWS, guardrails=loopback, progress=False)

    assert all(outcome.succeeded for outcome in results)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == tasks
    assert _sockets() <= sockets + len(ROWS)  # those of the service, at its end


def test_it_works_in_several_threads_at_once(live: wh.Action, loopback: wh.Guardrails) -> None:
    """Each has a loop, an executor and outcomes of its own."""
    found: dict[int, wh.Results] = {}

    def run(number: int) -> None:
        rows = [{"to": f"t{number}-{i}", "text": "Hi"} for i in range(20)]
        found[number] = wh.map(live, rows, guardrails=loopback, progress=False)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {number: [o.response["id"] for o in results] for number, results in found.items()} == {
        number: [f"m-t{number}-{i}" for i in range(20)] for number in range(4)
    }


def test_a_script_of_a_few_lines_runs() -> None:
    """With nothing but the rows and the action, and warnings as errors; the bar is on the error stream."""
    program = """
import wayhook as wh
from wayhook.testing import LoopbackService
with LoopbackService() as service:
    rails = wh.Guardrails.standard(network=wh.NetworkPolicy(loopback=True))
    action = wh.Action(name="Ping", url_configuration=wh.UrlConfiguration(service.url, method="GET"))
    print(wh.map(action, [{}] * 5, guardrails=rails))
"""

    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "<Results of Ping: 5 rows, 5 succeeded, 0 failed>\n")
    assert "Ping: 100%" in done.stderr
    assert "delivered=5, failed=0" in done.stderr


def test_columns_are_found_by_name_or_label(action: wh.Action) -> None:
    """A header and a parameter by what the marketer calls them, another by its own name."""
    rows = pd.DataFrame({"Campaign": ["c1"], "to": ["a"], "Message": ["Hi"], "Priority": [3]})

    (call,) = wh.map(action, rows, dry_run=True)

    assert (dict(call.headers)["X-Campaign"], call.body) == ("c1", b'{"to":"a","text":"Hi","priority":3}')


def test_a_name_comes_before_a_label() -> None:
    """A column that is the name of one variable and the label of another fills the one that it names."""
    action = wh.Action(
        name="A",
        url_configuration=wh.UrlConfiguration("https://h.example"),
        message_parameters=wh.message_parameters({"a": "", "b": ""}, variables={"a": "b", "b": "a"}),
    )

    (call,) = wh.map(action, [{"a": "1", "b": "2"}], dry_run=True)

    assert call.body == b'{"a":"1","b":"2"}'


def test_names_that_are_not_alone_have_their_place() -> None:
    """A header, a query parameter and a parameter of one name are told apart as in `wayhook.call`."""
    action = wh.Action(
        name="A",
        url_configuration=wh.UrlConfiguration(
            "https://h.example", headers={"n": wh.variable()}, query_parameters={"n": wh.variable()}
        ),
        message_parameters=wh.message_parameters({"n": ""}, variables={"n": ""}),
    )

    (call,) = wh.map(action, [{"header:n": "1", "query:n": "2", "parameter:n": "3"}], dry_run=True)

    assert (dict(call.headers)["n"], call.url, call.body) == ("1", "https://h.example?n=2", b'{"n":"3"}')


def test_rows_may_have_different_columns(action: wh.Action) -> None:
    """Each is read by its own."""
    rows = [{"to": "a", "text": "1"}, {"Message": "2", "Recipient": "b", "priority": 2}]

    results = wh.map(action, rows, dry_run=True)

    assert _bodies(results) == ['{"to":"a","text":"1"}', '{"to":"b","text":"2","priority":2}']


def test_some_values_are_the_same_for_all_rows(action: wh.Action) -> None:
    """By the name or the label of the variable."""
    results = wh.map(action, [{"to": "a"}, {"to": "b"}], values={"Message": "Hi", "X-Campaign": "c"}, dry_run=True)

    assert _bodies(results) == ['{"to":"a","text":"Hi"}', '{"to":"b","text":"Hi"}']
    assert {dict(call.headers)["X-Campaign"] for call in results} == {"c"}


FRAME = pd.DataFrame({"to": ["a", "b"], "text": ["1", "2"], "below": ["p/1", "p/2"]})


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("all", ["all", "all"]),
        (FRAME["below"], ["p/1", "p/2"]),
        (pl.Series(["p/1", "p/2"]), ["p/1", "p/2"]),
        (["p/1", "p/2"], ["p/1", "p/2"]),
        (dict.fromkeys(["p/1", "p/2"]).keys(), ["p/1", "p/2"]),
        (itemgetter("below"), ["p/1", "p/2"]),
        (lambda row: f"{row['to']}-{row['text']}", ["a-1", "b-2"]),
    ],
    ids=["a text", "a column", "a column of polars", "a list", "a view", "a getter", "a function"],
)
@pytest.mark.parametrize("rows", [FRAME, pl.DataFrame(FRAME.to_dict("list")), FRAME.to_dict("records")])
@pytest.mark.filterwarnings("ignore:these columns fill no variable")  # of lists that are no column of the frame
def test_a_path_is_one_or_one_for_each_row(action: wh.Action, path: Any, wanted: list[str], rows: Any) -> None:
    """A function is given the whole row, with columns that fill no variable."""
    results = wh.map(action, rows, path=path, dry_run=True)

    assert [call.url.partition("?")[0].removeprefix("https://sms.example.com/v1/") for call in results] == wanted


def test_actions_are_looked_up_by_name(repository: wh.MemoryRepository) -> None:
    """In the repository, once for all rows; what is not there raises before a row is read."""
    rows = iter([{"text": "a"}])

    with pytest.raises(wh.NotFound):
        wh.map("Nobody", rows, repository=repository, transport=FakeTransport())
    results = wh.map("Greet", rows, repository=repository, transport=FakeTransport(), progress=False)

    assert _bodies(results) == ['{"text":"a"}']


@pytest.fixture
async def repository() -> wh.MemoryRepository:
    """A repository with an action and a journey that uses it."""
    kept = wh.MemoryRepository()
    await kept.save(
        wh.Action(
            name="Greet",
            url_configuration=wh.UrlConfiguration("https://api.example.com/greet"),
            message_parameters=wh.message_parameters({"text": "Hello"}, variables={"text": "Text"}),
            response=wh.payload({"at": "x"}),
            required_marketing_action="sms",
        )
    )
    hello = wh.ActionActivity("Greet", label="hello", parameters={"text": wh.expression("@event{Signup.name}")})
    now = wh.ActionActivity("Greet", label="now", parameters={"text": wh.expression("toString(now())")})
    await kept.save(wh.Journey("Welcome", [hello, now], timeout=5))
    return kept


@pytest.mark.parametrize("is_named", [True, False])
async def test_a_journey_is_executed_for_contexts(repository: wh.MemoryRepository, *, is_named: bool) -> None:
    """Each context has its outcome, which its later activities read, as in a batch."""
    journey = "Welcome" if is_named else (await repository.get(wh.Journey, "Welcome")).value
    people = [wh.Context({"Signup": {"name": f"n{number}"}}) for number in range(5)]

    results = wh.map(journey, people, label="hello", repository=repository, transport=FakeTransport(), progress=False)

    assert _bodies(results) == [f'{{"text":"n{number}"}}' for number in range(5)]
    assert {(outcome.journey, outcome.label) for outcome in results} == {("Welcome", "hello")}
    assert all(person.actions["Greet"]["jo_status_code"] == "http_200" for person in people)


def test_contexts_are_judged_before_anything_is_sent(repository: wh.MemoryRepository) -> None:
    """What is no context, and what its expression does not find, is told for each row."""
    transport = FakeTransport()
    people = [wh.Context({"Signup": {"name": "a"}}), wh.Context({"Signup": {"name": 7}}), {"Signup": {}}]

    with pytest.raises(wh.WrongType) as caught:
        wh.map("Welcome", people, label="hello", repository=repository, transport=transport)

    assert [violation.path for violation in caught.value.violations] == ["$.rows[1].parameters.text", "$.rows[2]"]
    assert transport.requests == []


def test_a_journey_reads_the_time(repository: wh.MemoryRepository) -> None:
    """A context without one is judged and executed as of now."""
    results = wh.map(
        "Welcome", [wh.Context()], label="now", repository=repository, transport=FakeTransport(), progress=False
    )

    assert results[0].succeeded


def test_consent_is_asked_in_a_journey(repository: wh.MemoryRepository) -> None:
    """Who did not agree is left out, and has neither succeeded nor failed."""
    results = wh.map(
        "Welcome",
        [wh.Context({"Signup": {"name": "a"}})],
        label="hello",
        repository=repository,
        transport=FakeTransport(),
        consent=FakeConsent("sms"),
        progress=False,
    )

    assert (results[0].status, len(results.succeeded), len(results.failed)) == ("excluded", 0, 0)
    assert results.summary()["left_out"] == 1


def test_it_takes_what_an_executor_takes(live: wh.Action, service: LoopbackService, loopback: wh.Guardrails) -> None:
    """Secrets, a limiter, sinks and a transport by its name."""
    action = wh.Action(
        name=live.name,
        url_configuration=live.url_configuration,
        message_parameters=live.message_parameters,
        authentication=wh.ApiKeyAuthentication("X-Key", wh.secret("env:K")),
    )
    sink = RecordingSink()
    limiter = wh.WindowLimiter([wh.CappingRule(f"{service.url}/*", wh.Rating(7, 3_600_000))])

    results = wh.map(
        action,
        ROWS,
        guardrails=loopback,
        secrets=FakeSecrets({"env:K": "s3cr3t"}),
        limiter=limiter,
        events=(sink for sink in [sink]),
        transport="wire",
        progress=False,
    )

    assert results.tally == {"http_202": 7, "capped": 23}
    assert {received.headers["x-key"] for received in service.received} == {"s3cr3t"}
    assert len(sink.outcomes) == 30
    assert "s3cr3t" not in f"{results!r}{list(results)}{results.to_records()}{results._repr_html_()}"


def test_a_timeout_is_that_of_each_call(loopback: wh.Guardrails) -> None:
    """A service that does not answer one row ends that call, and the others have their answers."""

    def slow(request: Any) -> Answer:
        return Answer(delay=30 if b"n3" in request.body else 0)

    with LoopbackService(slow) as service:
        action = wh.Action(
            name="A",
            url_configuration=wh.UrlConfiguration(service.url),
            message_parameters=wh.message_parameters({"to": ""}, variables={"to": ""}),
        )
        rows = [{"to": row["to"]} for row in ROWS[:6]]
        results = wh.map(action, rows, guardrails=loopback, timeout=1, concurrency=2, progress=False)

    assert [outcome.status for outcome in results] == ["http_200"] * 3 + ["timedout"] + ["http_200"] * 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a crew needs sockets that a process can inherit")
def test_several_processes_make_the_calls(live: wh.Action, service: LoopbackService, loopback: wh.Guardrails) -> None:
    """With the same outcomes in the same order."""
    frame = pd.DataFrame(ROWS)

    results = wh.map(live, frame, guardrails=loopback, processes=2, path=frame["to"], progress=False)

    assert [outcome.response["id"] for outcome in results] == [f"m-n{number}" for number in range(30)]
    assert sorted(received.path for received in service.received) == sorted(f"/n{number}" for number in range(30))


def test_delivery_ids_are_the_callers_own(action: wh.Action) -> None:
    """By a function of the row, or a column of them, in which an empty cell is a new one."""
    rows = [{"to": "a", "text": "1"}, {"to": "b", "text": "2"}]
    transport = FakeTransport()

    by_function = wh.map(action, rows, transport=transport, delivery_ids=itemgetter("to"), progress=False)
    by_column = wh.map(action, rows, transport=transport, delivery_ids=pd.Series(["x", None]), progress=False)

    assert [outcome.delivery_id for outcome in by_function] == ["a", "b"]
    assert by_column[0].delivery_id == "x"
    assert len(by_column[1].delivery_id) == 32


def test_a_dry_run_renders_everything_and_sends_nothing(
    action: wh.Action, service: LoopbackService, loopback: wh.Guardrails
) -> None:
    """It gives calls in the order of the rows: the bytes that a real run sends."""
    transport = FakeTransport()

    calls = wh.map(action, ROWS, dry_run=True, transport=transport)
    wh.map(action, ROWS, transport=transport, concurrency=1, progress=False)

    assert isinstance(calls, wh.Calls)
    assert [(c.method, c.url, c.headers, c.body) for c in calls] == [
        (r.method, r.url, r.headers, r.body) for r in transport.requests
    ]
    assert repr(calls) == "<30 Calls of SendSms, not sent>"
    assert isinstance(calls[:2], wh.Calls)
    assert calls[:2].to_frame()["body"].tolist() == ['{"to":"n0","text":"Hi"}', '{"to":"n1","text":"Hi"}']


def test_a_dry_run_shows_no_secret() -> None:
    """The label of a secret stands in its place."""
    action = wh.Action(
        name="A",
        url_configuration=wh.UrlConfiguration("https://h.example"),
        authentication=wh.ApiKeyAuthentication("key", wh.literal_secret("canary-7"), location="query"),
    )

    calls = wh.map(action, [{}], dry_run=True)

    assert "canary" not in f"{calls!r}{calls[0]}{calls.to_records()}{calls._repr_html_()}"
    assert "‹" in calls.to_records()[0]["url"]


def test_what_is_wrong_with_the_definition_is_raised(action: wh.Action) -> None:
    """Before a row is read: rules, numbers of the batch, settings."""
    rows = iter(ROWS)

    for settings in ({"timeout": 31}, {"concurrency": 0}, {"processes": 0}, {"guardrails": "standard"}):
        with pytest.raises(wh.DefinitionError):
            wh.map(action, ROWS[:1], transport=FakeTransport(), progress=False, **settings)  # type: ignore[call-overload]
    with pytest.raises(wh.DefinitionError, match="R3"):
        wh.map(wh.Action(name="a b", url_configuration=action.url_configuration), rows, transport=FakeTransport())
    with pytest.raises(wh.DefinitionError, match="an Action or its name is called, not int"):
        wh.map(7, rows, transport=FakeTransport())  # type: ignore[call-overload]

    assert len(list(rows)) == 30


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"label": 7}, r"\$\.label: a text belongs here, not int"),
        ({"values": ["a"]}, r"\$\.values: a mapping by the names of variables belongs here, not list"),
        ({"progress": "bar"}, r'\$\.progress: True, False, "picture" or a function belongs here, not str'),
        ({"strict": 1}, r"\$\.strict: True or False"),
        ({"dry_run": "yes"}, r"\$\.dry_run: True or False"),
        ({"path": 7}, r"\$\.path: give a text, a function of a row, or one for each row"),
        ({"path": ["a"]}, r"\$\.path: this has 1 entries, and there are 2 rows"),
        ({"delivery_ids": "a"}, r"\$\.delivery_ids: one for all rows would make them one call"),
        ({"delivery_ids": ["a", "b", "c"]}, r"\$\.delivery_ids: this has 3 entries, and there are 2 rows"),
        ({"secrets": 7}, r"\$\.secrets: a SecretSource belongs here"),
        ({"label": "a", "path": "p", "timeout": 3}, r"\$\.path: the activity .*\n\$\.timeout: the activity"),
    ],
)
def test_a_setting_that_is_none_is_refused(action: wh.Action, settings: Any, message: str) -> None:
    """With a sentence that says what belongs there."""
    transport = FakeTransport()

    with pytest.raises(wh.DefinitionError, match=message):
        wh.map(action, ROWS[:2], **{"transport": transport, **settings})

    assert transport.requests == []


def test_a_journey_needs_a_label(repository: wh.MemoryRepository) -> None:
    """And an action has none."""
    with pytest.raises(wh.DefinitionError, match=r"\$\.label: a journey has activities; give the label of one"):
        wh.map(wh.Journey("Welcome"), [wh.Context()], repository=repository, transport=FakeTransport())
    with pytest.raises(wh.DefinitionError, match="a Journey or its name belongs here, not Action"):
        wh.map(wh.Action(name="A"), [wh.Context()], label="hello", repository=repository, transport=FakeTransport())


class Named(pd.DataFrame):
    """A table of a library that builds on pandas."""


def test_a_frame_of_a_library_above_is_a_frame(action: wh.Action) -> None:
    """As those of GeoPandas are."""
    assert len(wh.map(action, Named(ROWS), dry_run=True)) == 30


def test_a_warning_names_columns_that_fill_nothing(action: wh.Action) -> None:
    """Once, in the line of the caller, however many rows there are."""
    rows = [{"to": "a", "text": "b", **{f"more{number}": 1 for number in range(10)}}] * 5

    with pytest.warns(UserWarning, match="fill no variable and are not sent: 'more0'.* and 2 more$") as caught:
        wh.map(action, rows, dry_run=True)

    assert [warning.filename for warning in caught] == [__file__]


def test_nothing_is_told_of_columns_that_fill_variables(action: wh.Action) -> None:
    """No warning, and none of the column that the path comes from."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        wh.map(action, ROWS, dry_run=True)


@pytest.mark.parametrize("settings", [{"path": FRAME["below"]}, {"path": itemgetter("below")}])
def test_nothing_is_told_of_a_column_that_the_path_comes_from(action: wh.Action, settings: Any) -> None:
    """Nor of any where a function may read it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        wh.map(action, FRAME, dry_run=True, **settings)
