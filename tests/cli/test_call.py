"""`preview`, `call` and `auth check`: one call, looked at and made, by names and by documents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from shell import SECRET, VALUES, Shell

from wayhook.testing import LoopbackService

ACTION = ("sms.json", *VALUES)
ACTIVITY = ("welcome.json", "day1", "--context", "ann.json", "--with", "sms.json")


@pytest.mark.usefixtures("documents")
def test_a_preview_shows_the_request_and_sends_nothing(shell: Shell, service: LoopbackService) -> None:
    """Method, URL, headers and body as they will be, with the reference in the place of the secret."""
    done = shell("preview", *ACTION, "--path", "messages")

    assert done.code == 0
    assert f"POST {service.url}/v1/messages" in done.out
    assert "X-Api-Key: ‹env:SMS_KEY›" in done.out
    assert '{"to":"+33611111111","text":"Hi","tags":["a"]}' in done.out
    assert service.received == []


@pytest.mark.usefixtures("documents")
def test_what_is_previewed_is_what_is_sent(shell: Shell, service: LoopbackService) -> None:
    """The call has the URL and the body of the preview, for an action as for an activity."""
    for subject in (ACTION, ACTIVITY):
        shown = shell.json("preview", *subject)
        shell("call", *subject)

        assert (service.received[-1].body.decode(), service.received[-1].path) == (shown["body"], "/v1")
        assert shown["url"] == f"{service.url}/v1"
    assert {request.headers["x-api-key"] for request in service.received} == {SECRET}


@pytest.mark.usefixtures("documents")
def test_a_preview_tells_programs_where_each_value_comes_from(shell: Shell) -> None:
    """What the card shows stands in the JSON: source and expression of each value, and what would be repeated."""
    of_action, of_activity = (shell.json("preview", *subject) for subject in (ACTION, ACTIVITY))

    told = {(each["part"], each["name"]): each for each in of_action["origins"]}
    assert (told["payload", "to"]["source"], told["payload", "to"]["text"]) == ("variable", '"+33611111111"')
    assert told["url", ""]["source"] == "constant"
    assert told["header", "X-Api-Key"]["text"] == "‹env:SMS_KEY›"
    assert {"expression"} < {each["source"] for each in of_activity["origins"]}
    assert "@event{Signup.phone}" in {each["expression"] for each in of_activity["origins"]}
    assert (of_action["repetition"], of_action["more_origins"]) == ("evidence", 0)
    assert of_action["timeout"] > 0


@pytest.mark.usefixtures("documents")
def test_a_call_says_how_it_ended(shell: Shell) -> None:
    """Status, delivery, attempts and the declared fields of the answer; as JSON with everything."""
    done = shell("call", *ACTION)
    outcome = shell.json("call", *ACTION, "--delivery-id", "order-7")

    assert done.code == 0
    assert "SendSms http_202 after 1 attempt" in done.out
    assert '"id": "m-+33611111111"' in done.out
    assert outcome["response"] == {"id": "m-+33611111111", "queued": True}
    assert (outcome["delivery_id"], outcome["attempts"][0]["evidence"]) == ("order-7", "delivered")
    assert ["Idempotency-Key", "‹delivery id›"] in outcome["call"]["headers"]


@pytest.mark.usefixtures("documents")
@pytest.mark.parametrize(("to", "status"), [("nobody", "http_422"), ("broken", "http_500")])
def test_a_call_that_is_not_delivered_exits_with_1(shell: Shell, to: str, status: str) -> None:
    """The outcome is shown all the same."""
    done = shell("call", *ACTION, "--values", f"to={to}", "--json")

    assert (done.code, done.json["status"], done.json["succeeded"]) == (1, status, False)


@pytest.mark.usefixtures("kept")
def test_names_are_looked_up_in_the_repository(shell: Shell) -> None:
    """The usual repository of the folder is used without a word."""
    by_action = shell.json("call", "SendSms", *VALUES)
    by_journey = shell.json("call", "Welcome", "day1", "--context", "ann.json")

    assert (by_action["status"], by_action["journey"]) == ("http_202", None)
    assert (by_journey["status"], by_journey["journey"], by_journey["path"]) == ("http_202", "Welcome", "main")


@pytest.mark.usefixtures("documents")
def test_values_come_from_files_and_the_standard_input(shell: Shell, folder: Path) -> None:
    """A JSON object in a file, one on the standard input, and single ones; a later one goes before an earlier one."""
    (folder / "values.json").write_text('\ufeff{"to": "+1", "text": "from a file", "points": 3}')

    shown = shell.json(
        *("preview", "sms.json", "--values", "@values.json", "--values", "-", "--values", "points=4"),
        stdin='{"text": "from stdin", "X-Campaign": "c"}',
    )

    assert json.loads(shown["body"]) == {"to": "+1", "text": "from stdin", "points": 4, "tags": ["a"]}


@pytest.mark.usefixtures("documents")
@pytest.mark.parametrize(
    ("arguments", "path", "words"),
    [
        (["--values", "points=many"], "$.points", "takes an integer"),
        (["--values", "points=1.5"], "$.points", "takes an integer"),
        (["--values", "points=9223372036854775808"], "$.points", "2^63-1"),
        (["--values", "too=1"], "$.too", "did you mean 'to'"),
        (["--values", "X-Campaign=a\nb"], "$.headers.X-Campaign", "line break"),
        (["--path", "../../admin"], "$.path", ""),
        (["--values", "@list.json"], "list.json: $", "a JSON object belongs here"),
        (["--values", "@broken.json"], "broken.json: $", "not JSON at line 1"),
        (["--timeout", "99"], "$.timeout", "a timeout is"),
        (["--delivery-id", "ä"], "$.delivery_id", "visible ASCII"),
    ],
)
def test_values_that_do_not_fit_are_told_with_their_path(
    shell: Shell, service: LoopbackService, arguments: list[str], path: str, words: str
) -> None:
    """Nothing is sent, the exit code is 1, and the violation names the place."""
    Path("list.json").write_text("[]")
    Path("broken.json").write_text('{"a": ')

    done = shell("call", *ACTION, *arguments)
    error = shell.json("call", *ACTION, *arguments)["error"]

    assert (done.code, service.received) == (1, [])
    assert words in done.err
    assert [violation["path"] for violation in error["violations"]] == [path]


@pytest.mark.usefixtures("documents")
def test_all_faults_are_told_at_once(shell: Shell) -> None:
    """Every variable without a value, and every text that is of no use."""
    missing = shell.json("preview", "sms.json")["error"]
    misfits = shell.json("preview", "sms.json", "--values", "points=x", "--values", "points=y")["error"]

    assert {each["path"] for each in missing["violations"]} == {
        "$.headers.X-Campaign", "$.parameters.to", "$.parameters.text"
    }  # fmt: skip
    assert (misfits["kind"], len(misfits["violations"])) == ("WrongType", 2)


@pytest.mark.usefixtures("documents")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["call", "sms.json", "--values", "to"], "--values takes name=value"),
        (["call", "sms.json", "--context", "ann.json"], "a context goes with a journey"),
        (["call", "welcome.json", "day1", "--with", "sms.json"], "give a file with one: --context FILE"),
        (["call", *ACTIVITY, "--values", "to=1"], "an activity says where its values come from"),
        (["call", "welcome.json"], "holds a journey; an action is needed"),
        (["call", "sms.json", "day1", "--context", "ann.json"], "holds an action; a journey is needed"),
        (["call", "nowhere.json"], "nowhere.json cannot be read: No such file"),
        (["call", ".", "--with", "sms.json"], "There is no action named '.'"),
        (["call", "./"], "cannot be read: Is a directory"),
        (["call", "SendSms"], "there is no repository here"),
        (["call", "SendSms", "--repository", "sqlite:///other.db"], "there is no sqlite:///other.db"),
        (["call", "SendSms", "--repository", "carrier:pigeon"], "there is no 'carrier' among the repositories"),
        (
            ["call", "welcome.json", "day2", "--context", "ann.json", "--with", "sms.json"],
            "no activity of Welcome named",
        ),
        (["call", "welcome.json", "day1", "--context", "ann.json"], "There is no action named 'SendSms'"),
        (["call", *ACTION, "--allow", "10.0.0/8"], "--allow: write a network by its first address"),
        (["call", *ACTION, "--allow", "--no-such"], "--allow: a host belongs here"),
        (["call", "n" * 300 + ".json"], ".json cannot be read: File name too long"),
        (["call", "SendSms", "--repository", "sqlite:///" + "n" * 300], "there is no sqlite:///nnn"),
        (["batch", "sms.json", "n" * 300 + ".csv"], ".csv cannot be read: File name too long"),
        (["batch", "sms.json", "rows.csv", "--out", "n" * 300 + ".jsonl"], "rows.csv cannot be read"),
        (["import", "n" * 300], "nnn cannot be read: File name too long"),
        (["preview", "SendSms", "--with", "n" * 300], "nnn cannot be read: File name too long"),
        (["call", "sms.json", "--timeout", "soon"], "give a number of seconds"),
        (["call", "sms.json", "--edition", "my own"], "give one of standard, journey_orchestration"),
        (["call", *ACTION, "--transport", "pigeon"], "pigeon"),
    ],
)
def test_what_cannot_be_carried_out_exits_with_2(shell: Shell, arguments: list[str], words: str) -> None:
    """It is said in a sentence on the error stream; nothing is printed."""
    done = shell(*arguments)

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("wayhook: ")
    assert words in done.err
    assert "Traceback" not in done.err


@pytest.mark.usefixtures("documents")
def test_a_host_that_is_not_allowed_is_not_called(
    shell: Shell, service: LoopbackService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This machine, and private hosts, are called only where somebody allows it: by a word, a host or a port."""
    monkeypatch.delenv("WAYHOOK_ALLOW")

    refused = shell("call", *ACTION)
    looked_at = shell("preview", *ACTION)
    allowed = shell("call", *ACTION, "--allow", f"127.0.0.1:{service.port}")

    assert (refused.code, looked_at.code, allowed.code) == (1, 0, 0)
    assert "$.url_configuration.url" in refused.err
    assert len(service.received) == 1


