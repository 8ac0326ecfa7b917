"""The spellings in which a secret of a call may come back."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import wayhook as wh
from wayhook.rendering.credential import checked_spellings
from wayhook.rendering.reflection import SHORTEST, reflections
from wayhook.secret import Base64, Credential, Revealed, SecretReference, SecretText

KEY = SecretReference("env:KEY")


@given(st.text(st.characters(codec="utf-8"), min_size=SHORTEST))
@example("abcDEF_012.~-x")
@example("abc/def+ghi")
@example('say "hi" twice')
@example("back\\slash")
@example("déjà vu, twice")
def test_every_spelling_of_a_secret_is_known(secret: str) -> None:
    """As it is, percent-encoded in either way and case, of a form, in Base64, and in JSON, slashes escaped or not."""
    found = reflections(Revealed({KEY: secret}), ())

    base64 = b64encode(secret.encode()).decode().rstrip("=")
    in_json = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    percent = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    lower = {re.sub("%[0-9A-F]{2}", lambda digits: digits[0].lower(), spelling) for spelling in percent}
    slashed = {spelling.replace("/", "\\/") for spelling in in_json}
    assert set(found) >= {secret, base64, *percent, *lower, *in_json, *slashed}
    assert list(map(len, found)) == sorted(map(len, found), reverse=True)


@pytest.mark.parametrize(("secret", "count"), [("x" * SHORTEST, 2), ("x" * (SHORTEST - 1), 0)])
def test_what_needs_no_encoding_has_two_spellings_and_what_is_short_none(secret: str, count: int) -> None:
    """A text of unreserved signs comes back as it is or in Base64; a short one would be torn out of words."""
    assert len(reflections(Revealed({KEY: secret}), ())) == count


def test_what_is_made_of_texts_holds_for_the_credentials_it_was_made_for() -> None:
    """Texts that serve two calls are looked at again for the other one, whose Base64 may come back as a whole."""
    texts, whole = Revealed({KEY: "longer than eight"}), SecretText("Basic ", Base64("joe:", KEY))
    plain, basic = (Credential("header", "X-Key", SecretText(KEY)),), (Credential("header", "Authorization", whole),)

    first, again = checked_spellings(plain, texts), checked_spellings(plain, texts)
    other = checked_spellings(basic, texts)

    assert again is first
    assert set(other) - set(first) >= {whole.reveal(texts).removeprefix("Basic ")}
    with pytest.raises(wh.WrongType, match="Authorization"):
        checked_spellings((Credential("header", "Authorization", SecretText("\n", KEY)),), texts)
