"""Property: the bytes of a preview are the bytes that a socket receives, secrets apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wayhook as wh
from wayhook.testing import FakeSecrets, LoopbackService

RAILS = wh.Guardrails.standard(network=wh.NetworkPolicy(loopback=True))
SECRET = wh.secret("env:KEY")

texts = st.text(st.characters(codec="utf-8"), max_size=20)
visible = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20)
query_names = texts.filter(lambda name: name and not name.startswith((".", "$")))
field_names = texts.filter(lambda name: name and "." not in name and not name.startswith("$"))
header_names = st.sampled_from(["X-A", "x-b", "X_c!", "Accept", "User-Agent", "Cookie", "Origin"])
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(field_names, below, max_size=3),
    max_leaves=8,
)
authentications = st.sampled_from(
    [
        wh.NoAuthentication(),
        wh.BasicAuthentication("jo e", SECRET),
        wh.ApiKeyAuthentication("X-Key", SECRET),
        wh.ApiKeyAuthentication("a key", SECRET, location="query"),
    ]
)


@pytest.fixture(scope="module")
def service() -> Iterator[LoopbackService]:
    """A service on a real socket that remembers what it received."""
    with LoopbackService() as running:
        yield running


@given(
    data=st.data(),
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]),
    static=st.sampled_from(["", "/", "/v1", "/v1/a%20b", "/v1/?x=1&y=%2F", "?x"]),
    path=texts,
    headers=st.dictionaries(header_names, visible, max_size=4),
    query=st.dictionaries(query_names, texts, max_size=3),
    sample=st.dictionaries(field_names, json_values, min_size=1, max_size=4),
    nulls=st.booleans(),
    authentication=authentications,
    secret=visible.map("s3cr3t{}!".format),
)
def test_what_is_previewed_is_what_is_received(  # noqa: PLR0917 - drawn
    service: LoopbackService,
    data: st.DataObject,
    method: str,
    static: str,
    path: str,
    headers: dict[str, str],
    query: dict[str, str],
    sample: dict[str, Any],
    nulls: bool,  # noqa: FBT001
    authentication: wh.Authentication,
    secret: str,
) -> None:
    """Method, target, configured headers in their order and body are the same bytes; one secret is put in its place."""
    variable = data.draw(st.sets(st.sampled_from([*headers, *query])) if headers or query else st.just(set()))
    names = {name: wh.variable() if name in variable else value for name, value in {**headers, **query}.items()}
    action = wh.Action(
        name="Act",
        url_configuration=wh.UrlConfiguration(
            service.url + static,
            method=method,
            headers={name: names[name] for name in headers},
            query_parameters={name: names[name] for name in query},
        ),
        authentication=authentication,
        message_parameters=wh.message_parameters(sample) if method != "GET" else (),
        allow_null_values=nulls,
    )
    values = {name: value for name, value in {**headers, **query}.items() if name in variable}
    try:
        call = wh.preview(action, values, path=path)
    except wh.RenderError as error:
        assert {violation.path for violation in error.violations} == {"$.path"}  # noqa: PT017 - a path may be refused
        return
    before = len(service.received)

    outcome = wh.call(action, values, path=path, guardrails=RAILS, secrets=FakeSecrets({"env:KEY": secret}))

    assert outcome.raise_for_error().call == call
    (received,) = service.received[before:]
    sent = call.request({SECRET: secret})
    configured = {name for name, _ in sent.headers}
    target = sent.url.removeprefix(service.url)
    assert received.method == call.method
    assert received.target == (target if target.startswith("/") else "/" + target)
    assert tuple(pair for pair in received.raw_headers if pair[0] in configured) == sent.headers
    assert received.body == (call.body or b"")
    if authentication.credentials():
        assert secret not in f"{call.url}{call.headers}"[:0] + repr(outcome)