@pytest.mark.usefixtures("documents")
def test_a_missing_secret_cannot_be_carried_out(
    shell: Shell, service: LoopbackService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The outcome names the variable; the exit code is 2."""
    monkeypatch.delenv("SMS_KEY")

    done = shell("call", *ACTION)

    assert (done.code, service.received) == (2, [])
    assert "env:SMS_KEY" in done.out


@pytest.mark.usefixtures("documents")
def test_no_option_takes_a_secret(shell: Shell) -> None:
    """The key of an action is no variable, so that a value for it is refused."""
    done = shell("call", *ACTION, "--values", "X-Api-Key=stolen")

    assert done.code == 1
    assert "the action has no such variable" in done.err


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("named", ["crm", "crm.json"])
def test_a_token_is_asked_for_and_not_shown(shell: Shell, service: LoopbackService, named: str) -> None:
    """One token call, how long its token is good, and nothing of the token."""
    done = shell("auth", "check", named)
    outcome = shell.json("auth", "check", named, shape="auth check")

    assert done.code == 0
    assert "crm: a token came, good for 3,600 seconds, until 20" in done.out
    assert (outcome["lifetime"], outcome["succeeded"]) == (3600.0, True)
    assert "canary-token" not in done.out + json.dumps(outcome)
    assert [request.path for request in service.received] == ["/token", "/token"]


@pytest.mark.usefixtures("kept")
def test_an_authentication_that_brings_no_token_is_told(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong credentials exit with 1 and the answer's status; an API key makes no call of its own."""
    monkeypatch.setenv("SMS_KEY", "wrong")

    refused = shell("auth", "check", "crm")
    needless = shell("auth", "check", "SendSms")

    assert (refused.code, needless.code) == (1, 1)
    assert "crm http_401" in refused.out
    assert "makes no call of its own" in needless.err
