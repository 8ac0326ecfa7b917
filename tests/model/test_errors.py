"""The error tree: its shape, its sentences, and that every error survives a pickle."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime

import pytest

import wayhook as wh

CANARY = "canary-7f3a"
FOUND = [wh.Violation("$.name", "give the action a name", "R1"), wh.Violation("$", "something else")]
CALL = wh.preview(
    wh.Action(
        name="A",
        url_configuration=wh.UrlConfiguration("https://h.example"),
        authentication=wh.BasicAuthentication("joe", wh.secret("env:PASSWORD")),
    )
)
OUTCOME = wh.Outcome(
    "A",
    "http_500",
    call=CALL,
    attempts=(wh.Attempt(1, wh.Evidence.PERMANENT, 500, "", 0.0, 0.25),),
    received=wh.Response(500, (("a", "b"),), b"no"),
    cause=wh.Rejected("no"),
)

ERRORS = [
    wh.WayhookError("all"),
    wh.DefinitionError(FOUND),
    wh.DocumentError(FOUND),
    wh.ExpressionError("what is this", text="a ?", line=1, column=3, expected=("'+'", "the end")),
    wh.RenderError(FOUND),
    wh.MissingValue(FOUND),
    wh.WrongType(FOUND),
    wh.UnsafeCall(FOUND),
    wh.RepositoryError("no"),
    wh.NotFound("action", "A"),
    wh.Conflict("action", "A", 1, 2),
    wh.StillInUse("action", "A", ("J", "K")),
    wh.StoreUnavailable("newer"),
    wh.ExecutionError("no", OUTCOME),
    wh.AuthenticationFailed("no", OUTCOME),
    wh.SecretMissing("no"),
    wh.TimedOut("late", OUTCOME),
    wh.Discarded("capped", OUTCOME),
    wh.LimitsUnavailable("away", OUTCOME),
    wh.DestinationUnavailable("down", OUTCOME, datetime(2030, 1, 1, tzinfo=UTC)),
    wh.ConnectionFailed("gone", OUTCOME),
    wh.Rejected("http_500", OUTCOME),
    wh.TransportError("reset", wh.Evidence.AMBIGUOUS),
    wh.TransportError("no file descriptor is free", wh.Evidence.NEVER_SENT, local=True),
    wh.MissingExtra("pip install wayhook[sql]"),
]


def public_errors() -> set[type]:
    """The error classes that the front door shows, warnings aside."""
    found = {getattr(wh, name) for name in wh.__all__}
    return {
        value
        for value in found
        if isinstance(value, type) and issubclass(value, Exception) and not issubclass(value, Warning)
    }


def test_every_public_error_is_looked_at_here() -> None:
    """The list of this module is the whole tree."""
    assert {type(error) for error in ERRORS} == public_errors()


@pytest.mark.parametrize(
    ("error", "parents"),
    [
        (wh.WayhookError, {Exception}),
        (wh.DefinitionError, {wh.WayhookError, ValueError}),
        (wh.DocumentError, {wh.DefinitionError}),
        (wh.ExpressionError, {wh.WayhookError, ValueError}),
        (wh.RenderError, {wh.WayhookError}),
        (wh.MissingValue, {wh.RenderError, LookupError}),
        (wh.WrongType, {wh.RenderError, TypeError}),
        (wh.UnsafeCall, {wh.RenderError, ValueError}),
        (wh.RepositoryError, {wh.WayhookError}),
        (wh.NotFound, {wh.RepositoryError, LookupError}),
        (wh.Conflict, {wh.RepositoryError}),
        (wh.StillInUse, {wh.RepositoryError}),
        (wh.StoreUnavailable, {wh.RepositoryError}),
        (wh.ExecutionError, {wh.WayhookError}),
        (wh.AuthenticationFailed, {wh.ExecutionError}),
        (wh.SecretMissing, {wh.ExecutionError, LookupError}),
        (wh.TimedOut, {wh.ExecutionError, TimeoutError}),
        (wh.Discarded, {wh.ExecutionError}),
        (wh.LimitsUnavailable, {wh.ExecutionError}),
        (wh.ConnectionFailed, {wh.ExecutionError}),
        (wh.Rejected, {wh.ExecutionError}),
        (wh.TransportError, {wh.WayhookError}),
        (wh.MissingExtra, {wh.WayhookError, ImportError}),
    ],
)
def test_an_error_is_caught_by_its_parents(error, parents) -> None:
    """Who catches a branch, or the matching error of Python, catches the leaf."""
    assert all(issubclass(error, parent) for parent in parents)
    assert issubclass(error, wh.WayhookError)


def test_the_branches_are_apart() -> None:
    """What one branch catches, no other does."""
    branches = (wh.DefinitionError, wh.ExpressionError, wh.RenderError, wh.RepositoryError, wh.ExecutionError)

    for error in public_errors():
        assert sum(issubclass(error, branch) for branch in branches) <= 1


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
def test_an_error_survives_a_pickle(error, protocol) -> None:
    """Class, sentence and every part come back."""
    back = pickle.loads(pickle.dumps(error, protocol))

    assert type(back) is type(error)
    assert str(back) == str(error)
    assert {key: repr(value) for key, value in vars(back).items()} == {
        key: repr(value) for key, value in vars(error).items()
    }


def test_an_error_of_a_call_with_a_literal_secret_survives_a_pickle() -> None:
    """An outcome of a call made with a literal secret travels between processes, and the secret does not."""
    action = wh.Action(
        name="A",
        url_configuration=wh.UrlConfiguration("https://h.example"),
        authentication=wh.BasicAuthentication("joe", wh.literal_secret(CANARY)),
    )
    error = wh.Rejected("no", wh.Outcome("A", "http_500", call=wh.preview(action), received=wh.Response(500)))

    pickled = pickle.dumps(error)

    assert CANARY.encode() not in pickled
    assert str(pickle.loads(pickled).outcome.call) == str(error.outcome.call)


def test_violations_are_shown_one_a_line() -> None:
    """Each line has the path, the sentence and, where there is one, the rule."""
    error = wh.DefinitionError(iter(FOUND))

    assert error.violations == tuple(FOUND)
    assert str(error) == "$.name: give the action a name (R1)\n$: something else"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (wh.NotFound("action", "A"), "There is no action named 'A'. Save it first, or list what is there."),
        (
            wh.Conflict("action", "A", 0, 3),
            "An action named 'A' exists already (version 3). Choose another name.",
        ),
        (
            wh.Conflict("journey", "J", 0, 3),
            "A journey named 'J' exists already (version 3). Choose another name.",
        ),
        (
            wh.Conflict("journey", "J", 1, 2),
            "The journey 'J' is at version 2, not 1. Read it again, repeat the change and save with the version read.",
        ),
        (
            wh.StillInUse("action", "A", ("J", "K")),
            "The action 'A' is used by J, K (R28). Take it out of these first.",
        ),
    ],
)
def test_a_repository_says_what_to_do(error, text) -> None:
    """The sentences of a repository name what, where, and the way out."""
    assert str(error) == text


@pytest.mark.parametrize(
    ("text", "line", "column", "shown"),
    [
        ("1 + ?", 1, 5, "line 1, column 5: bad\n  1 + ?\n      ^"),
        ("1 +\n ?", 2, 2, "line 2, column 2: bad\n   ?\n   ^"),
        ("", 1, 1, "line 1, column 1: bad\n  \n  ^"),
        ("x\n", 2, 1, "line 2, column 1: bad\n  \n  ^"),
    ],
)
def test_an_expression_error_points_at_the_place(text, line, column, shown) -> None:
    """The line is shown with a caret under the column."""
    assert str(wh.ExpressionError("bad", text=text, line=line, column=column)) == shown


def test_an_expression_error_shows_no_whole_text() -> None:
    """Of a long line only the part around the place is shown, with the caret under it, and what was expected."""
    text = "a" * 500 + "?" + "b" * 500
    error = wh.ExpressionError("bad", text=text, column=501, expected=("'+'", "the end"))

    _, excerpt, caret, expected = str(error).splitlines()

    assert len(excerpt) <= 90
    assert excerpt[caret.index("^")] == "?"
    assert expected == "expected: '+', the end"


def test_a_rejection_knows_the_status() -> None:
    """The status is that of the last answer."""
    assert wh.Rejected("no", OUTCOME).status == 500


@pytest.mark.parametrize(
    "values",
    [
        {"n": CANARY, "h": "ok"},
        {"n": 1, "h": f"{CANARY}\r\n"},
        {"n": 1, "h": [CANARY]},
        {"n": {"password": CANARY}, "h": CANARY + "\x00"},
        {"n": [CANARY], "h": "ok"},
    ],
)
def test_a_render_error_repeats_no_value(values) -> None:
    """Whatever a value is, the error names its place and its type only, in sentence, repr and parts."""
    action = wh.Action(
        name="A",
        url_configuration=wh.UrlConfiguration("https://h.example", headers={"h": wh.variable("H")}),
        message_parameters=wh.message_parameters({"n": 1}, variables={"n": "N"}),
    )

    with pytest.raises(wh.RenderError) as caught:
        wh.preview(action, values, path=f"{CANARY}/..")

    assert CANARY not in f"{caught.value} {caught.value!r} {caught.value.violations} {caught.value.args}"


@pytest.mark.parametrize(
    "make",
    [
        lambda: wh.UrlConfiguration("https://h.example", headers={"X-Key": f"{CANARY}\n"}),
        lambda: wh.UrlConfiguration(f"https://joe:{CANARY}@h.example"),
        lambda: wh.UrlConfiguration(f"https://h.example/?key={CANARY} "),
        lambda: wh.UrlConfiguration("https://h.example", query_parameters={"key": f"{CANARY}\ud800"}),
        lambda: wh.UrlConfiguration("https://h.example", headers={"Content-Type": CANARY, "Charset": CANARY}),
    ],
)
def test_a_violation_repeats_no_value(make) -> None:
    """A broken rule is told by place and sentence, without the value that breaks it."""
    found = wh.violations(make())

    assert found
    assert CANARY not in f"{found}"


@pytest.mark.parametrize(
    "make",
    [
        lambda: wh.UrlConfiguration("https://h.example", headers={"X-Key": CANARY.encode()}),
        lambda: wh.Action(name="A", authentication=CANARY),
        lambda: wh.message_parameters(f'{{"key": "{CANARY}"'),
        lambda: wh.message_parameters([CANARY]),
        lambda: wh.ActionActivity("A", label="x", path=[CANARY]),
        lambda: wh.Context(CANARY),
        lambda: wh.Context.from_document({"now": CANARY}),
    ],
)
def test_a_refused_construction_repeats_no_value(make) -> None:
    """A value of a wrong type is told by its type."""
    with pytest.raises(wh.DefinitionError) as caught:
        make()

    assert CANARY not in f"{caught.value} {caught.value!r}"
