"""Authentications: what each adds to a call, and what none of them shows."""

from __future__ import annotations

import pytest

import wayhook as wh

CANARY = "canary-7f3a"
PASSWORD = wh.secret("env:PASSWORD")
LITERAL = wh.literal_secret(CANARY)


def call(authentication: wh.Authentication, url: str = "https://h.example/v1") -> wh.Call:
    """The call of an action with the authentication."""
    return wh.preview(wh.Action(name="A", url_configuration=wh.UrlConfiguration(url), authentication=authentication))


def custom(**parts) -> wh.CustomAuthorization:
    """A custom authorization that keeps every rule."""
    return wh.CustomAuthorization(**{"endpoint": "https://id.example/token", "body_type": "form", **parts})


@pytest.mark.rule("R91")
def test_none_adds_nothing() -> None:
    """Without authentication a call has no credentials and no Authorization header."""
    plain = call(wh.NoAuthentication())

    assert plain.credentials == ()
    assert "authorization" not in {name.lower() for name, _ in plain.request({}).headers}


@pytest.mark.rule("R93")
def test_basic_sends_base64_of_user_name_and_password() -> None:
    """The header is that of RFC 7617, in UTF-8."""
    basic = call(wh.BasicAuthentication("joe", PASSWORD))

    assert ("Authorization", "Basic am9lOnMzYw==") in basic.request({PASSWORD: "s3c"}).headers
    assert ("Authorization", "Basic am9lOsOpOg==") in basic.request({PASSWORD: "é:"}).headers


def test_a_user_name_may_be_a_secret() -> None:
    """Both halves of basic credentials are looked up where both are references."""
    user = wh.secret("env:USER_NAME")
    basic = call(wh.BasicAuthentication(user, PASSWORD))

    [credential] = basic.credentials

    assert credential.text.secrets == (user, PASSWORD)
    assert ("Authorization", "Basic am9lOnMzYw==") in basic.request({user: "joe", PASSWORD: "s3c"}).headers


@pytest.mark.rule("R95")
@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://h.example/v1", "https://h.example/v1?appid=12%2634"),
        ("https://h.example/v1?a=b", "https://h.example/v1?a=b&appid=12%2634"),
    ],
)
def test_an_api_key_goes_to_the_end_of_the_query(url, sent) -> None:
    """The key follows whatever query there is, percent-encoded."""
    keyed = call(wh.ApiKeyAuthentication("appid", PASSWORD, location="query"), url)

    assert keyed.request({PASSWORD: "12&34"}).url == sent


@pytest.mark.rule("R96")
def test_an_api_key_goes_into_a_header() -> None:
    """The key is the value of its header, which is where keys go unless told otherwise."""
    keyed = call(wh.ApiKeyAuthentication("X-Key", PASSWORD))

    assert keyed.request({PASSWORD: "1234"}).headers[-1] == ("X-Key", "1234")


@pytest.mark.rule("R58")
@pytest.mark.parametrize(
    ("url", "key", "sent"),
    [
        ("https://h.example/v1", "T/B-7", "https://h.example/v1/T/B-7"),
        ("https://h.example/v1/?a=b", "/T/B-7", "https://h.example/v1/T/B-7?a=b"),
        ("https://h.example", "a b?c", "https://h.example/a%20b%3Fc"),
    ],
)
def test_a_key_goes_to_the_end_of_the_path(url, key, sent) -> None:
    """The key stands behind exactly one slash and before the query, percent-encoded."""
    keyed = call(wh.ApiKeyAuthentication("webhook", PASSWORD, location="path"), url)

    assert keyed.request({PASSWORD: key}).url == sent


