"""From EventBridge: connections, API destinations, their rates, and the product's own JSON beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import wayhook as wh

DOCUMENTS = Path(__file__).parent / "documents"
ARN = "arn:aws:events:eu-west-1:123456789012:connection/shop-key/4711"


def connection(kind: str, **parameters: Any) -> dict[str, Any]:
    """A connection as `DescribeConnection` has it."""
    return {"Name": "shop-key", "AuthorizationType": kind, "AuthParameters": parameters, "ConnectionArn": ARN}


def destination(**parts: Any) -> dict[str, Any]:
    """An API destination as `DescribeApiDestination` has it."""
    endpoint = "https://api.shop.example/v1/orders"
    return {
        "Name": "send-order", "ConnectionArn": ARN, "InvocationEndpoint": endpoint, "HttpMethod": "POST", **parts,
    }  # fmt: skip


KEY = connection("API_KEY", ApiKeyAuthParameters={"ApiKeyName": "X-Key", "ApiKeyValue": "canary"})


def told(found: wh.Imported) -> set[str]:
    """What was left out."""
    return {each.what for each in found.left_out}


def test_a_connection_and_a_destination() -> None:
    """The connection is bound to the host, the action refers to it, the rate is a throttling."""
    found = wh.from_eventbridge(
        KEY, destination(InvocationRateLimitPerSecond=300, Description="Orders"), name="SendOrder"
    )

    assert found.connections == (
        wh.Connection(
            "ShopKey",
            wh.ApiKeyAuthentication("X-Key", wh.secret("env:SHOPKEY_X_KEY")),
            hosts={"api.shop.example"},
        ),
    )
    assert found.action == wh.Action(
        name="SendOrder",
        description="Orders",
        url_configuration=wh.UrlConfiguration("https://api.shop.example/v1/orders"),
        authentication=wh.connection("ShopKey"),
    )
    assert found.limits == (
        wh.ThrottlingRule("https://api.shop.example/v1/orders", ["POST"], 300, "send-order", "Orders"),
    )
    assert told(found) == {"the event"}
    assert "canary" not in f"{found}{found!r}{found.connections}"


@pytest.mark.parametrize(
    ("given", "authentication"),
    [
        (KEY, wh.ApiKeyAuthentication("X-Key", wh.secret("env:SHOPKEY_X_KEY"))),
        (
            connection("API_KEY", ApiKeyAuthParameters={"ApiKeyName": "Authorization", "ApiKeyValue": "Bearer canary"}),
            wh.BearerAuthentication(wh.secret("env:SHOPKEY_AUTHORIZATION")),
        ),
        (
            connection("BASIC", BasicAuthParameters={"Username": "joe", "Password": "canary"}),
            wh.BasicAuthentication("joe", wh.secret("env:SHOPKEY_PASSWORD")),
        ),
        (
            connection("BASIC", BasicAuthParameters={"Username": {"Ref": "User"}}),
            wh.BasicAuthentication(wh.secret("env:USER"), wh.secret("env:SHOPKEY_PASSWORD")),
        ),
        (
            connection(
                "OAUTH_CLIENT_CREDENTIALS",
                OAuthParameters={
                    "AuthorizationEndpoint": "https://id.example/token",
                    "HttpMethod": "POST",
                    "ClientParameters": {"ClientID": "app-4", "ClientSecret": "canary"},
                    "OAuthHttpParameters": {
                        "BodyParameters": [
                            {"Key": "grant_type", "Value": "client_credentials"},
                            {"Key": "scope", "Value": "a b"},
                            {"Key": "audience", "Value": "x", "IsValueSecret": False},
                            {"Key": "extra", "Value": "canary", "IsValueSecret": True},
                        ]
                    },
                },
            ),
            wh.OAuthClientCredentials(
                "https://id.example/token",
                "app-4",
                wh.secret("env:SHOPKEY_CLIENTSECRET"),
                scope="a b",
                parameters={"audience": "x", "extra": wh.secret("env:SHOPKEY_EXTRA")},
            ),
        ),
    ],
)
def test_authentications(given: dict[str, Any], authentication: wh.Authentication) -> None:
    """Each type becomes the authentication that sends the same, with references."""
    found = wh.from_eventbridge(given)

    assert found.connections == (wh.Connection("ShopKey", authentication),)
    assert "canary" not in f"{found}{found!r}{wh.dumps(found.connections[0])}"


def test_a_token_that_is_asked_for_in_another_way() -> None:
    """Headers, a query and another grant are those of a custom authorization."""
    text = (DOCUMENTS / "oauth-destination.yaml").read_text().replace("'<>'", "'https://api.shop.example/token'")

    found = wh.from_eventbridge(text)

    [kept] = found.connections
    custom = kept.authentication
    assert isinstance(custom, wh.CustomAuthorization)
    assert dict(custom.body_params) == {
        "grant_type": "password",
        "username": wh.secret("env:MYCONNECTION_USERNAME"),
        "password": wh.secret("env:MYCONNECTION_PASSWORD"),
    }
    assert dict(custom.headers)["Content_Type"] == "application/x-www-form-urlencoded"
    assert custom.cache_duration.expiry_in_response == "json://expires_in"
    assert found.action.authentication == wh.connection("MyConnection")
    own = {"AuthorizationEndpoint": "https://id.example/t?a=b", "HttpMethod": "GET", "OAuthHttpParameters": {
        "QueryStringParameters": [{"Key": "x", "Value": "y z"}, {"Key": "s", "Value": "canary", "IsValueSecret": True}],
    }}  # fmt: skip
    asked = wh.from_eventbridge(connection("OAUTH_CLIENT_CREDENTIALS", OAuthParameters=own))
    assert asked.connections[0].authentication.endpoint == "https://id.example/t?a=b&x=y%20z"  # type: ignore[attr-defined]  # a custom authorization
    assert {"GET", "the query parameter s"} <= told(asked)
    assert "canary" not in str(asked)


def test_a_template() -> None:
    """A template has both; what else is in it is told, and a rate that no throttling has."""
    found = wh.from_eventbridge((DOCUMENTS / "datadog-destination.yaml").read_text())

    assert found.action.name == "SendLogAPIDestination"
    assert found.action.authentication == wh.connection("MyDataDogConnection")
    assert found.connections[0].authentication == wh.ApiKeyAuthentication(
        "DD-API-KEY", wh.secret("env:MYDATADOGCONNECTION_DD_API_KEY")
    )
    assert told(found) == {
        "MyDataDogEventBus, EventBridgeTargetRole, MyDLQueue, EventRuleSendLog", "the event",
        "InvocationRateLimitPerSecond",
    }  # fmt: skip
    assert found.limits == ()


PARAMETERS = {
    "HeaderParameters": [
        {"Key": "X-Tenant", "Value": "acme"},
        {"Key": "X-S", "Value": "canary", "IsValueSecret": True},
    ],
    "QueryStringParameters": [{"Key": "v", "Value": "2"}],
    "BodyParameters": [{"Key": "source", "Value": 'a"b'}, {"Key": "pin", "Value": "canary", "IsValueSecret": True}],
}


def test_parameters_of_each_call() -> None:
    """Headers and query go to the action, body parameters are fields, a secret one is a variable."""
    given = {**KEY, "AuthParameters": {**KEY["AuthParameters"], "InvocationHttpParameters": PARAMETERS}}
    found = wh.from_eventbridge(given, destination())

    call = wh.preview(found.action, {"pin": "1"})
    assert call.url == "https://api.shop.example/v1/orders?v=2"
    assert call.body == b'{"source":"a\\"b","pin":"1"}'
    assert dict(call.masked_headers)["X-S"] == "‹env:SHOPKEY_X_S›"
    assert "canary" not in f"{found}{found!r}{wh.dumps(found.action)}"
    alone = wh.from_eventbridge(given)
    assert told(alone) == {"InvocationHttpParameters"}


@pytest.mark.parametrize(
    ("endpoint", "url", "below"),
    [
        ("https://h.example/orders/*/items/*", "https://h.example/orders", "{*}/items/{*}"),
        ({"Fn::Sub": "https://h.example/${Stage}/x"}, "https://h.example", "{Stage}/x"),
        ({"Ref": "Url"}, "https://default.example/x", ""),
    ],
)
def test_endpoints(endpoint: Any, url: str, below: str) -> None:
    """Wildcards and parameters without a default end the URL; the rest is the path of the activity."""
    template = {
        "Parameters": {"Url": {"Default": "https://default.example/x"}},
        "Resources": {
            "D": {"Type": "AWS::Events::ApiDestination", "Properties": destination(InvocationEndpoint=endpoint)},
        },
    }
    found = wh.from_eventbridge(api_destination=template)

    assert wh.preview(found.action).url == url
    assert (f"the path {below}" in told(found)) is bool(below)
    assert found.action.authentication == wh.connection("ShopKey")


@pytest.mark.parametrize(
    ("connection_given", "destination_given", "message"),
    [
        (None, None, "give a connection, an API destination, or both"),
        ({}, None, r"\$\.AuthorizationType: API_KEY, BASIC or OAUTH_CLIENT_CREDENTIALS"),
        ({"AuthorizationType": "API_KEY"}, None, r"\$\.AuthParameters\.ApiKeyAuthParameters\.ApiKeyName"),
        ({"AuthorizationType": "API_KEY", "AuthParameters": []}, None, r"\$\.AuthParameters: an object belongs here"),
        (connection("OAUTH_CLIENT_CREDENTIALS", OAuthParameters={}), None, r"AuthorizationEndpoint: the URL"),
        ({"Type": "AWS::SQS::Queue", "Properties": {}}, None, r"\$\.Type: AWS::Events::Connection or"),
        (None, {}, r"\$\.url: an absolute URL"),
        (None, destination(HttpMethod="FETCH"), r"\$\.HttpMethod: one of GET"),
        (None, destination(InvocationEndpoint=7), r"\$\.InvocationEndpoint: a text belongs here"),
        (None, destination(InvocationEndpoint={"Ref": "Nobody"}), "give a value for Nobody"),
        (7, None, "is an object, or its text"),
        ("{", None, "not JSON"),
    ],
)
def test_documents_that_are_none(connection_given: Any, destination_given: Any, message: str) -> None:
    """What is missing or of a wrong type is told with its place."""
    with pytest.raises(wh.DefinitionError, match=message):
        wh.from_eventbridge(connection_given, destination_given)


def test_a_destination_without_its_connection() -> None:
    """The name in its ARN is the connection that it refers to; without one that is told."""
    found = wh.from_eventbridge(api_destination=destination())
    without = wh.from_eventbridge(api_destination=destination(ConnectionArn={"Ref": "X"}))

    assert found.action.authentication == wh.connection("ShopKey")
    assert without.action.authentication == wh.NoAuthentication()
    assert "the connection" in told(without)


AUTHORIZATION = {
    "type": "customAuthorization",
    "authorizationType": "Bearer",
    "endpoint": "https://login.mailer.example/token",
    "method": "POST",
    "headers": {"Authorization": "Basic EncodeBase64(cid-12:sec-canary)", "Accept": "application/json"},
    "body": {
        "bodyType": "json",
        "bodyParams": {"grant_type": "password", "password": "pw-canary", "deep": {"x": ["z-canary"]}},
    },
    "tokenInResponse": "json://access_token",
}  # fmt: skip
CAPPING = {
    "url": "https://h.example/*",
    "methods": ["POST"],
    "services": {"action": {"rating": {"maxCallsCount": 5, "periodInMs": 1000}}},
}
THROTTLING = {"urlPattern": "https://h.example/*", "methods": ["POST"], "maxThroughput": 200}


@pytest.mark.parametrize("wrapped", [False, True])
def test_an_authorization_of_the_product(wrapped: bool) -> None:  # noqa: FBT001
    """It is a connection whose secrets are references: the caller's, or named for the place."""
    given = {"authentication": AUTHORIZATION} if wrapped else AUTHORIZATION
    found = wh.from_adobe(given, name="Mailer", secrets={"password": "vault:mailer/pw"})

    [kept] = found.connections
    custom = kept.authentication
    assert kept.name == "Mailer"
    assert isinstance(custom, wh.CustomAuthorization)
    assert dict(custom.headers)["Authorization"] == wh.SecretText(
        "Basic ", wh.Base64("cid-12", ":", wh.secret("env:MAILER_AUTHORIZATION"))
    )
    assert dict(custom.body_params) == {
        "grant_type": "password",
        "password": wh.secret("vault:mailer/pw"),
        "deep": {"x": [wh.secret("env:MAILER_DEEP_X_0")]},
    }
    assert {each.place for each in found.secrets} == {"Authorization", "password", "deep.x.0"}
    assert "canary" not in f"{found}{found!r}{wh.dumps(kept)}"


def test_limits_of_the_product() -> None:
    """A capping and a throttling are limits, read by their own readers."""
    assert wh.from_adobe(CAPPING).limits == (wh.load_capping(CAPPING),)
    assert wh.from_adobe(THROTTLING).limits == (wh.load_throttling(THROTTLING),)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "this is none of"),
        ({"type": "other"}, r"\$\.type"),
        ({**CAPPING, "url": ""}, r"\$\.url"),
        ({**THROTTLING, "maxThroughput": 1}, r"\$\.maxThroughput"),
        ({**AUTHORIZATION, "headers": {"A": "INSERT_SECRET_HERE"}}, "a placeholder is left"),
        ("{", "not JSON"),
        (7, "is an object, or its text"),
    ],
)
def test_json_of_the_product_that_is_none(given: Any, message: str) -> None:
    """The faults are those of the readers."""
    with pytest.raises(wh.DocumentError, match=message):
        wh.from_adobe(given)
    with pytest.raises(wh.DefinitionError, match="no such place"):
        wh.from_adobe(AUTHORIZATION, secrets={"nobody": "env:A"})
