"""The plan: from an action and values to the exact call, through `wayhook.preview`."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

import wayhook as wh
from wayhook.rendering.plan import Given, plan_activity, plan_values

DEFAULTS = (("Content-Type", "application/json"), ("Charset", "UTF-8"))


def action(url: str = "https://api.shop.example/v1", **parts: Any) -> wh.Action:
    """An action with the given parts of its URL configuration and of its own."""
    names = ("method", "headers", "query_parameters")
    configuration = wh.UrlConfiguration(url, **{name: parts.pop(name) for name in names if name in parts})
    return wh.Action(name="Act", url_configuration=configuration, **parts)


def refused(*arguments: Any, **parts: Any) -> wh.RenderError:
    """The error of a preview whose values do not fit."""
    with pytest.raises(wh.RenderError) as caught:
        wh.preview(*arguments, **parts)
    return caught.value


def test_the_call_of_the_readme(send_sms: wh.Action) -> None:
    """Method, URL, headers in order, body and masked key are all there, and nothing else."""
    call = wh.preview(send_sms, {"to": "+33611111111", "text": "Hé", "X-Campaign": "c1"}, path="messages")

    assert (call.action, call.method) == ("SendSms", "POST")
    assert call.url == "https://sms.example.com/v1/messages?tenant=acme"
    assert call.headers == (*DEFAULTS, ("X-Campaign", "c1"))
    assert call.masked_headers == (*DEFAULTS, ("X-Campaign", "c1"), ("X-Api-Key", "‹env:SMS_KEY›"))
    assert call.body == b'{"to":"+33611111111","text":"H\xc3\xa9","priority":1}'


@pytest.mark.rule("R49", "R50", "R58")
@pytest.mark.parametrize(
    ("static", "path", "url"),
    [
        ("https://h.example", "", "https://h.example"),
        ("https://h.example/", "", "https://h.example/"),
        ("https://h.example", "a", "https://h.example/a"),
        ("https://h.example/", "/a", "https://h.example/a"),
        ("https://h.example/static/", "42/messages", "https://h.example/static/42/messages"),
        ("https://h.example/static", "/42/messages", "https://h.example/static/42/messages"),
        ("https://h.example/static", "a/", "https://h.example/static/a/"),
        ("https://h.example/static", "/", "https://h.example/static/"),
        ("https://H.Example:443/s", "x", "https://h.example/s/x"),
        ("https://h.example/a%20b/é", "c d", "https://h.example/a%20b/%C3%A9/c%20d"),
        ("https://h.example/s", "é?x=1&y#z", "https://h.example/s/%C3%A9%3Fx=1&y%23z"),
        ("https://h.example/s", "100%25", "https://h.example/s/100%2525"),
        ("https://h.example/s", "a:b@c;d,e=f", "https://h.example/s/a:b@c;d,e=f"),
        ("https://h.example/s", "@evil.example", "https://h.example/s/@evil.example"),
        ("https://h.example", "@evil.example", "https://h.example/@evil.example"),
        ("https://h.example", ":8080", "https://h.example/:8080"),
        ("https://h.example/s", "https:", "https://h.example/s/https:"),
        ("https://h.example/s", "...", "https://h.example/s/..."),
        ("https://h.example/s", ".hidden/a..b", "https://h.example/s/.hidden/a..b"),
        ("https://h.example/s", "a%2Fb", "https://h.example/s/a%252Fb"),
    ],
)
def test_a_path_is_joined_below_the_static_url(static: str, path: str, url: str) -> None:
    """One slash between, every segment percent-encoded once, the authority untouched."""
    assert wh.preview(action(static), path=path).url == url


@pytest.mark.rule("R57", "R58")
@pytest.mark.parametrize(
    "path",
    [
        "//evil.example/",
        "https://evil.example/",
        "a//b",
        "..",
        "../admin",
        "a/../b",
        "a/..",
        ".",
        "a/./b",
        "..;x=1/a",
        "%2e%2e/a",
        "%2E./a",
        "%252e%252e/a",
        "%25252525252e",
        "x%2f..%2fy",
        "x%2f%2e%2e",
        "..%5cx",
        "a\\b",
        "a\x00b",
        "a\r\nHost: evil",
        "a\tb",
        "a\x7fb",
        "a\u2028b",
        "a\ud800",
        "x" * 4097,
    ],
)
def test_a_path_that_climbs_or_can_be_read_in_two_ways_is_unsafe(path: str) -> None:
    """Empty and dot segments in any encoding, control characters and backslashes are refused before sending."""
    error = refused(action("https://h.example/static/"), path=path)

    assert isinstance(error, wh.UnsafeCall)
    assert [(v.path, v.rule) for v in error.violations] == [("$.path", "R58")]
    assert "evil" not in str(error)


@pytest.mark.rule("R54", "R85", "R86")
def test_query_parameters_follow_the_query_of_the_static_url_in_order() -> None:
    """The static query stays as written, parameters come in configured order, the key of the query last."""
    made = action(
        "https://h.example/c?sync=false",
        query_parameters={"lang": "en", "id": wh.variable(), "a b": "ü&=", "opt": wh.variable(optional=True)},
        authentication=wh.ApiKeyAuthentication("appid", wh.secret("env:KEY"), location="query"),
    )

    call = wh.preview(made, {"id": "a b&c"}, path="p")

    assert call.url == "https://h.example/c/p?sync=false&lang=en&id=a%20b%26c&a%20b=%C3%BC%26%3D"
    assert call.masked_url == call.url + "&appid=‹env:KEY›"
    assert call.request({wh.secret("env:KEY"): "1 2&3"}).url == call.url + "&appid=1%202%263"


@pytest.mark.rule("R86")
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", ""),
        ("a+b%20/?#", "a%2Bb%2520%2F%3F%23"),
        ("\r\n\x00", "%0D%0A%00"),
        ("😀", "%F0%9F%98%80"),
        (7, "7"),
        (1.5, "1.5"),
        (1e-7, "0.0000001"),
        (True, "true"),
        (Decimal("1E+3"), "1000.0"),
        (date(2030, 1, 2), "2030-01-02"),
        (datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC), "2030-01-02T03%3A04%3A05Z"),
        (datetime(2030, 1, 2, 3, 4, tzinfo=timezone(timedelta(hours=2))), "2030-01-02T03%3A04%3A00%2B02%3A00"),
        (datetime(2030, 1, 2, 3, 4), "2030-01-02T03%3A04%3A00"),  # noqa: DTZ001 - a local time
    ],
)
def test_a_query_value_is_one_value_whatever_it_holds(value: object, text: str) -> None:
    """Every scalar has a text form; no sign of it can end the value or begin another."""
    made = action(query_parameters={"q": wh.variable(), "z": "1"})

    assert wh.preview(made, {"q": value}).url == f"https://api.shop.example/v1?q={text}&z=1"


@pytest.mark.rule("R86")
def test_a_query_value_that_is_too_long_is_unsafe() -> None:
    """8,192 characters may stand in a query, and one more is told without being shown."""
    made = action(query_parameters={"q": wh.variable()})

    assert wh.preview(made, {"q": "x" * 8_192}).url.endswith("x")
    error = refused(made, {"q": "x" * 8_193})
    assert isinstance(error, wh.UnsafeCall)
    assert [(v.path, v.rule) for v in error.violations] == [("$.query_parameters.q", "R86")]
    assert len(str(error)) < 200


@pytest.mark.rule("R65", "R73")
@pytest.mark.parametrize(
    ("value", "text"), [(" x ", "x"), ("a\tb", "a\tb"), ("\t", ""), ("", ""), (7, "7"), (False, "false"), (2.0, "2.0")]
)
def test_a_header_value_is_sent_without_the_white_space_around_it(value: object, text: str) -> None:
    """A variable and a constant are trimmed alike; what stands inside is kept."""
    made = action(headers={"X-Constant": " c ", "X-Variable": wh.variable()})

    assert wh.preview(made, {"X-Variable": value}).headers[-2:] == (("X-Constant", "c"), ("X-Variable", text))


@pytest.mark.rule("R74")
@pytest.mark.parametrize(
    "value", ["a\r\nX-Evil: 1", "a\n", "\ra", "a\x00b", "é", "😀", "a\x7f", "\x01", "\ud800", "x" * 16_385]
)
def test_a_header_value_that_is_no_header_is_unsafe(value: str) -> None:
    """Line breaks, control characters, anything beyond ASCII and too much are refused before sending."""
    error = refused(action(headers={"X-Name": wh.variable()}), {"X-Name": value})

    assert isinstance(error, wh.UnsafeCall)
    assert [(v.path, v.rule) for v in error.violations] == [("$.headers.X-Name", "R74")]
    assert value not in str(error)


@pytest.mark.parametrize("place", ["headers", "query_parameters"])
@pytest.mark.parametrize(
    "value",
    [[1], {"a": 1}, b"x", object(), float("nan"), float("inf"), Decimal("NaN"), Decimal("sNaN"), 10**5000, int],
    ids=["list", "object", "bytes", "any", "nan", "inf", "NaN", "sNaN", "5001 digits", "class"],
)
def test_what_has_no_text_form_is_a_wrong_type(place: str, value: object) -> None:
    """A list, an object and a number that is none cannot stand in a header or a query."""
    error = refused(action(**{place: {"x": wh.variable()}}), {"x": value})

    assert isinstance(error, wh.WrongType)
    assert [violation.path for violation in error.violations] == [f"$.{place}.x"]


@pytest.mark.rule("R148", "R150")
@pytest.mark.parametrize("values", [{}, {"X-A": None, "q": None, "b": None}])
def test_an_optional_variable_that_is_empty_is_left_out(values: dict[str, None]) -> None:
    """No value and a null leave no header, no query parameter and no field behind."""
    optional = wh.variable(optional=True)
    made = action(
        headers={"X-A": optional},
        query_parameters={"q": optional},
        message_parameters=wh.message_parameters({"a": 1, "b": 2}, variables={"b": optional}),
    )

    call = wh.preview(made, values)

    assert (call.url, call.headers, call.body) == ("https://api.shop.example/v1", DEFAULTS, b'{"a":1}')


@pytest.mark.rule("R147")
def test_every_fault_is_reported_at_once() -> None:
    """Missing, wrong, unsafe and unknown come together, each with its path, and none with its value."""
    made = action(
        headers={"X-A": wh.variable(), "X-B": wh.variable()},
        query_parameters={"q": wh.variable(), "r": wh.variable()},
        message_parameters=wh.message_parameters(
            {"n": 1, "o": {"t": "x"}, "l": [1], "p": [{"id": 1}]},
            variables={"n": "", "o.t": "", "l": "", "p": ""},
        ),
    )
    values = {
        "X-A": "tell\nnobody",
        "q": ["tell nobody"],
        "n": "tell nobody",
        "l": [1, "tell nobody", None, 2.5],
        "p": [{"id": 1}, "tell nobody", {"id": {"tell": "nobody"}}],
        "X-a": "tell nobody",
    }

    error = refused(made, values, path="../tell/nobody")

    assert type(error) is wh.RenderError
    assert {violation.path for violation in error.violations} == {
        "$.X-a",
        "$.path",
        "$.headers.X-A",
        "$.headers.X-B",
        "$.query_parameters.q",
        "$.query_parameters.r",
        "$.parameters.n",
        "$.parameters.o.t",
        "$.parameters.l[1]",
        "$.parameters.l[3]",
        "$.parameters.p[1]",
        "$.parameters.p[2].id",
    }
    assert "nobody" not in str(error) + repr(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize(
    ("values", "kind"),
    [({}, wh.MissingValue), ({"to": 1, "text": "a"}, wh.WrongType), ({"to": 1}, wh.RenderError)],
)
def test_the_error_is_the_narrowest_that_fits(values: dict[str, Any], kind: type[wh.RenderError]) -> None:
    """Faults of one kind raise that kind; faults of several raise what they share."""
    made = action(message_parameters=wh.message_parameters({"to": "", "text": ""}, variables={"to": "", "text": ""}))

    assert type(refused(made, values)) is kind


@pytest.mark.rule("R144")
@pytest.mark.parametrize(
    ("name", "hint"),
    [("tex", "did you mean 'text'?"), ("priority", "the action has no such variable"), ("zzz", "there are ")],
)
def test_a_name_that_is_no_variable_is_refused(send_sms: wh.Action, name: str, hint: str) -> None:
    """A slip of the pen gets a suggestion; a constant cannot be overridden by its name."""
    error = refused(send_sms, {"to": "1", "text": "a", "X-Campaign": "c", name: "v"})

    assert [violation.path for violation in error.violations] == [f"$.{name}"]
    assert hint in str(error)


def test_the_same_name_in_several_places_is_told_apart() -> None:
    """`header:`, `query:` and `parameter:` are needed exactly where a name alone would be ambiguous."""
    made = action(
        headers={"id": wh.variable(), "only": wh.variable()},
        query_parameters={"id": wh.variable()},
        message_parameters=wh.message_parameters({"id": 1, "o": {"id": 2}}, variables={"id": "", "o.id": ""}),
    )

    call = wh.preview(made, {"header:id": "h", "query:id": "q", "parameter:id": 3, "o.id": 4, "only": "x"})

    assert call.url.endswith("?id=q")
    assert call.headers[-2:] == (("id", "h"), ("only", "x"))
    assert call.body == b'{"id":3,"o":{"id":4}}'
    assert {v.path for v in refused(made, {"id": "x", "o.id": 4, "header:only": "x"}).violations} >= {
        "$.id",
        "$.header:only",
    }


@pytest.mark.rule("R93", "R95", "R96", "R113", "R114", "R115")
@pytest.mark.parametrize(
    ("authentication", "headers", "query"),
    [
        (wh.NoAuthentication(), (), ""),
        (wh.BasicAuthentication("joe", wh.secret("env:S")), (("Authorization", "Basic am9lOnMzYw=="),), ""),
        (wh.BasicAuthentication("jö", wh.secret("env:S")), (("Authorization", "Basic asO2OnMzYw=="),), ""),
        (
            wh.BasicAuthentication(wh.secret("env:S"), wh.secret("env:S")),
            (("Authorization", "Basic czNjOnMzYw=="),),
            "",
        ),
        (wh.ApiKeyAuthentication("X-Key", wh.secret("env:S")), (("X-Key", "s3c"),), ""),
        (wh.ApiKeyAuthentication("a b", wh.secret("env:S"), location="query"), (), "?a%20b=s3c"),
        (wh.CustomAuthorization("https://t.example", body_type="form"), (("Authorization", "Bearer t0k"),), ""),
        (
            wh.CustomAuthorization(
                "https://t.example", method="GET", authorization_type="Header", token_target="X-Token"
            ),
            (("X-Token", "t0k"),),
            "",
        ),
        (
            wh.CustomAuthorization(
                "https://t.example", method="GET", authorization_type="queryParam", token_target="tok"
            ),
            (),
            "?tok=t0k",
        ),
    ],
)
def test_each_authentication_adds_its_credential_and_nothing_else(
    authentication: wh.Authentication, headers: tuple[tuple[str, str], ...], query: str
) -> None:
    """The secret goes where the kind says; the call that is shown has only its label."""
    call = wh.preview(action(authentication=authentication))
    texts = {secret: "t0k" if secret.label == "token" else "s3c" for secret in call.secrets}

    request = call.request(texts)

    assert request.headers == DEFAULTS + headers
    assert request.url == "https://api.shop.example/v1" + query
    assert not any(text in f"{call!r}{call}{pickle.dumps(call)!r}" for text in ("s3c", "t0k", "am9lOn", "czNj"))


def test_secret_headers_and_parameters_come_after_the_plain_ones() -> None:
    """Secrets of headers, of the query and of the authentication are put in in this order."""
    made = action(
        headers={"X-Secret": wh.secret("env:A"), "X-Plain": "p"},
        query_parameters={"s": wh.literal_secret("l1t"), "p": "1"},
        authentication=wh.ApiKeyAuthentication("X-Key", wh.secret("env:B")),
    )

    call = wh.preview(made)

    assert call.masked_headers == (
        *DEFAULTS,
        ("X-Plain", "p"),
        ("X-Secret", "‹env:A›"),
        ("X-Key", "‹env:B›"),
    )
    assert call.masked_url.endswith("?p=1&s=‹***›")
    assert "l1t" not in f"{call!r}{call}"


def context(**event: Any) -> wh.Context:
    """A context with the event `E`."""
    return wh.Context({"E": event})


@pytest.mark.rule("R51", "R66", "R83", "R145")
def test_an_activity_renders_as_the_same_values_would(send_sms: wh.Action) -> None:
    """Expressions read the context, plain values are themselves, and the call is that of `preview(action, values)`."""
    journey = wh.Journey(
        "Welcome",
        [
            wh.ActionActivity(
                "SendSms",
                label="day1",
                path=wh.expression("@event{E.id} + '/messages'"),
                headers={"X-Campaign": wh.expression("@event{E.id}")},
                parameters={"to": wh.expression("@event{E.phone}"), "text": "@event{E.phone}"},
            )
        ],
    )

    call = wh.preview(journey, "day1", context(id=7, phone="+336"), actions=send_sms)

    values = {"to": "+336", "text": "@event{E.phone}", "X-Campaign": 7}
    assert call == wh.preview(send_sms, values, path="7/messages")


@pytest.mark.parametrize(
    ("path", "event", "kind"),
    [
        (wh.expression("@event{E.id}"), {}, wh.MissingValue),
        (wh.expression("@event{E.id}"), {"id": [1]}, wh.WrongType),
        (wh.expression("@event{E.id} + 1"), {"id": True}, wh.WrongType),
        (wh.expression("@event{E.id}"), {"id": "../x"}, wh.UnsafeCall),
    ],
)
def test_a_path_from_data_is_checked_like_any_other(
    path: wh.Expression, event: dict[str, Any], kind: type[wh.RenderError]
) -> None:
    """A null path is a missing value, and a fault inside of an expression is told by the path of its place."""
    plan = plan_activity(action(), wh.ActionActivity("Act", label="a", path=path))

    with pytest.raises(kind) as caught:
        plan.render(context(**event))

    assert [violation.path for violation in caught.value.violations] == ["$.path"]


@pytest.mark.rule("R65", "R68", "R83", "R144", "R147", "R166")
def test_an_activity_that_does_not_fit_its_action_is_refused_with_every_fault() -> None:
    """Unknown names, overridden constants and required variables without a value come together."""
    made = action(
        headers={"X-Constant": "c", "X-Variable": wh.variable(), "X-Optional": wh.variable(optional=True)},
        query_parameters={"lang": "en", "id": wh.variable()},
        message_parameters=wh.message_parameters(
            {"const": 1, "var": 2, "o": {"in": 3}, "list": [{"id": 1}]}, variables={"var": "", "list": ""}
        ),
    )
    activity = wh.ActionActivity(
        "Act",
        label="a",
        headers={"X-Constant": "other", "X-Unknown": "u"},
        query_parameters={"lang": "fr"},
        parameters={"const": 5, "o": {}, "o.in": 4, "lst": []},
        fields={"list.ix": "x"},
    )

    with pytest.raises(wh.DefinitionError) as caught:
        plan_activity(made, activity)

    assert {(violation.path, violation.rule) for violation in caught.value.violations} == {
        ("$.headers.X-Constant", "R65"),
        ("$.headers.X-Unknown", "R65"),
        ("$.headers.X-Variable", "R68"),
        ("$.query_parameters.lang", "R83"),
        ("$.query_parameters.id", "R68"),
        ("$.parameters.const", "R144"),
        ("$.parameters.o", "R144"),
        ("$.parameters.o.in", "R144"),
        ("$.parameters.lst", "R144"),
        ("$.parameters.var", "R147"),
        ("$.parameters.list", "R147"),
        ("$.fields.list.ix", "R166"),
    }
    assert "did you mean 'list'?" in str(caught.value)
    assert "did you mean 'list.id'?" in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        (("day1", wh.Context()), "$.action"),
        (("day1", None), "$"),
        (({"to": "x"}, wh.Context()), "$"),
    ],
)
def test_a_journey_is_previewed_with_label_context_and_action(arguments: tuple[Any, ...], path: str) -> None:
    """What is missing for the look is named."""
    journey = wh.Journey("J", [wh.ActionActivity("Act", label="day1")])

    with pytest.raises(wh.DefinitionError) as caught:
        wh.preview(journey, *arguments, actions=())

    assert [violation.path for violation in caught.value.violations] == [path]


@pytest.mark.parametrize("actions", [7, "Act", [None], {"Act": 1}])
def test_the_actions_of_a_preview_are_actions(actions: Any) -> None:
    """Names and mappings are told from actions before anything is looked up."""
    journey = wh.Journey("J", [wh.ActionActivity("Act", label="day1")])

    with pytest.raises(wh.DefinitionError, match=r"\$\.actions"):
        wh.preview(journey, "day1", wh.Context(), actions=actions)


@pytest.mark.parametrize("definition", [None, "Act", wh.UrlConfiguration("https://h.example")])
def test_only_an_action_or_a_journey_is_previewed(definition: Any) -> None:
    """Anything else is refused with its type."""
    with pytest.raises(wh.DefinitionError, match=type(definition).__name__):
        wh.preview(definition, {})


def test_a_preview_of_what_is_not_there_says_so() -> None:
    """An unknown label is not found, and an action takes values, not a label."""
    with pytest.raises(wh.NotFound, match="day2"):
        wh.preview(wh.Journey("J"), "day2", wh.Context(), actions=action())
    with pytest.raises(wh.DefinitionError, match="mapping"):
        wh.preview(action(), "day1")  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("parts", "rules"),
    [
        ({"url": "ftp://h.example"}, {"R36"}),
        ({"url": "https://u:p@h.example/"}, {"R55"}),
        ({"url": "https://h.example/#a"}, {"R56"}),
        ({"url": "https://h.example/{id}"}, {"R53"}),
        ({"headers": {"X Y": "1"}}, {"R71"}),
        ({"headers": {"X-A": "a\r\nb"}}, {"R72"}),
        ({"headers": {"X-A": "1", "x-a": "2"}}, {"R81"}),
        ({"headers": {"Host": "evil.example"}}, {"R71"}),
        ({"headers": {"Transfer-Encoding": "chunked"}}, {"R71"}),
        ({"authentication": wh.ApiKeyAuthentication("Host", wh.secret("env:A"))}, {"R71"}),
        ({"query_parameters": {"\ud800": "1"}}, {"R86"}),
        ({"url": "nonsense", "headers": {"X:": "a\n"}}, {"R37", "R71", "R72"}),
    ],
)
def test_an_action_that_cannot_be_rendered_safely_is_refused_as_a_definition(
    parts: dict[str, Any], rules: set[str]
) -> None:
    """Whatever an edition allows, nothing is rendered that would break the request; all faults come together."""
    with pytest.raises(wh.DefinitionError) as caught:
        plan_values(action(**parts))

    assert {violation.rule for violation in caught.value.violations} == rules


@pytest.mark.parametrize(
    "parts",
    [
        {"url": "https://h.example/\ud800"},
        {"url": "https://h.example/?a=\ud800"},
        {"message_parameters": (wh.MessageParameter("\ud800", wh.DataType.STRING, "a"),)},
        {"message_parameters": (wh.MessageParameter("a", wh.DataType.STRING, "\ud800"),)},
        {"authentication": wh.ApiKeyAuthentication("\ud800", wh.secret("env:A"), location="query")},
    ],
    ids=["path", "query", "field name", "constant", "key name"],
)
def test_half_a_surrogate_pair_in_an_action_is_refused_as_a_definition(parts: dict[str, Any]) -> None:
    """Text that has no bytes is named with its place, wherever it stands, when checked and when rendered."""
    made = action(**parts)

    assert wh.violations(made)
    with pytest.raises(wh.DefinitionError, match="surrogate"):
        wh.preview(made)


@pytest.mark.rule("R33")
def test_an_action_without_a_url_makes_no_call() -> None:
    """A Campaign Classic action has a payload only."""
    with pytest.raises(wh.DefinitionError, match=r"\$\.url_configuration"):
        wh.preview(wh.Action(name="A", action_type="campaignClassic"))


def test_a_preview_may_be_had_of_what_may_not_be_called() -> None:
    """Hosts, ports and methods are a matter of saving and dialling, not of looking."""
    made = action("http://127.0.0.1:8080/x", method="OPTIONS")

    assert wh.violations(made)
    assert (wh.preview(made).method, wh.preview(made).url) == ("OPTIONS", "http://127.0.0.1:8080/x")


def test_a_plan_renders_the_same_again() -> None:
    """Rendering is deterministic, and one plan serves any number of calls."""
    made = action(message_parameters=wh.message_parameters({"a": 1}, variables={"a": ""}))
    plan = plan_values(made)

    first, other, again = (plan.render(Given({"a": number}, "p")) for number in (1, 2, 1))

    assert first == again != other
    assert repr(plan) == f"<Plan of {made!r}>"


def test_a_call_shows_itself_without_its_body_in_short_and_whole_as_text(send_sms: wh.Action) -> None:
    """`repr` is one line without data; `str` is the request as it goes on the wire, secrets masked."""
    call = wh.preview(send_sms, {"to": "1", "text": "hi", "X-Campaign": "c"}, path="m")

    assert repr(call) == "<Call SendSms: POST https://sms.example.com/v1/m?tenant=acme, 35 bytes>"
    assert str(call).split("\n") == [
        "POST https://sms.example.com/v1/m?tenant=acme",
        "Content-Type: application/json",
        "Charset: UTF-8",
        "X-Campaign: c",
        "X-Api-Key: ‹env:SMS_KEY›",
        "",
        '{"to":"1","text":"hi","priority":1}',
    ]
    assert repr(wh.preview(action())).endswith("no body>")