@pytest.mark.rule("R113", "R114", "R115")
@pytest.mark.parametrize(
    ("parts", "masked_header", "masked_url"),
    [
        ({}, ("Authorization", "Bearer ‹token›"), "https://h.example/v1"),
        ({"authorization_type": "Bearer"}, ("Authorization", "Bearer ‹token›"), "https://h.example/v1"),
        (
            {"authorization_type": "header", "token_target": "x-auth-token"},
            ("x-auth-token", "‹token›"),
            "https://h.example/v1",
        ),
        (
            {"authorization_type": "queryParam", "token_target": "tok"},
            ("Charset", "UTF-8"),
            "https://h.example/v1?tok=‹token›",
        ),
    ],
)
def test_a_token_goes_where_the_type_says(parts, masked_header, masked_url) -> None:
    """`bearer` and `header` fill a header, `queryParam` the query; the type's letter case does not matter."""
    with_token = call(custom(**parts))

    assert with_token.masked_headers[-1] == masked_header
    assert with_token.masked_url == masked_url


def test_the_secrets_of_a_token_call_are_known_before_it() -> None:
    """Headers and body give their secrets, in order, and nothing else."""
    key = wh.secret("env:KEY")
    authorization = custom(
        headers={"X-Key": key, "X-A": "1"}, body_params={"grant_type": "client_credentials", "client_secret": LITERAL}
    )

    assert authorization.token_call().secrets == (key, LITERAL)


@pytest.mark.parametrize(
    ("parts", "path", "rule"),
    [
        ({"headers": {"X\r\n": "1"}}, "$.authentication.headers.X\r\n", "R71"),
        ({"headers": {"X-A": "a\nb"}}, "$.authentication.headers.X-A", "R72"),
        ({"headers": {"Host": "h"}}, "$.authentication.headers.Host", "R71"),
        ({"endpoint": "http://localhost/t"}, "$.authentication.endpoint", "R48"),
        ({"authorization_type": "header", "token_target": "a b"}, "$.authentication.token_target", "R71"),
    ],
)
def test_the_token_call_keeps_the_rules_of_calls(parts, path, rule) -> None:
    """Endpoint, headers and the place of the token are checked on save like those of an action."""
    action = wh.Action(
        name="A", url_configuration=wh.UrlConfiguration("https://h.example"), authentication=custom(**parts)
    )

    assert [(violation.path, violation.rule) for violation in wh.violations(action)] == [(path, rule)]


@pytest.mark.parametrize(
    ("name", "location", "rules"), [("$a", "header", ["R70"]), ("a b", "header", ["R71"]), ("a b", "query", [])]
)
def test_the_name_of_an_api_key_keeps_the_rules_of_its_place(name, location, rules) -> None:
    """A key in a header has the name of a header."""
    action = wh.Action(
        name="A",
        url_configuration=wh.UrlConfiguration("https://h.example"),
        authentication=wh.ApiKeyAuthentication(name, PASSWORD, location=location),
    )

    assert [violation.rule for violation in wh.violations(action)] == rules


def test_all_faults_of_a_custom_authorization_are_named_at_once() -> None:
    """Construction collects the faults of every part."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.CustomAuthorization(
            "", method="PUT", authorization_type="cookie", body_type="xml", token_in_response="a", headers={"X-A": 1}
        )

    assert [violation.path for violation in caught.value.violations] == [
        "$.endpoint",
        "$.method",
        "$.authorization_type",
        "$.body_type",
        "$.token_in_response",
        "$.headers.X-A",
    ]


@pytest.mark.parametrize(
    "parts",
    [
        {"headers": {7: "x"}},
        {"headers": None},
        {"body_params": {7: "x"}},
        {"body_params": 7},
        {"authorization_type": "header", "token_target": 7},
        {"authorization_type": None},
        {"cache_duration": 3600},
    ],
)
def test_a_part_of_a_wrong_type_is_refused(parts) -> None:
    """A part that is not what belongs there is refused on construction."""
    with pytest.raises(wh.DefinitionError):
        custom(**parts)


@pytest.mark.rule("R92", "R94")
@pytest.mark.parametrize(
    ("make", "paths"),
    [
        (lambda: wh.BasicAuthentication("", "pw"), ["$.username", "$.password"]),
        (lambda: wh.BasicAuthentication(None, None), ["$.username", "$.password"]),
        (lambda: wh.BasicAuthentication("\ud800", PASSWORD), ["$.username"]),
        (lambda: wh.ApiKeyAuthentication("", "1234", location="body"), ["$.name", "$.value", "$.location"]),
        (lambda: wh.ApiKeyAuthentication("appid", wh.literal_secret("")), ["$.value"]),
        (lambda: wh.ApiKeyAuthentication(7, PASSWORD, location=["query"]), ["$.name", "$.location"]),
        (lambda: wh.BearerAuthentication("t-1"), ["$.token"]),
        (lambda: wh.BearerAuthentication(wh.literal_secret("")), ["$.token"]),
    ],
)
def test_what_is_missing_or_no_secret_is_named(make, paths) -> None:
    """All faults of an authentication are named at once, by their paths."""
    with pytest.raises(wh.DefinitionError) as caught:
        make()

    assert [violation.path for violation in caught.value.violations] == paths


@pytest.mark.rule("R92")
def test_a_password_may_be_empty() -> None:
    """Services that take a key as the user name leave the password out (RFC 7617)."""
    nothing = wh.literal_secret("")
    basic = call(wh.BasicAuthentication(PASSWORD, nothing))

    assert ("Authorization", "Basic az1rOg==") in basic.request({PASSWORD: "k=k", nothing: ""}).headers


@pytest.mark.rule("R117")
def test_a_token_is_kept_for_an_hour_unless_told_otherwise() -> None:
    """The default cache duration is one hour."""
    assert custom().cache_duration == wh.CacheDuration(1, wh.TimeUnit.HOURS)
    assert custom().cache_duration.seconds == 3600


@pytest.mark.rule("R118")
@pytest.mark.parametrize(
    ("unit", "seconds"),
    [
        ("milliseconds", 0.002),
        ("seconds", 2),
        ("minutes", 120),
        ("hours", 7_200),
        ("days", 172_800),
        ("months", 5_184_000),
        ("years", 63_072_000),
    ],
)
def test_a_unit_has_a_length(unit, seconds) -> None:
    """A month counts 30 days and a year 365."""
    assert wh.CacheDuration(2, unit).seconds == pytest.approx(seconds)


def test_all_faults_of_a_duration_are_named_at_once() -> None:
    """A bad number and a bad unit are two faults."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.CacheDuration(-1, "weeks")

    assert [violation.path for violation in caught.value.violations] == ["$.duration", "$.time_unit"]


@pytest.mark.rule("R134")
@pytest.mark.parametrize(
    "authentication",
    [
        wh.BasicAuthentication("joe", LITERAL),
        wh.BasicAuthentication(LITERAL, LITERAL),
        wh.ApiKeyAuthentication("X-Key", LITERAL),
        wh.ApiKeyAuthentication("key", LITERAL, location="query"),
        custom(headers={"X-Key": LITERAL}, body_params={"client_secret": LITERAL, "password": CANARY}),
    ],
    ids=lambda authentication: authentication.kind,
)
def test_no_authentication_shows_a_secret(authentication) -> None:
    """Neither the authentication nor the action and the call that carry it show a secret's text."""
    action = wh.Action(
        name="A", url_configuration=wh.UrlConfiguration("https://h.example"), authentication=authentication
    )
    shown = call(authentication)

    for value in (authentication, action, shown):
        assert CANARY not in f"{value!r} {value} {value._repr_html_()}"
    assert CANARY not in f"{shown.masked_url} {shown.masked_headers} {shown.credentials}"


@pytest.mark.parametrize(
    "make",
    [
        lambda: wh.BasicAuthentication("joe", CANARY),
        lambda: wh.BasicAuthentication(f"joe:{CANARY}", PASSWORD),
        lambda: wh.ApiKeyAuthentication("X-Key", CANARY),
        lambda: custom(method="GET", body_params={"client_secret": CANARY, "nested": {"a": CANARY}}),
        lambda: custom(headers={"X-Key": CANARY.encode()}),
    ],
)
def test_no_refusal_repeats_a_secret(make) -> None:
    """A secret given as text is refused without its text."""
    with pytest.raises(wh.DefinitionError) as caught:
        make()

    assert CANARY not in f"{caught.value} {caught.value!r}"
